#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nim: objects that need no network and no root: files, machines, groups; bad input by name; crashes.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
t_need_tools sqlite3

export NIM_STATE=$T_TMP/state
F=$T_TMP/files
mkdir "$F"
nim() { "$T_BUILD/nim" "$@"; }
lsnim() { "$T_BUILD/lsnim" "$@"; }
attr() { lsnim -Z -a "$1" "$2" | sed -n '2s/^[^:]*:\(.*\):$/\1/p'; }

printf '#!/bin/sh\necho before\n' >"$F/pre.sh"
chmod +x "$F/pre.sh"

t_case "a file resource is defined, shown, changed and removed"
t_ok nim -o define -t script -a location="$F/pre.sh" -a comments="first: one" pre
t_match "^20.*script 'pre' is ready for use$" -
t_equal "ready for use" "$(attr Rstate pre)"
t_equal "0" "$(attr alloc_count pre)"
t_equal 'first\: one' "$(attr comments pre)"
t_ok nim -o showres pre
t_match '^echo before$' -
t_ok nim -o change -a comments=second pre
t_equal second "$(attr comments pre)"
t_ok nim -o change -a comments= pre
t_equal "" "$(attr comments pre)"
t_ok nim -o check pre
t_ok nim -o remove pre
t_match 'stays where it is' -
t_fail_with 5 nim -o check pre
t_ok test -x "$F/pre.sh"

t_case "a resource is copied from another one, and its copy goes with it"
t_ok nim -o define -t script -a location="$F/pre.sh" pre
t_ok nim -o define -t script -a source=pre copy
t_equal "$NIM_STATE/script/copy" "$(attr location copy)"
t_ok cmp "$F/pre.sh" "$NIM_STATE/script/copy"
t_ok test -x "$NIM_STATE/script/copy"
t_ok nim -o remove copy
t_fail_with 1 test -e "$NIM_STATE/script/copy"
t_ok nim -o define -t script -a source="$F/pre.sh" copy
t_ok nim -o remove copy

t_case "a file is copied from another file system, byte for byte, with its mode"
if [ -w /dev/shm ] && [ "$(stat -c %d /dev/shm)" != "$(stat -c %d "$T_TMP")" ]; then
	shm=$(mktemp /dev/shm/nimadm.XXXXXX)
	t_at_exit rm -f "$shm"
	{
		echo '#!/bin/sh'
		head -c 3000000 /dev/urandom
	} >"$shm"
	chmod 750 "$shm"
	t_ok nim -o define -t script -a source="$shm" far
	t_ok cmp "$shm" "$NIM_STATE/script/far"
	t_equal 750 "$(stat -c %a "$NIM_STATE/script/far")"
	t_ok nim -o remove far
else
	t_skip "/dev/shm is no file system of its own"
fi

t_case "what is wrong with a file is said, and nothing stays behind"
printf 'echo x\n' >"$F/none.sh"
t_fail_with 1 nim -o define -t script -a location="$F/none.sh" s1
t_match 'none.sh is not executable' -
t_match 'next: chmod \+x' -
chmod +x "$F/none.sh"
t_fail_with 1 nim -o define -t script -a location="$F/none.sh" s1
t_match 'neither a script nor a program' -
t_fail_with 1 nim -o define -t script -a location="$F/missing" s1
t_match "there is no file $F/missing" -
t_fail_with 1 nim -o define -t script -a location="$F" s1
printf '# extra\nhtop\nI:vim\nBad_Name\n' >"$F/bundle"
t_fail_with 1 nim -o define -t installp_bundle -a location="$F/bundle" b1
t_match "bundle: line 4: 'Bad_Name' is not the name of a package" -
printf '^./var/tmp\n\\(./x\n' >"$F/exclude"
t_fail_with 1 nim -o define -t exclude_files -a location="$F/exclude" e1
t_match 'exclude: line 2: ' -
printf 'nameserver 192.0.2.1\nnamserver 192.0.2.2\n' >"$F/resolv"
t_fail_with 1 nim -o define -t resolv_conf -a location="$F/resolv" r1
t_match "resolv: line 2: unknown keyword 'namserver'" -
t_equal "pre" "$(lsnim | awk '{ print $1 }')"

