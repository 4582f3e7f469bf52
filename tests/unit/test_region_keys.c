/* Regions that change the key that they sign tokens with. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/token.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU };

static struct driver *driver;

/* The configuration's keys are the test's own: a region's second and third. */
static Mec__SigningKey more[2];
static uint8_t halves[2][TOKEN_KEY_PUBLIC_SIZE];
static Mec__SigningKey *all[5];
static Mec__SigningKey **of_driver;
static size_t count_of_driver;
static Mec__KeyWish wish;
static Mec__KeyWish *wishes[] = {&wish};

static void set_up(void)
{
    Mec__Config *config;

    driver = driver_create(2, 10 * MILLISECOND_US);
    driver_ship_all(driver);
    config = &driver->config;
    of_driver = config->keys;
    count_of_driver = config->n_keys;
    memcpy(all, config->keys, config->n_keys * sizeof all[0]);
    config->keys = all;
    all[US]->kid = "us-east.1";
    snprintf(driver->nodes[US].keys[0].kid, KID_SIZE, "us-east.1");
    for (uint32_t i = 0; i < 2; i++) {
        mec__signing_key__init(&more[i]);
        more[i].region = "us-east";
        more[i].public_key.data = halves[i];
        more[i].public_key.len = sizeof halves[i];
    }
    more[0].kid = "us-east.2";
    more[1].kid = "us-east.3";
    mec__key_wish__init(&wish);
    wish.region = "us-east";
    driver_keys(driver, US);
    driver_configure(driver);
}

static void tear_down(void)
{
    driver->config.keys = of_driver;
    driver->config.n_keys = count_of_driver;
    driver->config.n_key_wishes = 0;
    driver_free(driver);
}

static void wish_for(const char *kid)
{
    wish.kid = (char *)kid;
    driver->config.key_wishes = wishes;
    driver->config.n_key_wishes = 1;
    driver_configure(driver);
}

static const struct region_key *held(const char *kid)
{
    for (size_t i = 0; i < driver->nodes[US].key_count; i++)
        if (strcmp(driver->nodes[US].keys[i].kid, kid) == 0)
            return &driver->nodes[US].keys[i];
    return NULL;
}

/* The keys of us-east are these now, and nothing is wished for; eu-west keeps its own. */
static void set_keys(Mec__SigningKey *first, Mec__SigningKey *second)
{
    size_t count = 0;

    driver->config.n_key_wishes = 0;
    all[count++] = of_driver[EU];
    if (first)
        all[count++] = first;
    if (second)
        all[count++] = second;
    driver->config.n_keys = count;
    driver_configure(driver);
}

/* Wish for the second key, and learn its public half as controld does. */
static void make_second(void)
{
    wish_for("us-east.2");
    ck_assert_ptr_nonnull(held("us-east.2"));
    token_key_public(held("us-east.2")->seed, halves[0]);
}

static Mec__Answer *ask_as(size_t node, Mec__Operation operation, const char *once)
{
    static char body[100];
    Mec__Call call = MEC__CALL__INIT;

    snprintf(body, sizeof body, "{\"name\": \"ada\", \"password\": \"correct horse\"}");
    call.operation = operation;
    call.body.data = (uint8_t *)body;
    call.body.len = strlen(body);
    call.content_type = "application/json";
    call.shard = "us-east";
    call.idempotency_key = (char *)once;
    return driver_ask(driver, node, &call);
}

static void sign_up(void)
{
    ck_assert_uint_eq(ask_as(US, MEC__OPERATION__USER_CREATE, "k1")->status, 201);
    driver_ship_all(driver);
}

static Mec__Answer *log_in(void)
{
    return ask_as(US, MEC__OPERATION__TOKEN_CREATE, "k2");
}

/* Log in and return the token, as a new text. */
static char *new_token(void)
{
    const Mec__Answer *answer = log_in();
    json_t *root;
    char *token;

    ck_assert_uint_eq(answer->status, 201);
    root = json_loads(driver_body(answer), 0, NULL);
    token = memory_text(json_string_value(json_object_get(root, "token")));
    json_decref(root);
    return token;
}

