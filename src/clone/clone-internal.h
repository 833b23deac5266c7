/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the clone engine. Workers take directories from a stack, and runs of entries of large ones. All entries of a
 * directory are made while it is visited, its subdirectories included, so its own metadata is set when the last of
 * them is there: nothing waits for a subtree. Some workers walk ahead first: they find the totals, and what they read
 * is in memory when the others come.
 */
#pragma once

#include <stdatomic.h>
#include <sys/stat.h>

#include "base/links.h"
#include "clone/clone.h"
#include "clone/sorted.h"
#include "model/digest.h"
#include "model/excludes.h"
#include "model/pool.h"
#include "sys/dirs.h"
#include "sys/xattrs.h"

#define CLONE_CHUNK ((size_t)256 << 10)
#define CLONE_STATX (STATX_BASIC_STATS | STATX_MNT_ID)
/* files that are opened and asked for before the first is copied */
#define CLONE_WINDOW 32

/* A directory still to be visited: its path is kept as a chain, so that a million of them stays small. */
struct node {
	struct node *parent;
	atomic_uint refs;
	bool existed;	/* in the destination, before us */
	uint64_t mount; /* its parent's */
	char name[];
};

struct stack {
	struct node **v;
	size_t n, cap;
	unsigned busy; /* workers that may push more */
};

/* list.c: entries of one directory in the order of their inodes. */
struct item {
	uint64_t ino;
	size_t name;	    /* in listing.names */
	unsigned char type; /* DT_* */
};
struct listing {
	struct item *v;
	size_t n, n_dirs; /* directories come first */
	size_t cap;
	struct str names;
};
#define _cleanup_listing_ _cleanup_(listing_done)
void listing_done(struct listing *l);
/* -1 and errno. Entries that match the excludes are left out, and the inode `skip`. */
int listing_read(struct listing *l, int fd, const char *path, const struct excludes *x,
		 uint64_t skip);
/* An open directory of the source: *ret_wanted tells whether its entries belong to the tree. -1 and errno. */
struct clone;
int source_open_dir(struct clone *c, const char *path, uint64_t above, struct statx *sx,
		    bool *ret_wanted);
/* For listing_read: the destination, where it may be in this directory; else 0. */
uint64_t source_skip(const struct clone *c, const struct statx *sx);

/* An open directory whose entries are being copied. */
struct open_dir {
	char *path; /* "" is the top */
	int from, to;
	struct statx sx;
	struct listing list;
	bool existed;
	atomic_bool no_reflink;
	atomic_uint refs;
};
struct slice {
	struct open_dir *dir;
	size_t begin, end; /* in dir->list */
	struct slice *next;
};

/* linked.c: inodes with several names. Where their copy is and its line lies in a nameless file. */
struct linked {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct links table; /* of the source: number + 1 */
	struct links kept;  /* of the destination, when updating: number + 1 */
	uint64_t *at;	    /* by number */
	size_t n, cap;
	int fd;
	uint64_t size;
};
int linked_open(struct linked *l, const char *dir, struct err *err) _must_check_;
void linked_done(struct linked *l);
/* 0: the caller makes it and says so with linked_made or linked_failed. 1: it is made; waits for that. */
int linked_claim(struct linked *l, const struct statx *sx, uint32_t *ret_id);
int linked_made(struct linked *l, uint32_t id, const char *path, const char *line,
		struct err *err) _must_check_;
void linked_failed(struct linked *l, uint32_t id);
/* Path of the copy and its line. */
int linked_get(struct linked *l, uint32_t id, char **ret_path, char **ret_line,
	       struct err *err) _must_check_;
/* False: this inode of the destination holds another inode's copy already. */
bool linked_keep(struct linked *l, uint32_t id, const struct stat *st);

struct note {
	enum clone_note what;
	char *path, *text;
	struct note *next;
};

struct clone {
	const struct clone_job *job;
	struct pool pool;
	struct excludes excludes;
	struct clone_result *result;
	uint64_t to_dev, to_ino; /* the destination, should it lie in the tree */
	/* Under the pool's lock: */
	struct stack walk, copy;
	unsigned walkers; /* workers that may still begin to walk ahead */
	bool counted;
	bool flusher, flush; /* there is none yet; it has something to do */
	struct slice *slices;
	struct note *notes, **notes_end;
	unsigned n_notes;
	struct strv late_flags; /* path, flags: of files with several names */
	struct links walk_links;
	uint64_t total_files, total_bytes;

