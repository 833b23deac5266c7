/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Child processes: how they end, what they see, how they are stopped. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "sys/files.h"
#include "sys/mount.h"
#include "sys/proc.h"
#include "sys/runner.h"
#include "sys/signal.h"

#define SH(script) ((const char *const[]){ "/bin/sh", "-c", (script), NULL })

static void collects_output(void **state)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = SH("printf 'a\\nb'; echo no >&2"),
				  .out = &out };

	assert_ok(proc_run(&spec, &res, &err), &err);
	assert_string_equal(str_c(&out), "a\nb");
	assert_int_equal(res.how, PROC_EXITED);
	assert_string_equal(res.tail, "no");
	assert_true(res.seconds > 0 && res.seconds < 10);
}

struct lines {
	struct strv out, err;
};

static void take_line(void *arg, const char *line, bool is_err)
{
	struct lines *l = arg;

	strv_add(is_err ? &l->err : &l->out, line);
}

static void delivers_lines(void **state)
{
	struct lines l = { STRV_INIT, STRV_INIT };
	struct err err = { 0 };
	struct proc_spec spec = {
		.argv = SH("echo one; echo; printf 'cr\\r\\nnul\\0x\\nlast'; echo e >&2"),
		.on_line = take_line,
		.arg = &l,
	};

	assert_ok(proc_run(&spec, NULL, &err), &err);
	assert_int_equal(l.out.n, 5);
	assert_string_equal(l.out.v[0], "one");
	assert_string_equal(l.out.v[1], "");
	assert_string_equal(l.out.v[2], "cr");
	assert_string_equal(l.out.v[3], "nul x");
	assert_string_equal(l.out.v[4], "last");
	assert_int_equal(l.err.n, 1);
	assert_string_equal(l.err.v[0], "e");
	strv_done(&l.out);
	strv_done(&l.err);
}

static void cuts_endless_lines(void **state)
{
	struct lines l = { STRV_INIT, STRV_INIT };
	struct err err = { 0 };
	struct proc_spec spec = {
		.argv = SH("head -c 200000 /dev/zero | tr '\\0' x"),
		.on_line = take_line,
		.arg = &l,
	};
	size_t total = 0;

	assert_ok(proc_run(&spec, NULL, &err), &err);
	assert_true(l.out.n >= 3);
	for (size_t i = 0; i < l.out.n; i++)
		total += strlen(l.out.v[i]);
	assert_int_equal(total, 200000);
	strv_done(&l.out);
}

static void exit_status_is_a_condition(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = SH("echo some; echo words >&2; exit 7") };

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_EXITED);
	assert_int_equal(res.status, 7);
	assert_int_equal(err.kind, ERR_NONE);
	assert_err(proc_check(&spec, &err), &err, ERR_OPERATOR,
		   "sh: exit status 7: words");
	assert_err(runner_check(runner_local(), &spec, &err), &err, ERR_OPERATOR,
		   "exit status 7");
}

static void tail_keeps_whole_last_lines(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = SH("seq 1 100000; exit 1") };

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_true(ends_with(res.tail, "\n99999\n100000"));
	assert_true(strlen(res.tail) > 1500);
	/* seq's lines have five digits here: a cut one would be shorter. */
	assert_int_equal(strcspn(res.tail, "\n"), 5);
}

/* The kept bytes begin exactly at a line feed: that is the end of a line nobody sees. */
static void tail_does_not_begin_with_a_cut_line(void **state)
{
	_cleanup_str_ struct str in = STR_INIT;
	struct proc_result res;
	struct err err = { 0 };

	for (int i = 0; i < 100; i++)
		str_addc(&in, 'a');
	str_addc(&in, '\n');
	for (int i = 0; i < 2046; i++)
		str_addc(&in, 'x');
	str_addc(&in, '\n');
	struct proc_spec spec = { .argv = SH("cat; exit 1"),
				  .input = in.p,
				  .input_len = in.len };
	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(strlen(res.tail), 2046);
	assert_int_equal(res.tail[0], 'x');
}

static void death_by_signal(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = SH("kill -SEGV $$") };

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_SIGNALLED);
	assert_int_equal(res.status, SIGSEGV);
	assert_err(proc_check(&spec, &err), &err, ERR_OPERATOR, "signal 11");
}

