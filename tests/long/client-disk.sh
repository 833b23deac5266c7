#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A running client on LVM, reached by ssh, is migrated on its spare disk (mode B), and gets an image there (mode C). Client and
# master share a User-Mode Linux for the phases that touch disks; the packages' phases run on this machine, with the cache on
# a disk image that both mount.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
lvm_client_make 1600M 1700M 4G
truncate -s 500M "$T_TMP/small"
lvm_client_disks+=("ubdd=$T_TMP/small")

job=$lvm_client_job

t_case "what the client cannot do is found by the pre-flight"
lvm_client_inside refuse <<END
lvm_client_sshd
nim -o check c1
s=0; nimadm ${job/ubdb/ubda} -p || s=\$?; echo "running disk: \$s"
s=0; nimadm ${job/ubdb/nothing} -p || s=\$?; echo "no disk: \$s"
s=0; nimadm ${job/ubdb/ubdd} -p || s=\$?; echo "small disk: \$s"
fingerprint >$T_TMP/before
END
t_ok lvm_client_guest refuse
t_match '^running disk: 3$' -
t_match '^no disk: 3$' -
t_match 'client.disks' -
t_match '^small disk: 3$' -
t_match '/ grows from ' -
t_match 'seen: client c1: .*[0-9] [KMG]B' -

t_case "mode B: the client is cloned and its tree pulled into the cache"
lvm_client_inside pull <<END
lvm_client_sshd
nimadm $job -P 0
nimadm $job -P 1-3
ssh -F $T_TMP/ssh_config root@127.0.0.1 "/var/lib/nimadm/altdisk-* lspv"
echo "sizes: \$(findmnt -b -n -o SIZE \$r) \$(findmnt -b -n -o SIZE \$r/alt_inst)"
END
t_ok lvm_client_guest pull
t_match 'Phase 3 complete' -
t_match 'altinst_rootvg +active' -
read -r _ was is < <(grep '^sizes: ' "$T_OUT")
t_ok test "${is:-0}" -gt "${was:-0}"

t_case "mode B: the packages, here"
lvm_client_here 4-8

t_case "mode B: what changed is pushed to the clone, which then sleeps; the running disk is what it was"
lvm_client_inside push <<END
lvm_client_sshd
nimadm $job -P 9
nimadm -W --no-mount -c c1

grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
cat \$r/alt_inst/etc/fstab
nimadm -S -c c1
fingerprint >$T_TMP/after
END
t_ok lvm_client_guest push
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "taken back: the spare disk is empty, the client has nothing of ours"
lvm_client_inside back <<END
lvm_client_sshd
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
echo "left: \$(ls \$r/var/lib/nimadm 2>/dev/null | wc -l) \$(ls $shared/cache | grep -c job)" || :
fingerprint >$T_TMP/after
END
t_ok lvm_client_guest back
t_match '^signatures: 0' -
t_match '^left: 0 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

# --- an image to the client's disk ---
job="-T c1_12 $job"
t_case "mode C: file systems are made as image.data says; the image is restored in the cache"
lvm_client_inside make <<END
lvm_client_sshd
nim -o define -t mksysb -a source=c1 -a mk_image=yes -a location=$shared/c1.mksysb c1_12
nimadm $job -P 0-3
findmnt -R -n -o TARGET,FSTYPE \$r/alt_inst
END
t_ok lvm_client_guest make
t_match 'Phase 3 complete' -
t_match '/alt_inst +ext4' -
t_match 'Taking a snapshot' -
t_no_match 'there is no snapshot' -

t_case "mode C: the packages, here; then all of the tree goes to the disk"
lvm_client_here 4-8 -T c1_12
lvm_client_inside fill <<END
lvm_client_sshd
nimadm $job -P 9
nimadm -W --no-mount -c c1
grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
getcap \$r/alt_inst/usr/bin/ping || :
nimadm -S -c c1
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
fingerprint >$T_TMP/after
END
t_ok lvm_client_guest fill
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_match '^signatures: 0' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_done
