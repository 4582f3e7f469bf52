/* Signing up and logging in over several regions: names, passwords, tokens, and what happens when
 * the other region is away. */

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/token.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU, AP };

#define LATENCY_US (40 * MILLISECOND_US)

static const char *const shards[] = {"us-east", "eu-west", "ap-northeast"};
static struct driver *driver;

static void set_up(void)
{
    driver = driver_create(3, LATENCY_US);
    driver_ship_all(driver);
}

static void tear_down(void)
{
    driver_free(driver);
}

static Mec__Call credentials(Mec__Operation operation, const char *name, const char *password)
{
    static char body[4][4096];
    static unsigned next;
    char *text = body[next++ % 4];
    Mec__Call call = MEC__CALL__INIT;

    snprintf(text, sizeof body[0], "{\"name\": \"%s\", \"password\": \"%s\"}", name, password);
    call.operation = operation;
    call.body.data = (uint8_t *)text;
    call.body.len = strlen(text);
    call.content_type = "application/json";
    return call;
}

static Mec__Call sign_up_call(size_t node, const char *name, const char *password, const char *once)
{
    Mec__Call call = credentials(MEC__OPERATION__USER_CREATE, name, password);

    call.shard = (char *)shards[node];
    call.idempotency_key = (char *)once;
    return call;
}

static Mec__Answer *sign_up(size_t node, const char *name, const char *password, const char *once)
{
    Mec__Call call = sign_up_call(node, name, password, once);

    return driver_ask(driver, node, &call);
}

static Mec__Answer *log_in(size_t node, const char *name, const char *password)
{
    Mec__Call call = credentials(MEC__OPERATION__TOKEN_CREATE, name, password);

    return driver_ask(driver, node, &call);
}

static const char *member(const Mec__Answer *answer, const char *name)
{
    json_t *root = json_loads(driver_body(answer), 0, NULL);
    const char *value;

    ck_assert_ptr_nonnull(root);
    value = arena_text(driver->arena, json_string_value(json_object_get(root, name)));
    json_decref(root);
    return value;
}

static void assert_problem(const Mec__Answer *answer, uint32_t status, const char *problem)
{
    ck_assert_str_eq(answer->problem, problem);
    ck_assert_uint_eq(answer->status, status);
}

static uint64_t span(const Mec__Answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->n_spans; i++)
        if (strcmp(answer->spans[i]->name, name) == 0)
            return answer->spans[i]->duration_us;
    return UINT64_MAX;
}

/* A name whose directory is at @node, found by asking who would answer for it. */
static const char *name_at(size_t node)
{
    for (int i = 0; i < 64; i++) {
        const char *name = arena_format(driver->arena, "user-%d", i);
        const Mec__Answer *answer;

        answer = sign_up(node, name, "correct horse", arena_format(driver->arena, "probe-%d", i));
        ck_assert_uint_eq(answer->status, 201);
        /* Two round trips away, or none: only then is the directory here. */
        if (answer->service_us < LATENCY_US)
            return name;
    }
    ck_abort_msg("no name has its directory there");
}

START_TEST(who_has_signed_up_can_log_in_and_is_told_who_they_are)
{
    const Mec__Answer *answer = sign_up(US, "Ada.Lovelace", "correct horse", "k1");
    Mec__Call whoami = MEC__CALL__INIT;
    const char *id;

    ck_assert_uint_eq(answer->status, 201);
    ck_assert_str_eq(member(answer, "name"), "ada.lovelace");
    ck_assert_str_eq(member(answer, "home"), "us-east");
    ck_assert_str_eq(answer->position->shard, "us-east");
    id = member(answer, "id");
    ck_assert_uint_eq(strlen(id), 27);
    ck_assert_int_eq(id[0], 'u');

    answer = log_in(US, "ada.LOVELACE", "correct horse");
    ck_assert_uint_eq(answer->status, 201);
    ck_assert_str_eq(member(answer, "home"), "us-east");
    whoami.operation = MEC__OPERATION__WHOAMI;
    whoami.token = (char *)member(answer, "token");
    answer = driver_ask(driver, US, &whoami);
    ck_assert_uint_eq(answer->status, 200);
    ck_assert_str_eq(member(answer, "id"), id);
    ck_assert_str_eq(member(answer, "name"), "ada.lovelace");
    ck_assert_str_eq(member(answer, "shard"), "us-east");
    ck_assert_ptr_nonnull(member(answer, "expires"));
}
END_TEST

