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
 * An LMTP client (RFC 2033) over a local socket, for one message.  The server
 * is ours, but its replies are read as if it were not: bounded, and a reply
 * that makes no sense ends the session.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sealmail.h"

#define REPLY_LINES_MAX 64 /* of one reply */
#define TIMEOUT_S 300      /* of each read and write; RFC 5321 4.5.3.2 */

struct lmtp {
	FILE *in;
	FILE *out;
	int code;        /* of the last reply; 0: the session is broken */
	char reply[512]; /* its last line without the line end */
	bool utf8;       /* the server offers SMTPUTF8 */
};

static int
lmtp_open(struct lmtp *l, const char *path)
{
	struct sockaddr_un sun;
	struct timeval tv = {.tv_sec = TIMEOUT_S};
	int fd, dup_fd;

	memset(l, 0, sizeof(*l));
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1 ||
	    (dup_fd = dup(fd)) == -1) {
		(void)close(fd);
		return -1;
	}
	l->in = fdopen(fd, "r");
	l->out = fdopen(dup_fd, "w");
	if (l->in == NULL || l->out == NULL) {
		(void)close(fd);
		(void)close(dup_fd);
		return -1;
	}
	return 0;
}

static void
lmtp_close(struct lmtp *l)
{
	(void)fclose(l->in);
	(void)fclose(l->out);
}

/* Marks the session as broken, with a reason for the user. */
static int
lmtp_broken(struct lmtp *l, const char *reason)
{
	l->code = 0;
	(void)strlcpy(l->reply, reason, sizeof(l->reply));
	return -1;
}

/* Reads one reply, all its lines; -1 if the session is broken. */
static int
lmtp_read(struct lmtp *l)
{
	size_t len;
	int n;

	for (n = 0; n < REPLY_LINES_MAX; n++) {
		if (fgets(l->reply, sizeof(l->reply), l->in) == NULL)
			return lmtp_broken(l, "the server hung up");
		len = strcspn(l->reply, "\r\n");
		if (l->reply[len] == '\0' || len < 3 ||
		    !isdigit((unsigned char)l->reply[0]) ||
		    !isdigit((unsigned char)l->reply[1]) ||
		    !isdigit((unsigned char)l->reply[2]))
			return lmtp_broken(l, "the server does not speak LMTP");
		l->reply[len] = '\0';
		if (len > 4 && strcasecmp(l->reply + 4, "SMTPUTF8") == 0)
			l->utf8 = true;
		if (len == 3 || l->reply[3] != '-') {
			l->code = (l->reply[0] - '0') * 100 +
			    (l->reply[1] - '0') * 10 + (l->reply[2] - '0');
			return 0;
		}
	}
	return lmtp_broken(l, "the server's reply has no end");
}

