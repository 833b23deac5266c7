/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seccomp filters: a table of refused calls and two tables of conditions. */
#include "sandbox/filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/str.h"

#define PASSES	 (-1) /* decided by `conditions` below */
#define SUCCEEDS 0

/*
 * EPERM where a program should see a refusal; ENOSYS where it has a fallback for kernels without the call
 * (glibc for clone3, databases for io_uring and io_setup).
 */
static const struct answer {
	const char *call;
	int errnum;
} answers[] = {
	/* The alternate root is verified or thrown away as a whole: a sync of a file buys nothing and costs minutes. */
	{ "fdatasync", SUCCEEDS },
	{ "fsync", SUCCEEDS },
	{ "msync", SUCCEEDS },
	{ "sync", SUCCEEDS },
	{ "sync_file_range", SUCCEEDS },
	{ "sync_file_range2", SUCCEEDS },
	{ "syncfs", SUCCEEDS },
	/* mounts and namespaces */
	{ "fsconfig", EPERM },
	{ "fsmount", EPERM },
	{ "fsopen", EPERM },
	{ "fspick", EPERM },
	{ "mount", EPERM },
	{ "mount_setattr", EPERM },
	{ "move_mount", EPERM },
	{ "open_tree", EPERM },
	{ "pivot_root", EPERM },
	{ "setns", EPERM },
	{ "umount", EPERM },
	{ "umount2", EPERM },
	{ "unshare", EPERM },
	/* clone3 hides its flags behind a pointer, where no filter can look; glibc falls back to clone */
	{ "clone3", ENOSYS },
	{ "clone", PASSES },
	/* A handle names a file of the whole file system, also outside the bind mount. */
	{ "name_to_handle_at", EOPNOTSUPP },
	{ "open_by_handle_at", EPERM },
	/* the kernel's own state */
	{ "_sysctl", EPERM },
	{ "acct", EPERM },
	{ "adjtimex", EPERM },
	{ "afs_syscall", ENOSYS },
	{ "bdflush", EPERM },
	{ "bpf", EPERM },
	{ "clock_adjtime", EPERM },
	{ "clock_adjtime64", EPERM },
	{ "clock_settime", EPERM },
	{ "clock_settime64", EPERM },
	{ "create_module", ENOSYS },
	{ "delete_module", EPERM },
	{ "fanotify_init", EPERM },
	{ "finit_module", EPERM },
	{ "get_kernel_syms", ENOSYS },
	{ "init_module", EPERM },
	{ "ioperm", EPERM },
	{ "iopl", EPERM },
	{ "kexec_file_load", EPERM },
	{ "kexec_load", EPERM },
	{ "lookup_dcookie", EPERM },
	{ "modify_ldt", EPERM },
	{ "nfsservctl", ENOSYS },
	{ "pciconfig_iobase", EPERM },
	{ "pciconfig_read", EPERM },
	{ "pciconfig_write", EPERM },
	{ "perf_event_open", EPERM },
	{ "query_module", ENOSYS },
	{ "quotactl", EPERM },
	{ "quotactl_fd", EPERM },
	{ "reboot", EPERM },
	{ "settimeofday", EPERM },
	{ "stime", EPERM },
	{ "swapoff", EPERM },
	{ "swapon", EPERM },
	{ "syslog", EPERM },
	{ "uselib", ENOSYS },
	{ "userfaultfd", EPERM },
	{ "vhangup", EPERM },
	{ "vm86", EPERM },
	{ "vm86old", EPERM },
	/* other processes' memory */
	{ "kcmp", EPERM },
	{ "pidfd_getfd", EPERM },
	{ "process_madvise", EPERM },
	{ "process_vm_readv", EPERM },
	{ "process_vm_writev", EPERM },
	{ "ptrace", EPERM },
	/* counted per user or for the whole machine: root inside would use up root's share outside */
	{ "add_key", EPERM },
	{ "inotify_init", ENOSYS },
	{ "inotify_init1", ENOSYS },
	{ "io_setup", ENOSYS },
	{ "io_uring_enter", ENOSYS },
	{ "io_uring_register", ENOSYS },
	{ "io_uring_setup", ENOSYS },
	{ "keyctl", EPERM },
	{ "memfd_secret", ENOSYS },
	{ "request_key", EPERM },
	/* decided by their arguments */
	{ "personality", PASSES },
	{ "socket", PASSES },
	{ "socketcall", EPERM },
	{ "socketpair", PASSES },
};