static uint32_t status_with(size_t node, const char *token)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__WHOAMI;
    call.token = (char *)token;
    call.shard = "us-east";
    return driver_ask(driver, node, &call)->status;
}

/* Which key has signed it: its header says so. */
static bool is_by(const char *token, const char *kid)
{
    uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE];
    struct token_key key;
    struct token_claims claims;

    token_key_public(held(kid)->seed, public_key);
    snprintf(key.kid, sizeof key.kid, "%s", kid);
    memcpy(key.public_key, public_key, sizeof public_key);
    return token_verify(slice_of(token), "test", &key, 1, driver->at.wall_us / SECOND_US,
                        &claims) == 0;
}

START_TEST(a_region_makes_what_is_wished_for_and_goes_on_with_the_old_one)
{
    char *token;

    sign_up();
    make_second();
    ck_assert_uint_eq(driver->nodes[US].keys_asked, 1);
    ck_assert_uint_eq(driver->nodes[EU].keys_asked, 0); /* it is none of its business */
    more[0].state = MEC__KEY_STATE__KEY_PUBLISHED;
    set_keys(of_driver[US], &more[0]);
    token = new_token();
    ck_assert(is_by(token, "us-east.1"));
    ck_assert_uint_eq(status_with(EU, token), 200);
    free(token);
}
END_TEST

START_TEST(tokens_of_both_keys_are_good_while_one_retires)
{
    char *old, *new;

    sign_up();
    old = new_token();
    make_second();
    of_driver[US]->state = MEC__KEY_STATE__KEY_RETIRING;
    more[0].state = MEC__KEY_STATE__KEY_SIGNING;
    set_keys(of_driver[US], &more[0]);
    new = new_token();
    ck_assert(is_by(new, "us-east.2"));
    for (size_t node = US; node <= EU; node++) {
        ck_assert_uint_eq(status_with(node, old), 200);
        ck_assert_uint_eq(status_with(node, new), 200);
    }
    ck_assert_ptr_nonnull(held("us-east.1")); /* known still: it is not thrown away */
    free(old);
    free(new);
}
END_TEST

START_TEST(a_retired_key_is_refused_everywhere_though_its_token_was_known)
{
    char *old, *new;

    sign_up();
    old = new_token();
    ck_assert_uint_eq(status_with(US, old), 200); /* remembered at both */
    ck_assert_uint_eq(status_with(EU, old), 200);
    make_second();
    driver_kill(driver, EU); /* and one is away when it retires */
    more[0].state = MEC__KEY_STATE__KEY_SIGNING;
    set_keys(&more[0], NULL);
    new = new_token();
    driver_start(driver, EU);
    driver_run(driver, SECOND_US);
    driver_ship_all(driver);
    for (size_t node = US; node <= EU; node++) {
        ck_assert_uint_eq(status_with(node, old), 401);
        ck_assert_uint_eq(status_with(node, new), 200);
    }
    ck_assert_ptr_null(held("us-east.1")); /* nobody will find it on that disk */
    free(old);
    free(new);
}
END_TEST

START_TEST(without_its_key_a_region_logs_nobody_in)
{
    const Mec__Answer *answer;

    sign_up();
    more[0].state = MEC__KEY_STATE__KEY_SIGNING;
    set_keys(&more[0], of_driver[US]); /* a key that it does not have */
    of_driver[US]->state = MEC__KEY_STATE__KEY_RETIRING;
    driver_configure(driver);
    ck_assert_ptr_nonnull(strstr(driver->nodes[US].log, "not here"));
    answer = log_in();
    ck_assert_uint_eq(answer->status, 503);
    ck_assert_str_eq(answer->problem, "home-unavailable");
    ck_assert_ptr_nonnull(held("us-east.1")); /* and nothing is thrown away on such a word */
}
END_TEST

