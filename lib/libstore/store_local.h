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

/* The inside of an opened account; for the vault's sources only. */

#ifndef STORE_LOCAL_H
#define STORE_LOCAL_H

#include <sys/stat.h>
#include <sys/tree.h>

#include <dirent.h>

#include "seal.h"
#include "seal_keys.h"
#include "seal_log.h"
#include "seal_read.h"
#include "store.h"
#include "store_file.h"

#define WRITER_LEN 8
#define WRITERS_MAX 16        /* writers of one account, ever */
#define SEG_HEADER 64         /* octets before a segment's first frame */
#define SEG_FIRST 131072      /* zeroed ahead in a new segment */
#define LOG_SPARE 65536       /* of those, for what makes room on a full disk */
#define SEG_STEP 262144       /* zeroed ahead in a grown one */
#define SEG_MAX (1024 * 1024) /* a segment ends about here */
#define OPS_SOFT (256 * 1024) /* queued octets that make a frame */
#define SYNC_BATCH 64         /* appended blobs of one sync */
#define OPS_BATCH 4096        /* messages in one FLAG or EXPUNGE */
#define MOVE_BATCH 256        /* messages of a MOVE in one frame */
#define COPY_PIECE 512        /* messages of a COPY in one frame */
#define COLD_LEN 128          /* octets of a cold record */
#define CACHE_BLOCKS 4        /* opened blocks of one pack */
#define CHECKPOINT_MIN (16 << 20) /* octets of log before a checkpoint */
#define SNAP_MIN 65536            /* octets of log before a snapshot */
#define TOMB_KEEP (180 * 86400)   /* seconds */
#define BLOB_FLAT 4096            /* files in blob/ before it fans out */
#define UID_SKIP 65536            /* by a new writer, in each box */
#define UID_TAKEOVER 64           /* by one that takes the lease unasked */
#define BOX_FIRST_ID 16           /* of boxes that a user makes */
#define GHOSTS_MAX 10000          /* removed boxes that are remembered */
#define NO_WRITER ((size_t)WRITERS_MAX)
#define SUM_UNKNOWN UINT32_MAX /* summary not in the pack */
#define REST_ROWS 8192         /* of a column that is open, and may be away */
#define COL_ROWS 512           /* messages of a block of a column */
#define COLD_ODD 0x80000000U   /* in a reference: of an odd generation */

/* Built for regress/lib/libstore/mutants_test, a rule at a time is broken. */
#ifdef STORE_MUTANT
bool store_mutant(unsigned int rule);
#define MUTANT(rule) store_mutant(rule)
#else
#define MUTANT(rule) false
#endif

/* A growing buffer that is wiped when it moves and when it ends. */
struct buf {
	uint8_t *p;
	size_t len;
	size_t size;
	bool failed; /* no memory: what was put is not whole */
};
void buf_put8(struct buf *, uint8_t);
void buf_put16(struct buf *, uint16_t);
void buf_put32(struct buf *, uint32_t);
void buf_put64(struct buf *, uint64_t);
void buf_put(struct buf *, const void *, size_t);
void buf_put_str(struct buf *, const char *); /* u16 length, octets */
void buf_clear(struct buf *);                 /* wipes, frees */
void buf_reset(struct buf *, size_t len);     /* wipes what is past len */

/* Reading: past the end sets bad and gives zeros. */
struct rd {
	const uint8_t *p;
	size_t len;
	size_t off;
	bool bad;
};
uint8_t rd8(struct rd *);
uint16_t rd16(struct rd *);
uint32_t rd32(struct rd *);
uint64_t rd64(struct rd *);
const uint8_t *rd_raw(struct rd *, size_t); /* NULL if bad */
void rd_copy(struct rd *, void *, size_t);
char *rd_str(struct rd *, size_t max); /* malloc'd; NULL if bad */

