#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two jobs at once that share an lpp_source, a spot and a cache; what they use stays as it is meanwhile.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$(dirname "$0")/../fixture.sh"
t_need_root
fixture_make
fixture_state "$T_TMP/state"
export NIM_STATE=$T_TMP/state
cp --reflink=auto "$fixture/mini12.mksysb" "$T_TMP/twin12.mksysb"
nim -o define -t mksysb -a location="$T_TMP/twin12.mksysb" twin12 >/dev/null

pids=()
# A failed test leaves no job behind.
stop_jobs() {
	local pid
	for pid in "${pids[@]}"; do
		if kill -0 "$pid" 2>/dev/null; then kill -KILL "$pid"; fi
	done
}
t_at_exit stop_jobs

start() {
	nimadm -T "$1" -O "$T_TMP/$2.mksysb" -N "$2" -l lpp13 -s spot13 -j "$T_TMP/cache" -Y >"$T_TMP/$1.log" 2>&1 </dev/null &
	pids+=($!)
}

attr() {
	lsnim -a "$1" "$2" | awk '$2 == "=" { print $3 }'
}

t_case "two jobs run at once"
start mini12 mini13
start twin12 twin13
for log in mini12 twin12; do
	until grep -q 'Executing nimadm phase 3' "$T_TMP/$log.log"; do
		kill -0 "${pids[@]}"
		sleep 0.1
	done
done
t_ok nimadm --status
t_match 'mini12 .*running' -
t_match 'twin12 .*running' -
t_equal 2 "$(attr alloc_count lpp13)"
t_equal 2 "$(attr alloc_count spot13)"

t_case "what they use is neither changed nor removed"
t_fail_with 4 nim -o update lpp13
t_match "'lpp13' is in use by job" -
t_fail_with 4 nim -o update -a source=lpp13 spot13
t_match "'spot13' is in use by job" -
for object in lpp13 spot13; do
	t_fail_with 4 nim -o remove "$object"
	t_match 'nimadm --status' -
done
t_fail_with 4 nim -o remove mini12

t_case "both come to the same end"
for pid in "${pids[@]}"; do
	status=0
	wait "$pid" || status=$?
	t_equal 0 "$status"
done
for name in mini13 twin13; do
	tar --zstd -xOf "$T_TMP/$name.mksysb" var/lib/dpkg/status | grep -E '^(Package|Status|Version):' >"$T_TMP/$name.packages"
done
t_match '^Package: apt$' "$T_TMP/mini13.packages"
t_ok cmp "$T_TMP/mini13.packages" "$T_TMP/twin13.packages"
for name in mini13 twin13; do
	t_ok mksysb --verify "$T_TMP/$name.mksysb"
	t_equal "ready" "$(attr Rstate "$name")"
done

t_case "nothing is left of either"
t_equal 0 "$(attr alloc_count lpp13)"
t_equal 0 "$(attr alloc_count spot13)"
t_equal "" "$(ls -A "$T_TMP/cache")"
t_ok nim -o check lpp13
t_ok nim -o check spot13

t_done
