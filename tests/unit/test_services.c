/* Which service of a region is down, fails or is slow. */

#include "regiond/services.h"

#include <check.h>
#include <string.h>

#include "tests/unit/suite.h"

#define GET    MEC__OPERATION__METADATA_GET
#define PUT    MEC__OPERATION__METADATA_PUT
#define LOG_IN MEC__OPERATION__TOKEN_CREATE

static struct services *services;
static Mec__ServiceFault rows[8];
static Mec__ServiceFault *list[8];
static size_t count;

static void set_up(void)
{
    services = services_create(7);
    count = 0;
}

static void tear_down(void)
{
    services_free(services);
}

static Mec__ServiceFault *add(const char *service, const char *operation)
{
    Mec__ServiceFault *row = &rows[count];

    mec__service_fault__init(row);
    row->region = (char *)"us-east";
    row->service = (char *)(uintptr_t)service;
    row->operation = (char *)(uintptr_t)operation;
    list[count++] = row;
    return row;
}

static void configure(void)
{
    Mec__Config config = MEC__CONFIG__INIT;

    config.services = list;
    config.n_services = count;
    services_configure(services, &config, "us-east");
}

static enum services_state state_of(Mec__Operation operation)
{
    return services_judge(services, operation).state;
}

START_TEST(without_faults_all_is_well)
{
    configure();
    ck_assert_int_eq(state_of(GET), SERVICES_UP);
    ck_assert_uint_eq(services_judge(services, GET).latency_us, 0);
    ck_assert(!services_report(services, PARTS_AUTH).down);
}
END_TEST

START_TEST(a_service_that_is_down_takes_no_other_with_it)
{
    add("metadata", "")->down = true;
    configure();
    ck_assert_int_eq(state_of(GET), SERVICES_DOWN);
    ck_assert_int_eq(services_judge(services, GET).service, PARTS_METADATA);
    ck_assert_int_eq(state_of(PUT), SERVICES_DOWN);
    ck_assert_int_eq(state_of(MEC__OPERATION__RECEIPT_GET), SERVICES_DOWN);
    ck_assert_int_eq(state_of(LOG_IN), SERVICES_UP);
    ck_assert(services_report(services, PARTS_METADATA).down);
    ck_assert(!services_report(services, PARTS_AUTH).down);
    count = 0;
    configure();
    ck_assert_int_eq(state_of(GET), SERVICES_UP);
}
END_TEST

START_TEST(with_auth_down_metadata_goes_on)
{
    add("auth", "")->down = true;
    configure();
    ck_assert_int_eq(state_of(LOG_IN), SERVICES_DOWN);
    ck_assert_int_eq(state_of(MEC__OPERATION__NAME_CLAIM), SERVICES_DOWN);
    ck_assert_int_eq(state_of(MEC__OPERATION__JWKS_GET), SERVICES_DOWN);
    ck_assert_int_eq(state_of(GET), SERVICES_UP);
    ck_assert_int_eq(state_of(PUT), SERVICES_UP);
}
END_TEST

/* Everything that the routes call sensitive, and the vault whole. */
START_TEST(with_auth_down_nothing_sensitive_is_served)
{
    Mec__Operation operation;

    add("auth", "")->down = true;
    configure();
    for (size_t i = 0; parts_operation_at(i, &operation); i++) {
        const struct route *route = routes_of(operation);
        bool needs = !route || route->class == ROUTE_SENSITIVE ||
                     strcmp(route->service, "auth") == 0 || strcmp(route->service, "vault") == 0;
        ck_assert_int_eq(state_of(operation), needs ? SERVICES_DOWN : SERVICES_UP);
    }
}
END_TEST

START_TEST(one_operation_may_be_down_alone)
{
    add("metadata", "metadata-put")->down = true;
    configure();
    ck_assert_int_eq(state_of(PUT), SERVICES_DOWN);
    ck_assert_int_eq(state_of(GET), SERVICES_UP);
    ck_assert(!services_report(services, PARTS_METADATA).down); /* routers are told of wholes */
}
END_TEST

START_TEST(others_regions_and_unknown_names_are_passed_over)
{
    Mec__ServiceFault *elsewhere = add("metadata", "");

    elsewhere->region = (char *)"eu-west";
    elsewhere->down = true;
    add("sundries", "")->down = true;
    add("metadata", "metadata-steal")->down = true;
    configure();
    ck_assert_int_eq(state_of(GET), SERVICES_UP);
}
END_TEST

START_TEST(of_several_faults_the_worst_counts)
{
    Mec__ServiceFault *whole = add("metadata", ""), *one = add("metadata", "metadata-put");

    whole->latency_us = 300;
    one->latency_us = 200;
    one->error_ppm = 1000000;
    configure();
    ck_assert_uint_eq(services_judge(services, GET).latency_us, 300);
    ck_assert_int_eq(state_of(GET), SERVICES_UP);
    ck_assert_int_eq(state_of(PUT), SERVICES_FAIL);
    one->error_ppm = 0;
    one->latency_us = 400;
    configure();
    ck_assert_uint_eq(services_judge(services, PUT).latency_us, 400);
    ck_assert_uint_eq(services_report(services, PARTS_METADATA).latency_us, 300);
}
END_TEST

START_TEST(so_many_calls_fail_as_the_share_says)
{
    enum { CALLS = 20000 };
    size_t failed = 0;

    add("metadata", "")->error_ppm = 100000;
    configure();
    for (size_t i = 0; i < CALLS; i++)
        failed += state_of(GET) == SERVICES_FAIL;
    ck_assert_uint_gt(failed, CALLS / 10 - CALLS / 100);
    ck_assert_uint_lt(failed, CALLS / 10 + CALLS / 100);
    ck_assert_int_eq(services_judge_again(services, GET).state, SERVICES_UP);
}
END_TEST

START_TEST(the_same_seed_fails_the_same_calls)
{
    struct services *first = services;
    bool differs = false;

    add("metadata", "")->error_ppm = 500000;
    configure();
    services = services_create(7);
    configure();
    for (size_t i = 0; i < 200; i++)
        ck_assert_int_eq(services_judge(first, GET).state, state_of(GET));
    services_free(services);
    services = services_create(8);
    configure();
    for (size_t i = 0; i < 200; i++)
        differs |= services_judge(first, GET).state != state_of(GET);
    ck_assert(differs);
    services_free(first);
}
END_TEST

START_TEST(all_fail_and_none_fail_mean_what_they_say)
{
    add("metadata", "")->error_ppm = 1000000;
    configure();
    for (size_t i = 0; i < 1000; i++)
        ck_assert_int_eq(state_of(GET), SERVICES_FAIL);
    rows[0].error_ppm = 0;
    configure();
    for (size_t i = 0; i < 1000; i++)
        ck_assert_int_eq(state_of(GET), SERVICES_UP);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_faults_all_is_well,         a_service_that_is_down_takes_no_other_with_it,
        with_auth_down_metadata_goes_on,    with_auth_down_nothing_sensitive_is_served,
        one_operation_may_be_down_alone,    others_regions_and_unknown_names_are_passed_over,
        of_several_faults_the_worst_counts, so_many_calls_fail_as_the_share_says,
        the_same_seed_fails_the_same_calls, all_fail_and_none_fail_mean_what_they_say,
    };
    return suite_run(&(struct suite){
        .name = "services", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
