/* What is sensitive fails closed: every such call, whatever is broken. It is refused as it should
 * be, nothing is changed or queued, and once all is well it works. */

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

static struct driver *driver;
static const char *token; /* ada's, at home in us-east; bob is at home in eu-west */

/* Every call that only the home may do, with what it is answered when all is well. */
static const struct {
    Mec__Operation operation;
    const char *key, *grantee, *body;
    bool has_token;
    uint32_t status;
} calls[] = {
    {MEC__OPERATION__USER_CREATE, "", "", "{\"name\": \"carl\", \"password\": \"correct horse\"}",
     false, 201},
    {MEC__OPERATION__TOKEN_CREATE, "", "", "{\"name\": \"ada\", \"password\": \"correct horse\"}",
     false, 201},
    {MEC__OPERATION__TOKEN_REFRESH, "", "", "", true, 201},
    {MEC__OPERATION__VAULT_PUT, "note", "", "other", true, 204},
    {MEC__OPERATION__GRANT_PUT, "note", "bob", "", true, 201},
    {MEC__OPERATION__GRANT_DELETE, "shared", "bob", "", true, 204},
    {MEC__OPERATION__VAULT_DELETE, "note", "", "", true, 204},
    {MEC__OPERATION__TOKEN_REVOKE_CURRENT, "", "", "", true, 204},
    {MEC__OPERATION__TOKEN_REVOKE_ALL, "", "", "", true, 204},
    {MEC__OPERATION__USER_DELETE, "", "", "", true, 204},
};

#define CALLS ((int)(sizeof calls / sizeof calls[0]))

static Mec__Call call_of(int which, const char *with)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = calls[which].operation;
    call.shard = "us-east";
    call.key = (char *)(uintptr_t)calls[which].key;
    call.grantee = (char *)(uintptr_t)calls[which].grantee;
    call.body.data = (uint8_t *)(uintptr_t)calls[which].body;
    call.body.len = strlen(calls[which].body);
    call.idempotency_key = "once";
    if (calls[which].has_token)
        call.token = (char *)(uintptr_t)with;
    return call;
}

static Mec__Answer *ask(size_t node, int which, const char *with)
{
    Mec__Call call = call_of(which, with);

    return driver_ask(driver, node, &call);
}

static const char *member(const Mec__Answer *answer, const char *name)
{
    json_t *root = json_loads(driver_body(answer), 0, NULL);
    const char *value = arena_text(driver->arena, json_string_value(json_object_get(root, name)));

    json_decref(root);
    return value;
}

static void sign_up(size_t node, const char *name)
{
    static const char *const shards[] = {"us-east", "eu-west"};
    Mec__Call call = call_of(0, NULL);
    const char *body =
        arena_format(driver->arena, "{\"name\": \"%s\", \"password\": \"correct horse\"}", name);

    call.shard = (char *)(uintptr_t)shards[node];
    call.body.data = (uint8_t *)(uintptr_t)body;
    call.body.len = strlen(body);
    call.idempotency_key = (char *)(uintptr_t)name;
    ck_assert_uint_eq(driver_ask(driver, node, &call)->status, 201);
}

static void put(const char *name, Mec__Operation operation, const char *grantee)
{
    Mec__Call call = call_of(3, token);

    call.operation = operation;
    call.key = (char *)(uintptr_t)name;
    call.grantee = (char *)(uintptr_t)grantee;
    call.idempotency_key = arena_format(driver->arena, "set-up %s %s", name, grantee);
    if (operation == MEC__OPERATION__GRANT_PUT)
        call.body.len = 0;
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 201);
}

static void set_up(void)
{
    driver = driver_create(3, 5 * MILLISECOND_US);
    driver_ship_all(driver);
    sign_up(US, "ada");
    sign_up(EU, "bob");
    driver_ship_all(driver);
    token = member(ask(US, 1, NULL), "token");
    put("note", MEC__OPERATION__VAULT_PUT, "");
    put("shared", MEC__OPERATION__VAULT_PUT, "");
    put("shared", MEC__OPERATION__GRANT_PUT, "bob");
    driver_ship_all(driver);
}

static void tear_down(void)
{
    driver_free(driver);
}

/* ---- nothing has changed ---- */

struct ends {
    uint64_t seq[3][3]; /* of each region's copy of each shard */
};

static struct ends ends_now(void)
{
    struct ends ends;

    for (uint32_t node = 0; node < 3; node++)
        for (uint32_t shard = 0; shard < 3; shard++)
            ends.seq[node][shard] = storage_end(driver->nodes[node].storage, shard).seq;
    return ends;
}

static void ck_unchanged_at(const struct ends *before, uint32_t first, uint32_t last,
                            const char *what)
{
    struct ends now = ends_now();

    for (uint32_t node = first; node <= last; node++)
        for (uint32_t shard = 0; shard < 3; shard++)
            ck_assert_msg(now.seq[node][shard] == before->seq[node][shard],
                          "%s: region %u has written to shard %u", what, node, shard);
}

static void ck_unchanged(const struct ends *before, const char *what)
{
    ck_unchanged_at(before, US, AP, what);
}

static void ck_works(int which)
{
    const Mec__Answer *answer = ask(US, which, token);

    ck_assert_msg(answer->status == calls[which].status, "operation %d: %u %s, %s",
                  calls[which].operation, answer->status, answer->problem, answer->detail);
}

