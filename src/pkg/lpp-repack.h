/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Debian archive in the form that unpacks fastest. Thread-safe. */
#pragma once

#include "base/err.h"

/*
 * Writes `to`: the archive `from` with each member that is compressed with xz, bzip2, lzma or gzip compressed with zstd
 * instead; a tar stream inside is the same byte for byte. 1: nothing to gain (already zstd or not compressed), `to` is
 * not written. Needs a dpkg that reads zstd (Debian 12 and later). Memory: that of one xz and one zstd stream.
 */
int lpp_repack(const char *from, const char *to, struct err *err) _must_check_;
