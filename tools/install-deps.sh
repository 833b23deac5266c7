#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the packages of the named sections of tools/packages.txt: tools/install-deps.sh build run test
# Says nothing when all of them are there. --list prints what is missing and installs nothing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
list_only=0
if [ "${1:-}" = --list ]; then
	list_only=1
	shift
fi
[ $# -gt 0 ] || set -- build

# The packages of one section, one choice a line.
section() {
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' "$here/packages.txt" |
		awk -v want="[$1]" '/^\[/ { on = ($0 == want); seen += on; next } on && NF { print }
			END { if (!seen) exit 1 }' || {
		echo "tools/packages.txt has no section [$1]" >&2
		exit 2
	}
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints the package to install for a choice; nothing when one of it is there.
missing_of() {
	local choice=${1// /} name
	for name in ${choice//|/ }; do
		if is_installed "$name"; then return 0; fi
	done
	echo "${choice}"
}

# Of "a|b" the first that the archive has.
available() {
	local name
	for name in ${1//|/ }; do
		if [ -n "$(apt-cache madison "$name" 2>/dev/null)" ]; then
			echo "$name"
			return 0
		fi
	done
	echo "${1%%|*}"
}

if ! command -v dpkg-query >/dev/null; then
	echo "this is no Debian system: install what tools/packages.txt lists ($*) by hand" >&2
	exit 1
fi

choices=$(for s in "$@"; do section "$s"; done)
missing=()
while read -r choice; do
	[ -n "$choice" ] || continue
	package=$(missing_of "$choice")
	[ -z "$package" ] || missing+=("$package")
done < <(sort -u <<<"$choices")

[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$list_only" = 1 ]; then
	printf '%s\n' "${missing[@]}"
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "not installed: ${missing[*]}" >&2
	echo "run as root: tools/install-deps.sh $*" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	if ! apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@" >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		return 1
	fi
}
apt update
names=()
for m in "${missing[@]}"; do names+=("$(available "$m")"); done
apt install -y --no-install-recommends "${names[@]}"
