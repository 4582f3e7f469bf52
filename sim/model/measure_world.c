#include "sim/model/measure_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/moment.h"
#include "common/network_plan.h"
#include "common/residency.h"
#include "control/text.h"

/* A copy that hears its home says less than this. */
#define STALENESS_MS_MAX 1000

/* ---- is it the same world ---- */

char *measure_world_regions(const Mec__Config *config)
{
    struct text text = {0};

    for (size_t i = 0; i < config->n_regions; i++)
        text_add(&text, "%s%s", i ? "," : "", config->regions[i]->name);
    return text_take(&text);
}

static int differs(char **ret_error, char *what)
{
    *ret_error = text_format("the running world is not the one that is modelled: %s. Give the "
                             "topology that it was started with: --topology FILE, or --regions",
                             what);
    free(what);
    return -EINVAL;
}

static int compare_regions(const struct deployment *deployment, const Mec__Config *config,
                           char **ret_error)
{
    bool same = deployment->region_count == config->n_regions;

    for (size_t i = 0; same && i < config->n_regions; i++)
        same = strcmp(deployment->region[i], config->regions[i]->name) == 0;
    if (same)
        return 0;
    char *theirs = measure_world_regions(config);
    char *ours = measure_world_regions(deployment->config);
    char *what = text_format("its regions are %s, and not %s", theirs, ours);
    free(theirs);
    free(ours);
    return differs(ret_error, what);
}

/* Those that decide what the models tell. */
static int compare_settings(const Mec__Settings *ours, const Mec__Settings *theirs,
                            char **ret_error)
{
    const struct {
        const char *name;
        uint64_t ours, theirs;
    } rows[] = {
        {"queue_writes", ours->queue_writes ? 1 : 0, theirs->queue_writes ? 1 : 0},
        {"revocation_bound", ours->revocation_bound_us, theirs->revocation_bound_us},
        {"bookmark_wait", ours->bookmark_wait_us, theirs->bookmark_wait_us},
        {"token_lifetime", ours->token_lifetime_s, theirs->token_lifetime_s},
        {"--no-wan", ours->no_wan ? 1 : 0, theirs->no_wan ? 1 : 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].ours != rows[i].theirs)
            return differs(ret_error, text_format("its %s is another", rows[i].name));
    return 0;
}

static int compare_residency(const struct deployment *deployment, const Mec__Config *config,
                             char **ret_error)
{
    for (unsigned each = 0; each < PARTS_SERVICE_COUNT; each++) {
        enum parts_service service = (enum parts_service)each;

        for (size_t i = 0; i < deployment->region_count; i++)
            if (residency_allows(config, service, deployment->region[i]) !=
                residency_allows(deployment->config, service, deployment->region[i]))
                return differs(ret_error, text_format("the data of its %s may lie elsewhere",
                                                      parts_service_name(service)));
    }
    return 0;
}

static bool is_same_link(const struct link_profile *a, const struct link_profile *b)
{
    return a->latency_us == b->latency_us && a->jitter_us == b->jitter_us &&
           a->jitter_kind == b->jitter_kind && a->loss_ppm == b->loss_ppm &&
           a->rate_bytes_per_s == b->rate_bytes_per_s;
}

static int compare_link(const struct network_plan *plan, const struct network_ends *ends,
                        const struct geo_place *from, const struct geo_place *to,
                        const struct link_profile *ours, char **ret_error)
{
    struct link_profile theirs = network_plan_profile(plan, ends, from, to);

    if (is_same_link(ours, &theirs))
        return 0;
    return differs(ret_error, text_format("its link %s%s to %s is another",
                                          ends->way == NETWORK_BETWEEN ? "" : "of clients, ",
                                          ends->from, ends->to));
}

static int compare_links(const struct deployment *deployment, const struct network_plan *plan,
                         char **ret_error)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < deployment->region_count; i++) {
        const struct geo_place *region = &deployment->place[i];

        for (size_t j = 0; error == 0 && j < deployment->region_count; j++) {
            struct network_ends ends = {NETWORK_BETWEEN, region->name, deployment->region[j]};
            error = compare_link(plan, &ends, region, &deployment->place[j],
                                 &deployment->between[i][j], ret_error);
        }
        for (size_t g = 0; error == 0 && g < deployment->geo_count; g++) {
            const struct geo_place *geo = &deployment->geos[g].place;
            struct network_ends ends = {NETWORK_FROM_CLIENT, geo->name, region->name};
            error =
                compare_link(plan, &ends, geo, region, &deployment->from_client[g][i], ret_error);
        }
    }
    return error;
}

int measure_world_is_same(const struct deployment *deployment, const Mec__Config *config,
                          char **ret_error)
{
    struct network_plan *plan;
    int error = compare_regions(deployment, config, ret_error);

    if (error == 0)
        error = compare_settings(deployment->config->settings, config->settings, ret_error);
    if (error == 0)
        error = compare_residency(deployment, config, ret_error);
    if (error != 0)
        return error;
    if (network_plan_create(config, &plan) != 0)
        return differs(ret_error, text_format("its links cannot be read"));
    error = compare_links(deployment, plan, ret_error);
    network_plan_free(plan);
    return error;
}

