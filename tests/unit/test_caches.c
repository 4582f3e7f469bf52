/* What caches have in common: counters by name, and being disabled, frozen and flushed. */

#include "regiond/caches.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "regiond/cache.h"
#include "regiond/edge.h"
#include "tests/unit/suite.h"

#define NOW_S 1790000000u

static struct caches *caches;
static struct cache *cache;
static struct edge *edge;
static Mec__CacheFault fault;
static Mec__CacheFault *faults[] = {&fault};

static void teach(struct edge *to, const char *world, const char *kid)
{
    uint8_t seed[TOKEN_KEY_SEED_SIZE] = "seed";
    struct token_key key = {0};

    snprintf(key.kid, sizeof key.kid, "%s", kid);
    token_key_public(seed, key.public_key);
    edge_configure(to, world, &key, 1);
}

static void set_up(void)
{
    caches = caches_create();
    cache = cache_create(64 * 1024);
    edge = edge_create();
    teach(edge, "test", "k");
    caches_register(caches, PARTS_REGIONAL, &cache_kind, cache);
    caches_register(caches, PARTS_EDGE, &edge_kind, edge);
    mec__cache_fault__init(&fault);
    fault.region = (char *)"us-east";
}

static void tear_down(void)
{
    caches_free(caches);
    cache_free(cache);
    edge_free(edge);
}

static void configure(const char *name)
{
    Mec__Config config = MEC__CONFIG__INIT;

    fault.cache = (char *)(uintptr_t)name;
    config.caches = faults;
    config.n_caches = 1;
    caches_configure(caches, &config, "us-east");
}

static void heal(void)
{
    Mec__Config config = MEC__CONFIG__INIT;

    caches_configure(caches, &config, "us-east");
}

static struct cache_key key_of(const char *key)
{
    struct cache_key made;

    ck_assert_int_eq(cache_key(0, "metadata", "alice", key, &made), 0);
    return made;
}

static void put(const char *key, uint64_t version)
{
    struct cache_key made = key_of(key);
    struct cache_record record = {
        .version = version, .content_type = "text/plain", .value = slice_of("value")};

    cache_put(cache, &made, &record);
}

/* 0: not there. */
static uint64_t version_of(const char *key)
{
    struct cache_key made = key_of(key);
    struct cache_record record;

    return cache_find(cache, &made, &record) ? record.version : 0;
}

static void change(const char *key)
{
    struct cache_key made = key_of(key);

    cache_drop(cache, &made);
}

/* A token of a user of its own; -EKEYEXPIRED or 0. */
static int check_token(unsigned user, uint64_t now_s)
{
    uint8_t seed[TOKEN_KEY_SEED_SIZE] = "seed";
    struct token_claims claims = {.scope = TOKEN_SCOPE_ALL,
                                  .shard = "us-east",
                                  .session = "s",
                                  .generation = 1,
                                  .issued_s = NOW_S,
                                  .expires_s = NOW_S + 600};
    char *token;
    int r;

    snprintf(claims.user, sizeof claims.user, "u%u", user);
    token = token_sign("test", "k", seed, &claims);
    r = edge_check(edge, slice_of(token), now_s, &claims);
    free(token);
    return r;
}

START_TEST(a_disabled_cache_forgets_and_takes_nothing)
{
    put("colour", 1);
    fault.disable = true;
    configure("regional");
    ck_assert_uint_eq(version_of("colour"), 0);
    put("colour", 2);
    ck_assert_uint_eq(version_of("colour"), 0);
    ck_assert_uint_eq(cache_stats(cache).bytes, 0);
    heal();
    ck_assert_uint_eq(version_of("colour"), 0);
    put("colour", 3);
    ck_assert_uint_eq(version_of("colour"), 3);
}
END_TEST

START_TEST(a_frozen_cache_shows_what_it_has_and_takes_nothing_new)
{
    put("colour", 1);
    fault.freeze = true;
    configure("regional");
    put("shape", 1);
    ck_assert_uint_eq(version_of("colour"), 1);
    ck_assert_uint_eq(version_of("shape"), 0);
    heal();
    put("shape", 2);
    ck_assert_uint_eq(version_of("shape"), 2);
}
END_TEST

/* Or a read at its position would see older data. */
START_TEST(a_change_leaves_a_frozen_cache_all_the_same)
{
    put("colour", 1);
    fault.freeze = true;
    configure("regional");
    change("colour");
    ck_assert_uint_eq(version_of("colour"), 0);
    put("colour", 2);
    ck_assert_uint_eq(version_of("colour"), 0);
    put("shape", 1);
    ck_assert_uint_eq(cache_stats(cache).drops, 1);
    ck_assert_uint_eq(cache_stats(cache).entries, 0);
}
END_TEST

/* Even should somebody put a newer one without saying that it has changed. */
START_TEST(a_frozen_cache_never_keeps_the_older_of_two)
{
    put("colour", 1);
    fault.freeze = true;
    configure("regional");
    put("colour", 2);
    ck_assert_uint_ne(version_of("colour"), 1);
}
END_TEST

START_TEST(a_frozen_cache_makes_room_once_it_is_thawed)
{
    for (unsigned i = 0; i < 100; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%u", i);
        put(key, 1);
    }
    fault.freeze = true;
    configure("regional");
    cache_resize(cache, 1000);
    ck_assert_uint_eq(cache_stats(cache).entries, 100);
    ck_assert_uint_eq(cache_stats(cache).evictions, 0);
    heal();
    ck_assert_uint_le(cache_stats(cache).bytes, 1000);
    ck_assert_uint_gt(cache_stats(cache).evictions, 0);
}
END_TEST

