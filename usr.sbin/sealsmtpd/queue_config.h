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
 * What sealsmtpd's parent tells smtp-queue of the configuration, between
 * PROC_RELOAD_BEGIN and PROC_RELOAD_COMMIT.
 */

#ifndef QUEUE_CONFIG_H
#define QUEUE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_KEY_LEN 32
#define QUEUE_DOMAIN_MAX 256 /* octets of a name, NUL included */
#define QUEUE_PEM_MAX 16384  /* octets of a private key */
#define QUEUE_KEYS_MAX 1024  /* DKIM keys */

enum queue_config_message {
	/*
	 * u32 lifetime, u32 warn after (0: never), u32 first retry, u32 longest
	 * time between retries, all in seconds; u32 jobs of a destination at
	 * once; u64 octets and u64 inodes to leave free; u8 log_addresses
	 */
	QUEUE_CONFIG_BASE = 0x130,
	QUEUE_CONFIG_KEY = 0x131,  /* raw[32]: the queue key */
	QUEUE_CONFIG_DKIM = 0x132, /* str domain, str selector, bytes PEM */
};

struct queue_limits {
	uint32_t lifetime; /* seconds that a message is tried */
	uint32_t warn;     /* ... before its sender hears of the delay */
	uint32_t retry_min;
	uint32_t retry_max;
	uint32_t dest_jobs; /* at once */
	uint64_t free_bytes;
	uint64_t free_inodes;
};

#endif
