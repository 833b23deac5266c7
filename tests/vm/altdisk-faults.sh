#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clones that go wrong: no room for a snapshot, sectors that cannot be read, a target that vanishes or is too small. The running system works on, what is left is known as incomplete, and goes.
# Takes 3 minutes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
. "$(dirname "$0")/altdisk-host.sh"
uml_need
t_need_tools lvm dmsetup sfdisk mke2fs mkswap lsblk findmnt blkid wipefs filefrag qemu-nbd
host_programs=(filefrag)

host_layout make <<'END'
sfdisk -q $disk <<'EOT'
label: gpt
size=8MiB, type=21686148-6449-6E6F-744E-656564454649
type=lvm
EOT
pvcreate -qq -y ${disk}2
vgcreate -qq rootvg ${disk}2
lvcreate -qq -y -n hd4 -L 400M rootvg
lvcreate -qq -y -n hd9var -L 160M rootvg
mke2fs -q -t ext4 -b 4096 /dev/rootvg/hd4
mke2fs -q -t ext4 /dev/rootvg/hd9var
END
host_layout mount <<'END'
vgchange -qq -ay rootvg
mount /dev/rootvg/hd4 $r
mkdir -p $r/var
mount /dev/rootvg/hd9var $r/var
END
host_layout fstab <<'END'
/dev/mapper/rootvg-hd4 / ext4 errors=remount-ro 0 1
/dev/mapper/rootvg-hd9var /var ext4 defaults 0 2
END
truncate -s 800M "$T_TMP/disk"
truncate -s 900M "$T_TMP/spare"
truncate -s 300M "$T_TMP/small"
disks=("ubda=$T_TMP/disk" "ubdb=$T_TMP/spare" "ubdc=$T_TMP/small")

# rc COMMAND...: shows its exit status. works: whether the running root can be written to and is what it was.
cat >"$T_TMP/functions" <<'END'
rc() {
	local status=0
	"$@" || status=$?
	echo "rc $status: $*"
}
running() {
	sfdisk -d /dev/ubda
	dd if=/dev/ubda bs=1M count=9 status=none | sha256sum
	lvs --noheadings -o vg_name,lv_name,lv_uuid,lv_size,devices rootvg
}
works() {
	echo works >/root/works
	sync
	running >/out/now
	cmp /out/running /out/now && echo "works: $1, mounts $(findmnt -rno TARGET | grep -c -e alt_inst -e nimadm)"
}
END

t_case "a target that is too small is refused, with how much is missing and for what"
inside small <<'END'
. /out/functions
rc alt_disk_copy -P 1 -d /dev/ubdc
printf 'logical_volume_policy:\n    SHRINK= no\nfs_data:\n    FS_NAME= /\n    FS_TYPE= ext4\n    FS_SIZE= 30\n' >/tmp/data
mksysb -q -o /out/host.mksysb
printf 'image_data:\n    PLATFORM= amd64\n    OSLEVEL= debian 12\n' >/tmp/image.data
cat /tmp/data >>/tmp/image.data
rc alt_disk_copy -P 1 -i /tmp/image.data -d /dev/ubdb
wipefs -n /dev/ubdb /dev/ubdc | wc -l
END
t_ok guest small "${disks[@]}"
t_match '^rc 3: alt_disk_copy -P 1 -d /dev/ubdc' -
t_match '/dev/ubdc: too small: .* wanted, .* too many' -
t_match '^rc 3: alt_disk_copy -P 1 -i' -
t_match '/: holds .* needs .* more than' -
t_match '^0$' -

t_case "without room for a snapshot, a second pass follows the copy, and it is said"
inside full <<'END'
. /out/functions
dd if=/dev/urandom of=/root/bad bs=1M count=4 status=none
lvcreate -qq -y -n filler -l 100%FREE rootvg
running >/out/running
(while [ ! -e /out/stop ]; do date +%N >>/var/log/moving; sleep 0.05; done) &
writer=$!
rc alt_disk_copy -P 12 -d /dev/ubdb
touch /out/stop
wait $writer
cat /alt_inst/etc/nimadm/altinst
works full
alt_rootvg_op -X

