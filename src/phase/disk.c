/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client program's commands on the alternate disk, and the tree's way to the cache and back. */
#include "phase/disk.h"

#include "model/json.h"
#include "model/manifest.h"
#include "phase/awake.h"
#include "phase/cached.h"
#include "phase/nfs.h"
#include "sys/files.h"

bool disk_is_in(const struct job *job)
{
	/* -W without -d: the only one there is */
	return awake_is_in(job) || (job->spec.disks && *job->spec.disks);
}

static bool is_from_image(const struct job *job)
{
	return !client_is_source(job);
}

/* --- commands --- */

/* The layout that the file systems are made like: with the room that the migration needs. */
static int read_layout(const struct phase_ctx *c, struct layout *ret, struct err *err)
{
	_cleanup_(pkg_plan_done) struct pkg_plan plan = PKG_PLAN_INIT;
	_cleanup_free_ char *path = common_plan_path(c);

	if (common_layout(c, ret, err) < 0)
		return -1;
	/* no plan: something else inhibits */
	if (!files_exists(path))
		return 0;
	if (common_plan_load(c, &plan, err) < 0)
		return -1;
	common_grow(ret, &plan, c->events);
	return 0;
}

/* The same as a command's standard input. */
static int open_layout(const struct phase_ctx *c, struct err *err)
{
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (read_layout(c, &l, err) < 0)
		return -1;
	layout_write(&l, &text);
	_cleanup_close_ int fd = files_nameless(c->job->dir, err);
	if (fd < 0)
		return -1;
	if (files_pwrite_all(fd, str_c(&text), text.len, 0) < 0)
		return err_set_errno(err, ERR_OPERATOR, "%s", c->job->dir);
	return TAKE_FD(fd);
}

static int call(const struct phase_ctx *c, struct transport *t, const struct strv *args,
		int in_fd, struct err *err)
{
	const struct client_call how = { .args = strv_argv(args),
					 .events = c->events,
					 .in_fd = in_fd };

	return client_run(t, &how, err);
}

/* alt_disk_copy, or make-root for what an image fills, with these phases. Phase 1 may take what is ours on the target with -F,
 * or when it is run again: what it has begun then is its own. */
static int alt_disk(const struct phase_ctx *c, struct transport *t, const char *phases,
		    const char *extra, struct err *err)
{
	const struct job *job = c->job;
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_close_ int in = -1;
	/* its sizes are those of phase 1; an image's names are needed later, too */
	bool layout = is_from_image(job) || streq(phases, "1");

	strv_add_all(&args, is_from_image(job) ? "make-root" : "alt_disk_copy", "--json",
		     "-P", phases, "-d", job->spec.disks, NULL);
	if (extra)
		strv_add(&args, extra);
	if (streq(phases, "1") &&
	    (job->spec.force || json_is_true(common_fact(c, "clone_begun"))))
		strv_add(&args, "-F");
	if (layout && job->spec.unmirror)
		strv_add(&args, "--unmirror");
	if (layout && !is_from_image(job))
		strv_add_all(&args, "-i", "/proc/self/fd/0", NULL);
	if (layout) {
		in = open_layout(c, err);
		if (in < 0)
			return -1;
	}
	return call(c, t, &args, in < 0 ? 0 : in, err);
}

static int rootvg_op(const struct phase_ctx *c, struct transport *t, const char *op,
		     struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;

	strv_add_all(&args, "alt_rootvg_op", "--json", op, NULL);
	if (*c->job->spec.disks)
		strv_add_all(&args, "-d", c->job->spec.disks, NULL);
	return call(c, t, &args, 0, err);
}

int disk_wake(const struct phase_ctx *c, struct transport *t, struct err *err)
{
	return rootvg_op(c, t, "-W", err);
}

int disk_sleep(const struct phase_ctx *c, struct transport *t, struct err *err)
{
	return rootvg_op(c, t, "-S", err);
}

/* --- the pre-flight --- */

static int check_tools(const struct phase_ctx *c, struct transport *t,
		       struct findings *fs, struct err *err)
{
	const char *const args[] = { "check", "--json", NULL };
	_cleanup_str_ struct str out = STR_INIT;
	const struct client_call how = { .args = args, .events = c->events, .out = &out };
	struct err lacks = { 0 };

