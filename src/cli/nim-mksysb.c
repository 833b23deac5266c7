/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: mksysb objects. The image itself is made by the mksysb command, or by a migration. */
#include "archive/mksysb.h"
#include "cli/nim.h"
#include "model/manifest.h"
#include "phase/image.h"

static int create(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;
	const char *source = nim_given(r, "source"), *mk_image = nim_given(r, "mk_image");
	bool make = mk_image && streq(mk_image, "yes");

	if (*source != '/' && store_object_get(r->store, source, NULL, &o, err) < 0)
		return err_prefix(err, "attribute source");
	if (!make && !streq0(o.type, "standalone"))
		return nim_copy_source(r, location, err);
	err_set(err, ERR_OPERATOR,
		"mksysb '%s': this version cannot make an image of a machine over the "
		"network ('%s')",
		r->name, source);
	return err_remedy(
		err,
		"on the machine: mksysb -o FILE; copy it here; then nim -o define "
		"-t mksysb -a location=FILE %s",
		r->name);
}

/* A define looks at the head only; a check reads everything. */
static int check(struct nim_request *r, const char *location, struct findings *fs,
		 struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;
	struct progress p = events_progress(&r->events);

	if (mksysb_open(&m, location, err) < 0)
		return -1;
	if (!streq(r->operation->name, "check"))
		return 0;
	events_step(&r->events, "Verifying %s", location);
	return mksysb_verify(m, NULL, NULL, NULL, 0, &p, err);
}

static int describe(struct nim_request *r, const char *location, struct err *err)
{
	return image_describe(r->store, r->name, location, err);
}

/* One member a line, as ls -l would show it; names are escaped as in the manifest. */
static void print_member(void *arg, const struct manifest_entry *e)
{
	_cleanup_str_ struct str path = STR_INIT;

	manifest_escape(str_c(&e->path), &path);
	if (e->target.len > 0) {
		str_add(&path, e->type == 'h' ? " link to " : " -> ");
		manifest_escape(str_c(&e->target), &path);
	}
	printf("%c %04o %5u %5u %12llu %s\n", e->type, e->mode, e->uid, e->gid,
	       (unsigned long long)e->size, str_c(&path));
}

static int show(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;

	if (mksysb_open(&m, location, err) < 0)
		return -1;
	return mksysb_each(m, print_member, NULL, err);
}

const struct nim_handler nim_mksysb = {
	.type = "mksysb",
	.create = create,
	.check = check,
	.describe = describe,
	.show = show,
	.keep_files = true,
};
