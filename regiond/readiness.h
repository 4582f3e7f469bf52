/* readiness: when a region that starts says that it serves.
 *
 * It answers as soon as its sockets stand. But a sign-up or log-in may need another region, and a
 * world whose first request fails for want of a connection that is still being made is not ready.
 * So a region waits until it has reached every other one, and no longer than a second: some may be
 * down. */

#ifndef MEC_READINESS_H
#define MEC_READINESS_H

#include "regiond/core.h"

void readiness_begin(struct region *region);
void readiness_peer_up(struct region *region, uint32_t peer);

/* It has waited long enough: its deadline has come. */
void readiness_timed_out(struct region *region);

#endif
