#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alt_disk_copy's options, each with what it is for; a disk that has another name after a boot; a disk that is given up by its serial number.
# Takes 4 minutes.
# shellcheck disable=SC2016 # awk and jq expand these
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
. "$(dirname "$0")/altdisk-host.sh"
uml_need
t_need_tools lvm dmsetup sfdisk mke2fs mkswap mkfs.vfat lsblk findmnt blkid wipefs jq
host_programs=(mkfs.vfat)

# An MBR, as many older machines have.
host_layout make <<'END'
sfdisk -q $disk <<'EOT'
label: dos
size=64MiB, type=83
type=8e
EOT
pvcreate -qq -y ${disk}2
vgcreate -qq rootvg ${disk}2
lvcreate -qq -y -n hd4 -L 400M rootvg
lvcreate -qq -y -n hd9var -L 160M rootvg
for device in ${disk}1 /dev/rootvg/hd4 /dev/rootvg/hd9var; do mke2fs -q -t ext4 $device; done
END
host_layout mount <<'END'
vgchange -qq -ay rootvg
mount /dev/rootvg/hd4 $r
mkdir -p $r/boot $r/var
mount ${disk}1 $r/boot
mount /dev/rootvg/hd9var $r/var
END
host_layout fstab <<'END'
/dev/mapper/rootvg-hd4 / ext4 errors=remount-ro 0 1
/dev/ubda1 /boot ext4 defaults 0 2
/dev/mapper/rootvg-hd9var /var ext4 defaults 0 2
END
truncate -s 900M "$T_TMP/disk"
truncate -s 900M "$T_TMP/spare"
truncate -s 64M "$T_TMP/foreign"
disks=("ubda=$T_TMP/disk" "ubdb=$T_TMP/spare" "ubdc=$T_TMP/foreign")
cat >"$T_TMP/functions" <<'END'
rc() {
	local status=0
	"$@" || status=$?
	echo "rc $status: $*"
}
END

t_case "-e, -i with SHRINK and a size, -s, -x, -R, -V, -D, --limit"
inside options <<'END'
. /out/functions
# What udev would know of it.
mkdir -p /run/udev/data
printf 'I:1\nE:ID_PART_TABLE_TYPE=dos\n' >"/run/udev/data/b$(cat /sys/block/ubda/dev)"
mkdir -p /tmp/some/dir /var/tmp/kept /usr/lib/systemd
echo x >/tmp/some/file
echo x >/var/tmp/kept/file
echo core >/root/core
touch /usr/lib/systemd/systemd
printf '# not these\n^./tmp/\n^./root/core$\n\n/f39[0-9]$\n' >/run/exclude
cat >/run/image.data <<'EOT'
image_data:
    PLATFORM= amd64
    OSLEVEL= debian 12
logical_volume_policy:
    SHRINK= yes
fs_data:
    FS_NAME= /
    FS_TYPE= ext4
fs_data:
    FS_NAME= /var
    FS_TYPE= ext4
    FS_SIZE= 240
EOT
printf '#!/bin/sh\necho "script says: $(pwd) $NIM_ALT_INST"\necho "$NIM_PHASE" >scripted\n' >/run/script
printf '#!/bin/sh\necho first\n' >/run/first
chmod +x /run/script /run/first
echo 'nameserver 192.0.2.9' >/run/resolv
alt_disk_copy -d /dev/ubdb -P 1 -e /run/exclude -i /run/image.data --limit 8 --json >/out/events
alt_disk_copy -P 2 -s /run/script -x /run/first -R /run/resolv -V -D >/run/log 2>&1
cat /run/log
echo "tmp: $(ls -A /alt_inst/tmp | wc -l) $(ls /alt_inst/var/tmp/kept) $(ls /alt_inst/root) $(ls /alt_inst/var/lib/f* | wc -l)"
stat -c 'tmp mode %a' /alt_inst/tmp
cat /alt_inst/scripted /alt_inst/etc/resolv.conf
echo "table: $(blkid -p -s PTTYPE -o value /dev/ubdb)"
lvs --noheadings --units m --nosuffix -o lv_name,lv_size altinst_rootvg
df -m --output=used / /var
cat /alt_inst/var/lib/nimadm/first-boot
ls -l /alt_inst/etc/systemd/system/multi-user.target.wants
alt_rootvg_op -S
END
t_ok guest options "${disks[@]}"
cp "$T_OUT" "$T_TMP/options.out"
t_match '^tmp: 0 file big 390$' "$T_TMP/options.out"
t_match '^tmp mode 755$' "$T_TMP/options.out"
t_match ' script says: /alt_inst /alt_inst$' "$T_TMP/options.out"
t_match '^2$' "$T_TMP/options.out"
t_match '^nameserver 192.0.2.9$' "$T_TMP/options.out"
t_match '^echo first$' "$T_TMP/options.out"
t_match 'nimadm-first-boot.service -> /etc/systemd/system/nimadm-first-boot.service$' "$T_TMP/options.out"
# -D: the commands that it runs.
t_match '^/run/script$' "$T_TMP/options.out"
# Shrunk to what is in them, but for 64 MiB and a fifth: of 400 and 240.
t_ok awk '$1 == "hd4" { root = $2 } $1 == "hd9var" { var = $2 } END { exit !(root > 64 && root < 300 && var >= 64 && var < 160) }' "$T_TMP/options.out"

