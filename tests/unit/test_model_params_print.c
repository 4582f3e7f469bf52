#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "control/text.h"
#include "sim/model/quantity.h"
#include "tests/unit/params_fixture.h"
#include "tests/unit/suite.h"

/* Printed, read again and printed again: the same text, and the same values. */
static void check_round_trip(const struct params *params)
{
    struct params *again = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
    char *text = params_print(params);
    char *error = NULL;
    int wrong = params_read(again, "f.yaml", text, strlen(text), &error);

    ck_assert_msg(wrong == 0, "%s in\n%s", error, text);
    json_t *before = params_json(params);
    json_t *after = params_json(again);
    ck_assert_msg(json_equal(before, after), "%s", text);
    char *second = params_print(again);
    ck_assert_str_eq(second, text);
    free(second);
    free(text);
    json_decref(before);
    json_decref(after);
    params_free(again);
}

START_TEST(what_is_printed_reads_back)
{
    static const char *const texts[] = {"",
                                        "plain",
                                        "with: colon",
                                        "# hash",
                                        "- dash",
                                        "\"quoted\"",
                                        "back\\slash",
                                        "null",
                                        "true",
                                        "~",
                                        " blank ",
                                        "S\u00e3o",
                                        "a, b",
                                        "{x}",
                                        "%",
                                        "tab\there",
                                        "'",
                                        "12",
                                        "&a",
                                        "*a",
                                        "Null",
                                        "NULL",
                                        "...",
                                        "---",
                                        "-",
                                        "- -",
                                        "?",
                                        "? a",
                                        "!tag",
                                        "@",
                                        "`",
                                        "|",
                                        ">",
                                        "a #b",
                                        "a: b",
                                        "a:",
                                        ":",
                                        "[",
                                        "]",
                                        ",",
                                        "=",
                                        "<<",
                                        "\x01\x1f\x7f",
                                        "\xc2\x80\xc2\x85\xc2\x9f\u00a0",
                                        "\u2028\u2029",
                                        "\ufeff",
                                        "\ufffe\uffff",
                                        "\U0010ffff",
                                        "\xe2\x82\xac",
                                        "it's",
                                        "\\n",
                                        "0x10",
                                        "1e5",
                                        "no",
                                        "1:30",
                                        "2026-01-01",
                                        "a  b",
                                        "/tmp/x",
                                        "+1",
                                        ".5",
                                        "_",
                                        "~x",
                                        "%x"};
    static const char *const trees[] = {
        "{}",
        "[]",
        "a-word-that-is-longer-than-a-line-of-the-file-and-is-not-broken-into-two-as-nothing-would-"
        "be-"
        "won-by-it",
        "{outer: {middle: {inner: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
        "cccccccccccccccccccccccccccccccc], next: ~}, last: 1}, after: 2}",
        "{a: 1}",
        "{\"a b\": [1, {c: ~}], d: \"null\", \"x: y\": \"#\"}",
        ("{long-name-of-a-place: 12345678, another-name-of-a-place: 12345678, a-third-one: "
         "12345678, "
         "fourth: [1, 2, 3], fifth: {a: {b: {c: 1}}}}"),
        ("[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
         "{c: ddddddddddddddddddddddddddddddddddd, e: [fffffffffffffffffffff]}]")};
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
    char *error = NULL;

    /* What must be given and is not yet is no value. */
    check_round_trip(params);
    ck_assert_int_eq(params_set(params, NEEDED, "3", &error), 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_assert_int_eq(params_set(params, TEXT, texts[i], &error), 0);
        check_round_trip(params);
    }
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        int wrong = params_set(params, TREE, trees[i], &error);
        ck_assert_msg(wrong == 0, "%s", error);
        check_round_trip(params);
    }
    params_free(params);
}
END_TEST

/* ---- luck ---- */

/* A character that YAML may mean something by, or of a part of Unicode that it treats in a way of
 * its own. Surrogates and ends of lines are none. */
static void add_character(struct random *random, struct text *text)
{
    static const char signs[] = " \t!\"#%&'*,-.:>?@[]\\`{|}~=+/01aeExn\x01\x1b";
    static const char *const others[] = {"\xc2\x80", "\xc2\x85", "\xc2\x9b", "\u00a0", "\u00e9",
                                         "\u2028",   "\u2029",   "\ufeff",   "\uffff", "\ue000",
                                         "\ufffe",   "\u4e2d",   "\u0300",   "null"};

    if (random_up_to(random, 3) > 0)
        text_add(text, "%c", signs[random_up_to(random, sizeof signs - 2)]);
    else
        text_add(text, "%s", others[random_up_to(random, sizeof others / sizeof others[0] - 1)]);
}

/* A new string. */
static char *random_text(struct random *random, uint64_t most)
{
    struct text text = {0};

    for (uint64_t i = random_up_to(random, most); i > 0; i--)
        add_character(random, &text);
    return text_take(&text);
}

static json_t *random_string(struct random *random)
{
    char *text = random_text(random, 30);
    json_t *json = json_string(text);

    ck_assert_ptr_nonnull(json);
    free(text);
    return json;
}

