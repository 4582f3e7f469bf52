#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/report_json.h"
#include "sim/tables.h"
#include "tests/unit/suite.h"

static const struct options options = {.wishes = {.faults = PLAN_FAULTS_ALL}};

static struct trial clean_trial(uint64_t number)
{
    return (struct trial){.number = number,
                          .wall_us = 20000,
                          .result = {.virtual_us = 60000000,
                                     .steps = 1000,
                                     .operations = 250,
                                     .acknowledged = 100,
                                     .queued = 5,
                                     .trace_hash = 0xabc}};
}

static struct trial breached_trial(uint64_t number)
{
    struct trial trial = clean_trial(number);

    trial.result.breach = (struct watch_breach){
        .found = true, .check = WATCH_DURABLE, .at_us = 12110000, .text = "eu-west lost 1.7"};
    return trial;
}

static void says(char *text, const char *const *parts)
{
    for (; *parts; parts++)
        ck_assert_msg(strstr(text, *parts) != NULL, "\"%s\" is not in:\n%s", *parts, text);
    free(text);
}

#define SAYS(text, ...) says(text, (const char *const[]){__VA_ARGS__, NULL})

static void has_cause(const struct trial *trial, const char *cause)
{
    char text[TRIAL_CAUSE_SIZE];

    ck_assert_str_eq(trial_cause(trial, text), cause);
    ck_assert(trial_has_failed(trial) == (strcmp(cause, "none") != 0));
}

START_TEST(a_trial_fails_by_breach_crash_hanging_or_going_two_ways)
{
    struct trial trial = clean_trial(1);

    has_cause(&trial, "none");
    trial.twice = true;
    trial.second_hash = 0xabc;
    has_cause(&trial, "none");
    trial.second_hash = 0xabd;
    has_cause(&trial, "not deterministic");
    trial = breached_trial(1);
    has_cause(&trial, "durable");
    trial = (struct trial){.end = TRIAL_CRASHED, .signal = SIGABRT};
    has_cause(&trial, "crash (SIGABRT)");
    trial = (struct trial){.end = TRIAL_CRASHED, .exit_code = 23};
    has_cause(&trial, "crash (exit 23)");
    trial = (struct trial){.end = TRIAL_HUNG, .signal = SIGKILL};
    has_cause(&trial, "hung");
}
END_TEST

START_TEST(trials_are_alike_when_both_fail_for_the_same_cause)
{
    struct trial a = breached_trial(1);
    struct trial b = breached_trial(2);
    struct trial clean = clean_trial(3);

    ck_assert(trial_is_alike(&a, &b));
    b.result.breach.check = WATCH_ROWS;
    ck_assert(!trial_is_alike(&a, &b));
    ck_assert(!trial_is_alike(&a, &clean));
    ck_assert(!trial_is_alike(&clean, &clean));
}
END_TEST

START_TEST(a_tally_adds_up)
{
    struct tally tally = {0};
    struct trial trial = clean_trial(1);

    trial.result.fault_happened = UINT64_C(1) << PLAN_FAULT_CUT;
    trial.reach[0] = 3;
    tally_add(&tally, &trial);
    trial = breached_trial(2);
    trial.wall_us = 90000;
    trial.result.fault_happened = UINT64_C(1) << PLAN_FAULT_CUT | 1;
    trial.reach[0] = 4;
    tally_add(&tally, &trial);
    trial = (struct trial){.number = 3, .end = TRIAL_CRASHED, .reach = {100}};
    tally_add(&tally, &trial);
    ck_assert_uint_eq(tally.trials, 3);
    ck_assert_uint_eq(tally.failed, 2);
    ck_assert_uint_eq(tally.virtual_us, 120000000);
    ck_assert_uint_eq(tally.operations, 500);
    ck_assert_uint_eq(tally.faults[PLAN_FAULT_CUT], 2);
    ck_assert_uint_eq(tally.faults[0], 1);
    ck_assert_uint_eq(tally.reach[0], 7);
    ck_assert_uint_eq(tally.first_faults[PLAN_FAULT_CUT], 1);
    ck_assert_uint_eq(tally.first_faults[0], 2);
    ck_assert_uint_eq(tally.first_reach[0], 1);
    ck_assert_uint_eq(tally.longest_number, 2);
}
END_TEST

