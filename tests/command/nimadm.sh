#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The nimadm command around the phases: options, refusals, jobs, signals. The phases are fakes (nimadm-fake.c).
. "$(dirname "$0")/../lib.sh"
t_need_root

nimadm=$T_BUILD/tests/command/nimadm-fake
export NIM_STATE=$T_TMP/state NIM_FAKE_WORLD=$T_TMP/world NIM_FAKE_FAULT='' NIM_FAKE_DELAY=0
unset ADM_ACCEPT_LICENSES
conf=$T_TMP/nimadm.conf
: >"$conf"
out=$T_TMP/web13.mksysb
cache=$T_TMP/cache

fresh() {
	rm -rf "$NIM_STATE" "$NIM_FAKE_WORLD" "$cache" "$out"
	mkdir -p "$NIM_FAKE_WORLD" "$T_TMP/lpp13" "$T_TMP/spot13" "$T_TMP/lpp12"
	echo image >"$T_TMP/web12.mksysb"
	printf '#!/bin/sh\n' >"$T_TMP/script"
	chmod +x "$T_TMP/script"
	"$nimadm" define mksysb web12 location="$T_TMP/web12.mksysb" os_level='debian 12 bookworm'
	"$nimadm" define lpp_source lpp13 location="$T_TMP/lpp13" release=trixie
	"$nimadm" define spot spot13 location="$T_TMP/spot13" release=trixie
}

run() {
	"$nimadm" --config "$conf" "$@"
}

migrate() {
	run -T web12 -O "$out" -j "$cache" -Y "$@"
}

# Nothing was made by a command that was refused.
t_untouched() {
	t_fail_with 1 test -e "$cache"
	t_fail_with 1 test -e "$out"
	t_equal '' "$(ls "$NIM_FAKE_WORLD")"
	t_ok run --status --json
	t_equal '' "$(cat "$T_OUT")"
}

fresh
t_case "help names every letter and fits 80 columns"
t_ok run --help
for letter in T O N l s j Y a z b e i o P p C M U F E D V c d m B r W S; do
	t_match "^ +-$letter, --" -
done
t_no_match '.{81}' -

t_case "--help and nimadm(8) name the same options"
t_ok run --help
grep -oE -e '--[a-z][a-z-]+' "$T_OUT" | sort -u >"$T_TMP/in-help"
grep -oE -e '^(\*-[A-Za-z]\*, )?\*--[a-z-]+|; (\*-[A-Za-z]\*, )?\*--[a-z-]+' "$T_SRC/man/nimadm.8.scd" |
	grep -oE -e '--[a-z-]+' | sort -u >"$T_TMP/in-man"
t_equal "$(cat "$T_TMP/in-help")" "$(cat "$T_TMP/in-man")"

t_case "wrong command lines"
t_fail_with 2 run
t_match '-c CLIENT or -T MKSYSB' -
t_match 'next: nimadm -c CLIENT -d DISKS -Y' -
t_fail_with 2 run --ouptut x
t_match "did you mean.*--output" -
t_fail_with 2 run web12
t_match "unexpected argument 'web12'" -
t_fail_with 2 run -T web12 -Y
t_match '-O is missing' -
t_fail_with 2 run -C --resume -T web12
t_match '-C and --resume cannot be given together' -
t_fail_with 2 run -p -P 5 -T web12 -O "$out"
t_fail_with 2 run -C -P 5 -T web12
t_match '-C and -P cannot be given together' -
t_untouched

t_case "options that make no mode together"
while IFS='|' read -r args says; do
	read -ra words <<<"$args"
	t_fail_with 2 run "${words[@]}"
	t_match "$says" -
