#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# edits.sh ROOT PROFILE: makes a freshly installed tree look like a server that somebody runs: edited
# configuration, local users, capabilities, ACLs, hard links, a sparse file, held and foreign packages.
# Each edit is made only where its package is there. Needs no network; runs on the build machine as root.
set -euo pipefail

root=${1:?usage: edits.sh ROOT PROFILE}
profile=${2:?usage: edits.sh ROOT PROFILE}

inside()
{
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive "$@"
}

has()
{
	[ -e "$root$1" ]
}

# As an administrator does with an editor: the file's owner and mode stay.
edit()
{
	local file=$root$1
	shift
	[ -f "$file" ] || return 0
	sed -i "$@" "$file"
}

identity()
{
	echo "$profile.example.org" >"$root/etc/hostname"
	printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s.example.org %s\n' "$profile" "$profile" \
		>"$root/etc/hosts"
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	chmod 444 "$root/etc/machine-id"
	cat >"$root/etc/fstab" <<-'EOF'
		# /etc/fstab: static file system information.
		UUID=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b01 /     ext4 errors=remount-ro 0 1
		UUID=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b02 /boot ext4 defaults          0 2
		UUID=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b03 none  swap sw                0 0
	EOF
	mkdir -p "$root/etc/initramfs-tools/conf.d"
	echo RESUME=UUID=6a1f0d52-64f5-4c0d-9a5e-0f1f0e7f5b03 \
		>"$root/etc/initramfs-tools/conf.d/resume"
	mkdir -p "$root/etc/network"
	cat >"$root/etc/network/interfaces" <<-'EOF'
		auto lo
		iface lo inet loopback

		allow-hotplug enp1s0
		iface enp1s0 inet static
		    address 192.0.2.10/24
		    gateway 192.0.2.1
	EOF
}

people()
{
	inside groupadd --gid 1500 ops
	inside useradd --uid 1001 --gid ops --create-home --shell /bin/bash alice
	inside useradd --uid 1002 --gid ops --create-home --shell /bin/bash --groups adm bob
	inside useradd --system --uid 450 --home-dir /srv/app --shell /usr/sbin/nologin appuser
	# An account without a password would be "locked" like the others; one has a real hash.
	# shellcheck disable=SC2016
	inside usermod --password '$6$saltsalt$notarealhashbutlongenoughtolooklikeone' alice
	mkdir "$root/home/alice/.ssh"
	chmod 700 "$root/home/alice/.ssh"
	echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEexamplekeyexamplekeyexamplekeyexamplekey alice" \
		>"$root/home/alice/.ssh/authorized_keys"
	inside chown -R alice:ops /home/alice/.ssh
	if has /etc/sudoers.d; then
		echo "%ops ALL=(ALL) NOPASSWD: /usr/bin/systemctl restart *" >"$root/etc/sudoers.d/ops"
		chmod 440 "$root/etc/sudoers.d/ops"
	fi
	mkdir -p "$root/var/spool/cron/crontabs"
	echo "17 3 * * * /usr/local/sbin/nightly" >"$root/var/spool/cron/crontabs/alice"
	inside chown alice:crontab /var/spool/cron/crontabs/alice
	chmod 600 "$root/var/spool/cron/crontabs/alice"
}

configuration()
{
	edit /etc/ssh/sshd_config -e 's/^#PermitRootLogin.*/PermitRootLogin no/' \
		-e 's/^#MaxAuthTries.*/MaxAuthTries 3/'
	edit /etc/default/grub -e 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT=2/' \
		-e 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="console=ttyS0"/'
	edit /etc/logrotate.conf -e 's/^rotate 4/rotate 13/'
	edit /etc/login.defs -e 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS\t365/'
	edit /etc/chrony/chrony.conf -e 's/^pool .*/server ntp.example.org iburst/'
	edit /etc/sysctl.conf -e 's/^#net.ipv4.ip_forward=1/net.ipv4.ip_forward=1/'
	# shellcheck disable=SC2016
	edit /etc/rsyslog.conf -e '$a *.err @loghost.example.org'
	edit /etc/systemd/journald.conf -e 's/^#SystemMaxUse=.*/SystemMaxUse=200M/'
	edit /etc/nginx/nginx.conf -e 's/worker_connections 768/worker_connections 4096/'
	edit /etc/fail2ban/jail.conf -e 's/^bantime  = 10m/bantime  = 1h/'
	edit /etc/apache2/apache2.conf -e 's/^Timeout 300/Timeout 60/'
	edit /etc/redis/redis.conf -e 's/^# maxmemory <bytes>/maxmemory 256mb/'
	edit /etc/bind/named.conf.options -e '/directory/a\	allow-transfer { none; };'
	edit /etc/samba/smb.conf -e 's/^   workgroup = .*/   workgroup = EXAMPLE/'
	edit /etc/postfix/main.cf -e 's/^myhostname.*/myhostname = mail.example.org/'
	edit /etc/dovecot/dovecot.conf -e 's/^#listen = .*/listen = */'
	edit /etc/lvm/lvm.conf -e 's/# issue_discards = .*/issue_discards = 1/'
	local conf
	for conf in "$root"/etc/postgresql/*/main/postgresql.conf; do
		[ -f "$conf" ] && sed -i 's/^shared_buffers = .*/shared_buffers = 256MB/' "$conf"
	done
	for conf in "$root"/etc/php/*/fpm/php.ini; do
		[ -f "$conf" ] && sed -i 's/^memory_limit = .*/memory_limit = 256M/' "$conf"
	done
	if has /etc/nginx/sites-available; then
		printf 'server {\n\tlisten 8080;\n\troot /srv/www;\n}\n' \
			>"$root/etc/nginx/sites-available/intranet"
		ln -s ../sites-available/intranet "$root/etc/nginx/sites-enabled/intranet"
		rm -f "$root/etc/nginx/sites-enabled/default"
	fi
	# A unit that the administrator masked and one of his own.
	ln -s /dev/null "$root/etc/systemd/system/apt-daily.timer"
	printf '[Unit]\nDescription=Application\n\n[Service]\nExecStart=/srv/app/run\nUser=appuser\n\n%s\n' \
		'[Install]
WantedBy=multi-user.target' >"$root/etc/systemd/system/app.service"
	mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
	ln -s /etc/systemd/system/app.service \
		"$root/etc/systemd/system/multi-user.target.wants/app.service"
}

