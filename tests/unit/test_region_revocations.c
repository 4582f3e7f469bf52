/* Revocations: what a home tells its replicator with the commit, and what a follower makes of what
 * comes ahead of the log. */

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "region_driver.h"
#include "regiond/commit.h"
#include "regiond/core.h"
#include "regiond/revocations.h"
#include "tests/unit/suite.h"

enum { US, EU };

#define REPLICATOR 5 /* a connection */
#define UNTIL_S    1800000000

static struct driver *driver;

static void set_up(void)
{
    driver = driver_create(2, 40 * MILLISECOND_US);
}

static void tear_down(void)
{
    driver_free(driver);
}

/* ---- the home ---- */

static struct commit_op ops[64];
static size_t op_count;
static char value[64 * 1024];

static void on_done(struct region *region, struct commit_op *op, int error)
{
    (void)region;
    (void)op;
    (void)error;
}

static struct copy *copy_of(size_t node)
{
    return copies_find(driver->nodes[node].region, "us-east");
}

/* A write that goes into the next batch. */
static struct store_write *add_write(const char *user, size_t size)
{
    struct commit_op *op = &ops[op_count++];

    ck_assert_uint_lt(op_count, sizeof ops / sizeof *ops);
    *op = (struct commit_op){
        .bytes = size,
        .done = on_done,
        .store = {.kind = STORE_OP_WRITE,
                  .write = {.service = "auth",
                            .user = user,
                            .key = "account",
                            .content_type = "application/json",
                            .value = {value, size},
                            .idempotency_key = "",
                            .receipt = "",
                            .traceparent = ""}},
    };
    commit_store(driver->nodes[US].region, copy_of(US), op);
    return &op->store.write;
}

static void commit(void)
{
    Mec__Ping ping = MEC__PING__INIT;

    driver_send(driver, US, DRIVER_CLIENT, FRAME_PING, &ping.base); /* any step will do */
}

static void revoke(const char *user, uint64_t below)
{
    struct store_write *write = add_write(user, 10);

    write->revokes_below = below;
    write->revokes_until_s = UNTIL_S;
    commit();
}

/* The tail that came @before the newest one. */
static Mec__Tail *tail_at(size_t node, size_t before)
{
    const struct driver_frame *found = NULL;

    for (size_t i = driver->nodes[node].frame_count; i-- > 0 && !found;) {
        const struct driver_frame *frame = &driver->nodes[node].frames[i];

        if (frame->kind == FRAME_TAIL && before-- == 0)
            found = frame;
    }
    ck_assert_ptr_nonnull(found);
    return mec__tail__unpack(arena_allocator(driver->arena), found->size, found->bytes);
}