done <<END
-T web12 -d sdb -Y|-d wants -c CLIENT
-T web12 -O $out -B|-B wants -c CLIENT
-W|-W wants -c CLIENT
-S -d sdb|-d wants -c CLIENT
-c web01 -Y|where to. -d DISKS of the client, or -O FILE
-c web01 -B -O $out -Y|-B goes with -d DISKS
-T web12 -c web01 -O $out -Y|-d is missing: the disks that the image goes to
-c web01 -d sdb -O $out -Y|-d and -O cannot be given together
-c web01 -d sdb -N new -Y|-d and -N cannot be given together
-c web01 -d sdb -r -B -Y|-B and -r cannot be given together
-T web12 -O $out -r -Y|-r goes with -c CLIENT -d DISKS
-c web01 -O $out -r -Y|-r goes with -c CLIENT -d DISKS
-C -r -c web01|-r goes with -c CLIENT -d DISKS, or --rollback
-T web12 -O $out --unmirror -Y|--unmirror goes with -c CLIENT -d DISKS
-c web01 -O $out --unmirror -Y|--unmirror goes with -c CLIENT -d DISKS
--resume -T web12 --unmirror|--unmirror goes with -c CLIENT -d DISKS
--rollback|--rollback wants -c CLIENT
--rollback -C -c web01|-C and --rollback cannot be given together
-c web01 -d sdb -m ro -Y|-m: 'ro' cannot be given here
-c web01 -d sdb -m rsize=,timeo=5 -Y|-m: 'rsize=' cannot be given here
-c web01 -d sdb -m timeo=5,port=22 -Y|-m: 'port=22' cannot be given here
-c web01 -O $out --nfs -Y|--nfs goes with -c CLIENT -d DISKS
-T web12 -c web01 -d sdb --nfs-direct -Y|--nfs-direct goes with -c CLIENT -d DISKS
-T web12 -c web01 -d sdb -m noac -Y|-m goes with -c CLIENT -d DISKS
--resume -c web01 --nfs|--nfs goes with -c CLIENT -d DISKS
-W -S -c web01|-W and -S cannot be given together
-S --no-mount -c web01|--no-mount goes with -W
-c web01 -d sdb --no-mount -Y|--no-mount goes with -W
-W --no-mount -z script -c web01|-z and --no-mount cannot be given together
-W -m ro -c web01|-m: 'ro' cannot be given here
-W --no-mount -m noac -c web01|-m goes with -c CLIENT -d DISKS
-S -m noac -c web01|-m goes with -c CLIENT -d DISKS
--hold|--hold wants --job NUMBER
--hold -S --job 1|-S and --hold cannot be given together
END
t_case "awake and asleep, here and on the client alone"
"$nimadm" define standalone web01 if1='net web01 0'
t_ok run -W -c web01
t_equal 'wake of web01' "$(cat "$T_OUT")"
t_ok run -W -m noac -z script -d sdb -c web01
t_ok run -W --no-mount -c web01
t_equal 'wake of web01 alone' "$(cat "$T_OUT")"
t_ok run -S -c web01
t_equal 'sleep of web01' "$(cat "$T_OUT")"
t_ok run --hold --job 7
t_equal 'hold job 7' "$(cat "$T_OUT")"

t_case "clients that are none"
t_fail_with 5 run -c nobody -O "$out" -Y
t_match "-c: .*nobody" -
t_fail_with 2 run -c web12 -O "$out" -Y
t_match "web12.*mksysb" -
t_fail_with 5 run -c nobody -d sdb -Y
t_fail_with 5 run -C -c nobody
t_untouched

t_case "objects that are not there, or of another type"
t_fail_with 5 run -T web21 -O "$out" -Y
t_match "web21" -
t_match "web12" -
t_fail_with 5 run -T "$T_TMP/web12.mksysb" -O "$out" -Y
t_match "nim -o define -t mksysb -a location=$T_TMP/web12.mksysb" -
t_fail_with 2 run -T lpp13 -O "$out" -Y
t_match "lpp13.*lpp_source" -
t_fail_with 5 migrate -l lpp99
t_match "-l: .*lpp99" -
t_fail_with 2 migrate -s lpp13
t_fail_with 5 migrate -a noscript
t_match "-a: .*noscript" -
t_fail_with 2 migrate -b web12
t_match "-b: .*web12" -
t_untouched

t_case "objects that cannot be used"
"$nimadm" define mksysb gone location="$T_TMP/gone.mksysb"
"$nimadm" define script plain location="$T_TMP/web12.mksysb"
"$nimadm" define spot broken location="$T_TMP/spot13" release=trixie Rstate='unavailable for use'
t_fail_with 1 run -T gone -O "$out" -l lpp13 -s spot13 -Y
t_match "mksysb gone: $T_TMP/gone.mksysb is missing" -
t_fail_with 1 migrate -a plain
t_match "chmod \+x $T_TMP/web12.mksysb" -
t_fail_with 1 migrate -s broken
t_match "spot broken is unavailable for use" -
t_match "nim -o check broken" -
t_untouched

