/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the phases that -P asks for. */
#include "engine/selection.h"

#include "base/parse.h"
#include "base/strv.h"

#define LAST_PHASE (PHASE_COUNT - 1)

struct selection selection_all(void)
{
	struct selection s = { .all = true };

	for (int p = 0; p < PHASE_COUNT; p++)
		s.on[p] = true;
	return s;
}

static int bad(const char *word, struct err *err)
{
	err_set(err, ERR_USAGE, "-P: '%s' is no phase", word);
	return err_remedy(
		err,
		"phases are 1 to %d (0: the pre-flight): -P 5, -P 4-8, -P 1,2,3, "
		"-P all",
		LAST_PHASE);
}

static int parse_word(struct selection *s, char *word, struct err *err)
{
	_cleanup_free_ char *shown = xstrdup(word);
	char *dash = strchr(word, '-');
	uint64_t from, to;

	if (dash)
		*dash = '\0';
	if (parse_u64(word, &from, NULL) < 0)
		return bad(shown, err);
	to = from;
	if (dash && parse_u64(dash + 1, &to, NULL) < 0)
		return bad(shown, err);
	if (from > LAST_PHASE || to > LAST_PHASE)
		return bad(shown, err);
	if (from > to) {
		err_set(err, ERR_USAGE, "-P: the range '%s' runs backwards", shown);
		return err_remedy(err, "-P %d-%d", (int)to, (int)from);
	}
	for (uint64_t p = from; p <= to; p++)
		s->on[p] = true;
	return 0;
}

int selection_parse(struct selection *ret, const char *text, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	struct selection s = { 0 };

	if (streq(text, "all")) {
		*ret = selection_all();
		return 0;
	}
	strv_split(&words, text, ", \t");
	if (words.n == 0)
		return bad(text, err);
	for (size_t i = 0; i < words.n; i++) {
		if (parse_word(&s, words.v[i], err) < 0)
			return -1;
	}
	*ret = s;
	return 0;
}
