#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/history.h"
#include "sim/json_lines.h"
#include "tests/unit/suite.h"

static struct history *history;

static void set_up(void)
{
    history = history_create();
}

static void tear_down(void)
{
    history_free(history);
}

/* The text so far is @expected, and each line of it is JSON. */
static void check_text(const char *expected)
{
    struct slice text = history_text(history);

    ck_assert_uint_eq(text.size, strlen(expected));
    ck_assert_mem_eq(text.data, expected, text.size);
    for (size_t at = 0; at < text.size;) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        ck_assert_ptr_nonnull(end);
        size_t size = (size_t)(end - text.data) - at;
        json_t *line = json_loadb(text.data + at, size, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json_is_object(line), "%.*s", (int)size, text.data + at);
        json_decref(line);
        at += size + 1;
    }
}

/* A client of user "ann" that does one thing. */
struct step {
    struct plan_operation operation;
    struct outcome_asked asked;
    struct outcome outcome;
};

static struct step step_of(enum plan_operation_kind kind, uint32_t number, const char *value)
{
    return (struct step){
        .operation = {.number = number, .client = 3, .kind = kind},
        .asked = {.now_us = 1000 * number,
                  .user_id = "u-17",
                  .shard = "us-east",
                  .user_name = "ann",
                  .key = "k1",
                  .value = value,
                  .idempotency_key = "i",
                  .if_value = "",
                  .retry_of = number,
                  .receipt = ""},
        .outcome = {.now_us = 1000 * number + 500, .receipt = ""},
    };
}

static void ask(struct step *step)
{
    step->asked.operation = &step->operation;
    history_asked(history, &step->asked);
}

static void tell(struct step *step)
{
    step->asked.operation = &step->operation;
    history_told(history, &step->asked, &step->outcome);
}

static void served(struct step *step, int status, uint64_t version, const char *body)
{
    step->outcome.status = status;
    step->outcome.version = version;
    step->outcome.body = slice_of(body);
    step->outcome.region = "us-east";
}

static void refused(struct step *step, enum problem_id problem)
{
    step->outcome.status = problem_get(problem)->status;
    step->outcome.problem = problem;
}

START_TEST(an_empty_history_is_empty)
{
    ck_assert_uint_eq(history_text(history).size, 0);
    history_free(NULL);
}
END_TEST

START_TEST(the_first_line_says_what_the_world_is)
{
    static const char *const regions[] = {"eu-west", "us-east"};
    static const uint64_t delays[] = {500, 36000, 36050, 500};
    struct history_home homes[] = {{"ann/k1", "us-east"}, {"bob/k1", "eu-west"}};

    history_meta(history, regions, 2, homes, 2, delays);
    check_text("{\"type\":\"meta\",\"format\":1,\"regions\":[\"eu-west\",\"us-east\"],"
               "\"homes\":{\"ann/k1\":\"us-east\",\"bob/k1\":\"eu-west\"},"
               "\"min_delay_ms\":{\"eu-west>us-east\":36,\"us-east>eu-west\":36.05}}\n");
}
END_TEST

START_TEST(a_world_of_nothing_is_a_line_too)
{
    history_meta(history, NULL, 0, NULL, 0, NULL);
    check_text(
        "{\"type\":\"meta\",\"format\":1,\"regions\":[],\"homes\":{},\"min_delay_ms\":{}}\n");
}
END_TEST

START_TEST(a_read_gives_value_and_version)
{
    struct step step = step_of(PLAN_OPERATION_READ, 1, "");

    ask(&step);
    served(&step, 200, 7, "v1");
    tell(&step);
    check_text(
        "{\"type\":\"invoke\",\"process\":3,\"f\":\"read\",\"key\":\"ann/k1\",\"value\":null,"
        "\"time_ns\":1000000}\n"
        "{\"type\":\"ok\",\"process\":3,\"f\":\"read\",\"key\":\"ann/k1\",\"value\":\"v1\","
        "\"region\":\"us-east\",\"version\":7,\"queued\":false,\"time_ns\":1500000}\n");
}
END_TEST