START_TEST(a_token_from_a_log_in_is_verified_by_every_region)
{
    Mec__Call call = MEC__CALL__INIT;

    sign_up(US, "ada", "correct horse", "k1");
    call.operation = MEC__OPERATION__WHOAMI;
    call.token = (char *)member(log_in(US, "ada", "correct horse"), "token");
    driver_ship_all(driver);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(member(driver_ask(driver, i, &call), "name"), "ada");
}
END_TEST

START_TEST(a_log_in_far_from_home_is_passed_on_and_takes_the_way_there)
{
    const Mec__Answer *answer;

    sign_up(US, "ada", "correct horse", "k1");
    driver_ship_all(driver);
    answer = log_in(EU, "ada", "correct horse");
    ck_assert_uint_eq(answer->status, 201);
    ck_assert_str_eq(member(answer, "home"), "us-east");
    ck_assert_uint_eq(answer->service_us, 2 * LATENCY_US);
    ck_assert_uint_eq(span(answer, "xregion"), 2 * LATENCY_US);
}
END_TEST

START_TEST(a_new_name_that_has_not_arrived_here_is_looked_up_at_its_directory)
{
    sign_up(US, "ada", "correct horse", "k1"); /* and nothing is shipped */
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(log_in(i, "ada", "correct horse")->status, 201);
}
END_TEST

START_TEST(a_wrong_password_and_an_unknown_name_look_alike)
{
    const Mec__Answer *wrong, *unknown, *impossible;

    sign_up(US, "ada", "correct horse", "k1");
    wrong = log_in(US, "ada", "wrong horse");
    unknown = log_in(US, "nobody", "correct horse");
    impossible = log_in(US, "no body!", "x");
    assert_problem(wrong, 401, "unauthenticated");
    assert_problem(unknown, 401, "unauthenticated");
    assert_problem(impossible, 401, "unauthenticated");
    ck_assert_str_eq(wrong->detail, unknown->detail);
    ck_assert_str_eq(wrong->detail, impossible->detail);
    ck_assert_uint_eq(wrong->body.len, 0);
}
END_TEST

START_TEST(an_unknown_name_costs_a_hash_too)
{
    Mec__Call call = credentials(MEC__OPERATION__TOKEN_CREATE, "nobody", "correct horse");
    uint64_t id;

    for (size_t i = 0; i < 3; i++)
        driver->nodes[i].hold_jobs = true;
    id = driver_call(driver, US, &call);
    driver_run(driver, SECOND_US);
    ck_assert_ptr_null(driver_answer(driver, US, id));
    ck_assert_uint_eq(driver->nodes[US].job_count, 1);
    driver->nodes[US].hold_jobs = false;
    driver_run(driver, 0);
    assert_problem(driver_answer(driver, US, id), 401, "unauthenticated");
}
END_TEST

START_TEST(a_name_is_given_once_in_the_world)
{
    ck_assert_uint_eq(sign_up(US, "ada", "correct horse", "k1")->status, 201);
    assert_problem(sign_up(EU, "ada", "battery staple", "k2"), 409, "name-taken");
    assert_problem(sign_up(AP, "ADA", "battery staple", "k3"), 409, "name-taken");
    ck_assert_uint_eq(log_in(EU, "ada", "correct horse")->status, 201);
    assert_problem(log_in(EU, "ada", "battery staple"), 401, "unauthenticated");
}
END_TEST

START_TEST(of_two_who_want_a_name_at_once_one_gets_it)
{
    Mec__Call first = sign_up_call(US, "ada", "correct horse", "k1");
    Mec__Call second = sign_up_call(EU, "ada", "battery staple", "k2");
    uint64_t first_id = driver_call(driver, US, &first);
    uint64_t second_id = driver_call(driver, EU, &second);
    uint32_t a, b;

    driver_run(driver, 2 * SECOND_US);
    a = driver_answer(driver, US, first_id)->status;
    b = driver_answer(driver, EU, second_id)->status;
    ck_assert_msg((a == 201 && b == 409) || (a == 409 && b == 201), "%u and %u", a, b);
}
END_TEST

START_TEST(a_retried_sign_up_is_the_same_user)
{
    const Mec__Answer *first = sign_up(US, "ada", "correct horse", "k1");
    const Mec__Answer *again = sign_up(US, "ada", "correct horse", "k1");

    ck_assert_uint_eq(again->status, 201);
    ck_assert_str_eq(member(again, "id"), member(first, "id"));
    ck_assert_uint_eq(again->position->seq, first->position->seq);
    /* Else a thief of the key could take the account over. */
    assert_problem(sign_up(US, "ada", "battery staple", "k1"), 422, "idempotency-key-reused");
    ck_assert_uint_eq(log_in(US, "ada", "correct horse")->status, 201);
}
END_TEST

