/* What the tests of models share: a deployment out of a few words. */

#ifndef MEC_MODEL_FIXTURE_H
#define MEC_MODEL_FIXTURE_H

#include <string.h>

#include "sim/model/deployment.h"
#include "tests/unit/suite.h"

/* @settings: "key=value" of DEPLOYMENT_PARAMS, up to a NULL. @topology may be NULL. */
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
    for (; *settings; settings++) {
        const char *value = strchr(*settings, '=');
        char key[64] = "";
        size_t index;

        ck_assert_ptr_nonnull(value);
        memcpy(key, *settings, (size_t)(value - *settings));
        ck_assert_int_eq(params_find(params, key, &index), 0);
        ck_assert_msg(params_set(params, index, value + 1, &error) == 0, "%s", error);
    }
    ck_assert_msg(deployment_create(params, 0, &deployment, &error) == 0, "%s", error);
    params_free(params);
    return deployment;
}

#endif
