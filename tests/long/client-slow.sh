#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A client on LVM behind a slow line (8 Mbit/s, a round trip of 200 ms that varies, packets lost) in all phases that reach it:
# nothing is given up, nothing is done twice.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
t_need_tools tc
lvm_client_make 1600M 1700M 4G

job=$lvm_client_job
slow='modprobe sch_netem && tc qdisc add dev lo root netem delay 100ms 20ms loss 0.3% rate 8mbit limit 2000'

t_case "checked, cloned, and its tree pulled"
lvm_client_inside pull <<END
lvm_client_sshd
fingerprint >$T_TMP/before
$slow
nim -o check c1
nimadm $job -P 0-3
fingerprint >$T_TMP/after
tc -s qdisc show dev lo
END
t_ok lvm_client_guest pull
grep -E 'Phase .* complete' "$T_OUT"
t_match 'Phase 3 complete' -
t_no_match 'trying again|connection was lost' -
t_match 'netem .*delay 100ms' -
t_match 'dropped [1-9]' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "the packages, here"
lvm_client_here 4-8

t_case "what changed is pushed, seen through -W, and taken back"
lvm_client_inside push <<END
lvm_client_sshd
$slow
nimadm $job -P 9
nimadm -W --no-mount -c c1
grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
nimadm -S -c c1
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
fingerprint >$T_TMP/after
END
t_ok lvm_client_guest push
grep -E 'Phase .* complete' "$T_OUT"
t_match 'Phase 9 complete' -
t_no_match 'trying again|connection was lost' -
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_match '^signatures: 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_done
