/* tokens: logging in, and the public keys that anyone checks tokens with.
 *
 * The home of the user's shard alone checks a password and issues a token; any other region finds
 * out whose name it is and passes the call on. A wrong name and a wrong password get the same
 * answer after the same work, so that names cannot be tried out. */

#ifndef MEC_TOKENS_H
#define MEC_TOKENS_H

#include "regiond/core.h"
#include "regiond/request.h"

/* Answer with a token that says @claims; @epoch and @seq are of the account's last change. */
void tokens_answer(struct region *region, struct request *request,
                   const struct token_claims *claims, uint64_t epoch, uint64_t seq);

void tokens_create(struct region *region, struct request *request);
void tokens_keys(struct region *region, struct request *request);

#endif
