#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The runner in an alternate root: what a command in there sees, reaches and leaves behind.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/root/tree.sh
. "$(dirname "$0")/tree.sh"
t_need_root
t_need_tools losetup
t_private_mounts "$@"

run=$T_BUILD/tests/root/chroot-run
root=$T_TMP/root
make_tree "$root" bash cat ls sleep mount stat touch readlink dd umount mountpoint ip
ln -s /etc/outside "$root/etc/link"
echo inside > "$root/etc/name"
truncate -s 1M "$T_TMP/disk"
echo disk-data > "$T_TMP/head"
dd if="$T_TMP/head" of="$T_TMP/disk" conv=notrunc status=none
loop=$(losetup -f --show "$T_TMP/disk")
t_at_exit losetup -d "$loop"
mkdir "$T_TMP/bound"
echo helper > "$T_TMP/bound/file"
mkdir -p "$T_TMP/bound/disk/by-uuid"
echo > "$T_TMP/bound/disk/by-uuid/1234-5678"

inside() {
	"$run" "$root" "$loop" "$T_TMP/bound:/run/nimadm" 20 "$@"
}

t_case "it runs in the root, with the caller's input and environment"
# shellcheck disable=SC2016 # expanded inside
t_ok inside bash -c 'cat /etc/name; cat; echo "$FROM_CALLER $0 $PATH"'
t_match '^inside$' -
t_match '^input$' -
t_match '^yes bash /usr/local/sbin:' -

t_case "its status is told"
t_fail_with 7 inside bash -c 'exit 7'
t_fail_with 137 inside bash -c 'bash -c "kill -9 \$\$"; exit $?'

t_case "/dev holds the harmless nodes and the named disk, and no other"
# shellcheck disable=SC2016
t_ok inside bash -c 'for d in /dev/*; do [ ! -b $d ] || echo "block $d"; done; ls /dev'
t_equal "block $loop" "$(grep '^block' "$T_OUT")"
t_match '^null$' -
t_ok inside dd if="$loop" bs=9 count=1 status=none
t_match '^disk-data' -
t_ok inside bash -c 'echo x > /dev/null; cat /dev/stdin'
t_match '^input$' -

t_case "a bind is there, read-only, although /run is new"
t_ok inside cat /run/nimadm/file
t_match '^helper$' -
t_fail_with 1 inside touch /run/nimadm/new
t_ok inside ls /dev/disk/by-uuid/1234-5678
t_ok inside touch /run/other /tmp/other
t_ok test ! -e "$root/run/other" -a ! -e "$root/tmp/other" -a ! -e "$root/run/nimadm"

t_case "/sys is read-only, /proc shows its own processes, the network is empty"
t_ok inside bash -c 'echo "pid $$"; ls /proc'
t_match '^pid 1$' -
t_no_match "^$$\$" -
t_fail_with 1 inside bash -c 'echo 1 > /sys/kernel/notes'
t_ok inside ip link
t_no_match 'state UP' -

t_case "the network is ours where it is asked for"
# shellcheck disable=SC2016
WITH_NETWORK=1 t_ok inside bash -c 'readlink /proc/self/ns/net'
t_equal "$(readlink /proc/self/ns/net)" "$(tail -n 1 "$T_OUT")"
# shellcheck disable=SC2016
t_ok inside bash -c 'readlink /proc/self/ns/net'
t_match '^net:' -
t_no_match "$(readlink /proc/self/ns/net | grep -o '[0-9]*')" -

t_case "what it mounts and starts ends with it"
t_ok inside bash -c 'mount -t tmpfs none /etc; touch /etc/new; (trap "" TERM HUP; exec sleep 9471) </dev/null >/dev/null 2>&1 &'
t_ok test ! -e "$root/etc/new"
t_fail_with 32 mountpoint -q "$root/etc"
t_fail_with 32 mountpoint -q "$root/proc"
sleep 0.2
t_equal "" "$(pgrep -f '^sleep 9471' || [ $? = 1 ])"

t_case "a time limit ends all of it"
t_fail_with 124 "$run" "$root" "" "" 1 bash -c 'trap "" TERM; sleep 9472 & sleep 9473'
sleep 0.2
t_equal "" "$(pgrep -f '^sleep 947[23]' || [ $? = 1 ])"

t_case "a signal's death of the runner ends all of it"
"$run" "$root" "" "" 60 sleep 9474 &
pid=$!
for _ in {1..50}; do
	if pgrep -f '^sleep 9474' > "$T_TMP/pid"; then break; fi
	sleep 0.1
done
t_ok test -s "$T_TMP/pid"
kill -9 "$pid"
wait "$pid" 2> /dev/null || [ $? = 137 ]
sleep 0.3
t_equal "" "$(pgrep -f '^sleep 9474' || [ $? = 1 ])"

t_case "what is missing is named"
t_fail_with 125 inside no-such-program
t_match 'there is no no-such-program' -
t_match 'install its package' -
t_fail_with 125 "$run" "$root" /dev/no-such-disk "" 5 ls
t_match '/dev/no-such-disk' -
t_fail_with 125 "$run" "$root" "$T_TMP/disk" "" 5 ls
t_match 'no device below /dev' -
rmdir "$root/sys"
t_fail_with 125 inside ls
t_match 'cannot prepare the alternate root for ls' -

t_done
