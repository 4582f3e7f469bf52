/* live_trial: what a worker does with a trial: make or look up its plan, run it, write its trace
 * and its history. */

#ifndef MEC_LIVE_TRIAL_H
#define MEC_LIVE_TRIAL_H

#include "sim/live_workers.h"
#include "sim/options.h"

struct live_trial_context {
    const struct options *options;
    const struct plan *plans; /* by number; NULL: the number is a seed */
    bool silent;              /* no trace, no history, and what it says on stderr is lost */
};

void live_trial_run(struct trial *trial, void *context);

#endif
