# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine for the client program's tests, in User-Mode Linux: a small root on the first disk, and the program run in it. Source it
# after ../lib.sh and uml.sh.
#
#   host_layout make <<'END'    how the first disk is made: shell code; $disk is its device, $r where its root is to be mounted
#   host_layout mount <<'END'   how its file systems are mounted below $r
#   host_layout fstab <<'END'   its /etc/fstab
#   inside NAME <<'END'         what is run in that root; it is /out/NAME.sh there, and $T_TMP is /out
#   guest NAME ubda=FILE ...    runs it; its output and its status

T_DISK=/dev/ubda
export T_DISK
# More programs that the guest is to have.
host_programs=()

host_layout() {
	cat >"$T_TMP/layout-$1"
}

inside() {
	cat >"$T_TMP/$1.sh"
	echo ". $T_TMP/host.sh $1" >"$T_TMP/$1.start"
}

guest() {
	local name=$1
	shift
	[ -d "$T_TMP/tree" ] || host_tree "$T_TMP/tree"
	uml_run "$T_TMP/$name.start" "$@"
}

# What the root is filled with, but for what only its own file systems can hold: in a guest each program takes long to start.
host_tree() {
	local r=$1 program file lib name fs i
	mkdir -p "$r"/{boot,dev,etc/lvm,mnt,proc,root,run,sys,tmp,usr/{bin,lib,lib64,sbin},var/{lib/dpkg,log},out}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$r/"
	for program in bash cat chattr chmod cp date dd df dmsetup env find fsfreeze grep head jq kill ln ls lsattr mkdir mv \
		readlink rm rmdir sed seq setsid sha256sum sleep sort stat sync tail timeout touch tr uniq wc lvm lsblk findmnt sfdisk blkid \
		blockdev wipefs mke2fs mkswap mount umount cut comm diff dash truncate cmp "${host_programs[@]}"; do
		file=$(type -P "$program")
		cp -L "$file" "$r/usr/bin/"
		while read -r lib; do
			mkdir -p "$r/$(dirname "$lib")"
			cp -Ln "$lib" "$r/$lib"
		done < <(ldd "$file" | sed -n 's,[^/]*\(/[^ ]*\).*,\1,p')
	done
	ln -s dash "$r/usr/bin/sh"
	for name in lvs vgs pvs lvcreate vgcreate pvcreate lvremove vgremove pvremove vgchange lvchange pvscan vgscan lvextend; do
		ln -s lvm "$r/usr/bin/$name"
	done
	for fs in ext2 ext3 ext4; do ln -s mke2fs "$r/usr/bin/mkfs.$fs"; done
	cp /etc/mke2fs.conf "$r/etc/"
	# There is no udev in the guest, and our programs' children get no DM_DISABLE_UDEV.
	echo 'activation { udev_sync = 0 udev_rules = 0 }' >"$r/etc/lvm/lvm.conf"
	cp "$T_BUILD/src/altdisk/altdisk" "$r/usr/bin/"
	for name in alt_disk_copy alt_disk_mksysb alt_rootvg_op bootlist lspv mksysb; do ln -s altdisk "$r/usr/bin/$name"; done
	printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >"$r/etc/os-release"
	echo testhost >"$r/etc/hostname"
	ln "$r/etc/hostname" "$r/etc/hostname.link"
	printf 'Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n' >"$r/var/lib/dpkg/status"
	cp "$T_TMP/layout-fstab" "$r/etc/fstab"
	echo kernel >"$r/boot/vmlinuz"
	echo log >"$r/var/log/syslog"
	touch -d 2001-02-03 "$r/var/log/old"
	for i in $(seq 400); do echo "file $i" >"$r/var/lib/f$i"; done
	dd if=/dev/urandom of="$r/root/big" bs=1M count=40 status=none
}

cat >"$T_TMP/host.sh" <<'EOS'
set -euo pipefail
for module in dm-snapshot dm-bufio dm-thin-pool; do modprobe "$module"; done
disk=$T_DISK r=/mnt/host new=
mkdir -p $r
if [ -z "$(blkid -p -s PTTYPE -o value $disk)" ]; then
	. "$T_TMP/layout-make"
	new=1
fi
. "$T_TMP/layout-mount"
if [ -n "$new" ]; then
	cp -a "$T_TMP/tree/." $r/
	truncate -s 50M $r/var/sparse
	chattr +i $r/etc/os-release
fi
# A real machine has a tmpfs there.
for d in dev proc sys run; do mount --rbind /$d $r/$d; done
mount --bind "$T_TMP" $r/out
# As systemd has it: what is mounted at one place of a file system is at all places of it.
mount --make-rshared /
sync
exec env LC_ALL=C chroot $r /usr/bin/bash -euo pipefail "/out/$1.sh"
EOS
