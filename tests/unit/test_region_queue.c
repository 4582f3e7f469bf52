/* The write queue: accepting for a home that is away, bringing it home in order, how receipts
 * end. */

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU };

static struct driver *driver;
static char *user; /* of an account at us-east */
static Mec__Claims claims;

/* A user of us-east, whose copy eu-west has. */
static void set_up(void)
{
    static char body[] = "{\"name\": \"ada\", \"password\": \"correct horse\"}";
    Mec__Call call = MEC__CALL__INIT;
    const Mec__Answer *answer;
    json_t *root;

    driver = driver_create(2, 40 * MILLISECOND_US);
    driver_ship_all(driver);
    call.operation = MEC__OPERATION__USER_CREATE;
    call.shard = "us-east";
    call.idempotency_key = "sign-up";
    call.body.data = (uint8_t *)body;
    call.body.len = strlen(body);
    answer = driver_ask(driver, US, &call);
    ck_assert_uint_eq(answer->status, 201);
    root = json_loads(driver_body(answer), 0, NULL);
    user = arena_text(driver->arena, json_string_value(json_object_get(root, "id")));
    json_decref(root);
    claims = driver_claims(user, "us-east");
    driver_ship_all(driver);
}

static void tear_down(void)
{
    driver_free(driver);
}

static Mec__Call enqueue_call(const char *key, const char *value, const char *once)
{
    Mec__Call call = driver_put(&claims, key, value, once);

    call.mode = MEC__CALL_MODE__ENQUEUE;
    return call;
}

static Mec__Answer *enqueue(const char *key, const char *value, const char *once)
{
    Mec__Call call = enqueue_call(key, value, once);

    return driver_ask(driver, EU, &call);
}

static char *receipt_of(const Mec__Answer *answer)
{
    json_t *root;
    char *receipt;

    ck_assert_uint_eq(answer->status, 202);
    root = json_loads(driver_body(answer), 0, NULL);
    receipt = arena_text(driver->arena, json_string_value(json_object_get(root, "receipt")));
    json_decref(root);
    return receipt;
}

static Mec__Answer *ask_receipt(const char *receipt)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__RECEIPT_GET;
    call.claims = &claims;
    call.key = (char *)receipt;
    return driver_ask(driver, EU, &call);
}

/* A member of a receipt as text; NULL for null. */
static const char *receipt_says(const char *receipt, const char *member)
{
    const Mec__Answer *answer = ask_receipt(receipt);
    json_t *root, *value;
    const char *text = NULL;

    ck_assert_uint_eq(answer->status, 200);
    root = json_loads(driver_body(answer), 0, NULL);
    value = json_object_get(root, member);
    ck_assert_ptr_nonnull(value);
    if (json_is_string(value))
        text = arena_text(driver->arena, json_string_value(value));
    else if (json_is_object(value))
        text = arena_text(driver->arena, json_string_value(json_object_get(value, "type")));
    json_decref(root);
    return text;
}

static const char *home_has(const char *key)
{
    Mec__Call call = driver_get(&claims, key);
    const Mec__Answer *answer = driver_ask(driver, US, &call);

    return answer->status == 200 ? driver_body(answer) : NULL;
}

static json_int_t queue_says(const char *member)
{
    char *text = region_status(driver->nodes[EU].region, driver->at);
    json_t *root = json_loads(text, 0, NULL);
    json_int_t value = json_integer_value(json_object_get(json_object_get(root, "queue"), member));

    json_decref(root);
    free(text);
    return value;
}

static Mec__QueueMark *mark(void)
{
    Mec__Ping ask = MEC__PING__INIT;
    const struct driver_frame *frame;
    Mec__Pong *pong;

    driver_send(driver, EU, DRIVER_CLIENT, FRAME_PING, &ask.base);
    frame = driver_newest(driver, EU, DRIVER_CLIENT, FRAME_PONG, NULL);
    pong = mec__pong__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    return pong->n_queues > 0 ? pong->queues[0] : NULL;
}