START_TEST(what_was_never_reached_is_missed_by_name)
{
    const uint64_t wanted = UINT64_C(1) << PLAN_FAULT_CUT | UINT64_C(1) << PLAN_FAULT_FLAP;
    struct tally tally = {0};
    size_t seldom = 0;

    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        seldom += reach_is_seldom((enum reach_branch)branch);
    ck_assert_uint_gt(seldom, 0);
    ck_assert_uint_lt(seldom, REACH_COUNT / 4);
    ck_assert_uint_eq(tally_missing(&tally, wanted), 2 + REACH_COUNT - seldom);
    SAYS(report_missing(&tally, wanted), "fault cut\n", "fault flap\n",
         reach_name((enum reach_branch)0));
    tally.faults[PLAN_FAULT_CUT] = 1;
    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        tally.reach[branch] = !reach_is_seldom((enum reach_branch)branch);
    ck_assert_uint_eq(tally_missing(&tally, wanted), 1);
    char *text = report_missing(&tally, wanted);
    ck_assert_str_eq(text, "never happened: fault flap\n");
    free(text);
    tally.faults[PLAN_FAULT_FLAP] = 1;
    ck_assert_uint_eq(tally_missing(&tally, wanted), 0);
    text = report_missing(&tally, wanted);
    ck_assert_str_eq(text, "");
    free(text);
    SAYS(report_reach(&tally, wanted, false), "flap", "cut");
}
END_TEST

START_TEST(a_failure_says_what_where_and_how_to_repeat_it)
{
    struct trial trial = breached_trial(4711);

    SAYS(report_failure(&options, &trial, NULL), "FAILED durable: seed 4711\n",
         watch_check_what(WATCH_DURABLE), "at 12.110 s: eu-west lost 1.7\n",
         "repeat: mecentral sim --seed 4711 --trace\n",
         "shrink: mecentral sim --seed 4711 --shrink\n");
    SAYS(report_failure(&options, &trial, "x/y.json"), "FAILED durable: x/y.json\n",
         "mecentral sim --replay x/y.json --trace\n");
    trial = (struct trial){.number = 5, .end = TRIAL_HUNG, .wall_us = 60000000};
    SAYS(report_failure(&options, &trial, NULL), "FAILED hung: seed 5", "killed after 60 s");
    trial = (struct trial){.number = 5, .end = TRIAL_CRASHED, .signal = SIGSEGV};
    SAYS(report_failure(&options, &trial, NULL), "FAILED crash (SIGSEGV): seed 5",
         "--seed 5 --trace");
    trial = clean_trial(10);
    trial.twice = true;
    trial.second_hash = 0xdef;
    SAYS(report_failure(&options, &trial, NULL), "not deterministic", "0000000000000abc",
         "0000000000000def", "--seed 10 --check-determinism 1\n");
}
END_TEST

START_TEST(the_closing_line_counts)
{
    struct tally tally = {.trials = 2000,
                          .virtual_us = UINT64_C(120000000000),
                          .operations = 312000,
                          .acknowledged = 1234567,
                          .queued = 999,
                          .twice = 200,
                          .longest_us = 90000,
                          .longest_number = 17};

    SAYS(report_closing(&tally, REPORT_DONE, "seed", 60000000),
         "2,000 seeds clean: 33.3 seeds/s, 2,000 virtual s/s, 312,000 operations, "
         "1,234,567 writes acknowledged, 999 queued, 200 ran twice, longest 0.09 s (seed 17)\n");
    tally.failed = 2;
    SAYS(report_closing(&tally, REPORT_FAILED, "plan", 60000000),
         "2,000 plans, 2 of them failed: ");
    tally.failed = 0;
    SAYS(report_closing(&tally, REPORT_INTERRUPTED, "seed", 60000000),
         "2,000 seeds clean, then interrupted: ");
    SAYS(report_closing(&(struct tally){0}, REPORT_INTERRUPTED, "seed", 0), "0 seeds clean");
    SAYS(report_progress(&tally, 60000000), "2,000 seeds, 33.3 seeds/s");
}
END_TEST

