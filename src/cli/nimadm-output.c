/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a job writes: its output file and its cache. Both are looked at before anything is made. */
#include <errno.h>
#include <sys/stat.h>

#include "cache/volume.h"
#include "cli/nimadm.h"
#include "model/object.h"
#include "sys/files.h"
#include "sys/mount.h"

#define VOLUMES "volumes"

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* A directory in which this process may make files. */
static int check_writable(const char *what, const char *dir, struct err *err)
{
	if (!files_is_dir(dir)) {
		err_set(err, ERR_USAGE, "%s: there is no directory %s", what, dir);
		return err_remedy(err, "mkdir -p %s", dir);
	}
	if (access(dir, W_OK | X_OK) < 0)
		return err_set_errno(err, ERR_USAGE, "%s: cannot write into %s", what,
				     dir);
	return 0;
}

static int check_not_input(const char *output, const struct stat *st, const char *input,
			   struct err *err)
{
	struct stat in;

	if (stat(input, &in) < 0 || in.st_dev != st->st_dev || in.st_ino != st->st_ino)
		return 0;
	err_set(err, ERR_USAGE, "-O %s is the image to migrate: it would be overwritten",
		output);
	return err_remedy(err, "name another file with -O");
}

static int check_existing(const struct nimadm_options *o, const char *output,
			  const char *input, struct err *err)
{
	struct stat st;

	if (lstat(output, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_set_errno(err, ERR_USAGE, "-O %s", output);
	}
	if (S_ISDIR(st.st_mode)) {
		err_set(err, ERR_USAGE, "-O %s is a directory", output);
		return err_remedy(err, "name a file in it: -O %s/NAME.mksysb", output);
	}
	if (input && stat(output, &st) == 0 &&
	    check_not_input(output, &st, input, err) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "-O %s is no regular file", output);
	if (o->force)
		return 0;
	err_set(err, ERR_USAGE, "-O %s exists already", output);
	return err_remedy(err, "name another file, or overwrite it with -F");
}

/* The file of another object is not to be overwritten, -F or not. */
static int check_objects(struct store *s, const char *output, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (store_object_list(s, "mksysb", NULL, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_object_ struct object o = OBJECT_INIT;
		if (store_object_get(s, names.v[i], "mksysb", &o, err) < 0)
			return -1;
		const char *location = object_get(&o, "location");
		if (!location || !streq(location, output))
			continue;
		err_set(err, ERR_USAGE, "-O %s is the file of the mksysb object %s",
			output, names.v[i]);
		return err_remedy(err, "name another file, or nim -o remove %s",
				  names.v[i]);
	}
	return 0;
}

static int check_job(const struct job_row *row, const char *output, const char *name,
		     struct err *err)
{
	_cleanup_(job_done) struct job job = { 0 };

	if (row->state == JOB_INHIBITED)
		return 0;
	if (job_init(&job, "", row->id, row->spec, row->facts, err) < 0)
		return -1;
	bool file = streq(job.spec.output, output);
	if (!file && (!name || !streq(job.spec.output_name, name)))
		return 0;
	_cleanup_free_ char *ref = job_ref(&job);
	err_set(err, ERR_USAGE, "%s is the result of job %lld, which is not finished",
		file ? output : name, (long long)row->id);
	return err_remedy(err, "name another one, or nimadm --resume %s, or nimadm -C %s",
			  ref, ref);
}

/* Two unfinished jobs never write the same file or define the same object. */
static int check_jobs(struct store *s, const char *output, const struct nimadm_options *o,
		      struct err *err)
{
	struct job_row *rows = NULL;
	size_t n = 0;
	int r = 0;

	if (store_job_list_unfinished(s, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		/* the image's own job is the engine's to refuse: it knows more to say */
		if (r == 0 && !streq(rows[i].subject, o->subject))
			r = check_job(&rows[i], output, o->name, err);
		job_row_done(&rows[i]);
	}
	free(rows);
	return r;
}

static int check_name(struct store *s, const char *name, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (!name)
		return 0;
	if (object_name_check(name, err) < 0)
		return err_prefix(err, "-N");
	if (!store_object_exists(s, name))
		return 0;
	if (store_object_get(s, name, NULL, &o, err) < 0)
		return -1;
	err_set(err, ERR_USAGE, "-N %s: there is an object of that name already, a %s",
		name, o.type);
	return err_remedy(err, "choose another name, or nim -o remove %s", name);
}

int nimadm_output(struct store *s, const struct nimadm_options *o, const char *input,
		  char **ret, struct err *err)
{
	if (!o->output) {
		err_set(err, ERR_USAGE,
			"-O is missing: the file to write the new image to");
		return err_remedy(err, "nimadm %s -O FILE -N NAME -Y", o->ref);
	}
	if (!*o->output || ends_with(o->output, "/"))
		return err_set(err, ERR_USAGE, "-O '%s' names no file", o->output);
	_cleanup_free_ char *path = files_absolute(o->output);
	_cleanup_free_ char *dir = parent_of(path);
	if (check_writable("-O", dir, err) < 0 ||
	    check_existing(o, path, input, err) < 0 || check_objects(s, path, err) < 0 ||
	    check_name(s, o->name, err) < 0 || check_jobs(s, path, o, err) < 0)
		return -1;
	*ret = TAKE_PTR(path);
	return 0;
}

/* Below the state directory, where only the jobs that use it see it. */
static char *volume_path(const struct cli *cli, const char *vg)
{
	return xasprintf("%s/" VOLUMES "/%s", cli->state_dir, vg);
}

/* The group's name in such a path, or NULL. */
static const char *volume_group(const struct cli *cli, const char *path)
{
	_cleanup_free_ char *prefix = volume_path(cli, "");

	return starts_with(path, prefix) ? path + strlen(prefix) : NULL;
}

int nimadm_cache_attach(struct cli *cli, const char *path, struct err *err)
{
	const char *vg = volume_group(cli, path);

	if (!vg)
		return 0;
	if (mount_private_namespace(err) < 0 || files_mkdirs(path, 0700, err) < 0)
		return -1;
	return cache_volume_mount(vg, path, err);
}

int nimadm_cache_path(struct cli *cli, struct store *s, const char *given, char **ret,
		      struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;

	if (strchr(given, '/') || !store_object_exists(s, given)) {
		*ret = strchr(given, '/') || !cache_volume_has_group(given)
			       ? files_absolute(given)
			       : volume_path(cli, given);
		return 0;
	}
	if (nimadm_object(s, "-j", given, "cache", &o, err) < 0)
		return -1;
	*ret = xstrdup(object_get(&o, "location"));
	return 0;
}

int nimadm_cache_objects(struct store *s, const char *path, struct strv *ret,
			 struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (store_object_list(s, "cache", NULL, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_object_ struct object o = OBJECT_INIT;

		if (store_object_get(s, names.v[i], "cache", &o, err) < 0)
			return -1;
		if (streq0(object_get(&o, "location"), path))
			strv_add(ret, names.v[i]);
	}
	return 0;
}

int nimadm_cache(struct cli *cli, struct store *s, const struct nimadm_options *o,
		 char **ret, struct err *err)
{
	const char *dir = o->cache ? o->cache : config_get(&cli->config, "cache");
	_cleanup_free_ char *path = dir ? NULL : xasprintf("%s/cache", cli->state_dir);

	if (o->cache && !*o->cache)
		return err_set(err, ERR_USAGE, "-j has an empty value");
	if (dir && nimadm_cache_path(cli, s, dir, &path, err) < 0)
		return -1;
	const char *vg = volume_group(cli, path);
	if (vg) {
		*ret = TAKE_PTR(path);
		return cache_volume_check(vg, err);
	}
	_cleanup_free_ char *parent = parent_of(path);
	if (files_exists(path) && !files_is_dir(path)) {
		err_set(err, ERR_USAGE, "-j: %s is no directory", path);
		return err_remedy(err,
				  "name a directory with room for the unpacked image");
	}
	if (check_writable("-j", files_exists(path) ? path : parent, err) < 0)
		return -1;
	*ret = TAKE_PTR(path);
	return 0;
}
