#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Three real Debian 12 clients at once, each a machine of its own layout that serves a web page, are migrated to 13 by one
# command, reboot into it, and one of them goes back.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# One archive of the client's tree for all.
export NIM_TEST_FIXTURE=${NIM_TEST_FIXTURE:-$T_TMP/fixture}
# shellcheck source=tests/fixture.sh
. "$(dirname "$0")/../fixture.sh"
# shellcheck source=tests/vm/machine.sh
. "$(dirname "$0")/../vm/machine.sh"
# shellcheck source=tests/vm/web-client.sh
. "$(dirname "$0")/../vm/web-client.sh"
t_need_root
t_private_mounts "$@"
web_client_need
t_need_tools bwrap
fixture_make
export QEMU_SMP=1 NIM_STATE=$T_TMP/state
fixture_state "$NIM_STATE"
cache=$T_TMP/cache

# on NAME: from here on that machine is the one that machine.sh and web-client.sh drive, with a directory of its own.
declare -A layouts=([web1]=lvm-bios [web2]=plain-uefi [web3]=btrfs-bios) kept=()
names=(web1 web2 web3)
own=(T_TMP qemu_pid qemu_dir qemu_vars machine_in_fd machine_out_fd web_ssh_port web_ssh_options web_url)
machine_now=''
on() {
	local name
	for name in "${own[@]}"; do kept[$machine_now.$name]=${!name-}; done
	machine_now=$1
	for name in "${own[@]}"; do printf -v "$name" '%s' "${kept[$machine_now.$name]-}"; done
}
new_machine() {
	local top=$T_TMP
	on "$1"
	T_TMP=$top/$1 qemu_vars=$top/$1/vars qemu_options=()
	mkdir "$T_TMP"
	machine_need
	web_client_make "${layouts[$1]}"
}
stop_all() {
	local name
	for name in "${names[@]}"; do
		on "$name"
		qemu_stop
	done
	on ''
}
t_at_exit stop_all

t_case "three clients come up, serve their pages, and can be reached"
for name in "${names[@]}"; do
	on ''
	new_machine "$name"
	t_ok nim -o define -t standalone -a host=root@127.0.0.1 -a "ssh_port=$web_ssh_port" -a "ssh_options=$web_ssh_options" "$name"
	t_ok nim -o check "$name"
	web_client_probe
	t_ok web_client_served
done
on ''

t_case "one command migrates them, and reboots each"
begin=$EPOCHREALTIME
t_ok nimadm -c web1,web2,web3 -d /dev/vdb -j "$cache" -l lpp13 -s spot13 -Y -r --jobs 3
cp "$T_OUT" "$T_TMP/out"
grep -E 'Phase (1|3|6|9|11|12) complete|answer' "$T_TMP/out"
t_ok nimadm --status
for name in "${names[@]}"; do t_match " $name .* done" -; done

for name in "${names[@]}"; do
	t_case "$name (${layouts[$name]}) runs the new release from its new disk"
	t_match "$name runs Debian GNU/Linux 13" "$T_TMP/out"
	on "$name"
	t_ok machine_up 60
	inside new <<'END'
. /etc/os-release
echo "codename $VERSION_CODENAME"
lspv
echo "audit: $(dpkg --audit | wc -l)"
END
	t_ok machine new
	t_match '^codename trixie$' -
	t_match '^/dev/vdb .* rootvg +active' -
	t_match '^/dev/vda .* old_rootvg' -
	t_match '^audit: 0$' -
	t_ok web_client_served
	t_ok web_client_gap "$begin" "$EPOCHREALTIME"
	read -r down at <"$T_OUT"
	t_ok web_client_gap "$begin" "$at"
	read -r before _ <"$T_OUT"
	echo "$name: no page for $down s in its reboot, for $before s at most before"
	awk -v a="$before" 'BEGIN { exit !(a < 10) }' || t_fail "the page was away for $before s while the client was migrated"
	on ''
done

t_case "one goes back, the others stay"
t_ok nimadm --rollback -r -c web2
t_match "web2 runs Debian GNU/Linux 12" -
for name in "${names[@]}"; do
	on "$name"
	[ "$name" != web2 ] || t_ok machine_up 60
	inside release <<'END'
. /etc/os-release
echo "$VERSION_CODENAME $(dpkg --audit | wc -l) $(systemctl is-active nginx ssh | tr '\n' ' ')"
END
	t_ok machine release
	case $name in
	web2) t_match '^bookworm 0 active active' - ;;
	*) t_match '^trixie 0 active active' - ;;
	esac
	t_ok machine_off
	on ''
done

t_done
