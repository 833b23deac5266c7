/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the nim command share: the request (command line and object together) and the handlers, one for each
 * type of resource, which know what an object of the type stands for.
 */
#pragma once

#include "cli/common.h"
#include "engine/lease.h"
#include "model/event.h"
#include "model/object.h"

struct nim_attr {
	const struct attr_def *def;
	/* borrowed from the command line; "" in a change: take it away */
	const char *value;
};

struct nim_request {
	struct cli *cli;
	struct store *store;
	struct lease *lease; /* of the object's name, while something is changed */
	const struct operation_def *operation;
	const struct type_def *type;
	const struct nim_handler *handler; /* NULL: machines and groups */
	const char *name;
	struct object object; /* as it was before the operation; empty in a define */
	struct nim_attr *attrs;
	size_t n_attrs;
	bool force;
	struct events events;
	char *result; /* nim_say_ready; on a terminal it stays when the live line is gone */
};

/* The first value given on the command line, or NULL. */
const char *nim_given(const struct nim_request *r, const char *attr);
/* What holds after the operation: given, else the object's, else the attribute's default, else NULL. */
const char *nim_value(const struct nim_request *r, const char *attr);

/* Reads "attr=value" words into r->attrs: known for type and operation, well-formed, complete, objects there. */
int nim_attrs_parse(struct nim_request *r, const struct strv *words, struct err *err)
	_must_check_;
/* Writes those that are stored. */
int nim_attrs_store(struct nim_request *r, struct err *err) _must_check_;

/*
 * A type of resource. `location` is the file or directory that an object stands for.
 * Errors of create, adopt, check and update leave the state to the caller.
 */
struct nim_handler {
	const char *type;
	/* a file at the top of a directory resource; NULL: the resource is a file */
	const char *marker;
	/* Makes what is not there yet; NULL: only what exists can be defined. */
	int (*create)(struct nim_request *r, const char *location, struct err *err);
	/* Whether what is at the location is what it should be; findings of severity INHIBIT and a negative return refuse it. */
	int (*check)(struct nim_request *r, const char *location, struct findings *fs,
		     struct err *err);
	/* Writes state attributes that lsnim shows. NULL: none. */
	int (*describe)(struct nim_request *r, const char *location, struct err *err);
	int (*update)(struct nim_request *r, const char *location, struct err *err);
	/* Prints the contents. NULL: the file itself is printed. */
	int (*show)(struct nim_request *r, const char *location, struct err *err);
	/* What the location is followed by in the name of a tree that is not whole yet; NULL: none is made beside it. */
	const char *scratch;
	/* Attributes are about to change, or what is there is taken over with them: writes those that the resource itself
	 * keeps, or refuses them. NULL: it keeps none. */
	int (*apply)(struct nim_request *r, const char *location, struct err *err);
	/* After attributes have changed. NULL: nothing follows from them. */
	int (*changed)(struct nim_request *r, const char *location, struct err *err);
	bool change_in_use; /* attributes but the location may change while jobs use it */
	bool update_is_atomic; /* a failed update leaves the resource as it was */
	bool keep_files;       /* a remove leaves the file unless rm_image=yes is given */
};

extern const struct nim_handler nim_script, nim_installp_bundle, nim_exclude_files,
	nim_image_data, nim_bosinst_data, nim_resolv_conf;
extern const struct nim_handler nim_cache, nim_lpp_source, nim_mksysb, nim_spot;

/* Where objects of a type lie by default: <state>/<type>/<name>. */
char *nim_default_location(const struct nim_request *r);
/* From here on what happens is also written to <state>/log/<name>/nim.log. */
int nim_open_log(struct nim_request *r, struct err *err) _must_check_;
/* Rstate and info in one: no moment in between. `info` NULL: none. */
int nim_set_rstate(struct nim_request *r, const char *state, const char *info,
		   struct err *err) _must_check_;
/* The last step of an operation that was worth waiting for. */
void nim_say_ready(struct nim_request *r);
/* A handler's create: copies the file that source= names, itself or as a resource of the same type. */
int nim_copy_source(struct nim_request *r, const char *location, struct err *err)
	_must_check_;
/* A small text file; refuses directories and what has a NUL. */
int nim_read_text(const char *location, struct str *text, struct err *err) _must_check_;
/* Sets or removes a state attribute of the request's object. */
int nim_set(struct nim_request *r, const char *attr, const char *value, struct err *err)
	_must_check_;
/* Removes what lies at the location; a missing one is no error. */
int nim_discard(const struct nim_handler *h, const char *location, struct err *err)
	_must_check_;
/* A text in a resource's JSON file, malloc'd; NULL when it is not there. */
char *nim_read_fact(const char *dir, const char *file, const char *key);
/* Brings the state attributes of an lpp_source to what lies in its directory. */
int nim_lpp_describe(struct store *s, const char *name, const char *dir, struct err *err)
	_must_check_;
/* Runs the handler's check, reports the findings; -1 when one of them is an INHIBIT. */
int nim_check_location(struct nim_request *r, const char *location, struct err *err)
	_must_check_;

/* The operations: one function each. */
int nim_define(struct nim_request *r, struct err *err) _must_check_;
int nim_change(struct nim_request *r, struct err *err) _must_check_;
int nim_remove(struct nim_request *r, struct err *err) _must_check_;
int nim_check(struct nim_request *r, struct err *err) _must_check_;
int nim_reset(struct nim_request *r, struct err *err) _must_check_;
int nim_update(struct nim_request *r, struct err *err) _must_check_;
int nim_select(struct nim_request *r, struct err *err) _must_check_;
int nim_showres(struct nim_request *r, struct err *err) _must_check_;
int nim_showlog(struct nim_request *r, struct err *err) _must_check_;

/* nim -o check of a machine, or of each machine of a group. */
int nim_check_machines(struct nim_request *r, struct err *err) _must_check_;

/* Members of groups: what define, change and select ask for; nothing is written on failure. */
int nim_group_apply(struct nim_request *r, struct err *err) _must_check_;
/* Takes a machine that goes out of all groups. */
int nim_group_forget(struct nim_request *r, struct err *err) _must_check_;

/* What `info` of an object says while it is made, so that a define after a crash knows what it finds. */
#define NIM_INFO_CREATING "is being created"
#define NIM_INFO_ADOPTING "is being taken over"
