/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table at an image's end: a table of ours reads back; damage is refused or missed by nobody. */
#include "fuzz.h"

#include "archive/table.h"

const char *const fuzz_seeds[] = { "\1", "\5abcdefgh", "\20 some frames and 7 damages",
				   NULL };

static void parse_any(const void *data, size_t size, uint64_t length)
{
	_cleanup_table_ struct table t = { 0 };
	struct err err = { 0 };

	int rc = table_parse(&t, data, size, length, &err);
	PROMISE((rc < 0) == (err.kind != ERR_NONE));
	for (size_t i = 0; rc == 0 && i < t.n; i++)
		PROMISE(t.v[i].offset <= length &&
			t.v[i].packed <= length - t.v[i].offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_table_ struct table t = { 0 };
	_cleanup_str_ struct str text = STR_INIT;
	uint64_t length = 0;

	parse_any(data, size, size);
	parse_any(data, size, UINT64_MAX);
	/* One of ours, with as many frames as the first byte says, then damaged by the rest. */
	for (size_t i = 0; size > 0 && i < data[0] % 20u + 1u; i++) {
		struct frame f = { .packed = 1000,
				   .raw = 5120,
				   .flags = i == 0 ? FRAME_HEAD : FRAME_START };
		f.members = i > 0;
		table_add(&t, &f);
		length += f.packed;
	}
	if (t.n == 0)
		return 0;
	table_write(&t, &text);
	length += text.len;
	for (size_t i = 1; i + 2 < size; i += 3)
		text.p[((size_t)data[i] << 8 | data[i + 1]) % text.len] =
			(char)data[i + 2];
	parse_any(text.p, text.len, length);
	return 0;
}
