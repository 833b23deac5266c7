/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 11: make the client's alternate disk boot and put it to sleep; or write the migrated mksysb and define it. */
#include <errno.h>
#include <time.h>

#include "archive/mksysb.h"
#include "model/object.h"
#include "phase/awake.h"
#include "phase/disk.h"
#include "phase/image.h"
#include "phase/table.h"
#include "sys/files.h"

static int bosinst_text(struct phase_ctx *c, const struct layout *l, struct str *out,
			struct err *err)
{
	if (*c->job->spec.bosinst_data_file) {
		if (files_read(c->job->spec.bosinst_data_file, 1 << 20, out, err) < 0)
			return -1;
		return bosinst_validate(str_c(out), out->len, err);
	}
	bosinst_default(l, out);
	return 0;
}

static int read_excludes(struct phase_ctx *c, struct strv *ret, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (!*c->job->spec.exclude_file)
		return 0;
	if (files_read(c->job->spec.exclude_file, 1 << 20, &text, err) < 0)
		return -1;
	char *cursor = text.p;
	for (char *line; (line = next_line(&cursor)) != NULL;) {
		line = strip(line);
		if (*line && *line != '#')
			strv_add(ret, line);
	}
	return 0;
}

/* The image.data of the new image names the new release and today. */
static int update_layout(struct phase_ctx *c, struct layout *l, struct err *err)
{
	_cleanup_inventory_ struct inventory inv = INVENTORY_INIT;
	_cleanup_site_ struct site site = SITE_INIT;
	time_t now = time(NULL);
	struct tm tm;
	char date[64];

	if (site_open(&site, c, TREE_RESULT, true, err) < 0 ||
	    inventory_read(&inv, &site.root, err) < 0)
		return -1;
	free(l->os_level);
	l->os_level = xasprintf("%s %s %s", inv.distribution ? inv.distribution : "?",
				inv.version_id ? inv.version_id : "?",
				inv.codename ? inv.codename : "?");
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S UTC %Y", gmtime_r(&now, &tm));
	free(l->date);
	l->date = xstrdup(date);
	return 0;
}

static int write_image(struct phase_ctx *c, struct err *err)
{
	_cleanup_site_ struct site site = SITE_INIT;
	_cleanup_layout_ struct layout layout = LAYOUT_INIT;
	_cleanup_str_ struct str image_data = STR_INIT;
	_cleanup_str_ struct str bosinst = STR_INIT;
	_cleanup_strv_ struct strv excludes = STRV_INIT;
	struct progress progress = events_progress(c->events);
	uint64_t bytes = 0, files = 0;

	if (common_layout(c, &layout, err) < 0 || update_layout(c, &layout, err) < 0 ||
	    bosinst_text(c, &layout, &bosinst, err) < 0 ||
	    read_excludes(c, &excludes, err) < 0 ||
	    site_open(&site, c, TREE_RESULT, true, err) < 0)
		return -1;
	layout_write(&layout, &image_data);
	struct mksysb_write w = {
		.root = &site.root,
		.image_data = str_c(&image_data),
		.bosinst_data = str_c(&bosinst),
		.excludes = &excludes,
	};
	events_step(c->events, "Writing the image %s", c->job->spec.output);
	if (mksysb_write(&w, c->job->spec.output, &progress, &bytes, &files, err) < 0)
		return -1;
	return common_fact_set(c, "output",
			       json_pack("{s:s, s:I, s:I, s:s}", "path",
					 c->job->spec.output, "bytes", (json_int_t)bytes,
					 "files", (json_int_t)files, "object",
					 c->job->spec.output_name),
			       err);
}

static int define(struct phase_ctx *c, struct err *err)
{
	const char *name = c->job->spec.output_name;
	_cleanup_free_ char *comments = xasprintf("migrated from %s by job %lld",
						  c->job->spec.subject,
						  (long long)c->job->id);

	if (!*name)
		return 0;
	events_step(c->events, "Defining the mksysb resource %s", name);
	if (store_begin(c->store, err) < 0)
		return -1;
	/* a crash after the commit below leaves the object: defining it again is setting it again */
	if ((!store_object_exists(c->store, name) &&
	     store_object_define(c->store, name, "mksysb", err) < 0) ||
	    store_attr_set(c->store, name, "server", "master", err) < 0 ||
	    store_attr_set(c->store, name, "location", c->job->spec.output, err) < 0 ||
	    store_attr_set(c->store, name, "comments", comments, err) < 0 ||
	    image_describe(c->store, name, c->job->spec.output, err) < 0 ||
	    store_state_set(c->store, name, "Rstate", RSTATE_READY, err) < 0) {
		store_rollback(c->store);
		return -1;
	}
	return store_commit(c->store, err);
}

static int finish_disk(struct phase_ctx *c, struct err *err)
{
	if (common_fact_set(c, "finished", json_false(), err) < 0 ||
	    (awake_is_in(c->job) ? awake_sleep(c, err) : disk_finish(c, err)) < 0)
		return -1;
	return common_fact_set(c, "finished", json_true(), err);
}

static int finish_run(struct phase_ctx *c, struct err *err)
{
	if (disk_is_in(c->job))
		return finish_disk(c, err);
	if (write_image(c, err) < 0)
		return -1;
	return define(c, err);
}

static int finish_verify(struct phase_ctx *c, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;
	_cleanup_object_ struct object o = OBJECT_INIT;
	struct progress progress = events_progress(c->events);

	/* the client program has read boot chain and boot list back */
	if (disk_is_in(c->job))
		return json_is_true(common_fact(c, "finished"))
			       ? 0
			       : err_set(err, ERR_OPERATOR,
					 "the alternate disk is not finished yet");
	if (!common_fact(c, "output"))
		return err_set(err, ERR_OPERATOR, "the image is not written yet");
	events_step(c->events, "Reading the image back");
	if (mksysb_open(&m, c->job->spec.output, err) < 0 ||
	    mksysb_verify(m, NULL, NULL, NULL, 0, &progress, err) < 0)
		return -1;
	if (*c->job->spec.output_name &&
	    store_object_get(c->store, c->job->spec.output_name, "mksysb", &o, err) < 0)
		return -1;
	return 0;
}

static int finish_undo(struct phase_ctx *c, struct err *err)
{
	const char *name = c->job->spec.output_name;

	if (disk_is_in(c->job))
		return 0; /* the clone goes with phase 1 */
	if (*name && store_object_exists(c->store, name) &&
	    store_object_remove(c->store, name, err) < 0)
		return -1;
	/* only what this job wrote: without the fact the file is somebody else's */
	if (common_fact(c, "output") && unlink(c->job->spec.output) < 0 &&
	    errno != ENOENT)
		return err_set_errno(err, ERR_OPERATOR, "remove %s", c->job->spec.output);
	return 0;
}

const struct phase phase_finish = {
	.number = 11,
	.name = "finish",
	.title = "Finish the alternate disk or the image",
	.weight = 12,
	.flags = PHASE_RETRY,
	.modes = "ABCDEW",
	.run = finish_run,
	.verify = finish_verify,
	.undo = finish_undo,
};
