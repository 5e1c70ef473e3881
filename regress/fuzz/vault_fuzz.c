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
 * Fuzzer of a vault: what two engines that are not to be trusted send on the
 * wires of their sessions, what an opener shows, and what a worker answers.
 * The store is a real one.  A step of the input is one message (its first
 * octet says of what kind, see send_step()).  A vault must not end, must
 * answer each request once and must not answer what it was not asked.
 */

#include "../../usr.sbin/sealimapd/store/vault.c"

#include "../../usr.sbin/sealimapd/worker_wire.h"
#include "../../usr.sbin/sealimapd/store/vault_index.h"
#include "fuzz_account.h"
#include "harness.h"

#define SESSIONS 2
#define STEPS_MAX 64
#define IDS_MAX 256
#define WHAT_KIND 0x3f     /* of a step: index of kinds[], or one of these */
#define WHAT_RAW 0x3e      /* u32 type, u32 id, the rest */
#define WHAT_EOF 0x3f      /* the engine has gone */
#define WHAT_INDEX 0x3d    /* it is time to look what is to be indexed */
#define WHAT_SECOND 0x80   /* of the other session; of the index's worker */
#define WHAT_TOGETHER 0x40 /* with the next one in one burst */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static const uint32_t kinds[] = {V_SELECT, V_UNSELECT, V_LIST, V_STATUS,
    V_CREATE, V_DELETE, V_RENAME, V_SUBSCRIBE, V_APPEND, V_CHUNK, V_APPEND_END,
    V_APPEND_ABORT, V_FETCH, V_BODY, V_STORE, V_COPY, V_EXPUNGE, V_SEARCH,
    V_NOOP, V_IDLE, V_CANCEL, V_SET, V_DELETED, V_UNDELETE, V_SLOTS,
    OPENER_VAULT_TRY, OPENER_VAULT_SESSION, OPENER_VAULT_MANAGE,
    WORKER_VAULT_VERDICTS, WORKER_VAULT_NEED, WORKER_VAULT_DONE, V_SORT, V_FIND,
    WORKER_VAULT_SORTED, WORKER_VAULT_THREADED, V_GLANCE, V_PEEK, V_REPLACE,
    V_LIMIT, V_SETTINGS, V_SETTINGS_SET, V_REINDEX, V_AUDIT, V_QUOTA,
    V_SETQUOTA, V_NOTIFY, V_EVENTS, V_META, V_SETMETA, WORKER_VAULT_PAGES,
    WORKER_VAULT_POSSIBLE, WORKER_VAULT_PAGE, WORKER_VAULT_HINT};

_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == 53, "as is_workers() says");

static struct vault_start start;
static int session_fd[SESSIONS], master_fd, opener_fd, worker_fd[2];
static uint32_t next_id, append_id[SESSIONS], worker_id[2];
static unsigned int done[IDS_MAX];
static bool worker_wanted[2]; /* for what is asked, for the index */
static struct event *index_ev;
static bool catching; /* index_ev is the event that is added now */

/* No upkeep: it comes by the clock, and says nothing to anybody. */
void
upkeep_init(void)
{
}

void
upkeep_soon(void)
{
}

void
upkeep_seal(void)
{
}

void
upkeep_session(void)
{
}

void
upkeep_now(void)
{
}

void
upkeep_mail(void)
{
}

void
upkeep_asked(void)
{
}

void
upkeep_news(void)
{
}

bool
vault_holding(void)
{
	return false;
}

int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);

/* When it is time for the index, the input says. */
int
__wrap_event_add(struct event *ev, const struct timeval *tv)
{
	if (catching)
		index_ev = ev;
	return ev == index_ev ? 0 : __real_event_add(ev, tv);
}

/* Every request has one R_DONE at most. */
static void
sent(struct wire *w, const struct msg *m, void *arg)
{
	if (w == NULL)
		return;
	for (int i = 0; i < 2; i++)
		if (wire_fd(w) == worker_fd[i])
			worker_id[i] = m->id;
	if (m->type == VAULT_MASTER_WORKER && wire_fd(w) == master_fd)
		worker_wanted[m->id == WORKER_FOR_INDEX] = true;
	if (m->type == R_DONE && m->id < IDS_MAX && ++done[m->id] > 1)
		abort();
}

static void
wanted_worker(void)
{
	for (int i = 0; i < 2; i++) {
		if (!worker_wanted[i])
			continue;
		worker_wanted[i] = false;
		worker_fd[i] = harness_fd();
		(i == 0 ? pool_worker : index_worker)(worker_fd[i]);
		harness_run();
	}
}

static void
send_raw(struct wire *w, const struct harness_step *s)
{
	uint32_t type, id;

	if (s->len < 8)
		return;
	memcpy(&type, s->data, 4);
	memcpy(&id, s->data + 4, 4);
	harness_packet(w, type, id, s->data + 8, s->len - 8, -1);
}

static void
send_engine(
    struct wire *w, unsigned int n, uint32_t type, const struct harness_step *s)
{
	uint32_t id;

