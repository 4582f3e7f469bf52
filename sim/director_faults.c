/* The plan's faults: how each happens and how it is healed; see director.h. What makes no sense at
 * its moment (killing what is dead) does not happen, and is not counted as having happened. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "sim/director_internal.h"
#include "sim/region_host.h"
#include "sim/sockets.h"

#define DOWN_US_MIN (50 * MILLISECOND_US)

/* ---- small helpers ---- */

static struct process *regiond_of(struct director *director, const struct plan_fault *fault)
{
    return simulation_regiond(director->simulation, fault->region);
}

static struct process *replicator_of(struct director *director, const struct plan_fault *fault)
{
    return simulation_replicator(director->simulation, fault->region);
}

/* PAUSE_ROUTER and KILL_ROUTER name the router by amount, CRASH_ROUTER by other. */
static struct process *router_of(struct director *director, const struct plan_fault *fault)
{
    uint64_t number = fault->kind == PLAN_FAULT_CRASH_ROUTER ? fault->other : fault->amount;

    return simulation_router(director->simulation,
                             (uint32_t)(number % director->simulation->plan->router_count));
}

uint64_t director_amount(const struct plan_fault *fault)
{
    return fault->amount ? fault->amount : 1;
}

uint64_t director_down_us(const struct plan_fault *fault)
{
    return fault->duration_us > DOWN_US_MIN ? fault->duration_us : DOWN_US_MIN;
}

/* ---- processes ---- */

static bool kill_process(struct process *process, const struct plan_fault *fault)
{
    if (!process->up)
        return false;
    director_end(process, PROCESS_KILLED, fault->duration_us);
    return true;
}

static bool end_regiond(struct director *director, const struct plan_fault *fault,
                        enum process_end how)
{
    struct process *process = regiond_of(director, fault);

    if (!process->up)
        return false;
    director_end(process, how, fault->duration_us);
    return true;
}

static bool crash_process(struct process *process, const struct plan_fault *fault)
{
    if (!process->up)
        return false;
    process->actions_left = director_amount(fault);
    process->restart_after_us = fault->duration_us ? fault->duration_us : NEVER_US;
    return true;
}

static bool pause_process(struct process *process)
{
    if (!process_runs(process))
        return false;
    process_pause(process);
    return true;
}

static void resume_process(struct process *process)
{
    if (process->up && process->paused)
        process_resume(process);
}

/* ---- clocks, caches, control ---- */

static bool set_clock(struct director *director, const struct plan_fault *fault)
{
    struct clock *clock = &director->clocks[fault->region];

    if (fault->kind == PLAN_FAULT_CLOCK_OFFSET) {
        clock->offset_us = (int64_t)fault->amount;
    } else {
        clock->offset_us = director_clock_offset_us(director->simulation, fault->region);
        clock->drift_ppm = (int64_t)fault->amount;
    }
    clock->since_us = director->simulation->now_us;
    watch_clock(director->simulation->watch, director->simulation->now_us, fault->region,
                clock->offset_us, clock->drift_ppm);
    return true;
}

static void set_clock_right(struct director *director, uint32_t region)
{
    director->clocks[region] = (struct clock){.since_us = director->simulation->now_us};
    watch_clock(director->simulation->watch, director->simulation->now_us, region, 0, 0);
}

static bool set_cache(struct director *director, uint64_t bytes)
{
    director->cache_bytes = bytes;
    return true;
}

static bool cut_control(struct director *director, const struct plan_fault *fault)
{
    if (fault->kind == PLAN_FAULT_CONTROL_DOWN)
        director->control_down = true;
    else if (fault->kind == PLAN_FAULT_CONTROL_UNREACHABLE)
        director->unreachable[fault->region] = true;
    else
        director->router_unreachable[router_of(director, fault)->index] = true;
    return true;
}

