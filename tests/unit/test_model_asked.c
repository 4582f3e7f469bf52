#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/asked.h"
#include "tests/unit/suite.h"

static const char *variables[8]; /* name, value, .. */

static const char *environment(const char *name)
{
    for (size_t i = 0; variables[i]; i += 2)
        if (strcmp(variables[i], name) == 0)
            return variables[i + 1];
    return NULL;
}

static int ask(const char *const *words, struct asked *ret_asked, char **ret_error)
{
    int count = 0;

    while (words[count])
        count++;
    return asked_read(count, (char *const *)words, environment, ret_asked, ret_error);
}

#define ASK(...) ask((const char *const[]){__VA_ARGS__, NULL}, &asked, &error)

/* The last value that was given for the parameter @key. */
static const char *value_of(const struct asked *asked, const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; i < asked->setting_count; i++)
        if (strcmp(asked->model->specs[asked->settings[i].index].key, key) == 0)
            value = asked->settings[i].value;
    return value;
}

START_TEST(words_are_options_parameters_and_one_name)
{
    struct asked asked;
    char *error;

    ck_assert_int_eq(ASK("-n", "w", "latency", "--json", "--seed", "7", "--dns-ttl=3s",
                         "-fmine.yaml", "--html", "x.html", "-q"),
                     0);
    ck_assert_str_eq(asked.model->name, "latency");
    ck_assert(asked.json && asked.quiet && !asked.csv && !asked.help);
    ck_assert_str_eq(asked.file, "mine.yaml");
    ck_assert_str_eq(asked.html, "x.html");
    ck_assert_str_eq(asked.world, "w");
    ck_assert_str_eq(value_of(&asked, "seed"), "7");
    ck_assert_str_eq(value_of(&asked, "dns_ttl"), "3s");
    asked_free(&asked);
    ck_assert_int_eq(ASK("--", "latency"), 0);
    asked_free(&asked);
    ck_assert_int_eq(ASK("latency", "-qnw", "-vf", "f.yaml", "-h", "--verbose=no"), 0);
    ck_assert(asked.quiet && asked.help);
    ck_assert_str_eq(asked.world, "w");
    ck_assert_str_eq(asked.file, "f.yaml");
    asked_free(&asked);
    /* A value may look like an option, and the last word holds. */
    ck_assert_int_eq(ASK("latency", "--client", "--json", "--client=Paris", "-f", "-q"), 0);
    ck_assert_str_eq(value_of(&asked, "client"), "Paris");
    ck_assert_uint_eq(asked.setting_count, 2);
    ck_assert_str_eq(asked.file, "-q");
    ck_assert(!asked.json && !asked.quiet && !asked.settings[0].is_twin);
    asked_free(&asked);
}
END_TEST

START_TEST(help_needs_no_name)
{
    struct asked asked;
    char *error;

    ck_assert_int_eq(ASK("--help"), 0);
    ck_assert(asked.help && !asked.model);
    asked_free(&asked);
}
END_TEST

#define LONG_OPTION "--an-option-that-is-longer-than-any-that-there-could-be-in-any-model"

