/* request: one call on its way through the region: who asks, what for, which stages it has been
 * through. It begins on the stack of a step; what has to wait for a commit, a hash, a bookmark or
 * another region parks it, with a copy of the call. */

#ifndef MEC_REQUEST_H
#define MEC_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "call.pb-c.h"
#include "common/buckets.h"
#include "common/token.h"

/* Asked by this region of itself; the answer goes to forward.h under `id`. */
#define REQUEST_SELF UINT64_MAX

/* A request's spans, in the order in which they are told. */
enum request_stage {
    STAGE_GATEWAY,
    STAGE_SERVICE,
    STAGE_CACHE,
    STAGE_STORAGE,
    STAGE_XREGION,
    STAGE_COUNT
};

struct copy;

struct request {
    uint64_t connection;
    uint64_t id; /* call id on that connection */
    uint64_t arrived_us;
    Mec__Call *call; /* the step's, or our own when parked */
    bool parked;
    bool has_claims;
    bool is_void; /* the token is genuine, and revoked */
    struct token_claims claims;
    struct bucket_state limit; /* to be told; quota 0: none */
    struct copy *copy;         /* of the shard it is about; NULL: none */
    unsigned entered;          /* bit set of stages */
    uint64_t since_us;         /* when the present wait began */
    uint64_t spent_us[STAGE_COUNT];
};

const char *request_stage_name(enum request_stage stage);

/* Note that @request goes through @stage. */
void request_enter(struct request *request, enum request_stage stage);

/* A wait begins; and it ends, spent in @stage. */
void request_wait(struct request *request, uint64_t now_us);
void request_resume(struct request *request, enum request_stage stage, uint64_t now_us);

/* Make @ret_request a copy of @request that outlives the step; request_release() frees what it
 * holds, wiping the body: it may be a password. */
void request_park(const struct request *request, struct request *ret_request);
void request_release(struct request *request);

/* A deep copy of @call, freed with request_free_call(). */
Mec__Call *request_copy_call(const Mec__Call *call);
void request_free_call(Mec__Call *call);

#endif
