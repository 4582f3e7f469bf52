#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "common/revocation_list.h"
#include "tests/unit/suite.h"

#define MAX 8

static struct revocation_list *list;
static struct arena *arena;

static void set_up(void)
{
    list = revocation_list_create(MAX);
    arena = arena_create();
}

static void tear_down(void)
{
    revocation_list_free(list);
    arena_free(arena);
}

static void add(uint64_t seq)
{
    struct revocation revocation = {.seq = seq, .below = seq};

    snprintf(revocation.user, sizeof revocation.user, "user-%d", (int)seq);
    revocation_list_add(list, &revocation);
}

static Mec__Revocation message(uint64_t seq)
{
    Mec__Revocation revocation = MEC__REVOCATION__INIT;

    revocation.seq = seq;
    revocation.user = "alice";
    revocation.below = seq;
    return revocation;
}

/* Join one revocation at @seq, in a stretch. */
static int join(uint64_t after_seq, uint64_t through_seq, uint64_t seq)
{
    Mec__Revocation revocation = message(seq);
    Mec__Revocation *items[] = {&revocation};

    return revocation_list_join(list, after_seq, through_seq, items, seq ? 1 : 0);
}

static void expect(uint64_t after_seq, uint64_t through_seq, size_t count)
{
    ck_assert_uint_eq(revocation_list_after_seq(list), after_seq);
    ck_assert_uint_eq(revocation_list_through_seq(list), through_seq);
    ck_assert_uint_eq(revocation_list_count(list), count);
}

START_TEST(a_new_list_is_complete_and_empty)
{
    expect(0, 0, 0);
    ck_assert_uint_eq(revocation_list_newest_seq(list), 0);
    revocation_list_reset(list, 42);
    expect(42, 42, 0);
}
END_TEST

START_TEST(what_is_behind_a_seq_comes_out_as_it_went_in)
{
    struct revocation in = {.seq = 5, .below = 3, .until_s = 77};
    Mec__Revocation **items;
    uint64_t through_seq;

    snprintf(in.user, sizeof in.user, "alice");
    snprintf(in.session, sizeof in.session, "s-1");
    revocation_list_add(list, &in);
    add(9);
    revocation_list_extend(list, 20);
    ck_assert_uint_eq(revocation_list_pack(list, arena, 0, 10, &items, &through_seq), 2);
    ck_assert_uint_eq(through_seq, 20);
    ck_assert_uint_eq(items[0]->seq, 5);
    ck_assert_str_eq(items[0]->user, "alice");
    ck_assert_str_eq(items[0]->session, "s-1");
    ck_assert_uint_eq(items[0]->below, 3);
    ck_assert_uint_eq(items[0]->until_s, 77);
    ck_assert_uint_eq(items[1]->seq, 9);
    ck_assert_uint_eq(revocation_list_pack(list, arena, 5, 10, &items, &through_seq), 1);
    ck_assert_uint_eq(items[0]->seq, 9);
    ck_assert_uint_eq(revocation_list_pack(list, arena, 9, 10, &items, &through_seq), 0);
    ck_assert_uint_eq(through_seq, 20);
}
END_TEST

START_TEST(a_part_says_up_to_where_it_is_all)
{
    Mec__Revocation **items;
    uint64_t through_seq;

    for (uint64_t seq = 10; seq <= 50; seq += 10)
        add(seq);
    revocation_list_extend(list, 99);
    ck_assert_uint_eq(revocation_list_pack(list, arena, 10, 2, &items, &through_seq), 2);
    ck_assert_uint_eq(items[1]->seq, 30);
    ck_assert_uint_eq(through_seq, 30);
    ck_assert_uint_eq(revocation_list_pack(list, arena, 30, 2, &items, &through_seq), 2);
    ck_assert_uint_eq(through_seq, 99);
}
END_TEST

