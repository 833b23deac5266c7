/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: mksysb objects. The image itself is made by the mksysb command, by a migration, or here from a running machine. */
#include "archive/mksysb.h"
#include "cli/client.h"
#include "cli/nim.h"
#include "model/manifest.h"
#include "phase/client.h"
#include "phase/image.h"
#include "sys/mount.h"

/* What must stay free where the image goes, whatever a client sends. */
#define SPARE (512ull << 20)

static int fetch(struct nim_request *r, struct transport *t, const char *location,
		 struct err *err)
{
	_cleanup_free_ char *dir = xstrdup(location);
	struct client_fetch f = { .path = location, .events = &r->events };
	uint64_t room = 0, total = 0;

	*strrchr(dir, '/') = '\0';
	if (mount_space(*dir ? dir : "/", &room, &total, err) < 0)
		return -1;
	f.limit = room > SPARE ? room - SPARE : 0;
	return client_fetch_image(t, &f, err);
}

/* mk_image=yes: from a snapshot of the machine, whose disks are only read. */
static int make_image(struct nim_request *r, const char *source, const char *location,
		      struct err *err)
{
	_cleanup_client_ struct client c = CLIENT_INIT;
	_cleanup_transport_ struct transport *t = NULL;
	struct err second = { 0 };

	if (client_find(r->store, source, &c, err) < 0)
		return -1;
	const struct transport_target target = client_reach(&c, r->cli->state_dir);
	events_step(&r->events, "Connecting to %s", c.host);
	if (transport_open(&t, &target, err) < 0)
		return -1;
	int rc = fetch(r, t, location, err);
	if (transport_program_remove(t, &second) < 0)
		events_warning(&r->events, "the client program stays on %s: %s", c.name,
			       second.msg);
	return rc;
}

static int create(struct nim_request *r, const char *location, struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;
	const char *source = nim_given(r, "source"), *mk_image = nim_given(r, "mk_image");

	if (mk_image && streq(mk_image, "yes"))
		return make_image(r, source, location, err);
	if (*source != '/' && store_object_get(r->store, source, NULL, &o, err) < 0)
		return err_prefix(err, "attribute source");
	if (!streq0(o.type, "standalone"))
		return nim_copy_source(r, location, err);
	err_set(err, ERR_USAGE,
		"mksysb '%s': '%s' is a machine: is an image to be made of it?", r->name,
		source);
	return err_remedy(err, "add -a mk_image=yes");
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
