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
 * Fuzzer of smtp-queue: what engines, relays and a sealctl say to it, and what
 * it finds in its files when it starts again: the journal's records and the
 * messages, as it left them or spoilt.  A report never goes to the null sender,
 * a stream is never further ahead than it may be, who may only look changes
 * nothing, and after a kill there is what there was.
 */

/* So that compactions come. */
#define COMPACT_MIN 1024
#include "../../usr.sbin/sealsmtpd/queue/journal.c"
#include "../../usr.sbin/sealsmtpd/queue/peer.c"
#include "../../usr.sbin/sealsmtpd/queue/record.c"
#include "../../usr.sbin/sealsmtpd/queue/sync.c"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "../../usr.sbin/sealsmtpd/queue/count.h"
#include "harness.h"
#include "seal.h"

#define STEPS_MAX 48
#define WHAT_KIND 0x1f
#define WHAT_WHOM 0x60     /* engines 0 and 1, relays 2 and 3 */
#define WHAT_TOGETHER 0x80 /* with the next step */
#define PEERS 4
#define JOBS 8
#define CTL_ASKS (QUEUE_CTL_DMARC - QUEUE_CTL_LIST + 1)
#define STREAMS 64
#define FORGED 0x01 /* first octet: chunks of messages need no key */
#define DAY 86400

enum step_kind {
	SAY_PUT, /* u8 id, records */
	SAY_CHECK,
	SAY_SIGN,
	SAY_REPORTED,
	SAY_WANT, /* u8 which job; not of engines, which have one report */
	SAY_TOOK,
	SAY_STOP,
	SAY_READY,
	SAY_OUTCOME,     /* u8 which job */
	SAY_UNREACHABLE, /* likewise */
	SAY_MEMORY,
	SAY_RAW, /* u32 type */
	GOES,
	COMES,
	ASKER_COMES, /* whom & 1: it may change things */
	ASKER_ASKS,  /* u8: which question */
	ASKER_GOES,
	TIME,      /* u32 seconds */
	RESTART,   /* after kill -9 */
	FRAME,     /* u8 n, n records that the journal has from then on */
	SPOIL_LOG, /* u16 offset, octets that are there from then on */
	SPOIL_MSG  /* likewise, in each message */
};

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
void __wrap_arc4random_buf(void *, size_t);
uint32_t __wrap_arc4random_uniform(uint32_t);
int __real_crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *,
    unsigned long long *, unsigned char *, const unsigned char *,
    unsigned long long, const unsigned char *, unsigned long long,
    const unsigned char *, const unsigned char *);
int __wrap_crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *,
    unsigned long long *, unsigned char *, const unsigned char *,
    unsigned long long, const unsigned char *, unsigned long long,
    const unsigned char *, const unsigned char *);

struct ahead {
	size_t peer;
	uint32_t id;
	unsigned int n;
};

static struct {
	int64_t now;
	int dir;
	int fd[PEERS], asker;
	uint32_t jobs[PEERS][JOBS], n_jobs[PEERS], report[PEERS];
	unsigned int puts[PEERS][256], answers[PEERS][256];
	struct ahead ahead[STREAMS];
	size_t n_ahead;
	uint8_t flags;
	uint8_t id; /* of the newest message */
	bool may_change;
	bool damaged; /* there need not be what there was */
} f = {.dir = -1};
static char top[1024];

static const struct queue_limits limits = {
    .lifetime = 5 * DAY,
    .warn = DAY / 6,
    .retry_min = 300,
    .retry_max = DAY / 6,
    .dest_jobs = 2,
};

static void
must(bool good)
{
	if (!good)
		abort();
}

/* Of main.c. */

const struct queue_limits *
queue_limits(void)
{
	return &limits;
}

int64_t
queue_now(void)
{
	return f.now;
}

/* Ids of messages that an input can name. */
void
__wrap_arc4random_buf(void *buf, size_t len)
{
	memset(buf, 0, len);
	if (len > 0)
		memset(buf, ++f.id, 1);
}

