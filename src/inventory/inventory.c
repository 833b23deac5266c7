/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a system's facts from its files. */
#include "inventory/inventory.h"

/* A large server's status file has some 5 MB; anything near this limit is no status file. */
#define STATUS_MAX (256u << 20)

static char *unquote(char *value)
{
	size_t n = strlen(value);

	if (n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0]) {
		value[n - 1] = '\0';
		return value + 1;
	}
	return value;
}

static void os_release_field(struct inventory *inv, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **slot;
	} fields[] = {
		{ "ID", &inv->distribution },
		{ "VERSION_ID", &inv->version_id },
		{ "VERSION_CODENAME", &inv->codename },
		{ "PRETTY_NAME", &inv->pretty },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!streq(key, fields[i].key))
			continue;
		free(*fields[i].slot);
		*fields[i].slot = xstrdup(value);
	}
}

static int read_os_release(struct inventory *inv, const struct root *root,
			   struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	int r = root_read_opt(root, "etc/os-release", 0, &text, err);

	if (r > 0) /* the symbolic link's target may be there alone */
		r = root_read_opt(root, "usr/lib/os-release", 0, &text, err);
	if (r < 0)
		return -1;
	if (r > 0) {
		err_set(err, ERR_UNFIT, "%s has no /etc/os-release: not a system's root",
			root->path);
		return err_remedy(
			err, "make the image of a whole root: mksysb --root DIR -o FILE");
	}
	char *cursor = text.p;
	for (char *line; (line = next_line(&cursor)) != NULL;) {
		line = strip(line);
		char *eq = strchr(line, '=');
		if (!eq || *line == '#')
			continue;
		*eq = '\0';
		os_release_field(inv, line, unquote(eq + 1));
	}
	if (inv->codename)
		inv->release = release_find(inv->codename);
	if (!inv->release && inv->version_id && inv->distribution &&
	    streq(inv->distribution, "debian"))
		inv->release = release_find(inv->version_id);
	if (inv->release && !streq0(inv->release->distribution, inv->distribution))
		inv->release = NULL;
	return 0;
}

static int read_status(struct inventory *inv, const struct root *root, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	int r = root_read_opt(root, "var/lib/dpkg/status", STATUS_MAX, &text, err);

	if (r < 0)
		return -1;
	if (r > 0) {
		err_set(err, ERR_UNFIT,
			"%s has no /var/lib/dpkg/status: not a Debian system",
			root->path);
		return err_remedy(err, "only systems with dpkg can be migrated");
	}
	return dpkg_status_parse(&inv->packages, "var/lib/dpkg/status", str_c(&text),
				 text.len, err);
}

/* The package manager's own architecture is that of the dpkg package. */
static void find_arch(struct inventory *inv)
{
	const struct dpkg_package *dpkg = dpkg_status_find(&inv->packages, "dpkg", NULL);

	inv->arch = xstrdup(dpkg ? dpkg->arch : "");
}

static int read_kernels(struct inventory *inv, const struct root *root, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;

	if (root_list(root, "boot", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		/* an image's small files have the configuration only */
		const char *prefixes[] = { "vmlinuz-", "config-" };
		for (size_t k = 0; k < ARRAY_SIZE(prefixes); k++) {
			const char *version = names.v[i] + strlen(prefixes[k]);
			if (starts_with(names.v[i], prefixes[k]) &&
			    !strv_has(&inv->kernels, version))
				strv_add(&inv->kernels, version);
		}
	}
	strv_sort(&inv->kernels);
	return 0;
}

static int read_words(const struct root *root, const char *path, struct strv *ret,
		      struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;

	if (root_read_opt(root, path, 0, &text, err) < 0)
		return -1;
	strv_split(ret, str_c(&text), " \t\n");
	return 0;
}

static bool is_merged(const struct root *root)
{
	struct stat st;

	return root_lstat(root, "bin", &st) == 0 && S_ISLNK(st.st_mode);
}

int inventory_read(struct inventory *inv, const struct root *root, struct err *err)
{
	ERR_CONTEXT(err, "reading the system's inventory");
	_cleanup_strv_ struct strv archs = STRV_INIT;
	_cleanup_strv_ struct strv host = STRV_INIT;

	if (read_os_release(inv, root, err) < 0 || read_status(inv, root, err) < 0 ||
	    read_kernels(inv, root, err) < 0 ||
	    read_words(root, "var/lib/dpkg/arch", &archs, err) < 0 ||
	    read_words(root, "etc/hostname", &host, err) < 0)
		return -1;
	find_arch(inv);
	for (size_t i = 0; i < archs.n; i++) {
		if (!streq(archs.v[i], inv->arch))
			strv_add(&inv->foreign_archs, archs.v[i]);
	}
	inv->hostname = xstrdup(host.n ? host.v[0] : "");
	inv->merged_usr = is_merged(root);
	return 0;
}

void inventory_done(struct inventory *inv)
{
	dpkg_status_done(&inv->packages);
	free(inv->distribution);
	free(inv->version_id);
	free(inv->codename);
	free(inv->pretty);
	free(inv->arch);
	free(inv->hostname);
	strv_done(&inv->foreign_archs);
	strv_done(&inv->kernels);
	*inv = (struct inventory)INVENTORY_INIT;
}

bool inventory_is_installed(const struct dpkg_package *p)
{
	return streq(p->state, "installed");
}

const struct dpkg_package *inventory_installed(const struct inventory *inv,
					       const char *name)
{
	const struct dpkg_package *p = dpkg_status_find(&inv->packages, name, NULL);

	return p && inventory_is_installed(p) ? p : NULL;
}
