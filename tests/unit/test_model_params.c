#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "sim/model/params.h"
#include "sim/model/quantity.h"
#include "tests/unit/suite.h"

static const char *const words[] = {"none", "some", "all", NULL};

enum { DURATION, SHARE, NUMBER, COUNT, SIZE, RATE, SWITCH, CHOICE, TEXT, PATH, TREE, NEEDED };

static const struct params_spec specs[] = {
    [DURATION] = {"a_duration", PARAMS_DURATION, "2ms", 0, 1e9, NULL, "how long", NULL},
    [SHARE] = {"a_share", PARAMS_SHARE, "10%", 0, 0, NULL, "how much of it", "somebody, 2026"},
    [NUMBER] = {"a_number", PARAMS_NUMBER, "1.5", 1, 1000, NULL, "how many", NULL},
    [COUNT] = {"a_count", PARAMS_COUNT, "10", 0, 0, NULL, "how many", NULL},
    [SIZE] = {"a_size", PARAMS_SIZE, "4KiB", 0, 0, NULL, "how large", NULL},
    [RATE] = {"a_rate", PARAMS_RATE, "1mbit", 0, 0, NULL, "how fast", NULL},
    [SWITCH] = {"a_switch", PARAMS_SWITCH, "false", 0, 0, NULL, "whether", NULL},
    [CHOICE] = {"a_choice", PARAMS_CHOICE, "some", 0, 0, words, "which", NULL},
    [TEXT] = {"a_text", PARAMS_TEXT, "", 0, 0, NULL, "what", NULL},
    [PATH] = {"a_path", PARAMS_FILE, "", 0, 0, NULL, "where", NULL},
    [TREE] = {"a_tree", PARAMS_TREE, "{}", 0, 0, NULL, "a part", NULL},
    [NEEDED] = {"needed", PARAMS_COUNT, NULL, 0, 0, NULL, "must be said", NULL},
};

#define SPEC_COUNT (sizeof specs / sizeof specs[0])

/* The error of reading @text as a file; "" for none. The caller frees it. */
static char *error_of(const char *text)
{
    struct params *params = params_create(specs, SPEC_COUNT);
    char *error = NULL;
    int wrong = params_read(params, "f.yaml", text, strlen(text), &error);

    ck_assert_int_eq(wrong, error ? -EINVAL : 0);
    params_free(params);
    return error ? error : strdup("");
}

