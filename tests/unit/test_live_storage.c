/* The storage thread: batches go there and come back on the loop, in order, committed. */

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fault_vfs.h"
#include "regiond/live_storage.h"
#include "regiond/live_work.h"
#include "scratch.h"
#include "tests/unit/suite.h"

#define BATCH 8

static const char *const shards[] = {"us-east", "eu-west"};
static struct live_loop *loop;
static struct storage *storage;
static struct live_storage *live;

/* One batch that is made anew each time it comes back. */
static struct store_op ops[BATCH];
static struct storage_batch batch;
static uint64_t rounds, rounds_wanted;
static uint64_t last_seq;
static int seen_error;

static void give(void)
{
    static char keys[BATCH][24];

    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%u-%u", (unsigned)rounds, i);
        ops[i] = (struct store_op){.kind = STORE_OP_WRITE,
                                   .write = {.service = "metadata",
                                             .user = "alice",
                                             .key = keys[i],
                                             .content_type = "",
                                             .value = slice_of("value"),
                                             .idempotency_key = keys[i],
                                             .receipt = "",
                                             .traceparent = ""}};
    }
    batch = (struct storage_batch){.target = 1,
                                   .epoch = 1,
                                   .wall_us = live_loop_now().wall_us,
                                   .ops = ops,
                                   .count = BATCH,
                                   .context = &rounds};
    live_storage_run(live, &batch);
}

static void on_done(struct storage_batch *done, void *context)
{
    ck_assert_ptr_eq(context, &seen_error);
    ck_assert_ptr_eq(done, &batch);
    ck_assert_ptr_eq(done->context, &rounds);
    seen_error = done->error;
    for (unsigned i = 0; i < BATCH && done->error == 0; i++) {
        ck_assert_int_eq(ops[i].result, STORE_DONE);
        ck_assert_uint_eq(ops[i].seq, ++last_seq);
    }
    for (unsigned i = 0; i < BATCH; i++)
        store_op_release(&ops[i]);
    if (++rounds == rounds_wanted || done->error != 0)
        live_loop_stop(loop);
    else
        give();
}

static void set_up(void)
{
    const char *failed;

    rounds = last_seq = 0;
    fault_vfs_register();
    fault_heal();
    scratch_create();
    ck_assert_int_eq(live_loop_create(&loop), 0);
    ck_assert_int_eq(storage_open(scratch, "us-east", shards, 2, NULL, &storage, &failed), 0);
    ck_assert_int_eq(live_storage_create(loop, storage, on_done, &seen_error, &live), 0);
}

static void tear_down(void)
{
    live_storage_free(live);
    storage_free(storage);
    live_loop_free(loop);
    scratch_remove();
}

static void run_rounds(uint64_t wanted)
{
    rounds_wanted = wanted;
    give();
    live_loop_run(loop);
}

START_TEST(batches_come_back_committed_and_in_order)
{
    run_rounds(200);
    ck_assert_uint_eq(rounds, 200);
    ck_assert_uint_eq(last_seq, 200 * BATCH);
    live_storage_free(live);
    live = NULL;
    ck_assert_uint_eq(storage_end(storage, 1).seq, 200 * BATCH);
}
END_TEST

START_TEST(a_reader_on_the_loop_sees_a_batch_that_came_back)
{
    char *path = storage_shard_path(scratch, "eu-west");
    struct store_reader *reader = NULL;
    struct store_end end = {0};

    ck_assert_int_eq(store_reader_open(path, NULL, &reader), 0);
    for (uint64_t i = 1; i <= 20; i++) {
        run_rounds(i);
        ck_assert_int_eq(store_reader_end(reader, &end), 0);
        ck_assert_uint_eq(end.seq, last_seq);
    }
    store_reader_free(reader);
    free(path);
}
END_TEST

START_TEST(a_failed_disk_comes_back_as_an_error)
{
    fault_arm(FAULT_SYNC, 1);
    run_rounds(1);
    ck_assert_int_eq(seen_error, -EIO);
}
END_TEST

START_TEST(freeing_waits_for_the_batch_under_way)
{
    give();
    live_storage_free(live);
    live = NULL;
    ck_assert_uint_eq(rounds, 0);
    for (unsigned i = 0; i < BATCH; i++)
        store_op_release(&ops[i]);
}
END_TEST

/* ---- the threads themselves ---- */

#define ITEMS 400

struct item {
    unsigned number;
    unsigned square; /* made on a thread */
};

static struct item items[ITEMS];
static unsigned items_done;
static atomic_uint idle_steps;
static struct live_work *work;

static void square(void *item, void *context)
{
    struct item *one = item;

    (void)context;
    one->square = one->number * one->number;
}

static void count_done(void *item, void *context)
{
    struct item *one = item;

    (void)context;
    ck_assert_uint_eq(one->square, one->number * one->number);
    if (++items_done == ITEMS)
        live_loop_stop(loop);
    else if (items_done <= ITEMS / 2)
        live_work_give(work, &items[ITEMS / 2 + items_done - 1]);
}

/* The fifth step gives an item, to show on the loop that the steps go on while nothing is given. */
static bool five_steps(void *context)
{
    unsigned step = atomic_fetch_add(&idle_steps, 1) + 1;

    (void)context;
    if (step == 5)
        live_work_give(work, &items[0]);
    return step < 5;
}

START_TEST(two_threads_hand_every_item_back_once)
{
    struct live_work_options options = {.threads = 2, .run = square, .done = count_done};

    items_done = 0;
    ck_assert_int_eq(live_work_create(loop, &options, &work), 0);
    for (unsigned i = 0; i < ITEMS; i++)
        items[i].number = i;
    for (unsigned i = 0; i < ITEMS / 2; i++)
        live_work_give(work, &items[i]);
    live_loop_run(loop);
    ck_assert_uint_eq(items_done, ITEMS);
    live_work_free(work);
}
END_TEST

static void stop_at_second(void *item, void *context)
{
    (void)item;
    (void)context;
    if (++items_done == 2)
        live_loop_stop(loop);
}

START_TEST(an_idle_thread_takes_steps_until_there_are_none)
{
    struct live_work_options options = {
        .threads = 1, .idle_ms = 1, .run = square, .done = stop_at_second, .idle = five_steps};

    items_done = 0;
    atomic_store(&idle_steps, 0);
    ck_assert_int_eq(live_work_create(loop, &options, &work), 0);
    live_work_give(work, &items[1]);
    live_loop_run(loop);
    ck_assert_uint_ge(atomic_load(&idle_steps), 5);
    live_work_free(work);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        batches_come_back_committed_and_in_order, a_reader_on_the_loop_sees_a_batch_that_came_back,
        a_failed_disk_comes_back_as_an_error,     freeing_waits_for_the_batch_under_way,
        two_threads_hand_every_item_back_once,    an_idle_thread_takes_steps_until_there_are_none,
    };
    storage_configure();
    return suite_run(&(struct suite){.name = "live_storage",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