START_TEST(what_is_wrong_is_told)
{
    static const struct {
        const char *words[4], *error;
    } rows[] = {
        {{NULL}, "which model? See mecentral model --help"},
        {{"latenci"},
         "there is no model \"latenci\"; did you mean \"latency\"?; see mecentral model --help"},
        {{"latency", "latency"}, "latency: \"latency\" is one argument too many"},
        {{"latency", "--sed", "3"},
         "latency: unknown option \"--sed\"; did you mean \"--seed\"?; see mecentral model latency "
         "--help"},
        {{"latency", "--dns_ttl", "3s"},
         "latency: unknown option \"--dns_ttl\"; did you mean \"--dns-ttl\"?; see mecentral model "
         "latency --help"},
        {{"latency", "--seed"}, "--seed needs a value"},
        {{"latency", "-f"}, "-f needs a value: FILE"},
        {{"latency", "-z"}, "unknown option \"-z\"; see mecentral model --help"},
        {{"latency", "-qz"}, "unknown option \"-z\"; see mecentral model --help"},
        {{"latency", "-\u00e9"}, "unknown option \"-\u00e9\"; see mecentral model --help"},
        {{"latency", "-qf"}, "-f needs a value: FILE"},
        {{"latency", "-n"}, "-n needs a value: WORLD"},
        {{"latency", "--html"}, "--html needs a value"},
        {{"latency", "--="}, "latency: unknown option \"--\"; see mecentral model latency --help"},
        {{"latency", "--zzzzzzzzzz"},
         "latency: unknown option \"--zzzzzzzzzz\"; see mecentral model latency --help"},
        {{"latency", LONG_OPTION},
         "latency: unknown option \"" LONG_OPTION "\"; see mecentral model latency --help"},
        {{"--seed", "7", "latency"}, "unknown option \"--seed\"; see mecentral model --help"},
        {{"-q"}, "which model? See mecentral model --help"},
        {{"--"}, "which model? See mecentral model --help"},
        {{"-"}, "there is no model \"-\"; see mecentral model --help"},
        {{""}, "there is no model \"\"; see mecentral model --help"},
        {{"--", "--help"}, "there is no model \"--help\"; see mecentral model --help"},
        {{"latency", "--", "--json"}, "latency: \"--json\" is one argument too many"},
        {{"latency", "--quiet=5"}, "--quiet: \"5\" is neither true nor false"},
        {{"latency", "--csv="}, "--csv: \"\" is neither true nor false"},
        {{"latency", "--json", "--csv"}, "--json and --csv at a time: which of the two?"},
        {{"latency", "--json=perhaps"}, "--json: \"perhaps\" is neither true nor false"},
        {{"latency", "\xff"}, "an argument is not UTF-8"},
        {{"latency", "--client", "\xff"}, "an argument is not UTF-8"},
        {{"latency", "--html", "\xc3"}, "an argument is not UTF-8"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asked asked;
        char *error = NULL;
        int wrong = ask(rows[i].words, &asked, &error);
        ck_assert_msg(wrong == -EINVAL, "%s", rows[i].error);
        ck_assert_str_eq(error, rows[i].error);
        free(error);
    }
}
END_TEST

START_TEST(the_environment_speaks_where_the_words_are_silent)
{
    struct asked asked;
    char *error;

    variables[0] = "MECENTRAL_SEED";
    variables[1] = "3";
    variables[2] = "MECENTRAL_HTML";
    variables[3] = "e.html";
    variables[4] = "MECENTRAL_DNS_TTL";
    variables[5] = "";
    ck_assert_int_eq(ASK("latency"), 0);
    ck_assert_str_eq(value_of(&asked, "seed"), "3");
    ck_assert_str_eq(asked.html, "e.html");
    ck_assert_ptr_null(value_of(&asked, "dns_ttl"));
    asked_free(&asked);
    ck_assert_int_eq(ASK("latency", "--seed", "9", "--html", "w.html"), 0);
    ck_assert_str_eq(value_of(&asked, "seed"), "9");
    ck_assert_str_eq(asked.html, "w.html");
    asked_free(&asked);
    memset(variables, 0, sizeof variables);
}
END_TEST

/* Sets up to three variables, whose names and values alternate. */
static void set_environment(const char *const *pairs)
{
    memset(variables, 0, sizeof variables);
    for (size_t i = 0; pairs[i]; i++)
        variables[i] = pairs[i];
}

#define ENVIRONMENT(...) set_environment((const char *const[]){__VA_ARGS__, NULL})

START_TEST(switches_of_the_words_go_before_the_environment)
{
    struct asked asked;
    char *error;

    ENVIRONMENT("MECENTRAL_JSON", "1", "MECENTRAL_QUIET", "yes", "MECENTRAL_PRINT_PARAMS", "on");
    ck_assert_int_eq(ASK("latency"), 0);
    ck_assert(asked.json && !asked.csv && asked.quiet && asked.print_params);
    asked_free(&asked);
    ck_assert_int_eq(ASK("latency", "--csv", "--quiet=off"), 0);
    ck_assert(asked.csv && !asked.json && !asked.quiet);
    asked_free(&asked);
    ck_assert_int_eq(ASK("latency", "--json=false"), 0);
    ck_assert(!asked.json && !asked.csv);
    asked_free(&asked);
    ENVIRONMENT("MECENTRAL_JSON", "1", "MECENTRAL_CSV", "1");
    ck_assert_int_eq(ASK("latency"), -EINVAL);
    ck_assert_str_eq(error, "--json and --csv at a time: which of the two?");
    free(error);
    ck_assert_int_eq(ASK("latency", "--json"), 0);
    ck_assert(asked.json && !asked.csv);
    asked_free(&asked);
    ENVIRONMENT("MECENTRAL_CSV", "maybe");
    ck_assert_int_eq(ASK("latency", "--json"), -EINVAL);
    ck_assert_str_eq(error, "MECENTRAL_CSV: \"maybe\" is neither true nor false");
    free(error);
    memset(variables, 0, sizeof variables);
}
END_TEST

/* What is asked of the model @words name, over a file that says @file. */
static struct params *fill(const char *file, const char *const *words, char **ret_error)
{
    struct asked asked;
    int wrong = ask(words, &asked, ret_error);

    ck_assert_msg(wrong == 0, "%s", *ret_error);
    struct params *params = params_create(asked.model->specs, asked.model->spec_count);
    wrong = params_read(params, "f.yaml", file, strlen(file), ret_error);
    ck_assert_msg(wrong == 0, "%s", *ret_error);
    wrong = asked_fill(&asked, params, ret_error);
    asked_free(&asked);
    if (wrong == 0)
        return params;
    ck_assert_int_eq(wrong, -EINVAL);
    params_free(params);
    return NULL;
}

static double value_in(const struct params *params, const char *key)
{
    size_t index;

    ck_assert_int_eq(params_find(params, key, &index), 0);
    return params_value(params, index);
}

START_TEST(words_go_before_the_environment_that_before_the_file_that_before_defaults)
{
    static const char file[] = "seed: 3\nsamples: 500\ndns_ttl: 7s\n";
    const char *const words[] = {"latency", "--seed", "1", "--seed=2", NULL};
    char *error = NULL;

    ENVIRONMENT("MECENTRAL_SEED", "4", "MECENTRAL_SAMPLES", "600");
    struct params *params = fill(file, words, &error);
    struct params *defaults =
        params_create(model_find("latency")->specs, model_find("latency")->spec_count);
    ck_assert_ptr_nonnull(params);
    ck_assert_double_eq(value_in(params, "seed"), 2);
    ck_assert_double_eq(value_in(params, "samples"), 600);
    ck_assert_double_eq(value_in(params, "dns_ttl"), 7e6);
    ck_assert_double_eq(value_in(params, "spread"), value_in(defaults, "spread"));
    params_free(params);
    params_free(defaults);
    memset(variables, 0, sizeof variables);
}
END_TEST

START_TEST(wrong_values_are_told_where_they_were_said)
{
    const char *const words[] = {"latency", "--seed", "-1", NULL};
    const char *const none[] = {"latency", NULL};
    char *error = NULL;

    ck_assert_ptr_null(fill("seed: 3", words, &error));
    ck_assert_str_eq(error, "--seed: \"-1\" is negative");
    free(error);
    ENVIRONMENT("MECENTRAL_SEED", "nan");
    ck_assert_ptr_null(fill("seed: 3", none, &error));
    ck_assert_str_eq(error, "MECENTRAL_SEED: \"nan\" is not a whole number such as 12 or 50M");
    free(error);
    ENVIRONMENT("MECENTRAL_CLIENT", "\xff");
    ck_assert_ptr_null(fill("seed: 3", none, &error));
    ck_assert_str_eq(error, "MECENTRAL_CLIENT: it is not UTF-8");
    free(error);
    ENVIRONMENT("MECENTRAL_SCENARIOS", "{a: 1, a: 2}");
    ck_assert_ptr_null(fill("seed: 3", none, &error));
    ck_assert_str_eq(error, "MECENTRAL_SCENARIOS:1: a: the key is there twice (first on line 1)");
    free(error);
    memset(variables, 0, sizeof variables);
}
END_TEST

static bool is_reserved(const char *key)
{
    static const char *const names[] = {"file",  "html",  "json",    "csv",  "print_params",
                                        "world", "quiet", "verbose", "help", "against"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], key) == 0)
            return true;
    return false;
}

