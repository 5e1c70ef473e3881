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
 * Fuzzer of an IMAP engine: what a client sends, and what a vault answers that
 * is not to be trusted either, with summaries that somebody has forged.
 * A step of the input is octets of the client or one message of a vault (see
 * send_step()).  The engine must not end, and whatever the vault says, the
 * client gets lines and literals that are whole: no NUL, no bare CR or LF.
 */

int imap_engine_main(int, char *[]);
#define main imap_engine_main
#include "../../usr.sbin/sealimapd/engine/main.c"
#undef main

#include <stdio.h>
#include <zlib.h>

#include "fake_tlsio.h"
#include "harness.h"
#include "mime_local.h"

#define STEPS_MAX 64
#define ASKED_MAX 256
#define WHAT_KIND 0x3f   /* index of kinds[], or one of these */
#define WHAT_CLIENT 0x20 /* octets of the client */
#define WHAT_LEAVE 0x21  /* the client goes */
#define WHAT_STALL 0x22  /* it reads no more / it has read all */
#define WHAT_ROW 0x23    /* a row with this summary, its sum put right */
#define WHAT_REFUSE 0x24 /* the master refuses: u8 why */
#define WHAT_OPENER 0x25 /* an opener says: u32 type, the rest */
#define WHAT_EOF 0x26    /* the vault has gone */
#define WHAT_RAW 0x27    /* u32 type, u32 id, the rest */
#define WHAT_ANEW 0x28   /* the store's master was started anew */
#define WHAT_NEWS 0x80   /* with id 0 */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static const uint32_t kinds[] = {R_SELECTED, R_BOX, R_KEYWORDS, R_ROWS, R_CHUNK,
    R_EXISTS, R_EXPUNGE, R_APPENDED, R_COPIED, R_FOUND, R_DONE, R_BYE, R_SLOT,
    R_DELETED, R_MODIFIED, R_VANISHED, R_MODSEQ, R_FOUND_MODSEQ, R_THREADED,
    R_COUNT, R_PROGRESS, R_SETTINGS, R_REINDEXED, R_AUDITED, R_FAULT, R_LIMITED,
    R_QUOTA, R_NUDGE, R_EVENT, R_META};

static int master_fd, opener_fd;
static uint32_t asked[ASKED_MAX]; /* ids not answered by R_DONE */
static size_t n_asked;
static uint32_t login_id;
static bool login_asked;

/* What the client reads. */
static struct {
	char line_end[32]; /* the last octets of the line */
	size_t len;
	uint64_t literal; /* octets to come */
	bool cr;
	bool squeezed; /* COMPRESS is on */
	z_stream z;
} out;

static bool
literal_announced(void)
{
	unsigned long long n;
	char *brace;

	out.line_end[out.len] = '\0';
	brace = strrchr(out.line_end, '{');
	if (brace == NULL || out.len == 0 || out.line_end[out.len - 1] != '}' ||
	    sscanf(brace, "{%llu}", &n) != 1)
		return false;
	out.literal = n;
	return true;
}

static bool
line_ends(const char *text)
{
	size_t len = strlen(text);

	return out.len >= len &&
	    memcmp(out.line_end + out.len - len, text, len) == 0;
}

/* COMPRESS begins after the one line, and ends after the other. */
static void
squeezed(void)
{
	if (!out.squeezed && line_ends("OK DEFLATE is active")) {
		if (inflateInit2(&out.z, -15) != Z_OK)
			abort();
		out.squeezed = true;
	} else if (out.squeezed && line_ends("OK Nobody is logged in")) {
		(void)inflateEnd(&out.z);
		out.squeezed = false;
	}
}

static void
out_octet(uint8_t c)
{
	if (c == '\0' || (out.cr && c != '\n') || (!out.cr && c == '\n'))
		abort();
	out.cr = c == '\r';
	if (c == '\n') {
		squeezed();
		(void)literal_announced();
		out.len = 0;
	} else if (c != '\r') {
		if (out.len == sizeof(out.line_end) - 1) {
			memmove(out.line_end, out.line_end + 1, out.len - 1);
			out.len--;
		}
		out.line_end[out.len++] = (char)c;
	}
}

