/* mecentral-sim: the simulator. `mecentral sim` starts it. */

#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/memory.h"
#include "control/manual.h"
#include "sim/live_plans.h"
#include "sim/live_scale.h"
#include "sim/live_search.h"
#include "sim/live_shrink.h"
#include "sim/live_trial.h"
#include "sim/report_json.h"
#include "sim/tables.h"

enum { EXIT_FINE = 0, EXIT_CHECK = 1, EXIT_UNDETERMINED = 2, EXIT_USAGE = 64, EXIT_INTERNAL = 70 };

/* One run of the program. */
struct sim {
    struct options options;
    struct live_plans plans; /* of a replay */
    bool colours;            /* on stdout */
    bool progress;           /* on stderr */
};

static void print_and_free(char *text)
{
    fputs(text, stdout);
    free(text);
}

static void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(json);
}

static int complain(char *error, int code)
{
    fprintf(stderr, "mecentral-sim: %s\n", error);
    free(error);
    return code;
}

/* ---- searching: seeds, and plans from files ---- */

static const char *file_of(const struct sim *sim, const struct trial *trial)
{
    return sim->options.mode == OPTIONS_REPLAY ? sim->plans.paths[trial->number] : NULL;
}

static void make_plan(const struct sim *sim, const struct trial *trial, struct plan *ret_plan)
{
    struct plan_wishes wishes = sim->options.wishes;

    wishes.seed = trial->number;
    if (sim->options.mode == OPTIONS_REPLAY)
        plan_copy(&sim->plans.items[trial->number], ret_plan);
    else
        plan_make(&wishes, ret_plan);
}

static bool is_told_in_full(const struct sim *sim)
{
    return sim->options.one_seed || sim->plans.count == 1;
}

static void tell_text(const struct sim *sim, const struct live_search *search)
{
    const struct options *options = &sim->options;

    if (is_told_in_full(sim) && search->tally.trials == 1) {
        struct plan plan;
        make_plan(sim, &search->last_trial, &plan);
        print_and_free(report_run(&plan, &search->last_trial));
        plan_free(&plan);
    }
    for (size_t i = 0; i < search->failure_count; i++)
        print_and_free(
            report_failure(options, &search->failures[i], file_of(sim, &search->failures[i])));
    if (options->reach)
        print_and_free(report_reach(&search->tally, options->wishes.faults, sim->colours));
    if (options->require_reach)
        print_and_free(report_missing(&search->tally, options->wishes.faults));
    print_and_free(report_closing(&search->tally, search->end,
                                  options->mode == OPTIONS_REPLAY ? "plan" : "seed",
                                  search->wall_us));
}

static void tell_json(const struct sim *sim, const struct live_search *search)
{
    const struct options *options = &sim->options;
    json_t *trials = json_array();

    for (size_t i = 0; i < search->failure_count; i++)
        json_array_append_new(trials, report_json_trial(options, &search->failures[i],
                                                        file_of(sim, &search->failures[i])));
    if (search->failure_count == 0 && is_told_in_full(sim) && search->tally.trials == 1)
        json_array_append_new(trials, report_json_trial(options, &search->last_trial,
                                                        file_of(sim, &search->last_trial)));
    json_t *json = report_json_search(&search->tally, search->end, trials, search->wall_us);
    if (options->reach)
        json_object_set_new(json, "reach",
                            report_json_reach(&search->tally, options->wishes.faults));
    print_json(json);
}

static int code_of(const struct sim *sim, const struct live_search *search)
{
    const struct options *options = &sim->options;

    if (search->failure_count != 0)
        return EXIT_CHECK;
    if (search->error != 0)
        return complain(memory_text(strerror(-search->error)), EXIT_INTERNAL);
    if (search->leaks != 0)
        return complain(memory_text("a process did not end in good order: see above"), EXIT_CHECK);
    if (search->end == REPORT_INTERRUPTED || search->tally.trials == 0)
        return EXIT_UNDETERMINED;
    if (options->require_reach && tally_missing(&search->tally, options->wishes.faults) != 0)
        return EXIT_CHECK;
    return EXIT_FINE;
}

