/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes and inode flags: reading, applying, digest. */
#include "sys/xattrs.h"

#include <endian.h>
#include <errno.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "base/strv.h"
#include "sys/sha256.h"

void xattrs_done(struct xattrs *x)
{
	str_done(&x->blob);
	x->n = 0;
}

void xattrs_reset(struct xattrs *x)
{
	str_reset(&x->blob);
	x->n = 0;
}

void xattrs_add(struct xattrs *x, const char *name, const void *value, size_t len)
{
	uint32_t n = htole32((uint32_t)len);

	str_addn(&x->blob, name, strlen(name) + 1);
	str_addn(&x->blob, &n, sizeof(n));
	if (len > 0)
		str_addn(&x->blob, value, len);
	x->n++;
}

bool xattrs_next(const struct xattrs *x, size_t *pos, const char **name,
		 const void **value, size_t *len)
{
	uint32_t n;

	if (*pos >= x->blob.len)
		return false;
	*name = x->blob.p + *pos;
	*pos += strlen(*name) + 1;
	memcpy(&n, x->blob.p + *pos, sizeof(n));
	*len = le32toh(n);
	*value = x->blob.p + *pos + sizeof(n);
	*pos += sizeof(n) + *len;
	return true;
}

void xattrs_digest(const struct xattrs *x, char ret[17])
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_LEN];

	ret[0] = '\0';
	if (x->n == 0)
		return;
	sha256_buf(x->blob.p, x->blob.len, digest);
	sha256_hex(digest, hex);
	memcpy(ret, hex, 16);
	ret[16] = '\0';
}

/* Files that cannot be opened without side effects are reached through their directory. */
static char *path_of(const struct xattrs_of *of)
{
	return xasprintf("/proc/self/fd/%d/%s", of->dir_fd, of->name);
}

static ssize_t list_names(const struct xattrs_of *of, const char *path, char *buf,
			  size_t n)
{
	return of->fd >= 0 ? flistxattr(of->fd, buf, n) : llistxattr(path, buf, n);
}

static ssize_t get_value(const struct xattrs_of *of, const char *path, const char *name,
			 void *buf, size_t n)
{
	return of->fd >= 0 ? fgetxattr(of->fd, name, buf, n)
			   : lgetxattr(path, name, buf, n);
}

bool xattrs_is_kept(const char *name)
{
	return !starts_with(name, "trusted.overlay.") && !streq(name, "system.nfs4_acl");
}

static int read_values(struct xattrs *x, const struct xattrs_of *of, const char *path,
		       const char *names, size_t len)
{
	_cleanup_strv_ struct strv sorted = STRV_INIT;
	_cleanup_free_ char *value = xmalloc(XATTR_SIZE_MAX);

	for (const char *p = names; p < names + len; p += strlen(p) + 1)
		if (xattrs_is_kept(p))
			strv_add(&sorted, p);
	strv_sort(&sorted);
	for (size_t i = 0; i < sorted.n; i++) {
		ssize_t n = get_value(of, path, sorted.v[i], value, XATTR_SIZE_MAX);
		if (n < 0 && errno == ENODATA)
			continue;
		if (n < 0)
			return -1;
		xattrs_add(x, sorted.v[i], value, (size_t)n);
	}
	return 0;
}

int xattrs_read(struct xattrs *x, const struct xattrs_of *of)
{
	char few[256];
	_cleanup_free_ char *path = of->fd >= 0 ? NULL : path_of(of);
	ssize_t n = list_names(of, path, few, sizeof(few));

	xattrs_reset(x);
	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		return 0;
	if (n >= 0)
		return n == 0 ? 0 : read_values(x, of, path, few, (size_t)n);
	if (errno != ERANGE)
		return -1;
	_cleanup_free_ char *many = xmalloc(XATTR_LIST_MAX);
	n = list_names(of, path, many, XATTR_LIST_MAX);
	return n < 0 ? -1 : read_values(x, of, path, many, (size_t)n);
}

int xattrs_apply(const struct xattrs *x, const struct xattrs_of *of,
		 const char **ret_name)
{
	_cleanup_free_ char *path = of->fd >= 0 ? NULL : path_of(of);
	const char *name;
	const void *value;
	size_t len;

	for (size_t pos = 0; xattrs_next(x, &pos, &name, &value, &len);) {
		int rc = of->fd >= 0 ? fsetxattr(of->fd, name, value, len, 0)
				     : lsetxattr(path, name, value, len, 0);
		*ret_name = name;
		if (rc < 0)
			return -1;
	}
	return 0;
}

bool xattrs_has(const struct xattrs *x, const char *want)
{
	const char *name;
	const void *value;
	size_t len;

	for (size_t pos = 0; xattrs_next(x, &pos, &name, &value, &len);)
		if (streq(name, want))
			return true;
	return false;
}

