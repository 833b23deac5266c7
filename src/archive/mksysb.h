/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mksysb: a system image in one file, readable by `tar --zstd`.
 *
 * A pax tar in independent zstd frames (mksysb(5) has the format): first the members image.data, bosinst.data and
 * manifest (SHA-256 per file), then the root file system at the archive's top, other file systems below their mount points.
 * The space for the head is reserved first and filled last (rest: a zstd skippable frame), a segment table and a zstd seek
 * table close the file; so writing and reading use all cores and nothing is read twice.
 */
#pragma once

#include "base/strv.h"
#include "model/event.h"
#include "model/manifest.h"
#include "sys/root.h"

struct mksysb_write {
	const struct root *root;
	const char *image_data, *bosinst_data; /* texts */
	/* grep-style patterns on "./path", as in the original */
	const struct strv *excludes;
	const struct strv *skip_mounts; /* mount points not to enter */
	bool one_file_system_set;	/* cross only into `mounts` */
	/* mount points that belong to the image, or NULL: all below root */
	const struct strv *mounts;
	/* Whether a file, or a directory and what is in it, is taken at all; NULL: everything. */
	bool (*want)(const char *path, bool is_dir);
	unsigned threads; /* 0: all cores */
	int level;	  /* zstd; 0: default */
	/* Told, in the caller's thread, about files that were left out or changed while they were read. May be NULL. */
	void (*note)(void *arg, const char *path, const char *what);
	void *note_arg;
};
/* Appears under `path` only when complete. *ret_bytes: size of the file, *ret_files: members. */
int mksysb_write(const struct mksysb_write *w, const char *path, const struct progress *p,
		 uint64_t *ret_bytes, uint64_t *ret_files, struct err *err) _must_check_;

/*
 * The same to a descriptor that cannot seek, as a stream of pieces (archive/sink.h), for mksysb_receive on another machine.
 * Temporary files lie in the directory `scratch`.
 */
struct mksysb_written {
	uint64_t bytes, files;
};
int mksysb_send(const struct mksysb_write *w, int fd, const char *scratch,
		const struct progress *p, struct mksysb_written *ret, struct err *err)
	_must_check_;

/*
 * Puts such a stream together again, in pieces of any size. It is believed nothing: at most `limit` bytes are written, and
 * that the result is an image is for mksysb_open and mksysb_verify to tell. It appears under its name at the end only.
 */
struct mksysb_receive;
int mksysb_receive_open(struct mksysb_receive **ret, const char *path, uint64_t limit,
			struct err *err) _must_check_;
int mksysb_receive_data(struct mksysb_receive *r, const void *data, size_t n,
			struct err *err) _must_check_;
/* ERR_TRANSIENT: the stream has no end. */
int mksysb_receive_end(struct mksysb_receive *r, struct err *err) _must_check_;
struct mksysb_receive *mksysb_receive_close(struct mksysb_receive *r); /* returns NULL */
void mksysb_receive_close_p(struct mksysb_receive **r);
#define _cleanup_mksysb_receive_ _cleanup_(mksysb_receive_close_p)

struct mksysb;
/* Opens and reads the head. "not an image", "truncated", "image format 2 is newer than this program" are ERR_OPERATOR. */
int mksysb_open(struct mksysb **ret, const char *path, struct err *err) _must_check_;
struct mksysb *mksysb_close(struct mksysb *m); /* returns NULL */
void mksysb_close_p(struct mksysb **m);
#define _cleanup_mksysb_ _cleanup_(mksysb_close_p)

const char *mksysb_image_data(const struct mksysb *m);
const char *mksysb_bosinst_data(const struct mksysb *m);
/* Every line of the manifest in the archive's order; -1: it cannot be read, or a line is wrong. */
int mksysb_each(const struct mksysb *m,
		void (*each)(void *arg, const struct manifest_entry *e), void *arg,
		struct err *err) _must_check_;
uint64_t mksysb_total_bytes(const struct mksysb *m); /* sum of file sizes */
uint64_t mksysb_total_files(const struct mksysb *m);

/* Everything below `target` (an empty directory of ours), all metadata, SHA-256 of each file checked as it is written. */
int mksysb_extract(struct mksysb *m, const struct root *target, unsigned threads,
		   const struct progress *p, struct err *err) _must_check_;
/* Reads everything, checks frames and every SHA-256; and, in the same pass, extracts those regular files and symlinks for which
 * `want` (may be NULL) returns true into `target`. */
int mksysb_verify(struct mksysb *m, bool (*want)(void *arg, const char *path), void *arg,
		  const struct root *target, unsigned threads, const struct progress *p,
		  struct err *err) _must_check_;
/* Compares a tree with the manifest (type, mode, owner, size, link target, SHA-256); names the first differences. */
int mksysb_compare(struct mksysb *m, const struct root *tree, unsigned threads,
		   const struct progress *p, struct err *err) _must_check_;