START_TEST(a_flush_happens_once_for_each_rise_of_its_count)
{
    put("colour", 1);
    fault.flush_count = 3;
    configure("regional");
    ck_assert_uint_eq(version_of("colour"), 0);
    ck_assert_uint_eq(cache_stats(cache).drops, 1);
    put("colour", 2);
    configure("regional");
    ck_assert_uint_eq(version_of("colour"), 2);
    heal(); /* the count is gone, and back: it has not risen */
    configure("regional");
    ck_assert_uint_eq(version_of("colour"), 2);
    fault.flush_count = 4;
    configure("regional");
    ck_assert_uint_eq(version_of("colour"), 0);
}
END_TEST

START_TEST(a_fault_is_of_one_cache_of_one_region)
{
    put("colour", 1);
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    fault.disable = true;
    configure("edge");
    ck_assert_uint_eq(version_of("colour"), 1);
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 0);
    heal();
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    fault.region = (char *)"eu-west";
    configure("edge");
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 1);
    fault.region = (char *)"us-east";
    configure("service"); /* which nobody has registered */
    configure("sundry");
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 1);
}
END_TEST

START_TEST(an_edge_that_is_off_checks_each_signature)
{
    fault.disable = true;
    configure("edge");
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    ck_assert_uint_eq(edge_stats(edge).cache.misses, 2);
    ck_assert_uint_eq(edge_stats(edge).cache.hits, 0);
}
END_TEST

START_TEST(a_frozen_edge_knows_the_old_and_not_the_new_and_no_token_past_its_time)
{
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    fault.freeze = true;
    configure("edge");
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    ck_assert_int_eq(check_token(2, NOW_S), 0);
    ck_assert_int_eq(check_token(2, NOW_S), 0);
    ck_assert_uint_eq(edge_stats(edge).cache.hits, 1);
    ck_assert_int_lt(check_token(1, NOW_S + 700), 0);
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 0);
    ck_assert_uint_eq(edge_stats(edge).cache.drops, 1);
}
END_TEST

START_TEST(a_frozen_edge_forgets_all_when_the_keys_change)
{
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    fault.freeze = true;
    configure("edge");
    teach(edge, "test", "other");
    ck_assert_int_lt(check_token(1, NOW_S), 0);
}
END_TEST

/* A configuration that says nothing new of keys is what each fault brings. */
START_TEST(an_edge_keeps_what_it_knows_while_keys_and_world_stay)
{
    ck_assert_int_eq(check_token(1, NOW_S), 0);
    teach(edge, "test", "k");
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 1);
    teach(edge, "another", "k");
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 0);
}
END_TEST

START_TEST(the_edge_stays_within_its_bytes_and_lets_the_oldest_go)
{
    size_t each;

    ck_assert_int_eq(check_token(0, NOW_S), 0);
    each = edge_stats(edge).cache.bytes;
    edge_resize(edge, 4 * each);
    for (unsigned user = 1; user < 10; user++)
        ck_assert_int_eq(check_token(user, NOW_S), 0);
    ck_assert_uint_eq(edge_stats(edge).cache.bytes, 4 * each);
    ck_assert_uint_eq(edge_stats(edge).cache.evictions, 6);
    ck_assert_int_eq(check_token(9, NOW_S), 0);
    ck_assert_int_eq(check_token(6, NOW_S), 0);
    ck_assert_uint_eq(edge_stats(edge).cache.hits, 2);
    edge_resize(edge, each - 1);
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 0);
    ck_assert_int_eq(check_token(9, NOW_S), 0);
    ck_assert_uint_eq(edge_stats(edge).cache.entries, 0);
}
END_TEST

START_TEST(counters_are_told_by_name)
{
    struct arena *arena = arena_create();
    Mec__CacheCounters **list;
    json_t *json;

    put("colour", 1);
    ck_assert_uint_eq(version_of("colour"), 1);
    ck_assert_uint_eq(version_of("shape"), 0);
    ck_assert_uint_eq(caches_pong(caches, arena, &list), 2);
    ck_assert_str_eq(list[0]->name, "edge");
    ck_assert_str_eq(list[1]->name, "regional");
    ck_assert_uint_eq(list[1]->hits, 1);
    ck_assert_uint_eq(list[1]->misses, 1);
    ck_assert_uint_eq(list[1]->entries, 1);
    ck_assert_uint_eq(list[1]->bytes, cache_stats(cache).bytes);
    fault.freeze = true;
    configure("regional");
    json = caches_json(caches);
    ck_assert_uint_eq(json_array_size(json), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json, 0), "state")), "on");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json, 1), "state")),
                     "frozen");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(json, 1), "hits")), 1);
    json_decref(json);
    arena_free(arena);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_disabled_cache_forgets_and_takes_nothing,
        a_frozen_cache_shows_what_it_has_and_takes_nothing_new,
        a_change_leaves_a_frozen_cache_all_the_same,
        a_frozen_cache_never_keeps_the_older_of_two,
        a_frozen_cache_makes_room_once_it_is_thawed,
        a_flush_happens_once_for_each_rise_of_its_count,
        a_fault_is_of_one_cache_of_one_region,
        an_edge_that_is_off_checks_each_signature,
        a_frozen_edge_knows_the_old_and_not_the_new_and_no_token_past_its_time,
        a_frozen_edge_forgets_all_when_the_keys_change,
        an_edge_keeps_what_it_knows_while_keys_and_world_stay,
        the_edge_stays_within_its_bytes_and_lets_the_oldest_go,
        counters_are_told_by_name,
    };
    return suite_run(&(struct suite){
        .name = "caches", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
