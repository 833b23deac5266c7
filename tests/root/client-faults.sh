#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A running client that stops in the midst of a migration to an image: silent, cut off, its sshd gone. The job ends by itself, says
# why, and goes on from there.
# Takes 5 minutes.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/fixture.sh"
. "$T_SRC/tests/client.sh"
client_need
t_need_tools bwrap
fixture_make

export NIM_STATE=$T_TMP/state
fixture_state "$NIM_STATE"
cache=$T_TMP/cache
job=(-c c1 -O "$T_TMP/out.mksysb" -j "$cache" -l lpp13 -s spot13 -Y --config "$T_TMP/nimadm.conf")
printf '[nimadm]\nclient_timeout = 4\n' >"$T_TMP/nimadm.conf"

client_make c1
client_start c1
# what is not like this takes a minute
t_ok nim -o define -t standalone -a host=root@"$client_host" \
	-a "ssh_options=$client_ssh -o ServerAliveInterval=1 -o ServerAliveCountMax=3" c1

# begins phase 1 in the background, and returns while the client sends
begin()
{
	nimadm "${job[@]}" -P 1 >"$T_TMP/log" 2>&1 &
	worker=$!
	for _ in $(seq 400); do
		grep -q 'Sending the image' "$T_TMP/log" && return
		sleep 0.02
	done
	cat "$T_TMP/log" >&2
	return 1
}

# waits for its end: it takes less than so many seconds, and fails
ends_within()
{
	local limit=$1 status=0 since=$SECONDS
	wait "$worker" || status=$?
	cat "$T_TMP/log"
	echo "ended after $((SECONDS - since)) s"
	[ "$status" = 1 ] && [ $((SECONDS - since)) -lt "$limit" ]
}

# shellcheck disable=SC2016 # of the shell there
sender() { client_run c1 sh -c 'for p in /proc/[0-9]*; do
	tr "\0" " " <$p/cmdline 2>/dev/null | grep -q "^/var/lib/nimadm/altdisk-.* send-image" && echo ${p#/proc/}; done; true'; }

t_case "a client that is there but does not get on is given up; then the job goes on"
t_ok nimadm "${job[@]}" -P 0
begin
pid=$(sender)
client_run c1 kill -STOP "$pid"
t_ok ends_within 40
t_match 'no sign of life from its altdisk-[0-9a-f]+ send-image for 4 s: it is reached, but does not get on' -
t_match 'next: see on c1 what it waits for' -
t_fail_with 4 nimadm "${job[@]}" -P 1
t_match "client c1: .*altdisk.lock is locked by process $pid" -
client_run c1 kill -KILL "$pid"
t_ok nimadm "${job[@]}" -P 1
t_ok nimadm -C -c c1

t_case "a client program that is killed there is not taken for a lost connection"
t_ok nimadm "${job[@]}" -P 0
begin
client_run c1 kill -KILL "$(sender)"
t_ok ends_within 40
t_match 'client c1: .*killed by signal 9' -
t_no_match 'connection was lost' -
t_ok nimadm "${job[@]}" -P 1
t_ok nimadm -C -c c1

t_case "another master is told whose the client is; nothing of that job is taken away meanwhile"
t_ok nimadm "${job[@]}" -P 0
begin
kill -KILL "$worker"
wait "$worker" || t_equal 137 "$?"
for _ in $(seq 60); do
	[ -z "$(sender)" ] && break
	sleep 1
done
client_run c1 sh -c 'echo base >/var/lib/nimadm/job-7.base'
t_ok nim -o check c1
t_ok client_run c1 test -e /var/lib/nimadm/job-7.base
second=$T_TMP/second
fixture_state "$second"
other=(--state "$second" -c c1 -O "$T_TMP/second.mksysb" -j "$cache" -l lpp13 -s spot13 -Y)
t_ok nim --state "$second" -o define -t standalone -a host=root@"$client_host" -a "ssh_options=$client_ssh" c1
t_ok nimadm "${other[@]}" -P 0
t_fail_with 4 nimadm "${other[@]}" -P 1
t_match "client c1 is claimed by another job: job [0-9]+ of c1; master $(uname -n), $NIM_STATE" -
t_match 'next: let that job end, or take it back on its master' -
t_ok nimadm --state "$second" -C -c c1
t_ok client_run c1 test -e /var/lib/nimadm/claim
t_ok nimadm "${other[@]}" -P 0
t_ok nimadm "${other[@]}" -P 1 -F
t_match "c1 was claimed by another job: job [0-9]+ of c1; master $(uname -n), $NIM_STATE" -
# It has the image: the client is free.
t_ok client_run c1 test ! -e /var/lib/nimadm
t_ok nimadm "${job[@]}" -P 1
t_ok nimadm -C -c c1
t_ok nimadm --state "$second" -C -c c1

t_case "a network that is cut while the client sends is noticed; when it is back the job goes on"
link=nm$$_c1
t_ok nimadm "${job[@]}" -P 0
begin
ip link set "${link:0:15}" down
t_ok ends_within 40
t_match 'client c1 .*: the connection was lost' -
t_match 'next: .*nimadm --resume -c c1' -
t_fail_with 1 nimadm "${job[@]}" -P 1
ip link set "${link:0:15}" up
# what was sent into the cut is sent again before the client notices that nobody is there
for _ in $(seq 60); do
	[ -z "$(sender)" ] && break
	sleep 1
done
t_equal "" "$(sender)"
t_ok nimadm "${job[@]}" -P 1
t_ok nimadm -C -c c1

t_case "sessions that are all killed are made again, and the job goes on by itself"
t_ok nimadm "${job[@]}" -P 0
begin
# all but the first one, which listens
# shellcheck disable=SC2016 # of the shell there
client_run c1 sh -c 'for p in /proc/[0-9]*; do
	grep -q "^sshd: root" "$p/cmdline" 2>/dev/null && [ "$p" != /proc/1 ] && kill -KILL "${p#/proc/}"; done; true'
t_ok wait "$worker"
cp "$T_TMP/log" "$T_OUT"
t_match 'Warning: client c1 .*: the connection was lost.*trying again' -
t_match 'Phase 1 complete' -
t_ok nimadm -C -c c1
t_ok client_run c1 test ! -e /var/lib/nimadm

t_done
