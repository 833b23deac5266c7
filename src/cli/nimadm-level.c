/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nimadm -M: brings a spot and an lpp_source to one level. It is two updates of the nim command, in the right order. */
#include "cli/cmd.h"
#include "cli/nimadm.h"
#include "pkg/spot.h"

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

struct pair {
	struct object lpp, spot;
};

static void pair_done(struct pair *p)
{
	object_done(&p->lpp);
	object_done(&p->spot);
}

static int load(struct store *s, const struct nimadm_options *o, struct pair *p,
		struct err *err)
{
	if (get(s, "-l", o->lpp_source, "lpp_source", &p->lpp, err) < 0 ||
	    get(s, "-s", o->spot, "spot", &p->spot, err) < 0)
		return -1;
	if (!streq(value(&p->lpp, "release"), value(&p->spot, "release"))) {
		err_set(err, ERR_USAGE,
			"spot %s is of %s, lpp_source %s of %s: they do not fit",
			p->spot.name, value(&p->spot, "release"), p->lpp.name,
			value(&p->lpp, "release"));
		return err_remedy(err, "lsnim -t spot -a release");
	}
	printf("lpp_source %s: %s, level %s\n", p->lpp.name, value(&p->lpp, "release"),
	       value(&p->lpp, "level"));
	printf("spot %s: %s, level %s\n", p->spot.name, value(&p->spot, "release"),
	       value(&p->spot, "level"));
	return 0;
}

/* Number of packages of the spot that differ from what the lpp_source holds now; each is printed. */
static int compare(const struct pair *p, size_t *ret, struct err *err)
{
	_cleanup_strv_ struct strv changes = STRV_INIT;

	if (spot_preview(value(&p->spot, "location"), value(&p->lpp, "location"),
			 &changes, err) < 0)
		return -1;
	for (size_t i = 0; i < changes.n; i++)
		printf("  %s\n", changes.v[i]);
	if (changes.n == 0)
		printf("spot %s is at the level of lpp_source %s.\n", p->spot.name,
		       p->lpp.name);
	*ret = changes.n;
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

static int level(struct cli *cli, const struct nimadm_options *o, int *ret_status,
		 struct err *err)
{
	_cleanup_(pair_done) struct pair p = { OBJECT_INIT, OBJECT_INIT };
	struct store *s = cli_store(cli, err);
	size_t changes = 0;

	if (!s || load(s, o, &p, err) < 0)
		return -1;
	if (o->preview) {
		if (compare(&p, &changes, err) < 0)
			return -1;
		printf("-M would fetch the newest indexes of %s first; what they bring comes on "
		       "top.\n",
		       p.lpp.name);
		return 0;
	}
	*ret_status = update(cli, p.lpp.name, NULL);
	if (*ret_status || compare(&p, &changes, err) < 0)
		return *ret_status ? 0 : -1;
	if (changes == 0)
		return 0;
	_cleanup_free_ char *source = xasprintf("source=%s", p.lpp.name);
	*ret_status = update(cli, p.spot.name, source);
	return 0;
}

int nimadm_level(struct cli *cli, const struct nimadm_options *o)
{
	struct err err = { 0 };
	int status = 0;

	return level(cli, o, &status, &err) < 0 ? cli_exit(-1, &err) : status;
}
