/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout out of a test's arguments. */
#include "layout-args.h"

#include "base/str.h"

/* The fields of "a:b:c"; missing ones are "". A field may hold colons where it is the last. */
static void split(char *text, char **const *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *field = text && i + 1 < n ? strsep(&text, ":") : text;

		*fields[i] = xstrdup(field ? field : "");
	}
}

#define ADD(l, list)                                                                     \
	((l)->list = xrealloc((l)->list, ((l)->n_##list + 1) * sizeof(*(l)->list)),      \
	 (l)->list[(l)->n_##list] = (typeof(*(l)->list)){ 0 },                           \
	 &(l)->list[(l)->n_##list++])

int layout_arg_add(struct layout *l, char *text)
{
	char *what = strsep(&text, "=");

	if (streq(what, "disk")) {
		struct layout_disk *d = ADD(l, disks);
		char **const fields[] = { &d->name, &d->label };

		split(text, fields, ARRAY_SIZE(fields));
	} else if (streq(what, "lv")) {
		struct layout_lv *v = ADD(l, lvs);
		char **const fields[] = { &v->vg, &v->name, &v->type, &v->disks,
					  &v->mount_point };

		split(text, fields, ARRAY_SIZE(fields));
	} else if (streq(what, "fs")) {
		struct layout_fs *f = ADD(l, fs);
		char **const fields[] = { &f->mount_point, &f->device, &f->type, &f->uuid,
					  &f->options };

		split(text, fields, ARRAY_SIZE(fields));
	} else {
		return -1;
	}
	return 0;
}
