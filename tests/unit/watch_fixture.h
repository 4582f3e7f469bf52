/* watch_fixture: what the tests of the simulator's checks have in common: three regions with real
 * files, whose batches are run and shown to a watch, and clients that say what they were told. */

#ifndef MEC_WATCH_FIXTURE_H
#define MEC_WATCH_FIXTURE_H

#include <stdarg.h>
#include <sys/stat.h>

#include "scratch.h"
#include "sim/watch.h"

enum { US, EU, AP, REGIONS };

#define USER    "u-ann"
#define WALL_US UINT64_C(1790000000000000)

static const char *const names[REGIONS] = {"us-east", "eu-west", "ap-south"};
static struct plan plan;
static struct watch *watch;
static struct storage *storages[REGIONS];
static uint64_t now_us;
static struct bookmark bookmarks[4]; /* of the clients */

/* Each step of the story takes a millisecond. */
static inline uint64_t tick(void)
{
    return now_us += MILLISECOND_US;
}

static inline const char *directory_of(uint32_t region)
{
    return scratch_path(names[region]);
}

static inline void open_region(uint32_t region)
{
    const char *failed;

    ck_assert_int_eq(storage_open(directory_of(region), names[region], names, REGIONS, NULL,
                                  &storages[region], &failed),
                     0);
}

/* The region's process has ended and starts again. */
static inline void reopen(uint32_t region)
{
    struct store_end ends[REGIONS];

    storage_free(storages[region]);
    open_region(region);
    for (uint32_t i = 0; i < REGIONS; i++)
        ends[i] = storage_end(storages[region], i);
    watch_opened(watch, tick(), region, NULL, directory_of(region), ends);
}

static inline void set_up(void)
{
    scratch_create();
    now_us = SECOND_US;
    memset(bookmarks, 0, sizeof bookmarks);
    plan = (struct plan){.region_count = REGIONS, .router_count = 1, .client_count = 4};
    mec__settings__init(&plan.settings);
    for (uint32_t i = 0; i < REGIONS; i++) {
        strcpy(plan.region_names[i], names[i]);
        ck_assert_int_eq(mkdir(directory_of(i), 0700), 0);
        open_region(i);
    }
    watch = watch_create(&plan, NULL);
    for (uint32_t i = 0; i < REGIONS; i++)
        reopen(i);
}

static inline void tear_down(void)
{
    watch_free(watch);
    for (uint32_t i = 0; i < REGIONS; i++)
        storage_free(storages[i]);
    scratch_remove();
}

/* ---- what is found ---- */

static inline void check_clean(void)
{
    const struct watch_breach *breach = watch_breach(watch);

    ck_assert_msg(!breach->found, "%s: %s", watch_check_name(breach->check), breach->text);
}

static inline void check_found(enum watch_check check)
{
    const struct watch_breach *breach = watch_breach(watch);

    ck_assert_msg(breach->found, "nothing was found, %s was expected", watch_check_name(check));
    ck_assert_msg(breach->check == check, "%s instead of %s: %s", watch_check_name(breach->check),
                  watch_check_name(check), breach->text);
}

/* Of what was asked for: values tell writes apart. */
static inline void fill_digest(uint8_t ret_digest[16], const char *value)
{
    for (size_t i = 0; i < 16 && value[i] != '\0'; i++)
        ret_digest[i] = (uint8_t)value[i];
}

/* ---- shards ---- */

static inline struct store_op put_op(const char *key, const char *value, const char *once)
{
    struct store_op op = {.kind = STORE_OP_WRITE,
                          .write = {.service = "metadata",
                                    .user = USER,
                                    .key = key,
                                    .content_type = "text/plain",
                                    .value = slice_of(value),
                                    .idempotency_key = once,
                                    .receipt = "",
                                    .traceparent = ""}};

    fill_digest(op.write.request_digest, value);
    return op;
}

static inline struct store_op delete_op(const char *key, const char *once)
{
    struct store_op op = put_op(key, "", once);

    op.write.delete = true;
    op.write.content_type = "";
    return op;
}

static inline struct storage_batch batch_of(uint32_t shard, uint64_t epoch, struct store_op *op)
{
    return (struct storage_batch){
        .target = shard, .epoch = epoch, .wall_us = WALL_US + now_us, .ops = op, .count = 1};
}

