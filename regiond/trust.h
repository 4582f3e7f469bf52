/* trust: is what this region knows of who may do what new enough to act on?
 *
 * A home knows all there is to know. A follower may be cut off, and then a token that was revoked,
 * or a grant that was withdrawn, would be honoured there for as long as the cut lasts. So past the
 * world's bound it refuses what is sensitive: it fails closed. */

#ifndef MEC_TRUST_H
#define MEC_TRUST_H

#include "regiond/core.h"
#include "regiond/request.h"

/* Do we know newly enough which tokens of @copy's users are revoked? */
bool trust_tokens(const struct region *region, const struct copy *copy);

/* And which of their grants are withdrawn? Revocations travel ahead of the log, but grants stand in
 * the log itself: so all of it has to be new enough. */
bool trust_grants(const struct region *region, const struct copy *copy);

/* 503; another region may know more. */
void trust_refuse(struct region *region, struct request *request);

#endif
