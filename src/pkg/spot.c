/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPOTs are made by mmdebstrap, from a directory of archives that the lpp_source has verified before: nothing is fetched
 * by mmdebstrap itself, and making the same SPOT again needs no network.
 */
#include "pkg/spot.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "pkg/lpp-fetch.h"
#include "pkg/lpp-lists.h"
#include "pkg/lpp-solve.h"
#include "pkg/spot-conf.h"
#include "sys/files.h"
#include "sys/proc.h"

#define MAKE_TIME_S 3600
#define CONF_MAX    (1u << 20)

const char *const spot_packages[] = { "?essential", "apt",	   "apt-utils",
				      "debconf",    "git",	   "rpm",
				      "zstd",	    "xz-utils",	   "bzip2",
				      "diffutils",  "cpio",	   "acl",
				      "attr",	    "libcap2-bin", NULL };

/* Which of them mmdebstrap has to be told: the essential ones it finds by itself. */
static char *include_list(void)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	for (size_t i = 1; spot_packages[i]; i++)
		strv_add(&names, spot_packages[i]);
	return strv_join(&names, ",");
}

struct repo {
	const struct lpp *l;
	const struct map *names;
	struct map *done;
	const char *dir;
	struct str index;
};

/* The archive under its pool name, and its signed stanza with that as its file. */
static int add_to_repo(void *arg, const struct lpp_source *src,
		       const struct lpp_stanza *st, struct err *err)
{
	struct repo *r = arg;
	_cleanup_free_ char *package = xstrndup(st->package.p, st->package.len);
	_cleanup_free_ char *version = xstrndup(st->version.p, st->version.len);
	_cleanup_free_ char *arch = xstrndup(st->arch.p, st->arch.len);
	_cleanup_free_ char *name = lpp_index_archive_name(package, version, arch);

	if (!map_has(r->names, name) || map_has(r->done, name))
		return 0;
	map_set(r->done, name, MAP_PRESENT);
	_cleanup_free_ char *plain = xasprintf("%s_%s_%s.deb", package, version, arch);
	_cleanup_free_ char *from = lpp_pool_path(r->l, LPP_POOL, name);
	_cleanup_free_ char *to = xasprintf("%s/%s", r->dir, plain);
	size_t before = (size_t)(st->filename.p - st->begin);
	const char *after = st->filename.p + st->filename.len;
	str_addn(&r->index, st->begin, before);
	str_addf(&r->index, "./%s", plain);
	str_addn(&r->index, after, st->len - (size_t)(after - st->begin));
	if (r->index.p[r->index.len - 1] != '\n')
		str_addc(&r->index, '\n');
	str_addc(&r->index, '\n');
	if (symlink(from, to) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot link %s to %s", from, to);
	return 0;
}

/* A flat repository of links into the pool. */
static int make_repo(const struct lpp *l, const struct map *names, const char *dir,
		     struct err *err)
{
	_cleanup_map_ struct map *done = map_new(NULL);
	struct repo r = { .l = l, .names = names, .done = done, .dir = dir };
	_cleanup_free_ char *packages = xasprintf("%s/Packages", dir);

	if (files_rmtree(dir, NULL, err) < 0 || files_mkdirs(dir, 0755, err) < 0)
		return -1;
	int rc = lpp_index_scan(l, add_to_repo, &r, err);
	if (rc == 0)
		rc = files_write_atomic(packages, str_c(&r.index), r.index.len, 0644,
					err);
	str_done(&r.index);
	return rc;
}

static void on_line(void *arg, const char *line, bool is_err)
{
	events_output(arg, line);
}

static const char *const dpkg_options[] = {
	"path-exclude=/usr/share/doc/*",     "path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/info/*",    "path-exclude=/usr/share/locale/*",
	"path-exclude=/usr/share/lintian/*", "force-unsafe-io",
};

/* It changes the root by itself; what it mounts for that has to end with it, also when it is killed. */
static int stay_outside(const struct proc_jail *jail _unused_)
{
	return 0;
}

static int run_mmdebstrap(const struct lpp *l, const char *root, const char *repo,
			  struct events *ev, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *packages = include_list();
	_cleanup_free_ char *uri = lpp_sources_copy_uri(repo);
	_cleanup_free_ char *program = proc_find("mmdebstrap");

	if (!program) {
		err_set(err, ERR_OPERATOR, "mmdebstrap is not installed on this master");
		return err_remedy(err, "apt-get install mmdebstrap");
	}
	strv_add_all(&argv, program, "--quiet", "--mode=root", "--variant=apt",
		     "--format=directory", "--skip=check/qemu", NULL);
	strv_addf(&argv, "--architectures=%s", l->arch);
	strv_addf(&argv, "--include=%s", packages);
	for (size_t i = 0; i < ARRAY_SIZE(dpkg_options); i++)
		strv_addf(&argv, "--dpkgopt=%s", dpkg_options[i]);
	strv_add_all(&argv, "--aptopt=APT::Install-Recommends \"false\"",
		     "--aptopt=Acquire::Languages \"none\"",
		     "--aptopt=APT::Sandbox::User \"root\"", NULL);
	strv_add_all(&argv, l->release->codename, root, NULL);
	/* Trusted: each archive was verified against the signed index, and its stanza comes from there. */
	strv_addf(&argv, "deb [trusted=yes] %s ./", uri);
	const struct proc_jail jail = { .program = program, .enter = stay_outside };
	const struct proc_spec spec = { .argv = strv_argv(&argv),
					.jail = &jail,
					.on_line = on_line,
					.arg = ev,
					.timeout_s = MAKE_TIME_S };
	if (proc_check(&spec, err) < 0) {
		err_prefix(err, "cannot make the tree %s", root);
		if (err->kind == ERR_CANCELLED)
			return err_remedy(err, "give the same command again");
		return err_remedy(
			err, "see the log; nim -o update %s, then the same command again",
			l->name);
	}
	return 0;
}

/* Mount points of the sandbox, and nothing left of the machine that made it. */
static int finish_tree(const char *root, struct err *err)
{
	static const char *const dirs[] = { "alt_inst", "lpp_source" };
	static const char *const leftovers[] = { "etc/resolv.conf", "etc/hostname",
						 "etc/apt/sources.list",
						 "etc/apt/apt.conf.d/99mmdebstrap" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", root, dirs[i]);
		if (files_mkdirs(path, 0755, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", root, leftovers[i]);
		if (unlink(path) < 0 && errno != ENOENT)
			return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", path);
	}
	return 0;
}

static int write_record(const struct lpp *l, const char *dir, size_t packages,
			struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" SPOT_JSON, dir);
	_cleanup_free_ char *version = NULL;

	for (size_t i = 0; i < l->sources.n && !version; i++)
		version = lpp_lists_release_field(l, &l->sources.v[i], "Version");
	_cleanup_free_ char *level = xasprintf("%s %s", l->release->codename,
					       version ? version : l->release->version);
	json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:i, s:s}", "format", SPOT_FORMAT,
			      "release", l->release->codename, "level", level, "arch",
			      l->arch, "packages", (int)packages, "lpp_source", l->dir);
	_cleanup_free_ char *text = json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(o);
	return files_write_atomic(path, text, strlen(text), 0644, err);
}

static int write_manifest(const char *dir, struct err *err)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	_cleanup_free_ char *root = xasprintf("%s/" SPOT_ROOT, dir);
	_cleanup_free_ char *path = xasprintf("%s/" SPOT_SUMS, dir);

	if (spot_manifest(root, &lines, err) < 0)
		return -1;
	_cleanup_free_ char *text = strv_join(&lines, "\n");
	return files_write_atomic(path, text, strlen(text), 0644, err);
}

