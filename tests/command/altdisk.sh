#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The client program: its names, its usage errors, that it is one static file that runs where nothing else is.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

altdisk=$T_BUILD/altdisk
file=$(readlink -f "$altdisk")

t_case "it is one static file of less than 5 MiB"
if grep -q __asan_init "$file"; then
	t_skip "a build with sanitizers is not static"
else
	strip -o "$T_TMP/stripped" "$file"
	t_fail_with 1 grep -q 'NEEDED' <(readelf -d "$file")
	t_fail_with 1 grep -q 'INTERP' <(readelf -l "$file")
	t_ok test "$(stat -c %s "$T_TMP/stripped")" -lt $((5 * 1024 * 1024))
fi

t_case "--help lists the commands, each has one of its own"
t_ok "$altdisk" --help
cp "$T_OUT" "$T_TMP/help"
names=$(sed -n 's/^  [* ] \([a-z_-]*\) .*/\1/p' "$T_TMP/help")
t_match mksysb <(echo "$names")
for name in $names; do
	t_ok "$altdisk" "$name" --help
	t_match "^usage: (altdisk )?$name" -
done

t_case "those that are marked are programs of their own"
while read -r name; do
	t_ok "$T_BUILD/$name" --help
	t_match "^usage: $name" -
	t_ok "$T_BUILD/$name" --version
	t_match "^$name \(nimadm\) [0-9]" -
done < <(sed -n 's/^  \* \([a-z_-]*\) .*/\1/p' "$T_TMP/help")

t_case "usage errors end with 2 and name the nearest word"
t_fail_with 2 "$altdisk"
t_match 'next: altdisk --help' -
t_fail_with 2 "$altdisk" mksybs
t_match "did you mean 'mksysb'" -
t_fail_with 2 "$T_BUILD/mksysb" --verfy
t_match 'did you mean --verify' -
t_fail_with 2 "$altdisk" check now
t_match "unexpected argument 'now'" -
t_match 'next: --help shows' -
t_fail_with 2 "$T_BUILD/alt_rootvg_op" -v trial
t_match 'v wants -d DISK' -
t_fail_with 2 "$T_BUILD/alt_rootvg_op" -v trial -S -d sda
t_match 'cannot be given together' -

t_case "where an image can not be is told at once, with what to do"
t_fail_with 2 timeout 10 "$T_BUILD/mksysb" -o "$T_TMP"
t_match "mksysb: -o $T_TMP is a directory" -
t_match "next: name a file in it: -o $T_TMP/NAME.mksysb" -
t_fail_with 2 timeout 10 "$T_BUILD/mksysb" -o "$T_TMP/no/image"
t_match "there is no directory $T_TMP/no\$" -
t_match "next: mkdir -p $T_TMP/no\$" -
t_fail_with 2 timeout 10 "$T_BUILD/mksysb" -e "$T_TMP/no" -o "$T_TMP/image"
t_match "mksysb: -e: there is no file $T_TMP/no" -

t_case "a usage error without a better next command names the help"
t_fail_with 2 "$T_BUILD/mksysb" -o
t_match "next: --help shows" -
t_fail_with 2 "$T_BUILD/nim" -o define
t_match "next: nim --help" -

t_case "an image or a pattern that is wrong leads on"
t_fail_with 1 "$T_BUILD/mksysb" --verify "$T_TMP/no"
t_match "mksysb: image $T_TMP/no: cannot be opened" -
t_match 'next: give the path of an image' -
echo '[bad' >"$T_TMP/patterns"
mkdir -p "$T_TMP/system/etc"
echo 'ID=debian' >"$T_TMP/system/etc/os-release"
t_fail_with 2 "$T_BUILD/mksysb" -e "$T_TMP/patterns" --root "$T_TMP/system" -o "$T_TMP/image"
t_match "exclude pattern '\[bad': Unmatched" -
t_match 'next: mend the pattern' -
mkfifo "$T_TMP/device"
t_fail_with 1 "$T_BUILD/mksysb" --root "$T_TMP/system" -o "$T_TMP/device"
t_match "$T_TMP/device is no regular file: it is not replaced" -
t_match 'next: give the name of a file' -
t_ok test -p "$T_TMP/device"

t_case "errors are events with --json"
t_fail_with 2 "$altdisk" check --json now
t_equal error "$(jq -r .event "$T_OUT")"
t_equal "unexpected argument 'now'" "$(jq -r .text "$T_OUT")"

t_case "check says what is there"
t_ok "$altdisk" check
t_match '^PASS +kernel.openat2' -
t_match '^PASS +tool.lsblk' -

t_case "check runs where there is nothing but itself"
if [ "$(id -u)" != 0 ]; then
	t_skip "needs root"
elif grep -q __asan_init "$file"; then
	t_skip "a build with sanitizers is not static"
else
	mkdir -p "$T_TMP/bare/etc" "$T_TMP/bare/proc"
	# shellcheck disable=SC2016
	bare() { unshare -m sh -c 'mount --bind /proc "$0/proc" && chroot=$(command -v chroot) && exec env -i "$chroot" "$0" /altdisk "$@"' "$T_TMP/bare" "$@"; }
	cp "$file" "$T_TMP/bare/altdisk"
	echo 'ID=debian' >"$T_TMP/bare/etc/os-release"
	echo 'UUID=1 / ext4 defaults 0 1' >"$T_TMP/bare/etc/fstab"
	t_fail_with 3 bare check
	for tool in lsblk findmnt sfdisk mkfs.ext4; do
		t_match "^INHIBIT +tool.$tool +There is no program $tool" -
	done
	t_match 'next: install the package e2fsprogs' -
	t_fail_with 3 bare check --json
	t_equal 'install the package fdisk' "$(jq -r 'select(.id == "tool.sfdisk").remedy' "$T_OUT")"
fi

t_case "it stops in the midst of a file"
mkdir "$T_TMP/from"
head -c 40M /dev/urandom >"$T_TMP/from/file"
# At this pace it would take 40 s.
SECONDS=0
t_fail_with 1 timeout --preserve-status 2 "$altdisk" copy-tree --limit 1 "$T_TMP/from" "$T_TMP/to"
t_match 'interrupted by SIGTERM' -
t_ok test "$SECONDS" -lt 20

t_case "it stops when the master that waits for it is gone"
mkfifo "$T_TMP/errors"
NIMADM_BEAT=2 timeout 60 "$altdisk" copy-tree --limit 1 "$T_TMP/from" "$T_TMP/to2" >"$T_TMP/events" 2>"$T_TMP/errors" &
read -r _ <"$T_TMP/errors"
SECONDS=0
status=0
wait $! || status=$?
t_equal 1 "$status"
t_ok test "$SECONDS" -lt 20

t_done
