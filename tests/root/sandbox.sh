#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The sandbox against a hostile image: nothing outside the alternate root changes, nothing survives.
# The scripts in single quotes are for the shell inside.
# shellcheck disable=SC2016,SC2317
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/root/tree.sh
. "$(dirname "$0")/tree.sh"
t_need_root
t_need_tools bwrap python3
# Mounts of other programs are not ours to look at.
t_private_mounts "$@"

run=$T_BUILD/tests/root/sandbox-run
hostile=$T_BUILD/tests/root/hostile
work=$T_TMP
listener=
stop_listener() {
	[ -z "$listener" ] || kill "$listener"
}
t_at_exit stop_listener

# What must not change: the SPOT, the package source, the master's files, its kernel settings and mounts.
fingerprint() {
	(
		cd "$work"
		find spot lpp master -printf '%p %y %m %U %G %s %T@ %l\n' | sort
		find spot lpp master -type f -print0 | sort -z | xargs -0 sha256sum
	) | sha256sum
	grep -s . /proc/sys/kernel/{core_pattern,modprobe,hostname,sysrq} /proc/sys/net/ipv4/ip_forward
	sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo | sort
}

sandbox() {
	"$run" --spot "$work/spot" --root "$work/root" --lpp "$work/lpp" "$@"
}

# A fresh alternate root for each case that spoils it.
fresh_root() {
	rm -rf --one-file-system "$work/root"
	cp -a "$work/pristine" "$work/root"
}

no_hostile_process() {
	local exe
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe" || :) in
		*/usr/bin/hostile*)
			echo "left over: $exe"
			return 1
			;;
		esac
	done
}

no_group_of() {
	[ -z "$(find /sys/fs/cgroup -type d -name "nimadm-$1-*" -print -quit)" ]
}

export LC_ALL=C
mkdir "$work/lpp" "$work/master"
echo secret > "$work/master/secret"
echo package > "$work/lpp/package"
for tree in spot pristine; do
	make_tree "$work/$tree" bash cat chroot dd head ls mkdir readlink rm sleep sync touch
	cp "$hostile" "$work/$tree/usr/bin/hostile"
done
echo "tool:x:0:0::/:" | tee "$work/spot/etc/passwd" >"$work/spot/etc/group"
echo client.example > "$work/pristine/etc/hostname"
fresh_root
before=$(fingerprint)

t_case "a command runs, and sees the SPOT, the alternate root and the package source"
t_ok sandbox cat /lpp_source/package
t_ok sandbox chroot /alt_inst /bin/bash -c 'echo new > /var/lib/dpkg/new'
t_ok test -f "$work/root/var/lib/dpkg/new"
t_fail_with 7 sandbox bash -c 'exit 7'
t_ok sandbox bash -c '[ "$(< /proc/sys/kernel/hostname)" = client.example ]'

t_case "PATH inside is not the master's"
t_equal /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	"$(PATH=/opt/master/bin:$PATH sandbox bash -c 'echo "$PATH"')"

t_case "/tmp, /run, /dev/null and /dev/shm can be used on both sides"
t_ok sandbox bash -c 'for d in "" /alt_inst; do
	echo x > $d/tmp/f && echo x > $d/run/lock/f && echo x > $d/dev/null && echo x > $d/dev/shm/f || exit 1
done'
t_ok test ! -e "$work/root/tmp/f"

t_case "users and groups are those of the alternate root, and never the master's"
t_equal tool:x:0:0::/: "$(sandbox cat /etc/passwd)"
echo "web:x:1001:" | tee "$work/root/etc/passwd" >"$work/root/etc/group"
t_equal "web:x:1001: web:x:1001:" "$(sandbox cat /etc/passwd /etc/group | xargs)"
t_fail_with 1 sandbox bash -c 'echo x >>/etc/passwd'
ln -sf "$work/master/secret" "$work/root/etc/passwd"
mkfifo "$work/root/etc/fifo"
ln -sf /etc/fifo "$work/root/etc/group"
t_equal "tool:x:0:0::/: tool:x:0:0::/:" "$(sandbox cat /etc/passwd /etc/group | xargs)"
fresh_root

