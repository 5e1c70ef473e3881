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
 * The limits of sealmail.conf(5): names, defaults, bounds; and numbers as the
 * file writes them.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_local.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define DAY UINT64_C(86400)

const struct conf_limit_row conf_limit_rows[CONF_LIMITS] = {
    [CONF_MESSAGE_SIZE] = {"message-size", LIMIT_SIZE, 100 * MIB, 64 * KIB,
	4096 * MIB - 1},
    [CONF_CONNECTIONS] = {"connections", LIMIT_COUNT, 10000, 1, 1000000},
    [CONF_CONNECTIONS_PER_SOURCE] = {"connections-per-source", LIMIT_COUNT,
	2000, 1, 1000000},
    [CONF_CONNECTION_RATE] = {"connection-rate", LIMIT_COUNT, 0, 0, 1000000},
    [CONF_SESSIONS_PER_USER] = {"sessions-per-user", LIMIT_COUNT, 200, 1,
	10000},
    [CONF_LOGIN_FAILURES] = {"login-failures", LIMIT_COUNT, 5, 1, 1000},
    [CONF_FAILURES_PER_SOURCE] = {"login-failures-per-source", LIMIT_COUNT, 100,
	0, 100000},
    [CONF_FAILURES_PER_USER] = {"login-failures-per-user", LIMIT_COUNT, 100, 0,
	100000},
    [CONF_LOGIN_TIMEOUT] = {"login-timeout", LIMIT_SECONDS, 120, 5, DAY},
    [CONF_IDLE_TIMEOUT] = {"idle-timeout", LIMIT_SECONDS, 1860, 5, DAY},
    [CONF_COMMAND_TIMEOUT] = {"command-timeout", LIMIT_SECONDS, 300, 5, DAY},
    [CONF_DERIVATIONS] = {"derivations", LIMIT_COUNT, 0, 0, 1024},
    [CONF_RECIPIENTS] = {"recipients", LIMIT_COUNT, 1000, 1, 100000},
    [CONF_MESSAGES_PER_SESSION] = {"messages-per-session", LIMIT_COUNT, 0, 0,
	1000000},
    [CONF_BAD_COMMANDS] = {"bad-commands", LIMIT_COUNT, 20, 1, 1000},
    [CONF_RECEIVED_LINES] = {"received-lines", LIMIT_COUNT, 100, 10, 1000},
    [CONF_FREE_SPACE] = {"free-space", LIMIT_SIZE, 64 * MIB, 0,
	UINT64_C(1) << 62},
    [CONF_FREE_INODES] = {"free-inodes", LIMIT_COUNT, 1000, 0,
	UINT64_C(1) << 40},
    [CONF_TICKET_LIFE] = {"ticket-life", LIMIT_SECONDS, 7200, 4, DAY},
    [CONF_CERTIFICATE_CHECK] = {"certificate-check", LIMIT_SECONDS, 60, 0, DAY},
    [CONF_QUEUE_LIFETIME] = {"queue-lifetime", LIMIT_SECONDS, 5 * DAY, 60,
	30 * DAY},
    [CONF_QUEUE_WARNING] = {"queue-warning", LIMIT_SECONDS, 14400, 0, 30 * DAY},
    [CONF_QUEUE_RETRY] = {"queue-retry", LIMIT_SECONDS, 300, 1, DAY},
    [CONF_QUEUE_RETRY_LONGEST] = {"queue-retry-longest", LIMIT_SECONDS, 14400,
	1, DAY},
    [CONF_DESTINATION_JOBS] = {"destination-jobs", LIMIT_COUNT, 20, 1, 1000},
    [CONF_RELAY_JOBS] = {"relay-jobs", LIMIT_COUNT, 200, 1, 10000},
    [CONF_MESSAGES_PER_HOUR] = {"messages-per-hour", LIMIT_COUNT, 500, 0,
	1000000},
    [CONF_RECIPIENTS_PER_HOUR] = {"recipients-per-hour", LIMIT_COUNT, 2000, 0,
	1000000},
    /* As many as a mailbox holds; RFC 9738 wants no less than 1,000. */
    [CONF_COMMAND_MESSAGES] = {"command-messages", LIMIT_COUNT,
	UINT64_C(1) << 24, 1000, UINT64_C(1) << 24},
};

