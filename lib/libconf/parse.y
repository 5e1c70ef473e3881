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
 * The grammar of sealmail.conf(5), with its lexer.  A line is a statement;
 * statements are checked by build.c.
 */

%{
#include <sys/types.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_local.h"
#include "log.h"

#define WORD_MAX 4096	/* octets of a word */
#define ERRORS_MAX 20	/* then no more is said */
#define MACROS_MAX 256
#define KEPT_MAX 1000000 /* words of all files */

/* A file being read; includes stack up. */
struct source {
	char name[CONF_PATH_MAX];
	char *text;
	size_t len;
	size_t pos;
	int line;
	int col;
	bool ended; /* the last line's end was given */
};

struct macro {
	const char *name;
	const char *value;
};

/* A word and where it stands. */
struct word {
	const char *s;
	const char *file;
	int line;
	int col;
};

static struct parser {
	struct conf *conf;
	FILE *errors;
	int n_errors;
	struct source sources[CONF_INCLUDE_MAX];
	size_t n_sources;
	char **kept;	    /* all strings, until the end of parsing */
	size_t n_kept;
	struct macro macros[MACROS_MAX];
	size_t n_macros;
	struct word token;  /* the last one read */
	int last;	    /* its kind */
	struct word first;  /* the first of the statement, if a STRING */
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
	ONCE_RELAY_TLS, ONCE_ESCROW, ONCE_SCRAM, ONCE_TLS,
	ONCE_EXPIRE /* and more */
};

static int yylex(void);
static void yyerror(const char *);
static void report(const struct word *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
static int next_char(struct source *);
static int peek_char(const struct source *);
static int next_token(struct source *);
static int lex_quoted(struct source *);
static int lex_macro(struct source *);
static int lex_word(struct source *);
static int finish_string(const char *, size_t);
static bool is_word_char(int);
static bool equals_follows(const struct source *);
static struct conf *parse_all(void);
static int push_file(const char *, const struct word *);
static int push_text(const char *, char *, size_t);
static int open_config(const char *, struct stat *);
static void new_listen(const struct word *, enum conf_proto);
static void fail_at(const struct word *, const char *);
static void fail_arg(const struct word *, const struct word *, const char *);
static void once(enum once, const struct word *);
static void set_flag(bool *, const struct word *, const char *, const char *);
static void certificate(const struct word *, const struct word *,
    const struct word *, const struct word *);
static void host_index(const struct word *);
static void expire(struct conf_domain *, const struct word *,
    const struct word *);
static void define(const struct word *, const struct word *);
static void include(const struct word *);
int yyparse(void);
%}

%union {
	struct word w;
}

%token <w> HOSTNAME POSTMASTER DIRECTORY RUN LIBEXEC DOMAIN CERTIFICATE CERT
%token <w> KEY LISTEN ON SOCKET IMAPS IMAP SMTP LMTP PORT NOTLS STARTTLS TABLE
%token <w> ALIASES USER GROUP LIMIT LINGER COMPRESSION LOG ADDRESSES
%token <w> EXPIRE SANDBOX HOST INDEX QUOTA KDF MEMORY PASSES INCLUDE STRING
%token <w> RESOLVER FORWARD ANCHORS ESCROW SCRAM OCSP TLS
%token <w> CONTROL SESSIONS TRUST
%token <w> QUEUE RELAY ROUTE AUTH DKIM SELECTOR
%type <w> proto tablename rolename

%%

grammar		: /* empty */
		| grammar '\n'
		| grammar statement '\n'
		| grammar INCLUDE STRING '\n'	{ include(&$3); }
		| grammar error '\n'
		;

statement	: STRING '=' STRING	{ define(&$1, &$3); }
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
			fail_at(&$3, build_forward(ps.conf, $3.s, $5.s));
		}
		| QUEUE KEY STRING {
			once(ONCE_QUEUE_KEY, &$1);
			fail_at(&$3, build_path(ps.conf->queue_key,
			    sizeof(ps.conf->queue_key), $3.s));
		}
		| RELAY TLS STRING {
			once(ONCE_RELAY_TLS, &$1);
			fail_at(&$3, build_relay_tls(&ps.conf->relay_tls,
			    $3.s));
		}
		| route HOST STRING {
			if (ps.route)
				fail_at(&$3, build_route_host(ps.conf, $3.s));
		} routeopts
		| DKIM STRING SELECTOR STRING KEY STRING {
			fail_at(&$2, build_dkim(ps.conf, $2.s, $4.s, $6.s));
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
			fail_at(&$3, build_kdf_cost(&ps.conf->kdf, $3.s,
			    $5.s));
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
				fail_at(&$3, build_kdf_cost(&ps.domain->kdf,
				    $3.s, $5.s));
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
	{ "aliases", ALIASES },
	{ "anchors", ANCHORS },
	{ "auth", AUTH },
	{ "cert", CERT },
	{ "certificate", CERTIFICATE },
	{ "compression", COMPRESSION },
	{ "control", CONTROL },
	{ "directory", DIRECTORY },
	{ "dkim", DKIM },
	{ "domain", DOMAIN },
	{ "escrow", ESCROW },
	{ "expire", EXPIRE },
	{ "forward", FORWARD },
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
	{ "starttls", STARTTLS },
	{ "table", TABLE },
	{ "tls", TLS },
	{ "trust", TRUST },
	{ "user", USER },
};