t_case "the clone of a disk with an MBR has a GPT, and it is said"
t_match '^table: gpt$' "$T_TMP/options.out"
t_ok jq -es 'any(.[]; .event == "step" and (.text | test("/dev/ubda has an MBR")))' "$T_TMP/events"

t_case "--limit is kept within a tenth"
# From the first report of the copy to the last one, by the events' own stamps.
t_ok jq -es '
	def at: .ts | (.[:19] + "Z" | fromdate) + ("0" + .[19:23] | tonumber);
	(map(.event == "step" and .text == "Copying") | index(true)) as $from
	| (map(.event == "step" and .text == "Copying what changed meanwhile") | index(true)) as $to
	| .[$from:$to] | map(select(.event == "progress" and .unit == "bytes" and .done > 0))
	| (last.done - first.done) / ((last | at) - (first | at)) / 1e6
	| debug | . > 7.2 and . < 8.8' "$T_TMP/events"

t_case "phase by phase; a phase before its turn is refused"
inside phases <<'END'
. /out/functions
alt_rootvg_op -X
rc alt_disk_copy -P 3 -d /dev/ubdb
rc alt_disk_copy -P 1 -d /dev/ubdb
rc alt_disk_copy -P 3 -d /dev/ubdb -B
rc alt_disk_copy -P 2
rc alt_disk_copy -P 2
rc alt_disk_copy -P 3 -B
rc alt_rootvg_op -W
cat /alt_inst/etc/nimadm/altinst
rc alt_disk_copy -P 23 -B -g
rc alt_rootvg_op -X
rc alt_disk_copy -F -P 12 -d /dev/ubdb
END
t_ok guest phases "${disks[@]}"
cp "$T_OUT" "$T_TMP/phases.out"
t_match '^rc 5: alt_disk_copy -P 3 -d' "$T_TMP/phases.out"
t_match "the clone's files still name other disks" "$T_TMP/phases.out"
t_match '^rc 1: alt_disk_copy -P 3 -d /dev/ubdb -B$' "$T_TMP/phases.out"
t_equal 2 "$(grep -c '^rc 0: alt_disk_copy -P 2$' "$T_TMP/phases.out")"
cat "$T_TMP/phases.out"

t_case "-S takes a file system that is smaller than what is in the running one"
inside room <<'END'
. /out/functions
alt_rootvg_op -X
cat >/run/image.data <<'EOT'
image_data:
    PLATFORM= amd64
    OSLEVEL= debian 12
fs_data:
    FS_NAME= /
    FS_TYPE= ext4
    FS_SIZE= 100
EOT
printf '^./root/big$\n' >/run/exclude
dd if=/dev/urandom of=/root/big bs=1M count=100 status=none
rc alt_disk_copy -P 1 -i /run/image.data -e /run/exclude -d /dev/ubdb
rc alt_disk_copy -P 1 -S -i /run/image.data -e /run/exclude -d /dev/ubdb
df -m --output=size /alt_inst | tail -n 1 | sed 's/^/size /'
alt_rootvg_op -S
END
t_ok guest room "${disks[@]}"
t_match '^rc 3: alt_disk_copy -P 1 -i' -
t_match '/: holds .*more than' -
t_match '^rc 0: alt_disk_copy -P 1 -S' -
t_match '^size +[789][0-9]$' -

t_case "after a boot the disks have other names: the clone is found, the disk that has its name now is safe"
inside renamed <<'END'
. /out/functions
lspv
rc alt_rootvg_op -W -d /dev/ubdb
rc alt_rootvg_op -X -d /dev/ubdb
rc alt_disk_copy -F -P 1 -d /dev/ubdb
rc alt_rootvg_op -W
findmnt -no SOURCE /alt_inst
rc alt_disk_copy -P 2
cat /alt_inst/etc/fstab
rc alt_rootvg_op -S
blkid -p -s LABEL -o value /dev/ubdb
rc alt_rootvg_op -X
blkid -p -s LABEL -o value /dev/ubdb
wipefs -n /dev/ubdc | wc -l
END
mke2fs -q -t ext4 -L data "$T_TMP/foreign"
t_ok guest renamed "ubda=$T_TMP/disk" "ubdb=$T_TMP/foreign" "ubdc=$T_TMP/spare"
cp "$T_OUT" "$T_TMP/renamed.out"
t_match '^/dev/ubdc +[^ ]+ +altinst_rootvg +asleep' "$T_TMP/renamed.out"
t_match '^rc 5: alt_rootvg_op -W -d /dev/ubdb' "$T_TMP/renamed.out"
t_match '^rc 5: alt_rootvg_op -X -d /dev/ubdb' "$T_TMP/renamed.out"
t_match '^rc 3: alt_disk_copy -F -P 1 -d /dev/ubdb' "$T_TMP/renamed.out"
t_match '^rc 0: alt_rootvg_op -W$' "$T_TMP/renamed.out"
t_match '^/dev/mapper/altinst_rootvg-hd4$' "$T_TMP/renamed.out"
t_match '^rc 0: alt_disk_copy -P 2$' "$T_TMP/renamed.out"
t_equal 2 "$(grep -c '^data$' "$T_TMP/renamed.out")"
t_match '^rc 0: alt_rootvg_op -X$' "$T_TMP/renamed.out"
t_match '^0$' "$T_TMP/renamed.out"

