#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sources.sh RELEASE: the apt sources of that Debian release. The package mirror is NIM_MIRROR (and NIM_MIRROR_SECURITY), else
# this machine's own apt configuration with the suite replaced.
set -euo pipefail
release=${1:?usage: sources.sh RELEASE}

if [ -n "${NIM_MIRROR:-}" ]; then
	echo "deb $NIM_MIRROR $release main"
	[ -z "${NIM_MIRROR_SECURITY:-}" ] || echo "deb $NIM_MIRROR_SECURITY $release-security main"
	exit 0
fi
# shellcheck disable=SC1091
mine=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
	sort -u | while read -r uri suite component; do
	case $suite in
	"$mine" | "$mine"-security | "$mine"-updates)
		echo "deb $uri $release${suite#"$mine"} $component"
		;;
	esac
done
