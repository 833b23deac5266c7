#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ./check itself, with stand-ins for the build: what it counts, and that nothing bad passes for good.
# shellcheck disable=SC2016 # the scripts written here expand these
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

tree=$T_TMP/tree
mkdir -p "$tree/tests/command" "$tree/tests/root" "$tree/tests/long" "$tree/native" "$T_TMP/bin"
cp -r "$T_SRC/check" "$T_SRC/tools" "$tree/"

# tool NAME TEXT: a stand-in in front of the real tools.
tool() {
	printf '#!/bin/bash\nset -euo pipefail\n%s\n' "$2" >"$T_TMP/bin/$1"
	chmod +x "$T_TMP/bin/$1"
}

# put_test LEVEL NAME TEXT
put_test() {
	printf '#!/bin/bash\n%s\n' "$3" >"$tree/tests/$1/$2.sh"
	chmod +x "$tree/tests/$1/$2.sh"
}

tool dpkg-query 'printf installed'
tool ninja 'exit "${FAKE_NINJA:-0}"'
tool clang 'exit 0'
tool meson 'if [ "$1" = setup ]; then
	mkdir -p "$2/meson-logs"
	echo test-base-core >"$2/build.ninja"
else
	cp "$FAKE_LOG" "$3/meson-logs/testlog.json"
	exit "${FAKE_MESON:-0}"
fi'

run_check() {
	env PATH="$T_TMP/bin:$PATH" "$tree/check" "$@"
}

# A log line of meson: log NAME RESULT STDERR
log() {
	printf '{"name": "%s", "stdout": "", "result": "%s", "stderr": "%s"}\n' "$1" "$2" "$3"
}

good='[  PASSED  ] 5 test(s).\n'
bad='[  PASSED  ] 3 test(s).\n[  FAILED  ] 2 test(s), listed below:\n[  FAILED  ] one\n'
skip='[  PASSED  ] 1 test(s).\n[  SKIPPED ] 2 test(s), listed below:\n'
export FAKE_LOG=$T_TMP/log.json
{
	log unit OK "$good"
	log gate OK 'no counts here'
} >"$FAKE_LOG"
put_test command good 'echo "3 passed, 0 failed, 1 skipped"'

t_case "cases, gates and scripts are summed in the last line"
t_fail_with 0 run_check --fast
t_equal "9 passed, 0 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"

t_case "levels that were not run are counted as skipped"
put_test long slow 'echo "1 passed, 0 failed, 0 skipped"'
t_fail_with 0 run_check --fast
t_equal "9 passed, 0 failed, 2 skipped" "$(tail -n 1 "$T_OUT")"
t_match '^SKIP: tests/long' -

t_case "--long runs them, and the other builds"
t_fail_with 0 run_check --long
t_match 'tests/long/slow.sh +1 passed' -
# 9, again 6 with the sanitizers, two builds, one long test
t_equal "18 passed, 0 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"
rm "$tree/tests/long/slow.sh"

t_case "what is sourced is no test"
echo 'exit 1' >"$tree/tests/command/helper.sh"
t_fail_with 0 run_check --fast
t_no_match 'helper' -

t_case "a test that is not executable has failed"
printf '#!/bin/bash\necho "1 passed, 0 failed, 0 skipped"\n' >"$tree/tests/command/sleepy.sh"
t_fail_with 1 run_check --fast
t_match 'sleepy.sh +0 passed, 1 failed' -
rm "$tree/tests/command/sleepy.sh"

t_case "a script without a closing line has failed"
put_test command dies 'echo "doing well"; exit 0'
t_fail_with 1 run_check --fast
t_equal "9 passed, 1 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"

t_case "a script with a bad status has failed, whatever it says"
put_test command dies 'echo "7 passed, 0 failed, 0 skipped"; exit 3'
t_fail_with 1 run_check --fast
t_equal "16 passed, 1 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"

t_case "failures that a script counts are summed"
put_test command dies 'echo "7 passed, 2 failed, 0 skipped"; exit 1'
t_fail_with 1 run_check --fast
t_equal "16 passed, 2 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"
rm "$tree/tests/command/dies.sh"