/* What others would check with is not the other half of what is here: no token of it would pass. */
START_TEST(a_key_that_does_not_fit_signs_nothing)
{
    sign_up();
    make_second();
    halves[0][5] ^= 1;
    more[0].state = MEC__KEY_STATE__KEY_SIGNING;
    set_keys(&more[0], NULL);
    ck_assert_ptr_nonnull(strstr(driver->nodes[US].log, "another"));
    ck_assert_uint_eq(log_in()->status, 503);
    ck_assert_ptr_nonnull(held("us-east.1"));
    halves[0][5] ^= 1;
    driver_configure(driver);
    ck_assert_uint_eq(log_in()->status, 201);
}
END_TEST

/* A wrong password is told as before: who has none learns nothing of keys. */
START_TEST(without_a_key_too_a_wrong_password_is_wrong)
{
    static char body[] = "{\"name\": \"ada\", \"password\": \"wrong horse\"}";
    Mec__Call call = MEC__CALL__INIT;

    sign_up();
    set_keys(NULL, NULL);
    call.operation = MEC__OPERATION__TOKEN_CREATE;
    call.shard = "us-east";
    call.body.data = (uint8_t *)body;
    call.body.len = strlen(body);
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 401);
}
END_TEST

START_TEST(what_cannot_be_made_is_not_asked_for_in_a_loop)
{
    driver->nodes[US].hold_keys = true;
    wish_for("us-east.2");
    driver_run(driver, 5 * SECOND_US);
    ck_assert_uint_eq(driver->nodes[US].keys_asked, 1);
    driver_configure(driver); /* the next configuration is the next try */
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(driver->nodes[US].keys_asked, 2);
}
END_TEST

START_TEST(a_restart_asks_for_what_is_still_wished_for)
{
    driver->nodes[US].hold_keys = true;
    wish_for("us-east.2");
    driver_kill(driver, US);
    driver->nodes[US].hold_keys = false;
    driver_start(driver, US);
    driver_run(driver, SECOND_US);
    ck_assert_ptr_nonnull(held("us-east.2"));
    ck_assert_uint_eq(driver->nodes[US].keys_asked, 2);
    driver_kill(driver, US); /* and what is there is not made again */
    driver_start(driver, US);
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(driver->nodes[US].keys_asked, 2);
}
END_TEST

START_TEST(the_published_the_signing_and_the_retiring_are_listed)
{
    Mec__Call call = MEC__CALL__INIT;
    json_t *root;

    make_second();
    of_driver[US]->state = MEC__KEY_STATE__KEY_SIGNING;
    more[0].state = MEC__KEY_STATE__KEY_PUBLISHED;
    set_keys(of_driver[US], &more[0]);
    call.operation = MEC__OPERATION__JWKS_GET;
    root = json_loads(driver_body(driver_ask(driver, EU, &call)), 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "keys")), 3);
    json_decref(root);
    of_driver[US]->state = MEC__KEY_STATE__KEY_RETIRING;
    more[0].state = MEC__KEY_STATE__KEY_SIGNING;
    driver_configure(driver);
    root = json_loads(driver_body(driver_ask(driver, EU, &call)), 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "keys")), 3);
    json_decref(root);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_region_makes_what_is_wished_for_and_goes_on_with_the_old_one,
        tokens_of_both_keys_are_good_while_one_retires,
        a_retired_key_is_refused_everywhere_though_its_token_was_known,
        without_its_key_a_region_logs_nobody_in,
        a_key_that_does_not_fit_signs_nothing,
        without_a_key_too_a_wrong_password_is_wrong,
        what_cannot_be_made_is_not_asked_for_in_a_loop,
        a_restart_asks_for_what_is_still_wished_for,
        the_published_the_signing_and_the_retiring_are_listed,
    };
    const struct suite suite = {
        .name = "region_keys", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)};

    return suite_run(&suite);
}
