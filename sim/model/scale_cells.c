#include "sim/model/scale_cells.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "routerd/policy.h"

static_assert((int)SCALE_FINE == (int)TRAFFIC_FINE && (int)SCALE_FAILED == (int)TRAFFIC_FAILS &&
                  (int)SCALE_QUEUED == (int)TRAFFIC_QUEUED,
              "kinds of requests");

/* Under way. */
struct sorting {
    const struct scale_world *world;
    const struct scale_scene *scene;
    uint32_t geo;
    struct traffic_state state;    /* as it is, and as the router sees it where it has noticed */
    struct traffic_state mistaken; /* as if what is unnoticed were there */
    double home_of_all[TOPOLOGY_REGIONS_MAX];
    struct scale_cells *cells;
};

const char *scale_cells_kind_name(enum scale_kind kind)
{
    static const char *const names[SCALE_KIND_COUNT] = {
#define X(identifier, name) name,
        SCALE_CELLS_KINDS(X)
#undef X
    };

    assert(kind < SCALE_KIND_COUNT);
    return names[kind];
}

const char *scale_cells_class_name(enum scale_class class)
{
    static const char *const names[SCALE_CLASS_COUNT] = {"reads", "writes", "sensitive"};

    assert(class < SCALE_CLASS_COUNT);
    return names[class];
}

static enum scale_class class_of(enum traffic_operation operation)
{
    switch (traffic_class(operation)) {
    case ROUTE_READ:
    case ROUTE_LOCAL:
    case ROUTE_RECEIPT:
        return SCALE_READ;
    case ROUTE_WRITE:
        return SCALE_WRITE;
    case ROUTE_SENSITIVE:
        return SCALE_SENSITIVE;
    }
    assert(false && "a class of routes");
    return SCALE_READ;
}

static bool is_in(uint32_t set, uint32_t region)
{
    return region != POLICY_NONE && (set >> region & 1u) != 0;
}

/* ---- one request ---- */

static uint64_t age_us(const struct sorting *sorting, uint32_t region)
{
    const struct traffic_rules *rules = traffic_rules_of(sorting->world->traffic);
    uint64_t old_us = is_in(sorting->scene->old, region) ? rules->revocation_bound_us + 1 : 0;
    uint64_t older_us = is_in(sorting->scene->older, region) ? rules->token_left_us + 1 : 0;

    return old_us > older_us ? old_us : older_us;
}

static void decide(struct sorting *sorting, struct traffic_state *state,
                   const struct traffic_question *question, struct traffic_outcome *ret_outcome)
{
    uint64_t home_us = age_us(sorting, question->home);
    uint64_t other_us =
        traffic_operation(question->operation)->has_other ? age_us(sorting, question->other) : 0;

    /* It is the request's own regions whose trouble counts for it, not the oldest of all. */
    state->since_us = home_us > other_us ? home_us : other_us;
    traffic_decide(sorting->world->traffic, state, question, ret_outcome);
}

/* What comes of it in the end, and at which region it hangs before. */
static void decide_late(struct sorting *sorting, const struct traffic_question *question,
                        struct traffic_outcome *ret_outcome, uint32_t *ret_hung)
{
    const struct scale_scene *scene = sorting->scene;
    struct traffic_outcome first;

    *ret_hung = POLICY_NONE;
    decide(sorting, &sorting->state, question, ret_outcome);
    if (scene->unnoticed == 0)
        return;
    decide(sorting, &sorting->mistaken, question, &first);
    if (!is_in(scene->unnoticed, first.region))
        return;
    *ret_hung = first.region;
    /* What is held arrives when the way is mended, as if nothing had been. */
    if (is_in(scene->mended, first.region))
        *ret_outcome = first;
    if (ret_outcome->kind == TRAFFIC_FINE)
        ret_outcome->kind = TRAFFIC_SLOWER;
}

/* ---- its way ---- */

static bool is_answered(uint32_t kind)
{
    return kind <= SCALE_QUEUED;
}

static uint64_t there_and_back_us(const struct deployment *deployment, uint32_t a, uint32_t b)
{
    return deployment->between[a][b].latency_us + deployment->between[b][a].latency_us;
}

/* A log-in is passed on to the home; a name is reserved at its directory, and confirmed. */
static void take_way(const struct sorting *sorting, const struct traffic_question *question,
                     const struct traffic_outcome *outcome, struct scale_cell *cell)
{
    const struct deployment *deployment = sorting->world->deployment;
    bool log_in = question->operation == TRAFFIC_LOG_IN;
    bool sign_up = question->operation == TRAFFIC_SIGN_UP;
    uint32_t other = log_in ? question->home : sign_up ? question->other : POLICY_NONE;
    uint64_t way_us = deployment->geos[sorting->geo].round_trip_us[cell->region];

    if (other != POLICY_NONE && other != cell->region) {
        cell->other = other;
        cell->times = sign_up ? 2 : 1;
        way_us += cell->times * there_and_back_us(deployment, cell->region, other);
    }
    assert(outcome->round_trip_us >= way_us);
    cell->rest_us = outcome->round_trip_us - way_us;
}

/* ---- cells ---- */

static bool is_same(const struct scale_cell *a, const struct scale_cell *b)
{
    return a->region == b->region && a->kind == b->kind && a->class == b->class &&
           a->asked == b->asked && a->home == b->home && a->hung == b->hung &&
           a->other == b->other && a->times == b->times && a->next == b->next &&
           a->rest_us == b->rest_us;
}

