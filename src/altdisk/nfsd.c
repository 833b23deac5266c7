/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files by which the kernel's NFS server is told what to do. */
#include "altdisk/nfsd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nfsd/export.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "altdisk/cld.h"
#include "sys/files.h"
#include "sys/mount.h"
#include "sys/netns.h"

#define CONTROL "/proc/fs/nfsd/"
#define CACHES	"/proc/net/rpc/"
/* Becomes the root: beside the exports and /proc it has nothing, an rpcbind that would be told of a server neither. */
#define NEW_ROOT "/run"
#define EXPORTS	 "/exports"
#define PIPES	 "/pipes"
/* Whom all the exports are for. */
#define READER	"nimadm"
#define THREADS "8\n"
/* Seconds without an open where cld.h's answers come too late: the least that the kernel takes. */
#define GRACE "10\n"
/* Entries outlive every migration. */
#define VALID_S (400ll * 24 * 3600)
/* A pattern for handles: a number of ours in place of a device's. */
#define FSID_NUM 1

/* Without NFSEXP_ROOTSQUASH: root is root. Without NFSEXP_ASYNC: what is written outlives a crash of this machine. */
#define WRITE_FLAGS (NFSEXP_INSECURE_PORT | NFSEXP_NOSUBTREECHECK | NFSEXP_FSID)
#define READ_FLAGS  (WRITE_FLAGS | NFSEXP_READONLY)

static int tell(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	/* one write is one statement */
	ssize_t n = write(fd, text, strlen(text));
	int saved = errno;
	close(fd);
	errno = saved;
	return n < 0 ? -1 : 0;
}

/* --- namespaces --- */

static int unfit(struct err *err, const char *what)
{
	err_set(err, ERR_UNFIT, "the kernel %s", what);
	return err_remedy(err,
			  "use a kernel with its NFS server, or migrate with -j instead");
}

/* The versions can be set as long as no server runs. Without the old ones nothing speaks to an rpcbind. */
static int choose_version(struct err *err)
{
	static const char *const off[] = { "-2\n", "-3\n", "-4.0\n", "-4.1\n" };
	_cleanup_str_ struct str now = STR_INIT;

	/* a kernel that does not know one has it off */
	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		if (tell(CONTROL "versions", off[i]) < 0 && errno != EINVAL)
			return err_set_errno(err, ERR_OPERATOR, CONTROL "versions");
	if (tell(CONTROL "versions", "+4.2\n") < 0)
		return unfit(err, "serves no NFS version 4.2");
	if (files_read(CONTROL "versions", 256, &now, err) < 0)
		return -1;
	if (!strstr(str_c(&now), "+4.2"))
		return unfit(err, "serves no NFS version 4.2");
	if (strstr(str_c(&now), "+2") || strstr(str_c(&now), "+3"))
		return err_set(err, ERR_OPERATOR,
			       "the kernel's NFS server keeps its old versions: %s",
			       str_c(&now));
	return 0;
}

