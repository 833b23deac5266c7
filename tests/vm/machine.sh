# shellcheck shell=bash disable=SC2034,SC2054,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# A real Debian client in QEMU, with systemd, its own kernel, GRUB and initramfs, that runs our program on its own
# disks. Source it after ../lib.sh.
#
#   machine_need                     skips the whole script where it cannot run
#   machine_disk FILE [LAYOUT]       a disk with the client installed by its own grub-install. LAYOUT:
#                                      lvm-bios, lvm-uefi   a separate /boot; root, /var and swap are volumes (lvm-bios if none is named)
#                                      plain-bios, plain-uefi   one partition, as of a cloud image
#                                      btrfs-bios, btrfs-uefi   one partition with the subvolumes @rootfs and @home
#   machine_image DISK LAYOUT FILE   the client on that disk writes its image to $T_TMP/FILE, without being started
#   machine_start bios|uefi DISK...  as qemu_start, with QEMU_SMP (2) processors
#   machine_up SECONDS               until the next system is up: $machine_booted is its kernel's command line
#   inside NAME <<'END'              keeps a script, which
#   machine NAME [SECONDS]           runs as root in the machine: its output, its status (124: not done in 300 seconds);
#                                    what it leaves in the background must have an output of its own
#   machine_reboot SECONDS           the machine itself starts again; until the next system is up
#   machine_off                      shuts the machine down
#
# The tree is the profile "client" of Debian $machine_release (bookworm): a fixture, made once for all scripts.

# shellcheck source=tests/fixture.sh
. "$T_SRC/tests/fixture.sh"
# shellcheck source=tests/vm/uml.sh
. "$T_SRC/tests/vm/uml.sh"
# shellcheck source=tests/vm/qemu.sh
. "$T_SRC/tests/vm/qemu.sh"

machine_booted='' machine_line=''
machine_in_fd='' machine_out_fd=''
machine_release=${machine_release:-bookworm}
# The file systems of the client's fstab.
machine_uuid=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b0

machine_need() {
	t_need_root
	qemu_need
	uml_need
	t_need_tools mmdebstrap base64 mkfifo mkfs.vfat
	machine_tar=$fixture/client-$machine_release.tar
	mkfifo "$T_TMP/control.in" "$T_TMP/control.out"
	# Both ends: nobody waits for the other one.
	exec {machine_in_fd}<>"$T_TMP/control.in" {machine_out_fd}<>"$T_TMP/control.out"
}

# Answers to machine: a line is a script in base64; "o " before each line of output, then "rc STATUS".
machine_control() {
	cat <<'END'
#!/bin/bash
# Part of the test.
until [ -c /dev/virtio-ports/nimadm.control ]; do sleep 0.2; done
exec 3<>/dev/virtio-ports/nimadm.control
echo "up $(cat /proc/cmdline)" >&3
while read -r script <&3; do
	base64 -d <<<"$script" >/run/control.sh
	bash /run/control.sh 2>&1 </dev/null 3>&- | sed -u 's/^/o /' >&3
	echo "rc ${PIPESTATUS[0]}" >&3
done
END
}

# An initramfs gives the disks 30 seconds, counted from its own start, which an emulated machine beside other work does not
# always do in. (rootdelay= would make it sleep for all of that time on every boot.)
machine_wait_root() {
	cat <<'END'
#!/bin/sh
# Part of the test.
[ "$1" != prereqs ] || exit 0
. /scripts/functions
n=0
until [ $n -ge 200 ] || resolve_device "$ROOT" >/dev/null; do
	sleep 1
	n=$((n + 1))
done
END
}

# The profile with an initramfs that names the swap space, without some large files: everything takes long there.
machine_tree() {
	local root=$T_TMP/client
	"$T_SRC/tests/profiles/build.sh" client "$machine_release" "$root" || return
	# What the machine has, instead of all that there is.
	sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
	printf '%s\n' virtio_pci virtio_blk ext4 btrfs >>"$root/etc/initramfs-tools/modules"
	machine_wait_root >"$root/etc/initramfs-tools/scripts/local-top/wait-root"
	chmod 755 "$root/etc/initramfs-tools/scripts/local-top/wait-root"
	# A boot that goes wrong says how on the console.
	sed -i 's/^GRUB_CMDLINE_LINUX_DEFAULT=.*/GRUB_CMDLINE_LINUX_DEFAULT=""/' "$root/etc/default/grub"
	printf 'GRUB_DISABLE_OS_PROBER=true\nGRUB_TIMEOUT=0\nGRUB_TERMINAL=console\n' >>"$root/etc/default/grub"
	mount --bind /proc "$root/proc" || return
	chroot "$root" update-initramfs -u || return
	umount "$root/proc"
	tar -C "$root" --create --file "$machine_tar.part" --numeric-owner --sparse --acls --xattrs --xattrs-include='*' \
		--one-file-system --exclude './usr/share/locale/*' --exclude './usr/share/doc/*' --exclude './usr/share/i18n/*' \
		--exclude './usr/lib/*/libLLVM-*' --exclude './usr/lib/*/libz3.*' . || return
	rm -rf --one-file-system "$root"
	mv "$machine_tar.part" "$machine_tar"
}

