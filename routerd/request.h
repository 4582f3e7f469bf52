/* request: what a client asks, read out of HTTP into a Call. Pure text work: which region is asked,
 * and whose home it is, is not decided here. */

#ifndef MEC_REQUEST_H
#define MEC_REQUEST_H

#include "call.pb-c.h"
#include "common/memory.h"
#include "routerd/http_message.h"
#include "routerd/idents.h"

#define REQUEST_GEO_SIZE         64 /* longest Mec-Geo, with NUL */
#define REQUEST_TRACEPARENT_SIZE 56

/* Texts of @call live in the arena, but for token and body, which borrow from the request. */
struct request {
    const struct route *route;
    Mec__Call call;        /* all but shard, mode, geo and times */
    struct slice token;    /* data NULL: none came */
    struct slice geo;      /* as the client wrote it; data NULL: not said */
    struct slice forced;   /* region name; data NULL: not forced */
    struct slice accepted; /* RECEIPT_GET: the region that the receipt names */
    bool head;
    bool has_cookie;
    bool has_key; /* the idempotency key is the client's: it may have been here before */
    struct bookmark bookmark;
    char traceparent[REQUEST_TRACEPARENT_SIZE]; /* the client's, or a new one */
};

/* Why a request is answered on the spot. */
struct request_refusal {
    enum problem_id problem;
    const char *detail;
    const char *allow; /* METHOD_NOT_ALLOWED */
};

/* Read @http. Ids that it lacks come from @idents. ret_request->traceparent and head are set in any
 * case, so that a refusal can carry them. Returns PROBLEM_NONE in ret_refusal->problem when all is
 * well. */
void request_read(const struct http_request *http, struct idents *idents, struct arena *arena,
                  struct request *ret_request, struct request_refusal *ret_refusal);

/* The consistency that a call gets when its client wishes for @wish. */
Mec__Consistency request_consistency(const struct route *route, Mec__Consistency wish);

/* What a traceparent says is the trace id: 32 hex digits and a NUL. */
void request_trace_id(const char traceparent[REQUEST_TRACEPARENT_SIZE], char ret_id[33]);

#endif
