/* A region that follows another: applying, what it answers, staleness, reads that wait; and the
 * feed of the home. */

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "common/memory.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU, AP };

#define REPLICATOR 5 /* a connection */

static struct driver *driver;
static Mec__Claims alice;

static void set_up(void)
{
    driver = driver_create(2, 40 * MILLISECOND_US);
    alice = driver_claims("ualice", "us-east");
}

static void tear_down(void)
{
    driver_free(driver);
}

static Mec__Answer *put(const char *key, const char *value)
{
    static unsigned counter;
    char once[16] = "";
    Mec__Call call = driver_put(&alice, key, value, once);
    Mec__Answer *answer;

    snprintf(once, sizeof once, "once-%u", counter++);
    answer = driver_ask(driver, US, &call);
    ck_assert_uint_lt(answer->status, 300);
    return answer;
}

static Mec__Answer *get(size_t node, const char *key)
{
    Mec__Call call = driver_get(&alice, key);

    return driver_ask(driver, node, &call);
}

static Mec__Tail *newest_tail(size_t *ret_count)
{
    const struct driver_frame *frame = driver_newest(driver, US, REPLICATOR, FRAME_TAIL, ret_count);

    if (!frame)
        return NULL;
    return mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
}

static Mec__Tail *fetch(uint64_t after_seq, uint32_t max_changes)
{
    Mec__FetchAsk ask = MEC__FETCH_ASK__INIT;

    ask.shard = "us-east";
    ask.after_seq = after_seq;
    ask.max_changes = max_changes;
    driver_send(driver, US, REPLICATOR, FRAME_FETCH_ASK, &ask.base);
    return newest_tail(NULL);
}

/* An Apply as the home's replicator would make it of @tail. */
static Mec__Apply apply_of(const Mec__Tail *tail)
{
    Mec__Apply apply = MEC__APPLY__INIT;

    apply.shard = "us-east";
    apply.home = "us-east";
    apply.epoch = tail->epoch;
    apply.home_wall_us = tail->wall_us;
    apply.home_last_seq = tail->last_seq;
    apply.after_seq = tail->after_seq;
    apply.changes = tail->changes;
    apply.n_changes = tail->n_changes;
    return apply;
}

static Mec__Applied *newest_applied(size_t *ret_count)
{
    const struct driver_frame *frame =
        driver_newest(driver, EU, REPLICATOR, FRAME_APPLIED, ret_count);

    if (!frame)
        return NULL;
    return mec__applied__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
}

static Mec__Applied *apply(const Mec__Apply *ask)
{
    driver_send(driver, EU, REPLICATOR, FRAME_APPLY, &ask->base);
    return newest_applied(NULL);
}

START_TEST(what_the_home_wrote_is_read_at_the_follower)
{
    const Mec__Answer *answer;

    put("colour", "green");
    driver_ship(driver, "us-east", US, EU);
    answer = get(EU, "colour");
    ck_assert_str_eq(driver_body(answer), "green");
    ck_assert_int_eq(answer->served, MEC__SERVED__SERVED_REPLICA);
    ck_assert_str_eq(answer->home, "us-east");
    ck_assert_uint_eq(answer->position->seq, 1);
    ck_assert_int_eq(get(EU, "colour")->served, MEC__SERVED__SERVED_CACHE);
}
END_TEST

START_TEST(an_applied_change_ends_what_the_cache_had)
{
    put("colour", "green");
    driver_ship(driver, "us-east", US, EU);
    get(EU, "colour");
    get(EU, "colour");
    put("colour", "red");
    driver_ship(driver, "us-east", US, EU);
    ck_assert_str_eq(driver_body(get(EU, "colour")), "red");
}
END_TEST

START_TEST(an_empty_follower_that_never_heard_of_its_home_does_not_say_that_nothing_is_there)
{
    Mec__Call call = driver_get(&alice, "colour");

    ck_assert_int_eq(get(EU, "colour")->verdict, MEC__VERDICT__NOT_SERVING);
    call.consistency = MEC__CONSISTENCY__STALE_OK;
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 404);
    driver_ship(driver, "us-east", US, EU);
    ck_assert_uint_eq(get(EU, "colour")->status, 404);
}
END_TEST

