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
 * and trusted networks.
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

#define NET_TEXT_MAX 64 /* octets of a network, NUL included */

static bool net_holds(const struct conf_net *, int, const uint8_t *);
static bool host_bits(const struct conf_net *);

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

/* ADDRESS or ADDRESS/BITS, numeric. */
const char *
build_trust(struct conf *conf, const char *network)
{
	char text[NET_TEXT_MAX], *slash;
	struct conf_net net;
	uint64_t bits, max;

	memset(&net, 0, sizeof(net));
	if (conf->n_trusted == CONF_LIST_MAX)
		return "too many networks";
	if (strlcpy(text, network, sizeof(text)) >= sizeof(text))
		return "not a network";
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	net.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	max = net.family == AF_INET ? 32 : 128;
	bits = max;
	if (inet_pton(net.family, text, net.address) != 1 ||
	    (slash != NULL && conf_number(slash, 0, max, &bits) == -1))
		return "not a network, ADDRESS/BITS";
	net.bits = (uint8_t)bits;
	if (host_bits(&net))
		return "not a network, but an address in one";
	conf->trusted = recallocarray(conf->trusted, conf->n_trusted,
	    conf->n_trusted + 1, sizeof(*conf->trusted));
	if (conf->trusted == NULL)
		fatal("recallocarray");
	conf->trusted[conf->n_trusted++] = net;
	return NULL;
}

/* Most often a slip of the pen. */
static bool
host_bits(const struct conf_net *net)
{
	for (unsigned int i = net->bits; i < 128; i++) {
		if ((net->address[i / 8] & (0x80 >> i % 8)) != 0)
			return true;
	}
	return false;
}

bool
conf_trusts(const struct conf *conf, const struct sockaddr_storage *ss)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
	uint8_t address[16];

	memset(address, 0, sizeof(address));
	if (ss->ss_family == AF_INET) {
		memcpy(&sin, ss, sizeof(sin));
		memcpy(address, &sin.sin_addr, sizeof(sin.sin_addr));
	} else if (ss->ss_family == AF_INET6) {
		memcpy(&sin6, ss, sizeof(sin6));
		memcpy(address, &sin6.sin6_addr, sizeof(sin6.sin6_addr));
	} else
		return false;
	for (size_t i = 0; i < conf->n_trusted; i++) {
		if (net_holds(&conf->trusted[i], ss->ss_family, address))
			return true;
	}
	return false;
}

static bool
net_holds(const struct conf_net *net, int family, const uint8_t *address)
{
	unsigned int whole, rest;

	if (net->family != family)
		return false;
	whole = net->bits / 8;
	rest = net->bits % 8;
	if (memcmp(net->address, address, whole) != 0)
		return false;
	return rest == 0 ||
	    ((net->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

void
print_control(const struct conf *conf, FILE *out)
{
	char text[NET_TEXT_MAX];
	const struct conf_group *g;
	const struct conf_net *net;

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
	for (size_t i = 0; i < conf->n_trusted; i++) {
		net = &conf->trusted[i];
		(void)fprintf(out, "trust %s/%u\n",
		    inet_ntop(net->family, net->address, text, sizeof(text)),
		    net->bits);
	}
}
