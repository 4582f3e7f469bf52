/* writing: what all writes of clients have in common, whatever service they are for: what tells a
 * retry from another write, the way to the disk, and what the client is told in the end. */

#ifndef MEC_WRITING_H
#define MEC_WRITING_H

#include "common/problem.h"
#include "regiond/core.h"
#include "regiond/request.h"

/* What a service says of a write that it has checked. */
struct writing {
    /* Its service, `delete`, condition, request_digest, `forbidden` and limits. Where key,
     * content_type or value.data is NULL, it is the call's; else it is copied. The rest is filled
     * in from the call. What it is sealed with is copied too, and wiped with the value. */
    struct store_write terms;
    /* What a client is told when terms.forbidden was set, unless the write had been made before. */
    enum problem_id refusal;
    const char *refusal_detail; /* static */
    const char *absent_detail;  /* static: of a delete of what there is not */
};

/* What was asked: the same under the same idempotency key is a retry, anything else is a mistake.
 * @secret (32 bytes, or NULL) is for calls with bodies that nobody is to find by guessing: digests
 * rest on disks. */
void writing_digest(const Mec__Call *call, const uint8_t *secret, uint8_t ret_digest[16]);

/* Take the condition out of the call's headers. Returns why it cannot be, or NULL. */
const char *writing_condition(const Mec__Call *call, struct store_write *terms);

/* Whether the content type and the value are as they may be; else the call is answered. */
bool writing_fits(struct region *region, struct request *request);

/* Whether this region may take the write now; else the call is answered. */
bool writing_is_home(struct region *region, struct request *request);

/* Whether the token that has come with the call is good still: a call that has waited asks again.
 * Returns false when it is answered. */
bool writing_still_stands(struct region *region, struct request *request);

/* Bring it to the disk of request->copy, and answer. */
void writing_start(struct region *region, const struct request *request,
                   const struct writing *writing);

#endif