/* the kernel looks at 32 bits of an int argument, so does the rule */
#define WORD	0xffffffffu
#define ALLOW	SCMP_ACT_ALLOW
#define DENY(e) SCMP_ACT_ERRNO(e)
#define ARG(n, mask, value)                                                              \
	{                                                                                \
		.arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask),                 \
		.datum_b = (value)                                                       \
	}

struct condition {
	const char *call;
	uint32_t action;
	unsigned n;
	struct scmp_arg_cmp args[3];
};

#define NEW_NAMESPACE(flag)                                                              \
	{                                                                                \
		"clone", DENY(EPERM), 1,                                                 \
		{                                                                        \
			ARG(0, (flag), (flag))                                           \
		}                                                                        \
	}
#define SOCKET(family, type, protocol)                                                   \
	{                                                                                \
		"socket", ALLOW, 3,                                                      \
		{                                                                        \
			ARG(0, WORD, (family)), ARG(1, 0xf, (type)),                     \
				ARG(2, WORD, (protocol))                                 \
		}                                                                        \
	}
#define ALL_NAMESPACES                                                                   \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |   \
	 CLONE_NEWPID | CLONE_NEWNET)

/* Of these calls only what a row allows is allowed; a protocol by number would make the kernel load its module. */
static const struct condition conditions[] = {
	{ "clone", ALLOW, 1, { ARG(0, ALL_NAMESPACES, 0) } },
	NEW_NAMESPACE(CLONE_NEWNS),
	NEW_NAMESPACE(CLONE_NEWCGROUP),
	NEW_NAMESPACE(CLONE_NEWUTS),
	NEW_NAMESPACE(CLONE_NEWIPC),
	NEW_NAMESPACE(CLONE_NEWUSER),
	NEW_NAMESPACE(CLONE_NEWPID),
	NEW_NAMESPACE(CLONE_NEWNET),
	{ "personality", ALLOW, 1, { ARG(0, WORD, 0) } },
	{ "personality", ALLOW, 1, { ARG(0, WORD, WORD) } },
	{ "socketpair", ALLOW, 1, { ARG(0, WORD, AF_UNIX) } },
	{ "socket", ALLOW, 1, { ARG(0, WORD, AF_UNIX) } },
	SOCKET(AF_INET, SOCK_STREAM, 0),
	SOCKET(AF_INET, SOCK_STREAM, 6),
	SOCKET(AF_INET, SOCK_DGRAM, 0),
	SOCKET(AF_INET, SOCK_DGRAM, 17),
	SOCKET(AF_INET6, SOCK_STREAM, 0),
	SOCKET(AF_INET6, SOCK_STREAM, 6),
	SOCKET(AF_INET6, SOCK_DGRAM, 0),
	SOCKET(AF_INET6, SOCK_DGRAM, 17),
};

static const struct condition arguments[] = {
	{ "ioctl", DENY(EPERM), 1, { ARG(1, WORD, TIOCSTI) } },
	{ "ioctl", DENY(EPERM), 1, { ARG(1, WORD, TIOCLINUX) } },
	{ "ioctl", DENY(EPERM), 1, { ARG(1, WORD, TIOCSETD) } },
};

static const struct answer *find_answer(const char *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (streq(answers[i].call, call))
			return &answers[i];
	return NULL;
}

int filter_answer(const char *call)
{
	const struct answer *a = find_answer(call);

	return a ? a->errnum : PASSES;
}

