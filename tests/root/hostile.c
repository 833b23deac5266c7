/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hostile image would try from inside the sandbox. `hostile ATTACK [ARGUMENT]` ends with 0 when the attack was
 * refused, with 1 when it got through. Without an attack it makes all refusable system calls of its table.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/reboot.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int through(const char *what)
{
	printf("THROUGH: %s\n", what);
	return 1;
}

static int refused(const char *what)
{
	printf("refused: %s: %s\n", what, strerror(errno));
	return 0;
}

static int verdict(bool got_through, const char *what)
{
	return got_through ? through(what) : refused(what);
}

#define P(p) ((long)(intptr_t)(p))
static struct timespec now = { 1000000000, 0 };
static struct timeval now_tv = { 1000000000, 0 };
static char buffer[4096];
static struct {
	unsigned size;
	int type;
	unsigned inode, generation;
} handle = { 8, 1, 2, 0 };

/* Calls that no argument makes good; `want` is the errno that shows that the filter answered. */
static const struct attempt {
	const char *name;
	long nr, a[5];
	int want;
} attempts[] = {
	{ "mount tmpfs", SYS_mount, { P("x"), P("/tmp"), P("tmpfs") }, EPERM },
	{ "bind mount", SYS_mount, { P("/"), P("/tmp"), 0, MS_BIND }, EPERM },
	{ "remount /proc", SYS_mount, { 0, P("/proc"), 0, MS_REMOUNT }, EPERM },
	{ "umount", SYS_umount2, { P("/proc"), MNT_DETACH }, EPERM },
	{ "pivot_root", SYS_pivot_root, { P("/tmp"), P("/tmp") }, EPERM },
	{ "fsopen", SYS_fsopen, { P("tmpfs"), 0 }, EPERM },
	{ "open_tree", SYS_open_tree, { AT_FDCWD, P("/"), 1 }, EPERM },
	{ "move_mount", SYS_move_mount, { 0 }, EPERM },
	{ "unshare user", SYS_unshare, { CLONE_NEWUSER }, EPERM },
	{ "unshare mount", SYS_unshare, { CLONE_NEWNS }, EPERM },
	{ "clone user", SYS_clone, { CLONE_NEWUSER | SIGCHLD }, EPERM },
	{ "clone net", SYS_clone, { CLONE_NEWNET | SIGCHLD }, EPERM },
	{ "clone3", SYS_clone3, { P(buffer), 88 }, ENOSYS },
	{ "setns", SYS_setns, { 0, 0 }, EPERM },
	{ "ptrace init", SYS_ptrace, { PTRACE_ATTACH, 1 }, EPERM },
	{ "ptrace seize", SYS_ptrace, { 0x4206, 1 }, EPERM },
	{ "process_vm_readv",
	  SYS_process_vm_readv,
	  { 1, P(buffer), 1, P(buffer), 1 },
	  EPERM },
	{ "process_vm_writev",
	  SYS_process_vm_writev,
	  { 1, P(buffer), 1, P(buffer), 1 },
	  EPERM },
	{ "init_module", SYS_init_module, { P(buffer), 16, P("") }, EPERM },
	{ "finit_module", SYS_finit_module, { 0, P("") }, EPERM },
	{ "delete_module", SYS_delete_module, { P("overlay") }, EPERM },
	{ "kexec_load", SYS_kexec_load, { 0 }, EPERM },
	{ "kexec_file_load", SYS_kexec_file_load, { 0 }, EPERM },
	{ "reboot",
	  SYS_reboot,
	  { (long)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF },
	  EPERM },
	{ "swapon", SYS_swapon, { P("/alt_inst/swap") }, EPERM },
	{ "swapoff", SYS_swapoff, { P("/alt_inst/swap") }, EPERM },
	{ "clock_settime", SYS_clock_settime, { CLOCK_REALTIME, P(&now) }, EPERM },
	{ "settimeofday", SYS_settimeofday, { P(&now_tv), 0 }, EPERM },
	{ "adjtimex", SYS_adjtimex, { P(buffer) }, EPERM },
	{ "bpf", SYS_bpf, { 0, P(buffer), 64 }, EPERM },
	{ "perf_event_open", SYS_perf_event_open, { P(buffer), 0, -1, -1 }, EPERM },
	{ "open_by_handle_at",
	  SYS_open_by_handle_at,
	  { AT_FDCWD, P(&handle), 0 },
	  EPERM },
	{ "name_to_handle_at",
	  SYS_name_to_handle_at,
	  { AT_FDCWD, P("/"), P(&handle), P(buffer) },
	  EOPNOTSUPP },
	{ "keyctl", SYS_keyctl, { KEYCTL_GET_KEYRING_ID, -4, 0 }, EPERM },
	{ "add_key", SYS_add_key, { P("user"), P("n"), P("v"), 1, -4 }, EPERM },
	{ "request_key", SYS_request_key, { P("user"), P("n"), 0, -4 }, EPERM },
	{ "userfaultfd", SYS_userfaultfd, { 0 }, EPERM },
	{ "io_uring_setup", SYS_io_uring_setup, { 8, P(buffer) }, ENOSYS },
	{ "quotactl", SYS_quotactl, { 0 }, EPERM },
	{ "acct", SYS_acct, { P("/alt_inst/acct") }, EPERM },
	{ "syslog", SYS_syslog, { 3, P(buffer), 4096 }, EPERM },
	{ "inotify", SYS_inotify_init1, { 0 }, ENOSYS },
	{ "fanotify", SYS_fanotify_init, { 0 }, EPERM },
	{ "pidfd_getfd", SYS_pidfd_getfd, { 0 }, EPERM },
	{ "personality", SYS_personality, { 0x0400000 }, ENOSYS },
	{ "packet socket", SYS_socket, { AF_PACKET, SOCK_RAW, 768 }, EAFNOSUPPORT },
	{ "netlink socket", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 }, EAFNOSUPPORT },
	{ "vsock socket", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 }, EAFNOSUPPORT },
	{ "alg socket", SYS_socket, { AF_ALG, SOCK_SEQPACKET, 0 }, EAFNOSUPPORT },
	{ "alg socket, high bits",
	  SYS_socket,
	  { 1L << 32 | AF_ALG, 5, 0 },
	  EAFNOSUPPORT },
	{ "raw socket", SYS_socket, { AF_INET, SOCK_RAW, 255 }, ENOSYS },
	{ "raw socket, high bits",
	  SYS_socket,
	  { AF_INET, 1L << 32 | SOCK_RAW, 255 },
	  ENOSYS },
	{ "sctp socket", SYS_socket, { AF_INET, SOCK_STREAM, 132 }, ENOSYS },
	{ "unknown call", 600, { 0 }, ENOSYS },
	{ "TIOCSTI", SYS_ioctl, { 0, TIOCSTI, P("x") }, EPERM },
	{ "TIOCSTI, high bits", SYS_ioctl, { 0, 1L << 32 | TIOCSTI, P("x") }, EPERM },
	{ "TIOCLINUX", SYS_ioctl, { 0, TIOCLINUX, P("\3") }, EPERM },
	{ "chown device", SYS_mknod, { P("/tmp/dev"), S_IFBLK | 0600, 0x800 }, EPERM },
	/* succeeds at once, whatever the argument */
	{ "fsync", SYS_fsync, { -1 }, 0 },
	{ "fdatasync", SYS_fdatasync, { -1 }, 0 },
	{ "syncfs", SYS_syncfs, { -1 }, 0 },
	{ "sync_file_range", SYS_sync_file_range, { -1 }, 0 },
	{ "msync", SYS_msync, { 0, 4096, 4 }, 0 },
