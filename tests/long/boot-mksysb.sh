#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image of a system on one partition is restored to the blank disk of a machine whose root is on LVM, and that disk
# starts the machine.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/vm/machine.sh
. "$(dirname "$0")/../vm/machine.sh"
# shellcheck source=tests/long/boot-story.sh
. "$(dirname "$0")/boot-story.sh"
t_need_root
t_private_mounts "$@"
story_need lvm-bios
t_need_tools mke2fs

t_case "a system on one partition writes its image"
mkdir "$T_TMP/media"
story_must machine_disk "$T_TMP/a.disk" plain-bios
story_must machine_image "$T_TMP/a.disk" plain-bios media/plain.mksysb
truncate -s 700M "$T_TMP/media.disk"
story_must mke2fs -q -t ext4 -d "$T_TMP/media" "$T_TMP/media.disk"
rm -r "${T_TMP:?}/media"

story_begin lvm-bios "$T_TMP/media.disk"

t_case "the image is restored to a blank disk"
inside restore <<'END'
set -e
mount -o ro /dev/vdc /mnt
alt_disk_mksysb -m /mnt/plain.mksysb -d /dev/vdb
umount /mnt
lspv
bootlist -m normal -o
END
story_must machine restore 1500
t_match '^/dev/vdb .* altinst_rootvg +asleep' -
story_untouched

story_reboot clone
inside root <<<'findmnt -no SOURCE,FSTYPE /; cat /etc/fstab'
t_ok machine root
t_match '^/dev/vdb[0-9] +ext4' -
t_no_match "$machine_uuid" -
story_reboot old 'bootlist -m normal /dev/vda'
story_untouched
story_pulled
t_done
