/* What a follower knows of revocations ahead of the log. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"
#include "common/random.h"
#include "common/revocation.h"
#include "regiond/revocations.h"
#include "tests/unit/suite.h"

#define EPOCH 3
#define NOW_S 1000

static struct revocations *revocations;
static uint64_t visible_seq;

static void set_up(void)
{
    revocations = revocations_create();
    revocations_begin_epoch(revocations, EPOCH);
    visible_seq = 0;
}

static void tear_down(void)
{
    revocations_free(revocations);
}

/* A revocation of user "u-SEQ", generation 2, of which tokens have expired by @until_s. */
static void make(Mec__Revocation *revocation, uint64_t seq, uint64_t until_s, char user[32])
{
    mec__revocation__init(revocation);
    snprintf(user, 32, "u-%d", (int)seq);
    revocation->seq = seq;
    revocation->user = user;
    revocation->below = 2;
    revocation->until_s = until_s;
}

/* The home's log ended at @last_seq at @wall_us; the stretch has revocations at @seqs. */
static void hear_in(uint64_t epoch, uint64_t wall_us, uint64_t last_seq, uint64_t after_seq,
                    uint64_t through_seq, const uint64_t *seqs, size_t count)
{
    Mec__Revocation *messages = memory_alloc((count + 1) * sizeof *messages);
    Mec__Revocation **items = memory_alloc((count + 1) * sizeof *items);
    char(*users)[32] = memory_alloc((count + 1) * sizeof *users);
    struct revocations_news news = {.epoch = epoch,
                                    .mark = {wall_us, wall_us},
                                    .last_seq = last_seq,
                                    .after_seq = after_seq,
                                    .through_seq = through_seq,
                                    .items = items,
                                    .count = count};

    for (size_t i = 0; i < count; i++) {
        make(&messages[i], seqs[i], 2000, users[i]);
        items[i] = &messages[i];
    }
    revocations_hear(revocations, &news, visible_seq, NOW_S);
    free(users);
    free(items);
    free(messages);
}

static void hear(uint64_t wall_us, uint64_t last_seq, uint64_t after_seq, uint64_t through_seq)
{
    hear_in(EPOCH, wall_us, last_seq, after_seq, through_seq, NULL, 0);
}

static void hear_one(uint64_t wall_us, uint64_t after_seq, uint64_t through_seq, uint64_t seq)
{
    hear_in(EPOCH, wall_us, through_seq, after_seq, through_seq, &seq, 1);
}

static void advance(uint64_t seq)
{
    visible_seq = seq;
    revocations_advance(revocations, seq);
}

static bool is_void(uint64_t seq)
{
    char user[32];

    snprintf(user, sizeof user, "u-%d", (int)seq);
    return revocations_void(revocations, user, "s", 1);
}

/* Everything up to that time is here; 0: nothing is known. */
static uint64_t as_of(void)
{
    const struct freshness_mark *mark = revocations_as_of(revocations);

    return mark ? mark->wall_us : 0;
}

START_TEST(what_came_ahead_denies_until_the_log_shows_it)
{
    hear_one(100, 0, 50, 40);
    ck_assert(is_void(40));
    ck_assert(!is_void(41));
    ck_assert_uint_eq(as_of(), 100);
    advance(39);
    ck_assert(is_void(40));
    advance(40);
    ck_assert(!is_void(40));
    ck_assert_uint_eq(revocations_count(revocations), 0);
    ck_assert_uint_eq(as_of(), 100);
}
END_TEST

