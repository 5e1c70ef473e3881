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
 * From an address to accounts: our domains, +details, and the aliases, which
 * may lead to aliases.  A list of names grows while it is worked off; a name
 * is entered once, so loops end.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"

#include "engine.h"

#define SEPARATOR '+'

struct name {
	char name[DELIVER_ACCOUNT_MAX];
	unsigned int depth;
	bool account; /* it stands for itself */
};

static struct {
	struct name *names[DELIVER_TARGETS_MAX];
	size_t n;
	const char *accounts[DELIVER_TARGETS_MAX];
} work;

static bool domain_is_ours(const char *);
static const struct smtp_alias *alias_find(const char *, const char *);
static int alias_follow(struct name *, const struct smtp_alias *);
static int name_add(const char *, struct name *);
static enum alias_result names_expand(const char *, const char *);
static enum alias_result names_rest(const char *);
static enum alias_result names_work(const char *);

enum alias_result
alias_expand(const struct smtp_address *address, bool rest, char *detail,
    size_t size, const char *const **accounts, size_t *n)
{
	char account[DELIVER_ACCOUNT_MAX], whole[DELIVER_ACCOUNT_MAX];
	char none[1];
	const char *domain;
	enum alias_result res;

	*accounts = work.accounts;
	*n = 0;
	domain = engine_config()->site.domains[0];
	if (address->domain[0] != '\0' && !domain_is_ours(address->domain))
		return ALIAS_RELAY;
	if (smtp_address_account(address, SEPARATOR, domain, account,
		sizeof(account), detail, size) == -1)
		return ALIAS_NONE;
	if (smtp_address_account(address, '\0', domain, whole, sizeof(whole),
		none, sizeof(none)) == -1)
		whole[0] = '\0';
	res = rest ? names_rest(account) : names_expand(account, whole);
	if (res != ALIAS_OK)
		return res;
	for (size_t i = 0; i < work.n; i++)
		if (work.names[i]->account)
			work.accounts[(*n)++] = work.names[i]->name;
	return *n > 0 ? ALIAS_OK : ALIAS_NONE;
}

/* whole: the address with its detail, which an alias may name. */
static enum alias_result
names_expand(const char *account, const char *whole)
{
	work.n = 0;
	if (name_add(account, NULL) == -1)
		return ALIAS_LIMIT;
	return names_work(whole);
}

/* "@domain": an address that leads nowhere else. */
static enum alias_result
names_rest(const char *account)
{
	const struct smtp_alias *alias;
	struct name from;

	work.n = 0;
	alias = smtp_slice_alias(engine_config(), strrchr(account, '@'));
	if (alias == NULL)
		return ALIAS_NONE;
	memset(&from, 0, sizeof(from));
	if (alias_follow(&from, alias) == -1)
		return ALIAS_LIMIT;
	return names_work(NULL);
}

static enum alias_result
names_work(const char *whole)
{
	const struct smtp_alias *alias;
	struct name *name;

	for (size_t i = 0; i < work.n; i++) {
		name = work.names[i];
		alias = alias_find(name->name, i == 0 ? whole : NULL);
		if (alias == NULL) {
			name->account = domain_is_ours(
			    strrchr(name->name, '@') + 1);
			if (!name->account)
				log_warnx("alias to another domain: name=%s",
				    log_addr(name->name));
			continue;
		}
		if (name->depth == ALIAS_DEPTH_MAX ||
		    alias_follow(name, alias) == -1)
			return ALIAS_LIMIT;
	}
	return ALIAS_OK;
}

static bool
domain_is_ours(const char *domain)
{
	const struct smtp_slice *config;

	config = engine_config();
	for (size_t i = 0; i < config->site.n_domains; i++)
		if (strcasecmp(config->site.domains[i], domain) == 0)
			return true;
	return false;
}

/* The most exact one: with the detail, the address, the local part. */
static const struct smtp_alias *
alias_find(const char *account, const char *whole)
{
	char local[DELIVER_ACCOUNT_MAX];
	const struct smtp_alias *alias;
	char *at;

	if (engine_config()->n_aliases == 0)
		return NULL;
	alias = NULL;
	if (whole != NULL && whole[0] != '\0')
		alias = smtp_slice_alias(engine_config(), whole);
	if (alias == NULL)
		alias = smtp_slice_alias(engine_config(), account);
	if (alias == NULL) {
		(void)strlcpy(local, account, sizeof(local));
		at = strrchr(local, '@');
		if (at != NULL)
			*at = '\0';
		alias = smtp_slice_alias(engine_config(), local);
	}
	return alias;
}

/* Adds the targets of an alias, which has as many entries. */
static int
alias_follow(struct name *name, const struct smtp_alias *alias)
{
	const struct smtp_alias *first, *end;

	first = alias;
	end = engine_config()->aliases + engine_config()->n_aliases;
	for (; alias < end && strcmp(alias->alias, first->alias) == 0; alias++)
		if (name_add(alias->target, name) == -1)
			return -1;
	return 0;
}

/*
 * Enters a name, with the default domain where it has none, unless it is there.
 * "anna: anna, archive" means Anna's own account too.
 */
static int
name_add(const char *name, struct name *from)
{
	char full[DELIVER_ACCOUNT_MAX];
	int len;

	if (strchr(name, '@') == NULL)
		len = snprintf(full, sizeof(full), "%s@%s", name,
		    engine_config()->site.domains[0]);
	else
		len = snprintf(full, sizeof(full), "%s", name);
	if (len < 0 || (size_t)len >= sizeof(full))
		return 0; /* no account has such a name */
	for (size_t i = 0; i < work.n; i++) {
		if (strcmp(work.names[i]->name, full) != 0)
			continue;
		if (work.names[i] == from)
			from->account = true;
		return 0;
	}
	if (work.n == DELIVER_TARGETS_MAX)
		return -1;
	if (work.names[work.n] == NULL) {
		work.names[work.n] = calloc(1, sizeof(struct name));
		if (work.names[work.n] == NULL)
			fatal("calloc");
	}
	(void)strlcpy(
	    work.names[work.n]->name, full, sizeof(work.names[0]->name));
	work.names[work.n]->depth = from != NULL ? from->depth + 1 : 0;
	work.names[work.n]->account = false;
	work.n++;
	return 0;
}
