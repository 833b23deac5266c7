/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Would the firmware refuse the clone's shim and GRUB, or afterwards the old ones? */
#include "boot/install-sbat.h"

#include <endian.h>

#include "base/parse.h"
#include "base/strv.h"
#include "boot/install-internal.h"

#define EFIVARS	    "/sys/firmware/efi/efivars"
#define SECURE_BOOT EFIVARS "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SBAT_LEVEL  EFIVARS "/SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23"
#define ATTRIBUTES  4u /* the bytes before a variable's value */

/* PE and COFF, by the offsets of Microsoft's specification. */
#define PE_OFFSET	 0x3cu
#define COFF_SIZE	 20u
#define SECTION_SIZE	 40u
#define SECTION_VIRTUAL	 8u /* bytes in memory: without the padding of the file */
#define SECTION_RAW_SIZE 16u
#define SECTION_RAW	 20u

static bool get(const char *image, size_t n, size_t at, unsigned width, uint32_t *ret)
{
	uint32_t value = 0;

	if (n < width || at > n - width)
		return false;
	memcpy(&value, image + at, width);
	*ret = le32toh(value);
	return true;
}

/* Names of more than eight characters would lie elsewhere; ".sbatlevel" is cut off by the tools that link shim. */
static bool is_named(const char *image, size_t n, size_t strings, const char *at,
		     const char *name)
{
	char word[9] = "";
	uint64_t offset;

	memcpy(word, at, 8);
	if (streq(word, name))
		return true;
	if (word[0] != '/' || !parse_digits(word + 1, strlen(word + 1), 10, &offset) ||
	    offset > n || strings > n - offset)
		return false;
	return strnlen(image + strings + offset, n - strings - offset) == strlen(name) &&
	       memcmp(image + strings + offset, name, strlen(name)) == 0;
}

bool sbat_find_section(const void *data, size_t n, const char *name,
		       const char **ret_data, size_t *ret_len)
{
	const char *image = data;
	uint32_t pe, magic, sections, optional, symbols, n_symbols;
	size_t table, strings;

	if (!get(image, n, PE_OFFSET, 4, &pe) || !get(image, n, pe, 4, &magic) ||
	    magic != 0x4550 || !get(image, n, (size_t)pe + 6, 2, &sections) ||
	    !get(image, n, (size_t)pe + 12, 4, &symbols) ||
	    !get(image, n, (size_t)pe + 16, 4, &n_symbols) ||
	    !get(image, n, (size_t)pe + 20, 2, &optional))
		return false;
	table = (size_t)pe + 4 + COFF_SIZE + optional;
	strings = (size_t)symbols + (size_t)n_symbols * 18;
	for (uint32_t i = 0; i < sections; i++) {
		size_t at = table + (size_t)i * SECTION_SIZE;
		uint32_t virtual_size, raw_size, raw;

		if (!get(image, n, at + SECTION_VIRTUAL, 4, &virtual_size) ||
		    !get(image, n, at + SECTION_RAW_SIZE, 4, &raw_size) ||
		    !get(image, n, at + SECTION_RAW, 4, &raw))
			return false;
		if (!is_named(image, n, strings, image + at, name))
			continue;
		raw_size = MIN(raw_size, virtual_size);
		if (raw > n || raw_size > n - raw)
			return false;
		*ret_data = image + raw;
		*ret_len = raw_size;
		return true;
	}
	return false;
}

/* A version (0), two offsets counted from behind it, then the texts: the automatic one is the first of them. */
char *sbat_shim_level(const void *image, size_t n)
{
	const char *section;
	uint32_t version, offset;
	size_t len;

	if (!sbat_find_section(image, n, ".sbatlevel", &section, &len) ||
	    !get(section, len, 0, 4, &version) || version != 0 ||
	    !get(section, len, 4, 4, &offset) || offset > len - 4)
		return xstrdup("");
	return xstrndup(section + 4 + offset, len - 4 - offset);
}

/* "grub,4,..." -> name and generation. */
static bool parse_row(char *line, const char **ret_name, uint32_t *ret)
{
	char *rest = line;
	const char *number;

	*ret_name = strip(strsep(&rest, ","));
	number = rest ? strip(strsep(&rest, ",")) : "";
	return **ret_name && *number && parse_digits32(number, strlen(number), 10, ret);
}

static bool find_generation(const char *csv, const char *name, uint32_t *ret)
{
	_cleanup_free_ char *copy = xstrdup(csv);
	char *cursor = copy, *line;

	while ((line = next_line(&cursor)) != NULL) {
		const char *row;

		if (parse_row(line, &row, ret) && streq(row, name))
			return true;
	}
	return false;
}

