/* home: the replicator's talk with its own regiond: it listens to the log of each shard, and
 * fetches what followers need that is no longer in memory. */

#ifndef MEC_HOME_H
#define MEC_HOME_H

#include "replicator/replicator_internal.h"

void home_up(struct replicator *replicator, uint64_t now_us);
void home_down(struct replicator *replicator);

/* A Tail, to whichever of our questions. Errors: -EBADMSG, it breaks the protocol. */
int home_take_tail(struct replicator *replicator, const struct frame *frame, uint64_t now_us);

/* Ask what is to be asked now. */
void home_pump(struct replicator *replicator, struct home_shard *shard, uint64_t now_us);

#endif