static int
yylex(void)
{
	struct source *src;
	int token;

	for (;;) {
		src = &ps.sources[ps.n_sources - 1];
		if (src->pos < src->len) {
			token = next_token(src);
			break;
		}
		ps.token.s = "end of file";
		ps.token.file = src->name;
		ps.token.line = src->line;
		ps.token.col = src->col;
		/* A last line without its end, and what is held back. */
		if (!src->ended) {
			src->ended = true;
			token = '\n';
			break;
		}
		if (ps.n_sources == 1)
			return 0;
		free(src->text);
		ps.n_sources--;
	}
	if (token == '{')
		ps.depth++;
	else if (token == '}')
		ps.depth--;
	if (ps.depth <= 0 && (ps.last == '\n' || ps.last == 0)) {
		ps.first = ps.token;
		if (token != STRING)
			ps.first.s = NULL;
	}
	ps.last = token;
	yylval.w = ps.token;
	return token;
}

/* The next octet; a backslash before a line's end joins it with the next. */
static int
next_char(struct source *src)
{
	int c;

	for (;;) {
		if (src->pos == src->len)
			return EOF;
		c = (unsigned char)src->text[src->pos++];
		if (c == '\n') {
			src->line++;
			src->col = 1;
			return c;
		}
		src->col++;
		if (c != '\\' || peek_char(src) != '\n')
			return c;
		src->pos++;
		src->line++;
		src->col = 1;
	}
}

static int
peek_char(const struct source *src)
{
	if (src->pos == src->len)
		return EOF;
	return (unsigned char)src->text[src->pos];
}

static int
next_token(struct source *src)
{
	int c;

	do {
		ps.token.file = src->name;
		ps.token.line = src->line;
		ps.token.col = src->col;
		c = next_char(src);
	} while (c == ' ' || c == '\t' || c == '\r');
	if (c == '#') {
		while ((c = peek_char(src)) != '\n' && c != EOF)
			(void)next_char(src);
		c = next_char(src);
	}
	switch (c) {
	case EOF:
	case '\n':
		ps.token.s = "end of line";
		return '\n';
	case '{':
		ps.token.s = "{";
		return c;
	case '}':
		ps.token.s = "}";
		return c;
	case '=':
		ps.token.s = "=";
		return c;
	case ',':
		ps.token.s = ",";
		return c;
	case '"':
		return lex_quoted(src);
	case '$':
		return lex_macro(src);
	default:
		if (!is_word_char(c)) {
			report(&ps.token, "a character that has no meaning");
			ps.token.s = "?";
			return c == 0 || c >= 0x80 ? '?' : c;
		}
		src->pos--;
		src->col--;
		return lex_word(src);
	}
}

static int
lex_quoted(struct source *src)
{
	char buf[WORD_MAX];
	size_t len;
	int c;

	for (len = 0; (c = peek_char(src)) != '"'; buf[len++] = (char)c) {
		if (c == EOF || c == '\n' || c == '\0') {
			report(&ps.token, "a quote that does not end");
			return finish_string(buf, len);
		}
		c = next_char(src);
		if (c == '\\' && (peek_char(src) == '"' ||
			peek_char(src) == '\\'))
			c = next_char(src);
		if (len == sizeof(buf)) {
			report(&ps.token, "the text is too long");
			return finish_string(buf, 0);
		}
	}
	(void)next_char(src);
	return finish_string(buf, len);
}

