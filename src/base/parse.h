/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict parsing of numbers, sizes, words for yes and no, and hosts. All return 0 or -1 and fill *err. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Just `n` digits of this base (up to 10), no sign, no blank; false also where the number does not fit. */
bool parse_digits(const char *p, size_t n, unsigned base, uint64_t *ret);
bool parse_digits32(const char *p, size_t n, unsigned base, uint32_t *ret);
int parse_u64(const char *s, uint64_t *ret, struct err *err) _must_check_;
int parse_i64(const char *s, int64_t *ret, struct err *err) _must_check_;
/* "512", "10K", "4M", "2G", "1T": powers of 1024; bytes. */
int parse_size(const char *s, uint64_t *ret, struct err *err) _must_check_;
/* yes/no, true/false, on/off, 1/0 */
int parse_bool(const char *s, bool *ret, struct err *err) _must_check_;
/* "HOST", "HOST:PORT", "[IPV6]:PORT", "IPV6": *ret_host is malloc'd, without brackets; *ret_port is 0 where there is none. */
int parse_host(const char *s, char **ret_host, uint16_t *ret_port, struct err *err)
	_must_check_;
