/*
 * Copyright (c) 2026 The Sealmail authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * Handshakes of a server: connect, TLS, the greeting, close; again and again,
 * on several connections at once, each in a process of its own.
 *
 * usage: tls_bench PORT CONNECTIONS SECONDS full|resumed 1.2|1.3
 * Prints how many a second there were, and the median's milliseconds of one.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define TIMES_MAX 200000

static SSL_SESSION *session;
static uint16_t port;

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
keep(SSL *ssl, SSL_SESSION *s)
{
	SSL_SESSION_free(session);
	session = s;
	return 1;
}

/* Returns whether the session was resumed. */
static bool
once(SSL_CTX *ctx, bool resume)
{
	struct sockaddr_in sin;
	char line[1024];
	SSL *ssl;
	bool resumed;
	int fd, on;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	on = 1;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		err(1, "connect");
	ssl = SSL_new(ctx);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    (resume && session != NULL && SSL_set_session(ssl, session) != 1))
		errx(1, "SSL_new");
	/* The greeting's arrival ends it: TLS 1.3's tickets come before. */
	if (SSL_connect(ssl) != 1 || SSL_read(ssl, line, sizeof(line)) <= 0)
		errx(1, "handshake failed");
	resumed = SSL_session_reused(ssl) == 1;
	SSL_set_quiet_shutdown(ssl, 1);
	(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	(void)close(fd);
	return resumed;
}

static int
by_time(const void *a, const void *b)
{
	double x, y;

	x = *(const double *)a;
	y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* What one connection after the other makes of the time; to fd. */
static void
worker(SSL_CTX *ctx, double seconds, bool resume, int fd)
{
	static double times[TIMES_MAX];
	double result[2], start, end, t;
	size_t n;

	(void)once(ctx, false);
	start = now();
	end = start + seconds;
	for (n = 0; n < TIMES_MAX && (t = now()) < end; n++) {
		if (once(ctx, resume) != resume)
			errx(1, "resumed: %s", resume ? "no" : "yes");
		times[n] = now() - t;
	}
	qsort(times, n, sizeof(times[0]), by_time);
	result[0] = (double)n / (now() - start);
	result[1] = n == 0 ? 0 : times[n / 2] * 1000;
	if (write(fd, result, sizeof(result)) != sizeof(result))
		err(1, "write");
	_exit(0);
}

int
main(int argc, char *argv[])
{
	double result[2], rate, median;
	SSL_CTX *ctx;
	bool resume;
	int fds[2], n, version;

	if (argc != 6)
		errx(1,
		    "usage: tls_bench port connections seconds "
		    "full|resumed 1.2|1.3");
	port = (uint16_t)atoi(argv[1]);
	n = atoi(argv[2]);
	resume = strcmp(argv[4], "resumed") == 0;
	version = strcmp(argv[5], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || pipe(fds) == -1 ||
	    SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, version) != 1)
		errx(1, "no context");
	(void)SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep);
	for (int i = 0; i < n; i++) {
		if (fork() == 0)
			worker(ctx, atof(argv[3]), resume, fds[1]);
	}
	rate = median = 0;
	for (int i = 0; i < n; i++) {
		int status;

		(void)wait(&status);
		if (status != 0 ||
		    read(fds[0], result, sizeof(result)) != sizeof(result))
			errx(1, "a client failed");
		rate += result[0];
		median += result[1] / n;
	}
	(void)printf("TLS %s %s, %d at once: %.0f/s, median %.2f ms\n", argv[5],
	    argv[4], n, rate, median);
	return 0;
}
