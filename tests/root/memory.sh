#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image of very many files needs no more memory than one of few: nothing keeps the manifest or a list of all paths.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools python3 zstd
if grep -q __asan_init "$T_BUILD/src/cli/nimadm"; then t_skip_all "the sanitizer's own memory counts"; fi
export NIM_TEST_TMP=$T_TMP

t_case "40000 files with one thread: buffers and little else"
# Buffers alone are 14 MiB with 2000 files, and up to 23 MiB when all of them are full.
t_ok "$T_SRC/bench/memory.sh" --files 40000 --threads 1 --limit 27
t_match '^most: ' -

t_done
