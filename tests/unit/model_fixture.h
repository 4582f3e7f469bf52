/* What the tests of models share: a deployment out of a few words, and a model's result. */

#ifndef MEC_MODEL_FIXTURE_H
#define MEC_MODEL_FIXTURE_H

#include <string.h>

#include "sim/model/deployment.h"
#include "sim/model/model.h"
#include "tests/unit/suite.h"

/* @settings: "key=value", up to a NULL. */
static inline void model_fixture_set(struct params *params, const char *const *settings)
{
    char *error = NULL;

    for (; *settings; settings++) {
        const char *value = strchr(*settings, '=');
        char key[64] = "";
        size_t index;

        ck_assert_ptr_nonnull(value);
        memcpy(key, *settings, (size_t)(value - *settings));
        ck_assert_int_eq(params_find(params, key, &index), 0);
        ck_assert_msg(params_set(params, index, value + 1, &error) == 0, "%s", error);
    }
}

/* @settings are of DEPLOYMENT_PARAMS. @topology may be NULL. */
static inline struct deployment *model_fixture_deployment(const char *topology,
                                                          const char *const *settings)
{
    static const struct params_spec specs[] = {DEPLOYMENT_PARAMS};
    struct params *params = params_create(specs, DEPLOYMENT_PARAM_COUNT);
    struct deployment *deployment = NULL;
    char *error = NULL;

    if (topology) {
        ck_assert_int_eq(params_set(params, DEPLOYMENT_TOPOLOGY, "world.yaml", &error), 0);
        params_attach(params, DEPLOYMENT_TOPOLOGY, topology, strlen(topology));
    }
    model_fixture_set(params, settings);
    ck_assert_msg(deployment_create(params, 0, &deployment, &error) == 0, "%s", error);
    params_free(params);
    return deployment;
}

/* What @model finds, as JSON: a new reference; NULL with *@ret_error when it makes no sense. */
static inline json_t *model_fixture_run(const struct model *model, const char *topology,
                                        const char *const *settings, char **ret_error)
{
    struct params *params = params_create(model->specs, model->spec_count);
    struct result *result = result_create(model->name, model->title);
    json_t *json = NULL;
    char *error = NULL;

    if (topology) {
        ck_assert_int_eq(params_set(params, 0, "world.yaml", &error), 0);
        params_attach(params, 0, topology, strlen(topology));
    }
    model_fixture_set(params, settings);
    if (model->run(params, result, ret_error) == 0) {
        json_t *told = params_json(params);

        json = result_as_json(result, told);
        json_decref(told);
    }
    result_free(result);
    params_free(params);
    return json;
}

/* The row of a table whose @column is @text. Borrowed. */
static inline json_t *model_fixture_row(json_t *json, const char *table, const char *column,
                                        const char *text)
{
    json_t *rows = json_object_get(json_object_get(json, "tables"), table);
    json_t *row;
    size_t index;

    json_array_foreach(rows, index, row)
    {
        if (strcmp(json_string_value(json_object_get(row, column)), text) == 0)
            return row;
    }
    ck_abort_msg("there is no row %s in %s", text, table);
    return NULL;
}

static inline double model_fixture_number(json_t *row, const char *column)
{
    json_t *number = json_object_get(row, column);

    ck_assert_msg(json_is_number(number), "%s is no number", column);
    return json_number_value(number);
}

#endif
