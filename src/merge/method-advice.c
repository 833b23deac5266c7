/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge method advice: what only a human can finish, as rules.
 *
 * A rule names files by a pattern; its first '*' captures a version (or name). Where `newest` is given, the rule speaks
 * only about captures that are not the newest one of that pattern in the migrated root.
 */
#include "merge/method.h"
#include "merge/methods.h"
#include "merge/shipped.h"
#include "model/version.h"

#define NAME "advice"

struct advice {
	const char *id; /* finding "advice.<id>" */
	const char *pattern;
	const char *newest;   /* its last component is a version; may be NULL */
	const char *contains; /* a text that one of the file's lines must hold, or NULL */
	bool local;	      /* only files that no package shipped */
	int from_major, to_major;   /* only for this hop; 0: any */
	const char *title, *remedy; /* "{}": the capture; "{new}": the newest one */
};

static const struct advice rules[] = {
	{ .id = "postgresql",
	  .pattern = "/etc/postgresql/*/*/postgresql.conf",
	  .newest = "/usr/lib/postgresql/*",
	  .title = "A PostgreSQL cluster stays at its old major version {}",
	  .remedy =
		  "after the first boot: pg_upgradecluster {} <cluster> (about the time of a dump "
		  "and restore), then pg_dropcluster {} <cluster>; glibc's sort order changed: "
		  "REINDEX text indexes" },
	{ .id = "mariadb",
	  .pattern = "/var/lib/*/ibdata1",
	  .title =
		  "A MariaDB or MySQL data directory will be upgraded at the first start",
	  .remedy =
		  "there is no way back for the data: take a dump before the reboot; the image must "
		  "hold a clean shutdown (SET GLOBAL innodb_fast_shutdown=0 before it)" },
	{ .id = "php-pool",
	  .pattern = "/etc/php/*/fpm/pool.d/*.conf",
	  .newest = "/etc/php/*",
	  .local = true,
	  .title = "A PHP-FPM pool of your own belongs to version {}",
	  .remedy =
		  "copy it to /etc/php/{new}/fpm/pool.d; where its socket's name has the version in "
		  "it, change the web server's configuration, too" },
	{ .id = "php-socket",
	  .pattern = "/etc/nginx/sites-enabled/*",
	  .contains = "php8.2-fpm.sock",
	  .from_major = 12,
	  .title = "A web site names the socket of the old PHP version",
	  .remedy = "name /run/php/php-fpm.sock there, which follows the version" },
	{ .id = "python-local",
	  .pattern = "/usr/local/lib/python3.*/dist-packages/?*",
	  .newest = "/usr/lib/python3.*",
	  .title =
		  "Python modules installed by pip for version 3.{} are not seen any more",
	  .remedy = "install them anew, better in a virtual environment" },
	{ .id = "python-venv",
	  .pattern = "/opt/*/pyvenv.cfg",
	  .title = "A Python virtual environment was made for the old Python",
	  .remedy =
		  "make it anew: python3 -m venv --upgrade, then reinstall its packages" },
	{ .id = "python-venv",
	  .pattern = "/opt/*/*/pyvenv.cfg",
	  .title = "A Python virtual environment was made for the old Python",
	  .remedy =
		  "make it anew: python3 -m venv --upgrade, then reinstall its packages" },
	{ .id = "python-venv",
	  .pattern = "/srv/*/pyvenv.cfg",
	  .title = "A Python virtual environment was made for the old Python",
	  .remedy =
		  "make it anew: python3 -m venv --upgrade, then reinstall its packages" },
	{ .id = "python-venv",
	  .pattern = "/srv/*/*/pyvenv.cfg",
	  .title = "A Python virtual environment was made for the old Python",
	  .remedy =
		  "make it anew: python3 -m venv --upgrade, then reinstall its packages" },
	{ .id = "python-venv",
	  .pattern = "/home/*/*/pyvenv.cfg",
	  .title = "A Python virtual environment was made for the old Python",
	  .remedy =
		  "make it anew: python3 -m venv --upgrade, then reinstall its packages" },
	{ .id = "ruby-gems",
	  .pattern = "/var/lib/gems/*",
	  .newest = "/usr/lib/ruby/*.0",
	  .title = "Ruby gems of version {} are not seen by the new Ruby",
	  .remedy = "gem install them anew" },
	{ .id = "perl-local",
	  .pattern = "/usr/local/lib/x86_64-linux-gnu/perl/*",
	  .newest = "/usr/lib/x86_64-linux-gnu/perl/5.*",
	  .title = "Perl modules from CPAN were compiled for Perl {}",
	  .remedy = "build them anew with cpan" },
	{ .id = "dkms",
	  .pattern = "/var/lib/dkms/*",
	  .title = "A kernel module is built by DKMS",
	  .remedy = "check 'dkms status' for the new kernel before you rely on it" },
	{ .id = "rabbitmq",
	  .pattern = "/var/lib/rabbitmq/mnesia/*",
	  .from_major = 12,
	  .title = "RabbitMQ 4 cannot read this data directly",
	  .remedy =
		  "export definitions and drain the queues before the reboot; mirrored queues are "
		  "gone, use quorum queues" },
	{ .id = "tmp-on-tmpfs",
	  .pattern = "/var/lib/mysql",
	  .to_major = 13,
	  .title = "/tmp is memory in the new release (half of it at most)",
	  .remedy =
		  "a database that writes large temporary files there needs another tmpdir, or "
		  "'systemctl mask tmp.mount'" },
	{ .id = "pam-environment",
	  .pattern = "/home/*/.pam_environment",
	  .to_major = 13,
	  .title = "~/.pam_environment is not read any more",
	  .remedy = "move its variables to the shell's start files or to "
		    "~/.config/environment.d" },
	{ .id = "ssh-dss",
	  .pattern = "/home/*/.ssh/authorized_keys",
	  .contains = "ssh-dss ",
	  .to_major = 13,
	  .title = "A login uses a DSA key, which OpenSSH has given up",
	  .remedy = "give that person another key before the reboot" },
	{ .id = "ssh-dss",
	  .pattern = "/root/.ssh/authorized_keys",
	  .contains = "ssh-dss ",
	  .to_major = 13,
	  .title = "A login uses a DSA key, which OpenSSH has given up",
	  .remedy = "put another key there before the reboot" },
	{ .id = "cgroup-v1",
	  .pattern = "/etc/default/grub",
	  .contains = "systemd.unified_cgroup_hierarchy=0",
	  .to_major = 13,
	  .title = "The kernel command line asks for the old control groups",
	  .remedy = "systemd gives them up: take the option away, or add "
		    "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 for a while" },
	{ .id = "ldap",
	  .pattern = "/var/lib/ldap/data.mdb",
	  .title = "An OpenLDAP database is there",
	  .remedy = "take a slapcat dump before the reboot" },
};

