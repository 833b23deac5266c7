#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Part of ./demo, which sets NIM_STATE, NIM_TEST_TMP and NIM_TEST_FIXTURE and has defined lpp13 and spot13: a running client's
# migration and its way back.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/machine.sh
. "$T_SRC/tests/vm/machine.sh"
# shellcheck source=tests/vm/web-client.sh
. "$T_SRC/tests/vm/web-client.sh"
PATH=$T_BUILD:$PATH
t_need_root
t_private_mounts "$@"
web_client_need

say() {
	printf '\n== %s\n' "$*"
}

# What the client itself says of what it runs.
shown() {
	machine shown | tee "$T_TMP/shown"
	cp "$T_TMP/shown" "$T_OUT"
}
inside shown <<'END'
. /etc/os-release
echo "  $(hostname) runs $PRETTY_NAME, kernel $(uname -r), / is on $(findmnt -no SOURCE /)"
echo "  nginx: $(systemctl is-active nginx); dpkg --audit: $(dpkg --audit | wc -l) lines"
lspv
END

say "A Debian 12 machine of its own: root on LVM, GRUB, sshd, nginx; and an empty disk beside it"
web_client_make lvm-bios
web_client_probe
web_client_served
shown

say "Its object: nim -o define -t standalone ... web1; nim -o check web1"
nim -o define -t standalone -a host=root@127.0.0.1 -a "ssh_port=$web_ssh_port" -a "ssh_options=$web_ssh_options" web1
t_at_exit nim -o remove web1
nim -o check web1

say "Migrating it while it serves its page: nimadm -c web1 -d /dev/vdb -l lpp13 -s spot13 -j $NIM_TEST_TMP/cache -Y -r"
begin=$EPOCHREALTIME
nimadm -c web1 -d /dev/vdb -l lpp13 -s spot13 -j "$NIM_TEST_TMP/cache" -Y -r
machine_up 120
web_client_served
shown
t_case "it runs Debian 13 from its other disk, with its services, and dpkg finds nothing to mend"
t_match 'runs Debian GNU/Linux 13' -
t_match 'nginx: active; dpkg --audit: 0 lines' -
t_match '^/dev/vdb .* rootvg +active' -
t_case "its page was away for one reboot only"
read -r down at <<<"$(web_client_gap "$begin" "$EPOCHREALTIME")"
read -r before _ <<<"$(web_client_gap "$begin" "$at")"
echo "  no page for $down s while it rebooted; in all the time before that, never for more than $before s"
t_ok awk -v a="$before" 'BEGIN { exit !(a < 10) }'

say "Going back: nimadm --rollback -r -c web1"
nimadm --rollback -r -c web1
machine_up 120
web_client_served
shown
t_case "it runs Debian 12 from its old disk again"
t_match 'runs Debian GNU/Linux 12' -
t_match 'nginx: active; dpkg --audit: 0 lines' -
t_match '^/dev/vda .* rootvg +active' -
machine_off
t_done
