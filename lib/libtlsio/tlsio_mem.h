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
 * Allocators that wipe what is freed, for libraries that do not.  Separate from
 * tlsio.h, for programs that have no TLS (sealkeys).
 */

#ifndef TLSIO_MEM_H
#define TLSIO_MEM_H

/* First thing in main(), before any call of libcrypto; fatal if too late. */
void tlsio_mem_openssl(void);
/*
 * The same for libevent, before event_init(); does nothing where libevent
 * takes no allocators (1.4): there the system's free(3) is what it is.
 */
void tlsio_mem_libevent(void);

#endif
