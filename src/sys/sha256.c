/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-256 by libcrypto, which picks the processor's own instructions. Its plain functions rather than EVP: those bring
 * all of its providers into the static client program (5 MiB), and look an algorithm up for each file.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sys/sha256.h"

#include <errno.h>
#include <openssl/sha.h>

struct sha256 {
	SHA256_CTX ctx;
};

/* The plain functions have no way to fail. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

struct sha256 *sha256_new(void)
{
	struct sha256 *h = xcalloc(1, sizeof(*h));

	sha256_reset(h);
	return h;
}

struct sha256 *sha256_free(struct sha256 *h)
{
	free(h);
	return NULL;
}

void sha256_reset(struct sha256 *h)
{
	must(SHA256_Init(&h->ctx));
}

void sha256_update(struct sha256 *h, const void *data, size_t n)
{
	must(SHA256_Update(&h->ctx, data, n));
}

void sha256_final(struct sha256 *h, uint8_t digest[SHA256_LEN])
{
	must(SHA256_Final(digest, &h->ctx));
}

void sha256_buf(const void *data, size_t n, uint8_t digest[SHA256_LEN])
{
	struct sha256 h;

	sha256_reset(&h);
	sha256_update(&h, data, n);
	sha256_final(&h, digest);
}

static void sha256_free_p(struct sha256 **h)
{
	sha256_free(*h);
}

int sha256_fd(int fd, uint8_t digest[SHA256_LEN], struct err *err)
{
	enum { CHUNK = 128 * 1024 };
	_cleanup_(sha256_free_p) struct sha256 *h = sha256_new();
	_cleanup_free_ char *buf = xmalloc(CHUNK);

	for (;;) {
		ssize_t n = read(fd, buf, CHUNK);
		if (n == 0)
			break;
		if (n > 0)
			sha256_update(h, buf, (size_t)n);
		else if (errno != EINTR)
			return err_set_errno(err, ERR_OPERATOR, "cannot read");
	}
	sha256_final(h, digest);
	return 0;
}

void sha256_hex(const uint8_t digest[SHA256_LEN], char hex[SHA256_HEX_LEN])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_LEN; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[SHA256_HEX_LEN - 1] = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool sha256_parse(const char *hex, uint8_t digest[SHA256_LEN])
{
	uint8_t parsed[SHA256_LEN];

	for (size_t i = 0; i < SHA256_LEN; i++) {
		int high = nibble(hex[2 * i]);
		int low = high < 0 ? -1 : nibble(hex[2 * i + 1]);
		if (low < 0)
			return false;
		parsed[i] = (uint8_t)(high << 4 | low);
	}
	if (hex[SHA256_HEX_LEN - 1] != '\0')
		return false;
	memcpy(digest, parsed, sizeof(parsed));
	return true;
}
