/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of what is wanted: writer and a strict reader. */
#include "model/want.h"

#include "model/manifest.h"
#include "sys/sha256.h"

#define HEAD "nimadm-want 1 "

void want_head(struct str *out, const char *nonce)
{
	str_addf(out, HEAD "%s\n", nonce);
}

void want_add(struct str *out, char kind, const char *path)
{
	str_addc(out, kind);
	str_addc(out, ' ');
	str_add(out, path);
	str_addc(out, '\0');
	str_addc(out, '\n');
}

void want_done(struct want *w)
{
	str_done(&w->nonce);
	str_done(&w->path);
}

static int bad(const struct want *w, struct err *err)
{
	return err_set(err, ERR_OPERATOR, "the list of wanted files: line %llu is broken",
		       (unsigned long long)w->line + 1);
}

int want_begin(struct want *w, const char *text, size_t len, struct err *err)
{
	const char *end = len > 0 ? memchr(text, '\n', len) : NULL;
	size_t head = strlen(HEAD);
	uint8_t unused[SHA256_LEN];

	*w = (struct want){ 0 };
	if (!end || (size_t)(end - text) != head + SHA256_HEX_LEN - 1 ||
	    memcmp(text, HEAD, head) != 0)
		return bad(w, err);
	str_addn(&w->nonce, text + head, SHA256_HEX_LEN - 1);
	if (!sha256_parse(w->nonce.p, unused))
		return bad(w, err);
	w->p = end + 1;
	w->end = text + len;
	w->line = 1;
	return 0;
}

int want_next(struct want *w, struct err *err)
{
	if (w->p == w->end)
		return 1;
	const char *nul = w->end - w->p < 5
				  ? NULL
				  : memchr(w->p + 2, '\0', (size_t)(w->end - w->p) - 2);
	if (!nul || nul + 1 == w->end || nul[1] != '\n' || w->p[1] != ' ' ||
	    !memchr("dsap", w->p[0], 4) ||
	    !manifest_path_is_safe(w->p + 2, (size_t)(nul - w->p) - 2))
		return bad(w, err);
	w->kind = w->p[0];
	str_reset(&w->path);
	str_addn(&w->path, w->p + 2, (size_t)(nul - w->p) - 2);
	w->p = nul + 2;
	w->line++;
	return 0;
}
