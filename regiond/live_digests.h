/* live_digests: answers `digest` asks: the content digest of every copy of a region, read some rows
 * at a time on the loop, between other work. */

#ifndef MEC_LIVE_DIGESTS_H
#define MEC_LIVE_DIGESTS_H

#include "common/live_control.h"
#include "common/live_loop.h"

struct live_digests;

/* @shards are those of the files in @directory; both are borrowed until live_digests_free(). */
struct live_digests *live_digests_create(struct live_loop *loop, struct live_control *control,
                                         const char *directory, char *const *shards,
                                         size_t shard_count);
void live_digests_free(struct live_digests *digests);

/* Begin; the answer to @ask_id goes out through live_control_status(). */
void live_digests_start(struct live_digests *digests, uint64_t ask_id);

#endif
