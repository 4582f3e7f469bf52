/* The region's queue: accepted once, ended once, in order, bounded; also on a failing disk. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "fault_vfs.h"
#include "regiond/queue_store.h"
#include "regiond/store.h"
#include "scratch.h"
#include "tests/unit/suite.h"

#define WALL_US UINT64_C(1700000000000000)

static struct queue_store *queue;
static struct queue_reader *reader;
static struct arena *arena;
static struct queue_limits limits;

static void open_queue(void)
{
    fault_vfs_register();
    scratch_create();
    arena = arena_create();
    limits = (struct queue_limits){.entries_max = 100, .bytes_max = 10000, .keep_settled_us = 1000};
    ck_assert_int_eq(queue_store_open(scratch_path("queue.db"), NULL, &queue), 0);
    ck_assert_int_eq(queue_reader_open(scratch_path("queue.db"), NULL, &reader), 0);
}

static void close_queue(void)
{
    queue_reader_free(reader);
    queue_store_free(queue);
    arena_free(arena);
    scratch_remove();
}

static void reopen(void)
{
    queue_store_free(queue);
    queue = NULL;
    ck_assert_int_eq(queue_store_open(scratch_path("queue.db"), NULL, &queue), 0);
}

/* One write of alice to @shard, under the idempotency key @name. */
static struct queue_op op_enqueue(const char *name, const char *shard)
{
    struct queue_op op = {.kind = QUEUE_OP_ENQUEUE,
                          .entry = {.receipt = arena_format(arena, "eu-west.%s", name),
                                    .user = "alice",
                                    .shard = shard,
                                    .service = "metadata",
                                    .idempotency_key = arena_text(arena, name),
                                    .accepted_wall_us = WALL_US,
                                    .expires_wall_us = WALL_US + 500,
                                    .call = slice_of("a call")}};

    memset(op.entry.request_digest, name[0], sizeof(op.entry.request_digest));
    return op;
}

static struct queue_op op_settle(uint64_t seq, enum queue_state state)
{
    return (struct queue_op){.kind = QUEUE_OP_SETTLE,
                             .entry = {.seq = seq,
                                       .state = state,
                                       .position = state == QUEUE_APPLIED ? "us-east:1.7" : "",
                                       .problem = state == QUEUE_REJECTED ? "forbidden" : "",
                                       .detail = "said so"}};
}

static struct queue_op op_attempt(uint64_t seq)
{
    return (struct queue_op){.kind = QUEUE_OP_ATTEMPT, .entry = {.seq = seq}};
}

static struct queue_op run_at(struct queue_op op, uint64_t wall_us)
{
    ck_assert_int_eq(queue_store_commit(queue, &limits, wall_us, &op, 1), 0);
    return op;
}

static struct queue_op run(struct queue_op op)
{
    return run_at(op, WALL_US);
}

static struct queue_entry find(const char *receipt)
{
    struct queue_entry entry = {0};

    ck_assert_int_eq(queue_reader_find(reader, arena, receipt, &entry), 0);
    return entry;
}

static int waiting(uint64_t after_seq)
{
    struct queue_entry entries[32];

    return queue_reader_waiting(reader, arena, after_seq, 32, entries);
}

START_TEST(entries_wait_in_the_order_of_their_acceptance)
{
    struct queue_op ops[3] = {op_enqueue("a", "us-east"), op_enqueue("b", "us-west"),
                              op_enqueue("c", "us-east")};
    struct queue_entry entries[8];

    ck_assert_int_eq(queue_store_commit(queue, &limits, WALL_US, ops, 3), 0);
    ck_assert_int_eq(queue_reader_waiting(reader, arena, 0, 8, entries), 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(ops[i].result, QUEUE_DONE);
        ck_assert_uint_eq(ops[i].seq, i + 1);
        ck_assert_uint_eq(entries[i].seq, i + 1);
    }
    ck_assert_str_eq(entries[1].receipt, "eu-west.b");
    ck_assert_str_eq(entries[1].shard, "us-west");
    ck_assert(slice_is(entries[1].call, "a call"));
    ck_assert_uint_eq(entries[1].request_digest[3], 'b');
    ck_assert_uint_eq(entries[1].accepted_wall_us, WALL_US);
    ck_assert_uint_eq(entries[1].expires_wall_us, WALL_US + 500);
    ck_assert_int_eq(queue_reader_waiting(reader, arena, 1, 1, entries), 1);
    ck_assert_uint_eq(entries[0].seq, 2);
}
END_TEST

