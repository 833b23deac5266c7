/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apt in a mounted clone. */
#include "altdisk/packages.h"

#include <libgen.h>

#include "boot/boot.h"
#include "model/bundle.h"
#include "model/deb822.h"
#include "model/os-release.h"
#include "sys/files.h"
#include "sys/runner-chroot.h"

#define SMALL	((size_t)4 << 20)
#define ALL	"update_all"
#define OWN_RUN "/run/nimadm"
#define QUIET_S 1800
/* In the clone, while it lasts; the archives of -l are bound below it. */
#define WORK	 "/var/lib/nimadm/packages"
#define ARCHIVES WORK "/local/archives"

/* Below run_dir, which is OWN_RUN in there. dpkg gets our PATH too (DPkg::Path). */
#define HELD "/held"
#define PATH                                                                             \
	"PATH=" OWN_RUN HELD                                                             \
	":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char stand_in[] = "#!/bin/sh\nexit 0\n";
static const char *const held[] = {
	"update-initramfs", "update-grub", "grub-install",
	"dracut",	    "invoke-rc.d", "deb-systemd-invoke",
};

/* An index of loose archives, in apt's form, to standard output. */
static const char make_index[] = "cd " WORK "/local\n"
				 "for file in archives/*.deb; do\n"
				 "	dpkg-deb -f \"$file\" || exit 1\n"
				 "	printf 'Filename: ./%s\\n' \"$file\"\n"
				 "	stat -c 'Size: %s' \"$file\" || exit 1\n"
				 "	sum=$(sha256sum \"$file\") || exit 1\n"
				 "	printf 'SHA256: %s\\n\\n' \"${sum%% *}\"\n"
				 "done\n";

static const char *const common[] = {
	"-y", "-q",
	"-o", "Dpkg::Use-Pty=0",
	"-o", "Dpkg::Options::=--force-confdef",
	"-o", "Dpkg::Options::=--force-confold",
	"-o", "DPkg::Path=",
	"-o", "APT::Update::Error-Mode=any",
	"-o", "Dir::Cache::archives=" WORK "/cache",
};
static const char *const local[] = {
	"-o",
	"Dir::Etc::SourceList=" WORK "/sources.list",
	"-o",
	"Dir::Etc::SourceParts=/dev/null",
	"-o",
	"Dir::State::Lists=" WORK "/lists",
	/* A directory need not be open to apt's own user. */
	"-o",
	"APT::Sandbox::User=root",
};

struct install {
	const struct packages *p;
	const struct packages_place *place;
	struct strv names;
	struct runner *fetch, *run; /* with and without this machine's network */
};

void packages_done(struct packages *p)
{
	strv_done(&p->names);
}

bool packages_wanted(const struct packages *p)
{
	return p->bundle || p->names.n > 0;
}

static bool all_wanted(const struct packages *p)
{
	return streq0(p->bundle, ALL);
}

/* Of -b and -w. */
static int read_names(const struct packages *p, struct strv *ret, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	for (size_t i = 0; i < p->names.n; i++)
		if (!bundle_is_package(p->names.v[i]))
			return err_set(err, ERR_USAGE,
				       "-w %s: is not the name of a package",
				       p->names.v[i]);
	strv_add_strv(ret, &p->names);
	if (p->bundle && !all_wanted(p) &&
	    (files_read(p->bundle, SMALL, &text, err) < 0 ||
	     bundle_parse(ret, p->bundle, str_c(&text), text.len, err) < 0))
		return err_prefix(err, "-b");
	if (ret->n == 0 && !all_wanted(p))
		return err_set(err, ERR_USAGE, "-b %s: names no package", p->bundle);
	return 0;
}

/* LOCATION/dists/CODENAME/Release for a system with this os-release. */
static char *release_of(const char *location, const char *os_release)
{
	_cleanup_free_ char *name = os_release_get(os_release, "VERSION_CODENAME");

	return xasprintf("%s/dists/%s/Release", location, name);
}

/* Whether the directory holds archives by themselves, and not a whole archive with its signed indexes. */
static bool is_loose(const char *location)
{
	_cleanup_free_ char *dists = xasprintf("%s/dists", location);

	return !files_is_dir(dists);
}

static int check_release(const char *location, struct err *err)
{
	_cleanup_str_ struct str os = STR_INIT;

	if (files_read("/etc/os-release", SMALL, &os, err) < 0)
		return -1;
	_cleanup_free_ char *path = release_of(location, str_c(&os));
	if (files_exists(path))
		return 0;
	err_set(err, ERR_USAGE, "-l %s: has no %s", location,
		path + strlen(location) + 1);
	return err_remedy(err, "name an archive of the release that this system has");
}

static int check_location(const char *location, struct err *err)
{
	_cleanup_root_ struct root dir = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (!files_is_dir(location))
		return err_set(err, ERR_USAGE, "-l %s: is no directory", location);
	if (root_open(&dir, location, err) < 0 || root_list(&dir, "/", &names, err) < 0)
		return err_prefix(err, "-l");
	if (!is_loose(location))
		return check_release(location, err);
	for (size_t i = 0; i < names.n; i++)
		if (ends_with(names.v[i], ".deb"))
			return 0;
	err_set(err, ERR_USAGE, "-l %s: holds no package and no dists/", location);
	return err_remedy(err, "name the directory that holds the .deb files, or the top "
			       "of a package archive");
}

