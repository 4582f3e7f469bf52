/* Writing the queue; see queue_store.h. */

#include "regiond/queue_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/plant.h"
#include "common/reach.h"
#include "regiond/queue_store_internal.h"

/* Forget somewhat more than a batch can add, so that a backlog of old receipts shrinks. */
#define FORGET_EXTRA 64

/* What is known of the queue without reading it. */
struct totals {
    uint64_t last_seq;
    size_t entries; /* queued ones */
    size_t bytes;
};

struct queue_store {
    struct store_file file;
    struct totals totals;
    char *region;
    struct store_audit_head audit;
};

struct round {
    struct store_file *file;
    const struct queue_limits *limits;
    uint64_t wall_us;
    struct totals totals; /* as they will be */
    struct store_audit_chain audit;
    struct arena *arena;
};

/* ---- opening ---- */

static int read_numbers(struct store_file *file, unsigned index, int count, uint64_t *ret_numbers)
{
    sqlite3_stmt *statement = store_file_statement(file, index);
    int code, error = 0;

    if (!statement)
        return store_file_open_error(file);
    code = sqlite3_step(statement);
    for (int i = 0; i < count && code == SQLITE_ROW; i++)
        ret_numbers[i] = store_file_u64(statement, i);
    if (code != SQLITE_ROW)
        error = store_file_open_error(file);
    sqlite3_reset(statement);
    return error;
}

static int read_totals(struct queue_store *store)
{
    uint64_t waiting[2] = {0, 0};
    int error = read_numbers(&store->file, QUEUE_SQL_TOTALS, 2, waiting);

    if (error == 0)
        error = read_numbers(&store->file, QUEUE_SQL_LAST_SEQ, 1, &store->totals.last_seq);
    store->totals.entries = waiting[0];
    store->totals.bytes = waiting[1];
    if (waiting[0] > 0)
        reach(QUEUE_FOUND);
    return error;
}

int queue_store_open(const char *path, const char *vfs, struct queue_store **ret_store)
{
    struct queue_store *store = memory_alloc(sizeof(*store));
    int error = store_file_open(&store->file, path, &queue_store_kind, "queue", vfs);

    if (error == 0)
        error = read_totals(store);
    if (error == 0)
        error = store_audit_read_head(&store->file, &store->audit);
    if (error != 0) {
        queue_store_free(store);
        return error;
    }
    store->region = memory_text("");
    *ret_store = store;
    return 0;
}

void queue_store_free(struct queue_store *store)
{
    if (!store)
        return;
    store_file_close(&store->file);
    free(store->region);
    free(store);
}

void queue_store_set_region(struct queue_store *store, const char *region)
{
    free(store->region);
    store->region = memory_text(region);
}

struct store_audit_head queue_store_audit_head(const struct queue_store *store)
{
    return store->audit;
}

int queue_store_checkpoint(struct queue_store *store)
{
    return store_file_checkpoint(&store->file);
}

size_t queue_store_wal_pages(const struct queue_store *store)
{
    return store_file_wal_pages(&store->file);
}

/* ---- enqueue ---- */

/* Was it accepted before, under the same key? Then the result is set. */
static int check_known(struct round *round, struct queue_op *op, bool *ret_known)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_KNOWN);
    const struct queue_entry *entry = &op->entry;
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, entry->user);
    store_file_bind_text(statement, 2, entry->idempotency_key);
    code = sqlite3_step(statement);
    *ret_known = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        bool same = sqlite3_column_bytes(statement, 1) == sizeof(entry->request_digest) &&
                    memcmp(sqlite3_column_blob(statement, 1), entry->request_digest,
                           sizeof(entry->request_digest)) == 0;

        if (same)
            reach(QUEUED_BEFORE);
        else
            reach(QUEUED_KEY_REUSED);
        op->result = same ? QUEUE_REPLAYED : QUEUE_KEY_REUSED;
        op->seq = store_file_u64(statement, 0);
        op->replayed_state = (enum queue_state)sqlite3_column_int(statement, 2);
        snprintf(op->replayed_receipt, sizeof(op->replayed_receipt), "%s",
                 (const char *)sqlite3_column_text(statement, 3));
    }
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_file_error(round->file, code);
}

