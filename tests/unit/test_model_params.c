#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/params_fixture.h"
#include "tests/unit/suite.h"

/* The error of reading @text as a file; "" for none. The caller frees it. */
static char *error_of(const char *text)
{
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
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
        {"a_share: -0%", "f.yaml:1: a_share: \"-0%\" is negative"},
        {"a_duration: -0", "f.yaml:1: a_duration: \"-0\" is negative"},
        {"a_duration: 1e-999ms",
         "f.yaml:1: a_duration: \"1e-999ms\" is too small to be told from 0"},
        {"a_share: 0.5", "f.yaml:1: a_share: \"0.5\" is not a share such as 12.5%"},
        {"a_number: 0.5", "f.yaml:1: a_number: \"0.5\" is not from 1 to 1k"},
        {"a_number: 1_000", "f.yaml:1: a_number: \"1_000\" is not a number such as 2.5 or 50M"},
        {"a_number: \"1,000\"", "f.yaml:1: a_number: \"1,000\" is not a number such as 2.5 or 50M"},
        {"a_count: 1.5", "f.yaml:1: a_count: \"1.5\" is not a whole number such as 12 or 50M"},
        {"a_count: 9007199254740993", "f.yaml:1: a_count: \"9007199254740993\" is too large"},
        {"at_least: 4kB", "f.yaml:1: at_least: \"4kB\" is below 4KiB, the least"},
        {"at_least: 0", "f.yaml:1: at_least: \"0\" is below 4KiB, the least"},
        {"at_least: 4KiB", ""},
        {"a_number: 1k", ""},
        {"a_number: 1000.0001", "f.yaml:1: a_number: \"1000.0001\" is not from 1 to 1k"},
        {"a_share: 100%", ""},
        {"a_share: 100.0001%", "f.yaml:1: a_share: \"100.0001%\" is not from 0 to 100%"},
        {"a_count: -1", "f.yaml:1: a_count: \"-1\" is negative"},
        {"a_count: true", "f.yaml:1: a_count: \"true\" is not a whole number such as 12 or 50M"},
        {"a_size: 5", "f.yaml:1: a_size: \"5\" is not a size such as 512B, 4KiB or 2GB"},
        {"a_rate: 5mb", "f.yaml:1: a_rate: \"5mb\" is not a rate such as 100mbit"},
        {"a_switch: maybe", "f.yaml:1: a_switch: \"maybe\" is neither true nor false"},
        {"a_choice: many", "f.yaml:1: a_choice: \"many\" is none of none, some, all"},
        {"a_switch: \"\"", "f.yaml:1: a_switch: \"\" is neither true nor false"},
        {"a_switch: [true]", "f.yaml:1: a_switch: one value is wanted here"},
        {"a_choice: Some", "f.yaml:1: a_choice: \"Some\" is none of none, some, all"},
        {"a_choice: \"\"", "f.yaml:1: a_choice: \"\" is none of none, some, all"},
        {"a_choice: {some: 1}", "f.yaml:1: a_choice: one value is wanted here"},
        {"a_text: \"two\\nlines\"", "f.yaml:1: a_text: it must be one line"},
        {"a_text: \"two\\rlines\"", "f.yaml:1: a_text: it must be one line"},
        {"a_text: |\n  line\n", "f.yaml:1: a_text: it must be one line"},
        {"a_text: \"\"", ""},
        {"a_text:", "f.yaml:1: a_text: it has no value"},
        {"a_text: [a]", "f.yaml:1: a_text: one value is wanted here"},
        {"a_path: ''", ""},
        {"a_path: {a: b}", "f.yaml:1: a_path: one value is wanted here"},
        {"a_name: ''", "f.yaml:1: a_name: it is empty"},
        {"a_name: Grace", ""},
        {"a_tree: word", ""},
        {"a_tree: [1]", ""},
        {"a_tree: ''", ""},
        {"A_Count: 1", "f.yaml:1: A_Count: unknown parameter; did you mean \"a_count\"?"},
        {"a-count: 1", "f.yaml:1: a-count: unknown parameter; did you mean \"a_count\"?"},
        {"a_count: 1\n\n# words\na_share: 5", "f.yaml:4: a_share: \"5\" is not a share such as "
                                              "12.5%"},
        {"a_count: \"5\\n\\e[31m\"",
         "f.yaml:1: a_count: \"5\\x0a\\x1b[31m\" is not a whole number such as 12 or 50M"},
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
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
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
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
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
    ck_assert_int_eq(params_check(params, &error), -EINVAL);
    ck_assert_str_eq(error, "needed_tree: it must be given: must be said, too");
    free(error);
    ck_assert_int_eq(params_set(params, NEEDED_TREE, "[]", &error), 0);
    ck_assert_int_eq(params_check(params, &error), 0);
    /* The last word holds, and a wrong one changes nothing. */
    ck_assert_int_eq(params_set(params, DURATION, "5ms", &error), 0);
    ck_assert_int_eq(params_set(params, DURATION, "-6ms", &error), -EINVAL);
    free(error);
    ck_assert_int_eq(params_set(params, TREE, "{y: 3", &error), -EINVAL);
    free(error);
    ck_assert_double_eq(params_value(params, DURATION), 5000);
    ck_assert_str_eq(yaml_tree_find(params_tree(params, TREE), "y")->text, "3");
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
        {COUNT, "1_000", "--a-count: \"1_000\" is not a whole number such as 12 or 50M"},
        {COUNT, "18446744073709551615", "--a-count: \"18446744073709551615\" is too large"},
        {COUNT, "\xff", "--a-count: \"\xff\" is not a whole number such as 12 or 50M"},
        {SHARE, "1e999%", "--a-share: \"1e999%\" is too large"},
        {NUMBER, "0", "--a-number: \"0\" is not from 1 to 1k"},
        {SWITCH, "2", "--a-switch: \"2\" is neither true nor false"},
        {CHOICE, "al", "--a-choice: \"al\" is none of none, some, all"},
        {TEXT, "\xff", "--a-text: it is not UTF-8"},
        {TEXT, "Z\xfcrich", "--a-text: it is not UTF-8"},
        {TEXT, "\xed\xa0\x80", "--a-text: it is not UTF-8"},
        {TEXT, "a\nb", "--a-text: it must be one line"},
        {PATH, "\xc3", "--a-path: it is not UTF-8"},
        {NAME, "", "--a-name: it is empty"},
        {TREE, "", "--a-tree: it has no value"},
        {TREE, "~", "--a-tree: it has no value"},
        {TREE, "# nothing", "--a-tree: it has no value"},
        {TREE, "{a: 1", "--a-tree:1: not YAML: did not find expected ',' or '}'"},
        {TREE, "{a: *b}", "--a-tree:1: a: aliases are not taken"},
        {TREE, "{a: 1, a: 2}", "--a-tree:1: a: the key is there twice (first on line 1)"},
    };
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *error = NULL;
        ck_assert_int_eq(params_set(params, rows[i].index, rows[i].text, &error), -EINVAL);
        ck_assert_str_eq(error, rows[i].error);
        free(error);
        ck_assert(!params_given(params, rows[i].index));
    }
    params_free(params);
}
END_TEST

