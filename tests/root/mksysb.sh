#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images: every kind of file there and back, through this program and through GNU tar; damage of any kind is seen.
# Takes 2 minutes.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools setfattr setfacl setcap chattr python3 zstd
t_private_mounts "$@"

mksysb=$T_TMP/mksysb
ln -s "$T_BUILD/src/altdisk/altdisk" "$mksysb"
export NIM_STATE=$T_TMP/state
tree=$T_TMP/tree image=$T_TMP/image.mksysb
# The scratch directory cannot be removed while there are immutable files in it.
t_at_exit chattr -R -f -i -a "$T_TMP"

make_tree() {
	mkdir -p "$tree"/{etc,usr/bin,empty,dev,var/lib/dpkg}
	cd "$tree"
	printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >etc/os-release
	printf '/dev/mapper/rootvg-hd4 / ext4 errors=remount-ro 0 1\n' >etc/fstab
	printf 'Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n' >var/lib/dpkg/status
	echo host >etc/hostname
	echo one >etc/one && ln etc/one etc/two && ln etc/one empty/three
	ln -s one etc/link && ln -s /nowhere etc/dangling
	ln etc/link etc/link.too
	: >etc/zero
	cp /bin/true usr/bin/capable && setcap cap_net_raw+ep usr/bin/capable
	cp /bin/true usr/bin/setuid && chown 33:44 usr/bin/setuid && chmod 6755 usr/bin/setuid
	echo x >etc/xattr && setfattr -n user.a=b -v 'value' etc/xattr && setfattr -n trusted.t -v 0x0001ff etc/xattr
	echo x >etc/acl && setfacl -m u:450:rwx,g:33:r etc/acl
	mkdir etc/default-acl && setfacl -d -m u:450:rwx etc/default-acl && echo in >etc/default-acl/in
	truncate -s 40M var/sparse && printf data | dd of=var/sparse bs=1 seek=20000000 conv=notrunc status=none
	truncate -s 1M var/only-hole
	truncate -s 5M var/fragments
	for i in {0..99}; do
		printf 'piece %s' "$i" | dd of=var/fragments bs=1 seek=$((i * 50000)) conv=notrunc status=none
	done
	head -c 9000000 /dev/urandom >var/large
	head -c 4194304 /dev/zero | tr '\0' z >var/exact
	mknod dev/null c 1 3 && mknod dev/sda b 8 0 && mkfifo -m 620 dev/fifo && chown 5:6 dev/fifo
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("dev/log")'
	truncate -s 9G var/huge && printf end | dd of=var/huge bs=1 seek=9000000000 conv=notrunc status=none
	printf 'odd' >$'etc/new\nline' && printf 'odd' >$'etc/not-utf8-\377\376' && printf 'odd' >'etc/back\slash and blank'
	printf 'odd' >'-o' && printf 'odd' >'etc/=percent%'
	long=$(printf 'd%.0s' {1..120})
	mkdir -p "$long/$long/$long" && echo deep >"$long/$long/$long/$long" && ln -s "$long/$long/$long" "$long/link"
	touch -d '1965-03-04 05:06:07.891234567 UTC' etc/old
	touch -d '2300-01-01 00:00:00.000000001 UTC' etc/future
	echo fixed >etc/immutable && chattr +i etc/immutable
	echo more >etc/append && chattr +a etc/append && chattr +d etc/zero
	mkdir locked && echo in >locked/in && chattr +i locked
	chmod 1777 empty && chmod 000 etc/zero
	mkdir etc/sync && chattr +D +T etc/sync && echo x >etc/noatime && chattr +A +S etc/noatime
	touch -h -d '2003-04-05 06:07:08.123456789 UTC' etc/link && touch -h -d '1999-12-31 23:59:59.000000001 UTC' etc/dangling
	touch -d '2001-02-03 04:05:06.789012345 UTC' etc empty . dev
	cd - >/dev/null
}

t_case "an image holds every kind of file"
make_tree
t_ok "$mksysb" --root "$tree" -o "$image"
t_match 'dev/log: a socket: left out' -
t_ok "$mksysb" --verify "$image"
t_ok "$mksysb" --compare "$image" --target "$tree"
t_ok "$mksysb" --show "$image"
t_match 'OSLEVEL= debian 12 bookworm' -
t_match 'PLATFORM= amd64' -
t_match 'VGNAME= rootvg' -

t_case "the listing shows them"
t_ok "$mksysb" --list "$image"
t_match '^-rwsr-sr-x 33/44 .* usr/bin/setuid$' -
t_match '^crw.* 1,3 .* dev/null$' -
t_match 'etc/new\\012line$' -
t_match ' link to ' -
t_ok "$mksysb" --json --list "$image"
t_match '"flags":"i"' -

