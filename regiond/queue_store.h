/* queue_store: the region's own file: writes it has accepted for a home that was away, and their
 * receipts until some time after their end; the audit chain of that, and of what else the region
 * notes without being the home (store_audit.h); and heads of other regions' chains.
 *
 * An entry's states are data: queued -> applied | rejected | expired, each once. Entries keep the
 * order in which they were accepted, by a seq that only rises. Same rules for connections and
 * transactions as store.h. */

#ifndef MEC_QUEUE_STORE_H
#define MEC_QUEUE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory.h"
#include "common/slice.h"
#include "regiond/store_audit.h"

struct queue_store;

enum queue_state { QUEUE_QUEUED, QUEUE_APPLIED, QUEUE_REJECTED, QUEUE_EXPIRED };
const char *queue_state_name(enum queue_state state); /* "queued", "applied", ... */

struct queue_entry {
    uint64_t seq;
    const char *receipt; /* "eu-west.2f7c..." : the accepting region, then 128 random bits */
    const char *user;
    const char *shard;
    const char *service;
    const char *idempotency_key;
    uint8_t request_digest[16];
    uint64_t accepted_wall_us;
    uint64_t expires_wall_us;
    struct slice call; /* packed Mec__Call, with claims and without token */
    enum queue_state state;
    bool attempted; /* was sent to the home, by us or another: its fate may be unknown */
    uint64_t settled_wall_us;
    const char *position; /* applied: "us-east:3.1824"; else "" */
    const char *problem;  /* rejected: a type of problem.h; else "" */
    const char *detail;
};

enum queue_op_kind {
    QUEUE_OP_ENQUEUE,
    QUEUE_OP_ATTEMPT, /* mark attempted, before the first send */
    QUEUE_OP_SETTLE,
    QUEUE_OP_AUDIT, /* append an entry to the audit chain */
    QUEUE_OP_HEAD   /* keep a head of another region's chain, in place of an earlier one */
};

enum queue_result {
    QUEUE_DONE,
    QUEUE_REPLAYED,   /* the same (user, idempotency key) is known: entry is the first one */
    QUEUE_KEY_REUSED, /* ... with another request digest */
    QUEUE_FULL,
    QUEUE_ENDED, /* settle: it had ended already; nothing changed */
    QUEUE_NOT_RUN
};

/* How far another region's chain had got, as that region has signed it. */
struct queue_head {
    const char *region, *chain;
    struct store_audit_head head;
    struct slice signed_head; /* a packed Mec__AuditHead */
};

struct queue_op {
    enum queue_op_kind kind;
    struct queue_entry entry; /* enqueue: all but seq; attempt, settle: seq and the new state */
    /* Audit: the entry. Enqueue: of its entry, action (NULL: SERVICE.write), session and key; the
     * rest of it is said above. */
    struct store_event event;
    struct queue_head head;
    enum queue_result result;
    uint64_t seq;               /* enqueue: the number it has got; replayed: the first one's */
    char replayed_receipt[128]; /* QUEUE_REPLAYED: the first one's receipt */
    enum queue_state replayed_state;
    void *context;
};

struct queue_limits {
    size_t entries_max; /* queued ones */
    size_t bytes_max;   /* of their calls */
    uint64_t keep_settled_us;
};

/* Errors: as store_open(). */
int queue_store_open(const char *path, const char *vfs, struct queue_store **ret_store);
void queue_store_free(struct queue_store *store);

/* As store_set_region(). */
void queue_store_set_region(struct queue_store *store, const char *region);
struct store_audit_head queue_store_audit_head(const struct queue_store *store);

/* As store_commit(). Also forgets entries that ended longer than keep_settled_us ago. */
int queue_store_commit(struct queue_store *store, const struct queue_limits *limits,
                       uint64_t wall_us, struct queue_op *ops, size_t count);
int queue_store_checkpoint(struct queue_store *store);
size_t queue_store_wal_pages(const struct queue_store *store);

/* Reading: a read-only connection, for the thread that runs the core. */
struct queue_reader;
int queue_reader_open(const char *path, const char *vfs, struct queue_reader **ret_reader);
void queue_reader_free(struct queue_reader *reader);

/* Every entry that is still queued behind @after_seq, by seq, at most @count. Returns how many, or
 * -EIO. */
int queue_reader_waiting(struct queue_reader *reader, struct arena *arena, uint64_t after_seq,
                         size_t count, struct queue_entry *ret_entries);

/* Errors: -ENOENT, unknown or forgotten; -EIO. */
int queue_reader_find(struct queue_reader *reader, struct arena *arena, const char *receipt,
                      struct queue_entry *ret_entry);

/* The newest seq ever given for @shard; 0 = none. */
int queue_reader_last_seq(struct queue_reader *reader, const char *shard, uint64_t *ret_seq);

/* As those of store_reader_. */
int queue_reader_audit(struct queue_reader *reader, struct arena *arena, const char *user,
                       uint64_t before_n, size_t limit, struct store_audit_entry *ret_entries);
int queue_reader_audit_log(struct queue_reader *reader, struct arena *arena, uint64_t after_n,
                           size_t limit, struct store_audit_entry *ret_entries);
int queue_reader_audit_head(struct queue_reader *reader, struct store_audit_head *ret_head);

/* The heads that are kept of others, at most @limit. Returns how many, or -EIO. */
int queue_reader_heads(struct queue_reader *reader, struct arena *arena, size_t limit,
                       struct queue_head *ret_heads);

#endif
