/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm -W and -S: a client's clone woken up and mounted on this master, and what was written there put back to sleep with it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/nimadm-client.h"
#include "cli/nimadm-run.h"
#include "model/json.h"
#include "phase/awake.h"
#include "phase/table.h"
#include "sys/mount.h"
#include "sys/proc.h"
#include "sys/signal.h"

#define FIRST_BACK 9 /* the phases from here on push and put to sleep */
#define LAST_THERE 3 /* those up to here make it seen */

extern char **environ;

/* --- on the client alone --- */

static int call(struct nimadm_client *c, struct transport *t, void *unused,
		struct err *err)
{
	const struct nimadm_options *o = c->o;
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_free_ char *disks = strv_join(&o->disks, ",");

	strv_add_all(&args, "alt_rootvg_op", "--json", o->wake ? "-W" : "-S", NULL);
	if (o->disks.n > 0)
		strv_add_all(&args, "-d", disks, NULL);
	const struct client_call how = { .args = strv_argv(&args), .events = &c->events };
	return client_run(t, &how, err);
}

static int on_client(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	_cleanup_nimadm_client_ struct nimadm_client c = { 0 };

	/* a job at work on the client has its alternate root awake */
	if (nimadm_client_take(&c, cli, o, err) < 0)
		return -1;
	return nimadm_client_act(&c, call, NULL, err);
}

/* --- the process that holds the mount --- */

struct hearing {
	struct nimadm_run *run;
	struct str text;
	bool ready;
	struct err failed;
};

static void hear(struct hearing *h, const char *line)
{
	_cleanup_json_ json_t *o = json_loads(line, 0, NULL);
	struct event ev;

	if (!o || !event_from_json(&ev, o))
		return;
	if (ev.type == EVENT_JOB_END) {
		h->ready = true;
	} else if (ev.type == EVENT_ERROR) {
		err_set(&h->failed, ERR_OPERATOR, "%s", ev.text);
		if (*ev.remedy)
			err_remedy(&h->failed, "%s", ev.remedy);
	} else {
		ev.phase_name = NULL;
		events_emit(&h->run->events, &ev);
	}
}

/* Whole lines; what is left of the last one stays. */
static void hear_lines(struct hearing *h)
{
	char *end;

	while (h->text.len > 0 && (end = memchr(h->text.p, '\n', h->text.len)) != NULL) {
		size_t len = (size_t)(end - h->text.p) + 1;

		*end = '\0';
		hear(h, h->text.p);
		memmove(h->text.p, h->text.p + len, h->text.len - len + 1);
		h->text.len -= len;
	}
}

/* Until it is ready, or is no more. */
static int listen_to(struct hearing *h, int fd, struct err *err)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = cancel_fd(), .events = POLLIN } };
	char buf[4096];
	ssize_t n = 1;

	while (!h->ready && n > 0) {
		if (cancel_check(err) < 0)
			return -1;
		if (poll(p, ARRAY_SIZE(p), -1) < 0 || !p[0].revents)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n > 0)
			str_addn(&h->text, buf, (size_t)n);
		hear_lines(h);
	}
	if (h->ready)
		return 0;
	if (h->failed.kind == ERR_NONE)
		return err_set(err, ERR_OPERATOR,
			       "the process that was to hold the mount has died");
	*err = h->failed;
	return -1;
}

static int start_holder(struct nimadm_run *r, const char *program, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_close_ int ours = -1, its = -1;
	struct hearing h = { .run = r };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set_errno(err, ERR_INTERNAL, "cannot start a process");
	ours = ends[0];
	its = ends[1];
	strv_add_all(&argv, program, "--state", r->cli->state_dir, NULL);
	if (r->cli->config_option)
		strv_add_all(&argv, "--config", r->cli->config_option, NULL);
	strv_add_all(&argv, "--hold", "--job", NULL);
	strv_addf(&argv, "%lld", (long long)r->job.id);
	const struct proc_outliving how = { its, mount_first_namespace(err),
					    mount_first_root(err) };
	const struct proc_spec spec = {
		.argv = strv_argv(&argv),
		.env = (const char *const *)environ,
		.outlives = &how,
	};
	if (how.mount_ns < 0 || how.root < 0)
		return -1;
	pid_t pid = proc_leave(&spec, err);
	if (pid < 0)
		return -1;
	close_p(&its);
	its = -1;
	int rc = listen_to(&h, ours, err);
	str_done(&h.text);
	if (rc < 0)
		kill(pid, SIGTERM);
	return rc;
}

