/* When the next region pays for itself, which one it is, and how many are best: against break-even
 * points that can be worked out on paper. */

#include <math.h>

#include "sim/model/cost_growth.h"
#include "tests/unit/model_cost_fixture.h"

static struct cost_asked asked;
static struct cost_growth growth;

static void ask(const char *topology, const char *const *then)
{
    cost_params_free(&asked);
    asked = cost_fixture_ask(topology, then);
    cost_growth_make(&asked.input, asked.order, asked.users[asked.user_count - 1], &growth);
}

#define ASK(topology, ...) ask(topology, (const char *const[]){__VA_ARGS__, NULL})

static void tear_down(void)
{
    cost_params_free(&asked);
}

/* Nothing costs anything but regions, 4,096 each, and nothing is lost. */
#define ONLY_REGIONS                                                                               \
    "region_price=4096", "core_price=0", "storage_price=0", "egress_price=0", "between_price=0",   \
        "engineer_price=0", "user_revenue=0", "value_of_ms=0", "value_of_minutes=0",               \
        "outages_per_year=0", "outage_sigma=0", "instances_min=0", "instances_spare=0"

static const char *name(size_t step)
{
    const struct cost_fleet *fleet = &growth.steps[step].fleet;

    return asked.deployment->region[fleet->regions[fleet->count - 1].region];
}

static double saved(double users)
{
    return cost_burden(&asked.input, &growth.steps[0].fleet, users) -
           cost_burden(&asked.input, &growth.steps[1].fleet, users);
}

/* ---- break-even ---- */

START_TEST(a_region_pays_when_the_latency_that_it_saves_is_worth_its_price)
{
    /* Half of the users save 71 ms: 35.5 for the mean one, at 1% of 100 a month for each 100 ms. */
    ASK(NULL, "regions=2", ONLY_REGIONS, "user_revenue=100", "revenue_per_100ms=1%",
        "round_trips=1");
    ck_assert_double_eq(growth.steps[0].pays_from, 0);
    ck_assert_double_eq_tol(growth.steps[1].pays_from, 4096 / (35.5 * 100 * 0.01 / 100), 1e-6);
    ck_assert_double_lt(saved(growth.steps[1].pays_from - 1), 0);
    ck_assert_double_gt(saved(growth.steps[1].pays_from + 1), 0);
}
END_TEST

START_TEST(a_region_pays_when_the_outages_that_it_takes_away_are)
{
    /* 12 outages a year, of 64 minutes each, of which 4 are without a home: 60 a month less. */
    ASK(NULL, "regions=2", ONLY_REGIONS, "outages_per_year=12", "outage_median=64m",
        "promote_after=4m", "value_of_minutes=1M");
    ck_assert_double_eq_tol(growth.steps[1].pays_from, 4096.0 / 64, 1e-9);
}
END_TEST

START_TEST(what_it_adds_for_each_user_is_counted_against_it)
{
    /* As above, 64 a month for each user, less the storage of a second copy: 32. */
    ASK(NULL, "regions=2", ONLY_REGIONS, "outages_per_year=12", "outage_median=64m",
        "promote_after=4m", "value_of_minutes=1M", "metadata_bytes=1GB", "storage_price=32");
    ck_assert_double_eq_tol(growth.steps[1].pays_from, 4096.0 / 32, 1e-9);
    /* More than it saves. */
    ASK(NULL, "regions=2", ONLY_REGIONS, "outages_per_year=12", "outage_median=64m",
        "promote_after=4m", "value_of_minutes=1M", "metadata_bytes=1GB", "storage_price=65");
    ck_assert(isinf(growth.steps[1].pays_from));
    /* Nothing to save at all, and exactly as much as it costs. */
    ASK(NULL, "regions=2", ONLY_REGIONS);
    ck_assert(isinf(growth.steps[1].pays_from));
    ASK(NULL, "regions=2", ONLY_REGIONS, "outages_per_year=12", "outage_median=64m",
        "promote_after=4m", "value_of_minutes=1M", "metadata_bytes=1GB", "storage_price=64");
    ck_assert(isinf(growth.steps[1].pays_from));
}
END_TEST

START_TEST(what_costs_nothing_pays_from_the_first_user_on)
{
    ASK(NULL, "regions=2", ONLY_REGIONS, "region_price=0", "user_revenue=100");
    ck_assert_double_eq(growth.steps[1].pays_from, 0);
}
END_TEST

