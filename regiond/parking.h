/* parking: calls that wait because their service is slow, each for a time of its own. */

#ifndef MEC_PARKING_H
#define MEC_PARKING_H

#include "regiond/core.h"
#include "regiond/request.h"

#define PARKING_CALLS_MAX 4096
#define PARKING_BYTES_MAX (16u * 1024 * 1024) /* of their bodies */

struct parked;

typedef void parking_go_on(struct region *region, struct request *request);

struct parking *parking_create(void);

/* Let a copy of @request wait @wait_us, which it spends in its service, and then @go_on. The body
 * of the original, which may be a password, is wiped on 0.
 *
 * Errors: -ENOBUFS, too many wait already. */
int parking_put(struct region *region, struct request *request, uint64_t wait_us,
                parking_go_on *go_on);

/* The time of @parked has come. */
void parking_over(struct region *region, struct parked *parked);

/* Nobody is told anything. */
void parking_free(struct region *region);

#endif
