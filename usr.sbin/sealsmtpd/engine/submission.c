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
 * The header of mail that a user submits: whose it says it is must be his
 * (RFC 6409 6.1), Date and Message-ID are added (8.1, 8.2), and what tells of
 * his machine, or of hidden recipients, is taken out.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "log.h"

#include "engine.h"

#define ADDED_MAX 1024 /* octets of the fields that are added */
#define ID_LEN 16      /* random octets of a Message-ID */

/* Fields that are looked at. */
enum field {
	FIELD_OTHER,
	FIELD_FROM,
	FIELD_SENDER,
	FIELD_DATE,
	FIELD_MESSAGE_ID,
	FIELD_CONTENT_TYPE,
	FIELD_GONE,  /* goes */
	FIELD_BCC,   /* goes, but for its sender */
	FIELD_AGENT, /* goes, unless the config says otherwise */
};

static const struct {
	const char *name;
	enum field field;
} fields[] = {
    {"From", FIELD_FROM},
    {"Sender", FIELD_SENDER},
    {"Date", FIELD_DATE},
    {"Message-ID", FIELD_MESSAGE_ID},
    {"Content-Type", FIELD_CONTENT_TYPE},
    /* RFC 5322 3.6.3: the first way, for all recipients alike. */
    {"Bcc", FIELD_BCC},
    {"Resent-Bcc", FIELD_BCC},
    /* Those are of final delivery, and ours. */
    {"Return-Path", FIELD_GONE},
    {"Delivered-To", FIELD_GONE},
    /* Where the user sits. */
    {"X-Originating-IP", FIELD_GONE},
    {"X-Originating-Client", FIELD_GONE},
    {"X-Client-IP", FIELD_GONE},
    {"X-Forwarded-For", FIELD_GONE},
    {"X-Real-IP", FIELD_GONE},
    {"X-Sender-IP", FIELD_GONE},
    {"X-Sender-Host", FIELD_GONE},
    /* And by what he writes. */
    {"User-Agent", FIELD_AGENT},
    {"X-Mailer", FIELD_AGENT},
    {"X-MimeOLE", FIELD_AGENT},
    {"X-Newsreader", FIELD_AGENT},
};

static const struct refusal malformed = {
    550, "5.6.0", "Malformed header (RFC 5322 2.2)"};
static const struct refusal no_from = {
    550, "5.6.0", "There must be one From (RFC 5322 3.6)"};
static const struct refusal bad_from = {
    550, "5.6.0", "From or Sender is malformed (RFC 5322 3.6.2)"};
static const struct refusal no_sender = {
    550, "5.6.0", "Several authors need a Sender (RFC 5322 3.6.2)"};
static const struct refusal other_from = {
    553, "5.7.1", "From or Sender is not an address of yours"};
static const struct refusal no_report = {
    553, "5.7.1", "Only disposition notifications are from <>"};

/* What has been seen of a header. */
struct head {
	struct session *session;
	char *out;
	char *bcc;
	size_t len, bcc_len;
	unsigned int from, sender; /* so many fields */
	size_t authors;
	bool date, id, report;
};

static const struct refusal *head_field(struct head *, const char *, size_t);
static const struct refusal *
head_author(struct head *, enum field, const char *, size_t);
static void head_add(struct head *);
static size_t field_put(char *, const char *, size_t);
static size_t field_len(const char *, size_t);
static enum field field_find(const char *, size_t);
static bool is_report(const char *, size_t);

const struct refusal *
submission_header(struct session *s, const uint8_t *header, size_t len,
    uint8_t **out, size_t *outlen, size_t *hidden)
{
	const struct refusal *refusal;
	struct head head;
	const char *p;
	size_t n;

	memset(&head, 0, sizeof(head));
	head.session = s;
	head.out = malloc(len + ADDED_MAX);
	head.bcc = malloc(len + 2);
	if (head.out == NULL || head.bcc == NULL)
		fatal("malloc");
	refusal = NULL;
	p = (const char *)header;
	for (; len > 0 && refusal == NULL; p += n, len -= n) {
		n = field_len(p, len);
		refusal = head_field(&head, p, n);
	}
	if (refusal == NULL && head.from != 1)
		refusal = &no_from;
	if (refusal == NULL && head.authors > 1 && head.sender == 0)
		refusal = &no_sender;
	/* RFC 8098 3: so that nothing answers a notification. */
	if (refusal == NULL && s->mail.from.domain[0] == '\0' && !head.report)
		refusal = &no_report;
	if (refusal == NULL) {
		head_add(&head);
		memcpy(head.out + head.len, head.bcc, head.bcc_len);
		*out = (uint8_t *)head.out;
		*outlen = head.len;
		*hidden = head.bcc_len;
	} else
		free(head.out);
	freezero(head.bcc, head.bcc_len);
	return refusal;
}

