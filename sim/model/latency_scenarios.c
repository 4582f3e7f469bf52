#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/text.h"
#include "sim/model/latency_params.h"
#include "sim/model/quantity.h"

#define TIMES_MAX 1000

enum link_of { NO_LINK, CLIENT_LINK, REGION_LINK };

/* What a stage is by its name: work, and crossings of a link. */
static const struct kind {
    const char *name;
    enum link_of link;
    uint32_t crossings;
    int work;    /* enum latency_param; -1: none */
    bool loaded; /* carries the request and the response, not only handshakes */
} kinds[] = {
    {"dns", NO_LINK, 0, LATENCY_DNS_CACHED, false},
    {"tcp", CLIENT_LINK, 2, -1, false},
    {"tls1.2", CLIENT_LINK, 4, -1, false},
    {"tls1.3", CLIENT_LINK, 2, -1, false},
    {"tls-resumed", CLIENT_LINK, 0, -1, false},
    {"router", NO_LINK, 0, LATENCY_ROUTER_WORK, false},
    {"client", CLIENT_LINK, 2, -1, true},
    {"edge", NO_LINK, 0, LATENCY_EDGE_WORK, false},
    {"edge-verify", NO_LINK, 0, LATENCY_EDGE_VERIFY_WORK, false},
    {"gateway", NO_LINK, 0, LATENCY_GATEWAY_WORK, false},
    {"service", NO_LINK, 0, LATENCY_SERVICE_WORK, false},
    {"cache", NO_LINK, 0, LATENCY_CACHE_WORK, false},
    {"storage", NO_LINK, 0, LATENCY_STORAGE_WORK, false},
    {"commit", NO_LINK, 0, LATENCY_COMMIT_WORK, false},
    {"replication", REGION_LINK, 1, LATENCY_APPLY_WORK, true},
    {"cross-region", REGION_LINK, 2, -1, true},
    {"work", NO_LINK, 0, -1, false},
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

struct reading {
    const struct params *params;
    const struct deployment *deployment;
    struct latency_scenario *scenario;
    const char *client; /* the scenario's */
    uint32_t region;
    uint32_t far;
    bool has_far;
    char **ret_error;
};

static int read_chain(struct reading *reading, const struct yaml_tree *list,
                      struct latency_chain *chain);

static void free_chain(struct latency_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        struct latency_stage *stage = &chain->stages[i];
        for (size_t b = 0; b < stage->branch_count; b++)
            free_chain(&stage->branches[b]);
        free(stage->branches);
    }
    free(chain->stages);
}

void latency_scenario_free(struct latency_scenario *scenario)
{
    free_chain(&scenario->chain);
    free(scenario->about);
    free(scenario->client);
}

/* ---- values ---- */

/* @key of @map as a quantity; untouched when it is not there. */
static int read_quantity(const struct reading *reading, const struct yaml_tree *map,
                         const char *key, enum quantity_kind kind, double least, double most,
                         double *ret_value)
{
    const struct yaml_tree *value = yaml_tree_find(map, key);
    double number;

    if (!value)
        return 0;
    if (value->kind != YAML_TREE_SCALAR)
        return yaml_tree_error(value, reading->ret_error, "%s is wanted here",
                               quantity_example(kind));
    int error = quantity_parse(kind, value->text, &number);
    char from[QUANTITY_TEXT_SIZE], to[QUANTITY_TEXT_SIZE];
    char *why = NULL;
    if (error != 0)
        why = quantity_refusal(kind, value->text, error);
    else if (number < least || number > most)
        why = text_format("\"%s\" is not from %s to %s", value->text,
                          quantity_print(kind, least, from), quantity_print(kind, most, to));
    else
        *ret_value = number;
    if (why)
        error = yaml_tree_error(value, reading->ret_error, "%s", why);
    free(why);
    return error;
}

