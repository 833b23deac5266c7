/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects, attributes, states and allocations. */
#include "base/nearest.h"
#include "model/object.h"
#include "store/store-internal.h"

void object_done(struct object *o)
{
	for (size_t i = 0; i < o->n_attrs; i++) {
		free(o->attrs[i].name);
		free(o->attrs[i].value);
	}
	free(o->attrs);
	free(o->name);
	free(o->type);
	*o = (struct object)OBJECT_INIT;
}

const char *object_get(const struct object *o, const char *attr)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (streq(o->attrs[i].name, attr))
			return o->attrs[i].value;
	return NULL;
}

/* --- finding --- */

/* Id and type of an object: 0 found, 1 there is none, -1. */
static int find(struct store *s, const char *name, int64_t *ret_id, char **ret_type,
		struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(
		s, err, "SELECT id, type FROM object WHERE name = ?", "t", name);
	int rc = stmt ? store_step(s, stmt, err) : -1;

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret_id = sqlite3_column_int64(stmt, 0);
	if (ret_type)
		*ret_type = store_column_dup(stmt, 1);
	return 0;
}

static int unknown(struct store *s, const char *name, const char *type, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct nearest near = NEAREST_INIT(name);

	if (store_object_list(s, type, NULL, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		nearest_offer(&near, names.v[i]);
	err_set(err, ERR_NOTFOUND, "there is no %s '%s'", type ? type : "object", name);
	if (nearest_get(&near))
		return err_remedy(err, "did you mean '%s'? (lsnim%s%s lists them)",
				  nearest_get(&near), type ? " -t " : "",
				  type ? type : "");
	return err_remedy(err, "lsnim%s%s lists what there is", type ? " -t " : "",
			  type ? type : "");
}

int store_object_id(struct store *s, const char *name, int64_t *ret_id, struct err *err)
{
	int rc = find(s, name, ret_id, NULL, err);

	return rc == 1 ? unknown(s, name, NULL, err) : rc;
}

bool store_object_exists(struct store *s, const char *name)
{
	int64_t id;

	return find(s, name, &id, NULL, NULL) == 0;
}

/* --- reading --- */

static void add_attr(struct object *o, const char *name, const char *value)
{
	/* In the table's order; equal names stay in the order in which they come. */
	size_t n, at = o->n_attrs;
	const struct attr_def *table = attr_table(&n);
	const struct attr_def *def = attr_find(o->type, name);

	o->attrs = xrealloc(o->attrs, (o->n_attrs + 1) * sizeof(*o->attrs));
	for (; def && at > 0; at--) {
		const struct attr_def *before = attr_find(o->type, o->attrs[at - 1].name);

		if (before && before - table <= def - table)
			break;
		o->attrs[at] = o->attrs[at - 1];
	}
	o->attrs[at].name = xstrdup(name);
	o->attrs[at].value = xstrdup(value);
	o->n_attrs++;
}

static int load_attrs(struct store *s, struct object *o, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(
		s, err, "SELECT name, value FROM attr WHERE object = ? ORDER BY id", "i",
		o->id);
	int rc = -1;

	while (stmt && (rc = store_step(s, stmt, err)) > 0)
		add_attr(o, store_column(stmt, 0), store_column(stmt, 1));
	return rc;
}

static int load_alloc_count(struct store *s, struct object *o, struct err *err)
{
	char text[16];
	int count;

	if (!attr_find(o->type, "alloc_count"))
		return 0;
	if (store_alloc_count(s, o->name, &count, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%d", count);
	add_attr(o, "alloc_count", text);
	return 0;
}

static int wrong_type(const char *name, const char *is, const char *wanted,
		      struct err *err)
{
	err_set(err, ERR_OPERATOR, "'%s' is of type %s, not %s", name, is, wanted);
	return err_remedy(err, "lsnim -t %s lists what would fit", wanted);
}

int store_object_get(struct store *s, const char *name, const char *type,
		     struct object *ret, struct err *err)
{
	struct object o = OBJECT_INIT;
	int rc = find(s, name, &o.id, &o.type, err);

	if (rc == 1)
		return unknown(s, name, type, err);
	if (rc < 0)
		return -1;
	o.name = xstrdup(name);
	if (type && !streq(o.type, type))
		rc = wrong_type(name, o.type, type, err);
	if (rc == 0 && load_attrs(s, &o, err) < 0)
		rc = -1;
	if (rc == 0 && load_alloc_count(s, &o, err) < 0)
		rc = -1;
	if (rc < 0) {
		object_done(&o);
		return -1;
	}
	*ret = o;
	return 0;
}

int store_object_list(struct store *s, const char *type, const char *cls,
		      struct strv *ret, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt =
		store_query(s, err,
			    "SELECT name, type FROM object WHERE ?1 IS NULL OR type = ?1"
			    " ORDER BY name",
			    "t", type);
	int rc = -1;

	while (stmt && (rc = store_step(s, stmt, err)) > 0) {
		const struct type_def *t = type_find(store_column(stmt, 1));

		if (!cls || (t && streq(object_class_name(t->cls), cls)))
			strv_add(ret, store_column(stmt, 0));
	}
	return rc;
}

/* --- changing --- */

static int define(struct store *s, const char *name, const char *type, struct err *err)
{
	_cleanup_free_ char *other = NULL;
	int64_t id;
	int rc = find(s, name, &id, &other, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		err_set(err, ERR_OPERATOR, "'%s' exists already: it is of type %s", name,
			other);
		return err_remedy(err, "choose another name, or look at it: lsnim -l %s",
				  name);
	}
	return store_run(s, err, "INSERT INTO object (name, type) VALUES (?, ?)", "tt",
			 name, type);
}

int store_object_define(struct store *s, const char *name, const char *type,
			struct err *err)
{
	if (object_name_check(name, err) < 0)
		return -1;
	if (!type_find(type))
		return err_set(err, ERR_USAGE, "unknown type '%s'", type);
	if (store_begin(s, err) < 0)
		return -1;
	return store_end(s, define(s, name, type, err), err);
}

static int in_use(struct store *s, const char *name, int64_t job, const char *subject,
		  struct err *err)
{
	struct lease_row l = { 0 };
	bool runs = store_lease_get(s, subject, &l, NULL) == 0 && l.alive && !l.own;

	lease_row_done(&l);
	err_set(err, ERR_LOCKED, "'%s' is in use by job %lld (%s)", name, (long long)job,
		subject);
	if (runs)
		return err_remedy(err,
				  "wait for the job to end: nimadm --status shows it");
	return err_remedy(err,
			  "finish the job (nimadm --resume --job %lld) or clean it up "
			  "(nimadm -C --job %lld)",
			  (long long)job, (long long)job);
}

/* Refuses with the job that uses the object, or whose subject it is. */
static int refuse_used(struct store *s, const char *name, int64_t id, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = store_query(
		s, err,
		"SELECT job.id, job.subject FROM job JOIN allocation ON job = job.id"
		" WHERE object = ?1 UNION "
		"SELECT id, subject FROM job WHERE subject = ?2"
		" AND state IN ('open', 'failed', 'cancelled') ORDER BY 1 LIMIT 1",
		"it", id, name);
	int rc = stmt ? store_step(s, stmt, err) : -1;

	if (rc <= 0)
		return rc;
	return in_use(s, name, sqlite3_column_int64(stmt, 0), store_column(stmt, 1), err);
}

static int object_remove(struct store *s, const char *name, struct err *err)
{
	int64_t id;

	if (store_object_id(s, name, &id, err) < 0 || refuse_used(s, name, id, err) < 0)
		return -1;
	return store_run(s, err, "DELETE FROM object WHERE id = ?", "i", id);
}

int store_object_remove(struct store *s, const char *name, struct err *err)
{
	if (store_begin(s, err) < 0)
		return -1;
	return store_end(s, object_remove(s, name, err), err);
}

int store_object_idle(struct store *s, const char *name, struct err *err)
{
	int64_t id;

	return store_object_id(s, name, &id, err) < 0 ? -1
						      : refuse_used(s, name, id, err);
}

static int attr_set(struct store *s, const char *object, const char *attr,
		    const char *value, struct err *err)
{
	int64_t id;

	if (store_object_id(s, object, &id, err) < 0 ||
	    store_run(s, err, "DELETE FROM attr WHERE object = ? AND name = ?", "it", id,
		      attr) < 0)
		return -1;
	if (!value)
		return 0;
	return store_run(s, err,
			 "INSERT INTO attr (object, name, value) VALUES (?, ?, ?)", "itt",
			 id, attr, value);
}

int store_attr_set(struct store *s, const char *object, const char *attr,
		   const char *value, struct err *err)
{
	if (store_begin(s, err) < 0)
		return -1;
	return store_end(s, attr_set(s, object, attr, value, err), err);
}

int store_attr_add(struct store *s, const char *object, const char *attr,
		   const char *value, struct err *err)
{
	int64_t id;

	if (store_object_id(s, object, &id, err) < 0)
		return -1;
	return store_run(s, err,
			 "INSERT INTO attr (object, name, value) VALUES (?, ?, ?)", "itt",
			 id, attr, value);
}

static int state_set(struct store *s, const char *object, const char *attr,
		     const char *state, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;
	const char *old;

	if (store_object_get(s, object, NULL, &o, err) < 0)
		return -1;
	old = object_get(&o, attr);
	if (old && attr_set(s, object, "prev_state", old, err) < 0)
		return -1;
	return attr_set(s, object, attr, state, err);
}

int store_state_set(struct store *s, const char *object, const char *attr,
		    const char *state, struct err *err)
{
	if (store_begin(s, err) < 0)
		return -1;
	return store_end(s, state_set(s, object, attr, state, err), err);
}

/* --- allocations --- */

int store_allocate(struct store *s, int64_t job, const char *object, struct err *err)
{
	int64_t id;

	if (store_object_id(s, object, &id, err) < 0)
		return -1;
	return store_run(s, err,
			 "INSERT OR IGNORE INTO allocation (job, object) VALUES (?, ?)",
			 "ii", job, id);
}

int store_deallocate(struct store *s, int64_t job, const char *object, struct err *err)
{
	int64_t id;

	if (store_object_id(s, object, &id, err) < 0)
		return -1;
	return store_run(s, err, "DELETE FROM allocation WHERE job = ? AND object = ?",
			 "ii", job, id);
}

int store_deallocate_all(struct store *s, int64_t job, struct err *err)
{
	return store_run(s, err, "DELETE FROM allocation WHERE job = ?", "i", job);
}

int store_alloc_list(struct store *s, const char *object, struct alloc_row **ret,
		     size_t *ret_n, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	struct alloc_row *rows = NULL;
	size_t n = 0;
	int64_t id;
	int rc;

	if (store_object_id(s, object, &id, err) < 0)
		return -1;
	stmt = store_query(
		s, err,
		"SELECT job.id, job.subject FROM allocation JOIN job ON job = job.id"
		" WHERE object = ? ORDER BY job.id",
		"i", id);
	rc = stmt ? 1 : -1;
	while (rc > 0 && (rc = store_step(s, stmt, err)) > 0) {
		rows = xrealloc(rows, (n + 1) * sizeof(*rows));
		rows[n].job = sqlite3_column_int64(stmt, 0);
		rows[n++].subject = store_column_dup(stmt, 1);
	}
	if (rc < 0) {
		alloc_rows_free(rows, n);
		return -1;
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

void alloc_rows_free(struct alloc_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(rows[i].subject);
	free(rows);
}

int store_alloc_count(struct store *s, const char *object, int *ret, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int64_t id;

	if (store_object_id(s, object, &id, err) < 0)
		return -1;
	stmt = store_query(s, err, "SELECT count(*) FROM allocation WHERE object = ?",
			   "i", id);
	if (!stmt || store_step(s, stmt, err) < 0)
		return -1;
	*ret = sqlite3_column_int(stmt, 0);
	return 0;
}
