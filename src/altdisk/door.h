/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An address of this machine at which one master may come in, and nobody else.
 *
 * Which one is not guessed: jump hosts, several networks and translated addresses make what ssh knows of it wrong. A word that
 * nobody can guess is said to standard output, which the master reads through ssh, and whoever brings it to the address is
 * the master: from there on its address may connect, and every other one is hung up on before a byte of it is read.
 *
 * Standard output has a line for each thing that happens: "listening PORT WORD", "met ADDRESS", "refused ADDRESS PORT why".
 * Standard input is the master's sign of life.
 */
#pragma once

#include "base/err.h"
#include "sys/inet.h"

#define DOOR_WORD_LEN 32

struct door {
	int listener;
	struct inet at, peer;
	char word[DOOR_WORD_LEN + 2]; /* with its line end */
	bool any_port;		      /* what comes proves by itself who it is */
	/* who was refused last, why and when, and how often anybody has been named */
	struct inet last;
	const char *last_why;
	double last_at;
	unsigned named;
};
#define DOOR_INIT                                                                        \
	{                                                                                \
		.listener = -1                                                           \
	}
#define _cleanup_door_ _cleanup_(door_close)
/* "ADDRESS", "ADDRESS:PORT". ERR_UNFIT: it is no address of this machine, or the port is taken. */
int door_open(struct door *d, const char *where, struct err *err) _must_check_;
/* Says where and with which word, and waits for the master. */
int door_meet(struct door *d, struct err *err) _must_check_;
/*
 * Joins each connection of the master with one that inside(arg) makes (-1: none). Until standard input ends or says nothing for
 * two minutes; then nobody is let in any more, and what is still being said is waited for: when a master is killed, its
 * kernel's last questions.
 */
int door_run(struct door *d, int (*inside)(void *arg, struct err *err), void *arg,
	     struct err *err) _must_check_;
void door_close(struct door *d);