static int read_region(const struct reading *reading, const struct yaml_tree *map, const char *key,
                       uint32_t *ret_region)
{
    const struct yaml_tree *value = yaml_tree_find(map, key);

    if (!value)
        return 0;
    if (value->kind != YAML_TREE_SCALAR)
        return yaml_tree_error(value, reading->ret_error, "the name of a region is wanted here");
    if (deployment_region(reading->deployment, value->text, ret_region) == 0)
        return 0;
    const char *near =
        nearest_find(value->text, reading->deployment->region, reading->deployment->region_count);
    return yaml_tree_error(value, reading->ret_error, "there is no region \"%s\"%s%s%s",
                           value->text, near ? "; did you mean \"" : "", near ? near : "",
                           near ? "\"?" : "");
}

static int read_word(const struct reading *reading, const struct yaml_tree *map, const char *key,
                     const char **ret_word)
{
    const struct yaml_tree *value = yaml_tree_find(map, key);

    if (value && value->kind != YAML_TREE_SCALAR)
        return yaml_tree_error(value, reading->ret_error, "one value is wanted here");
    if (value)
        *ret_word = value->text;
    return 0;
}

/* ---- stages ---- */

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int unknown_stage(const struct reading *reading, const struct yaml_tree *at,
                         const char *name)
{
    const char *names[KIND_COUNT];

    for (size_t i = 0; i < KIND_COUNT; i++)
        names[i] = kinds[i].name;
    const char *near = nearest_find(name, names, KIND_COUNT);
    return yaml_tree_error(at, reading->ret_error, "there is no stage \"%s\"%s%s%s", name,
                           near ? "; did you mean \""
                                : "; for one of your own: {stage: work, "
                                  "name: ..., time: 3ms}",
                           near ? near : "", near ? "\"?" : "");
}

static int take_link(const struct reading *reading, const struct yaml_tree *at,
                     const struct kind *kind, struct latency_stage *stage)
{
    uint32_t from = reading->region;
    uint32_t to = reading->far;

    stage->crossings = kind->crossings;
    if (kind->loaded) {
        stage->out_bytes = (uint32_t)params_value(reading->params, LATENCY_REQUEST_BYTES);
        stage->back_bytes = (uint32_t)params_value(reading->params, LATENCY_RESPONSE_BYTES);
    }
    if (kind->link == CLIENT_LINK) {
        if (deployment_client_links(reading->deployment, reading->client, from, &stage->out,
                                    &stage->back) == 0)
            return 0;
        return yaml_tree_error(at, reading->ret_error,
                               "\"%s\", where clients are, is not a place "
                               "that is known",
                               reading->client);
    }
    if (kind->link == NO_LINK)
        return 0;
    if (!yaml_tree_find(at, "to") && !reading->has_far)
        return yaml_tree_error(at, reading->ret_error, "there is only one region: where to?");
    if (read_region(reading, at, "from", &from) != 0 || read_region(reading, at, "to", &to) != 0)
        return -EINVAL;
    stage->out = reading->deployment->between[from][to];
    stage->back = reading->deployment->between[to][from];
    return 0;
}

static int take_work(const struct reading *reading, const struct yaml_tree *at,
                     const struct kind *kind, struct latency_stage *stage)
{
    const struct params *params = reading->params;

    if (kind->work >= 0)
        stage->work_us = params_value(params, (size_t)kind->work);
    if (kind->work == LATENCY_DNS_CACHED) {
        stage->other_us = params_value(params, LATENCY_DNS_AUTHORITATIVE);
        stage->other = 1 - latency_dns_hits(params_value(params, LATENCY_DNS_RATE),
                                            params_value(params, LATENCY_DNS_TTL));
    }
    if (strcmp(kind->name, "work") == 0 && !yaml_tree_find(at, "time"))
        return yaml_tree_error(at, reading->ret_error, "how long does it take? `time` is missing");
    if (yaml_tree_find(at, "time"))
        stage->other = 0;
    return read_quantity(reading, at, "time", QUANTITY_DURATION, 0, 36e8, &stage->work_us);
}

static int take_branches(struct reading *reading, const struct yaml_tree *list,
                         struct latency_stage *stage)
{
    int error = 0;

    if (list->kind != YAML_TREE_LIST || list->count == 0)
        return yaml_tree_error(list, reading->ret_error,
                               "a list of branches is wanted, each a list of stages");
    stage->times = 0;
    stage->branches = memory_alloc(list->count * sizeof *stage->branches);
    for (size_t i = 0; error == 0 && i < list->count; i++)
        error = read_chain(reading, &list->children[i], &stage->branches[stage->branch_count++]);
    return error;
}

