/* A shard's file at a follower: the home's changes, in whatever way they arrive. */

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "replication.pb-c.h"
#include "store_fixture.h"
#include "tests/unit/suite.h"

#define MADE 12

static struct store *follower;
static struct store_op made[MADE]; /* at the home, and not yet applied */

static void open_both(void)
{
    open_home();
    follower = open_store("follower.db", "us-east");
    for (unsigned i = 0; i < MADE; i++) {
        made[i] = i == 9 ? op_delete("k4")
                         : op_put_once(arena_format(arena, "k%u", i % 5), "v",
                                       arena_format(arena, "%c", 'a' + i));
        ck_assert_int_eq(run(home, &made[i]), STORE_DONE);
    }
}

static void close_both(void)
{
    for (unsigned i = 0; i < MADE; i++)
        store_op_release(&made[i]);
    store_free(follower);
    close_home();
}

static enum store_result apply(struct store_op op)
{
    enum store_result result = run(follower, &op);

    store_op_release(&op);
    return result;
}

static void apply_through(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(apply(op_apply(&made[i])), STORE_DONE);
}

/* Pack @change and make an operation of it, with the digest that its bytes really have. */
static struct store_op forge(const Mec__Change *change, uint8_t *buffer,
                             uint8_t digest[DIGEST_SIZE])
{
    size_t size = mec__change__pack(change, buffer);

    crypto_generichash(digest, DIGEST_SIZE, buffer, size, NULL, 0);
    return (struct store_op){.kind = STORE_OP_APPLY,
                             .apply = {.epoch = 1,
                                       .seq = change->seq,
                                       .change = {(const char *)buffer, size},
                                       .digest = digest}};
}

static Mec__Change *unpack(const struct store_op *op)
{
    return mec__change__unpack(arena_allocator(arena), op->change_size, op->change);
}

START_TEST(a_follower_that_has_applied_all_equals_its_home)
{
    uint8_t ours[DIGEST_SIZE], theirs[DIGEST_SIZE];
    struct store_end our_end, their_end;
    uint64_t our_records, their_records;

    apply_through(MADE);
    digest_of("home.db", ours, &our_end, &our_records);
    digest_of("follower.db", theirs, &their_end, &their_records);
    ck_assert_mem_eq(ours, theirs, DIGEST_SIZE);
    ck_assert_uint_eq(our_end.seq, MADE);
    ck_assert_uint_eq(their_end.seq, MADE);
    ck_assert_mem_eq(our_end.digest, their_end.digest, DIGEST_SIZE);
    ck_assert_uint_eq(our_records, 5);
    ck_assert_uint_eq(their_records, 5);
}
END_TEST

START_TEST(copies_that_differ_in_one_record_have_different_digests)
{
    uint8_t ours[DIGEST_SIZE], theirs[DIGEST_SIZE];
    struct store_end end;
    uint64_t records;

    apply_through(MADE - 1);
    digest_of("home.db", ours, &end, &records);
    digest_of("follower.db", theirs, &end, &records);
    ck_assert_mem_ne(ours, theirs, DIGEST_SIZE);
}
END_TEST

START_TEST(a_digest_stands_at_the_position_at_which_it_began)
{
    uint8_t before[DIGEST_SIZE], after[DIGEST_SIZE];
    struct store_digest *work = NULL;
    struct store_end end;
    uint64_t records;

    digest_of("home.db", before, &end, &records);
    ck_assert_int_eq(store_digest_begin(scratch_path("home.db"), NULL, &work), 0);
    ck_assert_int_eq(store_digest_step(work, 2), 1);
    ck_assert_int_eq(run_op(op_put("k4", "changed meanwhile")), STORE_DONE);
    while (store_digest_step(work, 2) == 1)
        ;
    store_digest_result(work, after, &end, &records);
    store_digest_free(work);
    ck_assert_mem_eq(before, after, DIGEST_SIZE);
    ck_assert_uint_eq(end.seq, MADE);
}
END_TEST

START_TEST(the_record_of_an_applied_change_is_named)
{
    struct store_op op = op_apply(&made[0]);

    ck_assert_int_eq(run(follower, &op), STORE_DONE);
    ck_assert_str_eq(op.service, "metadata");
    ck_assert_str_eq(op.user, "alice");
    ck_assert_str_eq(op.key, "k0");
    ck_assert_uint_eq(op.version, 1);
    ck_assert(op.created);
    store_op_release(&op);
}
END_TEST

