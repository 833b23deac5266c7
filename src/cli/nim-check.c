/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: check and update. */
#include "cli/nim.h"
#include "sys/files.h"

static int report(struct nim_request *r, const struct findings *fs, struct err *err)
{
	const struct finding *first = NULL;
	size_t bad = findings_count(fs, FINDING_INHIBIT);

	for (size_t i = 0; i < fs->n; i++) {
		events_finding(&r->events, &fs->v[i]);
		if (!first && fs->v[i].severity == FINDING_INHIBIT)
			first = &fs->v[i];
	}
	if (!first)
		return 0;
	err_set(err, ERR_OPERATOR, "%s '%s': %s%s%s", r->type->name, r->name,
		first->title, first->evidence[0] ? ": " : "", first->evidence);
	if (bad > 1)
		err_prefix(err, "%zu problems, the first", bad);
	return err_remedy(err, "%s", first->remedy);
}

int nim_check_location(struct nim_request *r, const char *location, struct err *err)
{
	struct findings fs = FINDINGS_INIT;
	int rc = 0;

	if (!files_exists(location)) {
		err_set(err, ERR_OPERATOR, "%s '%s': there is no %s", r->type->name,
			r->name, location);
		if (!streq0(object_get(&r->object, "location"), location))
			return err_remedy(err,
					  "give the place where it is: -a location=PATH");
		return err_remedy(err,
				  "restore it, or remove the object: nim -o remove %s",
				  r->name);
	}
	rc = r->handler->check(r, location, &fs, err);
	if (rc >= 0)
		rc = report(r, &fs, err);
	findings_done(&fs);
	return rc;
}

/* Failures that say nothing of the resource leave its state alone. */
static bool is_verdict(const struct err *err)
{
	return err->kind != ERR_CANCELLED && err->kind != ERR_TRANSIENT &&
	       err->kind != ERR_LOCKED;
}

/* Writes the state; an error in `err` goes first and stays. */
static int set_state(struct nim_request *r, bool ready, const char *info, struct err *err)
{
	struct err second = { 0 };

	if (nim_set_rstate(r, ready ? RSTATE_READY : RSTATE_UNAVAILABLE, info, &second) ==
	    0)
		return 0;
	if (err->kind == ERR_NONE)
		*err = second;
	return -1;
}

static int get_location(const struct nim_request *r, const char **ret, struct err *err)
{
	*ret = object_get(&r->object, "location");
	if (*ret && r->handler)
		return 0;
	err_set(err, ERR_OPERATOR, "'%s' has no location", r->name);
	return err_remedy(err, "remove it and define it again: nim -o remove %s",
			  r->name);
}

static int check_at(struct nim_request *r, const char *location, struct err *err)
{
	if (nim_check_location(r, location, err) < 0)
		return -1;
	return r->handler->describe ? r->handler->describe(r, location, err) : 0;
}

int nim_check(struct nim_request *r, struct err *err)
{
	const char *info = object_get(&r->object, "info"), *location;

	if (r->type->cls != CLASS_RESOURCES)
		return nim_check_machines(r, err);
	if (get_location(r, &location, err) < 0)
		return -1;
	if (info && streq(info, NIM_INFO_CREATING)) {
		err_set(err, ERR_OPERATOR,
			"'%s' was never completed: its define was "
			"interrupted",
			r->name);
		return err_remedy(err,
				  "give the define again, or remove it: nim -o "
				  "remove %s",
				  r->name);
	}
	if (check_at(r, location, err) < 0) {
		if (is_verdict(err))
			(void)set_state(r, false, err->msg, err);
		return -1;
	}
	if (set_state(r, true, NULL, err) < 0)
		return -1;
	nim_say_ready(r);
	return 0;
}

/* Not ready while it changes: a job must not start on it. */
static int begin_update(struct nim_request *r, struct err *err)
{
	int rc;

	if (store_begin(r->store, err) < 0)
		return -1;
	rc = store_object_idle(r->store, r->name, err);
	if (rc == 0)
		rc = set_state(r, false, "is being updated", err);
	if (rc < 0) {
		store_rollback(r->store);
		return -1;
	}
	return store_commit(r->store, err);
}

int nim_update(struct nim_request *r, struct err *err)
{
	const char *location, *state = object_get(&r->object, "Rstate");
	bool was_ready = state && streq(state, RSTATE_READY);

	if (get_location(r, &location, err) < 0 || begin_update(r, err) < 0)
		return -1;
	if (r->handler->update(r, location, err) < 0) {
		(void)set_state(r, was_ready && r->handler->update_is_atomic, err->msg,
				err);
		return -1;
	}
	if (nim_attrs_store(r, err) < 0 ||
	    (r->handler->describe && r->handler->describe(r, location, err) < 0))
		return -1;
	if (set_state(r, true, NULL, err) < 0)
		return -1;
	nim_say_ready(r);
	return 0;
}
