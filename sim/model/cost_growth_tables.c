/* Tables of the cost model: which region to add when, and how many to have. */

#include <math.h>
#include <stdlib.h>

#include "control/text.h"
#include "sim/model/cost_tables.h"

static const char *last_region(const struct cost_asked *asked, const struct cost_fleet *fleet)
{
    return asked->deployment->region[fleet->regions[fleet->count - 1].region];
}

/* ---- one more region ---- */

/* What a region changes, of a month; the rows of its table and what is said of it. */
struct change {
    double fixed, variable; /* cost more; the second for a million users */
    double wait, outages;   /* lost less, for a million users */
    double wait_ms, lost_min_per_year;
};

static double largest_home(const struct cost_fleet *fleet)
{
    double largest = 0;

    for (size_t k = 0; k < fleet->count; k++)
        largest = fmax(largest, fleet->regions[k].homes);
    return largest;
}

/* Compute is a line only once the load is more than what is there anyway: taken beyond that. */
static double beyond_floors(const struct cost_input *input, const struct cost_fleet *fleet)
{
    double users = 1e6;

    for (size_t k = 0; k < fleet->count; k++) {
        double floor = cost_floor_users(input, &fleet->regions[k]);
        if (isfinite(floor))
            users = fmax(users, floor);
    }
    return users;
}

static void measure(const struct cost_input *input, const struct cost_fleet *fleet, double users,
                    double *ret_fixed, double *ret_variable)
{
    struct cost_bill bill;

    cost_bill_make(input, fleet, users, &bill);
    *ret_fixed = 0;
    *ret_variable = 0;
    for (int item = 0; item < COST_ITEM_COUNT; item++) {
        *ret_fixed += bill.fixed[item];
        *ret_variable += bill.variable[item] / users * 1e6;
    }
}

/* Sums in another order differ in their last digits, which is no change. */
static double difference(double a, double b)
{
    return fabs(a - b) > 1e-9 * fmax(fabs(a), fabs(b)) ? a - b : 0;
}

static struct change change_of(const struct cost_input *input, const struct cost_fleet *before,
                               const struct cost_fleet *after)
{
    double users = fmax(beyond_floors(input, before), beyond_floors(input, after));
    double fixed[2], variable[2];

    measure(input, before, users, &fixed[0], &variable[0]);
    measure(input, after, users, &fixed[1], &variable[1]);
    return (struct change){
        .fixed = difference(fixed[1], fixed[0]),
        .variable = difference(variable[1], variable[0]),
        .wait = difference(before->wait_loss, after->wait_loss) * 1e6,
        .outages = difference(before->outage_loss, after->outage_loss) * 1e6,
        .wait_ms = difference(before->wait_ms, after->wait_ms),
        .lost_min_per_year = difference(before->lost_min_per_year, after->lost_min_per_year),
    };
}

static void put_users(struct result_table *table, double users)
{
    if (isfinite(users))
        result_number(table, ceil(users));
    else
        result_nothing(table);
}

static void put_step(const struct cost_asked *asked, const struct cost_growth *growth, size_t i,
                     struct result_table *table)
{
    const struct cost_step *step = &growth->steps[i];

    result_number(table, (double)(i + 1));
    result_text(table, "%s", last_region(asked, &step->fleet));
    put_users(table, step->pays_from);
    result_number(table, step->fleet.wait_ms * 1e3);
    result_number(table, step->fleet.lost_min_per_year);
    result_number(table, largest_home(&step->fleet));
    if (i == 0) {
        for (size_t column = 0; column < 4; column++)
            result_nothing(table);
        return;
    }
    struct change change = change_of(&asked->input, &growth->steps[i - 1].fleet, &step->fleet);
    result_number(table, change.fixed);
    result_number(table, change.variable);
    result_number(table, change.wait);
    result_number(table, change.outages);
}

