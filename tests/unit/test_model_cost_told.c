/* What the cost model is told and what it says: prices and their lists, everything that makes no
 * sense, and tables that agree with each other. */

#include <errno.h>
#include <stdio.h>

#include "sim/model/cost_price_list.h"
#include "sim/model/cost_prices.h"
#include "tests/unit/model_cost_fixture.h"

static const char *const nothing[] = {NULL};

/* What is said of @settings, which make no sense. */
static char *refused(const char *topology, const char *const *settings)
{
    struct cost_asked asked;
    char *error = NULL;

    ck_assert_int_eq(cost_fixture_try(topology, nothing, settings, &asked, &error), -EINVAL);
    ck_assert_ptr_nonnull(error);
    return error;
}

#define REFUSED(topology, words, ...)                                                              \
    do {                                                                                           \
        char *why = refused(topology, (const char *const[]){__VA_ARGS__, NULL});                   \
        ck_assert_str_eq(why, words);                                                              \
        free(why);                                                                                 \
    } while (0)

static struct cost_prices prices_of(const char *topology, const char *const *settings)
{
    struct cost_asked asked;
    char *error = NULL;

    ck_assert_msg(cost_fixture_try(topology, nothing, settings, &asked, &error) == 0, "%s", error);
    cost_params_free(&asked);
    return asked.input.prices;
}

#define PRICES(...) prices_of(NULL, (const char *const[]){__VA_ARGS__, NULL})

/* ---- prices ---- */

START_TEST(units_are_cores)
{
    struct cost_prices prices = PRICES("regions=2");

    ck_assert_str_eq(prices.unit, "units");
    ck_assert_double_eq(prices.core, 1);
    ck_assert_double_eq(prices.storage_gb, 0.003);
    ck_assert_double_eq(prices.egress_gb[1], 0.003);
    ck_assert_double_eq(prices.between_gb[0][1], 0.002);
    ck_assert_double_eq(prices.between_gb[0][0], 0);
    ck_assert_double_eq(prices.region, 20);
    ck_assert_double_eq(prices.engineer, 500);
}
END_TEST

START_TEST(a_price_that_is_given_goes_before_the_list)
{
    struct cost_prices prices =
        PRICES("regions=2", "prices=aws", "core_price=40", "storage_price=0.5 cores",
               "between_price=0.25", "engineer_price=12000");

    ck_assert_str_eq(prices.unit, "USD");
    ck_assert_double_eq(prices.core, 40);
    ck_assert_double_eq(prices.storage_gb, 20);
    ck_assert_double_eq(prices.egress_gb[0], 0.09);
    ck_assert_double_eq(prices.between_gb[1][0], 0.25);
    ck_assert_double_eq(prices.region, 800);
    ck_assert_double_eq(prices.engineer, 12000);
}
END_TEST

START_TEST(aws_asks_by_region_and_at_the_source)
{
    struct cost_prices prices = PRICES("regions=us-east,sa-east,au-east", "prices=aws");

    ck_assert_double_eq_tol(prices.core, 0.0408 * 730, 1e-9);
    ck_assert_double_eq(prices.storage_gb, 0.09394);
    ck_assert_double_eq(prices.egress_gb[0], 0.09);
    ck_assert_double_eq(prices.egress_gb[1], 0.15);
    ck_assert_double_eq(prices.egress_gb[2], 0.114);
    ck_assert_double_eq(prices.between_gb[0][1], 0.02);
    ck_assert_double_eq(prices.between_gb[1][0], 0.138);
    ck_assert_double_eq(prices.between_gb[2][1], 0.098);
}
END_TEST

START_TEST(gcp_asks_by_pairs_and_by_the_gib)
{
    struct cost_prices prices =
        PRICES("regions=us-east,us-west,eu-west,eu-central,ap-south,ap-northeast,au-east,sa-east",
               "prices=gcp", "core_price=25", "storage_price=0.1", "egress_price=0.12");
    const double gib = 1.073741824;

    ck_assert_double_eq_tol(prices.between_gb[0][1] * gib, 0.01, 1e-12);
    ck_assert_double_eq_tol(prices.between_gb[2][3] * gib, 0.02, 1e-12);
    ck_assert_double_eq_tol(prices.between_gb[4][5] * gib, 0.05, 1e-12);
    ck_assert_double_eq_tol(prices.between_gb[0][2] * gib, 0.08, 1e-12);
    ck_assert_double_eq_tol(prices.between_gb[7][0] * gib, 0.08, 1e-12);
    ck_assert_double_eq_tol(prices.between_gb[6][5] * gib, 0.15, 1e-12);
    ck_assert_double_eq_tol(prices.between_gb[0][6] * gib, 0.15, 1e-12);
}
END_TEST

