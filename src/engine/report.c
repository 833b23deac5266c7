/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts a job's report together and writes its three forms. */
#include "engine/report.h"

#include "model/json.h"
#include "sys/files.h"

static const char *phase_state(const struct journal_row *row, bool applies)
{
	static const char *const names[] = {
		[JOURNAL_NONE] = "pending",  [JOURNAL_STARTED] = "interrupted",
		[JOURNAL_DONE] = "done",     [JOURNAL_FAILED] = "failed",
		[JOURNAL_UNDONE] = "undone",
	};

	if (!applies)
		return "skipped";
	return (size_t)row->state < ARRAY_SIZE(names) ? names[row->state] : "?";
}

static json_t *build_phases(const struct job *j, const struct job_row *row,
			    const struct journal_row rows[PHASE_COUNT],
			    const struct phase *const *phases)
{
	json_t *array = json_array();

	for (int p = 0; p < PHASE_COUNT; p++) {
		bool applies = phase_applies(phases[p], j->spec.mode);
		const char *state = phase_state(&rows[p], applies);

		if (p == 0 && row->state == JOB_INHIBITED)
			state = "inhibited";
		json_t *o = json_object();
		json_object_set_new(o, "number", json_integer(p));
		json_object_set_new(o, "name", json_string(phases[p]->name));
		json_object_set_new(o, "title", json_string(phases[p]->title));
		json_object_set_new(o, "state", json_string(state));
		json_object_set_new(o, "seconds", json_real(rows[p].seconds));
		json_object_set_new(o, "message", json_text(rows[p].message));
		json_array_append_new(array, o);
	}
	return array;
}

static double total_seconds(const struct journal_row rows[PHASE_COUNT])
{
	double sum = 0;

	for (int p = 0; p < PHASE_COUNT; p++)
		sum += rows[p].state == JOURNAL_UNDONE ? 0 : rows[p].seconds;
	return sum;
}

static json_t *array_or_empty(const json_t *object, const char *key)
{
	json_t *a = json_object_get(object, key);

	return json_is_array(a) ? json_incref(a) : json_array();
}

static json_t *object_or_empty(const json_t *object, const char *key)
{
	json_t *o = json_object_get(object, key);

	return json_is_object(o) ? json_incref(o) : json_object();
}

static json_t *build_packages(const json_t *facts)
{
	const json_t *plan = json_object_get(facts, "plan");
	static const char *const lists[] = { "upgraded", "added", "removed", "held" };
	static const char *const numbers[] = { "download_bytes", "unpacked_delta" };
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_object_set_new(o, lists[i], array_or_empty(plan, lists[i]));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		json_t *n = json_object_get(plan, numbers[i]);
		json_object_set_new(o, numbers[i], json_integer(json_integer_value(n)));
	}
	return o;
}

/* Where findings come from: a fact that is an array of them, or an object that has one. */
static const struct finding_source {
	const char *fact, *from;
} finding_sources[] = {
	{ "preflight", "pre-flight" },
	{ "merge_before", "merge" },
	{ "merge_after", "merge" },
	{ "validators", "validators" },
	{ "boot", "boot" },
};

static json_t *build_findings(const json_t *facts)
{
	json_t *all = json_array();
	size_t i;
	json_t *f;

	for (size_t s = 0; s < ARRAY_SIZE(finding_sources); s++) {
		const json_t *fact = json_object_get(facts, finding_sources[s].fact);
		const json_t *list = json_is_array(fact)
					     ? fact
					     : json_object_get(fact, "findings");
		json_array_foreach((json_t *)(uintptr_t)list, i, f)
		{
			if (!json_is_object(f))
				continue;
			json_t *copy = json_copy(f);
			json_object_set_new(copy, "from",
					    json_string(finding_sources[s].from));
			json_array_append_new(all, copy);
		}
	}
	return all;
}

static json_t *build_human(json_t *findings)
{
	json_t *human = json_array();
	size_t i;
	json_t *f;

	json_array_foreach(findings, i, f)
	{
		const char *severity = json_string_value(json_object_get(f, "severity"));
		if (severity && (streq(severity, "WARN") || streq(severity, "INHIBIT")))
			json_array_append(human, f);
	}
	return human;
}

static json_t *build_merge(const json_t *facts)
{
	static const char *const stages[] = { "merge_before", "merge_after" };
	json_t *merge = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		json_t *methods = json_object_get(json_object_get(facts, stages[i]),
						  "methods");
		if (json_is_object(methods))
			json_object_update(merge, methods);
	}
	return merge;
}

static void say(json_t *array, const char *fmt, ...) _printf_(2, 3);
static void say(json_t *array, const char *fmt, ...)
{
	_cleanup_str_ struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	json_array_append_new(array, json_text(str_c(&s)));
}

/* A client that boots from other disks now. */
static void say_disks(json_t *use, json_t *back, const struct job *j)
{
	const struct job_spec *s = &j->spec;
	const json_t *downtime = json_object_get(j->facts, "downtime_s");

	if (s->reboot) {
		say(use, "%s has booted the migrated system from %s and runs it.",
		    s->client, s->disks);
		if (downtime)
			say(use, "It did not answer for %.0f s.",
			    json_real_value(downtime));
		say(back,
		    "The disks that %s ran from are what they were: nimadm "
		    "--rollback -r -c %s boots them.",
		    s->client, s->client);
		return;
	}
	say(use, "The migrated system is on %s of %s, asleep.", s->disks, s->client);
	if (s->no_bootlist)
		say(use, "Put it first in the boot list there: bootlist -m normal %s",
		    s->disks);
	say(use, "Reboot %s when it suits you: it comes up with the new release.",
	    s->client);
	say(use, "Look into it before: nimadm -W -c %s, and nimadm -S -c %s", s->client,
	    s->client);
	say(back,
	    "The disks that %s runs from are what they were: nimadm --rollback -c %s puts "
	    "them first in its boot list again.",
	    s->client, s->client);
	say(back, "To drop the new system: alt_rootvg_op -X there");
}

