/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bosinst.data: how an image is to be installed. Checked against one table; what it means is up to the installer. */
#include "model/layout.h"

#include <strings.h>

#include "base/strv.h"

#define LABEL "bosinst.data"

struct key {
	const char *name;
	const char *values; /* blank-separated, case ignored; NULL: any text */
};

static const char yes_no[] = "yes no";

static const struct key control_keys[] = {
	{ "CONSOLE", NULL },
	{ "INSTALL_METHOD", "migrate preserve erase_only overwrite" },
	{ "INSTALL_EDITION", NULL },
	{ "PROMPT", yes_no },
	{ "EXISTING_SYSTEM_OVERWRITE", "yes no any" },
	{ "INSTALL_X_IF_ADAPTER", NULL },
	{ "RUN_STARTUP", yes_no },
	{ "RM_INST_ROOTS", yes_no },
	{ "ERROR_EXIT", NULL },
	{ "CUSTOMIZATION_FILE", NULL },
	{ "INSTALL_TYPE", NULL },
	{ "BUNDLES", NULL },
	{ "RECOVER_DEVICES", "yes no default" },
	{ "BOSINST_DEBUG", yes_no },
	{ "ACCEPT_LICENSES", yes_no },
	{ "DESKTOP", NULL },
	{ "INSTALL_DEVICES_AND_UPDATES", yes_no },
	{ "IMPORT_USER_VGS", yes_no },
	{ "ALL_DEVICES_KERNELS", yes_no },
	{ "GRAPHICS_BUNDLE", yes_no },
	{ "SYSTEM_MGMT_CLIENT_BUNDLE", yes_no },
	{ "OPENSSH_CLIENT_BUNDLE", yes_no },
	{ "OPENSSH_SERVER_BUNDLE", yes_no },
	{ "MOZILLA_BUNDLE", yes_no },
	{ "KERBEROS_5_BUNDLE", yes_no },
	{ "SERVER_BUNDLE", yes_no },
	{ "ALT_DISK_INSTALL_BUNDLE", yes_no },
	{ "REMOVE_JAVA_5", yes_no },
	{ "HARDWARE_DUMP", yes_no },
	{ "ADD_CDE", yes_no },
	{ "ADD_GNOME", yes_no },
	{ "ADD_KDE", yes_no },
	{ "ERASE_ITERATIONS", NULL },
	{ "ERASE_PATTERNS", NULL },
	{ "MKSYSB_MIGRATION_DEVICE", NULL },
	{ "TCB", yes_no },
	{ "CREATE_JFS2_FS", NULL },
	{ "SECURE_BY_DEFAULT", yes_no },
	{ "SIGN_POLICY", NULL },
	{ "ENCRYPTLV", NULL },
	{ "ADAPTER_SEARCH_LIST", NULL },
};
static const struct key encryption_keys[] = {
	{ "ROOT_HD4", NULL }, { "USR_HD2", NULL },	   { "VAR_HD9VAR", NULL },
	{ "TMP_HD3", NULL },  { "HOME_HD1", NULL },	   { "OPT_HD10OPT", NULL },
	{ "DUMPLV", NULL },   { "ADMIN_HD11ADMIN", NULL },
};
static const struct key disk_keys[] = {
	{ "PVID", NULL },	{ "PHYSICAL_LOCATION", NULL }, { "SAN_DISKID", NULL },
	{ "CONNECTION", NULL }, { "LOCATION", NULL },	       { "SIZE_MB", NULL },
	{ "HDISKNAME", NULL },
};
static const struct key locale_keys[] = {
	{ "BOSINST_LANG", NULL },
	{ "CULTURAL_CONVENTION", NULL },
	{ "MESSAGES", NULL },
	{ "KEYBOARD", NULL },
};

static const struct {
	const char *name;
	const struct key *keys;
	size_t n;
	bool repeats;
} stanzas[] = {
	{ "control_flow", control_keys, ARRAY_SIZE(control_keys), false },
	{ "lv_encryption", encryption_keys, ARRAY_SIZE(encryption_keys), false },
	{ "target_disk_data", disk_keys, ARRAY_SIZE(disk_keys), true },
	{ "locale", locale_keys, ARRAY_SIZE(locale_keys), false },
};

