/* explain: answers `mecentral explain`: where a request would go now, and why. */

#ifndef MEC_EXPLAIN_H
#define MEC_EXPLAIN_H

#include "routerd/core.h"

/* Answered by one EXPLAINED action: at once, or, when a user is named, once the nearest region has
 * said where their home is. */
void explain_start(struct router *router, uint64_t explain_id, const Mec__ExplainAsk *ask);

/* The answer to a look-up came from @region. */
void explain_returned(struct router *router, uint32_t region, const struct frame *frame);

void explain_timed_out(struct router *router, struct core_lookup *lookup);

/* The connection to @region is gone: its look-ups fail. */
void explain_region_lost(struct router *router, uint32_t region);

#endif