uint32_t
__wrap_arc4random_uniform(uint32_t bound)
{
	return bound / 2;
}

/* Whoever had the key once must not break the queue either. */
int
__wrap_crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *out,
    unsigned long long *out_len, unsigned char *nsec, const unsigned char *in,
    unsigned long long len, const unsigned char *ad, unsigned long long ad_len,
    const unsigned char *nonce, const unsigned char *key)
{
	const size_t tag = crypto_aead_chacha20poly1305_ietf_ABYTES;
	int r;

	r = __real_crypto_aead_chacha20poly1305_ietf_decrypt(
	    out, out_len, nsec, in, len, ad, ad_len, nonce, key);
	if (r == 0 || (f.flags & FORGED) == 0 || len < tag)
		return r;
	memmove(out, in, (size_t)len - tag);
	*out_len = len - tag;
	return 0;
}

static size_t
peer_of(const struct wire *w)
{
	size_t i;

	for (i = 0; i < PEERS && f.fd[i] != wire_fd(w); i++)
		;
	return i;
}

static struct ahead *
ahead_of(size_t peer, uint32_t id)
{
	struct ahead *a;

	for (a = f.ahead; a < f.ahead + f.n_ahead; a++)
		if (a->peer == peer && a->id == id)
			return a;
	if (f.n_ahead == STREAMS)
		return NULL;
	a->peer = peer;
	a->id = id;
	a->n = 0;
	f.n_ahead++;
	return a;
}

static void
sent(struct wire *w, const struct msg *sealed, void *arg)
{
	char sender[QUEUE_ADDRESS_MAX];
	struct msg m = *sealed;
	struct ahead *a;
	size_t i;

	if ((i = peer_of(w)) == PEERS)
		return;
	if (m.type == QUEUE_ANSWER) {
		must(m.id < 256 && ++f.answers[i][m.id] <= f.puts[i][m.id]);
	} else if (m.type == QUEUE_JOB) {
		f.jobs[i][f.n_jobs[i]++ % JOBS] = m.id;
	} else if (m.type == QUEUE_REPORT) {
		f.report[i] = m.id;
		(void)msg_get_u8(&m);
		(void)msg_get_str(&m, sender, sizeof(sender));
		must(!m.bad && sender[0] != '\0');
	} else if (m.type == QUEUE_CHUNK) {
		(void)msg_get_u8(&m);
		a = ahead_of(i, m.id);
		/* The last word on one that cannot be read is not counted. */
		if (a != NULL && (msg_get_u8(&m) & 4) == 0)
			must(++a->n <= QUEUE_WINDOW);
	}
}

static void
key_add(struct signer *s)
{
	EVP_PKEY *pkey;
	BIO *bio;
	char *pem;
	long len;

	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	bio = BIO_new(BIO_s_mem());
	must(pkey != NULL && bio != NULL &&
	    PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL));
	len = BIO_get_mem_data(bio, &pem);
	must(signer_add(s, "example.org", "s1", (uint8_t *)pem, (size_t)len) ==
	    NULL);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

static void
remove_files(const char *name)
{
	struct dirent *de;
	DIR *d;
	int fd;

	fd = openat(f.dir, name, O_RDONLY | O_DIRECTORY);
	must(fd != -1 && (d = fdopendir(fd)) != NULL);
	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			must(unlinkat(fd, de->d_name, 0) == 0);
	closedir(d);
}

static void
remove_top(void)
{
	remove_files("log");
	remove_files("msg");
	(void)unlinkat(f.dir, "log", AT_REMOVEDIR);
	(void)unlinkat(f.dir, "msg", AT_REMOVEDIR);
	(void)rmdir(top);
}

