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
 * Fuzzer of imap-store's master: what engines and deliverers ask of it, and
 * what openers and vaults, which hold one user's keys and are not to be
 * trusted with others', say to it.  It must not end, and in the end it holds
 * no account, no opener and no vault.
 */

#include "../../usr.sbin/sealimapd/store/master.c"
#include "../../usr.sbin/sealimapd/store/peers.c"

#include "harness.h"

#define STEPS_MAX 64
#define CHILDREN 8
#define WHAT_KIND 0x0f /* see send_step() */
#define WHAT_WHOM 0x70 /* which child, or peer */
#define WHAT_EOF 0x80  /* it goes */
#define WHAT_RAW 0     /* no type: u8 1 if a peer says it, u32 type */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static const uint32_t asks[] = {ENGINE_MASTER_LOGIN, ENGINE_MASTER_CANCEL,
    DELIVER_MASTER_MAIL, VAULT_MASTER_UP};
static const uint32_t says[] = {OPENER_MASTER_DERIVE, OPENER_MASTER_DERIVED,
    OPENER_MASTER_MAYI, OPENER_MASTER_RIGHT, OPENER_MASTER_WRONG,
    VAULT_MASTER_UP, VAULT_MASTER_COUNTS, VAULT_MASTER_SESSIONS,
    VAULT_MASTER_ENDING, VAULT_MASTER_WORKER, CLERK_MASTER_KICK, WHAT_RAW};
_Static_assert(sizeof(asks) / 4 + sizeof(says) / 4 == WHAT_KIND + 1,
    "each kind of step has its message");

static const char *const roles[] = {
    "imap-engine", "smtp-engine", "smtp-deliver", "imap-worker"};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

static int forker_fd, peer_fd[ROLES], child_fd[CHILDREN];
static size_t n_children;

/* The descriptor that the forker gets is the far end; ours is before it. */
static void
sent(struct wire *w, const struct msg *m, void *arg)
{
	if (w != NULL && wire_fd(w) == forker_fd &&
	    m->type == MASTER_FORKER_CHILD)
		child_fd[n_children++ % CHILDREN] = m->fd - 1;
}

static void
send_step(const struct harness_step *s)
{
	unsigned int kind = s->what & WHAT_KIND, whom;
	struct wire *w;
	size_t head = 0;
	uint32_t type;

	whom = (s->what & WHAT_WHOM) >> 4;
	if (kind < sizeof(asks) / sizeof(asks[0])) {
		type = asks[kind];
		w = harness_wire(peer_fd[whom % ROLES]);
	} else {
		type = says[kind - sizeof(asks) / sizeof(asks[0])];
		w = harness_wire(child_fd[whom % CHILDREN]);
	}
	if (type == WHAT_RAW && s->len > sizeof(type)) {
		if (s->data[0] == 1)
			w = harness_wire(peer_fd[whom % ROLES]);
		memcpy(&type, s->data + 1, sizeof(type));
		head = 1 + sizeof(type);
	}
	if (w == NULL)
		return;
	if ((s->what & WHAT_EOF) != 0)
		harness_eof(w);
	else
		harness_packet(
		    w, type, 1 + whom, s->data + head, s->len - head, -1);
}

static void
set_up(void)
{
	struct store_slice *slice;

	if (master.slice != NULL)
		return;
	harness_start();
	harness_on_send(sent, NULL);
	report_init();
	master.forker = wire_new(
	    forker_fd = harness_fd(), forker_message, forker_gone, NULL);
	queue_start();
	slice = store_slice_new();
	slice->domains = calloc(1, sizeof(*slice->domains));
	if (slice->domains == NULL)
		abort();
	slice->n_domains = 1;
	(void)strlcpy(slice->domains[0].name, "example.org",
	    sizeof(slice->domains[0].name));
	slice->linger = 60;
	slice->sessions_max = 10;
	slice->derivations = 2;
	master_slice(slice);
	wire_free(master.forker);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct harness_step s;
	struct child *c;
	struct peer *p;

	set_up();
	harness_begin();
	n_children = 0;
	memset(child_fd, 0, sizeof(child_fd));
	master.forker = wire_new(
	    forker_fd = harness_fd(), forker_message, forker_gone, NULL);
	for (size_t i = 0; i < ROLES; i++)
		peer_wire(roles[i], 0, peer_fd[i] = harness_fd());
	conns_add(1, "192.0.2.1", false);
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		send_step(&s);
		harness_run();
	}
	TAILQ_FOREACH (p, &peers, entry)
		harness_eof(p->wire);
	harness_run();
	TAILQ_FOREACH (c, &master.children, entry)
		harness_eof(c->wire);
	harness_run();
	conns_remove(1);
	if (!TAILQ_EMPTY(&master.children) || !TAILQ_EMPTY(&peers) ||
	    master.openers != 0 || master.deriving != 0 ||
	    master.suspects != 0 || queue_length() != 0 ||
	    account_vaults() != 0)
		abort();
	harness_end();
	return 0;
}
