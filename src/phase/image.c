/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state attributes of a mksysb object, from the head of its file. */
#include "phase/image.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "archive/mksysb.h"
#include "model/layout.h"

static int set(struct store *s, const char *object, const char *attr, const char *value,
	       struct err *err)
{
	return store_attr_set(s, object, attr, value && *value ? value : NULL, err);
}

int image_describe(struct store *s, const char *object, const char *path, struct err *err)
{
	_cleanup_mksysb_ struct mksysb *m = NULL;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	struct stat st;
	char size[24];

	if (mksysb_open(&m, path, err) < 0 ||
	    layout_parse(&l, mksysb_image_data(m), strlen(mksysb_image_data(m)), err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_set_errno(err, ERR_OPERATOR, "stat %s", path);
	snprintf(size, sizeof(size), "%" PRIu64, (uint64_t)st.st_size);
	if (set(s, object, "os_level", l.os_level, err) < 0 ||
	    set(s, object, "host", l.host, err) < 0 ||
	    set(s, object, "arch", l.arch, err) < 0 ||
	    set(s, object, "creation_date", l.date, err) < 0)
		return -1;
	return set(s, object, "size", size, err);
}
