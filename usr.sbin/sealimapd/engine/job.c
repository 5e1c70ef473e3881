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
 * The queue of a connection's commands.  They start in order, as many at a
 * time as do not disturb each other's meaning (RFC 9051 section 5.5), so that
 * many changes share one sync in the vault; the vault's answers come in the
 * order of the requests.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

static bool
is_heavy(const struct imap_cmd *cmd)
{
	size_t i;

	for (i = 0; i < cmd->nkeys; i++)
		if (cmd->keys[i].set.n > SET_RANGES_MAX)
			return true;
	return cmd->set.n > SET_RANGES_MAX ||
	    (cmd->resync != NULL && cmd->resync->known.n > SET_RANGES_MAX);
}

/*
 * Who leaves after having been told that a command lasts does not wait for it;
 * one who sent LOGOUT along with a command wants its answer.
 */
static void
job_interrupt(struct conn *c)
{
	struct job *first = TAILQ_FIRST(&c->jobs);

	if (first != NULL && first->lasts && first->waiting > 0)
		msg_signal(c->vault, V_CANCEL, first->expect);
}

struct job *
job_new(struct conn *c, struct imap_cmd *cmd)
{
	struct job *job;

	job = calloc(1, sizeof(*job));
	if (job == NULL)
		fatal("command");
	job->conn = c;
	job->cmd = cmd;
	job->command = command_find(cmd->verb);
	job->heavy = is_heavy(cmd);
	if (cmd->verb == IMAP_LOGOUT)
		job_interrupt(c);
	TAILQ_INSERT_TAIL(&c->jobs, job, entry);
	c->njobs++;
	/* What comes next is no command. */
	if (cmd->verb == IMAP_IDLE)
		imap_reader_line(c->reader);
	return job;
}

void
job_free(struct job *job)
{
	struct conn *c = job->conn;

	if (job->command->free != NULL)
		job->command->free(job);
	if (c->append == job)
		c->append = NULL;
	TAILQ_REMOVE(&c->jobs, job, entry);
	c->njobs--;
	imap_cmd_free(job->cmd);
	free(job);
}

bool
job_open(struct conn *c)
{
	struct job *job;

	TAILQ_FOREACH (job, &c->jobs, entry)
		if (job->open)
			return true;
	return false;
}

/* Is all that is under way of a kind that leaves the output whole? */
bool
job_may_flow(struct conn *c)
{
	struct job *job;

	TAILQ_FOREACH (job, &c->jobs, entry)
		if (job != c->append &&
		    (!job->started || command_class(job) != CLASS_FLOW))
			return false;
	return true;
}

uint8_t
job_news_bits(const struct job *job, bool expunge)
{
	const struct job *next;

	for (next = TAILQ_NEXT(job, entry); next != NULL;
	     next = TAILQ_NEXT(next, entry)) {
		switch ((int)next->cmd->verb) {
		case IMAP_FETCH:
		case IMAP_STORE:
		case IMAP_SEARCH:
		case IMAP_SORT:
		case IMAP_THREAD:
		case IMAP_COPY:
		case IMAP_MOVE:
		case IMAP_REPLACE:
			if (!next->cmd->uid)
				expunge = false;
			break;
		default:
			break;
		}
	}
	if (!notify_selected(job->conn, IMAP_EVENT_NEW))
		return 0;
	return (expunge ? NEWS | NEWS_EXPUNGE : NEWS) |
	    (notify_selected(job->conn, IMAP_EVENT_FLAGS) ? 0 : NEWS_QUIET) |
	    (job->conn->qresync ? MODSEQ_LOW : 0);
}

static unsigned int
state_bit(const struct conn *c)
{
	switch (c->state) {
	case CONN_BEFORE:
	case CONN_LOGIN:
		return IN_BEFORE;
	case CONN_AUTH:
		return IN_AUTH;
	case CONN_SELECTED:
		return IN_SELECTED;
	case CONN_CLOSING:
		break;
	}
	return 0;
}

static void
job_start(struct job *job)
{
	struct conn *c = job->conn;

	job->started = true;
	if ((job->command->states & state_bit(c)) == 0) {
		job_done(job, "BAD",
		    c->state == CONN_BEFORE   ? "Log in first" :
			c->state == CONN_AUTH ? "Select a mailbox first" :
						"Not allowed now");
		return;
	}
	/* An APPEND's like has a message to be skipped, and refuses itself. */
	if (c->uidonly && job->cmd->verb != IMAP_REPLACE &&
	    by_numbers(job->cmd))
		job_done(job, "BAD", "[UIDREQUIRED] UIDONLY is enabled");
	else
		job->command->start(job);
}

