#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sixteen running clients at once, each migrated to an image (mode E) with one lpp_source, spot and cache. One loses its
# network in the middle, one hangs, one fails in its script: that is theirs. Then Ctrl-C, and all of it is resumed.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/fixture.sh"
. "$T_SRC/tests/client.sh"
client_need
t_need_tools bwrap jq
fixture_make

export NIM_STATE=$T_TMP/state
fixture_state "$NIM_STATE"
cache=$T_TMP/cache
mkdir "$T_TMP/out"
names=()
for i in $(seq 16); do names+=("c$i"); done
supervisor=''

# A failed test leaves no job behind.
stop_job()
{
	[ -z "$supervisor" ] || ! kill -KILL "$supervisor" 2>/dev/null || wait "$supervisor"
}

# The processes of all jobs: workers, what they started, and the connections.
ours()
{
	pgrep -f -- "--worker c[0-9]+ .*$T_TMP" || test $? = 1
	pgrep -f -- "ControlPath=$NIM_STATE" || test $? = 1
}

# all [OPTION...]: the job of all of them, in the background; what it says in $log
all()
{
	local IFS=,
	# Ctrl-C is ignored by what a shell starts in the background, unless it has a job control of its own
	set -m
	nimadm -c "${names[*]}" -j "$cache" -l lpp -s spot13 --jobs 16 "$@" >"$log" 2>&1 </dev/null &
	supervisor=$!
	set +m
}

# wait_for SECONDS REGEX [COUNT]: until so many lines of $log match
wait_for()
{
	local i
	for ((i = 0; i < $1 * 5; i++)); do
		[ "$(grep -Ec -e "$2" "$log" || test $? = 1)" -lt "${3:-1}" ] || return 0
		kill -0 "$supervisor" || return 1
		sleep 0.2
	done
	return 1
}

ended()
{
	local status=0
	wait "$supervisor" || status=$?
	supervisor=''
	return "$status"
}

state_of()
{
	nimadm --status -c "$1" --json | jq -r .state
}

cat >"$T_TMP/script" <<END
#!/bin/sh
[ "\$NIM_CLIENT" != c5 ] || [ -e $T_TMP/mended ] || { echo "c5 has no licence"; exit 7; }
END
chmod +x "$T_TMP/script"
nim -o define -t script -a location="$T_TMP/script" pre >/dev/null
# an lpp_source that holds nothing yet: all of them want the same packages at once
nim -o define -t lpp_source -a release=trixie -a location="$T_TMP/lpp" lpp >/dev/null

client_make c1
for name in "${names[@]:1}"; do client_twin c1 "$name"; done
declare -A before
for name in "${names[@]}"; do
	client_start "$name"
	nim -o define -t standalone -a host=root@"$client_host" \
		-a "ssh_options=$client_ssh -o ServerAliveInterval=5 -o ServerAliveCountMax=6" "$name" >/dev/null
	before[$name]=$(client_tree "$name")
done
t_at_exit stop_job

t_case "sixteen pre-flights at once fill one lpp_source"
log=$T_TMP/preflight.log
all -O "$T_TMP/out/%c.mksysb" -N %c_13 -p
t_ok ended
t_match '^16 done$' "$log"
t_ok nim -o check lpp
t_equal "" "$(ours)"

t_case "all sixteen run; one loses its network, one hangs"
log=$T_TMP/first.log
all -O "$T_TMP/out/%c.mksysb" -N %c_13 -a pre -Y
t_ok wait_for 200 ' c3: .*Sending the image'
link=nm$$_c3
t_ok ip link set "${link:0:15}" down
t_ok wait_for 200 ' c4: .*Sending the image'
mapfile -t frozen < <(nsenter --target "$(<"$clients/c4/inner")" --pid --mount --root --wd -- pgrep -x 'sshd|altdisk.*')
t_ok nsenter --target "$(<"$clients/c4/inner")" --pid --mount --root --wd -- kill -STOP "${frozen[@]}"
t_ok wait_for 400 ' c[0-9]+: .*phase 5' 3
t_equal 16 "$(grep -Ec ' c[0-9]+: Starting job ' "$log")"

t_case "what happened to three is told of them, the others go on"
for name in c3 c4 c5; do t_ok wait_for 500 " $name: Job [0-9]+ of $name: failed"; done
for name in c3 c4; do t_match " $name: (Error: |Phase 1 failed .*)client $name" "$log"; done
t_match ' c5: .*script.*status 7' "$log"
t_ok wait_for 500 ' c(1|2|[6-9]|1[0-6]): .*phase 6' 2

t_case "Ctrl-C stops all of them cleanly"
kill -INT "$supervisor"
t_ok timeout 120 tail --pid="$supervisor" -s 0.2 -f /dev/null
t_fail_with 1 ended
t_equal "" "$(ours)"
t_equal failed "$(state_of c5)"
for name in "${names[@]}"; do
	t_ok client_run "$name" grep -q '^VERSION_ID="12"' /etc/os-release
done
t_equal "" "$(find "$T_TMP/out" -name '.*' -type f)"

t_case "resumed, all sixteen are done"
ip link set "${link:0:15}" up
nsenter --target "$(<"$clients/c4/inner")" --pid --mount --root --wd -- kill -CONT "${frozen[@]}"
touch "$T_TMP/mended"
log=$T_TMP/second.log
IFS=, list="${names[*]}"
unset IFS
t_ok nimadm --resume -c "$list" --jobs 16
for name in "${names[@]}"; do t_equal "done" "$(state_of "$name")"; done
t_equal "" "$(ours)"
t_equal "" "$(ls -A "$cache")"

t_case "each has its own image; what they shared and they themselves are whole"
t_ok nim -o check lpp
t_ok nim -o check spot13
tar --zstd -xOf "$T_TMP/out/c1.mksysb" var/lib/dpkg/status | grep -E '^(Package|Status|Version):' >"$T_TMP/c1.packages"
t_match '^Package: apt$' "$T_TMP/c1.packages"
for name in "${names[@]}"; do
	t_equal "$name" "$(tar --zstd -xOf "$T_TMP/out/$name.mksysb" etc/hostname)"
	t_ok lsnim -l "${name}_13"
	t_match 'os_level *= debian 13 trixie' -
	tar --zstd -xOf "$T_TMP/out/$name.mksysb" var/lib/dpkg/status | grep -E '^(Package|Status|Version):' >"$T_TMP/packages"
	t_ok cmp "$T_TMP/c1.packages" "$T_TMP/packages"
	t_equal "${before[$name]}" "$(client_tree "$name")"
	t_ok client_run "$name" test ! -e /var/lib/nimadm
done

t_done
