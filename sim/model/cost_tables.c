#include "sim/model/cost_tables.h"

#include <stdlib.h>
#include <string.h>

#include "control/text.h"

static const char *const item_keys[COST_ITEM_COUNT] = {"compute", "storage", "replication",
                                                       "egress",  "regions", "operations"};

static const struct cost_fleet *whole(const struct cost_growth *growth)
{
    return &growth->steps[growth->count - 1].fleet;
}

/* ---- what there is ---- */

static void put_work(const struct cost_asked *asked, const struct cost_fleet *fleet, double users,
                     struct result_table *table)
{
    double stored = 0, sent = 0, answered = 0;
    struct cost_bill bill;

    cost_bill_make(&asked->input, fleet, users, &bill);
    for (size_t k = 0; k < fleet->count; k++) {
        stored += fleet->regions[k].stored_bytes;
        sent += fleet->regions[k].sent_bytes_per_s;
        answered += fleet->regions[k].answered_bytes_per_s;
    }
    result_number(table, users);
    result_number(table, users * fleet->requests_per_s);
    result_number(table, users * fleet->requests_per_s * asked->input.compute.peak_factor);
    result_number(table, bill.cores);
    result_number(table, bill.cores > 0 ? bill.loaded_cores / bill.cores : 0);
    result_number(table, users * stored);
    result_number(table, users * sent * COST_MONTH_S);
    result_number(table, users * answered * COST_MONTH_S);
    result_number(table, bill.engineers);
}

static void put_all_work(const struct cost_asked *asked, const struct cost_fleet *fleet,
                         struct result *result)
{
    static const struct result_column columns[] = {
        {"users", "users", RESULT_COUNT},
        {"requests_per_s", "requests/s", RESULT_COUNT},
        {"peak_per_s", "at the peak", RESULT_COUNT},
        {"cores", "cores", RESULT_COUNT},
        {"cores_needed", "of them loaded", RESULT_SHARE},
        {"stored_bytes", "kept", RESULT_BYTES},
        {"sent_bytes", "replicated a month", RESULT_BYTES},
        {"answered_bytes", "answers a month", RESULT_BYTES},
        {"engineers", "engineers", RESULT_NUMBER},
    };
    char *title =
        text_format("What it takes in %zu region%s", fleet->count, fleet->count == 1 ? "" : "s");
    struct result_table *table =
        result_table(result, "work", title, columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < asked->user_count; i++)
        put_work(asked, fleet, asked->users[i], table);
    free(title);
}

/* ---- what that costs ---- */

static void put_bill(const struct cost_asked *asked, const struct cost_fleet *fleet, double users,
                     struct result_table *table)
{
    struct cost_bill bill;
    double fixed = 0;

    cost_bill_make(&asked->input, fleet, users, &bill);
    result_number(table, users);
    for (int item = 0; item < COST_ITEM_COUNT; item++) {
        result_number(table, bill.variable[item] + bill.fixed[item]);
        fixed += bill.fixed[item];
    }
    result_number(table, bill.total);
    result_number(table, bill.total > 0 ? fixed / bill.total : 0);
    result_number(table, bill.total / users * 1000);
}

static void put_bills(const struct cost_asked *asked, const struct cost_fleet *fleet,
                      struct result *result)
{
    static const struct result_column columns[] = {
        {"users", "users", RESULT_COUNT},
        {"compute", "compute", RESULT_COST},
        {"storage", "storage", RESULT_COST},
        {"replication", "replication", RESULT_COST},
        {"egress", "egress", RESULT_COST},
        {"regions", "regions", RESULT_COST},
        {"operations", "operations", RESULT_COST},
        {"total", "total", RESULT_COST},
        {"fixed", "fixed", RESULT_SHARE},
        {"per_1000_users", "per 1,000 users", RESULT_COST},
    };
    char *title = text_format("What that costs a month, in %s", asked->input.prices.unit);
    struct result_table *table =
        result_table(result, "bill", title, columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < asked->user_count; i++)
        put_bill(asked, fleet, asked->users[i], table);
    free(title);
}

static void put_shares(const struct cost_asked *asked, const struct cost_fleet *fleet,
                       struct result *result)
{
    struct result_column columns[1 + COST_ITEM_COUNT] = {{"users", "users", RESULT_COUNT}};
    const char *values[COST_ITEM_COUNT + 1] = {NULL};

    for (int item = 0; item < COST_ITEM_COUNT; item++) {
        values[item] = item_keys[item];
        columns[1 + item] = (struct result_column){item_keys[item], item_keys[item], RESULT_SHARE};
    }
    struct result_table *table = result_table(result, "shares", "Each part's share of the cost",
                                              columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < asked->user_count; i++) {
        struct cost_bill bill;
        cost_bill_make(&asked->input, fleet, asked->users[i], &bill);
        result_number(table, asked->users[i]);
        for (int item = 0; item < COST_ITEM_COUNT; item++)
            result_number(
                table, bill.total > 0 ? (bill.variable[item] + bill.fixed[item]) / bill.total : 0);
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_BARS,
                                               .title = "What it is spent on, by number of users",
                                               .label = "users",
                                               .values = values});
}

