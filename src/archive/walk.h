/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk before the data: decides what goes into an image and in which order, so that the space for the head is known
 * before the first byte is written. Paths go to a list on disk; in memory are only the directories still to be visited
 * and the inodes with several names.
 */
#pragma once

#include "archive/mksysb.h"
#include "archive/spill.h"

struct walk {
	struct spill members; /* records in the archive's order */
	uint64_t n_members, bytes;
	uint64_t text_max; /* what the manifest's lines can need */
	/* Told about what is left out: sockets. */
	void (*note)(void *arg, const char *path, const char *what);
	void *note_arg;
	/* These inodes are not taken: the image being written and the one that it replaces. */
	struct {
		uint64_t dev, ino;
	} own[2];
	size_t n_own;
};
#define _cleanup_walk_ _cleanup_(walk_done)
void walk_done(struct walk *w);
int walk_run(struct walk *w, const struct mksysb_write *job, const char *beside,
	     const struct progress *p, struct err *err) _must_check_;

/* One record as the walk saw it; the texts are borrowed until the next call. */
struct walk_record {
	char type; /* f d l h c b p */
	uint64_t size;
	const char *path, *target; /* target: of h, the name that came first */
};
/* After walk_run. 1: the end. */
int walk_next(struct spill *s, struct walk_record *r, struct err *err) _must_check_;
