/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON strings from text that may be no UTF-8; members of objects. */
#include "model/json.h"

#include "base/parse.h"

/* Length of the well-formed UTF-8 sequence at s, 0 when there is none (RFC 3629: no surrogates, no overlong forms). */
static size_t utf8_sequence(const unsigned char *s)
{
	static const struct {
		unsigned char lead_lo, lead_hi, second_lo, second_hi;
		size_t len;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (s[0] < forms[i].lead_lo || s[0] > forms[i].lead_hi)
			continue;
		if (s[1] < forms[i].second_lo || s[1] > forms[i].second_hi)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

json_t *json_text(const char *text)
{
	_cleanup_str_ struct str out = STR_INIT;
	json_t *j;

	if (!text)
		return json_null();
	j = json_string(text); /* NULL when it is no UTF-8 */
	if (j)
		return j;
	for (const char *p = text; *p;) {
		size_t n = utf8_sequence((const unsigned char *)p);

		if (n == 0)
			str_add(&out, "\xef\xbf\xbd");
		else
			str_addn(&out, p, n);
		p += MAX(n, (size_t)1);
	}
	return json_string(str_c(&out));
}

json_t *json_from_strv(const struct strv *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(array, json_text(v->v[i]));
	return array;
}

void json_to_strv(const json_t *array, struct strv *ret)
{
	json_t *word;
	size_t i;

	json_array_foreach(array, i, word) if (json_is_string(word))
		strv_add(ret, json_string_value(word));
}

const char *json_field(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

uint64_t json_number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	uint64_t n = 0;

	if (json_is_integer(v))
		return json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
	return parse_u64(json_field(o, key), &n, NULL) < 0 ? 0 : n;
}

int json_run(struct runner *run, const char *const *argv, json_t **ret, struct err *err)
{
	_cleanup_str_ struct str out = STR_INIT;
	struct proc_spec spec = { .argv = argv, .out = &out, .timeout_s = 60 };
	json_error_t why;

	if (runner_check(run, &spec, err) < 0)
		return err && err->kind == ERR_CANCELLED ? -1 : 1;
	*ret = json_loadb(str_c(&out), out.len, 0, &why);
	if (!*ret)
		return err_set(err, ERR_OPERATOR, "%s: not JSON: %s", argv[0], why.text);
	return 0;
}
