/* The regional cache: what it keeps, what it lets go, that it stays within its bytes. */

#include "regiond/cache.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "tests/unit/suite.h"

static struct cache *cache;

static void set_up(void)
{
    cache = cache_create(64 * 1024);
}

static void tear_down(void)
{
    cache_free(cache);
}

static struct cache_key key_of(const char *key)
{
    struct cache_key made;

    ck_assert_int_eq(cache_key(0, "metadata", "alice", key, &made), 0);
    return made;
}

static void put(const char *key, uint64_t version, size_t size)
{
    static char value[64 * 1024];
    struct cache_key made = key_of(key);
    struct cache_record record = {
        .version = version, .content_type = "text/plain", .value = {value, size}};

    memset(value, (int)version, size);
    cache_put(cache, &made, &record);
}

/* 0: not there. */
static uint64_t version_of(const char *key)
{
    struct cache_key made = key_of(key);
    struct cache_record record;

    return cache_find(cache, &made, &record) ? record.version : 0;
}

START_TEST(what_was_put_is_found_whole)
{
    struct cache_key key = key_of("colour");
    struct cache_record record = {.version = 7,
                                  .epoch = 2,
                                  .seq = 9,
                                  .updated_wall_us = 11,
                                  .content_type = "text/css",
                                  .value = slice_of("green")};
    struct cache_record found;

    cache_put(cache, &key, &record);
    ck_assert(cache_find(cache, &key, &found));
    ck_assert_uint_eq(found.version, 7);
    ck_assert_uint_eq(found.epoch, 2);
    ck_assert_uint_eq(found.seq, 9);
    ck_assert_uint_eq(found.updated_wall_us, 11);
    ck_assert_str_eq(found.content_type, "text/css");
    ck_assert(slice_is(found.value, "green"));
}
END_TEST

START_TEST(the_newer_value_takes_the_place_of_the_older)
{
    put("colour", 1, 100);
    put("colour", 2, 200);
    ck_assert_uint_eq(version_of("colour"), 2);
    ck_assert_uint_eq(cache_stats(cache).entries, 1);
}
END_TEST

START_TEST(a_dropped_key_is_gone_and_gives_its_bytes_back)
{
    struct cache_key key = key_of("colour");

    put("colour", 1, 100);
    cache_drop(cache, &key);
    cache_drop(cache, &key);
    ck_assert_uint_eq(version_of("colour"), 0);
    ck_assert_uint_eq(cache_stats(cache).bytes, 0);
}
END_TEST

START_TEST(keys_that_differ_in_one_part_are_different)
{
    struct cache_key a, b;

    cache_key(1, "metadata", "ab", "c", &a);
    cache_key(1, "metadata", "a", "bc", &b);
    ck_assert(a.size != b.size || memcmp(a.bytes, b.bytes, a.size) != 0);
    cache_key(2, "metadata", "ab", "c", &b);
    ck_assert(a.size != b.size || memcmp(a.bytes, b.bytes, a.size) != 0);
}
END_TEST

START_TEST(a_key_that_is_too_long_is_not_cached)
{
    char text[CACHE_KEY_SIZE_MAX + 1];
    struct cache_key key;

    memset(text, 'k', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(cache_key(0, "metadata", "alice", text, &key), -ENAMETOOLONG);
}
END_TEST

START_TEST(what_is_asked_for_again_outlives_what_is_not)
{
    char key[16];

    put("wanted", 1, 500);
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(version_of("wanted"), 1);
        snprintf(key, sizeof key, "once-%d", i);
        put(key, 2, 500);
    }
    ck_assert_uint_gt(cache_stats(cache).evictions, 800);
    ck_assert_uint_eq(version_of("once-0"), 0);
}
END_TEST

START_TEST(a_value_too_large_for_its_share_is_not_taken_and_hides_no_older_one)
{
    put("colour", 1, 100);
    put("colour", 2, 10 * 1024);
    ck_assert_uint_eq(version_of("colour"), 0);
    ck_assert_uint_eq(cache_stats(cache).entries, 0);
}
END_TEST

START_TEST(it_never_grows_past_its_bytes_whatever_happens)
{
    struct random random;
    char key[16];

    random_seed(&random, 42);
    for (int i = 0; i < 20000; i++) {
        struct cache_key made;

        snprintf(key, sizeof key, "k%d", (int)random_up_to(&random, 300));
        made = key_of(key);
        if (random_up_to(&random, 9) == 0)
            cache_drop(cache, &made);
        else if (random_up_to(&random, 1) == 0)
            version_of(key);
        else
            put(key, 1, random_up_to(&random, 8000));
        ck_assert_uint_le(cache_stats(cache).bytes, 64 * 1024);
    }
    ck_assert_uint_gt(cache_stats(cache).hits, 0);
    ck_assert_uint_gt(cache_stats(cache).evictions, 0);
}
END_TEST

START_TEST(a_smaller_bound_evicts_and_none_at_all_disables)
{
    char key[16];

    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put(key, 1, 500);
        version_of(key);
    }
    cache_resize(cache, 10000);
    ck_assert_uint_le(cache_stats(cache).bytes, 10000);
    ck_assert_uint_gt(cache_stats(cache).entries, 0);
    cache_resize(cache, 0);
    ck_assert_uint_eq(cache_stats(cache).entries, 0);
    put("colour", 1, 0);
    ck_assert_uint_eq(version_of("colour"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_was_put_is_found_whole,
        the_newer_value_takes_the_place_of_the_older,
        a_dropped_key_is_gone_and_gives_its_bytes_back,
        keys_that_differ_in_one_part_are_different,
        a_key_that_is_too_long_is_not_cached,
        what_is_asked_for_again_outlives_what_is_not,
        a_value_too_large_for_its_share_is_not_taken_and_hides_no_older_one,
        it_never_grows_past_its_bytes_whatever_happens,
        a_smaller_bound_evicts_and_none_at_all_disables,
    };
    return suite_run(&(struct suite){
        .name = "cache", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
