#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Packages of alt_disk_copy -b, -w, -l: real apt in a real Debian tree. Scripts of packages see no network, no disk but the clone's,
# start nothing and write no boot loader.
# Takes 2 minutes.
# shellcheck disable=SC2016 # scripts of packages expand these
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fixture.sh
. "$T_SRC/tests/fixture.sh"
t_need_root
t_need_tools mmdebstrap dpkg-deb dpkg-scanpackages gpg losetup
t_private_mounts "$@"
export LC_ALL=C

root=$T_TMP/root
pool=$T_TMP/pool
mkdir -p "$T_TMP"/{upper,work,root,run,pool,empty}
fixture_minimal "$T_TMP/lower"
mount -t overlay overlay -o "lowerdir=$T_TMP/lower,upperdir=$T_TMP/upper,workdir=$T_TMP/work" "$root"
t_at_exit umount "$root"
truncate -s 1M "$T_TMP/disk"
loop=$(losetup -f --show "$T_TMP/disk")
t_at_exit losetup -d "$loop"

packages() {
	"$T_BUILD/tests/root/packages-run" "$root" "$T_TMP/run/packages" "$@"
}

# deb NAME VERSION POSTINST [FIELD]...: a package in the pool
deb() {
	local dir=$T_TMP/deb field
	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN" "$dir/usr/share/$1"
	echo "$2" >"$dir/usr/share/$1/version"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Test <test@localhost>\nDescription: part of the test\n' \
		"$1" "$2" >"$dir/DEBIAN/control"
	for field in "${@:4}"; do echo "$field" >>"$dir/DEBIAN/control"; done
	printf '#!/bin/sh\nset -e\n%s\n' "$3" >"$dir/DEBIAN/postinst"
	chmod 755 "$dir/DEBIAN/postinst"
	dpkg-deb --root-owner-group -b "$dir" "$pool/$1_$2_all.deb" >/dev/null
}

in_root() { chroot "$root" "$@"; }

boot_files() { find "$root/boot" -type f -exec sha256sum {} +; }

nothing_left() {
	t_ok test ! -e "$root/var/lib/nimadm/packages" -a ! -e "$T_TMP/run/packages" -a ! -e "$root/run/nimadm"
	t_equal "" "$(in_root dpkg --audit)"
}

deb first-thing 1 'exec >/var/log/first-thing
ls /dev
echo "devices: $(for d in /dev/*; do [ ! -b $d ] || echo $d; done)"
echo "up: $(grep -c 1 /sys/class/net/*/carrier 2>/dev/null || echo none)"
update-initramfs -u && update-grub && grub-install /dev/sda && invoke-rc.d ssh restart && echo held' "Depends: second-thing"
deb second-thing 1 :
deb breaks-curl 1 : "Conflicts: curl"
deb fails 1 'echo "no licence for this host" >&2; exit 1'

t_case "loose archives: what a package needs comes from the directory too"
kernels=$(boot_files)
t_ok packages -w first-thing -l "$pool" -d "$loop"
t_equal 1 "$(cat "$root/usr/share/first-thing/version")"
t_equal 1 "$(cat "$root/usr/share/second-thing/version")"
nothing_left

t_case "its scripts see the clone's disk alone, no network, and start or write nothing"
t_match "^devices: $loop$" "$root/var/log/first-thing"
t_match '^held$' "$root/var/log/first-thing"
t_no_match '^up: [1-9]' "$root/var/log/first-thing"
t_equal "$kernels" "$(boot_files)"
t_ok test -e "$root/etc/nimadm/altinst.stale"

t_case "a bundle names packages; update_all takes new versions of what is there, and nothing else"
printf '# ours\nI:second-thing\n' >"$T_TMP/bundle"
t_ok packages -b "$T_TMP/bundle" -l "$pool"
deb first-thing 2 :
deb second-thing 2 :
deb third-thing 1 :
rm "$pool/second-thing_1_all.deb"
t_ok packages -b update_all -l "$pool"
t_equal "2 2" "$(cat "$root/usr/share/first-thing/version" "$root/usr/share/second-thing/version" | xargs)"
t_ok test ! -e "$root/usr/share/third-thing"
nothing_left

