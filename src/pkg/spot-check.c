/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SPOT against the manifest written when it was made, and its tools tried. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/map.h"
#include "pkg/spot-conf.h"
#include "pkg/spot.h"
#include "sys/files.h"
#include "sys/proc.h"
#include "sys/sha256.h"

#define SUMS_MAX    (256u << 20)
#define THREADS_MAX 8
#define SHOWN_MAX   10

const struct spot_tool spot_tools[] = {
	{ "/usr/bin/apt-get", "--version" },
	{ "/usr/bin/dpkg", "--version" },
	{ "/usr/bin/git", "--version" },
	{ "/usr/bin/rpm", "--version" },
	{ "/usr/bin/zstd", "--version" },
	{ "/usr/bin/xz", "--version" },
	{ "/usr/bin/diff", "--version" },
	{ "/usr/bin/perl", "-v" },
	{ NULL, NULL },
};

struct entry {
	char *path; /* below the root, with a leading '/' */
	struct stat st;
	char *text; /* the manifest's line */
	int errnum;
};

struct walk {
	const char *root;
	struct entry *v;
	size_t n, cap;
	atomic_size_t next;
};

static void add_quoted(struct str *s, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p > 0x20 && *p < 0x7f && *p != '%')
			str_addc(s, (char)*p);
		else
			str_addf(s, "%%%02x", *p);
	}
}

static int collect(struct walk *w, const char *below, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s%s", w->root, below);
	DIR *d = opendir(path);

	if (!d)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
	int rc = 0;
	for (struct dirent *e; rc == 0 && (e = readdir(d));) {
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (w->n == w->cap) {
			w->cap = w->cap ? 2 * w->cap : 1024;
			w->v = xrealloc(w->v, w->cap * sizeof(*w->v));
		}
		struct entry *one = &w->v[w->n++];
		*one = (struct entry){ .path = xasprintf("%s/%s", below, e->d_name) };
		if (fstatat(dirfd(d), e->d_name, &one->st, AT_SYMLINK_NOFOLLOW) < 0) {
			rc = err_set_errno(err, ERR_OPERATOR, "cannot read %s%s", w->root,
					   one->path);
		} else if (S_ISDIR(one->st.st_mode)) {
			_cleanup_free_ char *sub = xstrdup(one->path);
			rc = collect(w, sub, err);
		}
	}
	closedir(d);
	return rc;
}

static void describe(const struct walk *w, struct entry *e)
{
	_cleanup_free_ char *path = xasprintf("%s%s", w->root, e->path);
	char hex[SHA256_HEX_LEN] = "-", target[4096];
	struct str s = STR_INIT;

	str_addf(&s, "%06o %u %u ", e->st.st_mode, e->st.st_uid, e->st.st_gid);
	if (S_ISREG(e->st.st_mode)) {
		uint8_t digest[SHA256_LEN];
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 || sha256_fd(fd, digest, NULL) < 0)
			e->errnum = errno ? errno : EIO;
		else
			sha256_hex(digest, hex);
		str_add(&s, hex);
	} else if (S_ISLNK(e->st.st_mode)) {
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		target[MAX(n, (ssize_t)0)] = '\0';
		add_quoted(&s, target);
	} else {
		str_addc(&s, '-');
	}
	str_addc(&s, ' ');
	add_quoted(&s, e->path);
	e->text = str_take(&s);
}

static void *describe_some(void *arg)
{
	struct walk *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->n)
		describe(w, &w->v[i]);
	return NULL;
}

static void describe_all(struct walk *w)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t ids[THREADS_MAX];
	long started = 0;

	for (; started + 1 < MIN(cores, (long)THREADS_MAX); started++)
		if (pthread_create(&ids[started], NULL, describe_some, w) != 0)
			break;
	describe_some(w);
	for (long i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

int spot_manifest(const char *root, struct strv *lines, struct err *err)
{
	struct walk w = { .root = root };
	int rc = collect(&w, "", err);

	if (rc == 0)
		describe_all(&w);
	if (w.n)
		qsort(w.v, w.n, sizeof(*w.v), by_path);
	for (size_t i = 0; i < w.n; i++) {
		if (rc == 0 && w.v[i].errnum) {
			errno = w.v[i].errnum;
			rc = err_set_errno(err, ERR_OPERATOR, "cannot read %s%s", root,
					   w.v[i].path);
		}
		if (w.v[i].text)
			strv_add_take(lines, w.v[i].text);
		free(w.v[i].path);
	}
	free(w.v);
	return rc;
}

static void differ(const char *dir, struct findings *fs, const char *title,
		   const struct strv *paths)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < paths->n && i < SHOWN_MAX; i++)
		str_addf(&s, "%s%s", i ? "\n" : "", paths->v[i]);
	if (paths->n > SHOWN_MAX)
		str_addf(&s, "\nand %zu more", paths->n - SHOWN_MAX);
	_cleanup_free_ char *evidence = str_take(&s);
	const char *name = strrchr(dir, '/');
	_cleanup_free_ char *remedy = xasprintf("nim -o update %s makes the tree anew",
						name ? name + 1 : dir);
	if (paths->n)
		findings_add(fs, "spot.files", FINDING_INHIBIT, title, evidence, remedy);
}

