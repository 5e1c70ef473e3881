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
 * HELO, EHLO, LHLO and MAIL.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "tlsio.h"

#include "engine.h"

static void mail_extensions(struct session *);

void
mail_helo(struct session *s, enum smtp_verb verb, const char *arg, size_t len)
{
	char name[SMTP_DOMAIN_MAX + 1];

	/* RFC 2033 4.1: LMTP has LHLO alone, SMTP has none. */
	if (session_is_lmtp(s) != (verb == SMTP_LHLO)) {
		session_error(s, 500, "5.5.1", "This is %s",
		    session_is_lmtp(s) ? "LMTP" : "SMTP");
		return;
	}
	if (smtp_helo_parse(arg, len, name, sizeof(name)) != SMTP_OK) {
		session_error(s, 501, "5.5.4", "Bad host name");
		return;
	}
	session_reset(s);
	free(s->helo);
	s->helo = strdup(name);
	if (s->helo == NULL)
		fatal("strdup");
	s->esmtp = verb != SMTP_HELO;
	if (s->esmtp)
		mail_extensions(s);
	else
		session_reply(
		    s, 250, NULL, "%s", engine_config()->site.hostname);
}

void
mail_from(struct session *s, const char *arg, size_t len)
{
	const struct smtp_slice *config;
	struct smtp_mail mail;
	enum smtp_result res;

	if (s->in_mail) {
		session_error(s, 503, "5.5.1", "One MAIL at a time");
		return;
	}
	res = smtp_mail_parse(arg, len, &mail);
	if (res == SMTP_OK && !session_has_dsn(s) &&
	    (mail.ret != SMTP_RET_NONE || mail.envid[0] != '\0'))
		res = SMTP_UNKNOWN_PARAM;
	/* RFC 8689 3: who says it in clear has not been offered it. */
	if (res == SMTP_OK && mail.requiretls && !session_is_secure(s))
		res = SMTP_UNKNOWN_PARAM;
	if (res != SMTP_OK) {
		mail_refuse(s, res, true);
		return;
	}
	config = engine_config();
	if (config->messages_max != 0 &&
	    s->transactions >= config->messages_max) {
		session_reply(s, 421, "4.7.0", "Too many messages");
		session_close(s);
		return;
	}
	/* RFC 4954 5: known where AUTH is; nobody here is believed in it. */
	if (mail.auth && s->kind != SMTP_LISTEN_SUBMISSION) {
		mail_refuse(s, SMTP_UNKNOWN_PARAM, true);
		return;
	}
	if (s->login[0] != '\0' && mail.from.domain[0] != '\0' &&
	    !identity_owns(s->login, &mail.from)) {
		session_error(s, 553, "5.7.1", "Not an address of yours");
		return;
	}
	if (mail.size > config->message_max) {
		session_error(s, 552, "5.3.4", "Message too large, limit %llu",
		    (unsigned long long)config->message_max);
		return;
	}
	s->mail = mail;
	s->in_mail = true;
	session_reply(s, 250, "2.1.0", "Ok");
}

void
mail_refuse(struct session *s, enum smtp_result res, bool from)
{
	switch (res) {
	case SMTP_OK:
		break;
	case SMTP_BAD_SYNTAX:
		session_error(s, 501, "5.5.2", "Syntax error");
		break;
	case SMTP_BAD_ADDRESS:
		session_error(s, 501, from ? "5.1.7" : "5.1.3", "Bad address");
		break;
	case SMTP_BAD_PARAM:
		session_error(s, 501, "5.5.4", "Bad parameter");
		break;
	case SMTP_UNKNOWN_PARAM:
		session_error(s, 555, "5.5.4", "Unknown parameter");
		break;
	case SMTP_NEED_UTF8:
		session_error(s, 553, "5.6.7", "This address needs SMTPUTF8");
		break;
	}
}

static void
mail_extensions(struct session *s)
{
	char list[AUTH_LIST_SIZE];

	session_reply_more(s, 250, "%s", engine_config()->site.hostname);
	session_reply_more(s, 250, "PIPELINING");
	session_reply_more(s, 250, "SIZE %llu",
	    (unsigned long long)engine_config()->message_max);
	session_reply_more(s, 250, "8BITMIME");
	session_reply_more(s, 250, "SMTPUTF8");
	session_reply_more(s, 250, "CHUNKING");
	session_reply_more(s, 250, "ENHANCEDSTATUSCODES");
	if (session_has_dsn(s))
		session_reply_more(s, 250, "DSN");
	if (s->tls == SMTP_TLS_START && !tlsio_is_secure(s->io) &&
	    engine_tls(s->listener) != NULL)
		session_reply_more(s, 250, "STARTTLS");
	if (tlsio_is_secure(s->io))
		session_reply_more(s, 250, "REQUIRETLS");
	if (s->kind == SMTP_LISTEN_SUBMISSION && tlsio_is_secure(s->io)) {
		auth_list(s, list, sizeof(list));
		session_reply_more(s, 250, "AUTH%s", list);
	}
	session_reply(s, 250, NULL, "HELP");
}