	/* what is missing is among what it prints */
	if (client_run(t, &how, &lacks) < 0 && lacks.kind != ERR_UNFIT) {
		*err = lacks;
		return -1;
	}
	char *cursor = out.p;
	for (char *line; cursor && (line = next_line(&cursor)) != NULL;) {
		_cleanup_json_ json_t *o = json_loads(line, 0, NULL);
		const char *id = json_field(o, "id"), *title = json_field(o, "title");

		if (streq(json_field(o, "severity"), "INHIBIT") && *id && *title) {
			_cleanup_free_ char *name = xasprintf("client.%.60s", id);
			_cleanup_free_ char *what = xasprintf("%.200s", title);
			_cleanup_free_ char *next = xasprintf("on the client: %.200s",
							      json_field(o, "remedy"));
			findings_add(fs, name, FINDING_INHIBIT,
				     "The client lacks what a clone needs", what, next);
		}
	}
	return 0;
}

int disk_preflight(const struct phase_ctx *c, struct transport *t, struct findings *fs,
		   struct err *err)
{
	struct err unfit = { 0 };

	if (check_tools(c, t, fs, err) < 0 ||
	    (nfs_is_in(c->job) && nfs_preflight(c, t, fs, err) < 0))
		return -1;
	if (alt_disk(c, t, "1", "--preview", &unfit) == 0) {
		findings_add(fs, "client.disks", FINDING_PASS,
			     "The target disks can take the system", c->job->spec.disks,
			     "");
		return 0;
	}
	if (unfit.kind != ERR_UNFIT && unfit.kind != ERR_NOTFOUND) {
		*err = unfit;
		return -1;
	}
	findings_add(fs, "client.disks", FINDING_INHIBIT,
		     "The target disks cannot take the system", unfit.msg,
		     *unfit.remedy ? unfit.remedy : "name other disks with -d");
	return 0;
}

/* --- phases 1 and 11 --- */

/* From here on the layout is that of what was made. */
static int keep_layout(const struct phase_ctx *c, struct err *err)
{
	_cleanup_layout_ struct layout l = LAYOUT_INIT;

	if (read_layout(c, &l, err) < 0)
		return -1;
	return common_layout_save(c, &l, err);
}

int disk_make(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;

	if (client_open(&t, c, err) < 0 || client_claim(t, c, err) < 0 ||
	    (!json_is_true(common_fact(c, "clone_begun")) &&
	     alt_disk(c, t, "1", "--preview", err) < 0) ||
	    common_fact_set(c, "clone_begun", json_true(), err) < 0 ||
	    alt_disk(c, t, "1", NULL, err) < 0 || keep_layout(c, err) < 0)
		return -1;
	/* an empty tree: all of the new one will be what changed */
	return is_from_image(c->job) ? disk_base(c, t, err) : 0;
}

int disk_verify(const struct phase_ctx *c, struct err *err)
{
	const char *const argv[] = { "mountpoint", "-q", DISK_ALT_INST, NULL };
	_cleanup_transport_ struct transport *t = NULL;
	struct proc_spec spec = { .argv = argv, .timeout_s = 60 };
	struct proc_result res;

	if (client_open(&t, c, err) < 0)
		return -1;
	int rc = runner_run(transport_runner(t), &spec, &res, err);
	if (rc > 0)
		return err_set(err, ERR_OPERATOR,
			       "client %s: there is no clone at " DISK_ALT_INST,
			       c->job->spec.client);
	return rc;
}

int disk_remove(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	struct err own = { 0 };

	if (!json_is_true(common_fact(c, "clone_begun")))
		return 0;
	if (client_open(&t, c, err) < 0)
		return -1;
	if (rootvg_op(c, t, "-X", &own) < 0 && own.kind != ERR_NOTFOUND) {
		*err = own;
		return -1;
	}
	return common_fact_set(c, "clone_begun", json_false(), err);
}

int disk_finish(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;

	if (client_open(&t, c, err) < 0)
		return -1;
	return alt_disk(c, t, "23", c->job->spec.no_bootlist ? "-B" : NULL, err);
}