static int
lex_macro(struct source *src)
{
	char buf[WORD_MAX];
	size_t len;
	int c;

	for (len = 0; (c = peek_char(src)) != EOF &&
	     (isalnum(c) || c == '_') && len < sizeof(buf); len++)
		buf[len] = (char)next_char(src);
	for (size_t i = 0; i < ps.n_macros; i++) {
		if (strlen(ps.macros[i].name) == len &&
		    memcmp(ps.macros[i].name, buf, len) == 0) {
			ps.token.s = ps.macros[i].value;
			return STRING;
		}
	}
	report(&ps.token, "macro \"%.*s\" is not defined", (int)len, buf);
	ps.token.s = "";
	return STRING;
}

static int
lex_word(struct source *src)
{
	char buf[WORD_MAX];
	size_t len;
	int c;

	for (len = 0; (c = peek_char(src)) != EOF && is_word_char(c);) {
		if (len == sizeof(buf)) {
			report(&ps.token, "the word is too long");
			break;
		}
		buf[len++] = (char)next_char(src);
	}
	/* A key of a table or a macro may bear a keyword's name. */
	if (ps.last != '=' && !equals_follows(src)) {
		for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]);
		     i++) {
			if (strlen(keywords[i].word) == len &&
			    memcmp(keywords[i].word, buf, len) == 0) {
				ps.token.s = keywords[i].word;
				return keywords[i].token;
			}
		}
	}
	return finish_string(buf, len);
}

/* Keeps a copy: the grammar need not free what an error throws away. */
static int
finish_string(const char *buf, size_t len)
{
	char **kept;
	size_t cap;

	if (ps.n_kept == KEPT_MAX) {
		report(&ps.token, "the configuration is too long");
		ps.token.s = "";
		return STRING;
	}
	if ((ps.n_kept & (ps.n_kept - 1)) == 0) {
		cap = ps.n_kept == 0 ? 1 : 2 * ps.n_kept;
		kept = recallocarray(ps.kept, ps.n_kept, cap, sizeof(*kept));
		if (kept == NULL)
			fatal("conf");
		ps.kept = kept;
	}
	ps.kept[ps.n_kept] = strndup(buf, len);
	if (ps.kept[ps.n_kept] == NULL)
		fatal("conf");
	ps.token.s = ps.kept[ps.n_kept++];
	return STRING;
}

static bool
is_word_char(int c)
{
	return isalnum(c) || (c != '\0' && strchr("-_./:@+*%!?[]~", c) != NULL);
}

static bool
equals_follows(const struct source *src)
{
	size_t i;

	for (i = src->pos; i < src->len; i++) {
		if (src->text[i] != ' ' && src->text[i] != '\t')
			return src->text[i] == '=';
	}
	return false;
}

static void
yyerror(const char *text)
{
	if (strcmp(text, "syntax error") != 0)
		report(&ps.token, "%s", text);
	else if (ps.first.s != NULL && ps.depth <= 0)
		report(&ps.first, "unknown keyword \"%s\"", ps.first.s);
	else
		report(&ps.token, "syntax error near \"%s\"", ps.token.s);
}

static void
report(const struct word *w, const char *fmt, ...)
{
	va_list ap;

	if (ps.n_errors++ >= ERRORS_MAX)
		return;
	(void)fprintf(ps.errors, "%s:%d:%d: ", w->file, w->line, w->col);
	va_start(ap, fmt);
	(void)vfprintf(ps.errors, fmt, ap);
	va_end(ap);
	(void)fputc('\n', ps.errors);
}

/* What a builder found wrong with a word; NULL is nothing. */
static void
fail_at(const struct word *w, const char *wrong)
{
	if (wrong != NULL)
		report(w, "%s: \"%s\"", wrong, w->s);
}

/* The same of a name and its value; what begins so is about the name. */
static void
fail_arg(const struct word *name, const struct word *value, const char *wrong)
{
	if (wrong != NULL)
		fail_at(strncmp(wrong, "no such", 7) == 0 ||
		    strncmp(wrong, "this name", 9) == 0 ? name : value, wrong);
}

static void
once(enum once what, const struct word *w)
{
	if ((ps.seen & (UINT64_C(1) << what)) != 0)
		report(w, "%s stands there twice", w->s);
	ps.seen |= UINT64_C(1) << what;
}

