/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SHA-256 of a file's content as the manifest has it.
 *
 * Type f: of the bytes. Type s (with holes): of its blocks of 4096 bytes that are not all zero, each as its number
 * (8 bytes, little-endian) and its bytes (the last one may be short). So a terabyte of hole costs nothing, and where
 * exactly a file system has its holes does not matter.
 */
#pragma once

#include "sys/sha256.h"

#define DIGEST_BLOCK 4096

struct digest {
	struct sha256 *sha;
	bool blocks;
	uint64_t size;
	uint64_t number; /* of `block` */
	bool filled;
	uint8_t block[DIGEST_BLOCK];
};
#define _cleanup_digest_ _cleanup_(digest_done)
void digest_init(struct digest *d);
void digest_done(struct digest *d);
void digest_begin(struct digest *d, char type, uint64_t size);
/* Offsets never go back; what is left out is zero (type s only). */
void digest_feed(struct digest *d, uint64_t off, const void *p, size_t n);
void digest_end(struct digest *d, char hex[SHA256_HEX_LEN]);
/*
 * The whole content of an open file; holes are skipped where the type allows it. With `nonce` in front: what only
 * somebody who has the content can tell. -1 and errno; ESTALE: it is shorter than `size`.
 */
int digest_file(struct digest *d, int fd, char type, uint64_t size,
		const struct str *nonce, char hex[SHA256_HEX_LEN]) _must_check_;
