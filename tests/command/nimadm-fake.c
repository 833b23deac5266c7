/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nimadm command with phases that only make files: for tests of everything around the phases.
 *
 *	NIM_FAKE_WORLD	directory in which the phases make their files
 *	NIM_FAKE_DELAY	milliseconds a package; each phase has ten
 *	NIM_FAKE_FAULT	"PHASE WHERE KIND": "5 half operator", "0 half unfit"; fails always
 *	NIM_FAKE_FOR	only where this word is among the arguments
 *
 * "nimadm-fake define TYPE NAME ATTR=VALUE..." makes an object without looking at what it stands for.
 */
#include "cli/cmd.h"
#include "fake-phases.h"

#include "base/parse.h"
#include "cli/common.h"
#include "cli/nimadm.h"
#include "phase/table.h"
#include "pkg/spot.h"
#include "sys/signal.h"

static int fake_nim(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("%s%s", i ? " " : "", argv[i]);
	printf("\n");
	return 0;
}

const struct command cmd_nim = { .name = "nim", .run = fake_nim };

/* NIM_FAKE_LEVEL: what differs, one line. */
int spot_preview(const char *dir, const char *lpp_dir, struct strv *ret, struct err *err)
{
	const char *change = getenv("NIM_FAKE_LEVEL");

	if (change && *change)
		strv_add(ret, change);
	return 0;
}

void phase_debug_shell(void *arg, struct phase_ctx *c, const struct err *cause)
{
	printf("shell for phase %d: %s\n", c->phase->number, cause->msg);
}

int nimadm_wake(struct cli *cli, const struct nimadm_options *o)
{
	printf("%s of %s%s\n", o->wake ? "wake" : "sleep", o->subject,
	       o->no_mount ? " alone" : "");
	return 0;
}

int nimadm_hold(struct cli *cli, const struct nimadm_options *o)
{
	printf("hold job %llu\n", (unsigned long long)o->job);
	return 0;
}

int nimadm_rollback(struct cli *cli, const struct nimadm_options *o, struct err *err)
{
	printf("roll back %s%s\n", o->subject, o->reboot ? ", with a reboot" : "");
	return 0;
}

int phase_release(struct job *job, struct err *err)
{
	return 0;
}

static unsigned number(const char *text)
{
	uint64_t n;

	return text && parse_u64(text, &n, NULL) == 0 ? (unsigned)n : 0;
}

static void read_fault(const char *text)
{
	static const struct {
		const char *name;
		enum fake_where where;
	} places[] = {
		{ "check", FAKE_CHECK },   { "before", FAKE_RUN_BEFORE },
		{ "half", FAKE_RUN_HALF }, { "after", FAKE_RUN_AFTER },
		{ "verify", FAKE_VERIFY }, { "undo", FAKE_UNDO_HALF },
	};
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, text, " ");
	if (words.n != 3)
		abort();
	fake_fault.phase = (int)number(words.v[0]);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (streq(places[i].name, words.v[1]))
			fake_fault.where = places[i].where;
	}
	for (int k = 0; k < ERR_KIND_COUNT_; k++) {
		if (streq(err_kind_name((enum err_kind)k), words.v[2]))
			fake_fault.kind = (enum err_kind)k;
	}
}

static bool is_meant(int argc, char **argv)
{
	const char *word = getenv("NIM_FAKE_FOR");
	bool found = !word || !*word;

	for (int i = 1; !found && i < argc; i++)
		found = streq(argv[i], word);
	return found;
}

static int define(int argc, char **argv)
{
	_cleanup_store_ struct store *s = NULL;
	const char *state = getenv("NIM_STATE");
	struct err err = { 0 };

	if (argc < 4 || !state || store_open(&s, state, &err) < 0 ||
	    store_object_define(s, argv[3], argv[2], &err) < 0)
		return cli_exit(-1, &err);
	for (int i = 4; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (!value)
			abort();
		*value++ = '\0';
		if (store_attr_set(s, argv[3], argv[i], value, &err) < 0)
			return cli_exit(-1, &err);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *fault = getenv("NIM_FAKE_FAULT");

	fake_world = getenv("NIM_FAKE_WORLD");
	fake_delay_ms = number(getenv("NIM_FAKE_DELAY"));
	if (!fake_world)
		abort();
	if (fault && *fault && is_meant(argc, argv))
		read_fault(fault);
	cli_set_program("nimadm");
	if (argc > 1 && streq(argv[1], "define"))
		return define(argc, argv);
	cancel_install();
	return cmd_nimadm.run(argc, argv);
}
