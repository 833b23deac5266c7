/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Child processes: the only door to fork and exec.
 *
 * The child gets its own process group, /dev/null (or `input`) as standard input, a small explicit environment
 * (our PATH with the sbin directories, LC_ALL=C.UTF-8, HOME=/root, plus `env`), umask 022, no inherited descriptors but `keep_fds`, default signals,
 * and dies with its parent. Both outputs are read line by line. On timeout or cancellation the group gets SIGTERM,
 * five seconds later SIGKILL. Output that a background process keeps open is waited for one second after the
 * command's end. Environment NIMADM_TRACE=FILE appends every argv to that file. Not thread-safe with itself only in that on_line runs in the caller's thread.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/strv.h"

/*
 * The command runs in namespaces of its own (mount, pid, ipc, net), as their first process: what it leaves running or
 * mounted ends with it. `enter` prepares the new mount namespace (private already) in the child and may change the root; it
 * uses system calls only, -1 and errno. sys/runner-chroot.c makes one for a mounted root.
 */
struct proc_jail {
	const char *program; /* absolute, as seen after `enter` */
	bool network;	     /* it stays in our network: for what must fetch something */
	int (*enter)(const struct proc_jail *jail);
};

/*
 * The command outlives us: it talks to the other end of a socket, its standard input and output, until that is closed. It is
 * in another mount namespace than we are, so that it does not keep ours, whose end it may serve.
 */
struct proc_outliving {
	int socket;
	int mount_ns; /* open on a namespace: mount_first_namespace */
	int root;     /* its root there: mount_first_root; 0: the namespace's own */
};

struct proc_spec {
	const char *const *argv;
	const struct proc_outliving *outlives; /* may be NULL */
	const struct proc_jail *jail;	       /* may be NULL */
	const char *const *env; /* NULL-terminated "NAME=value" additions; may be NULL */
	const char *cwd;	/* NULL: "/" */
	const char *input;	/* bytes for standard input; NULL: /dev/null */
	size_t input_len;
	int in_fd; /* this descriptor (above 2) is standard input; 0: `input` is */
	bool tty;  /* keep the terminal's stdin, stdout and stderr (debug shell) */
	/* Runs to its end although cancellation was asked for: for commands that clean up. */
	bool uncancellable;
	unsigned timeout_s; /* 0: none */
	/* Time out too after quiet_s without a sign of life: any output, or, where `alive` is not NULL, a newer *alive
	 * (clock_mono, set by on_line). 0: no such watch. */
	unsigned quiet_s;
	const double *alive;
	struct str *out; /* collect standard output here (raw), instead of on_line */
	size_t out_max;	 /* 0: 64 MiB; more is an error */
	/*
	 * Standard output goes here as it arrives, instead of to on_line; the command waits while this works. -1 stops
	 * the command, and *err is what proc_run fails with.
	 */
	int (*on_data)(void *arg, const void *data, size_t n, struct err *err);
	/* Each complete line without '\n'; is_err tells stderr. May be NULL. */
	void (*on_line)(void *arg, const char *line, bool is_err);
	void *arg;
	const int *keep_fds; /* descriptors that stay open under the same number */
	size_t n_keep_fds;
	/* Called in the parent with the new child's pid, before it runs exec (to put it into a cgroup). */
	int (*on_start)(void *arg, pid_t pid, struct err *err);
};

enum proc_how {
	PROC_EXITED,
	PROC_SIGNALLED,
	PROC_TIMED_OUT,
	PROC_CANCELLED,
	PROC_NOT_STARTED
};

struct proc_result {
	enum proc_how how;
	int status;	 /* exit status or signal number */
	char tail[2048]; /* the last lines of stderr (stdout where stderr was empty) */
	double seconds;
};

/*
 * Runs to the end. 0: exited with 0. 1: it ran but ended otherwise; *res says how and *err is NOT set.
 * -1: could not be run, or cancelled (ERR_CANCELLED). `res` may be NULL.
 */
int proc_run(const struct proc_spec *spec, struct proc_result *res, struct err *err)
	_must_check_;

/* Starts a command that outlives us (spec->outlives) and leaves it alone: what it has to say, it says to its socket. Its
 * process id, or -1. */
pid_t proc_leave(const struct proc_spec *spec, struct err *err) _must_check_;

/* As proc_run, but anything but exit 0 fills *err: "apt-get: exit status 100: <last lines>". 0 or -1. */
int proc_check(const struct proc_spec *spec, struct err *err) _must_check_;

/* Fills *err from a result (kind ERR_OPERATOR; timeout says so). Returns -1. */
int proc_result_err(const struct proc_spec *spec, const struct proc_result *res,
		    struct err *err);

/* Full path of a program in PATH plus /usr/local/sbin:/usr/sbin:/sbin, malloc'd; NULL when absent. */
char *proc_find(const char *name);
