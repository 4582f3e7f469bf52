/* Tables of the routing model: where requests go. */

#include <stdlib.h>

#include "common/memory.h"
#include "control/text.h"
#include "routerd/policy.h"
#include "sim/model/routing.h"
#include "sim/model/routing_measure.h"

static const char *region_name(const struct routing_input *input, uint32_t region)
{
    return region == POLICY_NONE ? "-" : input->deployment->region[region];
}

/* ---- by place and operation ---- */

static void put_mean(struct result_table *table, const struct routing_row *row, double number)
{
    if (row->answered > 0)
        result_number(table, number);
    else
        result_nothing(table);
}

static void put_route(const struct routing_input *input, size_t geo, size_t operation,
                      const struct routing_row *row, struct result_table *table)
{
    uint32_t region = routing_measure_main(row);

    result_text(table, "%s", input->deployment->geos[geo].place.name);
    result_text(table, "%s", traffic_operation((enum traffic_operation)operation)->what);
    result_number(table, row->weight);
    result_text(table, "%s", region_name(input, region));
    result_number(table, region == POLICY_NONE ? 0 : row->regions[region]);
    put_mean(table, row, row->round_trip_us);
    put_mean(table, row, row->usual_us);
    for (size_t kind = TRAFFIC_SLOWER; kind < TRAFFIC_KIND_COUNT; kind++)
        result_number(table, row->kinds[kind]);
}

static void put_routes(const struct routing_input *input,
                       struct routing_row (*rows)[TRAFFIC_OPERATION_COUNT], struct result *result)
{
    static const struct result_column columns[] = {
        {"place", "place", RESULT_TEXT},           {"operation", "operation", RESULT_TEXT},
        {"share", "of all", RESULT_SHARE},         {"region", "goes to", RESULT_TEXT},
        {"region_share", "so many", RESULT_SHARE}, {"round_trip_us", "round trip", RESULT_US},
        {"usual_us", "all well", RESULT_US},       {"slower", "slower", RESULT_SHARE},
        {"stale", "stale", RESULT_SHARE},          {"queued", "queued", RESULT_SHARE},
        {"read_only", "read-only", RESULT_SHARE},  {"fails", "fails", RESULT_SHARE},
    };
    struct result_table *table =
        result_table(result, "routes", "By place and operation: the region that most go to",
                     columns, sizeof columns / sizeof columns[0]);

    for (size_t geo = 0; geo < input->deployment->geo_count; geo++) {
        for (size_t each = 0; each < TRAFFIC_OPERATION_COUNT; each++) {
            if (rows[geo][each].weight > 0)
                put_route(input, geo, each, &rows[geo][each], table);
        }
    }
}

/* ---- from place to region ---- */

static struct result_table *begin_flows(const struct routing_input *input, struct result *result,
                                        const char **values)
{
    const struct deployment *deployment = input->deployment;
    struct result_column *columns = memory_alloc((deployment->region_count + 2) * sizeof *columns);
    struct result_table *table;
    size_t count = 0;

    columns[count++] = (struct result_column){"place", "place", RESULT_TEXT};
    for (size_t region = 0; region < deployment->region_count; region++) {
        values[region] = deployment->region[region];
        columns[count++] = (struct result_column){values[region], values[region], RESULT_SHARE};
    }
    values[deployment->region_count] = "refused";
    columns[count++] = (struct result_column){"refused", "refused", RESULT_SHARE};
    table = result_table(result, "flows", "Which region answers the requests of each place",
                         columns, count);
    free(columns);
    return table;
}

