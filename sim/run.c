#include "sim/run.h"

#include <string.h>

#include "common/memory.h"
#include "regiond/storage.h"
#include "sim/client.h"
#include "sim/director.h"
#include "sim/ending.h"
#include "sim/looks.h"
#include "sim/simulation.h"

/* SQLite's settings are the program's, and can be made once. */
static void configure_storage(void)
{
    static bool configured;

    if (!configured)
        storage_configure();
    configured = true;
}

/* What a message takes at least from each region to each other, when nothing is broken. */
static void find_delays(const struct plan *plan, const Mec__Config *config, uint64_t *ret_delays_us)
{
    for (size_t i = 0; i < config->n_links; i++) {
        const Mec__LinkConfig *link = config->links[i];

        for (size_t from = 0; from < plan->region_count; from++)
            for (size_t to = 0; to < plan->region_count; to++)
                if (strcmp(link->from, plan->region_names[from]) == 0 &&
                    strcmp(link->to, plan->region_names[to]) == 0)
                    ret_delays_us[from * plan->region_count + to] = link->latency_us;
    }
}

static void write_meta(struct simulation *simulation)
{
    const struct plan *plan = simulation->plan;
    const char *names[PLAN_REGIONS_MAX];
    uint64_t delays_us[PLAN_REGIONS_MAX * PLAN_REGIONS_MAX] = {0};
    struct history_home *homes;
    size_t home_count = client_homes(simulation, &homes);

    for (size_t i = 0; i < plan->region_count; i++)
        names[i] = plan->region_names[i];
    find_delays(plan, director_first_config(simulation), delays_us);
    history_meta(simulation->options->history, names, plan->region_count, homes, home_count,
                 delays_us);
}

void run_plan(const struct plan *plan, const struct run_options *options,
              struct run_result *ret_result)
{
    struct simulation *simulation;

    configure_storage();
    *ret_result = (struct run_result){0};
    simulation = simulation_create(plan, options, ret_result);
    director_begin(simulation);
    client_begin_all(simulation);
    looks_begin(simulation);
    simulation_run(simulation, plan->duration_us);
    if (!simulation_is_breached(simulation))
        ending_run(simulation);
    if (options->history)
        write_meta(simulation);
    ret_result->breach = *watch_breach(simulation->watch);
    ret_result->trace_hash = simulation->fingerprint;
    ret_result->virtual_us = simulation->now_us;
    simulation_free(simulation);
}
