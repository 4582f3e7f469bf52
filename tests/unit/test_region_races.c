/* Interleavings that a region has to survive: late and doubled copies of one write, two queues,
 * retries at another home, clocks that disagree. */

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "common/memory.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU, AP };

#define LATENCY_US (40 * MILLISECOND_US)

static struct driver *driver;
static Mec__Claims claims; /* of ada, whose home is us-east */

static const char *member(const Mec__Answer *answer, const char *name)
{
    json_t *root = json_loads(driver_body(answer), 0, NULL);
    const char *value;

    ck_assert_ptr_nonnull(root);
    value = arena_text(driver->arena, json_string_value(json_object_get(root, name)));
    json_decref(root);
    return value;
}

static Mec__Call sign_up_call(const char *name, const char *shard, const char *once)
{
    char *body =
        arena_format(driver->arena, "{\"name\": \"%s\", \"password\": \"correct horse\"}", name);
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__USER_CREATE;
    call.shard = (char *)shard;
    call.idempotency_key = (char *)once;
    call.body.data = (uint8_t *)body;
    call.body.len = strlen(body);
    return call;
}

static void set_up(void)
{
    Mec__Call call;
    const Mec__Answer *answer;

    driver = driver_create(3, LATENCY_US);
    driver_ship_all(driver);
    call = sign_up_call("ada", "us-east", "sign-up");
    answer = driver_ask(driver, US, &call);
    ck_assert_uint_eq(answer->status, 201);
    claims = driver_claims(member(answer, "id"), "us-east");
    driver_ship_all(driver);
}

static void tear_down(void)
{
    driver_free(driver);
}

static Mec__Call create_only(const char *value, const char *once)
{
    Mec__Call call = driver_put(&claims, "k", value, once);

    call.if_none_match = "*";
    return call;
}

static Mec__Call delivered(Mec__Call call)
{
    call.mode = MEC__CALL_MODE__DELIVER;
    call.receipt = "eu-west.1";
    call.expires_wall_us = driver->at.wall_us + 3600 * SECOND_US;
    return call;
}

static Mec__Call delete_call(const char *once)
{
    Mec__Call call = driver_put(&claims, "k", "", once);

    call.operation = MEC__OPERATION__METADATA_DELETE;
    return call;
}

static uint32_t ask(size_t node, Mec__Call call)
{
    return driver_ask(driver, node, &call)->status;
}

static const char *value_at_home(void)
{
    Mec__Call call = driver_get(&claims, "k");
    const Mec__Answer *answer = driver_ask(driver, US, &call);

    return answer->status == 200 ? driver_body(answer) : NULL;
}

static const Mec__Answer *enqueue(Mec__Call call)
{
    call.mode = MEC__CALL_MODE__ENQUEUE;
    return driver_ask(driver, EU, &call);
}

static const Mec__Answer *receipt(const char *id)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__RECEIPT_GET;
    call.claims = &claims;
    call.key = (char *)id;
    return driver_ask(driver, EU, &call);
}

static void cut(const char *from, const char *to, Mec__CutKind kind)
{
    for (size_t i = 0; i < driver->config.n_links; i++)
        if (strcmp(driver->config.links[i]->from, from) == 0 &&
            strcmp(driver->config.links[i]->to, to) == 0)
            driver->config.links[i]->cut = kind;
    driver_configure(driver);
}

/* ---- copies of one write ---- */

START_TEST(once_its_receipt_says_rejected_a_late_copy_of_a_write_has_no_effect)
{
    /* ada's try at home hung in the socket of a paused process, and was queued meanwhile. */
    ck_assert_uint_eq(ask(US, driver_put(&claims, "k", "old", "w1")), 201);
    ck_assert_uint_eq(ask(US, delivered(create_only("new", "w2"))), 412);
    ck_assert_uint_eq(ask(US, delete_call("w3")), 204);
    ck_assert_uint_eq(ask(US, create_only("new", "w2")), 412);
    ck_assert_uint_eq(ask(US, delivered(create_only("new", "w2"))), 412);
    ck_assert_ptr_null(value_at_home());
    ck_assert_uint_eq(ask(US, create_only("new", "w4")), 201);
}
END_TEST

