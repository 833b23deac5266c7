#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whole jobs on a real, small Debian system that are stopped from outside: full disks, signals, a power cut, a newer state
# directory, images that do not fit, and the debug shell.
# Takes 3 minutes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$here/../fixture.sh"

t_need_root
t_need_tools mkfs.ext4 python3 script
# Full disks are small file systems of our own.
t_private_mounts "$@"
tmp=$T_TMP
cache=$tmp/cache
fixture_make
fixture_state "$tmp/state"
export NIM_STATE=$tmp/state

t_says() { # WHAT NEXT
	t_match "^nim(adm)?: .*$1" -
	t_match "^  next: .*$2" -
}
migrate() { # OUTPUT [OPTION...]
	nimadm -T mini12 -O "$1" -l lpp13 -s spot13 -j "$cache" -Y "${@:2}"
}
job_dir() { find "$cache" -mindepth 1 -maxdepth 1 -name 'nimadm-job-*'; }
cleaned() { # IMAGE
	t_ok nimadm -C -T "$1"
	t_equal "" "$(job_dir)"
	t_no_match "nimadm-job" /proc/self/mounts
}
# A finished output is whole; an unfinished one is not there, under no name.
no_output() {
	t_equal "" "$(find "${1%/*}" -maxdepth 1 -name "*${1##*/}*")"
}
file_system() { # DIRECTORY SIZE
	mkdir -p "$1"
	truncate -s "$2" "$1.img"
	mkfs.ext4 -q -m 0 "$1.img"
	mount -o loop "$1.img" "$1"
}

# --- images that do not fit: told by the pre-flight, and nothing stays ---
refused() { # NAME OS-RELEASE-LINES ARCHITECTURE WHAT NEXT
	mkdir -p "$tmp/$1/etc" "$tmp/$1/var/lib/dpkg/info" "$tmp/$1"/usr/{bin,sbin,lib}
	ln -s usr/bin usr/sbin usr/lib "$tmp/$1/"
	printf '%s\n' "$2" >"$tmp/$1/etc/os-release"
	printf 'Package: dpkg\nStatus: install ok installed\nPriority: required\nArchitecture: %s\nMaintainer: T <t@example.org>\nVersion: 1\nDescription: test\n' \
		"$3" >"$tmp/$1/var/lib/dpkg/status"
	echo "$3" >"$tmp/$1/var/lib/dpkg/arch"
	t_ok mksysb --root "$tmp/$1" -o "$tmp/$1.mksysb"
	t_ok nim -o define -t mksysb -a location="$tmp/$1.mksysb" "$1"
	t_fail_with 3 nimadm -T "$1" -O "$tmp/no.mksysb" -l lpp13 -s spot13 -j "$cache" -Y
	t_says "$4" "$5"
	t_no_match 'INHIBIT plan.solve' -
	t_equal "" "$(job_dir)"
	cleaned "$1"
}
t_case "another distribution"
refused fedora $'ID=fedora\nVERSION_ID=41' amd64 'fedora can not be migrated to trixie: system.distribution .*ID=fedora' 'start again'
t_case "another architecture"
refused arm $'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm' arm64 'arm can not .*system.arch .*arm64' 'start again'
t_case "two releases behind"
refused eleven $'ID=debian\nVERSION_ID="11"\nVERSION_CODENAME=bullseye' amd64 'eleven can not .*system.distance .*bullseye' 'bookworm.*start again'
t_case "newer than the target"
refused fourteen $'ID=debian\nVERSION_ID="14"\nVERSION_CODENAME=forky' amd64 'fourteen can not .*system.distance .*forky' 'start again'

t_case "no image at all, and one that was cut after it was defined"
head -c 100000 /dev/urandom >"$tmp/noise"
t_fail_with 1 nim -o define -t mksysb -a location="$tmp/noise" noise
t_says "noise" "mksysb"
cp "$fixture/mini12.mksysb" "$tmp/cut.mksysb"
t_ok nim -o define -t mksysb -a location="$tmp/cut.mksysb" cut
truncate -s 30000000 "$tmp/cut.mksysb"
t_fail_with 1 nimadm -T cut -O "$tmp/no.mksysb" -l lpp13 -s spot13 -j "$cache" -Y
t_says "$tmp/cut.mksysb: .*truncated" "nimadm -C -T cut"
t_fail_with 1 nimadm --resume -T cut
cp "$fixture/mini12.mksysb" "$tmp/cut.mksysb"
t_ok nimadm --resume -T cut -P 0-3
cleaned cut
no_output "$tmp/no.mksysb"

