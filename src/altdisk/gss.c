/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread stays behind in the machine's namespaces, and starts it from there. */
#include "altdisk/gss.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "model/keytab.h"
#include "sys/files.h"
#include "sys/proc.h"
#include "sys/thread.h"

#define PROGRAM	 "rpc.svcgssd"
#define IDMAP	 "/etc/idmapd.conf"
#define CHANNEL	 "/auth.rpcsec.init/channel"
#define SCRATCH	 "/var/tmp" /* where Kerberos keeps what must not be repeated */
#define START_MS 100
#define STARTS	 150

struct gss_jail {
	struct proc_jail jail;
	int netns;
	const struct str *idmap;
};

/* --- what there must be --- */

static int unfit(struct err *err, const char *remedy, const char *what)
{
	err_set(err, ERR_UNFIT, "no Kerberos for NFS: %s", what);
	return err_remedy(err, "%s, or leave nfs_sec= away", remedy);
}

static int check_keytab(const char *host, struct err *err)
{
	_cleanup_strv_ struct strv have = STRV_INIT;
	struct err why = { 0 };

	if (keytab_read(KEYTAB, &have, &why) < 0)
		return unfit(err, "have a key for this host put there (kadmin: ktadd)",
			     why.msg);
	if (keytab_find(&have, "nfs", host))
		return 0;
	_cleanup_free_ char *what = xasprintf(KEYTAB " has no key of nfs/%s", host);
	_cleanup_free_ char *remedy =
		xasprintf("add it (kadmin: ktadd nfs/%s), or have nfs_host= name the "
			  "host that the key is of",
			  host);
	return unfit(err, remedy, what);
}

static int check(const char *host, struct err *err)
{
	_cleanup_free_ char *program = proc_find(PROGRAM);

	if (!program)
		return unfit(err, "install nfs-common (Debian)",
			     PROGRAM " is not installed");
	if (!files_exists(IDMAP))
		return unfit(err, "touch " IDMAP,
			     "there is no " IDMAP " that ours could be put over");
	return check_keytab(host, err);
}

/* --- the thread --- */

/* In the child: system calls only. */
static int enter(const struct proc_jail *jail)
{
	const struct gss_jail *j = (const struct gss_jail *)jail;

	if (setns(j->netns, CLONE_NEWNET) < 0 ||
	    mount("nimadm", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=1777,size=16m") < 0)
		return -1;
	int fd = open(SCRATCH "/idmapd.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      0644);
	if (fd < 0 || write(fd, j->idmap->p, j->idmap->len) != (ssize_t)j->idmap->len)
		return -1;
	close(fd);
	return mount(SCRATCH "/idmapd.conf", IDMAP, NULL, MS_BIND, NULL);
}

/* Who is not named has no number here, which makes him the exports' nobody. */
static void write_idmap(const struct strv *roots, struct str *out)
{
	str_add(out,
		"[General]\nDomain = localdomain\n\n"
		"[Translation]\nMethod = static\nGSS-Methods = static\n\n[Static]\n");
	for (size_t i = 0; i < roots->n; i++)
		str_addf(out, "%s = root\n", roots->v[i]);
}

static int on_start(void *arg, pid_t pid, struct err *err)
{
	struct gss *g = arg;

	(void)err;
	pthread_mutex_lock(&g->lock);
	g->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	pthread_mutex_unlock(&g->lock);
	return 0;
}

static void run_it(struct gss *g, const char *program, struct err *why)
{
	const char *const argv[] = { PROGRAM, "-f", NULL };
	_cleanup_str_ struct str idmap = STR_INIT;
	const struct gss_jail jail = { .jail = { .program = program, .enter = enter },
				       .netns = g->netns,
				       .idmap = &idmap };
	const struct proc_spec spec = {
		.argv = argv, .jail = &jail.jail, .on_start = on_start, .arg = g
	};
	struct proc_result res;

	write_idmap(g->roots, &idmap);
	int rc = proc_run(&spec, &res, why);
	if (rc > 0)
		proc_result_err(&spec, &res, why);
	if (rc == 0)
		err_set(why, ERR_OPERATOR, PROGRAM " has ended");
}

static void *stay(void *arg)
{
	struct gss *g = arg;
	_cleanup_free_ char *program = proc_find(PROGRAM);
	struct err why = { 0 };
	uint64_t what = 0;

	while (read(g->go, &what, sizeof(what)) < 0 && errno == EINTR)
		;
	if (g->netns >= 0 && program)
		run_it(g, program, &why);
	pthread_mutex_lock(&g->lock);
	g->ended = true;
	g->why = why;
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

int gss_prepare(struct gss *g, const char *host, const struct strv *roots,
		struct err *err)
{
	if (check(host, err) < 0)
		return -1;
	g->roots = roots;
	g->go = eventfd(0, EFD_CLOEXEC);
	if (g->go < 0 || thread_start(&g->thread, stay, g) < 0)
		return err_set_errno(err, ERR_INTERNAL, "cannot start a thread");
	g->running = true;
	return 0;
}

/* --- whether the kernel has it --- */

static bool has_link(const char *path, const char *suffix)
{
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	return ends_with(target, suffix);
}

static bool has_channel(const char *pid)
{
	_cleanup_free_ char *dir = xasprintf("/proc/%s/fd", pid);
	DIR *d = opendir(dir);
	bool found = false;

	for (struct dirent *e; d && !found && (e = readdir(d));) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		found = has_link(path, CHANNEL);
	}
	if (d)
		closedir(d);
	return found;
}

/* Among all processes, for it has another number in the namespace that it was started in; by the network it is ours. */
static bool is_heard(void)
{
	char own[64], path[64];
	ssize_t n = readlink("/proc/thread-self/ns/net", own, sizeof(own) - 1);
	DIR *d = opendir("/proc");
	bool found = false;

	own[MAX(n, 0)] = '\0';
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		if (*e->d_name < '0' || *e->d_name > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/ns/net", e->d_name);
		found = n > 0 && has_link(path, own) && has_channel(e->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

int gss_start(struct gss *g, struct err *err)
{
	const uint64_t one = 1;

	g->netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (g->netns < 0 || write(g->go, &one, sizeof(one)) < 0)
		return err_set_errno(err, ERR_INTERNAL, "cannot start " PROGRAM);
	for (int i = 0; i < STARTS; i++) {
		pthread_mutex_lock(&g->lock);
		bool ended = g->ended;
		if (ended)
			*err = g->why;
		pthread_mutex_unlock(&g->lock);
		if (ended)
			return err_remedy(err, "see whether it starts there: " PROGRAM
					       " -f -vvv");
		if (is_heard())
			return 0;
		poll(NULL, 0, START_MS);
	}
	return err_set(err, ERR_OPERATOR, PROGRAM " does not answer the kernel");
}

void gss_end(struct gss *g)
{
	const uint64_t one = 1;

	if (!g->running)
		return;
	g->running = false;
	/* one that has not begun ends without a network */
	(void)!write(g->go, &one, sizeof(one));
	pthread_mutex_lock(&g->lock);
	if (g->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, g->pidfd, SIGKILL, NULL, 0);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->thread, NULL);
	close_p(&g->go);
	close_p(&g->netns);
	close_p(&g->pidfd);
}
