/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several clients at once: one worker process each, as many at a time as --jobs says, one line each on the terminal.
 *
 * A worker is this program with the same command line and --worker CLIENT; what it says are its JSON events. So
 * one client's failure, hang or crash is its own. The supervisor restarts nothing: nimadm --resume does.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cli/nimadm.h"
#include "model/pool.h"
#include "phase/table.h"
#include "sys/clock.h"
#include "sys/proc.h"
#include "sys/signal.h"
#include "ui/block.h"
#include "ui/text.h"
#include "ui/ui.h"

#define DRAW_EVERY_MS 200
#define WORDS_MAX     4096
#define JOBS_MOST     64u

extern char **environ;

struct many;
struct member {
	struct many *many;
	struct board_row *row;
	struct meter meter;
	pid_t pid; /* 0: does not run */
	int status;
	bool begun;
	struct str words; /* what it said on standard error */
};

struct many {
	pthread_mutex_t lock;
	const char *program;
	char *const *args; /* after the program's name */
	struct board board;
	struct member *members;
	size_t next;
	unsigned running; /* threads */
	bool json, live, stopping, dirty;
	struct block block;
};

/* --- what workers say --- */

static void show_line(struct many *m, const char *client, const struct event *ev)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_free_ char *line = NULL;
	char stamp[CLOCK_STAMP_LEN];
	bool kept = ev->type == EVENT_WARNING || ev->type == EVENT_JOB_END ||
		    ev->type == EVENT_ERROR;

	if (ev->type == EVENT_PROGRESS || ev->type == EVENT_OUTPUT || (m->live && !kept))
		return;
	ui_event_text(&text, ev);
	if (text.len == 0)
		return;
	if (m->live) {
		line = xasprintf("%s: %s", client, str_c(&text));
		block_print(&m->block, line);
		return;
	}
	printf("%s %s: %s\n", clock_now(stamp), client, str_c(&text));
	fflush(stdout);
}

static void on_line(void *arg, const char *line, bool is_err)
{
	struct member *k = arg;
	struct many *m = k->many;
	struct event ev;

	pthread_mutex_lock(&m->lock);
	json_t *o = is_err ? NULL : json_loads(line, 0, NULL);
	if (o && event_from_json(&ev, o)) {
		board_event(k->row, &k->meter, &ev, clock_mono());
		if (!m->json)
			show_line(m, k->row->client, &ev);
	} else if (k->words.len < WORDS_MAX) {
		ui_clean(&k->words, line);
		str_addc(&k->words, '\n');
	}
	if (m->json && !is_err) {
		puts(line);
		fflush(stdout);
	}
	m->dirty = true;
	json_decref(o);
	pthread_mutex_unlock(&m->lock);
}

/* --- workers --- */

static int on_start(void *arg, pid_t pid, struct err *err)
{
	struct member *k = arg;

	pthread_mutex_lock(&k->many->lock);
	k->pid = pid;
	if (k->many->stopping)
		kill(pid, SIGTERM);
	pthread_mutex_unlock(&k->many->lock);
	return 0;
}

static void run_member(struct member *k)
{
	const struct many *m = k->many;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct proc_result res = { 0 };
	struct err err = { 0 };

	strv_add_all(&argv, m->program, "--worker", k->row->client, "--json", NULL);
	for (char *const *a = m->args; *a; a++)
		strv_add(&argv, *a);
	const struct proc_spec spec = {
		.argv = strv_argv(&argv),
		.env = (const char *const *)environ,
		.cwd = ".",
		/* It is told to stop by us, and then ends by itself. */
		.uncancellable = true,
		.on_line = on_line,
		.on_start = on_start,
		.arg = k,
	};
	int rc = proc_run(&spec, &res, &err);
	if (rc < 0)
		str_addf(&k->words, "%s\n", err.msg);
	if (rc > 0 && res.how != PROC_EXITED)
		str_addf(&k->words, "its worker was ended by signal %d\n", res.status);
	k->status = rc == 0 ? 0 : rc > 0 && res.how == PROC_EXITED ? res.status : 1;
}

