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
 * Opens a queue as smtp-queue does, and prints it: queuedump DIRECTORY
 */

#include <sys/types.h>

#include <err.h>
#include <fcntl.h>
#include <string.h>

#include "dump.h"
#include "log.h"
#include "seal.h"

#include "../../../../usr.sbin/sealsmtpd/queue/queue.h"

int
main(int argc, char *argv[])
{
	static const uint8_t key[QUEUE_KEY_LEN] = "key";
	int fd;

	if (argc != 2)
		errx(2, "usage: queuedump DIRECTORY");
	fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		err(1, "%s", argv[1]);
	if (seal_init() == -1)
		errx(1, "seal_init");
	log_init("queuedump", true, false);
	spool_init(fd, key);
	record_open(fd, key);
	dump_state(stdout);
	return 0;
}
