#include "regiond/region.h"

#include <jansson.h>

#include "common/residency.h"
#include "regiond/audit.h"
#include "regiond/core.h"
#include "regiond/drain.h"
#include "regiond/revocations.h"

static const char *state_of(const struct region *region, const struct copy *copy)
{
    uint64_t staleness_us;

    if (copies_is_home(region, copy))
        return region->writable ? "serving" : "disk full";
    if (copy->home_peer == region->self)
        return "fenced";
    if (copy->diverged)
        return "diverged";
    return copies_staleness(region, copy, &staleness_us) ? "following" : "unheard";
}

static json_t *copy_json(const struct region *region, const struct copy *copy)
{
    uint64_t staleness_us, age_us;
    json_t *staleness = json_null(), *age = json_null();

    if (copies_staleness(region, copy, &staleness_us))
        staleness = json_integer((json_int_t)(staleness_us / MILLISECOND_US));
    /* Rounded up: nobody is to take it for fresher than it is. */
    if (revocations_age(region, copy, &age_us))
        age = json_integer((json_int_t)((age_us + MILLISECOND_US - 1) / MILLISECOND_US));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:I, s:s}", "shard", copy->shard, "home",
                     copy->home, "role", copies_is_home(region, copy) ? "home" : "follower",
                     "epoch", (json_int_t)copy->epoch, "seq", (json_int_t)copy->visible.seq,
                     "staleness_ms", staleness, "revocations_age_ms", age, "revocations_ahead",
                     (json_int_t)revocations_count(copy->revocations), "state",
                     state_of(region, copy));
}

static json_t *copies_json(const struct region *region)
{
    json_t *copies = json_array();

    for (size_t i = 0; i < region->copy_count; i++)
        json_array_append_new(copies, copy_json(region, &region->copies[i]));
    return copies;
}

static json_t *queue_json(const struct region *region)
{
    struct drain_stats stats = drain_stats(region);

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "waiting", (json_int_t)stats.waiting,
                     "in_flight", (json_int_t)stats.in_flight, "accepted",
                     (json_int_t)stats.accepted, "applied", (json_int_t)stats.applied, "rejected",
                     (json_int_t)stats.rejected, "expired", (json_int_t)stats.expired, "oldest_ms",
                     (json_int_t)(stats.oldest_us / MILLISECOND_US));
}

static const char *service_state(const struct region *region, enum parts_service service,
                                 const struct services_report *report)
{
    if (!residency_allows(region->config, service, region->name))
        return "elsewhere";
    if (report->down)
        return "down";
    if (report->error_ppm > 0)
        return "failing";
    return report->latency_us > 0 ? "slow" : "up";
}

static json_t *services_json(const struct region *region)
{
    json_t *services = json_array();

    for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++) {
        struct services_report report =
            services_report(region->services, (enum parts_service)service);

        json_array_append_new(services,
                              json_pack("{s:s, s:s, s:I, s:I}", "name",
                                        parts_service_name((enum parts_service)service), "state",
                                        service_state(region, (enum parts_service)service, &report),
                                        "error_ppm", (json_int_t)report.error_ppm, "latency_ms",
                                        (json_int_t)(report.latency_us / MILLISECOND_US)));
    }
    return services;
}

static json_t *counters_json(const struct region *region)
{
    struct edge_stats edge = edge_stats(region->edge);
    json_t *counters = json_object();

#define X(name)                                                                                    \
    json_object_set_new(counters, #name, json_integer((json_int_t)region->counters.name));
    COUNTERS(X)
#undef X
    json_object_set_new(counters, "tokens_known", json_integer((json_int_t)edge.cache.hits));
    json_object_set_new(counters, "tokens_checked", json_integer((json_int_t)edge.cache.misses));
    json_object_set_new(counters, "tokens_refused", json_integer((json_int_t)edge.refused));
    return counters;
}

char *region_audit_heads(const struct region *region)
{
    return audit_heads_json(region);
}

char *region_status(struct region *region, struct moment at)
{
    json_t *root;
    char *text;

    region->at = at;
    root = json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "region", region->name, "writable",
                     region->writable, "copies", copies_json(region), "queue", queue_json(region),
                     "services", services_json(region), "caches", caches_json(region->caches),
                     "counters", counters_json(region));
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

bool region_revocations_age(struct region *region, struct moment at, const char *shard,
                            uint64_t *ret_us)
{
    const struct copy *copy = copies_find(region, shard);

    region->at = at;
    return copy && revocations_age(region, copy, ret_us);
}

bool region_is_revoked(const struct region *region, const char *shard, const char *user,
                       const char *session, uint64_t generation)
{
    const struct copy *copy = copies_find(region, shard);

    return copy && revocations_ahead(region, copy, user, session, generation);
}
