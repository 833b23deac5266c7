/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: objects, states, jobs, journal, leases; a writer killed at any moment; files that are not ours. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "model/object.h"
#include "store/store-internal.h"
#include "sys/files.h"

static char *dir;
static struct err err;

static void ok(int rc)
{
	if (rc != 0)
		fail_msg("rc %d: %s", rc, err.msg);
}

static struct store *open_store(void)
{
	struct store *s = NULL;

	ok(store_open(&s, dir, &err));
	return s;
}

/* --- a second process --- */

/* Runs fn in a child, which writes a byte to the pipe and then waits to be killed. */
static pid_t child_with_store(void (*fn)(struct store *s))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *s = NULL;

		if (store_open(&s, dir, &err) < 0)
			_exit(1);
		fn(s);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void kill_child(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void take_img(struct store *s)
{
	ok(store_lease_take(s, "img", false, &err));
}

/* --- objects --- */

static void test_objects(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct object o;

	ok(store_object_define(s, "lpp13", "lpp_source", &err));
	ok(store_object_define(s, "web01", "standalone", &err));
	ok(store_attr_set(s, "lpp13", "comments", "first", &err));
	ok(store_attr_set(s, "lpp13", "comments", "second", &err));
	ok(store_attr_set(s, "lpp13", "location", "/x", &err));
	ok(store_state_set(s, "lpp13", "Rstate", RSTATE_UNAVAILABLE, &err));
	ok(store_state_set(s, "lpp13", "Rstate", RSTATE_READY, &err));
	ok(store_object_get(s, "lpp13", "lpp_source", &o, &err));
	assert_string_equal(object_get(&o, "comments"), "second");
	assert_string_equal(object_get(&o, "Rstate"), RSTATE_READY);
	assert_string_equal(object_get(&o, "prev_state"), RSTATE_UNAVAILABLE);
	assert_string_equal(object_get(&o, "alloc_count"), "0");
	/* In the order of the table. */
	assert_string_equal(o.attrs[0].name, "Rstate");
	assert_string_equal(o.attrs[o.n_attrs - 1].name, "comments");
	object_done(&o);

	ok(store_attr_set(s, "lpp13", "comments", NULL, &err));
	ok(store_object_get(s, "lpp13", NULL, &o, &err));
	assert_null(object_get(&o, "comments"));
	object_done(&o);

	ok(store_object_list(s, NULL, NULL, &names, &err));
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "lpp13");
	ok(store_object_list(s, NULL, "machines", &names, &err));
	assert_int_equal(names.n, 3);
	assert_string_equal(names.v[2], "web01");
	ok(store_object_remove(s, "web01", &err));
	assert_false(store_object_exists(s, "web01"));
}

static void test_repeated_attributes(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	struct object o;

	ok(store_object_define(s, "webs", "mac_group", &err));
	ok(store_attr_add(s, "webs", "member", "b", &err));
	ok(store_attr_set(s, "webs", "comments", "x", &err));
	ok(store_attr_add(s, "webs", "member", "a", &err));
	ok(store_object_get(s, "webs", "mac_group", &o, &err));
	assert_int_equal(o.n_attrs, 3);
	assert_string_equal(o.attrs[0].value, "b");
	assert_string_equal(o.attrs[1].value, "a");
	assert_string_equal(o.attrs[2].name, "comments");
	object_done(&o);
}

