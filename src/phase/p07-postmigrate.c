/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phase 7: the administrator's post-migration script (-z) and resolv.conf, then the services' own checks on both roots. */
#include "phase/common.h"
#include "phase/table.h"
#include "sys/files.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define RESOLV_CONF_MAX ((size_t)1 << 20)

static int run_script(struct phase_ctx *c, struct err *err)
{
	if (!*c->job->spec.post_script) {
		events_step(c->events, "There is no post-migration script");
		return common_fact_set(c, "post_script", json_string("none"), err);
	}
	if (common_script(c, c->job->spec.post_script, "post-migration", err) < 0)
		return -1;
	return common_fact_set(c, "post_script", json_string(c->job->spec.post_script),
			       err);
}

/* Many systems have a link into /run there, where nothing of ours would last. */
static int put_resolv_conf(struct phase_ctx *c, const struct root *alt, struct err *err)
{
	const char *file = c->job->spec.resolv_conf_file;
	_cleanup_str_ struct str text = STR_INIT;

	if (!*file)
		return 0;
	events_step(c->events, "Putting %s into place as " RESOLV_CONF, file);
	if (files_read(file, RESOLV_CONF_MAX, &text, err) < 0 ||
	    root_unlink(alt, RESOLV_CONF, err) < 0)
		return -1;
	return root_write(alt, RESOLV_CONF, str_c(&text), text.len, 0644, err);
}

static int verify_resolv_conf(struct phase_ctx *c, struct err *err)
{
	const char *file = c->job->spec.resolv_conf_file;
	_cleanup_site_ struct site site = SITE_INIT;
	_cleanup_str_ struct str want = STR_INIT, is = STR_INIT;

	if (!*file)
		return 0;
	if (files_read(file, RESOLV_CONF_MAX, &want, err) < 0 ||
	    site_open(&site, c, TREE_ALT, true, err) < 0 ||
	    root_read(&site.root, RESOLV_CONF, RESOLV_CONF_MAX, &is, err) < 0)
		return -1;
	if (want.len == is.len && memcmp(str_c(&want), str_c(&is), is.len) == 0)
		return 0;
	return err_set(err, ERR_OPERATOR, RESOLV_CONF " of the new system is not %s",
		       file);
}

static int postmigrate_run(struct phase_ctx *c, struct err *err)
{
	_cleanup_merge_site_ struct merge_site m;

	if (merge_site_open(&m, c, err) < 0 || run_script(c, err) < 0 ||
	    put_resolv_conf(c, &m.alt.root, err) < 0)
		return -1;
	events_step(c->events,
		    "Running the services' own checks on the old and the new root");
	if (merge_site_open_checks(&m, c, err) < 0 || merge_validate(&m.ctx, err) < 0)
		return -1;
	return merge_site_store(&m, c, "validators", err);
}

static int postmigrate_verify(struct phase_ctx *c, struct err *err)
{
	if (!common_fact(c, "post_script") || !common_fact(c, "validators"))
		return err_set(err, ERR_OPERATOR, "script or checks did not end");
	return verify_resolv_conf(c, err);
}

const struct phase phase_postmigrate = {
	.number = 7,
	.name = "post-script",
	.title = "Post-migration script and the services' own checks",
	.weight = 4,
	.modes = "ABCDE",
	.run = postmigrate_run,
	.verify = postmigrate_verify,
};