t_case "good files of each type are accepted"
printf '# extra\nhtop\nI:vim\nlibc6:i386\n' >"$F/bundle"
t_ok nim -o define -t installp_bundle -a location="$F/bundle" b1
printf '^./var/tmp\n' >"$F/exclude"
t_ok nim -o define -t exclude_files -a location="$F/exclude" e1
printf '# resolver\nnameserver 192.0.2.1\nsearch example.org\n' >"$F/resolv"
t_ok nim -o define -t resolv_conf -a location="$F/resolv" r1

t_fail_with 1 nim -o change -a location="$F/nowhere" r1
t_match "there is no $F/nowhere" -
t_match 'next: give the place where it is' -
t_equal "$F/resolv" "$(attr location r1)"

t_case "a check that fails makes the resource unavailable, a good one ready"
printf 'BAD NAME\n' >"$F/bundle"
t_fail_with 1 nim -o check b1
t_equal "unavailable for use" "$(attr Rstate b1)"
t_match 'BAD NAME' <(attr info b1)
printf 'htop\n' >"$F/bundle"
t_ok nim -o check b1
t_equal "ready for use" "$(attr Rstate b1)"
t_equal "" "$(attr info b1)"
rm "$F/bundle"
t_fail_with 1 nim -o check b1
t_match "installp_bundle 'b1': there is no $F/bundle" -
t_fail_with 1 nim -o reset b1
t_match 'there is no' -
printf 'htop\n' >"$F/bundle"
t_ok nim -o reset b1
t_equal "ready for use" "$(attr Rstate b1)"

t_case "mistakes on the command line: status 2, the nearest word, an example"
t_fail_with 2 nim -o define -t scripd x
t_match "did you mean 'script'" -
t_fail_with 2 nim -o defineo -t script x
t_match "did you mean 'define'" -
t_fail_with 2 nim -o define -t script -a locaton=/x x
t_match "no attribute 'locaton'" -
t_match "did you mean 'location'" -
t_fail_with 2 nim -o define -t script x
t_match 'attribute location is missing' -
t_match 'next: for example: nim -o define -t script' -
t_fail_with 2 nim -o define -t lpp_source x
t_match 'attribute release is missing' -
t_fail_with 2 nim -o define -t spot x
t_match 'attribute source is missing' -
t_fail_with 2 nim -o define -t script -a Rstate=ready x
t_match 'set by nimadm only' -
t_fail_with 2 nim -o define -t script -a location=relative x
t_match "'relative' is no absolute path" -
t_fail_with 2 nim -o define -t script -a location x
t_match 'ATTR=VALUE' -
t_fail_with 2 nim -o define -t script -a location=/a -a location=/b x
t_match 'given twice' -
t_fail_with 2 nim -o define -t script -a location="$F/pre.sh" 'a b'
t_fail_with 2 nim -o define -t script -a location="$F/pre.sh"
t_match 'its name is missing' -
t_fail_with 2 nim -o define x
t_match '-t TYPE is missing' -
t_fail_with 2 nim x
t_match '-o OPERATION is missing' -
t_fail_with 2 nim -o update pre
t_match 'type script have no operation update' -
t_fail_with 2 nim -o change pre
t_fail_with 2 nim --forse -o check pre
t_match 'did you mean --force' -
t_fail_with 2 nim -o check pre b1

t_case "names: two of the same, unknown ones, wrong types"
t_fail_with 1 nim -o define -t script -a location="$F/none.sh" pre
t_match "'pre' exists already: it is of type script" -
t_fail_with 5 nim -o check per
t_match "did you mean 'pre'" -
t_fail_with 1 nim -o check -t installp_bundle pre
t_match "'pre' is of type script, not installp_bundle" -
t_fail_with 1 nim -o define -t script -a location="$F/pre.sh" pre9
t_match "is the location of 'pre'" -
t_fail_with 5 nim -o define -t spot -a source=lpp13 spot13
t_match "attribute source: there is no lpp_source 'lpp13'" -
t_fail_with 1 nim -o define -t spot -a source=pre spot13
t_match "'pre' is of type script, not lpp_source" -

