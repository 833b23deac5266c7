/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transport: words and quoting, what failures say, commands through a program that plays ssh. */
#include <fcntl.h>

#include "sys/files.h"
#include "sys/signal.h"
#include "test.h"
#include "transport/transport-internal.h"

/* Plays ssh: the command runs here, or what the file `mode` names goes wrong. */
static const char fake_ssh[] =
	"#!/bin/bash\n"
	"d=$(dirname \"$0\"); mode=$(cat \"$d/mode\")\n"
	"printf '%s\\n' \"$*\" >>\"$d/log\"\n"
	"master=; for a; do [ \"$a\" = ControlMaster=yes ] && master=1; done\n"
	"while [ \"$1\" != -- ]; do shift; done\n"
	"[ $# = 3 ] || { echo 'ssh: not one command' >&2; exit 255; }\n"
	"case $mode in\n"
	"refused) echo 'ssh: connect to host h port 22: Connection refused' >&2; exit 255;;\n"
	"changed) printf '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\\n"
	"Host key verification failed.\\n' >&2; exit 255;;\n"
	"unknown) printf 'No ED25519 host key is known for h.\\n"
	"Host key verification failed.\\n' >&2; exit 255;;\n"
	"denied) echo 'u@h: Permission denied (publickey).' >&2; exit 255;;\n"
	"noname) echo 'ssh: Could not resolve hostname h: Name or service not known' >&2; "
	"exit 255;;\n"
	"nologin) echo 'This account is currently not available.'; exit 1;;\n"
	"esac\n"
	"if [ \"$master\" ]; then\n"
	"  case $mode in sudo*) echo motd; echo nimadm-connected 1000; exec cat;; esac\n"
	"  [ $mode = dies ] && { echo nimadm-connected 0; exit 0; }\n"
	"else\n"
	"  [ $mode = lost ] && { printf 'half a'; echo 'client_loop: send disconnect: Broken "
	"pipe' >&2; exit 255; }\n"
	"  [ $mode = events ] && { echo '{\"event\":\"progress\"}' >&2; exit 255; }\n"
	"  case $mode-$3 in\n"
	"  arm-*niminfo*) echo aarch64; exit;;\n"
	"  off-*niminfo*) printf 'x86_64\\nexport NIM_NAME=c1\\n push_off\\n'; exit;;\n"
	"  *niminfo*) echo x86_64; exit;;\n"
	"  esac\n"
	"fi\n"
	"PATH=$d:$PATH exec sh -c \"$3\"\n";

static const char fake_sudo[] =
	"#!/bin/sh\n"
	"[ \"$(cat \"$(dirname \"$0\")/mode\")\" = sudo-no ] && { echo 'sudo: a password is "
	"required' >&2; exit 1; }\n"
	"echo sudo >>\"$(dirname \"$0\")/log\"\n"
	"[ \"$1 $2\" = '-n --' ] && shift 2 && exec \"$@\"\n"
	"exit 99\n";

struct bed {
	char *dir, *log;
	struct transport_target target;
};

static void put(const struct bed *b, const char *name, const char *text, mode_t mode)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", b->dir, name);
	struct err err = { 0 };

	assert_ok(files_write_atomic(path, text, strlen(text), mode, &err), &err);
}

static void set_mode(const struct bed *b, const char *mode)
{
	put(b, "mode", mode, 0644);
	put(b, "log", "", 0644);
}

static char *read_log(const struct bed *b)
{
	struct str text = STR_INIT;
	struct err err = { 0 };

	assert_ok(files_read(b->log, 0, &text, &err), &err);
	return str_take(&text);
}

static struct bed bed;

static int setup(void **state)
{
	bed.dir = scratch_new();
	bed.log = xasprintf("%s/log", bed.dir);
	put(&bed, "ssh", fake_ssh, 0755);
	put(&bed, "sudo", fake_sudo, 0755);
	_cleanup_free_ char *path = xasprintf("%s:%s", bed.dir, getenv("PATH"));
	setenv("PATH", path, 1);
	bed.target = (struct transport_target){ .name = "web01",
						.host = "u@h",
						.port = "2222",
						.options = "-J jump -o 'Foo=a b'",
						.state_dir = bed.dir };
	cancel_install();
	return 0;
}

static int teardown(void **state)
{
	free(bed.log);
	scratch_free(bed.dir);
	return 0;
}

static void words(void **state)
{
	static const struct {
		const char *text, *joined;
	} cases[] = {
		{ "", "" },
		{ "  -p 22\t-v ", "-p|22|-v" },
		{ "-o 'ProxyCommand=a b' x", "-o|ProxyCommand=a b|x" },
		{ "a\"b c\"d e\\ f \"\\\"q\\\"\"", "ab cd|e f|\"q\"" },
		{ "''", "" },
	};
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ struct strv v = STRV_INIT;
		assert_ok(command_split(&v, cases[i].text, &err), &err);
		_cleanup_free_ char *joined = strv_join(&v, "|");
		assert_string_equal(joined, cases[i].joined);
	}
	_cleanup_strv_ struct strv v = STRV_INIT;
	assert_err(command_split(&v, "-o 'x", &err), &err, ERR_USAGE, "not closed");
	assert_err(command_split(&v, "x\\", &err), &err, ERR_USAGE, "not closed");
	assert_err(command_split(&v, "\"x\\\"", &err), &err, ERR_USAGE, "not closed");
}

