/* storage: all files of one region, and the batches that are committed to them.
 *
 * The core makes batches, storage_run() commits one, the core reads the results. Live, a thread
 * runs them (live_storage.c); in the simulator the same function runs in virtual time. Only one
 * batch is out at a time, so the writes that come meanwhile share the next transaction: group
 * commit. */

#ifndef MEC_STORAGE_H
#define MEC_STORAGE_H

#include "regiond/queue_store.h"
#include "regiond/store.h"

struct storage;

/* Set SQLite and libsodium up for the process. Call once, before anything else here, on the main
 * thread; a program with connections of its own may do without. */
void storage_configure(void);

#define STORAGE_QUEUE UINT32_MAX /* target: the region's own file */

struct storage_batch {
    uint32_t target; /* index of the shard in the order given to storage_open(), or STORAGE_QUEUE */
    uint64_t epoch;
    uint64_t wall_us;
    struct store_op *ops; /* or, for STORAGE_QUEUE: */
    struct queue_op *queue_ops;
    size_t count;
    struct queue_limits limits;
    uint64_t keep_keys_us; /* keep idempotency keys at least so long; a day when it is less */
    int error;             /* result: 0, -ENOSPC, -EIO */
    struct store_audit_head audit; /* result: the end of the file's audit chain */
    void *context;                 /* the owner's */
};

/* Open or create every file in @directory: `shard-NAME.db` each, and `queue.db`. @region is whose
 * they are. Errors: as store_open(); *@ret_failed names the file (static buffer). */
int storage_open(const char *directory, const char *region, const char *const *shards,
                 size_t shard_count, const char *vfs, struct storage **ret_storage,
                 const char **ret_failed);
void storage_free(struct storage *storage);

/* Commit @batch; the results are in it. Never called twice at once. */
void storage_run(struct storage *storage, struct storage_batch *batch);

/* Checkpoint and trim a little, when nothing waits. Returns true when there is more to do. A failed
 * fsync shows in the next batch, which is -EIO. */
bool storage_tidy(struct storage *storage, uint64_t wall_us);

/* Move a WAL when idle from @pages on; 0: as is best for a disk. A smaller number makes short runs
 * move it, too. */
void storage_set_tidy_pages(struct storage *storage, size_t pages);

/* A WAL has grown so long that it is to be tidied even while batches wait. */
bool storage_overdue(const struct storage *storage);

struct store_end storage_end(const struct storage *storage, uint32_t shard);

/* Paths, for readers. Static format: @directory/shard-NAME.db and @directory/queue.db. */
char *storage_shard_path(const char *directory, const char *shard); /* caller frees */
char *storage_queue_path(const char *directory);

#endif
