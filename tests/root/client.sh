#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A running client, reached by ssh: refusals, checks, an image of it, and its migration to an image. Its tree stays as it was.
# Takes 3 minutes.
. "$(dirname "$0")/../lib.sh"
t_private_mounts "$@"
. "$T_SRC/tests/fixture.sh"
. "$T_SRC/tests/client.sh"
client_need
t_need_tools bwrap
fixture_make

export NIM_STATE=$T_TMP/state
fixture_state "$NIM_STATE"
out=$T_TMP/out.mksysb
cache=$T_TMP/cache

# Programs, files and processes that a job may leave behind.
nothing_left()
{
	client_run c1 test ! -e /var/lib/nimadm
	[ -z "$(ls "$NIM_STATE/run" 2>/dev/null)" ]
	[ ! -d "$cache" ] || [ -z "$(ls "$cache")" ]
	[ -z "$(pgrep -f "ControlPath=$NIM_STATE" || test $? = 1)" ]
}

client_make c1
client_start c1
good=(-a "ssh_options=$client_ssh")
client_run c1 sh -c 'printf "operator:x:1077:1077::/home/operator:/bin/sh\nnobodys:x:1078:1078::/home/nobodys:/bin/sh\n" >>/etc/passwd
	printf "operator:*:19000:0:99999:7:::\nnobodys:*:19000:0:99999:7:::\n" >>/etc/shadow
	printf "operator:x:1077:\nnobodys:x:1078:\n" >>/etc/group
	printf "operator ALL=(ALL) NOPASSWD: ALL\n" >/etc/sudoers.d/operator; chmod 440 /etc/sudoers.d/operator
	mkdir -p /home/operator /home/nobodys'

t_case "a client that is reached is checked, as root and by sudo"
t_ok nim -o define -t standalone -a host=root@"$client_host" "${good[@]}" c1
t_ok nim -o check c1
t_match 'c1 is reached, and we are root there' -
t_ok lsnim -l c1
t_match 'os_level *= debian 12 bookworm' -
t_match 'Mstate *= currently running' -
t_ok nim -o define -t standalone -a "if1=find_net $client_host 0" -a "ssh_options=$client_ssh -l operator" operator
t_ok nim -o check operator
t_match 'operator is reached, and we are root there' -
t_ok nothing_left

t_case "who may not is refused, with the cause and the next command"
t_ok nim -o define -t standalone -a host=nobodys@"$client_host" "${good[@]}" nobodys
t_fail_with 1 nim -o check nobodys
t_match 'no root there without a password: .*sudo' -
t_match "next: log in as root .-a host=root@$client_host" -
t_ok lsnim -l nobodys
t_match 'Cstate_result *= failure' -
ssh-keygen -q -t ed25519 -N '' -f "$T_TMP/other"
sed "s,IdentityFile .*,IdentityFile $T_TMP/other," "$clients/ssh_config" >"$T_TMP/ssh_other"
t_ok nim -o define -t standalone -a host=root@"$client_host" -a "ssh_options=-F $T_TMP/ssh_other" badkey
t_fail_with 1 nim -o check badkey
t_match 'it refuses our key' -
t_match 'next: ssh-copy-id root@' -
sed "s,UserKnownHostsFile .*,UserKnownHostsFile $T_TMP/nobody," "$clients/ssh_config" >"$T_TMP/ssh_unknown"
t_ok nim -o define -t standalone -a host=root@"$client_host" -a "ssh_options=-F $T_TMP/ssh_unknown" unknown
t_fail_with 1 nim -o check unknown
t_match 'its host key is not known here' -
t_ok test ! -e "$T_TMP/nobody"
echo "$client_host $(<"$T_TMP/other.pub")" >"$T_TMP/changed"
sed "s,UserKnownHostsFile .*,UserKnownHostsFile $T_TMP/changed," "$clients/ssh_config" >"$T_TMP/ssh_changed"
t_ok nim -o define -t standalone -a host=root@"$client_host" -a "ssh_options=-F $T_TMP/ssh_changed" changed
t_fail_with 1 nim -o check changed
t_match 'its host key is not the one that is known' -
t_ok nim -o define -t standalone -a host=root@"$client_host" -a ssh_port=23 "${good[@]}" closed
t_fail_with 1 nim -o check closed
t_match 'no ssh server answers there' -

