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
 * The grammar of sealmail.conf(5).  A line is a statement; words come from
 * lex.c, statements are checked by build.c.
 */

%{
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_local.h"
#include "lex.h"
#include "log.h"

static struct parser {
	struct conf *conf;
	struct word token;  /* the last one read */
	int last;	    /* its kind */
	struct word first;  /* the first of the statement, if a STRING */
	const char *begins; /* the same, whatever it is */
	bool equals;	    /* '=' follows it: a macro */
	int depth;	    /* of braces */
	struct conf_domain *domain;
	struct conf_listen *listen;
	bool route;	    /* the last one is good: options may follow */
	uint64_t seen;	    /* bits of enum once */
} ps;

/* Statements that may stand there only once. */
enum once {
	ONCE_HOSTNAME, ONCE_POSTMASTER, ONCE_DIRECTORY, ONCE_RUN, ONCE_LIBEXEC,
	ONCE_ALIASES, ONCE_LINGER, ONCE_COMPRESSION,
	ONCE_ADDRESSES, ONCE_LOG, ONCE_SANDBOX, ONCE_HOST_INDEX, ONCE_QUOTA,
	ONCE_KDF, ONCE_GROUP, ONCE_SESSIONS, ONCE_ANCHORS, ONCE_QUEUE_KEY,
	ONCE_DKIM,
	ONCE_RELAY_TLS, ONCE_ESCROW, ONCE_SCRAM, ONCE_TLS,
	ONCE_AGENT, ONCE_DMARC,
	ONCE_EXPIRE /* and more */
};

static int yylex(void);
static void yyerror(const char *);
static int keyword(const char *);
static struct conf *parse_all(void);
static void new_listen(const struct word *, enum conf_proto);
static void fail_at(const struct word *, const char *);
static void fail_arg(const struct word *, const struct word *, const char *);
static void fail_one(const char *, const struct word *, const struct word *,
    const char *);
static void dkim(const struct word *, const struct word *,
    const struct word *);
static void once(enum once, const struct word *);
static void set_flag(bool *, const struct word *, const char *, const char *);
static void certificate(const struct word *, const struct word *,
    const struct word *, const struct word *);
static void host_index(const struct word *);
static void expire(struct conf_domain *, const struct word *,
    const struct word *);
int yyparse(void);
%}

%union {
	struct word w;
}

%token <w> HOSTNAME POSTMASTER DIRECTORY RUN LIBEXEC DOMAIN CERTIFICATE CERT
%token <w> KEY LISTEN ON SOCKET IMAPS IMAP SMTP LMTP PORT NOTLS STARTTLS TABLE
%token <w> SOURCE ALIASES USER GROUP LIMIT LINGER COMPRESSION LOG ADDRESSES
%token <w> EXPIRE SANDBOX HOST INDEX QUOTA KDF MEMORY PASSES INCLUDE STRING
%token <w> RESOLVER FORWARD ANCHORS ESCROW SCRAM OCSP TLS
%token <w> CONTROL SESSIONS TRUST
%token <w> QUEUE RELAY ROUTE AUTH DKIM SELECTOR ADMINISTRATOR FROM
%token <w> SUBMISSION SUBMISSIONS AGENT DMARC EXCEPT
%type <w> proto tablename rolename

%%

grammar		: /* empty */
		| grammar '\n'
		| grammar statement '\n'
		| grammar INCLUDE STRING '\n'	{ lex_include(&$3); }
		| grammar error '\n'
		;

