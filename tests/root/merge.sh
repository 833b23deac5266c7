#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Merge methods and validators with the sandbox and real merge tools; a hostile image must not lead them outside.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools bwrap git diff3 tar dpkg-deb
t_private_mounts "$@"

driver=$T_BUILD/tests/root/merge-driver
work=$T_TMP
mkdir -p "$work/job" "$work/debs" "$work/outside"

copy_programs() {
	local tree=$1 program lib
	shift
	for program; do
		program=$(command -v "$program")
		cp -L "$program" "$tree/usr/bin/"
		ldd "$program" | grep -o '/[^ ]*' | while read -r lib; do
			mkdir -p "$tree/$(dirname "$lib")"
			cp -Ln "$lib" "$tree/$lib"
		done
	done
}

make_tree() {
	local tree=$1 lib
	shift
	mkdir -p "$tree"/{alt_inst,lpp_source,dev,proc,run,sys,tmp,etc,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib/dpkg}
	for lib in bin sbin lib lib64; do
		ln -s "usr/$lib" "$tree/$lib"
	done
	copy_programs "$tree" bash mkdir grep "$@"
	ln -sf bash "$tree/usr/bin/sh"
}

# One package with one configuration file, and what dpkg would have recorded of it.
put_status() {
	local tree=$1 version=$2 md5
	md5=$(md5sum <"$3")
	cat >"$tree/var/lib/dpkg/status" <<-EOT
		Package: app
		Status: install ok installed
		Architecture: all
		Version: $version
		Conffiles:
		 /etc/app.conf ${md5%% *}
	EOT
}

# OLD and NEW as they are after the packages, when dpkg kept the edited file.
fresh_roots() {
	rm -rf --one-file-system "$work/old" "$work/new"
	cp -a "$work/pristine" "$work/old"
	cp -a "$work/pristine" "$work/new"
	put_status "$work/old" 1.0-1 "$work/base"
	put_status "$work/new" 2.0-1 "$work/theirs"
	cp "$work/mine" "$work/old/etc/app.conf"
	cp "$work/mine" "$work/new/etc/app.conf"
	cp "$work/theirs" "$work/new/etc/app.conf.dpkg-dist"
}

merge() {
	"$driver" "$1" "$work/old" "$work/new" "$work/job" bookworm trixie "$2" "$work/debs"
}

fingerprint() {
	(cd "$1" && find . -printf '%p %y %m %U %G %s %T@ %l\n' | sort)
}

printf '%s\n' one two three four five six seven >"$work/base"
sed 's/two/TWO/' "$work/base" >"$work/mine"
sed 's/six/SIX/' "$work/base" >"$work/theirs"
sed 's/two/TWO/; s/six/SIX/' "$work/base" >"$work/merged"
make_tree "$work/pristine"
make_tree "$work/git" git tar mktemp rm chroot
make_tree "$work/diff3" diff3 diff tar mktemp rm chroot
make_tree "$work/neither" tar mktemp rm chroot

mkdir -p "$work/pkg/DEBIAN" "$work/pkg/etc"
printf 'Package: app\nVersion: 1.0-1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' \
	>"$work/pkg/DEBIAN/control"
cp "$work/base" "$work/pkg/etc/app.conf"
dpkg-deb --root-owner-group --build "$work/pkg" "$work/debs/app_1.0-1_all.deb" >/dev/null

for tool in git diff3; do
	t_case "an edited file is merged in the sandbox by $tool"
	fresh_roots
	chmod 640 "$work/new/etc/app.conf"
	chown 0:42 "$work/new/etc/app.conf"
	t_ok merge after "$work/$tool"
	t_ok cmp "$work/merged" "$work/new/etc/app.conf"
	t_equal "640 0:42" "$(stat -c '%a %u:%g' "$work/new/etc/app.conf")"
	t_ok test ! -e "$work/new/etc/app.conf.dpkg-dist"
	t_ok merge after "$work/$tool"
	t_match 'INFO conffiles.merged' -
	t_ok cmp "$work/merged" "$work/new/etc/app.conf"
done

t_case "without a merge tool both files stay"
fresh_roots
t_ok merge after "$work/neither"
t_match 'WARN conffiles.unmerged' -
t_match 'neither git nor diff3' -
t_ok cmp "$work/mine" "$work/new/etc/app.conf"
t_ok cmp "$work/theirs" "$work/new/etc/app.conf.dpkg-dist"

