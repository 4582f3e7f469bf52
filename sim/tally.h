/* tally: what many trials come to. */

#ifndef MEC_TALLY_H
#define MEC_TALLY_H

#include "sim/trial.h"

struct tally {
    uint64_t trials; /* all of them */
    uint64_t failed;
    uint64_t twice; /* ran a second time, too */
    uint64_t virtual_us;
    uint64_t steps;
    uint64_t operations;
    uint64_t acknowledged;
    uint64_t queued;
    uint64_t given_up_by_promotion;
    uint64_t longest_us; /* wall time */
    uint64_t longest_number;
    uint64_t faults[PLAN_FAULT_COUNT];       /* trials in which that kind happened */
    uint64_t first_faults[PLAN_FAULT_COUNT]; /* number of the first of them */
    uint64_t reach[REACH_COUNT];             /* times that branch was taken */
    uint64_t first_reach[REACH_COUNT];       /* number of the first trial that took it */
};

void tally_add(struct tally *tally, const struct trial *trial);

/* Has a branch never been taken that should have been? A seldom one is excused. */
bool tally_misses(const struct tally *tally, enum reach_branch branch);

/* How many kinds out of @faults (a bit set) have never happened, and how many branches are missed.
 */
size_t tally_missing(const struct tally *tally, uint64_t faults);

#endif
