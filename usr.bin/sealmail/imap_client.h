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
 * One connection to an IMAP server.  Whatever breaks it ends the program with
 * EX_TEMPFAIL and a line that says why.
 */

#ifndef IMAP_CLIENT_H
#define IMAP_CLIENT_H

#include <stddef.h>

#define LINE_MAX_OCTETS 16384 /* of a line that the server sends */
#define IMAP_TAG "s"          /* of every command */

/* TLS; the certificate must be host's. cafile NULL: the system's. */
void imap_open(const char *host, const char *port, const char *cafile);
void imap_close(void); /* wipes what came in */
/* The next line, without its end, until the next call. */
char *imap_line(void);
/* Some of the next octets, at most size: what follows a literal's line. */
size_t imap_octets(char *, size_t size);
/* A command: its words, arguments as literals, more words; then send. */
void imap_begin(const char *words);
void imap_argument(const char *);
void imap_words(const char *);
void imap_send(void);
/*
 * Reads up to the command's end: untagged gets what follows "* XSEALMAIL ".
 * 0 for OK, else an exit code, the server's words printed.
 */
int imap_answer(void (*untagged)(char *));

#endif