/* 3 services of 2 cores in each region, each core at 16; half a core for each user. Two regions
 * cost 96 more for few users, and from 24 users on no more than one, for which all of that is load.
 * In between they cost 96 - 16 * (u / 2 - 6) more. */
#define INSTANCES                                                                                  \
    "instances_min=1", "instances_spare=0", "instance_cores=2", "core_price=16", "region_price=0"

START_TEST(instances_that_are_there_anyway_bend_the_line)
{
    /* 4 a month for each user: 4 u = 96 - 8 u + 96 lies between the bends, at 12 and at 24 users.
     */
    ASK(NULL, "regions=2", ONLY_REGIONS, INSTANCES, "outages_per_year=12", "outage_median=4m",
        "promote_after=0", "value_of_minutes=1M");
    ck_assert_double_eq_tol(growth.steps[1].pays_from, 16, 1e-9);
    ck_assert_double_lt(saved(15.9), 0);
    ck_assert_double_gt(saved(16.1), 0);
    /* 16 for each: before the first bend, where both have what they need: 16 u = 96. */
    ASK(NULL, "regions=2", ONLY_REGIONS, INSTANCES, "outages_per_year=12", "outage_median=16m",
        "promote_after=0", "value_of_minutes=1M");
    ck_assert_double_eq_tol(growth.steps[1].pays_from, 6, 1e-9);
    /* Behind the last one: 4 u = 96 + 24. */
    ASK(NULL, "regions=2", ONLY_REGIONS, INSTANCES, "outages_per_year=12", "outage_median=4m",
        "promote_after=0", "value_of_minutes=1M", "region_price=120");
    ck_assert_double_eq_tol(growth.steps[1].pays_from, 30, 1e-9);
}
END_TEST

/* ---- order ---- */

START_TEST(regions_are_added_where_the_users_are)
{
    ASK(NULL, "regions=us-east,eu-west,ap-northeast,au-east", ONLY_REGIONS, "user_revenue=100",
        "users={au-east: 600, ap-northeast: 300, eu-west: 80, us-east: 20}");
    ck_assert_str_eq(name(0), "au-east");
    ck_assert_str_eq(name(1), "ap-northeast");
    ck_assert_str_eq(name(2), "eu-west");
    ck_assert_str_eq(name(3), "us-east");
    for (size_t i = 1; i < 4; i++)
        ck_assert_double_gt(growth.steps[i].pays_from, growth.steps[i - 1].pays_from);
}
END_TEST

START_TEST(the_next_is_the_one_that_pays_first)
{
    const size_t all = 5;

    ASK(NULL, "user_revenue=1", "roaming=2%", "failover=on");
    for (size_t step = 1; step < all; step++) {
        uint32_t regions[5];
        for (size_t i = 0; i < step; i++)
            regions[i] = growth.steps[step].fleet.regions[i].region;
        for (size_t other = step; other < all; other++) {
            struct cost_fleet fleet;
            regions[step] = growth.steps[all - 1].fleet.regions[other].region;
            cost_fleet_make(&asked.input, regions, step + 1, &fleet);
            ck_assert_double_le(
                growth.steps[step].pays_from,
                cost_growth_pays_from(&asked.input, &growth.steps[step - 1].fleet, &fleet));
        }
    }
}
END_TEST

START_TEST(those_that_never_pay_follow_by_burden_and_equals_as_given)
{
    ASK(NULL, "regions=us-west,us-east,eu-west", ONLY_REGIONS);
    ck_assert_str_eq(name(0), "us-west");
    ck_assert_str_eq(name(1), "us-east");
    ck_assert_str_eq(name(2), "eu-west");
    /* Bytes to clients cost more than anything saves: least where Virginia's are. */
    ASK(NULL, "regions=sa-east,ap-south,us-east", ONLY_REGIONS, "prices=aws",
        "egress_price=listed");
    ck_assert_str_eq(name(0), "us-east");
}
END_TEST

START_TEST(the_given_order_stays)
{
    ASK(NULL, "regions=us-east,eu-west,au-east", "order=given", "user_revenue=1",
        "users={au-east: 900, us-east: 1}");
    ck_assert_str_eq(name(0), "us-east");
    ck_assert_str_eq(name(1), "eu-west");
    ck_assert_str_eq(name(2), "au-east");
    ck_assert_double_gt(growth.steps[1].pays_from, growth.steps[2].pays_from);
}
END_TEST

