/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of several file systems under overlays of its own. Needs root; skipped without. */
#include <fcntl.h>
#include <sys/stat.h>

#include "mount-bed.h"
#include "phase/parts.h"
#include "sys/files.h"

struct bed {
	struct job job;
	struct parts parts;
};

/* lower has a file system at /var, and one in that at /var/lib. */
static struct bed make_bed(const char *dir, const char *facts)
{
	static const char *const subs[] = { "lower", "alt" };
	struct bed b = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(subs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, subs[i]);
		MUST(files_mkdirs(path, 0755, &err) == 0);
	}
	b.job.lower = xasprintf("%s/lower", dir);
	b.job.alt_inst = xasprintf("%s/alt", dir);
	b.job.upper = xasprintf("%s/upper", dir);
	b.job.work = xasprintf("%s/work", dir);
	b.job.facts = json_loads(facts, 0, NULL);
	put_file(b.job.lower, "top", "top");
	_cleanup_free_ char *var = xasprintf("%s/var", b.job.lower);
	_cleanup_free_ char *lib = xasprintf("%s/lib", var);
	MUST(files_mkdirs(var, 0755, &err) == 0 && mount_tmpfs(var, "", &err) == 0);
	put_file(var, "below", "below");
	MUST(files_mkdirs(lib, 0755, &err) == 0 && mount_tmpfs(lib, "", &err) == 0);
	put_file(lib, "deep", "deep");
	parts_of_job(&b.job, &b.parts);
	MUST(parts_make(&b.parts, &err) == 0);
	return b;
}

static bool there(const char *top, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", top, name);

	return files_exists(path);
}

static void stacked(const char *dir)
{
	struct bed b = make_bed(dir, "{\"parts\": [\"/var\", \"/var/lib\"]}");
	struct err err = { 0 };
	const char *alt = b.job.alt_inst;

	MUST(b.parts.n == 3);
	for (int turn = 0; turn < 2; turn++)
		MUST(parts_attach(&b.parts, b.job.lower, alt, MOUNT_OVERLAY_KEEP_LINKS,
				  &err) == 0);
	MUST(there(alt, "top") && there(alt, "var/below") && there(alt, "var/lib/deep"));
	put_file(alt, "var/lib/new", "new");
	put_file(alt, "new", "new");
	MUST(there(dir, "upper-2/new") && there(dir, "upper/new"));
	MUST(!there(dir, "upper/var") && !there(b.job.lower, "var/lib/new"));
	MUST(parts_release(&b.parts, alt, &err) == 0);
	MUST(!mount_is_mountpoint(alt));

	/* what was written is seen again, and nothing more is */
	MUST(parts_attach(&b.parts, b.job.lower, alt,
			  MOUNT_OVERLAY_KEEP_LINKS | MOUNT_OVERLAY_READ_ONLY, &err) == 0);
	MUST(there(alt, "var/lib/new") && mount_is_read_only(alt));
	MUST(parts_detach(&b.parts, alt, &err) == 0);
	MUST(parts_detach(&b.parts, alt, &err) == 0);
	MUST(!there(alt, "top"));
}

static struct stat stat_of(const char *top, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", top, name);
	struct err err = { 0 };
	struct stat st;

	MUST(stat(path, &st) == 0);
	return st;
}

/* The top directory of each is what it covers. */
static void covered(const char *dir)
{
	struct bed b = make_bed(dir, "{\"parts\": [\"/var\"]}");
	_cleanup_free_ char *var = xasprintf("%s/var", b.job.lower);
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	struct err err = { 0 };

	MUST(chown(var, 5, 6) == 0 && chmod(var, 01777) == 0);
	MUST(chmod(b.job.lower, 0711) == 0);
	MUST(utimensat(AT_FDCWD, var, times, 0) == 0);
	for (int turn = 0; turn < 2; turn++) {
		MUST(parts_attach(&b.parts, b.job.lower, b.job.alt_inst,
				  MOUNT_OVERLAY_PLAIN, &err) == 0);
		struct stat st = stat_of(b.job.alt_inst, "var");
		MUST(st.st_mode == (turn ? (S_IFDIR | 0700) : (S_IFDIR | 01777)));
		MUST(st.st_uid == 5 && st.st_gid == 6 && (turn || st.st_mtime == 2000));
		MUST(stat_of(b.job.alt_inst, "").st_mode == (S_IFDIR | 0711));
		/* what is changed there stays */
		put_file(b.job.alt_inst, "var/new", "new");
		_cleanup_free_ char *changed = xasprintf("%s/var", b.job.alt_inst);
		MUST(chmod(changed, 0700) == 0);
		MUST(parts_release(&b.parts, b.job.alt_inst, &err) == 0);
	}
}

