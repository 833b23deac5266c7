/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Content digests of files without and with holes. */
#include "model/digest.h"

#include <endian.h>
#include <errno.h>
#include <unistd.h>

#define READ_CHUNK ((size_t)256 << 10)

void digest_init(struct digest *d)
{
	memset(d, 0, sizeof(*d));
	d->sha = sha256_new();
}

void digest_done(struct digest *d)
{
	d->sha = sha256_free(d->sha);
}

void digest_begin(struct digest *d, char type, uint64_t size)
{
	sha256_reset(d->sha);
	d->blocks = type == 's';
	d->size = size;
	d->number = 0;
	d->filled = false;
}

static void add_block(struct digest *d, uint64_t number, const uint8_t *p)
{
	uint64_t start = number * DIGEST_BLOCK, le = htole64(number);
	size_t n = (size_t)MIN((uint64_t)DIGEST_BLOCK, d->size - start);

	/* All zero: the first byte is, and each equals the next. */
	if (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0)
		return;
	sha256_update(d->sha, &le, sizeof(le));
	sha256_update(d->sha, p, n);
}

static void flush(struct digest *d)
{
	if (d->filled)
		add_block(d, d->number, d->block);
	d->filled = false;
}

void digest_feed(struct digest *d, uint64_t off, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	if (!d->blocks) {
		sha256_update(d->sha, p, n);
		return;
	}
	while (n > 0) {
		uint64_t number = off / DIGEST_BLOCK;
		size_t at = off % DIGEST_BLOCK, some = MIN(n, DIGEST_BLOCK - at);

		if (d->filled && d->number != number)
			flush(d);
		if (some == DIGEST_BLOCK) {
			add_block(d, number, p);
		} else {
			if (!d->filled)
				memset(d->block, 0, sizeof(d->block));
			memcpy(d->block + at, p, some);
			d->filled = true;
			d->number = number;
		}
		p += some;
		off += some;
		n -= some;
	}
}

void digest_end(struct digest *d, char hex[SHA256_HEX_LEN])
{
	uint8_t sum[SHA256_LEN];

	flush(d);
	sha256_final(d->sha, sum);
	sha256_hex(sum, hex);
}

int digest_file(struct digest *d, int fd, char type, uint64_t size,
		const struct str *nonce, char hex[SHA256_HEX_LEN])
{
	_cleanup_free_ uint8_t *data = xmalloc(READ_CHUNK);
	off_t end = (off_t)size;

	digest_begin(d, type, size);
	if (nonce)
		sha256_update(d->sha, nonce->p, nonce->len);
	for (off_t at = 0; at < end;) {
		off_t start = type == 's' ? lseek(fd, at, SEEK_DATA) : at;
		if (start < 0 || start >= end)
			break;
		ssize_t n = pread(fd, data, (size_t)MIN((off_t)READ_CHUNK, end - start),
				  start);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n < 0 ? errno : ESTALE;
			return -1;
		}
		digest_feed(d, (uint64_t)start, data, (size_t)n);
		at = start + n;
	}
	digest_end(d, hex);
	return 0;
}