t_case "licences"
t_fail_with 2 run -T web12 -O "$out" -j "$cache"
t_match 'add -Y, or set ADM_ACCEPT_LICENSES=yes' -
t_fail_with 2 env ADM_ACCEPT_LICENSES=perhaps "$nimadm" --config "$conf" -T web12 -O "$out" -j "$cache"
t_match 'ADM_ACCEPT_LICENSES' -
t_untouched
t_ok env ADM_ACCEPT_LICENSES=yes "$nimadm" --config "$conf" -T web12 -O "$out" -j "$cache" -P 1
fresh

t_case "outputs"
t_fail_with 2 run -T web12 -O "$T_TMP/none/x" -j "$cache" -Y
t_match "there is no directory $T_TMP/none" -
t_fail_with 2 run -T web12 -O "$T_TMP/" -j "$cache" -Y
t_fail_with 2 run -T web12 -O "$T_TMP" -j "$cache" -Y
t_match "is a directory" -
t_fail_with 2 run -T web12 -O "$T_TMP/web12.mksysb" -j "$cache" -Y -F
t_match "is the image to migrate" -
ln "$T_TMP/web12.mksysb" "$T_TMP/link.mksysb"
t_fail_with 2 run -T web12 -O "$T_TMP/link.mksysb" -j "$cache" -Y -F
t_match "is the image to migrate" -
"$nimadm" define mksysb other location="$T_TMP/other.mksysb"
t_fail_with 2 run -T web12 -O "$T_TMP/other.mksysb" -j "$cache" -Y -F
t_match "is the file of the mksysb object other" -
t_untouched
echo precious >"$out"
t_fail_with 2 migrate
t_match "exists already" -
t_match "overwrite it with -F" -
t_equal precious "$(cat "$out")"
t_ok migrate -F
t_equal new "$(cat "$out")"

fresh
t_case "names of the new object"
t_fail_with 2 migrate -N web12
t_match "there is an object of that name already, a mksysb" -
t_fail_with 2 migrate -N 'a b'
t_match "-N" -
t_untouched

t_case "caches"
t_fail_with 2 run -T web12 -O "$out" -j "$T_TMP/web12.mksysb" -Y
t_match "is no directory" -
t_fail_with 2 run -T web12 -O "$out" -j "$T_TMP/none/cache" -Y
t_match "there is no directory $T_TMP/none" -
t_untouched

t_case "lpp_source and spot"
"$nimadm" define lpp_source lpp12 location="$T_TMP/lpp12" release=bookworm
t_fail_with 2 migrate -l lpp12
t_match "there is no spot of bookworm" -
t_fail_with 2 migrate -l lpp12 -s spot13
t_match "spot spot13 is of trixie, lpp_source lpp12 of bookworm" -
# the image's release decides between two
t_ok migrate -P 1
t_ok run -C -T web12
"$nimadm" define lpp_source lpp13b location="$T_TMP/lpp13" release=trixie
t_fail_with 2 migrate
t_match "more than one lpp_source could be meant: lpp13, lpp13b" -
t_match "name one with -l" -
t_ok migrate -l lpp13b -P 1

fresh
t_case "phases that are none, or out of order"
t_fail_with 2 migrate -P 13
t_match "'13' is no phase" -
t_fail_with 2 migrate -P 5
t_match "phase 1 \(fake-1\) is not done" -
t_untouched

t_case "phases one by one"
t_ok migrate -P 1
t_match "Executing nimadm phase 0\." -
t_match "Executing nimadm phase 1\." -
t_no_match "Executing nimadm phase 2\." -
t_fail_with 2 migrate -P 4
t_match "phase 2 \(fake-2\) is not done" -
t_match "nimadm -P 2 -T web12" -
t_fail_with 2 run -T web12 -O "$T_TMP/another" -P 2 -Y
t_match "was started with -O '$out', not '$T_TMP/another'" -
t_ok run -T web12 -P 2-5
t_fail_with 2 run -T web12 -P 2
t_match "nimadm -C -T web12" -
t_ok run --job 1 -P 6
t_ok run --resume -T web12 -P 7,8
t_ok run --resume -T web12
t_equal new "$(cat "$out")"
t_ok run --status -T web12
t_match "web12 .*done" -

