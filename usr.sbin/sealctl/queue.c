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
 * sealctl queue: what waits in smtp-queue, and what is done with it.  The
 * questions go over a wire that the parent passes on (queue_wire.h); what
 * stands in answers was chosen by strangers.
 */

#include <sys/types.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "conf.h"
#include "proc.h"
#include "seal.h"
#include "sealctl.h"

#include "../sealsmtpd/queue_wire.h"

#define QUEUE_WAIT_MS 30000 /* it may be in a sync */
#define CHUNK_COMPRESSED 1
#define CHUNK_FAILED 4

struct queue {
	struct ctl ctl;
	int fd;
	uint32_t n;
	uint32_t reports; /* see QUEUE_CTL_END */
};

struct filter {
	const char *id;
	const char *dest;
	const char *sender;
	const char *rcpt;
	const char *when;
	bool all;
	bool quiet;
};

/* As QUEUE_CTL_RCPT has it. */
struct entry {
	uint8_t id[QUEUE_ID_LEN];
	char trace[QUEUE_TRACE_MAX];
	char sender[QUEUE_ADDRESS_MAX];
	char rcpt[QUEUE_ADDRESS_MAX];
	char dest[QUEUE_DEST_MAX];
	char status[QUEUE_STATUS_MAX];
	char host[QUEUE_HOST_MAX];
	char text[QUEUE_TEXT_MAX];
	int64_t arrival, expiry, next;
	uint64_t octets;
	uint16_t tries, code;
	uint8_t state;
};

static int queue_open(struct queue *, struct invocation *);
static void queue_close(struct queue *);
static void
queue_ask(struct queue *, uint32_t, const struct filter *, uint8_t, int64_t);
static bool queue_next(struct queue *, struct msg *, int *);
static int filter_get(struct invocation *, const char *, struct filter *);
static bool filter_any(const struct filter *);
static int each_entry(struct invocation *, const struct filter *,
    const struct column *, size_t, void (*)(const struct entry *));
static void entry_get(struct msg *, struct entry *);
static const char *state_name(uint8_t);
static void list_entry(const struct entry *);
static void show_entry(const struct entry *);
static int show_counts(struct invocation *);
static int print_chunk(struct msg *, uint8_t);
static int
change(struct invocation *, uint32_t, const struct filter *, int64_t);
static int change_plain(struct invocation *, uint32_t);
static int when_get(const char *, int64_t *);

static const struct column list_columns[] = {
    {"id", COLUMN_TEXT, 2 * QUEUE_ID_LEN},
    {"state", COLUMN_TEXT, 7},
    {"next", COLUMN_TIME, 20},
    {"tries", COLUMN_NUMBER, 5},
    {"status", COLUMN_TEXT, 7},
    {"sender", COLUMN_TEXT, 28},
    {"recipient", COLUMN_TEXT, 28},
};

static const struct column show_columns[] = {
    {"id", COLUMN_TEXT, 2 * QUEUE_ID_LEN},
    {"trace", COLUMN_TEXT, 20},
    {"state", COLUMN_TEXT, 7},
    {"sender", COLUMN_TEXT, 28},
    {"recipient", COLUMN_TEXT, 28},
    {"destination", COLUMN_TEXT, 20},
    {"arrival", COLUMN_TIME, 20},
    {"expiry", COLUMN_TIME, 20},
    {"next", COLUMN_TIME, 20},
    {"tries", COLUMN_NUMBER, 5},
    {"octets", COLUMN_NUMBER, 9},
    {"code", COLUMN_NUMBER, 4},
    {"status", COLUMN_TEXT, 7},
    {"host", COLUMN_TEXT, 20},
    {"text", COLUMN_SENTENCE, 0},
};

static const struct column count_columns[] = {
    {"messages", COLUMN_NUMBER, 9},
    {"recipients", COLUMN_NUMBER, 10},
    {"destinations", COLUMN_NUMBER, 12},
    {"active", COLUMN_NUMBER, 6},
    {"journal", COLUMN_NUMBER, 10},
    {"held", COLUMN_TEXT, 4},
};