int xattrs_replace(const struct xattrs *x, const struct xattrs_of *of,
		   const char **ret_name)
{
	_cleanup_free_ char *path = of->fd >= 0 ? NULL : path_of(of);
	struct xattrs now = { 0 };
	const char *name;
	const void *value;
	size_t len;
	int rc = xattrs_read(&now, of);

	*ret_name = "";
	for (size_t pos = 0; rc == 0 && xattrs_next(&now, &pos, &name, &value, &len);) {
		if (xattrs_has(x, name))
			continue;
		rc = of->fd >= 0 ? fremovexattr(of->fd, name) : lremovexattr(path, name);
		/* A change of the owner may have taken it away already; a security module keeps its own. */
		if (rc < 0 && (errno == ENODATA || starts_with(name, "security.")))
			rc = 0;
	}
	xattrs_done(&now);
	return rc < 0 ? -1 : xattrs_apply(x, of, ret_name);
}

/* The names are those of libarchive; some tell what is not done. */
static const struct {
	char letter;
	int flag;
	const char *name;
} flag_table[] = {
	{ 'A', FS_NOATIME_FL, "noatime" },   { 'C', FS_NOCOW_FL, "nocow" },
	{ 'D', FS_DIRSYNC_FL, "dirsync" },   { 'S', FS_SYNC_FL, "sync" },
	{ 'T', FS_TOPDIR_FL, "topdir" },     { 'a', FS_APPEND_FL, "sappnd" },
	{ 'c', FS_COMPR_FL, "compress" },    { 'd', FS_NODUMP_FL, "nodump" },
	{ 'i', FS_IMMUTABLE_FL, "schg" },    { 'j', FS_JOURNAL_DATA_FL, "journal-data" },
	{ 'm', FS_NOCOMP_FL, "nocompress" }, { 't', FS_NOTAIL_FL, "notail" },
};
#define STRICT "adi"

bool flags_read(int fd, char ret[16])
{
	int flags = 0;
	size_t n = 0;
	bool known = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;

	if (!known)
		flags = 0;
	for (size_t i = 0; flags != 0 && i < ARRAY_SIZE(flag_table); i++)
		if (flags & flag_table[i].flag)
			ret[n++] = flag_table[i].letter;
	ret[n] = '\0';
	return known;
}

static bool is_unknown(int errnum)
{
	return errnum == EOPNOTSUPP || errnum == EINVAL || errnum == ENOTTY ||
	       errnum == ENOSYS;
}

int flags_apply(int fd, const char *letters)
{
	int flags = 0, want = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return is_unknown(errno) ? 0 : -1;
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++)
		if (strchr(letters, flag_table[i].letter))
			want |= flag_table[i].flag;
	if ((flags & want) == want)
		return 0;
	want |= flags;
	if (ioctl(fd, FS_IOC_SETFLAGS, &want) == 0)
		return 0;
	if (!is_unknown(errno))
		return -1;
	/* One at a time; an immutable file takes no more: that one last. */
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
		int flag = flag_table[i].flag, more = flags | flag;

		if ((want & flag) == 0 || flag == FS_IMMUTABLE_FL)
			continue;
		if (ioctl(fd, FS_IOC_SETFLAGS, &more) == 0)
			flags = more;
		else if (!is_unknown(errno))
			return -1;
	}
	flags |= want & FS_IMMUTABLE_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 && !is_unknown(errno) ? -1 : 0;
}

void flags_clear(int fd)
{
	int flags = 0, less;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	less = flags;
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++)
		less &= ~flag_table[i].flag;
	if (less != flags)
		ioctl(fd, FS_IOC_SETFLAGS, &less);
}

void flags_names(const char *letters, struct str *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++)
		if (strchr(letters, flag_table[i].letter))
			str_addf(out, "%s%s", out->len > 0 ? "," : "",
				 flag_table[i].name);
}

bool flags_parse(const char *names, size_t n, char ret[16])
{
	size_t found = 0;

	/* In the order of the table, each once: as flags_names writes them. */
	for (size_t i = 0; i < ARRAY_SIZE(flag_table) && n > 0; i++) {
		size_t len = strlen(flag_table[i].name);

		if (n < len || memcmp(names, flag_table[i].name, len) != 0 ||
		    (n > len && names[len] != ','))
			continue;
		ret[found++] = flag_table[i].letter;
		names += MIN(n, len + 1);
		n -= MIN(n, len + 1);
	}
	ret[found] = '\0';
	return n == 0 && found > 0;
}

bool flags_are_kept(const char *want, const char *have)
{
	for (const char *p = have; *p; p++)
		if (!strchr(want, *p))
			return false;
	for (const char *p = want; *p; p++)
		if (strchr(STRICT, *p) && !strchr(have, *p))
			return false;
	return true;
}