/* Whatever the words are, the command gets them as they were. */
static void arguments_arrive_as_they_are(void **state)
{
	static const char *const argv[] = { "printf", "%s\\n",	   "",	   "a b",
					    "it's",   "$(id)`id`", "\\\\", "new\nline",
					    "*",      "-x;|&<>()", "~",	   "\"",
					    NULL };
	static const char *const env[] = { "A=b c'd", NULL };
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };

	set_mode(&bed, "ok");
	assert_ok(transport_open(&t, &bed.target, &err), &err);
	struct proc_spec spec = { .argv = argv, .out = &out };
	assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	assert_string_equal(out.p, "\na b\nit's\n$(id)`id`\n\\\\\nnew\nline\n*\n"
				   "-x;|&<>()\n~\n\"\n");
	const char *const show[] = { "sh", "-c", "echo \"$A\" $LC_ALL; pwd", NULL };
	str_reset(&out);
	spec = (struct proc_spec){ .argv = show, .env = env, .out = &out, .cwd = "/usr" };
	assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	assert_string_equal(out.p, "b c'd C.UTF-8\n/usr\n");
	_cleanup_free_ char *log = read_log(&bed);
	assert_non_null(strstr(log, "-p 2222 -J jump -o Foo=a b -o ConnectTimeout"));
	assert_non_null(strstr(log, "BatchMode=yes"));
	assert_null(strstr(log, "StrictHostKeyChecking"));
}

static int count_data(void *arg, const void *data, size_t n, struct err *err)
{
	uint64_t *total = arg;

	*total += n;
	return *total > 40u << 20 ? err_set(err, ERR_OPERATOR, "more than enough") : 0;
}

static void streams_both_ways(void **state)
{
	static const char *const cat[] = { "cat", NULL };
	static const char *const endless[] = { "cat", "/dev/zero", NULL };
	_cleanup_transport_ struct transport *t = NULL;
	struct err err = { 0 };
	uint64_t total = 0;

	set_mode(&bed, "ok");
	assert_ok(transport_open(&t, &bed.target, &err), &err);
	_cleanup_close_ int fd = files_nameless(bed.dir, &err);
	assert_true(fd > 2);
	assert_int_equal(ftruncate(fd, 20 << 20), 0);
	struct proc_spec spec = {
		.argv = cat, .in_fd = fd, .on_data = count_data, .arg = &total
	};
	assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	assert_int_equal(total, 20 << 20);
	/* a client that sends without end is stopped by whoever counts */
	spec.argv = endless;
	spec.in_fd = 0;
	assert_err(runner_check(transport_runner(t), &spec, &err), &err, ERR_OPERATOR,
		   "more than enough");
}

static void statuses(void **state)
{
	static const char *const seven[] = { "sh", "-c", "echo why >&2; exit 7", NULL };
	static const char *const killed[] = { "sh", "-c", "kill -9 $$", NULL };
	_cleanup_transport_ struct transport *t = NULL;
	struct err err = { 0 };
	struct proc_result res;

	set_mode(&bed, "ok");
	assert_ok(transport_open(&t, &bed.target, &err), &err);
	struct proc_spec spec = { .argv = seven };
	assert_int_equal(runner_run(transport_runner(t), &spec, &res, &err), 1);
	assert_int_equal(res.status, 7);
	assert_string_equal(res.tail, "why");
	spec.argv = killed;
	assert_int_equal(runner_run(transport_runner(t), &spec, &res, &err), 1);
	assert_int_equal(res.how, PROC_SIGNALLED);
	assert_int_equal(res.status, 9);
	set_mode(&bed, "lost");
	assert_err(runner_run(transport_runner(t), &spec, &res, &err), &err,
		   ERR_TRANSIENT, "client web01 (u@h): the connection was lost");
	assert_non_null(strstr(err.msg, "Broken pipe"));
	/* nothing but what the client program told: no reason, and not for a reader's eyes */
	set_mode(&bed, "events");
	assert_err(runner_run(transport_runner(t), &spec, &res, &err), &err,
		   ERR_TRANSIENT, "client web01 (u@h): the connection was lost");
	assert_null(strchr(err.msg, '{'));
}

