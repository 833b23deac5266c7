#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong on the way, through whole jobs on a real, small Debian system: mirrors that misbehave, packages whose
# scripts fail, full disks, signals, a power cut. Each time the message says what and what next, and --resume or -C does it.
# The scripts in single quotes are for the shell inside.
# Takes 2 minutes.
# shellcheck disable=SC2016
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$here/../fixture.sh"

t_need_root
t_need_tools apt-ftparchive dpkg-deb gpg python3 script
# Full disks are small file systems of our own.
t_private_mounts "$@"
tmp=$T_TMP
cache=$tmp/cache
fixture_make
fixture_state "$tmp/state"
export NIM_STATE=$tmp/state GNUPGHOME=$tmp/gpg
mkdir -m 700 "$GNUPGHOME"
t_at_exit gpgconf --kill all
echo 'script_timeout = 5' >"$tmp/hasty.conf"
chmod 755 "$tmp"

# The message names `what`, and the next command.
t_says() { # WHAT NEXT
	t_match "^nimadm: .*$1" -
	t_match "^  next: .*$2" -
}

# Starts a job of mini12 with the lpp_source of this test; runs what is given of it.
migrate() { # OUTPUT [OPTION...]
	nimadm -T mini12 -O "$tmp/$1" -l lppf -s spot13 -j "$cache" -Y "${@:2}"
}
resume() { nimadm --resume -T mini12 "$@"; }

# What -C promises.
cleaned() {
	t_ok nimadm -C -T mini12
	t_equal "" "$(find "$cache" -mindepth 1)"
	t_no_match "nimadm-job" /proc/self/mounts
}
job_dir() { find "$cache" -mindepth 1 -maxdepth 1 -name 'nimadm-job-*'; }
# A finished output is whole; an unfinished one is not there.
no_output() {
	t_equal "" "$(find "${1%/*}" -maxdepth 1 -name "*${1##*/}*")"
}

# The fixture's lpp_source must hold all that a job needs: a pre-flight fetches it.
t_case "the pre-flight alone"
t_ok nimadm -p -T mini12 -O "$tmp/none.mksysb" -l lpp13 -s spot13 -j "$cache" -Y

# --- a mirror of the fixture's packages, and one with scripts of all kinds ---
mirror=$tmp/mirror
mkdir -p "$mirror/pool" "$mirror/dists/trixie/main/binary-amd64"
for deb in "$fixture"/lpp13/unpack/*.deb; do
	# without the epoch, as in Debian's own pool
	name=${deb##*/}
	cp --reflink=auto "$deb" "$mirror/pool/${name/_[0-9]%3a/_}"
done
tree=$tmp/deb
mkdir -p "$tree/DEBIAN" "$tree/usr/share/hostile"
printf 'Package: hostile\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: test\n' >"$tree/DEBIAN/control"
head -c 300000 /dev/urandom >"$tree/usr/share/hostile/data"
# /run/nimadm is the job's own directory for helpers: what the script does is changed from run to run.
cat >"$tree/DEBIAN/postinst" <<'SH'
#!/bin/sh
mode=ok
[ ! -e /run/nimadm/mode ] || mode=$(cat /run/nimadm/mode)
case $mode in
fail) echo "the data base is not there"; exit 3 ;;
hang) sleep 1000 ;;
ask) echo "Proceed (y/n)?"; read answer; [ "$answer" = y ] || exit 4 ;;
terminal) echo "Password:" >/dev/tty; read answer </dev/tty || exit 5 ;;
kill) kill -9 $PPID; sleep 60 ;;
esac
SH
chmod 755 "$tree/DEBIAN/postinst"
dpkg-deb --root-owner-group -Zzstd -b "$tree" "$mirror/pool/hostile_1_all.deb" >"$tmp/deb.log"
gpg --batch --quiet --passphrase '' --quick-gen-key test@example.org rsa2048 sign never
gpg --batch --export test@example.org >"$tmp/key.gpg"
(cd "$mirror" && apt-ftparchive packages pool) >"$mirror/dists/trixie/main/binary-amd64/Packages"
publish() { # [RELEASE-OPTION...]
	apt-ftparchive -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=trixie \
		-o APT::FTPArchive::Release::Components=main -o APT::FTPArchive::Release::Architectures=amd64 \
		-o APT::FTPArchive::Release::Version=13.1 "$@" release "$mirror/dists/trixie" >"$tmp/Release"
	gpg --batch --quiet --yes --clearsign -o "$mirror/dists/trixie/InRelease" "$tmp/Release"
}
publish

