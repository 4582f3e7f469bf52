/* store: one shard's file: its records, its change log, the keys of writes that were made, how much
 * each user has there, and the audit chain of who wrote what (store_audit.h).
 *
 * Home and follower have the same tables, byte for byte the same changes, and the same rows; who is
 * home stands in the configuration, not here. One transaction holds the row, its change with the
 * next dense seq, the idempotency row and the audit entry: all of it or none. (Only the audit chain
 * is each region's own.) A follower's cursor *is* the last row
 * of its change log, so it cannot disagree with what was applied.
 *
 * A `struct store` is the file's only writing connection, used by one thread at a time. Reading is
 * done through `struct store_reader`, a read-only connection, by another. (SQLite 3.40 can corrupt
 * a WAL that two connections write or checkpoint at once.)
 *
 * WAL, synchronous=FULL, STRICT tables, application_id and user_version checked; no automatic
 * checkpoints: store_checkpoint() is called when there is time. */

#ifndef MEC_STORE_H
#define MEC_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory.h"
#include "common/parts.h"
#include "common/position.h"
#include "common/seal.h"
#include "common/slice.h"
#include "regiond/store_audit.h"

#define STORE_SALT_SIZE 16

struct store;
struct store_reader;

/* The end of a change log. seq 0: empty, and @digest is zero. */
struct store_end {
    uint64_t epoch;
    uint64_t seq;
    uint8_t digest[DIGEST_SIZE];
};

/* A record as it stands. Texts and value live in the caller's arena. */
struct record {
    const char *service;
    const char *user;
    const char *key;
    uint64_t incarnation;
    uint64_t version;
    bool deleted;
    const char *content_type;
    struct slice value;
    uint64_t updated_wall_us;
    uint64_t epoch, seq; /* of the change that made it */
};

/* ---- writing ---- */

enum store_condition {
    STORE_ANY,
    STORE_IF_VERSION, /* the record lives and has exactly if_version */
    STORE_IF_EXISTS,  /* `If-Match: *` */
    STORE_IF_ABSENT   /* `If-None-Match: *`: no living record */
};

/* What the value of a write is to be sealed with; see common/seal.h. The owner wipes it once the
 * operation is done: the store keeps no copy. */
struct store_seal {
    uint8_t key[SEAL_KEY_SIZE];
    uint8_t nonce[SEAL_NONCE_SIZE]; /* never used before under this key */
};

/* A client's write at the home. Borrowed pointers; the batch's owner keeps them alive. */
struct store_write {
    const char *service;
    const char *user;
    const char *key;
    bool delete; /* of a record that does not live: STORE_NOT_FOUND */
    const char *content_type;
    struct slice value;
    enum store_condition condition;
    uint64_t if_version;
    const char *idempotency_key; /* unique for (user, key); "" = none, for internal writes */
    uint8_t request_digest[16];  /* another one under the same key: STORE_KEY_REUSED */
    const char *receipt;         /* "" when not a queued write; what refuses one is final */
    const char *traceparent;
    uint64_t expires_wall_us; /* refuse past this (STORE_EXPIRED), unless already made; 0 = never */
    bool forbidden;           /* refuse (STORE_FORBIDDEN), unless already made */

    /* Which tokens of @user it voids. Not stored: for whoever tells the followers ahead of the log
     * (announce.h). */
    uint64_t revokes_below; /* those of a lower generation; 0: none; UINT64_MAX: all, for ever */
    const char *revokes_session; /* those of this session; NULL: none */
    uint64_t revokes_until_s;    /* when the last of them expires by itself; 0: never */

    /* What the user may have in the service, after this; keys with their values, as stored. A write
     * that grows past it is refused (STORE_OVER_QUOTA); deletes and smaller values always pass. */
    uint64_t quota_bytes, quota_keys; /* 0: no limit */

    /* What is stored, shipped and counted is then the sealed value: SEAL_OVERHEAD more. It is bound
     * to shard, service, user, key and the version that it gets. NULL: as it is. */
    const struct store_seal *seal;

