/* What a client asks for that is unusual, or wrong; see client.h. The router refuses most of what
 * is wrong by itself, so the answer is the same whatever is broken. */

#include <string.h>

#include "sim/client_internal.h"

#define LONG_KEY_SIZE   1100
#define LARGE_BODY_SIZE (64 * 1024 + 1)

/* Who knows the right answer. */
enum knows {
    ROUTER,
    REGION /* if there is one to ask, and the token is still good */
};

#define S(text)                                                                                    \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/* Headers that stand here go before those of the session. */
struct odd {
    int wanted; /* status; 0: any */
    enum knows knows;
    bool without_token;
    struct http_request http;
};

static const struct odd odds[] = {
    /* paths and methods */
    {404, ROUTER, false, {.path = S("/v1/nothing")}},
    {405, ROUTER, false, {.method = HTTP_POST, .path = S("/v1/metadata/k0")}},
    {405, ROUTER, false, {.method = HTTP_OTHER, .path = S("/v1/users")}},
    {400, ROUTER, false, {.path = S("/v1/metadata/%zz")}},
    {400, ROUTER, false, {.path = S("/v1/metadata/%4")}},
    {400, ROUTER, false, {.path = S("/v1/metadata/%FF%fe")}},
    {400, ROUTER, false, {.path = S("/v1/metadata/%e2%28%ac")}},
    {400, ROUTER, false, {.path = S("/v1/metadata/a%0ab")}},
    {404, REGION, false, {.path = S("/v1/metadata/%e2%82%AC")}},
    {404, REGION, false, {.method = HTTP_HEAD, .path = S("/v1/metadata/nobody+writes+this")}},
    {404, ROUTER, false, {.path = S("/v1/receipts/nodot")}},
    {404, ROUTER, false, {.path = S("/v1/receipts/nowhere.5")}},
    /* queries */
    {400, ROUTER, false, {.path = S("/v1/whoami"), .query = S("x=1")}},
    {400, ROUTER, false, {.path = S("/v1/metadata"), .query = S("limit=0")}},
    {400, ROUTER, false, {.path = S("/v1/metadata"), .query = S("limit=1001")}},
    {400, ROUTER, false, {.path = S("/v1/metadata"), .query = S("limit=ten")}},
    {400, ROUTER, false, {.path = S("/v1/metadata"), .query = S("limit=")}},
    {400, ROUTER, false, {.path = S("/v1/metadata"), .query = S("prefix=%")}},
    {400, ROUTER, false, {.path = S("/v1/metadata"), .query = S("colour=red")}},
    {200, REGION, false, {.path = S("/v1/metadata"), .query = S("&prefix=%6b&limit=2&after=k0")}},
    {200, REGION, false, {.path = S("/v1/metadata"), .query = S("limit=1")}},
    {200, REGION, false, {.path = S("/v1/metadata"), .query = S("after=z+z")}},
    /* who asks */
    {401, ROUTER, true, {.path = S("/v1/metadata/k0")}},
    {401, ROUTER, false, {.path = S("/v1/whoami"), .authorization = S("Basic YTpi")}},
    {401, ROUTER, false, {.path = S("/v1/whoami"), .authorization = S("Bearer a b")}},
    {401, REGION, false, {.path = S("/v1/whoami"), .authorization = S("bearer \tnonsense ")}},
    /* from where, and to where */
    {400, ROUTER, false, {.path = S("/v1/whoami"), .geo = S("")}},
    {400, ROUTER, false, {.path = S("/v1/whoami"), .geo = S("atlantis")}},
    {400, ROUTER, false, {.path = S("/v1/whoami"), .geo = S("91,0")}},
    {400, ROUTER, false, {.path = S("/v1/whoami"), .geo = S("1.,2")}},
    {400, ROUTER, false, {.path = S("/v1/whoami"), .geo = S("48.85,2.35 ")}},
    {200, REGION, true, {.path = S("/.well-known/jwks.json"), .geo = S("-12.04,-77.03")}},
    {200, REGION, true, {.path = S("/.well-known/jwks.json"), .geo = S("Hong Kong")}},
    {400, ROUTER, false, {.path = S("/v1/whoami"), .force_region = S("nowhere")}},
    /* which copy */
    {400, ROUTER, false, {.path = S("/v1/whoami"), .consistency = S("eventual")}},
    {400, ROUTER, false, {.path = S("/v1/whoami"), .bookmark = S("nonsense")}},
    {200, REGION, true, {.path = S("/.well-known/jwks.json"), .cookie = S("a=b; mec_bookmark=%z")}},
    {200,
     REGION,
     true,
     {.path = S("/.well-known/jwks.json"), .cookie = S("mec_bookmark=\"us-east:1.5\"")}},
    {0, REGION, false, {.path = S("/v1/metadata/k0"), .if_none_match = S("*")}},
    {0, REGION, false, {.path = S("/v1/metadata/k0"), .if_none_match = S("\"1\", W/\"x\", \"2\"")}},
    {0, REGION, false, {.path = S("/v1/metadata/k0"), .if_none_match = S("3")}},
    /* writes */
    {400,
     ROUTER,
     false,
     {.method = HTTP_PUT, .path = S("/v1/metadata/k0"), .idempotency_key = S("a b")}},
    {400, REGION, false, {.method = HTTP_PUT, .path = S("/v1/metadata/k0"), .if_match = S("1")}},
    {400,
     REGION,
     false,
     {.method = HTTP_PUT, .path = S("/v1/metadata/k0"), .if_none_match = S("\"1\"")}},
    {400,
     REGION,
     false,
     {.method = HTTP_DELETE,
      .path = S("/v1/metadata/k0"),
      .if_match = S("\"1\""),
      .if_none_match = S("*")}},
    {0,
     REGION,
     false,
     {.method = HTTP_DELETE, .path = S("/v1/metadata/nobody-writes-this"), .if_match = S("*")}},
    {400,
     REGION,
     false,
     {.method = HTTP_PUT, .path = S("/v1/metadata/k0"), .content_type = S("text/\x7f")}},
    {413, ROUTER, false, {.path = S("/v1/whoami"), .body = S("a body")}},
    {400, REGION, true, {.method = HTTP_POST, .path = S("/v1/users"), .body = S("{\"name\":")}},
    {400,
     REGION,
     true,
     {.method = HTTP_POST, .path = S("/v1/users"), .body = S("{\"name\":\"\"}")}},
    {400, REGION, true, {.method = HTTP_POST, .path = S("/v1/tokens"), .body = S("[]")}},
    /* the router itself */
    {200, ROUTER, true, {.path = S("/healthz")}},
    {200, ROUTER, true, {.method = HTTP_HEAD, .path = S("/healthz")}},
    {405, ROUTER, true, {.method = HTTP_POST, .path = S("/healthz")}},
    {200, REGION, true, {.path = S("/readyz")}}, /* once all have been there */
    {200, ROUTER, true, {.path = S("/metrics")}},
    {200,
     REGION,
     true,
     {.path = S("/.well-known/jwks.json"),
      .traceparent = S("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")}},
    {200,
     REGION,
     true,
     {.method = HTTP_HEAD,
      .path = S("/.well-known/jwks.json"),
      .traceparent = S("00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01")}},
    /* too long, too large: made below */
    {414, ROUTER, false, {.path = S("/v1/metadata/")}},
    {413, ROUTER, false, {.method = HTTP_PUT, .path = S("/v1/metadata/k0")}},
};

