#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# altdisk serve-tree: each file system by itself over NFSv4.2, through standard input and output; read-only, where an overlay
# over it takes what NFS does not carry, or written to by root; nothing is left, however it ends.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
uml_need
t_need_tools mke2fs setcap getcap setfattr getfattr python3
truncate -s 64M "$T_TMP/root"
truncate -s 16M "$T_TMP/var"

cat >"$T_TMP/guest.sh" <<'END'
set -eu
export PATH=$T_BUILD:$PATH
mkdir -p /mnt/c
mke2fs -q -t ext4 /dev/ubda
mke2fs -q -t ext4 /dev/ubdb
mount /dev/ubda /mnt/c
mkdir /mnt/c/var /mnt/c/etc
mount /dev/ubdb /mnt/c/var
mkdir "/mnt/c/etc/a b"
head -c 3000000 /dev/urandom >/mnt/c/big
echo hello >"/mnt/c/etc/a b/file"
echo unread >/mnt/c/etc/unread
echo there >/mnt/c/var/below
chown 12345:23456 /mnt/c/var/below
cp /bin/true /mnt/c/ping
chmod 640 /mnt/c/etc/a*/file
ln /mnt/c/big /mnt/c/big2
setfattr -n user.carried -v yes /mnt/c/ping
setcap cap_net_raw+ep /mnt/c/ping
loader=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
altdisk serve-tree --check || echo "without a server $?"
echo "$loader" >/proc/sys/kernel/modprobe
altdisk serve-tree --check; echo "check $?"

# what looks at a machine's own service sees nothing of ours
mine() { mount -t nfsd nfsd /proc/fs/nfsd; cat /proc/fs/nfsd/threads; cat /proc/fs/nfsd/portlist; umount /proc/fs/nfsd; }
threads() { pgrep -xc 'nfsd' || :; }

