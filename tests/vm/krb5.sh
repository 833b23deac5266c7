# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Kerberos for guests of uml.sh: Debian's KDC, its tools and nfs-common, fetched below $T_TMP. Sourced after lib.sh.
#
#   krb5_fetch        skips the whole script where they cannot be had; NIM_TEST_KRB5 is a directory that has their files already
#   $krb5_guest       to be sourced in a guest: they are in its root then, and it has
#                       krb5_root DIR           the same for a root below DIR
#                       krb5_kdc PRINCIPAL...   the realm TEST, which the guest's krb5kdc can serve at 10.9.0.1; made with these
#                                               principals by the first guest that asks; the keytab of nfs/HOST is
#                                               $T_TMP/keytab.HOST
#                     hosts are client.test (10.9.0.2), master.test (10.9.0.1) and other.test
krb5_guest=$T_TMP/krb5.guest

krb5_packages=(krb5-kdc krb5-admin-server krb5-user nfs-common libgssapi-krb5-2 libkrb5-3 libkrb5support0 libk5crypto3 libgssrpc4
	libkdb5-10 libkadm5srv-mit12 libkadm5clnt-mit12 libev4 libverto-libev1 libverto1 libnfsidmap1 keyutils libevent-core-2.1-7
	libtirpc3)

krb5_fetch() {
	local dir=$T_TMP/krb5 deb
	mkdir -p "$dir/root"
	if [ -n "${NIM_TEST_KRB5:-}" ]; then
		cp "$NIM_TEST_KRB5"/*.deb "$dir/"
	else
		(cd "$dir" && apt-get -qq download "${krb5_packages[@]}" >&2) || t_skip_all "needs Debian's packages of Kerberos"
	fi
	for deb in "$dir"/*.deb; do dpkg-deb -x "$deb" "$dir/root"; done
	cat >"$krb5_guest" <<-'END'
		krb5_root() {
			tar -C "$T_TMP/krb5/root" -c . | tar -x --keep-directory-symlink -C "$1"
			ldconfig -r "$1"
			cp "$1/usr/share/nfs-common/conffiles/idmapd.conf" "$1/etc/idmapd.conf"
			cat >>"$1/etc/hosts" <<-'HOSTS'
				10.9.0.1 master.test master
				10.9.0.2 client.test client
				10.9.0.3 other.test other
			HOSTS
			cat >"$1/etc/krb5.conf" <<-'CONF'
				[libdefaults]
				default_realm = TEST
				dns_lookup_kdc = false
				dns_lookup_realm = false
				dns_canonicalize_hostname = false
				rdns = false
				[realms]
				TEST = {
					kdc = 10.9.0.1
				}
				[domain_realm]
				.test = TEST
			CONF
		}
		krb5_kdc() {
			local p
			mkdir -p /etc/krb5kdc /var/lib/krb5kdc
			cat >/etc/krb5kdc/kdc.conf <<-'CONF'
				[realms]
				TEST = {
					database_name = /var/lib/krb5kdc/principal
					key_stash_file = /var/lib/krb5kdc/stash
				}
			CONF
			if [ -d "$T_TMP/kdc" ]; then
				cp -a "$T_TMP/kdc/." /var/lib/krb5kdc/
				return
			fi
			kdb5_util create -s -r TEST -P test >/dev/null
			for p in "$@"; do
				kadmin.local -q "addprinc -randkey $p" >/dev/null 2>&1
				kadmin.local -q "ktadd -k $T_TMP/keytab.${p#*/} $p" >/dev/null
			done
			cp -a /var/lib/krb5kdc "$T_TMP/kdc"
		}
		krb5_root /
	END
}
