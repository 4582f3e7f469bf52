/* The region's core over real files: reads, writes, group commit, a full disk, frames that are no
 * frames. */

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/random.h"
#include "common/token.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU, AP };

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

static Mec__Answer *put(size_t node, const char *key, const char *value, const char *once)
{
    Mec__Call call = driver_put(&alice, key, value, once);

    return driver_ask(driver, node, &call);
}

static Mec__Answer *get(size_t node, const char *key)
{
    Mec__Call call = driver_get(&alice, key);

    return driver_ask(driver, node, &call);
}

static void assert_problem(const Mec__Answer *answer, uint32_t status, const char *problem)
{
    ck_assert_str_eq(answer->problem, problem);
    ck_assert_uint_eq(answer->status, status);
    ck_assert_str_ne(answer->detail, "");
}

START_TEST(a_written_value_is_read_back_as_it_came)
{
    const Mec__Answer *written = put(US, "colour", "green", "k1");
    const Mec__Answer *read;

    ck_assert_uint_eq(written->status, 201);
    ck_assert_uint_eq(written->version, 1);
    ck_assert_str_eq(written->position->shard, "us-east");
    ck_assert_uint_eq(written->position->epoch, 1);
    ck_assert_uint_eq(written->position->seq, 1);
    ck_assert_int_eq(written->served, MEC__SERVED__SERVED_HOME);

    read = get(US, "colour");
    ck_assert_uint_eq(read->status, 200);
    ck_assert_str_eq(driver_body(read), "green");
    ck_assert_str_eq(read->content_type, "text/plain");
    ck_assert_uint_eq(read->version, 1);
    ck_assert_uint_eq(read->updated_wall_us, DRIVER_WALL_US);
    ck_assert_str_eq(read->home, "us-east");
    ck_assert(read->staleness_known);
    ck_assert_uint_eq(read->staleness_us, 0);
    ck_assert_int_eq(read->served, MEC__SERVED__SERVED_HOME);
}
END_TEST

START_TEST(a_second_read_comes_from_the_cache_until_the_value_changes)
{
    put(US, "colour", "green", "k1");
    get(US, "colour");
    ck_assert_int_eq(get(US, "colour")->served, MEC__SERVED__SERVED_CACHE);
    ck_assert_uint_eq(put(US, "colour", "red", "k2")->status, 204);
    ck_assert_str_eq(driver_body(get(US, "colour")), "red");
    ck_assert_int_eq(get(US, "colour")->served, MEC__SERVED__SERVED_CACHE);
}
END_TEST

START_TEST(users_do_not_see_each_others_values)
{
    Mec__Claims bob = driver_claims("ubob", "us-east");
    Mec__Call call = driver_get(&bob, "colour");

    put(US, "colour", "green", "k1");
    get(US, "colour");
    assert_problem(driver_ask(driver, US, &call), 404, "not-found");
}
END_TEST

START_TEST(a_known_version_is_not_sent_again)
{
    Mec__Call call = driver_get(&alice, "colour");
    const Mec__Answer *answer;

    put(US, "colour", "green", "k1");
    call.if_none_match = "\"1\"";
    answer = driver_ask(driver, US, &call);
    ck_assert_uint_eq(answer->status, 304);
    ck_assert_uint_eq(answer->body.len, 0);
    ck_assert_uint_eq(answer->version, 1);
    call.if_none_match = "W/\"4\", \"x\" , \"1\"";
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 304);
    call.if_none_match = "\"2\"";
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 200);
}
END_TEST

START_TEST(a_retry_gets_the_first_answer_and_has_no_second_effect)
{
    const Mec__Answer *first = put(US, "colour", "green", "k1");
    const Mec__Answer *again;

    put(US, "colour", "red", "k2");
    again = put(US, "colour", "green", "k1");
    ck_assert_uint_eq(again->status, first->status);
    ck_assert_uint_eq(again->version, first->version);
    ck_assert_uint_eq(again->position->seq, first->position->seq);
    ck_assert_str_eq(driver_body(get(US, "colour")), "red");
    assert_problem(put(US, "colour", "blue", "k1"), 422, "idempotency-key-reused");
}
END_TEST

START_TEST(a_write_on_a_condition_happens_only_when_it_holds)
{
    Mec__Call call = driver_put(&alice, "colour", "red", "k2");

    put(US, "colour", "green", "k1");
    call.if_none_match = "*";
    assert_problem(driver_ask(driver, US, &call), 412, "precondition-failed");
    call.if_none_match = "";
    call.if_match = "\"2\"";
    assert_problem(driver_ask(driver, US, &call), 412, "precondition-failed");
    call.if_match = "\"1\"";
    ck_assert_uint_eq(driver_ask(driver, US, &call)->version, 2);
    call.idempotency_key = "k3";
    call.key = "nothing-there";
    call.if_match = "*";
    assert_problem(driver_ask(driver, US, &call), 412, "precondition-failed");
}
END_TEST

