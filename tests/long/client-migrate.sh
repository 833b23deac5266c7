#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real Debian 12 client in a machine of its own, root on LVM, that serves a web page, is migrated to 13 on its spare disk,
# cached, and rebooted into it (nimadm -r), while the page is asked for all the time; then it goes back to its old disk
# (nimadm --rollback -r), which is what it was.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$(dirname "$0")/../fixture.sh"
# shellcheck source=tests/vm/uml.sh
. "$(dirname "$0")/../vm/uml.sh"
# shellcheck source=tests/vm/qemu.sh
. "$(dirname "$0")/../vm/qemu.sh"
# shellcheck source=tests/vm/machine.sh
. "$(dirname "$0")/../vm/machine.sh"
t_need_root
t_private_mounts "$@"
machine_need
t_need_tools bwrap ssh ssh-keygen python3
fixture_make

export NIM_STATE=$T_TMP/state
fixture_state "$NIM_STATE"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
ssh_port=$(free_port) web_port=$(free_port)
qemu_options+=(-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$ssh_port-:22,hostfwd=tcp:127.0.0.1:$web_port-:8080"
	-device "virtio-net-pci,netdev=net,romfile=")

ssh-keygen -q -t ed25519 -N '' -C test -f "$T_TMP/id"
cat >"$T_TMP/ssh_config" <<END
IdentityFile $T_TMP/id
IdentitiesOnly yes
UserKnownHostsFile $T_TMP/known_hosts
GlobalKnownHostsFile none
END

# Asks for the page every 100 ms until it is ended; a line for each answer: when it came, and "ok" or what was wrong.
cat >"$T_TMP/probe.py" <<'END'
import sys, time, urllib.request
url, out = sys.argv[1], open(sys.argv[2], "w", buffering=1)
while True:
    begin = time.time()
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            said = "ok" if b"page of the test" in answer.read() else "another page"
    except OSError as e:
        said = type(e).__name__
    print("%.2f %s" % (time.time(), said), file=out)
    time.sleep(max(0, 0.1 - (time.time() - begin)))
END
# Until the page has been there for some seconds again.
served() {
	local end=$((SECONDS + 300))
	until [ "$(tail -n 20 "$T_TMP/probe" | grep -c ' ok$')" = 20 ]; do
		[ "$SECONDS" -lt "$end" ] || t_fail "the page has not come back in 300 s"
		[ "$SECONDS" -lt "$end" ] || break
		sleep 0.5
	done
}

# The longest time between two good answers, begun between two moments: "SECONDS WHEN".
cat >"$T_TMP/gap.py" <<'END'
import sys
path, begin, end = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
good = [float(line.split()[0]) for line in open(path) if line.rstrip().endswith(" ok")]
good = [t for t in good if begin <= t <= end]
gaps = sorted((b - a, a) for a, b in zip(good, good[1:]))
print("%.1f %.2f" % gaps[-1])
END

# What an independent eye sees of the old disk: its partition table, boot sectors and GRUB's core; its volumes.
disk_print() {
	sfdisk -d "$1"
	head -c 2M "$1" | sha256sum
}
volumes='pvs --noheadings -o pv_name,pv_uuid,vg_name,vg_uuid /dev/vda3
lvs --noheadings -o lv_name,lv_uuid,lv_size,seg_pe_ranges rootvg'

