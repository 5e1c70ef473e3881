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
 * Around smtp-relay, for sealctl: what a domain's policy of MTA-STS is, as
 * others see it just now.
 */

#ifndef RELAY_CTL_H
#define RELAY_CTL_H

#define RELAY_CTL_VERSION 1
#define RELAY_CTL_WHY_MAX 256 /* octets of a reason, NUL included */
#define RELAY_CTL_SECONDS 180 /* an answer takes no longer */

enum relay_ctl_message {
	/*
	 * sealctl: u32 RELAY_CTL_VERSION, str domain, str host.  One question
	 * at a time.
	 */
	RELAY_CTL_POLICY = 1,
	/*
	 * Relay: u8 enum relay_ctl_policy, u8 1: it lets mail go to the host,
	 * u32 max_age; and where there is none: str why.
	 */
	RELAY_CTL_POLICY_IS = 2
};

enum relay_ctl_policy {
	RELAY_CTL_NONE = 0,
	RELAY_CTL_TESTING = 1,
	RELAY_CTL_ENFORCE = 2,
	RELAY_CTL_LACKS = 3 /* there is no policy */
};

#endif