t_case "a job whose client cannot be reached leaves nothing that another one waits for"
for disks in "-O $out" "-d /dev/sdz"; do
	# shellcheck disable=SC2086 # two words
	t_fail_with 1 nimadm -c closed $disks -j "$cache" -l lpp13 -s spot13 -Y
	t_match 'no ssh server answers there' -
	t_no_match 'may still be' -
done
t_equal 0 "$(find "$cache" -mindepth 1 2>/dev/null | wc -l)"

t_case "a group is checked machine by machine"
t_ok nim -o define -t mac_group -a add_member=c1 -a add_member=closed both
t_fail_with 1 nim -o check both
t_match '1 of 2 machines of both cannot be used' -
t_match 'c1 is reached' -
t_ok nim -o select -a exclude=closed both
t_ok nim -o check both

t_case "a client's administrator can refuse"
client_run c1 sh -c 'echo "export NIM_NAME=c1" >/etc/niminfo; echo push_off >>/etc/niminfo'
t_fail_with 1 nim -o check c1
t_match 'its administrator does not allow it: push_off' -
t_fail_with 1 nimadm -p -c c1 -O "$out" -j "$cache" -l lpp13 -s spot13
t_match 'push_off' -
client_run c1 rm /etc/niminfo
t_ok nothing_left

# --- images ---
t_case "mk_image=yes makes an image of a running machine"
t_ok nim -o define -t mksysb -a source=c1 -a mk_image=yes -a location="$T_TMP/c1.mksysb" c1_12
t_ok nim -o check c1_12
t_ok lsnim -l c1_12
t_match 'os_level *= debian 12 bookworm' -
mkdir "$T_TMP/c1"
t_ok mksysb --extract "$T_TMP/c1.mksysb" --target "$T_TMP/c1"
t_ok test -x "$T_TMP/c1/usr/sbin/sshd"
t_ok test ! -e "$T_TMP/c1/run/test"
t_ok test ! -e "$T_TMP/c1/var/lib/nimadm"
t_ok nothing_left
rm -rf "$T_TMP/c1"

t_case "what changes while there is no snapshot is named"
client_run c1 sh -c 'until [ -e /run/stop ]; do date +%N >>/srv/busy; sleep 0.02; done' &
writer=$!
t_ok nim -o define -t mksysb -a source=c1 -a mk_image=yes -a location="$T_TMP/busy.mksysb" busy
t_match 'there is no snapshot' -
t_match '/srv/busy changed while the image was made' -
t_ok mksysb --verify "$T_TMP/busy.mksysb"
client_run c1 touch /run/stop
wait "$writer"
client_run c1 rm -f /srv/busy

# --- hostile clients: ssh itself is played ---
mkdir "$T_TMP/bin"
cat >"$T_TMP/bin/ssh" <<'END'
#!/bin/bash
for last; do :; done
case $last in
*send-image*) ;;
*) exec /usr/bin/ssh "$@" ;;
esac
case $(cat "${0%/*}/evil") in
endless) exec cat /dev/zero ;;
chatter) yes '{"event":"warning","text":"\u001b[31mred"}' | head -n 100000 >&2; exit 1 ;;
# a piece of 16 bytes at 1 EiB, then one at 0
far) printf '\020\0\0\0NIMP\0\0\0\0\0\0\0\020................' ;;
cut) printf '\020\0\0\0NIMP\0\0\0\0\0\0\0\0....' ;;
text) echo 'Welcome to this machine! Have a lot of fun with it, today and always.' ;;
esac
END
chmod +x "$T_TMP/bin/ssh"

evil()
{
	echo "$1" >"$T_TMP/bin/evil"
	PATH=$T_TMP/bin:$PATH nim -o define -t mksysb -a source=c1 -a mk_image=yes -a location="$T_TMP/evil.mksysb" evil
}

t_case "a client that sends something else is stopped, and nothing stays"
for what in 'endless:not an image' 'far:larger than' 'cut:ends too early' 'text:not an image' 'chatter:exit status 1'; do
	t_fail_with 1 timeout 60 bash -c "$(declare -p T_TMP PATH); $(declare -f evil); evil ${what%%:*}"
	t_match "${what#*:}" -
	t_no_match $'\033' -
	t_ok test ! -e "$T_TMP/evil.mksysb"
	t_fail_with 5 lsnim -l evil
done
t_equal "" "$(find "$T_TMP" -maxdepth 1 -name '*evil.mksysb*' -o -maxdepth 1 -name '.evil*')"

# --- migration ---
job=(-c c1 -O "$out" -N c1_13 -j "$cache" -l lpp13 -s spot13)
before=$(client_tree c1)