statement	: STRING '=' STRING	{ lex_define(&$1, &$3); }
		| HOSTNAME STRING {
			once(ONCE_HOSTNAME, &$1);
			fail_at(&$2, build_name(ps.conf->hostname,
			    sizeof(ps.conf->hostname), $2.s));
		}
		| POSTMASTER STRING {
			once(ONCE_POSTMASTER, &$1);
			fail_at(&$2, build_postmaster(ps.conf, $2.s));
		}
		| DIRECTORY STRING {
			once(ONCE_DIRECTORY, &$1);
			fail_at(&$2, build_path(ps.conf->directory,
			    sizeof(ps.conf->directory), $2.s));
		}
		| RUN DIRECTORY STRING {
			once(ONCE_RUN, &$1);
			fail_at(&$3, build_path(ps.conf->run_directory,
			    sizeof(ps.conf->run_directory), $3.s));
		}
		| LIBEXEC STRING {
			once(ONCE_LIBEXEC, &$1);
			fail_at(&$2, build_path(ps.conf->libexec,
			    sizeof(ps.conf->libexec), $2.s));
		}
		| domain
		| domain '{' optnl domainopts '}'
		| CERTIFICATE STRING CERT STRING KEY STRING {
			certificate(&$2, &$4, &$6, NULL);
		}
		| CERTIFICATE STRING CERT STRING KEY STRING OCSP STRING {
			certificate(&$2, &$4, &$6, &$8);
		}
		| LISTEN ON listener listenopts
		| TABLE tablename STRING {
			fail_arg(&$2, &$3, build_table(ps.conf, $2.s, $3.s));
		}
		| TABLE tablename '{' {
			fail_at(&$2, build_table(ps.conf, $2.s, NULL));
		} optnl pairs '}' {
			fail_at(&$2, build_table_end(ps.conf));
		}
		| ALIASES tablename {
			once(ONCE_ALIASES, &$1);
			fail_at(&$2, build_aliases(ps.conf, $2.s));
		}
		| USER rolename STRING {
			fail_arg(&$2, &$3, build_user(ps.conf, $2.s, $3.s));
		}
		| GROUP STRING STRING {
			once(ONCE_GROUP, &$1);
			fail_arg(&$2, &$3, build_group(ps.conf, $2.s, $3.s));
		}
		| LIMIT STRING STRING {
			fail_arg(&$2, &$3, build_limit(ps.conf, $2.s, $3.s));
		}
		| setting
		;

