#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# client-migrate.sh with a client that a UEFI starts.
set -euo pipefail
T_LAYOUT=lvm-uefi exec "$(dirname "$0")/client-migrate.sh"
