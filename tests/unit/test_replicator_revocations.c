/* Revocations on their way ahead of the log: a replicator in virtual time, and followers that know
 * of revocations what a real one knows. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/random.h"
#include "common/revocation.h"
#include "regiond/revocations.h"
#include "tests/unit/replicator_fixture.h"
#include "tests/unit/suite.h"

#define BACKLOG     4000 /* of 200 bytes: 25 s and more on the narrow link */
#define NARROW_RATE 50000
#define REVOKED_MAX 8192

static struct revocations *known[DRIVER_REGIONS_MAX];
static size_t told[DRIVER_REGIONS_MAX]; /* revocations that have come */

/* The truth: what the home has revoked, when, and by which change. */
static struct {
    uint64_t seq;
    uint64_t at_us;
    char user[32];
} revoked[REVOKED_MAX];
static size_t revoked_count;

static void hears(struct driver *of, uint32_t peer, const Mec__Apply *apply, Mec__Applied *answer)
{
    struct revocations *at = known[peer];
    uint64_t visible_seq = of->followers[peer].cursor_seq;
    struct revocations_news news = {
        .epoch = apply->epoch,
        .mark = {apply->home_wall_us, of->now_us - apply->home_said_us_ago},
        .last_seq = apply->home_last_seq,
        .after_seq = apply->revocations_after_seq,
        .through_seq = apply->revocations_through_seq,
        .items = apply->revocations,
        .count = apply->n_revocations,
    };

    ck_assert(revocations_well_formed(apply));
    told[peer] += apply->n_revocations;
    revocations_advance(at, visible_seq);
    if (apply->n_changes == 0)
        revocations_hear(at, &news, visible_seq, (DRIVER_WALL_US + of->now_us) / SECOND_US);
    answer->revocations_after_seq = revocations_after_seq(at);
    answer->revocations_through_seq = revocations_through_seq(at);
}

static void begin(void)
{
    set_up();
    driver->hears = hears;
    for (size_t i = 1; i < DRIVER_REGIONS_MAX; i++)
        known[i] = revocations_create();
}

static void end(void)
{
    for (size_t i = 1; i < DRIVER_REGIONS_MAX; i++)
        revocations_free(known[i]);
    tear_down();
}

/* A follower's process ends and another starts: what came ahead of the log is forgotten. */
static void restart(uint32_t peer)
{
    driver_follower_stops(driver, peer);
    revocations_free(known[peer]);
    known[peer] = revocations_create();
    driver_follower_starts(driver, peer);
}

static void revoke(void)
{
    ck_assert_uint_lt(revoked_count, REVOKED_MAX);
    revoked[revoked_count].seq = driver->home.count + 1;
    revoked[revoked_count].at_us = driver->now_us;
    snprintf(revoked[revoked_count].user, sizeof revoked->user, "u-%d", (int)revoked_count);
    driver_revoke(driver, revoked[revoked_count].user);
    revoked_count++;
}

/* Does the follower refuse tokens that revocation @index has voided, or show its change? */
static bool honours(uint32_t peer, size_t index)
{
    return driver->followers[peer].cursor_seq >= revoked[index].seq ||
           revocations_void(known[peer], revoked[index].user, "s", 1);
}

static bool age(uint32_t peer, uint64_t *ret_us)
{
    const struct freshness_mark *mark = revocations_as_of(known[peer]);
    uint64_t heard_us, wall_us;

    if (!mark)
        return false;
    heard_us = driver->now_us - mark->heard_us;
    wall_us = DRIVER_WALL_US + driver->now_us - mark->wall_us;
    *ret_us = heard_us > wall_us ? heard_us : wall_us;
    return true;
}

/* What was revoked longer ago than the follower's age must be refused there. */
static void check_age(uint32_t peer)
{
    uint64_t age_us;

    if (!age(peer, &age_us))
        return;
    for (size_t i = 0; i < revoked_count; i++)
        if (driver->now_us - revoked[i].at_us > age_us)
            ck_assert_msg(honours(peer, i), "%d us old, and does not know of %d of %d us ago",
                          (int)age_us, (int)revoked[i].seq,
                          (int)(driver->now_us - revoked[i].at_us));
}

static void narrow(uint32_t peer)
{
    driver_link(driver, HOME, peer)->rate_bytes_per_s = NARROW_RATE;
    driver_configure(driver);
}

