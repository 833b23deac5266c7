/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process in a private mount namespace that does something in the one it came from. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>

#include "sys/mount.h"
#include "sys/thread.h"

/* <sys/mount.h> and <linux/mount.h>, which has them, cannot be included together everywhere. */
#define TREE_CLONE	 1u
#define TREE_CLOEXEC	 ((unsigned)O_CLOEXEC)
#define TREE_RECURSIVE	 0x8000u
#define MOVE_FROM_OPENED 0x4u

struct visit {
	int ns, root;
	int (*fn)(void *arg, struct err *err);
	void *arg;
	struct err *err;
	int rc;
};

/* Root and working directory are a thread's own before it may go. */
static void *visit(void *arg)
{
	struct visit *v = arg;

	if (unshare(CLONE_FS) < 0 || setns(v->ns, CLONE_NEWNS) < 0 ||
	    fchdir(v->root) < 0 || chroot(".") < 0)
		v->rc = err_set_errno(v->err, ERR_OPERATOR,
				      "cannot enter the first mount namespace");
	else
		v->rc = v->fn(v->arg, v->err);
	return NULL;
}

int mount_in_first(int (*fn)(void *arg, struct err *err), void *arg, struct err *err)
{
	struct visit v = { .ns = mount_first_namespace(err),
			   .root = mount_first_root(err),
			   .fn = fn,
			   .arg = arg,
			   .err = err };
	pthread_t thread;

	if (v.ns < 0 || v.root < 0)
		return -1;
	if (thread_start(&thread, visit, &v) < 0)
		return err_set_errno(err, ERR_INTERNAL, "cannot start a thread");
	pthread_join(thread, NULL);
	return v.rc;
}

int mount_copy(const char *path, bool all, struct err *err)
{
	unsigned flags = TREE_CLONE | TREE_CLOEXEC | (all ? TREE_RECURSIVE : 0);
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, flags);

	if (tree < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot copy the mount %s", path);
	return tree;
}

int mount_put(int tree, const char *path, struct err *err)
{
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_FROM_OPENED) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot show what is mounted at %s", path);
	return 0;
}

struct publication {
	const char *path;
	int tree;
};

static int put(void *arg, struct err *err)
{
	const struct publication *p = arg;

	return mount_put(p->tree, p->path, err);
}

int mount_publish(const char *path, struct err *err)
{
	_cleanup_close_ int tree = mount_copy(path, true, err);
	struct publication p = { path, tree };

	return tree < 0 ? -1 : mount_in_first(put, &p, err);
}
