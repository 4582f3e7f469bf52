/* scale_cells: the requests of one place in one state of the world, sorted by what becomes of them.
 *
 * The router's policy decides once for each operation, home and other region (sim/model/traffic.h);
 * requests that differ in nothing that can be seen afterwards are one cell, with the share of the
 * place's requests that it is. So a thousand kinds of requests become some dozens of cells, and
 * each request of a cell needs luck alone. */

#ifndef MEC_SCALE_CELLS_H
#define MEC_SCALE_CELLS_H

#include "sim/model/scale_world.h"

/* How a request ends. The first are traffic's kinds, in their order. */
#define SCALE_CELLS_KINDS(X)                                                                       \
    X(FINE, "fine")                                                                                \
    X(SLOWER, "slower")                                                                            \
    X(STALE, "stale")                                                                              \
    X(QUEUED, "queued")                                                                            \
    X(READ_ONLY, "read-only")                                                                      \
    X(FAILED, "failed")                                                                            \
    X(QUEUE_FULL, "queue full")                                                                    \
    X(SHED, "shed")

enum scale_kind {
#define X(identifier, name) SCALE_##identifier,
    SCALE_CELLS_KINDS(X)
#undef X
        SCALE_KIND_COUNT
};

enum scale_class { SCALE_READ, SCALE_WRITE, SCALE_SENSITIVE, SCALE_CLASS_COUNT };

const char *scale_cells_kind_name(enum scale_kind kind);
const char *scale_cells_class_name(enum scale_class class);

/* A state of the world, as one place can tell it from others. All its members are bit sets of
 * regions but for services_down, which is one of services; so scenes can be compared as bytes. */
struct scale_scene {
    uint32_t down;
    uint32_t isolated;
    uint32_t replicators_down;
    uint32_t full;
    uint32_t services_down[TOPOLOGY_REGIONS_MAX];
    uint32_t cut[TOPOLOGY_REGIONS_MAX];
    uint32_t away;      /* as the router sees it from there, or as it is */
    uint32_t unnoticed; /* of them: what the router has not noticed yet */
    uint32_t mended;    /* of those: soon enough that what is sent now gets there, late */
    uint32_t old;       /* broken for longer than a region may hear of no revocations */
    uint32_t older;     /* broken for longer than tokens last */
};

#define SCALE_CELLS_TRIES 3 /* as many regions does a router ask for a read; here for all */
#define SCALE_CELLS_NONE  UINT32_MAX

struct scale_cell {
    double share; /* of the requests of the place */
    uint32_t kind;
    uint32_t class;
    uint32_t region;  /* that answers; POLICY_NONE: none */
    uint32_t asked;   /* bit set of those that have work with it */
    uint32_t home;    /* whose queued write it is */
    uint32_t hung;    /* region that is asked first and does not answer; POLICY_NONE: none */
    uint32_t other;   /* region that is asked by the one that answers; POLICY_NONE: none */
    uint32_t times;   /* so often, one after the other */
    uint32_t next;    /* which of the others it becomes if the region turns it away */
    uint64_t rest_us; /* of its way, besides those to the region and to the other */
};

struct scale_cells {
    struct scale_cell *items;
    size_t count;
    struct scale_cell *others; /* that come of requests that were turned away: without shares */
    size_t other_count;
    bool queue; /* some are queued */
};

/* The caller owns the result. */
struct scale_cells *scale_cells_create(const struct scale_world *world, uint32_t geo,
                                       const struct scale_scene *scene);
void scale_cells_free(struct scale_cells *cells);

#endif