/* Operations; codes and bodies are in FORMAT. */
enum op {
	OP_MKBOX = 1,
	OP_MVBOX = 2,
	OP_RMBOX = 3,
	OP_PLACE = 4,
	OP_EXPUNGE = 5,
	OP_RETIRE = 6,
	OP_FLAG = 7,
	OP_SUB = 8,
	OP_USE = 9,
	OP_KEYWORD = 10,
	OP_SAW = 11,
	OP_PAIR = 12,
	OP_LEASE = 13,
	OP_SIEVE = 14,
	OP_META = 15,
	OP_BEGIN = 16, /* of a checkpoint */
	OP_END = 17,
	OP_TOMB = 18,
	OP_GARBAGE = 19,
	OP_SHARED = 20,
	OP_UIDNEXT = 21,
	OP_LAST = 22
};
/* How a PLACE came to be. */
enum {
	HOW_NEW = 0,
	HOW_COPY = 1,
	HOW_MOVE = 2,
	HOW_STATE = 3,   /* of a checkpoint */
	HOW_RESTORE = 4, /* of a blob that was garbage */
	HOW_AGAIN = 5    /* an instance that was late */
};
/* Flags of a frame. */
#define FRAME_CHECKPOINT 0x01
#define FRAME_END 0x02 /* the last of a checkpoint */
/* What it places counts if a frame of the same host that is WHOLE follows. */
#define FRAME_PART 0x04
#define FRAME_WHOLE 0x08

struct place {
	uint64_t box;
	uint32_t uid;
	uint8_t how;
	uint8_t codec;
	int16_t zone;
	uint8_t instance[STORE_ID];
	uint8_t blob[STORE_ID];
	uint8_t key[SEAL_KEY_LEN];
	uint8_t threadid[STORE_ID];
	uint64_t bytes;
	uint32_t size;
	uint32_t saved;
	int64_t date;
	uint64_t flags;
	uint64_t modseq; /* 0: the operation's own */
	uint8_t writer;  /* whose frame placed it, by our table */
	uint64_t seq;    /* that frame */
};

struct tomb {
	uint32_t uid;
	uint32_t when;
	uint64_t modseq;
	uint64_t inst;
};

/* Tombstones of a box; b->ntombs of them count. */
struct tombs {
	unsigned int refs;
	size_t size;
	struct tomb t[];
};

/* A part of a column; what has several refs is copied before it changes. */
struct block {
	unsigned int refs;
	uint32_t n;
	uint32_t size;
	uint32_t unseen;
	uint8_t hosts; /* bit h: some MODSEQ here is of host h */
	struct store_msg m[];
};
struct blockref {
	struct block *p;
	uint32_t first;  /* the UID of its first message */
	uint32_t before; /* messages in the blocks before it */
};

/* A placement that is not shown: late, or its instance is shown elsewhere. */
struct extra {
	struct store_msg m;
	uint8_t late;
};

/* A placement that another host may not have seen. */
struct recent {
	uint64_t seq;
	uint32_t uid;
	uint8_t writer;
};

/* The highest UID that a writer gave in a box, and in which frame. */
struct last {
	uint64_t seq;
	uint32_t uid;
};

/* Annotations, sorted by name. */
struct metas {
	struct store_meta *m;
	size_t n;
	size_t size;
};

struct box {
	struct store_box pub;    /* first: callers hold pointers to it */
	struct blockref *blocks; /* none is empty */
	size_t nblocks;
	size_t blocks_size;
	size_t n;      /* messages */
	size_t hidden; /* of these, at the end: of a copy under way */
	struct tombs *tombs;
	size_t ntombs;
	size_t tombs_own; /* so many have MODSEQs of ours */
	bool loaded;
	bool dirty;  /* differs from its file, and the one being written */
	bool saving; /* its file is being written */
	bool moved;  /* its file is in the generation that is being made */
	unsigned int users;
	uint32_t file; /* version of its file in snap/, 0: none */
	uint32_t uidmax;
	char *keywords[STORE_KEYWORDS_MAX];
	/* 1 + the keyword that this one is; 0: itself.  Two hosts named it. */
	uint8_t alias[STORE_KEYWORDS_MAX];
	struct metas metas;
	/* For merging. */
	char *want;      /* the name, where an older box has it; or NULL */
	char *old;       /* its name before the last rename, or NULL */
	uint64_t mv_seq; /* the frame of that rename */
	uint8_t mv_writer;
	bool foreign;        /* changed by another host since our last SAW */
	uint32_t gone;       /* of a ghost: when it was removed */
	struct extra *extra; /* in no order */
	size_t nextra;
	size_t extra_size;
	struct recent *recent; /* in the order of the fold */
	size_t nrecent;
	size_t recent_size;
	struct last last[WRITERS_MAX];
};

