/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The standard streams of a program, from its first line to its last. */
#pragma once

/* A file opened later must not become a standard stream by accident. */
void streams_open(void);
/*
 * Writes out what is left of standard output; -1: some of it is lost. Not so where a pipe's reader has gone, as
 * "| head" does: it has read all that it wanted.
 */
int streams_flush(void);
