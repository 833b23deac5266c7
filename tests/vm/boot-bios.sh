#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two disks with a BIOS: the running system's (MBR) and its clone's (GPT), made bootable, read back, booted in QEMU with and without each
# other, and the boot list moved from both sides.
# Of the systems' tree /boot alone lies on the disks: the
# guest's initramfs says which system was started and starts the machine again.
# Takes 10 minutes.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/vm/qemu.sh
. "$(dirname "$0")/qemu.sh"
# shellcheck source=tests/fixture.sh
. "$T_SRC/tests/fixture.sh"
t_need_root
t_need_tools sfdisk losetup mke2fs unshare
t_private_mounts "$@"
qemu_need

run=$T_BUILD/tests/root/install-run
a='' b='' c='' a_boot='' b_boot=''
uuid=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b0
old_boot=${uuid}2 new_root=77777777-64f5-4c0d-9a5e-0f1f0e7f5b01 new_boot=88888888-64f5-4c0d-9a5e-0f1f0e7f5b02
export LC_ALL=C
mkdir -p "$T_TMP"/{old,new,run,guest}
fixture_minimal "$T_TMP/lower"
qemu_make_guest "$T_TMP/guest"

loops=()
free_loops() {
	local loop
	for loop in "${loops[@]}"; do losetup -d "$loop"; done
}
t_at_exit free_loops

# attach VARIABLE ARGUMENT...
attach() {
	local loop
	loop=$(losetup -f --show "${@:2}")
	loops+=("$loop")
	printf -v "$1" %s "$loop"
}

# A root out of the tree, with its /boot on the first file system of the disk.
mount_system() {
	local name=$1 boot=$2
	mkdir -p "$T_TMP/$name.upper" "$T_TMP/$name.work"
	mount -t overlay overlay "$T_TMP/$name" \
		-o "lowerdir=$T_TMP/lower,upperdir=$T_TMP/$name.upper,workdir=$T_TMP/$name.work"
	mount "$boot" "$T_TMP/$name/boot"
}

umount_system() {
	umount "$T_TMP/$1/boot"
	umount "$T_TMP/$1"
}

umount_all() {
	local name
	for name in old new; do
		if mountpoint -q "$T_TMP/$name"; then umount -R "$T_TMP/$name"; fi
	done
}
t_at_exit umount_all

truncate -s 200M "$T_TMP/a.disk" "$T_TMP/b.disk"
printf 'label: dos\nstart=1MiB, type=83\n' | sfdisk -q "$T_TMP/a.disk"
printf 'label: gpt\nstart=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649\nstart=2MiB, type=linux\n' |
	sfdisk -q "$T_TMP/b.disk"
attach a "$T_TMP/a.disk"
attach b "$T_TMP/b.disk"
attach a_boot -o 1MiB "$T_TMP/a.disk"
attach b_boot -o 2MiB --sizelimit 197MiB "$T_TMP/b.disk"
mke2fs -q -t ext4 -U "$old_boot" "$a_boot"
mke2fs -q -t ext4 -U "$new_boot" "$b_boot"
mount_system old "$a_boot"
cp -a "$T_TMP/lower/boot/." "$T_TMP/old/boot/"

old=("disk=$a:dos" "fs=/::ext4:${uuid}1" "fs=/boot:${a}p1:ext4:$old_boot" "fs=swap::swap:${uuid}3")
new=("disk=$b:gpt" "fs=/::ext4:$new_root" "fs=/boot:${b}p2:ext4:$new_boot")

# install WHAT: of the clone
install() {
	"$run" "$1" "root=$T_TMP/new" "old=$T_TMP/old" "run=$T_TMP/run" "devices=$b" method=grub-pc "${new[@]}" "${old[@]/#/old-}"
}

# list WHAT [DISK]: the boot list of the running system
list() {
	"$run" "$1" "old=$T_TMP/old" method=grub-pc "${@:2}" "${new[@]}" "${old[@]/#/old-}"
}

# The same, seen from the clone after a boot into it.
list_from_clone() {
	"$run" "$1" "old=$T_TMP/new" method=grub-pc "${@:2}" "${old[@]}" "${new[@]/#/old-}"
}

# The real initramfs has been looked at by then.
put_guest() {
	cp "$T_TMP/guest/initrd" "$T_TMP/$1/boot/initrd.img-"[0-9]*
	sync
}

# boots N DISK...: what was started the first N times
boots() {
	local n=$1
	shift
	sync
	qemu_start bios "$@"
	t_ok qemu_wait "$n" $((n * 120))
	qemu_guests | head -n "$n" | sed "s/.*root=UUID=$new_root.*/clone/; s/.*root=UUID=${uuid}1.*/old/" > "$T_TMP/boots"
	qemu_stop
	t_equal "${want% }" "$(tr '\n' ' ' < "$T_TMP/boots" | sed 's/ $//')"
}