t_case "failed and skipped cases of a unit test are summed"
{
	log unit OK "$good"
	log broken FAIL "$bad"
	log partly OK "$skip"
	log tool SKIP 'no clang-format'
} >"$FAKE_LOG"
FAKE_MESON=1 t_fail_with 1 run_check --fast
t_equal "12 passed, 2 failed, 4 skipped" "$(tail -n 1 "$T_OUT")"
t_match '^FAIL: broken' -
t_match '^SKIP: tool' -

t_case "a program that crashes or hangs has failed, whatever it printed"
{
	log crashed ERROR "$good"
	log hung TIMEOUT ''
} >"$FAKE_LOG"
FAKE_MESON=2 t_fail_with 1 run_check --fast
t_equal "8 passed, 2 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"

t_case "meson's word counts when the sum looks good"
log unit OK "$good" >"$FAKE_LOG"
FAKE_MESON=1 t_fail_with 1 run_check --fast
t_equal "8 passed, 1 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"

t_case "no log of the tests is a failure"
: >"$FAKE_LOG"
t_fail_with 1 run_check --fast
t_equal "3 passed, 1 failed, 1 skipped" "$(tail -n 1 "$T_OUT")"

t_case "what does not build has failed"
FAKE_NINJA=1 t_fail_with 1 run_check --fast
t_match '^FAIL: it does not build' -
t_equal "0 passed, 1 failed, 0 skipped" "$(tail -n 1 "$T_OUT")"
FAKE_NINJA=1 t_fail_with 1 run_check --build-only

t_case "--build-only builds and counts nothing"
t_fail_with 0 run_check --build-only
t_no_match 'passed' -

t_case "an unknown option is refused"
t_fail_with 2 run_check --slow
t_match 'unknown option --slow' -

t_case "two at a time, the long ones first; those that have no time left are named"
log unit OK "$good" >"$FAKE_LOG"
mkdir -p "$tree/tests/crash" "$tree/tests/vm"
put_test root a-short 'echo "short $(cat began 2>&1)" >>order; echo "1 passed, 0 failed, 0 skipped"'
put_test root b-waits '# Takes 3 minutes.
until [ -e began ]; do sleep 0.1; done; echo "2 passed, 0 failed, 0 skipped"'
put_test root c-begins '# Takes 2 minutes.
echo together >began; echo "3 passed, 0 failed, 0 skipped"'
if [ "$(id -u)" = 0 ]; then
	NIM_CHECK_JOBS=2 t_fail_with 0 run_check
	t_match 'a-short.sh +1 passed' -
	t_match 'b-waits.sh +2 passed' -
	t_match 'c-begins.sh +3 passed' -
	t_equal "short together" "$(cat "$tree/order")"
	NIM_CHECK_MINUTES=0 t_fail_with 0 run_check
	t_match '^SKIP: tests/root/a-short.sh: not begun: 0 minutes are over' -
	t_no_match '^tests/root' -
else
	t_skip "needs root"
fi

t_case "told to end, it ends the tests that run, and they clean up"
rm "$tree"/tests/root/*.sh
put_test root ends 'trap "sleep 1; echo cleaned >ended; exit 1" TERM
touch running
while :; do sleep 0.1; done'
if [ "$(id -u)" = 0 ]; then
	PATH=$T_TMP/bin:$PATH "$tree/check" >"$T_TMP/out" 2>&1 &
	pid=$!
	for _ in {1..600}; do [ -e "$tree/running" ] || sleep 0.1; done
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	t_equal 1 "$status"
	t_equal cleaned "$(cat "$tree/ended")"
	t_match '^15 passed, 1 failed' "$T_TMP/out"
else
	t_skip "needs root"
fi
rm "$tree/tests/root/ends.sh"

t_case "missing packages are listed, a choice by its names"
tool dpkg-query 'case ${!#} in pkgconf | gcc) printf installed ;; *) exit 1 ;; esac'
t_fail_with 0 env PATH="$T_TMP/bin:$PATH" "$tree/tools/install-deps.sh" --list build
t_match '^meson$' -
t_no_match 'pkgconf|^gcc$|^#' -
t_fail_with 2 env PATH="$T_TMP/bin:$PATH" "$tree/tools/install-deps.sh" --list nonsense
t_match 'no section' -

t_done
