#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/shrink.h"
#include "tests/unit/suite.h"

#define FAULTS     20
#define OPERATIONS 250
#define SECOND_US  UINT64_C(1000000)

/* A failure that needs some faults (by kind) and operations (by number), and no others. */
struct need {
    enum plan_fault_kind kinds[4];
    size_t kind_count;
    uint32_t numbers[4];
    size_t number_count;
    uint64_t fault_us; /* the first of the faults must last that long */
    uint64_t duration_us;
    size_t tried;
};

static struct plan plan;
static struct plan shortest;
static struct shrink_effort effort;

/* A fault each 3 s, an operation each 200 ms. */
static void setup(void)
{
    plan = (struct plan){.seed = 7,
                         .duration_us = 60 * SECOND_US,
                         .region_count = 3,
                         .client_count = 10,
                         .fault_count = FAULTS,
                         .operation_count = OPERATIONS};
    plan.faults = memory_alloc(FAULTS * sizeof *plan.faults);
    plan.operations = memory_alloc(OPERATIONS * sizeof *plan.operations);
    for (uint32_t i = 0; i < FAULTS; i++)
        plan.faults[i] = (struct plan_fault){.at_us = i * 3 * SECOND_US,
                                             .duration_us = 2 * SECOND_US,
                                             .kind = (enum plan_fault_kind)i,
                                             .region = 0,
                                             .other = 1};
    for (uint32_t i = 0; i < OPERATIONS; i++)
        plan.operations[i] = (struct plan_operation){.at_us = i * SECOND_US / 5,
                                                     .number = i,
                                                     .client = i % 10,
                                                     .kind = PLAN_OPERATION_READ,
                                                     .region = PLAN_NONE};
    shortest = (struct plan){0};
}

static void teardown(void)
{
    plan_free(&plan);
    plan_free(&shortest);
}

static bool has_fault(const struct plan *tried, enum plan_fault_kind kind, uint64_t lasting_us)
{
    for (size_t i = 0; i < tried->fault_count; i++)
        if (tried->faults[i].kind == kind && tried->faults[i].duration_us >= lasting_us)
            return true;
    return false;
}

static bool has_operation(const struct plan *tried, uint32_t number)
{
    for (size_t i = 0; i < tried->operation_count; i++)
        if (tried->operations[i].number == number)
            return true;
    return false;
}

static void check_order(const struct plan *tried)
{
    for (size_t i = 1; i < tried->fault_count; i++)
        ck_assert_uint_gt(tried->faults[i].at_us, tried->faults[i - 1].at_us);
    for (size_t i = 1; i < tried->operation_count; i++)
        ck_assert_uint_gt(tried->operations[i].number, tried->operations[i - 1].number);
    for (size_t i = 0; i < tried->operation_count; i++)
        ck_assert_uint_lt(tried->operations[i].client, tried->client_count);
}

static bool fails(const struct plan *tried, void *context)
{
    struct need *need = context;

    need->tried++;
    check_order(tried);
    for (size_t i = 0; i < need->kind_count; i++)
        if (!has_fault(tried, need->kinds[i], i == 0 ? need->fault_us : 0))
            return false;
    for (size_t i = 0; i < need->number_count; i++)
        if (!has_operation(tried, need->numbers[i]))
            return false;
    return tried->duration_us >= need->duration_us;
}

static void shrink(struct need *need, size_t runs_max)
{
    const struct shrink_search search = {
        .still_fails = fails, .context = need, .runs_max = runs_max};

    shrink_plan(&plan, &search, &shortest, &effort);
    ck_assert_uint_eq(effort.runs, need->tried);
    ck_assert_uint_le(effort.runs, runs_max);
    ck_assert(need->tried == 0 || fails(&shortest, need));
}

START_TEST(only_what_the_failure_needs_is_left)
{
    struct need need = {
        .kinds = {3, 11}, .kind_count = 2, .numbers = {17, 103, 104}, .number_count = 3};

    shrink(&need, 2000);
    ck_assert_uint_eq(shortest.fault_count, 2);
    ck_assert_uint_eq(shortest.faults[0].kind, 3);
    ck_assert_uint_eq(shortest.faults[1].kind, 11);
    ck_assert_uint_eq(shortest.operation_count, 3);
    ck_assert_uint_eq(shortest.operations[0].number, 17);
    ck_assert_uint_eq(shortest.operations[2].number, 104);
    ck_assert(!effort.ran_out);
    ck_assert_uint_lt(effort.runs, 200);
    ck_assert_uint_eq(shortest.seed, 7);
}
END_TEST

START_TEST(a_failure_that_needs_nothing_shrinks_to_nothing)
{
    struct need need = {0};

    shrink(&need, 2000);
    ck_assert_uint_eq(shortest.fault_count, 0);
    ck_assert_uint_eq(shortest.operation_count, 0);
    ck_assert_uint_le(shortest.duration_us, 4 * SECOND_US);
    ck_assert_uint_eq(shortest.client_count, 1);
}
END_TEST

START_TEST(a_plan_of_which_all_is_needed_stays_whole)
{
    struct need need = {.kinds = {0, 19},
                        .kind_count = 2,
                        .duration_us = 60 * SECOND_US,
                        .fault_us = 2 * SECOND_US};

    plan.fault_count = 2;
    plan.faults[1] = plan.faults[19];
    plan.operation_count = 0;
    shrink(&need, 2000);
    ck_assert_uint_eq(shortest.fault_count, 2);
    ck_assert_uint_eq(shortest.duration_us, 60 * SECOND_US);
    ck_assert_uint_eq(shortest.faults[0].duration_us, 2 * SECOND_US);
    ck_assert_uint_lt(shortest.faults[1].duration_us, 2 * SECOND_US);
}
END_TEST

