/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection: opening, what is asked of a client first, running commands, closing. */
#include "transport/transport.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/parse.h"
#include "sys/files.h"
#include "sys/sha256.h"
#include "transport/transport-internal.h"

#define SSH_FAILED   255
#define SIGNALLED    128 /* a shell adds the number of the signal that ended a command */
#define SCRIPT_MAX   ((size_t)64 << 10)
#define SCRIPT_LIMIT 120u /* seconds for a short script */
/* ssh makes the socket under a temporary name that is this much longer. */
#define SOCKET_EXTRA 20

/* --- commands --- */

unsigned transport_quiet_s = 900;

void transport_set_quiet(unsigned seconds)
{
	transport_quiet_s = seconds;
}

unsigned transport_quiet(void)
{
	return transport_quiet_s;
}

static int was_silent(const struct transport *t, const struct proc_spec *spec,
		      struct err *err)
{
	const char *slash = strrchr(spec->argv[0], '/');

	/* it would not get on the next time either */
	err_set(err, ERR_OPERATOR,
		"client %s (%s): no sign of life from its %s %s for %u s: it is reached, "
		"but does not get on",
		t->name, t->host, slash ? slash + 1 : spec->argv[0],
		spec->argv[1] ? spec->argv[1] : "", transport_quiet_s);
	return err_remedy(err,
			  "see on %s what it waits for (ps -C %.15s -o pid,stat,wchan; "
			  "dmesg) and end it there, then go on; client_timeout in "
			  "nimadm.conf is the limit",
			  t->name, slash ? slash + 1 : spec->argv[0]);
}

static int run_ssh(const struct transport *t, const struct strv *argv,
		   const struct proc_spec *like, struct proc_result *res, struct err *err)
{
	struct proc_spec spec = *like;

	spec.argv = strv_argv(argv);
	spec.env = strv_argv(&t->env);
	spec.cwd = NULL;
	return proc_run(&spec, res, err);
}

int transport_connect(struct transport *t, struct err *err)
{
	if (t->master && master_is_alive(t->master))
		return 0;
	t->master = master_stop(t->master);
	return master_start(t, &t->master, err);
}

static int run(struct runner *r, const struct proc_spec *spec, struct proc_result *res,
	       struct err *err)
{
	struct transport *t = (struct transport *)r;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct proc_result own;

	if (!res)
		res = &own;
	*res = (struct proc_result){ .how = PROC_NOT_STARTED };
	if (transport_connect(t, err) < 0)
		return -1;
	command_ssh(t, COMMAND_USER, &argv);
	strv_add_all(&argv, "--", t->host, NULL);
	strv_add_take(&argv, command_remote(t, spec));
	struct proc_spec bounded = *spec;
	if (bounded.timeout_s == 0 && bounded.quiet_s == 0)
		bounded.quiet_s = transport_quiet_s;
	int rc = run_ssh(t, &argv, &bounded, res, err);
	if (rc == 1 && res->how == PROC_TIMED_OUT && spec->timeout_s == 0)
		return was_silent(t, spec, err);
	if (rc == 1 && res->how == PROC_EXITED && res->status == SSH_FAILED)
		return failure_explain(t, res->tail, err);
	if (rc == 1 && res->how == PROC_EXITED && res->status > SIGNALLED &&
	    res->status <= SIGNALLED + SIGRTMAX) {
		res->how = PROC_SIGNALLED;
		res->status -= SIGNALLED;
	}
	return rc;
}

static const struct runner_ops ops = { .name = "ssh", .run = run };

struct runner *transport_runner(struct transport *t)
{
	return &t->runner;
}

int transport_script(struct transport *t, const char *script, int in_fd, struct str *out,
		     struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct proc_spec spec = { .argv = argv,
				  .out = out,
				  .out_max = SCRIPT_MAX,
				  .in_fd = in_fd,
				  .timeout_s = SCRIPT_LIMIT };
	struct proc_result res;
	int rc = run(&t->runner, &spec, &res, err);

	if (rc <= 0)
		return rc;
	proc_result_err(&spec, &res, err);
	return err_prefix(err, "client %s", t->name);
}

