/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sink that keeps a job's events in the database. */
#pragma once

#include "model/event.h"
#include "store/store.h"

/* What happened to jobs and phases, findings, warnings and errors; steps, output and progress are in the log. */
struct event_sink *record_sink(struct store *s) _must_check_;