/* --- the job --- */

/* Phases from `first` to `last` that are not done: one that is, would be run again if it was asked for. */
static bool select_rest(struct nimadm_run *r, const struct journal_row rows[PHASE_COUNT],
			int first, int last)
{
	bool any = false;

	r->select = (struct selection){ 0 };
	for (int p = first; p <= last; p++) {
		r->select.on[p] = phase_applies(phase_table[p], r->job.spec.mode) &&
				  rows[p].state != JOURNAL_DONE;
		any |= r->select.on[p];
	}
	return any;
}

static bool has_begun_back(const struct journal_row rows[PHASE_COUNT])
{
	for (int p = FIRST_BACK; p < PHASE_COUNT; p++)
		if (rows[p].state != JOURNAL_NONE)
			return true;
	return false;
}

/* 1: there is none. */
static int find_job(struct nimadm_run *r, struct err *err)
{
	_cleanup_(job_row_done) struct job_row row = { 0 };
	int rc = store_job_find_open(r->store, r->o->subject, &row, err);

	if (rc != 0)
		return rc;
	if (row.mode != 'W' || row.state == JOB_INHIBITED)
		return 1;
	return nimadm_run_load(r, &row, err);
}

static int new_job(struct nimadm_run *r, struct err *err)
{
	_cleanup_(job_spec_done) struct job_spec spec = { 0 };

	if (engine_admit(r->store, r->o->subject, err) < 0 ||
	    nimadm_spec_awake(r->cli, r->store, r->o, &spec, err) < 0)
		return -1;
	return nimadm_run_create(r, &spec, err);
}

static int check_way(const struct nimadm_run *r,
		     const struct journal_row rows[PHASE_COUNT], struct err *err)
{
	const char *name = r->job.spec.subject;

	if (!has_begun_back(rows))
		return 0;
	err_set(err, ERR_OPERATOR, "the clone of %s is being put to sleep", name);
	return err_remedy(err, "nimadm -S -c %s ends that; then wake it up", name);
}

/* The clone is where the administrator can work on it. */
static int show(struct nimadm_run *r, const char *program, struct err *err)
{
	struct journal_row rows[PHASE_COUNT];

	if (store_journal_get(r->store, r->job.id, rows, err) < 0 ||
	    check_way(r, rows, err) < 0 ||
	    (select_rest(r, rows, 0, LAST_THERE) && nimadm_run_engine(r, err) < 0) ||
	    nimadm_run_sinks(r, err) < 0)
		return -1;
	if (awake_is_held(&r->job)) {
		events_step(&r->events, "The clone of %s is awake", r->job.spec.subject);
		return 0;
	}
	return start_holder(r, program, err);
}

struct scripting {
	struct phase_ctx ctx;
	const char *script;
};

static int run_script(void *arg, struct err *err)
{
	const struct scripting *s = arg;

	return common_script(&s->ctx, s->script, "post-migration", err);
}

/* Where the tree is seen, which is not where we are. */
static int script_there(struct nimadm_run *r, const char *script, struct err *err)
{
	const char *name = r->job.spec.subject;
	struct scripting s = {
		.ctx = { &r->job, r->store, &r->events, &phase_postmigrate },
		.script = script,
	};

	if (mount_in_first(run_script, &s, err) == 0)
		return 0;
	err->remedy[0] = '\0';
	return err_remedy(
		err,
		"the clone is still awake: mend the script %s, then nimadm -W -c "
		"%s -z %s; or nimadm -S -c %s",
		script, name, r->o->post_script, name);
}

