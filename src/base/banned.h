/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that are not used in this project; the build includes this file in front of every other.
 *
 * The headers that declare them come first, so that only our own calls are hit. An error reads
 * "sorry_strcpy_is_banned undeclared". What to use: base/str.h, base/strv.h, base/parse.h, sys/proc.h, sys/clock.h.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BANNED_(call) sorry_##call##_is_banned

/* No bound on the target. */
#define strcpy(...)   BANNED_(strcpy)
#define stpcpy(...)   BANNED_(stpcpy)
#define strcat(...)   BANNED_(strcat)
#define sprintf(...)  BANNED_(sprintf)
#define vsprintf(...) BANNED_(vsprintf)
#define gets(...)     BANNED_(gets)
/* May leave the target without its NUL, or cut without a word. */
#define strncpy(...) BANNED_(strncpy)
#define strncat(...) BANNED_(strncat)
/* Hidden state. */
#define strtok(...)    BANNED_(strtok)
#define gmtime(...)    BANNED_(gmtime)
#define localtime(...) BANNED_(localtime)
#define ctime(...)     BANNED_(ctime)
#define asctime(...)   BANNED_(asctime)
/* Take "12abc" and overflow without complaint. */
#define atoi(...)  BANNED_(atoi)
#define atol(...)  BANNED_(atol)
#define atoll(...) BANNED_(atoll)
#define atof(...)  BANNED_(atof)
/* A shell between us and the program. */
#define system(...) BANNED_(system)
#define popen(...)  BANNED_(popen)
/* Names that somebody else may take first. */
#define tmpnam(...)  BANNED_(tmpnam)
#define tempnam(...) BANNED_(tempnam)
#define mktemp(...)  BANNED_(mktemp)
/* Predictable. */
#define rand(...)  BANNED_(rand)
#define srand(...) BANNED_(srand)
/* Stack of a size that the caller chooses. */
#undef alloca
#define alloca(...) BANNED_(alloca)
