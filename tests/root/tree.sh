# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A small root tree out of programs of this machine, for tests that need a SPOT or an alternate root but no packages.

# make_tree DIRECTORY PROGRAM...
make_tree() {
	local tree=$1 program lib
	shift
	mkdir -p "$tree"/{alt_inst,lpp_source,dev,proc,run,sys,tmp,etc,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib/dpkg}
	for lib in bin sbin lib lib64; do
		ln -s "usr/$lib" "$tree/$lib"
	done
	for program; do
		program=$(command -v "$program")
		cp "$program" "$tree/usr/bin/"
		ldd "$program" | grep -o '/[^ ]*' | while read -r lib; do
			mkdir -p "$tree/$(dirname "$lib")"
			cp -Ln "$lib" "$tree/$lib"
		done
	done
	ln -sf bash "$tree/usr/bin/sh"
}