static bool has_backlog(uint32_t peer)
{
    return driver->followers[peer].cursor_seq + 400 < driver->home.count;
}

/* Until the follower honours revocation @index: how long that takes, at most @most_ms. */
static uint64_t until_honoured_ms(uint32_t peer, size_t index, uint64_t most_ms)
{
    uint64_t passed_ms = 0;

    while (passed_ms < most_ms && !honours(peer, index)) {
        run_ms(1);
        passed_ms++;
        check_age(peer);
    }
    return passed_ms;
}

/* ---- ahead of the log ---- */

START_TEST(a_revocation_overtakes_a_backlog_on_a_narrow_link)
{
    uint64_t age_us = 0;

    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    run_ms(5000);
    ck_assert(has_backlog(EU));
    revoke();
    ck_assert_uint_le(until_honoured_ms(EU, 0, 1000), LATENCY_US / MILLISECOND_US + 5);
    for (int i = 0; i < 50; i++) {
        run_ms(100);
        ck_assert(age(EU, &age_us));
        ck_assert_uint_lt(age_us, DRIVER_BEAT_US + 2 * LATENCY_US);
    }
    ck_assert(has_backlog(EU));
    ck_assert(honours(EU, 0));
    run_ms(30000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(told[EU], 1);
    ck_assert_uint_eq(told[AP], 1);
}
END_TEST

START_TEST(many_at_once_come_in_parts_and_all)
{
    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    run_ms(1000);
    for (int i = 0; i < 1500; i++)
        revoke();
    run_ms(2000);
    for (size_t i = 0; i < 1500; i++)
        ck_assert(honours(EU, i));
    ck_assert(has_backlog(EU));
    ck_assert_uint_eq(told[EU], 1500);
}
END_TEST

START_TEST(a_follower_without_room_on_its_disk_is_told_too)
{
    run_ms(300);
    driver->followers[EU].full = true;
    driver_commit(driver, 10, 100);
    run_ms(530); /* between two tries */
    revoke();
    ck_assert_uint_le(until_honoured_ms(EU, 0, 1000), LATENCY_US / MILLISECOND_US + 1);
    run_ms(3000);
    ck_assert_uint_eq(told[EU], 1);
}
END_TEST

START_TEST(a_cut_of_the_way_back_does_not_keep_revocations)
{
    run_ms(300);
    driver_link(driver, EU, HOME)->cut = MEC__CUT_KIND__CUT_HOLD;
    driver_configure(driver);
    run_ms(60000); /* no more heartbeats without an answer */
    revoke();
    ck_assert_uint_le(until_honoured_ms(EU, 0, 1000), LATENCY_US / MILLISECOND_US + 1);
}
END_TEST

START_TEST(after_a_cut_revocations_are_first)
{
    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    run_ms(1000);
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_HOLD);
    revoke();
    run_ms(60000);
    revoke();
    ck_assert(!honours(EU, 0));
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_NONE);
    /* Only heartbeats that the cut has held are before it. */
    ck_assert_uint_le(until_honoured_ms(EU, 1, 1000), LATENCY_US / MILLISECOND_US + 100);
    ck_assert(honours(EU, 0));
    ck_assert(has_backlog(EU));
}
END_TEST

START_TEST(what_a_reset_has_dropped_is_told_again)
{
    run_ms(300);
    driver->followers[EU].full = true; /* the log brings nothing */
    driver_commit(driver, 10, 100);
    run_ms(500);
    revoke();
    run_ms(10);
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_RESET);
    run_ms(2000);
    ck_assert(!honours(EU, 0));
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_NONE);
    ck_assert_uint_le(until_honoured_ms(EU, 0, 2000), 500);
    run_ms(3000);
    ck_assert_uint_eq(told[EU], 1);
}
END_TEST

/* ---- who comes back ---- */

START_TEST(a_follower_that_comes_back_is_told_what_its_log_does_not_show)
{
    uint64_t age_us;

    narrow(EU);
    run_ms(300);
    revoke();
    run_ms(500);
    driver_commit(driver, BACKLOG, 200);
    run_ms(1000);
    revoke();
    run_ms(500);
    restart(EU);
    ck_assert(!honours(EU, 1));
    ck_assert(!age(EU, &age_us));
    ck_assert_uint_le(until_honoured_ms(EU, 1, 2000), 3 * LATENCY_US / MILLISECOND_US + 60);
    run_ms(500);
    ck_assert(age(EU, &age_us));
    ck_assert_uint_lt(age_us, DRIVER_BEAT_US + 2 * LATENCY_US);
    ck_assert(has_backlog(EU));
    ck_assert_uint_eq(told[EU], 3); /* the first one stood in its log */
}
END_TEST

