/* http_fields: the request's header fields that somebody here reads, once, as a table. */

#ifndef MEC_HTTP_FIELDS_H
#define MEC_HTTP_FIELDS_H

#include "common/slice.h"
#include "routerd/http_message.h"

/* name, and as it is written, in lower case */
#define HTTP_FIELDS(X)                                                                             \
    X(HOST, "host")                                                                                \
    X(AUTHORIZATION, "authorization")                                                              \
    X(CONTENT_TYPE, "content-type")                                                                \
    X(COOKIE, "cookie")                                                                            \
    X(IF_MATCH, "if-match")                                                                        \
    X(IF_NONE_MATCH, "if-none-match")                                                              \
    X(IDEMPOTENCY_KEY, "idempotency-key")                                                          \
    X(TRACEPARENT, "traceparent")                                                                  \
    X(GEO, "mec-geo")                                                                              \
    X(BOOKMARK, "mec-bookmark")                                                                    \
    X(CONSISTENCY, "mec-consistency")                                                              \
    X(FORCE_REGION, "mec-force-region")                                                            \
    X(EXPECT, "expect")                                                                            \
    X(TRANSFER_ENCODING, "transfer-encoding")

enum http_field {
#define X(name, text) HTTP_FIELD_##name,
    HTTP_FIELDS(X)
#undef X
        HTTP_FIELD_COUNT
};

/* HTTP_FIELD_COUNT: a field that nobody reads. */
enum http_field http_fields_find(struct slice name);

/* Put the values (data NULL: absent) where they belong in @ret_request. */
void http_fields_fill(const struct slice values[HTTP_FIELD_COUNT],
                      struct http_request *ret_request);

#endif
