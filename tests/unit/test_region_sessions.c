/* What users do with their sessions: refresh, log out, void all, delete the account; how long a
 * token stands, what it is good for, and how often it may be used. And that none of it happens
 * where it must not: away from home, on a disk that takes nothing, twice. */

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

#define LATENCY_US (10 * MILLISECOND_US)

static struct driver *driver;
static const char *token; /* ada's, whose home is us-east */
static const char *ada;   /* her id */

/* ---- helpers ---- */

static Mec__Answer *with_body(size_t node, Mec__Operation operation, const char *body,
                              const char *once)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.shard = "us-east";
    call.body.data = (uint8_t *)(uintptr_t)body;
    call.body.len = strlen(body);
    call.idempotency_key = (char *)once;
    return driver_ask(driver, node, &call);
}

static Mec__Answer *sign_up(const char *once)
{
    return with_body(US, MEC__OPERATION__USER_CREATE,
                     "{\"name\": \"ada\", \"password\": \"correct horse\"}", once);
}

static Mec__Answer *log_in(size_t node)
{
    return with_body(node, MEC__OPERATION__TOKEN_CREATE,
                     "{\"name\": \"ada\", \"password\": \"correct horse\"}", "");
}

static const char *member(const Mec__Answer *answer, const char *name)
{
    json_t *root = json_loads(driver_body(answer), 0, NULL);
    const char *value;

    ck_assert_msg(root != NULL, "%u %s", answer->status, answer->problem);
    value = arena_text(driver->arena, json_string_value(json_object_get(root, name)));
    json_decref(root);
    return value;
}

static Mec__Answer *ask(size_t node, Mec__Operation operation, const char *with)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.shard = "us-east";
    call.token = (char *)with;
    call.idempotency_key = "once";
    return driver_ask(driver, node, &call);
}

static Mec__Answer *put(size_t node, const char *with, const char *key, const char *once)
{
    Mec__Call call = driver_put(NULL, key, "value", once);

    call.token = (char *)with;
    return driver_ask(driver, node, &call);
}

static uint32_t status_of(size_t node, const char *with)
{
    return ask(node, MEC__OPERATION__WHOAMI, with)->status;
}

static void assert_problem(const Mec__Answer *answer, uint32_t status, const char *problem)
{
    ck_assert_str_eq(answer->problem, problem);
    ck_assert_uint_eq(answer->status, status);
}

static struct token_claims claims_of(const char *of)
{
    struct token_claims claims;

    ck_assert_int_eq(token_peek(slice_of(of), &claims), 0);
    return claims;
}

static void set_up(void)
{
    driver = driver_create(3, LATENCY_US);
    ada = member(sign_up("sign-up"), "id");
    token = member(log_in(US), "token");
    driver_ship_all(driver);
}

static void tear_down(void)
{
    driver_free(driver);
}

/* ---- log-out and revoking all ---- */

START_TEST(who_logs_out_is_out_of_this_session_only)
{
    const char *other = member(log_in(EU), "token");

    ck_assert_uint_eq(ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, token)->status, 204);
    assert_problem(ask(US, MEC__OPERATION__WHOAMI, token), 401, "unauthenticated");
    assert_problem(put(US, token, "k", "w1"), 401, "unauthenticated");
    assert_problem(ask(US, MEC__OPERATION__TOKEN_REFRESH, token), 401, "unauthenticated");
    ck_assert_uint_eq(status_of(US, other), 200);
}
END_TEST

START_TEST(a_follower_refuses_a_token_once_it_has_heard)
{
    ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, token);
    ck_assert_uint_eq(status_of(EU, token), 200); /* it has not */
    driver_ship_all(driver);
    assert_problem(ask(EU, MEC__OPERATION__WHOAMI, token), 401, "unauthenticated");
}
END_TEST

START_TEST(revoking_all_voids_every_session_and_not_the_next)
{
    const char *other = member(log_in(EU), "token"), *later;

    ck_assert_uint_eq(ask(US, MEC__OPERATION__TOKEN_REVOKE_ALL, other)->status, 204);
    later = member(log_in(US), "token");
    driver_ship_all(driver);
    for (size_t node = 0; node < 3; node++) {
        ck_assert_uint_eq(status_of(node, token), 401);
        ck_assert_uint_eq(status_of(node, other), 401);
        ck_assert_uint_eq(status_of(node, later), 200);
    }
}
END_TEST

