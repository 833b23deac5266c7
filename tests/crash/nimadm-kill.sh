#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at random moments: of runs, of resumes, of clean-ups. --resume or -C then converges. The phases are fakes.
. "$(dirname "$0")/../lib.sh"
t_need_root

nimadm=$T_BUILD/tests/command/nimadm-fake
export NIM_STATE=$T_TMP/state NIM_FAKE_WORLD=$T_TMP/world NIM_FAKE_FAULT='' NIM_FAKE_DELAY=3
out=$T_TMP/web13.mksysb
cache=$T_TMP/cache
conf=$T_TMP/nimadm.conf
: >"$conf"
# another seed: SEED=12345 tests/crash/nimadm-kill.sh
seed=${SEED:-$$}
RANDOM=$seed
echo "seed $seed"

fresh() {
	rm -rf "$NIM_STATE" "$NIM_FAKE_WORLD" "$cache" "$out"
	mkdir -p "$NIM_FAKE_WORLD" "$T_TMP/lpp13" "$T_TMP/spot13"
	echo image >"$T_TMP/web12.mksysb"
	"$nimadm" define mksysb web12 location="$T_TMP/web12.mksysb"
	"$nimadm" define lpp_source lpp13 location="$T_TMP/lpp13" release=trixie
	"$nimadm" define spot spot13 location="$T_TMP/spot13" release=trixie
}

# killed MS ARG...: runs nimadm and kills it after a random time below MS; sets $ended to its status (137: it was killed).
killed() {
	local limit=$1
	shift
	ended=0
	t_killed_after "0.$(printf '%03d' $((RANDOM % limit)))" "$nimadm" --config "$conf" "$@" >"$T_OUT" 2>&1 ||
		ended=$?
}

job_state() {
	"$nimadm" --status --json -T web12 | python3 -c 'import json,sys; print(json.loads(sys.stdin.read())["state"])'
}

t_case "runs and resumes, killed until one gets through"
kills=0
for round in {1..30}; do
	# five rounds, and more where chance has killed too few
	if [ "$round" -gt 5 ] && [ "$kills" -gt 5 ]; then break; fi
	fresh
	killed 500 -T web12 -O "$out" -j "$cache" -Y
	tries=0
	# killed before the job was there: it is started again
	while [ "$ended" != 0 ] && [ "$tries" -lt 60 ]; do
		kills=$((kills + 1)) tries=$((tries + 1))
		# the output is whole or not there
		if [ -e "$out" ]; then t_equal new "$(cat "$out")"; fi
		if [ -n "$("$nimadm" --status --json)" ]; then
			killed 500 --resume -T web12
		else
			killed 500 -T web12 -O "$out" -j "$cache" -Y
		fi
	done
	t_ok "$nimadm" --config "$conf" --resume -T web12
	t_equal "round $round: done" "round $round: $(job_state)"
	t_equal new "$(cat "$out")"
	t_equal 22 "$(find "$NIM_FAKE_WORLD" -name '*.[12]' | wc -l)"
	t_equal '' "$(ls "$cache")"
done
echo "$kills kills"
t_ok test "$kills" -gt 5

t_case "clean-ups, killed until one gets through"
kills=0
for round in {1..30}; do
	if [ "$round" -gt 5 ] && [ "$kills" -gt 3 ]; then break; fi
	fresh
	NIM_FAKE_FAULT='10 half operator'
	t_fail_with 1 "$nimadm" --config "$conf" -T web12 -O "$out" -j "$cache" -Y
	NIM_FAKE_FAULT=''
	for _ in 1 2 3 4 5 6; do
		killed 120 -C -T web12
		[ "$ended" = 0 ] || kills=$((kills + 1))
	done
	t_ok "$nimadm" --config "$conf" -C -T web12
	t_equal "round $round: cleaned" "round $round: $(job_state)"
	t_equal 0 "$(find "$NIM_FAKE_WORLD" -name '*.[12]' | wc -l)"
	t_equal '' "$(ls "$cache")"
	t_fail_with 1 test -e "$out"
done
echo "$kills kills"
t_ok test "$kills" -gt 3

t_done
