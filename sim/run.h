/* run: one plan, run from start to verdict: a world in virtual time, until the plan's duration is
 * over, then healing, then what must hold in the end. Pure: the same plan gives the same result,
 * step by step, on every machine. */

#ifndef MEC_RUN_H
#define MEC_RUN_H

#include "sim/history.h"
#include "sim/plan.h"
#include "sim/watch.h"

struct run_options {
    /* One line of what happens, "[ 12.110] eu-west queues ..."; NULL: no trace is made. */
    void (*trace)(const char *line, void *context);
    void *trace_context;
    struct history *history; /* NULL: none is written */
};

struct run_result {
    struct watch_breach breach;
    uint64_t trace_hash;   /* over all that happened: equal for equal runs */
    uint64_t virtual_us;   /* how long the world ran */
    uint64_t steps;        /* of all cores */
    uint64_t operations;   /* that clients were answered */
    uint64_t acknowledged; /* writes */
    uint64_t queued;
    uint64_t given_up_by_promotion;
    uint64_t fault_happened; /* bit set of kinds */
};

void run_plan(const struct plan *plan, const struct run_options *options,
              struct run_result *ret_result);

#endif
