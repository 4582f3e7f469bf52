/* Tables of the cost model: each number of users in each number of regions. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/text.h"
#include "sim/model/cost_tables.h"

#define COLUMNS_MAX 12 /* as many as a reader can compare */
#define NAME_SIZE   24

/* The columns of all sweeps: numbers of regions. */
struct columns {
    size_t regions[COLUMNS_MAX];
    size_t count;
    char keys[COLUMNS_MAX][NAME_SIZE], headings[COLUMNS_MAX][NAME_SIZE];
};

/* All of them, or the first few, and beyond that about half as many more each time. */
static struct columns choose(size_t regions)
{
    struct columns columns = {.count = 0};
    size_t number = 0;

    while (number < regions) {
        bool all = regions <= COLUMNS_MAX || number < 4;
        number += all ? 1 : (number + 1) / 2;
        number = number < regions ? number : regions;
        assert(columns.count < COLUMNS_MAX);
        snprintf(columns.keys[columns.count], NAME_SIZE, "regions_%zu", number);
        snprintf(columns.headings[columns.count], NAME_SIZE, "%zu region%s", number,
                 number == 1 ? "" : "s");
        columns.regions[columns.count++] = number;
    }
    return columns;
}

typedef double measure(const struct cost_asked *asked, const struct cost_growth *growth,
                       size_t regions, double users);

static double total(const struct cost_asked *asked, const struct cost_growth *growth,
                    size_t regions, double users)
{
    struct cost_bill bill;

    cost_bill_make(&asked->input, &growth->steps[regions - 1].fleet, users, &bill);
    return bill.total;
}

static double per_1000_users(const struct cost_asked *asked, const struct cost_growth *growth,
                             size_t regions, double users)
{
    return total(asked, growth, regions, users) / users * 1000;
}

/* Losses count; 1 is the best. */
static double burden(const struct cost_asked *asked, const struct cost_growth *growth,
                     size_t regions, double users)
{
    size_t best = cost_growth_best(&asked->input, growth, users);
    double least = cost_burden(&asked->input, &growth->steps[best - 1].fleet, users);

    return least > 0 ? cost_burden(&asked->input, &growth->steps[regions - 1].fleet, users) / least
                     : 1;
}

struct sweep {
    const char *name, *title;
    enum result_unit unit;
    measure *measure;
    const char *heat;  /* what the heat says */
    const char *lines; /* what a picture with lines says; NULL: there is none */
};

static void draw(const struct sweep *sweep, const struct columns *columns,
                 struct result_table *table)
{
    const char *values[COLUMNS_MAX + 1] = {NULL};

    for (size_t i = 0; i < columns->count; i++)
        values[i] = columns->keys[i];
    result_chart(table, &(struct result_chart){.kind = RESULT_HEAT,
                                               .title = sweep->heat,
                                               .label = "users",
                                               .values = values,
                                               .logarithmic = true});
    if (sweep->lines)
        result_chart(table, &(struct result_chart){.kind = RESULT_LINES,
                                                   .title = sweep->lines,
                                                   .label = "users",
                                                   .values = values,
                                                   .logarithmic = true});
}

static void put_sweep(const struct cost_asked *asked, const struct cost_growth *growth,
                      const struct sweep *sweep, struct result *result)
{
    struct columns columns = choose(growth->count);
    struct result_column heads[1 + COLUMNS_MAX] = {{"users", "users", RESULT_COUNT}};

    for (size_t i = 0; i < columns.count; i++)
        heads[1 + i] = (struct result_column){columns.keys[i], columns.headings[i], sweep->unit};
    struct result_table *table =
        result_table(result, sweep->name, sweep->title, heads, 1 + columns.count);
    for (size_t row = 0; row < asked->user_count; row++) {
        result_number(table, asked->users[row]);
        for (size_t i = 0; i < columns.count; i++)
            result_number(table,
                          sweep->measure(asked, growth, columns.regions[i], asked->users[row]));
    }
    draw(sweep, &columns, table);
}

void cost_tables_sweep(const struct cost_asked *asked, const struct cost_growth *growth,
                       struct result *result)
{
    const char *unit = asked->input.prices.unit;
    char *all = text_format("Cost a month by users and regions, in %s", unit);
    char *each = text_format("Cost of 1,000 users a month, in %s", unit);
    struct sweep sweeps[] = {
        {"sweep_total", all, RESULT_COST, total,
         "What so many users cost in so many regions, in the order in which they are added", NULL},
        {"sweep_per_1000_users", each, RESULT_COST, per_1000_users, "The same, of a thousand users",
         "Cost of 1,000 users, by how many there are"},
        {"sweep_burden", "Cost and losses together, against the best number of regions",
         RESULT_FACTOR, burden, "1.00x: so many regions are the best", NULL},
    };

    for (size_t i = 0; i < sizeof sweeps / sizeof sweeps[0]; i++)
        put_sweep(asked, growth, &sweeps[i], result);
    free(all);
    free(each);
}
