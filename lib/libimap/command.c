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
 * The table of commands and the arguments of those that need little.  To add
 * a command: a verb in imap.h, a row here, a parser; then a row in the table
 * of imap-engine.
 */

#include <sys/types.h>

#include <string.h>
#include <strings.h>

#include "imap_local.h"

static int
parse_nothing(struct imap_lex *lex)
{
	return 0;
}

/* id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil */
static int
parse_id(struct imap_lex *lex)
{
	struct imap_str s;
	bool nil;
	int n;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_take(lex, "NIL"))
		return 0;
	if (lex_char(lex, '(') == -1)
		return -1;
	for (n = 0; !lex_close(lex); n++) {
		/* RFC 2971 section 3.3: at most 30 pairs. */
		if (n == 30)
			return lex_fail(lex, "Too many ID parameters");
		if ((n > 0 && lex_space(lex) == -1) ||
		    lex_string(lex, &s) == -1 || lex_space(lex) == -1 ||
		    lex_nstring(lex, &s, &nil) == -1)
			return -1;
	}
	return 0;
}

static int
parse_login(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	/* Clients quote passwords as they are: nobody is locked out for it. */
	lex->utf8 = true;
	if (lex_space(lex) == -1 || lex_astring(lex, &cmd->name) == -1 ||
	    lex_space(lex) == -1 || lex_astring(lex, &cmd->secret) == -1)
		return -1;
	return 0;
}

/* authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] */
static int
parse_authenticate(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	const uint8_t *p;
	char *to;
	size_t len;

	cmd->words = imap_cmd_alloc(cmd, sizeof(*cmd->words));
	if (lex_space(lex) == -1 || lex_atom(lex, &cmd->words[0]) == -1)
		return -1;
	cmd->nwords = 1;
	if (!lex_peek(lex, ' '))
		return 0;
	lex->p++;
	for (p = lex->p; p < lex->end; p++)
		if (strchr("+/=", *p) == NULL && !(*p >= '0' && *p <= '9') &&
		    !(*p >= 'A' && *p <= 'Z') && !(*p >= 'a' && *p <= 'z'))
			break;
	len = (size_t)(p - lex->p);
	if (len == 0)
		return lex_fail(lex, "Empty initial response");
	to = imap_cmd_alloc(cmd, len + 1);
	memcpy(to, lex->p, len);
	cmd->secret.p = to;
	cmd->secret.len = len;
	cmd->has_initial = true;
	lex->p = p;
	return 0;
}

static int
parse_enable(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	cmd->words = imap_cmd_alloc(cmd, IMAP_WORDS_MAX * sizeof(*cmd->words));
	do {
		if (cmd->nwords == IMAP_WORDS_MAX)
			return lex_fail(lex, "Too many capabilities");
		if (lex_space(lex) == -1 ||
		    lex_atom(lex, &cmd->words[cmd->nwords++]) == -1)
			return -1;
	} while (lex_peek(lex, ' '));
	return 0;
}

static int
parse_mailbox(struct imap_lex *lex)
{
	if (lex_space(lex) == -1)
		return -1;
	return lex_mailbox(lex, &lex->cmd->name);
}

static const struct {
	const char *name;
	uint32_t use;
} uses[] = {
    {"\\All", IMAP_USE_ALL},
    {"\\Archive", IMAP_USE_ARCHIVE},
    {"\\Drafts", IMAP_USE_DRAFTS},
    {"\\Flagged", IMAP_USE_FLAGGED},
    {"\\Junk", IMAP_USE_JUNK},
    {"\\Sent", IMAP_USE_SENT},
    {"\\Trash", IMAP_USE_TRASH},
};

static int
parse_use(struct imap_lex *lex)
{
	struct imap_str s;
	size_t i;

	if (lex_char(lex, '\\') == -1 || lex_atom(lex, &s) == -1)
		return -1;
	for (i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (imap_equal(&s, uses[i].name + 1)) {
			lex->cmd->use |= uses[i].use;
			return 0;
		}
	}
	lex->cmd->use |= IMAP_USE_UNKNOWN;
	return 0;
}

/* CREATE with create-param "USE" (RFC 6154 section 5). */
static int
parse_create(struct imap_lex *lex)
{
	int n;

	if (parse_mailbox(lex) == -1)
		return -1;
	if (!lex_peek(lex, ' '))
		return 0;
	lex->p++;
	if (lex_char(lex, '(') == -1)
		return -1;
	if (!lex_take(lex, "USE"))
		return lex_fail(lex, "Unknown CREATE parameter");
	if (lex_space(lex) == -1 || lex_char(lex, '(') == -1)
		return -1;
	for (n = 0; !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || parse_use(lex) == -1)
			return -1;
	return lex_close(lex) ? 0 : lex_fail(lex, "Syntax error in arguments");
}