START_TEST(a_late_copy_has_no_effect_even_when_one_batch_holds_them_all)
{
    Mec__Call rejected = delivered(create_only("new", "w2"));
    Mec__Call gone = delete_call("w3");
    Mec__Call late = create_only("new", "w2");
    Mec__Call first = driver_put(&claims, "x", "1", "w0");
    uint64_t ids[3];

    ck_assert_uint_eq(ask(US, driver_put(&claims, "k", "old", "w1")), 201);
    driver->nodes[US].hold_commits = true;
    driver_call(driver, US, &first); /* goes alone; the others wait for it */
    ids[0] = driver_call(driver, US, &rejected);
    ids[1] = driver_call(driver, US, &gone);
    ids[2] = driver_call(driver, US, &late);
    driver->nodes[US].hold_commits = false;
    driver_store(driver, US);
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(driver_answer(driver, US, ids[0])->status, 412);
    ck_assert_uint_eq(driver_answer(driver, US, ids[1])->status, 204);
    ck_assert_uint_eq(driver_answer(driver, US, ids[2])->status, 412);
    ck_assert_ptr_null(value_at_home());
}
END_TEST

START_TEST(once_its_receipt_says_expired_a_late_copy_has_no_effect)
{
    Mec__Call call = delivered(driver_put(&claims, "k", "v", "w1"));

    call.expires_wall_us = driver->at.wall_us - 1;
    ck_assert_uint_eq(ask(US, call), 410);
    ck_assert_uint_eq(ask(US, driver_put(&claims, "k", "v", "w1")), 410);
    ck_assert_ptr_null(value_at_home());
}
END_TEST

START_TEST(what_a_client_itself_was_refused_it_may_try_again)
{
    ck_assert_uint_eq(ask(US, driver_put(&claims, "k", "old", "w1")), 201);
    ck_assert_uint_eq(ask(US, create_only("new", "w2")), 412);
    ck_assert_uint_eq(ask(US, delete_call("w3")), 204);
    ck_assert_uint_eq(ask(US, create_only("new", "w2")), 201);
}
END_TEST

START_TEST(what_was_applied_stays_applied_though_the_sessions_are_revoked_since)
{
    Mec__Call call = delivered(driver_put(&claims, "k", "v", "w1"));

    ck_assert_uint_eq(ask(US, call), 201);
    claims.generation = 7; /* not the account's */
    ck_assert_uint_eq(ask(US, call), 201);
    call.idempotency_key = "w2";
    ck_assert_uint_eq(ask(US, call), 403);
}
END_TEST

START_TEST(a_write_that_home_may_have_is_never_expired_by_the_queue)
{
    Mec__Settings *settings = driver->config.settings;
    Mec__Call call = driver_put(&claims, "k", "v", "w1");
    const char *id;

    settings->queue_expiry_us = 10 * SECOND_US;
    driver_configure(driver);
    ck_assert_uint_eq(ask(US, call), 201); /* the answer is lost: us-east is cut off */
    driver_connect(driver, US, EU, false);
    call.maybe_written = true;
    id = member(enqueue(call), "receipt");
    driver_run(driver, 60 * SECOND_US);
    ck_assert_str_eq(member(receipt(id), "state"), "queued");
    driver_connect(driver, US, EU, true);
    driver_run(driver, 5 * SECOND_US);
    ck_assert_str_eq(member(receipt(id), "state"), "applied");
}
END_TEST