START_TEST(staleness_is_unknown_then_counted_from_when_the_follower_had_everything)
{
    Mec__Apply ask;
    const Mec__Answer *answer;

    put("colour", "green");
    put("colour", "red");
    ask = apply_of(fetch(0, 1));
    ck_assert_uint_eq(ask.home_last_seq, 2);
    apply(&ask); /* one of two: it cannot know how old it is */
    answer = get(EU, "colour");
    ck_assert_uint_eq(answer->status, 200);
    ck_assert(!answer->staleness_known);

    driver_run(driver, 30 * MILLISECOND_US);
    ask = apply_of(fetch(1, 0));
    apply(&ask);
    answer = get(EU, "colour");
    ck_assert(answer->staleness_known);
    ck_assert_uint_eq(answer->staleness_us, 0);
    driver_run(driver, 70 * MILLISECOND_US);
    ck_assert_uint_eq(get(EU, "colour")->staleness_us, 70 * MILLISECOND_US);
}
END_TEST

START_TEST(a_heartbeat_keeps_a_follower_fresh_only_when_it_has_everything)
{
    Mec__Apply beat = MEC__APPLY__INIT;

    put("colour", "green");
    driver_ship(driver, "us-east", US, EU);
    beat.shard = "us-east";
    beat.epoch = 1;
    driver_run(driver, 100 * MILLISECOND_US);
    beat.home_wall_us = driver->at.wall_us;
    beat.home_last_seq = 1;
    ck_assert_uint_eq(apply(&beat)->cursor->seq, 1);
    ck_assert_uint_eq(get(EU, "colour")->staleness_us, 0);

    driver_run(driver, 100 * MILLISECOND_US);
    beat.home_wall_us = driver->at.wall_us;
    beat.home_last_seq = 2; /* which we do not have */
    ck_assert_int_eq(apply(&beat)->outcome, MEC__APPLY_OUTCOME__APPLIED);
    ck_assert_uint_eq(get(EU, "colour")->staleness_us, 100 * MILLISECOND_US);
}
END_TEST

START_TEST(changes_that_came_before_are_acknowledged_again_without_effect)
{
    Mec__Apply ask;

    put("colour", "green");
    ask = apply_of(fetch(0, 0));
    apply(&ask);
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__APPLIED);
    ck_assert_uint_eq(apply(&ask)->cursor->seq, 1);
    ck_assert_uint_eq(get(EU, "colour")->version, 1);
}
END_TEST

START_TEST(a_gap_is_refused_with_the_cursor)
{
    Mec__Apply ask;
    const Mec__Applied *applied;

    put("colour", "green");
    put("colour", "red");
    put("colour", "blue");
    ask = apply_of(fetch(0, 1));
    apply(&ask);
    ask = apply_of(fetch(2, 0));
    applied = apply(&ask);
    ck_assert_int_eq(applied->outcome, MEC__APPLY_OUTCOME__GAP);
    ck_assert_uint_eq(applied->cursor->seq, 1);
    ck_assert_uint_eq(applied->cursor_digest.len, DIGEST_SIZE);
}
END_TEST

START_TEST(changes_that_are_damaged_or_not_dense_are_refused)
{
    Mec__Apply ask;

    put("colour", "green");
    put("colour", "red");
    ask = apply_of(fetch(0, 0));
    ask.changes[1]->change.data[5] ^= 1;
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__INVALID);
    ck_assert_uint_eq(newest_applied(NULL)->cursor->seq, 1); /* the first one was good */
    ask.changes[1]->change.data[5] ^= 1;
    ask.changes[1]->seq = 7;
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__INVALID);
    ask.changes[1]->seq = 2;
    ask.changes[1]->digest.len = 3;
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__INVALID);
    ask.shard = "mars";
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__INVALID);
}
END_TEST

