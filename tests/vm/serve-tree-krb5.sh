#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# altdisk serve-tree --sec: with the machine's keytab and an rpc.svcgssd of its own, to the principal that is named; with krb5p
# nothing of a file's text passes the network in the clear; what the machine has running for its own NFS stays as it is.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
. "$(dirname "$0")/krb5.sh"
uml_need
t_need_tools mke2fs ip nsenter python3 ss
[ -n "$(find "$UML_MODULES" -name 'rpcsec_gss_krb5.ko*')" ] || t_skip_all "needs rpcsec_gss_krb5 in the guest's kernel"
krb5_fetch
truncate -s 64M "$T_TMP/root"

cat >"$T_TMP/guest.sh" <<'END'
set -eu
export PATH=$T_BUILD:$PATH
. "$T_TMP/krb5.guest"
mkdir -p /mnt/c /mnt/n0
mke2fs -q -t ext4 /dev/ubda
mount /dev/ubda /mnt/c
for i in sys krb5 krb5i krb5p; do echo "The text of $i is here" >/mnt/c/$i; done
echo secret >/mnt/c/secret
chmod 600 /mnt/c/secret
hostname client.test

# the client is the guest itself; its master, which has the KDC, is a namespace behind a bridge
ip link add bridge type bridge
ip addr add 10.9.0.2/24 dev bridge
ip link set bridge up
unshare -n -u sleep 1000 &
master=$!
until [ "$(readlink /proc/$master/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
on_master() { nsenter -t $master -n -u "$@"; }
ip link add to-master type veth peer name eth0 netns $master
ip link set to-master master bridge up
on_master ip addr add 10.9.0.1/24 dev eth0
on_master ip link set lo up
on_master ip link set eth0 up
on_master hostname master.test
status() { s=0; "$@" || s=$?; echo "status $s"; }
check() { status altdisk serve-tree --check --listen 10.9.0.2 --sec krb5p --host client.test 2>&1 </dev/null | tr '\n' ' '; echo; }
echo "no keytab: $(check)"
krb5_kdc nfs/client.test host/master.test host/other.test
on_master krb5kdc
cp "$T_TMP/keytab.client.test" /etc/krb5.keytab
echo "no program: $(mv /usr/sbin/rpc.svcgssd /tmp/; check; mv /tmp/rpc.svcgssd /usr/sbin/)"
echo "another host: $(status altdisk serve-tree --check --listen 10.9.0.2 --sec krb5p --host elsewhere.test 2>&1 </dev/null | tr '\n' ' ')"
cp "$T_TMP/keytab.client.test" /etc/krb5.keytab

# a server of the machine's own
modprobe nfsd
rpc.svcgssd
own=$(pgrep -x rpc.svcgssd)
left() { sha256sum </etc/idmapd.conf; ls -A /var/tmp /run/nimadm 2>/dev/null | grep -iE 'krb5|idmap' || :; }
before=$(left)

mkdir -p /run/pipes
# of the master's network
on_master mount -t rpc_pipefs rpc_pipefs /run/pipes
gssd_start() {
	nsenter -t $master -n -u rpc.gssd -f -k "$T_TMP/keytab.$1" -p /run/pipes >>"$T_TMP/gssd" 2>&1 &
	gssd=$!
	sleep 1
}
gssd_start master.test
on_master modprobe rpcsec_gss_krb5
python3 "$T_SRC/tests/vm/nfs-sniff.py" bridge "$T_TMP/passed" >"$T_TMP/sniff" &
sniff=$!
until grep -q ready "$T_TMP/sniff"; do sleep 0.1; done

mkfifo "$T_TMP/in"
# start SEC: $port
start() {
	local sec=()
	[ "$1" = sys ] || sec=(--sec "$1" --host client.test --root host/master.test@TEST)
	rm -f "$T_TMP/said"
	altdisk serve-tree --listen 10.9.0.2 "${sec[@]}" /mnt/c <"$T_TMP/in" >"$T_TMP/said" 2>"$T_TMP/errors" &
	server=$!
	exec 7>"$T_TMP/in"
	until grep -q listening "$T_TMP/said"; do
		kill -0 $server || { cat "$T_TMP/errors"; return 1; }
		sleep 0.1
	done
	read -r _ port word <"$T_TMP/said"
	echo "met: $(on_master python3 "$T_SRC/tests/vm/nfs-door.py" 10.9.0.2 "$port" "$word")"
}
finish() { exec 7>&-; wait $server || echo "ended with $?"; sed "s/^/said /" "$T_TMP/said" | grep refused || :; }
mount_as() { on_master mount -i -t nfs4 -o "vers=4.2,proto=tcp,addr=10.9.0.2,clientaddr=0.0.0.0,port=$port,ro,softerr,timeo=100,retrans=2,sec=$1" client.test:/0 /mnt/n0; }

for sec in sys krb5 krb5i krb5p; do
	start $sec
	echo "daemons with $sec: $(pgrep -xc rpc.svcgssd)"
	mount_as $sec
	echo "read $(cat /mnt/n0/$sec), $(cat /mnt/n0/secret)"
	echo "mounted $(findmnt -n -o OPTIONS /mnt/n0 | grep -o 'sec=[a-z0-9]*')"
	stat -c 'owner %u %a' /mnt/n0/secret
	umount /mnt/n0
	if [ $sec = krb5p ]; then
		for less in sys krb5 krb5i; do
			if mount_as $less 2>/dev/null; then echo "let in with $less"; umount /mnt/n0; else echo "refused with $less"; fi
		done
	fi
	finish
	sleep 1
	if grep -aq "The text of $sec is here" "$T_TMP/passed"; then echo "$sec can be read"; else echo "$sec cannot be read"; fi
done

# somebody else's ticket from the same address
kill $gssd; wait $gssd || :
rm -f /tmp/krb5cc*
gssd_start other.test
start krb5p
mount_as krb5p
cat /mnt/n0/krb5p | sed 's/^/other reads: /'
cat /mnt/n0/secret 2>&1 | sed 's/^/other reads the secret: /'
umount /mnt/n0
kill -KILL $server
exec 7>&-
wait $server || :
for i in $(seq 50); do [ "$(pgrep -x rpc.svcgssd)" != "$own" ] || break; sleep 0.1; done
echo "daemons after a kill: $(pgrep -x rpc.svcgssd | tr '\n' ' ')of $own"
if [ "$before" = "$(left)" ]; then echo "unchanged"; else left; fi
ss -Hltn | awk '{ print $4 }' | sed 's/^/listening /'
kill $sniff $gssd $own
wait $gssd || :
umount /run/pipes
kill $master
umount /mnt/c && echo unmounted
END
export UML_LIMIT=280

t_case "the guest serves and reads a tree with Kerberos"
t_ok uml_run "$T_TMP/guest.sh" ubda="$T_TMP/root"
cp "$T_OUT" "$T_TMP/out"
t_match '^unmounted$' "$T_TMP/out"
[ -z "${NIM_TEST_SHOW:-}" ] || cat "$T_TMP/out"

t_case "what a machine lacks is named, with what to do"
t_match '^no keytab: .*there is no keytab /etc/krb5.keytab.* status 3' "$T_TMP/out"
t_match '^no program: .*rpc.svcgssd is not installed +next: install nfs-common.* status 3' "$T_TMP/out"
t_match '^another host: .*/etc/krb5.keytab has no key of nfs/elsewhere.test.* status 3' "$T_TMP/out"
t_fail_with 2 "$T_BUILD/altdisk" serve-tree --check --listen 127.0.0.1 --sec krb5p
t_fail_with 2 "$T_BUILD/altdisk" serve-tree --check --listen 127.0.0.1 --sec krb6
t_fail_with 2 "$T_BUILD/altdisk" serve-tree --sec krb5p --host client.test /

t_case "the master is root with each security, and owners are what they are"
for sec in sys krb5 krb5i krb5p; do
	t_match "^read The text of $sec is here, secret\$" "$T_TMP/out"
	t_match "^mounted sec=$sec\$" "$T_TMP/out"
done
t_equal 4 "$(grep -c '^owner 0 600$' "$T_TMP/out")"

t_case "with krb5p a file's text does not pass the network, with less it does"
for sec in sys krb5 krb5i; do t_match "^$sec can be read\$" "$T_TMP/out"; done
t_match '^krb5p cannot be read$' "$T_TMP/out"

t_case "who comes with less is refused, and another principal is nobody"
for sec in sys krb5 krb5i; do t_match "^refused with $sec\$" "$T_TMP/out"; done
t_no_match '^let in' "$T_TMP/out"
t_match '^other reads: The text of krb5p is here$' "$T_TMP/out"
t_match '^other reads the secret: .*Permission denied' "$T_TMP/out"

t_case "a daemon of its own comes and goes with it; the machine's own one and its files stay"
t_match '^daemons with sys: 1$' "$T_TMP/out"
t_match '^daemons with krb5p: 2$' "$T_TMP/out"
t_match '^daemons after a kill: ([0-9]+) of \1$' "$T_TMP/out"
t_match '^unchanged$' "$T_TMP/out"
t_no_match '^listening 10' "$T_TMP/out"
t_done
