#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/text.h"
#include "sim/model/yaml_tree.h"
#include "tests/unit/suite.h"

/* Both are of @size bytes; the caller frees them. */
static struct yaml_tree *must_of(const char *text, size_t size)
{
    struct yaml_tree *tree = NULL;
    char *error = NULL;
    int wrong = yaml_tree_read("f.yaml", text, size, &tree, &error);

    ck_assert_msg(wrong == 0, "%s", error);
    return tree;
}

static struct yaml_tree *must(const char *text)
{
    return must_of(text, strlen(text));
}

static char *error_of(const char *text, size_t size)
{
    struct yaml_tree *tree = NULL;
    char *error = NULL;

    ck_assert_msg(yaml_tree_read("f.yaml", text, size, &tree, &error) == -EINVAL, "%s", text);
    ck_assert_ptr_null(tree);
    return error;
}

static void check_node(const struct yaml_tree *tree, enum yaml_tree_kind kind, const char *path,
                       size_t line, size_t count)
{
    ck_assert_ptr_nonnull(tree);
    ck_assert_int_eq(tree->kind, kind);
    ck_assert_str_eq(tree->path, path);
    ck_assert_str_eq(tree->file, "f.yaml");
    ck_assert_msg(tree->line == line, "%s stands on line %zu", path, tree->line);
    ck_assert_uint_eq(tree->count, count);
    ck_assert(kind == YAML_TREE_SCALAR ? tree->text != NULL : tree->text == NULL);
}

START_TEST(every_node_knows_where_it_stands)
{
    static const char text[] = "# a comment\n"
                               "users: 5M\n"
                               "\n"
                               "scenarios:\n"
                               "  checkout:\n"
                               "    stages:\n"
                               "      - dns\n"
                               "      - {stage: work,\n"
                               "         time: 3ms}\n"
                               "    empty: []\n"
                               "  \"two words\": {}\n"
                               "nothing:\n";
    struct yaml_tree *tree = must(text);

    check_node(tree, YAML_TREE_MAP, "", 2, 3);
    ck_assert_ptr_null(tree->key);
    const struct yaml_tree *users = yaml_tree_find(tree, "users");
    check_node(users, YAML_TREE_SCALAR, "users", 2, 0);
    ck_assert_str_eq(users->text, "5M");
    ck_assert_str_eq(users->key, "users");
    const struct yaml_tree *scenarios = yaml_tree_find(tree, "scenarios");
    check_node(scenarios, YAML_TREE_MAP, "scenarios", 4, 2);
    const struct yaml_tree *checkout = yaml_tree_find(scenarios, "checkout");
    check_node(checkout, YAML_TREE_MAP, "scenarios.checkout", 5, 2);
    const struct yaml_tree *stages = yaml_tree_find(checkout, "stages");
    check_node(stages, YAML_TREE_LIST, "scenarios.checkout.stages", 6, 2);
    check_node(&stages->children[0], YAML_TREE_SCALAR, "scenarios.checkout.stages[0]", 7, 0);
    ck_assert_ptr_null(stages->children[0].key);
    check_node(&stages->children[1], YAML_TREE_MAP, "scenarios.checkout.stages[1]", 8, 2);
    check_node(yaml_tree_find(&stages->children[1], "time"), YAML_TREE_SCALAR,
               "scenarios.checkout.stages[1].time", 9, 0);
    check_node(yaml_tree_find(checkout, "empty"), YAML_TREE_LIST, "scenarios.checkout.empty", 10,
               0);
    check_node(yaml_tree_find(scenarios, "two words"), YAML_TREE_MAP, "scenarios.two words", 11, 0);
    check_node(yaml_tree_find(tree, "nothing"), YAML_TREE_EMPTY, "nothing", 12, 0);
    ck_assert_ptr_null(yaml_tree_find(tree, "user"));
    ck_assert_ptr_null(yaml_tree_find(users, "users"));
    ck_assert_ptr_null(yaml_tree_find(stages, "dns"));
    yaml_tree_free(tree);
    yaml_tree_free(NULL);
}
END_TEST

