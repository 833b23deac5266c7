#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real migration, killed after each journal write and at arbitrary moments: --resume ends with the same system.
# Takes 5 minutes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$here/../fixture.sh"

t_need_root
tmp=$T_TMP
fixture_make
fixture_state "$tmp/state"
export NIM_STATE=$tmp/state
job=(-T mini12 -l lpp13 -s spot13 -j "$tmp/cache" -Y)

# The packages of an image, to compare two by.
packages()
{
	mkdir "$tmp/x"
	tar --zstd -xf "$1" -C "$tmp/x" --numeric-owner var/lib/dpkg/status
	grep -E '^(Package|Status|Version|Architecture):' "$tmp/x/var/lib/dpkg/status"
	rm -rf --one-file-system "$tmp/x"
}

# Runs nimadm, tells how it ended.
status=0
try()
{
	status=0
	"$@" >"$tmp/log" 2>&1 || status=$?
}

t_case "the undisturbed migration"
t_ok nimadm "${job[@]}" -O "$tmp/plain.mksysb"
packages "$tmp/plain.mksysb" >"$tmp/plain"

# Odd runs die right after "started", even ones after "done": each journal write of the job is the last one once.
t_case "killed after every journal write, it converges"
try env NIMADM_CRASH_AT=1 nimadm "${job[@]}" -O "$tmp/crash.mksysb"
t_equal 137 "$status"
runs=1
while [ "$status" = 137 ] && [ "$runs" -lt 60 ]; do
	runs=$((runs + 1))
	try env NIMADM_CRASH_AT=$((1 + runs % 2)) nimadm --resume -T mini12
done
[ "$status" = 0 ] || cat "$tmp/log" >&2
t_equal 0 "$status"
t_ok test "$runs" -gt 10
t_ok mksysb --verify "$tmp/crash.mksysb"
packages "$tmp/crash.mksysb" >"$tmp/crash"
t_ok cmp "$tmp/plain" "$tmp/crash"

t_case "killed at arbitrary moments, it converges"
try t_killed_after 4 nimadm "${job[@]}" -O "$tmp/kill.mksysb"
runs=1
while [ "$status" = 137 ] && [ "$runs" -lt 40 ]; do
	t_no_match "$tmp" /proc/self/mounts
	# killed in the last phase, after the image was written: it is there, and whole
	[ ! -e "$tmp/kill.mksysb" ] || t_ok mksysb --verify "$tmp/kill.mksysb"
	runs=$((runs + 1))
	# later each time, so that every part of the longest phase is reached and passed in the end
	try t_killed_after $((3 + 2 * runs)) nimadm --resume -T mini12
done
[ "$status" = 0 ] || cat "$tmp/log" >&2
t_equal 0 "$status"
t_ok test "$runs" -gt 2
t_ok mksysb --verify "$tmp/kill.mksysb"
packages "$tmp/kill.mksysb" >"$tmp/kill"
t_ok cmp "$tmp/plain" "$tmp/kill"

t_case "cleanup after a kill leaves nothing, wherever it struck"
for seconds in 1 3 6 12; do
	try t_killed_after "$seconds" nimadm "${job[@]}" -O "$tmp/never.mksysb"
	t_equal 137 "$status"
	t_ok nimadm -C -T mini12
	t_equal "" "$(find "$tmp/cache" -mindepth 1 -maxdepth 1 -name 'nimadm-job-*')"
	t_ok test ! -e "$tmp/never.mksysb"
done
t_no_match "$tmp" /proc/self/mounts

t_done
