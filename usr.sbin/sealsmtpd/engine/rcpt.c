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
 * RCPT: which accounts an address means, and whether the deliverers let them
 * receive; or whether mail to it may go elsewhere.  Beyond the transaction only
 * known.c remembers anything, for a moment.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"

#include "engine.h"

static void rcpt_ask_own(struct session *);
static void rcpt_own(struct session *, enum deliver_result, bool);
static void rcpt_ask(struct session *);
static bool rcpt_ask_rest(struct session *);
static bool rcpt_expand(struct session *);
static bool rcpt_dest(struct session *);
static void rcpt_elsewhere(struct session *);
static void rcpt_room_reply(struct session *, enum queue_result);
static uint16_t
rcpt_target(struct session *, const char *, const char *, const char *);
static void rcpt_decide(struct session *);
static void rcpt_accept(struct session *);
static bool rcpt_is_postmaster(const struct rcpt *);
static void rcpt_log_refused(struct session *, const char *);
static bool rcpt_temporary(enum deliver_result);

void
rcpt_to(struct session *s, const char *arg, size_t len)
{
	struct smtp_rcpt rcpt;
	enum smtp_result res;

	res = smtp_rcpt_parse(arg, len, s->mail.utf8, &rcpt);
	if (res == SMTP_OK && !session_has_dsn(s) &&
	    (rcpt.notify != 0 || rcpt.orcpt[0] != '\0'))
		res = SMTP_UNKNOWN_PARAM;
	if (res != SMTP_OK) {
		mail_refuse(s, res, false);
		return;
	}
	if (s->nrcpts >= engine_config()->rcpt_max) {
		session_error(s, 452, "4.5.3", "Too many recipients");
		return;
	}
	s->asking_address = rcpt.to;
	s->asking_rest = false;
	s->asking.notify = rcpt.notify;
	if (rcpt.orcpt[0] != '\0') {
		s->asking.orcpt = strdup(rcpt.orcpt);
		if (s->asking.orcpt == NULL)
			fatal("strdup");
	}
	if (s->login[0] == '\0')
		rcpt_ask(s);
	else
		(void)pace_ask(s);
}

void
rcpt_paced(struct session *s)
{
	if (s->own.account == NULL)
		rcpt_ask_own(s);
	else
		rcpt_ask(s);
}

/* A deliverer's word on one account of the recipient in question. */
void
rcpt_checked(
    struct session *s, size_t target, enum deliver_result result, bool saves)
{
	if (target == TARGET_OWN) {
		rcpt_own(s, result, saves);
		return;
	}
	s->targets[target].result = result;
	if (--s->asked > 0)
		return;
	s->state = SESSION_COMMAND;
	rcpt_decide(s);
	session_run(s);
}

void
rcpt_room(struct session *s, enum queue_result result)
{
	s->state = SESSION_COMMAND;
	rcpt_room_reply(s, result);
	session_run(s);
}

void
rcpt_reply(struct session *s, enum deliver_result result, const char *done)
{
	switch (result) {
	case DELIVER_DONE:
		session_reply(s, 250, "2.1.5", "%s", done);
		break;
	case DELIVER_UNKNOWN:
		session_error(s, 550, "5.1.1", "No such mailbox");
		break;
	case DELIVER_DISABLED:
		session_error(s, 550, "5.2.1", "Mailbox disabled");
		break;
	case DELIVER_OVERQUOTA:
		session_reply(s, 452, "4.2.2", "Mailbox full");
		break;
	case DELIVER_FULL:
		session_reply(s, 452, "4.3.1", "Insufficient storage");
		break;
	case DELIVER_TROUBLE:
		session_reply(s, 451, "4.3.0", "Try again later");
		break;
	}
}

/* Nobody is told of what nobody sent. */
bool
rcpt_reported(const struct session *s, const struct rcpt *rcpt)
{
	return rcpt->dest == NULL &&
	    (rcpt->notify & SMTP_NOTIFY_SUCCESS) != 0 &&
	    (s->mail.from.local[0] != '\0' || s->mail.from.domain[0] != '\0');
}

void
rcpt_clear(struct rcpt *rcpt)
{
	free(rcpt->address);
	free(rcpt->targets);
	free(rcpt->dest);
	free(rcpt->orcpt);
	memset(rcpt, 0, sizeof(*rcpt));
}

/* Does the user want a copy of what he sends, and is there room for it? */
static void
rcpt_ask_own(struct session *s)
{
	struct deliverer *deliverer;

	deliverer = deliverer_for(s->login);
	if (deliverer == NULL) {
		rcpt_clear(&s->asking);
		rcpt_reply(s, DELIVER_TROUBLE, "Ok");
		return;
	}
	s->own.account = strdup(s->login);
	/* No address has a line end: no other target is like it. */
	s->own.hint = strdup("\nown");
	if (s->own.account == NULL || s->own.hint == NULL)
		fatal("strdup");
	(void)deliverer_check(s, deliverer, TARGET_OWN, s->mail.size);
	s->state = SESSION_RCPT;
}

