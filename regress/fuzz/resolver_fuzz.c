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
 * Fuzzer of smtp-resolver: what is asked over a wire, and the packets that name
 * servers answer with.  Each question has one answer unless its asker goes, and
 * no answer has a name in it that is none.
 */

#include <sys/types.h>
#include <sys/queue.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../../usr.sbin/sealrelayd/resolver/packet.h"
#include "../../usr.sbin/sealrelayd/resolver/resolver.h"
#include "harness.h"
#include "msg.h"

#define STEPS_MAX 32
#define WHAT_KIND 0x07   /* see send_step() */
#define WHAT_SECURE 0x08 /* the packet was validated */
#define WHAT_SECOND 0x80 /* by another asker */
#define PEERS 2
#define IDS_MAX (2 * STEPS_MAX)

struct lookup {
	TAILQ_ENTRY(lookup) entry;
	uint16_t type;
	lookup_cb cb;
	void *arg;
};

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static TAILQ_HEAD(, lookup) lookups = TAILQ_HEAD_INITIALIZER(lookups);
static struct packet packet;
static int peer_fd[PEERS];
static uint32_t next_id;
static unsigned int answers[IDS_MAX];

int
lookup_configure(const struct lookup_config *config)
{
	return 0;
}

struct lookup *
lookup_start(const char *name, uint16_t type, lookup_cb cb, void *arg)
{
	struct lookup *l;

	if (strlen(name) >= RESOLVER_NAME_MAX)
		abort();
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		abort();
	l->type = type;
	l->cb = cb;
	l->arg = arg;
	TAILQ_INSERT_TAIL(&lookups, l, entry);
	return l;
}

void
lookup_cancel(struct lookup *l)
{
	if (l == NULL)
		return;
	TAILQ_REMOVE(&lookups, l, entry);
	free(l);
}

static void
name_check(const char *name)
{
	for (; *name != '\0'; name++) {
		if (!isalnum((unsigned char)*name) &&
		    strchr("-_.*/", *name) == NULL)
			abort();
	}
}

/* The oldest question's packet has come. */
static void
packet_step(const struct harness_step *s)
{
	enum resolver_status status;
	struct lookup *l;
	uint8_t *copy;

	if ((l = TAILQ_FIRST(&lookups)) == NULL)
		return;
	TAILQ_REMOVE(&lookups, l, entry);
	copy = malloc(s->len + 1);
	if (copy == NULL)
		abort();
	if (s->len > 0)
		memcpy(copy, s->data, s->len);
	status = packet_read(&packet, l->type, copy, s->len);
	if (status <= RESOLVER_NXDOMAIN) {
		name_check(packet.name);
		l->cb(status, (s->what & WHAT_SECURE) != 0, &packet, l->arg);
	} else {
		l->cb(status, false, NULL, l->arg);
	}
	free(copy);
	free(l);
}

static void
sent(struct wire *w, const struct msg *m, void *arg)
{
	if (m->type != RESOLVER_ANSWER)
		return;
	if (m->id >= IDS_MAX || ++answers[m->id] > 1)
		abort();
}

static void
send_step(const struct harness_step *s)
{
	static const uint32_t types[] = {RESOLVER_MX, RESOLVER_ADDRESS,
	    RESOLVER_TLSA, RESOLVER_TXT, RESOLVER_PTR};
	unsigned int kind = s->what & WHAT_KIND;
	struct wire *w;
	uint32_t type;

	w = harness_wire(peer_fd[(s->what & WHAT_SECOND) != 0]);
	if (kind == 6)
		packet_step(s);
	else if (w == NULL)
		return;
	else if (kind < sizeof(types) / sizeof(types[0]))
		harness_packet(w, types[kind], ++next_id, s->data, s->len, -1);
	else if (kind == 5)
		harness_eof(w);
	else if (s->len >= sizeof(type)) {
		memcpy(&type, s->data, sizeof(type));
		harness_packet(w, type, ++next_id, s->data + sizeof(type),
		    s->len - sizeof(type), -1);
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint8_t hello[] = {RESOLVER_VERSION, 0, 0, 0};
	static bool started;
	struct harness_step s;
	struct wire *w;

	if (!started) {
		harness_start();
		harness_on_send(sent, NULL);
		started = true;
	}
	harness_begin();
	next_id = 0;
	memset(answers, 0, sizeof(answers));
	for (unsigned int i = 0; i < PEERS; i++) {
		peer_start("smtp-relay", i, peer_fd[i] = harness_fd());
		harness_packet(harness_wire(peer_fd[i]), RESOLVER_HELLO, 0,
		    hello, sizeof(hello), -1);
	}
	harness_run();
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		send_step(&s);
		harness_run();
	}
	for (unsigned int i = 0; i < PEERS; i++) {
		if ((w = harness_wire(peer_fd[i])) != NULL)
			harness_eof(w);
	}
	harness_run();
	/* Who has gone waits for nothing. */
	if (!TAILQ_EMPTY(&lookups))
		abort();
	harness_end();
	return 0;
}
