#include "routerd/request.h"

#include <string.h>

#include "common/token.h"
#include "routerd/request_text.h"

#define KEY_SIZE_MAX     1024u /* of a record's key; regions may allow less */
#define IDEMPOTENCY_MAX  128u
#define LIST_LIMIT_MAX   1000u
#define RECEIPT_SIZE_MAX 128u
#define COOKIE_NAME      "mec_bookmark"

/* What a refusal is made from while a request is read. */
struct reading {
    const struct http_request *http;
    struct idents *idents;
    struct arena *arena;
    struct request *request;
    struct request_refusal *refusal;
};

static bool refuse(struct reading *reading, enum problem_id problem, const char *detail)
{
    reading->refusal->problem = problem;
    reading->refusal->detail = detail;
    return false;
}

static char *text_or_empty(struct arena *arena, struct slice slice)
{
    return slice.size == 0 ? (char *)protobuf_c_empty_string : arena_text_of(arena, slice);
}

static bool is_write(const struct route *route)
{
    return route->class == ROUTE_WRITE || route->class == ROUTE_SENSITIVE;
}

static bool read_route(struct reading *reading, struct route_parts *ret_parts)
{
    const struct http_request *http = reading->http;
    int error = routes_find(http->method, http->path, &reading->request->route, ret_parts);
    if (error == 0) {
        reading->request->call.operation = reading->request->route->operation;
        return true;
    }
    const char *allow = routes_allow(http->path);
    if (allow[0] == '\0')
        return refuse(reading, PROBLEM_NOT_FOUND, "There is nothing under this path.");
    reading->refusal->allow = allow;
    return refuse(reading, PROBLEM_METHOD_NOT_ALLOWED, "The Allow header lists what works here.");
}

static bool read_part(struct reading *reading, struct slice part, char **ret_text)
{
    if (part.size == 0)
        return true;
    if (request_text_decode(part, false, reading->arena, ret_text) != 0)
        return refuse(reading, PROBLEM_BAD_REQUEST,
                      "The path must be percent-encoded UTF-8 without control characters.");
    if (strlen(*ret_text) > KEY_SIZE_MAX)
        return refuse(reading, PROBLEM_URI_TOO_LONG, "A key has at most 1024 bytes.");
    return true;
}

static bool read_parts(struct reading *reading, const struct route_parts *parts)
{
    Mec__Call *call = &reading->request->call;
    return read_part(reading, parts->first, &call->key) &&
           read_part(reading, parts->second, &call->grantee);
}

static bool read_receipt(struct reading *reading)
{
    const char *receipt = reading->request->call.key;
    const char *dot = strchr(receipt, '.');
    if (dot == NULL || dot == receipt || strlen(receipt) > RECEIPT_SIZE_MAX)
        return refuse(reading, PROBLEM_NOT_FOUND, "There is no such receipt.");
    reading->request->accepted = (struct slice){receipt, (size_t)(dot - receipt)};
    return true;
}

/* Which parameters a call's query knows. */
enum { PREFIX = 1, PAGE = 2, OWNER = 4 };

static unsigned parameters_of(Mec__Operation operation)
{
    switch (operation) {
    case MEC__OPERATION__METADATA_LIST:
    case MEC__OPERATION__VAULT_LIST:
        return PREFIX | PAGE;
    case MEC__OPERATION__GRANT_LIST:
    case MEC__OPERATION__AUDIT_LIST:
        return PAGE;
    case MEC__OPERATION__VAULT_GET:
        return OWNER;
    default:
        return 0;
    }
}

static bool refuse_parameter(struct reading *reading, unsigned known)
{
    if (known == 0)
        return refuse(reading, PROBLEM_BAD_REQUEST, "This path takes no query.");
    if (known == OWNER)
        return refuse(reading, PROBLEM_BAD_REQUEST, "The query of this path knows owner only.");
    return refuse(reading, PROBLEM_BAD_REQUEST,
                  known & PREFIX ? "The query of this path knows prefix, after and limit."
                                 : "The query of this path knows after and limit.");
}

