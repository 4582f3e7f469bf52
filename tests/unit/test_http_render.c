#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "routerd/http_message.h"
#include "routerd/http_text.h"
#include "tests/unit/suite.h"

#define WALL_S UINT64_C(1795403589) /* Mon, 23 Nov 2026 03:13:09 GMT */
#define DATE   "Date: Mon, 23 Nov 2026 03:13:09 GMT\r\n"

/* The whole response as a new string. */
static char *rendered(const struct http_answer *answer, enum http_persistence persistence)
{
    char *buffer = NULL;
    size_t size = 0;
    size_t capacity = 0;
    char *text;

    http_render(answer, persistence, WALL_S, &buffer, &size, &capacity);
    ck_assert_uint_le(size, capacity);
    text = memory_text_of((struct slice){buffer, size});
    ck_assert_uint_eq(strlen(text), size);
    free(buffer);
    return text;
}

static void assert_rendered(const struct http_answer *answer, enum http_persistence persistence,
                            const char *expected)
{
    char *text = rendered(answer, persistence);

    ck_assert_str_eq(text, expected);
    free(text);
}

static void assert_holds(const struct http_answer *answer, const char *part)
{
    char *text = rendered(answer, HTTP_STAYS);

    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
    free(text);
}

static void assert_lacks(const struct http_answer *answer, const char *part)
{
    char *text = rendered(answer, HTTP_STAYS);

    ck_assert_msg(strstr(text, part) == NULL, "'%s' is in: %s", part, text);
    free(text);
}

START_TEST(a_record_is_rendered_with_all_that_is_known_of_it)
{
    struct position position = {.shard = "us-east", .epoch = 3, .seq = 1824};
    struct http_answer answer = {
        .status = 200,
        .body = slice_of("value"),
        .content_type = "text/plain",
        .version = 7,
        .region = "eu-west",
        .home = "us-east",
        .served = MEC__SERVED__SERVED_REPLICA,
        .route = "nearest healthy region",
        .position = &position,
        .bookmark = "eu-west:1.2;us-east:3.1824",
        .set_cookie = true,
        .staleness_shown = true,
        .staleness_known = true,
        .staleness_us = 41001,
        .traceparent = "00-aa-bb-01",
        .spans = {{"wan", 71900}, {"gateway", 100}},
        .span_count = 2,
    };

    assert_rendered(&answer, HTTP_STAYS,
                    "HTTP/1.1 200 OK\r\n" DATE "ETag: \"7\"\r\n"
                    "Cache-Control: private, no-cache\r\n"
                    "X-Content-Type-Options: nosniff\r\n"
                    "Mec-Region: eu-west\r\n"
                    "Mec-Home: us-east\r\n"
                    "Mec-Served: replica\r\n"
                    "Mec-Route: nearest healthy region\r\n"
                    "Mec-Position: us-east:3.1824\r\n"
                    "Mec-Bookmark: eu-west:1.2;us-east:3.1824\r\n"
                    "Set-Cookie: mec_bookmark=eu-west:1.2%3Bus-east:3.1824; Path=/; HttpOnly; "
                    "SameSite=Lax\r\n"
                    "Mec-Staleness-Ms: 42\r\n"
                    "Server-Timing: wan;dur=71.9, gateway;dur=0.1\r\n"
                    "traceparent: 00-aa-bb-01\r\n"
                    "Content-Type: text/plain\r\n"
                    "Content-Length: 5\r\n\r\nvalue");
}
END_TEST

