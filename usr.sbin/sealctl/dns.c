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
 * sealctl dns: prints the records that the site needs, or looks for them.
 */

#include <sys/types.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zone.h"

static void join(struct zone *, struct zone *);

int
cmd_dns(struct invocation *inv)
{
	char domain[CONF_NAME_MAX];
	struct zone all, one;
	bool check;
	int ch, code;

	check = false;
	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, "+c")) != -1) {
		if (ch != 'c')
			return EXIT_BAD_USAGE;
		check = true;
	}
	if (inv->argc - optind > 1)
		return EXIT_BAD_USAGE;
	if (optind < inv->argc &&
	    zone_domain(inv->conf, inv->argv[optind], domain, sizeof(domain)) ==
		-1) {
		warnx("%s: no domain of the configuration", inv->argv[optind]);
		return EXIT_FAILED;
	}
	memset(&all, 0, sizeof(all));
	for (size_t i = 0; i < inv->conf->n_domains; i++) {
		if (optind < inv->argc &&
		    strcmp(inv->conf->domains[i].name, domain) != 0)
			continue;
		zone_make(inv->conf, inv->conf->domains[i].name, &one);
		join(&all, &one);
	}
	code = 0;
	if (check)
		code = zone_check(inv, &all, false);
	else
		zone_print(&all, inv->json);
	free(all.records);
	return check || !inv->json ? finish(code) : finish(0);
}

int
zone_print_dkim(struct invocation *inv, const char *domain, int state)
{
	struct zone z;

	zone_make_dkim(inv->conf, domain, state, &z);
	zone_print(&z, inv->json);
	free(z.records);
	return finish(0);
}

int
zone_published(struct invocation *inv, const char *domain, int state)
{
	struct zone z;
	int code;

	zone_make_dkim(inv->conf, domain, state, &z);
	code = z.n == 0 ? EXIT_FAILED : zone_check(inv, &z, true);
	free(z.records);
	return code;
}

static void
join(struct zone *all, struct zone *one)
{
	struct zone_record *r;

	for (size_t i = 0; i < one->n; i++) {
		r = zone_add(all, one->records[i].kind, one->records[i].type,
		    one->records[i].name, "");
		*r = one->records[i];
	}
	free(one->records);
}
