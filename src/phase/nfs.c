/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection to the client's NFS server, and the mounts. */
#include "phase/nfs.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "phase/awake.h"
#include "phase/disk.h"
#include "phase/nfs-ask.h"
#include "phase/nfs-direct.h"
#include "phase/nfs-net.h"
#include "phase/nfs-sec.h"
#include "phase/nfs-watch.h"
#include "phase/parts.h"
#include "sys/files.h"
#include "sys/netns.h"
#include "sys/thread.h"

#define PAUSE_MS    1000
#define STOP_WAIT_S 15
#define ANSWER_S    90
/* Where it is asked again and again. */
#define ASK_S 20
/*
 * Nobody else writes there, so what was read stays true. A call that gets no answer is an error after some minutes (timeo:
 * tenths of a second, longer each time), but for what the kernel's own recovery waits for.
 */
#define OPTIONS "vers=4.2,%s,%s,nocto,actimeo=3600,softerr,timeo=200,retrans=3"

struct server {
	struct transport *t;
	struct nfs_net *net; /* NULL: all goes through ssh */
	struct strv argv;    /* there */
	size_t listen;	     /* the word of it that says where to listen */
	pthread_t thread;
	bool running;
	int netns, listener;
	unsigned port;
	int stop; /* an eventfd: the thread is to end */
	struct nfs_watch *watch;
	pthread_mutex_t lock;
	/* under the lock: the connection that is served, its ssh, and why the last one ended */
	int peer, pidfd;
	struct err last;
};

/* Of this process, as its mounts are: a worker has one job. */
static struct server *server;

bool nfs_is_in(const struct job *job)
{
	return job->spec.mode == 'A' || awake_is_in(job);
}

/* --- the thread: from the kernel's NFS client to the client program --- */

