/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report as one self-contained page: no script, nothing loaded, every text escaped. */
#include "engine/report.h"

#include "model/json.h"

static const char style[] =
	":root{color-scheme:light dark}"
	"body{font:1rem/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}"
	"table{border-collapse:collapse;width:100%}"
	"caption{text-align:left;font-weight:bold;padding:.5rem 0}"
	"th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;"
	"border-bottom:1px solid #8886}"
	"td.n{text-align:right;font-variant-numeric:tabular-nums}"
	"dt{font-weight:bold}dd{margin:0 0 .25rem 1rem;overflow-wrap:anywhere}"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.25rem 0}"
	"summary{cursor:pointer;font-weight:bold;padding:.5rem 0}"
	".bad{border-left:.3rem solid #c22;padding-left:.75rem}";

static void esc(struct str *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		switch (*c) {
		case '&':
			str_add(out, "&amp;");
			break;
		case '<':
			str_add(out, "&lt;");
			break;
		case '>':
			str_add(out, "&gt;");
			break;
		case '"':
			str_add(out, "&quot;");
			break;
		case '\'':
			str_add(out, "&#39;");
			break;
		default:
			/* control characters are no HTML; a line end and a tab are */
			if ((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t')
				str_addc(out, *c);
		}
	}
}

/* <tag>text</tag> */
static void element(struct str *out, const char *tag, const char *text)
{
	str_addf(out, "<%s>", tag);
	esc(out, text);
	str_addf(out, "</%s>", tag);
}

static void pair(struct str *out, const char *label, const char *text)
{
	if (!*text)
		return;
	element(out, "dt", label);
	element(out, "dd", text);
}

static void write_head(const json_t *report, struct str *out)
{
	_cleanup_free_ char *title =
		xasprintf("nimadm: job %lld of %s: %s",
			  (long long)json_integer_value(json_object_get(report, "job")),
			  json_field(report, "client"), json_field(report, "state"));
	const json_t *output = json_object_get(report, "output");
	char buf[32];

	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
		     "<meta name=\"viewport\" content=\"width=device-width\">");
	element(out, "title", title);
	str_addf(out, "<style>%s</style></head>\n<body><main>\n", style);
	element(out, "h1", title);
	if (*json_field(report, "error")) {
		str_add(out, "<p class=\"bad\" role=\"alert\">");
		esc(out, json_field(report, "error"));
		str_add(out, "</p>\n");
	}
	str_add(out, "<dl>");
	pair(out, "Image", json_field(report, "image_path"));
	pair(out, "Release", json_field(report, "release"));
	pair(out, "lpp_source", json_field(report, "lpp_source"));
	pair(out, "spot", json_field(report, "spot"));
	pair(out, "Result", json_field(output, "path"));
	pair(out, "Object", json_field(output, "object"));
	pair(out, "Started", json_field(report, "created"));
	pair(out, "Ended", json_field(report, "ended"));
	pair(out, "Time in phases",
	     report_seconds(buf, sizeof(buf),
			    json_real_value(json_object_get(report, "seconds"))));
	str_add(out, "</dl>\n");
}

static void table_head(struct str *out, const char *caption, const char *const *columns)
{
	str_add(out, "<table>");
	element(out, "caption", caption);
	str_add(out, "<thead><tr>");
	for (; *columns; columns++) {
		str_add(out, "<th scope=\"col\">");
		esc(out, *columns);
		str_add(out, "</th>");
	}
	str_add(out, "</tr></thead><tbody>\n");
}

static void write_phases(const json_t *report, struct str *out)
{
	static const char *const columns[] = { "Phase", "What",	   "State",
					       "Time",	"Message", NULL };
	char buf[32];
	size_t i;
	json_t *p;

	table_head(out, "Phases", columns);
	json_array_foreach(json_object_get(report, "phases"), i, p)
	{
		str_addf(out, "<tr><td class=\"n\">%lld</td>",
			 (long long)json_integer_value(json_object_get(p, "number")));
		element(out, "td", json_field(p, "title"));
		element(out, "td", json_field(p, "state"));
		str_addf(out, "<td class=\"n\">%s</td>",
			 report_seconds(buf, sizeof(buf),
					json_real_value(json_object_get(p, "seconds"))));
		element(out, "td", json_field(p, "message"));
		str_add(out, "</tr>\n");
	}
	str_add(out, "</tbody></table>\n");
}

