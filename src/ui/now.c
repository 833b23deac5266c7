/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small file that tells where a job is: one line, written in one piece. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/files.h"
#include "ui/board.h"
#include "ui/ui.h"

#define WRITE_EVERY_S 0.5

struct now {
	struct event_sink sink;
	struct board_row row;
	struct meter meter;
	char *path;
	int fd;
	double written;
};

static void now_emit(struct event_sink *sink, const struct event *ev)
{
	struct now *n = (struct now *)sink;
	_cleanup_str_ struct str text = STR_INIT;
	double now = clock_mono();

	if (!n->row.client && ev->client)
		board_set(&n->row.client, ev->client);
	board_event(&n->row, &n->meter, ev, now);
	if (now - n->written < WRITE_EVERY_S &&
	    (ev->type == EVENT_PROGRESS || ev->type == EVENT_OUTPUT))
		return;
	n->written = now;
	board_row_write(&n->row, &text);
	/* Shorter than what was there: the reader stops at the line's end. A lost line is of no harm. */
	if (pwrite(n->fd, text.p, text.len, 0) < 0)
		errno = 0;
}

static void now_free(struct event_sink *sink)
{
	struct now *n = (struct now *)sink;

	unlink(n->path);
	close_p(&n->fd);
	board_row_done(&n->row);
	free(n->path);
	free(n);
}

int ui_now(struct event_sink **ret, const char *path,
	   const unsigned weights[METER_PHASES], struct err *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				      0640);

	if (fd < 0)
		return err_set_errno(err, ERR_OPERATOR, "cannot write %s", path);
	struct now *n = xcalloc(1, sizeof(*n));
	n->sink = (struct event_sink){ now_emit, now_free };
	n->path = xstrdup(path);
	n->fd = TAKE_FD(fd);
	meter_init(&n->meter, weights);
	*ret = &n->sink;
	return 0;
}
