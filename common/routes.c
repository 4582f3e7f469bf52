#include "common/routes.h"

#include <errno.h>

#define KIB 1024u

/* method, fixed part of the path, {..} part or "", operation, service, class, body limit, token,
 * what */
#define ROUTES(X)                                                                                  \
    X(POST, "/v1/users", "", USER_CREATE, "auth", SENSITIVE, 4 * KIB, false, "sign up")            \
    X(POST, "/v1/tokens", "", TOKEN_CREATE, "auth", SENSITIVE, 4 * KIB, false, "log in")           \
    X(GET, "/v1/whoami", "", WHOAMI, "auth", READ, 0, true, "who the token says you are")          \
    X(GET, "/v1/metadata/", "{key}", METADATA_GET, "metadata", READ, 0, true, "read a value")      \
    X(PUT, "/v1/metadata/", "{key}", METADATA_PUT, "metadata", WRITE, 64 * KIB, true,              \
      "write a value")                                                                             \
    X(DELETE, "/v1/metadata/", "{key}", METADATA_DELETE, "metadata", WRITE, 64 * KIB, true,        \
      "delete a value")                                                                            \
    X(GET, "/v1/metadata", "", METADATA_LIST, "metadata", READ, 0, true, "list keys and versions") \
    X(GET, "/v1/receipts/", "{id}", RECEIPT_GET, "metadata", RECEIPT, 0, true,                     \
      "what became of a queued write")                                                             \
    X(GET, "/.well-known/jwks.json", "", JWKS_GET, "auth", LOCAL, 0, false,                        \
      "the public keys that tokens are signed with")

struct row {
    struct route route;
    size_t fixed_size;
    bool takes_rest;
};

static const struct row rows[] = {
#define X(m, fixed, rest, op, service_, class_, body, token, what_)                                \
    {{.method = HTTP_##m,                                                                          \
      .path = fixed rest,                                                                          \
      .operation = MEC__OPERATION__##op,                                                           \
      .service = service_,                                                                         \
      .class = ROUTE_##class_,                                                                     \
      .body_bytes_max = body,                                                                      \
      .needs_token = token,                                                                        \
      .what = what_},                                                                              \
     sizeof(fixed) - 1,                                                                            \
     sizeof(rest) > 1},
    ROUTES(X)
#undef X
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool path_matches(const struct row *row, struct slice path)
{
    if (row->takes_rest ? path.size <= row->fixed_size : path.size != row->fixed_size)
        return false;
    return memcmp(path.data, row->route.path, row->fixed_size) == 0;
}

int routes_find(enum http_method method, struct slice path, const struct route **ret_route,
                struct slice *ret_key)
{
    bool path_exists = false;

    if (method == HTTP_HEAD)
        method = HTTP_GET;
    for (const struct row *row = rows; row < rows + ROW_COUNT; row++) {
        if (!path_matches(row, path))
            continue;
        path_exists = true;
        if (row->route.method != method)
            continue;
        *ret_route = &row->route;
        *ret_key = (struct slice){path.data + row->fixed_size, path.size - row->fixed_size};
        return 0;
    }
    return path_exists ? -EOPNOTSUPP : -ENOENT;
}

const char *routes_allow(struct slice path)
{
    enum { DELETE = 1, GET = 2, POST = 4, PUT = 8 };
    static const char *const lists[] = {
        [0] = "",
        [DELETE] = "DELETE",
        [GET] = "GET, HEAD",
        [POST] = "POST",
        [PUT] = "PUT",
        [DELETE | GET] = "DELETE, GET, HEAD",
        [DELETE | POST] = "DELETE, POST",
        [DELETE | PUT] = "DELETE, PUT",
        [GET | POST] = "GET, HEAD, POST",
        [GET | PUT] = "GET, HEAD, PUT",
        [POST | PUT] = "POST, PUT",
        [DELETE | GET | POST] = "DELETE, GET, HEAD, POST",
        [DELETE | GET | PUT] = "DELETE, GET, HEAD, PUT",
        [DELETE | POST | PUT] = "DELETE, POST, PUT",
        [GET | POST | PUT] = "GET, HEAD, POST, PUT",
        [DELETE | GET | POST | PUT] = "DELETE, GET, HEAD, POST, PUT",
    };
    static const unsigned bits[] = {
        [HTTP_DELETE] = DELETE, [HTTP_GET] = GET, [HTTP_POST] = POST, [HTTP_PUT] = PUT};
    unsigned allowed = 0;

    for (const struct row *row = rows; row < rows + ROW_COUNT; row++) {
        if (path_matches(row, path))
            allowed |= bits[row->route.method];
    }
    return lists[allowed];
}

const struct route *routes_of(Mec__Operation operation)
{
    for (const struct row *row = rows; row < rows + ROW_COUNT; row++) {
        if (row->route.operation == operation)
            return &row->route;
    }
    return NULL;
}

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET",   [HTTP_HEAD] = "HEAD",     [HTTP_PUT] = "PUT",
        [HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE", [HTTP_OTHER] = "OTHER",
    };

    return names[method];
}