/* How the result is used, and how to go back. */
static void build_next(json_t *report, const struct job *j, const struct job_row *row)
{
	const struct job_spec *s = &j->spec;
	_cleanup_free_ char *ref = job_ref(j);
	json_t *use = json_array(), *back = json_array();

	switch (row->state) {
	case JOB_DONE:
		if (*s->disks) {
			say_disks(use, back, j);
			break;
		}
		say(use, "The new image is %s; look into it with: mksysb --list %s",
		    s->output, s->output);
		if (*s->output_name)
			say(use, "It is the NIM object %s: lsnim -l %s", s->output_name,
			    s->output_name);
		say(use,
		    "Unpack it anywhere: mksysb --extract %s --target DIR, or tar --zstd -xf %s",
		    s->output, s->output);
		if (*s->client)
			say(back, "The client %s was only read: it is what it was.",
			    s->client);
		else
			say(back, "The image %s (%s) was only read: it is what it was.",
			    *s->mksysb ? s->mksysb : s->subject, s->mksysb_path);
		if (*s->output_name)
			say(back, "To drop the new one: nim -o remove %s; rm %s",
			    s->output_name, s->output);
		else
			say(back, "To drop the new one: rm %s", s->output);
		break;
	case JOB_CLEANED:
		say(back, "Everything this job did is taken back.");
		break;
	case JOB_INHIBITED:
		say(use, "Mend what is marked INHIBIT below, then start again.");
		say(back, "Nothing was touched: there is nothing to take back.");
		break;
	default:
		say(use, "To go on: nimadm --resume %s", ref);
		say(back, "To take everything back: nimadm -C %s", ref);
	}
	json_object_set_new(report, "use", use);
	json_object_set_new(report, "back", back);
}

static void build_spec(json_t *report, const struct job *j)
{
	const struct job_spec *s = &j->spec;
	const char mode[] = { s->mode, '\0' };
	const struct {
		const char *key, *text;
	} texts[] = {
		{ "mode", mode },	   { "lpp_source", s->lpp_source },
		{ "release", s->release }, { "spot", s->spot },
		{ "image", s->mksysb },	   { "image_path", s->mksysb_path },
		{ "log_dir", j->log_dir },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_object_set_new(report, texts[i].key, json_text(texts[i].text));
	_cleanup_free_ char *log = xasprintf("%s/%lld.log", j->log_dir, (long long)j->id);
	json_object_set_new(report, "log", json_text(log));
}

json_t *report_build(const struct job *j, const struct job_row *row,
		     const struct journal_row rows[PHASE_COUNT],
		     const struct phase *const *phases)
{
	json_t *report = json_object();
	json_t *findings = build_findings(j->facts);

	json_object_set_new(report, "job", json_integer(row->id));
	json_object_set_new(report, "client", json_text(row->subject));
	json_object_set_new(report, "state", json_string(job_state_name(row->state)));
	json_object_set_new(report, "error", json_text(row->error));
	json_object_set_new(report, "created", json_text(row->created));
	json_object_set_new(report, "ended", json_text(row->ended));
	json_object_set_new(report, "seconds", json_real(total_seconds(rows)));
	build_spec(report, j);
	json_object_set_new(report, "phases", build_phases(j, row, rows, phases));
	json_object_set_new(report, "packages", build_packages(j->facts));
	json_object_set_new(report, "needs_human", build_human(findings));
	json_object_set_new(report, "findings", findings);
	json_object_set_new(report, "merge", build_merge(j->facts));
	json_object_set_new(
		report, "validators",
		array_or_empty(json_object_get(j->facts, "validators"), "findings"));
	json_object_set_new(report, "boot", object_or_empty(j->facts, "boot"));
	json_object_set_new(report, "output", object_or_empty(j->facts, "output"));
	build_next(report, j, row);
	return report;
}

static int write_form(const struct job *j, const char *ext, const char *text, size_t len,
		      struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/report.%s", j->report_dir, ext);

	return files_write_atomic(path, text, len, 0644, err);
}

int report_write(const struct job *j, const struct job_row *row,
		 const struct journal_row rows[PHASE_COUNT],
		 const struct phase *const *phases, struct err *err)
{
	_cleanup_str_ struct str text = STR_INIT;
	_cleanup_str_ struct str html = STR_INIT;
	json_t *report = report_build(j, row, rows, phases);
	_cleanup_free_ char *json = json_dumps(report, JSON_INDENT(2));

	report_text(report, &text);
	report_html(report, &html);
	json_decref(report);
	if (!json)
		return err_set(err, ERR_INTERNAL, "the report is no JSON");
	if (files_mkdirs(j->report_dir, 0755, err) < 0 ||
	    write_form(j, "json", json, strlen(json), err) < 0 ||
	    write_form(j, "txt", str_c(&text), text.len, err) < 0)
		return -1;
	return write_form(j, "html", str_c(&html), html.len, err);
}
