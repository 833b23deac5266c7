#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# boot-efi.sh with a firmware that checks signatures (Secure Boot).
set -euo pipefail
T_SECURE_BOOT=yes exec "$(dirname "$0")/../vm/boot-efi.sh"
