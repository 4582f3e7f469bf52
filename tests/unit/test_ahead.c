#include <stdio.h>

#include <check.h>

#include "replicator/ahead.h"
#include "tests/unit/suite.h"

static struct revocation_list *list;
static struct arena *arena;
static struct ahead ahead;
static Mec__Apply apply;

static void set_up(void)
{
    list = revocation_list_create(REVOCATION_LIST_MAX);
    arena = arena_create();
    ahead_forget(&ahead);
}

static void tear_down(void)
{
    revocation_list_free(list);
    arena_free(arena);
}

static void revoke(uint64_t seq)
{
    struct revocation revocation = {.seq = seq, .below = 2};

    snprintf(revocation.user, sizeof revocation.user, "alice");
    revocation_list_add(list, &revocation);
}

/* What an Apply that goes out now says. */
static void send(void)
{
    mec__apply__init(&apply);
    ahead_fill(&ahead, list, arena, &apply);
    ahead_sent(&ahead, &apply);
}

/* The follower's log ends at @cursor_seq, and it has been told a stretch ahead of it. */
static void take(uint64_t id, uint64_t sent_seq, uint64_t cursor_seq, uint64_t after_seq,
                 uint64_t through_seq, uint64_t next_id)
{
    Mec__Applied applied = MEC__APPLIED__INIT;
    Mec__Position cursor = MEC__POSITION__INIT;

    cursor.seq = cursor_seq;
    applied.cursor = &cursor;
    applied.revocations_after_seq = after_seq;
    applied.revocations_through_seq = through_seq;
    ahead_take(&ahead, list, &applied, id, sent_seq, next_id);
}

START_TEST(nothing_is_told_before_the_follower_has_said_what_it_has)
{
    revoke(5);
    ck_assert(!ahead_has_more(&ahead, list));
    send();
    ck_assert_uint_eq(apply.revocations_through_seq, 0);
    take(1, 0, 4, 0, 0, 2);
    ck_assert(ahead_has_more(&ahead, list));
    send();
    ck_assert_uint_eq(apply.n_revocations, 1);
    ck_assert_uint_eq(apply.revocations_after_seq, 4);
    ck_assert_uint_eq(apply.revocations_through_seq, 5);
    ck_assert(!ahead_has_more(&ahead, list));
    ahead_forget(&ahead);
    ck_assert(!ahead_has_more(&ahead, list));
}
END_TEST

START_TEST(what_the_follower_has_in_its_log_or_ahead_of_it_is_not_told)
{
    revoke(5);
    revoke(9);
    take(1, 0, 6, 0, 0, 2);
    send();
    ck_assert_uint_eq(apply.n_revocations, 1);
    ahead_forget(&ahead);
    take(3, 0, 6, 0, 9, 4);
    ck_assert(!ahead_has_more(&ahead, list));
}
END_TEST

START_TEST(without_news_it_says_that_there_is_none)
{
    take(1, 0, 0, 0, 0, 2);
    revocation_list_extend(list, 30);
    send();
    ck_assert_uint_eq(apply.n_revocations, 0);
    ck_assert_uint_eq(apply.revocations_after_seq, 0);
    ck_assert_uint_eq(apply.revocations_through_seq, 30);
    send();
    ck_assert_uint_eq(apply.revocations_after_seq, 30);
}
END_TEST

START_TEST(what_is_missing_is_told_again_once)
{
    take(1, 0, 0, 0, 0, 2);
    revoke(5);
    send();
    revoke(7);
    send();
    take(2, 7, 0, 0, 5, 8); /* the second one was lost */
    ck_assert(ahead_has_more(&ahead, list));
    send();
    ck_assert_uint_eq(apply.revocations_after_seq, 5);
    ck_assert_uint_eq(apply.n_revocations, 1);
    take(7, 7, 0, 0, 5, 9); /* had been asked before that */
    ck_assert(!ahead_has_more(&ahead, list));
    take(8, 7, 0, 0, 5, 10); /* lost again */
    ck_assert(ahead_has_more(&ahead, list));
    send();
    take(10, 7, 0, 0, 7, 11);
    ck_assert(!ahead_has_more(&ahead, list));
}
END_TEST

START_TEST(what_lies_before_a_stretch_is_told_when_it_is_still_known)
{
    take(1, 0, 3, 0, 0, 2);
    revoke(5);
    revoke(9);
    send();
    take(2, 9, 3, 7, 9, 3); /* it was told of 9, and 5 was lost */
    send();
    ck_assert_uint_eq(apply.revocations_after_seq, 3);
    ck_assert_uint_eq(apply.n_revocations, 2);
}
END_TEST

START_TEST(what_is_not_known_any_more_is_not_told_again_and_again)
{
    revocation_list_reset(list, 7);
    revoke(9);
    take(1, 0, 3, 0, 0, 2);
    send();
    ck_assert_uint_eq(apply.revocations_after_seq, 7);
    take(2, 9, 3, 7, 9, 3);
    ck_assert(!ahead_has_more(&ahead, list));
}
END_TEST

START_TEST(a_part_holds_so_many)
{
    take(1, 0, 0, 0, 0, 2);
    for (uint64_t seq = 1; seq <= AHEAD_REVOCATIONS_MAX + 1; seq++)
        revoke(seq);
    send();
    ck_assert_uint_eq(apply.n_revocations, AHEAD_REVOCATIONS_MAX);
    ck_assert_uint_eq(apply.revocations_through_seq, AHEAD_REVOCATIONS_MAX);
    ck_assert(ahead_has_more(&ahead, list));
    send();
    ck_assert_uint_eq(apply.n_revocations, 1);
    ck_assert(!ahead_has_more(&ahead, list));
}
END_TEST

START_TEST(a_home_that_is_behind_what_was_sent_says_nothing)
{
    take(1, 0, 50, 0, 0, 2);
    revocation_list_extend(list, 40);
    send();
    ck_assert_uint_eq(apply.revocations_after_seq, 0);
    ck_assert_uint_eq(apply.revocations_through_seq, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_is_told_before_the_follower_has_said_what_it_has,
        what_the_follower_has_in_its_log_or_ahead_of_it_is_not_told,
        without_news_it_says_that_there_is_none,
        what_is_missing_is_told_again_once,
        what_lies_before_a_stretch_is_told_when_it_is_still_known,
        what_is_not_known_any_more_is_not_told_again_and_again,
        a_part_holds_so_many,
        a_home_that_is_behind_what_was_sent_says_nothing,
    };
    return suite_run(&(struct suite){
        .name = "ahead", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
