#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Peak memory of nimadm's own processes with a tree of very many files; exit status 1 when one is above the limit.
#
#	bench/memory.sh [--files N] [--limit MIB] [--threads N] [--migrate FIXTURE]
#
# N (500000) tiny files, a tenth of them in one directory, with N/10 directories and N/20 hard links. --migrate: also a
# whole `nimadm -T` of a Debian system with these files; FIXTURE is a directory as tests/fixture.sh makes it.
set -euo pipefail
. "$(dirname "$0")/need.sh"
need python3

src=$(cd "$(dirname "$0")/.." && pwd)
build=${NIM_BUILD:-$src/build}
files=500000 limit=100 threads=0 fixture=
while [ $# -gt 0 ]; do
	case $1 in
	--files) files=$2 ;;
	--limit) limit=$2 ;;
	--threads) threads=$2 ;;
	--migrate) fixture=$2 ;;
	*)
		sed -n '5s/^#	*//p' "$0" >&2
		exit 2
		;;
	esac
	shift 2
done
tmp=$(mktemp -d "${NIM_TEST_TMP:-/var/tmp}/nimadm-bench.XXXXXX")
trap 'rm -rf --one-file-system "$tmp"' EXIT
mkdir "$tmp/bin"
# A copy, so that a build meanwhile does no harm.
cp "$build/src/cli/nimadm" "$build/src/altdisk/altdisk" "$tmp/bin/"
ln -s nimadm "$tmp/bin/nim"
ln -s altdisk "$tmp/bin/mksysb"
PATH=$tmp/bin:$PATH
export NIM_STATE=$tmp/state
worst=0

# make_files DIR N
make_files() {
	python3 - "$1" "$2" <<'END'
import os, sys
top, n = sys.argv[1], int(sys.argv[2])
def touch(path, i):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, b"file %d\n" % i)
    os.close(fd)
os.makedirs(top + "/one")
for i in range(n // 10):
    touch(f"{top}/one/message-{i}.eml", i)
at = None
for i in range(n - n // 10):
    if i % 9 == 0:
        at = f"{top}/d{i // 9000}/e{i // 9}"
        os.makedirs(at)
    path = f"{at}/some-file-name-{i}.txt"
    touch(path, i)
    if i % 18 == 0:
        os.link(path, path + ".too")
END
}

# peak NAME COMMAND...
peak() {
	local name=$1 status=0 seen begun=$SECONDS
	shift
	"$src/bench/peak.py" "$tmp/peak" "$@" >"$tmp/said" 2>&1 || status=$?
	if [ "$status" != 0 ]; then
		tail -n 20 "$tmp/said" >&2
		echo "$name ended with status $status" >&2
		exit 1
	fi
	seen=$(cat "$tmp/peak")
	printf '%-10s %6.1f MiB  (%d s)\n' "$name" "$seen" $((SECONDS - begun))
	worst=$(printf '%s\n' "$worst" "$seen" | sort -g | tail -n 1)
}

tree=$tmp/tree
if [ -n "$fixture" ]; then
	mkdir "$tree"
	mksysb -q --extract "$fixture/mini12.mksysb" --target "$tree"
else
	mkdir -p "$tree/etc"
	printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >"$tree/etc/os-release"
fi
make_files "$tree/srv/files" "$files"
mksysb=(mksysb -q)
[ "$threads" = 0 ] || mksysb+=(--threads "$threads")
peak write "${mksysb[@]}" --root "$tree" -o "$tmp/image.mksysb"
peak list "${mksysb[@]}" --list "$tmp/image.mksysb"
peak verify "${mksysb[@]}" --verify "$tmp/image.mksysb"
peak compare "${mksysb[@]}" --compare "$tmp/image.mksysb" --target "$tree"
rm -rf --one-file-system "$tree"
mkdir "$tmp/out"
peak extract "${mksysb[@]}" --extract "$tmp/image.mksysb" --target "$tmp/out"
rm -rf --one-file-system "$tmp/out"
if [ -n "$fixture" ]; then
	mkdir -p "$NIM_STATE" "$tmp/cache"
	cp -a "$fixture/state/." "$NIM_STATE/"
	peak define nim -o define -t mksysb -a location="$tmp/image.mksysb" many12
	peak migrate nimadm -T many12 -O "$tmp/new.mksysb" -N many13 -l lpp13 -s spot13 -j "$tmp/cache" -Y
fi
awk -v worst="$worst" -v limit="$limit" -v files="$files" 'BEGIN {
	printf "most: %.1f MiB with %d files; limit %d MiB\n", worst, files, limit
	exit worst > limit
}'
