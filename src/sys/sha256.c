/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 by libcrypto's EVP interface, which picks the processor's own instructions. */
#include "sys/sha256.h"

#include <errno.h>
#include <openssl/evp.h>

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* libcrypto fails here for lack of memory only, or when it was built without SHA-256. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

struct sha256 *sha256_new(void)
{
	struct sha256 *h = xcalloc(1, sizeof(*h));

	h->ctx = EVP_MD_CTX_new();
	must(h->ctx != NULL);
	sha256_reset(h);
	return h;
}

struct sha256 *sha256_free(struct sha256 *h)
{
	if (h)
		EVP_MD_CTX_free(h->ctx);
	free(h);
	return NULL;
}

void sha256_reset(struct sha256 *h)
{
	must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
}

void sha256_update(struct sha256 *h, const void *data, size_t n)
{
	must(EVP_DigestUpdate(h->ctx, data, n));
}

void sha256_final(struct sha256 *h, uint8_t digest[SHA256_LEN])
{
	must(EVP_DigestFinal_ex(h->ctx, digest, NULL));
}

void sha256_buf(const void *data, size_t n, uint8_t digest[SHA256_LEN])
{
	must(EVP_Digest(data, n, digest, NULL, EVP_sha256(), NULL));
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
