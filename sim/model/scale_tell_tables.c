#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/model/scale_tell.h"

static void number_or_nothing(struct result_table *table, bool known, double number)
{
    if (known)
        result_number(table, number);
    else
        result_nothing(table);
}

static void quantiles(struct result_table *table, const struct scale_histogram *latencies)
{
    static const double wanted[] = {0.5, 0.95, 0.99};

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        number_or_nothing(table, latencies->count > 0,
                          scale_histogram_quantile(latencies, wanted[i]));
}

static uint64_t answered(const uint64_t kinds[SCALE_KIND_COUNT])
{
    return kinds[SCALE_FINE] + kinds[SCALE_SLOWER] + kinds[SCALE_STALE] + kinds[SCALE_QUEUED];
}

static void share(struct result_table *table, uint64_t part, uint64_t all)
{
    number_or_nothing(table, all > 0, (double)part / (double)all);
}

#define QUANTILES                                                                                  \
    {"p50_us", "p50", RESULT_US}, {"p95_us", "p95", RESULT_US},                                    \
    {                                                                                              \
        "p99_us", "p99", RESULT_US                                                                 \
    }

static struct result_table *new_table(struct result *result, const char *name, const char *title,
                                      const struct result_column *columns, size_t size)
{
    return result_table(result, name, title, columns, size / sizeof *columns);
}

/* ---- how requests end ---- */

static void tell_kinds(const struct scale_told *told, struct result *result)
{
    static const struct result_column columns[] = {
        {"kind", "how", RESULT_TEXT},       {"requests", "requests", RESULT_COUNT},
        {"share", "share", RESULT_SHARE},   {"reads", "reads", RESULT_COUNT},
        {"writes", "writes", RESULT_COUNT}, {"sensitive", "sensitive", RESULT_COUNT}};
    struct result_table *table =
        new_table(result, "requests", "How requests end", columns, sizeof columns);
    uint64_t kinds[SCALE_KIND_COUNT];

    scale_tally_kinds(told->tally, kinds);
    for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++) {
        result_text(table, "%s", scale_cells_kind_name((enum scale_kind)kind));
        result_number(table, (double)kinds[kind]);
        share(table, kinds[kind], scale_tally_requests(kinds));
        for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++) {
            uint64_t sum = 0;
            for (size_t time = 0; time < SCALE_TALLY_TIMES; time++)
                sum += told->tally->times[time].kinds[class][kind];
            result_number(table, (double)sum);
        }
    }
}

static void latency_row(struct result_table *table, const char *name,
                        const struct scale_histogram *latencies)
{
    bool any = latencies->count > 0;

    result_text(table, "%s", name);
    result_number(table, (double)latencies->count);
    number_or_nothing(table, any, scale_histogram_mean(latencies));
    quantiles(table, latencies);
    number_or_nothing(table, any, (double)latencies->most_us);
}

static void tell_latency(const struct scale_told *told, struct result *result)
{
    static const struct result_column columns[] = {{"what", "requests", RESULT_TEXT},
                                                   {"answers", "answers", RESULT_COUNT},
                                                   {"mean_us", "mean", RESULT_US},
                                                   QUANTILES,
                                                   {"longest_us", "longest", RESULT_US}};
    struct result_table *table =
        new_table(result, "latency", "How long answers take", columns, sizeof columns);
    struct scale_histogram *latencies = memory_alloc(sizeof *latencies);

    scale_tally_latencies(told->tally, latencies);
    latency_row(table, "all", latencies);
    for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++) {
        memset(latencies, 0, sizeof *latencies);
        for (size_t region = 0; region < told->tally->region_count; region++)
            scale_histogram_merge(latencies, &told->tally->regions[region].latencies[class]);
        latency_row(table, scale_cells_class_name((enum scale_class) class), latencies);
    }
    free(latencies);
}

/* ---- by time ---- */

static double time_s(const struct scale_told *told, size_t time)
{
    uint64_t time_us = scale_tally_time_us(told->world);
    uint64_t left_us = told->world->duration_us - time * time_us;

    return (double)(left_us < time_us ? left_us : time_us) / (double)SECOND_US;
}

static void time_name(const struct scale_told *told, size_t time, struct result_table *table)
{
    char text[SCALE_TELL_TIME_SIZE];

    result_text(table, "%s",
                scale_tell_time(told->world, time * scale_tally_time_us(told->world), text));
}

