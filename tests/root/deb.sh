#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The package backend on a tiny tree with packages made here: a whole upgrade, and maintainer scripts that fail, hang,
# ask, or kill their parent. The tool tree is this machine's own root, seen through an overlay.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools bwrap dpkg-deb apt-get chroot
t_private_mounts "$@"

driver=$T_BUILD/tests/root/pkg-driver
lpp=$T_TMP/lpp tree=$T_TMP/tree spot=$T_TMP/spot
arch=$(dpkg --print-architecture)

make_spot() {
	mkdir -p "$T_TMP/upper" "$T_TMP/ovl" "$spot"
	mount -t overlay overlay \
		-o "lowerdir=/,upperdir=$T_TMP/upper,workdir=$T_TMP/ovl" "$spot"
	t_at_exit umount -l "$spot"
	mkdir -p "$spot/alt_inst" "$spot/lpp_source"
}

# A tree with a shell for the maintainer scripts and an empty package data base.
make_tree() {
	local program lib
	mkdir -p "$T_TMP/pristine"/{dev,proc,run,sys,tmp,etc/apt,usr/bin,usr/sbin,usr/lib,usr/lib64}
	mkdir -p "$T_TMP/pristine"/var/lib/dpkg/{info,updates,triggers} "$T_TMP/pristine"/var/{lib/apt,log}
	: >"$T_TMP/pristine/var/lib/dpkg/status"
	for lib in bin sbin lib lib64; do
		ln -s "usr/$lib" "$T_TMP/pristine/$lib"
	done
	for program in bash cat flock grep rm sleep; do
		program=$(command -v "$program")
		cp "$program" "$T_TMP/pristine/usr/bin/"
		ldd "$program" | grep -o '/[^ ]*' | while read -r lib; do
			mkdir -p "$T_TMP/pristine/$(dirname "$lib")"
			cp -Ln "$lib" "$T_TMP/pristine/$lib"
		done
	done
	ln -sf bash "$T_TMP/pristine/usr/bin/sh"
}

# package NAME VERSION CONTROL-LINES [POSTINST]: into $lpp/pool, or beside the tree for version 1
package() {
	local dir=$T_TMP/build/$1
	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN" "$dir/etc" "$dir/usr/share/$1"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.org>\n' "$1" "$2" \
		>"$dir/DEBIAN/control"
	[ -z "$3" ] || printf '%b\n' "$3" >>"$dir/DEBIAN/control"
	printf 'Description: test\n' >>"$dir/DEBIAN/control"
	echo "$1 $2" >"$dir/usr/share/$1/version"
	echo "shipped = $2" >"$dir/etc/$1.conf"
	echo "/etc/$1.conf" >"$dir/DEBIAN/conffiles"
	if [ -n "${4:-}" ]; then
		printf '#!/bin/sh\n%s\n' "$4" >"$dir/DEBIAN/postinst"
		chmod 755 "$dir/DEBIAN/postinst"
	fi
	dpkg-deb --build --root-owner-group "$dir" "$T_TMP/build/$1_$2_all.deb" >/dev/null
	[ "$2" = 1 ] || cp "$T_TMP/build/$1_$2_all.deb" "$lpp/pool/"
}