static bool has_name(const struct latency_chain *chain, const struct latency_stage *except,
                     const char *name)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct latency_stage *stage = &chain->stages[i];
        if (stage != except && strcmp(stage->name, name) == 0)
            return true;
        for (size_t b = 0; b < stage->branch_count; b++)
            if (has_name(&stage->branches[b], except, name))
                return true;
    }
    return false;
}

/* "cache", and the next one "cache-2". */
static void name_stage(const struct reading *reading, struct latency_stage *stage, const char *name)
{
    char wanted[LATENCY_NAME_SIZE - 12];

    snprintf(wanted, sizeof wanted, "%s", name);
    snprintf(stage->name, sizeof stage->name, "%s", wanted);
    for (unsigned n = 2; has_name(&reading->scenario->chain, stage, stage->name); n++)
        snprintf(stage->name, sizeof stage->name, "%s-%u", wanted, n);
}

static int take_common(const struct reading *reading, const struct yaml_tree *at,
                       struct latency_stage *stage)
{
    double times = stage->times;

    if (read_quantity(reading, at, "share", QUANTITY_SHARE, 0, 1, &stage->happens) != 0 ||
        read_quantity(reading, at, "times", QUANTITY_COUNT, 1, TIMES_MAX, &times) != 0)
        return -EINVAL;
    stage->times = (uint32_t)times;
    return 0;
}

static int read_map(struct reading *reading, const struct yaml_tree *at,
                    struct latency_stage *stage)
{
    static const char *const parallel_keys[] = {"parallel", "name", "share", NULL};
    static const char *const link_keys[] = {"stage", "name", "share", "times",
                                            "from",  "to",   "time",  NULL};
    static const char *const keys[] = {"stage", "name", "share", "times", "time", NULL};
    const struct yaml_tree *branches = yaml_tree_find(at, "parallel");
    const char *word = branches ? "parallel" : NULL;

    if (read_word(reading, at, "stage", &word) != 0)
        return -EINVAL;
    if (!word)
        return yaml_tree_error(at, reading->ret_error, "neither `stage` nor `parallel` is given");
    const struct kind *kind = branches ? NULL : find_kind(word);
    if (!branches && !kind)
        return unknown_stage(reading, yaml_tree_find(at, "stage"), word);
    const char *const *known = branches                    ? parallel_keys
                               : kind->link == REGION_LINK ? link_keys
                                                           : keys;
    if (yaml_tree_check_keys(at, known, reading->ret_error) != 0 ||
        read_word(reading, at, "name", &word) != 0)
        return -EINVAL;
    name_stage(reading, stage, word);
    if (take_common(reading, at, stage) != 0)
        return -EINVAL;
    if (branches)
        return take_branches(reading, branches, stage);
    return take_link(reading, at, kind, stage) == 0 ? take_work(reading, at, kind, stage) : -EINVAL;
}

static int read_stage(struct reading *reading, const struct yaml_tree *at,
                      struct latency_stage *stage)
{
    if (reading->scenario->stage_count == LATENCY_STAGES_MAX)
        return yaml_tree_error(at, reading->ret_error, "more than %d stages in one scenario",
                               LATENCY_STAGES_MAX);
    stage->number = reading->scenario->stage_count++;
    stage->happens = 1;
    stage->times = 1;
    if (at->kind == YAML_TREE_MAP)
        return read_map(reading, at, stage);
    if (at->kind != YAML_TREE_SCALAR)
        return yaml_tree_error(at, reading->ret_error, "a stage is wanted here");
    const struct kind *kind = find_kind(at->text);
    if (!kind)
        return unknown_stage(reading, at, at->text);
    name_stage(reading, stage, at->text);
    return take_link(reading, at, kind, stage) == 0 ? take_work(reading, at, kind, stage) : -EINVAL;
}

static int read_chain(struct reading *reading, const struct yaml_tree *list,
                      struct latency_chain *chain)
{
    int error = 0;