t_case "a state directory of a newer version is not touched"
python3 - "$tmp/state/nim.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
(version,) = db.execute("PRAGMA user_version").fetchone()
db.execute(f"PRAGMA user_version = {version + 1}")
db.commit()
PY
for how in "-T mini12 -O $tmp/no.mksysb -Y" "--resume -T mini12" "-C -T mini12" "--status"; do
	# shellcheck disable=SC2086 # several words
	t_fail_with 1 nimadm $how
	t_says "nim.db: was written by a newer nimadm" "--state"
done
python3 - "$tmp/state/nim.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
(version,) = db.execute("PRAGMA user_version").fetchone()
db.execute(f"PRAGMA user_version = {version - 1}")
db.commit()
PY

# --- full disks: cache, state directory and output, one after the other in one job ---
file_system "$tmp/small" 1600M
file_system "$tmp/states" 30M
file_system "$tmp/out" 160M
t_at_exit umount "$tmp/small" "$tmp/states" "$tmp/out"
cache=$tmp/small/cache
cp -a "$tmp/state/." "$tmp/states/"
NIM_STATE=$tmp/states
cat >"$tmp/fill-cache" <<SH
#!/bin/sh
# leaves a little: the phase begins, and ends in the midst of it
avail=\$(df --output=avail -k "$tmp/small" | tail -n 1)
fallocate -l \$((avail - 40000))k "$tmp/small/ballast"
SH
cat >"$tmp/fill-state" <<SH
#!/bin/sh
[ ! -e "$tmp/filled" ] || exit 0
touch "$tmp/filled"
for bs in 1M 4k; do
	if dd if=/dev/zero bs=\$bs >>"$tmp/states/ballast"; then exit 9; fi
done
exit 0
SH
chmod 755 "$tmp"/fill-*
t_ok nim -o define -t script -a location="$tmp/fill-cache" fill_cache
t_ok nim -o define -t script -a location="$tmp/fill-state" fill_state

t_case "a full disk in the cache stops the job in the midst of it"
t_fail_with 1 migrate "$tmp/out/one.mksysb" -N one13 -a fill_cache -z fill_state
t_says "no space left on device: .*$tmp/small" "free space in .*$tmp/small.*nimadm --resume -T mini12"
rm "$tmp/small/ballast"

t_case "a full disk under the state directory"
t_fail_with 1 nimadm --resume -T mini12
t_says "$tmp/states.*no space left" "nimadm"
rm "$tmp/states/ballast"

t_case "a full disk under the output: no file, no object, and the job goes on to a whole one"
fallocate -l 120M "$tmp/out/ballast"
t_fail_with 1 nimadm --resume -T mini12
t_says "$tmp/out/one.mksysb.*[Nn]o space left" "nimadm --resume -T mini12"
no_output "$tmp/out/one.mksysb"
t_fail_with 5 lsnim one13
rm "$tmp/out/ballast"
t_ok nimadm --resume -T mini12
t_ok mksysb --verify "$tmp/out/one.mksysb"
t_ok lsnim one13
t_equal "" "$(job_dir)"
cache=$tmp/cache
NIM_STATE=$tmp/state

# --- scripts and the debug shell ---
printf '#!/bin/sh\nexit 7\n' >"$tmp/fails"
chmod 755 "$tmp/fails"
t_ok nim -o define -t script -a location="$tmp/fails" fails
t_case "-E opens a shell in the alternate root where a phase has failed; the job waits"
printf '%s\n' 'cat /etc/os-release; echo "in the"" shell" >/etc/from-the-shell; cat /etc/from-the-shell' exit >"$tmp/typed"
: >"$tmp/shell.log"
status=0
# shown WORDS: waits until they are on the terminal, which is open as long as the answer takes
shown() {
	local end=$((SECONDS + 90))
	until grep -q "$1" "$tmp/shell.log" || [ "$SECONDS" -ge "$end" ]; do sleep 0.2; done
}
# What is typed before the shell has its prompt out is shown in front of it, and so is not what its line begins with.
(shown "alternate root; it ends" && shown '^# $' && cat "$tmp/typed" && shown "^in the shell") |
	timeout 200 script -qefc "$(command -v nimadm) -T mini12 -O $tmp/shell.mksysb -l lpp13 -s spot13 -j $cache -a fails -E -Y" \
		"$tmp/shell.log" >"$tmp/shell.out" 2>&1 || status=$?