static void
start_jobs(struct conn *c)
{
	struct job *job, *next;
	bool any;

	any = false;
	for (job = TAILQ_FIRST(&c->jobs); job != NULL; job = next) {
		if (job->started) {
			if (command_class(job) != CLASS_FLOW)
				return;
			any = true;
			next = TAILQ_NEXT(job, entry);
			continue;
		}
		if (any && command_class(job) == CLASS_ALONE)
			return;
		job_start(job);
		if (c->dead || c->state == CONN_CLOSING)
			return;
		/* It may be gone, and its like before it. */
		next = TAILQ_FIRST(&c->jobs);
		any = false;
	}
}

bool
job_calm(const struct conn *c)
{
	const struct job *job = TAILQ_FIRST(&c->jobs);

	return job == NULL ||
	    (job->cmd->verb == IMAP_IDLE && job->started && job->waiting == 0 &&
		TAILQ_NEXT(job, entry) == NULL);
}

void
job_start_all(struct conn *c)
{
	start_jobs(c);
	if (!c->dead && c->state != CONN_CLOSING)
		notify_run(c);
	if (!c->dead && c->state != CONN_CLOSING)
		contexts_run(c);
}

/* RFC 9738 section 3.1: which messages were left out. */
static void
put_limit(struct imap_buf *b, const struct job *job)
{
	imap_puts(b, "[MESSAGELIMIT ");
	imap_put_number(b, job->conn->command_messages);
	if (job->limited != 0) {
		imap_putc(b, ' ');
		imap_put_number(b, job->limited);
	}
	imap_puts(b, "] ");
}

void
job_placed(struct job *job, uint32_t uidvalidity, uint32_t n, uint32_t first,
    uint32_t last)
{
	if (uidvalidity != job->conn->uidvalidity || n == 0)
		return;
	if (job->placed.n == 0 || first < job->placed.first)
		job->placed.first = first;
	if (job->placed.n == 0 || last > job->placed.last)
		job->placed.last = last;
	job->placed.n += n;
}

void
job_done(struct job *job, const char *condition, const char *text)
{
	struct conn *c = job->conn;
	struct imap_buf *b;

	if (job->silent) {
		job_free(job);
		return;
	}
	report_condition(condition);
	b = conn_out(c);
	/* A code that is there already is not displaced. */
	if (job->limited != 0 && *text == '[') {
		imap_puts(b, "* NO ");
		put_limit(b, job);
		imap_puts(b, "Only the newest\r\n");
	}
	if (job->cmd->tag[0] == '\0')
		imap_putc(b, '*');
	else
		imap_puts(b, job->cmd->tag);
	imap_putc(b, ' ');
	imap_puts(b, condition);
	imap_putc(b, ' ');
	if (job->result == DONE_MESSAGES || (job->limited != 0 && *text != '['))
		put_limit(b, job);
	imap_puts(b, text);
	imap_put(b, "\r\n", 2);
	job_free(job);
}

static const struct {
	enum vault_result result;
	const char *condition;
	const char *text;
} results[] = {
    {DONE_NONEXISTENT, "NO", "[NONEXISTENT] No such mailbox"},
    {DONE_TRYCREATE, "NO", "[TRYCREATE] No such mailbox"},
    {DONE_EXISTS, "NO", "[ALREADYEXISTS] That mailbox exists"},
    {DONE_CANNOT, "NO", "[CANNOT] Not with this mailbox"},
    {DONE_OVERQUOTA, "NO", "[OVERQUOTA] The account is full"},
    {DONE_LIMIT, "NO", "[LIMIT] Too many of them"},
    {DONE_READONLY, "NO", "[READ-ONLY] The mailbox is read-only"},
    {DONE_EXPUNGED, "OK", "[EXPUNGEISSUED] Some messages are gone"},
    {DONE_NOSPACE, "NO",
	"[UNAVAILABLE] No space on the disk; what is expunged makes some"},
    {DONE_IO, "NO", "[UNAVAILABLE] The message cannot be read"},
    {DONE_CORRUPT, "NO", "[CORRUPTION] The message is damaged"},
    {DONE_BADSEQ, "BAD", "No message of that number"},
    {DONE_NOTSELECTED, "NO", "No mailbox is selected"},
    {DONE_CANCELLED, "NO", "Cancelled"},
    {DONE_BUSY, "NO", "[UNAVAILABLE] Try again later"},
    {DONE_MESSAGES, "NO", "Too many messages for one command"},
    {DONE_NOPERM, "NO", "[NOPERM] That is not yours to do"},
    {DONE_HASCHILDREN, "NO", "[HASCHILDREN] Names below it stay"},
};

