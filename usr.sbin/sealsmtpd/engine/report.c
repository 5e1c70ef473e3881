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
#include "tlsio.h"

#define LABEL_SIZE 48 /* octets of a label */
#define REFUSALS 64   /* kinds of refusals that are told apart */
#define N_VERBS (SMTP_HTTP + 1)
#define FIRST_VERB COUNTS
#define FIRST_REFUSAL (COUNTS + N_VERBS)

static const char *const verbs[N_VERBS] = {
    [SMTP_UNKNOWN] = "other",
    [SMTP_HELO] = "HELO",
    [SMTP_EHLO] = "EHLO",
    [SMTP_LHLO] = "LHLO",
    [SMTP_MAIL] = "MAIL",
    [SMTP_RCPT] = "RCPT",
    [SMTP_DATA] = "DATA",
    [SMTP_BDAT] = "BDAT",
    [SMTP_RSET] = "RSET",
    [SMTP_NOOP] = "NOOP",
    [SMTP_HELP] = "HELP",
    [SMTP_VRFY] = "VRFY",
    [SMTP_EXPN] = "EXPN",
    [SMTP_QUIT] = "QUIT",
    [SMTP_STARTTLS] = "STARTTLS",
    [SMTP_AUTH] = "AUTH",
    [SMTP_HTTP] = "HTTP",
};

static const char message_help[] = "Messages, by what came of them";
static const char login_help[] = "Logins of users who submit";
static const char tls_help[] = "TLS handshakes, by version";

/* In the order of enum count; then verbs, then refusals as they come. */
static struct stat_row rows[COUNTS + N_VERBS + REFUSALS] = {
    [COUNT_RECEIVED] = {"received_bytes_total", NULL,
	"Octets that clients sent, without TLS", STAT_COUNTER, 0},
    [COUNT_SENT] = {"sent_bytes_total", NULL,
	"Octets that clients were sent, without TLS", STAT_COUNTER, 0},
    [COUNT_TLS_12] = {"tls_handshakes_total", "version=\"TLSv1.2\"", tls_help,
	STAT_COUNTER, 0},
    [COUNT_TLS_13] = {"tls_handshakes_total", "version=\"TLSv1.3\"", tls_help,
	STAT_COUNTER, 0},
    [COUNT_TLS_RESUMED] = {"tls_resumed_total", NULL,
	"TLS handshakes of these that resumed a session", STAT_COUNTER, 0},
    [COUNT_ACCEPTED] = {"messages_total", "result=\"accepted\"", message_help,
	STAT_COUNTER, 0},
    [COUNT_DEFERRED] = {"messages_total", "result=\"deferred\"", message_help,
	STAT_COUNTER, 0},
    [COUNT_REJECTED] = {"messages_total", "result=\"rejected\"", message_help,
	STAT_COUNTER, 0},
    [COUNT_MESSAGE_BYTES] = {"message_bytes_total", NULL,
	"Octets of messages that were accepted", STAT_COUNTER, 0},
    [COUNT_LOGINS] = {"logins_total", "result=\"accepted\"", login_help,
	STAT_COUNTER, 0},
    [COUNT_LOGINS_REFUSED] = {"logins_total", "result=\"refused\"", login_help,
	STAT_COUNTER, 0},
    [COUNT_SESSIONS] = {"smtp_sessions", NULL, "Sessions of SMTP and LMTP",
	STAT_GAUGE, 0},
};

/* Replies of 4xx and 5xx: by code and enhanced code. */
static struct {
	char label[LABEL_SIZE];
	int code;
	char enhanced[12];
} refusals[REFUSALS];
static size_t n_refusals;

static void report_refresh(struct stat_row *);
static void report_each(bool (*)(const struct session_view *, void *), void *);
static void count_session(const struct session *, void *);

static const struct sessions_ops ops = {.each = report_each};

void
report_init(void)
{
	static char labels[N_VERBS][LABEL_SIZE];

	for (int i = 0; i < N_VERBS; i++) {
		(void)snprintf(
		    labels[i], LABEL_SIZE, "command=\"%s\"", verbs[i]);
		rows[FIRST_VERB + i] = (struct stat_row){"smtp_commands_total",
		    labels[i], "Commands of SMTP and LMTP, by name",
		    STAT_COUNTER, 0};
	}
	stats_set(rows, FIRST_REFUSAL, report_refresh);
	sessions_begin(&ops);
}

