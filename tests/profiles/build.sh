#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# build.sh PROFILE RELEASE OUT: a real server tree of that release from tests/profiles/PROFILE.list and edits.sh.
# OUT ending in .tar becomes an archive, anything else a directory (which must not exist).
# The package mirror is that of sources.sh. Needs root, mmdebstrap and tar.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
profile=${1:?usage: build.sh PROFILE RELEASE OUT}
release=${2:?usage: build.sh PROFILE RELEASE OUT}
out=${3:?usage: build.sh PROFILE RELEASE OUT}

die()
{
	echo "build.sh: $*" >&2
	exit 1
}

[ -f "$here/$profile.list" ] ||
	die "no profile $profile; there are: $(cd "$here" && echo *.list | sed 's/\.list//g')"
[ "$(id -u)" = 0 ] || die "needs root"
[ -e "$out" ] && die "$out exists; remove it first"

lists=("$here/base.list" "$here/$profile.list")
if grep -q '^# without base.list' "$here/$profile.list"; then
	lists=("$here/$profile.list")
fi
list=$(cat "${lists[@]}" | sed 's/#.*//' | xargs | tr ' ' ,)
if [ "$release" = bullseye ]; then
	# Renamed since: what bullseye calls it.
	list=${list//libapache2-mod-php/libapache2-mod-php7.4}
	# The release's own: not all mirrors still have the last one of its security archive.
	list=${list//linux-image-cloud-amd64/linux-image-cloud-amd64/bullseye}
fi

tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/nimadm-profile.XXXXXX")
trap 'rm -rf --one-file-system "$tmp"' EXIT
"$here/sources.sh" "$release" >"$tmp/sources.list"
[ -s "$tmp/sources.list" ] || die "no package mirror: set NIM_MIRROR"

root=$tmp/root
# Debian 11 comes out as one that was once Debian 9 (/bin, /sbin and /lib are directories): nothing merges them.
mmdebstrap --quiet --variant=minbase --format=directory --include="$list" \
	--aptopt='Acquire::Check-Valid-Until "false"' --skip=cleanup/tmp \
	"$release" "$root" "$tmp/sources.list"
"$here/edits.sh" "$root" "$profile"
find "$root/run" "$root/tmp" -mindepth 1 -delete

case $out in
*.tar)
	tar --create --file="$out.part" --directory="$root" --numeric-owner --sparse --acls \
		--xattrs --xattrs-include='*' --one-file-system .
	mv "$out.part" "$out"
	;;
*)
	mv "$root" "$out"
	;;
esac
