#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The clone engine on real file systems: every kind of file, other mounts, updates, damage, missing system calls.
# Copies are compared by tests/root/facts.py, not by the engine's own manifest alone.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools setfattr setfacl setcap getcap chattr python3 mkfs.ext4 debugfs truncate
t_private_mounts "$@"

altdisk=$T_BUILD/src/altdisk/altdisk
forbid=$T_BUILD/tests/root/forbid
src=$T_TMP/src
umask 022
t_at_exit chattr -R -f -i -a "$T_TMP"

# new_fs TYPE SIZE DIRECTORY [OPTION...]: a new file system, mounted there
new_fs() {
	local type=$1 size=$2 dir=$3
	shift 3
	mkdir -p "$dir"
	truncate -s "$size" "$dir.img"
	"mkfs.$type" -q "$@" "$dir.img"
	mount -o loop "$dir.img" "$dir"
	t_at_exit umount -q "$dir"
}

make_tree() {
	local i long
	mkdir -p "$src"/{etc,usr/bin,empty,dev,var,boot,proc}
	cd "$src"
	echo one >etc/one && ln etc/one etc/two && ln etc/one empty/three && ln etc/one usr/bin/four
	ln -s one etc/link && ln -s /nowhere etc/dangling && ln etc/link usr/link.too
	: >etc/zero
	cp /bin/true usr/bin/capable && setcap cap_net_raw+ep usr/bin/capable
	cp /bin/true usr/bin/setuid && chown 33:44 usr/bin/setuid && chmod 6755 usr/bin/setuid
	echo x >etc/group-write && chmod 666 etc/group-write && chown 0:12 etc/group-write
	echo x >etc/xattr && setfattr -n user.a=b -v value etc/xattr && setfattr -n trusted.t -v 0x0001ff etc/xattr
	setfattr -h -n trusted.link -v on-a-link etc/dangling
	echo x >etc/acl && setfacl -m u:450:rwx,g:33:r etc/acl
	mkdir etc/default-acl && setfacl -d -m u:450:rwx etc/default-acl && echo in >etc/default-acl/in
	mkdir etc/setgid && chown 0:33 etc/setgid && chmod 2775 etc/setgid && echo in >etc/setgid/in
	truncate -s 40M var/sparse && printf data | dd of=var/sparse bs=1 seek=20000000 conv=notrunc status=none
	truncate -s 1M var/only-hole
	truncate -s 5M var/fragments
	for i in {0..99}; do
		printf 'piece %s' "$i" | dd of=var/fragments bs=1 seek=$((i * 50000)) conv=notrunc status=none
	done
	head -c 9000000 /dev/urandom >var/large
	head -c 262144 /dev/urandom >var/exact
	head -c 262145 /dev/urandom >var/exact-and-one
	truncate -s 10G var/huge && printf end | dd of=var/huge bs=1 seek=9000000000 conv=notrunc status=none
	mknod dev/null c 1 3 && mknod dev/sda b 8 0 && mkfifo -m 620 dev/fifo && chown 5:6 dev/fifo && ln dev/fifo dev/fifo2
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("dev/log")'
	printf 'odd' >$'etc/new\nline' && printf 'odd' >$'etc/not-utf8-\377\376' && printf 'odd' >'etc/back\slash and blank'
	printf 'odd' >'-o' && printf 'odd' >'etc/=percent%'
	long=$(printf 'd%.0s' {1..250})
	for i in {1..20}; do mkdir "$long" && cd "$long"; done
	echo deep >file && cd "$src"
	touch -d '1965-03-04 05:06:07.891234567 UTC' etc/old
	mkdir var/many
	python3 - var/many <<'END'
import os, sys
for i in range(3000):
    with open(f"{sys.argv[1]}/message-{i}", "w") as f:
        f.write("x" * (i * 7 % 5000))
END
	echo fixed >etc/immutable && chattr +i etc/immutable && echo more >etc/append && chattr +a etc/append
	echo two >etc/fixed-links && ln etc/fixed-links empty/fixed-links && chattr +i etc/fixed-links
	mkdir locked && echo in >locked/in && chattr +i locked
	chmod 1777 empty && chmod 000 etc/zero
	touch -h -d '2003-04-05 06:07:08.123456789 UTC' etc/link
	touch -d '2001-02-03 04:05:06.789012345 UTC' etc empty . dev var/many
	cd "$T_TMP"
}

# same WANT GOT [no-flags]
same() {
	"$T_SRC/tests/root/facts.py" "$1" "${@:3}" >"$T_TMP/want"
	"$T_SRC/tests/root/facts.py" "$2" "${@:3}" >"$T_TMP/got"
	t_ok test -s "$T_TMP/want"
	t_ok diff -a "$T_TMP/want" "$T_TMP/got"
}

