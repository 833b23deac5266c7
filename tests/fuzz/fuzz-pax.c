/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of an image: what is read is written and read again as the same; the maps of holes stay inside the file. */
#include "fuzz.h"

#include "archive/pax.h"

/* The text before a '|' is the path of the member that the rest is about; see below. */
const char *const fuzz_seeds[] = {
	"etc/passwd|content",
	"a/b|",
	"\3777\200\201x|y",
	"5\n0\n512\n1024\n512\n1048576\n0\n2097152\n1\n3145727\n1\n",
	"0\n",
	NULL
};

static void read_any(const uint8_t *data, size_t size)
{
	_cleanup_member_ struct member m = { 0 };
	struct err err = { 0 };
	size_t len = 0;

	int rc = pax_read(data, size, &m, &len, &err);
	PROMISE((rc < 0) == (err.kind != ERR_NONE));
	if (rc == 0)
		PROMISE(len > 0 && len <= size && len % 512 == 0);
	m.size = 1 << 22;
	err_clear(&err);
	member_reset(&m);
	m.type = 's';
	m.size = 1 << 22;
	m.stored = size;
	rc = pax_read_map(data, size, &m, &len, &err);
	PROMISE((rc < 0) == (err.kind != ERR_NONE));
	for (size_t i = 0; rc == 0 && i < m.n_map; i++) {
		PROMISE(m.map[i].off <= m.size && m.map[i].len <= m.size - m.map[i].off);
		PROMISE(i == 0 || m.map[i].off >= m.map[i - 1].off + m.map[i - 1].len);
	}
}

/* A header of ours with a few bytes changed at places that the input names: far closer to a header than noise. */
static void read_damaged(const uint8_t *data, size_t size)
{
	_cleanup_member_ struct member m = { .type = 'f', .mode = 0644, .size = 100000 };
	_cleanup_member_ struct member back = { 0 };
	struct buf out = { 0 };
	struct err err = { 0 };
	size_t len = 0;

	const uint8_t *bar = size > 0 ? memchr(data, '|', size) : NULL;
	size_t name = bar ? (size_t)(bar - data) : 0;
	if (name == 0 || name > 200 || memchr(data, '\0', name))
		return;
	str_addn(&m.path, data, name);
	m.sec = name * 1000003;
	m.nsec = (uint32_t)(name * 4999999 % 1000000000);
	pax_write(&m, &out);
	int rc = pax_read((const uint8_t *)out.p, out.len, &back, &len, &err);
	/* Names with dots and needless slashes are not written as they are. */
	bool plain = !memchr(data, '.', name) && data[0] != '/' &&
		     data[name - 1] != '/' && !strstr(str_c(&m.path), "//");
	PROMISE(rc == 0 || !plain);
	if (rc == 0 && plain) {
		PROMISE(streq(str_c(&back.path), str_c(&m.path)) && back.size == m.size);
		PROMISE(back.sec == m.sec && back.nsec == m.nsec && back.mode == m.mode);
	}
	for (size_t i = name; i + 2 < size; i += 3)
		((uint8_t *)out.p)[((size_t)data[i] << 8 | data[i + 1]) % out.len] =
			data[i + 2];
	read_any((const uint8_t *)out.p, out.len);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_any(data, size);
	read_damaged(data, size);
	return 0;
}