t_case "the client comes up, serves a page, and can be reached"
t_ok machine_disk "$T_TMP/a.disk"
truncate -s 4G "$T_TMP/b.disk"
t_ok machine_start bios "$T_TMP/a.disk" "$T_TMP/b.disk"
t_ok machine_up 400
inside network <<END
cat >/etc/systemd/network/10-test.network <<'EOF'
[Match]
Name=e*
[Network]
Address=10.0.2.15/24
EOF
systemctl enable --now systemd-networkd
mkdir -p /srv/www
echo 'The page of the test' >/srv/www/index.html
mkdir -p -m 700 /root/.ssh
echo '$(<"$T_TMP/id.pub")' >/root/.ssh/authorized_keys
sed -i 's/^PermitRootLogin .*/PermitRootLogin prohibit-password/' /etc/ssh/sshd_config
systemctl restart ssh
cat /etc/ssh/ssh_host_ed25519_key.pub
END
t_ok machine network
echo "[127.0.0.1]:$ssh_port $(grep -o 'ssh-ed25519 .*' "$T_OUT")" >"$T_TMP/known_hosts"
t_ok nim -o define -t standalone -a host=root@127.0.0.1 -a "ssh_port=$ssh_port" -a "ssh_options=-F $T_TMP/ssh_config" web1
t_ok nim -o check web1
: >"$T_TMP/probe"
python3 "$T_TMP/probe.py" "http://127.0.0.1:$web_port/" "$T_TMP/probe" &
probe=$!
t_at_exit kill "$probe"
served
t_ok disk_print "$T_TMP/a.disk"
cp "$T_OUT" "$T_TMP/print.before"
inside volumes <<<"$volumes"
t_ok machine volumes
cp "$T_OUT" "$T_TMP/volumes.before"

t_case "how long a plain reboot takes"
begin=$EPOCHREALTIME
t_ok machine_reboot 400
served
t_ok python3 "$T_TMP/gap.py" "$T_TMP/probe" "$begin" "$EPOCHREALTIME"
read -r plain _ <"$T_OUT"
echo "a plain reboot: no page for $plain s"

t_case "it is migrated to its spare disk, and reboots into the new release"
begin=$EPOCHREALTIME
t_ok nimadm -c web1 -d /dev/vdb -j "$T_TMP/cache" -l lpp13 -s spot13 -Y -r
t_match "Phase 12 complete" -
t_match "web1 runs Debian GNU/Linux 13" -
grep -E 'complete|answer' "$T_OUT"
t_ok machine_up 60
inside new <<'END'
. /etc/os-release
echo "codename $VERSION_CODENAME"
lspv
echo "audit: $(dpkg --audit | wc -l)"
echo "ping: $(getcap "$(command -v ping)")"
lsblk -n -l -o NAME,MOUNTPOINTS,LABEL,UUID
cat /etc/fstab
END
t_ok machine new
cat "$T_OUT"
t_match '^codename trixie$' -
t_match '^/dev/vdb .* rootvg +active' -
t_match '^/dev/vda .* old_rootvg +asleep' -
t_match '^audit: 0$' -

served
t_case "it was down once, no longer than by a plain reboot and a fifth"
t_ok python3 "$T_TMP/gap.py" "$T_TMP/probe" "$begin" "$EPOCHREALTIME"
read -r down at <"$T_OUT"
t_ok python3 "$T_TMP/gap.py" "$T_TMP/probe" "$begin" "$at"
read -r before _ <"$T_OUT"
echo "no page for $down s (a plain reboot: $plain s); before that for $before s at most"
awk -v a="$down" -v b="$plain" 'BEGIN { exit !(a <= 1.2 * b) }' || t_fail "down for $down s, a plain reboot for $plain s"
awk -v a="$before" 'BEGIN { exit !(a < 10) }' || t_fail "the page was away for $before s while the client was migrated"

t_case "it goes back to its old disk, which is what it was"
t_ok nimadm --rollback -r -c web1
t_match "web1 runs Debian GNU/Linux 12" -
t_ok machine_up 60
t_ok disk_print "$T_TMP/a.disk"
t_ok cmp "$T_TMP/print.before" "$T_OUT"
inside old <<'END'
. /etc/os-release
echo "codename $VERSION_CODENAME"
echo "audit: $(dpkg --audit | wc -l)"
systemctl is-active nginx ssh
END
t_ok machine old
t_match '^codename bookworm$' -
t_match '^audit: 0$' -
t_ok machine volumes
t_ok cmp "$T_TMP/volumes.before" "$T_OUT"
t_ok machine_off

t_done