START_TEST(fly_asks_by_continents)
{
    struct cost_prices prices =
        PRICES("regions=eu-west,sa-east,af-south", "prices=fly", "core_price=20");

    ck_assert_double_eq(prices.storage_gb, 0.15);
    ck_assert_double_eq(prices.egress_gb[0], 0.02);
    ck_assert_double_eq(prices.egress_gb[1], 0.04);
    ck_assert_double_eq(prices.egress_gb[2], 0.12);
    ck_assert_double_eq(prices.between_gb[0][2], 0.006);
    ck_assert_double_eq(prices.between_gb[2][0], 0.05);
}
END_TEST

START_TEST(a_list_without_a_price_says_so_and_names_all_that_it_lacks)
{
    const char places[] = "regions:\n"
                          "  - {name: here, place: Paris}\n"
                          "  - {name: us-east, place: Tokyo}\n";

    REFUSED(NULL,
            "--prices: the list of gcp has no price for a core for a month (nothing was found); "
            "nor for a GB kept for a month (nothing was found); nor for a GB to clients from "
            "us-east (nothing was found): give core_price, storage_price, egress_price",
            "prices=gcp");
    REFUSED(NULL,
            "--prices: the list of fly has no price for a core for a month (it has shared cores "
            "only, 6.79 USD a month with 1 GB, on which no load can be planned): give core_price",
            "prices=fly");
    /* Qatar is in none of its areas. */
    REFUSED(NULL,
            "--prices: the list of fly has no price for a GB to clients from me-central (it names "
            "North America, Europe, Asia-Pacific, Oceania, South America, Africa and India): give "
            "egress_price",
            "prices=fly", "core_price=20", "between_price=0.01", "regions=us-east,me-central");
    REFUSED(NULL,
            "--prices: the list of fly has no price for a GB to clients from me-central (it names "
            "North America, Europe, Asia-Pacific, Oceania, South America, Africa and India): give "
            "egress_price",
            "prices=fly", "core_price=20", "regions=me-central");
    /* Nor is a place of one's own, whatever it is called. */
    REFUSED(places,
            "--prices: the list of aws has no price for a GB to clients from here (it has the "
            "built-in regions): give egress_price",
            "prices=aws", "between_price=0.02");
    REFUSED(places,
            "--prices: the list of gcp has no price for a GB to another region, from here to "
            "us-east (it has the built-in regions): give between_price",
            "prices=gcp", "core_price=1", "storage_price=1", "egress_price=1");
}
END_TEST

START_TEST(one_region_needs_no_price_between_regions)
{
    struct cost_prices prices =
        PRICES("regions=me-central", "prices=fly", "core_price=20", "egress_price=0.1");

    ck_assert_double_eq(prices.egress_gb[0], 0.1);
}
END_TEST

START_TEST(every_row_has_a_date_and_a_source)
{
    struct geo_place us_east;

    ck_assert_int_eq(geo_resolve("us-east", &us_east), 0);
    for (int list = COST_PRICE_LIST_NONE; list <= COST_PRICE_LIST_FLY; list++) {
        ck_assert_ptr_nonnull(cost_price_list_names[list]);
        for (int item = 0; item < COST_PRICE_ITEM_COUNT; item++) {
            const struct cost_price *row = cost_price_list_find(
                (enum cost_price_list)list, (enum cost_price_item)item, &us_east, &us_east);
            if (!row) {
                ck_assert_ptr_nonnull(
                    cost_price_list_lack((enum cost_price_list)list, (enum cost_price_item)item));
                continue;
            }
            ck_assert_double_gt(row->price, 0);
            ck_assert_uint_gt(strlen(row->source), 0);
            ck_assert(list == COST_PRICE_LIST_NONE || strlen(row->as_of) > 0);
        }
    }
    ck_assert_ptr_null(cost_price_list_names[COST_PRICE_LIST_FLY + 1]);
}
END_TEST

/* ---- what makes no sense ---- */