START_TEST(a_condition_that_cannot_be_read_is_refused)
{
    static const char *const bad[] = {"1",      "\"\"", "\"0\"",   "\"01\"",
                                      "\"1\"x", "\"1",  "W/\"1\"", "\"99999999999999999999999\""};
    Mec__Call call = driver_put(&alice, "colour", "red", "k2");

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        call.if_match = (char *)bad[i];
        assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    }
    call.if_match = "\"1\"";
    call.if_none_match = "*";
    assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
}
END_TEST

START_TEST(a_deleted_value_is_gone_until_it_is_written_again)
{
    Mec__Call call = driver_put(&alice, "colour", "", "k2");

    call.operation = MEC__OPERATION__METADATA_DELETE;
    assert_problem(driver_ask(driver, US, &call), 404, "not-found");
    put(US, "colour", "green", "k1");
    get(US, "colour");
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 204);
    assert_problem(get(US, "colour"), 404, "not-found");
    ck_assert_uint_eq(put(US, "colour", "red", "k3")->version, 3);
}
END_TEST

START_TEST(keys_and_values_out_of_bounds_are_refused)
{
    static char long_key[514], value[64 * 1024 + 1];
    Mec__Call call = driver_put(&alice, long_key, "x", "k1");

    memset(long_key, 'k', 513);
    assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    long_key[512] = '\0';
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 201);
    call.key = "a\x01";
    assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    call.key = "\xc0\xaf";
    assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    call.key = "";
    assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    call.key = "gr\xc3\xb6\xc3\x9f"
               "e";
    call.idempotency_key = "";
    assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    call.idempotency_key = "k2";
    call.body.data = (uint8_t *)value;
    call.body.len = sizeof value;
    assert_problem(driver_ask(driver, US, &call), 413, "too-large");
    call.body.len = sizeof value - 1;
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 201);
}
END_TEST

static json_t *list(const char *prefix, const char *after, uint32_t limit)
{
    Mec__Call call = MEC__CALL__INIT;
    const Mec__Answer *answer;
    json_t *root;

    call.operation = MEC__OPERATION__METADATA_LIST;
    call.claims = &alice;
    call.prefix = (char *)prefix;
    call.after = (char *)after;
    call.limit = limit;
    answer = driver_ask(driver, US, &call);
    ck_assert_uint_eq(answer->status, 200);
    ck_assert_uint_eq(answer->position->seq, 4);
    root = json_loads(driver_body(answer), 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

static const char *item(const json_t *root, size_t index, const char *member)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(root, "items"), index), member));
}

START_TEST(a_list_comes_in_pages_by_key)
{
    json_t *root;

    put(US, "b/2", "two", "k1");
    put(US, "b/1", "one", "k2");
    put(US, "a", "three", "k3");
    put(US, "b/3", "four", "k4");
    root = list("b/", "", 2);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "items")), 2);
    ck_assert_str_eq(item(root, 0, "key"), "b/1");
    ck_assert_str_eq(item(root, 1, "key"), "b/2");
    ck_assert_str_eq(item(root, 0, "updated"), "2026-09-21T14:13:20.000Z");
    ck_assert_str_eq(json_string_value(json_object_get(root, "next")), "b/2");
    json_decref(root);
    root = list("b/", "b/2", 2);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "items")), 1);
    ck_assert_str_eq(item(root, 0, "key"), "b/3");
    ck_assert(json_is_null(json_object_get(root, "next")));
    json_decref(root);
}
END_TEST

START_TEST(writes_that_wait_share_one_transaction)
{
    struct driver_node *node = &driver->nodes[US];
    uint64_t ids[20];
    char once[8] = "";

    node->hold_commits = true;
    for (size_t i = 0; i < 20; i++) {
        Mec__Call call = driver_put(&alice, "colour", "green", once);

        snprintf(once, sizeof once, "k%zu", i);
        ids[i] = driver_call(driver, US, &call);
    }
    ck_assert_uint_eq(node->batch_ops, 1);
    ck_assert_ptr_null(driver_answer(driver, US, ids[0]));
    driver_store(driver, US);
    ck_assert_ptr_nonnull(driver_answer(driver, US, ids[0]));
    ck_assert_ptr_null(driver_answer(driver, US, ids[1]));
    ck_assert_uint_eq(node->batch_ops, 19);
    ck_assert_uint_eq(node->batch_count, 2);
    driver_store(driver, US);
    for (size_t i = 0; i < 20; i++)
        ck_assert_uint_eq(driver_answer(driver, US, ids[i])->version, i + 1);
}
END_TEST