	/* `seen`: with what an update keeps. */
	atomic_ullong files, bytes, seen;
	atomic_bool no_range;
	struct linked linked;
	struct sorted lines;
	/* The pace of `limit`. */
	pthread_mutex_t pace_lock;
	double pace_next;
};

struct ahead {
	struct statx sx;
	int fd;
	int errnum; /* 0: sx is filled, and fd for regular files */
	enum clone_known known;
	struct manifest_entry line; /* what is known */
};

/* One thread's means. */
struct worker {
	struct clone *c;
	struct dirs link_dirs;
	struct digest digest;
	struct xattrs xattrs;
	uint8_t *data;
	struct sorted_buf lines;
	struct str path, line;
	struct ahead ahead[CLONE_WINDOW];
};

/* clone.c: the queue, and what workers tell. */
char *node_path(const struct node *n);
void clone_push(struct stack *s, struct node *parent, const char *name, uint64_t mount,
		bool existed);
void clone_note(struct clone *c, enum clone_note what, const char *path,
		const char *text);
/* Counts bytes of data, and has them written to the disk from time to time. */
void clone_wrote(struct clone *c, uint64_t n);
/* With errno's words; what has gone is told as that. */
void clone_note_errno(struct clone *c, enum clone_note what, const char *path,
		      const char *text);
/* For a failure of the destination: the message with errno. */
int clone_failed(const char *path, const char *what, struct err *err);
bool clone_has_gone(int errnum);

/* dir.c */
/* An entry's path, in w->path. */
const char *dir_path(struct worker *w, const struct open_dir *d, const char *name);
int dir_visit(struct worker *w, struct node *node, struct err *err) _must_check_;
int dir_slice(struct worker *w, struct slice *s, struct err *err) _must_check_;
/* count.c */
void count_visit(struct clone *c, struct node *node);

/* known.c: what the caller knows. */
enum clone_known known_entry(const struct clone *c, const char *path,
			     const struct statx *sx, struct manifest_entry *ret);
/* The manifest's line of what is known: all of it, or its content alone with what the tree says else. */
int known_line(struct worker *w, const struct xattrs_of *of, const char *path,
	       const struct statx *sx, enum clone_known known,
	       struct manifest_entry *line, struct err *err) _must_check_;

/* entry.c: everything but directories. */
void entry_ahead(struct worker *w, const struct open_dir *d, const char *name,
		 unsigned char type, struct ahead *a);
int entry_copy(struct worker *w, struct open_dir *d, const char *name, struct ahead *a,
	       struct err *err) _must_check_;

/* data.c */
struct data {
	int from, to; /* to -1: kept from an earlier copy; only the digest is wanted */
	const char *path;
	uint64_t size; /* in: as the file was seen; out: as it was copied */
	uint64_t blocks;
	bool no_reflink; /* in, out */
	bool unreadable;
	char type; /* out: f or s */
	char sha256[SHA256_HEX_LEN];
};
int data_copy(struct worker *w, struct data *d, struct err *err) _must_check_;

/* meta.c: what the destination cannot hold is told as a note. */
struct meta {
	const char *path;
	const struct statx *sx;
	const struct xattrs *xattrs;
	bool mode_is_set;
};
int meta_apply(struct worker *w, int fd, const struct meta *m, struct err *err)
	_must_check_;
int meta_apply_at(struct worker *w, int dir, const char *name, const struct meta *m,
		  struct err *err) _must_check_;
void meta_flags(struct clone *c, int fd, const char *path, const char *flags);
/* Into w->xattrs; an error on read is told. */
void meta_read_xattrs(struct worker *w, const struct xattrs_of *of, const char *path);
/* Mode, owner, time, device numbers of the manifest's entry. */
void meta_entry(struct manifest_entry *e, const char *path, char type,
		const struct statx *sx);
/* Whether an error means that the destination cannot hold something, rather than that it is broken. */
bool meta_is_lost(int errnum);

/* update.c */
/* 1: what is there is the same and stays. 0: nothing is there (any more). *ret: of what stays. */
int update_entry(struct worker *w, const struct open_dir *d, const char *name,
		 const struct statx *sx, struct stat *ret, struct err *err) _must_check_;
/* Removes what is not in the listing, and what is in the way of a directory. */
int update_dir(struct worker *w, struct open_dir *d, struct err *err) _must_check_;
