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
 * Commands: which one it is, whether it may be said now, and the short ones.
 */

#include <sys/types.h>

#include <stdlib.h>

#include "log.h"
#include "tlsio.h"

#include "engine.h"

static void command_starttls(struct session *);
static bool command_counts(struct session *, enum smtp_verb);
static bool command_logged_in(struct session *);
static void
command_mail(struct session *, enum smtp_verb, const char *, size_t);
static void command_short(struct session *, enum smtp_verb);

void
command_run(struct session *s, const char *line, size_t len)
{
	const char *arg;
	size_t arglen;
	enum smtp_verb verb;
	bool bad;

	verb = smtp_verb_parse(line, len, &arg, &arglen, &bad);
	report_command(s, verb);
	if (verb == SMTP_HTTP) {
		/* Somebody's browser, and not of his own will. */
		session_refused(s, "protocol");
		session_reply(s, 421, "4.7.0", "This is not HTTP");
		session_close(s);
		return;
	}
	if (bad) {
		session_error(s, 500, "5.5.2", "Bad characters");
		return;
	}
	if (!command_counts(s, verb))
		return;
	switch (verb) {
	case SMTP_HELO:
	case SMTP_EHLO:
	case SMTP_LHLO:
		mail_helo(s, verb, arg, arglen);
		break;
	case SMTP_MAIL:
	case SMTP_RCPT:
	case SMTP_DATA:
	case SMTP_BDAT:
		command_mail(s, verb, arg, arglen);
		break;
	case SMTP_STARTTLS:
		if (arglen > 0)
			session_error(s, 501, "5.5.4", "No parameters allowed");
		else
			command_starttls(s);
		break;
	case SMTP_AUTH:
		auth_start(s, arg, arglen);
		break;
	case SMTP_UNKNOWN:
	case SMTP_RSET:
	case SMTP_NOOP:
	case SMTP_HELP:
	case SMTP_VRFY:
	case SMTP_EXPN:
	case SMTP_QUIT:
	case SMTP_HTTP:
		command_short(s, verb);
		break;
	}
}

/* Commands that bring no mail nearer are not for ever. */
static bool
command_counts(struct session *s, enum smtp_verb verb)
{
	if (verb == SMTP_QUIT || verb == SMTP_RCPT || verb == SMTP_DATA ||
	    verb == SMTP_BDAT)
		return true;
	if (++s->idle_commands <= IDLE_COMMANDS_MAX)
		return true;
	session_refused(s, "commands");
	session_reply(s, 421, "4.7.0", "Too many commands without mail");
	session_close(s);
	return false;
}

static void
command_mail(
    struct session *s, enum smtp_verb verb, const char *arg, size_t len)
{
	if (verb == SMTP_BDAT) {
		data_bdat(s, arg, len); /* its octets come in any case */
		return;
	}
	if (s->helo == NULL) {
		session_error(s, 503, "5.5.1", "Say %s first",
		    session_is_lmtp(s) ? "LHLO" : "EHLO");
		return;
	}
	if (verb == SMTP_MAIL) {
		if (!command_logged_in(s))
			return;
		mail_from(s, arg, len);
		return;
	}
	if (!s->in_mail) {
		session_error(s, 503, "5.5.1", "Say MAIL first");
		return;
	}
	if (s->chunking) {
		session_error(s, 503, "5.5.1", "Not amid BDAT");
		return;
	}
	if (verb == SMTP_RCPT)
		rcpt_to(s, arg, len);
	else if (len > 0)
		session_error(s, 501, "5.5.4", "No parameters allowed");
	else
		data_start(s);
}

static void
command_short(struct session *s, enum smtp_verb verb)
{
	switch (verb) {
	case SMTP_RSET:
		session_reset(s);
		session_reply(s, 250, "2.0.0", "Ok");
		break;
	case SMTP_NOOP:
		session_reply(s, 250, "2.0.0", "Ok");
		break;
	case SMTP_HELP:
		session_reply(s, 214, "2.0.0", "See RFC 5321");
		break;
	case SMTP_VRFY:
		/* RFC 5321 7.3: whether it exists is said to RCPT alone. */
		session_reply(s, 252, "2.5.2", "Send some mail and see");
		break;
	case SMTP_QUIT:
		session_reply(s, 221, "2.0.0", "Bye");
		session_close(s);
		break;
	case SMTP_EXPN:
		session_error(s, 502, "5.5.1", "Not offered here");
		break;
	case SMTP_UNKNOWN:
	case SMTP_HELO:
	case SMTP_EHLO:
	case SMTP_LHLO:
	case SMTP_MAIL:
	case SMTP_RCPT:
	case SMTP_DATA:
	case SMTP_BDAT:
	case SMTP_STARTTLS:
	case SMTP_AUTH:
	case SMTP_HTTP:
		session_error(s, 500, "5.5.1", "Unknown command");
		break;
	}
}

/* Where users submit nobody else does (RFC 6409 4.3). */
static bool
command_logged_in(struct session *s)
{
	if (s->kind != SMTP_LISTEN_SUBMISSION)
		return true;
	if (!tlsio_is_secure(s->io))
		session_error(s, 530, "5.7.0", "Say STARTTLS first");
	else if (s->login[0] == '\0')
		session_error(s, 530, "5.7.0", "Log in first");
	else if (session_login_over(s)) {
		session_reply(s, 421, "4.7.0", "Connect and log in again");
		session_close(s);
	} else
		return true;
	return false;
}

/*
 * RFC 3207.  Whatever came in clear behind the command is not to be believed
 * once the channel is safe: then there is no channel.
 */
static void
command_starttls(struct session *s)
{
	size_t len;

	if (s->tls != SMTP_TLS_START || tlsio_is_secure(s->io)) {
		session_error(s, 503, "5.5.1", "Not offered here");
		return;
	}
	if (engine_tls(s->listener) == NULL) {
		session_reply(s, 454, "4.7.0", "TLS is not available");
		return;
	}
	(void)tlsio_input(s->io, &len);
	if (len > 0) {
		session_refused(s, "starttls-pipelined");
		session_reply(s, 554, "5.5.1", "Nothing may follow STARTTLS");
		session_close(s);
		return;
	}
	session_reset(s);
	free(s->helo);
	s->helo = NULL;
	session_reply(s, 220, "2.0.0", "Go ahead");
	s->started = s->active; /* of the handshake */
	if (tlsio_starttls(s->io, engine_tls(s->listener)) == -1)
		session_close(s); /* not reached: there was no input */
}