/* As enum queue_origin has them, but for the first. */
static const struct column dmarc_columns[] = {
    {"day", COLUMN_TEXT, 10},
    {"from", COLUMN_TEXT, 28},
    {"address", COLUMN_TEXT, 15},
    {"messages", COLUMN_NUMBER, 8},
    {"policy", COLUMN_TEXT, 10},
    {"disposition", COLUMN_TEXT, 11},
    {"dmarc", COLUMN_TEXT, 9},
    {"spf", COLUMN_TEXT, 9},
    {"spf_domain", COLUMN_TEXT, 28},
    {"spf_aligned", COLUMN_TEXT, 11},
    {"dkim", COLUMN_TEXT, 9},
    {"dkim_domain", COLUMN_TEXT, 28},
    {"dkim_selector", COLUMN_TEXT, 13},
    {"dkim_aligned", COLUMN_TEXT, 12},
    {"policy_domain", COLUMN_TEXT, 28},
};

static const struct column tls_columns[] = {
    {"day", COLUMN_TEXT, 10},
    {"domain", COLUMN_TEXT, 28},
    {"policy", COLUMN_TEXT, 15},
    {"result", COLUMN_TEXT, 25},
    {"sessions", COLUMN_NUMBER, 8},
    {"host", COLUMN_TEXT, 28},
};

#define COLUMNS(c) c, sizeof(c) / sizeof(c[0])

int
cmd_queue_list(struct invocation *inv)
{
	struct filter f;

	if (filter_get(inv, "+d:r:s:", &f) == -1)
		return EXIT_BAD_USAGE;
	return each_entry(inv, &f, COLUMNS(list_columns), list_entry);
}

/* Of one message everything that is known; of the queue its size. */
int
cmd_queue_show(struct invocation *inv)
{
	struct filter f;

	if (filter_get(inv, "+d:r:s:", &f) == -1)
		return EXIT_BAD_USAGE;
	if (!filter_any(&f))
		return show_counts(inv);
	return each_entry(inv, &f, COLUMNS(show_columns), show_entry);
}

/* RFC 8460 4.3 */
static const char *
tls_result(uint8_t result)
{
	static const char *const names[QUEUE_TLS_RESULTS] = {"success",
	    "starttls-not-supported", "certificate-host-mismatch",
	    "certificate-expired", "certificate-not-trusted",
	    "validation-failure", "tlsa-invalid", "dnssec-invalid",
	    "dane-required", "sts-policy-fetch-error", "sts-policy-invalid",
	    "sts-webpki-invalid"};

	return result < QUEUE_TLS_RESULTS ? names[result] : "unknown";
}

static void
day_text(time_t t, char *day, size_t size)
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(day, size, "%Y-%m-%d", &tm) == 0)
		(void)strlcpy(day, "-", size);
}

static void
tls_row(struct msg *msg, const char *only)
{
	char dest[QUEUE_DEST_MAX], host[QUEUE_HOST_MAX], day[16];
	uint8_t policy, result;
	uint64_t sessions;
	time_t t;

	t = (time_t)msg_get_u32(msg) * 86400;
	sessions = msg_get_u64(msg);
	policy = msg_get_u8(msg);
	result = msg_get_u8(msg);
	(void)msg_get_str(msg, dest, sizeof(dest));
	(void)msg_get_str(msg, host, sizeof(host));
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "smtp-queue: its answer is not understood");
	if (only != NULL && strcmp(only, dest) != 0)
		return;
	day_text(t, day, sizeof(day));
	out_text(day);
	out_text(dest);
	out_text(policy == TLS_POLICY_DANE ? "tlsa" :
		policy == TLS_POLICY_STS   ? "sts" :
					     "no-policy-found");
	out_text(tls_result(result));
	out_number(sessions);
	out_text(host);
}

/* What TLS came to on the way out, day by day. */
int
cmd_queue_tls(struct invocation *inv)
{
	struct filter f;
	struct queue q;
	struct msg msg;
	int code;

	if (filter_get(inv, "+d:", &f) == -1 || f.id != NULL)
		return EXIT_BAD_USAGE;
	if ((code = queue_open(&q, inv)) != 0)
		return code;
	out_start(COLUMNS(tls_columns), inv->json);
	queue_ask(&q, QUEUE_CTL_TLS, &f, 0, 0);
	memset(&msg, 0, sizeof(msg));
	while (queue_next(&q, &msg, &code))
		if (msg.type == QUEUE_CTL_TALLY)
			tls_row(&msg, f.dest);
	queue_close(&q);
	return finish(code);
}