static void
set_up(void)
{
	const char *tmp;
	struct signer *s;

	if (f.dir != -1)
		return;
	harness_start();
	harness_on_send(sent, NULL);
	must(seal_init() != -1);
	tmp = getenv("TMPDIR");
	if (tmp == NULL)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(top, sizeof(top), "%s/fuzz.XXXXXX", tmp);
	must(mkdtemp(top) != NULL &&
	    (f.dir = open(top, O_RDONLY | O_DIRECTORY)) != -1 &&
	    mkdirat(f.dir, "log", 0700) == 0 &&
	    mkdirat(f.dir, "msg", 0700) == 0 && atexit(remove_top) == 0);
	sync_init(f.dir);
	jobs_init();
	report_init();
	count_init();
	s = signer_new();
	key_add(s);
	signer_use(s);
}

/* ---- its end and its start ------------------------------------------- */

static void
files_open(void)
{
	static const uint8_t key[JOURNAL_KEY_LEN] = {1};

	memset(&j, 0, sizeof(j));
	j.dir = j.fd = -1;
	spool_init(f.dir, key);
	record_open(f.dir, key);
}

static void
gone_free(struct gone_list *list)
{
	struct gone *g;

	while ((g = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, g, entry);
		free(g);
	}
}

static void
dest_forget(struct dest *d, void *arg)
{
	d->memory_len = 0;
	d->failures = 0;
	d->held = false;
	dest_prune(d);
}

/* All that a process has in its memory. */
static void
forget(void)
{
	struct message *m;
	struct peer *p;
	struct wire *w;
	struct batch *b;

	while ((p = TAILQ_FIRST(&all)) != NULL)
		peer_gone(p->wire, p);
	if ((w = harness_wire(f.asker)) != NULL)
		harness_eof(w);
	harness_run();
	while ((m = TAILQ_FIRST(messages())) != NULL) {
		report_forget(m);
		message_free(m);
	}
	dest_each(dest_forget, NULL);
	must(dest_count() == 0 && message_count() == 0 && npeers == 0);
	while ((b = TAILQ_FIRST(&changes)) != NULL)
		batch_free(b);
	gone_free(&sync_state.noted);
	gone_free(&sync_state.written);
	gone_free(&sync_state.gone);
	sync_state.n_gone = 0;
	compacting = false;
	sched_hold(false);
	(void)close(j.fd);
}

static void
peer_comes(size_t i)
{
	static const uint8_t hello[] = {QUEUE_VERSION, 0, 0, 0};

	f.n_jobs[i] = f.report[i] = 0;
	for (size_t n = 0; n < f.n_ahead; n++)
		if (f.ahead[n].peer == i)
			f.ahead[n].n = 0;
	memset(f.puts[i], 0, sizeof(f.puts[i]));
	memset(f.answers[i], 0, sizeof(f.answers[i]));
	peer_start(i < 2 ? PEER_ENGINE : PEER_RELAY, (unsigned int)i,
	    f.fd[i] = harness_fd());
	harness_packet(
	    harness_wire(f.fd[i]), QUEUE_HELLO, 0, hello, sizeof(hello), -1);
}

/* ---- what there is ---------------------------------------------------- */

static void
show_rcpt(FILE *out, const struct rcpt *r)
{
	const struct verdict *v = r->verdict;

	(void)fprintf(out, " %s %s %u state %u tries %u warn %d%d", r->address,
	    r->orcpt == NULL ? "" : r->orcpt, r->notify, r->state, r->attempts,
	    r->warned, r->warning);
	if (r->work != NULL)
		(void)fprintf(
		    out, " at %s held %d", r->work->dest->name, r->work->held);
	if (v != NULL)
		(void)fprintf(out, " said %" PRId64 " %u %s %s %s", v->when,
		    v->code, v->status, v->host, v->text);
	(void)fprintf(out, "\n");
}

/* That it could not be reached may be forgotten. */
static void
show_dest(struct dest *d, void *arg)
{
	if (!d->held && d->memory_len == 0)
		return;
	(void)fprintf(arg, "dest %s %d ", d->name, d->held);
	for (uint16_t i = 0; i < d->memory_len; i++)
		(void)fprintf(arg, "%02x", d->memory[i]);
	(void)fprintf(arg, "\n");
}