START_TEST(a_follower_that_has_diverged_says_so_and_takes_nothing_more)
{
    Mec__Claims eve = driver_claims("ueve", "us-east");
    Mec__Call call = driver_put(&eve, "other", "history", "k");
    Mec__Apply ask;

    put("colour", "green");
    put("colour", "red");
    ask = apply_of(fetch(0, 0));

    /* The follower was home once, alone, and wrote something else. */
    driver->config.shards[0]->home = "eu-west";
    driver_configure(driver);
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 201);
    driver->config.shards[0]->home = "us-east";
    driver_configure(driver);

    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__DIVERGED);
    ck_assert_ptr_nonnull(strstr(driver->nodes[EU].log, "ALARM"));
    ask.n_changes = 0;
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__DIVERGED);
}
END_TEST

START_TEST(a_home_of_an_older_epoch_is_fenced_off)
{
    Mec__Apply ask;

    put("colour", "green");
    ask = apply_of(fetch(0, 0));
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch = 2;
    driver_configure(driver);
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__STALE_EPOCH);
    ask.epoch = 2; /* it is home itself */
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__STALE_EPOCH);
}
END_TEST

START_TEST(a_home_that_has_seen_a_newer_epoch_than_its_config_takes_no_write)
{
    Mec__Call call = driver_put(&alice, "colour", "green", "k1");
    Mec__Call late = driver_put(&alice, "colour", "red", "k2");

    /* eu-west becomes home in epoch 2 and writes; us-east still runs by the old config. */
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch = 2;
    driver_configure(driver);
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 201);
    driver_ship(driver, "us-east", EU, US);
    driver->config.shards[0]->home = "us-east";
    driver->config.shards[0]->epoch = 1;
    driver_configure(driver);
    ck_assert_int_eq(driver_ask(driver, US, &late)->verdict, MEC__VERDICT__NOT_HOME);
}
END_TEST

/* Its log seems to end before what the others have, as long as a change is on its way to the disk.
 */