START_TEST(two_tries_of_one_sign_up_at_once_make_one_account)
{
    Mec__Call call = sign_up_call(US, "ada", "correct horse", "k1");
    uint64_t ids[2];

    ids[0] = driver_call(driver, US, &call);
    ids[1] = driver_call(driver, US, &call);
    driver_run(driver, 2 * SECOND_US);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(driver_answer(driver, US, ids[i])->status, 201);
    ck_assert_uint_eq(driver_answer(driver, US, ids[0])->position->seq,
                      driver_answer(driver, US, ids[1])->position->seq);
}
END_TEST

START_TEST(sign_ups_that_make_no_sense_are_refused)
{
    static const char *const bodies[] = {
        "",
        "null",
        "{\"name\": \"ada\"}",
        "{\"name\": \"ada\", \"password\": 12345678}",
        "{\"name\": \"ada\", \"password\": \"correct horse\", \"admin\": true}",
        "{\"name\": \"ada\", \"name\": \"eve\", \"password\": \"correct horse\"}",
        "{\"name\": \"ada\", \"password\": \"correct horse\"} x",
        "{\"name\": \"\", \"password\": \"correct horse\"}",
        "{\"name\": \"a b\", \"password\": \"correct horse\"}",
        "{\"name\": \"ad\xc3\xa4\", \"password\": \"correct horse\"}",
        "{\"name\": \"ada\", \"password\": \"short\"}",
    };
    Mec__Call call = sign_up_call(US, "ada", "x", "k1");
    char *text;

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        call.body.data = (uint8_t *)(uintptr_t)bodies[i];
        call.body.len = strlen(bodies[i]);
        assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    }
    text = arena_alloc(driver->arena, 130);
    memset(text, 'p', 129);
    text[129] = '\0';
    assert_problem(sign_up(US, "ada", text, "k2"), 400, "bad-request");
    text[128] = '\0';
    ck_assert_uint_eq(sign_up(US, "ada", text, "k3")->status, 201);
    text[65] = '\0';
    assert_problem(sign_up(US, text, "correct horse", "k4"), 400, "bad-request");
    assert_problem(sign_up(US, "eve", "correct horse", ""), 400, "bad-request");
}
END_TEST

START_TEST(signing_up_is_for_the_home_of_the_shard)
{
    Mec__Call call = sign_up_call(US, "ada", "correct horse", "k1");

    ck_assert_int_eq(driver_ask(driver, EU, &call)->verdict, MEC__VERDICT__NOT_HOME);
}
END_TEST

/* The honest example of a synchronous dependency between regions. */
START_TEST(a_sign_up_waits_for_a_directory_far_away)
{
    const char *name = name_at(EU);
    /* The same name again, by somebody else and far away from its directory. */
    Mec__Call far = sign_up_call(US, name, "correct horse", "far");
    const Mec__Answer *answer;

    answer = driver_ask(driver, US, &far);
    assert_problem(answer, 409, "name-taken");
    ck_assert_uint_eq(span(answer, "xregion"), 2 * LATENCY_US);
}
END_TEST

START_TEST(without_the_names_directory_nobody_signs_up)
{
    const char *name = name_at(EU);
    const Mec__Answer *answer;

    driver_kill(driver, EU);
    answer = sign_up(US, name, "correct horse", "k1");
    assert_problem(answer, 503, "home-unavailable");
    driver_start(driver, EU);
    assert_problem(sign_up(US, name, "correct horse", "k1"), 409, "name-taken");
}
END_TEST

START_TEST(a_cut_link_is_noticed_at_the_deadline)
{
    const char *name = name_at(EU);
    const Mec__Answer *answer;

    for (size_t i = 0; i < driver->config.n_links; i++)
        if (strcmp(driver->config.links[i]->to, "eu-west") == 0)
            driver->config.links[i]->cut = MEC__CUT_KIND__CUT_HOLD;
    driver_configure(driver);
    answer = sign_up(US, name, "correct horse", "k1");
    assert_problem(answer, 503, "home-unavailable");
    ck_assert_uint_eq(answer->service_us, 2 * LATENCY_US + 500 * MILLISECOND_US);
}
END_TEST

