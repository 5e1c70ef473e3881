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
 * What concerns who may do what to the daemons: groups of the control sockets,
 * trusted networks, sessions apart from each other.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf_local.h"
#include "log.h"

const char *
conf_control_name(enum conf_control which)
{
	static const char *const names[CONF_CONTROLS] = {
	    [CONF_OPERATORS] = "operators",
	    [CONF_READERS] = "readers",
	};

	return names[which];
}

/* A name of group(5) or a number. */
const char *
build_control(struct conf *conf, const char *which, const char *who)
{
	struct conf_group *g;
	uint64_t gid;
	size_t i;

	for (i = 0; i < CONF_CONTROLS; i++) {
		if (strcmp(which, conf_control_name(i)) == 0)
			break;
	}
	if (i == CONF_CONTROLS)
		return "no such kind of control: operators or readers";
	g = &conf->control[i];
	if (g->is_set)
		return "stands there twice";
	g->is_set = true;
	if (!isdigit((unsigned char)*who)) {
		if (!build_is_account(who) ||
		    strlcpy(g->name, who, sizeof(g->name)) >= sizeof(g->name))
			return "not a group";
		return NULL;
	}
	if (conf_number(who, 0, UINT32_MAX - 1, &gid) == -1)
		return "not a gid";
	g->gid = (gid_t)gid;
	return NULL;
}

int
conf_control_gid(
    const struct conf *conf, enum conf_control which, gid_t *gid, FILE *errors)
{
	const struct conf_group *g;
	struct group *gr;

	g = &conf->control[which];
	*gid = g->is_set ? g->gid : (gid_t)-1;
	if (!g->is_set || g->name[0] == '\0')
		return 0;
	gr = getgrnam(g->name);
	if (gr == NULL) {
		(void)fprintf(errors, "control %s: there is no group \"%s\"\n",
		    conf_control_name(which), g->name);
		return -1;
	}
	*gid = gr->gr_gid;
	return 0;
}

/* The name of an account, as it is normalised at login. */
const char *
build_administrator(struct conf *conf, const char *account)
{
	char(*list)[CONF_ACCOUNT_MAX], *name;
	const char *at;
	size_t i, len;

	len = strlen(account);
	at = strrchr(account, '@');
	if (at == NULL || at == account || at[1] == '\0')
		return "not an account: user@domain";
	if (len >= CONF_ACCOUNT_MAX)
		return "the name is too long";
	if (conf->n_administrators == CONF_LIST_MAX)
		return "too many administrators";
	list = recallocarray(conf->administrators, conf->n_administrators,
	    conf->n_administrators + 1, sizeof(*list));
	if (list == NULL)
		fatal("recallocarray");
	conf->administrators = list;
	name = list[conf->n_administrators];
	for (i = 0; i < len; i++)
		name[i] = (char)tolower((unsigned char)account[i]);
	for (i = 0; i < conf->n_administrators; i++)
		if (strcmp(list[i], name) == 0)
			return "stands there twice";
	conf->n_administrators++;
	return NULL;
}

const char *
build_trust(struct conf *conf, const char *network)
{
	return build_net(&conf->trusted, &conf->n_trusted, network);
}

bool
conf_trusts(const struct conf *conf, const struct sockaddr_storage *ss)
{
	return conf_nets_hold(conf->trusted, conf->n_trusted, ss);
}

void
print_control(const struct conf *conf, FILE *out)
{
	const struct conf_group *g;

	for (size_t i = 0; i < CONF_CONTROLS; i++) {
		g = &conf->control[i];
		if (!g->is_set)
			continue;
		(void)fprintf(out, "control %s ", conf_control_name(i));
		if (g->name[0] != '\0')
			(void)fprintf(out, "\"%s\"\n", g->name);
		else
			(void)fprintf(out, "%u\n", (unsigned int)g->gid);
	}
	for (size_t i = 0; i < conf->n_administrators; i++)
		(void)fprintf(
		    out, "administrator \"%s\"\n", conf->administrators[i]);
	for (size_t i = 0; i < conf->n_trusted; i++) {
		(void)fprintf(out, "trust ");
		print_net(&conf->trusted[i], out);
	}
	(void)fprintf(
	    out, "sessions %s\n", conf->isolated ? "isolated" : "shared");
}
