#include "sim/director.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/token.h"
#include "sim/director_internal.h"
#include "sim/region_host.h"
#include "sim/replicator_host.h"
#include "sim/router_host.h"
#include "sim/secrets.h"

#define FIRST_START_US   (20 * MILLISECOND_US)
#define TOLD_US_MIN      200 /* a config on its way */
#define TOLD_US_MAX      5000
#define TOLD_LATE_OUT_OF 10 /* once in a while a process is busy, or its connection new */
#define TOLD_LATE_US_MAX SECOND_US
#define RESTART_US       (300 * MILLISECOND_US) /* of what has crashed by itself */
#define RESTART_US_MAX   (5 * SECOND_US)
#define START_AGAIN_US   (100 * MILLISECOND_US) /* what may not start now */
#define SETTLED_AFTER_US (4 * SECOND_US)        /* a world has just come up until then */
#define LEAVES_ALONE_US  (10 * SECOND_US)       /* before the end, when more may be broken */

/* ---- configuration ---- */

const Mec__Config *director_config(const struct simulation *simulation)
{
    const struct director *director = simulation->director;

    return director->configs[director->config_count - 1];
}

const Mec__Config *director_first_config(const struct simulation *simulation)
{
    return simulation->director->configs[0];
}

static void make_seed(uint8_t *ret_seed, size_t size, uint32_t number)
{
    memset(ret_seed, (int)number, size);
    memcpy(ret_seed, SECRETS_SEED, sizeof SECRETS_SEED - 1);
}

void director_signing_seed(uint32_t region, uint32_t number, uint8_t ret_seed[TOKEN_KEY_SEED_SIZE])
{
    make_seed(ret_seed, TOKEN_KEY_SEED_SIZE, region + 1 + PLAN_REGIONS_MAX * (number - 1));
}

/* The first key of a region; the same in each run: made once. */
static const uint8_t *first_public_key(uint32_t region)
{
    static uint8_t keys[PLAN_REGIONS_MAX][TOKEN_KEY_PUBLIC_SIZE];
    static bool made[PLAN_REGIONS_MAX];

    if (!made[region]) {
        uint8_t seed[TOKEN_KEY_SEED_SIZE];

        director_signing_seed(region, 1, seed);
        token_key_public(seed, keys[region]);
        made[region] = true;
    }
    return keys[region];
}

/* Likewise made once. */
static uint8_t (*vault_keys(void))[VAULT_KEY_PUBLIC_SIZE]
{
    static uint8_t keys[PLAN_REGIONS_MAX][VAULT_KEY_PUBLIC_SIZE];
    static bool made;

    for (uint32_t i = 0; i < PLAN_REGIONS_MAX && !made; i++) {
        uint8_t seed[VAULT_KEY_SEED_SIZE];

        director_vault_seed(i, seed);
        vault_key_public(seed, keys[i]);
    }
    made = true;
    return keys;
}

void director_vault_seed(uint32_t region, uint8_t ret_seed[VAULT_KEY_SEED_SIZE])
{
    make_seed(ret_seed, VAULT_KEY_SEED_SIZE, 0x80 | region);
}

static Mec__Config *compile(struct director *director)
{
    const struct plan *plan = director->simulation->plan;
    struct compile_input input = {.version = director->config_count + 1,
                                  .world = "simulated",
                                  .runtime_directory = "run",
                                  .topology = director->topology,
                                  .faults = &director->faults,
                                  .listeners = director->listeners,
                                  .listener_count = plan->region_count + 1,
                                  .rings = director->rings,
                                  .vault_keys =
                                      (const uint8_t(*)[VAULT_KEY_PUBLIC_SIZE])vault_keys(),
                                  .seed = plan->seed};
    Mec__Config *config = compile_config(&input);

    for (size_t i = 0; i < plan->region_count; i++) {
        Mec__ShardConfig *shard = config->shards[i];

        free(shard->home);
        shard->home = memory_text(
            director->shards[i].sealed ? "" : plan->region_names[director->shards[i].home]);
        shard->epoch = director->shards[i].epoch;
    }
    config->settings->cache_bytes = director->cache_bytes;
    return config;
}

static void add_config(struct director *director)
{
    const Mec__Config *config = compile(director);

    director->configs =
        memory_grow(director->configs, (director->config_count + 1) * sizeof(Mec__Config *));
    director->configs[director->config_count++] = config;
    for (size_t i = 0; i < director->simulation->plan->region_count; i++)
        key_ring_stamp(&director->rings[i], config->version);
}

static void configured(struct process *process, struct errand *errand)
{
    const Mec__Config *config = errand->what;

    if (config->version <= process->config->version)
        return;
    process->config = config;
    switch (process->kind) {
    case PROCESS_REGIOND:
        region_host_configured(process);
        return;
    case PROCESS_REPLICATOR:
        replicator_host_configured(process);
        return;
    case PROCESS_ROUTER:
        router_host_configured(process);
        return;
    }
}