static void
rcpt_own(struct session *s, enum deliver_result result, bool saves)
{
	s->state = SESSION_COMMAND;
	s->saves = saves && result == DELIVER_DONE;
	if (s->saves || (!saves && result != DELIVER_TROUBLE)) {
		rcpt_ask(s);
		session_run(s);
		return;
	}
	/* To send it and keep no copy is not what he has asked for. */
	free(s->own.account);
	free(s->own.hint);
	memset(&s->own, 0, sizeof(s->own));
	rcpt_clear(&s->asking);
	rcpt_own_reply(s, result);
	session_run(s);
}

void
rcpt_own_reply(struct session *s, enum deliver_result result)
{
	if (result == DELIVER_OVERQUOTA)
		session_reply(s, 452, "4.2.2",
		    "Your mailbox is full: no copy of this can be saved");
	else
		rcpt_reply(s, DELIVER_TROUBLE, "Ok");
}

static void
rcpt_ask(struct session *s)
{
	char text[SMTP_PATH_MAX * 2];
	struct deliverer *deliverer;
	uint16_t t;

	smtp_address_print(&s->asking_address, text, sizeof(text));
	s->asking.address = strdup(text);
	if (s->asking.address == NULL)
		fatal("strdup");
	if (!rcpt_expand(s)) {
		rcpt_clear(&s->asking);
		return;
	}
	if (s->asking.dest != NULL) {
		rcpt_elsewhere(s);
		return;
	}
	s->asked = 0;
	for (size_t i = 0; i < s->asking.ntargets; i++) {
		t = s->asking.targets[i];
		if (s->targets[t].result == DELIVER_DONE)
			continue;
		if (known_good(s->targets[t].account, s->mail.size)) {
			s->targets[t].result = DELIVER_DONE;
			continue;
		}
		deliverer = deliverer_for(s->targets[t].account);
		if (deliverer == NULL)
			continue;
		(void)deliverer_check(s, deliverer, t, s->mail.size);
		s->asked++;
	}
	if (s->asked > 0)
		s->state = SESSION_RCPT;
	else
		rcpt_decide(s);
}

/* Adds the targets of the address; false: refused, and said so. */
static bool
rcpt_expand(struct session *s)
{
	char hint[SMTP_LOCAL_MAX + 1];
	const char *const *accounts;
	size_t n;

	switch (alias_expand(&s->asking_address, s->asking_rest, hint,
	    sizeof(hint), &accounts, &n)) {
	case ALIAS_OK:
		break;
	case ALIAS_RELAY:
		return rcpt_dest(s);
	case ALIAS_NONE:
		rcpt_log_refused(s, deliver_result_name(DELIVER_UNKNOWN));
		session_error(s, 550, "5.1.1", "No such mailbox");
		return false;
	case ALIAS_LIMIT:
		log_warnx("alias of rcpt=%s leads to too many accounts",
		    log_addr(s->asking.address));
		session_reply(s, 451, "4.3.5", "Try again later");
		return false;
	}
	if (n > DELIVER_TARGETS_MAX - s->ntargets) {
		session_error(s, 452, "4.5.3", "Too many recipients");
		return false;
	}
	s->asking.targets = calloc(n, sizeof(*s->asking.targets));
	if (s->asking.targets == NULL)
		fatal("calloc");
	for (size_t i = 0; i < n; i++)
		s->asking.targets[i] = rcpt_target(
		    s, accounts[i], hint, s->asking.address);
	s->asking.ntargets = n;
	return true;
}

/* The first few of a connection; how many more they were, at its end. */
static void
rcpt_log_refused(struct session *s, const char *result)
{
	if (++s->refused <= REFUSED_LOGGED)
		log_info("refused conn=%llu peer=%s to=%s result=%s",
		    (unsigned long long)s->conn, s->peer,
		    log_addr(s->asking.address), result);
}

/* Where it goes; false: nowhere, and that was said. */
static bool
rcpt_dest(struct session *s)
{
	char dest[QUEUE_DEST_MAX];

	if (!session_may_relay(s)) {
		rcpt_log_refused(s, "relay");
		session_error(s, 550, "5.7.1", "Relaying denied");
		return false;
	}
	if (s->nremote + s->nreported >= QUEUE_RCPTS_MAX) {
		session_error(s, 452, "4.5.3", "Too many recipients");
		return false;
	}
	if (outgoing_dest(&s->asking_address, dest, sizeof(dest)) == -1) {
		session_error(s, 550, "5.1.2", "No such domain can be");
		return false;
	}
	s->asking.dest = strdup(dest);
	if (s->asking.dest == NULL)
		fatal("strdup");
	return true;
}

/* The first of a transaction asks whether the queue has room. */
static void
rcpt_elsewhere(struct session *s)
{
	enum queue_result result;

	if (s->nremote > 0)
		rcpt_accept(s);
	else if (queue_room(s, s->mail.size, &result))
		rcpt_room_reply(s, result);
	else
		s->state = SESSION_RCPT;
}

