#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mode A over the network with Kerberos (nfs_host, nfs_sec) between two machines, one of them with the realm's KDC: what is missing
# is named, and nothing is touched; a clone is awake on the master with krb5p, written to and pushed, and the text of its files does not
# pass the network, while it does with sys.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-two.sh"
. "$T_SRC/tests/vm/krb5.sh"
lvm_two_need
[ -n "$(find "$UML_MODULES" -name 'rpcsec_gss_krb5.ko*')" ] || t_skip_all "needs rpcsec_gss_krb5 in the guests' kernel"
krb5_fetch
export UML_LIMIT=1800
lvm_two_make 1600M 1700M 4G

text="Nobody but the two of us reads this"
export T_TEXT=$text
cat >"$T_TMP/client.new" - "$T_TMP/client.sh" <<'END'
. "$T_TMP/krb5.guest"
krb5_root $r
hostname client.test
# of the files that are read back as a sample, some are of these
if [ ! -d $r/srv/known ]; then
	mkdir $r/srv/known
	for i in $(seq 2000); do echo "$T_TEXT $i" >$r/srv/known/$i; done
fi
END
mv "$T_TMP/client.new" "$T_TMP/client.sh"
"${uml_in[@]}" python3 "$T_SRC/tests/vm/nfs-sniff.py" tap1 "$T_TMP/passed" >/dev/null &
t_at_exit kill "$!"

cat >"$T_TMP/kerberos" <<'END'
. "$T_TMP/krb5.guest"
hostname master.test
krb5_kdc nfs/client.test host/master.test
krb5kdc
mkdir -p /run/rpc_pipefs
mount -t rpc_pipefs rpc_pipefs /run/rpc_pipefs
gssd() { rpc.gssd -f -p /run/rpc_pipefs 2>&1 | sed 's/^/gssd: /' & sleep 2; }
END
ssh="ssh -F $T_TMP/ssh_config root@$T_CLIENT_HOST"

t_case "what either side lacks is named before anything is touched"
t_ok lvm_two_client
lvm_two_master <<END
. $T_TMP/kerberos
try() {
	s=0
	nimadm -W -c c1 -j $shared/cache >$T_TMP/try 2>&1 || s=\$?
	grep -A3 -E 'nfs|kerberos|next' $T_TMP/try | sed "s/^/\$1: /"
	echo "\$1: status \$s"
}
nim -o change -a nfs_sec=krb5p c1
try "no host"
nim -o change -a nfs_host=client.test c1
try "nothing here"
cp $T_TMP/keytab.master.test /etc/krb5.keytab
gssd
try "nothing there"
$ssh 'cat >/etc/krb5.keytab' <$T_TMP/keytab.client.test
$ssh 'mv /usr/sbin/rpc.svcgssd /root/'
try "no program there"
$ssh 'mv /root/rpc.svcgssd /usr/sbin/'
pkill -x rpc.gssd
END
t_ok lvm_two_wait
cp "$T_OUT" "$T_TMP/out"
t_match '^no host: status 3$' "$T_TMP/out"
t_match '^no host: .*nfs_sec, but no nfs_host' "$T_TMP/out"
t_match '^nothing here: status 3$' "$T_TMP/out"
t_match '^nothing here: .*rpc.gssd does not run' "$T_TMP/out"
t_match '^nothing here: .*there is no keytab /etc/krb5.keytab' "$T_TMP/out"
t_match '^nothing there: status 3$' "$T_TMP/out"
t_match '^nothing there: .*no Kerberos for NFS: there is no keytab' "$T_TMP/out"
t_match '^no program there: status 3$' "$T_TMP/out"
t_match '^no program there: .*rpc.svcgssd is not installed' "$T_TMP/out"

t_case "a clone is awake on the master with krb5p, and what is written is pushed; with sys its text does pass the network"
lvm_two_master <<END
. $T_TMP/kerberos
cp $T_TMP/keytab.master.test /etc/krb5.keytab
gssd
$ssh 'cat >/run/altdisk && chmod +x /run/altdisk' <$T_BUILD/altdisk
$ssh '/run/altdisk alt_disk_copy -P 1 -d /dev/ubdb && /run/altdisk alt_rootvg_op -S'
place=$shared/state/alt_inst/c1
for sec in krb5p sys; do
	nim -o change -a nfs_sec=\$sec c1
	nimadm -W -c c1 -j $shared/cache
	grep -o 'sec=[a-z0-9]*' /proc/mounts | sort -u || :
	echo "read: \$(cat \$place/srv/known/* | grep -c "$text")"
	if [ \$sec = krb5p ]; then echo here >\$place/etc/written; else cat \$place/etc/written | sed 's/^/written: /'; fi
	nimadm -S -c c1
	if grep -aq "$text" $T_TMP/passed; then echo "\$sec: passed"; else echo "\$sec: did not pass"; fi
done
$ssh '/run/altdisk alt_rootvg_op -X'
$ssh 'pgrep -lx rpc.svcgssd' | sed 's/^/left: /' || :
pkill -x rpc.gssd
END
t_ok lvm_two_wait
t_equal 2 "$(grep -c '^read: 2000$' "$T_OUT")"
t_match '^written: here$' -
t_match '^krb5p: did not pass$' -
t_match '^sys: passed$' -
t_no_match '^left: ' -

t_case "the client's running disk is what it was"
t_ok lvm_two_client_end
t_ok cmp "$T_TMP/before" "$T_TMP/after"
t_done