void
report_add(enum count what, uint64_t n)
{
	rows[what].value += n;
}

void
report_command(struct session *s, enum smtp_verb verb)
{
	s->commands++;
	rows[FIRST_VERB + verb].value++;
}

/* Codes are constants of ours; past the table they all count as the last. */
void
report_reply(int code, const char *enhanced)
{
	size_t i;

	if (code < 400)
		return;
	if (enhanced == NULL)
		enhanced = "";
	for (i = 0; i < n_refusals; i++) {
		if (refusals[i].code == code &&
		    strcmp(refusals[i].enhanced, enhanced) == 0)
			break;
	}
	if (i == REFUSALS)
		i--;
	if (i == n_refusals) {
		refusals[i].code = code;
		(void)strlcpy(refusals[i].enhanced, enhanced,
		    sizeof(refusals[i].enhanced));
		(void)snprintf(refusals[i].label, LABEL_SIZE,
		    "code=\"%d\",status=\"%s\"", code, refusals[i].enhanced);
		rows[FIRST_REFUSAL + i] = (struct stat_row){
		    "smtp_refusals_total", refusals[i].label,
		    "Replies that refuse, by code and enhanced status code",
		    STAT_COUNTER, 0};
		n_refusals++;
		stats_set(rows, FIRST_REFUSAL + n_refusals, report_refresh);
	}
	rows[FIRST_REFUSAL + i].value++;
}

void
report_message(const struct session *s, bool taken, bool for_now)
{
	if (!taken) {
		rows[for_now ? COUNT_DEFERRED : COUNT_REJECTED].value++;
		return;
	}
	rows[COUNT_ACCEPTED].value++;
	rows[COUNT_MESSAGE_BYTES].value += s->message->data.size;
}

void
report_tls(const struct tlsio *io)
{
	rows[strcmp(tlsio_version(io), "TLSv1.2") == 0 ? COUNT_TLS_12 :
							 COUNT_TLS_13]
	    .value++;
	rows[COUNT_TLS_RESUMED].value += tlsio_resumed(io);
}

void
report_login(bool right)
{
	rows[right ? COUNT_LOGINS : COUNT_LOGINS_REFUSED].value++;
}

static void
count_session(const struct session *s, void *arg)
{
	struct stat_row *row;

	row = arg;
	row->value++;
}

static void
report_refresh(struct stat_row *all)
{
	all[COUNT_SESSIONS].value = 0;
	session_each(count_session, &all[COUNT_SESSIONS]);
}

static const char *
state_name(const struct session *s)
{
	switch (s->state) {
	case SESSION_COMMAND:
		return s->in_mail ? "envelope" : "idle";
	case SESSION_AUTH:
	case SESSION_AUTH_LINE:
		return "login";
	case SESSION_PACE:
	case SESSION_RCPT:
		return "envelope";
	case SESSION_DATA:
	case SESSION_BDAT:
		return "data";
	case SESSION_ORIGIN:
		return "origin";
	case SESSION_RELEASE:
	case SESSION_COMMIT:
		return "sync";
	case SESSION_CLOSING:
		break;
	}
	return "closing";
}

struct each {
	bool (*take)(const struct session_view *, void *);
	void *arg;
};

static bool
report_one(struct session *s, void *arg)
{
	struct session_view view;
	struct each *each;

	each = arg;
	memset(&view, 0, sizeof(view));
	view.conn = s->conn;
	view.protocol = session_is_lmtp(s)    ? "lmtp" :
	    s->kind == SMTP_LISTEN_SUBMISSION ? "submission" :
						"smtp";
	view.account = s->login[0] != '\0' ? s->login : NULL;
	view.peer = s->peer;
	if (tlsio_is_secure(s->io))
		view.tls = tlsio_version(s->io);
	view.state = state_name(s);
	view.since = (int64_t)s->since;
	view.active = (int64_t)time(NULL) - session_silent(s);
	view.commands = s->commands;
	view.received = s->received;
	view.sent = s->sent;
	return each->take(&view, each->arg);
}

static void
report_each(bool (*take)(const struct session_view *, void *), void *arg)
{
	struct each each = {take, arg};

	session_end_some(report_one, &each);
}