START_TEST(a_follower_is_home_only_once_it_can_see_all_that_it_has)
{
    Mec__Call late = driver_put(&alice, "colour", "red", "k2");
    Mec__TailAsk ask = MEC__TAIL_ASK__INIT;
    const struct driver_frame *frame;
    Mec__Apply batch;
    Mec__Tail *tail;

    put("colour", "green");
    batch = apply_of(fetch(0, 0));
    driver->nodes[EU].hold_commits = true;
    apply(&batch);
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch = 2;
    driver_configure(driver);
    ck_assert_int_eq(driver_ask(driver, EU, &late)->verdict, MEC__VERDICT__NOT_HOME);
    ask.shard = "us-east";
    driver_send(driver, EU, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
    frame = driver_newest(driver, EU, REPLICATOR, FRAME_TAIL, NULL);
    tail = mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    ck_assert(tail->not_home);

    driver->nodes[EU].hold_commits = false;
    driver_store(driver, EU);
    ck_assert_uint_eq(driver_ask(driver, EU, &late)->status, 204);
    driver_send(driver, EU, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
    frame = driver_newest(driver, EU, REPLICATOR, FRAME_TAIL, NULL);
    tail = mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    ck_assert(!tail->not_home);
    ck_assert_uint_eq(tail->last_seq, 2);
}
END_TEST

START_TEST(acknowledgements_keep_the_order_of_what_came)
{
    Mec__Apply first, second, beat = MEC__APPLY__INIT;
    size_t count;

    put("colour", "green");
    put("colour", "red");
    first = apply_of(fetch(0, 1));
    second = apply_of(fetch(1, 1));
    beat.shard = "us-east";
    beat.epoch = 1;
    driver->nodes[EU].hold_commits = true;
    apply(&first);
    apply(&second);
    apply(&beat);
    newest_applied(&count);
    ck_assert_uint_eq(count, 0);
    driver_store(driver, EU);
    ck_assert_uint_eq(newest_applied(&count)->cursor->seq, 1);
    ck_assert_uint_eq(count, 1);
    driver_store(driver, EU);
    ck_assert_uint_eq(newest_applied(&count)->cursor->seq, 2);
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(a_follower_with_a_full_disk_is_busy_not_broken)
{
    Mec__Apply ask;

    put("colour", "green");
    ask = apply_of(fetch(0, 0));
    driver->nodes[EU].fail_commits = -ENOSPC;
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__BUSY);
    driver->nodes[EU].fail_commits = 0;
    ck_assert_int_eq(apply(&ask)->outcome, MEC__APPLY_OUTCOME__APPLIED);
}
END_TEST

START_TEST(too_many_waiting_changes_make_a_follower_busy)
{
    static char value[60 * 1024];
    Mec__Apply ask;
    const Mec__Applied *applied = NULL;

    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < 4; i++)
        put("colour", value);
    ask = apply_of(fetch(0, 0));
    driver->nodes[EU].hold_commits = true;
    for (int i = 0; i < 8 * 1024 / 240 + 2 && !applied; i++)
        applied = apply(&ask);
    ck_assert_ptr_nonnull(applied);
    ck_assert_int_eq(applied->outcome, MEC__APPLY_OUTCOME__BUSY);
}
END_TEST

/* ---- bookmarks ---- */

static Mec__Call get_at(Mec__Position *seen, Mec__Position **bookmark, uint64_t seq)
{
    Mec__Call call = driver_get(&alice, "colour");

    mec__position__init(seen);
    seen->shard = "us-east";
    seen->epoch = 1;
    seen->seq = seq;
    *bookmark = seen;
    call.bookmark = bookmark;
    call.n_bookmark = 1;
    return call;
}

START_TEST(a_read_behind_its_bookmark_waits_for_the_change_and_then_sees_it)
{
    Mec__Position seen, *bookmark;
    Mec__Call call = get_at(&seen, &bookmark, 2);
    Mec__Apply ask;
    const Mec__Answer *answer;
    uint64_t id;

    put("colour", "green");
    driver_ship(driver, "us-east", US, EU);
    get(EU, "colour"); /* into the cache */
    put("colour", "red");
    call.wait_us = 150 * MILLISECOND_US;
    id = driver_call(driver, EU, &call);
    ck_assert_ptr_null(driver_answer(driver, EU, id));
    driver_run(driver, 20 * MILLISECOND_US);
    ask = apply_of(fetch(1, 0));
    apply(&ask);
    answer = driver_answer(driver, EU, id);
    ck_assert_ptr_nonnull(answer);
    ck_assert_str_eq(driver_body(answer), "red");
    ck_assert_uint_eq(answer->position->seq, 2);
    ck_assert_uint_eq(answer->service_us, 20 * MILLISECOND_US);
}
END_TEST

START_TEST(a_read_that_waited_long_enough_is_told_that_the_copy_is_behind)
{
    Mec__Position seen, *bookmark;
    Mec__Call call = get_at(&seen, &bookmark, 2);
    const Mec__Answer *answer;
    uint64_t id;

    put("colour", "green");
    driver_ship(driver, "us-east", US, EU);
    call.wait_us = 150 * MILLISECOND_US;
    id = driver_call(driver, EU, &call);
    driver_run(driver, 149 * MILLISECOND_US);
    ck_assert_ptr_null(driver_answer(driver, EU, id));
    driver_run(driver, 1 * MILLISECOND_US);
    answer = driver_answer(driver, EU, id);
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__BEHIND);
    ck_assert_str_eq(answer->problem, "behind-bookmark");

    call.consistency = MEC__CONSISTENCY__STALE_OK;
    ck_assert_str_eq(driver_body(driver_ask(driver, EU, &call)), "green");
}
END_TEST

START_TEST(a_bookmark_of_another_shard_holds_nobody_up)
{
    Mec__Position seen, *bookmark;
    Mec__Call call = get_at(&seen, &bookmark, 900);

    put("colour", "green");
    driver_ship(driver, "us-east", US, EU);
    seen.shard = "eu-west";
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 200);
}
END_TEST

START_TEST(a_later_epoch_is_later_whatever_the_seq)
{
    Mec__Position seen, *bookmark;
    Mec__Call call = get_at(&seen, &bookmark, 1);

    put("colour", "green");
    put("colour", "red");
    seen.epoch = 2;
    ck_assert_int_eq(driver_ask(driver, US, &call)->verdict, MEC__VERDICT__BEHIND);
}
END_TEST

