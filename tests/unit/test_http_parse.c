#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "routerd/http_parse.h"
#include "tests/unit/suite.h"

#define HOST "Host: localhost\r\n"

/* One request that arrives in pieces of @step bytes, as a connection would hold it. */
struct arrival {
    struct http_parse *parse;
    char *bytes;
    size_t size;
    struct http_request request;
    const struct http_parse_state *state;
};

static enum http_parse_result arrive(struct arrival *arrival, const char *text, size_t size,
                                     size_t step)
{
    enum http_parse_result result = HTTP_PARSE_MORE;

    memset(arrival, 0, sizeof(*arrival));
    arrival->parse = http_parse_create();
    arrival->state = http_parse_state(arrival->parse);
    for (size_t at = 0; at < size && result == HTTP_PARSE_MORE; at += step) {
        size_t take = size - at < step ? size - at : step;
        /* New memory each time, so that a pointer kept across runs would be found out. */
        char *moved = memory_alloc(arrival->size + take);

        if (arrival->size > 0)
            memcpy(moved, arrival->bytes, arrival->size);
        memcpy(moved + arrival->size, text + at, take);
        free(arrival->bytes);
        arrival->bytes = moved;
        arrival->size += take;
        result = http_parse_run(arrival->parse, arrival->bytes, &arrival->size);
    }
    if (result == HTTP_PARSE_DONE)
        http_parse_request(arrival->parse, arrival->bytes, &arrival->request);
    return result;
}

static void leave(struct arrival *arrival)
{
    http_parse_free(arrival->parse);
    free(arrival->bytes);
}

static const size_t steps[] = {1, 2, 3, 7, 64, 1000000};
#define STEP_COUNT ((int)(sizeof(steps) / sizeof(steps[0])))

static void assert_slice(struct slice slice, const char *text)
{
    ck_assert_ptr_nonnull(slice.data);
    ck_assert_msg(slice_is(slice, text), "'%.*s' is not '%s'", (int)slice.size, slice.data, text);
}

START_TEST(every_field_that_we_read_is_found_however_it_arrives)
{
    static const char text[] = "PUT /v1/metadata/a%20b?x=1&y HTTP/1.1\r\n"
                               "hOST: localhost:8080\r\n"
                               "Authorization: Bearer abc.def \t\r\n"
                               "Content-Type:text/plain\r\n"
                               "Cookie: mec_bookmark=us-east:1.2\r\n"
                               "If-Match: \"7\", \"8\"\r\n"
                               "If-None-Match: *\r\n"
                               "Idempotency-Key: k-1\r\n"
                               "traceparent: 00-aa-bb-01\r\n"
                               "Mec-Geo: Paris\r\n"
                               "Mec-Bookmark: eu-west:1.9\r\n"
                               "Mec-Consistency: strong\r\n"
                               "Mec-Force-Region: eu-west\r\n"
                               "X-Other: 1\r\n"
                               "X-Other: 2\r\n"
                               "Content-Length: 5\r\n"
                               "\r\nhello";
    struct arrival arrival;

    ck_assert_int_eq(arrive(&arrival, text, sizeof(text) - 1, steps[_i]), HTTP_PARSE_DONE);
    ck_assert_int_eq(arrival.request.method, HTTP_PUT);
    assert_slice(arrival.request.path, "/v1/metadata/a%20b");
    assert_slice(arrival.request.query, "x=1&y");
    assert_slice(arrival.request.authorization, "Bearer abc.def");
    assert_slice(arrival.request.content_type, "text/plain");
    assert_slice(arrival.request.cookie, "mec_bookmark=us-east:1.2");
    assert_slice(arrival.request.if_match, "\"7\", \"8\"");
    assert_slice(arrival.request.if_none_match, "*");
    assert_slice(arrival.request.idempotency_key, "k-1");
    assert_slice(arrival.request.traceparent, "00-aa-bb-01");
    assert_slice(arrival.request.geo, "Paris");
    assert_slice(arrival.request.bookmark, "eu-west:1.9");
    assert_slice(arrival.request.consistency, "strong");
    assert_slice(arrival.request.force_region, "eu-west");
    assert_slice(arrival.request.body, "hello");
    ck_assert(arrival.state->keeps_alive);
    ck_assert(!arrival.state->http_1_0);
    ck_assert_uint_eq(arrival.state->used_size, sizeof(text) - 1);
    leave(&arrival);
}
END_TEST

