/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client program, called over ssh: its events become the job's, its error the phase's. */
#include "phase/client.h"

#include "archive/mksysb.h"
#include "model/json.h"
#include "sys/files.h"

/* What one client may say in one call. */
#define EVENTS_MAX 2000u
#define TEXT_MAX   500

bool client_is_in(const struct job *job)
{
	return job->spec.client && *job->spec.client;
}

bool client_is_source(const struct job *job)
{
	return client_is_in(job) && !(job->spec.mksysb && *job->spec.mksysb);
}

struct transport_target client_target(const struct job *job)
{
	const struct job_spec *s = &job->spec;

	return (struct transport_target){
		.name = s->client,
		.host = s->host,
		.port = *s->ssh_port ? s->ssh_port : NULL,
		.options = *s->ssh_options ? s->ssh_options : NULL,
		.state_dir = job->state_dir,
	};
}

static char *reached_path(const struct job *job)
{
	return xasprintf("%s/client.reached", job->dir);
}

/* The job's directory is there from the pre-flight on. */
static int note_reached(const struct job *job, struct err *err)
{
	_cleanup_free_ char *path = reached_path(job);

	if (!files_is_dir(job->dir) || files_exists(path))
		return 0;
	return files_write_atomic(path, "", 0, 0644, err);
}

int client_open(struct transport **ret, const struct phase_ctx *c, struct err *err)
{
	const struct transport_target target = client_target(c->job);
	_cleanup_transport_ struct transport *t = NULL;

	events_step(c->events, "Connecting to %s", target.host);
	if (transport_open(&t, &target, err) < 0 || note_reached(c->job, err) < 0)
		return -1;
	*ret = TAKE_PTR(t);
	return 0;
}

/* --- what the client says --- */

struct voice {
	const struct client_call *call;
	const char *name;
	struct progress progress;
	unsigned said;
	char *error, *remedy;
};

char *client_clean(const char *text)
{
	char *copy = xstrndup(text, TEXT_MAX);

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return copy;
}

static void keep(char **field, const char *text)
{
	free(*field);
	*field = client_clean(text);
}

static void on_progress(struct voice *v, const json_t *o)
{
	json_int_t done = json_integer_value(json_object_get(o, "done"));
	json_int_t total = json_integer_value(json_object_get(o, "total"));
	bool bytes = streq(json_field(o, "unit"), "bytes");

	if (done >= 0 && total >= 0)
		progress_report(&v->progress, bytes ? PROGRESS_BYTES : PROGRESS_FILES,
				(uint64_t)done, (uint64_t)total, NULL);
}

static void on_event(struct voice *v, const json_t *o)
{
	const char *kind = json_field(o, "event");
	_cleanup_free_ char *text = client_clean(json_field(o, "text"));

	if (streq(kind, "progress")) {
		on_progress(v, o);
		return;
	}
	if (streq(kind, "error")) {
		keep(&v->error, text);
		keep(&v->remedy, json_field(o, "remedy"));
		return;
	}
	if (*text == '\0' || v->said++ > EVENTS_MAX)
		return;
	if (streq(kind, "step")) {
		events_step(v->call->events, "%s: %s", v->name, text);
		/* the numbers that follow are of this step */
		v->progress = events_progress(v->call->events);
	} else if (streq(kind, "warning")) {
		events_warning(v->call->events, "%s: %s", v->name, text);
	} else {
		events_output(v->call->events, text);
	}
}

static void on_line(void *arg, const char *line, bool is_err)
{
	struct voice *v = arg;

	if (*line == '\0')
		return; /* a sign of life */
	_cleanup_json_ json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(o)) {
		on_event(v, o);
	} else if (v->said++ <= EVENTS_MAX) {
		_cleanup_free_ char *text = client_clean(line);
		events_output(v->call->events, text);
	}
}

static int on_data(void *arg, const void *data, size_t n, struct err *err)
{
	struct voice *v = arg;

	return v->call->data(v->call->arg, data, n, err);
}

/* --- calls --- */

/* The statuses of the client program are ours (base/err.h). */
static enum err_kind kind_of(int status)
{
	for (enum err_kind k = ERR_OPERATOR; k < ERR_KIND_COUNT_; k++)
		if (k != ERR_CANCELLED && err_exit_status(k) == status)
			return k;
	return ERR_OPERATOR;
}

static int failed(const struct voice *v, const struct proc_spec *spec,
		  const struct proc_result *res, struct err *err)
{
	if (!v->error || res->how != PROC_EXITED) {
		proc_result_err(spec, res, err);
		if (res->how == PROC_EXITED && err)
			err->kind = kind_of(res->status);
		return err_prefix(err, "client %s", v->name);
	}
	err_set(err, kind_of(res->status), "client %s: %s", v->name, v->error);
	return *v->remedy ? err_remedy(err, "on %s: %s", v->name, v->remedy) : -1;
}