START_TEST(a_change_that_comes_again_has_no_effect)
{
    apply_through(3);
    ck_assert_int_eq(apply(op_apply(&made[2])), STORE_HAD_IT);
    ck_assert_int_eq(apply(op_apply(&made[0])), STORE_HAD_IT);
    ck_assert_uint_eq(store_end(follower).seq, 3);
    ck_assert_int_eq(apply(op_apply(&made[3])), STORE_DONE);
}
END_TEST

START_TEST(a_batch_is_applied_up_to_its_gap)
{
    struct store_op ops[4] = {op_apply(&made[0]), op_apply(&made[1]), op_apply(&made[3]),
                              op_apply(&made[4])};

    ck_assert_int_eq(store_commit(follower, 1, WALL_US, ops, 4), 0);
    ck_assert_int_eq(ops[0].result, STORE_DONE);
    ck_assert_int_eq(ops[1].result, STORE_DONE);
    ck_assert_int_eq(ops[2].result, STORE_GAP);
    ck_assert_int_eq(ops[3].result, STORE_GAP);
    ck_assert_uint_eq(store_end(follower).seq, 2);
    for (int i = 0; i < 4; i++)
        store_op_release(&ops[i]);
}
END_TEST

START_TEST(another_history_is_noticed)
{
    struct store *other = open_store("other.db", "us-east");
    struct store_op first = op_put("k0", "another");
    struct store_op second = op_put("k0", "history");

    run(other, &first);
    run(other, &second);
    apply_through(1);
    ck_assert_int_eq(apply(op_apply(&second)), STORE_DIVERGED);
    ck_assert_uint_eq(store_end(follower).seq, 1);
    ck_assert_int_eq(apply(op_apply(&made[1])), STORE_DONE);
    store_op_release(&first);
    store_op_release(&second);
    store_free(other);
}
END_TEST

START_TEST(a_first_change_with_a_past_is_another_history)
{
    uint8_t buffer[1024], digest[DIGEST_SIZE];
    Mec__Change *change = unpack(&made[1]);

    change->seq = 1;
    ck_assert_int_eq(apply(forge(change, buffer, digest)), STORE_DIVERGED);
}
END_TEST

START_TEST(damaged_bytes_are_refused_wherever_the_damage_is)
{
    for (size_t i = 0; i < made[0].change_size; i++) {
        made[0].change[i] ^= 0x10;
        ck_assert_int_eq(apply(op_apply(&made[0])), STORE_INVALID);
        made[0].change[i] ^= 0x10;
    }
    for (size_t size = 0; size < made[0].change_size; size++) {
        struct store_op op = op_apply(&made[0]);

        op.apply.change.size = size;
        ck_assert_int_eq(apply(op), STORE_INVALID);
    }
    ck_assert_uint_eq(store_end(follower).seq, 0);
    apply_through(1);
}
END_TEST

START_TEST(bytes_with_a_right_digest_that_are_no_change_are_refused)
{
    static const char garbage[] = "\xff\xff\xff\xff not protobuf";
    uint8_t digest[DIGEST_SIZE];
    struct store_op op = {.kind = STORE_OP_APPLY, .apply = {.epoch = 1, .seq = 1}};

    crypto_generichash(digest, DIGEST_SIZE, (const uint8_t *)garbage, sizeof(garbage), NULL, 0);
    op.apply.change = (struct slice){garbage, sizeof(garbage)};
    op.apply.digest = digest;
    ck_assert_int_eq(apply(op), STORE_INVALID);
}
END_TEST

START_TEST(a_change_that_is_not_what_it_came_as_is_refused)
{
    uint8_t buffer[1024], digest[DIGEST_SIZE];
    struct store_op op;
    Mec__Change *change;

    change = unpack(&made[0]);
    change->shard = arena_text(arena, "eu-west");
    ck_assert_int_eq(apply(forge(change, buffer, digest)), STORE_INVALID);

    change = unpack(&made[0]);
    op = forge(change, buffer, digest);
    ck_assert_int_eq(apply(op), STORE_DONE);
    op.apply.seq = 2; /* the bytes say 1 */
    ck_assert_int_eq(apply(op), STORE_INVALID);

    change = unpack(&made[1]);
    change->value.data[0] ^= 1; /* not what value_digest says */
    ck_assert_int_eq(apply(forge(change, buffer, digest)), STORE_INVALID);

    change = unpack(&made[1]);
    change->epoch = 2; /* newer than the stream that brings it */
    ck_assert_int_eq(apply(forge(change, buffer, digest)), STORE_INVALID);
}
END_TEST

