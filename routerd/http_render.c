#include <stdlib.h>

#include "routerd/http_message.h"
#include "routerd/http_text.h"

/* Room for all of the header but the texts, so that most answers grow their buffer once. */
#define HEADER_ROOM 1024u

static const char *reason_of(int status)
{
    switch (status) {
#define X(code, reason)                                                                            \
    case code:                                                                                     \
        return #code " " reason;
        X(200, "OK")
        X(201, "Created")
        X(202, "Accepted")
        X(204, "No Content")
        X(304, "Not Modified")
        X(400, "Bad Request")
        X(401, "Unauthorized")
        X(403, "Forbidden")
        X(404, "Not Found")
        X(405, "Method Not Allowed")
        X(408, "Request Timeout")
        X(409, "Conflict")
        X(410, "Gone")
        X(412, "Precondition Failed")
        X(413, "Content Too Large")
        X(414, "URI Too Long")
        X(422, "Unprocessable Content")
        X(429, "Too Many Requests")
        X(431, "Request Header Fields Too Large")
        X(500, "Internal Server Error")
        X(501, "Not Implemented")
        X(503, "Service Unavailable")
        X(504, "Gateway Timeout")
        X(505, "HTTP Version Not Supported")
        X(507, "Insufficient Storage")
#undef X
    default:
        return NULL;
    }
}

static int status_of(const struct http_answer *answer)
{
    if (answer->not_modified)
        return 304;
    if (answer->status == 0 && answer->problem != PROBLEM_NONE)
        return problem_get(answer->problem)->status;
    return answer->status;
}

/* HTTP/1.1 also to HTTP/1.0 clients: the version is the server's own (RFC 9110, 6.2). */
static void render_status_line(struct http_text *text, int status)
{
    const char *reason = reason_of(status);

    http_text_literal(text, "HTTP/1.1 ");
    if (reason) {
        http_text_string(text, reason);
    } else {
        http_text_number(text, (uint64_t)status);
        http_text_literal(text, " ");
    }
    http_text_literal(text, "\r\n");
}

static void render_text(struct http_text *text, const char *name, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    http_text_string(text, name);
    http_text_value(text, value);
    http_text_literal(text, "\r\n");
}

static void render_number(struct http_text *text, const char *name, uint64_t value)
{
    http_text_string(text, name);
    http_text_number(text, value);
    http_text_literal(text, "\r\n");
}

/* A record may be kept by the client that asked, and must be asked about each time. What it holds
 * is the users' business: no browser shall guess that it is a page of this origin. */
static void render_caching(struct http_text *text, const struct http_answer *answer)
{
    if (answer->version == 0) {
        http_text_literal(text, "Cache-Control: no-store\r\n");
        return;
    }
    http_text_literal(text, "ETag: \"");
    http_text_number(text, answer->version);
    http_text_literal(text, "\"\r\nCache-Control: private, no-cache\r\n"
                            "X-Content-Type-Options: nosniff\r\n");
}

static const char *served_name(Mec__Served served)
{
    switch (served) {
    case MEC__SERVED__SERVED_HOME:
        return "home";
    case MEC__SERVED__SERVED_REPLICA:
        return "replica";
    case MEC__SERVED__SERVED_CACHE:
        return "cache";
    case MEC__SERVED__SERVED_QUEUE:
        return "queue";
    default:
        return NULL;
    }
}

static void render_position(struct http_text *text, const struct position *position)
{
    if (!position)
        return;
    http_text_literal(text, "Mec-Position: ");
    http_text_value(text, position->shard);
    http_text_literal(text, ":");
    http_text_number(text, position->epoch);
    http_text_literal(text, ".");
    http_text_number(text, position->seq);
    http_text_literal(text, "\r\n");
}

static void render_cookie(struct http_text *text, const char *bookmark)
{
    http_text_literal(text, "Set-Cookie: mec_bookmark=");
    for (; *bookmark != '\0'; bookmark++) {
        char one[2] = {*bookmark, '\0'};

        http_text_value(text, *bookmark == ';' ? "%3B" : one);
    }
    http_text_literal(text, "; Path=/; HttpOnly; SameSite=Lax\r\n");
}

/* Rounded up: the true staleness is never more than what we say. */
static void render_staleness(struct http_text *text, const struct http_answer *answer)
{
    if (!answer->staleness_shown)
        return;
    if (!answer->staleness_known) {
        http_text_literal(text, "Mec-Staleness-Ms: unknown\r\n");
        return;
    }
    render_number(text, "Mec-Staleness-Ms: ",
                  answer->staleness_us / 1000 + (answer->staleness_us % 1000 ? 1 : 0));
}

