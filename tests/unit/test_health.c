/* One region as seen from one vantage, told signal by signal. */

#include <stdlib.h>

#include <check.h>

#include "common/moment.h"
#include "routerd/health.h"
#include "tests/unit/suite.h"

static const struct health_settings settings = {.fail_threshold = 2, .pass_threshold = 2};
static struct health health;
static uint64_t now_us;

static void fresh(void)
{
    now_us = 100 * SECOND_US;
    health_init(&health, &settings, now_us);
}

static bool after(uint64_t delay_us, enum health_signal signal)
{
    now_us += delay_us;
    return health_signal(&health, &settings, signal, now_us);
}

static bool soon(enum health_signal signal)
{
    return after(500 * MILLISECOND_US, signal);
}

/* Down at once, then back as fast as it may. Returns how many probes that took. */
static uint32_t outage(void)
{
    uint32_t probes = 1;
    ck_assert(soon(HEALTH_CLOSED));
    soon(HEALTH_REOPENED);
    while (!soon(HEALTH_PROBE_PASSED)) {
        ck_assert(!health_usable(&health));
        probes++;
        ck_assert_uint_lt(probes, 1000);
    }
    return probes;
}

START_TEST(a_region_starts_usable)
{
    ck_assert(health_usable(&health));
    ck_assert_int_eq(health.state, HEALTH_UP);
    ck_assert_uint_eq(health.down_since_us, 0);
}
END_TEST

START_TEST(one_slow_probe_is_no_outage)
{
    ck_assert(!soon(HEALTH_PROBE_FAILED));
    ck_assert_int_eq(health.state, HEALTH_SUSPECT);
    ck_assert(health_usable(&health));
    ck_assert(!soon(HEALTH_PROBE_PASSED));
    ck_assert_int_eq(health.state, HEALTH_UP);
    ck_assert(!soon(HEALTH_PROBE_FAILED));
    ck_assert(health_usable(&health));
}
END_TEST

START_TEST(two_failed_probes_in_a_row_take_it_down)
{
    ck_assert(!soon(HEALTH_PROBE_FAILED));
    ck_assert(soon(HEALTH_PROBE_FAILED));
    ck_assert_int_eq(health.state, HEALTH_DOWN);
    ck_assert(!health_usable(&health));
    ck_assert_uint_eq(health.down_since_us, now_us);
    ck_assert_uint_eq(health.changed_us, now_us);
    ck_assert(!soon(HEALTH_PROBE_FAILED));
}
END_TEST

START_TEST(a_threshold_of_one_needs_one_failure)
{
    struct health_settings strict = {.fail_threshold = 1, .pass_threshold = 1};
    health_init(&health, &strict, now_us);
    ck_assert(health_signal(&health, &strict, HEALTH_PROBE_FAILED, now_us + 1));
    ck_assert(health_signal(&health, &strict, HEALTH_PROBE_PASSED, now_us + 2));
    ck_assert(health_usable(&health));
}
END_TEST

START_TEST(a_closed_connection_takes_it_down_at_once)
{
    ck_assert(soon(HEALTH_CLOSED));
    ck_assert_int_eq(health.state, HEALTH_DOWN);
    ck_assert(!soon(HEALTH_CLOSED));
}
END_TEST

START_TEST(a_reopened_connection_alone_does_not_bring_it_back)
{
    soon(HEALTH_CLOSED);
    ck_assert(!soon(HEALTH_REOPENED));
    ck_assert_int_eq(health.state, HEALTH_RETURNING);
    ck_assert(!health_usable(&health));
    ck_assert(!soon(HEALTH_PROBE_PASSED));
    ck_assert(soon(HEALTH_PROBE_PASSED));
    ck_assert_int_eq(health.state, HEALTH_UP);
    ck_assert_uint_eq(health.down_since_us, 0);
}
END_TEST

START_TEST(reopened_means_nothing_to_a_region_that_is_up)
{
    ck_assert(!soon(HEALTH_REOPENED));
    ck_assert_int_eq(health.state, HEALTH_UP);
}
END_TEST

