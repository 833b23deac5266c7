#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# boot-lvm-bios.sh with LVM and a UEFI.
set -euo pipefail
T_LAYOUT=lvm-uefi exec "$(dirname "$0")/boot-lvm-bios.sh"
