#include "control/verify.h"

#include <stdio.h>
#include <string.h>

#include "control/supervisor.h"

static const json_t *find_copy(const json_t *answer, const char *shard)
{
    const json_t *rows = json_object_get(answer, "shards");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = json_string_value(json_object_get(row, "shard"));
        if (name && strcmp(name, shard) == 0)
            return row;
    }
    return NULL;
}

static json_t *text_or_null(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);

    return json_is_string(value) ? json_copy((json_t *)value) : json_null();
}

static const json_t *row_of(const json_t *answers, const char *region, const char *shard)
{
    char process[SUPERVISOR_NAME_SIZE];

    snprintf(process, sizeof process, "regiond/%s", region);
    return find_copy(json_object_get(answers, process), shard);
}

/* NULL: it may hold all. */
static json_t *services_outside(const struct topology *topology, const char *region)
{
    json_t *services = NULL;

    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++) {
        if (topology_may_hold(topology, (enum parts_service)i, region))
            continue;
        services = services ? services : json_array();
        json_array_append_new(services, json_string(parts_service_name((enum parts_service)i)));
    }
    return services;
}

/* Is @copy as the others are that may hold the service? *@first is the digest of the one before. */
static bool agrees(const struct topology *topology, enum parts_service service, const char *region,
                   const json_t *copy, const json_t **first)
{
    const json_t *said =
        json_object_get(json_object_get(copy, "services"), parts_service_name(service));
    const json_t *digest = json_object_get(said, "digest");
    const json_t *records = json_object_get(said, "records");

    if (!json_is_string(digest) || !json_is_integer(records))
        return false;
    if (!topology_may_hold(topology, service, region))
        return json_integer_value(records) == 0;
    if (!*first)
        *first = digest;
    return json_equal(digest, *first) != 0;
}

static bool services_agree(const json_t *answers, const char *shard,
                           const struct topology *topology)
{
    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++) {
        const json_t *first = NULL;

        for (size_t j = 0; j < topology->region_count; j++) {
            const char *region = topology->regions[j].name;

            if (!agrees(topology, (enum parts_service)i, region, row_of(answers, region, shard),
                        &first))
                return false;
        }
    }
    return true;
}

static bool is_pinned(const struct topology *topology)
{
    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++)
        if (topology->residency[i] != 0)
            return true;
    return false;
}

static json_t *compare_shard(const json_t *answers, const char *shard,
                             const struct topology *topology)
{
    bool pinned = is_pinned(topology);
    bool equal = !pinned || services_agree(answers, shard, topology);
    const json_t *first = NULL;
    json_t *copies = json_array();

    for (size_t i = 0; i < topology->region_count; i++) {
        const char *region = topology->regions[i].name;
        const json_t *row = row_of(answers, region, shard);
        json_t *copy = json_pack(
            "{s:s, s:o, s:o, s:o*}", "region", region, "position", text_or_null(row, "position"),
            "digest", text_or_null(row, "digest"), "without", services_outside(topology, region));

        json_array_append_new(copies, copy);
        if (!first)
            first = copy;
        equal = equal && json_is_string(json_object_get(copy, "digest")) &&
                json_equal(json_object_get(copy, "position"), json_object_get(first, "position")) &&
                (pinned ||
                 json_equal(json_object_get(copy, "digest"), json_object_get(first, "digest")));
    }
    return json_pack("{s:s, s:b, s:o}", "shard", shard, "equal", equal, "copies", copies);
}

json_t *verify_compare(const json_t *answers, const struct topology *topology)
{
    json_t *shards = json_array();
    bool equal = true;

    for (size_t i = 0; i < topology->region_count; i++) {
        json_t *shard = compare_shard(answers, topology->regions[i].name, topology);

        equal = equal && json_is_true(json_object_get(shard, "equal"));
        json_array_append_new(shards, shard);
    }
    return json_pack("{s:b, s:o}", "equal", equal, "shards", shards);
}
