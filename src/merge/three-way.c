/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three-way merge. The texts go in as a small tar archive on standard input and the result comes back on standard output,
 * so that the sandbox needs no directory of the master's.
 */
#include "merge/three-way.h"

#include <archive.h>
#include <archive_entry.h>

#include "merge/refine.h"

#define MERGE_TIMEOUT 120

/* Exit status: 0 clean, 1 conflicts, 125 no tool could do it. git counts conflicts up to 127 and has 255 for an error;
 * diff3 has 1 for conflicts and 2 for an error. */
static const char script[] =
	"set -e\n"
	"dir=$(mktemp -d)\n"
	"trap 'rm -rf \"$dir\"' EXIT\n"
	"cd \"$dir\"\n"
	"tar -xf -\n"
	"status=0\n"
	"if command -v git >/dev/null; then\n"
	"	git merge-file -p --diff3 -L administrator -L old-release -L new-release \\\n"
	"		mine base theirs || status=$?\n"
	"	[ \"$status\" -le 127 ] || exit 125\n"
	"	[ \"$status\" -eq 0 ] || exit 1\n"
	"elif command -v diff3 >/dev/null; then\n"
	"	diff3 -m -L administrator -L old-release -L new-release mine base theirs || status=$?\n"
	"	[ \"$status\" -le 1 ] || exit 125\n"
	"	exit \"$status\"\n"
	"else\n"
	"	echo 'neither git nor diff3 is installed in the SPOT' >&2\n"
	"	exit 125\n"
	"fi\n";

static int add_member(struct archive *a, const char *name, const struct str *text)
{
	struct archive_entry *e = archive_entry_new();
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, (la_int64_t)text->len);
	int rc = archive_write_header(a, e);
	archive_entry_free(e);
	if (rc != ARCHIVE_OK)
		return -1;
	return archive_write_data(a, str_c(text), text->len) == (la_ssize_t)text->len
		       ? 0
		       : -1;
}

/* A tar of the three; malloc'd. */
static char *pack(const struct three_way *in, size_t *ret_n, struct err *err)
{
	size_t cap = in->mine->len + in->base->len + in->theirs->len + 65536;
	_cleanup_free_ char *buf = xmalloc(cap);
	struct archive *a = archive_write_new();
	archive_write_set_format_ustar(a);
	int rc = archive_write_open_memory(a, buf, cap, ret_n);
	if (rc == ARCHIVE_OK &&
	    (add_member(a, "mine", in->mine) < 0 || add_member(a, "base", in->base) < 0 ||
	     add_member(a, "theirs", in->theirs) < 0))
		rc = ARCHIVE_FATAL;
	if (archive_write_close(a) != ARCHIVE_OK)
		rc = ARCHIVE_FATAL;
	if (rc != ARCHIVE_OK)
		err_set(err, ERR_INTERNAL, "packing the texts to merge: %s",
			archive_error_string(a));
	archive_write_free(a);
	return rc == ARCHIVE_OK ? TAKE_PTR(buf) : NULL;
}

int three_way_merge(struct runner *run, const struct three_way *in, struct str *out,
		    struct str *why, struct err *err)
{
	size_t n = 0;
	_cleanup_free_ char *tar = pack(in, &n, err);
	if (!tar)
		return -1;
	static const char *const argv[] = { "sh", "-c", script, NULL };
	struct proc_spec spec = { .argv = argv,
				  .input = tar,
				  .input_len = n,
				  .timeout_s = MERGE_TIMEOUT,
				  .out = out };
	struct proc_result res = { 0 };
	int rc = runner_run(run, &spec, &res, err);
	if (rc <= 0)
		return rc;
	if (res.how == PROC_EXITED && res.status == 1)
		return 1;
	str_addf(why, "%s", res.tail[0] ? res.tail : "the merge tool failed");
	return 2;
}

/* The first conflict of a merged text, at most a dozen lines of it. */
static void show_conflict(const struct str *merged, struct str *ret)
{
	const char *p = strstr(str_c(merged), "<<<<<<< ");
	for (int i = 0; p && *p && i < 12; i++) {
		size_t n = strcspn(p, "\n");
		str_addf(ret, "%s%.*s", i ? "\n" : "", (int)MIN(n, (size_t)200), p);
		if (starts_with(p, ">>>>>>> "))
			return;
		p += n + (p[n] == '\n');
	}
}

int three_way_solve(struct runner *run, const struct three_way *in, struct str *out,
		    struct str *why, struct err *err)
{
	_cleanup_str_ struct str merged = STR_INIT;
	int rc = three_way_merge(run, in, &merged, why, err);
	if (rc == 0) {
		str_addn(out, merged.p, merged.len);
	} else if (rc == 1) {
		if (refine_conflicts(&merged, out))
			return 0;
		show_conflict(&merged, why);
	}
	return rc;
}
