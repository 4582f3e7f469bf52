/* http_guard: may this request to controld's HTTP pass?
 *
 * It listens on loopback, where every page that a browser of this machine shows can send to. So a
 * request must name us as its host (a name that an attacker lets point to 127.0.0.1 does not: DNS
 * rebinding), come from no foreign page, be of a kind that pages cannot send to strangers without
 * asking first (JSON), and bring the world's token. What is asked for is judged only after that:
 * who has no token learns nothing. */

#ifndef MEC_HTTP_GUARD_H
#define MEC_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/problem.h"

#define HTTP_GUARD_TOKEN_LENGTH  43 /* 32 bytes in base64url */
#define HTTP_GUARD_BODY_SIZE_MAX (16u * 1024u)

struct http_guard {
    uint16_t port; /* our own */
    char token[HTTP_GUARD_TOKEN_LENGTH + 1];
};

struct http_guard_header {
    const char *name;
    const char *value;
};

struct http_guard_request {
    const char *method; /* "GET" */
    const char *target; /* as in the request line */
    const struct http_guard_header *headers;
    size_t header_count;
    size_t body_size;
};

/* PROBLEM_NONE: it may pass. Else why not, and in *@ret_detail in words for who asks; neither
 * depends on how much of a token was right. */
enum problem_id http_guard_check(const struct http_guard *guard,
                                 const struct http_guard_request *request, const char **ret_detail);

/* Is it a token of the form that ours have? */
bool http_guard_is_token(const char *text);

#endif
