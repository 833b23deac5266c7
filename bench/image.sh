#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Writing and restoring an image against `tar --zstd -T0` on the same tree: medians of three, as ratios (1.0: as fast as tar).
# Exit status 1 when one of them is above 1.0.
#
#	bench/image.sh [TREE|TREE.tar]	default: a copy of some 1.2 GB of this host's /usr
#
# Same file system, data dropped from the page cache before each run where that is allowed, syncs included on both sides.
set -euo pipefail
. "$(dirname "$0")/need.sh"
need tar zstd

src=$(cd "$(dirname "$0")/.." && pwd)
build=${NIM_BUILD:-$src/build}
tmp=$(mktemp -d "${NIM_TEST_TMP:-/var/tmp}/nimadm-bench.XXXXXX")
trap 'rm -rf --one-file-system "$tmp"' EXIT
tree=${1:-}
mksysb=$tmp/mksysb
ln -s "$build/src/altdisk/altdisk" "$mksysb"
export NIM_STATE=$tmp/state

if [ -z "$tree" ]; then
	tree=$tmp/tree
	mkdir -p "$tree/etc"
	cp /etc/os-release "$tree/etc/"
	left=1200
	for part in /usr/bin /usr/sbin /usr/share/* /usr/lib/*; do
		size=$(du -smx "$part" | cut -f1)
		[ "$size" -le "$left" ] || continue
		left=$((left - size))
		mkdir -p "$tree/$(dirname "$part")"
		cp -a "$part" "$tree/$part"
	done
elif [ -f "$tree" ]; then
	mkdir "$tmp/tree"
	tar -C "$tmp/tree" -xf "$tree"
	tree=$tmp/tree
fi
du -smx "$tree" | awk '{ printf "tree:    %d MB, ", $1 }'
find "$tree" -xdev | wc -l | awk '{ print $1 " files" }'

# Runs a command from a cold start; seconds on standard output.
timed() {
	local begun ended
	sync
	if [ -w /proc/sys/vm/drop_caches ]; then
		echo 3 >/proc/sys/vm/drop_caches || cold=no
	fi
	begun=$(date +%s%N)
	"$@" >"$tmp/said" 2>&1 || { cat "$tmp/said" >&2; exit 1; }
	ended=$(date +%s%N)
	echo $(((ended - begun) / 1000000))
}

median() {
	printf '%s\n' "$@" | sort -n | sed -n 2p
}

tar_write() {
	tar --zstd -cf "$tmp/tar.zst" -C "$tree" . && sync "$tmp/tar.zst"
}
tar_restore() {
	tar --zstd -xf "$tmp/tar.zst" -C "$tmp/out" && sync -f "$tmp/out"
}
our_write() {
	"$mksysb" -q --root "$tree" -o "$tmp/image.mksysb"
}
our_restore() {
	"$mksysb" -q --extract "$tmp/image.mksysb" --target "$tmp/out"
}
fresh() {
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
}

export ZSTD_NBTHREADS=0 # what -T0 means to zstd
cold=yes
tw=() tr=() ow=() or=()
for _ in 1 2 3; do
	tw+=("$(timed tar_write)")
	ow+=("$(timed our_write)")
	fresh
	tr+=("$(timed tar_restore)")
	fresh
	or+=("$(timed our_restore)")
done
ts=$(stat -c %s "$tmp/tar.zst") os=$(stat -c '%b' "$tmp/image.mksysb")
os=$((os * 512))

awk -v tw="$(median "${tw[@]}")" -v tr="$(median "${tr[@]}")" -v ow="$(median "${ow[@]}")" -v or="$(median "${or[@]}")" -v ts="$ts" -v os="$os" -v cold="$cold" 'BEGIN {
	printf "write:   mksysb %.2f s, tar %.2f s, ratio %.2f\n", ow / 1000, tw / 1000, ow / tw
	printf "restore: mksysb %.2f s, tar %.2f s, ratio %.2f\n", or / 1000, tr / 1000, or / tr
	printf "size:    mksysb %.1f MB, tar %.1f MB, ratio %.2f\n", os / 1e6, ts / 1e6, os / ts
	if (cold != "yes") print "(the page cache could not be dropped: warm runs)"
	exit ow > tw || or > tr
}'