new_fs ext4 1G "$src"
rmdir "$src/lost+found"
make_tree

t_case "a copy has every kind of file"
new_fs ext4 1G "$T_TMP/dst"
rmdir "$T_TMP/dst/lost+found"
t_ok "$altdisk" copy-tree "$src" "$T_TMP/dst" --manifest "$T_TMP/manifest" --verify
same "$src" "$T_TMP/dst"
t_equal "$(cd "$src" && getcap usr/bin/capable)" "$(cd "$T_TMP/dst" && getcap usr/bin/capable)"
t_match '^c 0644 0 0 [0-9.]* 1:3 - - - dev/null$' "$T_TMP/manifest"
t_match '^h .* etc/fixed-links empty/fixed-links$' "$T_TMP/manifest"

t_case "holes stay holes"
for file in sparse only-hole huge; do
	t_ok test "$(stat -c %b "$T_TMP/dst/var/$file")" -le "$(($(stat -c %b "$src/var/$file") + 16))"
done
t_equal "10737418240 end" "$(stat -c %s "$T_TMP/dst/var/huge") $(tail -c +9000000001 "$T_TMP/dst/var/huge" | head -c 3)"

t_case "two copies of one tree have one manifest"
mkdir "$T_TMP/again"
t_ok "$altdisk" copy-tree "$src" "$T_TMP/again" --manifest "$T_TMP/manifest2" --threads 1
t_ok cmp "$T_TMP/manifest" "$T_TMP/manifest2"

t_case "what was changed afterwards is found, and named"
chattr -i "$T_TMP/again/etc/immutable"
echo moved >"$T_TMP/again/extra"
printf y | dd of="$T_TMP/again/var/large" bs=1 seek=5000000 conv=notrunc status=none
touch -r "$src/var/large" "$T_TMP/again/var/large"
rm "$T_TMP/again/etc/zero"
setfattr -x user.a=b "$T_TMP/again/etc/xattr"
rm "$T_TMP/again/usr/bin/four" && cp -p "$T_TMP/dst/usr/bin/four" "$T_TMP/again/usr/bin/four"
touch -r "$src" "$T_TMP/again"
touch -r "$src/etc" "$T_TMP/again/etc"
touch -r "$src/usr/bin" "$T_TMP/again/usr/bin"
t_fail_with 1 "$altdisk" copy-tree --verify --manifest "$T_TMP/manifest2" "$T_TMP/again"
t_match 'in 6 places' -
t_match 'etc/immutable: other inode flags' -
t_match 'extra: not in the manifest' -
t_match 'var/large: another content' -
t_match 'etc/zero: missing' -
t_match 'etc/xattr: other extended attributes' -
t_match 'usr/bin/four: not the same file as its other name' -

t_case "a damaged manifest is refused"
sed '5s/ /  /' "$T_TMP/manifest2" >"$T_TMP/broken"
t_fail_with 1 "$altdisk" copy-tree --verify --manifest "$T_TMP/broken" "$T_TMP/dst"
t_match 'manifest: line' -
head -n 20 "$T_TMP/manifest2" >"$T_TMP/broken"
t_fail_with 1 "$altdisk" copy-tree --verify --manifest "$T_TMP/broken" "$T_TMP/dst"
t_match 'has 19 lines instead of' -

t_case "an update makes an earlier copy equal again"
# Of a change that leaves size and time alone, only --verify knows.
touch "$T_TMP/again/var/large"
t_ok "$altdisk" copy-tree --update "$src" "$T_TMP/again" --manifest "$T_TMP/manifest3" --verify
same "$src" "$T_TMP/again"
t_ok cmp "$T_TMP/manifest" "$T_TMP/manifest3"
t_ok "$altdisk" copy-tree --json --update "$src" "$T_TMP/again"
t_match '"event":"copied","files":[0-9]*,"bytes":0,' -

t_case "an update follows what was changed, replaced and removed"
rm "$src/etc/one" && echo other >"$src/etc/one"
rm -r "$src/var/many" && echo now-a-file >"$src/var/many"
rm "$src/var/exact" && mkdir "$src/var/exact" && echo in >"$src/var/exact/in"
chattr -i "$src/etc/immutable" && echo changed >"$src/etc/immutable"
printf z | dd of="$src/var/large" bs=1 seek=1 conv=notrunc status=none
chmod 600 "$src/etc/acl" && chown 7 "$src/etc/xattr"
setfattr -n user.late -v 1 "$src/usr/bin/capable"
ln -sf elsewhere "$src/etc/dangling"
rm "$src/usr/link.too" && ln "$src/var/large" "$src/usr/link.too"
t_ok "$altdisk" copy-tree --update "$src" "$T_TMP/again" --manifest "$T_TMP/manifest3" --verify
t_match 'changed: /etc/one: ' -
t_match 'changed: /var/many: ' -
t_no_match 'changed: /etc/dangling|changed: /usr/bin/tiny' -
same "$src" "$T_TMP/again"