#define BOUND_MAX 32 /* octets of a bound, as it is written */

static void bound(const struct conf_limit_row *, uint64_t, char *, size_t);
static int digits(const char *, uint64_t *, const char **);
static int scaled(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t *);

const char *
conf_limit_name(enum conf_limit limit)
{
	return conf_limit_rows[limit].name;
}

const char *
conf_limit_wrong(const struct conf_limit_row *row)
{
	static const char *const kinds[] = {
	    [LIMIT_COUNT] = "number",
	    [LIMIT_SIZE] = "size",
	    [LIMIT_SECONDS] = "time",
	};
	static char text[128];
	char min[BOUND_MAX], max[BOUND_MAX];

	bound(row, row->min, min, sizeof(min));
	bound(row, row->max, max, sizeof(max));
	(void)snprintf(text, sizeof(text), "not a %s from %s to %s",
	    kinds[row->kind], min, max);
	return text;
}

/* In the largest unit of which it is a multiple. */
static void
bound(const struct conf_limit_row *row, uint64_t n, char *text, size_t size)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = {{'d', DAY}, {'h', 3600}, {'m', 60}, {'s', 1}};
	static const char sizes[] = "KMGT";
	size_t i = 0;
	char unit = '\0';

	switch (row->kind) {
	case LIMIT_COUNT:
		break;
	case LIMIT_SIZE:
		for (; i < 4 && n > 0 && n % KIB == 0; i++, n /= KIB)
			unit = sizes[i];
		break;
	case LIMIT_SECONDS:
		while (n % units[i].seconds != 0)
			i++;
		if (n > 0) {
			unit = units[i].letter;
			n /= units[i].seconds;
		}
		break;
	}
	(void)snprintf(text, size, "%llu%.1s", (unsigned long long)n, &unit);
}

int
conf_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end;
	uint64_t n;

	if (digits(text, &n, &end) == -1 || *end != '\0')
		return -1;
	return scaled(n, 1, min, max, value);
}

int
conf_size(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	static const char units[] = "KMGT";
	const char *end, *unit;
	uint64_t n, scale;

	if (digits(text, &n, &end) == -1)
		return -1;
	scale = 1;
	if (*end != '\0') {
		unit = strchr(units, *end == 'k' ? 'K' : *end);
		if (unit == NULL || end[1] != '\0')
			return -1;
		for (; unit >= units; unit--)
			scale *= KIB;
	}
	return scaled(n, scale, min, max, value);
}

int
conf_seconds(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end;
	uint64_t n, scale;

	if (digits(text, &n, &end) == -1)
		return -1;
	switch (*end) {
	case '\0':
	case 's':
		scale = 1;
		break;
	case 'm':
		scale = 60;
		break;
	case 'h':
		scale = 3600;
		break;
	case 'd':
		scale = DAY;
		break;
	default:
		return -1;
	}
	if (*end != '\0' && end[1] != '\0')
		return -1;
	return scaled(n, scale, min, max, value);
}

static int
digits(const char *text, uint64_t *value, const char **end)
{
	uint64_t n;
	unsigned int d;

	if (*text < '0' || *text > '9')
		return -1;
	for (n = 0; *text >= '0' && *text <= '9'; text++) {
		d = (unsigned int)(*text - '0');
		if (n > (UINT64_MAX - d) / 10)
			return -1;
		n = n * 10 + d;
	}
	*value = n;
	*end = text;
	return 0;
}

static int
scaled(uint64_t n, uint64_t scale, uint64_t min, uint64_t max, uint64_t *value)
{
	if (n > UINT64_MAX / scale)
		return -1;
	n *= scale;
	if (n < min || n > max)
		return -1;
	*value = n;
	return 0;
}
