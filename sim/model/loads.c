#include "sim/model/loads.h"

#include <assert.h>
#include <stdlib.h>

#include "common/memory.h"

/* More than this above its capacity is an overload, and less is how numbers are rounded. */
#define OVERLOAD 1e-9

struct measured {
    uint32_t down;
    struct load load;
};

struct loads {
    const struct traffic *traffic;
    const struct traffic_state *state;
    const double *mix;
    double per_s;
    uint32_t region_count;
    struct load usual;
    struct measured *measured;
    size_t count;
};

/* ---- measuring ---- */

struct adding {
    const struct loads *loads;
    struct load *load;
};

static void add(void *context, const struct traffic_question *question, double weight, double users,
                const struct traffic_outcome *outcome)
{
    struct adding *adding = context;

    (void)question;
    (void)users;
    for (uint32_t region = 0; region < adding->loads->region_count; region++) {
        if ((outcome->asked >> region & 1u) != 0)
            adding->load->per_s[region] += weight * adding->loads->per_s;
    }
    if (outcome->kind == TRAFFIC_FAILS || outcome->kind == TRAFFIC_READ_ONLY)
        adding->load->failing += weight;
}

static void measure(const struct loads *loads, const struct traffic_state *state,
                    struct load *ret_load)
{
    struct adding adding = {loads, ret_load};

    *ret_load = (struct load){.failing = 0};
    traffic_walk(loads->traffic, state, loads->mix, add, &adding);
}

struct loads *loads_create(const struct traffic *traffic, const struct traffic_state *state,
                           const double mix[TRAFFIC_OPERATION_COUNT], double per_s)
{
    static const struct traffic_state all_well;
    struct loads *loads = memory_alloc(sizeof *loads);

    loads->traffic = traffic;
    loads->state = state;
    loads->mix = mix;
    loads->per_s = per_s;
    loads->region_count = (uint32_t)traffic_deployment(traffic)->region_count;
    measure(loads, &all_well, &loads->usual);
    return loads;
}

void loads_free(struct loads *loads)
{
    if (!loads)
        return;
    free(loads->measured);
    free(loads);
}

const struct load *loads_usual(const struct loads *loads)
{
    return &loads->usual;
}

const struct load *loads_with(struct loads *loads, uint32_t down)
{
    for (size_t i = 0; i < loads->count; i++) {
        if (loads->measured[i].down == down)
            return &loads->measured[i].load;
    }
    loads->measured = memory_grow(loads->measured, (loads->count + 1) * sizeof *loads->measured);
    struct measured *measured = &loads->measured[loads->count++];
    struct traffic_state state = *loads->state;
    state.down |= down;
    measured->down = down;
    measure(loads, &state, &measured->load);
    return &measured->load;
}

/* ---- headroom ---- */

void loads_worst(struct loads *loads, uint32_t region, struct load_worst *ret_worst)
{
    struct load_worst worst = {.usual_per_s = loads->usual.per_s[region],
                               .now_per_s = loads_with(loads, 0)->per_s[region],
                               .after = region};

    worst.worst_per_s = worst.now_per_s;
    for (uint32_t other = 0; other < loads->region_count; other++) {
        double per_s = other == region ? 0 : loads_with(loads, 1u << other)->per_s[region];

        if (per_s <= worst.worst_per_s)
            continue;
        worst.worst_per_s = per_s;
        worst.after = other;
    }
    if (worst.usual_per_s > 0 && worst.worst_per_s > worst.usual_per_s)
        worst.headroom = worst.worst_per_s / worst.usual_per_s - 1;
    *ret_worst = worst;
}

/* ---- cascades ---- */

static uint32_t overloaded(struct loads *loads, uint32_t fallen,
                           const struct load_capacity *capacity)
{
    const struct load *then = loads_with(loads, fallen);
    uint32_t regions = 0;

    for (uint32_t region = 0; region < loads->region_count; region++) {
        double able_per_s = loads->usual.per_s[region] * (1 + capacity->headroom);

        if (able_per_s < capacity->least_per_s)
            able_per_s = capacity->least_per_s;
        if ((fallen >> region & 1u) == 0 && then->per_s[region] > able_per_s * (1 + OVERLOAD))
            regions |= 1u << region;
    }
    return regions;
}

void loads_cascade(struct loads *loads, uint32_t first, const struct load_capacity *capacity,
                   struct load_cascade *ret_cascade)
{
    struct load_cascade cascade = {.round_count = 0};

    uint32_t next = first == LOADS_NONE ? overloaded(loads, 0, capacity) : 1u << first;

    for (; next != 0; next = overloaded(loads, cascade.fallen, capacity)) {
        assert(cascade.round_count <= TOPOLOGY_REGIONS_MAX);
        cascade.rounds[cascade.round_count++] = next;
        cascade.fallen |= next;
    }
    cascade.failing = loads_with(loads, cascade.fallen)->failing;
    *ret_cascade = cascade;
}