START_TEST(an_absent_record_reads_as_null)
{
    struct step step = step_of(PLAN_OPERATION_READ_STRONG, 1, "");

    step.asked.strong = true;
    ask(&step);
    refused(&step, PROBLEM_NOT_FOUND);
    step.outcome.region = "us-east";
    step.outcome.body = slice_of("{\"type\":\"..not-found\"}");
    tell(&step);
    check_text(
        "{\"type\":\"invoke\",\"process\":3,\"f\":\"read\",\"key\":\"ann/k1\",\"value\":null,"
        "\"consistency\":\"strong\",\"time_ns\":1000000}\n"
        "{\"type\":\"ok\",\"process\":3,\"f\":\"read\",\"key\":\"ann/k1\",\"value\":null,"
        "\"region\":\"us-east\",\"version\":null,\"queued\":false,\"time_ns\":1500000}\n");
}
END_TEST

START_TEST(a_read_that_got_no_answer_is_info)
{
    struct step step = step_of(PLAN_OPERATION_READ_STALE, 1, "");

    step.asked.stale_ok = true;
    ask(&step);
    step.outcome.given_up = true;
    tell(&step);
    check_text(
        "{\"type\":\"invoke\",\"process\":3,\"f\":\"read\",\"key\":\"ann/k1\",\"value\":null,"
        "\"consistency\":\"stale-ok\",\"time_ns\":1000000}\n"
        "{\"type\":\"info\",\"process\":3,\"f\":\"read\",\"key\":\"ann/k1\",\"value\":null,"
        "\"time_ns\":1500000}\n");
}
END_TEST

START_TEST(a_write_says_what_it_writes)
{
    struct step step = step_of(PLAN_OPERATION_WRITE, 1, "v1");

    ask(&step);
    served(&step, 201, 1, "");
    tell(&step);
    check_text("{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
               "\"value\":\"v1\",\"time_ns\":1000000}\n"
               "{\"type\":\"ok\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\",\"value\":\"v1\","
               "\"region\":\"us-east\",\"version\":1,\"queued\":false,\"time_ns\":1500000}\n");
}
END_TEST

START_TEST(a_queued_write_is_ok_without_a_version)
{
    struct step step = step_of(PLAN_OPERATION_WRITE, 1, "v1");

    served(&step, 202, 0, "{}");
    tell(&step);
    check_text("{\"type\":\"ok\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\",\"value\":\"v1\","
               "\"region\":\"us-east\",\"version\":null,\"queued\":true,\"time_ns\":1500000}\n");
}
END_TEST

START_TEST(a_delete_writes_null)
{
    struct step step = step_of(PLAN_OPERATION_DELETE, 1, "");

    ask(&step);
    refused(&step, PROBLEM_NOT_FOUND);
    tell(&step);
    check_text("{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
               "\"value\":null,\"time_ns\":1000000}\n"
               "{\"type\":\"fail\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\",\"value\":null,"
               "\"problem\":\"not-found\",\"time_ns\":1500000}\n");
}
END_TEST

START_TEST(a_conditional_write_is_a_cas)
{
    struct step same = step_of(PLAN_OPERATION_WRITE_IF_SAME, 1, "v1");
    struct step absent = step_of(PLAN_OPERATION_WRITE_IF_ABSENT, 2, "v2");

    same.asked.if_version = 4;
    same.asked.if_value = "v0";
    ask(&same);
    refused(&same, PROBLEM_PRECONDITION_FAILED);
    tell(&same);
    same.asked.if_version = 0; /* none was read */
    same.asked.if_value = "";
    tell(&same);
    ask(&absent);
    served(&absent, 201, 9, "");
    tell(&absent);
    check_text("{\"type\":\"invoke\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
               "\"value\":[\"v0\",\"v1\"],\"time_ns\":1000000}\n"
               "{\"type\":\"fail\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
               "\"value\":[\"v0\",\"v1\"],\"problem\":\"precondition-failed\","
               "\"time_ns\":1500000}\n"
               "{\"type\":\"fail\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
               "\"value\":[null,\"v1\"],\"problem\":\"precondition-failed\","
               "\"time_ns\":1500000}\n"
               "{\"type\":\"invoke\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
               "\"value\":[null,\"v2\"],\"time_ns\":2000000}\n"
               "{\"type\":\"ok\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
               "\"value\":[null,\"v2\"],\"region\":\"us-east\",\"version\":9,\"queued\":false,"
               "\"time_ns\":2500000}\n");
}
END_TEST