/* ---- what status says ---- */

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

static const json_t *vantages(const json_t *status)
{
    return json_object_get(json_object_get(status, "router"), "vantages");
}

static bool names_service(const json_t *row, const char *service)
{
    const json_t *down = json_object_get(row, "services_down");
    const json_t *each;
    size_t i;

    json_array_foreach(down, i, each)
    {
        const char *name = json_string_value(each);
        if (!service || (name && strcmp(name, service) == 0))
            return true;
    }
    return false;
}

/* Does every vantage find @region as wanted: away, or with @service down? */
static bool noticed(const json_t *status, const char *region, const char *service)
{
    const json_t *vantage, *row;
    size_t v, r;
    size_t found = 0;

    json_array_foreach(vantages(status), v, vantage)
    {
        json_array_foreach(json_object_get(vantage, "regions"), r, row)
        {
            if (strcmp(text_of(row, "region"), region) != 0)
                continue;
            if (service ? !names_service(row, service)
                        : json_is_true(json_object_get(row, "usable")))
                return false;
            found++;
        }
    }
    return found > 0;
}

bool measure_world_noticed_region(const json_t *status, const char *region)
{
    return noticed(status, region, NULL);
}

bool measure_world_noticed_service(const json_t *status, const char *region,
                                   enum parts_service service)
{
    return noticed(status, region, parts_service_name(service));
}

/* ---- is all well ---- */

static bool processes_serve(const json_t *status, char **ret_why)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(status, "processes"), i, row)
    {
        if (strcmp(text_of(row, "state"), "serving") == 0)
            continue;
        *ret_why = text_format("%s is %s", text_of(row, "name"), text_of(row, "state"));
        return false;
    }
    return true;
}

static bool router_finds_all_well(const json_t *status, char **ret_why)
{
    const json_t *vantage, *row;
    size_t v, r;

    json_array_foreach(vantages(status), v, vantage)
    {
        json_array_foreach(json_object_get(vantage, "regions"), r, row)
        {
            if (json_is_true(json_object_get(row, "usable")) && !names_service(row, NULL))
                continue;
            *ret_why = text_format("the router does not find %s well, seen from %s",
                                   text_of(row, "region"), text_of(vantage, "geo"));
            return false;
        }
    }
    return true;
}

static bool copies_hear(const json_t *region, char **ret_why)
{
    const json_t *copy;
    size_t i;

    json_array_foreach(json_object_get(region, "copies"), i, copy)
    {
        const json_t *staleness = json_object_get(copy, "staleness_ms");
        if (json_is_number(staleness) && json_number_value(staleness) < STALENESS_MS_MAX)
            continue;
        *ret_why = text_format("%s has not heard lately from %s", text_of(region, "name"),
                               text_of(copy, "shard"));
        return false;
    }
    return true;
}

static bool region_is_well(const json_t *region, char **ret_why)
{
    const json_t *queue = json_object_get(region, "queue");

    if (!json_is_true(json_object_get(region, "answers"))) {
        *ret_why = text_format("%s does not answer", text_of(region, "name"));
        return false;
    }
    if (json_integer_value(json_object_get(queue, "waiting")) != 0 ||
        json_integer_value(json_object_get(queue, "in_flight")) != 0) {
        *ret_why = text_format("writes wait in the queue of %s", text_of(region, "name"));
        return false;
    }
    return copies_hear(region, ret_why);
}

static bool regions_are_well(const json_t *status, char **ret_why)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(status, "regions"), i,
                       row) if (!region_is_well(row, ret_why)) return false;
    return true;
}

static bool no_faults(const json_t *status, char **ret_why)
{
    if (json_array_size(json_object_get(status, "faults")) == 0)
        return true;
    *ret_why = text_format("faults are in force: see mecentral faults");
    return false;
}

bool measure_world_is_well(const json_t *status, char **ret_why)
{
    char *why = NULL;
    bool well = no_faults(status, &why) && processes_serve(status, &why) &&
                router_finds_all_well(status, &why) && regions_are_well(status, &why);

    if (ret_why && !well)
        *ret_why = why;
    else
        free(why);
    return well;
}

/* ---- counters ---- */

int measure_world_counters(const json_t *status, const char *region,
                           struct measure_counters *ret_counters)
{
    const json_t *row, *cache;
    size_t i, c;

    json_array_foreach(json_object_get(status, "regions"), i, row)
    {
        if (strcmp(text_of(row, "name"), region) != 0)
            continue;
        const json_t *counters = json_object_get(row, "counters");
        ret_counters->tokens_checked =
            (uint64_t)json_integer_value(json_object_get(counters, "tokens_checked"));
        json_array_foreach(json_object_get(row, "caches"), c, cache)
        {
            if (strcmp(text_of(cache, "name"), parts_cache_name(PARTS_REGIONAL)) != 0)
                continue;
            ret_counters->hits = (uint64_t)json_integer_value(json_object_get(cache, "hits"));
            ret_counters->misses = (uint64_t)json_integer_value(json_object_get(cache, "misses"));
            return 0;
        }
    }
    return -ENOENT;
}
