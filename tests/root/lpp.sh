#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lpp_sources from a small signed archive made here: from a directory and from a mirror on 127.0.0.1 that misbehaves.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools apt-get dpkg-deb dpkg-scanpackages gpg gpgv python3 unshare
t_private_mounts "$@"

tool=$T_BUILD/tests/root/lpp-tool
repo=$T_TMP/repo
arch=$(dpkg --print-architecture)
chmod 755 "$T_TMP"
export GNUPGHOME=$T_TMP/gpg
unset NIM_MIRROR
mkdir -m 700 "$GNUPGHOME"
t_at_exit gpgconf --kill all

make_key() { # NAME EXPIRY [OPTION...]
	gpg --batch --quiet "${@:3}" --passphrase '' --quick-gen-key "$1@example.org" rsa2048 sign "$2"
	gpg --batch --export "$1@example.org" >"$T_TMP/$1.gpg"
}

make_deb() { # DIR NAME VERSION [DEPENDS [BYTES]]
	local tree=$T_TMP/deb
	rm -rf "$tree"
	mkdir -p "$tree/DEBIAN" "$tree/usr/share/$2" "$1"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: test\n' \
		"$2" "$3" >"$tree/DEBIAN/control"
	[ -z "${4:-}" ] || echo "Depends: $4" >>"$tree/DEBIAN/control"
	head -c "${5:-3000}" /dev/urandom >"$tree/usr/share/$2/data"
	dpkg-deb --build -Zxz "$tree" "$1/${2}_${3#*:}_all.deb" >"$T_TMP/.build"
}

# SUITE CODENAME [EXTRA RELEASE LINE]: indexes of everything in pool/, a Release file signed with $key
make_suite() {
	local dir=$repo/dists/$1 index sum
	mkdir -p "$dir/main/binary-$arch"
	index=main/binary-$arch/Packages
	(cd "$repo" && dpkg-scanpackages --multiversion pool 2>/dev/null) >"$dir/$index"
	sum=$(sha256sum <"$dir/$index")
	{
		printf 'Origin: Debian\nSuite: %s\nCodename: %s\nVersion: 13.9\n' "$1" "$2"
		printf 'Date: %s\nArchitectures: %s\nComponents: main\n' \
			"$(LC_ALL=C date -Ru | sed 's/+0000/UTC/')" "$arch"
		[ -z "${3:-}" ] || echo "$3"
		printf 'SHA256:\n %s %s %s\n' "${sum%% *}" "$(stat -c %s "$dir/$index")" "$index"
	} >"$dir/Release"
	gpg --batch --quiet --yes --local-user "${key:-good}@example.org" --clearsign \
		-o "$dir/InRelease" "$dir/Release"
}

fresh_repo() {
	rm -rf "$repo"
	make_deb "$repo/pool" alpha 1.0 'beta'
	make_deb "$repo/pool" beta 1:2.0+x~1
	make_deb "$repo/pool" gamma 3.0 '' 400000
	make_suite trixie trixie
	make_suite trixie-security trixie-security
}

create() { # NAME [ATTRIBUTE...]
	local name=$1
	shift
	"$tool" create "$T_TMP/$name" trixie source="file:$repo" keyring="$T_TMP/good.gpg" "$@"
}

beta=beta_1%3a2.0+x~1_all.deb
make_key good never
make_key other never
past=$(date -u -d '-3 days' +%Y%m%dT%H%M%S)!
make_key brief 1d --faked-system-time "$past"

t_case "a signed directory: packages asked for come with what they need"
fresh_repo
t_ok create one packages=alpha
t_match 'warning: .*no suite trixie-updates' -
t_ok test -s "$T_TMP/one/pool/$beta"
t_ok test -s "$T_TMP/one/unpack/alpha_1.0_all.deb"
t_match "^[0-9a-f]{64}  [0-9]+  alpha_1.0_all.deb\$" "$T_TMP/one/pool.sums"
t_ok "$tool" check "$T_TMP/one"
t_ok "$tool" describe "$T_TMP/one"
t_match '^trixie 13.9, 2 packages' -
t_fail_with 1 create one
t_match 'holds an lpp_source already' -

t_case "the archives that dpkg gets unpack to the same bytes, from zstd"
cmp <(dpkg-deb --fsys-tarfile "$T_TMP/one/pool/$beta") <(dpkg-deb --fsys-tarfile "$T_TMP/one/unpack/$beta")
t_ok dpkg-deb --info "$T_TMP/one/unpack/$beta"
ar t "$T_TMP/one/unpack/$beta" >"$T_TMP/members"
t_match '^data.tar.zst$' "$T_TMP/members"

