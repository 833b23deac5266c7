#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two disks with a UEFI: the running system's and its clone's, started by the removable path, by the firmware's boot list
# that the running system changes (real efibootmgr, real variables), and from the clone's menu.
# GRUB's modules for UEFI are this machine's.
# T_SECURE_BOOT=yes: the firmware checks signatures instead; Debian's signed shim and GRUB are fetched.
# Takes 6 minutes.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/vm/qemu.sh
. "$(dirname "$0")/qemu.sh"
# shellcheck source=tests/fixture.sh
. "$T_SRC/tests/fixture.sh"
# shellcheck source=tests/root/tree.sh
. "$(dirname "$0")/../root/tree.sh"
t_need_root
t_need_tools sfdisk losetup mke2fs mformat mcopy efibootmgr modprobe
[ -f /usr/lib/grub/x86_64-efi/moddep.lst ] || t_skip_all "needs the package grub-efi-amd64-bin"
t_private_mounts "$@"
qemu_need

run=$T_BUILD/tests/root/install-run
old_root=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b01 old_boot=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b02
new_root=77777777-64f5-4c0d-9a5e-0f1f0e7f5b01 new_boot=88888888-64f5-4c0d-9a5e-0f1f0e7f5b02
old_esp=0123-4567 new_esp=89AB-CDEF
esp_uuid=11111111-2222-3333-4444-55555555555 # and a digit for the disk
a='' b='' a_boot='' b_boot=''
export LC_ALL=C MTOOLS_SKIP_CHECK=1
mkdir -p "$T_TMP"/{old,new,run,guest}
fixture_minimal "$T_TMP/lower"
cp -r /usr/lib/grub/x86_64-efi "$T_TMP/lower/usr/lib/grub/"

# A guest with what the boot list needs: the variables, the disks, efibootmgr and our program.
qemu_make_guest "$T_TMP/guest"
guest=$T_TMP/guest/tree
make_tree "$guest" bash efibootmgr modprobe cat sleep "$run"
modules=$(echo "$T_TMP/lower/usr/lib/modules/"*)
mkdir -p "$guest/usr/lib/modules/${modules##*/}/kernel/"{fs,drivers/block}
cp "$modules"/modules.* "$guest/usr/lib/modules/${modules##*/}/"
cp -r "$modules/kernel/fs/efivarfs" "$guest/usr/lib/modules/${modules##*/}/kernel/fs/"
cp -r "$modules/kernel/drivers/virtio" "$guest/usr/lib/modules/${modules##*/}/kernel/drivers/"
cp "$modules/kernel/drivers/block/virtio_blk.ko" "$guest/usr/lib/modules/${modules##*/}/kernel/drivers/block/"

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

mount_system() {
	local name=$1 boot=$2
	mkdir -p "$T_TMP/$name.upper" "$T_TMP/$name.work" "$T_TMP/$name.efi"
	mount -t overlay overlay "$T_TMP/$name" \
		-o "lowerdir=$T_TMP/lower,upperdir=$T_TMP/$name.upper,workdir=$T_TMP/$name.work"
	mount "$boot" "$T_TMP/$name/boot"
	mkdir -p "$T_TMP/$name/boot/efi"
	mount --bind "$T_TMP/$name.efi" "$T_TMP/$name/boot/efi"
}

umount_system() {
	umount -R "$T_TMP/$1"
}

umount_all() {
	local name
	for name in old new; do
		if mountpoint -q "$T_TMP/$name"; then umount -R "$T_TMP/$name"; fi
	done
}
t_at_exit umount_all

# This machine's kernel may know no vfat: the ESP's files go there by mtools.
put_esp() {
	mformat -i "$T_TMP/$1.disk@@1M" -F -T 131072 -h 16 -s 63 -H 2048 -N "${3//-/}" ::
	mcopy -i "$T_TMP/$1.disk@@1M" -s "$T_TMP/$2.efi/EFI" ::
}

# make_disk NAME BOOT-UUID DIGIT
make_disk() {
	truncate -s 260M "$T_TMP/$1.disk"
	printf 'label: gpt\nstart=1MiB, size=64MiB, type=uefi, uuid=%s\nstart=65MiB, type=linux\n' "$esp_uuid$3" |
		sfdisk -q "$T_TMP/$1.disk"
	attach "$1" "$T_TMP/$1.disk"
	attach "$1_boot" -o 65MiB --sizelimit 194MiB "$T_TMP/$1.disk"
	local boot=$1_boot
	mke2fs -q -t ext4 -U "$2" "${!boot}"
}

