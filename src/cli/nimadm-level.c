/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm -M: brings a spot and an lpp_source to one level. It is two updates of the nim command, in the right order. */
#include "cli/cmd.h"
#include "cli/nimadm.h"

static int get(struct store *s, const char *option, const char *name, const char *type,
	       struct object *ret, struct err *err)
{
	if (!name) {
		err_set(err, ERR_USAGE, "-M wants %s: the %s", option, type);
		return err_remedy(err, "nimadm -M -s SPOT -l LPP_SOURCE");
	}
	return nimadm_object(s, option, name, type, ret, err);
}

static const char *value(const struct object *o, const char *attr)
{
	const char *v = object_get(o, attr);

	return v ? v : "-";
}

static int check(struct store *s, const struct nimadm_options *o, struct err *err)
{
	_cleanup_object_ struct object lpp = OBJECT_INIT;
	_cleanup_object_ struct object spot = OBJECT_INIT;

	if (get(s, "-l", o->lpp_source, "lpp_source", &lpp, err) < 0 ||
	    get(s, "-s", o->spot, "spot", &spot, err) < 0)
		return -1;
	if (!streq(value(&lpp, "release"), value(&spot, "release"))) {
		err_set(err, ERR_USAGE,
			"spot %s is of %s, lpp_source %s of %s: they do not fit",
			spot.name, value(&spot, "release"), lpp.name,
			value(&lpp, "release"));
		return err_remedy(err, "lsnim -t spot -a release");
	}
	printf("lpp_source %s: %s, level %s\n", lpp.name, value(&lpp, "release"),
	       value(&lpp, "level"));
	printf("spot %s: %s, level %s\n", spot.name, value(&spot, "release"),
	       value(&spot, "level"));
	if (o->preview)
		printf("Would fetch the newest indexes into %s, then bring %s to their "
		       "level.\n",
		       lpp.name, spot.name);
	return 0;
}

static int update(struct cli *cli, const char *name, const char *attr)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;

	strv_add_all(&argv, "nim", "--state", cli->state_dir, NULL);
	if (cli->config_option)
		strv_add_all(&argv, "--config", cli->config_option, NULL);
	strv_add_all(&argv, "-o", "update", NULL);
	if (attr)
		strv_add_all(&argv, "-a", attr, NULL);
	strv_add(&argv, name);
	return cmd_nim.run((int)argv.n, argv.v);
}

int nimadm_level(struct cli *cli, const struct nimadm_options *o)
{
	struct store *s;
	struct err err = { 0 };

	s = cli_store(cli, &err);
	if (!s || check(s, o, &err) < 0)
		return cli_exit(-1, &err);
	if (o->preview)
		return 0;
	_cleanup_free_ char *source = xasprintf("source=%s", o->lpp_source);
	int status = update(cli, o->lpp_source, NULL);
	return status ? status : update(cli, o->spot, source);
}
