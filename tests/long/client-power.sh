#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A client on LVM, and its master beside it, lose their power in the midst of each phase that works on the client's disks: the
# running system's disk is what it was, and the job goes on, or is taken back, when they are up again.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
lvm_client_make 1600M 1700M 4G

job=$lvm_client_job

# cut PHASE STEP: runs the phase, and takes the power away soon after it has begun this step
cut() {
	local end=$((SECONDS + UML_LIMIT))
	rm -f "$T_TMP/log"
	lvm_client_inside cut <<-END
		lvm_client_sshd
		[ $1 != 1 ] || nimadm $job -P 0
		nimadm $job -P $1 >$T_TMP/log 2>&1
	END
	uml_start "$T_TMP/cut.start" "${lvm_client_disks[@]}"
	until grep -q "$2" "$T_TMP/log" 2>/dev/null; do
		if [ "$SECONDS" -ge "$end" ] || ! kill -0 "$uml_pid" 2>/dev/null; then
			cat "$uml_dir/out" "$T_TMP/log"
			return 1
		fi
		sleep 0.02
	done
	sleep 0.3
	uml_stop "$uml_pid"
	wait "$uml_pid" || [ $? = 137 ]
	! grep -q "Phase $1 complete" "$T_TMP/log"
}
# The guest's script NAME is what standard input says; then the running disk is compared with what it was.
after() {
	{
		echo lvm_client_sshd
		cat
		printf 'fingerprint >%q\n' "$T_TMP/now"
	} | lvm_client_inside "$1"
	t_ok lvm_client_guest "$1"
	cp "$T_OUT" "$T_TMP/after.out"
	t_ok cmp "$T_TMP/before" "$T_TMP/now"
	cp "$T_TMP/after.out" "$T_OUT"
}

t_case "the client is there"
lvm_client_inside begin <<END
lvm_client_sshd
nim -o check c1
fingerprint >$T_TMP/before
END
t_ok lvm_client_guest begin

t_case "power lost while the disk is cloned: taken back"
t_ok cut 1 'Copying'
after back <<END
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
echo "snapshots: \$(dmsetup ls | grep -c nimadm)" || :
echo "left: \$(ls -A \$r/var/lib/nimadm 2>/dev/null | wc -l)"
END
t_match '^signatures: 0' -
t_match '^snapshots: 0' -
t_match '^left: 0' -

t_case "power lost while the disk is cloned: begun again"
t_ok cut 1 'Copying'
after again <<END
nimadm $job -P 1-2
lvs --noheadings -o vg_name,lv_name
END
t_match 'Phase 2 complete' -
t_match 'altinst_rootvg +hd9var' -
t_no_match 'nimadm_' -

t_case "power lost while the tree is pulled: gone on with"
t_ok cut 3 'Pulling'
after pull <<END
nimadm $job -P 3
END
t_match 'Phase 3 complete' -

t_case "the packages"
lvm_client_here 4-8

t_case "power lost while the changes are pushed: gone on with"
t_ok cut 9 'Pushing'
after push <<END
nimadm $job -P 9
nimadm -W --no-mount -c c1
grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
nimadm -S -c c1
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
echo "left: \$(ls -A \$r/var/lib/nimadm 2>/dev/null | wc -l) \$(ls $shared/cache | grep -c job)" || :
END
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_match '^signatures: 0' -
t_match '^left: 0 0' -

t_done
