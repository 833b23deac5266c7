/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lsnim share: its options and its three kinds of output. */
#pragma once

#include <jansson.h>

#include "cli/common.h"
#include "model/object.h"

struct lsnim_options {
	bool all, colon, json, help_attributes, operations, query;
	const char *type, *cls;
	struct strv attrs;
};

/* Objects: short list, -l, -a, -Z, --json. */
int lsnim_objects(struct cli *cli, const struct lsnim_options *o,
		  const struct strv *names, struct err *err) _must_check_;
/* Tables: -P, -O, -q. */
int lsnim_predefined(const struct lsnim_options *o, const struct strv *args,
		     struct err *err) _must_check_;
int lsnim_operations(struct cli *cli, const struct lsnim_options *o,
		     const struct strv *args, struct err *err) _must_check_;
int lsnim_query(struct cli *cli, const struct lsnim_options *o, const struct strv *args,
		struct err *err) _must_check_;

/* The same tables as JSON, one object a line. */
void lsnim_json_type(const struct type_def *t);
void lsnim_json_attr(const struct attr_def *a);
void lsnim_json_operation(const struct type_def *t, const struct operation_def *o);
/* What an operation on objects of a type takes. */
void lsnim_json_query(const struct type_def *t, const char *operation,
		      const struct attr_def *a, bool required);
/* Prints and frees. */
void lsnim_json_line(json_t *o);

/* The type of -t; ERR_USAGE names the nearest. */
const struct type_def *lsnim_type(const char *name, struct err *err);