t_case "without copy_file_range, openat2, FICLONE and io_uring it is the same"
mkdir "$T_TMP/forbidden"
t_fail_with 3 "$forbid" openat2 "$altdisk" check
t_match 'kernel.openat2 +The kernel has no openat2' -
t_ok "$forbid" copy_file_range,openat2,ficlone,io_uring_setup "$altdisk" copy-tree "$src" "$T_TMP/forbidden" \
	--manifest "$T_TMP/manifest4" --verify
t_ok cmp "$T_TMP/manifest3" "$T_TMP/manifest4"
same "$src" "$T_TMP/forbidden"
rm "$T_TMP/manifest4"
(cd "$T_TMP/forbidden" && chattr -i etc/immutable etc/fixed-links locked && chattr -a etc/append)
rm -r "$T_TMP/forbidden" && mkdir "$T_TMP/forbidden"
t_ok "$forbid" copy_file_range,openat2,ficlone,io_uring_setup "$altdisk" copy-tree "$src" "$T_TMP/forbidden"
same "$src" "$T_TMP/forbidden"

t_case "a file system that shares blocks needs no room for a copy"
if [ -e /sys/fs/btrfs ] || modprobe -q btrfs; then
	new_fs btrfs 600M "$T_TMP/shares"
	t_ok "$altdisk" copy-tree "$src" "$T_TMP/shares/one"
	head -c 150000000 /dev/urandom >"$T_TMP/shares/one/much"
	for copy in two three four; do
		t_ok "$altdisk" copy-tree "$T_TMP/shares/one" "$T_TMP/shares/$copy" --manifest "$T_TMP/shares.manifest" --verify
	done
	same "$T_TMP/shares/one" "$T_TMP/shares/four"
	umount "$T_TMP/shares" && rm "$T_TMP/shares.img"
else
	t_skip "no btrfs in this kernel"
fi

t_case "the destination in the tree is not copied into itself"
mkdir "$T_TMP/in" && echo x >"$T_TMP/in/file"
t_ok "$altdisk" copy-tree "$T_TMP/in" "$T_TMP/in/copy"
t_equal "file" "$(ls "$T_TMP/in/copy")"
t_fail_with 2 "$altdisk" copy-tree "$T_TMP/in" "$T_TMP/in/../in"
t_match 'are the same directory' -

t_case "other file systems are left out, but for those that are named"
top=$T_TMP/top
mkdir -p "$top"/{boot,data,proc,run}
new_fs ext4 64M "$top/boot" && mv "$top/boot.img" "$T_TMP/"
new_fs ext4 64M "$T_TMP/disk"
mount -t tmpfs tmpfs "$top/data" && mount -t proc proc "$top/proc"
mkdir "$top/boot/efi" && mount -t tmpfs tmpfs "$top/boot/efi"
echo kernel >"$top/boot/vmlinuz" && echo secret >"$top/data/secret" && echo loader >"$top/boot/efi/grub" && echo a >"$top/run/a"
mkdir "$T_TMP/over" "$T_TMP/over/boot"
mount --move "$T_TMP/disk" "$T_TMP/over/boot"
t_ok "$altdisk" copy-tree "$top" "$T_TMP/over" --mount /boot --manifest "$T_TMP/over.manifest" --verify
t_ok test -f "$T_TMP/over/boot/vmlinuz"
t_ok mountpoint -q "$T_TMP/over/boot"
for dir in boot/efi data proc; do
	t_equal "" "$(ls -A "$T_TMP/over/$dir")"
done
t_no_match 'secret|grub|self' "$T_TMP/over.manifest"
t_ok "$altdisk" copy-tree --update "$top" "$T_TMP/over" --mount /boot --manifest "$T_TMP/over.manifest" --verify
umount "$top/boot/efi" "$top/boot" "$top/data" "$top/proc" "$T_TMP/over/boot"

t_case "patterns leave out files and whole directories"
printf '# a comment\n\n^\\./var/\n/dev/null$\n^./etc/default-acl$\n' >"$T_TMP/exclude"
t_ok "$altdisk" copy-tree "$src" "$T_TMP/part" --exclude "$T_TMP/exclude" --manifest "$T_TMP/part.manifest" --verify
t_equal "" "$(ls -A "$T_TMP/part/var")"
t_ok test -e "$T_TMP/part/dev/sda"
t_ok test ! -e "$T_TMP/part/dev/null" -a ! -e "$T_TMP/part/etc/default-acl"
echo '\(' >"$T_TMP/exclude"
t_fail_with 2 "$altdisk" copy-tree "$src" "$T_TMP/part" --exclude "$T_TMP/exclude"
t_match "exclude pattern" -

