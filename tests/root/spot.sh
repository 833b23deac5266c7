#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A SPOT of the next release, made from a real mirror: the master's own, or NIM_MIRROR. The scratch directory is closed to
# everybody but root, as a state directory may be.
# Takes 2 minutes.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools apt-get mmdebstrap gpgv unshare
t_private_mounts "$@"

tool=$T_BUILD/tests/root/lpp-tool
lpp=$T_TMP/lpp spot=$T_TMP/spot
chmod 700 "$T_TMP"

wait_for() { # PATH
	local _
	for _ in {1..600}; do
		[ ! -e "$1" ] || return 0
		sleep 0.1
	done
	return 1
}

quiet() { # ROOT: no process works in it any more
	local _
	for _ in {1..100}; do
		[ -n "$(find /proc/[0-9]*/root -maxdepth 0 -lname "$1" 2>/dev/null)" ] || return 0
		sleep 0.1
	done
	return 1
}

t_case "an lpp_source of the real archive"
if ! "$tool" create "$lpp" trixie >"$T_TMP/out" 2>&1; then
	if grep -q 'does not answer' "$T_TMP/out"; then
		t_skip_all "no package mirror can be reached"
	fi
	cat "$T_TMP/out" >&2
fi
t_ok "$tool" describe "$lpp"
t_match '^trixie 13\.[0-9]+, 0 packages' -
t_ok "$tool" check "$lpp"

t_case "a SPOT that is interrupted leaves nothing under its name"
"$tool" spot-create "$spot" "$lpp" >"$T_TMP/out" 2>&1 &
pid=$!
t_ok wait_for "$spot.tmp/root/var/lib/dpkg"
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
t_equal 1 "$status"
t_match 'interrupted by SIGTERM' "$T_TMP/out"
t_ok test ! -e "$spot"
t_ok test ! -e "$spot.tmp"
t_ok "$tool" check "$lpp"

t_case "killed while packages are unpacked in it, it leaves neither a mount nor a process"
"$tool" spot-create "$spot" "$lpp" >"$T_TMP/out" 2>&1 &
pid=$!
t_ok wait_for "$spot.tmp/root/var/log/dpkg.log"
kill -KILL "$pid"
status=0
wait "$pid" || status=$?
t_equal 137 "$status"
t_ok quiet "$spot.tmp/root"
t_no_match "$spot" /proc/self/mounts

t_case "it is made from what the lpp_source holds, without a network"
mkdir -p "$spot.tmp/root/left/over"
t_ok unshare --net "$tool" spot-create "$spot" "$lpp"
t_no_match '^step: Fetching' -
t_ok test ! -e "$spot.tmp"
t_ok test ! -e "$spot/root/left"
t_ok test -d "$spot/root/alt_inst"
t_ok test -d "$spot/root/lpp_source"
t_ok "$tool" spot-check "$spot"
t_no_match 'INHIBIT|WARN' -
t_ok "$tool" spot-release "$spot"
t_match '^trixie$' -
t_ok "$tool" spot-preview "$spot" "$lpp"
t_no_match . -
t_fail_with 1 "$tool" spot-create "$spot" "$lpp"
t_match 'holds a SPOT already' -

t_case "the master's own name servers and sources are not in it"
for file in resolv.conf hostname apt/sources.list apt/apt.conf.d/99mmdebstrap; do
	t_ok test ! -e "$spot/root/etc/$file"
done

t_case "its apt reads the lpp_source as it is, read-only"
t_ok bwrap --unshare-all --ro-bind "$spot/root" / --dev /dev --proc /proc --tmpfs /tmp \
	--ro-bind "$lpp" /lpp_source --setenv APT_CONFIG /lpp_source/etc/apt.conf \
	apt-get -o Dir::Cache=/tmp -o Dir::State::status=/dev/null --print-uris -y install hello
t_match "/hello_[^ ]*.deb' hello_[^ ]*.deb [0-9]+ SHA256:" -
grep "/hello_" "$T_OUT" >"$T_TMP/missing"
t_ok "$tool" fetch "$lpp" "$(cat "$T_TMP/missing")"
t_ok "$tool" check "$lpp"

t_case "check names what was changed, added and taken away"
printf '#\n' >>"$spot/root/etc/debconf.conf"
: >"$spot/root/usr/bin/extra"
rm "$spot/root/usr/bin/zstd"
t_fail_with 3 "$tool" spot-check "$spot"
t_match 'spot.files: Files of the SPOT were changed: /etc/debconf.conf' -
t_match 'spot.files: Files were added to the SPOT: /usr/bin/extra' -
t_match 'spot.files: Files of the SPOT are missing: /usr/bin/zstd' -
t_match 'Tools of the SPOT do not run: /usr/bin/zstd' -

t_done
