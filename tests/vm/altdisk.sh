#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clone of a running root on LVM: made while it is written to, put to sleep, woken, changed, removed; stopped anywhere.
# Takes 4 minutes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
. "$(dirname "$0")/altdisk-host.sh"
uml_need
t_need_tools lvm dmsetup sfdisk mke2fs mkswap lsblk findmnt blkid wipefs jq fsfreeze

host_layout make <<'END'
sfdisk -q $disk <<'EOT'
label: gpt
size=8MiB, type=21686148-6449-6E6F-744E-656564454649
size=128MiB, type=linux
type=lvm
EOT
pvcreate -qq -y ${disk}3
vgcreate -qq rootvg ${disk}3
lvcreate -qq -y -n hd4 -L 600M rootvg
lvcreate -qq -y -n hd9var -L 200M rootvg
lvcreate -qq -y -n hd6 -L 64M rootvg
mke2fs -q -t ext4 -U 11111111-2222-3333-4444-555555555555 /dev/rootvg/hd4
mke2fs -q -t ext4 /dev/rootvg/hd9var
mke2fs -q -t ext4 -L boot ${disk}2
mkswap -L swap /dev/rootvg/hd6 >/dev/null
END
host_layout mount <<'END'
vgchange -qq -ay rootvg
mount /dev/rootvg/hd4 $r
mkdir -p $r/boot $r/var
swapon /dev/rootvg/hd6
mount ${disk}2 $r/boot
mount /dev/rootvg/hd9var $r/var
END
host_layout fstab <<'END'
UUID=11111111-2222-3333-4444-555555555555 / ext4 errors=remount-ro 0 1
LABEL=boot /boot ext4 defaults 0 2
/dev/mapper/rootvg-hd9var /var ext4 defaults,nodev 0 2
/dev/mapper/rootvg-hd6 none swap sw 0 0
END
new_disks() {
	rm -f "$T_TMP/disk" "$T_TMP/spare" "$T_TMP/third"
	truncate -s 1400M "$T_TMP/disk"
	truncate -s 1600M "$T_TMP/spare"
	truncate -s 64M "$T_TMP/third"
	disks=("ubda=$T_TMP/disk" "ubdb=$T_TMP/spare" "ubdc=$T_TMP/third")
}
new_disks

t_case "lspv shows the running root and the spare disks"
inside roles <<'END'
lspv
lspv --json | jq -r '[.disk, .role, .state] | join(" ")'
alt_rootvg_op -X
bootlist_rc=0
alt_rootvg_op -q -d /dev/ubdb || bootlist_rc=$?
echo "query $bootlist_rc"
END
t_ok guest roles "${disks[@]}"
t_match '^/dev/ubda +[^ ]+ +rootvg +active' -
t_match '^/dev/ubdb +[^ ]+ +None' -
t_match '^/dev/ubda rootvg active' -
t_match '^query 5$' -

t_case "what is no fit target is refused with what was found, and nothing is touched"
inside refuse <<'END'
mke2fs -q -t ext4 -L data /dev/ubdc
before=$(sha256sum /dev/ubdc)
rc() { local s=0; "$@" || s=$?; echo "rc $s: $*"; }
rc alt_disk_copy -P 12 -d /dev/ubdc
rc alt_disk_copy -P 12 -F -d /dev/ubdc
rc alt_disk_copy -P 12 -d /dev/ubda
rc alt_disk_copy -P 12 -d /dev/nothing
rc alt_disk_copy -P 12
rc alt_disk_copy -P 4 -d /dev/ubdb
rc alt_disk_copy -B -r -d /dev/ubdb
[ "$before" = "$(sha256sum /dev/ubdc)" ] && echo same
wipefs -n /dev/ubdb | wc -l
END
t_ok guest refuse "${disks[@]}"
t_match '^rc 3: alt_disk_copy -P 12 -d /dev/ubdc' -
t_match '^rc 3: alt_disk_copy -P 12 -F -d /dev/ubdc' -
t_match 'ext4.*data' -
t_match '^rc 3: alt_disk_copy -P 12 -d /dev/ubda' -
t_match '^rc 5: alt_disk_copy -P 12 -d /dev/nothing' -
t_match '^rc 2: alt_disk_copy -P 12$' -
t_match '^rc 2: alt_disk_copy -P 4' -
t_match '^rc 2: alt_disk_copy -B -r' -
t_match '^same$' -
t_match '^0$' -