START_TEST(a_replicator_that_comes_back_tells_nothing_twice)
{
    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    run_ms(1000);
    revoke();
    run_ms(500);
    driver_restart_replicator(driver);
    run_ms(1000);
    ck_assert_uint_eq(told[EU], 1);
    revoke();
    ck_assert_uint_le(until_honoured_ms(EU, 1, 1000), LATENCY_US / MILLISECOND_US + 5);
    ck_assert(has_backlog(EU));
}
END_TEST

START_TEST(a_home_that_comes_back_leaves_those_in_the_know_who_knew_all)
{
    uint64_t age_us;

    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    run_ms(1000);
    revoke();
    run_ms(300);
    driver_home_stops(driver);
    run_ms(500);
    driver_home_starts(driver);
    run_ms(500);
    ck_assert(has_backlog(EU));
    ck_assert(age(EU, &age_us));
    ck_assert_uint_lt(age_us, DRIVER_BEAT_US + 2 * LATENCY_US);
    ck_assert_uint_eq(told[EU], 1);
}
END_TEST

START_TEST(what_nobody_remembers_is_not_known_until_the_log_shows_it)
{
    uint64_t age_us;

    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    revoke();
    run_ms(1000);
    driver_home_stops(driver);
    driver_restart_replicator(driver);
    driver_home_starts(driver);
    restart(EU);
    run_ms(1000);
    ck_assert(!honours(EU, 0));
    ck_assert(!age(EU, &age_us));
    revoke(); /* this one is told all the same */
    run_ms(100);
    ck_assert(honours(EU, 1));
    ck_assert(!age(EU, &age_us));
    while (!honours(EU, 0)) {
        ck_assert(!age(EU, &age_us));
        run_ms(10);
    }
    ck_assert(age(EU, &age_us));
    ck_assert_uint_lt(age_us, DRIVER_BEAT_US + 2 * LATENCY_US);
}
END_TEST

START_TEST(what_the_list_has_let_go_is_not_known_until_the_log_shows_it)
{
    uint64_t age_us;

    narrow(EU);
    run_ms(300);
    driver_follower_stops(driver, EU);
    driver_commit(driver, BACKLOG, 200);
    for (size_t i = 0; i < REVOCATION_LIST_MAX + 10; i++)
        revoke();
    restart(EU);
    run_ms(5000);
    ck_assert(has_backlog(EU));
    ck_assert(!honours(EU, 9));
    ck_assert(honours(EU, 10));
    while (!honours(EU, 9)) {
        ck_assert(!age(EU, &age_us));
        run_ms(10);
    }
    ck_assert(age(EU, &age_us));
    ck_assert_uint_lt(age_us, DRIVER_BEAT_US + 2 * LATENCY_US);
    ck_assert_uint_eq(told[EU], REVOCATION_LIST_MAX);
}
END_TEST