t_case "a disk with foreign data is taken by its serial number only"
inside wipe <<'END'
. /out/functions
# What udev would know of it.
mkdir -p /run/udev/data
for disk in ubdb ubdc; do
	printf 'I:1\nE:ID_SERIAL_SHORT=SN-%s\n' $disk >"/run/udev/data/b$(cat /sys/block/$disk/dev)"
done
sfdisk -q /dev/ubdb <<'EOT'
label: dos
size=100MiB, type=83
type=83
EOT
mke2fs -q -t ext4 -L precious /dev/ubdb2
lspv
before=$(sha256sum </dev/ubdb)
rc alt_disk_copy -P 1 -d /dev/ubdb
rc alt_disk_copy -P 1 -F -d /dev/ubdb
rc alt_disk_copy -P 1 --wipe-disk=SN-other -d /dev/ubdb
rc alt_disk_copy -P 1 --wipe-disk=SN-ubdc -d /dev/ubdb
[ "$before" = "$(sha256sum </dev/ubdb)" ] && echo same
mkdir /tmp/precious
mount /dev/ubdb2 /tmp/precious
rc alt_disk_copy -P 1 --wipe-disk=SN-ubdb -d /dev/ubdb
umount /tmp/precious
rc alt_disk_copy -P 12 --wipe-disk=SN-ubdb -d SN-ubdb
lspv
blkid -p -s PTTYPE -o value /dev/ubdb
alt_rootvg_op -X
END
t_ok guest wipe "${disks[@]}"
cp "$T_OUT" "$T_TMP/wipe.out"
t_match '^/dev/ubdb +SN-ubdb ' "$T_TMP/wipe.out"
t_match 'precious.*' "$T_TMP/wipe.out"
t_match 'next: --wipe-disk=SN-ubdb takes it' "$T_TMP/wipe.out"
t_equal 5 "$(grep -c '^rc 3: alt_disk_copy -P 1 ' "$T_TMP/wipe.out")"
t_match '^same$' "$T_TMP/wipe.out"
t_match '/dev/ubdb is in use: ' "$T_TMP/wipe.out"
t_match '^rc 0: alt_disk_copy -P 12 --wipe-disk=SN-ubdb' "$T_TMP/wipe.out"
t_match '^/dev/ubdb +SN-ubdb +altinst_rootvg +active' "$T_TMP/wipe.out"
t_match '^gpt$' "$T_TMP/wipe.out"

t_case "an ESP has the modes that the running one is mounted with"
host_layout make <<'END'
printf 'label: gpt\nsize=48MiB, type=uefi\ntype=linux\n' | sfdisk -q $disk
mkfs.vfat -i 6A1F5B00 ${disk}1 >/dev/null
mke2fs -q -t ext4 ${disk}2
END
host_layout mount <<'END'
for module in fat vfat nls_cp437 nls_iso8859-1 nls_ascii; do
	if modinfo $module >/dev/null 2>&1; then modprobe $module; fi
done
mount ${disk}2 $r
mkdir -p $r/boot/efi
mount -o umask=0077 ${disk}1 $r/boot/efi
END
host_layout fstab <<'END'
/dev/ubda2 / ext4 errors=remount-ro 0 1
UUID=6A1F-5B00 /boot/efi vfat umask=0077 0 1
END
inside esp <<'END'
. /out/functions
mkdir -p /boot/efi/EFI/debian
echo loader >/boot/efi/EFI/debian/grubx64.efi
rc alt_disk_copy -P 12 -d /dev/ubdb
stat -c '%a %n' /alt_inst/boot/efi/EFI/debian/grubx64.efi
alt_rootvg_op -S
rc alt_rootvg_op -W
stat -c '%a %n' /alt_inst/boot/efi
END
rm -rf --one-file-system "$T_TMP/tree"
truncate -s 900M "$T_TMP/efi.disk"
truncate -s 1G "$T_TMP/efi.spare"
t_ok guest esp "ubda=$T_TMP/efi.disk" "ubdb=$T_TMP/efi.spare"
t_no_match 'grubx64.efi changed while' -
t_match '^rc 0: alt_disk_copy' -
t_match '^700 /alt_inst/boot/efi/EFI/debian/grubx64.efi$' -
t_match '^700 /alt_inst/boot/efi$' -

t_done
