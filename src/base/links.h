/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inodes with several names and a number for each: 24 bytes an inode, since a backup server has millions. */
#pragma once

#include "base/str.h"

struct link {
	uint64_t dev, ino;
	uint64_t value; /* 0: a free place */
};

struct links {
	struct link *v;
	size_t n, cap; /* cap: 0 or a power of two */
};
void links_done(struct links *l);
/* Where the inode's number is, valid until the next call: 0 where it is new, and then it must be set. */
uint64_t *links_find(struct links *l, uint64_t dev, uint64_t ino);
/* A text's hash: stands for its inode where keys are texts. Not one that an enemy could not collide. */
uint64_t links_hash(const char *text);
