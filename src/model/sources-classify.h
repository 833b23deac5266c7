/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose archive an entry of a source list names, and its suite in the target release.. */
#pragma once

#include "model/sources.h"

enum sources_verdict { SOURCES_MOVE, SOURCES_KEEP, SOURCES_DISABLE };

/* `why`, for SOURCES_DISABLE: constant text. All `suites` share the `components` and `uris`. */
enum sources_verdict sources_classify(const struct sources_move *m,
				      const struct strv *uris, const struct strv *suites,
				      const struct strv *components,
				      const char **ret_why);
/* "bookworm-security" -> "trixie-security", "bullseye/updates" -> ...; malloc'd; NULL: no suite of the old release. */
char *sources_suite(const struct sources_move *m, const char *suite);
/* Names the old release itself: by codename, or as "oldstable"; "stable" does not, it moves along. */
bool sources_names_old(const struct sources_move *m, const char *suite);
