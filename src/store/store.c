/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database handle: opening, transactions, statements, and errors in words. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/statvfs.h>

#include "base/parse.h"
#include "store/store-internal.h"
#include "sys/files.h"

#define BUSY_TIMEOUT_MS 20000
/* Less than this free, and an I/O error is taken for a full disk: shared-memory files fail that way. */
#define SPACE_MIN (256 * 1024)

static bool is_full(const struct store *s, int code)
{
	struct statvfs fs;

	if (code == SQLITE_FULL)
		return true;
	return code == SQLITE_IOERR && statvfs(s->dir, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize < SPACE_MIN;
}

static int error_full(const struct store *s, struct err *err)
{
	err_set(err, ERR_OPERATOR, "%s: no space left on the file system of %s", s->path,
		s->dir);
	return err_remedy(err,
			  "free some space there (df -h %s), then give the same "
			  "command again",
			  s->dir);
}

int store_error(struct store *s, struct err *err)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	const char *text = sqlite3_errmsg(s->db);

	if (is_full(s, code))
		return error_full(s, err);
	switch (code) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return err_set(err, ERR_TRANSIENT,
			       "%s: another process keeps the database locked", s->path);
	case SQLITE_NOTADB:
		err_set(err, ERR_OPERATOR, "%s: is not a database", s->path);
		return err_remedy(err,
				  "restore it from a backup, or choose another state "
				  "directory with --state");
	case SQLITE_CORRUPT:
		err_set(err, ERR_OPERATOR, "%s: the database is damaged: %s", s->path,
			text);
		return err_remedy(err,
				  "restore it from a backup, or save what is left: "
				  "sqlite3 %s .recover",
				  s->path);
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return err_set(err, ERR_OPERATOR, "%s: %s: %s", s->path, text,
			       strerror(sqlite3_system_errno(s->db)));
	default:
		return err_set(err, ERR_INTERNAL, "%s: %s", s->path, text);
	}
}

/* --- opening --- */

/* SQLite takes over the mode of the file for the files beside it. */
static int create_file(const char *path, struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

	if (fd >= 0)
		return 0;
	err_set_errno(err, ERR_OPERATOR, "open %s", path);
	if (err && err->errnum == EACCES)
		return err_remedy(err, "be root, or choose your own state directory with "
				       "--state");
	return -1;
}

static int open_database(struct store *s, struct err *err)
{
	const char *crash_at = getenv("NIMADM_CRASH_AT");

	if (files_mkdirs(s->dir, 0755, err) < 0 || create_file(s->path, err) < 0)
		return -1;
	if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return store_error(s, err);
	sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	if (crash_at && parse_u64(crash_at, &s->crash_at, err) < 0)
		return err_prefix(err, "NIMADM_CRASH_AT");
	return store_schema_check(s, err);
}

int store_open(struct store **ret, const char *state_dir, struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(state_dir);
	s->path = xasprintf("%s/nim.db", state_dir);
	if (open_database(s, err) < 0) {
		store_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	sqlite3_close_v2(s->db);
	free(s->dir);
	free(s->path);
	free(s->lease_former);
	free(s);
	return NULL;
}

void store_close_p(struct store **s)
{
	store_close(*s);
}

/* --- transactions: the outermost is one, the inner ones are savepoints --- */

static int exec_depth(struct store *s, const char *verb, struct err *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "%s s%u", verb, s->depth);
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_error(s, err);
	return 0;
}

int store_begin(struct store *s, struct err *err)
{
	if (s->depth > 0) {
		if (exec_depth(s, "SAVEPOINT", err) < 0)
			return -1;
	} else if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
		   SQLITE_OK) {
		return store_error(s, err);
	}
	s->depth++;
	return 0;
}

int store_snapshot(struct store *s, struct err *err)
{
	if (s->depth > 0)
		return store_begin(s, err);
	if (sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return store_error(s, err);
	s->depth++;
	return 0;
}

void store_rollback(struct store *s)
{
	if (s->depth == 0)
		return;
	s->depth--;
	/* After a full disk SQLite has rolled back everything by itself. */
	if (sqlite3_get_autocommit(s->db))
		return;
	if (s->depth > 0) {
		if (exec_depth(s, "ROLLBACK TO", NULL) == 0)
			(void)exec_depth(s, "RELEASE", NULL);
		return;
	}
	s->journal_pending = 0;
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static void count_journal(struct store *s)
{
	unsigned before = s->journal_writes;

	s->journal_writes += s->journal_pending;
	s->journal_pending = 0;
	if (s->crash_at > before && s->crash_at <= s->journal_writes)
		kill(getpid(), SIGKILL);
}

int store_commit(struct store *s, struct err *err)
{
	if (s->depth == 0 || sqlite3_get_autocommit(s->db)) {
		s->depth = 0;
		return err_set(err, ERR_INTERNAL, "%s: no transaction is open", s->path);
	}
	if (s->depth > 1) {
		s->depth--;
		return exec_depth(s, "RELEASE", err);
	}
	if (sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		store_error(s, err);
		store_rollback(s);
		return -1;
	}
	s->depth = 0;
	count_journal(s);
	return 0;
}

int store_end(struct store *s, int rc, struct err *err)
{
	if (rc < 0) {
		store_rollback(s);
		return rc;
	}
	return store_commit(s, err) < 0 ? -1 : rc;
}

unsigned store_journal_writes(const struct store *s)
{
	return s->journal_writes;
}

/* --- statements --- */

static void bind(sqlite3_stmt *stmt, const char *types, va_list ap)
{
	for (int i = 0; types[i]; i++) {
		switch (types[i]) {
		case 't':
			sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1,
					  SQLITE_TRANSIENT);
			break;
		case 'i':
			sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
			break;
		case 'd':
			sqlite3_bind_double(stmt, i + 1, va_arg(ap, double));
			break;
		default:
			abort(); /* the callers' format strings are constants */
		}
	}
}

static sqlite3_stmt *vquery(struct store *s, struct err *err, const char *sql,
			    const char *types, va_list ap)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		store_error(s, err);
		return NULL;
	}
	bind(stmt, types, ap);
	return stmt;
}

sqlite3_stmt *store_query(struct store *s, struct err *err, const char *sql,
			  const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = vquery(s, err, sql, types, ap);
	va_end(ap);
	return stmt;
}

int store_step(struct store *s, sqlite3_stmt *stmt, struct err *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return store_error(s, err);
	}
}

int store_run(struct store *s, struct err *err, const char *sql, const char *types, ...)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	va_list ap;

	va_start(ap, types);
	stmt = vquery(s, err, sql, types, ap);
	va_end(ap);
	return stmt ? store_step(s, stmt, err) : -1;
}

char *store_column_dup(sqlite3_stmt *stmt, int column)
{
	return xstrdup((const char *)sqlite3_column_text(stmt, column));
}

const char *store_column(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}