void
job_result(struct job *job, enum vault_result result, const char *text)
{
	size_t i;

	if (result == DONE_OK) {
		job_done(job, "OK", text != NULL ? text : "Done");
		return;
	}
	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i].result == result)
			break;
	if (i == sizeof(results) / sizeof(results[0])) {
		job_done(job, "NO", "[SERVERBUG] Failed");
		return;
	}
	if (result == DONE_EXPUNGED &&
	    (job->cmd->verb == IMAP_COPY || job->cmd->verb == IMAP_MOVE ||
		job->cmd->verb == IMAP_REPLACE))
		job_done(job, "NO", results[i].text);
	else
		job_done(job, results[i].condition, results[i].text);
}

uint32_t
conn_request_id(struct conn *c)
{
	uint32_t id;

	id = c->next_id++;
	if (c->next_id == 0)
		c->next_id = 1;
	return id;
}

struct msgout *
job_request(struct job *job, uint32_t type)
{
	struct conn *c = job->conn;
	uint32_t id;

	id = conn_request_id(c);
	if (job->waiting++ == 0) {
		job->expect = id;
		job->asked = engine_now();
		conn_watch();
	}
	return msg_new(c->vault, type, id);
}

void
job_progress(struct job *job, uint32_t done, uint32_t goal)
{
	struct imap_buf *b;

	/* Not in the midst of a line; nor where nothing is to be done. */
	if (job_open(job->conn) || done >= goal)
		return;
	job->lasts = true;
	b = conn_out(job->conn);
	imap_puts(b, "* OK [INPROGRESS (");
	imap_put_string(b, job->cmd->tag, strlen(job->cmd->tag));
	imap_putc(b, ' ');
	imap_put_number(b, done);
	imap_putc(b, ' ');
	imap_put_number(b, goal);
	imap_puts(b, ")] Still at work\r\n");
}

/* What changes the store; of much of it the vault says how far it is. */
static bool
is_change(const struct job *job)
{
	switch ((int)job->cmd->verb) {
	case IMAP_COPY:
	case IMAP_MOVE:
	case IMAP_STORE:
	case IMAP_EXPUNGE:
	case IMAP_CLOSE:
	case IMAP_APPEND:
	case IMAP_REPLACE:
	case IMAP_SELECT:
	case IMAP_EXAMINE:
		return job->waiting > 0 && !job->silent;
	default:
		return false;
	}
}

static void
change_progress(struct job *job, struct msg *msg)
{
	uint32_t done, goal;

	done = msg_get_u32(msg);
	goal = msg_get_u32(msg);
	job->asked = engine_now();
	if (msg_end(msg) == -1)
		conn_protocol(job->conn, "R_PROGRESS");
	else
		job_progress(job, done, goal);
}

bool
job_patience(struct conn *c)
{
	struct imap_buf *b;
	struct job *job;
	bool any = false;

	TAILQ_FOREACH (job, &c->jobs, entry) {
		any = any || is_change(job);
		if (!is_change(job) || job_open(c) ||
		    engine_now() - job->asked < PROGRESS_SECONDS)
			continue;
		job->asked = engine_now();
		b = conn_out(c);
		imap_puts(b, "* OK [INPROGRESS (");
		imap_put_string(b, job->cmd->tag, strlen(job->cmd->tag));
		imap_puts(b, " NIL NIL)] Still at work\r\n");
	}
	return any;
}

static void
put_ranges(struct msgout *m, const struct imap_range *range, size_t n)
{
	msg_put_u32(m, (uint32_t)n);
	for (; n > 0; n--, range++) {
		msg_put_u32(m, range->first);
		msg_put_u32(m, range->last);
	}
}

void
job_send_ranges(struct job *job, const struct imap_range *range, size_t n)
{
	struct msgout *m;
	size_t part;

	for (; n > 0; n -= part, range += part) {
		part = n < SET_RANGES_MAX ? n : SET_RANGES_MAX;
		m = msg_new(job->conn->vault, V_SET, 0);
		put_ranges(m, range, part);
		msg_send(m);
	}
}