/* What the pattern's first '*' stands for in `path`, which matches; malloc'd. */
static char *capture(const char *pattern, const char *path)
{
	const char *star = strchr(pattern, '*');
	if (!star)
		return xstrdup("");
	const char *from = path + (star - pattern);
	size_t n = strcspn(from, "/");
	/* "...*.0": what stands behind the star in its component is not captured. */
	size_t tail = strcspn(star + 1, "/");
	return xstrndup(from, n >= tail ? n - tail : 0);
}

static char *newest_capture(const struct merge_ctx *c, const char *pattern,
			    struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	char *best = xstrdup("");
	if (method_glob(c->root, pattern, &paths, err) < 0) {
		free(best);
		return NULL;
	}
	for (size_t i = 0; i < paths.n; i++) {
		char *v = capture(pattern, paths.v[i]);
		if (version_compare(v, best) > 0) {
			free(best);
			best = v;
		} else {
			free(v);
		}
	}
	return best;
}

static char *fill(const char *text, const char *cap, const char *newest)
{
	struct str out = STR_INIT;
	while (*text) {
		if (starts_with(text, "{}")) {
			str_add(&out, cap);
			text += 2;
		} else if (starts_with(text, "{new}")) {
			str_add(&out, newest);
			text += 5;
		} else {
			str_addc(&out, *text++);
		}
	}
	return str_take(&out);
}

static bool has_text(const struct merge_ctx *c, const char *path, const char *needle)
{
	_cleanup_free_ char *text = method_slurp(c->root, path);
	char *cursor = text;
	for (char *line; (line = method_next_line(&cursor)) != NULL;)
		if (!starts_with(line, "//") && strstr(line, needle))
			return true;
	return false;
}

static bool concerns(const struct merge_ctx *c, const struct advice *a, const char *path,
		     const struct map *shipped)
{
	if (a->contains && !has_text(c, path, a->contains))
		return false;
	return !a->local || !map_has(shipped, path);
}

/* One finding for all files of one capture; without versions all matches are one matter. */
static int give(const struct merge_ctx *c, const struct advice *a,
		const struct map *shipped, struct err *err)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	if (method_glob(c->root, a->pattern, &paths, err) < 0)
		return -1;
	_cleanup_free_ char *newest = a->newest ? newest_capture(c, a->newest, err)
						: xstrdup("");
	if (!newest)
		return -1;
	_cleanup_str_ struct str evidence = STR_INIT;
	_cleanup_free_ char *cap = NULL;
	for (size_t i = 0; i <= paths.n; i++) {
		_cleanup_free_ char *mine = i == paths.n ? NULL
					    : a->newest	 ? capture(a->pattern, paths.v[i])
							 : xstrdup("");
		if (evidence.len > 0 && (!mine || !streq(mine, cap))) {
			_cleanup_free_ char *id = xasprintf("advice.%s", a->id);
			_cleanup_free_ char *title = fill(a->title, cap, newest);
			_cleanup_free_ char *remedy = fill(a->remedy, cap, newest);
			method_find(c, id, FINDING_WARN, title, str_c(&evidence), remedy);
			str_reset(&evidence);
		}
		if (!mine || (a->newest && version_compare(mine, newest) >= 0) ||
		    !concerns(c, a, paths.v[i], shipped))
			continue;
		free(cap);
		cap = TAKE_PTR(mine);
		str_addf(&evidence, "%s%s", evidence.len ? "\n" : "", paths.v[i]);
	}
	return 0;
}

static bool applies(const struct merge_ctx *c)
{
	return !streq(c->from_release, c->release);
}

static int run(const struct merge_ctx *c, struct err *err)
{
	_cleanup_map_ struct map *shipped = NULL;
	if (shipped_read(c->old_root, &shipped, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct advice *a = &rules[i];
		if ((a->from_major && a->from_major != method_major(c->from_release)) ||
		    (a->to_major && a->to_major != method_major(c->release)))
			continue;
		if (give(c, a, shipped, err) < 0)
			return -1;
	}
	return 0;
}

const struct merge_method method_advice = {
	.name = NAME,
	.title = "What is left for a human",
	.help = "What only a human can finish is told: database clusters, virtual "
		"environments, modules built by hand.",
	.stage = MERGE_AFTER_PACKAGES,
	.applies = applies,
	.run = run,
};