#ifdef __x86_64__
	{ "iopl", SYS_iopl, { 3 }, EPERM },
	{ "ioperm", SYS_ioperm, { 0x80, 1, 1 }, EPERM },
#endif
};

static int attack_calls(const char *arg)
{
	int bad = 0;

	for (size_t i = 0; i < COUNT(attempts); i++) {
		const struct attempt *t = &attempts[i];
		long rc;

		errno = 0;
		rc = syscall(t->nr, t->a[0], t->a[1], t->a[2], t->a[3], t->a[4]);
		if (rc == 0 && t->nr == SYS_clone)
			_exit(0);
		if (t->want == 0 ? rc == 0 : rc == -1 && errno == t->want)
			continue;
		printf("THROUGH: %s: gave %ld (%s), not %s\n", t->name, rc,
		       strerror(errno), strerror(t->want));
		bad = 1;
	}
	if (bad == 0)
		printf("refused: %zu calls\n", COUNT(attempts));
	return bad;
}

/* Runs `f` in a child; the kernel must end it with SIGSYS. */
static int must_die(void (*f)(void), const char *what)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		f();
		_exit(42);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return refused(what);
	return through(what);
}

#ifdef __x86_64__
/* The program is linked statically below 4 GiB, so its addresses fit. */
static int call_i386(int nr, const long a[3])
{
	int rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2])
			 : "memory", "r8", "r9", "r10", "r11");
	return rc;
}