START_TEST(a_pinned_service_has_a_place_first)
{
    const char topology[] = "regions:\n"
                            "  - {name: a, place: us-east}\n"
                            "  - {name: b, place: us-west}\n"
                            "  - {name: c, place: eu-west}\n"
                            "residency:\n"
                            "  vault: [c]\n";

    const char apart[] = "regions:\n"
                         "  - {name: a, place: us-east}\n"
                         "  - {name: b, place: us-west}\n"
                         "  - {name: c, place: eu-west}\n"
                         "residency:\n"
                         "  vault: [c]\n"
                         "  metadata: [b]\n";

    ASK(topology, "user_revenue=1", "users={a: 900, b: 90, c: 10}");
    ck_assert_str_eq(name(0), "c");
    ck_assert_str_eq(name(1), "a");
    ck_assert_str_eq(name(2), "b");

    /* Two of them, and whoever has neither waits for both. */
    ASK(apart, "user_revenue=1", "users={a: 900, b: 90, c: 10}");
    ck_assert_str_eq(name(2), "a");
}
END_TEST

/* ---- how many ---- */

START_TEST(the_best_number_changes_where_a_region_pays)
{
    ASK(NULL, "regions=us-east,eu-west,ap-northeast,au-east", ONLY_REGIONS, "user_revenue=100",
        "users={au-east: 600, ap-northeast: 300, eu-west: 80, us-east: 20}");
    for (size_t i = 1; i < 4; i++) {
        double from = growth.steps[i].pays_from;
        ck_assert_uint_eq(cost_growth_best(&asked.input, &growth, from * 0.999), i);
        ck_assert_uint_eq(cost_growth_best(&asked.input, &growth, from * 1.001), i + 1);
        ck_assert_double_eq_tol(cost_growth_worth_from(&asked.input, &growth, i + 1), from,
                                1e-6 * from);
    }
    ck_assert_double_le(cost_growth_worth_from(&asked.input, &growth, 1), 1);
}
END_TEST

START_TEST(two_regions_may_pay_where_one_of_them_does_not)
{
    /* With room for each other's load the second is dear; the third shares that room. */
    ASK(NULL, "regions=3", ONLY_REGIONS, "failover=on", "core_price=1", "user_revenue=100",
        "region_price=1", "order=given", "revenue_per_100ms=0.4%");
    double second = growth.steps[1].pays_from;
    double three = cost_growth_worth_from(&asked.input, &growth, 3);
    ck_assert(isinf(second));
    ck_assert(isfinite(three));
    ck_assert_uint_eq(cost_growth_best(&asked.input, &growth, three * 1.01), 3);
    ck_assert_uint_eq(cost_growth_best(&asked.input, &growth, three * 0.99), 1);
    ck_assert_double_eq_tol(cost_growth_worth_from(&asked.input, &growth, 2), three, 1e-3 * three);
}
END_TEST

START_TEST(what_nobody_needs_is_worth_it_for_nobody)
{
    ASK(NULL, "regions=2", ONLY_REGIONS);
    ck_assert_uint_eq(cost_growth_best(&asked.input, &growth, 1e12), 1);
    ck_assert(isinf(cost_growth_worth_from(&asked.input, &growth, 2)));
}
END_TEST

START_TEST(phases_go_by_the_number_of_regions)
{
    ck_assert_int_eq(cost_growth_phase(1, 5), COST_PHASE_EARLY);
    ck_assert_int_eq(cost_growth_phase(2, 5), COST_PHASE_GROWTH);
    ck_assert_int_eq(cost_growth_phase(4, 5), COST_PHASE_GROWTH);
    ck_assert_int_eq(cost_growth_phase(5, 5), COST_PHASE_GLOBAL);
    ck_assert_int_eq(cost_growth_phase(3, 3), COST_PHASE_GLOBAL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_region_pays_when_the_latency_that_it_saves_is_worth_its_price,
        a_region_pays_when_the_outages_that_it_takes_away_are,
        what_it_adds_for_each_user_is_counted_against_it,
        what_costs_nothing_pays_from_the_first_user_on,
        instances_that_are_there_anyway_bend_the_line,
        regions_are_added_where_the_users_are,
        the_next_is_the_one_that_pays_first,
        those_that_never_pay_follow_by_burden_and_equals_as_given,
        the_given_order_stays,
        a_pinned_service_has_a_place_first,
        the_best_number_changes_where_a_region_pays,
        two_regions_may_pay_where_one_of_them_does_not,
        what_nobody_needs_is_worth_it_for_nobody,
        phases_go_by_the_number_of_regions,
    };

    return suite_run(
        &(struct suite){.name = "model_cost_growth", .tear_down = tear_down, SUITE_TESTS(tests)});
}
