/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 (libcrypto): streams, buffers, descriptors; hexadecimal form. Thread-safe. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define SHA256_LEN     32
#define SHA256_HEX_LEN 65 /* with the NUL */

struct sha256;
struct sha256 *sha256_new(void);
struct sha256 *sha256_free(struct sha256 *h); /* returns NULL */
void sha256_reset(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *data, size_t n);
void sha256_final(struct sha256 *h,
		  uint8_t digest[SHA256_LEN]); /* then reset before reuse */

void sha256_buf(const void *data, size_t n, uint8_t digest[SHA256_LEN]);
/* From the descriptor's current offset to its end. */
int sha256_fd(int fd, uint8_t digest[SHA256_LEN], struct err *err) _must_check_;
void sha256_hex(const uint8_t digest[SHA256_LEN], char hex[SHA256_HEX_LEN]);
bool sha256_parse(const char *hex,
		  uint8_t digest[SHA256_LEN]); /* 64 lower-case hex digits */