t_case "a damaged package is told, and both files stay"
fresh_roots
cp "$work/debs/app_1.0-1_all.deb" "$work/good.deb"
truncate -s 200 "$work/debs/app_1.0-1_all.deb"
t_ok merge after "$work/git"
t_match 'WARN conffiles.unmerged' -
t_match 'app_1.0-1_all.deb is no readable Debian archive' -
t_ok cmp "$work/mine" "$work/new/etc/app.conf"
mv "$work/good.deb" "$work/debs/app_1.0-1_all.deb"

t_case "links of a hostile image lead nowhere outside"
fresh_roots
echo outside >"$work/outside/file"
before=$(fingerprint "$work/outside")
ln -sf "$work/outside" "$work/new/var/adm"
ln -sf "../../../../../../../..$work/outside/file" "$work/new/etc/app.conf"
ln -sf "$work/outside/file" "$work/new/etc/app.conf.dpkg-dist"
mkdir -p "$work/new/etc/apt"
ln -s "$work/outside/file" "$work/new/etc/apt/sources.list"
ln -s "$work/outside" "$work/new/etc/apt/sources.list.d"
ln -s "$work/outside" "$work/new/etc/sysctl.d"
echo net.ipv4.ip_forward=1 >"$work/new/etc/sysctl.conf"
for action in save before after; do
	status=0
	merge "$action" "$work/git" >"$T_OUT" 2>&1 || status=$?
	t_ok test "$status" -le 1
done
t_equal "$before" "$(fingerprint "$work/outside")"

# A checker that writes as it checks, like nginx with its logs.
put_checker() {
	cat >"$1/usr/sbin/nginx" <<-'EOT'
		#!/bin/sh
		echo checked >/var/checked || echo "cannot write"
		if grep -q bad /etc/nginx/nginx.conf; then
			echo "nginx: [emerg] bad directive in nginx.conf" >&2
			exit 1
		fi
	EOT
	chmod 755 "$1/usr/sbin/nginx"
	mkdir -p "$1/etc/nginx" "$1/etc/systemd/system/multi-user.target.wants"
	echo good >"$1/etc/nginx/nginx.conf"
	ln -s /usr/lib/systemd/system/nginx.service \
		"$1/etc/systemd/system/multi-user.target.wants/nginx.service"
}

# The checkers' roots are throw-away overlays.
validate() {
	local side
	for side in old new; do
		mkdir -p "$work/over/$side"/{upper,work,root}
		mount -t overlay -o "lowerdir=$work/$side,upperdir=$work/over/$side/upper,workdir=$work/over/$side/work" \
			overlay "$work/over/$side/root"
	done
	local status=0
	"$driver" validate "$work/over/old/root" "$work/over/new/root" "$work/job" bookworm trixie \
		"$work/git" || status=$?
	umount "$work/over/old/root" "$work/over/new/root"
	rm -rf "$work/over"
	return "$status"
}

t_case "a checker that accepts the configuration passes"
fresh_roots
put_checker "$work/old"
put_checker "$work/new"
t_ok validate
t_match '^PASS validate.nginx' -
t_ok test ! -e "$work/new/var/checked"

t_case "a regression of an enabled service inhibits, with the checker's words"
echo bad >"$work/new/etc/nginx/nginx.conf"
t_ok validate
t_match '^INHIBIT validate.nginx' -
t_match 'emerg. bad directive' -

t_case "what failed before is no regression"
echo bad >"$work/old/etc/nginx/nginx.conf"
t_ok validate
t_match '^INFO validate.nginx' -
t_no_match '^INHIBIT' -

t_case "the hooks of the master's administrator run with their environment"
fresh_roots
mkdir -p "$work/hooks"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "$NIM_MERGE_STAGE $NIM_ALT_INST $NIM_RELEASE" >"%s/said"\n' "$work" \
	>"$work/hooks/10-site"
chmod 755 "$work/hooks/10-site"
t_ok env NIM_TEST_HOOKS="$work/hooks" "$driver" after "$work/old" "$work/new" "$work/job" \
	bookworm trixie "$work/git"
t_equal "after $work/new trixie" "$(cat "$work/said")"

t_done
