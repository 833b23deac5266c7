/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The known traps of each release pair, as data: one row a trap. A row applies when all of its conditions hold on the old
 * system: a package is installed, a path exists, a file has a line that matches.
 * Sources: the Debian release notes of 12 and 13, and upgrades that were seen.
 */
#include "inventory/preflight-internal.h"

#include <fnmatch.h>
#include <regex.h>

struct trap {
	const char *id; /* finding "trap.<id>" */
	int from;	/* major version that is left; 0: every one */
	enum finding_severity severity;
	const char *package; /* fnmatch(3) pattern of an installed package, or NULL */
	const char *path;    /* must exist, or NULL */
	/* extended; some line of `path` matches; NULL: existence is enough */
	const char *regex;
	const char *title, *remedy;
};

static const struct trap traps[] = {
	{ "tmp-tmpfs", 12, FINDING_INFO, "systemd", NULL, NULL,
	  "/tmp becomes a tmpfs of up to half the memory with Debian 13",
	  "systemctl mask tmp.mount on the new system keeps /tmp on disk" },
	{ "sysctl-conf", 12, FINDING_INFO, NULL, "etc/sysctl.conf", "^[[:space:]]*[a-z]",
	  "/etc/sysctl.conf is no longer read; it has settings",
	  "the merge method 'sysctl' moves them to /etc/sysctl.d/60-migrated.conf" },
	{ "ssh-dsa", 12, FINDING_WARN, "openssh-*", "etc/ssh/ssh_host_dsa_key", NULL,
	  "DSA host keys no longer work",
	  "clients that know only the DSA key must learn another; remove the key" },
	{ "pam-environment", 12, FINDING_WARN, "openssh-server", "etc/pam.d/sshd",
	  "^[^#]*user_readenv=1", "~/.pam_environment is no longer read",
	  "move the variables to the shell's start files" },
	{ "postgresql-major", 0, FINDING_WARN, "postgresql-[0-9]*", NULL, NULL,
	  "a PostgreSQL cluster stays at its major version, which the new release no longer "
	  "supports",
	  "after the first boot: pg_upgradecluster; and REINDEX where text is indexed, as the "
	  "C library's collation changes" },
	{ "mariadb-major", 0, FINDING_WARN, "mariadb-server*", NULL, NULL,
	  "MariaDB starts with the new major version only after a clean stop of the old one",
	  "stop mariadb before the image or clone is made, or copy the data after a clean stop" },
	{ "mysql-default", 12, FINDING_WARN, "default-mysql-server", NULL, NULL,
	  "default-mysql-server follows the new major version",
	  "dump the databases first" },
	{ "dovecot-24", 12, FINDING_WARN, "dovecot-core", NULL, NULL,
	  "Dovecot 2.4 refuses configuration files of 2.3",
	  "convert /etc/dovecot before the reboot; the validator 'dovecot' tells what is refused" },
	{ "bind-default-zones", 12, FINDING_WARN, "bind9", "etc/bind/named.conf",
	  "named\\.conf\\.default-zones",
	  "BIND 9.20 no longer ships named.conf.default-zones",
	  "the validator 'bind9' tells if named.conf still parses; drop the include" },
	{ "php-version", 0, FINDING_WARN, "php[0-9]*-common", NULL, NULL,
	  "PHP's configuration lies in a directory named after the old version",
	  "the migration merges what was edited into the new version's files: see what the "
	  "report says of /etc/php" },
	{ "apache-php", 0, FINDING_INFO, "libapache2-mod-php*", NULL, NULL,
	  "Apache's PHP module is named after its version",
	  "enable the new one: a2enmod php8.x" },
	{ "rabbitmq", 12, FINDING_WARN, "rabbitmq-server", NULL, NULL,
	  "RabbitMQ has no direct upgrade path from 3.10 to 4",
	  "migrate the broker by its own steps; mirrored queues are gone" },
	{ "openldap", 0, FINDING_WARN, "slapd", NULL, NULL,
	  "slapd may need its database dumped and loaded",
	  "slapcat before, compare afterwards" },
	{ "redis-valkey", 12, FINDING_INFO, "redis-server", NULL, NULL,
	  "Redis 8 changes its licence terms; Valkey is an alternative",
	  "choose deliberately" },
	{ "samba", 0, FINDING_INFO, "samba", NULL, NULL,
	  "Samba moves by several minor versions",
	  "testparm -s is run before and after; read its release notes for domain controllers" },
	{ "docker", 0, FINDING_WARN, "docker.io", NULL, NULL,
	  "containers and images under /var/lib/docker are data",
	  "the package is upgraded, never purged; containers start after the reboot" },
	{ "libvirt", 0, FINDING_INFO, "libvirt-daemon*", NULL, NULL,
	  "virtual machines are defined under /etc/libvirt and /var/lib/libvirt",
	  "neither is touched; check the machine types after the reboot" },
	{ "cryptsetup", 12, FINDING_WARN, "cryptsetup*", "etc/crypttab", "^[^#[:space:]]",
	  "unlocking at boot needs the package systemd-cryptsetup with Debian 13",
	  "add systemd-cryptsetup to a bundle (-b) if the plan does not install it; plain "
	  "dm-crypt entries need an explicit cipher and hash" },
	{ "initramfs-dep", 0, FINDING_WARN, "initramfs-tools*",
	  "etc/initramfs-tools/initramfs.conf", "^[[:space:]]*MODULES=dep",
	  "MODULES=dep would probe the master's hardware",
	  "it is built with MODULES=most here" },
	{ "mdadm", 0, FINDING_WARN, "mdadm", "etc/mdadm/mdadm.conf", "^[[:space:]]*ARRAY",
	  "software RAID arrays are named by UUID",
	  "restore to arrays and make ARRAY lines anew, or restore without RAID" },
	{ "zfs", 0, FINDING_INHIBIT, "zfs-dkms", "etc/fstab",
	  "[[:space:]]/[[:space:]]+zfs", "root on ZFS is not supported",
	  "migrate this system in place" },
	{ "dkms", 0, FINDING_WARN, "dkms", NULL, NULL,
	  "modules built by DKMS must build for the new kernel",
	  "look at 'dkms status' in the report; the headers of the new kernel must be installed" },
	{ "net-names", 0, FINDING_INFO, "systemd", NULL, NULL,
	  "a newer systemd may name network interfaces differently",
	  "the merge method 'net_names' pins the naming scheme of the old release" },
	{ "persistent-net", 12, FINDING_WARN, NULL,
	  "etc/udev/rules.d/70-persistent-net.rules", NULL,
	  "70-persistent-net.rules may no longer rename interfaces",
	  "write a .link file per interface: systemd.link(5)" },
	{ "dhclient", 12, FINDING_INFO, "isc-dhcp-client", "etc/network/interfaces",
	  "inet[[:space:]]+dhcp", "isc-dhcp-client is no longer maintained",
	  "it keeps working; plan to change to dhcpcd" },
	{ "sshd-subsystem", 12, FINDING_INFO, "openssh-server", "etc/ssh/sshd_config",
	  "^[[:space:]]*(PubkeyAcceptedKeyTypes|HostbasedAcceptedKeyTypes|DSA)",
	  "options of sshd_config have new names",
	  "the validator 'sshd' checks the file" },
	{ "non-free-firmware", 11, FINDING_INFO, NULL, "etc/apt/sources.list",
	  "^[^#]*[[:space:]]non-free",
	  "firmware moves to the component non-free-firmware",
	  "the merge method 'apt_sources' adds it" },
	{ "rsyslog", 11, FINDING_INFO, "rsyslog", NULL, NULL,
	  "new installations of Debian 12 have no rsyslog", "yours stays" },
	{ "python-venv", 0, FINDING_INFO, "python3-venv", NULL, NULL,
	  "virtual environments are bound to the old Python",
	  "make them anew after the reboot" },
	{ "etckeeper", 0, FINDING_INFO, "etckeeper", NULL, NULL,
	  "etckeeper commits inside the alternate root",
	  "its history forks from the live one's" },
	{ "systemd-boot", 12, FINDING_WARN, "systemd-boot", NULL, NULL,
	  "the package systemd-boot takes the boot loader over when it is upgraded",
	  "remove it from systems that boot by GRUB" },
	{ "timezone", 12, FINDING_INFO, NULL, "etc/timezone",
	  "^(US/|Asia/Calcutta|Asia/Saigon|Europe/Kiev)", "legacy time zone names moved",
	  "install tzdata-legacy or choose the current name" },
};

