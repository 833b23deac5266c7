# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A running client on LVM, with sshd, that shares a User-Mode Linux with its master for the phases that touch disks; the
# packages' phases run on this machine, with the cache on a disk image that both mount. Sourced after lib.sh.
#
#   lvm_client_need            skips the whole script where it cannot run
#   lvm_client_make DISK SPARE CACHE   of these sizes: its disk (/dev/ubda), the spare one (/dev/ubdb) and the shared one;
#                              keys; the objects c1, mini12, lpp13 and spot13 in $NIM_STATE. $T_CLIENT_ROOT and
#                              $T_CLIENT_VAR size its two volumes, $T_CLIENT_HOST is its address; more disks may be added
#                              to $lvm_client_disks
#                              $lvm_client_job is what migrates it to its spare disk (mode B)
#   lvm_client_inside NAME     the commands on standard input are what guest NAME runs as the master;
#                              lvm-client-guest.sh says what is there
#   lvm_client_guest NAME      runs them
#   lvm_client_here PHASES [OPTION...]   that job's phases that need no disk, on this machine
#   lvm_client_shared on|off   the shared disk ($shared) here: never while a guest runs
export T_CLIENT_ROOT=${T_CLIENT_ROOT:-450M} T_CLIENT_VAR=${T_CLIENT_VAR:-300M} T_CLIENT_HOST=${T_CLIENT_HOST:-127.0.0.1}
shared=$T_TMP/shared
lvm_client_job="-c c1 -d /dev/ubdb -j $shared/cache -l lpp13 -s spot13 -Y"
lvm_client_disks=("ubda=$T_TMP/disk" "ubdb=$T_TMP/spare" "ubdc=$T_TMP/cache.img")

# shellcheck source=tests/fixture.sh
. "$T_SRC/tests/fixture.sh"
# shellcheck source=tests/vm/uml.sh
. "$T_SRC/tests/vm/uml.sh"
export UML_LIMIT=560 UML_MEM=1500M

lvm_client_need() {
	uml_need
	t_need_tools bwrap ssh ssh-keygen lvm sfdisk mke2fs lsblk findmnt blkid wipefs
}

lvm_client_shared() {
	case $1 in
	on) mount -o loop "$T_TMP/cache.img" "$shared" ;;
	off) umount "$shared" ;;
	esac
}

lvm_client_make() {
	fixture_make
	mkdir "$shared"
	truncate -s "$1" "$T_TMP/disk"
	truncate -s "$2" "$T_TMP/spare"
	truncate -s "$3" "$T_TMP/cache.img"
	mke2fs -q -t ext4 -F "$T_TMP/cache.img"
	ssh-keygen -q -t ed25519 -N '' -C test -f "$T_TMP/id"
	ssh-keygen -q -t ed25519 -N '' -C test -f "$T_TMP/host"
	echo "$T_CLIENT_HOST $(<"$T_TMP/host.pub")" >"$T_TMP/known_hosts"
	cat >"$T_TMP/ssh_config" <<-END
		IdentityFile $T_TMP/id
		IdentitiesOnly yes
		UserKnownHostsFile $T_TMP/known_hosts
		GlobalKnownHostsFile none
	END
	lvm_client_shared on
	export NIM_STATE=$shared/state NIM_FIXTURE=$fixture
	fixture_state "$NIM_STATE"
	nim -o define -t standalone -a "host=root@$T_CLIENT_HOST" -a "ssh_options=-F $T_TMP/ssh_config" c1
	lvm_client_shared off
}

lvm_client_inside() {
	cat >"$T_TMP/$1.sh"
	cat >"$T_TMP/$1.start" <<-END
		. $T_SRC/tests/vm/lvm-client-guest.sh
		. $T_TMP/$1.sh
		umount $shared
	END
}

lvm_client_guest() { uml_run "$T_TMP/$1.start" "${lvm_client_disks[@]}"; }

lvm_client_here() {
	local words
	read -ra words <<<"$lvm_client_job"
	lvm_client_shared on
	t_ok nimadm "${words[@]}" "${@:2}" -P "$1"
	lvm_client_shared off
}
