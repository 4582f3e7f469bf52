/* asking: brings a request to a region and back: decides, sends over the client's link, waits, and
 * asks elsewhere when that fails and may be repeated. */

#ifndef MEC_ASKING_H
#define MEC_ASKING_H

#include "routerd/core.h"

/* A client asks. */
void asking_start(struct router *router, uint64_t request_id, const struct http_request *http);

/* The client of @request_id no longer waits. */
void asking_client_gone(struct router *router, uint64_t request_id);

/* The request frame is at the region's door: hand it over. Takes over @message's bytes. */
void asking_deliver(struct router *router, const struct wan_message *message);

/* An Answer frame came from @region; it still has its way to the client before it. */
void asking_returned(struct router *router, uint32_t region, const struct frame *frame);

/* The Answer has reached the client's end. */
void asking_answered(struct router *router, const struct wan_message *message);

/* The try's time is up. */
void asking_timed_out(struct router *router, struct pending *pending);

/* The call of @call_id was reset on its way. */
void asking_reset(struct router *router, uint64_t call_id);

/* All calls under way to @region fail over: the connection is gone. */
void asking_region_lost(struct router *router, uint32_t region);

/* So do those over links that have become unusable in this step. Returns true when there were any.
 */
bool asking_fail_over(struct router *router);

#endif
