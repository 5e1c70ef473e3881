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
 * Networks: ADDRESS or ADDRESS/BITS, numeric.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "conf_local.h"
#include "log.h"

#define NET_TEXT_MAX 64 /* octets of one as text, NUL included */

static bool host_bits(const struct conf_net *);
static bool net_holds(const struct conf_net *, int, const uint8_t *);

/* Adds it to a list. */
const char *
build_net(struct conf_net **list, size_t *n, const char *network)
{
	char text[NET_TEXT_MAX], *slash;
	struct conf_net net;
	uint64_t bits, max;

	memset(&net, 0, sizeof(net));
	if (*n == CONF_LIST_MAX)
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
	*list = recallocarray(*list, *n, *n + 1, sizeof(**list));
	if (*list == NULL)
		fatal("recallocarray");
	(*list)[(*n)++] = net;
	return NULL;
}

void
print_net(const struct conf_net *net, FILE *out)
{
	char text[NET_TEXT_MAX];

	(void)fprintf(out, "\"%s/%u\"\n",
	    inet_ntop(net->family, net->address, text, sizeof(text)),
	    net->bits);
}

bool
conf_nets_hold(
    const struct conf_net *nets, size_t n, const struct sockaddr_storage *ss)
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
	for (size_t i = 0; i < n; i++) {
		if (net_holds(&nets[i], ss->ss_family, address))
			return true;
	}
	return false;
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