static void
client_reads(const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0) {
		if (out.literal > 0) {
			n = out.literal < len ? (size_t)out.literal : len;
			out.literal -= n;
			p += n;
			len -= n;
			continue;
		}
		out_octet(*p++);
		len--;
	}
}

static void
client_gets(const uint8_t *p, size_t len)
{
	static uint8_t plain[16384];
	int r;

	harness_show(p, len);
	if (!out.squeezed) {
		client_reads(p, len);
		return;
	}
	out.z.next_in = (Bytef *)(uintptr_t)p;
	out.z.avail_in = (uInt)len;
	do {
		out.z.next_out = plain;
		out.z.avail_out = sizeof(plain);
		r = inflate(&out.z, Z_SYNC_FLUSH);
		if (r != Z_OK && r != Z_BUF_ERROR)
			abort();
		client_reads(plain, sizeof(plain) - out.z.avail_out);
	} while (out.squeezed && out.z.avail_out == 0);
}

static void
sent(struct wire *w, const struct msg *m, void *arg)
{
	if (w == NULL)
		return;
	if (wire_fd(w) == master_fd && m->type == ENGINE_MASTER_LOGIN) {
		login_id = m->id;
		login_asked = true;
	} else if (wire_fd(w) == opener_fd && m->id != 0 &&
	    m->type >= V_SELECT && n_asked < ASKED_MAX) {
		if (n_asked == 0 || asked[n_asked - 1] != m->id)
			asked[n_asked++] = m->id;
	}
}

/* An opener for who has asked; its wire becomes the vault's. */
static void
login_answer(void)
{
	struct wire *w;

	if (!login_asked || (w = harness_wire(master_fd)) == NULL)
		return;
	login_asked = false;
	opener_fd = harness_fd();
	n_asked = 0;
	harness_packet(w, MASTER_ENGINE_OPENER, login_id, NULL, 0, opener_fd);
	harness_run();
}

static void
put(uint8_t **p, uint64_t v, size_t size)
{
	memcpy(*p, &v, size); /* little-endian hosts; elsewhere another row */
	*p += size;
}

/* The row of a message that has this summary. */
static void
send_row(struct wire *w, uint32_t id, const uint8_t *sum, size_t len)
{
	static uint8_t buf[MSG_PAYLOAD_MAX];
	uint8_t *p = buf, *copy;

	if (len < 24 || len > sizeof(buf) - 128)
		return;
	put(&p, 1, 4);
	put(&p, 2, 4);
	put(&p, 1, 8);
	put(&p, 3, 8);
	put(&p, 1700000000, 8);
	put(&p, 60, 2);
	put(&p, get64(sum + 16), 8);
	memset(p, 0, 16);
	p += 16;
	put(&p, 0, 1);
	put(&p, 1, 1);
	put(&p, 0, 1);
	put(&p, len, 4);
	put(&p, len, 4);
	copy = p;
	memcpy(copy, sum, len);
	put32(copy + 12, sum_check(copy, len));
	p += len;
	harness_packet(w, R_ROWS, id, buf, (size_t)(p - buf), -1);
}

static void
send_vault(const struct harness_step *s, unsigned int kind)
{
	struct wire *w;
	uint32_t type, id;

	if ((w = harness_wire(opener_fd)) == NULL)
		return;
	id = n_asked > 0 && (s->what & WHAT_NEWS) == 0 ? asked[0] : 0;
	if (kind == WHAT_ROW)
		send_row(w, id, s->data, s->len);
	else if (kind == WHAT_EOF)
		harness_eof(w);
	else if (kind == WHAT_RAW && s->len >= 8) {
		memcpy(&type, s->data, 4);
		memcpy(&id, s->data + 4, 4);
		harness_packet(w, type, id, s->data + 8, s->len - 8, -1);
	} else if (kind == WHAT_OPENER && s->len >= 4) {
		memcpy(&type, s->data, 4);
		harness_packet(w, type, 0, s->data + 4, s->len - 4, -1);
	} else if (kind < sizeof(kinds) / sizeof(kinds[0])) {
		harness_packet(w, kinds[kind], id, s->data, s->len, -1);
		if (kinds[kind] == R_DONE && id != 0)
			memmove(asked, asked + 1, --n_asked * sizeof(asked[0]));
	}
}