t_case "machines and groups"
t_ok nim -o define -t standalone -a if1="find_net web1.example.org 0" -a connect=ssh web1
t_ok nim -o define -t standalone -a host=root@web2 -a ssh_port=2222 web2
t_ok nim -o define -t standalone web3
t_equal "ready for a NIM operation" "$(attr Cstate web1)"
t_fail_with 2 nim -o define -t standalone -a ssh_port=none web4
t_fail_with 5 nim -o define -t mac_group -a add_member=web9 webs
t_ok nim -o define -t mac_group -a add_member=web1 -a add_member=web2 webs
t_ok nim -o select -a exclude=web2 webs
t_ok lsnim -l webs
t_match '^   member1 +=? *.*web1$' -
t_match '^   excluded1 = web2$' -
t_ok nim -o select -a include_all=yes webs
t_ok lsnim -l webs
t_no_match 'excluded' -
t_fail_with 1 nim -o select -a exclude=web3 webs
t_match "'web3' is not a member of 'webs'" -
t_ok nim -o change -a add_member=web3 -a rm_member=web1 webs
t_fail_with 1 nim -o change -a rm_member=web2 -a rm_member=web3 webs
t_match "would have no members" -
t_ok nim -o remove web2
t_match "Taken out of group 'webs'" -
t_ok nim -o remove web3
t_match "'webs' has no other members: removed" -
t_fail_with 5 lsnim webs

t_case "an object in use cannot be changed or removed; a reset frees it from a dead job"
sqlite3 "$NIM_STATE/nim.db" "INSERT INTO job (subject, mode, spec, facts, state, created)
	VALUES ('image1', 'D', '{}', '{}', 'open', 'now');
	INSERT INTO allocation SELECT job.id, object.id FROM job, object WHERE name = 'pre'"
t_equal 1 "$(attr alloc_count pre)"
t_fail_with 4 nim -o remove pre
t_match "'pre' is in use by job 1 \(image1\)" -
t_match 'next: .*nimadm -C' -
t_fail_with 4 nim -o change -a comments=x pre
t_equal "ready for use" "$(attr Rstate pre)"
t_ok nim -o reset pre
t_match 'Freed from job 1' -
t_equal 0 "$(attr alloc_count pre)"
t_ok nim -o remove pre

t_case "a define that was killed leaves an unavailable object, and works when it is given again"
mkdir -p "$NIM_STATE/script"
printf 'half' >"$NIM_STATE/script/half"
sqlite3 "$NIM_STATE/nim.db" "INSERT INTO object (name, type) VALUES ('half', 'script');
	INSERT INTO attr (object, name, value)
		SELECT id, 'Rstate', 'unavailable for use' FROM object WHERE name = 'half' UNION ALL
		SELECT id, 'info', 'is being created' FROM object WHERE name = 'half' UNION ALL
		SELECT id, 'location', '$NIM_STATE/script/half' FROM object WHERE name = 'half'"
t_fail_with 1 nim -o reset half
t_match 'never completed' -
t_fail_with 1 nim -o check half
t_ok nim -o define -t script -a source="$F/pre.sh" half
t_match 'interrupted define' -
t_ok cmp "$F/pre.sh" "$NIM_STATE/script/half"
t_equal "ready for use" "$(attr Rstate half)"

t_case "killed at 30 random moments, a define that is given again ends well each time"
{
	echo '#!/bin/sh'
	head -c 20000000 /dev/zero
} >"$F/big.sh"
chmod +x "$F/big.sh"
killed=0 unfinished=0
for i in $(seq 30); do
	"$T_BUILD/nim" -o define -t script -a source="$F/big.sh" "big$i" >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$((RANDOM % 40 + 10))"
	if kill -KILL "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
	wait "$pid" 2>/dev/null || [ $? = 137 ]
	if [ "$(attr Rstate "big$i" 2>/dev/null)" != "ready for use" ]; then
		unfinished=$((unfinished + 1))
		t_ok nim -o define -t script -a source="$F/big.sh" "big$i"
	fi
	t_ok cmp "$F/big.sh" "$NIM_STATE/script/big$i"
	t_ok nim -o remove "big$i"
done
echo "killed $killed, unfinished $unfinished"
t_ok test "$unfinished" -gt 0
t_equal "" "$(find "$NIM_STATE/script" -name '*big*')"
t_equal ok "$(sqlite3 "$NIM_STATE/nim.db" 'PRAGMA integrity_check')"

