/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages: which items are the base system, and why a package goes.
 *
 * The base system is what Essential and required packages, apt and dpkg need, as far as the plan changes it. A package
 * that goes is *replaced* when one that comes takes its place (by its Provides or Replaces, the 64-bit time
 * rename, or the same name with another version in it), *obsolete* when the target release has it no longer and
 * nobody asked for it, and *lost* otherwise: the administrator has to know.
 */
#include <ctype.h>
#include <fnmatch.h>

#include "pkg/deb.h"

static const char *const base_seeds[] = {
	"apt",	    "dpkg",	 "debconf", "debian-archive-keyring",
	"libc6",    "init",	 "perl",    "python3-minimal",
	"ucf",	    "apt-utils", "adduser", "usr-is-merged",
	"usrmerge",
};

/* What must not go without a successor: the machine would not boot, not be reached, or stand beside data that nothing serves. */
static const struct {
	const char *glob, *why;
} guarded[] = {
	{ "linux-image-*", "the kernel" },
	{ "grub-pc", "the boot loader" },
	{ "grub-efi-*", "the boot loader" },
	{ "shim-signed*", "the boot loader" },
	{ "systemd-boot", "the boot loader" },
	{ "systemd-sysv", "the init system" },
	{ "sysvinit-core", "the init system" },
	{ "initramfs-tools", "builds the initramfs" },
	{ "dracut", "builds the initramfs" },
	{ "lvm2", "the root disk may need it" },
	{ "mdadm", "the root disk may need it" },
	{ "cryptsetup*", "the root disk may need it" },
	{ "openssh-server", "the machine is reached by it" },
	{ "ifupdown*", "the network needs it" },
	{ "network-manager", "the network needs it" },
	{ "netplan.io", "the network needs it" },
	{ "postgresql-[0-9]*", "serves data in /var/lib/postgresql" },
	{ "mariadb-server*", "serves data in /var/lib/mysql" },
	{ "mysql-server*", "serves data in /var/lib/mysql" },
	{ "mongodb*", "serves data in /var/lib/mongodb" },
	{ "slapd", "serves data in /var/lib/ldap" },
	{ "docker.io", "serves data in /var/lib/docker" },
	{ "docker-ce", "serves data in /var/lib/docker" },
	{ "containerd*", "serves data in /var/lib/containerd" },
	{ "podman", "serves data in /var/lib/containers" },
	{ "lxc", "serves data in /var/lib/lxc" },
	{ "libvirt-daemon*", "serves data in /var/lib/libvirt" },
	{ "rabbitmq-server", "serves data in /var/lib/rabbitmq" },
	{ "redis-server", "serves data in /var/lib/redis" },
	{ "dovecot-core", "serves mail" },
	{ "samba", "serves data in /var/lib/samba" },
};

/* Next package name of a relation list ("a (>= 1) | b, c:any [amd64]"); *alternative: it follows a '|'. malloc'd. */
static char *next_relation(const char **p, bool *alternative)
{
	const char *s = *p;

	*alternative = false;
	s += strspn(s, " \t\n,");
	if (*s == '|') {
		*alternative = true;
		s += 1 + strspn(s + 1, " \t\n");
	}
	size_t name = strcspn(s, " \t\n,|:([<");
	if (name == 0)
		return NULL;
	char *res = xstrndup(s, name);
	s += name;
	s += strcspn(s, ",|");
	*p = s;
	return res;
}

static bool relates(const char *list, const char *name)
{
	const char *p = list;
	bool alternative;

	for (;;) {
		_cleanup_free_ char *one = next_relation(&p, &alternative);
		if (!one)
			return false;
		if (streq(one, name))
			return true;
	}
}

/* Names and provided names of what comes, to the item. */
static struct map *index_items(struct pkg_plan *plan, const struct deb_records *records)
{
	struct map *m = map_new(NULL);

	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].action != PKG_REMOVE)
			map_set(m, plan->v[i].name, &plan->v[i]);
	for (size_t i = 0; i < records->n; i++) {
		const char *p = records->v[i].provides;
		struct pkg_item *it = map_get(m, records->v[i].name);
		bool alternative;
		for (;;) {
			_cleanup_free_ char *name = next_relation(&p, &alternative);
			if (!name)
				break;
			if (it && !map_has(m, name))
				map_set(m, name, it);
		}
	}
	return m;
}

static struct map *index_records(const struct deb_records *records)
{
	struct map *m = map_new(NULL);

	for (size_t i = 0; i < records->n; i++)
		map_set(m, records->v[i].name, &records->v[i]);
	return m;
}

/* Marks what the seeds need. Of alternatives the first that comes counts. */
static void mark_base(struct pkg_plan *plan, const struct map *items,
		      const struct map *records)
{
	_cleanup_free_ struct pkg_item **queue = xcalloc(plan->n + 1, sizeof(*queue));
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		struct pkg_item *it = &plan->v[i];
		const struct deb_record *r = map_get(records, it->name);
		bool seed = r && (r->essential || r->required);
		for (size_t k = 0; !seed && k < ARRAY_SIZE(base_seeds); k++)
			seed = streq(it->name, base_seeds[k]);
		if (seed && it->action != PKG_REMOVE) {
			it->bos = true;
			queue[n++] = it;
		}
	}
	while (n > 0) {
		const struct deb_record *r = map_get(records, queue[--n]->name);
		const char *p = r ? r->depends : "";
		bool alternative, met = false;
		for (;;) {
			_cleanup_free_ char *name = next_relation(&p, &alternative);
			if (!name)
				break;
			struct pkg_item *it = map_get(items, name);
			met = alternative && met;
			if (!it || met)
				continue;
			met = true;
			if (!it->bos) {
				it->bos = true;
				queue[n++] = it;
			}
		}
	}
}

