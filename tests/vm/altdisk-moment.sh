#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The snapshots of a root on several volumes of LVM are of one moment; nothing stays suspended when the program is killed or stopped while they stand still.
# Takes 4 minutes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
. "$(dirname "$0")/altdisk-host.sh"
uml_need
t_need_tools lvm dmsetup sfdisk mke2fs mkswap lsblk findmnt blkid wipefs thin_check
host_programs=(thin_check "$T_BUILD/tests/vm/dm-catch")

host_layout make <<'END'
sfdisk -q $disk <<'EOT'
label: gpt
size=8MiB, type=21686148-6449-6E6F-744E-656564454649
type=lvm
EOT
pvcreate -qq -y ${disk}2
vgcreate -qq rootvg ${disk}2
if [ -e "$T_TMP/thin" ]; then
	lvcreate -qq -y -T -L 700M --poolmetadatasize 4M rootvg/pool
	lvcreate -qq -y -n hd4 -V 400M -T rootvg/pool
	lvcreate -qq -y -n hd9var -V 160M -T rootvg/pool
else
	lvcreate -qq -y -n hd4 -L 400M rootvg
	lvcreate -qq -y -n hd9var -L 160M rootvg
fi
lvcreate -qq -y -n hd1 -L 100M rootvg
for lv in hd4 hd9var hd1; do mke2fs -q -t ext4 /dev/rootvg/$lv; done
END
host_layout mount <<'END'
vgchange -qq -ay rootvg
mount /dev/rootvg/hd4 $r
mkdir -p $r/var $r/home
mount /dev/rootvg/hd9var $r/var
mount /dev/rootvg/hd1 $r/home
END
host_layout fstab <<'END'
/dev/mapper/rootvg-hd4 / ext4 errors=remount-ro 0 1
/dev/mapper/rootvg-hd9var /var ext4 defaults 0 2
/dev/mapper/rootvg-hd1 /home ext4 defaults 0 2
END

new_disks() {
	rm -f "$T_TMP/disk" "$T_TMP/spare"
	truncate -s 1400M "$T_TMP/disk"
	truncate -s 1200M "$T_TMP/spare"
	disks=("ubda=$T_TMP/disk" "ubdb=$T_TMP/spare")
}

# One record after the other into three volumes: a moment has no record in a later one that it has not in an earlier one.
cat >"$T_TMP/functions" <<'END'
files="/home/writer /var/log/writer /root/writer"
start_writer() {
	rm -f /run/stop $files
	touch $files
	(
		i=0
		while [ ! -e /run/stop ]; do
			i=$((i + 1))
			for file in $files; do
				echo "$i" >>$file
				sync -d $file
			done
		done
	) &
	writer=$!
	while [ "$(wc -l </root/writer)" -lt 5 ]; do sleep 0.1; done
}
stop_writer() {
	touch /run/stop
	wait $writer
}
moments() {
	local file
	echo moments $(for file in $files; do tail -n 1 "/alt_inst$file"; done)
}
suspended() {
	dmsetup info -c --noheadings -o suspended,name | grep -c '^Suspended' || :
}
END

# of_one_moment FILE: the records of each clone in it.
of_one_moment() {
	local home var root seen=0
	while read -r _ home var root; do
		seen=$((seen + 1))
		t_ok test "$root" -ge 5 -a "$root" -le "$var" -a "$var" -le "$home" -a "$home" -le $((root + 1))
	done < <(grep '^moments ' "$1")
	t_equal "$2" "$seen"
}

new_disks
t_case "three volumes that are written to in turn are cloned as of one moment"
inside moment <<'END'
. /out/functions
for i in 1 2; do
	start_writer
	alt_disk_copy -F -P 12 -d /dev/ubdb &
	copy=$!
	status=0
	dm-catch look $copy rootvg-hd9var rootvg-hd1 rootvg-nimadm_hd9var >/run/stood || status=$?
	wait $copy
	stop_writer
	echo "stood still: $status $(cat /run/stood)"
	moments
done
echo "left: $(dmsetup ls | grep -c nimadm)" || :
echo "volumes: $(lvs --noheadings rootvg | wc -l) $(suspended)"
alt_rootvg_op -X
END
t_ok guest moment "${disks[@]}"
cp "$T_OUT" "$T_TMP/moment.out"
of_one_moment "$T_TMP/moment.out" 2
t_match '^left: 0$' "$T_TMP/moment.out"
t_match '^volumes: 3 0$' "$T_TMP/moment.out"
t_equal 2 "$(grep -c '^stood still: 0 suspended for' "$T_TMP/moment.out")"
sed -n 's/^stood still: 0/the volumes were/p' "$T_TMP/moment.out"

