/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nimadm --watch: the unfinished jobs on the whole screen, and what becomes of them.
 *
 * Nothing is asked again before something has changed: the kernel tells of writes to the database and to the files in which
 * running jobs say where they are. The screen is brought up to date twice a second at most, and ncurses sends what differs.
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <sys/inotify.h>

#include <ncurses.h>

#include "cli/nimadm.h"
#include "sys/clock.h"
#include "sys/signal.h"
#include "ui/ui.h"

#define PACE_MS 500
/* A worker that was killed changes no file. */
#define LOOK_MS 5000
#define FOUND	(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO)

struct watch {
	struct cli *cli;
	struct store *store;
	int notify;
	int64_t *ids; /* of the rows */
	struct board board;
	size_t cap, top; /* top: the first line that is shown */
	bool quit;
};

static void rows_done(struct watch *w)
{
	for (size_t i = 0; i < w->board.n; i++)
		board_row_done(&w->board.rows[i]);
	w->board.n = 0;
}

static void watch_done(struct watch *w)
{
	rows_done(w);
	free(w->board.rows);
	free(w->ids);
	close_p(&w->notify);
}

static int add_row(struct watch *w, const struct job_row *job, struct err *err)
{
	_cleanup_free_ char *log = xasprintf("%s/log/%s", w->cli->state_dir,
					     job->subject);

	if (w->board.n == w->cap) {
		w->cap = MAX(w->cap * 2, (size_t)64);
		w->board.rows = xrealloc(w->board.rows, w->cap * sizeof(*w->board.rows));
		w->ids = xrealloc(w->ids, w->cap * sizeof(*w->ids));
	}
	/* Before it is read, so that no change is missed. */
	if (job->state == JOB_OPEN)
		inotify_add_watch(w->notify, log, FOUND);
	w->ids[w->board.n] = job->id;
	return nimadm_board_row(w->store, w->cli->state_dir, job,
				&w->board.rows[w->board.n++], err);
}

static bool has_id(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* What was shown and has ended since stays. */
static int add_ended(struct watch *w, const int64_t *before, size_t n, struct err *err)
{
	size_t unfinished = w->board.n;

	for (size_t i = 0; i < n; i++) {
		struct job_row job = { 0 };

		if (has_id(w->ids, unfinished, before[i]))
			continue;
		int rc = store_job_get(w->store, before[i], &job, err);
		if (rc == 0)
			rc = add_row(w, &job, err);
		job_row_done(&job);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int load_rows(struct watch *w, struct err *err)
{
	struct job_row *jobs = NULL;
	size_t n = 0, n_before = w->board.n;
	_cleanup_free_ int64_t *before = xcalloc(n_before + 1, sizeof(*before));

	if (n_before > 0)
		memcpy(before, w->ids, n_before * sizeof(*before));
	rows_done(w);
	int rc = store_job_list_unfinished(w->store, &jobs, &n, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = add_row(w, &jobs[i], err);
		job_row_done(&jobs[i]);
	}
	free(jobs);
	return rc < 0 ? -1 : add_ended(w, before, n_before, err);
}

static int load(struct watch *w, struct err *err)
{
	if (store_snapshot(w->store, err) < 0)
		return -1;
	int rc = load_rows(w, err);
	store_rollback(w->store);
	return rc;
}

static attr_t look_of(const struct board_row *r)
{
	if (streq(r->state, "failed") || streq(r->state, "inhibited"))
		return has_colors() ? COLOR_PAIR(1) : A_BOLD;
	if (streq(r->state, "running"))
		return A_NORMAL;
	return has_colors() && streq(r->state, "done") ? COLOR_PAIR(2) : A_DIM;
}

static void draw(struct watch *w)
{
	_cleanup_free_ size_t *order = board_order(&w->board);
	_cleanup_str_ struct str sum = STR_INIT;
	size_t room = LINES > 2 ? (size_t)LINES - 2 : 1,
	       width = board_name_width(&w->board);
	size_t last = w->board.n > room ? w->board.n - room : 0;

	w->top = MIN(w->top, last);
	erase();
	board_sum(&w->board, &sum);
	str_addf(&sum, "%s", w->board.n > room ? "   arrows scroll" : "");
	attron(A_REVERSE);
	mvprintw(0, 0, "%-*.*s", COLS, COLS, sum.p);
	attroff(A_REVERSE);
	for (size_t i = 0; i < room && w->top + i < w->board.n; i++) {
		const struct board_row *r = &w->board.rows[order[w->top + i]];
		_cleanup_str_ struct str line = STR_INIT;

		board_line(r, width, (size_t)MAX(COLS - 1, 1), &line);
		attron(look_of(r));
		mvaddstr((int)i + 1, 0, str_c(&line));
		attroff(look_of(r));
	}
	mvaddstr(LINES - 1, 0, "q: end");
	refresh();
}

static void scroll_by(struct watch *w, long n)
{
	w->top = n < 0 && (size_t)-n > w->top ? 0 : w->top + (size_t)n;
}

static void on_key(struct watch *w, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		w->quit = true;
		break;
	case KEY_UP:
		scroll_by(w, -1);
		break;
	case KEY_DOWN:
		scroll_by(w, 1);
		break;
	case KEY_PPAGE:
		scroll_by(w, -(long)(LINES - 3));
		break;
	case KEY_NPAGE:
		scroll_by(w, LINES - 3);
		break;
	default:
		break;
	}
}

/* Waits for a key or a change; true: the jobs are to be read again. */
static bool wait_for(struct watch *w, double loaded)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				{ .fd = cancel_fd(), .events = POLLIN },
				{ .fd = w->notify, .events = POLLIN } };
	char events[4096];

	int n = poll(fds, ARRAY_SIZE(fds), LOOK_MS);
	if (cancel_requested())
		w->quit = true;
	for (int key; (key = getch()) != ERR;)
		on_key(w, key);
	if (n > 0 && !fds[2].revents)
		return false;
	/* What comes until its turn is one change. */
	double since = (clock_mono() - loaded) * 1000;
	if (since < PACE_MS && !w->quit)
		poll(fds, 2, (int)(PACE_MS - since));
	while (read(w->notify, events, sizeof(events)) > 0)
		;
	return true;
}

static int run(struct watch *w, struct err *err)
{
	bool again = true;
	double loaded = 0;

	while (!w->quit) {
		if (again) {
			loaded = clock_mono();
			if (load(w, err) < 0)
				return -1;
		}
		draw(w);
		again = wait_for(w, loaded);
	}
	return 0;
}

static void screen_begin(void)
{
	setlocale(LC_CTYPE, "");
	initscr();
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	if (!has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(1, COLOR_RED, -1);
	init_pair(2, COLOR_GREEN, -1);
}

int nimadm_watch(struct cli *cli, struct err *err)
{
	struct watch w = { .cli = cli, .store = cli_store(cli, err), .notify = -1 };

	if (!w.store)
		return -1;
	if (!ui_is_live(stdout) || !isatty(STDIN_FILENO)) {
		err_set(err, ERR_USAGE, "--watch needs a terminal");
		return err_remedy(err, "nimadm --status, or --status --json");
	}
	w.notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w.notify < 0 || inotify_add_watch(w.notify, cli->state_dir, FOUND) < 0) {
		watch_done(&w);
		return err_set_errno(err, ERR_OPERATOR, "cannot watch %s",
				     cli->state_dir);
	}
	screen_begin();
	int rc = run(&w, err);
	endwin();
	watch_done(&w);
	return rc;
}