/* NULL: recipients whose work may be shared out otherwise. */
static char *
state_text(void)
{
	uint8_t after[QUEUE_ID_LEN] = {0};
	struct message *m;
	bool many = false;
	char *text;
	size_t len;
	FILE *out;

	must((out = open_memstream(&text, &len)) != NULL);
	while ((m = message_after(after)) != NULL) {
		memcpy(after, m->id, sizeof(after));
		if (m->left == 0)
			continue;
		many = many || m->n > QUEUE_JOB_RCPTS_MAX;
		(void)fprintf(out,
		    "%02x%02x %s %s %s %s %u/%u %" PRId64 " %" PRId64
		    " %u %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n",
		    m->id[0], m->id[1], m->sender, m->login, m->envid, m->trace,
		    m->left, m->n, m->arrival, m->expiry, m->flags, m->codec,
		    m->ret, m->sizes.file, m->sizes.head_off, m->sizes.body,
		    m->sizes.head);
		for (uint16_t i = 0; i < m->n; i++)
			show_rcpt(out, &m->rcpts[i]);
	}
	dest_each(show_dest, out);
	(void)fprintf(out, "held %d\n", sched_held());
	must(fclose(out) == 0);
	if (!many)
		return text;
	free(text);
	return NULL;
}

/* Until all is on the disk that is to be. */
static void
settle(void)
{
	for (int n = 0; n < 64; n++) {
		harness_run();
		if (TAILQ_EMPTY(&sync_state.waiting) && !record_pending() &&
		    !sync_state.unsynced)
			break;
		sync_run(-1, 0, NULL);
		sync_late(-1, 0, NULL);
	}
	while (!TAILQ_EMPTY(&sync_state.gone))
		sync_unlinks(-1, 0, NULL);
}

static void
restart(void)
{
	char *before, *now;

	settle();
	before = state_text();
	forget();
	files_open();
	now = state_text();
	if (!f.damaged && before != NULL && now != NULL) {
		harness_show((uint8_t *)before, strlen(before));
		harness_show((uint8_t *)now, strlen(now));
		must(strcmp(before, now) == 0);
	}
	free(before);
	free(now);
	f.n_ahead = 0;
	for (size_t i = 0; i < PEERS; i++)
		peer_comes(i);
	harness_run();
}

static void
spoil(const char *name, const uint8_t *data, size_t len)
{
	struct dirent *de;
	DIR *d;
	int dfd, fd;

	f.damaged = true;
	if (len < 2)
		return;
	dfd = openat(f.dir, name, O_RDONLY | O_DIRECTORY);
	must(dfd != -1 && (d = fdopendir(dfd)) != NULL);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		must(fchmodat(dfd, de->d_name, 0600, 0) == 0);
		fd = openat(dfd, de->d_name, O_WRONLY);
		must(fd != -1);
		must(pwrite(fd, data + 2, len - 2, data[0] | data[1] << 8) ==
		    (ssize_t)len - 2);
		close(fd);
	}
	closedir(d);
}

/* ---- steps ------------------------------------------------------------ */

static void
file_step(unsigned int kind, const struct harness_step *s)
{
	struct buf b = {0};

	settle();
	if (kind == RESTART) {
		restart();
	} else if (kind == SPOIL_LOG) {
		spoil("log", s->data, s->len);
	} else if (kind == SPOIL_MSG) {
		spoil("msg", s->data, s->len);
	} else if (s->len > 1 && s->len < SEAL_FRAME_MAX) {
		f.damaged = true;
		buf_raw(&b, s->data + 1, s->len - 1);
		must(journal_write(&b, s->data[0]) == 0);
		buf_free(&b);
	}
}

static void
asker_step(unsigned int kind, unsigned int whom, const struct harness_step *s)
{
	struct wire *w = harness_wire(f.asker);
	char *before, *now;

	if (kind == ASKER_COMES && w == NULL) {
		f.may_change = (whom & 1) != 0;
		control_start(0, f.may_change, f.asker = harness_fd());
	} else if (w != NULL && kind == ASKER_GOES) {
		harness_eof(w);
	} else if (w != NULL && kind == ASKER_ASKS && s->len > 0) {
		settle();
		before = state_text();
		harness_packet(w, QUEUE_CTL_LIST + s->data[0] % CTL_ASKS, 1,
		    s->data + 1, s->len - 1, -1);
		harness_run();
		now = state_text();
		if (!f.may_change && before != NULL && now != NULL)
			must(strcmp(before, now) == 0);
		free(before);
		free(now);
	}
}