START_TEST(an_absent_field_is_no_empty_field)
{
    static const char text[] =
        "GET /v1/whoami HTTP/1.1\r\n" HOST "Mec-Geo:\r\nMec-Bookmark:  \r\n\r\n";
    struct arrival arrival;

    ck_assert_int_eq(arrive(&arrival, text, sizeof(text) - 1, steps[_i]), HTTP_PARSE_DONE);
    assert_slice(arrival.request.geo, "");
    assert_slice(arrival.request.bookmark, "");
    ck_assert_ptr_null(arrival.request.authorization.data);
    ck_assert_ptr_null(arrival.request.query.data);
    ck_assert_uint_eq(arrival.request.body.size, 0);
    leave(&arrival);
}
END_TEST

START_TEST(a_chunked_body_is_pushed_together)
{
    static const char text[] =
        "PUT /v1/metadata/k HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
        "5\r\nhello\r\n"
        "1;name=\"quoted\";other=value\r\n \r\n"
        "5\r\nworld\r\n"
        "0\r\nX-Trailer: 1\r\nMec-Geo: late\r\n\r\n"
        "GET /next";
    struct arrival arrival;

    ck_assert_int_eq(arrive(&arrival, text, sizeof(text) - 1, steps[_i]), HTTP_PARSE_DONE);
    assert_slice(arrival.request.body, "hello world");
    ck_assert_ptr_null(arrival.request.geo.data);
    if (steps[_i] > sizeof(text)) {
        ck_assert_uint_eq(arrival.size - arrival.state->used_size, strlen("GET /next"));
        ck_assert_mem_eq(arrival.bytes + arrival.state->used_size, "GET /next", 9);
    }
    leave(&arrival);
}
END_TEST

START_TEST(a_body_may_hold_any_byte)
{
    char text[512];
    int head = snprintf(text, sizeof(text),
                        "PUT /v1/metadata/k HTTP/1.1\r\n" HOST "Content-Length: 256\r\n\r\n");
    struct arrival arrival;

    for (int byte = 0; byte < 256; byte++)
        text[head + byte] = (char)byte;
    ck_assert_int_eq(arrive(&arrival, text, (size_t)head + 256, steps[_i]), HTTP_PARSE_DONE);
    ck_assert_uint_eq(arrival.request.body.size, 256);
    for (int byte = 0; byte < 256; byte++)
        ck_assert_int_eq((unsigned char)arrival.request.body.data[byte], byte);
    leave(&arrival);
}
END_TEST

/* What is accepted, and what comes out of it. */
struct accepted {
    const char *text;
    const char *path;
    enum http_method method;
    bool keeps_alive;
    bool http_1_0;
};

