/* probing: watches the regions: a Ping from each vantage to each region at every interval, over the
 * clients' emulated links, and what the Pongs and lists say of the queues. */

#ifndef MEC_PROBING_H
#define MEC_PROBING_H

#include "routerd/core.h"

/* The timer of a link: a probe is due, or one has not come back. */
void probing_tick(struct router *router, struct vantage_region *seen);

/* The connection to @region stands: probe it from everywhere now, and ask for its queue. */
void probing_opened(struct router *router, uint32_t region);

/* The connection to @region is gone. */
void probing_closed(struct router *router, uint32_t region);

/* A Ping is at the region's door. Takes over @message's bytes. */
void probing_deliver(struct router *router, const struct wan_message *message);

/* A Pong frame came; it still has its way back. */
void probing_returned(struct router *router, uint32_t region, const struct frame *frame);

/* It has come back to the vantage. */
void probing_answered(struct router *router, const struct wan_message *message);

/* A Ping or Pong was reset on its way. */
void probing_reset(struct router *router, uint64_t id);

/* A list of the queue of @region came. */
void probing_listed(struct router *router, uint32_t region, const struct frame *frame);

/* The link of @seen has become unusable: say so in the log. */
void probing_log_lost(struct router *router, const struct vantage_region *seen, const char *why);

#endif
