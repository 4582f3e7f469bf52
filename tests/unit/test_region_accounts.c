/* Deleted accounts, and what comes at the same time: writes that were on their way, deletions that
 * did not happen, names that somebody else has by now, reads that wait. */

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"
#include "region_driver.h"
#include "regiond/core.h"
#include "regiond/erasing.h"
#include "regiond/names.h"
#include "tests/unit/suite.h"

enum { US, EU, AP };

#define LATENCY_US (10 * MILLISECOND_US)

static const char *const shards[] = {"us-east", "eu-west", "ap-northeast"};
static struct driver *driver;
static char name[16];     /* a user's, whose home is us-east; the name's is eu-west */
static const char *token; /* theirs */
static const char *user;  /* their id */

/* ---- helpers ---- */

static Mec__Answer *with_name(size_t node, Mec__Operation operation, const char *once)
{
    const char *body =
        arena_format(driver->arena, "{\"name\": \"%s\", \"password\": \"correct horse\"}", name);
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.shard = (char *)(uintptr_t)shards[node];
    call.body.data = (uint8_t *)(uintptr_t)body;
    call.body.len = strlen(body);
    call.idempotency_key = (char *)(uintptr_t)once;
    return driver_ask(driver, node, &call);
}

static const char *member(const Mec__Answer *answer, const char *which)
{
    json_t *root = json_loads(driver_body(answer), 0, NULL);
    const char *value;

    ck_assert_msg(root != NULL, "%u %s", answer->status, answer->problem);
    value = arena_text(driver->arena, json_string_value(json_object_get(root, which)));
    json_decref(root);
    return value;
}

static Mec__Call call_of(Mec__Operation operation)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.shard = (char *)(uintptr_t)shards[US];
    call.token = (char *)(uintptr_t)token;
    call.idempotency_key = "once";
    return call;
}

static uint32_t ask(size_t node, Mec__Operation operation)
{
    Mec__Call call = call_of(operation);

    return driver_ask(driver, node, &call)->status;
}

static Mec__Call put_of(const char *key)
{
    Mec__Call call = driver_put(NULL, key, "value", key);

    call.token = (char *)(uintptr_t)token;
    return call;
}

static uint32_t put(const char *key)
{
    Mec__Call call = put_of(key);

    return driver_ask(driver, US, &call)->status;
}

/* Whatever the account says of it. */
static uint32_t stored_as(const char *key)
{
    Mec__Claims claims = driver_claims(user, shards[US]);
    Mec__Call call = driver_get(&claims, key);

    return driver_ask(driver, US, &call)->status;
}

static void set_up(void)
{
    int i = 0;

    driver = driver_create(3, LATENCY_US);
    do
        snprintf(name, sizeof name, "ada%d", i++);
    while (strcmp(names_directory(driver->nodes[US].region, name)->shard, shards[EU]) != 0);
    user = member(with_name(US, MEC__OPERATION__USER_CREATE, "sign-up"), "id");
    token = member(with_name(US, MEC__OPERATION__TOKEN_CREATE, ""), "token");
    driver_ship_all(driver);
}

static void tear_down(void)
{
    driver_free(driver);
}

/* ---- erasing ---- */

START_TEST(a_write_that_was_on_its_way_is_erased_too)
{
    Mec__Call end = call_of(MEC__OPERATION__USER_DELETE), write = put_of("late");
    uint64_t ended, written;

    driver->nodes[US].hold_commits = true;
    ended = driver_call(driver, US, &end);
    written = driver_call(driver, US, &write); /* the account is not closed yet */
    driver->nodes[US].hold_commits = false;
    driver_store(driver, US);
    driver_run(driver, 5 * SECOND_US);
    ck_assert_uint_eq(driver_answer(driver, US, ended)->status, 204);
    ck_assert_uint_eq(driver_answer(driver, US, written)->status, 201);
    ck_assert_uint_eq(stored_as("late"), 404);
}
END_TEST

START_TEST(a_note_of_a_deletion_that_did_not_happen_erases_nothing)
{
    struct region *region = driver->nodes[US].region;

    ck_assert_uint_eq(put("k"), 201);
    erasing_note(region, &region->copies[0], user, name);
    ck_assert_uint_eq(put("l"), 201); /* and with it the note */
    driver_configure(driver);         /* it is looked for, and found */
    driver->nodes[US].fail_commits = -ENOSPC;
    driver_run(driver, 3 * SECOND_US); /* and cannot be removed */
    driver->nodes[US].fail_commits = 0;
    driver_run(driver, 10 * SECOND_US);
    ck_assert_uint_eq(erasing_count(region), 0);
    ck_assert_uint_eq(ask(US, MEC__OPERATION__WHOAMI), 200);
    ck_assert_uint_eq(stored_as("k"), 200);
}
END_TEST