control=$tmp/control
echo ok >"$control"
"$here/lpp-server.py" "$mirror" "$tmp/port" "$tmp/requests" "$control" &
server=$!
t_at_exit kill "$server"
for _ in {1..100}; do [ -e "$tmp/port" ] || sleep 0.1; done
t_case "the objects of the test"
t_ok nim -o define -t lpp_source -a release=trixie -a source="http://127.0.0.1:$(<"$tmp/port")" -a suites=trixie \
	-a components=main -a keyring="$tmp/key.gpg" -a location="$tmp/packages" lppf
echo hostile >"$tmp/bundle"
t_ok nim -o define -t installp_bundle -a location="$tmp/bundle" bundle

# --- mirrors ---
archive=$(basename "$mirror"/pool/libc6_*.deb)
t_case "a package that the mirror has lost is named; the lpp_source can be mended while the job waits"
mv "$mirror/pool/$archive" "$tmp/$archive"
t_fail_with 1 migrate one.mksysb -b bundle -P 0
t_says "lpp_source lppf: .*does not have it.*libc6_2" 'nim -o update lppf.*nimadm --resume -T mini12.*nimadm -C -T mini12'
mv "$tmp/$archive" "$mirror/pool/$archive"
t_ok nim -o update lppf

t_case "a mirror that stops half-way: the job says so, and --resume fetches the rest only"
echo "cut 200000" >"$control"
t_fail_with 1 resume
t_says 'lpp_source lppf: .*(stopped answering|incomplete|unexpected)' 'nimadm --resume -T mini12'
echo ok >"$control"
: >"$tmp/requests"
find "$tmp/packages/pool" -maxdepth 1 -name '*.deb' -printf '%f\n' | sed 's/%3a/:/; s/_[0-9]*:/_/' >"$tmp/had"
t_ok resume -P 0
t_ok test -s "$tmp/had"
sed -n 's,^.*/pool/,,; s/%2b/+/g; s/%7e/~/gp' "$tmp/requests" | sort >"$tmp/wanted"
t_equal "" "$(sort "$tmp/had" | comm -12 - "$tmp/wanted")"
t_match '^206 ' "$tmp/requests"

# --- signatures; nothing of a refused job stays, so that the lpp_source can be brought up to date ---
cleaned
replace() { # FILE SED-EXPRESSION
	sed "$2" "$1" >"$tmp/replaced"
	cp --remove-destination "$tmp/replaced" "$1"
}
t_case "an index that was altered after it was signed is not used"
replace "$(find "$tmp/packages/lists" -name '*InRelease')" 's/^Version: 13.1/Version: 13.2/'
t_fail_with 3 migrate one.mksysb -b bundle
t_says 'lpp.signature .*BAD signature' 'nim -o update lppf; then start again'
t_ok nim -o update lppf
replace "$(find "$tmp/packages/lists" -name '*Packages')" 's/^Version: 2.41/Version: 2.42/'
t_fail_with 3 migrate one.mksysb -b bundle
t_says 'lpp.index .*Packages' 'nim -o update lppf; then start again'
t_equal "" "$(find "$cache" -mindepth 1)"
t_ok nim -o update lppf

t_case "an index past its time is not taken; one that has aged here is warned of"
publish -o APT::FTPArchive::Release::ValidTime=1
sleep 2
t_fail_with 1 nim -o update lppf
t_match 'lpp_source lppf: the signed index has expired' -
publish -o APT::FTPArchive::Release::ValidTime=6
t_ok nim -o update lppf
# The times in it are whole seconds.
sleep 8
t_ok migrate one.mksysb -b bundle -P 0-3
t_match 'WARN lpp.expired' -
t_match 'to do: nim -o update lppf' -

# --- packages' scripts: one job, stopped by each of them ---
mode() { echo "$1" >"$(job_dir)/run/mode"; }
t_case "a script that fails: the package, what it said, and where its log is"
mode fail
t_fail_with 1 resume
t_says 'package hostile \(configure\) failed' 'read .*packages.log.*-E.*nimadm --resume -T mini12 to go on, or nimadm -C -T mini12'
t_match '^  the data base is not there' -
t_no_match '^ .*Keeping old config' -
no_output "$tmp/one.mksysb"
t_case "a script that asks is answered by nobody, at once"
for how in ask terminal; do
	mode "$how"
	start=$SECONDS
	t_fail_with 1 resume
	t_says 'package hostile \(configure\) failed' 'nimadm --resume -T mini12'
	t_ok test $((SECONDS - start)) -lt 30
done
t_case "a script that kills its parent"
mode kill
t_fail_with 1 resume
t_says 'package hostile \(configure\) ended its package manager with a signal' 'nimadm --resume -T mini12'
t_case "a script that hangs is stopped"
mode hang
t_fail_with 1 resume --config "$tmp/hasty.conf"
t_says 'package hostile \(configure\) hangs' 'nimadm --resume -T mini12'
t_case "mended, the job goes on to its end"
mode ok
t_ok resume -P 6
cleaned
t_done
