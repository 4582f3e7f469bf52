#include "sim/shrink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define SHORTEST_US UINT64_C(1000000) /* of a plan; a world needs a moment to start */
#define BRIEFEST_US UINT64_C(1000)    /* of a fault */
#define PAUSE_US    UINT64_C(500000)  /* between two items, when that is enough */
#define PAUSES_MAX  50                /* items, so that few are left when pauses are tried */

struct shrinking {
    const struct shrink_search *search;
    struct plan shortest;
    struct shrink_effort effort;
};

static bool has_runs_left(struct shrinking *shrinking)
{
    if (shrinking->effort.runs < shrinking->search->runs_max)
        return true;
    shrinking->effort.ran_out = true;
    return false;
}

/* Try @candidate, and take it over when it still fails; it is ours then, or released. */
static bool accept(struct shrinking *shrinking, struct plan *candidate)
{
    const struct shrink_search *search = shrinking->search;

    assert(has_runs_left(shrinking));
    shrinking->effort.runs++;
    bool fails = search->still_fails(candidate, search->context);
    if (fails) {
        plan_free(&shrinking->shortest);
        shrinking->shortest = *candidate;
    } else {
        plan_free(candidate);
    }
    if (search->progress)
        search->progress(&shrinking->shortest, shrinking->effort.runs, search->context);
    return fails;
}

/* ---- items: faults and operations alike ---- */

/* The array of one kind of items, whatever they are. */
struct items {
    char *data;
    size_t *count;
    size_t size;
};

static struct items faults_of(struct plan *plan)
{
    return (struct items){(char *)plan->faults, &plan->fault_count, sizeof *plan->faults};
}

static struct items operations_of(struct plan *plan)
{
    return (struct items){(char *)plan->operations, &plan->operation_count,
                          sizeof *plan->operations};
}

typedef struct items (*items_of)(struct plan *plan);

static bool without(struct shrinking *shrinking, items_of of, size_t first, size_t end)
{
    struct plan candidate;

    plan_copy(&shrinking->shortest, &candidate);
    struct items items = of(&candidate);
    if (end < *items.count)
        memmove(items.data + first * items.size, items.data + end * items.size,
                (*items.count - end) * items.size);
    *items.count -= end - first;
    return accept(shrinking, &candidate);
}

/* Leave out one run of @size after the other, from the end: what came last most often mattered
 * least. True when something could go. */
static bool thin_out(struct shrinking *shrinking, items_of of, size_t size)
{
    size_t end = *of(&shrinking->shortest).count;
    bool thinner = false;

    while (end > 0 && has_runs_left(shrinking)) {
        size_t first = end > size ? end - size : 0;
        thinner |= without(shrinking, of, first, end);
        end = first;
    }
    return thinner;
}

/* Runs of half the items, of a quarter, ... down to single ones, which are tried until none can go.
 */
static bool thin_out_all(struct shrinking *shrinking, items_of of)
{
    bool thinner = false;

    for (size_t size = (*of(&shrinking->shortest).count + 1) / 2; size > 1; size = (size + 1) / 2) {
        thinner |= thin_out(shrinking, of, size);
        if (size == 2)
            break;
    }
    while (thin_out(shrinking, of, 1))
        thinner = true;
    return thinner;
}

/* All at once: often none is needed. */
static bool drop_faults(struct shrinking *shrinking)
{
    size_t count = shrinking->shortest.fault_count;

    return count > 1 && has_runs_left(shrinking) && without(shrinking, faults_of, 0, count);
}

/* ---- times ---- */

static void cut_off(struct plan *plan, uint64_t duration_us)
{
    plan->duration_us = duration_us;
    while (plan->fault_count > 0 && plan->faults[plan->fault_count - 1].at_us >= duration_us)
        plan->fault_count--;
    while (plan->operation_count > 0 &&
           plan->operations[plan->operation_count - 1].at_us >= duration_us)
        plan->operation_count--;
}

/* The shortest duration that still fails, by halving the doubt, to a sixteenth. */
static bool shorten(struct shrinking *shrinking)
{
    uint64_t low_us = 0;
    uint64_t high_us = shrinking->shortest.duration_us;
    uint64_t exact_us = high_us / 16 > SHORTEST_US ? high_us / 16 : SHORTEST_US;
    bool shorter = false;

    while (high_us - low_us > exact_us && has_runs_left(shrinking)) {
        uint64_t middle_us = low_us + (high_us - low_us) / 2;
        struct plan candidate;
        plan_copy(&shrinking->shortest, &candidate);
        cut_off(&candidate, middle_us);
        if (accept(shrinking, &candidate)) {
            high_us = middle_us;
            shorter = true;
        } else {
            low_us = middle_us;
        }
    }
    return shorter;
}

