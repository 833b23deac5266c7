#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A root whose volumes are mirrored on two disks: cloned to two disks with its mirrors, to one without them, and refused where it does not fit.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vm/uml.sh"
. "$(dirname "$0")/../vm/altdisk-host.sh"
uml_need
t_need_tools lvm dmsetup sfdisk mke2fs mkswap mkfs.vfat lsblk findmnt blkid wipefs jq
host_programs=(mkfs.vfat)

host_layout make <<'END'
for d in a b; do
	sfdisk -q /dev/ubd$d <<'EOT'
label: gpt
size=64MiB
type=E6D6D379-F507-44C2-A23C-238F2A3DF928
EOT
	pvcreate -qq -y /dev/ubd${d}2
done
modprobe -a dm-raid raid1
vgcreate -qq rootvg /dev/ubda2 /dev/ubdb2
lvcreate -qq -y --type raid1 -m 1 -n hd4 -L 320M rootvg
lvcreate -qq -y --type raid1 -m 1 -n hd9var -L 120M rootvg
lvcreate -qq -y -n hd6 -L 40M rootvg
for device in ${disk}1 /dev/rootvg/hd4 /dev/rootvg/hd9var; do mke2fs -q -t ext4 $device; done
mkswap -q /dev/rootvg/hd6
END
host_layout mount <<'END'
modprobe -a dm-raid raid1
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
/dev/mapper/rootvg-hd6 none swap sw 0 0
END
for disk in a b c d; do truncate -s 900M "$T_TMP/disk-$disk"; done
running=("ubda=$T_TMP/disk-a" "ubdb=$T_TMP/disk-b")
cat >"$T_TMP/functions" <<'END'
rc() {
	local status=0
	"$@" || status=$?
	echo "rc $status: $*"
}
volumes() {
	lvs --noheadings -a -o lv_name,segtype,devices altinst_rootvg
}
END

t_case "one disk cannot hold two copies: refused before anything is written"
inside refused <<'END'
. /out/functions
rc alt_disk_copy -d /dev/ubdc
rc alt_disk_copy -p -d /dev/ubdc
rc alt_disk_copy -p -d /dev/ubdc --unmirror
rc blkid -p /dev/ubdc
END
t_ok guest refused "${running[@]}" "ubdc=$T_TMP/disk-c"
t_match 'hd4: is mirrored on 2 disks, and 1 target was named' -
t_match 'next: name as many disks; or --unmirror' -
t_match '^rc 3: alt_disk_copy -d /dev/ubdc$' -
t_match '^rc 3: alt_disk_copy -p -d /dev/ubdc$' -
t_match '^rc 0: alt_disk_copy -p -d /dev/ubdc --unmirror$' -
t_match '^rc 2: blkid -p /dev/ubdc$' -

t_case "two disks take a clone with its mirrors, from a snapshot of the mirrored volumes"
inside mirrored <<'END'
. /out/functions
(while :; do echo line >>/var/log/busy; sync /var/log/busy; done) &
busy=$!
rc alt_disk_copy -d /dev/ubdc,/dev/ubdd -P 1
kill $busy
volumes
lspv
for n in $(seq 300); do
	case $(lvs --noheadings -o copy_percent altinst_rootvg/hd4) in *100.00*) break ;; esac
	sleep 1
done
echo "waited $n"
(cd / && sha256sum root/big etc/hostname usr/bin/altdisk) >/out/sums
alt_rootvg_op -S
lspv
END
t_ok guest mirrored "${running[@]}" "ubdc=$T_TMP/disk-c" "ubdd=$T_TMP/disk-d"
t_match '^rc 0: alt_disk_copy -d /dev/ubdc,/dev/ubdd -P 1$' -
t_match ' hd4 +raid1 +hd4_rimage_0\(0\),hd4_rimage_1\(0\) *$' -
t_match ' hd9var +raid1 ' -
t_match ' \[hd4_rimage_0\] +linear +/dev/ubdc[0-9]+\(' -
t_match ' \[hd4_rimage_1\] +linear +/dev/ubdd[0-9]+\(' -
t_match ' hd6 +linear +/dev/ubd' -
t_no_match 'no room|without a snapshot|moved under' -
t_match '^/dev/ubdd.*altinst_rootvg' -

t_case "the second of its disks alone has all of it"
inside degraded <<'END'
lvchange -qq -ay --activationmode degraded altinst_rootvg/hd4
mkdir -p /tmp/clone
mount -o ro /dev/altinst_rootvg/hd4 /tmp/clone
(cd /tmp/clone && sha256sum -c /out/sums)
END
t_ok guest degraded "${running[@]}" "ubdd=$T_TMP/disk-d"
t_match '^root/big: OK$' -

t_case "with --unmirror one disk is enough; alt_rootvg_op -X takes the mirrored one away"
inside plain <<'END'
. /out/functions
rc alt_rootvg_op -X
rc alt_disk_copy -d /dev/ubdd --unmirror -P 1
volumes
alt_rootvg_op -X
END
t_ok guest plain "${running[@]}" "ubdc=$T_TMP/disk-c" "ubdd=$T_TMP/disk-d"
t_match '^rc 0: alt_rootvg_op -X$' -
t_match '^rc 0: alt_disk_copy -d /dev/ubdd --unmirror -P 1$' -
t_match '^ +hd4 +linear +/dev/ubdd' -
t_no_match 'raid1' -

t_case "the running mirrors are whole"
inside whole <<'END'
lvs --noheadings -o lv_name,segtype,lv_health_status,devices rootvg
pvs --noheadings -o pv_name,vg_name
END
t_ok guest whole "${running[@]}"
t_match ' hd4 +raid1 +hd4_rimage_0' -
t_match ' hd9var +raid1 +hd9var_rimage_0' -
t_done
