/* Writes while the home is away: who queues them, in which order, and what is said of their fate.
 * alice's home is us-east. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

static uint64_t put_and_wait(const char *geo)
{
    uint64_t id = world_put(world, geo, KEY);
    world_run(world, 3 * SECOND_US);
    ck_assert(world_answered(world, id));
    return id;
}

static void ck_queued_at(uint64_t id, const char *region)
{
    const struct seen_answer *answer = world_answer(world, id);
    ck_assert_msg(answer->status == 202, "status %d: %s", answer->status, answer->detail);
    ck_assert_str_eq(answer->region, region);
    ck_assert_int_eq(answer->served, MEC__SERVED__SERVED_QUEUE);
}

static void ck_written_at(uint64_t id, const char *region)
{
    const struct seen_answer *answer = world_answer(world, id);
    ck_assert_msg(answer->status == 200, "status %d: %s", answer->status, answer->detail);
    ck_assert_str_eq(answer->region, region);
}

static uint64_t put_as(const char *geo, const char *user)
{
    char token[1200];
    snprintf(token, sizeof(token), "%s", world_token(user, "us-east"));
    struct http_request http = {
        .method = HTTP_PUT,
        .path = slice_of(KEY),
        .geo = slice_of(geo),
        .authorization = slice_of(token),
    };
    uint64_t id = world_send(world, &http);
    world_run(world, 3 * SECOND_US);
    return id;
}

START_TEST(home_killed_the_write_goes_to_the_nearest_queue_in_the_same_step)
{
    world_kill(world, US_EAST);
    uint64_t start_us = world->now_us;
    uint64_t id = world_put(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_queued_at(id, "us-west");
    ck_assert_uint_eq(world_answer(world, id)->at_us - start_us, 1 * MS);
    ck_assert_str_eq(world_answer(world, id)->route,
                     "us-west: home away: queued (us-east is down)");
}
END_TEST

START_TEST(home_killed_under_way_the_write_is_queued_under_the_same_key)
{
    world->regions[US_EAST].mute = true;
    uint64_t id = world_put(world, "us-west", KEY);
    world_run(world, 200 * MS);
    char key[64];
    strcpy(key, world_last_call(world)->idempotency_key);
    ck_assert_int_eq(world_last_call(world)->mode, MEC__CALL_MODE__SERVE);
    world_kill(world, US_EAST);
    world_run(world, SECOND_US);
    ck_queued_at(id, "us-west");
    ck_assert_str_eq(world_last_call(world)->idempotency_key, key);
    ck_assert_int_eq(strncmp(key, "mec-", 4), 0);
}
END_TEST

START_TEST(home_silent_the_write_is_queued_under_the_same_key)
{
    world->regions[US_EAST].mute = true;
    uint64_t id = world_put(world, "us-west", KEY);
    world_run(world, 4 * SECOND_US);
    ck_queued_at(id, "us-west");
}
END_TEST

START_TEST(perhaps_written_and_refused_by_the_queue_is_an_unknown_fate)
{
    world->regions[US_EAST].mute = true;
    world->regions[US_WEST].status = 503;
    world->regions[US_WEST].problem = problem_get(PROBLEM_QUEUE_FULL)->type;
    uint64_t id = world_put(world, "us-west", KEY);
    world_run(world, 200 * MS);
    world_kill(world, US_EAST);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_last_call(world)->mode, MEC__CALL_MODE__ENQUEUE);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_FATE_UNKNOWN);
}
END_TEST

START_TEST(surely_not_written_and_refused_by_the_queue_is_that_refusal)
{
    world->regions[US_WEST].status = 503;
    world->regions[US_WEST].problem = problem_get(PROBLEM_QUEUE_FULL)->type;
    uint64_t id = world_put(world, "us-west", KEY);
    world_kill(world, US_EAST); /* while the request was on its way there */
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_QUEUE_FULL);
}
END_TEST

static void started_without(uint32_t away)
{
    world_free(world);
    world = world_prepare();
    world_start(world);
    for (uint32_t region = 0; region < REGIONS; region++)
        if (region != away)
            world_up(world, region);
}

START_TEST(just_started_no_write_goes_home_before_every_queue_is_known)
{
    started_without(US_WEST);
    uint64_t id = world_put(world, "eu-west", KEY);
    uint64_t read = world_get(world, "eu-west", KEY);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_QUEUE_UNREACHABLE);
    ck_assert_uint_eq(world_answer(world, id)->retry_after_s, 1);
    ck_assert_int_eq(world_answer(world, read)->status, 200);

    entry_waits(US_WEST, 1, "alice");
    world_up(world, US_WEST);
    ck_queued_at(put_as("eu-west", "alice"), "us-west");
    ck_written_at(put_as("eu-west", "bob"), "us-east");
}
END_TEST

START_TEST(just_started_a_region_that_stays_away_is_not_waited_for_long)
{
    started_without(US_WEST);
    world_run(world, 4 * SECOND_US);
    ck_written_at(put_and_wait("eu-west"), "us-east");
}
END_TEST