START_TEST(sessions_and_generations_are_told_apart)
{
    Mec__Revocation revocation = MEC__REVOCATION__INIT;
    Mec__Revocation *items[] = {&revocation};
    struct revocations_news news = {.epoch = EPOCH, .through_seq = 9, .items = items, .count = 1};

    revocation.seq = 7;
    revocation.user = "alice";
    revocation.session = "s-1";
    revocations_hear(revocations, &news, 0, NOW_S);
    revocation.seq = 8;
    revocation.session = "";
    revocation.below = 4;
    revocations_hear(revocations, &news, 0, NOW_S);
    ck_assert(revocations_void(revocations, "alice", "s-1", 9));
    ck_assert(!revocations_void(revocations, "alice", "s-2", 4));
    ck_assert(revocations_void(revocations, "alice", "s-2", 3));
    ck_assert(!revocations_void(revocations, "bob", "s-1", 3));
    advance(7);
    ck_assert(!revocations_void(revocations, "alice", "s-1", 9));
    ck_assert(revocations_void(revocations, "alice", "s-1", 3));
}
END_TEST

START_TEST(nothing_is_known_before_anything_was_told)
{
    ck_assert_uint_eq(as_of(), 0);
    hear(100, 50, 0, 0); /* a home that says nothing of revocations */
    ck_assert_uint_eq(as_of(), 0);
    advance(50); /* the log is as good */
    ck_assert_uint_eq(as_of(), 100);
}
END_TEST

START_TEST(a_stretch_counts_from_when_the_log_has_reached_its_beginning)
{
    hear_one(100, 20, 50, 40);
    hear_one(200, 50, 60, 55);
    ck_assert(is_void(40));
    ck_assert_uint_eq(as_of(), 0);
    advance(19);
    ck_assert_uint_eq(as_of(), 0);
    advance(20);
    ck_assert_uint_eq(as_of(), 200);
}
END_TEST

START_TEST(what_is_missing_in_between_is_not_known)
{
    hear(100, 10, 0, 10);
    hear(200, 30, 20, 30); /* 10 to 20 was lost on the way */
    ck_assert_uint_eq(as_of(), 100);
    ck_assert_uint_eq(revocations_after_seq(revocations), 20);
    ck_assert_uint_eq(revocations_through_seq(revocations), 30);
    hear_one(300, 0, 30, 15); /* and comes again */
    ck_assert_uint_eq(as_of(), 300);
    ck_assert(is_void(15));
}
END_TEST

START_TEST(part_of_what_there_is_does_not_count_as_all)
{
    hear(100, 90, 0, 40);
    ck_assert_uint_eq(as_of(), 0);
    hear(100, 90, 40, 90);
    ck_assert_uint_eq(as_of(), 100);
}
END_TEST

START_TEST(what_comes_twice_or_late_changes_nothing)
{
    hear_one(100, 0, 20, 15);
    hear_one(100, 0, 20, 15);
    ck_assert_uint_eq(revocations_count(revocations), 1);
    hear(200, 30, 20, 30);
    hear_one(50, 0, 10, 5); /* had been overtaken */
    ck_assert_uint_eq(as_of(), 200);
    ck_assert(is_void(5));
    advance(15);
    hear_one(100, 0, 20, 15);
    ck_assert_uint_eq(revocations_count(revocations), 0);
    ck_assert_uint_eq(as_of(), 200);
}
END_TEST

START_TEST(a_home_whose_clock_was_set_back_is_believed)
{
    hear(900, 20, 0, 20);
    hear(300, 20, 20, 20);
    ck_assert_uint_eq(as_of(), 300);
}
END_TEST

START_TEST(a_new_epoch_knows_nothing_and_still_denies)
{
    hear_one(100, 0, 20, 15);
    revocations_begin_epoch(revocations, EPOCH + 1);
    ck_assert_uint_eq(as_of(), 0);
    ck_assert(is_void(15));
    hear(200, 30, 20, 30); /* of the epoch that is over */
    ck_assert_uint_eq(as_of(), 0);
    /* The new home had only up to 12 of it, and knows of everything behind that. */
    hear_in(EPOCH + 1, 300, 13, 12, 13, (const uint64_t[]){13}, 1);
    ck_assert_uint_eq(as_of(), 0);
    ck_assert(is_void(15));
    advance(12);
    ck_assert_uint_eq(as_of(), 300);
    ck_assert(!is_void(15)); /* was given up */
    ck_assert(is_void(13));
    revocations_begin_epoch(revocations, EPOCH); /* late news */
    ck_assert_uint_eq(as_of(), 300);
}
END_TEST

