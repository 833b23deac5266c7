/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roots: nothing in them leads out, and what is written keeps its attributes. Run twice: see test-sys-root-walk.c. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "sys/files.h"
#include "sys/root-lookup.h"
#include "sys/root.h"

#ifdef TEST_WITHOUT_OPENAT2
#include <seccomp.h>
#endif

/* outside/ holds what must never be reached; inside/ is the root. */
struct fixture {
	char *dir;
	struct root root;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = { 0 };

	f->dir = scratch_new();
	f->root = (struct root)ROOT_INIT;
	_cleanup_free_ char *in = xasprintf("%s/inside", f->dir);
	_cleanup_free_ char *out = xasprintf("%s/outside", f->dir);
	_cleanup_free_ char *etc = xasprintf("%s/etc", in);
	if (mkdir(in, 0755) < 0 || mkdir(out, 0755) < 0 || mkdir(etc, 0755) < 0)
		return -1;
	put_file(out, "secret", "secret\n");
	put_file(etc, "passwd", "inside\n");
	_cleanup_free_ char *script = xasprintf(
		"cd '%s' && mkdir -p a/b/c usr/lib loop && "
		"ln -s ../outside up && ln -s ../../../../../.. top && ln -s '%s' abs && "
		"ln -s /etc/passwd pw && ln -s usr/lib lib && ln -s nowhere dangling && "
		"ln -s self self && ln -s ../loop/y loop/x && ln -s x loop/y && "
		"ln -s /a/b/../../etc a/b/c/etc && ln -s .. a/parent && "
		"ln -s etc/ slash && ln -s /proc/self/root magic && mkfifo pipe && "
		"ln -s . dot && ln -s /../../../etc/passwd climb && echo x > a/b/file",
		in, out);
	/* A fixture may use the shell; the code under test may not. */
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-ec", script, (char *)NULL);
		_exit(127);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	*state = f;
	return status == 0 && root_open(&f->root, in, &err) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	root_done(&f->root);
	scratch_free(f->dir);
	free(f);
	return 0;
}

static void reads_beneath(void **state)
{
	const struct fixture *f = *state;
	static const char *const good[] = {
		"etc/passwd",
		"/etc/passwd",
		"//etc///passwd",
		"pw",
		"climb",
		"a/../etc/passwd",
		"/../../etc/passwd",
		"a/b/c/etc/passwd",
		"a/parent/etc/passwd",
		"slash/passwd",
		"dot/dot/etc/passwd",
		"top/etc/passwd",
		"./etc/./passwd",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_str_ struct str text = STR_INIT;
		struct err err = { 0 };
		if (root_read(&f->root, good[i], 0, &text, &err) < 0)
			fail_msg("%s: %s", good[i], err.msg);
		assert_string_equal(str_c(&text), "inside\n");
	}
}

static void nothing_leads_out(void **state)
{
	const struct fixture *f = *state;
	_cleanup_free_ char *absolute = xasprintf("%s/outside/secret", f->dir);
	const char *const bad[] = { "up/secret",
				    "abs/secret",
				    "../outside/secret",
				    absolute,
				    "a/b/../../../outside/secret",
				    "a/parent/../outside/secret" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_str_ struct str text = STR_INIT;
		struct err err = { 0 };
		assert_false(root_exists(&f->root, bad[i]));
		assert_err(root_read(&f->root, bad[i], 0, &text, &err), &err,
			   ERR_OPERATOR, "No such file");
		assert_err(root_write(&f->root, bad[i], "x", 1, 0644, &err), &err,
			   ERR_OPERATOR, "cannot write");
		assert_ok(root_unlink(&f->root, bad[i], &err), &err);
	}
	assert_true(files_exists(absolute));
}

static void magic_links_are_refused(void **state)
{
	struct err err = { 0 };
	_cleanup_root_ struct root proc = ROOT_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	assert_ok(root_open(&proc, "/proc", &err), &err);
	assert_true(root_exists(&proc, "self/status"));
	assert_true(root_read(&proc, "self/root/etc/hostname", 0, &text, NULL) < 0);
	assert_true(root_read(&proc, "self/cwd/etc/hostname", 0, &text, NULL) < 0);
}

