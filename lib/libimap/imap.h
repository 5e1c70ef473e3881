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
 * What an IMAP client says (RFC 3501, RFC 9051): a reader takes the octets of
 * a connection as they come and gives whole commands, their arguments typed
 * and checked.  It never waits, never recurses, and holds a bounded part of
 * the input.  A command and all it points to lie in an arena of its own that
 * is wiped when it is freed.  imapfmt.h is the other direction.
 */

#ifndef IMAP_H
#define IMAP_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAP_TAG_MAX 128         /* octets of a tag */
#define IMAP_PRELINE_MAX 8192    /* a command before login, literals too */
#define IMAP_PRELITERAL_MAX 1024 /* a literal before login */
#define IMAP_COMMAND_MAX (1024 * 1024) /* a command after login */
#define IMAP_LITERAL_MAX (64 * 1024)   /* a literal that is no message */
#define IMAP_SKIP_MAX (1024 * 1024)    /* refused octets that are read over */
#define IMAP_AUTHLINE_MAX 4096         /* an answer within AUTHENTICATE */
#define IMAP_SET_MAX 100000            /* ranges of a set */
#define IMAP_SECTIONS_MAX 64           /* BODY[...] items of a FETCH */
#define IMAP_PARTS_MAX 64              /* numbers of a section */
#define IMAP_FIELDS_MAX 256  /* names of all HEADER.FIELDS of a FETCH */
#define IMAP_KEYS_MAX 1000   /* keys of a SEARCH */
#define IMAP_NEST_MAX 50     /* parentheses, NOTs and ORs around a key */
#define IMAP_FLAGS_MAX 64    /* flags of a list */
#define IMAP_WORDS_MAX 64    /* words of an ENABLE, patterns of a LIST */
#define IMAP_KEYWORD_MAX 100 /* octets of a keyword */
#define IMAP_NAME_MAX 2000   /* octets of a mailbox name or pattern, as given */
#define IMAP_ID_MAX 255      /* octets of an object's id (RFC 8474) */
#define IMAP_SORT_MAX 16     /* criteria of a SORT */
#define IMAP_STEPS_MAX 2000  /* messages and parts of an APPEND's line */

#define IMAP_STAR UINT32_MAX /* "*" in a set: the highest number */

enum imap_verb {
	IMAP_BAD, /* not a command: error says why, and changes nothing */
	IMAP_CAPABILITY,
	IMAP_NOOP,
	IMAP_LOGOUT,
	IMAP_ID,
	IMAP_STARTTLS,
	IMAP_AUTHENTICATE, /* words[0] mechanism; secret, has_initial */
	IMAP_LOGIN,        /* name, secret */
	IMAP_ENABLE,       /* words */
	IMAP_SELECT,       /* name, condstore, resync */
	IMAP_EXAMINE,
	IMAP_CREATE, /* name, use */
	IMAP_DELETE,
	IMAP_RENAME, /* name, name2 */
	IMAP_SUBSCRIBE,
	IMAP_UNSUBSCRIBE,
	IMAP_LIST, /* name2 (reference), words (patterns), list_*, status */
	IMAP_LSUB,
	IMAP_NAMESPACE,
	IMAP_STATUS,      /* name, status */
	IMAP_NOTIFY,      /* notify; items, sections: of MessageNew */
	IMAP_GETMETADATA, /* name (empty: the server), entries, maxsize, depth
			   */
	IMAP_SETMETADATA, /* name, entries */
	IMAP_APPEND,      /* name, steps, literal: see below */
	IMAP_IDLE,
	IMAP_CHECK,
	IMAP_CLOSE,
	IMAP_UNSELECT,
	IMAP_EXPUNGE,      /* set, if by uid */
	IMAP_SEARCH,       /* charset, keys, has_return, returns, partial */
	IMAP_SORT,         /* the same, and sort */
	IMAP_THREAD,       /* charset, keys, thread */
	IMAP_ESEARCH,      /* as SEARCH by UID, and notify: where */
	IMAP_CANCELUPDATE, /* words */
	IMAP_FETCH,        /* set, items, sections; returns: PARTIAL alone */
	IMAP_STORE,        /* set, store_op, silent, flags, keywords */
	IMAP_COPY,         /* set, name */
	IMAP_MOVE,
	IMAP_COMPRESS,
	IMAP_REPLACE, /* as APPEND; set: the one message that goes */
	IMAP_UNAUTHENTICATE,
	IMAP_XSEALMAIL,    /* name (USER), seal_*, secret, name2 */
	IMAP_GETQUOTA,     /* name: the quota root as it stands */
	IMAP_GETQUOTAROOT, /* name: a mailbox */
	IMAP_SETQUOTA,     /* name: a root, quota, quota_other */
	IMAP_VERBS
};

