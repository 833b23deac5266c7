#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# in-place.sh TREE: apt full-upgrade in a chroot, for parity.sh, which calls it in namespaces of its own.
set -euo pipefail
tree=$1

hostname "$(cat "$tree/etc/hostname")"
mount -t proc proc "$tree/proc"
for dir in run tmp dev; do
	mount -t tmpfs tmpfs "$tree/$dir"
done
for node in null zero full random urandom tty; do
	: >"$tree/dev/$node"
	mount --bind "/dev/$node" "$tree/dev/$node"
done
mkdir "$tree/dev/pts" "$tree/dev/shm" "$tree/run/lock"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$tree/dev/pts"
ln -s pts/ptmx "$tree/dev/ptmx"
ln -s /proc/self/fd "$tree/dev/fd"
chmod 1777 "$tree/tmp" "$tree/run/lock" "$tree/dev/shm"

TIMEFORMAT='SECONDS %R'
time chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
	DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true APT_LISTCHANGES_FRONTEND=none \
	NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1 \
	apt-get -y --no-download -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
	full-upgrade </dev/null
