# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# QEMU for tests that need a firmware and a boot loader. Source it after ../lib.sh. No hardware acceleration is needed;
# the guests have no network.
#
#   qemu_need                              skips the whole script where it cannot run
#   qemu_start bios|uefi DISK...           $qemu_dir/serial is what the guest says; DISKs are raw files, seen as vda, vdb, ...
#   qemu_wait N SECONDS                    until the guest has said "GUEST ..." N times; 1 where it has not in that time
#   qemu_guests                            what it said: one line a boot
#   qemu_stop                              ends the guest
#   qemu_make_guest DIR                    a kernel's companion: DIR/initrd, which says "GUEST " and the kernel's command
#                                          line on the serial console, runs DIR/tree/run.sh if there is one (with
#                                          bash, after /dev, /sys and UEFI's variables are mounted), and starts the
#                                          machine again
#
# qemu_boot_disk (1): which disk the BIOS starts. qemu_options: more of QEMU's options. qemu_serials=1: a disk's file names its serial number (a.disk: a). QEMU_VGA=none: GRUB's messages go to the serial console. UEFI variables are kept in $qemu_vars from one start to the next.

qemu_pid='' qemu_runs=0
qemu_boot_disk=1
qemu_serials=''
qemu_options=()
qemu_vars=$T_TMP/.qemu-vars
qemu_ovmf=/usr/share/OVMF

qemu_need() {
	t_need_tools qemu-system-x86_64 cc bsdtar
	[ -r "$qemu_ovmf/OVMF_CODE_4M.fd" ] || t_skip_all "needs the package ovmf"
}

qemu_stop() {
	[ -n "$qemu_pid" ] || return 0
	if kill -KILL "$qemu_pid" 2>/dev/null; then wait "$qemu_pid" 2>/dev/null || [ $? = 137 ]; fi
	qemu_pid=''
}
t_at_exit qemu_stop

qemu_start() {
	local firmware=$1 disk n=0 index args
	shift
	qemu_stop
	qemu_runs=$((qemu_runs + 1))
	qemu_dir=$T_TMP/.qemu-$qemu_runs
	mkdir "$qemu_dir"
	args=(-machine q35 -accel "tcg,thread=multi" -cpu max -smp "${QEMU_SMP:-1}" -m "${QEMU_MEM:-512}" -display none -no-user-config
		-nodefaults -vga "${QEMU_VGA:-std}" -serial "file:$qemu_dir/serial" -monitor "unix:$qemu_dir/monitor,server=on,wait=off")
	if [ "$firmware" = uefi ]; then
		[ -e "$qemu_vars" ] || cp "$qemu_ovmf/${QEMU_VARS:-OVMF_VARS_4M.fd}" "$qemu_vars"
		args+=(-global "ICH9-LPC.disable_s3=1" -machine smm=on
			-drive "if=pflash,format=raw,unit=0,readonly=on,file=$qemu_ovmf/${QEMU_CODE:-OVMF_CODE_4M.fd}"
			-drive "if=pflash,format=raw,unit=1,file=$qemu_vars")
	fi
	for disk; do
		n=$((n + 1)) index=''
		if [ "$firmware" = bios ]; then
			index=,bootindex=$((n + 1))
			[ "$n" != "$qemu_boot_disk" ] || index=,bootindex=1
		fi
		[ -z "$qemu_serials" ] || index+=,serial=$(basename "$disk" .disk)
		args+=(-drive "if=none,id=d$n,file=$disk,format=raw,cache=unsafe" -device "virtio-blk-pci,drive=d$n$index")
	done
	args+=("${qemu_options[@]}")
	: >"$qemu_dir/serial"
	qemu-system-x86_64 "${args[@]}" </dev/null >"$qemu_dir/log" 2>&1 &
	qemu_pid=$!
}

qemu_guests() {
	tr -d '\r' <"$qemu_dir/serial" | grep -a -o 'GUEST .*' || [ $? = 1 ]
}

qemu_wait() {
	local end=$((SECONDS + $2))
	while [ "$(qemu_guests | wc -l)" -lt "$1" ]; do
		if [ "$SECONDS" -ge "$end" ] || ! kill -0 "$qemu_pid" 2>/dev/null; then
			echo "the guest has not been started $1 times within $2 s:"
			tail -c 2000 "$qemu_dir/serial"
			cat "$qemu_dir/log"
			return 1
		fi
		sleep 0.1
	done
}

qemu_make_guest() {
	mkdir -p "$1/tree/dev" "$1/tree/proc" "$1/tree/sys"
	cat >"$1/init.c" <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* With the serial console as its output. */
static void run(int fd)
{
	static const char prepare[] =
		"export PATH=/usr/bin; modprobe virtio_pci; modprobe virtio_blk; modprobe efivarfs;"
		"/init efivarfs; for i in 1 2 3 4 5 6 7 8 9; do [ -b /dev/vdb ] || sleep 0.1; done; . /run.sh";
	pid_t pid;

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fd, 1);
		dup2(fd, 2);
		execl("/usr/bin/bash", "bash", "-c", prepare, NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", 0, NULL) != 0;

	char line[4096] = "";
	FILE *f;
	int fd;

	mount("proc", "/proc", "proc", 0, NULL);
	mknod("/dev/ttyS0", S_IFCHR | 0600, makedev(4, 64));
	f = fopen("/proc/cmdline", "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		strcpy(line, "no command line");
	fd = open("/dev/ttyS0", O_WRONLY);
	dprintf(fd, "\nGUEST %s\n", line);
	if (access("/run.sh", R_OK) == 0)
		run(fd);
	fsync(fd);
	usleep(300000);
	reboot(RB_AUTOBOOT);
	return 1;
}
END
	cc -static -O1 -o "$1/tree/init" "$1/init.c"
	bsdtar --format=newc -C "$1/tree" -cf "$1/initrd" .
}