START_TEST(an_old_home_is_told_that_it_is_one)
{
    struct store_op newer = op_put("k0", "of the new home");
    struct store_op op;

    apply_through(2);
    /* This copy becomes home in epoch 2, and the old one goes on in epoch 1. */
    ck_assert_int_eq(store_commit(follower, 2, WALL_US, &newer, 1), 0);
    ck_assert_int_eq(newer.result, STORE_DONE);
    ck_assert_uint_eq(newer.seq, 3);
    store_op_release(&newer);
    ck_assert_int_eq(apply(op_apply(&made[2])), STORE_STALE_EPOCH);
    ck_assert_int_eq(apply(op_apply(&made[0])), STORE_STALE_EPOCH);
    op = op_apply(&made[3]);
    op.apply.epoch = 2; /* in a new stream, but from the old history */
    ck_assert_int_eq(apply(op), STORE_DIVERGED);
}
END_TEST

START_TEST(an_epoch_inside_the_log_never_falls)
{
    uint8_t buffer[1024], digest[DIGEST_SIZE];
    struct store_op newer = op_put("k0", "x");
    Mec__Change *change;
    struct store_op op;

    ck_assert_int_eq(store_commit(follower, 2, WALL_US, &newer, 1), 0);
    change = unpack(&made[1]);
    change->previous_digest = (ProtobufCBinaryData){DIGEST_SIZE, newer.change_digest};
    op = forge(change, buffer, digest);
    op.apply.epoch = 2;
    ck_assert_int_eq(apply(op), STORE_STALE_EPOCH);
    store_op_release(&newer);
}
END_TEST

START_TEST(a_promoted_follower_replays_what_its_home_has_answered)
{
    struct store_op again;

    apply_through(MADE);
    again = op_put_once("k1", "v", "b");
    ck_assert_int_eq(store_commit(follower, 2, WALL_US, &again, 1), 0);
    ck_assert_int_eq(again.result, STORE_REPLAYED);
    ck_assert_uint_eq(again.seq, 2);
    ck_assert_uint_eq(again.epoch, 1);
    ck_assert_uint_eq(again.version, made[1].version);
    ck_assert(again.created);
    again = op_put_once("k1", "w", "b");
    ck_assert_int_eq(store_commit(follower, 2, WALL_US, &again, 1), 0);
    ck_assert_int_eq(again.result, STORE_KEY_REUSED);
}
END_TEST

START_TEST(the_cursor_is_the_log)
{
    struct store_end end;

    apply_through(7);
    end = store_end(follower);
    store_free(follower);
    follower = open_store("follower.db", "us-east");
    ck_assert_uint_eq(store_end(follower).seq, 7);
    ck_assert_mem_eq(store_end(follower).digest, end.digest, DIGEST_SIZE);
    ck_assert_int_eq(apply(op_apply(&made[7])), STORE_DONE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_follower_that_has_applied_all_equals_its_home,
        copies_that_differ_in_one_record_have_different_digests,
        a_digest_stands_at_the_position_at_which_it_began,
        the_record_of_an_applied_change_is_named,
        a_change_that_comes_again_has_no_effect,
        a_batch_is_applied_up_to_its_gap,
        another_history_is_noticed,
        a_first_change_with_a_past_is_another_history,
        damaged_bytes_are_refused_wherever_the_damage_is,
        bytes_with_a_right_digest_that_are_no_change_are_refused,
        a_change_that_is_not_what_it_came_as_is_refused,
        an_old_home_is_told_that_it_is_one,
        an_epoch_inside_the_log_never_falls,
        a_promoted_follower_replays_what_its_home_has_answered,
        the_cursor_is_the_log,
    };
    return suite_run(&(struct suite){
        .name = "store_apply", .set_up = open_both, .tear_down = close_both, SUITE_TESTS(tests)});
}
