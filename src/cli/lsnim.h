/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lsnim share: its options and its three kinds of output. */
#pragma once

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

/* The type of -t; ERR_USAGE names the nearest. */
const struct type_def *lsnim_type(const char *name, struct err *err);
