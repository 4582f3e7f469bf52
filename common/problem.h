/* problem: every error a client can get, once, as a table (RFC 9457). `type` is stable and is
 * what programs test; `title` is for people. A process names a problem by its type; the HTTP status
 * comes from this table. */

#ifndef MEC_PROBLEM_H
#define MEC_PROBLEM_H

struct problem {
    const char
        *type; /* "precondition-failed"; in JSON "urn:mecentral:problem:precondition-failed" */
    int status;
    const char *title;
};

/* type, status, title */
#define PROBLEMS(X)                                                                                \
    X(BAD_REQUEST, "bad-request", 400, "The request cannot be understood")                         \
    X(BAD_GEO, "bad-geo", 400, "The geo tag is no place that is known")                            \
    X(BAD_BOOKMARK, "bad-bookmark", 400, "The bookmark cannot be read")                            \
    X(UNAUTHENTICATED, "unauthenticated", 401, "A valid token is needed")                          \
    X(FORBIDDEN, "forbidden", 403, "Not allowed")                                                  \
    X(SCOPE, "insufficient-scope", 403, "The token is not good for this")                          \
    X(QUOTA, "quota-exceeded", 403, "The user has no room left")                                   \
    X(NOT_FOUND, "not-found", 404, "There is no such thing")                                       \
    X(METHOD_NOT_ALLOWED, "method-not-allowed", 405, "The resource has other methods")             \
    X(TIMEOUT, "request-timeout", 408, "The request did not arrive in time")                       \
    X(NAME_TAKEN, "name-taken", 409, "That user name is taken")                                    \
    X(PRECONDITION_FAILED, "precondition-failed", 412, "The version is not the expected one")      \
    X(TOO_LARGE, "too-large", 413, "The body or a field is too large")                             \
    X(URI_TOO_LONG, "uri-too-long", 414, "The request line is too long")                           \
    X(KEY_REUSED, "idempotency-key-reused", 422, "The idempotency key was used for another write") \
    X(TOO_MANY, "too-many-requests", 429, "Slow down")                                             \
    X(HEADERS_TOO_LARGE, "headers-too-large", 431, "The header is too large")                      \
    X(INTERNAL, "internal", 500, "A bug; the log says more")                                       \
    X(NOT_IMPLEMENTED, "not-implemented", 501, "That part of HTTP is not supported")               \
    X(HTTP_VERSION, "http-version", 505, "That version of HTTP is not supported")                  \
    X(HOME_UNAVAILABLE, "home-unavailable", 503, "The home region cannot be reached")              \
    X(NO_REGION, "no-region", 503, "No region that could serve this is reachable")                 \
    X(STALE_FEED, "revocations-stale", 503, "Who may read this is not known newly enough")         \
    X(READ_ONLY, "read-only", 503, "Writes are refused while the home region is away")             \
    X(BEHIND, "behind-bookmark", 503, "No reachable copy is as new as the bookmark")               \
    X(QUEUE_FULL, "queue-full", 503, "The write queue is full")                                    \
    X(QUEUE_UNREACHABLE, "queue-unreachable", 503, "Earlier queued writes are out of reach")       \
    X(OVERLOADED, "overloaded", 503, "Too much work is waiting")                                   \
    X(FORCED_REGION, "forced-region-unavailable", 503, "The forced region cannot serve this")      \
    X(FATE_UNKNOWN, "fate-unknown", 504, "The write may or may not have happened; retry its key")  \
    X(READ_TIMEOUT, "read-timeout", 504, "No region answered in time")                             \
    X(EXPIRED, "expired", 410, "The queued write waited longer than allowed")                      \
    X(DISK_FULL, "disk-full", 507, "The region's disk takes no writes")                            \
    X(SERVICE_UNAVAILABLE, "service-unavailable", 503, "A service of the region is down")          \
    X(RESIDENCY, "residency", 403, "The service may not hold data at the user's home")

enum problem_id {
    PROBLEM_NONE = 0,
#define X(name, type, status, title) PROBLEM_##name,
    PROBLEMS(X)
#undef X
        PROBLEM_COUNT
};

/* Never NULL for a PROBLEM_... other than PROBLEM_NONE. */
const struct problem *problem_get(enum problem_id id);

/* PROBLEM_INTERNAL for an unknown type; PROBLEM_NONE for NULL or "". */
enum problem_id problem_find(const char *type);

#endif