START_TEST(a_strong_read_is_for_the_home)
{
    Mec__Call call = driver_get(&alice, "colour");

    put("colour", "green");
    driver_ship(driver, "us-east", US, EU);
    call.consistency = MEC__CONSISTENCY__STRONG;
    ck_assert_int_eq(driver_ask(driver, EU, &call)->verdict, MEC__VERDICT__NOT_HOME);
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 200);
}
END_TEST

/* A batch is on the disk, and its end is not told yet. */
START_TEST(a_read_of_what_is_not_visible_yet_says_the_position_it_has_seen)
{
    Mec__Call call = driver_put(&alice, "colour", "red", "k-red");
    const Mec__Answer *answer;

    put("colour", "green");
    driver->nodes[US].hold_commits = true;
    driver_call(driver, US, &call);
    storage_run(driver->nodes[US].storage, driver->nodes[US].batch);
    answer = get(US, "colour");
    ck_assert_str_eq(driver_body(answer), "red");
    ck_assert_uint_eq(answer->position->seq, 2);
    for (size_t i = 0; i < driver->nodes[US].batch->count; i++)
        store_op_release(&driver->nodes[US].batch->ops[i]);
}
END_TEST

/* ---- the feed ---- */

static void tail(uint64_t after_seq)
{
    Mec__TailAsk ask = MEC__TAIL_ASK__INIT;

    ask.shard = "us-east";
    ask.after_seq = after_seq;
    driver_send(driver, US, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
}

START_TEST(the_first_tail_is_as_long_as_it_may_be)
{
    Mec__TailAsk ask = MEC__TAIL_ASK__INIT;
    const Mec__Tail *got;

    put("colour", "green");
    put("colour", "red");
    put("colour", "blue");
    ask.shard = "us-east";
    ask.max_changes = 2;
    driver_send(driver, US, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
    got = newest_tail(NULL);
    ck_assert_uint_eq(got->n_changes, 2);
    ck_assert_uint_eq(got->changes[0]->seq, 1);
    ck_assert_uint_eq(got->last_seq, 3);
}
END_TEST

START_TEST(a_tail_starts_with_what_there_is_and_goes_on_with_what_comes)
{
    size_t count;
    const Mec__Tail *got;

    put("colour", "green");
    put("colour", "red");
    tail(1);
    got = newest_tail(&count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(got->n_changes, 1);
    ck_assert_uint_eq(got->changes[0]->seq, 2);
    ck_assert_uint_eq(got->last_seq, 2);
    put("colour", "blue");
    got = newest_tail(&count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(got->after_seq, 2);
    ck_assert_uint_eq(got->n_changes, 1);
    ck_assert_uint_eq(got->changes[0]->seq, 3);
    ck_assert_uint_eq(got->changes[0]->digest.len, DIGEST_SIZE);
    ck_assert_uint_eq(got->last_seq, 3);
}
END_TEST

START_TEST(pushed_changes_are_the_very_bytes_of_the_log)
{
    const Mec__Tail *pushed, *fetched;

    tail(0);
    put("colour", "green");
    pushed = newest_tail(NULL);
    fetched = fetch(0, 0);
    ck_assert_uint_eq(pushed->changes[0]->change.len, fetched->changes[0]->change.len);
    ck_assert_mem_eq(pushed->changes[0]->change.data, fetched->changes[0]->change.data,
                     pushed->changes[0]->change.len);
    ck_assert_mem_eq(pushed->changes[0]->digest.data, fetched->changes[0]->digest.data,
                     DIGEST_SIZE);
}
END_TEST

START_TEST(a_tail_beats_when_nothing_happens_and_ends_with_its_connection)
{
    struct region_event closed = {.kind = REGION_CLOSED, .connection = REPLICATOR};
    size_t count;
    const Mec__Tail *got;

    tail(0);
    driver_run(driver, 510 * MILLISECOND_US);
    got = newest_tail(&count);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(got->n_changes, 0);
    closed.at = driver->at;
    region_step(driver->nodes[US].region, &closed);
    driver_run(driver, 510 * MILLISECOND_US);
    newest_tail(&count);
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(a_large_batch_is_pushed_in_several_tails_that_follow_on)
{
    static char value[60 * 1024];
    size_t before, count;
    uint64_t expected = 2;

    memset(value, 'v', sizeof value - 1);
    tail(0);
    newest_tail(&before);
    driver->nodes[US].hold_commits = true;
    for (int i = 0; i < 12; i++) {
        char once[16] = "";
        Mec__Call call = driver_put(&alice, "colour", value, once);

        snprintf(once, sizeof once, "large-%d", i);
        driver_call(driver, US, &call);
    }
    driver_store(driver, US); /* the first one alone */
    driver_store(driver, US); /* the others together */
    newest_tail(&count);
    ck_assert_uint_gt(count - before, 3);
    for (size_t i = 0; i < driver->nodes[US].frame_count; i++) {
        const struct driver_frame *frame = &driver->nodes[US].frames[i];
        Mec__Tail *got;

        if (frame->kind != FRAME_TAIL)
            continue;
        got = mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
        ck_assert_uint_lt(frame->size, 512 * 1024);
        if (got->n_changes == 0 || got->changes[0]->seq == 1)
            continue;
        ck_assert_uint_eq(got->after_seq, expected - 1);
        for (size_t j = 0; j < got->n_changes; j++)
            ck_assert_uint_eq(got->changes[j]->seq, expected++);
    }
    ck_assert_uint_eq(expected, 13);
}
END_TEST

START_TEST(a_region_that_is_not_home_feeds_nobody)
{
    Mec__TailAsk ask = MEC__TAIL_ASK__INIT;
    size_t count, later;

    ask.shard = "eu-west";
    driver_send(driver, US, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
    ck_assert(newest_tail(NULL)->not_home);
    ask.shard = "mars";
    driver_send(driver, US, REPLICATOR, FRAME_TAIL_ASK, &ask.base);
    ck_assert(newest_tail(NULL)->not_home);

    tail(0);
    ck_assert(!newest_tail(NULL)->not_home);
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch = 2;
    driver_configure(driver);
    ck_assert(newest_tail(&count)->not_home);
    driver_run(driver, SECOND_US);
    newest_tail(&later);
    ck_assert_uint_eq(later, count);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_the_home_wrote_is_read_at_the_follower,
        an_applied_change_ends_what_the_cache_had,
        an_empty_follower_that_never_heard_of_its_home_does_not_say_that_nothing_is_there,
        staleness_is_unknown_then_counted_from_when_the_follower_had_everything,
        a_heartbeat_keeps_a_follower_fresh_only_when_it_has_everything,
        changes_that_came_before_are_acknowledged_again_without_effect,
        a_gap_is_refused_with_the_cursor,
        changes_that_are_damaged_or_not_dense_are_refused,
        a_follower_that_has_diverged_says_so_and_takes_nothing_more,
        a_home_of_an_older_epoch_is_fenced_off,
        a_home_that_has_seen_a_newer_epoch_than_its_config_takes_no_write,
        a_follower_is_home_only_once_it_can_see_all_that_it_has,
        the_first_tail_is_as_long_as_it_may_be,
        acknowledgements_keep_the_order_of_what_came,
        a_follower_with_a_full_disk_is_busy_not_broken,
        too_many_waiting_changes_make_a_follower_busy,
        a_read_behind_its_bookmark_waits_for_the_change_and_then_sees_it,
        a_read_that_waited_long_enough_is_told_that_the_copy_is_behind,
        a_bookmark_of_another_shard_holds_nobody_up,
        a_later_epoch_is_later_whatever_the_seq,
        a_strong_read_is_for_the_home,
        a_read_of_what_is_not_visible_yet_says_the_position_it_has_seen,
        a_tail_starts_with_what_there_is_and_goes_on_with_what_comes,
        pushed_changes_are_the_very_bytes_of_the_log,
        a_tail_beats_when_nothing_happens_and_ends_with_its_connection,
        a_large_batch_is_pushed_in_several_tails_that_follow_on,
        a_region_that_is_not_home_feeds_nobody,
    };
    return suite_run(&(struct suite){.name = "region_follower",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 20,
                                     SUITE_TESTS(tests)});
}