# Runs in User-Mode Linux, which has volumes and partitions: the disk's file systems below $r.
machine_mount() {
	cat <<'END'
set -euo pipefail
export LC_ALL=C
r=/mnt/host
u=$T_UUID
storage=${T_LAYOUT%-*} firmware=${T_LAYOUT#*-}
for module in fat vfat nls_cp437 nls_iso8859-1 nls_ascii btrfs; do
	if modinfo "$module" >/dev/null 2>&1; then modprobe "$module"; fi
done
mount_disk() {
	mkdir -p $r
	# What grub-mkconfig looks for: there is no udev here.
	mkdir -p /dev/disk/by-uuid
	ln -sfn "$root" /dev/disk/by-uuid/${u}1
	case $storage in
	lvm)
		vgchange -qq -ay rootvg
		mount $root $r
		mkdir -p $r/boot $r/var
		mount /dev/ubda2 $r/boot
		mount /dev/rootvg/var $r/var
		;;
	plain) mount $root $r ;;
	btrfs)
		mount -o subvol=@rootfs $root $r
		mkdir -p $r/home
		mount -o subvol=@home $root $r/home
		;;
	esac
	if [ "$firmware" = uefi ]; then
		mkdir -p $r/boot/efi
		mount -o umask=0077 /dev/ubda1 $r/boot/efi
	fi
}
mount_kernel() {
	local d
	for d in dev proc sys run; do mount --rbind /$d $r/$d; done
}
case $storage in
lvm) root=/dev/rootvg/root ;;
*) root=/dev/ubda2 ;;
esac
END
}

machine_install() {
	machine_mount
	cat <<'END'
case $firmware in
bios) first='size=1MiB, type=21686148-6449-6E6F-744E-656564454649' ;;
uefi) first='size=48MiB, type=uefi' ;;
esac
case $storage in
lvm) rest=$'size=200MiB, type=linux\ntype=lvm' ;;
*) rest=$'size=1900MiB, type=linux' ;;
esac
printf 'label: gpt\n%s\n%s\n' "$first" "$rest" | sfdisk -q /dev/ubda
case $storage in
lvm)
	pvcreate -qq -y /dev/ubda3
	vgcreate -qq rootvg /dev/ubda3
	lvcreate -qq -y -n root -L 1300M rootvg
	lvcreate -qq -y -n var -L 500M rootvg
	lvcreate -qq -y -n swap -L 128M rootvg
	mke2fs -q -t ext4 -L var /dev/rootvg/var
	mkswap -q -U "${u}3" /dev/rootvg/swap
	mke2fs -q -t ext4 -U "${u}1" $root
	mke2fs -q -t ext4 -U "${u}2" /dev/ubda2
	;;
plain) mke2fs -q -t ext4 -U "${u}1" $root ;;
btrfs)
	mkfs.btrfs -q -U "${u}1" $root
	mkdir -p $r
	mount $root $r
	for name in @rootfs @home; do btrfs -q subvolume create $r/$name; done
	umount $r
	;;
esac
if [ "$firmware" = uefi ]; then mkfs.vfat -i 6A1F5B00 /dev/ubda1 >/dev/null; fi
mount_disk
tar -xpf "$T_TAR" -C $r --numeric-owner --xattrs --xattrs-include='*' --acls
mount_kernel
# As the Debian installer writes it.
case $storage in
lvm)
	sed -i "s,^UUID=${u}1,/dev/mapper/rootvg-root," $r/etc/fstab
	echo 'LABEL=var /var ext4 defaults 0 2' >>$r/etc/fstab
	;;
*)
	sed -i "/^UUID=${u}[23]/d" $r/etc/fstab
	rm $r/etc/initramfs-tools/conf.d/resume
	;;
esac
if [ $storage = btrfs ]; then
	sed -i "s,^UUID=${u}1.*,UUID=${u}1 / btrfs defaults\,subvol=@rootfs 0 0," $r/etc/fstab
	echo "UUID=${u}1 /home btrfs defaults,subvol=@home 0 0" >>$r/etc/fstab
fi
if [ $firmware = uefi ]; then
	echo 'UUID=6A1F-5B00 /boot/efi vfat umask=0077 0 1' >>$r/etc/fstab
	# The other boot loader, with the settings that are the machine's.
	cp -p $r/etc/default/grub /run/grub.default
	DEBIAN_FRONTEND=noninteractive chroot $r dpkg --purge grub-pc
	cp -p /run/grub.default $r/etc/default/grub
	mkdir -p $r/boot/grub
