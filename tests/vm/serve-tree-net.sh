#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# altdisk serve-tree --listen: over a network to the one address that has brought the word, and to no other; nothing listens
# any more, however it ends.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/uml.sh"
uml_need
t_need_tools mke2fs ip nsenter python3 ss
truncate -s 64M "$T_TMP/root"

cat >"$T_TMP/guest.sh" <<'END'
set -eu
export PATH=$T_BUILD:$PATH
mkdir -p /mnt/c /mnt/n0
mke2fs -q -t ext4 /dev/ubda
mount /dev/ubda /mnt/c
head -c 3000000 /dev/urandom >/mnt/c/big
echo secret >/mnt/c/secret
chmod 600 /mnt/c/secret
echo late >/mnt/c/late

# the client is the guest itself; a master and a third machine are namespaces behind a bridge

ip link add bridge type bridge
ip addr add 10.9.0.2/24 dev bridge
ip addr add fd00:9::2/64 dev bridge nodad
ip link set bridge up
declare -A at=([master]=10.9.0.1 [third]=10.9.0.3) pid
for name in master third; do
	unshare -n sleep 1000 &
	pid[$name]=$!
	until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
	ip link add "to-$name" type veth peer name eth0 netns $!
	ip link set "to-$name" master bridge up
	nsenter -t $! -n ip addr add "${at[$name]}/24" dev eth0
	nsenter -t $! -n ip addr add "fd00:9::${at[$name]##*.}/64" dev eth0 nodad
	nsenter -t $! -n ip link set lo up
	nsenter -t $! -n ip link set eth0 up
done
in_ns() { nsenter -t "${pid[$1]}" -n "${@:2}"; }
# from WHOM WHAT LINE [high]
from() { echo "$2: $(in_ns "$1" python3 "$T_SRC/tests/vm/nfs-door.py" "$address" "$port" "$3" ${4:+"$4"})"; }
serving() { pgrep -f '^[^ ]*altdisk serve-tree' || :; }
threads() { pgrep -xc 'nfsd' || :; }
listening() { ss -Hltn | awk '{ print $4 }' | tr '\n' ' '; }
gone() { for i in $(seq 100); do [ -n "$(serving)$(pgrep -x nfsd)" ] || break; sleep 0.1; done; }

status() { s=0; "$@" || s=$?; echo "status $s"; }
echo "foreign $(status altdisk serve-tree --check --listen 10.9.0.77 2>&1 </dev/null | tr '\n' ' ')"
python3 -m http.server --bind 10.9.0.2 4711 >/dev/null 2>&1 &
web=$!
until ss -Hltn | grep -q 4711; do sleep 0.1; done
echo "taken $(status altdisk serve-tree --check --listen 10.9.0.2:4711 2>&1 </dev/null | tr '\n' ' ')"
kill $web; wait $web || :
echo "any $(status altdisk serve-tree --check --listen 0.0.0.0 2>&1 </dev/null | tr '\n' ' ')"

mkfifo "$T_TMP/in"
# start ADDRESS [OPTION...]: $port and $word
start() {
	rm -f "$T_TMP/said"
	altdisk serve-tree --listen "$@" <"$T_TMP/in" >"$T_TMP/said" 2>"$T_TMP/errors" &
	server=$!
	exec 7>"$T_TMP/in"
	until grep -q listening "$T_TMP/said"; do sleep 0.1; done
	read -r _ port word <"$T_TMP/said"
	address=10.9.0.2
}
finish() { exec 7>&-; wait $server || echo "ended with $?"; }

# only finding out: the master comes, and that is all
rm -f "$T_TMP/said"
start 10.9.0.2 --check
from master "check" "$word"
finish
sed 's/^/check said: /' "$T_TMP/said"
from master "after the check" "$word"

start 10.9.0.2 /mnt/c
echo "listening $(listening)"
from third "third with nothing" "" &
wait $!
from third "third with a wrong word" "$(tr 0-9a-f 1-9a-f0 <<<"$word")"
from master "master from a high port" "$word" high
from master "master" "$word"
from third "third with the word, later" "$word"
from third "third with nothing, later" ""
from master "master from a high port, later" "" high
options=vers=4.2,proto=tcp,addr=10.9.0.2,clientaddr=0.0.0.0,port=$port,ro,nocto,actimeo=3600,softerr,timeo=50,retrans=2
status in_ns third timeout 60 mount -i -t nfs4 -o "$options,retry=0" 10.9.0.2:/0 /mnt/n0 2>&1 | sed 's/^/third mounts: /'
in_ns master mount -i -t nfs4 -o "$options" 10.9.0.2:/0 /mnt/n0
cmp /mnt/c/big /mnt/n0/big && echo "same content"
cat /mnt/n0/secret
touch /mnt/n0/new 2>&1 | sed 's/^/write: /'
mount -t nfsd nfsd /proc/fs/nfsd
echo "own $(cat /proc/fs/nfsd/threads) $(cat /proc/fs/nfsd/portlist)"
umount /proc/fs/nfsd

