/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves apt's source lists to another release, as text: comments, options, order and blanks stay.
 *
 * Debian's own entries are moved (security naming, non-free-firmware); what is not Debian's is kept but disabled.
 * Pure functions without files.
 */
#pragma once

#include "base/err.h"
#include "base/strv.h"

enum sources_origin { SOURCES_UNKNOWN, SOURCES_DEBIAN, SOURCES_OTHER };

struct sources_move {
	const char *from, *to; /* codenames */
	bool add_firmware; /* the target has non-free split in two, the old release not */
	/* What the client's own verified index of that archive says; SOURCES_UNKNOWN: there is none. May be NULL. */
	enum sources_origin (*origin)(void *arg, const char *uri, const char *suite);
	void *arg;
};

/* One of these lines for each entry that was looked at: "deb https://... bookworm main". */
struct sources_result {
	struct strv moved, disabled; /* the entry as it was, one line */
	struct strv why;	     /* for each of `disabled` */
	struct strv kept; /* of Debian, and right as it is: already the target's */
};
#define SOURCES_RESULT_INIT                                                              \
	{                                                                                \
		STRV_INIT, STRV_INIT, STRV_INIT, STRV_INIT                               \
	}
void sources_result_done(struct sources_result *r);
#define _cleanup_sources_ _cleanup_(sources_result_done)

/* sources.list(5), one-line form. Lines that are no entries are kept as they are. */
void sources_move_list(const struct sources_move *m, const char *text, size_t len,
		       struct str *out, struct sources_result *res);
/* deb822 form; `label` names the file in messages. -1: malformed, nothing to be relied on in *out. */
int sources_move_deb822(const struct sources_move *m, const char *label, const char *text,
			size_t len, struct str *out, struct sources_result *res,
			struct err *err) _must_check_;
/* apt_preferences(5): records that pin the old release by name become comments; each is told in *ret (its Pin: line). */
int sources_drop_pins(const struct sources_move *m, const char *label, const char *text,
		      size_t len, struct str *out, struct strv *ret, struct err *err)
	_must_check_;
