#include "control/http_guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

static const char *const own_names[] = {"127.0.0.1", "localhost", "[::1]"};

bool http_guard_is_token(const char *text)
{
    return strlen(text) == HTTP_GUARD_TOKEN_LENGTH &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
               HTTP_GUARD_TOKEN_LENGTH;
}

/* A header's value, NULL without one. A second one makes *@ret_twice true: two readers of one
 * request must not see two hosts. */
static const char *find(const struct http_guard_request *request, const char *name, bool *ret_twice)
{
    const char *value = NULL;

    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) != 0)
            continue;
        if (value)
            *ret_twice = true;
        value = request->headers[i].value;
    }
    return value;
}

/* NAME:PORT with a name of ours. */
static bool is_us(const struct http_guard *guard, const char *text)
{
    char own[32];

    for (size_t i = 0; i < sizeof own_names / sizeof own_names[0]; i++) {
        snprintf(own, sizeof own, "%s:%u", own_names[i], guard->port);
        if (strcasecmp(text, own) == 0)
            return true;
    }
    return false;
}

static bool is_our_origin(const struct http_guard *guard, const char *origin)
{
    static const char scheme[] = "http://";

    return strncasecmp(origin, scheme, sizeof scheme - 1) == 0 &&
           is_us(guard, origin + sizeof scheme - 1);
}

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t size = sizeof json - 1;

    return content_type && strncasecmp(content_type, json, size) == 0 &&
           (content_type[size] == '\0' || content_type[size] == ';' || content_type[size] == ' ');
}

/* Takes as long for each token of the right length, and looks at as much of every other one. */
static bool is_authorised(const struct http_guard *guard, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    char given[sizeof guard->token] = "";
    bool fits = authorization && strncasecmp(authorization, scheme, sizeof scheme - 1) == 0;

    if (fits) {
        const char *token = authorization + sizeof scheme - 1;

        fits = strlen(token) == HTTP_GUARD_TOKEN_LENGTH;
        memcpy(given, token, strnlen(token, HTTP_GUARD_TOKEN_LENGTH));
    }
    return (sodium_memcmp(given, guard->token, sizeof given) == 0) & fits;
}

static enum problem_id refuse(enum problem_id problem, const char *detail, const char **ret_detail)
{
    *ret_detail = detail;
    return problem;
}

enum problem_id http_guard_check(const struct http_guard *guard,
                                 const struct http_guard_request *request, const char **ret_detail)
{
    bool twice = false;
    const char *host = find(request, "Host", &twice);
    const char *origin = find(request, "Origin", &twice);
    const char *content_type = find(request, "Content-Type", &twice);
    const char *authorization = find(request, "Authorization", &twice);
    bool post = strcmp(request->method, "POST") == 0;

    if (request->target[0] != '/')
        return refuse(PROBLEM_BAD_REQUEST, "The target is a path.", ret_detail);
    if (twice)
        return refuse(PROBLEM_BAD_REQUEST, "A header stands there twice.", ret_detail);
    if (!host || !is_us(guard, host))
        return refuse(PROBLEM_FORBIDDEN, "The host is not this one.", ret_detail);
    if (origin && !is_our_origin(guard, origin))
        return refuse(PROBLEM_FORBIDDEN, "The origin is a foreign one.", ret_detail);
    if (!post && strcmp(request->method, "GET") != 0)
        return refuse(PROBLEM_METHOD_NOT_ALLOWED, "There are GET and POST.", ret_detail);
    if (post && !is_json(content_type))
        return refuse(PROBLEM_FORBIDDEN, "What is posted is application/json.", ret_detail);
    if (!is_authorised(guard, authorization))
        return refuse(PROBLEM_UNAUTHENTICATED,
                      "The world's token is needed; `control_token_file` says where it is.",
                      ret_detail);
    if (!post && request->body_size > 0)
        return refuse(PROBLEM_BAD_REQUEST, "A GET has no body.", ret_detail);
    if (request->body_size > HTTP_GUARD_BODY_SIZE_MAX)
        return refuse(PROBLEM_TOO_LARGE, "The body is larger than 16 KiB.", ret_detail);
    return PROBLEM_NONE;
}