static void
send_step(const struct harness_step *s)
{
	unsigned int kind = s->what & WHAT_KIND;
	struct wire *w;

	switch (kind) {
	case WHAT_CLIENT:
		if (s->len > 0)
			fake_client(s->data, s->len);
		break;
	case WHAT_LEAVE:
		fake_client(NULL, 0);
		break;
	case WHAT_STALL:
		fake_client_stalls(s->len > 0);
		break;
	case WHAT_REFUSE:
		if ((w = harness_wire(master_fd)) != NULL && s->len > 0 &&
		    login_asked)
			harness_packet(
			    w, MASTER_ENGINE_REFUSED, login_id, s->data, 1, -1);
		login_asked = false;
		break;
	case WHAT_ANEW:
		engine_wire("imap-store", 0, master_fd = harness_fd(), NULL);
		break;
	default:
		send_vault(s, kind);
		break;
	}
}

static void
set_up(void)
{
	if (config != NULL)
		return;
	harness_start();
	harness_on_send(sent, NULL);
	fake_on_output(client_gets);
	if (sodium_init() == -1 || mime_charset_init() == -1)
		abort();
	fetch_init();
	report_init();
	config = engine_slice_new();
	(void)strlcpy(config->site.hostname, "mx1.example.org",
	    sizeof(config->site.hostname));
	(void)strlcpy(
	    config->site.product, "Sealmail", sizeof(config->site.product));
	config->site.codec = 1;
	config->site.domains = calloc(1, SITE_NAME_MAX);
	config->listeners = calloc(1, sizeof(*config->listeners));
	if (config->site.domains == NULL || config->listeners == NULL)
		abort();
	(void)strlcpy(config->site.domains[0], "example.org", SITE_NAME_MAX);
	config->site.n_domains = 1;
	config->literal_max = 1000000;
	config->idle_seconds = 1800;
	config->login_seconds = 60;
	config->login_failures = 3;
	config->sessions_max = 10;
	config->listeners[0].kind = IMAP_LISTEN_IMAP;
	config->n_listeners = 1;
}

/* A session of anna's, in INBOX with two messages. */
static void
log_in(void)
{
	static const uint8_t welcome[] = {7, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
	    16, 0, 0, 0, 'a', 'n', 'n', 'a', '@', 'e', 'x', 'a', 'm', 'p', 'l',
	    'e', '.', 'o', 'r', 'g'};
	static const char login[] = "a LOGIN anna secret\r\n";
	struct wire *w;

	fake_client((const uint8_t *)login, sizeof(login) - 1);
	harness_run();
	login_answer();
	if ((w = harness_wire(opener_fd)) == NULL)
		abort();
	harness_packet(
	    w, VAULT_ENGINE_WELCOME, 0, welcome, sizeof(welcome), -1);
	harness_run();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct proc_conn pc = {.id = 1, .peer = "127.0.0.1"};
	struct harness_step s;

	if (len < 1)
		return 0;
	set_up();
	harness_begin();
	if (out.squeezed)
		(void)inflateEnd(&out.z);
	memset(&out, 0, sizeof(out));
	n_asked = 0;
	login_asked = false;
	opener_fd = -1;
	engine_wire("imap-store", 0, master_fd = harness_fd(), NULL);
	conn_new(&pc, harness_fd());
	harness_run();
	if ((data[0] & 1) == 0)
		log_in();
	data++;
	len--;
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		send_step(&s);
		harness_run();
		login_answer();
		if (out.literal == 0 && !fake_client_there())
			break;
	}
	fake_client_stalls(false);
	fake_client(NULL, 0);
	harness_run();
	if (conn_count() != 0)
		abort();
	wire_free(master);
	master = NULL;
	harness_end();
	return 0;
}