static void put_steps(const struct cost_asked *asked, const struct cost_growth *growth,
                      struct result *result)
{
    static const struct result_column columns[] = {
        {"number", "#", RESULT_COUNT},
        {"region", "region", RESULT_TEXT},
        {"pays_from_users", "pays from users", RESULT_COUNT},
        {"round_trip_us", "round trip", RESULT_US},
        {"lost_minutes_per_year", "lost in a year", RESULT_MINUTES},
        {"largest_home", "largest home", RESULT_SHARE},
        {"added_fixed", "added, fixed", RESULT_COST},
        {"added_per_million", "added per 1M", RESULT_COST},
        {"wait_saved_per_million", "latency per 1M", RESULT_COST},
        {"outages_saved_per_million", "outages per 1M", RESULT_COST},
    };
    char *title =
        text_format("One region after the other (a month, in %s)", asked->input.prices.unit);
    struct result_table *table =
        result_table(result, "order", title, columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < growth->count; i++)
        put_step(asked, growth, i, table);
    free(title);
}

static const char *const ordinals[] = {"first", "second", "third",    "fourth",
                                       "fifth", "sixth",  "seventh",  "eighth",
                                       "ninth", "tenth",  "eleventh", "twelfth"};

static void name_step(const struct cost_asked *asked, const struct cost_growth *growth, size_t i,
                      struct text *text)
{
    const struct cost_step *step = &growth->steps[i];
    char shown[RESULT_NUMBER_SIZE];

    if (i < sizeof ordinals / sizeof ordinals[0])
        text_add(text, "The %s region", ordinals[i]);
    else
        text_add(text, "Region %zu", i + 1);
    text_add(text, ", %s, ", last_region(asked, &step->fleet));
    text_add(text, "pays from %s users on",
             result_show(RESULT_COUNT, ceil(step->pays_from), shown));
}

/* What it is worth to a million users in a month. */
static void name_worth(const struct change *change, struct text *text)
{
    char size[RESULT_NUMBER_SIZE], money[RESULT_NUMBER_SIZE];

    text_add(text, ": for a million users a round trip %s %s is worth %s a month",
             result_show(RESULT_US, fabs(change->wait_ms) * 1e3, size),
             change->wait_ms < 0 ? "longer" : "shorter",
             result_show(RESULT_COST, change->wait, money));
    if (change->outages > 0 || change->outages < 0)
        text_add(text, ", and %s %s lost in a year %s",
                 result_show(RESULT_MINUTES, fabs(change->lost_min_per_year), size),
                 change->lost_min_per_year < 0 ? "more" : "less",
                 result_show(RESULT_COST, change->outages, money));
}

static void find_step(const struct cost_asked *asked, const struct cost_growth *growth, size_t i,
                      struct result *result)
{
    struct change change =
        change_of(&asked->input, &growth->steps[i - 1].fleet, &growth->steps[i].fleet);
    char fixed[RESULT_NUMBER_SIZE], variable[RESULT_NUMBER_SIZE];
    struct text text = {0};

    name_step(asked, growth, i, &text);
    name_worth(&change, &text);
    text_add(&text, "; it costs %s, and for each million users %s %s.",
             result_show(RESULT_COST, change.fixed, fixed),
             result_show(RESULT_COST, fabs(change.variable), variable),
             change.variable < 0 ? "less than before" : "more");
    char *words = text_take(&text);
    result_find(result, "%s", words);
    free(words);
}

static void find_steps(const struct cost_asked *asked, const struct cost_growth *growth,
                       struct result *result)
{
    struct text never = {0};
    size_t count = 0;

    for (size_t i = 1; i < growth->count; i++) {
        if (isfinite(growth->steps[i].pays_from))
            find_step(asked, growth, i, result);
        else
            text_add(&never, "%s%s", count++ > 0 ? ", " : "",
                     last_region(asked, &growth->steps[i].fleet));
    }
    char *names = text_take(&never);
    if (count > 0)
        result_find(result, "For no number of users %s %s, in this order.", names,
                    count == 1 ? "pays" : "pay");
    free(names);
}

