/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides, phase by phase, what a run does. */
#include "engine/planner.h"

bool phase_applies(const struct phase *ph, char mode)
{
	return strchr(ph->modes, mode) != NULL;
}

static bool begun(const struct journal_row *row)
{
	return row->state == JOURNAL_STARTED || row->state == JOURNAL_DONE ||
	       row->state == JOURNAL_FAILED;
}

/* The pre-flight may have been taken back (an inhibited job leaves nothing behind); any other phase that was
 * taken back means that a clean-up has begun. */
static int check_not_cleaned(const struct journal_row rows[PHASE_COUNT], const char *ref,
			     struct err *err)
{
	for (int p = 1; p < PHASE_COUNT; p++) {
		if (rows[p].state != JOURNAL_UNDONE)
			continue;
		err_set(err, ERR_OPERATOR,
			"the clean-up of this job has begun (phase %d is taken back)", p);
		return err_remedy(err, "nimadm -C %s, then start again", ref);
	}
	return 0;
}

static int check_rerun(const struct phase *const *phases,
		       const struct journal_row rows[PHASE_COUNT], int p, const char *ref,
		       struct err *err)
{
	for (int q = PHASE_COUNT - 1; q > p; q--) {
		if (!begun(&rows[q]))
			continue;
		err_set(err, ERR_USAGE,
			"phase %d (%s) is done and phase %d (%s) has begun since; it can not "
			"be run again",
			p, phases[p]->name, q, phases[q]->name);
		return err_remedy(err,
				  "nimadm --resume %s to go on, or nimadm -C %s to take "
				  "everything back",
				  ref, ref);
	}
	return 0;
}

/* Phase p is to run: every phase of the mode before it is done or runs in the same call. The pre-flight does by itself. */
static int check_order(const struct phase *const *phases, char mode,
		       const struct journal_row rows[PHASE_COUNT],
		       const struct selection *select, int p, const char *ref,
		       struct err *err)
{
	for (int q = 1; q < p; q++) {
		if (!phase_applies(phases[q], mode) || rows[q].state == JOURNAL_DONE ||
		    select->on[q])
			continue;
		err_set(err, ERR_USAGE,
			"phase %d (%s) is out of order: phase %d (%s) is not done", p,
			phases[p]->name, q, phases[q]->name);
		return err_remedy(err, "nimadm -P %d %s, or -P %d-%d%s", q, ref, q, p,
				  rows[0].state == JOURNAL_DONE
					  ? ""
					  : " (the pre-flight comes by itself)");
	}
	return 0;
}

static enum plan_action choose(const struct phase *ph, const struct journal_row *row,
			       const struct selection *select)
{
	bool asked = !select->all && select->on[ph->number] && ph->number > 0;

	switch (row->state) {
	case JOURNAL_DONE:
		return asked || (ph->flags & PHASE_RERUN) ? PLAN_RUN : PLAN_KEEP;
	case JOURNAL_STARTED:
	case JOURNAL_FAILED:
		/* a pre-flight that ended badly is not proven by anything but itself, nor is the second run of a phase
		 * whose proof may be what the first one left */
		return ph->number == 0 || row->was_done ? PLAN_RUN : PLAN_RESUME;
	case JOURNAL_NONE:
	case JOURNAL_UNDONE:
		break;
	}
	return PLAN_RUN;
}

int planner_plan(struct plan *ret, const struct phase *const *phases, char mode,
		 const struct journal_row rows[PHASE_COUNT],
		 const struct selection *select, const char *ref, struct err *err)
{
	struct plan plan = { 0 };

	if (check_not_cleaned(rows, ref, err) < 0)
		return -1;
	for (int p = 0; p < PHASE_COUNT; p++) {
		const struct phase *ph = phases[p];

		if (!select->on[p] && p != 0)
			continue;
		if (!phase_applies(ph, mode)) {
			plan.action[p] = PLAN_SKIP;
			continue;
		}
		plan.action[p] = choose(ph, &rows[p], select);
		if (p == 0 || plan.action[p] == PLAN_KEEP)
			continue;
		if (check_order(phases, mode, rows, select, p, ref, err) < 0)
			return -1;
		if (rows[p].state == JOURNAL_DONE && !(ph->flags & PHASE_RERUN) &&
		    check_rerun(phases, rows, p, ref, err) < 0)
			return -1;
	}
	*ret = plan;
	return 0;
}

bool planner_complete(const struct phase *const *phases, char mode,
		      const struct journal_row rows[PHASE_COUNT])
{
	for (int p = 0; p < PHASE_COUNT; p++) {
		if (phase_applies(phases[p], mode) && rows[p].state != JOURNAL_DONE)
			return false;
	}
	return true;
}