static bool repeat_batches(struct director *director, const struct plan_fault *fault)
{
    struct simulation *simulation = director->simulation;
    uint64_t until_us = fault->duration_us ? simulation->now_us + fault->duration_us : NEVER_US;

    sockets_repeat(simulation, fault->region, until_us, fault->amount);
    return true;
}

static bool corrupt_batches(struct director *director, const struct plan_fault *fault)
{
    struct simulation *simulation = director->simulation;
    uint64_t until_us = fault->duration_us ? simulation->now_us + fault->duration_us : NEVER_US;

    sockets_corrupt(simulation, fault->region, until_us, director_amount(fault));
    return true;
}

/* ---- happening and healing ---- */

/* Returns whether it has happened. */
static bool happen(struct director *director, struct active *active)
{
    const struct plan_fault *fault = active->fault;

    switch (fault->kind) {
    case PLAN_FAULT_KILL_REGIOND:
        return end_regiond(director, fault, PROCESS_KILLED);
    case PLAN_FAULT_KILL_REPLICATOR:
        return kill_process(replicator_of(director, fault), fault);
    case PLAN_FAULT_KILL_ROUTER:
        return kill_process(router_of(director, fault), fault);
    case PLAN_FAULT_CRASH_REGIOND:
        return crash_process(regiond_of(director, fault), fault);
    case PLAN_FAULT_CRASH_REPLICATOR:
        return crash_process(replicator_of(director, fault), fault);
    case PLAN_FAULT_CRASH_ROUTER:
        return crash_process(router_of(director, fault), fault);
    case PLAN_FAULT_STOP_REGIOND:
        return !regiond_of(director, fault)->paused &&
               end_regiond(director, fault, PROCESS_STOPPED);
    case PLAN_FAULT_PAUSE_REGIOND:
        return pause_process(regiond_of(director, fault));
    case PLAN_FAULT_PAUSE_REPLICATOR:
        return pause_process(replicator_of(director, fault));
    case PLAN_FAULT_PAUSE_ROUTER:
        return pause_process(router_of(director, fault));
    case PLAN_FAULT_POWER_CUT:
        return end_regiond(director, fault, PROCESS_POWER);
    case PLAN_FAULT_LOSE_REGION:
        return director_lose_region(director, fault->region, fault->duration_us);
    case PLAN_FAULT_BLANK_COPY:
        return director_blank_copy(director, fault);
    case PLAN_FAULT_MOVE_HOME:
        return director_move_home(director, fault->region, fault->other, director_down_us(fault));
    case PLAN_FAULT_KILL_AT_CALL:
    case PLAN_FAULT_POWER_CUT_AT_CALL:
    case PLAN_FAULT_DISK_FULL:
    case PLAN_FAULT_DISK_READ_ONLY:
    case PLAN_FAULT_WRITE_FAILS:
    case PLAN_FAULT_SYNC_FAILS_ONCE:
    case PLAN_FAULT_SYNC_FAILS:
    case PLAN_FAULT_SLOW_SYNC:
        return director_break_disk(director, fault);
    case PLAN_FAULT_FLIP_BITS:
        return director_flip_bits(director, fault);
    case PLAN_FAULT_CUT:
    case PLAN_FAULT_CUT_ONE_WAY:
    case PLAN_FAULT_CUT_RESET:
    case PLAN_FAULT_CUT_RESET_ONE_WAY:
    case PLAN_FAULT_LATENCY:
    case PLAN_FAULT_JITTER:
    case PLAN_FAULT_LOSS:
    case PLAN_FAULT_RATE:
        return director_break_link(director, active);
    case PLAN_FAULT_FLAP:
        director_flap_later(director, fault);
        return director_break_link(director, active);
    case PLAN_FAULT_ISOLATE:
        return director_isolate(director, active);
    case PLAN_FAULT_CUT_CLIENTS:
    case PLAN_FAULT_RESET_CLIENTS:
    case PLAN_FAULT_REQUESTS_LOST:
    case PLAN_FAULT_ANSWERS_LOST:
        return director_cut_clients(director, active);
    case PLAN_FAULT_CLOCK_OFFSET:
    case PLAN_FAULT_CLOCK_DRIFT:
        return set_clock(director, fault);
    case PLAN_FAULT_CACHE_OFF:
        return set_cache(director, 0);
    case PLAN_FAULT_CACHE_TINY:
        return set_cache(director, fault->amount);
    case PLAN_FAULT_CONTROL_DOWN:
    case PLAN_FAULT_CONTROL_UNREACHABLE:
    case PLAN_FAULT_ROUTER_UNREACHABLE:
        return cut_control(director, fault);
    case PLAN_FAULT_MOVE_LIVE_HOME:
        return director_move_live_home(director, fault->region, fault->other);
    case PLAN_FAULT_CORRUPT_BATCHES:
        return corrupt_batches(director, fault);
    case PLAN_FAULT_REPEAT_BATCHES:
        return repeat_batches(director, fault);
    case PLAN_FAULT_SERVICE_DOWN:
    case PLAN_FAULT_SERVICE_ERRORS:
    case PLAN_FAULT_SERVICE_LATENCY:
    case PLAN_FAULT_CACHE_DISABLE:
    case PLAN_FAULT_CACHE_FREEZE:
    case PLAN_FAULT_CACHE_FLUSH:
        return director_break_part(director, active);
    case PLAN_FAULT_ROTATE_KEYS:
        return director_rotate_keys(director, fault);
    case PLAN_FAULT_COUNT:
        break;
    }
    abort();
}

