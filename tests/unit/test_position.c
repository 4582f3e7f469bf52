#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/position.h"
#include "tests/unit/suite.h"

#define LONGEST_NAME "abcdefghijklmnopqrstuvwxyz-0123456789-ab" /* 40: one too long */

static struct position at(const char *shard, uint64_t epoch, uint64_t seq)
{
    struct position position = {.epoch = epoch, .seq = seq};

    strcpy(position.shard, shard);
    return position;
}

START_TEST(a_position_is_read_and_printed_alike)
{
    static const char *const texts[] = {"us-east:3.1824", "a:0.0",
                                        "x-9:18446744073709551615.18446744073709551615"};
    struct position position;
    char text[POSITION_TEXT_SIZE];

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(position_parse(slice_of(texts[i]), &position), 0);
        ck_assert_str_eq(position_print(&position, text), texts[i]);
    }
    ck_assert_str_eq(position.shard, "x-9");
    ck_assert_uint_eq(position.epoch, UINT64_MAX);
}
END_TEST

START_TEST(what_is_not_a_position_is_refused_and_touches_nothing)
{
    static const char *const bad[] = {
        "",
        "us-east",
        "us-east:",
        ":1.2",
        "us-east:1",
        "us-east:1.",
        "us-east:.",
        "us-east:.2",
        "us-east:01.2",
        "us:1.02",
        "us:1.2 ",
        " us:1.2",
        "us:1.2;",
        "us:1.2.3",
        "US:1.2",
        "us_e:1.2",
        "us:-1.2",
        "us:+1.2",
        "us:1,2",
        "us:0x1.2",
        "us:1.2;us:1.2",
        "\xc3:1.2",
        "us::1.2",
        "us:1.2x",
        "us:18446744073709551616.0",
        "us:0.99999999999999999999",
        LONGEST_NAME ":1.2",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct position position = at("kept", 8, 9);

        ck_assert_msg(position_parse(slice_of(bad[i]), &position) == -EINVAL, "%s", bad[i]);
        ck_assert_str_eq(position.shard, "kept");
        ck_assert_uint_eq(position.seq, 9);
    }
}
END_TEST

START_TEST(a_nul_within_the_text_is_refused)
{
    struct position position;

    ck_assert_int_eq(position_parse((struct slice){"us:1.2\0", 7}, &position), -EINVAL);
    ck_assert_int_eq(position_parse((struct slice){"u\0s:1.2", 7}, &position), -EINVAL);
}
END_TEST

START_TEST(the_longest_name_fits)
{
    struct position position;
    char text[POSITION_TEXT_SIZE];
    const char *longest = "bcdefghijklmnopqrstuvwxyz-0123456789-ab"
                          ":18446744073709551615.18446744073709551615";

    ck_assert_int_eq(position_parse(slice_of(longest), &position), 0);
    ck_assert_str_eq(position_print(&position, text), longest);
}
END_TEST

START_TEST(the_epoch_counts_before_the_seq)
{
    struct position early = at("a", 1, 900), late = at("a", 2, 3), later = at("a", 2, 4);

    ck_assert_int_lt(position_compare(&early, &late), 0);
    ck_assert_int_gt(position_compare(&late, &early), 0);
    ck_assert_int_lt(position_compare(&late, &later), 0);
    ck_assert_int_eq(position_compare(&late, &late), 0);
}
END_TEST

START_TEST(a_bookmark_is_printed_sorted_however_it_came)
{
    struct bookmark bookmark;
    char text[200];

    ck_assert_int_eq(bookmark_parse(slice_of("us-east:3.9;ap:1.1;eu-west:2.7"), &bookmark), 0);
    ck_assert_int_eq(bookmark_print(&bookmark, text, sizeof(text)), 30);
    ck_assert_str_eq(text, "ap:1.1;eu-west:2.7;us-east:3.9");
}
END_TEST

START_TEST(a_shard_named_twice_counts_as_the_later)
{
    struct bookmark bookmark;

    ck_assert_int_eq(bookmark_parse(slice_of("a:1.5;a:2.1;a:1.9"), &bookmark), 0);
    ck_assert_uint_eq(bookmark.count, 1);
    ck_assert_uint_eq(bookmark_find(&bookmark, "a")->epoch, 2);
}
END_TEST

