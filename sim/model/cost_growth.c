#include "sim/model/cost_growth.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BENDS_MAX (2 * TOPOLOGY_REGIONS_MAX)

static int compare_numbers(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static size_t add_bends(const struct cost_input *input, const struct cost_fleet *fleet,
                        double bends[BENDS_MAX + 1], size_t count)
{
    for (size_t k = 0; k < fleet->count; k++) {
        double users = cost_floor_users(input, &fleet->regions[k]);
        if (isfinite(users) && users > 0)
            bends[count++] = users;
    }
    return count;
}

static double saved(const struct cost_input *input, const struct cost_fleet *before,
                    const struct cost_fleet *after, double users)
{
    return cost_burden(input, before, users) - cost_burden(input, after, users);
}

/* Where the line through (a, at_a) and (b, at_b) is 0, when it is so between the two. */
static double crossing(double a, double at_a, double b, double at_b)
{
    return a + (b - a) * (-at_a / (at_b - at_a));
}

/* From the last bend on it is a line for ever; from there back, segment by segment, to the first
 * one that dips below 0. */
double cost_growth_pays_from(const struct cost_input *input, const struct cost_fleet *before,
                             const struct cost_fleet *after)
{
    double bends[BENDS_MAX + 1] = {0}; /* the first is no users at all */
    size_t count = add_bends(input, after, bends, add_bends(input, before, bends, 1));

    qsort(bends, count, sizeof bends[0], compare_numbers);
    double right = bends[count - 1];
    double at_right = saved(input, before, after, right);
    double further = 2 * right + 1;
    double at_further = saved(input, before, after, further);
    if (at_further < at_right || (at_further <= at_right && at_right < 0))
        return INFINITY;
    if (at_right < 0)
        return crossing(right, at_right, further, at_further);
    for (size_t i = count - 1; i-- > 0;) {
        double left = bends[i];
        double at_left = saved(input, before, after, left);
        if (at_left < 0)
            return crossing(left, at_left, right, at_right);
        right = left;
        at_right = at_left;
    }
    return 0;
}

/* ---- order ---- */

static bool holds(const struct cost_input *input, uint32_t region, enum parts_service service)
{
    const struct deployment *deployment = input->deployment;

    return topology_may_hold(deployment->topology, service, deployment->region[region]);
}

/* How many services none of @regions may hold. */
static size_t homeless(const struct cost_input *input, const uint32_t *regions, size_t count)
{
    size_t services = 0;

    for (int service = 0; service < PARTS_SERVICE_COUNT; service++) {
        bool held = false;
        for (size_t i = 0; i < count; i++)
            held = held || holds(input, regions[i], (enum parts_service)service);
        services += !held;
    }
    return services;
}

/* As few as any of those that are left, one more, can make them. */
static size_t least_homeless(const struct cost_input *input, const uint32_t *regions, size_t done,
                             size_t all)
{
    uint32_t tried[TOPOLOGY_REGIONS_MAX];
    size_t least = SIZE_MAX;

    memcpy(tried, regions, done * sizeof *regions);
    for (size_t i = done; i < all; i++) {
        tried[done] = regions[i];
        size_t services = homeless(input, tried, done + 1);
        least = services < least ? services : least;
    }
    return least;
}

/* Bring @regions[@from] forward to @to; those between keep their order. */
static void bring(uint32_t *regions, size_t from, size_t to)
{
    uint32_t region = regions[from];

    memmove(&regions[to + 1], &regions[to], (from - to) * sizeof *regions);
    regions[to] = region;
}

/* Is @this a better next region than @best? */
static bool is_better(const struct cost_input *input, const struct cost_step *this,
                      const struct cost_step *best, double users)
{
    if (this->pays_from < best->pays_from || this->pays_from > best->pays_from)
        return this->pays_from < best->pays_from;
    return cost_burden(input, &this->fleet, users) < cost_burden(input, &best->fleet, users);
}

/* The first @done + 1 of @regions, @done of which @growth has. */
static void make_step(const struct cost_input *input, const struct cost_growth *growth,
                      const uint32_t *regions, size_t done, struct cost_step *ret_step)
{
    cost_fleet_make(input, regions, done + 1, &ret_step->fleet);
    ret_step->pays_from = 0;
    if (done > 0)
        ret_step->pays_from =
            cost_growth_pays_from(input, &growth->steps[done - 1].fleet, &ret_step->fleet);
}

/* Bring the best of @regions[@done..] to @done. */
static void choose(const struct cost_input *input, double users, uint32_t *regions, size_t done,
                   struct cost_growth *growth)
{
    size_t least = least_homeless(input, regions, done, growth->count);
    uint32_t tried[TOPOLOGY_REGIONS_MAX];
    struct cost_step *best = &growth->steps[done], this;
    size_t chosen = SIZE_MAX;

    memcpy(tried, regions, done * sizeof *regions);
    for (size_t i = done; i < growth->count; i++) {
        tried[done] = regions[i];
        if (homeless(input, tried, done + 1) > least)
            continue;
        make_step(input, growth, tried, done, &this);
        if (chosen == SIZE_MAX || is_better(input, &this, best, users)) {
            *best = this;
            chosen = i;
        }
    }
    assert(chosen != SIZE_MAX);
    bring(regions, chosen, done);
}

void cost_growth_make(const struct cost_input *input, enum cost_order order, double users,
                      struct cost_growth *ret_growth)
{
    uint32_t regions[TOPOLOGY_REGIONS_MAX];

    ret_growth->count = input->deployment->region_count;
    for (uint32_t i = 0; i < ret_growth->count; i++)
        regions[i] = i;
    for (size_t done = 0; done < ret_growth->count; done++) {
        if (order == COST_ORDER_PAYING)
            choose(input, users, regions, done, ret_growth);
        else
            make_step(input, ret_growth, regions, done, &ret_growth->steps[done]);
    }
}

size_t cost_growth_best(const struct cost_input *input, const struct cost_growth *growth,
                        double users)
{
    size_t best = 0;

    for (size_t i = 1; i < growth->count; i++)
        if (cost_burden(input, &growth->steps[i].fleet, users) <
            cost_burden(input, &growth->steps[best].fleet, users))
            best = i;
    return best + 1;
}

/* Between two numbers of users of which only the larger one is worth so many regions. */
static double bisect(const struct cost_input *input, const struct cost_growth *growth,
                     size_t regions, double low, double high)
{
    while (high - low > 1e-9 * high) {
        double middle = low + (high - low) / 2;
        if (cost_growth_best(input, growth, middle) >= regions)
            high = middle;
        else
            low = middle;
    }
    return high;
}

double cost_growth_worth_from(const struct cost_input *input, const struct cost_growth *growth,
                              size_t regions)
{
    double low = 0;

    for (double high = 1; high <= COST_GROWTH_USERS_MAX; high *= 1.25) {
        if (cost_growth_best(input, growth, high) >= regions)
            return bisect(input, growth, regions, low, high);
        low = high;
    }
    return INFINITY;
}

enum cost_phase cost_growth_phase(size_t regions, size_t global_regions)
{
    if (regions <= 1)
        return COST_PHASE_EARLY;
    return regions < global_regions ? COST_PHASE_GROWTH : COST_PHASE_GLOBAL;
}
