#include <stdlib.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/parts.h"
#include "sim/plan_internal.h"
#include "sim/plan_luck.h"

/* The mean time between two faults of a kind is drawn from here up to MEAN_US_MAX. */
#define OFTEN       SECOND_US
#define SELDOM      (4 * SECOND_US) /* starting a process again is dear */
#define MEAN_US_MAX (60 * SECOND_US)

#define DURATION_US_MIN (20 * MILLISECOND_US)
#define DURATION_US_MAX (20 * SECOND_US)

struct luck {
    uint64_t mean_us_min;
    uint64_t amount_least; /* of those that have one but routers */
    uint64_t amount_most;
    uint32_t rare; /* at most so many in a plan; 0: as many as come */
};

#define LUCK(kind, mean, least, most, rare) [PLAN_FAULT_##kind] = {mean, least, most, rare}

static const struct luck lucks[PLAN_FAULT_COUNT] = {
    LUCK(KILL_REGIOND, SELDOM, 0, 0, 0),
    LUCK(KILL_REPLICATOR, OFTEN, 0, 0, 0),
    LUCK(KILL_ROUTER, SELDOM, 0, 0, 0),
    LUCK(CRASH_REGIOND, SELDOM, 1, 400, 0),
    LUCK(CRASH_REPLICATOR, OFTEN, 1, 400, 0),
    LUCK(CRASH_ROUTER, SELDOM, 1, 400, 0),
    LUCK(STOP_REGIOND, SELDOM, 0, 0, 0),
    LUCK(PAUSE_REGIOND, OFTEN, 0, 0, 0),
    LUCK(PAUSE_REPLICATOR, OFTEN, 0, 0, 0),
    LUCK(PAUSE_ROUTER, SELDOM, 0, 0, 0),
    LUCK(KILL_AT_CALL, SELDOM, 1, 200, 0),
    LUCK(POWER_CUT, SELDOM, 0, 0, 0),
    LUCK(POWER_CUT_AT_CALL, SELDOM, 1, 200, 0),
    LUCK(LOSE_REGION, SELDOM, 0, 0, 3),
    LUCK(BLANK_COPY, SELDOM, 0, 0, 3),
    LUCK(MOVE_HOME, SELDOM, 0, 0, 3),
    LUCK(DISK_FULL, SELDOM, 1, 200, 0),
    LUCK(DISK_READ_ONLY, SELDOM, 0, 0, 0),
    LUCK(WRITE_FAILS, SELDOM, 1, 200, 0),
    LUCK(SYNC_FAILS_ONCE, SELDOM, 1, 200, 0),
    LUCK(SYNC_FAILS, SELDOM, 1, 200, 0),
    LUCK(SLOW_SYNC, OFTEN, MILLISECOND_US, 2 * SECOND_US, 0),
    LUCK(FLIP_BITS, SELDOM, 1, 64, 3),
    LUCK(CUT, OFTEN, 0, 0, 0),
    LUCK(CUT_ONE_WAY, OFTEN, 0, 0, 0),
    LUCK(CUT_RESET, OFTEN, 0, 0, 0),
    LUCK(ISOLATE, OFTEN, 0, 0, 0),
    LUCK(CUT_CLIENTS, OFTEN, 0, 0, 0),
    LUCK(FLAP, OFTEN, 150 * MILLISECOND_US, 5 * SECOND_US, 0), /* each turn is a config for all */
    LUCK(LATENCY, OFTEN, MILLISECOND_US, 2 * SECOND_US, 0),
    LUCK(JITTER, OFTEN, MILLISECOND_US, 2 * SECOND_US, 0),
    LUCK(LOSS, OFTEN, 1000, 500000, 0),
    LUCK(RATE, OFTEN, 2000, 1000000, 0),
    LUCK(CLOCK_OFFSET, OFTEN, 10 * MILLISECOND_US, 20 * SECOND_US, 0),
    LUCK(CLOCK_DRIFT, OFTEN, 100, 100000, 0),
    LUCK(CACHE_OFF, OFTEN, 0, 0, 0),
    LUCK(CACHE_TINY, OFTEN, 256, 8192, 0),
    LUCK(CONTROL_DOWN, OFTEN, 0, 0, 0),
    LUCK(CONTROL_UNREACHABLE, OFTEN, 0, 0, 0),
    LUCK(RESET_CLIENTS, OFTEN, 0, 0, 0),
    LUCK(ROUTER_UNREACHABLE, OFTEN, 0, 0, 0),
    LUCK(MOVE_LIVE_HOME, OFTEN, 0, 0, 12),
    LUCK(CORRUPT_BATCHES, OFTEN, 1, 20, 0),
    LUCK(REPEAT_BATCHES, OFTEN, MILLISECOND_US, 10 * SECOND_US, 0),
    LUCK(CUT_RESET_ONE_WAY, OFTEN, 0, 0, 0),
    LUCK(REQUESTS_LOST, OFTEN, 0, 0, 0),
    LUCK(ANSWERS_LOST, OFTEN, 0, 0, 0),
    LUCK(SERVICE_DOWN, OFTEN, 0, 0, 0),
    LUCK(SERVICE_ERRORS, OFTEN, 10000, 1000000, 0),
    LUCK(SERVICE_LATENCY, OFTEN, 1000, 3000000, 0),
    LUCK(CACHE_DISABLE, OFTEN, 0, 0, 0),
    LUCK(CACHE_FREEZE, OFTEN, 0, 0, 0),
    LUCK(CACHE_FLUSH, OFTEN, 0, 0, 0),
    LUCK(ROTATE_KEYS, OFTEN, 1, 5, 12),
};

