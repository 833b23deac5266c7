/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One job's pull from a client: which contents of its manifest are missing, their arrival, and the tree made of them.
 *
 * The job's own directory (pins) has a hard link to every object that its manifest names: those that the store had, and
 * what has arrived. So nothing that it needs can go, and after a crash the pull goes on with what is there.
 *
 * What a client says is checked, for others live from the store: contents against their SHA-256 before they get a name; that
 * it has a content which it only names, by a proof (model/want.h); what not everybody may read on the client
 * never gets into the store.
 */
#pragma once

#include "base/links.h"
#include "cache/objects.h"
#include "model/digest.h"
#include "model/manifest-file.h"
#include "model/want.h"
#include "sys/dirs.h"
#include "sys/root.h"
#include "sys/xattrs.h"

struct pull {
	const struct objects *store;
	char *dir; /* of the pins */
	int fd;
	struct manifest_map manifest, wants;
	struct manifest_walk walk; /* up to the entry of the wanted path */
	struct want want;
	struct str nonce;
	struct digest digest;
	uint64_t budget; /* bytes that may still be written for this job */
	int file;	 /* being received; -1: none */
	const struct xattrs *xattrs;
};
#define PULL_INIT                                                                        \
	{                                                                                \
		.fd = -1, .budget = UINT64_MAX, .file = -1                               \
	}
#define _cleanup_pull_ _cleanup_(pull_done)
/* `pins` lies on the store's file system; it is made, or taken as an earlier run of the job left it. */
int pull_open(struct pull *p, const struct objects *store, const char *pins,
	      const char *manifest, struct err *err) _must_check_;
void pull_done(struct pull *p);

struct pull_plan {
	uint64_t files, bytes;		     /* in the manifest, and their contents */
	uint64_t wanted_files, wanted_bytes; /* to be sent */
	uint64_t proofs;
};
/* Pins what the store has and writes the list of the rest to the file `wants`. Refuses manifests that no tree has. */
int pull_want(struct pull *p, const char *wants, struct pull_plan *ret, struct err *err)
	_must_check_;
/*
 * Whether it fits: into the file system, and, with what running jobs use, into `limit` bytes (0: none). From here on that
 * bounds what is written, whatever the client sends.
 */
int pull_check_room(struct pull *p, const struct pull_plan *plan, uint64_t limit,
		    struct err *err) _must_check_;

/* --- the answers, in the order of the list --- */
/* The next member to come: *ret is its entry in the manifest, *ret_data whether it has its content. 1: only proofs. */
int pull_next(struct pull *p, const struct manifest_entry **ret, bool *ret_data,
	      struct err *err) _must_check_;
/* Its extended attributes; borrowed until pull_end. */
int pull_begin(struct pull *p, const struct xattrs *x, struct err *err) _must_check_;
/* Content; fits stream_data_fn. */
int pull_data(void *arg, uint64_t off, const void *bytes, size_t n, struct err *err);
int pull_end(struct pull *p, struct err *err) _must_check_;
/* All proofs at once, as they came. */
int pull_prove(struct pull *p, const char *text, size_t len, struct err *err)
	_must_check_;
/* Everything has arrived: what others may have too goes into the store, once it is on the disk. */
int pull_keep(struct pull *p, struct err *err) _must_check_;

/* --- build.c --- */
struct build_result {
	uint64_t linked, copied; /* files: names of objects, and copies of them */
	uint64_t copied_bytes;
};
/*
 * Makes the manifest's tree in an empty directory. `link`: files may be names of objects; else, and where attributes
 * differ or a content is there twice, they are copies (which share blocks where the file system can). Who writes into the
 * tree itself must not link.
 */
int build_tree(struct pull *p, const struct root *tree, bool link,
	       const struct progress *progress, struct build_result *ret, struct err *err)
	_must_check_;

/* Pins of an entry, for the parts of this service. */
void pull_pin_name(const struct manifest_entry *e, char ret[OBJECT_NAME_LEN]);
/* The extended attributes with this digest, as they came. */
int pull_xattrs(const struct pull *p, const char *digest, struct xattrs *ret,
		struct err *err) _must_check_;
bool pull_has_content(const struct manifest_entry *e);
