/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file on its way into an image: its metadata as a member, then its data. One object a thread. */
#pragma once

#include "archive/pax.h"
#include "archive/walk.h"
#include "model/digest.h"
#include "model/manifest.h"
#include "sys/dirs.h"

struct source {
	int fd; /* -1 where there is nothing to read */
	struct member m;
	struct digest digest;
	struct stat st;
	size_t extent;	 /* in m.map; a file without holes has one extent */
	uint64_t done;	 /* of that extent */
	bool short_read; /* it ended early: the rest is zeros */
	char sha256[SHA256_HEX_LEN];
};
#define _cleanup_source_ _cleanup_(source_done)
void source_init(struct source *s);
void source_done(struct source *s);

/* Opens what the walk saw. `most`: a file that has grown beyond it counts with the size that the walk saw.
 * 1: it is no longer there, or something else now. Errors name the path. */
int source_open(struct source *s, struct dirs *dirs, const struct walk_record *r,
		uint64_t most, struct err *err) _must_check_;
/* Appends up to `max` bytes of data; 1: all is there. Closes nothing. */
int source_read(struct source *s, struct buf *out, size_t max, struct err *err)
	_must_check_;
/* Closes, fills s->sha256, adds the manifest's line. Returns what to note about the file, or NULL. */
const char *source_close(struct source *s, struct str *manifest);
