/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest in bounded memory: each worker sorts what it has gathered and appends it to a nameless file; at the end
 * these runs are merged. Of a file with several names, the first in this order is the file and the others are links, so
 * two copies of one tree have one manifest.
 */
#pragma once

#include <pthread.h>

#include "model/manifest.h"
#include "sys/sha256.h"

#define SORTED_NO_LINK UINT32_MAX

/* A sorted run. */
struct run {
	uint64_t off, len;
};
struct sorted {
	pthread_mutex_t lock;
	int fd; /* -1: no manifest is wanted */
	uint64_t size;
	struct run *runs;
	size_t n_runs;
};
struct sorted_buf {
	struct str text; /* records */
	size_t n;
};
int sorted_open(struct sorted *l, const char *dir, struct err *err) _must_check_;
void sorted_done(struct sorted *l);
/* `link`: number of a file with several names, whose line is asked for later (`line` is not used), or SORTED_NO_LINK. */
int sorted_add(struct sorted *l, struct sorted_buf *b, const char *path, const char *line,
	       uint32_t link, struct err *err) _must_check_;
int sorted_flush(struct sorted *l, struct sorted_buf *b, struct err *err) _must_check_;

/* Who knows the lines of files with several names: any of their names' line, malloc'd. */
struct sorted_links {
	int (*line)(void *arg, uint32_t link, char **ret, struct err *err);
	void *arg;
	size_t n;
};
int sorted_write(struct sorted *l, const struct sorted_links *links, const char *manifest,
		 char digest[SHA256_HEX_LEN], struct err *err) _must_check_;
