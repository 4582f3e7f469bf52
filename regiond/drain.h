/* drain: brings queued writes home: for each user one at a time and in the order accepted, at a
 * bounded rate, for as long as it takes.
 *
 * A window of the oldest waiting entries is in memory; the file has them all. An entry is marked as
 * attempted, durably, before it is first sent: from then on only the home can say how it ended, for
 * its fate may be unknown to us. */

#ifndef MEC_DRAIN_H
#define MEC_DRAIN_H

#include "health.pb-c.h"
#include "regiond/core.h"

#define DRAIN_WINDOW_MAX       4096
#define DRAIN_WINDOW_BYTES_MAX (16u * 1024 * 1024)
#define DRAIN_IN_FLIGHT_MAX    64

struct drain_stats {
    uint64_t waiting; /* queued: in the file, whatever their state here */
    uint64_t in_flight;
    uint64_t accepted, applied, rejected, expired; /* since the start */
    uint64_t oldest_us;                            /* age of the oldest waiting one; 0: none */
};

/* Errors: -EIO, the queue cannot be read. */
int drain_create(struct region *region, struct drain **ret_drain);
void drain_free(struct drain *drain);

/* @entry is durable. Copies it. */
void drain_accepted(struct region *region, const struct queue_entry *entry);

/* Send what may be sent. */
void drain_pump(struct region *region);

/* Its deadline has come: end what has expired, and try again what could not be ended. */
void drain_sweep(struct region *region);

/* A region can be reached again, or homes have moved: what waited for its next try need not. */
void drain_retry(struct region *region);

/* The marks of all shards that ever had entries, in the step's arena. */
size_t drain_marks(struct region *region, Mec__QueueMark ***ret_marks);

struct drain_stats drain_stats(const struct region *region);

#endif