t_case "what would remove a package, a script that fails, a name that is not there: told; then it goes on"
t_fail_with 1 packages -w breaks-curl -l "$pool"
t_match '^error: apt-get: .*remove' -
t_fail_with 1 packages -w fails -l "$pool"
t_match 'no licence for this host' -
t_match '^next: mend what apt says' -
t_fail_with 1 packages -w nosuch-thing -l "$pool"
t_match 'Unable to locate package nosuch-thing' -
t_ok test ! -e "$root/var/lib/nimadm/packages"
in_root dpkg --purge fails
t_ok packages -w third-thing -l "$pool"
nothing_left

t_case "an archive with dists/: what the clone's keys confirm, and nothing else"
archive=$T_TMP/archive
export GNUPGHOME=$T_TMP/gpg
mkdir -m 700 "$GNUPGHOME"
t_at_exit gpgconf --kill all
gpg --batch --quiet --passphrase '' --quick-gen-key archive@localhost rsa2048 sign never
index=main/binary-amd64/Packages
mkdir -p "$archive/dists/bookworm/${index%/*}" "$archive/pool"
deb signed-thing 1 :
mv "$pool/signed-thing_1_all.deb" "$archive/pool/"
(cd "$archive" && dpkg-scanpackages --multiversion pool 2>/dev/null) >"$archive/dists/bookworm/$index"
sum=$(sha256sum <"$archive/dists/bookworm/$index")
cat >"$archive/dists/bookworm/Release" <<END
Suite: bookworm
Codename: bookworm
Date: $(date -Ru | sed 's/+0000/UTC/')
Architectures: amd64
Components: main
SHA256:
 ${sum%% *} $(stat -c %s "$archive/dists/bookworm/$index") $index
END
gpg --batch --quiet --clearsign -o "$archive/dists/bookworm/InRelease" "$archive/dists/bookworm/Release"
t_fail_with 1 packages -w signed-thing -l "$archive"
t_match '^error: apt-get: .*not signed|NO_PUBKEY' -
gpg --batch --export archive@localhost >"$root/etc/apt/trusted.gpg.d/test.gpg"
t_ok packages -w signed-thing -l "$archive"
t_equal 1 "$(cat "$root/usr/share/signed-thing/version")"
mv "$archive/dists/bookworm" "$archive/dists/trixie"
t_fail_with 2 packages -w signed-thing -l "$archive"
t_match '^error: -l .*/archive: has no dists/bookworm/Release' -
nothing_left

t_case "options that cannot be"
t_fail_with 2 packages -w 'x!' -l "$pool"
t_match "^error: -w x!: is not the name of a package" -
t_fail_with 2 packages -w first-thing -l "$T_TMP/empty"
t_match '^error: -l .*/empty: holds no package' -
t_fail_with 2 packages -w first-thing -l "$T_TMP/nosuch"
t_match '^error: -l .*/nosuch: is no directory' -
t_fail_with 2 packages -l "$pool"
t_match '^error: -l and -I go with -b or -w' -
: >"$T_TMP/bundle"
t_fail_with 2 packages -b "$T_TMP/bundle"
t_match 'names no package' -

t_case "from where the clone's apt takes them: kernel and boot loader, which asks for its disk by name"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
[ -L /etc/resolv.conf ] || cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
kernel=$(basename "$root"/boot/vmlinuz-*)
in_root debconf-set-selections <<'END'
grub-pc grub-pc/install_devices multiselect /dev/disk/by-id/scsi-clone
grub-pc grub-pc/install_devices_empty boolean false
END
mkdir -p "$root/boot/grub/i386-pc"
: >"$root/boot/grub/i386-pc/core.img"
mkdir "$T_TMP/by-id"
ln -s "$loop" "$T_TMP/by-id/scsi-clone"
before=$(sha256sum <"$T_TMP/disk")
t_ok packages -w grub-pc -w "linux-image-${kernel#vmlinuz-}" -w hello -I --reinstall -d "$loop" -n "$T_TMP/by-id/scsi-clone"
t_match '^Fetching packages' -
t_ok in_root hello
nothing_left
t_equal "$before" "$(sha256sum <"$T_TMP/disk")"
t_match '/dev/disk/by-id/scsi-clone' "$root/var/cache/debconf/config.dat"

t_done