static void ck_problem(const Mec__Answer *answer, uint32_t status, const char *problem)
{
    ck_assert_msg(answer->status == status && strcmp(answer->problem, problem) == 0,
                  "%u %s instead of %u %s: %s", answer->status, answer->problem, status, problem,
                  answer->detail);
    ck_assert_uint_eq(answer->queue_seq, 0);
}

/* ---- the table: a test for each call ---- */

START_TEST(when_all_is_well_it_works)
{
    ck_works(_i);
}
END_TEST

START_TEST(a_region_that_is_not_the_home_refuses)
{
    struct ends before;

    driver_connect(driver, US, EU, false); /* so that it cannot pass it on, either */
    before = ends_now();
    ck_problem(ask(EU, _i, token), 503, "home-unavailable");
    ck_unchanged(&before, "away");
    driver_connect(driver, US, EU, true);
    ck_works(_i);
}
END_TEST

START_TEST(a_home_that_moved_away_refuses)
{
    struct ends before;

    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch++;
    driver_configure(driver);
    driver_connect(driver, US, EU, false);
    before = ends_now();
    ck_problem(ask(US, _i, token), 503, "home-unavailable");
    ck_unchanged(&before, "moved");
}
END_TEST

START_TEST(it_is_never_queued)
{
    struct ends before = ends_now();
    Mec__Call call = call_of(_i, token);

    for (int mode = MEC__CALL_MODE__ENQUEUE; mode <= MEC__CALL_MODE__DELIVER; mode++) {
        call.mode = (Mec__CallMode)mode;
        call.receipt = "eu-west.1";
        ck_problem(driver_ask(driver, EU, &call), 400, "bad-request");
        ck_problem(driver_ask(driver, US, &call), 400, "bad-request");
    }
    ck_unchanged(&before, "queue");
    ck_works(_i);
}
END_TEST

/* The audit entry stands in the transaction of what it tells of, so that a disk which takes no
 * entry takes nothing. */
START_TEST(a_disk_that_takes_nothing_refuses)
{
    struct ends before = ends_now();

    driver->nodes[US].fail_commits = -ENOSPC;
    ck_problem(ask(US, _i, token), 507, "disk-full");
    /* A sign-up has reserved its name elsewhere, for a minute. */
    ck_unchanged_at(&before, US, calls[_i].has_token ? AP : US, "disk");
    driver->nodes[US].fail_commits = 0;
    driver_run(driver, 2 * SECOND_US);
    /* A name that was reserved for the try stays so for this one. */
    ck_works(_i);
}
END_TEST

START_TEST(a_service_that_is_down_refuses)
{
    Mec__ServiceFault fault = MEC__SERVICE_FAULT__INIT, *faults[] = {&fault};
    struct ends before;

    fault.region = "us-east";
    fault.service = "auth";
    fault.down = true;
    driver->config.services = faults;
    driver->config.n_services = 1;
    driver_configure(driver);
    before = ends_now();
    ck_problem(ask(US, _i, token), 503, "service-unavailable");
    ck_unchanged(&before, "service");
    driver->config.n_services = 0;
    driver_configure(driver);
    ck_works(_i);
}
END_TEST

static char *forged(const char *kid, uint8_t key)
{
    struct token_claims claims;
    uint8_t seed[TOKEN_KEY_SEED_SIZE];

    ck_assert_int_eq(token_peek(slice_of(token), &claims), 0);
    snprintf(claims.session, sizeof claims.session, "s");
    snprintf(claims.scope, sizeof claims.scope, TOKEN_SCOPE_ALL);
    claims.generation = 1;
    claims.auth_time_s = claims.issued_s = claims.expires_s - 600;
    memset(seed, key, sizeof seed);
    return token_sign("test", kid, seed, &claims);
}

START_TEST(a_key_that_nobody_knows_opens_nothing)
{
    char *unknown = forged("us-east.9", US + 1), *wrong = forged("us-east", 99);
    struct ends before = ends_now();

    if (calls[_i].has_token) {
        ck_problem(ask(US, _i, unknown), 401, "unauthenticated");
        ck_problem(ask(US, _i, wrong), 401, "unauthenticated");
        ck_problem(ask(US, _i, ""), 401, "unauthenticated");
        ck_unchanged(&before, "forged");
    }
    ck_works(_i);
    free(unknown);
    free(wrong);
}
END_TEST

/* What is read of a vault away from home is as sensitive as what is known of revocations is old. */
START_TEST(a_region_that_has_not_heard_for_long_opens_no_vault)
{
    static const Mec__Operation reads[] = {MEC__OPERATION__VAULT_GET, MEC__OPERATION__VAULT_LIST,
                                           MEC__OPERATION__GRANT_LIST};
    Mec__Call call = call_of(3, token);

    call.operation = reads[_i];
    call.body.len = 0;
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 200);
    driver_run(driver, 60 * SECOND_US);
    ck_problem(driver_ask(driver, EU, &call), 503, "revocations-stale");
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 200);
}
END_TEST

int main(void)
{
    const struct suite_loop loops[] = {
        {when_all_is_well_it_works, CALLS},
        {a_region_that_is_not_the_home_refuses, CALLS},
        {a_home_that_moved_away_refuses, CALLS},
        {it_is_never_queued, CALLS},
        {a_disk_that_takes_nothing_refuses, CALLS},
        {a_service_that_is_down_refuses, CALLS},
        {a_key_that_nobody_knows_opens_nothing, CALLS},
        {a_region_that_has_not_heard_for_long_opens_no_vault, 3},
    };
    return suite_run(&(struct suite){
        .name = "region_closed", .set_up = set_up, .tear_down = tear_down, SUITE_LOOPS(loops)});
}
