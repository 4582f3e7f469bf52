#include "sim/ending.h"

#include "sim/client.h"
#include "sim/director.h"
#include "sim/region_host.h"
#include "sim/simulation.h"

#define LOOK_US     (250 * MILLISECOND_US)
#define SETTLE_US   (60 * SECOND_US) /* to find a home for every shard */
#define LIVENESS_US (90 * SECOND_US) /* for all that must come right in the core */
#define QUIET_LOOKS 10000            /* a millisecond apart */
#define ANSWER_US   (60 * SECOND_US) /* a request may take so long, whatever happens */

static bool is_in(uint32_t core, uint32_t region)
{
    return (core >> region & 1) != 0;
}

static bool shard_is_in(const struct simulation *simulation, uint32_t core, uint32_t shard)
{
    return is_in(core, director_home(simulation, shard));
}

/* Homes can be found only while all regions that still have a disk are there. */
static void settle(struct simulation *simulation)
{
    uint64_t bound_us = simulation->now_us + SETTLE_US;

    while (!simulation_is_breached(simulation) && !director_is_settled(simulation) &&
           simulation->now_us < bound_us)
        simulation_run(simulation, simulation->now_us + LOOK_US);
    if (!director_is_settled(simulation))
        watch_report(simulation->watch, simulation->now_us, WATCH_ALIVE,
                     "all is healed, and a shard still has no home after %llu s",
                     (unsigned long long)(SETTLE_US / SECOND_US));
}

/* Waiting writes in the core whose home is in the core. */
static size_t count_waiting(const struct simulation *simulation, uint32_t core,
                            uint32_t *ret_region, uint32_t *ret_shard)
{
    size_t all = 0;

    for (uint32_t region = 0; region < simulation->plan->region_count; region++) {
        for (uint32_t shard = 0; shard < simulation->plan->region_count; shard++) {
            size_t count;

            if (!is_in(core, region) || !shard_is_in(simulation, core, shard))
                continue;
            count = watch_waiting(simulation->watch, region, shard);
            all += count;
            if (count == 0)
                continue;
            *ret_region = region;
            *ret_shard = shard;
        }
    }
    return all;
}

static bool find_lagging(const struct simulation *simulation, uint32_t core, uint32_t *ret_region,
                         uint32_t *ret_shard)
{
    for (uint32_t region = 0; region < simulation->plan->region_count; region++) {
        for (uint32_t shard = 0; shard < simulation->plan->region_count; shard++) {
            if (!is_in(core, region) || !shard_is_in(simulation, core, shard) ||
                watch_copy_seq(simulation->watch, region, shard) ==
                    watch_last_seq(simulation->watch, shard))
                continue;
            *ret_region = region;
            *ret_shard = shard;
            return true;
        }
    }
    return false;
}

static bool core_is_up(struct simulation *simulation, uint32_t core)
{
    for (uint32_t region = 0; region < simulation->plan->region_count; region++)
        if (is_in(core, region) && (!simulation_regiond(simulation, region)->up ||
                                    !simulation_replicator(simulation, region)->up))
            return false;
    return true;
}

/* Up, with nothing left to drain or to ship. */
static bool is_calm(struct simulation *simulation, uint32_t core)
{
    uint32_t region, shard;

    return core_is_up(simulation, core) && count_waiting(simulation, core, &region, &shard) == 0 &&
           !find_lagging(simulation, core, &region, &shard);
}

static bool is_well(struct simulation *simulation, uint32_t core)
{
    const char *text;

    return client_examined(simulation, &text) == 0 && is_calm(simulation, core) &&
           watch_unerased(simulation->watch, core, &text, &text) == 0;
}

static void wait_for(struct simulation *simulation, uint32_t core,
                     bool (*holds)(struct simulation *simulation, uint32_t core))
{
    uint64_t bound_us = simulation->now_us + LIVENESS_US;

    while (!simulation_is_breached(simulation) && simulation->now_us < bound_us &&
           !holds(simulation, core))
        simulation_run(simulation, simulation->now_us + LOOK_US);
}