static void tell_times(const struct scale_told *told, struct result *result)
{
    static const struct result_column columns[] = {
        {"from_utc", "from (UTC)", RESULT_TEXT}, {"requests", "requests", RESULT_COUNT},
        {"per_s", "a second", RESULT_COUNT},     QUANTILES,
        {"slower", "slower", RESULT_SHARE},      {"stale", "stale", RESULT_SHARE},
        {"queued", "queued", RESULT_SHARE},      {"no_answer", "no answer", RESULT_SHARE}};
    static const char *const values[] = {"p50_us", "p95_us", "p99_us", NULL};
    struct result_table *table =
        new_table(result, "times", "By the time of day", columns, sizeof columns);

    for (size_t time = 0; time < scale_tally_time_count(told->world); time++) {
        const struct scale_tally_time *seen = &told->tally->times[time];
        uint64_t kinds[SCALE_KIND_COUNT] = {0};
        for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++)
            for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++)
                kinds[kind] += seen->kinds[class][kind];
        uint64_t requests = scale_tally_requests(kinds);
        time_name(told, time, table);
        result_number(table, (double)requests);
        result_number(table, (double)requests / time_s(told, time));
        quantiles(table, &seen->latencies);
        share(table, kinds[SCALE_SLOWER], requests);
        share(table, kinds[SCALE_STALE], requests);
        share(table, kinds[SCALE_QUEUED], requests);
        share(table, requests - answered(kinds), requests);
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_LINES,
                                               .title = "How long answers take, by the time of day",
                                               .label = "from_utc",
                                               .values = values});
}

/* ---- by region ---- */

/* From west to east: so the sun goes over the table once a day. */
struct by_longitude {
    double longitude;
    size_t region;
};

static int compare_longitude(const void *a, const void *b)
{
    const struct by_longitude *left = a;
    const struct by_longitude *right = b;

    if (left->longitude != right->longitude)
        return left->longitude < right->longitude ? -1 : 1;
    return left->region < right->region ? -1 : 1;
}

static void sort_regions(const struct scale_told *told, size_t ret_order[TOPOLOGY_REGIONS_MAX])
{
    struct by_longitude order[TOPOLOGY_REGIONS_MAX];
    size_t count = told->tally->region_count;

    for (size_t i = 0; i < count; i++)
        order[i] = (struct by_longitude){told->world->deployment->place[i].longitude, i};
    qsort(order, count, sizeof order[0], compare_longitude);
    for (size_t i = 0; i < count; i++)
        ret_order[i] = order[i].region;
}

/* Columns for the time and for each region. */
static void region_columns(const struct scale_told *told, const size_t *order,
                           enum result_unit unit, struct result_column ret_columns[],
                           const char *ret_names[TOPOLOGY_REGIONS_MAX + 1])
{
    size_t count = told->tally->region_count;

    ret_columns[0] = (struct result_column){"from_utc", "from (UTC)", RESULT_TEXT};
    for (size_t i = 0; i < count; i++) {
        ret_names[i] = told->world->deployment->region[order[i]];
        ret_columns[1 + i] = (struct result_column){ret_names[i], ret_names[i], unit};
    }
    ret_names[count] = NULL;
}

static double work_per_s(const struct scale_told *told, size_t time, size_t region)
{
    return (double)told->tally->times[time].work[region] / time_s(told, time);
}

static void tell_load(const struct scale_told *told, const size_t *order, struct result *result)
{
    struct result_column columns[1 + TOPOLOGY_REGIONS_MAX];
    const char *names[TOPOLOGY_REGIONS_MAX + 1];
    size_t count = told->tally->region_count;

    region_columns(told, order, RESULT_COUNT, columns, names);
    struct result_table *table = result_table(
        result, "load", "Requests a second that regions have to do with", columns, 1 + count);
    for (size_t time = 0; time < scale_tally_time_count(told->world); time++) {
        time_name(told, time, table);
        for (size_t i = 0; i < count; i++)
            result_number(table, work_per_s(told, time, order[i]));
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_LINES,
                                               .title = "Requests a second, by region",
                                               .label = "from_utc",
                                               .values = names});
}

