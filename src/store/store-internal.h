/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the store share: the handle, transactions and statements. */
#pragma once

#include <sqlite3.h>

#include "store/store.h"

struct store {
	sqlite3 *db;
	char *dir, *path;
	unsigned depth;		  /* of store_begin */
	unsigned journal_pending; /* journal rows of the open transaction */
	unsigned journal_writes;
	uint64_t crash_at;  /* NIMADM_CRASH_AT; 0: never */
	char *lease_former; /* store_lease_former */
};

/* Fills *err from the database's last error. Returns -1. */
int store_error(struct store *s, struct err *err);

/* Ends what store_begin began: commits when rc >= 0, else rolls back. Returns rc, or -1. */
int store_end(struct store *s, int rc, struct err *err) _must_check_;

/*
 * A statement with its parameters bound. Each letter of `types` is one argument: 't' const char * (NULL: SQL NULL),
 * 'i' int64_t, 'd' double. NULL and *err on failure.
 */
sqlite3_stmt *store_query(struct store *s, struct err *err, const char *sql,
			  const char *types, ...);
/* 1: a row, 0: no more, -1: failed. */
int store_step(struct store *s, sqlite3_stmt *stmt, struct err *err) _must_check_;
/* A statement without rows, run to its end. */
int store_run(struct store *s, struct err *err, const char *sql, const char *types, ...)
	_must_check_;
static inline void store_stmt_p(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}
#define _cleanup_stmt_ _cleanup_(store_stmt_p)

/* A column as a malloc'd string; NULL for SQL NULL. */
char *store_column_dup(sqlite3_stmt *stmt, int column);
/* A column as text, borrowed until the next step; "" for SQL NULL. */
const char *store_column(sqlite3_stmt *stmt, int column);

/* The object's row id into *ret_id; ERR_NOTFOUND as in store_object_get. */
int store_object_id(struct store *s, const char *name, int64_t *ret_id, struct err *err)
	_must_check_;

/* Brings the schema up to date; refuses a newer one and files of other programs. */
int store_schema_check(struct store *s, struct err *err) _must_check_;