static void silence_is_given_up(void **state)
{
	static const char *const hangs[] = { "sh", "-c", "echo a; exec sleep 60", NULL };
	static const char *const works[] = {
		"sh", "-c",
		"echo $NIMADM_BEAT; for i in 1 2 3 4 5; do sleep 1; echo >&2; done", NULL
	};
	static const char *const slow[] = { "sleep", "5", NULL };
	_cleanup_transport_ struct transport *t = NULL;
	_cleanup_str_ struct str out = STR_INIT;
	struct err err = { 0 };

	set_mode(&bed, "ok");
	assert_ok(transport_open(&t, &bed.target, &err), &err);
	transport_set_quiet(4);
	struct proc_spec spec = { .argv = hangs };
	assert_err(runner_check(transport_runner(t), &spec, &err), &err, ERR_OPERATOR,
		   "client web01 (u@h): no sign of life from its sh -c for 4 s");
	assert_non_null(strstr(err.remedy, "ps -C sh"));
	spec = (struct proc_spec){ .argv = works, .out = &out };
	assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	assert_string_equal(out.p, "1\n");
	/* a limit of its own is the only one */
	spec = (struct proc_spec){ .argv = slow, .timeout_s = 20 };
	assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	transport_set_quiet(900);
}

static void one_connection_is_shared_and_made_again(void **state)
{
	static const char *const yes[] = { "true", NULL };
	_cleanup_transport_ struct transport *t = NULL;
	struct proc_spec spec = { .argv = yes };
	struct err err = { 0 };

	set_mode(&bed, "ok");
	assert_ok(transport_open(&t, &bed.target, &err), &err);
	for (int i = 0; i < 3; i++)
		assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	_cleanup_free_ char *log = read_log(&bed);
	char *first = strstr(log, "ControlMaster=yes");
	assert_non_null(first);
	assert_null(strstr(first + 1, "ControlMaster=yes"));
	t = transport_close(t);

	set_mode(&bed, "dies");
	assert_ok(transport_open(&t, &bed.target, &err), &err);
	for (int i = 0; i < 50 && master_is_alive(t->master); i++)
		usleep(20000);
	set_mode(&bed, "ok");
	assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	_cleanup_free_ char *again = read_log(&bed);
	assert_non_null(strstr(again, "ControlMaster=yes"));
}

static void sudo_where_the_user_is_not_root(void **state)
{
	static const char *const yes[] = { "true", NULL };
	_cleanup_transport_ struct transport *t = NULL;
	struct proc_spec spec = { .argv = yes };
	struct err err = { 0 };

	set_mode(&bed, "sudo-yes");
	assert_ok(transport_open(&t, &bed.target, &err), &err);
	set_mode(&bed, "sudo-yes");
	assert_ok(runner_check(transport_runner(t), &spec, &err), &err);
	_cleanup_free_ char *log = read_log(&bed);
	assert_non_null(strstr(log, "\nsudo\n"));
	t = transport_close(t);
	set_mode(&bed, "sudo-no");
	assert_err(transport_open(&t, &bed.target, &err), &err, ERR_OPERATOR,
		   "a password is required");
	assert_non_null(strstr(err.remedy, "root@h"));
}

static void failures(void **state)
{
	static const struct {
		const char *mode;
		enum err_kind kind;
		const char *says, *remedy;
	} cases[] = {
		{ "refused", ERR_TRANSIENT, "no ssh server answers there", "ssh u@h" },
		{ "changed", ERR_OPERATOR, "not the one that is known", "ssh-keygen -R" },
		{ "unknown", ERR_OPERATOR, "host key is not known here", "accept it" },
		{ "denied", ERR_OPERATOR, "it refuses our key", "ssh-copy-id u@h" },
		{ "noname", ERR_OPERATOR, "its name is not known", "host=[USER@]HOST" },
		{ "nologin", ERR_OPERATOR, "runs no commands: status 1", "ssh u@h id" },
		{ "arm", ERR_OPERATOR, "of kind 'aarch64'", "x86_64" },
		{ "off", ERR_OPERATOR, "push_off", "/etc/niminfo" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_transport_ struct transport *t = NULL;
		struct err err = { 0 };

		set_mode(&bed, cases[i].mode);
		assert_err(transport_open(&t, &bed.target, &err), &err, cases[i].kind,
			   cases[i].says);
		assert_non_null(strstr(err.msg, "client web01 (u@h)"));
		if (!strstr(err.remedy, cases[i].remedy))
			fail_msg("%s: remedy is: %s", cases[i].mode, err.remedy);
	}
}

static void hosts_that_are_none(void **state)
{
	static const char *const hosts[] = { "", "-oProxyCommand=id", "a b", "x;id" };

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		_cleanup_transport_ struct transport *t = NULL;
		struct transport_target target = bed.target;
		struct err err = { 0 };

		set_mode(&bed, "ok");
		target.host = hosts[i];
		assert_err(transport_open(&t, &target, &err), &err, ERR_USAGE,
			   "is no host name");
		assert_non_null(strstr(err.remedy, "-a host="));
		_cleanup_free_ char *log = read_log(&bed);
		assert_string_equal(log, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(arguments_arrive_as_they_are),
		cmocka_unit_test(streams_both_ways),
		cmocka_unit_test(statuses),
		cmocka_unit_test(silence_is_given_up),
		cmocka_unit_test(one_connection_is_shared_and_made_again),
		cmocka_unit_test(sudo_where_the_user_is_not_root),
		cmocka_unit_test(failures),
		cmocka_unit_test(hosts_that_are_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