START_TEST(an_old_token_cannot_void_newer_ones)
{
    const char *later;

    ask(US, MEC__OPERATION__TOKEN_REVOKE_ALL, token);
    later = member(log_in(US), "token");
    /* It is as if the answer had been lost: the same is asked again. */
    ck_assert_uint_eq(ask(US, MEC__OPERATION__TOKEN_REVOKE_ALL, token)->status, 204);
    ck_assert_uint_eq(ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, token)->status, 204);
    ck_assert_uint_eq(ask(US, MEC__OPERATION__USER_DELETE, token)->status, 204);
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(status_of(US, later), 200);
    ck_assert_uint_eq(log_in(US)->status, 201);
}
END_TEST

START_TEST(so_many_log_outs_that_they_cannot_be_kept_void_all)
{
    const char *other = member(log_in(US), "token");

    driver->config.settings->login_rate_per_min = 0;
    driver_configure(driver);
    for (int i = 0; i < 33; i++) {
        const char *next = member(log_in(US), "token");

        ck_assert_uint_eq(status_of(US, other), 200);
        ck_assert_uint_eq(ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, next)->status, 204);
        ck_assert_uint_eq(status_of(US, next), 401);
    }
    ck_assert_uint_eq(status_of(US, other), 401);
    ck_assert_uint_eq(log_in(US)->status, 201);
}
END_TEST

START_TEST(two_log_outs_in_one_batch_both_count)
{
    const char *other = member(log_in(US), "token");
    Mec__Call call = MEC__CALL__INIT;
    uint64_t first, second;

    call.operation = MEC__OPERATION__TOKEN_REVOKE_CURRENT;
    call.idempotency_key = "once";
    call.token = (char *)token;
    first = driver_call(driver, US, &call);
    call.token = (char *)other;
    second = driver_call(driver, US, &call);
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(driver_answer(driver, US, first)->status, 204);
    ck_assert_uint_eq(driver_answer(driver, US, second)->status, 204);
    ck_assert_uint_eq(status_of(US, token), 401);
    ck_assert_uint_eq(status_of(US, other), 401);
}
END_TEST

START_TEST(what_was_revoked_stays_so_after_a_restart)
{
    ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, token);
    driver_kill(driver, US);
    driver_start(driver, US);
    ck_assert_uint_eq(status_of(US, token), 401);
}
END_TEST

/* However its cache of accounts is, a region takes no token that is void and refuses none that
 * stands. */
START_TEST(a_cache_that_is_broken_lets_nobody_in)
{
    Mec__CacheFault fault = MEC__CACHE_FAULT__INIT, *faults[] = {&fault};
    const char *other = member(log_in(US), "token");

    ck_assert_uint_eq(status_of(US, token), 200);
    fault.region = "us-east";
    fault.cache = "service";
    fault.disable = _i == 0;
    fault.freeze = _i == 1;
    fault.flush_count = _i == 2;
    driver->config.caches = faults;
    driver->config.n_caches = 1;
    driver_configure(driver);
    ck_assert_uint_eq(status_of(US, token), 200);
    ck_assert_uint_eq(ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, token)->status, 204);
    ck_assert_uint_eq(status_of(US, token), 401);
    ck_assert_uint_eq(status_of(US, other), 200);
    driver->config.caches = NULL;
    driver->config.n_caches = 0;
    driver_configure(driver);
    ck_assert_uint_eq(status_of(US, token), 401);
    ck_assert_uint_eq(status_of(US, other), 200);
}
END_TEST

/* ---- refreshing ---- */

START_TEST(a_refreshed_token_is_of_the_same_session_and_lives_on)
{
    struct token_claims before = claims_of(token), after;
    const char *next;

    driver_run(driver, 400 * SECOND_US);
    next = member(ask(US, MEC__OPERATION__TOKEN_REFRESH, token), "token");
    after = claims_of(next);
    ck_assert_uint_ge(after.expires_s, before.expires_s + 399);
    driver_run(driver, 300 * SECOND_US);
    ck_assert_uint_eq(status_of(US, token), 401);
    ck_assert_uint_eq(status_of(US, next), 200);
    ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, next);
    ck_assert_uint_eq(status_of(US, next), 401);
}
END_TEST

START_TEST(logging_out_voids_all_tokens_of_the_session)
{
    const char *next = member(ask(US, MEC__OPERATION__TOKEN_REFRESH, token), "token");

    ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, next);
    ck_assert_uint_eq(status_of(US, token), 401);
}
END_TEST