/* With the lock held. NULL: nothing more is to be begun. */
static struct member *take(struct many *m)
{
	if (m->stopping || m->next == m->board.n)
		return NULL;
	struct member *k = &m->members[m->next++];
	k->begun = true;
	board_set(&k->row->state, "running");
	m->dirty = true;
	return k;
}

static void settle(struct member *k)
{
	struct board_row *r = k->row;
	bool said = r->state && !streq(r->state, "running");

	k->pid = 0;
	if (!said || (k->status != 0 && streq(r->state, "done")))
		board_set(&r->state, k->status == 0 ? "done" : "failed");
	if (k->status != 0 && k->words.len > 0) {
		_cleanup_free_ char *first = xstrndup(k->words.p,
						      strcspn(k->words.p, "\n"));
		board_set(&r->action, first);
	}
}

static void *work(void *arg)
{
	struct many *m = arg;
	struct member *k;

	pthread_mutex_lock(&m->lock);
	while ((k = take(m)) != NULL) {
		pthread_mutex_unlock(&m->lock);
		run_member(k);
		pthread_mutex_lock(&m->lock);
		settle(k);
		m->dirty = true;
	}
	m->running--;
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

/* --- the supervisor --- */

/* With the lock held. */
static void stop(struct many *m)
{
	m->stopping = true;
	for (size_t i = 0; i < m->board.n; i++)
		if (m->members[i].pid > 0)
			kill(m->members[i].pid, SIGTERM);
}

/* Ctrl-C on a terminal may have been meant for something else: asked once; the second one is meant. */
static bool is_meant(struct many *m)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				{ .fd = cancel_fd(), .events = POLLIN } };
	char answer[16];

	if (!m->live || !isatty(STDIN_FILENO))
		return true;
	cancel_forget();
	block_print(&m->block, "Stop all of them? What is stopped can be resumed. [y/N]");
	if (poll(fds, ARRAY_SIZE(fds), -1) < 0 || fds[1].revents)
		return true;
	ssize_t n = read(STDIN_FILENO, answer, sizeof(answer));
	return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

static void watch(struct many *m)
{
	pthread_mutex_lock(&m->lock);
	while (m->running > 0) {
		struct pollfd cancel = { .fd = cancel_fd(), .events = POLLIN };

		if (m->dirty && m->live)
			block_draw(&m->block, &m->board);
		m->dirty = false;
		pthread_mutex_unlock(&m->lock);
		/* What ends is seen at the next look; a signal at once, unless it was seen. */
		poll(&cancel, m->stopping ? 0 : 1, DRAW_EVERY_MS);
		if (m->stopping)
			poll(NULL, 0, DRAW_EVERY_MS);
		bool asked = !m->stopping && cancel_requested() && is_meant(m);
		pthread_mutex_lock(&m->lock);
		if (asked)
			stop(m);
	}
	pthread_mutex_unlock(&m->lock);
}

static int start(struct many *m, unsigned jobs, pthread_t *threads, struct err *err)
{
	for (unsigned i = 0; i < jobs; i++) {
		pthread_mutex_lock(&m->lock);
		m->running++;
		pthread_mutex_unlock(&m->lock);
		if (pthread_create(&threads[i], NULL, work, m) == 0)
			continue;
		pthread_mutex_lock(&m->lock);
		m->running--;
		pthread_mutex_unlock(&m->lock);
		return err_set(err, ERR_INTERNAL, "cannot start a thread");
	}
	return 0;
}

static void make_members(struct many *m, const struct strv *clients)
{
	unsigned weights[METER_PHASES];

	for (int p = 0; p < PHASE_COUNT; p++)
		weights[p] = phase_table[p]->weight;
	m->board.rows = xcalloc(clients->n, sizeof(*m->board.rows));
	m->board.n = clients->n;
	m->members = xcalloc(clients->n, sizeof(*m->members));
	for (size_t i = 0; i < clients->n; i++) {
		struct member *k = &m->members[i];

		k->many = m;
		k->row = &m->board.rows[i];
		meter_init(&k->meter, weights);
		board_set(&k->row->client, clients->v[i]);
		board_set(&k->row->state, "waiting");
	}
}