static void missing_programs_are_named(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec by_name = { .argv = (const char *const[]){ "no-such-tool",
								    NULL } };
	struct proc_spec by_path = { .argv = (const char *const[]){ "/no/such", NULL } };
	struct proc_spec no_exec = { .argv = (const char *const[]){ "/etc/passwd",
								    NULL } };
	struct proc_spec no_dir = { .argv = SH("true"), .cwd = "/no/dir" };

	assert_err(proc_run(&by_name, &res, &err), &err, ERR_OPERATOR, "no-such-tool");
	assert_int_equal(res.how, PROC_NOT_STARTED);
	assert_non_null(strstr(err.remedy, "no-such-tool"));
	assert_err(proc_run(&by_path, &res, &err), &err, ERR_OPERATOR, "/no/such");
	assert_err(proc_run(&no_exec, &res, &err), &err, ERR_OPERATOR,
		   "Permission denied");
	assert_string_equal(err.remedy, "");
	assert_err(proc_run(&no_dir, &res, &err), &err, ERR_OPERATOR, "/no/dir");
}

/* A script without an interpreter line gets as far as exec: the failure comes through the pipe. */
static void exec_failure_is_reported(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *path = xasprintf("%s/tool", dir);
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = (const char *const[]){ path, NULL } };

	put_file(dir, "tool",
		 "\x7f"
		 "ELF but not really");
	assert_int_equal(chmod(path, 0755), 0);
	assert_err(proc_run(&spec, &res, &err), &err, ERR_OPERATOR, "Exec format error");
	assert_int_equal(res.how, PROC_NOT_STARTED);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and it was reaped */
}

static void environment_is_small_and_explicit(void **state)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };
	struct proc_spec spec = {
		.argv = (const char *const[]){ "env", NULL },
		.env = (const char *const[]){ "HOME=/elsewhere", "X=y=z", NULL },
		.out = &out,
	};

	_cleanup_free_ char *path = xstrdup(getenv("PATH"));
	setenv("SECRET", "1", 1);
	setenv("PATH", "/usr/bin:/opt", 1);
	assert_ok(proc_run(&spec, NULL, &err), &err);
	assert_null(strstr(str_c(&out), "SECRET"));
	assert_non_null(strstr(str_c(&out), "HOME=/elsewhere\n"));
	assert_null(strstr(str_c(&out), "HOME=/root"));
	assert_non_null(strstr(str_c(&out), "X=y=z\n"));
	assert_non_null(strstr(str_c(&out), "LC_ALL=C.UTF-8\n"));
	assert_non_null(strstr(str_c(&out), "PATH=/usr/bin:/opt:/usr/local/sbin:"
					    "/usr/local/bin:/usr/sbin:/sbin:/bin\n"));
	setenv("PATH", path ? path : "/usr/bin", 1);
}

static void input_is_read_whole(void **state)
{
	_cleanup_str_ struct str in = STR_INIT, out = STR_INIT;
	struct err err = { 0 };

	while (in.len < 1000000)
		str_add(&in, "0123456789abcde\n");
	struct proc_spec spec = { .argv = (const char *const[]){ "cat", NULL },
				  .input = in.p,
				  .input_len = in.len,
				  .out = &out };
	assert_ok(proc_run(&spec, NULL, &err), &err);
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.p, in.p, in.len);
	/* Nobody reads it: no SIGPIPE for us. */
	spec.argv = SH("exit 0");
	assert_ok(proc_run(&spec, NULL, &err), &err);
}

static void too_much_output_is_an_error(void **state)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = SH("exec cat /dev/zero"),
				  .out = &out,
				  .out_max = 100000 };

	assert_err(proc_run(&spec, NULL, &err), &err, ERR_OPERATOR, "100000 bytes");
	assert_true(out.len <= 100000);
}

static void note_life(void *arg, const char *line, bool is_err)
{
	if (streq(line, "alive"))
		*(double *)arg = clock_mono();
}

