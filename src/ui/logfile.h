/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that log sinks append to. */
#pragma once

#include <stdio.h>

#include "base/err.h"

/* Opens for appending (a job that is resumed goes on in its log); makes the directories. NULL and *err. */
FILE *ui_logfile_open(const char *path, struct err *err);