START_TEST(nothing_is_nothing_only_when_it_is_plain)
{
    static const struct {
        const char *text;
        enum yaml_tree_kind kind;
    } rows[] = {
        {"a:", YAML_TREE_EMPTY},        {"a: ~", YAML_TREE_EMPTY},
        {"a: null", YAML_TREE_EMPTY},   {"a: Null", YAML_TREE_EMPTY},
        {"a: NULL", YAML_TREE_EMPTY},   {"{a}", YAML_TREE_EMPTY},
        {"a: \"\"", YAML_TREE_SCALAR},  {"a: ''", YAML_TREE_SCALAR},
        {"a: \"~\"", YAML_TREE_SCALAR}, {"a: 'null'", YAML_TREE_SCALAR},
        {"a: nULL", YAML_TREE_SCALAR},  {"a: 0", YAML_TREE_SCALAR},
        {"a: |\n", YAML_TREE_SCALAR},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct yaml_tree *tree = must(rows[i].text);
        ck_assert_msg(yaml_tree_find(tree, "a")->kind == rows[i].kind, "%s", rows[i].text);
        yaml_tree_free(tree);
    }
}
END_TEST

START_TEST(a_file_may_say_nothing)
{
    static const char *const texts[] = {"",  "\n\n",       "# only\n# comments\n", "---\n",
                                        "~", "---\n...\n", "\xef\xbb\xbf"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct yaml_tree *tree = must(texts[i]);
        ck_assert_msg(tree->kind == YAML_TREE_EMPTY && tree->count == 0, "%s", texts[i]);
        ck_assert_uint_ge(tree->line, 1);
        yaml_tree_free(tree);
    }
}
END_TEST

