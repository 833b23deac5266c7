/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SBAT sections of PE images, levels, and what of a system is below them. */
#include "test.h"

#include "boot/install-sbat.h"
#include "boot/install.h"

#define IMAGE_SIZE 4096u

static void put_le(char *image, size_t at, uint32_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		image[at + i] = (char)(value >> (8 * i));
}

static void put_section(char *image, unsigned i, const char *name, const void *data,
			uint32_t n, uint32_t at)
{
	size_t header = 0x40 + 24 + 16 + (size_t)i * 40;

	memcpy(image + header, name, strlen(name));
	put_le(image, header + 8, n, 4);
	put_le(image, header + 16, 512, 4);
	put_le(image, header + 20, at, 4);
	memcpy(image + at, data, n);
}

/* A PE image with an optional header of 16 bytes and two sections; the second one's name lies in the table of strings. */
static void make_image(char image[IMAGE_SIZE], const char *sbat, const void *level,
		       uint32_t n_level)
{
	memset(image, 0, IMAGE_SIZE);
	put_le(image, 0x3c, 0x40, 4);
	memcpy(image + 0x40, "PE\0\0", 4);
	put_le(image, 0x40 + 6, 2, 2);
	put_le(image, 0x40 + 12, 3000, 4);
	put_le(image, 0x40 + 20, 16, 2);
	memcpy(image + 3000, "\x10\0\0\0.sbatlevel", 15);
	put_section(image, 0, ".sbat", sbat, (uint32_t)strlen(sbat), 1024);
	put_section(image, 1, "/4", level, n_level, 2048);
}

static const char shim_sbat[] =
	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	"shim,4,UEFI shim,shim,1,https://github.com/rhboot/shim\n"
	"shim.debian,1,Debian,shim,15.8,https://tracker.debian.org/pkg/shim\n";
/* version 0; automatic at 8, latest at 43, both counted from behind the version. */
static const char level[] = "\0\0\0\0\x08\0\0\0\x1d\0\0\0sbat,1,2025\nshim,4\ngrub,5\n\0"
			    "sbat,1,2026\nshim,4\ngrub,6\n";

static void finds_sections(void **state)
{
	_cleanup_free_ char *image = xmalloc(IMAGE_SIZE);
	const char *data;
	size_t n;

	make_image(image, shim_sbat, level, sizeof(level));
	assert_true(sbat_find_section(image, IMAGE_SIZE, ".sbat", &data, &n));
	assert_int_equal(n, strlen(shim_sbat));
	assert_memory_equal(data, shim_sbat, n);
	assert_true(sbat_find_section(image, IMAGE_SIZE, ".sbatlevel", &data, &n));
	assert_int_equal(n, sizeof(level));
	assert_false(sbat_find_section(image, IMAGE_SIZE, ".text", &data, &n));
	for (size_t cut = 0; cut < 2048; cut++)
		assert_false(sbat_find_section(image, cut, ".sbatlevel", &data, &n));
	put_le(image, 0x40 + 24 + 16 + 20, 0xfffffff0, 4);
	assert_false(sbat_find_section(image, IMAGE_SIZE, ".sbat", &data, &n));
	image[0x40] = 'Q';
	assert_false(sbat_find_section(image, IMAGE_SIZE, ".sbatlevel", &data, &n));
}

static void reads_the_automatic_level(void **state)
{
	_cleanup_free_ char *image = xmalloc(IMAGE_SIZE);
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *none = NULL;

	make_image(image, shim_sbat, level, sizeof(level));
	text = sbat_shim_level(image, IMAGE_SIZE);
	assert_string_equal(text, "sbat,1,2025\nshim,4\ngrub,5\n");
	make_image(image, shim_sbat, "\0\0\0\0\xff\xff\xff\xff", 8);
	none = sbat_shim_level(image, IMAGE_SIZE);
	assert_string_equal(none, "");
}

static void assert_below(const char *have, const char *levels, const char *want)
{
	_cleanup_free_ char *below = sbat_below(have, strlen(have), levels);

	if (want == NULL)
		assert_null(below);
	else
		assert_string_equal(below, want);
}

static void compares_generations(void **state)
{
	assert_below(shim_sbat, "sbat,1,2025\nshim,4\ngrub,5\n", NULL);
	assert_below(shim_sbat, "sbat,1\nshim,5\n", "shim,4 (5 is wanted)");
	assert_below(shim_sbat, "shim.debian,2\n", "shim.debian,1 (2 is wanted)");
	assert_below("grub,10,x\n", "grub,9\n", NULL);
	assert_below("grub,9,x\r\n", "grub,10\r\n", "grub,9 (10 is wanted)");
	assert_below("grub\n,3\ngrub,x\n", "grub,1\n", NULL);
}

