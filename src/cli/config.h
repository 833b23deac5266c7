/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/nimadm.conf: "key = value" lines, '#' and ';' comments, and the one section [nimadm], which may be left out.
 */
#pragma once

#include "base/err.h"
#include "base/map.h"

#define CONFIG_DEFAULT_PATH "/etc/nimadm.conf"

struct config {
	struct map *values; /* NULL while nothing is read */
};
#define CONFIG_INIT                                                                      \
	{                                                                                \
		NULL                                                                     \
	}
void config_done(struct config *c);
/* `path` NULL: the default path, which may be missing. ERR_USAGE "FILE: line N: cause". */
int config_read(struct config *c, const char *path, struct err *err) _must_check_;
int config_parse(struct config *c, const char *label, char *text, struct err *err)
	_must_check_;						 /* cuts `text` up */
const char *config_get(const struct config *c, const char *key); /* NULL: not set */
/* The default when it is not set. */
uint64_t config_get_number(const struct config *c, const char *key, uint64_t def);
bool config_get_bool(const struct config *c, const char *key, bool def);