/* The ranges that stand in the request itself are the last ones. */
static size_t
set_before(const struct imap_set *set)
{
	return set->n > SET_RANGES_MAX ? set->n - SET_RANGES_MAX : 0;
}

void
job_send_set(struct job *job, const struct imap_set *set)
{
	job_send_ranges(job, set->range, set_before(set));
}

void
job_put_set(struct msgout *m, const struct imap_set *set)
{
	static const struct imap_range saved = {0, 0};

	if (set->saved)
		put_ranges(m, &saved, 1);
	else if (set->n == 0)
		msg_put_u32(m, 0);
	else
		put_ranges(
		    m, set->range + set_before(set), set->n - set_before(set));
}

/* What goes into a response line as it stands. */
static bool
line_safe(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			return false;
	}
	return true;
}

static void
job_request_done(struct job *job, struct msg *msg)
{
	char detail[256];
	uint8_t result;

	result = msg_get_u8(msg);
	if (msg_get_str(msg, detail, sizeof(detail)) == -1 ||
	    msg_end(msg) == -1 || !line_safe(detail)) {
		conn_protocol(job->conn, "done");
		return;
	}
	job->expect++;
	if (job->expect == 0)
		job->expect = 1;
	job->waiting--;
	if (job->result == DONE_OK)
		job->result = result;
	if (job->command->done != NULL)
		job->command->done(job, result, detail);
	else if (job->waiting == 0)
		job_result(job, job->result, NULL);
}

/* News, whoever's answer it comes with. */
static void
job_news(struct conn *c, struct msg *msg)
{
	struct job *job;

	TAILQ_FOREACH (job, &c->jobs, entry)
		if (job->started && job->command->news != NULL)
			job->command->news(job);
	if (job_open(c))
		conn_protocol(c, "news within an answer");
	else if (msg->type == R_KEYWORDS)
		news_keywords(c, msg);
	else
		news_message(c, msg);
}

/*
 * What waits for the vault's answer has failed, as far as anybody can tell; in
 * the middle of a literal nothing can be said.
 */
static void
disk_failed(struct conn *c)
{
	struct job *job;

	TAILQ_FOREACH (job, &c->jobs, entry)
		if (job->waiting > 0)
			break;
	if (job != NULL && job != c->append && !job_open(c))
		job_done(job, "NO",
		    "[UNAVAILABLE] The disk failed; whether this was done "
		    "shows after a new login");
}

/* The vault ends the session; a change of secrets is answered first. */
static void
job_bye(struct conn *c, uint8_t reason)
{
	if (manage_hold(c))
		return;
	switch (reason) {
	case 2:
		disk_failed(c);
		conn_bye(c, "[UNAVAILABLE] The mail store ends this session");
		break;
	case 3:
		conn_bye(c, "The selected mailbox was deleted");
		break;
	case 4:
		conn_bye(c, "The secret was changed or revoked");
		break;
	default:
		conn_bye(c, "[UNAVAILABLE] The mail store ends this session");
		break;
	}
}

void
job_vault_message(struct conn *c, struct msg *msg)
{
	struct job *job;

	if (msg->type == R_BYE) {
		job_bye(c, msg_get_u8(msg));
		return;
	}
	if (msg->type == R_NUDGE) {
		notify_nudge(c);
		return;
	}
	if (msg->id == 0 || msg->type == R_KEYWORDS || msg->type == R_EXISTS ||
	    msg->type == R_EXPUNGE) {
		job_news(c, msg);
		return;
	}
	TAILQ_FOREACH (job, &c->jobs, entry)
		if (job->waiting > 0)
			break;
	if (job == NULL || job->expect != msg->id) {
		/* The answer to what was given up meanwhile. */
		log_debug("vault late conn=%llu type=%u",
		    (unsigned long long)c->id, msg->type);
		return;
	}
	if (msg->type == R_DONE)
		job_request_done(job, msg);
	else if (msg->type == R_LIMITED) {
		job->limited = msg_get_u32(msg);
		if (msg_end(msg) == -1)
			conn_protocol(c, "R_LIMITED");
	} else if (msg->type == R_PROGRESS && is_change(job))
		change_progress(job, msg);
	else if (job->command->answer != NULL)
		job->command->answer(job, msg);
	else
		conn_protocol(c, "unexpected answer");
}
