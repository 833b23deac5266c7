/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What merge methods share: noting what they did, and small readers of files in a root. Private to src/merge. */
#pragma once

#include "merge/merge.h"

#define MERGE_SAVE_DIR "/var/adm/nimadm/save"
#define MERGE_NOTE_DIR "/var/adm/nimadm/merge"

/* Adds {path, what} to the method's "changes" in the report and emits a step. */
void method_changed(const struct merge_ctx *c, const char *method, const char *path,
		    const char *fmt, ...) _printf_(4, 5);
/* The method's object in the report, made when it is not there; borrowed. */
struct json_t *method_report(const struct merge_ctx *c, const char *method);
/* Appends `item` (stolen) to the list `key` of the method's report. */
void method_append(const struct merge_ctx *c, const char *method, const char *key,
		   struct json_t *item);

/* A finding; the caller of merge_run emits them as events, with those of an earlier run. method_findf formats the
 * evidence. */
void method_find(const struct merge_ctx *c, const char *id,
		 enum finding_severity severity, const char *title, const char *evidence,
		 const char *remedy);
struct method_text {
	const char *id;
	enum finding_severity severity;
	const char *title, *remedy;
};
void method_findf(const struct merge_ctx *c, const struct method_text *t, const char *fmt,
		  ...) _printf_(3, 4);

/* The whole file, "" when it is missing, unreadable as a file or larger than 4 MiB: for files that a client may or may
 * not have. malloc'd. */
char *method_slurp(const struct root *r, const char *path);
/* What accounts, unit links, identity and language are compared with: the baseline, or the old root without one. */
const struct root *method_base(const struct merge_ctx *c);
/* `path` has the same content there and in the alternate root; false when it is missing or unreadable in one. */
bool method_same(const struct merge_ctx *c, const char *path);
bool method_exists(const struct merge_ctx *c,
		   const char *path); /* in the alternate root */
/* Writes `text` unless the file has it already; a first change saves the original below MERGE_SAVE_DIR. 0, or -1. */
int method_write(const struct merge_ctx *c, const char *path, const char *text, size_t n,
		 struct err *err) _must_check_;
/* Copies `path` of the alternate root below MERGE_SAVE_DIR once. Missing: nothing. */
int method_save(const struct merge_ctx *c, const char *path, struct err *err)
	_must_check_;

/* Next significant line: comments ('#') and blank lines are left out, white space cut. In place; NULL at the end. */
char *method_next_line(char **cursor);
/* Major version of a codename; 0: unknown. */
int method_major(const char *codename);
/* MD5 as dpkg and ucf record it, in hexadecimal. */
void method_md5(const void *data, size_t n, char hex[33]);
/* Every path below `r` that matches `pattern` (fnmatch(3), one component at a time), no hidden
 * files unless asked for; sorted; at most 1000. */
int method_glob(const struct root *r, const char *pattern, struct strv *ret,
		struct err *err) _must_check_;
