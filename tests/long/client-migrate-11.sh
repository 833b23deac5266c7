#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# client-migrate.sh from Debian 11 to 12: /bin, /sbin and /lib are directories of their own before.
set -euo pipefail
T_FROM=bullseye exec "$(dirname "$0")/client-migrate.sh"