START_TEST(a_write_for_a_home_that_is_away_is_applied_when_it_is_back)
{
    const Mec__Answer *answer;
    char *receipt;

    driver_connect(driver, US, EU, false);
    answer = enqueue("colour", "green", "k1");
    receipt = receipt_of(answer);
    ck_assert_int_eq(answer->served, MEC__SERVED__SERVED_QUEUE);
    ck_assert_uint_eq(answer->queue_seq, 1);
    ck_assert_str_eq(answer->location, arena_format(driver->arena, "/v1/receipts/%s", receipt));
    ck_assert_int_eq(strncmp(receipt, "eu-west.", 8), 0);
    ck_assert_uint_eq(strlen(receipt), 8 + 32);

    driver_run(driver, 5 * SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "queued");
    ck_assert_ptr_null(receipt_says(receipt, "position"));
    ck_assert_ptr_null(receipt_says(receipt, "problem"));
    ck_assert_ptr_null(home_has("colour"));

    driver_connect(driver, US, EU, true);
    driver_run(driver, 200 * MILLISECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "applied");
    ck_assert_str_eq(receipt_says(receipt, "accepted_by"), "eu-west");
    ck_assert_int_eq(strncmp(receipt_says(receipt, "position"), "us-east:1.", 10), 0);
    ck_assert_str_eq(home_has("colour"), "green");
}
END_TEST

START_TEST(a_retry_into_the_queue_gets_the_first_receipt)
{
    char *receipt;
    const Mec__Answer *again;

    driver_connect(driver, US, EU, false);
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    again = enqueue("colour", "green", "k1");
    ck_assert_str_eq(receipt_of(again), receipt);
    ck_assert_uint_eq(again->queue_seq, 1);
    ck_assert_uint_eq(enqueue("colour", "red", "k1")->status, 422);
    driver_connect(driver, US, EU, true);
    driver_run(driver, SECOND_US);
    again = enqueue("colour", "green", "k1");
    ck_assert_str_eq(receipt_of(again), receipt);
    ck_assert_str_eq(
        driver_body(again),
        arena_format(driver->arena, "{\"receipt\":\"%s\",\"state\":\"applied\"}", receipt));
}
END_TEST

START_TEST(one_key_has_one_effect_at_the_home_and_in_the_queue)
{
    Mec__Call call = driver_put(&claims, "colour", "green", "k1");
    char *receipt;

    ck_assert_uint_eq(driver_ask(driver, US, &call)->version, 1);
    receipt = receipt_of(enqueue("colour", "green", "k1")); /* the client saw no answer */
    driver_run(driver, SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "applied");
    call = driver_get(&claims, "colour");
    ck_assert_uint_eq(driver_ask(driver, US, &call)->version, 1);
}
END_TEST

START_TEST(writes_of_a_user_take_effect_in_the_order_accepted)
{
    char once[16], value[16];
    Mec__Call call;

    driver_connect(driver, US, EU, false);
    for (int i = 0; i < 100; i++) {
        snprintf(once, sizeof once, "k%d", i);
        snprintf(value, sizeof value, "v%d", i);
        ck_assert_uint_eq(enqueue("colour", value, once)->queue_seq, (uint64_t)i + 1);
    }
    driver_connect(driver, US, EU, true);
    /* The link fails again and again on the way. */
    for (int i = 0; i < 20; i++) {
        driver_run(driver, 170 * MILLISECOND_US);
        driver_connect(driver, US, EU, false);
        driver_run(driver, 30 * MILLISECOND_US);
        driver_connect(driver, US, EU, true);
    }
    driver_run(driver, 60 * SECOND_US);
    ck_assert_int_eq(queue_says("waiting"), 0);
    ck_assert_int_eq(queue_says("applied"), 100);
    ck_assert_str_eq(home_has("colour"), "v99");
    call = driver_get(&claims, "colour");
    ck_assert_uint_eq(driver_ask(driver, US, &call)->version, 100);
}
END_TEST

START_TEST(a_condition_that_does_not_hold_at_home_rejects_the_write)
{
    Mec__Call call = driver_put(&claims, "colour", "green", "k1");
    char *receipt;

    driver_ask(driver, US, &call);
    call = enqueue_call("colour", "red", "k2");
    call.if_none_match = "*";
    receipt = receipt_of(driver_ask(driver, EU, &call));
    driver_run(driver, SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "rejected");
    ck_assert_str_eq(receipt_says(receipt, "problem"), "urn:mecentral:problem:precondition-failed");
    ck_assert_ptr_null(receipt_says(receipt, "position"));
    ck_assert_int_eq(queue_says("rejected"), 1);
}
END_TEST

START_TEST(a_write_of_somebody_without_an_account_is_rejected_at_home)
{
    char *receipt;

    claims.generation = 2; /* the token was of sessions that are over */
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    driver_run(driver, SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "rejected");
    ck_assert_str_eq(receipt_says(receipt, "problem"), "urn:mecentral:problem:forbidden");
    ck_assert_ptr_null(home_has("colour"));
}
END_TEST