static Mec__Tail *ask_tail(size_t node, uint64_t after_seq, uint64_t revocations_after_seq)
{
    Mec__TailAsk ask = MEC__TAIL_ASK__INIT;

    ask.shard = "us-east";
    ask.after_seq = after_seq;
    ask.revocations_after_seq = revocations_after_seq;
    driver_send(driver, node, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
    return tail_at(node, 0);
}

START_TEST(a_revocation_goes_out_with_its_commit)
{
    const Mec__Tail *tail;
    struct store_write *write;

    ask_tail(US, 0, 0);
    add_write("ubob", 10);
    commit();
    revoke("ualice", 3);
    tail = tail_at(US, 0);
    ck_assert_uint_eq(tail->n_revocations, 1);
    ck_assert_uint_eq(tail->revocations_after_seq, 1);
    ck_assert_uint_eq(tail->revocations[0]->seq, 2);
    ck_assert_str_eq(tail->revocations[0]->user, "ualice");
    ck_assert_uint_eq(tail->revocations[0]->below, 3);
    ck_assert_uint_eq(tail->revocations[0]->until_s, UNTIL_S);
    ck_assert_str_eq(tail->revocations[0]->session, "");
    ck_assert_uint_eq(tail->n_changes, 1);

    write = add_write("ualice", 10);
    write->revokes_session = "s-1";
    commit();
    tail = tail_at(US, 0);
    ck_assert_uint_eq(tail->n_revocations, 1);
    ck_assert_str_eq(tail->revocations[0]->session, "s-1");
    ck_assert_uint_eq(tail->revocations[0]->below, 0);
}
END_TEST

START_TEST(the_first_tail_of_a_large_batch_has_all_revocations)
{
    size_t with = 0, tails = 0;

    ask_tail(US, 0, 0);
    for (int i = 0; i < 12; i++)
        add_write("ubob", sizeof value - 1)->revokes_below = i >= 10 ? 2 : 0;
    commit();
    while (tail_at(US, tails)->after_seq > 0) {
        with += tail_at(US, tails)->n_revocations;
        ck_assert_uint_eq(tail_at(US, tails)->revocations_after_seq, 12);
        tails++;
    }
    ck_assert_uint_ge(tails, 2);
    ck_assert_uint_eq(with, 0);
    ck_assert_uint_eq(tail_at(US, tails)->n_revocations, 2);
    ck_assert_uint_eq(tail_at(US, tails)->revocations_after_seq, 0);
    ck_assert_uint_eq(tail_at(US, tails)->last_seq, 12);
    ck_assert_uint_lt(tail_at(US, tails)->n_changes, 11); /* ahead of those that make them */
}
END_TEST

START_TEST(a_heartbeat_says_that_there_is_none)
{
    ask_tail(US, 0, 0);
    revoke("ualice", 2);
    driver_run(driver, 300 * MILLISECOND_US);
    ck_assert_uint_eq(tail_at(US, 0)->n_changes, 0);
    ck_assert_uint_eq(tail_at(US, 0)->n_revocations, 0);
    ck_assert_uint_eq(tail_at(US, 0)->revocations_after_seq, 1);
}
END_TEST

START_TEST(who_asks_is_told_what_is_behind_what_he_knows)
{
    const Mec__Tail *tail;

    revoke("ualice", 2); /* nobody listens */
    revoke("ualice", 3);
    revoke("ualice", 4);
    tail = ask_tail(US, 0, 0);
    ck_assert_uint_eq(tail->n_revocations, 3);
    ck_assert_uint_eq(tail->revocations_after_seq, 0);
    tail = ask_tail(US, 3, 2);
    ck_assert_uint_eq(tail->n_revocations, 1);
    ck_assert_uint_eq(tail->revocations_after_seq, 2);
    ck_assert_uint_eq(tail->revocations[0]->below, 4);
    tail = ask_tail(US, 3, 99); /* of a log that is not this one */
    ck_assert_uint_eq(tail->n_revocations, 3);
    ck_assert_uint_eq(tail->revocations_after_seq, 0);
}
END_TEST

START_TEST(who_fetches_is_told_nothing)
{
    Mec__FetchAsk ask = MEC__FETCH_ASK__INIT;

    revoke("ualice", 2);
    ask.shard = "us-east";
    driver_send(driver, US, REPLICATOR, FRAME_FETCH_ASK, &ask.base);
    ck_assert_uint_eq(tail_at(US, 0)->n_changes, 1);
    ck_assert_uint_eq(tail_at(US, 0)->n_revocations, 0);
}
END_TEST

START_TEST(a_write_that_is_refused_revokes_nothing)
{
    struct store_write *write;

    ask_tail(US, 0, 0);
    add_write("ubob", 10);
    write = add_write("ualice", 10);
    write->condition = STORE_IF_EXISTS;
    write->revokes_below = 2;
    commit();
    ck_assert_uint_eq(tail_at(US, 0)->last_seq, 1);
    ck_assert_uint_eq(tail_at(US, 0)->n_revocations, 0);
}
END_TEST

START_TEST(after_a_restart_a_home_knows_of_none_before)
{
    const Mec__Tail *tail;

    revoke("ualice", 2);
    revoke("ualice", 3);
    driver_kill(driver, US);
    driver_start(driver, US);
    tail = ask_tail(US, 0, 0);
    ck_assert_uint_eq(tail->n_revocations, 0);
    ck_assert_uint_eq(tail->revocations_after_seq, 2);
    revoke("ualice", 4);
    ck_assert_uint_eq(tail_at(US, 0)->n_revocations, 1);
    ck_assert_uint_eq(tail_at(US, 0)->revocations_after_seq, 2);
}
END_TEST

START_TEST(a_new_home_knows_of_none_before)
{
    const Mec__Tail *tail;

    revoke("ualice", 2);
    driver_ship(driver, "us-east", US, EU);
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch++;
    driver_configure(driver);
    tail = ask_tail(EU, 0, 0);
    ck_assert(!tail->not_home);
    ck_assert_uint_eq(tail->n_revocations, 0);
    ck_assert_uint_eq(tail->revocations_after_seq, 1);
    tail = ask_tail(US, 0, 0);
    ck_assert(tail->not_home);
    ck_assert_uint_eq(tail->n_revocations, 0);
}
END_TEST

START_TEST(a_home_in_a_new_epoch_knows_of_none_before)
{
    revoke("ualice", 2);
    driver->config.shards[0]->epoch++;
    driver_configure(driver);
    ck_assert_uint_eq(ask_tail(US, 0, 0)->n_revocations, 0);
    ck_assert_uint_eq(tail_at(US, 0)->revocations_after_seq, 1);
}
END_TEST

/* ---- a follower ---- */

static Mec__Applied *send_apply(const Mec__Apply *apply)
{
    const struct driver_frame *frame;

    driver_send(driver, EU, REPLICATOR, FRAME_APPLY, &apply->base);
    frame = driver_newest(driver, EU, REPLICATOR, FRAME_APPLIED, NULL);
    return frame ? mec__applied__unpack(arena_allocator(driver->arena), frame->size, frame->bytes)
                 : NULL;
}

static Mec__Apply beat(uint64_t last_seq, uint64_t after_seq, uint64_t through_seq)
{
    Mec__Apply apply = MEC__APPLY__INIT;

    apply.shard = "us-east";
    apply.home = "us-east";
    apply.epoch = driver->config.shards[0]->epoch;
    apply.home_wall_us = driver->at.wall_us;
    apply.home_last_seq = last_seq;
    apply.revocations_after_seq = after_seq;
    apply.revocations_through_seq = through_seq;
    return apply;
}

/* Tell eu-west of a revocation of ualice at @seq, ahead of the log, which ends there. */
static Mec__Applied *tell(uint64_t seq, uint64_t below)
{
    static Mec__Revocation revocation;
    static Mec__Revocation *items[] = {&revocation};
    Mec__Apply apply = beat(seq, 0, seq);

    revocation = (Mec__Revocation)MEC__REVOCATION__INIT;
    revocation.seq = seq;
    revocation.user = "ualice";
    revocation.below = below;
    apply.revocations = items;
    apply.n_revocations = 1;
    return send_apply(&apply);
}

static bool is_void(size_t node, uint64_t generation)
{
    return revocations_ahead(driver->nodes[node].region, copy_of(node), "ualice", "s", generation);
}

/* UINT64_MAX: it is not known. */
static uint64_t age_us(size_t node)
{
    struct region *region = driver->nodes[node].region;
    uint64_t age = 0;

    region->at = driver->at;
    return revocations_age(region, copy_of(node), &age) ? age : UINT64_MAX;
}

static json_int_t status_number(size_t node, const char *field)
{
    char *text = region_status(driver->nodes[node].region, driver->at);
    json_t *root = json_loads(text, 0, NULL);
    const json_t *number =
        json_object_get(json_array_get(json_object_get(root, "copies"), 0), field);
    json_int_t result = json_is_integer(number) ? json_integer_value(number) : -1;

    ck_assert(json_is_integer(number) || json_is_null(number));
    json_decref(root);
    free(text);
    return result;
}

START_TEST(what_came_ahead_counts_before_the_log_shows_it)
{
    const Mec__Applied *applied;

    revoke("ualice", 5);
    ck_assert(!is_void(EU, 4));
    applied = tell(1, 5);
    ck_assert_int_eq(applied->outcome, MEC__APPLY_OUTCOME__APPLIED);
    ck_assert_uint_eq(applied->cursor->seq, 0);
    ck_assert_uint_eq(applied->revocations_through_seq, 1);
    ck_assert(is_void(EU, 4));
    ck_assert(!is_void(EU, 5));
    ck_assert_int_eq(status_number(EU, "revocations_ahead"), 1);
    driver_ship(driver, "us-east", US, EU);
    ck_assert(!is_void(EU, 4)); /* from here on the account's record says so */
    ck_assert_int_eq(status_number(EU, "revocations_ahead"), 0);
}
END_TEST

START_TEST(it_does_not_wait_for_the_disk)
{
    Mec__Apply batch = beat(1, 0, 0);
    const Mec__Tail *tail;

    revoke("ubob", 2);
    tail = ask_tail(US, 0, 0);
    batch.changes = tail->changes;
    batch.n_changes = tail->n_changes;
    driver->nodes[EU].hold_commits = true;
    ck_assert_ptr_null(send_apply(&batch));
    ck_assert_ptr_null(tell(2, 5)); /* its answer waits for that of the batch */
    ck_assert(is_void(EU, 4));
    ck_assert_uint_eq(age_us(EU), 0);
}
END_TEST

START_TEST(the_age_is_0_at_home_and_else_counts_from_what_was_told)
{
    ck_assert_uint_eq(age_us(US), 0);
    ck_assert_uint_eq(age_us(EU), UINT64_MAX);
    ck_assert_int_eq(status_number(US, "revocations_age_ms"), 0);
    ck_assert_int_eq(status_number(EU, "revocations_age_ms"), -1);
    tell(7, 2);
    ck_assert_uint_eq(age_us(EU), 0);
    driver_run(driver, 70 * MILLISECOND_US + 1);
    ck_assert_uint_eq(age_us(EU), 70 * MILLISECOND_US + 1);
    ck_assert_int_eq(status_number(EU, "revocations_age_ms"), 71);
    driver_kill(driver, EU);
    driver_start(driver, EU);
    ck_assert_uint_eq(age_us(EU), UINT64_MAX);
    ck_assert(!is_void(EU, 1));
}
END_TEST

START_TEST(the_older_of_both_clocks_counts)
{
    Mec__Apply apply = beat(7, 0, 7);

    apply.home_wall_us -= 300 * MILLISECOND_US; /* under way so long */
    send_apply(&apply);
    ck_assert_uint_eq(age_us(EU), 300 * MILLISECOND_US);
    apply.home_wall_us += 3600 * SECOND_US; /* the home's clock is ahead */
    send_apply(&apply);
    ck_assert_uint_eq(age_us(EU), 0);
    driver_run(driver, 50 * MILLISECOND_US);
    ck_assert_uint_eq(age_us(EU), 50 * MILLISECOND_US);
    apply.home_said_us_ago = 900 * MILLISECOND_US; /* and its replicator repeats itself */
    send_apply(&apply);
    ck_assert_uint_eq(age_us(EU), 900 * MILLISECOND_US);
    apply.home_said_us_ago = UINT64_MAX;
    send_apply(&apply);
    ck_assert_uint_ge(age_us(EU), SECOND_US); /* since ever */
}
END_TEST

START_TEST(what_the_log_has_is_known_as_well)
{
    Mec__Apply apply;

    revoke("ualice", 2);
    driver_ship(driver, "us-east", US, EU);
    ck_assert_uint_eq(age_us(EU), 0);
    driver_run(driver, SECOND_US);
    apply = beat(9, 5, 9); /* what stands in 2 to 5 nobody knows any more */
    send_apply(&apply);
    ck_assert_uint_eq(age_us(EU), SECOND_US);
}
END_TEST

START_TEST(the_fresher_of_both_counts)
{
    revoke("ualice", 2);
    tell(1, 2);
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(age_us(EU), SECOND_US);
    driver_ship(driver, "us-east", US, EU); /* one batch, and nothing else */
    ck_assert_uint_eq(age_us(EU), 0);
}
END_TEST

START_TEST(what_cannot_be_read_is_refused_whole)
{
    Mec__Apply apply = beat(9, 0, 9);
    Mec__Revocation good = MEC__REVOCATION__INIT, bad = MEC__REVOCATION__INIT;
    Mec__Revocation *items[] = {&good, &bad};

    good.seq = 3;
    good.user = "ualice";
    good.below = 5;
    bad.seq = 4;
    bad.user = "ualice";
    apply.revocations = items;
    apply.n_revocations = 2;
    ck_assert_int_eq(send_apply(&apply)->outcome, MEC__APPLY_OUTCOME__INVALID);
    ck_assert(!is_void(EU, 1));
    ck_assert_uint_eq(age_us(EU), UINT64_MAX);
    apply.shard = "mars";
    ck_assert_int_eq(send_apply(&apply)->outcome, MEC__APPLY_OUTCOME__INVALID);
}
END_TEST

START_TEST(who_is_home_no_more_is_not_believed)
{
    Mec__Apply apply = beat(9, 0, 9);

    driver->config.shards[0]->epoch += 2;
    driver_configure(driver);
    ck_assert_int_eq(send_apply(&apply)->outcome, MEC__APPLY_OUTCOME__STALE_EPOCH);
    ck_assert_uint_eq(age_us(EU), UINT64_MAX);
}
END_TEST

START_TEST(a_new_epoch_begins_without_knowledge)
{
    tell(7, 2);
    driver->config.shards[0]->epoch++;
    driver_configure(driver);
    ck_assert_uint_eq(age_us(EU), UINT64_MAX);
    ck_assert_int_eq(status_number(EU, "revocations_age_ms"), -1);
    ck_assert(is_void(EU, 1));
    tell(8, 3);
    ck_assert_uint_eq(age_us(EU), 0);
}
END_TEST

START_TEST(a_home_needs_no_telling)
{
    tell(7, 2);
    ck_assert(is_void(EU, 1));
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch++;
    driver_configure(driver);
    ck_assert(!is_void(EU, 1)); /* it has the last word on it */
    ck_assert_uint_eq(age_us(EU), 0);
}
END_TEST

START_TEST(a_copy_that_has_diverged_knows_nothing)
{
    tell(7, 2);
    copy_of(EU)->diverged = true;
    ck_assert_uint_eq(age_us(EU), UINT64_MAX);
    ck_assert(is_void(EU, 1));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_revocation_goes_out_with_its_commit,
        the_first_tail_of_a_large_batch_has_all_revocations,
        a_heartbeat_says_that_there_is_none,
        who_asks_is_told_what_is_behind_what_he_knows,
        who_fetches_is_told_nothing,
        a_write_that_is_refused_revokes_nothing,
        after_a_restart_a_home_knows_of_none_before,
        a_new_home_knows_of_none_before,
        a_home_in_a_new_epoch_knows_of_none_before,
        what_came_ahead_counts_before_the_log_shows_it,
        it_does_not_wait_for_the_disk,
        the_age_is_0_at_home_and_else_counts_from_what_was_told,
        the_older_of_both_clocks_counts,
        what_the_log_has_is_known_as_well,
        the_fresher_of_both_counts,
        what_cannot_be_read_is_refused_whole,
        who_is_home_no_more_is_not_believed,
        a_new_epoch_begins_without_knowledge,
        a_home_needs_no_telling,
        a_copy_that_has_diverged_knows_nothing,
    };
    return suite_run(&(struct suite){.name = "region_revocations",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests)});
}