/* A note is found while the deletion that it is of is still on its way. */
START_TEST(a_note_that_is_written_anew_stays)
{
    struct region *region = driver->nodes[US].region;
    Mec__Call end = call_of(MEC__OPERATION__USER_DELETE);

    ck_assert_uint_eq(put("k"), 201);
    erasing_note(region, &region->copies[0], user, name);
    ck_assert_uint_eq(put("l"), 201);
    driver->nodes[US].hold_commits = true;
    driver_call(driver, US, &end); /* the note again, and the account's end */
    driver_configure(driver);      /* the first note is found, and is to be removed behind them */
    driver->nodes[US].hold_commits = false;
    driver_store(driver, US);
    driver_run(driver, 10 * SECOND_US);
    ck_assert_uint_eq(erasing_count(region), 0);
    ck_assert_uint_eq(stored_as("k"), 404);
    ck_assert_uint_eq(with_name(US, MEC__OPERATION__USER_CREATE, "another")->status, 201);
}
END_TEST

/* ---- names ---- */

START_TEST(a_late_retry_of_a_sign_up_does_not_keep_the_name)
{
    ask(US, MEC__OPERATION__USER_DELETE);
    driver_run(driver, 5 * SECOND_US);
    ck_assert_uint_eq(with_name(US, MEC__OPERATION__USER_CREATE, "sign-up")->status, 422);
    ck_assert_uint_eq(with_name(EU, MEC__OPERATION__USER_CREATE, "another")->status, 201);
}
END_TEST

/* Nothing has been shipped since: the others' copies of the directory are from before. */
START_TEST(whoever_has_the_name_now_is_logged_in_anywhere)
{
    const Mec__Answer *answer;
    const char *bert;

    ask(US, MEC__OPERATION__USER_DELETE);
    driver_run(driver, 5 * SECOND_US);
    bert = member(with_name(EU, MEC__OPERATION__USER_CREATE, "another"), "id");
    for (size_t node = 0; node < 3; node++) {
        answer = with_name(node, MEC__OPERATION__TOKEN_CREATE, "");
        ck_assert_uint_eq(answer->status, 201);
        token = member(answer, "token");
        answer = with_name(node, MEC__OPERATION__TOKEN_CREATE, "");
        ck_assert_str_eq(member(answer, "home"), "eu-west");
    }
    driver_ship_all(driver);
    {
        Mec__Call call = call_of(MEC__OPERATION__WHOAMI);

        ck_assert_str_eq(member(driver_ask(driver, AP, &call), "id"), bert);
    }
}
END_TEST

START_TEST(whose_a_name_is_now_must_be_known_for_a_log_in)
{
    ask(US, MEC__OPERATION__USER_DELETE);
    driver_run(driver, 5 * SECOND_US);
    for (size_t node = 0; node < 3; node++)
        ck_assert_uint_eq(with_name(node, MEC__OPERATION__TOKEN_CREATE, "")->status, 401);
    driver_connect(driver, AP, EU, false);
    ck_assert_uint_eq(with_name(AP, MEC__OPERATION__TOKEN_CREATE, "")->status, 503);
}
END_TEST

/* ---- reads that wait ---- */

START_TEST(a_read_that_has_waited_for_the_end_of_its_session_is_refused)
{
    Mec__Call end = call_of(MEC__OPERATION__TOKEN_REVOKE_CURRENT);
    Mec__Call read = driver_get(NULL, "k");
    Mec__Position *position;
    uint64_t id;

    ck_assert_uint_eq(put("k"), 201);
    position = driver_ask(driver, US, &end)->position;
    read.token = end.token;
    read.bookmark = &position;
    read.n_bookmark = 1;
    read.wait_us = SECOND_US;
    id = driver_call(driver, EU, &read);
    driver_run(driver, 0);
    ck_assert_ptr_null(driver_answer(driver, EU, id)); /* it has not heard, and waits */
    driver_ship_all(driver);
    driver_run(driver, 0);
    ck_assert_uint_eq(driver_answer(driver, EU, id)->status, 401);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_write_that_was_on_its_way_is_erased_too,
        a_note_of_a_deletion_that_did_not_happen_erases_nothing,
        a_note_that_is_written_anew_stays,
        a_late_retry_of_a_sign_up_does_not_keep_the_name,
        whoever_has_the_name_now_is_logged_in_anywhere,
        whose_a_name_is_now_must_be_known_for_a_log_in,
        a_read_that_has_waited_for_the_end_of_its_session_is_refused,
    };

    return suite_run(&(struct suite){
        .name = "region_accounts", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
