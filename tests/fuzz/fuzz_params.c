/* fuzz_params: a file of parameters that is taken is the same after it was printed and read again,
 * and its scenarios are drawn in finite time; one that is not says where and why. */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/latency_params.h"
#include "tests/fuzz/fuzz.h"

/* "f.yaml:LINE: " or, of what only makes no sense together, "key: " or "--option: ". */
static void check_error(char *error)
{
    assert(error);
    assert(strstr(error, ": ") != NULL);
    assert(strlen(strstr(error, ": ")) > 2);
    free(error);
}

static void check_again(const struct model *model, const struct params *params)
{
    struct params *again = params_create(model->specs, model->spec_count);
    char *text = params_print(params), *second, *error = NULL;
    json_t *before = params_json(params), *after;
    int result = params_read(again, "g.yaml", text, strlen(text), &error);

    assert(result == 0);
    after = params_json(again);
    assert(json_equal(before, after));
    second = params_print(again);
    assert(strcmp(text, second) == 0);
    free(second);
    free(text);
    json_decref(before);
    json_decref(after);
    params_free(again);
}

static void check_drawn(const struct latency_scenario *scenario)
{
    struct latency_options options = {.samples = 3, .seed = 1, .spread = 0.5, .scaled = SIZE_MAX};
    double total_us[3];
    double *stage_us = calloc(scenario->stage_count + 1, sizeof *stage_us);

    latency_draw(scenario, &options, total_us, stage_us);
    for (size_t i = 0; i < 3; i++)
        assert(isfinite(total_us[i]) && total_us[i] >= 0);
    for (size_t i = 0; i < scenario->stage_count; i++)
        assert(isfinite(stage_us[i]) && stage_us[i] >= 0);
    free(stage_us);
}

static void check_scenarios(const struct params *params)
{
    struct deployment *deployment;
    struct latency_scenario *scenarios;
    size_t count;
    char *error = NULL;

    if (deployment_create_regions(params, LATENCY_TOPOLOGY, &deployment, &error) != 0) {
        check_error(error);
        return;
    }
    if (latency_params_scenarios(params, deployment, &scenarios, &count, &error) != 0) {
        check_error(error);
    } else {
        for (size_t i = 0; i < count; i++) {
            check_drawn(&scenarios[i]);
            latency_scenario_free(&scenarios[i]);
        }
        free(scenarios);
    }
    deployment_free(deployment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    const struct model *model = model_at(fuzz_number(&bytes) % model_count());
    struct params *params = params_create(model->specs, model->spec_count);
    char *error = NULL;

    fuzz_canary(data, size);
    int result = params_read(params, "f.yaml", (const char *)bytes.data, bytes.size, &error);
    if (result == 0) {
        check_again(model, params);
        if (model == &latency_model)
            check_scenarios(params);
    } else {
        assert(result == -EINVAL);
        assert(strncmp(error, "f.yaml:", 7) == 0);
        check_error(error);
    }
    params_free(params);
    return 0;
}