START_TEST(what_is_wrong_with_a_file_is_told_with_file_line_and_key)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"a_duration: 3ms", ""},
        {"a_duration: 0", ""},
        {"", "f.yaml:1: the file says nothing"},
        {"# only a comment\n", "f.yaml:1: the file says nothing"},
        {"- 1\n", "f.yaml:1: parameters are wanted here, one a line: `key: value`"},
        {"just words", "f.yaml:1: parameters are wanted here, one a line: `key: value`"},
        {"\n\na_duratoin: 3ms",
         "f.yaml:3: a_duratoin: unknown parameter; did you mean \"a_duration\"?"},
        {"zzzzzzzz: 3", "f.yaml:1: zzzzzzzz: unknown parameter; see --print-params"},
        {"a_duration:", "f.yaml:1: a_duration: it has no value"},
        {"a_duration: ~", "f.yaml:1: a_duration: it has no value"},
        {"a_duration: null", "f.yaml:1: a_duration: it has no value"},
        {"a_tree:", "f.yaml:1: a_tree: it has no value"},
        {"a_duration: [1ms]", "f.yaml:1: a_duration: one value is wanted here"},
        {"a_duration: {a: 1ms}", "f.yaml:1: a_duration: one value is wanted here"},
        {"a_duration: \"\"",
         "f.yaml:1: a_duration: \"\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: 3",
         "f.yaml:1: a_duration: \"3\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: 3 ms",
         "f.yaml:1: a_duration: \"3 ms\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: -3ms", "f.yaml:1: a_duration: \"-3ms\" is negative"},
        {"a_duration: nan",
         "f.yaml:1: a_duration: \"nan\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: NaN",
         "f.yaml:1: a_duration: \"NaN\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: -nan",
         "f.yaml:1: a_duration: \"-nan\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: inf",
         "f.yaml:1: a_duration: \"inf\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: .inf",
         "f.yaml:1: a_duration: \".inf\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_duration: 1e999ms", "f.yaml:1: a_duration: \"1e999ms\" is too large"},
        {"a_duration: 2h", "f.yaml:1: a_duration: \"2h\" is not from 0 to 1000s"},
        {"a_duration: 0x10ms",
         "f.yaml:1: a_duration: \"0x10ms\" is not a duration such as 50us, 1.5ms or 2h"},
        {"a_share: 101%", "f.yaml:1: a_share: \"101%\" is not from 0 to 100%"},
        {"a_share: 0.5", "f.yaml:1: a_share: \"0.5\" is not a share such as 12.5%"},
        {"a_number: 0.5", "f.yaml:1: a_number: \"0.5\" is not from 1 to 1k"},
        {"a_number: 1_000", "f.yaml:1: a_number: \"1_000\" is not a number such as 2.5 or 50M"},
        {"a_number: \"1,000\"", "f.yaml:1: a_number: \"1,000\" is not a number such as 2.5 or 50M"},
        {"a_count: 1.5", "f.yaml:1: a_count: \"1.5\" is not a whole number such as 12 or 50M"},
        {"a_count: -1", "f.yaml:1: a_count: \"-1\" is negative"},
        {"a_count: true", "f.yaml:1: a_count: \"true\" is not a whole number such as 12 or 50M"},
        {"a_size: 5", "f.yaml:1: a_size: \"5\" is not a size such as 512B, 4KiB or 2GB"},
        {"a_rate: 5mb", "f.yaml:1: a_rate: \"5mb\" is not a rate such as 100mbit"},
        {"a_switch: maybe", "f.yaml:1: a_switch: \"maybe\" is neither true nor false"},
        {"a_choice: many", "f.yaml:1: a_choice: \"many\" is none of none, some, all"},
        {"a_text: \"two\\nlines\"", "f.yaml:1: a_text: it must be one line"},
        {"a_count: 1\na_share: 5%\na_count: 2",
         "f.yaml:3: a_count: the key is there twice (first on line 1)"},
        {"a_tree: {x: 1, x: 2}", "f.yaml:1: a_tree.x: the key is there twice (first on line 1)"},
        {"a_tree: &a {x: 1}\na_text: *a", "f.yaml:2: a_text: aliases are not taken"},
        {"a_count: 1\n---\na_count: 2", "f.yaml:2: only one document may stand in a file"},
        {"? [a]\n: 1", "f.yaml:1: a key must be a plain word"},
        {"\"\": 1", "f.yaml:1: a key is empty or no text"},
        {"\"a\\0b\": 1", "f.yaml:1: a key is empty or no text"},
        {"a_text: \"a\\0b\"", "f.yaml:1: a_text: a NUL byte stands in it"},
        {"a_tree: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
         "f.yaml:1: a_tree[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: nested too deeply"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *error = error_of(rows[i].text);
        ck_assert_str_eq(error, rows[i].error);
        free(error);
    }
}
END_TEST

START_TEST(what_is_no_yaml_is_told_with_its_line)
{
    static const char *const texts[] = {"a: [1, 2", "a: 1\n  b: 2\n", "a: 1\n\tb: 2",
                                        "a: \"x",   "a: \xff\xfe",    "%YAML 9.9\n---\na: 1",
                                        "}"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *error = error_of(texts[i]);
        ck_assert_msg(strncmp(error, "f.yaml:", 7) == 0 && strstr(error, "not YAML"), "%s: %s",
                      texts[i], error);
        free(error);
    }
}
END_TEST

START_TEST(too_large_a_file_is_refused)
{
    struct params *params = params_create(specs, SPEC_COUNT);
    size_t size = YAML_TREE_SIZE_MAX + 1;
    char *text = malloc(size);
    char *error;

    memset(text, '#', size);
    ck_assert_int_eq(params_read(params, "f.yaml", text, size, &error), -EINVAL);
    ck_assert_str_eq(error, "f.yaml:1: larger than 1 MiB");
    free(error);
    free(text);
    params_free(params);
}
END_TEST

START_TEST(line_ends_of_other_systems_are_fine)
{
    char *error = error_of("a_count: 5\r\na_share: 5%\r\nnope: 1\r\n");

    ck_assert_str_eq(error, "f.yaml:3: nope: unknown parameter; see --print-params");
    free(error);
}
END_TEST