/* The two ways of looking up must agree, also in their errors. */
static void walk_equals_openat2(void **state)
{
	const struct fixture *f = *state;
	static const char *const paths[] = {
		"",
		".",
		"/",
		"..",
		"../..",
		"etc",
		"etc/",
		"etc/.",
		"etc/..",
		"etc/passwd",
		"etc/passwd/",
		"etc/passwd/x",
		"etc/passwd/..",
		"pw",
		"pw/",
		"pw/..",
		"up",
		"up/",
		"top",
		"top/",
		"abs",
		"lib",
		"lib/",
		"lib/..",
		"dangling",
		"dangling/",
		"self",
		"self/",
		"self/x",
		"loop/x",
		"loop/y/z",
		"a/b/c/etc",
		"a/parent",
		"a/parent/etc",
		"slash",
		"slash/",
		"slash/passwd",
		"dot",
		"dot/",
		"dot/../dot/etc",
		"climb",
		"pipe",
		"pipe/",
		"nothere",
		"nothere/x",
		"nothere/..",
		"a//b///c",
		"///",
		"/..",
		"a/b/file/",
		"lib/../a",
		"usr/lib/../../etc/passwd",
	};
	static const int flags[] = {
		O_PATH,
		O_PATH | O_NOFOLLOW,
		O_PATH | O_DIRECTORY,
		O_RDONLY | O_NONBLOCK,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
		O_PATH | O_DIRECTORY | O_NOFOLLOW,
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(flags); k++) {
			_cleanup_close_ int a = root_lookup(f->root.fd, paths[i],
							    flags[k], 0);
			int a_errno = a < 0 ? errno : 0;
			_cleanup_close_ int b = root_lookup_walk(f->root.fd, paths[i],
								 flags[k], 0);
			int b_errno = b < 0 ? errno : 0;
			if (a_errno != b_errno)
				fail_msg("\"%s\" flags %o: openat2 %s, walk %s", paths[i],
					 (unsigned)flags[k], strerrorname_np(a_errno),
					 strerrorname_np(b_errno));
			struct stat sa, sb;
			if (a < 0)
				continue;
			assert_int_equal(fstat(a, &sa), 0);
			assert_int_equal(fstat(b, &sb), 0);
			if (sa.st_ino != sb.st_ino || sa.st_dev != sb.st_dev)
				fail_msg("\"%s\" flags %o: two files", paths[i],
					 (unsigned)flags[k]);
		}
	}
}

static void walk_creates_like_openat2(void **state)
{
	const struct fixture *f = *state;
	static const char *const paths[] = { "new",	   "a/new", "dangling", "up",
					     "etc/passwd", "pw",    "etc",	"self",
					     "etc/",	   "no/new" };
	static const int flags[] = { O_CREAT | O_WRONLY, O_CREAT | O_EXCL | O_WRONLY,
				     O_CREAT | O_NOFOLLOW | O_WRONLY };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(flags); k++) {
			struct err err = { 0 };
			int codes[2];
			for (int way = 0; way < 2; way++) {
				bool there = root_exists(&f->root, paths[i]);
				_cleanup_close_ int fd =
					way == 0 ? root_lookup(f->root.fd, paths[i],
							       flags[k], 0600)
						 : root_lookup_walk(f->root.fd, paths[i],
								    flags[k], 0600);
				codes[way] = fd < 0 ? errno : 0;
				if (fd >= 0 && !there) {
					_cleanup_free_ char *link =
						root_readlink(&f->root, paths[i]);
					assert_ok(root_unlink(&f->root,
							      link ? link : paths[i],
							      &err),
						  &err);
				}
			}
			if (codes[0] != codes[1])
				fail_msg("\"%s\" flags %o: openat2 %d, walk %d", paths[i],
					 (unsigned)flags[k], codes[0], codes[1]);
		}
	}
	_cleanup_free_ char *outside = xasprintf("%s/outside", f->dir);
	assert_true(files_is_dir(outside));
}