/* The id that a step is about: an engine's report, or one of a relay's jobs. */
static uint32_t
step_id(size_t i, const uint8_t **data, size_t *len)
{
	uint8_t n;

	if (i < 2)
		return f.report[i];
	if (*len == 0)
		return 0;
	n = **data;
	(*data)++;
	(*len)--;
	return f.jobs[i][n % JOBS];
}

static void
peer_step(unsigned int kind, size_t i, const struct harness_step *s)
{
	static const uint32_t types[] = {QUEUE_PUT, QUEUE_CHECK, QUEUE_SIGN,
	    QUEUE_REPORTED, QUEUE_WANT, QUEUE_TOOK, QUEUE_STOP, QUEUE_READY,
	    QUEUE_OUTCOME, QUEUE_UNREACHABLE, QUEUE_MEMORY};
	struct wire *w = harness_wire(f.fd[i]);
	const uint8_t *data = s->data;
	size_t len = s->len;
	struct ahead *a;
	uint32_t type, id = 1;

	if (w == NULL)
		return;
	if (kind == SAY_RAW) {
		if (len < sizeof(type))
			return;
		memcpy(&type, data, sizeof(type));
		harness_packet(
		    w, type, type == QUEUE_PUT ? 0 : 1, data + 4, len - 4, -1);
		return;
	}
	if (kind == SAY_PUT) {
		if (len == 0)
			return;
		id = data[0];
		data++;
		len--;
		f.puts[i][id]++;
	} else if (kind >= SAY_REPORTED && kind != SAY_READY &&
	    kind != SAY_MEMORY) {
		id = step_id(i, &data, &len);
	}
	a = ahead_of(i, id);
	if (kind == SAY_WANT && a != NULL)
		a->n = 0;
	if (kind == SAY_TOOK && a != NULL && a->n > 0)
		a->n--;
	harness_packet(w, types[kind], id, data, len, -1);
}

static void
step(const struct harness_step *s)
{
	unsigned int kind = s->what & WHAT_KIND;
	unsigned int whom = (s->what & WHAT_WHOM) >> 5;
	uint32_t seconds = 0;
	struct wire *w;

	/* What is on its way of the stream before must not be counted. */
	if (kind == SAY_WANT)
		harness_run();
	w = harness_wire(f.fd[whom]);
	if (kind <= SAY_RAW) {
		peer_step(kind, whom, s);
	} else if (kind == GOES && w != NULL) {
		harness_eof(w);
	} else if (kind == COMES && w == NULL) {
		peer_comes(whom);
	} else if (kind >= ASKER_COMES && kind <= ASKER_GOES) {
		asker_step(kind, whom, s);
	} else if (kind == TIME) {
		memcpy(&seconds, s->data,
		    s->len < sizeof(seconds) ? s->len : sizeof(seconds));
		f.now += seconds % (40 * DAY);
		report_look();
		jobs_run();
		reports_run();
	} else if (kind >= RESTART && kind <= SPOIL_MSG) {
		file_step(kind, s);
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct harness_step s;

	if (len == 0)
		return 0;
	set_up();
	harness_begin();
	f.now = 1700000000;
	f.flags = *data++;
	len--;
	f.id = 0;
	f.asker = -1;
	f.damaged = (f.flags & FORGED) != 0;
	f.n_ahead = 0;
	files_open();
	for (size_t i = 0; i < PEERS; i++)
		peer_comes(i);
	harness_run();
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		step(&s);
		if ((s.what & WHAT_TOGETHER) == 0)
			harness_run();
	}
	restart();
	forget();
	harness_end();
	remove_files("log");
	remove_files("msg");
	return 0;
}