static bool is_one_of(const char *value, const char *values)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, values, " ");
	for (size_t i = 0; i < words.n; i++)
		if (strcasecmp(words.v[i], value) == 0)
			return true;
	return false;
}

static int check_stanza(const struct stanza *st, const struct key *keys, size_t n,
			struct err *err)
{
	for (size_t e = 0; e < st->n; e++) {
		const struct stanza_entry *entry = &st->entries[e];
		const struct key *k = NULL;

		for (size_t i = 0; i < n && !k; i++)
			if (streq(keys[i].name, entry->key))
				k = &keys[i];
		if (!k)
			return err_set(err, ERR_OPERATOR,
				       LABEL ": line %d: a %s stanza has no %s",
				       entry->line, st->name, entry->key);
		if (k->values && *entry->value && !is_one_of(entry->value, k->values))
			return err_set(err, ERR_OPERATOR,
				       LABEL ": line %d: %s= wants one of: %s; has '%s'",
				       entry->line, k->name, k->values, entry->value);
	}
	return 0;
}

/* Without a question there must be a console and a disk to write to. */
static int check_unprompted(const struct stanza_file *sf, struct err *err)
{
	const struct stanza *st = stanza_find(sf, "control_flow", 0);

	if (!st)
		return err_set(err, ERR_OPERATOR, LABEL ": no control_flow stanza");
	const char *prompt = stanza_get(st, "PROMPT"),
		   *console = stanza_get(st, "CONSOLE");
	if (prompt && strcasecmp(prompt, "no") == 0 && (!console || *console == '\0'))
		return err_set(err, ERR_OPERATOR,
			       LABEL ": line %d: PROMPT= no wants a CONSOLE=", st->line);
	return 0;
}

int bosinst_validate(const char *text, size_t len, struct err *err)
{
	_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;

	if (stanza_parse(&sf, LABEL, text, len, err) < 0)
		return -1;
	for (size_t s = 0; s < sf.n; s++) {
		const struct stanza *st = &sf.stanzas[s];
		size_t i = 0;

		while (i < ARRAY_SIZE(stanzas) && !streq(stanzas[i].name, st->name))
			i++;
		if (i == ARRAY_SIZE(stanzas))
			return err_set(err, ERR_OPERATOR,
				       LABEL ": line %d: unknown stanza %s", st->line,
				       st->name);
		if (!stanzas[i].repeats && stanza_find(&sf, st->name, 0) != st)
			return err_set(err, ERR_OPERATOR,
				       LABEL ": line %d: a second %s stanza", st->line,
				       st->name);
		if (check_stanza(st, stanzas[i].keys, stanzas[i].n, err) < 0)
			return -1;
	}
	return check_unprompted(&sf, err);
}

void bosinst_default(const struct layout *l, struct str *out)
{
	_cleanup_stanza_file_ struct stanza_file sf = STANZA_FILE_INIT;
	struct stanza *st = stanza_add(&sf, "control_flow");

	stanza_set(st, "CONSOLE", "Default");
	stanza_set(st, "INSTALL_METHOD", "overwrite");
	stanza_set(st, "PROMPT", "yes");
	stanza_set(st, "EXISTING_SYSTEM_OVERWRITE", "no");
	stanza_set(st, "RECOVER_DEVICES", "no");
	stanza_set(st, "ACCEPT_LICENSES", "no");
	for (size_t i = 0; i < l->n_disks; i++) {
		st = stanza_add(&sf, "target_disk_data");
		stanza_set(st, "PVID", l->disks[i].serial);
		stanza_setf(st, "SIZE_MB", "%llu",
			    (unsigned long long)(l->disks[i].size >> 20));
		stanza_set(st, "HDISKNAME", l->disks[i].name);
	}
	st = stanza_add(&sf, "locale");
	stanza_set(st, "BOSINST_LANG", "C.UTF-8");
	stanza_set(st, "CULTURAL_CONVENTION", "C.UTF-8");
	stanza_set(st, "MESSAGES", "C.UTF-8");
	stanza_write(&sf, out);
}