/* --- the tree --- */

int disk_mounts(struct transport *t, struct strv *ret, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;

	if (transport_script(t, "findmnt -R -r -n -o TARGET " DISK_ALT_INST, 0, &out,
			     err) < 0)
		return -1;
	char *cursor = out.p;
	for (char *line; cursor && (line = next_line(&cursor)) != NULL;) {
		if (!starts_with(line, DISK_ALT_INST "/"))
			continue;
		const char *path = line + strlen(DISK_ALT_INST);
		/* it becomes a part of names here */
		if (!manifest_path_is_safe(path + 1, strlen(path + 1))) {
			_cleanup_free_ char *what = client_clean(line);
			return err_set(err, ERR_OPERATOR,
				       "client %s: '%s' is no place for a mount",
				       transport_name(t), what);
		}
		strv_add(ret, path);
	}
	return 0;
}

struct way {
	struct cached cached;
	struct strv mounts;
	char *keep;
};

static void way_done(struct way *w)
{
	strv_done(&w->mounts);
	free(w->keep);
}

/* The clone may sleep: the client may have been booted meanwhile. */
static int way_open(struct way *w, const struct phase_ctx *c, struct transport *t,
		    struct err *err)
{
	const struct job *job = c->job;
	const char *program;

	if (transport_program(t, &program, err) < 0 ||
	    disk_mounts(t, &w->mounts, err) < 0)
		return -1;
	w->keep = xasprintf("/var/lib/nimadm/job-%lld", (long long)job->id);
	w->cached = (struct cached){
		.run = transport_runner(t),
		.program = program,
		.tree = DISK_ALT_INST,
		.keep = w->keep,
		.mounts = &w->mounts,
		.cache = job->spec.cache,
		.dir = job->dir,
		.lower = job->lower,
		.alt_inst = job->alt_inst,
		.events = c->events,
	};
	return cached_limit(c->store, job->spec.cache, &w->cached.limit, err);
}

static int store_result(const struct phase_ctx *c, const char *key,
			const struct cached_result *r, struct err *err)
{
	return common_fact_set(c, key,
			       json_pack("{s:I, s:I, s:I, s:I, s:I}", "files",
					 (json_int_t)r->files, "bytes",
					 (json_int_t)r->bytes, "moved_files",
					 (json_int_t)r->moved_files, "moved_bytes",
					 (json_int_t)r->moved_bytes, "wire_bytes",
					 (json_int_t)r->packed_bytes),
			       err);
}

int disk_base(const struct phase_ctx *c, struct transport *t, struct err *err)
{
	_cleanup_(way_done) struct way w = { .mounts = STRV_INIT };
	struct cached_result res;

	if (way_open(&w, c, t, err) < 0)
		return -1;
	return cached_base(&w.cached, &res, err);
}

int disk_pull(const struct phase_ctx *c, bool copy, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_(way_done) struct way w = { .mounts = STRV_INIT };
	struct cached_result res;

	if (client_open(&t, c, err) < 0 || disk_wake(c, t, err) < 0 ||
	    way_open(&w, c, t, err) < 0)
		return -1;
	w.cached.copy = copy;
	if (cached_pull(&w.cached, &res, err) < 0)
		return -1;
	return store_result(c, "pull", &res, err);
}

int disk_verify_pull(const struct phase_ctx *c, struct err *err)
{
	const struct cached cached = { .dir = c->job->dir,
				       .lower = c->job->lower,
				       .events = c->events };

	return cached_verify(&cached, err);
}

int disk_push(const struct phase_ctx *c, struct err *err)
{
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_(way_done) struct way w = { .mounts = STRV_INIT };
	_cleanup_nfs_known_ struct nfs_known *known = NULL;
	struct cached_result res;

	if (client_open(&t, c, err) < 0 || disk_wake(c, t, err) < 0 ||
	    way_open(&w, c, t, err) < 0 ||
	    (nfs_is_in(c->job) && nfs_known_open(&known, c->job, err) < 0))
		return -1;
	w.cached.known = known;
	if (cached_push(&w.cached, &res, err) < 0)
		return -1;
	return store_result(c, "push", &res, err);
}