t_equal 1 "$status"
t_match 'exit status 7' "$tmp/shell.log"
t_match '^PRETTY_NAME="Debian GNU/Linux 12' "$tmp/shell.log"
t_match '^in the shell' "$tmp/shell.log"
t_match 'nimadm --resume -T mini12' "$tmp/shell.log"
t_ok test -e "$(job_dir)/upper/etc/from-the-shell"
t_case "a second job, and removal of what the waiting one uses, are refused"
t_fail_with 1 migrate "$tmp/other.mksysb"
t_says 'job [0-9]+ of mini12 is not finished: phase 4 failed' 'nimadm --resume -T mini12.*nimadm -C -T mini12'
for object in mini12 lpp13 spot13 fails; do
	t_fail_with 4 nim -o remove "$object"
	t_says "'$object' is in use by job" 'nimadm --resume --job .*nimadm -C --job'
done
cleaned mini12

t_case "a post-migration script that fails stops phase 7; mended, the job goes on"
t_fail_with 1 migrate "$tmp/two.mksysb" -z fails -P 0-7
t_says 'post-migration script: .*exit status 7' "mend the script $tmp/fails; then nimadm --resume -T mini12 to go on"
no_output "$tmp/two.mksysb"

# --- signals, at two places ---
interrupted() { # SIGNAL TEXT
	local pid status=0
	: >"$tmp/live.log"
	# bash has what it starts in the background ignore Ctrl-C
	env --default-signal=INT nimadm --resume -T mini12 >"$tmp/live.log" 2>&1 &
	pid=$!
	while ! grep -q "$2" "$tmp/live.log" && kill -0 $pid 2>"$tmp/kill"; do sleep 0.02; done
	kill "-$1" $pid
	wait $pid || status=$?
	echo "$status"
}
t_case "Ctrl-C while the image is written: no file, and --resume writes it"
printf '#!/bin/sh\nexit 0\n' >"$tmp/fails"
t_equal 1 "$(interrupted INT 'Writing the image')"
t_match 'interrupted' "$tmp/live.log"
t_match 'next: .*nimadm --resume -T mini12' "$tmp/live.log"
no_output "$tmp/two.mksysb"
t_equal 143 "$(interrupted TERM 'Writing the image' | sed s/^1$/143/)"
no_output "$tmp/two.mksysb"
t_equal 137 "$(interrupted KILL 'Writing the image')"
t_ok test ! -e "$tmp/two.mksysb"
t_ok nimadm --resume -T mini12
t_ok mksysb --verify "$tmp/two.mksysb"
t_equal "$tmp/two.mksysb" "$(find "$tmp" -maxdepth 1 -name '*two.mksysb*')"

t_case "Ctrl-C and a kill in the midst of the packages; then a power cut: only -C is left, and says so"
t_ok migrate "$tmp/three.mksysb" -P 0-4
t_equal 1 "$(interrupted INT 'Unpacking')"
t_match 'interrupted' "$tmp/live.log"
t_equal 137 "$(interrupted KILL 'Unpacking')"
t_no_match "nimadm-job" /proc/self/mounts
# what the file says is the boot in which it was written, as long as nobody has synced the tree
t_equal "$(cat /proc/sys/kernel/random/boot_id)" "$(cat "$(job_dir)/work.state")"
echo 00000000-0000-0000-0000-000000000000 >"$(job_dir)/work.state"
t_fail_with 1 nimadm --resume -T mini12
t_says 'the machine went down while .*upper was written' 'nimadm -C -T mini12'
cleaned mini12
no_output "$tmp/three.mksysb"

t_done
