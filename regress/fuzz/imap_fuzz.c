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
 * Fuzzer of libimap's reader.  The first octet chooses the state (before or
 * after login) and the size of the pieces; the rest is what a client sends.
 * In pieces or whole, the commands must be the same.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imap.h"

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

/* What was read, as a number that depends on every part of it. */
struct sum {
	uint64_t value;
	unsigned commands;
};

static void
add(struct sum *sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len-- > 0)
		sum->value = (sum->value ^ *p++) * 0x100000001b3ULL;
}

static void
add_str(struct sum *sum, const struct imap_str *s)
{
	if (s->p == NULL)
		return;
	/* A NUL stands behind every string. */
	if (s->p[s->len] != '\0')
		abort();
	add(sum, s->p, s->len);
}

static void
add_set(struct sum *sum, const struct imap_set *set)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		if (set->range[i].first == 0 ||
		    set->range[i].first > set->range[i].last)
			abort();
		if (i > 0 && set->range[i].first < set->range[i - 1].first)
			abort();
	}
	add(sum, set->range, set->n * sizeof(*set->range));
}

/* What an APPEND has; its URLs are read, too. */
static void
add_steps(struct sum *sum, struct imap_cmd *cmd)
{
	static const struct imap_str base = {"a/b", 3};
	const struct imap_step *step;
	struct imap_url url;

	for (step = cmd->steps; step != NULL; step = step->next) {
		add(sum, &step->kind, sizeof(step->kind));
		add(sum, &step->flags, sizeof(step->flags));
		if (step->kind != IMAP_STEP_URL)
			continue;
		add_str(sum, &step->url);
		if (imap_url_parse(cmd, &step->url, &base, &url) == -1)
			continue;
		if (url.name.len == 0 || url.uid == 0)
			abort();
		add_str(sum, &url.name);
		add(sum, &url.uid, sizeof(url.uid));
	}
}

static void
add_command(struct sum *sum, struct imap_cmd *cmd)
{
	size_t i, k;

	sum->commands++;
	add(sum, &cmd->verb, sizeof(cmd->verb));
	add(sum, cmd->tag, strlen(cmd->tag));
	if (cmd->verb == IMAP_BAD) {
		if (cmd->error == NULL)
			abort();
		return;
	}
	add_str(sum, &cmd->name);
	add_str(sum, &cmd->name2);
	add_str(sum, &cmd->secret);
	add_set(sum, &cmd->set);
	for (i = 0; i < cmd->nwords; i++)
		add_str(sum, &cmd->words[i]);
	for (i = 0; i < cmd->nkeywords; i++)
		add_str(sum, &cmd->keywords[i]);
	for (i = 0; i < cmd->nkeys; i++) {
		add_str(sum, &cmd->keys[i].text);
		add_str(sum, &cmd->keys[i].field);
		add_set(sum, &cmd->keys[i].set);
	}
	add_steps(sum, cmd);
	for (i = 0; i < cmd->nsections; i++) {
		add(sum, cmd->sections[i].part,
		    cmd->sections[i].nparts * sizeof(uint32_t));
		for (k = 0; k < cmd->sections[i].nfields; k++)
			add_str(sum, &cmd->sections[i].field[k]);
	}
}

static void
event(struct imap_reader *r, enum imap_event what, struct sum *sum, bool refuse)
{
	struct imap_cmd *cmd;
	const uint8_t *p;
	size_t len;

	switch (what) {
	case IMAP_COMMAND:
	case IMAP_MESSAGE:
	case IMAP_DATA_END:
		cmd = imap_reader_take(r);
		if (cmd == NULL)
			abort();
		add_command(sum, cmd);
		if (cmd->verb == IMAP_IDLE)
			imap_reader_line(r);
		imap_cmd_free(cmd);
		if (what == IMAP_MESSAGE && refuse)
			imap_reader_refuse(r);
		else if (what == IMAP_MESSAGE)
			imap_reader_accept(r);
		break;
	case IMAP_DATA:
	case IMAP_LINE:
		p = imap_reader_data(r, &len);
		add(sum, p, len);
		break;
	default:
		add(sum, &what, sizeof(what));
	}
}

static struct sum
run(const uint8_t *in, size_t len, size_t piece, bool login, bool refuse)
{
	struct imap_reader *r;
	struct sum sum = {0};
	enum imap_event what;
	size_t n, used;

	r = imap_reader_new();
	if (login)
		imap_reader_login(r);
	while (len > 0) {
		n = piece < len ? piece : len;
		what = imap_reader_next(r, in, n, &used);
		if (used > n || (used == 0 && what == IMAP_MORE))
			abort();
		if (what != IMAP_MORE)
			event(r, what, &sum, refuse);
		if (what == IMAP_FATAL)
			break;
		in += used;
		len -= used;
	}
	imap_reader_free(r);
	return sum;
}

int
LLVMFuzzerTestOneInput(const unsigned char *in, size_t len)
{
	struct sum whole, pieces;
	bool login, refuse;

	if (len < 1)
		return 0;
	login = (in[0] & 1) != 0;
	refuse = (in[0] & 2) != 0;
	whole = run(in + 1, len - 1, len, login, refuse);
	pieces = run(in + 1, len - 1, (size_t)(in[0] >> 2) + 1, login, refuse);
	if (whole.value != pieces.value || whole.commands != pieces.commands)
		abort();
	return 0;
}