static int put_entry(struct round *round, const struct queue_entry *entry, uint64_t seq)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_ENQUEUE);

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, seq);
    store_file_bind_text(statement, 2, entry->receipt);
    store_file_bind_text(statement, 3, entry->user);
    store_file_bind_text(statement, 4, entry->shard);
    store_file_bind_text(statement, 5, entry->service);
    store_file_bind_text(statement, 6, entry->idempotency_key);
    store_file_bind_blob(statement, 7, entry->request_digest, sizeof(entry->request_digest));
    store_file_bind_u64(statement, 8, entry->accepted_wall_us);
    store_file_bind_u64(statement, 9, entry->expires_wall_us);
    store_file_bind_blob(statement, 10, entry->call.data, entry->call.size);
    store_file_bind_u64(statement, 11, entry->attempted ? 1 : 0);
    return store_file_run(round->file, statement);
}

static int put_mark(struct round *round, const char *shard, uint64_t seq)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_MARK);

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, shard);
    store_file_bind_u64(statement, 2, seq);
    return store_file_run(round->file, statement);
}

static int audit_enqueue(struct round *round, const struct queue_op *op)
{
    Mec__AuditEntry entry = store_audit_append_entry(&op->event);

    if (entry.action[0] == '\0')
        entry.action = arena_format(round->arena, "%s.write", op->entry.service);
    entry.user = store_audit_append_text(op->entry.user);
    entry.service = store_audit_append_text(op->entry.service);
    entry.outcome = store_audit_append_text("queued");
    entry.receipt = store_audit_append_text(op->entry.receipt);
    entry.shard = store_audit_append_text(op->entry.shard);
    return store_audit_append(round->file, &round->audit, round->wall_us, &entry);
}

static bool is_full(const struct round *round, size_t call_size)
{
    return round->totals.entries >= round->limits->entries_max ||
           round->totals.bytes + call_size > round->limits->bytes_max;
}

static int enqueue(struct round *round, struct queue_op *op)
{
    uint64_t seq = round->totals.last_seq + 1;
    bool known = false;
    int error = check_known(round, op, &known);

    if (error != 0 || known)
        return error;
    if (is_full(round, op->entry.call.size) && !PLANTED(BOUNDLESS_QUEUE)) {
        reach(QUEUE_FULL);
        op->result = QUEUE_FULL;
        return 0;
    }
    error = put_entry(round, &op->entry, seq);
    if (error == 0)
        error = put_mark(round, op->entry.shard, seq);
    if (error == 0)
        error = audit_enqueue(round, op);
    if (error != 0)
        return error;
    round->totals.last_seq = seq;
    round->totals.entries++;
    round->totals.bytes += op->entry.call.size;
    op->seq = seq;
    op->result = QUEUE_DONE;
    return 0;
}

/* ---- attempt and settle ---- */

/* Is @seq still queued, and how large is its call? */
static int check_queued(struct round *round, uint64_t seq, bool *ret_queued, size_t *ret_call_size)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_CALL_SIZE);
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, seq);
    code = sqlite3_step(statement);
    *ret_queued = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        *ret_call_size = store_file_u64(statement, 0);
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_file_error(round->file, code);
}

static int put_attempt(struct round *round, uint64_t seq)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_ATTEMPT);

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, seq);
    return store_file_run(round->file, statement);
}

static int put_end(struct round *round, const struct queue_entry *entry)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_SETTLE);

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, entry->seq);
    store_file_bind_u64(statement, 2, (uint64_t)entry->state);
    store_file_bind_u64(statement, 3, round->wall_us);
    store_file_bind_text(statement, 4, entry->position);
    store_file_bind_text(statement, 5, entry->problem);
    store_file_bind_text(statement, 6, entry->detail);
    return store_file_run(round->file, statement);
}