static void parent_takes_no_doubtful_names(void **state)
{
	const struct fixture *f = *state;
	static const char *const bad[] = { "", "/", ".", "a/..", "a/", "up/", "a/." };
	const char *name;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(root_open_parent(&f->root, bad[i], &name), -1);
		assert_int_equal(errno, EINVAL);
	}
	_cleanup_close_ int fd = root_open_parent(&f->root, "/a/b/up", &name);
	assert_true(fd >= 0);
	assert_string_equal(name, "up");
}

static void stat_and_links(void **state)
{
	const struct fixture *f = *state;
	struct stat st;

	assert_int_equal(root_stat(&f->root, "pw", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(root_lstat(&f->root, "pw", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(root_stat(&f->root, "dangling", &st), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(root_exists(&f->root, "dangling"));
	_cleanup_free_ char *text = root_readlink(&f->root, "pw");
	assert_string_equal(text, "/etc/passwd");
	assert_null(root_readlink(&f->root, "etc/passwd"));
	assert_int_equal(errno, EINVAL);
}

static void read_refuses_what_is_no_file(void **state)
{
	const struct fixture *f = *state;
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	str_add(&text, "kept");
	assert_err(root_read(&f->root, "pipe", 0, &text, &err), &err, ERR_OPERATOR,
		   "no regular file");
	assert_err(root_read(&f->root, "etc", 0, &text, &err), &err, ERR_OPERATOR,
		   "Is a directory");
	assert_err(root_read(&f->root, "etc/passwd", 3, &text, &err), &err, ERR_OPERATOR,
		   "larger than 3 bytes");
	assert_int_equal(root_read_opt(&f->root, "none", 0, &text, &err), 1);
	assert_int_equal(root_read_opt(&f->root, "dangling", 0, &text, &err), 1);
	assert_err(root_read(&f->root, "none", 0, &text, &err), &err, ERR_OPERATOR,
		   "none");
	assert_string_equal(str_c(&text), "kept");
	err_clear(&err);
	assert_ok(root_read(&f->root, "etc/passwd", 7, &text, &err), &err);
	assert_string_equal(str_c(&text), "keptinside\n");
}

static void devices_are_not_opened(void **state)
{
	const struct fixture *f = *state;
	_cleanup_free_ char *path = xasprintf("%s/inside/null", f->dir);
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };

	if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) < 0)
		skip();
	assert_err(root_read(&f->root, "null", 0, &text, &err), &err, ERR_OPERATOR,
		   "no regular file");
	assert_err(root_write(&f->root, "null", "x", 1, 0644, &err), &err, ERR_OPERATOR,
		   "no regular file");
	assert_err(root_copy(&f->root, "null", &f->root, "copy", &err), &err,
		   ERR_OPERATOR, "neither a regular file");
}

/* No temporary file may stay behind in the top directory. */
static void assert_no_leftovers(const struct fixture *f)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct err err = { 0 };

	assert_ok(root_list(&f->root, "/", &names, &err), &err);
	for (size_t i = 0; i < names.n; i++)
		assert_false(starts_with(names.v[i], ".nimadm"));
}

static void write_makes_and_replaces(void **state)
{
	const struct fixture *f = *state;
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };
	struct stat st, before;

	umask(077);
	assert_ok(root_write(&f->root, "new", "one", 3, 0644, &err), &err);
	umask(022);
	assert_int_equal(root_stat(&f->root, "new", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);

	_cleanup_close_ int fd = root_openat(&f->root, "new", O_RDWR, 0);
	assert_int_equal(fchmod(fd, 02640), 0);
	bool xattrs = fsetxattr(fd, "user.note", "hi", 2, 0) == 0;
	bool owner = geteuid() == 0 && fchown(fd, 12, 34) == 0 && fchmod(fd, 02640) == 0;
	assert_int_equal(fstat(fd, &before), 0);
	assert_ok(root_write(&f->root, "/new", "two", 3, 0600, &err), &err);
	assert_int_equal(root_stat(&f->root, "new", &st), 0);
	assert_int_not_equal(st.st_ino,
			     before.st_ino); /* renamed over, not written into */
	assert_int_equal(st.st_mode & 07777, 02640);
	if (owner) {
		assert_int_equal(st.st_uid, 12);
		assert_int_equal(st.st_gid, 34);
	}
	if (xattrs) {
		char value[8];
		_cleanup_close_ int again = root_openat(&f->root, "new", O_RDONLY, 0);
		assert_int_equal(fgetxattr(again, "user.note", value, sizeof(value)), 2);
	}
	assert_ok(root_read(&f->root, "new", 0, &text, &err), &err);
	assert_string_equal(str_c(&text), "two");
	assert_no_leftovers(f);
}

static void write_follows_an_administrators_link(void **state)
{
	const struct fixture *f = *state;
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };
	struct stat st;

	assert_ok(root_write(&f->root, "pw", "changed", 7, 0644, &err), &err);
	assert_int_equal(root_lstat(&f->root, "pw", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_ok(root_read(&f->root, "etc/passwd", 0, &text, &err), &err);
	assert_string_equal(str_c(&text), "changed");
	assert_err(root_write(&f->root, "self", "x", 1, 0644, &err), &err, ERR_OPERATOR,
		   "symbolic links");
	assert_err(root_write(&f->root, "etc", "x", 1, 0644, &err), &err, ERR_OPERATOR,
		   "no regular file");
	assert_err(root_write(&f->root, "no/dir", "x", 1, 0644, &err), &err, ERR_OPERATOR,
		   "No such file");
	assert_no_leftovers(f);
}

static void mkdirs_with_exact_mode(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };
	struct stat st;

	umask(077);
	assert_ok(root_mkdirs(&f->root, "/x/y//z/", 0755, &err), &err);
	umask(022);
	assert_int_equal(root_stat(&f->root, "x/y/z", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_ok(root_mkdirs(&f->root, "x/y/z", 0700, &err), &err);
	assert_ok(root_mkdirs(&f->root, "lib/new", 0755, &err), &err);
	assert_true(root_exists(&f->root, "usr/lib/new"));
	assert_err(root_mkdirs(&f->root, "etc/passwd/x", 0755, &err), &err, ERR_OPERATOR,
		   "Not a directory");
	assert_err(root_mkdirs(&f->root, "dangling/x", 0755, &err), &err, ERR_OPERATOR,
		   "dangling");
	err_clear(&err);
	assert_ok(root_mkdirs(&f->root, "/", 0755, &err), &err);
}

static void symlink_and_rename(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };

	assert_ok(root_symlink(&f->root, "a", "link", &err), &err);
	assert_ok(root_symlink(&f->root, "b", "link", &err), &err);
	_cleanup_free_ char *text = root_readlink(&f->root, "link");
	assert_string_equal(text, "b");
	assert_ok(root_rename(&f->root, "link", "a/moved", &err), &err);
	assert_false(root_exists(&f->root, "link"));
	assert_err(root_rename(&f->root, "none", "x", &err), &err, ERR_OPERATOR, "none");
	assert_err(root_symlink(&f->root, "x", "etc", &err), &err, ERR_OPERATOR, "etc");
	assert_no_leftovers(f);
}

static void unlink_tolerates_absence_only(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };

	assert_ok(root_unlink(&f->root, "etc/passwd", &err), &err);
	assert_ok(root_unlink(&f->root, "etc/passwd", &err), &err);
	assert_ok(root_unlink(&f->root, "no/such/dir", &err), &err);
	assert_err(root_unlink(&f->root, "a", &err), &err, ERR_OPERATOR, "directory");
}

static void list_is_sorted(void **state)
{
	const struct fixture *f = *state;
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct err err = { 0 };

	assert_ok(root_list(&f->root, "none", &names, &err), &err);
	assert_int_equal(names.n, 0);
	assert_ok(root_list(&f->root, "/a", &names, &err), &err);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "b");
	assert_string_equal(names.v[1], "parent");
	assert_err(root_list(&f->root, "etc/passwd", &names, &err), &err, ERR_OPERATOR,
		   "Not a directory");
}

