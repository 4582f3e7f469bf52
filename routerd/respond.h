/* respond: words an answer for the client: from a region's Answer, or from a refusal of our own. */

#ifndef MEC_RESPOND_H
#define MEC_RESPOND_H

#include "routerd/core.h"

/* Give the region's answer to the client of @pending. */
void respond_answer(struct router *router, struct pending *pending, const Mec__Answer *answer);

/* Refuse it: no region could serve it. */
void respond_refuse(struct router *router, struct pending *pending, enum problem_id problem,
                    const char *detail);

/* Refuse a client that sends too much. */
void respond_limited(struct router *router, uint64_t request_id, bool head,
                     const struct bucket_state *limit);

/* Refuse a request that never got as far as being asked. */
void respond_early(struct router *router, uint64_t request_id, const struct request *request,
                   const struct request_refusal *refusal);

/* Paths of the router itself. Returns false when @http is for none of them. */
bool respond_own(struct router *router, uint64_t request_id, const struct http_request *http);

#endif
