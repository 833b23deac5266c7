/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests of test-sys-root.c once more, on a kernel without openat2(2). */
#define TEST_WITHOUT_OPENAT2
#include "test-sys-root.c"