static void
set_flag(bool *flag, const struct word *w, const char *no, const char *yes)
{
	*flag = strcmp(w->s, yes) == 0;
	if (!*flag && strcmp(w->s, no) != 0)
		report(w, "expected %s or %s", no, yes);
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
		report(w, "expected 0 or 1");
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
		report(what, "expected trash, spam or waiting");
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

/* The value of a macro stays as it was where it was used already. */
static void
define(const struct word *name, const struct word *value)
{
	for (size_t i = 0; name->s[i] != '\0'; i++) {
		if (!isalnum((unsigned char)name->s[i]) && name->s[i] != '_') {
			report(name, "not the name of a macro: \"%s\"",
			    name->s);
			return;
		}
	}
	for (size_t i = 0; i < ps.n_macros; i++) {
		if (strcmp(ps.macros[i].name, name->s) == 0) {
			ps.macros[i].value = value->s;
			return;
		}
	}
	if (ps.n_macros == MACROS_MAX) {
		report(name, "too many macros");
		return;
	}
	ps.macros[ps.n_macros].name = name->s;
	ps.macros[ps.n_macros++].value = value->s;
}

/* A path that does not begin at / begins where the including file is. */
static void
include(const struct word *w)
{
	char path[CONF_PATH_MAX];
	const char *slash;
	int n;

	slash = strrchr(w->file, '/');
	if (w->s[0] == '/' || slash == NULL)
		n = snprintf(path, sizeof(path), "%s", w->s);
	else
		n = snprintf(path, sizeof(path), "%.*s/%s",
		    (int)(slash - w->file), w->file, w->s);
	if (n < 0 || (size_t)n >= sizeof(path))
		report(w, "the path is too long");
	else if (ps.n_sources == CONF_INCLUDE_MAX)
		report(w, "too many files include each other");
	else
		(void)push_file(path, w);
}

/* w is NULL for the first file. */
static int
push_file(const char *path, const struct word *w)
{
	struct word here = { path, path, 1, 1 };
	struct stat st;
	uint8_t *text;
	size_t len;
	int fd;

	if (w == NULL)
		w = &here;
	text = NULL;
	fd = open_config(path, &st);
	if (fd == -1)
		goto err;
	text = conf_read_file(fd, CONF_FILE_MAX, &len);
	if (text == NULL)
		goto err;
	(void)close(fd);
	if (push_text(path, (char *)text, len) == 0)
		return 0;
	report(w, "the path is too long");
	free(text);
	return -1;
err:
	if (errno == EPERM)
		report(w, "%s: must belong to root or to who runs this, and "
		    "nobody else may write to it", path);
	else
		report(w, "%s: %s", path, strerror(errno));
	if (fd != -1)
		(void)close(fd);
	return -1;
}

/* Whoever can write the configuration can do anything: EPERM. */
static int
open_config(const char *path, struct stat *st)
{
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return -1;
	if (fstat(fd, st) == -1) {
		(void)close(fd);
		return -1;
	}
	/* A device or a pipe might not end. */
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) {
		(void)close(fd);
		errno = EINVAL;
		return -1;
	}
	if ((st->st_uid != 0 && st->st_uid != geteuid()) ||
	    (st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		(void)close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Takes text, unless it returns -1. */
static int
push_text(const char *name, char *text, size_t len)
{
	struct source *src;

	src = &ps.sources[ps.n_sources];
	memset(src, 0, sizeof(*src));
	if (strlcpy(src->name, name, sizeof(src->name)) >= sizeof(src->name))
		return -1;
	src->text = text;
	src->len = len;
	src->line = 1;
	src->col = 1;
	ps.n_sources++;
	return 0;
}

struct conf *
conf_load(const char *path, FILE *errors)
{
	memset(&ps, 0, sizeof(ps));
	ps.errors = errors;
	if (push_file(path, NULL) == -1)
		return NULL;
	return parse_all();
}

struct conf *
conf_parse(const char *name, const char *text, size_t len, FILE *errors)
{
	char *copy;

	memset(&ps, 0, sizeof(ps));
	ps.errors = errors;
	copy = malloc(len + 1);
	if (copy == NULL)
		fatal("conf");
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (push_text(name, copy, len) == -1) {
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
	if (yyparse() != 0 && ps.n_errors == 0)
		report(&ps.token, "too deep");
	whole.file = ps.sources[0].name;
	whole.line = ps.sources[0].line;
	whole.col = 1;
	if (ps.n_errors == 0 && (wrong = build_finish(conf)) != NULL)
		report(&whole, "%s", wrong);
	while (ps.n_sources > 0)
		free(ps.sources[--ps.n_sources].text);
	for (size_t i = 0; i < ps.n_kept; i++)
		free(ps.kept[i]);
	free(ps.kept);
	ps.kept = NULL;
	ps.conf = NULL;
	if (ps.n_errors == 0)
		return conf;
	conf_free(conf);
	return NULL;
}
