/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening, meeting the master, and letting it in. */
#include "altdisk/door.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <syslog.h>

#include "altdisk/relay.h"
#include "base/parse.h"
#include "sys/clock.h"
#include "sys/signal.h"
#include "sys/thread.h"

/* Seconds: for the master to come; for a word to arrive; between two signs of life. */
#define MEET_S	  60
#define WORD_S	  2
#define SILENCE_S 120
/* After the end: without a byte, and in all. */
#define IDLE_S	   10
#define DRAIN_S	   300
#define DRAIN_MS   100
#define GUESTS_MAX 16
/* Who comes again and again is named once in so many seconds; and nobody more often than this in a session. */
#define NAMED_S	  60
#define NAMED_MAX 100u
/* What only root can have on the other machine. */
#define LOW_PORTS 1024u

static atomic_int guests;

/* --- what is said --- */

static void say(const char *fmt, ...) _printf_(1, 2);
static void say(const char *fmt, ...)
{
	_cleanup_str_ struct str line = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&line, fmt, ap);
	va_end(ap);
	/* nobody may be left to read it */
	(void)!write(STDOUT_FILENO, line.p, line.len);
}

/* The administrator of this machine is told, too. */
static void refuse(struct door *d, const struct inet *who, const char *why)
{
	const double now = clock_mono();
	bool same = d->last_why == why && inet_is_same_host(&d->last, who);
	char text[INET_TEXT_MAX];

	if (d->named >= NAMED_MAX || (same && now < d->last_at + NAMED_S))
		return;
	d->named++;
	d->last = *who;
	d->last_why = why;
	d->last_at = now;
	inet_text(who, text);
	say("refused %s %u %s\n", text, inet_port(who), why);
	syslog(LOG_WARNING | LOG_AUTH, "refused connection from %s port %u: %s", text,
	       inet_port(who), why);
}

/* --- the address --- */

static char *own_addresses(void)
{
	_cleanup_str_ struct str list = STR_INIT;
	struct ifaddrs *all = NULL;
	char text[INET_TEXT_MAX];

	if (getifaddrs(&all) < 0)
		return xstrdup("");
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct inet a = { .len = sizeof(a.addr) };
		int family = i->ifa_addr ? i->ifa_addr->sa_family : 0;

		if ((family != AF_INET && family != AF_INET6) ||
		    (i->ifa_flags & IFF_LOOPBACK))
			continue;
		memcpy(&a.addr, i->ifa_addr,
		       family == AF_INET ? sizeof(struct sockaddr_in)
					 : sizeof(struct sockaddr_in6));
		if (!starts_with(inet_text(&a, text), "fe80:"))
			str_addf(&list, "%s%s", list.len ? " " : "", text);
	}
	freeifaddrs(all);
	return xstrdup(str_c(&list));
}

static int explain(const struct inet *at, const char *where, struct err *err)
{
	_cleanup_free_ char *own = own_addresses();

	if (errno == EADDRNOTAVAIL) {
		err_set(err, ERR_UNFIT, "%s is no address of this machine", where);
		return err_remedy(err, "nfs_host= must name one of %s", own);
	}
	if (errno == EADDRINUSE) {
		err_set(err, ERR_UNFIT, "port %u of it is in use", inet_port(at));
		return err_remedy(err, "name another one in nfs_host=, or none");
	}
	return err_set_errno(err, ERR_UNFIT, "cannot listen at %s", where);
}

/* An older one of us that is gone may have connections that are not forgotten yet. */
static int listen_at(const struct inet *at)
{
	_cleanup_close_ int fd = socket(at->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC,
					0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (at->addr.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, (const struct sockaddr *)&at->addr, at->len) < 0 ||
	    listen(fd, GUESTS_MAX) < 0)
		return -1;
	return TAKE_FD(fd);
}