/*
 * A row of words, as the engine that judged the mail wrote them: strangers
 * have chosen some.
 */
static void
dmarc_row(struct msg *msg, const char *only)
{
	char text[QUEUE_ORIGIN_MAX + 1], day[16], *words[ORIGIN_WORDS], *p;
	const uint8_t *row;
	uint64_t messages;
	size_t len, n;
	time_t t;

	t = (time_t)msg_get_u32(msg) * 86400;
	messages = msg_get_u64(msg);
	row = msg_get_bytes(msg, &len, QUEUE_ORIGIN_MAX);
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "smtp-queue: its answer is not understood");
	memcpy(text, row, len);
	text[len] = '\0';
	p = text;
	for (n = 0; n < ORIGIN_WORDS && p != NULL; n++)
		words[n] = strsep(&p, " ");
	/* An engine may have counted anything: the other rows are good. */
	if (n < ORIGIN_WORDS || p != NULL) {
		warnx("smtp-queue: a row is not understood, and left out");
		return;
	}
	if (only != NULL && strcmp(only, words[ORIGIN_FROM]) != 0)
		return;
	day_text(t, day, sizeof(day));
	out_text(day);
	out_text(words[ORIGIN_FROM]);
	out_text(words[ORIGIN_ADDRESS]);
	out_number(messages);
	for (n = ORIGIN_POLICY; n < ORIGIN_WORDS; n++)
		out_text(words[n]);
}

/* What mail of strangers came to by DMARC, day by day. */
int
cmd_queue_dmarc(struct invocation *inv)
{
	struct filter f;
	struct queue q;
	struct msg msg;
	int code;

	if (filter_get(inv, "+d:", &f) == -1 || f.id != NULL)
		return EXIT_BAD_USAGE;
	if ((code = queue_open(&q, inv)) != 0)
		return code;
	out_start(COLUMNS(dmarc_columns), inv->json);
	queue_ask(&q, QUEUE_CTL_DMARC, &f, 0, 0);
	memset(&msg, 0, sizeof(msg));
	while (queue_next(&q, &msg, &code))
		if (msg.type == QUEUE_CTL_ORIGIN)
			dmarc_row(&msg, f.dest);
	queue_close(&q);
	return finish(code);
}

/* The message as it is relayed, from a process that can do nothing else. */
int
cmd_queue_message(struct invocation *inv)
{
	struct queue q;
	struct filter f;
	struct msg msg;
	uint8_t codec;
	int code;

	/* The message is what is printed, and no record. */
	if (filter_get(inv, "+", &f) == -1 || f.id == NULL || inv->json)
		return EXIT_BAD_USAGE;
	if ((code = queue_open(&q, inv)) != 0)
		return code;
	queue_ask(&q, QUEUE_CTL_MESSAGE, &f, 0, 0);
	codec = 0;
	memset(&msg, 0, sizeof(msg));
	while (queue_next(&q, &msg, &code)) {
		if (msg.type == QUEUE_CTL_CODEC)
			codec = msg_get_u8(&msg);
		else if (msg.type == QUEUE_CHUNK &&
		    print_chunk(&msg, codec) == -1)
			errx(EXIT_FAILED, "%s: the message cannot be read",
			    f.id);
	}
	queue_close(&q);
	if (fflush(stdout) == EOF) {
		warn("standard output");
		return EXIT_FAILED;
	}
	return code;
}

int
cmd_queue_flush(struct invocation *inv)
{
	return change_plain(inv, QUEUE_CTL_FLUSH);
}

int
cmd_queue_pause(struct invocation *inv)
{
	return change_plain(inv, QUEUE_CTL_PAUSE);
}

int
cmd_queue_resume(struct invocation *inv)
{
	return change_plain(inv, QUEUE_CTL_RESUME);
}

