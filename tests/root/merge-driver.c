/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the merge methods on two trees, for tests/root/merge.sh:
 *
 *	merge-driver before|after|validate|save OLD NEW WORK FROM TO SPOT [DEBS]
 *
 * SPOT: tool tree for the sandbox. DEBS: directory with NAME_VERSION_ARCH.deb of the old release for pristine files.
 * Prints the findings and the report as JSON.
 */
#include <jansson.h>
#include <stdio.h>

#include "merge/merge.h"
#include "pkg/debfile.h"
#include "sandbox/sandbox.h"
#include "sys/signal.h"

static int pristine(void *arg, const char *pkg, const char *version, const char *arch,
		    const char *path, struct str *out, struct err *err)
{
	const char *debs = arg;
	struct str name = STR_INIT;
	str_addf(&name, "%s/%s_", debs, pkg);
	for (const char *p = version; *p; p++)
		if (*p == ':')
			str_add(&name, "%3a");
		else
			str_addc(&name, *p);
	str_addf(&name, "_%s.deb", arch);
	int rc = access(str_c(&name), R_OK) < 0
			 ? 1
			 : deb_read_member(str_c(&name), path, out, err);
	str_done(&name);
	return rc;
}

static struct runner *make_runner(const char *spot, const char *dir, struct err *err)
{
	struct runner *r = NULL;
	struct sandbox_config cfg = { .spot = spot, .root = dir };
	return sandbox_new(&r, &cfg, err) == 0 ? r : NULL;
}

static int act(const char *what, struct merge_ctx *c, struct err *err)
{
	_cleanup_free_ char *beside = xasprintf("%s/save.tar.zst", c->work_dir);
	if (streq(what, "before"))
		return merge_run(c, MERGE_BEFORE_PACKAGES, err);
	if (streq(what, "after"))
		return merge_run(c, MERGE_AFTER_PACKAGES, err);
	if (streq(what, "validate"))
		return merge_validate(c, err);
	if (streq(what, "save"))
		return merge_save_config(c, beside, err);
	return err_set(err, ERR_USAGE, "unknown action %s", what);
}

static void show(const struct merge_ctx *c)
{
	for (size_t i = 0; i < c->findings->n; i++) {
		const struct finding *f = &c->findings->v[i];
		printf("%s %s: %s\n", finding_severity_name(f->severity), f->id,
		       f->title);
		_cleanup_free_ char *text = xstrdup(f->evidence);
		char *cursor = text;
		for (char *line; (line = next_line(&cursor)) != NULL;)
			printf("    %s\n", line);
		if (*f->remedy)
			printf("    -> %s\n", f->remedy);
	}
	json_dumpf(c->report, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc < 8) {
		fprintf(stderr,
			"usage: merge-driver ACTION OLD NEW WORK FROM TO SPOT [DEBS]\n");
		return 2;
	}
	struct err err = { 0 };
	struct root old = ROOT_INIT, new = ROOT_INIT;
	struct findings findings = FINDINGS_INIT;
	cancel_install();
	struct merge_ctx c = {
		.old_root = &old,
		.root = &new,
		.run_old = make_runner(argv[7], argv[2], &err),
		.run = make_runner(argv[7], argv[3], &err),
		.work_dir = argv[4],
		.from_release = argv[5],
		.release = argv[6],
		.hooks_dir = getenv("NIM_TEST_HOOKS"),
		.findings = &findings,
		.report = json_object(),
	};
	if (argc > 8) {
		c.pristine = pristine;
		c.pristine_arg = argv[8];
	}
	int rc = -1;
	if (c.run && c.run_old && root_open(&old, argv[2], &err) == 0 &&
	    root_open(&new, argv[3], &err) == 0)
		rc = act(argv[1], &c, &err);
	show(&c);
	if (rc < 0)
		fprintf(stderr, "merge-driver: %s\n%s\n", err.msg, err.remedy);
	findings_done(&findings);
	json_decref(c.report);
	runner_free(c.run);
	runner_free(c.run_old);
	root_done(&old);
	root_done(&new);
	return rc < 0 ? err_exit_status(err.kind) : 0;
}