static void rmtree_stays_inside(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };
	_cleanup_free_ char *secret = xasprintf("%s/outside/secret", f->dir);

	assert_ok(root_symlink(&f->root, "../../outside", "a/out", &err), &err);
	assert_ok(root_rmtree(&f->root, "a", &err), &err);
	assert_false(root_exists(&f->root, "a"));
	assert_ok(root_rmtree(&f->root, "up", &err), &err); /* the link, not the target */
	assert_ok(root_rmtree(&f->root, "none", &err), &err);
	assert_ok(root_rmtree(&f->root, "no/ne", &err), &err);
	assert_true(files_exists(secret));
	assert_true(root_rmtree(&f->root, "/", &err) < 0);
	assert_true(root_rmtree(&f->root, "etc/..", &err) < 0);
	assert_true(root_exists(&f->root, "etc/passwd"));
}

static void rmtree_at_any_depth(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };
	char name[200];

	/* 1500 levels of 199 bytes: far beyond PATH_MAX, and more than the descriptors we may have. */
	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_ok(root_mkdirs(&f->root, "deep", 0755, &err), &err);
	_cleanup_close_ int at = root_openat(&f->root, "deep", O_RDONLY | O_DIRECTORY, 0);
	for (int i = 0; i < 1500; i++) {
		assert_int_equal(mkdirat(at, name, 0755), 0);
		if (i % 100 == 0)
			assert_int_equal(symlinkat("x", at, "link"), 0);
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	assert_ok(root_rmtree(&f->root, "deep", &err), &err);
	assert_false(root_exists(&f->root, "deep"));
}