    /* Of random, when copies elsewhere are told no more of the change than its digest; zero: they
     * are told all. */
    uint8_t salt[STORE_SALT_SIZE];

    /* For the audit entry. */
    const char *action;  /* "metadata.put"; NULL: SERVICE.put or SERVICE.delete */
    const char *session; /* NULL: none */
    const char *actor;   /* id of who writes; NULL: the user */
};

/* A change from the home. */
struct store_apply {
    uint64_t epoch; /* of the stream that brought it */
    uint64_t seq;
    struct slice change;   /* stored bytes; or a redaction, which has no effect but its place */
    const uint8_t *digest; /* DIGEST_SIZE, of the change as its home has it */
    const uint8_t *redaction_digest; /* DIGEST_SIZE, of @change as it came; NULL: it is whole */
};

/* Those that refuse a write rest on disks (a queued write's refusal): they are never renumbered. */
enum store_result {
    STORE_DONE,             /* written now */
    STORE_REPLAYED,         /* was written before under this key; the results are the first ones */
    STORE_HAD_IT,           /* apply: seq <= cursor */
    STORE_CONDITION_FAILED, /* version holds the record's present version (0: none) */
    STORE_NOT_FOUND,
    STORE_KEY_REUSED,
    STORE_EXPIRED,
    STORE_FORBIDDEN,
    STORE_GAP,         /* apply: seq > cursor + 1 */
    STORE_DIVERGED,    /* apply: the previous digest is not ours */
    STORE_STALE_EPOCH, /* apply, write: older than the log's epoch */
    STORE_INVALID,     /* apply: digest mismatch or unreadable */
    STORE_NOT_RUN,     /* the batch did not commit */
    STORE_OVER_QUOTA
};

enum store_op_kind {
    STORE_OP_WRITE,
    STORE_OP_APPLY,
    STORE_OP_AUDIT /* append an entry without a change, at the home */
};

struct store_op {
    enum store_op_kind kind;
    union {
        struct store_write write;
        struct store_apply apply;
        struct store_event event;
    };

    /* Results, valid after store_commit() has returned 0. */
    enum store_result result;
    uint64_t version;
    uint64_t incarnation;
    bool created;
    bool deleted;
    uint64_t epoch, seq;
    /* The change that was made or applied: service, user and key of its record (for a home write
     * the op's own), and for STORE_DONE writes its stored bytes and digest, malloc'ed, which the
     * batch's owner frees with store_op_release(). */
    const char *service, *user, *key;
    uint8_t *change;
    size_t change_size;
    uint8_t change_digest[DIGEST_SIZE];
    char *names;   /* what service, user and key of an applied change point into; likewise */
    void *context; /* the owner's */
};

void store_op_release(struct store_op *op);

/* Open the file of @shard at @path, creating it when missing: made whole beside and renamed, so
 * that a crash never leaves half a file. @vfs names an SQLite VFS; NULL is the default one.
 *
 * The directory is not synced here; storage_open() does it once for all files.
 *
 * Errors: -EACCES, -EROFS, -ENOSPC, -ENOENT, -EIO as the system says; -EMEDIUMTYPE, not one of our
 * files, or of another shard; -EPROTONOSUPPORT, made by a newer version; -EUCLEAN, damaged.
 * store_last_error() says more. */
int store_open(const char *path, const char *shard, const char *vfs, struct store **ret_store);
void store_free(struct store *store);

/* Whose chain the audit entries are in; the empty text unless set. */
void store_set_region(struct store *store, const char *region);

struct store_end store_end(const struct store *store);
struct store_audit_head store_audit_head(const struct store *store);

/* Run all of @ops in one durable transaction, in order. An operation that is refused leaves nothing
 * behind and does not touch the others. @epoch is the shard's present epoch, for writes. Results of
 * an earlier run are overwritten, not released.
 *
 * Returns 0 when committed. Errors: -ENOSPC, the disk is full or read-only and nothing has
 * happened; -EIO, the fate of the batch is unknown and the process must end: going on after a
 * failed fsync loses acknowledged commits. On an error every result is STORE_NOT_RUN. */
