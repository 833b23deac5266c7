/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One word in a file: a boot id, or that all is well, or that it is not. */
#include "sys/written.h"

#include "base/str.h"
#include "sys/files.h"

#define CLEAN "clean"
#define LOST  "lost"

/* The boot id of the running kernel; empty where /proc does not tell. */
static void boot_id(struct str *ret)
{
	if (files_read("/proc/sys/kernel/random/boot_id", 64, ret, NULL) < 0)
		str_reset(ret);
	while (ret->len > 0 && ret->p[ret->len - 1] == '\n')
		ret->p[--ret->len] = '\0';
}

static int write_word(const char *record, const char *word, struct err *err)
{
	_cleanup_free_ char *text = xasprintf("%s\n", word);

	return files_write_atomic(record, text, strlen(text), 0600, err);
}

int written_check(const char *record, const char *what, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT, boot = STR_INIT;
	struct err ignored = { 0 };

	if (files_read(record, 256, &text, &ignored) < 0)
		return ignored.kind == ERR_NOTFOUND
			       ? 0
			       : err_set(err, ERR_OPERATOR, "%s", ignored.msg);
	const char *word = strip(text.p ? text.p : (char[]){ "" });
	boot_id(&boot);
	if (streq(word, CLEAN) || (boot.len > 0 && streq(word, str_c(&boot))))
		return 0;
	if (streq(word, LOST))
		err_set(err, ERR_OPERATOR,
			"not all that was written to %s has arrived: it cannot be trusted",
			what);
	else
		err_set(err, ERR_OPERATOR,
			"the machine went down while %s was written without syncing: it cannot be trusted",
			what);
	return err_remedy(err, "clean the job up with nimadm -C and start it again");
}

int written_begin(const char *record, struct err *err)
{
	_cleanup_str_ struct str boot = STR_INIT;

	boot_id(&boot);
	return write_word(record, str_c(&boot), err);
}

int written_end(const char *record, struct err *err)
{
	return write_word(record, CLEAN, err);
}

int written_lost(const char *record, struct err *err)
{
	return write_word(record, LOST, err);
}