static void rmtree_of_many_files(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };
	char name[16];

	assert_ok(root_mkdirs(&f->root, "many", 0755, &err), &err);
	_cleanup_close_ int at = root_openat(&f->root, "many", O_RDONLY | O_DIRECTORY, 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_int_equal(mknodat(at, name, S_IFREG | 0644, 0), 0);
	}
	assert_ok(root_rmtree(&f->root, "many", &err), &err);
	assert_false(root_exists(&f->root, "many"));
}

static void rmtree_keeps_out_of_mounts(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };
	int status = 0;

	if (geteuid() != 0)
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		_cleanup_free_ char *point = xasprintf("%s/inside/a/b/c", f->dir);
		_cleanup_free_ char *outside = xasprintf("%s/outside", f->dir);
		_cleanup_free_ char *secret = xasprintf("%s/secret", point);
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		/* The same file system: only the mount itself tells it apart. */
		if (mount(outside, point, NULL, MS_BIND, NULL) < 0)
			_exit(2);
		if (root_rmtree(&f->root, "a", &err) == 0)
			_exit(3);
		if (!strstr(err.msg, "mount point") || !strstr(err.remedy, "umount"))
			_exit(4);
		if (!files_exists(secret))
			_exit(5);
		if (root_rmtree(&f->root, "a/b/c", &err) == 0 || !files_exists(secret))
			_exit(6);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void copy_keeps_everything(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };
	struct stat a, b;
	struct timespec times[2] = { { 1000, 1 }, { 2000, 123456789 } };
	_cleanup_close_ int fd = root_openat(&f->root, "src", O_CREAT | O_RDWR, 0600);

	assert_int_equal(pwrite(fd, "head", 4, 0), 4);
	assert_int_equal(pwrite(fd, "tail", 4, 10 << 20), 4);
	assert_int_equal(ftruncate(fd, 20 << 20), 0);
	if (geteuid() == 0)
		assert_int_equal(fchown(fd, 5, 6), 0);
	assert_int_equal(fchmod(fd, 04751), 0);
	/* cap_net_raw=ep, as ping has it; needs root. */
	static const unsigned char caps[20] = { 1, 0, 0, 2, 0, 0x20 };
	bool capable = fsetxattr(fd, "security.capability", caps, sizeof(caps), 0) == 0;
	bool noted = fsetxattr(fd, "user.note", "", 0, 0) == 0;
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(fstat(fd, &a), 0);

	assert_ok(root_write(&f->root, "dst", "old", 3, 0600, &err), &err);
	assert_ok(root_copy(&f->root, "src", &f->root, "dst", &err), &err);
	_cleanup_close_ int copy = root_openat(&f->root, "dst", O_RDONLY, 0);
	assert_int_equal(fstat(copy, &b), 0);
	assert_int_equal(a.st_mode, b.st_mode);
	assert_int_equal(a.st_uid, b.st_uid);
	assert_int_equal(a.st_gid, b.st_gid);
	assert_int_equal(a.st_size, b.st_size);
	assert_int_equal(b.st_mtim.tv_sec, 2000);
	assert_int_equal(b.st_mtim.tv_nsec, 123456789);
	assert_true(b.st_blocks < 8192); /* 4 MiB: the holes are still holes */
	char text[5] = "";
	assert_int_equal(pread(copy, text, 4, 10 << 20), 4);
	assert_string_equal(text, "tail");
	assert_int_equal(pread(copy, text, 4, 0), 4);
	assert_string_equal(text, "head");
	unsigned char value[32];
	if (capable) {
		assert_int_equal(
			fgetxattr(copy, "security.capability", value, sizeof(value)), 20);
		assert_memory_equal(value, caps, sizeof(caps));
	}
	if (noted)
		assert_int_equal(fgetxattr(copy, "user.note", value, sizeof(value)), 0);

	assert_ok(root_copy(&f->root, "pw", &f->root, "a/pw2", &err), &err);
	_cleanup_free_ char *link = root_readlink(&f->root, "a/pw2");
	assert_string_equal(link, "/etc/passwd");
	assert_err(root_copy(&f->root, "etc", &f->root, "x", &err), &err, ERR_OPERATOR,
		   "neither a regular file");
	assert_err(root_copy(&f->root, "none", &f->root, "x", &err), &err, ERR_OPERATOR,
		   "none");
	assert_no_leftovers(f);
}

