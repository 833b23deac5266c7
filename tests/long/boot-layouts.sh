#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Disks without a separate /boot, started by a BIOS: root on LVM, on a btrfs subvolume, on XFS; the core image that
# boot_install_write makes must read each of them.
# Of the system's tree /boot alone lies on the disk, where the root file system would have it.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/vm/qemu.sh
. "$(dirname "$0")/../vm/qemu.sh"
# shellcheck source=tests/fixture.sh
. "$T_SRC/tests/fixture.sh"
t_need_root
t_need_tools sfdisk losetup mke2fs mkfs.xfs mkfs.btrfs btrfs lvm
t_private_mounts "$@"
qemu_need

run=$T_BUILD/tests/root/install-run
old_root=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b01 old_boot=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b02
new_root=77777777-64f5-4c0d-9a5e-0f1f0e7f5b01
export LC_ALL=C LVM_SUPPRESS_FD_WARNINGS=1
mkdir -p "$T_TMP"/{new,run,guest,disk}
fixture_minimal "$T_TMP/lower"
qemu_make_guest "$T_TMP/guest"

loops=()
free_loops() {
	local loop
	for loop in "${loops[@]}"; do losetup -d "$loop"; done
}
t_at_exit free_loops

attach() {
	local loop
	loop=$(losetup -f --show "${@:2}")
	loops+=("$loop")
	printf -v "$1" %s "$loop"
}

# The root out of the tree, its /boot the one on the disk's root file system.
mount_system() {
	rm -rf "$T_TMP/upper" "$T_TMP/work"
	mkdir "$T_TMP/upper" "$T_TMP/work"
	mount "$@" "$T_TMP/disk"
	mkdir -p "$T_TMP/disk/boot"
	cp -a "$T_TMP/lower/boot/." "$T_TMP/disk/boot/"
	mount -t overlay overlay "$T_TMP/new" -o "lowerdir=$T_TMP/lower,upperdir=$T_TMP/upper,workdir=$T_TMP/work"
	mount --bind "$T_TMP/disk/boot" "$T_TMP/new/boot"
	sed -i "s/$old_root/$new_root/; /$old_boot/d; /swap/d" "$T_TMP/new/etc/fstab"
}

umount_all() {
	local name
	for name in new disk; do
		if mountpoint -q "$T_TMP/$name"; then umount -R "$T_TMP/$name"; fi
	done
}
t_at_exit umount_all

# A disk of its own for each case: a BIOS boot partition, and the rest.
make_disk() {
	rm -f "$T_TMP/disk.raw"
	truncate -s 600M "$T_TMP/disk.raw"
	printf 'label: gpt\nstart=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649\nstart=2MiB, size=590MiB\n' |
		sfdisk -q "$T_TMP/disk.raw"
	attach disk "$T_TMP/disk.raw"
	attach part -o 2MiB --sizelimit 590MiB "$T_TMP/disk.raw"
}

# boot RECORD...: made bootable, verified, booted
boot() {
	local records=(method=grub-pc "root=$T_TMP/new" "run=$T_TMP/run" "devices=$disk" "disk=$disk:gpt" "$@")
	t_ok "$run" config "${records[@]}"
	t_ok "$run" write "${records[@]}"
	t_ok "$run" verify "${records[@]}"
	t_match "^PASS boot.sector: $disk" -
	cp "$T_TMP/guest/initrd" "$T_TMP/new/boot/initrd.img-"[0-9]*
	umount_all
	sync
	qemu_start bios "$T_TMP/disk.raw"
	t_ok qemu_wait 1 120
	qemu_guests >"$T_TMP/boots"
	qemu_stop
}

disk='' part='' volume=''

t_case "root on LVM"
make_disk
# Without the device mapper: metadata as LVM writes it, and the volume's extents by their place on the disk.
lvm_config="devices { use_devicesfile=0 filter=[\"a|^$part\$|\",\"r|.*|\"] } activation { udev_sync=0 udev_rules=0 } backup { backup=0 archive=0 }"
quiet_lvm() {
	lvm "$1" --driverloaded n --config "$lvm_config" "${@:2}" 2>>"$T_TMP/lvm.log"
}
quiet_lvm pvcreate -qq "$part"
quiet_lvm vgcreate -qq altinst_rootvg "$part"
quiet_lvm lvcreate -qq -an -Zn -Wn -n pad -L 100M altinst_rootvg
quiet_lvm lvcreate -qq -an -Zn -Wn -n hd-4 -L 400M altinst_rootvg
start=$(quiet_lvm pvs --noheadings --nosuffix --units b -o pe_start "$part")
attach volume -o $((2097152 + start + 100 * 1048576)) --sizelimit $((400 * 1048576)) "$T_TMP/disk.raw"
mke2fs -q -t ext4 -U "$new_root" "$volume"
mount_system "$volume"
boot "lv=altinst_rootvg:hd-4:linear:${disk}p2:/" "fs=/::ext4:$new_root"
t_match "GUEST .*root=/dev/mapper/altinst_rootvg-hd--4 " "$T_TMP/boots"

t_case "root on a btrfs subvolume"
new_root=77777777-64f5-4c0d-9a5e-0f1f0e7f5b02
make_disk
mkfs.btrfs -q -U "$new_root" "$part"
mount "$part" "$T_TMP/disk"
btrfs -q subvolume create "$T_TMP/disk/@rootfs"
umount "$T_TMP/disk"
mount_system -o subvol=@rootfs "$part"
boot "fs=/:${disk}p2:btrfs:$new_root:rw,subvol=@rootfs"
t_match "GUEST .*root=UUID=$new_root .*rootflags=subvol=@rootfs" "$T_TMP/boots"

t_case "root on XFS"
new_root=77777777-64f5-4c0d-9a5e-0f1f0e7f5b03
make_disk
mkfs.xfs -q -m "uuid=$new_root" "$part"
mount_system "$part"
boot "fs=/:${disk}p2:xfs:$new_root"
t_match "GUEST .*root=UUID=$new_root " "$T_TMP/boots"

t_done
