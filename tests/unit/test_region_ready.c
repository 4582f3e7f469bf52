/* When a region says that it serves. */

#include <check.h>
#include <stdlib.h>

#include "common/moment.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

enum { US, EU, AP };

static struct driver *driver;

static void set_up(void)
{
    driver = driver_create(3, 40 * MILLISECOND_US);
}

static void tear_down(void)
{
    driver_free(driver);
}

START_TEST(a_region_that_has_reached_all_others_is_ready_once)
{
    for (size_t node = US; node <= AP; node++)
        ck_assert_uint_eq(driver->nodes[node].ready_count, 1);
    driver_connect(driver, US, EU, false);
    driver_connect(driver, US, EU, true);
    driver_run(driver, 5 * SECOND_US);
    ck_assert_uint_eq(driver->nodes[US].ready_count, 1);
}
END_TEST

START_TEST(a_region_waits_a_second_for_one_that_is_down_and_no_longer)
{
    driver_kill(driver, AP);
    driver_kill(driver, US);
    driver_start(driver, US);
    driver_run(driver, 900 * MILLISECOND_US);
    ck_assert_uint_eq(driver->nodes[US].ready_count, 0);
    driver_run(driver, 200 * MILLISECOND_US);
    ck_assert_uint_eq(driver->nodes[US].ready_count, 1);
    driver_start(driver, AP);
    driver_run(driver, SECOND_US);
    ck_assert_uint_eq(driver->nodes[US].ready_count, 1);
    ck_assert_uint_eq(driver->nodes[AP].ready_count, 1);
}
END_TEST

START_TEST(the_only_region_of_a_world_is_ready_at_once)
{
    driver_free(driver);
    driver = driver_create(1, 40 * MILLISECOND_US);
    driver_run(driver, 0);
    ck_assert_uint_eq(driver->nodes[US].ready_count, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_region_that_has_reached_all_others_is_ready_once,
        a_region_waits_a_second_for_one_that_is_down_and_no_longer,
        the_only_region_of_a_world_is_ready_at_once,
    };
    return suite_run(&(struct suite){
        .name = "region_ready", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
