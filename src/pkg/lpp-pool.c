/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of verified archives. */
#include "pkg/lpp-pool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/sha256.h"

#define SUMS_MAX    (256u << 20)
#define LOCK_WAIT_S 7200

static const struct shelf {
	const char *dir, *sums;
} shelves[] = {
	[LPP_POOL] = { "pool", "pool.sums" },
	[LPP_UNPACK] = { "unpack", "unpack.sums" },
};

char *lpp_pool_path(const struct lpp *l, enum lpp_shelf shelf, const char *name)
{
	return xasprintf("%s/%s/%s", l->dir, shelves[shelf].dir, name);
}

static char *sums_path(const struct lpp *l, enum lpp_shelf shelf)
{
	return xasprintf("%s/%s", l->dir, shelves[shelf].sums);
}

static bool take_sum(char to[65], const char *field)
{
	uint8_t digest[SHA256_LEN];

	if (!field || !sha256_parse(field, digest))
		return false;
	memcpy(to, field, 65);
	return true;
}

/* A line that is not whole (a crash while it was appended) is no record. */
static void take_record(struct map *m, enum lpp_shelf shelf, char *line)
{
	struct lpp_record r = { 0 };
	char *cursor = line;

	if (!take_sum(r.sha256, next_field(&cursor)))
		return;
	const char *size = next_field(&cursor);
	if (!size || parse_u64(size, &r.size, NULL) < 0)
		return;
	if (shelf == LPP_UNPACK && !take_sum(r.origin, next_field(&cursor)))
		return;
	const char *name = next_field(&cursor);
	if (!name || !ends_with(name, ".deb") || strchr(name, '/'))
		return;
	struct lpp_record *kept = xmalloc(sizeof(*kept));
	*kept = r;
	map_set(m, name, kept);
}

struct map *lpp_pool_records(const struct lpp *l, enum lpp_shelf shelf, struct err *err)
{
	_cleanup_map_ struct map *m = map_new(free);
	_cleanup_free_ char *path = sums_path(l, shelf);
	_cleanup_str_ struct str text = STR_INIT;

	if (!files_exists(path))
		return TAKE_PTR(m);
	if (files_read(path, SUMS_MAX, &text, err) < 0)
		return NULL;
	_cleanup_free_ char *owned = str_take(&text);
	char *cursor = owned, *line;
	while ((line = next_line(&cursor)))
		take_record(m, shelf, line);
	return TAKE_PTR(m);
}

static void add_line(struct str *s, const char *name, const struct lpp_record *r)
{
	str_addf(s, "%s  %llu  ", r->sha256, (unsigned long long)r->size);
	if (*r->origin)
		str_addf(s, "%s  ", r->origin);
	str_addf(s, "%s\n", name);
}

int lpp_pool_record(const struct lpp *l, enum lpp_shelf shelf, const char *name,
		    const struct lpp_record *r, struct err *err)
{
	_cleanup_free_ char *path = sums_path(l, shelf);
	_cleanup_str_ struct str line = STR_INIT;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				      0644);

	add_line(&line, name, r);
	if (fd < 0 || write(fd, line.p, line.len) != (ssize_t)line.len)
		return err_set_errno(err, ERR_OPERATOR, "cannot write %s", path);
	return 0;
}

int lpp_pool_rewrite(const struct lpp *l, enum lpp_shelf shelf, const struct map *records,
		     struct err *err)
{
	_cleanup_free_ char *path = sums_path(l, shelf);
	_cleanup_str_ struct str text = STR_INIT;
	const char *name;
	void *value;

	for (size_t it = 0; map_next(records, &it, &name, &value);)
		add_line(&text, name, value);
	return files_write_atomic(path, str_c(&text), text.len, 0644, err);
}

bool lpp_pool_has(const struct lpp *l, enum lpp_shelf shelf, const struct map *records,
		  const char *name)
{
	const struct lpp_record *r = map_get(records, name);
	_cleanup_free_ char *path = lpp_pool_path(l, shelf, name);
	struct stat st;

	return r && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == r->size;
}

int lpp_pool_verify(const char *path, const char *sha256, uint64_t size, char **ret_why,
		    struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_LEN];
	struct stat st;

	*ret_why = NULL;
	if (fd < 0 && (errno == ENOENT || errno == ELOOP)) {
		*ret_why = xstrdup("it is missing");
		return 1;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot read %s", path);
	if ((uint64_t)st.st_size != size) {
		*ret_why = xasprintf("%llu bytes instead of %llu",
				     (unsigned long long)st.st_size,
				     (unsigned long long)size);
		return 1;
	}
	if (sha256_fd(fd, digest, err) < 0)
		return -1;
	sha256_hex(digest, hex);
	if (streq(hex, sha256))
		return 0;
	*ret_why = xasprintf("SHA-256 %s instead of %s", hex, sha256);
	return 1;
}

int lpp_pool_lock(const struct lpp *l, struct events *ev, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/.lock", l->dir);
	int fd = lock_file(path, 0, err);

	if (fd >= 0 || !err || err->kind != ERR_LOCKED)
		return fd;
	events_step(ev, "Waiting for another fetch into lpp_source %s", l->name);
	err_clear(err);
	return lock_file(path, LOCK_WAIT_S, err);
}
