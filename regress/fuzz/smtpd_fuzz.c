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
 * Fuzzer of an SMTP and LMTP engine: what a client sends, one that submits
 * among them, and what deliverers and imap-store's master answer.  The engine
 * must not end, and the client gets replies that are whole: no NUL, no bare CR
 * or LF.
 */

int smtp_engine_main(int, char *[]);
#define main smtp_engine_main
#include "../../usr.sbin/sealsmtpd/engine/main.c"
#undef main

#include "fake_tlsio.h"
#include "harness.h"

#include "../../usr.sbin/sealimapd/store_wire.h"

#define STEPS_MAX 64
#define ASKED_MAX 64
#define WHAT_KIND 0x0f  /* see send_step() */
#define WHAT_OTHER 0x80 /* an id that was not asked */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static int deliver_fd, master_fd;
static uint32_t asked[ASKED_MAX];
static size_t n_asked;
static int some_server;
static uint32_t wanted; /* of the master, the last one */
static bool cr;

static void
client_gets(const uint8_t *p, size_t len)
{
	harness_show(p, len);
	for (; len > 0; p++, len--) {
		if (*p == '\0' || (cr && *p != '\n') || (!cr && *p == '\n'))
			abort();
		cr = *p == '\r';
	}
}

static void
sent(struct wire *w, const struct msg *m, void *arg)
{
	if (w != NULL && wire_fd(w) == master_fd)
		wanted = m->id;
	if (w == NULL || wire_fd(w) != deliver_fd || m->id == 0 ||
	    n_asked == ASKED_MAX ||
	    (n_asked > 0 && asked[n_asked - 1] == m->id))
		return;
	asked[n_asked++] = m->id;
}

static void
deliverer(void)
{
	static const uint8_t hello[] = {DELIVER_VERSION, 0, 0, 0};

	n_asked = 0;
	deliver_fd = harness_fd();
	engine_wire("smtp-deliver", 0, deliver_fd, NULL);
	harness_packet(harness_wire(deliver_fd), DELIVER_HELLO, 0, hello,
	    sizeof(hello), -1);
}

static void
store(void)
{
	wanted = 0;
	master_fd = harness_fd();
	engine_wire("imap-store", 0, master_fd, NULL);
}

/* As if the secret had been right: how that is told stands in auth.c. */
static void
logged_in(const struct session *const_s, void *arg)
{
	struct session *s = (struct session *)(uintptr_t)const_s;

	(void)strlcpy(s->login, "anna@example.org", sizeof(s->login));
	session_logged_in(s);
}

static void
master_says(uint32_t type, const struct harness_step *s)
{
	struct wire *w;

	if ((w = harness_wire(master_fd)) != NULL)
		harness_packet(w, type,
		    (s->what & WHAT_OTHER) != 0 ? 0xffffff : wanted, s->data,
		    s->len, -1);
}

static void
answer(uint32_t type, const struct harness_step *s)
{
	struct wire *w;
	uint32_t id = 0xffffff;

	if ((w = harness_wire(deliver_fd)) == NULL)
		return;
	if ((s->what & WHAT_OTHER) == 0 && n_asked > 0) {
		id = asked[0];
		memmove(asked, asked + 1, --n_asked * sizeof(asked[0]));
	}
	harness_packet(w, type, id, s->data, s->len, -1);
}

static void
send_step(const struct harness_step *s)
{
	struct wire *w;

	switch (s->what & WHAT_KIND) {
	case 1:
		answer(DELIVER_CHECKED, s);
		break;
	case 2:
		answer(DELIVER_ANSWER, s);
		break;
	case 3:
		deliverer(); /* started anew */
		break;
	case 4:
		fake_client_stalls(s->len > 0);
		break;
	case 5:
		fake_client(NULL, 0);
		break;
	case 6:
		if ((w = harness_wire(deliver_fd)) != NULL)
			harness_eof(w);
		break;
	case 7:
		answer(s->what, s);
		break;
	case 8:
		master_says(MASTER_ENGINE_SPENT, s);
		break;
	case 9:
		master_says(MASTER_ENGINE_REFUSED, s);
		break;
	case 10:
		store(); /* started anew */
		break;
	case 11:
		if ((w = harness_wire(master_fd)) != NULL)
			harness_eof(w);
		break;
	case 12:
		session_each(logged_in, NULL);
		break;
	default:
		if (s->len > 0)
			fake_client(s->data, s->len);
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
	if (sodium_init() == -1)
		abort();
	(void)mime_charset_init();
	compress_init();
	report_init();
	config = smtp_slice_new();
	(void)strlcpy(config->site.hostname, "mx1.example.org",
	    sizeof(config->site.hostname));
	(void)strlcpy(
	    config->site.product, "Sealmail", sizeof(config->site.product));
	config->site.codec = 2;
	config->site.domains = calloc(1, SITE_NAME_MAX);
	config->listeners = calloc(3, sizeof(*config->listeners));
	config->aliases = calloc(2, sizeof(*config->aliases));
	if (config->site.domains == NULL || config->listeners == NULL ||
	    config->aliases == NULL)
		abort();
	(void)strlcpy(config->site.domains[0], "example.org", SITE_NAME_MAX);
	config->site.n_domains = 1;
	config->message_max = 200000;
	config->dmarc = SMTP_DMARC_ENFORCE;
	config->rcpt_max = 10;
	config->messages_max = 10;
	config->command_seconds = 300;
	config->errors_max = 20;
	config->received_max = 20;
	config->listeners[0].kind = SMTP_LISTEN_SMTP;
	config->listeners[1].kind = SMTP_LISTEN_LMTP;
	config->listeners[2].kind = SMTP_LISTEN_SUBMISSION;
	config->listeners[2].tls = SMTP_TLS_START;
	/* The fake one looks no further than that there is one. */
	tls[2] = (struct tlsio_server *)&some_server;
	config->n_listeners = 3;
	config->login_failures = 3;
	config->scram = true;
	for (int i = 0; i < 2; i++) {
		config->aliases[i].alias = strdup("all");
		config->aliases[i].target = strdup(i == 0 ? "anna" : "ben");
	}
	config->n_aliases = 2;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct proc_conn pc = {.id = 1, .peer = "127.0.0.1"};
	struct harness_step s;
	struct wire *w;

	if (len < 1)
		return 0;
	set_up();
	harness_begin();
	cr = false;
	pc.listener = (data[0] & 2) != 0 ? 2 : data[0] & 1;
	data++;
	len--;
	deliverer();
	store();
	harness_run();
	engine_conn(&pc, harness_fd(), NULL);
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		send_step(&s);
		harness_run();
		if (!fake_client_there())
			break;
	}
	fake_client_stalls(false);
	fake_client(NULL, 0);
	harness_run();
	if ((w = harness_wire(deliver_fd)) != NULL)
		harness_eof(w);
	if ((w = harness_wire(master_fd)) != NULL)
		harness_eof(w);
	harness_run();
	if (session_any())
		abort();
	harness_end();
	return 0;
}