t_case "a system on an MBR disk becomes bootable"
first=("root=$T_TMP/old" "run=$T_TMP/run" "devices=$a" method=grub-pc "${old[@]}")
t_ok "$run" config "${first[@]}"
t_match "initramfs of 1 kernels is built anew" -
table=$(sfdisk -d "$a")
t_ok "$run" write "${first[@]}"
t_equal "$table" "$(sfdisk -d "$a")"
t_ok "$run" verify "${first[@]}"
t_match "^PASS boot.sector: $a" -
put_guest old
umount_system old
want=old boots 1 "$T_TMP/a.disk"

t_case "its clone on a GPT disk becomes bootable; nothing else is written"
mount_system old "$a_boot"
mount_system new "$b_boot"
cp -a "$T_TMP/lower/boot/." "$T_TMP/new/boot/"
sed -i "s/${uuid}1/$new_root/; s/$old_boot/$new_boot/; /swap/d" "$T_TMP/new/etc/fstab"
before=$(sha256sum < "$T_TMP/a.disk")
table=$(sfdisk -d "$b")
t_ok install config
t_match "initramfs of 1 kernels is built anew: it names the swap" -
t_ok install write
t_ok install verify
t_match "^PASS boot.sector: $b" -
t_equal "$table" "$(sfdisk -d "$b")"
t_equal "$before" "$(sha256sum < "$T_TMP/a.disk")"
t_match "menuentry 'Old system" "$T_TMP/new/boot/grub/custom.cfg"

t_case "what is written twice is the same"
sync
before=$(head -c 2M "$T_TMP/b.disk" | sha256sum)
t_ok install write
t_equal "$before" "$(head -c 2M "$T_TMP/b.disk" | sha256sum)"

t_case "the place of our own is a file system that others understand"
dd if="$T_TMP/b.disk" of="$T_TMP/env.disk" bs=64K skip=16 count=1 status=none
t_ok e2fsck -fn "$T_TMP/env.disk"
mkdir "$T_TMP/env"
t_ok mount -o loop,ro "$T_TMP/env.disk" "$T_TMP/env"
t_equal "nimadm.env" "$(cd "$T_TMP/env" && echo nimadm*)"
t_equal "# GRUB Environment Block" "$(head -n 1 "$T_TMP/env/nimadm.env")"
t_ok umount "$T_TMP/env"

t_case "a damaged boot chain is found"
# damage DISK OFFSET
damage() {
	head -c 512 "$b" > "$T_TMP/kept.$1"
	dd if="$b" of="$T_TMP/kept" bs=1 skip="$1" count=16 status=none
	printf 'not what was here' | dd of="$b" bs=1 seek="$1" count=16 conv=notrunc status=none
}
mend() {
	dd if="$T_TMP/kept" of="$b" bs=1 seek="$1" conv=notrunc status=none
}
for at in 0 92 200 $((1114112 + 500)) $((1114112 + 20000)); do
	damage "$at"
	t_fail_with 1 install verify
	t_match "^INHIBIT boot.sector: $b: its" -
	mend "$at"
done
t_ok install verify
mv "$T_TMP/new/boot/grub/i386-pc/normal.mod" "$T_TMP/kept"
t_fail_with 1 install verify
t_match "INHIBIT boot.modules: .*normal.mod is not" -
mv "$T_TMP/kept" "$T_TMP/new/boot/grub/i386-pc/normal.mod"
cp "$T_TMP/new/boot/grub/grub.cfg" "$T_TMP/kept"
sed -i "s/$new_boot/$old_boot/" "$T_TMP/new/boot/grub/grub.cfg"
t_fail_with 1 install verify
t_match "$old_boot is not in image.data" -
cp "$T_TMP/kept" "$T_TMP/new/boot/grub/grub.cfg"

t_case "a disk of the running system is refused, and a disk without room"
new=("disk=$a:dos" "${new[@]:1}")
t_fail_with 1 install write
t_match "$a: is a disk of the running system" -
truncate -s 10M "$T_TMP/c.disk"
printf 'label: gpt\nstart=1MiB, type=linux\n' | sfdisk -q "$T_TMP/c.disk"
attach c "$T_TMP/c.disk"
new=("disk=$c:gpt" "${new[@]:1}")
t_fail_with 1 install write
t_match "$c: it has no BIOS boot partition" -
new=("disk=$b:gpt" "${new[@]:1}")

t_case "the clone starts with the other disk pulled, and the other one with the clone's"
put_guest new
umount_system new
want=clone boots 1 "$T_TMP/b.disk"
want=old boots 1 "$T_TMP/a.disk" "$T_TMP/b.disk"

t_case "one boot of the clone, then the old system again by itself"
t_ok list list
t_match "^0 $a rootvg" -
t_match "^once -" -
t_ok list once "word=$b"
t_ok list list
t_match "^0 $a rootvg" -
t_match "^once $b" -
t_match "^mechanism GRUB environment" -
umount_system old
want="clone old old" boots 3 "$T_TMP/a.disk" "$T_TMP/b.disk"