START_TEST(the_duration_ends_soon_after_what_is_needed)
{
    struct need need = {.numbers = {50}, .number_count = 1}; /* at 10 s */

    shrink(&need, 6); /* no more than that: pauses come later */
    ck_assert_uint_gt(shortest.duration_us, 10 * SECOND_US);
    ck_assert_uint_lt(shortest.duration_us, 15 * SECOND_US);
    plan_free(&shortest);
    need.tried = 0;
    shrink(&need, 2000);
    ck_assert_uint_eq(shortest.operation_count, 1);
}
END_TEST

START_TEST(long_pauses_go)
{
    struct need need = {
        .kinds = {11, 17}, .kind_count = 2, .numbers = {103, 240}, .number_count = 2};

    shrink(&need, 2000); /* at 20.6 s, 33 s, 48 s and 51 s */
    ck_assert_uint_eq(shortest.operation_count, 2);
    ck_assert_uint_eq(shortest.operations[0].at_us, 500000);
    ck_assert_uint_eq(shortest.faults[0].at_us, 1000000);
    ck_assert_uint_eq(shortest.operations[1].at_us, 1500000);
    ck_assert_uint_eq(shortest.faults[1].at_us, 2000000);
    ck_assert_uint_eq(shortest.duration_us, 2500000);
}
END_TEST

START_TEST(a_pause_that_is_needed_stays)
{
    struct need need = {.kinds = {11},
                        .kind_count = 1,
                        .numbers = {103},
                        .number_count = 1,
                        .duration_us = 40 * SECOND_US};

    shrink(&need, 2000);
    ck_assert_uint_ge(shortest.duration_us, 40 * SECOND_US);
    ck_assert_uint_eq(shortest.fault_count, 1);
}
END_TEST

START_TEST(faults_get_as_brief_as_they_can)
{
    struct need need = {.kinds = {5}, .kind_count = 1, .fault_us = 300000};

    shrink(&need, 2000);
    ck_assert_uint_eq(shortest.fault_count, 1);
    ck_assert_uint_ge(shortest.faults[0].duration_us, 300000);
    ck_assert_uint_lt(shortest.faults[0].duration_us, 600000);
}
END_TEST

/* 0 stands for a fault that is never healed: the longest that there is. */
START_TEST(a_fault_never_becomes_an_endless_one)
{
    struct need need = {.kinds = {5}, .kind_count = 1};

    shrink(&need, 2000);
    ck_assert_uint_eq(shortest.fault_count, 1);
    ck_assert_uint_gt(shortest.faults[0].duration_us, 0);
    ck_assert_uint_lt(shortest.faults[0].duration_us, 64000);
}
END_TEST

START_TEST(clients_that_do_nothing_any_more_go)
{
    struct need need = {.numbers = {42, 63}, .number_count = 2}; /* clients 2 and 3 */

    shrink(&need, 2000);
    ck_assert_uint_eq(shortest.client_count, 4);
}
END_TEST

START_TEST(runs_are_bounded_and_the_best_so_far_counts)
{
    for (size_t runs_max = 0; runs_max < 80; runs_max++) {
        struct need need = {
            .kinds = {3, 11}, .kind_count = 2, .numbers = {17, 103}, .number_count = 2};
        plan_free(&shortest);
        shrink(&need, runs_max);
        if (runs_max < 40) {
            ck_assert(effort.ran_out);
            ck_assert_uint_eq(effort.runs, runs_max);
        }
    }
    ck_assert_uint_lt(shortest.operation_count, OPERATIONS);
}
END_TEST

/* Fails only while the count of operations is odd: leaving out one never helps, two may. */
static bool fails_when_odd(const struct plan *tried, void *context)
{
    (void)context;
    return tried->operation_count % 2 == 1 && has_fault(tried, 7, 0);
}

START_TEST(items_that_go_only_together_go)
{
    const struct shrink_search search = {.still_fails = fails_when_odd, .runs_max = 2000};

    plan.operation_count = 249;
    shrink_plan(&plan, &search, &shortest, &effort);
    ck_assert_uint_eq(shortest.fault_count, 1);
    ck_assert_uint_le(shortest.operation_count, 3);
}
END_TEST

static size_t told;
static size_t told_operations;

static void on_progress(const struct plan *best, size_t runs, void *context)
{
    (void)context;
    told++;
    ck_assert_uint_eq(runs, told);
    ck_assert_uint_le(best->operation_count, told_operations);
    told_operations = best->operation_count;
}

START_TEST(progress_is_told_after_each_run)
{
    struct need need = {.kinds = {3}, .kind_count = 1, .numbers = {17}, .number_count = 1};
    const struct shrink_search search = {
        .still_fails = fails, .progress = on_progress, .context = &need, .runs_max = 2000};

    told_operations = OPERATIONS;
    shrink_plan(&plan, &search, &shortest, &effort);
    ck_assert_uint_eq(told, effort.runs);
    ck_assert_uint_eq(told_operations, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        only_what_the_failure_needs_is_left,
        a_failure_that_needs_nothing_shrinks_to_nothing,
        a_plan_of_which_all_is_needed_stays_whole,
        the_duration_ends_soon_after_what_is_needed,
        long_pauses_go,
        a_pause_that_is_needed_stays,
        faults_get_as_brief_as_they_can,
        a_fault_never_becomes_an_endless_one,
        clients_that_do_nothing_any_more_go,
        runs_are_bounded_and_the_best_so_far_counts,
        items_that_go_only_together_go,
        progress_is_told_after_each_run,
    };
    return suite_run(&(struct suite){
        .name = "sim_shrink", .set_up = setup, .tear_down = teardown, SUITE_TESTS(tests)});
}