/* What all faults of a plan share. */
struct swarm {
    uint64_t kinds;
    uint64_t from_us;
    uint32_t focus; /* region that has more than its share; PLAN_NONE: none has */
};

static void add(struct plan *plan, const struct plan_fault *fault, size_t *capacity)
{
    if (plan->fault_count == *capacity) {
        *capacity = *capacity == 0 ? 64 : 2 * *capacity;
        plan->faults = memory_grow(plan->faults, *capacity * sizeof(plan->faults[0]));
    }
    plan->faults[plan->fault_count++] = *fault;
}

/* Trouble that gathers in one place goes deeper than trouble that is spread evenly. */
static uint32_t draw_region(const struct plan *plan, uint32_t focus, struct random *random)
{
    uint32_t any = (uint32_t)random_up_to(random, plan->region_count - 1);

    return plan_luck_chance(random, 60) && focus != PLAN_NONE ? focus : any;
}

static uint32_t draw_other(const struct plan *plan, enum plan_other kind, uint32_t region,
                           struct random *random)
{
    uint64_t regions = plan->region_count;

    switch (kind) {
    case PLAN_OTHER_NONE:
        return PLAN_NONE;
    case PLAN_OTHER_REGION:
        return (uint32_t)random_up_to(random, regions - 1);
    case PLAN_OTHER_APART:
        return (uint32_t)((region + 1 + random_up_to(random, regions - 2)) % regions);
    case PLAN_OTHER_ROUTER:
        return (uint32_t)random_up_to(random, plan->router_count - 1);
    case PLAN_OTHER_SERVICE:
        return (uint32_t)random_up_to(random, PARTS_SERVICE_COUNT - 1);
    case PLAN_OTHER_CACHE:
        return (uint32_t)random_up_to(random, PARTS_CACHE_COUNT - 1);
    }
    return PLAN_NONE;
}

static uint64_t draw_amount(const struct plan *plan, enum plan_amount kind, const struct luck *luck,
                            struct random *random)
{
    if (kind == PLAN_AMOUNT_NONE)
        return 0;
    if (kind == PLAN_AMOUNT_ROUTER)
        return random_up_to(random, plan->router_count - 1);
    uint64_t amount = plan_luck_wide(random, luck->amount_least, luck->amount_most);
    bool is_signed = kind == PLAN_AMOUNT_SHIFT || kind == PLAN_AMOUNT_DRIFT;
    return is_signed && plan_luck_chance(random, 50) ? -amount : amount;
}

static void draw(const struct plan *plan, uint32_t focus, struct random *random,
                 struct plan_fault *fault)
{
    const struct plan_shape *shape = plan_fault_shape(fault->kind);
    uint32_t region = draw_region(plan, focus, random);
    uint64_t duration_us = plan_luck_wide(random, DURATION_US_MIN, DURATION_US_MAX);
    bool to_the_end = plan_luck_chance(random, 3);

    fault->region = shape->has_region ? region : PLAN_NONE;
    fault->duration_us = shape->lasts && !to_the_end ? duration_us : 0;
    fault->other = draw_other(plan, shape->other, region, random);
    fault->amount = draw_amount(plan, shape->amount, &lucks[fault->kind], random);
}