/* Keys have no control characters. */
static json_t *random_tree(struct random *random, size_t depth)
{
    static const char *const keys[] = {"a",    "b c", "key: #", "\u2028", "\"",
                                       "null", "~",   "-",      "\ufeff"};
    uint64_t kind = random_up_to(random, depth == 0 ? 2 : 6);
    json_t *json = kind <= 4 ? json_array() : json_object();

    if (kind <= 2) {
        json_decref(json);
        return kind == 0 ? json_null() : random_string(random);
    }
    for (uint64_t i = random_up_to(random, 4); i > 0; i--) {
        json_t *child = random_tree(random, depth - 1);
        if (kind <= 4)
            json_array_append_new(json, child);
        else
            json_object_set_new(json, keys[random_up_to(random, sizeof keys / sizeof keys[0] - 1)],
                                child);
    }
    return json;
}

static void set_quantities(struct random *random, struct params *params)
{
    char number[QUANTITY_TEXT_SIZE];
    char *error = NULL;

    for (size_t i = DURATION; i <= RATE; i++) {
        double value = random_unit(random);
        if (i != SHARE)
            value = 1 + 999 * value;
        if (i == COUNT)
            value = (double)(random_next(random) >> 11);
        quantity_print((enum quantity_kind)params_fixture[i].kind, value, number);
        ck_assert_msg(params_set(params, i, number, &error) == 0, "%s", error);
        ck_assert_msg(params_value(params, i) == value, "%s", number);
    }
}

/* JSON is YAML, but for letters of which it makes two. */
static void set_tree(struct random *random, struct params *params)
{
    bool is_list = random_up_to(random, 1) == 0;
    json_t *tree = is_list ? json_array() : json_object();
    char *error = NULL;

    for (size_t i = 0; i < 2; i++) {
        json_t *child = random_tree(random, 5);
        if (is_list)
            json_array_append_new(tree, child);
        else
            json_object_set_new(tree, i == 0 ? "first" : "second one", child);
    }
    char *text = json_dumps(tree, JSON_ENSURE_ASCII);
    ck_assert_msg(params_set(params, TREE, text, &error) == 0, "%s: %s", error, text);
    json_t *told = params_json(params);
    ck_assert_msg(json_equal(json_object_get(told, "a_tree"), tree), "%s", text);
    json_decref(told);
    json_decref(tree);
    free(text);
}

static void set_others(struct random *random, struct params *params)
{
    char *error = NULL;

    for (size_t i = TEXT; i <= PATH; i++) {
        char *text = random_text(random, 40);
        ck_assert_msg(params_set(params, i, text, &error) == 0, "%s", error);
        ck_assert_str_eq(params_text(params, i), text);
        free(text);
    }
    const char *word = params_fixture_words[random_up_to(random, 2)];
    ck_assert_int_eq(params_set(params, CHOICE, word, &error), 0);
    ck_assert_int_eq(params_set(params, SWITCH, random_up_to(random, 1) ? "on" : "0", &error), 0);
}

START_TEST(whatever_is_printed_reads_back)
{
    struct random random;

    random_seed(&random, 17);
    for (int i = 0; i < SUITE_SWEEP(2000); i++) {
        struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
        set_quantities(&random, params);
        set_others(&random, params);
        set_tree(&random, params);
        check_round_trip(params);
        params_free(params);
    }
}
END_TEST

/* What a file says is in the JSON as it is, in base units. */
START_TEST(json_has_every_value)
{
    static const char text[] =
        "a_duration: 2.5ms\na_share: 57%\na_number: 0.5k\na_count: 5M\na_size: 1.5KiB\n"
        "a_rate: 8kbit\na_switch: on\na_choice: all\na_text: \"S\\xe3o\"\na_path: \"x y\"\n"
        "a_tree: {a: [1, ~, {}], b: \"\"}\na_name: Grace\nat_least: 8KiB\nneeded: 3\n"
        "needed_tree: one\n";
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
    char *error = NULL;

    ck_assert_int_eq(params_read(params, "f.yaml", text, strlen(text), &error), 0);
    json_t *told = params_json(params);
    json_t *expected = json_loads(
        "{\"a_duration\": 2500.0, \"a_share\": 0.57, \"a_number\": 500.0, \"a_count\": 5e6,"
        "\"a_size\": 1536.0, \"a_rate\": 1000.0, \"a_switch\": true, \"a_choice\": \"all\","
        "\"a_text\": \"S\\u00e3o\", \"a_path\": \"x y\","
        "\"a_tree\": {\"a\": [\"1\", null, {}], \"b\": \"\"}, \"a_name\": \"Grace\","
        "\"at_least\": 8192.0, \"needed\": 3.0, \"needed_tree\": \"one\"}",
        0, NULL);
    ck_assert(json_equal(told, expected));
    json_decref(told);
    json_decref(expected);
    params_free(params);
}
END_TEST

START_TEST(a_parameter_file_explains_itself)
{
    struct params *params = params_create(params_fixture + SHARE, 1);
    char *text = params_print(params);

    ck_assert_str_eq(text, "# how much of it\n# Default from: somebody, 2026\na_share: 10%\n");
    free(text);
    params_free(params);
    params = params_create(params_fixture + CHOICE, 1);
    text = params_print(params);
    ck_assert_str_eq(text, "# which\n# One of: none, some, all\na_choice: some\n");
    free(text);
    params_free(params);
    params = params_create(params_fixture + NEEDED, 1);
    text = params_print(params);
    ck_assert_str_eq(text, "# must be said\n# needed:  # must be given\n");
    free(text);
    params_free(params);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_printed_reads_back,
        whatever_is_printed_reads_back,
        json_has_every_value,
        a_parameter_file_explains_itself,
    };
    return suite_run(&(struct suite){.name = "model_params_print", SUITE_TESTS(tests)});
}
