/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error object: setting, prefixing, and the table of kinds. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/*
 * Formats before *err is touched: the arguments may point into the old message.
 * An over-long text is cut at the end; a message is for people and 1 KiB is plenty.
 */
_printf_(4, 0) static void set_text(struct err *err, enum err_kind kind, int errnum,
				    const char *fmt, va_list ap)
{
	char text[sizeof(err->msg)];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = n < 0 ? 0 : MIN((size_t)n, sizeof(text) - 1);

	text[len] = '\0';
	if (errnum != 0)
		snprintf(text + len, sizeof(text) - len, ": %s",
			 strerrordesc_np(errnum) ?: "unknown error");
	err_clear(err);
	err->kind = kind;
	err->errnum = errnum;
	memcpy(err->msg, text, strlen(text) + 1);
}

int err_set_at(struct err *err, enum err_kind kind, const char *file, int line,
	       const char *fmt, ...)
{
	if (!err)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	set_text(err, kind, 0, fmt, ap);
	va_end(ap);
	err->file = file;
	err->line = line;
	return -1;
}

int err_set_errno_at(struct err *err, enum err_kind kind, const char *file, int line,
		     const char *fmt, ...)
{
	int errnum = errno;

	if (!err)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	set_text(err, kind, errnum, fmt, ap);
	va_end(ap);
	err->file = file;
	err->line = line;
	return -1;
}

int err_remedy(struct err *err, const char *fmt, ...)
{
	if (!err || err->remedy[0] != '\0')
		return -1;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->remedy, sizeof(err->remedy), fmt, ap);
	va_end(ap);
	return -1;
}

void err_print_next(const struct err *err, const char *program)
{
	if (err->remedy[0])
		fprintf(stderr, "  next: %s\n", err->remedy);
	else if (err->kind == ERR_USAGE)
		fprintf(stderr, "  next: %s --help shows the forms of the command\n",
			program);
}

static void put_in_front(struct err *err, const char *prefix)
{
	const size_t room = sizeof(err->msg) - 1;
	size_t len = strnlen(prefix, room - 2);
	size_t old = MIN(strnlen(err->msg, room), room - len - 2);

	memmove(err->msg + len + 2, err->msg, old);
	memcpy(err->msg, prefix, len);
	memcpy(err->msg + len, ": ", 2);
	err->msg[len + 2 + old] = '\0';
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	if (!err)
		return -1;
	char prefix[sizeof(err->msg)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	put_in_front(err, prefix);
	return -1;
}

void err_clear(struct err *err)
{
	if (err)
		*err = (struct err){ .kind = ERR_NONE };
}

void err_scope_end(struct err_scope *scope)
{
	if (scope->err && scope->before == ERR_NONE && scope->err->kind != ERR_NONE)
		put_in_front(scope->err, scope->text);
}

/* Exit statuses are documented in nimadm(7): a change here goes there too. */
static const struct {
	const char *name;
	int exit_status;
} kinds[ERR_KIND_COUNT_] = {
	[ERR_NONE] = { "none", 0 },	    [ERR_TRANSIENT] = { "transient", 1 },
	[ERR_OPERATOR] = { "operator", 1 }, [ERR_USAGE] = { "usage", 2 },
	[ERR_UNFIT] = { "unfit", 3 },	    [ERR_LOCKED] = { "locked", 4 },
	[ERR_NOTFOUND] = { "notfound", 5 }, [ERR_CANCELLED] = { "cancelled", 1 },
	[ERR_INTERNAL] = { "internal", 1 },
};

const char *err_kind_name(enum err_kind kind)
{
	return (unsigned)kind < ERR_KIND_COUNT_ ? kinds[kind].name : "internal";
}

int err_exit_status(enum err_kind kind)
{
	return (unsigned)kind < ERR_KIND_COUNT_ ? kinds[kind].exit_status : 1;
}