t_case "archives there already cost nothing, unknown ones are named"
inode=$(stat -c %i "$T_TMP/one/pool/$beta")
t_ok "$tool" fetch "$T_TMP/one" "$beta" "'http://192.0.2.1/x' gamma_3.0_all.deb 1 MD5Sum:0"
t_equal "$inode" "$(stat -c %i "$T_TMP/one/pool/$beta")"
t_ok test -s "$T_TMP/one/pool/gamma_3.0_all.deb"
t_fail_with 1 "$tool" fetch "$T_TMP/one" delta_1_all.deb
t_match 'no signed index names the package archive delta_1_all.deb' -
t_match 'remedy: nim -o update one' -
t_fail_with 1 create two packages=nosuchpackage
t_match 'cannot give nosuchpackage: Unable to locate package' -

t_case "check finds a changed archive, a changed index, and update mends both"
chmod u+w "$T_TMP/one/pool/gamma_3.0_all.deb"
cp "$T_TMP/one/pool/gamma_3.0_all.deb" "$T_TMP/gamma"
printf X | dd of="$T_TMP/gamma" bs=1 seek=200 conv=notrunc status=none
cp --remove-destination "$T_TMP/gamma" "$T_TMP/one/pool/gamma_3.0_all.deb"
t_fail_with 3 "$tool" check "$T_TMP/one"
t_match 'INHIBIT lpp.archive: .*/pool/gamma_3.0_all.deb: SHA-256 ' -
t_ok "$tool" update "$T_TMP/one"
t_ok "$tool" check "$T_TMP/one"
index=$(find "$T_TMP/one/lists" -name '*_dists_trixie_*Packages')
cp "$index" "$T_TMP/index"
sed -i 's/^Description: test/Description: tesT/' "$T_TMP/index"
cp --remove-destination "$T_TMP/index" "$index"
t_fail_with 3 "$tool" check "$T_TMP/one"
t_match 'INHIBIT lpp.index: An index is not the one that was signed' -
in_release=$(find "$T_TMP/one/lists" -name '*_dists_trixie_InRelease')
sed -i 's/^Version: 13.9/Version: 13.8/' "$in_release"
t_fail_with 3 "$tool" check "$T_TMP/one"
t_match 'INHIBIT lpp.signature: ' -

t_case "update brings newer versions and drops what no index names"
make_deb "$repo/pool" beta 1:2.1
rm "$repo/pool/beta_2.0+x~1_all.deb"
make_suite trixie trixie
make_suite trixie-security trixie-security
t_ok "$tool" update "$T_TMP/one"
t_ok test -s "$T_TMP/one/pool/beta_1%3a2.1_all.deb"
t_ok test ! -e "$T_TMP/one/pool/$beta"
t_ok "$tool" check "$T_TMP/one"

t_case "indexes that must not be accepted are named by their cause"
fresh_repo
t_fail_with 1 create bad keyring="$T_TMP/other.gpg"
t_match 'signed with a key that is not in the keyring: .*trixie(-security)? InRelease.*NO_PUBKEY' -
t_match 'remedy: .*keyring=' -
sed -i 's/^Version: 13.9/Version: 13.8/' "$repo/dists/trixie/InRelease"
t_fail_with 1 create bad
t_match 'bad signature: the index was altered.*BADSIG' -
rm "$repo/dists/trixie/InRelease"
t_fail_with 1 create bad
t_match 'lpp_source bad: not signed: .*trixie Release' -
t_match 'allow_unsigned=source' -
make_suite trixie trixie "Valid-Until: $(LC_ALL=C date -Ru -d '-1 day' | sed 's/+0000/UTC/')"
t_fail_with 1 create bad
t_match 'the signed index has expired: .*dists/trixie/InRelease' -
make_suite trixie bookworm
t_fail_with 1 create bad
t_match 'trixie says it is "bookworm"' -
rm -r "$repo/dists/trixie"
t_fail_with 1 create bad
t_match 'no such suite in the archive: .*trixie Release' -
make_suite trixie trixie
echo >>"$repo/dists/trixie/main/binary-$arch/Packages"
t_fail_with 1 create bad
t_match 'a file is not the one that the signed index names' -
t_fail_with 1 "$tool" create "$T_TMP/bad" trixie source="file:$repo" keyring="$T_TMP/none.gpg"
t_match 'the keyring .*none.gpg does not exist' -
t_fail_with 1 "$tool" create "$T_TMP/bad" trixie source=file:/nonexistent keyring="$T_TMP/good.gpg"
t_match 'source /nonexistent: no such directory' -
t_fail_with 2 "$tool" create "$T_TMP/bad" potato keyring="$T_TMP/good.gpg"
t_match 'release "potato" is not known' -
fresh_repo
gpg --batch --quiet --yes --faked-system-time "$past" --local-user brief@example.org \
	--clearsign -o "$repo/dists/trixie/InRelease" "$repo/dists/trixie/Release"
