/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runners: dispatch, and the one that runs on this machine. */
#include "sys/runner.h"

int runner_run(struct runner *r, const struct proc_spec *spec, struct proc_result *res,
	       struct err *err)
{
	return r->ops->run(r, spec, res, err);
}

int runner_check(struct runner *r, const struct proc_spec *spec, struct err *err)
{
	struct proc_result res;
	int rc = runner_run(r, spec, &res, err);

	return rc > 0 ? proc_result_err(spec, &res, err) : rc;
}

struct runner *runner_free(struct runner *r)
{
	if (r && r->ops->free)
		r->ops->free(r);
	return NULL;
}

void runner_free_p(struct runner **r)
{
	*r = runner_free(*r);
}

static int local_run(struct runner *r, const struct proc_spec *spec,
		     struct proc_result *res, struct err *err)
{
	return proc_run(spec, res, err);
}

struct runner *runner_local(void)
{
	static const struct runner_ops ops = { .name = "local", .run = local_run };
	static struct runner local = { .ops = &ops };

	return &local;
}
