#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/options.h"
#include "tests/unit/suite.h"

static struct command_line line;

static const char *environment(const char *name)
{
    (void)name;
    return NULL;
}

static void teardown(void)
{
    command_line_free(&line);
}

/* The words behind "mecentral sim". */
static int read_words(const char *words, struct options *options, char **error)
{
    char *copy = memory_text(words);
    char *rest = copy;
    char *argv[32] = {(char *)"mecentral", (char *)"sim"};
    int argc = 2;

    for (char *word; (word = strsep(&rest, " "));)
        if (*word)
            argv[argc++] = word;
    command_line_free(&line);
    char *why = NULL;
    ck_assert_msg(command_line_parse(argc, argv, environment, &line, &why) == 0, "%s: %s", words,
                  why);
    free(copy);
    return options_read(&line, options, error);
}

static struct options accept(const char *words)
{
    struct options options;
    char *error = NULL;

    int result = read_words(words, &options, &error);
    ck_assert_msg(result == 0, "%s: %s", words, error);
    return options;
}

static void refuse(const char *words, const char *says)
{
    struct options options = {.jobs = 77};
    char *error = NULL;

    ck_assert_msg(read_words(words, &options, &error) == -EINVAL, "%s", words);
    ck_assert_msg(strstr(error, says) != NULL, "%s: %s", words, error);
    ck_assert_uint_eq(options.jobs, 77);
    free(error);
}

START_TEST(nothing_asked_is_a_few_seeds)
{
    struct options options = accept("");

    ck_assert_int_eq(options.mode, OPTIONS_SEEDS);
    ck_assert_uint_eq(options.first_seed, 1);
    ck_assert_uint_eq(options.last_seed, 200);
    ck_assert_uint_eq(options.twice_every, 10);
    ck_assert_uint_eq(options.limit_us, 0);
    ck_assert_uint_eq(options.jobs, 0);
    ck_assert(options.wishes.faults == PLAN_FAULTS_ALL);
    ck_assert(!options.one_seed && !options.trace && !options.shrink && !options.reach);
}
END_TEST

START_TEST(seeds_are_one_or_a_range_or_as_many_as_time_allows)
{
    struct options options = accept("--seed 4711");

    ck_assert(options.one_seed);
    ck_assert_uint_eq(options.first_seed, 4711);
    ck_assert_uint_eq(options.last_seed, 4711);
    options = accept("--seed 18446744073709551615");
    ck_assert(options.first_seed == UINT64_MAX);
    options = accept("--seeds 5..9");
    ck_assert(!options.one_seed);
    ck_assert_uint_eq(options.first_seed, 5);
    ck_assert_uint_eq(options.last_seed, 9);
    options = accept("--minutes 0.5");
    ck_assert_uint_eq(options.limit_us, 30000000);
    ck_assert_uint_eq(options.first_seed, 1);
    ck_assert(options.last_seed == UINT64_MAX);
    options = accept("--minutes 2 --seeds 5..9");
    ck_assert_uint_eq(options.limit_us, 120000000);
    ck_assert_uint_eq(options.last_seed, 9);
}
END_TEST

START_TEST(wishes_become_those_of_a_plan)
{
    struct options options = accept("--duration 90s --regions 3 --faults cut,power-cut --jobs 4");

    ck_assert_uint_eq(options.wishes.duration_us, 90000000);
    ck_assert_uint_eq(options.wishes.region_count, 3);
    ck_assert(options.wishes.faults ==
              (UINT64_C(1) << PLAN_FAULT_CUT | UINT64_C(1) << PLAN_FAULT_POWER_CUT));
    ck_assert_uint_eq(options.jobs, 4);
    ck_assert_uint_eq(accept("--faults none").wishes.faults, 0);
}
END_TEST

START_TEST(what_is_out_of_range_is_refused)
{
    refuse("--regions 1", "2 to 5");
    refuse("--regions 6", "2 to 5");
    refuse("--duration 0", "no duration");
    refuse("--jobs 0", "--jobs");
    refuse("--jobs 1000", "--jobs");
    refuse("--faults cutt", "did you mean \"cut\"");
    refuse("--faults cut,banana,latency", "no fault \"banana\"");
    refuse("--faults all,-banana", "banana");
}
END_TEST

START_TEST(a_large_world_is_a_file_and_how_to_tell_of_it)
{
    struct options options = accept("--world sun.yaml --html sun.html --csv --jobs 2 --seed 7");

    ck_assert_int_eq(options.mode, OPTIONS_WORLD);
    ck_assert_str_eq(options.world, "sun.yaml");
    ck_assert_str_eq(options.html, "sun.html");
    ck_assert(options.csv && options.one_seed);
    ck_assert_uint_eq(options.first_seed, 7);
    ck_assert(!accept("--world sun.yaml").one_seed);
    ck_assert_int_eq(accept("--print-world").mode, OPTIONS_PRINT_WORLD);
    options = accept("--print-world --world sun.yaml");
    ck_assert_int_eq(options.mode, OPTIONS_PRINT_WORLD);
    ck_assert_str_eq(options.world, "sun.yaml");
    refuse("--world sun.yaml --seeds 1..3", "stands in its file");
    refuse("--world sun.yaml --duration 3s", "stands in its file");
    refuse("--world sun.yaml --plants", "exclude");
    refuse("--world sun.yaml --replay x.json", "exclude");
    refuse("--print-world --faults cut", "--print-world and --faults exclude");
    refuse("--world sun.yaml more.yaml", "a plan is run again with --replay");
    refuse("--html x.html", "--html is for --world");
    refuse("--csv --seed 3", "--csv is for --world");
    refuse("--csv --print-world", "--csv is for --world");
    refuse("--world sun.yaml --csv --json", "which of the two");
}
END_TEST

