# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# User-Mode Linux for tests that need what the machine's own kernel or disks do not give: device-mapper, partitions,
# other file systems. Source it after ../lib.sh.
#
#   uml_need                                 skips the whole script where it cannot run
#   uml_run SCRIPT [ubda=FILE ubdb=FILE ...] runs SCRIPT as root under a kernel of its own; its output and its status
#
# Inside, / is the host's, read-only, with a tmpfs over it: every change is thrown away. Only $T_TMP is the host's own,
# writable, under the same name. /dev, /proc, /sys and /run are the guest's. Variables that are exported and begin with
# T_, UML_ or NIM_ are there too. Without udev: DM_DISABLE_UDEV=1 is set.
#
# $uml_in is what a guest is started with: a command that runs another one, for example in a network namespace.
# UML_KERNEL and UML_MODULES: another kernel than the package's (linux.uml, /usr/lib/uml/modules).
# UML_MEM (1G), UML_LIMIT (300 seconds; then the guest is killed and the status is 124). Status 125: the guest ended
# without running SCRIPT to its end; the console's text is shown.

export UML_KERNEL=${UML_KERNEL:-linux.uml} UML_MODULES=${UML_MODULES:-/usr/lib/uml/modules}
uml_pids=()
uml_runs=0
uml_in=()

uml_need() {
	t_need_root
	t_need_tools "$UML_KERNEL" setsid
	[ -d "$UML_MODULES" ] || t_skip_all "needs the modules of the package user-mode-linux"
}

# A guest is a group of processes: its first one alone leaves the others running.
uml_stop() {
	if kill -0 -- "-$1" 2>/dev/null; then kill -KILL -- "-$1"; fi
}

uml_stop_all() {
	local pid
	for pid in "${uml_pids[@]}"; do uml_stop "$pid"; done
}
t_at_exit uml_stop_all

# uml_start SCRIPT [ARG...]: in the background; $uml_dir is its directory, $uml_pid its process group.
uml_start() {
	local script name
	script=$(readlink -f "$1")
	shift
	uml_runs=$((uml_runs + 1))
	uml_dir=$T_TMP/.uml-$uml_runs
	mkdir "$uml_dir"
	: >"$uml_dir/out"
	{
		for name in $(compgen -e); do
			case $name in T_* | UML_* | NIM_*) printf 'export %s=%q\n' "$name" "${!name}" ;; esac
		done
		printf 'uml_script=%q\n' "$script"
	} >"$uml_dir/env"
	TMPDIR=$(uml_memory_dir) setsid "${uml_in[@]}" "$UML_KERNEL" mem="${UML_MEM:-1G}" root=/dev/root rootfstype=hostfs rootflags=/ ro \
		init="$T_SRC/tests/vm/uml-init" UML_DIR="$uml_dir" UML_SHARE="$T_TMP" UML_MODULES="$UML_MODULES" \
		uml_dir="$uml_dir" con0=fd:0,fd:1 con=null ssl=null quiet loglevel=3 "$@" <"/dev/null" >"$uml_dir/console" 2>&1 &
	uml_pid=$!
	uml_pids+=("$uml_pid")
}

# The guest's memory is a file: on a tmpfs where there is one that programs can be mapped from.
uml_memory_dir() {
	if [ -w /dev/shm ] && ! findmnt -n -o OPTIONS /dev/shm | grep -q noexec; then
		echo /dev/shm
	else
		echo /var/tmp
	fi
}

# uml_wait PID DIR: ends with the script's status.
uml_wait() {
	local pid=$1 dir=$2 end=$((SECONDS + ${UML_LIMIT:-300})) status=0 kernel=0
	while kill -0 "$pid" 2>/dev/null; do
		if [ "$SECONDS" -ge "$end" ]; then
			uml_stop "$pid"
			status=124
		fi
		sleep 0.1
	done
	wait "$pid" 2>/dev/null || kernel=$?
	uml_stop "$pid"
	cat "$dir/out"
	if [ "$status" != 0 ]; then
		echo "the guest did not end within ${UML_LIMIT:-300} s"
	elif [ ! -s "$dir/status" ]; then
		head -n 40 "$dir/console"
		echo "the guest's kernel ended with status $kernel"
		status=125
	else
		status=$(cat "$dir/status")
	fi
	return "$status"
}

uml_run() {
	uml_start "$@"
	uml_wait "$uml_pid" "$uml_dir"
}
