/* HTTP in, Call out: what is understood, what is refused and with which problem. */

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "routerd/request.h"
#include "routerd/request_text.h"
#include "tests/unit/suite.h"

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct arena *arena;
static struct idents idents;
static struct http_request http;
static struct request request;
static struct request_refusal refusal;

static void fresh(void)
{
    static const uint8_t seed[32] = {1, 2, 3};
    arena = arena_create();
    idents_init(&idents, seed);
    memset(&http, 0, sizeof(http));
    http.authorization = slice_of("Bearer abc.def.ghi");
}

static void gone(void)
{
    arena_free(arena);
}

static enum problem_id read_as(enum http_method method, const char *path, const char *query)
{
    http.method = method;
    http.path = slice_of(path);
    http.query = slice_of(query);
    request_read(&http, &idents, arena, &request, &refusal);
    return refusal.problem;
}

static enum problem_id get(const char *path)
{
    return read_as(HTTP_GET, path, NULL);
}

static enum problem_id put(void)
{
    return read_as(HTTP_PUT, "/v1/metadata/colour", NULL);
}

START_TEST(a_read_becomes_a_call)
{
    ck_assert_int_eq(get("/v1/metadata/colour"), PROBLEM_NONE);
    ck_assert_int_eq(request.call.operation, MEC__OPERATION__METADATA_GET);
    ck_assert_str_eq(request.call.key, "colour");
    ck_assert_str_eq(request.call.token, "abc.def.ghi");
    ck_assert_str_eq(request.call.idempotency_key, "");
    ck_assert_int_eq(request.call.consistency, MEC__CONSISTENCY__SESSION);
    ck_assert_ptr_null(request.geo.data);
    ck_assert_ptr_null(request.forced.data);
    ck_assert(!request.head);
}
END_TEST

START_TEST(a_write_carries_body_type_and_conditions_as_they_came)
{
    http.body = (struct slice){"a\0b", 3};
    http.content_type = slice_of("text/plain");
    http.if_match = slice_of("\"7\"");
    http.if_none_match = slice_of("*");
    http.idempotency_key = slice_of("order-1");
    ck_assert_int_eq(put(), PROBLEM_NONE);
    ck_assert_uint_eq(request.call.body.len, 3);
    ck_assert_mem_eq(request.call.body.data, "a\0b", 3);
    ck_assert_str_eq(request.call.content_type, "text/plain");
    ck_assert_str_eq(request.call.if_match, "\"7\"");
    ck_assert_str_eq(request.call.if_none_match, "*");
    ck_assert_str_eq(request.call.idempotency_key, "order-1");
}
END_TEST

START_TEST(a_write_without_idempotency_key_gets_a_new_and_later_one_each_time)
{
    char first[IDENTS_KEY_SIZE];
    ck_assert_int_eq(put(), PROBLEM_NONE);
    ck_assert_uint_eq(strlen(request.call.idempotency_key), 36);
    ck_assert_int_eq(strncmp(request.call.idempotency_key, "mec-", 4), 0);
    strcpy(first, request.call.idempotency_key);
    ck_assert_int_eq(put(), PROBLEM_NONE);
    ck_assert_str_gt(request.call.idempotency_key, first);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_idempotency_keys)
{
    static const uint8_t seed[32] = {1, 2, 3};
    char first[IDENTS_KEY_SIZE];
    put();
    strcpy(first, request.call.idempotency_key);
    idents_init(&idents, seed);
    put();
    ck_assert_str_eq(request.call.idempotency_key, first);
}
END_TEST

START_TEST(idempotency_keys_must_be_short_visible_ascii)
{
    char key[130];
    memset(key, 'k', sizeof(key));
    http.idempotency_key = (struct slice){key, 128};
    ck_assert_int_eq(put(), PROBLEM_NONE);
    http.idempotency_key = (struct slice){key, 129};
    ck_assert_int_eq(put(), PROBLEM_BAD_REQUEST);
    http.idempotency_key = (struct slice){key, 0};
    ck_assert_int_eq(put(), PROBLEM_BAD_REQUEST);
    http.idempotency_key = slice_of("a b");
    ck_assert_int_eq(put(), PROBLEM_BAD_REQUEST);
    http.idempotency_key = slice_of("caf\xc3\xa9");
    ck_assert_int_eq(put(), PROBLEM_BAD_REQUEST);
}
END_TEST

START_TEST(unknown_paths_are_404)
{
    ck_assert_int_eq(get("/"), PROBLEM_NOT_FOUND);
    ck_assert_int_eq(get("/v2/metadata/x"), PROBLEM_NOT_FOUND);
    ck_assert_int_eq(read_as(HTTP_OTHER, "/nothing", NULL), PROBLEM_NOT_FOUND);
}
END_TEST