t_case "unpacking gives the same tree"
mkdir "$T_TMP/out"
t_ok "$mksysb" --extract "$image" --target "$T_TMP/out"
t_ok "$mksysb" --compare "$image" --target "$T_TMP/out"
t_equal "$(stat -c %i "$T_TMP/out/etc/one")" "$(stat -c %i "$T_TMP/out/empty/three")"
t_ok test "$(stat -c %b "$T_TMP/out/var/sparse")" -lt 2000
t_equal "$(cd "$tree" && getcap usr/bin/capable)" "$(cd "$T_TMP/out" && getcap usr/bin/capable)"
t_equal "$(cd "$tree" && getfacl -Rn etc 2>&1 | tr -d '\377\376')" "$(cd "$T_TMP/out" && getfacl -Rn etc 2>&1 | tr -d '\377\376')"
t_equal "$(cd "$tree" && lsattr -R . 2>&1 | grep -av ' ./dev/')" "$(cd "$T_TMP/out" && lsattr -R . 2>&1 | grep -av ' ./dev/')"

t_equal "$(cd "$tree" && find . -type l,d -printf '%p %T@\n' | sort)" \
	"$(cd "$T_TMP/out" && find . -type l,d -printf '%p %T@\n' | sort)"
t_equal "9663676416 end" "$(stat -c %s "$T_TMP/out/var/huge") $(tail -c +9000000001 "$T_TMP/out/var/huge" | head -c 3)"
t_ok test "$(stat -c %b "$T_TMP/out/var/huge")" -lt 2000

t_case "a file system without inode flags takes what it can"
mkdir "$T_TMP/small" "$T_TMP/flat"
mount -t ramfs ramfs "$T_TMP/flat"
mkdir "$T_TMP/small/etc" "$T_TMP/flat/out"
for file in fstab os-release; do cp "$tree/etc/$file" "$T_TMP/small/etc/"; done
echo x >"$T_TMP/small/file" && chattr +d +i +A "$T_TMP/small/file"
t_ok "$mksysb" -q --root "$T_TMP/small" -o "$T_TMP/small.mksysb"
t_ok "$mksysb" --extract "$T_TMP/small.mksysb" --target "$T_TMP/flat/out"
t_ok "$mksysb" --compare "$T_TMP/small.mksysb" --target "$T_TMP/flat/out"
umount "$T_TMP/flat"
chattr -i -A "$T_TMP/small/file"
t_fail_with 1 "$mksysb" --compare "$T_TMP/small.mksysb" --target "$T_TMP/small"
t_match 'file: other inode flags' -

t_case "inode flags are where libarchive looks for them; GNU tar passes over them"
if command -v bsdtar >/dev/null; then
	mkdir "$T_TMP/bsd"
	t_ok bsdtar -xpf "$image" --fflags --xattrs --acls --numeric-owner -C "$T_TMP/bsd"
	for file in etc/immutable etc/append etc/zero etc/sync etc/noatime locked; do
		t_equal "$(lsattr -d "$tree/$file" | cut -d' ' -f1)" "$(lsattr -d "$T_TMP/bsd/$file" | cut -d' ' -f1)"
	done
else
	t_skip "needs bsdtar"
fi
# It warns about keywords of others, and about times before 1970 and far ahead.
t_ok tar --zstd --warning=no-unknown-keyword -tf "$image"
t_match '^etc/immutable$' -
t_no_match '^tar:.*(keyword|header)' -

t_case "GNU tar lists it without a word and unpacks the same"
# It does not know inode flags. Times before 1970 and far ahead it warns about.
for top in "$T_TMP/out" "$tree"; do
	chattr -i -a -d -D -T -A -S "$top"/etc/{immutable,append,zero,sync,noatime} "$top/locked"
done
rm "$tree"/etc/{old,future}
gnu=$T_TMP/gnu.mksysb
t_ok "$mksysb" -q --root "$tree" -o "$gnu"
t_ok tar --zstd -tf "$gnu"
t_no_match '^tar:' -
mkdir "$T_TMP/gnu"
t_ok tar --zstd -xpf "$gnu" -C "$T_TMP/gnu" --numeric-owner --xattrs --xattrs-include='*' --acls
t_no_match '^tar:' -
rm "$T_TMP"/gnu/{image.data,bosinst.data,manifest}
touch -r "$tree" "$T_TMP/gnu"
t_ok "$mksysb" --compare "$gnu" --target "$T_TMP/gnu"

t_case "the first members are the stanzas and the manifest, whose sums are right"
t_equal "image.data bosinst.data manifest ./" "$(tar --zstd -tf "$image" 2>"$T_TMP/err" | head -4 | tr '\n' ' ' | sed 's/ $//')"
tar --zstd -xOf "$image" manifest >"$T_TMP/manifest"
t_equal "$(sha256sum <"$tree/var/large" | cut -d' ' -f1)" "$(awk '$10 == "var/large" { print $7 }' "$T_TMP/manifest")"