fi
cp "$T_BUILD/src/altdisk/altdisk" $r/usr/local/sbin/
install -m 755 "$T_TMP/control" $r/usr/local/sbin/
printf '[Unit]\nDescription=Test control\nAfter=basic.target\n\n[Service]\nExecStart=/usr/local/sbin/control\n' \
	>$r/etc/systemd/system/control.service
ln -s ../control.service $r/etc/systemd/system/multi-user.target.wants/
for unit in e2scrub_reap.service apt-daily-upgrade.timer fstrim.timer; do ln -sf /dev/null $r/etc/systemd/system/$unit; done
for name in alt_disk_copy alt_disk_mksysb alt_rootvg_op bootlist lspv mksysb; do ln -s altdisk $r/usr/local/sbin/$name; done
# The core image that grub-install makes of a UBD disk lacks what reads partitions.
case $firmware in
bios) chroot $r grub-install --modules="part_gpt ext2 lvm btrfs" --target=i386-pc /dev/ubda ;;
uefi) chroot $r grub-install --modules="part_gpt ext2 lvm btrfs fat" --target=x86_64-efi --no-nvram --force-extra-removable ;;
esac
chroot $r update-grub
grep -m 1 vmlinuz $r/boot/grub/grub.cfg
umount -R $r
END
}

machine_disk() {
	fixture_once "$machine_tar" machine_tree || return
	machine_install >"$T_TMP/install.sh"
	machine_control >"$T_TMP/control"
	rm -f "$1"
	truncate -s "${MACHINE_DISK:-2600M}" "$1"
	T_TAR=$machine_tar T_UUID=$machine_uuid T_LAYOUT=${2:-lvm-bios} uml_run "$T_TMP/install.sh" "ubda=$1"
}

machine_image() {
	{
		machine_mount
		printf 'image=%q\n' "$3"
		cat <<'END'
mount_disk
mount_kernel
mount --bind "$T_TMP" $r/mnt
chroot $r /usr/local/sbin/mksysb -q -o "/mnt/$image"
umount -R $r
END
	} >"$T_TMP/image.sh"
	T_UUID=$machine_uuid T_LAYOUT=$2 uml_run "$T_TMP/image.sh" "ubda=$1"
}

machine_start() {
	local old=("${qemu_options[@]}")
	qemu_options+=(-device virtio-serial-pci
		-chardev "pipe,id=control,path=$T_TMP/control" -device virtserialport,chardev=control,name=nimadm.control)
	# What a machine before has said.
	while IFS= read -r -t 0.01 -u "$machine_out_fd" machine_line; do :; done
	QEMU_SMP=${QEMU_SMP:-2} QEMU_MEM=1024 qemu_start "$@"
	qemu_options=("${old[@]}")
}

# The next line of the machine's control into $machine_line; 1: none in time.
machine_read() {
	local part=''
	while ! IFS= read -r -t 1 -u "$machine_out_fd" machine_line; do
		# What came of the line so far: the next read begins after it.
		part+=$machine_line
		if [ "$SECONDS" -ge "$1" ]; then
			echo "the machine has not answered in time"
		elif ! kill -0 "$qemu_pid" 2>/dev/null; then
			echo "the machine is not running any more"
		else
			continue
		fi
		tail -c 3000 "$qemu_dir/serial"
		cat "$qemu_dir/log"
		return 1
	done
	machine_line=$part${machine_line%$'\r'}
}

machine_up() {
	local end=$((SECONDS + $1))
	machine_booted=''
	while machine_read "$end"; do
		case $machine_line in
		"up "*)
			machine_booted=${machine_line#up }
			return 0
			;;
		esac
	done
	return 1
}

inside() {
	cat >"$T_TMP/$1.sh"
}

machine() {
	local end=$((SECONDS + ${2:-300}))
	base64 -w 0 "$T_TMP/$1.sh" >&"$machine_in_fd"
	echo >&"$machine_in_fd"
	while machine_read "$end"; do
		case $machine_line in
		"o "*) printf '%s\n' "${machine_line#o }" ;;
		"rc "*) return "${machine_line#rc }" ;;
		"up "*)
			echo "the machine has started anew"
			return 125
			;;
		esac
	done
	return 124
}

machine_reboot() {
	inside reboot <<<'systemctl --no-block reboot'
	machine reboot 60
	machine_up "$1"
}

machine_off() {
	local end=$((SECONDS + 90))
	inside poweroff <<<'systemctl --no-block poweroff'
	machine poweroff 60
	while kill -0 "$qemu_pid" 2>/dev/null; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "the machine has not been shut down in 90 s"
			return 1
		fi
		sleep 0.2
	done
	qemu_stop
}