char *sbat_below(const char *have, size_t n, const char *levels)
{
	_cleanup_free_ char *copy = xstrndup(have, n);
	char *cursor = copy, *line;

	while ((line = next_line(&cursor)) != NULL) {
		uint32_t generation, wanted;
		const char *name;

		if (parse_row(line, &name, &generation) &&
		    find_generation(levels, name, &wanted) && generation < wanted)
			return xasprintf("%s,%u (%u is wanted)", name, generation,
					 wanted);
	}
	return NULL;
}

static bool read_variable(const struct root *root, const char *path, struct str *out)
{
	return root_read_opt(root, path, 1 << 16, out, NULL) == 0 &&
	       out->len > ATTRIBUTES;
}

static bool is_enforced(const struct root *running)
{
	_cleanup_str_ struct str value = STR_INIT;

	return read_variable(running, SECURE_BOOT, &value) && value.p[ATTRIBUTES] == 1;
}

struct comparison {
	struct findings *fs;
	const char *id, *title, *remedy;
	bool enforced;
	size_t files;
};

/* A program without the section is older than SBAT: generation 0 of everything, which every level refuses. */
static void compare_file(struct comparison *c, const struct root *root, const char *path,
			 const char *levels)
{
	_cleanup_str_ struct str image = STR_INIT;
	_cleanup_free_ char *below = NULL;
	_cleanup_free_ char *evidence = NULL;
	const char *section;
	size_t len;

	if (*levels == '\0' || root_read_opt(root, path, 0, &image, NULL) != 0)
		return;
	c->files++;
	below = sbat_find_section(image.p, image.len, ".sbat", &section, &len)
			? sbat_below(section, len, levels)
			: xstrdup("no SBAT section");
	if (below == NULL)
		return;
	evidence = xasprintf("%s: %s", path, below);
	findings_add(c->fs, c->id, c->enforced ? FINDING_INHIBIT : FINDING_WARN, c->title,
		     evidence, c->remedy);
}

/* Loaders as they lie on a running system's ESP. */
static void compare_esp(struct comparison *c, const struct root *root, const char *levels)
{
	static const char efi[] = "/boot/efi/EFI";
	const struct install_platform *p = install_efi_platform(root);
	_cleanup_strv_ struct strv dirs = STRV_INIT;

	if (p == NULL || root_list(root, efi, &dirs, NULL) < 0)
		return;
	for (size_t i = 0; i < dirs.n; i++) {
		_cleanup_free_ char *shim = xasprintf("%s/%s/%s", efi, dirs.v[i],
						      p->shim);
		_cleanup_free_ char *grub = xasprintf("%s/%s/%s", efi, dirs.v[i],
						      p->grub);

		/* Others' programs are none of ours to judge: a shim tells that GRUB is started by it. */
		if (!root_exists(root, shim))
			continue;
		compare_file(c, root, shim, levels);
		compare_file(c, root, grub, levels);
	}
}

int boot_sbat_check(const struct root *alt, const struct root *running,
		    struct findings *fs, struct err *err)
{
	const struct install_platform *p = install_efi_platform(alt);
	_cleanup_str_ struct str level = STR_INIT;
	_cleanup_str_ struct str shim = STR_INIT;
	_cleanup_free_ char *new_level = NULL;
	const bool enforced = is_enforced(running);
	struct comparison forth = {
		.fs = fs,
		.id = "boot.sbat",
		.title = "The firmware would refuse the clone's boot loader",
		.remedy = "update shim-signed and grub-efi-amd64-signed in the clone",
		.enforced = enforced,
	};
	struct comparison back = {
		.fs = fs,
		.id = "boot.sbat-rollback",
		.title =
			"After the first boot of the clone the firmware would refuse the "
			"running system's boot loader",
		.remedy = "update shim-signed and grub-efi-amd64-signed of the running "
			  "system first, or turn Secure Boot off",
		.enforced = enforced,
	};
	size_t before = fs->n;

	if (p == NULL)
		return 0;
	_cleanup_free_ char *shim_path = xasprintf("/usr/lib/shim/%s.signed", p->shim);
	_cleanup_free_ char *grub_path = xasprintf(GRUB_LIB_DIR "/%s-signed/%s.signed",
						   p->name, p->grub);
	int rc = root_read_opt(alt, shim_path, 0, &shim, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (read_variable(running, SBAT_LEVEL, &level)) {
		compare_file(&forth, alt, shim_path, level.p + ATTRIBUTES);
		compare_file(&forth, alt, grub_path, level.p + ATTRIBUTES);
	}
	new_level = sbat_shim_level(shim.p, shim.len);
	compare_esp(&back, running, new_level);
	/* The clone's own GRUB must be able to follow its shim. */
	compare_file(&forth, alt, grub_path, new_level);
	if (fs->n == before)
		findings_add(fs, "boot.sbat", FINDING_PASS, "Secure Boot levels",
			     enforced ? "the firmware starts both systems' boot loaders"
				      : "Secure Boot is off; both systems' boot loaders "
					"would pass",
			     "");
	return 0;
}