/* All of it only where that was said. */
int
cmd_queue_remove(struct invocation *inv)
{
	struct filter f;

	if (filter_get(inv, "+ad:nr:s:", &f) == -1 || f.all == filter_any(&f))
		return EXIT_BAD_USAGE;
	return change(inv, QUEUE_CTL_REMOVE, &f, 0);
}

int
cmd_queue_reschedule(struct invocation *inv)
{
	struct filter f;
	int64_t when;

	if (filter_get(inv, "+d:r:s:t:", &f) == -1 || f.when == NULL)
		return EXIT_BAD_USAGE;
	if (when_get(f.when, &when) == -1) {
		warnx("%s: no time: +90s, +30m, +2h, +1d, or "
		      "2026-01-31T08:00:00Z",
		    f.when);
		return EXIT_FAILED;
	}
	return change(inv, QUEUE_CTL_RESCHEDULE, &f, when);
}

static int
queue_open(struct queue *q, struct invocation *inv)
{
	memset(q, 0, sizeof(*q));
	if (ctl_open(&q->ctl, inv->conf, DAEMON_SMTP) == -1)
		return EXIT_NOT_RUNNING;
	q->fd = ctl_role(&q->ctl, "smtp-queue", 0);
	if (q->fd == -1) {
		(void)ctl_failed(&q->ctl, "queue");
		ctl_close(&q->ctl);
		return EXIT_FAILED;
	}
	/* What is read from now on comes from strangers; no file of zones. */
	(void)setenv("TZ", "UTC0", 1);
	tzset();
	proc_tool_narrow(inv->conf->best_effort, "stdio", NULL, 0);
	return 0;
}

static void
queue_close(struct queue *q)
{
	(void)close(q->fd);
	ctl_close(&q->ctl);
}

static void
queue_ask(struct queue *q, uint32_t type, const struct filter *f,
    uint8_t report, int64_t when)
{
	struct msgout *m;

	m = msg_new_fd(q->fd, type, 1);
	msg_put_u32(m, QUEUE_VERSION);
	if (type != QUEUE_CTL_STATS && type != QUEUE_CTL_TLS &&
	    type != QUEUE_CTL_DMARC) {
		msg_put_str(m, f->id != NULL ? f->id : "");
		msg_put_str(m, f->dest != NULL ? f->dest : "");
		msg_put_str(m, f->sender != NULL ? f->sender : "");
		msg_put_str(m, f->rcpt != NULL ? f->rcpt : "");
	}
	if (type == QUEUE_CTL_REMOVE)
		msg_put_u8(m, report);
	if (type == QUEUE_CTL_RESCHEDULE)
		msg_put_i64(m, when);
	if (msg_send_wait(m, QUEUE_WAIT_MS) == -1)
		ctl_silent("smtp-queue", DAEMON_SMTP);
}

/* The next message of an answer; false at its end, with the exit code. */
static bool
queue_next(struct queue *q, struct msg *msg, int *code)
{
	uint8_t res;
	int n;

	msg_done(msg);
	n = msg_recv_wait(q->fd, msg, QUEUE_WAIT_MS);
	if (n == 0)
		errx(EXIT_FAILED,
		    "smtp-queue has closed the connection; see the log of "
		    "sealsmtpd");
	if (n == -1)
		ctl_silent("smtp-queue", DAEMON_SMTP);
	if (msg->type != QUEUE_CTL_END)
		return true;
	res = msg_get_u8(msg);
	q->n = msg_get_u32(msg);
	q->reports = msg_get_u32(msg);
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "smtp-queue: its answer is not understood");
	msg_done(msg);
	*code = res == QUEUE_DONE ? 0 : EXIT_FAILED;
	if (res == QUEUE_REFUSED)
		warnx("not allowed: run sealctl as root, or as one of "
		      "\"control operators\"");
	else if (res == QUEUE_NONE)
		warnx("no such message in the queue");
	else if (res != QUEUE_DONE)
		warnx("smtp-queue cannot do that now; see the log of "
		      "sealsmtpd");
	return false;
}

