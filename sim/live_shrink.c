#include "sim/live_shrink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/live_plans.h"
#include "sim/live_search.h"
#include "sim/live_trial.h"
#include "sim/report.h"

#define RUNS_MAX 3000

struct shrinking {
    const struct options *options;
    const struct trial *trial;
    bool progress;
};

/* A process for each try: a plan that crashes is as good as another. */
static bool still_fails(const struct plan *plan, void *pointer)
{
    const struct shrinking *shrinking = pointer;
    struct live_trial_context context = {
        .options = shrinking->options, .plans = plan, .silent = true};
    struct trial trial = {.plant = shrinking->options->plant, .twice = shrinking->trial->twice};
    bool taken = false;

    if (live_search_is_interrupted())
        return false;
    struct live_workers *workers =
        live_workers_create(1, LIVE_SEARCH_LIMIT_US, live_trial_run, &context);
    if (live_workers_give(workers, &trial) == 0)
        while (!taken && !live_search_is_interrupted())
            taken = live_workers_take(workers, LIVE_SEARCH_LIMIT_US, &trial);
    live_workers_free(workers);
    return taken && trial_is_alike(&trial, shrinking->trial);
}

static void tell(const struct plan *shortest, size_t runs, void *pointer)
{
    const struct shrinking *shrinking = pointer;

    if (shrinking->progress && !live_search_is_interrupted())
        fprintf(stderr, "\r\033[Kshrinking: %zu runs, %zu faults and %zu operations of %.1f s left",
                runs, shortest->fault_count, shortest->operation_count,
                (double)shortest->duration_us / 1e6);
}

static int write_shortest(const struct shrinking *shrinking, const struct plan *plan,
                          const struct plan *shortest, const struct shrink_effort *effort)
{
    const struct options *options = shrinking->options;
    char cause[TRIAL_CAUSE_SIZE];
    char *path = options->output
                     ? strdup(options->output)
                     : live_plans_name(trial_cause(shrinking->trial, cause), plan->seed);
    char *text = plan_print(shortest);
    int error = live_plans_write(path, text, strlen(text), options->output != NULL);

    if (error != 0) {
        fprintf(stderr, "mecentral-sim: cannot write %s: %s\n", path, strerror(-error));
    } else {
        char *report = report_shrunk(plan, shortest, effort, path);
        fputs(report, options->json ? stderr : stdout);
        free(report);
    }
    free(text);
    free(path);
    return error;
}

int live_shrink_run(const struct options *options, const struct plan *plan,
                    const struct trial *trial)
{
    struct shrinking shrinking = {
        .options = options, .trial = trial, .progress = isatty(STDERR_FILENO) && !options->quiet};
    const struct shrink_search search = {
        .still_fails = still_fails, .progress = tell, .context = &shrinking, .runs_max = RUNS_MAX};
    struct shrink_effort effort;
    struct plan shortest;

    if (!still_fails(plan, &shrinking)) {
        fprintf(stderr, "mecentral-sim: it does not fail again in a process of its own; something "
                        "is left behind by the seeds before it\n");
        return -EAGAIN;
    }
    shrink_plan(plan, &search, &shortest, &effort);
    if (shrinking.progress)
        fprintf(stderr, "\r\033[K");
    int error = write_shortest(&shrinking, plan, &shortest, &effort);
    plan_free(&shortest);
    return error;
}