t_case "a clone is made while the root is written to"
inside clone <<'END'
mkdir -p /etc/nimadm/quiesce.d
printf '#!/bin/sh\necho "$1 $(tail -n 1 /out/acked)" >>/out/hook\n' >/etc/nimadm/quiesce.d/10-note
chmod +x /etc/nimadm/quiesce.d/10-note
: >/out/acked
(
	i=0
	while [ ! -e /out/stop ]; do
		i=$((i + 1))
		echo "line $i" >>/var/log/writer
		sync -d /var/log/writer
		echo "$i" >>/out/acked
	done
) &
writer=$!
while [ "$(wc -l </out/acked)" -lt 5 ]; do sleep 0.1; done
mounts=$(findmnt -rno TARGET)
running() { sfdisk -d /dev/ubda; dd if=/dev/ubda bs=1M count=9 status=none | sha256sum; lvs --noheadings -o vg_name,lv_name,lv_uuid,lv_size,devices rootvg; }
running >/out/before
alt_disk_copy -P 12 -d /dev/ubdb --json >/out/events
touch /out/stop
wait $writer
running >/out/after
cmp /out/before /out/after && echo untouched
dmsetup ls
cat /alt_inst/etc/fstab
echo "root $(findmnt -no UUID /alt_inst)"
echo "boot $(findmnt -no UUID /alt_inst/boot)"
echo "var $(findmnt -no UUID /alt_inst/var)"
cat /alt_inst/etc/nimadm/altinst
tail -n 1 /alt_inst/var/log/writer
# The trees are equal but for what belongs to one of the two.
list() {
	local skip=() path type rest
	for path in alt_inst dev out proc run sys tmp etc/fstab etc/nimadm; do skip+=(-path "./$path" -prune -o); done
	(cd "/$1" && find . "/$1/boot" "/$1/var" -xdev "${skip[@]}" -path '*/lib/nimadm' -prune -o -path '*/var/log' -prune -o \
		-printf '%P|%y %m %U %G %T@ |%s %l\n') | sort | while IFS='|' read -r path type rest; do
		# What a directory's own table takes differs, and some of them were changed on one side.
		case $type in d*) echo "$path ${type% * }" ;; *) echo "$path $type $rest" ;; esac
	done
}
list "" >/out/list-old
list alt_inst >/out/list-new
if diff /out/list-old /out/list-new >/out/list-diff; then echo equal; else head -n 20 /out/list-diff; fi
sha256sum </root/big
sha256sum </alt_inst/root/big
stat -c '%h' /alt_inst/etc/hostname
lsattr /alt_inst/etc/os-release
[ "$(stat -c %b /alt_inst/var/sparse)" -lt 100 ] && echo sparse
echo "left: $(ls /run/nimadm)"
lspv
END
t_ok guest clone "${disks[@]}"
cp "$T_OUT" "$T_TMP/clone.out"
t_match '^untouched$' "$T_TMP/clone.out"
t_match '^equal$' "$T_TMP/clone.out"
t_match '^sparse$' "$T_TMP/clone.out"
t_match '^2$' "$T_TMP/clone.out"
t_match '^----i' "$T_TMP/clone.out"
t_match '^customised$' "$T_TMP/clone.out"
t_match '^/dev/ubdb +[^ ]+ +altinst_rootvg +active' "$T_TMP/clone.out"
t_no_match 'nimadm_|^left: .*snapshot' "$T_TMP/clone.out"

t_case "the clone's fstab names the clone's file systems and none of the old ones"
for fs in root boot var; do
	uuid=$(sed -n "s/^$fs //p" "$T_TMP/clone.out")
	t_match "^UUID=${uuid:-none}[[:blank:]]" "$T_TMP/clone.out"
done
t_no_match '^(UUID=11111111-|LABEL=boot|/dev/mapper/rootvg)' "$T_TMP/clone.out"

t_case "every write that was acknowledged before the snapshot is in the clone"
touch "$T_TMP/hook"
acked=$(sed -n 's/^before //p' "$T_TMP/hook")
line=$(sed -n 's/^line //p' "$T_TMP/clone.out" | tail -n 1)
t_ok test "${line:-0}" -ge "${acked:-1}"
t_match '^after [0-9]' "$T_TMP/hook"

t_case "the events have both phases and a real total"
t_equal '1 2' "$(jq -r 'select(.event == "phase-end" and .state == "done").phase' "$T_TMP/events" | xargs)"
t_ok jq -es 'map(select(.event == "progress" and .unit == "bytes")) | length > 0 and (last | .done == .total)' "$T_TMP/events"

t_case "a clone that exists is not overwritten without -F"
inside again <<'END'
s=0
alt_disk_copy -P 12 -d /dev/ubdb || s=$?
echo "rc $s"
END
t_ok guest again "${disks[@]}"
t_match '^rc 3$' -
t_match 'there is a clone already' -

