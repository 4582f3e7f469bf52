/* The simulator's checks of what the system says of itself: what is right goes through, and each
 * breach is found by the check that it breaches. */

#include "suite.h"
#include "watch_fixture.h"

/* ---- explain ---- */

static void go(const struct outcome_route *route, int status, enum problem_id problem,
               const char *region)
{
    struct step step = step_of(0, PLAN_OPERATION_WRITE, "k");

    step.asked.operation = &step.operation;
    step.outcome.now_us = tick();
    step.outcome.status = status;
    step.outcome.problem = problem;
    step.outcome.region = region;
    watch_explained(watch, &step.asked, &step.outcome, route);
}

static const struct outcome_route home = {
    .region = "us-east", .taken = "us-east: home: write", .tried = true};
static const struct outcome_route queue_of_home = {
    .region = "us-east", .queued = true, .taken = "us-east: home away: queued", .tried = true};
static const struct outcome_route detour = {
    .region = "ap-south", .taken = "us-east: home: write (ap-south could not)", .tried = true};
static const struct outcome_route in_vain = {.region = "us-east", .tried = true};
static const struct outcome_route elsewhere = {
    .region = "ap-south", .taken = "ap-southeast: home: write", .tried = true};
static const struct outcome_route at_once = {.region = "us-east"};
static const struct outcome_route refused = {.problem = PROBLEM_READ_ONLY};

START_TEST(test_clean_explained)
{
    go(&home, 201, PROBLEM_NONE, "us-east");
    go(&queue_of_home, 202, PROBLEM_NONE, "us-east");
    go(&detour, 201, PROBLEM_NONE, "us-east");
    go(&in_vain, 504, PROBLEM_FATE_UNKNOWN, NULL);
    go(&refused, 503, PROBLEM_READ_ONLY, NULL);
    check_clean();
}
END_TEST

START_TEST(test_explained_and_gone_elsewhere)
{
    go(&elsewhere, 201, PROBLEM_NONE, "ap-southeast");
    check_found(WATCH_EXPLAINED);
}
END_TEST

START_TEST(test_explained_and_not_asked)
{
    go(&at_once, 503, PROBLEM_NO_REGION, NULL);
    check_found(WATCH_EXPLAINED);
}
END_TEST

START_TEST(test_explained_and_queued)
{
    go(&home, 202, PROBLEM_NONE, "us-east");
    check_found(WATCH_EXPLAINED);
}
END_TEST

START_TEST(test_explained_as_another_refusal)
{
    go(&refused, 503, PROBLEM_NO_REGION, NULL);
    check_found(WATCH_EXPLAINED);
}
END_TEST

/* ---- status ---- */

/* What a region with these positions of us-east's shard and queue says. */
static void say(uint64_t seq, uint64_t waiting, bool is_writing)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"copies\":[{\"shard\":\"us-east\",\"seq\":%llu},{\"shard\":\"eu-west\",\"seq\":0},"
             "{\"shard\":\"ap-south\",\"seq\":0}],\"queue\":{\"waiting\":%llu}}",
             (unsigned long long)seq, (unsigned long long)waiting);
    watch_status_region(watch, tick(), US, text, is_writing);
}

START_TEST(test_clean_status)
{
    put("k", "v", "o");
    queue(US, enqueue_op("us-east.1", "p", "w"));
    say(1, 1, false);
    say(0, 0, true); /* the core has not been told yet */
    check_clean();
}
END_TEST

START_TEST(test_status_ahead)
{
    put("k", "v", "o");
    say(2, 0, true);
    check_found(WATCH_STATUS);
}
END_TEST

START_TEST(test_status_behind)
{
    put("k", "v", "o");
    say(0, 0, false);
    check_found(WATCH_STATUS);
}
END_TEST

START_TEST(test_status_of_another_queue)
{
    queue(US, enqueue_op("us-east.1", "p", "w"));
    say(0, 2, false);
    check_found(WATCH_STATUS);
}
END_TEST

START_TEST(test_status_of_few_copies)
{
    watch_status_region(watch, tick(), US, "{\"copies\":[],\"queue\":{\"waiting\":0}}", false);
    check_found(WATCH_STATUS);
}
END_TEST

START_TEST(test_status_is_none)
{
    watch_status_region(watch, tick(), US, "{\"copies\":[", false);
    check_found(WATCH_STATUS);
}
END_TEST

static void tell_of_stream(uint64_t cursor, uint64_t home_seq)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"streams\":[{\"shard\":\"us-east\",\"follower\":\"eu-west\",\"cursor\":%llu,"
             "\"home_seq\":%llu}]}",
             (unsigned long long)cursor, (unsigned long long)home_seq);
    watch_status_replicator(watch, tick(), "replicator/us-east", text);
}

START_TEST(test_clean_stream)
{
    put("k", "v", "o");
    ship(US, EU);
    put("k", "w", "p");
    tell_of_stream(1, 2);
    tell_of_stream(0, 1);
    check_clean();
}
END_TEST

START_TEST(test_stream_ahead_of_its_follower)
{
    put("k", "v", "o");
    tell_of_stream(1, 1);
    check_found(WATCH_STATUS);
}
END_TEST

START_TEST(test_stream_ahead_of_its_home)
{
    tell_of_stream(0, 1);
    check_found(WATCH_STATUS);
}
END_TEST

START_TEST(test_router_of_another_configuration)
{
    watch_status_router(watch, tick(), "routerd/0", "{\"config_version\":3}", 3);
    check_clean();
    watch_status_router(watch, tick(), "routerd/0", "{\"config_version\":3}", 4);
    check_found(WATCH_STATUS);
}
END_TEST

static const char *const no_metrics[] = {
    "name\n",          "name 1",           "name one\n", "name{a=\"b\" 1\n",
    "Name{a=\"b\"}\n", "name{a=\"b\"}1\n", "\n",         "name 1 x\n",
};

START_TEST(test_metrics)
{
    watch_metrics(watch, tick(), "routerd/0",
                  "# HELP a_total What.\n# TYPE a_total counter\na_total 1\n"
                  "b{c=\"d\",e=\"f\"} 1.5e-3\n");
    check_clean();
    watch_metrics(watch, tick(), "routerd/0", no_metrics[_i]);
    check_found(WATCH_STATUS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_clean_explained,
        test_explained_and_gone_elsewhere,
        test_explained_and_not_asked,
        test_explained_and_queued,
        test_explained_as_another_refusal,
        test_clean_status,
        test_status_ahead,
        test_status_behind,
        test_status_of_another_queue,
        test_status_of_few_copies,
        test_status_is_none,
        test_clean_stream,
        test_stream_ahead_of_its_follower,
        test_stream_ahead_of_its_home,
        test_router_of_another_configuration,
    };
    const struct suite_loop loops[] = {
        {test_metrics, sizeof no_metrics / sizeof no_metrics[0]},
    };
    const struct suite suite = {.name = "sim_watch_looks",
                                .set_up = set_up,
                                .tear_down = tear_down,
                                SUITE_TESTS(tests),
                                SUITE_LOOPS(loops)};

    return suite_run(&suite);
}