/* Whatever the first one was; and named by its place among what the session has asked. */
START_TEST(a_retry_is_the_same_again_and_names_the_first)
{
    struct step read = step_of(PLAN_OPERATION_READ, 1, "");
    struct step first = step_of(PLAN_OPERATION_WRITE_IF_ABSENT, 2, "v2");
    struct step retry = step_of(PLAN_OPERATION_RETRY, 5, "v2");
    struct step again = step_of(PLAN_OPERATION_RETRY, 6, "v2");

    ask(&read);
    ask(&first);
    struct slice before = history_text(history);
    char *expected = memory_text_of(before);
    retry.asked.retry_of = again.asked.retry_of = 2;
    ask(&retry);
    served(&retry, 201, 9, "");
    tell(&retry);
    ask(&again);
    char *whole = NULL;
    ck_assert_int_gt(
        asprintf(&whole,
                 "%s"
                 "{\"type\":\"invoke\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
                 "\"value\":[null,\"v2\"],\"retry_of\":2,\"time_ns\":5000000}\n"
                 "{\"type\":\"ok\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
                 "\"value\":[null,\"v2\"],\"region\":\"us-east\",\"version\":9,\"queued\":false,"
                 "\"time_ns\":5500000}\n"
                 "{\"type\":\"invoke\",\"process\":3,\"f\":\"cas\",\"key\":\"ann/k1\","
                 "\"value\":[null,\"v2\"],\"retry_of\":2,\"time_ns\":6000000}\n",
                 expected),
        0);
    check_text(whole);
    free(whole);
    free(expected);
}
END_TEST

START_TEST(another_write_under_a_used_key_names_the_first_too)
{
    struct step first = step_of(PLAN_OPERATION_DELETE, 2, "");
    struct step reuse = step_of(PLAN_OPERATION_REUSE, 3, "v3");
    struct step retry = step_of(PLAN_OPERATION_RETRY, 4, "");

    reuse.asked.retry_of = retry.asked.retry_of = 2;
    ask(&first);
    ask(&reuse);
    refused(&reuse, PROBLEM_KEY_REUSED);
    tell(&reuse);
    ask(&retry);
    check_text("{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
               "\"value\":null,\"time_ns\":2000000}\n"
               "{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
               "\"value\":\"v3\",\"reuse_of\":1,\"time_ns\":3000000}\n"
               "{\"type\":\"fail\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
               "\"value\":\"v3\",\"problem\":\"idempotency-key-reused\",\"time_ns\":3500000}\n"
               "{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
               "\"value\":null,\"retry_of\":1,\"time_ns\":4000000}\n");
}
END_TEST

START_TEST(what_is_about_no_record_is_left_out)
{
    static const enum plan_operation_kind kinds[] = {
        PLAN_OPERATION_SIGN_UP, PLAN_OPERATION_LOG_IN,  PLAN_OPERATION_LIST,
        PLAN_OPERATION_RECEIPT, PLAN_OPERATION_WHOAMI,  PLAN_OPERATION_KEYS,
        PLAN_OPERATION_TRAVEL,  PLAN_OPERATION_STRANGER};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct step step = step_of(kinds[i], (uint32_t)i + 1, "");

        ask(&step);
        served(&step, 200, 0, "");
        tell(&step);
    }
    ck_assert_uint_eq(history_text(history).size, 0);
}
END_TEST

static const struct {
    enum problem_id problem;
    const char *type;
} endings[] = {
    {PROBLEM_BAD_REQUEST, "fail"},
    {PROBLEM_UNAUTHENTICATED, "fail"},
    {PROBLEM_FORBIDDEN, "fail"},
    {PROBLEM_NOT_FOUND, "fail"},
    {PROBLEM_PRECONDITION_FAILED, "fail"},
    {PROBLEM_TOO_LARGE, "fail"},
    {PROBLEM_KEY_REUSED, "fail"},
    {PROBLEM_TOO_MANY, "fail"},
    {PROBLEM_EXPIRED, "fail"},
    {PROBLEM_HOME_UNAVAILABLE, "fail"},
    {PROBLEM_NO_REGION, "fail"},
    {PROBLEM_READ_ONLY, "fail"},
    {PROBLEM_QUEUE_FULL, "fail"},
    {PROBLEM_QUEUE_UNREACHABLE, "fail"},
    {PROBLEM_OVERLOADED, "fail"},
    {PROBLEM_FORCED_REGION, "fail"},
    {PROBLEM_DISK_FULL, "fail"},
    {PROBLEM_INTERNAL, "info"},
    {PROBLEM_FATE_UNKNOWN, "info"},
    {PROBLEM_READ_TIMEOUT, "info"},
};

