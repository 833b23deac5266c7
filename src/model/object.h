/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NIM objects: classes, types, operations, attributes and states. One table of attributes drives parsing, `lsnim -q`,
 * `lsnim -P` and the manual page nim-objects(5).
 */
#pragma once

#include "base/err.h"
#include "base/strv.h"

enum object_class { CLASS_MACHINES, CLASS_RESOURCES, CLASS_GROUPS, CLASS_COUNT_ };

enum attr_kind {
	ATTR_TEXT,
	ATTR_PATH,   /* absolute */
	ATTR_BOOL,   /* yes, no */
	ATTR_SIZE,   /* bytes, with K, M, G, T */
	ATTR_NUMBER, /* not negative */
	ATTR_PORT,   /* 1 to 65535 */
	ATTR_HOST, /* [USER@]HOST for ssh: a name, an address or an alias of its configuration */
	ATTR_ADDRESS, /* HOST, HOST:PORT or [IPV6]:PORT of a server */
	ATTR_OBJECT,  /* the name of an object of one of `values` */
	ATTR_ENUM,    /* one of `values` */
	ATTR_LIST,    /* words separated by commas or blanks */
	ATTR_KIND_COUNT_
};

enum attr_flags {
	ATTR_REQUIRED = 1 << 0, /* in define */
	ATTR_CHANGE = 1 << 1,	/* may be changed later */
	ATTR_REPEAT = 1 << 2,	/* may be given several times */
	ATTR_STATE = 1 << 3,	/* set by nimadm only: Rstate, alloc_count */
	ATTR_ACTION =
		1 << 4, /* input of an operation, not stored: mk_image=, add_member= */
};

struct attr_def {
	const char *types; /* the object types that have it, blank-separated; "*": all */
	const char *name;
	enum attr_kind kind;
	unsigned flags;
	/* that take it, blank-separated; NULL: define, and change with ATTR_CHANGE */
	const char *operations;
	const char *values; /* ENUM: "a b c"; OBJECT: allowed types */
	const char *def;    /* default as text, or NULL */
	const char *meta;   /* "URI", "FILE" for help */
	const char *help;   /* one sentence */
};

struct type_def {
	const char *name; /* "lpp_source" */
	enum object_class cls;
	/* "define change remove check reset update showres showlog" */
	const char *operations;
	const char *help;
	const char *example; /* the arguments of a define: "-a location=FILE NAME" */
};

struct operation_def {
	const char *name;
	const char *help;
};

const struct type_def *type_find(const char *name); /* NULL: unknown */
const struct type_def *type_table(size_t *ret_n);
bool type_has_operation(const struct type_def *t, const char *operation);

const struct operation_def *operation_find(const char *name); /* NULL: unknown */
const struct operation_def *operation_table(size_t *ret_n);

/* In the order in which lsnim prints them. `type` NULL: of any type. */
const struct attr_def *attr_find(const char *type, const char *name);
const struct attr_def *attr_table(size_t *ret_n);
bool attr_is_of_type(const struct attr_def *a, const char *type);
/* Whether `nim -o operation` takes it on this type. */
bool attr_is_of_operation(const struct attr_def *a, const char *operation);
const char *attr_kind_name(enum attr_kind kind); /* "text", "path" */
/* Whether the value has the form of its kind. Names of objects are checked for their form only. ERR_USAGE. */
int attr_check_value(const struct attr_def *a, const char *value, struct err *err)
	_must_check_;

const char *object_class_name(enum object_class c); /* "machines" */

/* Cstate / Rstate texts as in the original. */
#define RSTATE_READY	   "ready for use"
#define RSTATE_UNAVAILABLE "unavailable for use"
#define CSTATE_READY	   "ready for a NIM operation"
#define CSTATE_MIGRATING   "alternate disk migration is being performed"

/* Object names: letter or digit, then letters, digits, '.', '_', '-'; at most 39. */
int object_name_check(const char *name, struct err *err) _must_check_;
