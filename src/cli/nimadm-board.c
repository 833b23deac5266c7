/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jobs as rows: what the database knows, and where the running ones say they are. */
#include "cli/nimadm.h"
#include "phase/table.h"
#include "sys/files.h"

#define NOW_MAX 4096

char *nimadm_now_path(const char *state_dir, const char *subject, int64_t job)
{
	return xasprintf("%s/log/%s/%lld.now", state_dir, subject, (long long)job);
}

/* The last phase that began. */
static int set_phase(struct store *s, const struct job_row *job, struct board_row *row,
		     struct err *err)
{
	struct journal_row rows[PHASE_COUNT];
	int phase = -1;

	if (store_journal_get(s, job->id, rows, err) < 0)
		return -1;
	for (int p = 0; p < PHASE_COUNT; p++)
		if (rows[p].state != JOURNAL_NONE)
			phase = p;
	if (phase >= 0) {
		_cleanup_free_ char *text = xasprintf("%d %s", phase,
						      phase_table[phase]->name);
		board_set(&row->phase, text);
	}
	return 0;
}

static void read_now(const char *state_dir, const struct job_row *job,
		     struct board_row *row)
{
	_cleanup_free_ char *path = nimadm_now_path(state_dir, job->subject, job->id);
	_cleanup_str_ struct str text = STR_INIT;
	struct err ignored = { 0 };

	if (files_read(path, NOW_MAX, &text, &ignored) == 0)
		board_row_read(row, str_c(&text), text.len);
}

int nimadm_board_row(struct store *s, const char *state_dir, const struct job_row *job,
		     struct board_row *row, struct err *err)
{
	struct lease_row lease = { 0 };
	bool running = false;

	*row = (struct board_row){ 0 };
	if (job->state == JOB_OPEN) {
		int rc = store_lease_get(s, job->subject, &lease, err);
		if (rc < 0)
			return -1;
		running = rc == 0 && lease.alive;
		lease_row_done(&lease);
	}
	if (running)
		read_now(state_dir, job, row);
	else
		board_set(&row->action, job->error);
	board_set(&row->client, job->subject);
	board_set(&row->state, running			? "running"
			       : job->state == JOB_OPEN ? "unfinished"
							: job_state_name(job->state));
	if (row->phase && *row->phase)
		return 0;
	return set_phase(s, job, row, err);
}
