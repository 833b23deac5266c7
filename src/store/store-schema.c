/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema as a table of migration steps. A step that was released is never changed: add another one. */
#include "store/store-internal.h"

/* "NIMA": tells our files from other programs' SQLite files. */
#define APPLICATION_ID 0x4e494d41

static const char *const steps[] = {
	"CREATE TABLE object ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE,"
	" type TEXT NOT NULL);"

	"CREATE TABLE attr ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" object INTEGER NOT NULL REFERENCES object ON DELETE CASCADE,"
	" name TEXT NOT NULL,"
	" value TEXT NOT NULL);"
	"CREATE INDEX attr_object ON attr (object, name);"

	"CREATE TABLE job ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" subject TEXT NOT NULL,"
	" mode TEXT NOT NULL,"
	" spec TEXT NOT NULL,"
	" facts TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" created TEXT NOT NULL,"
	" ended TEXT,"
	" error TEXT);"
	"CREATE INDEX job_subject ON job (subject, id);"

	"CREATE TABLE allocation ("
	" job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,"
	" object INTEGER NOT NULL REFERENCES object ON DELETE RESTRICT,"
	" PRIMARY KEY (job, object)) WITHOUT ROWID;"
	"CREATE INDEX allocation_object ON allocation (object);"

	"CREATE TABLE journal ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,"
	" phase INTEGER NOT NULL,"
	" state TEXT NOT NULL,"
	" seconds REAL NOT NULL,"
	" message TEXT NOT NULL,"
	" stamp TEXT NOT NULL);"
	"CREATE INDEX journal_job ON journal (job, phase, id);"

	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" job INTEGER REFERENCES job ON DELETE CASCADE,"
	" stamp TEXT NOT NULL,"
	" json TEXT NOT NULL);"
	"CREATE INDEX event_job ON event (job, id);"

	"CREATE TABLE lease ("
	" subject TEXT PRIMARY KEY,"
	" host TEXT NOT NULL,"
	" boot TEXT NOT NULL,"
	" pid INTEGER NOT NULL,"
	" start INTEGER NOT NULL,"
	" user TEXT NOT NULL,"
	" since TEXT NOT NULL,"
	" heartbeat INTEGER NOT NULL) WITHOUT ROWID;",
};

static int pragma_get(struct store *s, const char *sql, int64_t *ret, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(s, err, sql, "");

	if (!stmt || store_step(s, stmt, err) < 0)
		return -1;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

static int exec(struct store *s, const char *sql, struct err *err)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_error(s, err);
	return 0;
}

static int set_pragma(struct store *s, const char *name, int64_t value, struct err *err)
{
	_cleanup_free_ char *sql = xasprintf("PRAGMA %s = %lld", name, (long long)value);

	return exec(s, sql, err);
}

/* What the file says of itself. */
static int read_version(struct store *s, int64_t *ret_version, struct err *err)
{
	int64_t application, tables;

	if (pragma_get(s, "PRAGMA user_version", ret_version, err) < 0 ||
	    pragma_get(s, "PRAGMA application_id", &application, err) < 0 ||
	    pragma_get(s, "SELECT count(*) FROM sqlite_master", &tables, err) < 0)
		return -1;
	if (application != APPLICATION_ID && (tables > 0 || *ret_version != 0)) {
		err_set(err, ERR_OPERATOR,
			"%s: is a database of another program, not of nimadm", s->path);
		return err_remedy(err, "choose another state directory with --state");
	}
	if (*ret_version > (int64_t)ARRAY_SIZE(steps)) {
		err_set(err, ERR_OPERATOR,
			"%s: was written by a newer nimadm: it has schema version %lld, "
			"this program knows versions up to %zu",
			s->path, (long long)*ret_version, ARRAY_SIZE(steps));
		return err_remedy(err, "use the newer nimadm, or another state directory "
				       "with --state");
	}
	return 0;
}

static int migrate(struct store *s, struct err *err)
{
	int64_t version;

	/* Read again: another process may have migrated while we waited for the lock. */
	if (read_version(s, &version, err) < 0)
		return -1;
	for (size_t i = (size_t)version; i < ARRAY_SIZE(steps); i++)
		if (exec(s, steps[i], err) < 0)
			return err_prefix(err, "migration to schema %zu", i + 1);
	if (set_pragma(s, "application_id", APPLICATION_ID, err) < 0)
		return -1;
	return set_pragma(s, "user_version", (int64_t)ARRAY_SIZE(steps), err);
}

/* One snapshot for all that is read: another process may be making the schema at this moment. */
static int first_look(struct store *s, int64_t *ret_version, struct err *err)
{
	if (exec(s, "BEGIN", err) < 0)
		return -1;
	int rc = read_version(s, ret_version, err);
	sqlite3_exec(s->db, rc < 0 ? "ROLLBACK" : "COMMIT", NULL, NULL, NULL);
	return rc;
}

/* SQLite does not wait by itself here, whatever the busy timeout, when others have the new file open. */
static int enter_wal(struct store *s, struct err *err)
{
	enum { TRIES = 300, PAUSE_US = 100000 };

	for (int i = 0;; i++) {
		int code = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL,
					NULL);
		if (code == SQLITE_OK)
			return 0;
		if ((code & 0xff) != SQLITE_BUSY || i >= TRIES)
			return store_error(s, err);
		usleep(PAUSE_US);
	}
}

int store_schema_check(struct store *s, struct err *err)
{
	int64_t version;

	if (first_look(s, &version, err) < 0)
		return -1;
	/* After the check: a newer file must not be touched. */
	if (enter_wal(s, err) < 0 || exec(s, "PRAGMA synchronous = FULL", err) < 0 ||
	    exec(s, "PRAGMA foreign_keys = ON", err) < 0)
		return -1;
	if (version == (int64_t)ARRAY_SIZE(steps))
		return 0;
	if (store_begin(s, err) < 0)
		return -1;
	return store_end(s, migrate(s, err), err);
}