t_case "two at once on one object: the second is told who works on it"
printf '%s\n' '#!/bin/sh' >"$F/slow.sh"
chmod +x "$F/slow.sh"
t_ok nim -o define -t script -a location="$F/slow.sh" slow
sqlite3 "$NIM_STATE/nim.db" "INSERT INTO lease SELECT 'slow', '$(uname -n)',
	'$(cat /proc/sys/kernel/random/boot_id)', $$, $(awk '{ print $22 }' /proc/$$/stat),
	'somebody', 'then', strftime('%s', 'now')"
t_fail_with 4 nim -o check slow
t_match "'slow' is locked by process $$ of somebody" -
sqlite3 "$NIM_STATE/nim.db" "UPDATE lease SET start = start + 1"
t_ok nim -o check slow

t_case "a full disk in the store is said, and what was there stays"
if [ "$(id -u)" = 0 ]; then
	mkdir "$T_TMP/small"
	# shellcheck disable=SC2016 # the inner shell expands these
	t_ok unshare --mount --propagation private bash -euc '
		mount -t tmpfs -o size=512k tmpfs "$1/small"
		export NIM_STATE=$1/small
		"$2/nim" -o define -t standalone kept
		if head -c 1M /dev/zero >"$1/small/fill"; then exit 9; fi
		status=0
		for i in $(seq 100); do
			"$2/nim" -o define -t standalone -a comments="$(head -c 4000 /dev/zero | tr "\0" x)" \
				"m$i" >"$1/full.out" 2>&1 || status=$?
			[ "$status" = 0 ] || break
		done
		[ "$status" = 1 ]
		rm "$1/small/fill"
		"$2/lsnim" -l kept
		"$2/nim" -o define -t standalone "m$i"' bash "$T_TMP" "$T_BUILD"
	t_match "nim.db: no space left on the file system of $T_TMP/small" "$T_TMP/full.out"
	t_match 'next: free some space there' "$T_TMP/full.out"
else
	t_skip "needs root"
fi

t_case "without the right to the state directory the error says what to do"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	mkdir -m 755 "$T_TMP/roots"
	chmod 755 "$T_TMP"
	t_fail_with 1 setpriv --reuid 65534 --clear-groups "$T_BUILD/lsnim" --state "$T_TMP/roots"
	t_match 'nim.db: Permission denied' -
	t_match 'next: be root' -
else
	t_skip "needs root and setpriv"
fi

t_case "help and version"
t_ok nim --help
t_match '^usage: nim -o define' -
t_equal "" "$(nim --help | awk 'length > 80')"
t_ok nim --version
t_match '^nim \(nimadm\) [0-9]' -

t_case "a cache is bounded, checked, and says what it has"
t_ok nim -o define -t cache -a location="$F/cache" -a size=1M contents
for n in 1 2 3; do
	head -c $((300000 + n)) /dev/urandom >"$F/content"
	sum=$(sha256sum <"$F/content" | cut -c1-64)
	cp "$F/content" "$F/cache/objects/${sum:0:2}/${sum}f"
	sleep 0.02
done
t_ok nim -o check contents
t_equal 3 "$(attr held_objects contents)"
t_ok nim -o change -a size=700K contents
t_equal 2 "$(attr held_objects contents)"
t_ok test "$(attr used contents)" -le $((700 * 1024))
t_ok test -e "$F/cache/objects/${sum:0:2}/${sum}f"
printf x | dd of="$F/cache/objects/${sum:0:2}/${sum}f" conv=notrunc status=none
t_ok nim -o check contents
t_match "object .*${sum}f has another content than its name says: removed" -
t_equal 1 "$(attr held_objects contents)"
t_ok nim -o showres contents
t_match '^1 objects' -
t_fail_with 2 nim -o change -a size=much contents
t_ok nim -o remove contents
t_ok test -d "$F/cache/objects"

t_case "a state directory of a newer version is refused untouched"
sqlite3 "$NIM_STATE/nim.db" "PRAGMA user_version = 4711" >/dev/null
before=$(sha256sum <"$NIM_STATE/nim.db")
t_fail_with 1 nim -o check slow
t_match "nim.db: was written by a newer nimadm: it has schema version 4711" -
t_equal "$before" "$(sha256sum <"$NIM_STATE/nim.db")"

t_done
