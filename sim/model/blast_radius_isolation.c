/* The table of the blast-radius model that compares how users may be divided. */

#include <math.h>

#include "sim/model/blast_radius.h"
#include "sim/model/isolation.h"

#define MINUTE_US 60e6

/* The largest share of users that one region is home to. */
static double largest_home(const struct deployment *deployment)
{
    double shares[TOPOLOGY_REGIONS_MAX];
    double largest = 0;

    deployment_homes(deployment, shares);
    for (size_t region = 0; region < deployment->region_count; region++)
        largest = fmax(largest, shares[region]);
    return largest;
}

static void put_name(const struct blast_radius_input *input, enum isolation_layout layout,
                     struct result_table *table)
{
    switch (layout) {
    case ISOLATION_POOL:
        result_text(table, "one global pool");
        break;
    case ISOLATION_REGIONS:
        result_text(table, "regions");
        break;
    case ISOLATION_CELLS:
        result_text(table, "%zu cells a region", input->cells);
        break;
    case ISOLATION_SHUFFLED:
        result_text(table, "%zu cells a region, %zu a user", input->cells, input->cells_of_user);
        break;
    }
}

static void find_isolation(const struct isolation_input *isolated, struct result *result)
{
    struct isolation regions;
    struct isolation cells;
    char of_regions[RESULT_NUMBER_SIZE];
    char of_cells[RESULT_NUMBER_SIZE];

    isolation_of(ISOLATION_REGIONS, isolated, &regions);
    isolation_of(ISOLATION_CELLS, isolated, &cells);
    result_find(result,
                "One failure hits %s of the users where regions stand alone, %s where their cells "
                "do, and all of them in one pool. A user's own minutes a year stay the same.",
                result_show(RESULT_SHARE, regions.one_fails, of_regions),
                result_show(RESULT_SHARE, cells.one_fails, of_cells));
}

void blast_radius_isolation(const struct blast_radius_input *input, struct result *result)
{
    static const struct result_column columns[] = {
        {"layout", "users are divided among", RESULT_TEXT},
        {"units", "units", RESULT_COUNT},
        {"one_fails", "hit when one fails", RESULT_SHARE},
        {"poisoned", "hit by one bad user", RESULT_SHARE},
        {"failures_per_year", "failures a year", RESULT_NUMBER},
        {"minutes_per_year", "a user's minutes", RESULT_MINUTES},
    };
    static const char *const values[] = {"one_fails", "poisoned", NULL};
    const struct isolation_input isolated = {
        .region_count = input->deployment->region_count,
        .largest = largest_home(input->deployment),
        .cells = input->cells,
        .cells_of_user = input->cells_of_user,
        .failures_per_year = input->per_year[BLAST_REGIONS],
        .mean_minutes = outage_mean_us(&input->outage) / MINUTE_US,
    };
    struct result_table *table =
        result_table(result, "isolation", "The same users, divided among units that fail alone",
                     columns, sizeof columns / sizeof columns[0]);

    for (unsigned layout = 0; layout < ISOLATION_LAYOUT_COUNT; layout++) {
        struct isolation isolation;

        isolation_of((enum isolation_layout)layout, &isolated, &isolation);
        put_name(input, (enum isolation_layout)layout, table);
        result_number(table, isolation.units);
        result_number(table, isolation.one_fails);
        result_number(table, isolation.poisoned);
        result_number(table, isolation.failures_per_year);
        result_number(table, isolation.minutes_per_year);
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_HEAT,
                                               .title = "Share of the users hit at most",
                                               .label = "layout",
                                               .values = values});
    find_isolation(&isolated, result);
    result_assume(result, "Isolation: a unit's failure takes what it is home to; each unit fails "
                          "as often as a region does; a bad user's requests kill whatever serves "
                          "that user.");
}