static bool package_holds(const struct preflight_ctx *c, const struct trap *t)
{
	if (!t->package)
		return true;
	for (size_t i = 0; i < c->inv->packages.n; i++) {
		const struct dpkg_package *p = &c->inv->packages.v[i];
		if (fnmatch(t->package, p->name, 0) == 0 && inventory_is_installed(p))
			return true;
	}
	return false;
}

/* 1 with the matching line, 0 when none does. */
static bool path_holds(const struct preflight_ctx *c, const struct trap *t,
		       struct str *line_ret)
{
	_cleanup_str_ struct str text = STR_INIT;
	regex_t re;
	bool found = false;

	if (!t->path)
		return true;
	if (!root_exists(c->root, t->path))
		return false;
	if (!t->regex)
		return true;
	if (root_read_opt(c->root, t->path, 0, &text, NULL) != 0)
		return false;
	if (regcomp(&re, t->regex, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	char *cursor = text.p;
	for (char *line; !found && (line = next_line(&cursor)) != NULL;) {
		found = regexec(&re, line, 0, NULL, 0) == 0;
		if (found)
			str_addf(line_ret, "/%s: %s", t->path, strip(line));
	}
	regfree(&re);
	return found;
}

void preflight_traps(const struct preflight_ctx *c, const struct preflight_check *self,
		     struct findings *fs)
{
	int from = c->inv->release ? c->inv->release->major : 0;
	size_t before = fs->n;

	for (size_t i = 0; i < ARRAY_SIZE(traps); i++) {
		const struct trap *t = &traps[i];
		_cleanup_str_ struct str evidence = STR_INIT;
		if (t->from && t->from != from)
			continue;
		if (!package_holds(c, t) || !path_holds(c, t, &evidence))
			continue;
		_cleanup_free_ char *id = xasprintf("%s.%s", self->id, t->id);
		findings_add(fs, id, t->severity, t->title, str_c(&evidence), t->remedy);
	}
	if (fs->n == before)
		preflight_pass(self, fs, NULL);
}