/* Run it and keep its results, without showing it to the watch. */
static inline void run(uint32_t region, uint32_t shard, uint64_t epoch, struct store_op *op)
{
    struct storage_batch batch = batch_of(shard, epoch, op);

    storage_run(storages[region], &batch);
    ck_assert_int_eq(batch.error, 0);
}

static inline void show(uint32_t region, uint32_t shard, uint64_t epoch, struct store_op *op)
{
    struct storage_batch batch = batch_of(shard, epoch, op);

    watch_batch(watch, tick(), region, &batch);
}

/* Both, at the home of @shard as it was at first. The results are in @op, but for its change. */
static inline struct store_op commit(uint32_t shard, struct store_op op)
{
    run(shard, shard, 1, &op);
    show(shard, shard, 1, &op);
    store_op_release(&op);
    return op;
}

static inline struct store_op put(const char *key, const char *value, const char *once)
{
    return commit(US, put_op(key, value, once));
}

/* What the home of @shard has as its change @seq, as it comes to a follower. */
static inline struct store_op apply_op(struct arena *arena, uint32_t shard, uint64_t epoch,
                                       uint64_t seq)
{
    char *path = storage_shard_path(directory_of(shard), names[shard]);
    struct store_change change;
    struct store_reader *reader;

    ck_assert_int_eq(store_reader_open(path, NULL, &reader), 0);
    ck_assert_int_eq(store_reader_changes(reader, arena, seq - 1, 1, 1 << 20, &change), 1);
    store_reader_free(reader);
    free(path);
    return (struct store_op){
        .kind = STORE_OP_APPLY,
        .apply = {.epoch = epoch, .seq = seq, .change = change.bytes, .digest = change.digest}};
}

/* The follower gets all of the home's log. */
static inline void ship(uint32_t shard, uint32_t follower)
{
    struct arena *arena = arena_create();

    while (watch_copy_seq(watch, follower, shard) < watch_last_seq(watch, shard)) {
        struct store_op op = apply_op(arena, shard, 1, watch_copy_seq(watch, follower, shard) + 1);
        uint64_t before = op.apply.seq;

        run(follower, shard, 1, &op);
        ck_assert_int_eq(op.result, STORE_DONE);
        show(follower, shard, 1, &op);
        store_op_release(&op);
        ck_assert_uint_eq(watch_copy_seq(watch, follower, shard), before);
    }
    arena_free(arena);
}

/* ---- queues ---- */

static inline struct storage_batch queue_batch_of(struct queue_op *op)
{
    return (struct storage_batch){.target = STORAGE_QUEUE,
                                  .wall_us = WALL_US + now_us,
                                  .queue_ops = op,
                                  .count = 1,
                                  .limits = {1000, 1 << 20, 3600 * SECOND_US}};
}

static inline struct queue_op enqueue_op(const char *receipt, const char *once, const char *value)
{
    struct queue_op op = {.kind = QUEUE_OP_ENQUEUE,
                          .entry = {.receipt = receipt,
                                    .user = USER,
                                    .shard = names[US],
                                    .service = "metadata",
                                    .idempotency_key = once,
                                    .accepted_wall_us = WALL_US + now_us,
                                    .expires_wall_us = WALL_US + 3600 * SECOND_US,
                                    .call = {"call", 4},
                                    .position = "",
                                    .problem = "",
                                    .detail = ""}};

    fill_digest(op.entry.request_digest, value);
    return op;
}

static inline struct queue_op settle_op(uint64_t seq, enum queue_state state, const char *position)
{
    return (struct queue_op){
        .kind = QUEUE_OP_SETTLE,
        .entry = {.seq = seq,
                  .receipt = "",
                  .user = "",
                  .shard = "",
                  .service = "",
                  .idempotency_key = "",
                  .state = state,
                  .position = position,
                  .problem = state == QUEUE_REJECTED ? "precondition-failed" : "",
                  .detail = ""}};
}

static inline void run_queue(uint32_t region, struct queue_op *op)
{
    struct storage_batch batch = queue_batch_of(op);

    storage_run(storages[region], &batch);
    ck_assert_int_eq(batch.error, 0);
}