t_case "a destination that is full or not empty is an error with what to do"
mkdir "$T_TMP/full" && mount -t tmpfs -o size=4M tmpfs "$T_TMP/full"
t_fail_with 1 "$altdisk" copy-tree "$src" "$T_TMP/full"
t_match 'No space left on device' -
t_match 'next: take a larger target' -
umount "$T_TMP/full"
mkdir "$T_TMP/used" && echo mine >"$T_TMP/used/file"
t_fail_with 1 "$altdisk" copy-tree "$T_TMP/in" "$T_TMP/used"
t_match 'file: cannot make the file: File exists' -
t_equal mine "$(cat "$T_TMP/used/file")"

t_case "what the destination cannot hold is told, and the rest is there"
if command -v mkfs.vfat >/dev/null && { grep -qw vfat /proc/filesystems || modprobe -q vfat; }; then
	mkdir "$T_TMP/fat" && truncate -s 64M "$T_TMP/fat.img" && mkfs.vfat "$T_TMP/fat.img" >"$T_TMP/unused"
	mount -o loop "$T_TMP/fat.img" "$T_TMP/fat"
	mkdir "$T_TMP/few" && echo x >"$T_TMP/few/file" && ln -s file "$T_TMP/few/link" && chown 3:4 "$T_TMP/few/file"
	t_ok "$altdisk" copy-tree "$T_TMP/few" "$T_TMP/fat"
	t_match 'lost: /link: cannot be made here' -
	t_equal x "$(cat "$T_TMP/fat/file")"
	umount "$T_TMP/fat"
else
	mkdir "$T_TMP/ram" && mount -t ramfs ramfs "$T_TMP/ram"
	t_ok "$altdisk" copy-tree "$src" "$T_TMP/ram"
	t_match 'lost: /etc/xattr: cannot set the extended attribute user.a=b' -
	t_equal changed "$(cat "$T_TMP/ram/etc/immutable")"
	umount "$T_TMP/ram"
fi

t_case "a damaged directory is named, the copy is incomplete"
new_fs ext4 64M "$T_TMP/sick"
mkdir "$T_TMP/sick/bad" "$T_TMP/sick/good" && echo x >"$T_TMP/sick/good/file"
(cd "$T_TMP/sick/bad" && touch {1..100})
umount "$T_TMP/sick"
debugfs -R 'blocks /bad' "$T_TMP/sick.img" >"$T_TMP/blocks" 2>"$T_TMP/unused"
debugfs -R stats "$T_TMP/sick.img" >"$T_TMP/stats" 2>"$T_TMP/unused"
dd if=/dev/urandom of="$T_TMP/sick.img" count=1 conv=notrunc status=none \
	bs="$(awk '/^Block size:/ { print $3 }' "$T_TMP/stats")" seek="$(awk '{ print $1 }' "$T_TMP/blocks")"
mount -o loop,errors=continue "$T_TMP/sick.img" "$T_TMP/sick"
t_fail_with 1 "$altdisk" copy-tree "$T_TMP/sick" "$T_TMP/healthy"
t_match 'unreadable: /bad: cannot be listed' -
t_match 'the copy is incomplete' -
t_equal x "$(cat "$T_TMP/healthy/good/file")"
umount "$T_TMP/sick"

t_case "a limit is kept within a tenth"
mkdir "$T_TMP/paced" && head -c 30000000 /dev/urandom >"$T_TMP/paced/one" && head -c 10000000 /dev/urandom >"$T_TMP/paced/two"
# 40 MB at 10 MB a second. Other work on the machine can only add to the time: the shortest of three tells the program's own.
shortest=999999
for run in 1 2 3; do
	[ "$shortest" -gt 4400 ] || break
	rm -rf "$T_TMP/paced-copy"
	begun=$(date +%s%N)
	t_ok "$altdisk" copy-tree --limit 10 --idle "$T_TMP/paced" "$T_TMP/paced-copy"
	took=$((($(date +%s%N) - begun) / 1000000))
	t_ok test "$took" -ge 3600
	echo "run $run: $took ms"
	[ "$took" -ge "$shortest" ] || shortest=$took
done
t_ok test "$shortest" -le 4400
t_ok cmp "$T_TMP/paced/one" "$T_TMP/paced-copy/one"

t_case "progress counts to a real total"
t_ok "$altdisk" copy-tree --json --limit 20 "$T_TMP/paced" "$T_TMP/paced-copy2"
t_match '"event":"progress".*"total":40000' -
t_match " of 3 files" -

t_case "usage"
t_fail_with 2 "$altdisk" copy-tree "$src"
t_fail_with 2 "$altdisk" copy-tree --verify "$src" "$T_TMP/x"
t_match '--verify needs --manifest' -
t_fail_with 1 "$altdisk" copy-tree "$T_TMP/nowhere" "$T_TMP/x"

t_done
