/* What may pass to controld by HTTP, as tables; and what it may ask for. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/http_api.h"
#include "control/http_guard.h"
#include "tests/unit/suite.h"

#define TOKEN   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_"
#define BEARER  "Bearer " TOKEN
#define JSON    "application/json"
#define HOST    "127.0.0.1:7777"
#define NOTHING NULL

static const struct http_guard guard = {.port = 7777, .token = TOKEN};

/* One request, by what the guard looks at; NOTHING: the header is not there. */
struct row {
    const char *method, *host, *origin, *content_type, *authorization;
    int status; /* 0: it passes */
};

static enum problem_id check_row(const struct row *row, const char *target, size_t body_size)
{
    const struct http_guard_header all[] = {{"accept", "*/*"},
                                            {"HOST", row->host},
                                            {"origin", row->origin},
                                            {"Content-Type", row->content_type},
                                            {"authorization", row->authorization}};
    struct http_guard_header headers[5];
    struct http_guard_request request = {
        .method = row->method, .target = target, .headers = headers, .body_size = body_size};
    const char *detail = NULL;

    for (size_t i = 0; i < 5; i++)
        if (all[i].value)
            headers[request.header_count++] = all[i];
    enum problem_id problem = http_guard_check(&guard, &request, &detail);
    ck_assert((problem == PROBLEM_NONE) == !detail);
    if (detail) /* what is said is constant, and no secret */
        ck_assert_ptr_null(strstr(detail, TOKEN));
    return problem;
}

