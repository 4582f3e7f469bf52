/* commit: everything that waits to be written, and the one batch that is being written.
 *
 * Group commit: whatever waits for one file when the disk is free shares the next transaction.
 * Files take turns. An operation's owner hears of it only once the batch is durable; within that
 * step the cache lets go of what changed first, then the new position becomes visible, then owners
 * answer, then reads that waited for the position go on. */

#ifndef MEC_COMMIT_H
#define MEC_COMMIT_H

#include "regiond/core.h"

#define COMMIT_OPS_MAX           512
#define COMMIT_BATCH_BYTES_MAX   (4u * 1024 * 1024)
#define COMMIT_WAITING_MAX       20000
#define COMMIT_WAITING_BYTES_MAX (64u * 1024 * 1024)

/* One operation; embedded in what its owner knows of it. Texts that `store` or `queue` point to
 * live until `done`. */
struct commit_op {
    struct commit_op *next;
    size_t bytes; /* about what it adds to a batch */
    bool counted; /* commit's own: it takes up room of clients' writes */
    union {
        struct store_op store;
        struct queue_op queue;
    };
    /* Called once, with results in place. @error: 0; -ENOSPC, the disk takes no writes; -ESTALE,
     * not run because this region's role for the shard has changed; -ECANCELED, the region is
     * being freed. */
    void (*done)(struct region *region, struct commit_op *op, int error);
};

struct commit *commit_create(struct region *region);
void commit_free(struct commit *commit);

/* Whether a client's write of @bytes may wait too. */
bool commit_has_room(const struct region *region, size_t bytes);

/* Let @op wait for the file of @copy, or for the queue's. `done` is never called before this
 * returns. */
void commit_store(struct region *region, const struct copy *copy, struct commit_op *op);
void commit_queue(struct region *region, struct commit_op *op);

/* Make the next batch, when the disk is free and something waits. */
void commit_pump(struct region *region);

/* The batch has come back. */
void commit_stored(struct region *region, struct storage_batch *batch);

/* End all that waits or is out with -ECANCELED. Returns whether there was any. */
bool commit_cancel(struct region *region);

#endif
