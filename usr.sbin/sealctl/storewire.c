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
 * Commands that are the store master's business go to it over a wire that the
 * parent passes on unread.
 */

#include <sys/types.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "sealctl.h"
#include "store_wire.h"

#define STORE_WAIT_MS 60000 /* deriving keys may queue */
#define SHOWN_MAX 40        /* of an argument that is no name */

int
store_open(struct store *st, struct invocation *inv)
{
	memset(st, 0, sizeof(*st));
	if (ctl_open(&st->ctl, inv->conf, DAEMON_IMAP) == -1)
		return EXIT_NOT_RUNNING;
	st->fd = ctl_role(&st->ctl, "imap-store", 0);
	if (st->fd != -1)
		return 0;
	(void)ctl_failed(&st->ctl, "imap-store");
	ctl_close(&st->ctl);
	return EXIT_FAILED;
}

void
store_close(struct store *st)
{
	(void)close(st->fd);
	ctl_close(&st->ctl);
}

struct msgout *
store_new(struct store *st, uint32_t type)
{
	struct msgout *m;

	m = msg_new_fd(st->fd, type, ++st->id);
	msg_put_u32(m, STORE_WIRE_VERSION);
	return m;
}

void
store_send(struct msgout *m)
{
	if (msg_send_wait(m, STORE_WAIT_MS) == -1)
		ctl_silent("imap-store", DAEMON_IMAP);
}

void
store_receive(struct store *st, struct msg *msg)
{
	int n;

	msg_done(msg);
	n = msg_recv_wait(st->fd, msg, STORE_WAIT_MS);
	if (n == 0)
		errx(EXIT_FAILED,
		    "imap-store has closed the connection; see "
		    "the log of sealimapd");
	if (n == -1)
		ctl_silent("imap-store", DAEMON_IMAP);
}

int
store_end(struct msg *msg, const char *account)
{
	char reason[CTL_TEXT_MAX];
	uint8_t error;

	error = msg_get_u8(msg);
	(void)msg_get_str(msg, reason, sizeof(reason));
	if (msg_end(msg) == -1)
		errx(EXIT_FAILED, "imap-store: its answer is not understood");
	msg_done(msg);
	if (error == CTL_END_DONE)
		return 0;
	if (account != NULL)
		warnx("%s: %s", account, reason);
	else
		warnx("%s", reason);
	return -1;
}

int
store_ask(struct store *st, struct msgout *m, const char *account)
{
	struct msg msg;

	store_send(m);
	memset(&msg, 0, sizeof(msg));
	do
		store_receive(st, &msg);
	while (msg.id != st->id || msg.type != MASTER_CTL_END);
	return store_end(&msg, account) == -1 ? EXIT_FAILED : 0;
}

const char *
account_name_wrong(
    const struct conf *conf, const char *arg, char *buf, size_t size)
{
	static char reason[CTL_TEXT_MAX];
	const char *p;
	int n;

	if (strchr(arg, '@') == NULL)
		n = snprintf(buf, size, "%s@%s", arg, conf->domains[0].name);
	else
		n = snprintf(buf, size, "%s", arg);
	if (n < 0 || (size_t)n >= size) {
		(void)snprintf(
		    reason, sizeof(reason), "longer than %zu octets", size - 1);
		return reason;
	}
	for (n = 0; buf[n] != '\0'; n++) {
		if (!isgraph((unsigned char)buf[n]) &&
		    (unsigned char)buf[n] < 0x80)
			return "a name holds no blanks or controls";
		buf[n] = (char)tolower((unsigned char)buf[n]);
	}
	p = strrchr(buf, '@');
	if (p == buf || p[1] == '\0')
		return "a name is LOCAL@DOMAIN, or LOCAL of the first domain";
	if (conf_domain_find(conf, p + 1) != NULL)
		return NULL;
	(void)snprintf(reason, sizeof(reason),
	    "'%s' is no domain of the configuration: add 'domain \"%s\"' and "
	    "reload",
	    p + 1, p + 1);
	return reason;
}

int
account_name(const struct conf *conf, const char *arg, char *buf, size_t size)
{
	char shown[SHOWN_MAX + 1];
	const char *wrong;
	size_t i;

	wrong = account_name_wrong(conf, arg, buf, size);
	if (wrong == NULL)
		return 0;
	/* What cannot be a name may hold what a terminal obeys. */
	for (i = 0; i < SHOWN_MAX && arg[i] != '\0'; i++)
		shown[i] = iscntrl((unsigned char)arg[i]) ? '?' : arg[i];
	shown[i] = '\0';
	warnx("%s%s: %s", i == 0 ? "''" : shown, arg[i] != '\0' ? "..." : "",
	    wrong);
	return -1;
}