struct cold {
	uint8_t instance[STORE_ID];
	uint8_t blob[STORE_ID];
	uint8_t key[SEAL_KEY_LEN];
	uint8_t threadid[STORE_ID];
	uint64_t bytes;
	uint64_t sum_off;
	uint32_t sum_len; /* SUM_UNKNOWN: read the blob */
	uint8_t writer;   /* who placed it, in which frame */
	uint64_t seq;
	bool old; /* read from the generation that is about to go */
};

/* A message that a copy without an end has placed. */
struct unfinished {
	uint64_t box;
	uint64_t inst;
	uint32_t uid;
};

/* A blob with more than one instance. */
struct shared {
	RB_ENTRY(shared) entry;
	uint8_t blob[STORE_ID];
	uint32_t count;
	uint64_t sum_off; /* of its summary, where sum_gen is the generation */
	uint64_t sum_gen;
};
RB_HEAD(shared_tree, shared);

struct garbage {
	uint8_t blob[STORE_ID];
	uint64_t bytes;
	uint8_t writer; /* whose frame let it go: the peer must have seen it */
	uint64_t seq;
};

/* Where an instance is, in accounts with several writers. */
enum inst_state { INST_NONE = 0, INST_LIVE = 1, INST_DEAD = 2 };
struct inst {
	uint64_t id; /* first octets of the instance id */
	uint64_t box;
	uint32_t uid; /* shown; 0: all its placements are hidden */
	uint8_t state;
	uint8_t used; /* the slot of the table */
};

struct writer {
	uint8_t id[WRITER_LEN];
	uint8_t host;
	uint8_t chain[SEAL_CHAIN_LEN]; /* tag of the last frame */
	uint32_t seg;
	uint64_t off; /* in seg, of the next frame */
	uint64_t seq; /* of the last frame */
	uint64_t lamport;
	uint64_t news; /* its last frame that says more than SAW */
};

#define PACK_BLOCK 65536 /* plain octets of a block */
/* A file of 64 KiB blocks, each sealed, that only grows. */
struct pack {
	int fd;
	uint8_t kind;
	uint64_t gen;
	uint64_t len; /* plain octets, the tail's included */
	struct buf tail;
	size_t away;      /* octets of the tail, before those in memory */
	int away_fd;      /* the state file that has them, or -1 */
	uint64_t away_at; /* where in its plain octets */
	struct {
		uint8_t *p;
		uint64_t block;
		unsigned int used;
	} cache[CACHE_BLOCKS];
	unsigned int tick;
};

struct store {
	int base;
	int acct;
	int lock;
	const struct seal_ring *ring;
	uint8_t *snap_key;               /* secret memory */
	struct seal_sender *sender;      /* of what is appended, or NULL */
	uint8_t sender_to[SEAL_KEY_LEN]; /* the key that it seals to */
	uint8_t account[STORE_ID];
	uint8_t host;
	char damage[200];
	bool failed;   /* a write or sync failed: no more commits */
	bool put_back; /* the head, or a mark, told of a backup */
	bool replaying;
	bool telling;                  /* while replaying, too */
	bool quiet;                    /* nobody is told: it is hidden */
	struct store_copying *copying; /* NULL: none is under way */
	/* Placed in frames whose end was not read yet. */
	struct unfinished *parts;
	size_t nparts;
	size_t parts_size;
	bool cur_part; /* such a frame is being applied */
	uint8_t open;  /* bit h: a copy of host h has no end yet, in the log */
	store_notify notify;
	void *notify_arg;