setting		: LINGER STRING {
			once(ONCE_LINGER, &$1);
			fail_at(&$2, build_linger(ps.conf, $2.s));
		}
		| COMPRESSION STRING {
			once(ONCE_COMPRESSION, &$1);
			fail_at(&$2, build_codec(ps.conf, $2.s));
		}
		| LOG ADDRESSES STRING {
			once(ONCE_ADDRESSES, &$1);
			set_flag(&ps.conf->log_addresses, &$3, "no", "yes");
		}
		| LOG STRING {
			once(ONCE_LOG, &$1);
			set_flag(&ps.conf->log_verbose, &$2, "brief",
			    "verbose");
		}
		| SANDBOX STRING {
			once(ONCE_SANDBOX, &$1);
			set_flag(&ps.conf->best_effort, &$2, "strict",
			    "best-effort");
		}
		| TLS STRING {
			once(ONCE_TLS, &$1);
			fail_at(&$2, build_tls_version(&ps.conf->only_tls13,
			    $2.s));
		}
		| SESSIONS STRING {
			once(ONCE_SESSIONS, &$1);
			set_flag(&ps.conf->isolated, &$2, "shared",
			    "isolated");
		}
		| TRUST STRING {
			fail_at(&$2, build_trust(ps.conf, $2.s));
		}
		| ADMINISTRATOR STRING {
			fail_at(&$2, build_administrator(ps.conf, $2.s));
		}
		| CONTROL STRING STRING {
			fail_arg(&$2, &$3, build_control(ps.conf, $2.s, $3.s));
		}
		| HOST INDEX STRING {
			once(ONCE_HOST_INDEX, &$1);
			host_index(&$3);
		}
		| QUOTA STRING {
			once(ONCE_QUOTA, &$1);
			fail_at(&$2, build_quota(&ps.conf->quota, $2.s));
		}
		| SCRAM STRING {
			once(ONCE_SCRAM, &$1);
			set_flag(&ps.conf->scram, &$2, "no", "yes");
		}
		| ESCROW STRING {
			once(ONCE_ESCROW, &$1);
			fail_at(&$2, build_escrow(ps.conf->escrow, $2.s));
		}
		| EXPIRE STRING STRING {
			expire(NULL, &$2, &$3);
		}
		| RESOLVER FORWARD STRING {
			fail_at(&$3, build_forward(ps.conf, $3.s, NULL));
		}
		| RESOLVER FORWARD STRING PORT STRING {
			fail_one("not a port", &$5, &$3,
			    build_forward(ps.conf, $3.s, $5.s));
		}
		| QUEUE KEY STRING {
			once(ONCE_QUEUE_KEY, &$1);
			fail_at(&$3, build_path(ps.conf->queue_key,
			    sizeof(ps.conf->queue_key), $3.s));
		}
		| SUBMISSION AGENT STRING {
			once(ONCE_AGENT, &$1);
			set_flag(&ps.conf->show_agent, &$3, "hide", "show");
		}
		| DMARC STRING {
			once(ONCE_DMARC, &$1);
			fail_at(&$2, build_dmarc(ps.conf, $2.s));
		}
		| DMARC EXCEPT STRING {
			fail_at(&$3, build_net(&ps.conf->dmarc_except,
			    &ps.conf->n_dmarc_except, $3.s));
		}
		| RELAY TLS STRING {
			once(ONCE_RELAY_TLS, &$1);
			fail_at(&$3, build_mx_tls(&ps.conf->relay_tls,
			    $3.s));
		}
		| RELAY TLS STRING DOMAIN STRING {
			const char *wrong;

			wrong = build_route(ps.conf, $5.s);
			fail_at(&$5, wrong);
			if (wrong == NULL)
				fail_at(&$3, build_domain_tls(ps.conf, $3.s));
		}
		| RELAY SOURCE STRING {
			fail_at(&$3, build_relay_source(ps.conf, $3.s));
		}
		| RELAY FROM STRING {
			fail_at(&$3, build_relay_from(ps.conf, $3.s));
		}
		| route HOST STRING {
			if (ps.route)
				fail_at(&$3, build_route_host(ps.conf, $3.s));
		} routeopts
		| DKIM STRING SELECTOR STRING KEY STRING {
			dkim(&$2, &$4, &$6);
		}
		| DKIM DIRECTORY STRING {
			once(ONCE_DKIM, &$1);
			fail_at(&$3, build_path(ps.conf->dkim_directory,
			    sizeof(ps.conf->dkim_directory), $3.s));
		}
		| RESOLVER ANCHORS STRING {
			once(ONCE_ANCHORS, &$1);
			fail_at(&$3, build_path(ps.conf->anchors,
			    sizeof(ps.conf->anchors), $3.s));
		}
		| KDF STRING {
			once(ONCE_KDF, &$1);
			fail_at(&$2, build_kdf(&ps.conf->kdf, $2.s));
		}
		| KDF MEMORY STRING PASSES STRING {
			once(ONCE_KDF, &$1);
			fail_one("not a number of", &$5, &$3,
			    build_kdf_cost(&ps.conf->kdf, $3.s, $5.s));
		}
		;

route		: ROUTE STRING {
			const char *wrong;

			wrong = build_route(ps.conf, $2.s);
			ps.route = wrong == NULL;
			fail_at(&$2, wrong);
		}
		;

routeopts	: /* empty */
		| routeopts routeopt
		;

routeopt	: PORT STRING {
			if (ps.route)
				fail_at(&$2, build_route_port(ps.conf, $2.s));
		}
		| TLS STRING {
			if (ps.route)
				fail_at(&$2, build_route_tls(ps.conf, $2.s));
		}
		| AUTH STRING {
			if (ps.route)
				fail_at(&$2, build_route_auth(ps.conf, $2.s));
		}
		;

domain		: DOMAIN STRING {
			fail_at(&$2, build_domain(ps.conf, $2.s));
			ps.domain = ps.conf->n_domains == 0 ? NULL :
			    &ps.conf->domains[ps.conf->n_domains - 1];
		}
		;

domainopts	: /* empty */
		| domainopts domainopt sep
		| domainopts domainopt
		;

