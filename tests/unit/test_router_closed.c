/* What is sensitive fails closed in the router, too: whatever keeps it from the home, it is
 * refused, and never sent to anybody else or into a queue. */

#include <stdio.h>
#include <string.h>

#include <check.h>

#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

static const struct {
    enum http_method method;
    const char *path, *service;
} calls[] = {
    {HTTP_POST, "/v1/tokens/refresh", "auth"},
    {HTTP_POST, "/v1/tokens/revoke", "auth"},
    {HTTP_DELETE, "/v1/tokens/current", "auth"},
    {HTTP_DELETE, "/v1/users/current", "auth"},
    {HTTP_PUT, "/v1/vault/n", "vault"},
    {HTTP_DELETE, "/v1/vault/n", "vault"},
    {HTTP_PUT, "/v1/vault/n/grants/bob", "vault"},
    {HTTP_DELETE, "/v1/vault/n/grants/bob", "vault"},
};

#define CALLS ((int)(sizeof(calls) / sizeof(calls[0])))

static uint64_t send(int which)
{
    struct http_request http = {.method = calls[which].method,
                                .path = slice_of(calls[which].path),
                                .geo = slice_of("eu-west")};
    http.authorization = slice_of(world_token("u-alice", "us-east"));
    uint64_t id = world_send(world, &http);
    world_run(world, 10 * SECOND_US);
    return id;
}

/* Refused as @problem, and of all that was asked meanwhile nobody but the home was, at most. */
static void ck_closed(int which, enum problem_id problem)
{
    size_t before = world->call_count;
    ck_refused(send(which), problem);
    for (size_t i = before; i < world->call_count; i++) {
        ck_assert_uint_eq(world->calls[i].region, US_EAST);
        ck_assert_int_eq(world->calls[i].mode, MEC__CALL_MODE__SERVE);
    }
}

START_TEST(it_goes_home_when_all_is_well)
{
    uint64_t id = send(_i);
    ck_assert_int_eq(world_answer(world, id)->status, 200);
    ck_assert_uint_eq(world_last_call(world)->region, US_EAST);
    ck_assert_int_eq(world_last_call(world)->mode, MEC__CALL_MODE__SERVE);
}
END_TEST

START_TEST(a_home_that_is_killed)
{
    world_kill(world, US_EAST);
    ck_closed(_i, PROBLEM_HOME_UNAVAILABLE);
}
END_TEST

START_TEST(a_home_that_is_cut_off)
{
    world_cut(world, "*", US_EAST, MEC__CUT_KIND__CUT_HOLD);
    world_run(world, 3 * SECOND_US);
    ck_closed(_i, PROBLEM_HOME_UNAVAILABLE);
}
END_TEST

START_TEST(a_home_whose_link_is_reset)
{
    world_cut(world, "*", US_EAST, MEC__CUT_KIND__CUT_RESET);
    world_run(world, 3 * SECOND_US);
    ck_closed(_i, PROBLEM_HOME_UNAVAILABLE);
}
END_TEST

START_TEST(a_home_that_says_that_it_cannot)
{
    world->regions[US_EAST].verdict = MEC__VERDICT__NOT_SERVING;
    world->regions[US_EAST].status = 503;
    world->regions[US_EAST].problem = "no-region";
    ck_closed(_i, PROBLEM_HOME_UNAVAILABLE);
}
END_TEST

/* It may have had its effect, and is then neither repeated elsewhere nor said to have failed. */
START_TEST(a_home_that_says_nothing)
{
    world->regions[US_EAST].mute = true;
    ck_closed(_i, PROBLEM_FATE_UNKNOWN);
}
END_TEST

START_TEST(a_home_whose_service_is_down)
{
    world->regions[US_EAST].service_down = calls[_i].service;
    world_run(world, 3 * SECOND_US);
    ck_closed(_i, PROBLEM_SERVICE_UNAVAILABLE);
}
END_TEST

START_TEST(a_home_whose_auth_is_down)
{
    world->regions[US_EAST].service_down = "auth";
    world_run(world, 3 * SECOND_US);
    ck_closed(_i, PROBLEM_SERVICE_UNAVAILABLE);
}
END_TEST

int main(void)
{
    const struct suite_loop loops[] = {
        {it_goes_home_when_all_is_well, CALLS},   {a_home_that_is_killed, CALLS},
        {a_home_that_is_cut_off, CALLS},          {a_home_whose_link_is_reset, CALLS},
        {a_home_that_says_that_it_cannot, CALLS}, {a_home_that_says_nothing, CALLS},
        {a_home_whose_service_is_down, CALLS},    {a_home_whose_auth_is_down, CALLS},
    };
    return suite_run(&(struct suite){
        .name = "router_closed", .set_up = fresh, .tear_down = gone, SUITE_LOOPS(loops)});
}
