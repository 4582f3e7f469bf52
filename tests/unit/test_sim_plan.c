#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/parts.h"
#include "control/settings.h"
#include "sim/plan.h"
#include "tests/unit/suite.h"

#define SEEDS 1000u

static void make(uint64_t seed, struct plan *ret_plan)
{
    struct plan_wishes wishes = {.seed = seed, .faults = PLAN_FAULTS_ALL};

    plan_make(&wishes, ret_plan);
}

static char *print_of(const struct plan_wishes *wishes)
{
    struct plan plan;

    plan_make(wishes, &plan);
    char *text = plan_print(&plan);
    plan_free(&plan);
    return text;
}

/* Making. */

START_TEST(one_seed_makes_one_plan_and_another_seed_another)
{
    struct plan_wishes wishes = {.seed = 77, .faults = PLAN_FAULTS_ALL};
    char *first = print_of(&wishes);
    char *again = print_of(&wishes);
    wishes.seed = 78;
    char *other = print_of(&wishes);

    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, other);
    free(first);
    free(again);
    free(other);
}
END_TEST

/* What somebody leaves out of the faults must not change the work that they were found with. */
START_TEST(wishing_for_other_faults_changes_nothing_else)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct plan all, none;

        make(seed, &all);
        plan_make(&(struct plan_wishes){.seed = seed, .faults = 0}, &none);
        ck_assert_uint_eq(none.fault_count, 0);
        none.faults = memory_copy(all.faults, all.fault_count * sizeof(all.faults[0]));
        none.fault_count = all.fault_count;
        none.core = all.core; /* the loss of a single region wants all */
        char *a = plan_print(&all);
        char *b = plan_print(&none);
        ck_assert_str_eq(a, b);
        free(a);
        free(b);
        plan_free(&all);
        plan_free(&none);
    }
}
END_TEST

START_TEST(faults_are_of_the_kinds_that_were_wished_for)
{
    uint64_t few = UINT64_C(1) << PLAN_FAULT_CUT | UINT64_C(1) << PLAN_FAULT_POWER_CUT;
    size_t with_faults = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        struct plan plan;

        plan_make(&(struct plan_wishes){.seed = seed, .faults = few}, &plan);
        for (size_t i = 0; i < plan.fault_count; i++)
            ck_assert(few >> plan.faults[i].kind & 1u);
        with_faults += plan.fault_count > 0;
        plan_free(&plan);
    }
    ck_assert_uint_gt(with_faults, 120); /* who wishes for few sees them */
}
END_TEST

START_TEST(duration_and_number_of_regions_are_as_wished)
{
    for (uint32_t regions = 2; regions <= PLAN_REGIONS_MAX; regions++) {
        struct plan_wishes wishes = {.seed = 5, .faults = PLAN_FAULTS_ALL};
        struct plan plan;

        wishes.duration_us = 600 * SECOND_US;
        wishes.region_count = regions;
        plan_make(&wishes, &plan);
        ck_assert_uint_eq(plan.region_count, regions);
        ck_assert_uint_eq(plan.duration_us, 600 * SECOND_US);
        ck_assert_uint_gt(plan.operations[plan.operation_count - 1].at_us, 500 * SECOND_US);
        ck_assert_uint_lt(plan.operations[plan.operation_count - 1].at_us, 600 * SECOND_US);
        plan_free(&plan);
    }
}
END_TEST

START_TEST(even_a_very_short_plan_is_one)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct plan_wishes wishes = {.seed = seed, .faults = PLAN_FAULTS_ALL};
        struct plan plan;

        wishes.duration_us = 1 + seed * 1000;
        plan_make(&wishes, &plan);
        ck_assert_uint_ge(plan.operation_count, plan.user_count + plan.client_count);
        plan_free(&plan);
    }
}
END_TEST