START_TEST(the_time_on_the_disk_is_told_as_storage)
{
    Mec__Call call = driver_put(&alice, "colour", "green", "k1");
    const Mec__Answer *answer;
    uint64_t id;

    driver->nodes[US].hold_commits = true;
    id = driver_call(driver, US, &call);
    driver_run(driver, 3 * MILLISECOND_US);
    driver_store(driver, US);
    answer = driver_answer(driver, US, id);
    ck_assert_uint_eq(answer->service_us, 3 * MILLISECOND_US);
    ck_assert_uint_eq(answer->n_spans, 3);
    ck_assert_str_eq(answer->spans[2]->name, "storage");
    ck_assert_uint_eq(answer->spans[2]->duration_us, 3 * MILLISECOND_US);
}
END_TEST

START_TEST(a_write_survives_the_end_of_the_process)
{
    put(US, "colour", "green", "k1");
    driver_kill(driver, US);
    driver_start(driver, US);
    ck_assert_str_eq(driver_body(get(US, "colour")), "green");
    ck_assert_uint_eq(put(US, "colour", "red", "k2")->position->seq, 2);
}
END_TEST

START_TEST(a_kill_with_all_kinds_of_work_under_way_leaks_nothing)
{
    Mec__Call call = driver_put(&alice, "colour", "green", "k1");
    Mec__Call get_call = driver_get(&alice, "colour");
    Mec__Position ahead = MEC__POSITION__INIT, *bookmark[] = {&ahead};

    ahead.shard = "us-east";
    ahead.epoch = 1;
    ahead.seq = 9;
    get_call.bookmark = bookmark;
    get_call.n_bookmark = 1;
    get_call.wait_us = SECOND_US;
    driver->nodes[US].hold_commits = true;
    for (int i = 0; i < 3; i++) {
        driver_call(driver, US, &call);
        driver_call(driver, US, &get_call);
    }
    call.mode = MEC__CALL_MODE__ENQUEUE;
    driver_call(driver, US, &call);
    driver_kill(driver, US);
    driver->nodes[US].hold_commits = false;
    driver_start(driver, US);
    assert_problem(get(US, "colour"), 404, "not-found");
}
END_TEST

static Mec__Pong *ping(size_t node)
{
    Mec__Ping ask = MEC__PING__INIT;
    const struct driver_frame *frame;
    Mec__Pong *pong;

    ask.nonce = 77;
    driver_send(driver, node, DRIVER_CLIENT, FRAME_PING, &ask.base);
    frame = driver_newest(driver, node, DRIVER_CLIENT, FRAME_PONG, NULL);
    pong = mec__pong__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    ck_assert_uint_eq(pong->nonce, 77);
    return pong;
}

START_TEST(a_full_disk_refuses_writes_serves_reads_and_is_noticed_when_it_has_room)
{
    struct driver_node *node = &driver->nodes[US];

    put(US, "colour", "green", "k1");
    ck_assert(ping(US)->writable);
    node->fail_commits = -ENOSPC;
    assert_problem(put(US, "colour", "red", "k2"), 507, "disk-full");
    ck_assert(!ping(US)->writable);
    ck_assert(ping(US)->serving);
    ck_assert_str_eq(driver_body(get(US, "colour")), "green");
    driver_run(driver, 5 * SECOND_US);
    ck_assert(!ping(US)->writable);
    node->fail_commits = 0;
    driver_run(driver, 2 * SECOND_US);
    ck_assert(ping(US)->writable);
    ck_assert_uint_eq(ping(US)->n_queues, 0);
    ck_assert_uint_eq(put(US, "colour", "red", "k2")->version, 2);
}
END_TEST

START_TEST(a_failing_disk_ends_the_process_and_answers_nobody)
{
    Mec__Call call = driver_put(&alice, "colour", "green", "k1");
    uint64_t id;

    driver->nodes[US].fail_commits = -EIO;
    id = driver_call(driver, US, &call);
    ck_assert(driver->nodes[US].stopped);
    ck_assert_ptr_null(driver_answer(driver, US, id));
    id = driver_call(driver, US, &call);
    ck_assert_ptr_null(driver_answer(driver, US, id));
    ck_assert(region_wake_us(driver->nodes[US].region) == NEVER_US);
}
END_TEST

