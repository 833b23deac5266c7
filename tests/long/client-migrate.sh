#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real Debian 12 client in a machine of its own, root on LVM, that serves a web page, is migrated to 13 on its spare disk,
# cached, and rebooted into it (nimadm -r), while the page is asked for all the time; then it goes back to its old disk
# (nimadm --rollback -r), which is what it was. T_LAYOUT: another LVM layout of machine_disk. T_FROM=bullseye: from 11 to 12.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$(dirname "$0")/../fixture.sh"
machine_release=${T_FROM:-bookworm}
# shellcheck source=tests/vm/machine.sh
. "$(dirname "$0")/../vm/machine.sh"
# shellcheck source=tests/vm/web-client.sh
. "$(dirname "$0")/../vm/web-client.sh"
t_need_root
t_private_mounts "$@"
web_client_need
t_need_tools bwrap

export NIM_STATE=$T_TMP/state
case $machine_release in
bookworm)
	from=12 to=13 to_name=trixie
	fixture_make
	fixture_state "$NIM_STATE"
	;;
bullseye)
	from=11 to=12 to_name=bookworm
	nim -o define -t lpp_source -a release=$to_name -a location="$T_TMP/lpp12" lpp12
	nim -o define -t spot -a source=lpp12 -a location="$T_TMP/spot12" spot12
	;;
esac
layout=${T_LAYOUT:-lvm-bios}

# What an independent eye sees of the old disk: its partition table, boot sectors and GRUB's core; its volumes.
disk_print() {
	sfdisk -d "$1"
	# An ESP, where the core would be, changes when it is mounted.
	head -c "$([ "$layout" = lvm-bios ] && echo 2M || echo 1M)" "$1" | sha256sum
}
volumes='pvs --noheadings -o pv_name,pv_uuid,vg_name,vg_uuid /dev/vda3
lvs --noheadings -o lv_name,lv_uuid,lv_size,seg_pe_ranges rootvg'

t_case "a client ($layout) comes up, serves a page, and can be reached"
web_client_make "$layout"
t_ok nim -o define -t standalone -a host=root@127.0.0.1 -a "ssh_port=$web_ssh_port" -a "ssh_options=$web_ssh_options" web1
t_ok nim -o check web1
web_client_probe
t_ok web_client_served
t_ok disk_print "$T_TMP/a.disk"
cp "$T_OUT" "$T_TMP/print.before"
inside volumes <<<"$volumes"
t_ok machine volumes
cp "$T_OUT" "$T_TMP/volumes.before"

t_case "how long a plain reboot takes"
begin=$EPOCHREALTIME
t_ok machine_reboot 400
t_ok web_client_served
t_ok web_client_gap "$begin" "$EPOCHREALTIME"
read -r plain _ <"$T_OUT"
echo "a plain reboot: no page for $plain s"

t_case "it is migrated to its spare disk, and reboots into the new release"
begin=$EPOCHREALTIME
t_ok nimadm -c web1 -d /dev/vdb -j "$T_TMP/cache" -l "lpp$to" -s "spot$to" -Y -r
t_match "Phase 12 complete" -
t_match "web1 runs Debian GNU/Linux $to" -
# What the master has built need not be built on the client.
t_no_match "built anew" -
grep -E 'complete|answer' "$T_OUT"
t_ok machine_up 60
inside new <<'END'
. /etc/os-release
echo "codename $VERSION_CODENAME"
lspv
echo "audit: $(dpkg --audit | wc -l)"
lsblk -n -l -o NAME,MOUNTPOINTS
END
t_ok machine new
t_match "^codename $to_name\$" -
t_match '^/dev/vdb .* rootvg +active' -
t_match '^/dev/vda .* old_rootvg' -
t_no_match '^(vda|rootvg-).* /' -
t_match '^audit: 0$' -

t_case "each initramfs resumes from the clone's own swap space"
inside resume <<'END'
echo "swap UUID=$(swapon --show=UUID --noheadings)"
for version in $(cd /boot && ls initrd.img-* | sed s/initrd.img-//); do
	rm -rf /tmp/initrd
	unmkinitramfs "/boot/initrd.img-$version" /tmp/initrd
	cd /tmp/initrd
	[ ! -d main ] || cd main
	RESUME=
	for f in conf/conf.d/*; do . "./$f"; done
	echo "resume $RESUME $version"
done
ls /etc/nimadm
END
t_ok machine resume
swap=$(sed -n 's/^swap //p' "$T_OUT")
t_match '^swap UUID=.' -
t_equal "$swap $swap" "$(sed -n 's/^resume \([^ ]*\) .*/\1/p' "$T_OUT" | paste -sd ' ')"
t_no_match 'altinst\.(resume|initramfs)' -

t_ok web_client_served
t_case "it was down once, no longer than by a plain reboot and a fifth"
t_ok web_client_gap "$begin" "$EPOCHREALTIME"
read -r down at <"$T_OUT"
t_ok web_client_gap "$begin" "$at"
read -r before _ <"$T_OUT"
echo "no page for $down s (a plain reboot: $plain s); before that for $before s at most"
awk -v a="$down" -v b="$plain" 'BEGIN { exit !(a <= 1.2 * b) }' || t_fail "down for $down s, a plain reboot for $plain s"
awk -v a="$before" 'BEGIN { exit !(a < 10) }' || t_fail "the page was away for $before s while the client was migrated"

t_case "it goes back to its old disk, which is what it was"
t_ok nimadm --rollback -r -c web1
t_match "web1 runs Debian GNU/Linux $from" -
t_ok machine_up 60
t_ok disk_print "$T_TMP/a.disk"
cp "$T_OUT" "$T_TMP/print.after"
t_ok cmp "$T_TMP/print.before" "$T_TMP/print.after"
inside old <<'END'
. /etc/os-release
echo "codename $VERSION_CODENAME"
echo "audit: $(dpkg --audit | wc -l)"
systemctl is-active nginx ssh
END
t_ok machine old
t_match "^codename $machine_release\$" -
t_match '^audit: 0$' -
t_ok machine volumes
cp "$T_OUT" "$T_TMP/volumes.after"
t_ok cmp "$T_TMP/volumes.before" "$T_TMP/volumes.after"
t_ok machine_off

t_done
