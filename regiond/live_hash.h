/* live_hash: threads for argon2id, which takes tens of milliseconds and megabytes a password. At
 * most two work at once, so that a flood of log-ins leaves a processor for everything else. */

#ifndef MEC_LIVE_HASH_H
#define MEC_LIVE_HASH_H

#include "common/live_loop.h"
#include "regiond/region.h"

struct live_hash;

/* @done is called on the loop with each job that has been run. Errors: -errno, no thread or
 * descriptor to be had. */
int live_hash_create(struct live_loop *loop,
                     void (*done)(struct region_hash_job *job, void *context), void *context,
                     struct live_hash **ret_hash);

/* Waits for jobs under way; no job is handed back any more. */
void live_hash_free(struct live_hash *hash);

void live_hash_run(struct live_hash *hash, struct region_hash_job *job);

#endif
