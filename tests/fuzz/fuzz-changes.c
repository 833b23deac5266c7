/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two manifests, with a NUL between them, side by side: each path comes once, in order; and lists of wanted files. */
#include "fuzz.h"

#include "model/changes.h"
#include "model/want.h"

#define HEAD(n)                                                                          \
	"nimadm-manifest 1 members=0000000000000000000" n                                \
	" bytes=00000000000000000005 length=00000000000000001000\n"
#define SHA "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

const char *const fuzz_seeds[] = {
	HEAD("2") "d 0755 0 0 1.000000001 0 - 0123456789abcdef - .\n"
		  "f 4755 1 2 -3.500000000 5 " SHA " - ia a\n"
		  "|" HEAD("1") "f 4755 1 2 -3.500000000 5 " SHA " - ia a\n",
	HEAD("2") "f 0644 0 0 0.000000000 5 " SHA " - - a\n"
		  "h 0644 0 0 0.000000000 0 - - - b a\n"
		  "|" HEAD("2") "f 0644 0 0 0.000000000 6 " SHA " - - a\n"
				"h 0644 0 0 0.000000000 0 - - - b a\n",
	"nimadm-want 1 " SHA "\nd a\n",
	NULL,
};

static void read_wants(const uint8_t *data, size_t size)
{
	_cleanup_want_ struct want w = { 0 };
	struct err err = { 0 };
	int rc;

	if (want_begin(&w, (const char *)data, size, &err) < 0)
		return;
	while ((rc = want_next(&w, &err)) == 0)
		PROMISE(manifest_path_is_safe(w.path.p, w.path.len));
	PROMISE(rc == 1 || err.kind == ERR_OPERATOR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_changes_ struct changes c = { 0 };
	_cleanup_str_ struct str before = STR_INIT;
	const uint8_t *bar = size > 0 ? memchr(data, '|', size) : NULL;
	const struct manifest_entry *e;
	enum change_kind kind;
	struct err err = { 0 };
	int rc;

	read_wants(data, size);
	if (!bar)
		return 0;
	_cleanup_free_ char *text = xmalloc(size);
	memcpy(text, data, size);
	size_t n = (size_t)(bar - data);
	const struct manifest_map old = { text, n },
				  new_one = { text + n + 1, size - n - 1 };
	if (changes_begin(&c, &old, &new_one, &err) < 0)
		return 0;
	while ((rc = changes_next(&c, &kind, &e, &err)) == 0) {
		PROMISE(strcmp(str_c(&before), str_c(&e->path)) < 0);
		str_reset(&before);
		str_add(&before, str_c(&e->path));
	}
	PROMISE((rc < 0) == (err.kind != ERR_NONE));
	return 0;
}