static int shrink_first(const struct sim *sim, const struct live_search *search)
{
    struct plan plan;

    if (search->failure_count == 0)
        return 0;
    make_plan(sim, &search->failures[0], &plan);
    int error = live_shrink_run(&sim->options, &plan, &search->failures[0]);
    plan_free(&plan);
    return error;
}

static int search_and_tell(struct sim *sim)
{
    const struct options *options = &sim->options;
    struct live_trial_context context = {
        .options = options, .plans = options->mode == OPTIONS_REPLAY ? sim->plans.items : NULL};
    struct live_search search = {.jobs = options->jobs,
                                 .first = options->first_seed,
                                 .last = options->last_seed,
                                 .limit_us = options->limit_us,
                                 .twice_every = options->twice_every,
                                 .plant = options->plant,
                                 .keep_going = options->keep_going,
                                 .progress = sim->progress,
                                 .run = live_trial_run,
                                 .context = &context};

    live_search_run(&search);
    if (options->json)
        tell_json(sim, &search);
    else
        tell_text(sim, &search);
    fflush(stdout);
    int code = code_of(sim, &search);
    if (options->shrink)
        (void)shrink_first(sim, &search);
    free(search.failures);
    return code;
}

static int replay(struct sim *sim)
{
    char *why;

    int error = live_plans_read(sim->options.files, &sim->plans, &why);
    if (error != 0)
        return complain(why, EXIT_USAGE);
    sim->options.first_seed = 0;
    sim->options.last_seed = sim->plans.count - 1;
    int code = search_and_tell(sim);
    live_plans_free(&sim->plans);
    return code;
}

static int print_plan(const struct sim *sim)
{
    const struct trial trial = {.number = sim->options.first_seed};
    struct plan plan;

    make_plan(sim, &trial, &plan);
    print_and_free(plan_print(&plan));
    plan_free(&plan);
    return EXIT_FINE;
}

/* ---- the power check ---- */

static void search_for(const struct sim *sim, enum plant_bug bug, uint64_t first, uint64_t last,
                       struct live_search *ret_search)
{
    struct live_trial_context context = {.options = &sim->options, .silent = true};

    *ret_search = (struct live_search){.jobs = sim->options.jobs,
                                       .first = first,
                                       .last = last,
                                       .plant = bug,
                                       .progress = sim->progress,
                                       .run = live_trial_run,
                                       .context = &context};
    live_search_run(ret_search);
}

/* A seed that fails without the bug as well proves nothing of the bug. */
static bool fails_anyway(const struct sim *sim, uint64_t seed)
{
    struct live_search search;

    search_for(sim, PLANT_NONE, seed, seed, &search);
    free(search.failures);
    return search.failure_count != 0;
}

static struct report_plant find_plant(const struct sim *sim, enum plant_bug bug)
{
    struct report_plant plant = {.bug = bug};
    uint64_t last = sim->options.last_seed;

    for (uint64_t first = sim->options.first_seed; !plant.found && first <= last;) {
        struct live_search search;
        search_for(sim, bug, first, last, &search);
        plant.tried += search.tally.trials;
        plant.wall_us += search.wall_us;
        if (search.failure_count == 0)
            break;
        plant.trial = search.failures[0];
        plant.found = !fails_anyway(sim, plant.trial.number);
        first = plant.trial.number + 1;
        free(search.failures);
    }
    return plant;
}

static int find_plants(const struct sim *sim)
{
    struct report_plant plants[PLANT_COUNT];
    size_t count = 0;
    bool all = true;

    for (size_t bug = PLANT_NONE + 1; bug < PLANT_COUNT && !live_search_is_interrupted(); bug++) {
        plants[count] = find_plant(sim, (enum plant_bug)bug);
        all = all && plants[count++].found;
    }
    if (sim->options.json)
        print_json(report_json_plants(plants, count));
    else
        print_and_free(report_plants(plants, count, sim->colours));
    return live_search_is_interrupted() ? EXIT_UNDETERMINED : all ? EXIT_FINE : EXIT_CHECK;
}