START_TEST(the_command_line_goes_before_the_file_and_the_file_before_defaults)
{
    static const char text[] = "a_duration: 3ms\na_number: 7\na_tree: {x: [1, 2]}\na_choice: all";
    struct params *params = params_create(specs, SPEC_COUNT);
    char *error;

    ck_assert_double_eq(params_value(params, DURATION), 2000);
    ck_assert(!params_given(params, DURATION));
    ck_assert_int_eq(params_read(params, "f.yaml", text, strlen(text), &error), 0);
    ck_assert_int_eq(params_set(params, DURATION, "4ms", &error), 0);
    ck_assert_double_eq(params_value(params, DURATION), 4000);
    ck_assert_double_eq(params_value(params, NUMBER), 7);
    ck_assert_double_eq(params_value(params, SHARE), 0.1);
    ck_assert_uint_eq(params_choice(params, CHOICE), 2);
    ck_assert(params_given(params, DURATION) && params_given(params, NUMBER));
    ck_assert(params_from_file(params, NUMBER) && !params_from_file(params, DURATION));
    ck_assert(!params_given(params, SHARE) && !params_on(params, SWITCH));
    ck_assert_str_eq(yaml_tree_find(params_tree(params, TREE), "x")->children[1].text, "2");
    ck_assert_int_eq(params_set(params, TREE, "{y: 3}", &error), 0);
    ck_assert_str_eq(yaml_tree_find(params_tree(params, TREE), "y")->text, "3");
    ck_assert_int_eq(params_check(params, &error), -EINVAL);
    ck_assert_str_eq(error, "needed: it must be given: must be said");
    free(error);
    ck_assert_int_eq(params_set(params, NEEDED, "0", &error), 0);
    ck_assert_int_eq(params_check(params, &error), 0);
    params_free(params);
}
END_TEST

START_TEST(options_say_what_is_wrong_with_them)
{
    static const struct {
        size_t index;
        const char *text, *error;
    } rows[] = {
        {DURATION, "", "--a-duration: \"\" is not a duration such as 50us, 1.5ms or 2h"},
        {DURATION, "-1ms", "--a-duration: \"-1ms\" is negative"},
        {COUNT, " 5", "--a-count: \" 5\" is not a whole number such as 12 or 50M"},
        {COUNT, "5 ", "--a-count: \"5 \" is not a whole number such as 12 or 50M"},
        {COUNT, "1..2", "--a-count: \"1..2\" is not a whole number such as 12 or 50M"},
        {TREE, "", "--a-tree: it has no value"},
        {TREE, "{a: 1", "--a-tree:2: not YAML: did not find expected ',' or '}'"},
        {TREE, "{a: 1, a: 2}", "--a-tree:1: a: the key is there twice (first on line 1)"},
    };
    struct params *params = params_create(specs, SPEC_COUNT);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *error = NULL;
        ck_assert_int_eq(params_set(params, rows[i].index, rows[i].text, &error), -EINVAL);
        ck_assert_str_eq(error, rows[i].error);
        free(error);
    }
    params_free(params);
}
END_TEST

START_TEST(values_that_make_no_sense_are_told_where_they_stand)
{
    static const char text[] = "a_share: 5%\n\na_count: 3";
    struct params *params = params_create(specs, SPEC_COUNT);
    char *error;

    ck_assert_int_eq(params_read(params, "f.yaml", text, strlen(text), &error), 0);
    ck_assert_int_eq(params_set(params, SIZE, "1B", &error), 0);
    ck_assert_int_eq(params_error(params, COUNT, &error, "no %d", 1), -EINVAL);
    ck_assert_str_eq(error, "f.yaml:3: a_count: no 1");
    free(error);
    params_error(params, SIZE, &error, "no");
    ck_assert_str_eq(error, "--a-size: no");
    free(error);
    params_error(params, RATE, &error, "no");
    ck_assert_str_eq(error, "a_rate: no");
    free(error);
    params_free(params);
}
END_TEST

START_TEST(names_are_found_as_keys_and_as_options)
{
    struct params *params = params_create(specs, SPEC_COUNT);
    size_t index;

    ck_assert_int_eq(params_find(params, "a_share", &index), 0);
    ck_assert_uint_eq(index, SHARE);
    ck_assert_int_eq(params_find(params, "a-share", &index), -ENOENT);
    ck_assert_int_eq(params_find_option(params, "a-share", &index), 0);
    ck_assert_int_eq(params_find_option(params, "a_share", &index), -ENOENT);
    params_free(params);
}
END_TEST

