#include "sim/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"

#define SEEDS_DEFAULT       200
#define SEEDS_OF_PLANTS     2000
#define TWICE_EVERY_DEFAULT 10
#define JOBS_MAX            256
#define MINUTE_US           UINT64_C(60)

/* Under way: what was given, by name. */
struct reading {
    const json_t *given;
    struct options options;
    char *error;
};

static int fail(struct reading *reading, char *error)
{
    reading->error = error;
    return -EINVAL;
}

static bool is_given(const struct reading *reading, const char *name)
{
    const json_t *value = json_object_get(reading->given, name);

    return value && !json_is_false(value);
}

static bool flag(const struct reading *reading, const char *name)
{
    return command_line_flag(reading->given, name);
}

/* The parser has checked the form of each value already. */
static uint64_t count(const struct reading *reading, const char *name, uint64_t otherwise)
{
    const char *text = command_line_text(reading->given, name);
    uint64_t number = otherwise;

    if (text)
        (void)units_parse_count(text, &number);
    return number;
}

static int read_seeds(struct reading *reading)
{
    struct options *options = &reading->options;
    const char *seeds = command_line_text(reading->given, "seeds");
    const char *minutes = command_line_text(reading->given, "minutes");

    if (is_given(reading, "seed") && seeds)
        return fail(reading, text_format("--seed and --seeds exclude each other"));
    options->first_seed = 1;
    options->last_seed = options->mode == OPTIONS_PLANTS ? SEEDS_OF_PLANTS : SEEDS_DEFAULT;
    if (minutes) {
        uint64_t millionths;
        if (units_parse_factor(minutes, &millionths) == 0)
            options->limit_us = millionths * MINUTE_US;
        options->last_seed = UINT64_MAX;
    }
    if (seeds)
        (void)units_parse_range(seeds, &options->first_seed, &options->last_seed);
    if (is_given(reading, "seed")) {
        options->first_seed = options->last_seed = count(reading, "seed", 1);
        options->one_seed = true;
    }
    options->twice_every = count(reading, "check-determinism", TWICE_EVERY_DEFAULT);
    return 0;
}

static int read_faults(struct reading *reading)
{
    const char *text = command_line_text(reading->given, "faults");
    const char *unknown;
    const char *names[PLAN_FAULT_COUNT];

    reading->options.wishes.faults = PLAN_FAULTS_ALL;
    if (!text || plan_faults_parse(text, &reading->options.wishes.faults, &unknown) == 0)
        return 0;
    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        names[kind] = plan_fault_name((enum plan_fault_kind)kind);
    char *word = memory_text_of((struct slice){unknown, strcspn(unknown, ",")});
    const char *near = nearest_find(word + (*word == '-'), names, PLAN_FAULT_COUNT);
    char *error = text_format("--faults: there is no fault \"%s\"; %s%s%s", word,
                              near ? "did you mean \"" : "see docs/simulator.md", near ? near : "",
                              near ? "\"?" : "");
    free(word);
    return fail(reading, error);
}

static int read_wishes(struct reading *reading)
{
    struct plan_wishes *wishes = &reading->options.wishes;
    const char *duration = command_line_text(reading->given, "duration");
    uint64_t regions = count(reading, "regions", 0);

    if (duration)
        (void)units_parse_duration(duration, &wishes->duration_us);
    if (duration && wishes->duration_us == 0)
        return fail(reading, text_format("--duration: a world of no duration shows nothing"));
    if (is_given(reading, "regions") && (regions < 2 || regions > PLAN_REGIONS_MAX))
        return fail(reading, text_format("--regions: a simulated world has 2 to %d regions",
                                         PLAN_REGIONS_MAX));
    wishes->region_count = (uint32_t)regions;
    return read_faults(reading);
}

