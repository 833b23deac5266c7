# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Clients for tests that need a real one: the small Debian 12 of tests/fixture.sh as a root of its own, with a real sshd, in
# namespaces of its own, on a file system of its own, behind a link of its own. Sourced after lib.sh and fixture.sh;
# needs t_private_mounts.
#
#   client_make NAME     unpacks the tree ($clients/NAME/root) and makes its keys
#   client_twin OLD NEW  the same with a copy of the disk of OLD, which does not run
#   client_start NAME    starts its sshd; $client_host is its address, $client_ssh the ssh_options of it
#   client_stop NAME     ends all its processes
#   client_run NAME CMD  runs a command as root there, without ssh
#   client_tree NAME     prints a digest of everything in its tree but /run and what sshd writes
#
# Our own keys, known_hosts and ssh configuration: nothing of the user who runs the tests is read or written.

clients=$T_TMP/clients
: "${fixture:?}" # of tests/fixture.sh
client_net=198.18.$((RANDOM % 250 + 1))
client_number=0

client_need()
{
	t_need_root
	t_need_tools ssh ssh-keygen ip unshare nsenter pivot_root mkfs.ext4
	(unshare --net sleep 5 & pid=$!; ip link add "nmt$$" type veth peer name nmt netns "$pid" 2>/dev/null &&
		ip link del "nmt$$") || t_skip_all "no veth links between network namespaces here"
}

client_make()
{
	local dir=$clients/$1
	mkdir -p "$dir/root"
	truncate -s 2G "$dir/disk"
	mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 "$dir/disk"
	mount -o loop "$dir/disk" "$dir/root"
	rmdir "$dir/root/lost+found"
	mksysb --extract "$fixture/mini12.mksysb" --target "$dir/root" >/dev/null
	client_personal "$1"
}

client_twin()
{
	local dir=$clients/$2
	mkdir -p "$dir/root"
	umount "$clients/$1/root"
	cp --sparse=always --reflink=auto "$clients/$1/disk" "$dir/disk"
	mount -o loop "$clients/$1/disk" "$clients/$1/root"
	mount -o loop "$dir/disk" "$dir/root"
	client_personal "$2"
}

# What is each client's own.
client_personal()
{
	local dir=$clients/$1
	mkdir "$dir/keys"
	printf 'UUID=%s / ext4 errors=remount-ro 0 1\n' "$(blkid -s UUID -o value "$dir/disk")" >"$dir/root/etc/fstab"
	echo "$1" >"$dir/root/etc/hostname"
	ssh-keygen -q -t ed25519 -N '' -C test -f "$dir/keys/host"
	[ -f "$clients/id" ] || ssh-keygen -q -t ed25519 -N '' -C test -f "$clients/id"
	cat >"$dir/keys/sshd_config" <<-END
		Port 22
		HostKey /run/test/host
		AuthorizedKeysFile /run/test/id.pub
		PermitRootLogin prohibit-password
		PasswordAuthentication no
		UsePAM no
		StrictModes no
		PidFile none
		MaxStartups 100
	END
	# the first process of the client: its root becomes ours, then sshd
	cat >"$dir/keys/init" <<-'END'
		set -e
		dir=$1 address=$2
		hostname "${dir##*/}"
		mount --make-rprivate /
		mount --bind "$dir/root" "$dir/root"
		cd "$dir/root"
		mount -t proc proc proc
		mount -t sysfs -o ro sysfs sys
		mount -t tmpfs -o mode=755 tmpfs run
		mount -t tmpfs -o mode=755 tmpfs dev
		for d in null zero full random urandom tty; do cp -a "/dev/$d" dev/; done
		source=$(findmnt -n -o SOURCE --target "$dir/root" | head -n 1); source=${source%%\[*}
		[ -b "$source" ] && cp -a "$source" dev/
		mkdir -p run/test run/sshd run/lock dev/pts dev/shm
		cp "$dir/keys/host" "$dir/keys/sshd_config" "$dir/../id.pub" run/test/
		chmod 600 run/test/host
		ip link set lo up
		echo started >"$dir/started"
		for _ in $(seq 100); do ip link show nmt >/dev/null 2>&1 && break; sleep 0.1; done
		ip addr add "$address/30" dev nmt
		ip link set nmt up
		mkdir -p run/old
		pivot_root . run/old
		umount -l /run/old
		exec /usr/sbin/sshd -D -e -f /run/test/sshd_config
	END
	t_at_exit client_remove "$1"
}

client_start()
{
	local dir=$clients/$1 link=nm$$_$1 pid
	client_number=$((client_number + 1))
	local ours=$client_net.$((client_number * 4 + 1)) its=$client_net.$((client_number * 4 + 2))
	rm -f "$dir/started"
	setsid unshare --mount --pid --net --uts --ipc --fork --kill-child --propagation private \
		bash "$dir/keys/init" "$dir" "$its" >"$dir/sshd.log" 2>&1 </dev/null &
	pid=$!
	echo "$pid" >"$dir/pid"
	for _ in $(seq 100); do [ -s "$dir/started" ] && break; sleep 0.05; done
	# the process in the namespaces is the child of unshare
	pgrep -P "$pid" >"$dir/inner"
	ip link add "${link:0:15}" type veth peer name nmt netns "$(<"$dir/inner")"
	ip addr add "$ours/30" dev "${link:0:15}"
	ip link set "${link:0:15}" up
	client_host=$its
	echo "$client_host $(<"$dir/keys/host.pub")" >>"$clients/known_hosts"
	cat >"$clients/ssh_config" <<-END
		IdentityFile $clients/id
		IdentitiesOnly yes
		UserKnownHostsFile $clients/known_hosts
		GlobalKnownHostsFile none
	END
	# shellcheck disable=SC2034 # for whoever sources this
	client_ssh="-F $clients/ssh_config -o ConnectTimeout=3"
	for _ in $(seq 100); do
		(exec 3<>"/dev/tcp/$client_host/22") 2>/dev/null && return 0
		sleep 0.1
	done
	cat "$dir/sshd.log" >&2
	return 1
}

client_stop()
{
	local dir=$clients/$1 pid
	[ -s "$dir/pid" ] || return 0
	pid=$(<"$dir/pid")
	rm -f "$dir/pid"
	# it was not started by this shell where a caller has a shell of its own
	kill -KILL "$pid" 2>/dev/null || return 0
	wait "$pid" 2>/dev/null || test $? -gt 126
}

client_remove()
{
	client_stop "$1"
	umount "$clients/$1/root"
}

client_run()
{
	local dir=$clients/$1
	shift
	nsenter --target "$(<"$dir/inner")" --mount --pid --net --uts --ipc --root --wd -- "$@"
}

# Not the times of directories: a file that came and went is allowed there.
client_tree()
{
	(
		cd "$clients/$1/root" || exit
		find . -xdev \( -path ./var/log -o -path ./run \) -prune -o -type d -printf '%p %m %U %G\n' | LC_ALL=C sort
		find . -xdev \( -path ./var/log -o -path ./run \) -prune -o ! -type d -printf '%p %y %m %U %G %s %T@ %n %l\n' |
			LC_ALL=C sort
		find . -xdev \( -path ./var/log -o -path ./run \) -prune -o -type f -print0 | LC_ALL=C sort -z |
			xargs -0 sha256sum
	) | sha256sum
}
