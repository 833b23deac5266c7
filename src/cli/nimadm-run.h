/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of one job, whoever asks for it: puts store, lease, sinks, phases and engine together. */
#pragma once

#include "cli/nimadm.h"

struct nimadm_run {
	struct cli *cli;
	const struct nimadm_options *o;
	struct store *store;
	struct lease *lease;
	struct job job;
	struct events events;
	struct selection select;
	bool undo;
	const char *go_on; /* engine_config.go_on */
};

/* The process is in a mount namespace of its own, and the subject is its own. */
int nimadm_run_take(struct nimadm_run *r, const char *subject, struct err *err)
	_must_check_;
int nimadm_run_load(struct nimadm_run *r, const struct job_row *row, struct err *err)
	_must_check_;
/* A new job, loaded. */
int nimadm_run_create(struct nimadm_run *r, const struct job_spec *spec, struct err *err)
	_must_check_;
/* Its events are shown and logged from here on; again: nothing. */
int nimadm_run_sinks(struct nimadm_run *r, struct err *err) _must_check_;
/* A clone that is awake is no migration to go on with. -1. */
int nimadm_run_refuse_awake(const struct job_row *row, struct err *err);
/* The phases that r->select says, or the undo, on a job that is loaded. */
int nimadm_run_engine(struct nimadm_run *r, struct err *err) _must_check_;
/* The last words, of an error or a result; everything is given back. The exit status. */
int nimadm_run_end(struct nimadm_run *r, int rc, const struct err *err) _must_check_;
