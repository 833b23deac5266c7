/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Child processes: start, watch, stop, report. The child's own side is in proc-child.c. */
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "sys/files.h"
#include "sys/proc-child.h"
#include "sys/proc-stream.h"
#include "sys/signal.h"

#define KILL_AFTER  5.0 /* seconds between SIGTERM and SIGKILL */
#define LINGER	    1.0 /* seconds that output may stay open behind an ended command */
#define OUT_MAX	    ((size_t)64 * 1024 * 1024)
#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define NO_DEADLINE 1e18

/* One run of one command. */
struct run {
	const struct proc_spec *spec;
	pid_t pid;
	int pidfd; /* -1 where the kernel has none: polled then */
	struct stream out, err_out;
	double start, heard, deadline, kill_at, linger_until;
	enum proc_how how; /* PROC_EXITED until something else stops it */
	bool overflow, ended;
};

static const char *program_name(const struct proc_spec *spec)
{
	const char *slash = strrchr(spec->argv[0], '/');

	return slash ? slash + 1 : spec->argv[0];
}

/* Our PATH, with the system's directories behind it where they are missing. */
static char *search_path(void)
{
	_cleanup_strv_ struct strv dirs = STRV_INIT, extra = STRV_INIT;
	const char *path = getenv("PATH");

	strv_split(&dirs, path ? path : "", ":");
	strv_split(&extra, SYSTEM_PATH, ":");
	for (size_t i = 0; i < extra.n; i++)
		if (!strv_has(&dirs, extra.v[i]))
			strv_add(&dirs, extra.v[i]);
	return strv_join(&dirs, ":");
}

/* Directories have an execute bit too. */
static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return access(path, X_OK) == 0;
}

static char *find_in(const char *path, const char *name)
{
	_cleanup_strv_ struct strv dirs = STRV_INIT;

	/* The child changes its directory before exec: the name must be absolute. */
	if (strchr(name, '/'))
		return is_program(name) ? files_absolute(name) : NULL;
	strv_split(&dirs, path, ":");
	for (size_t i = 0; i < dirs.n; i++) {
		_cleanup_free_ char *full = xasprintf("%s/%s", dirs.v[i], name);
		if (dirs.v[i][0] == '/' && is_program(full))
			return TAKE_PTR(full);
	}
	return NULL;
}

char *proc_find(const char *name)
{
	_cleanup_free_ char *path = search_path();

	return find_in(path, name);
}

/* NAME=value; replaces an earlier value of the name. */
static void env_put(struct strv *env, const char *assignment)
{
	size_t name = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], assignment, name) == 0) {
			free(env->v[i]);
			env->v[i] = xstrdup(assignment);
			return;
		}
	}
	strv_add(env, assignment);
}

static void build_env(const struct proc_spec *spec, struct strv *env)
{
	_cleanup_free_ char *path = search_path();
	const char *term = getenv("TERM");

	strv_addf(env, "PATH=%s", path);
	strv_add_all(env, "LC_ALL=C.UTF-8", "HOME=/root", NULL);
	if (spec->tty && term)
		strv_addf(env, "TERM=%s", term);
	for (const char *const *e = spec->env; e && *e; e++)
		env_put(env, *e);
}

static void trace_argv(const struct proc_spec *spec)
{
	const char *file = getenv("NIMADM_TRACE");

	if (!file || *file == '\0')
		return;
	_cleanup_str_ struct str text = STR_INIT;
	for (const char *const *a = spec->argv; *a; a++) {
		if (a != spec->argv)
			str_addc(&text, ' ');
		if (**a && !(*a)[strcspn(*a, " \t\n'\"\\$`*?[]{}();&|<>#~!")]) {
			str_add(&text, *a);
			continue;
		}
		str_addc(&text, '\'');
		for (const char *p = *a; *p; p++) {
			if (*p == '\'')
				str_add(&text, "'\\''");
			else
				str_addc(&text, *p);
		}
		str_addc(&text, '\'');
	}
	str_addc(&text, '\n');
	_cleanup_close_ int fd =
		open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, text.p, text.len);
	(void)n; /* a debugging aid must not stop the work */
}

/* Numbers 0 to 2 are the child's: everything of ours lies above, even if we were started without them. */
static int above_stdio(int fd)
{
	if (fd < 0 || fd > 2)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return moved;
}

static int make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	ends[0] = above_stdio(ends[0]);
	ends[1] = above_stdio(ends[1]);
	return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