# Four sectors of the file cannot be read.
sync
first=$(filefrag -b4096 -v /root/bad | sed -n 's/^ *0: *[0-9]*\.\. *[0-9]*: *\([0-9]*\)\.\..*/\1/p')
at=$((first * 8 + 2048))
table=$(dmsetup table rootvg-hd4)
read -r _ size _ dev offset <<<"$table"
dmsetup load rootvg-hd4 <<EOT
0 $at linear $dev $offset
$at 8 error
$((at + 8)) $((size - at - 8)) linear $dev $((offset + at + 8))
EOT
dmsetup resume --noudevsync rootvg-hd4
echo 3 >/proc/sys/vm/drop_caches
rc alt_disk_copy -P 1 -d /dev/ubdb
rc alt_disk_copy -P 2 -d /dev/ubdb
dmsetup load rootvg-hd4 --table "$table"
dmsetup resume --noudevsync rootvg-hd4
works readerror
alt_rootvg_op -X
lvremove -qq -y rootvg/filler
END
t_ok guest full "${disks[@]}"
cp "$T_OUT" "$T_TMP/full.out"
t_match 'Warning: there is no room for a snapshot' "$T_TMP/full.out"
t_match '^rc 0: alt_disk_copy -P 12' "$T_TMP/full.out"
t_match '^customised$' "$T_TMP/full.out"
t_match '^works: full, mounts [1-9]' "$T_TMP/full.out"

t_case "a file that cannot be read is named, and the clone is incomplete"
t_match '/root/bad cannot be read: .*(Input/output error|I/O error)' "$T_TMP/full.out"
t_match '1 files? cannot be read: the clone is incomplete' "$T_TMP/full.out"
t_match '^rc 1: alt_disk_copy -P 1 -d' "$T_TMP/full.out"
t_match '^rc 1: alt_disk_copy -P 2 -d' "$T_TMP/full.out"
t_match 'the clone on /dev/ubdb is not complete' "$T_TMP/full.out"
t_match '^works: readerror, mounts' "$T_TMP/full.out"

t_case "a snapshot that overflows during the copy is said to be the cause, and the clone is incomplete"
inside overflow <<'END'
. /out/functions
lvcreate -qq -y -n filler -l "$(($(vgs --noheadings -o vg_free_count rootvg) - 35))" rootvg
running >/out/running
alt_disk_copy -P 1 --limit 6 -d /dev/ubdb >/run/log 2>&1 &
copy=$!
while ! grep -q Copying /run/log; do sleep 0.1; done
lvs --noheadings -o lv_name,lv_size rootvg
dd if=/dev/urandom of=/root/flood bs=1M count=140 conv=fsync status=none
status=0
wait $copy || status=$?
cat /run/log
echo "rc $status: copy"
echo "snapshots: $(dmsetup ls | grep -c nimadm)" || :
rc alt_disk_copy -P 2 -d /dev/ubdb
rm /root/flood
works overflow
rc alt_rootvg_op -X
lvremove -qq -y rootvg/filler
END
t_ok guest overflow "${disks[@]}"
cp "$T_OUT" "$T_TMP/overflow.out"
t_match '^ *nimadm_hd4 ' "$T_TMP/overflow.out"
t_match '^alt_disk_copy: the snapshot rootvg/nimadm_hd4 overflowed: the copy is worthless' "$T_TMP/overflow.out"
t_match '^rc 1: copy' "$T_TMP/overflow.out"
t_match '^snapshots: 0$' "$T_TMP/overflow.out"
t_match 'the clone on /dev/ubdb is not complete' "$T_TMP/overflow.out"
t_match '^works: overflow, mounts' "$T_TMP/overflow.out"
t_match '^rc 0: alt_rootvg_op -X' "$T_TMP/overflow.out"

