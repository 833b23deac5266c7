# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A User-Mode Linux that is newer than the machine's own. Sourced after lib.sh, before uml.sh.
#
#   uml_newer VERSION   guests have at least this kernel: the machine's own, or that of Debian 13, which is fetched below $T_TMP;
#                       skips the whole script where neither can be had

uml_newer_has() {
	local own
	own=$(basename "$(echo "$1"/*)")
	[ "$(printf '%s\n' "$2" "$own" | sort -V | head -n 1)" = "$2" ]
}

# The package and the C library that it needs, which is newer than an older machine's.
uml_newer_fetch() {
	local dir=$1 apt
	apt=(apt-get -qq -o "Dir::State=$dir/apt" -o "Dir::State::status=$dir/apt/status" -o "Dir::Cache=$dir/apt"
		-o "Dir::Etc::SourceList=$dir/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root)
	mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial" "$dir/root"
	: >"$dir/apt/status"
	"$T_SRC/tests/profiles/sources.sh" trixie >"$dir/apt/sources.list" &&
		"${apt[@]}" update >&2 &&
		(cd "$dir" && "${apt[@]}" download user-mode-linux libc6 >&2) || return 1
	for apt in "$dir"/*.deb; do dpkg-deb -x "$apt" "$dir/root"; done
	rm -rf "$dir/apt" "$dir"/*.deb
}

# The kernel's program looks for the C library's loader under a name of the machine's: in a copy, that is "ld" where it is started.
uml_newer_program() {
	local dir=$1 libs=$1/root/usr/lib/x86_64-linux-gnu
	mkdir "$dir/lib"
	cp "$libs/libc.so.6" "$libs/ld-linux-x86-64.so.2" "$dir/lib/"
	cp "$libs/ld-linux-x86-64.so.2" "$dir/ld"
	sed 's,/lib64/ld-linux-x86-64\.so\.2\x00,ld\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00,' \
		"$dir/root/usr/bin/linux.uml" >"$dir/linux.uml"
	chmod +x "$dir/linux.uml"
	cat >"$dir/run" <<-END
		#!/bin/sh
		cd "$dir" && LD_LIBRARY_PATH=$dir/lib exec ./linux.uml "\$@"
	END
	chmod +x "$dir/run"
}

uml_newer() {
	local dir=$T_TMP/uml-newer
	export UML_KERNEL=${UML_KERNEL:-linux.uml} UML_MODULES=${UML_MODULES:-/usr/lib/uml/modules}
	if uml_newer_has "$UML_MODULES" "$1"; then return 0; fi
	mkdir "$dir"
	uml_newer_fetch "$dir" || t_skip_all "needs User-Mode Linux $1: Debian 13's cannot be fetched"
	uml_newer_program "$dir"
	UML_KERNEL=$dir/run UML_MODULES=$dir/root/usr/lib/uml/modules
	uml_newer_has "$UML_MODULES" "$1" || t_skip_all "needs User-Mode Linux $1"
}