START_TEST(a_delivery_given_up_while_a_cut_held_it_never_arrives)
{
    json_t *status;
    char *text;

    cut("eu-west", "us-east", MEC__CUT_KIND__CUT_HOLD);
    enqueue(driver_put(&claims, "k", "v", "w1"));
    driver_run(driver, 30 * SECOND_US); /* tried many times over */
    cut("eu-west", "us-east", MEC__CUT_KIND__CUT_NONE);
    driver_run(driver, 10 * SECOND_US);
    text = region_status(driver->nodes[US].region, driver->at);
    status = json_loads(text, 0, NULL);
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(status, "counters"), "writes")), 1);
    json_decref(status);
    free(text);
    ck_assert_str_eq(value_at_home(), "v");
}
END_TEST

START_TEST(a_delivery_under_way_when_its_link_is_reset_fails_at_once)
{
    const char *id;
    char *text;

    id = member(enqueue(driver_put(&claims, "k", "v", "w1")), "receipt");
    driver_run(driver, 1); /* marked, and on its way */
    cut("eu-west", "us-east", MEC__CUT_KIND__CUT_RESET);
    driver_run(driver, 0);
    text = region_status(driver->nodes[EU].region, driver->at);
    ck_assert_ptr_nonnull(strstr(text, "\"in_flight\":0"));
    free(text);
    cut("eu-west", "us-east", MEC__CUT_KIND__CUT_NONE);
    driver_run(driver, 5 * SECOND_US);
    ck_assert_str_eq(member(receipt(id), "state"), "applied");
}
END_TEST

/* ---- what a session has seen ---- */

START_TEST(who_is_told_that_a_queued_write_is_applied_has_seen_it)
{
    const Mec__Answer *answer;
    const char *id;
    uint64_t seq;

    driver_connect(driver, US, EU, false);
    id = member(enqueue(driver_put(&claims, "k", "v", "w1")), "receipt");
    ck_assert_ptr_null(receipt(id)->seen);
    driver_connect(driver, US, EU, true);
    driver_run(driver, 5 * SECOND_US);
    answer = receipt(id);
    ck_assert_str_eq(member(answer, "state"), "applied");
    ck_assert_ptr_nonnull(answer->seen);
    ck_assert_str_eq(answer->seen->shard, "us-east");
    ck_assert_str_eq(arena_format(driver->arena, "us-east:%u.%u", (unsigned)answer->seen->epoch,
                                  (unsigned)answer->seen->seq),
                     member(answer, "position"));
    seq = answer->seen->seq;
    answer = enqueue(driver_put(&claims, "k", "v", "w1"));
    ck_assert_str_eq(member(answer, "state"), "applied");
    ck_assert_uint_eq(answer->seen->seq, seq);
}
END_TEST

START_TEST(who_is_told_that_there_is_nothing_to_delete_has_seen_that)
{
    Mec__Call call = delete_call("w3");
    const Mec__Answer *answer;

    ck_assert_uint_eq(ask(US, driver_put(&claims, "k", "v", "w1")), 201);
    ck_assert_uint_eq(ask(US, delete_call("w2")), 204);
    answer = driver_ask(driver, US, &call);
    ck_assert_uint_eq(answer->status, 404);
    ck_assert_ptr_nonnull(answer->position);

    /* So eu-west, which still has the value, does not bring it back. */
    call = driver_get(&claims, "k");
    call.n_bookmark = 1;
    call.bookmark = (Mec__Position *[]){answer->position};
    ck_assert_int_eq(driver_ask(driver, EU, &call)->verdict, MEC__VERDICT__BEHIND);
}
END_TEST

/* ---- one sign-up at two homes ---- */

START_TEST(a_sign_up_retried_at_another_home_makes_no_second_account)
{
    Mec__Call call = sign_up_call("ada", "eu-west", "sign-up");
    const Mec__Answer *answer = driver_ask(driver, EU, &call);

    ck_assert_uint_eq(answer->status, 409);
    call.shard = "us-east";
    ck_assert_uint_eq(driver_ask(driver, US, &call)->status, 201);
}
END_TEST

