#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nimadm -W and -S: a client's sleeping clone, mounted on the master, written to there by a script and by hand, and put back with
# all that. In User-Mode Linux: with a holder that is killed, a connection that is lost, and machines that are booted meanwhile.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_client_need
t_need_tools setcap getcap setfacl lsattr
export UML_LIMIT=900
lvm_client_make 1600M 1700M 1G
place=$shared/state/alt_inst/c1

cat >"$T_TMP/edit" <<'END'
#!/bin/sh
set -e
cd "$NIM_ALT_INST"
echo "script of $NIM_CLIENT, phase $NIM_PHASE" >etc/motd
setcap cap_net_raw+ep usr/local/bin/tool
# an ACL needs a file that lies on the master: nimadm(7)
chmod 644 etc/hostname
setfacl -m u:1:rw etc/hostname
END
cat >"$T_TMP/fail" <<'END'
#!/bin/sh
echo "before it failed" >"$NIM_ALT_INST/var/failed"
exit 7
END
chmod +x "$T_TMP/edit" "$T_TMP/fail"
lvm_client_shared on
nim -o define -t script -a location="$T_TMP/edit" edit
nim -o define -t script -a location="$T_TMP/fail" fail
lvm_client_shared off

# What each guest begins with: the client in a mount namespace of its own, which ends with all of its processes, as at a
# reboot; its own program; and what is to be the same on both sides.
cat >"$T_TMP/common.sh" <<'END'
start_client() {
	unshare -m --propagation private sh -c "! mountpoint -q $place || umount -l -R $place; exec sleep infinity" &
	ns=$!
	until [ "$(ps -o comm= $ns)" = sleep ]; do sleep 0.1; done
	lvm_client_sshd in_client
}
stop_client() {
	pkill -KILL -x sshd
	if pgrep -f 'altdisk.* serve-tree' >/dev/null; then pkill -KILL -f 'altdisk.* serve-tree'; fi
	kill -KILL "$ns"
}
in_client() { nsenter -t "$ns" -m -r -w "$@"; }
client() { in_client chroot $r /run/test/altdisk "$@"; }
cp "$T_BUILD/altdisk" $r/run/test/
attributes() {
	cd "$1"
	getcap usr/local/bin/tool
	getfacl -cp etc/hostname var/dir
	stat -c '%a %u %h %n' var/dir
	stat -c '%a %u %h %s %n' etc/motd etc/hostname var/dir/* usr/local/bin/tool
	cat etc/motd var/dir/*
	lsattr -d var/dir/a
	ls etc
}
mounts() { grep -c " $1" /proc/mounts; }
export -f attributes mounts
start_client
left() {
	echo "left: $(mounts "$shared/state/alt_inst") mounts, $(pgrep -fc -- '--hold --job') holders," \
		"$(pgrep -fc 'altdisk.* serve-tree') servers, $(in_client bash -c "mounts $r/alt_inst") awake"
}
END
inside() { { echo "shared=$shared; place=$place; . $T_TMP/common.sh"; cat; echo stop_client; } | lvm_client_inside "$1"; }

t_case "a client without a clone, and a master without NFS, are told so"
inside refused <<END
echo /bin/false >/proc/sys/kernel/modprobe
s=0; nimadm -W -c c1 || s=\$?; echo "refused: \$s"
cp \$r/bin/true \$r/usr/local/bin/tool
client alt_disk_copy -P 1 -d /dev/ubdb
client alt_rootvg_op -S
fingerprint >$T_TMP/before
nimadm -W --no-mount -c c1
left
nimadm -S -c c1
left
END
t_ok lvm_client_guest refused
t_match '^refused: 3$' -
t_match 'client.clone' -
t_match 'master.nfs' -
t_match 'on the client alone: --no-mount' -
t_equal "left: 0 mounts, 0 holders, 0 servers, 2 awake
left: 0 mounts, 0 holders, 0 servers, 0 awake" "$(grep '^left:' "$T_OUT")"

t_case "mounted, written to by a script and by hand, put to sleep; killed, cut and booted meanwhile"
inside awake <<END
nimadm -W -c c1 -z edit
stat -c 'place: %a' $shared/state/alt_inst
cat $place/etc/motd
mkdir -m 2750 $place/var/dir
chown 33 $place/var/dir
setfacl -d -m u:2:rx $place/var/dir
echo by hand >$place/var/dir/a
ln $place/var/dir/a $place/var/dir/b
chattr +i $place/var/dir/a
rm $place/etc/issue
nimadm -W -c c1
s=0; nimadm -c c1 -d /dev/ubdb --nfs -l lpp13 -s spot13 -Y || s=\$?; echo "migration: \$s"
s=0; nimadm --resume -c c1 || s=\$?; echo "resumed: \$s"
nimadm --status -c c1
(cd $place/etc; exec sleep infinity) &
somebody=\$!
until [ "\$(readlink /proc/\$somebody/cwd)" = $place/etc ]; do sleep 0.1; done
s=0; nimadm -S -c c1 || s=\$?; echo "in use: \$s"
kill \$somebody
echo "still: \$(cat $place/var/dir/b)"
pkill -KILL -f -- '--hold --job'
cat $place/etc/debian_version
nimadm -W -c c1
echo "killed: \$(cat $place/var/dir/a) \$(pgrep -fc -- '--hold --job')"
stop_client
start_client
echo "read: \$(sha256sum <$place/bin/tar)"
echo "read: \$(sha256sum <\$r/bin/tar)"
bash -c "attributes $place" >$T_TMP/attributes.master
(cd $place/var; exec nimadm -S -c c1)
left
fingerprint >$T_TMP/after
client alt_rootvg_op -W
in_client bash -c "attributes \$r/alt_inst" >$T_TMP/attributes.client
client alt_rootvg_op -S
END
t_ok lvm_client_guest awake
t_match '^place: 700$' -
t_match '^script of c1, phase 7$' -
t_match "^The clone of c1 is at $place; nimadm -S -c c1" -
t_match '^migration: 1$' -
t_match '^resumed: 1$' -
t_match 'c1 +W +awake' -
t_match 'next: nimadm -S -c c1' -
t_match '^in use: 1$' -
t_match '^still: by hand$' -
t_match '^killed: by hand 1$' -
t_equal 1 "$(grep '^read: ' "$T_OUT" | sort -u | wc -l)"
t_match '^left: 0 mounts, 0 holders, 0 servers, 0 awake$' -
t_match '^usr/local/bin/tool cap_net_raw=ep$' "$T_TMP/attributes.master"
t_match '^user:daemon:rw-$' "$T_TMP/attributes.master"
t_match '^2750 33 2 var/dir$' "$T_TMP/attributes.master"
t_no_match '^issue$' "$T_TMP/attributes.master"
t_ok diff "$T_TMP/attributes.master" "$T_TMP/attributes.client"
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_case "a script that fails leaves it awake, and says what is next"
inside fail <<END
s=0; nimadm -W -c c1 -z fail || s=\$?; echo "failed: \$s"
cat $place/var/failed
pkill -KILL -f -- '--hold --job'
umount -R $place
while pgrep -f 'altdisk.* serve-tree' >/dev/null; do sleep 0.5; done
END
t_ok lvm_client_guest fail
t_match '^failed: 1$' -
t_match 'nimadm -W -c c1 -z fail; or nimadm -S -c c1' -
t_match '^before it failed$' -

t_case "both machines were booted: what lay on the master is pushed; taken back, it is dropped"
inside lost <<END
left
nimadm --status -c c1
nimadm -S -c c1
client alt_rootvg_op -W
echo "pushed: \$(in_client cat \$r/alt_inst/var/failed)"
nimadm -W -c c1
echo dropped >$place/var/dropped
nimadm -C -c c1
left
client alt_rootvg_op -W
echo "dropped: \$(in_client ls \$r/alt_inst/var/dropped 2>&1)"
client alt_rootvg_op -S
fingerprint >$T_TMP/after
END
t_ok lvm_client_guest lost
t_match "$place is not mounted any more; what was written there lies in .*/upper" -
t_match '^pushed: before it failed$' -
t_match '^dropped: .*No such file' -
t_equal "left: 0 mounts, 0 holders, 0 servers, 0 awake
left: 0 mounts, 0 holders, 0 servers, 0 awake" "$(grep '^left:' "$T_OUT")"
t_ok cmp "$T_TMP/before" "$T_TMP/after"

t_done