struct systems {
	char *dir;
	struct root alt, running;
};

static void put_image(const char *dir, const char *name, const char *sbat)
{
	_cleanup_free_ char *image = xmalloc(IMAGE_SIZE);
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_fclose_ FILE *f = NULL;

	make_image(image, sbat, level, sizeof(level));
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(image, 1, IMAGE_SIZE, f), IMAGE_SIZE);
}

static void make_dirs(const char *dir, const char *const *names)
{
	struct err err = { 0 };
	_cleanup_root_ struct root root = ROOT_INIT;

	assert_ok(root_open(&root, dir, &err), &err);
	for (; *names; names++)
		assert_ok(root_mkdirs(&root, *names, 0755, &err), &err);
}

#define VARS "running/sys/firmware/efi/efivars/"

static int setup(void **state)
{
	static const char *const dirs[] = { "alt/usr/lib/shim",
					    "alt/usr/lib/grub/x86_64-efi-signed",
					    "alt/usr/lib/grub/x86_64-efi",
					    "running/usr/lib/grub/x86_64-efi",
					    "running/boot/efi/EFI/debian",
					    VARS,
					    NULL };
	struct systems *s = xcalloc(1, sizeof(*s));
	_cleanup_free_ char *alt = NULL;
	_cleanup_free_ char *running = NULL;
	struct err err = { 0 };

	s->dir = scratch_new();
	make_dirs(s->dir, dirs);
	put_file(s->dir, "alt/usr/lib/grub/x86_64-efi/moddep.lst", "");
	put_file(s->dir, "running/usr/lib/grub/x86_64-efi/moddep.lst", "");
	put_image(s->dir, "alt/usr/lib/shim/shimx64.efi.signed", shim_sbat);
	put_image(s->dir, "alt/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
		  "grub,5,x\n");
	put_image(s->dir, "running/boot/efi/EFI/debian/shimx64.efi", shim_sbat);
	put_image(s->dir, "running/boot/efi/EFI/debian/grubx64.efi", "grub,5,x\n");
	put_file(s->dir, VARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		 "\x06\x01\x01\x01\x01");
	alt = xasprintf("%s/alt", s->dir);
	running = xasprintf("%s/running", s->dir);
	s->alt.fd = s->running.fd = -1;
	assert_ok(root_open(&s->alt, alt, &err), &err);
	assert_ok(root_open(&s->running, running, &err), &err);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct systems *s = *state;

	root_done(&s->alt);
	root_done(&s->running);
	scratch_free(s->dir);
	free(s);
	return 0;
}

static void assert_check(const struct systems *s, const char *id,
			 enum finding_severity severity, const char *evidence)
{
	struct findings fs = FINDINGS_INIT;
	struct err err = { 0 };

	assert_ok(boot_sbat_check(&s->alt, &s->running, &fs, &err), &err);
	assert_int_equal(fs.n, 1);
	assert_string_equal(fs.v[0].id, id);
	assert_int_equal(fs.v[0].severity, severity);
	if (!strstr(fs.v[0].evidence, evidence))
		fail_msg("\"%s\" is not in: %s", evidence, fs.v[0].evidence);
	findings_done(&fs);
}

static void passes(void **state)
{
	assert_check(*state, "boot.sbat", FINDING_PASS, "both systems'");
}

static void finds_a_way_back_that_would_be_refused(void **state)
{
	const struct systems *s = *state;

	put_image(s->dir, "running/boot/efi/EFI/debian/grubx64.efi", "grub,4,x\n");
	assert_check(s, "boot.sbat-rollback", FINDING_INHIBIT,
		     "/boot/efi/EFI/debian/grubx64.efi: grub,4 (5 is wanted)");
	put_file(s->dir, VARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		 "\x06\x01\x01\x01\x02");
	assert_check(s, "boot.sbat-rollback", FINDING_WARN, "grub,4");
	put_file(s->dir, "running/boot/efi/EFI/debian/grubx64.efi", "too old for SBAT");
	assert_check(s, "boot.sbat-rollback", FINDING_WARN, "no SBAT section");
}

static void finds_a_clone_that_would_be_refused(void **state)
{
	const struct systems *s = *state;

	put_file(s->dir, VARS "SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23",
		 "\x06\x01\x01\x01sbat,1,2027\nshim,5\ngrub,3\n");
	assert_check(s, "boot.sbat", FINDING_INHIBIT,
		     "/usr/lib/shim/shimx64.efi.signed: shim,4 (5 is wanted)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_sections),
		cmocka_unit_test(reads_the_automatic_level),
		cmocka_unit_test(compares_generations),
		cmocka_unit_test_setup_teardown(passes, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_a_way_back_that_would_be_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(finds_a_clone_that_would_be_refused,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
