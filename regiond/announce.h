/* announce: the newest revocations of the shards that are at home here, for the feed to tell ahead
 * of the log.
 *
 * They are not stored: what a home does not remember is not lost, it only comes no earlier than the
 * log brings it. So a list is complete from where the log ended when this region became home, or
 * started, or where the list had to let the oldest go; and it says so. */

#ifndef MEC_ANNOUNCE_H
#define MEC_ANNOUNCE_H

#include "regiond/core.h"
#include "replication.pb-c.h"

struct announce;

struct announce *announce_create(const struct region *region);
void announce_free(struct announce *announce);

/* The writes among @ops that are STORE_DONE have just become visible; the first of them is
 * @first_seq. */
void announce_committed(struct region *region, const struct copy *copy, const struct store_op *ops,
                        size_t count, uint64_t first_seq);

/* Put what there is behind @after_seq into @tail, and from where on that is all. It lives as long
 * as the step. */
void announce_fill(struct region *region, const struct copy *copy, uint64_t after_seq,
                   Mec__Tail *tail);

#endif