static char *unknown_plant(const char *name)
{
    const char *names[PLANT_COUNT];

    for (size_t bug = 0; bug < PLANT_COUNT; bug++)
        names[bug] = plant_name((enum plant_bug)bug);
    const char *near = nearest_find(name, names, PLANT_COUNT);
    return text_format("--plant: there is no planted bug \"%s\"; %s%s%s", name,
                       near ? "did you mean \"" : "see docs/simulator.md", near ? near : "",
                       near ? "\"?" : "");
}

static int read_plants(struct reading *reading)
{
    const char *name = command_line_text(reading->given, "plant");

    if ((name || flag(reading, "plants")) && !plant_is_built_in())
        return fail(reading,
                    text_format("no bugs are planted in this build; make one that has them: "
                                "scripts/build --only sim/mecentral-sim-planted"));
    if (!name)
        return 0;
    reading->options.plant = plant_find(name);
    return reading->options.plant == PLANT_COUNT ? fail(reading, unknown_plant(name)) : 0;
}

static int read_jobs(struct reading *reading)
{
    uint64_t jobs = count(reading, "jobs", 0);

    if (is_given(reading, "jobs") && (jobs == 0 || jobs > JOBS_MAX))
        return fail(reading,
                    text_format("--jobs: 1 to %d processes, not %" PRIu64, JOBS_MAX, jobs));
    reading->options.jobs = (size_t)jobs;
    return 0;
}

/* What stands in a row cannot be asked for at once. */
static const struct {
    const char *option;
    const char *other;
} conflicts[] = {
    {"plan", "replay"},    {"plan", "plants"},       {"replay", "plants"},   {"replay", "seed"},
    {"replay", "seeds"},   {"replay", "minutes"},    {"seed", "minutes"},    {"plants", "plant"},
    {"plants", "minutes"}, {"replay", "faults"},     {"replay", "duration"}, {"replay", "regions"},
    {"plants", "shrink"},  {"keep-going", "shrink"},
};

/* A day of a large world has nothing to do with seeds and what can be done with them. */
static const char *const not_of_a_world[] = {
    "seeds",         "minutes", "duration", "regions", "faults", "keep-going", "check-determinism",
    "reach",         "trace",   "history",  "shrink",  "output", "plan",       "replay",
    "require-reach", "plant",   "plants",   "tables",
};

static int check_world(struct reading *reading)
{
    const char *what = is_given(reading, "world") ? "world" : "print-world";
    const char *with_world[] = {"html", "csv"};

    for (size_t i = 0;
         is_given(reading, what) && i < sizeof not_of_a_world / sizeof *not_of_a_world; i++)
        if (is_given(reading, not_of_a_world[i]))
            return fail(reading, text_format("--%s and --%s exclude each other: what a large world "
                                             "is stands in its file",
                                             what, not_of_a_world[i]));
    for (size_t i = 0; i < sizeof with_world / sizeof *with_world; i++)
        if (is_given(reading, with_world[i]) && reading->options.mode != OPTIONS_WORLD)
            return fail(reading, text_format("--%s is for --world FILE", with_world[i]));
    if (reading->options.csv && reading->options.json)
        return fail(reading, text_format("--json and --csv at a time: which of the two?"));
    return 0;
}

static int check_conflicts(struct reading *reading)
{
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++)
        if (is_given(reading, conflicts[i].option) && is_given(reading, conflicts[i].other))
            return fail(reading, text_format("--%s and --%s exclude each other",
                                             conflicts[i].option, conflicts[i].other));
    return 0;
}

static int check_single(struct reading *reading)
{
    const struct options *options = &reading->options;
    bool one = options->one_seed ||
               (options->mode == OPTIONS_REPLAY && json_array_size(options->files) == 1);
    const char *needy = options->history                ? "--history"
                        : options->trace                ? "--trace"
                        : options->mode == OPTIONS_PLAN ? "--plan"
                                                        : NULL;

    if (needy && !one)
        return fail(reading,
                    text_format("%s tells of one run: give --seed N%s", needy,
                                options->mode == OPTIONS_PLAN ? "" : ", or --replay FILE"));
    if (options->output && !options->shrink)
        return fail(reading, text_format("--output says where --shrink writes; give both"));
    return 0;
}

