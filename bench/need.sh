# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a measurement needs. Sourced first.
#
#   need TOOL...  ends the script with status 2 where programs or the build are missing, and says how to get them

need() {
	local tool missing=() build=${NIM_BUILD:-${BASH_SOURCE[0]%/*}/../build}
	for tool; do
		# a file: bash has a word "time" of its own
		[ -n "$(type -P "$tool")" ] || missing+=("$tool")
	done
	if [ ${#missing[@]} -gt 0 ]; then
		printf '%s: not installed: %s\n  next: tools/install-deps.sh bench\n' "${0##*/}" "${missing[*]}" >&2
		exit 2
	fi
	if [ ! -x "$build/src/altdisk/altdisk" ]; then
		printf '%s: nothing is built in %s\n  next: ./check --build-only\n' "${0##*/}" "$build" >&2
		exit 2
	fi
}
