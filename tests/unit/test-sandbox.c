/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sandbox's parts that need no root: filters, control group names, command line. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/bwrap.h"
#include "sandbox/cgroup.h"
#include "sandbox/filter.h"

static const char v1_mountinfo[] =
	"30 23 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
	"31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	"35 30 0:31 / /sys/fs/cgroup/memory rw shared:5 - cgroup cgroup rw,memory\n"
	"36 30 0:32 /docker/a\\040b /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
static const char v1_own[] = "8:pids:/docker/a b/sub\n"
			     "4:cpu,memory:/user/1\n"
			     "0::/\n";
static const char v2_mountinfo[] =
	"31 30 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
static const char v2_own[] = "0::/user.slice/user-0.slice/session-3.scope\n";

static void locates_groups(void **state)
{
	static const struct {
		const char *mountinfo, *own, *controller, *want;
		bool unified;
	} cases[] = {
		{ v1_mountinfo, v1_own, "memory", "/sys/fs/cgroup/memory/user/1", false },
		{ v1_mountinfo, v1_own, "pids", "/sys/fs/cgroup/pids/sub", false },
		{ v1_mountinfo, v1_own, "hugetlb", "/sys/fs/cgroup/unified", true },
		{ v2_mountinfo, v2_own, "memory",
		  "/sys/fs/cgroup/user.slice/user-0.slice/session-3.scope", true },
		{ "", v2_own, "memory", NULL, false },
		{ "31 30 0:27 /other /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", v2_own,
		  "memory", NULL, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool unified = false;
		size_t top = 0;
		_cleanup_free_ char *dir = cgroup_locate(cases[i].mountinfo, cases[i].own,
							 cases[i].controller, &unified,
							 &top);

		if (!streq0(dir, cases[i].want))
			fail_msg("case %zu: %s", i, dir ? dir : "(none)");
		if (dir)
			assert_int_equal(unified, cases[i].unified);
	}
}

/* Loads both filters into this process. */
static void load_filters(void)
{
	struct err err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(100);
	for (enum filter_part part = 0; part < FILTER_COUNT_; part++) {
		static struct sock_filter program[4096];
		int fd = filter_open(part, &err);
		ssize_t n = read(fd, program, sizeof(program));
		struct sock_fprog prog = {
			.len = (unsigned short)((size_t)n / sizeof(program[0])),
			.filter = program,
		};

		if (fd < 0 || n <= 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
			_exit(101);
	}
}

static bool gives(long rc, int want)
{
	return want == 0 ? rc == 0 : rc == -1 && errno == want;
}

/* Number of the first expectation that does not hold, from 1; 0: all hold. */
static int try_calls(void)
{
	const struct {
		long nr, a, b, c;
		int want;
	} calls[] = {
		{ SYS_fsync, -1, 0, 0, 0 },
		{ SYS_syncfs, -1, 0, 0, 0 },
		{ SYS_mount, 0, 0, 0, EPERM },
		{ SYS_unshare, CLONE_NEWUSER, 0, 0, EPERM },
		{ SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, EPERM },
		{ SYS_clone3, 0, 0, 0, ENOSYS },
		{ SYS_ptrace, 0, 0, 0, EPERM },
		{ SYS_keyctl, 0, 0, 0, EPERM },
		{ SYS_open_by_handle_at, -1, 0, 0, EPERM },
		{ SYS_bpf, 0, 0, 0, EPERM },
		{ SYS_io_uring_setup, 0, 0, 0, ENOSYS },
		{ SYS_personality, 0x0400000, 0, 0, ENOSYS },
		{ SYS_personality, 0, 0, 0, 0 },
		{ SYS_socket, AF_NETLINK, SOCK_RAW, 0, EAFNOSUPPORT },
		{ SYS_socket, 1L << 32 | AF_PACKET, SOCK_RAW, 0, EAFNOSUPPORT },
		{ SYS_socket, AF_INET, SOCK_RAW, 255, ENOSYS },
		{ SYS_socket, AF_INET, SOCK_STREAM, 132, ENOSYS },
		{ SYS_ioctl, -1, TIOCSTI, 0, EPERM },
		{ SYS_ioctl, -1, 1L << 32 | TIOCSTI, 0, EPERM },
		{ SYS_ioctl, -1, TIOCGWINSZ, 0, EBADF },
		{ 2000, 0, 0, 0, ENOSYS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (!gives(syscall(calls[i].nr, calls[i].a, calls[i].b, calls[i].c, 0),
			   calls[i].want))
			return (int)i + 1;
	if (socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 ||
	    socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0)
		return 90;
	return 0;
}

static void filters_answer(void **state)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		load_filters();
		_exit(try_calls());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void table_answers(void **state)
{
	assert_int_equal(filter_answer("fsync"), 0);
	assert_int_equal(filter_answer("reboot"), EPERM);
	assert_int_equal(filter_answer("clone3"), ENOSYS);
	assert_int_equal(filter_answer("read"), -1);
}

static bool has_pair(const struct strv *w, const char *a, const char *b)
{
	for (size_t i = 0; i + 1 < w->n; i++)
		if (streq(w->v[i], a) && streq(w->v[i + 1], b))
			return true;
	return false;
}

static void line_shows_what_is_visible(void **state)
{
	const struct sandbox_bind bind = { "/job/run", "/alt_inst/run/nimadm", false };
	const struct sandbox_config cfg = { .spot = "/spot",
					    .root = "/job/alt",
					    .lpp_source = "/lpp",
					    .binds = &bind,
					    .n_binds = 1,
					    .memory_max = UINT64_C(1) << 30 };
	const struct bwrap_fds fds = { .empty = open("/dev/null", O_RDONLY | O_CLOEXEC) };
	_cleanup_bwrap_line_ struct bwrap_line line = BWRAP_LINE_INIT;
	struct err err = { 0 };

	assert_ok(bwrap_line_build(&line, &cfg, &fds, &err), &err);
	close(fds.empty);
	assert_true(has_pair(&line.words, "--ro-bind", "/spot"));
	assert_true(has_pair(&line.words, "--bind", "/job/alt"));
	assert_true(has_pair(&line.words, "--ro-bind", "/lpp"));
	assert_true(has_pair(&line.words, "--ro-bind", "/job/run"));
	assert_true(has_pair(&line.words, "--cap-drop", "ALL"));
	assert_true(has_pair(&line.words, "--remount-ro", "/alt_inst/proc"));
	assert_true(strv_has(&line.words, "--unshare-net"));
	assert_false(strv_has(&line.words, "--dev-bind"));
	assert_false(strv_has(&line.words, "CAP_SYS_ADMIN"));
	assert_false(strv_has(&line.words, "CAP_DAC_READ_SEARCH"));
	assert_false(strv_has(&line.words, "CAP_MKNOD"));
}

static void refuses_binds_into_the_image(void **state)
{
	static const char *const targets[] = { "/alt_inst/etc/x", "/etc/x",
					       "/alt_inst/run/../etc/x", "/runaway" };

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const struct sandbox_bind bind = { "/job", targets[i], true };
		const struct sandbox_config cfg = {
			.spot = "/spot", .root = "/root", .binds = &bind, .n_binds = 1
		};
		struct runner *r = NULL;
		struct err err = { 0 };

		if (sandbox_check(NULL) < 0)
			skip();
		assert_err(sandbox_new(&r, &cfg, &err), &err, ERR_INTERNAL, targets[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locates_groups),
		cmocka_unit_test(filters_answer),
		cmocka_unit_test(table_answers),
		cmocka_unit_test(line_shows_what_is_visible),
		cmocka_unit_test(refuses_binds_into_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
