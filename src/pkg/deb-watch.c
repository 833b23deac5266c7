/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages: watching a dpkg or apt run.
 *
 * dpkg writes its status lines among the maintainer scripts' output (--status-fd 1). They tell which package is worked
 * on, so that a script that fails, hangs or kills dpkg can be named; everything else goes to the log.
 */
#include <errno.h>
#include <time.h>

#include "pkg/deb.h"
#include "sys/clock.h"
#include "sys/files.h"

/* seconds; a kernel's or a data base's script may be silent for minutes */
#define SCRIPT_TIMEOUT 900
#define LAST_LINES     8

struct deb_watch {
	const struct pkg_ctx *c;
	FILE *log;
	char *log_path;
	struct progress progress;
	uint64_t steps, n_packages; /* a package takes two steps: unpack and configure */
	char package[160];	    /* worked on now, as dpkg names it */
	char action[32];	    /* "configure", "upgrade", ... */
	char failed[160];	    /* the first that dpkg gave up */
	char failed_action[32];	    /* what was being done with it */
	bool told;		    /* all that was said of it */
	char *last[LAST_LINES];	    /* what was printed since the package began */
	size_t n_last;
	double alive;
};

void deb_watch_free_p(struct deb_watch **wp)
{
	struct deb_watch *w = *wp;

	if (!w)
		return;
	for (size_t i = 0; i < LAST_LINES; i++)
		free(w->last[i]);
	if (w->log)
		fclose(w->log);
	free(w->log_path);
	free(w);
	*wp = NULL;
}

struct deb_watch *deb_watch_new(const struct pkg_ctx *c, const char *log_name,
				size_t n_packages, struct err *err)
{
	struct deb_watch *w = xcalloc(1, sizeof(*w));

	w->c = c;
	w->n_packages = n_packages;
	w->log_path = xasprintf("%s/%s.log", c->work_dir, log_name);
	w->log = fopen(w->log_path, "ae");
	if (!w->log) {
		err_set_errno(err, ERR_OPERATOR, "open %s", w->log_path);
		deb_watch_free_p(&w);
		return NULL;
	}
	w->progress = events_progress(c->events);
	return w;
}

const char *deb_watch_package(const struct deb_watch *w)
{
	return *w->failed ? w->failed : w->package;
}

static void forget_lines(struct deb_watch *w)
{
	for (size_t i = 0; i < LAST_LINES; i++) {
		free(w->last[i]);
		w->last[i] = NULL;
	}
	w->n_last = 0;
}

static void keep_line(struct deb_watch *w, const char *line)
{
	xreplace(&w->last[w->n_last++ % LAST_LINES], line);
}

static void step_done(struct deb_watch *w)
{
	w->steps++;
	progress_report(&w->progress, PROGRESS_PACKAGES, MIN(w->steps / 2, w->n_packages),
			w->n_packages, w->package);
}

/* "processing: configure: libc6:amd64" */
static void begin_package(struct deb_watch *w, const char *rest)
{
	size_t action = strcspn(rest, ":");

	snprintf(w->action, sizeof(w->action), "%.*s", (int)action, rest);
	rest += action;
	rest += strspn(rest, ": ");
	/* dpkg's own error comes by another pipe, and may be here before what its package began with */
	w->told = *w->failed && !streq(w->failed, rest);
	if (!*w->failed && !streq(w->package, rest))
		forget_lines(w);
	snprintf(w->package, sizeof(w->package), "%s", rest);
	if (streq(w->action, "upgrade") || streq(w->action, "install"))
		step_done(w);
}

/* "status: libc6:amd64: unpacked"; conffile and error lines have further fields and another meaning. */
static void count_status(struct deb_watch *w, const char *rest)
{
	const char *state = strrchr(rest, ':');

	if (!state)
		return;
	state += 1 + strspn(state + 1, " ");
	/* Of an upgrade "unpacked" is told twice, once of the old version; triggers tell "installed" again. */
	if (streq(state, "installed") && streq(w->action, "configure"))
		step_done(w);
}

