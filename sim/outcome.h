/* outcome: what a client has sent and what came back, for the checks and the history. */

#ifndef MEC_OUTCOME_H
#define MEC_OUTCOME_H

#include "call.pb-c.h"
#include "common/position.h"
#include "common/problem.h"
#include "common/token.h"
#include "regiond/queue_store.h"
#include "sim/plan.h"

/* Borrowed texts; they live during the call that they are handed to. */
struct outcome_asked {
    uint64_t now_us; /* world time at which it was sent */
    const struct plan_operation *operation;
    uint32_t place;      /* where the client is now */
    const char *user_id; /* as the system named it; "" before sign-up */
    const char *shard;   /* the user's home shard; "" when not known to the client */
    const char *user_name;
    const char *key;             /* of the record; "" when it is about none */
    const char *value;           /* writes: the body */
    const char *idempotency_key; /* writes */
    uint64_t if_version;         /* WRITE_IF_SAME: as read last; 0: none was read */
    const char *if_value;        /* likewise; "" when it did not exist */
    bool strong, stale_ok;
    struct bookmark bookmark; /* as it stood when it was sent */
    uint32_t retry_of;        /* RETRY, REUSE: number of the first operation; else its own */
    const char *receipt;      /* RECEIPT */
    const char *owner;        /* VAULT_GET_SHARED: whose item, by name; else "" */
    int wanted;               /* ODD: the status that is right; 0: any */
    bool wanted_of_region;    /* likewise: a region says so, and none may be there to say it */
    const struct token_claims *claims; /* of the token that came with it; NULL: none did */
    uint32_t told_ahead; /* bit set of regions that had been told, ahead of the log, that it is void
                          * when it was sent, and run since */
    const char *kid;     /* which key has signed that token; "": it is not said */
    uint32_t keyless; /* bit set of regions that ran by a configuration without that key when it was
                       * sent, and have run since */
    bool undisturbed; /* nothing is or was lately broken but one region that is neither the user's
                       * home nor where the client is: it must be served well */
};

struct outcome {
    uint64_t now_us; /* world time at which the answer was there */
    bool given_up; /* no answer: the client's patience ended, or its router died; all below is 0 */
    int status;
    enum problem_id problem;
    uint64_t version; /* ETag */
    struct slice body;
    const char *region; /* Mec-Region; NULL: not said */
    const char *home;
    Mec__Served served;
    const struct position *position; /* Mec-Position; NULL: not said */
    bool staleness_shown, staleness_known;
    uint64_t staleness_us;
    const char *receipt;               /* 202, and RECEIPT: which; else "" */
    enum queue_state receipt_state;    /* likewise */
    struct position receipt_position;  /* RECEIPT, applied */
    enum problem_id receipt_problem;   /* RECEIPT, rejected */
    const struct token_claims *issued; /* LOG_IN, REFRESH: of the new token; NULL: there is none */
};

/* What explain said of a request just before it was sent, and which way it then took. */
struct outcome_route {
    const char *region;      /* explain: asked first; NULL: the request is refused */
    enum problem_id problem; /* likewise: as what */
    bool queued;             /* likewise: into its queue */
    const char *taken;       /* Mec-Route; NULL: no region has answered */
    bool tried;              /* some region was asked, at least */
};

/* Whether the answer to a write promises that this request has had no effect and never will have
 * one. Another one under the same idempotency key may. */
bool outcome_promises_nothing(const struct outcome *outcome);

#endif