/* A whole field with its line ends: judged, and kept or left out. */
static const struct refusal *
head_field(struct head *h, const char *p, size_t len)
{
	const struct refusal *refusal;
	enum field field;
	const char *colon;
	size_t name;

	colon = memchr(p, ':', len);
	if (colon == NULL || colon == p || memchr(p, '\0', len) != NULL)
		return &malformed;
	name = (size_t)(colon - p);
	/* A name that another program would read differently is none. */
	for (size_t i = 0; i < name; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return &malformed;
	field = field_find(p, name);
	refusal = NULL;
	switch (field) {
	case FIELD_FROM:
	case FIELD_SENDER:
		refusal = head_author(h, field, colon + 1, len - name - 1);
		break;
	case FIELD_DATE:
		h->date = true;
		break;
	case FIELD_MESSAGE_ID:
		h->id = true;
		break;
	case FIELD_CONTENT_TYPE:
		h->report = is_report(colon + 1, len - name - 1);
		break;
	case FIELD_GONE:
		return NULL;
	case FIELD_BCC:
		h->bcc_len += field_put(h->bcc + h->bcc_len, p, len);
		return NULL;
	case FIELD_AGENT:
		if (!engine_config()->show_agent)
			return NULL;
		break;
	case FIELD_OTHER:
		break;
	}
	h->len += field_put(h->out + h->len, p, len);
	return refusal;
}

/* The last may have no end (BDAT), and others are to stand behind it. */
static size_t
field_put(char *to, const char *p, size_t len)
{
	memcpy(to, p, len);
	if (p[len - 1] == '\n')
		return len;
	memcpy(to + len, "\r\n", 2);
	return len + 2;
}

static const struct refusal *
head_author(struct head *h, enum field field, const char *value, size_t len)
{
	enum identity_result res;
	size_t n;

	res = identity_list(h->session->login, value, len, &n);
	if (field == FIELD_FROM) {
		h->from++;
		h->authors = n;
	} else if (++h->sender > 1 || n > 1)
		return &bad_from;
	if (h->from > 1)
		return &no_from;
	switch (res) {
	case IDENTITY_OWN:
		return NULL;
	case IDENTITY_OTHER:
		return &other_from;
	case IDENTITY_MALFORMED:
		break;
	}
	return &bad_from;
}

static void
head_add(struct head *h)
{
	char date[64], id[2 * ID_LEN + 1];
	uint8_t random[ID_LEN];
	const char *domain;
	int n;

	if (!h->date) {
		smtp_date_print((int64_t)time(NULL), date, sizeof(date));
		n = snprintf(
		    h->out + h->len, ADDED_MAX / 2, "Date: %s\r\n", date);
		h->len += (size_t)n;
	}
	if (h->id)
		return;
	arc4random_buf(random, sizeof(random));
	for (size_t i = 0; i < ID_LEN; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", random[i]);
	domain = strrchr(h->session->login, '@');
	n = snprintf(h->out + h->len, ADDED_MAX / 2, "Message-ID: <%s%s>\r\n",
	    id, domain != NULL ? domain : "");
	h->len += (size_t)n;
}

/* Up to the end of a line that no white space follows. */
static size_t
field_len(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i++)
		if (p[i] == '\n' && p[i + 1] != ' ' && p[i + 1] != '\t')
			return i + 1;
	return len;
}

static enum field
field_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == len &&
		    strncasecmp(name, fields[i].name, len) == 0)
			return fields[i].field;
	return FIELD_OTHER;
}

/* RFC 8098 3.  Comments are not looked for: nobody writes them there. */
static bool
is_report(const char *value, size_t len)
{
	static const char type[] = "multipart/report";
	static const char report[] = "disposition-notification";
	size_t i;

	for (i = 0; i < len && strchr(" \t\r\n", value[i]) != NULL; i++)
		;
	if (len - i < sizeof(type) ||
	    strncasecmp(value + i, type, sizeof(type) - 1) != 0)
		return false;
	for (; i + sizeof(report) - 1 <= len; i++)
		if (strncasecmp(value + i, report, sizeof(report) - 1) == 0)
			return true;
	return false;
}
