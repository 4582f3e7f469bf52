#include "sim/model/isolation.h"

#include <assert.h>
#include <math.h>

#define MINUTES_A_YEAR (365.0 * 24 * 60)

/* How many different sets of @k out of @n there are. */
static double combinations(size_t n, size_t k)
{
    double count = 1;

    for (size_t i = 1; i <= k; i++)
        count = count * (double)(n - k + i) / (double)i;
    return count;
}

static double units_of(enum isolation_layout layout, const struct isolation_input *input)
{
    switch (layout) {
    case ISOLATION_POOL:
        return 1;
    case ISOLATION_REGIONS:
        return (double)input->region_count;
    case ISOLATION_CELLS:
    case ISOLATION_SHUFFLED:
        break;
    }
    return (double)(input->region_count * input->cells);
}

/* The users that share all of their units with one user are hit by what that one does; those that
 * have no other unit than the one that fails are hit by that. */
static void share_of(enum isolation_layout layout, const struct isolation_input *input,
                     struct isolation *isolation)
{
    double sets = combinations(input->cells, input->cells_of_user);

    switch (layout) {
    case ISOLATION_POOL:
        isolation->one_fails = isolation->poisoned = 1;
        break;
    case ISOLATION_REGIONS:
        isolation->one_fails = isolation->poisoned = input->largest;
        break;
    case ISOLATION_CELLS:
        isolation->one_fails = isolation->poisoned = input->largest / (double)input->cells;
        break;
    case ISOLATION_SHUFFLED:
        isolation->poisoned = input->largest / sets;
        isolation->one_fails = input->cells_of_user > 1 ? 0 : isolation->poisoned;
        break;
    }
}

void isolation_of(enum isolation_layout layout, const struct isolation_input *input,
                  struct isolation *ret_isolation)
{
    struct isolation isolation = {.units = units_of(layout, input)};
    double away = input->failures_per_year * input->mean_minutes / MINUTES_A_YEAR;
    double needed = layout == ISOLATION_SHUFFLED ? (double)input->cells_of_user : 1;

    assert(input->cells_of_user >= 1);
    assert(input->cells_of_user <= input->cells);
    share_of(layout, input, &isolation);
    isolation.failures_per_year = isolation.units * input->failures_per_year;
    isolation.minutes_per_year = pow(fmin(away, 1), needed) * MINUTES_A_YEAR;
    *ret_isolation = isolation;
}
