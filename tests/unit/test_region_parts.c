/* The small pure helpers of a region: conditions, text, secrets. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/account.h"
#include "regiond/conditions.h"
#include "regiond/edge.h"
#include "regiond/secret.h"
#include "regiond/text.h"
#include "tests/unit/suite.h"

#define WORLD "test"
#define NOW_S 1790000000u

START_TEST(conditions_of_writes_are_read_strictly)
{
    enum store_condition condition;
    uint64_t version;

    ck_assert_int_eq(conditions_of_write("", "", &condition, &version), 0);
    ck_assert_int_eq(condition, STORE_ANY);
    ck_assert_int_eq(conditions_of_write("*", "", &condition, &version), 0);
    ck_assert_int_eq(condition, STORE_IF_EXISTS);
    ck_assert_int_eq(conditions_of_write("", "*", &condition, &version), 0);
    ck_assert_int_eq(condition, STORE_IF_ABSENT);
    ck_assert_int_eq(conditions_of_write("\"18446744073709551609\"", "", &condition, &version), 0);
    ck_assert_int_eq(condition, STORE_IF_VERSION);
    ck_assert_uint_eq(version, UINT64_C(18446744073709551609));
    ck_assert_int_eq(conditions_of_write("", "\"1\"", &condition, &version), -EINVAL);
    ck_assert_int_eq(conditions_of_write("\"1\",\"2\"", "", &condition, &version), -EINVAL);
    ck_assert_int_eq(conditions_of_write(" \"1\"", "", &condition, &version), -EINVAL);
    ck_assert_uint_eq(version, UINT64_C(18446744073709551609));
}
END_TEST

START_TEST(conditions_of_reads_know_lists_and_weak_tags)
{
    ck_assert(conditions_name("*", 3));
    ck_assert(conditions_name("\"3\"", 3));
    ck_assert(conditions_name("W/\"3\"", 3));
    ck_assert(conditions_name("\"a,b\",\"2\" ,\t\"3\"", 3));
    ck_assert(!conditions_name("", 3));
    ck_assert(!conditions_name("3", 3));
    ck_assert(!conditions_name("\"33\"", 3));
    ck_assert(!conditions_name("\"3", 3));
    ck_assert(!conditions_name("nonsense, \"3\"", 3));
}
END_TEST

START_TEST(text_that_is_not_utf8_or_controls_something_is_not_clean)
{
    static const char *const bad[] = {"\x1f",
                                      "\x7f",
                                      "\x80",
                                      "\xc0\x80",
                                      "\xc3",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe2\x82",
                                      "\xe2\x28\xa1"};
    static const char *const good[] = {"",
                                       "a b",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xed\x9f\xbf",
                                       "\xf4\x8f\xbf\xbf"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!text_is_clean(slice_of(bad[i])), "bad text %zu", i);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(text_is_clean(slice_of(good[i])), "good text %zu", i);
    ck_assert(!text_is_clean((struct slice){"a\0b", 3}));
}
END_TEST

START_TEST(times_are_written_in_utc_with_milliseconds)
{
    char text[TEXT_TIME_SIZE];

    ck_assert_str_eq(text_time(0, text), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(text_time(UINT64_C(951782399007999), text), "2000-02-28T23:59:59.007Z");
}
END_TEST

START_TEST(a_secret_never_gives_the_same_bytes_twice_but_can_be_repeated)
{
    struct secret a = {.key = "one"}, b = {.key = "one"}, c = {.key = "two"};
    char first[33], second[33], again[33], other[33];

    secret_draw_hex(&a, first, 32);
    secret_draw_hex(&a, second, 32);
    secret_draw_hex(&b, again, 32);
    secret_draw_hex(&c, other, 32);
    ck_assert_str_ne(first, second);
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, other);
    ck_assert_uint_eq(strlen(first), 32);
}
END_TEST

/* ---- the edge ---- */

static char *sign(const char *user, uint64_t issued_s, uint64_t lifetime_s)
{
    uint8_t seed[TOKEN_KEY_SEED_SIZE] = "seed";
    struct token_claims claims = {.scope = TOKEN_SCOPE_ALL,
                                  .shard = "us-east",
                                  .session = "s",
                                  .generation = 1,
                                  .issued_s = issued_s,
                                  .expires_s = issued_s + lifetime_s};

    strcpy(claims.user, user);
    return token_sign(WORLD, "k", seed, &claims);
}