static void test_object_errors(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	struct object o = OBJECT_INIT;

	ok(store_object_define(s, "spot13", "spot", &err));
	assert_int_equal(store_object_define(s, "spot13", "script", &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.msg, "spot13"));
	assert_non_null(strstr(err.msg, "is of type spot"));
	assert_int_equal(store_object_define(s, "../x", "script", &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(store_object_define(s, "y", "scripts", &err), -1);

	err_clear(&err);
	assert_int_equal(store_object_get(s, "spto13", NULL, &o, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_non_null(strstr(err.remedy, "spot13"));
	err_clear(&err);
	assert_int_equal(store_object_get(s, "spot13", "lpp_source", &o, &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.msg, "spot"));
	assert_non_null(strstr(err.msg, "lpp_source"));
	assert_null(o.name);
}

/* An inner failure takes back the inner changes only. */
static void test_nested(void **state)
{
	_cleanup_store_ struct store *s = open_store();

	ok(store_begin(s, &err));
	ok(store_object_define(s, "a", "script", &err));
	assert_int_equal(store_object_define(s, "a", "script", &err), -1);
	ok(store_object_define(s, "b", "script", &err));
	ok(store_commit(s, &err));
	assert_true(store_object_exists(s, "a"));
	assert_true(store_object_exists(s, "b"));

	ok(store_begin(s, &err));
	ok(store_object_define(s, "c", "script", &err));
	store_rollback(s);
	assert_false(store_object_exists(s, "c"));
	assert_int_equal(store_commit(s, &err), -1);
}

/* --- jobs --- */

static void test_jobs(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	struct job_row j, *rows;
	int64_t first, second;
	size_t n;

	assert_int_equal(store_job_find_open(s, "img", &j, &err), 1);
	ok(store_job_create(s, "img", 'D', "{\"x\":1}", &first, &err));
	ok(store_job_find_open(s, "img", &j, &err));
	assert_int_equal(j.id, first);
	assert_int_equal(j.mode, 'D');
	assert_string_equal(j.spec, "{\"x\":1}");
	assert_string_equal(j.facts, "{}");
	assert_null(j.ended);
	job_row_done(&j);
	ok(store_job_set_facts(s, first, "{\"y\":2}", &err));
	ok(store_job_set_state(s, first, JOB_FAILED, "no space", &err));
	ok(store_job_find_open(s, "img", &j, &err));
	assert_string_equal(j.error, "no space");
	assert_string_equal(j.facts, "{\"y\":2}");
	assert_non_null(j.ended);
	job_row_done(&j);
	ok(store_job_set_state(s, first, JOB_CLEANED, NULL, &err));
	assert_int_equal(store_job_find_open(s, "img", &j, &err), 1);
	ok(store_job_create(s, "img", 'D', "{}", &second, &err));
	assert_true(second > first);
	ok(store_job_list(s, 1, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].id, second);
	job_row_done(&rows[0]);
	free(rows);
	ok(store_job_list_unfinished(s, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].id, second);
	job_row_done(&rows[0]);
	free(rows);
	ok(store_job_find_last(s, "img", &j, &err));
	assert_int_equal(j.id, second);
	job_row_done(&j);
	assert_int_equal(store_job_get(s, 999, &j, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_int_equal(store_job_set_state(s, 999, JOB_DONE, NULL, &err), -1);
}

static void test_allocations(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	struct alloc_row *rows;
	int64_t job;
	size_t n;
	int count;

	ok(store_object_define(s, "lpp13", "lpp_source", &err));
	ok(store_job_create(s, "img", 'D', "{}", &job, &err));
	ok(store_allocate(s, job, "lpp13", &err));
	ok(store_allocate(s, job, "lpp13", &err));
	ok(store_alloc_count(s, "lpp13", &count, &err));
	assert_int_equal(count, 1);
	ok(store_alloc_list(s, "lpp13", &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].job, job);
	assert_string_equal(rows[0].subject, "img");
	alloc_rows_free(rows, n);
	err_clear(&err);
	assert_int_equal(store_object_remove(s, "lpp13", &err), -1);
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_non_null(strstr(err.msg, "job 1 (img)"));
	assert_non_null(strstr(err.remedy, "-C --job 1"));
	assert_int_equal(store_object_idle(s, "lpp13", &err), -1);
	/* While the job runs there is nothing to clean up. */
	pid_t pid = child_with_store(take_img);
	err_clear(&err);
	assert_int_equal(store_object_remove(s, "lpp13", &err), -1);
	assert_non_null(strstr(err.remedy, "wait for the job"));
	kill_child(pid);
	ok(store_deallocate_all(s, job, &err));
	ok(store_object_idle(s, "lpp13", &err));
	ok(store_object_remove(s, "lpp13", &err));
	assert_int_equal(store_allocate(s, job, "lpp13", &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
}

static void test_subject_of_job(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	int64_t job;

	ok(store_object_define(s, "img", "mksysb", &err));
	ok(store_job_create(s, "img", 'D', "{}", &job, &err));
	ok(store_job_set_state(s, job, JOB_FAILED, "x", &err));
	assert_int_equal(store_object_remove(s, "img", &err), -1);
	assert_int_equal(err.kind, ERR_LOCKED);
	ok(store_job_set_state(s, job, JOB_CLEANED, NULL, &err));
	ok(store_object_remove(s, "img", &err));
}

static void test_journal(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	struct journal_row rows[13];
	int64_t job;

	ok(store_job_create(s, "img", 'D', "{}", &job, &err));
	ok(store_journal_put(s, job, 3, JOURNAL_STARTED, 0, NULL, &err));
	ok(store_journal_put(s, job, 3, JOURNAL_DONE, 1.5, "restored", &err));
	ok(store_journal_put(s, job, 4, JOURNAL_STARTED, 0, NULL, &err));
	assert_int_equal(store_journal_put(s, job, 13, JOURNAL_DONE, 0, NULL, &err), -1);
	/* A journal of no job is a bug of the caller's, and the foreign key says so. */
	assert_int_equal(store_journal_put(s, job + 1, 1, JOURNAL_DONE, 0, NULL, &err),
			 -1);
	ok(store_journal_get(s, job, rows, &err));
	assert_int_equal(rows[3].state, JOURNAL_DONE);
	assert_true(rows[3].seconds > 1.4);
	assert_string_equal(rows[3].message, "restored");
	assert_int_equal(rows[4].state, JOURNAL_STARTED);
	assert_int_equal(rows[5].state, JOURNAL_NONE);
	assert_int_equal(rows[12].phase, 12);
	assert_int_equal(store_journal_writes(s), 3);
	ok(store_event_add(s, job, "now", "{}", &err));
	ok(store_event_add(s, 0, "now", "{}", &err));
}

/* --- crashes --- */

static void write_half(struct store *s)
{
	for (int i = 0; i < 50; i++) {
		_cleanup_free_ char *name = xasprintf("kept%d", i);

		ok(store_object_define(s, name, "script", &err));
		ok(store_attr_set(s, name, "comments", "committed", &err));
	}
	ok(store_begin(s, &err));
	for (int i = 0; i < 50; i++) {
		_cleanup_free_ char *name = xasprintf("lost%d", i);

		ok(store_object_define(s, name, "script", &err));
	}
	ok(store_object_remove(s, "kept7", &err));
}

static void test_killed_writer(void **state)
{
	kill_child(child_with_store(write_half));

	_cleanup_store_ struct store *s = open_store();
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_object_ struct object o = OBJECT_INIT;
	_cleanup_stmt_ sqlite3_stmt *check = NULL;

	ok(store_object_list(s, NULL, NULL, &names, &err));
	assert_int_equal(names.n, 50);
	ok(store_object_get(s, "kept7", "script", &o, &err));
	assert_string_equal(object_get(&o, "comments"), "committed");
	check = store_query(s, &err, "PRAGMA integrity_check", "");
	assert_int_equal(store_step(s, check, &err), 1);
	assert_string_equal(store_column(check, 0), "ok");
	/* And the dead writer's lock is gone. */
	ok(store_object_define(s, "next", "script", &err));
}

static void test_crash_point(void **state)
{
	struct journal_row rows[13];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *s = NULL;
		int64_t job;

		setenv("NIMADM_CRASH_AT", "3", 1);
		if (store_open(&s, dir, &err) < 0 ||
		    store_job_create(s, "img", 'D', "{}", &job, &err) < 0)
			_exit(1);
		for (int phase = 0; phase < 13; phase++)
			if (store_journal_put(s, job, phase, JOURNAL_DONE, 0, NULL, &err))
				_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);

	_cleanup_store_ struct store *s = open_store();

	ok(store_journal_get(s, 1, rows, &err));
	for (int phase = 0; phase < 13; phase++)
		assert_int_equal(rows[phase].state,
				 phase < 3 ? JOURNAL_DONE : JOURNAL_NONE);
}

/* --- leases --- */

static void age_lease(struct store *s)
{
	ok(store_run(s, &err, "UPDATE lease SET heartbeat = heartbeat - 3600", ""));
}

static void test_lease(void **state)
{
	pid_t pid = child_with_store(take_img);
	_cleanup_store_ struct store *s = open_store();
	_cleanup_free_ char *pid_text = xasprintf("process %d ", (int)pid);
	struct lease_row l;

	err_clear(&err);
	assert_int_equal(store_lease_take(s, "img", false, &err), -1);
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_non_null(strstr(err.msg, pid_text));
	assert_non_null(strstr(err.msg, "since 20"));
	/* Force does not take it from an owner that is well. */
	assert_int_equal(store_lease_take(s, "img", true, &err), -1);
	ok(store_lease_get(s, "img", &l, &err));
	assert_true(l.alive);
	assert_false(l.own);
	assert_false(l.stale);
	lease_row_done(&l);

	/* Killed, and not yet waited for by its parent: dead all the same. */
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	ok(store_lease_take(s, "img", false, &err));
	assert_non_null(store_lease_former(s));
	assert_non_null(strstr(store_lease_former(s), pid_text));
	kill_child(pid);

	ok(store_lease_take(s, "img", false, &err)); /* renewing is no taking over */
	assert_null(store_lease_former(s));
	ok(store_lease_heartbeat(s, "img", &err));
	ok(store_lease_release(s, "img", &err));
	assert_int_equal(store_lease_get(s, "img", &l, &err), 1);
	assert_int_equal(store_lease_heartbeat(s, "img", &err), -1);
	assert_int_equal(err.kind, ERR_LOCKED);
}

static void test_lease_force(void **state)
{
	pid_t pid = child_with_store(take_img);
	_cleanup_store_ struct store *s = open_store();

	age_lease(s);
	assert_int_equal(store_lease_take(s, "img", false, &err), -1);
	assert_non_null(strstr(err.remedy, "-F"));
	ok(store_lease_take(s, "img", true, &err));
	assert_non_null(store_lease_former(s));
	kill_child(pid);
}

/* A process with the owner's pid but another start time is another process. */
static void test_lease_recycled_pid(void **state)
{
	pid_t pid = child_with_store(take_img);
	_cleanup_store_ struct store *s = open_store();

	ok(store_run(s, &err, "UPDATE lease SET start = start - 1", ""));
	ok(store_lease_take(s, "img", false, &err));
	assert_non_null(store_lease_former(s));
	kill_child(pid);
}

static void test_lease_other_host(void **state)
{
	_cleanup_store_ struct store *s = open_store();

	ok(store_lease_take(s, "img", false, &err));
	ok(store_run(s, &err, "UPDATE lease SET host = 'elsewhere'", ""));
	assert_int_equal(store_lease_take(s, "img", false, &err), -1);
	assert_non_null(strstr(err.msg, "elsewhere"));
	age_lease(s);
	ok(store_lease_take(s, "img", false, &err));
}

/* --- files --- */

static void set_user_version(const char *sql)
{
	struct store *s = open_store();

	ok(store_run(s, &err, sql, ""));
	store_close(s);
}

static void test_newer_schema(void **state)
{
	struct store *s = NULL;

	set_user_version("PRAGMA user_version = 99");
	err_clear(&err);
	assert_int_equal(store_open(&s, dir, &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.msg, "nim.db"));
	assert_non_null(strstr(err.msg, "version 99"));
	assert_null(s);
}

static void test_foreign_database(void **state)
{
	struct store *s = NULL;

	set_user_version("PRAGMA application_id = 1");
	assert_int_equal(store_open(&s, dir, &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.msg, "another program"));
}

static void test_no_database(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/nim.db", dir);
	_cleanup_str_ struct str garbage = STR_INIT, after = STR_INIT;
	struct store *s = NULL;

	for (int i = 0; i < 1000; i++)
		str_add(&garbage, "no database ");
	ok(files_write_atomic(path, garbage.p, garbage.len, 0600, &err));
	assert_int_equal(store_open(&s, dir, &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.msg, path));
	ok(files_read(path, 1 << 20, &after, &err));
	assert_string_equal(str_c(&after), str_c(&garbage));
}

static void test_migration(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/nim.db", dir);
	struct stat st;

	/* An empty file is version 0. */
	ok(files_write_atomic(path, "", 0, 0600, &err));
	store_close(open_store());

	_cleanup_store_ struct store *s = open_store();
	_cleanup_stmt_ sqlite3_stmt *mode = store_query(s, &err, "PRAGMA journal_mode",
							"");
	_cleanup_stmt_ sqlite3_stmt *sync = store_query(s, &err, "PRAGMA synchronous",
							"");
	_cleanup_stmt_ sqlite3_stmt *keys = store_query(s, &err, "PRAGMA foreign_keys",
							"");

	assert_int_equal(store_step(s, mode, &err), 1);
	assert_string_equal(store_column(mode, 0), "wal");
	assert_int_equal(store_step(s, sync, &err), 1);
	assert_int_equal(sqlite3_column_int(sync, 0), 2);
	assert_int_equal(store_step(s, keys, &err), 1);
	assert_int_equal(sqlite3_column_int(keys, 0), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Many processes that open a new state directory at once make one schema. */
static void test_open_together(void **state)
{
	pid_t pids[8];
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			_cleanup_free_ char *name = xasprintf("obj%zu", i);
			struct store *s = NULL;

			_exit(store_open(&s, dir, &err) < 0 ||
			      store_object_define(s, name, "script", &err) < 0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}

	_cleanup_store_ struct store *s = open_store();
	_cleanup_strv_ struct strv names = STRV_INIT;

	ok(store_object_list(s, NULL, NULL, &names, &err));
	assert_int_equal(names.n, ARRAY_SIZE(pids));
}

static void test_full(void **state)
{
	_cleanup_store_ struct store *s = open_store();
	_cleanup_str_ struct str big = STR_INIT;
	_cleanup_stmt_ sqlite3_stmt *limit = NULL;

	for (int i = 0; i < 100000; i++)
		str_add(&big, "0123456789");
	ok(store_object_define(s, "kept", "script", &err));
	limit = store_query(s, &err, "PRAGMA max_page_count = 40", "");
	assert_int_equal(store_step(s, limit, &err), 1);
	err_clear(&err);
	ok(store_begin(s, &err));
	ok(store_object_define(s, "lost", "script", &err));
	assert_int_equal(store_attr_set(s, "lost", "comments", str_c(&big), &err), -1);
	store_rollback(s);
	assert_int_equal(err.kind, ERR_OPERATOR);
	assert_non_null(strstr(err.msg, "no space left"));
	assert_non_null(strstr(err.msg, "nim.db"));
	assert_non_null(strstr(err.remedy, "df -h"));
	assert_true(store_object_exists(s, "kept"));
	assert_false(store_object_exists(s, "lost"));
	ok(store_object_define(s, "after", "script", &err));
}

static int setup(void **state)
{
	dir = xstrdup("/tmp/test-store-XXXXXX");
	err_clear(&err);
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	int rc = files_rmtree(dir, NULL, &err);

	free(dir);
	return rc;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_objects),
		TEST(test_repeated_attributes),
		TEST(test_object_errors),
		TEST(test_nested),
		TEST(test_jobs),
		TEST(test_allocations),
		TEST(test_subject_of_job),
		TEST(test_journal),
		TEST(test_killed_writer),
		TEST(test_crash_point),
		TEST(test_lease),
		TEST(test_lease_force),
		TEST(test_lease_recycled_pid),
		TEST(test_lease_other_host),
		TEST(test_newer_schema),
		TEST(test_foreign_database),
		TEST(test_no_database),
		TEST(test_migration),
		TEST(test_open_together),
		TEST(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
