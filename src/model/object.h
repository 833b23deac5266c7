/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NIM objects: classes, types, attributes and states. One table of attributes drives parsing, `lsnim -q`,
 * `lsnim -P` and the manual page nim-objects(5).
 */
#pragma once

#include "base/err.h"
#include "base/strv.h"

enum object_class { CLASS_MACHINES, CLASS_RESOURCES, CLASS_GROUPS };
enum attr_kind {
	ATTR_TEXT,
	ATTR_PATH,
	ATTR_BOOL,
	ATTR_SIZE,
	ATTR_NUMBER,
	ATTR_OBJECT,
	ATTR_ENUM,
	ATTR_LIST
};

enum attr_flags {
	ATTR_REQUIRED = 1 << 0, /* in define */
	ATTR_CHANGE = 1 << 1,	/* may be changed later */
	ATTR_REPEAT = 1 << 2,	/* may be given several times */
	ATTR_STATE = 1 << 3,	/* set by nimadm only: Rstate, alloc_count */
	ATTR_ACTION = 1 << 4, /* input of an operation, not stored: source=, mk_image= */
};

struct attr_def {
	const char *type; /* object type, or "*" */
	const char *name;
	enum attr_kind kind;
	unsigned flags;
	const char *values; /* ENUM: "a b c"; OBJECT: allowed types */
	const char *def;    /* default as text, or NULL */
	const char *meta;   /* "URI", "FILE" for help */
	const char *help;   /* one sentence */
};

struct type_def {
	const char *name; /* "lpp_source" */
	enum object_class cls;
	const char *
		operations; /* "define change remove check reset update showres showlog" */
	const char *help;
};

const struct type_def *type_find(const char *name);
const struct type_def *type_table(size_t *ret_n);
const struct attr_def *attr_find(const char *type, const char *name);
const struct attr_def *attr_table(size_t *ret_n);
const char *object_class_name(enum object_class c); /* "machines" */

/* Cstate / Rstate texts as in the original. */
#define RSTATE_READY	   "ready for use"
#define RSTATE_UNAVAILABLE "unavailable for use"
#define CSTATE_READY	   "ready for a NIM operation"
#define CSTATE_MIGRATING   "alternate disk migration is being performed"

/* Object names: letter or digit, then letters, digits, '.', '_', '-'; at most 39. */
int object_name_check(const char *name, struct err *err) _must_check_;
