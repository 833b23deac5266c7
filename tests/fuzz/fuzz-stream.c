/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of members: whatever comes through the pipe ends within its limit, and no data lies outside its file. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "archive/stream.h"
#include "sys/files.h"

#define LIMIT ((uint64_t)4 << 20)

const char *const fuzz_seeds[] = { "etc/passwd|content", "a|", "x/y/z|\001\002|\003",
				   NULL };

struct extent_check {
	uint64_t size;
};

static int take(void *arg, uint64_t off, const void *p, size_t n, struct err *err)
{
	const struct extent_check *k = arg;

	PROMISE(n > 0 && off <= k->size && n <= k->size - off);
	return 0;
}

static void read_all(int fd)
{
	_cleanup_stream_in_ struct stream_in in = { 0 };
	_cleanup_member_ struct member m = { 0 };
	struct err err = { 0 };
	int rc;

	PROMISE(lseek(fd, 0, SEEK_SET) == 0);
	PROMISE(stream_in_begin(&in, fd, LIMIT, &err) == 0);
	while ((rc = stream_in_next(&in, &m, &err)) == 0) {
		struct extent_check k = { m.size };
		if ((m.type == 'f' || m.type == 's') &&
		    stream_in_data(&in, &m, take, &k, &err) < 0)
			break;
	}
	PROMISE((rc == 1) == (err.kind == ERR_NONE));
}

/* A stream of ours with the text before '|' as path and the rest as content, then bytes of it changed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("stream", MFD_CLOEXEC);
	_cleanup_stream_out_ struct stream_out out = { 0 };
	struct err err = { 0 };
	const uint8_t *bar = size > 0 ? memchr(data, '|', size) : NULL;

	PROMISE(fd >= 0 && files_pwrite_all(fd, data, size, 0) == 0);
	read_all(fd);
	if (!bar || bar == data || memchr(data, '\0', (size_t)(bar - data)))
		return 0;
	_cleanup_free_ char *name = xstrndup((const char *)data, (size_t)(bar - data));
	PROMISE(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	PROMISE(stream_out_begin(&out, fd, &err) == 0);
	PROMISE(stream_out_text(&out, name, (const char *)bar,
				size - (size_t)(bar - data), &err) == 0);
	PROMISE(stream_out_end(&out, &err) == 0);
	read_all(fd);
	uint64_t end = out.packed_bytes;
	for (size_t i = 0; i + 2 < size; i += 3)
		PROMISE(files_pwrite_all(fd, data + i + 2, 1,
					 ((uint64_t)data[i] << 8 | data[i + 1]) % end) ==
			0);
	read_all(fd);
	return 0;
}
