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
 * Process:   sealrelayd
 * Runs as:   root, the caller or _sealrelay, the root directory
 * May do:    stdio rpath inet unix sendfd recvfd proc exec id; /: r;
 *            libexec: rx
 * Talks to:  its roles; sealctl; sealsmtpd's parent, which asks for wires
 * Holds:     the configuration; what smarthosts want to see while it hands it
 *            on; no key and no mail
 * Trusts:    the configuration; its roles only as far as messages are well
 *            formed
 */

#include "procs.h"

#include "relay_procs.h"

int
main(int argc, char *argv[])
{
	return parent_main(argc, argv, &relay_parent);
}
