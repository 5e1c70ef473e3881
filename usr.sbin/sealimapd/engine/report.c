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
 * What sealctl(8) may know of this engine: its sessions, and what it has
 * counted.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine.h"
#include "sessions.h"
#include "stats.h"

#define LABEL_SIZE 40 /* octets of command="..." */
#define N_COMMANDS IMAP_VERBS

static const char login_help[] = "Logins, by what came of them";
static const char tls_help[] = "TLS handshakes, by version";
static const char answer_help[] = "Commands that were answered, by how";

/* In the order of enum count; then a row for each verb. */
static struct stat_row rows[COUNTS + N_COMMANDS] = {
    [COUNT_RECEIVED] = {"received_bytes_total", NULL,
	"Octets that clients sent, without TLS", STAT_COUNTER, 0},
    [COUNT_SENT] = {"sent_bytes_total", NULL,
	"Octets that clients were sent, without TLS", STAT_COUNTER, 0},
    [COUNT_LOGIN_OK] = {"logins_total", "result=\"ok\"", login_help,
	STAT_COUNTER, 0},
    [COUNT_LOGIN_CREDENTIALS] = {"logins_total", "result=\"credentials\"",
	login_help, STAT_COUNTER, 0},
    [COUNT_LOGIN_DISABLED] = {"logins_total", "result=\"disabled\"", login_help,
	STAT_COUNTER, 0},
    [COUNT_LOGIN_UNAVAILABLE] = {"logins_total", "result=\"unavailable\"",
	login_help, STAT_COUNTER, 0},
    [COUNT_LOGIN_LIMIT] = {"logins_total", "result=\"limit\"", login_help,
	STAT_COUNTER, 0},
    [COUNT_LOGIN_DAMAGED] = {"logins_total", "result=\"damaged\"", login_help,
	STAT_COUNTER, 0},
    [COUNT_LOGIN_RATE] = {"logins_total", "result=\"rate\"", login_help,
	STAT_COUNTER, 0},
    [COUNT_TLS_12] = {"tls_handshakes_total", "version=\"TLSv1.2\"", tls_help,
	STAT_COUNTER, 0},
    [COUNT_TLS_13] = {"tls_handshakes_total", "version=\"TLSv1.3\"", tls_help,
	STAT_COUNTER, 0},
    [COUNT_TLS_RESUMED] = {"tls_resumed_total", NULL,
	"TLS handshakes of these that resumed a session", STAT_COUNTER, 0},
    [COUNT_OK] = {"imap_answers_total", "condition=\"OK\"", answer_help,
	STAT_COUNTER, 0},
    [COUNT_NO] = {"imap_answers_total", "condition=\"NO\"", answer_help,
	STAT_COUNTER, 0},
    [COUNT_BAD] = {"imap_answers_total", "condition=\"BAD\"", answer_help,
	STAT_COUNTER, 0},
    [COUNT_SESSIONS] = {"imap_sessions", NULL, "Sessions that are logged in",
	STAT_GAUGE, 0},
};

static bool is_child;

static void bump(size_t, uint64_t);
static void report_refresh(struct stat_row *);
static void report_each(bool (*)(const struct session_view *, void *), void *);

static const struct sessions_ops ops = {.each = report_each};

void
report_init(void)
{
	static char labels[N_COMMANDS][LABEL_SIZE];
	struct stat_row *row;
	const char *name;

	for (int verb = 0; verb < IMAP_VERBS; verb++) {
		name = verb == IMAP_BAD ? "other" :
					  imap_verb_name((enum imap_verb)verb);
		(void)snprintf(
		    labels[verb], LABEL_SIZE, "command=\"%s\"", name);
		row = &rows[COUNTS + verb];
		row->name = "imap_commands_total";
		row->label = labels[verb];
		row->help = "Commands of IMAP, by name";
		row->kind = STAT_COUNTER;
	}
	stats_set(rows, COUNTS + N_COMMANDS, report_refresh);
	sessions_begin(&ops);
}