static void check_start(const struct plan *plan)
{
    uint64_t signed_up_us[PLAN_CLIENTS_MAX] = {0};

    for (size_t i = 0; i < plan->operation_count; i++) {
        const struct plan_operation *operation = &plan->operations[i];
        uint32_t user = plan->clients[operation->client].user;

        if (operation->kind == PLAN_OPERATION_SIGN_UP && signed_up_us[user] == 0) {
            ck_assert_uint_le(operation->at_us, SECOND_US);
            ck_assert_uint_eq(operation->client, user); /* its first */
            signed_up_us[user] = operation->at_us + 1;
        }
        ck_assert_uint_ne(signed_up_us[user], 0); /* it comes before all else */
    }
}

START_TEST(each_user_is_signed_up_by_its_first_client_before_anything_else)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct plan plan;

        make(seed, &plan);
        for (uint32_t i = 0; i < plan.user_count; i++)
            ck_assert_uint_eq(plan.clients[i].user, i);
        check_start(&plan);
        plan_free(&plan);
    }
}
END_TEST

static void count_kinds(const struct plan *plan, size_t *faults, size_t *operations)
{
    for (size_t i = 0; i < plan->fault_count; i++)
        faults[plan->faults[i].kind]++;
    for (size_t i = 0; i < plan->operation_count; i++)
        operations[plan->operations[i].kind]++;
}

static void check_rare(const struct plan *plan)
{
    size_t faults[PLAN_FAULT_COUNT] = {0};
    size_t operations[PLAN_OPERATION_COUNT] = {0};

    count_kinds(plan, faults, operations);
    ck_assert_uint_le(faults[PLAN_FAULT_LOSE_REGION], 3);
    ck_assert_uint_le(faults[PLAN_FAULT_MOVE_HOME], 3);
    ck_assert_uint_le(faults[PLAN_FAULT_BLANK_COPY], 3);
    ck_assert_uint_le(faults[PLAN_FAULT_FLIP_BITS], 3);
    for (uint32_t i = 0; i < plan->operation_count; i++)
        ck_assert_uint_eq(plan->operations[i].number, i + 1);
}

START_TEST(every_kind_comes_and_no_plan_is_out_of_bounds)
{
    size_t faults[PLAN_FAULT_COUNT] = {0};
    size_t operations[PLAN_OPERATION_COUNT] = {0};
    size_t fault_sum = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct plan plan;

        make(seed, &plan);
        count_kinds(&plan, faults, operations);
        check_rare(&plan);
        fault_sum += plan.fault_count;
        ck_assert_uint_le(plan.fault_count, 600);
        ck_assert_uint_ge(plan.operation_count, 100);
        ck_assert_uint_le(plan.operation_count, 960);
        plan_free(&plan);
    }
    for (unsigned kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        ck_assert_msg(faults[kind] > SEEDS / 20, "%s: %zu", plan_fault_name(kind), faults[kind]);
    for (unsigned kind = 0; kind < PLAN_OPERATION_COUNT; kind++)
        ck_assert_msg(operations[kind] > SEEDS / 2, "%s: %zu", plan_operation_name(kind),
                      operations[kind]);
    ck_assert_uint_gt(fault_sum, 20 * SEEDS);
    ck_assert_uint_lt(fault_sum, 80 * SEEDS);
}
END_TEST

static bool is_loss_of_one_region(const struct plan *plan)
{
    const struct plan_fault *fault = plan->faults;

    return plan->fault_count == 1 && fault->duration_us >= 20 * SECOND_US &&
           (fault->kind == PLAN_FAULT_KILL_REGIOND || fault->kind == PLAN_FAULT_PAUSE_REGIOND ||
            fault->kind == PLAN_FAULT_ISOLATE);
}

