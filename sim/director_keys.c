/* Signing keys follow each other; see director.h. How is decided by controld's own rings
 * (control/key_ring.h); here they learn what they need, as controld does from Hellos. */

#include <stdlib.h>

#include "common/memory.h"
#include "common/token.h"
#include "sim/director_internal.h"
#include "sim/region_host.h"

#define LOOK_AGAIN_US (50 * MILLISECOND_US)

static uint64_t version_of(const struct process *process)
{
    return process->up ? process->config->version : UINT64_MAX;
}

static struct key_ring_facts facts_of(const struct director *director, uint32_t region)
{
    const struct simulation *simulation = director->simulation;
    struct key_ring_facts facts = {
        .now_wall_us = simulation->now_us,
        .least_version = UINT64_MAX,
        .signer_version = version_of(simulation_regiond((struct simulation *)simulation, region)),
        .token_lifetime_us = director_config(simulation)->settings->token_lifetime_s * SECOND_US};

    for (size_t i = 0; i < simulation->process_count; i++) {
        uint64_t version = version_of(&simulation->processes[i]);

        if (version < facts.least_version)
            facts.least_version = version;
    }
    return facts;
}

/* Returns whether a new configuration must follow. */
static bool learn_of_key(struct director *director, uint32_t region)
{
    const struct process *process = simulation_regiond(director->simulation, region);
    struct key_ring *ring = &director->rings[region];
    const struct key_ring_key *wanted = key_ring_in(ring, KEY_RING_WANTED);
    uint8_t seed[TOKEN_KEY_SEED_SIZE], public_key[TOKEN_KEY_PUBLIC_SIZE];

    if (!wanted || !process_runs(process) || !director_reaches(director, process) ||
        !region_host_has_key(process->region, wanted->number))
        return false;
    director_signing_seed(region, wanted->number, seed);
    token_key_public(seed, public_key);
    return key_ring_made(ring, wanted->number, public_key, director->simulation->now_us) ==
           KEY_RING_MOVED;
}

static bool advance(struct director *director, uint32_t region)
{
    struct key_ring_facts facts = facts_of(director, region);
    enum key_ring_change change;
    bool moved = learn_of_key(director, region);

    while ((change = key_ring_advance(&director->rings[region], &facts)) != KEY_RING_SAME)
        moved = moved || change == KEY_RING_MOVED;
    return moved;
}

static bool is_calm(const struct key_ring *ring)
{
    return ring->count == 1 && ring->keys[0].state == KEY_RING_SIGNING;
}

static void look(void *what);

static void look_later(struct director *director)
{
    void **what = memory_alloc(sizeof *what);

    *what = director;
    director->looks_at_keys = true;
    director_later(director, LOOK_AGAIN_US, look, what);
}

static void look(void *what)
{
    struct director *director = *(struct director **)what;
    bool moved = false, calm = true;

    free(what);
    director->looks_at_keys = false;
    for (uint32_t i = 0; i < director->simulation->plan->region_count; i++) {
        /* While the control plane is down nobody learns or decides anything. */
        if (!director->control_down)
            moved = advance(director, i) || moved;
        calm = calm && is_calm(&director->rings[i]);
    }
    if (moved)
        director_publish(director);
    if (!calm)
        look_later(director);
}

bool director_rotate_keys(struct director *director, const struct plan_fault *fault)
{
    struct simulation *simulation = director->simulation;
    bool leaked = fault->amount == 1;
    uint32_t number;

    if (key_ring_rotate(&director->rings[fault->region], leaked, simulation->now_us, &number) < 0)
        return false;
    if (leaked)
        watch_keys_leaked(simulation->watch, fault->region, number);
    director_publish(director);
    if (!director->looks_at_keys)
        look_later(director);
    return true;
}
