#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Four clients at once against one: bench/many.sh [ROUNDS]
#
# Running clients (hosts in network namespaces, a real sshd each) are migrated to images (mode E). Each round has a new
# lpp_source (from the sources of this host) and an empty cache: its first client fetches and fills both. Then the same
# client alone, then four at once. Prints medians of the wall time of four against one, and of the processor time that
# each further client costs the master against the first (all that nimadm starts, by a control group of its own; not
# the clients' side). NIM_TEST_FIXTURE may name a ready fixture.
. "$(dirname "$0")/need.sh"
need bwrap ip mkfs.ext4 nsenter pgrep ssh ssh-keygen time unshare
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

# run LPP_SOURCE CACHE CLIENTS: "seconds processor-seconds"
run() {
	local before
	rm -f "$T_TMP/out"/*
	sync
	before=$(spent)
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec /usr/bin/env time -o "$T_TMP/time" -f '%e' nimadm -c "$3" -O "$T_TMP/out/%c.mksysb" -j "$2" \
			-l "$1" -s spot13 -Y --jobs 4
	) >"$T_TMP/log" 2>&1 </dev/null || { tail -n 30 "$T_TMP/log" >&2; exit 1; }
	echo "$(tail -n 1 "$T_TMP/time") $(awk -v b="$before" -v a="$(spent)" 'BEGIN { print a - b }')"
}

for ((i = 1; i <= rounds; i++)); do
	nim -o define -t lpp_source -a release=trixie -a location="$T_TMP/lpp" lpp_new >"$T_TMP/log" 2>&1 ||
		{ tail -n 30 "$T_TMP/log" >&2; exit 1; }
	read -r first first_cpu <<<"$(run lpp_new "$T_TMP/cache" c1)"
	read -r one one_cpu <<<"$(run lpp_new "$T_TMP/cache" c1)"
	read -r four four_cpu <<<"$(run lpp_new "$T_TMP/cache" c1,c2,c3,c4)"
	echo "first client: $first s, $first_cpu s of processor; again: $one s, $one_cpu s; four: $four s, $four_cpu s"
	awk -v one="$one" -v four="$four" -v first="$first_cpu" -v cpu="$one_cpu" -v cpus="$four_cpu" 'BEGIN {
		printf "%.3f %.3f %.3f\n", four / one, (cpus - cpu) / 3 / first, (cpus - cpu) / 3 / cpu
	}' >>"$T_TMP/ratios"
	nim -o remove lpp_new >"$T_TMP/log" 2>&1
	rm -rf --one-file-system "$T_TMP/lpp" "$T_TMP/cache"
done
median() { cut -d ' ' -f "$1" "$T_TMP/ratios" | sort -n | sed -n "$(((rounds + 1) / 2))p"; }
echo "four clients / one, wall time, on $(nproc) cores: $(median 1) (at most 2.2 on two)"
echo "each further client / the first of a new lpp_source, processor time on the master: $(median 2) (at most 0.7)"
echo "each further client / one alone, all fetched before: $(median 3)"
t_finished=1
