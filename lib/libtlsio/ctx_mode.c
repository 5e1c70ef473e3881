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
 */

#include <sys/types.h>

#include <dlfcn.h>
#include <string.h>

#include <openssl/ssl.h>

#include "log.h"
#include "tlsio_local.h"

static bool used;

SSL_CTX *
SSL_CTX_new(const SSL_METHOD *method)
{
	SSL_CTX *(*real)(const SSL_METHOD *);
	SSL_CTX *ctx;
	void *sym;

	sym = dlsym(RTLD_NEXT, "SSL_CTX_new");
	if (sym == NULL)
		fatalx("SSL_CTX_new: %s", dlerror());
	memcpy(&real, &sym, sizeof(real));
	ctx = real(method);
	if (ctx != NULL) {
		(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
		/* One recv(2) for a small record, not two. */
		SSL_CTX_set_read_ahead(ctx, 1);
		used = true;
	}
	return ctx;
}

bool
ctx_mode_used(void)
{
	return used;
}