static bool read_parameter(struct reading *reading, struct slice name, struct slice raw)
{
    unsigned known = parameters_of(reading->request->route->operation);
    Mec__Call *call = &reading->request->call;
    char *value;
    if (request_text_decode(raw, true, reading->arena, &value) != 0)
        return refuse(reading, PROBLEM_BAD_REQUEST,
                      "The query must be percent-encoded UTF-8 without control characters.");
    if (slice_is(name, "prefix") && (known & PREFIX)) {
        call->prefix = value;
    } else if (slice_is(name, "after") && (known & PAGE)) {
        call->after = value;
    } else if (slice_is(name, "limit") && (known & PAGE)) {
        if (request_text_number(value, LIST_LIMIT_MAX, &call->limit) != 0 || call->limit == 0)
            return refuse(reading, PROBLEM_BAD_REQUEST, "limit is a number from 1 to 1000.");
    } else if (slice_is(name, "owner") && (known & OWNER)) {
        if (value[0] == '\0')
            return refuse(reading, PROBLEM_BAD_REQUEST, "owner is a user's name.");
        call->owner = value;
    } else {
        return refuse_parameter(reading, known);
    }
    return true;
}

static bool read_query(struct reading *reading)
{
    struct slice query = reading->http->query;
    struct slice name;
    struct slice value;
    while (request_text_next_pair(&query, &name, &value)) {
        if (!read_parameter(reading, name, value))
            return false;
    }
    return true;
}

static bool read_token(struct reading *reading)
{
    struct request *request = reading->request;
    if (request_text_bearer(reading->http->authorization, &request->token) == 0) {
        request->call.token = request->token.size > TOKEN_SIZE_MAX
                                  ? (char *)protobuf_c_empty_string
                                  : arena_text_of(reading->arena, request->token);
        return true;
    }
    if (!request->route->needs_token)
        return true;
    return refuse(reading, PROBLEM_UNAUTHENTICATED,
                  "Send Authorization: Bearer TOKEN; POST /v1/tokens gives one.");
}

static bool read_idempotency_key(struct reading *reading)
{
    struct slice key = reading->http->idempotency_key;
    Mec__Call *call = &reading->request->call;
    if (!is_write(reading->request->route))
        return true;
    if (key.data == NULL) {
        call->idempotency_key = arena_alloc(reading->arena, IDENTS_KEY_SIZE);
        idents_idempotency_key(reading->idents, call->idempotency_key);
        return true;
    }
    if (!request_text_is_visible(key, IDEMPOTENCY_MAX))
        return refuse(reading, PROBLEM_BAD_REQUEST,
                      "Idempotency-Key has 1 to 128 visible ASCII characters.");
    call->idempotency_key = arena_text_of(reading->arena, key);
    reading->request->has_key = true;
    return true;
}

Mec__Consistency request_consistency(const struct route *route, Mec__Consistency wish)
{
    /* What the audit log of the home says, no other region knows. */
    return route->operation == MEC__OPERATION__AUDIT_LIST ? MEC__CONSISTENCY__STRONG : wish;
}

static bool read_consistency(struct reading *reading)
{
    struct slice text = reading->http->consistency;
    Mec__Call *call = &reading->request->call;
    if (text.data == NULL || slice_is(text, "session"))
        call->consistency = MEC__CONSISTENCY__SESSION;
    else if (slice_is(text, "strong"))
        call->consistency = MEC__CONSISTENCY__STRONG;
    else if (slice_is(text, "stale-ok"))
        call->consistency = MEC__CONSISTENCY__STALE_OK;
    else
        return refuse(reading, PROBLEM_BAD_REQUEST,
                      "Mec-Consistency is session, strong or stale-ok.");
    call->consistency = request_consistency(reading->request->route, call->consistency);
    return true;
}

/* Browsers keep what they were once given: a cookie that cannot be read is no mistake of theirs. */
static void read_bookmark_cookie(struct reading *reading)
{
    struct slice value = request_text_cookie(reading->http->cookie, COOKIE_NAME);
    char *decoded;
    if (value.size > 0 && request_text_decode(value, false, reading->arena, &decoded) == 0)
        (void)bookmark_parse(slice_of(decoded), &reading->request->bookmark);
}

