#include "common/routes.h"

#include <errno.h>
#include <string.h>

#define KIB 1024u

/* method, path, operation, service, class, body limit, scope, what */
#define ROUTES(X)                                                                                  \
    X(POST, "/v1/users", USER_CREATE, "auth", SENSITIVE, 4 * KIB, ROUTES_OPEN, "sign up")          \
    X(DELETE, "/v1/users/current", USER_DELETE, "auth", SENSITIVE, 0, "account",                   \
      "delete the account and all that it has")                                                    \
    X(POST, "/v1/tokens", TOKEN_CREATE, "auth", SENSITIVE, 4 * KIB, ROUTES_OPEN, "log in")         \
    X(POST, "/v1/tokens/refresh", TOKEN_REFRESH, "auth", SENSITIVE, 0, ROUTES_ANY,                 \
      "a new token of the same session")                                                           \
    X(POST, "/v1/tokens/revoke", TOKEN_REVOKE_ALL, "auth", SENSITIVE, 0, "account",                \
      "void all tokens of the user")                                                               \
    X(DELETE, "/v1/tokens/current", TOKEN_REVOKE_CURRENT, "auth", SENSITIVE, 0, ROUTES_ANY,        \
      "log out: void the tokens of this session")                                                  \
    X(GET, "/v1/whoami", WHOAMI, "auth", READ, 0, ROUTES_ANY, "who the token says you are")        \
    X(GET, "/v1/metadata/{key}", METADATA_GET, "metadata", READ, 0, "metadata", "read a value")    \
    X(PUT, "/v1/metadata/{key}", METADATA_PUT, "metadata", WRITE, 64 * KIB, "metadata",            \
      "write a value")                                                                             \
    X(DELETE, "/v1/metadata/{key}", METADATA_DELETE, "metadata", WRITE, 64 * KIB, "metadata",      \
      "delete a value")                                                                            \
    X(GET, "/v1/metadata", METADATA_LIST, "metadata", READ, 0, "metadata",                         \
      "list keys and versions")                                                                    \
    X(GET, "/v1/vault/{name}", VAULT_GET, "vault", READ, 0, "vault",                               \
      "open an item; `?owner=` another user's")                                                    \
    X(PUT, "/v1/vault/{name}", VAULT_PUT, "vault", SENSITIVE, 64 * KIB, "vault", "seal an item")   \
    X(DELETE, "/v1/vault/{name}", VAULT_DELETE, "vault", SENSITIVE, 0, "vault", "delete an item")  \
    X(GET, "/v1/vault", VAULT_LIST, "vault", READ, 0, "vault", "list items, without their values") \
    X(GET, "/v1/vault/{name}/grants", GRANT_LIST, "vault", READ, 0, "vault",                       \
      "list who else may read an item")                                                            \
    X(PUT, "/v1/vault/{name}/grants/{user}", GRANT_PUT, "vault", SENSITIVE, 0, "vault",            \
      "let another user read an item")                                                             \
    X(DELETE, "/v1/vault/{name}/grants/{user}", GRANT_DELETE, "vault", SENSITIVE, 0, "vault",      \
      "let them no longer")                                                                        \
    X(GET, "/v1/receipts/{id}", RECEIPT_GET, "metadata", RECEIPT, 0, "metadata",                   \
      "what became of a queued write")                                                             \
    X(GET, "/v1/audit", AUDIT_LIST, "auth", READ, 0, "account",                                    \
      "one's own entries in the audit log")                                                        \
    X(GET, "/.well-known/jwks.json", JWKS_GET, "auth", LOCAL, 0, ROUTES_OPEN,                      \
      "the public keys that tokens are signed with")

static const struct route rows[] = {
#define X(m, path_, op, service_, class_, body, scope_, what_)                                     \
    {.method = HTTP_##m,                                                                           \
     .path = path_,                                                                                \
     .operation = MEC__OPERATION__##op,                                                            \
     .service = service_,                                                                          \
     .class = ROUTE_##class_,                                                                      \
     .body_bytes_max = body,                                                                       \
     .needs_token = sizeof(scope_) > 1,                                                            \
     .scope = scope_,                                                                              \
     .what = what_},
    ROUTES(X)
#undef X
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Take the {..} at the front of *@pattern, and what stands for it at the front of @path. Returns
 * its size; 0: nothing does. */
static size_t take_part(const char **pattern, struct slice path)
{
    const char *end = strchr(*pattern, '}') + 1;
    bool rest = strcmp(*pattern, "{key}") == 0;
    const char *slash = !rest && path.size > 0 ? memchr(path.data, '/', path.size) : NULL;

    *pattern = end;
    return slash ? (size_t)(slash - path.data) : path.size;
}

static bool path_matches(const char *pattern, struct slice path, struct route_parts *ret_parts)
{
    struct route_parts parts = {{"", 0}, {"", 0}};

    while (*pattern) {
        if (*pattern == '{') {
            size_t size = take_part(&pattern, path);

            if (size == 0)
                return false;
            *(parts.first.size ? &parts.second : &parts.first) = (struct slice){path.data, size};
            path = (struct slice){path.data + size, path.size - size};
        } else {
            if (path.size == 0 || *path.data != *pattern)
                return false;
            pattern++;
            path = (struct slice){path.data + 1, path.size - 1};
        }
    }
    *ret_parts = parts;
    return path.size == 0;
}

int routes_find(enum http_method method, struct slice path, const struct route **ret_route,
                struct route_parts *ret_parts)
{
    bool path_exists = false;
    struct route_parts parts;

    if (method == HTTP_HEAD)
        method = HTTP_GET;
    for (const struct route *row = rows; row < rows + ROW_COUNT; row++) {
        if (!path_matches(row->path, path, &parts))
            continue;
        path_exists = true;
        if (row->method != method)
            continue;
        *ret_route = row;
        *ret_parts = parts;
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
    struct route_parts parts;
    unsigned allowed = 0;

    for (const struct route *row = rows; row < rows + ROW_COUNT; row++) {
        if (path_matches(row->path, path, &parts))
            allowed |= bits[row->method];
    }
    return lists[allowed];
}

const struct route *routes_of(Mec__Operation operation)
{
    for (const struct route *row = rows; row < rows + ROW_COUNT; row++) {
        if (row->operation == operation)
            return row;
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