static void many_done(struct many *m)
{
	for (size_t i = 0; i < m->board.n; i++) {
		str_done(&m->members[i].words);
		board_row_done(&m->board.rows[i]);
	}
	free(m->members);
	free(m->board.rows);
	pthread_mutex_destroy(&m->lock);
}

/* What went wrong with whom; the status of all, or 1 where they differ. */
static int conclude(struct many *m)
{
	_cleanup_str_ struct str sum = STR_INIT;
	int status = 0;

	if (m->live) {
		block_draw(&m->block, &m->board);
		block_end(&m->block);
	}
	for (size_t i = 0; i < m->board.n; i++) {
		struct member *k = &m->members[i];

		if (!k->begun)
			k->status = 1;
		if (k->status != 0)
			status = status == 0 || status == k->status ? k->status : 1;
		if (k->status == 0 || m->json)
			continue;
		fflush(stdout);
		fprintf(stderr, "%s: %s", k->row->client,
			k->words.len > 0 ? k->words.p
			: k->begun	 ? "failed\n"
					 : "was not begun\n");
	}
	board_sum(&m->board, &sum);
	if (!m->json && !m->live)
		printf("%s\n", str_c(&sum));
	return status;
}

int nimadm_many(struct cli *cli, const struct nimadm_options *o, char *const *args)
{
	struct many m = { .lock = PTHREAD_MUTEX_INITIALIZER,
			  .args = args,
			  .json = o->json,
			  .live = !o->json && ui_is_live(stdout),
			  .block = { .out = stdout } };
	unsigned most = o->jobs ? (unsigned)MIN(o->jobs, (uint64_t)JOBS_MOST)
				: pool_threads(0, JOBS_MOST);
	unsigned jobs = (unsigned)MIN((size_t)most, o->clients.n);
	_cleanup_free_ pthread_t *threads = xcalloc(jobs, sizeof(*threads));
	struct err err = { 0 };
	_cleanup_free_ char *program = cli_own_program(&err);

	if (!program)
		return cli_exit(-1, &err);
	m.program = program;
	make_members(&m, &o->clients);
	int rc = start(&m, jobs, threads, &err);
	if (rc < 0)
		stop(&m);
	watch(&m);
	for (unsigned i = 0; i < jobs; i++)
		if (threads[i])
			pthread_join(threads[i], NULL);
	int status = conclude(&m);
	many_done(&m);
	return rc < 0 ? cli_exit(rc, &err) : status;
}

static const char *for_client(struct nimadm_options *o, const char *text)
{
	_cleanup_str_ struct str out = STR_INIT;
	const char *client = o->clients.v[0];

	if (!text || !strstr(text, "%c"))
		return text;
	for (const char *p = text; *p; p++) {
		bool here = p[0] == '%' && p[1] == 'c';

		str_addn(&out, here ? client : p, here ? strlen(client) : 1);
		p += here;
	}
	strv_add(&o->made, str_c(&out));
	return o->made.v[o->made.n - 1];
}

int nimadm_many_check(struct nimadm_options *o, struct err *err)
{
	const struct {
		const char *letter, *text, *example;
	} texts[] = {
		{ "-O", o->output, "-O /export/%c.mksysb" },
		{ "-N", o->name, "-N %c_new" },
	};

	if (o->worker) {
		if (!strv_has(&o->clients, o->worker))
			return err_set(err, ERR_USAGE, "--worker %s is none of -c",
				       o->worker);
		_cleanup_free_ char *only = xstrdup(o->worker);
		strv_done(&o->clients);
		strv_add(&o->clients, only);
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts) && o->clients.n > 1; i++) {
		if (!texts[i].text || strstr(texts[i].text, "%c"))
			continue;
		err_set(err, ERR_USAGE, "%s %s: several clients cannot have the same",
			texts[i].letter, texts[i].text);
		return err_remedy(err, "%%c stands for the client's name: %s",
				  texts[i].example);
	}
	if (o->clients.n > 1 && o->job)
		return err_set(err, ERR_USAGE, "--job is of one client; -c names %zu",
			       o->clients.n);
	if (o->clients.n == 1) {
		o->output = for_client(o, o->output);
		o->name = for_client(o, o->name);
	}
	return 0;
}