static int make_word(struct door *d, struct err *err)
{
	unsigned char random[DOOR_WORD_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_set_errno(err, ERR_OPERATOR, "no random numbers");
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(d->word + 2 * i, 3, "%02x", random[i]);
	d->word[DOOR_WORD_LEN] = '\n';
	return 0;
}

int door_open(struct door *d, const char *where, struct err *err)
{
	_cleanup_free_ char *host = NULL;
	uint16_t port;

	if (parse_host(where, &host, &port, err) < 0)
		return -1;
	if (!inet_from_text(host, port, &d->at) || inet_is_any(&d->at))
		return err_set(err, ERR_USAGE, "--listen: %s is not one address", where);
	d->listener = listen_at(&d->at);
	if (d->listener < 0)
		return explain(&d->at, where, err);
	if (getsockname(d->listener, (struct sockaddr *)&d->at.addr, &d->at.len) < 0)
		return err_set_errno(err, ERR_INTERNAL, "cannot find a port");
	/* before the machine's files are out of sight */
	openlog("altdisk", LOG_NDELAY | LOG_PID, LOG_AUTH);
	return make_word(d, err);
}

void door_close(struct door *d)
{
	/* a guard may have it, too */
	if (d->listener >= 0)
		shutdown(d->listener, SHUT_RDWR);
	close_p(&d->listener);
	d->listener = -1;
}

/* --- the master --- */

static int accept_one(const struct door *d, struct inet *who)
{
	const int on = 1;

	who->len = sizeof(who->addr);
	int fd = accept4(d->listener, (struct sockaddr *)&who->addr, &who->len,
			 SOCK_CLOEXEC);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* All at once, and nothing else: a guess is slow. */
static bool brings_word(const struct door *d, int fd)
{
	const struct timeval limit = { .tv_sec = WORD_S };
	char word[DOOR_WORD_LEN + 1];
	unsigned differ = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    recv(fd, word, sizeof(word), MSG_WAITALL) != (ssize_t)sizeof(word))
		return false;
	for (size_t i = 0; i < sizeof(word); i++)
		differ |= (unsigned char)(word[i] ^ d->word[i]);
	return differ == 0;
}

static void meet_one(struct door *d)
{
	struct inet who;
	char text[INET_TEXT_MAX];
	_cleanup_close_ int fd = accept_one(d, &who);

	if (fd < 0)
		return;
	if (inet_port(&who) >= LOW_PORTS)
		refuse(d, &who, "not a port of root's");
	else if (!brings_word(d, fd))
		refuse(d, &who, "it does not know the word");
	else
		d->peer = who;
	if (d->peer.len > 0)
		say("met %s\n", inet_text(&who, text));
}

enum what { COMES = 1, HEARD = 2, ENDED = 4 };

/* What there is of that, 0: nothing until then. */
static int wait_for(const struct door *d, double until, struct err *err)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
			      { .fd = d->listener, .events = POLLIN },
			      { .fd = cancel_fd(), .events = POLLIN } };
	double left = MAX(until - clock_mono(), 0.0);
	char bytes[64];
	int what = 0;

	if (poll(p, ARRAY_SIZE(p), (int)(left * 1000) + 1) < 0 && errno != EINTR)
		return err_set_errno(err, ERR_INTERNAL, "poll");
	if (cancel_check(err) < 0)
		return -1;
	if (p[0].revents)
		what |= read(STDIN_FILENO, bytes, sizeof(bytes)) > 0 ? HEARD : ENDED;
	return p[1].revents ? what | COMES : what;
}

int door_meet(struct door *d, struct err *err)
{
	const double until = clock_mono() + MEET_S;

	say("listening %u %.*s\n", inet_port(&d->at), DOOR_WORD_LEN, d->word);
	while (d->peer.len == 0) {
		int what = wait_for(d, until, err);

		if (what < 0)
			return -1;
		if (what & ENDED)
			return err_set(err, ERR_TRANSIENT, "the master has hung up");
		if (what & COMES)
			meet_one(d);
		if (d->peer.len == 0 && clock_mono() >= until)
			return err_set(err, ERR_TRANSIENT,
				       "the master has not come to port %u in %d s",
				       inet_port(&d->at), MEET_S);
	}
	return 0;
}

/* --- its connections --- */

struct guest {
	int outside, inside;
};

static void *serve(void *arg)
{
	struct guest *g = arg;
	struct err ignored = { 0 };

	(void)!relay_run(g->outside, g->outside, g->inside, &ignored);
	close(g->outside);
	close(g->inside);
	free(g);
	atomic_fetch_sub(&guests, 1);
	return NULL;
}

/* Takes both descriptors. */
static int let_in(int outside, int inside)
{
	struct guest *g = xcalloc(1, sizeof(*g));

	*g = (struct guest){ outside, inside };
	atomic_fetch_add(&guests, 1);
	if (thread_start(NULL, serve, g) == 0)
		return 0;
	close(outside);
	close(inside);
	free(g);
	atomic_fetch_sub(&guests, 1);
	return -1;
}

static const char *why_not(const struct door *d, const struct inet *who)
{
	if (!inet_is_same_host(&d->peer, who))
		return "not the master";
	if (inet_port(who) >= LOW_PORTS && !d->any_port)
		return "not a port of root's";
	return atomic_load(&guests) >= GUESTS_MAX ? "too many connections" : NULL;
}

static void answer_door(struct door *d, int (*inside)(void *arg, struct err *err),
			void *arg)
{
	struct err err = { 0 };
	struct inet who;
	_cleanup_close_ int fd = accept_one(d, &who);
	const char *why = fd < 0 ? NULL : why_not(d, &who);

	if (fd < 0)
		return;
	if (why) {
		refuse(d, &who, why);
		return;
	}
	int other = inside(arg, &err);
	if (other < 0 || let_in(TAKE_FD(fd), other) < 0)
		refuse(d, &who, other < 0 ? err.msg : "no thread can be started");
}

static int drain(struct err *err)
{
	const double until = clock_mono() + DRAIN_S;

	while (atomic_load(&guests) > 0 && relay_idle() < IDLE_S &&
	       clock_mono() < until) {
		if (cancel_check(err) < 0)
			return -1;
		poll(NULL, 0, DRAIN_MS);
	}
	return 0;
}

int door_run(struct door *d, int (*inside)(void *arg, struct err *err), void *arg,
	     struct err *err)
{
	double heard = clock_mono();
	int what = 0;

	while (!(what & ENDED) && clock_mono() < heard + SILENCE_S) {
		what = wait_for(d, heard + SILENCE_S, err);
		if (what < 0)
			return -1;
		if (what & HEARD)
			heard = clock_mono();
		if (what & COMES)
			answer_door(d, inside, arg);
	}
	door_close(d);
	return drain(err);
}