static void call_x32(void)
{
	syscall(0x40000000 | SYS_getpid);
}
#endif

static int attack_foreign(const char *arg)
{
#ifdef __x86_64__
	return must_die(call_x32, "x32 call");
#else
	return 0;
#endif
}

/* The calls of i386, by its own numbers: those of a program work, the others are refused as they are on amd64. */
static int attack_i386(const char *arg)
{
	int bad = 0;
#ifdef __x86_64__
	static const int alg_socket[] = { AF_ALG, SOCK_SEQPACKET, 0 };
	static const struct {
		const char *name;
		int nr;
		long a[3];
		int want;
	} table[] = {
		{ "getuid", 199, { 0 }, 0 },
		{ "access", 33, { P("/alt_inst"), R_OK }, 0 },
		{ "fsync", 118, { -1 }, 0 },
		{ "mount", 21, { P("x"), P("/tmp"), P("tmpfs") }, -EPERM },
		{ "umount", 22, { P("/proc") }, -EPERM },
		{ "umount2", 52, { P("/proc"), MNT_DETACH }, -EPERM },
		{ "ptrace", 26, { PTRACE_ATTACH, 1 }, -EPERM },
		{ "unshare", 310, { CLONE_NEWUSER }, -EPERM },
		{ "clone user", 120, { CLONE_NEWUSER | SIGCHLD }, -EPERM },
		{ "clone3", 435, { P(buffer), 88 }, -ENOSYS },
		{ "stime", 25, { P(buffer) }, -EPERM },
		{ "clock_settime64", 404, { 0, P(&now) }, -EPERM },
		{ "modify_ldt", 123, { 0, P(buffer), 16 }, -EPERM },
		{ "keyctl", 288, { 0, -4, 0 }, -EPERM },
		{ "open_by_handle_at", 342, { AT_FDCWD, P(&handle), 0 }, -EPERM },
		{ "socketcall socket", 102, { 1, P(alg_socket) }, -EPERM },
		{ "socket", 359, { AF_ALG, SOCK_SEQPACKET, 0 }, -ENOSYS },
		{ "unix socket", 359, { AF_UNIX, SOCK_STREAM, 0 }, -ENOSYS },
		{ "personality", 136, { 0x0400000 }, -ENOSYS },
		{ "TIOCSTI", 54, { 0, TIOCSTI, P("x") }, -EPERM },
		{ "unknown call", 600, { 0 }, -ENOSYS },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		int rc = call_i386(table[i].nr, table[i].a);

		if (rc == 0 && table[i].nr == 120)
			_exit(0);
		if (rc == table[i].want)
			continue;
		printf("THROUGH: i386 %s: gave %d, not %d\n", table[i].name, rc,
		       table[i].want);
		bad = 1;
	}
#endif
	return bad;
}