/* A tree between the two: with a third one over it, and by itself. */
static void between(const char *dir)
{
	struct bed b = make_bed(dir, "{\"parts\": [\"/var\"]}");
	const char *alt = b.job.alt_inst;
	struct err err = { 0 };

	MUST(parts_attach(&b.parts, b.job.lower, alt, MOUNT_OVERLAY_PLAIN, &err) == 0);
	put_file(alt, "var/between", "between");
	MUST(parts_release(&b.parts, alt, &err) == 0);
	for (size_t i = 0; i < b.parts.n; i++) {
		struct part *p = &b.parts.v[i];
		p->middle = p->upper;
		p->upper = xasprintf("%s/third-%zu", dir, i);
		p->work = xasprintf("%s/third-work-%zu", dir, i);
	}
	MUST(parts_make(&b.parts, &err) == 0);
	MUST(parts_attach(&b.parts, b.job.lower, alt, MOUNT_OVERLAY_KEEP_LINKS, &err) ==
	     0);
	MUST(there(alt, "var/below") && there(alt, "var/between"));
	put_file(alt, "var/third", "third");
	MUST(parts_release(&b.parts, alt, &err) == 0);
	for (size_t i = 0; i < b.parts.n; i++)
		b.parts.v[i].upper = b.parts.v[i].work = NULL;
	MUST(parts_attach(&b.parts, b.job.lower, alt, MOUNT_OVERLAY_READ_ONLY, &err) ==
	     0);
	MUST(there(alt, "var/between") && there(alt, "var/below"));
	MUST(!there(alt, "var/third") && mount_is_read_only(alt));
	MUST(parts_detach(&b.parts, alt, &err) == 0);
}

/* A single overlay, as of a tree in the cache, does not see what is mounted below. */
static void single(const char *dir)
{
	struct bed b = make_bed(dir, "{}");
	struct err err = { 0 };

	MUST(b.parts.n == 1 && streq(b.parts.v[0].upper, b.job.upper));
	MUST(parts_attach(&b.parts, b.job.lower, b.job.alt_inst, MOUNT_OVERLAY_PLAIN,
			  &err) == 0);
	MUST(there(b.job.alt_inst, "top") && !there(b.job.alt_inst, "var/below"));
	MUST(parts_detach(&b.parts, b.job.alt_inst, &err) == 0);
}

/* The tree is a client's: a link in it leads no mount of ours anywhere; nothing stays mounted. */
static void link_refused(const char *dir)
{
	struct bed b = make_bed(dir, "{\"parts\": [\"/away/lib\"]}");
	_cleanup_free_ char *name = xasprintf("%s/away", b.job.lower);
	_cleanup_free_ char *lib = xasprintf("%s/lib", dir);
	struct err err = { 0 };

	MUST(files_mkdirs(lib, 0755, &err) == 0);
	MUST(symlink(dir, name) == 0);
	MUST(parts_attach(&b.parts, b.job.lower, b.job.alt_inst, MOUNT_OVERLAY_PLAIN,
			  &err) < 0);
	MUST(strstr(err.msg, "/away/lib") != NULL);
	MUST(!mount_is_mountpoint(lib) && !mount_is_mountpoint(b.job.alt_inst));
}

static void test_stacked(void **state)
{
	in_namespace(stacked);
}

static void test_single(void **state)
{
	in_namespace(single);
}

static void test_covered(void **state)
{
	in_namespace(covered);
}

static void test_between(void **state)
{
	in_namespace(between);
}

static void test_link_refused(void **state)
{
	in_namespace(link_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacked),	     cmocka_unit_test(test_single),
		cmocka_unit_test(test_covered),	     cmocka_unit_test(test_between),
		cmocka_unit_test(test_link_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
