/* gateway: every call comes through here: who asks, may they, is it well-formed; then to the
 * service that owns the operation. */

#ifndef MEC_GATEWAY_H
#define MEC_GATEWAY_H

#include "call.pb-c.h"
#include "regiond/core.h"
#include "regiond/request.h"

#define GATEWAY_IDEMPOTENCY_KEY_SIZE_MAX 255

/* @connection is the shell's, or REQUEST_SELF. */
void gateway_call(struct region *region, uint64_t connection, uint64_t id, Mec__Call *call);

/* Is the token of @request, which has waited since it was admitted, still good? Otherwise it has
 * been answered. */
bool gateway_still_stands(struct region *region, struct request *request);

#endif