/* Who asks gives up by its own clock; until then it is to hear that the home is away. */
START_TEST(who_asks_hears_of_a_cut_link_before_it_gives_up)
{
    Mec__Call call = sign_up_call(US, name_at(EU), "correct horse", "k1");
    const Mec__Answer *answer;

    for (size_t i = 0; i < driver->config.n_links; i++)
        if (strcmp(driver->config.links[i]->to, "eu-west") == 0)
            driver->config.links[i]->cut = MEC__CUT_KIND__CUT_HOLD;
    driver_configure(driver);
    call.budget_us = 300 * MILLISECOND_US;
    answer = driver_ask(driver, US, &call);
    assert_problem(answer, 503, "home-unavailable");
    ck_assert_uint_lt(answer->service_us, call.budget_us);
    ck_assert_uint_ge(answer->service_us, call.budget_us * 9 / 10);
}
END_TEST

START_TEST(a_reset_link_fails_at_once)
{
    const char *name = name_at(EU);
    const Mec__Answer *answer;

    for (size_t i = 0; i < driver->config.n_links; i++)
        driver->config.links[i]->cut = MEC__CUT_KIND__CUT_RESET;
    driver_configure(driver);
    answer = sign_up(US, name, "correct horse", "k1");
    assert_problem(answer, 503, "home-unavailable");
    ck_assert_uint_eq(answer->service_us, 0);
}
END_TEST

START_TEST(a_log_in_fails_closed_when_the_home_is_away)
{
    sign_up(US, "ada", "correct horse", "k1");
    driver_ship_all(driver);
    driver_kill(driver, US);
    assert_problem(log_in(EU, "ada", "correct horse"), 503, "home-unavailable");
    assert_problem(log_in(AP, "ada", "wrong horse"), 503, "home-unavailable");
}
END_TEST

START_TEST(a_sign_up_cut_off_after_its_account_can_be_finished_under_its_key)
{
    Mec__Call call = sign_up_call(US, "ada", "correct horse", "k1");
    const Mec__Answer *answer;

    /* Killed with the password hashed and the account on its way to the disk. */
    driver->nodes[US].hold_jobs = true;
    driver_call(driver, US, &call);
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(driver->nodes[US].job_count, 1);
    driver->nodes[US].hold_commits = true;
    driver->nodes[US].hold_jobs = false;
    driver_run(driver, 0);
    ck_assert_ptr_nonnull(driver->nodes[US].batch);
    storage_run(driver->nodes[US].storage, driver->nodes[US].batch);
    for (size_t i = 0; i < driver->nodes[US].batch->count; i++)
        store_op_release(&driver->nodes[US].batch->ops[i]);
    driver_kill(driver, US);
    driver->nodes[US].hold_commits = false;
    driver_start(driver, US);

    answer = sign_up(US, "ada", "correct horse", "k1");
    ck_assert_uint_eq(answer->status, 201);
    ck_assert_uint_eq(log_in(US, "ada", "correct horse")->status, 201);
}
END_TEST

static Mec__Answer *claim(size_t node, const char *name, const char *user, Mec__Operation operation)
{
    Mec__Claims claims = driver_claims(user, "us-east");
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.claims = &claims;
    call.shard = (char *)shards[node];
    call.key = (char *)name;
    call.idempotency_key = "k";
    return driver_ask(driver, node, &call);
}

START_TEST(a_reservation_ends_when_nobody_confirms_it)
{
    ck_assert_uint_eq(claim(EU, "ada", "u1", MEC__OPERATION__NAME_CLAIM)->status, 204);
    ck_assert_uint_eq(claim(EU, "ada", "u1", MEC__OPERATION__NAME_CLAIM)->status, 204);
    assert_problem(claim(EU, "ada", "u2", MEC__OPERATION__NAME_CLAIM), 409, "name-taken");
    driver_run(driver, 61 * SECOND_US);
    ck_assert_uint_eq(claim(EU, "ada", "u2", MEC__OPERATION__NAME_CLAIM)->status, 204);
    assert_problem(claim(EU, "ada", "u1", MEC__OPERATION__NAME_CONFIRM), 409, "name-taken");
    ck_assert_uint_eq(claim(EU, "ada", "u2", MEC__OPERATION__NAME_CONFIRM)->status, 204);
    driver_run(driver, 61 * SECOND_US);
    assert_problem(claim(EU, "ada", "u1", MEC__OPERATION__NAME_CLAIM), 409, "name-taken");
    ck_assert_uint_eq(claim(EU, "ada", "u2", MEC__OPERATION__NAME_CLAIM)->status, 204);
}
END_TEST

START_TEST(names_are_given_by_their_directorys_home_alone)
{
    Mec__Claims claims = driver_claims("u1", "us-east");
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__NAME_CLAIM;
    call.claims = &claims;
    call.shard = "eu-west";
    call.key = "ada";
    call.idempotency_key = "k";
    ck_assert_int_eq(driver_ask(driver, US, &call)->verdict, MEC__VERDICT__NOT_HOME);
    call.claims = NULL;
    assert_problem(driver_ask(driver, EU, &call), 401, "unauthenticated");
}
END_TEST