START_TEST(the_environment_is_named_when_it_is_wrong)
{
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
    char *error;

    ck_assert_int_eq(params_set_twin(params, SHARE, "5", &error), -EINVAL);
    ck_assert_str_eq(error, "MECENTRAL_A_SHARE: \"5\" is not a share such as 12.5%");
    free(error);
    ck_assert_int_eq(params_set_twin(params, TEXT, "\xff", &error), -EINVAL);
    ck_assert_str_eq(error, "MECENTRAL_A_TEXT: it is not UTF-8");
    free(error);
    ck_assert_int_eq(params_set_twin(params, TREE, "{a: 1, a: 2}", &error), -EINVAL);
    ck_assert_str_eq(error, "MECENTRAL_A_TREE:1: a: the key is there twice (first on line 1)");
    free(error);
    ck_assert_int_eq(params_set_twin(params, TREE, "", &error), -EINVAL);
    ck_assert_str_eq(error, "MECENTRAL_A_TREE: it has no value");
    free(error);
    ck_assert_int_eq(params_set_twin(params, SHARE, "5%", &error), 0);
    ck_assert_double_eq(params_value(params, SHARE), 0.05);
    ck_assert(params_given(params, SHARE) && !params_from_file(params, SHARE));
    params_error(params, SHARE, &error, "no");
    ck_assert_str_eq(error, "MECENTRAL_A_SHARE: no");
    free(error);
    params_free(params);
}
END_TEST

START_TEST(files_that_are_named_are_attached)
{
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
    size_t size = 7;
    char *error;

    ck_assert_ptr_null(params_content(params, PATH, &size));
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(params_set(params, PATH, "t.yaml", &error), 0);
    params_attach(params, PATH, "a\0b", 3);
    ck_assert_mem_eq(params_content(params, PATH, &size), "a\0b", 3);
    ck_assert_uint_eq(size, 3);
    ck_assert_str_eq(params_text(params, PATH), "t.yaml");
    /* An empty file is not no file. */
    params_attach(params, PATH, "", 0);
    ck_assert_ptr_nonnull(params_content(params, PATH, &size));
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(params_set(params, PATH, "u.yaml", &error), 0);
    ck_assert_ptr_null(params_content(params, PATH, &size));
    params_free(params);
    params_free(NULL);
}
END_TEST

START_TEST(values_that_make_no_sense_are_told_where_they_stand)
{
    static const char text[] = "a_share: 5%\n\na_count: 3";
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
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
    struct params *params = params_create(params_fixture, PARAMS_FIXTURE_COUNT);
    size_t index;

    ck_assert_int_eq(params_find(params, "a_share", &index), 0);
    ck_assert_uint_eq(index, SHARE);
    ck_assert_int_eq(params_find(params, "a-share", &index), -ENOENT);
    ck_assert_int_eq(params_find_option(params, "a-share", &index), 0);
    ck_assert_int_eq(params_find_option(params, "a_share", &index), -ENOENT);
    params_free(params);
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
        the_environment_is_named_when_it_is_wrong,
        files_that_are_named_are_attached,
        values_that_make_no_sense_are_told_where_they_stand,
        names_are_found_as_keys_and_as_options,
    };
    return suite_run(&(struct suite){.name = "model_params", SUITE_TESTS(tests)});
}
