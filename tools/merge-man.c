/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints nimadm-merge(7) in scdoc's form: methods and validators come from the tables that drive them. */
#include <stdio.h>

#include "merge/merge.h"
#include "merge/validators.h"

/* Text with what scdoc would take for markup escaped. */
static void put(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\<>[]#~", *text))
			putchar('\\');
		putchar(*text);
	}
}

static const char head[] =
	"nimadm-merge(7)\n"
	"\n"
	"# NAME\n"
	"\n"
	"nimadm-merge - what a migration carries over, and how it is checked\n"
	"\n"
	"# DESCRIPTION\n"
	"\n"
	"Phase 5 runs the merge methods that must see the system before its packages change, phase 6 those\n"
	"that come after them, phase 7 the validators.\n"
	"Each tells in the job's report what it changed, and as findings what a human must look at.\n"
	"\n"
	"The old configuration, /etc and the package state's small files, is kept in the migrated system\n"
	"below _/var/adm/nimadm/save_ (readable by root only), and as an archive beside the job's log.\n"
	"\n";

static const char conffiles[] =
	"# CONFIGURATION FILES\n"
	"\n"
	"A file is merged where it differs from what the old package shipped (the checksum that dpkg or ucf\n"
	"recorded) and the new package ships another version.\n"
	"The version that the old package shipped is taken from ucf's cache, from a file of the old system\n"
	"with the recorded checksum, or from the old release's package, fetched and verified.\n"
	"The merge is git's (*git merge-file*), or diff3's where the SPOT has no git, in the sandbox.\n"
	"Where both sides changed neighbouring lines, but not the same ones, that is no conflict.\n"
	"\n"
	"Clean\n"
	"\tThe result takes the file's place, with its owner, mode and attributes. Finding conffiles.merged.\n"
	"\n"
	"Conflict\n"
	"\tThe administrator's file stays, the new one lies beside it as _FILE.dpkg-dist_ or\n"
	"\t_FILE.ucf-dist_. Finding conffiles.conflict shows the first conflict.\n"
	"\n"
	"Version not to be had\n"
	"\tAs for a conflict. Finding conffiles.unmerged says why.\n"
	"\n"
	"Used no more\n"
	"\tThe package has set the file aside (_FILE.dpkg-bak_). Finding conffiles.obsolete.\n"
	"\n"
	"A deleted configuration file stays deleted.\n"
	"Edits below a directory of an old version (_/etc/php/8.2_) are merged into the new version's files.\n"
	"\n";

static const char validators[] =
	"# VALIDATORS\n"
	"\n"
	"The services' own checkers run in the sandbox, on throw-away copies: what they write is lost.\n"
	"One that fails on the migrated system is run on the old one, too; what failed there already is told\n"
	"as INFO. A regression is an INHIBIT where one of the units is enabled, else a WARN.\n"
	"\n";

static const char hooks[] =
	"# HOOKS\n"
	"\n"
	"Executables in _/etc/nimadm/merge.d_ on the master run after the methods of each stage, in the\n"
	"order of their names (letters, digits, '-' and '\\_'), on the master and as root.\n"
	"One that does not end with 0 stops the job; *nimadm --resume* goes on with it.\n"
	"\n"
	"*NIM_MERGE_STAGE*\n"
	"\tbefore or after (the packages).\n"
	"\n"
	"*NIM_ALT_INST*, *NIM_OLD_ROOT*\n"
	"\tThe alternate root, to be changed; the system as it was, read only.\n"
	"\n"
	"*NIM_FROM_RELEASE*, *NIM_RELEASE*\n"
	"\tCodenames: bookworm, trixie.\n"
	"\n"
	"*NIM_JOB_DIR*\n"
	"\tThe job's directory.\n"
	"\n"
	"A hook must not follow a symbolic link of the alternate root without care: it is the client's.\n"
	"\n"
	"# SEE ALSO\n"
	"\n"
	"*nimadm*(8), *nimadm*(7), *nimadm-events*(5)\n";

static void print_methods(enum merge_stage stage, const char *title)
{
	size_t n;
	const struct merge_method *const *table = merge_table(&n);
	printf("# METHODS %s THE PACKAGES\n\n", title);
	for (size_t i = 0; i < n; i++) {
		if (table[i]->stage != stage)
			continue;
		putchar('*');
		put(table[i]->name);
		printf("*\n\t%s. ", table[i]->title);
		put(table[i]->help);
		printf("\n\n");
	}
}

static void print_validators(void)
{
	size_t n;
	const struct validator *table = validator_table(&n);
	for (size_t i = 0; i < n; i++) {
		const struct validator *v = &table[i];
		printf("*validate.%s*\n\t", v->name);
		put(v->program);
		for (size_t k = 0; k < VALIDATOR_ARGS_MAX && v->args[k]; k++) {
			putchar(' ');
			put(v->args[k]);
		}
		if (v->each) {
			printf(" for each ");
			put(v->each);
		}
		if (*v->units) {
			printf("; units ");
			put(v->units);
		}
		printf("\n\n");
	}
}

int main(void)
{
	fputs(head, stdout);
	print_methods(MERGE_BEFORE_PACKAGES, "BEFORE");
	print_methods(MERGE_AFTER_PACKAGES, "AFTER");
	fputs(conffiles, stdout);
	fputs(validators, stdout);
	print_validators();
	fputs(hooks, stdout);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
