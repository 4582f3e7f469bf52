/* deciding: puts to policy what is known of a call in flight. */

#ifndef MEC_DECIDING_H
#define MEC_DECIDING_H

#include "routerd/core.h"

/* Put into @question where the user's earlier writes of @service wait. */
void deciding_queue(const struct router *router, uint32_t shard, const char *user,
                    const char *service, struct policy_question *question);

/* Where the next try goes. A sign-up whose fate is certain is given a home anew each time:
 * pending->shard. */
struct policy_decision deciding_decide(struct router *router, struct pending *pending);

/* Why a request is refused, for who asked it: which service is down, when it is that. Lives until
 * the next step. */
const char *deciding_why(struct router *router, const struct pending *pending,
                         const struct policy_decision *decision);

#endif