START_TEST(only_the_home_takes_a_write)
{
    const Mec__Answer *answer = put(EU, "colour", "green", "k1");

    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_HOME);
    assert_problem(answer, 503, "home-unavailable");
    ck_assert_str_eq(answer->home, "us-east");
}
END_TEST

START_TEST(a_write_that_waits_while_the_home_moves_is_not_run)
{
    Mec__Call call = driver_put(&alice, "colour", "green", "k1");
    uint64_t ids[2];

    driver->nodes[US].hold_commits = true;
    ids[0] = driver_call(driver, US, &call);
    call.idempotency_key = "k2";
    ids[1] = driver_call(driver, US, &call);
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch = 2;
    driver_configure(driver);
    driver_store(driver, US);
    ck_assert_uint_eq(driver_answer(driver, US, ids[0])->status, 201);
    ck_assert_int_eq(driver_answer(driver, US, ids[1])->verdict, MEC__VERDICT__NOT_HOME);
    ck_assert_int_eq(put(US, "colour", "red", "k3")->verdict, MEC__VERDICT__NOT_HOME);
    ck_assert_uint_eq(put(EU, "colour", "red", "k3")->position->epoch, 2);
}
END_TEST

START_TEST(too_many_waiting_writes_are_turned_away)
{
    static char value[64 * 1024];
    Mec__Call call = driver_put(&alice, "colour", "", "k1");
    Mec__Answer *answer;
    uint64_t id = 0;

    memset(value, 'v', sizeof value);
    call.body.data = (uint8_t *)value;
    call.body.len = sizeof value;
    driver->nodes[US].hold_commits = true;
    for (int i = 0; i < 64 * 1024 * 1024 / (64 * 1024) + 2; i++)
        id = driver_call(driver, US, &call);
    answer = driver_answer(driver, US, id);
    ck_assert_ptr_nonnull(answer);
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING);
    assert_problem(answer, 503, "overloaded");
}
END_TEST

START_TEST(a_frame_that_cannot_be_read_drops_its_connection_and_nothing_else)
{
    static const uint8_t garbage[] = {0x0a, 0xff, 0xff, 0xff, 0x7f, 1};

    driver_send_raw(driver, US, 9, FRAME_CALL, garbage, sizeof garbage);
    ck_assert_ptr_nonnull(driver->nodes[US].closed);
    driver->nodes[US].closed = NULL;
    driver_send_raw(driver, US, 9, FRAME_ANSWER, "", 0);
    ck_assert_ptr_nonnull(driver->nodes[US].closed);
    ck_assert_uint_eq(put(US, "colour", "green", "k1")->status, 201);
}
END_TEST

/* Calls of all operations and modes with bytes changed at random, under kinds at random. */
START_TEST(damaged_frames_never_stop_the_region)
{
    static const enum frame_kind kinds[] = {FRAME_CALL,     FRAME_PING,      FRAME_QUEUE_LIST_ASK,
                                            FRAME_TAIL_ASK, FRAME_FETCH_ASK, FRAME_APPLY,
                                            FRAME_ANSWER};
    Mec__Position seen = MEC__POSITION__INIT, *bookmark[] = {&seen};
    struct random random;

    random_seed(&random, 20260921);
    seen.shard = "us-east";
    for (int i = 0; i < 3000; i++) {
        static const Mec__Operation operations[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101, 102};
        Mec__Call call = driver_put(&alice, "colour", "{\"name\": \"ada\"}", "k1");
        uint8_t bytes[1024];
        size_t size, changes = random_up_to(&random, 3);

        call.operation = operations[random_up_to(&random, 11)];
        call.mode = (Mec__CallMode)random_up_to(&random, 2);
        call.shard = "us-east";
        call.receipt = "r";
        call.bookmark = bookmark;
        call.n_bookmark = 1;
        size = mec__call__get_packed_size(&call);
        mec__call__pack(&call, bytes);
        for (size_t j = 0; j < changes; j++)
            bytes[random_up_to(&random, size - 1)] = (uint8_t)random_next(&random);
        if (random_up_to(&random, 3) == 0)
            size = random_up_to(&random, size);
        driver_send_raw(driver, random_up_to(&random, 1), 3,
                        random_up_to(&random, 1) ? FRAME_CALL : kinds[random_up_to(&random, 6)],
                        bytes, size);
    }
    driver_run(driver, 10 * SECOND_US);
    ck_assert_uint_lt(put(US, "after", "all", "k-after")->status, 300);
    ck_assert_str_eq(driver_body(get(US, "after")), "all");
}
END_TEST

START_TEST(an_unknown_operation_is_a_bad_request)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = (Mec__Operation)55;
    assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
}
END_TEST

