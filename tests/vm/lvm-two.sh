# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The client of lvm-client.sh and its master in a User-Mode Linux each, joined by a bridge in a network namespace of the test's
# own. The client has a service that is asked all the time. Sourced after lib.sh.
#
#   lvm_two_need              skips the whole script where it cannot run
#   lvm_two_make DISK SPARE CACHE   as lvm_client_make; the last one is the master's (/dev/ubda there, at $shared)
#   lvm_two_client            starts the client; returns when it can be reached
#   lvm_two_lose              the client is gone at once
#   lvm_two_client_end        the client is told to end; its output
#   lvm_two_master            starts the master, whose commands are on standard input; lvm_two_wait waits for it
#   lvm_two_wait              until the master has ended: its output and status
#   lvm_two_until SECONDS CMD...   until CMD succeeds; 1: it did not within that time
#   lvm_two_unanswered BEGIN END   how often the service did not answer between two moments (seconds since 1970)
export T_CLIENT_HOST=10.9.0.2
# shellcheck source=tests/vm/lvm-client.sh
. "$T_SRC/tests/vm/lvm-client.sh"
lvm_two_net='' lvm_two_runs=0

lvm_two_need() {
	lvm_client_need
	t_need_tools ip nsenter unshare python3
	[ -c /dev/net/tun ] || t_skip_all "needs /dev/net/tun"
}

lvm_two_network() {
	local i
	unshare --net sleep infinity &
	lvm_two_net=$!
	t_at_exit kill "$lvm_two_net"
	# it has its namespace a moment later
	until [ "$(readlink "/proc/$lvm_two_net/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
	uml_in=(nsenter "--net=/proc/$lvm_two_net/ns/net")
	"${uml_in[@]}" ip link set lo up
	"${uml_in[@]}" ip link add bridge type bridge
	"${uml_in[@]}" ip addr add 10.9.0.254/24 dev bridge
	"${uml_in[@]}" ip link set bridge up
	for i in 1 2; do
		"${uml_in[@]}" ip tuntap add "tap$i" mode tap
		"${uml_in[@]}" ip link set "tap$i" master bridge up
	done
}

lvm_two_make() {
	lvm_client_make "$@"
	lvm_two_network
	cat >"$T_TMP/client.sh" <<-'END'
		ip addr add "$T_CLIENT_HOST/24" dev eth0
		ip link set eth0 up
		[ -e "$T_TMP/before" ] || fingerprint >"$T_TMP/before"
		lvm_client_sshd
		python3 -m http.server --bind "$T_CLIENT_HOST" --directory $r/etc 80 >/dev/null 2>&1 &
		touch "$T_TMP/client.up"
		until [ -e "$T_TMP/client.end" ]; do sleep 1; done
		fingerprint >"$T_TMP/after"
		grep -h VERSION_ID $r/etc/os-release
	END
	{
		echo ". $T_SRC/tests/vm/lvm-client-guest.sh"
		echo ". $T_TMP/client.sh"
	} >"$T_TMP/client.start"
	lvm_two_probe >"$T_TMP/probe" &
	t_at_exit kill "$!"
}

# shellcheck disable=SC2016 # of the other bash
# A line a second: the time, and whether the service has answered.
lvm_two_probe() {
	exec "${uml_in[@]}" bash -c '
		ask() {
			exec 3<>/dev/tcp/$T_CLIENT_HOST/80 && printf "GET /os-release HTTP/1.0\r\n\r\n" >&3 && grep -q VERSION_ID <&3
		} 2>/dev/null
		export -f ask
		while sleep 1; do
			now=$EPOCHSECONDS
			if timeout 20 bash -c ask; then echo "$now answered"; else echo "$now not"; fi
		done'
}

lvm_two_unanswered() {
	awk -v begin="$1" -v end="$2" '$1 >= begin && $1 <= end && $2 == "not" { n++ } END { print n + 0 }' "$T_TMP/probe"
}

lvm_two_until() {
	local end=$((SECONDS + $1))
	until "${@:2}"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 1
	done
}

lvm_two_client() {
	rm -f "$T_TMP/client.up" "$T_TMP/client.end"
	uml_start "$T_TMP/client.start" "ubda=$T_TMP/disk" "ubdb=$T_TMP/spare" eth0=tuntap,tap1,02:00:00:00:00:01
	lvm_two_client_pid=$uml_pid lvm_two_client_dir=$uml_dir
	lvm_two_until 300 test -e "$T_TMP/client.up"
}

lvm_two_lose() {
	uml_stop "$lvm_two_client_pid"
}

lvm_two_client_end() {
	touch "$T_TMP/client.end"
	uml_wait "$lvm_two_client_pid" "$lvm_two_client_dir"
}

lvm_two_master() {
	lvm_two_runs=$((lvm_two_runs + 1))
	{
		cat <<-END
			set -euo pipefail
			export PATH=$T_BUILD:\$PATH
			ip addr add 10.9.0.1/24 dev eth0
			ip link set eth0 up
			mount /dev/ubda $shared
		END
		cat
		echo "umount $shared"
	} >"$T_TMP/master-$lvm_two_runs"
	uml_start "$T_TMP/master-$lvm_two_runs" "ubda=$T_TMP/cache.img" eth0=tuntap,tap2,02:00:00:00:00:02
	lvm_two_master_pid=$uml_pid lvm_two_master_dir=$uml_dir
}

lvm_two_wait() {
	uml_wait "$lvm_two_master_pid" "$lvm_two_master_dir"
}
