/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Debian archive is an ar archive whose member data.tar.* holds the files: read in a stream with libarchive. */
#include "pkg/debfile.h"

#include <archive.h>
#include <archive_entry.h>

/* A configuration file is small; more is a damaged or hostile archive. */
#define MEMBER_MAX (16U << 20)

struct inner {
	struct archive *outer;
	char buf[65536];
};

static void read_free_p(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static la_ssize_t inner_read(struct archive *a, void *arg, const void **ret)
{
	struct inner *in = arg;
	la_ssize_t n = archive_read_data(in->outer, in->buf, sizeof(in->buf));
	if (n < 0) {
		archive_set_error(a, archive_errno(in->outer), "%s",
				  archive_error_string(in->outer));
		return ARCHIVE_FATAL;
	}
	*ret = in->buf;
	return n;
}

static int broken(const char *path, struct archive *a, struct err *err)
{
	const char *why = archive_error_string(a);
	return err_set(err, ERR_OPERATOR, "%s is no readable Debian archive: %s", path,
		       why ? why : "no data.tar in it");
}

static const char *relative(const char *path)
{
	for (;;) {
		if (starts_with(path, "./"))
			path += 2;
		else if (*path == '/')
			path++;
		else
			return path;
	}
}

static int copy_data(struct archive *a, const char *path, const char *member,
		     struct str *out, struct err *err)
{
	char buf[16384];
	size_t total = 0;
	for (;;) {
		la_ssize_t n = archive_read_data(a, buf, sizeof(buf));
		if (n == 0)
			return 0;
		if (n < 0)
			return broken(path, a, err);
		total += (size_t)n;
		if (total > MEMBER_MAX)
			return err_set(err, ERR_OPERATOR,
				       "%s: member %s is larger than %u bytes", path,
				       member, MEMBER_MAX);
		str_addn(out, buf, (size_t)n);
	}
}

static int find_member(struct archive *a, const char *path, const char *member,
		       struct str *out, struct err *err)
{
	for (;;) {
		struct archive_entry *e;
		int rc = archive_read_next_header(a, &e);
		if (rc == ARCHIVE_EOF)
			return 1;
		if (rc < ARCHIVE_WARN)
			return broken(path, a, err);
		const char *name = archive_entry_pathname(e);
		if (!name || !streq(relative(name), relative(member)))
			continue;
		if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e))
			return 1;
		return copy_data(a, path, member, out, err);
	}
}

static int read_data_tar(struct archive *outer, const char *path, const char *member,
			 struct str *out, struct err *err)
{
	_cleanup_free_ struct inner *in = xmalloc(sizeof(*in));
	in->outer = outer;
	_cleanup_(read_free_p) struct archive *a = archive_read_new();
	archive_read_support_format_tar(a);
	archive_read_support_filter_all(a);
	if (archive_read_open(a, in, NULL, inner_read, NULL) != ARCHIVE_OK)
		return broken(path, a, err);
	return find_member(a, path, member, out, err);
}

int deb_read_member(const char *path, const char *member, struct str *out,
		    struct err *err)
{
	_cleanup_(read_free_p) struct archive *a = archive_read_new();
	archive_read_support_format_ar(a);
	if (archive_read_open_filename(a, path, 65536) != ARCHIVE_OK)
		return broken(path, a, err);
	for (;;) {
		struct archive_entry *e;
		int rc = archive_read_next_header(a, &e);
		if (rc == ARCHIVE_EOF || rc < ARCHIVE_WARN)
			return broken(path, a, err);
		const char *name = archive_entry_pathname(e);
		if (name && starts_with(name, "data.tar"))
			return read_data_tar(a, path, member, out, err);
	}
}
