#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mode A between two machines, and a client that does not come back while its clone is mounted: on a kernel of 6.5 or newer the
# job ends by itself and says so, ends when it is told to, leaves nothing that waits; resumed when the client is there again, it migrates.
# The client's service answers whenever the client is there, and its running disk stays what it was.
# T_NFS_HOST: the clone is mounted over the network, from this address of the client.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/uml-newer.sh"
t_need_root
uml_newer 6.5
. "$T_SRC/tests/vm/lvm-two.sh"
lvm_two_need
export UML_LIMIT=5400
lvm_two_make 1600M 1700M 4G

echo 'client_timeout = 120' >"$T_TMP/conf"
job="--config $T_TMP/conf -c c1 -d /dev/ubdb --nfs -j $shared/cache -l lpp13 -s spot13 -Y"
unpacks() { grep -q Unpacking "$T_TMP/log" 2>/dev/null; }
# What a job that has ended leaves on the master: nothing waits.
cat >"$T_TMP/left" <<'END'
timeout 60 sync && echo "sync: done"
echo "mounted: $(cat /proc/[0-9]*/mounts | grep -c ' nfs4 ')"
END

t_case "the client is up; checked, cloned, exported and mounted"
t_ok lvm_two_client
t_ok lvm_two_until 60 grep -q answered "$T_TMP/probe"
up=$EPOCHSECONDS
lvm_two_master <<END
uname -r
${T_NFS_HOST:+nim -o change -a nfs_host=$T_NFS_HOST c1}
nimadm $job -P 0-3
END
t_ok lvm_two_wait
t_match 'Phase 3 complete' -
[ -z "${T_NFS_HOST:-}" ] || t_match 'c1 serves its clone to 10.9.0.1' -

t_case "a job whose client is lost while it reads the clone ends by itself, says so, and leaves nothing that waits"
lvm_two_master <<END
status=0
nimadm $job -P 4-8 >$T_TMP/log 2>&1 || status=\$?
echo "ended \$status"
. $T_TMP/left
END
t_ok lvm_two_until 3000 unpacks
lost=$EPOCHSECONDS
lvm_two_lose
SECONDS=0
t_ok lvm_two_wait
echo "ended after $SECONDS s"
t_match '^ended 1$' -
t_match '^sync: done$' -
t_match '^mounted: 0$' -
t_match 'client c1 has not answered for 120 s over NFS' "$T_TMP/log"
t_match 'next: when it is back: nimadm --resume -c c1' "$T_TMP/log"

t_case "resumed, told to stop while the client is lost: it ends, and leaves nothing that waits"
t_ok lvm_two_client
rm "$T_TMP/log"
lvm_two_master <<END
nimadm --config $T_TMP/conf --resume -c c1 -P 5-8 >$T_TMP/log 2>&1 &
worker=\$!
until [ -e $T_TMP/stop ]; do sleep 0.5; done
kill -TERM \$worker
status=0
wait \$worker || status=\$?
echo "ended \$status"
. $T_TMP/left
END
t_ok lvm_two_until 3000 unpacks
lvm_two_lose
touch "$T_TMP/stop"
SECONDS=0
t_ok lvm_two_wait
echo "ended after $SECONDS s"
t_match '^ended 1$' -
t_match '^sync: done$' -
t_match '^mounted: 0$' -
t_match 'interrupted by SIGTERM' "$T_TMP/log"

t_case "resumed with the client back, it comes to its end: the clone is the new release, and asleep"
t_ok lvm_two_client
back=$EPOCHSECONDS
lvm_two_master <<END
nimadm --config $T_TMP/conf --resume -c c1 -P 5-10 >$T_TMP/log 2>&1
nimadm -W --no-mount -c c1
ssh -n -F $T_TMP/ssh_config root@$T_CLIENT_HOST 'grep VERSION_ID /alt_inst/etc/os-release
	echo "audit: \$(chroot /alt_inst dpkg --audit | wc -l)"'
nimadm -S -c c1
ssh -n -F $T_TMP/ssh_config root@$T_CLIENT_HOST 'echo "mounted: \$(grep -c " /alt_inst" /proc/mounts)"'
. $T_TMP/left
END
t_ok lvm_two_wait
t_match '^VERSION_ID="13"' -
t_match '^audit: 0$' -
t_equal 2 "$(grep -c '^mounted: 0$' "$T_OUT")"
t_match '^sync: done$' -
t_match 'Phase 10 complete' "$T_TMP/log"

t_case "the service has answered whenever the client was there; its running disk is what it was"
# what was asked just before the end has waited for an answer
t_equal 0 "$(lvm_two_unanswered "$up" $((lost - 21)))"
t_equal 0 "$(lvm_two_unanswered $((back + 5)) "$EPOCHSECONDS")"
t_ok lvm_two_client_end
t_match '^VERSION_ID="12"' -
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_done