START_TEST(an_entry_ends_once_and_keeps_its_end)
{
    struct queue_entry entry;

    run(op_enqueue("a", "us-east"));
    ck_assert_int_eq(find("eu-west.a").state, QUEUE_QUEUED);
    ck_assert_int_eq(run_at(op_settle(1, QUEUE_APPLIED), WALL_US + 5).result, QUEUE_DONE);
    ck_assert_int_eq(run(op_settle(1, QUEUE_REJECTED)).result, QUEUE_ENDED);
    ck_assert_int_eq(run(op_settle(1, QUEUE_EXPIRED)).result, QUEUE_ENDED);
    ck_assert_int_eq(run(op_attempt(1)).result, QUEUE_ENDED);
    entry = find("eu-west.a");
    ck_assert_int_eq(entry.state, QUEUE_APPLIED);
    ck_assert_str_eq(entry.position, "us-east:1.7");
    ck_assert_str_eq(entry.problem, "");
    ck_assert_uint_eq(entry.settled_wall_us, WALL_US + 5);
    ck_assert_uint_eq(entry.call.size, 0);
    ck_assert(!entry.attempted);
    ck_assert_int_eq(waiting(0), 0);
}
END_TEST

START_TEST(a_rejection_says_why)
{
    run(op_enqueue("a", "us-east"));
    run(op_settle(1, QUEUE_REJECTED));
    ck_assert_int_eq(find("eu-west.a").state, QUEUE_REJECTED);
    ck_assert_str_eq(find("eu-west.a").problem, "forbidden");
    ck_assert_str_eq(find("eu-west.a").detail, "said so");
}
END_TEST

START_TEST(what_was_never_accepted_cannot_end)
{
    struct queue_entry entry;

    ck_assert_int_eq(run(op_settle(7, QUEUE_APPLIED)).result, QUEUE_ENDED);
    ck_assert_int_eq(queue_reader_find(reader, arena, "eu-west.z", &entry), -ENOENT);
}
END_TEST

START_TEST(an_attempt_is_remembered)
{
    run(op_enqueue("a", "us-east"));
    ck_assert(!find("eu-west.a").attempted);
    ck_assert_int_eq(run(op_attempt(1)).result, QUEUE_DONE);
    ck_assert_int_eq(run(op_attempt(1)).result, QUEUE_DONE);
    reopen();
    ck_assert(find("eu-west.a").attempted);
    ck_assert_int_eq(waiting(0), 1);
}
END_TEST

START_TEST(the_same_key_is_accepted_once)
{
    struct queue_op again = op_enqueue("a", "us-east");

    run(op_enqueue("a", "us-east"));
    again.entry.receipt = "eu-west.another";
    again = run(again);
    ck_assert_int_eq(again.result, QUEUE_REPLAYED);
    ck_assert_uint_eq(again.seq, 1);
    ck_assert_str_eq(again.replayed_receipt, "eu-west.a");
    ck_assert_int_eq(again.replayed_state, QUEUE_QUEUED);
    run(op_settle(1, QUEUE_APPLIED));
    again = run(again);
    ck_assert_int_eq(again.result, QUEUE_REPLAYED);
    ck_assert_int_eq(again.replayed_state, QUEUE_APPLIED);
    again.entry.request_digest[0] ^= 1;
    ck_assert_int_eq(run(again).result, QUEUE_KEY_REUSED);
    again.entry.user = "bob";
    ck_assert_int_eq(run(again).result, QUEUE_DONE);
}
END_TEST

START_TEST(a_full_queue_takes_nothing_until_something_has_ended)
{
    limits.entries_max = 2;
    run(op_enqueue("a", "us-east"));
    run(op_enqueue("b", "us-east"));
    ck_assert_int_eq(run(op_enqueue("c", "us-east")).result, QUEUE_FULL);
    ck_assert_int_eq(run(op_enqueue("a", "us-east")).result, QUEUE_REPLAYED);
    reopen();
    ck_assert_int_eq(run(op_enqueue("c", "us-east")).result, QUEUE_FULL);
    run(op_settle(1, QUEUE_EXPIRED));
    ck_assert_int_eq(run(op_enqueue("c", "us-east")).result, QUEUE_DONE);
}
END_TEST

START_TEST(bytes_are_bounded_too)
{
    limits.bytes_max = 3 * strlen("a call") - 1;
    run(op_enqueue("a", "us-east"));
    run(op_enqueue("b", "us-east"));
    ck_assert_int_eq(run(op_enqueue("c", "us-east")).result, QUEUE_FULL);
    reopen();
    ck_assert_int_eq(run(op_enqueue("c", "us-east")).result, QUEUE_FULL);
    run(op_settle(2, QUEUE_APPLIED));
    ck_assert_int_eq(run(op_enqueue("c", "us-east")).result, QUEUE_DONE);
}
END_TEST

START_TEST(receipts_are_forgotten_some_time_after_their_end)
{
    struct queue_entry entry;

    run(op_enqueue("a", "us-east"));
    run(op_enqueue("b", "us-east"));
    run_at(op_settle(1, QUEUE_APPLIED), WALL_US);
    run_at(op_attempt(2), WALL_US + 1000);
    ck_assert_int_eq(queue_reader_find(reader, arena, "eu-west.a", &entry), 0);
    run_at(op_attempt(2), WALL_US + 1001);
    ck_assert_int_eq(queue_reader_find(reader, arena, "eu-west.a", &entry), -ENOENT);
    ck_assert_int_eq(queue_reader_find(reader, arena, "eu-west.b", &entry), 0);
}
END_TEST

