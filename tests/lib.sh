# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Library of the shell tests; source it first.
#
#   . "$(dirname "$0")/../lib.sh"
#   t_need_root; t_need_tools mksquashfs     skip the whole script where something is missing
#   t_private_mounts "$@"                    start over in a mount namespace of our own
#   t_case "what is shown"                   a case; it fails when one of its checks fails
#   t_ok CMD...                              must end with 0
#   t_fail_with STATUS CMD...                must end with exactly this status
#   t_match REGEX FILE|-                     a line must match (extended; "-": output of the last command)
#   t_no_match REGEX FILE|-                  no line may match
#   t_equal WANT GOT                         two texts must be equal
#   t_killed_after SECONDS CMD...            kills it then; its status, once it is gone
#   t_skip "why"                             the current case could not be tried
#   t_done                                   prints "N passed, M failed, K skipped"; the last line
#
# $T_TMP is a scratch directory, $T_SRC the source tree, $T_BUILD the build directory.
# `t_at_exit CMD...` adds a clean-up command; the last added runs first.

set -euo pipefail

T_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
T_BUILD=${NIM_BUILD:-$T_SRC/build}
T_TMP=$(mktemp -d "${NIM_TEST_TMP:-/var/tmp}/nimadm-sh.XXXXXX")
T_OUT=$T_TMP/.out
T_SCRIPT=$(basename "$0")
: >"$T_OUT"
export T_SRC T_BUILD T_TMP

t_passed=0 t_failed=0 t_skipped=0
t_current='' t_state='' t_finished=0
t_exit_commands=()

t_at_exit() {
	t_exit_commands+=("$(printf '%q ' "$@")")
}

# Also for scripts that end by `set -e` or a signal: their open case failed.
t_on_exit() {
	local status=$? i
	# Told to end once more: clean-up goes on. What it runs can still be stopped.
	trap : HUP INT TERM
	set +e
	for ((i = ${#t_exit_commands[@]} - 1; i >= 0; i--)); do
		eval "${t_exit_commands[i]}"
	done
	rm -rf --one-file-system "$T_TMP"
	if [ "$t_finished" = 0 ]; then
		echo "$T_SCRIPT: ended early with status $status" >&2
		if [ -n "$t_current" ]; then
			t_state=fail
			t_close
		else
			t_failed=$((t_failed + 1))
		fi
		echo "$t_passed passed, $t_failed failed, $t_skipped skipped"
		exit 1
	fi
}
trap t_on_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Counts the case that is open.
t_close() {
	[ -n "$t_current" ] || return 0
	case $t_state in
	fail)
		t_failed=$((t_failed + 1))
		echo "FAIL: $T_SCRIPT: $t_current"
		;;
	skip) t_skipped=$((t_skipped + 1)) ;;
	ok)
		t_passed=$((t_passed + 1))
		echo "ok: $T_SCRIPT: $t_current"
		;;
	*)
		t_failed=$((t_failed + 1))
		echo "FAIL: $T_SCRIPT: $t_current: nothing was checked"
		;;
	esac
	t_current=''
}

t_case() {
	t_close
	t_current=$1 t_state=''
}

t_pass() {
	[ "$t_state" != '' ] || t_state=ok
}

t_fail() {
	t_state=fail
	echo "$T_SCRIPT:${BASH_LINENO[1]}: $t_current: $1" >&2
}

t_show_output() {
	sed 's/^/    | /' "$T_OUT" | tail -n 40 >&2
}

t_ok() {
	t_fail_with 0 "$@"
}

t_fail_with() {
	local want=$1 got=0
	shift
	"$@" >"$T_OUT" 2>&1 </dev/null || got=$?
	if [ "$got" = "$want" ]; then
		t_pass
	else
		t_fail "status $got instead of $want: $*"
		t_show_output
	fi
}

t_file_of() {
	if [ "$1" = - ]; then echo "$T_OUT"; else echo "$1"; fi
}

t_match() {
	local file
	file=$(t_file_of "$2")
	if grep -Eq -e "$1" -- "$file"; then
		t_pass
	else
		t_fail "no line of $2 matches: $1"
		[ "$file" != "$T_OUT" ] || t_show_output
	fi
}

t_no_match() {
	local file status=0
	file=$(t_file_of "$2")
	grep -En -e "$1" -- "$file" >"$T_TMP/.grep" || status=$?
	if [ "$status" = 1 ]; then
		t_pass
	else
		t_fail "a line of $2 matches (or it cannot be read): $1"
		sed 's/^/    | /' "$T_TMP/.grep" >&2
	fi
}

t_equal() {
	if [ "$1" = "$2" ]; then
		t_pass
	else
		t_fail "\"$2\" instead of \"$1\""
	fi
}

# What timeout(1) kills may still be dying when timeout has ended: its locks are not free then.
t_killed_after() {
	local seconds=$1 pid first='' status=0
	shift
	"$@" &
	pid=$!
	sleep "$seconds" &
	wait -n -p first "$pid" "$!" || status=$?
	if [ "$first" = "$pid" ]; then
		kill "$!"
	else
		kill -KILL "$pid"
		status=0
		wait "$pid" || status=$?
	fi
	return "$status"
}

t_skip() {
	echo "SKIP: $T_SCRIPT: $t_current: $1"
	[ "$t_state" = fail ] || t_state=skip
}

t_done() {
	t_close
	t_finished=1
	echo "$t_passed passed, $t_failed failed, $t_skipped skipped"
	[ "$t_failed" = 0 ] || exit 1
	exit 0
}

# Ends the script as one skipped case.
t_skip_all() {
	t_case "the whole script"
	t_skip "$1"
	t_done
}

t_need_root() {
	[ "$(id -u)" = 0 ] || t_skip_all "needs root"
}

t_need_tools() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || t_skip_all "needs $tool"
	done
}

# Mounts that a test makes vanish with it, even by SIGKILL.
t_private_mounts() {
	[ "${T_PRIVATE:-}" != 1 ] || return 0
	rm -rf "$T_TMP"
	trap - EXIT HUP INT TERM
	T_PRIVATE=1 exec unshare --mount --propagation private -- "$0" "$@"
}