/* mknod of the device MAJOR:MINOR everywhere one could write, then open it. */
static int attack_mknod(const char *arg)
{
	static const char *const places[] = { "/alt_inst/hostile-dev", "/tmp/hostile-dev",
					      "/run/hostile-dev", "/dev/hostile-dev" };
	unsigned major, minor;
	int bad = 0;

	if (sscanf(arg, "%u:%u", &major, &minor) != 2)
		return through("bad argument");
	for (size_t i = 0; i < COUNT(places); i++) {
		int fd;

		if (mknod(places[i], S_IFBLK | 0600, makedev(major, minor)) < 0) {
			refused(places[i]);
			continue;
		}
		fd = open(places[i], O_RDONLY);
		bad |= verdict(fd >= 0, places[i]);
	}
	return bad;
}

static int attack_open(const char *arg)
{
	return verdict(open(arg, O_RDWR | O_NONBLOCK) >= 0 ||
			       open(arg, O_RDONLY | O_NONBLOCK) >= 0,
		       arg);
}

static int attack_write(const char *arg)
{
	return verdict(open(arg, O_WRONLY | O_CREAT, 0600) >= 0, arg);
}

static int attack_kernel_files(const char *arg)
{
	static const char *const files[] = {
		"/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/hostname",
		"/proc/sys/kernel/modprobe",
		"/proc/sys/vm/drop_caches",
		"/proc/sys/net/ipv4/ip_forward",
		"/proc/sysrq-trigger",
		"/proc/kcore",
		"/proc/kmsg",
		"/proc/1/mem",
		"/proc/1/root/etc/x",
		"/proc/self/oom_score_adj",
		"/sys/power/state",
		"/sys/kernel/uevent_helper",
		"/alt_inst/proc/sys/kernel/core_pattern",
		"/alt_inst/proc/sysrq-trigger",
		"/alt_inst/sys/kernel/uevent_helper",
		"/dev/mem",
		"/dev/kmsg",
		"/dev/sda",
		"/dev/vda",
		"/dev/mapper/control",
		"/dev/fuse",
		"/dev/loop-control",
		"/dev/net/tun",
		"/dev/new",
		"/alt_inst/dev/new",
		"/etc/new",
		"/lpp_source/new",
	};
	int bad = 0;

	for (size_t i = 0; i < COUNT(files); i++)
		bad |= attack_write(files[i]);
	return bad;
}

static int attack_tcp(const char *arg)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)strtoul(arg, NULL, 10)),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return through("no socket at all: the test would prove nothing");
	return verdict(connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0,
		       "connect tcp");
}

static int attack_abstract(const char *arg)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(arg);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return through("no socket at all: the test would prove nothing");
	memcpy(sun.sun_path + 1, arg, n);
	return verdict(connect(fd, (struct sockaddr *)&sun,
			       (socklen_t)(sizeof(sa_family_t) + 1 + n)) == 0,
		       "connect abstract");
}

/* Sees only its own namespace: nothing but a few processes, and not the one with number ARG. */
static int attack_processes(const char *arg)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;
	int seen = 0, bad = 0;

	while (d && (e = readdir(d)) != NULL)
		seen += strtoul(e->d_name, NULL, 10) > 0;
	if (d)
		closedir(d);
	printf("sees %d processes\n", seen);
	if (seen < 1 || seen > 5)
		bad = through("sees other processes");
	bad |= verdict(kill((pid_t)strtoul(arg, NULL, 10), 0) == 0,
		       "signal to the master");
	kill(1, SIGKILL); /* without effect: we go on */
	return bad;
}

