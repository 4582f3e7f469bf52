/* Services of a region that are down, fail or are slow, and caches that are off: what callers,
 * routers and other regions notice of it. */

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "common/memory.h"
#include "region_driver.h"
#include "regiond/parking.h"
#include "tests/unit/suite.h"

enum { US, EU };

#define PASSWORD "correct horse"

static struct driver *driver;
static Mec__ServiceFault fault;
static Mec__ServiceFault *faults[] = {&fault};
static Mec__CacheFault cache_fault;
static Mec__CacheFault *cache_faults[] = {&cache_fault};
static Mec__Claims claims;

static Mec__Answer *credentials(size_t node, Mec__Operation operation, const char *once)
{
    static char body[] = "{\"name\": \"ada\", \"password\": \"" PASSWORD "\"}";
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.shard = (char *)(operation == MEC__OPERATION__USER_CREATE ? "us-east" : "");
    call.idempotency_key = (char *)(uintptr_t)once;
    call.body.data = (uint8_t *)body;
    call.body.len = strlen(body);
    return driver_ask(driver, node, &call);
}

static Mec__Answer *sign_up(size_t node)
{
    return credentials(node, MEC__OPERATION__USER_CREATE, "sign-up");
}

static Mec__Answer *log_in(size_t node)
{
    return credentials(node, MEC__OPERATION__TOKEN_CREATE, "");
}

/* A user of us-east, whom eu-west knows. */
static void set_up(void)
{
    const Mec__Answer *answer;
    json_t *root;

    driver = driver_create(2, 40 * MILLISECOND_US);
    driver_ship_all(driver);
    answer = sign_up(US);
    ck_assert_uint_eq(answer->status, 201);
    root = json_loads(driver_body(answer), 0, NULL);
    claims = driver_claims(
        arena_text(driver->arena, json_string_value(json_object_get(root, "id"))), "us-east");
    json_decref(root);
    driver_ship_all(driver);
    mec__service_fault__init(&fault);
    fault.region = (char *)"us-east";
    fault.service = (char *)"metadata";
    mec__cache_fault__init(&cache_fault);
    cache_fault.region = (char *)"us-east";
    cache_fault.cache = (char *)"regional";
    driver->config.services = faults;
    driver->config.caches = cache_faults;
}

static void tear_down(void)
{
    driver_free(driver);
}

static void break_service(void)
{
    driver->config.n_services = 1;
    driver_configure(driver);
}

static void heal(void)
{
    driver->config.n_services = 0;
    driver->config.n_caches = 0;
    driver_configure(driver);
}

static Mec__Answer *get(size_t node, const char *key)
{
    Mec__Call call = driver_get(&claims, key);

    return driver_ask(driver, node, &call);
}

static Mec__Answer *put(size_t node, const char *value, const char *once, Mec__CallMode mode)
{
    Mec__Call call = driver_put(&claims, "colour", value, once);

    call.mode = mode;
    return driver_ask(driver, node, &call);
}

static void ck_service_unavailable(const Mec__Answer *answer)
{
    ck_assert_str_eq(answer->problem, "service-unavailable");
    ck_assert_uint_eq(answer->status, 503);
    ck_assert_uint_gt(answer->retry_after_s, 0);
}

static Mec__Pong *ping(size_t node)
{
    Mec__Ping ask = MEC__PING__INIT;
    const struct driver_frame *frame;

    driver_send(driver, node, DRIVER_CLIENT, FRAME_PING, &ask.base);
    frame = driver_newest(driver, node, DRIVER_CLIENT, FRAME_PONG, NULL);
    return mec__pong__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
}

static uint64_t span(const Mec__Answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->n_spans; i++)
        if (strcmp(answer->spans[i]->name, name) == 0)
            return answer->spans[i]->duration_us;
    return UINT64_MAX;
}

static json_int_t status_says(size_t node, const char *object, const char *member)
{
    char *text = region_status(driver->nodes[node].region, driver->at);
    json_t *root = json_loads(text, 0, NULL);
    json_int_t value = json_integer_value(json_object_get(json_object_get(root, object), member));

    json_decref(root);
    free(text);
    return value;
}

