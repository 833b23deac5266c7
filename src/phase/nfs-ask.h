/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an NFS server answers. */
#pragma once

#include "base/err.h"

/* Asks for nothing over a connected socket; ERR_TRANSIENT: no answer within that time, or not that of an NFS server. */
int nfs_ask(int fd, unsigned seconds, struct err *err) _must_check_;