/* "dpkg: error processing package foo:amd64 (--configure):" or "... archive /lpp_source/pool/foo_1_all.deb (--unpack):" */
static void note_failure(struct deb_watch *w, const char *line)
{
	static const char *const marks[] = { "error processing package ",
					     "error processing archive " };

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *p = strstr(line, marks[i]);
		if (!p || *w->failed)
			continue;
		p += strlen(marks[i]);
		size_t len = strcspn(p, " ");
		for (size_t k = 0; i == 1 && k < len; k++) {
			if (p[k] == '/') {
				p += k + 1;
				len -= k + 1;
				k = (size_t)-1;
			}
		}
		snprintf(w->failed, sizeof(w->failed), "%.*s", (int)len, p);
		p = strstr(p, "(--");
		if (p)
			snprintf(w->failed_action, sizeof(w->failed_action), "%.*s",
				 (int)strcspn(p + 3, ")"), p + 3);
	}
}

void deb_watch_line(struct deb_watch *w, const char *line)
{
	w->alive = clock_mono();
	if (starts_with(line, "processing: ")) {
		begin_package(w, line + strlen("processing: "));
		return;
	}
	if (starts_with(line, "status: ")) {
		count_status(w, line + strlen("status: "));
		return;
	}
	/* What the failed package said last must stay for the error. */
	if (!w->told)
		keep_line(w, line);
	if (starts_with(line, "dpkg: "))
		note_failure(w, line);
	fprintf(w->log, "%s\n", line);
	events_output(w->c->events, line);
}

static void on_line(void *arg, const char *line, bool is_err)
{
	deb_watch_line(arg, line);
}

/* A full file system is no fault of the package's, and nothing that another way of installing it would mend. */
static bool disk_full(const struct deb_watch *w)
{
	for (size_t i = 0; i < LAST_LINES; i++)
		if (w->last[i] && strstr(w->last[i], "No space left on device"))
			return true;
	return false;
}

static int describe(struct deb_watch *w, const char *tool, const struct proc_result *res,
		    struct err *err)
{
	_cleanup_str_ struct str lines = STR_INIT;
	const char *package = deb_watch_package(w);
	const char *action = *w->failed_action ? w->failed_action : w->action;
	const char *how = "failed";

	for (size_t i = w->n_last > LAST_LINES ? w->n_last - LAST_LINES : 0;
	     i < w->n_last; i++)
		str_addf(&lines, "\n  %.160s", w->last[i % LAST_LINES]);
	if (res->how == PROC_TIMED_OUT)
		how = "hangs: its script gave no sign of life and was stopped";
	else if (res->how == PROC_SIGNALLED || res->status > 128)
		how = "ended its package manager with a signal";
	if (disk_full(w)) {
		err_set(err, ERR_OPERATOR,
			"no space left on device: package %s (%s) in %s", package,
			*action ? action : tool, w->c->work_dir);
		fflush(w->log);
		err_remedy(err, "free space in the file system of %s", w->c->work_dir);
		return -1;
	}
	if (*package)
		err_set(err, ERR_OPERATOR, "package %s (%s) %s:%s", package,
			*action ? action : tool, how, str_c(&lines));
	else
		err_set(err, ERR_OPERATOR, "%s: exit status %d:%s", tool, res->status,
			str_c(&lines));
	err_remedy(err,
		   "read %s, and repair the package: with -E nimadm opens a shell in the "
		   "alternate root",
		   w->log_path);
	fflush(w->log);
	return res->how == PROC_TIMED_OUT ? -1 : 1;
}

int deb_watch_run(struct deb_watch *w, const char *tool, const struct strv *argv,
		  struct err *err)
{
	struct proc_result res;
	struct proc_spec spec = {
		.argv = strv_argv(argv),
		.env = deb_env,
		.on_line = on_line,
		.arg = w,
		.alive = &w->alive,
		.quiet_s = w->c->script_timeout_s ? w->c->script_timeout_s
						  : SCRIPT_TIMEOUT,
	};

	w->alive = clock_mono();
	*w->package = *w->action = *w->failed = *w->failed_action = '\0';
	w->told = false;
	forget_lines(w);
	int r = runner_run(w->c->run, &spec, &res, err);
	if (r <= 0)
		return r;
	return describe(w, tool, &res, err);
}