static int read_files(struct reading *reading)
{
    struct options *options = &reading->options;

    options->files = json_object_get(reading->given, "files");
    if (options->mode == OPTIONS_REPLAY && !options->files)
        return fail(reading, text_format("--replay needs files or directories with plans"));
    if (options->mode != OPTIONS_REPLAY && options->files)
        return fail(reading, text_format("a plan is run again with --replay: mecentral sim "
                                         "--replay %s",
                                         json_string_value(json_array_get(options->files, 0))));
    return 0;
}

static void read_flags(struct reading *reading)
{
    struct options *options = &reading->options;

    options->mode = flag(reading, "replay")        ? OPTIONS_REPLAY
                    : flag(reading, "plan")        ? OPTIONS_PLAN
                    : flag(reading, "plants")      ? OPTIONS_PLANTS
                    : flag(reading, "tables")      ? OPTIONS_TABLES
                    : flag(reading, "print-world") ? OPTIONS_PRINT_WORLD
                    : is_given(reading, "world")   ? OPTIONS_WORLD
                                                   : OPTIONS_SEEDS;
    options->trace = flag(reading, "trace");
    options->shrink = flag(reading, "shrink");
    options->keep_going = flag(reading, "keep-going");
    options->require_reach = flag(reading, "require-reach");
    options->reach = flag(reading, "reach") || options->require_reach;
    options->history = command_line_text(reading->given, "history");
    options->output = command_line_text(reading->given, "output");
    options->world = command_line_text(reading->given, "world");
    options->html = command_line_text(reading->given, "html");
    options->csv = flag(reading, "csv");
}

int options_read(const struct command_line *line, struct options *ret_options, char **ret_error)
{
    struct reading reading = {.given = line->arguments};

    reading.options.json = command_line_flag(line->global, "json");
    reading.options.quiet = command_line_flag(line->global, "quiet");
    read_flags(&reading);
    int error = check_conflicts(&reading);
    if (error == 0)
        error = check_world(&reading);
    if (error == 0)
        error = read_files(&reading);
    if (error == 0)
        error = read_seeds(&reading);
    if (error == 0)
        error = read_wishes(&reading);
    if (error == 0)
        error = read_plants(&reading);
    if (error == 0)
        error = read_jobs(&reading);
    if (error == 0)
        error = check_single(&reading);
    if (error != 0)
        *ret_error = reading.error;
    else
        *ret_options = reading.options;
    return error;
}

/* "all" without what is missing, or what there is. */
static void add_faults(struct text *text, uint64_t faults)
{
    if (faults == PLAN_FAULTS_ALL)
        return;
    text_add(text, " --faults ");
    bool most = __builtin_popcountll(faults) > PLAN_FAULT_COUNT / 2;
    const char *comma = most ? "all" : faults == 0 ? "none" : "";
    text_add(text, "%s", comma);
    comma = *comma ? "," : "";
    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++) {
        if (((faults >> kind & 1) != 0) == most)
            continue;
        text_add(text, "%s%s%s", comma, most ? "-" : "",
                 plan_fault_name((enum plan_fault_kind)kind));
        comma = ",";
    }
}

char *options_repeat(const struct options *options, uint64_t seed, const char *more)
{
    const struct plan_wishes *wishes = &options->wishes;
    char duration[UNITS_TEXT_SIZE];
    struct text text = {0};

    text_add(&text, "mecentral sim --seed %" PRIu64, seed);
    if (wishes->duration_us != 0)
        text_add(&text, " --duration %s", units_format_duration(wishes->duration_us, duration));
    if (wishes->region_count != 0)
        text_add(&text, " --regions %" PRIu32, wishes->region_count);
    add_faults(&text, wishes->faults);
    if (options->plant != PLANT_NONE)
        text_add(&text, " --plant %s", plant_name(options->plant));
    if (*more)
        text_add(&text, " %s", more);
    return text_take(&text);
}
