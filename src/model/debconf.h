/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debconf's database of answers, a stanza each: "Name: ", "Template: ", perhaps "Value: ", "Owners: ", "Flags: ". Source of the
 * form: debconf's Debconf::DbDriver::File with Format::822. It holds megabytes; only the stanza of a question is read.
 */
#pragma once

#include "base/str.h"

#define DEBCONF_DATABASE "/var/cache/debconf/config.dat"

/* Whether somebody has asked the question. */
bool debconf_has(const struct str *text, const char *question);
/* The answer, malloc'd; "" where there is none. */
char *debconf_get(const struct str *text, const char *question) _must_check_;
/* Sets the answer; a question that nobody has asked is added as one of `owner`'s. Returns whether the text has changed. */
bool debconf_put(struct str *text, const char *question, const char *owner,
		 const char *value);
