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
 * libtlsio without sockets, for fuzzers of engines: what the client sends is
 * given by hand, and what it would get is shown to the fuzzer.  STARTTLS only
 * notes that it was asked for.
 */

#ifndef FAKE_TLSIO_H
#define FAKE_TLSIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client's octets arrive; 0 octets: the client has gone. */
void fake_client(const uint8_t *, size_t);
/* The client reads nothing, so the queue fills; false: it has read all. */
void fake_client_stalls(bool);
bool fake_client_there(void);
/* What the client gets. */
void fake_on_output(void (*)(const uint8_t *, size_t));

#endif
