#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# RPM images of a lpp_source: installed into a root that has an RPM database, by the SPOT's rpm in the sandbox.
# The SPOT is that of the shared fixture where there is one, else this machine's own root, seen through an overlay.
. "$(dirname "$0")/../lib.sh"
t_need_root
t_need_tools bwrap rpm rpmbuild rpmdb
t_private_mounts "$@"

driver=$T_BUILD/tests/root/pkg-driver
lpp=$T_TMP/lpp tree=$T_TMP/tree spot=$T_TMP/spot
export PKG_DRIVER_OUTPUT=1
mkdir -p "$lpp/RPMS" "$T_TMP/work" "$spot"
if [ -d "${NIM_TEST_FIXTURE:-/nonexistent}/spot13/root" ]; then
	spot=$NIM_TEST_FIXTURE/spot13/root
else
	mkdir "$T_TMP/upper" "$T_TMP/ovl"
	mount -t overlay overlay -o "lowerdir=/,upperdir=$T_TMP/upper,workdir=$T_TMP/ovl" "$spot"
	t_at_exit umount -l "$spot"
	mkdir -p "$spot/alt_inst" "$spot/lpp_source"
fi

# image NAME VERSION [REQUIRES]: an RPM with a file, a configuration file and scripts
image() {
	mkdir -p "$T_TMP/rpm"
	cat >"$T_TMP/rpm/$1.spec" <<END
Name: $1
Version: $2
Release: 1
Summary: test
License: GPL
BuildArch: noarch
${3:+Requires: $3}
%description
test
%install
mkdir -p %{buildroot}/opt/$1 %{buildroot}/etc
echo "$1 $2" >%{buildroot}/opt/$1/version
echo "shipped $2" >%{buildroot}/etc/$1.conf
%post
echo "post of $1 $2" >>/var/log/rpm-test
%files
/opt/$1
%config(noreplace) /etc/$1.conf
END
	rpmbuild -bb --quiet --define "_topdir $T_TMP/rpm" --define "_rpmdir $T_TMP/rpms" "$T_TMP/rpm/$1.spec" \
		>"$T_TMP/said" 2>&1 || { cat "$T_TMP/said"; exit 1; }
}

# A root with a shell for the scripts.
make_tree() {
	local program lib
	mkdir -p "$tree"/{dev,proc,run,sys,tmp,etc,opt,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib/dpkg,var/log}
	for lib in bin sbin lib lib64; do ln -s "usr/$lib" "$tree/$lib"; done
	for program in bash cat; do
		program=$(command -v "$program")
		cp "$program" "$tree/usr/bin/"
		ldd "$program" | grep -o '/[^ ]*' | while read -r lib; do
			mkdir -p "$tree/$(dirname "$lib")"
			cp -Ln "$lib" "$tree/$lib"
		done
	done
	ln -s bash "$tree/usr/bin/sh"
	: >"$tree/var/lib/dpkg/status"
	printf '{}' >"$T_TMP/work/plan.json"
}

installed() {
	rpm --root="$tree" --dbpath="/$1" -qa --queryformat '%{NAME} %{VERSION}\n' | sort
}
step() {
	"$driver" "$spot" "$lpp" "$tree" "$T_TMP/work" trixie 60 rpm
}

image agent 1
image agent 2
image tool 1 "something-only-debian-has"
make_tree
cp "$T_TMP"/rpms/noarch/agent-2-*.rpm "$T_TMP"/rpms/noarch/tool-1-*.rpm "$lpp/RPMS/"

t_case "a root without an RPM database is left alone"
t_ok step
t_no_match 'RPM' -
t_fail_with 1 test -e "$tree/opt/agent"

t_case "images are installed where there is a database"
mkdir -p "$tree/var/lib/rpm"
rpmdb --root="$tree" --dbpath=/var/lib/rpm --initdb
rpm --root="$tree" --dbpath=/var/lib/rpm --nodeps -i "$T_TMP"/rpms/noarch/agent-1-*.rpm
t_equal "agent 1" "$(installed var/lib/rpm)"
echo "edited" >"$tree/etc/agent.conf"
t_ok step
t_match 'step: Installing 2 RPM images' -
t_match 'something-only-debian-has' -
t_equal $'agent 2\ntool 1' "$(installed var/lib/rpm)"
t_equal "agent 2" "$(cat "$tree/opt/agent/version")"
t_equal "edited" "$(cat "$tree/etc/agent.conf")"
t_equal "shipped 2" "$(cat "$tree/etc/agent.conf.rpmnew")"
t_match '^post of agent 2$' "$tree/var/log/rpm-test"

t_case "a second time is no error"
t_ok step
t_equal $'agent 2\ntool 1' "$(installed var/lib/rpm)"

t_case "the database's other place"
rm -rf "$tree/var/lib/rpm" "$tree/opt/agent" "$tree/opt/tool"
mkdir -p "$tree/usr/lib/sysimage/rpm"
rpmdb --root="$tree" --dbpath=/usr/lib/sysimage/rpm --initdb
t_ok step
t_equal $'agent 2\ntool 1' "$(installed usr/lib/sysimage/rpm)"
t_fail_with 1 test -e "$tree/var/lib/rpm"

t_case "what cannot be installed is named"
echo "no rpm" >"$lpp/RPMS/broken.rpm"
t_fail_with 1 step
t_match 'broken.rpm is no RPM image' -
image cut 1
cp "$T_TMP"/rpms/noarch/cut-1-*.rpm "$lpp/RPMS/broken.rpm"
truncate -s -50 "$lpp/RPMS/broken.rpm"
t_fail_with 1 step
t_match 'RPM images: rpm: exit status' -
t_match 'cut-1-1.noarch does not verify' -

t_case "a lpp_source without RPM images"
rm -r "$lpp/RPMS"
t_ok step
t_no_match 'RPM' -

t_done