t_case "patterns and file systems are left out"
printf '# comment\n^./var/\n\\.too$\n' >"$T_TMP/excludes"
t_ok "$mksysb" --root "$tree" -e "$T_TMP/excludes" -o "$T_TMP/small.mksysb"
t_ok "$mksysb" --list "$T_TMP/small.mksysb"
t_no_match ' var/large$' -
t_no_match 'link.too' -
t_match ' var$' -
t_fail_with 2 "$mksysb" --root "$tree" -x /nowhere -o "$T_TMP/x.mksysb"
printf '\\(\n' >"$T_TMP/excludes"
t_fail_with 2 "$mksysb" --root "$tree" -e "$T_TMP/excludes" -o "$T_TMP/x.mksysb"
t_match "exclude pattern" -
t_fail_with 1 test -e "$T_TMP/x.mksysb"

t_case "other mounts are not entered; the image itself is not in the image"
mkdir -p "$tree/mnt"
mount -t tmpfs tmpfs "$tree/mnt"
echo inside >"$tree/mnt/inside"
t_ok "$mksysb" -q --root "$tree" -o "$tree/self.mksysb"
t_ok "$mksysb" -q --root "$tree" -o "$tree/self.mksysb"
t_ok "$mksysb" --list "$tree/self.mksysb"
t_match ' mnt$' -
t_no_match 'inside|self.mksysb' -
umount "$tree/mnt"
rm "$tree/self.mksysb"

t_case "a target that is not empty is refused"
t_fail_with 1 "$mksysb" --extract "$image" --target "$T_TMP/out"
t_match 'is not empty' -

t_case "differences of a tree are named"
echo changed >"$T_TMP/out/etc/one"
rm "$T_TMP/out/etc/dangling"
: >"$T_TMP/out/etc/extra"
t_fail_with 1 "$mksysb" --compare "$image" --target "$T_TMP/out"
t_match 'etc/dangling: missing' -
t_match 'etc/extra: not in the image' -

t_case "one wrong byte anywhere is found"
rm -rf "$tree/var/large"
t_ok "$mksysb" -q --root "$tree" -o "$T_TMP/bits.mksysb"
size=$(stat -c %s "$T_TMP/bits.mksysb")
missed=0
offsets=$(python3 - "$T_TMP/bits.mksysb" <<'PY'
import os, random, struct, sys
random.seed(7)
size = os.path.getsize(sys.argv[1])
with open(sys.argv[1], "rb") as f:
    f.seek(size - 9)
    n = struct.unpack("<I", f.read(4))[0]
tail = n * 32 + 120
first = list(range(0, 40)) + random.sample(range(40, size), 60)
tables = random.sample(range(size - tail, size), 80) + list(range(size - 9, size))
print(*first, *tables)
PY
)
for at in $offsets; do
	python3 - "$T_TMP/bits.mksysb" "$at" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)[0]
    f.seek(int(sys.argv[2])); f.write(bytes([b ^ 0x10]))
PY
	if "$mksysb" -q --verify "$T_TMP/bits.mksysb" >"$T_TMP/said" 2>&1; then
		echo "byte $at of $size: not found"
		missed=$((missed + 1))
	elif ! grep -q 'mksysb: .*image ' "$T_TMP/said"; then
		cat "$T_TMP/said"
		missed=$((missed + 1))
	fi
	python3 - "$T_TMP/bits.mksysb" "$at" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)[0]
    f.seek(int(sys.argv[2])); f.write(bytes([b ^ 0x10]))
PY
done
t_equal 0 "$missed"
t_ok "$mksysb" --verify "$T_TMP/bits.mksysb"

t_case "a cut file is called truncated"
for part in 1 2 3; do
	head -c $((size * part / 4)) "$T_TMP/bits.mksysb" >"$T_TMP/cut.mksysb"
	t_fail_with 1 "$mksysb" --verify "$T_TMP/cut.mksysb"
	t_match 'truncated' -
done
head -c $((size - 1)) "$T_TMP/bits.mksysb" >"$T_TMP/cut.mksysb"
t_fail_with 1 "$mksysb" --verify "$T_TMP/cut.mksysb"
t_match 'truncated' -
: >"$T_TMP/cut.mksysb"
t_fail_with 1 "$mksysb" --verify "$T_TMP/cut.mksysb"
t_match 'the file is empty' -