/* Octets with a NUL after them that len does not count. */
struct imap_str {
	const char *p;
	size_t len;
};

/* first <= last, IMAP_STAR being the largest. */
struct imap_range {
	uint32_t first;
	uint32_t last;
};

/* Ranges in rising order, none touching the next. */
struct imap_set {
	struct imap_range *range;
	size_t n;
	bool saved; /* "$": what the last SEARCH saved (RFC 5182); n is 0 */
};

/* FETCH items that stand for themselves. */
#define IMAP_ITEM_UID 0x001
#define IMAP_ITEM_FLAGS 0x002
#define IMAP_ITEM_INTERNALDATE 0x004
#define IMAP_ITEM_SIZE 0x008
#define IMAP_ITEM_ENVELOPE 0x010
#define IMAP_ITEM_BODY 0x020
#define IMAP_ITEM_BODYSTRUCTURE 0x040
#define IMAP_ITEM_EMAILID 0x080 /* RFC 8474 */
#define IMAP_ITEM_THREADID 0x100
#define IMAP_ITEM_SAVEDATE 0x200 /* RFC 8514 */
#define IMAP_ITEM_MODSEQ 0x400   /* RFC 7162 */
#define IMAP_ITEM_PREVIEW 0x800  /* RFC 8970 */

enum imap_section_kind {
	IMAP_SECTION_BODY,   /* BODY[...], BODY.PEEK[...] */
	IMAP_SECTION_RFC822, /* RFC822 and its kin, answered by that name */
	IMAP_SECTION_BINARY,
	IMAP_SECTION_BINARY_SIZE
};

enum imap_section_text {
	IMAP_TEXT_ALL, /* of a part without suffix: its contents */
	IMAP_TEXT_HEADER,
	IMAP_TEXT_FIELDS,
	IMAP_TEXT_FIELDS_NOT,
	IMAP_TEXT_TEXT,
	IMAP_TEXT_MIME
};

struct imap_section {
	enum imap_section_kind kind;
	enum imap_section_text text;
	bool peek;
	bool partial;
	uint64_t first; /* of <first.count> */
	uint64_t count;
	const uint32_t *part;
	size_t nparts;
	const struct imap_str *field; /* upper-cased names */
	size_t nfields;
};

/* STATUS items. */
#define IMAP_STATUS_MESSAGES 0x01
#define IMAP_STATUS_RECENT 0x02
#define IMAP_STATUS_UIDNEXT 0x04
#define IMAP_STATUS_UIDVALIDITY 0x08
#define IMAP_STATUS_UNSEEN 0x10
#define IMAP_STATUS_DELETED 0x20
#define IMAP_STATUS_SIZE 0x40
#define IMAP_STATUS_APPENDLIMIT 0x80      /* RFC 7889 */
#define IMAP_STATUS_MAILBOXID 0x100       /* RFC 8474 */
#define IMAP_STATUS_HIGHESTMODSEQ 0x200   /* RFC 7162 */
#define IMAP_STATUS_DELETED_STORAGE 0x400 /* RFC 9208 */

/* RETURN options of SEARCH (RFC 4731, RFC 5182, RFC 5267). */
#define IMAP_RETURN_MIN 0x01
#define IMAP_RETURN_MAX 0x02
#define IMAP_RETURN_ALL 0x04
#define IMAP_RETURN_COUNT 0x08
#define IMAP_RETURN_SAVE 0x10
#define IMAP_RETURN_PARTIAL 0x20
#define IMAP_RETURN_UPDATE 0x40 /* items, sections (RFC 5465 section 7) */
#define IMAP_RETURN_CONTEXT 0x80

