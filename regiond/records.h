/* records: finding one record of a copy, in the regional cache or on the disk, and telling a client
 * of it. */

#ifndef MEC_RECORDS_H
#define MEC_RECORDS_H

#include "regiond/cache.h"
#include "regiond/core.h"
#include "regiond/request.h"

/* Whether this region holds a copy of the data; else the call is answered. */
bool records_has_copy(struct region *region, struct request *request);

/* Find a record of request->copy. What *@ret_record points to lives until the end of the step, or
 * until the cache changes.
 *
 * Errors: -ENOENT, there is none (any more): *@ret_record then has epoch and seq of the tombstone,
 * or 0; -EIO. */
int records_find(struct region *region, struct request *request, const char *service,
                 const char *user, const char *key, struct cache_record *ret_record,
                 Mec__Served *ret_served);

/* Let @read read several things of @copy as they stood at one end of its log, *@ret_end: a commit
 * in between makes it read again.
 *
 * Errors: what @read returns when it is negative; -EAGAIN, commits never left time for it; -EIO. */
typedef int records_read(struct region *region, const struct copy *copy, void *context);

int records_at_once(struct region *region, const struct copy *copy, records_read *read,
                    void *context, struct store_end *ret_end);

/* What a copy of ours is served as. */
Mec__Served records_served(const struct region *region, const struct copy *copy);

/* 200 with the record, or 304 when the client has it. */
void records_answer(struct region *region, struct request *request,
                    const struct cache_record *record, Mec__Served served);

/* 404. Who was told that a key is gone has seen the tombstone: @seq is its change's, or 0. */
void records_answer_absent(struct region *region, struct request *request, uint64_t epoch,
                           uint64_t seq, const char *detail);

/* What was to be read could not be, by @error: others may do better. */
void records_answer_failure(struct region *region, struct request *request, int error);

#endif