START_TEST(the_same_seq_of_a_new_epoch_is_another_change)
{
    uint64_t seq = 15;

    hear_one(100, 0, 20, seq);
    hear_in(EPOCH + 1, 200, 40, 30, 40, &seq, 1);
    ck_assert_uint_eq(revocations_count(revocations), 1);
    advance(30);
    ck_assert_uint_eq(as_of(), 200);
}
END_TEST

/* ---- bounds ---- */

static void fill_up(uint64_t from_seq, size_t count)
{
    uint64_t *seqs = memory_alloc(count * sizeof *seqs);

    for (size_t i = 0; i < count; i++)
        seqs[i] = from_seq + i;
    hear_in(EPOCH, 100, from_seq + count - 1, from_seq - 1, from_seq + count - 1, seqs, count);
    free(seqs);
}

START_TEST(what_has_no_room_is_not_known_until_the_log_shows_it)
{
    fill_up(1, REVOCATIONS_HELD_MAX);
    ck_assert_uint_eq(as_of(), 100);
    hear_one(200, REVOCATIONS_HELD_MAX, REVOCATIONS_HELD_MAX + 1, REVOCATIONS_HELD_MAX + 1);
    ck_assert_uint_eq(revocations_count(revocations), REVOCATIONS_HELD_MAX);
    ck_assert(!is_void(REVOCATIONS_HELD_MAX + 1));
    ck_assert_uint_eq(as_of(), 100);
    advance(10);
    hear_one(300, REVOCATIONS_HELD_MAX + 1, REVOCATIONS_HELD_MAX + 2, REVOCATIONS_HELD_MAX + 2);
    ck_assert(is_void(REVOCATIONS_HELD_MAX + 2));
    ck_assert_uint_eq(as_of(), 100);
    advance(REVOCATIONS_HELD_MAX);
    ck_assert_uint_eq(as_of(), 100);
    advance(REVOCATIONS_HELD_MAX + 1);
    ck_assert_uint_eq(as_of(), 300);
}
END_TEST

START_TEST(what_has_expired_makes_room)
{
    Mec__Revocation revocation;
    Mec__Revocation *items[] = {&revocation};
    struct revocations_news news = {.epoch = EPOCH, .items = items, .count = 1};
    char user[32];

    make(&revocation, 1, NOW_S - 100, user);
    news.through_seq = news.last_seq = 1;
    revocations_hear(revocations, &news, 0, NOW_S);
    ck_assert(is_void(1)); /* it costs nothing as long as there is room */
    fill_up(2, REVOCATIONS_HELD_MAX - 1);
    ck_assert(is_void(1));
    hear_one(200, REVOCATIONS_HELD_MAX, REVOCATIONS_HELD_MAX + 1, REVOCATIONS_HELD_MAX + 1);
    ck_assert(!is_void(1));
    ck_assert(is_void(REVOCATIONS_HELD_MAX + 1));
    ck_assert_uint_eq(as_of(), 200);
}
END_TEST

START_TEST(what_is_not_in_order_is_not_well_formed)
{
    Mec__Apply apply = MEC__APPLY__INIT;
    Mec__Revocation first, second;
    Mec__Revocation *items[] = {&first, &second};
    Mec__StoredChange *changes[1] = {NULL};
    char users[2][32];

    make(&first, 5, 0, users[0]);
    make(&second, 6, 0, users[1]);
    apply.revocations = items;
    apply.n_revocations = 2;
    apply.revocations_after_seq = 4;
    apply.revocations_through_seq = 6;
    ck_assert(revocations_well_formed(&apply));
    apply.revocations_after_seq = 5;
    ck_assert(!revocations_well_formed(&apply));
    apply.revocations_after_seq = 4;
    apply.revocations_through_seq = 5;
    ck_assert(!revocations_well_formed(&apply));
    apply.revocations_through_seq = 6;
    first.seq = 6;
    ck_assert(!revocations_well_formed(&apply));
    first.seq = 5;
    first.user = "";
    ck_assert(!revocations_well_formed(&apply));
    first.user = users[0];
    apply.n_changes = 1; /* they do not travel with changes */
    apply.changes = changes;
    ck_assert(!revocations_well_formed(&apply));
    apply.n_revocations = 0;
    ck_assert(!revocations_well_formed(&apply));
    apply.revocations_through_seq = 0;
    ck_assert(revocations_well_formed(&apply));
    apply.n_changes = 0;
    apply.revocations_after_seq = 1;
    ck_assert(!revocations_well_formed(&apply));
}
END_TEST

