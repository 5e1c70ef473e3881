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
 * What each statement of sealmail.conf(5) looks like, for who has written one
 * that is not understood.
 */

#include <sys/types.h>

#include <string.h>

#include "conf_local.h"

/* By the first word; what may be left out stands in brackets. */
static const struct {
	const char *word;
	const char *form;
} forms[] = {
    {"administrator", "administrator USER@DOMAIN"},
    {"aliases", "aliases TABLE"},
    {"certificate", "certificate NAME cert PATH key PATH [ocsp PATH]"},
    {"compression", "compression zstd | deflate | none"},
    {"control", "control operators GROUP, or control readers GROUP"},
    {"directory", "directory PATH"},
    {"dkim", "dkim DOMAIN selector NAME key PATH, or dkim directory PATH"},
    {"dmarc", "dmarc off | count | enforce, or dmarc except NETWORK"},
    {"domain",
	"domain NAME [{ quota SIZE, escrow PATH, expire WHAT DAYS, kdf COST, "
	"limit NAME VALUE }]"},
    {"escrow", "escrow PATH"},
    {"expire", "expire trash | spam | waiting DAYS"},
    {"group", "group mail GROUP"},
    {"host", "host index 0 | 1"},
    {"hostname", "hostname NAME"},
    {"include", "include PATH"},
    {"kdf",
	"kdf interactive | moderate | low, or kdf memory SIZE passes NUMBER"},
    {"libexec", "libexec PATH"},
    {"limit", "limit NAME VALUE"},
    {"linger", "linger TIME"},
    {"listen",
	"listen on ADDRESS imaps | imap | smtp | lmtp | submissions | "
	"submission [port NUMBER] [certificate NAME] [starttls | no-tls] "
	"[tls VERSION], or listen on socket [PATH] lmtp"},
    {"log", "log brief | verbose, or log addresses no | yes"},
    {"postmaster", "postmaster USER@DOMAIN"},
    {"queue", "queue key PATH"},
    {"quota", "quota SIZE | none"},
    {"relay",
	"relay from NETWORK, relay tls none | may | verify [domain DOMAIN], "
	"or relay source ADDRESS"},
    {"resolver",
	"resolver forward ADDRESS [port NUMBER], or resolver anchors PATH"},
    {"route",
	"route DOMAIN host NAME [port NUMBER] [tls none | may | verify | "
	"first] [auth PATH]"},
    {"run", "run directory PATH"},
    {"sandbox", "sandbox strict | best-effort"},
    {"scram", "scram no | yes"},
    {"sessions", "sessions shared | isolated"},
    {"submission", "submission agent hide | show"},
    {"table", "table NAME file:PATH, or table NAME { KEY = VALUE, ... }"},
    {"tls", "tls 1.2 | 1.3"},
    {"trust", "trust NETWORK"},
    {"user", "user keys | net | vault | work | mail | queue WHO"},
};

const char *
conf_form(const char *word)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].word, word) == 0)
			return forms[i].form;
	return NULL;
}