START_TEST(only_what_promises_that_nothing_happened_is_fail)
{
    struct step step = step_of(PLAN_OPERATION_WRITE, 1, "v1");
    char *expected = NULL;

    refused(&step, endings[_i].problem);
    tell(&step);
    ck_assert_int_gt(asprintf(&expected,
                              "{\"type\":\"%s\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
                              "\"value\":\"v1\",\"problem\":\"%s\",\"time_ns\":1500000}\n",
                              endings[_i].type, problem_get(endings[_i].problem)->type),
                     0);
    check_text(expected);
    free(expected);
}
END_TEST

START_TEST(faults_and_the_end_have_lines_of_their_own)
{
    history_nemesis(history, 5, "partition", "us-east", "eu-west");
    history_nemesis(history, 6, "heal", "us-east", NULL);
    history_applied(history, 7, "us-east", "us-east", 2, 31, "ann/k1", "v1", 4);
    history_applied(history, 8, "us-east", "us-east", 2, 32, "ann/k1", NULL, 5);
    history_final(history, "eu-west", "ann/k1", "v1", 4);
    history_final(history, "us-east", "ann/k1", NULL, 0);
    check_text("{\"type\":\"nemesis\",\"f\":\"partition\",\"a\":\"us-east\",\"b\":\"eu-west\","
               "\"time_ns\":5000}\n"
               "{\"type\":\"nemesis\",\"f\":\"heal\",\"a\":\"us-east\",\"b\":null,"
               "\"time_ns\":6000}\n"
               "{\"type\":\"applied\",\"region\":\"us-east\",\"shard\":\"us-east\",\"epoch\":2,"
               "\"seq\":31,\"key\":\"ann/k1\",\"value\":\"v1\",\"version\":4,\"time_ns\":7000}\n"
               "{\"type\":\"applied\",\"region\":\"us-east\",\"shard\":\"us-east\",\"epoch\":2,"
               "\"seq\":32,\"key\":\"ann/k1\",\"value\":null,\"version\":5,\"time_ns\":8000}\n"
               "{\"type\":\"final\",\"region\":\"eu-west\",\"key\":\"ann/k1\",\"value\":\"v1\","
               "\"version\":4}\n"
               "{\"type\":\"final\",\"region\":\"us-east\",\"key\":\"ann/k1\",\"value\":null,"
               "\"version\":null}\n");
}
END_TEST

/* Logs have ids. */
START_TEST(a_user_is_named_as_clients_name_it)
{
    struct step step = step_of(PLAN_OPERATION_READ, 1, "");

    ask(&step);
    char *expected = memory_text_of(history_text(history));
    history_final(history, "us-east", "u-17/a/b", "v", 1);
    history_applied(history, 7, "us-east", "us-east", 1, 1, "u-1/k", "v", 1);
    char *whole = NULL;
    ck_assert_int_gt(
        asprintf(&whole,
                 "%s{\"type\":\"final\",\"region\":\"us-east\",\"key\":\"ann/a/b\","
                 "\"value\":\"v\",\"version\":1}\n"
                 "{\"type\":\"applied\",\"region\":\"us-east\",\"shard\":\"us-east\","
                 "\"epoch\":1,\"seq\":1,\"key\":\"u-1/k\",\"value\":\"v\",\"version\":1,"
                 "\"time_ns\":7000}\n",
                 expected),
        0);
    check_text(whole);
    free(whole);
    free(expected);
}
END_TEST

START_TEST(two_accounts_of_one_name_are_told_apart)
{
    struct step step = step_of(PLAN_OPERATION_DELETE, 1, "");
    struct step other = step_of(PLAN_OPERATION_DELETE, 2, "");
    struct step third = step_of(PLAN_OPERATION_DELETE, 3, "");

    step.asked.user_name = "an";
    other.asked.user_id = "u-18";
    other.asked.user_name = "an";
    third.asked.user_id = "u-19";
    third.asked.user_name = "ann"; /* another name that begins alike */
    ask(&step);
    ask(&other);
    ask(&third);
    check_text("{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"an/k1\","
               "\"value\":null,\"time_ns\":1000000}\n"
               "{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"an#2/k1\","
               "\"value\":null,\"time_ns\":2000000}\n"
               "{\"type\":\"invoke\",\"process\":3,\"f\":\"write\",\"key\":\"ann/k1\","
               "\"value\":null,\"time_ns\":3000000}\n");
}
END_TEST

