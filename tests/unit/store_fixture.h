/* store_fixture: what the tests of a shard's file have in common: one home, and short ways to write
 * to it and to read it. */

#ifndef MEC_STORE_FIXTURE_H
#define MEC_STORE_FIXTURE_H

#include "regiond/store.h"
#include "scratch.h"

#define WALL_US UINT64_C(1700000000000000)

static struct store *home;
static struct store_reader *reader;
static struct arena *arena;

static inline struct store_op op_put(const char *key, const char *value)
{
    return (struct store_op){.kind = STORE_OP_WRITE,
                             .write = {.service = "metadata",
                                       .user = "alice",
                                       .key = key,
                                       .content_type = "text/plain",
                                       .value = slice_of(value),
                                       .idempotency_key = "",
                                       .receipt = "",
                                       .traceparent = ""}};
}

static inline struct store_op op_put_once(const char *key, const char *value, const char *once)
{
    struct store_op op = op_put(key, value);

    op.write.idempotency_key = once;
    memset(op.write.request_digest, value[0], sizeof(op.write.request_digest));
    return op;
}

static inline struct store_op op_delete(const char *key)
{
    struct store_op op = op_put(key, "");

    op.write.delete = true;
    op.write.content_type = "";
    return op;
}

static inline struct store_op op_apply(const struct store_op *made)
{
    return (struct store_op){.kind = STORE_OP_APPLY,
                             .apply = {.epoch = made->epoch,
                                       .seq = made->seq,
                                       .change = {(const char *)made->change, made->change_size},
                                       .digest = made->change_digest}};
}

/* Run one operation in a batch of its own. Its results stay until store_op_release(). */
static inline enum store_result run(struct store *store, struct store_op *op)
{
    ck_assert_int_eq(store_commit(store, 1, WALL_US, op, 1), 0);
    return op->result;
}

/* The same, for an operation whose results do not matter further. */
static inline enum store_result run_op(struct store_op op)
{
    enum store_result result = run(home, &op);

    store_op_release(&op);
    return result;
}

static inline struct record get(const char *key)
{
    struct record record = {0};

    ck_assert_int_eq(store_reader_get(reader, arena, "metadata", "alice", key, &record), 0);
    return record;
}

static inline struct store *open_store(const char *name, const char *shard)
{
    struct store *store = NULL;

    if (store_open(scratch_path(name), shard, NULL, &store) != 0)
        ck_abort_msg("%s", store_last_error());
    return store;
}

static inline void digest_of(const char *name, uint8_t digest[DIGEST_SIZE], struct store_end *end,
                             uint64_t *records)
{
    struct store_digest *work = NULL;
    int more;

    ck_assert_int_eq(store_digest_begin(scratch_path(name), NULL, &work), 0);
    while ((more = store_digest_step(work, 3)) == 1)
        ;
    ck_assert_int_eq(more, 0);
    store_digest_result(work, digest, end, records);
    store_digest_free(work);
}

static inline void open_home(void)
{
    scratch_create();
    arena = arena_create();
    home = open_store("home.db", "us-east");
    ck_assert_int_eq(store_reader_open(scratch_path("home.db"), NULL, &reader), 0);
}

static inline void close_home(void)
{
    store_reader_free(reader);
    store_free(home);
    arena_free(arena);
    scratch_remove();
}

#endif
