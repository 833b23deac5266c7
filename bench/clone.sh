#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `altdisk copy-tree` against `cp -a`, `rsync -aHAXS`, reading and writing the same bytes, as ratios; exit status 1 above a
# target.
#
#	bench/clone.sh [--runs N] [--threads N] [--only PART,...] [--one-disk|--plain] [--tiny N] [--many N] [TREE]
#
# Parts: tree (TREE, or a copy of this host's /usr), sparse (one file of 10 GB with 200 MB of data), tiny (N files of a few
# bytes, a million), memory (of the tree, and of N files, 3 million; that part takes long and is left out unless named).
# Medians of N (5) runs of each command in turn, cold cache, final sync included. A clone goes to a spare disk, another one
# than is read: each run of the part "tree" copies from an ext4 in memory (so it is needed) to a new ext4 in a file.
# --one-disk reads TREE where it lies, which is mostly the disk that is written to; --plain copies to a new directory of
# that file system.
set -euo pipefail
. "$(dirname "$0")/need.sh"
need fallocate losetup mkfs.ext4 mountpoint python3 rsync unshare

src=$(cd "$(dirname "$0")/.." && pwd)
build=${NIM_BUILD:-$src/build}
runs=5 threads=0 only=tree,sparse,tiny tiny=1000000 many=3000000 disks=two tree=
while [ $# -gt 0 ]; do
	case $1 in
	--runs) runs=$2 && shift ;;
	--threads) threads=$2 && shift ;;
	--only) only=$2 && shift ;;
	--tiny) tiny=$2 && shift ;;
	--many) many=$2 && shift ;;
	--one-disk | --plain) disks=${1#--} ;;
	-*)
		sed -n '6s/^#	*//p' "$0" >&2
		exit 2
		;;
	*) tree=$1 ;;
	esac
	shift
done
if [ "$(id -u)" != 0 ]; then
	echo "needs root: owners are kept, and caches dropped" >&2
	exit 2
fi
if [ "${CLONE_PRIVATE:-}" != 1 ]; then
	args=(--runs "$runs" --threads "$threads" --only "$only" --tiny "$tiny" --many "$many")
	[ "$disks" = two ] || args+=("--$disks")
	CLONE_PRIVATE=1 exec unshare --mount --propagation private -- "$0" "${args[@]}" ${tree:+"$tree"}
fi
tmp=$(mktemp -d "${NIM_TEST_TMP:-/var/tmp}/nimadm-bench.XXXXXX")
finish() {
	local dir
	for dir in disk memory/source memory; do
		if mountpoint -q "$tmp/$dir"; then umount "$tmp/$dir"; fi
	done
	rm -rf --one-file-system "$tmp"
}
trap finish EXIT
mkdir "$tmp/disk"
cp "$build/src/altdisk/altdisk" "$tmp/altdisk"
copy_tree=("$tmp/altdisk" copy-tree -q)
[ "$threads" = 0 ] || copy_tree+=(--threads "$threads")
cold=yes failed=no

# new_disk SIZE
new_disk() {
	local loop
	if [ "$disks" = plain ]; then
		rm -rf --one-file-system "$tmp/disk/copy"
		return
	fi
	if mountpoint -q "$tmp/disk"; then umount "$tmp/disk"; fi
	rm -f "$tmp/disk.img"
	# Real blocks: what a file system finds for its image is no part of what is measured.
	fallocate -l "$1" "$tmp/disk.img"
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "${mkfs[@]}" "$tmp/disk.img"
	# No disk has a cache of pages below the one of its file system.
	loop=$(losetup --find --show --direct-io=on "$tmp/disk.img")
	mount "$loop" "$tmp/disk"
	losetup --detach "$loop"
}

# TREE on a disk of its own, which is not the one that is written to; its pages are still to be read after a drop of caches.
# new_source KIB_OF_TREE
new_source() {
	local image=$(($1 * 4 / 3 + 256 * 1024)) free
	free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
	if [ "$free" -lt $((image + $1 + 1024 * 1024)) ]; then
		echo "$((free / 1024)) MiB of memory are too few for a copy of $tree: use --one-disk" >&2
		exit 2
	fi
	mkdir "$tmp/memory"
	mount -t tmpfs -o "size=$((image + 1024))k" none "$tmp/memory"
	mkdir "$tmp/memory/source"
	fallocate -l "${image}K" "$tmp/memory/image"
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$tmp/memory/image"
	mount -o loop "$tmp/memory/image" "$tmp/memory/source"
	cp -a "$tree" "$tmp/memory/source/tree"
}

# timed COMMAND...: milliseconds, into $took
timed() {
	local begun ended
	sync
	echo 3 >/proc/sys/vm/drop_caches || cold=no
	begun=$(date +%s%N)
	"$@" >"$tmp/said" 2>&1 || {
		cat "$tmp/said" >&2
		exit 1
	}
	ended=$(date +%s%N)
	took=$(((ended - begun) / 1000000))
}

with_cp() { cp -a "$tree" "$tmp/disk/copy" && sync -f "$tmp/disk"; }
with_rsync() { rsync -aHAXS "$tree/" "$tmp/disk/copy/" && sync -f "$tmp/disk"; }
with_us() { "${copy_tree[@]}" "$tree" "$tmp/disk/copy" && sync -f "$tmp/disk"; }
with_manifest() { "${copy_tree[@]}" --manifest "$tmp/manifest" "$tree" "$tmp/disk/copy" && sync -f "$tmp/disk"; }
# In the order of the inodes, which is about the order on disk.
files() { find "$tree" -xdev -type f -printf '%i %p\0' | sort -zn | cut -zd' ' -f2-; }
reading() { files | xargs -0 cat >/dev/null; }
# As many bytes as one file.
writing() {
	dd if=/dev/zero of="$tmp/disk/copy" bs=1M count="$mib" status=none && sync -f "$tmp/disk"
}
# Both at once, by four processes each, the writing ones past the page cache: what these disks give when nothing is in the way.
both() {
	local i pid pids
	files | xargs -0 -n 400 -P 4 cat >/dev/null &
	pids=($!)
	for i in {1..4}; do
		dd if=/dev/zero of="$tmp/disk/copy$i" bs=1M count=$((mib / 4)) oflag=direct status=none &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || return; done
	sync -f "$tmp/disk"
}

