/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cached way without a network: both ends on this machine, with the real client program at the other end of a pipe.
 *
 *	cached-run pull|push|verify ALTDISK CLIENT-TREE KEEP CACHE JOB LOWER ALT_INST [LIMIT]
 *	cached-run usage|check CACHE
 *	cached-run collect CACHE LIMIT
 */
#include <sys/resource.h>

#include "base/parse.h"
#include "phase/cached.h"
#include "sys/files.h"
#include "sys/signal.h"
#include "ui/ui.h"

static int failed(const struct err *err)
{
	fprintf(stderr, "cached-run: %s\n  next: %s\n", err->msg, err->remedy);
	return err_exit_status(err->kind);
}

static void show(const struct cached_result *r)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "files", r->files },
		{ "bytes", r->bytes },
		{ "moved_files", r->moved_files },
		{ "moved_bytes", r->moved_bytes },
		{ "raw", r->raw_bytes },
		{ "packed", r->packed_bytes },
		{ "attributes", r->attributes },
		{ "links", r->links },
		{ "removed", r->removed },
		{ "linked", r->linked },
		{ "copied", r->copied },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		printf("%s %llu\n", numbers[i].name,
		       (unsigned long long)numbers[i].value);
}

/* The last step's last progress. */
static uint64_t shown_done, shown_total;

static void keep_progress(struct event_sink *sink, const struct event *ev)
{
	(void)sink;
	if (ev->type == EVENT_STEP)
		shown_done = shown_total = 0;
	if (ev->type != EVENT_PROGRESS)
		return;
	shown_done = ev->done;
	shown_total = ev->total;
}

static unsigned long long ms_of(const struct rusage *u)
{
	return (unsigned long long)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 +
	       (unsigned long long)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
}

/* Processor time of the client's programs and of ours, and our peak of memory. */
static void show_cost(void)
{
	struct rusage client, own;

	getrusage(RUSAGE_CHILDREN, &client);
	getrusage(RUSAGE_SELF, &own);
	printf("client_ms %llu\nmaster_ms %llu\nmaster_kb %ld\n", ms_of(&client),
	       ms_of(&own), own.ru_maxrss);
}

static int move(int argc, char **argv, struct err *err)
{
	struct event_sink sink = { .emit = keep_progress };
	struct events events = { 0 };
	struct cached_result res = { 0 };
	struct cached c = {
		.run = runner_local(),
		.program = argv[2],
		.tree = argv[3],
		.keep = argv[4],
		.cache = argv[5],
		.dir = argv[6],
		.lower = argv[7],
		.alt_inst = argv[8],
		.events = &events,
	};
	int rc;

	events_add_sink(&events, &sink);
	if (argc > 9 && parse_size(argv[9], &c.limit, err) < 0)
		return -1;
	if (streq(argv[1], "verify"))
		return cached_verify(&c, err);
	if (streq(argv[1], "pull"))
		rc = cached_pull(&c, &res, err);
	else
		rc = cached_push(&c, &res, err);
	if (rc == 0) {
		show(&res);
		show_cost();
		printf("shown_done %llu\nshown_total %llu\n",
		       (unsigned long long)shown_done, (unsigned long long)shown_total);
	}
	return rc;
}

static void say_bad(void *arg, const char *name, const char *what)
{
	printf("%s %s\n", name, what);
}

static int look(char **argv, struct err *err)
{
	_cleanup_objects_ struct objects store = OBJECTS_INIT;
	const struct objects_check check = { .bad = say_bad };
	struct objects_usage u = { 0 };
	uint64_t n = 0;

	if (objects_open(&store, argv[2], err) < 0)
		return -1;
	if (streq(argv[1], "check")) {
		int rc = objects_check(&store, &check, &n, err);
		printf("bad %llu\n", (unsigned long long)n);
		return rc;
	}
	if (streq(argv[1], "collect")) {
		if (parse_size(argv[3], &n, err) < 0 ||
		    objects_collect(&store, n, &u, err) < 0)
			return -1;
		printf("removed %llu %llu\n", (unsigned long long)u.objects,
		       (unsigned long long)u.bytes);
		return 0;
	}
	if (objects_usage(&store, &u, err) < 0)
		return -1;
	printf("objects %llu\nbytes %llu\nused %llu\n", (unsigned long long)u.objects,
	       (unsigned long long)u.bytes, (unsigned long long)u.used_objects);
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int rc;

	cancel_install();
	if (argc >= 9)
		rc = move(argc, argv, &err);
	else if (argc >= 3)
		rc = look(argv, &err);
	else
		return 2;
	return rc < 0 ? failed(&err) : 0;
}
