/* A batch as one transaction, and the trimming of old keys; see store.h. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/store_internal.h"

void store_op_release(struct store_op *op)
{
    free(op->change);
    free(op->names);
    op->change = NULL;
    op->change_size = 0;
    op->names = NULL;
    op->service = op->user = op->key = NULL;
}

static int run_op(struct store *store, struct store_round *round, struct store_op *op)
{
    arena_reset(store->arena);
    switch (op->kind) {
    case STORE_OP_WRITE:
        return store_write_run(store, round, op);
    case STORE_OP_APPLY:
        return store_apply_run(store, round, op);
    case STORE_OP_AUDIT:
        return store_audit_write_event(store, round, op);
    }
    abort(); /* a kind out of range */
}

/* No savepoint is set around an operation: everything that can be wrong with one is found by
 * reading, before its first row is written, so a refused operation leaves nothing to undo; and what
 * goes wrong while writing (a full disk, a failing one) is never the operation's own fault and
 * fails the whole batch. So none can spoil another, and none pays for the copies that SQLite makes
 * of every page changed under a savepoint. */
static int run_ops(struct store *store, struct store_round *round, struct store_op *ops,
                   size_t count)
{
    int error = store_file_begin(&store->file);

    for (size_t i = 0; i < count && error == 0; i++)
        error = run_op(store, round, &ops[i]);
    if (error == 0)
        error = store_file_commit(&store->file);
    return error == 0 ? 0 : store_file_rollback(&store->file, error);
}

static void forget_results(struct store_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        store_op_release(&ops[i]);
        ops[i].result = STORE_NOT_RUN;
    }
}

static void prepare_results(struct store_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct store_op *op = &ops[i];

        op->result = STORE_NOT_RUN;
        op->version = op->incarnation = op->epoch = op->seq = 0;
        op->created = op->deleted = false;
        op->service = op->user = op->key = NULL;
        op->change = NULL;
        op->change_size = 0;
        op->names = NULL;
    }
}

int store_commit(struct store *store, uint64_t epoch, uint64_t wall_us, struct store_op *ops,
                 size_t count)
{
    struct store_round round = {
        .epoch = epoch,
        .wall_us = wall_us,
        .end = store->end,
        .audit = {.region = store->region, .name = store->chain, .head = store->audit},
    };
    int error;

    prepare_results(ops, count);
    error = run_ops(store, &round, ops, count);
    if (error != 0) {
        forget_results(ops, count);
        return error;
    }
    store->end = round.end;
    store->audit = round.audit.head;
    return 0;
}

/* ---- trimming ---- */

struct old_key {
    const char *user, *key;
};

/* Look at the next @count keys in their order, and collect the old ones. An index by time would
 * find them faster, and cost every write a page. */
static int sweep(struct store *store, uint64_t before_wall_us, size_t count,
                 struct old_key *ret_old, size_t *ret_old_count)
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_KEY_SWEEP);
    const char *user = NULL, *key = NULL;
    size_t seen = 0, old = 0;
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, store->sweep_user);
    store_file_bind_text(statement, 2, store->sweep_key);
    store_file_bind_u64(statement, 3, count);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        user = store_file_text(statement, 0, store->arena);
        key = store_file_text(statement, 1, store->arena);
        if (store_file_u64(statement, 2) < before_wall_us)
            ret_old[old++] = (struct old_key){user, key};
        seen++;
    }
    sqlite3_reset(statement);
    if (code != SQLITE_DONE)
        return store_file_error(&store->file, code);

    free(store->sweep_user);
    free(store->sweep_key);
    store->sweep_user = seen == count ? memory_text(user) : NULL;
    store->sweep_key = seen == count ? memory_text(key) : NULL;
    *ret_old_count = old;
    return 0;
}

static int delete_keys(struct store *store, const struct old_key *old, size_t count)
{
    sqlite3_stmt *statement = store_file_statement(&store->file, STORE_SQL_KEY_DELETE);
    int error;

    if (!statement)
        return -EIO;
    error = store_file_begin(&store->file);
    for (size_t i = 0; i < count && error == 0; i++) {
        store_file_bind_text(statement, 1, old[i].user);
        store_file_bind_text(statement, 2, old[i].key);
        error = store_file_run(&store->file, statement);
    }
    if (error == 0)
        error = store_file_commit(&store->file);
    return error == 0 ? 0 : store_file_rollback(&store->file, error);
}

int store_trim(struct store *store, uint64_t before_wall_us, size_t count)
{
    struct old_key *old;
    size_t old_count = 0;
    int error;

    if (store->file.failed)
        return store_file_complain(-EIO, "%s: an earlier write failed", store->file.path);
    if (count == 0)
        return 0;
    arena_reset(store->arena);
    old = arena_alloc(store->arena, count * sizeof(*old));
    error = sweep(store, before_wall_us, count, old, &old_count);
    if (error == 0 && old_count > 0)
        error = delete_keys(store, old, old_count);
    if (error == 0 && store->sweep_user)
        return 1;
    return error;
}