START_TEST(some_plans_have_no_fault_and_some_lose_one_region_and_nothing_else)
{
    size_t calm = 0;
    size_t losses = 0;
    size_t regions[PLAN_REGIONS_MAX + 1] = {0};
    size_t full_cores = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct plan plan;

        make(seed, &plan);
        calm += plan.fault_count == 0;
        losses += is_loss_of_one_region(&plan);
        regions[plan.region_count]++;
        full_cores += plan.core == (1u << plan.region_count) - 1;
        plan_free(&plan);
    }
    ck_assert_uint_gt(calm, SEEDS * 5 / 100);
    ck_assert_uint_lt(calm, SEEDS * 12 / 100);
    ck_assert_uint_gt(losses, SEEDS * 6 / 100);
    ck_assert_uint_lt(losses, SEEDS * 15 / 100);
    ck_assert_uint_gt(regions[3], SEEDS / 2);
    for (unsigned count = 2; count <= PLAN_REGIONS_MAX; count++)
        ck_assert_uint_gt(regions[count], SEEDS / 20);
    ck_assert_uint_gt(full_cores, SEEDS / 2);
    ck_assert_uint_lt(full_cores, SEEDS);
}
END_TEST

START_TEST(a_copy_is_equal_and_its_own)
{
    struct plan plan, copy;

    make(3, &plan);
    plan_copy(&plan, &copy);
    char *before = plan_print(&copy);
    memset(plan.faults, 0xff, plan.fault_count * sizeof(plan.faults[0]));
    memset(plan.operations, 0xff, plan.operation_count * sizeof(plan.operations[0]));
    plan_free(&plan);
    char *after = plan_print(&copy);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    plan_free(&copy);
    plan_free(&copy); /* an empty one */
}
END_TEST

/* Words. */

#define BIT(kind) (UINT64_C(1) << PLAN_FAULT_##kind)

START_TEST(kinds_of_faults_are_chosen_by_name)
{
    static const struct {
        const char *text;
        uint64_t faults;
    } good[] = {
        {"all", PLAN_FAULTS_ALL},
        {"none", 0},
        {"cut", BIT(CUT)},
        {"cut,latency", BIT(CUT) | BIT(LATENCY)},
        {"cut,cut", BIT(CUT)},
        {"all,-flip-bits", PLAN_FAULTS_ALL & ~BIT(FLIP_BITS)},
        {"-flip-bits,-cut", PLAN_FAULTS_ALL & ~BIT(FLIP_BITS) & ~BIT(CUT)},
        {"cut,latency,-cut", BIT(LATENCY)},
        {"none,-cut", 0},
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t faults = 1234;
        const char *unknown = NULL;

        ck_assert_int_eq(plan_faults_parse(good[i].text, &faults, &unknown), 0);
        ck_assert_msg(faults == good[i].faults, "%s", good[i].text);
    }
}
END_TEST

START_TEST(the_word_that_names_no_fault_is_pointed_at)
{
    static const struct {
        const char *text;
        size_t at;
    } bad[] = {{"", 0},      {"cutt", 0}, {"cut,,loss", 4}, {"cut,", 4},    {"cut,-xx,loss", 4},
               {"all,-", 4}, {"-all", 0}, {"CUT", 0},       {"cut loss", 0}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t faults = 1234;
        const char *unknown = NULL;

        ck_assert_int_eq(plan_faults_parse(bad[i].text, &faults, &unknown), -EINVAL);
        ck_assert_ptr_eq(unknown, bad[i].text + bad[i].at);
        ck_assert_uint_eq(faults, 1234);
    }
}
END_TEST