domainopt	: QUOTA STRING {
			if (ps.domain != NULL) {
				ps.domain->own_quota = true;
				fail_at(&$2, build_quota(&ps.domain->quota,
				    $2.s));
			}
		}
		| ESCROW STRING {
			if (ps.domain != NULL) {
				ps.domain->own_escrow = true;
				fail_at(&$2, build_escrow(ps.domain->escrow,
				    $2.s));
			}
		}
		| LIMIT STRING STRING {
			if (ps.domain != NULL)
				fail_arg(&$2, &$3, build_rate(ps.domain, $2.s,
				    $3.s));
		}
		| EXPIRE STRING STRING {
			if (ps.domain != NULL)
				expire(ps.domain, &$2, &$3);
		}
		| KDF STRING {
			if (ps.domain != NULL) {
				ps.domain->own_kdf = true;
				fail_at(&$2, build_kdf(&ps.domain->kdf, $2.s));
			}
		}
		| KDF MEMORY STRING PASSES STRING {
			if (ps.domain != NULL) {
				ps.domain->own_kdf = true;
				fail_one("not a number of", &$5, &$3,
				    build_kdf_cost(&ps.domain->kdf, $3.s,
				    $5.s));
			}
		}
		;

listener	: STRING proto {
			if (ps.listen != NULL)
				fail_at(&$1, build_listen_address(ps.listen,
				    $1.s));
		}
		| SOCKET proto {
			if (ps.listen != NULL)
				fail_at(&$2, build_listen_socket(ps.conf,
				    ps.listen, NULL));
		}
		| SOCKET STRING proto {
			if (ps.listen != NULL)
				fail_at(&$2, build_listen_socket(ps.conf,
				    ps.listen, $2.s));
		}
		;

proto		: IMAPS	{ $$ = $1; new_listen(&$1, CONF_IMAPS); }
		| IMAP	{ $$ = $1; new_listen(&$1, CONF_IMAP); }
		| SMTP	{ $$ = $1; new_listen(&$1, CONF_SMTP); }
		| LMTP	{ $$ = $1; new_listen(&$1, CONF_LMTP); }
		| SUBMISSION {
			$$ = $1;
			new_listen(&$1, CONF_SUBMISSION);
		}
		| SUBMISSIONS {
			$$ = $1;
			new_listen(&$1, CONF_SUBMISSIONS);
		}
		;

rolename	: STRING
		| QUEUE
		;

tablename	: STRING
		| ALIASES
		;

listenopts	: /* empty */
		| listenopts listenopt
		;

listenopt	: PORT STRING {
			if (ps.listen != NULL)
				fail_at(&$2, build_listen_port(ps.listen,
				    $2.s));
		}
		| CERTIFICATE STRING {
			if (ps.listen != NULL)
				fail_at(&$2, build_listen_cert(ps.conf,
				    ps.listen, $2.s));
		}
		| NOTLS {
			if (ps.listen != NULL)
				fail_at(&$1, build_listen_tls(ps.listen,
				    CONF_TLS_NONE));
		}
		| STARTTLS {
			if (ps.listen != NULL)
				fail_at(&$1, build_listen_tls(ps.listen,
				    CONF_TLS_START));
		}
		| TLS STRING {
			if (ps.listen != NULL) {
				ps.listen->own_tls13 = true;
				fail_at(&$2, build_tls_version(
				    &ps.listen->only_tls13, $2.s));
			}
		}
		;

pairs		: /* empty */
		| pairs pair sep
		| pairs pair
		;

pair		: STRING '=' STRING {
			fail_at(&$1, build_pair(ps.conf, $1.s, $3.s));
		}
		;

sep		: ',' optnl
		| '\n' optnl
		;

optnl		: /* empty */
		| optnl '\n'
		;

%%

