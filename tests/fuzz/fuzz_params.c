/* fuzz_params: a file of parameters that is taken is the same after it was printed and read again,
 * and when each value is an option of the command line; the model that it is for then finds finite
 * numbers. A file that is not taken says where and why. */

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/latency_params.h"
#include "sim/model/scale_tell.h"
#include "tests/fuzz/fuzz.h"

/* What takes longer is left to the models' own tests. */
#define SAMPLES_MOST 50
#define REGIONS_MOST 6
#define GEOS_MOST    8

#define SLICES_MOST 3
#define SLICE_US    60e6
#define PER_SLICE   2000.0

/* Numbers of models from here on are the large world's, which is none that `mecentral model` knows.
 */
#define LARGE_WORLD 250

static const char topology[] = "regions:\n  - name: us-east\n  - {name: berlin, place: Berlin}\n"
                               "links:\n  - {between: [us-east, berlin], rtt: 90ms, jitter: 2ms, "
                               "loss: 1%}\n";

/* "f.yaml:LINE: ". */
static bool has_line(const char *error)
{
    const char *file = "f.yaml:";
    const char *at = error + strlen(file);

    if (strncmp(error, file, strlen(file)) != 0 || !isdigit((unsigned char)*at))
        return false;
    while (isdigit((unsigned char)*at))
        at++;
    return strncmp(at, ": ", 2) == 0 && at[2] != '\0';
}

/* Of what only makes no sense together, or of a default, an error may be "key: ". */
static void check_error(char *error)
{
    assert(error);
    const char *why = strstr(error, ": ");
    assert(why && why > error && why[2] != '\0');
    assert(strncmp(error, "f.yaml", 6) != 0 || has_line(error));
    free(error);
}

/* Both are freed. */
static void check_same(json_t *a, json_t *b)
{
    assert(json_equal(a, b));
    json_decref(a);
    json_decref(b);
}

static void check_printed(const struct model *model, const struct params *params)
{
    struct params *again = params_create(model->specs, model->spec_count);
    char *text = params_print(params), *second, *error = NULL;
    int result = params_read(again, "g.yaml", text, strlen(text), &error);

    assert(result == 0);
    check_same(params_json(params), params_json(again));
    second = params_print(again);
    assert(strcmp(text, second) == 0);
    free(second);
    free(text);
    params_free(again);
}

/* JSON is YAML, but for letters of which it makes two. */
static void check_tree(struct params *params, size_t index, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    char *error = NULL;

    if (params_set(params, index, text, &error) == 0) {
        json_t *told = params_json(params);
        assert(json_equal(json_object_get(told, params_spec(params, index)->key), value));
        json_decref(told);
    } else {
        assert(strstr(text, "\\uD"));
        check_error(error);
    }
    free(text);
}

static void check_options(const struct model *model, const struct params *params)
{
    struct params *again = params_create(model->specs, model->spec_count);
    json_t *told = params_json(params);
    char *error = NULL;

    for (size_t i = 0; i < model->spec_count; i++) {
        if (model->specs[i].kind == PARAMS_TREE) {
            check_tree(again, i, json_object_get(told, model->specs[i].key));
        } else {
            int result = params_set(again, i, params_text(params, i), &error);
            assert(result == 0);
            assert(strcmp(params_text(again, i), params_text(params, i)) == 0);
        }
    }
    json_decref(told);
    params_free(again);
}

/* ---- what models make of it ---- */

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

static void check_scenarios(const struct params *params, const struct deployment *deployment)
{
    struct latency_scenario *scenarios;
    size_t count;
    char *error = NULL;

    if (latency_params_scenarios(params, deployment, &scenarios, &count, &error) != 0) {
        check_error(error);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        check_drawn(&scenarios[i]);
        latency_scenario_free(&scenarios[i]);
    }
    free(scenarios);
}

static void check_homes(const struct deployment *deployment)
{
    assert(isfinite(deployment->users) && deployment->users > 0);
    for (size_t g = 0; g < deployment->geo_count; g++) {
        double sum = 0;
        for (size_t r = 0; r < deployment->region_count; r++)
            sum += deployment->geos[g].home_share[r];
        assert(fabs(sum - 1) < 1e-9);
    }
}

/* result_number() asserts that each number is finite. */
static void check_run(const struct model *model, const struct params *params)
{
    struct result *result = result_create(model->name, model->title);
    char *error = NULL;

    if (model->run(params, result, &error) != 0) {
        check_error(error);
    } else {
        json_t *told = params_json(params);
        json_t *json = result_as_json(result, told);
        char *text = json_dumps(json, 0);
        assert(text);
        free(text);
        json_decref(json);
        json_decref(told);
    }
    result_free(result);
}

/* All models begin with a topology and regions; latency's client is where the others' users are. */
static void check_model(const struct model *model, const struct params *params)
{
    bool is_latency = model == &latency_model;
    struct deployment *deployment;
    char *error = NULL;

    int result = is_latency ? deployment_create_regions(params, 0, &deployment, &error)
                            : deployment_create(params, 0, &deployment, &error);
    if (result != 0) {
        check_error(error);
        return;
    }
    if (is_latency)
        check_scenarios(params, deployment);
    else
        check_homes(deployment);
    bool is_small = deployment->region_count <= REGIONS_MOST && deployment->geo_count <= GEOS_MOST;
    deployment_free(deployment);
    if (is_latency ? params_value(params, LATENCY_SAMPLES) <= SAMPLES_MOST : is_small)
        check_run(model, params);
}

/* ---- a large world ---- */

/* Its first slices, if few come in them. */
static int run_large(const struct params *params, struct result *result, char **ret_error)
{
    struct scale_world *world;

    if (scale_world_create(params, &world, ret_error) != 0)
        return -EINVAL;
    double users = world->deployment->users * world->requests_per_user;
    bool is_small = (double)world->slice_us >= SLICE_US &&
                    users * 2 * (double)world->slice_us / 86400e6 <= PER_SLICE &&
                    world->slice_count < 10000;
    struct scale *scale = is_small ? scale_create(world) : NULL;
    while (scale && scale_done(scale) < world->slice_count && scale_done(scale) < SLICES_MOST)
        scale_step(scale, true);
    if (scale)
        scale_tell(&(struct scale_told){world, scale, scale_tally(scale)}, result);
    scale_free(scale);
    scale_world_free(world);
    return 0;
}

static const struct model large_world = {.name = "scale",
                                         .title = "A day of a large world",
                                         .specs = scale_world_specs,
                                         .spec_count = SCALE_WORLD_PARAM_COUNT,
                                         .run = run_large};

static const struct model *pick(uint8_t number)
{
    return number >= LARGE_WORLD ? &large_world : model_at(number % model_count());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    const struct model *model = pick(fuzz_number(&bytes));
    struct params *params = params_create(model->specs, model->spec_count);
    char *error = NULL;

    fuzz_canary(data, size);
    int result = params_read(params, "f.yaml", (const char *)bytes.data, bytes.size, &error);
    if (result == 0) {
        check_printed(model, params);
        check_options(model, params);
        if (*params_text(params, 0))
            params_attach(params, 0, topology, strlen(topology));
        check_model(model, params);
    } else {
        assert(result == -EINVAL && has_line(error));
        free(error);
    }
    params_free(params);
    return 0;
}