rm -r "$repo/dists/trixie-security"
t_fail_with 1 create bad keyring="$T_TMP/brief.gpg"
t_match 'signed with a key that has expired: .*EXPKEYSIG' -
t_ok test ! -e "$T_TMP/bad/lpp.json"

t_case "a failed update leaves the indexes that were there"
fresh_repo
t_ok create kept
before=$(cd "$T_TMP/kept/lists" && sha256sum -- *)
rm "$repo/dists/trixie/InRelease"
t_fail_with 1 "$tool" update "$T_TMP/kept"
t_equal "$before" "$(cd "$T_TMP/kept/lists" && sha256sum -- *)"
t_ok test ! -e "$T_TMP/kept/lists.new"
t_ok "$tool" check "$T_TMP/kept"

t_case "unsigned things are taken only where the object says so by name"
fresh_repo
rm "$repo"/dists/*/InRelease
t_ok create loose allow_unsigned=source packages=alpha
t_ok test -s "$T_TMP/loose/pool/alpha_1.0_all.deb"
t_fail_with 1 "$tool" create "$T_TMP/flat" trixie source="file:$repo/pool" keyring="$T_TMP/good.gpg"
t_match 'has no dists/, so nothing in it is signed' -
t_ok "$tool" create "$T_TMP/flat" trixie source="file:$repo/pool" allow_unsigned=source packages=alpha
t_ok test -s "$T_TMP/flat/unpack/$beta"
fresh_repo
t_ok create mine
make_deb "$T_TMP/mine/local" extra 7 'beta'
t_ok "$tool" update "$T_TMP/mine"
t_match 'warning: .* 1 packages in local/ are not used without allow_unsigned=local' -
t_ok create ours allow_unsigned=local
make_deb "$T_TMP/ours/local" extra 7 'beta'
t_ok "$tool" update "$T_TMP/ours"
t_ok test -s "$T_TMP/ours/pool/extra_7_all.deb"
t_ok test -s "$T_TMP/ours/local/Packages"
t_ok test -s "$T_TMP/ours/lists/_lpp%5fsource_local_._Packages"
t_fail_with 2 create odd allow_unsigned=everything
t_match 'allow_unsigned "everything" is not known' -

t_case "NIM_MIRROR is the source where the object names none, and is remembered"
fresh_repo
mv "$repo/dists/trixie-security" "$T_TMP/security"
mkdir -p "$repo-security/dists"
mv "$T_TMP/security" "$repo-security/dists/trixie-security"
cp -r "$repo/pool" "$repo-security/"
t_ok env NIM_MIRROR="$repo" "$tool" create "$T_TMP/mirrored" trixie keyring="$T_TMP/good.gpg"
t_match "no suite trixie-updates" -
t_no_match "no suite trixie-security" -
t_ok "$tool" update "$T_TMP/mirrored"
t_ok "$tool" fetch "$T_TMP/mirrored" alpha_1.0_all.deb
rm -r "$repo-security"

# From here on over HTTP.
fresh_repo
make_deb "$repo/pool" delta 1 '' 3000000
make_suite trixie trixie
make_suite trixie-security trixie-security
control=$T_TMP/control log=$T_TMP/server.log
echo ok >"$control"
: >"$log"
"$T_SRC/tests/root/lpp-server.py" "$repo" "$T_TMP/port" "$log" "$control" &
t_at_exit kill $!
for _ in {1..100}; do
	[ ! -s "$T_TMP/port" ] || break
	sleep 0.1
done
uri=http://127.0.0.1:$(cat "$T_TMP/port")
export NIM_NET_TIMEOUT=2

served() { # PATTERN: bytes of bodies that were sent for it
	awk -v p="$1" '$3 ~ p { n += $2 } END { print n + 0 }' "$log"
}

over_http() { # NAME [ATTRIBUTE...]
	local name=$1
	shift
	"$tool" create "$T_TMP/$name" trixie source="$uri" keyring="$T_TMP/good.gpg" "$@"
}

delta_size=$(stat -c %s "$repo/pool/delta_1_all.deb")

t_case "a transfer that breaks off is continued, not begun again"
t_ok over_http web
echo "cut 1000000" >"$control"
t_fail_with 1 "$tool" fetch "$T_TMP/web" delta_1_all.deb
t_match 'error \(transient\): lpp_source web: .*delta_1_all.deb' -
t_match 'goes on where it stopped' -
t_ok test ! -e "$T_TMP/web/pool/delta_1_all.deb"
t_ok test -s "$T_TMP/web/pool/partial/delta_1_all.deb"
have=$(stat -c %s "$T_TMP/web/pool/partial/delta_1_all.deb")
echo ok >"$control"
: >"$log"
t_ok "$tool" fetch "$T_TMP/web" delta_1_all.deb
t_equal $((delta_size - have)) "$(served delta)"
t_ok cmp "$repo/pool/delta_1_all.deb" "$T_TMP/web/pool/delta_1_all.deb"
t_ok "$tool" check "$T_TMP/web"

t_case "a mirror that falls silent is given up in time, with its address"
t_ok over_http silent
echo "stall 500000" >"$control"
SECONDS=0
t_fail_with 1 timeout 40 "$tool" fetch "$T_TMP/silent" delta_1_all.deb
t_match "error \(transient\): .*$uri/pool/delta_1_all.deb" -
t_ok test "$SECONDS" -lt 30
echo ok >"$control"
t_ok "$tool" fetch "$T_TMP/silent" delta_1_all.deb

t_case "an interrupted fetch keeps what it has"
t_ok over_http broken
echo "stall 700000" >"$control"
"$tool" fetch "$T_TMP/broken" delta_1_all.deb gamma_3.0_all.deb >"$T_TMP/out" 2>&1 &
pid=$!
for _ in {1..100}; do
	[ ! -s "$T_TMP/broken/pool/partial/delta_1_all.deb" ] || break
	sleep 0.1
done
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
t_equal 1 "$status"
t_match 'interrupted by SIGTERM' "$T_TMP/out"
t_ok test ! -e "$T_TMP/broken/pool/delta_1_all.deb"
echo ok >"$control"
t_ok "$tool" fetch "$T_TMP/broken" delta_1_all.deb gamma_3.0_all.deb
t_ok "$tool" check "$T_TMP/broken"

t_case "a damaged archive never gets its name, a damaged beginning is thrown away"
t_ok over_http flipped
echo flip >"$control"
t_fail_with 1 "$tool" fetch "$T_TMP/flipped" gamma_3.0_all.deb
t_match 'gamma_3.0_all.deb' -
t_match 'signed index names' -
t_ok test ! -e "$T_TMP/flipped/pool/gamma_3.0_all.deb"
echo ok >"$control"
head -c 1000 /dev/zero >"$T_TMP/flipped/pool/partial/gamma_3.0_all.deb"
t_ok "$tool" fetch "$T_TMP/flipped" gamma_3.0_all.deb
t_ok cmp "$repo/pool/gamma_3.0_all.deb" "$T_TMP/flipped/pool/gamma_3.0_all.deb"

t_case "what the mirror has lost is named"
t_ok over_http lost
mv "$repo/pool/gamma_3.0_all.deb" "$T_TMP/gamma.deb"
t_fail_with 1 "$tool" fetch "$T_TMP/lost" gamma_3.0_all.deb
t_match "the mirror does not have it.*$uri/pool/gamma_3.0_all.deb" -
t_match 'remedy: nim -o update lost' -
mv "$T_TMP/gamma.deb" "$repo/pool/gamma_3.0_all.deb"

t_case "two fetches at once"
t_ok over_http both
"$tool" fetch "$T_TMP/both" delta_1_all.deb gamma_3.0_all.deb >"$T_TMP/out" 2>&1 &
pid=$!
t_ok "$tool" fetch "$T_TMP/both" gamma_3.0_all.deb delta_1_all.deb alpha_1.0_all.deb
t_ok wait "$pid"
t_equal 3 "$(sort -u "$T_TMP/both/pool.sums" | wc -l)"
t_ok "$tool" check "$T_TMP/both"

t_case "a full disk is said beforehand, and leaves no bad file"
mkdir "$T_TMP/small"
mount -t tmpfs -o size=40m tmpfs "$T_TMP/small"
t_at_exit umount -l "$T_TMP/small"
t_ok over_http small/lpp
head -c 5000000 /dev/zero >"$T_TMP/small/filler"
t_fail_with 1 "$tool" fetch "$T_TMP/small/lpp" delta_1_all.deb
t_match 'need .* in .*/small/lpp, which has .* free' -
t_match 'remedy: free space' -
t_ok test ! -e "$T_TMP/small/lpp/pool/delta_1_all.deb"
rm "$T_TMP/small/filler"
t_ok "$tool" fetch "$T_TMP/small/lpp" delta_1_all.deb

t_case "a mirror that is not there"
t_fail_with 1 "$tool" create "$T_TMP/none" trixie source=http://127.0.0.1:9/debian keyring="$T_TMP/good.gpg"
t_match 'the mirror does not answer: .*127.0.0.1:9' -

t_case "pristine archives of the release before"
make_suite bookworm bookworm
t_ok over_http past
t_fail_with 4 "$tool" old "$T_TMP/past" beta 1:1.9 "$arch"
t_ok "$tool" old "$T_TMP/past" beta 1:2.0+x~1 "$arch"
t_match '/past/old/pool/beta_1%3a2\.0\+x~1_all\.deb$' -
t_ok cmp "$repo/pool/beta_2.0+x~1_all.deb" "$T_TMP/past/old/pool/$beta"

t_done
