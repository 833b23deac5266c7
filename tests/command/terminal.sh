#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a terminal shows: one live line, findings and last words above it, nothing left behind. In tmux.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools tmux

nimadm=$T_BUILD/tests/command/nimadm-fake
export NIM_STATE=$T_TMP/state NIM_FAKE_WORLD=$T_TMP/world NIM_FAKE_DELAY=100 NIM_FAKE_FAULT=''
mkdir -p "$NIM_FAKE_WORLD" "$T_TMP/lpp13" "$T_TMP/spot13"
conf=$T_TMP/nimadm.conf
: >"$conf"
echo image >"$T_TMP/web12.mksysb"
"$nimadm" define mksysb web12 location="$T_TMP/web12.mksysb"
"$nimadm" define lpp_source lpp13 location="$T_TMP/lpp13" release=trixie
"$nimadm" define spot spot13 location="$T_TMP/spot13" release=trixie
out=$T_TMP/web13.mksysb

tmux=(tmux -L "nimadm-test-$$" -f /dev/null)
t_at_exit "${tmux[@]}" kill-server

# Starts a shell of its own 70 columns wide; every command in it ends with "status=N".
"${tmux[@]}" new-session -d -x 70 -y 20 "env PS1='$ ' TERM=screen bash --norc --noprofile"

screen() {
	"${tmux[@]}" capture-pane -p >"$T_TMP/screen"
}

# Types a command; waits until the screen matches.
type_in() {
	"${tmux[@]}" send-keys -l "$1"
	"${tmux[@]}" send-keys Enter
}

wait_for() {
	local n
	for n in $(seq 200); do
		screen
		if grep -Eq -e "$1" "$T_TMP/screen"; then return 0; fi
		sleep 0.1
	done
	echo "after $n tries no line matched $1:" >&2
	cat "$T_TMP/screen" >&2
	return 1
}

t_case "one line, redrawn, no wider than the terminal"
type_in "clear; $nimadm --config $conf -T web12 -O $out -j $T_TMP/cache -Y; echo status=\$?"
t_ok wait_for '^web12  5/12 fake-5  4[0-9]%.*package-[0-9]'
t_ok wait_for '^web12  [0-9]+/12 fake-[0-9]+  [0-9]+%  [0-9.]+ packages/s'
t_equal 1 "$(grep -c '^web12 ' "$T_TMP/screen")"
t_no_match '.{70}' "$T_TMP/screen"
t_ok wait_for 'ETA [0-9]+s'

t_case "the end: the live line is gone, result and report stay"
t_ok wait_for '^status=0'
t_no_match '^web12  ' "$T_TMP/screen"
t_match '^Job 1 of web12: done after [0-9]+s' "$T_TMP/screen"
t_match "^The migrated image is" "$T_TMP/screen"
t_match '^Report: ' "$T_TMP/screen"

t_case "Ctrl-C: the last words stand alone, the terminal works"
rm -f "$out"
"$nimadm" define mksysb db12 location="$T_TMP/web12.mksysb"
type_in "clear; $nimadm --config $conf -T db12 -O $out -j $T_TMP/cache -Y; echo status=\$?"
t_ok wait_for '^db12  1/12 fake-1'
"${tmux[@]}" send-keys C-c
t_ok wait_for '^status=1'
t_match '^nimadm: interrupted by SIGINT' "$T_TMP/screen"
t_match 'next: nimadm --resume -T db12' "$T_TMP/screen"
t_no_match '^db12  ' "$T_TMP/screen"
type_in 'echo typed'
t_ok wait_for '^typed'

t_case "-E opens its shell after the failure, on a terminal only"
export NIM_FAKE_FAULT='5 half operator'
type_in "clear; NIM_FAKE_FAULT='5 half operator' $nimadm --config $conf --resume -T db12 -E; echo status=\$?"
t_ok wait_for '^status=1'
t_match '^shell for phase 5: fake failure of phase 5' "$T_TMP/screen"
t_no_match '^db12  ' "$T_TMP/screen"

t_case "a dumb terminal gets lines"
type_in "clear; TERM=dumb $nimadm --config $conf -C -T db12; echo status=\$?"
t_ok wait_for '^status=0'
t_match '^2[0-9T:.-]+Z Phase 1 is taken back' "$T_TMP/screen"

t_done
