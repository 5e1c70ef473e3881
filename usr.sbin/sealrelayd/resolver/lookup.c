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
 * libunbound: a validating resolver of this process, from the root or by way
 * of forwarders.  It is believed in what it says about signatures; forwarders
 * are not.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include <unbound.h>
#include <unbound-event.h>

#include "log.h"
#include "loop.h"
#include "packet.h"
#include "resolver.h"

#define CLASS_IN 1
#define SECURE 2 /* what libunbound's callback says */
#define BOGUS 1

/* A context, and how many of its questions are open. */
struct context {
	struct ub_ctx *ub;
	unsigned int open;
	struct event end; /* frees it, outside of its own callbacks */
};

struct lookup {
	struct context *context;
	lookup_cb cb; /* NULL: cancelled, libunbound still works on it */
	void *arg;
	uint16_t type;
	struct event timer;

	/* An answer that came within ub_resolve_event() is told later. */
	bool starting;
	bool early;
	int rcode;
	int secure;
	uint8_t *data;
	int len;
};

static struct context *current;
static unsigned int open_total;

static int context_set(struct ub_ctx *, const struct lookup_config *);
static void context_release(struct context *);
static void context_end(int, short, void *);
static void lookup_done(void *, int, void *, int, int, char *, int);
static void lookup_timeout(int, short, void *);
static void lookup_early(int, short, void *);
static void lookup_keep(struct lookup *, int, const void *, int, int);
static void lookup_end(struct lookup *);
static void lookup_say(struct lookup *, int, const void *, int, int);

/*
 * The root zone's key signing keys, as IANA publishes them: of 2017 and of
 * 2024.  A key that replaces both comes with a newer version of this program,
 * or by "resolver anchor".
 */
static const char *const root_anchors[] = {
    ". IN DS 20326 8 2 "
    "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 "
    "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

/* RFC 9715 for the size; the rest keeps answers honest and memory small. */
static const char *const options[][2] = {
    {"module-config:", "validator iterator"},
    {"edns-buffer-size:", "1232"},
    {"harden-glue:", "yes"},
    {"harden-dnssec-stripped:", "yes"},
    {"harden-below-nxdomain:", "yes"},
    {"harden-algo-downgrade:", "no"},
    {"qname-minimisation:", "yes"},
    {"aggressive-nsec:", "yes"},
    {"unwanted-reply-threshold:", "100000"},
    {"msg-cache-size:", "4m"},
    {"rrset-cache-size:", "8m"},
    {"key-cache-size:", "1m"},
    {"neg-cache-size:", "512k"},
    {"infra-cache-numhosts:", "10000"},
    {"cache-max-ttl:", "86400"},
    {"cache-max-negative-ttl:", "3600"},
    {"outgoing-range:", "1024"},
    {"num-queries-per-thread:", "1024"},
    {"do-not-query-localhost:", "no"}, /* a forwarder may be here */
    /* Private addresses have names where there are forwarders. */
    {"unblock-lan-zones:", "yes"},
    {"insecure-lan-zones:", "yes"},
};

/* What libunbound answers by itself unless it is told not to. */
static const char *const zones[] = {"test.", "home.arpa."};

int
lookup_configure(const struct lookup_config *config)
{
	struct context *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("calloc");
	c->ub = ub_ctx_create_ub_event(loop_unbound());
	if (c->ub == NULL) {
		free(c);
		log_warnx("libunbound does not start");
		return -1;
	}
	if (context_set(c->ub, config) == -1) {
		ub_ctx_delete(c->ub);
		free(c);
		return -1;
	}
	evtimer_set(&c->end, context_end, c);
	c->open = 1; /* it is current */
	if (current != NULL)
		context_release(current);
	current = c;
	return 0;
}

struct lookup *
lookup_start(const char *name, uint16_t type, lookup_cb cb, void *arg)
{
	struct timeval tv = {.tv_sec = RESOLVER_SECONDS};
	struct lookup *l;
	int res;

	if (current == NULL || open_total >= QUESTIONS_MAX)
		return NULL;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		fatal("calloc");
	l->context = current;
	l->type = type;
	l->starting = true;
	res = ub_resolve_event(
	    current->ub, name, type, CLASS_IN, l, lookup_done, NULL);
	l->starting = false;
	if (res != 0) {
		log_warnx("libunbound: %s", ub_strerror(res));
		free(l->data);
		free(l);
		return NULL;
	}
	l->cb = cb;
	l->arg = arg;
	current->open++;
	open_total++;
	if (l->early)
		tv.tv_sec = 0;
	evtimer_set(&l->timer, l->early ? lookup_early : lookup_timeout, l);
	evtimer_add(&l->timer, &tv);
	return l;
}

/* libunbound finishes it for its cache; nobody is told. */
void
lookup_cancel(struct lookup *l)
{
	if (l == NULL)
		return;
	l->cb = NULL;
	if (!l->early)
		evtimer_del(&l->timer);
}

static int
context_set(struct ub_ctx *ub, const struct lookup_config *config)
{
	const char *const *anchors;
	size_t n;
	int res;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		res = ub_ctx_set_option(ub, options[i][0], options[i][1]);
		if (res != 0)
			log_debug("libunbound: %s %s: %s", options[i][0],
			    options[i][1], ub_strerror(res));
	}
	for (size_t i = 0; i < config->n_forwards; i++) {
		res = ub_ctx_set_fwd(ub, config->forwards[i]);
		if (res != 0) {
			log_warnx("resolver forward %s: %s",
			    log_vis(config->forwards[i]), ub_strerror(res));
			return -1;
		}
	}
	anchors = config->n_anchors > 0 ? config->anchors : root_anchors;
	n = config->n_anchors > 0 ?
	    config->n_anchors :
	    sizeof(root_anchors) / sizeof(root_anchors[0]);
	for (size_t i = 0; i < n; i++) {
		res = ub_ctx_add_ta(ub, anchors[i]);
		if (res != 0) {
			log_warnx("resolver anchor %s: %s", log_vis(anchors[i]),
			    ub_strerror(res));
			return -1;
		}
	}
	/* Last: it makes the rest final. */
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		(void)ub_ctx_zone_remove(ub, zones[i]);
	return 0;
}