/* A file in memory rather than a pipe: the child can read at leisure and we never block or get SIGPIPE. */
static int open_input(const struct proc_spec *spec)
{
	if (spec->outlives)
		return fcntl(spec->outlives->socket, F_DUPFD_CLOEXEC, 3);
	if (spec->in_fd > 0)
		return fcntl(spec->in_fd, F_DUPFD_CLOEXEC, 3);
	if (!spec->input)
		return above_stdio(open("/dev/null", O_RDONLY | O_CLOEXEC));
	_cleanup_close_ int fd = above_stdio(memfd_create("stdin", MFD_CLOEXEC));
	if (fd < 0)
		return -1;
	for (size_t done = 0; done < spec->input_len;) {
		ssize_t n = pwrite(fd, spec->input + done, spec->input_len - done,
				   (off_t)done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return TAKE_FD(fd);
}

static pid_t fork_child(const struct child *c)
{
	sigset_t all, old;

	/* No handler of ours may run in the child before it has reset them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (pid == 0)
		child_exec(c);
	int saved = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Lets the child go on to exec and learns whether that worked. */
static int release_child(struct run *r, int go_fd, int status_fd, struct err *err)
{
	struct child_failure f;
	ssize_t n = -1;

	if (r->spec->on_start && r->spec->on_start(r->spec->arg, r->pid, err) < 0)
		return -1;
	while (write(go_fd, "g", 1) < 0 && errno == EINTR)
		;
	do
		n = read(status_fd, &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(f))
		return 0;
	errno = f.errnum;
	if (f.stage == CHILD_JAIL)
		return err_set_errno(err, ERR_OPERATOR,
				     "cannot prepare the alternate root for %s",
				     program_name(r->spec));
	if (f.stage == CHILD_CHDIR)
		return err_set_errno(err, ERR_OPERATOR, "cannot run %s in %s",
				     program_name(r->spec),
				     r->spec->cwd ? r->spec->cwd : "/");
	return err_set_errno(err, ERR_OPERATOR, "cannot run %s", r->spec->argv[0]);
}

static int not_found(const struct proc_spec *spec, struct err *err)
{
	/* What is there but cannot be run has its own cause. */
	if (!strchr(spec->argv[0], '/'))
		errno = ENOENT;
	bool missing = errno == ENOENT;
	err_set_errno(err, ERR_OPERATOR, "cannot run %s", spec->argv[0]);
	return missing ? err_remedy(err, "install the package that provides %s",
				    program_name(spec))
		       : -1;
}

static int start(struct run *r, struct err *err)
{
	const struct proc_spec *spec = r->spec;
	_cleanup_strv_ struct strv env = STRV_INIT;
	build_env(spec, &env);
	const char *path = NULL;
	for (size_t i = 0; i < env.n; i++)
		if (starts_with(env.v[i], "PATH="))
			path = env.v[i] + strlen("PATH=");
	_cleanup_free_ char *program = spec->jail ? xstrdup(spec->jail->program)
						  : find_in(path, spec->argv[0]);
	if (!program)
		return not_found(spec, err);

	_cleanup_close_ int in = -1, out_r = -1, out_w = -1, err_r = -1, err_w = -1;
	_cleanup_close_ int go_r = -1, go_w = -1, status_r = -1, status_w = -1;
	int *const pairs[][2] = { { &go_r, &go_w },
				  { &status_r, &status_w },
				  { &out_r, &out_w },
				  { &err_r, &err_w } };
	for (size_t i = 0; i < (spec->tty ? 2 : ARRAY_SIZE(pairs)); i++) {
		int ends[2] = { -1, -1 };
		int rc = make_pipe(ends);
		*pairs[i][0] = ends[0];
		*pairs[i][1] = ends[1];
		if (rc < 0)
			return err_set_errno(err, ERR_OPERATOR, "cannot make a pipe");
	}
	if (!spec->tty && (in = open_input(spec)) < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot prepare the input of %s",
				     program_name(spec));
	struct child c = {
		.spec = spec,
		.program = program,
		.envp = env.v,
		.std = { in, spec->outlives ? in : out_w, err_w },
		.go_end = go_w,
		.go_fd = go_r,
		.status_fd = status_w,
		.parent = getpid(),
	};
	r->pid = fork_child(&c);
	if (r->pid < 0)
		return err_set_errno(err, ERR_TRANSIENT, "cannot start %s",
				     program_name(spec));
	/* go_r stays open: writing to a child that was killed must not raise SIGPIPE. */
	close(TAKE_FD(status_w));
	if (!spec->tty)
		setpgid(r->pid, r->pid); /* both sides do it: no window for kill(-pid) */
	if (release_child(r, go_w, status_r, err) < 0) {
		close(TAKE_FD(go_w));
		reap(r->pid);
		return -1;
	}
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	r->out.fd = TAKE_FD(out_r);
	r->err_out.fd = TAKE_FD(err_r);
	return 0;
}

static void signal_group(const struct run *r, int signo)
{
	kill(r->spec->tty ? r->pid : -r->pid, signo);
}

static void stop(struct run *r, enum proc_how how)
{
	r->how = how;
	r->deadline = NO_DEADLINE;
	r->kill_at = clock_mono() + KILL_AFTER;
	signal_group(r, SIGTERM);
}

/* Whether the child has ended; it stays a zombie, so that its group's number stays ours. */
static bool has_ended(const struct run *r)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == r->pid;
}

/* When a running command has gone without a sign of life for too long. */
static double quiet_until(const struct run *r)
{
	if (r->how != PROC_EXITED || r->ended || r->spec->quiet_s == 0)
		return NO_DEADLINE;
	return (r->spec->alive ? *r->spec->alive : r->heard) + r->spec->quiet_s;
}

static int poll_timeout(const struct run *r)
{
	double until = MIN(MIN(r->deadline, r->kill_at), r->linger_until);

	until = MIN(until, quiet_until(r));

	if (until >= NO_DEADLINE)
		return r->pidfd < 0 && !r->ended ? 50 : -1;
	double ms = (until - clock_mono()) * 1000 + 1;
	ms = MAX(ms, 0.0);
	if (r->pidfd < 0)
		ms = MIN(ms, 50.0);
	return (int)MIN(ms, 3600e3);
}

static void check_clocks(struct run *r)
{
	double now = clock_mono();

	if (r->how == PROC_EXITED && !r->ended && now >= MIN(r->deadline, quiet_until(r)))
		stop(r, PROC_TIMED_OUT);
	if (now >= r->kill_at) {
		signal_group(r, SIGKILL);
		r->kill_at = NO_DEADLINE;
	}
	if (r->ended || !has_ended(r))
		return;
	r->ended = true;
	r->deadline = r->kill_at = NO_DEADLINE;
	r->linger_until = now + LINGER;
	/* Whoever was told to stop is gone as a whole group, not only its leader. */
	if (r->how != PROC_EXITED)
		signal_group(r, SIGKILL);
}

static void read_stream(struct run *r, struct stream *s, short revents)
{
	if (s->fd < 0 || !revents)
		return;
	int rc = stream_read(s);
	/* whoever takes the output may have kept the command waiting */
	r->heard = clock_mono();
	if (rc == 0)
		return;
	r->overflow = rc > 0;
	stream_end(s);
	if (r->how == PROC_EXITED && !r->ended)
		stop(r, PROC_SIGNALLED);
}

static void watch(struct run *r)
{
	while (!r->ended || r->out.fd >= 0 || r->err_out.fd >= 0) {
		bool may_cancel = r->how == PROC_EXITED && !r->ended &&
				  !r->spec->uncancellable && !r->spec->tty;
		struct pollfd fds[] = {
			{ .fd = r->out.fd, .events = POLLIN },
			{ .fd = r->err_out.fd, .events = POLLIN },
			{ .fd = r->ended ? -1 : r->pidfd, .events = POLLIN },
			{ .fd = may_cancel ? cancel_fd() : -1, .events = POLLIN },
		};
		int n = poll(fds, ARRAY_SIZE(fds), poll_timeout(r));
		if (n > 0) {
			read_stream(r, &r->out, fds[0].revents);
			read_stream(r, &r->err_out, fds[1].revents);
		}
		if (may_cancel && r->how == PROC_EXITED && cancel_requested())
			stop(r, PROC_CANCELLED);
		check_clocks(r);
		/* what lies in the pipe is wanted however slowly it is taken */
		if (r->ended && clock_mono() >= r->linger_until &&
		    !(n > 0 && r->spec->on_data && r->how == PROC_EXITED))
			break;
	}
	stream_end(&r->out);
	stream_end(&r->err_out);
}

static int finish(struct run *r, struct proc_result *res, struct err *err)
{
	int status = 0;

	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	res->how = r->how;
	if (WIFEXITED(status)) {
		res->status = WEXITSTATUS(status);
	} else {
		res->status = WTERMSIG(status);
		if (r->how == PROC_EXITED)
			res->how = PROC_SIGNALLED;
	}
	res->seconds = clock_mono() - r->start;
	stream_tail(r->err_out.tail.len > 0 ? &r->err_out : &r->out, res->tail,
		    sizeof(res->tail));
	if (r->overflow)
		return err_set(err, ERR_OPERATOR, "%s: more than %zu bytes of output",
			       program_name(r->spec), r->out.collect_max);
	if (r->out.data_err.kind != ERR_NONE) {
		if (err)
			*err = r->out.data_err;
		return -1;
	}
	if (res->how == PROC_CANCELLED) {
		int rc = cancel_check(err);
		return rc < 0 ? err_prefix(err, "%s", program_name(r->spec)) : -1;
	}
	return res->how == PROC_EXITED && res->status == 0 ? 0 : 1;
}

/* While a program has the terminal, its interrupt key is not meant for us. */
static void ignore_keys(bool on, struct sigaction old[2])
{
	static const int keys[2] = { SIGINT, SIGQUIT };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		sigaction(keys[i], on ? &ignore : &old[i], on ? &old[i] : NULL);
}

static int run_started(struct run *r, struct proc_result *res, struct err *err)
{
	r->heard = r->start;
	if (r->spec->timeout_s > 0)
		r->deadline = r->start + r->spec->timeout_s;
	watch(r);
	return finish(r, res, err);
}

int proc_run(const struct proc_spec *spec, struct proc_result *res, struct err *err)
{
	struct proc_result scratch;
	struct sigaction keys[2];
	struct run r = {
		.spec = spec,
		.pidfd = -1,
		.out = { .fd = -1,
			 .collect = spec->out,
			 .on_data = spec->on_data,
			 .on_line = spec->on_line,
			 .arg = spec->arg },
		.err_out = { .fd = -1,
			     .is_err = true,
			     .on_line = spec->on_line,
			     .arg = spec->arg },
		.start = clock_mono(),
		.deadline = NO_DEADLINE,
		.kill_at = NO_DEADLINE,
		.linger_until = NO_DEADLINE,
		.how = PROC_EXITED,
	};

	if (!res)
		res = &scratch;
	*res = (struct proc_result){ .how = PROC_NOT_STARTED };
	if (spec->out) {
		size_t max = spec->out_max ? spec->out_max : OUT_MAX;
		r.out.collect_max = spec->out->len + max;
	}
	trace_argv(spec);
	if (!spec->uncancellable && cancel_check(err) < 0) {
		res->how = PROC_CANCELLED;
		return -1;
	}
	if (spec->tty)
		ignore_keys(true, keys);
	int rc = start(&r, err);
	if (rc == 0)
		rc = run_started(&r, res, err);
	if (spec->tty)
		ignore_keys(false, keys);
	if (r.pidfd >= 0)
		close(r.pidfd);
	stream_done(&r.out);
	stream_done(&r.err_out);
	return rc;
}

pid_t proc_leave(const struct proc_spec *spec, struct err *err)
{
	struct run r = {
		.spec = spec,
		.pidfd = -1,
		.out = { .fd = -1 },
		.err_out = { .fd = -1 },
	};

	trace_argv(spec);
	if (cancel_check(err) < 0)
		return -1;
	int rc = start(&r, err);
	close_p(&r.pidfd);
	stream_done(&r.out);
	stream_done(&r.err_out);
	return rc < 0 ? -1 : r.pid;
}

int proc_result_err(const struct proc_spec *spec, const struct proc_result *res,
		    struct err *err)
{
	const char *name = program_name(spec);
	const char *sep = res->tail[0] ? ": " : "";

	switch (res->how) {
	case PROC_EXITED:
		return err_set(err, ERR_OPERATOR, "%s: exit status %d%s%s", name,
			       res->status, sep, res->tail);
	case PROC_SIGNALLED:
		return err_set(err, ERR_OPERATOR, "%s: killed by signal %d (%s)%s%s",
			       name, res->status,
			       sigdescr_np(res->status) ? sigdescr_np(res->status) : "?",
			       sep, res->tail);
	case PROC_TIMED_OUT:
		if (spec->timeout_s == 0 || res->seconds < spec->timeout_s)
			return err_set(err, ERR_OPERATOR,
				       "%s: stopped after %.0f s, the last %u without a "
				       "sign of life%s%s",
				       name, res->seconds, spec->quiet_s, sep, res->tail);
		return err_set(err, ERR_OPERATOR,
			       "%s: stopped after %.0f s (time limit %u s)%s%s", name,
			       res->seconds, spec->timeout_s, sep, res->tail);
	case PROC_CANCELLED:
		return err_set(err, ERR_CANCELLED, "%s: interrupted", name);
	case PROC_NOT_STARTED:
		break;
	}
	return err_set(err, ERR_OPERATOR, "%s: could not be started", name);
}

int proc_check(const struct proc_spec *spec, struct err *err)
{
	struct proc_result res;
	int rc = proc_run(spec, &res, err);

	return rc > 0 ? proc_result_err(spec, &res, err) : rc;
}