START_TEST(other_methods_are_405_and_say_what_works)
{
    ck_assert_int_eq(read_as(HTTP_POST, "/v1/metadata/x", NULL), PROBLEM_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(refusal.allow, "DELETE, GET, HEAD, PUT");
    ck_assert_int_eq(read_as(HTTP_OTHER, "/v1/users", NULL), PROBLEM_METHOD_NOT_ALLOWED);
}
END_TEST

START_TEST(head_is_read_as_get)
{
    ck_assert_int_eq(read_as(HTTP_HEAD, "/v1/metadata/x", NULL), PROBLEM_NONE);
    ck_assert(request.head);
    ck_assert_int_eq(request.call.operation, MEC__OPERATION__METADATA_GET);
}
END_TEST

START_TEST(keys_are_percent_decoded)
{
    ck_assert_int_eq(get("/v1/metadata/a%2Fb%20c+d%C3%A9"), PROBLEM_NONE);
    ck_assert_str_eq(request.call.key, "a/b c+d\xc3\xa9");
}
END_TEST

START_TEST(bad_escapes_and_what_is_no_text_are_400)
{
    static const char *const bad[] = {"%",         "%4",           "%zz",   "a%0", "%00",
                                      "%0a",       "%7f",          "%ff",   "%c3", "%c0%af",
                                      "%ed%a0%80", "%f5%80%80%80", "%e2%82"};
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
        char path[64] = "/v1/metadata/";
        strcat(path, bad[index]);
        ck_assert_msg(get(path) == PROBLEM_BAD_REQUEST, "%s", path);
    }
}
END_TEST

START_TEST(a_key_that_is_too_long_is_414)
{
    char path[1100] = "/v1/metadata/";
    memset(path + 13, 'k', 1024);
    ck_assert_int_eq(get(path), PROBLEM_NONE);
    path[13 + 1024] = 'k';
    ck_assert_int_eq(get(path), PROBLEM_URI_TOO_LONG);
}
END_TEST

START_TEST(lists_take_prefix_after_and_limit)
{
    ck_assert_int_eq(read_as(HTTP_GET, "/v1/metadata", "prefix=a%26b&after=c+d&limit=50&"),
                     PROBLEM_NONE);
    ck_assert_str_eq(request.call.prefix, "a&b");
    ck_assert_str_eq(request.call.after, "c d");
    ck_assert_uint_eq(request.call.limit, 50);
}
END_TEST

START_TEST(bad_queries_are_400)
{
    static const char *const bad[] = {
        "what=1", "limit=0",    "limit=1001", "limit=-1", "limit=1x",
        "limit=", "prefix=%zz", "limit",      "Prefix=a", "limit=99999999999999999999"};
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++)
        ck_assert_msg(read_as(HTTP_GET, "/v1/metadata", bad[index]) == PROBLEM_BAD_REQUEST, "%s",
                      bad[index]);
    ck_assert_int_eq(read_as(HTTP_GET, "/v1/metadata/x", "prefix=a"), PROBLEM_BAD_REQUEST);
    ck_assert_int_eq(read_as(HTTP_GET, "/v1/metadata/x", ""), PROBLEM_NONE);
}
END_TEST

START_TEST(a_missing_token_is_401_where_one_is_needed)
{
    static const char *const bad[] = {NULL, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b"};
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
        http.authorization = slice_of(bad[index]);
        ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_UNAUTHENTICATED);
        ck_assert_int_eq(get("/.well-known/jwks.json"), PROBLEM_NONE);
    }
    http.authorization = slice_of("bEARER  abc");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_str_eq(request.call.token, "abc");
}
END_TEST

START_TEST(consistency_is_one_of_three)
{
    http.consistency = slice_of("strong");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_int_eq(request.call.consistency, MEC__CONSISTENCY__STRONG);
    http.consistency = slice_of("stale-ok");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_int_eq(request.call.consistency, MEC__CONSISTENCY__STALE_OK);
    http.consistency = slice_of("Strong");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_BAD_REQUEST);
    http.consistency = slice_of("");
    http.consistency.data = "";
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_BAD_REQUEST);
}
END_TEST

START_TEST(the_bookmark_is_passed_on)
{
    http.bookmark = slice_of("eu-west:1.5;us-east:3.1824");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_uint_eq(request.call.n_bookmark, 2);
    ck_assert_str_eq(request.call.bookmark[1]->shard, "us-east");
    ck_assert_uint_eq(request.call.bookmark[1]->epoch, 3);
    ck_assert_uint_eq(request.call.bookmark[1]->seq, 1824);
    ck_assert_uint_eq(request.bookmark.count, 2);
}
END_TEST

START_TEST(an_unreadable_bookmark_is_400)
{
    http.bookmark = slice_of("nonsense");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_BAD_BOOKMARK);
}
END_TEST

START_TEST(the_cookie_is_the_bookmark_when_there_is_no_header)
{
    http.cookie = slice_of("a=b; mec_bookmark=eu-west:1.5%3Bus-east:3.4; c=d");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_uint_eq(request.bookmark.count, 2);
    ck_assert(request.has_cookie);
    http.bookmark = slice_of("us-east:3.9");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_uint_eq(request.bookmark.count, 1);
    ck_assert_uint_eq(request.bookmark.positions[0].seq, 9);
}
END_TEST