/* Freed from the event loop: libunbound may be on the stack. */
static void
context_release(struct context *c)
{
	struct timeval now = {0};

	if (--c->open == 0)
		evtimer_add(&c->end, &now);
}

static void
context_end(int fd, short what, void *arg)
{
	struct context *c;

	(void)fd;
	(void)what;
	c = arg;
	ub_ctx_delete(c->ub);
	free(c);
}

/* libunbound's word, once for each question that it took. */
static void
lookup_done(void *arg, int rcode, void *data, int len, int sec, char *why_bogus,
    int was_ratelimited)
{
	struct lookup *l;

	(void)was_ratelimited;
	l = arg;
	if (sec == BOGUS && why_bogus != NULL)
		log_debug("bogus: %s", log_vis(why_bogus));
	if (l->starting) {
		lookup_keep(l, rcode, data, len, sec);
		return;
	}
	evtimer_del(&l->timer);
	lookup_say(l, rcode, data, len, sec);
	lookup_end(l);
}

static void
lookup_keep(struct lookup *l, int rcode, const void *data, int len, int secure)
{
	l->early = true;
	l->rcode = rcode;
	l->secure = secure;
	if (rcode != 0 || data == NULL || len <= 0)
		return;
	l->data = malloc((size_t)len);
	if (l->data == NULL)
		fatal("malloc");
	memcpy(l->data, data, (size_t)len);
	l->len = len;
}

static void
lookup_early(int fd, short what, void *arg)
{
	struct lookup *l;

	(void)fd;
	(void)what;
	l = arg;
	lookup_say(l, l->rcode, l->data, l->len, l->secure);
	lookup_end(l);
}

static void
lookup_end(struct lookup *l)
{
	open_total--;
	context_release(l->context);
	free(l->data);
	free(l);
}

static void
lookup_timeout(int fd, short what, void *arg)
{
	struct lookup *l;
	lookup_cb cb;

	(void)fd;
	(void)what;
	l = arg;
	cb = l->cb;
	l->cb = NULL;
	if (cb != NULL)
		cb(RESOLVER_TIMEOUT, false, NULL, l->arg);
}

static void
lookup_say(struct lookup *l, int rcode, const void *data, int len, int sec)
{
	static struct packet packet;
	enum resolver_status status;
	lookup_cb cb;

	cb = l->cb;
	l->cb = NULL;
	if (cb == NULL)
		return;
	if (sec == BOGUS)
		status = RESOLVER_BOGUS;
	else if (rcode != 0 || data == NULL || len < 0)
		status = RESOLVER_SERVFAIL;
	else
		status = packet_read(&packet, l->type, data, (size_t)len);
	if (status == RESOLVER_OK || status == RESOLVER_NODATA ||
	    status == RESOLVER_NXDOMAIN)
		cb(status, sec == SECURE, &packet, l->arg);
	else
		cb(status, false, NULL, l->arg);
}