# the master is gone while its kernel still has questions
exec 7>&-
for i in $(seq 50); do [ -n "$(listening)" ] || break; sleep 0.1; done
echo "listening after the end: $(listening)"
cat /mnt/n0/late
umount /mnt/n0
gone
wait $server || echo "ended with $?"
echo "serving after unmounting: $(serving)"
sed 's/^/said: /' "$T_TMP/said"

# the same port again, and killed
start "10.9.0.2:$port" /mnt/c
from master "master again" "$word"
echo "listening again: $(listening)"
in_ns master mount -i -t nfs4 -o "$options" 10.9.0.2:/0 /mnt/n0
cat /mnt/n0/late
kill -KILL $server
wait $server || echo "killed $?"
exec 7>&-
gone
echo "killed: listening $(listening), serving $(serving), threads $(threads)"
# whoever waits goes on with the next one
cat /mnt/n0/secret >"$T_TMP/read" &
start "10.9.0.2:$port" /mnt/c
from master "master after it was killed" "$word"
wait %cat || :
umount /mnt/n0
finish

start fd00:9::2 /mnt/c
address=fd00:9::2
from master "IPv6" "$word"
in_ns master mount -i -t nfs4 -o "vers=4.2,proto=tcp6,addr=fd00:9::2,clientaddr=::,port=$port,ro" "[fd00:9::2]:/0" /mnt/n0
cmp /mnt/c/big /mnt/n0/big && echo "same content over IPv6"
umount /mnt/n0
finish
gone
echo "at the end: listening $(listening), serving $(serving), threads $(threads)"
umount /mnt/c && echo "unmounted"
kill "${pid[@]}"
END
export UML_LIMIT=180

t_case "the guest serves and reads a tree"
t_ok uml_run "$T_TMP/guest.sh" ubda="$T_TMP/root"
cp "$T_OUT" "$T_TMP/out"
t_match '^unmounted$' "$T_TMP/out"
[ -z "${NIM_TEST_SHOW:-}" ] || cat "$T_TMP/out"

t_case "an address that is not the machine's, a port that is taken, and all addresses are refused"
t_match '^foreign .*10.9.0.77 is no address of this machine.* must name one of 10.9.0.2 fd00:9::2 status 3' "$T_TMP/out"
t_match '^taken .*port 4711 of it is in use.*status 3' "$T_TMP/out"
t_match '^any .*0.0.0.0 is not one address.*status 2' "$T_TMP/out"
t_fail_with 2 "$T_BUILD/altdisk" serve-tree --check --listen nonsense/
t_fail_with 2 "$T_BUILD/altdisk" serve-tree --check --listen host.example

t_case "with --check the master comes, and nothing listens after it"
t_match '^check said: met 10.9.0.1$' "$T_TMP/out"
t_match '^after the check: nobody listens$' "$T_TMP/out"

t_case "it listens at the one address only, and lets in who has brought the word, and nobody else"
t_match '^listening 10.9.0.2:[0-9]+ $' "$T_TMP/out"
t_match '^said: refused 10.9.0.3 [0-9]+ it does not know the word$' "$T_TMP/out"
t_match '^said: refused 10.9.0.1 40023 not a port of root' "$T_TMP/out"
t_match '^said: met 10.9.0.1$' "$T_TMP/out"
t_match '^said: refused 10.9.0.3 [0-9]+ not the master$' "$T_TMP/out"
t_match '^third with the word, later: hung up$' "$T_TMP/out"
t_match '^third with nothing, later: hung up$' "$T_TMP/out"
t_match '^master from a high port, later: hung up$' "$T_TMP/out"
t_match '^third mounts: status [1-9]' "$T_TMP/out"
# who comes again and again is named once in a while
t_ok test "$(grep -c '^said: refused' "$T_TMP/out")" -lt 10

t_case "the master mounts the tree, read-only; the machine's own service knows nothing of it"
t_match '^same content$' "$T_TMP/out"
t_match '^secret$' "$T_TMP/out"
t_match '^write: .*Read-only file system' "$T_TMP/out"
t_match '^own 0 *$' "$T_TMP/out"

t_case "when its input ends nothing listens, and what a kernel asks to unmount is answered"
t_match '^listening after the end: $' "$T_TMP/out"
t_match '^late$' "$T_TMP/out"
t_match '^serving after unmounting: $' "$T_TMP/out"

t_case "killed, it leaves nothing; the next one at the same port is met anew, and who waits goes on"
t_match '^listening again: 10.9.0.2:[0-9]+ $' "$T_TMP/out"
t_match '^killed: listening , serving , threads 0$' "$T_TMP/out"
t_equal secret "$(cat "$T_TMP/read")"

t_case "IPv6 does as well"
t_match '^same content over IPv6$' "$T_TMP/out"
t_match '^at the end: listening , serving , threads 0$' "$T_TMP/out"
t_done
