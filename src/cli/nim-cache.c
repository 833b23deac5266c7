/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: cache objects: contents of clients' files that are kept for other clients and the next migration. */
#include <inttypes.h>

#include "base/parse.h"
#include "cache/objects.h"
#include "cli/nim.h"

static int create(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_objects_ struct objects store = OBJECTS_INIT;

	return objects_open(&store, location, err);
}

static void on_bad(void *arg, const char *name, const char *what)
{
	struct findings *fs = arg;
	_cleanup_free_ char *title = xasprintf("object %s %s: removed", name, what);

	findings_add(fs, "cache.object", FINDING_WARN, title, NULL,
		     "the next client that has it sends it again; check the disk");
}

static int check(struct nim_request *r, const char *location, struct findings *fs,
		 struct err *err)
{
	_cleanup_objects_ struct objects store = OBJECTS_INIT;
	struct progress progress = events_progress(&r->events);
	const struct objects_check c = { on_bad, fs, &progress };
	uint64_t bad;

	if (objects_open(&store, location, err) < 0)
		return -1;
	return objects_check(&store, &c, &bad, err);
}

static int set_number(struct nim_request *r, const char *attr, uint64_t n,
		      struct err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	return nim_set(r, attr, text, err);
}

static int describe(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_objects_ struct objects store = OBJECTS_INIT;
	struct objects_usage u;

	if (objects_open(&store, location, err) < 0 ||
	    objects_usage(&store, &u, err) < 0 ||
	    set_number(r, "held_objects", u.objects, err) < 0)
		return -1;
	return set_number(r, "used", u.bytes, err);
}

/* What no job uses goes, until the rest is within the limit. */
static int collect(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_objects_ struct objects store = OBJECTS_INIT;
	const char *size = nim_value(r, "size");
	struct objects_usage gone;
	uint64_t limit;
	char bytes[32];

	if (!size)
		return 0;
	if (parse_size(size, &limit, err) < 0 ||
	    objects_open(&store, location, err) < 0 ||
	    objects_collect(&store, limit, &gone, err) < 0)
		return -1;
	events_step(&r->events, "%llu objects removed, %s",
		    (unsigned long long)gone.objects,
		    fmt_bytes(bytes, sizeof(bytes), gone.bytes));
	return 0;
}

static int changed(struct nim_request *r, const char *location, struct err *err)
{
	return collect(r, location, err) < 0 ? -1 : describe(r, location, err);
}

static int show(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_objects_ struct objects store = OBJECTS_INIT;
	struct objects_usage u;
	char all[32], used[32];

	if (objects_open(&store, location, err) < 0 || objects_usage(&store, &u, err) < 0)
		return -1;
	printf("%llu objects, %s; running jobs use %llu of them, %s\n",
	       (unsigned long long)u.objects, fmt_bytes(all, sizeof(all), u.bytes),
	       (unsigned long long)u.used_objects,
	       fmt_bytes(used, sizeof(used), u.used_bytes));
	return 0;
}

const struct nim_handler nim_cache = {
	.type = "cache",
	.marker = "objects",
	.create = create,
	.check = check,
	.describe = describe,
	.update = collect,
	.changed = changed,
	.show = show,
	.update_is_atomic = true,
	.change_in_use = true,
};
