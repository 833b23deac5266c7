#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image of a running host with its root on LVM, a separate /boot and swap: image.data as the real programs report it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
uml_need
t_need_tools lvm sfdisk mke2fs mkswap lsblk findmnt zstd

truncate -s 2G "$T_TMP/disk"
cat >"$T_TMP/host.sh" <<'EOS'
# In the guest: makes the host's disk, goes into its root, makes the image of "/".
set -euo pipefail
sfdisk -q /dev/ubda <<'END'
label: gpt
size=8MiB, type=21686148-6449-6E6F-744E-656564454649
size=256MiB, type=linux
type=lvm
END
pvcreate -qq -y /dev/ubda3
vgcreate -qq rootvg /dev/ubda3
lvcreate -qq -y -n hd4 -L 800M rootvg
lvcreate -qq -y -n hd9var -L 200M rootvg
lvcreate -qq -y -n hd6 -L 64M rootvg
mke2fs -q -t ext4 -U 11111111-2222-3333-4444-555555555555 /dev/rootvg/hd4
mke2fs -q -t ext4 /dev/rootvg/hd9var
mke2fs -q -t ext4 -L boot /dev/ubda2
mkswap -L swap /dev/rootvg/hd6
swapon /dev/rootvg/hd6
r=/mnt/host
mkdir -p $r
mount /dev/rootvg/hd4 $r
mkdir -p $r/{boot,dev,etc,mnt,proc,run,sys,tmp,usr/{bin,lib,lib64,sbin},var,srv/other,out}
ln -s usr/bin usr/sbin usr/lib usr/lib64 $r/
mount /dev/ubda2 $r/boot
mount /dev/rootvg/hd9var $r/var
mkdir -p $r/var/{lib/dpkg,log}
for program in bash lvm lvs vgs pvs lsblk findmnt "$T_BUILD/src/altdisk/altdisk"; do
	file=$(command -v "$program")
	cp -L "$file" $r/usr/bin/
	ldd "$file" | sed -n 's,[^/]*\(/[^ ]*\).*,\1,p' | while read -r lib; do
		mkdir -p "$r/$(dirname "$lib")"
		cp -Ln "$lib" "$r/$lib"
	done
done
ln -s altdisk $r/usr/bin/mksysb
printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >$r/etc/os-release
echo lvmhost >$r/etc/hostname
printf 'Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n' >$r/var/lib/dpkg/status
cat >$r/etc/fstab <<'END'
UUID=11111111-2222-3333-4444-555555555555 / ext4 errors=remount-ro 0 1
LABEL=boot /boot ext4 defaults 0 2
/dev/mapper/rootvg-hd9var /var ext4 defaults,nodev 0 2
/dev/mapper/rootvg-hd6 none swap sw 0 0
END
echo kernel >$r/boot/vmlinuz
echo log >$r/var/log/syslog
for d in dev proc sys run; do mount --rbind /$d $r/$d; done
mount -t tmpfs other $r/srv/other
echo inside >$r/srv/other/inside
mount --bind "$T_TMP" $r/out
exec chroot $r /bin/bash -c 'exec mksysb -o /out/host.mksysb'
EOS

mksysb=$T_TMP/mksysb
ln -s "$T_BUILD/src/altdisk/altdisk" "$mksysb"
export NIM_STATE=$T_TMP/state

t_case "a host with LVM makes an image of itself"
t_ok uml_run "$T_TMP/host.sh" "ubda=$T_TMP/disk"
t_ok "$mksysb" --verify "$T_TMP/host.mksysb"

# The stanza of a kind that has a line: stanza KIND REGEX
stanza() {
	awk -v RS= -v kind="$1:" -v want="$2" '$1 == kind && $0 ~ want' "$T_TMP/data"
}
# has KIND REGEX LINE...: the stanza has these lines.
has() {
	local kind=$1 which=$2 line
	shift 2
	for line; do t_ok grep -Fqx "    $line" <(stanza "$kind" "$which"); done
}

t_case "its image.data tells disks, volumes, file systems and swap"
t_ok "$mksysb" --show "$T_TMP/host.mksysb"
cp "$T_OUT" "$T_TMP/data"
has image_data HOSTNAME 'HOSTNAME= lvmhost' 'OSLEVEL= debian 12 bookworm'
has vg_data VGNAME 'VGNAME= rootvg' 'PPSIZE= 4'
has source_disk_data HDISKNAME 'HDISKNAME= /dev/ubda' 'SIZE_MB= 2048'
has lv_data 'hd4' 'VOLUME_GROUP= rootvg' 'MOUNT_POINT= /' 'LPs= 200' 'PP_SIZE= 4' 'LV_SOURCE_DISK_LIST= /dev/ubda3'
has lv_data 'hd9var' 'VOLUME_GROUP= rootvg' 'MOUNT_POINT= /var' 'LPs= 50'
has lv_data 'hd6' 'VOLUME_GROUP= rootvg' 'LPs= 16'
has lv_data 'ubda2' 'TYPE= partition' 'MOUNT_POINT= /boot' 'LPs= 256'
has fs_data 'FS_NAME= /\n' 'FS_UUID= 11111111-2222-3333-4444-555555555555' 'FS_TYPE= ext4'
has fs_data 'FS_NAME= /boot' 'FS_DEVICE= LABEL=boot' 'FS_LABEL= boot'
has fs_data 'FS_NAME= swap' 'FS_DEVICE= /dev/mapper/rootvg-hd6'

t_case "all file systems of the host are in it, others are not"
t_ok "$mksysb" --list "$T_TMP/host.mksysb"
t_match ' boot/vmlinuz$' -
t_match ' var/log/syslog$' -
t_match ' srv/other$' -
t_no_match ' srv/other/inside$' -
t_no_match ' (proc|sys|dev|out)/' -

t_done
