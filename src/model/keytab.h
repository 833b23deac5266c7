/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kerberos keytabs: whose keys are in there. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#define KEYTAB "/etc/krb5.keytab"

/* Each principal once, as "nfs/web01.example.com@EXAMPLE.COM". */
int keytab_parse(const void *data, size_t size, struct strv *ret, struct err *err)
	_must_check_;
/* ERR_NOTFOUND: there is none. */
int keytab_read(const char *path, struct strv *ret, struct err *err) _must_check_;
/* Those that a machine, rather than a person, has: nfs/HOST, host/HOST, root/HOST and NAME$. */
bool keytab_is_machine(const char *principal);
/* One for this service ("nfs") of this host, of whatever realm. NULL: none. */
const char *keytab_find(const struct strv *principals, const char *service,
			const char *host);
