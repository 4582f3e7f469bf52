/* live_measure_round: asks a running world every question of a plan once, and keeps the answers. */

#ifndef MEC_LIVE_MEASURE_ROUND_H
#define MEC_LIVE_MEASURE_ROUND_H

#include "sim/model/live_measure_internal.h"
#include "sim/model/measure_compare.h"
#include "sim/model/measure_plan.h"

/* Who asks, and what has been seen so far. */
struct live_measure_round {
    const struct live_measure *measure;
    const struct deployment *deployment;
    const struct measure_plan *plan;
    const struct live_measure_user *users; /* in the order of the plan's askers */
    uint64_t *usual_us;                    /* by question; NULL: not known yet */
    struct measure_observed *observed;     /* by question */
    struct live_measure_user *newcomers;   /* who may have signed up since they were forgotten */
    size_t newcomer_count;
    size_t newcomer_number;
    uint64_t reads_from_us, reads_until_us; /* on the monotonic clock */
};

/* Once more. Answers that come late are asked for again a few times, and the soonest counts: what
 * else the machine does makes answers later, and never sooner.
 * Errors: -EINTR, with a new *@ret_error. */
int live_measure_round_ask(struct live_measure_round *round, char **ret_error);

/* Delete who has signed up. Returns how many could not be deleted. */
size_t live_measure_round_forget(struct live_measure_round *round);

void live_measure_round_free(struct live_measure_round *round); /* its content */

#endif
