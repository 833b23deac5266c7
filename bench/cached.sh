#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What mode B moves: bench/cached.sh TREE.tar [MIGRATED-TREE]
#
# Two clients with the same tree (the second with another identity) are pulled into one cache; what a migration made of
# the first, or, without a second tree, a change of a tenth of the files, is pushed back. Prints bytes, against copying
# everything both ways, and the processor time of the client's program.
set -euo pipefail
. "$(dirname "$0")/need.sh"
need chattr tar time unshare ${2:+rsync}
top=$(cd "$(dirname "$0")/.." && pwd)
build=${NIM_BUILD:-$top/build}
run=$build/tests/root/cached-run altdisk=$build/src/altdisk/altdisk
[[ $# -ge 1 && -f $1 ]] || { echo "usage: $0 TREE.tar [MIGRATED-TREE]" >&2; exit 2; }
if [[ ${CACHED_PRIVATE:-} != 1 ]]; then exec env CACHED_PRIVATE=1 unshare -m --propagation private "$0" "$@"; fi
work=$(mktemp -d "${NIM_TEST_TMP:-/var/tmp}/nimadm-cached.XXXXXX")
clean_up() {
	if mountpoint -q "$work/cache/one/alt"; then umount -l "$work/cache/one/alt"; fi
	if ! chattr -R -f -i -a "$work"; then echo "some inode flags stay" >&2; fi
	rm -rf "$work"
}
trap clean_up EXIT

unpack() { mkdir "$2" && tar -xpf "$1" -C "$2" --numeric-owner --xattrs --xattrs-include='*' --acls; }
value() { awk -v n="$1" '$1 == n { print $2 }' "$2"; }
job() {
	mkdir -p "$work/cache/$1"/{lower,upper,work,alt}
	/usr/bin/env time -f "seconds %e" "$run" "$2" "$altdisk" "$work/$1" "$work/keep-$1" "$work/cache" "$work/cache/$1" \
		"$work/cache/$1/lower" "$work/cache/$1/alt" 2>&1
}

unpack "$1" "$work/one"
unpack "$1" "$work/two"
echo two >"$work/two/etc/hostname"
head -c 32 /dev/urandom | sha256sum >"$work/two/etc/machine-id"
mkdir -p "$work/two/etc/ssh" "$work/two/var/log"
for kind in rsa ecdsa ed25519; do
	head -c 2000 /dev/urandom | base64 | tee "$work/two/etc/ssh/ssh_host_${kind}_key" >"$work/two/etc/ssh/ssh_host_${kind}_key.pub"
done
head -c 3000000 /dev/urandom | base64 >"$work/two/var/log/syslog"

for client in one two; do
	job "$client" pull >"$work/pull-$client"
	echo "pull $client: $(tr '\n' ' ' <"$work/pull-$client")"
done
mount -t overlay overlay -o "lowerdir=$work/cache/one/lower,upperdir=$work/cache/one/upper,workdir=$work/cache/one/work,index=on,metacopy=on" \
	"$work/cache/one/alt"
if [[ -n ${2:-} ]]; then
	rsync -aHAXS --numeric-ids --delete "$2/" "$work/cache/one/alt/"
else
	find "$work/cache/one/alt/usr" -type f -size +1k | awk 'NR % 10 == 0' | while read -r file; do
		cp -a "$file" "$file.new" && echo >>"$file.new" && mv "$file.new" "$file"
	done
fi
job one push >"$work/push"
echo "push: $(tr '\n' ' ' <"$work/push")"
awk -v first="$(value packed "$work/pull-one")" -v second="$(value packed "$work/pull-two")" -v all="$(value bytes "$work/pull-one")" \
	-v raw="$(value raw "$work/push")" -v changed="$(value moved_bytes "$work/push")" -v packed="$(value packed "$work/push")" 'BEGIN {
	printf "second pull / first pull (as sent): %.3f (at most 0.05)\n", second / first
	printf "push / changed bytes (before compression): %.3f (at most 1.1)\n", raw / changed
	printf "first client, both ways / everything both ways: %.3f\n", (first + packed) / (2 * all)
	printf "second client, both ways / everything both ways: %.3f\n", (second + packed) / (2 * all)
}'