START_TEST(a_bare_answer_is_short_and_is_not_kept)
{
    struct http_answer answer = {.status = 200};

    assert_rendered(&answer, HTTP_STAYS,
                    "HTTP/1.1 200 OK\r\n" DATE "Cache-Control: no-store\r\n"
                    "Content-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(a_problem_becomes_problem_json)
{
    struct http_answer answer = {
        .status = 412,
        .problem = PROBLEM_PRECONDITION_FAILED,
        .detail = "It is at \"8\".",
        .instance = "4bf92f",
    };

    assert_rendered(&answer, HTTP_CLOSES,
                    "HTTP/1.1 412 Precondition Failed\r\n" DATE "Cache-Control: no-store\r\n"
                    "Connection: close\r\n"
                    "Content-Type: application/problem+json\r\n"
                    "Content-Length: 159\r\n\r\n"
                    "{\"type\":\"urn:mecentral:problem:precondition-failed\","
                    "\"title\":\"The version is not the expected one\",\"status\":412,"
                    "\"detail\":\"It is at \\\"8\\\".\",\"instance\":\"4bf92f\"}\n");
}
END_TEST

START_TEST(a_problem_brings_its_own_status_when_none_is_given)
{
    struct http_answer answer = {.problem = PROBLEM_QUEUE_FULL, .retry_after_s = 3};

    assert_holds(&answer, "HTTP/1.1 503 Service Unavailable\r\n");
    assert_holds(&answer, "Retry-After: 3\r\n");
    assert_holds(&answer, "\"status\":503}");
}
END_TEST

START_TEST(any_detail_makes_valid_json)
{
    static const char *const details[][2] = {
        {"plain", "plain"},
        {"\"quoted\" \\ back", "\"quoted\" \\ back"},
        {"line\r\nline\ttab\x01\x1f", "line\r\nline\ttab\x01\x1f"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"latin \xe9.", "latin \xef\xbf\xbd."},
        {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
        {"overlong \xc0\xaf", "overlong \xef\xbf\xbd\xef\xbf\xbd"},
        {"surrogate \xed\xa0\x80", "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"beyond \xf4\x90\x80\x80", "beyond \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    struct http_answer answer = {.problem = PROBLEM_BAD_REQUEST, .detail = details[_i][0]};
    char *text = rendered(&answer, HTTP_STAYS);
    const char *body = strstr(text, "\r\n\r\n") + 4;
    json_t *json = json_loads(body, 0, NULL);

    ck_assert_msg(json != NULL, "not JSON: %s", body);
    ck_assert_str_eq(json_string_value(json_object_get(json, "detail")), details[_i][1]);
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(no_text_breaks_out_of_its_header)
{
    struct http_answer answer = {
        .status = 201,
        .location = "/x\r\nSet-Cookie: a=b",
        .region = "a\nb",
        .route = "one\r\n\r\ntwo\x7f\tthree",
        .bookmark = "a;b\r\nX: y",
        .set_cookie = true,
        .content_type = "text/plain\r\nX-Evil: 1",
        .body = slice_of("x"),
    };

    assert_holds(&answer, "Location: /xSet-Cookie: a=b\r\n");
    assert_holds(&answer, "Mec-Region: ab\r\n");
    assert_holds(&answer, "Mec-Route: onetwo\tthree\r\n");
    assert_holds(&answer, "Mec-Bookmark: a;bX: y\r\n");
    assert_holds(&answer, "Set-Cookie: mec_bookmark=a%3BbX: y; Path");
    assert_holds(&answer, "Content-Type: text/plainX-Evil: 1\r\n");
}
END_TEST

START_TEST(head_tells_the_length_and_sends_no_body)
{
    struct http_answer answer = {
        .status = 200, .body = slice_of("hello"), .content_type = "text/plain", .head = true};
    struct http_answer problem = {.problem = PROBLEM_NOT_FOUND, .head = true};
    char *text;

    assert_rendered(&answer, HTTP_STAYS,
                    "HTTP/1.1 200 OK\r\n" DATE "Cache-Control: no-store\r\n"
                    "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
    text = rendered(&problem, HTTP_STAYS);
    ck_assert_ptr_nonnull(strstr(text, "Content-Length: 89\r\n\r\n"));
    ck_assert_str_eq(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    free(text);
}
END_TEST

START_TEST(statuses_without_a_body_have_no_length)
{
    struct http_answer deleted = {.status = 204, .content_type = "text/plain"};
    struct http_answer unchanged = {
        .status = 200, .not_modified = true, .version = 9, .body = slice_of("hello")};

    assert_rendered(&deleted, HTTP_STAYS,
                    "HTTP/1.1 204 No Content\r\n" DATE "Cache-Control: no-store\r\n\r\n");
    assert_rendered(&unchanged, HTTP_STAYS,
                    "HTTP/1.1 304 Not Modified\r\n" DATE "ETag: \"9\"\r\n"
                    "Cache-Control: private, no-cache\r\n"
                    "X-Content-Type-Options: nosniff\r\n\r\n");
}
END_TEST

START_TEST(an_empty_value_keeps_its_content_type)
{
    struct http_answer answer = {.status = 200, .content_type = "image/png", .version = 1};

    assert_holds(&answer, "Content-Type: image/png\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(unknown_staleness_is_never_a_number)
{
    struct http_answer answer = {.status = 200, .staleness_shown = true, .staleness_us = 5};

    assert_holds(&answer, "Mec-Staleness-Ms: unknown\r\n");
    answer.staleness_known = true;
    assert_holds(&answer, "Mec-Staleness-Ms: 1\r\n");
    answer.staleness_us = 0;
    assert_holds(&answer, "Mec-Staleness-Ms: 0\r\n");
    answer.staleness_shown = false;
    assert_lacks(&answer, "Mec-Staleness-Ms");
}
END_TEST

START_TEST(other_headers_appear_when_they_mean_something)
{
    struct http_answer answer = {.status = 401, .problem = PROBLEM_UNAUTHENTICATED};
    struct http_answer method = {
        .status = 405, .problem = PROBLEM_METHOD_NOT_ALLOWED, .allow = "GET"};
    struct http_answer odd = {.status = 299};

    assert_holds(&answer, "WWW-Authenticate: Bearer\r\n");
    assert_holds(&method, "Allow: GET\r\n");
    assert_lacks(&method, "WWW-Authenticate");
    assert_lacks(&method, "Retry-After");
    assert_lacks(&method, "Connection");
    assert_holds(&odd, "HTTP/1.1 299 \r\n");
}
END_TEST

START_TEST(the_connection_header_says_what_will_happen)
{
    struct http_answer answer = {.status = 204};

    assert_rendered(&answer, HTTP_CLOSES,
                    "HTTP/1.1 204 No Content\r\n" DATE
                    "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
    assert_rendered(&answer, HTTP_KEEPS,
                    "HTTP/1.1 204 No Content\r\n" DATE
                    "Cache-Control: no-store\r\nConnection: keep-alive\r\n\r\n");
}
END_TEST

START_TEST(answers_are_appended)
{
    struct http_answer answer = {.status = 204};
    char *buffer = NULL;
    size_t size = 0;
    size_t capacity = 0;
    size_t first;

    http_render(&answer, HTTP_STAYS, WALL_S, &buffer, &size, &capacity);
    first = size;
    for (int i = 0; i < 100; i++)
        http_render(&answer, HTTP_STAYS, WALL_S, &buffer, &size, &capacity);
    ck_assert_uint_eq(size, first * 101);
    ck_assert_mem_eq(buffer, buffer + first * 100, first);
    free(buffer);
}
END_TEST

static void assert_date(uint64_t wall_s, const char *expected)
{
    struct http_text text = {0};

    http_text_date(&text, wall_s);
    ck_assert_uint_eq(text.size, strlen(expected));
    ck_assert_mem_eq(text.bytes, expected, text.size);
    free(text.bytes);
}

START_TEST(dates_follow_the_calendar)
{
    assert_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_date(951782399, "Mon, 28 Feb 2000 23:59:59 GMT");
    assert_date(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_date(951868800, "Wed, 01 Mar 2000 00:00:00 GMT");
    assert_date(1735689599, "Tue, 31 Dec 2024 23:59:59 GMT");
    assert_date(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
}
END_TEST

START_TEST(numbers_are_written_in_full)
{
    struct http_text text = {0};

    http_text_number(&text, 0);
    http_text_literal(&text, " ");
    http_text_number(&text, UINT64_MAX);
    http_text_literal(&text, " ");
    http_text_milliseconds(&text, 0);
    http_text_literal(&text, " ");
    http_text_milliseconds(&text, 49);
    http_text_literal(&text, " ");
    http_text_milliseconds(&text, 950);
    http_text_literal(&text, " ");
    http_text_milliseconds(&text, UINT64_MAX);
    http_text_bytes(&text, "", 1);
    ck_assert_str_eq(text.bytes, "0 18446744073709551615 0.0 0.0 1.0 18446744073709551.6");
    free(text.bytes);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_record_is_rendered_with_all_that_is_known_of_it,
        a_bare_answer_is_short_and_is_not_kept,
        a_problem_becomes_problem_json,
        a_problem_brings_its_own_status_when_none_is_given,
        no_text_breaks_out_of_its_header,
        head_tells_the_length_and_sends_no_body,
        statuses_without_a_body_have_no_length,
        an_empty_value_keeps_its_content_type,
        unknown_staleness_is_never_a_number,
        other_headers_appear_when_they_mean_something,
        the_connection_header_says_what_will_happen,
        answers_are_appended,
        dates_follow_the_calendar,
        numbers_are_written_in_full,
    };
    const struct suite_loop loops[] = {
        {any_detail_makes_valid_json, 9},
    };
    return suite_run(
        &(struct suite){.name = "http_render", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