START_TEST(home_away_in_a_read_only_world_is_503)
{
    world->settings.queue_writes = false;
    world_configure(world);
    world_kill(world, US_EAST);
    uint64_t id = world_put(world, "us-west", KEY);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_READ_ONLY);
    uint64_t read = world_get(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, read)->status, 200);
}
END_TEST

START_TEST(perhaps_written_in_a_read_only_world_is_an_unknown_fate)
{
    world->settings.queue_writes = false;
    world_configure(world);
    world->regions[US_EAST].mute = true;
    uint64_t id = world_put(world, "us-west", KEY);
    world_run(world, 200 * MS);
    world_kill(world, US_EAST);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_FATE_UNKNOWN);
}
END_TEST

START_TEST(surely_not_written_in_a_read_only_world_is_read_only)
{
    world->settings.queue_writes = false;
    world_configure(world);
    uint64_t id = world_put(world, "us-west", KEY);
    world_kill(world, US_EAST); /* while the request was on its way there */
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_READ_ONLY);
}
END_TEST

START_TEST(not_serving_means_surely_not_written)
{
    world->settings.queue_writes = false;
    world_configure(world);
    world->regions[US_EAST].verdict = MEC__VERDICT__NOT_SERVING;
    uint64_t id = put_and_wait("us-west");
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_READ_ONLY);
}
END_TEST

START_TEST(a_sign_up_of_unknown_fate_is_never_tried_elsewhere)
{
    struct http_request http = {
        .method = HTTP_POST, .path = slice_of("/v1/users"), .geo = slice_of("us-west")};
    world->regions[US_WEST].mute = true;
    uint64_t id = world_send(world, &http);
    world_run(world, 4 * SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_FATE_UNKNOWN);
    ck_assert_uint_eq(world->call_count, 1);
}
END_TEST

START_TEST(a_newer_write_goes_behind_the_older_though_the_home_is_back)
{
    world_kill(world, US_EAST);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    world_up(world, US_EAST);
    world_run(world, 5 * SECOND_US);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    ck_assert_str_ne(world_answer(world, world->next_request_id)->route,
                     "us-west: home away: queued");
    world->regions[US_WEST].settled_seq = 1;
    world_run(world, SECOND_US);
    ck_queued_at(put_and_wait("us-west"), "us-west"); /* the second still waits */
    world->regions[US_WEST].settled_seq = 3;
    world_run(world, SECOND_US);
    ck_written_at(put_and_wait("us-west"), "us-east");
}
END_TEST

START_TEST(from_another_place_a_newer_write_still_goes_behind_the_older)
{
    world_kill(world, US_EAST);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    ck_queued_at(put_and_wait("eu-west"), "us-west");
}
END_TEST

START_TEST(a_user_without_waiting_writes_goes_home_at_once)
{
    world_kill(world, US_EAST);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    world_up(world, US_EAST);
    world_run(world, 5 * SECOND_US);
    /* bob's mark is not known by name until the list is in; then he is free. */
    entry_waits(US_WEST, 1, "u-alice");
    world_run(world, SECOND_US);
    ck_written_at(put_as("us-west", "u-bob"), "us-east");
    ck_queued_at(put_as("us-west", "u-alice"), "us-west");
}
END_TEST

START_TEST(a_queue_out_of_reach_refuses_newer_writes)
{
    world_kill(world, US_EAST);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    world_up(world, US_EAST);
    world_run(world, 5 * SECOND_US);
    world_kill(world, US_WEST);
    uint64_t id = world_put(world, "us-west", KEY);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_QUEUE_UNREACHABLE);
}
END_TEST

START_TEST(a_stale_pong_does_not_clear_a_newer_mark)
{
    world_kill(world, US_EAST);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    world->regions[US_WEST].settled_seq = 1;
    world_run(world, 2 * SECOND_US);
    /* Pongs that say "1 of 1 has ended" are under way when the next write is queued. */
    world_run(world, 400 * MS);
    uint64_t id = world_put(world, "us-west", KEY);
    world_run(world, 2 * MS);
    ck_queued_at(id, "us-west");
    world_up(world, US_EAST);
    world_run(world, 5 * SECOND_US);
    ck_queued_at(put_and_wait("us-west"), "us-west");
}
END_TEST

START_TEST(a_new_router_asks_who_waits_before_it_serves)
{
    struct world *other = world_prepare();
    struct world *first = world;
    world = other;
    entry_waits(EU_WEST, 4, "u-alice");
    world_start(other);
    for (uint32_t region = 0; region < REGIONS; region++)
        world_up(other, region);
    ck_assert(other->ready);
    uint64_t id = put_and_wait("us-west");
    ck_queued_at(id, "eu-west");
    ck_written_at(put_as("us-west", "u-bob"), "us-east");
    world = first;
    world_free(other);
}
END_TEST

START_TEST(a_router_is_not_ready_before_it_knows_who_waits)
{
    struct world *other = world_prepare();
    other->regions[EU_WEST].silent = true;
    world_start(other);
    for (uint32_t region = 0; region < REGIONS; region++)
        world_up(other, region);
    ck_assert(!other->ready);
    world_run(other, 3 * SECOND_US);
    ck_assert(other->ready);
    world_free(other);
}
END_TEST

