/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations change, remove and reset of nim. */
#include "cli/nim.h"
#include "sys/files.h"

/* Ends the transaction that the caller has begun. */
static int end(struct nim_request *r, int rc, struct err *err)
{
	if (rc < 0) {
		store_rollback(r->store);
		return rc;
	}
	return store_commit(r->store, err);
}

/* --- change --- */

static int change_attrs(struct nim_request *r, struct err *err)
{
	bool in_use = r->handler && r->handler->change_in_use;

	if ((!in_use && store_object_idle(r->store, r->name, err) < 0) ||
	    nim_attrs_store(r, err) < 0)
		return -1;
	return r->type->cls == CLASS_GROUPS ? nim_group_apply(r, err) : 0;
}

/* What the resource itself keeps goes there first: it may refuse. */
static int apply_attrs(struct nim_request *r, const char *location, struct err *err)
{
	if (!r->handler || !r->handler->apply)
		return 0;
	if (store_object_idle(r->store, r->name, err) < 0)
		return -1;
	return r->handler->apply(
		r, location ? location : object_get(&r->object, "location"), err);
}

int nim_change(struct nim_request *r, struct err *err)
{
	const char *location = nim_given(r, "location");

	if (r->n_attrs == 0) {
		err_set(err, ERR_USAGE, "change what of '%s'? no attribute is given",
			r->name);
		return err_remedy(err, "lsnim -q change -t %s lists the attributes",
				  r->type->name);
	}
	if (location && *location == '\0')
		return err_set(err, ERR_USAGE, "attribute location: the value is empty");
	/* The new place must hold the resource already: it was moved there. */
	if (location && (store_object_idle(r->store, r->name, err) < 0 ||
			 nim_check_location(r, location, err) < 0))
		return -1;
	if (apply_attrs(r, location, err) < 0 || store_begin(r->store, err) < 0 ||
	    end(r, change_attrs(r, err), err) < 0)
		return -1;
	if (location && r->handler->describe &&
	    r->handler->describe(r, location, err) < 0)
		return -1;
	if (!location)
		location = object_get(&r->object, "location");
	return r->handler && r->handler->changed && location
		       ? r->handler->changed(r, location, err)
		       : 0;
}

/* --- remove --- */

static bool wants_files_removed(const struct nim_request *r, const char *location)
{
	_cleanup_free_ char *own = nim_default_location(r);
	const char *rm_image = nim_given(r, "rm_image");

	if (r->handler->keep_files)
		return rm_image && streq(rm_image, "yes");
	return streq(own, location);
}

static int remove_files(struct nim_request *r, const char *location, struct err *err)
{
	if (!wants_files_removed(r, location)) {
		if (files_exists(location))
			events_step(&r->events, "%s stays where it is", location);
		return 0;
	}
	events_step(&r->events, "Removing %s", location);
	return nim_discard(r->handler, location, err);
}

/* From here on no job may take it, and what remains after a crash says what it is. */
static int retire(struct nim_request *r, struct err *err)
{
	if (store_object_idle(r->store, r->name, err) < 0)
		return -1;
	if (r->type->cls != CLASS_RESOURCES)
		return 0;
	return nim_set_rstate(r, RSTATE_UNAVAILABLE, "is being removed", err);
}

static int forget(struct nim_request *r, struct err *err)
{
	if (r->type->cls == CLASS_MACHINES && nim_group_forget(r, err) < 0)
		return -1;
	return store_object_remove(r->store, r->name, err);
}

int nim_remove(struct nim_request *r, struct err *err)
{
	const char *location = object_get(&r->object, "location");

	if (store_begin(r->store, err) < 0 || end(r, retire(r, err), err) < 0)
		return -1;
	if (r->handler && location && remove_files(r, location, err) < 0)
		return -1;
	if (store_begin(r->store, err) < 0)
		return -1;
	return end(r, forget(r, err), err);
}

/* --- reset --- */

/* Gives back what jobs without a living process hold; a living one refuses the reset. */
static int free_allocations(struct nim_request *r, const struct alloc_row *rows, size_t n,
			    struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct lease_row l = { 0 };
		int rc = store_lease_get(r->store, rows[i].subject, &l, err);
		bool alive = rc == 0 && l.alive && !l.own;

		lease_row_done(&l);
		if (rc < 0)
			return -1;
		if (alive) {
			err_set(err, ERR_LOCKED,
				"'%s' is in use by job %lld (%s), which runs", r->name,
				(long long)rows[i].job, rows[i].subject);
			return err_remedy(err,
					  "wait for it, or look what it does: nimadm "
					  "--status");
		}
		if (store_deallocate(r->store, rows[i].job, r->name, err) < 0)
			return -1;
		events_step(&r->events, "Freed from job %lld (%s), which does not run",
			    (long long)rows[i].job, rows[i].subject);
	}
	return 0;
}

static int reset_resource(struct nim_request *r, struct err *err)
{
	const char *location = object_get(&r->object, "location");
	struct alloc_row *rows = NULL;
	size_t n = 0;
	int rc = store_alloc_list(r->store, r->name, &rows, &n, err);

	if (rc == 0)
		rc = free_allocations(r, rows, n, err);
	alloc_rows_free(rows, n);
	if (rc < 0)
		return -1;
	if (!location || !files_exists(location)) {
		err_set(err, ERR_OPERATOR, "'%s' cannot be made ready: there is no %s",
			r->name, location ? location : "location");
		return err_remedy(err, "remove it and define it again: nim -o remove %s",
				  r->name);
	}
	return nim_set_rstate(r, RSTATE_READY, NULL, err);
}

int nim_reset(struct nim_request *r, struct err *err)
{
	const char *info = object_get(&r->object, "info");
	int rc;

	/* Half-made is not ready, whatever the administrator wants. */
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
	if (store_begin(r->store, err) < 0)
		return -1;
	if (r->type->cls == CLASS_RESOURCES)
		rc = reset_resource(r, err);
	else
		rc = store_state_set(r->store, r->name, "Cstate", CSTATE_READY, err);
	return end(r, rc, err);
}
