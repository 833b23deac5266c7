#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nimadm's own processes stay under 100 MiB: images of half a million files, and a whole migration of one.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$here/../fixture.sh"

t_need_root
fixture_make
export NIM_TEST_TMP=$T_TMP

t_case "500000 files: write, list, verify, compare, extract, and a job from image to image"
t_ok "$T_SRC/bench/memory.sh" --files 500000 --limit 100 --migrate "$fixture"
cat "$T_OUT"

t_done