static int enter(struct err *err)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot make namespaces");
	/* what the machine unmounts is unmounted here, too */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot make the mounts ours");
	if (netns_loopback_up(err) < 0 || mount_tmpfs(NEW_ROOT, "mode=755", err) < 0 ||
	    files_mkdirs(NEW_ROOT "/proc", 0555, err) < 0 ||
	    files_mkdirs(NEW_ROOT PIPES, 0755, err) < 0 ||
	    files_mkdirs(NEW_ROOT EXPORTS, 0755, err) < 0)
		return -1;
	if (mount("proc", NEW_ROOT "/proc", "proc", 0, NULL) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot mount a /proc");
	/* loads the module */
	if (mount("nfsd", NEW_ROOT CONTROL, "nfsd", 0, NULL) < 0) {
		if (errno == ENODEV || errno == ENOENT)
			return unfit(err, "has no NFS server (nfsd)");
		return err_set_errno(err, ERR_OPERATOR, "cannot mount /proc/fs/nfsd");
	}
	if (mount("rpc_pipefs", NEW_ROOT PIPES, "rpc_pipefs", 0, NULL) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot mount an rpc_pipefs");
	return 0;
}

/* Of the machine's mounts only those that are served stay in this namespace. */
static int leave_root(struct err *err)
{
	if (chdir(NEW_ROOT) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot leave the root");
	return 0;
}

/* --- exports --- */

static int tell_export(const char *path, uint32_t number, int flags, unsigned flavor,
		       struct err *err)
{
	long long until = (long long)time(NULL) + VALID_S;
	const unsigned char *id = (const unsigned char *)&number;
	_cleanup_free_ char *key = xasprintf(READER " %d \\x%02x%02x%02x%02x %lld %s\n",
					     FSID_NUM, id[0], id[1], id[2], id[3], until,
					     path);
	_cleanup_free_ char *only = flavor ? xasprintf(" secinfo 1 %u %d", flavor, flags)
					   : xstrdup("");
	_cleanup_free_ char *what = xasprintf(READER " %s %lld %d 65534 65534 %u%s\n",
					      path, until, flags, number, only);

	if (tell(CACHES "nfsd.export/channel", what) < 0 ||
	    tell(CACHES "nfsd.fh/channel", key) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot export %s", path);
	return 0;
}

static int bind_all(const struct strv *dirs, size_t writable, struct err *err)
{
	for (size_t i = 0; i < dirs->n; i++) {
		_cleanup_free_ char *place = xasprintf(NEW_ROOT EXPORTS "/%zu", i);

		if (files_mkdirs(place, 0755, err) < 0 ||
		    mount_bind(dirs->v[i], place, i >= writable, err) < 0)
			return -1;
	}
	return leave_root(err);
}

static int export_all(const struct nfsd_tree *tree, struct err *err)
{
	_cleanup_free_ char *reader = xasprintf("nfsd 127.0.0.1 %lld " READER "\n",
						(long long)time(NULL) + VALID_S);

	if (tell(CACHES "auth.unix.ip/channel", reader) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot name the exports' reader");
	if (tell_export(EXPORTS, 0, READ_FLAGS | NFSEXP_CROSSMOUNT, tree->flavor, err) <
	    0)
		return -1;
	for (size_t i = 0; i < tree->dirs->n; i++) {
		_cleanup_free_ char *place = xasprintf(EXPORTS "/%zu", i);
		int flags = i < tree->writable ? WRITE_FLAGS : READ_FLAGS;

		if (tell_export(place, (uint32_t)i + 1, flags, tree->flavor, err) < 0)
			return -1;
	}
	return 0;
}

/* --- the server --- */

/* System calls only: the guard's, too. */
static void stop_server(void *arg)
{
	static const char *const files[] = { CONTROL "threads", CACHES "nfsd.fh/flush",
					     CACHES "nfsd.export/flush" };
	/* a time that is not over yet: all entries are older */
	static const char *const texts[] = { "0\n", "2147483647\n", "2147483647\n" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)!tell(files[i], texts[i]);
}

/* A listening socket of the server; *ret is its address. */
static int give_socket(struct inet *ret, struct err *err)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char number[16];

	snprintf(number, sizeof(number), "%d\n", fd);
	if (fd < 0 || !inet_from_text("127.0.0.1", 0, ret) ||
	    bind(fd, (struct sockaddr *)&ret->addr, ret->len) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&ret->addr, &ret->len) < 0 ||
	    tell(CONTROL "portlist", number) < 0)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot give the NFS server a socket");
	return 0;
}

int nfsd_connect(const struct nfsd *n, struct err *err)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&n->at.addr, n->at.len) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot reach our NFS server");
	return TAKE_FD(fd);
}

int nfsd_check(struct err *err)
{
	const struct strv none = STRV_INIT;

	return enter(err) < 0 || bind_all(&none, 0, err) < 0 ? -1 : choose_version(err);
}

int nfsd_start(struct nfsd *n, const struct nfsd_tree *tree, struct err *err)
{
	if (enter(err) < 0 || bind_all(tree->dirs, tree->writable, err) < 0 ||
	    choose_version(err) < 0)
		return -1;
	if (proc_guard_start(&n->guard, -1, stop_server, NULL, err) < 0)
		return -1;
	n->guarded = true;
	if (tell(CONTROL "nfsv4gracetime", GRACE) < 0)
		return err_set_errno(err, ERR_OPERATOR, CONTROL "nfsv4gracetime");
	if (export_all(tree, err) < 0 || give_socket(&n->at, err) < 0)
		return -1;
	if (cld_start(PIPES, err) < 0)
		return -1;
	if (tell(CONTROL "threads", THREADS) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot start the NFS server");
	/* newer kernels refuse it to those who keep no list of readers */
	if (tell(CONTROL "v4_end_grace", "Y\n") < 0 && errno != EBUSY)
		return err_set_errno(err, ERR_OPERATOR, CONTROL "v4_end_grace");
	return 0;
}

void nfsd_stop(struct nfsd *n)
{
	if (!n->guarded)
		return;
	stop_server(NULL);
	proc_guard_end(&n->guard);
	n->guarded = false;
}
