#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mode A as the original does it: a client on LVM is migrated with its clone written to over NFS, all phases in User-Mode
# Linux. What NFS does not carry is there again in the end.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
t_need_tools setcap getcap setfacl lsattr
export UML_LIMIT=3000
lvm_client_make 1600M 1700M 4G

job="-c c1 -d /dev/ubdb --nfs-direct -j $shared/cache -l lpp13 -s spot13 -Y"

t_case "checked with a warning, cloned, exported, mounted"
lvm_client_inside mount <<END
lvm_client_sshd
kept_make
fingerprint >$T_TMP/before
nimadm $job -P 0-3
fingerprint >$T_TMP/after
echo "flags on the clone: \$(lsattr -d \$r/alt_inst/srv/immutable | cut -d' ' -f1 | tr -d e-)"
END
t_ok lvm_client_guest mount
t_match 'nfs.direct' -
t_match 'Phase 3 complete' -
t_match '^flags on the clone: $' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "migrated through NFS; attributes are put back"
lvm_client_inside migrate <<END
lvm_client_sshd
SECONDS=0
nimadm $job -P 4-8
echo "phases 4 to 8: \$SECONDS s"
echo "local copies: \$(find $shared/cache -path '*upper*' -type f | wc -l)"
nimadm $job -P 9-10
echo "served by: \$(pgrep -f 'altdisk.* serve-tree' | wc -l)"
fingerprint >$T_TMP/after
nimadm -W --no-mount -c c1
grep VERSION_ID \$r/alt_inst/etc/os-release
echo "audit: \$(chroot \$r/alt_inst dpkg --audit | wc -l)"
echo "NFS leftovers: \$(find \$r/alt_inst -name '.nfs*' | wc -l)"
kept_show \$r >$T_TMP/attributes.old
kept_show \$r/alt_inst >$T_TMP/attributes.new
nimadm -S -c c1
nimadm -C -c c1
echo "signatures: \$(wipefs -n /dev/ubdb | wc -l)"
echo "on the client: \$(find \$r/var/lib/nimadm -name 'job-*' | wc -l)"
echo "kept: \$(find $shared/cache -mindepth 1 | wc -l)"
END
t_ok lvm_client_guest migrate
grep -E 'Phase .* complete|phases 4|put back' "$T_OUT"
t_match 'Phase 9 complete' -
t_match 'Phase 10 complete' -
t_match '^local copies: 0$' -
t_match 'srv/immutable: put back: inode flags i$' -
t_match '^served by: 0$' -
t_match '^VERSION_ID="13"' -
t_match '^audit: 0' -
t_match '^NFS leftovers: 0$' -
t_match '^signatures: 0' -
t_match '^on the client: 0$' -
t_match '^kept: 0' -
t_match '^usr/local/bin/kept cap_net_raw=ep$' "$T_TMP/attributes.old"
t_match '^----i.* srv/immutable$' "$T_TMP/attributes.old"
t_ok diff "$T_TMP/attributes.old" "$T_TMP/attributes.new"
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_done
