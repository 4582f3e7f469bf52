/* The view of `mecentral status`: regions, copies, health from each vantage, faults. */

#include "control/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parts.h"
#include "control/table.h"
#include "control/topology.h"
#include "control/units.h"
#include "control/views_internal.h"

#define COLUMNS_MAX (TOPOLOGY_REGIONS_MAX + 1)

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static const json_t *row_named(const json_t *rows, const char *key, const char *name)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (strcmp(text_at(json_array_get(rows, i), key), name) == 0)
            return json_array_get(rows, i);
    return NULL;
}

/* "1.2s" from milliseconds, for a table: two or three figures are enough. */
static const char *brief_ms(const json_t *value, char ret_text[UNITS_TEXT_SIZE])
{
    double ms = json_number_value(value);

    if (!json_is_number(value))
        return "?";
    if (ms < 10)
        snprintf(ret_text, UNITS_TEXT_SIZE, "%.1fms", ms);
    else if (ms < 10000)
        snprintf(ret_text, UNITS_TEXT_SIZE, "%.0fms", ms);
    else
        snprintf(ret_text, UNITS_TEXT_SIZE, "%.0fs", ms / 1000);
    return ret_text;
}

static void add_process_cell(struct table *table, const json_t *answer)
{
    const char *state = text_at(answer, "process");

    if (strcmp(state, "serving") == 0 && !json_is_true(json_object_get(answer, "answers")))
        table_cell(table, TABLE_BAD, "no answer");
    else
        table_cell(table, views_state_colour(state), "%s", state);
}

static void add_queue_cell(struct table *table, const json_t *answer)
{
    const json_t *queue = json_object_get(answer, "queue");
    json_int_t waiting = json_integer_value(json_object_get(queue, "waiting"));
    char text[UNITS_TEXT_SIZE];

    if (!queue)
        table_cell(table, TABLE_FAINT, "?");
    else if (waiting == 0)
        table_cell(table, TABLE_PLAIN, "0");
    else
        table_cell(table, TABLE_WARN, "%" JSON_INTEGER_FORMAT " (oldest %s)", waiting,
                   brief_ms(json_object_get(queue, "oldest_ms"), text));
}

static void add_disk_cell(struct table *table, const json_t *answer)
{
    const json_t *writable = json_object_get(answer, "writable");

    if (!json_is_boolean(writable))
        table_cell(table, TABLE_FAINT, "?");
    else
        table_cell(table, json_is_true(writable) ? TABLE_PLAIN : TABLE_BAD, "%s",
                   json_is_true(writable) ? "writable" : "read-only");
}

static void add_lag_cell(struct table *table, const json_t *replicator)
{
    const json_t *streams = json_object_get(replicator, "streams");
    json_int_t worst = 0;
    size_t unknown = 0;

    for (size_t i = 0; i < json_array_size(streams); i++) {
        const json_t *lag = json_object_get(json_array_get(streams, i), "lag");
        unknown += !json_is_integer(lag);
        worst = json_integer_value(lag) > worst ? json_integer_value(lag) : worst;
    }
    if (!json_is_true(json_object_get(replicator, "answers")))
        table_cell(table, TABLE_FAINT, "?");
    else if (unknown != 0)
        table_cell(table, TABLE_WARN, "%zu unknown", unknown);
    else
        table_cell(table, worst == 0 ? TABLE_PLAIN : TABLE_WARN, "%" JSON_INTEGER_FORMAT, worst);
}

/* Those that are not as they should be. */
static void add_services_cell(struct table *table, const json_t *answer)
{
    const json_t *services = json_object_get(answer, "services");
    enum table_colour colour = TABLE_WARN;
    struct text text = {0};
    bool is_well = true; /* by its residency it has them not */

    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *service = json_array_get(services, i);
        const char *state = text_at(service, "state");
        if (strcmp(state, "up") == 0)
            continue;
        if (strcmp(state, "down") == 0)
            colour = TABLE_BAD;
        if (strcmp(state, "elsewhere") != 0)
            is_well = false;
        text_add(&text, "%s%s %s", text.size != 0 ? ", " : "", text_at(service, "name"), state);
    }
    if (json_array_size(services) == 0)
        table_cell(table, TABLE_FAINT, "?");
    else if (text.size == 0)
        table_cell(table, TABLE_PLAIN, "up");
    else
        table_cell(table, is_well ? TABLE_PLAIN : colour, "%s", text.data);
    free(text.data);
}

