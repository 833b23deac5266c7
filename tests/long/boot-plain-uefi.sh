#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# boot-lvm-bios.sh with one partition and a UEFI.
set -euo pipefail
T_LAYOUT=plain-uefi exec "$(dirname "$0")/boot-lvm-bios.sh"