START_TEST(a_token_of_any_region_is_good_everywhere_until_it_expires)
{
    struct token_claims claims = {.scope = TOKEN_SCOPE_ALL,
                                  .generation = 1,
                                  .issued_s = DRIVER_WALL_US / SECOND_US,
                                  .expires_s = DRIVER_WALL_US / SECOND_US + 600};
    uint8_t seed[TOKEN_KEY_SEED_SIZE];
    Mec__Call call = driver_get(NULL, "colour");

    put(US, "colour", "green", "k1");
    strcpy(claims.user, "ualice");
    strcpy(claims.shard, "us-east");
    strcpy(claims.session, "s");
    memset(seed, EU + 1, sizeof seed);
    call.token = token_sign("test", "eu-west", seed, &claims);
    driver_ship_all(driver);
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 200);
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 200);
    /* Only the home knows that nobody has ever had such an account. */
    assert_problem(driver_ask(driver, US, &call), 401, "unauthenticated");
    driver_run(driver, 610 * SECOND_US);
    assert_problem(driver_ask(driver, EU, &call), 401, "unauthenticated");
    free(call.token);
}
END_TEST

START_TEST(without_a_good_token_there_is_one_answer)
{
    struct token_claims claims = {.scope = TOKEN_SCOPE_ALL,
                                  .generation = 1,
                                  .issued_s = DRIVER_WALL_US / SECOND_US,
                                  .expires_s = DRIVER_WALL_US / SECOND_US + 600};
    uint8_t seed[TOKEN_KEY_SEED_SIZE];
    Mec__Call call = driver_get(NULL, "colour");
    const Mec__Answer *none = driver_ask(driver, US, &call);
    const Mec__Answer *forged, *garbage;

    strcpy(claims.user, "ualice");
    strcpy(claims.shard, "us-east");
    memset(seed, 99, sizeof seed);
    call.token = token_sign("test", "us-east", seed, &claims);
    /* Claims beside a bad token count for nothing. */
    call.claims = &alice;
    forged = driver_ask(driver, US, &call);
    free(call.token);
    call.token = "nonsense";
    garbage = driver_ask(driver, US, &call);
    assert_problem(none, 401, "unauthenticated");
    assert_problem(forged, 401, "unauthenticated");
    ck_assert_str_eq(forged->detail, none->detail);
    ck_assert_str_eq(garbage->detail, none->detail);
}
END_TEST

START_TEST(the_status_says_what_it_should)
{
    char *text;
    json_t *root, *copies;

    put(US, "colour", "green", "k1");
    text = region_status(driver->nodes[US].region, driver->at);
    root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    copies = json_object_get(root, "copies");
    ck_assert_uint_eq(json_array_size(copies), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(copies, 0), "role")), "home");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(copies, 0), "seq")), 1);
    ck_assert(json_is_null(json_object_get(json_array_get(copies, 1), "staleness_ms")));
    ck_assert_ptr_nonnull(json_object_get(json_object_get(root, "queue"), "waiting"));
    ck_assert_ptr_nonnull(
        json_object_get(json_array_get(json_object_get(root, "caches"), 1), "hits"));
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(root, "counters"), "writes")), 1);
    json_decref(root);
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_written_value_is_read_back_as_it_came,
        a_second_read_comes_from_the_cache_until_the_value_changes,
        users_do_not_see_each_others_values,
        a_known_version_is_not_sent_again,
        a_retry_gets_the_first_answer_and_has_no_second_effect,
        a_write_on_a_condition_happens_only_when_it_holds,
        a_condition_that_cannot_be_read_is_refused,
        a_deleted_value_is_gone_until_it_is_written_again,
        keys_and_values_out_of_bounds_are_refused,
        a_list_comes_in_pages_by_key,
        writes_that_wait_share_one_transaction,
        the_time_on_the_disk_is_told_as_storage,
        a_write_survives_the_end_of_the_process,
        a_kill_with_all_kinds_of_work_under_way_leaks_nothing,
        a_full_disk_refuses_writes_serves_reads_and_is_noticed_when_it_has_room,
        a_failing_disk_ends_the_process_and_answers_nobody,
        only_the_home_takes_a_write,
        a_write_that_waits_while_the_home_moves_is_not_run,
        too_many_waiting_writes_are_turned_away,
        a_frame_that_cannot_be_read_drops_its_connection_and_nothing_else,
        damaged_frames_never_stop_the_region,
        an_unknown_operation_is_a_bad_request,
        a_token_of_any_region_is_good_everywhere_until_it_expires,
        without_a_good_token_there_is_one_answer,
        the_status_says_what_it_should,
    };
    return suite_run(&(struct suite){.name = "region",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 20,
                                     SUITE_TESTS(tests)});
}
