#include "sim/live_trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/live_plans.h"

static void print_line(const char *line, void *context)
{
    FILE *file = context;

    fputs(line, file);
    fputc('\n', file);
}

static void make_plan(const struct trial *trial, const struct live_trial_context *context,
                      struct plan *ret_plan)
{
    struct plan_wishes wishes = context->options->wishes;

    wishes.seed = trial->number;
    if (context->plans)
        plan_copy(&context->plans[trial->number], ret_plan);
    else
        plan_make(&wishes, ret_plan);
}

static void write_history(const char *path, const struct history *history)
{
    struct slice text = history_text(history);
    int error = live_plans_write(path, text.data, text.size, true);

    if (error != 0)
        fprintf(stderr, "mecentral-sim: cannot write %s: %s\n", path, strerror(-error));
}

static void run_first(struct trial *trial, const struct live_trial_context *context,
                      const struct plan *plan)
{
    const struct options *asked = context->options;
    bool writes = asked->history && !context->silent;
    struct run_options options = {.history = writes ? history_create() : NULL};

    if (asked->trace && !context->silent) {
        options.trace = print_line;
        options.trace_context = asked->json ? stderr : stdout;
    }
    memset(reach_counts, 0, sizeof reach_counts);
    run_plan(plan, &options, &trial->result);
    memcpy(trial->reach, reach_counts, sizeof trial->reach);
    if (writes)
        write_history(asked->history, options.history);
    history_free(options.history);
}

/* Without a trace and a history, so that these are seen to change nothing. */
static void run_second(struct trial *trial, const struct plan *plan)
{
    const struct run_options options = {0};
    struct run_result result;

    run_plan(plan, &options, &result);
    trial->second_hash = result.trace_hash;
}

/* Hundreds of tries may end by the same assert. */
static void silence(void)
{
    if (!freopen("/dev/null", "w", stderr))
        abort();
}

void live_trial_run(struct trial *trial, void *pointer)
{
    const struct live_trial_context *context = pointer;
    struct plan plan;

    if (context->silent)
        silence();
    if (plant_is_built_in())
        plant_activate(trial->plant);
    uint64_t started_us = live_workers_now_us();
    make_plan(trial, context, &plan);
    run_first(trial, context, &plan);
    trial->wall_us = live_workers_now_us() - started_us;
    if (trial->twice)
        run_second(trial, &plan);
    plan_free(&plan);
}