int transport_converse(struct transport *t, const char *const *argv,
		       const struct proc_outliving *how,
		       int (*on_start)(void *arg, pid_t pid, struct err *err), void *arg,
		       struct err *err)
{
	/* nobody is left to hear signs of life, so none are asked for */
	const struct proc_spec there = { .argv = argv, .timeout_s = UINT_MAX };
	const struct proc_spec here = { .argv = argv,
					.outlives = how,
					.uncancellable = true,
					.on_start = on_start,
					.arg = arg };
	_cleanup_strv_ struct strv words = STRV_INIT;
	struct proc_result res;

	command_ssh(t, COMMAND_ALONE, &words);
	strv_add_all(&words, "--", t->host, NULL);
	strv_add_take(&words, command_remote(t, &there));
	int rc = run_ssh(t, &words, &here, &res, err);
	if (rc == 1 && res.how == PROC_EXITED && res.status == SSH_FAILED)
		return failure_explain(t, res.tail, err);
	return rc == 1 ? proc_result_err(&here, &res, err) : rc;
}

const char *transport_name(const struct transport *t)
{
	return t->name;
}

const char *transport_host(const struct transport *t)
{
	return t->host;
}

/* --- opening --- */

/* Sockets of processes that were killed. */
static void remove_leftovers(const char *dir)
{
	DIR *d = opendir(dir);
	uint64_t pid;

	for (struct dirent *e; d && (e = readdir(d));) {
		const char *dash = strrchr(e->d_name, '-');
		if (starts_with(e->d_name, "ssh-") && dash &&
		    parse_u64(dash + 1, &pid, NULL) == 0 && pid <= INT_MAX &&
		    kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
}

/* Where the socket lies: below the state directory, unless its name would be too long for one. */
static int choose_socket(struct transport *t, const struct transport_target *target,
			 struct err *err)
{
	_cleanup_free_ char *all = xasprintf(
		"%s %s %s %s", target->state_dir, target->host,
		target->port ? target->port : "", target->options ? target->options : "");
	_cleanup_free_ char *dir = xasprintf("%s/run", target->state_dir);
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_LEN];

	sha256_buf(all, strlen(all), digest);
	sha256_hex(digest, hex);
	/* one for each process: the connection dies with its owner */
	snprintf(hex + 12, sizeof(hex) - 12, "-%ld", (long)getpid());
	t->socket = xasprintf("%s/ssh-%s", dir, hex);
	/* a '%' is read by ssh */
	if (strlen(t->socket) + SOCKET_EXTRA >=
		    sizeof(((struct sockaddr_un *)0)->sun_path) ||
	    strpbrk(t->socket, "% \t\"'")) {
		free(t->socket);
		free(TAKE_PTR(dir));
		dir = xstrdup("/run/nimadm");
		t->socket = xasprintf("%s/ssh-%s", dir, hex);
	}
	if (files_mkdirs(dir, 0700, err) < 0)
		return -1;
	remove_leftovers(dir);
	return 0;
}

/* ssh's agent, tickets and per-user files are found by these. */
static void pass_environment(struct transport *t)
{
	static const char *const names[] = { "HOME",
					     "USER",
					     "LOGNAME",
					     "SSH_AUTH_SOCK",
					     "KRB5CCNAME",
					     "XDG_RUNTIME_DIR",
					     "DBUS_SESSION_BUS_ADDRESS" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);
		if (value)
			strv_addf(&t->env, "%s=%s", names[i], value);
	}
}

/* A word that begins with '-' would be an option to ssh. */
static int check_host(const struct transport_target *target, struct err *err)
{
	if (*target->host && *target->host != '-' &&
	    !target->host[strcspn(target->host, " \t\n'\"\\;&|<>`$()")])
		return 0;
	err_set(err, ERR_USAGE, "client %s: '%s' is no host name", target->name,
		target->host);
	return err_remedy(err, "nim -o change -a host=[USER@]HOST %s", target->name);
}

