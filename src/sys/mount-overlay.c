/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overlays: option strings, the ladder of features, and the record that makes `volatile` safe. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "sys/files.h"
#include "sys/mount.h"
#include "sys/signal.h"
#include "sys/written.h"

#define BUSY_WAIT_MS  30000
#define BUSY_PAUSE_MS 50

/* Overlayfs undoes a backslash in front of any character; ',' and ':' separate. */
static void add_escaped(struct str *opts, const char *path)
{
	for (const char *p = path; *p; p++) {
		if (strchr("\\,:", *p))
			str_addc(opts, '\\');
		str_addc(opts, *p);
	}
}

static void add_path(struct str *opts, const char *key, const char *path)
{
	str_addf(opts, "%s%s=", opts->len > 0 ? "," : "", key);
	add_escaped(opts, path);
}

static char *record_of(const char *work)
{
	return xasprintf("%s.state", work);
}

/*
 * The kernel refuses to mount a volatile overlay's leftovers again until its mark is gone; the record knows better.
 */
static int drop_volatile_mark(const char *work, struct err *err)
{
	_cleanup_free_ char *mark = xasprintf("%s/work/incompat/volatile", work);

	return files_rmtree(mark, NULL, err);
}

/*
 * A worker that was killed a moment ago may still be dying, its namespace with it: the kernel says EBUSY as long as
 * another overlay uses the directories. Who waited this long in vain meets one that lives.
 */
static int try_overlay(const char *target, unsigned long flags, const char *opts)
{
	const struct timespec pause = { 0, BUSY_PAUSE_MS * 1000000L };

	for (int left = BUSY_WAIT_MS / BUSY_PAUSE_MS;; left--) {
		if (mount("overlay", target, "overlay", flags, opts) == 0)
			return 0;
		if (errno != EBUSY || left == 0 || cancel_requested())
			return -1;
		nanosleep(&pause, NULL);
		errno = EBUSY;
	}
}

/* An overlay that is never volatile leaves the record as it is. */
static int record(const struct mount_layers *l, bool is_volatile, struct err *err)
{
	if (!l->upper)
		return 0;
	_cleanup_free_ char *file = record_of(l->work);
	if (written_check(file, l->upper, err) < 0 ||
	    drop_volatile_mark(l->work, err) < 0)
		return -1;
	return is_volatile ? written_begin(file, err) : 0;
}

static void add_layers(struct str *opts, const struct mount_layers *l, bool keep_links)
{
	add_path(opts, "lowerdir", l->middle ? l->middle : l->lower);
	if (l->middle) {
		str_addc(opts, ':');
		add_escaped(opts, l->lower);
	}
	if (!l->upper)
		return;
	add_path(opts, "upperdir", l->upper);
	add_path(opts, "workdir", l->work);
	str_add(opts, keep_links ? ",index=on" : ",index=off");
}

int mount_layers(const struct mount_layers *l, const char *target, enum mount_overlay how,
		 struct err *err)
{
	static const char *const ladder[] = {
		",redirect_dir=on,metacopy=on,volatile",
		",redirect_dir=on,metacopy=on",
		",redirect_dir=on",
		"",
	};
	_cleanup_str_ struct str base = STR_INIT;
	bool read_only = (how & MOUNT_OVERLAY_READ_ONLY) || !l->upper;
	/* what is not written needs no sync */
	bool is_volatile = !read_only && !(how & MOUNT_OVERLAY_DURABLE);

	if (record(l, is_volatile, err) < 0)
		return -1;
	add_layers(&base, l, how & MOUNT_OVERLAY_KEEP_LINKS);
	/* mount(2) takes one page; longer text would be cut without a word. */
	if (base.len + strlen(ladder[0]) >= 4096)
		return err_set(err, ERR_OPERATOR,
			       "the paths of the overlay at %s are too long", target);
	for (size_t i = is_volatile ? 0 : 1; i < ARRAY_SIZE(ladder); i++) {
		_cleanup_free_ char *opts = xasprintf("%s%s", str_c(&base), ladder[i]);
		if (try_overlay(target, read_only ? MS_RDONLY : 0, opts) == 0)
			return 0;
		if (errno != EINVAL)
			break;
	}
	return err_set_errno(err, ERR_OPERATOR, "cannot mount an overlay of %s at %s",
			     l->lower, target);
}

int mount_overlay(const char *lower, const char *upper, const char *work,
		  const char *target, enum mount_overlay how, struct err *err)
{
	const struct mount_layers l = { .lower = lower, .upper = upper, .work = work };

	return mount_layers(&l, target, how, err);
}

int mount_overlay_end(const char *upper, const char *work, const char *target,
		      struct err *err)
{
	_cleanup_free_ char *file = record_of(work);

	if (mount_umount(target, err) < 0)
		return -1;
	_cleanup_close_ int fd = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot sync %s", upper);
	return written_end(file, err);
}

int mount_overlay_forget(const char *work, struct err *err)
{
	_cleanup_free_ char *path = record_of(work);

	if (unlink(path) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", path);
	return 0;
}
