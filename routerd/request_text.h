/* request_text: the small grammars inside a request: percent-encoding, queries, cookies, tokens,
 * traceparent. None trusts its input; all borrow or copy into an arena. */

#ifndef MEC_REQUEST_TEXT_H
#define MEC_REQUEST_TEXT_H

#include <stdbool.h>

#include "common/memory.h"
#include "common/slice.h"

/* Decode %XX (and, in a query, + for a space) into NUL-terminated UTF-8 without control characters.
 * Errors: -EINVAL, a bad escape, or not such text. */
int request_text_decode(struct slice text, bool plus_is_space, struct arena *arena,
                        char **ret_text);

/* Take the next `name=value` off the front of @query. False at its end. */
bool request_text_next_pair(struct slice *query, struct slice *ret_name, struct slice *ret_value);

/* The value of cookie @name in a Cookie header (RFC 6265, 4.2), without quotes; data NULL: none. */
struct slice request_text_cookie(struct slice header, const char *name);

/* What stands behind `Bearer ` (RFC 6750; the word in any case). Errors: -EINVAL, another scheme,
 * nothing, or not a b64token. */
int request_text_bearer(struct slice header, struct slice *ret_token);

/* A traceparent of version 00 (W3C Trace Context) with ids that are not all zeros. */
bool request_text_is_traceparent(struct slice text);

/* 1 to @size_max visible ASCII characters. */
bool request_text_is_visible(struct slice text, size_t size_max);

/* Errors: -EINVAL, not a plain decimal number up to @most. */
int request_text_number(const char *text, uint32_t most, uint32_t *ret_number);

#endif