static int no_privilege(const struct transport *t, const char *said, struct err *err)
{
	const char *at = strchr(t->host, '@');

	err_set(err, ERR_OPERATOR, "client %s (%s): no root there without a password: %s",
		t->name, t->host, said);
	return err_remedy(err,
			  "log in as root (-a host=root@%s), or let the user run sudo "
			  "without a password (NOPASSWD)",
			  at ? at + 1 : t->host);
}

static int ask_sudo(struct transport *t, struct err *err)
{
	const char *const argv[] = { "id", "-u", NULL };
	_cleanup_str_ struct str out = STR_INIT;
	struct proc_spec spec = { .argv = argv,
				  .out = &out,
				  .out_max = SCRIPT_MAX,
				  .timeout_s = SCRIPT_LIMIT };
	struct proc_result res;

	if (transport_connect(t, err) < 0)
		return -1;
	t->sudo = !master_is_root(t->master);
	if (!t->sudo)
		return 0;
	int rc = run(&t->runner, &spec, &res, err);
	if (rc < 0)
		return -1;
	if (rc > 0 || !out.p || !streq(strip(out.p), "0"))
		return no_privilege(t, rc > 0 ? res.tail : "sudo does not make us root",
				    err);
	return 0;
}

/* The machine's kind, a line; then its /etc/niminfo. */
static const char facts_script[] =
	"uname -m && if [ -e /etc/niminfo ]; then cat /etc/niminfo; fi";

/* As nimclient -P does: the client's administrator forbids the master to act. */
static bool is_push_off(char *text)
{
	char *cursor = text;

	for (char *line; cursor && (line = next_line(&cursor)) != NULL;) {
		line = strip(line);
		if (starts_with(line, "export "))
			line = strip(line + strlen("export "));
		if (streq(line, "push_off") || streq(line, "push_off=yes") ||
		    streq(line, "push_off=\"yes\""))
			return true;
		if (starts_with(line, "control=") && strstr(line, "push_off"))
			return true;
	}
	return false;
}

static int ask_facts(struct transport *t, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;

	if (transport_script(t, facts_script, 0, &out, err) < 0)
		return -1;
	char *cursor = out.p;
	const char *machine = cursor ? next_line(&cursor) : "";
	if (!machine || !streq(machine, "x86_64")) {
		err_set(err, ERR_OPERATOR,
			"client %s (%s): it is a machine of kind '%.40s'; the client "
			"program is for x86_64",
			t->name, t->host, machine ? machine : "");
		return err_remedy(err, "this version migrates x86_64 machines only");
	}
	if (cursor && is_push_off(cursor)) {
		err_set(err, ERR_OPERATOR,
			"client %s (%s): its administrator does not allow it: push_off "
			"in its /etc/niminfo",
			t->name, t->host);
		return err_remedy(err, "ask there; it is allowed again when the line "
				       "push_off is gone from /etc/niminfo");
	}
	return 0;
}

int transport_open(struct transport **ret, const struct transport_target *target,
		   struct err *err)
{
	_cleanup_transport_ struct transport *t = xcalloc(1, sizeof(*t));

	t->runner.ops = &ops;
	t->name = xstrdup(target->name);
	t->host = xstrdup(target->host);
	t->port = xstrdup(target->port);
	if (check_host(target, err) < 0)
		return -1;
	if (target->options && command_split(&t->options, target->options, err) < 0)
		return err_prefix(err, "client %s: ssh_options", target->name);
	if (choose_socket(t, target, err) < 0)
		return -1;
	pass_environment(t);
	if (ask_sudo(t, err) < 0 || ask_facts(t, err) < 0)
		return -1;
	*ret = TAKE_PTR(t);
	return 0;
}

/* --- closing --- */

struct transport *transport_close(struct transport *t)
{
	if (!t)
		return NULL;
	t->master = master_stop(t->master);
	if (t->socket)
		unlink(t->socket);
	free(t->name);
	free(t->host);
	free(t->port);
	free(t->socket);
	free(t->program);
	strv_done(&t->options);
	strv_done(&t->env);
	free(t);
	return NULL;
}

void transport_close_p(struct transport **t)
{
	*t = transport_close(*t);
}
