/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mode B: a client's tree into a working tree on the master, and what became of it back. */
#pragma once

#include "cache/objects.h"
#include "model/event.h"
#include "phase/duct.h"

struct nfs_known;
struct cached {
	struct runner *run;  /* on the client */
	const char *program; /* altdisk there */
	const char *tree;    /* there: "/alt_inst" */
	/* there: where the job's manifests are kept, without their suffix */
	const char *keep;
	const struct strv *mounts; /* below `tree` */
	const char *cache;	   /* here: has objects/ */
	/* here, in the cache: the job's own; base.manifest, new.manifest, pins/ */
	const char *dir;
	const char *lower;    /* here: empty; becomes the tree */
	const char *alt_inst; /* here: what the tree has become */
	uint64_t limit;	      /* of the cache, in bytes; 0: none */
	bool copy; /* the lower tree will be written to: it must not share files with the store */
	/* what the tree at alt_inst is known to hold without being read; NULL: nothing */
	struct nfs_known *known;
	struct events *events;
};

/* What the cache object that lies in this directory may take; 0: there is none, or it does not say. */
struct store;
int cached_limit(struct store *s, const char *cache, uint64_t *ret, struct err *err)
	_must_check_;

struct cached_result {
	uint64_t files, bytes;		     /* of the tree */
	uint64_t moved_files, moved_bytes;   /* contents that went over the wire */
	uint64_t raw_bytes, packed_bytes;    /* of all streams, in both directions */
	uint64_t attributes, links, removed; /* push */
	uint64_t linked, copied;	     /* pull: how the tree was made */
};
int cached_pull(const struct cached *c, struct cached_result *ret, struct err *err)
	_must_check_;
/* Only what the tree there holds: for a push into a tree that is filled from here. */
int cached_base(const struct cached *c, struct cached_result *ret, struct err *err)
	_must_check_;
int cached_push(const struct cached *c, struct cached_result *ret, struct err *err)
	_must_check_;
/* A list of what is wanted into a file, as tree-send reads it; adds its length to *ret. */
int cached_pack_wants(const char *text, size_t len, const char *path,
		      struct cached_result *ret, struct err *err) _must_check_;
/* The pull is complete: the manifest is here, and the tree is what it says. */
int cached_verify(const struct cached *c, struct err *err) _must_check_;
