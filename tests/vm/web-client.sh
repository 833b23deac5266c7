# shellcheck shell=bash disable=SC2034,SC2054,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# A real Debian client in QEMU (machine_release) that serves a web page, can be reached by ssh from here, and is asked for its page all the time.
# Source it after ../lib.sh and machine.sh.
#
#   web_client_need                    as machine_need
#   web_client_make [LAYOUT]           the client is up: its disk is $T_TMP/a.disk (/dev/vda), beside an empty one of 4 GB (/dev/vdb).
#                                      LAYOUT as of machine_disk; $web_ssh_port, $web_ssh_options and $web_url reach it
#   web_client_probe                   from now on its page is asked for every 100 ms
#   web_client_served                  until the page has been there for some seconds; 1: not within 300 seconds
#   web_client_gap BEGIN END           the longest time without the page between two moments (of EPOCHREALTIME), and when it began

web_client_need() {
	machine_need
	t_need_tools ssh ssh-keygen python3
}

web_client_free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

web_client_make() {
	local layout=${1:-lvm-bios} port
	web_ssh_port=$(web_client_free_port) port=$(web_client_free_port)
	web_url=http://127.0.0.1:$port/
	qemu_options+=(-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$web_ssh_port-:22,hostfwd=tcp:127.0.0.1:$port-:8080"
		-device "virtio-net-pci,netdev=net,romfile=")
	ssh-keygen -q -t ed25519 -N '' -C test -f "$T_TMP/id"
	cat >"$T_TMP/ssh_config" <<END
IdentityFile $T_TMP/id
IdentitiesOnly yes
UserKnownHostsFile $T_TMP/known_hosts
GlobalKnownHostsFile none
END
	web_ssh_options="-F $T_TMP/ssh_config"
	machine_disk "$T_TMP/a.disk" "$layout"
	truncate -s 4G "$T_TMP/b.disk"
	machine_start "${layout#*-}" "$T_TMP/a.disk" "$T_TMP/b.disk"
	machine_up 400
	if [ "${layout#*-}" = uefi ]; then
		# The firmware knows no entry of it yet.
		inside entry <<<'grub-install && sync'
		machine entry
	fi
	inside network <<END
set -e
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
	machine network >"$T_TMP/network"
	echo "[127.0.0.1]:$web_ssh_port $(grep -o 'ssh-ed25519 .*' "$T_TMP/network")" >"$T_TMP/known_hosts"
}

# A line for each answer: when it came, and "ok" or what was wrong.
web_client_probe() {
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
	: >"$T_TMP/probe"
	python3 "$T_TMP/probe.py" "$web_url" "$T_TMP/probe" &
	t_at_exit kill "$!"
}

web_client_served() {
	local end=$((SECONDS + 300))
	until [ "$(tail -n 20 "$T_TMP/probe" | grep -c ' ok$')" = 20 ]; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "the page has not come back in 300 s"
			return 1
		fi
		sleep 0.5
	done
}

web_client_gap() {
	python3 - "$T_TMP/probe" "$1" "$2" <<'END'
import sys
path, begin, end = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
good = [float(line.split()[0]) for line in open(path) if line.rstrip().endswith(" ok")]
good = [t for t in good if begin <= t <= end]
gaps = sorted((b - a, a) for a, b in zip(good, good[1:]))
print("%.1f %.2f" % gaps[-1])
END
}
