/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the executables of /etc/nimadm/merge.d: on the master and as root, for they are the master's administrator's. */
#include "merge/hooks.h"

#include "merge/method.h"
#include "sys/files.h"

#define HOOKS_DIR     "/etc/nimadm/merge.d"
#define HOOKS_TIMEOUT 3600

static bool good_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-";
	return *name && name[strspn(name, allowed)] == '\0';
}

static void on_line(void *arg, const char *line, bool is_err)
{
	struct events *events = arg;
	if (events)
		events_output(events, line);
}

static int hook_run(const struct merge_ctx *c, const char *path, const struct strv *env,
		    struct err *err)
{
	if (c->events)
		events_step(c->events, "Merging: %s", path);
	const char *argv[] = { path, NULL };
	struct proc_spec spec = { .argv = argv,
				  .env = strv_argv(env),
				  .timeout_s = HOOKS_TIMEOUT,
				  .on_line = on_line,
				  .arg = c->events };
	if (runner_check(runner_local(), &spec, err) < 0) {
		err_prefix(err, "merge hook %s", path);
		return err_remedy(err, "correct the hook or take it away");
	}
	return 0;
}

int hooks_run(const struct merge_ctx *c, enum merge_stage stage, struct err *err)
{
	const char *dir = c->hooks_dir ? c->hooks_dir : HOOKS_DIR;
	if (!files_is_dir(dir))
		return 0;
	_cleanup_root_ struct root r = ROOT_INIT;
	_cleanup_strv_ struct strv names = STRV_INIT, env = STRV_INIT;
	if (root_open(&r, dir, err) < 0 || root_list(&r, "/", &names, err) < 0)
		return -1;
	strv_addf(&env, "NIM_MERGE_STAGE=%s",
		  stage == MERGE_BEFORE_PACKAGES ? "before" : "after");
	strv_addf(&env, "NIM_ALT_INST=%s", c->root->path);
	strv_addf(&env, "NIM_OLD_ROOT=%s", c->old_root->path);
	strv_addf(&env, "NIM_RELEASE=%s", c->release);
	strv_addf(&env, "NIM_FROM_RELEASE=%s", c->from_release);
	strv_addf(&env, "NIM_JOB_DIR=%s", c->work_dir);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names.v[i]);
		struct stat st;
		if (!good_name(names.v[i]) || stat(path, &st) < 0 ||
		    !S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
			continue;
		if (hook_run(c, path, &env, err) < 0)
			return -1;
		method_changed(c, "hooks", path, "run");
	}
	return 0;
}