START_TEST(what_was_never_sent_expires_here)
{
    char *receipt;

    driver_connect(driver, US, EU, false);
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    driver_run(driver, 62 * SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "expired");
    driver_connect(driver, US, EU, true);
    driver_run(driver, 5 * SECOND_US);
    ck_assert_ptr_null(home_has("colour"));
    ck_assert_str_eq(receipt_says(receipt, "state"), "expired");
    ck_assert_int_eq(queue_says("expired"), 1);
}
END_TEST

/* It may have arrived: to call it expired could be a lie. */
START_TEST(what_was_sent_only_its_home_can_end)
{
    char *receipt;

    driver->nodes[US].hold_commits = true;
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    driver_run(driver, 100 * MILLISECOND_US); /* at home, on its way to the disk */
    ck_assert_ptr_nonnull(driver->nodes[US].batch);
    driver_connect(driver, US, EU, false);
    driver_run(driver, 70 * SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "queued");
    driver->nodes[US].hold_commits = false;
    driver_run(driver, 0);
    driver_connect(driver, US, EU, true);
    driver_run(driver, SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "applied");
    ck_assert_str_eq(home_has("colour"), "green");
}
END_TEST

START_TEST(a_sent_write_that_the_home_gets_too_late_is_expired_by_it)
{
    char *receipt;

    for (size_t i = 0; i < driver->config.n_links; i++)
        if (strcmp(driver->config.links[i]->to, "us-east") == 0)
            driver->config.links[i]->cut = MEC__CUT_KIND__CUT_HOLD;
    driver_configure(driver);
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    driver_run(driver, 2 * SECOND_US); /* sent, and held on the link */
    driver_connect(driver, US, EU, false);
    for (size_t i = 0; i < driver->config.n_links; i++)
        driver->config.links[i]->cut = MEC__CUT_KIND__CUT_NONE;
    driver_configure(driver);
    driver_run(driver, 70 * SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "queued");
    driver_connect(driver, US, EU, true);
    driver_run(driver, SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "expired");
    ck_assert_ptr_null(home_has("colour"));
}
END_TEST

START_TEST(a_home_with_a_full_disk_is_tried_again)
{
    char *receipt;

    driver->nodes[US].fail_commits = -ENOSPC;
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    driver_run(driver, 10 * SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "queued");
    driver->nodes[US].fail_commits = 0;
    driver_run(driver, 3 * SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "applied");
}
END_TEST

START_TEST(the_queue_survives_the_end_of_the_process)
{
    char once[16];
    char *receipt = NULL;

    driver_connect(driver, US, EU, false);
    for (int i = 0; i < 70; i++) {
        snprintf(once, sizeof once, "k%d", i);
        receipt = receipt_of(enqueue("colour", once, once));
    }
    driver_kill(driver, US);
    driver_kill(driver, EU);
    driver_start(driver, EU);
    ck_assert_int_eq(queue_says("waiting"), 70);
    ck_assert_uint_eq(mark()->accepted_seq, 70);
    ck_assert_uint_eq(mark()->settled_seq, 0);
    driver_start(driver, US);
    driver_run(driver, 30 * SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "applied");
    ck_assert_str_eq(home_has("colour"), "k69");
    ck_assert_uint_eq(mark()->settled_seq, 70);
}
END_TEST

START_TEST(a_full_queue_and_a_full_disk_accept_nothing)
{
    const Mec__Answer *answer;

    driver->config.settings->queue_max_entries = 2;
    driver_configure(driver);
    driver_connect(driver, US, EU, false);
    receipt_of(enqueue("a", "1", "k1"));
    receipt_of(enqueue("b", "2", "k2"));
    answer = enqueue("c", "3", "k3");
    ck_assert_uint_eq(answer->status, 503);
    ck_assert_str_eq(answer->problem, "queue-full");
    driver->nodes[EU].fail_commits = -ENOSPC;
    answer = enqueue("d", "4", "k4");
    ck_assert_uint_eq(answer->status, 507);
    /* And the full queue does not keep the region from seeing that there is room again. */
    driver->nodes[EU].fail_commits = 0;
    driver_run(driver, 3 * SECOND_US);
    ck_assert_ptr_nonnull(strstr(driver->nodes[EU].log, "takes writes again"));
}
END_TEST

START_TEST(a_world_that_does_not_queue_says_so)
{
    const Mec__Answer *answer;

    driver->config.settings->queue_writes = false;
    driver_configure(driver);
    answer = enqueue("colour", "green", "k1");
    ck_assert_uint_eq(answer->status, 503);
    ck_assert_str_eq(answer->problem, "read-only");
}
END_TEST

