/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an initramfs is told to resume from, and whether those in /boot still are the ones that were told. */
#include "test.h"

#include "boot/resume.h"

static void put(const struct root *root, const char *path, const char *text)
{
	struct err err = { 0 };

	assert_ok(root_write(root, path, text, strlen(text), 0644, &err), &err);
}

static void open_clone(struct root *root, const char *top)
{
	struct err err = { 0 };

	assert_ok(root_open(root, top, &err), &err);
	assert_ok(root_mkdirs(root, "/etc/nimadm", 0755, &err), &err);
	assert_ok(root_mkdirs(root, "/boot", 0755, &err), &err);
	put(root, "/boot/initrd.img-6.1", "old kernel's");
	put(root, "/boot/initrd.img-6.12", "new kernel's");
}

static void rules(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_str_ struct str out = STR_INIT;

	open_clone(&root, top);
	assert_false(resume_rules(&root, &out));
	assert_string_equal(str_c(&out), "");
	/* A client wrote it: nothing of it may be a command. */
	put(&root, BOOT_RESUME_NOTE,
	    "auto UUID=b-1\n/dev/mapper/my--vg-swap UUID=b-1\n$(reboot) UUID=b-1\nUUID=a UUID=b;reboot\n"
	    "*) UUID=b-1\nalone\n\n");
	assert_true(resume_rules(&root, &out));
	assert_string_equal(str_c(&out), "case \"${RESUME:-auto}\" in\n"
					 "auto) RESUME=UUID=b-1 ;;\n"
					 "/dev/mapper/my--vg-swap) RESUME=UUID=b-1 ;;\n"
					 "esac\n");
}

static void record(void **state)
{
	_cleanup_scratch_ char *top = scratch_new();
	_cleanup_root_ struct root root = ROOT_INIT;
	_cleanup_strv_ struct strv kernels = STRV_INIT;
	struct err err = { 0 };

	open_clone(&root, top);
	strv_add_all(&kernels, "6.1", "6.12", NULL);
	/* Without a note nobody has told anything. */
	assert_ok(resume_record(&root, &kernels, &err), &err);
	assert_false(resume_is_built(&root, &kernels));
	put(&root, BOOT_RESUME_NOTE, "auto none\n");
	assert_ok(resume_record(&root, &kernels, &err), &err);
	assert_true(resume_is_built(&root, &kernels));
	put(&root, "/boot/initrd.img-6.1", "another");
	assert_false(resume_is_built(&root, &kernels));
	put(&root, "/boot/initrd.img-6.1", "old kernel's");
	assert_true(resume_is_built(&root, &kernels));
	/* A kernel that came later. */
	put(&root, "/boot/initrd.img-6.13", "later");
	strv_add(&kernels, "6.13");
	assert_false(resume_is_built(&root, &kernels));
	assert_ok(resume_forget(&root, &err), &err);
	assert_false(root_exists(&root, BOOT_RESUME_NOTE));

	assert_false(resume_is_built(&root, &kernels));
	strv_add(&kernels, "missing");
	put(&root, BOOT_RESUME_NOTE, "auto none\n");
	assert_err(resume_record(&root, &kernels, &err), &err, ERR_OPERATOR,
		   "/boot/initrd.img-missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
