#include "sim/model/scale_faults.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/moment.h"

void scale_faults_clear(struct scale_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->items[i].text);
    faults->count = 0;
}

static bool is_in_force(const struct scale_fault *fault, uint64_t now_us)
{
    return now_us >= fault->from_us && now_us < fault->until_us;
}

/* Which of its turns it is in: broken in those with an even number. */
static uint64_t turn_of(const struct scale_fault *fault, uint64_t now_us)
{
    return fault->flap_us == 0 ? 0 : (now_us - fault->from_us) / fault->flap_us;
}

bool scale_faults_is_broken(const struct scale_fault *fault, uint64_t now_us)
{
    return is_in_force(fault, now_us) && turn_of(fault, now_us) % 2 == 0;
}

uint32_t scale_faults_in_force(const struct scale_faults *faults, uint64_t now_us)
{
    uint32_t set = 0;

    for (size_t i = 0; i < faults->count; i++)
        if (is_in_force(&faults->items[i], now_us))
            set |= 1u << i;
    return set;
}

/* From when on it is ahead. */
static uint64_t ahead_us(const struct scale_fault *fault)
{
    uint64_t duration_us = fault->until_us - fault->from_us;

    return fault->from_us > duration_us ? fault->from_us - duration_us : 0;
}

uint32_t scale_faults_ahead(const struct scale_faults *faults, uint64_t now_us)
{
    uint32_t set = 0;

    for (size_t i = 0; i < faults->count; i++)
        if (now_us >= ahead_us(&faults->items[i]) && now_us < faults->items[i].from_us)
            set |= 1u << i;
    return set;
}

/* Since when it has been as it is; only while it is broken. */
static uint64_t broken_since_us(const struct scale_fault *fault, uint64_t now_us)
{
    return fault->from_us + turn_of(fault, now_us) * fault->flap_us;
}

/* When it breaks or is whole again next. */
static uint64_t next_turn_us(const struct scale_fault *fault, uint64_t now_us)
{
    if (now_us < fault->from_us)
        return fault->from_us;
    if (now_us >= fault->until_us)
        return NEVER_US;
    uint64_t turn_us = fault->from_us + (turn_of(fault, now_us) + 1) * fault->flap_us;
    return fault->flap_us == 0 || turn_us > fault->until_us ? fault->until_us : turn_us;
}

/* ---- what is broken ---- */

static void break_it(const struct scale_fault *fault, struct traffic_state *state)
{
    uint32_t region = 1u << fault->region;

    switch (fault->kind) {
    case SCALE_FAULT_REGION:
        state->down |= region;
        return;
    case SCALE_FAULT_ISOLATE:
        state->isolated |= region;
        return;
    case SCALE_FAULT_CUT:
        state->cut[fault->region] |= 1u << fault->other;
        state->cut[fault->other] |= region;
        return;
    case SCALE_FAULT_CLIENT_CUT:
        state->client_cut[fault->other] |= region;
        return;
    case SCALE_FAULT_SERVICE:
        state->services_down[fault->region] |= 1u << fault->service;
        return;
    case SCALE_FAULT_REPLICATOR:
        state->replicators_down |= region;
        return;
    case SCALE_FAULT_DISK:
        state->full |= region;
        return;
    }
    assert(false && "a kind of fault");
}

static void age(uint64_t *since_us, uint64_t broken_us)
{
    if (broken_us > *since_us)
        *since_us = broken_us;
}

void scale_faults_state(const struct scale_faults *faults, uint64_t now_us,
                        struct traffic_state *ret_state,
                        uint64_t ret_since_us[TOPOLOGY_REGIONS_MAX])
{
    memset(ret_state, 0, sizeof *ret_state);
    memset(ret_since_us, 0, TOPOLOGY_REGIONS_MAX * sizeof *ret_since_us);
    for (size_t i = 0; i < faults->count; i++) {
        const struct scale_fault *fault = &faults->items[i];
        if (!scale_faults_is_broken(fault, now_us))
            continue;
        uint64_t broken_us = now_us - broken_since_us(fault, now_us);
        break_it(fault, ret_state);
        age(&ret_since_us[fault->region], broken_us);
        if (fault->kind == SCALE_FAULT_CUT)
            age(&ret_since_us[fault->other], broken_us);
    }
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_age_us(const struct scale_fault *fault, uint64_t now_us,
                            const uint64_t *ages_us, size_t count)
{
    uint64_t next_us = NEVER_US;

    if (!scale_faults_is_broken(fault, now_us))
        return NEVER_US;
    for (size_t i = 0; i < count; i++) {
        uint64_t reached_us = broken_since_us(fault, now_us) + ages_us[i] + 1;
        if (reached_us > now_us)
            next_us = min_u64(next_us, reached_us);
    }
    return next_us;
}

uint64_t scale_faults_next_us(const struct scale_faults *faults, uint64_t now_us,
                              const uint64_t *ages_us, size_t count)
{
    uint64_t next_us = NEVER_US;

    for (size_t i = 0; i < faults->count; i++) {
        const struct scale_fault *fault = &faults->items[i];
        if (now_us < ahead_us(fault))
            next_us = min_u64(next_us, ahead_us(fault));
        next_us = min_u64(next_us, next_turn_us(fault, now_us));
        next_us = min_u64(next_us, next_age_us(fault, now_us, ages_us, count));
    }
    return next_us;
}

/* ---- the way of clients ---- */

static bool blocks(const struct scale_fault *fault, uint32_t geo, uint32_t region)
{
    if (fault->region != region)
        return false;
    return fault->kind == SCALE_FAULT_REGION || fault->kind == SCALE_FAULT_ISOLATE ||
           (fault->kind == SCALE_FAULT_CLIENT_CUT && fault->other == geo);
}

enum scale_way scale_faults_way(const struct scale_faults *faults, uint32_t geo, uint32_t region,
                                uint64_t now_us)
{
    enum scale_way way = SCALE_WAY_OPEN;

    for (size_t i = 0; i < faults->count; i++) {
        const struct scale_fault *fault = &faults->items[i];
        if (!blocks(fault, geo, region) || !scale_faults_is_broken(fault, now_us))
            continue;
        if (fault->kind == SCALE_FAULT_REGION)
            return SCALE_WAY_CLOSED;
        way = SCALE_WAY_HELD;
    }
    return way;
}

uint64_t scale_faults_next_way_us(const struct scale_faults *faults, uint32_t geo, uint32_t region,
                                  uint64_t now_us)
{
    uint64_t next_us = NEVER_US;

    for (size_t i = 0; i < faults->count; i++)
        if (blocks(&faults->items[i], geo, region))
            next_us = min_u64(next_us, next_turn_us(&faults->items[i], now_us));
    return next_us;
}
