/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of MIT Kerberos, version 2: entries with their length in front, numbers in the order of the network. */
#include "model/keytab.h"

#include <strings.h>

#include "sys/files.h"

#define SIZE_MAX_ ((size_t)1 << 20)
#define PARTS_MAX 8u
/* What a principal is made of here; nothing of it has a meaning to a configuration file. */
#define ALLOWED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-$/@"

struct cursor {
	const unsigned char *p;
	size_t left;
};

static bool get(struct cursor *c, size_t n, uint32_t *ret)
{
	uint32_t value = 0;

	if (c->left < n)
		return false;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | c->p[i];
	c->p += n;
	c->left -= n;
	*ret = value;
	return true;
}

static bool get_text(struct cursor *c, struct str *out)
{
	uint32_t len;

	if (!get(c, 2, &len) || c->left < len)
		return false;
	str_addn(out, (const char *)c->p, len);
	c->p += len;
	c->left -= len;
	return true;
}

static bool parse_entry(struct cursor c, struct strv *ret)
{
	_cleanup_str_ struct str realm = STR_INIT;
	_cleanup_str_ struct str name = STR_INIT;
	uint32_t parts;

	if (!get(&c, 2, &parts) || parts == 0 || parts > PARTS_MAX ||
	    !get_text(&c, &realm))
		return false;
	for (uint32_t i = 0; i < parts; i++) {
		if (i > 0)
			str_addc(&name, '/');
		if (!get_text(&c, &name))
			return false;
	}
	str_addf(&name, "@%s", str_c(&realm));
	/* one with other characters is of no use to us */
	if (strspn(str_c(&name), ALLOWED) == name.len && !strv_has(ret, str_c(&name)))
		strv_add(ret, str_c(&name));
	return true;
}

int keytab_parse(const void *data, size_t size, struct strv *ret, struct err *err)
{
	struct cursor c = { data, size };
	uint32_t value;

	if (!get(&c, 2, &value) || value != 0x0502)
		return err_set(err, ERR_OPERATOR, "it is no keytab");
	while (c.left > 0) {
		if (!get(&c, 4, &value) || value == 0)
			break;
		/* a negative length is that of a hole */
		bool hole = value >= 0x80000000u;
		size_t len = hole ? (size_t)(0u - value) : value;
		if (len > c.left ||
		    (!hole && !parse_entry((struct cursor){ c.p, len }, ret)))
			return err_set(err, ERR_OPERATOR, "the keytab is damaged");
		c.p += len;
		c.left -= len;
	}
	return 0;
}

int keytab_read(const char *path, struct strv *ret, struct err *err)
{
	_cleanup_str_ struct str data = STR_INIT;

	if (!files_exists(path))
		return err_set(err, ERR_NOTFOUND, "there is no keytab %s", path);
	if (files_read(path, SIZE_MAX_, &data, err) < 0)
		return -1;
	return keytab_parse(data.p, data.len, ret, err) < 0 ? err_prefix(err, "%s", path)
							    : 0;
}

bool keytab_is_machine(const char *principal)
{
	const char *at = strchr(principal, '@');

	return starts_with(principal, "nfs/") || starts_with(principal, "host/") ||
	       starts_with(principal, "root/") ||
	       (at && at > principal && at[-1] == '$' &&
		!memchr(principal, '/', (size_t)(at - principal)));
}

const char *keytab_find(const struct strv *principals, const char *service,
			const char *host)
{
	_cleanup_free_ char *want = xasprintf("%s/%s@", service, host);

	for (size_t i = 0; i < principals->n; i++)
		if (strncasecmp(principals->v[i], want, strlen(want)) == 0)
			return principals->v[i];
	return NULL;
}
