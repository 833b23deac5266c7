#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# client-nfs-lost.sh with a clone that is mounted over the network.
set -euo pipefail
T_NFS_HOST=10.9.0.2 exec "$(dirname "$0")/client-nfs-lost.sh"