/* Flushes what was written and reads the reply. */
static int
lmtp_answer(struct lmtp *l)
{
	if (fflush(l->out) == EOF)
		return lmtp_broken(l, strerror(errno));
	return lmtp_read(l);
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

static enum outcome
lmtp_outcome(const struct lmtp *l)
{
	if (l->code >= 200 && l->code < 300)
		return OUTCOME_DONE;
	if (l->code < 500)
		return OUTCOME_TEMPORARY;
	/* RFC 3463: 5.1.1 and 5.1.2 are addresses that lead nowhere. */
	if (strncmp(l->reply + 3, " 5.1.1", 6) == 0 ||
	    strncmp(l->reply + 3, " 5.1.2", 6) == 0)
		return OUTCOME_NO_USER;
	return OUTCOME_FAILED;
}

static void
settle(struct lmtp *l, struct recipient *r)
{
	r->outcome = lmtp_outcome(l);
	if (r->outcome != OUTCOME_DONE)
		(void)strlcpy(r->reply, l->reply, sizeof(r->reply));
}

/*
 * The session went wrong: the last reply is everybody's who has none of his
 * own, and whatever it says, nothing was delivered.
 */
static void
settle_rest(struct lmtp *l, struct delivery *d, size_t from, bool only_accepted)
{
	size_t i;

	if (lmtp_outcome(l) == OUTCOME_DONE)
		(void)lmtp_broken(l, "the server's replies make no sense");
	for (i = from; i < d->n_recipients; i++) {
		if (d->recipients[i].accepted || !only_accepted)
			settle(l, &d->recipients[i]);
	}
}

/* One octet of the message; what was seen last decides how it is sent. */
static void
put_octet(struct lmtp *l, int c, int *last)
{
	if (*last == '\r' && c != '\n')
		(void)putc('\r', l->out);
	if (c == '\n')
		(void)fputs("\r\n", l->out);
	else if (c != '\r') {
		if (*last == '\n' && c == '.')
			(void)putc('.', l->out);
		(void)putc(c, l->out);
	}
	*last = c;
}

/* Line ends become CRLF, lines that begin with a dot get another. */
static int
lmtp_message(struct lmtp *l, FILE *message)
{
	char head[5];
	size_t i, n;
	int c = 0, last = '\n';

	n = fread(head, 1, sizeof(head), message);
	if (n == sizeof(head) && memcmp(head, "From ", 5) == 0) {
		/* The line that mbox-minded mailers put on top. */
		while (c != EOF && c != '\n')
			c = getc(message);
		n = 0;
	}
	for (i = 0; i < n; i++)
		put_octet(l, (unsigned char)head[i], &last);
	while ((c = getc(message)) != EOF)
		put_octet(l, c, &last);
	if (ferror(message))
		return lmtp_broken(l, "the message could not be read");
	if (last != '\n')
		put_octet(l, '\n', &last);
	(void)fputs(".\r\n", l->out);
	return 0;
}

/* Greeting to the last RCPT: how many recipients were accepted, or -1. */
static int
lmtp_envelope(struct lmtp *l, struct delivery *d)
{
	char host[256];
	struct recipient *r;
	size_t i;
	int accepted = 0;
	bool utf8;

	if (gethostname(host, sizeof(host)) == -1 || host[0] == '\0')
		(void)strlcpy(host, "localhost", sizeof(host));
	host[sizeof(host) - 1] = '\0';
	if (lmtp_read(l) == -1 || l->code != 220)
		return -1;
	(void)fprintf(l->out, "LHLO %s\r\n", host);
	if (lmtp_answer(l) == -1 || l->code != 250)
		return -1;
	utf8 = !is_ascii(d->sender);
	for (i = 0; i < d->n_recipients; i++)
		utf8 = utf8 || !is_ascii(d->recipients[i].address);
	(void)fprintf(l->out, "MAIL FROM:<%s> BODY=8BITMIME%s\r\n", d->sender,
	    utf8 && l->utf8 ? " SMTPUTF8" : "");
	if (lmtp_answer(l) == -1 || l->code != 250)
		return -1;
	for (i = 0; i < d->n_recipients; i++) {
		r = &d->recipients[i];
		(void)fprintf(l->out, "RCPT TO:<%s>\r\n", r->address);
		if (lmtp_answer(l) == -1)
			return -1;
		r->accepted = l->code / 100 == 2;
		if (r->accepted)
			accepted++;
		else
			settle(l, r);
	}
	return accepted;
}

/* The data, and one reply per accepted recipient (RFC 2033 4.2). */
static void
lmtp_data(struct lmtp *l, struct delivery *d, FILE *message)
{
	size_t i;

	(void)fputs("DATA\r\n", l->out);
	if (lmtp_answer(l) == -1 || l->code != 354 ||
	    lmtp_message(l, message) == -1 || fflush(l->out) == EOF) {
		if (l->code == 354)
			(void)lmtp_broken(l, "the connection broke");
		settle_rest(l, d, 0, true);
		return;
	}
	for (i = 0; i < d->n_recipients; i++) {
		if (!d->recipients[i].accepted)
			continue;
		if (lmtp_read(l) == -1) {
			settle_rest(l, d, i, true);
			return;
		}
		settle(l, &d->recipients[i]);
	}
	(void)fputs("QUIT\r\n", l->out);
	(void)fflush(l->out);
}

void
lmtp_deliver(struct delivery *d, FILE *message)
{
	struct lmtp l;
	int accepted, error;

	if (lmtp_open(&l, d->socket) == -1) {
		error = errno;
		l.code = 0;
		(void)snprintf(l.reply, sizeof(l.reply), "%s: %s%s", d->socket,
		    strerror(error),
		    error == ENOENT || error == ECONNREFUSED ?
			"; start sealsmtpd, or name its socket by -s" :
			"");
		settle_rest(&l, d, 0, false);
		return;
	}
	accepted = lmtp_envelope(&l, d);
	if (accepted == -1)
		settle_rest(&l, d, 0, false);
	else if (accepted > 0)
		lmtp_data(&l, d, message);
	lmtp_close(&l);
}