	switch (type) {
	case V_APPEND:
		/* Its next part has the same. */
		if (append_id[n] == 0)
			append_id[n] = ++next_id;
		id = append_id[n];
		break;
	case V_CHUNK:
	case V_APPEND_END:
	case V_APPEND_ABORT:
		id = append_id[n];
		if (type != V_CHUNK &&
		    (s->len == 0 || s->data[s->len - 1] == 0))
			append_id[n] = 0;
		break;
	case V_CANCEL:
		id = next_id;
		break;
	case V_SET:
	case V_GLANCE:
	case V_LIMIT:
	case V_REPLACE:
		id = 0;
		break;
	default:
		id = ++next_id;
		break;
	}
	harness_packet(w, type, id, s->data, s->len, -1);
}

/* Types of wires that are not an engine's, by their places in kinds[]. */
static bool
is_openers(unsigned int kind)
{
	return kind >= 25 && kind <= 27;
}

static bool
is_workers(unsigned int kind)
{
	return (kind >= 28 && kind <= 30) || kind == 33 || kind == 34 ||
	    kind >= 49;
}

static void
send_step(const struct harness_step *s)
{
	unsigned int kind = s->what & WHAT_KIND, n;
	struct wire *w;
	uint32_t type;

	n = (s->what & WHAT_SECOND) != 0;
	w = harness_wire(session_fd[n]);
	if (kind == WHAT_INDEX) {
		event_active(index_ev, EV_TIMEOUT, 1);
		/* Events come last: wires have their turn once more. */
		harness_run();
	} else if (kind == WHAT_EOF && w != NULL)
		harness_eof(w);
	else if (kind == WHAT_RAW && w != NULL)
		send_raw(w, s);
	if (kind >= sizeof(kinds) / sizeof(kinds[0]))
		return;
	type = kinds[kind];
	if (is_openers(kind)) {
		if ((w = harness_wire(opener_fd)) != NULL)
			harness_packet(w, type, 1, s->data, s->len,
			    type == OPENER_VAULT_TRY ? -1 : harness_fd());
	} else if (is_workers(kind)) {
		if ((w = harness_wire(worker_fd[n])) != NULL)
			harness_packet(
			    w, type, worker_id[n], s->data, s->len, -1);
	} else if (w != NULL) {
		send_engine(w, n, type, s);
	}
}

static void
set_up(void)
{
	const struct fuzz_account *a;
	static char secret[] = "secret";

	if (start.ring != NULL)
		return;
	harness_start();
	harness_on_send(sent, NULL);
	a = fuzz_account_indexed();
	(void)strlcpy(start.account, FUZZ_ACCOUNT, sizeof(start.account));
	start.base = a->base;
	start.acct = a->acct;
	start.ring = a->ring;
	start.secret = secret;
	start.secret_len = sizeof(secret) - 1;
	start.sessions_max = 4;
	start.slot = 1;
	start.scope = 7;
	start.linger = 60;
	vault.start = &start;
	TAILQ_INIT(&vault.sessions);
	TAILQ_INIT(&vault.openers);
	tags_init(start.ring);
	if (keys_open(&start) == -1)
		abort();
	events_init();
	catching = true;
	index_soon();
	catching = false;
}

static void
input_begin(void)
{
	fuzz_account_restore();
	harness_begin();
	tags_end();
	tags_init(start.ring);
	memset(done, 0, sizeof(done));
	memset(append_id, 0, sizeof(append_id));
	next_id = 0;
	for (int i = 0; i < 2; i++) {
		worker_id[i] = 0;
		worker_wanted[i] = false;
		worker_fd[i] = -1;
	}
	if (store_open_host(start.base, start.acct, start.ring, 0,
		&vault.store) != STORE_OK)
		abort();
	store_set_notify(vault.store, vault_changed, NULL);
	(void)index_again();
	master_fd = harness_fd();
	vault.master = wire_new(master_fd, master_message, master_gone, NULL);
	opener_fd = harness_fd();
	opener_add(opener_fd);
	for (int i = 0; i < SESSIONS; i++) {
		session_fd[i] = harness_fd();
		session_add(session_fd[i], start.slot, start.scope);
		harness_slow(harness_wire(session_fd[i]), i == 1);
	}
}

static void
input_end(void)
{
	struct session *s;

	pool_end();
	while ((s = TAILQ_FIRST(&vault.sessions)) != NULL) {
		TAILQ_REMOVE(&vault.sessions, s, entry);
		session_free(s);
		vault.nsessions--;
	}
	while (!TAILQ_EMPTY(&vault.openers))
		opener_free(TAILQ_FIRST(&vault.openers));
	index_end();
	store_abandon(vault.store);
	(void)evtimer_del(&vault.commit_ev);
	(void)evtimer_del(&vault.run_ev);
	(void)evtimer_del(&vault.retry_ev);
	(void)evtimer_del(&vault.linger_ev);
	(void)evtimer_del(&vault.worker_ev);
	vault.relocked = vault.ending = false;
	harness_end();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct harness_step s;
	unsigned int n;

	set_up();
	input_begin();
	for (n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		send_step(&s);
		if ((s.what & WHAT_TOGETHER) == 0)
			harness_run();
		wanted_worker();
	}
	harness_run();
	input_end();
	return 0;
}
