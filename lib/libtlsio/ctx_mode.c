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
 * libtls hides the SSL_CTX it makes, and some of its choices are not ours.
 * The functions that it calls are therefore defined here, where the dynamic
 * linker finds them before libssl's; each does what the real one does, and
 * what we need.  Tests assert the effect of each.
 */

/* HMAC_CTX is deprecated in OpenSSL 3; libtls uses it. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <dlfcn.h>
#include <string.h>

#include <openssl/ssl.h>

#include "log.h"
#include "tlsio_local.h"

static bool used;
static SSL *last;
static SSL_CTX **noted;
static size_t n_noted, max_noted;
static SSL_CTX_alpn_select_cb_func libtls_alpn;

static int alpn(SSL *, const unsigned char **, unsigned char *,
    const unsigned char *, unsigned int, void *);
static void *real(const char *);

/* An idle connection would keep its 34 KiB of record buffers. */
SSL_CTX *
SSL_CTX_new(const SSL_METHOD *method)
{
	SSL_CTX *(*make)(const SSL_METHOD *);
	SSL_CTX *ctx;
	void *sym;

	sym = real("SSL_CTX_new");
	memcpy(&make, &sym, sizeof(make));
	ctx = make(method);
	if (ctx != NULL) {
		(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
		/* One recv(2) for a small record, not two. */
		SSL_CTX_set_read_ahead(ctx, 1);
		/* Sessions are the clients' to keep, as tickets. */
		(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		used = true;
		if (n_noted < max_noted)
			noted[n_noted++] = ctx;
	}
	return ctx;
}

/* The connection that libtls makes: it does not give what channels need. */
SSL *
SSL_new(SSL_CTX *ctx)
{
	SSL *(*make)(SSL_CTX *);
	void *sym;

	sym = real("SSL_new");
	memcpy(&make, &sym, sizeof(make));
	last = make(ctx);
	return last;
}

SSL *
ctx_last(void)
{
	SSL *ssl = last;

	last = NULL;
	return ssl;
}

/* Tickets are sealed with keys that all engines have. */
long
SSL_CTX_callback_ctrl(SSL_CTX *ctx, int cmd, void (*cb)(void))
{
	long (*set)(SSL_CTX *, int, void (*)(void));
	void *sym;

	if (cmd == SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB && cb != NULL)
		cb = (void (*)(void))ticket_callback;
	sym = real("SSL_CTX_callback_ctrl");
	memcpy(&set, &sym, sizeof(set));
	return set(ctx, cmd, cb);
}

/*
 * libtls goes on with a client that offers other protocols only, such as a
 * browser that was led here to have an answer of ours taken for a web page
 * (ALPACA).  RFC 7301 3.2 asks for an alert.
 */
void
SSL_CTX_set_alpn_select_cb(
    SSL_CTX *ctx, SSL_CTX_alpn_select_cb_func cb, void *arg)
{
	void (*set)(SSL_CTX *, SSL_CTX_alpn_select_cb_func, void *);
	void *sym;

	libtls_alpn = cb;
	sym = real("SSL_CTX_set_alpn_select_cb");
	memcpy(&set, &sym, sizeof(set));
	set(ctx, alpn, arg);
}

static int
alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned int inlen, void *arg)
{
	if (libtls_alpn(ssl, out, outlen, in, inlen, arg) == SSL_TLSEXT_ERR_OK)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void *
real(const char *name)
{
	void *sym;

	sym = dlsym(RTLD_NEXT, name);
	if (sym == NULL)
		fatalx("%s: %s", name, dlerror());
	return sym;
}

void
ctx_note(SSL_CTX **list, size_t max)
{
	noted = list;
	n_noted = 0;
	max_noted = max;
}

size_t
ctx_noted(void)
{
	max_noted = 0;
	return n_noted;
}

bool
ctx_mode_used(void)
{
	return used;
}