# guest SYSTEM COMMANDS: what that system's guest runs
guest() {
	printf '%s\n' "$2" >"$guest/run.sh"
	bsdtar --format=newc -C "$guest" -cf "$T_TMP/$1/boot/initrd.img-${modules##*/}" .
	sync
}

# boots WANT DISK...: what was started, one after the other
boots() {
	local want=$1 n
	n=$(wc -w <<<"$want")
	shift
	sync
	qemu_start uefi "$@"
	t_ok qemu_wait "$n" $((n * 120))
	sleep 1
	tr -d '\r' <"$qemu_dir/serial" >"$T_TMP/serial"
	qemu_stop
	grep -a -o 'GUEST .*' "$T_TMP/serial" | head -n "$n" |
		sed "s/.*root=UUID=$new_root.*/clone/; s/.*root=UUID=$old_root.*/old/" >"$T_TMP/boots"
	t_equal "$want" "$(tr '\n' ' ' <"$T_TMP/boots" | sed 's/ $//')"
}

make_disk a "$old_boot" 1
make_disk b "$new_boot" 2
old=("disk=$a:gpt" "fs=/::ext4:$old_root" "fs=/boot:${a}p2:ext4:$old_boot" "fs=/boot/efi:${a}p1:vfat:$old_esp")
new=("disk=$b:gpt" "fs=/::ext4:$new_root" "fs=/boot:${b}p2:ext4:$new_boot" "fs=/boot/efi:${b}p1:vfat:$new_esp")

install() {
	"$run" "$1" "root=$T_TMP/new" "old=$T_TMP/old" "run=$T_TMP/run" "devices=$b" method=grub-efi "${new[@]}" "${old[@]/#/old-}"
}

# The same layouts as the guest sees them.
list="install-run '%s' old=/ method=grub-efi 'fs=/::ext4:$new_root' 'fs=/boot/efi:/dev/vdb1:vfat:$new_esp' disk=/dev/vdb:gpt \
'old-fs=/::ext4:$old_root' 'old-fs=/boot/efi:/dev/vda1:vfat:$old_esp' old-disk=/dev/vda:gpt %s"

# Both systems on their disks, and what their guests run.
make_systems() {
	rm -rf "$T_TMP/old.efi" "$T_TMP/new.efi"
	mount_system old "$a_boot"
	mount_system new "$b_boot"
	cp -a "$T_TMP/lower/boot/." "$T_TMP/old/boot/"
	cp -a "$T_TMP/lower/boot/." "$T_TMP/new/boot/"
	sed -i "s/$old_root/$new_root/; s/$old_boot/$new_boot/; /swap/d" "$T_TMP/new/etc/fstab"
	sed -i "/swap/d" "$T_TMP/old/etc/fstab"
	first=("root=$T_TMP/old" "run=$T_TMP/run" "devices=$a" method=grub-efi "${old[@]}")
	t_ok "$run" config "${first[@]}"
	t_ok "$run" write "${first[@]}"
	t_ok "$run" verify "${first[@]}"
}

check_clone() {
	# As the copy of a source's ESP would leave it.
	mkdir -p "$T_TMP/new.efi/EFI/debian" "$T_TMP/new.efi/EFI/BOOT"
	echo old >"$T_TMP/new.efi/EFI/debian/grubx64.efi"
	echo "search.fs_uuid $old_boot root" >"$T_TMP/new.efi/EFI/debian/grub.cfg"
	echo fallback >"$T_TMP/new.efi/EFI/BOOT/fbx64.efi"
	t_ok install config
	t_ok install write
	t_ok install verify
	t_match "^PASS boot.esp: /boot/efi/EFI: $1 in nimadm-altinst, debian, BOOT" -
	t_no_match "$old_boot" "$T_TMP/new.efi/EFI/debian/grub.cfg"
	t_ok test ! -e "$T_TMP/new.efi/EFI/BOOT/fbx64.efi"
	for name in nimadm-altinst/BOOTX64.EFI debian/grub.cfg BOOT/BOOTX64.EFI; do
		mv "$T_TMP/new.efi/EFI/$name" "$T_TMP/kept"
		t_fail_with 1 install verify
		t_match "INHIBIT boot.esp: /boot/efi/EFI/$name: is not what" -
		mv "$T_TMP/kept" "$T_TMP/new.efi/EFI/$name"
	done
}