	struct writer writers[WRITERS_MAX];
	size_t nwriters;
	size_t own; /* index of ours */
	uint64_t lamport;
	/* Merging. */
	bool multi;        /* there are several writers */
	bool stating;      /* applying a checkpoint */
	size_t cur_writer; /* of the operation being applied */
	uint64_t cur_seq;  /* its frame */
	uint64_t cur_modseq;
	uint64_t saw[WRITERS_MAX][WRITERS_MAX]; /* [by][of]: frames */
	uint8_t map[WRITERS_MAX]; /* of a checkpoint's writers to ours */
	size_t nmap;
	uint8_t lease;  /* host */
	uint8_t paired; /* bit h: host h was told of the account */
	struct inst *idx;
	size_t idx_size;
	size_t idx_used;
	bool idx_built;
	struct box **ghosts; /* removed boxes */
	size_t nghosts;
	char *undo_from; /* a rename undone: what follows of it in its frame */
	char *undo_to;
	int log_fd;
	uint64_t log_alloc;      /* zeroed octets of the segment */
	uint64_t log_since;      /* octets of log since the checkpoint */
	uint64_t log_snapped;    /* of those, in the snapshot */
	uint64_t checkpoint_len; /* octets of the last checkpoint */
	struct buf ops;
	unsigned int nops;
	bool ops_news;        /* more than SAW is queued */
	uint64_t ops_lamport; /* of the first queued */

	struct box **boxes; /* by id */
	size_t nboxes;
	size_t boxes_size;
	uint64_t next_box;
	uint32_t last_uidvalidity;
	struct metas metas; /* of the account */
	char **subs;        /* sorted */
	size_t nsubs;
	size_t subs_size;
	struct shared_tree shared;
	struct garbage *garbage;
	size_t ngarbage;
	size_t garbage_size;
	uint64_t live; /* octets of blobs in use */
	uint64_t live_written;
	uint64_t messages_written;
	uint64_t nflat; /* files in blob/ itself */

	uint64_t gen; /* of snap/ */
	int snap_fd;  /* snap/<gen>, -1 */
	bool snap_bad;
	bool tails_wait; /* some may be in the state file, and are in memory */
	struct pack cold;
	struct pack sum;
	struct {
		int fd; /* -1: there is one generation only */
		struct pack cold;
		struct pack sum;
	} old; /* the generation that compaction is leaving */
	struct news_seen *news_seen; /* log/ when it was last looked at */
	bool small_steps;  /* for tests: of upkeep, one box's worth at a time */
	struct work *work; /* upkeep that is under way */
	uint64_t next_sum_off; /* for the PLACE that follows */
	uint32_t next_sum_len;
	struct buf sum_buf; /* the summary last asked for */
	uint8_t *waiting;   /* ids in in/ while replaying, sorted */
	size_t nwaiting;
	uint32_t now; /* time of the frame being applied */
	unsigned int bodies;
	struct store_blob *blobs[SYNC_BATCH]; /* placed, not yet synced */
	size_t nblobs;
	bool trash_checked;
	DIR *trash; /* where the look through it is; NULL: not begun */
	struct retain *retain; /* signed deletes; NULL: read-only */
};

RB_PROTOTYPE(shared_tree, shared, entry, shared_cmp)

/* store_pack.c */
void pack_init(struct pack *, uint8_t kind);
int pack_open(struct store *, struct pack *, const char *name, bool create);
int
pack_append(struct store *, struct pack *, const void *, size_t, uint64_t *off);
/* Full blocks that a full disk did not take; -1 while it does not. */
int pack_flush(struct store *, struct pack *);
int pack_read(struct store *, struct pack *, uint64_t off, size_t, void *);
void pack_forget(struct pack *); /* caches only */
void pack_close(struct pack *);
/* The octets that fill no block yet. */
size_t pack_tail(const struct pack *);
int cold_append(struct store *, const struct cold *, uint32_t *ref);
int cold_read(struct store *, uint32_t ref, struct cold *);
/* The same, its summary in the newest generation: for a record to be made. */
int cold_carry(struct store *, uint32_t ref, struct cold *);

/* store_tail.c: tails that nobody asks for are in the state file alone. */
void tails_away(struct store *);
int tail_back(struct store *, struct pack *);
int tails_back(struct store *);

/* store_seq.c: sealed files, written and read from front to end. */
struct seq {
	int fd;
	uint8_t ad[48]; /* header, then block number and last */
	const uint8_t *key;
	uint64_t block;
	uint64_t size; /* of the file being read */
	uint8_t *plain;
	size_t len; /* in plain */
	size_t off;
	bool writing;
};
int seq_create(struct store *, struct seq *, const char *name, uint8_t kind);
int seq_put(struct seq *, const void *, size_t);
int
seq_open(struct store *, int dir, struct seq *, const char *name, uint8_t kind);
/* The same, of a file that is open; closes it in any case. */
int seq_open_take(struct store *, struct seq *, int fd, uint8_t kind);
int seq_get(struct seq *, void *, size_t);
/* Reading goes on at that octet of the plain ones. */
int seq_seek(struct seq *, uint64_t off);
bool seq_done(const struct seq *);
/* Writing: the last block.  Reading: all was read.  Closes in any case. */
int seq_end(struct seq *);
void seq_abort(struct seq *);

