/* The router's state for people (JSON) and for Prometheus. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "routerd/core.h"

static json_t *milliseconds(uint64_t us)
{
    return json_real((double)us / (double)MILLISECOND_US);
}

static json_t *services_json(uint32_t services_down)
{
    json_t *names = json_array();
    for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++) {
        if ((services_down >> service & 1u) != 0)
            json_array_append_new(names,
                                  json_string(parts_service_name((enum parts_service)service)));
    }
    return names;
}

static json_t *region_json(const struct router *router, const struct vantage_region *seen,
                           struct moment at)
{
    json_t *object = json_object();
    bool usable = seen->vantage->known[seen->region].healthy;
    json_object_set_new(object, "region", json_string(core_region_name(router, seen->region)));
    json_object_set_new(object, "state", json_string(health_state_name(seen->health.state)));
    json_object_set_new(object, "usable", json_boolean(usable));
    json_object_set_new(object, "connected", json_boolean(seen->connected));
    json_object_set_new(object, "serving", json_boolean(seen->serving));
    json_object_set_new(object, "writable", json_boolean(seen->writable));
    json_object_set_new(object, "services_down", services_json(seen->services_down));
    json_object_set_new(object, "rtt_configured_ms", milliseconds(seen->round_trip_us));
    json_object_set_new(object, "rtt_measured_ms",
                        seen->measured_us == 0 ? json_null() : milliseconds(seen->measured_us));
    json_object_set_new(object, "changed_ms_ago",
                        milliseconds(at.now_us - seen->health.changed_us));
    return object;
}

static json_t *vantages_json(const struct router *router, struct moment at)
{
    json_t *list = json_array();
    for (struct vantage *each = NULL; (each = vantages_next(router->vantages, each)) != NULL;) {
        json_t *regions = json_array();
        for (uint32_t region = 0; region < router->config->n_regions; region++)
            json_array_append_new(regions, region_json(router, &each->regions[region], at));
        json_array_append_new(list, json_pack("{s:s, s:o}", "geo", each->geo, "regions", regions));
    }
    return list;
}

static json_t *requests_json(const struct router *router)
{
    const struct core_counters *counters = &router->counters;
    static const char *const groups[6] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    json_t *object = json_object();
    json_t *statuses = json_object();
    json_t *problems = json_object();
    for (size_t group = 2; group < 6; group++)
        json_object_set_new(statuses, groups[group],
                            json_integer((json_int_t)counters->by_status[group]));
    for (int problem = 1; problem < PROBLEM_COUNT; problem++) {
        if (counters->by_problem[problem] != 0)
            json_object_set_new(problems, problem_get((enum problem_id)problem)->type,
                                json_integer((json_int_t)counters->by_problem[problem]));
    }
    json_object_set_new(object, "total", json_integer((json_int_t)counters->requests));
    json_object_set_new(object, "queued", json_integer((json_int_t)counters->queued));
    json_object_set_new(object, "failovers", json_integer((json_int_t)counters->failovers));
    json_object_set_new(object, "clients_gone", json_integer((json_int_t)counters->clients_gone));
    json_object_set_new(object, "by_status", statuses);
    json_object_set_new(object, "by_problem", problems);
    return object;
}

char *router_status(const struct router *router, struct moment at)
{
    json_t *object = json_object();
    json_object_set_new(object, "ready", json_boolean(router->ready));
    json_object_set_new(object, "config_version",
                        json_integer((json_int_t)router->config->version));
    json_object_set_new(object, "vantages", vantages_json(router, at));
    json_object_set_new(object, "requests", requests_json(router));
    json_object_set_new(object, "queued_marks",
                        json_integer((json_int_t)marks_count(router->marks)));
    json_object_set_new(object, "in_flight",
                        json_integer((json_int_t)pendings_count(router->pendings)));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    assert(text != NULL);
    return text;
}

/* Metrics: each once, as a table. */

struct metric {
    const char *name;
    const char *type;
    const char *help;
    size_t offset; /* of a uint64_t in struct core_counters */
};

#define COUNTER(name_, field, help_)                                                               \
    {                                                                                              \
        "mecentral_router_" name_, "counter", help_, offsetof(struct core_counters, field)         \
    }

static const struct metric counters_table[] = {
    COUNTER("requests_total", requests, "Requests that clients have sent."),
    COUNTER("queued_total", queued, "Writes that a region has queued for a home that was away."),
    COUNTER("failovers_total", failovers, "Tries that failed and were followed by another."),
    COUNTER("clients_gone_total", clients_gone, "Clients that left before their answer."),
    COUNTER("request_duration_us_total", duration_us, "Time from request to answer, in all."),
};

