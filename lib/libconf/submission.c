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
 * What the configuration says of mail that users submit.
 */

#include <sys/types.h>

#include <string.h>

#include "conf_local.h"

static const enum conf_limit conf_rates[CONF_RATES] = {
    [CONF_RATE_MESSAGES] = CONF_MESSAGES_PER_HOUR,
    [CONF_RATE_RECIPIENTS] = CONF_RECIPIENTS_PER_HOUR,
};

/* Of a domain's users. */
const char *
build_rate(struct conf_domain *domain, const char *name, const char *value)
{
	const struct conf_limit_row *row;

	for (size_t i = 0; i < CONF_RATES; i++) {
		row = &conf_limit_rows[conf_rates[i]];
		if (strcmp(row->name, name) != 0)
			continue;
		domain->own_rate[i] = true;
		return conf_number(
			   value, row->min, row->max, &domain->rate[i]) == -1 ?
		    conf_limit_wrong(row) :
		    NULL;
	}
	return "no such limit of a domain";
}

void
submission_finish(const struct conf *conf, struct conf_domain *domain)
{
	for (size_t i = 0; i < CONF_RATES; i++) {
		if (!domain->own_rate[i])
			domain->rate[i] = conf->limits[conf_rates[i]];
	}
}

bool
submission_has(const struct conf_domain *domain)
{
	for (size_t i = 0; i < CONF_RATES; i++) {
		if (domain->own_rate[i])
			return true;
	}
	return false;
}

void
print_rates(const struct conf_domain *domain, FILE *out)
{
	for (size_t i = 0; i < CONF_RATES; i++) {
		if (domain->own_rate[i])
			(void)fprintf(out, "\tlimit %s %llu\n",
			    conf_limit_name(conf_rates[i]),
			    (unsigned long long)domain->rate[i]);
	}
}