/* The classic way out of a chroot; the secret of the master must not come into sight. */
static int attack_chroot(const char *arg)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	mkdir("/alt_inst/jail", 0755);
	if (chroot("/alt_inst/jail") < 0)
		return refused("chroot");
	if (fchdir(fd) < 0)
		return refused("fchdir");
	for (int i = 0; i < 100; i++)
		if (chdir("..") < 0)
			return refused("chdir");
	if (chroot(".") < 0)
		return refused("second chroot");
	return verdict(access(arg, F_OK) == 0, arg);
}

static int attack_descriptors(const char *arg)
{
	int bad = 0;

	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			char link[64], target[256] = "";

			snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
			if (readlink(link, target, sizeof(target) - 1) < 0)
				perror(link);
			printf("THROUGH: descriptor %d is open: %s\n", fd, target);
			bad = 1;
		}
	return bad;
}

static int attack_fork(const char *arg)
{
	unsigned long n = 0;

	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			for (;;)
				pause();
		n++;
	}
	printf("refused: fork after %lu\n", n);
	return n < strtoul(arg, NULL, 10) ? 0 : 1;
}

/* All children fork on, nobody waits: only the time limit ends it. */
static int attack_fork_forever(const char *arg)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (;;)
		if (fork() < 0)
			usleep(20000);
	return 1;
}

static int attack_memory(const char *arg)
{
	const size_t step = 16 << 20;

	for (size_t total = step;; total += step) {
		char *p = malloc(step);

		if (p == NULL)
			return refused("memory");
		memset(p, 1, step);
		if (total >> 20 > strtoul(arg, NULL, 10))
			return through("memory");
	}
}

/* Fills the directory ARG with one file, prints how many MiB it took, and cleans up. */
static int attack_fill(const char *arg)
{
	static char block[1 << 20];
	unsigned long n = 0;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/fill", arg);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return refused(path);
	while (write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		if (++n > 4096)
			return through("filled 4 GiB");
	refused(path);
	printf("%lu MiB\n", n);
	unlink(path);
	return 0;
}

/* Leaves a daemon that goes on writing to the file ARG. */
static int attack_daemon(const char *arg)
{
	if (fork() > 0) {
		sleep(1);
		return 0;
	}
	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (fork() > 0)
		_exit(0);
	for (unsigned long i = 0;; i++) {
		int fd = open(arg, O_WRONLY | O_CREAT | O_APPEND, 0600);

		if (fd < 0 || write(fd, "x", 1) != 1)
			_exit(1);
		close(fd);
		usleep(1000);
	}
}

static const struct attack {
	const char *name;
	int (*run)(const char *arg);
} attacks[] = {
	{ "calls", attack_calls },
	{ "foreign", attack_foreign },
	{ "i386", attack_i386 },
	{ "mknod", attack_mknod },
	{ "open", attack_open },
	{ "write", attack_write },
	{ "kernel-files", attack_kernel_files },
	{ "tcp", attack_tcp },
	{ "abstract", attack_abstract },
	{ "processes", attack_processes },
	{ "chroot", attack_chroot },
	{ "descriptors", attack_descriptors },
	{ "fork", attack_fork },
	{ "fork-forever", attack_fork_forever },
	{ "memory", attack_memory },
	{ "fill", attack_fill },
	{ "daemon", attack_daemon },
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* These attacks would hurt the machine if they were made outside. */
	if (prctl(PR_GET_SECCOMP) != 2 || getpid() > 1000) {
		fputs("hostile: not in a sandbox\n", stderr);
		return 64;
	}
	for (size_t i = 0; argc > 1 && i < COUNT(attacks); i++)
		if (strcmp(attacks[i].name, argv[1]) == 0)
			return attacks[i].run(argc > 2 ? argv[2] : "");
	fputs("usage: hostile ATTACK [ARGUMENT]\n", stderr);
	return 64;
}