t_case "what is no image is called so"
t_fail_with 1 "$mksysb" --verify /bin/true
t_match 'not an image' -
tar --zstd -cf "$T_TMP/other.tar.zst" -C "$tree" etc
t_fail_with 1 "$mksysb" --verify "$T_TMP/other.tar.zst"
t_match 'not an image: zstd data, but not written by mksysb' -
t_fail_with 1 "$mksysb" --verify "$tree"
t_match 'not a regular file' -
t_fail_with 1 "$mksysb" --verify "$T_TMP/missing"
t_match 'No such file' -

t_case "hostile images write nothing outside"
declare -A words=(
	[dotdot]='no path inside the image' [absolute]='no path inside the image'
	[symlink]='leads through something that is no directory' [twice]='in the image twice'
	[hardlink]='leads through something that is no directory' [device-data]='data behind something'
)
for trick in "${!words[@]}"; do
	python3 "$T_SRC/tests/root/hostile-image.py" "$trick" "$T_TMP/hostile.mksysb"
	rm -rf "$T_TMP/target" "$T_TMP/outside"
	mkdir "$T_TMP/target" "$T_TMP/outside"
	t_fail_with 1 "$mksysb" --extract "$T_TMP/hostile.mksysb" --target "$T_TMP/target"
	t_match "${words[$trick]}" -
	t_equal "" "$(ls -A "$T_TMP/outside")"
	t_fail_with 1 test -e "$T_TMP/pwned"
done
python3 "$T_SRC/tests/root/hostile-image.py" harmless "$T_TMP/hostile.mksysb"
rm -rf "$T_TMP/target"
mkdir "$T_TMP/target"
t_ok "$mksysb" --extract "$T_TMP/hostile.mksysb" --target "$T_TMP/target"
t_equal "hello" "$(cat "$T_TMP/target/dir/file")"

t_case "an image of a newer format is refused"
python3 "$T_SRC/tests/root/hostile-image.py" newer "$T_TMP/hostile.mksysb"
t_fail_with 1 "$mksysb" --verify "$T_TMP/hostile.mksysb"
t_match 'image format 2 is newer than this program' -

t_case "a full disk gives an error, and no file"
mkdir "$T_TMP/full"
mount -t tmpfs -o size=1M tmpfs "$T_TMP/full"
head -c 3000000 /dev/urandom >"$tree/var/large"
t_fail_with 1 "$mksysb" --root "$tree" -o "$T_TMP/full/image.mksysb"
t_match '[Nn]o space left' -
t_equal "" "$(ls -A "$T_TMP/full")"
rm -rf "$T_TMP/target"
t_fail_with 1 "$mksysb" --extract "$image" --target "$T_TMP/full"
t_match '[Nn]o space left' -
umount "$T_TMP/full"

t_case "killed at any moment, it leaves no file under the name"
cp -a /usr/lib/x86_64-linux-gnu "$tree/usr/lib" 2>"$T_TMP/err" || t_skip "no /usr/lib/x86_64-linux-gnu to copy"
if [ -d "$tree/usr/lib" ]; then
	for delay in 0.01 0.05 0.1 0.2 0.4; do
		mkdir "$T_TMP/kill"
		"$mksysb" -q --root "$tree" -o "$T_TMP/kill/image.mksysb" >"$T_TMP/said" 2>&1 &
		pid=$!
		sleep "$delay"
		if kill -9 "$pid" 2>"$T_TMP/err"; then
			wait "$pid" 2>"$T_TMP/err" || test $? -eq 137
			if [ -e "$T_TMP/kill/image.mksysb" ]; then
				t_ok "$mksysb" --verify "$T_TMP/kill/image.mksysb"
			else
				t_equal "" "$(ls "$T_TMP/kill")"
			fi
		fi
		rm -rf "$T_TMP/kill"
	done
	t_ok true
fi

t_case "interrupted by SIGTERM, it says so"
if [ -d "$tree/usr/lib" ]; then
	"$mksysb" -q --level 19 --root "$tree" -o "$T_TMP/term.mksysb" >"$T_TMP/said" 2>&1 &
	pid=$!
	sleep 1
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	t_equal 1 "$status"
	t_match 'interrupted by SIGTERM' "$T_TMP/said"
	t_fail_with 1 test -e "$T_TMP/term.mksysb"
else
	t_skip "no large tree"
fi

t_case "memory stays small"
if grep -q __asan_init "$T_BUILD/src/altdisk/altdisk"; then
	t_skip "the sanitizer's own memory counts"
elif [ -d "$tree/usr/lib" ]; then
	for action in "--root $tree -o $T_TMP/mem.mksysb" "--verify $T_TMP/mem.mksysb"; do
		# shellcheck disable=SC2086
		peak=$(python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$mksysb" -q $action)
		t_ok test "$peak" -lt $((100 * 1024))
	done
else
	t_skip "no large tree"
fi

t_done