t_case "a clone whose file system turns read-only, as on a disk that fails, is named"
inside readonly <<'END'
. /out/functions
running >/out/running
alt_disk_copy -P 1 --limit 6 -d /dev/ubdb >/run/log 2>&1 &
copy=$!
while ! grep -q Copying /run/log; do sleep 0.1; done
read -r _ size _ < <(dmsetup table altinst_rootvg-hd4)
dmsetup load altinst_rootvg-hd4 --table "0 $size error"
dmsetup resume --noudevsync altinst_rootvg-hd4
status=0
wait $copy || status=$?
cat /run/log
echo "rc $status: copy"
works readonly
rc alt_rootvg_op -X
END
t_ok guest readonly "${disks[@]}"
t_match '^rc 1: copy' -
t_match '^alt_disk_copy: the clone on /dev/ubdb: ' -
t_match '^works: readonly, mounts' -
t_match '^rc 0: alt_rootvg_op -X' -

# A disk of the network, made by host.sh before the root is entered. nbd FILE
# One process serves it, another has it for the kernel: if that one is killed while its socket is full, the kernel waits for
# ever for an answer from a process that waits for the kernel to let it go.
cat >"$T_TMP/nbd" <<'END'
modprobe nbd max_part=16
truncate -s 900M "$1"
qemu-nbd -f raw --cache=unsafe --fork --pid-file="$T_TMP/nbd.pid" -k /run/nbd.socket "$1"
qemu-nbd -f raw --cache=none --fork -c /dev/nbd0 "nbd+unix:///?socket=/run/nbd.socket"
END

t_case "a target whose sectors cannot be written"
inside writeerror <<'END'
. /out/functions
running >/out/running
rc alt_disk_copy -P 12 -d /dev/nbd0
rc alt_disk_copy -P 2 -d /dev/nbd0
works writeerror
rc alt_rootvg_op -X
END
# Less room than the disk says it has.
cat >"$T_TMP/writeerror.start" <<EOS
mkdir /mnt/little
mount -t tmpfs -o size=70M tmpfs /mnt/little
set -- /mnt/little/remote
. $T_TMP/nbd
set -- writeerror
. $T_TMP/host.sh
EOS
t_ok guest writeerror "${disks[@]}"
cp "$T_OUT" "$T_TMP/writeerror.out"
t_match '^rc 1: alt_disk_copy -P 12 -d /dev/nbd0' "$T_TMP/writeerror.out"
t_match '^alt_disk_copy: .*(Input/output error|I/O error|No space left|Read-only file system)' "$T_TMP/writeerror.out"
t_no_match '^rc 0: alt_disk_copy' "$T_TMP/writeerror.out"
t_match '^works: writeerror, mounts' "$T_TMP/writeerror.out"

t_case "a target that vanishes half-way"
inside vanish <<'END'
. /out/functions
running >/out/running
alt_disk_copy -P 12 -d /dev/nbd0 >/run/log 2>&1 &
copy=$!
while ! grep -q Copying /run/log; do sleep 0.1; done
kill -9 "$(cat /out/nbd.pid)"
status=0
wait $copy || status=$?
cat /run/log
echo "rc $status: copy"
works vanish
rc alt_rootvg_op -X
echo "left: $(lvs --noheadings rootvg | wc -l)"
END
cat >"$T_TMP/vanish.start" <<EOS
set -- "$T_TMP/remote"
. $T_TMP/nbd
set -- vanish
. $T_TMP/host.sh
EOS
t_ok guest vanish "${disks[@]}"
t_match '^rc 1: copy' -
t_match '^alt_disk_copy: .*(nbd0|alt_inst|Input/output error)' -
t_match '^works: vanish, mounts' -
t_match '^left: 2$' -

t_done
