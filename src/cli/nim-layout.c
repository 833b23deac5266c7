/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nim: image_data and bosinst_data, the stanza files. */
#include "cli/nim.h"
#include "model/layout.h"

/* The message has the line. */
static int wrong(const char *location, const char *page, struct err *err)
{
	err_prefix(err, "%s", location);
	return err_remedy(err, "mend the file; %s(5) says what it may hold", page);
}

static int check_image_data(struct nim_request *r, const char *location,
			    struct findings *fs, struct err *err)
{
	_cleanup_layout_ struct layout layout = LAYOUT_INIT;
	_cleanup_str_ struct str text = STR_INIT;

	if (nim_read_text(location, &text, err) < 0)
		return -1;
	if (layout_parse(&layout, str_c(&text), text.len, err) < 0)
		return wrong(location, "image.data", err);
	return 0;
}

static int check_bosinst_data(struct nim_request *r, const char *location,
			      struct findings *fs, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (nim_read_text(location, &text, err) < 0)
		return -1;
	if (bosinst_validate(str_c(&text), text.len, err) < 0)
		return wrong(location, "bosinst.data", err);
	return 0;
}

const struct nim_handler nim_image_data = {
	.type = "image_data",
	.create = nim_copy_source,
	.check = check_image_data,
};

const struct nim_handler nim_bosinst_data = {
	.type = "bosinst_data",
	.create = nim_copy_source,
	.check = check_bosinst_data,
};