int store_commit(struct store *store, uint64_t epoch, uint64_t wall_us, struct store_op *ops,
                 size_t count);

/* Move the WAL into the file: passive, never blocks readers. Returns frames left in the WAL, or
 * -EIO. */
int store_checkpoint(struct store *store);
size_t store_wal_pages(const struct store *store);

/* Look at the next @count idempotency rows and forget those older than @before_wall_us, in a
 * transaction of its own. Returns 1 when there are more rows, 0 when all have been seen and the
 * next call starts from the front. Errors: as store_commit(). */
int store_trim(struct store *store, uint64_t before_wall_us, size_t count);

/* What SQLite said last on this thread, for the log. */
const char *store_last_error(void);

/* ---- reading ---- */

/* Errors: as store_open(); the file must exist. */
int store_reader_open(const char *path, const char *vfs, struct store_reader **ret_reader);
void store_reader_free(struct store_reader *reader);

/* Errors: -ENOENT, never existed (a tombstone is found, with deleted set); -EIO. */
int store_reader_get(struct store_reader *reader, struct arena *arena, const char *service,
                     const char *user, const char *key, struct record *ret_record);

/* Living records of @user with keys that start with @prefix and sort behind @after, by key, at most
 * @limit; values are not read (value.size is their size, value.data NULL). Returns how many, or
 * -EIO. */
int store_reader_list(struct store_reader *reader, struct arena *arena, const char *service,
                      const char *user, const char *prefix, const char *after, size_t limit,
                      struct record *ret_records);

struct store_change {
    uint64_t epoch, seq;
    struct slice bytes;
    const uint8_t *digest;
};

/* Changes behind @after_seq, dense, at most @count and about @bytes_max (at least one). Returns how
 * many, or -EIO. */
int store_reader_changes(struct store_reader *reader, struct arena *arena, uint64_t after_seq,
                         size_t count, size_t bytes_max, struct store_change *ret_changes);

int store_reader_end(struct store_reader *reader, struct store_end *ret_end);

/* What @user has in @service: living keys, and the bytes of keys and values as stored. Errors:
 * -EIO. */
int store_reader_usage(struct store_reader *reader, const char *service, const char *user,
                       uint64_t *ret_keys, uint64_t *ret_bytes);

/* Audit entries of @user, newest first: those older than @before_n (0: from the newest), at most
 * @limit. Returns how many, or -EIO. */
int store_reader_audit(struct store_reader *reader, struct arena *arena, const char *user,
                       uint64_t before_n, size_t limit, struct store_audit_entry *ret_entries);

/* All entries behind @after_n, in their order, at most @limit. Returns how many, or -EIO. */
int store_reader_audit_log(struct store_reader *reader, struct arena *arena, uint64_t after_n,
                           size_t limit, struct store_audit_entry *ret_entries);

int store_reader_audit_head(struct store_reader *reader, struct store_audit_head *ret_head);

/* The content digest of the whole copy, some rows at a time, so that a large shard does not stall
 * the caller: begin, step until it returns 0, read the result. Uses a snapshot of its own. */
struct store_digest;
int store_digest_begin(const char *path, const char *vfs, struct store_digest **ret_digest);
/* Returns 1 when there is more, 0 when done, -EIO. */
int store_digest_step(struct store_digest *digest, size_t rows);
/* BLAKE2b-256 over the records in key order, tombstones too; and the position it stands at. */
void store_digest_result(const struct store_digest *digest, uint8_t ret_digest[DIGEST_SIZE],
                         struct store_end *ret_end, uint64_t *ret_records);
/* The same over the records of one service alone: for copies that may not hold those of another. */
void store_digest_service(const struct store_digest *digest, enum parts_service service,
                          uint8_t ret_digest[DIGEST_SIZE], uint64_t *ret_records);
void store_digest_free(struct store_digest *digest);

#endif
