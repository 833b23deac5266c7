/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stanza files: whatever parses is written so that it reads back the same. */
#include "fuzz.h"

#include "base/stanza.h"

const char *const fuzz_seeds[] = {
	"image_data:\n    IMAGE_TYPE= bff # c\n    DATE_TIME= Mon Nov 23\n\nlv_data:\n    A=\n",
	"x:\n\tq= \"a \\\"b\\\\ # \\n\"  # tail\r\n\ty=b#c\nx:\n",
	NULL,
};

static void same(const struct stanza_file *a, const struct stanza_file *b)
{
	PROMISE(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		PROMISE(streq(a->stanzas[i].name, b->stanzas[i].name));
		PROMISE(a->stanzas[i].n == b->stanzas[i].n);
		for (size_t k = 0; k < a->stanzas[i].n; k++) {
			const struct stanza_entry *x = &a->stanzas[i].entries[k];
			const struct stanza_entry *y = &b->stanzas[i].entries[k];
			PROMISE(streq(x->key, y->key) && streq(x->value, y->value));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_stanza_file_ struct stanza_file a = STANZA_FILE_INIT,
						 b = STANZA_FILE_INIT;
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	if (stanza_parse(&a, "input", (const char *)data, size, &err) < 0) {
		PROMISE(err.kind == ERR_OPERATOR && starts_with(err.msg, "input: "));
		return 0;
	}
	PROMISE(err.kind == ERR_NONE);
	stanza_write(&a, &text);
	PROMISE(stanza_parse(&b, "copy", str_c(&text), text.len, &err) == 0);
	same(&a, &b);
	return 0;
}