t_case "killed while they stand still, all go on at once, and -X cleans up"
inside kill <<'END'
. /out/functions
for i in 1 2; do
	start_writer
	setsid alt_disk_copy -P 12 -d /dev/ubdb >/run/log 2>&1 &
	copy=$!
	sleep 0.1
	status=0
	dm-catch kill $copy rootvg-hd9var rootvg-hd1 rootvg-nimadm_hd9var >/run/stood || status=$?
	wait $copy || :
	echo "caught: $status $(cat /run/stood)"
	n=$(wc -l </root/writer)
	sleep 1
	[ "$(wc -l </root/writer)" -gt "$n" ] && echo "goes on"
	stop_writer
	echo "suspended: $(suspended)"
	alt_rootvg_op -X
	echo "left: $(dmsetup ls | grep -c nimadm) $(lvs --noheadings rootvg | wc -l) $(wipefs -n /dev/ubdb | wc -l)"
done
END
t_ok guest kill "${disks[@]}"
cp "$T_OUT" "$T_TMP/kill.out"
t_equal 2 "$(grep -cE '^caught: 0 suspended for 0\.' "$T_TMP/kill.out")"
t_equal 2 "$(grep -c '^goes on$' "$T_TMP/kill.out")"
t_equal 2 "$(grep -c '^suspended: 0$' "$T_TMP/kill.out")"
t_equal 2 "$(grep -c '^left: 0 3 0$' "$T_TMP/kill.out")"

t_case "stopped while they stand still, the guard lets them go on; then it is done once more"
inside stop <<'END'
. /out/functions
start_writer
alt_disk_copy -P 12 -d /dev/ubdb &
copy=$!
dm-catch hold $copy rootvg-hd9var rootvg-hd1 rootvg-nimadm_hd9var
wait $copy
stop_writer
moments
echo "left: $(dmsetup ls | grep -c nimadm) $(lvs --noheadings rootvg | wc -l) $(suspended)"
alt_rootvg_op -X
END
t_ok guest stop "${disks[@]}"
cp "$T_OUT" "$T_TMP/stop.out"
t_match '^suspended for (9\.9|1[01]\.)' "$T_TMP/stop.out"
of_one_moment "$T_TMP/stop.out" 1
t_match '^left: 0 3 0$' "$T_TMP/stop.out"

t_case "both killed, -X lets a volume go on that was left suspended"
inside both <<'END'
. /out/functions
lvcreate -qq -y -s --addtag nimadm.snapshot -L 32M -n nimadm_hd1 rootvg/hd1
dmsetup suspend --noudevsync rootvg-hd1
echo "suspended: $(suspended)"
alt_rootvg_op -X
echo works >/home/works
echo "left: $(dmsetup ls | grep -c nimadm) $(lvs --noheadings rootvg | wc -l) $(suspended)"
END
t_ok guest both "${disks[@]}"
t_match '^suspended: 1$' -
t_match '^left: 0 3 0$' -

touch "$T_TMP/thin"
new_disks
t_case "thin volumes and others together, too"
inside thin <<'END'
. /out/functions
lvs -o lv_name,pool_lv rootvg
start_writer
alt_disk_copy -F -P 12 -d /dev/ubdb
stop_writer
moments
alt_rootvg_op -X
sync
END
t_ok guest thin "${disks[@]}"
cp "$T_OUT" "$T_TMP/thin.out"
t_match '^ *hd4 +pool' "$T_TMP/thin.out"
of_one_moment "$T_TMP/thin.out" 1

t_case "killed while thin volumes stand still, too"
inside thinkill <<'END'
. /out/functions
start_writer
setsid alt_disk_copy -P 12 -d /dev/ubdb >/run/log 2>&1 &
copy=$!
status=0
dm-catch kill $copy rootvg-hd9var rootvg-hd1 rootvg-nimadm_hd9var || status=$?
wait $copy || :
echo "caught: $status"
stop_writer
alt_rootvg_op -X
echo "left: $(dmsetup ls | grep -c nimadm) $(lvs --noheadings rootvg | wc -l) $(suspended)"
alt_disk_copy -P 12 -d /dev/ubdb
alt_rootvg_op -X
END
t_ok guest thinkill "${disks[@]}"
t_match '^caught: 0$' -
t_match '^left: 0 4 0$' -

t_done
