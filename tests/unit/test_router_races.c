/* Interleavings in which the order of a user's queued writes could be lost. alice's and bob's home
 * is us-east. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

/* Send a PUT; @once is the client's own Idempotency-Key, or NULL. */
static uint64_t put(const char *geo, const char *user, const char *once)
{
    char token[1200];
    struct http_request http = {.method = HTTP_PUT, .path = slice_of(KEY), .geo = slice_of(geo)};

    snprintf(token, sizeof(token), "%s", world_token(user, "us-east"));
    http.authorization = slice_of(token);
    if (once != NULL)
        http.idempotency_key = slice_of(once);
    return world_send(world, &http);
}

static const struct seen_answer *put_and_wait(const char *geo, const char *user)
{
    uint64_t id = put(geo, user, NULL);

    world_run(world, 3 * SECOND_US);
    return world_answer(world, id);
}

START_TEST(two_writes_at_once_from_two_places_are_queued_in_one_place)
{
    uint64_t first, second;

    world_kill(world, US_EAST);
    first = put("us-west", "u-alice", NULL);
    second = put("eu-west", "u-alice", NULL);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, first)->region, "us-west");
    ck_assert_str_eq(world_answer(world, second)->region, "us-west");
}
END_TEST

START_TEST(another_user_is_queued_where_they_are)
{
    uint64_t second;

    world_kill(world, US_EAST);
    (void)put("us-west", "u-alice", NULL);
    second = put("eu-west", "u-bob", NULL);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, second)->region, "eu-west");
}
END_TEST

START_TEST(when_that_queue_is_lost_both_go_to_the_next)
{
    uint64_t first, second;

    world_kill(world, US_EAST);
    world->regions[US_WEST].mute = true;
    first = put("us-west", "u-alice", NULL);
    world_kill(world, US_WEST);
    second = put("eu-west", "u-alice", NULL);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, first)->status, 202);
    ck_assert_str_eq(world_answer(world, first)->region, world_answer(world, second)->region);
}
END_TEST

START_TEST(while_writes_wait_in_two_queues_no_newer_one_is_taken)
{
    entry_waits(EU_WEST, 1, "u-alice");
    entry_waits(US_WEST, 1, "u-alice");
    world_run(world, SECOND_US);
    ck_assert_int_eq(put_and_wait("us-west", "u-alice")->problem, PROBLEM_QUEUE_UNREACHABLE);
    ck_assert_int_eq(put_and_wait("us-west", "u-bob")->status, 200);
    world->regions[US_WEST].settled_seq = 1;
    world_run(world, SECOND_US);
    ck_assert_str_eq(put_and_wait("us-west", "u-alice")->region, "eu-west");
    world->regions[EU_WEST].settled_seq = 2;
    world_run(world, SECOND_US);
    ck_assert_str_eq(put_and_wait("us-west", "u-alice")->region, "us-east");
}
END_TEST

START_TEST(a_router_that_does_not_know_yet_who_waits_takes_no_queueable_write)
{
    uint64_t write, read;

    world_free(world);
    world = world_prepare();
    world->regions[EU_WEST].silent = true;
    entry_waits(EU_WEST, 1, "u-alice");
    world_start(world);
    for (uint32_t region = 0; region < REGIONS; region++)
        world_up(world, region);
    write = put("us-west", "u-alice", NULL);
    ck_assert_int_eq(world_answer(world, write)->problem, PROBLEM_QUEUE_UNREACHABLE);
    read = world_get(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, read)->status, 200);
    world_run(world, 3 * SECOND_US);
    ck_assert_int_eq(put_and_wait("us-west", "u-bob")->status, 200);
}
END_TEST

START_TEST(a_queue_is_told_whether_the_home_may_have_the_write_already)
{
    /* The first try, under the router's own key: nobody else can have it. */
    world_kill(world, US_EAST);
    (void)put_and_wait("us-west", "u-alice");
    ck_assert_int_eq(world_last_call(world)->mode, MEC__CALL_MODE__ENQUEUE);
    ck_assert(!world_last_call(world)->maybe_written);

    /* The client's key: it may be a retry of what was answered as unknown. */
    (void)put("us-west", "u-alice", "mine");
    world_run(world, SECOND_US);
    ck_assert(world_last_call(world)->maybe_written);
}
END_TEST

START_TEST(a_queue_is_told_of_a_try_at_home_that_hangs)
{
    world->regions[US_EAST].mute = true;
    (void)put("us-west", "u-bob", NULL);
    world_run(world, 4 * SECOND_US);
    ck_assert_int_eq(world_last_call(world)->mode, MEC__CALL_MODE__ENQUEUE);
    ck_assert(world_last_call(world)->maybe_written);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        two_writes_at_once_from_two_places_are_queued_in_one_place,
        another_user_is_queued_where_they_are,
        when_that_queue_is_lost_both_go_to_the_next,
        while_writes_wait_in_two_queues_no_newer_one_is_taken,
        a_router_that_does_not_know_yet_who_waits_takes_no_queueable_write,
        a_queue_is_told_whether_the_home_may_have_the_write_already,
        a_queue_is_told_of_a_try_at_home_that_hangs,
    };
    return suite_run(&(struct suite){.name = "router_races",
                                     .set_up = fresh,
                                     .tear_down = gone,
                                     .timeout_s = 60,
                                     SUITE_TESTS(tests)});
}