/* ---- each region ---- */

static void put_region(const struct cost_asked *asked, const struct cost_region *region,
                       double users, struct result_table *table)
{
    double peak = asked->input.compute.peak_factor;

    result_text(table, "%s", asked->deployment->region[region->region]);
    result_number(table, users * region->homes);
    result_number(table, users * region->requests_per_s * peak);
    result_number(table, users * region->own_cores);
    result_number(table, users * region->headroom_cores);
    result_number(table, users * region->stored_bytes);
    result_number(table, users * region->sent_bytes_per_s * COST_MONTH_S);
    result_number(table, users * region->answered_bytes_per_s * COST_MONTH_S);
}

static void put_regions(const struct cost_asked *asked, const struct cost_fleet *fleet,
                        struct result *result)
{
    static const struct result_column columns[] = {
        {"region", "region", RESULT_TEXT},
        {"homes", "home of", RESULT_COUNT},
        {"peak_per_s", "requests/s, peak", RESULT_COUNT},
        {"own_cores", "cores", RESULT_NUMBER},
        {"headroom_cores", "and headroom", RESULT_NUMBER},
        {"stored_bytes", "kept", RESULT_BYTES},
        {"sent_bytes", "replicated a month", RESULT_BYTES},
        {"answered_bytes", "answers a month", RESULT_BYTES},
    };
    double users = asked->deployment->users;
    char shown[RESULT_NUMBER_SIZE];
    char *title =
        text_format("Each region, with %s users", result_show(RESULT_COUNT, users, shown));
    struct result_table *table =
        result_table(result, "regions", title, columns, sizeof columns / sizeof columns[0]);

    for (size_t k = 0; k < fleet->count; k++)
        put_region(asked, &fleet->regions[k], users, table);
    free(title);
}

/* ---- in words ---- */

static void find_bill(const struct cost_asked *asked, const struct cost_fleet *fleet, double users,
                      struct result *result)
{
    char shown[3][RESULT_NUMBER_SIZE];
    struct cost_bill bill;
    int most = 0;

    cost_bill_make(&asked->input, fleet, users, &bill);
    if (bill.total <= 0)
        return;
    for (int item = 1; item < COST_ITEM_COUNT; item++)
        if (bill.variable[item] + bill.fixed[item] > bill.variable[most] + bill.fixed[most])
            most = item;
    result_find(
        result, "%s users in %zu region%s cost %s %s a month; the most of it, %s, is %s.",
        result_show(RESULT_COUNT, users, shown[0]), fleet->count, fleet->count == 1 ? "" : "s",
        result_show(RESULT_COST, bill.total, shown[1]), asked->input.prices.unit,
        result_show(RESULT_SHARE, (bill.variable[most] + bill.fixed[most]) / bill.total, shown[2]),
        item_keys[most]);
}

static void find_scale(const struct cost_asked *asked, const struct cost_fleet *fleet,
                       struct result *result)
{
    double few = asked->users[0], many = asked->users[asked->user_count - 1];
    char shown[4][RESULT_NUMBER_SIZE];
    struct cost_bill least, most;

    if (asked->user_count < 2)
        return;
    cost_bill_make(&asked->input, fleet, few, &least);
    cost_bill_make(&asked->input, fleet, many, &most);
    result_find(result, "A thousand users cost %s a month when there are %s, %s when there are %s.",
                result_show(RESULT_COST, least.total / few * 1000, shown[0]),
                result_show(RESULT_COUNT, few, shown[1]),
                result_show(RESULT_COST, most.total / many * 1000, shown[2]),
                result_show(RESULT_COUNT, many, shown[3]));
}

static void find_refused(const struct cost_fleet *fleet, struct result *result)
{
    char share[RESULT_NUMBER_SIZE];
    double all = fleet->requests_per_s + fleet->refused_per_s;

    if (fleet->refused_per_s > 0)
        result_find(result,
                    "%s of all requests are refused: they are for a pinned service, by users whose "
                    "home is outside of its residency. They cost nothing here, and nothing is said "
                    "of what they would be worth.",
                    result_show(RESULT_SHARE, fleet->refused_per_s / all, share));
}

void cost_tables_bill(const struct cost_asked *asked, const struct cost_growth *growth,
                      struct result *result)
{
    const struct cost_fleet *fleet = whole(growth);

    put_all_work(asked, fleet, result);
    put_bills(asked, fleet, result);
    put_shares(asked, fleet, result);
    put_regions(asked, fleet, result);
    find_bill(asked, fleet, asked->deployment->users, result);
    find_scale(asked, fleet, result);
    find_refused(fleet, result);
}
