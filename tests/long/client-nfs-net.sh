#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mode A over the network (nfs_host) between two machines: addresses that cannot be used are found before anything is touched; the
# client lets its master in and nobody else; a master that is killed leaves nothing that listens; it is resumed, and pushed.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-two.sh"
lvm_two_need
t_need_tools ss
export UML_LIMIT=3600
lvm_two_make 1600M 1700M 4G

# the client has an address that its master has no way to, and tells what listens there besides ssh and its service
cat >"$T_TMP/client.new" - "$T_TMP/client.sh" <<'END'
ip addr add 10.9.1.2/24 dev eth0
while :; do
	ss -Hltn | awk '{ print $4 }' | grep -vE ':(22|80)$' >"$T_TMP/listening.new" || :
	mv "$T_TMP/listening.new" "$T_TMP/listening"
	sleep 0.5
done &
END
mv "$T_TMP/client.new" "$T_TMP/client.sh"

job="-c c1 -d /dev/ubdb --nfs -j $shared/cache -l lpp13 -s spot13 -Y"
unpacks() { grep -q Unpacking "$T_TMP/log" 2>/dev/null; }
nothing_listens() { [ -e "$T_TMP/listening" ] && [ ! -s "$T_TMP/listening" ]; }

# that there is no clone to be awake is found, too; it is the shortest pre-flight
t_case "addresses that cannot be used are found before anything is touched"
t_ok lvm_two_client
t_ok lvm_two_until 60 grep -q answered "$T_TMP/probe"
up=$EPOCHSECONDS
lvm_two_master <<END
try() {
	nim -o change -a "nfs_host=\$1" c1
	s=0
	nimadm -W -c c1 -j $shared/cache >$T_TMP/try 2>&1 || s=\$?
	grep -A2 -E 'nfs|next' $T_TMP/try
	echo "\$1: status \$s"
}
try 10.9.0.77
try nobody.invalid
try 10.9.1.2
try 10.9.0.2:22
END
t_ok lvm_two_wait
cp "$T_OUT" "$T_TMP/out"
t_match '^10.9.0.77: status 3$' "$T_TMP/out"
t_match '10.9.0.77 is no address of this machine' "$T_TMP/out"
t_match 'nfs_host= must name one of .*10.9.0.2' "$T_TMP/out"
t_match '^nobody.invalid: status 3$' "$T_TMP/out"
t_match "nfs_host 'nobody.invalid' cannot be found" "$T_TMP/out"
t_match '^10.9.1.2: status 3$' "$T_TMP/out"
t_match 'cannot be reached at 10.9.1.2 port [0-9]+' "$T_TMP/out"
t_match '^10.9.0.2:22: status 3$' "$T_TMP/out"
t_match 'port 22 of it is in use' "$T_TMP/out"
t_ok nothing_listens

t_case "cloned, exported and mounted over the network"
lvm_two_master <<END
nim -o change -a nfs_host=10.9.0.2 c1
nimadm $job -P 0-3
END
t_ok lvm_two_wait
grep -E 'client.nfs|serves its clone' "$T_OUT"
t_match 'c1 serves its clone to 10.9.0.1' -
t_match 'Phase 3 complete' -
t_ok lvm_two_until 20 nothing_listens

t_case "while it works, its master alone is let in; killed, nothing listens and nothing waits"
lvm_two_master <<END
nimadm $job -P 4-8 >$T_TMP/log 2>&1 &
worker=\$!
until [ -e $T_TMP/kill ]; do sleep 0.5; done
mounted() { cat /proc/[0-9]*/mounts 2>/dev/null | grep ' nfs4 ' || :; }
mounted | grep -o ',addr=10[0-9.]*' | sort -u
kill -KILL \$worker
wait \$worker || echo "killed \$?"
timeout 60 sync && echo "sync: done"
for i in \$(seq 60); do [ -n "\$(mounted)" ] || break; sleep 1; done
echo "mounted: \$(mounted | wc -l)"
# on the same machine: what an overlay does not sync would not outlive it
until [ -e $T_TMP/resume ]; do sleep 0.5; done
nimadm --resume -c c1 -P 5-8
nimadm $job -P 9-10
nimadm -W --no-mount -c c1
ssh -F $T_TMP/ssh_config root@$T_CLIENT_HOST "grep VERSION_ID /alt_inst/etc/os-release; chroot /alt_inst dpkg --audit | wc -l" | sed 's/^/clone: /'
nimadm -S -c c1
nimadm -C -c c1
END
t_ok lvm_two_until 3000 unpacks
cat "$T_TMP/listening"
t_equal 1 "$(wc -l <"$T_TMP/listening")"
t_match '^10\.9\.0\.2:[0-9]+$' "$T_TMP/listening"
port=$(cut -d: -f2 "$T_TMP/listening")
t_equal "hung up" "$("${uml_in[@]}" python3 "$T_SRC/tests/vm/nfs-door.py" 10.9.0.2 "$port" "")"
touch "$T_TMP/kill"
t_ok lvm_two_until 60 nothing_listens
touch "$T_TMP/resume"
t_ok lvm_two_wait
cp "$T_OUT" "$T_TMP/out"
t_match '^,addr=10.9.0.2$' "$T_TMP/out"
t_match '^killed 137$' "$T_TMP/out"
t_match '^sync: done$' "$T_TMP/out"
t_match '^mounted: 0$' "$T_TMP/out"

t_case "resumed; what has changed is pushed; nothing listens in the end"
grep -E 'Phase .* complete' "$T_TMP/out"
t_match 'Phase 9 complete' "$T_TMP/out"
t_match 'Phase 10 complete' "$T_TMP/out"
t_match '^clone: VERSION_ID="13"' "$T_TMP/out"
t_match '^clone: 0$' "$T_TMP/out"
t_ok lvm_two_until 20 nothing_listens

t_case "the client's service has answered all the time, and its running disk is what it was"
t_equal 0 "$(lvm_two_unanswered "$up" "$EPOCHSECONDS")"
t_ok lvm_two_client_end
t_match '^VERSION_ID="12"' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"
t_done
