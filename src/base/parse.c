/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict parsing: the whole text must be consumed, overflow is an error, no locale, no leading blanks. */
#include "base/parse.h"

/* Digits at *s; moves *s behind them. False: none, or more than 64 bits hold. */
bool parse_digits(const char *p, size_t n, unsigned base, uint64_t *ret)
{
	uint64_t v = 0;

	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)p[i] - (unsigned)'0';

		if (digit >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return true;
}

bool parse_digits32(const char *p, size_t n, unsigned base, uint32_t *ret)
{
	uint64_t v;

	if (!parse_digits(p, n, base, &v) || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	}
	*s = p;
	*ret = value;
	return true;
}

int parse_u64(const char *s, uint64_t *ret, struct err *err)
{
	const char *p = s;
	uint64_t value;

	if (!digits(&p, &value) || *p != '\0')
		return err_set(err, ERR_USAGE, "\"%s\" is not a number", s);
	*ret = value;
	return 0;
}

int parse_i64(const char *s, int64_t *ret, struct err *err)
{
	const char *p = *s == '-' ? s + 1 : s;
	uint64_t value, limit = (uint64_t)INT64_MAX + (*s == '-');

	if (!digits(&p, &value) || *p != '\0' || value > limit)
		return err_set(err, ERR_USAGE, "\"%s\" is not a whole number", s);
	*ret = *s == '-' ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

struct unit {
	const char *text;
	uint64_t factor;
};

static bool with_unit(const char *s, const struct unit *units, size_t n, uint64_t *ret)
{
	uint64_t value;

	if (!digits(&s, &value))
		return false;
	for (size_t i = 0; i < n; i++)
		if (streq(s, units[i].text))
			return !__builtin_mul_overflow(value, units[i].factor, ret);
	return false;
}

int parse_size(const char *s, uint64_t *ret, struct err *err)
{
	static const struct unit units[] = {
		{ "", 1 },	     { "K", 1ull << 10 }, { "k", 1ull << 10 },
		{ "M", 1ull << 20 }, { "m", 1ull << 20 }, { "G", 1ull << 30 },
		{ "g", 1ull << 30 }, { "T", 1ull << 40 }, { "t", 1ull << 40 },
	};
	uint64_t value;

	if (!with_unit(s, units, ARRAY_SIZE(units), &value))
		return err_set(
			err, ERR_USAGE,
			"\"%s\" is not a size; write bytes or a number with K, M, G or T",
			s);
	*ret = value;
	return 0;
}

int parse_bool(const char *s, bool *ret, struct err *err)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {
		{ "yes", true }, { "no", false },  { "true", true }, { "false", false },
		{ "on", true },	 { "off", false }, { "1", true },    { "0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (streq(s, words[i].text)) {
			*ret = words[i].value;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "\"%s\" is neither yes nor no", s);
}

/* Where the host in `s` ends and its port begins: NULL, there is none. */
static const char *port_of(const char *s, size_t *ret_len)
{
	const char *colon = strchr(s, ':');

	*ret_len = strlen(s);
	/* several colons: an address, and no more than that */
	if (!colon || strchr(colon + 1, ':'))
		return NULL;
	*ret_len = (size_t)(colon - s);
	return colon + 1;
}

int parse_host(const char *s, char **ret_host, uint16_t *ret_port, struct err *err)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_:";
	const char *host = s, *end = *s == '[' ? strchr(s, ']') : NULL, *port = NULL;
	uint64_t number = 0;
	size_t len = 0;

	if (end) {
		host = s + 1;
		len = (size_t)(end - host);
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		port = port_of(s, &len);
	}
	bool good = len > 0 && *host != '-' && strspn(host, allowed) >= len &&
		    (!end || port || !end[1]);
	if (good && port)
		good = parse_digits(port, strlen(port), 10, &number) && number > 0 &&
		       number <= UINT16_MAX;
	if (!good)
		return err_set(err, ERR_USAGE,
			       "\"%s\" is neither HOST nor HOST:PORT, nor [IPV6]:PORT",
			       s);
	*ret_host = xstrndup(host, len);
	*ret_port = (uint16_t)number;
	return 0;
}