static int
parse_rename(struct imap_lex *lex)
{
	if (parse_mailbox(lex) == -1 || lex_space(lex) == -1)
		return -1;
	return lex_mailbox(lex, &lex->cmd->name2);
}

static const struct {
	const char *name;
	uint32_t bit;
} status_items[] = {
    {"MESSAGES", IMAP_STATUS_MESSAGES},
    {"RECENT", IMAP_STATUS_RECENT},
    {"UIDNEXT", IMAP_STATUS_UIDNEXT},
    {"UIDVALIDITY", IMAP_STATUS_UIDVALIDITY},
    {"UNSEEN", IMAP_STATUS_UNSEEN},
    {"DELETED", IMAP_STATUS_DELETED},
    {"SIZE", IMAP_STATUS_SIZE},
    {"APPENDLIMIT", IMAP_STATUS_APPENDLIMIT},
    {"MAILBOXID", IMAP_STATUS_MAILBOXID},
    {"HIGHESTMODSEQ", IMAP_STATUS_HIGHESTMODSEQ},
    {"DELETED-STORAGE", IMAP_STATUS_DELETED_STORAGE},
};

int
lex_status_items(struct imap_lex *lex)
{
	size_t i, n;

	if (lex_char(lex, '(') == -1)
		return -1;
	n = sizeof(status_items) / sizeof(status_items[0]);
	do {
		if (lex->cmd->status != 0 && lex_space(lex) == -1)
			return -1;
		for (i = 0; i < n; i++)
			if (lex_take(lex, status_items[i].name))
				break;
		if (i == n ||
		    (lex->rev2 && status_items[i].bit == IMAP_STATUS_RECENT))
			return lex_fail(lex, "Unknown STATUS item");
		lex->cmd->status |= status_items[i].bit;
	} while (!lex_close(lex));
	return 0;
}

static int
parse_status(struct imap_lex *lex)
{
	if (parse_mailbox(lex) == -1 || lex_space(lex) == -1)
		return -1;
	return lex_status_items(lex);
}

static const struct {
	const char *name;
	uint32_t flag;
} system_flags[] = {
    {"Seen", IMAP_FLAG_SEEN},
    {"Answered", IMAP_FLAG_ANSWERED},
    {"Flagged", IMAP_FLAG_FLAGGED},
    {"Deleted", IMAP_FLAG_DELETED},
    {"Draft", IMAP_FLAG_DRAFT},
};

static int
flag(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	struct imap_str s;
	size_t i;

	if (lex_peek(lex, '\\')) {
		lex->p++;
		if (lex_atom(lex, &s) == -1)
			return -1;
		for (i = 0; i < 5; i++) {
			if (imap_equal(&s, system_flags[i].name)) {
				cmd->flags |= system_flags[i].flag;
				return 0;
			}
		}
		if (imap_equal(&s, "Recent"))
			return lex_fail(lex, "\\Recent cannot be set");
		/*
		 * flag-extension: not one of PERMANENTFLAGS, so the change is
		 * ignored (RFC 9051 section 7.1).
		 */
		return 0;
	}
	if (lex_atom(lex, &s) == -1)
		return -1;
	if (s.len > IMAP_KEYWORD_MAX)
		return lex_fail(lex, "Keyword too long");
	for (i = 0; i < cmd->nkeywords; i++)
		if (imap_equal(&s, cmd->keywords[i].p))
			return 0;
	if (cmd->nkeywords == IMAP_FLAGS_MAX)
		return lex_fail(lex, "Too many flags");
	cmd->keywords[cmd->nkeywords++] = s;
	return 0;
}

/* flag-list, or, without parens, what STORE allows: flag *(SP flag). */
int
lex_flags(struct imap_lex *lex, bool parens)
{
	struct imap_cmd *cmd = lex->cmd;
	int n;

	cmd->keywords = imap_cmd_alloc(
	    cmd, IMAP_FLAGS_MAX * sizeof(*cmd->keywords));
	if (!lex_peek(lex, '(')) {
		if (parens)
			return lex_fail(lex, "Flag list expected");
		if (flag(lex) == -1)
			return -1;
		while (lex_peek(lex, ' ')) {
			lex->p++;
			if (flag(lex) == -1)
				return -1;
		}
		return 0;
	}
	lex->p++;
	for (n = 0; !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || flag(lex) == -1)
			return -1;
	return 0;
}