START_TEST(prices_that_are_none)
{
    REFUSED(NULL, "--core-price: \"-1\" is not a price such as 0.09 or \"listed\"",
            "core_price=-1");
    REFUSED(NULL, "--core-price: \"2 cores\" is not a price such as 0.09 or \"listed\"",
            "core_price=2 cores");
    REFUSED(NULL,
            "--storage-price: \"nan\" is not a price such as 0.09, \"0.003 cores\" or \"listed\"",
            "storage_price=nan");
    REFUSED(
        NULL,
        "--egress-price: \"inf cores\" is not a price such as 0.09, \"0.003 cores\" or \"listed\"",
        "egress_price=inf cores");
    REFUSED(NULL, "--region-price: \"listed\" is not a price such as 0.09, \"0.003 cores\"",
            "region_price=listed");
    REFUSED(NULL, "--engineer-price: \"-5 cores\" is not a price such as 0.09, \"0.003 cores\"",
            "engineer_price=-5 cores");
    REFUSED(NULL, "--user-revenue: \" cores\" is not a price such as 0.09, \"0.003 cores\"",
            "user_revenue= cores");
    REFUSED(NULL, "--value-of-ms: \"1e16\" is not a price such as 0.09, \"0.003 cores\"",
            "value_of_ms=1e16");
    REFUSED(NULL, "--value-of-minutes: \"5 euros\" is not a price such as 0.09, \"0.003 cores\"",
            "value_of_minutes=5 euros");
}
END_TEST

START_TEST(lists_of_users_that_are_none)
{
    REFUSED(NULL, "--users-list:1: a list is wanted: [10k, 1M, 100M]", "users_list=[]");
    REFUSED(NULL, "--users-list:1: a list is wanted: [10k, 1M, 100M]", "users_list={a: 1}");
    REFUSED(NULL, "--users-list:1: [0]: \"-1\" is not a number of users such as 12000 or 5M",
            "users_list=[-1]");
    REFUSED(NULL, "--users-list:1: [0]: \".nan\" is not a number of users such as 12000 or 5M",
            "users_list=[.nan]");
    REFUSED(NULL, "--users-list:1: [1]: this is not a number of users such as 12000 or 5M",
            "users_list=[1, [2]]");
    REFUSED(NULL, "--users-list:1: [0]: \"0\" is not between 1 and 1000G", "users_list=[0, 1]");
    REFUSED(NULL, "--users-list:1: [0]: \"1001G\" is not between 1 and 1000G",
            "users_list=[1001G]");
    REFUSED(NULL, "--users-list:1: [2]: \"10k\" is not above the one before it: put them in order",
            "users_list=[10k, 1M, 10k]");
    REFUSED(NULL, "--users-list:1: [1]: \"1M\" is not above the one before it: put them in order",
            "users_list=[1M, 1M]");
    REFUSED(NULL, "--users-list:1: more than 24 numbers",
            "users_list=[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]");
}
END_TEST

START_TEST(what_does_not_go_together)
{
    REFUSED(NULL, "--instances-spare: more than instances_min, of which they are a part",
            "instances_min=1", "instances_spare=2");
    REFUSED(NULL, "--users:1: nowhere: neither a region nor a place that is known",
            "users={nowhere: 5}");
}
END_TEST

START_TEST(each_parameter_is_held_to_its_bounds)
{
    static const char *const wrong[][2] = {
        {"prices", "azure"},
        {"prices", ""},
        {"utilisation", "0%"},
        {"utilisation", "101%"},
        {"peak_factor", "0.5"},
        {"peak_factor", "nan"},
        {"logins_per_user_day", "-1"},
        {"cpu_login", "70"},
        {"metadata_bytes", "-1kB"},
        {"services", "2"},
        {"global_regions", "2"},
        {"copies", "1.5"},
        {"copies", "33"},
        {"order", "alphabet"},
        {"failover", "maybe"},
        {"outage_sigma", "inf"},
        {"storage_overhead", "0.5"},
        {"revenue_per_100ms", "0.5"},
        {"pairs_exponent", "5"},
    };
    struct params *params = params_create(cost_params_specs, COST_PARAM_COUNT);

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *error = NULL;
        size_t index;
        ck_assert_int_eq(params_find(params, wrong[i][0], &index), 0);
        ck_assert_msg(params_set(params, index, wrong[i][1], &error) == -EINVAL, "%s=%s",
                      wrong[i][0], wrong[i][1]);
        free(error);
    }
    params_free(params);
}
END_TEST

