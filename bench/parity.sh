#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# parity.sh --lpp DIR --spot DIR [--runs N | --trees-only] [--tar FILE] [--work DIR] PROFILE [FROM [TO]]
#
# Migrates the server of a profile twice from the same tree: with apt full-upgrade in an ordinary chroot, and with the
# package backend in the sandbox over an overlay (what phases 5 and 6 do with packages). Each run of each side gets a
# new ext4 file system (a sparse image in the work directory): one that trees were deleted on a moment ago is slow to
# make inodes on, which would be measured as well.
# Compares the trees path by path (tests/profiles/differences.txt lists what may differ, each with its reason) and the
# times, archives downloaded beforehand on both sides; medians of N runs (1). DIR of --lpp is an lpp_source of release
# TO, of --spot its tool tree's root. Needs root. Exit status 0: same trees, and (but with --trees-only) at most 0.6 of
# the time.
set -euo pipefail
. "$(dirname "$0")/need.sh"
need bwrap mkfs.ext4 mmdebstrap mountpoint python3 tar unshare

here=$(cd "$(dirname "$0")" && pwd)
driver=${NIM_BUILD:-$here/../build}/tests/root/pkg-driver
target_ratio=0.6
runs=1 tar='' lpp='' spot='' work=${TMPDIR:-/var/tmp}/nimadm-parity.$$ keep=no judge=yes

die() {
	echo "parity.sh: $*" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--lpp) lpp=$2 && shift 2 ;;
	--spot) spot=$2 && shift 2 ;;
	--runs) runs=$2 && shift 2 ;;
	--runs=*) runs=${1#--runs=} && shift ;;
	--trees-only) judge=no && shift ;;
	--tar) tar=$2 && shift 2 ;;
	--work) work=$2 keep=yes && shift 2 ;;
	--*) die "unknown option $1; see the head of this script" ;;
	*) break ;;
	esac
done
profile=${1:?parity.sh: which profile?}
from=${2:-bookworm}
to=${3:-trixie}
[ "$(id -u)" = 0 ] || die "needs root"
[ -d "$lpp/lists" ] || die "--lpp: no lpp_source at '$lpp'"
[ -d "$spot/usr" ] || die "--spot: no tool tree at '$spot'"
[ -x "$driver" ] || die "build first: no $driver"

# All mounts are in a namespace of our own: nothing is left when this ends, however it ends.
if [ "${PARITY_PRIVATE:-}" != 1 ]; then
	options=(--lpp "$lpp" --spot "$spot" --runs "$runs" ${tar:+--tar "$tar"})
	[ "$judge" = yes ] || options+=(--trees-only)
	[ "$keep" = no ] || options+=(--work "$work")
	PARITY_PRIVATE=1 exec unshare --mount --propagation private -- "$0" "${options[@]}" \
		"$profile" "$from" "$to"
fi
mkdir -p "$work"

build_tar() {
	[ -z "$tar" ] || return 0
	tar=$work/$profile-$from.tar
	[ -e "$tar" ] || "$here/../tests/profiles/build.sh" "$profile" "$from" "$tar"
}

# new_fs NAME: an empty file system at $work/NAME, in place of the one that was there.
new_fs() {
	mkdir -p "$work/$1"
	! mountpoint -q "$work/$1" || umount "$work/$1"
	rm -f "$work/$1.img"
	truncate -s 16G "$work/$1.img"
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$work/$1.img"
	mount -o loop "$work/$1.img" "$work/$1"
}

unpack() {
	mkdir -p "$1"
	tar -xpf "$tar" -C "$1" --numeric-owner --xattrs --xattrs-include='*' --acls
}

