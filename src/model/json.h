/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers around jansson, shared by all that read and write JSON. */
#pragma once

#include <jansson.h>

#include "sys/runner.h"

/*
 * Text of foreign origin (a tool's output, a file name) as a JSON string: bytes that are no UTF-8 become U+FFFD, so that
 * no event is lost for one odd byte. NULL gives null. New reference.
 */
json_t *json_text(const char *text);
/* A list of texts, and back; what is no text in it is left out. */
json_t *json_from_strv(const struct strv *v);
void json_to_strv(const json_t *array, struct strv *ret);

/* The text of a member; "" where there is none. Borrowed. */
const char *json_field(const json_t *o, const char *key);
/* A member that is a number, or a text with one, as older programs print it; 0 where there is none, or a negative one. */
uint64_t json_number(const json_t *o, const char *key);

/*
 * Runs a command that prints JSON, for at most a minute. 0: *ret is a new reference. 1: there is no such program, or it
 * failed; err tells. -1: cancelled, or what it printed is no JSON.
 */
int json_run(struct runner *run, const char *const *argv, json_t **ret, struct err *err)
	_must_check_;

static inline void json_unref_p(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(json_unref_p)
