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
 * What sealsmtpd's parent runs.
 */

#ifndef SMTP_PROCS_H
#define SMTP_PROCS_H

#include "parent.h"

struct wire;

extern const struct parent_kind smtp_parent;

/* queue.c: before the start; between PROC_RELOAD_BEGIN and _COMMIT. */
void prepare_queue(const struct conf *, const struct proc_settings *);
void send_queue(struct wire *, const struct conf *);
/* Whether send_queue() can send its key: -1 after a line on errors. */
int queue_usable(const struct conf *, FILE *errors);

#endif