/* "php8.2-fpm" and "php8.4-fpm" have the same stem: "php#-fpm". */
static char *stem(const char *name)
{
	_cleanup_str_ struct str s = STR_INIT;

	while (*name) {
		if (!isdigit((unsigned char)*name)) {
			str_addc(&s, *name++);
			continue;
		}
		str_addc(&s, '#');
		while (isdigit((unsigned char)*name) ||
		       (*name == '.' && isdigit((unsigned char)name[1])))
			name++;
	}
	return str_take(&s);
}

/* The package that comes and takes the place of `name`; NULL: none. */
static const struct pkg_item *successor(const struct pkg_plan *plan,
					const struct map *records, const char *name)
{
	_cleanup_free_ char *t64 = xasprintf("%st64", name);
	_cleanup_free_ char *family = stem(name);
	const struct pkg_item *replaces = NULL, *sibling = NULL;

	for (size_t i = 0; i < plan->n; i++) {
		const struct pkg_item *it = &plan->v[i];
		const struct deb_record *r = map_get(records, it->name);
		if (it->action == PKG_REMOVE || !r)
			continue;
		if (streq(it->name, t64) || relates(r->provides, name))
			return it;
		if (!replaces && relates(r->replaces, name) && relates(r->against, name))
			replaces = it;
		if (!sibling && it->action == PKG_INSTALL && strchr(family, '#')) {
			_cleanup_free_ char *other = stem(it->name);
			if (streq(other, family))
				sibling = it;
		}
	}
	return replaces ? replaces : sibling;
}

static bool is_library(const struct dpkg_package *p)
{
	const char *section = p ? strrchr(p->section, '/') : NULL;

	section = section ? section + 1 : p ? p->section : "";
	return streq(section, "libs") || streq(section, "oldlibs");
}

static void classify_removal(struct pkg_plan *plan, struct pkg_item *it,
			     const struct deb_facts *facts, const struct map *records)
{
	const struct pkg_item *heir = successor(plan, records, it->name);
	const struct dpkg_package *was = dpkg_status_find(facts->status, it->name, NULL);

	if (heir) {
		it->removal = PKG_REPLACED;
		free(it->replaced_by);
		it->replaced_by = xstrdup(heir->name);
		it->bos = heir->bos;
		return;
	}
	bool wanted = !strv_has(facts->automatic, it->name) && !is_library(was);
	it->removal = wanted || strv_has(facts->in_target, it->name) ? PKG_LOST
								     : PKG_OBSOLETE;
}

void deb_classify(struct pkg_plan *plan, const struct deb_facts *facts)
{
	_cleanup_map_ struct map *records = index_records(facts->records);
	_cleanup_map_ struct map *items = index_items(plan, facts->records);

	mark_base(plan, items, records);
	plan->unpacked_delta = 0;
	int64_t delta = 0;
	for (size_t i = 0; i < plan->n; i++) {
		struct pkg_item *it = &plan->v[i];
		const struct deb_record *now = map_get(records, it->name);
		const struct dpkg_package *was = dpkg_status_find(facts->status, it->name,
								  NULL);
		if (it->action != PKG_REMOVE && now)
			it->size_delta += (int64_t)now->installed_size;
		if (it->action != PKG_INSTALL && was)
			it->size_delta -= (int64_t)was->installed_size;
		if (it->action == PKG_REMOVE)
			classify_removal(plan, it, facts, records);
		delta += it->size_delta;
	}
	plan->unpacked_delta = delta > 0 ? (uint64_t)delta : 0;
}

/* Why this package must not go; NULL: it may. */
static const char *guard(const struct pkg_item *it, const struct dpkg_status *status)
{
	const struct dpkg_package *was = dpkg_status_find(status, it->name, NULL);

	if (was && was->essential)
		return "essential";
	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++)
		if (fnmatch(guarded[i].glob, it->name, 0) == 0)
			return guarded[i].why;
	return NULL;
}

int deb_classify_refuse(const struct pkg_plan *plan, const struct deb_facts *facts,
			struct err *err)
{
	_cleanup_str_ struct str list = STR_INIT;

	for (size_t i = 0; i < plan->n; i++) {
		const struct pkg_item *it = &plan->v[i];
		if (it->action != PKG_REMOVE || it->removal == PKG_REPLACED)
			continue;
		const char *why = guard(it, facts->status);
		if (why)
			str_addf(&list, "%s%s (%s)", list.len ? ", " : "", it->name, why);
	}
	if (list.len == 0)
		return 0;
	err_set(err, ERR_UNFIT,
		"the upgrade would remove packages that nothing replaces: %s",
		str_c(&list));
	return err_remedy(
		err, "remove what conflicts with them (a held or foreign package?), or "
		     "remove them yourself before the image is made");
}