START_TEST(of_a_sign_up_under_way_at_two_homes_one_makes_the_account)
{
    Mec__Call here = sign_up_call("bob", "us-east", "bob"), there = here;
    uint64_t id;

    /* us-east hashes bob's password when the client gives up and is sent to eu-west. */
    driver->nodes[US].hold_jobs = true;
    id = driver_call(driver, US, &here);
    driver_run(driver, SECOND_US);
    there.shard = "eu-west";
    ck_assert_uint_eq(driver_ask(driver, EU, &there)->status, 503);
    driver_run(driver, 61 * SECOND_US); /* the reservation is over */
    ck_assert_uint_eq(driver_ask(driver, EU, &there)->status, 201);
    driver->nodes[US].hold_jobs = false;
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(driver_answer(driver, US, id)->status, 409);
}
END_TEST

/* ---- clocks ---- */

static bool staleness_of_eu(uint64_t *ret_us)
{
    Mec__Call call = driver_get(&claims, "k");
    const Mec__Answer *answer = driver_ask(driver, EU, &call);

    *ret_us = answer->staleness_us;
    return answer->staleness_known;
}

static void beat(uint64_t wall_us)
{
    Mec__Apply apply = MEC__APPLY__INIT;

    apply.shard = "us-east";
    apply.epoch = 1;
    apply.home = "us-east";
    apply.home_wall_us = wall_us;
    driver_send(driver, EU, 9, FRAME_APPLY, &apply.base);
    driver_run(driver, 0);
}

START_TEST(a_home_whose_clock_is_ahead_does_not_make_its_followers_look_fresh)
{
    uint64_t staleness_us;

    beat(driver->at.wall_us + 60 * SECOND_US);
    driver_run(driver, 10 * SECOND_US);
    ck_assert(staleness_of_eu(&staleness_us));
    ck_assert_uint_ge(staleness_us, 10 * SECOND_US);

    /* Its clock is set right. */
    beat(driver->at.wall_us - SECOND_US);
    ck_assert(staleness_of_eu(&staleness_us));
    ck_assert_uint_ge(staleness_us, SECOND_US);
    ck_assert_uint_lt(staleness_us, 2 * SECOND_US);
}
END_TEST

/* ---- configuration ---- */

START_TEST(a_config_with_other_regions_is_left_aside)
{
    size_t count = driver->config.n_regions;

    driver->config.n_regions = 1;
    driver_configure(driver);
    driver->config.n_regions = count;
    ck_assert_uint_eq(ask(US, driver_put(&claims, "k", "v", "w1")), 201);
    ck_assert_ptr_nonnull(strstr(driver->nodes[US].log, "does not fit"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        once_its_receipt_says_rejected_a_late_copy_of_a_write_has_no_effect,
        a_late_copy_has_no_effect_even_when_one_batch_holds_them_all,
        once_its_receipt_says_expired_a_late_copy_has_no_effect,
        what_a_client_itself_was_refused_it_may_try_again,
        what_was_applied_stays_applied_though_the_sessions_are_revoked_since,
        a_write_that_home_may_have_is_never_expired_by_the_queue,
        a_delivery_given_up_while_a_cut_held_it_never_arrives,
        a_delivery_under_way_when_its_link_is_reset_fails_at_once,
        who_is_told_that_a_queued_write_is_applied_has_seen_it,
        who_is_told_that_there_is_nothing_to_delete_has_seen_that,
        a_sign_up_retried_at_another_home_makes_no_second_account,
        of_a_sign_up_under_way_at_two_homes_one_makes_the_account,
        a_home_whose_clock_is_ahead_does_not_make_its_followers_look_fresh,
        a_config_with_other_regions_is_left_aside,
    };
    return suite_run(&(struct suite){.name = "region_races",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 60,
                                     SUITE_TESTS(tests)});
}