median() {
	printf '%s\n' "$@" | sort -n | sed -n "$(((${#} + 1) / 2))p"
}

# measure PART SIZE RUNS COMMAND...: medians into ms[]
declare -A ms
measure() {
	local part=$1 size=$2 n=$3 what i
	local -A all=()
	shift 3
	for ((i = 0; i < n; i++)); do
		for what; do
			[ "$what" = reading ] || new_disk "$size"
			timed "$what"
			all[$what]+=" $took"
		done
	done
	ms=()
	for what; do
		# shellcheck disable=SC2086 # a list of numbers
		ms[$what]=$(median ${all[$what]})
		printf '%s: %-14s %7.2f s  (%s )\n' "$part" "${what#with_}" "$(awk "BEGIN { print ${ms[$what]} / 1000 }")" "${all[$what]}"
	done
}

# ratio PART NAME A B [TARGET]
ratio() {
	local word='' value
	value=$(awk "BEGIN { printf \"%.2f\", ${ms[$3]} / ${ms[$4]} }")
	if [ $# -gt 4 ]; then
		word="target $5: reached"
		if ! awk "BEGIN { exit !($value <= $5) }"; then
			word="target $5: MISSED" failed=yes
		fi
	fi
	printf '%s: %-34s %s  %s\n' "$1" "$2" "$value" "$word"
}

part_tree() {
	local tree=$tree mib kib
	kib=$(du -sk "$tree" | cut -f1)
	mib=$((kib / 1024))
	if [ "$disks" = two ]; then
		new_source "$kib"
		tree=$tmp/memory/source/tree
	fi
	mkfs=()
	measure tree $((mib * 3 / 2 + 512))M "$runs" with_cp with_rsync with_us with_manifest reading writing both
	ratio tree "us / cp -a" with_us with_cp 0.65
	ratio tree "us / rsync -aHAXS" with_us with_rsync 0.3
	ratio tree "us with manifest / cp -a" with_manifest with_cp 0.85
	ratio tree "us / reading" with_us reading
	ratio tree "us / writing" with_us writing
	ratio tree "reading and writing / rsync -aHAXS" both with_rsync
	if [ "$disks" = two ]; then
		umount "$tmp/memory/source"
		umount "$tmp/memory"
	fi
}

part_sparse() {
	local tree=$tmp/sparse i
	mkdir "$tree"
	truncate -s 10G "$tree/file"
	for i in {0..99}; do
		dd if=/dev/urandom of="$tree/file" bs=1M count=2 seek=$((i * 100)) conv=notrunc status=none
	done
	mkfs=()
	measure sparse 1G "$runs" with_cp with_us with_manifest
	ratio sparse "us / cp -a" with_us with_cp
	ratio sparse "us with manifest / cp -a" with_manifest with_cp
	rm -r "$tree"
}

# make_files DIR N
make_files() {
	python3 - "$1" "$2" <<'END'
import os, sys
top, n = sys.argv[1], int(sys.argv[2])
at = None
for i in range(n):
    if i % 50 == 0:
        at = f"{top}/d{i // 50000}/e{i // 50}"
        os.makedirs(at)
    fd = os.open(f"{at}/some-file-name-{i}.txt", os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, b"file %d\n" % i)
    os.close(fd)
END
}

part_tiny() {
	local tree=$tmp/tiny size=$((tiny * 5 / 1024 + 512))M
	make_files "$tree" "$tiny"
	mkfs=(-i 4096)
	measure tiny "$size" 1 with_cp with_us with_manifest
	ratio tiny "us / cp -a" with_us with_cp
	ratio tiny "us with manifest / cp -a" with_manifest with_cp
	rm -rf "$tree"
}

# peak NAME LIMIT
peak() {
	local seen word=reached
	"$src/bench/peak.py" "$tmp/peak" "${copy_tree[@]}" --manifest "$tmp/manifest" --verify "$tree" "$tmp/disk/copy"
	seen=$(cat "$tmp/peak")
	if ! awk "BEGIN { exit !($seen <= $2) }"; then
		word=MISSED failed=yes
	fi
	printf 'memory: %-32s %s MiB  target %s: %s\n' "$1" "$seen" "$2" "$word"
}

part_memory() {
	mkfs=()
	new_disk $(($(du -sk "$tree" | cut -f1) * 3 / 2 / 1024 + 512))M
	peak "the tree, manifest and verify" 64
	local tree=$tmp/many
	make_files "$tree" "$many"
	mkfs=(-i 4096)
	new_disk $((many * 5 / 1024 + 512))M
	peak "$many files, manifest and verify" 256
	rm -rf "$tree"
}

if [ -z "$tree" ]; then
	tree=$tmp/tree
	mkdir "$tree"
	cp -a /usr "$tree/"
fi
tree=$(realpath "$tree")
for part in ${only//,/ }; do
	"part_$part"
done
[ "$cold" = yes ] || echo "(the page cache could not be dropped: warm runs)"
[ "$failed" = no ] || exit 1