START_TEST(numbers_are_never_given_twice)
{
    uint64_t seq = 99;

    ck_assert_int_eq(queue_reader_last_seq(reader, "us-east", &seq), 0);
    ck_assert_uint_eq(seq, 0);
    run(op_enqueue("a", "us-east"));
    run(op_enqueue("b", "us-west"));
    run(op_settle(1, QUEUE_APPLIED));
    run(op_settle(2, QUEUE_APPLIED));
    run_at(op_attempt(2), WALL_US + 5000); /* forgets both */
    reopen();
    ck_assert_int_eq(queue_reader_last_seq(reader, "us-east", &seq), 0);
    ck_assert_uint_eq(seq, 1);
    ck_assert_uint_eq(run(op_enqueue("c", "us-east")).seq, 3);
    ck_assert_int_eq(queue_reader_last_seq(reader, "us-east", &seq), 0);
    ck_assert_uint_eq(seq, 3);
    ck_assert_int_eq(queue_reader_last_seq(reader, "us-west", &seq), 0);
    ck_assert_uint_eq(seq, 2);
}
END_TEST

START_TEST(a_shard_is_no_queue)
{
    struct store *store = NULL;
    struct queue_store *none = NULL;

    ck_assert_int_eq(store_open(scratch_path("shard.db"), "queue", NULL, &store), 0);
    store_free(store);
    ck_assert_int_eq(queue_store_open(scratch_path("shard.db"), NULL, &none), -EMEDIUMTYPE);
    ck_assert_int_eq(store_open(scratch_path("queue.db"), "queue", NULL, &store), -EMEDIUMTYPE);
}
END_TEST

static void fill_up_at_every_call(struct queue_op (*make)(unsigned turn), unsigned points_min)
{
    unsigned points = 0;

    limits.keep_settled_us = UINT64_MAX;
    for (long countdown = 1; countdown < 1000; countdown++) {
        struct queue_op op = make((unsigned)countdown);
        int error;

        fault_arm(FAULT_FULL, countdown);
        error = queue_store_commit(queue, &limits, WALL_US, &op, 1);
        fault_heal();
        if (fault.failed == 0) {
            ck_assert_int_eq(error, 0);
            break;
        }
        points++;
        ck_assert_int_eq(error, -ENOSPC);
        ck_assert_int_eq(op.result, QUEUE_NOT_RUN);
        ck_assert_int_eq(run(op).result, QUEUE_DONE);
    }
    ck_assert_uint_ge(points, points_min);
}

static struct queue_op make_enqueue(unsigned turn)
{
    return op_enqueue(arena_format(arena, "%u", turn), "us-east");
}

static struct queue_op make_settle(unsigned turn)
{
    return op_settle(run(make_enqueue(turn)).seq, QUEUE_APPLIED);
}

START_TEST(a_full_disk_accepts_nothing_and_the_queue_goes_on)
{
    struct queue_entry entries[64];
    int count;

    fill_up_at_every_call(make_enqueue, 8);
    count = queue_reader_waiting(reader, arena, 0, 64, entries);
    for (int i = 0; i < count; i++)
        ck_assert_uint_eq(entries[i].seq, (unsigned)i + 1);
    fill_up_at_every_call(make_settle, 5);
}
END_TEST

START_TEST(a_failed_fsync_ends_the_queue_and_leaves_all_or_nothing)
{
    struct queue_op op = op_enqueue("a", "us-east");
    int count;

    fault_arm(FAULT_SYNC, 1);
    ck_assert_int_eq(queue_store_commit(queue, &limits, WALL_US, &op, 1), -EIO);
    ck_assert_int_eq(op.result, QUEUE_NOT_RUN);
    fault_heal();
    ck_assert_int_eq(queue_store_commit(queue, &limits, WALL_US, &op, 1), -EIO);
    ck_assert_int_eq(queue_store_checkpoint(queue), -EIO);
    queue_reader_free(reader);
    reopen();
    ck_assert_int_eq(queue_reader_open(scratch_path("queue.db"), NULL, &reader), 0);
    count = waiting(0);
    ck_assert_int_eq(run(op).result, count == 1 ? QUEUE_REPLAYED : QUEUE_DONE);
    ck_assert_int_eq(waiting(0), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        entries_wait_in_the_order_of_their_acceptance,
        an_entry_ends_once_and_keeps_its_end,
        a_rejection_says_why,
        what_was_never_accepted_cannot_end,
        an_attempt_is_remembered,
        the_same_key_is_accepted_once,
        a_full_queue_takes_nothing_until_something_has_ended,
        bytes_are_bounded_too,
        receipts_are_forgotten_some_time_after_their_end,
        numbers_are_never_given_twice,
        a_shard_is_no_queue,
        a_full_disk_accepts_nothing_and_the_queue_goes_on,
        a_failed_fsync_ends_the_queue_and_leaves_all_or_nothing,
    };
    return suite_run(&(struct suite){
        .name = "queue_store", .set_up = open_queue, .tear_down = close_queue, SUITE_TESTS(tests)});
}
