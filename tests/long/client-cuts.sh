#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A client on LVM loses all connections in the midst of each phase that works on its disks: the job tries again by itself, and the
# running system's disk is what it was.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
lvm_client_make 1600M 1700M 4G

job=$lvm_client_job
# cut PHASE STEP: the phase, whose connections are all cut soon after it has begun this step. The first sshd listens.
cat >"$T_TMP/cut" <<END
cut() {
	local i
	nimadm $job -P \$1 >/tmp/log 2>&1 &
	for ((i = 0; i < 3000; i++)); do
		! grep -q "\$2" /tmp/log || break
		sleep 0.02
	done
	sleep 0.3
	pkill -KILL -f '^sshd: root'
	wait \$! || echo "status \$?"
	cat /tmp/log
}
END

t_case "connections cut while the disk is cloned, and while the tree is pulled"
lvm_client_inside pull <<END
. $T_TMP/cut
lvm_client_sshd
fingerprint >$T_TMP/before
nimadm $job -P 0
cut 1 Copying
nimadm $job -P 2
cut 3 Pulling
fingerprint >$T_TMP/after
echo "snapshots: \$(dmsetup ls | grep -c nimadm)" || :
END
t_ok lvm_client_guest pull
t_no_match '^status' -
t_equal 2 "$(grep -c 'the connection was lost.*trying again' "$T_OUT")"
t_match 'Phase 1 complete' -
t_match 'Phase 3 complete' -
t_match '^snapshots: 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "connections cut while the changes are pushed"
lvm_client_here 4-8
lvm_client_inside push <<END
. $T_TMP/cut
lvm_client_sshd
cut 9 Pushing
nimadm -W --no-mount -c c1
grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
nimadm -S -c c1
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
fingerprint >$T_TMP/after
END
t_ok lvm_client_guest push
t_no_match '^status' -
t_match 'the connection was lost.*trying again' -
t_match 'Phase 9 complete' -
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_match '^signatures: 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_done
