/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings: growable list and JSON form. */
#include "model/finding.h"

#include "model/json.h"

static const char *const severity_names[] = {
	[FINDING_PASS] = "PASS",
	[FINDING_INFO] = "INFO",
	[FINDING_WARN] = "WARN",
	[FINDING_INHIBIT] = "INHIBIT",
};

const char *finding_severity_name(enum finding_severity s)
{
	return (size_t)s < ARRAY_SIZE(severity_names) ? severity_names[s] : "?";
}

void findings_add(struct findings *fs, const char *id, enum finding_severity severity,
		  const char *title, const char *evidence, const char *remedy)
{
	if (fs->n == fs->cap) {
		fs->cap = MAX(fs->cap * 2, (size_t)16);
		fs->v = xrealloc(fs->v, fs->cap * sizeof(*fs->v));
	}
	fs->v[fs->n++] = (struct finding){
		.id = xstrdup(id),
		.severity = severity,
		.title = xstrdup(title),
		.evidence = xstrdup(evidence ? evidence : ""),
		.remedy = xstrdup(remedy ? remedy : ""),
	};
}

void findings_done(struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		free(fs->v[i].id);
		free(fs->v[i].title);
		free(fs->v[i].evidence);
		free(fs->v[i].remedy);
	}
	free(fs->v);
	*fs = (struct findings)FINDINGS_INIT;
}

size_t findings_count(const struct findings *fs, enum finding_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < fs->n; i++)
		n += fs->v[i].severity == severity;
	return n;
}

json_t *finding_to_json(const struct finding *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string_nocheck(f->id));
	json_object_set_new(o, "severity",
			    json_string_nocheck(finding_severity_name(f->severity)));
	json_object_set_new(o, "title", json_text(f->title));
	json_object_set_new(o, "evidence", json_text(f->evidence));
	json_object_set_new(o, "remedy", json_text(f->remedy));
	return o;
}

json_t *findings_to_json(const struct findings *fs)
{
	json_t *array = json_array();

	for (size_t i = 0; i < fs->n; i++)
		json_array_append_new(array, finding_to_json(&fs->v[i]));
	return array;
}

int findings_from_json(struct findings *fs, const json_t *array)
{
	size_t i;
	json_t *o;

	if (!json_is_array(array))
		return -1;
	json_array_foreach(array, i, o)
	{
		const char *id = json_string_value(json_object_get(o, "id"));
		const char *title = json_string_value(json_object_get(o, "title"));
		int severity = name_index(severity_names, ARRAY_SIZE(severity_names),
					  json_field(o, "severity"));

		if (!id || !title || severity < 0)
			return -1;
		findings_add(fs, id, (enum finding_severity)severity, title,
			     json_string_value(json_object_get(o, "evidence")),
			     json_string_value(json_object_get(o, "remedy")));
	}
	return 0;
}
