/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clone engine: copies a tree of one or several file systems with everything a file has, in parallel and in bounded
 * memory. Source and destination are roots; nothing is followed out of them.
 */
#pragma once

#include "base/strv.h"
#include "model/manifest.h"
#include "model/progress.h"
#include "sys/root.h"

/* What a copy meets that is no failure of the whole; told in the caller's thread. */
enum clone_note {
	CLONE_NOTE_UNREADABLE, /* an error on read: the file is missing or short in the clone */
	CLONE_NOTE_CHANGED,  /* changed while it was read */
	CLONE_NOTE_LOST,     /* an attribute that the destination cannot hold */
	CLONE_NOTE_VANISHED, /* was listed, but is gone */
};

/* What a caller knows of an entry before it is read. */
enum clone_known {
	CLONE_KNOWN_NOT,
	CLONE_KNOWN_CONTENT, /* its content and its inode flags */
	CLONE_KNOWN_ALL,     /* its line in the manifest */
};
struct statx;

struct clone_job {
	/* `to` NULL: nothing is copied, only the manifest is written. */
	const struct root *from, *to;
	/* Mount points below `from` ("/boot") that belong to the tree; all other mounts are left out. They exist in `to`,
	 * where their file systems are mounted already. */
	const struct strv *mounts;
	const struct strv *excludes; /* patterns as mksysb(8) takes them; NULL: none */
	/* write one (mksysb(5)) with SHA-256 under this name beside the trees; NULL: none */
	const char *manifest;
	unsigned threads; /* 0: as many as help */
	uint64_t limit;	  /* bytes a second; 0: none */
	bool idle;	  /* idle I/O priority and lowest niceness */
	/* Second pass over a destination that holds an earlier copy: only what differs in size, times, mode or owner is
	 * copied again, what is gone in `from` is removed. */
	bool update;
	/*
	 * What need not be read for the manifest; NULL: nothing. Told from any thread, of all entries but those with several
	 * names; fills *ret. With `update` it is believed of what stays in `to`, and is for no directories.
	 */
	enum clone_known (*known)(void *arg, const char *path, const struct statx *sx,
				  struct manifest_entry *ret);
	void *known_arg;
	void (*note)(void *arg, enum clone_note what, const char *path, const char *text);
	void *note_arg;
};

struct clone_result {
	uint64_t files,
		bytes; /* copied: all kinds of entries; data bytes of regular files */
	uint64_t unreadable, changed, lost, vanished;
	char digest[65]; /* SHA-256 of the manifest, or "" */
};

/*
 * Copies. The destination is empty but for mount points (or, with `update`, an earlier copy). 0: complete. 1: complete but for files that could
 * not be read (ret->unreadable; each was told through `note`). -1: stopped; the destination is not to be used.
 */
int clone_run(const struct clone_job *job, const struct progress *p,
	      struct clone_result *ret, struct err *err) _must_check_;
/* Reads the destination back and compares with the manifest; the first differences are in the message. */
int clone_verify(const struct root *tree, const struct strv *mounts, const char *manifest,
		 unsigned threads, const struct progress *p, struct err *err)
	_must_check_;
