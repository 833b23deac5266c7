/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mksysb_extract and mksysb_verify: the same parallel pass over all segments, with everything or with little written. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "archive/place.h"

static void *place_make(void *shared)
{
	struct place *p = xcalloc(1, sizeof(*p));

	place_init(p, shared);
	return p;
}

static void place_drop(void *arg)
{
	place_done(arg);
	free(arg);
}

static int place_segment(void *arg, struct segment_reader *r, const struct segment *s,
			 struct err *err)
{
	struct member_sink sink = place_sink(arg);

	return segment_read(r, s, &sink, err);
}

static int run(const struct mksysb *m, struct place_shared *shared, unsigned threads,
	       const struct progress *p, struct err *err)
{
	const struct segments_job job = { .each = place_segment,
					  .make = place_make,
					  .drop = place_drop,
					  .shared = shared };
	struct place last;

	if (segments_run(m, &job, threads, p, err) < 0)
		return -1;
	place_init(&last, shared);
	int rc = place_finish(&last, m, err);
	place_done(&last);
	return rc;
}

/* Nothing is below but new file systems, mounted where they belong, and the directories that lead to them. */
static bool is_unused(const struct root *target, const char *path, dev_t parent)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	bool leads = false;
	struct stat st;

	if (root_lstat(target, path, &st) < 0 || !S_ISDIR(st.st_mode) ||
	    root_list(target, path, &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *below = xasprintf("%s/%s", path, names.v[i]);

		if (streq(names.v[i], "lost+found"))
			continue;
		if (!is_unused(target, below, st.st_dev))
			return false;
		leads = true;
	}
	return leads || st.st_dev != parent;
}

/* Takes the directory over: nothing of it may act on what is made below. */
static int prepare(const struct root *target, struct err *err)
{
	if (!is_unused(target, ".", 0)) {
		err_set(err, ERR_OPERATOR, "%s is not empty", target->path);
		return err_remedy(err, "name an empty directory");
	}
	_cleanup_close_ int fd = root_openat(target, "/", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 || fchmod(fd, 0700) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot use %s", target->path);
	fremovexattr(fd, "system.posix_acl_default");
	return 0;
}

static int named(const struct mksysb *m, const struct root *target, struct err *err)
{
	if (err && (err->errnum == ENOSPC || err->errnum == EDQUOT) && target)
		err_remedy(err, "make room in %s", target->path);
	else if (err && err->kind == ERR_OPERATOR)
		err_remedy(err, "mksysb --verify %s; if it fails, take another copy",
			   m->path);
	return err_prefix(err, "image %s", m->path);
}

int mksysb_extract(struct mksysb *m, const struct root *target, unsigned threads,
		   const struct progress *p, struct err *err)
{
	struct place_shared shared;
	struct err cause = { 0 };

	if (prepare(target, err) < 0)
		return -1;
	place_shared_init(&shared, target);
	int rc = run(m, &shared, threads, p, &cause);
	place_shared_done(&shared);
	if (rc == 0) {
		_cleanup_close_ int fd = root_openat(target, "/", O_RDONLY | O_DIRECTORY,
						     0);
		if (fd < 0 || syncfs(fd) < 0)
			rc = err_set_errno(&cause, ERR_OPERATOR, "cannot sync %s",
					   target->path);
	}
	if (rc == 0)
		return 0;
	named(m, target, &cause);
	if (err)
		*err = cause;
	return -1;
}

/* Targets of wanted hard links are wanted too. */
static int find_also(const struct mksysb *m, const struct place_shared *s,
		     struct map *also, struct err *err)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	_cleanup_lines_ struct lines l = LINES_INIT(m);
	int rc;

	while ((rc = lines_next(&l, &e, err)) == 0)
		if (e.type == 'h' && s->want(s->want_arg, str_c(&e.path)))
			map_set(also, str_c(&e.target), MAP_PRESENT);
	return rc < 0 ? -1 : 0;
}

static bool want_nothing(void *arg, const char *path)
{
	return false;
}

int mksysb_verify(struct mksysb *m, bool (*want)(void *arg, const char *path), void *arg,
		  const struct root *target, unsigned threads, const struct progress *p,
		  struct err *err)
{
	static const struct root nowhere = ROOT_INIT;
	_cleanup_map_ struct map *also = map_new(NULL);
	struct place_shared shared;
	struct err cause = { 0 };

	place_shared_init(&shared, want ? target : &nowhere);
	shared.want = want ? want : want_nothing;
	shared.want_arg = arg;
	shared.also = also;
	int rc = image_check_gap(m, &cause);
	if (rc == 0)
		rc = find_also(m, &shared, also, &cause);
	if (rc == 0)
		rc = run(m, &shared, threads, p, &cause);
	place_shared_done(&shared);
	if (rc == 0)
		return 0;
	named(m, target, &cause);
	if (err)
		*err = cause;
	return -1;
}