fresh
t_case "a whole job"
t_ok migrate -N web13
t_match "^[0-9T:.-]+Z Executing nimadm phase 12\." -
t_match "Phase 12 complete" -
t_match "Phase 3: nothing to do in this mode" -
t_match "Report: $NIM_STATE/report/1/report.txt" -
t_match "Job 1 of web12: done" -
t_match "Executing nimadm phase 5\." "$NIM_STATE/log/web12/1.log"
t_ok python3 -c 'import json,sys; [json.loads(l) for l in open(sys.argv[1])]' "$NIM_STATE/log/web12/1.jsonl"
t_ok run --report -T web12
cp "$T_OUT" "$T_TMP/files"
while read -r file; do
	t_ok test -s "$file"
done <"$T_TMP/files"
t_ok python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
p = r["phases"]
assert [x["number"] for x in p] == list(range(13)), p
assert p[3]["state"] == "skipped" and p[5]["state"] == "done", p
assert r["state"] == "done" and r["client"] == "web12"
' "$NIM_STATE/report/1/report.json"
t_ok run --resume -T web12
t_match "Job 1 of web12 is done already" -
t_ok run -C -T web12
t_match "its result $out stays" -
t_equal new "$(cat "$out")"

fresh
t_case "events as JSON"
t_ok migrate --json
cp "$T_OUT" "$T_TMP/events"
t_ok python3 -c '
import json, sys
events = [json.loads(l) for l in open(sys.argv[1])]
for e in events:
    assert all(k in e for k in ("ts", "event", "job", "client", "phase")), e
assert events[0]["event"] == "job-begin" and events[-1]["event"] == "job-end"
assert events[-1]["state"] == "done"
assert any(e["event"] == "progress" and e["unit"] == "packages" for e in events)
' "$T_TMP/events"
t_fail_with 2 env -u ADM_ACCEPT_LICENSES "$nimadm" --config "$conf" -T web12 -O "$out" --json
t_match '^\{.*"event":"error".*"client":"web12".*exists already' -
t_ok run --status --json
cp "$T_OUT" "$T_TMP/events"
t_ok python3 -c '
import json, sys
s = json.loads(open(sys.argv[1]).read())
assert s["job"] == 1 and s["state"] == "done" and len(s["phases"]) == 13
' "$T_TMP/events"

fresh
t_case "a failure: cause, next command, log, and nothing lost"
NIM_FAKE_FAULT='5 half operator'
t_fail_with 1 migrate
t_match "^nimadm: fake failure of phase 5" -
t_match "next: nimadm --resume -T web12 to go on, or nimadm -C -T web12" -
t_match "log: $NIM_STATE/log/web12/1.log" -
t_match "fake failure of phase 5" "$NIM_STATE/report/1/report.txt"
t_fail_with 1 migrate
t_match "job 1 of web12 is not finished: phase 5 failed: fake failure" -
t_match "nimadm --resume -T web12" -
t_fail_with 1 run --resume -T web12 -E
t_no_match "shell for phase" -
NIM_FAKE_FAULT=''
t_fail_with 2 run --resume
t_match "unfinished jobs: 1 \(web12\)" -
t_ok run --resume -T web12
t_match "Executing nimadm phase 5\." -
t_no_match "Executing nimadm phase 4\." -

fresh
t_case "taken back, any number of times"
t_ok run -C -T web12
t_match "there is nothing to take back" -
NIM_FAKE_FAULT='8 half operator'
t_fail_with 1 migrate
NIM_FAKE_FAULT='4 undo operator'
t_fail_with 1 run -C -T web12
t_match "taking back phase 4" -
t_match "next: nimadm -C -T web12" -
NIM_FAKE_FAULT=''
t_fail_with 1 run --resume -T web12
t_match "clean-up of this job has begun" -
t_ok run -C -T web12
t_equal trace "$(ls "$NIM_FAKE_WORLD")"
t_equal '' "$(ls "$cache")"
t_ok run -C -T web12
rm -rf "$cache"
t_ok run -C --job 1
t_fail_with 5 run -C -T web99
t_fail_with 5 run -C --job 99
t_fail_with 1 run --resume -T web12
t_match "taken back" -
t_ok migrate