t_case "nothing of the master's kernel state shows in /proc"
t_ok sandbox bash -c 'for f in cmdline partitions mdstat swaps modules diskstats; do
	for d in "" /alt_inst; do
		if [ -e $d/proc/$f ] && [ -n "$(cat $d/proc/$f)" ]; then echo $d/proc/$f; exit 1; fi
	done
done'
t_equal "" "$(sandbox ls /sys 2>&1)$(sandbox ls /alt_inst/sys 2>&1)"

t_case "system calls that change the kernel are refused"
t_ok sandbox hostile calls

t_case "system calls of a foreign architecture end the process"
t_ok sandbox hostile foreign

t_case "i386 programs run on amd64, and get no more than others"
cat >"$work/i386.S" <<'S'
.globl _start
_start:	movl $4, %eax
	movl $1, %ebx
	movl $text, %ecx
	movl $6, %edx
	int $0x80
	movl $1, %eax
	movl $5, %ebx
	int $0x80
.data
text:	.ascii "hello\n"
S
if [ "$(uname -m)" != x86_64 ] || ! cc -m32 -nostdlib -static -no-pie -o "$work/root/i386" "$work/i386.S"; then
	t_skip "no i386 program can be made here"
elif "$work/root/i386" || [ $? != 5 ]; then
	t_skip "this kernel runs no i386 program"
else
	t_fail_with 5 sandbox chroot /alt_inst /i386
	t_match '^hello$' -
	t_ok sandbox hostile i386
fi

t_case "kernel files, devices, SPOT and package source cannot be written"
t_ok sandbox hostile kernel-files
t_ok sandbox hostile write /lpp_source/package
t_ok sandbox hostile write /usr/bin/hostile

t_case "no block device by mknod, nor by a node that the image brought"
root_device=$(stat -c '%Hd:%Ld' "$work")
t_ok sandbox hostile mknod "$root_device"
mknod "$work/root/disk" b "${root_device%:*}" "${root_device#*:}"
mknod "$work/root/mem" c 1 1
t_ok sandbox hostile open /alt_inst/disk
t_ok sandbox hostile open /alt_inst/mem

t_case "the master's files are out of reach"
t_ok sandbox hostile open "$work/master/secret"
t_ok sandbox hostile open "/proc/1/root$work/master/secret"
t_ok sandbox hostile open "/proc/1/cwd$work/master/secret"
ln -s "$work/master/secret" "$work/root/link"
ln -s ../../../../../../../../../.."$work/master/secret" "$work/root/dots"
t_ok sandbox hostile open /alt_inst/link
t_ok sandbox hostile open /alt_inst/dots
t_ok sandbox hostile chroot "$work/master/secret"

t_case "no network, no abstract socket of the master"
python3 - "$work/port" << 'END' &
import socket, sys, time
tcp = socket.socket()
tcp.bind(("127.0.0.1", 0))
tcp.listen()
unix = socket.socket(socket.AF_UNIX)
unix.bind("\0nimadm-test-" + str(tcp.getsockname()[1]))
unix.listen()
open(sys.argv[1] + ".new", "w").write(str(tcp.getsockname()[1]))
import os
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
END
listener=$!
for _ in {1..100}; do
	[ -s "$work/port" ] && break
	sleep 0.1
done
port=$(< "$work/port")
t_ok bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
t_ok sandbox hostile tcp "$port"
t_ok sandbox hostile abstract "nimadm-test-$port"

t_case "no process of the master is seen or signalled"
t_ok sandbox hostile processes "$listener"
t_ok kill -0 "$listener"

t_case "no descriptor of the master is inherited"
t_ok sandbox hostile descriptors

t_case "links in the image in place of mount points are refused by name"
for name in dev proc run sys tmp; do
	fresh_root
	rmdir "$work/root/$name"
	ln -s "$work/master" "$work/root/$name"
	t_fail_with 125 sandbox hostile calls
	t_match "/$name: is a symbolic link" -