/* uid-set of UID EXPUNGE (RFC 4315); EXPUNGE alone has no arguments. */
static int
parse_expunge(struct imap_lex *lex)
{
	if (!lex->cmd->uid)
		return 0;
	if (lex_space(lex) == -1)
		return -1;
	return lex_set(lex, &lex->cmd->set);
}

static int
parse_store(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;

	if (lex_space(lex) == -1 || lex_set(lex, &cmd->set) == -1 ||
	    lex_space(lex) == -1)
		return -1;
	/* store-modifier (RFC 7162): "UNCHANGEDSINCE" SP modseq */
	if (lex_peek(lex, '(')) {
		lex->p++;
		if (!lex_take(lex, "UNCHANGEDSINCE"))
			return lex_fail(lex, "Unknown STORE modifier");
		if (lex_space(lex) == -1 ||
		    lex_modseq(lex, &cmd->modseq, true) == -1 ||
		    lex_char(lex, ')') == -1 || lex_space(lex) == -1)
			return -1;
		cmd->conditional = true;
	}
	cmd->store_op = IMAP_STORE_REPLACE;
	if (lex_peek(lex, '+') || lex_peek(lex, '-')) {
		cmd->store_op = *lex->p == '+' ? IMAP_STORE_ADD :
						 IMAP_STORE_REMOVE;
		lex->p++;
	}
	if (lex_take(lex, "FLAGS.SILENT"))
		cmd->silent = true;
	else if (!lex_take(lex, "FLAGS"))
		return lex_fail(lex, "Unknown STORE item");
	if (lex_space(lex) == -1)
		return -1;
	return lex_flags(lex, false);
}

static int
parse_copy(struct imap_lex *lex)
{
	if (lex_space(lex) == -1 || lex_set(lex, &lex->cmd->set) == -1)
		return -1;
	return parse_mailbox(lex);
}

/* RFC 4978 */
static int
parse_compress(struct imap_lex *lex)
{
	if (lex_space(lex) == -1)
		return -1;
	return lex_take(lex, "DEFLATE") ?
	    0 :
	    lex_fail(lex, "Only DEFLATE is known");
}

static const struct imap_verb_row rows[IMAP_VERBS] = {
    {"BAD", IMAP_BAD, false, false, false, NULL},
    {"CAPABILITY", IMAP_CAPABILITY, false, true, false, parse_nothing},
    {"NOOP", IMAP_NOOP, false, true, false, parse_nothing},
    {"LOGOUT", IMAP_LOGOUT, false, true, false, parse_nothing},
    {"ID", IMAP_ID, false, true, false, parse_id},
    {"STARTTLS", IMAP_STARTTLS, false, true, false, parse_nothing},
    {"AUTHENTICATE", IMAP_AUTHENTICATE, false, true, false, parse_authenticate},
    {"LOGIN", IMAP_LOGIN, false, true, false, parse_login},
    {"ENABLE", IMAP_ENABLE, false, false, false, parse_enable},
    {"SELECT", IMAP_SELECT, false, false, false, imap_parse_select},
    {"EXAMINE", IMAP_EXAMINE, false, false, false, imap_parse_select},
    {"CREATE", IMAP_CREATE, false, false, false, parse_create},
    {"DELETE", IMAP_DELETE, false, false, false, parse_mailbox},
    {"RENAME", IMAP_RENAME, false, false, false, parse_rename},
    {"SUBSCRIBE", IMAP_SUBSCRIBE, false, false, false, parse_mailbox},
    {"UNSUBSCRIBE", IMAP_UNSUBSCRIBE, false, false, false, parse_mailbox},
    {"LIST", IMAP_LIST, false, false, false, imap_parse_list},
    {"LSUB", IMAP_LSUB, false, false, true, imap_parse_lsub},
    {"NAMESPACE", IMAP_NAMESPACE, false, false, false, parse_nothing},
    {"STATUS", IMAP_STATUS, false, false, false, parse_status},
    {"NOTIFY", IMAP_NOTIFY, false, false, false, imap_parse_notify},
    {"APPEND", IMAP_APPEND, false, false, false, imap_parse_append},
    {"IDLE", IMAP_IDLE, false, false, false, parse_nothing},
    {"CHECK", IMAP_CHECK, false, false, true, parse_nothing},
    {"CLOSE", IMAP_CLOSE, false, false, false, parse_nothing},
    {"UNSELECT", IMAP_UNSELECT, false, false, false, parse_nothing},
    {"EXPUNGE", IMAP_EXPUNGE, true, false, false, parse_expunge},
    {"SEARCH", IMAP_SEARCH, true, false, false, imap_parse_search},
    {"SORT", IMAP_SORT, true, false, false, imap_parse_sort},
    {"THREAD", IMAP_THREAD, true, false, false, imap_parse_thread},
    {"ESEARCH", IMAP_ESEARCH, false, false, false, imap_parse_esearch},
    {"CANCELUPDATE", IMAP_CANCELUPDATE, false, false, false,
	imap_parse_cancelupdate},
    {"FETCH", IMAP_FETCH, true, false, false, imap_parse_fetch},
    {"STORE", IMAP_STORE, true, false, false, parse_store},
    {"COPY", IMAP_COPY, true, false, false, parse_copy},
    {"MOVE", IMAP_MOVE, true, false, false, parse_copy},
    {"COMPRESS", IMAP_COMPRESS, false, false, false, parse_compress},
    {"UNAUTHENTICATE", IMAP_UNAUTHENTICATE, false, false, false, parse_nothing},
    {"REPLACE", IMAP_REPLACE, true, false, false, imap_parse_replace},
    {"XSEALMAIL", IMAP_XSEALMAIL, false, true, false, imap_parse_sealmail},
    {"GETMETADATA", IMAP_GETMETADATA, false, false, false,
	imap_parse_getmetadata},
    {"SETMETADATA", IMAP_SETMETADATA, false, false, false,
	imap_parse_setmetadata},
    {"GETQUOTA", IMAP_GETQUOTA, false, false, false, imap_parse_getquota},
    {"GETQUOTAROOT", IMAP_GETQUOTAROOT, false, false, false, parse_mailbox},
    {"SETQUOTA", IMAP_SETQUOTA, false, false, false, imap_parse_setquota},
};