/* path -> whole line */
static void by_name(struct map *m, char *line)
{
	const char *path = strrchr(line, ' ');

	if (path)
		map_set(m, path + 1, line);
}

static int check_files(const char *dir, struct findings *fs, struct err *err)
{
	_cleanup_free_ char *root = xasprintf("%s/" SPOT_ROOT, dir);
	_cleanup_free_ char *sums = xasprintf("%s/" SPOT_SUMS, dir);
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_strv_ struct strv now = STRV_INIT, changed = STRV_INIT,
				   added = STRV_INIT, gone = STRV_INIT;
	_cleanup_map_ struct map *before = map_new(NULL);
	const char *path;
	void *value;

	if (files_read(sums, SUMS_MAX, &text, err) < 0 ||
	    spot_manifest(root, &now, err) < 0)
		return -1;
	char *cursor = text.p, *line;
	while (cursor && (line = next_line(&cursor)))
		by_name(before, line);
	for (size_t i = 0; i < now.n; i++) {
		const char *space = strrchr(now.v[i], ' ');
		if (!space)
			continue;
		const char *was = map_get(before, space + 1);
		if (!was)
			strv_add(&added, space + 1);
		else if (!streq(was, now.v[i]))
			strv_add(&changed, space + 1);
		map_remove(before, space + 1);
	}
	for (size_t it = 0; map_next(before, &it, &path, &value);)
		strv_add(&gone, path);
	differ(dir, fs, "Files of the SPOT were changed", &changed);
	differ(dir, fs, "Files were added to the SPOT", &added);
	differ(dir, fs, "Files of the SPOT are missing", &gone);
	return 0;
}

static int check_tools(const char *dir, struct findings *fs, struct err *err)
{
	_cleanup_free_ char *root = xasprintf("%s/" SPOT_ROOT, dir);
	_cleanup_strv_ struct strv failed = STRV_INIT;

	for (size_t i = 0; spot_tools[i].path; i++) {
		_cleanup_str_ struct str out = STR_INIT;
		const char *argv[] = { "chroot", root, spot_tools[i].path,
				       spot_tools[i].arg, NULL };
		const struct proc_spec spec = { .argv = argv,
						.out = &out,
						.timeout_s = 30 };
		struct proc_result res;
		int rc = proc_run(&spec, &res, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			strv_addf(&failed, "%s: %s", spot_tools[i].path, res.tail);
	}
	differ(dir, fs, "Tools of the SPOT do not run", &failed);
	return 0;
}

static int check_audit(const char *dir, struct findings *fs, struct err *err)
{
	_cleanup_free_ char *admin = xasprintf("%s/" SPOT_ROOT "/var/lib/dpkg", dir);
	_cleanup_str_ struct str out = STR_INIT;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	const char *argv[] = { "dpkg", "--admindir", admin, "--audit", NULL };
	const struct proc_spec spec = { .argv = argv, .out = &out, .timeout_s = 60 };

	if (proc_check(&spec, err) < 0)
		return -1;
	strv_split(&lines, str_c(&out), "\n");
	differ(dir, fs, "Packages of the SPOT are not fully installed", &lines);
	return 0;
}

int spot_check(const char *dir, struct events *ev, struct findings *fs, struct err *err)
{
	_cleanup_free_ char *release = NULL;

	if (spot_release(dir, &release, err) < 0)
		return -1;
	events_step(ev, "Checking the SPOT %s (%s)", dir, release);
	if (check_files(dir, fs, err) < 0 || check_audit(dir, fs, err) < 0)
		return -1;
	return check_tools(dir, fs, err);
}
