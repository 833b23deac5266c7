#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mode A: a client on LVM is migrated over NFS, all phases in User-Mode Linux: with a master that is killed, connections
# that are lost, and both machines booted between phases. The result is what the cache (mode B) makes of the same client.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
t_need_tools setcap getcap setfacl lsattr
export UML_LIMIT=2400
lvm_client_make 1600M 1700M 4G
# both ways have the same to merge with: only one of them runs where there is a network
fixture_old

job="-c c1 -d /dev/ubdb --nfs -j $shared/cache -l lpp13 -s spot13 -Y"

t_case "a master or a client without NFS is told so; nothing is touched"
lvm_client_inside without <<END
lvm_client_sshd
loader=\$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
s=0; nimadm $job -p || s=\$?; echo "without \$s"
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
END
t_ok lvm_client_guest without
t_match '^without 3$' -
t_match 'master.nfs' -
t_match 'client.nfs' -
t_match '^ +to do: .*without --nfs' -
t_match '^signatures: 0' -

t_case "checked, cloned, exported, mounted"
lvm_client_inside mount <<END
lvm_client_sshd
kept_make
fingerprint >$T_TMP/before
nimadm $job -P 0-3
fingerprint >$T_TMP/after
END
t_ok lvm_client_guest mount
t_match 'Phase 3 complete' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "both were booted, the master is killed, connections are cut: migrated; what changed is pushed"
lvm_client_inside migrate <<END
lvm_client_sshd
nimadm $job -P 4-8 >$T_TMP/killed 2>&1 &
worker=\$!
until grep -q Unpacking $T_TMP/killed; do sleep 0.5; done
sleep 5
kill -KILL \$worker
SECONDS=0
wait \$worker || echo "killed \$?"
while pgrep -f 'altdisk.* serve-tree' >/dev/null; do sleep 0.5; done
sync
echo "gone after \$SECONDS s"
(
	until grep -q Unpacking $T_TMP/cut; do sleep 0.5; done
	sleep 3
	pkill -KILL -f 'altdisk.* serve-tree'
	until grep -q Configuring $T_TMP/cut; do sleep 0.5; done
	pkill -KILL sshd
	sleep 20
	lvm_client_sshd
	echo cut
) >$T_TMP/cutter 2>&1 &
nimadm --resume -c c1 -P 5-8 2>&1 | tee $T_TMP/cut
cat $T_TMP/cutter
nimadm $job -P 9-10
echo "served by: \$(pgrep -f 'altdisk.* serve-tree' | wc -l)"
fingerprint >$T_TMP/after
cp \$r/var/lib/nimadm/job-2.new $T_TMP/nfs.manifest
nimadm -W --no-mount -c c1
grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
kept_show \$r >$T_TMP/attributes.old
kept_show \$r/alt_inst >$T_TMP/attributes.new
nimadm -S -c c1
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
echo "kept: \$(find $shared/cache -mindepth 1 | wc -l)"
END
t_ok lvm_client_guest migrate
grep -E 'Phase .* complete|gone after' "$T_OUT"
t_match '^killed 137$' -
t_match '^cut$' -
t_match 'Phase 9 complete' -
t_match 'Phase 10 complete' -
t_match '^served by: 0$' -
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_match '^signatures: 0' -
t_match '^usr/local/bin/kept cap_net_raw=ep$' "$T_TMP/attributes.old"
t_match '^user:bin:r--$' "$T_TMP/attributes.old"
t_match '^2770 2 srv/kept$' "$T_TMP/attributes.old"
t_match ' 2 srv/kept/other$' "$T_TMP/attributes.old"
t_match '^----i.* srv/immutable$' "$T_TMP/attributes.old"
t_ok diff "$T_TMP/attributes.old" "$T_TMP/attributes.new"
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "cached instead, the same comes out"
lvm_client_inside pull <<END
lvm_client_sshd
nimadm $lvm_client_job -P 0-3
END
t_ok lvm_client_guest pull
lvm_client_here 4-8
lvm_client_inside push <<END
lvm_client_sshd
nimadm $lvm_client_job -P 9
cp \$r/var/lib/nimadm/job-3.new $T_TMP/cached.manifest
END
t_ok lvm_client_guest push
# Type, mode, owner, attributes, flags, content and path; not what differs from run to run.
compared() {
	awk 'NR > 1 { print $1, $2, $3, $4, $7, $8, $9, $10, $11 }' "$1" |
		grep -vE ' (var/(log|cache|adm/nimadm)|etc/lvm)/| (etc/ld.so.cache|var/lib/dpkg/.*-old|etc/.*-) '
}
compared "$T_TMP/nfs.manifest" >"$T_TMP/nfs"
compared "$T_TMP/cached.manifest" >"$T_TMP/cached"
echo "$(wc -l <"$T_TMP/nfs") lines"
t_ok diff "$T_TMP/cached" "$T_TMP/nfs"

t_done
