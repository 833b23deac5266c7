/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as lines that people read: the same words on a terminal, in plain output and in the log. */
#pragma once

#include "model/event.h"

/* Appends `text` without control characters (escape sequences too); of a line that redraws itself with '\r', the last state.
 * Bytes that are no UTF-8 become '?'. */
void ui_clean(struct str *out, const char *text);
/* Appends at most `columns` characters. */
void ui_clip(struct str *out, const char *text, size_t columns);
/* The event as one or more lines without a final '\n'; empty for what has no line (progress). */
void ui_event_text(struct str *out, const struct event *ev);