/* params_create() asserts that each default is a value. */
static void check_specs(const struct model *model)
{
    struct params *params = params_create(model->specs, model->spec_count);
    struct params *again = params_create(model->specs, model->spec_count);
    char *text = params_print(params);
    char *error = NULL;

    for (size_t i = 0; i < model->spec_count; i++) {
        const struct params_spec *spec = &model->specs[i];
        size_t index;
        ck_assert_msg(spec->key && spec->help && *spec->help, "%s %zu", model->name, i);
        ck_assert_msg(strspn(spec->key, "abcdefghijklmnopqrstuvwxyz0123456789_") ==
                          strlen(spec->key),
                      "%s", spec->key);
        ck_assert_int_eq(params_find(params, spec->key, &index), 0);
        ck_assert_msg(index == i, "%s: %s is there twice", model->name, spec->key);
        ck_assert_msg(!is_reserved(spec->key), "%s: %s", model->name, spec->key);
        ck_assert_int_eq(spec->kind == PARAMS_CHOICE, spec->choices != NULL);
    }
    int wrong = params_read(again, "f.yaml", text, strlen(text), &error);
    ck_assert_msg(wrong == 0, "%s: %s", model->name, error);
    json_t *before = params_json(params), *after = params_json(again);
    ck_assert(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    free(text);
    params_free(params);
    params_free(again);
}

/* As a shell would, up to a comment, a pipe or a file. Changes @line. */
static void split(char *line, const char *words[32])
{
    size_t count = 0;

    line[strcspn(line, "#|>")] = '\0';
    while (*(line += strspn(line, " ")) && count < 31) {
        bool quoted = *line == '\'';
        line += quoted;
        words[count++] = line;
        line += strcspn(line, quoted ? "'" : " ");
        if (*line)
            *line++ = '\0';
    }
    words[count] = NULL;
}

/* @words behind "mecentral model" are of this model, which runs with them. */
static void check_example(const struct model *model, const char *const *words)
{
    struct params *params = params_create(model->specs, model->spec_count);
    struct result *result = result_create(model->name, model->title);
    struct asked asked;
    char *error = NULL;

    int wrong = ask(words, &asked, &error);
    ck_assert_msg(wrong == 0, "%s: %s", model->name, error);
    ck_assert_ptr_eq(asked.model, model);
    wrong = asked_fill(&asked, params, &error);
    ck_assert_msg(wrong == 0, "%s: %s", model->name, error);
    if (!asked.file) {
        wrong = params_check(params, &error) != 0 ? -EINVAL : model->run(params, result, &error);
        ck_assert_msg(wrong == 0, "%s: %s", model->name, error);
    }
    asked_free(&asked);
    result_free(result);
    params_free(params);
}

START_TEST(examples_of_all_models_run)
{
    for (size_t i = 0; i < model_count(); i++) {
        char *examples = strdup(model_at(i)->examples);
        char *rest = examples;
        for (char *line; (line = strsep(&rest, "\n"));) {
            const char *words[32];
            split(line, words);
            ck_assert_str_eq(words[0], "mecentral");
            ck_assert_str_eq(words[1], "model");
            check_example(model_at(i), words + 2);
        }
        free(examples);
    }
}
END_TEST

START_TEST(every_model_has_a_table_that_holds)
{
    for (size_t i = 0; i < model_count(); i++) {
        const struct model *model = model_at(i);
        ck_assert_ptr_eq(model_find(model->name), model);
        check_specs(model);
        char *help = asked_help(model);
        for (size_t k = 0; k < model->spec_count; k++) {
            size_t size = strlen(model->specs[k].key);
            char option[64] = "--";
            for (size_t c = 0; c <= size; c++)
                option[c + 2] = model->specs[k].key[c] == '_' ? '-' : model->specs[k].key[c];
            ck_assert_msg(strstr(help, option) != NULL, "%s", option);
        }
        ck_assert_ptr_nonnull(strstr(model->examples, model->name));
        for (const char *line = help; *line;) {
            size_t size = strcspn(line, "\n");
            ck_assert_msg(size <= 100, "%.*s", (int)size, line);
            line += size + (line[size] == '\n');
        }
        free(help);
    }
    char *overview = asked_overview();
    ck_assert_ptr_nonnull(strstr(overview, "latency"));
    free(overview);
}
END_TEST

/* Each model runs with its defaults, says what it assumes, and says the same twice. */
START_TEST(every_model_runs_as_it_comes)
{
    for (size_t i = 0; i < model_count(); i++) {
        const struct model *model = model_at(i);
        char *texts[2];
        for (size_t n = 0; n < 2; n++) {
            struct params *params = params_create(model->specs, model->spec_count);
            struct result *result = result_create(model->name, model->title);
            json_t *parameters = params_json(params);
            char *error = NULL;
            int wrong = model->run(params, result, &error);
            ck_assert_msg(wrong == 0, "%s: %s", model->name, error);
            json_t *json = result_as_json(result, parameters);
            ck_assert_uint_gt(json_array_size(json_object_get(json, "assumptions")), 0);
            ck_assert_uint_gt(json_object_size(json_object_get(json, "tables")), 0);
            texts[n] = json_dumps(json, JSON_SORT_KEYS);
            json_decref(json);
            json_decref(parameters);
            result_free(result);
            params_free(params);
        }
        ck_assert_str_eq(texts[0], texts[1]);
        free(texts[0]);
        free(texts[1]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        words_are_options_parameters_and_one_name,
        help_needs_no_name,
        what_is_wrong_is_told,
        the_environment_speaks_where_the_words_are_silent,
        switches_of_the_words_go_before_the_environment,
        words_go_before_the_environment_that_before_the_file_that_before_defaults,
        wrong_values_are_told_where_they_were_said,
        every_model_has_a_table_that_holds,
        examples_of_all_models_run,
        every_model_runs_as_it_comes,
    };
    return suite_run(&(struct suite){.name = "model_asked", SUITE_TESTS(tests)});
}
