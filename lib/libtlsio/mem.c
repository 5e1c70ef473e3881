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
 * Allocators that wipe.  What they give is malloc(3)'s own, since libtls frees
 * some of OpenSSL's memory itself (names of a peer's certificate, for one).
 * Where malloc(3) does not tell sizes, they are not used: LibreSSL takes none.
 */

#include <sys/types.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "compat.h"
#include "log.h"
#include "tlsio_mem.h"

static bool sizes_known(void);
static void *mem_alloc(size_t);
static void *mem_realloc(void *, size_t);
static void mem_free(void *);
static void *openssl_alloc(size_t, const char *, int);
static void *openssl_realloc(void *, size_t, const char *, int);
static void openssl_free(void *, const char *, int);

void
tlsio_mem_openssl(void)
{
	if (!sizes_known())
		return;
	if (CRYPTO_set_mem_functions(
		openssl_alloc, openssl_realloc, openssl_free) != 1)
		fatalx("tlsio_mem_openssl() comes too late");
}

void
tlsio_mem_libevent(void)
{
	void (*set)(
	    void *(*)(size_t), void *(*)(void *, size_t), void (*)(void *));
	void *sym;

	if (!sizes_known())
		return;
	/* Not in libevent 1.4, so nothing to link with. */
	sym = dlsym(RTLD_DEFAULT, "event_set_mem_functions");
	if (sym == NULL)
		return;
	memcpy(&set, &sym, sizeof(set));
	set(mem_alloc, mem_realloc, mem_free);
}

static bool
sizes_known(void)
{
	void *p;
	bool known;

	p = malloc(1);
	known = p != NULL && compat_malloc_size(p) > 0;
	free(p);
	return known;
}

static void *
mem_alloc(size_t len)
{
	return malloc(len);
}

static void *
mem_realloc(void *old, size_t len)
{
	size_t old_len;
	void *p;

	p = malloc(len);
	if (p == NULL || old == NULL)
		return p;
	old_len = compat_malloc_size(old);
	memcpy(p, old, old_len < len ? old_len : len);
	mem_free(old);
	return p;
}

static void
mem_free(void *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p, compat_malloc_size(p));
	free(p);
}

static void *
openssl_alloc(size_t len, const char *file, int line)
{
	return mem_alloc(len);
}

static void *
openssl_realloc(void *p, size_t len, const char *file, int line)
{
	return mem_realloc(p, len);
}

static void
openssl_free(void *p, const char *file, int line)
{
	mem_free(p);
}