static int add_condition(scmp_filter_ctx ctx, const struct condition *c)
{
	int nr = seccomp_syscall_resolve_name(c->call);

	if (nr == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(ctx, c->action, nr, c->n, c->args);
}

static int add_conditions(scmp_filter_ctx ctx, const struct condition *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = add_condition(ctx, &table[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Refused families answer as a kernel without them does: libaudit in useradd gives up on any other error. */
static int add_families(scmp_filter_ctx ctx)
{
	for (unsigned family = 0; family < AF_MAX; family++) {
		struct condition c = {
			"socket", DENY(EAFNOSUPPORT), 1, { ARG(0, WORD, family) }
		};
		int rc;

		if (family == AF_UNIX || family == AF_INET || family == AF_INET6)
			continue;
		rc = add_condition(ctx, &c);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_call(scmp_filter_ctx ctx, int nr, const char *name)
{
	const struct answer *a = find_answer(name);

	if (a == NULL)
		return seccomp_rule_add(ctx, ALLOW, nr, 0);
	if (a->errnum == PASSES || a->errnum == ENOSYS)
		return 0; /* a condition decides, or the default does */
	return seccomp_rule_add(ctx, DENY((uint32_t)a->errnum), nr, 0);
}

/* i386's socket calls, also behind socketcall: libseccomp would let socketcall() through with any arguments. */
static bool is_i386_socket_call(int nr)
{
	enum { SOCKET = 359, SHUTDOWN = 373 };

	return nr >= SOCKET && nr <= SHUTDOWN;
}

/* All calls of `arch`; rules name them by the native number, or by libseccomp's own where there is none. */
static int add_calls(scmp_filter_ctx ctx, uint32_t arch)
{
	enum { LAST_CALL = 2048 };

	for (int nr = 0; nr <= LAST_CALL; nr++) {
		_cleanup_free_ char *name = seccomp_syscall_resolve_num_arch(arch, nr);
		int rc = 0;

		if (arch == SCMP_ARCH_X86 && is_i386_socket_call(nr))
			continue;
		if (name)
			rc = add_call(ctx, seccomp_syscall_resolve_name(name), name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int fill_native(scmp_filter_ctx ctx)
{
	int rc = add_calls(ctx, SCMP_ARCH_NATIVE);

	if (rc == 0)
		rc = add_conditions(ctx, conditions, ARRAY_SIZE(conditions));
	return rc == 0 ? add_families(ctx) : rc;
}

/* The same without sockets. */
static int fill_i386(scmp_filter_ctx ctx)
{
	int rc = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);

	if (rc == 0)
		rc = seccomp_arch_add(ctx, SCMP_ARCH_X86);
	if (rc == 0)
		rc = add_calls(ctx, SCMP_ARCH_X86);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(conditions); i++)
		if (!starts_with(conditions[i].call, "socket"))
			rc = add_condition(ctx, &conditions[i]);
	return rc;
}

static void release_ctx(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* Calls of an architecture that no filter was made for (x32) would have other numbers: they end the process. */
static scmp_filter_ctx new_ctx(enum filter_part part)
{
	scmp_filter_ctx ctx = seccomp_init(
		part == FILTER_ARGUMENTS ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));

	if (ctx &&
	    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0) {
		seccomp_release(ctx);
		return NULL;
	}
	return ctx;
}

/* i386 programs run on amd64; their calls have numbers of their own, so each table is filled apart. */
static int merge_i386(scmp_filter_ctx ctx)
{
	_cleanup_(release_ctx) scmp_filter_ctx other = new_ctx(FILTER_CALLS);
	int rc = other ? fill_i386(other) : -ENOMEM;

	if (rc == 0)
		rc = seccomp_merge(ctx, other);
	if (rc == 0)
		other = NULL; /* merging frees it */
	return rc;
}

static int fill(scmp_filter_ctx ctx, enum filter_part part)
{
	bool i386 = seccomp_arch_native() == SCMP_ARCH_X86_64;
	int rc = 0;

	if (part == FILTER_CALLS) {
		rc = fill_native(ctx);
		return rc == 0 && i386 ? merge_i386(ctx) : rc;
	}
	if (i386)
		rc = seccomp_arch_add(ctx, SCMP_ARCH_X86);
	return rc == 0 ? add_conditions(ctx, arguments, ARRAY_SIZE(arguments)) : rc;
}

int filter_open(enum filter_part part, struct err *err)
{
	_cleanup_(release_ctx) scmp_filter_ctx ctx = new_ctx(part);
	_cleanup_close_ int fd = memfd_create("nimadm-seccomp", MFD_CLOEXEC);
	int rc;

	if (ctx == NULL)
		return err_set(err, ERR_INTERNAL,
			       "seccomp filter: libseccomp gives none");
	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "seccomp filter: memfd_create");
	rc = fill(ctx, part);
	if (rc == 0)
		rc = seccomp_export_bpf(ctx, fd);
	if (rc < 0)
		return err_set(err, ERR_INTERNAL, "seccomp filter: %s", strerror(-rc));
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_set_errno(err, ERR_INTERNAL, "seccomp filter: seek");
	return TAKE_FD(fd);
}