int client_run(struct transport *t, const struct client_call *call, struct err *err)
{
	struct voice v = { .call = call,
			   .name = transport_name(t),
			   .progress = events_progress(call->events) };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct proc_result res;
	const char *program;

	if (transport_program(t, &program, err) < 0)
		return -1;
	strv_add(&argv, program);
	for (const char *const *a = call->args; *a; a++)
		strv_add(&argv, *a);
	struct proc_spec spec = {
		.argv = strv_argv(&argv),
		.in_fd = call->in_fd,
		.on_data = call->data ? on_data : NULL,
		.out = call->out,
		.on_line = on_line,
		.arg = &v,
	};
	int rc = runner_run(transport_runner(t), &spec, &res, err);
	if (rc > 0)
		rc = failed(&v, &spec, &res, err);
	free(v.error);
	free(v.remedy);
	return rc;
}

static int receive(void *arg, const void *data, size_t n, struct err *err)
{
	return mksysb_receive_data(arg, data, n, err);
}

int client_fetch_image(struct transport *t, const struct client_fetch *f, struct err *err)
{
	const char *const image[] = { "send-image", NULL };
	const char *const facts[] = { "send-image", "--facts", NULL };
	_cleanup_mksysb_receive_ struct mksysb_receive *r = NULL;

	if (mksysb_receive_open(&r, f->path, f->limit, err) < 0)
		return -1;
	const struct client_call call = {
		.args = f->facts ? facts : image,
		.events = f->events,
		.data = receive,
		.arg = r,
	};
	if (client_run(t, &call, err) < 0)
		return -1;
	if (mksysb_receive_end(r, err) < 0)
		return err_prefix(err, "client %s", transport_name(t));
	return 0;
}

/* --- whose the client is --- */

static char *master_words(const struct phase_ctx *c)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0)
		*host = '\0';
	return xasprintf("master %s, %s", host, c->job->state_dir);
}

static char *owner_words(const struct phase_ctx *c)
{
	_cleanup_free_ char *master = master_words(c);

	return xasprintf("job %lld of %s; %s", (long long)c->job->id,
			 c->job->spec.subject, master);
}

/* A job of ours that is over, or is no more. */
static bool is_over(const struct phase_ctx *c, const char *owner)
{
	_cleanup_free_ char *master = master_words(c);
	_cleanup_(job_row_done) struct job_row row = { 0 };
	struct err ignored = { 0 };
	const char *semicolon = strchr(owner, ';');
	long long id;

	if (!semicolon || !streq(semicolon + strspn(semicolon, "; "), master) ||
	    sscanf(owner, "job %lld of ", &id) != 1)
		return false;
	if (store_job_get(c->store, id, &row, &ignored) < 0)
		return ignored.kind == ERR_NOTFOUND;
	return row.state == JOB_DONE || row.state == JOB_CLEANED ||
	       row.state == JOB_INHIBITED;
}

int client_claim(struct transport *t, const struct phase_ctx *c, struct err *err)
{
	const char *name = c->job->spec.client;
	_cleanup_free_ char *owner = owner_words(c);
	_cleanup_free_ char *other = NULL, *nobody = NULL;
	int rc = transport_claim(t, owner, false, &other, err);

	if (rc <= 0)
		return rc;
	_cleanup_free_ char *who = client_clean(other);
	bool over = is_over(c, other);
	if (!over && !c->job->spec.force) {
		err_set(err, ERR_LOCKED, "client %s is claimed by another job: %s", name,
			who);
		return err_remedy(
			err, "let that job end, or take it back on its master "
			     "(nimadm -C); where that master is gone: again with -F");
	}
	if (!over)
		events_warning(c->events, "%s was claimed by another job: %s", name, who);
	return transport_claim(t, owner, true, &nobody, err);
}

int client_release(struct transport *t, const struct phase_ctx *c, struct err *err)
{
	_cleanup_free_ char *owner = owner_words(c);

	return transport_release(t, owner, err);
}

void client_forget(const struct phase_ctx *c)
{
	_cleanup_free_ char *reached = reached_path(c->job);
	_cleanup_transport_ struct transport *t = NULL;
	struct err err = { 0 };

	if (files_is_dir(c->job->dir) && !files_exists(reached))
		return; /* nothing of ours can be there */
	if (client_open(&t, c, &err) < 0 || client_release(t, c, &err) < 0)
		events_warning(
			c->events,
			"the client program may still be in /var/lib/nimadm of %s: %s",
			c->job->spec.client, err.msg);
}
