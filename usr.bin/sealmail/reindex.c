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
 * The search index thrown away, to be made anew.
 */

#include <sys/types.h>

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <sysexits.h>

#include "imap_client.h"
#include "sealmail.h"

static struct {
	bool told;
	unsigned long segments;
	unsigned long long octets;
	unsigned long messages;
} index_was;

static void
said(char *line)
{
	if (sscanf(line, "REINDEXED %lu %llu %lu", &index_was.segments,
		&index_was.octets, &index_was.messages) == 3)
		index_was.told = true;
}

int
cmd_reindex(int argc, char *argv[])
{
	bool json;
	int code;

	if (slots_login(argc, argv, 1, "reindex [options] account", &json,
		&code) == NULL)
		return code;
	imap_begin("XSEALMAIL REINDEX");
	imap_send();
	code = imap_answer(said);
	if (code == 0 && index_was.told)
		(void)printf(json ? "{\"segments\":%lu,\"octets\":%llu,"
				    "\"messages\":%lu}\n" :
				    "segments removed: %lu, octets: %llu, "
				    "messages to index: %lu\n",
		    index_was.segments, index_was.octets, index_was.messages);
	imap_begin("LOGOUT");
	imap_send();
	(void)imap_answer(NULL);
	imap_close();
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return code;
}
