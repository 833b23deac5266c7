#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The test library itself: a failing check must fail the script, whatever comes after it.
# shellcheck disable=SC2016 # the inner script expands these
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

# Runs a small test script made of the arguments' text.
script() {
	{
		echo '#!/bin/bash'
		echo "set -euo pipefail; . '$T_SRC/tests/lib.sh'"
		printf '%s\n' "$@"
	} >"$T_TMP/inner.sh"
	env -u T_PRIVATE bash "$T_TMP/inner.sh"
}

t_case "passing cases are counted"
t_fail_with 0 script 't_case a' 't_ok true' 't_case b' 't_equal x x' t_done
t_match '^2 passed, 0 failed, 0 skipped$' -

t_case "a failed check fails its case only, and the script"
t_fail_with 1 script 't_case a' 't_ok false' 't_ok true' 't_case b' 't_ok true' t_done
t_match '^1 passed, 1 failed, 0 skipped$' -

t_case "the exact status is asked for"
t_fail_with 1 script 't_case a' 't_fail_with 3 sh -c "exit 4"' t_done
t_fail_with 0 script 't_case a' 't_fail_with 3 sh -c "exit 3"' t_done

t_case "a case without a check is a failure"
t_fail_with 1 script 't_case a' t_done
t_match 'nothing was checked' -

t_case "a script that dies has failed"
t_fail_with 1 script 't_case a' 't_ok true' 'false' t_done
t_match 'ended early' -
t_match '^[0-9]+ passed, 1 failed, 0 skipped$' -
t_fail_with 1 script 'exit 0'
t_match '^0 passed, 1 failed, 0 skipped$' -

t_case "skips are counted and named"
t_fail_with 0 script 't_case a' 't_skip "no moon"' 't_case b' 't_ok true' t_done
t_match '^SKIP: .*: a: no moon$' -
t_match '^1 passed, 0 failed, 1 skipped$' -

t_case "a skip does not hide a failure"
t_fail_with 1 script 't_case a' 't_ok false' 't_skip "no moon"' t_done
t_match '^0 passed, 1 failed, 0 skipped$' -

t_case "matching looks at output and files"
t_fail_with 0 script 't_case a' 't_ok echo hello' 't_match "^he(l)+o$" -' 't_no_match bye -' t_done
t_fail_with 1 script 't_case a' 't_ok echo hello' 't_match bye -' t_done
t_fail_with 1 script 't_case a' 't_ok echo hello' 't_no_match hello -' t_done
t_fail_with 1 script 't_case a' 't_no_match hello /no/such/file' t_done

t_case "clean-up runs backwards, also after a death"
t_fail_with 1 script 't_at_exit echo first' 't_at_exit echo second "a b"' 't_case a' false
t_match '^second a b$' -
t_equal "second a b first" "$(grep -E '^(first|second)' "$T_OUT" | tr '\n' ' ' | sed 's/ $//')"

t_case "the scratch directory is gone afterwards"
t_fail_with 0 script 't_case a' 't_ok test -d "$T_TMP"' 'echo "at $T_TMP"' t_done
t_ok test ! -e "$(sed -n 's/^at //p' "$T_OUT")"

t_case "what is killed after a time is gone then; what is quicker keeps its status"
t_fail_with 0 script 't_case a' 's=0; t_killed_after 0.3 sleep 60 || s=$?' 't_equal 137 "$s"' \
	's=0; t_killed_after 60 sh -c "exit 7" || s=$?' 't_equal 7 "$s"' t_done

# told FILE: waits for what the inner script says.
told() {
	local i
	for i in $(seq 200); do
		[ ! -e "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

t_case "told to end twice, it still cleans up whole"
script "t_at_exit touch '$T_TMP/first'" "t_at_exit eval 'touch $T_TMP/ending; sleep 1'" 't_case a' \
	"echo \"at \$T_TMP\" >'$T_TMP/at'" "echo \$\$ >'$T_TMP/pid'" "touch '$T_TMP/begun'" 'while :; do sleep 0.1; done' \
	>"$T_TMP/inner.out" 2>&1 &
inner=$!
t_ok told "$T_TMP/begun"
kill -TERM "$(cat "$T_TMP/pid")"
t_ok told "$T_TMP/ending"
kill -TERM "$(cat "$T_TMP/pid")"
status=0
wait "$inner" || status=$?
t_equal 1 "$status"
t_ok test -e "$T_TMP/first"
t_ok test ! -e "$(sed -n 's/^at //p' "$T_TMP/at")"
t_match '^0 passed, 1 failed, 0 skipped$' "$T_TMP/inner.out"

t_done
