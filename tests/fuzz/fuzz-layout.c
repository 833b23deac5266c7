/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image.data and bosinst.data: refusals name a line, and a layout that was read is written so that it reads again. */
#include "fuzz.h"

#include "model/dpkg.h"
#include "model/layout.h"

const char *const fuzz_seeds[] = {
	"image_data:\n    IMAGE_TYPE= tar\n    DATE_TIME= Mon Nov 23\n    OSLEVEL= debian 12\n",
	"fs_data:\n    FS_NAME= /\n    FS_SIZE= 4096\n",
	"control_flow:\n    CONSOLE = Default\n    PROMPT = no\n",
	"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n"
	"Package: b\nStatus: hold ok config-files\n",
	NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_layout_ struct layout l = LAYOUT_INIT, again = LAYOUT_INIT;
	_cleanup_dpkg_status_ struct dpkg_status st = DPKG_STATUS_INIT;
	_cleanup_str_ struct str text = STR_INIT;
	const char *bytes = size > 0 ? (const char *)data : "";
	struct err err = { 0 };

	if (layout_parse(&l, bytes, size, &err) == 0) {
		PROMISE(err.kind == ERR_NONE);
		layout_write(&l, &text);
		PROMISE(layout_parse(&again, str_c(&text), text.len, &err) == 0);
	} else {
		PROMISE(err.kind == ERR_OPERATOR);
	}
	err_clear(&err);
	PROMISE((bosinst_validate(bytes, size, &err) < 0) == (err.kind != ERR_NONE));
	err_clear(&err);
	PROMISE((dpkg_status_parse(&st, "status", bytes, size, &err) < 0) ==
		(err.kind != ERR_NONE));
	return 0;
}