static void
rcpt_room_reply(struct session *s, enum queue_result result)
{
	if (result == QUEUE_DONE) {
		rcpt_accept(s);
		return;
	}
	rcpt_clear(&s->asking);
	rcpt_reply(
	    s, result == QUEUE_FULL ? DELIVER_FULL : DELIVER_TROUBLE, "Ok");
}

/* The index of a target: an account gets the same message once. */
static uint16_t
rcpt_target(
    struct session *s, const char *account, const char *hint, const char *to)
{
	struct target *t, *targets;
	size_t i, size;

	for (i = 0; i < s->ntargets; i++)
		if (strcmp(s->targets[i].account, account) == 0 &&
		    strcmp(s->targets[i].hint, hint) == 0)
			return (uint16_t)i;
	if (s->ntargets == s->targets_size) {
		size = s->targets_size == 0 ? 1 : s->targets_size * 2;
		targets = recallocarray(
		    s->targets, s->targets_size, size, sizeof(*targets));
		if (targets == NULL)
			fatal("recallocarray");
		s->targets = targets;
		s->targets_size = size;
	}
	t = &s->targets[s->ntargets++];
	t->account = strdup(account);
	t->hint = strdup(hint);
	t->to = strdup(to);
	if (t->account == NULL || t->hint == NULL || t->to == NULL)
		fatal("strdup");
	t->result = DELIVER_TROUBLE;
	return (uint16_t)i;
}

/*
 * All answers are in.  An alias with several accounts waits for all of them
 * as long as one's trouble is temporary; one that is gone for good does not
 * keep the mail from the others.
 */
static void
rcpt_decide(struct session *s)
{
	struct rcpt *asking;
	enum deliver_result result, worst;
	size_t good;

	asking = &s->asking;
	good = 0;
	worst = DELIVER_DONE;
	for (size_t i = 0; i < asking->ntargets; i++) {
		result = s->targets[asking->targets[i]].result;
		if (result == DELIVER_DONE)
			asking->targets[good++] = asking->targets[i];
		else if (worst == DELIVER_DONE || rcpt_temporary(result))
			worst = result;
	}
	if (good > 0 && !rcpt_temporary(worst)) {
		if (good < asking->ntargets)
			log_warnx("alias rcpt=%s names %zu accounts that "
				  "cannot receive",
			    log_addr(asking->address), asking->ntargets - good);
		asking->ntargets = good;
		if (!rcpt_reported(s, asking) ||
		    s->nremote + s->nreported < QUEUE_RCPTS_MAX) {
			rcpt_accept(s);
			return;
		}
		rcpt_clear(asking);
		session_error(s, 452, "4.5.3", "Too many recipients");
		return;
	}
	if (worst == DELIVER_UNKNOWN && rcpt_ask_rest(s))
		return;
	if (worst == DELIVER_UNKNOWN && rcpt_is_postmaster(asking)) {
		/* RFC 5321 4.5.1: it must exist; so it will, some day. */
		log_warnx("no account and no alias for postmaster");
		worst = DELIVER_TROUBLE;
	}
	rcpt_log_refused(s, deliver_result_name(worst));
	/* Targets stay, with results that keep them from the delivery. */
	rcpt_clear(asking);
	rcpt_reply(s, worst, "Ok");
}

/* An account that there is not may be among the rest of its domain. */
static bool
rcpt_ask_rest(struct session *s)
{
	char hint[SMTP_LOCAL_MAX + 1];
	const char *const *accounts;
	size_t n;

	if (s->asking_rest ||
	    alias_expand(&s->asking_address, true, hint, sizeof(hint),
		&accounts, &n) != ALIAS_OK)
		return false;
	s->asking_rest = true;
	free(s->asking.address);
	free(s->asking.targets);
	s->asking.address = NULL;
	s->asking.targets = NULL;
	rcpt_ask(s);
	return true;
}

static void
rcpt_accept(struct session *s)
{
	struct rcpt *rcpts;

	rcpts = recallocarray(
	    s->rcpts, s->nrcpts, s->nrcpts + 1, sizeof(*rcpts));
	if (rcpts == NULL)
		fatal("recallocarray");
	s->rcpts = rcpts;
	s->nremote += s->asking.dest != NULL;
	s->nreported += rcpt_reported(s, &s->asking);
	s->rcpts[s->nrcpts++] = s->asking;
	memset(&s->asking, 0, sizeof(s->asking));
	origin_begin(s);
	session_reply(s, 250, "2.1.5", "Ok");
}

static bool
rcpt_is_postmaster(const struct rcpt *rcpt)
{
	size_t n;

	n = strcspn(rcpt->address, "@+");
	return n == 10 && strncasecmp(rcpt->address, "postmaster", n) == 0;
}

static bool
rcpt_temporary(enum deliver_result result)
{
	return result == DELIVER_OVERQUOTA || result == DELIVER_FULL ||
	    result == DELIVER_TROUBLE;
}