START_TEST(any_copy_of_the_directory_tells_a_router_where_a_user_lives)
{
    Mec__Call call = MEC__CALL__INIT;

    ck_assert_uint_eq(sign_up(US, "ada", "a password", "k1")->status, 201);
    driver_ship_all(driver);
    call.operation = MEC__OPERATION__NAME_LOOKUP;
    call.key = "ada";
    for (size_t node = US; node <= AP; node++) {
        const Mec__Answer *answer = driver_ask(driver, node, &call);

        ck_assert_uint_eq(answer->status, 200);
        ck_assert_str_eq(member(answer, "shard"), "us-east");
    }
    call.key = "nobody";
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 404);
}
END_TEST

START_TEST(a_flood_of_log_ins_is_turned_away_not_queued_without_end)
{
    Mec__Call call = credentials(MEC__OPERATION__TOKEN_CREATE, "no body", "correct horse");
    const Mec__Answer *answer;
    uint64_t id = 0, first;

    driver->nodes[US].hold_jobs = true;
    first = driver_call(driver, US, &call);
    for (int i = 0; i < 66; i++)
        id = driver_call(driver, US, &call);
    ck_assert_uint_eq(driver->nodes[US].job_count, 2);
    answer = driver_answer(driver, US, id);
    ck_assert_ptr_nonnull(answer);
    assert_problem(answer, 503, "overloaded");
    driver->nodes[US].hold_jobs = false;
    driver_run(driver, 0);
    assert_problem(driver_answer(driver, US, first), 401, "unauthenticated");
}
END_TEST

START_TEST(the_keys_are_published_for_everyone)
{
    Mec__Call call = MEC__CALL__INIT;
    const Mec__Answer *answer;
    json_t *root, *key;

    call.operation = MEC__OPERATION__JWKS_GET;
    answer = driver_ask(driver, US, &call);
    ck_assert_uint_eq(answer->status, 200);
    root = json_loads(driver_body(answer), 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "keys")), 3);
    key = json_array_get(json_object_get(root, "keys"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(key, "kid")), "eu-west");
    ck_assert_str_eq(json_string_value(json_object_get(key, "alg")), "EdDSA");
    ck_assert_uint_eq(json_string_length(json_object_get(key, "x")), 43);
    json_decref(root);
}
END_TEST

/* No file of any region holds a password or a token. */
START_TEST(no_password_comes_to_rest)
{
    static const char secret[] = "a-password-nobody-may-find";
    char command[512];

    sign_up(US, "ada", secret, "k1");
    log_in(EU, "ada", secret);
    driver_ship_all(driver);
    snprintf(command, sizeof command, "grep -rqa ada %s", driver->nodes[US].directory);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, "grep -rqa %s %s %s %s", secret, driver->nodes[US].directory,
             driver->nodes[EU].directory, driver->nodes[AP].directory);
    ck_assert_int_ne(system(command), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_has_signed_up_can_log_in_and_is_told_who_they_are,
        a_token_from_a_log_in_is_verified_by_every_region,
        a_log_in_far_from_home_is_passed_on_and_takes_the_way_there,
        a_new_name_that_has_not_arrived_here_is_looked_up_at_its_directory,
        a_wrong_password_and_an_unknown_name_look_alike,
        an_unknown_name_costs_a_hash_too,
        a_name_is_given_once_in_the_world,
        of_two_who_want_a_name_at_once_one_gets_it,
        a_retried_sign_up_is_the_same_user,
        two_tries_of_one_sign_up_at_once_make_one_account,
        sign_ups_that_make_no_sense_are_refused,
        signing_up_is_for_the_home_of_the_shard,
        a_sign_up_waits_for_a_directory_far_away,
        without_the_names_directory_nobody_signs_up,
        a_cut_link_is_noticed_at_the_deadline,
        who_asks_hears_of_a_cut_link_before_it_gives_up,
        a_reset_link_fails_at_once,
        a_log_in_fails_closed_when_the_home_is_away,
        a_sign_up_cut_off_after_its_account_can_be_finished_under_its_key,
        a_reservation_ends_when_nobody_confirms_it,
        names_are_given_by_their_directorys_home_alone,
        any_copy_of_the_directory_tells_a_router_where_a_user_lives,
        a_flood_of_log_ins_is_turned_away_not_queued_without_end,
        the_keys_are_published_for_everyone,
        no_password_comes_to_rest,
    };
    return suite_run(&(struct suite){.name = "region_auth",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 20,
                                     SUITE_TESTS(tests)});
}
