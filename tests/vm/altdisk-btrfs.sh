#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clone of a running root on btrfs subvolumes: made from snapshots while it is written to, the same subvolumes, killed anywhere.
# Takes 2 minutes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
. "$(dirname "$0")/altdisk-host.sh"
uml_need
t_need_tools btrfs mkfs.btrfs sfdisk mke2fs mkswap lsblk findmnt blkid wipefs jq
host_programs=(btrfs mkfs.btrfs)

host_layout make <<'END'
sfdisk -q $disk <<'EOT'
label: gpt
size=8MiB, type=21686148-6449-6E6F-744E-656564454649
size=128MiB, type=linux
size=64MiB, type=swap
type=linux
EOT
mke2fs -q -t ext4 -L boot ${disk}2
mkswap -L swap ${disk}3 >/dev/null
mkfs.btrfs -q -L system -U 11111111-2222-3333-4444-555555555555 ${disk}4
mount ${disk}4 $r
for name in @rootfs @home @log; do btrfs -q subvolume create $r/$name; done
btrfs subvolume set-default $r/@rootfs
umount $r
END
# The root is the default subvolume; @log is named by its number: both are another in a clone.
host_layout mount <<'END'
mount ${disk}4 $r
mkdir -p $r/boot $r/home $r/var/log
mount ${disk}2 $r/boot
mount -o subvol=@home ${disk}4 $r/home
mount -o subvolid=258 ${disk}4 $r/var/log
if [ -n "$new" ]; then
	mkdir -p $r/var/lib
	btrfs -q subvolume create $r/var/lib/machines
	echo nested >$r/var/lib/machines/file
	btrfs -q subvolume snapshot -r $r/home $r/home/.backup
	echo home >$r/home/file
fi
swapon ${disk}3
END
host_layout fstab <<'END'
UUID=11111111-2222-3333-4444-555555555555 / btrfs defaults,compress=zstd:1 0 0
LABEL=boot /boot ext4 defaults 0 2
LABEL=system /home btrfs noatime,subvol=@home 0 0
UUID=11111111-2222-3333-4444-555555555555 /var/log btrfs subvolid=258 0 0
LABEL=swap none swap sw 0 0
END
truncate -s 1400M "$T_TMP/disk"
truncate -s 1600M "$T_TMP/spare"
disks=("ubda=$T_TMP/disk" "ubdb=$T_TMP/spare")

t_case "a clone is made while the root is written to"
inside clone <<'END'
mkdir -p /etc/nimadm/quiesce.d
printf '#!/bin/sh\necho "$1 $(tail -n 1 /out/acked)" >>/out/hook\n' >/etc/nimadm/quiesce.d/10-note
chmod +x /etc/nimadm/quiesce.d/10-note
: >/out/acked
# One after the other in three subvolumes: a moment has no line in a later one that it has not in an earlier one.
(
	i=0
	while [ ! -e /out/stop ]; do
		i=$((i + 1))
		for file in /var/log/writer /home/writer /root/writer; do
			echo "$i" >>$file
			sync -d $file
		done
		echo "$i" >>/out/acked
	done
) &
writer=$!
while [ "$(wc -l </out/acked)" -lt 5 ]; do sleep 0.1; done
alt_disk_copy -P 12 -d /dev/ubdb
touch /out/stop
wait $writer
cat /alt_inst/etc/fstab
cp /alt_inst/etc/fstab /out/fstab1
echo "root $(findmnt -no UUID /alt_inst)"
echo "boot $(findmnt -no UUID /alt_inst/boot)"
for mount in "" /home /var/log; do findmnt -no TARGET,FSROOT,OPTIONS /alt_inst$mount; done
cat /alt_inst/etc/nimadm/altinst /alt_inst/etc/nimadm/altinst.subvolumes
btrfs subvolume list /alt_inst
btrfs subvolume get-default /alt_inst
btrfs subvolume list / | sed 's/^/old: /'
cat /alt_inst/var/lib/machines/file /alt_inst/home/file
echo "backup: $(ls /alt_inst/home/.backup | wc -l)"
last() { tail -n 1 "$1"; }
echo "moments $(last /alt_inst/root/writer) $(last /alt_inst/home/writer) $(last /alt_inst/var/log/writer)"
sha256sum </root/big
sha256sum </alt_inst/root/big
lsattr /alt_inst/etc/os-release
[ "$(stat -c %b /alt_inst/var/sparse)" -lt 100 ] && echo sparse
echo "left: $(ls /run/nimadm)"
lspv
END
t_ok guest clone "${disks[@]}"
cp "$T_OUT" "$T_TMP/clone.out"
t_match '^customised$' "$T_TMP/clone.out"
t_match '^sparse$' "$T_TMP/clone.out"
t_match '^----i' "$T_TMP/clone.out"
t_match '^nested$' "$T_TMP/clone.out"
t_match '^home$' "$T_TMP/clone.out"
t_match '^/dev/ubdb +[^ ]+ +altinst_rootvg +active' "$T_TMP/clone.out"
t_no_match '^left: .*(snapshot|btrfs)|^old: .*nimadm' "$T_TMP/clone.out"
t_equal 1 "$(grep ' -$' "$T_TMP/clone.out" | sort -u | wc -l)"