/* Returns which of them it is; what is the same is one. */
static uint32_t add(struct scale_cell **cells, size_t *count, const struct scale_cell *cell)
{
    for (size_t i = 0; i < *count; i++) {
        if (is_same(&(*cells)[i], cell)) {
            (*cells)[i].share += cell->share;
            return (uint32_t)i;
        }
    }
    if ((*count & (*count - 1)) == 0) /* there is room for the next power of two */
        *cells = memory_grow(*cells, (*count == 0 ? 1 : 2 * *count) * sizeof **cells);
    (*cells)[*count] = *cell;
    return (uint32_t)(*count)++;
}

static void take_outcome(const struct sorting *sorting, const struct traffic_question *question,
                         const struct traffic_outcome *outcome, struct scale_cell *cell)
{
    cell->kind = outcome->kind;
    cell->class = class_of(question->operation);
    cell->region = cell->home = cell->other = POLICY_NONE;
    cell->next = SCALE_CELLS_NONE;
    if (!is_answered(cell->kind))
        return;
    cell->region = outcome->region;
    cell->asked = outcome->asked;
    take_way(sorting, question, outcome, cell);
    if (cell->kind == SCALE_QUEUED)
        cell->home = question->home;
}

/* Who is asked when all of @overloaded have turned it away; SCALE_CELLS_NONE: nobody. */
static uint32_t sort_next(struct sorting *sorting, const struct traffic_question *question,
                          uint32_t overloaded)
{
    struct scale_cell cell = {.hung = POLICY_NONE};
    struct traffic_outcome outcome;

    if (__builtin_popcount(overloaded) >= SCALE_CELLS_TRIES)
        return SCALE_CELLS_NONE;
    sorting->state.overloaded = overloaded;
    decide(sorting, &sorting->state, question, &outcome);
    sorting->state.overloaded = 0;
    take_outcome(sorting, question, &outcome, &cell);
    if (cell.region == POLICY_NONE)
        return SCALE_CELLS_NONE;
    assert(!is_in(overloaded, cell.region));
    if (cell.kind == SCALE_FINE)
        cell.kind = SCALE_SLOWER;
    cell.next = sort_next(sorting, question, overloaded | 1u << cell.region);
    return add(&sorting->cells->others, &sorting->cells->other_count, &cell);
}

static void sort_one(struct sorting *sorting, const struct traffic_question *question, double share)
{
    struct traffic_outcome outcome;
    struct scale_cell cell = {.share = share};

    if (share <= 0)
        return;
    decide_late(sorting, question, &outcome, &cell.hung);
    take_outcome(sorting, question, &outcome, &cell);
    if (cell.region != POLICY_NONE)
        cell.next = sort_next(sorting, question, 1u << cell.region);
    if (cell.kind == SCALE_QUEUED)
        sorting->cells->queue = true;
    add(&sorting->cells->items, &sorting->cells->count, &cell);
}

static void sort_others(struct sorting *sorting, struct traffic_question *question, double share)
{
    size_t count = sorting->world->deployment->region_count;

    if (!traffic_operation(question->operation)->has_other) {
        sort_one(sorting, question, share);
        return;
    }
    for (question->other = 0; question->other < count; question->other++) {
        /* Names are spread over directories by a hash; who shares does not depend on places. */
        double part = question->operation == TRAFFIC_SIGN_UP
                          ? 1 / (double)count
                          : sorting->home_of_all[question->other];
        sort_one(sorting, question, share * part);
    }
    question->other = 0;
}

static void sort_operation(struct sorting *sorting, enum traffic_operation operation)
{
    const struct deployment *deployment = sorting->world->deployment;
    const struct deployment_geo *geo = &deployment->geos[sorting->geo];
    struct traffic_question question = {.operation = operation, .geo = sorting->geo};
    double part = sorting->world->mix[operation];

    if (operation == TRAFFIC_SIGN_UP) { /* there is no home yet */
        sort_others(sorting, &question, part);
        return;
    }
    for (question.home = 0; question.home < deployment->region_count; question.home++)
        if (geo->home_share[question.home] > 0)
            sort_others(sorting, &question, part * geo->home_share[question.home]);
}

/* ---- states ---- */

static void take_states(struct sorting *sorting)
{
    const struct scale_scene *scene = sorting->scene;
    struct traffic_state *state = &sorting->state;

    *state = (struct traffic_state){.down = scene->down,
                                    .isolated = scene->isolated,
                                    .replicators_down = scene->replicators_down,
                                    .full = scene->full};
    memcpy(state->services_down, scene->services_down, sizeof state->services_down);
    memcpy(state->cut, scene->cut, sizeof state->cut);
    state->client_cut[sorting->geo] = scene->away;
    sorting->mistaken = *state;
    sorting->mistaken.down &= ~scene->unnoticed;
    sorting->mistaken.isolated &= ~scene->unnoticed;
    sorting->mistaken.client_cut[sorting->geo] &= ~scene->unnoticed;
}

struct scale_cells *scale_cells_create(const struct scale_world *world, uint32_t geo,
                                       const struct scale_scene *scene)
{
    struct sorting sorting = {
        .world = world, .scene = scene, .geo = geo, .cells = memory_alloc(sizeof *sorting.cells)};

    take_states(&sorting);
    deployment_homes(world->deployment, sorting.home_of_all);
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        sort_operation(&sorting, (enum traffic_operation)each);
    return sorting.cells;
}

void scale_cells_free(struct scale_cells *cells)
{
    if (!cells)
        return;
    free(cells->items);
    free(cells->others);
    free(cells);
}
