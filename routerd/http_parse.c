#include "routerd/http_parse.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* llhttp's names for the methods are the same as those of common/routes.h. */
#define HTTP_GET    LLHTTP_GET
#define HTTP_HEAD   LLHTTP_HEAD
#define HTTP_PUT    LLHTTP_PUT
#define HTTP_POST   LLHTTP_POST
#define HTTP_DELETE LLHTTP_DELETE
#include <llhttp.h>
#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_PUT
#undef HTTP_POST
#undef HTTP_DELETE

#include "common/memory.h"
#include "routerd/http_fields.h"
#include "routerd/http_lines.h"
#include "routerd/http_target.h"

/* A part of the request, counted from its first byte, so that the buffer may move. No part starts
 * at 0, where the method stands: start 0 is an absent one. */
struct piece {
    uint32_t start;
    uint32_t size;
};

struct http_parse {
    llhttp_t llhttp;
    struct http_parse_state state;
    struct http_lines lines;
    uint32_t fed_size; /* bytes that llhttp has seen */
    enum http_method method;
    struct piece target;
    struct piece name; /* of the field that is being read */
    struct piece value;
    struct piece fields[HTTP_FIELD_COUNT];
    uint32_t body_size;
    uint32_t body_max;
    uint32_t chunks_size; /* bytes of the body that were not content */
    char *bytes;          /* only while http_parse_run() runs */
};

/* What llhttp calls an error, and what we say to the client. */
struct complaint {
    llhttp_errno_t error;
    enum problem_id problem;
    const char *detail;
};

