/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From names of clients to what ssh needs. */
#include "cli/client.h"

#include "model/object.h"

void client_done(struct client *c)
{
	free(c->name);
	free(c->host);
	free(c->port);
	free(c->ssh_options);
	free(c->nfs_host);
	free(c->nfs_sec);
	object_done(&c->object);
}

/* The name is that of a log directory and of a lease, too. */
static bool is_address(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at != name && at[1] && *name != '-' && *name != '.' &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789.:@_-%[]")];
}

/* The host of 'NETWORK HOST MAC'; NULL where there is none. */
static char *host_of_interface(const char *if1)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_split(&words, if1 ? if1 : "", " \t");
	return words.n > 1 ? xstrdup(words.v[1]) : NULL;
}

static char *text_of(const struct object *o, const char *attr)
{
	const char *value = object_get(o, attr);

	return xstrdup(value ? value : "");
}

int client_find(struct store *s, const char *name, struct client *ret, struct err *err)
{
	_cleanup_client_ struct client c = CLIENT_INIT;

	c.name = xstrdup(name);
	if (is_address(name) && !store_object_exists(s, name)) {
		c.host = xstrdup(name);
	} else {
		if (store_object_get(s, name, "standalone", &c.object, err) < 0) {
			if (err->kind == ERR_OPERATOR)
				err->kind = ERR_USAGE;
			else if (err->kind == ERR_NOTFOUND)
				err_remedy(err,
					   "nim -o define -t standalone -a host=HOST "
					   "%s, or give USER@HOST",
					   name);
			return err_prefix(err, "-c");
		}
		c.host = xstrdup(object_get(&c.object, "host"));
		if (!c.host)
			c.host = host_of_interface(object_get(&c.object, "if1"));
		if (!c.host)
			c.host = xstrdup(name);
	}
	c.port = text_of(&c.object, "ssh_port");
	c.ssh_options = text_of(&c.object, "ssh_options");
	c.nfs_host = text_of(&c.object, "nfs_host");
	c.nfs_sec = text_of(&c.object, "nfs_sec");
	*ret = c;
	c = (struct client)CLIENT_INIT;
	return 0;
}

static bool is_excluded(const struct object *group, const char *member)
{
	for (size_t i = 0; i < group->n_attrs; i++)
		if (streq(group->attrs[i].name, "excluded") &&
		    streq(group->attrs[i].value, member))
			return true;
	return false;
}

static void add(struct strv *list, const char *name)
{
	if (!strv_has(list, name))
		strv_add(list, name);
}

static int expand_group(struct store *s, const char *name, struct strv *ret,
			struct err *err)
{
	_cleanup_object_ struct object o = OBJECT_INIT;
	size_t before = ret->n;

	if (store_object_get(s, name, NULL, &o, err) < 0)
		return -1;
	if (!streq(o.type, "mac_group")) {
		add(ret, name);
		return 0;
	}
	for (size_t i = 0; i < o.n_attrs; i++)
		if (streq(o.attrs[i].name, "member") &&
		    !is_excluded(&o, o.attrs[i].value))
			add(ret, o.attrs[i].value);
	if (ret->n > before)
		return 0;
	err_set(err, ERR_USAGE, "-c %s: all members of the group are excluded", name);
	return err_remedy(err, "nim -o select -a include_all=yes %s", name);
}

struct transport_target client_reach(const struct client *c, const char *state_dir)
{
	return (struct transport_target){
		.name = c->name,
		.host = c->host,
		.port = *c->port ? c->port : NULL,
		.options = *c->ssh_options ? c->ssh_options : NULL,
		.state_dir = state_dir,
	};
}

int client_expand(struct store *s, const struct strv *names, struct strv *ret,
		  struct err *err)
{
	for (size_t i = 0; i < names->n; i++) {
		/* what is no object is client_find's to judge */
		if (!store_object_exists(s, names->v[i]))
			add(ret, names->v[i]);
		else if (expand_group(s, names->v[i], ret, err) < 0)
			return -1;
	}
	return 0;
}
