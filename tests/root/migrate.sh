#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Image to image on a real, small Debian system: the whole way, each phase alone, and what an administrator can do wrong.
# Takes 3 minutes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$here/../fixture.sh"

t_need_root
tmp=$T_TMP
fixture_make
fixture_state "$tmp/state"
export NIM_STATE=$tmp/state
out=$tmp/mini13.mksysb
echo "nameserver 192.0.2.53" >"$tmp/resolv"
nim -o define -t resolv_conf -a location="$tmp/resolv" resolv
job=(-T mini12 -O "$out" -N mini13 -l lpp13 -s spot13 -j "$tmp/cache" --resolv-conf resolv)

image_sum=$(sha256sum <"$fixture/mini12.mksysb")

nothing_left()
{
	local status=0
	grep -F "$tmp" /proc/self/mounts && status=1
	mkdir -p "$tmp/cache"
	if [ -n "$(ls -A "$tmp/cache")" ]; then
		ls -A "$tmp/cache"
		status=1
	fi
	[ "$(sha256sum <"$fixture/mini12.mksysb")" = "$image_sum" ] || {
		echo "the image has changed"
		status=1
	}
	return "$status"
}

# --- before anything is made ---
t_case "licences must be accepted"
t_fail_with 2 nimadm "${job[@]}"
t_match "ADM_ACCEPT_LICENSES" -

t_case "an unknown image is exit 5 and names the near one"
t_fail_with 5 nimadm -T mini21 -O "$out" -l lpp13 -s spot13 -Y
t_match "mini12" -

t_case "a wrong type is told with both types"
t_fail_with 2 nimadm -T lpp13 -O "$out" -l lpp13 -s spot13 -Y
t_match "lpp_source.*mksysb|mksysb.*lpp_source" -

t_case "an output that exists is not overwritten"
echo precious >"$tmp/precious"
t_fail_with 2 nimadm -T mini12 -O "$tmp/precious" -l lpp13 -s spot13 -Y
t_ok grep -q precious "$tmp/precious"

t_case "a phase out of order is refused with the missing one"
t_fail_with 2 nimadm "${job[@]}" -Y -P 6
t_match "phase 0|pre-flight" -

# --- the preview touches nothing ---
t_case "the pre-flight alone passes and leaves nothing"
t_ok nimadm -p "${job[@]}" -Y
t_ok nothing_left
t_ok test ! -e "$out"

t_case "the lpp_source's object tells what it holds after the pre-flight's fetching"
held=$(lsnim -a held_packages lpp13 | awk '$2 == "=" { print $3 }')
t_equal "$(nim -o showres lpp13 | grep -c '^pool/')" "$held"

# --- phases one by one, then the rest ---
t_case "phases run one by one"
for p in 0 1 2 3; do
	t_ok nimadm "${job[@]}" -Y -P "$p"
done
t_case "a second job while one is open is refused and names both ways out"
t_fail_with 1 nimadm "${job[@]}" -Y
t_match "--resume" -
t_match "-C" -
t_case "an object in use can not be removed"
t_fail_with 4 nim -o remove lpp13
t_match "mini12" -
t_case "the rest follows with --resume"
t_ok nimadm --resume -T mini12
t_ok nothing_left

# --- the result ---
t_case "the new image is complete and registered"
t_ok mksysb --verify "$out"
t_ok lsnim -l mini13
t_match "ready for use" -
mkdir "$tmp/result"
tar --zstd -xf "$out" -C "$tmp/result" --numeric-owner --xattrs --xattrs-include='*' --acls
t_case "it is Debian 13 and dpkg is content"
t_ok grep -q '^VERSION_ID="13"' "$tmp/result/etc/os-release"
audit=$(chroot "$tmp/result" dpkg --audit)
t_ok test -z "$audit"
t_ok chroot "$tmp/result" apt-get check
t_case "the resolv.conf that was asked for is in it"
t_ok cmp "$tmp/resolv" "$tmp/result/etc/resolv.conf"
t_ok test ! -L "$tmp/result/etc/resolv.conf"
t_case "nothing of the migration's scaffolding stays"
t_ok test ! -e "$tmp/result/usr/sbin/policy-rc.d"
diversions=$(chroot "$tmp/result" dpkg-divert --list 'update-initramfs*')
t_ok test -z "$(grep -i nimadm <<<"$diversions" || test $? = 1)"
t_case "local users and edits are kept"
t_ok grep -q '^alice:x:1001:' "$tmp/result/etc/passwd"
t_ok grep -q '^PermitRootLogin no' "$tmp/result/etc/ssh/sshd_config"
t_case "the report names phases and packages"
report=$(find "$NIM_STATE/report" -name report.json | sort | tail -n 1)
cat >"$tmp/report.py" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
assert [p["number"] for p in r["phases"]] == list(range(13)), r["phases"]
assert all(p["state"] in ("done", "skipped") for p in r["phases"]), r["phases"]
PY
t_ok python3 "$tmp/report.py" "$report"