static void copy_of_an_empty_file(void **state)
{
	const struct fixture *f = *state;
	struct err err = { 0 };
	struct stat st;

	assert_ok(root_write(&f->root, "empty", "", 0, 0644, &err), &err);
	assert_ok(root_copy(&f->root, "empty", &f->root, "empty2", &err), &err);
	assert_int_equal(root_stat(&f->root, "empty2", &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void sub_roots(void **state)
{
	const struct fixture *f = *state;
	_cleanup_root_ struct root sub = ROOT_INIT;
	struct err err = { 0 };

	assert_ok(root_open_sub(&sub, &f->root, "/a/b", &err), &err);
	assert_true(ends_with(sub.path, "/inside/a/b"));
	assert_true(root_exists(&sub, "/file"));
	assert_false(root_exists(&sub, "../../etc/passwd"));
	assert_err(root_open_sub(&sub, &f->root, "up", &err), &err, ERR_OPERATOR, "up");
	assert_true(root_exists(&sub, "file")); /* untouched by the failure */
}

#ifdef TEST_WITHOUT_OPENAT2
/* As on a kernel before 5.6. */
static void forbid_openat2(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (!ctx ||
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0) < 0 ||
	    seccomp_load(ctx) < 0)
		abort();
	seccomp_release(ctx);
}
#endif

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads_beneath),
		T(nothing_leads_out),
		T(magic_links_are_refused),
		T(walk_equals_openat2),
		T(walk_creates_like_openat2),
		T(parent_takes_no_doubtful_names),
		T(stat_and_links),
		T(read_refuses_what_is_no_file),
		T(devices_are_not_opened),
		T(write_makes_and_replaces),
		T(write_follows_an_administrators_link),
		T(mkdirs_with_exact_mode),
		T(symlink_and_rename),
		T(unlink_tolerates_absence_only),
		T(list_is_sorted),
		T(rmtree_stays_inside),
		T(rmtree_at_any_depth),
		T(rmtree_of_many_files),
		T(rmtree_keeps_out_of_mounts),
		T(copy_keeps_everything),
		T(copy_of_an_empty_file),
		T(sub_roots),
	};

	umask(022);
#ifdef TEST_WITHOUT_OPENAT2
	forbid_openat2();
#endif
	return cmocka_run_group_tests_name("sys-root", tests, NULL, NULL);
}