/* store_log.c */
int log_key(struct store *, uint32_t epoch, uint8_t key[SEAL_KEY_LEN]);
void seg_name(const struct writer *, uint32_t seg, char *, size_t);
int seg_parse_name(const char *, uint8_t writer[WRITER_LEN], uint32_t *seg);
struct seg_header {
	uint8_t writer[WRITER_LEN];
	uint8_t host;
	uint8_t flags; /* SEG_CHECKPOINT */
	uint32_t seg;
	uint64_t first_seq;
	uint8_t chain[SEAL_CHAIN_LEN];
};
#define SEG_CHECKPOINT 0x01 /* begins with one */
int seg_header_parse(struct store *, const uint8_t *, struct seg_header *);
/* Room for len octets of operations; STORE_NOSPACE before anything changed. */
enum store_result log_reserve(struct store *, size_t len);
/*
 * The same within what is zeroed ahead already, the spare part too, of which
 * keep octets shall stay: on a full disk, for what makes room.
 */
enum store_result log_spare(struct store *, size_t len, size_t keep);
int log_new_segment(struct store *, size_t room, uint8_t flags);
int log_reopen(struct store *, bool copy);
int log_write(struct store *, uint8_t flags);
int place_sync(struct store *);
struct writer *own_writer(struct store *);

/* store_replay.c */
bool log_news(struct store *); /* are there frames we have not folded? */
/* Folds them where they are later than all there is; else STORE_UNKNOWN. */
enum store_result replay_news(struct store *);
enum store_result replay(struct store *, bool from_snapshot, bool *clean);

/* store_ops.c: queueing and applying. */
void op_place(struct buf *, const struct place *);
void op_queue(struct store *, enum op, const struct buf *body);
int op_apply(struct store *, enum op, struct rd *, uint64_t modseq);
void op_group_end(struct store *);
/* Writes what is queued, now. */
enum store_result op_frame(struct store *, uint8_t flags);
enum store_result mut_begin(struct store *, size_t len);
/*
 * What makes room begins even where the disk is full.  first: it is only the
 * way there (\Deleted), and leaves half of the spare to what follows.
 */
