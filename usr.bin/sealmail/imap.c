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
 * Just enough of an IMAP client for XSEALMAIL: TLS with the server's
 * certificate verified, one command at a time, secrets as literals.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include <tls.h>

#include "imap_client.h"
#include "sealmail.h"

#define WAIT_SECONDS 60 /* for the server's next octets */

static struct {
	struct tls *tls;
	int fd;
	char in[LINE_MAX_OCTETS];
	size_t len;
	char line[LINE_MAX_OCTETS];
	char whole[LINE_MAX_OCTETS]; /* a line with its literals quoted */
} imap = {.fd = -1};

static void
broken(const char *what)
{
	const char *error = imap.tls == NULL ? NULL : tls_error(imap.tls);

	imap_close();
	errx(EX_TEMPFAIL, "%s%s%s", what, error == NULL ? "" : ": ",
	    error == NULL ? "" : error);
}

/* A connected socket that does not wait for ever. */
static int
dial(const char *host, const char *port)
{
	const struct timeval tv = {.tv_sec = WAIT_SECONDS};
	struct addrinfo hints, *list, *ai;
	int error, fd = -1;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	error = getaddrinfo(host, port, &hints, &list);
	if (error != 0)
		errx(EX_TEMPFAIL, "%s: %s; -h names another server", host,
		    gai_strerror(error));
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC,
		    ai->ai_protocol);
		if (fd == -1) {
			error = errno;
			continue;
		}
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
			break;
		error = errno;
		(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd == -1)
		errx(EX_TEMPFAIL, "%s port %s: %s; -h names another server",
		    host, port, strerror(error));
	return fd;
}

void
imap_open(const char *host, const char *port, const char *cafile)
{
	struct tls_config *config;

	if ((config = tls_config_new()) == NULL)
		errx(EX_TEMPFAIL, "tls_config_new");
	if (cafile != NULL && tls_config_set_ca_file(config, cafile) == -1)
		errx(EX_NOINPUT, "%s", tls_config_error(config));
	imap.fd = dial(host, port);
	imap.tls = tls_client();
	if (imap.tls == NULL || tls_configure(imap.tls, config) == -1 ||
	    tls_connect_socket(imap.tls, imap.fd, host) == -1 ||
	    tls_handshake(imap.tls) == -1) {
		if (cafile != NULL || imap.tls == NULL)
			broken(host);
		warnx("%s: %s", host, tls_error(imap.tls));
		imap_close();
		errx(EX_TEMPFAIL,
		    "-C names a file of certificates to believe, in place of "
		    "the system's");
	}
	tls_config_free(config);
	if (strncmp(imap_line(), "* OK ", 5) != 0)
		broken("the server does not greet");
	if (strstr(imap.line, " XSEALMAIL") == NULL ||
	    strstr(imap.line, " LITERAL+") == NULL) {
		imap_close();
		errx(EX_UNAVAILABLE,
		    "%s: this is no Sealmail server: it lacks XSEALMAIL", host);
	}
}

void
imap_close(void)
{
	if (imap.fd != -1)
		(void)close(imap.fd);
	imap.fd = -1;
	explicit_bzero(imap.in, sizeof(imap.in));
	explicit_bzero(imap.line, sizeof(imap.line));
	explicit_bzero(imap.whole, sizeof(imap.whole));
}

static void
send_all(const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = tls_write(imap.tls, p, len);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			continue;
		if (n == -1)
			broken("sending");
		p += n;
		len -= (size_t)n;
	}
}

char *
imap_line(void)
{
	char *end;
	size_t len;
	ssize_t n;

	while ((end = memchr(imap.in, '\n', imap.len)) == NULL) {
		if (imap.len == sizeof(imap.in))
			broken("a line of the server is too long");
		n = tls_read(
		    imap.tls, imap.in + imap.len, sizeof(imap.in) - imap.len);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			continue;
		if (n == 0)
			broken("the server has closed the connection");
		if (n == -1)
			broken("receiving");
		imap.len += (size_t)n;
	}
	len = (size_t)(end - imap.in);
	memcpy(imap.line, imap.in, len);
	if (len > 0 && imap.line[len - 1] == '\r')
		imap.line[len - 1] = '\0';
	imap.line[len] = '\0';
	imap.len -= len + 1;
	memmove(imap.in, end + 1, imap.len);
	explicit_bzero(imap.in + imap.len, len + 1);
	return imap.line;
}