START_TEST(a_failed_probe_on_the_way_back_starts_the_count_again)
{
    soon(HEALTH_CLOSED);
    soon(HEALTH_PROBE_PASSED);
    ck_assert_int_eq(health.state, HEALTH_RETURNING);
    ck_assert(!soon(HEALTH_PROBE_FAILED));
    ck_assert_int_eq(health.state, HEALTH_DOWN);
    ck_assert(!soon(HEALTH_PROBE_PASSED));
    ck_assert(soon(HEALTH_PROBE_PASSED));
}
END_TEST

START_TEST(requests_that_fail_together_count_once)
{
    for (int request = 0; request < 50; request++)
        ck_assert(!after(0, HEALTH_REQUEST_FAILED));
    ck_assert_int_eq(health.state, HEALTH_SUSPECT);
    ck_assert(soon(HEALTH_PROBE_FAILED));
}
END_TEST

START_TEST(requests_that_fail_between_failed_probes_count_again)
{
    struct health_settings patient = {.fail_threshold = 3, .pass_threshold = 2};
    health_init(&health, &patient, now_us);
    ck_assert(!health_signal(&health, &patient, HEALTH_REQUEST_FAILED, now_us));
    ck_assert(!health_signal(&health, &patient, HEALTH_PROBE_FAILED, now_us));
    ck_assert(health_signal(&health, &patient, HEALTH_REQUEST_FAILED, now_us));
}
END_TEST

START_TEST(a_request_that_passes_clears_suspicion)
{
    soon(HEALTH_PROBE_FAILED);
    ck_assert(!soon(HEALTH_REQUEST_PASSED));
    ck_assert_int_eq(health.state, HEALTH_UP);
    ck_assert(!soon(HEALTH_PROBE_FAILED));
}
END_TEST

START_TEST(late_answers_do_not_bring_a_region_back)
{
    soon(HEALTH_CLOSED);
    soon(HEALTH_REOPENED);
    for (int request = 0; request < 50; request++)
        ck_assert(!soon(HEALTH_REQUEST_PASSED));
    ck_assert(!health_usable(&health));
}
END_TEST

START_TEST(a_flapping_region_is_let_back_more_slowly_each_time)
{
    static const uint32_t needed[] = {2, 4, 8, 16, 32, 32, 32};
    for (size_t index = 0; index < sizeof(needed) / sizeof(needed[0]); index++)
        ck_assert_uint_eq(outage(), needed[index]);
}
END_TEST

START_TEST(each_calm_minute_halves_what_a_flapping_region_owes)
{
    outage();
    outage();
    ck_assert_uint_eq(outage(), 8);
    now_us += 61 * SECOND_US;
    ck_assert_uint_eq(outage(), 8); /* would have been 16 */
    now_us += 121 * SECOND_US;
    ck_assert_uint_eq(outage(), 4);
    now_us += 3600 * SECOND_US;
    ck_assert_uint_eq(outage(), 2);
}
END_TEST

START_TEST(every_state_has_a_name)
{
    ck_assert_str_eq(health_state_name(HEALTH_UP), "up");
    ck_assert_str_eq(health_state_name(HEALTH_SUSPECT), "suspect");
    ck_assert_str_eq(health_state_name(HEALTH_DOWN), "down");
    ck_assert_str_eq(health_state_name(HEALTH_RETURNING), "returning");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_region_starts_usable,
        one_slow_probe_is_no_outage,
        two_failed_probes_in_a_row_take_it_down,
        a_threshold_of_one_needs_one_failure,
        a_closed_connection_takes_it_down_at_once,
        a_reopened_connection_alone_does_not_bring_it_back,
        reopened_means_nothing_to_a_region_that_is_up,
        a_failed_probe_on_the_way_back_starts_the_count_again,
        requests_that_fail_together_count_once,
        requests_that_fail_between_failed_probes_count_again,
        a_request_that_passes_clears_suspicion,
        late_answers_do_not_bring_a_region_back,
        a_flapping_region_is_let_back_more_slowly_each_time,
        each_calm_minute_halves_what_a_flapping_region_owes,
        every_state_has_a_name,
    };
    return suite_run(&(struct suite){.name = "health", .set_up = fresh, SUITE_TESTS(tests)});
}
