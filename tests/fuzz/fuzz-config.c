/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files: every refusal names the file and the line. */
#include "fuzz.h"

#include "cli/config.h"

const char *const fuzz_seeds[] = {
	"# c\n[nimadm]\nstate = /var/lib/nim\njobs = 4\n; d\njson=yes\n",
	"cache = /x\nmirror = http://example.org/debian\n",
	NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	struct config c = CONFIG_INIT;
	struct err err = { 0 };

	if (config_parse(&c, "input", text, &err) < 0)
		PROMISE(err.kind == ERR_USAGE && strstr(err.msg, "input"));
	else
		PROMISE(err.kind == ERR_NONE);
	config_done(&c);
	return 0;
}