static void heal(struct director *director, struct active *active)
{
    const struct plan_fault *fault = active->fault;

    director_heal_links(director, active);
    director_heal_disk(director, fault);
    switch (fault->kind) {
    case PLAN_FAULT_PAUSE_REGIOND:
        resume_process(regiond_of(director, fault));
        return;
    case PLAN_FAULT_PAUSE_REPLICATOR:
        resume_process(replicator_of(director, fault));
        return;
    case PLAN_FAULT_PAUSE_ROUTER:
        resume_process(router_of(director, fault));
        return;
    case PLAN_FAULT_CLOCK_OFFSET:
    case PLAN_FAULT_CLOCK_DRIFT:
        set_clock_right(director, fault->region);
        return;
    case PLAN_FAULT_CACHE_OFF:
    case PLAN_FAULT_CACHE_TINY:
        director->cache_bytes = director->simulation->plan->settings.cache_bytes;
        return;
    case PLAN_FAULT_CONTROL_DOWN:
        director->control_down = false;
        return;
    case PLAN_FAULT_CONTROL_UNREACHABLE:
        director->unreachable[fault->region] = false;
        return;
    case PLAN_FAULT_ROUTER_UNREACHABLE:
        director->router_unreachable[router_of(director, fault)->index] = false;
        return;
    default:
        return;
    }
}

/* A fault that changes what the configuration says, or whom it reaches. */
static bool changes_config(enum plan_fault_kind kind)
{
    switch (kind) {
    case PLAN_FAULT_CUT:
    case PLAN_FAULT_CUT_ONE_WAY:
    case PLAN_FAULT_CUT_RESET:
    case PLAN_FAULT_CUT_RESET_ONE_WAY:
    case PLAN_FAULT_FLAP:
    case PLAN_FAULT_ISOLATE:
    case PLAN_FAULT_CUT_CLIENTS:
    case PLAN_FAULT_RESET_CLIENTS:
    case PLAN_FAULT_REQUESTS_LOST:
    case PLAN_FAULT_ANSWERS_LOST:
    case PLAN_FAULT_LATENCY:
    case PLAN_FAULT_JITTER:
    case PLAN_FAULT_LOSS:
    case PLAN_FAULT_RATE:
    case PLAN_FAULT_CACHE_OFF:
    case PLAN_FAULT_CACHE_TINY:
    case PLAN_FAULT_CONTROL_DOWN:
    case PLAN_FAULT_CONTROL_UNREACHABLE:
    case PLAN_FAULT_ROUTER_UNREACHABLE:
    case PLAN_FAULT_SERVICE_DOWN:
    case PLAN_FAULT_SERVICE_ERRORS:
    case PLAN_FAULT_SERVICE_LATENCY:
    case PLAN_FAULT_CACHE_DISABLE:
    case PLAN_FAULT_CACHE_FREEZE:
    case PLAN_FAULT_CACHE_FLUSH:
        return true;
    default:
        return false;
    }
}