#define ODD_COUNT   (sizeof odds / sizeof odds[0])
#define LONG_KEY    (ODD_COUNT - 2)
#define LARGE_VALUE (ODD_COUNT - 1)

static void put(struct slice *header, struct slice odd)
{
    if (odd.data)
        *header = odd;
}

static struct slice fill_with(struct attempt *attempt, struct slice start, char with, size_t size)
{
    char *text = arena_alloc(attempt->client->simulation->arena, start.size + size);

    if (start.size > 0)
        memcpy(text, start.data, start.size);
    memset(text + start.size, with, size);
    return (struct slice){text, start.size + size};
}

void client_odd(struct attempt *attempt)
{
    size_t which = attempt->operation.number % ODD_COUNT;
    const struct odd *odd = &odds[which];
    struct http_request *http = &attempt->http;
    struct slice authorization = http->authorization, geo = http->geo, bookmark = http->bookmark;

    *http = odd->http;
    http->authorization = odd->without_token ? (struct slice){NULL, 0} : authorization;
    http->geo = geo;
    http->bookmark = bookmark;
    put(&http->authorization, odd->http.authorization);
    put(&http->geo, odd->http.geo);
    put(&http->bookmark, odd->http.bookmark);
    if (which == LONG_KEY)
        http->path = fill_with(attempt, http->path, 'k', LONG_KEY_SIZE);
    if (which == LARGE_VALUE)
        http->body = fill_with(attempt, http->body, 'v', LARGE_BODY_SIZE);
    attempt->asked.wanted = odd->wanted;
    attempt->asked.wanted_of_region = odd->knows == REGION;
}