done
fresh_root
rmdir "$work/root/sys"
echo file > "$work/root/sys"
t_fail_with 125 sandbox hostile calls
t_match "/sys: is not a directory" -

t_case "a missing mount point is made in the alternate root only"
fresh_root
rmdir "$work/root/sys"
t_fail_with 125 sandbox --read-only hostile calls
t_match "/sys: is missing" -
t_ok sandbox hostile calls
t_ok test -d "$work/root/sys"

t_case "links of the image's own directories lead nowhere"
fresh_root
rm -r "$work/root/etc" "$work/root/var/lib/dpkg"
ln -s "$work/master" "$work/root/etc"
ln -s "$work/master" "$work/root/var/lib/dpkg"
ln -s /../../../../.."$work/master" "$work/root/var/tmp"
t_fail_with 1 sandbox bash -c 'echo x > /alt_inst/etc/x'
t_fail_with 1 sandbox bash -c 'echo x > /alt_inst/var/lib/dpkg/x'
t_fail_with 1 sandbox bash -c 'echo x > /alt_inst/var/tmp/x'
t_fail_with 1 sandbox chroot /alt_inst /bin/bash -c 'echo x > /var/lib/dpkg/x'

t_case "a replaced /bin/sh of the image can do no more"
fresh_root
cp --remove-destination "$hostile" "$work/root/usr/bin/sh"
t_ok sandbox chroot /alt_inst /bin/sh calls
t_ok sandbox chroot /alt_inst /bin/sh write /proc/sysrq-trigger
t_ok sandbox chroot /alt_inst /bin/sh chroot "$work/master/secret"

t_case "a read-only alternate root stays as it is"
t_fail_with 1 sandbox --read-only bash -c 'echo x > /alt_inst/new'
t_ok test ! -e "$work/root/new"

fresh_root
t_case "full temporary file systems are bounded"
t_ok sandbox --memory 512M hostile fill /tmp
t_ok sandbox --memory 512M hostile fill /alt_inst/run
t_ok sandbox --memory 512M hostile fill /dev/shm

t_case "a daemon ends with its command"
t_ok sandbox hostile daemon /alt_inst/daemon
t_ok no_hostile_process
size=$(stat -c %s "$work/root/daemon")
sleep 0.3
t_ok test "$size" -gt 10
t_ok test "$size" = "$(stat -c %s "$work/root/daemon")"

if "$run" --limits > "$work/limits"; then
	t_case "a fork bomb is bounded"
	t_ok sandbox --processes 200 hostile fork 200
	t_ok no_hostile_process

	t_case "a fork bomb that ignores signals ends with the time limit"
	t_fail_with 124 sandbox --processes 300 --timeout 3 hostile fork-forever
	t_match "timed out" -
	t_ok no_hostile_process

	t_case "memory is bounded, and the message says so"
	t_fail_with 137 sandbox --memory 256M hostile memory 1024
	t_match "memory limit" -
else
	t_case "limits of memory and processes"
	t_skip "$(< "$work/limits")"
fi

t_case "a killed nimadm leaves no process and no control group for long"
"$run" --spot "$work/spot" --root "$work/root" --processes 100 --timeout 60 \
	hostile fork-forever &
bomb=$!
sleep 1
kill -KILL "$bomb"
wait "$bomb" 2>/dev/null || :
for _ in {1..100}; do
	no_hostile_process > /dev/null && break
	sleep 0.1
done
t_ok no_hostile_process
t_ok sandbox cat /lpp_source/package
t_ok no_group_of "$bomb"

t_case "a SPOT without its mount points is named"
mkdir -p "$work/bad"/{dev,proc,run,sys,tmp}
t_fail_with 125 "$run" --spot "$work/bad" --root "$work/root" cat
t_match "has no directory /alt_inst" -

t_case "nothing outside the alternate root has changed"
after=$(fingerprint)
t_equal "$before" "$after"
t_ok no_hostile_process

t_done
