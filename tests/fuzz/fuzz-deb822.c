/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control files: fields lie inside the text, line numbers grow, and the reader ends. */
#include "fuzz.h"

#include "model/deb822.h"
#include "model/version.h"

const char *const fuzz_seeds[] = {
	"Package: a\nVersion: 1:2.0-3~bpo1\nDescription: x\n y\n .\n z\n\nPackage: b\nDepends: a (>= 1)\n",
	"# c\nA: 1\n# c\nB:\n\tcont\n\n\n\nC: d\r\n",
	"1:2.3~rc1-4+deb12u1",
	NULL,
};

static void read_all(const char *text, size_t size)
{
	_cleanup_deb822_ struct deb822_stanza st = DEB822_STANZA_INIT;
	struct deb822_reader r;
	struct err err = { 0 };
	size_t stanzas = 0;
	int line = 0, rc;

	deb822_init(&r, "input", text, size);
	while ((rc = deb822_next(&r, &st, &err)) > 0) {
		PROMISE(++stanzas <= size + 1);
		for (size_t i = 0; i < st.n; i++) {
			const struct deb822_field *f = &st.fields[i];
			PROMISE(f->name >= text && f->name_len > 0 &&
				f->name + f->name_len <= text + size);
			PROMISE(f->value >= text &&
				f->value + f->value_len <= text + size);
			PROMISE(f->line > line);
			line = f->line;
			_cleanup_free_ char *name = xstrndup(f->name, f->name_len);
			_cleanup_free_ char *value = deb822_dup(&st, name);
			PROMISE(value != NULL);
		}
	}
	PROMISE((rc < 0) == (err.kind != ERR_NONE));
}

/* An order: equal to itself, and turning the question turns the answer. */
static void compare(const char *text, size_t size)
{
	_cleanup_free_ char *a = xstrndup(text, size / 2);
	_cleanup_free_ char *b = xstrndup(text + size / 2, size - size / 2);
	int x = version_compare(a, b), y = version_compare(b, a);

	PROMISE(version_compare(a, a) == 0);
	PROMISE((x < 0) == (y > 0) && (x > 0) == (y < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_all((const char *)data, size);
	compare((const char *)data, size);
	return 0;
}