static inline void show_queue(uint32_t region, struct queue_op *op)
{
    struct storage_batch batch = queue_batch_of(op);

    watch_batch(watch, tick(), region, &batch);
}

static inline struct queue_op queue(uint32_t region, struct queue_op op)
{
    run_queue(region, &op);
    show_queue(region, &op);
    return op;
}

/* The queued write @receipt has come to its home. */
static inline struct store_op deliver(const char *key, const char *value, const char *once,
                                      const char *receipt)
{
    struct store_op op = put_op(key, value, once);

    op.write.receipt = receipt;
    return commit(US, op);
}

/* ---- clients ---- */

struct step {
    struct plan_operation operation;
    struct outcome_asked asked;
    struct outcome outcome;
    struct position position;
    char body[256];
};

static inline struct step step_of(uint32_t client, enum plan_operation_kind kind, const char *key)
{
    static uint32_t number;

    return (struct step){
        .operation = {.number = ++number, .client = client, .kind = kind, .region = PLAN_NONE},
        .asked = {.user_id = USER,
                  .shard = names[US],
                  .user_name = "ann",
                  .key = key,
                  .value = "",
                  .idempotency_key = "",
                  .if_value = "",
                  .receipt = "",
                  .owner = "",
                  .strong = kind == PLAN_OPERATION_READ_STRONG,
                  .stale_ok = kind == PLAN_OPERATION_READ_STALE},
        .outcome = {.receipt = "", .region = names[US], .served = MEC__SERVED__SERVED_HOME}};
}

static inline struct step write_of(uint32_t client, const char *key, const char *value,
                                   const char *once)
{
    struct step step = step_of(client, PLAN_OPERATION_WRITE, key);

    step.asked.value = value;
    step.asked.idempotency_key = once;
    return step;
}

static inline void ask(struct step *step)
{
    step->asked.operation = &step->operation;
    step->asked.bookmark = bookmarks[step->operation.client];
    step->asked.now_us = tick();
    watch_asked(watch, &step->asked);
}

static inline void at(struct step *step, uint64_t epoch, uint64_t seq)
{
    strcpy(step->position.shard, names[US]);
    step->position.epoch = epoch;
    step->position.seq = seq;
    step->outcome.position = &step->position;
}

static inline void tell(struct step *step, int status, enum problem_id problem)
{
    step->asked.operation = &step->operation;
    step->outcome.now_us = tick();
    step->outcome.status = status;
    if (step->outcome.position)
        (void)bookmark_advance(&bookmarks[step->operation.client], step->outcome.position);
    step->outcome.problem = problem;
    watch_told(watch, &step->asked, &step->outcome);
}

static inline void body(struct step *step, const char *text)
{
    snprintf(step->body, sizeof step->body, "%s", text);
    step->outcome.body = slice_of(step->body);
}

/* It is told that @made was its doing. */
static inline void tell_written(struct step *step, const struct store_op *made)
{
    at(step, made->epoch, made->seq);
    step->outcome.version = made->version;
    tell(step, made->created ? 201 : 204, PROBLEM_NONE);
}

/* It is told that the write waits in @region. */
static inline void tell_queued(struct step *step, uint32_t region, const char *receipt)
{
    step->outcome.region = names[region];
    step->outcome.served = MEC__SERVED__SERVED_QUEUE;
    step->outcome.receipt = receipt;
    step->outcome.receipt_state = QUEUE_QUEUED;
    tell(step, 202, PROBLEM_NONE);
}

/* It reads @value in @region, whose copy is at @seq. */
static inline void tell_value(struct step *step, uint32_t region, uint64_t seq, uint64_t version,
                              const char *value)
{
    step->outcome.region = names[region];
    step->outcome.served = region == US ? MEC__SERVED__SERVED_HOME : MEC__SERVED__SERVED_REPLICA;
    step->outcome.version = version;
    at(step, 1, seq);
    body(step, value);
    tell(step, 200, PROBLEM_NONE);
}

/* A whole write: asked, made, told. */
static inline struct store_op client_puts(uint32_t client, const char *key, const char *value,
                                          const char *once)
{
    struct step step = write_of(client, key, value, once);
    struct store_op made;

    ask(&step);
    made = put(key, value, once);
    tell_written(&step, &made);
    return made;
}

#endif