static void silence_stops_what_still_prints(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	double alive = clock_mono();
	struct proc_spec spec = {
		.argv = SH("echo alive; while :; do echo noise; sleep 0.1; done"),
		.on_line = note_life,
		.arg = &alive,
		.alive = &alive,
		.quiet_s = 1,
	};

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_TIMED_OUT);
	spec.argv = SH("for i in 1 2 3 4; do echo alive; sleep 0.5; done");
	alive = clock_mono();
	assert_int_equal(proc_run(&spec, &res, &err), 0);
}

static void silence_alone_is_enough(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = SH("echo a >&2; echo b; exec sleep 60"),
				  .quiet_s = 3 };

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_TIMED_OUT);
	assert_true(res.seconds < 55);
	proc_result_err(&spec, &res, &err);
	assert_non_null(strstr(err.msg, "the last 3 without a sign of life: a"));
	/* either output is a sign of it, and a lone line feed is no word of the error */
	spec.argv = SH(
		"for i in 1 2 3 4; do sleep 1; [ $i != 3 ] && echo >&2 || echo x; done; "
		"echo why >&2; sleep 0.3; echo >&2; exit 3");
	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_EXITED);
	assert_string_equal(res.tail, "why");
}

static void timeout_stops_the_whole_group(void **state)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct proc_result res;
	struct err err = { 0 };
	double start = clock_mono();
	/* The leader goes on SIGTERM; its child ignores it and must not survive. */
	struct proc_spec spec = {
		.argv = SH("(trap '' TERM; exec sleep 60) & echo $!; wait"),
		.timeout_s = 1,
		.out = &out,
	};

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_TIMED_OUT);
	assert_true(clock_mono() - start < 4);
	int pid = (int)strtol(str_c(&out), NULL, 10);
	assert_true(pid > 1);
	for (int i = 0; i < 50 && kill(pid, 0) == 0; i++)
		usleep(20000);
	/* Dead, or a zombie that the test machine's init has not reaped yet. */
	if (kill(pid, 0) == 0) {
		_cleanup_free_ char *path = xasprintf("/proc/%d/stat", pid);
		_cleanup_str_ struct str text = STR_INIT;
		if (files_read(path, 0, &text, NULL) == 0)
			assert_non_null(strstr(str_c(&text), ") Z "));
	}
	struct proc_spec plain = { .argv = SH("sleep 60"), .timeout_s = 1 };
	assert_err(proc_check(&plain, &err), &err, ERR_OPERATOR, "time limit 1 s");
}

static void sigterm_proof_is_killed(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	double start = clock_mono();
	struct proc_spec spec = {
		.argv = SH("trap '' TERM; while :; do sleep 1; done"),
		.timeout_s = 1,
	};

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_TIMED_OUT);
	assert_int_equal(res.status, SIGKILL);
	assert_true(clock_mono() - start > 5 && clock_mono() - start < 12);
}

static void background_output_does_not_hang(void **state)
{
	struct err err = { 0 };
	double start = clock_mono();
	struct proc_spec spec = { .argv = SH("sleep 8 & echo done") };

	assert_ok(proc_run(&spec, NULL, &err), &err);
	assert_true(clock_mono() - start < 5);
}

static void only_wanted_descriptors_pass(void **state)
{
	_cleanup_close_ int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int leaky = open("/dev/null", O_RDONLY);
	_cleanup_str_ struct str out = STR_INIT, want = STR_INIT;
	struct err err = { 0 };
	struct proc_spec spec = {
		.argv = SH(
			"for f in /proc/self/fd/*; do if [ -e \"$f\" ]; then echo ${f##*/}; fi; done"),
		.out = &out,
		.keep_fds = &kept,
		.n_keep_fds = 1,
	};

	assert_true(kept > 2 && leaky > 2);
	assert_ok(proc_run(&spec, NULL, &err), &err);
	str_addf(&want, "0\n1\n2\n%d\n", kept);
	assert_string_equal(str_c(&out), str_c(&want));
}

static int note_pid(void *arg, pid_t pid, struct err *err)
{
	*(pid_t *)arg = pid;
	return kill(pid, 0);
}

static int refuse(void *arg, pid_t pid, struct err *err)
{
	*(pid_t *)arg = pid;
	return err_set(err, ERR_OPERATOR, "no cgroup");
}