/* first <= last, places in the result from 1; or from its end. */
struct imap_partial {
	uint32_t first;
	uint32_t last;
	bool end;
	bool swapped; /* as the client has it: last:first */
};

/* Criteria of SORT (RFC 5256, RFC 5957). */
enum imap_sort {
	IMAP_SORT_ARRIVAL = 1,
	IMAP_SORT_CC,
	IMAP_SORT_DATE,
	IMAP_SORT_FROM,
	IMAP_SORT_SIZE,
	IMAP_SORT_SUBJECT,
	IMAP_SORT_TO,
	IMAP_SORT_DISPLAYFROM,
	IMAP_SORT_DISPLAYTO
};
#define IMAP_SORT_REVERSE 0x80 /* with a criterion */

enum imap_thread { IMAP_THREAD_REFERENCES = 1, IMAP_THREAD_ORDEREDSUBJECT };

/* Selection and return options of LIST (RFC 5258, 5819, 6154). */
#define IMAP_LIST_SUBSCRIBED 0x01
#define IMAP_LIST_REMOTE 0x02
#define IMAP_LIST_RECURSIVE 0x04
#define IMAP_LIST_SPECIAL_USE 0x08
#define IMAP_LIST_CHILDREN 0x10
#define IMAP_LIST_STATUS 0x20
#define IMAP_LIST_METADATA 0x40 /* RFC 9590 */

/* System flags, as the bits that the store uses. */
#define IMAP_FLAG_SEEN 0x01
#define IMAP_FLAG_ANSWERED 0x02
#define IMAP_FLAG_FLAGGED 0x04
#define IMAP_FLAG_DELETED 0x08
#define IMAP_FLAG_DRAFT 0x10

/*
 * A search program: keys in prefix order.  AND is followed by n keys, OR by
 * two, NOT by one; keys[0] is the whole.
 */
enum imap_key_op {
	IMAP_KEY_AND,
	IMAP_KEY_OR,
	IMAP_KEY_NOT,
	IMAP_KEY_ALL,
	IMAP_KEY_FLAG,    /* number: bits that are all set */
	IMAP_KEY_KEYWORD, /* text */
	IMAP_KEY_RECENT,
	IMAP_KEY_SEQ,    /* set */
	IMAP_KEY_UID,    /* set */
	IMAP_KEY_BEFORE, /* date: days since 1970 */
	IMAP_KEY_ON,
	IMAP_KEY_SINCE,
	IMAP_KEY_SENTBEFORE,
	IMAP_KEY_SENTON,
	IMAP_KEY_SENTSINCE,
	IMAP_KEY_LARGER, /* number */
	IMAP_KEY_SMALLER,
	IMAP_KEY_HEADER, /* field (lower case), text */
	IMAP_KEY_BODY,   /* text */
	IMAP_KEY_TEXT,
	IMAP_KEY_YOUNGER, /* number: seconds (RFC 5032) */
	IMAP_KEY_OLDER,
	IMAP_KEY_SAVEDBEFORE, /* date (RFC 8514) */
	IMAP_KEY_SAVEDON,
	IMAP_KEY_SAVEDSINCE,
	IMAP_KEY_EMAILID, /* text (RFC 8474) */
	IMAP_KEY_THREADID,
	IMAP_KEY_MODSEQ /* number: at least (RFC 7162) */
};

struct imap_key {
	enum imap_key_op op;
	uint32_t n;
	uint64_t number;
	int32_t date;
	struct imap_set set;
	struct imap_str field;
	struct imap_str text;
};

/* What a client knows of a mailbox (RFC 7162 section 3.2.5). */
struct imap_resync {
	uint32_t uidvalidity;
	uint64_t modseq;
	struct imap_set known; /* UIDs; n 0: not given */
	struct imap_set seqs;  /* message numbers, n 0: not given; */
	struct imap_set uids;  /* and their UIDs: as many */
};

