/* Tables of the routing model: what regions need to have to spare. */

#include <stdlib.h>

#include "control/text.h"
#include "sim/model/routing.h"

/* A region that is away already can neither die nor take over. */
static bool is_up(const struct routing_input *input, uint32_t region)
{
    return ((input->state.down | input->state.isolated) >> region & 1u) == 0;
}

/* ---- headroom ---- */

static void put_headroom(const struct routing_input *input, uint32_t region,
                         const struct load_worst *worst, struct result_table *table)
{
    result_text(table, "%s", input->deployment->region[region]);
    result_number(table, worst->usual_per_s);
    result_number(table, worst->now_per_s);
    result_number(table, worst->worst_per_s - worst->now_per_s);
    result_number(table, worst->worst_per_s);
    result_text(table, "%s",
                worst->after == region ? "-" : input->deployment->region[worst->after]);
    if (worst->usual_per_s > 0)
        result_number(table, worst->headroom);
    else
        result_nothing(table);
}

static void find_headroom(const struct routing_input *input, const struct load_worst *most,
                          uint32_t region, struct result *result)
{
    char headroom[RESULT_NUMBER_SIZE];

    if (most->headroom > 0)
        result_find(result,
                    "Each region can stand in for any other one with %s to spare; it is "
                    "%s that needs as much, when %s dies.",
                    result_show(RESULT_SHARE, most->headroom, headroom),
                    input->deployment->region[region], input->deployment->region[most->after]);
}

static void put_all_headroom(const struct routing_input *input, struct loads *loads,
                             struct result *result)
{
    static const struct result_column columns[] = {
        {"region", "region", RESULT_TEXT},
        {"usual_per_s", "requests/s, all well", RESULT_NUMBER},
        {"now_per_s", "now", RESULT_NUMBER},
        {"more_per_s", "more at worst", RESULT_NUMBER},
        {"worst_per_s", "then", RESULT_NUMBER},
        {"after", "when this dies", RESULT_TEXT},
        {"headroom", "headroom needed", RESULT_SHARE},
    };
    static const char *const values[] = {"now_per_s", "more_per_s", NULL};
    struct result_table *table = result_table(
        result, "headroom", "What each region has to do, and what more when another one dies",
        columns, sizeof columns / sizeof columns[0]);
    struct load_worst most = {.headroom = 0};
    uint32_t of = 0;

    for (uint32_t region = 0; region < input->deployment->region_count; region++) {
        struct load_worst worst;

        loads_worst(loads, region, &worst);
        put_headroom(input, region, &worst, table);
        if (worst.headroom <= most.headroom)
            continue;
        most = worst;
        of = region;
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_BARS,
                                               .title = "Requests a second, now and at worst",
                                               .label = "region",
                                               .values = values});
    find_headroom(input, &most, of, result);
}

/* ---- cascades ---- */

static unsigned count(uint32_t regions)
{
    return (unsigned)__builtin_popcount(regions);
}

static char *chain_text(const struct routing_input *input, const struct load_cascade *cascade)
{
    struct text text = {0};

    for (size_t round = 0; round < cascade->round_count; round++) {
        const char *before = round > 0 ? ", then " : "";

        for (uint32_t region = 0; region < input->deployment->region_count; region++) {
            if ((cascade->rounds[round] >> region & 1u) == 0)
                continue;
            text_add(&text, "%s%s", before, input->deployment->region[region]);
            before = " and ";
        }
    }
    return text.size > 0 ? text_take(&text) : text_format("-");
}

static void put_cascade(const struct routing_input *input, struct loads *loads, uint32_t first,
                        unsigned *most, struct result_table *table)
{
    struct load_cascade cascade;

    loads_cascade(loads, first, &input->capacity, &cascade);
    char *chain = chain_text(input, &cascade);
    result_text(table, "%s", first == LOADS_NONE ? "-" : input->deployment->region[first]);
    result_number(table, (double)count(cascade.fallen));
    result_number(table, cascade.failing);
    result_text(table, "%s", chain);
    free(chain);
    if (count(cascade.fallen) > *most)
        *most = count(cascade.fallen);
}

static void put_cascades(const struct routing_input *input, struct loads *loads,
                         struct result *result)
{
    static const struct result_column columns[] = {
        {"killed", "killed", RESULT_TEXT},
        {"fallen", "regions down", RESULT_COUNT},
        {"failing", "requests refused", RESULT_SHARE},
        {"chain", "one after the other", RESULT_TEXT},
    };
    struct result_table *table =
        result_table(result, "cascade", "Which regions fall when one more is killed, or none",
                     columns, sizeof columns / sizeof columns[0]);
    char headroom[RESULT_NUMBER_SIZE];
    unsigned most = 0;

    put_cascade(input, loads, LOADS_NONE, &most, table);
    for (uint32_t first = 0; first < input->deployment->region_count; first++) {
        if (is_up(input, first))
            put_cascade(input, loads, first, &most, table);
    }
    result_show(RESULT_SHARE, input->capacity.headroom, headroom);
    if (most > 1)
        result_find(result,
                    "With %s to spare, the loss of one region takes up to %u others with it.",
                    headroom, most - 1);
    else
        result_find(result, "With %s to spare, no region falls for the loss of another one.",
                    headroom);
}

/* The worst of all that can be killed, at several headrooms. */
static void put_sweep(const struct routing_input *input, struct loads *loads, struct result *result)
{
    static const struct result_column columns[] = {
        {"headroom", "headroom", RESULT_SHARE},
        {"fallen", "regions down at worst", RESULT_COUNT},
        {"failing", "requests refused at worst", RESULT_SHARE},
    };
    static const char *const values[] = {"failing", NULL};
    static const double headrooms[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5};
    struct result_table *table =
        result_table(result, "headrooms", "How much to spare keeps the others up", columns,
                     sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < sizeof headrooms / sizeof headrooms[0]; i++) {
        struct load_capacity capacity = {headrooms[i], input->capacity.least_per_s};
        double failing = 0;
        unsigned fallen = 0;

        for (uint32_t first = 0; first < input->deployment->region_count; first++) {
            struct load_cascade cascade;

            if (!is_up(input, first))
                continue;
            loads_cascade(loads, first, &capacity, &cascade);
            fallen = count(cascade.fallen) > fallen ? count(cascade.fallen) : fallen;
            failing = cascade.failing > failing ? cascade.failing : failing;
        }
        result_number(table, headrooms[i]);
        result_number(table, fallen);
        result_number(table, failing);
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_LINES,
                                               .title = "Requests refused after one region's "
                                                        "death, at worst",
                                               .label = "headroom",
                                               .values = values});
}

void routing_load_tables(const struct routing_input *input, struct result *result)
{
    struct loads *loads = loads_create(input->traffic, &input->state, input->mix, input->per_s);

    put_all_headroom(input, loads, result);
    put_cascades(input, loads, result);
    put_sweep(input, loads, result);
    loads_free(loads);
}