static const struct complaint complaints[] = {
    {HPE_INVALID_METHOD, PROBLEM_NOT_IMPLEMENTED, "The method is not one that is known here."},
    {HPE_INVALID_VERSION, PROBLEM_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here."},
    {HPE_PAUSED_H2_UPGRADE, PROBLEM_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here."},
    {HPE_INVALID_CONSTANT, PROBLEM_BAD_REQUEST, "The request line must end in HTTP/1.1."},
    {HPE_INVALID_URL, PROBLEM_BAD_REQUEST, "The target has a byte that must be percent-encoded."},
    {HPE_INVALID_HEADER_TOKEN, PROBLEM_BAD_REQUEST, "A field has a byte that may not be there."},
    {HPE_INVALID_CONTENT_LENGTH, PROBLEM_BAD_REQUEST, "Content-Length must be a decimal number."},
    {HPE_UNEXPECTED_CONTENT_LENGTH, PROBLEM_BAD_REQUEST,
     "A request has one length: one Content-Length, or Transfer-Encoding: chunked."},
    {HPE_INVALID_TRANSFER_ENCODING, PROBLEM_BAD_REQUEST, "Transfer-Encoding must end in chunked."},
    {HPE_INVALID_CHUNK_SIZE, PROBLEM_BAD_REQUEST, "A chunk size must be a hexadecimal number."},
    {HPE_LF_EXPECTED, PROBLEM_BAD_REQUEST, "Lines must end in CR LF."},
    {HPE_CR_EXPECTED, PROBLEM_BAD_REQUEST, "Lines must end in CR LF."},
    {HPE_STRICT, PROBLEM_BAD_REQUEST, "The syntax of the request is wrong."},
};

static enum http_parse_result fail(struct http_parse *parse, enum problem_id problem,
                                   const char *detail)
{
    parse->state.problem = problem;
    parse->state.detail = detail;
    return HTTP_PARSE_FAILED;
}

/* For llhttp's callbacks, where -1 stops the parser. */
static int refuse(struct http_parse *parse, enum problem_id problem, const char *detail)
{
    fail(parse, problem, detail);
    return -1;
}

static enum http_parse_result complain(struct http_parse *parse, llhttp_errno_t error)
{
    if (parse->state.problem != PROBLEM_NONE)
        return HTTP_PARSE_FAILED; /* one of our own callbacks stopped it */
    for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
        if (complaints[i].error == error)
            return fail(parse, complaints[i].problem, complaints[i].detail);
    }
    return fail(parse, PROBLEM_BAD_REQUEST, "The syntax of the request is wrong.");
}

static struct slice slice_at(const char *bytes, struct piece piece)
{
    if (piece.start == 0)
        return (struct slice){NULL, 0};
    return (struct slice){bytes + piece.start, piece.size};
}

/* A part that came in two reads comes in two calls, one right behind the other. */
static int extend(struct http_parse *parse, struct piece *piece, const char *at, size_t size)
{
    uint32_t start = (uint32_t)(at - parse->bytes);

    if (piece->size == 0)
        piece->start = start;
    else if (piece->start + piece->size != start)
        return refuse(parse, PROBLEM_BAD_REQUEST, "A field must stand on one line.");
    piece->size += (uint32_t)size;
    return 0;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parse *parse = llhttp->data;

    return extend(parse, &parse->target, at, size);
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parse *parse = llhttp->data;

    return parse->state.header_whole ? 0 : extend(parse, &parse->name, at, size);
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parse *parse = llhttp->data;

    return parse->state.header_whole ? 0 : extend(parse, &parse->value, at, size);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Also for trailers, which are read over: nothing that decides may arrive behind the body. */
static int on_header_value_complete(llhttp_t *llhttp)
{
    struct http_parse *parse = llhttp->data;
    enum http_field field;

    if (parse->state.header_whole)
        return 0;
    if (parse->name.size == 0)
        return refuse(parse, PROBLEM_BAD_REQUEST, "A field must have a name.");
    field = http_fields_find(slice_at(parse->bytes, parse->name));
    if (field < HTTP_FIELD_COUNT) {
        if (parse->fields[field].start != 0)
            return refuse(parse, PROBLEM_BAD_REQUEST,
                          field == HTTP_FIELD_HOST ? "A request has one Host field."
                                                   : "A field that may come once came twice.");
        /* An empty value is not reported at all: let it be present, right behind its name. */
        if (parse->value.start == 0)
            parse->value.start = parse->name.start + parse->name.size;
        while (parse->value.size > 0 &&
               is_blank(parse->bytes[parse->value.start + parse->value.size - 1]))
            parse->value.size--;
        parse->fields[field] = parse->value;
    }
    parse->name = (struct piece){0, 0};
    parse->value = (struct piece){0, 0};
    return 0;
}

static enum http_method method_of(const llhttp_t *llhttp)
{
    switch (llhttp->method) {
    case LLHTTP_GET:
        return HTTP_GET;
    case LLHTTP_HEAD:
        return HTTP_HEAD;
    case LLHTTP_PUT:
        return HTTP_PUT;
    case LLHTTP_POST:
        return HTTP_POST;
    case LLHTTP_DELETE:
        return HTTP_DELETE;
    default:
        return HTTP_OTHER;
    }
}

/* llhttp lets more spaces and a leading CR pass; whoever forwards such a line may split it
 * elsewhere (RFC 9112, 3). */
static int check_request_line(struct http_parse *parse)
{
    size_t size = parse->lines.request_line_size - 2;
    const char *line = parse->bytes;
    int spaces = 0;

    for (const char *at = line; (at = memchr(at, ' ', size - (size_t)(at - line))); at++)
        spaces++;
    if (spaces != 2 || memchr(line, '\r', size))
        return refuse(parse, PROBLEM_BAD_REQUEST,
                      "A request line is a method, a target and HTTP/1.1, one space between each.");
    return 0;
}

static int check_version(struct http_parse *parse)
{
    if (parse->llhttp.http_major != 1 || parse->llhttp.http_minor > 1)
        return refuse(parse, PROBLEM_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    parse->state.http_1_0 = parse->llhttp.http_minor == 0;
    if (parse->llhttp.method == HTTP_CONNECT || parse->llhttp.upgrade)
        return refuse(parse, PROBLEM_NOT_IMPLEMENTED, "Neither CONNECT nor Upgrade is served.");
    return 0;
}

static int check_host(struct http_parse *parse)
{
    struct slice host = slice_at(parse->bytes, parse->fields[HTTP_FIELD_HOST]);

    if (!host.data && !parse->state.http_1_0)
        return refuse(parse, PROBLEM_BAD_REQUEST, "HTTP/1.1 needs a Host field.");
    if (host.data && !http_target_is_host(host))
        return refuse(parse, PROBLEM_BAD_REQUEST, "The Host field is not a host.");
    return 0;
}

static int check_expectation(struct http_parse *parse)
{
    struct slice expect = slice_at(parse->bytes, parse->fields[HTTP_FIELD_EXPECT]);

    if (!expect.data || parse->state.http_1_0)
        return 0; /* RFC 9110, 10.1.1: from an HTTP/1.0 client it must be ignored */
    if (expect.size != 12 || strncasecmp(expect.data, "100-continue", 12) != 0)
        return refuse(parse, PROBLEM_BAD_REQUEST, "Only Expect: 100-continue can be met.");
    parse->state.expects_continue = true;
    return 0;
}

static int check_encoding(struct http_parse *parse)
{
    struct slice encoding = slice_at(parse->bytes, parse->fields[HTTP_FIELD_TRANSFER_ENCODING]);

    if (!encoding.data)
        return 0;
    if (parse->state.http_1_0)
        return refuse(parse, PROBLEM_BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding.");
    if (encoding.size != 7 || strncasecmp(encoding.data, "chunked", 7) != 0)
        return refuse(parse, PROBLEM_NOT_IMPLEMENTED, "Only Transfer-Encoding: chunked is known.");
    return 0;
}

/* A request that leads nowhere may bring a body all the same: its answer is 404 or 405. */
static uint32_t body_max_of(struct http_parse *parse)
{
    struct slice target = slice_at(parse->bytes, parse->target);
    const struct route *route;
    struct slice path, query;
    struct route_parts parts;

    if (http_target_split(target, &path, &query) < 0 ||
        routes_find(parse->method, path, &route, &parts) < 0)
        return HTTP_BODY_MAX;
    return route->body_bytes_max < HTTP_BODY_MAX ? route->body_bytes_max : HTTP_BODY_MAX;
}

static int check_length(struct http_parse *parse)
{
    bool chunked = parse->fields[HTTP_FIELD_TRANSFER_ENCODING].start != 0;

    if (parse->llhttp.content_length == 0 && !chunked)
        return 0;
    parse->body_max = body_max_of(parse);
    if (parse->body_max == 0)
        return refuse(parse, PROBLEM_TOO_LARGE, "This request may not have a body.");
    if (!chunked && parse->llhttp.content_length > parse->body_max)
        return refuse(parse, PROBLEM_TOO_LARGE, "The body is larger than this resource takes.");
    return 0;
}

static int check_target(struct http_parse *parse)
{
    struct slice path, query;

    if (http_target_split(slice_at(parse->bytes, parse->target), &path, &query) < 0)
        return refuse(parse, PROBLEM_BAD_REQUEST, "The target must be a path, such as /v1/whoami.");
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct http_parse *parse = llhttp->data;

    /* The two must agree on where the header ends, or they have read two different requests. */
    if (parse->lines.header_size == 0)
        return refuse(parse, PROBLEM_BAD_REQUEST, "Lines must end in CR LF.");
    parse->method = method_of(llhttp);
    if (check_version(parse) < 0 || check_request_line(parse) < 0 || check_host(parse) < 0 ||
        check_target(parse) < 0 || check_expectation(parse) < 0 || check_encoding(parse) < 0 ||
        check_length(parse) < 0)
        return -1;
    parse->state.header_whole = true;
    return 0;
}

/* Close the gap that the chunk's size has left. */
static int on_body(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http_parse *parse = llhttp->data;
    char *end = parse->bytes + parse->lines.header_size + parse->body_size;

    if (size > parse->body_max - parse->body_size)
        return refuse(parse, PROBLEM_TOO_LARGE, "The body is larger than this resource takes.");
    assert(at >= end);
    if (at != end)
        memmove(end, at, size);
    parse->body_size += (uint32_t)size;
    return 0;
}

/* Stop here: the bytes behind belong to the next request. */
static int on_message_complete(llhttp_t *llhttp)
{
    struct http_parse *parse = llhttp->data;

    parse->state.keeps_alive = llhttp_should_keep_alive(llhttp) != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

struct http_parse *http_parse_create(void)
{
    struct http_parse *parse = memory_alloc(sizeof(*parse));

    http_parse_reset(parse);
    return parse;
}

void http_parse_free(struct http_parse *parse)
{
    free(parse);
}

void http_parse_reset(struct http_parse *parse)
{
    memset(parse, 0, sizeof(*parse));
    llhttp_init(&parse->llhttp, HTTP_REQUEST, &settings);
    parse->llhttp.data = parse;
}

/* RFC 9112, 2.2: empty lines before a request line are to be passed over. */
static void drop_empty_lines(const struct http_parse *parse, char *bytes, size_t *size)
{
    size_t drop = 0;

    if (parse->fed_size != 0)
        return;
    while (*size - drop >= 2 && bytes[drop] == '\r' && bytes[drop + 1] == '\n')
        drop += 2;
    if (drop == 0)
        return;
    *size -= drop;
    memmove(bytes, bytes + drop, *size);
}

/* Everything has been read and the request goes on: drop what was only chunk framing. */
static enum http_parse_result want_more(struct http_parse *parse, size_t *size)
{
    if (parse->state.header_whole) {
        size_t kept = (size_t)parse->lines.header_size + parse->body_size;

        parse->chunks_size += (uint32_t)(*size - kept);
        if (parse->chunks_size > HTTP_CHUNKS_MAX)
            return fail(parse, PROBLEM_TOO_LARGE, "The body comes in chunks that are too small.");
        if (parse->chunks_size > 0 || parse->body_size > 0)
            parse->state.expects_continue = false;
        *size = kept;
    }
    parse->fed_size = (uint32_t)*size;
    return HTTP_PARSE_MORE;
}

static enum http_parse_result feed(struct http_parse *parse, char *bytes, size_t *size)
{
    llhttp_errno_t error;

    parse->bytes = bytes;
    error = llhttp_execute(&parse->llhttp, bytes + parse->fed_size, *size - parse->fed_size);
    parse->bytes = NULL;
    if (error == HPE_OK)
        return want_more(parse, size);
    if (error != HPE_PAUSED)
        return complain(parse, error);
    parse->state.used_size = (size_t)(llhttp_get_error_pos(&parse->llhttp) - bytes);
    return HTTP_PARSE_DONE;
}

enum http_parse_result http_parse_run(struct http_parse *parse, char *bytes, size_t *size)
{
    const char *detail = NULL;
    enum problem_id problem;

    drop_empty_lines(parse, bytes, size);
    if (*size == 0 || (*size == 1 && bytes[0] == '\r'))
        return HTTP_PARSE_MORE;
    problem = http_lines_scan(&parse->lines, bytes, *size, &detail);
    if (problem != PROBLEM_NONE)
        return fail(parse, problem, detail);
    return feed(parse, bytes, size);
}

const struct http_parse_state *http_parse_state(const struct http_parse *parse)
{
    return &parse->state;
}

void http_parse_request(const struct http_parse *parse, const char *bytes,
                        struct http_request *ret_request)
{
    struct slice values[HTTP_FIELD_COUNT];

    for (int field = 0; field < HTTP_FIELD_COUNT; field++)
        values[field] = slice_at(bytes, parse->fields[field]);
    http_fields_fill(values, ret_request);
    ret_request->method = parse->method;
    http_target_split(slice_at(bytes, parse->target), &ret_request->path, &ret_request->query);
    ret_request->body = (struct slice){bytes + parse->lines.header_size, parse->body_size};
    ret_request->client = NULL;
    ret_request->listener_geo = NULL;
}
