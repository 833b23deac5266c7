/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the client program remembers of its clone, in /var/lib/nimadm: one file, written beside and renamed over. It is a help,
 * not the truth: the clone itself carries our tags and, once its files are all there, the mark /etc/nimadm/altinst with the
 * stage, so that it can be found, woken and removed without this file.
 */
#pragma once

#include "base/strv.h"
#include "model/layout.h"
#include "sys/root.h"

#define STATE_DIR      "/var/lib/nimadm"
#define STATE_MANIFEST STATE_DIR "/altinst.manifest"
#define STATE_MARK     "/etc/nimadm/altinst"

enum stage {
	STAGE_NONE,
	STAGE_COPYING,	  /* phase 1 began: what is on the disks is incomplete */
	STAGE_COPIED,	  /* phase 1 done */
	STAGE_CUSTOMISED, /* phase 2 done */
	STAGE_READY,	  /* phase 3 done: it boots */
};

struct state {
	enum stage stage;
	struct layout layout; /* of the clone */
	char *fingerprint;    /* of the running disks, before phase 1 */
	char *started;	      /* RFC 3339 */
	char *digest;	      /* of the manifest */
	uint64_t files, bytes;
};
#define STATE_INIT                                                                       \
	{                                                                                \
		0                                                                        \
	}
#define _cleanup_state_ _cleanup_(state_done)
void state_done(struct state *s);
/* 1: there is none, or none that can be read: then *s is empty. */
int state_read(struct state *s, const struct root *root, struct err *err) _must_check_;
int state_write(const struct state *s, const struct root *root, struct err *err)
	_must_check_;
/* The state file and the manifest. Missing: 0. */
int state_remove(const struct root *root, struct err *err) _must_check_;

/* The mark in a mounted clone. */
enum stage state_mark_read(const struct root *alt);
int state_mark_write(const struct root *alt, enum stage s, struct err *err) _must_check_;