START_TEST(a_service_that_is_down_refuses_and_the_others_go_on)
{
    const Mec__Answer *answer;

    ck_assert_uint_eq(put(US, "green", "k1", MEC__CALL_MODE__SERVE)->status, 201);
    fault.down = true;
    break_service();
    answer = get(US, "colour");
    ck_service_unavailable(answer);
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING);
    ck_assert_str_eq(answer->detail, "The metadata service of us-east is down.");
    answer = put(US, "red", "k2", MEC__CALL_MODE__SERVE);
    ck_service_unavailable(answer);
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING);
    ck_assert_uint_eq(log_in(US)->status, 201);
    ck_assert_uint_eq(get(EU, "colour")->status, 404); /* it is not shipped, and it is served */
    heal();
    ck_assert_str_eq(driver_body(get(US, "colour")), "green");
    ck_assert_int_eq(status_says(US, "counters", "service_down"), 2);
}
END_TEST

START_TEST(who_may_not_is_told_so_before)
{
    Mec__Call call = driver_get(NULL, "colour");

    fault.down = true;
    break_service();
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 401);
}
END_TEST

START_TEST(a_pong_names_the_services_that_are_down_and_counts_caches)
{
    Mec__Pong *pong = ping(US);

    ck_assert_uint_eq(pong->n_services_down, 0);
    ck_assert_uint_eq(pong->n_caches, 3);
    fault.down = true;
    break_service();
    pong = ping(US);
    ck_assert(pong->serving);
    ck_assert_uint_eq(pong->n_services_down, 1);
    ck_assert_str_eq(pong->services_down[0], "metadata");
    ck_assert_uint_eq(ping(EU)->n_services_down, 0);
    fault.down = false;
    fault.error_ppm = 1000000;
    fault.latency_us = 1000;
    driver_configure(driver);
    ck_assert_uint_eq(ping(US)->n_services_down, 0);
}
END_TEST

START_TEST(calls_that_fail_have_had_no_effect)
{
    fault.error_ppm = 1000000;
    break_service();
    ck_service_unavailable(put(US, "green", "k1", MEC__CALL_MODE__SERVE));
    ck_assert_str_eq(get(US, "colour")->detail,
                     "The metadata service of us-east has failed; try again.");
    ck_assert_int_eq(status_says(US, "counters", "service_failures"), 2);
    heal();
    ck_assert_uint_eq(get(US, "colour")->status, 404);
}
END_TEST

START_TEST(a_slow_service_takes_its_time_and_shows_it)
{
    const Mec__Answer *answer;

    ck_assert_uint_eq(put(US, "green", "k1", MEC__CALL_MODE__SERVE)->status, 201);
    fault.latency_us = 200 * MILLISECOND_US;
    break_service();
    answer = get(US, "colour");
    ck_assert_str_eq(driver_body(answer), "green");
    ck_assert_uint_eq(span(answer, "service"), 200 * MILLISECOND_US);
    ck_assert_uint_eq(answer->service_us, 200 * MILLISECOND_US);
    answer = put(US, "red", "k2", MEC__CALL_MODE__SERVE);
    ck_assert_uint_eq(answer->status, 204);
    ck_assert_uint_ge(span(answer, "service"), 200 * MILLISECOND_US);
    heal();
    ck_assert_str_eq(driver_body(get(US, "colour")), "red");
    ck_assert_uint_eq(span(get(US, "colour"), "service"), 0);
}
END_TEST

START_TEST(one_slow_operation_leaves_the_others_quick)
{
    fault.latency_us = SECOND_US;
    fault.operation = (char *)"metadata-put";
    break_service();
    ck_assert_uint_eq(get(US, "colour")->service_us, 0);
    ck_assert_uint_ge(put(US, "green", "k1", MEC__CALL_MODE__SERVE)->service_us, SECOND_US);
}
END_TEST

/* What waits for a slow service is not served by one that is down by then. */
START_TEST(a_service_that_goes_down_meanwhile_refuses_those_who_wait)
{
    Mec__Call call = driver_get(&claims, "colour");
    uint64_t id;

    fault.latency_us = SECOND_US;
    break_service();
    id = driver_call(driver, US, &call);
    fault.down = true;
    driver_configure(driver);
    driver_run(driver, 2 * SECOND_US);
    ck_service_unavailable(driver_answer(driver, US, id));
}
END_TEST