# Both sides start from the same state of the page cache: archives warm, trees written.
settle() {
	cat "$lpp"/pool/*.deb >/dev/null
	sync
}

drive() {
	"$driver" "$spot" "$lpp" "$work/alt" "$work/job" "$to" 900 "$@"
}

# Seconds of the steps that phases 5 and 6 spend on packages.
ours() {
	rm -rf --one-file-system "$work/job"
	mkdir -p "$work"/{job,alt}
	! mountpoint -q "$work/alt" || umount "$work/alt"
	new_fs ours
	mkdir "$work"/ours/{upper,ovl}
	unpack "$work/ours/lower"
	[ "$from" != bullseye ] ||
		"$driver" "$spot" "$lpp" "$work/ours/lower" "$work/job" "$to" 900 usrmerge >"$work/usrmerge.log"
	mount -t overlay overlay -o "lowerdir=$work/ours/lower,upperdir=$work/ours/upper,workdir=$work/ours/ovl" \
		-o metacopy=on,redirect_dir=on,index=off,volatile "$work/alt"
	drive plan fetch plan >"$work/plan.log" || {
		cat "$work/plan.log"
		die "no plan"
	}
	settle
	drive prepare bos rest finish >"$work/ours.log" || {
		cat "$work/ours.log"
		die "the migration failed; see $work/job"
	}
	drive verify >"$work/verify.log" || {
		cat "$work/verify.log"
		die "the migrated tree does not verify"
	}
	awk '/^(prepare|bos|rest|finish) [0-9.]+ s$/ {t += $2} END {print t}' "$work/ours.log"
}

# The ordinary way, in a chroot with what a chroot needs; the archives and indexes are the same files.
in_place() {
	local tree=$work/inplace/root
	new_fs inplace
	unpack "$tree"
	mkdir -p "$tree"/var/lib/apt/lists/partial "$tree"/var/cache/apt/archives/partial
	cp -r "$lpp"/lists/. "$tree/var/lib/apt/lists/"
	cp "$lpp"/pool/*.deb "$tree/var/cache/apt/archives/"
	rm -rf "$tree"/etc/apt/sources.list.d/*
	if [ -d "$lpp/etc/sources.list.d" ]; then
		cp "$lpp"/etc/sources.list.d/* "$tree/etc/apt/sources.list.d/"
		sed -i '/^Signed-By:/d' "$tree"/etc/apt/sources.list.d/*
		: >"$tree/etc/apt/sources.list"
	else
		cp "$lpp/etc/sources.list" "$tree/etc/apt/sources.list"
	fi
	printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
	chmod 755 "$tree/usr/sbin/policy-rc.d"
	settle
	unshare --mount --propagation private --pid --fork --net --ipc --uts \
		bash "$here/in-place.sh" "$tree" >"$work/inplace.log" 2>&1 || {
		tail -n 30 "$work/inplace.log"
		die "apt full-upgrade failed; see $work/inplace.log"
	}
	rm -f "$tree/usr/sbin/policy-rc.d"
	awk '/^SECONDS / {print $2}' "$work/inplace.log"
}

median() {
	sort -n "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}

build_tar
: >"$work/ours.times"
: >"$work/inplace.times"
for ((i = 0; i < runs; i++)); do
	ours >>"$work/ours.times"
	in_place >>"$work/inplace.times"
done
a=$(median "$work/inplace.times")
b=$(median "$work/ours.times")
status=0
"$here/treediff.py" "$work/inplace/root" "$work/alt" "$here/../tests/profiles/differences.txt" \
	>"$work/differences" 2>"$work/summary" || status=1
cat "$work/differences"
ratio=$(awk -v a="$a" -v b="$b" 'BEGIN {printf "%.2f", b / a}')
echo "$profile $from -> $to: $(cat "$work/summary")"
echo "$profile $from -> $to: in place $a s, ours $b s, ratio $ratio (target $target_ratio), medians of $runs"
umount "$work/alt" "$work/ours" "$work/inplace"
rm -f "$work"/{ours,inplace}.img
[ "$keep" = yes ] || rm -rf --one-file-system "$work"
if [ "$judge" = yes ]; then
	awk -v r="$ratio" -v t="$target_ratio" 'BEGIN {exit !(r <= t)}' || status=1
fi
exit $status
