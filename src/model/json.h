/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers around jansson, shared by all that write JSON. */
#pragma once

#include <jansson.h>

#include "base/str.h"

/*
 * Text of foreign origin (a tool's output, a file name) as a JSON string: bytes that are no UTF-8 become U+FFFD, so that
 * no event is lost for one odd byte. NULL gives null. New reference.
 */
json_t *json_text(const char *text);
