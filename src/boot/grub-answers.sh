#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stands in for grub-probe and grub-mkrelpath: answers what grub-mkconfig asks about the client's devices from `answers`
# beside it, one file system of the image's layout a line.
set -eu
name=${0##*/}
answers=${0%/*}/answers

fail() {
	echo "$name: error: the layout has no $1." >&2
	exit 1
}

# The file system with the longest mount point above the path.
find_path() {
	path=$(readlink -m -- "$1") || return 1
	best=-1
	while IFS= read -r line; do
		mount=${line%%|*}
		case $path/ in
		"${mount%/}"/*)
			[ "${#mount}" -le "$best" ] || found=$line best=${#mount}
			;;
		esac
	done < "$answers"
	[ "$best" -ge 0 ]
}

find_device() {
	while IFS='|' read -r mount device rest; do
		[ "$device" = "$1" ] || continue
		found="$mount|$device|$rest"
		return 0
	done < "$answers"
	return 1
}

split() {
	IFS='|' read -r mount device fs uuid label partmap abstraction hint hints subvol << END
$found
END
}

# What grub-probe ends with an error for when there is none.
say() {
	[ -n "$1" ] || exit 1
	printf '%s\n' "$1"
}

list() {
	for word in $1; do
		printf '%s\n' "$word"
	done
}

probe() {
	target=fs by=path object=
	while [ $# -gt 0 ]; do
		case $1 in
		-t | --target)
			target=$2
			shift
			;;
		--target=*) target=${1#*=} ;;
		-m | --device-map) shift ;;
		-d | --device) by=device ;;
		-*) ;;
		*) [ -n "$object" ] || object=$1 ;;
		esac
		shift
	done
	"find_$by" "$object" || fail "$object"
	split
	case $target in
	device) say "$device" ;;
	fs) say "$fs" ;;
	fs_uuid) say "$uuid" ;;
	fs_label) say "$label" ;;
	partmap) list "$partmap" ;;
	abstraction) list "$abstraction" ;;
	compatibility_hint) printf '%s\n' "$hint" ;;
	hints_string) say "$hints" ;;
	drive) say "${hint:+($hint)}" ;;
	*) exit 1 ;;
	esac
}

mkrelpath() {
	for object; do :; done
	find_path "$object" || fail "$object"
	split
	below=$(printf '%s' "$subvol/${path#"${mount%/}"}" | tr -s /)
	printf '%s\n' "${below%/}"
}

case $name in
grub-probe) probe "$@" ;;
grub-mkrelpath) mkrelpath "$@" ;;
esac