START_TEST(an_unreadable_cookie_is_ignored)
{
    static const char *const bad[] = {"mec_bookmark=nonsense", "mec_bookmark=%zz", "mec_bookmark",
                                      "xmec_bookmark=us-east:1.1", ";;=;"};
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
        http.cookie = slice_of(bad[index]);
        ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
        ck_assert_uint_eq(request.bookmark.count, 0);
        ck_assert(request.has_cookie);
    }
}
END_TEST

START_TEST(the_listener_says_where_a_client_is_unless_the_client_does)
{
    http.listener_geo = "us-west";
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert(slice_is(request.geo, "us-west"));
    http.geo = slice_of("Paris");
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert(slice_is(request.geo, "Paris"));
}
END_TEST

START_TEST(a_geo_tag_that_cannot_be_one_is_400)
{
    char longest[REQUEST_GEO_SIZE + 1];
    memset(longest, 'x', sizeof(longest));
    http.geo = (struct slice){longest, REQUEST_GEO_SIZE};
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_BAD_GEO);
    http.geo = (struct slice){"", 0};
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_BAD_GEO);
    http.geo = (struct slice){"a\0b", 3};
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_BAD_GEO);
}
END_TEST

START_TEST(a_body_beyond_the_routes_bound_is_413)
{
    static char body[64 * 1024 + 1];
    http.body = (struct slice){body, 64 * 1024};
    ck_assert_int_eq(put(), PROBLEM_NONE);
    http.body.size++;
    ck_assert_int_eq(put(), PROBLEM_TOO_LARGE);
    http.body.size = 1;
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_TOO_LARGE);
}
END_TEST

START_TEST(a_valid_traceparent_is_passed_on)
{
    char id[33];
    http.traceparent = slice_of(TRACEPARENT);
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_str_eq(request.call.traceparent, TRACEPARENT);
    request_trace_id(request.traceparent, id);
    ck_assert_str_eq(id, "4bf92f3577b34da6a3ce929d0e0e4736");
}
END_TEST

START_TEST(an_invalid_traceparent_is_replaced)
{
    static const char *const bad[] = {
        "",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-zz",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
        http.traceparent = slice_of(bad[index]);
        ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
        ck_assert_str_ne(request.traceparent, bad[index]);
        ck_assert(request_text_is_traceparent(slice_of(request.traceparent)));
    }
}
END_TEST

START_TEST(a_refusal_has_a_traceparent_too)
{
    http.traceparent = slice_of(TRACEPARENT);
    ck_assert_int_eq(get("/nothing"), PROBLEM_NOT_FOUND);
    ck_assert_str_eq(request.traceparent, TRACEPARENT);
}
END_TEST

START_TEST(a_receipt_names_its_region)
{
    ck_assert_int_eq(get("/v1/receipts/eu-west.9f3c"), PROBLEM_NONE);
    ck_assert(slice_is(request.accepted, "eu-west"));
    ck_assert_str_eq(request.call.key, "eu-west.9f3c");
    ck_assert_int_eq(get("/v1/receipts/nodot"), PROBLEM_NOT_FOUND);
    ck_assert_int_eq(get("/v1/receipts/.x"), PROBLEM_NOT_FOUND);
}
END_TEST

START_TEST(a_token_too_long_to_be_one_is_left_to_the_region_to_refuse)
{
    static char header[2048] = "Bearer ";
    memset(header + 7, 'a', 1500);
    http.authorization = slice_of(header);
    ck_assert_int_eq(get("/v1/metadata/x"), PROBLEM_NONE);
    ck_assert_str_eq(request.call.token, "");
    ck_assert_uint_eq(request.token.size, 1500);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_read_becomes_a_call,
        a_write_carries_body_type_and_conditions_as_they_came,
        a_write_without_idempotency_key_gets_a_new_and_later_one_each_time,
        the_same_seed_gives_the_same_idempotency_keys,
        idempotency_keys_must_be_short_visible_ascii,
        unknown_paths_are_404,
        other_methods_are_405_and_say_what_works,
        head_is_read_as_get,
        keys_are_percent_decoded,
        bad_escapes_and_what_is_no_text_are_400,
        a_key_that_is_too_long_is_414,
        lists_take_prefix_after_and_limit,
        bad_queries_are_400,
        a_missing_token_is_401_where_one_is_needed,
        consistency_is_one_of_three,
        the_bookmark_is_passed_on,
        an_unreadable_bookmark_is_400,
        the_cookie_is_the_bookmark_when_there_is_no_header,
        an_unreadable_cookie_is_ignored,
        the_listener_says_where_a_client_is_unless_the_client_does,
        a_geo_tag_that_cannot_be_one_is_400,
        a_body_beyond_the_routes_bound_is_413,
        a_valid_traceparent_is_passed_on,
        an_invalid_traceparent_is_replaced,
        a_refusal_has_a_traceparent_too,
        a_receipt_names_its_region,
        a_token_too_long_to_be_one_is_left_to_the_region_to_refuse,
    };
    return suite_run(
        &(struct suite){.name = "request", .set_up = fresh, .tear_down = gone, SUITE_TESTS(tests)});
}