static void write_findings(const json_t *list, const char *title, bool open,
			   struct str *out)
{
	static const char *const columns[] = { "Severity", "Finding", "Seen", "To do",
					       NULL };
	size_t i;
	json_t *f;

	if (json_array_size(list) == 0)
		return;
	str_addf(out, "<details%s>", open ? " open" : "");
	element(out, "summary", title);
	table_head(out, title, columns);
	json_array_foreach((json_t *)(uintptr_t)list, i, f)
	{
		str_add(out, "<tr>");
		element(out, "td", json_field(f, "severity"));
		str_add(out, "<td>");
		esc(out, json_field(f, "title"));
		str_add(out, "<br>");
		element(out, "code", json_field(f, "id"));
		str_add(out, "</td><td>");
		element(out, "pre", json_field(f, "evidence"));
		str_add(out, "</td><td>");
		element(out, "pre", json_field(f, "remedy"));
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody></table></details>\n");
}

static void write_lines(const json_t *report, const char *key, const char *title,
			struct str *out)
{
	const json_t *list = json_object_get(report, key);
	size_t i;
	json_t *line;

	if (json_array_size(list) == 0)
		return;
	element(out, "h2", title);
	str_add(out, "<ul>");
	json_array_foreach((json_t *)(uintptr_t)list, i, line)
		element(out, "li", json_string_value(line));
	str_add(out, "</ul>\n");
}

static void package_row(const json_t *p, struct str *out)
{
	str_add(out, "<tr>");
	element(out, "td",
		json_is_string(p) ? json_string_value(p) : json_field(p, "name"));
	element(out, "td", json_field(p, "old"));
	element(out, "td", json_field(p, "new"));
	str_add(out, "<td>");
	esc(out, json_field(p, "reason"));
	if (*json_field(p, "by")) {
		str_add(out, " by ");
		esc(out, json_field(p, "by"));
	}
	str_add(out, "</td></tr>\n");
}

static void write_packages(const json_t *report, struct str *out)
{
	static const char *const lists[] = { "upgraded", "added", "removed", "held" };
	static const char *const columns[] = { "Package", "Old", "New", "Why", NULL };
	const json_t *packages = json_object_get(report, "packages");
	size_t i;
	json_t *p;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const json_t *list = json_object_get(packages, lists[l]);
		if (json_array_size(list) == 0)
			continue;
		_cleanup_free_ char *title = xasprintf("Packages %s: %zu", lists[l],
						       json_array_size(list));
		str_add(out, "<details>");
		element(out, "summary", title);
		table_head(out, title, columns);
		json_array_foreach((json_t *)(uintptr_t)list, i, p) package_row(p, out);
		str_add(out, "</tbody></table></details>\n");
	}
}

static void write_method(const char *name, const json_t *method, struct str *out)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	const char *title = json_field(method, "title");

	report_method(name, method, &lines);
	str_add(out, "<tr><td>");
	esc(out, *title ? title : name);
	str_add(out, "<br>");
	element(out, "code", name);
	str_add(out, "</td><td>");
	for (size_t i = 0; i < lines.n; i++)
		element(out, "div", lines.v[i]);
	str_add(out, "</td></tr>\n");
}

static void write_merge(const json_t *report, struct str *out)
{
	static const char *const columns[] = { "Method", "What it did", NULL };
	json_t *merge = json_object_get(report, "merge");
	const char *name;
	json_t *v;

	if (json_object_size(merge) == 0)
		return;
	str_add(out, "<details><summary>Configuration merged</summary>");
	table_head(out, "Configuration merged", columns);
	json_object_foreach(merge, name, v) write_method(name, v, out);
	str_add(out, "</tbody></table></details>\n");
}

void report_html(const json_t *report, struct str *out)
{
	write_head(report, out);
	write_lines(report, "use", "What to do next", out);
	write_lines(report, "back", "The way back", out);
	write_findings(json_object_get(report, "needs_human"), "Needs a human", true,
		       out);
	write_phases(report, out);
	write_merge(report, out);
	write_packages(report, out);
	write_findings(json_object_get(report, "findings"), "All checks", false, out);
	str_add(out, "</main></body>\n</html>\n");
}