/* 0 means until the end, so a fault keeps a while. */
static bool shorten_fault(struct shrinking *shrinking, size_t index)
{
    static const uint64_t parts[] = {64, 8, 2};
    uint64_t duration_us = shrinking->shortest.faults[index].duration_us;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct plan candidate;
        if (duration_us / parts[i] < BRIEFEST_US || !has_runs_left(shrinking))
            continue;
        plan_copy(&shrinking->shortest, &candidate);
        candidate.faults[index].duration_us = duration_us / parts[i];
        if (accept(shrinking, &candidate))
            return true;
    }
    return false;
}

static bool shorten_faults(struct shrinking *shrinking)
{
    bool shorter = false;

    for (size_t i = 0; i < shrinking->shortest.fault_count; i++)
        while (shorten_fault(shrinking, i))
            shorter = true;
    return shorter;
}

static uint64_t later(uint64_t at_us, uint64_t after_us, uint64_t found_us)
{
    return at_us > after_us && at_us < found_us ? at_us : found_us;
}

/* When the first item after @after_us is due; the end when there is none. */
static uint64_t next_item_us(const struct plan *plan, uint64_t after_us)
{
    uint64_t found_us = plan->duration_us;

    for (size_t i = 0; i < plan->fault_count; i++)
        found_us = later(plan->faults[i].at_us, after_us, found_us);
    for (size_t i = 0; i < plan->operation_count; i++)
        found_us = later(plan->operations[i].at_us, after_us, found_us);
    return found_us;
}

/* Everything from @from_us on comes @by_us earlier. */
static void move_earlier(struct plan *plan, uint64_t from_us, uint64_t by_us)
{
    for (size_t i = 0; i < plan->fault_count; i++)
        if (plan->faults[i].at_us >= from_us)
            plan->faults[i].at_us -= by_us;
    for (size_t i = 0; i < plan->operation_count; i++)
        if (plan->operations[i].at_us >= from_us)
            plan->operations[i].at_us -= by_us;
    plan->duration_us -= by_us;
}

/* Long times in which nothing happens. */
static bool shorten_pauses(struct shrinking *shrinking)
{
    struct plan *shortest = &shrinking->shortest;
    bool shorter = false;

    if (shortest->fault_count + shortest->operation_count > PAUSES_MAX)
        return false;
    for (uint64_t at_us = 0; at_us < shortest->duration_us && has_runs_left(shrinking);) {
        uint64_t next_us = next_item_us(shortest, at_us);
        if (next_us - at_us > 2 * PAUSE_US) {
            struct plan candidate;
            plan_copy(shortest, &candidate);
            move_earlier(&candidate, next_us, next_us - at_us - PAUSE_US);
            if (accept(shrinking, &candidate)) {
                next_us = at_us + PAUSE_US;
                shorter = true;
            }
        }
        at_us = next_us;
    }
    return shorter;
}

/* Clients behind the last one that still does something. */
static bool dismiss_clients(struct shrinking *shrinking)
{
    const struct plan *shortest = &shrinking->shortest;
    struct plan candidate;
    size_t needed = 1;

    for (size_t i = 0; i < shortest->operation_count; i++)
        if (shortest->operations[i].client >= needed)
            needed = shortest->operations[i].client + 1;
    if (needed >= shortest->client_count || !has_runs_left(shrinking))
        return false;
    plan_copy(shortest, &candidate);
    candidate.client_count = needed;
    return accept(shrinking, &candidate);
}

void shrink_plan(const struct plan *plan, const struct shrink_search *search,
                 struct plan *ret_shortest, struct shrink_effort *ret_effort)
{
    struct shrinking shrinking = {.search = search};
    bool shorter = true;

    plan_copy(plan, &shrinking.shortest);
    while (shorter && has_runs_left(&shrinking)) {
        shorter = shorten(&shrinking);
        shorter |= drop_faults(&shrinking);
        shorter |= thin_out_all(&shrinking, faults_of);
        shorter |= thin_out_all(&shrinking, operations_of);
        shorter |= dismiss_clients(&shrinking);
        shorter |= shorten_faults(&shrinking);
        shorter |= shorten_pauses(&shrinking);
    }
    assert(shrinking.effort.runs <= search->runs_max);
    *ret_shortest = shrinking.shortest;
    *ret_effort = shrinking.effort;
}