size_t
imap_octets(char *buf, size_t size)
{
	ssize_t n;

	if (imap.len > 0) {
		if (size > imap.len)
			size = imap.len;
		memcpy(buf, imap.in, size);
		imap.len -= size;
		memmove(imap.in, imap.in + size, imap.len);
		return size;
	}
	do
		n = tls_read(imap.tls, buf, size);
	while (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT);
	if (n == 0)
		broken("the server has closed the connection");
	if (n == -1)
		broken("receiving");
	return (size_t)n;
}

void
imap_begin(const char *words)
{
	send_all(IMAP_TAG " ", 2);
	send_all(words, strlen(words));
}

void
imap_argument(const char *s)
{
	char head[32];
	int n;

	n = snprintf(head, sizeof(head), " {%zu+}\r\n", strlen(s));
	send_all(head, (size_t)n);
	send_all(s, strlen(s));
}

void
imap_words(const char *words)
{
	send_all(" ", 1);
	send_all(words, strlen(words));
}

void
imap_send(void)
{
	send_all("\r\n", 2);
}

/* What a refusal means for who called us. */
static int
code_of(const char *text)
{
	static const struct {
		const char *code;
		int exit;
	} codes[] = {
	    {"[AUTHENTICATIONFAILED]", EX_NOPERM},
	    {"[UNAVAILABLE]", EX_TEMPFAIL},
	    {"[CONTACTADMIN]", EX_UNAVAILABLE},
	    {"[NONEXISTENT]", EX_DATAERR},
	    {"[CANNOT]", EX_DATAERR},
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strncasecmp(text, codes[i].code, strlen(codes[i].code)) ==
		    0)
			return codes[i].exit;
	return EX_UNAVAILABLE;
}

/* Does the line end in a literal's head?  Its octets, and where it begins. */
static bool
literal(char *line, char **head, size_t *octets)
{
	const char *why;
	char *p;
	size_t len = strlen(line);

	p = strrchr(line, '{');
	if (p == NULL || line[len - 1] != '}')
		return false;
	line[len - 1] = '\0';
	*octets = (size_t)strtonum(p + 1, 0, LINE_MAX_OCTETS, &why);
	line[len - 1] = '}';
	*head = p;
	return why == NULL;
}

/* Adds n octets, as the inside of a quoted string. */
static void
quote(const char *p, size_t n, size_t *len)
{
	for (; n > 0; n--, p++) {
		if (sizeof(imap.whole) - *len < 4)
			broken("a line of the server is too long");
		if (*p == '"' || *p == '\\')
			imap.whole[(*len)++] = '\\';
		imap.whole[(*len)++] = *p == '\0' || *p == '\r' || *p == '\n' ?
		    '?' :
		    *p;
	}
}

/* A string may come as a literal (RFC 9051, section 4.3) as well as quoted. */
static char *
whole_line(char *line)
{
	char buf[256], *head;
	size_t len = 0, left, n;

	while (literal(line, &head, &left)) {
		n = (size_t)(head - line);
		if (n >= sizeof(imap.whole) - len)
			broken("a line of the server is too long");
		(void)memcpy(imap.whole + len, line, n);
		len += n;
		imap.whole[len++] = '"';
		for (; left > 0; left -= n) {
			n = imap_octets(
			    buf, left < sizeof(buf) ? left : sizeof(buf));
			quote(buf, n, &len);
		}
		explicit_bzero(buf, sizeof(buf));
		imap.whole[len++] = '"';
		line = imap_line();
	}
	if (len == 0)
		return line;
	if (strlcpy(imap.whole + len, line, sizeof(imap.whole) - len) >=
	    sizeof(imap.whole) - len)
		broken("a line of the server is too long");
	return imap.whole;
}

int
imap_answer(void (*untagged)(char *))
{
	char *line, *text;
	int code = 0;

	for (;;) {
		line = imap_line();
		if (strncmp(line, "* XSEALMAIL ", 12) == 0) {
			line = whole_line(line);
			if (untagged != NULL)
				untagged(line + 12);
			continue;
		}
		if (strncmp(line, IMAP_TAG " ", 2) == 0)
			break;
	}
	if (strncmp(line + 2, "OK ", 3) != 0) {
		text = strchr(line + 2, ' ');
		text = text == NULL ? line + 2 : text + 1;
		code = code_of(text);
		if (text[0] == '[' && strstr(text, "] ") != NULL)
			text = strstr(text, "] ") + 2;
		text_plain(text);
		warnx("%s", text);
	}
	return code;
}
