/* feed: gives the region's own replicator the change logs of the shards that are at home here: what
 * there is, then every commit as it becomes visible, and a heartbeat when nothing happens.
 *
 * A Tail says behind which seq its changes start. Who sees a gap fetches what lies between. It also
 * has all revocations that are newer than what was told before, so that they need not wait for the
 * changes before them. */

#ifndef MEC_FEED_H
#define MEC_FEED_H

#include "regiond/core.h"
#include "replication.pb-c.h"

#define FEED_SUBSCRIPTIONS_MAX 256

struct feed *feed_create(struct region *region);
void feed_free(struct feed *feed);

void feed_tail_ask(struct region *region, uint64_t connection, uint64_t id,
                   const Mec__TailAsk *ask);
void feed_fetch_ask(struct region *region, uint64_t connection, uint64_t id,
                    const Mec__FetchAsk *ask);

/* Push the writes among @ops that are STORE_DONE: they have just become visible. */
void feed_push(struct region *region, const struct copy *copy, const struct store_op *ops,
               size_t count);

/* Time for a heartbeat, and for the next one after it. */
void feed_beat(struct region *region);

/* Homes have moved: tell subscribers of shards that are not ours any more. */
void feed_configure(struct region *region);

void feed_closed(struct region *region, uint64_t connection);

#endif
