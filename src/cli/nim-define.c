/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nim -o define: an object is first written as unavailable, then what it stands for is made, then it becomes ready.
 *
 * On failure nothing stays behind. A process that dies in between leaves an unavailable object whose `info` tells that
 * it was being made; the same define given again starts over.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "cli/nim.h"
#include "sys/clock.h"
#include "sys/files.h"

char *nim_default_location(const struct nim_request *r)
{
	return xasprintf("%s/%s/%s", r->cli->state_dir, r->type->name, r->name);
}

enum place { PLACE_EMPTY, PLACE_OURS, PLACE_FOREIGN };

/* What is at the location: nothing (or an empty directory), one of our resources, something else. */
static enum place look(const struct nim_handler *h, const char *location)
{
	_cleanup_free_ char *marker = NULL;
	struct dirent *e;
	DIR *dir;
	bool empty = true;

	if (!h->marker)
		return files_exists(location) ? PLACE_OURS : PLACE_EMPTY;
	marker = xasprintf("%s/%s", location, h->marker);
	if (files_exists(marker))
		return PLACE_OURS;
	dir = opendir(location);
	if (!dir)
		return files_exists(location) ? PLACE_FOREIGN : PLACE_EMPTY;
	while (empty && (e = readdir(dir)))
		empty = streq(e->d_name, ".") || streq(e->d_name, "..") ||
			streq(e->d_name, "lost+found");
	closedir(dir);
	return empty ? PLACE_EMPTY : PLACE_FOREIGN;
}

/* --- the location --- */

