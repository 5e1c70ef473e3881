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
 * Fuzzer of a deliverer: what an engine that is not to be trusted tells it, of
 * recipients and messages, against a real account.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "../../usr.sbin/sealsmtpd/deliver/deliver.h"
#include "../../usr.sbin/sealsmtpd/deliver_wire.h"
#include "fuzz_account.h"
#include "harness.h"
#include "msg.h"

#define STEPS_MAX 48
#define WHAT_TYPE 0x07     /* 0 PUT, 1 CHECK, 2 HELLO, 3 the engine goes */
#define WHAT_ID 0x18       /* of 4 deliveries */
#define WHAT_TOGETHER 0x40 /* with the next in one burst */
#define WHAT_RAW 0x80      /* the type is the octet itself */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static void
set_up(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	harness_start();
	report_init();
	delivery_init(fuzz_account()->base);
	recipient_init(fuzz_account()->base);
	sync_init(fuzz_account()->base);
	recipient_reserve(0, 0);
}

static void
send_step(struct wire *w, const struct harness_step *s)
{
	static const uint32_t types[] = {
	    DELIVER_PUT, DELIVER_CHECK, DELIVER_HELLO};
	unsigned int type = s->what & WHAT_TYPE;
	uint32_t id = 1U + (s->what & WHAT_ID) / 8;

	if ((s->what & WHAT_RAW) != 0)
		harness_packet(w, s->what, id, s->data, s->len, -1);
	else if (type < sizeof(types) / sizeof(types[0]))
		harness_packet(w, types[type], id, s->data, s->len, -1);
	else if (type == 3)
		harness_eof(w);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static const uint8_t hello[] = {DELIVER_VERSION, 0, 0, 0};
	struct harness_step s;
	struct wire *w;
	int fd, notify_fd;

	set_up();
	fuzz_account_restore();
	harness_begin();
	notify_start(notify_fd = harness_fd());
	engine_start(0, fd = harness_fd());
	harness_packet(
	    harness_wire(fd), DELIVER_HELLO, 0, hello, sizeof(hello), -1);
	harness_run();
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		if ((w = harness_wire(fd)) == NULL)
			break;
		send_step(w, &s);
		if ((s.what & WHAT_TOGETHER) == 0)
			harness_run();
	}
	if ((w = harness_wire(fd)) != NULL)
		harness_eof(w);
	harness_eof(harness_wire(notify_fd));
	harness_run();
	if (harness_wire(fd) != NULL)
		abort();
	harness_end();
	return 0;
}
