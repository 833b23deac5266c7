/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signs of life for a master that waits (NIMADM_BEAT=SECONDS in the environment): an empty line on standard error each time that
 * many seconds in which this process has worked. One that hangs, in a disk that does not answer or a lock, says nothing.
 */
#pragma once

/* Starts a thread that goes on to the end of the process; nothing happens where nobody asks for it. */
void beat_start(void);
/* How often a master waits for one, in seconds; 0: there is no master. */
unsigned beat_interval(void);
