/* live_replicator: the libevent shell of a replicator: one connection to every regiond, the tie to
 * controld, the wake-up timer. Events go into replicator_step(), actions are carried out. */

#ifndef MEC_LIVE_REPLICATOR_H
#define MEC_LIVE_REPLICATOR_H

#include "common/live_control.h"
#include "common/live_loop.h"

struct live_replicator;

/* Start on @loop; @options names the region. The caller frees the result before the loop.
 * Errors: as live_control_create(); -EINVAL, the config does not name the region. Each is logged.
 */
int live_replicator_create(struct live_loop *loop, const struct live_options *options,
                           struct live_replicator **ret_live);
void live_replicator_free(struct live_replicator *live);

#endif