START_TEST(those_who_wait_for_a_slow_service_are_served_when_it_is_healed_meanwhile)
{
    Mec__Call call = driver_get(&claims, "colour");
    uint64_t id;

    fault.latency_us = SECOND_US;
    break_service();
    id = driver_call(driver, US, &call);
    heal();
    ck_assert_ptr_null(driver_answer(driver, US, id));
    driver_run(driver, 2 * SECOND_US);
    ck_assert_uint_eq(driver_answer(driver, US, id)->status, 404);
}
END_TEST

START_TEST(not_more_wait_than_there_is_room_for)
{
    Mec__Call call = driver_get(&claims, "colour");
    uint64_t id = 0;

    fault.latency_us = 10 * SECOND_US;
    break_service();
    for (size_t i = 0; i < PARKING_CALLS_MAX; i++)
        id = driver_call(driver, US, &call);
    ck_assert_ptr_null(driver_answer(driver, US, id));
    id = driver_call(driver, US, &call);
    ck_assert_str_eq(driver_answer(driver, US, id)->problem, "overloaded");
    /* And ending like this loses nothing: the sanitizers would tell. */
}
END_TEST

START_TEST(large_bodies_count_while_they_wait)
{
    size_t size = 64 * 1024;
    char *value = memory_alloc(size + 1);
    Mec__Call call;
    uint64_t id = 0;
    size_t waiting = 0;

    memset(value, 'v', size);
    call = driver_put(&claims, "colour", value, "k1");
    fault.latency_us = 10 * SECOND_US;
    break_service();
    for (; waiting < 1000; waiting++) {
        id = driver_call(driver, US, &call);
        if (driver_answer(driver, US, id))
            break;
    }
    ck_assert_uint_eq(waiting, PARKING_BYTES_MAX / size);
    ck_assert_str_eq(driver_answer(driver, US, id)->problem, "overloaded");
    free(value);
}
END_TEST

START_TEST(a_password_may_wait_too)
{
    const Mec__Answer *answer;

    fault.service = (char *)"auth";
    fault.latency_us = 300 * MILLISECOND_US;
    break_service();
    answer = log_in(US);
    ck_assert_uint_eq(answer->status, 201);
    ck_assert_uint_ge(span(answer, "service"), 300 * MILLISECOND_US);
}
END_TEST

START_TEST(a_queued_write_waits_until_the_service_at_home_is_back)
{
    fault.down = true;
    break_service();
    ck_assert_uint_eq(put(EU, "green", "k1", MEC__CALL_MODE__ENQUEUE)->status, 202);
    driver_run(driver, 10 * SECOND_US);
    ck_assert_int_eq(status_says(EU, "queue", "waiting"), 1);
    ck_assert_int_eq(status_says(EU, "queue", "rejected"), 0);
    heal();
    driver_run(driver, 3 * SECOND_US);
    ck_assert_int_eq(status_says(EU, "queue", "applied"), 1);
    ck_assert_str_eq(driver_body(get(US, "colour")), "green");
}
END_TEST

START_TEST(a_region_whose_service_is_down_takes_nothing_into_its_queue)
{
    fault.region = (char *)"eu-west";
    fault.down = true;
    break_service();
    ck_service_unavailable(put(EU, "green", "k1", MEC__CALL_MODE__ENQUEUE));
    ck_assert_int_eq(status_says(EU, "queue", "waiting"), 0);
}
END_TEST

START_TEST(a_log_in_elsewhere_is_told_that_auth_is_down_at_home)
{
    const Mec__Answer *answer;

    fault.service = (char *)"auth";
    fault.down = true;
    break_service();
    answer = log_in(US);
    ck_service_unavailable(answer);
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING); /* another may know more */
    answer = log_in(EU);
    ck_service_unavailable(answer);
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__FINAL);
    ck_assert_str_eq(answer->detail, "The auth service of us-east is down.");
    ck_assert_uint_eq(get(US, "colour")->status, 404); /* reads go on */
    heal();
    ck_assert_uint_eq(log_in(EU)->status, 201);
}
END_TEST