static int make(const struct lpp *l, const char *tmp, struct events *ev, struct err *err)
{
	_cleanup_map_ struct map *names = map_new(NULL);
	_cleanup_strv_ struct strv packages = STRV_INIT;
	_cleanup_free_ char *root = xasprintf("%s/" SPOT_ROOT, tmp);
	_cleanup_free_ char *repo = xasprintf("%s/repo", tmp);

	for (size_t i = 0; spot_packages[i]; i++)
		strv_add(&packages, spot_packages[i]);
	if (lpp_solve_closure(l, &packages, names, err) < 0 ||
	    lpp_fetch_names(l, names, ev, err) < 0 || make_repo(l, names, repo, err) < 0)
		return -1;
	events_step(ev, "Making a tree of %zu packages", map_size(names));
	if (run_mmdebstrap(l, root, repo, ev, err) < 0 ||
	    files_rmtree(repo, NULL, err) < 0 || finish_tree(root, err) < 0 ||
	    write_manifest(tmp, err) < 0)
		return -1;
	return write_record(l, tmp, map_size(names), err);
}

/* What is there already goes only when the new tree is whole. */
static int put_in_place(const char *tmp, const char *dir, struct err *err)
{
	if (!files_is_dir(dir)) {
		if (rename(tmp, dir) < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot rename %s to %s",
					     tmp, dir);
		return 0;
	}
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, dir, RENAME_EXCHANGE) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot exchange %s and %s", tmp,
				     dir);
	return files_rmtree(tmp, NULL, err);
}

static int build(const char *dir, const char *lpp_dir, struct events *ev, struct err *err)
{
	_cleanup_lpp_ struct lpp l = LPP_INIT;
	_cleanup_free_ char *abs = files_absolute(dir);
	_cleanup_free_ char *tmp = xasprintf("%s.tmp", abs);

	if (lpp_conf_load(&l, lpp_dir, err) < 0 || files_rmtree(tmp, NULL, err) < 0 ||
	    files_mkdirs(tmp, 0755, err) < 0)
		return -1;
	if (make(&l, tmp, ev, err) == 0 && put_in_place(tmp, abs, err) == 0)
		return 0;
	if (files_rmtree(tmp, NULL, NULL) < 0)
		events_warning(ev, "cannot remove the unfinished tree %s", tmp);
	return -1;
}

int spot_create(const char *dir, const char *lpp_dir, struct events *ev, struct err *err)
{
	_cleanup_free_ char *record = xasprintf("%s/" SPOT_JSON, dir);

	if (files_exists(record)) {
		err_set(err, ERR_OPERATOR, "%s holds a SPOT already", dir);
		return err_remedy(err,
				  "nim -o update the SPOT, or choose another location");
	}
	return build(dir, lpp_dir, ev, err);
}

int spot_update(const char *dir, const char *lpp_dir, struct events *ev, struct err *err)
{
	return build(dir, lpp_dir, ev, err);
}

int spot_release(const char *dir, char **ret, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" SPOT_JSON, dir);
	_cleanup_str_ struct str text = STR_INIT;

	if (!files_exists(path)) {
		err_set(err, ERR_OPERATOR, "%s is no SPOT: it has no " SPOT_JSON, dir);
		return err_remedy(err, "nim -o define -t spot -a source=LPP_SOURCE ...");
	}
	if (files_read(path, CONF_MAX, &text, err) < 0)
		return -1;
	json_t *o = json_loads(str_c(&text), 0, NULL);
	const char *release = json_string_value(json_object_get(o, "release"));
	int rc = 0;
	if (release)
		*ret = xstrdup(release);
	else
		rc = err_set(err, ERR_OPERATOR, "%s is damaged", path);
	json_decref(o);
	return rc;
}
