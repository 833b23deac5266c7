/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a master asks a client for, as a list in the manifest's order:
 *
 *	nimadm-want 1 NONCE
 *	KIND PATH<NUL>
 *
 * KIND: d the file with its attributes; s the same, and the master will not keep it; a its attributes only; p a proof
 * that its content is known: the digest of the nonce and the content. The client answers with a member for each d, s and
 * a; the last member, "proofs", has a line for each p.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define WANT_PROOFS "proofs"
#define WANT_DATA   'd'
#define WANT_SECRET 's'
#define WANT_ATTRS  'a'
#define WANT_PROOF  'p'

void want_head(struct str *out, const char *nonce);
void want_add(struct str *out, char kind, const char *path);

struct want {
	const char *p, *end;
	uint64_t line;
	struct str nonce, path;
	char kind;
};
#define _cleanup_want_ _cleanup_(want_done)
void want_done(struct want *w);
/* The text stays the caller's. */
int want_begin(struct want *w, const char *text, size_t len, struct err *err)
	_must_check_;
/* 1: there is none. */
int want_next(struct want *w, struct err *err) _must_check_;