static const struct {
	const char *word;
	int token;
} keywords[] = {
	{ "addresses", ADDRESSES },
	{ "administrator", ADMINISTRATOR },
	{ "agent", AGENT },
	{ "aliases", ALIASES },
	{ "anchors", ANCHORS },
	{ "auth", AUTH },
	{ "cert", CERT },
	{ "certificate", CERTIFICATE },
	{ "compression", COMPRESSION },
	{ "control", CONTROL },
	{ "directory", DIRECTORY },
	{ "dkim", DKIM },
	{ "dmarc", DMARC },
	{ "domain", DOMAIN },
	{ "escrow", ESCROW },
	{ "except", EXCEPT },
	{ "expire", EXPIRE },
	{ "forward", FORWARD },
	{ "from", FROM },
	{ "group", GROUP },
	{ "host", HOST },
	{ "hostname", HOSTNAME },
	{ "imap", IMAP },
	{ "imaps", IMAPS },
	{ "include", INCLUDE },
	{ "index", INDEX },
	{ "kdf", KDF },
	{ "key", KEY },
	{ "libexec", LIBEXEC },
	{ "limit", LIMIT },
	{ "linger", LINGER },
	{ "listen", LISTEN },
	{ "lmtp", LMTP },
	{ "log", LOG },
	{ "memory", MEMORY },
	{ "no-tls", NOTLS },
	{ "ocsp", OCSP },
	{ "on", ON },
	{ "passes", PASSES },
	{ "port", PORT },
	{ "postmaster", POSTMASTER },
	{ "queue", QUEUE },
	{ "quota", QUOTA },
	{ "relay", RELAY },
	{ "resolver", RESOLVER },
	{ "route", ROUTE },
	{ "run", RUN },
	{ "sandbox", SANDBOX },
	{ "scram", SCRAM },
	{ "selector", SELECTOR },
	{ "sessions", SESSIONS },
	{ "smtp", SMTP },
	{ "socket", SOCKET },
	{ "source", SOURCE },
	{ "starttls", STARTTLS },
	{ "submission", SUBMISSION },
	{ "submissions", SUBMISSIONS },
	{ "table", TABLE },
	{ "tls", TLS },
	{ "trust", TRUST },
	{ "user", USER },
};

static int
yylex(void)
{
	int token;

	token = lex_next(&ps.token);
	if (token == LEX_WORD)
		token = keyword(ps.token.s);
	else if (token == LEX_STRING)
		token = STRING;
	if (token == '{')
		ps.depth++;
	else if (token == '}')
		ps.depth--;
	if ((ps.depth <= 0 || (ps.depth == 1 && token == '{')) &&
	    (ps.last == '\n' || ps.last == 0)) {
		ps.first = ps.token;
		ps.begins = ps.token.s;
		if (token != STRING)
			ps.first.s = NULL;
	}
	ps.equals = token == '=' || (ps.equals && token == '\n');
	ps.last = token;
	yylval.w = ps.token;
	return token;
}

static int
keyword(const char *word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i].word, word) == 0)
			return keywords[i].token;
	return STRING;
}

static void
yyerror(const char *text)
{
	const char *form;

	if (strcmp(text, "syntax error") != 0)
		lex_report(&ps.token, "%s", text);
	else if (ps.first.s != NULL && ps.depth <= 0 && ps.equals)
		lex_report(&ps.first, "a macro is NAME = VALUE, where the "
		    "value is one word or stands in quotes");
	else if (ps.first.s != NULL && ps.depth <= 0)
		lex_report(&ps.first, "unknown keyword \"%s\"", ps.first.s);
	else if ((form = conf_form(ps.begins)) != NULL)
		lex_report(&ps.token, "syntax error near \"%s\": expected %s",
		    ps.token.s, form);
	else
		lex_report(&ps.token, "syntax error near \"%s\"", ps.token.s);
}

/* What a builder found wrong with a word; NULL is nothing. */
static void
fail_at(const struct word *w, const char *wrong)
{
	if (wrong != NULL)
		lex_report(w, "%s: \"%s\"", wrong, w->s);
}

/* The same of a name and its value; what begins so is about the name. */
static void
fail_arg(const struct word *name, const struct word *value, const char *wrong)
{
	if (wrong != NULL)
		fail_at(strncmp(wrong, "no such", 7) == 0 ||
		    strncmp(wrong, "this name", 9) == 0 ? name : value, wrong);
}

