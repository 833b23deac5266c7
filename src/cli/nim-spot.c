/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: spot objects. */
#include "cli/nim.h"
#include "model/dpkg.h"
#include "pkg/spot.h"
#include "sys/root.h"

#define STATUS_MAX (64 << 20)

/* The lpp_source that the SPOT comes from, ready and locked while it is read. */
struct source {
	struct object object;
	struct lease *lease;
	const char *dir;
};

static void source_done(struct source *s)
{
	lease_release(s->lease);
	object_done(&s->object);
}

static int source_open(struct nim_request *r, struct source *s, struct err *err)
{
	const char *name = nim_value(r, "source"), *state;

	if (!name) {
		err_set(err, ERR_USAGE, "spot '%s': the attribute source is missing",
			r->name);
		return err_remedy(err, "nim -o %s -a source=LPP_SOURCE %s",
				  r->operation->name, r->name);
	}
	if (store_object_get(r->store, name, "lpp_source", &s->object, err) < 0)
		return err_prefix(err, "attribute source");
	state = object_get(&s->object, "Rstate");
	s->dir = object_get(&s->object, "location");
	if (!state || !streq(state, RSTATE_READY) || !s->dir) {
		err_set(err, ERR_OPERATOR, "lpp_source '%s' is %s", name,
			state ? state : RSTATE_UNAVAILABLE);
		return err_remedy(err, "nim -o check %s", name);
	}
	return lease_take(&s->lease, r->store, r->cli->state_dir, name, r->force, err);
}

static int create(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_(source_done) struct source s = { 0 };

	if (source_open(r, &s, err) < 0 ||
	    spot_create(location, s.dir, &r->events, err) < 0)
		return -1;
	/* As the original has it: a SPOT can be made from an lpp_source with simages. */
	if (store_attr_set(r->store, s.object.name, "simages", "yes", err) < 0)
		return -1;
	return nim_lpp_describe(r->store, s.object.name, s.dir, err);
}

static int update(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_(source_done) struct source s = { 0 };

	if (source_open(r, &s, err) < 0)
		return -1;
	if (spot_update(location, s.dir, &r->events, err) < 0)
		return -1;
	return nim_lpp_describe(r->store, s.object.name, s.dir, err);
}

static int check(struct nim_request *r, const char *location, struct findings *fs,
		 struct err *err)
{
	return spot_check(location, &r->events, fs, err);
}

static int describe(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_free_ char *release = NULL;
	_cleanup_free_ char *level = nim_read_fact(location, nim_spot.marker, "level");
	_cleanup_free_ char *arch = nim_read_fact(location, nim_spot.marker, "arch");

	if (spot_release(location, &release, err) < 0 ||
	    nim_set(r, "release", release, err) < 0 ||
	    nim_set(r, "level", level, err) < 0)
		return -1;
	return nim_set(r, "arch", arch, err);
}

/* The packages of the tree. */
static int show(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (root_open(&root, location, err) < 0 ||
	    root_read(&root, "root/var/lib/dpkg/status", STATUS_MAX, &text, err) < 0 ||
	    dpkg_status_parse(&st, "dpkg/status", str_c(&text), text.len, err) < 0)
		return -1;
	for (size_t i = 0; i < st.n; i++)
		if (dpkg_is_present(&st.v[i]))
			printf("%s %s %s\n", st.v[i].name, st.v[i].version, st.v[i].arch);
	return 0;
}

const struct nim_handler nim_spot = {
	.type = "spot",
	.marker = "spot.json",
	.create = create,
	.check = check,
	.describe = describe,
	.update = update,
	.show = show,
	.scratch = ".tmp",
	.update_is_atomic = true,
};
