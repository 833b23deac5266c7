#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -E on a real tree: a phase fails, the terminal gets a shell in the alternate root, inside the sandbox. In tmux.
# shellcheck disable=SC2016 # what is typed is for the shell in the terminal
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$(dirname "$0")/../fixture.sh"
t_need_root
t_need_tools tmux
fixture_make
fixture_state "$T_TMP/state"
export NIM_STATE=$T_TMP/state

printf '#!/bin/sh\n[ -e "$NIM_ALT_INST/etc/mended" ] || exit 7\n' >"$T_TMP/pre.sh"
chmod 755 "$T_TMP/pre.sh"
nim -o define -t script -a location="$T_TMP/pre.sh" pre >/dev/null

tmux=(tmux -L "nimadm-shell-$$" -f /dev/null)
t_at_exit "${tmux[@]}" kill-server
"${tmux[@]}" new-session -d -x 150 -y 50 "env PS1='master\$ ' TERM=screen bash --norc --noprofile"

# What was typed never matches: every awaited word is put together by the shell.
type_in() {
	"${tmux[@]}" send-keys -l "$1"
	"${tmux[@]}" send-keys Enter
}

wait_for() {
	local limit=${2:-100} n
	for ((n = 0; n < limit; n++)); do
		"${tmux[@]}" capture-pane -p >"$T_TMP/screen"
		if grep -Eq -e "$1" "$T_TMP/screen"; then return 0; fi
		sleep 0.1
	done
	echo "no line matched within $((limit / 10)) s: $1" >&2
	cat "$T_TMP/screen" >&2
	return 1
}

t_case "a failed phase opens a shell in the alternate root"
type_in "clear; nimadm -T mini12 -O $T_TMP/mini13.mksysb -N mini13 -l lpp13 -s spot13 -j $T_TMP/cache -a pre -E -Y; echo status=\$?"
t_ok wait_for '^pre-migration script: .*exit status 7' 1800
t_ok wait_for '^A shell in the alternate root'
type_in 'clear; . /etc/os-release; echo release="$VERSION_ID" user="$(id -u)" name="$(cat /etc/hostname)"'
t_ok wait_for '^release=12 user=0 name='

t_case "it is in the sandbox: nothing of the master's, no network, no other processes"
type_in "clear; [ -e $T_TMP ]; echo master=\$?"
t_ok wait_for '^master=1'
type_in 'clear; echo interfaces="$(ls /sys/class/net 2>/dev/null | grep -vx lo | wc -l)" mount="$(mount -t tmpfs x /mnt 2>/dev/null; echo $?)"'
t_ok wait_for '^interfaces=0 mount=[1-9]'

t_case "Ctrl-C ends what runs in the shell, neither the shell nor nimadm"
type_in 'clear; sleep 1000; echo after=$?'
sleep 0.5
"${tmux[@]}" send-keys C-c
type_in 'echo still="$(echo here)"'
t_ok wait_for '^still=here'

t_case "it ends with exit; the job stays stopped, the terminal works"
type_in 'clear; touch /etc/mended; exit'
t_ok wait_for '^status=1'
t_match 'next: .*nimadm --resume -T mini12' "$T_TMP/screen"
type_in 'stty -a | grep -o " echo " | tr -d " "; echo typed="$(echo so)"'
t_ok wait_for '^typed=so'
t_match '^echo$' "$T_TMP/screen"

t_case "what was mended in the shell is what the job goes on with"
t_ok nimadm --resume -T mini12 -P 4
t_ok nimadm -C -T mini12

t_done