fresh
t_case "inhibited by the pre-flight: status 3, nothing touched, and the next try is a new one"
NIM_FAKE_FAULT='0 half unfit'
t_fail_with 3 migrate
t_equal trace "$(ls "$NIM_FAKE_WORLD")"
t_equal '' "$(ls "$cache")"
t_fail_with 3 migrate -p
NIM_FAKE_FAULT=''
t_ok migrate -p
t_match "^Pre-flight of web12: .* that inhibit. Nothing else was done" -
t_no_match "Executing nimadm phase 1\." -
t_equal '' "$(ls "$cache")"
t_ok migrate

# Starts a slow job in the background and waits until it works in phase 1; sets $job_pid.
start_slow() {
	: >"$T_TMP/slow.log"
	NIM_FAKE_DELAY=200 "$nimadm" --config "$conf" -T web12 -O "$out" -j "$cache" -Y \
		>"$T_TMP/slow.log" 2>&1 &
	job_pid=$!
	until grep -q 'Executing nimadm phase 1\.' "$T_TMP/slow.log"; do
		kill -0 "$job_pid"
		sleep 0.05
	done
}

fresh
t_case "one job at a time, and its owner is named"
start_slow
t_fail_with 4 migrate
t_match "'web12' is locked by process $job_pid" -
t_fail_with 4 run -C -T web12
t_fail_with 4 run --resume -T web12 -F
t_ok run --status
t_match "web12 .*running .*1 fake-1" -
t_no_match "next:" -

t_case "SIGTERM: the job stops, says how to go on, and goes on"
kill -TERM "$job_pid"
status=0
wait "$job_pid" 2>"$T_TMP/.wait" || status=$?
t_equal 1 "$status"
t_match "interrupted by SIGTERM" "$T_TMP/slow.log"
t_match "next: nimadm --resume -T web12 .*nimadm -C -T web12" "$T_TMP/slow.log"
t_ok run --status -T web12
t_match "web12 .*cancelled" -
t_match "error: interrupted by SIGTERM" -
t_match "next: nimadm --resume -T web12 .*nimadm -C -T web12" -
t_match "log: .*/log/web12/[0-9]+.log$" -
t_ok run --resume -T web12
t_equal new "$(cat "$out")"

fresh
t_case "SIGKILL: the lease is stale, and --resume converges"
start_slow
kill -KILL "$job_pid"
status=0
wait "$job_pid" 2>"$T_TMP/.wait" || status=$?
t_equal 137 "$status"
t_ok run --status
t_match "web12 .*unfinished" -
t_fail_with 1 migrate
t_match "phase 1 was interrupted" -
t_ok run --resume -T web12
t_equal new "$(cat "$out")"

fresh
t_case "two jobs do not write the same file"
echo image2 >"$T_TMP/db12.mksysb"
"$nimadm" define mksysb db12 location="$T_TMP/db12.mksysb" os_level='debian 12 bookworm'
t_ok migrate -N web13 -P 1
t_fail_with 2 run -T db12 -O "$out" -j "$cache" -Y
t_match "is the result of job 1, which is not finished" -
t_fail_with 2 run -T db12 -O "$T_TMP/db13.mksysb" -N web13 -j "$cache" -Y
t_match "web13 is the result of job 1" -
t_ok run -T db12 -O "$T_TMP/db13.mksysb" -N db13 -j "$cache" -Y
t_ok run --status
t_match "^ +2 +db12 .*done" -
t_match "^ +1 +web12 .*unfinished" -
t_match "next: nimadm --resume -T web12 " -
t_no_match "resume -T db12" -

fresh
t_case "-M: two updates, the lpp_source first"
t_fail_with 2 run -M -s spot13
t_match "-M wants -l" -
export NIM_FAKE_LEVEL='apt 3.0.3 3.0.4'
t_ok run -M -s spot13 -l lpp13 -p
t_match "^  apt 3.0.3 3.0.4$" -
t_no_match "^nim " -
t_ok run -M -s spot13 -l lpp13
t_equal "nim --state $NIM_STATE --config $conf -o update lpp13
nim --state $NIM_STATE --config $conf -o update -a source=lpp13 spot13" "$(grep '^nim ' "$T_OUT")"
NIM_FAKE_LEVEL=''
t_ok run -M -s spot13 -l lpp13
t_match "spot spot13 is at the level of lpp_source lpp13" -
t_equal "nim --state $NIM_STATE --config $conf -o update lpp13" "$(grep '^nim ' "$T_OUT")"

t_done