t_case "it has the same subvolumes at the same places"
t_match '^/alt_inst +/@rootfs .*compress=zstd:1' "$T_TMP/clone.out"
t_match '^/alt_inst/home +/@home ' "$T_TMP/clone.out"
t_match '^/alt_inst/var/log +/@log ' "$T_TMP/clone.out"
t_match '^ID .* path (@rootfs/)?var/lib/machines$' "$T_TMP/clone.out"
t_match '^ID .* path @rootfs$' "$T_TMP/clone.out"

t_case "a read-only snapshot is not copied, and said so"
t_match '1 read-only snapshots of btrfs are not copied' "$T_TMP/clone.out"
t_no_match '^ID .* path @home/.backup$' "$T_TMP/clone.out"
t_match '^backup: 0$' "$T_TMP/clone.out"

t_case "the clone's fstab names the clone's file systems and subvolumes"
uuid=$(sed -n 's/^root //p' "$T_TMP/clone.out")
t_match "^UUID=${uuid:-none} / btrfs defaults,compress=zstd:1,subvol=/@rootfs 0 0" "$T_TMP/clone.out"
t_match "^UUID=${uuid:-none} /home btrfs noatime,subvol=@home 0 0" "$T_TMP/clone.out"
t_match "^UUID=${uuid:-none} /var/log btrfs subvol=/@log 0 0" "$T_TMP/clone.out"
t_match "^UUID=$(sed -n 's/^boot //p' "$T_TMP/clone.out") /boot " "$T_TMP/clone.out"
t_no_match '^(UUID=11111111-|LABEL=)' "$T_TMP/clone.out"

t_case "the snapshots hold every write that was acknowledged before"
touch "$T_TMP/hook"
acked=$(sed -n 's/^before //p' "$T_TMP/hook")
read -r _ root home log < <(grep '^moments ' "$T_TMP/clone.out" || echo none 0 0 0)
t_ok test "$root" -ge "${acked:-1}"
t_ok test "$home" -ge "${acked:-1}"
t_ok test "$log" -ge "${acked:-1}"

t_case "they are of one moment, or it is said that they are not"
if grep -q 'one after the other, within' "$T_TMP/clone.out"; then
	t_match '^[^ ]+ Warning: the subvolumes of btrfs are written to all the time' "$T_TMP/clone.out"
else
	# The writer is at most between two files.
	t_ok test "$root" -le "$home" -a "$home" -le "$log" -a "$log" -le $((root + 1))
fi

t_case "sleep, wake without a state file: the subvolumes are found"
inside wake <<'END'
alt_rootvg_op -S
echo "mounted: $(findmnt -rno TARGET | grep -c alt_inst)" || :
rm -r /var/lib/nimadm
alt_rootvg_op -W
findmnt -rno TARGET,FSROOT | grep alt_inst
printf '#!/bin/sh\npwd >customised\n' >/tmp/script
chmod +x /tmp/script
alt_disk_copy -P 2 -d /dev/ubdb -s /tmp/script
cat /alt_inst/customised
cp /alt_inst/etc/fstab /out/fstab2
alt_rootvg_op -S
END
t_ok guest wake "${disks[@]}"
t_match '^mounted: 0$' -
t_match '^/alt_inst /@rootfs$' -
t_match '^/alt_inst/home /@home$' -
t_match '^/alt_inst/var/log /@log$' -
t_match '^/alt_inst$' -
t_ok cmp "$T_TMP/fstab1" "$T_TMP/fstab2"

t_case "an image of it is restored with its subvolumes"
inside image <<'END'
mksysb -q -o /out/host.mksysb
alt_rootvg_op -X
alt_disk_mksysb -m /out/host.mksysb -P 12 -d /dev/ubdb
findmnt -rno TARGET,FSROOT | grep alt_inst
cat /alt_inst/etc/fstab
sha256sum </root/big
sha256sum </alt_inst/root/big
alt_rootvg_op -X
END
t_ok guest image "${disks[@]}"
t_match '^/alt_inst /@rootfs$' -
t_match '^/alt_inst/home /@home$' -
t_match '^UUID=[^ ]+ /var/log btrfs subvol=/@log ' -
t_equal 1 "$(grep ' -$' "$T_OUT" | sort -u | wc -l)"

t_case "killed at any moment, the system works, -X cleans up and the next clone is good"
inside kill <<'END'
for t in 0.7 1.5 2.5 4 6; do
	setsid alt_disk_copy -P 12 -d /dev/ubdb >/tmp/log 2>&1 &
	pid=$!
	sleep $t
	kill -9 $pid || :
	wait $pid || :
	echo "killed after $t: $(tail -n 1 /tmp/log)"
	echo works >/var/log/works
	sync
	alt_rootvg_op -X
	echo "left: $(findmnt -rno TARGET | grep -c -e alt_inst -e nimadm) $(btrfs subvolume list / | grep -c nimadm) $(wipefs -n /dev/ubdb | wc -l)"
done
alt_disk_copy -P 12 -d /dev/ubdb
cat /alt_inst/etc/nimadm/altinst
alt_rootvg_op -X
END
t_ok guest kill "${disks[@]}"
t_equal 5 "$(grep -c '^left: 0 0 0$' "$T_OUT")"
t_match '^customised$' -

t_case "where nothing is written meanwhile, the snapshots are of one moment"
t_match 'Taking a snapshot' -
t_no_match 'one after the other' -

t_done
