/* http_target: what stands behind the method: where a request wants to go (RFC 9112, 3.2). */

#ifndef MEC_HTTP_TARGET_H
#define MEC_HTTP_TARGET_H

#include <stdbool.h>

#include "common/slice.h"

/* Take the path and the query out of `/path?query`, `http://host/path?query` or `*`. A target
 * without a query has one with data NULL. Errors: -EINVAL, none of these, or a fragment. */
int http_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query);

/* Could be `host`, `host:port` or `[v6]:port`; empty is allowed (RFC 9112, 3.2). */
bool http_target_is_host(struct slice text);

#endif
