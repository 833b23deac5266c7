#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real Debian server's tree is made bootable for a machine that this one is not.
# The tree: the profile "minimal", with a kernel and grub-pc, file systems ...5b01 (/) and ...5b02 (/boot).
# Takes 4 minutes.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/root/tree.sh
. "$(dirname "$0")/tree.sh"
# shellcheck source=tests/fixture.sh
. "$T_SRC/tests/fixture.sh"
t_need_root
t_need_tools bwrap mmdebstrap
t_private_mounts "$@"

run=$T_BUILD/tests/root/boot-run
root=$T_TMP/root
uuid=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b0
plain=(grub-pc disk=/dev/sda:gpt "fs=/:UUID=${uuid}1:ext4:${uuid}1" "fs=/boot:/dev/sda2:ext4:${uuid}2" "fs=swap::swap:${uuid}3")
lvm=(grub-pc disk=/dev/sda:gpt "lv=rootvg:hd-4:linear:/dev/sda3:/" "fs=/::ext4:${uuid}1"
	"fs=/boot:/dev/sda2:ext4:${uuid}2" "fs=swap::swap:${uuid}3")
export LC_ALL=C

mkdir -p "$T_TMP"/{upper,work,root,run}
make_tree "$T_TMP/spot" bash chroot
fixture_minimal "$T_TMP/lower"
mount -t overlay overlay -o "lowerdir=$T_TMP/lower,upperdir=$T_TMP/upper,workdir=$T_TMP/work" "$root"
unmount_root() {
	umount "$root"
}
t_at_exit unmount_root

kernel=$(basename "$root"/boot/vmlinuz-*)
kernel=${kernel#vmlinuz-}
initrd=$root/boot/initrd.img-$kernel

boot() {
	"$run" "$1" "$T_TMP/spot" "$root" "$T_TMP/run" "${@:2}"
}

# Everything but what is to be made.
fingerprint() {
	(
		cd "$root"
		find . -path ./boot -prune -o -path ./var/lib/initramfs-tools -prune -o \
			-printf '%p %y %m %U %G %s %l\n' | sort
		find etc usr/sbin -type f -print0 | sort -z | xargs -0 sha256sum
	) | sha256sum
}

listing() {
	chroot "$root" lsinitramfs "/boot/initrd.img-$kernel" > "$T_TMP/list"
}

t_case "initramfs and grub.cfg of a machine with plain partitions"
: > "$initrd"
: > "$root/boot/initrd.img-4.19.0-1-amd64"
echo MODULES=dep > "$root/etc/initramfs-tools/conf.d/driver-policy"
before=$(fingerprint)
t_ok boot all "${plain[@]}"
t_match "^PASS boot.initramfs: .*$kernel: complete" -
t_match "^PASS boot.grub:" -
t_match "^PASS boot.fstab:" -
t_equal "$before" "$(fingerprint)"
t_ok test ! -e "$root/boot/initrd.img-4.19.0-1-amd64"
t_match "linux.*/vmlinuz-$kernel root=UUID=${uuid}1 ro" "$root/boot/grub/grub.cfg"
t_match "search .*--hint-bios=hd0,gpt2 .*${uuid}2$" "$root/boot/grub/grub.cfg"
t_match "^	insmod part_gpt" "$root/boot/grub/grub.cfg"
t_match "BEGIN /etc/grub.d/10_linux" "$root/boot/grub/grub.cfg"
t_equal "grub.cfg" "$(cd "$root/boot/grub" && echo grub.cfg*)"

t_case "MODULES=dep does not make it an image for the master; the root's checker is in it"
listing
t_match "/fsck.ext4$" "$T_TMP/list"
t_match "/virtio_scsi.ko" "$T_TMP/list"
t_match "/megaraid_sas.ko" "$T_TMP/list"
t_match "/nvme.ko" "$T_TMP/list"

t_case "no device of the master's gets into the configuration"
device=$(findmnt -no SOURCE -T "$T_TMP")
t_no_match "$device" "$root/boot/grub/grub.cfg"
t_ok chroot "$root" unmkinitramfs "/boot/initrd.img-$kernel" /var/tmp/un
t_match /init\$ <(find "$root/var/tmp/un" -name init)
t_equal "" "$(grep -rIlF "$device" "$root/var/tmp/un" || [ $? = 1 ])"
rm -r "$root/var/tmp/un"

t_case "a damaged initramfs is found"
cp "$initrd" "$T_TMP/initrd"
truncate -s 100000 "$initrd"
t_fail_with 1 boot verify "${plain[@]}"
t_match "^INHIBIT boot.initramfs: /boot/initrd.img-$kernel: it" -
cp "$T_TMP/initrd" "$initrd"
touch -d 2001-01-01 "$initrd"
t_fail_with 1 boot verify "${plain[@]}"
t_match "older than its kernel's modules" -
rm "$initrd"
t_fail_with 1 boot verify "${plain[@]}"
t_match "it is missing" -
cp "$T_TMP/initrd" "$initrd"
t_ok boot verify "${plain[@]}"

t_case "a device that the layout does not have is found"
cp "$root/boot/grub/grub.cfg" "$T_TMP/grub.cfg"
sed -i "s/root=UUID=${uuid}1/root=UUID=11111111-2222/" "$root/boot/grub/grub.cfg"
t_fail_with 1 boot verify "${plain[@]}"
t_match "UUID=11111111-2222 is not in image.data" -
cp "$T_TMP/grub.cfg" "$root/boot/grub/grub.cfg"

t_case "grub.cfg of a machine with LVM keeps its mode"
chmod 0640 "$root/boot/grub/grub.cfg"
t_ok boot all "${lvm[@]}"
t_match "root=/dev/mapper/rootvg-hd--4 ro" "$root/boot/grub/grub.cfg"
t_equal 640 "$(stat -c %a "$root/boot/grub/grub.cfg")"

t_case "without a boot loader only the initramfs is made"
rm "$root/boot/grub/grub.cfg" "$initrd"
t_ok boot all none "${plain[@]:1}"
t_match "^backend none" -
t_ok test -s "$initrd"
t_ok test ! -e "$root/boot/grub/grub.cfg"

t_done
