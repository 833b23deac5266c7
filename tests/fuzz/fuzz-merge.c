/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge tool's output and a client's fstab: no marker is ever installed, no field lies outside its line. */
#include "fuzz.h"

#include "merge/devices.h"
#include "merge/refine.h"

const char *const fuzz_seeds[] = {
	"a\n<<<<<<< m\nb = 2\n||||||| o\nb = 1\n=======\n# c\nb = 1\n>>>>>>> t\nd\n",
	"<<<<<<< m\na\nb\n||||||| o\nA\nb\n=======\na\nB\n>>>>>>> t\n",
	"UUID=1 / ext4 defaults,nofail 0 1\n# c\n/dev/sda\\0401 /a\\134b xfs\nx\n",
	NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_str_ struct str in = STR_INIT, out = STR_INIT;
	str_addn(&in, data, size);
	if (refine_conflicts(&in, &out)) {
		PROMISE(out.len <= in.len);
		PROMISE(!starts_with(str_c(&out), "<<<<<<< "));
		PROMISE(!strstr(str_c(&out), "\n<<<<<<< "));
	} else {
		PROMISE(out.len == 0);
	}
	_cleanup_fstab_ struct fstab t = FSTAB_INIT;
	fstab_parse(&t, str_c(&in));
	for (size_t i = 0; i < t.n; i++) {
		PROMISE(t.v[i].spec && t.v[i].file && t.v[i].type && t.v[i].options);
		PROMISE(t.v[i].line > 0);
		if (fstab_has_option(&t.v[i], "nofail"))
			PROMISE(strstr(t.v[i].options, "nofail") != NULL);
		if (device_is_kernel_name(t.v[i].spec))
			PROMISE(starts_with(t.v[i].spec, "/dev/"));
	}
	return 0;
}