static void render_spans(struct http_text *text, const struct http_answer *answer)
{
    if (answer->span_count == 0)
        return;
    http_text_literal(text, "Server-Timing: ");
    for (size_t i = 0; i < answer->span_count; i++) {
        if (i > 0)
            http_text_literal(text, ", ");
        http_text_value(text, answer->spans[i].name);
        http_text_literal(text, ";dur=");
        http_text_milliseconds(text, answer->spans[i].duration_us);
    }
    http_text_literal(text, "\r\n");
}

static void render_routing(struct http_text *text, const struct http_answer *answer)
{
    render_text(text, "Mec-Region: ", answer->region);
    render_text(text, "Mec-Home: ", answer->home);
    render_text(text, "Mec-Served: ", served_name(answer->served));
    render_text(text, "Mec-Route: ", answer->route);
    render_position(text, answer->position);
    render_text(text, "Mec-Bookmark: ", answer->bookmark);
    if (answer->set_cookie && answer->bookmark)
        render_cookie(text, answer->bookmark);
    render_staleness(text, answer);
    render_spans(text, answer);
    render_text(text, "traceparent: ", answer->traceparent);
}

/* draft-ietf-httpapi-ratelimit-headers, in the form of its tenth version. */
static void render_limit(struct http_text *text, const struct bucket_state *limit)
{
    if (limit->quota == 0)
        return;
    http_text_literal(text, "RateLimit-Policy: \"default\";q=");
    http_text_number(text, limit->quota);
    http_text_literal(text, ";w=");
    http_text_number(text, limit->window_s);
    http_text_literal(text, "\r\nRateLimit: \"default\";r=");
    http_text_number(text, limit->remaining);
    http_text_literal(text, ";t=");
    http_text_number(text, limit->reset_s);
    http_text_literal(text, "\r\n");
}

static void render_header(struct http_text *text, const struct http_answer *answer, int status,
                          enum http_persistence persistence, uint64_t wall_s)
{
    render_status_line(text, status);
    http_text_literal(text, "Date: ");
    http_text_date(text, wall_s);
    http_text_literal(text, "\r\n");
    render_caching(text, answer);
    render_text(text, "Location: ", answer->location);
    if (answer->retry_after_s != 0)
        render_number(text, "Retry-After: ", answer->retry_after_s);
    render_limit(text, &answer->limit);
    render_text(text, "Allow: ", answer->allow);
    if (status == 401) /* RFC 9110, 15.5.2: it must say what would do */
        http_text_literal(text, "WWW-Authenticate: Bearer\r\n");
    render_routing(text, answer);
    if (persistence == HTTP_CLOSES)
        http_text_literal(text, "Connection: close\r\n");
    if (persistence == HTTP_KEEPS)
        http_text_literal(text, "Connection: keep-alive\r\n");
}

static void render_member(struct http_text *text, const char *name, const char *value)
{
    if (!value)
        return;
    http_text_literal(text, ",\"");
    http_text_string(text, name);
    http_text_literal(text, "\":\"");
    http_text_json(text, value);
    http_text_literal(text, "\"");
}

/* RFC 9457. New memory; the caller frees it. */
static struct http_text problem_body(const struct http_answer *answer, int status)
{
    const struct problem *problem = problem_get(answer->problem);
    struct http_text text = {0};

    http_text_literal(&text, "{\"type\":\"urn:mecentral:problem:");
    http_text_json(&text, problem->type);
    http_text_literal(&text, "\"");
    render_member(&text, "title", problem->title);
    http_text_literal(&text, ",\"status\":");
    http_text_number(&text, (uint64_t)status);
    render_member(&text, "detail", answer->detail);
    render_member(&text, "instance", answer->instance);
    http_text_literal(&text, "}\n");
    return text;
}

static void render_body(struct http_text *text, const char *content_type, struct slice body,
                        bool head)
{
    render_text(text, "Content-Type: ", content_type);
    render_number(text, "Content-Length: ", body.size);
    http_text_literal(text, "\r\n");
    if (!head)
        http_text_bytes(text, body.data, body.size);
}

void http_render(const struct http_answer *answer, enum http_persistence persistence,
                 uint64_t wall_s, char **buffer, size_t *size, size_t *capacity)
{
    struct http_text text = {*buffer, *size, *capacity};
    int status = status_of(answer);

    http_text_reserve(&text, HEADER_ROOM + answer->body.size);
    render_header(&text, answer, status, persistence, wall_s);
    if (status == 204 || status == 304) {
        http_text_literal(&text, "\r\n");
    } else if (answer->problem != PROBLEM_NONE) {
        struct http_text body = problem_body(answer, status);

        render_body(&text, "application/problem+json", (struct slice){body.bytes, body.size},
                    answer->head);
        free(body.bytes);
    } else {
        render_body(&text, answer->content_type, answer->body, answer->head);
    }
    *buffer = text.bytes;
    *size = text.size;
    *capacity = text.capacity;
}
