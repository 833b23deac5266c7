/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apt on the master, with a configuration of the lpp_source's own.
 *
 * Two forms of the same sources are kept. <dir>/apt is for the master: absolute paths of this machine. <dir>/etc is what
 * a sandbox sees at /lpp_source/etc: paths below /lpp_source. Of the master's configuration only what tells how to
 * reach a mirror is used (Acquire::http, https, proxies, credentials), and its Check-Valid-Until where the sources are
 * the master's own.
 */
#pragma once

#include "pkg/lpp-conf.h"
#include "sys/proc.h"

/* Writes etc/, apt/ and the keyring; `lists` is the directory (below l->dir) that apt on the master uses. */
int lpp_apt_configure(const struct lpp *l, const char *lists, struct err *err)
	_must_check_;
/* Runs a tool of apt's with that configuration. Contract of proc_run; `spec` needs argv and the outputs only. */
int lpp_apt_run(const struct lpp *l, const struct proc_spec *spec,
		struct proc_result *res, struct err *err) _must_check_;
/* Says in *err what a line of apt's ("E: ...", "Err:1 ...") means. 0 when it was understood. */
int lpp_apt_explain(const struct lpp *l, const char *output, struct err *err);
