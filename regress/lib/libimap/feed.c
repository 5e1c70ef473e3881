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
 * Feeding a reader; see feed.h.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

static char said[65536];

static void
say(const char *s)
{
	ATF_REQUIRE(strlcat(said, s, sizeof(said)) < sizeof(said));
}

static void
say_command(struct imap_reader *r, bool login)
{
	struct imap_cmd *cmd;

	cmd = imap_reader_take(r);
	ATF_REQUIRE(cmd != NULL);
	say(cmd->tag[0] == '\0' ? "*" : cmd->tag);
	say(cmd->uid && cmd->verb != IMAP_BAD ? " UID " : " ");
	say(imap_verb_name(cmd->verb));
	say("\n");
	if (cmd->verb == IMAP_BAD)
		ATF_REQUIRE(cmd->error != NULL);
	ATF_REQUIRE(cmd->verb != IMAP_APPEND || !cmd->literal);
	if (cmd->verb == IMAP_IDLE || cmd->verb == IMAP_AUTHENTICATE)
		imap_reader_line(r);
	imap_cmd_free(cmd);
}

/* Data in pieces is said as one. */
static void
say_data(size_t *data)
{
	char line[64];

	if (*data == 0)
		return;
	(void)snprintf(line, sizeof(line), "data %zu\n", *data);
	say(line);
	*data = 0;
}

/* URLs, and where a message ends that has any. */
static void
say_steps(const char *line, struct imap_cmd *cmd)
{
	const struct imap_step *step;
	bool any = cmd->part;

	ATF_REQUIRE(cmd != NULL);
	say(line);
	for (step = cmd->steps; step != NULL; step = step->next)
		any = any || step->kind == IMAP_STEP_URL;
	for (step = any ? cmd->steps : NULL; step != NULL; step = step->next) {
		if (step->kind == IMAP_STEP_URL) {
			say(" ");
			say(step->url.p);
		} else
			say(step->kind == IMAP_STEP_BEGIN ? " (" : " )");
	}
	say("\n");
	imap_cmd_free(cmd);
}

static void
say_event(
    struct imap_reader *r, enum imap_event event, bool login, size_t *data)
{
	struct imap_cmd *cmd;
	char line[IMAP_AUTHLINE_MAX + 16];
	const uint8_t *p;
	size_t len;

	if (event == IMAP_DATA) {
		(void)imap_reader_data(r, &len);
		*data += len;
		return;
	}
	say_data(data);
	switch (event) {
	case IMAP_MORE:
	case IMAP_DATA:
		break;
	case IMAP_COMMAND:
		say_command(r, login);
		break;
	case IMAP_CONTINUE:
		say("+\n");
		break;
	case IMAP_MESSAGE:
		cmd = imap_reader_take(r);
		(void)snprintf(line, sizeof(line), "%s %s %llu%s", cmd->tag,
		    cmd->part ? "part" : "message",
		    (unsigned long long)cmd->size, cmd->sync ? " sync" : "");
		say_steps(line, cmd);
		imap_reader_accept(r);
		break;
	case IMAP_DATA_END:
		say_steps("end", imap_reader_take(r));
		break;
	case IMAP_DATA_BAD:
		say("bad end\n");
		break;
	case IMAP_LINE:
		p = imap_reader_data(r, &len);
		(void)snprintf(line, sizeof(line), "line <%.*s>\n", (int)len,
		    len == 0 ? "" : (const char *)p);
		say(line);
		break;
	case IMAP_FATAL:
		say("fatal\n");
		break;
	}
}

const char *
feed(const char *input, size_t len, size_t piece, bool login)
{
	struct imap_reader *r;
	enum imap_event event;
	size_t n, off, used, data;
	char *copy;

	said[0] = '\0';
	r = imap_reader_new();
	if (login)
		imap_reader_login(r);
	data = 0;
	event = IMAP_MORE;
	for (off = 0; off < len && event != IMAP_FATAL;) {
		n = piece == 0 || piece > len - off ? len - off : piece;
		/* A copy of its own: reading past it is caught. */
		copy = malloc(n);
		ATF_REQUIRE(copy != NULL);
		memcpy(copy, input + off, n);
		event = imap_reader_next(r, (uint8_t *)copy, n, &used);
		ATF_REQUIRE(used <= n);
		say_event(r, event, login, &data);
		off += used;
		free(copy);
	}
	say_data(&data);
	imap_reader_free(r);
	return said;
}

struct imap_cmd *
feed_command(const char *line, size_t len)
{
	struct imap_reader *r;
	struct imap_cmd *cmd;
	enum imap_event event;
	size_t used, off;
	char *text;

	text = malloc(len + 2);
	ATF_REQUIRE(text != NULL);
	memcpy(text, line, len);
	memcpy(text + len, "\r\n", 2);
	r = imap_reader_new();
	imap_reader_login(r);
	off = 0;
	do {
		event = imap_reader_next(
		    r, (uint8_t *)text + off, len + 2 - off, &used);
		off += used;
	} while (
	    event == IMAP_CONTINUE || (event == IMAP_MORE && off < len + 2));
	ATF_REQUIRE_MSG(event == IMAP_COMMAND || event == IMAP_MESSAGE,
	    "event %d for %s", event, line);
	cmd = imap_reader_take(r);
	imap_reader_free(r);
	free(text);
	return cmd;
}