START_TEST(what_was_shrunk_is_told_in_the_order_of_time)
{
    struct plan_fault faults[] = {
        {.at_us = 2000000, .kind = PLAN_FAULT_POWER_CUT, .region = 0, .other = PLAN_NONE}};
    struct plan_operation operations[] = {
        {.at_us = 1000000, .kind = PLAN_OPERATION_WRITE, .region = PLAN_NONE},
        {.at_us = 3000000, .kind = PLAN_OPERATION_READ, .region = PLAN_NONE}};
    const struct shrink_effort effort = {.runs = 85};
    struct plan shortest = {.duration_us = 4000000,
                            .region_names = {"us-east"},
                            .region_count = 1,
                            .client_count = 1,
                            .faults = faults,
                            .fault_count = 1,
                            .operations = operations,
                            .operation_count = 2};
    struct plan plan = shortest;

    plan.duration_us = 60000000;
    char *text = report_shrunk(&plan, &shortest, &effort, "x.json");
    ck_assert(strstr(text, "[  1.000]") < strstr(text, "[  2.000] power-cut us-east"));
    ck_assert(strstr(text, "[  2.000]") < strstr(text, "[  3.000]"));
    SAYS(text, "85 runs: 1 of 1 faults, 2 of 2 operations, 4s of 1m are left\n",
         "written to x.json\n", "mecentral sim --replay x.json --trace\n");
}
END_TEST

START_TEST(plants_are_found_or_not)
{
    struct report_plant plants[] = {
        {.bug = PLANT_EARLY_ACKNOWLEDGEMENT,
         .found = true,
         .trial = breached_trial(1234),
         .tried = 1234},
        {.bug = PLANT_EARLY_ACKNOWLEDGEMENT, .tried = 2000},
    };
    json_t *json = report_json_plants(plants, 2);

    SAYS(report_plants(plants, 2, false), "1234", "durable", "nothing in 2,000 seeds");
    for (size_t i = 0; i < 2; i++)
        ck_assert(json_is_true(json_object_get(json_array_get(json, i), "found")) == (i == 0));
    json_decref(json);
}
END_TEST

START_TEST(programs_are_told_the_same)
{
    struct trial trial = breached_trial(4711);
    struct tally tally = {0};
    json_t *json = report_json_trial(&options, &trial, NULL);

    ck_assert_int_eq(json_integer_value(json_object_get(json, "seed")), 4711);
    ck_assert_str_eq(json_string_value(json_object_get(json, "cause")), "durable");
    ck_assert_str_eq(json_string_value(json_object_get(json, "text")), "eu-west lost 1.7");
    ck_assert_str_eq(json_string_value(json_object_get(json, "repeat")),
                     "mecentral sim --seed 4711 --trace");
    json_t *trials = json_array();
    json_array_append_new(trials, json);
    tally_add(&tally, &trial);
    json = report_json_search(&tally, REPORT_FAILED, trials, 1000000);
    ck_assert_str_eq(json_string_value(json_object_get(json, "end")), "failed");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "count")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "trials")), 1);
    json_decref(json);
    trial = clean_trial(UINT64_MAX);
    json = report_json_trial(&options, &trial, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "seed")), "18446744073709551615");
    ck_assert(json_is_false(json_object_get(json, "failed")));
    json_decref(json);
    json = report_json_reach(&tally, UINT64_C(1) << PLAN_FAULT_CUT);
    ck_assert_uint_eq(json_object_size(json_object_get(json, "faults")), 1);
    ck_assert_uint_eq(json_object_size(json_object_get(json, "branches")), REACH_COUNT);
    json_decref(json);
}
END_TEST

START_TEST(the_tables_in_docs_are_up_to_date)
{
    FILE *file = fopen(SOURCE_ROOT "/docs/simulator.md", "r");
    char *page = memory_alloc(131072);
    char *tables = tables_markdown();

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(page, 1, 131071, file), 0);
    fclose(file);
    size_t page_size = strlen(page);
    size_t size = strlen(tables);
    ck_assert_msg(page_size > size && strcmp(page + page_size - size, tables) == 0,
                  "write them anew: scripts/sim tables");
    free(tables);
    free(page);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_trial_fails_by_breach_crash_hanging_or_going_two_ways,
        trials_are_alike_when_both_fail_for_the_same_cause,
        a_tally_adds_up,
        what_was_never_reached_is_missed_by_name,
        a_failure_says_what_where_and_how_to_repeat_it,
        the_closing_line_counts,
        what_was_shrunk_is_told_in_the_order_of_time,
        plants_are_found_or_not,
        programs_are_told_the_same,
        the_tables_in_docs_are_up_to_date,
    };
    return suite_run(&(struct suite){.name = "sim_report", SUITE_TESTS(tests)});
}