struct due {
    struct director *director;
    const struct plan_fault *fault;
};

static void at(struct director *director, uint64_t delay_us, void (*run)(void *what),
               const struct plan_fault *fault)
{
    struct due *due = memory_alloc(sizeof *due);

    *due = (struct due){director, fault};
    director_later(director, delay_us, run, due);
}

static void trace(struct director *director, const char *what, const struct plan_fault *fault)
{
    char *text;

    if (!simulation_traces(director->simulation))
        return;
    text = plan_fault_describe(director->simulation->plan, fault);
    simulation_trace(director->simulation, what, "%s", text);
    free(text);
}

static void on_healed(void *what)
{
    struct due due = *(struct due *)what;
    struct active *active;

    free(what);
    LL_FOREACH(due.director->active, active)
    if (active->fault == due.fault)
        break;
    if (!active)
        return;
    LL_DELETE(due.director->active, active);
    trace(due.director, "healed:", due.fault);
    heal(due.director, active);
    free(active);
    if (changes_config(due.fault->kind))
        director_publish(due.director);
}

static void on_fault(void *what)
{
    struct due due = *(struct due *)what;
    struct director *director = due.director;
    struct active *active = memory_alloc(sizeof *active);

    free(what);
    active->fault = due.fault;
    trace(director, "fault:", due.fault);
    if (!happen(director, active)) {
        free(active);
        return;
    }
    director->simulation->result->fault_happened |= UINT64_C(1) << due.fault->kind;
    LL_PREPEND(director->active, active);
    if (due.fault->duration_us > 0)
        at(director, due.fault->duration_us, on_healed, due.fault);
    if (changes_config(due.fault->kind))
        director_publish(director);
}

void director_plan_faults(struct director *director)
{
    const struct plan *plan = director->simulation->plan;

    for (size_t i = 0; i < plan->fault_count; i++)
        at(director, plan->faults[i].at_us, on_fault, &plan->faults[i]);
}

static void heal_region(struct director *director, uint32_t region)
{
    struct simulation *simulation = director->simulation;
    struct process *process = simulation_regiond(simulation, region);
    struct region_host *host = process->region;

    for (int kind = 0; kind < VFS_FAULT_COUNT; kind++)
        vfs_heal(region_host_disk(host), (enum vfs_fault)kind);
    vfs_set_sync_us(region_host_disk(host), simulation->plan->sync_us);
    set_clock_right(director, region);
    sockets_repeat(simulation, region, 0, 0);
    sockets_corrupt(simulation, region, 0, 0);
    director->unreachable[region] = false;
    for (uint32_t shard = 0; shard < simulation->plan->region_count; shard++) {
        if (!region_host_is_damaged(host, shard))
            continue;
        director_end(process, PROCESS_KILLED, MILLISECOND_US);
        director_repair(director, region);
    }
}

/* Overlapping faults of one disk or clock may have healed each other; here all is well for sure. */
void director_heal_faults(struct director *director)
{
    while (director->active) {
        struct active *active = director->active;

        LL_DELETE(director->active, active);
        heal(director, active);
        free(active);
    }
    director->control_down = false;
    for (uint32_t i = 0; i < PLAN_ROUTERS_MAX; i++)
        director->router_unreachable[i] = false;
    for (uint32_t i = 0; i < director->simulation->plan->region_count; i++)
        heal_region(director, i);
}

void director_free_faults(struct director *director)
{
    struct active *active, *next;

    LL_FOREACH_SAFE(director->active, active, next)
    free(active);
}