enum imap_store_op { IMAP_STORE_REPLACE, IMAP_STORE_ADD, IMAP_STORE_REMOVE };

/* XSEALMAIL: what is to be done; name2 is the new secret, or a label. */
enum imap_seal_op {
	IMAP_SEAL_PASSWD = 1,
	IMAP_SEAL_APP_ADD,    /* seal_scope */
	IMAP_SEAL_APP_REVOKE, /* seal_slot */
	IMAP_SEAL_RECOVER,
	IMAP_SEAL_REKEY,
	IMAP_SEAL_LIST,
	IMAP_SEAL_DELETED,
	IMAP_SEAL_UNDELETE, /* name2: ids; seal_box */
	IMAP_SEAL_CONFIRM,
	IMAP_SEAL_PURGE,
	IMAP_SEAL_VERIFY,
	IMAP_SEAL_SETTINGS,
	IMAP_SEAL_SET, /* seal_on: save-sent */
	IMAP_SEAL_REINDEX,
	IMAP_SEAL_SCRAM_ON,
	IMAP_SEAL_SCRAM_OFF
};
#define IMAP_SCOPE_IMAP 0x1
#define IMAP_SCOPE_SUBMISSION 0x2
#define IMAP_SCOPE_MANAGE 0x4

/* What NOTIFY asks to be told of (RFC 5465). */
#define IMAP_NOTIFY_GROUPS_MAX 64  /* groups of events */
#define IMAP_NOTIFY_NAMES_MAX 1000 /* mailboxes that all groups name */
#define IMAP_EVENT_NEW 0x01
#define IMAP_EVENT_EXPUNGE 0x02
#define IMAP_EVENT_FLAGS 0x04
#define IMAP_EVENT_MESSAGE 0x07 /* all of messages */
#define IMAP_EVENT_NAME 0x08
#define IMAP_EVENT_SUBSCRIPTION 0x10
#define IMAP_EVENT_METADATA 0x20        /* of a mailbox */
#define IMAP_EVENT_SERVER_METADATA 0x40 /* whatever mailboxes are named */

enum imap_filter {
	IMAP_FILTER_SELECTED,
	IMAP_FILTER_DELAYED,
	IMAP_FILTER_PERSONAL, /* all there are; INBOXES too: any gets mail */
	IMAP_FILTER_SUBSCRIBED,
	IMAP_FILTER_SUBTREE,
	IMAP_FILTER_SUBTREE_ONE, /* RFC 7377 alone */
	IMAP_FILTER_MAILBOXES
};

struct imap_event_group {
	enum imap_filter filter;
	uint32_t events; /* IMAP_EVENT_ */
	struct imap_str *name;
	size_t n;
	size_t size;
};

struct imap_notify {
	bool set; /* else NONE */
	bool status;
	bool overflow; /* more than we keep */
	bool unknown;  /* an event that we do not know */
	bool has_selected;
	bool delayed;
	uint32_t selected; /* events of the selected mailbox */
	struct imap_event_group *group;
	size_t n;
	size_t names; /* of all groups */
};

/* SETQUOTA without STORAGE: no limit. */
#define IMAP_QUOTA_NONE UINT64_MAX

/* Annotations (RFC 5464). */
#define IMAP_ENTRIES_MAX 100 /* entries of a command */
#define IMAP_DEPTH_INFINITY 255
struct imap_entry {
	struct imap_str name;
	struct imap_str value;
	bool set; /* else NIL */
};

/*
 * APPEND and REPLACE: what is to be done before the octets that the client
 * sends next, in this order.  A message is one literal, or parts (RFC 4469),
 * which are literals and URLs.
 */
enum imap_step_kind {
	IMAP_STEP_BEGIN, /* a message: flags, keywords, date */
	IMAP_STEP_URL,   /* a part of it: url */
	IMAP_STEP_END    /* it is whole */
};
struct imap_step {
	struct imap_step *next;
	enum imap_step_kind kind;
	bool catenate;  /* BEGIN: of parts */
	uint32_t flags; /* IMAP_FLAG_ */
	struct imap_str *keywords;
	size_t nkeywords;
	bool has_date;
	int64_t date; /* seconds UTC */
	int16_t zone; /* minutes east */
	struct imap_str url;
};