static int status_of(enum problem_id problem)
{
    return problem == PROBLEM_NONE ? 0 : problem_get(problem)->status;
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = status_of(check_row(&rows[i], "/v1/faults", 0));

        ck_assert_msg(status == rows[i].status, "row %zu: %d instead of %d", i, status,
                      rows[i].status);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

START_TEST(who_has_the_token_and_means_us_may_pass)
{
    static const struct row rows[] = {
        {"GET", HOST, NOTHING, NOTHING, BEARER, 0},
        {"GET", "localhost:7777", NOTHING, NOTHING, BEARER, 0},
        {"GET", "LocalHost:7777", NOTHING, NOTHING, BEARER, 0},
        {"GET", "[::1]:7777", NOTHING, NOTHING, BEARER, 0},
        {"GET", HOST, NOTHING, NOTHING, "bearer " TOKEN, 0},
        {"GET", HOST, "http://127.0.0.1:7777", NOTHING, BEARER, 0},
        {"POST", HOST, "http://localhost:7777", JSON, BEARER, 0},
        {"POST", HOST, NOTHING, JSON, BEARER, 0},
        {"POST", HOST, NOTHING, "Application/JSON; charset=utf-8", BEARER, 0},
        {"POST", HOST, NOTHING, "application/json ;charset=utf-8", BEARER, 0},
    };

    CHECK_ROWS(rows);
}
END_TEST

START_TEST(names_that_point_to_us_are_not_ours)
{
    static const struct row rows[] = {
        {"GET", NOTHING, NOTHING, NOTHING, BEARER, 403},
        {"GET", "", NOTHING, NOTHING, BEARER, 403},
        {"GET", "evil.example:7777", NOTHING, NOTHING, BEARER, 403},
        {"GET", "localhost.evil.example:7777", NOTHING, NOTHING, BEARER, 403},
        {"GET", "127.0.0.1.evil.example:7777", NOTHING, NOTHING, BEARER, 403},
        {"GET", "127.0.0.1", NOTHING, NOTHING, BEARER, 403},
        {"GET", "127.0.0.1:8080", NOTHING, NOTHING, BEARER, 403},
        {"GET", "127.0.0.1:77770", NOTHING, NOTHING, BEARER, 403},
        {"GET", "127.0.0.1:7777 ", NOTHING, NOTHING, BEARER, 403},
        {"GET", "127.0.0.1:7777,evil", NOTHING, NOTHING, BEARER, 403},
        {"GET", "127.0.0.2:7777", NOTHING, NOTHING, BEARER, 403},
        {"GET", "::1:7777", NOTHING, NOTHING, BEARER, 403},
        {"GET", "0.0.0.0:7777", NOTHING, NOTHING, BEARER, 403},
        {"POST", "evil.example:7777", NOTHING, JSON, BEARER, 403},
    };

    CHECK_ROWS(rows);
}
END_TEST

START_TEST(pages_of_others_may_not_ask)
{
    static const struct row rows[] = {
        {"GET", HOST, "http://evil.example", NOTHING, BEARER, 403},
        {"POST", HOST, "http://evil.example", JSON, BEARER, 403},
        {"POST", HOST, "null", JSON, BEARER, 403},
        {"POST", HOST, "", JSON, BEARER, 403},
        {"POST", HOST, "http://127.0.0.1:7778", JSON, BEARER, 403},
        {"POST", HOST, "https://127.0.0.1:7777", JSON, BEARER, 403},
        {"POST", HOST, "http://127.0.0.1:7777.evil.example", JSON, BEARER, 403},
        {"POST", HOST, "http://127.0.0.1:7777/", JSON, BEARER, 403},
        {"POST", HOST, "http://evil@127.0.0.1:7777", JSON, BEARER, 403},
    };

    CHECK_ROWS(rows);
}
END_TEST

START_TEST(what_a_form_can_post_is_refused)
{
    static const struct row rows[] = {
        {"POST", HOST, NOTHING, NOTHING, BEARER, 403},
        {"POST", HOST, NOTHING, "", BEARER, 403},
        {"POST", HOST, NOTHING, "text/plain", BEARER, 403},
        {"POST", HOST, NOTHING, "text/plain; application/json", BEARER, 403},
        {"POST", HOST, NOTHING, "application/x-www-form-urlencoded", BEARER, 403},
        {"POST", HOST, NOTHING, "multipart/form-data; boundary=application/json", BEARER, 403},
        {"POST", HOST, NOTHING, "application/jsonp", BEARER, 403},
        {"POST", HOST, NOTHING, "application/json+x", BEARER, 403},
    };

    CHECK_ROWS(rows);
}
END_TEST

START_TEST(without_the_token_nobody_passes)
{
    static const struct row rows[] = {
        {"GET", HOST, NOTHING, NOTHING, NOTHING, 401},
        {"GET", HOST, NOTHING, NOTHING, "", 401},
        {"GET", HOST, NOTHING, NOTHING, TOKEN, 401},
        {"GET", HOST, NOTHING, NOTHING, "Bearer", 401},
        {"GET", HOST, NOTHING, NOTHING, "Bearer ", 401},
        {"GET", HOST, NOTHING, NOTHING, "Basic " TOKEN, 401},
        {"GET", HOST, NOTHING, NOTHING, "Bearer  " TOKEN, 401},
        {"GET", HOST, NOTHING, NOTHING, BEARER " ", 401},
        {"GET", HOST, NOTHING, NOTHING, BEARER "x", 401},
        {"GET", HOST, NOTHING, NOTHING, "Bearer abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-", 401},
        {"GET", HOST, NOTHING, NOTHING, "Bearer abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO--", 401},
        {"GET", HOST, NOTHING, NOTHING, "Bearer bbcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_", 401},
        {"GET", HOST, NOTHING, NOTHING, "Bearer ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno-_", 401},
        {"POST", HOST, NOTHING, JSON, NOTHING, 401},
    };

    CHECK_ROWS(rows);
}
END_TEST

START_TEST(other_methods_are_told_so_and_no_page_is_invited)
{
    static const struct row rows[] = {
        {"OPTIONS", HOST, NOTHING, NOTHING, NOTHING, 405},
        {"OPTIONS", HOST, "http://evil.example", NOTHING, NOTHING, 403},
        {"PUT", HOST, NOTHING, JSON, BEARER, 405},
        {"DELETE", HOST, NOTHING, NOTHING, BEARER, 405},
        {"HEAD", HOST, NOTHING, NOTHING, BEARER, 405},
        {"get", HOST, NOTHING, NOTHING, BEARER, 405},
        {"", HOST, NOTHING, NOTHING, BEARER, 405},
    };

    CHECK_ROWS(rows);
}
END_TEST

/* Two hosts in one request: one for the check, another for whoever reads the other. */
START_TEST(a_header_that_counts_stands_there_once)
{
    static const char *const names[] = {"Host", "Origin", "Content-Type", "Authorization"};
    static const char *const values[] = {HOST, "http://" HOST, JSON, BEARER};

    for (size_t twice = 0; twice < 4; twice++) {
        struct http_guard_header headers[5];
        struct http_guard_request request = {
            .method = "POST", .target = "/v1/status", .headers = headers, .header_count = 5};
        const char *detail = NULL;

        for (size_t i = 0; i < 4; i++)
            headers[i] = (struct http_guard_header){names[i], values[i]};
        headers[4] = headers[twice];
        ck_assert_int_eq(http_guard_check(&guard, &request, &detail), PROBLEM_BAD_REQUEST);
        request.header_count = 4;
        detail = NULL;
        ck_assert_int_eq(http_guard_check(&guard, &request, &detail), PROBLEM_NONE);
    }
}
END_TEST

START_TEST(bodies_are_bounded_and_targets_are_paths)
{
    static const struct row get = {"GET", HOST, NOTHING, NOTHING, BEARER, 0};
    static const struct row post = {"POST", HOST, NOTHING, JSON, BEARER, 0};
    static const struct row nobody = {"POST", HOST, NOTHING, JSON, NOTHING, 0};

    ck_assert_int_eq(check_row(&post, "/", HTTP_GUARD_BODY_SIZE_MAX), PROBLEM_NONE);
    ck_assert_int_eq(check_row(&post, "/", HTTP_GUARD_BODY_SIZE_MAX + 1), PROBLEM_TOO_LARGE);
    ck_assert_int_eq(check_row(&nobody, "/", HTTP_GUARD_BODY_SIZE_MAX + 1),
                     PROBLEM_UNAUTHENTICATED);
    ck_assert_int_eq(check_row(&get, "/", 1), PROBLEM_BAD_REQUEST);
    ck_assert_int_eq(check_row(&get, "http://evil.example/v1/status", 0), PROBLEM_BAD_REQUEST);
    ck_assert_int_eq(check_row(&get, "*", 0), PROBLEM_BAD_REQUEST);
    ck_assert_int_eq(check_row(&get, "", 0), PROBLEM_BAD_REQUEST);
}
END_TEST

START_TEST(tokens_have_one_form)
{
    ck_assert(http_guard_is_token(TOKEN));
    ck_assert(!http_guard_is_token(TOKEN "x"));
    ck_assert(!http_guard_is_token(""));
    ck_assert(!http_guard_is_token("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-\n"));
}
END_TEST

/* ---- what is asked for ---- */

static const char *read_call(const char *method, const char *target, const char *body)
{
    static char text[200];
    struct http_api_call call;
    char *detail = NULL;
    enum problem_id problem = http_api_read(method, target, body, strlen(body), &call, &detail);

    if (problem != PROBLEM_NONE) {
        ck_assert_ptr_nonnull(detail);
        snprintf(text, sizeof text, "%d", problem_get(problem)->status);
        free(detail);
        return text;
    }
    ck_assert_ptr_null(detail);
    char *arguments = json_dumps(call.arguments, JSON_COMPACT);
    snprintf(text, sizeof text, "%s %s%s", call.command, arguments, call.bare ? " bare" : "");
    free(arguments);
    json_decref(call.arguments);
    return text;
}

START_TEST(each_path_means_a_command)
{
    static const struct {
        const char *method, *target, *body, *wanted;
    } rows[] = {
        {"GET", "/v1/status", "", "status {} bare"},
        {"GET", "/v1/faults", "", "faults {} bare"},
        {"POST", "/v1/commands/faults", "", "faults {}"},
        {"POST", "/v1/commands/heal", "{}", "heal {}"},
        {"POST", "/v1/commands/cut", "{\"a\": \"us-east\", \"b\": \"eu-west\"}",
         "cut {\"a\":\"us-east\",\"b\":\"eu-west\"}"},
        {"POST", "/v1/status", "", "405"},
        {"GET", "/v1/commands/heal", "", "405"},
        {"GET", "/", "", "404"},
        {"GET", "/v1/status/", "", "404"},
        {"GET", "/v1/status?x=1", "", "404"},
        {"GET", "/v1/../v1/status", "", "404"},
        {"POST", "/v1/commands/", "", "404"},
        {"POST", "/v1/commands/conquer", "", "404"},
        {"POST", "/v1/commands/heal/f1", "", "404"},
        {"POST", "/v1/commands/up", "{}", "404"}, /* mecentral's own, not controld's */
        {"POST", "/v1/commands/down", "{}", "404"},
        {"POST", "/v1/commands/watch", "{}", "404"}, /* between the two alone; it never ends */
        {"POST", "/v1/commands/settle", "{}", "404"},
        {"POST", "/v1/commands/cut", "[]", "400"},
        {"POST", "/v1/commands/cut", "{", "400"},
        {"POST", "/v1/commands/cut", "{} {}", "400"},
        {"POST", "/v1/commands/cut", "{\"a\": 1, \"a\": 2}", "400"},
        {"POST", "/v1/commands/cut", " ", "400"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *is = read_call(rows[i].method, rows[i].target, rows[i].body);

        ck_assert_msg(strcmp(is, rows[i].wanted) == 0, "%s %s %s: %s", rows[i].method,
                      rows[i].target, rows[i].body, is);
    }
}
END_TEST

START_TEST(answers_are_json)
{
    json_t *data = json_pack("{s:i}", "x", 1);
    char *text = http_api_answer(2, NULL, data);

    ck_assert_str_eq(text, "{\"exit\":2,\"message\":\"\",\"data\":{\"x\":1}}");
    free(text);
    json_decref(data);
    text = http_api_answer(64, "why \"not\"", NULL);
    ck_assert_str_eq(text, "{\"exit\":64,\"message\":\"why \\\"not\\\"\",\"data\":null}");
    free(text);
    text = http_api_problem(PROBLEM_UNAUTHENTICATED, "Who?");
    ck_assert_str_eq(text,
                     "{\"type\":\"urn:mecentral:problem:unauthenticated\",\"title\":\"A valid "
                     "token is needed\",\"status\":401,\"detail\":\"Who?\"}");
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_has_the_token_and_means_us_may_pass,
        names_that_point_to_us_are_not_ours,
        pages_of_others_may_not_ask,
        what_a_form_can_post_is_refused,
        without_the_token_nobody_passes,
        other_methods_are_told_so_and_no_page_is_invited,
        a_header_that_counts_stands_there_once,
        bodies_are_bounded_and_targets_are_paths,
        tokens_have_one_form,
        each_path_means_a_command,
        answers_are_json,
    };
    const struct suite suite = {.name = "http_guard", SUITE_TESTS(tests)};

    return suite_run(&suite);
}