static void put_head(FILE *stream, const char *name, const char *type, const char *help)
{
    fprintf(stream, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_counters(FILE *stream, const struct core_counters *counters)
{
    for (size_t index = 0; index < sizeof(counters_table) / sizeof(counters_table[0]); index++) {
        const struct metric *metric = &counters_table[index];
        const char *field = (const char *)counters + metric->offset;
        put_head(stream, metric->name, metric->type, metric->help);
        fprintf(stream, "%s %llu\n", metric->name,
                (unsigned long long)*(const uint64_t *)(const void *)field);
    }
}

static void put_answers(FILE *stream, const struct core_counters *counters)
{
    static const char name[] = "mecentral_router_answers_total";
    static const char problems[] = "mecentral_router_problems_total";
    put_head(stream, name, "counter", "Answers by group of status.");
    for (int group = 2; group < 6; group++)
        fprintf(stream, "%s{status=\"%dxx\"} %llu\n", name, group,
                (unsigned long long)counters->by_status[group]);
    put_head(stream, problems, "counter", "Answers that are problems, by type.");
    for (int problem = 1; problem < PROBLEM_COUNT; problem++)
        fprintf(stream, "%s{type=\"%s\"} %llu\n", problems,
                problem_get((enum problem_id)problem)->type,
                (unsigned long long)counters->by_problem[problem]);
}

enum link_metric { LINK_USABLE, LINK_RTT_CONFIGURED, LINK_RTT_MEASURED };

static double link_value(const struct vantage_region *seen, enum link_metric metric)
{
    switch (metric) {
    case LINK_USABLE:
        return seen->vantage->known[seen->region].healthy ? 1 : 0;
    case LINK_RTT_CONFIGURED:
        return (double)seen->round_trip_us / (double)SECOND_US;
    case LINK_RTT_MEASURED:
        return (double)seen->measured_us / (double)SECOND_US;
    }
    return 0;
}

static void put_links(FILE *stream, const struct router *router, enum link_metric metric,
                      const char *name, const char *help)
{
    put_head(stream, name, "gauge", help);
    for (struct vantage *each = NULL; (each = vantages_next(router->vantages, each)) != NULL;) {
        for (uint32_t region = 0; region < router->config->n_regions; region++)
            fprintf(stream, "%s{vantage=\"%s\",region=\"%s\"} %g\n", name, each->geo,
                    core_region_name(router, region), link_value(&each->regions[region], metric));
    }
}

static const struct cache_metric {
    const char *name;
    const char *type;
    const char *help;
    size_t offset; /* of a uint64_t in struct core_cache */
} cache_metrics[] = {
    {"mecentral_cache_hits_total", "counter", "What a region's cache knew.",
     offsetof(struct core_cache, hits)},
    {"mecentral_cache_misses_total", "counter", "What a region's cache was asked in vain.",
     offsetof(struct core_cache, misses)},
    {"mecentral_cache_entries", "gauge", "Entries in a region's cache.",
     offsetof(struct core_cache, entries)},
    {"mecentral_cache_bytes", "gauge", "Bytes in a region's cache.",
     offsetof(struct core_cache, bytes)},
};

static void put_cache_metric(FILE *stream, const struct router *router,
                             const struct cache_metric *metric)
{
    put_head(stream, metric->name, metric->type, metric->help);
    for (uint32_t region = 0; region < router->config->n_regions; region++) {
        for (unsigned cache = 0; cache < PARTS_CACHE_COUNT; cache++) {
            const struct core_cache *from = &router->regions[region].caches[cache];
            const char *field = (const char *)from + metric->offset;
            if (from->present)
                fprintf(stream, "%s{region=\"%s\",cache=\"%s\"} %llu\n", metric->name,
                        core_region_name(router, region), parts_cache_name((enum parts_cache)cache),
                        (unsigned long long)*(const uint64_t *)(const void *)field);
        }
    }
}

static void put_gauge(FILE *stream, const char *name, const char *help, size_t value)
{
    put_head(stream, name, "gauge", help);
    fprintf(stream, "%s %zu\n", name, value);
}

char *router_metrics(const struct router *router, struct moment at)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert(stream != NULL);
    (void)at;
    put_counters(stream, &router->counters);
    put_answers(stream, &router->counters);
    put_gauge(stream, "mecentral_router_in_flight", "Requests under way.",
              pendings_count(router->pendings));
    put_gauge(stream, "mecentral_router_queued_marks", "Users whose writes wait in a queue.",
              marks_count(router->marks));
    put_gauge(stream, "mecentral_router_ready", "1 when clients are served.", router->ready);
    put_links(stream, router, LINK_USABLE, "mecentral_router_region_usable",
              "1 when requests from the vantage may go to the region.");
    put_links(stream, router, LINK_RTT_CONFIGURED, "mecentral_router_rtt_configured_seconds",
              "Round trip of the emulated links, as configured.");
    put_links(stream, router, LINK_RTT_MEASURED, "mecentral_router_rtt_measured_seconds",
              "Round trip of the last probe that came back.");
    for (size_t index = 0; index < sizeof(cache_metrics) / sizeof(cache_metrics[0]); index++)
        put_cache_metric(stream, router, &cache_metrics[index]);
    fclose(stream);
    return text;
}
