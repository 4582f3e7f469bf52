/* receipts: writes that this region accepts for a home that is away, and what their clients may ask
 * afterwards. An entry is durable before its 202; drain.h brings it home. */

#ifndef MEC_RECEIPTS_H
#define MEC_RECEIPTS_H

#include "health.pb-c.h"
#include "regiond/core.h"
#include "regiond/request.h"

#define RECEIPTS_LIST_MAX 10000

/* Put a checked write into the queue; @digest is of what was asked. */
void receipts_accept(struct region *region, const struct request *request,
                     const uint8_t digest[16]);

/* What became of it: for its user only. */
void receipts_get(struct region *region, struct request *request);

/* Whose writes are waiting. */
void receipts_list(struct region *region, uint64_t connection, uint64_t id,
                   const Mec__QueueListAsk *ask);

#endif