START_TEST(only_writes_that_may_wait_are_queued)
{
    Mec__Call call = enqueue_call("colour", "green", "k1");

    call.operation = MEC__OPERATION__USER_CREATE;
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 400);
    call.operation = MEC__OPERATION__TOKEN_CREATE;
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 400);
    call.operation = MEC__OPERATION__METADATA_PUT;
    call.if_match = "nonsense";
    ck_assert_uint_eq(driver_ask(driver, EU, &call)->status, 400);
}
END_TEST

START_TEST(a_receipt_is_its_users_alone)
{
    char *receipt;

    driver_connect(driver, US, EU, false);
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    claims.user = "umallory";
    ck_assert_uint_eq(ask_receipt(receipt)->status, 404);
    ck_assert_uint_eq(ask_receipt("eu-west.00000000000000000000000000000000")->status, 404);
}
END_TEST

START_TEST(marks_and_list_say_whose_writes_wait)
{
    Mec__QueueListAsk ask = MEC__QUEUE_LIST_ASK__INIT;
    const struct driver_frame *frame;
    Mec__QueueList *list;

    ck_assert_ptr_null(mark());
    driver_connect(driver, US, EU, false);
    enqueue("a", "1", "k1");
    enqueue("b", "2", "k2");
    enqueue("c", "3", "k3");
    ck_assert_str_eq(mark()->shard, "us-east");
    ck_assert_uint_eq(mark()->accepted_seq, 3);
    ck_assert_uint_eq(mark()->settled_seq, 0);
    ask.after_seq = 1;
    driver_send(driver, EU, DRIVER_CLIENT, FRAME_QUEUE_LIST_ASK, &ask.base);
    frame = driver_newest(driver, EU, DRIVER_CLIENT, FRAME_QUEUE_LIST, NULL);
    list = mec__queue_list__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    ck_assert_uint_eq(list->n_entries, 2);
    ck_assert_uint_eq(list->entries[0]->seq, 2);
    ck_assert_str_eq(list->entries[0]->user, user);
    ck_assert_str_eq(list->entries[1]->service, "metadata");
    ck_assert_uint_eq(list->through_seq, 3);
    driver_connect(driver, US, EU, true);
    driver_run(driver, 2 * SECOND_US);
    ck_assert_uint_eq(mark()->settled_seq, 3);
}
END_TEST

START_TEST(a_region_that_becomes_the_home_drains_into_itself)
{
    char *receipt;

    driver_connect(driver, US, EU, false);
    receipt = receipt_of(enqueue("colour", "green", "k1"));
    driver->config.shards[0]->home = "eu-west";
    driver->config.shards[0]->epoch = 2;
    driver_configure(driver);
    driver_run(driver, SECOND_US);
    ck_assert_str_eq(receipt_says(receipt, "state"), "applied");
    ck_assert_int_eq(strncmp(receipt_says(receipt, "position"), "us-east:2.", 10), 0);
}
END_TEST

START_TEST(many_users_drain_side_by_side_and_no_faster_than_allowed)
{
    char names[40][24];

    driver->config.settings->queue_drain_per_s = 20;
    driver_configure(driver);
    driver_connect(driver, US, EU, false);
    for (int i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "unobody%d", i);
        claims.user = names[i];
        receipt_of(enqueue("colour", "green", "k1"));
    }
    driver_connect(driver, US, EU, true);
    driver_run(driver, SECOND_US);
    ck_assert_int_ge(queue_says("rejected"), 10);
    ck_assert_int_le(queue_says("rejected"), 21);
    driver_run(driver, 2 * SECOND_US);
    ck_assert_int_eq(queue_says("rejected"), 40);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_write_for_a_home_that_is_away_is_applied_when_it_is_back,
        a_retry_into_the_queue_gets_the_first_receipt,
        one_key_has_one_effect_at_the_home_and_in_the_queue,
        writes_of_a_user_take_effect_in_the_order_accepted,
        a_condition_that_does_not_hold_at_home_rejects_the_write,
        a_write_of_somebody_without_an_account_is_rejected_at_home,
        what_was_never_sent_expires_here,
        what_was_sent_only_its_home_can_end,
        a_sent_write_that_the_home_gets_too_late_is_expired_by_it,
        a_home_with_a_full_disk_is_tried_again,
        the_queue_survives_the_end_of_the_process,
        a_full_queue_and_a_full_disk_accept_nothing,
        a_world_that_does_not_queue_says_so,
        only_writes_that_may_wait_are_queued,
        a_receipt_is_its_users_alone,
        marks_and_list_say_whose_writes_wait,
        a_region_that_becomes_the_home_drains_into_itself,
        many_users_drain_side_by_side_and_no_faster_than_allowed,
    };
    return suite_run(&(struct suite){.name = "region_queue",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 20,
                                     SUITE_TESTS(tests)});
}
