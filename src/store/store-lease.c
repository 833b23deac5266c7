/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases: who works on a subject. The owner is known by host, boot, pid and the process's start time. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <time.h>

#include "store/store-internal.h"
#include "sys/clock.h"

#define HEARTBEAT_STALE_S 60

struct owner {
	char host[HOST_NAME_MAX + 1];
	char boot[64];
	int64_t pid, start;
};

/* A small file of /proc into buf, without the newline at its end; "" when it is not there. */
static void read_proc(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[MAX(n, (ssize_t)0)] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

/* Start time of a process in ticks since boot; -1: there is none, or it has ended and waits for its parent. */
static int64_t process_start(int64_t pid)
{
	char path[64], buf[1024], *p, *state;
	int64_t start = -1;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	read_proc(path, buf, sizeof(buf));
	/* The second field is the command in parentheses and may hold anything. */
	p = strrchr(buf, ')');
	if (!p)
		return -1;
	p++;
	state = next_field(&p);
	if (!state || *state == 'Z' || *state == 'X')
		return -1;
	for (int field = 4; p && field < 22; field++)
		next_field(&p);
	p = p ? next_field(&p) : NULL;
	return p && sscanf(p, "%" SCNd64, &start) == 1 ? start : -1;
}

/* Read once: who looks at a thousand leases compares each with this. */
static void owner_self(struct owner *o)
{
	static _Thread_local struct owner self;

	if (self.pid != getpid()) {
		self = (struct owner){ .pid = getpid() };
		gethostname(self.host, sizeof(self.host) - 1);
		read_proc("/proc/sys/kernel/random/boot_id", self.boot,
			  sizeof(self.boot));
		self.start = process_start(self.pid);
	}
	*o = self;
}

static char *user_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	if (getuid() == 0 && sudo && *sudo)
		return xstrdup(sudo);
	return pw ? xstrdup(pw->pw_name) : xasprintf("uid %u", (unsigned)getuid());
}

void lease_row_done(struct lease_row *l)
{
	free(l->host);
	free(l->user);
	free(l->since);
	*l = (struct lease_row){ 0 };
}

static void judge(struct lease_row *l, const char *boot, int64_t start)
{
	struct owner self;

	owner_self(&self);
	l->same_host = streq(l->host, self.host);
	l->stale = l->silent_s > HEARTBEAT_STALE_S;
	if (l->same_host)
		l->alive = streq(boot, self.boot) && start >= 0 &&
			   process_start(l->pid) == start;
	else
		l->alive = !l->stale;
	l->own = l->same_host && l->alive && l->pid == self.pid;
}

int store_lease_get(struct store *s, const char *subject, struct lease_row *ret,
		    struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt =
		store_query(s, err,
			    "SELECT host, boot, pid, start, user, since, heartbeat"
			    " FROM lease WHERE subject = ?",
			    "t", subject);
	int rc = stmt ? store_step(s, stmt, err) : -1;

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct lease_row){
		.host = store_column_dup(stmt, 0),
		.pid = sqlite3_column_int64(stmt, 2),
		.user = store_column_dup(stmt, 4),
		.since = store_column_dup(stmt, 5),
		.silent_s = time(NULL) - sqlite3_column_int64(stmt, 6),
	};
	judge(ret, store_column(stmt, 1), sqlite3_column_int64(stmt, 3));
	return 0;
}

static char *describe(const struct lease_row *l)
{
	return xasprintf("process %" PRId64 " of %s on %s, since %s", l->pid, l->user,
			 l->host, l->since);
}

static int refuse(const char *subject, const struct lease_row *l, struct err *err)
{
	_cleanup_free_ char *who = describe(l);

	err_set(err, ERR_LOCKED, "'%s' is locked by %s", subject, who);
	if (l->stale)
		return err_remedy(err,
				  "it has been silent for %" PRId64
				  " s: look whether it is stuck, end it, or break the "
				  "lease with -F",
				  l->silent_s);
	return err_remedy(err, "wait for it, or look what it does: nimadm --status");
}

static int write_lease(struct store *s, const char *subject, struct err *err)
{
	_cleanup_free_ char *user = user_name();
	char stamp[CLOCK_STAMP_LEN];
	struct owner self;

	owner_self(&self);
	return store_run(s, err,
			 "INSERT OR REPLACE INTO lease"
			 " (subject, host, boot, pid, start, user, since, heartbeat)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			 "tttiitti", subject, self.host, self.boot, self.pid, self.start,
			 user, clock_now(stamp), (int64_t)time(NULL));
}

static int take(struct store *s, const char *subject, bool force, struct err *err)
{
	struct lease_row l = { 0 };
	int rc = store_lease_get(s, subject, &l, err);

	free(s->lease_former);
	s->lease_former = NULL;
	if (rc == 0 && l.alive && !l.own && !(force && l.stale))
		rc = refuse(subject, &l, err);
	else if (rc == 0 && !l.own)
		s->lease_former = describe(&l);
	if (rc >= 0 && l.own)
		rc = store_lease_heartbeat(s, subject, err);
	else if (rc >= 0)
		rc = write_lease(s, subject, err);
	lease_row_done(&l);
	return rc;
}

int store_lease_take(struct store *s, const char *subject, bool force, struct err *err)
{
	if (store_begin(s, err) < 0)
		return -1;
	return store_end(s, take(s, subject, force, err), err);
}

const char *store_lease_former(const struct store *s)
{
	return s->lease_former;
}

int store_lease_heartbeat(struct store *s, const char *subject, struct err *err)
{
	struct owner self;

	owner_self(&self);
	if (store_run(s, err,
		      "UPDATE lease SET heartbeat = ? WHERE subject = ? AND host = ?"
		      " AND boot = ? AND pid = ? AND start = ?",
		      "ittt"
		      "ii",
		      (int64_t)time(NULL), subject, self.host, self.boot, self.pid,
		      self.start) < 0)
		return -1;
	if (sqlite3_changes(s->db) == 0)
		return err_set(err, ERR_LOCKED, "the lease of '%s' was taken away",
			       subject);
	return 0;
}

int store_lease_release(struct store *s, const char *subject, struct err *err)
{
	struct owner self;

	owner_self(&self);
	return store_run(s, err,
			 "DELETE FROM lease WHERE subject = ? AND host = ? AND boot = ?"
			 " AND pid = ? AND start = ?",
			 "tttii", subject, self.host, self.boot, self.pid, self.start);
}