static void on_start_comes_before_exec(void **state)
{
	pid_t pid = 0;
	struct proc_result res;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = SH("exit 3"),
				  .on_start = note_pid,
				  .arg = &pid };

	assert_int_equal(proc_run(&spec, &res, &err), 1);
	assert_true(pid > 1);
	assert_int_equal(res.status, 3);
	spec.on_start = refuse;
	assert_err(proc_run(&spec, &res, &err), &err, ERR_OPERATOR, "no cgroup");
	assert_int_equal(res.how, PROC_NOT_STARTED);
	assert_int_equal(kill(pid, 0), -1);
}

static void signals_are_reset(void **state)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };
	struct proc_spec spec = {
		.argv = SH("grep -E 'Sig(Blk|Ign)' /proc/self/status; umask"),
		.out = &out,
	};
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGUSR2, SIG_IGN);
	umask(077);
	assert_ok(proc_run(&spec, NULL, &err), &err);
	umask(022);
	signal(SIGUSR2, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_string_equal(str_c(&out), "SigBlk:\t0000000000000000\n"
					 "SigIgn:\t0000000000000000\n"
					 "0022\n");
}

static void trace_names_every_argv(void **state)
{
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *file = xasprintf("%s/trace", dir);
	_cleanup_str_ struct str text = STR_INIT;
	struct err err = { 0 };
	struct proc_spec spec = { .argv = (const char *const[]){ "true", "a b", "it's",
								 "", "c", NULL } };

	setenv("NIMADM_TRACE", file, 1);
	assert_ok(proc_run(&spec, NULL, &err), &err);
	assert_ok(proc_run(&spec, NULL, &err), &err);
	unsetenv("NIMADM_TRACE");
	assert_ok(files_read(file, 0, &text, &err), &err);
	assert_string_equal(str_c(&text), "true 'a b' 'it'\\''s' '' c\n"
					  "true 'a b' 'it'\\''s' '' c\n");
}

static void finds_programs(void **state)
{
	_cleanup_free_ char *sh = proc_find("sh"), *none = proc_find("no-such-tool");
	_cleanup_free_ char *dir = proc_find("."), *chroot_tool = NULL;

	assert_non_null(sh);
	assert_int_equal(sh[0], '/');
	assert_null(none);
	assert_null(dir);
	setenv("PATH", "/usr/bin", 1);
	chroot_tool = proc_find("chroot");
	assert_string_equal(chroot_tool, "/usr/sbin/chroot");
}

/* Last: a cancelled process stays cancelled, until it is told that this was not meant. */
static void cancellation_stops_commands(void **state)
{
	struct proc_result res;
	struct err err = { 0 };
	double start = clock_mono();
	struct proc_spec spec = { .argv = SH("kill -TERM $PPID; sleep 60") };

	cancel_install();
	assert_int_equal(cancel_check(&err), 0);
	assert_err(proc_run(&spec, &res, &err), &err, ERR_CANCELLED, "SIGTERM");
	assert_int_equal(res.how, PROC_CANCELLED);
	assert_true(clock_mono() - start < 5);
	spec.argv = SH("exit 0");
	assert_err(proc_run(&spec, &res, &err), &err, ERR_CANCELLED, "interrupted");
	spec.uncancellable = true;
	err_clear(&err);
	assert_ok(proc_run(&spec, &res, &err), &err);
	spec.uncancellable = false;
	cancel_forget();
	cancel_forget();
	assert_ok(proc_run(&spec, &res, &err), &err);
}

/* The first one to ask says why. */
static void cancellation_has_a_reason(void **state)
{
	struct err err = { 0 }, why = { 0 };
	struct proc_result res;
	const struct proc_spec spec = { .argv = SH("sleep 60") };

	cancel_install();
	err_set(&why, ERR_CANCELLED, "client c1 has not answered");
	err_remedy(&why, "nimadm --resume -c c1");
	cancel_because(&why);
	cancel_because(&(struct err){ .kind = ERR_CANCELLED, .msg = "too late" });
	assert_err(proc_run(&spec, &res, &err), &err, ERR_CANCELLED, "has not answered");
	assert_string_equal(err.remedy, "nimadm --resume -c c1");
	cancel_forget();
	err_clear(&err);
	cancel_request(SIGTERM);
	cancel_because(&why);
	assert_err(cancel_check(&err), &err, ERR_CANCELLED, "interrupted by SIGTERM");
	cancel_forget();
}

