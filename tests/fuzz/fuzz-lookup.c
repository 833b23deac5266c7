/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lookup below a root: openat2(2) and the walk that replaces it must agree on every path, also in the error. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "sys/root-lookup.h"

/* Each byte of the input picks one of these. */
static const char *const parts[] = { "/",    "..",   ".",  "d",	   "e",	   "file", "up",
				     "abs",  "self", "l1", "out",  "none", "top",  "dot",
				     "d/..", "e/",   "//", "deep", "slash" };
const char *const fuzz_seeds[] = { "\3\20\4\20\5",	 "\6\20\1\20\3", "\7\20\5",
				   "\21\20\1\20\1\20\5", "\22\20\5",	 NULL };

static char top[] = "/var/tmp/nimadm-fuzz-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_tree(void)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int open_tree(void)
{
	static const char *const links[][2] = {
		{ "..", "up" },		  { "/d/file", "abs" },
		{ "self", "self" },	  { "d/l2", "l1" },
		{ "../l1", "d/l2" },	  { "../../../../etc", "out" },
		{ "/../..", "top" },	  { ".", "dot" },
		{ "../e/./../d", "d/e" }, { "d/../d/deep", "deep" },
		{ "d/", "slash" },	  { "/out", "d/out" },
		{ "..", "d/deep/up" },	  { "/e", "d/deep/e" },
	};
	static const char *const dirs[] = { "d", "e", "d/deep", "e/d" };
	int fd;

	PROMISE(mkdtemp(top));
	atexit(remove_tree);
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		PROMISE(mkdirat(fd, dirs[i], 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		PROMISE(symlinkat(links[i][0], fd, links[i][1]) == 0);
	PROMISE(mknodat(fd, "d/file", S_IFREG | 0644, 0) == 0);
	PROMISE(mknodat(fd, "file", S_IFREG | 0644, 0) == 0);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int flags[] = { O_PATH, O_PATH | O_NOFOLLOW, O_PATH | O_DIRECTORY,
				     O_RDONLY, O_RDONLY | O_NOFOLLOW };
	static int root = -1;
	_cleanup_str_ struct str path = STR_INIT;

	if (root < 0)
		root = open_tree();
	for (size_t i = 0; i < size && i < 64; i++)
		str_add(&path, parts[data[i] % ARRAY_SIZE(parts)]);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct stat a = { 0 }, b = { 0 };
		_cleanup_close_ int x = root_lookup(root, str_c(&path), flags[i], 0);
		int x_errno = x < 0 ? errno : 0;
		_cleanup_close_ int y = root_lookup_walk(root, str_c(&path), flags[i], 0);
		int y_errno = y < 0 ? errno : 0;
		if (x_errno != y_errno)
			fprintf(stderr, "\"%s\" flags %o: openat2 %s, walk %s\n",
				str_c(&path), (unsigned)flags[i],
				strerrorname_np(x_errno), strerrorname_np(y_errno));
		PROMISE(x_errno == y_errno);
		if (x < 0)
			continue;
		PROMISE(fstat(x, &a) == 0 && fstat(y, &b) == 0);
		PROMISE(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	}
	return 0;
}
