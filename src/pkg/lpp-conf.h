/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An lpp_source's own record, lpp.json, and the apt configuration made from it. */
#pragma once

#include "pkg/lpp-sources.h"
#include "pkg/lpp.h"

struct lpp {
	char *dir, *name; /* name: the object, for messages */
	const struct release *release;
	char *arch;
	char *source, *mirror; /* as given; mirror: NIM_MIRROR when it was defined */
	char *suites, *components, *keyring;
	struct strv packages, allow_unsigned;
	struct lpp_sources sources; /* as of the last update */
	bool plain; /* archives are kept as they come only: there is no unpack/ */
};
#define LPP_INIT                                                                         \
	{                                                                                \
		NULL                                                                     \
	}
#define _cleanup_lpp_ _cleanup_(lpp_conf_done)

void lpp_conf_done(struct lpp *l);
int lpp_conf_from(struct lpp *l, const struct lpp_config *cfg, struct err *err)
	_must_check_;
/* What l becomes with what `cfg` sets; takes l's sources, which hold until the next update. */
int lpp_conf_change(struct lpp *changed, struct lpp *l, const struct lpp_config *cfg,
		    struct err *err) _must_check_;
int lpp_conf_load(struct lpp *l, const char *dir, struct err *err) _must_check_;
int lpp_conf_save(const struct lpp *l, struct err *err) _must_check_;
/* The lpp_source of the release before, that lives in <dir>/old; its sources follow l's. */
int lpp_conf_old(struct lpp *old, const struct lpp *l, struct err *err) _must_check_;
/* Fills l->sources from source, NIM_MIRROR or the master's own configuration. */
int lpp_conf_resolve(struct lpp *l, struct err *err) _must_check_;
bool lpp_conf_allows(const struct lpp *l, const char *what); /* "local", "source" */
/* Whether the sources are the master's own, so that its Check-Valid-Until speaks of them. */
bool lpp_conf_is_masters(const struct lpp *l);
