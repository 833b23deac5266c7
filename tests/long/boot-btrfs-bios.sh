#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# boot-lvm-bios.sh with btrfs subvolumes and a BIOS.
set -euo pipefail
T_LAYOUT=btrfs-bios exec "$(dirname "$0")/boot-lvm-bios.sh"
