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
 * libtls hides the SSL_CTX it makes, and makes it so that an idle connection
 * keeps its 34 KiB of record buffers.  SSL_CTX_new() is therefore defined here,
 * where the dynamic linker finds it before libssl's, and sets what we need on
 * what the real one returns.  A test asserts the memory of a connection.
 * Likewise SSL_CTX_callback_ctrl(), see there.
 */

/* HMAC_CTX is deprecated in OpenSSL 3; libtls uses it. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <dlfcn.h>
#include <string.h>

#include <openssl/ssl.h>

#include "log.h"
#include "tlsio_local.h"

typedef int (*ticket_cb)(
    SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, HMAC_CTX *, int);

static bool used;
static ticket_cb libtls_ticket;

static int ticket(
    SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, HMAC_CTX *, int);
static void *real(const char *);

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
		used = true;
	}
	return ctx;
}

/*
 * libretls 3.7.0 answers 0 where it has filled in a ticket's key, as is right
 * with LibreSSL; to OpenSSL that means to give no ticket.
 */
long
SSL_CTX_callback_ctrl(SSL_CTX *ctx, int cmd, void (*cb)(void))
{
	long (*set)(SSL_CTX *, int, void (*)(void));
	void *sym;

	if (cmd == SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB && cb != NULL) {
		memcpy(&libtls_ticket, &cb, sizeof(libtls_ticket));
		cb = (void (*)(void))ticket;
	}
	sym = real("SSL_CTX_callback_ctrl");
	memcpy(&set, &sym, sizeof(set));
	return set(ctx, cmd, cb);
}

static int
ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    HMAC_CTX *hmac, int encrypt)
{
	int ret;

	ret = libtls_ticket(ssl, name, iv, cipher, hmac, encrypt);
	return encrypt && ret == 0 ? 1 : ret;
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

bool
ctx_mode_used(void)
{
	return used;
}