static void make_kind(struct plan *plan, enum plan_fault_kind kind, const struct swarm *swarm,
                      size_t *capacity)
{
    const struct luck *luck = &lucks[kind];
    uint64_t until_us = plan->duration_us - 1;
    struct random random;

    plan_luck_stream(plan->seed, PLAN_ASPECT_FAULT + (unsigned)kind, &random);
    uint64_t mean_us = plan_luck_wide(&random, luck->mean_us_min, MEAN_US_MAX);
    uint64_t count = plan_luck_events(&random, until_us - swarm->from_us, mean_us);
    uint64_t few = random_up_to(&random, luck->rare);
    if (luck->rare != 0 && count > few)
        count = few;
    for (uint64_t i = 0; i < count; i++) {
        struct plan_fault fault = {.kind = kind};

        fault.at_us = plan_luck_between(&random, swarm->from_us, until_us);
        draw(plan, swarm->focus, &random, &fault);
        add(plan, &fault, capacity);
    }
}

static int compare(const void *left, const void *right)
{
    const struct plan_fault *a = left;
    const struct plan_fault *b = right;

    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->duration_us > b->duration_us) - (a->duration_us < b->duration_us);
}

static void make_swarm(struct plan *plan, const struct swarm *swarm)
{
    size_t capacity = 0;

    for (unsigned kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        if (swarm->kinds >> kind & 1u)
            make_kind(plan, (enum plan_fault_kind)kind, swarm, &capacity);
    if (plan->fault_count > 0)
        qsort(plan->faults, plan->fault_count, sizeof(plan->faults[0]), compare);
}

/* The loss of one region, long and with nothing else: users of the others must not feel it. */
static void make_single_loss(struct plan *plan, uint64_t wished, uint64_t settled_us)
{
    static const enum plan_fault_kind kinds[] = {PLAN_FAULT_KILL_REGIOND, PLAN_FAULT_PAUSE_REGIOND,
                                                 PLAN_FAULT_ISOLATE};
    uint64_t third_us = plan->duration_us / 3;
    struct plan_fault fault = {.other = PLAN_NONE};
    struct random random;
    size_t capacity = 0;

    plan_luck_stream(plan->seed, PLAN_ASPECT_SINGLE, &random);
    fault.kind = kinds[random_up_to(&random, 2)];
    fault.at_us = plan_luck_between(&random, settled_us, third_us);
    fault.duration_us = plan_luck_between(&random, third_us, 2 * third_us);
    fault.region = (uint32_t)random_up_to(&random, plan->region_count - 1);
    plan->core = (1u << plan->region_count) - 1;
    if (wished >> fault.kind & 1u)
        add(plan, &fault, &capacity);
}

static uint64_t pick_one(uint64_t kinds, struct random *random)
{
    uint64_t skip = random_up_to(random, (uint64_t)__builtin_popcountll(kinds) - 1);

    for (; skip > 0; skip--)
        kinds &= kinds - 1; /* the lowest one goes */
    return kinds & -kinds;
}

/* How many kinds a seed takes differs as widely as how often they come; one at least. */
static uint64_t draw_kinds(uint64_t wished, struct random *random)
{
    uint64_t per_mille = plan_luck_wide(random, 30, 400);
    uint64_t kinds = 0;

    for (unsigned kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        if (random_up_to(random, 999) < per_mille)
            kinds |= UINT64_C(1) << kind;
    kinds &= wished;
    return kinds != 0 || wished == 0 ? kinds : pick_one(wished, random);
}

void plan_make_faults(struct plan *plan, uint64_t wished, uint64_t settled_us)
{
    struct swarm swarm;
    struct random random;

    plan_luck_stream(plan->seed, PLAN_ASPECT_SWARM, &random);
    uint64_t scenario = random_up_to(&random, 99);
    uint32_t focus = (uint32_t)random_up_to(&random, plan->region_count - 1);
    swarm.focus = plan_luck_chance(&random, 50) ? focus : PLAN_NONE;
    swarm.from_us = plan_luck_chance(&random, 12) ? 0 : settled_us;
    swarm.kinds = draw_kinds(wished, &random);
    if (scenario < 8)
        return;
    if (scenario < 18)
        make_single_loss(plan, wished, settled_us);
    else
        make_swarm(plan, &swarm);
}
