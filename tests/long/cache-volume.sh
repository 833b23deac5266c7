#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -j VG: the cache is a volume of the master's own volume group, mounted only where a job works; after the master's reboot too.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
lvm_client_make 1600M 1700M 1G
truncate -s 4G "$T_TMP/master"
truncate -s 300M "$T_TMP/small"
lvm_client_disks+=("ubdd=$T_TMP/master" "ubde=$T_TMP/small")

# There is no udev in the guest.
echo 'activation { udev_sync = 0 udev_rules = 0 }' >"$T_TMP/lvm.conf"
master="mount --bind $T_TMP/lvm.conf /etc/lvm/lvm.conf"

job="-c c1 -d /dev/ubdb -j mastervg -l lpp13 -s spot13 -Y"

t_case "a group without room, and one with somebody else's volume of that name, are refused; nothing is made"
lvm_client_inside refuse <<END
$master
pvcreate -qq -y /dev/ubdd
vgcreate -qq mastervg /dev/ubdd
pvcreate -qq -y /dev/ubde
vgcreate -qq smallvg /dev/ubde
lvm_client_sshd
s=0; nimadm ${job/mastervg/smallvg} -P 0 || s=\$?; echo "small: \$s"
echo "volumes: \$(lvs --noheadings smallvg mastervg | wc -l)"
lvcreate -qq -y -n nimadm_cache -L 40M mastervg
s=0; nimadm $job -P 0 || s=\$?; echo "foreign: \$s"
lvremove -qq -y mastervg/nimadm_cache
END
t_ok lvm_client_guest refuse
t_match '^nimadm: -j smallvg: the group has [0-9.]+ MB free, a cache wants 1' -
t_match '^small: [12]$' -
t_match '^volumes: 0$' -
t_match '^nimadm: -j mastervg: there is a volume nimadm_cache that is not nimadm.s$' -
t_match '^foreign: [12]$' -

t_case "the volume is made, and the client's tree pulled into it"
lvm_client_inside pull <<END
$master
lvm_client_sshd
nimadm $job -P 0-3
lvs --noheadings --units m --nosuffix -o lv_name,lv_size,lv_tags mastervg
echo "mounted here: \$(grep -c nimadm_cache /proc/mounts)" || :
mkdir -p /tmp/look
mount -o ro /dev/mastervg/nimadm_cache /tmp/look
echo "held: \$(ls /tmp/look | tr '\n' ' ')"
umount /tmp/look
END
t_ok lvm_client_guest pull
t_match 'Phase 3 complete' -
t_match '^ +nimadm_cache +36[0-9]{2}\.00 nimadm\.cache$' -
t_match '^mounted here: 0$' -
t_match '^held: .*nimadm-job-1 .*objects ' -

t_case "the master rebooted: the job goes on there, and is taken back"
lvm_client_inside again <<END
$master
lvm_client_sshd
nimadm --resume -c c1 -P 4
nimadm -C -c c1
mkdir -p /tmp/look
mount -o ro /dev/mastervg/nimadm_cache /tmp/look
echo "held: \$(ls /tmp/look | tr '\n' ' ')"
umount /tmp/look
END
t_ok lvm_client_guest again
t_match 'Phase 4 complete' -
t_match '^held: (lost.found )?objects $' -
t_done