/* ---- against the truth ---- */

#define CHANGES 400

/* A home that commits a change each microsecond, and what the follower may claim. */
struct truth {
    struct random random;
    bool revokes[CHANGES + 1]; /* by seq, and so by the time of its commit */
    uint64_t last_seq;
};

static uint64_t up_to(struct truth *truth, uint64_t most)
{
    return random_up_to(&truth->random, most);
}

/* One message of any true content, as it may come by whatever way. */
static void say(struct truth *truth)
{
    uint64_t last_seq = truth->last_seq - up_to(truth, truth->last_seq < 20 ? truth->last_seq : 20);
    uint64_t through_seq = last_seq - up_to(truth, last_seq < 5 ? last_seq : 5);
    uint64_t after_seq = through_seq - up_to(truth, through_seq < 60 ? through_seq : 60);
    uint64_t seqs[CHANGES];
    size_t count = 0;

    for (uint64_t seq = after_seq + 1; seq <= through_seq; seq++)
        if (truth->revokes[seq])
            seqs[count++] = seq;
    hear_in(EPOCH, last_seq, last_seq, after_seq, through_seq, seqs, count);
}

/* Everything that was committed up to the claim must be denied or visible. */
static void check_claim(const struct truth *truth)
{
    for (uint64_t seq = visible_seq + 1; seq <= as_of(); seq++)
        if (truth->revokes[seq])
            ck_assert_msg(is_void(seq), "as of %d, and does not know of %d, visible %d",
                          (int)as_of(), (int)seq, (int)visible_seq);
}

START_TEST(no_claim_is_ever_fresher_than_the_truth)
{
    struct truth truth = {.last_seq = 0};
    uint64_t claimed = 0;

    random_seed(&truth.random, (uint64_t)_i);
    for (uint64_t seq = 1; seq <= CHANGES; seq++)
        truth.revokes[seq] = up_to(&truth, 3) == 0;
    while (truth.last_seq < CHANGES) {
        truth.last_seq++;
        if (up_to(&truth, 2) == 0)
            say(&truth);
        if (up_to(&truth, 9) == 0 && visible_seq < truth.last_seq)
            advance(visible_seq + 1 + up_to(&truth, (truth.last_seq - visible_seq - 1) / 2));
        check_claim(&truth);
        if (as_of() > visible_seq)
            claimed++;
    }
    ck_assert_uint_gt(claimed, 0); /* or the test would see nothing */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_came_ahead_denies_until_the_log_shows_it,
        sessions_and_generations_are_told_apart,
        nothing_is_known_before_anything_was_told,
        a_stretch_counts_from_when_the_log_has_reached_its_beginning,
        what_is_missing_in_between_is_not_known,
        part_of_what_there_is_does_not_count_as_all,
        what_comes_twice_or_late_changes_nothing,
        a_home_whose_clock_was_set_back_is_believed,
        a_new_epoch_knows_nothing_and_still_denies,
        the_same_seq_of_a_new_epoch_is_another_change,
        what_has_no_room_is_not_known_until_the_log_shows_it,
        what_has_expired_makes_room,
        what_is_not_in_order_is_not_well_formed,
    };
    const struct suite_loop loops[] = {
        {no_claim_is_ever_fresher_than_the_truth, 30},
    };
    return suite_run(&(struct suite){.name = "revocations",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