START_TEST(a_full_list_lets_the_oldest_go_and_says_so)
{
    Mec__Revocation **items;
    uint64_t through_seq;

    for (uint64_t seq = 1; seq <= 1000; seq++) {
        add(2 * seq);
        ck_assert_uint_eq(revocation_list_count(list), seq < MAX ? seq : MAX);
        ck_assert_uint_eq(revocation_list_after_seq(list), seq <= MAX ? 0 : 2 * (seq - MAX));
        ck_assert_uint_eq(revocation_list_newest_seq(list), 2 * seq);
    }
    ck_assert_uint_eq(revocation_list_pack(list, arena, 0, 100, &items, &through_seq), MAX);
    for (size_t i = 0; i < MAX; i++)
        ck_assert_uint_eq(items[i]->seq, 2 * (1000 - MAX + 1 + i));
}
END_TEST

START_TEST(what_is_told_goes_on_from_what_is_known)
{
    ck_assert_int_eq(join(0, 10, 4), 0);
    expect(0, 10, 1);
    ck_assert_int_eq(join(10, 12, 0), 0);
    ck_assert_int_eq(join(8, 15, 14), 0);
    expect(0, 15, 2);
    ck_assert_int_eq(join(8, 15, 14), 0); /* again */
    ck_assert_int_eq(join(0, 3, 2), 0);   /* late */
    expect(0, 15, 2);
}
END_TEST

START_TEST(behind_a_gap_it_starts_anew)
{
    join(0, 10, 4);
    ck_assert_int_eq(join(11, 20, 15), 0);
    expect(11, 20, 1);
    ck_assert_uint_eq(revocation_list_newest_seq(list), 15);
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
    static char long_text[] = "0123456789012345678901234567890123456789";
    Mec__Revocation first = message(5), second = message(4);
    Mec__Revocation *both[] = {&first, &second}, *one[] = {&first};

    join(0, 3, 2);
    ck_assert_int_eq(join(3, 10, 3), -EBADMSG);
    ck_assert_int_eq(join(3, 10, 11), -EBADMSG);
    ck_assert_int_eq(join(30, 10, 0), -EBADMSG);
    ck_assert_int_eq(revocation_list_join(list, 3, 10, both, 2), -EBADMSG);
    second.seq = 5;
    ck_assert_int_eq(revocation_list_join(list, 3, 10, both, 2), -EBADMSG);
    first.user = "";
    ck_assert_int_eq(revocation_list_join(list, 3, 10, one, 1), -EBADMSG);
    first.user = long_text;
    ck_assert_int_eq(revocation_list_join(list, 3, 10, one, 1), -EBADMSG);
    first.user = "alice";
    first.session = long_text;
    ck_assert_int_eq(revocation_list_join(list, 3, 10, one, 1), -EBADMSG);
    first.session = "";
    first.below = 0;
    ck_assert_int_eq(revocation_list_join(list, 3, 10, one, 1), -EBADMSG);
    expect(0, 3, 1);
    long_text[39] = '\0'; /* the longest */
    first.user = first.session = long_text;
    ck_assert_int_eq(revocation_list_join(list, 3, 10, one, 1), 0);
    expect(0, 10, 2);
}
END_TEST

START_TEST(a_revocation_voids_a_session_or_what_is_below)
{
    struct revocation revocation = {.below = 4};

    ck_assert(revocation_voids(&revocation, "s", 3));
    ck_assert(!revocation_voids(&revocation, "s", 4));
    ck_assert(!revocation_voids(&revocation, "", 4));
    revocation.below = UINT64_MAX;
    ck_assert(revocation_voids(&revocation, "s", UINT64_MAX));
    revocation = (struct revocation){.session = "s"};
    ck_assert(revocation_voids(&revocation, "s", 9));
    ck_assert(!revocation_voids(&revocation, "t", 0));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_new_list_is_complete_and_empty,
        what_is_behind_a_seq_comes_out_as_it_went_in,
        a_part_says_up_to_where_it_is_all,
        a_full_list_lets_the_oldest_go_and_says_so,
        what_is_told_goes_on_from_what_is_known,
        behind_a_gap_it_starts_anew,
        what_cannot_be_is_refused_and_changes_nothing,
        a_revocation_voids_a_session_or_what_is_below,
    };
    return suite_run(&(struct suite){
        .name = "revocation_list", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
