/* follower: takes what a shard's home ships. Every Apply is answered with the cursor, in the order
 * in which they came: only when its changes are durable, and never with a cursor behind one that
 * was told before. */

#ifndef MEC_FOLLOWER_H
#define MEC_FOLLOWER_H

#include "regiond/core.h"
#include "replication.pb-c.h"

#define FOLLOWER_BYTES_MAX   (8u * 1024 * 1024) /* waiting, for each shard */
#define FOLLOWER_CHANGES_MAX 8192               /* in one Apply */

void follower_apply(struct region *region, uint64_t connection, uint64_t id,
                    const Mec__Apply *apply);
void follower_free(struct region *region);

#endif