static void add_regions(struct text *text, const json_t *data, bool colours)
{
    static const char *const headings[] = {"REGION", "REGIOND", "REPLICATOR",  "SERVICES",
                                           "DISK",   ">QUEUED", ">MOST BEHIND"};
    const json_t *regions = json_object_get(data, "regions");
    struct table *table = table_create(headings, 7);

    for (size_t i = 0; i < json_array_size(regions); i++) {
        const json_t *region = json_array_get(regions, i);
        const json_t *replicator = json_array_get(json_object_get(data, "replicators"), i);
        table_cell(table, TABLE_PLAIN, "%s", text_at(region, "name"));
        add_process_cell(table, region);
        add_process_cell(table, replicator);
        add_services_cell(table, region);
        add_disk_cell(table, region);
        add_queue_cell(table, region);
        add_lag_cell(table, replicator);
    }
    table_render(table, text, "", colours);
    table_free(table);
}

static void add_copy_cell(struct table *table, const json_t *copy)
{
    const json_t *staleness = json_object_get(copy, "staleness_ms");
    json_int_t seq = json_integer_value(json_object_get(copy, "seq"));
    json_int_t epoch = json_integer_value(json_object_get(copy, "epoch"));
    const char *state = text_at(copy, "state");
    char brief[UNITS_TEXT_SIZE];

    if (!copy)
        table_cell(table, TABLE_FAINT, "?");
    else if (strcmp(text_at(copy, "role"), "home") == 0)
        table_cell(table, strcmp(state, "serving") == 0 ? TABLE_GOOD : TABLE_BAD,
                   "%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " %s", epoch, seq,
                   strcmp(state, "serving") == 0 ? "home" : state);
    else if (strcmp(state, "diverged") == 0 || strcmp(state, "fenced") == 0)
        table_cell(table, TABLE_BAD, "%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " %s", epoch,
                   seq, state);
    else if (!json_is_number(staleness))
        table_cell(table, TABLE_WARN,
                   "%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " age unknown", epoch, seq);
    else
        table_cell(table, json_number_value(staleness) > 5000 ? TABLE_WARN : TABLE_PLAIN,
                   "%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " %s", epoch, seq,
                   brief_ms(staleness, brief));
}

static size_t region_headings(const json_t *regions, const char *first,
                              const char *ret_headings[COLUMNS_MAX])
{
    size_t count = json_array_size(regions);

    ret_headings[0] = first;
    for (size_t i = 0; i < count && i + 1 < COLUMNS_MAX; i++)
        ret_headings[i + 1] = text_at(json_array_get(regions, i), "name");
    return count + 1;
}

/* Each shard's copies: epoch.seq, and how long ago it was last known to be current. */
static void add_copies(struct text *text, const json_t *data, bool colours)
{
    const json_t *regions = json_object_get(data, "regions");
    const char *headings[COLUMNS_MAX];
    size_t columns = region_headings(regions, "SHARD", headings);
    struct table *table = table_create(headings, columns);

    for (size_t i = 0; i < json_array_size(regions); i++) {
        const char *shard = text_at(json_array_get(regions, i), "name");
        table_cell(table, TABLE_PLAIN, "%s", shard);
        for (size_t j = 0; j < json_array_size(regions); j++)
            add_copy_cell(table, row_named(json_object_get(json_array_get(regions, j), "copies"),
                                           "shard", shard));
    }
    text_add(text, "\nCopies of each shard: position, and age where it follows\n");
    table_render(table, text, "", colours);
    table_free(table);
}

/* "93% of 1200, 3.4MiB" */
static void add_cache_cell(struct table *table, const json_t *cache)
{
    json_int_t hits = json_integer_value(json_object_get(cache, "hits"));
    json_int_t asked = hits + json_integer_value(json_object_get(cache, "misses"));
    json_int_t bytes = json_integer_value(json_object_get(cache, "bytes"));
    const char *state = text_at(cache, "state");
    bool on = strcmp(state, "on") == 0;

    if (!cache) {
        table_cell(table, TABLE_FAINT, "-");
        return;
    }
    table_cell(table, on ? TABLE_PLAIN : TABLE_WARN,
               "%.0f%% of %" JSON_INTEGER_FORMAT ", %.1fMiB%s%s",
               asked == 0 ? 0 : 100.0 * (double)hits / (double)asked, asked,
               (double)bytes / (1024 * 1024), on ? "" : " ", on ? "" : state);
}

static void add_caches(struct text *text, const json_t *data, bool colours)
{
    const json_t *regions = json_object_get(data, "regions");
    const char *headings[PARTS_CACHE_COUNT + 1] = {"REGION"};
    struct table *table;

    for (unsigned i = 0; i < PARTS_CACHE_COUNT; i++)
        headings[i + 1] = parts_cache_name((enum parts_cache)i);
    table = table_create(headings, PARTS_CACHE_COUNT + 1);
    for (size_t i = 0; i < json_array_size(regions); i++) {
        const json_t *region = json_array_get(regions, i);
        table_cell(table, TABLE_PLAIN, "%s", text_at(region, "name"));
        for (unsigned j = 0; j < PARTS_CACHE_COUNT; j++)
            add_cache_cell(table, row_named(json_object_get(region, "caches"), "name",
                                            parts_cache_name((enum parts_cache)j)));
    }
    text_add(text, "\nCaches: hits of those asked, and size\n");
    table_render(table, text, "", colours);
    table_free(table);
}

/* "vault down" */
static void add_lacking_cell(struct table *table, const json_t *services)
{
    struct text text = {0};

    for (size_t i = 0; i < json_array_size(services); i++)
        text_add(&text, "%s%s", i == 0 ? "" : ", ", json_string_value(json_array_get(services, i)));
    table_cell(table, TABLE_WARN, "%s down", text.data);
    free(text.data);
}

static void add_health_cell(struct table *table, const json_t *cell)
{
    const char *state = text_at(cell, "state");
    char brief[UNITS_TEXT_SIZE];

    if (!cell)
        table_cell(table, TABLE_FAINT, "?");
    else if (strcmp(state, "down") == 0)
        table_cell(table, TABLE_BAD, "down");
    else if (json_array_size(json_object_get(cell, "services_down")) > 0)
        add_lacking_cell(table, json_object_get(cell, "services_down"));
    else
        table_cell(table, strcmp(state, "up") == 0 ? TABLE_GOOD : TABLE_WARN, "%s %s", state,
                   brief_ms(json_object_get(cell, "rtt_measured_ms"), brief));
}

static void add_health(struct text *text, const json_t *data, bool colours)
{
    const json_t *regions = json_object_get(data, "regions");
    const json_t *vantages = json_object_get(json_object_get(data, "router"), "vantages");
    const char *headings[COLUMNS_MAX];

    if (json_array_size(vantages) == 0) {
        text_add(text, "\n%srouterd does not say how it sees the regions%s\n",
                 table_colour_code(TABLE_BAD, colours), colours ? "\033[0m" : "");
        return;
    }
    size_t columns = region_headings(regions, "CLIENTS AT", headings);
    struct table *table = table_create(headings, columns);
    for (size_t i = 0; i < json_array_size(vantages); i++) {
        const json_t *vantage = json_array_get(vantages, i);
        table_cell(table, TABLE_PLAIN, "%s", text_at(vantage, "geo"));
        for (size_t j = 0; j < json_array_size(regions); j++)
            add_health_cell(table, row_named(json_object_get(vantage, "regions"), "region",
                                             text_at(json_array_get(regions, j), "name")));
    }
    text_add(text, "\nHealth of each region as clients at a place see it, and round trip\n");
    table_render(table, text, "", colours);
    table_free(table);
}

static void add_head(struct text *text, const json_t *data)
{
    const json_t *world = json_object_get(data, "world");
    double factor = json_number_value(json_object_get(world, "slow_motion"));

    text_add(text, "World %s at %s, configuration v%" JSON_INTEGER_FORMAT, text_at(world, "world"),
             text_at(world, "http"), json_integer_value(json_object_get(world, "config_version")));
    if (factor != 1)
        text_add(text, ", %g times slower", factor);
    if (json_is_true(json_object_get(world, "no_wan")))
        text_add(text, ", links instant");
    if (*text_at(world, "control_http"))
        text_add(text, ", operators at %s", text_at(world, "control_http"));
    text_add(text, "\n\n");
}

/* "vault data in eu-west, eu-central alone" */
static void add_residency(struct text *text, const json_t *data)
{
    json_t *services = json_object_get(data, "residency"), *regions;
    const char *service;

    json_object_foreach(services, service, regions)
    {
        text_add(text, "%s data in ", service);
        for (size_t i = 0; i < json_array_size(regions); i++)
            text_add(text, "%s%s", i == 0 ? "" : ", ",
                     json_string_value(json_array_get(regions, i)));
        text_add(text, " alone\n");
    }
    if (services)
        text_add(text, "\n");
}

char *views_status(const json_t *data, bool colours)
{
    struct text text = {0};

    add_head(&text, data);
    add_residency(&text, data);
    add_regions(&text, data, colours);
    add_copies(&text, data, colours);
    add_caches(&text, data, colours);
    add_health(&text, data, colours);
    text_add(&text, "\n");
    views_add_faults(&text, data, colours);
    return text_take(&text);
}