static struct edge *edge_with_key(void)
{
    uint8_t seed[TOKEN_KEY_SEED_SIZE] = "seed";
    struct token_key key = {.kid = "k"};
    struct edge *edge = edge_create();

    token_key_public(seed, key.public_key);
    edge_configure(edge, WORLD, &key, 1);
    return edge;
}

START_TEST(a_token_is_checked_once_and_then_known)
{
    struct edge *edge = edge_with_key();
    char *token = sign("ualice", NOW_S, 600);
    struct token_claims claims;

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(edge_check(edge, slice_of(token), NOW_S + 5, &claims), 0);
        ck_assert_str_eq(claims.user, "ualice");
    }
    ck_assert_uint_eq(edge_stats(edge).cache.misses, 1);
    ck_assert_uint_eq(edge_stats(edge).cache.hits, 2);
    token[strlen(token) - 10] ^= 1;
    ck_assert_int_lt(edge_check(edge, slice_of(token), NOW_S + 5, &claims), 0);
    free(token);
    edge_free(edge);
}
END_TEST

START_TEST(a_known_token_ends_at_its_expiry)
{
    struct edge *edge = edge_with_key();
    char *token = sign("ualice", NOW_S, 600);
    struct token_claims claims;

    ck_assert_int_eq(edge_check(edge, slice_of(token), NOW_S, &claims), 0);
    ck_assert_int_eq(edge_check(edge, slice_of(token), NOW_S + 599, &claims), 0);
    ck_assert_int_eq(edge_check(edge, slice_of(token), NOW_S + 610, &claims), -EKEYEXPIRED);
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 0);
    free(token);
    edge_free(edge);
}
END_TEST

START_TEST(new_keys_make_old_tokens_unknown)
{
    struct edge *edge = edge_with_key();
    char *token = sign("ualice", NOW_S, 600);
    struct token_claims claims;

    ck_assert_int_eq(edge_check(edge, slice_of(token), NOW_S, &claims), 0);
    edge_configure(edge, WORLD, NULL, 0);
    ck_assert_int_eq(edge_check(edge, slice_of(token), NOW_S, &claims), -ENOKEY);
    free(token);
    edge_free(edge);
}
END_TEST

START_TEST(an_overlong_token_is_refused_unread)
{
    struct edge *edge = edge_with_key();
    char text[TOKEN_SIZE_MAX + 2];
    struct token_claims claims;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(edge_check(edge, slice_of(text), NOW_S, &claims), -EBADMSG);
    ck_assert_uint_eq(edge_stats(edge).cache.misses, 0);
    ck_assert_uint_eq(edge_stats(edge).refused, 1);
    edge_free(edge);
}
END_TEST

START_TEST(a_sign_up_makes_one_id_in_each_shard)
{
    char id[USER_ID_SIZE], again[USER_ID_SIZE], elsewhere[USER_ID_SIZE], other[USER_ID_SIZE];

    account_make_id("once", "ann", "us-east", id);
    account_make_id("once", "ann", "us-east", again);
    account_make_id("once", "ann", "eu-west", elsewhere);
    account_make_id("twice", "ann", "us-east", other);
    ck_assert_str_eq(id, again);
    ck_assert_str_ne(id, elsewhere);
    ck_assert(account_same_sign_up(id, elsewhere));
    ck_assert(!account_same_sign_up(id, other));
    ck_assert_uint_eq(strlen(id), 27);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        conditions_of_writes_are_read_strictly,
        conditions_of_reads_know_lists_and_weak_tags,
        text_that_is_not_utf8_or_controls_something_is_not_clean,
        times_are_written_in_utc_with_milliseconds,
        a_secret_never_gives_the_same_bytes_twice_but_can_be_repeated,
        a_sign_up_makes_one_id_in_each_shard,
        a_token_is_checked_once_and_then_known,
        a_known_token_ends_at_its_expiry,
        new_keys_make_old_tokens_unknown,
        an_overlong_token_is_refused_unread,
    };
    return suite_run(&(struct suite){.name = "region_parts", SUITE_TESTS(tests)});
}