files()
{
	mkdir -p "$root/srv/www" "$root/srv/app" "$root/srv/data"
	echo '<h1>It works</h1>' >"$root/srv/www/index.html"
	printf '#!/bin/sh\nexec sleep infinity\n' >"$root/srv/app/run"
	chmod 755 "$root/srv/app/run"
	cp "$root/bin/sleep" "$root/srv/app/listener"
	inside setcap cap_net_bind_service=+ep /srv/app/listener
	inside setfacl -m u:appuser:rwX -m d:u:appuser:rwX /srv/data
	echo one >"$root/srv/data/one"
	ln "$root/srv/data/one" "$root/srv/data/one.link"
	ln "$root/srv/data/one" "$root/srv/www/one"
	truncate -s 64M "$root/srv/data/sparse.img"
	printf head | dd of="$root/srv/data/sparse.img" conv=notrunc status=none
	printf tail | dd of="$root/srv/data/sparse.img" bs=1M seek=63 conv=notrunc status=none
	inside setfattr -n user.origin -v example /srv/data/one
	printf 'a name with blanks and \\ and \303\274\n' >"$root/srv/data/odd name \\ $(printf '\303\274')"
	mkfifo "$root/srv/app/pipe"
	inside chown -R appuser:ops /srv/app
	inside setcap cap_net_bind_service=+ep /srv/app/listener
	chmod 2775 "$root/srv/data"
	mkdir -p "$root/usr/local/sbin" "$root/opt/tool/bin"
	printf '#!/bin/sh\necho nightly\n' >"$root/usr/local/sbin/nightly"
	chmod 755 "$root/usr/local/sbin/nightly"
	ln -s ../../../usr/local/sbin/nightly "$root/opt/tool/bin/nightly"
}

# In no archive: built here, as an administrator's own package.
foreign_package()
{
	local dir
	dir=$(mktemp -d)
	mkdir -p "$dir/DEBIAN" "$dir/etc/acme" "$dir/usr/bin"
	cat >"$dir/DEBIAN/control" <<-'EOF'
		Package: acme-agent
		Version: 1.4-1
		Architecture: all
		Maintainer: Acme Operations <ops@example.org>
		Depends: libc6 (>= 2.31)
		Section: admin
		Priority: optional
		Description: the site's own agent
		 In no archive; a migration must keep it.
	EOF
	echo /etc/acme/agent.conf >"$dir/DEBIAN/conffiles"
	echo "server = acme.example.org" >"$dir/etc/acme/agent.conf"
	printf '#!/bin/sh\necho acme-agent 1.4\n' >"$dir/usr/bin/acme-agent"
	chmod 755 "$dir" "$dir/usr/bin/acme-agent"
	dpkg-deb --build --root-owner-group "$dir" "$root/acme-agent.deb" >/dev/null
	inside dpkg -i /acme-agent.deb >/dev/null
	rm -rf "$dir" "$root/acme-agent.deb"
	echo "server = acme1.example.org" >"$root/etc/acme/agent.conf"
}

packages()
{
	foreign_package
	if has /usr/bin/htop; then
		inside apt-mark hold htop >/dev/null
	fi
	if has /usr/share/grub-pc 2>/dev/null || has /usr/lib/grub/i386-pc; then
		# The trap of a real machine: the debconf answer names its boot disk.
		echo "grub-pc grub-pc/install_devices multiselect /dev/disk/by-id/ata-EXAMPLE_DISK_0001" |
			inside debconf-set-selections
	fi
}

identity
people
configuration
files
packages
