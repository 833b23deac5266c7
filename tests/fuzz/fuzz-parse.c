/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict parsing: what is taken for a number prints as that number, and nothing is filled in by a failure. */
#include "fuzz.h"

#include <inttypes.h>

#include "base/parse.h"

const char *const fuzz_seeds[] = { "0",
				   "18446744073709551615",
				   "-9223372036854775808",
				   "10K",
				   "16777215T",
				   "90s",
				   "2h",
				   "yes",
				   "off",
				   NULL };

/* Leading zeros are all that may be lost on the way. */
static void prints_back(const char *text, const char *printed)
{
	bool minus = *text == '-';
	const char *digits = text + minus;

	digits += strspn(digits, "0");
	if (*digits == '\0')
		PROMISE(streq(printed, "0"));
	else
		PROMISE(streq(printed + minus, digits) && (!minus || *printed == '-'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	uint64_t u = 7, size_value = 7;
	int64_t i = 7;
	bool b = false;
	char printed[32];

	if (parse_u64(text, &u, NULL) == 0) {
		snprintf(printed, sizeof(printed), "%" PRIu64, u);
		prints_back(text, printed);
	} else {
		PROMISE(u == 7);
	}
	if (parse_i64(text, &i, NULL) == 0) {
		snprintf(printed, sizeof(printed), "%" PRId64, i);
		prints_back(text, printed);
	} else {
		PROMISE(i == 7);
	}
	if (parse_size(text, &size_value, NULL) < 0)
		PROMISE(size_value == 7);
	PROMISE(parse_bool(text, &b, NULL) == 0 || !b);
	return 0;
}