finish() {
	guest old "$1"
	guest new "$2"
	put_esp a old "$old_esp"
	put_esp b new "$new_esp"
	umount_system old
	umount_system new
}

# shellcheck disable=SC2059
set_list() {
	printf "$list" "$@"
}

# A distribution's installation has made an entry for the running system.
make_entry="efibootmgr -v | while read -r line; do case \$line in *olddisk*) exit 1 ;; esac; done && \
efibootmgr -q -c -d /dev/vda -p 1 -L olddisk -l '\\EFI\\debian\\grubx64.efi'"

# signed PACKAGE...: fetched, and unpacked into the lower tree
signed() {
	local deb
	mkdir "$T_TMP/signed"
	(cd "$T_TMP/signed" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2) || return 1
	for deb in "$T_TMP/signed"/*.deb; do dpkg-deb -x "$deb" "$T_TMP/signed/root" || return; done
	cp -r "$T_TMP/signed/root/usr/lib/." "$T_TMP/lower/usr/lib/"
}

if [ "${T_SECURE_BOOT:-}" = yes ]; then
	signed shim-signed grub-efi-amd64-signed || t_skip_all "needs Debian's packages shim-signed and grub-efi-amd64-signed"
	# The signed GRUB brings a font and would draw its menu, which takes minutes here.
	export QEMU_VARS=OVMF_VARS_4M.ms.fd QEMU_CODE=OVMF_CODE_4M.secboot.fd QEMU_VGA=none
	t_case "Secure Boot: shim and the signed GRUB start the clone, whose levels are those of the old system"
	make_systems
	check_clone "shim and the signed GRUB"
	t_ok install sbat
	t_match "PASS boot.sbat" -
	finish "" "cat -v /sys/firmware/efi/efivars/SecureBoot-*; echo"
	boots "clone clone" "$T_TMP/b.disk"
	t_match '^.*\^@\^A$' "$T_TMP/serial"
	t_done
fi

t_case "two systems on GPT disks with ESPs of their own become bootable"
make_systems
check_clone GRUB
mkdir -p "$T_TMP/old.efi/EFI/debian"
cp "$T_TMP/old.efi/EFI/BOOT/BOOTX64.EFI" "$T_TMP/old.efi/EFI/debian/grubx64.efi"
finish "$make_entry
$(set_list once word=/dev/vdb)
$(set_list list '')" "$(set_list list '')"

t_case "the clone is started by its removable path with the other disk pulled"
boots clone "$T_TMP/b.disk"

t_case "the next boot alone is the clone's; then the old system again, by itself"
rm -f "$qemu_vars"
boots "old clone old clone" "$T_TMP/a.disk" "$T_TMP/b.disk"
t_match "^0 /dev/vda olddisk" "$T_TMP/serial"
t_match "^once /dev/vdb" "$T_TMP/serial"
t_match "^mechanism EFI BootOrder" "$T_TMP/serial"

t_case "the clone first, and back; its entry is forgotten and no other is"
rm -f "$qemu_vars"
mount_system old "$a_boot"
mount_system new "$b_boot"
guest old "$make_entry
$(set_list set 'word=/dev/vdb word=/dev/vda')
$(set_list list '')"
guest new "$(set_list set 'word=/dev/vda word=/dev/vdb')
$(set_list forget word=/dev/vdb)
efibootmgr"
umount_system old
umount_system new
boots "old clone old" "$T_TMP/a.disk" "$T_TMP/b.disk"
t_match "^0 /dev/vdb altinst_rootvg ours" "$T_TMP/serial"
t_match "^1 /dev/vda olddisk" "$T_TMP/serial"
sed -n '/GUEST.*7777/,/GUEST.*6a1f/p' "$T_TMP/serial" >"$T_TMP/forgotten"
t_match "olddisk" "$T_TMP/forgotten"
t_no_match "altinst_rootvg" "$T_TMP/forgotten"

t_case "the clone's menu starts the old system"
rm -f "$qemu_vars"
mount_system new "$b_boot"
t_match "chainloader /EFI/" "$T_TMP/new/boot/grub/custom.cfg"
guest new ""
echo 'set default=nimadm-old' >>"$T_TMP/new/boot/grub/custom.cfg"
umount_system new
boots "old" "$T_TMP/b.disk" "$T_TMP/a.disk"

t_done
