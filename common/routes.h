/* routes: the HTTP calls of a client, once, as a table: method, path, operation, service, class,
 * body limit. routerd routes by it, regiond's gateway dispatches by it, `explain` reads it. */

#ifndef MEC_ROUTES_H
#define MEC_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "call.pb-c.h"
#include "common/slice.h"

/* What happens when the nearest or the home region cannot serve; see policy.h. */
enum route_class {
    ROUTE_READ,      /* any healthy copy */
    ROUTE_WRITE,     /* home, else the queue */
    ROUTE_SENSITIVE, /* home, else refused */
    ROUTE_RECEIPT,   /* the region that accepted the write; its name is in the receipt */
    ROUTE_LOCAL      /* needs no shard: any healthy region */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

#define ROUTES_OPEN ""  /* needs no token */
#define ROUTES_ANY  "*" /* needs a token, whatever it is good for */

struct route {
    enum http_method method;
    /* "/v1/vault/{name}/grants/{user}": {..} is one segment of the path; {key}, last, takes all of
     * the rest, slashes too. */
    const char *path;
    Mec__Operation operation;
    const char *service; /* "auth", "metadata", "vault" */
    enum route_class class;
    uint32_t body_bytes_max;
    bool needs_token;
    const char *scope; /* a word of TOKEN_SCOPE_ALL, ROUTES_ANY or ROUTES_OPEN */
    const char *what;  /* for --help and docs */
};

/* The {..} parts of a path, still percent-encoded; those that there are not are empty. */
struct route_parts {
    struct slice first;
    struct slice second;
};

/* Find the route of @method and @path (still percent-encoded, without query). HEAD finds GET's.
 *
 * Errors: -ENOENT, no such path: 404; -EOPNOTSUPP, the path exists with other methods: 405. */
int routes_find(enum http_method method, struct slice path, const struct route **ret_route,
                struct route_parts *ret_parts);

/* The methods of @path for an Allow header, e.g. "DELETE, GET, HEAD, PUT". Static, never NULL. */
const char *routes_allow(struct slice path);

/* The row of an operation; NULL for one that never comes from a client. */
const struct route *routes_of(Mec__Operation operation);

const char *http_method_name(enum http_method method);

#endif
