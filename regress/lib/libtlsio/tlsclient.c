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
 * A client as smtp-relay is one: a socket that is connected already, no files
 * and no other system calls than those of "stdio" once the roots are read.
 *
 * usage: tlsclient PORT WORD=VALUE ...
 *	trust=none|webpki|dane  roots=FILE  sni=NAME  name=NAME
 *	tlsa=USAGE,SELECTOR,MATCHING,HEX  go-on=yes  starttls=yes
 * Prints the result's name of RFC 8460 ("ok" for none), a tab, "secure" or
 * "closed", a tab, the version, a tab, the error.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "tlsio_client.h"

#define TIMEOUT_S 10

static struct tlsio_peer peer;
static const char *names[TLSIO_NAMES_MAX + 1];
static struct tlsio_tlsa records[TLSIO_TLSA_MAX];
static bool starttls;

static void
print(struct tlsio *t, const char *what)
{
	const char *name;

	name = tlsio_result_name(tlsio_result(t));
	(void)printf("%s\t%s\t%s\t%s\n", *name == '\0' ? "ok" : name, what,
	    tlsio_version(t), tlsio_error(t));
	(void)fflush(stdout);
	exit(0);
}

static void
begin(struct tlsio *t)
{
	if (tlsio_client_start(t, &peer) == -1)
		print(t, "refused");
}

static void
on_input(struct tlsio *t, void *arg)
{
	const uint8_t *p;
	size_t len;

	p = tlsio_input(t, &len);
	if (!starttls || memchr(p, '\n', len) == NULL)
		return;
	/* The server's "go ahead"; what follows it must not be there. */
	starttls = false;
	tlsio_consume(
	    t, (size_t)((const uint8_t *)memchr(p, '\n', len) - p) + 1);
	begin(t);
}

static void
on_drained(struct tlsio *t, void *arg)
{
}

static void
on_closed(struct tlsio *t, enum tlsio_end end, void *arg)
{
	print(t, "closed");
}

static void
on_secure(struct tlsio *t, void *arg)
{
	print(t, "secure");
}

static void
on_timeout(int fd, short what, void *arg)
{
	print(arg, "timeout");
}

static void
add_record(const char *text)
{
	struct tlsio_tlsa *r;
	unsigned int usage, selector, matching, octet;
	uint8_t *data;
	int off;

	if (peer.n_tlsa == TLSIO_TLSA_MAX ||
	    sscanf(text, "%u,%u,%u,%n", &usage, &selector, &matching, &off) !=
		3)
		errx(1, "tlsa=%s", text);
	r = &records[peer.n_tlsa++];
	r->usage = (uint8_t)usage;
	r->selector = (uint8_t)selector;
	r->matching = (uint8_t)matching;
	data = calloc(1, strlen(text) + 1);
	if (data == NULL)
		err(1, NULL);
	for (text += off; sscanf(text, "%2x", &octet) == 1; text += 2)
		data[r->len++] = (uint8_t)octet;
	r->data = data;
}

static void
option(const char *word)
{
	char error[TLSIO_ERROR_MAX];
	const char *value;

	value = strchr(word, '=');
	if (value++ == NULL)
		errx(1, "%s", word);
	if (strcmp(word, "trust=webpki") == 0)
		peer.trust = TLSIO_TRUST_WEBPKI;
	else if (strcmp(word, "trust=dane") == 0)
		peer.trust = TLSIO_TRUST_DANE;
	else if (strncmp(word, "roots=", 6) == 0) {
		peer.roots = tlsio_roots_file(value, error);
		if (peer.roots == NULL)
			errx(1, "%s", error);
	} else if (strncmp(word, "sni=", 4) == 0)
		peer.sni = value;
	else if (strncmp(word, "name=", 5) == 0)
		names[peer.n_names++] = value;
	else if (strncmp(word, "tlsa=", 5) == 0)
		add_record(value);
	else if (strcmp(word, "go-on=yes") == 0)
		peer.go_on = true;
	else if (strcmp(word, "starttls=yes") == 0)
		starttls = true;
	else if (strcmp(word, "trust=none") != 0)
		errx(1, "%s", word);
}

int
main(int argc, char *argv[])
{
	static const struct tlsio_ops ops = {
	    .input = on_input,
	    .drained = on_drained,
	    .closed = on_closed,
	    .secure = on_secure,
	};
	struct timeval tv = {TIMEOUT_S, 0};
	struct sockaddr_in sin;
	struct event timer;
	struct tlsio *t;
	int fd;

	tlsio_init();
	event_init();
	if (argc < 2)
		errx(1, "usage: tlsclient port word=value ...");
	peer.names = names;
	peer.tlsa = records;
	for (int i = 2; i < argc; i++)
		option(argv[i]);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons((uint16_t)atoi(argv[1]));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "connect");
	if (unveil(NULL, NULL) == -1 || pledge("stdio", NULL) == -1)
		err(1, "pledge");
	t = tlsio_new(NULL, fd, &ops, NULL);
	evtimer_set(&timer, on_timeout, t);
	if (evtimer_add(&timer, &tv) == -1)
		err(1, "evtimer_add");
	if (starttls)
		tlsio_puts(t, "STARTTLS\r\n");
	else
		begin(t);
	(void)event_dispatch();
	return 1;
}