START_TEST(a_long_history_keeps_all_of_its_lines)
{
    size_t lines = 20000;
    size_t ends = 0;

    for (size_t i = 0; i < lines; i++)
        history_nemesis(history, i, "partition", "us-east", "eu-west");
    struct slice text = history_text(history);
    for (size_t i = 0; i < text.size; i++)
        ends += text.data[i] == '\n';
    ck_assert_uint_eq(ends, lines);
    ck_assert(memcmp(text.data + text.size - 20, "\"time_ns\":19999000}\n", 20) == 0);
}
END_TEST

/* Strings. */

static const struct {
    const char *string;
    const char *json;
} strings[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
    {"\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\x7f\""},
    {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8d", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8d\""},
    {"a\xff"
     "b",
     "\"a\xef\xbf\xbd"
     "b\""},
    {"\x80", "\"\xef\xbf\xbd\""},                 /* a tail without a head */
    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* overlong */
    {"\xe0\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
    {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* it ends too soon */
    {"\xe2\x82x", "\"\xef\xbf\xbd\xef\xbf\xbdx\""},
};

START_TEST(strings_are_json_whatever_they_hold)
{
    struct json_lines lines = {NULL, 0, 0};

    json_lines_put_string(&lines, strings[_i].string);
    ck_assert_uint_eq(lines.size, strlen(strings[_i].json));
    ck_assert_mem_eq(lines.text, strings[_i].json, lines.size);
    json_t *json = json_loadb(lines.text, lines.size, JSON_DECODE_ANY, NULL);
    ck_assert(json_is_string(json));
    json_decref(json);
    json_lines_free(&lines);
}
END_TEST

START_TEST(nothing_is_read_behind_the_end_of_a_string)
{
    struct json_lines lines = {NULL, 0, 0};

    json_lines_put_escaped(&lines, "a\xe2\x82\xac", 3);
    ck_assert_uint_eq(lines.size, 7);
    ck_assert_mem_eq(lines.text, "a\xef\xbf\xbd\xef\xbf\xbd", 7);
    json_lines_free(&lines);
}
END_TEST

START_TEST(numbers_are_exact)
{
    struct json_lines lines = {NULL, 0, 0};
    static const char expected[] = "0 18446744073709551615 0 0.001 36 48.75 1.5";

    json_lines_put_number(&lines, 0);
    json_lines_put(&lines, " ");
    json_lines_put_number(&lines, UINT64_MAX);
    for (size_t i = 0; i < 5; i++) {
        static const uint64_t thousandths[] = {0, 1, 36000, 48750, 1500};

        json_lines_put(&lines, " ");
        json_lines_put_thousandths(&lines, thousandths[i]);
    }
    ck_assert_uint_eq(lines.size, strlen(expected));
    ck_assert_mem_eq(lines.text, expected, lines.size);
    json_lines_free(&lines);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_empty_history_is_empty,
        the_first_line_says_what_the_world_is,
        a_world_of_nothing_is_a_line_too,
        a_read_gives_value_and_version,
        an_absent_record_reads_as_null,
        a_read_that_got_no_answer_is_info,
        a_write_says_what_it_writes,
        a_queued_write_is_ok_without_a_version,
        a_delete_writes_null,
        a_conditional_write_is_a_cas,
        a_retry_is_the_same_again_and_names_the_first,
        another_write_under_a_used_key_names_the_first_too,
        what_is_about_no_record_is_left_out,
        faults_and_the_end_have_lines_of_their_own,
        a_user_is_named_as_clients_name_it,
        two_accounts_of_one_name_are_told_apart,
        a_long_history_keeps_all_of_its_lines,
        nothing_is_read_behind_the_end_of_a_string,
        numbers_are_exact,
    };
    const struct suite_loop loops[] = {
        {only_what_promises_that_nothing_happened_is_fail, sizeof(endings) / sizeof(endings[0])},
        {strings_are_json_whatever_they_hold, sizeof(strings) / sizeof(strings[0])},
    };
    return suite_run(&(struct suite){.name = "sim_history",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