    if (list->kind != YAML_TREE_LIST || list->count == 0)
        return yaml_tree_error(list, reading->ret_error, "a list of stages is wanted here");
    chain->stages = memory_alloc(list->count * sizeof *chain->stages);
    for (size_t i = 0; error == 0 && i < list->count; i++)
        error = read_stage(reading, &list->children[i], &chain->stages[chain->count++]);
    return error;
}

/* ---- scenarios ---- */

static int read_scenario(struct reading *reading, const struct yaml_tree *at)
{
    static const char *const keys[] = {"about", "client", "region", "objective", "stages", NULL};
    struct latency_scenario *scenario = reading->scenario;
    const struct yaml_tree *stages = yaml_tree_find(at, "stages");
    const char *about = "";

    if (strlen(at->key) >= sizeof scenario->name)
        return yaml_tree_error(at, reading->ret_error, "the name is too long");
    strcpy(scenario->name, at->key);
    scenario->objective_us = params_value(reading->params, LATENCY_OBJECTIVE);
    scenario->objective_percentile = params_value(reading->params, LATENCY_OBJECTIVE_PERCENTILE);
    if (yaml_tree_check_keys(at, keys, reading->ret_error) != 0)
        return -EINVAL;
    if (!stages)
        return yaml_tree_error(at, reading->ret_error, "`stages` is missing");
    if (read_region(reading, at, "region", &reading->region) != 0)
        return -EINVAL;
    if (!*params_text(reading->params, LATENCY_CLIENT))
        reading->client = reading->deployment->region[reading->region];
    if (read_word(reading, at, "client", &reading->client) != 0 ||
        read_word(reading, at, "about", &about) != 0 ||
        read_quantity(reading, at, "objective", QUANTITY_DURATION, 0, 36e8,
                      &scenario->objective_us) != 0)
        return -EINVAL;
    scenario->about = memory_text(about);
    scenario->client = memory_text(reading->client);
    scenario->region = reading->region;
    scenario->far = reading->far;
    return read_chain(reading, stages, &scenario->chain);
}

/* A parameter that names a region; "" is the one with the number @otherwise. */
static int choose_region(const struct reading *reading, enum latency_param param,
                         uint32_t otherwise, uint32_t *ret_region)
{
    const char *name = params_text(reading->params, param);

    *ret_region = otherwise;
    if (!*name || deployment_region(reading->deployment, name, ret_region) == 0)
        return 0;
    return params_error(reading->params, param, reading->ret_error, "there is no region \"%s\"",
                        name);
}

/* Scenarios that have no client of their own would each complain about the common one. */
static int choose_client(const struct reading *reading, const char **ret_client)
{
    const char *name = params_text(reading->params, LATENCY_CLIENT);
    struct link_profile out, back;

    *ret_client = name;
    if (!*name || deployment_client_links(reading->deployment, name, 0, &out, &back) == 0)
        return 0;
    return params_error(reading->params, LATENCY_CLIENT, reading->ret_error,
                        "\"%s\" is neither a region nor a place that is known", name);
}

int latency_params_scenarios(const struct params *params, const struct deployment *deployment,
                             struct latency_scenario **ret_scenarios, size_t *ret_count,
                             char **ret_error)
{
    const struct yaml_tree *all = params_tree(params, LATENCY_SCENARIOS);
    struct reading common = {.params = params, .deployment = deployment, .ret_error = ret_error};
    struct latency_scenario *scenarios;
    size_t count = 0;
    int error = choose_region(&common, LATENCY_REGION, 0, &common.region);

    if (error == 0)
        error = choose_region(&common, LATENCY_FAR, common.region == 0 ? 1 : 0, &common.far);
    if (error == 0)
        error = choose_client(&common, &common.client);
    if (error != 0)
        return error;
    common.has_far = common.far < deployment->region_count;
    if (all->kind != YAML_TREE_MAP || all->count == 0)
        return yaml_tree_error(all, ret_error, "scenarios by name are wanted here");
    scenarios = memory_alloc(all->count * sizeof *scenarios);
    while (error == 0 && count < all->count) {
        struct reading reading = common;
        reading.scenario = &scenarios[count];
        error = read_scenario(&reading, &all->children[count++]);
    }
    if (error == 0) {
        *ret_scenarios = scenarios;
        *ret_count = count;
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        latency_scenario_free(&scenarios[i]);
    free(scenarios);
    return error;
}