START_TEST(a_session_ends_when_the_world_says_so)
{
    const char *next;

    driver->config.settings->session_lifetime_s = 900;
    driver_configure(driver);
    driver_run(driver, 500 * SECOND_US);
    next = member(ask(US, MEC__OPERATION__TOKEN_REFRESH, token), "token");
    ck_assert_uint_le(claims_of(next).expires_s, DRIVER_WALL_US / SECOND_US + 901);
    driver_run(driver, 390 * SECOND_US);
    ck_assert_uint_eq(status_of(US, next), 200);
    driver_run(driver, 15 * SECOND_US);
    assert_problem(ask(US, MEC__OPERATION__TOKEN_REFRESH, next), 401, "unauthenticated");
}
END_TEST

/* ---- scopes ---- */

START_TEST(a_token_is_good_for_its_scope_only)
{
    const Mec__Answer *answer = with_body(
        US, MEC__OPERATION__TOKEN_CREATE,
        "{\"name\": \"ada\", \"password\": \"correct horse\", \"scope\": \"metadata\"}", "");
    const char *narrow = member(answer, "token");

    ck_assert_str_eq(member(answer, "scope"), "metadata");
    ck_assert_uint_eq(put(US, narrow, "k", "w1")->status, 201);
    ck_assert_uint_eq(status_of(US, narrow), 200);
    assert_problem(ask(US, MEC__OPERATION__TOKEN_REVOKE_ALL, narrow), 403, "insufficient-scope");
    assert_problem(ask(US, MEC__OPERATION__USER_DELETE, narrow), 403, "insufficient-scope");
    /* What is refreshed gets no better. */
    narrow = member(ask(US, MEC__OPERATION__TOKEN_REFRESH, narrow), "token");
    assert_problem(ask(US, MEC__OPERATION__USER_DELETE, narrow), 403, "insufficient-scope");
    ck_assert_uint_eq(ask(US, MEC__OPERATION__TOKEN_REVOKE_CURRENT, narrow)->status, 204);
}
END_TEST

START_TEST(a_scope_that_there_is_not_is_no_log_in)
{
    assert_problem(
        with_body(US, MEC__OPERATION__TOKEN_CREATE,
                  "{\"name\": \"ada\", \"password\": \"correct horse\", \"scope\": \"root\"}", ""),
        400, "bad-request");
}
END_TEST

/* ---- the end of an account ---- */

START_TEST(a_deleted_account_is_nobody_anywhere)
{
    ck_assert_uint_eq(put(US, token, "k", "w1")->status, 201);
    ck_assert_uint_eq(ask(US, MEC__OPERATION__USER_DELETE, token)->status, 204);
    ck_assert_uint_eq(status_of(US, token), 401);
    ck_assert_uint_eq(log_in(US)->status, 401);
    driver_ship_all(driver);
    ck_assert_uint_eq(status_of(EU, token), 401);
    ck_assert_uint_eq(log_in(EU)->status, 401);
}
END_TEST

static uint32_t stored_as(size_t node, const char *key)
{
    Mec__Claims claims = driver_claims(ada, "us-east");
    Mec__Call call = driver_get(&claims, key);

    return driver_ask(driver, node, &call)->status;
}

START_TEST(what_a_deleted_account_had_is_erased)
{
    for (int i = 0; i < 150; i++)
        put(US, token, arena_format(driver->arena, "k%d", i),
            arena_format(driver->arena, "w%d", i));
    driver_ship_all(driver);
    ck_assert_uint_eq(stored_as(EU, "k149"), 200);
    ask(US, MEC__OPERATION__USER_DELETE, token);
    driver_run(driver, 5 * SECOND_US);
    driver_ship_all(driver);
    for (int i = 0; i < 150; i += 37) {
        ck_assert_uint_eq(stored_as(US, arena_format(driver->arena, "k%d", i)), 404);
        ck_assert_uint_eq(stored_as(EU, arena_format(driver->arena, "k%d", i)), 404);
    }
    ck_assert_uint_eq(ask(US, MEC__OPERATION__USER_DELETE, token)->status, 204); /* a late retry */
}
END_TEST

START_TEST(the_name_is_free_again_and_the_id_is_not)
{
    const Mec__Answer *answer;

    ask(US, MEC__OPERATION__USER_DELETE, token);
    driver_run(driver, 5 * SECOND_US);
    assert_problem(sign_up("sign-up"), 422, "idempotency-key-reused");
    answer = sign_up("another");
    ck_assert_uint_eq(answer->status, 201);
    ck_assert_str_ne(member(answer, "id"), ada);
    ck_assert_uint_eq(status_of(US, token), 401);
}
END_TEST