t_case "the pre-flight alone reads the client and leaves nothing"
t_ok nimadm -p "${job[@]}"
t_match 'Pre-flight of c1: [0-9]+ passed' -
t_ok nothing_left
t_ok test ! -e "$out"

t_case "a client that runs the new release already is refused by the pre-flight"
client_run c1 sh -c 'cp -p /usr/lib/os-release /root/kept; sed -i "s/12 (bookworm)/13 (trixie)/; s/\"12\"/\"13\"/; s/=bookworm/=trixie/" /usr/lib/os-release'
t_fail_with 3 nimadm -p "${job[@]}"
t_match 'trixie' -
client_run c1 mv /root/kept /usr/lib/os-release
t_ok nothing_left

t_case "a client program of another version is not used"
client_run c1 sh -c 'printf "#!/bin/sh\ntouch /used\n" >/usr/sbin/altdisk; chmod 755 /usr/sbin/altdisk'
t_ok nim -o check c1
t_ok client_run c1 test ! -e /used
mine=altdisk-$(sha256sum "$T_BUILD/src/altdisk/altdisk" | cut -d' ' -f1)
client_run c1 sh -c "mkdir -p /var/lib/nimadm; cp /usr/sbin/altdisk /var/lib/nimadm/$mine"
t_ok nim -o check c1
t_ok client_run c1 test ! -e /used
client_run c1 rm /usr/sbin/altdisk
t_ok nothing_left

t_case "a client that is gone in phase 1: named, resumable, taken back"
t_ok nimadm "${job[@]}" -Y -P 0
client_stop c1
t_fail_with 1 nimadm "${job[@]}" -Y -P 1
t_match 'client c1 ' -
t_match 'next: .*nimadm --resume -c c1 to go on, or nimadm -C -c c1' -
t_equal 'alternate disk migration is being performed' "$(lsnim -l c1 | sed -n 's/^ *Cstate *= //p')"
t_ok nimadm -C -c c1
t_match 'the client program may still be in /var/lib/nimadm of c1' -
client_start c1
t_ok nim -o change -a host=root@"$client_host" c1

t_case "killed while the client sends: the next one goes on"
t_ok nimadm "${job[@]}" -Y -P 0
nimadm "${job[@]}" -Y -P 1 >"$T_TMP/killed.log" 2>&1 &
pid=$!
for _ in $(seq 200); do
	grep -q 'Sending the image' "$T_TMP/killed.log" && break
	sleep 0.05
done
kill -KILL "$pid"
wait "$pid" || t_equal 137 "$?"
for _ in $(seq 50); do
	pgrep -f "ControlPath=$NIM_STATE" >/dev/null || break
	sleep 0.1
done
t_equal "" "$(pgrep -f "ControlPath=$NIM_STATE" || test $? = 1)"
t_ok nimadm --resume -c c1

t_case "the result is Debian 13, registered; the client is what it was"
t_ok nothing_left
t_ok lsnim -l c1_13
t_match 'os_level *= debian 13 trixie' -
t_match 'comments *= migrated from c1 by job' -
t_equal 'ready for a NIM operation' "$(lsnim -l c1 | sed -n 's/^ *Cstate *= //p')"
mkdir "$T_TMP/result"
t_ok mksysb --extract "$out" --target "$T_TMP/result"
t_ok grep -q '^VERSION_ID="13"' "$T_TMP/result/etc/os-release"
audit=$(chroot "$T_TMP/result" dpkg --audit)
t_equal "" "$audit"
t_ok grep -q '^operator:x:1077:' "$T_TMP/result/etc/passwd"
t_equal "$before" "$(client_tree c1)"
t_ok client_run c1 grep -q '^VERSION_ID="12"' /etc/os-release

t_case "a client that was not migrated has nothing to go back to"
t_fail_with 1 nimadm --rollback -c c1
t_match 'client c1 has no other root disk' -
t_match 'next: on c1: lspv' -
t_fail_with 5 nimadm --rollback -c nobody1
t_ok nothing_left

t_case "a client without an object, by its address"
cat >"$T_TMP/user_config" <<-END
	Host *
	IdentityFile $clients/id
END
t_fail_with 1 nimadm -p -c "root@$client_host" -O "$T_TMP/x.mksysb" -j "$cache" -l lpp13 -s spot13
t_match "client root@$client_host .root@$client_host.: its host key is not known here" -

t_done
