/* What the parts of store.c share: the file's format and the writer's state. */

#ifndef MEC_STORE_INTERNAL_H
#define MEC_STORE_INTERNAL_H

#include "regiond/store.h"
#include "regiond/store_audit_internal.h"
#include "regiond/store_file.h"
#include "replication.pb-c.h"

/* The tables of a shard's file, and every statement that is kept for them. */
extern const struct store_file_kind store_kind;

enum store_statement {
    STORE_SQL_END = STORE_AUDIT_SQL_COUNT,
    STORE_SQL_KEY_GET,
    STORE_SQL_KEY_PUT,
    STORE_SQL_KEY_SWEEP,
    STORE_SQL_KEY_DELETE,
    STORE_SQL_HEAD, /* of a record: what a write must know of the one before */
    STORE_SQL_RECORD_PUT,
    STORE_SQL_CHANGE_PUT,
    STORE_SQL_RECORD_GET,
    STORE_SQL_RECORD_LIST,
    STORE_SQL_RECORD_SCAN,
    STORE_SQL_CHANGES,
    STORE_SQL_CHANGE_GET,
    STORE_SQL_CHANGE_FIRST,
    STORE_SQL_USAGE_GET,
    STORE_SQL_USAGE_ADD,
    STORE_SQL_USAGE_PUT
};

struct store {
    struct store_file file;
    char *shard;
    char *region, *chain;
    struct store_end end;
    struct store_audit_head audit;
    struct arena *arena;             /* of one operation */
    char *sweep_user, *sweep_key; /* store_trim() goes on behind this one; NULL: from the front */
};

/* One transaction under way. */
struct store_round {
    uint64_t epoch;
    uint64_t wall_us;
    struct store_end end; /* as it will be */
    struct store_audit_chain audit;
};

/* The record before a change. All zero: it has never existed. */
struct store_head {
    uint64_t incarnation;
    uint64_t version;
    bool lives;
    uint64_t bytes; /* key and value, when it lives */
};

/* Errors: -ENOSPC, -EIO. */
int store_write_read_head(struct store *store, const char *service, const char *user,
                          const char *key, struct store_head *ret_head);

/* Run one operation inside the transaction, and set op->result. Nothing of it is left undone or
 * half done when it returns 0. Errors: -ENOSPC, -EIO; the whole transaction is to be undone. */
int store_write_run(struct store *store, struct store_round *round, struct store_op *op);
int store_apply_run(struct store *store, struct store_round *round, struct store_op *op);

/* Put a change and what follows from it: the change's row, the record, what its user has, the key
 * of the write; and move the round's end. @bytes are @change as packed, @head is what it changes.
 *
 * The log is one half of it, the effect the other; never is there one without the other, but for
 * planted bugs. */
int store_write_put(struct store *store, struct store_round *round, const Mec__Change *change,
                    struct slice bytes, const uint8_t digest[DIGEST_SIZE],
                    const struct store_head *head);
int store_write_put_log(struct store *store, struct store_round *round, const Mec__Change *change,
                        struct slice bytes, const uint8_t digest[DIGEST_SIZE]);
int store_write_put_effect(struct store *store, const Mec__Change *change,
                           const struct store_head *head);

/* ---- store_usage.c: what a user has in a service ---- */

struct store_usage {
    uint64_t keys, bytes;
};

/* Errors: -ENOSPC, -EIO. */
int store_usage_read(struct store_file *file, const char *service, const char *user,
                     struct store_usage *ret_usage);

/* @change takes the place of @head. Errors: likewise. */
int store_usage_change(struct store_file *file, const Mec__Change *change,
                       const struct store_head *head);

/* May @write, whose value will take @value_bytes, take the place of @head? Errors: likewise. */
int store_usage_check(struct store_file *file, const struct store_write *write,
                      size_t value_bytes, const struct store_head *head, bool *ret_fits);

/* ---- store_audit_write.c: the entries of a home's writes ---- */

/* The entry of a write that was made: @op's results are in place. Errors: -ENOSPC, -EIO. */
int store_audit_write_done(struct store *store, struct store_round *round,
                           const struct store_op *op);
/* The entry of a queued write that is refused for good. */
int store_audit_write_refused(struct store *store, struct store_round *round,
                              const struct store_op *op);
/* STORE_OP_AUDIT. */
int store_audit_write_event(struct store *store, struct store_round *round, struct store_op *op);

/* The end of the log as the file has it. Errors: -EUCLEAN, the last change is damaged; as
 * store_open(). */
int store_read_end(struct store_file *file, struct store_end *ret_end);

void store_digest_of(struct slice bytes, uint8_t ret_digest[DIGEST_SIZE]);

#endif