START_TEST(a_write_that_comes_too_early_is_refused_and_explained_alike)
{
    struct world *ready = world;
    world = world_prepare();
    world->regions[EU_WEST].silent = true;
    world_start(world);
    for (uint32_t region = 0; region < REGIONS; region++)
        world_up(world, region);
    ck_assert(!world->ready);
    world_explain(world, "PUT", KEY, "us-west", "alice");
    ck_assert_uint_eq(world->explained_count, 1);
    ck_assert_ptr_nonnull(strstr(world->explained, "\"mode\":\"refuse\""));
    ck_assert_ptr_nonnull(strstr(world->explained, "\"problem\":\"queue-unreachable\""));
    ck_refused(put_as("us-west", "u-alice"), PROBLEM_QUEUE_UNREACHABLE);
    world_free(world);
    world = ready;
}
END_TEST

START_TEST(writes_that_another_router_has_queued_are_learned_from_pongs)
{
    entry_waits(EU_WEST, 1, "u-alice");
    uint32_t lists = world->regions[EU_WEST].lists_asked;
    world_run(world, SECOND_US);
    ck_assert_uint_gt(world->regions[EU_WEST].lists_asked, lists);
    ck_queued_at(put_and_wait("us-west"), "eu-west");
    ck_written_at(put_as("us-west", "u-bob"), "us-east");
}
END_TEST

START_TEST(a_region_back_with_its_queue_keeps_the_order)
{
    world_kill(world, US_EAST);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    world_kill(world, US_WEST);
    entry_waits(US_WEST, 1, "u-alice");
    world_up(world, US_EAST);
    world_up(world, US_WEST);
    world_run(world, 5 * SECOND_US);
    ck_queued_at(put_and_wait("us-west"), "us-west");
}
END_TEST

START_TEST(a_region_back_without_its_disk_holds_nobody)
{
    world_kill(world, US_EAST);
    ck_queued_at(put_and_wait("us-west"), "us-west");
    world_kill(world, US_WEST);
    world->regions[US_WEST].accepted_seq = 0;
    world_up(world, US_EAST);
    world_up(world, US_WEST);
    world_run(world, 5 * SECOND_US);
    ck_written_at(put_and_wait("us-west"), "us-east");
}
END_TEST

START_TEST(a_full_disk_at_the_nearest_queue_sends_the_write_to_the_next)
{
    world->regions[US_WEST].not_writable = true;
    world_kill(world, US_EAST);
    world_run(world, SECOND_US);
    uint64_t id = put_and_wait("us-west");
    ck_assert_int_eq(world_answer(world, id)->status, 202);
    ck_assert_str_ne(world_answer(world, id)->region, "us-west");
}
END_TEST

START_TEST(a_queue_that_is_full_says_so)
{
    world_kill(world, US_EAST);
    world->regions[US_WEST].status = 503;
    world->regions[US_WEST].problem = "queue-full";
    uint64_t id = put_and_wait("us-west");
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_QUEUE_FULL);
    world->regions[US_WEST].status = 0;
    world->regions[US_WEST].problem = NULL;
    world_up(world, US_EAST);
    world_run(world, 5 * SECOND_US);
    ck_written_at(put_and_wait("us-west"), "us-east"); /* nothing was queued: no mark */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        home_killed_the_write_goes_to_the_nearest_queue_in_the_same_step,
        home_killed_under_way_the_write_is_queued_under_the_same_key,
        home_silent_the_write_is_queued_under_the_same_key,
        perhaps_written_and_refused_by_the_queue_is_an_unknown_fate,
        surely_not_written_and_refused_by_the_queue_is_that_refusal,
        just_started_no_write_goes_home_before_every_queue_is_known,
        just_started_a_region_that_stays_away_is_not_waited_for_long,
        home_away_in_a_read_only_world_is_503,
        perhaps_written_in_a_read_only_world_is_an_unknown_fate,
        surely_not_written_in_a_read_only_world_is_read_only,
        not_serving_means_surely_not_written,
        a_sign_up_of_unknown_fate_is_never_tried_elsewhere,
        a_newer_write_goes_behind_the_older_though_the_home_is_back,
        from_another_place_a_newer_write_still_goes_behind_the_older,
        a_user_without_waiting_writes_goes_home_at_once,
        a_queue_out_of_reach_refuses_newer_writes,
        a_stale_pong_does_not_clear_a_newer_mark,
        a_new_router_asks_who_waits_before_it_serves,
        a_router_is_not_ready_before_it_knows_who_waits,
        a_write_that_comes_too_early_is_refused_and_explained_alike,
        writes_that_another_router_has_queued_are_learned_from_pongs,
        a_region_back_with_its_queue_keeps_the_order,
        a_region_back_without_its_disk_holds_nobody,
        a_full_disk_at_the_nearest_queue_sends_the_write_to_the_next,
        a_queue_that_is_full_says_so,
    };
    return suite_run(&(struct suite){.name = "router_queue",
                                     .set_up = fresh,
                                     .tear_down = gone,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