/* One of the two is at home at the other end. */
START_TEST(a_sign_up_is_told_that_auth_is_down_where_its_name_is_kept)
{
    static char body[64];
    Mec__Call call = MEC__CALL__INIT;
    size_t refused = 0;

    fault.region = (char *)"eu-west";
    fault.service = (char *)"auth";
    fault.down = true;
    break_service();
    for (int i = 0; i < 8; i++) {
        const Mec__Answer *answer;

        call.operation = MEC__OPERATION__USER_CREATE;
        call.shard = (char *)"us-east";
        call.idempotency_key = arena_format(driver->arena, "once-%d", i);
        snprintf(body, sizeof body, "{\"name\": \"user-%d\", \"password\": \"%s\"}", i, PASSWORD);
        call.body.data = (uint8_t *)body;
        call.body.len = strlen(body);
        answer = driver_ask(driver, US, &call);
        if (answer->status == 201)
            continue;
        refused++;
        ck_service_unavailable(answer);
        ck_assert_str_eq(answer->detail, "The auth service of eu-west is down.");
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_lt(refused, 8);
}
END_TEST

START_TEST(a_frozen_cache_does_not_hide_a_change)
{
    ck_assert_uint_eq(put(US, "green", "k1", MEC__CALL_MODE__SERVE)->status, 201);
    get(US, "colour");
    ck_assert_int_eq(get(US, "colour")->served, MEC__SERVED__SERVED_CACHE);
    cache_fault.freeze = true;
    driver->config.n_caches = 1;
    driver_configure(driver);
    ck_assert_int_eq(get(US, "colour")->served, MEC__SERVED__SERVED_CACHE);
    ck_assert_uint_eq(put(US, "red", "k2", MEC__CALL_MODE__SERVE)->status, 204);
    ck_assert_str_eq(driver_body(get(US, "colour")), "red");
    ck_assert_int_eq(get(US, "colour")->served, MEC__SERVED__SERVED_HOME);
    heal();
    get(US, "colour");
    ck_assert_int_eq(get(US, "colour")->served, MEC__SERVED__SERVED_CACHE);
}
END_TEST

START_TEST(a_follower_with_a_frozen_cache_shows_what_was_shipped)
{
    ck_assert_uint_eq(put(US, "green", "k1", MEC__CALL_MODE__SERVE)->status, 201);
    driver_ship_all(driver);
    get(EU, "colour");
    cache_fault.region = (char *)"eu-west";
    cache_fault.freeze = true;
    driver->config.n_caches = 1;
    driver_configure(driver);
    ck_assert_int_eq(get(EU, "colour")->served, MEC__SERVED__SERVED_CACHE);
    ck_assert_uint_eq(put(US, "red", "k2", MEC__CALL_MODE__SERVE)->status, 204);
    driver_ship_all(driver);
    ck_assert_str_eq(driver_body(get(EU, "colour")), "red");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_service_that_is_down_refuses_and_the_others_go_on,
        who_may_not_is_told_so_before,
        a_pong_names_the_services_that_are_down_and_counts_caches,
        calls_that_fail_have_had_no_effect,
        a_slow_service_takes_its_time_and_shows_it,
        one_slow_operation_leaves_the_others_quick,
        a_service_that_goes_down_meanwhile_refuses_those_who_wait,
        those_who_wait_for_a_slow_service_are_served_when_it_is_healed_meanwhile,
        not_more_wait_than_there_is_room_for,
        large_bodies_count_while_they_wait,
        a_password_may_wait_too,
        a_queued_write_waits_until_the_service_at_home_is_back,
        a_region_whose_service_is_down_takes_nothing_into_its_queue,
        a_log_in_elsewhere_is_told_that_auth_is_down_at_home,
        a_sign_up_is_told_that_auth_is_down_where_its_name_is_kept,
        a_frozen_cache_does_not_hide_a_change,
        a_follower_with_a_frozen_cache_shows_what_was_shipped,
    };
    return suite_run(&(struct suite){
        .name = "region_services", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