const char *
imap_verb_name(enum imap_verb verb)
{
	const struct imap_verb_row *row = rows;

	while (row->verb != verb)
		row++;
	return row->name;
}

static const struct imap_verb_row *
row_find(const struct imap_lex *lex, const char *word, size_t len)
{
	const struct imap_verb_row *row;

	for (row = rows + 1; row < rows + IMAP_VERBS; row++)
		if (strlen(row->name) == len &&
		    strncasecmp(row->name, word, len) == 0 &&
		    (row->uid || !lex->cmd->uid) && !(row->rev1 && lex->rev2))
			return row;
	return NULL;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
static int
parse_tag(struct imap_lex *lex)
{
	const uint8_t *p;
	size_t len;

	for (p = lex->p; p < lex->end; p++)
		if (!imap_atom_char(*p) && *p != ']')
			break;
	len = (size_t)(p - lex->p);
	if (len == 0 || len > IMAP_TAG_MAX || p == lex->end || *p != ' ' ||
	    memchr(lex->p, '+', len) != NULL)
		return lex_fail(lex, "Missing or malformed tag");
	memcpy(lex->cmd->tag, lex->p, len);
	lex->cmd->tag[len] = '\0';
	lex->p = p + 1;
	return 0;
}

const struct imap_verb_row *
imap_command_begin(struct imap_lex *lex, bool login)
{
	const struct imap_verb_row *row;
	const char *word;
	size_t len;

	if (parse_tag(lex) == -1)
		return NULL;
	lex->cmd->uid = lex_take(lex, "UID");
	if (lex->cmd->uid && lex_space(lex) == -1)
		return NULL;
	len = lex_word(lex, &word);
	row = row_find(lex, word, len);
	if (row == NULL) {
		(void)lex_fail(lex, "Unknown command");
		return NULL;
	}
	if (!login && !row->before) {
		(void)lex_fail(lex, "Log in first");
		return NULL;
	}
	lex->p += len;
	return row;
}

void
imap_command_parse(struct imap_lex *lex, bool login)
{
	const struct imap_verb_row *row;

	row = imap_command_begin(lex, login);
	if (row != NULL && row->parse(lex) == 0 && !lex_at_end(lex))
		(void)lex_fail(lex, "Unexpected extra arguments");
	if (lex->error != NULL) {
		lex->cmd->verb = IMAP_BAD;
		lex->cmd->error = lex->error;
	} else
		lex->cmd->verb = row->verb;
}
