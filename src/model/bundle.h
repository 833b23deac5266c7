/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * installp_bundle files: one package a line, '#' comments. A name may carry an architecture ("libc6:i386") and, as the
 * original's bundles have it, an "I:" before it.
 */
#pragma once

#include "base/err.h"
#include "base/strv.h"

/* Whether it can be the name of a package, with or without an architecture. */
bool bundle_is_package(const char *name);
/* Adds the names to `ret`. ERR_OPERATOR "label: line N: cause". */
int bundle_parse(struct strv *ret, const char *label, const char *text, size_t len,
		 struct err *err) _must_check_;