START_TEST(a_name_is_given_back_once_its_directory_can_be_reached)
{
    size_t node;

    /* Whichever region has the directory of the name, us-east reaches it later only. */
    driver_connect(driver, US, EU, false);
    driver_connect(driver, US, AP, false);
    ask(US, MEC__OPERATION__USER_DELETE, token);
    driver_run(driver, 10 * SECOND_US);
    driver_connect(driver, US, EU, true);
    driver_connect(driver, US, AP, true);
    driver_run(driver, 10 * SECOND_US);
    driver_ship_all(driver);
    for (node = 0; node < 3; node++) {
        Mec__Call call = MEC__CALL__INIT;

        call.operation = MEC__OPERATION__NAME_LOOKUP;
        call.key = "ada";
        ck_assert_uint_eq(driver_ask(driver, node, &call)->status, 404);
    }
}
END_TEST

START_TEST(erasing_goes_on_after_a_restart)
{
    for (int i = 0; i < 70; i++)
        put(US, token, arena_format(driver->arena, "k%d", i),
            arena_format(driver->arena, "w%d", i));
    ask(US, MEC__OPERATION__USER_DELETE, token);
    driver_kill(driver, US);
    driver_start(driver, US);
    driver_run(driver, 5 * SECOND_US);
    ck_assert_uint_eq(stored_as(US, "k0"), 404);
    ck_assert_uint_eq(stored_as(US, "k69"), 404);
    driver_run(driver, 61 * SECOND_US);
    ck_assert_uint_eq(sign_up("another")->status, 201);
}
END_TEST

START_TEST(a_queued_write_of_a_deleted_account_is_refused_at_home)
{
    Mec__Claims claims = driver_claims(ada, "us-east");
    Mec__Call call = driver_put(&claims, "k", "late", "w9");

    ask(US, MEC__OPERATION__USER_DELETE, token);
    driver_run(driver, SECOND_US);
    call.mode = MEC__CALL_MODE__DELIVER;
    call.receipt = "eu-west.1";
    assert_problem(driver_ask(driver, US, &call), 403, "forbidden");
}
END_TEST

/* ---- where it must not happen ---- */

static const Mec__Operation acts[] = {
    MEC__OPERATION__TOKEN_REVOKE_CURRENT,
    MEC__OPERATION__TOKEN_REVOKE_ALL,
    MEC__OPERATION__USER_DELETE,
    MEC__OPERATION__TOKEN_REFRESH,
};

#define ACTS ((int)(sizeof acts / sizeof acts[0]))

START_TEST(no_region_but_the_home_does_it)
{
    const Mec__Answer *answer = ask(EU, acts[_i], token);

    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_HOME);
    assert_problem(answer, 503, "home-unavailable");
    ck_assert_uint_eq(status_of(US, token), 200);
}
END_TEST

START_TEST(it_is_never_queued)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = acts[_i];
    call.token = (char *)token;
    call.idempotency_key = "once";
    for (int mode = MEC__CALL_MODE__ENQUEUE; mode <= MEC__CALL_MODE__DELIVER; mode++) {
        call.mode = (Mec__CallMode)mode;
        assert_problem(driver_ask(driver, EU, &call), 400, "bad-request");
        assert_problem(driver_ask(driver, US, &call), 400, "bad-request");
    }
    ck_assert_uint_eq(status_of(US, token), 200);
}
END_TEST

/* All but refreshing, which writes nothing. */
START_TEST(on_a_full_disk_nothing_is_changed)
{
    driver->nodes[US].fail_commits = -ENOSPC;
    assert_problem(ask(US, acts[_i], token), 507, "disk-full");
    driver->nodes[US].fail_commits = 0;
    driver_run(driver, 2 * SECOND_US);
    ck_assert_uint_eq(status_of(US, token), 200);
    ck_assert_uint_eq(ask(US, acts[_i], token)->status, 204);
    ck_assert_uint_eq(status_of(US, token), 401);
}
END_TEST

static char *forged(int how)
{
    struct token_claims claims = claims_of(token);
    uint8_t seed[TOKEN_KEY_SEED_SIZE];
    char *text;

    snprintf(claims.session, sizeof claims.session, "s");
    snprintf(claims.scope, sizeof claims.scope, TOKEN_SCOPE_ALL);
    claims.generation = 1;
    claims.issued_s = claims.expires_s - 600;
    memset(seed, US + 1, sizeof seed);
    switch (how) {
    case 0: /* another key under this kid */
        memset(seed, 99, sizeof seed);
        return token_sign("test", "us-east", seed, &claims);
    case 1: /* this key under another kid */
        return token_sign("test", "eu-west", seed, &claims);
    case 2: /* a kid that there is not (any more) */
        return token_sign("test", "us-east.0", seed, &claims);
    case 3: /* another world's */
        return token_sign("other", "us-east", seed, &claims);
    case 4: /* expired */
        claims.issued_s -= 700;
        claims.expires_s -= 700;
        return token_sign("test", "us-east", seed, &claims);
    case 5: /* of a generation that is to come */
        claims.generation = 2;
        return token_sign("test", "us-east", seed, &claims);
    default: /* for somebody who has no account */
        text = claims.user;
        snprintf(text, sizeof claims.user, "unobody");
        return token_sign("test", "us-east", seed, &claims);
    }
}