START_TEST(texts_are_taken_as_people_write_them)
{
    static const char *const texts[][2] = {
        {"a: 5\r\nb: 6\r\n", "5"},
        {"a: 5\rb: 6", "5"},
        {"a:   5   # five\n", "5"},
        {"a: \"two\\nlines \\u263a\"", "two\nlines \u263a"},
        {"a: |\n  two\n  lines\n", "two\nlines\n"},
        {"a: it's\n", "it's"},
        {"a: >-\n  two\n  words\n", "two words"},
        {"%YAML 1.1\n---\na: 5\n...\n", "5"},
        {"a: &anchor 5", "5"},
        {"\xef\xbb\xbf"
         "a: 5",
         "5"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct yaml_tree *tree = must(texts[i][0]);
        ck_assert_str_eq(yaml_tree_find(tree, "a")->text, texts[i][1]);
        yaml_tree_free(tree);
    }
}
END_TEST

#define ROW(text, error)                                                                           \
    {                                                                                              \
        text, sizeof text - 1, error                                                               \
    }

/* What is no YAML libyaml says in words of its own. */
START_TEST(what_cannot_be_taken_is_told_with_its_line)
{
    static const struct {
        const char *text;
        size_t size;
        const char *error;
    } rows[] = {
        ROW("a: &x 1\nb: *x", "f.yaml:2: b: aliases are not taken"),
        ROW("&x a: 1\n*x : 2", "f.yaml:2: a key must be a plain word"),
        ROW("*x", "f.yaml:1: aliases are not taken"),
        ROW("a: [1, *x]", "f.yaml:1: a[1]: aliases are not taken"),
        ROW("a: 1\n---\nb: 2\n", "f.yaml:2: only one document may stand in a file"),
        ROW("a: 1\n...\n---\n", "f.yaml:3: only one document may stand in a file"),
        ROW("a: !!int 5", "f.yaml:1: a: tags are not taken"),
        ROW("a: ! 5", "f.yaml:1: a: tags are not taken"),
        ROW("a: 1\nb: !!seq [1]", "f.yaml:2: b: tags are not taken"),
        ROW("!!map {a: 1}", "f.yaml:1: tags are not taken"),
        ROW("!!str a: 1", "f.yaml:1: a: tags are not taken"),
        ROW("a: 1\nb: 2\na: 3", "f.yaml:3: a: the key is there twice (first on line 1)"),
        ROW("a: 1\n\"a\": 3", "f.yaml:2: a: the key is there twice (first on line 1)"),
        ROW("a:\n  - x: 1\n    x: 2", "f.yaml:3: a[0].x: the key is there twice (first on line 2)"),
        ROW("[a]: 1", "f.yaml:1: a key must be a plain word"),
        ROW("a: 1\n? {b: 1}\n: 2", "f.yaml:2: a key must be a plain word"),
        ROW("\"\": 1", "f.yaml:1: a key is empty or no text"),
        ROW("? \n: 1", "f.yaml:1: a key is empty or no text"),
        ROW("\"a\\0b\": 1", "f.yaml:1: a key is empty or no text"),
        ROW("\"a\\nb\": 1", "f.yaml:1: a key has a control character in it"),
        ROW("\"a\\eb\": 1", "f.yaml:1: a key has a control character in it"),
        ROW("\"a\\x7f\": 1", "f.yaml:1: a key has a control character in it"),
        ROW("a: 1\nb: \"x\\0y\"", "f.yaml:2: b: a NUL byte stands in it"),
        ROW("[\"\\0\"]", "f.yaml:1: [0]: a NUL byte stands in it"),
        ROW("\"\\0\"", "f.yaml:1: a NUL byte stands in it"),
        ROW("a: 1\nb: 2\0c", "f.yaml:2: not YAML: "),
        ROW("a: 1\n\nb: \xff", "f.yaml:3: not YAML: "),
        ROW("a: \xc3", "f.yaml:1: not YAML: "),
        ROW("a: 1\nb: \xc3(", "f.yaml:2: not YAML: "),
        ROW("a: 1\nb: \xed\xa0\x80", "f.yaml:2: not YAML: "),
        ROW("a: 1\nb: \xc0\x80", "f.yaml:2: not YAML: "),
        ROW("a: 1\nb: \x1b[31m", "f.yaml:2: not YAML: "),
        ROW("a: 1\n\tb: 2", "f.yaml:2: not YAML: "),
        ROW("a:\n\t- 1", "f.yaml:2: not YAML: "),
        ROW("a: @b", "f.yaml:1: not YAML: "),
        ROW("a: [1, 2\n", "f.yaml:1: not YAML: "),
        ROW("a: [1, 2\n\n\n", "f.yaml:3: not YAML: "),
        ROW("a: {b: 1", "f.yaml:1: not YAML: "),
        ROW("a: 1\n  b: 2", "f.yaml:2: not YAML: "),
        ROW("a: b: c", "f.yaml:1: not YAML: "),
        ROW("a: \"x", "f.yaml:1: not YAML: "),
        ROW("}", "f.yaml:1: not YAML: "),
        ROW("a: 1\nb\n", "f.yaml:2: not YAML: "),
        ROW("- 1\na: 2", "f.yaml:2: not YAML: "),
        ROW("%YAML 9.9\n---\na: 1", "f.yaml:1: not YAML: "),
        ROW("a: \"\\ud800\"", "f.yaml:1: not YAML: "),
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *error = error_of(rows[i].text, rows[i].size);
        size_t shown = strlen(rows[i].error);
        if (rows[i].error[shown - 1] != ' ')
            ck_assert_str_eq(error, rows[i].error);
        ck_assert_msg(strncmp(error, rows[i].error, shown) == 0, "%s, not %s", error,
                      rows[i].error);
        free(error);
    }
}
END_TEST

/* @depth lists within each other. */
static char *nested(size_t depth)
{
    struct text text = {0};

    text_add(&text, "a: ");
    for (size_t i = 0; i < depth; i++)
        text_add(&text, "[");
    text_add(&text, "1");
    for (size_t i = 0; i < depth; i++)
        text_add(&text, "]");
    return text_take(&text);
}

START_TEST(depth_ends_at_sixteen)
{
    char *fits = nested(YAML_TREE_DEPTH_MAX - 1);
    char *exceeds = nested(YAML_TREE_DEPTH_MAX);
    char *far = nested(1000);

    yaml_tree_free(must(fits));
    char *error = error_of(exceeds, strlen(exceeds));
    ck_assert_str_eq(error,
                     "f.yaml:1: a[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: nested too deeply");
    free(error);
    error = error_of(far, strlen(far));
    ck_assert_ptr_nonnull(strstr(error, "nested too deeply"));
    free(error);
    free(fits);
    free(exceeds);
    free(far);

    /* What stands beside each other is not deep. */
    struct text flat = {0};
    for (size_t i = 0; i < 50; i++)
        text_add(&flat, "- [[[1]]]\n");
    yaml_tree_free(must(flat.data));
    free(flat.data);
}
END_TEST

START_TEST(a_text_ends_at_one_mebibyte)
{
    char *text = malloc(YAML_TREE_SIZE_MAX + 1);

    memset(text, '#', YAML_TREE_SIZE_MAX + 1);
    yaml_tree_free(must_of(text, YAML_TREE_SIZE_MAX));
    char *error = error_of(text, YAML_TREE_SIZE_MAX + 1);
    ck_assert_str_eq(error, "f.yaml:1: larger than 1 MiB");
    free(error);
    free(text);
}
END_TEST

START_TEST(keys_end_at_200_bytes)
{
    char text[300];

    memset(text, 'k', sizeof text);
    memcpy(text + YAML_TREE_KEY_MAX, ": 1", 4);
    yaml_tree_free(must(text));
    text[YAML_TREE_KEY_MAX] = 'k';
    memcpy(text + YAML_TREE_KEY_MAX + 1, ": 1", 4);
    char *error = error_of(text, strlen(text));
    ck_assert_str_eq(error, "f.yaml:1: a key is longer than 200 bytes");
    free(error);
}
END_TEST

/* Lists of one-letter items: the most nodes in the fewest bytes. */
START_TEST(nodes_end_at_twenty_thousand)
{
    static const size_t most = 20000;
    char *text = malloc(2 * most + 3);

    for (size_t i = 0; i < most; i++)
        memcpy(text + 2 * i, i == 0 ? "[1" : ",1", 2);
    /* The list itself is a node. */
    memcpy(text + 2 * (most - 1), "]", 2);
    struct yaml_tree *tree = must(text);
    ck_assert_uint_eq(tree->count, most - 1);
    yaml_tree_free(tree);
    memcpy(text + 2 * (most - 1), ",1]", 4);
    char *error = error_of(text, strlen(text));
    ck_assert_str_eq(error, "f.yaml:1: there is too much in this file");
    free(error);
    free(text);
}
END_TEST

START_TEST(errors_name_file_line_and_path)
{
    struct yaml_tree *tree = must("a: 1\nb:\n  - c: 2\n");
    char *error;

    ck_assert_int_eq(yaml_tree_error(tree, &error, "no %d", 3), -EINVAL);
    ck_assert_str_eq(error, "f.yaml:1: no 3");
    free(error);
    const struct yaml_tree *item = &yaml_tree_find(tree, "b")->children[0];
    ck_assert_int_eq(yaml_tree_error(yaml_tree_find(item, "c"), &error, "no %s", "way"), -EINVAL);
    ck_assert_str_eq(error, "f.yaml:3: b[0].c: no way");
    free(error);
    yaml_tree_free(tree);
}
END_TEST

START_TEST(keys_must_be_known)
{
    static const char *const keys[] = {"stage", "time", "share", NULL};
    static const char *const rows[][2] = {
        {"{stage: 1, time: 2}", NULL},
        {"{}", NULL},
        {"{stage: 1,\n tmie: 2}", "f.yaml:2: tmie: unknown key; did you mean \"time\"?"},
        {"{timed: 1}", "f.yaml:1: timed: unknown key; did you mean \"time\"?"},
        {"{zzzzzzzz: 1}", "f.yaml:1: zzzzzzzz: unknown key"},
        {"{Stage: 1}", "f.yaml:1: Stage: unknown key; did you mean \"stage\"?"},
        {"{stage: {x: 1}}", NULL},
        {"[stage]", "f.yaml:1: keys and values are wanted here"},
        {"stage", "f.yaml:1: keys and values are wanted here"},
        {"", "f.yaml:1: keys and values are wanted here"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct yaml_tree *tree = must(rows[i][0]);
        char *error = NULL;
        int wrong = yaml_tree_check_keys(tree, keys, &error);
        ck_assert_int_eq(wrong, rows[i][1] ? -EINVAL : 0);
        ck_assert_pstr_eq(error, rows[i][1]);
        free(error);
        yaml_tree_free(tree);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_node_knows_where_it_stands,
        nothing_is_nothing_only_when_it_is_plain,
        a_file_may_say_nothing,
        texts_are_taken_as_people_write_them,
        what_cannot_be_taken_is_told_with_its_line,
        depth_ends_at_sixteen,
        a_text_ends_at_one_mebibyte,
        keys_end_at_200_bytes,
        nodes_end_at_twenty_thousand,
        errors_name_file_line_and_path,
        keys_must_be_known,
    };
    return suite_run(&(struct suite){.name = "model_yaml_tree", SUITE_TESTS(tests)});
}
