/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clone on its client, and the place where the master sees it. */
#include "phase/awake.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "model/json.h"
#include "phase/disk.h"
#include "phase/parts.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/mount.h"

/* The holder unmounts, and ends its connection (nfs.c). */
#define END_WAIT_S 60

bool awake_is_in(const struct job *job)
{
	return job->spec.mode == 'W';
}

/* --- on the client --- */

int awake_preflight(const struct phase_ctx *c, struct transport *t, struct findings *fs,
		    struct err *err)
{
	static const char *const args[] = { "lspv", "--json", NULL };
	_cleanup_str_ struct str out = STR_INIT;
	const struct client_call call = { .args = args,
					  .events = c->events,
					  .out = &out };
	bool found = false;

	if (client_run(t, &call, err) < 0)
		return -1;
	char *cursor = out.p;
	for (char *line; cursor && (line = next_line(&cursor)) != NULL;) {
		_cleanup_json_ json_t *o = json_loads(line, 0, NULL);
		const char *role = json_field(o, "role");

		/* after a boot from the clone, what ran before is the one that sleeps */
		found |= streq(role, "altinst_rootvg") || streq(role, "old_rootvg");
	}
	if (found)
		findings_add(fs, "client.clone", FINDING_PASS,
			     "The client has an alternate root", DISK_ALT_INST, "");
	else
		findings_add(fs, "client.clone", FINDING_INHIBIT,
			     "The client has no alternate root",
			     "none of its disks has a clone",
			     "on the client: lspv; alt_disk_copy -d DISK makes one");
	return 0;
}

int awake_begin(const struct phase_ctx *c, struct err *err)
{
	_cleanup_free_ char *top = xasprintf("%s/alt_inst", c->job->state_dir);
	_cleanup_transport_ struct transport *t = NULL;

	/* what users of this machine must not run will be in there */
	if (files_mkdirs(top, 0700, err) < 0 || client_open(&t, c, err) < 0 ||
	    client_claim(t, c, err) < 0)
		return -1;
	return disk_wake(c, t, err);
}

int awake_sleep(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;

	if (client_open(&t, c, err) < 0)
		return -1;
	return disk_sleep(c, t, err);
}

/* --- on the master --- */

/* Beside the place, where it is also found when the cache is mounted for jobs alone. */
static char *lock_path(const struct job *job)
{
	return xasprintf("%s/alt_inst/.%s.lock", job->state_dir, job->spec.subject);
}

bool awake_is_held(const struct job *job)
{
	_cleanup_free_ char *path = lock_path(job);
	struct err err = { 0 };

	if (!files_exists(path))
		return false;
	_cleanup_close_ int fd = lock_file(path, 0, &err);
	return fd < 0 && err.kind == ERR_LOCKED;
}

static int is_seen(void *arg, struct err *err)
{
	return mount_is_mountpoint(arg);
}

/* A mounted part of the tree, and what brings it back. */
struct shown {
	char *place;
	int copy;
};

static int unmount_one(struct shown *s, struct err *err)
{
	if (!mount_is_mountpoint(s->place))
		return 0;
	s->copy = mount_copy(s->place, false, err);
	return s->copy < 0 ? -1 : mount_umount(s->place, err);
}

/* All of it or nothing: what is written below a part that is missing would go to the one above. */
static int unmount(void *arg, struct err *err)
{
	const struct phase_ctx *c = arg;
	_cleanup_parts_ struct parts parts = PARTS_INIT;
	struct err second = { 0 };
	int rc = 0;

	parts_of_job(c->job, &parts);
	_cleanup_free_ struct shown *v = xcalloc(parts.n, sizeof(*v));
	size_t i = parts.n;

	while (rc == 0 && i-- > 0) {
		v[i] = (struct shown){
			xasprintf("%s%s", c->job->alt_inst, parts.v[i].path), -1
		};
		rc = unmount_one(&v[i], err);
	}
	for (size_t k = rc < 0 ? i + 1 : parts.n; k < parts.n; k++)
		if (v[k].copy >= 0 && mount_put(v[k].copy, v[k].place, &second) < 0)
			err_prefix(err, "%s", second.msg);
	for (size_t k = 0; k < parts.n; k++) {
		if (v[k].place)
			close_p(&v[k].copy);
		free(v[k].place);
	}
	return rc;
}

/* It stays mounted where somebody is in it: what was written so far is not all that will be. */
static int hide(const struct phase_ctx *c, struct err *err)
{
	if (mount_in_first(unmount, (void *)(uintptr_t)c, err) == 0)
		return 0;
	return err_prefix(err, "the clone of %s", c->job->spec.client);
}

int awake_hold(const struct phase_ctx *c, int *lock, struct err *err)
{
	const struct job *job = c->job;
	_cleanup_free_ char *path = lock_path(job);

	if (files_mkdirs(job->alt_inst, 0755, err) < 0)
		return -1;
	_cleanup_close_ int fd = lock_file(path, 0, err);
	/* what a holder that was killed has left is of a connection that nobody renews */
	if (fd < 0 || hide(c, err) < 0 || common_attach(c, err) < 0 ||
	    mount_publish(job->alt_inst, err) < 0)
		return -1;
	*lock = TAKE_FD(fd);
	return 0;
}

static pid_t holder(const char *path)
{
	_cleanup_str_ struct str text = STR_INIT;
	struct err ignored = { 0 };
	int pid = 0;

	if (files_read(path, 64, &text, &ignored) < 0 ||
	    sscanf(str_c(&text), "%d", &pid) != 1)
		return 0;
	return pid;
}

/* Whose lock it is, is alive: so the number is still its own. */
static int end_holder(const struct job *job, struct err *err)
{
	_cleanup_free_ char *path = lock_path(job);

	if (!awake_is_held(job))
		return 0;
	pid_t pid = holder(path);
	if (pid > 1 && kill(pid, SIGTERM) < 0 && errno != ESRCH)
		return err_set_errno(err, ERR_OPERATOR, "cannot end process %d",
				     (int)pid);
	_cleanup_close_ int fd = lock_file(path, END_WAIT_S, err);
	if (fd >= 0)
		return 0;
	err_prefix(err, "the process that holds the clone of %s does not end",
		   job->spec.client);
	return err_remedy(err, "kill -KILL %d", (int)pid);
}

int awake_end(const struct phase_ctx *c, bool *lost, struct err *err)
{
	const struct job *job = c->job;
	int seen = mount_in_first(is_seen, job->alt_inst, err);

	if (seen < 0)
		return -1;
	*lost = !seen;
	/* the holder answers for what is unmounted */
	if (hide(c, err) < 0)
		return -1;
	return end_holder(job, err);
}

int awake_remove(const struct job *job, struct err *err)
{
	_cleanup_free_ char *path = lock_path(job);

	if (rmdir(job->alt_inst) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s",
				     job->alt_inst);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "cannot remove %s", path);
	return 0;
}
