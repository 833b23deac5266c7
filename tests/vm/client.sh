#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real Debian client with its root on LVM, started by a BIOS through its own GRUB, initramfs and systemd: what our program
# sees of its disks there, and that the machine can be driven (machine.sh).
# Takes 5 minutes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/vm/machine.sh
. "$(dirname "$0")/machine.sh"
t_need_root
t_private_mounts "$@"
machine_need

t_case "a client is installed by its own programs and comes up"
truncate -s 2600M "$T_TMP/b.disk"
t_ok machine_disk "$T_TMP/a.disk"
t_ok machine_start bios "$T_TMP/a.disk" "$T_TMP/b.disk"
t_ok machine_up 300
t_match "root=/dev/mapper/rootvg-root " <(echo "$machine_booted")

t_case "lspv and bootlist show its disk and the spare one"
inside look <<'LOOK'
lspv
bootlist -m normal -o
LOOK
t_ok machine look
t_match "^/dev/vda .* rootvg +active" -
t_match "^/dev/vdb .* None" -
t_match "^by: GRUB environment" -

t_case "a status and a second boot come through"
inside fail <<<'echo seen; exit 7'
t_fail_with 7 machine fail
t_match "^seen$" -
t_ok machine_reboot 300
t_ok machine_off

t_done
