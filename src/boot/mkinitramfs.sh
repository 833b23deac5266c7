#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stands before mkinitramfs in PATH: the image's configuration with one more file, `conf` beside this. The image's own
# directory stays as it is.
set -eu
conf=$(mktemp -d)
for f in /etc/initramfs-tools/*; do
	ln -s "$f" "$conf/"
done
rm -f "$conf/conf.d"
mkdir "$conf/conf.d"
for f in /etc/initramfs-tools/conf.d/*; do
	[ ! -e "$f" ] || ln -s "$f" "$conf/conf.d/"
done
cp "${0%/*}/conf" "$conf/conf.d/zz-nimadm"
exec /usr/sbin/mkinitramfs -d "$conf" "$@"
