/* live_audits: answers `audit` asks: verifies every audit chain of a region, some rows at a time on
 * the loop, between other work. */

#ifndef MEC_LIVE_AUDITS_H
#define MEC_LIVE_AUDITS_H

#include "common/live_control.h"
#include "common/live_loop.h"
#include "regiond/region.h"

struct live_audits;

/* @shards are those of the files in @directory, and @region is whose they are; all are borrowed
 * until live_audits_free(). */
struct live_audits *live_audits_create(struct live_loop *loop, struct live_control *control,
                                       const struct region *region, const char *name,
                                       const char *directory, char *const *shards,
                                       size_t shard_count);
void live_audits_free(struct live_audits *audits);

/* Begin when @section is one of ours; the answer to @ask_id goes out through live_control_status().
 * Returns false when it is not. */
bool live_audits_start(struct live_audits *audits, const char *section, uint64_t ask_id);

#endif
