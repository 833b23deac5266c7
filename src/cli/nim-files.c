/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: resources that are one file: what the file must look like, and copying it from another one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <regex.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "cli/nim.h"
#include "model/bundle.h"
#include "sys/files.h"
#include "sys/signal.h"

#define COPY_SIZE (1 << 20)
#define TEXT_MAX  (1 << 20)

/* --- copying --- */

static int write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, data, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		data += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Shares the blocks where the file system can; copy_file_range() is of no use: it refuses other file systems. */
static int copy_bytes(int from, int to, const char *name, struct err *err)
{
	_cleanup_free_ char *buf = xmalloc(COPY_SIZE);

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	for (;;) {
		ssize_t n = read(from, buf, COPY_SIZE);

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write_all(to, buf, (size_t)n) < 0)
			return err_set_errno(err, ERR_OPERATOR, "copy %s", name);
		if (cancel_check(err) < 0)
			return -1;
	}
}

/* It appears under `to` only when it is complete. */
static int copy_file(const char *from, const char *to, struct err *err)
{
	_cleanup_close_ int fd = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_files_pending_ struct files_pending p = FILES_PENDING_INIT;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "open %s", from);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_OPERATOR, "%s is not a regular file", from);
	if (files_pending_open(&p, to, st.st_mode & 0777, err) < 0 ||
	    copy_bytes(fd, p.fd, from, err) < 0)
		return -1;
	return files_pending_publish(&p, err);
}

/* The file that source= names: itself, or the location of a resource of the same type. */
static int source_file(struct nim_request *r, char **ret, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;
	const char *source = nim_given(r, "source");

	if (*source == '/') {
		*ret = xstrdup(source);
		return 0;
	}
	if (store_object_get(r->store, source, r->type->name, &o, err) < 0)
		return err_prefix(err, "attribute source");
	if (!object_get(&o, "location"))
		return err_set(err, ERR_OPERATOR, "'%s' has no location", source);
	*ret = xstrdup(object_get(&o, "location"));
	return 0;
}

int nim_copy_source(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_free_ char *from = NULL;

	if (source_file(r, &from, err) < 0)
		return -1;
	return copy_file(from, location, err);
}

/* --- what the files must look like --- */

int nim_read_text(const char *location, struct str *text, struct err *err)
{
	if (files_is_dir(location))
		return err_set(err, ERR_OPERATOR, "%s is a directory, not a file",
			       location);
	if (files_read(location, TEXT_MAX, text, err) < 0)
		return -1;
	if (memchr(str_c(text), '\0', text->len))
		return err_set(err, ERR_OPERATOR, "%s is not a text file", location);
	return 0;
}

static int check_script(struct nim_request *r, const char *location, struct findings *fs,
			struct err *err)
{
	_cleanup_close_ int fd = open(location, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[4] = "";
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "open %s", location);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_OPERATOR, "%s is not a regular file", location);
	if (!(st.st_mode & 0100)) {
		err_set(err, ERR_OPERATOR, "%s is not executable", location);
		return err_remedy(err, "chmod +x %s", location);
	}
	if (read(fd, head, sizeof(head)) < 2 ||
	    (memcmp(head, "#!", 2) != 0 && memcmp(head, "\177ELF", 4) != 0)) {
		err_set(err, ERR_OPERATOR, "%s is neither a script nor a program",
			location);
		return err_remedy(err, "begin it with the interpreter, as in #!/bin/sh");
	}
	return 0;
}

static int check_bundle(struct nim_request *r, const char *location, struct findings *fs,
			struct err *err)
{
	_cleanup_strv_ struct strv packages = STRV_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (nim_read_text(location, &text, err) < 0 ||
	    bundle_parse(&packages, location, str_c(&text), text.len, err) < 0)
		return -1;
	if (packages.n == 0)
		return err_set(err, ERR_OPERATOR, "%s names no package", location);
	return 0;
}

static int check_pattern(const char *pattern, struct err *err)
{
	char words[256];
	regex_t re;
	int rc = regcomp(&re, pattern, REG_NOSUB);

	if (rc == 0) {
		regfree(&re);
		return 0;
	}
	regerror(rc, &re, words, sizeof(words));
	return err_set(err, ERR_OPERATOR, "'%s' is not a pattern: %s", pattern, words);
}

static int check_exclude(struct nim_request *r, const char *location, struct findings *fs,
			 struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	char *rest, *line;

	if (nim_read_text(location, &text, err) < 0)
		return -1;
	rest = text.p;
	for (unsigned n = 1; rest && (line = next_line(&rest)); n++)
		if (check_pattern(strip(line), err) < 0)
			return err_prefix(err, "%s: line %u", location, n);
	return 0;
}

static int check_resolv_line(char *line, struct err *err)
{
	static const char *const keywords[] = { "nameserver", "domain", "search",
						"sortlist", "options" };
	char *word = next_field(&line);

	if (!word || *word == '#' || *word == ';')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (streq(word, keywords[i]))
			return next_field(&line) ? 0
						 : err_set(err, ERR_OPERATOR,
							   "%s has no value", word);
	return err_set(err, ERR_OPERATOR, "unknown keyword '%s'", word);
}

static int check_resolv(struct nim_request *r, const char *location, struct findings *fs,
			struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	char *rest, *line;

	if (nim_read_text(location, &text, err) < 0)
		return -1;
	rest = text.p;
	for (unsigned n = 1; rest && (line = next_line(&rest)); n++)
		if (check_resolv_line(line, err) < 0) {
			err_prefix(err, "%s: line %u", location, n);
			return err_remedy(err, "resolv.conf(5) has the form");
		}
	return 0;
}

const struct nim_handler nim_script = {
	.type = "script",
	.create = nim_copy_source,
	.check = check_script,
};

const struct nim_handler nim_installp_bundle = {
	.type = "installp_bundle",
	.create = nim_copy_source,
	.check = check_bundle,
};

const struct nim_handler nim_exclude_files = {
	.type = "exclude_files",
	.create = nim_copy_source,
	.check = check_exclude,
};

const struct nim_handler nim_resolv_conf = {
	.type = "resolv_conf",
	.create = nim_copy_source,
	.check = check_resolv,
};