make_packages() {
	mkdir -p "$lpp"/{etc,lists,pool,repo} "$T_TMP/build"
	package base-thing 1 'Essential: yes\nPriority: required'
	package base-thing 2 'Essential: yes\nPriority: required\nDepends: libnew'
	package libold 1 'Section: oldlibs'
	package libnew 2 'Provides: libold\nReplaces: libold\nBreaks: libold'
	package good 1 'Depends: libold'
	package good 2 'Depends: libold, helper' 'echo "configured good"'
	package helper 2 ''
	package held 1 ''
	package held 2 ''
	package extra 2 ''
	# shellcheck disable=SC2016
	local script='[ -e /etc/repaired ] && exit 0; '
	package fails 1 ''
	package fails 2 '' "$script echo 'fails: cannot find my wits'; exit 3"
	package hangs 1 ''
	package hangs 2 '' "$script echo 'hangs: waiting for the moon'; sleep 1000"
	package asks 1 ''
	package asks 2 '' "$script echo 'asks: Really? [y/N]'; read answer && [ \"\$answer\" = y ]"
	package kills 1 ''
	# shellcheck disable=SC2016
	package kills 2 '' "$script"'echo "kills: down with dpkg"; kill -9 $PPID; sleep 2'
	package kernel 1 ''
	package kernel 2 '' 'depmod 6.1; [ -e /depmod.done ] || echo "kernel: went on before it was done"'
	(
		cd "$lpp/pool"
		for deb in *.deb; do
			dpkg-deb -f "$deb"
			echo "Filename: ./$deb"
			echo "Size: $(stat -c %s "$deb")"
			echo "SHA256: $(sha256sum "$deb" | cut -d' ' -f1)"
			echo
		done
	) >"$lpp/repo/Packages"
	cp "$lpp"/pool/*.deb "$lpp/repo/"
	echo 'deb [trusted=yes] file:/lpp_source/repo ./' >"$lpp/etc/sources.list"
	mount --bind "$lpp" "$spot/lpp_source"
	chroot "$spot" apt-get -q -o Dir::Etc=/lpp_source/etc -o Dir::State::lists=/lpp_source/lists \
		-o Dir::Cache=/tmp -o Acquire::Languages=none -o APT::Sandbox::User=root \
		-o "APT::Architecture=$arch" update >"$T_TMP/update.log" 2>&1
	umount "$spot/lpp_source"
}

# fresh PACKAGE...: a tree with version 1 of these, ours edited
fresh() {
	local name
	rm -rf --one-file-system "$tree" "$T_TMP/job"
	cp -a "$T_TMP/pristine" "$tree"
	mkdir "$T_TMP/job"
	for name in base-thing "$@"; do
		dpkg --root="$tree" --force-not-root --log=/dev/null -i \
			"$T_TMP/build/${name}_1_all.deb" >/dev/null
	done
}

drive() {
	"$driver" "$spot" "$lpp" "$tree" "$T_TMP/job" trixie 3 "$@"
}

version() {
	dpkg-query --admindir="$tree/var/lib/dpkg" -W -f '${db:Status-Status} ${Version}' "$1"
}

make_spot
make_tree
make_packages

t_case "an upgrade: plan, hold, base part, rest, give back"
fresh libold good held
echo "mine = 1" >>"$tree/etc/good.conf"
dpkg --root="$tree" --set-selections <<<"held hold"
t_ok drive plan prepare bos verify-bos rest finish verify
t_match 'PASS dpkg.audit' -
t_equal "installed 2" "$(version good)"
t_equal "installed 2" "$(version helper)"
t_equal "installed 1" "$(version held)"
t_match 'mine = 1' "$tree/etc/good.conf"
t_match 'shipped = 2' "$tree/etc/good.conf.dpkg-dist"
t_match '"removal": *"replaced"' "$T_TMP/job/plan.json"
t_fail_with 1 test -e "$tree/usr/share/libold/version"
t_fail_with 1 test -e "$tree/usr/sbin/policy-rc.d"
t_fail_with 1 test -e "$tree/usr/sbin/update-initramfs"
t_no_match . "$tree/var/lib/dpkg/diversions"
t_match 'Package: helper' "$tree/var/lib/apt/extended_states"

t_case "the base part leaves the rest alone, and each part can be repeated"
fresh libold good
t_ok drive plan prepare bos bos verify-bos
t_equal "installed 2" "$(version base-thing)"
t_equal "installed 1" "$(version good)"
t_ok drive rest rest finish finish verify
t_equal "installed 2" "$(version good)"

# trouble PACKAGE WORDS: the error names the package and what it said; after the repair it goes on
trouble() {
	fresh "$1"
	t_ok drive plan prepare bos
	t_fail_with 1 drive rest
	t_match "package $1" -
	t_match "$2" -
	t_match "packages.log" -
	t_match "$1: " "$T_TMP/job/packages.log"
	t_fail_with 1 drive verify
	: >"$tree/etc/repaired"
	t_ok drive rest finish verify
	t_equal "installed 2" "$(version "$1")"
}

t_case "a script that fails"
trouble fails "cannot find my wits"

t_case "a script that hangs"
trouble hangs "hangs"

t_case "a script that asks a question"
trouble asks "Really"

t_case "a script that kills its parent"
trouble kills "down with dpkg|signal"

# killed_at NAME STATE: the rest is begun, and all of it killed when package NAME is in that state
killed_at() {
	local pid status=0
	"$driver" "$spot" "$lpp" "$tree" "$T_TMP/job" trixie 60 rest >"$T_TMP/out" 2>&1 &
	pid=$!
	for _ in $(seq 100); do
		[ "$(version "$1")" != "$2" ] || break
		sleep 0.1
	done
	kill -9 "$pid"
	wait "$pid" || status=$?
	t_equal 137 "$status"
	t_equal "$2" "$(version "$1")"
}

t_case "all of it killed in the middle: the next call completes it"
fresh hangs
t_ok drive plan prepare bos
killed_at hangs "half-configured 2"
: >"$tree/etc/repaired"
t_ok drive rest finish verify
t_equal "installed 2" "$(version hangs)"

# depmod_script COMMANDS: what the tree has as depmod
depmod_script() {
	printf '#!/bin/sh\n%s\n' "$1" >"$tree/usr/sbin/depmod"
	chmod 755 "$tree/usr/sbin/depmod"
}

t_case "depmod works beside dpkg, and is waited for"
fresh kernel
# shellcheck disable=SC2016
depmod_script 'sleep 2; echo "indexed $1" >>/depmod.done'
t_ok drive plan prepare bos rest finish verify
t_match 'kernel: went on before it was done' "$T_TMP/job/packages.log"
t_equal "indexed 6.1" "$(cat "$tree/depmod.done")"

t_case "a depmod that was killed is run by the next call"
fresh kernel
depmod_script '[ -e /etc/repaired ] || sleep 1000; >/depmod.done'
t_ok drive plan prepare bos
killed_at kernel "installed 2"
: >"$tree/etc/repaired"
t_ok drive rest finish verify
t_ok test -e "$tree/depmod.done"
t_fail_with 1 test -e "$tree/var/lib/dpkg/depmod.nimadm"

t_case "a depmod that fails is tried once more, then it counts"
fresh kernel
depmod_script '[ -e /once ] || { >/once; exit 1; }; >/depmod.done'
t_ok drive plan prepare bos rest finish verify
t_ok test -e "$tree/depmod.done"
fresh kernel
depmod_script '[ -e /etc/repaired ] || { echo "no space for the index"; exit 1; }; >/depmod.done'
t_ok drive plan prepare bos
t_fail_with 1 drive rest
t_match "depmod 6.1 failed" "$T_TMP/job/packages.log"
t_match "no space for the index" "$T_TMP/job/packages.log"
: >"$tree/etc/repaired"
t_ok drive rest finish verify
t_ok test -e "$tree/depmod.done"

t_case "an archive that is damaged"
fresh libold good
t_ok drive plan prepare bos
cp "$lpp/pool/good_2_all.deb" "$T_TMP/good.deb"
truncate -s 300 "$lpp/pool/good_2_all.deb"
t_fail_with 1 drive rest
t_match "good_2_all.deb" -
cp "$T_TMP/good.deb" "$lpp/pool/good_2_all.deb"
t_ok drive rest finish verify

t_done