/* ---- starting ---- */

static const char *environment(const char *name)
{
    return getenv(name);
}

/* The command line of `mecentral sim`, less its first word. */
static int read_line(int argc, char **argv, struct command_line *ret_line, char **ret_error)
{
    char **words = memory_alloc(((size_t)argc + 2) * sizeof *words);
    static char first[] = "mecentral";
    static char second[] = "sim";

    words[0] = first;
    words[1] = second;
    for (int i = 1; i < argc; i++)
        words[i + 1] = argv[i];
    int error = command_line_parse(argc + 1, words, environment, ret_line, ret_error);
    free(words);
    return error;
}

static size_t count_cores(void)
{
    cpu_set_t cores;

    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
}

/* Better now than behind the run. */
static int try_history(const char *path)
{
    int error = path ? live_plans_write(path, "", 0, true) : 0;

    if (error == 0)
        return EXIT_FINE;
    fprintf(stderr, "mecentral-sim: cannot write %s: %s\n", path, strerror(-error));
    return EXIT_USAGE;
}

/* A day of a large world, or what may stand in its file. */
static int run_world(const struct sim *sim)
{
    char *why;
    int error = sim->options.mode == OPTIONS_WORLD
                    ? live_scale_run(&sim->options, sim->progress, &why)
                    : live_scale_print(&sim->options, &why);

    if (error == 0)
        return EXIT_FINE;
    return complain(why, error == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL);
}

static int dispatch(struct sim *sim)
{
    struct options *options = &sim->options;

    if (options->jobs == 0)
        options->jobs = count_cores();
    sim->colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    sim->progress = isatty(STDERR_FILENO) && !options->quiet;
    if (options->trace) /* a crash must not take the last lines with it */
        setvbuf(stdout, NULL, _IOLBF, 0);
    if (options->mode == OPTIONS_WORLD || options->mode == OPTIONS_PRINT_WORLD)
        return run_world(sim);
    live_search_catch_interrupts();
    if (try_history(options->history) != EXIT_FINE)
        return EXIT_USAGE;
    switch (options->mode) {
    case OPTIONS_SEEDS:
        return search_and_tell(sim);
    case OPTIONS_PLAN:
        return print_plan(sim);
    case OPTIONS_REPLAY:
        return replay(sim);
    case OPTIONS_PLANTS:
        return find_plants(sim);
    case OPTIONS_TABLES:
        print_and_free(tables_markdown());
        return EXIT_FINE;
    case OPTIONS_WORLD:
    case OPTIONS_PRINT_WORLD:
        break;
    }
    return EXIT_INTERNAL;
}

int main(int argc, char **argv)
{
    struct command_line line;
    struct sim sim = {0};
    char *error;
    int code;

    setlocale(LC_NUMERIC, "C");
    /* Worlds come and go by the thousand: memory that one has had is kept for the next. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 16 << 20);
    signal(SIGPIPE, SIG_IGN); /* a worker that has died is noticed otherwise */
    if (sodium_init() < 0)
        return EXIT_INTERNAL;
    if (read_line(argc, argv, &line, &error) != 0)
        return complain(error, EXIT_USAGE);
    if (command_line_flag(line.global, "help")) {
        print_and_free(manual_command(line.command));
        code = EXIT_FINE;
    } else if (options_read(&line, &sim.options, &error) != 0) {
        code = complain(error, EXIT_USAGE);
    } else {
        code = dispatch(&sim);
    }
    command_line_free(&line);
    if (fflush(stdout) != 0 && errno != EPIPE && code == EXIT_FINE)
        code = EXIT_INTERNAL;
    return code;
}