static void report(struct simulation *simulation, uint32_t core)
{
    const struct plan *plan = simulation->plan;
    unsigned long long bound_s = LIVENESS_US / SECOND_US;
    uint32_t region = 0, shard = 0;
    const char *text = "", *user = "";
    size_t count;

    if (!core_is_up(simulation, core))
        watch_report(simulation->watch, simulation->now_us, WATCH_ALIVE,
                     "a process of the core is still down after %llu s of health", bound_s);
    else if ((count = count_waiting(simulation, core, &region, &shard)) > 0)
        watch_report(simulation->watch, simulation->now_us, WATCH_DRAINS,
                     "%s still has %zu writes for %s after %llu s of health",
                     plan->region_names[region], count, plan->region_names[shard], bound_s);
    else if (find_lagging(simulation, core, &region, &shard))
        watch_report(simulation->watch, simulation->now_us, WATCH_CONVERGES,
                     "%s has %s only up to seq %llu, its home up to %llu, after %llu s of health",
                     plan->region_names[region], plan->region_names[shard],
                     (unsigned long long)watch_copy_seq(simulation->watch, region, shard),
                     (unsigned long long)watch_last_seq(simulation->watch, shard), bound_s);
    else if ((count = client_examined(simulation, &text)) > 0)
        watch_report(simulation->watch, simulation->now_us, WATCH_SERVES,
                     "%zu clients are not served after %llu s of health: %s", count, bound_s, text);
    else if ((count = watch_unerased(simulation->watch, core, &user, &text)) > 0)
        watch_report(simulation->watch, simulation->now_us, WATCH_ERASED,
                     "of %zu deleted users something is left after %llu s of health, of %s: %s",
                     count, bound_s, user, text);
}

/* Reads what the disks hold, so nothing may be on its way there. */
static bool is_quiet(struct simulation *simulation)
{
    for (uint32_t region = 0; region < simulation->plan->region_count; region++)
        if (simulation_regiond(simulation, region)->up &&
            region_host_is_writing(simulation_regiond(simulation, region)->region))
            return false;
    return true;
}

static void compare_files(struct simulation *simulation, uint32_t core)
{
    const char *vfs[PLAN_REGIONS_MAX], *directories[PLAN_REGIONS_MAX];

    /* What a client wanted before it was told to rest may still come in. */
    for (int i = 0; i < QUIET_LOOKS && !(is_quiet(simulation) && is_calm(simulation, core)); i++)
        simulation_run(simulation, simulation->now_us + MILLISECOND_US);
    for (uint32_t region = 0; region < simulation->plan->region_count; region++) {
        vfs[region] = region_host_vfs(simulation_regiond(simulation, region)->region);
        directories[region] = REGION_HOST_DIRECTORY;
    }
    watch_final(simulation->watch, simulation->now_us, core, vfs, directories);
}

static void check_answered(struct simulation *simulation)
{
    uint64_t since_us = simulation->now_us > ANSWER_US ? simulation->now_us - ANSWER_US : 0;
    size_t count = client_count_waiting(simulation, since_us);

    if (count > 0)
        watch_report(simulation->watch, simulation->now_us, WATCH_ANSWERED,
                     "%zu requests have had no answer for more than %llu s", count,
                     (unsigned long long)(ANSWER_US / SECOND_US));
}

void ending_run(struct simulation *simulation)
{
    uint32_t core = simulation->plan->core;

    simulation_trace(simulation, "", "everything is healed");
    director_heal_all(simulation);
    settle(simulation);
    director_break_rest(simulation, core);
    client_rest(simulation);
    wait_for(simulation, core, is_calm);
    client_examine(simulation, core);
    wait_for(simulation, core, is_well);
    check_answered(simulation);
    report(simulation, core);
    if (!simulation_is_breached(simulation))
        compare_files(simulation, core);
}