/* As shares of what each can do regions can be compared, and the sun be seen. */
static void tell_busy(const struct scale_told *told, const size_t *order, struct result *result)
{
    struct result_column columns[1 + TOPOLOGY_REGIONS_MAX];
    const char *names[TOPOLOGY_REGIONS_MAX + 1];
    size_t count = told->tally->region_count;

    region_columns(told, order, RESULT_SHARE, columns, names);
    struct result_table *table =
        result_table(result, "busy", "How busy that makes them", columns, 1 + count);
    for (size_t time = 0; time < scale_tally_time_count(told->world); time++) {
        time_name(told, time, table);
        for (size_t i = 0; i < count; i++)
            result_number(table,
                          work_per_s(told, time, order[i]) / scale_capacity(told->scale, order[i]));
    }
    result_chart(table,
                 &(struct result_chart){.kind = RESULT_HEAT,
                                        .title = "How busy regions are, by time",
                                        .label = "from_utc",
                                        .values = names,
                                        .note = "Regions from west to east; times are UTC."});
}

static void region_row(const struct scale_told *told, size_t region, struct result_table *table)
{
    const struct scale_tally_region *seen = &told->tally->regions[region];
    struct scale_histogram *latencies = memory_alloc(sizeof *latencies);
    double capacity = scale_capacity(told->scale, region);
    char text[SCALE_TELL_TIME_SIZE];
    uint64_t work = 0;

    for (size_t time = 0; time < SCALE_TALLY_TIMES; time++)
        work += told->tally->times[time].work[region];
    for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++)
        scale_histogram_merge(latencies, &seen->latencies[class]);
    double per_s = (double)work / ((double)told->world->duration_us / (double)SECOND_US);

    result_text(table, "%s", told->world->deployment->region[region]);
    result_number(table, capacity);
    result_number(table, scale_workers(told->scale, region));
    result_number(table, per_s);
    result_number(table, per_s / capacity);
    result_number(table, seen->busiest);
    result_text(table, "%s",
                scale_tell_time(told->world, seen->busiest_slice * told->world->slice_us, text));
    result_number(table, (double)seen->shed);
    result_number(table, seen->queued_most);
    quantiles(table, latencies);
    free(latencies);
}

static void tell_regions(const struct scale_told *told, const size_t *order, struct result *result)
{
    static const struct result_column columns[] = {{"region", "region", RESULT_TEXT},
                                                   {"capacity_per_s", "can do/s", RESULT_COUNT},
                                                   {"workers", "workers", RESULT_COUNT},
                                                   {"per_s", "does/s", RESULT_COUNT},
                                                   {"busy", "busy", RESULT_SHARE},
                                                   {"busiest", "busiest", RESULT_SHARE},
                                                   {"busiest_utc", "at (UTC)", RESULT_TEXT},
                                                   {"turned_away", "turns away", RESULT_COUNT},
                                                   {"queued_most", "queued most", RESULT_COUNT},
                                                   QUANTILES};
    struct result_table *table =
        new_table(result, "regions", "Regions, from west to east", columns, sizeof columns);

    for (size_t i = 0; i < told->tally->region_count; i++)
        region_row(told, order[i], table);
}

/* ---- by place ---- */

static void tell_places(const struct scale_told *told, struct result *result)
{
    static const struct result_column columns[] = {
        {"place", "users at", RESULT_TEXT},     {"users", "users", RESULT_COUNT},
        {"requests", "requests", RESULT_COUNT}, QUANTILES,
        {"fine", "fine", RESULT_SHARE},         {"no_answer", "no answer", RESULT_SHARE}};
    static const char *const values[] = {"p50_us", "p95_us", NULL};
    struct result_table *table =
        new_table(result, "places", "By where users are", columns, sizeof columns);

    for (size_t geo = 0; geo < told->tally->place_count; geo++) {
        const struct deployment_geo *place = &told->world->deployment->geos[geo];
        const struct scale_tally_part *seen = &told->tally->places[geo];
        uint64_t requests = scale_tally_requests(seen->kinds);
        result_text(table, "%s", place->place.name);
        result_number(table, place->users);
        result_number(table, (double)requests);
        quantiles(table, &seen->latencies);
        share(table, seen->kinds[SCALE_FINE], requests);
        share(table, requests - answered(seen->kinds), requests);
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_LINES,
                                               .title = "How long answers take, by place",
                                               .label = "place",
                                               .values = values});
}

/* ---- by fault ---- */