static void put_bookmark(struct arena *arena, const struct bookmark *bookmark, Mec__Call *call)
{
    call->n_bookmark = bookmark->count;
    call->bookmark = arena_alloc(arena, bookmark->count * sizeof(*call->bookmark));
    for (size_t index = 0; index < bookmark->count; index++) {
        const struct position *position = &bookmark->positions[index];
        Mec__Position *copy = arena_alloc(arena, sizeof(*copy));
        mec__position__init(copy);
        copy->shard = arena_text(arena, position->shard);
        copy->epoch = position->epoch;
        copy->seq = position->seq;
        call->bookmark[index] = copy;
    }
}

static bool read_bookmark(struct reading *reading)
{
    struct request *request = reading->request;
    request->has_cookie = reading->http->cookie.data != NULL;
    if (reading->http->bookmark.data != NULL) {
        if (bookmark_parse(reading->http->bookmark, &request->bookmark) != 0)
            return refuse(reading, PROBLEM_BAD_BOOKMARK,
                          "Mec-Bookmark is what an earlier answer carried, unchanged.");
    } else if (request->has_cookie) {
        read_bookmark_cookie(reading);
    }
    if (request->bookmark.count > 0)
        put_bookmark(reading->arena, &request->bookmark, &request->call);
    return true;
}

static bool read_places(struct reading *reading)
{
    struct request *request = reading->request;
    request->geo = reading->http->geo;
    if (request->geo.data == NULL)
        request->geo = slice_of(reading->http->listener_geo);
    if (request->geo.data != NULL &&
        (request->geo.size == 0 || request->geo.size >= REQUEST_GEO_SIZE ||
         memchr(request->geo.data, '\0', request->geo.size)))
        return refuse(reading, PROBLEM_BAD_GEO,
                      "Mec-Geo is a region, a city, or lat,lon in degrees.");
    request->forced = reading->http->force_region;
    return true;
}

static bool read_body(struct reading *reading)
{
    const struct http_request *http = reading->http;
    Mec__Call *call = &reading->request->call;
    if (http->body.size > reading->request->route->body_bytes_max)
        return refuse(reading, PROBLEM_TOO_LARGE,
                      reading->request->route->body_bytes_max == 0
                          ? "This call takes no body."
                          : "The body is larger than the call allows.");
    call->body = (ProtobufCBinaryData){http->body.size, (uint8_t *)http->body.data};
    if (http->client != NULL)
        call->client = (char *)(uintptr_t)http->client;
    call->content_type = text_or_empty(reading->arena, http->content_type);
    call->if_match = text_or_empty(reading->arena, http->if_match);
    call->if_none_match = text_or_empty(reading->arena, http->if_none_match);
    return true;
}

static void read_traceparent(struct reading *reading)
{
    struct request *request = reading->request;
    struct slice text = reading->http->traceparent;
    if (text.data != NULL && request_text_is_traceparent(text)) {
        memcpy(request->traceparent, text.data, text.size);
        request->traceparent[text.size] = '\0';
    } else {
        idents_traceparent(reading->idents, request->traceparent);
    }
    request->call.traceparent = request->traceparent;
}

static bool read_all(struct reading *reading)
{
    struct route_parts parts;
    if (!read_route(reading, &parts) || !read_parts(reading, &parts) || !read_query(reading) ||
        !read_places(reading) || !read_token(reading) || !read_idempotency_key(reading) ||
        !read_consistency(reading) || !read_bookmark(reading) || !read_body(reading))
        return false;
    if (reading->request->route->class == ROUTE_RECEIPT)
        return read_receipt(reading);
    return true;
}

void request_read(const struct http_request *http, struct idents *idents, struct arena *arena,
                  struct request *ret_request, struct request_refusal *ret_refusal)
{
    struct reading reading = {http, idents, arena, ret_request, ret_refusal};
    /* The bookmark is large; clearing its count is enough. */
    memset(ret_request, 0, offsetof(struct request, bookmark));
    ret_request->bookmark.count = 0;
    *ret_refusal = (struct request_refusal){.problem = PROBLEM_NONE};
    mec__call__init(&ret_request->call);
    ret_request->head = http->method == HTTP_HEAD;
    read_traceparent(&reading);
    (void)read_all(&reading);
}

void request_trace_id(const char traceparent[REQUEST_TRACEPARENT_SIZE], char ret_id[33])
{
    memcpy(ret_id, traceparent + 3, 32);
    ret_id[32] = '\0';
}