/* Options, then at most an id; -1: not as it should be. */
static int
filter_get(struct invocation *inv, const char *options, struct filter *f)
{
	int ch;

	memset(f, 0, sizeof(*f));
	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, options)) != -1) {
		if (ch == 'a')
			f->all = true;
		else if (ch == 'd')
			f->dest = optarg;
		else if (ch == 'n')
			f->quiet = true;
		else if (ch == 'r')
			f->rcpt = optarg;
		else if (ch == 's')
			f->sender = optarg;
		else if (ch == 't')
			f->when = optarg;
		else
			return -1;
	}
	if (optind < inv->argc)
		f->id = inv->argv[optind++];
	if (optind != inv->argc)
		return -1;
	/* The queue closes on what it cannot hold. */
	if ((f->id != NULL && strlen(f->id) >= QUEUE_TRACE_MAX) ||
	    (f->dest != NULL && strlen(f->dest) >= QUEUE_DEST_MAX) ||
	    (f->rcpt != NULL && strlen(f->rcpt) >= QUEUE_ADDRESS_MAX) ||
	    (f->sender != NULL && strlen(f->sender) >= QUEUE_ADDRESS_MAX)) {
		warnx("no id or address is that long");
		return -1;
	}
	return 0;
}

static bool
filter_any(const struct filter *f)
{
	return f->id != NULL || f->dest != NULL || f->sender != NULL ||
	    f->rcpt != NULL;
}

static int
each_entry(struct invocation *inv, const struct filter *f,
    const struct column *columns, size_t n, void (*print)(const struct entry *))
{
	static struct entry e;
	struct queue q;
	struct msg msg;
	int code;

	if ((code = queue_open(&q, inv)) != 0)
		return code;
	out_start(columns, n, inv->json);
	queue_ask(&q, QUEUE_CTL_LIST, f, 0, 0);
	memset(&msg, 0, sizeof(msg));
	while (queue_next(&q, &msg, &code)) {
		if (msg.type != QUEUE_CTL_RCPT)
			continue;
		entry_get(&msg, &e);
		print(&e);
	}
	if (code == 0 && q.n == 0 && f->id != NULL) {
		warnx("%s: no such message in the queue", f->id);
		code = EXIT_FAILED;
	}
	queue_close(&q);
	return finish(code);
}

static void
entry_get(struct msg *msg, struct entry *e)
{
	(void)msg_get_raw(msg, e->id, sizeof(e->id));
	(void)msg_get_str(msg, e->trace, sizeof(e->trace));
	(void)msg_get_str(msg, e->sender, sizeof(e->sender));
	(void)msg_get_str(msg, e->rcpt, sizeof(e->rcpt));
	(void)msg_get_str(msg, e->dest, sizeof(e->dest));
	e->state = msg_get_u8(msg);
	e->arrival = msg_get_i64(msg);
	e->expiry = msg_get_i64(msg);
	e->next = msg_get_i64(msg);
	e->tries = msg_get_u16(msg);
	e->octets = msg_get_u64(msg);
	e->code = msg_get_u16(msg);
	(void)msg_get_str(msg, e->status, sizeof(e->status));
	(void)msg_get_str(msg, e->host, sizeof(e->host));
	(void)msg_get_str(msg, e->text, sizeof(e->text));
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "smtp-queue: its answer is not understood");
}

static const char *
state_name(uint8_t state)
{
	switch (state) {
	case QUEUE_CTL_WAITS:
		return "waits";
	case QUEUE_CTL_ACTIVE:
		return "active";
	case QUEUE_CTL_HELD:
		return "held";
	case QUEUE_CTL_REPORTS:
		return "reports";
	default:
		return "unknown";
	}
}

static void
list_entry(const struct entry *e)
{
	char id[2 * QUEUE_ID_LEN + 1];

	seal_hex(e->id, sizeof(e->id), id);
	out_text(id);
	out_text(state_name(e->state));
	out_time(e->next);
	out_number(e->tries);
	out_text(e->status);
	out_text(e->sender[0] != '\0' ? e->sender : "<>");
	out_text(e->rcpt);
}

static void
show_entry(const struct entry *e)
{
	char id[2 * QUEUE_ID_LEN + 1];

	seal_hex(e->id, sizeof(e->id), id);
	out_text(id);
	out_text(e->trace);
	out_text(state_name(e->state));
	out_text(e->sender[0] != '\0' ? e->sender : "<>");
	out_text(e->rcpt);
	out_text(e->dest);
	out_time(e->arrival);
	out_time(e->expiry);
	out_time(e->next);
	out_number(e->tries);
	out_number(e->octets);
	out_number(e->code);
	out_text(e->status);
	out_text(e->host);
	out_text(e->text);
}

