/* director_internal: the director's state, shared by the files that make it up. */

#ifndef MEC_DIRECTOR_INTERNAL_H
#define MEC_DIRECTOR_INTERNAL_H

#include "control/compile.h"
#include "control/faults.h"
#include "control/key_ring.h"
#include "control/topology.h"
#include "sim/director.h"
#include "sim/simulation.h"

/* A fault of the plan that is in force. */
struct active {
    struct active *next;
    const struct plan_fault *fault;
    uint64_t links[2]; /* numbers of faults in the table of links; 0: none */
    bool flapped;      /* FLAP: the link is cut just now */
};

struct clock {
    int64_t offset_us;
    int64_t drift_ppm;
    uint64_t since_us; /* of the drift */
};

/* A shard whose home is being moved. */
struct move {
    struct move *next;
    uint32_t shard;
    uint32_t to;            /* PLAN_NONE: whoever has most; the old home is lost */
    bool live;              /* the old home is not stopped: the shard has no home for a moment */
    uint64_t fence_version; /* config that ended the old epoch; 0: not yet */
    uint64_t give_up_us;    /* a planned move is dropped by then */
    uint64_t back_after_us; /* the old home comes back so much later */
    uint32_t looks;         /* how often in a row all was ready */
};

struct director {
    struct simulation *simulation;
    struct topology *topology;
    struct faults faults;
    struct compile_listener listeners[PLAN_REGIONS_MAX + 1];
    const Mec__Config **configs; /* all versions */
    size_t config_count;
    struct key_ring rings[PLAN_REGIONS_MAX];
    struct {
        uint32_t home;
        uint64_t epoch;
        bool sealed; /* between two homes: nobody accepts */
    } shards[PLAN_REGIONS_MAX];
    struct clock clocks[PLAN_REGIONS_MAX];
    bool lost[PLAN_REGIONS_MAX];        /* its disk is gone and nobody has taken over yet */
    bool unreachable[PLAN_REGIONS_MAX]; /* for the control plane */
    bool router_unreachable[PLAN_ROUTERS_MAX];
    bool gone[PLAN_REGIONS_MAX]; /* for good */
    bool control_down;
    uint64_t cache_bytes; /* in force; as in the plan when no fault says otherwise */
    bool looks_at_keys;   /* a look is due */
    struct active *active;
    struct move *moves;
    uint32_t sole_region; /* that all faults of the plan are about; PLAN_NONE: there are none */
    bool has_sole_region;
};

/* ---- director.c ---- */

/* Something has changed: make a new configuration and tell everyone who can be told. */
void director_publish(struct director *director);

/* Does the control plane reach this process now? */
bool director_reaches(const struct director *director, const struct process *process);

/* End a process if it is up, to be started again after @down_us (0: not before healing). */
void director_end(struct process *process, enum process_end how, uint64_t down_us);

/* Start it after @delay_us, or as soon as it may be started. */
void director_start_later(struct process *process, uint64_t delay_us);

/* Run @run with @what, which it takes over, after @delay_us. */
void director_later(struct director *director, uint64_t delay_us, void (*run)(void *what),
                    void *what);

/* ---- director_faults.c ---- */

void director_plan_faults(struct director *director);
void director_heal_faults(struct director *director);
void director_free_faults(struct director *director);

uint64_t director_amount(const struct plan_fault *fault);  /* at least 1 */
uint64_t director_down_us(const struct plan_fault *fault); /* of a process that has to be down */

/* ---- director_disks.c ---- */

/* Each returns whether it has happened. */
bool director_break_disk(struct director *director, const struct plan_fault *fault);
bool director_blank_copy(struct director *director, const struct plan_fault *fault);
bool director_flip_bits(struct director *director, const struct plan_fault *fault);

/* Whatever the fault has done to a disk. */
void director_heal_disk(struct director *director, const struct plan_fault *fault);

/* Remove what is damaged of a region that is down: it starts with blank copies. */
void director_repair(struct director *director, uint32_t region);

/* ---- director_links.c ---- */

/* Each returns true: a link can always be broken. */
bool director_break_link(struct director *director, struct active *active);
bool director_isolate(struct director *director, struct active *active);
bool director_cut_clients(struct director *director, struct active *active);
void director_heal_links(struct director *director, struct active *active);

/* Turn a flapping link the other way after its time, again and again. */
void director_flap_later(struct director *director, const struct plan_fault *fault);

/* Put a fault into the control plane's table. Returns its number. */
uint64_t director_add_fault(struct director *director, const struct fault *fault);

/* ---- director_parts.c ---- */

/* A service or a cache of a region; returns true. Healed as links are. */
bool director_break_part(struct director *director, struct active *active);

/* ---- director_homes.c ---- */

/* Returns false when this cannot be done just now. */
bool director_lose_region(struct director *director, uint32_t region, uint64_t back_after_us);
bool director_move_home(struct director *director, uint32_t shard, uint32_t to,
                        uint64_t back_after_us);
bool director_move_live_home(struct director *director, uint32_t shard, uint32_t to);
void director_free_moves(struct director *director);

/* ---- director_keys.c ---- */

/* Returns false when the region has too many already. */
bool director_rotate_keys(struct director *director, const struct plan_fault *fault);

#endif
