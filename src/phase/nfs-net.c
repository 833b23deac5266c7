/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client program says through ssh, and connections to where it listens. */
#include "phase/nfs-net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>

#include "base/parse.h"
#include "phase/nfs-sec.h"
#include "sys/clock.h"
#include "sys/inet.h"
#include "sys/signal.h"
#include "sys/thread.h"

/* The other side ends after two minutes without a sign of life. */
#define SIGN_MS	  20000
#define CONNECT_S 15
/* Of the client's lines: how long, and how many are told in a session. */
#define LINE_MAX_ 200
#define TOLD_MAX  100u
/* Only root has these; the client lets no others in. */
#define LOW_FIRST 600
#define LOW_LAST  1023

struct nfs_net {
	const struct job *job;
	const char *client;
	struct events *events;
	char *host; /* as the client object has it */
	pthread_t thread;
	int ours; /* of the session: -1: there is none */
	char line[LINE_MAX_];
	size_t len;
	struct inet at;
	bool opened; /* it listens somewhere */
	pthread_mutex_t lock;
	/* under the lock */
	bool met, ended;
	struct err why; /* the first cause */
	struct strv told;
};

bool nfs_net_is_in(const struct job *job)
{
	return *job->spec.nfs_host != '\0';
}

static int resolve(struct nfs_net *n, uint16_t port, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(n->host, NULL, &hints, &found);

	if (rc != 0 || found->ai_addrlen > sizeof(n->at.addr)) {
		err_set(err, ERR_OPERATOR,
			"client %s: its nfs_host '%s' cannot be found: %s", n->client,
			n->host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
		return err_remedy(err, "nim -o change -a nfs_host=ADDRESS %s", n->client);
	}
	memcpy(&n->at.addr, found->ai_addr, found->ai_addrlen);
	n->at.len = found->ai_addrlen;
	inet_set_port(&n->at, port);
	freeaddrinfo(found);
	return 0;
}

int nfs_net_new(struct nfs_net **ret, const struct phase_ctx *c, struct err *err)
{
	struct nfs_net *n = xcalloc(1, sizeof(*n));
	uint16_t port = 0;

	n->job = c->job;
	n->client = c->job->spec.client;
	n->events = c->events;
	n->ours = -1;
	pthread_mutex_init(&n->lock, NULL);
	if (parse_host(c->job->spec.nfs_host, &n->host, &port, err) < 0 ||
	    resolve(n, port, err) < 0) {
		nfs_net_free(n);
		return -1;
	}
	*ret = n;
	return 0;
}

void nfs_net_free(struct nfs_net *n)
{
	if (!n)
		return;
	nfs_net_tell(n);
	strv_done(&n->told);
	pthread_mutex_destroy(&n->lock);
	free(n->host);
	free(n);
}

/* --- connections --- */

static bool bind_low(int fd, const struct inet *to)
{
	struct inet own = { .addr.ss_family = to->addr.ss_family, .len = to->len };

	for (unsigned port = LOW_LAST; port >= LOW_FIRST; port--) {
		inet_set_port(&own, port);
		if (bind(fd, (const struct sockaddr *)&own.addr, own.len) == 0)
			return true;
		if (errno != EADDRINUSE)
			break;
	}
	return false;
}

int nfs_net_connect(struct nfs_net *n, struct err *err)
{
	const struct timeval limit = { .tv_sec = CONNECT_S };
	const struct inet *to = &n->at;
	_cleanup_close_ int fd = socket(to->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC,
					0);
	char text[INET_TEXT_MAX];

	if (fd < 0 || !bind_low(fd, to) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return err_set_errno(err, ERR_OPERATOR, "no socket for NFS");
	if (connect(fd, (const struct sockaddr *)&to->addr, to->len) == 0)
		return TAKE_FD(fd);
	if (errno == EINPROGRESS)
		errno = ETIMEDOUT;
	err_set_errno(err, ERR_TRANSIENT, "client %s cannot be reached at %s port %u",
		      n->client, inet_text(to, text), inet_port(to));
	return err_remedy(err,
			  "let TCP through to it (nfs_host=HOST:PORT fixes the port), or "
			  "nim -o change -a nfs_host=OTHER %s",
			  n->client);
}

/* --- what the client says --- */

static void keep_cause(struct nfs_net *n, const struct err *why)
{
	pthread_mutex_lock(&n->lock);
	if (n->why.kind == ERR_NONE)
		n->why = *why;
	pthread_mutex_unlock(&n->lock);
}

static int nonsense(struct nfs_net *n, struct err *err)
{
	_cleanup_free_ char *words = client_clean(n->line);

	return err_set(err, ERR_OPERATOR, "client %s says '%s' for where it listens",
		       n->client, words);
}

/* "PORT WORD": to bring the word there is all that makes us the master. */
static int bring_word(struct nfs_net *n, char *text, struct err *err)
{
	char *word = strchr(text, ' ');
	uint64_t port;

	if (!word)
		return nonsense(n, err);
	*word++ = '\0';
	if (parse_u64(text, &port, NULL) < 0 || port == 0 || port > UINT16_MAX ||
	    (inet_port(&n->at) && inet_port(&n->at) != port) ||
	    strspn(word, "0123456789abcdef") != strlen(word))
		return nonsense(n, err);
	inet_set_port(&n->at, (unsigned)port);
	n->opened = true;
	_cleanup_close_ int fd = nfs_net_connect(n, err);
	_cleanup_free_ char *line = xasprintf("%s\n", word);
	if (fd < 0)
		return -1;
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
		return err_set_errno(err, ERR_TRANSIENT, "client %s hangs up", n->client);
	return 0;
}

static int on_line(struct nfs_net *n, struct err *err)
{
	if (starts_with(n->line, "listening "))
		return bring_word(n, n->line + strlen("listening "), err);
	pthread_mutex_lock(&n->lock);
	if (starts_with(n->line, "met "))
		n->met = true;
	if (n->told.n < TOLD_MAX)
		strv_add_take(&n->told, client_clean(n->line));
	pthread_mutex_unlock(&n->lock);
	return 0;
}

static int on_data(void *arg, const void *data, size_t size, struct err *err)
{
	struct nfs_net *n = arg;

	for (const char *p = data; size > 0; p++, size--) {
		if (*p != '\n') {
			n->line[n->len] = *p;
			n->len = MIN(n->len + 1, sizeof(n->line) - 1);
			continue;
		}
		n->line[n->len] = '\0';
		n->len = 0;
		if (on_line(n, err) < 0)
			return -1;
	}
	return 0;
}

/* The kernel's NFS client asks rpc.gssd first, where one runs, also for what is not to be Kerberos: from a port of that. */
static void tell_refused(struct nfs_net *n, const char *text)
{
	_cleanup_free_ char *line = xasprintf("%s: at its nfs_host: %s", n->client, text);

	if (ends_with(text, "not a port of root's"))
		events_output(n->events, line);
	else
		events_warning(n->events, "%s", line);
}

void nfs_net_tell(struct nfs_net *n)
{
	pthread_mutex_lock(&n->lock);
	struct strv told = n->told;
	n->told = (struct strv)STRV_INIT;
	pthread_mutex_unlock(&n->lock);
	for (size_t i = 0; i < told.n; i++) {
		const char *text = told.v[i];

		if (starts_with(text, "met "))
			events_step(n->events, "%s serves its clone to %s", n->client,
				    text + strlen("met "));
		else
			tell_refused(n, text);
	}
	strv_done(&told);
}

/* --- a session --- */

char *nfs_net_listen(const struct nfs_net *n)
{
	char text[INET_TEXT_MAX];

	inet_text(&n->at, text);
	if (inet_port(&n->at) == 0)
		return xstrdup(text);
	return n->at.addr.ss_family == AF_INET6
		       ? xasprintf("[%s]:%u", text, inet_port(&n->at))
		       : xasprintf("%s:%u", text, inet_port(&n->at));
}

/* The host that rpc.gssd asks Kerberos for: what is no full name, it looks up. */
static char *host_of_key(const struct nfs_net *n, struct err *err)
{
	char host[NI_MAXHOST];
	struct inet number;

	if (!inet_from_text(n->host, 0, &number) && strchr(n->host, '.'))
		return xstrdup(n->host);
	int rc = getnameinfo((const struct sockaddr *)&n->at.addr, n->at.len, host,
			     sizeof(host), NULL, 0, NI_NAMEREQD);
	if (rc == 0)
		return xstrdup(host);
	err_set(err, ERR_OPERATOR, "client %s: its nfs_host %s has no full name: %s",
		n->client, n->host, gai_strerror(rc));
	err_remedy(err,
		   "nim -o change -a nfs_host=NAME %s, with the host of its key nfs/NAME",
		   n->client);
	return NULL;
}

int nfs_net_words(const struct nfs_net *n, struct strv *argv, struct err *err)
{
	if (!nfs_sec_is_in(n->job))
		return 0;
	_cleanup_free_ char *host = host_of_key(n, err);
	return host ? nfs_sec_words(n->job, host, argv, err) : -1;
}

/* Hears what is said, and gives signs of life. */
static void *converse(void *arg)
{
	struct nfs_net *n = arg;
	struct pollfd p = { .fd = n->ours, .events = POLLIN };
	struct err why = { 0 };
	char data[512];

	for (;;) {
		int rc = poll(&p, 1, SIGN_MS);

		if (rc == 0 && send(n->ours, "\n", 1, MSG_NOSIGNAL) == 1)
			continue;
		if (rc < 0 && errno == EINTR)
			continue;
		ssize_t size = rc > 0 ? recv(n->ours, data, sizeof(data), 0) : 0;
		if (size <= 0)
			return NULL;
		if (on_data(n, data, (size_t)size, &why) == 0)
			continue;
		keep_cause(n, &why);
		shutdown(n->ours, SHUT_RDWR);
		return NULL;
	}
}

int nfs_net_begin(struct nfs_net *n, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set_errno(err, ERR_INTERNAL, "no sockets for ssh");
	n->ours = ends[0];
	n->len = 0;
	if (thread_start(&n->thread, converse, n) == 0)
		return ends[1];
	close(ends[1]);
	close_p(&n->ours);
	n->ours = -1;
	return err_set_errno(err, ERR_INTERNAL, "cannot start a thread");
}

void nfs_net_end(struct nfs_net *n, const struct err *why)
{
	struct err none = { 0 };

	if (n->ours >= 0) {
		shutdown(n->ours, SHUT_RDWR);
		pthread_join(n->thread, NULL);
		close_p(&n->ours);
		n->ours = -1;
	}
	err_set(&none, ERR_TRANSIENT, "client %s has ended its NFS server", n->client);
	keep_cause(n, why->kind == ERR_NONE ? &none : why);
	pthread_mutex_lock(&n->lock);
	n->ended = true;
	pthread_mutex_unlock(&n->lock);
}

int nfs_net_wait(struct nfs_net *n, struct err *err)
{
	bool met = false, ended = false;

	while (!met && !ended) {
		poll(NULL, 0, 50);
		if (cancel_check(err) < 0)
			return -1;
		pthread_mutex_lock(&n->lock);
		met = n->met;
		ended = n->ended;
		if (!met && ended)
			*err = n->why;
		pthread_mutex_unlock(&n->lock);
	}
	nfs_net_tell(n);
	return met ? 0 : -1;
}

/* --- mounting --- */

void nfs_net_options(struct nfs_net *n, struct str *options)
{
	bool v6 = n->at.addr.ss_family == AF_INET6;
	char text[INET_TEXT_MAX];

	/* nobody is called back but over the same connection */
	str_addf(options, "proto=%s,addr=%s,clientaddr=%s,port=%u,sec=%s",
		 v6 ? "tcp6" : "tcp", inet_text(&n->at, text), v6 ? "::" : "0.0.0.0",
		 inet_port(&n->at), nfs_sec_is_in(n->job) ? n->job->spec.nfs_sec : "sys");
}

char *nfs_net_source(const struct nfs_net *n, size_t export)
{
	return strchr(n->host, ':') ? xasprintf("[%s]:/%zu", n->host, export)
				    : xasprintf("%s:/%zu", n->host, export);
}

/* --- the pre-flight --- */

static int try_door(struct nfs_net *n, const struct phase_ctx *c, struct transport *t,
		    struct err *err)
{
	_cleanup_free_ char *listen = nfs_net_listen(n);
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int ends[2];

	strv_add_all(&argv, "serve-tree", "--json", "--check", "--listen", listen, NULL);
	if (nfs_net_words(n, &argv, err) < 0) {
		err->kind = ERR_UNFIT;
		return -1;
	}
	/* its input must not end */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set_errno(err, ERR_INTERNAL, "no pipe for ssh");
	const struct client_call call = { .args = strv_argv(&argv),
					  .events = c->events,
					  .in_fd = ends[0],
					  .data = on_data,
					  .arg = n };
	int rc = client_run(t, &call, err);
	close(ends[0]);
	close(ends[1]);
	return rc;
}

static void tell_refusal(const struct nfs_net *n, const struct err *why,
			 const char *instead, struct findings *fs)
{
	_cleanup_free_ char *said = strv_join(&n->told, "; ");
	_cleanup_free_ char *what = xasprintf("%s%s%s", why->msg, *said ? ": " : "",
					      said);

	findings_add(fs, "client.nfs", FINDING_INHIBIT,
		     "The client cannot serve its clone over NFS at its nfs_host", what,
		     *why->remedy ? why->remedy : instead);
}

static int check(struct nfs_net *n, const struct phase_ctx *c, struct transport *t,
		 const char *instead, struct findings *fs, struct err *err)
{
	struct err why = { 0 };

	if (try_door(n, c, t, &why) == 0 && n->met) {
		_cleanup_free_ char *met = strv_join(&n->told, "; ");
		_cleanup_free_ char *what =
			xasprintf("NFSv4.2, sec=%s, at %s: %s",
				  nfs_sec_is_in(n->job) ? n->job->spec.nfs_sec : "sys",
				  n->host, met);

		findings_add(fs, "client.nfs", FINDING_PASS,
			     "The client can serve its clone over NFS", what, "");
		return 0;
	}
	/* before that it is the connection that fails, or us */
	if (why.kind == ERR_CANCELLED || (why.kind != ERR_UNFIT && !n->opened)) {
		*err = why;
		return -1;
	}
	tell_refusal(n, &why, instead, fs);
	return 0;
}

int nfs_net_preflight(const struct phase_ctx *c, struct transport *t, const char *instead,
		      struct findings *fs, struct err *err)
{
	struct nfs_net *n = NULL;
	struct err unknown = { 0 };

	if (nfs_net_new(&n, c, &unknown) < 0) {
		findings_add(fs, "nfs.host", FINDING_INHIBIT,
			     "The client's nfs_host is not known", unknown.msg,
			     unknown.remedy);
		return 0;
	}
	int rc = check(n, c, t, instead, fs, err);
	/* they are in the finding */
	strv_done(&n->told);
	nfs_net_free(n);
	return rc;
}
