# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Inside the guest of lvm-client.sh, before its script: the client's root on /dev/ubda (made at the first start), at $r, and
# its sshd; the disk that client and master share, at $T_TMP/shared (not where the master has a machine of its own).
set -euo pipefail
for module in dm-snapshot dm-bufio; do modprobe "$module"; done
export PATH=$T_BUILD:$PATH
r=/mnt/client
mkdir -p $r

# What a client on LVM has, and the small fixture has not.
lvm_client_tools() {
	local program file name lib
	for program in lvm dmsetup sfdisk fsfreeze wipefs; do
		file=$(type -P "$program")
		cp -L "$file" $r/usr/sbin/
		ldd "$file" | sed -n 's,[^/]*\(/[^ ]*\).*,\1,p' | while read -r lib; do
			mkdir -p "$r/$(dirname "$lib")"
			cp -Ln "$lib" "$r/$lib"
		done
	done
	for name in lvs vgs pvs lvcreate vgcreate pvcreate lvremove vgremove pvremove vgchange lvchange pvscan vgscan; do
		ln -sf lvm $r/usr/sbin/$name
	done
	mkdir -p $r/etc/lvm
	echo 'activation { udev_sync = 0 udev_rules = 0 }' >$r/etc/lvm/lvm.conf
}

lvm_client_disk() {
	sfdisk -q /dev/ubda <<-'END'
		label: gpt
		size=8MiB, type=21686148-6449-6E6F-744E-656564454649
		type=lvm
	END
	pvcreate -qq -y /dev/ubda2
	vgcreate -qq rootvg /dev/ubda2
	lvcreate -qq -y -n hd4 -L "$T_CLIENT_ROOT" rootvg
	lvcreate -qq -y -n hd9var -L "$T_CLIENT_VAR" rootvg
	mke2fs -q -t ext4 -U 11111111-2222-3333-4444-555555555555 /dev/rootvg/hd4
	mke2fs -q -t ext4 -U 11111111-2222-3333-4444-666666666666 /dev/rootvg/hd9var
}

lvm_client_mount() {
	vgchange -qq -ay rootvg
	mount /dev/rootvg/hd4 $r
	mkdir -p $r/var
	mount /dev/rootvg/hd9var $r/var
}

if [ -z "$(blkid -p -s PTTYPE -o value /dev/ubda)" ]; then
	lvm_client_disk
	lvm_client_mount
	rmdir $r/lost+found $r/var/lost+found
	mksysb -q --extract "$NIM_FIXTURE/mini12.mksysb" --target $r
	lvm_client_tools
	cat >$r/etc/fstab <<-'END'
		UUID=11111111-2222-3333-4444-555555555555 / ext4 errors=remount-ro 0 1
		UUID=11111111-2222-3333-4444-666666666666 /var ext4 defaults,nodev 0 2
	END
else
	lvm_client_mount
fi
for d in dev proc sys; do mount --rbind /$d $r/$d; done
mount -t tmpfs -o mode=755 tmpfs $r/run
mkdir -p $r/run/sshd $r/run/lock $r/run/test
cp "$T_TMP/host" "$T_TMP/id.pub" $r/run/test/
chmod 600 $r/run/test/host

# lvm_client_sshd [COMMAND...]: started by COMMAND, which may put it elsewhere
lvm_client_sshd() {
	"$@" chroot $r /usr/sbin/sshd -h /run/test/host -o AuthorizedKeysFile=/run/test/id.pub \
		-o PermitRootLogin=prohibit-password -o UsePAM=no -o StrictModes=no -o PidFile=none \
		-o ListenAddress="$T_CLIENT_HOST" -f /dev/null
}

# Files of the client with what NFS does not carry; and how they look in a root.
kept_make() {
	cp $r/bin/true $r/usr/local/bin/kept
	setcap cap_net_raw+ep $r/usr/local/bin/kept
	setfacl -m u:1:r $r/etc/hostname
	mkdir -m 2770 $r/srv/kept
	setfacl -d -m u:1:rx $r/srv/kept
	echo kept >$r/srv/kept/file
	ln $r/srv/kept/file $r/srv/kept/other
	setfacl -m u:2:r $r/srv/kept/file
	echo immutable >$r/srv/immutable
	chattr +i $r/srv/immutable
}
kept_show() (
	cd "$1"
	kept=(etc/hostname srv/kept srv/kept/file srv/kept/other srv/immutable usr/local/bin/kept)
	getcap usr/local/bin/kept
	getfacl -cp "${kept[@]}"
	stat -c '%a %h %n' "${kept[@]}"
	lsattr -d "${kept[@]}" | sort
)

fingerprint() {
	sfdisk -d /dev/ubda
	dd if=/dev/ubda bs=1M count=9 status=none | sha256sum
	lvs --noheadings -o vg_name,lv_name,lv_uuid,lv_size rootvg
	sha256sum $r/etc/fstab $r/etc/os-release
}

if [ -b /dev/ubdc ]; then mount /dev/ubdc "$T_TMP/shared"; fi