void
report_child(void)
{
	is_child = true;
	for (size_t i = 0; i < COUNTS + N_COMMANDS; i++)
		rows[i].value = 0;
}

void
report_put(struct msgout *m)
{
	report_refresh(rows);
	for (size_t i = 0; i < COUNTS + N_COMMANDS; i++) {
		msg_put_u64(m, rows[i].value);
		rows[i].value = 0;
	}
}

void
report_get(struct msg *m)
{
	uint64_t n;

	for (size_t i = 0; i < COUNTS + N_COMMANDS; i++) {
		n = msg_get_u64(m);
		if (rows[i].kind == STAT_COUNTER)
			rows[i].value += n;
	}
}

static void
bump(size_t row, uint64_t n)
{
	rows[row].value += n;
	if (is_child)
		apart_tell_soon();
}

void
report_add(enum count what, uint64_t n)
{
	bump(what, n);
}

void
report_command(struct conn *c, enum imap_verb verb)
{
	c->commands++;
	bump(COUNTS + (size_t)verb, 1);
}

void
report_condition(const char *condition)
{
	if (strcmp(condition, "OK") == 0)
		bump(COUNT_OK, 1);
	else
		bump(condition[0] == 'N' ? COUNT_NO : COUNT_BAD, 1);
}

void
report_tls(const struct tlsio *io)
{
	bump(strcmp(tlsio_version(io), "TLSv1.2") == 0 ? COUNT_TLS_12 :
							 COUNT_TLS_13,
	    1);
	bump(COUNT_TLS_RESUMED, tlsio_resumed(io));
}

void
report_refused(enum store_refusal refusal)
{
	static const enum count counts[] = {
	    [REFUSED_CREDENTIALS] = COUNT_LOGIN_CREDENTIALS,
	    [REFUSED_DISABLED] = COUNT_LOGIN_DISABLED,
	    [REFUSED_UNAVAILABLE] = COUNT_LOGIN_UNAVAILABLE,
	    [REFUSED_LIMIT] = COUNT_LOGIN_LIMIT,
	    [REFUSED_DAMAGED] = COUNT_LOGIN_DAMAGED,
	    [REFUSED_RATE] = COUNT_LOGIN_RATE,
	};

	bump(counts[refusal], 1);
}

static void
report_refresh(struct stat_row *all)
{
	struct conn *c;

	all[COUNT_SESSIONS].value = apart_sessions();
	for (c = conn_next(NULL); c != NULL; c = conn_next(c))
		all[COUNT_SESSIONS].value += c->account != NULL;
}

static const char *
state_name(const struct conn *c)
{
	const struct job *last;

	last = TAILQ_LAST(&c->jobs, jobs);
	switch (c->state) {
	case CONN_BEFORE:
	case CONN_LOGIN:
		return "login";
	case CONN_AUTH:
	case CONN_SELECTED:
		if (last == NULL)
			return c->state == CONN_AUTH ? "auth" : "selected";
		return last->cmd->verb == IMAP_IDLE ? "idle" : "busy";
	case CONN_CLOSING:
		break;
	}
	return "closing";
}

static void
report_each(bool (*take)(const struct session_view *, void *), void *arg)
{
	struct session_view view;
	struct conn *c, *next;
	time_t now;

	now = time(NULL);
	for (c = conn_next(NULL); c != NULL; c = next) {
		next = conn_next(c);
		memset(&view, 0, sizeof(view));
		view.conn = c->id;
		view.protocol = "imap";
		view.peer = c->peer;
		view.account = c->account;
		if (tlsio_is_secure(c->io))
			view.tls = tlsio_version(c->io);
		view.state = state_name(c);
		view.since = (int64_t)c->since;
		view.active = (int64_t)(now - (engine_now() - c->heard));
		view.commands = c->commands;
		view.received = c->received;
		view.sent = c->sent;
		if (take(&view, arg))
			conn_bye(c, "[UNAVAILABLE] Ended by the administrator");
	}
}