t_case "the clone first, until that is taken back; without its disk the old system"
mount_system old "$a_boot"
t_ok list set "word=$b" "word=$a"
t_ok list list
t_match "^0 $b altinst_rootvg" -
t_match "^1 $a rootvg" -
umount_system old
want="clone clone" boots 2 "$T_TMP/a.disk" "$T_TMP/b.disk"
want="old" boots 1 "$T_TMP/a.disk"

t_case "from the clone: one boot of the old system, which is not mounted"
mount_system new "$b_boot"
t_ok list_from_clone once "word=$a"
t_ok list_from_clone list
t_match "^once $a" -
umount_system new
want="old clone" boots 2 "$T_TMP/a.disk" "$T_TMP/b.disk"
mount_system new "$b_boot"
t_ok list_from_clone once "word=$a"
umount_system new
qemu_boot_disk=2
want="old clone" boots 2 "$T_TMP/a.disk" "$T_TMP/b.disk"
qemu_boot_disk=1

# From the clone: the old system first, whichever disk the BIOS starts; the clone again where it is alone; and back.
there_and_back() {
	mount_system new "$b_boot"
	t_ok list_from_clone set "word=$a"
	t_ok list_from_clone list
	t_match "^0 $a" -
	umount_system new
	want="old old" boots 2 "$T_TMP/a.disk" "$T_TMP/b.disk"
	qemu_boot_disk=2
	want="old" boots 1 "$T_TMP/a.disk" "$T_TMP/b.disk"
	qemu_boot_disk=1
	want="clone" boots 1 "$T_TMP/b.disk"
	mount_system new "$b_boot"
	t_ok list_from_clone set "word=$b"
	umount_system new
	want="clone" boots 1 "$T_TMP/a.disk" "$T_TMP/b.disk"
}

t_case "from the clone: the old system first, and back"
there_and_back

t_case "one boot of the clone, where the clone has made the old system the first"
mount_system new "$b_boot"
t_ok list_from_clone set "word=$a"
umount_system new
mount_system old "$a_boot"
t_ok list once "word=$b"
t_ok list list
t_match "^0 $a rootvg" -
t_match "^once $b" -
umount_system old
want="clone old" boots 2 "$T_TMP/a.disk" "$T_TMP/b.disk"

t_case "where GRUB cannot write its environment, one boot goes by the clone's disk"
mount_system old "$a_boot"
t_ok list set "word=$a"
plain=("${old[@]}") plain_new=("${new[@]}")
old=("disk=$a:dos" "lv=rootvg:boot:linear:${a}p1:/boot" "fs=/::ext4:${uuid}1" "fs=/boot::ext4:$old_boot")
new=("disk=$b:gpt" "lv=altinst_rootvg:boot:linear:${b}p2:/boot" "fs=/::ext4:$new_root" "fs=/boot::ext4:$new_boot")
t_ok list once "word=$b"
t_ok list list
t_match "^once $b" -
t_match "^mechanism .*by a block on the clone's disk.*LVM" -
t_no_match "$new_boot" "$T_TMP/old/boot/grub/custom.cfg"
umount_system old
want="clone old old" boots 3 "$T_TMP/a.disk" "$T_TMP/b.disk"

t_case "a clone without a file system of its own on the disk is found by its partition; one boot of it is refused on an MBR"
mount_system new "$b_boot"
t_fail_with 1 list_from_clone once "word=$a"
t_match "GRUB could not take back a single boot.*MBR" -
t_ok list_from_clone set "word=$a"
t_match "probe --set=nimadm_uuid --part-uuid .hd.nimadm_n,msdos1." "$T_TMP/new/boot/grub/custom.cfg"
umount_system new
qemu_boot_disk=2
want="old" boots 1 "$T_TMP/a.disk" "$T_TMP/b.disk"
qemu_boot_disk=1
old=("${plain[@]}") new=("${plain_new[@]}")
mount_system new "$b_boot"
t_ok list_from_clone forget "word=$a"
umount_system new

t_case "another GRUB has been written over our place: what stays goes by the block behind it, a single boot does not"
mount_system old "$a_boot"
t_ok list set "word=$b"
umount_system old
dd if=/dev/zero of="$T_TMP/b.disk" bs=64K seek=16 count=1 conv=notrunc status=none
want="clone" boots 1 "$T_TMP/a.disk" "$T_TMP/b.disk"
mount_system new "$b_boot"
t_fail_with 1 list_from_clone once "word=$a"
t_match "GRUB could not take back a single boot.*another grub-install" -
t_match "^in the other system: alt_rootvg_op -S -t" -
umount_system new
there_and_back

t_case "a forgotten clone leaves nothing behind; the administrator's lines stay"
mount_system old "$a_boot"
echo "set mine=1" >> "$T_TMP/old/boot/grub/custom.cfg"
t_ok list set "word=$b"
t_match "menuentry 'altinst_rootvg" "$T_TMP/old/boot/grub/custom.cfg"
t_ok list forget "word=$b"
t_equal "set mine=1" "$(cat "$T_TMP/old/boot/grub/custom.cfg")"
t_no_match nimadm "$T_TMP/old/boot/grub/grubenv"
t_ok list list
t_match "^0 $a rootvg" -
umount_system old

t_done
