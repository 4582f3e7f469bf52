/* replicator_fakes: the home and the followers of replicator_driver: as much of a regiond as a
 * replicator can see. */

#ifndef MEC_REPLICATOR_FAKES_H
#define MEC_REPLICATOR_FAKES_H

#include "tests/unit/replicator_driver.h"

#define REPLICATOR_FAKES_TAIL_BYTES   (256u * 1024)
#define REPLICATOR_FAKES_TAIL_CHANGES 4096u

/* Commit one change; tells nobody. */
void replicator_fakes_home_appends(struct driver_home *home, uint64_t wall_us, size_t value_bytes);

/* Say what stands behind @after_seq, at most @count_max changes and about @bytes_max bytes. Returns
 * how many. */
size_t replicator_fakes_home_tells(struct driver *driver, uint64_t id, uint64_t after_seq,
                                   size_t count_max, size_t bytes_max);

void replicator_fakes_home_takes(struct driver *driver, const struct frame *frame);
void replicator_fakes_home_beats(struct driver *driver); /* when it is time */
void replicator_fakes_follower_takes(struct driver *driver, uint32_t peer,
                                     const struct frame *frame);

#endif