bool director_reaches(const struct director *director, const struct process *process)
{
    if (director->control_down)
        return false;
    return process->kind == PROCESS_ROUTER ? !director->router_unreachable[process->index]
                                           : !director->unreachable[process->index];
}

static uint64_t told_after_us(struct simulation *simulation)
{
    bool late = simulation_draw(simulation, LUCK_DIRECTOR, 1, TOLD_LATE_OUT_OF) == 1;

    return simulation_draw(simulation, LUCK_DIRECTOR, TOLD_US_MIN,
                           late ? TOLD_LATE_US_MAX : TOLD_US_MAX);
}

static void tell(struct director *director, struct process *process)
{
    struct simulation *simulation = director->simulation;
    const Mec__Config *config = director_config(simulation);
    struct errand *errand;

    if (!process->up || process->config == config || !director_reaches(director, process))
        return;
    errand = process_errand(process, configured, 0);
    errand->what = (void *)(uintptr_t)config;
    process_send(errand, simulation->now_us + told_after_us(simulation));
}

void director_publish(struct director *director)
{
    struct simulation *simulation = director->simulation;

    add_config(director);
    for (size_t i = 0; i < simulation->process_count; i++)
        tell(director, &simulation->processes[i]);
}

int64_t director_clock_offset_us(const struct simulation *simulation, uint32_t region)
{
    const struct clock *clock = &simulation->director->clocks[region];
    int64_t for_us = (int64_t)(simulation->now_us - clock->since_us);

    return clock->offset_us + for_us * clock->drift_ppm / 1000000;
}

uint32_t director_home(const struct simulation *simulation, uint32_t shard)
{
    return simulation->director->shards[shard].home;
}

bool director_has_moved(const struct simulation *simulation, uint32_t shard)
{
    return simulation->director->shards[shard].epoch > 1;
}

/* ---- processes ---- */

static void drop(void *what)
{
    free(what);
}

void director_later(struct director *director, uint64_t delay_us, void (*run)(void *what),
                    void *what)
{
    events_add(&director->simulation->events, director->simulation->now_us + delay_us, run, drop,
               what);
}

/* A start that is due. */
struct start {
    struct process *process;
    uint64_t life; /* in which it ended */
};

static bool may_start(const struct director *director, const struct process *process)
{
    if (!director_reaches(director, process))
        return false;
    return process->kind == PROCESS_ROUTER ||
           (!director->lost[process->index] && !director->gone[process->index]);
}

static uint64_t back_off_us(uint32_t stumbles)
{
    uint64_t us = START_AGAIN_US << (stumbles < 10 ? stumbles : 10);

    return us < RESTART_US_MAX ? us : RESTART_US_MAX;
}

static void on_start(void *what)
{
    struct start start = *(struct start *)what;
    struct process *process = start.process;
    struct director *director = process->simulation->director;

    free(what);
    if (process->up || process->life != start.life)
        return;
    if (!may_start(director, process)) {
        director_start_later(process, START_AGAIN_US);
        return;
    }
    if (process->kind == PROCESS_REGIOND && process->stumbles > 2)
        director_repair(director, process->index);
    if (process_start(process) != 0) {
        process->stumbles++;
        director_start_later(process, back_off_us(process->stumbles));
    }
}

void director_start_later(struct process *process, uint64_t delay_us)
{
    struct start *start = memory_alloc(sizeof *start);

    *start = (struct start){process, process->life};
    director_later(process->simulation->director, delay_us, on_start, start);
}

void director_process_ended(struct process *process)
{
    uint64_t after_us = process->restart_after_us;

    process->restart_after_us = RESTART_US;
    if (after_us != NEVER_US)
        director_start_later(process, after_us);
}

void director_end(struct process *process, enum process_end how, uint64_t down_us)
{
    process->restart_after_us = down_us ? down_us : NEVER_US;
    if (process->up)
        process_end(process, how);
}

void director_begin(struct simulation *simulation)
{
    for (size_t i = 0; i < simulation->process_count; i++) {
        simulation->processes[i].restart_after_us = RESTART_US;
        director_start_later(&simulation->processes[i],
                             simulation_draw(simulation, LUCK_DIRECTOR, 0, FIRST_START_US));
    }
    director_plan_faults(simulation->director);
}

/* ---- healing ---- */

void director_heal_all(struct simulation *simulation)
{
    struct director *director = simulation->director;

    director_heal_faults(director);
    director_publish(director);
    for (size_t i = 0; i < simulation->process_count; i++) {
        struct process *process = &simulation->processes[i];

        if (process->up && process->paused)
            process_resume(process);
        process->actions_left = 0;
        if (!process->up)
            director_start_later(process, MILLISECOND_US);
    }
}

