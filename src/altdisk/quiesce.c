/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's hooks before and after the snapshot. */
#include "altdisk/quiesce.h"

#define HOOKS	  "/etc/nimadm/quiesce.d"
#define TIMEOUT_S 300

/* Backups of editors and of packages are none. */
static bool is_hook(const struct root *root, const char *path, const char *name)
{
	struct stat st;

	return *name != '.' && !strchr(name, '~') && !strstr(name, ".dpkg-") &&
	       root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 0111);
}

static void take_line(void *arg, const char *line, bool is_err)
{
	events_output(arg, line);
}

static int call(struct quiesce *q, const char *path, const char *when, struct err *err)
{
	const char *const argv[] = { path, when, NULL };
	struct proc_spec spec = {
		.argv = argv,
		.timeout_s = TIMEOUT_S,
		.uncancellable = streq(when, "after"),
		.on_line = take_line,
		.arg = q->events,
	};

	events_step(q->events, "Calling %s %s", path, when);
	return runner_check(q->run, &spec, err);
}

int quiesce_before(struct quiesce *q, const struct root *root, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(root, HOOKS, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", HOOKS, names.v[i]);

		if (!is_hook(root, path, names.v[i]))
			continue;
		strv_add(&q->called, path);
		if (call(q, path, "before", err) < 0) {
			quiesce_after(q);
			return err_remedy(err, "correct the hook, or move it away");
		}
	}
	return 0;
}

void quiesce_after(struct quiesce *q)
{
	while (q->called.n > 0) {
		_cleanup_free_ char *path = q->called.v[--q->called.n];
		struct err err = { 0 };

		q->called.v[q->called.n] = NULL;
		if (call(q, path, "after", &err) < 0)
			events_warning(q->events, "%s", err.msg);
	}
}

void quiesce_done(struct quiesce *q)
{
	quiesce_after(q);
	strv_done(&q->called);
}