static const struct {
    struct plan_fault fault;
    const char *text;
} described_faults[] = {
    {{0, 3200000, PLAN_FAULT_CUT, 0, 1, 0}, "cut us-east eu-west for 3.2s"},
    {{0, 0, PLAN_FAULT_ISOLATE, 1, PLAN_NONE, 0}, "isolate eu-west to the end"},
    {{0, 0, PLAN_FAULT_MOVE_HOME, 0, 1, 0}, "move-home us-east eu-west"},
    {{0, 1234567, PLAN_FAULT_KILL_ROUTER, PLAN_NONE, PLAN_NONE, 1}, "kill-router 1 for 1.234s"},
    {{0, 20000, PLAN_FAULT_CRASH_ROUTER, PLAN_NONE, 0, 33}, "crash-router 0 33 for 20ms"},
    {{0, 1000000, PLAN_FAULT_LOSS, 0, 1, 25000}, "loss us-east eu-west 2.5% for 1s"},
    {{0, 1000000, PLAN_FAULT_LATENCY, 0, 1, 120000}, "latency us-east eu-west 120ms for 1s"},
    {{0, 1000000, PLAN_FAULT_RATE, 0, 1, 125000}, "rate us-east eu-west 1mbit for 1s"},
    {{0, 1000000, PLAN_FAULT_CACHE_TINY, PLAN_NONE, PLAN_NONE, 2048}, "cache-tiny 2KiB for 1s"},
    {{0, 1000000, PLAN_FAULT_CLOCK_OFFSET, 1, PLAN_NONE, (uint64_t)-50000},
     "clock-offset eu-west -50ms for 1s"},
    {{0, 1000000, PLAN_FAULT_CLOCK_OFFSET, 1, PLAN_NONE, 50000},
     "clock-offset eu-west +50ms for 1s"},
    {{0, 1000000, PLAN_FAULT_CLOCK_DRIFT, 1, PLAN_NONE, (uint64_t)-500},
     "clock-drift eu-west -500ppm for 1s"},
    {{0, 1000000, PLAN_FAULT_SERVICE_ERRORS, 1, PARTS_METADATA, 25000},
     "service-errors eu-west metadata 2.5% for 1s"},
    {{0, 0, PLAN_FAULT_CACHE_FLUSH, 0, PARTS_EDGE, 0}, "cache-flush us-east edge"},
};

START_TEST(faults_are_described_in_one_line)
{
    struct plan plan = {.region_names = {"us-east", "eu-west"}, .region_count = 2};

    char *text = plan_fault_describe(&plan, &described_faults[_i].fault);
    ck_assert_str_eq(text, described_faults[_i].text);
    free(text);
}
END_TEST

static void check_operation(const struct plan *plan, size_t index, const char *expected)
{
    char *text = plan_operation_describe(plan, &plan->operations[index]);

    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(operations_are_described_with_where_the_client_is_by_then)
{
    struct plan_operation operations[] = {
        {1, 1, 1, PLAN_OPERATION_WRITE, 2, PLAN_NONE, 0},
        {2, 2, 0, PLAN_OPERATION_TRAVEL, PLAN_NONE, 1, 0},
        {3, 3, 1, PLAN_OPERATION_TRAVEL, PLAN_NONE, 1, 0},
        {3, 4, 1, PLAN_OPERATION_READ_FORCED, 0, 0, 150000},
        {4, 5, 1, PLAN_OPERATION_WHOAMI, PLAN_NONE, PLAN_NONE, 0},
    };
    struct plan plan = {.region_names = {"us-east", "eu-west"},
                        .region_count = 2,
                        .clients = {{.user = 0, .place = 0}, {.user = 5, .place = 0}},
                        .client_count = 2,
                        .operations = operations,
                        .operation_count = 5};

    check_operation(&plan, 0, "client 1 (u5 at us-east) writes k2");
    check_operation(&plan, 2, "client 1 (u5 at us-east) is at eu-west's place from now on");
    check_operation(&plan, 3,
                    "client 1 (u5 at eu-west) reads k0 in us-east and nowhere else, for at most "
                    "150ms");
    check_operation(&plan, 4, "client 1 (u5 at eu-west) asks who it is");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_seed_makes_one_plan_and_another_seed_another,
        wishing_for_other_faults_changes_nothing_else,
        faults_are_of_the_kinds_that_were_wished_for,
        duration_and_number_of_regions_are_as_wished,
        even_a_very_short_plan_is_one,
        each_user_is_signed_up_by_its_first_client_before_anything_else,
        every_kind_comes_and_no_plan_is_out_of_bounds,
        some_plans_have_no_fault_and_some_lose_one_region_and_nothing_else,
        a_copy_is_equal_and_its_own,
        kinds_of_faults_are_chosen_by_name,
        the_word_that_names_no_fault_is_pointed_at,
        operations_are_described_with_where_the_client_is_by_then,
    };
    const struct suite_loop loops[] = {
        {faults_are_described_in_one_line, sizeof(described_faults) / sizeof(described_faults[0])},
    };
    return suite_run(&(struct suite){.name = "sim_plan", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