static int on_start(void *arg, pid_t pid, struct err *err)
{
	struct server *s = arg;

	(void)err;
	pthread_mutex_lock(&s->lock);
	s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/*
 * ssh itself has the NFS client's connection as its input and output. When we are killed, it goes on until the kernel has
 * unmounted what we had mounted, which takes answers: without them even sync(1) would wait.
 */
static void serve(struct server *s)
{
	struct err last = { 0 };
	const struct proc_outliving how = { .socket = s->peer,
					    .mount_ns = mount_first_namespace(&last),
					    .root = mount_first_root(&last) };
	int rc = transport_converse(s->t, strv_argv(&s->argv), &how, on_start, s, &last);

	if (s->net)
		nfs_net_end(s->net, &last);
	pthread_mutex_lock(&s->lock);
	if (rc < 0)
		s->last = last;
	close_p(&s->pidfd);
	s->pidfd = -1;
	pthread_mutex_unlock(&s->lock);
}

/* Over the network there is a session all the time. */
static bool next_session(struct server *s)
{
	struct pollfd stop = { .fd = s->stop, .events = POLLIN };
	struct err why = { 0 };

	if (poll(&stop, 1, 0) > 0)
		return false;
	free(s->argv.v[s->listen]);
	s->argv.v[s->listen] = nfs_net_listen(s->net);
	int fd = nfs_net_begin(s->net, &why);
	if (fd < 0)
		nfs_net_end(s->net, &why);
	pthread_mutex_lock(&s->lock);
	s->peer = fd;
	if (fd < 0)
		s->last = why;
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* Whether there is somebody to be served; waits. */
static bool next_peer(struct server *s)
{
	if (s->net)
		return next_session(s);
	struct pollfd p[] = { { .fd = s->stop, .events = POLLIN },
			      { .fd = s->listener, .events = POLLIN } };

	while (poll(p, ARRAY_SIZE(p), -1) < 0 && errno == EINTR)
		;
	if (p[0].revents)
		return false;
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	pthread_mutex_lock(&s->lock);
	s->peer = fd;
	pthread_mutex_unlock(&s->lock);
	nfs_watch_peer(s->watch, fd);
	return true;
}

static void *relay(void *arg)
{
	struct server *s = arg;
	struct pollfd stop = { .fd = s->stop, .events = POLLIN };

	while (next_peer(s)) {
		if (s->peer >= 0)
			serve(s);
		if (!s->net)
			nfs_watch_peer(s->watch, -1);
		pthread_mutex_lock(&s->lock);
		close_p(&s->peer);
		s->peer = -1;
		pthread_mutex_unlock(&s->lock);
		/* a client that cannot be reached is not asked without end */
		if (poll(&stop, 1, PAUSE_MS) > 0)
			break;
	}
	return NULL;
}

/* --- begin and end --- */

static int listen_here(void *arg, struct err *err)
{
	struct server *s = arg;
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(s->listener, 8) < 0 ||
	    getsockname(s->listener, (struct sockaddr *)&in, &len) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot listen for NFS");
	s->port = ntohs(in.sin_port);
	return 0;
}

static void discard(struct server *s)
{
	nfs_watch_end(s->watch);
	nfs_net_free(s->net);
	transport_close(s->t);
	strv_done(&s->argv);
	close_p(&s->listener);
	close_p(&s->netns);
	close_p(&s->stop);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Its input ends; who does not listen to that is told. */
static void stop(struct server *s)
{
	struct timespec until;
	uint64_t one = 1;

	while (write(s->stop, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&s->lock);
	if (s->peer >= 0)
		shutdown(s->peer, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_WAIT_S;
	if (pthread_timedjoin_np(s->thread, NULL, &until) == 0)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, s->pidfd, SIGTERM, NULL, 0);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
}

/* The file systems of the clone that are mounted below it, as the job knows them. */
static int keep_parts(const struct phase_ctx *c, const struct strv *mounts,
		      struct err *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < mounts->n; i++)
		json_array_append_new(list, json_string(mounts->v[i]));
	const json_t *known = common_fact(c, "parts");
	if (!known)
		return common_fact_set(c, "parts", list, err);
	bool same = json_equal(list, known);
	json_decref(list);
	if (same)
		return 0;
	err_set(err, ERR_OPERATOR,
		"client %s: what is mounted below " DISK_ALT_INST
		" is not what it was in phase 2",
		c->job->spec.client);
	return err_remedy(err, "mount it there as it was, then go on; or nimadm -C -c %s",
			  c->job->spec.subject);
}

/* The NFS client's own network, in which only we listen. */
static int begin_private(struct server *s, struct err *err)
{
	s->netns = netns_new(err);
	return s->netns < 0 ? -1 : netns_run(s->netns, listen_here, s, err);
}

/* The clone to be written to, and after its file systems the running ones that they were made of. */
static void serve_running(struct strv *argv, const struct strv *mounts)
{
	strv_add_all(argv, "--write", "--also", "/", NULL);
	for (size_t i = 0; i < mounts->n; i++)
		strv_add_all(argv, "--also", mounts->v[i], NULL);
}

static int ask(void *arg, struct err *err);

static int start_threads(struct server *s, const struct phase_ctx *c, struct err *err)
{
	const struct nfs_watch_how how = { .client = c->job->spec.client,
					   .netns = s->netns,
					   .ask = s->net ? ask : NULL,
					   .arg = s };

	s->stop = eventfd(0, EFD_CLOEXEC);
	/* the thread tells it of connections */
	if (!s->net && nfs_watch_start(&s->watch, &how, err) < 0)
		return -1;
	if (s->stop < 0 || thread_start(&s->thread, relay, s) < 0)
		return err_set_errno(err, ERR_INTERNAL, "cannot start a thread");
	s->running = true;
	/* it asks where the client lets us in */
	return s->net && (nfs_net_wait(s->net, err) < 0 ||
			  nfs_watch_start(&s->watch, &how, err) < 0)
		       ? -1
		       : 0;
}

static int begin(struct server *s, const struct phase_ctx *c, struct err *err)
{
	_cleanup_strv_ struct strv mounts = STRV_INIT;
	const char *program;

	if ((nfs_net_is_in(c->job) && nfs_net_new(&s->net, c, err) < 0) ||
	    client_open(&s->t, c, err) < 0 || disk_wake(c, s->t, err) < 0 ||
	    transport_program(s->t, &program, err) < 0 ||
	    disk_mounts(s->t, &mounts, err) < 0 || keep_parts(c, &mounts, err) < 0)
		return -1;
	/* a client that was booted meanwhile has its clone asleep; words for us are not for the NFS client */
	strv_add_all(&s->argv, "sh", "-c",
		     "\"$0\" alt_rootvg_op --json -W ${1:+-d \"$1\"} >&2 && shift && "
		     "exec \"$0\" serve-tree \"$@\"",
		     program, c->job->spec.disks, NULL);
	if (s->net) {
		strv_add_all(&s->argv, "--listen", "", NULL);
		s->listen = s->argv.n - 1;
		if (nfs_net_words(s->net, &s->argv, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < mounts.n; i++)
		strv_add_all(&s->argv, "--mount", mounts.v[i], NULL);
	if (nfs_is_direct(c->job))
		serve_running(&s->argv, &mounts);
	strv_add(&s->argv, DISK_ALT_INST);
	if (!s->net && begin_private(s, err) < 0)
		return -1;
	return start_threads(s, c, err);
}

int nfs_start(const struct phase_ctx *c, struct err *err)
{
	if (server)
		return 0;
	struct server *s = xcalloc(1, sizeof(*s));

	s->netns = s->listener = s->stop = s->peer = s->pidfd = -1;
	pthread_mutex_init(&s->lock, NULL);
	if (begin(s, c, err) < 0) {
		if (s->running)
			stop(s);
		discard(s);
		return -1;
	}
	server = s;
	return 0;
}

/* --- what it is asked --- */

static int connect_here(const struct server *s, struct err *err)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)s->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&in, sizeof(in)) < 0)
		return err_set_errno(err, ERR_INTERNAL, "no connection to ourselves");
	return TAKE_FD(fd);
}

static int ask(void *arg, struct err *err)
{
	const struct server *s = arg;
	_cleanup_close_ int fd = s->net ? nfs_net_connect(s->net, err)
					: connect_here(s, err);

	return fd < 0 ? -1 : nfs_ask(fd, s->net ? ASK_S : ANSWER_S, err);
}

/* Where the NFS client is. */
static int in_network(const struct server *s, int (*fn)(void *arg, struct err *err),
		      void *arg, struct err *err)
{
	return s->net ? fn(arg, err) : netns_run(s->netns, fn, arg, err);
}

/* What the thread knows of it says more. */
static int explain(struct err *err)
{
	pthread_mutex_lock(&server->lock);
	struct err last = server->last;
	pthread_mutex_unlock(&server->lock);
	if (!*last.msg)
		return -1;
	_cleanup_free_ char *words = client_clean(last.msg);
	_cleanup_free_ char *what = xasprintf("%s: %s", err->msg, words);
	err_set(err, err->kind, "%s", what);
	return *last.remedy ? err_remedy(err, "%s", last.remedy) : -1;
}

int nfs_probe(struct err *err)
{
	if (!server)
		return err_set(err, ERR_OPERATOR, "nothing is exported");
	return in_network(server, ask, server, err) < 0 ? explain(err) : 0;
}

/* --- mounts --- */

struct mounting {
	const char *what, *target, *options;
	bool writable;
};

static int mount_one(void *arg, struct err *err)
{
	const struct mounting *m = arg;

	unsigned long flags = MS_NOSUID | MS_NODEV | (m->writable ? 0 : MS_RDONLY);

	if (mount(m->what, m->target, "nfs4", flags, m->options) == 0)
		return 0;
	enum err_kind kind = errno == ENODEV || errno == EINVAL ? ERR_OPERATOR
								: ERR_TRANSIENT;
	return err_set_errno(err, kind, "cannot mount the clone over NFS");
}

char *nfs_path(const struct job *job)
{
	return xasprintf("%s/nfs", job->dir);
}

char *nfs_middle(const struct job *job, size_t part)
{
	return part ? xasprintf("%s/attributes-%zu", job->dir, part)
		    : xasprintf("%s/attributes", job->dir);
}

/* Where the parts are mounted, and which of what is served is the first of them. */
struct placing {
	const char *top;
	size_t first;
	bool writable;
};

static int mount_part(const struct job *job, const struct placing *where, size_t i,
		      const char *path, struct err *err)
{
	_cleanup_str_ struct str options = STR_INIT;
	_cleanup_str_ struct str way = STR_INIT;
	_cleanup_free_ char *what =
		server->net ? nfs_net_source(server->net, where->first + i)
			    : xasprintf("127.0.0.1:/%zu", where->first + i);
	_cleanup_close_ int place = parts_place(where->top, path, err);
	char target[40];

	if (place < 0)
		return -1;
	snprintf(target, sizeof(target), "/proc/self/fd/%d", place);
	if (server->net)
		nfs_net_options(server->net, &way);
	else
		str_addf(&way, "proto=tcp,addr=127.0.0.1,clientaddr=127.0.0.1,port=%u",
			 server->port);
	str_addf(&options, OPTIONS, str_c(&way), where->writable ? "rw" : "ro");
	if (*job->spec.nfs_options)
		str_addf(&options, ",%s", job->spec.nfs_options);
	struct mounting m = { what, target, str_c(&options), where->writable };
	if (in_network(server, mount_one, &m, err) < 0) {
		(void)explain(err);
		if (nfs_sec_is_in(job))
			err_remedy(err, "see what rpc.gssd has to say (journalctl -u "
					"rpc-gssd), and the clocks of both machines");
		return err_prefix(err, DISK_ALT_INST "%s", path);
	}
	if (!server->net)
		return 0;
	_cleanup_free_ char *mounted = xasprintf("%s%s", where->top, path);
	return nfs_watch_mounted(server->watch, mounted, err);
}

static int mount_parts(const struct phase_ctx *c, const struct parts *parts,
		       const struct placing *where, struct err *err)
{
	if (files_mkdirs(where->top, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < parts->n; i++) {
		_cleanup_free_ char *place = xasprintf("%s%s", where->top,
						       parts->v[i].path);

		if (mount_is_mountpoint(place))
			continue;
		if (i == 0 && where->first == 0)
			events_step(c->events, "Mounting the clone of %s over NFS",
				    c->job->spec.client);
		if (mount_part(c->job, where, i, parts->v[i].path, err) < 0)
			return -1;
	}
	return 0;
}

/* With all attributes, to be read only. */
static int mount_lower(const struct job *job, struct parts *parts, struct err *err)
{
	_cleanup_free_ char *top = nfs_path(job);

	for (size_t i = 0; i < parts->n; i++) {
		struct part *p = &parts->v[i];

		free(p->upper);
		free(p->work);
		p->upper = p->work = NULL;
		p->middle = nfs_middle(job, i);
	}
	return parts_attach(parts, top, job->lower, MOUNT_OVERLAY_READ_ONLY, err);
}

static int mount_below(const struct phase_ctx *c, struct parts *parts, struct err *err)
{
	_cleanup_free_ char *top = nfs_path(c->job);
	const struct placing below = { .top = top };

	if (mount_parts(c, parts, &below, err) < 0)
		return -1;
	return json_is_true(common_fact(c, "attributes"))
		       ? mount_lower(c->job, parts, err)
		       : 0;
}

/* The clone as the alternate root, the running system as the old one. */
static int mount_direct(const struct phase_ctx *c, const struct parts *parts,
			struct err *err)
{
	const struct job *job = c->job;
	const struct placing new_one = { .top = job->alt_inst, .writable = true };
	const struct placing old = { .top = job->lower, .first = parts->n };

	if (mount_parts(c, parts, &new_one, err) < 0 ||
	    nfs_direct_watch(job, parts, err) < 0)
		return -1;
	return mount_parts(c, parts, &old, err);
}

int nfs_mount(const struct phase_ctx *c, struct err *err)
{
	_cleanup_parts_ struct parts parts = PARTS_INIT;

	/* the thread that mounts has our namespace only if it comes later */
	if (mount_private_namespace(err) < 0 || nfs_start(c, err) < 0)
		return -1;
	if (server->net)
		nfs_net_tell(server->net);
	parts_of_job(c->job, &parts);
	return nfs_is_direct(c->job) ? mount_direct(c, &parts, err)
				     : mount_below(c, &parts, err);
}

int nfs_end(const struct job *job, struct err *err)
{
	_cleanup_parts_ struct parts parts = PARTS_INIT;
	_cleanup_free_ char *top = nfs_path(job);

	if (!server)
		return 0;
	parts_of_job(job, &parts);
	int rc = parts_detach(&parts, job->lower, err);
	if (rc == 0)
		rc = parts_detach(&parts, top, err);
	stop(server);
	discard(server);
	server = NULL;
	return rc;
}

/* The server has this lock as long as it is there. */
int nfs_is_gone(const struct phase_ctx *c, struct err *err)
{
	static const char script[] =
		"f=/run/nimadm/serve-tree.lock; [ -e $f ] || exit 0; i=0\n"
		"while grep -q \":$(stat -c %i $f) \" /proc/locks; do\n"
		"i=$((i + 1)); [ $i -lt 60 ] || exit 1; sleep 1; done";
	_cleanup_transport_ struct transport *t = NULL;

	if (client_open(&t, c, err) < 0)
		return -1;
	if (transport_script(t, script, 0, NULL, err) < 0) {
		err_set(err, ERR_OPERATOR,
			"client %s still serves " DISK_ALT_INST " over NFS",
			c->job->spec.client);
		return err_remedy(err, "end its processes there: pkill -f serve-tree");
	}
	return 0;
}

/* --- the pre-flight --- */

static const char *instead(const struct job *job)
{
	return awake_is_in(job) ? "wake the clone up on the client alone: --no-mount"
				: "migrate without --nfs";
}

int nfs_preflight(const struct phase_ctx *c, struct transport *t, struct findings *fs,
		  struct err *err)
{
	const char *const args[] = { "serve-tree", "--json", "--check", NULL };
	const struct client_call call = { .args = args, .events = c->events };
	const char *remedy = instead(c->job);
	_cleanup_free_ char *kernel = xasprintf("install a kernel with it, or %s",
						remedy);
	struct err unfit = { 0 };
	/* as mounting does, this loads the module */
	_cleanup_close_ int fs_fd = (int)syscall(SYS_fsopen, "nfs4",
						 1u /* FSOPEN_CLOEXEC */);

	if (fs_fd < 0 && errno == ENODEV)
		findings_add(fs, "master.nfs", FINDING_INHIBIT,
			     "This machine cannot mount what a client serves over NFS",
			     "the kernel has no NFS client (nfsv4)", kernel);
	if (nfs_is_direct(c->job))
		nfs_direct_preflight(c, fs);
	if (common_merges_usr(c))
		findings_add(fs, "nfs.usrmerge", FINDING_INHIBIT,
			     "The client's /bin, /sbin and /lib are not in /usr yet",
			     "they are merged in a plain tree only, not over NFS",
			     remedy);
	if (nfs_sec_is_in(c->job) && nfs_sec_preflight(c, fs))
		return 0;
	if (nfs_net_is_in(c->job))
		return nfs_net_preflight(c, t, remedy, fs, err);
	if (client_run(t, &call, &unfit) == 0) {
		findings_add(fs, "client.nfs", FINDING_PASS,
			     "The client can serve its clone over NFS", "NFSv4.2", "");
		return 0;
	}
	if (unfit.kind != ERR_UNFIT) {
		*err = unfit;
		return -1;
	}
	findings_add(fs, "client.nfs", FINDING_INHIBIT,
		     "The client cannot serve its clone over NFS", unfit.msg, remedy);
	return 0;
}