/* The mean user has one home, however many regions there are. */
static void find_isolation(const struct cost_growth *growth, struct result *result)
{
    const struct cost_fleet *second = &growth->steps[growth->count > 1 ? 1 : 0].fleet;
    const struct cost_fleet *last = &growth->steps[growth->count - 1].fleet;
    char shares[2][RESULT_NUMBER_SIZE];

    if (growth->count < 3 || difference(second->lost_min_per_year, last->lost_min_per_year) > 0)
        return;
    result_find(result,
                "Beyond the second, regions take nothing away from what outages cost the mean "
                "user, who has one home; they make fewer users share one: %s in 2 regions, %s in "
                "%zu.",
                result_show(RESULT_SHARE, largest_home(second), shares[0]),
                result_show(RESULT_SHARE, largest_home(last), shares[1]), growth->count);
}

/* ---- phases ---- */

static const char *phase_name(enum cost_phase phase)
{
    static const char *const names[] = {"early", "growth", "global"};

    return names[phase];
}

static void put_phase(const struct cost_asked *asked, const struct cost_growth *growth,
                      double users, struct result_table *table)
{
    size_t best = cost_growth_best(&asked->input, growth, users);
    struct cost_bill bill;

    cost_bill_make(&asked->input, &growth->steps[best - 1].fleet, users, &bill);
    result_number(table, users);
    result_text(table, "%s", phase_name(cost_growth_phase(best, asked->global_regions)));
    result_number(table, (double)best);
    result_number(table, bill.total);
    result_number(table, bill.wait_loss);
    result_number(table, bill.outage_loss);
    result_number(table, cost_burden(&asked->input, &growth->steps[0].fleet, users) /
                             (bill.total + bill.wait_loss + bill.outage_loss));
    if (best == growth->count) {
        result_text(table, "-");
        result_nothing(table);
        return;
    }
    result_text(table, "%s", last_region(asked, &growth->steps[best].fleet));
    put_users(table, cost_growth_worth_from(&asked->input, growth, best + 1));
}

static void put_phases(const struct cost_asked *asked, const struct cost_growth *growth,
                       struct result *result)
{
    static const struct result_column columns[] = {
        {"users", "users", RESULT_COUNT},
        {"phase", "phase", RESULT_TEXT},
        {"regions", "regions", RESULT_COUNT},
        {"total", "cost", RESULT_COST},
        {"wait_loss", "lost by latency", RESULT_COST},
        {"outage_loss", "lost by outages", RESULT_COST},
        {"one_region", "with one region", RESULT_FACTOR},
        {"next", "next region", RESULT_TEXT},
        {"next_from_users", "from users", RESULT_COUNT},
    };
    char *title =
        text_format("How many regions are best (a month, in %s)", asked->input.prices.unit);
    struct result_table *table =
        result_table(result, "phases", title, columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < asked->user_count; i++)
        put_phase(asked, growth, asked->users[i], table);
    free(title);
}

static void find_phase(const struct cost_asked *asked, const struct cost_growth *growth,
                       enum cost_phase phase, size_t regions, struct result *result)
{
    char shown[RESULT_NUMBER_SIZE];
    double from = regions <= growth->count ? cost_growth_worth_from(&asked->input, growth, regions)
                                           : INFINITY;

    if (isfinite(from))
        result_find(result, "The %s phase, %zu regions or more, begins at %s users.",
                    phase_name(phase), regions, result_show(RESULT_COUNT, ceil(from), shown));
    else if (regions <= growth->count)
        result_find(result, "The %s phase, %zu regions or more, is never worth its cost.",
                    phase_name(phase), regions);
}

void cost_tables_growth(const struct cost_asked *asked, const struct cost_growth *growth,
                        struct result *result)
{
    put_steps(asked, growth, result);
    put_phases(asked, growth, result);
    find_phase(asked, growth, COST_PHASE_GROWTH, 2, result);
    find_phase(asked, growth, COST_PHASE_GLOBAL, asked->global_regions, result);
    find_steps(asked, growth, result);
    find_isolation(growth, result);
}
