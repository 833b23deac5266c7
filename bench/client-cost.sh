#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# client-cost.sh: what a migration costs the client itself, against an upgrade in place.
#
# A small Debian 12 on LVM in User-Mode Linux is migrated to 13 on its spare disk, cached (mode B). Counted is the processor
# time of everything that its sshd starts: the client's program, lvm, mkfs, the snapshots' reading. Then the same client
# is upgraded in place with apt full-upgrade, the archives there already, and the processor time of that is counted.
# Prints both and their ratio; exit status 0: at most 0.25. Also printed: the time from the start to the end of phase 10
# (the phases that touch the client's disks in User-Mode Linux, packages on this machine), and that of the upgrade. The small
# system has no kernel and no boot loader: neither side makes an initramfs or boot files, and phase 11 is left out.
. "$(dirname "$0")/need.sh"
need bwrap ssh ssh-keygen lvm sfdisk mke2fs lsblk findmnt blkid wipefs linux.uml
. "$(dirname "$0")/../tests/lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/fixture.sh"
. "$T_SRC/tests/vm/uml.sh"
uml_need
t_need_tools bwrap ssh ssh-keygen lvm sfdisk mke2fs lsblk findmnt blkid wipefs
. "$T_SRC/tests/vm/lvm-client.sh"
fixture_make
export UML_LIMIT=1500 UML_MEM=1500M T_CLIENT_ROOT=1000M T_CLIENT_VAR=500M
target=0.25
lvm_client_make 1700M 2500M 4G

job="-c c1 -d /dev/ubdb -j $shared/cache -l lpp13 -s spot13 -Y"
# A control group of the client's processes; seconds of processor time that they have used.
# shellcheck disable=SC2016
group='
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/client
in_client() { sh -c "echo \$\$ >/sys/fs/cgroup/client/cgroup.procs; exec \"\$@\"" sh "$@"; }
cost() { awk "\$1 == \"usage_usec\" { printf \"%.2f\n\", \$2 / 1e6 }" /sys/fs/cgroup/client/cpu.stat; }
'
# steps NAME PHASES: in the guest
steps() {
	lvm_client_inside "$1" <<-END
		$group
		lvm_client_sshd in_client
		SECONDS=0
		nimadm $job -P $2
		echo "seconds \$SECONDS"
		echo "client \$(cost)"
	END
}
value() { awk -v n="$1" '$1 == n { print $2 }' "$T_OUT"; }

client=0 took=0
count() {
	client=$(awk -v a="$client" -v b="$(value client)" 'BEGIN { print a + b }')
	took=$((took + $(value seconds)))
}

t_case "the client's part of a migration"
steps pull 0-3
t_ok lvm_client_guest pull
count
lvm_client_shared on
read -ra words <<<"$job"
SECONDS=0
t_ok nimadm "${words[@]}" -P 4-8
took=$((took + SECONDS))
lvm_client_shared off
steps push 9-10
t_ok lvm_client_guest push
count

t_case "an upgrade in place"
lvm_client_inside upgrade <<END
$group
cp -r $fixture/lpp13/lists/. \$r/var/lib/apt/lists/
mount -t tmpfs -o size=600M tmpfs \$r/var/cache/apt/archives
mkdir \$r/var/cache/apt/archives/partial
cp $fixture/lpp13/pool/*.deb \$r/var/cache/apt/archives/
rm -f \$r/etc/apt/sources.list.d/*
cp $fixture/lpp13/etc/sources.list.d/* \$r/etc/apt/sources.list.d/
sed -i /^Signed-By:/d \$r/etc/apt/sources.list.d/*
: >\$r/etc/apt/sources.list
SECONDS=0
in_client chroot \$r env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
	apt-get -y --no-download -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold full-upgrade
echo "seconds \$SECONDS"
echo "client \$(cost)"
grep VERSION_ID \$r/etc/os-release
END
t_ok lvm_client_guest upgrade
t_match 'VERSION_ID="13"' -
awk -v ours="$client" -v theirs="$(value client)" -v t="$target" 'BEGIN {
	printf "client: %.1f s of processor time, in place %.1f s, ratio %.2f (target %s)\n", ours, theirs, ours / theirs, t
	exit !(ours / theirs <= t)
}' || t_fail "the client pays more than $target of an upgrade in place"
echo "start to the end of phase 10: $took s (disks in User-Mode Linux, packages on this machine); in place there: $(value seconds) s"

t_done