unshare -n sleep 1000 &
master=$!
until [ "$(readlink /proc/$master/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
nsenter -t $master -n ip link set lo up
# relay_start [OPTION...]: serves the tree to the master's namespace
relay_start() {
	nsenter -t $master -n python3 "$T_SRC/tests/vm/nfs-relay.py" 2049 nsenter -t $$ -n \
		"$T_BUILD/altdisk" serve-tree --mount /var "$@" /mnt/c >"$T_TMP/relay" 2>&1 &
	relay=$!
	until grep -q ready "$T_TMP/relay"; do sleep 0.1; done
}
relay_start
options=vers=4.2,proto=tcp,addr=127.0.0.1,clientaddr=127.0.0.1,port=2049,ro,nocto,actimeo=3600,softerr,timeo=50,retrans=2
mount_one() { nsenter -t $master -n mount -i -t nfs4 -o "$options" "127.0.0.1:/$1" "$2"; }
mkdir -p /mnt/n0 /mnt/n1 /mnt/m /mnt/up
mount_one 0 /mnt/n0
mount_one 1 /mnt/n1
echo "threads $(threads)"
echo "own $(mine | tr '\n' ' ')"
echo "listening $(ss -Hltn | wc -l)"

began=$(date +%s%N)
cmp /mnt/c/big /mnt/n0/big && echo "same content"
[ $((($(date +%s%N) - began) / 1000000)) -ge 5000 ] || echo "opened at once"
stat -c 'stat %U:%u:%g:%a %s %n' /mnt/n1/below "/mnt/n0/etc/a b/file"
ls /mnt/n0/var | sed 's/^/below var: /'
echo "carried $(getfattr --only-values -n user.carried /mnt/n0/ping)"
getcap /mnt/n0/ping | sed 's/^/capability over NFS: /'
mkdir /mnt/rw
nsenter -t $master -n mount -i -t nfs4 -o "${options/,ro,/,rw,nosharecache,}" 127.0.0.1:/0 /mnt/rw
touch /mnt/rw/new 2>&1 | sed 's/^/write: /'
echo "mounted $(findmnt -n -o OPTIONS /mnt/rw | cut -d, -f1)"
umount /mnt/rw

# the working tree
mount -t tmpfs tmpfs /mnt/up
mkdir /mnt/up/u /mnt/up/w
overlay() { mount -t overlay overlay -o lowerdir=/mnt/n0,upperdir=/mnt/up/u,workdir=/mnt/up/w,redirect_dir=on,metacopy=on,index=on /mnt/m; }
overlay
setcap cap_net_raw+ep /mnt/m/ping
# what has no ACLs below must be in the upper tree first
chmod 644 /mnt/m/big
setfacl -m u:1:r /mnt/m/big
getcap /mnt/m/ping | sed 's/^/overlay: /'
getfacl -cp /mnt/m/big | grep user:daemon | sed 's/^/overlay: /'
cmp /mnt/c/big /mnt/m/big2 && echo "same content in the overlay"
echo "upper $(du -k /mnt/up/u/big | cut -f1)"
umount /mnt/m

# another session: a killed server
serving() { pgrep -f '^[^ ]*altdisk serve-tree'; }
kill -KILL $(serving | head -n 1)
for i in $(seq 50); do serving >/dev/null || break; sleep 0.1; done
echo "killed: $(serving | wc -l) processes, $(threads) threads"
cat /mnt/n0/etc/unread | sed 's/^/after a lost server: /'
cmp /mnt/c/ping /mnt/n0/ping && echo "same content after a lost server"
overlay && echo "overlay again"
getcap /mnt/m/ping | sed 's/^/again: /'
umount /mnt/m

umount /mnt/n0 /mnt/n1
relay_stop() {
	kill $relay
	for i in $(seq 50); do serving >/dev/null || break; sleep 0.1; done
}
relay_stop

# written to, beside what is not
mkdir -p /mnt/also
mount -t tmpfs tmpfs /mnt/also
echo other >/mnt/also/file
relay_start --write --also /mnt/also
options=${options/,ro,/,rw,}
mount_one 0 /mnt/n0
mount_one 1 /mnt/n1
mount_one 2 /mnt/up
cat /mnt/up/file | sed 's/^/also: /'
touch /mnt/up/new 2>&1 | sed 's/^/also: /'
echo new >/mnt/n0/etc/new
chown 4321:5432 /mnt/n0/etc/new
chmod 4751 /mnt/n0/etc/new
ln -s new /mnt/n0/etc/link
mknod /mnt/n0/etc/device c 1 3
mv "/mnt/n0/etc/a b" /mnt/n0/etc/ab
rm /mnt/n1/below
echo again >/mnt/n1/again
setcap cap_net_raw+ep /mnt/n0/etc/new 2>&1 | sed 's/^/over NFS: /'
# root is nobody else: into what it does not own, and may not write
chown 12345 /mnt/c/etc/unread
chmod 400 /mnt/c/etc/unread
echo root >/mnt/n0/etc/unread && echo "root is root"
umount /mnt/n0 /mnt/n1 /mnt/up
relay_stop
cd /mnt/c
stat -c 'written %F %u:%g:%a %n' etc/new etc/link etc/device etc/ab/file var/again
cat etc/new etc/unread var/again | sed 's/^/written text /'
ls var | sed 's/^/in var: /'
cd /
umount /mnt/also
echo "serving: $(serving | wc -l)"
echo "threads left: $(threads)"
umount /mnt/c/var && umount /mnt/c && echo "unmounted"
# nothing holds the file system: its device can be had for oneself
e2fsck -fn /dev/ubda >/dev/null && echo "clean"
python3 -c 'import os; os.open("/dev/ubda", os.O_RDWR | os.O_EXCL)' && echo "free"
kill $master
END
export UML_LIMIT=180

t_case "the guest serves and reads a tree"
t_ok uml_run "$T_TMP/guest.sh" ubda="$T_TMP/root" ubdb="$T_TMP/var"
cp "$T_OUT" "$T_TMP/out"
t_match '^check 0$' "$T_TMP/out"

t_case "a kernel without an NFS server is refused, with what to do instead"
t_match '^serve-tree: the kernel has no NFS server' "$T_TMP/out"
t_match '^  next: .*-j' "$T_TMP/out"
t_match '^without a server 3$' "$T_TMP/out"

t_case "a wrong call says so"
t_fail_with 2 "$T_BUILD/altdisk" serve-tree
t_fail_with 2 "$T_BUILD/altdisk" serve-tree --check /
mkdir "$T_TMP/plain"
t_fail_with 2 "$T_BUILD/altdisk" serve-tree --mount /plain "$T_TMP"
t_match 'nothing is mounted at ' -
t_fail_with 5 "$T_BUILD/altdisk" serve-tree --mount /nothing "$T_TMP"

t_case "content, owners and modes are the tree's, each file system by itself"
t_match '^same content$' "$T_TMP/out"
t_match '^opened at once$' "$T_TMP/out"
t_match '^stat .*:12345:23456:644 6 /mnt/n1/below$' "$T_TMP/out"
t_match '^stat root:0:0:640 6 /mnt/n0/etc/a b/file$' "$T_TMP/out"
t_no_match '^below var' "$T_TMP/out"
t_match '^carried yes$' "$T_TMP/out"
t_no_match '^capability over NFS' "$T_TMP/out"

t_case "the server refuses to write"
t_match '^mounted rw$' "$T_TMP/out"
t_match '^write: .*Read-only file system$' "$T_TMP/out"

t_case "the machine's own NFS service and network know nothing of it"
t_match '^threads [1-9]' "$T_TMP/out"
t_match '^own 0 $' "$T_TMP/out"
t_match '^listening 0$' "$T_TMP/out"

t_case "an overlay takes capabilities and ACLs without copying contents"
t_match '^overlay: /mnt/m/ping cap_net_raw=ep$' "$T_TMP/out"
t_match '^overlay: user:daemon:r--$' "$T_TMP/out"
t_match '^same content in the overlay$' "$T_TMP/out"
t_match '^upper [0-9]$' "$T_TMP/out"

t_case "a server that was killed leaves nothing, and a new one takes its place"
t_match '^killed: 0 processes, 0 threads$' "$T_TMP/out"
t_match '^after a lost server: unread$' "$T_TMP/out"
t_match '^same content after a lost server$' "$T_TMP/out"
t_match '^overlay again$' "$T_TMP/out"
t_match '^again: /mnt/m/ping cap_net_raw=ep$' "$T_TMP/out"

t_case "with --write root writes as root; what is served beside it stays read-only"
t_match '^also: other$' "$T_TMP/out"
t_match '^also: .*Read-only file system$' "$T_TMP/out"
t_match '^written regular file 4321:5432:4751 etc/new$' "$T_TMP/out"
t_match '^written symbolic link 0:0:777 etc/link$' "$T_TMP/out"
t_match '^written character special file 0:0:.* etc/device$' "$T_TMP/out"
t_match '^written regular file 0:0:640 etc/ab/file$' "$T_TMP/out"
t_match '^written regular file 0:0:644 var/again$' "$T_TMP/out"
t_match '^written text new$' "$T_TMP/out"
t_match '^written text again$' "$T_TMP/out"
t_match '^root is root$' "$T_TMP/out"
t_match '^written text root$' "$T_TMP/out"
t_no_match '^in var: below$' "$T_TMP/out"
t_match '^over NFS: .*Operation not supported' "$T_TMP/out"

t_case "nothing is left when its input ends"
t_match '^serving: 0$' "$T_TMP/out"
t_match '^threads left: 0$' "$T_TMP/out"
t_match '^unmounted$' "$T_TMP/out"
t_match '^clean$' "$T_TMP/out"
t_match '^free$' "$T_TMP/out"
t_done
