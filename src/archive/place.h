/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making members below a directory, whatever their paths try: parents are reached without following links, nothing
 * that exists is opened or replaced. One object a thread; what they share is guarded.
 */
#pragma once

#include <pthread.h>

#include "archive/image.h"
#include "archive/spill.h"
#include "base/links.h"
#include "base/map.h"
#include "sys/dirs.h"

/* What must wait for the end: directories' extended attributes (a default ACL would act on what is made in them). */
struct place_shared {
	const struct root *target;
	bool (*want)(void *arg, const char *path); /* NULL: everything */
	void *want_arg;
	/* paths wanted for the sake of a hard link; may be NULL */
	const struct map *also;
	pthread_mutex_t lock;
	struct spill dir_xattrs;
	struct links dirs; /* hash of the path -> position in dir_xattrs, plus one */
};
void place_shared_init(struct place_shared *s, const struct root *target);
void place_shared_done(struct place_shared *s);

struct place {
	struct place_shared *shared;
	struct dirs dirs;
	int fd; /* of the file being written */
};
void place_init(struct place *p, struct place_shared *shared);
void place_done(struct place *p);
/* A sink for segment_read; its arg is a struct place. */
struct member_sink place_sink(struct place *p);
/* What must wait until all files are there: hard links; then owner, mode, attributes and time of directories; then inode
 * flags of everything. With a `want`: the wanted hard links only. */
int place_finish(struct place *p, const struct mksysb *m, struct err *err) _must_check_;
