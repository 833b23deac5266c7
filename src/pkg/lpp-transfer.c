/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transfers by apt-helper, which knows proxies, credentials, TLS and how to continue a partial file. */
#include "pkg/lpp-transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>

#include "pkg/lpp-apt.h"
#include "sys/files.h"

#define APT_HELPER "/usr/lib/apt/apt-helper"
/* A batch may take this long, plus a second for each so many bytes. */
#define BATCH_TIME_S	600
#define BATCH_MIN_SPEED (16u << 10)

char *lpp_transfer_partial(const struct lpp *l, const char *name)
{
	return xasprintf("%s/pool/partial/%s", l->dir, name);
}

int lpp_transfer_prepare(const struct lpp *l, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/pool/partial", l->dir);
	_cleanup_free_ char *unpack = xasprintf("%s/unpack", l->dir);
	const struct passwd *user = getpwnam("_apt");

	if (files_mkdirs(dir, 0755, err) < 0 || files_mkdirs(unpack, 0755, err) < 0)
		return -1;
	if (user && chown(dir, user->pw_uid, 0) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot give %s to _apt", dir);
	return 0;
}

/* From a directory: a hard link where it lies on the same file system and belongs to root, else a copy. */
static int take_local(const struct lpp_archive *a, const char *path, const char *partial,
		      struct err *err)
{
	_cleanup_close_ int from = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0) {
		err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
		return err_remedy(err,
				  "put %s back, or update the index of its directory",
				  a->name);
	}
	if (unlink(partial) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", partial);
	if (st.st_uid == 0 && !(st.st_mode & 022) && link(path, partial) == 0)
		return 0;
	_cleanup_close_ int to = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				      0644);
	if (to < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write %s", partial);
	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, 64u << 20, 0);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_set_errno(err, ERR_OPERATOR, "cannot write %s",
					     partial);
	}
}

struct helper_output {
	struct str text;
};

static void on_line(void *arg, const char *line, bool is_err)
{
	struct helper_output *out = arg;

	str_addf(&out->text, "%s\n", line);
}

static int run_helper(const struct lpp *l, const struct strv *argv, uint64_t bytes,
		      struct err *err)
{
	struct helper_output out = { .text = STR_INIT };
	const struct proc_spec spec = {
		.argv = strv_argv(argv),
		.on_line = on_line,
		.arg = &out,
		.timeout_s = BATCH_TIME_S + (unsigned)(bytes / BATCH_MIN_SPEED)
	};
	struct proc_result res;
	int rc = lpp_apt_run(l, &spec, &res, err);
	_cleanup_str_ struct str text = out.text;

	if (rc <= 0)
		return rc;
	if (lpp_apt_explain(l, str_c(&text), err) < 0) {
		proc_result_err(&spec, &res, err);
		err_prefix(err, "lpp_source %s", l->name);
		err_remedy(err, "try again: it goes on where it stopped");
	}
	return -1;
}

int lpp_transfer_batch(const struct lpp *l, const struct lpp_archive *const *v, size_t n,
		       struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	uint64_t bytes = 0;
	size_t fixed;

	strv_add_all(&argv, APT_HELPER, "-q", "download-file", NULL);
	fixed = argv.n;
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *partial = lpp_transfer_partial(l, v[i]->name);
		_cleanup_free_ char *path = lpp_sources_local_dir(v[i]->uri);
		struct stat st;
		if (path) {
			/* /lpp_source is what a sandbox calls this directory. */
			_cleanup_free_ char *here =
				starts_with(path, "/lpp_source/")
					? xasprintf("%s/%s", l->dir,
						    path + strlen("/lpp_source/"))
					: xstrdup(path);
			if (take_local(v[i], here, partial, err) < 0)
				return -1;
			continue;
		}
		/* What is longer than it may be is no beginning of it. */
		if (stat(partial, &st) == 0 && (uint64_t)st.st_size > v[i]->size &&
		    unlink(partial) < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot remove %s",
					     partial);
		strv_add_all(&argv, v[i]->uri, partial, NULL);
		strv_addf(&argv, "SHA256:%s", v[i]->sha256);
		bytes += v[i]->size;
	}
	return argv.n == fixed ? 0 : run_helper(l, &argv, bytes, err);
}

int lpp_transfer_accept(const struct lpp *l, const struct lpp_archive *a, struct err *err)
{
	_cleanup_free_ char *partial = lpp_transfer_partial(l, a->name);
	_cleanup_free_ char *path = lpp_pool_path(l, LPP_POOL, a->name);
	_cleanup_free_ char *why = NULL;
	struct stat st;

	/* Before it is read: what transferred it must not be able to change it afterwards. A linked file is root's. */
	if (lstat(partial, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid != 0 &&
	    (chown(partial, 0, 0) < 0 || chmod(partial, 0644) < 0))
		return err_set_errno(err, ERR_OPERATOR, "cannot take over %s", partial);
	int rc = lpp_pool_verify(partial, a->sha256, a->size, &why, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		if (unlink(partial) < 0 && errno != ENOENT)
			return err_set_errno(err, ERR_OPERATOR, "cannot remove %s",
					     partial);
		err_set(err, ERR_TRANSIENT,
			"lpp_source %s: %s is not what the signed index names: %s",
			l->name, a->uri, why);
		return err_remedy(err, "use another mirror, or try again later");
	}
	if (rename(partial, path) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot rename %s to %s", partial,
				     path);
	return 0;
}
