#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Four clients at once against one: bench/many.sh [ROUNDS]
#
# Running clients (hosts in network namespaces, a real sshd each) are migrated to images (mode E), first one of them, then
# four at once; prints medians of the wall time's ratio and of what each further client costs the master in processor
# time (all that nimadm starts, by a control group of its own; not the clients' side). NIM_TEST_FIXTURE may name a ready
# fixture.
. "$(dirname "$0")/../tests/lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/fixture.sh"
. "$T_SRC/tests/client.sh"
client_need
t_need_tools bwrap
fixture_make
rounds=${1:-3}
export NIM_STATE=$T_TMP/state
fixture_state "$NIM_STATE"
mkdir "$T_TMP/out"

client_make c1
for name in c2 c3 c4; do client_twin c1 "$name"; done
for name in c1 c2 c3 c4; do
	client_start "$name"
	nim -o define -t standalone -a host=root@"$client_host" -a "ssh_options=$client_ssh" "$name" >/dev/null
done

# A group that counts processor time: the old controller's or the unified hierarchy's.
for group in /sys/fs/cgroup/cpuacct /sys/fs/cgroup/unified /sys/fs/cgroup; do
	group=$group/nimadm-many.$$
	mkdir "$group" 2>/dev/null || continue
	if [ -e "$group/cpuacct.usage" ] || [ -e "$group/cpu.stat" ]; then break; fi
	rmdir "$group"
done
[ -d "$group" ] || t_skip_all "no control groups here"
remove_group() {
	local i
	for ((i = 0; i < 50; i++)); do ! rmdir "$group" 2>/dev/null || return 0; sleep 0.1; done
}
t_at_exit remove_group
spent() {
	if [ -e "$group/cpuacct.usage" ]; then
		awk '{ print $1 / 1e9 }' "$group/cpuacct.usage"
	else
		awk '$1 == "usage_usec" { print $2 / 1e6 }' "$group/cpu.stat"
	fi
}

# run CLIENTS: "seconds processor-seconds"
run() {
	local before
	rm -f "$T_TMP/out"/*
	sync
	before=$(spent)
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec /usr/bin/env time -o "$T_TMP/time" -f '%e' nimadm -c "$1" -O "$T_TMP/out/%c.mksysb" -j "$T_TMP/cache" \
			-l lpp13 -s spot13 -Y --jobs 4
	) >"$T_TMP/log" 2>&1 </dev/null || { tail -n 30 "$T_TMP/log" >&2; exit 1; }
	echo "$(tail -n 1 "$T_TMP/time") $(awk -v b="$before" -v a="$(spent)" 'BEGIN { print a - b }')"
}

# what has to be fetched is there, and read once
nimadm -c c1 -O "$T_TMP/out/c1.mksysb" -j "$T_TMP/cache" -l lpp13 -s spot13 -p >/dev/null 2>&1
for ((i = 1; i <= rounds; i++)); do
	read -r one one_cpu <<<"$(run c1)"
	read -r four four_cpu <<<"$(run c1,c2,c3,c4)"
	echo "one client: $one s, $one_cpu s of processor; four: $four s, $four_cpu s"
	awk -v one="$one" -v four="$four" -v cpu="$one_cpu" -v cpus="$four_cpu" \
		'BEGIN { printf "%.3f %.3f\n", four / one, (cpus - cpu) / 3 / cpu }' >>"$T_TMP/ratios"
done
median() { cut -d ' ' -f "$1" "$T_TMP/ratios" | sort -n | sed -n "$(((rounds + 1) / 2))p"; }
echo "four clients / one, wall time, on $(nproc) cores: $(median 1) (at most 2.2 on two)"
echo "each further client / the first, processor time on the master: $(median 2) (at most 0.7)"
t_finished=1