/* Killed in the middle of it: the command goes on until the socket's other end is closed. */
static void outlives_us(void **state)
{
	struct err err = { 0 };
	int ends[2], status;
	char seen[64] = "";
	bool sees_mount = true;

	if (geteuid() != 0)
		skip();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	const struct timeval limit = { .tv_sec = 20 };
	assert_int_equal(
		setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	_cleanup_scratch_ char *dir = scratch_new();
	_cleanup_free_ char *script =
		xasprintf("grep -c ' %s ' /proc/mounts; read line; echo $line", dir);
	pid_t pid = fork();
	if (pid == 0) {
		struct proc_outliving how = { .socket = ends[1] };
		const struct proc_spec spec = { .argv = SH(script), .outlives = &how };

		close(ends[0]);
		if (mount_private_namespace(&err) < 0 || mount_tmpfs(dir, "", &err) < 0)
			_exit(1);
		how.mount_ns = mount_first_namespace(&err);
		_exit(proc_run(&spec, NULL, &err) == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	close(ends[1]);
	assert_int_equal(recv(ends[0], seen, 2, MSG_WAITALL), 2);
	sees_mount = seen[0] != '0';
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(send(ends[0], "still here\n", 11, MSG_NOSIGNAL), 11);
	assert_int_equal(recv(ends[0], seen, 11, MSG_WAITALL), 11);
	assert_memory_equal(seen, "still here\n", 11);
	assert_int_equal(recv(ends[0], seen, 1, 0), 0);
	close(ends[0]);
	assert_false(sees_mount);
}

static void left_alone(void **state)
{
	struct err err = { 0 };
	char seen[16] = "";
	int ends[2], status;

	if (geteuid() != 0)
		skip();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	const struct proc_outliving how = { ends[1], mount_first_namespace(&err) };
	const struct proc_spec spec = { .argv = SH("read line; echo $line; exit 3"),
					.outlives = &how };
	pid_t pid = proc_leave(&spec, &err);
	close(ends[1]);
	assert_true(pid > 0);
	assert_int_equal(send(ends[0], "hello\n", 6, MSG_NOSIGNAL), 6);
	assert_int_equal(recv(ends[0], seen, 6, MSG_WAITALL), 6);
	assert_string_equal(seen, "hello\n");
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 3);

	const struct proc_spec none = { .argv = (const char *const[]){ "/no/such", NULL },
					.outlives = &how };
	assert_err(proc_leave(&none, &err), &err, ERR_OPERATOR, "/no/such");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collects_output),
		cmocka_unit_test(outlives_us),
		cmocka_unit_test(left_alone),
		cmocka_unit_test(delivers_lines),
		cmocka_unit_test(cuts_endless_lines),
		cmocka_unit_test(exit_status_is_a_condition),
		cmocka_unit_test(tail_keeps_whole_last_lines),
		cmocka_unit_test(tail_does_not_begin_with_a_cut_line),
		cmocka_unit_test(death_by_signal),
		cmocka_unit_test(missing_programs_are_named),
		cmocka_unit_test(exec_failure_is_reported),
		cmocka_unit_test(environment_is_small_and_explicit),
		cmocka_unit_test(input_is_read_whole),
		cmocka_unit_test(too_much_output_is_an_error),
		cmocka_unit_test(silence_alone_is_enough),
		cmocka_unit_test(timeout_stops_the_whole_group),
		cmocka_unit_test(silence_stops_what_still_prints),
		cmocka_unit_test(sigterm_proof_is_killed),
		cmocka_unit_test(background_output_does_not_hang),
		cmocka_unit_test(only_wanted_descriptors_pass),
		cmocka_unit_test(on_start_comes_before_exec),
		cmocka_unit_test(signals_are_reset),
		cmocka_unit_test(trace_names_every_argv),
		cmocka_unit_test(finds_programs),
		cmocka_unit_test(cancellation_stops_commands),
		cmocka_unit_test(cancellation_has_a_reason),
	};

	return cmocka_run_group_tests_name("sys-proc", tests, NULL, NULL);
}
