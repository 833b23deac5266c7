/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout out of a test's arguments: "disk=NAME:LABEL", "lv=VG:NAME:TYPE:DISKS:MOUNT", "fs=MOUNT:DEVICE:TYPE:UUID:OPTIONS". */
#pragma once

#include "model/layout.h"

/* -1: not such an argument, or too many. The layout lives as long as the program. */
int layout_arg_add(struct layout *l, char *text);
