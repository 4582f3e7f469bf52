/* live_shrink: shrink a plan that fails (sim/shrink.h), each try in a process of its own, and write
 * the result to a file. */

#ifndef MEC_LIVE_SHRINK_H
#define MEC_LIVE_SHRINK_H

#include "sim/options.h"
#include "sim/trial.h"

/* @trial: how @plan fails. Says what it does on stderr, and the result on stdout (on stderr with
 * --json). Errors: -EAGAIN, it does not fail again; -errno, the file cannot be written; said on
 * stderr. */
int live_shrink_run(const struct options *options, const struct plan *plan,
                    const struct trial *trial);

#endif
