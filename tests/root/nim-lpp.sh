#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lpp_source objects through nim, from a small signed repository made here: define, check, update, showres, remove,
# and what is refused.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools apt-ftparchive dpkg-deb gpg jq sqlite3

export NIM_STATE=$T_TMP/state
nim() { "$T_BUILD/nim" "$@"; }
lsnim() { "$T_BUILD/lsnim" "$@"; }
attr() { lsnim -Z -a "$1" "$2" | sed -n '2s/^[^:]*:\(.*\):$/\1/p'; }

export GNUPGHOME=$T_TMP/gnupg
mkdir -m 700 "$GNUPGHOME"
t_at_exit gpgconf --kill all
R=$T_TMP/mirror
mkdir -p "$R/dists/trixie/main/binary-amd64" "$R/pool"

key() { # NAME: a key and its keyring
	gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key "$1" rsa2048 sign never
	gpg --export "$1" >"$T_TMP/$1.gpg"
}

package() { # VERSION
	local dir=$T_TMP/pkg
	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN" "$dir/usr/share/doc/tiny"
	printf 'Package: tiny\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: tiny\n' "$1" >"$dir/DEBIAN/control"
	echo "$1" >"$dir/usr/share/doc/tiny/version"
	dpkg-deb --root-owner-group -b "$dir" "$R/pool/tiny_$1_all.deb" >/dev/null
}

publish() { # KEY [RELEASE-OPTION...]
	local key=$1
	shift
	(cd "$R" && apt-ftparchive packages pool) >"$R/dists/trixie/main/binary-amd64/Packages"
	(cd "$R" && apt-ftparchive -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=trixie \
		-o APT::FTPArchive::Release::Components=main -o APT::FTPArchive::Release::Architectures="amd64 all" \
		-o APT::FTPArchive::Release::Version=13.1 "$@" release dists/trixie) >"$T_TMP/Release"
	gpg --batch --quiet --yes -u "$key" --clearsign -o "$R/dists/trixie/InRelease" "$T_TMP/Release"
}

define() { # NAME ATTRIBUTE...
	local name=$1 a=()
	shift
	for attribute; do a+=(-a "$attribute"); done
	nim -o define -t lpp_source -a release=trixie -a source="file:$R" -a suites=trixie -a components=main \
		"${a[@]}" "$name"
}

key good
key other
package 1.0
publish good

t_case "a signed source with its key: defined, described, shown"
t_ok define lpp1 keyring="$T_TMP/good.gpg" packages=tiny comments="a small one"
t_equal "ready for use" "$(attr Rstate lpp1)"
t_equal trixie "$(attr release lpp1)"
t_equal 1 "$(attr held_packages lpp1)"
t_match '^trixie' <(attr level lpp1)
t_ok nim -o showres lpp1
t_match '^pool/tiny_1.0_all.deb$' -
t_ok nim -o showlog lpp1
t_match 'nim -o define lpp1' -
t_ok nim -o check lpp1

t_case "the release is known by its number too"
t_ok nim -o define -t lpp_source -a release=13 -a source="file:$R" -a suites=trixie -a components=main \
	-a keyring="$T_TMP/good.gpg" lpp13
t_equal trixie "$(attr release lpp13)"
t_ok nim -o remove lpp13
t_fail_with 1 test -e "$NIM_STATE/lpp_source/lpp13"

t_case "a wrong key, no signature, an unknown release: refused, nothing left"
t_fail_with 1 define lpp2 keyring="$T_TMP/other.gpg"
t_match 'next: ' -
t_fail_with 5 lsnim lpp2
t_fail_with 1 test -e "$NIM_STATE/lpp_source/lpp2"
t_fail_with 2 nim -o define -t lpp_source -a release=trixy lpp2
t_match "unknown release 'trixy'" -
t_match 'next: known are: .*trixie \(13\)' -
t_fail_with 1 define lpp2 keyring="$T_TMP/good.gpg" packages=no-such-package
t_fail_with 5 lsnim lpp2