int packages_check(const struct packages *p, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (!packages_wanted(p)) {
		if (p->location || p->flags)
			return err_set(err, ERR_USAGE, "-l and -I go with -b or -w");
		return 0;
	}
	if (read_names(p, &names, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return -1;
	}
	if (p->location && check_location(p->location, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return -1;
	}
	if (files_exists("/usr/bin/apt-get"))
		return 0;
	err_set(err, ERR_UNFIT, "-b and -w: the system has no apt-get");
	return err_remedy(err, "leave them out; a program of -s can install packages");
}

static void take_line(void *arg, const char *line, bool is_err)
{
	events_output(arg, line);
}

static int run_in(const struct install *in, struct runner *run, struct strv *argv,
		  struct str *out, struct err *err)
{
	static const char *const env[] = { PATH,
					   "DEBIAN_FRONTEND=noninteractive",
					   "APT_LISTCHANGES_FRONTEND=none",
					   "NEEDRESTART_SUSPEND=1",
					   "UCF_FORCE_CONFFOLD=1",
					   NULL };
	struct proc_spec spec = {
		.argv = strv_argv(argv),
		.env = env,
		.quiet_s = QUIET_S,
		.out = out,
		.on_line = take_line,
		.arg = in->place->events,
	};

	return runner_check(run, &spec, err);
}

static int apt(const struct install *in, struct runner *run, const struct strv *words,
	       struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;

	strv_add(&argv, "apt-get");
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		strv_add(&argv, common[i]);
	for (size_t i = 0; in->p->location && i < ARRAY_SIZE(local); i++)
		strv_add(&argv, local[i]);
	strv_add_strv(&argv, words);
	if (run_in(in, run, &argv, NULL, err) == 0)
		return 0;
	return err_remedy(err, "mend what apt says, then again with -P 23; -V shows all "
			       "that it prints");
}

static int apt_update(const struct install *in, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_add(&words, "update");
	return apt(in, in->fetch, &words, err);
}

/* "upgrade" never removes. `option` may be NULL. */
static int apt_install(const struct install *in, struct runner *run, const char *option,
		       struct err *err)
{
	_cleanup_strv_ struct strv given = STRV_INIT;
	_cleanup_strv_ struct strv all = STRV_INIT, some = STRV_INIT;

	if (option)
		strv_add(&given, option);
	if (in->p->flags)
		strv_split(&given, in->p->flags, " \t");
	strv_add_all(&all, "upgrade", "--with-new-pkgs", NULL);
	strv_add_strv(&all, &given);
	strv_add_all(&some, "install", "--no-remove", NULL);
	strv_add_strv(&some, &given);
	strv_add_strv(&some, &in->names);
	if (all_wanted(in->p) && apt(in, run, &all, err) < 0)
		return -1;
	return in->names.n ? apt(in, run, &some, err) : 0;
}

static int loose_source(const struct install *in, struct str *source, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_str_ struct str index = STR_INIT;

	strv_add_all(&argv, "sh", "-c", make_index, NULL);
	if (run_in(in, in->run, &argv, &index, err) < 0 ||
	    root_write(in->place->alt, WORK "/local/Packages", str_c(&index), index.len,
		       0644, err) < 0)
		return -1;
	str_add(source, "deb [trusted=yes] file:" WORK "/local ./\n");
	return 0;
}

/* An archive with dists/: the release of the clone, checked by its own keys. */
static int signed_source(const struct install *in, struct str *source, struct err *err)
{
	_cleanup_str_ struct str os = STR_INIT, release = STR_INIT;
	_cleanup_deb822_ struct deb822_stanza stanza = DEB822_STANZA_INIT;
	struct deb822_reader reader;

	if (root_read(in->place->alt, "/etc/os-release", SMALL, &os, err) < 0)
		return -1;
	_cleanup_free_ char *path = release_of(in->p->location, str_c(&os));
	_cleanup_free_ char *name = os_release_get(str_c(&os), "VERSION_CODENAME");
	if (files_read(path, SMALL, &release, err) < 0)
		return -1;
	deb822_init(&reader, path, str_c(&release), release.len);
	if (deb822_next(&reader, &stanza, err) < 0)
		return -1;
	_cleanup_free_ char *components = deb822_dup(&stanza, "Components");
	str_addf(source, "deb file:" ARCHIVES " %s %s\n", name,
		 components ? components : "main");
	return 0;
}

static int write_sources(const struct install *in, struct err *err)
{
	_cleanup_str_ struct str source = STR_INIT;
	int rc = is_loose(in->p->location) ? loose_source(in, &source, err)
					   : signed_source(in, &source, err);

	if (rc < 0)
		return -1;
	return root_write(in->place->alt, WORK "/sources.list", str_c(&source),
			  source.len, 0644, err);
}

static int make_work(const struct install *in, struct err *err)
{
	static const char *const dirs[] = { ARCHIVES, WORK "/lists/partial",
					    WORK "/cache/partial" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (root_mkdirs(in->place->alt, dirs[i], 0755, err) < 0)
			return -1;
	return 0;
}

static int install(const struct install *in, struct err *err)
{
	struct events *events = in->place->events;

	if (make_work(in, err) < 0 || (in->p->location && write_sources(in, err) < 0))
		return -1;
	events_step(events, "Reading the lists of packages");
	if (apt_update(in, err) < 0)
		return -1;
	if (!in->p->location) {
		events_step(events, "Fetching packages");
		if (apt_install(in, in->fetch, "--download-only", err) < 0)
			return -1;
	}
	if (all_wanted(in->p))
		events_step(events, "Installing new versions of all packages");
	if (in->names.n) {
		_cleanup_free_ char *names = strv_join(&in->names, " ");

		events_step(events, "Installing %s", names);
	}
	/* Also where it fails: what is there may be new. */
	if (root_mkdirs(in->place->alt, "/etc/nimadm", 0755, err) < 0 ||
	    root_write(in->place->alt, BOOT_STALE_NOTE, "", 0, 0644, err) < 0)
		return -1;
	/* apt takes archives of a directory from where they lie, by what it calls a download. */
	return apt_install(in, in->run, in->p->location ? NULL : "--no-download", err);
}

/* Where resolv.conf is a link into /run, what it leads to is this machine's. */
static void add_resolver(const struct root *alt, struct strv *binds)
{
	_cleanup_free_ char *link = root_readlink(alt, "/etc/resolv.conf");
	_cleanup_free_ char *real = link ? realpath("/etc/resolv.conf", NULL) : NULL;

	if (real && starts_with(real, "/run/") && strstr(link, "run/")) {
		const char *dir = dirname(real);

		strv_addf(binds, "%s:%s", dir, dir);
	}
}

/* Stand-ins; the boot disk's lasting name, for scripts that look for the disk that grub-pc is told of. */
static int make_run_dir(const struct packages_place *place, struct err *err)
{
	_cleanup_root_ struct root dir = ROOT_INIT;
	_cleanup_free_ char *real = *place->disk ? realpath(place->disk, NULL) : NULL;

	if (files_rmtree(place->run_dir, NULL, err) < 0 ||
	    files_mkdirs(place->run_dir, 0755, err) < 0 ||
	    root_open(&dir, place->run_dir, err) < 0 ||
	    root_mkdirs(&dir, "/disk/by-id", 0755, err) < 0 ||
	    root_mkdirs(&dir, "/mapper", 0755, err) < 0 ||
	    root_mkdirs(&dir, HELD, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		_cleanup_free_ char *path = xasprintf(HELD "/%s", held[i]);

		if (root_write(&dir, path, stand_in, strlen(stand_in), 0755, err) < 0)
			return -1;
	}
	if (!real || !strv_has(place->devices, real))
		return 0;
	_cleanup_free_ char *path = xasprintf("/disk/by-id/%s",
					      strrchr(place->disk, '/') + 1);
	return root_symlink(&dir, real, path, err);
}

int packages_install(const struct packages *p, const struct packages_place *place,
		     struct err *err)
{
	_cleanup_runner_ struct runner *fetch = NULL;
	_cleanup_runner_ struct runner *run = NULL;
	_cleanup_strv_ struct strv binds = STRV_INIT, fetch_binds = STRV_INIT;
	_cleanup_free_ char *location = p->location ? files_absolute(p->location) : NULL;
	struct install in = { p, place, STRV_INIT, NULL, NULL };
	struct err ignored = { 0 };

	strv_addf(&binds, "%s:" OWN_RUN, place->run_dir);
	if (location)
		strv_addf(&binds, "%s:" ARCHIVES, location);
	strv_add_strv(&fetch_binds, &binds);
	add_resolver(place->alt, &fetch_binds);
	const struct chroot_view view = { place->devices, &binds, false };
	const struct chroot_view fetch_view = { NULL, &fetch_binds, !location };
	int rc = root_rmtree(place->alt, WORK, err);
	if (rc == 0)
		rc = read_names(p, &in.names, err);
	if (rc == 0)
		rc = make_run_dir(place, err);
	if (rc == 0)
		rc = runner_chroot(&fetch, place->alt->path, &fetch_view, err);
	if (rc == 0)
		rc = runner_chroot(&run, place->alt->path, &view, err);
	in.fetch = fetch;
	in.run = run;
	if (rc == 0)
		rc = install(&in, err);
	strv_done(&in.names);
	/* An error keeps its own text. */
	if (root_rmtree(place->alt, WORK, rc < 0 ? &ignored : err) < 0)
		rc = -1;
	if (files_rmtree(place->run_dir, NULL, rc < 0 ? &ignored : err) < 0)
		rc = -1;
	return rc;
}
