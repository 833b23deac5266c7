/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests: whatever parses is written so that it reads back the same, and no path leads out. */
#include "fuzz.h"

#include "model/manifest.h"

#define HEAD                                                                             \
	"nimadm-manifest 1 members=00000000000000000002 bytes=00000000000000000005 "     \
	"length=00000000000000001000\n"

const char *const fuzz_seeds[] = {
	HEAD
	"d 0755 0 0 1.000000001 0 - 0123456789abcdef - .\n"
	"f 4755 1 2 -3.500000000 5 "
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 - ia a\\040b\n",
	HEAD
	"l 0777 0 0 0.000000000 0 - - - etc/link /no\\134where\n"
	"h 0644 0 0 0.000000000 0 - - - a b/c\nc 0600 0 0 0.000000000 1:3 - - - dev/x\n",
	NULL,
};

static void check_entry(const struct manifest_entry *e)
{
	_cleanup_str_ struct str a = STR_INIT, b = STR_INIT;
	_cleanup_manifest_entry_ struct manifest_entry again = { 0 };
	struct err err = { 0 };

	PROMISE(manifest_path_is_safe(e->path.p, e->path.len));
	manifest_entry_write(e, &a);
	struct manifest_cursor c = { .p = a.p, .end = a.p + a.len };
	PROMISE(manifest_next(&c, &again, &err) == 0);
	PROMISE(c.p == c.end);
	manifest_entry_write(&again, &b);
	PROMISE(streq(a.p, b.p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_manifest_entry_ struct manifest_entry e = { 0 };
	struct manifest_head head;
	struct manifest_cursor c;
	struct err err = { 0 };
	int rc;

	if (manifest_begin(&c, (const char *)data, size, &head, &err) < 0) {
		PROMISE(starts_with(err.msg, "manifest: "));
		return 0;
	}
	while ((rc = manifest_next(&c, &e, &err)) == 0)
		check_entry(&e);
	PROMISE(rc == 1 || starts_with(err.msg, "manifest: line "));
	return 0;
}