START_TEST(what_does_not_go_together_is_refused)
{
    refuse("--seed 1 --seeds 1..2", "exclude");
    refuse("--seed 1 --minutes 2", "exclude");
    refuse("--replay x.json --seed 1", "exclude");
    refuse("--replay x.json --faults none", "exclude");
    refuse("--replay x.json --plan", "exclude");
    refuse("--plan --seed 1 --plants", "exclude");
    refuse("--shrink --keep-going", "exclude");
    refuse("--output x.json", "--shrink");
    refuse("--trace", "--seed N");
    refuse("--seeds 1..2 --history x", "--seed N");
    refuse("--replay a.json b.json --trace", "--replay FILE");
    refuse("--plan", "--seed N");
    refuse("--replay", "needs files");
    refuse("x.json", "--replay x.json");
    accept("--seed 1 --plan=false --replay=false");
}
END_TEST

START_TEST(modes)
{
    struct options options = accept("--replay x.json --trace --history y");

    ck_assert_int_eq(options.mode, OPTIONS_REPLAY);
    ck_assert_uint_eq(json_array_size(options.files), 1);
    ck_assert_str_eq(options.history, "y");
    ck_assert(options.trace);
    ck_assert_int_eq(accept("--seed 3 --plan").mode, OPTIONS_PLAN);
    options = accept("--require-reach --json --quiet --shrink --output z");
    ck_assert(options.reach && options.require_reach && options.json && options.quiet);
    ck_assert_str_eq(options.output, "z");
    ck_assert(accept("--reach").reach);
    ck_assert(!accept("--reach").require_reach);
    ck_assert_uint_eq(accept("--check-determinism 0").twice_every, 0);
}
END_TEST

START_TEST(planted_bugs_need_a_build_that_has_them)
{
    if (plant_is_built_in()) {
        ck_assert_int_eq(accept("--plant early-acknowledgement").plant,
                         PLANT_EARLY_ACKNOWLEDGEMENT);
        ck_assert_int_eq(accept("--plant none").plant, PLANT_NONE);
        refuse("--plant early-acknowledgment", "did you mean \"early-acknowledgement\"");
        ck_assert_int_eq(accept("--plants").mode, OPTIONS_PLANTS);
        ck_assert_uint_eq(accept("--plants").last_seed, 2000);
        ck_assert_uint_eq(accept("--plants --seeds 1..10").last_seed, 10);
        refuse("--plants --minutes 1", "exclude");
    } else {
        refuse("--plant early-acknowledgement", "mecentral-sim-planted");
        refuse("--plants", "mecentral-sim-planted");
    }
}
END_TEST

/* What was printed for a failing seed must ask for the same run. */
static void repeats(const char *words)
{
    struct options options = accept(words);
    char *command = options_repeat(&options, 4711, "--trace");

    ck_assert_msg(strncmp(command, "mecentral sim ", 14) == 0, "%s", command);
    struct options again = accept(command + 14);
    ck_assert(again.one_seed && again.trace);
    ck_assert_uint_eq(again.first_seed, 4711);
    ck_assert_uint_eq(again.wishes.duration_us, options.wishes.duration_us);
    ck_assert_uint_eq(again.wishes.region_count, options.wishes.region_count);
    ck_assert_msg(again.wishes.faults == options.wishes.faults, "%s", command);
    ck_assert_int_eq(again.plant, options.plant);
    free(command);
}

START_TEST(a_failure_can_be_repeated_by_what_is_printed)
{
    repeats("");
    repeats("--seeds 1..2 --duration 150ms");
    repeats("--duration 1h --regions 5");
    repeats("--faults none");
    repeats("--faults cut");
    repeats("--faults cut,cut-reset,disk-full");
    repeats("--faults all,-cut");
    repeats("--faults all,-cut,-flap,-repeat-batches");
    if (plant_is_built_in())
        repeats("--plant early-acknowledgement");
}
END_TEST

START_TEST(the_command_to_repeat_is_as_short_as_it_can_be)
{
    struct options options = accept("--seeds 1..9 --jobs 2 --keep-going");
    char *command = options_repeat(&options, 3, "");

    ck_assert_str_eq(command, "mecentral sim --seed 3");
    free(command);
    options = accept("--faults all,-flap --regions 3 --duration 5s");
    command = options_repeat(&options, 3, "--trace");
    ck_assert_str_eq(command,
                     "mecentral sim --seed 3 --duration 5s --regions 3 --faults all,-flap --trace");
    free(command);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_asked_is_a_few_seeds,
        seeds_are_one_or_a_range_or_as_many_as_time_allows,
        wishes_become_those_of_a_plan,
        what_is_out_of_range_is_refused,
        a_large_world_is_a_file_and_how_to_tell_of_it,
        what_does_not_go_together_is_refused,
        modes,
        planted_bugs_need_a_build_that_has_them,
        a_failure_can_be_repeated_by_what_is_printed,
        the_command_to_repeat_is_as_short_as_it_can_be,
    };
    return suite_run(
        &(struct suite){.name = "sim_options", .tear_down = teardown, SUITE_TESTS(tests)});
}