/* Printed, read again and printed again: the same text, and the same values. */
static void check_round_trip(const struct params *params)
{
    struct params *again = params_create(specs, SPEC_COUNT);
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
    static const char *const texts[] = {
        "",     "plain",     "with: colon", "# hash",  "- dash",   "\"quoted\"", "back\\slash",
        "null", "true",      "~",           " blank ", "S\u00e3o", "a, b",       "{x}",
        "%",    "tab\there", "'",           "12",      "&a",       "*a"};
    static const char *const trees[] = {
        "{}",
        "[]",
        "{a: 1}",
        "{\"a b\": [1, {c: ~}], d: \"null\", \"x: y\": \"#\"}",
        ("{long-name-of-a-place: 12345678, another-name-of-a-place: 12345678, a-third-one: "
         "12345678, "
         "fourth: [1, 2, 3], fifth: {a: {b: {c: 1}}}}"),
        ("[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
         "{c: ddddddddddddddddddddddddddddddddddd, e: [fffffffffffffffffffff]}]")};
    struct params *params = params_create(specs, SPEC_COUNT);
    char *error = NULL;

    params_set(params, NEEDED, "3", &error);
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

START_TEST(a_parameter_file_explains_itself)
{
    struct params *params = params_create(specs + SHARE, 1);
    char *text = params_print(params);

    ck_assert_str_eq(text, "# how much of it\n# Default from: somebody, 2026\na_share: 10%\n");
    free(text);
    params_free(params);
    params = params_create(specs + CHOICE, 1);
    text = params_print(params);
    ck_assert_str_eq(text, "# which\n# One of: none, some, all\na_choice: some\n");
    free(text);
    params_free(params);
    params = params_create(specs + NEEDED, 1);
    text = params_print(params);
    ck_assert_str_eq(text, "# must be said\n# needed:  # must be given\n");
    free(text);
    params_free(params);
}
END_TEST

START_TEST(numbers_are_printed_short_and_exact)
{
    static const struct {
        enum quantity_kind kind;
        double value;
        const char *text;
    } rows[] = {
        {QUANTITY_DURATION, 0, "0"},         {QUANTITY_DURATION, 1500, "1.5ms"},
        {QUANTITY_DURATION, 2e6, "2s"},      {QUANTITY_DURATION, 60e6, "1m"},
        {QUANTITY_DURATION, 0.25, "0.25us"}, {QUANTITY_DURATION, 86400e6, "1d"},
        {QUANTITY_SHARE, 0.125, "12.5%"},    {QUANTITY_SHARE, 0.1, "10%"},
        {QUANTITY_COUNT, 50e6, "50M"},       {QUANTITY_COUNT, 1234, "1234"},
        {QUANTITY_NUMBER, 2.5, "2.5"},       {QUANTITY_SIZE, 4096, "4KiB"},
        {QUANTITY_SIZE, 4000, "4kB"},        {QUANTITY_RATE, 125e3, "1mbit"},
    };
    char text[QUANTITY_TEXT_SIZE];
    struct random random;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(quantity_print(rows[i].kind, rows[i].value, text), rows[i].text);
    random_seed(&random, 5);
    for (size_t i = 0; i < 20000; i++) {
        enum quantity_kind kind = (enum quantity_kind)random_up_to(&random, QUANTITY_RATE);
        double value = random_unit(&random) * pow(10, (double)random_up_to(&random, 24) - 9);
        double again;
        if (kind == QUANTITY_COUNT)
            value = floor(value);
        quantity_print(kind, value, text);
        ck_assert_msg(quantity_parse(kind, text, &again) == 0 &&
                          fabs(again - value) <= 4e-16 * value,
                      "%.17g: %s", value, text);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_wrong_with_a_file_is_told_with_file_line_and_key,
        what_is_no_yaml_is_told_with_its_line,
        too_large_a_file_is_refused,
        line_ends_of_other_systems_are_fine,
        the_command_line_goes_before_the_file_and_the_file_before_defaults,
        options_say_what_is_wrong_with_them,
        values_that_make_no_sense_are_told_where_they_stand,
        names_are_found_as_keys_and_as_options,
        what_is_printed_reads_back,
        a_parameter_file_explains_itself,
        numbers_are_printed_short_and_exact,
    };
    return suite_run(&(struct suite){.name = "model_params", SUITE_TESTS(tests)});
}