bool director_is_settled(const struct simulation *simulation)
{
    return simulation->director->moves == NULL;
}

static void isolate(struct director *director, uint32_t region)
{
    struct fault fault = {.kind = FAULT_ISOLATE}, added;
    char *error = NULL;
    int code;

    snprintf(fault.a, sizeof fault.a, "%s", director->simulation->plan->region_names[region]);
    code = faults_add(&director->faults, director->topology, &fault, &added, &error);
    assert(code == 0);
}

void director_break_rest(struct simulation *simulation, uint32_t core)
{
    struct director *director = simulation->director;

    for (uint32_t i = 0; i < simulation->plan->region_count; i++) {
        if (core >> i & 1)
            continue;
        if (simulation_draw(simulation, LUCK_DIRECTOR, 0, 1) == 0) {
            simulation_trace(simulation, simulation->plan->region_names[i], "is gone for good");
            director->gone[i] = true;
            director_end(simulation_regiond(simulation, i), PROCESS_KILLED, 0);
            director_end(simulation_replicator(simulation, i), PROCESS_KILLED, 0);
        } else {
            simulation_trace(simulation, simulation->plan->region_names[i],
                             "is out of reach for good");
            isolate(director, i);
        }
    }
    director_publish(director);
}

/* ---- being left alone ---- */

/* Kinds that hit one region as a whole, and nothing else. */
static bool is_about_one_region(enum plan_fault_kind kind)
{
    switch (kind) {
    case PLAN_FAULT_KILL_REGIOND:
    case PLAN_FAULT_KILL_REPLICATOR:
    case PLAN_FAULT_CRASH_REGIOND:
    case PLAN_FAULT_CRASH_REPLICATOR:
    case PLAN_FAULT_STOP_REGIOND:
    case PLAN_FAULT_PAUSE_REGIOND:
    case PLAN_FAULT_PAUSE_REPLICATOR:
    case PLAN_FAULT_KILL_AT_CALL:
    case PLAN_FAULT_POWER_CUT:
    case PLAN_FAULT_POWER_CUT_AT_CALL:
    case PLAN_FAULT_ISOLATE:
    case PLAN_FAULT_SERVICE_DOWN:
    case PLAN_FAULT_SERVICE_ERRORS:
    case PLAN_FAULT_SERVICE_LATENCY:
        return true;
    default:
        return false;
    }
}

static void find_sole_region(struct director *director)
{
    const struct plan *plan = director->simulation->plan;

    director->sole_region = PLAN_NONE;
    director->has_sole_region = true;
    for (size_t i = 0; i < plan->fault_count; i++) {
        const struct plan_fault *fault = &plan->faults[i];

        if (i == 0)
            director->sole_region = fault->region;
        if (!is_about_one_region(fault->kind) || fault->region != director->sole_region)
            director->has_sole_region = false;
    }
}

bool director_leaves_alone(const struct simulation *simulation, uint32_t home, uint32_t place)
{
    const struct director *director = simulation->director;

    return director->has_sole_region && simulation->now_us >= SETTLED_AFTER_US &&
           simulation->now_us + LEAVES_ALONE_US < simulation->plan->duration_us &&
           home != director->sole_region && place != director->sole_region;
}

/* ---- life ---- */

static void set_up_topology(struct director *director)
{
    const struct plan *plan = director->simulation->plan;
    char names[PLAN_REGIONS_MAX * 41] = "";
    char *error = NULL;
    int code;

    for (size_t i = 0; i < plan->region_count; i++) {
        strcat(names, i ? "," : "");
        strcat(names, plan->region_names[i]);
    }
    code = topology_built_in(names, &director->topology, &error);
    assert(code == 0); /* a plan names only regions that there are */
    director->topology->settings = plan->settings;
}

struct director *director_create(struct simulation *simulation)
{
    const struct plan *plan = simulation->plan;
    struct director *director = memory_alloc(sizeof *director);

    director->simulation = simulation;
    set_up_topology(director);
    director->cache_bytes = plan->settings.cache_bytes;
    for (uint32_t i = 0; i < plan->region_count; i++) {
        director->shards[i].home = i;
        director->shards[i].epoch = 1;
        key_ring_init(&director->rings[i]);
        key_ring_begin(&director->rings[i], 1, first_public_key(i), 0);
        snprintf(director->listeners[i + 1].geo, sizeof director->listeners[i + 1].geo, "%s",
                 plan->region_names[i]);
    }
    add_config(director);
    find_sole_region(director);
    return director;
}

void director_free(struct director *director)
{
    if (!director)
        return;
    director_free_faults(director);
    director_free_moves(director);
    for (size_t i = 0; i < director->config_count; i++)
        mec__config__free_unpacked((Mec__Config *)(uintptr_t)director->configs[i], NULL);
    free(director->configs);
    faults_free(&director->faults);
    topology_free(director->topology);
    free(director);
}