/* Another object at the same place would be removed, updated and locked with this one. */
static int refuse_shared(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (store_object_list(r->store, r->type->name, NULL, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_object_ struct object o = OBJECT_INIT;
		const char *other;

		if (streq(names.v[i], r->name))
			continue;
		if (store_object_get(r->store, names.v[i], NULL, &o, err) < 0)
			return -1;
		other = object_get(&o, "location");
		if (other && streq(other, location)) {
			err_set(err, ERR_OPERATOR, "%s '%s': %s is the location of '%s'",
				r->type->name, r->name, location, names.v[i]);
			return err_remedy(err, "use '%s', or give another location",
					  names.v[i]);
		}
	}
	return 0;
}

/* The source that is copied, where the type has such an attribute. */
static const char *copy_source(const struct nim_request *r)
{
	const struct attr_def *def = attr_find(r->type->name, "source");

	return def && (def->flags & ATTR_ACTION) ? nim_given(r, "source") : NULL;
}

static int refuse_place(const struct nim_request *r, const char *location,
			enum place place, struct err *err)
{
	if (place == PLACE_FOREIGN) {
		err_set(err, ERR_OPERATOR, "%s '%s': %s is not empty, and it is no %s",
			r->type->name, r->name, location, r->type->name);
		return err_remedy(err, "give an empty or new directory: -a location=DIR");
	}
	if (place == PLACE_OURS && copy_source(r)) {
		err_set(err, ERR_OPERATOR, "%s '%s': %s exists already", r->type->name,
			r->name, location);
		return err_remedy(err,
				  "leave source out to define what is there, or give "
				  "another location");
	}
	if (place == PLACE_EMPTY && !r->handler->marker && !copy_source(r)) {
		if (!nim_given(r, "location")) {
			err_set(err, ERR_USAGE,
				"%s '%s': the attribute location is missing",
				r->type->name, r->name);
			return err_remedy(err, "for example: nim -o define -t %s %s",
					  r->type->name, r->type->example);
		}
		err_set(err, ERR_OPERATOR, "%s '%s': there is no file %s", r->type->name,
			r->name, location);
		return err_remedy(err, "make the file first, or give its name: -a "
				       "location=FILE");
	}
	return 0;
}

/* --- undoing --- */

int nim_discard(const struct nim_handler *h, const char *location, struct err *err)
{
	_cleanup_free_ char *scratch = h->scratch
					       ? xasprintf("%s%s", location, h->scratch)
					       : NULL;

	if (scratch && files_rmtree(scratch, NULL, err) < 0)
		return -1;
	if (h->marker)
		return files_rmtree(location, NULL, err);
	if (unlink(location) < 0 && errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "remove %s", location);
	return 0;
}

/* A define that died: its remains go, so that this one starts with nothing. */
static int take_over_remains(struct nim_request *r, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;
	const char *info, *location;

	if (!store_object_exists(r->store, r->name))
		return 0;
	if (store_object_get(r->store, r->name, NULL, &o, err) < 0)
		return -1;
	info = object_get(&o, "info");
	location = object_get(&o, "location");
	if (!info || !streq(o.type, r->type->name) ||
	    (!streq(info, NIM_INFO_CREATING) && !streq(info, NIM_INFO_ADOPTING)))
		return 0; /* a real one: store_object_define refuses */
	events_step(&r->events, "Removing what an interrupted define of '%s' left",
		    r->name);
	if (location && streq(info, NIM_INFO_CREATING) &&
	    nim_discard(r->handler, location, err) < 0)
		return -1;
	return store_object_remove(r->store, r->name, err);
}

/* After a failure; the first error is the one to tell. */
static void take_back(struct nim_request *r, const char *location, bool made)
{
	struct err err = { 0 };

	if (made && nim_discard(r->handler, location, &err) < 0)
		events_warning(&r->events, "%s stays behind: %s", location, err.msg);
	err_clear(&err);
	if (store_object_remove(r->store, r->name, &err) < 0)
		events_warning(&r->events, "'%s' stays behind: %s", r->name, err.msg);
}

/* --- making --- */

static int reserve(struct nim_request *r, const char *location, bool make,
		   struct err *err)
{
	if (store_object_define(r->store, r->name, r->type->name, err) < 0 ||
	    nim_attrs_store(r, err) < 0 || nim_set(r, "location", location, err) < 0 ||
	    nim_set(r, "Rstate", RSTATE_UNAVAILABLE, err) < 0)
		return -1;
	return nim_set(r, "info", make ? NIM_INFO_CREATING : NIM_INFO_ADOPTING, err);
}

static int finish(struct nim_request *r, const char *location, bool make, struct err *err)
{
	if (r->handler->describe && r->handler->describe(r, location, err) < 0)
		return -1;
	if (!make && r->handler->apply && r->handler->apply(r, location, err) < 0)
		return -1;
	return nim_set_rstate(r, RSTATE_READY, NULL, err);
}

static int make_at(struct nim_request *r, const char *location, bool make,
		   struct err *err)
{
	_cleanup_free_ char *parent = xstrdup(location);

	*strrchr(parent, '/') = '\0';
	if (make && *parent && files_mkdirs(parent, 0755, err) < 0)
		return -1;
	if (make && r->handler->create(r, location, err) < 0)
		return -1;
	/* What was just made is checked as it is made; a directory of packages is not read twice. */
	if ((!make || !r->handler->marker) && nim_check_location(r, location, err) < 0)
		return -1;
	return lease_check(r->lease, err);
}

static int define_resource(struct nim_request *r, struct err *err)
{
	_cleanup_free_ char *location = nim_given(r, "location")
						? files_absolute(nim_given(r, "location"))
						: nim_default_location(r);
	enum place place;
	bool make;
	int rc;

	if (take_over_remains(r, err) < 0 || refuse_shared(r, location, err) < 0)
		return -1;
	place = look(r->handler, location);
	if (!store_object_exists(r->store, r->name) &&
	    refuse_place(r, location, place, err) < 0)
		return -1;
	make = place == PLACE_EMPTY;
	if (store_begin(r->store, err) < 0)
		return -1;
	rc = reserve(r, location, make, err);
	if (rc < 0)
		store_rollback(r->store);
	else
		rc = store_commit(r->store, err);
	if (rc < 0)
		return -1;
	if (nim_open_log(r, err) < 0 || make_at(r, location, make, err) < 0 ||
	    finish(r, location, make, err) < 0) {
		take_back(r, location, make);
		return -1;
	}
	nim_say_ready(r);
	return 0;
}

/* Machines and groups stand for nothing on the master. */
static int define_plain(struct nim_request *r, struct err *err)
{
	if (store_object_define(r->store, r->name, r->type->name, err) < 0 ||
	    nim_attrs_store(r, err) < 0)
		return -1;
	if (r->type->cls == CLASS_MACHINES)
		return nim_set(r, "Cstate", CSTATE_READY, err) < 0 ||
				       nim_set(r, "prev_state", CSTATE_READY, err) < 0
			       ? -1
			       : 0;
	return nim_group_apply(r, err);
}

int nim_define(struct nim_request *r, struct err *err)
{
	int rc;

	if (r->type->cls == CLASS_RESOURCES && !r->handler)
		return err_set(err, ERR_OPERATOR,
			       "this version cannot define objects of type %s",
			       r->type->name);
	if (r->handler)
		return define_resource(r, err);
	if (store_begin(r->store, err) < 0)
		return -1;
	rc = define_plain(r, err);
	if (rc < 0) {
		store_rollback(r->store);
		return rc;
	}
	return store_commit(r->store, err);
}