START_TEST(printed_parameters_are_read_back_to_the_same)
{
    struct params *params = params_create(cost_params_specs, COST_PARAM_COUNT);
    struct cost_asked first, again;
    char *error = NULL;

    char *text = params_print(params);
    ck_assert_int_eq(cost_params_read(params, &first, &error), 0);
    params_free(params);
    params = params_create(cost_params_specs, COST_PARAM_COUNT);
    ck_assert_msg(params_read(params, "all.yaml", text, strlen(text), &error) == 0, "%s", error);
    size_t prices;
    ck_assert_int_eq(params_find(params, "prices", &prices), 0);
    ck_assert_int_eq(params_set(params, prices, "aws", &error), 0);
    ck_assert_int_eq(cost_params_read(params, &again, &error), 0);
    ck_assert_double_eq(again.input.compute.login_s, first.input.compute.login_s);
    /* What is printed is "listed", and not what a list happens to say. */
    ck_assert_double_eq_tol(again.input.prices.core, 0.0408 * 730, 1e-9);
    ck_assert_double_eq_tol(again.input.prices.engineer, 500 * 0.0408 * 730, 1e-6);
    free(text);
    params_free(params);
    cost_params_free(&first);
    cost_params_free(&again);
}
END_TEST

/* ---- what is said ---- */

