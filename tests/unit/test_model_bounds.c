/* All models, with each of their parameters at both ends of what its table takes: they find finite
 * numbers, or say what is wrong. (result_number() asserts that a number is finite.) */

#include <check.h>
#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/model.h"
#include "sim/model/quantity.h"
#include "tests/unit/suite.h"

static void set(struct params *params, const char *key, const char *text)
{
    char *error = NULL;
    size_t index;

    if (params_find(params, key, &index) == 0)
        ck_assert_msg(params_set(params, index, text, &error) == 0, "%s", error);
}

/* Few draws, of few regions, as there are many runs. */
static struct params *make(const struct model *model)
{
    struct params *params = params_create(model->specs, model->spec_count);

    set(params, "samples", "20");
    set(params, "regions", "3");
    return params;
}

/* Pages take most of the time, and under sanitizers twenty times as much. */
static void check_rendered(const struct result *result, const json_t *told, const char *what)
{
    json_t *json = result_as_json(result, told);
    char *dumped = json_dumps(json, 0);

    ck_assert_msg(dumped != NULL, "%s", what);
    free(dumped);
    json_decref(json);
    if (SUITE_STRIDE == 1) {
        char *page = result_as_html(result, told);
        ck_assert_msg(!strstr(page, "=\"nan") && !strstr(page, "=\"-nan") &&
                          !strstr(page, "=\"inf"),
                      "%s", what);
        free(page);
    }
}

static void run(const struct model *model, const struct params *params, const char *what)
{
    struct result *result = result_create(model->name, model->title);
    json_t *told = params_json(params);
    char *error = NULL;
    int wrong = model->run(params, result, &error);

    ck_assert_msg(wrong == (error ? -EINVAL : 0), "%s: %d", what, wrong);
    if (error)
        ck_assert_msg(strstr(error, ": ") != NULL, "%s %s: %s", model->name, what, error);
    else
        check_rendered(result, told, what);
    free(error);
    json_decref(told);
    result_free(result);
}

/* Runs with the parameter set to @value, if its table takes that. */
static void try(const struct model *model, size_t index, double value)
{
    struct params *params = make(model);
    enum quantity_kind kind = (enum quantity_kind)model->specs[index].kind;
    char number[QUANTITY_TEXT_SIZE];
    char what[128];
    char *error = NULL;

    snprintf(what, sizeof what, "--%s %s", model->specs[index].key,
             quantity_print(kind, value, number));
    if (params_set(params, index, number, &error) == 0)
        run(model, params, what);
    free(error);
    params_free(params);
}

START_TEST(models_stand_the_bounds_of_their_parameters)
{
    const struct model *model = model_at((size_t)_i);

    for (size_t i = 0; i < model->spec_count; i++) {
        const struct params_spec *spec = &model->specs[i];
        double most = spec->kind == PARAMS_COUNT ? QUANTITY_COUNT_MAX : DBL_MAX / 16;
        if (spec->kind > PARAMS_RATE || strcmp(spec->key, "samples") == 0)
            continue;
        try(model, i, spec->least);
        try(model, i, spec->most > 0 ? spec->most : spec->kind == PARAMS_SHARE ? 1 : most);
        try(model, i, spec->kind == PARAMS_COUNT ? 1 : 1e-300);
    }
}
END_TEST

START_TEST(models_stand_every_choice)
{
    const struct model *model = model_at((size_t)_i);

    for (size_t i = 0; i < model->spec_count; i++) {
        const struct params_spec *spec = &model->specs[i];
        for (size_t k = 0; spec->kind == PARAMS_CHOICE && spec->choices[k]; k++) {
            struct params *params = make(model);
            set(params, spec->key, spec->choices[k]);
            run(model, params, spec->choices[k]);
            params_free(params);
        }
        if (spec->kind != PARAMS_SWITCH)
            continue;
        for (size_t on = 0; on < 2; on++) {
            struct params *params = make(model);
            set(params, spec->key, on ? "true" : "false");
            run(model, params, spec->key);
            params_free(params);
        }
    }
}
END_TEST

/* A word that nothing is called: where a text is more than a label it is refused, with its place.
 */
static void check_refused(const struct model *model, struct params *params, const char *place)
{
    struct result *result = result_create(model->name, model->title);
    char *error = NULL;

    ck_assert_msg(model->run(params, result, &error) == -EINVAL, "%s %s", model->name, place);
    ck_assert_msg(strncmp(error, place, strlen(place)) == 0, "%s %s: %s", model->name, place,
                  error);
    free(error);
    result_free(result);
    params_free(params);
}

START_TEST(models_refuse_words_that_mean_nothing)
{
    const struct model *model = model_at((size_t)_i);

    for (size_t i = 0; i < model->spec_count; i++) {
        const struct params_spec *spec = &model->specs[i];
        struct params *params;
        char text[128], place[128], *error = NULL;
        if (spec->kind != PARAMS_TEXT && spec->kind != PARAMS_TREE)
            continue;
        params = params_create(model->specs, model->spec_count);
        snprintf(text, sizeof text, "# words\n%s: zzzz\n", spec->key);
        snprintf(place, sizeof place, "f.yaml:2: %s: ", spec->key);
        ck_assert_int_eq(params_read(params, "f.yaml", text, strlen(text), &error), 0);
        check_refused(model, params, place);
        params = params_create(model->specs, model->spec_count);
        ck_assert_int_eq(params_set(params, i, "zzzz", &error), 0);
        snprintf(place, sizeof place, "--%s:%s", spec->key,
                 spec->kind == PARAMS_TREE ? "1: " : " ");
        for (char *at = place; *at != ':'; at++)
            *at = *at == '_' ? '-' : *at;
        check_refused(model, params, place);
    }
}
END_TEST

int main(void)
{
    const int models = (int)model_count();
    const struct suite_loop loops[] = {
        {models_stand_the_bounds_of_their_parameters, models},
        {models_stand_every_choice, models},
        {models_refuse_words_that_mean_nothing, models},
    };
    return suite_run(&(struct suite){.name = "model_bounds", SUITE_LOOPS(loops)});
}
