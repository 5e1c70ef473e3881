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
 * sealctl show certificates, and reload: what became of the certificates only
 * the engines know, a moment after the parent has taken the configuration.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sealctl.h"
#include "site.h"

#define WAIT_TENTHS 50 /* for engines to have looked at certificates */

static const char *const states[] = {
    [SITE_CERT_WAITS] = "waits",
    [SITE_CERT_SERVED] = "served",
    [SITE_CERT_FORMER] = "former",
    [SITE_CERT_NONE] = "none",
};

static const char *const staples[] = {
    [SITE_OCSP_NONE] = "none",
    [SITE_OCSP_SERVED] = "served",
    [SITE_OCSP_STALE] = "stale",
    [SITE_OCSP_BROKEN] = "broken",
};

static const struct column columns[] = {
    {"daemon", COLUMN_TEXT, 10}, {"name", COLUMN_TEXT, 16},
    {"state", COLUMN_TEXT, 6}, {"staple", COLUMN_TEXT, 6},
    {"expires", COLUMN_TIME, 20}, {"key", COLUMN_TEXT, 64},
    {"reason", COLUMN_TEXT, 0}, /* in JSON; else lines of its own */
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool json;

/* As of CTL_CERTIFICATE; -1 if it is not understood. */
static int
get(struct msg *msg, struct site_cert_is *is)
{
	uint8_t state, ocsp;

	memset(is, 0, sizeof(*is));
	(void)msg_get_str(msg, is->name, sizeof(is->name));
	state = msg_get_u8(msg);
	ocsp = msg_get_u8(msg);
	is->expires = msg_get_i64(msg);
	(void)msg_get_raw(msg, is->spki, sizeof(is->spki));
	(void)msg_get_str(msg, is->reason, sizeof(is->reason));
	if (msg_end(msg) == -1 || state > SITE_CERT_NONE ||
	    ocsp > SITE_OCSP_BROKEN)
		return -1;
	is->state = (enum site_cert_state)state;
	is->ocsp = (enum site_ocsp_state)ocsp;
	return 0;
}

static void
show(const struct ctl *ctl, const struct site_cert_is *is)
{
	char key[2 * SITE_SPKI_LEN + 1];

	for (size_t i = 0; i < SITE_SPKI_LEN; i++)
		(void)snprintf(key + 2 * i, 3, "%02x", is->spki[i]);
	out_text(ctl->daemon);
	out_text(is->name);
	out_text(states[is->state]);
	out_text(staples[is->ocsp]);
	out_time(is->expires);
	out_text(is->expires == 0 ? "" : key);
	if (json)
		out_text(is->reason);
}

static void
complain(const struct ctl *ctl, const struct site_cert_is *is)
{
	if (is->reason[0] != '\0')
		warnx("%s: certificate %s: %s", ctl->daemon, is->name,
		    is->reason);
}

static int
ask_certificates(struct ctl *ctl)
{
	struct site_cert_is is;
	struct msg msg;

	ctl_send(ctl, ctl_new(ctl, CTL_CERTIFICATES));
	while (ctl_next(ctl, &msg)) {
		if (msg.type != CTL_CERTIFICATE)
			continue;
		if (get(&msg, &is) == -1) {
			warnx("%s: an answer is not understood", ctl->daemon);
			continue;
		}
		show(ctl, &is);
		if (!json)
			complain(ctl, &is);
	}
	return ctl_failed(ctl, "show certificates") ? -1 : 0;
}

int
cmd_show_certificates(struct invocation *inv)
{
	int code;

	json = inv->json;
	out_start(columns, json ? N_COLUMNS : N_COLUMNS - 1, json);
	code = each_daemon(inv, ask_certificates);
	if (out_end(code) == -1) {
		warn("standard output");
		return EXIT_FAILED;
	}
	return code;
}

/* How many are not served as they should be; waiting: how many may yet be. */
static int
count(struct ctl *ctl, bool say, int *waiting)
{
	struct site_cert_is is;
	struct msg msg;
	int bad;

	bad = *waiting = 0;
	ctl_send(ctl, ctl_new(ctl, CTL_CERTIFICATES));
	while (ctl_next(ctl, &msg)) {
		if (msg.type != CTL_CERTIFICATE || get(&msg, &is) == -1)
			continue;
		*waiting += is.state == SITE_CERT_WAITS;
		bad += is.state != SITE_CERT_SERVED;
		if (say)
			complain(ctl, &is);
	}
	return bad;
}

int
certs_wait(struct ctl *ctl)
{
	const struct timespec tenth = {0, 100000000};
	int i, waiting;

	for (i = 0; i < WAIT_TENTHS; i++) {
		(void)count(ctl, false, &waiting);
		if (waiting == 0)
			break;
		(void)nanosleep(&tenth, NULL);
	}
	if (count(ctl, true, &waiting) == 0)
		return 0;
	warnx("%s: not all certificates were taken", ctl->daemon);
	return -1;
}
