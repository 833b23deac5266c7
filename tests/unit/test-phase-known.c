/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of an overlay without reading it is what reading it tells. Needs root; skipped without. */
#include "mount-bed.h"
#include "phase/nfs.h"
#include "phase/parts.h"
#include "sys/files.h"
#include "sys/proc.h"

struct bed {
	struct job job;
	struct parts parts;
	struct strv mounts;
};

static void manifest_of(const struct bed *b, const char *tree, const char *name,
			struct nfs_known *known)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", b->job.dir, name);
	_cleanup_root_ struct root root = ROOT_INIT;
	struct clone_result res;
	struct err err = { 0 };
	const struct clone_job job = {
		.from = &root,
		.mounts = &b->mounts,
		.manifest = path,
		.threads = 2,
		.known = known ? nfs_known : NULL,
		.known_arg = known,
	};

	MUST(root_open(&root, tree, &err) == 0);
	MUST(clone_run(&job, NULL, &res, &err) == 0);
}

static void shell(const char *dir, const char *script)
{
	struct err err = { 0 };
	const char *const argv[] = { "sh", "-euc", script, NULL };
	const struct proc_spec spec = { .argv = argv, .cwd = dir };

	MUST(proc_check(&spec, &err) == 0);
}

static char *text_of(const struct bed *b, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", b->job.dir, name);
	struct str text = STR_INIT;
	struct err err = { 0 };

	MUST(files_read(path, 0, &text, &err) == 0);
	return text.p;
}

static struct bed make_bed(const char *dir)
{
	struct bed b = { 0 };
	struct err err = { 0 };
	_cleanup_free_ char *var = xasprintf("%s/lower/var", dir);

	b.job.dir = xstrdup(dir);
	b.job.lower = xasprintf("%s/lower", dir);
	b.job.alt_inst = xasprintf("%s/alt", dir);
	b.job.upper = xasprintf("%s/upper", dir);
	b.job.work = xasprintf("%s/work", dir);
	b.job.facts = json_loads("{\"parts\": [\"/var\"]}", 0, NULL);
	strv_add(&b.mounts, "/var");
	MUST(files_mkdirs(var, 0755, &err) == 0);
	MUST(files_mkdirs(b.job.alt_inst, 0755, &err) == 0);
	MUST(mount_tmpfs(var, "", &err) == 0);
	shell(b.job.lower,
	      "mkdir -p dir/sub moved/sub gone; for f in same chmod touched replaced dir/sub/deep moved/sub/in gone/f"
	      " var/kept var/written; do echo $f >$f; done; ln -s target link; ln same name; mkfifo fifo;"
	      " truncate -s 1M holes; find . -exec touch -hd @1000000000 {} +");
	manifest_of(&b, b.job.lower, "base.manifest", NULL);
	parts_of_job(&b.job, &b.parts);
	MUST(parts_make(&b.parts, &err) == 0);
	MUST(parts_attach(&b.parts, b.job.lower, b.job.alt_inst, MOUNT_OVERLAY_KEEP_LINKS,
			  &err) == 0);
	return b;
}

/* Everything that a migration does to a tree. */
static void as_read(const char *dir)
{
	struct bed b = make_bed(dir);
	struct err err = { 0 };
	_cleanup_nfs_known_ struct nfs_known *known = NULL;

	shell(b.job.alt_inst,
	      "chmod 4755 chmod; echo rePlaced >new; touch -d @1000000000 new; mv new replaced; mv moved else; rm -r gone;"
	      " mkdir gone; echo again >gone/f; touch -d @1000000000 gone/f; echo more >>var/written;"
	      " echo new >dir/sub/new; chown 5:6 dir/sub; ln -sf other link; ln dir/sub/deep dir/second;"
	      " chown 7 var/kept");
	MUST(nfs_known_open(&known, &b.job, &err) == 0);
	manifest_of(&b, b.job.alt_inst, "read", NULL);
	manifest_of(&b, b.job.alt_inst, "told", known);
	_cleanup_free_ char *read = text_of(&b, "read"), *told = text_of(&b, "told");
	if (!streq(read, told)) {
		fprintf(stderr, "read:\n%s\ntold:\n%s\n", read, told);
		_exit(1);
	}
	MUST(strstr(told, " else/sub/in\n") && !strstr(told, " moved"));
	MUST(strstr(told, "f 4755 ") != NULL);
}

/* What was not written to is not read, nor what had only its attributes changed. */
static void unread(const char *dir)
{
	struct bed b = make_bed(dir);
	struct err err = { 0 };
	_cleanup_nfs_known_ struct nfs_known *known = NULL;

	shell(b.job.alt_inst, "chmod 600 chmod");
	manifest_of(&b, b.job.alt_inst, "before", NULL);
	/* behind the overlay's back, as nothing does: it would be seen by who reads it */
	shell(b.job.lower,
	      "for f in touched chmod var/kept; do cp -p $f stamp; tr a-z A-Z <stamp >$f;"
	      " touch -r stamp $f; done; rm stamp; touch -d @1000000000 .");
	MUST(nfs_known_open(&known, &b.job, &err) == 0);
	manifest_of(&b, b.job.alt_inst, "told", known);
	_cleanup_free_ char *before = text_of(&b, "before"), *told = text_of(&b, "told");
	MUST(streq(before, told));
	manifest_of(&b, b.job.alt_inst, "read", NULL);
	_cleanup_free_ char *read = text_of(&b, "read");
	MUST(!streq(before, read));
}

static void test_as_read(void **state)
{
	in_namespace(as_read);
}

static void test_unread(void **state)
{
	in_namespace(unread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_read),
		cmocka_unit_test(test_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
