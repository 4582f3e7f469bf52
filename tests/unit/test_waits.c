#include <check.h>
#include <stdlib.h>

#include "routerd/waits.h"
#include "tests/unit/suite.h"

static const uint32_t limits[WAIT_COUNT] = {
    [WAIT_IDLE] = 5, [WAIT_HEADER] = 2, [WAIT_BODY] = 5, [WAIT_WRITE] = 5, [WAIT_DRAIN] = 1};

/* How many ticks go by until somebody is overdue, and who. */
static struct wait *tick_until_overdue(struct waits *waits, int *ret_ticks)
{
    struct wait *overdue = NULL;

    for (*ret_ticks = 0; !overdue && *ret_ticks < 100; (*ret_ticks)++) {
        waits_tick(waits);
        overdue = waits_overdue(waits);
    }
    return overdue;
}

START_TEST(nobody_is_overdue_before_their_time)
{
    struct waits waits;
    struct wait header = {0}, idle = {0};
    int ticks;

    waits_init(&waits, limits);
    ck_assert_ptr_null(waits_overdue(&waits));
    waits_begin(&waits, &idle, WAIT_IDLE);
    waits_begin(&waits, &header, WAIT_HEADER);
    ck_assert_ptr_eq(tick_until_overdue(&waits, &ticks), &header);
    ck_assert_int_eq(ticks, 3); /* the limit, and the tick that had begun */
    waits_end(&header);
    ck_assert_ptr_eq(tick_until_overdue(&waits, &ticks), &idle);
    ck_assert_int_eq(ticks, 3);
}
END_TEST

START_TEST(beginning_again_starts_anew)
{
    struct waits waits;
    struct wait first = {0}, second = {0};
    int ticks;

    waits_init(&waits, limits);
    waits_begin(&waits, &first, WAIT_IDLE);
    waits_begin(&waits, &second, WAIT_IDLE);
    waits_tick(&waits);
    waits_begin(&waits, &first, WAIT_IDLE);
    ck_assert_ptr_eq(tick_until_overdue(&waits, &ticks), &second);
    waits_begin(&waits, &second, WAIT_DRAIN);
    ck_assert_int_eq(second.reason, WAIT_DRAIN);
    ck_assert_ptr_eq(tick_until_overdue(&waits, &ticks), &first);
    ck_assert_int_eq(ticks, 1);
}
END_TEST

START_TEST(waiting_for_us_has_no_limit)
{
    struct waits waits;
    struct wait wait = {0};
    int ticks;

    waits_init(&waits, limits);
    waits_begin(&waits, &wait, WAIT_HEADER);
    waits_begin(&waits, &wait, WAIT_NONE);
    waits_end(&wait);
    ck_assert_ptr_null(tick_until_overdue(&waits, &ticks));
}
END_TEST

START_TEST(other_limits_are_for_those_that_begin_later)
{
    static const uint32_t shorter[WAIT_COUNT] = {[WAIT_BODY] = 1, [WAIT_IDLE] = 1};
    struct waits waits;
    struct wait old = {0}, new = {0};
    int ticks;

    waits_init(&waits, limits);
    waits_begin(&waits, &old, WAIT_BODY);
    waits_limit(&waits, shorter);
    waits_begin(&waits, &new, WAIT_IDLE);
    ck_assert_ptr_eq(tick_until_overdue(&waits, &ticks), &new);
    ck_assert_int_eq(ticks, 2);
    waits_end(&new);
    ck_assert_ptr_eq(tick_until_overdue(&waits, &ticks), &old);
    ck_assert_int_eq(ticks, 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nobody_is_overdue_before_their_time,
        beginning_again_starts_anew,
        waiting_for_us_has_no_limit,
        other_limits_are_for_those_that_begin_later,
    };
    return suite_run(&(struct suite){.name = "waits", SUITE_TESTS(tests)});
}