START_TEST(a_forged_token_is_refused_with_the_same_words_whatever_it_asks)
{
    const char *words = ask(US, MEC__OPERATION__WHOAMI, "nonsense")->detail;
    char *text = forged(_i);
    const Mec__Answer *answer;

    for (int act = 0; act < ACTS; act++) {
        bool ends = acts[act] != MEC__OPERATION__TOKEN_REFRESH;

        answer = ask(US, acts[act], text);
        if (_i >= 5 && ends) { /* genuine, but void: there is nothing left to end */
            ck_assert_uint_eq(answer->status, 204);
            continue;
        }
        assert_problem(answer, 401, "unauthenticated");
        ck_assert_str_eq(answer->detail, words);
    }
    answer = put(US, text, "k", "w1");
    assert_problem(answer, 401, "unauthenticated");
    ck_assert_str_eq(answer->detail, words);
    ck_assert_uint_eq(status_of(US, token), 200);
    free(text);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_user_who_asks_too_much_is_told_when_to_ask_again)
{
    const Mec__Answer *answer;

    driver->config.settings->user_rate_per_s = 3;
    driver_configure(driver);
    for (uint32_t left = 2; left != UINT32_MAX; left--) {
        answer = ask(US, MEC__OPERATION__WHOAMI, token);
        ck_assert_uint_eq(answer->status, 200);
        ck_assert_uint_eq(answer->limit_quota, 3);
        ck_assert_uint_eq(answer->limit_remaining, left);
    }
    answer = ask(US, MEC__OPERATION__WHOAMI, token);
    assert_problem(answer, 429, "too-many-requests");
    ck_assert_uint_ge(answer->retry_after_s, 1);
    ck_assert_uint_eq(status_of(EU, token), 200); /* each region counts for itself */
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(status_of(US, token), 200);
}
END_TEST

START_TEST(passwords_cannot_be_guessed_quickly)
{
    static const char wrong[] = "{\"name\": \"ada\", \"password\": \"wrong horse\"}";

    driver->config.settings->login_rate_per_min = 5;
    driver_configure(driver);
    driver_run(driver, 60 * SECOND_US);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(with_body(US, MEC__OPERATION__TOKEN_CREATE, wrong, "")->status, 401);
    assert_problem(with_body(US, MEC__OPERATION__TOKEN_CREATE, wrong, ""), 429,
                   "too-many-requests");
    assert_problem(log_in(US), 429, "too-many-requests");
    driver_run(driver, 13 * SECOND_US);
    ck_assert_uint_eq(log_in(US)->status, 201);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_logs_out_is_out_of_this_session_only,
        a_follower_refuses_a_token_once_it_has_heard,
        revoking_all_voids_every_session_and_not_the_next,
        an_old_token_cannot_void_newer_ones,
        so_many_log_outs_that_they_cannot_be_kept_void_all,
        two_log_outs_in_one_batch_both_count,
        what_was_revoked_stays_so_after_a_restart,
        a_refreshed_token_is_of_the_same_session_and_lives_on,
        logging_out_voids_all_tokens_of_the_session,
        a_session_ends_when_the_world_says_so,
        a_token_is_good_for_its_scope_only,
        a_scope_that_there_is_not_is_no_log_in,
        a_deleted_account_is_nobody_anywhere,
        what_a_deleted_account_had_is_erased,
        the_name_is_free_again_and_the_id_is_not,
        a_name_is_given_back_once_its_directory_can_be_reached,
        erasing_goes_on_after_a_restart,
        a_queued_write_of_a_deleted_account_is_refused_at_home,
        a_user_who_asks_too_much_is_told_when_to_ask_again,
        passwords_cannot_be_guessed_quickly,
    };
    const struct suite_loop loops[] = {
        {a_cache_that_is_broken_lets_nobody_in, 3},
        {no_region_but_the_home_does_it, ACTS},
        {it_is_never_queued, ACTS},
        {on_a_full_disk_nothing_is_changed, ACTS - 1},
        {a_forged_token_is_refused_with_the_same_words_whatever_it_asks, 7},
    };
    return suite_run(&(struct suite){.name = "region_sessions",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