static int
show_counts(struct invocation *inv)
{
	uint64_t n[5];
	struct queue q;
	struct msg msg;
	uint8_t held;
	int code;

	if ((code = queue_open(&q, inv)) != 0)
		return code;
	queue_ask(&q, QUEUE_CTL_STATS, NULL, 0, 0);
	memset(&msg, 0, sizeof(msg));
	if (msg_recv_wait(q.fd, &msg, QUEUE_WAIT_MS) != 1)
		ctl_silent("smtp-queue", DAEMON_SMTP);
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		n[i] = msg_get_u64(&msg);
	held = msg_get_u8(&msg);
	if (msg.type != QUEUE_CTL_COUNTS || msg_end(&msg) == -1)
		errx(EXIT_FAILED, "smtp-queue: its answer is not understood");
	msg_done(&msg);
	queue_close(&q);
	out_start(COLUMNS(count_columns), inv->json);
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		out_number(n[i]);
	out_text(held ? "yes" : "no");
	return finish(0);
}

static int
print_chunk(struct msg *msg, uint8_t codec)
{
	static uint8_t plain[QUEUE_CHUNK_MAX];
	const uint8_t *data;
	uint32_t n;
	size_t len;
	uint8_t flags;

	(void)msg_get_u8(msg);
	flags = msg_get_u8(msg);
	n = msg_get_u32(msg);
	data = msg_get_bytes(msg, &len, QUEUE_CHUNK_MAX);
	if (msg_end(msg) == -1 || (flags & CHUNK_FAILED) != 0 ||
	    !codec_open(
		codec, (flags & CHUNK_COMPRESSED) != 0, data, len, plain, n))
		return -1;
	if (fwrite(plain, 1, n, stdout) != n)
		err(EXIT_FAILED, "standard output");
	return 0;
}

static int
change(
    struct invocation *inv, uint32_t what, const struct filter *f, int64_t when)
{
	static const struct column columns[] = {
	    {"recipients", COLUMN_NUMBER, 10},
	};
	struct queue q;
	struct msg msg;
	int code;

	if ((code = queue_open(&q, inv)) != 0)
		return code;
	queue_ask(&q, what, f, !f->quiet, when);
	memset(&msg, 0, sizeof(msg));
	while (queue_next(&q, &msg, &code))
		;
	queue_close(&q);
	if (code != 0)
		return code;
	if (q.reports > 0)
		warnx("of %u recipients only a report to the sender is left; "
		      "\"queue remove -n\" gives that up",
		    q.reports);
	/* A destination may be held before there is mail for it. */
	if (q.n == 0 && q.reports > 0)
		return EXIT_FAILED;
	if (q.n == 0 &&
	    (f->id != NULL || f->rcpt != NULL || f->sender != NULL)) {
		warnx("nothing in the queue is meant by that");
		return EXIT_FAILED;
	}
	out_start(COLUMNS(columns), inv->json);
	out_number(q.n);
	return finish(0);
}

static int
change_plain(struct invocation *inv, uint32_t what)
{
	struct filter f;

	if (filter_get(inv, "+d:r:s:", &f) == -1)
		return EXIT_BAD_USAGE;
	return change(inv, what, &f, 0);
}

/* "+2h", or a date in UTC. */
static int
when_get(const char *text, int64_t *when)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = {1, 60, 3600, 86400};
	struct tm tm;
	const char *unit;
	char *end;
	long n;

	if (*text != '+') {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (end == NULL || *end != '\0')
			return -1;
		*when = (int64_t)timegm(&tm);
		return 0;
	}
	if (!isdigit((unsigned char)text[1]))
		return -1;
	errno = 0;
	n = strtol(text + 1, &end, 10);
	unit = strchr(units, *end);
	if (errno != 0 || n > INT32_MAX || *end == '\0' || unit == NULL ||
	    end[1] != '\0')
		return -1;
	*when = (int64_t)time(NULL) + n * seconds[unit - units];
	return 0;
}