static int wake(struct nimadm_run *r, char **place, struct err *err)
{
	_cleanup_free_ char *script = NULL;
	_cleanup_free_ char *program = cli_own_program(err);
	struct nimadm_options same = *r->o;

	if (!program)
		return -1;
	/* one of this call, not of the job */
	same.post_script = NULL;
	r->store = cli_store(r->cli, err);
	if (!r->store ||
	    (r->o->post_script && nimadm_post_script(r->store, r->o, &script, err) < 0) ||
	    nimadm_run_take(r, r->o->subject, err) < 0)
		return -1;
	int rc = find_job(r, err);
	if (rc == 0)
		rc = nimadm_spec_same(r->cli, r->store, &same, &r->job, err);
	else if (rc > 0)
		rc = new_job(r, err);
	if (rc < 0 || show(r, program, err) < 0)
		return -1;
	*place = xstrdup(r->job.alt_inst);
	return script ? script_there(r, script, err) : 0;
}

static int wake_here(struct cli *cli, const struct nimadm_options *o)
{
	struct nimadm_run r = { .cli = cli, .o = o, .go_on = "nimadm -W" };
	_cleanup_free_ char *place = NULL;
	struct err err = { 0 };
	int status = nimadm_run_end(&r, wake(&r, &place, &err), &err);

	if (place && !o->json)
		printf("The clone of %s is at %s; nimadm -S -c %s puts it to sleep.\n",
		       o->subject, place, o->subject);
	return status;
}

/* From here on nobody writes there. Where somebody is still at it, nothing of the job has begun. */
static int end_awake(struct nimadm_run *r, bool again, struct err *err)
{
	struct phase_ctx c = { &r->job, r->store, &r->events, &phase_unmount };
	bool lost;

	if (nimadm_run_sinks(r, err) < 0 || awake_end(&c, &lost, err) < 0)
		return -1;
	if (lost && !again)
		events_warning(&r->events,
			       "%s is not mounted any more; what was written there lies "
			       "in %s, and is pushed now",
			       r->job.alt_inst, r->job.upper);
	return 0;
}

/* What was never seen by anybody has no changes: it is taken back. */
static int put_to_sleep(struct nimadm_run *r, struct err *err)
{
	struct journal_row rows[PHASE_COUNT];

	if (store_journal_get(r->store, r->job.id, rows, err) < 0)
		return -1;
	r->undo = rows[LAST_THERE].state != JOURNAL_DONE;
	if (!r->undo && end_awake(r, has_begun_back(rows), err) < 0)
		return -1;
	if (!r->undo)
		(void)select_rest(r, rows, FIRST_BACK, PHASE_COUNT - 1);
	return nimadm_run_engine(r, err);
}

/* 1: it is not mounted here. */
static int sleep_here(struct nimadm_run *r, struct err *err)
{
	r->store = cli_store(r->cli, err);
	if (!r->store)
		return -1;
	int rc = find_job(r, err);
	if (rc != 0)
		return rc;
	job_done(&r->job);
	/* again, now that nobody else ends it */
	if (nimadm_run_take(r, r->o->subject, err) < 0)
		return -1;
	rc = find_job(r, err);
	return rc == 0 ? put_to_sleep(r, err) : rc;
}

static int sleep_anywhere(struct cli *cli, const struct nimadm_options *o)
{
	struct nimadm_run r = { .cli = cli, .o = o, .go_on = "nimadm -S" };
	struct err err = { 0 };
	int rc = sleep_here(&r, &err);

	if (rc <= 0)
		return nimadm_run_end(&r, rc, &err);
	int status = nimadm_run_end(&r, 0, &err);
	return status ? status : cli_exit(on_client(cli, o, &err), &err);
}

int nimadm_wake(struct cli *cli, const struct nimadm_options *o)
{
	struct err err = { 0 };

	if (o->sleep)
		return sleep_anywhere(cli, o);
	if (o->no_mount)
		return cli_exit(on_client(cli, o, &err), &err);
	return wake_here(cli, o);
}