t_case "a directory that is not ours is refused, one that is is taken over"
mkdir "$T_TMP/foreign"
touch "$T_TMP/foreign/precious"
t_fail_with 1 define lpp2 keyring="$T_TMP/good.gpg" location="$T_TMP/foreign"
t_match 'is not empty, and it is no lpp_source' -
t_ok test -e "$T_TMP/foreign/precious"
t_fail_with 1 define lpp2 keyring="$T_TMP/good.gpg" location="$NIM_STATE/lpp_source/lpp1"
t_match "is the location of 'lpp1'" -
cp -a "$NIM_STATE/lpp_source/lpp1" "$T_TMP/moved"
t_ok nim -o define -t lpp_source -a release=trixie -a location="$T_TMP/moved" lpp2
t_equal 1 "$(attr held_packages lpp2)"
t_ok nim -o check lpp2
t_match 'lpp_source lpp2' -
t_no_match 'lpp_source lpp1' -
t_ok nim -o remove lpp2
t_match "$T_TMP/moved stays where it is" -

t_case "what may be unsigned can be changed, and given where one is taken over: packages of one's own"
t_ok nim -o define -t lpp_source -a release=trixie -a location="$T_TMP/moved" -a allow_unsigned=expired lpp2
t_equal '["expired"]' "$(jq -c .allow_unsigned "$T_TMP/moved/lpp.json")"
cp "$R/pool/tiny_1.0_all.deb" "$T_TMP/moved/local/tiny_9_all.deb"
t_ok nim -o update lpp2
t_match 'not used without allow_unsigned=local: nim -o change -a allow_unsigned=local lpp2, then nim -o update lpp2' -
t_fail_with 2 nim -o change -a allow_unsigned=everything lpp2
t_match 'give local, source, expired' -
t_equal expired "$(attr allow_unsigned lpp2)"
t_ok nim -o change -a allow_unsigned=local lpp2
t_match 'nim -o update lpp2' -
t_equal local "$(attr allow_unsigned lpp2)"
t_ok nim -o update lpp2
t_no_match 'not used' -
t_ok test -s "$T_TMP/moved/local/Packages"
t_ok nim -o check lpp2
t_ok nim -o change -a allow_unsigned= lpp2
t_equal '[]' "$(jq -c .allow_unsigned "$T_TMP/moved/lpp.json")"
t_equal "file:$R" "$(jq -r .source "$T_TMP/moved/lpp.json")"
t_ok nim -o remove lpp2
t_fail_with 1 nim -o define -t lpp_source -a release=bookworm -a location="$T_TMP/moved" lpp2
t_match 'not bookworm' -
t_ok test -e "$T_TMP/moved/lpp.json"

t_case "a changed archive is found by check and fetched anew by update"
deb=$NIM_STATE/lpp_source/lpp1/pool/tiny_1.0_all.deb
cp "$deb" "$T_TMP/deb" # it may be a link to the source's file
mv "$T_TMP/deb" "$deb"
printf x | dd of="$deb" bs=1 seek=100 conv=notrunc status=none
t_fail_with 1 nim -o check lpp1
t_match 'tiny_1.0_all.deb' -
t_equal "unavailable for use" "$(attr Rstate lpp1)"
t_match 'tiny_1.0_all.deb' <(attr info lpp1)
t_ok nim -o update lpp1
t_ok cmp "$deb" "$R/pool/tiny_1.0_all.deb"
t_equal "ready for use" "$(attr Rstate lpp1)"

t_case "update follows the source; one that fails leaves the resource ready"
package 2.0
publish good
t_ok nim -o update lpp1
t_ok nim -o showres lpp1
t_match '^pool/tiny_2.0_all.deb$' -
publish other
t_fail_with 1 nim -o update lpp1
t_equal "ready for use" "$(attr Rstate lpp1)"
t_ok nim -o check lpp1
publish good

t_case "one in use is neither updated nor removed"
sqlite3 "$NIM_STATE/nim.db" "INSERT INTO job (subject, mode, spec, facts, state, created)
	VALUES ('image1', 'D', '{}', '{}', 'open', 'now');
	INSERT INTO allocation SELECT job.id, object.id FROM job, object WHERE name = 'lpp1'"
t_fail_with 4 nim -o update lpp1
t_fail_with 4 nim -o remove lpp1
t_equal "ready for use" "$(attr Rstate lpp1)"
t_ok nim -o check lpp1
t_ok nim -o reset lpp1
t_ok nim -o remove lpp1
t_fail_with 1 test -e "$NIM_STATE/lpp_source/lpp1"

t_done