t_case "sleep, wake, change a file, sleep, wake: the change is there"
inside wake <<'END'
alt_rootvg_op -S
lspv
echo changed >/tmp/none
alt_rootvg_op -W -d /dev/ubdb
alt_rootvg_op -W
echo changed >/alt_inst/etc/changed
alt_rootvg_op -S
alt_rootvg_op -S
echo "mounted: $(findmnt -rno TARGET | grep -c alt_inst)" || echo none mounted
echo "active: $(dmsetup ls | grep -c altinst)" || echo none active
alt_rootvg_op -W
cat /alt_inst/etc/changed
printf '#!/bin/sh\npwd >customised\n' >/tmp/script
chmod +x /tmp/script
echo nameserver 192.0.2.7 >/tmp/resolv
alt_rootvg_op -C -s /tmp/script -R /tmp/resolv
cat /alt_inst/customised /alt_inst/etc/resolv.conf
alt_rootvg_op -S
alt_rootvg_op -v before_trial -d /dev/ubdb
lspv
lspv --json | sed s/^/json/
alt_rootvg_op -q -d /dev/ubdb
vgs --noheadings -o vg_name
END
t_ok guest wake "${disks[@]}"
t_match '^/dev/ubdb +[^ ]+ +altinst_rootvg +asleep' -
t_match '^mounted: 0' -
t_match '^active: 0' -
t_match '^changed$' -
t_match '^/alt_inst$' -
t_match '^nameserver 192.0.2.7$' -
t_match '^/dev/ubdb +[^ ]+ +before_trial +asleep' -
t_match '^json.*/dev/ubdb.*"role":"altinst_rootvg","name":"before_trial"' -
t_match '^ *altinst_rootvg$' -

t_case "-v altinst_rootvg takes a name back"
inside names <<'END'
lspv
alt_rootvg_op -v altinst_rootvg -d /dev/ubdb
lspv | sed 's/^/then /'
END
t_ok guest names "${disks[@]}"
t_match '^/dev/ubdb +[^ ]+ +before_trial +asleep' -
t_match '^then /dev/ubdb +[^ ]+ +altinst_rootvg +asleep' -

t_case "-X removes it with the state file gone"
inside remove <<'END'
rm -r /var/lib/nimadm
alt_rootvg_op -W
alt_rootvg_op -X
alt_rootvg_op -X
lspv
echo "signatures: $(wipefs -n /dev/ubdb | wc -l)"
echo "mounted: $(findmnt -rno TARGET | grep -c alt_inst)" || :
vgs --noheadings -o vg_name
END
t_ok guest remove "${disks[@]}"
t_match '^/dev/ubdb +[^ ]+ +None' -
t_match '^signatures: 0$' -
t_match '^mounted: 0$' -
t_match '^ *rootvg *$' -

t_case "an image is restored to the spare disk and names its file systems"
inside image <<'END'
mksysb -q -o /out/host.mksysb
alt_disk_mksysb -m /out/host.mksysb -P 12 -d /dev/ubdb
cat /alt_inst/etc/fstab
for mount in "" /boot /var; do echo "fs $(findmnt -no UUID "/alt_inst$mount")"; done
sha256sum </root/big
sha256sum </alt_inst/root/big
cat /alt_inst/etc/nimadm/altinst
alt_rootvg_op -X
END
t_ok guest image "${disks[@]}"
cp "$T_OUT" "$T_TMP/image.out"
while read -r _ uuid; do
	t_match "^UUID=${uuid:-none}[[:blank:]]" "$T_TMP/image.out"
done < <(grep '^fs ' "$T_TMP/image.out")
t_equal 3 "$(grep -c '^fs ' "$T_TMP/image.out")"
t_equal 1 "$(grep ' -$' "$T_TMP/image.out" | sort -u | wc -l)"
t_match '^customised$' "$T_TMP/image.out"

t_case "killed at any moment, the system works, -X cleans up and the next clone is good"
inside kill <<'END'
for t in 0.5 1.5 3 4.5 6 8; do
	setsid alt_disk_copy -P 12 -d /dev/ubdb >/tmp/log 2>&1 &
	pid=$!
	sleep $t
	kill -9 $pid || :
	wait $pid || :
	echo "killed after $t: $(tail -n 1 /tmp/log)"
	echo works >/var/log/works
	sync
	[ "$t" != 3 ] || rm -rf /var/lib/nimadm
	alt_rootvg_op -X
	echo "left: $(findmnt -rno TARGET | grep -c -e alt_inst -e nimadm) $(lvs --noheadings rootvg | wc -l) $(wipefs -n /dev/ubdb | wc -l)"
done
alt_disk_copy -P 12 -d /dev/ubdb
cat /alt_inst/etc/nimadm/altinst
alt_rootvg_op -X
END
t_ok guest kill "${disks[@]}"
t_equal 6 "$(grep -c '^left: 0 3 0$' "$T_OUT")"
t_match '^customised$' -

t_case "two at once: the second is refused"
inside twice <<'END'
alt_disk_copy -P 12 -d /dev/ubdb >/tmp/log 2>&1 &
while [ ! -e /run/nimadm/altdisk.lock ]; do sleep 0.05; done
s=0
alt_rootvg_op -X || s=$?
echo "rc $s"
wait $!
alt_rootvg_op -X
END
t_ok guest twice "${disks[@]}"
t_match '^rc 4$' -

t_done