static void fault_row(const struct scale_told *told, size_t index, struct result_table *table)
{
    const struct scale_fault *fault = &told->world->faults.items[index];
    const uint64_t *kinds = told->tally->faults[index].meanwhile.kinds;
    uint64_t requests = scale_tally_requests(kinds);
    char from[SCALE_TELL_TIME_SIZE], until[SCALE_TELL_TIME_SIZE];

    result_text(table, "%s", fault->text);
    result_text(table, "%s", scale_tell_time(told->world, fault->from_us, from));
    result_text(table, "%s", scale_tell_time(told->world, fault->until_us, until));
    result_number(table, (double)requests);
    for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++)
        share(table, kinds[kind], requests);
}

static void tell_faults(const struct scale_told *told, struct result *result)
{
    static const struct result_column first[] = {{"fault", "what breaks", RESULT_TEXT},
                                                 {"from_utc", "from (UTC)", RESULT_TEXT},
                                                 {"until_utc", "until", RESULT_TEXT},
                                                 {"requests", "requests meanwhile", RESULT_COUNT}};
    enum { FIRST = sizeof first / sizeof first[0] };
    struct result_column columns[FIRST + SCALE_KIND_COUNT];
    char *names[SCALE_KIND_COUNT];

    if (told->world->faults.count == 0)
        return;
    memcpy(columns, first, sizeof first);
    for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++) {
        const char *heading = scale_cells_kind_name((enum scale_kind)kind);
        names[kind] = memory_text(heading);
        for (char *at = names[kind]; *at; at++)
            *at = *at == ' ' || *at == '-' ? '_' : *at;
        columns[FIRST + kind] = (struct result_column){names[kind], heading, RESULT_SHARE};
    }
    struct result_table *table =
        new_table(result, "faults", "What faults do: all requests while each is in force", columns,
                  sizeof columns);
    for (size_t i = 0; i < told->world->faults.count; i++)
        fault_row(told, i, table);
    for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++)
        free(names[kind]);
}

static void no_answer(struct result_table *table, const struct scale_tally_part *part)
{
    uint64_t requests = scale_tally_requests(part->kinds);

    share(table, requests - answered(part->kinds), requests);
}

static void change_row(const struct scale_told *told, size_t index, struct result_table *table)
{
    static const double wanted[] = {0.5, 0.95, 0.99};
    const struct scale_tally_fault *seen = &told->tally->faults[index];
    const struct scale_tally_part *parts[] = {&seen->before, &seen->meanwhile};

    result_text(table, "%s", told->world->faults.items[index].text);
    for (size_t part = 0; part < 2; part++)
        no_answer(table, parts[part]);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        for (size_t part = 0; part < 2; part++)
            number_or_nothing(table, parts[part]->latencies.count > 0,
                              scale_histogram_quantile(&parts[part]->latencies, wanted[i]));
}

/* Each beside as much time before it, if there is any: the day is another one by then, but what
 * breaks is mostly of another size than that. */
static void tell_changes(const struct scale_told *told, struct result *result)
{
    static const struct result_column columns[] = {
        {"fault", "what breaks", RESULT_TEXT},
        {"no_answer_before", "no answer before", RESULT_SHARE},
        {"no_answer", "meanwhile", RESULT_SHARE},
        {"p50_before_us", "p50 before", RESULT_US},
        {"p50_us", "meanwhile", RESULT_US},
        {"p95_before_us", "p95 before", RESULT_US},
        {"p95_us", "meanwhile", RESULT_US},
        {"p99_before_us", "p99 before", RESULT_US},
        {"p99_us", "meanwhile", RESULT_US}};

    if (told->world->faults.count == 0)
        return;
    struct result_table *table =
        new_table(result, "changes", "What they change: all requests meanwhile, and as long before",
                  columns, sizeof columns);
    for (size_t i = 0; i < told->world->faults.count; i++)
        change_row(told, i, table);
}

void scale_tell_tables(const struct scale_told *told, struct result *result)
{
    size_t order[TOPOLOGY_REGIONS_MAX];

    sort_regions(told, order);
    tell_kinds(told, result);
    tell_latency(told, result);
    tell_faults(told, result);
    tell_changes(told, result);
    tell_times(told, result);
    tell_load(told, order, result);
    tell_busy(told, order, result);
    tell_regions(told, order, result);
    tell_places(told, result);
}
