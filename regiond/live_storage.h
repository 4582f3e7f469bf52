/* live_storage: the thread that commits, so that an fsync never stalls the event loop.
 *
 * It runs one batch after the other. When none has come for some milliseconds it tidies the files,
 * in steps; a batch that comes meanwhile waits for one step at most. The storage belongs to the
 * thread until live_storage_free(). */

#ifndef MEC_LIVE_STORAGE_H
#define MEC_LIVE_STORAGE_H

#include "common/live_loop.h"
#include "regiond/storage.h"

struct live_storage;

/* @done is called on the loop with each batch that has been run. The caller keeps @storage, and
 * frees it after this. Errors: -errno, no thread or descriptor to be had. */
int live_storage_create(struct live_loop *loop, struct storage *storage,
                        void (*done)(struct storage_batch *batch, void *context), void *context,
                        struct live_storage **ret_live);

/* Waits for a batch under way, which is not handed back any more. */
void live_storage_free(struct live_storage *live);

void live_storage_run(struct live_storage *live, struct storage_batch *batch);

#endif
