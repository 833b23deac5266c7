/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a tree that is written to without being synced: a small file beside it names the boot that does so. That
 * survives the death of the process but not of the machine, so what another boot has left unsynced cannot be trusted.
 */
#pragma once

#include "base/err.h"

/* `what` is for messages. ERR_OPERATOR: the machine went down meanwhile, or something was lost. No record: 0. */
int written_check(const char *record, const char *what, struct err *err) _must_check_;
/* This boot writes from here on. */
int written_begin(const char *record, struct err *err) _must_check_;
/* All of it has reached its disk. */
int written_end(const char *record, struct err *err) _must_check_;
/* Some of it has not, and never will. */
int written_lost(const char *record, struct err *err) _must_check_;