START_TEST(empty_text_is_the_empty_bookmark)
{
    struct bookmark bookmark = {.count = 3};
    char text[1];

    ck_assert_int_eq(bookmark_parse((struct slice){NULL, 0}, &bookmark), 0);
    ck_assert_uint_eq(bookmark.count, 0);
    ck_assert_int_eq(bookmark_print(&bookmark, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "");
    ck_assert_ptr_null(bookmark_find(&bookmark, "a"));
}
END_TEST

START_TEST(what_is_not_a_bookmark_is_refused_and_touches_nothing)
{
    static const char *const bad[] = {";",           "a:1.2;",       ";a:1.2",  "a:1.2;;b:1.2",
                                      "a:1.2,b:1.2", "a:1.2; b:1.2", "a:1.2;b", "a:1.2b:1.2"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bookmark bookmark = {.count = 7};

        ck_assert_msg(bookmark_parse(slice_of(bad[i]), &bookmark) == -EINVAL, "%s", bad[i]);
        ck_assert_uint_eq(bookmark.count, 7);
    }
}
END_TEST

START_TEST(advancing_never_goes_back)
{
    struct bookmark bookmark = {.count = 0};
    struct position old = at("a", 1, 5), new = at("a", 1, 6);

    ck_assert_int_eq(bookmark_advance(&bookmark, &new), 0);
    ck_assert_int_eq(bookmark_advance(&bookmark, &old), 0);
    ck_assert_uint_eq(bookmark.count, 1);
    ck_assert_uint_eq(bookmark_find(&bookmark, "a")->seq, 6);
}
END_TEST

START_TEST(one_shard_too_many_replaces_nothing)
{
    struct bookmark bookmark = {.count = 0};
    struct position position;
    char shard[8], text[32 * POSITION_TEXT_SIZE];
    struct bookmark again;

    for (int i = 0; i < BOOKMARK_POSITIONS_MAX; i++) {
        snprintf(shard, sizeof(shard), "s%d", i);
        position = at(shard, 1, (uint64_t)i);
        ck_assert_int_eq(bookmark_advance(&bookmark, &position), 0);
    }
    position = at("surplus", 1, 1);
    ck_assert_int_eq(bookmark_advance(&bookmark, &position), -ENOSPC);
    ck_assert_uint_eq(bookmark.count, BOOKMARK_POSITIONS_MAX);
    ck_assert_ptr_null(bookmark_find(&bookmark, "surplus"));
    position = at("s3", 2, 0); /* one that is there still advances */
    ck_assert_int_eq(bookmark_advance(&bookmark, &position), 0);

    ck_assert_int_gt(bookmark_print(&bookmark, text, sizeof(text)), 0);
    ck_assert_int_eq(bookmark_parse(slice_of(text), &again), 0);
    ck_assert_uint_eq(bookmark_find(&again, "s3")->epoch, 2);
    strcat(text, ";surplus:1.1");
    ck_assert_int_eq(bookmark_parse(slice_of(text), &again), -EINVAL);
}
END_TEST

START_TEST(printing_into_too_little_room_says_so)
{
    struct bookmark bookmark;
    char text[14];

    ck_assert_int_eq(bookmark_parse(slice_of("ab:1.2;cd:3.4"), &bookmark), 0);
    for (size_t size = 0; size < 14; size++)
        ck_assert_int_eq(bookmark_print(&bookmark, text, size), -ENOSPC);
    ck_assert_int_eq(bookmark_print(&bookmark, text, 14), 13);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_position_is_read_and_printed_alike,
        what_is_not_a_position_is_refused_and_touches_nothing,
        a_nul_within_the_text_is_refused,
        the_longest_name_fits,
        the_epoch_counts_before_the_seq,
        a_bookmark_is_printed_sorted_however_it_came,
        a_shard_named_twice_counts_as_the_later,
        empty_text_is_the_empty_bookmark,
        what_is_not_a_bookmark_is_refused_and_touches_nothing,
        advancing_never_goes_back,
        one_shard_too_many_replaces_nothing,
        printing_into_too_little_room_says_so,
    };
    return suite_run(&(struct suite){.name = "position", SUITE_TESTS(tests)});
}