START_TEST(a_new_epoch_is_told_anew)
{
    uint64_t age_us;

    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    revoke();
    run_ms(1000);
    driver->home.epoch++;
    driver->shard.epoch++;
    revocation_list_reset(driver->home.revocations, driver->home.count);
    driver_configure(driver);
    run_ms(1000);
    ck_assert(honours(EU, 0)); /* still denied */
    ck_assert(!age(EU, &age_us));
    revoke();
    ck_assert_uint_le(until_honoured_ms(EU, 1, 1000), LATENCY_US / MILLISECOND_US + 5);
    run_ms(40000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(age(EU, &age_us));
    ck_assert_uint_eq(revocations_count(known[EU]), 0);
}
END_TEST

START_TEST(a_new_epoch_of_which_the_home_hears_first_is_told_anew)
{
    uint64_t age_us;

    narrow(EU);
    run_ms(300);
    driver_commit(driver, BACKLOG, 200);
    run_ms(1000);
    ck_assert(age(EU, &age_us));
    driver->home.epoch++;
    revocation_list_reset(driver->home.revocations, driver->home.count);
    run_ms(1000);
    ck_assert(has_backlog(EU));
    ck_assert(!age(EU, &age_us));
}
END_TEST

START_TEST(a_home_that_says_nothing_leaves_the_age_growing)
{
    uint64_t age_us, since_us;

    run_ms(1000);
    driver->home.mute = true;
    since_us = driver->now_us;
    run_ms(4000); /* the replicator repeats what it was told last */
    ck_assert(age(EU, &age_us));
    ck_assert_uint_ge(age_us, driver->now_us - since_us);
}
END_TEST

START_TEST(a_repeated_end_of_the_log_is_as_old_as_it_is_whatever_the_clocks_say)
{
    const struct freshness_mark *mark;

    run_ms(1000);
    driver->home.mute = true;
    run_ms(4000);
    mark = revocations_as_of(known[EU]);
    ck_assert_uint_ge(driver->now_us - mark->heard_us, 4000 * MILLISECOND_US - LATENCY_US);
}
END_TEST

/* ---- anything at any time ---- */

static struct random luck;

static bool chance(uint64_t one_in)
{
    return random_up_to(&luck, one_in - 1) == 0;
}

static void begin_next_epoch(void)
{
    driver->home.epoch++;
    driver->shard.epoch++;
    revocation_list_reset(driver->home.revocations, driver->home.count);
    driver_configure(driver);
}

static void bring_home_back(void)
{
    driver_home_stops(driver);
    run_ms(random_up_to(&luck, 300));
    driver_home_starts(driver);
}

static void disturb(void)
{
    static const Mec__CutKind cuts[] = {MEC__CUT_KIND__CUT_NONE, MEC__CUT_KIND__CUT_NONE,
                                        MEC__CUT_KIND__CUT_HOLD, MEC__CUT_KIND__CUT_RESET};

    if (chance(10))
        driver_cut(driver, EU, cuts[random_up_to(&luck, 3)]);
    if (chance(40))
        restart(EU);
    if (chance(60))
        driver_restart_replicator(driver);
    if (chance(60))
        bring_home_back();
    if (chance(100))
        begin_next_epoch();
    if (chance(10))
        driver->followers[EU].full = !driver->followers[EU].full;
}

static void storm(size_t rounds)
{
    for (size_t i = 0; i < rounds; i++) {
        if (chance(3))
            driver_commit(driver, random_up_to(&luck, 60), 200);
        if (chance(3))
            revoke();
        disturb();
        run_ms(random_up_to(&luck, 60));
        check_age(EU);
        check_age(AP);
    }
}

START_TEST(no_follower_ever_claims_to_know_more_than_it_does)
{
    uint64_t age_us;

    random_seed(&luck, (uint64_t)_i);
    driver_link(driver, HOME, EU)->loss_ppm = 50000;
    narrow(EU);
    storm(300);
    driver->followers[EU].full = false;
    driver_link(driver, HOME, EU)->rate_bytes_per_s = 0;
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_NONE);
    run_ms(20000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(age(EU, &age_us));
    ck_assert_uint_lt(age_us, 2 * SECOND_US);
    ck_assert_uint_eq(revocations_count(known[EU]), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_revocation_overtakes_a_backlog_on_a_narrow_link,
        many_at_once_come_in_parts_and_all,
        a_follower_without_room_on_its_disk_is_told_too,
        a_cut_of_the_way_back_does_not_keep_revocations,
        after_a_cut_revocations_are_first,
        what_a_reset_has_dropped_is_told_again,
        a_follower_that_comes_back_is_told_what_its_log_does_not_show,
        a_replicator_that_comes_back_tells_nothing_twice,
        a_home_that_comes_back_leaves_those_in_the_know_who_knew_all,
        what_nobody_remembers_is_not_known_until_the_log_shows_it,
        what_the_list_has_let_go_is_not_known_until_the_log_shows_it,
        a_new_epoch_is_told_anew,
        a_new_epoch_of_which_the_home_hears_first_is_told_anew,
        a_home_that_says_nothing_leaves_the_age_growing,
        a_repeated_end_of_the_log_is_as_old_as_it_is_whatever_the_clocks_say,
    };
    const struct suite_loop loops[] = {
        {no_follower_ever_claims_to_know_more_than_it_does, SUITE_SWEEP(8)},
    };
    return suite_run(&(struct suite){.name = "replicator_revocations",
                                     .own_processes = true, /* each begins with fresh statics */
                                     .set_up = begin,
                                     .tear_down = end,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