t_case "the tools had what they need in the sandbox"
t_ok cat "$NIM_STATE/log/mini12"/*.log
t_match 'Removing replaced packages' -
t_no_match 'Read-only file system|cannot (create|access)' -

t_case "the same name again is refused"
t_fail_with 2 nimadm -T mini12 -O "$tmp/other.mksysb" -N mini13 -l lpp13 -s spot13 -Y

# --- failures on the way ---
cat >"$tmp/fail.sh" <<'SH'
#!/bin/sh
echo "the script says why"
[ -e "$NIM_ALT_INST/etc/os-release" ] || exit 9
[ ! -e "${0%/*}/mended" ] && exit 7
touch "$NIM_ALT_INST/etc/script-was-here"
SH
chmod 755 "$tmp/fail.sh"
t_ok nim -o define -t script -a location="$tmp/fail.sh" fails

t_case "a script that fails stops its phase; mended, the job goes on"
t_fail_with 1 nimadm -T mini12 -O "$tmp/two.mksysb" -l lpp13 -s spot13 -j "$tmp/cache" -a fails -Y
t_match "exit status 7" -
t_match "--resume" -
touch "$tmp/mended"
t_ok nimadm --resume -T mini12 -P 4
t_case "cleanup takes it back, twice"
t_ok nimadm -C -T mini12
t_ok nimadm -C -T mini12
t_ok nothing_left
t_ok test ! -e "$tmp/two.mksysb"

t_case "SIGTERM stops cleanly and the job can be cleaned up"
: >"$tmp/term.log"
nimadm -T mini12 -O "$tmp/three.mksysb" -l lpp13 -s spot13 -j "$tmp/cache" -Y >"$tmp/term.log" 2>&1 &
pid=$!
while ! grep -q "phase 3\|phase 5" "$tmp/term.log" && kill -0 $pid 2>/dev/null; do sleep 0.1; done
kill -TERM $pid
status=0
wait $pid || status=$?
t_equal 1 "$status"
t_match "interrupted" "$tmp/term.log"
t_ok nimadm -C -T mini12
t_ok nothing_left

t_case "while a job runs, a second one is locked out and told by whom"
: >"$tmp/first.log"
nimadm -T mini12 -O "$tmp/three.mksysb" -l lpp13 -s spot13 -j "$tmp/cache" -Y >"$tmp/first.log" 2>&1 &
pid=$!
while ! grep -q "phase 0" "$tmp/first.log" && kill -0 $pid 2>/dev/null; do sleep 0.05; done
t_fail_with 4 nimadm -T mini12 -O "$tmp/four.mksysb" -l lpp13 -s spot13 -j "$tmp/cache" -Y
t_match "$pid" -
kill -KILL $pid
status=0
wait $pid || status=$?
t_equal 137 "$status"
t_ok nimadm -C -T mini12
t_ok nothing_left

# --- bad images ---
t_case "a truncated image is refused"
head -c 20000000 "$fixture/mini12.mksysb" >"$tmp/short.mksysb"
t_fail_with 1 nim -o define -t mksysb -a location="$tmp/short.mksysb" short
t_match "truncated|incomplete" -
t_case "an image with one wrong byte is refused before anything is made"
cp "$fixture/mini12.mksysb" "$tmp/bad.mksysb"
t_ok nim -o define -t mksysb -a location="$tmp/bad.mksysb" bad
for byte in '\0377' '\0'; do
	printf '%b' "$byte" | dd of="$tmp/bad.mksysb" bs=1 seek=30000000 conv=notrunc status=none
	cmp -s "$fixture/mini12.mksysb" "$tmp/bad.mksysb" || break
done
t_fail_with 1 nimadm -T bad -O "$tmp/five.mksysb" -l lpp13 -s spot13 -j "$tmp/cache" -Y
t_match "bad.mksysb" -
t_ok nimadm -C -T bad
t_case "a full disk in the cache stops the job, nothing is lost"
t_ok unshare -m sh -c "mkdir -p '$tmp/small' && mount -t tmpfs -o size=64m none '$tmp/small' && ! nimadm -T mini12 -O '$tmp/six.mksysb' -l lpp13 -s spot13 -j '$tmp/small' -Y 2>'$tmp/full.err'"
t_match "cache|space" "$tmp/full.err"
t_ok nimadm -C -T mini12

t_done