static int move_on(struct round *round, struct queue_op *op)
{
    size_t call_size = 0;
    bool queued = false;
    int error = check_queued(round, op->entry.seq, &queued, &call_size);

    op->seq = op->entry.seq;
    if (error != 0)
        return error;
    op->result = queued ? QUEUE_DONE : QUEUE_ENDED;
    if (!queued)
        return 0;
    if (op->kind == QUEUE_OP_ATTEMPT)
        return put_attempt(round, op->entry.seq);

    assert(op->entry.state != QUEUE_QUEUED);
    error = put_end(round, &op->entry);
    if (error == 0) {
        round->totals.entries--;
        round->totals.bytes -= call_size;
    }
    return error;
}

/* ---- audit ---- */

static int audit(struct round *round, struct queue_op *op)
{
    Mec__AuditEntry entry = store_audit_append_entry(&op->event);
    int error = store_audit_append(round->file, &round->audit, round->wall_us, &entry);

    if (error == 0)
        op->result = QUEUE_DONE;
    return error;
}

static int keep_head(struct round *round, struct queue_op *op)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_HEAD_PUT);
    const struct queue_head *head = &op->head;
    int error;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, head->region);
    store_file_bind_text(statement, 2, head->chain);
    store_file_bind_blob(statement, 3, head->head.start, DIGEST_SIZE);
    store_file_bind_u64(statement, 4, head->head.n);
    store_file_bind_blob(statement, 5, head->head.digest, DIGEST_SIZE);
    store_file_bind_blob(statement, 6, head->signed_head.data, head->signed_head.size);
    error = store_file_run(round->file, statement);
    if (error == 0)
        op->result = QUEUE_DONE;
    return error;
}

/* ---- a batch ---- */

static int run_op(struct round *round, struct queue_op *op)
{
    switch (op->kind) {
    case QUEUE_OP_ENQUEUE:
        return enqueue(round, op);
    case QUEUE_OP_ATTEMPT:
    case QUEUE_OP_SETTLE:
        return move_on(round, op);
    case QUEUE_OP_AUDIT:
        return audit(round, op);
    case QUEUE_OP_HEAD:
        return keep_head(round, op);
    }
    abort(); /* a kind out of range */
}

static int forget_old(struct round *round, size_t count)
{
    sqlite3_stmt *statement = store_file_statement(round->file, QUEUE_SQL_FORGET);
    uint64_t keep_us = round->limits->keep_settled_us;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, round->wall_us > keep_us ? round->wall_us - keep_us : 0);
    store_file_bind_u64(statement, 2, count);
    return store_file_run(round->file, statement);
}

static int run_ops(struct round *round, struct queue_op *ops, size_t count)
{
    int error = store_file_begin(round->file);

    for (size_t i = 0; i < count && error == 0; i++)
        error = run_op(round, &ops[i]);
    if (error == 0)
        error = forget_old(round, count + FORGET_EXTRA);
    if (error == 0)
        error = store_file_commit(round->file);
    return error == 0 ? 0 : store_file_rollback(round->file, error);
}

int queue_store_commit(struct queue_store *store, const struct queue_limits *limits,
                       uint64_t wall_us, struct queue_op *ops, size_t count)
{
    struct round round = {
        .file = &store->file,
        .limits = limits,
        .wall_us = wall_us,
        .totals = store->totals,
        .audit = {.region = store->region, .name = STORE_AUDIT_QUEUE, .head = store->audit},
        .arena = arena_create(),
    };
    int error;

    for (size_t i = 0; i < count; i++)
        ops[i].result = QUEUE_NOT_RUN;
    error = run_ops(&round, ops, count);
    arena_free(round.arena);
    if (error != 0) {
        for (size_t i = 0; i < count; i++)
            ops[i].result = QUEUE_NOT_RUN;
        return error;
    }
    store->totals = round.totals;
    store->audit = round.audit.head;
    return 0;
}
