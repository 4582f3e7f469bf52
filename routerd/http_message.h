/* http_message: a client's request, parsed, and our answer, as plain structs.
 *
 * live_http.c fills the request and http_render() turns the answer into bytes; the router's core
 * sees only these, so that the parser can be changed, and the simulator needs none. */

#ifndef MEC_HTTP_MESSAGE_H
#define MEC_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.pb-c.h"
#include "common/buckets.h"
#include "common/position.h"
#include "common/problem.h"
#include "common/routes.h"
#include "common/slice.h"

/* Slices borrow from the connection's buffer, and live until the request has been answered. An
 * absent header is a slice with data NULL. */
struct http_request {
    enum http_method method;
    struct slice path; /* percent-encoded, without the query */
    struct slice query;
    struct slice authorization;
    struct slice content_type;
    struct slice cookie;
    struct slice if_match;
    struct slice if_none_match;
    struct slice idempotency_key;
    struct slice traceparent;
    struct slice geo;          /* Mec-Geo */
    struct slice bookmark;     /* Mec-Bookmark */
    struct slice consistency;  /* Mec-Consistency */
    struct slice force_region; /* Mec-Force-Region */
    struct slice body;
    const char *client;       /* address that it came from; NULL: not known */
    const char *listener_geo; /* of the port it came in by; NULL for the one for all */
};

struct http_span {
    const char *name; /* dns, tls, wan, gateway, service, cache, storage, xregion */
    uint64_t duration_us;
};

#define HTTP_SPANS_MAX 10

/* Texts and body live until the call that handed the answer over returns. NULL and 0 leave a header
 * out. */
struct http_answer {
    int status;
    enum problem_id problem; /* not NONE: the body is application/problem+json made from these: */
    const char *detail;
    const char *instance; /* trace id */
    struct slice body;
    const char *content_type;
    uint64_t version; /* ETag: "7" */
    const char *location;
    uint32_t retry_after_s;
    struct bucket_state limit; /* RateLimit; quota 0: none */
    const char *allow;
    const char *region;              /* Mec-Region */
    const char *home;                /* Mec-Home */
    Mec__Served served;              /* Mec-Served */
    const char *route;               /* Mec-Route */
    const struct position *position; /* Mec-Position */
    const char *bookmark;            /* Mec-Bookmark */
    bool set_cookie; /* also as cookie mec_bookmark, `;` written %3B: a cookie ends at `;` */
    bool staleness_shown;
    bool staleness_known;
    uint64_t staleness_us; /* Mec-Staleness-Ms */
    const char *traceparent;
    struct http_span spans[HTTP_SPANS_MAX];
    size_t span_count;
    bool head;         /* the request was HEAD: no body, its length all the same */
    bool not_modified; /* 304 */
};

/* What the answer says about the connection's future. */
enum http_persistence {
    HTTP_STAYS,  /* nothing: HTTP/1.1 keeps it open */
    HTTP_CLOSES, /* Connection: close */
    HTTP_KEEPS   /* Connection: keep-alive, for an HTTP/1.0 client that asked for it */
};

/* Append the whole response to @*buffer (grown by memory_grow; *@size used, *@capacity). @wall_s
 * makes the Date header. Texts of an answer cannot break out of their header: CR, LF and other
 * controls are left out. */
void http_render(const struct http_answer *answer, enum http_persistence persistence,
                 uint64_t wall_s, char **buffer, size_t *size, size_t *capacity);

#endif
