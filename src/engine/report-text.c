/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report as plain text. */
#include "engine/report.h"

#include "model/json.h"

/* Long lists are in report.json whole; text and page show this many of each. */
#define LIST_MAX 400

const char *report_seconds(char *buf, size_t n, double seconds)
{
	if (seconds >= 60)
		return fmt_duration(buf, n, seconds);
	snprintf(buf, n, "%.1fs", seconds);
	return buf;
}

static void heading(struct str *out, const char *title)
{
	str_addf(out, "\n%s\n", title);
	for (size_t i = 0; i < strlen(title); i++)
		str_addc(out, '-');
	str_addc(out, '\n');
}

static void row(struct str *out, const char *label, const char *text)
{
	if (*text)
		str_addf(out, "%-14s %s\n", label, text);
}

static void write_phases(const json_t *report, struct str *out)
{
	char buf[32];
	size_t i;
	json_t *p;

	heading(out, "Phases");
	json_array_foreach(json_object_get(report, "phases"), i, p)
	{
		const char *message = json_field(p, "message");
		str_addf(out, "%3lld  %-12s %-12s %9s%s%s\n",
			 (long long)json_integer_value(json_object_get(p, "number")),
			 json_field(p, "name"), json_field(p, "state"),
			 report_seconds(buf, sizeof(buf),
					json_real_value(json_object_get(p, "seconds"))),
			 *message ? "  " : "", message);
	}
}

/* A cause may have several lines. */
static void indented(struct str *out, const char *label, const char *text)
{
	if (!*text)
		return;
	str_addf(out, "      %s: ", label);
	for (const char *c = text; *c; c++) {
		str_addc(out, *c);
		if (*c == '\n' && c[1])
			str_add(out, "        ");
	}
	if (!ends_with(text, "\n"))
		str_addc(out, '\n');
}

static void write_findings(const json_t *list, const char *title, struct str *out)
{
	size_t i;
	json_t *f;

	if (json_array_size(list) == 0)
		return;
	heading(out, title);
	json_array_foreach((json_t *)(uintptr_t)list, i, f)
	{
		str_addf(out, "%-7s %s (%s)\n", json_field(f, "severity"),
			 json_field(f, "title"), json_field(f, "id"));
		indented(out, "seen", json_field(f, "evidence"));
		indented(out, "to do", json_field(f, "remedy"));
	}
}

static void write_package(const json_t *p, struct str *out)
{
	if (json_is_string(p)) {
		str_addf(out, "  %s\n", json_string_value(p));
		return;
	}
	const char *old = json_field(p, "old"), *new = json_field(p, "new");
	const char *reason = json_field(p, "reason"), *by = json_field(p, "by");
	str_addf(out, "  %s %s%s%s%s%s%s%s\n", json_field(p, "name"), old,
		 *old && *new ? " -> " : "", new, *reason ? "  " : "", reason,
		 *by ? " by " : "", by);
}

static void write_packages(const json_t *report, struct str *out)
{
	static const struct {
		const char *key, *title;
	} lists[] = {
		{ "upgraded", "Packages upgraded" },
		{ "added", "Packages added" },
		{ "removed", "Packages removed" },
		{ "held", "Packages held back" },
	};
	const json_t *packages = json_object_get(report, "packages");

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const json_t *list = json_object_get(packages, lists[l].key);
		size_t n = json_array_size(list);
		if (n == 0)
			continue;
		_cleanup_free_ char *title = xasprintf("%s: %zu", lists[l].title, n);
		heading(out, title);
		for (size_t i = 0; i < n && i < LIST_MAX; i++)
			write_package(json_array_get(list, i), out);
		if (n > LIST_MAX)
			str_addf(out, "  ... and %zu more in report.json\n",
				 n - LIST_MAX);
	}
}

void report_method(const char *name, const json_t *method, struct strv *lines)
{
	const char *key;
	size_t i;
	json_t *v, *c;

	if (json_is_string(method))
		strv_add(lines, json_string_value(method));
	json_array_foreach(json_object_get(method, "changes"), i, c)
		strv_addf(lines, "%s: %s", json_field(c, "path"), json_field(c, "what"));
	json_object_foreach((json_t *)(uintptr_t)method, key, v)
	{
		if (!streq(key, "changes") && json_array_size(v))
			strv_addf(lines, "%s: %zu, listed in report.json", key,
				  json_array_size(v));
	}
	if (lines->n == 0)
		strv_add(lines, "nothing to change");
}

static void write_method(const char *name, const json_t *method, struct str *out)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	const char *title = json_field(method, "title");

	report_method(name, method, &lines);
	str_addf(out, "%s (%s)\n", *title ? title : name, name);
	for (size_t i = 0; i < lines.n; i++)
		str_addf(out, "      %s\n", lines.v[i]);
}

static void write_merge(const json_t *report, struct str *out)
{
	json_t *merge = json_object_get(report, "merge");
	const char *name;
	json_t *v;

	if (json_object_size(merge) == 0)
		return;
	heading(out, "Configuration merged");
	json_object_foreach(merge, name, v) write_method(name, v, out);
}

static void write_lines(const json_t *report, const char *key, const char *title,
			struct str *out)
{
	const json_t *list = json_object_get(report, key);
	size_t i;
	json_t *line;

	if (json_array_size(list) == 0)
		return;
	heading(out, title);
	json_array_foreach((json_t *)(uintptr_t)list, i, line)
		str_addf(out, "  %s\n", json_string_value(line));
}

static void write_output(const json_t *report, struct str *out)
{
	const json_t *o = json_object_get(report, "output");
	char buf[32];
	uint64_t bytes = (uint64_t)json_integer_value(json_object_get(o, "bytes"));

	row(out, "Result", json_field(o, "path"));
	row(out, "Object", json_field(o, "object"));
	if (bytes)
		row(out, "Size", fmt_bytes(buf, sizeof(buf), bytes));
}

void report_text(const json_t *report, struct str *out)
{
	char buf[32];

	str_addf(out, "nimadm: job %lld of %s: %s\n\n",
		 (long long)json_integer_value(json_object_get(report, "job")),
		 json_field(report, "client"), json_field(report, "state"));
	row(out, "Error", json_field(report, "error"));
	row(out, "Image", json_field(report, "image_path"));
	row(out, "Release", json_field(report, "release"));
	row(out, "lpp_source", json_field(report, "lpp_source"));
	row(out, "spot", json_field(report, "spot"));
	write_output(report, out);
	row(out, "Started", json_field(report, "created"));
	row(out, "Ended", json_field(report, "ended"));
	row(out, "Time in phases",
	    report_seconds(buf, sizeof(buf),
			   json_real_value(json_object_get(report, "seconds"))));
	row(out, "Log", json_field(report, "log"));
	write_phases(report, out);
	write_lines(report, "use", "What to do next", out);
	write_lines(report, "back", "The way back", out);
	write_findings(json_object_get(report, "needs_human"), "Needs a human", out);
	write_merge(report, out);
	write_packages(report, out);
	write_findings(json_object_get(report, "findings"), "All checks", out);
}