static const struct accepted accepted[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "/", HTTP_GET, true, false},
    {"HEAD /x HTTP/1.1\r\n" HOST "\r\n", "/x", HTTP_HEAD, true, false},
    {"DELETE /x HTTP/1.1\r\n" HOST "\r\n", "/x", HTTP_DELETE, true, false},
    {"PATCH /x HTTP/1.1\r\n" HOST "\r\n", "/x", HTTP_OTHER, true, false},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "*", HTTP_OTHER, true, false},
    {"TRACE /x HTTP/1.1\r\n" HOST "\r\n", "/x", HTTP_OTHER, true, false},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "/x", HTTP_POST, true, false},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 00\r\n\r\n", "/x", HTTP_POST, true, false},
    {"GET /x HTTP/1.1\r\nHost:\r\n\r\n", "/x", HTTP_GET, true, false},
    {"GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "/x", HTTP_GET, true, false},
    {"GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "/x", HTTP_GET, false, false},
    {"GET /x HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n", "/x", HTTP_GET, false, false},
    {"GET /x HTTP/1.1\r\n" HOST "Connection: keep-alive\r\n\r\n", "/x", HTTP_GET, true, false},
    {"GET /x HTTP/1.0\r\n\r\n", "/x", HTTP_GET, false, true},
    {"GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "/x", HTTP_GET, true, true},
    {"GET /x HTTP/1.0\r\nExpect: something\r\n\r\n", "/x", HTTP_GET, false, true},
    {"\r\n\r\nGET /x HTTP/1.1\r\n" HOST "\r\n", "/x", HTTP_GET, true, false},
    {"GET http://host:80/x?y HTTP/1.1\r\n" HOST "\r\n", "/x", HTTP_GET, true, false},
    {"GET HTTP://host HTTP/1.1\r\n" HOST "\r\n", "/", HTTP_GET, true, false},
    {"GET http://host?y HTTP/1.1\r\n" HOST "\r\n", "/", HTTP_GET, true, false},
    {"GET //x//y/../z HTTP/1.1\r\n" HOST "\r\n", "//x//y/../z", HTTP_GET, true, false},
    {"GET /x HTTP/1.1\r\n" HOST "Upgrade: h2c\r\n\r\n", "/x", HTTP_GET, true, false},
    {"GET /x HTTP/1.1\r\n" HOST "X-Latin: caf\xe9\r\n\r\n", "/x", HTTP_GET, true, false},
};

START_TEST(sound_requests_are_accepted)
{
    const struct accepted *expected = &accepted[_i];

    for (int step = 0; step < STEP_COUNT; step++) {
        struct arrival arrival;

        ck_assert_msg(arrive(&arrival, expected->text, strlen(expected->text), steps[step]) ==
                          HTTP_PARSE_DONE,
                      "step %zu: %s\n%s", steps[step], arrival.state->detail, expected->text);
        assert_slice(arrival.request.path, expected->path);
        ck_assert_int_eq(arrival.request.method, expected->method);
        ck_assert_int_eq(arrival.state->keeps_alive, expected->keeps_alive);
        ck_assert_int_eq(arrival.state->http_1_0, expected->http_1_0);
        ck_assert_uint_eq(arrival.size, arrival.state->used_size);
        leave(&arrival);
    }
}
END_TEST

/* What is refused, and with which problem. */
struct refused {
    const char *text;
    size_t size;
    enum problem_id problem;
};

#define REFUSED(text, problem)                                                                     \
    {                                                                                              \
        text, sizeof(text) - 1, PROBLEM_##problem                                                  \
    }
#define GET_X "GET /x HTTP/1.1\r\n"
#define PUT_K "PUT /v1/metadata/k HTTP/1.1\r\n" HOST

static const struct refused refused[] = {
    /* request line */
    REFUSED("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", NOT_IMPLEMENTED),
    REFUSED("BREW /x HTTP/1.1\r\n" HOST "\r\n", NOT_IMPLEMENTED),
    REFUSED("get /x HTTP/1.1\r\n" HOST "\r\n", NOT_IMPLEMENTED),
    REFUSED("CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", NOT_IMPLEMENTED),
    REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_VERSION),
    REFUSED("GET /x HTTP/2.0\r\n" HOST "\r\n", HTTP_VERSION),
    REFUSED("GET /x HTTP/0.9\r\n" HOST "\r\n", HTTP_VERSION),
    REFUSED("GET /x HTTP/1.2\r\n" HOST "\r\n", HTTP_VERSION),
    REFUSED("GET /x HTTP/3.1\r\n" HOST "\r\n", HTTP_VERSION),
    REFUSED("GET /x\r\n\r\n", HTTP_VERSION),
    REFUSED("GET /x HTTP/1\r\n" HOST "\r\n", HTTP_VERSION),
    REFUSED("GET /x http/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET /x HTTP/1.1 \r\n" HOST "\r\n", HTTP_VERSION),
    REFUSED("GET /x  HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET  /x HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET\t/x HTTP/1.1\r\n" HOST "\r\n", NOT_IMPLEMENTED),
    REFUSED("GET /x y HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET /x\0y HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET /\x80 HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET /\x7f HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET /x#part HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET x HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET * HTTP/1.1\r\n\r\n", BAD_REQUEST),
    REFUSED("GET ftp://host/x HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET http:///x HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET http://a@b/x HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    /* line ends */
    REFUSED("GET /x HTTP/1.1\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET /x HTTP/1.1\r\nHost: a\n\r\n", BAD_REQUEST),
    REFUSED("GET /x HTTP/1.1\r\nHost: a\r\n\n", BAD_REQUEST),
    REFUSED("\nGET /x HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    REFUSED("GET /x HTTP/1.1\r\nHost: a\rX-Hidden: b\r\n\r\n", BAD_REQUEST),
    REFUSED("GET /x HTTP/1.1\rHost: a\r\n\r\n", HTTP_VERSION),
    REFUSED("GET /x HTTP/1.1\r\r\n" HOST "\r\n", HTTP_VERSION),
    REFUSED("\r\rGET /x HTTP/1.1\r\n" HOST "\r\n", BAD_REQUEST),
    /* fields */
    REFUSED(GET_X "\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Host: other\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST HOST "\r\n", BAD_REQUEST),
    REFUSED(GET_X "Host: a/b\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X "Host: a, b\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X "Host: a@b\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X "Host : a\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X " Host: a\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "X: a\r\n folded\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Mec-Geo: a\r\n\tfolded\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "no colon\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST ": no name\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "X\0Y: a\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "X: a\0b\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "X: a\x01\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "X\x80: a\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "(X): a\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Authorization: a\r\nAuthorization: b\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Mec-Geo: a\r\nMEC-GEO: a\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Mec-Bookmark:\r\nMec-Bookmark:\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "If-Match: \"1\"\r\nIf-Match: \"2\"\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Idempotency-Key: 1\r\nIdempotency-Key: 2\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Cookie: a=1\r\nCookie: b=2\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Expect: 200-ok\r\n\r\n", BAD_REQUEST),
    REFUSED(GET_X HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", NOT_IMPLEMENTED),
    /* lengths */
    REFUSED(PUT_K "Content-Length: -1\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: +1\r\n\r\nx", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: 0x1\r\n\r\nx", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: 1 1\r\n\r\nx", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: 1, 1\r\n\r\nx", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length:\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: 99999999999999999999999\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Content-Length: 18446744073709551615\r\n\r\n", TOO_LARGE),
    REFUSED(PUT_K "Content-Length: 65537\r\n\r\n", TOO_LARGE),
    REFUSED("POST /v1/users HTTP/1.1\r\n" HOST "Content-Length: 4097\r\n\r\n", TOO_LARGE),
    REFUSED("GET /v1/whoami HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", TOO_LARGE),
    REFUSED("POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", TOO_LARGE),
    REFUSED(PUT_K "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: gzip\r\n\r\n", NOT_IMPLEMENTED),
    REFUSED(PUT_K "Transfer-Encoding: gzip, chunked\r\n\r\n", NOT_IMPLEMENTED),
    REFUSED(PUT_K "Transfer-Encoding: chunked, gzip\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: xchunked\r\n\r\n", NOT_IMPLEMENTED),
    REFUSED(PUT_K "Transfer-Encoding: identity\r\n\r\n", NOT_IMPLEMENTED),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding : chunked\r\n\r\n", BAD_REQUEST),
    REFUSED("PUT /v1/metadata/k HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BAD_REQUEST),
    /* chunks */
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\nx\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n-1\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\n1;\x01\r\nx\r\n", BAD_REQUEST),
    REFUSED(PUT_K "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", BAD_REQUEST),
    REFUSED("GET /v1/whoami HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", TOO_LARGE),
};

START_TEST(unsound_requests_are_refused)
{
    const struct refused *expected = &refused[_i];

    for (int step = 0; step < STEP_COUNT; step++) {
        struct arrival arrival;
        enum http_parse_result result =
            arrive(&arrival, expected->text, expected->size, steps[step]);

        ck_assert_msg(result == HTTP_PARSE_FAILED, "step %zu: not refused: %s", steps[step],
                      expected->text);
        ck_assert_msg(arrival.state->problem == expected->problem, "step %zu: %d %s: %s",
                      steps[step], arrival.state->problem, arrival.state->detail, expected->text);
        ck_assert_ptr_nonnull(arrival.state->detail);
        leave(&arrival);
    }
}
END_TEST

/* @head, then @unit as often as @count says, then @tail. */
static char *repeated(const char *head, const char *unit, size_t count, const char *tail,
                      size_t *ret_size)
{
    size_t unit_size = strlen(unit);
    size_t size = strlen(head) + unit_size * count + strlen(tail);
    char *text = memory_alloc(size + 1);
    char *at = stpcpy(text, head);

    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, unit);
    strcpy(at, tail);
    *ret_size = size;
    return text;
}

static enum problem_id judge(const char *head, const char *unit, size_t count, const char *tail)
{
    static const size_t reads[] = {777, 1000000};
    enum problem_id problems[2];

    for (int i = 0; i < 2; i++) {
        size_t size;
        char *text = repeated(head, unit, count, tail, &size);
        struct arrival arrival;
        enum http_parse_result result = arrive(&arrival, text, size, reads[i]);

        ck_assert_int_ne(result, HTTP_PARSE_MORE);
        problems[i] = result == HTTP_PARSE_DONE ? PROBLEM_NONE : arrival.state->problem;
        leave(&arrival);
        free(text);
    }
    ck_assert_int_eq(problems[0], problems[1]);
    return problems[0];
}

START_TEST(the_request_line_has_a_limit)
{
    size_t room = HTTP_LINE_MAX - strlen("GET / HTTP/1.1\r");

    ck_assert_int_eq(judge("GET /", "a", room, " HTTP/1.1\r\n" HOST "\r\n"), PROBLEM_NONE);
    ck_assert_int_eq(judge("GET /", "a", room + 1, " HTTP/1.1\r\n" HOST "\r\n"),
                     PROBLEM_URI_TOO_LONG);
    ck_assert_int_eq(judge("GET /", "a", 1000000, ""), PROBLEM_URI_TOO_LONG);
}
END_TEST

START_TEST(the_header_block_has_a_limit)
{
    ck_assert_int_eq(judge(GET_X HOST "X: ", "a", HTTP_HEADER_MAX - 100, "\r\n\r\n"), PROBLEM_NONE);
    ck_assert_int_eq(judge(GET_X HOST "X: ", "a", HTTP_HEADER_MAX, "\r\n\r\n"),
                     PROBLEM_HEADERS_TOO_LARGE);
    ck_assert_int_eq(judge(GET_X HOST "X: ", "a", 1000000, ""), PROBLEM_HEADERS_TOO_LARGE);
    ck_assert_int_eq(judge(GET_X HOST, "X", 1000000, ""), PROBLEM_HEADERS_TOO_LARGE);
    ck_assert_int_eq(judge(GET_X HOST,
                           "X: 0123456789012345678901234567890123456789"
                           "01234567890123456789012345678901234567890123456789"
                           "01234567890123456789012345678901234567890123456789"
                           "01234567890123456789012345678901234567890123456789\r\n",
                           99, "\r\n"),
                     PROBLEM_HEADERS_TOO_LARGE);
}
END_TEST

START_TEST(the_number_of_fields_has_a_limit)
{
    ck_assert_int_eq(judge(GET_X HOST, "X: y\r\n", HTTP_FIELDS_MAX - 1, "\r\n"), PROBLEM_NONE);
    ck_assert_int_eq(judge(GET_X HOST, "X: y\r\n", HTTP_FIELDS_MAX, "\r\n"),
                     PROBLEM_HEADERS_TOO_LARGE);
}
END_TEST

START_TEST(a_chunked_body_has_the_same_limit)
{
    static const char head[] = PUT_K "Transfer-Encoding: chunked\r\n\r\n";

    ck_assert_int_eq(judge(head, "8\r\n01234567\r\n", HTTP_BODY_MAX / 8, "0\r\n\r\n"),
                     PROBLEM_NONE);
    ck_assert_int_eq(judge(head, "8\r\n01234567\r\n", HTTP_BODY_MAX / 8, "1\r\nx\r\n0\r\n\r\n"),
                     PROBLEM_TOO_LARGE);
}
END_TEST

START_TEST(what_is_wrapped_around_chunks_has_a_limit)
{
    static const char head[] = PUT_K "Transfer-Encoding: chunked\r\n\r\n";
    size_t size;
    char *text = repeated(head, "1;name=0123456789\r\nx\r\n", 40000, "", &size);
    struct arrival arrival;

    ck_assert_int_eq(arrive(&arrival, text, size, 4096), HTTP_PARSE_FAILED);
    ck_assert_int_eq(arrival.state->problem, PROBLEM_TOO_LARGE);
    leave(&arrival);
    free(text);
    text = repeated(PUT_K "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: endless\r\n", 100000, "",
                    &size);
    ck_assert_int_eq(arrive(&arrival, text, size, 4096), HTTP_PARSE_FAILED);
    ck_assert_int_eq(arrival.state->problem, PROBLEM_TOO_LARGE);
    leave(&arrival);
    free(text);
}
END_TEST

START_TEST(memory_stays_bounded_while_a_chunked_body_trickles_in)
{
    static const char head[] = PUT_K "Transfer-Encoding: chunked\r\n\r\n";
    struct http_parse *parse = http_parse_create();
    char bytes[sizeof(head) + 64];
    size_t size = sizeof(head) - 1;

    memcpy(bytes, head, size);
    ck_assert_int_eq(http_parse_run(parse, bytes, &size), HTTP_PARSE_MORE);
    ck_assert_uint_eq(size, sizeof(head) - 1);
    for (size_t i = 1; i <= 20; i++) {
        memcpy(bytes + size, "1;some=extension\r\nx\r\n", 21);
        size += 21;
        ck_assert_int_eq(http_parse_run(parse, bytes, &size), HTTP_PARSE_MORE);
        ck_assert_uint_eq(size, sizeof(head) - 1 + i);
    }
    http_parse_free(parse);
}
END_TEST

START_TEST(requests_behind_each_other_are_read_one_by_one)
{
    char text[] = "GET /a HTTP/1.1\r\n" HOST "\r\n"
                  "PUT /v1/metadata/b HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz"
                  "\r\n"
                  "PUT /v1/metadata/c HTTP/1.1\r\n" HOST
                  "Transfer-Encoding: chunked\r\n\r\n2\r\nzz\r\n0\r\n\r\n"
                  "GET /d HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
                  "GET /e HTTP/1.1\r\n" HOST "\r\n";
    static const char *const paths[] = {"/a", "/v1/metadata/b", "/v1/metadata/c", "/d", "/e"};
    static const char *const bodies[] = {"", "xyz", "zz", "", ""};
    struct http_parse *parse = http_parse_create();
    char *at = text;
    size_t left = sizeof(text) - 1;

    for (int i = 0; i < 5; i++) {
        struct http_request request;

        http_parse_reset(parse);
        ck_assert_int_eq(http_parse_run(parse, at, &left), HTTP_PARSE_DONE);
        http_parse_request(parse, at, &request);
        assert_slice(request.path, paths[i]);
        assert_slice(request.body, bodies[i]);
        ck_assert_int_eq(http_parse_state(parse)->keeps_alive, i != 3);
        at += http_parse_state(parse)->used_size;
        left -= http_parse_state(parse)->used_size;
    }
    ck_assert_uint_eq(left, 0);
    http_parse_free(parse);
}
END_TEST

START_TEST(a_client_that_waits_for_100_continue_is_noticed)
{
    char bytes[256] = PUT_K "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    size_t size = strlen(bytes);
    struct http_parse *parse = http_parse_create();
    const struct http_parse_state *state = http_parse_state(parse);

    ck_assert_int_eq(http_parse_run(parse, bytes, &size), HTTP_PARSE_MORE);
    ck_assert(state->header_whole);
    ck_assert(state->expects_continue);
    bytes[size++] = 'a';
    ck_assert_int_eq(http_parse_run(parse, bytes, &size), HTTP_PARSE_MORE);
    ck_assert(!state->expects_continue);
    bytes[size++] = 'b';
    ck_assert_int_eq(http_parse_run(parse, bytes, &size), HTTP_PARSE_DONE);
    http_parse_free(parse);
}
END_TEST

START_TEST(a_body_that_is_too_large_is_refused_before_it_is_sent)
{
    char bytes[256] = PUT_K "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n";
    size_t size = strlen(bytes);
    struct http_parse *parse = http_parse_create();

    ck_assert_int_eq(http_parse_run(parse, bytes, &size), HTTP_PARSE_FAILED);
    ck_assert_int_eq(http_parse_state(parse)->problem, PROBLEM_TOO_LARGE);
    http_parse_free(parse);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_request_line_has_a_limit,
        the_header_block_has_a_limit,
        the_number_of_fields_has_a_limit,
        a_chunked_body_has_the_same_limit,
        what_is_wrapped_around_chunks_has_a_limit,
        memory_stays_bounded_while_a_chunked_body_trickles_in,
        requests_behind_each_other_are_read_one_by_one,
        a_client_that_waits_for_100_continue_is_noticed,
        a_body_that_is_too_large_is_refused_before_it_is_sent,
    };
    const struct suite_loop loops[] = {
        {every_field_that_we_read_is_found_however_it_arrives, STEP_COUNT},
        {an_absent_field_is_no_empty_field, STEP_COUNT},
        {a_chunked_body_is_pushed_together, STEP_COUNT},
        {a_body_may_hold_any_byte, STEP_COUNT},
        {sound_requests_are_accepted, (int)(sizeof(accepted) / sizeof(accepted[0]))},
        {unsound_requests_are_refused, (int)(sizeof(refused) / sizeof(refused[0]))},
    };
    return suite_run(&(struct suite){.name = "http_parse", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