/* What begins so is about one of two words, else it is about the other. */
static void
fail_one(const char *begins, const struct word *one, const struct word *other,
    const char *wrong)
{
	if (wrong != NULL)
		fail_at(strncmp(wrong, begins, strlen(begins)) == 0 ? one :
		    other, wrong);
}

static void
dkim(const struct word *domain, const struct word *selector,
    const struct word *key)
{
	char name[CONF_NAME_MAX];
	const char *wrong;

	wrong = build_name(name, sizeof(name), selector->s);
	if (wrong != NULL) {
		fail_at(selector, wrong);
		return;
	}
	fail_one("not an absolute path", key, domain,
	    build_dkim(ps.conf, domain->s, selector->s, key->s));
}

static void
once(enum once what, const struct word *w)
{
	if ((ps.seen & (UINT64_C(1) << what)) != 0)
		lex_report(w, "%s stands there twice", w->s);
	ps.seen |= UINT64_C(1) << what;
}

static void
set_flag(bool *flag, const struct word *w, const char *no, const char *yes)
{
	*flag = strcmp(w->s, yes) == 0;
	if (!*flag && strcmp(w->s, no) != 0)
		lex_report(w, "expected %s or %s", no, yes);
}

static void
certificate(const struct word *name, const struct word *cert,
    const struct word *key, const struct word *ocsp)
{
	const char *wrong;

	wrong = build_cert(ps.conf, name->s);
	fail_at(name, wrong);
	if (wrong != NULL)
		return;
	fail_at(cert, build_cert_path(ps.conf, cert->s));
	fail_at(key, build_key_path(ps.conf, key->s));
	if (ocsp != NULL)
		fail_at(ocsp, build_ocsp_path(ps.conf, ocsp->s));
}

static void
host_index(const struct word *w)
{
	uint64_t n;

	if (conf_number(w->s, 0, 1, &n) == -1)
		lex_report(w, "expected 0 or 1");
	else
		ps.conf->host_index = (uint8_t)n;
}

/* domain NULL: of those that say nothing. */
static void
expire(struct conf_domain *domain, const struct word *what,
    const struct word *days)
{
	int kind;

	kind = build_expire_kind(what->s);
	if (kind == -1) {
		lex_report(what, "expected trash, spam or waiting");
		return;
	}
	if (domain == NULL) {
		once(ONCE_EXPIRE + (unsigned int)kind, what);
		fail_at(days, build_expire(&ps.conf->expire[kind], days->s));
		return;
	}
	domain->own_expire[kind] = true;
	fail_at(days, build_expire(&domain->expire[kind], days->s));
}

static void
new_listen(const struct word *w, enum conf_proto proto)
{
	const char *wrong;

	ps.listen = NULL;
	wrong = build_listen(ps.conf, w->line);
	fail_at(w, wrong);
	if (wrong == NULL) {
		ps.listen = &ps.conf->listens[ps.conf->n_listens - 1];
		build_listen_proto(ps.listen, proto);
	}
}

struct conf *
conf_load(const char *path, FILE *errors)
{
	memset(&ps, 0, sizeof(ps));
	lex_begin(errors);
	if (lex_push_file(path, NULL) == -1)
		return NULL;
	return parse_all();
}

struct conf *
conf_parse(const char *name, const char *text, size_t len, FILE *errors)
{
	char *copy;

	memset(&ps, 0, sizeof(ps));
	lex_begin(errors);
	copy = malloc(len + 1);
	if (copy == NULL)
		fatal("conf");
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (lex_push_text(name, copy, len) == -1) {
		free(copy);
		return NULL;
	}
	return parse_all();
}

static struct conf *
parse_all(void)
{
	struct conf *conf;
	struct word whole;
	const char *wrong;

	conf = ps.conf = build_new();
	if (yyparse() != 0 && lex_errors() == 0)
		lex_report(&ps.token, "too deep");
	whole = lex_first();
	if (lex_errors() == 0 && (wrong = build_finish(conf)) != NULL)
		lex_report(&whole, "%s", wrong);
	lex_end();
	ps.conf = NULL;
	if (lex_errors() == 0)
		return conf;
	conf_free(conf);
	return NULL;
}