static void put_flow(const struct routing_input *input, const struct deployment_geo *geo,
                     const struct routing_row *rows, struct result_table *table)
{
    double users = geo->users / input->deployment->users;
    double refused = 0;

    result_text(table, "%s", geo->place.name);
    for (size_t region = 0; region < input->deployment->region_count; region++) {
        double share = 0;

        for (size_t each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
            share += rows[each].weight * rows[each].regions[region];
        result_number(table, users > 0 ? share / users : 0);
    }
    for (size_t each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        refused += rows[each].weight *
                   (rows[each].kinds[TRAFFIC_READ_ONLY] + rows[each].kinds[TRAFFIC_FAILS]);
    result_number(table, users > 0 ? refused / users : 0);
}

static void put_flows(const struct routing_input *input,
                      struct routing_row (*rows)[TRAFFIC_OPERATION_COUNT], struct result *result)
{
    const char *values[TOPOLOGY_REGIONS_MAX + 2] = {NULL};
    struct result_table *table = begin_flows(input, result, values);

    for (size_t geo = 0; geo < input->deployment->geo_count; geo++)
        put_flow(input, &input->deployment->geos[geo], rows[geo], table);
    result_chart(table, &(struct result_chart){.kind = RESULT_HEAT,
                                               .title = "From place to region",
                                               .label = "place",
                                               .values = values,
                                               .note = "share of the place's requests"});
}

/* ---- nearest ---- */

/* Whom the map would send elsewhere. */
struct detours {
    double users;
    double saved_us; /* times users */
};

static void put_nearest(const struct routing_input *input, uint32_t index, struct detours *detours,
                        struct result_table *table)
{
    const struct deployment_geo *geo = &input->deployment->geos[index];
    struct routing_nearest nearest;
    bool any;

    routing_measure_nearest(input->traffic, &input->state, index, &nearest);
    any = nearest.by_policy != POLICY_NONE && nearest.by_map != POLICY_NONE;
    result_text(table, "%s", geo->place.name);
    result_number(table, geo->users);
    result_text(table, "%s", region_name(input, nearest.by_map));
    result_text(table, "%s", region_name(input, nearest.by_policy));
    if (!any) {
        for (size_t i = 0; i < 4; i++)
            result_nothing(table);
        return;
    }
    double saved_us = (double)nearest.map_us - (double)nearest.policy_us;
    result_number(table, nearest.distance_km);
    result_number(table, (double)nearest.map_us);
    result_number(table, (double)nearest.policy_us);
    result_number(table, saved_us);
    if (saved_us <= 0) /* the same region, or as near */
        return;
    detours->users += geo->users;
    detours->saved_us += geo->users * saved_us;
}

static void put_all_nearest(const struct routing_input *input, struct result *result)
{
    static const struct result_column columns[] = {
        {"place", "place", RESULT_TEXT},           {"users", "users", RESULT_COUNT},
        {"by_map", "nearest by map", RESULT_TEXT}, {"by_policy", "by policy", RESULT_TEXT},
        {"map_km", "km by map", RESULT_COUNT},     {"map_us", "its round trip", RESULT_US},
        {"policy_us", "by policy", RESULT_US},     {"saved_us", "saved", RESULT_US},
    };
    struct result_table *table =
        result_table(result, "nearest", "The nearest region for reads: by round trip, and by map",
                     columns, sizeof columns / sizeof columns[0]);
    struct detours detours = {.users = 0};
    char share[RESULT_NUMBER_SIZE];
    char saved[RESULT_NUMBER_SIZE];

    for (uint32_t geo = 0; geo < input->deployment->geo_count; geo++)
        put_nearest(input, geo, &detours, table);
    if (detours.users > 0)
        result_find(result,
                    "%s of the users are sent elsewhere than to the region that is nearest by the "
                    "map; it saves each of them %s a round trip.",
                    result_show(RESULT_SHARE, detours.users / input->deployment->users, share),
                    result_show(RESULT_US, detours.saved_us / detours.users, saved));
    else
        result_find(result, "For nobody a region is nearer by round trip than the one that is "
                            "nearest by the map.");
}

/* ---- all of them ---- */

static void find_fates(const struct routing_input *input,
                       struct routing_row (*rows)[TRAFFIC_OPERATION_COUNT], struct result *result)
{
    double kinds[TRAFFIC_KIND_COUNT] = {0};
    struct text text = {0};

    for (size_t geo = 0; geo < input->deployment->geo_count; geo++) {
        for (size_t each = 0; each < TRAFFIC_OPERATION_COUNT; each++) {
            for (size_t kind = 0; kind < TRAFFIC_KIND_COUNT; kind++)
                kinds[kind] += rows[geo][each].weight * rows[geo][each].kinds[kind];
        }
    }
    for (size_t kind = 0; kind < TRAFFIC_KIND_COUNT; kind++) {
        char share[RESULT_NUMBER_SIZE];

        if (kinds[kind] > 0)
            text_add(&text, "%s%s %s", text.size > 0 ? ", " : "",
                     traffic_kind_name((enum traffic_kind)kind),
                     result_show(RESULT_SHARE, kinds[kind], share));
    }
    char *fates = text_take(&text);
    result_find(result, "Of all requests: %s.", fates);
    free(fates);
}

void routing_tables(const struct routing_input *input, struct result *result)
{
    struct routing_row(*rows)[TRAFFIC_OPERATION_COUNT] =
        memory_alloc(input->deployment->geo_count * sizeof *rows);

    routing_measure(input->traffic, &input->state, input->mix, rows);
    find_fates(input, rows, result);
    put_routes(input, rows, result);
    put_flows(input, rows, result);
    put_all_nearest(input, result);
    free(rows);
}
