/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One value of os-release(5). */
#include "model/os-release.h"

#include "base/str.h"

char *os_release_get(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p && *p;
	     p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		if (strncmp(p, key, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		const char *quote = *p == '"' || *p == '\'' ? p++ : NULL;
		size_t len = quote ? strcspn(p, *quote == '"' ? "\"\n" : "'\n")
				   : strcspn(p, " \t\n");
		return xstrndup(p, len);
	}
	return xstrdup("");
}