/* A message of the user, or a part of it (RFC 5092). */
struct imap_url {
	struct imap_str name; /* of the mailbox, in UTF-8 */
	uint32_t uidvalidity; /* 0: any */
	uint32_t uid;
	struct imap_section section; /* BODY.PEEK[...], without: the whole */
};

struct imap_block;

struct imap_cmd {
	enum imap_verb verb;
	enum imap_seal_op seal_op;
	struct imap_str seal_box; /* UTF-8; p is NULL without one */
	uint32_t seal_scope;      /* IMAP_SCOPE_ */
	uint32_t seal_slot;
	bool seal_on;
	bool uid;     /* UID FETCH and its kin */
	bool badname; /* a mailbox name that cannot exist */
	bool has_initial;
	bool silent;
	bool literal;     /* APPEND: octets follow the steps */
	bool part;        /* APPEND: and they are one of a message's parts */
	bool sync;        /* APPEND: the client waits for a continuation */
	bool binary;      /* APPEND: the literal may hold NUL */
	bool wrapped;     /* APPEND: UTF8 (...): a parenthesis follows */
	bool has_charset; /* SEARCH */
	bool conditional; /* CHANGEDSINCE, UNCHANGEDSINCE: modseq */
	bool vanished;    /* UID FETCH: those that are gone, too */
	bool condstore;   /* SELECT: (CONDSTORE) */
	bool modseq_key;  /* SEARCH: by MODSEQ */
	struct imap_resync *resync; /* SELECT: (QRESYNC ...) */
	uint64_t modseq;
	bool badcharset;    /* SEARCH: neither UTF-8 nor US-ASCII */
	bool has_return;    /* SEARCH RETURN (...) */
	bool list_extended; /* more than LIST of RFC 3501 */
	char tag[IMAP_TAG_MAX + 1];
	const char *error; /* of IMAP_BAD */
	bool denormal;     /* name or name2 was not in NFC: it is now */
	struct imap_str name, name2, secret;
	struct imap_str given; /* name as the client has it, in UTF-8 */
	struct imap_str *words;
	size_t nwords;
	struct imap_set set;
	uint32_t items; /* IMAP_ITEM_ */
	struct imap_section *sections;
	size_t nsections;
	size_t nfields;                    /* of all sections */
	uint32_t status;                   /* IMAP_STATUS_ */
	uint32_t returns;                  /* IMAP_RETURN_ */
	uint32_t list_select, list_return; /* IMAP_LIST_ */
	uint32_t use;                      /* CREATE: IMAP_USE_ */
	enum imap_store_op store_op;
	uint32_t flags; /* IMAP_FLAG_ */
	struct imap_str *keywords;
	size_t nkeywords;
	struct imap_key *keys;
	size_t nkeys;
	struct imap_partial partial;
	uint8_t sort[IMAP_SORT_MAX]; /* enum imap_sort, _REVERSE */
	size_t nsort;
	enum imap_thread thread;
	struct imap_step *steps; /* APPEND */
	uint64_t size;           /* APPEND: octets of the literal */
	uint64_t quota;          /* SETQUOTA: STORAGE, units of 1,024 octets */
	uint64_t quota_messages; /* the same: MESSAGE */
	struct imap_notify *notify;
	struct imap_entry *entries;
	size_t nentries;
	uint64_t maxsize; /* GETMETADATA: octets of a value */
	uint8_t depth;    /* GETMETADATA */
	bool quota_other; /* SETQUOTA: a resource that we do not limit */
	struct imap_block *arena;
};

enum imap_event {
	IMAP_MORE,     /* all was used, feed more */
	IMAP_COMMAND,  /* imap_reader_take() it */
	IMAP_CONTINUE, /* send a continuation, then read on */
	/*
	 * APPEND with a literal: take it; then _accept() or _refuse().  After
	 * IMAP_DATA what goes on in the same command (RFC 3502, RFC 4469): its
	 * name is empty.  An APPEND of URLs alone is an IMAP_COMMAND.
	 */
	IMAP_MESSAGE,
	IMAP_DATA,     /* octets of the literal: _data() */
	IMAP_DATA_END, /* the APPEND is whole: take its last steps */
	IMAP_DATA_BAD, /* it was, but is not as it should: imap_reader_bad() */
	IMAP_LINE,     /* the line asked for: _data(), without its end */
	IMAP_FATAL     /* cannot go on: say BYE and close */
};

