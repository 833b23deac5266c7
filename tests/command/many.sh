#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several clients at once: one worker each, one line each, one client's failure its own; --jobs, --watch, Ctrl-C. The phases
# are fakes (nimadm-fake.c).
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools tmux jq

nimadm=$T_BUILD/tests/command/nimadm-fake
export NIM_STATE=$T_TMP/state NIM_FAKE_WORLD=$T_TMP/world NIM_FAKE_FAULT='' NIM_FAKE_FOR='' NIM_FAKE_DELAY=0
conf=$T_TMP/nimadm.conf
: >"$conf"
mkdir -p "$T_TMP/lpp13" "$T_TMP/spot13"

fresh() {
	rm -rf "$NIM_STATE" "$NIM_FAKE_WORLD" "$T_TMP/cache" "$T_TMP"/*.mksysb
	mkdir "$NIM_FAKE_WORLD"
	local client
	for client in c1 c2 c3 c4; do "$nimadm" define standalone $client host=$client.invalid; done
	"$nimadm" define mac_group all member=c1
	"$nimadm" define lpp_source lpp13 location="$T_TMP/lpp13" release=trixie
	"$nimadm" define spot spot13 location="$T_TMP/spot13" release=trixie
}
run() { "$nimadm" --config "$conf" "$@"; }
many() { run -c c1,c2,c3,c4 -O "$T_TMP/%c.mksysb" -l lpp13 -s spot13 -j "$T_TMP/cache" -Y "$@"; }
# background [OPTION...]: many, as $pid
background() {
	"$nimadm" --config "$conf" -c c1,c2,c3,c4 -O "$T_TMP/%c.mksysb" -l lpp13 -s spot13 -j "$T_TMP/cache" -Y "$@" >"$T_TMP/out" 2>&1 &
	pid=$!
}
state_of() { run --status -c "$1" --json | jq -r .state; }

fresh
t_case "each client needs names of its own"
t_fail_with 2 run -c c1,c2 -O "$T_TMP/x.mksysb" -l lpp13 -s spot13 -Y
t_match 'several clients cannot have the same' -
t_match '%c stands for' -
t_fail_with 2 run -c c1,c2 --worker c3 -O "$T_TMP/%c.mksysb" -Y
t_match '--worker c3 is none of -c' -

t_case "all of them are done, each in its own job"
t_ok many
t_match '^4 done$' -
t_match ' c3: Executing nimadm phase 5' -
for client in c1 c2 c3 c4; do t_equal "done" "$(state_of $client)"; done
t_ok run --status -c c1,c4
t_match '^ *job +client +mode' -
t_match 'c1 ' -
t_match 'c4 ' -

t_case "one client's failure is its own, and can be resumed with the others"
fresh
NIM_FAKE_FAULT="5 half operator" NIM_FAKE_FOR=c2 t_fail_with 1 many
t_match '^1 failed, 3 done$' -
t_match '^c2: nimadm: ' -
t_equal failed "$(state_of c2)"
t_equal "done" "$(state_of c3)"
t_ok run --resume -c c2,c3
t_match '^2 done$' -
t_equal "done" "$(state_of c2)"

t_case "a worker that is killed is no harm to the others"
fresh
NIM_FAKE_DELAY=30 background --jobs 4
for _ in {1..100}; do
	worker=$(run --status --json | jq -r 'select(.client == "c3" and .running) | .pid')
	if [[ -n $worker ]]; then break; fi
	sleep 0.05
done
t_ok kill -9 "$worker"
t_fail_with 1 wait "$pid"
t_match 'c3: its worker was ended by signal 9' "$T_TMP/out"
t_match '^1 failed, 3 done$' "$T_TMP/out"
t_ok run --resume -c c3

t_case "no more at a time than --jobs"
fresh
NIM_FAKE_DELAY=10 many --jobs 2 --json >"$T_TMP/out"
t_equal 2 "$(jq -r 'select(.event == "job-begin" or .event == "job-end") | .event' "$T_TMP/out" |
	awk '{ n += $1 == "job-begin" ? 1 : -1; if (n > most) most = n } END { print most }')"
t_equal "c1 c2 c3 c4" "$(jq -r 'select(.event == "job-end") | .client' "$T_TMP/out" | sort | paste -sd' ')"

t_case "SIGTERM stops them cleanly, and all can be resumed"
fresh
NIM_FAKE_DELAY=50 background --jobs 2
sleep 1.5
kill -TERM $pid
t_fail_with 1 wait "$pid"
t_match 'c4: was not begun' "$T_TMP/out"
t_equal cancelled "$(state_of c1)"
t_equal '' "$(run --status --json | jq -r 'select(.running) | .client')"
t_ok run --resume -c c1,c2
t_match '^2 done$' -

tmux=(tmux -L "nimadm-many-$$" -f /dev/null)
t_at_exit "${tmux[@]}" kill-server
"${tmux[@]}" new-session -d -x 90 -y 12 "env PS1='$ ' TERM=screen bash --norc --noprofile"
screen() { "${tmux[@]}" capture-pane -p >"$T_TMP/screen"; }
type_in() { "${tmux[@]}" send-keys -l "$1" && "${tmux[@]}" send-keys Enter; }
wait_for() {
	local n
	for n in {1..200}; do
		screen
		if grep -Eq -e "$1" "$T_TMP/screen"; then return 0; fi
		sleep 0.1
	done
	echo "after $n tries no line matched $1:" >&2
	cat "$T_TMP/screen" >&2
	return 1
}

t_case "a terminal has one line for each"
fresh
type_in "clear; NIM_FAKE_DELAY=60 $nimadm --config $conf -c c1,c2,c3 -O $T_TMP/%c.mksysb -l lpp13 -s spot13 -j $T_TMP/cache -Y --jobs 2; echo status=\$?"
t_ok wait_for '^c1 +running +[0-9]+% +[3-9] fake'
t_equal 3 "$(grep -cE '^c[123] ' "$T_TMP/screen")"
t_match '^c3 +waiting' "$T_TMP/screen"
t_match '^2 running, 1 waiting' "$T_TMP/screen"

t_case "Ctrl-C asks once; no is no"
"${tmux[@]}" send-keys C-c
t_ok wait_for '^Stop all of them\?'
type_in n
t_ok wait_for '^c3 +running'

t_case "the second Ctrl-C is meant"
"${tmux[@]}" send-keys C-c
t_ok wait_for '^Stop all of them\?'
"${tmux[@]}" send-keys C-c
t_ok wait_for '^status=1'
screen
t_match '^c3 +cancelled' "$T_TMP/screen"

t_case "--watch shows what runs elsewhere, and its end"
fresh
type_in "clear; $nimadm --config $conf --watch; echo status=\$?"
t_ok wait_for 'no jobs'
NIM_FAKE_DELAY=30 background --jobs 3
t_ok wait_for '^c2 +running +[0-9]+% +[0-9]+ fake'
t_ok wait_for '3 running'
t_ok wait "$pid"
t_ok wait_for '^4 done'
t_match '^c4 +done' "$T_TMP/screen"
"${tmux[@]}" send-keys q
t_ok wait_for '^status=0'
t_fail_with 2 run --watch
t_match 'needs a terminal' -
t_done