static json_t *run(const char *const *settings)
{
    char *error = NULL;
    json_t *json = model_fixture_run(&cost_model, NULL, settings, &error);

    ck_assert_msg(json != NULL, "%s", error);
    return json;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static json_t *row_at(json_t *json, const char *table, size_t index)
{
    json_t *row = json_array_get(json_object_get(json_object_get(json, "tables"), table), index);

    ck_assert_msg(row != NULL, "no row %zu in %s", index, table);
    return row;
}

static bool says(json_t *json, const char *list, const char *words)
{
    json_t *line;
    size_t index;

    json_array_foreach(json_object_get(json, list), index, line)
    {
        if (strstr(json_string_value(line), words))
            return true;
    }
    return false;
}

START_TEST(tables_agree)
{
    static const char *const items[] = {"compute", "storage", "replication",
                                        "egress",  "regions", "operations"};
    json_t *json = RUN("regions=4", "users_list=[20k, 3M, 400M]");

    for (size_t i = 0; i < 3; i++) {
        json_t *bill = row_at(json, "bill", i), *shares = row_at(json, "shares", i);
        double total = model_fixture_number(bill, "total"), sum = 0, whole = 0;
        for (size_t item = 0; item < 6; item++) {
            sum += model_fixture_number(bill, items[item]);
            whole += model_fixture_number(shares, items[item]);
        }
        double users = model_fixture_number(bill, "users");
        ck_assert_double_eq_tol(sum, total, 1e-9 * total);
        ck_assert_double_eq_tol(whole, 1, 1e-9);
        ck_assert_double_eq_tol(model_fixture_number(bill, "per_1000_users"), total / users * 1000,
                                1e-9 * total);
        ck_assert_double_eq_tol(model_fixture_number(row_at(json, "sweep_total", i), "regions_4"),
                                total, 1e-9 * total);
        ck_assert_double_eq_tol(
            model_fixture_number(row_at(json, "sweep_per_1000_users", i), "regions_4"),
            total / users * 1000, 1e-9 * total);
        json_t *phase = row_at(json, "phases", i);
        char best[24];
        snprintf(best, sizeof best, "regions_%.0f", model_fixture_number(phase, "regions"));
        ck_assert_double_eq_tol(model_fixture_number(row_at(json, "sweep_burden", i), best), 1,
                                1e-12);
        ck_assert_double_eq_tol(model_fixture_number(row_at(json, "sweep_total", i), best),
                                model_fixture_number(phase, "total"), 1e-9 * total);
        ck_assert_double_eq_tol(model_fixture_number(row_at(json, "sweep_burden", i), "regions_1"),
                                model_fixture_number(phase, "one_region"), 1e-9);
    }
    json_decref(json);
}
END_TEST

START_TEST(regions_add_up_to_the_whole)
{
    static const char *const columns[][2] = {{"stored_bytes", "stored_bytes"},
                                             {"sent_bytes", "sent_bytes"},
                                             {"answered_bytes", "answered_bytes"},
                                             {"peak_per_s", "peak_per_s"}};
    json_t *json = RUN("regions=5", "users_total=5M", "users_list=[5M]");

    for (size_t column = 0; column < 4; column++) {
        double sum = 0, whole = model_fixture_number(row_at(json, "work", 0), columns[column][1]);
        for (size_t i = 0; i < 5; i++)
            sum += model_fixture_number(row_at(json, "regions", i), columns[column][0]);
        ck_assert_double_eq_tol(sum, whole, 1e-9 * whole);
    }
    json_decref(json);
}
END_TEST

START_TEST(findings_say_when_the_next_region_pays)
{
    json_t *json =
        RUN("regions=us-east,eu-west", "region_price=4096", "core_price=0", "storage_price=0",
            "egress_price=0", "between_price=0", "engineer_price=0", "outages_per_year=0",
            "user_revenue=100", "revenue_per_100ms=1%", "round_trips=2", "roaming=0%");

    ck_assert(says(json, "findings",
                   "The second region, eu-west, pays from 5,770 users on: for a "
                   "million users a round trip 35.5 ms shorter is worth "
                   "710,000 a month; it costs 4,096, and for each million users "
                   "0 more."));
    ck_assert(
        says(json, "findings", "The growth phase, 2 regions or more, begins at 5,770 users."));
    ck_assert_double_eq(model_fixture_number(row_at(json, "order", 1), "pays_from_users"), 5770);
    json_decref(json);

    json = RUN("regions=2", "user_revenue=0", "value_of_minutes=0");
    ck_assert(says(json, "findings", "For no number of users eu-west pays"));
    ck_assert(says(json, "findings", "The growth phase, 2 regions or more, is never worth"));
    ck_assert(json_is_null(json_object_get(row_at(json, "order", 1), "pays_from_users")));
    json_decref(json);
}
END_TEST

START_TEST(prices_are_told_with_date_and_source)
{
    json_t *json = RUN("regions=us-east,us-west,eu-west", "prices=gcp", "core_price=25",
                       "storage_price=0.1 cores", "egress_price=0.12");

    json_t *kept = model_fixture_row(json, "prices", "what", "GB kept for a month");
    ck_assert_double_eq(model_fixture_number(kept, "price"), 2.5);
    ck_assert_str_eq(json_string_value(json_object_get(kept, "source")),
                     "given, storage_price: 0.1 cores");
    json_t *near = model_fixture_row(json, "prices", "where", "us-east to us-west");
    ck_assert_double_eq_tol(model_fixture_number(near, "price"), 0.01 / 1.073741824, 1e-12);
    ck_assert_str_eq(json_string_value(json_object_get(near, "as_of")), "2024-01-09");
    json_t *far = model_fixture_row(json, "prices", "where", "eu-west to any other");
    ck_assert_double_eq_tol(model_fixture_number(far, "price"), 0.08 / 1.073741824, 1e-12);
    json_decref(json);

    json = RUN("prices=aws");
    ck_assert(says(json, "assumptions", "as if it were USD"));
    ck_assert(says(json, "assumptions", "taken for every region"));
    ck_assert(says(json, "assumptions", "No list has people"));
    json_decref(json);
}
END_TEST

START_TEST(many_regions_are_shown_in_steps)
{
    char topology[4096] = "regions:\n";
    char *error = NULL;

    for (int i = 0; i < 30; i++)
        snprintf(topology + strlen(topology), sizeof topology - strlen(topology),
                 "  - {name: r%d, place: '%d,%d'}\n", i, i - 16, 10 * i - 160);
    json_t *json = model_fixture_run(&cost_model, topology, nothing, &error);
    ck_assert_msg(json != NULL, "%s", error);
    json_t *row = row_at(json, "sweep_total", 0);
    static const char *const keys[] = {"users",      "regions_1", "regions_2", "regions_3",
                                       "regions_4",  "regions_6", "regions_9", "regions_14",
                                       "regions_21", "regions_30"};
    ck_assert_uint_eq(json_object_size(row), sizeof keys / sizeof keys[0]);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        ck_assert_msg(json_object_get(row, keys[i]) != NULL, "no %s", keys[i]);
    json_decref(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        units_are_cores,
        a_price_that_is_given_goes_before_the_list,
        aws_asks_by_region_and_at_the_source,
        gcp_asks_by_pairs_and_by_the_gib,
        fly_asks_by_continents,
        a_list_without_a_price_says_so_and_names_all_that_it_lacks,
        one_region_needs_no_price_between_regions,
        every_row_has_a_date_and_a_source,
        prices_that_are_none,
        lists_of_users_that_are_none,
        what_does_not_go_together,
        each_parameter_is_held_to_its_bounds,
        printed_parameters_are_read_back_to_the_same,
        tables_agree,
        regions_add_up_to_the_whole,
        findings_say_when_the_next_region_pays,
        prices_are_told_with_date_and_source,
        many_regions_are_shown_in_steps,
    };

    return suite_run(&(struct suite){.name = "model_cost_told", SUITE_TESTS(tests)});
}