struct imap_reader;

/* Out of memory is fatal in all of these. */
struct imap_reader *imap_reader_new(void);
void imap_reader_free(struct imap_reader *);
/* From now on every command is understood, within the larger limits. */
void imap_reader_login(struct imap_reader *);
/* As it was when it was new. */
void imap_reader_logout(struct imap_reader *);
/* Names are UTF-8 as they stand, not modified UTF-7. */
void imap_reader_utf8(struct imap_reader *);
/* The same, and what RFC 9051 took out of the grammar is unknown. */
void imap_reader_rev2(struct imap_reader *);
/* The next line is no command but an answer (AUTHENTICATE, IDLE). */
void imap_reader_line(struct imap_reader *);
/*
 * Reads from buf, says in *used how much; stops after an event, so call it
 * again with the rest.  The reader keeps no pointer to buf but for _data(),
 * until the next call.
 */
enum imap_event imap_reader_next(
    struct imap_reader *, const uint8_t *buf, size_t len, size_t *used);
struct imap_cmd *imap_reader_take(struct imap_reader *);
const uint8_t *imap_reader_data(struct imap_reader *, size_t *len);
/* What was wrong with the APPEND of the last IMAP_DATA_BAD. */
const char *imap_reader_bad(const struct imap_reader *);
void imap_reader_accept(struct imap_reader *);
/* A synchronising literal is not awaited any more; another is read over. */
void imap_reader_refuse(struct imap_reader *);
/* True between commands: nothing of one has been read. */
bool imap_reader_idle(const struct imap_reader *);
void imap_cmd_free(struct imap_cmd *);
/* An empty one, for what a client did not say. */
struct imap_cmd *imap_cmd_new(void);
/* n zeroed octets that live as long as the command. */
void *imap_cmd_alloc(struct imap_cmd *, size_t n);
/*
 * Reads a URL of this server, relative to the mailbox base (NULL: none is
 * selected); what it points to lives as long as the command.  -1: it is no
 * such URL, or names no message.
 */
int imap_url_parse(struct imap_cmd *, const struct imap_str *text,
    const struct imap_str *base, struct imap_url *);

/* The name of a verb in capitals, without UID. */
const char *imap_verb_name(enum imap_verb);

/*
 * Mailbox names: modified UTF-7 (RFC 3501 5.1.3) to UTF-8 and back.  Both
 * return the length or -1 (not the one valid form, or no room) and write a
 * NUL.  Decoding refuses what a client must not send: encoded ASCII, lone
 * surrogates, unterminated shifts.
 */
ssize_t imap_utf7_decode(const char *, size_t, char *buf, size_t size);
ssize_t imap_utf7_encode(const char *, size_t, char *buf, size_t size);
/* Is this well-formed UTF-8, without controls and line ends if strict? */
bool imap_utf8_valid(const char *, size_t, bool strict);
/* Does a LIST pattern match?  Linear; '/' separates; INBOX in any case. */
bool imap_pattern_match(
    const char *pattern, size_t plen, const char *name, size_t nlen);
/* Days since 1970 of a proleptic Gregorian date, and back. */
int32_t imap_days(int year, int month, int day);
void imap_date(int32_t days, int *year, int *month, int *day);

/* Uses of a mailbox (RFC 6154), as the bits that the store uses. */
#define IMAP_USE_ARCHIVE 0x01
#define IMAP_USE_DRAFTS 0x02
#define IMAP_USE_FLAGGED 0x04
#define IMAP_USE_JUNK 0x08
#define IMAP_USE_SENT 0x10
#define IMAP_USE_TRASH 0x20
#define IMAP_USE_ALL 0x40
#define IMAP_USE_UNKNOWN 0x8000 /* a use that is none of these */

#endif
