/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkg-driver SPOT LPP ROOT WORK RELEASE SCRIPT_TIMEOUT STEP...: runs steps of the package backend on a tree, in the
 * sandbox, without a job around it. For tests and measurements. Steps: plan fetch prepare bos rest
 * finish verify-bos verify usrmerge rpm. Each step's seconds are printed.
 * "plan" writes WORK/plan.json and WORK/missing, whose archives "fetch" brings into the lpp_source.
 */
#include "base/parse.h"
#include "pkg/lpp.h"
#include "pkg/pkg.h"
#include "pkg/rpm.h"
#include "sandbox/sandbox.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/mount.h"

static void print_event(struct event_sink *sink, const struct event *ev)
{
	if (ev->type == EVENT_STEP || ev->type == EVENT_WARNING ||
	    (ev->type == EVENT_OUTPUT && getenv("PKG_DRIVER_OUTPUT")))
		printf("%s: %s\n", event_type_name(ev->type), ev->text);
	fflush(stdout);
}

static int run_plan(const struct pkg_ctx *c, const struct pkg_backend *b,
		    const char *plan_path, struct err *err)
{
	_cleanup_(pkg_plan_done) struct pkg_plan plan = PKG_PLAN_INIT;
	_cleanup_strv_ struct strv missing = STRV_INIT;

	if (b->plan(c, &plan, &missing, err) < 0 ||
	    pkg_plan_save(&plan, plan_path, err) < 0)
		return -1;
	_cleanup_free_ char *text = strv_join(&missing, "\n");
	_cleanup_free_ char *path = xasprintf("%s/missing", c->work_dir);
	printf("%zu items, %zu archives missing\n", plan.n, missing.n);
	if (files_write_atomic(path, text, strlen(text), 0644, err) < 0)
		return -1;
	return 0;
}

static int run_fetch(const struct pkg_ctx *c, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/missing", c->work_dir);
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_strv_ struct strv missing = STRV_INIT;

	if (files_read(path, 0, &text, err) < 0)
		return -1;
	strv_split(&missing, str_c(&text), "\n");
	return missing.n > 0 ? lpp_fetch(c->lpp_dir, &missing, c->events, err) : 0;
}

static int run_verify(const struct pkg_ctx *c, const struct pkg_backend *b,
		      const struct pkg_plan *plan, bool bos_only, struct err *err)
{
	struct findings fs = FINDINGS_INIT;
	int r = b->verify(c, plan, bos_only, &fs, err);

	for (size_t i = 0; i < fs.n; i++)
		printf("%s %s: %s\n%s", finding_severity_name(fs.v[i].severity),
		       fs.v[i].id, fs.v[i].title, fs.v[i].evidence);
	if (r == 0 && findings_count(&fs, FINDING_INHIBIT) > 0)
		r = 1;
	findings_done(&fs);
	return r;
}

static int run_step(const struct pkg_ctx *c, const char *step, struct err *err)
{
	const struct pkg_backend *b = pkg_backend_for(c->root);
	_cleanup_(pkg_plan_done) struct pkg_plan plan = PKG_PLAN_INIT;
	_cleanup_free_ char *plan_path = xasprintf("%s/plan.json", c->work_dir);

	if (!b)
		return err_set(err, ERR_UNFIT, "no package system in %s", c->root->path);
	if (streq(step, "plan"))
		return run_plan(c, b, plan_path, err);
	if (streq(step, "fetch"))
		return run_fetch(c, err);
	if (streq(step, "usrmerge"))
		return b->merge_usr(c, err);
	if (streq(step, "rpm"))
		return rpm_install_images(c, err);
	if (pkg_plan_load(&plan, plan_path, err) < 0)
		return -1;
	if (streq(step, "prepare"))
		return b->prepare(c, err);
	if (streq(step, "bos"))
		return b->apply_bos(c, &plan, err);
	if (streq(step, "rest"))
		return b->apply_rest(c, &plan, err);
	if (streq(step, "finish"))
		return b->finish(c, err);
	if (streq(step, "verify") || streq(step, "verify-bos"))
		return run_verify(c, b, &plan, streq(step, "verify-bos"), err);
	return err_set(err, ERR_USAGE, "no step %s", step);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_runner_ struct runner *run = NULL;
	struct event_sink sink = { .emit = print_event };
	struct events events = { .phase = -1 };
	uint64_t script_timeout = 0;

	if (argc < 8) {
		fputs("usage: pkg-driver SPOT LPP ROOT WORK RELEASE SCRIPT_TIMEOUT STEP...\n",
		      stderr);
		return 2;
	}
	struct sandbox_config cfg = { .spot = argv[1],
				      .root = argv[3],
				      .lpp_source = argv[2] };
	events_add_sink(&events, &sink);
	int r = root_open(&root, argv[3], &err);
	if (r == 0)
		r = parse_u64(argv[6], &script_timeout, &err);
	if (r == 0)
		r = sandbox_new(&run, &cfg, &err);
	struct pkg_ctx c = { .root = &root,
			     .run = run,
			     .events = &events,
			     .lpp_dir = argv[2],
			     .work_dir = argv[4],
			     .release = argv[5],
			     .script_timeout_s = (unsigned)script_timeout };
	for (int i = 7; i < argc && r == 0; i++) {
		double start = clock_mono();
		r = run_step(&c, argv[i], &err);
		printf("%s %.2f s\n", argv[i], clock_mono() - start);
	}
	if (r < 0)
		fprintf(stderr, "pkg-driver: %s\n%s\n", err.msg, err.remedy);
	return r < 0 ? 1 : r;
}
