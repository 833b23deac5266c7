#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine with its root on LVM, started by a BIOS, is cloned while it works; it starts from its clone and goes back, by the boot
# list, for one boot, with either disk pulled. T_LAYOUT: another layout of machine_disk.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/vm/machine.sh
. "$(dirname "$0")/../vm/machine.sh"
# shellcheck source=tests/long/boot-story.sh
. "$(dirname "$0")/boot-story.sh"
t_need_root
t_private_mounts "$@"
layout=${T_LAYOUT:-lvm-bios}
story_need "$layout"

story_begin "$layout"
story_work
story_clone
story_untouched
story_reboot clone
story_data
story_update
story_reboot old 'bootlist -m normal /dev/vda'
story_untouched
story_once
story_pulled
t_done