enum store_result mut_shrink(struct store *, size_t len, bool first);
void damaged(struct store *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* store_fold.c: placements where several hosts write. */
bool fold_seen(const struct store *, size_t by, size_t of, uint64_t seq);
size_t fold_active(const struct store *, unsigned int host);
size_t writer_find(const struct store *, const uint8_t id[WRITER_LEN]);
bool fold_settled(const struct store *, size_t of, uint64_t seq);
int fold_skip(struct store *, struct box *, uint32_t uid);
int fold_late(struct store *, struct box *, uint32_t uid, bool *late);
int fold_again(struct store *, struct box *, struct inst *,
    const struct place *, bool late);
int fold_flag(struct store *, struct rd list, uint64_t set, uint64_t clear);
int fold_kill(struct store *, struct rd list);
int fold_retire(struct store *, struct box *, struct rd *);
int fold_rmbox(struct store *, struct box *);
int fold_saw(struct store *, struct rd *);
int fold_cold(struct store *, struct inst *, struct cold *);
int
extra_add(struct store *, struct box *, const struct store_msg *, bool late);
int recent_add(struct box *, uint32_t uid, uint8_t writer, uint64_t seq);
void raise_modseq(struct store *, struct box *, uint64_t modseq);
void op_tell(struct store *, const struct box *, enum store_change,
    uint32_t uid, size_t pos);

/* store_inst.c */
struct inst *inst_find(struct store *, uint64_t id); /* NULL: never heard of */
int inst_set(
    struct store *, uint64_t id, uint64_t box, uint32_t uid, enum inst_state);
int inst_build(struct store *);
void inst_clear(struct store *);

/* store_names.c: boxes of several hosts. */
void names_settle(struct store *);
bool name_cycle(struct store *, struct box *, const char *name);
struct box *ghost_find(struct store *, uint64_t id);
void ghost_make(struct store *, struct box *); /* takes it out of the boxes */
int ghost_revive(struct store *, struct box *);
struct box *box_recovered(struct store *, uint64_t id);

/* store_merge.c */
int merge_open(struct store *); /* at opening: SAW, then what is ours to do */
int merge_rescue(struct store *, struct box *); /* before RMBOX */
int writer_new(struct store *);
int skip_uids(struct store *, uint32_t by);

/* store_box.c */
struct box *box_find(struct store *, uint64_t id);
struct box *box_add(struct store *, uint64_t id, char *name_take);
void box_remove(struct store *, struct box *);
void box_free(struct box *);
void box_clear(struct box *); /* what it points to */
int box_set_keyword(struct box *, unsigned int bit, char *name_take);
/* Flags as an operation has them, in the keywords that count. */
uint64_t box_map_flags(const struct box *, uint64_t);
int sub_set(struct store *, const char *, bool on);
int sub_apply(struct store *, char *name_take, bool on);
int make_first_boxes(struct store *);
uint32_t next_uid(const struct store *, const struct box *);
void box_update(const struct store *, struct box *);
int shared_add(struct store *, const uint8_t *blob, uint32_t count);
/* One instance less: into garbage where it was the last. */
int blob_unref(struct store *, const uint8_t *blob, uint64_t bytes);
/* One more; out of the garbage where it was there. */
int blob_ref(struct store *, const uint8_t *blob, uint64_t bytes);
int garbage_add(struct store *, const uint8_t *blob, uint64_t bytes);

/* store_meta.c */
void metas_clear(struct metas *);
void metas_write(const struct metas *, struct buf *);
void metas_read(struct metas *, struct rd *);
int meta_apply(struct store *, struct rd *);
void meta_body(struct buf *, uint64_t box, const struct store_meta *);

/* store_col.c */
/* The messages from pos on that lie together; how many to *n, 0: NULL. */
const struct store_msg *col_run(const struct box *, size_t pos, size_t *n);
const struct store_msg *col_at(const struct box *, size_t pos); /* NULL: end */
/* The place of uid, or where it would be. */
size_t col_find(const struct box *, uint32_t uid, bool *found);
size_t col_unseen(const struct box *); /* the first; n if there is none */
int col_insert(struct store *, struct box *, const struct store_msg *);
int col_append(struct box *, const struct store_msg *); /* counts nothing */
/* Room for n messages at the end, which are filled in before col_grown(). */
struct store_msg *col_room(struct box *, size_t n);
void col_grown(struct box *, size_t n);
int col_remove(struct store *, struct box *, const uint32_t *pos, size_t n,
    uint64_t modseq);
int col_set_cold(struct box *, size_t pos, uint32_t cold);
/* MODSEQs of the other host become this one. */
int col_adopt(struct box *, unsigned int host, uint64_t modseq);
/* The modseq is raised, never lowered. */
int col_set_flags(struct box *, size_t pos, uint64_t flags, uint64_t modseq);
void col_unload(struct box *);
void block_drop(struct block *); /* a reference less */
void tombs_drop(struct tombs *);
int tomb_add(struct box *, const struct tomb *);
void tombs_prune(struct box *, uint32_t now);

/* store_colfile.c */
int col_load(struct store *, struct box *);
/* A column being written: as many as colw_begin() was told, messages first. */
struct colw {
	struct seq s;
};
int colw_begin(struct store *, struct colw *, uint64_t box, uint32_t version,
    size_t n, size_t ntombs);
int colw_msgs(struct colw *, const struct store_msg *, size_t n);
int colw_tombs(struct colw *, const struct tomb *, size_t n);
/* One being read, of the generation in fd. */
struct colr {
	struct seq s;
	size_t n; /* that are left */
	size_t ntombs;
	uint32_t odd;
	uint32_t uid; /* the last */
};
int colr_begin(struct store *, struct colr *, int fd, uint64_t gen,
    uint64_t box, uint32_t version);
int colr_msgs(struct colr *, struct store_msg *, size_t n);
int colr_tomb(struct colr *, struct tomb *);
/* store_gone.c */
bool tomb_old(const struct tomb *, uint32_t now); /* may be forgotten */
/* The highest MODSEQ of those that are old; 0: none is. */
uint64_t tombs_forgotten(const struct box *, uint32_t now);

#define KIND_STATE 1 /* of sealed files */

/* store_state.c, store_snap.c */
int state_write(struct store *, struct buf *);
int state_read(struct store *, struct seq *);
/* Reads on to the packs; how many plain octets that were to *off. */
int state_to_packs(struct store *, struct seq *, uint64_t *off);
void state_reset(struct store *);
int snap_load(struct store *);
int snap_new(struct store *);
int snap_enter_next(struct store *); /* a new one beside the old */
void snap_invalidate(struct store *);
enum store_result snap_save(struct store *);

/* store_work.c: upkeep in steps; see store_work.h */
struct work;
void work_drop(struct store *);

/* store_compact.c */
bool compact_due(const struct store *);
enum store_result compact(struct store *);

/* store_checkpoint.c */
bool checkpoint_due(const struct store *);
enum store_result checkpoint(struct store *);

/* store_body.c */
int blob_open_file(struct store *, const uint8_t *blob);
/* Of the file that is open, which it closes, or (-1) wherever it is. */
enum store_result body_look(struct store *, const struct cold *, int fd_take,
    struct buf *packed, int64_t *date, uint64_t *size);
int blob_place_name(struct store *, const uint8_t *blob, char *name, bool make);

/* store_open.c */
/* Empty, without a lock; store_abandon() frees it. */
struct store *
store_new(int base, int acct, const struct seal_ring *, unsigned int host);
/* From the snapshot, or (whole) from the log alone. */
enum store_result fold_state(struct store *, bool whole, bool *clean);
enum store_result fold_from_log(struct store *, bool *clean);

/* store_gc.c, store_head.c, store_drain.c */
enum store_result gc_step(struct store *, bool *more);
enum store_result gc_garbage(struct store *); /* all that may, to trash/ */
int quota_write(struct store *);
bool quota_stale(const struct store *); /* by much */
/* Queues the EXPUNGE of one, if it is there. */
void expunge_one(struct store *, uint64_t box, uint32_t uid);
enum store_result quota_check(struct store *, uint64_t size, uint64_t frees);
int head_write(struct store *);
int head_check(struct store *, bool *behind);
int waiting_list(struct store *);
int waiting_take(struct store *, const uint8_t *blob);
int waiting_finish(struct store *);

/* store_where.c: where were they?  Fills in box; -1 without memory. */
int where_find(struct store *, struct store_deleted *, size_t n);

/* store_transfer.c */
void copying_drop(struct store *);             /* frees; nothing is undone */
uint32_t copies_to_come(const struct store *); /* messages */

/* store_parts.c: copies that have no end. */
int part_add(struct store *, const struct unfinished *);
void parts_clear(struct store *);
bool parts_left(const struct store *); /* of ours */
/* At opening; if it is STORE_NOSPACE then, before anything else that counts. */
enum store_result parts_undo(struct store *);

/* store_msg.c */
/* With its column; STORE_UNKNOWN: there is none. */
enum store_result box_open(struct store *, uint64_t id, struct box **);
/* The places of a set, or of what has \Deleted there; free it.  NULL: memory.
 */
uint32_t *msgs_gather(struct box *, const struct store_range *, size_t n,
    bool all, uint32_t *count);
/* An expunge of what lies at pos[0..n). */
void
queue_expunge(struct store *, struct box *, const uint32_t *pos, uint32_t n);
/* A packed summary by its chunks. */
enum store_result
summary_chunks(const struct buf *, struct store_chunk *, size_t *n);

/* store_mark.c: did sealctl restore or rebuild?  Then what is left to do. */
bool mark_there(struct store *);
bool mark_in(int acct);
int mark_finish(struct store *);

/* A sealed delivery: what a look at its file tells. */
struct delivery {
	uint8_t id[STORE_ID];
	struct stat sb;
	struct cold cold;
	struct seal_stanza stanza;
	struct buf summary;
	uint8_t codec;
	int64_t date;
	uint64_t size;
};
enum look { LOOK_OK, LOOK_UNFINISHED, LOOK_BAD, LOOK_ERROR };
/* id is given; the caller clears summary and wipes it. */
enum look delivery_look(struct store *, const char *path, struct delivery *);

#endif
