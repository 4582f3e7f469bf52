/* What a deployment costs, against what can be worked out by hand. Numbers are powers of two where
 * they can be, so that most is exact to the last bit. */

#include <math.h>

#include "tests/unit/model_cost_fixture.h"

static struct cost_asked asked;

static void ask(const char *topology, const char *const *then)
{
    cost_params_free(&asked);
    asked = cost_fixture_ask(topology, then);
}

#define ASK(topology, ...) ask(topology, (const char *const[]){__VA_ARGS__, NULL})

static void tear_down(void)
{
    cost_params_free(&asked);
}

/* Five regions of one's own, 10 ms from each other; clients are beside them. */
#define FIVE                                                                                       \
    "regions:\n"                                                                                   \
    "  - {name: a, place: us-east}\n"                                                              \
    "  - {name: b, place: us-west}\n"                                                              \
    "  - {name: c, place: eu-west}\n"                                                              \
    "  - {name: d, place: eu-central}\n"                                                           \
    "  - {name: e, place: au-east}\n"

static double sent(const struct cost_fleet *fleet)
{
    double bytes_per_s = 0;

    for (size_t k = 0; k < fleet->count; k++)
        bytes_per_s += fleet->regions[k].sent_bytes_per_s;
    return bytes_per_s;
}

static double kept(const struct cost_fleet *fleet)
{
    double bytes = 0;

    for (size_t k = 0; k < fleet->count; k++)
        bytes += fleet->regions[k].stored_bytes;
    return bytes;
}

/* ---- growth is linear ---- */

START_TEST(twice_the_users_are_twice_the_variable_cost_and_no_fixed_one)
{
    struct cost_bill one, two;

    ASK(NULL, "regions=4", "failover=on", "metadata_bytes=1MiB", "log_retention=1d",
        "audit_bytes=256B", "engineers_per_million=3", "roaming=2%");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 4);
    cost_bill_make(&asked.input, &fleet, 1048576, &one);
    cost_bill_make(&asked.input, &fleet, 2097152, &two);
    for (int item = 0; item < COST_ITEM_COUNT; item++) {
        ck_assert_double_eq(two.variable[item], 2 * one.variable[item]);
        ck_assert_double_eq(two.fixed[item], one.fixed[item]);
    }
    for (int item = COST_COMPUTE; item <= COST_EGRESS; item++)
        ck_assert_double_gt(one.variable[item], 0);
    ck_assert_double_gt(one.fixed[COST_COMPUTE], 0);
    ck_assert_double_gt(one.fixed[COST_REGIONS], 0);
    ck_assert_double_gt(one.fixed[COST_OPERATIONS], 0);
    ck_assert_double_gt(one.variable[COST_OPERATIONS], 0);
}
END_TEST

START_TEST(the_total_is_the_sum_and_losses_stand_beside_it)
{
    struct cost_bill bill;
    double sum = 0;

    ASK(NULL, "regions=3");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 3);
    cost_bill_make(&asked.input, &fleet, 65536, &bill);
    for (int item = 0; item < COST_ITEM_COUNT; item++)
        sum += bill.variable[item] + bill.fixed[item];
    ck_assert_double_eq_tol(bill.total, sum, 1e-9 * sum);
    ck_assert_double_gt(bill.wait_loss, 0);
    ck_assert_double_gt(bill.outage_loss, 0);
    ck_assert_double_eq_tol(cost_burden(&asked.input, &fleet, 65536),
                            sum + bill.wait_loss + bill.outage_loss, 1e-9 * sum);
}
END_TEST

/* ---- copies ---- */

START_TEST(each_write_is_sent_to_all_other_regions)
{
    ASK(NULL, "regions=5", "between_price=0.5");
    for (size_t count = 1; count <= 5; count++) {
        struct cost_fleet fleet = cost_fixture_fleet(&asked, count);
        double bytes = 0.5 * 1024 * (double)(count - 1);
        ck_assert_double_eq_tol(sent(&fleet), bytes, 1e-9);
        ck_assert_double_eq_tol(fleet.per_user[COST_REPLICATION], bytes * 730 * 3600 / 1e9 * 0.5,
                                1e-9);
    }
    struct cost_fleet alone = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq(sent(&alone), 0);
    ck_assert_double_eq(alone.per_user[COST_REPLICATION], 0);
}
END_TEST

START_TEST(two_regions_of_four_and_four_of_four)
{
    /* A quarter of the users at each is exact. */
    ASK(NULL, "regions=4");
    struct cost_fleet all = cost_fixture_fleet(&asked, 4);
    ck_assert_double_eq(sent(&all), 512 * 3);
    ASK(NULL, "regions=4", "copies=2");
    struct cost_fleet two = cost_fixture_fleet(&asked, 4);
    ck_assert_double_eq(sent(&two), 512);
    ASK(NULL, "regions=4", "copies=1");
    struct cost_fleet one = cost_fixture_fleet(&asked, 4);
    ck_assert_double_eq(sent(&one), 0);
    ASK(NULL, "regions=4", "copies=9");
    struct cost_fleet more = cost_fixture_fleet(&asked, 4);
    ck_assert_double_eq(sent(&more), 512 * 3);
}
END_TEST

START_TEST(copies_lie_near_the_home)
{
    ASK(NULL, "regions=ap-northeast,us-east,eu-west", "copies=2", "metadata_bytes=1024B",
        "users={us-east: 768, ap-northeast: 256}");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 3);
    ck_assert_double_eq(fleet.regions[0].stored_bytes, 256);  /* of those at home there */
    ck_assert_double_eq(fleet.regions[1].stored_bytes, 1024); /* and the copy of those */
    ck_assert_double_eq(fleet.regions[2].stored_bytes, 768);
}
END_TEST

START_TEST(a_home_sends_and_pays_for_what_it_sends)
{
    ASK(NULL, "regions=us-east,sa-east", "prices=aws", "users={us-east: 768, sa-east: 256}");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 2);
    ck_assert_double_eq(fleet.regions[0].sent_bytes_per_s, 384);
    ck_assert_double_eq(fleet.regions[1].sent_bytes_per_s, 128);
    ck_assert_double_eq_tol(fleet.per_user[COST_REPLICATION],
                            (384 * 0.02 + 128 * 0.138) * 730 * 3600 / 1e9, 1e-12);
}
END_TEST

START_TEST(a_service_pinned_to_two_of_five_regions_has_one_copy)
{
    ASK(FIVE "residency:\n  vault: [c, d]\n", "users={c: 512, d: 512}", "vault_share=100%",
        "vault_bytes=4096B");
    struct cost_fleet pinned = cost_fixture_fleet(&asked, 5);
    ck_assert_double_eq(sent(&pinned), 512);
    ck_assert_double_eq(kept(&pinned), 2 * 4096);
    ck_assert_double_eq(pinned.refused_per_s, 0);

    ASK(FIVE, "users={c: 512, d: 512}", "vault_share=100%", "vault_bytes=4096B");
    struct cost_fleet free_to_go = cost_fixture_fleet(&asked, 5);
    ck_assert_double_eq(sent(&free_to_go), 4 * 512);
    ck_assert_double_eq(kept(&free_to_go), 5 * 4096);
}
END_TEST

START_TEST(whose_home_is_outside_of_a_residency_is_refused)
{
    /* A quarter of users is at home outside; half of the requests are for the vault. */
    ASK(FIVE "residency:\n  vault: [c, d]\n", "users={a: 256, c: 768}", "vault_share=50%",
        "vault_bytes=4096B", "metadata_bytes=1024B");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 5);
    ck_assert_double_eq(fleet.refused_per_s, 0.125);
    ck_assert_double_eq(fleet.requests_per_s, 0.875);
    ck_assert_double_eq(kept(&fleet), 0.75 * 2 * 4096 + 5 * 1024);
    ck_assert_double_eq(sent(&fleet), 0.25 * 1024 * (4 + 0.75));
}
END_TEST

START_TEST(a_copy_keeps_changes_and_only_the_home_audits)
{
    ASK(NULL, "regions=4", "metadata_bytes=8192B", "account_bytes=2048B", "storage_overhead=2",
        "log_retention=64s", "audit_bytes=256B", "audit_retention=128s", "storage_price=0.25");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 4);
    double copies = 4 * (8192 + 2048 + 0.5 * 1024 * 64);
    double audit = 0.5 * 256 * 128;
    ck_assert_double_eq(kept(&fleet), 2 * (copies + audit));
    ck_assert_double_eq_tol(fleet.per_user[COST_STORAGE], 2 * (copies + audit) / 1e9 * 0.25, 1e-15);
}
END_TEST

START_TEST(log_ins_are_changes_of_their_own_size)
{
    ASK(NULL, "regions=2", "requests_per_user_day=0", "logins_per_user_day=43200",
        "login_change_bytes=256B", "cpu_login=1500ms");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 2);
    ck_assert_double_eq(sent(&fleet), 0.5 * 256);
    ck_assert_double_eq(fleet.requests_per_s, 0.5);
    ck_assert_double_eq(fleet.regions[0].own_cores + fleet.regions[1].own_cores, 0.5 * 2);
}
END_TEST

/* ---- compute ---- */

START_TEST(cores_are_cpu_at_the_peak_over_utilisation)
{
    ASK(NULL, "regions=2", "peak_factor=4", "utilisation=50%", "cpu_apply=250ms");
    struct cost_fleet one = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq(one.regions[0].own_cores, 0.5 * 4 / 0.5);
    struct cost_fleet two = cost_fixture_fleet(&asked, 2);
    /* Half of the users each; of the other half's writes each has the changes to apply. */
    for (size_t k = 0; k < 2; k++)
        ck_assert_double_eq(two.regions[k].own_cores, (0.5 * 0.5 + 0.25 * 0.25) * 4 / 0.5);
    ck_assert_double_eq(two.regions[0].headroom_cores, 0);
}
END_TEST

START_TEST(parts_of_a_request_are_added_up)
{
    ASK(NULL, "regions=1", "cpu_router=64ms", "cpu_token=32ms", "cpu_read=16ms", "cpu_write=8ms",
        "cpu_login=4ms");
    ck_assert_double_eq_tol(asked.input.compute.read_s, 0.612, 1e-12);
    ck_assert_double_eq_tol(asked.input.compute.write_s, 0.604, 1e-12);
    ck_assert_double_eq_tol(asked.input.compute.login_s, 0.576, 1e-12); /* has no token yet */
}
END_TEST

START_TEST(two_regions_have_room_for_each_other_and_four_for_the_worst)
{
    ASK(NULL, "regions=2", "failover=on", "users={us-east: 768, eu-west: 256}");
    struct cost_fleet two = cost_fixture_fleet(&asked, 2);
    ck_assert_double_eq(two.regions[0].own_cores, 0.375);
    ck_assert_double_eq(two.regions[0].headroom_cores, 0.125);
    ck_assert_double_eq(two.regions[1].own_cores, 0.125);
    ck_assert_double_eq(two.regions[1].headroom_cores, 0.375);
    struct cost_fleet one = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq(one.regions[0].headroom_cores, 0);

    /* us-east's go to eu-west or us-west, 72 ms both; the first is taken. Tokyo's go to Singapore,
     * Singapore's to Tokyo, Dublin's and Washington's to Virginia: never two at a time. */
    ASK(NULL, "failover=on", "regions=5", "users={us-east: 256, eu-west: 256, us-west: 512}");
    struct cost_fleet five = cost_fixture_fleet(&asked, 5);
    ck_assert_double_eq(five.regions[0].headroom_cores, 0.25);
    ck_assert_double_eq(five.regions[1].headroom_cores, 0.125);
    ck_assert_double_eq(five.regions[3].headroom_cores, 0);
}
END_TEST

START_TEST(without_a_second_copy_nothing_moves)
{
    ASK(NULL, "regions=3", "failover=on", "copies=1");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 3);
    for (size_t k = 0; k < 3; k++)
        ck_assert_double_eq(fleet.regions[k].headroom_cores, 0);
}
END_TEST

START_TEST(few_users_pay_for_the_least_that_runs)
{
    struct cost_bill bill;

    /* 3 services of at least 4 instances, one of them spare, of 2 cores each. */
    ASK(NULL, "regions=1", "instances_min=4", "instances_spare=1", "instance_cores=2",
        "core_price=16");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq(cost_floor_users(&asked.input, &fleet.regions[0]), 3 * 3 * 2 / 0.5);
    cost_bill_make(&asked.input, &fleet, 4, &bill);
    ck_assert_double_eq(bill.cores, 24);
    ck_assert_double_eq(bill.loaded_cores, 2);
    ck_assert_double_eq(bill.variable[COST_COMPUTE], 2 * 16);
    ck_assert_double_eq(bill.fixed[COST_COMPUTE], 22 * 16);
    cost_bill_make(&asked.input, &fleet, 128, &bill);
    ck_assert_double_eq(bill.cores, 64 + 6);
    ck_assert_double_eq(bill.variable[COST_COMPUTE], 64 * 16);
    ck_assert_double_eq(bill.fixed[COST_COMPUTE], 6 * 16);

    /* A pinned service does not run outside, a fourth one anywhere. */
    ASK(FIVE "residency:\n  vault: [c, d]\n", "services=4", "instances_min=1", "instances_spare=1",
        "instance_cores=1");
    struct cost_fleet pinned = cost_fixture_fleet(&asked, 5);
    cost_bill_make(&asked.input, &pinned, 1, &bill);
    ck_assert_double_eq(bill.cores - bill.loaded_cores, 3 * 3 + 2 * 4);
}
END_TEST

/* ---- people, regions, bytes to clients ---- */

START_TEST(people_are_counted_by_regions_services_and_pairs)
{
    struct cost_bill bill;

    ASK(NULL, "regions=4", "services=9", "engineers_base=1", "engineers_per_region=0.5",
        "engineers_per_service=0.25", "engineers_per_pair=0.125", "pairs_exponent=1.5",
        "engineers_per_million=8", "engineer_price=32", "region_price=64");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 4);
    cost_bill_make(&asked.input, &fleet, 500000, &bill);
    ck_assert_double_eq_tol(bill.engineers, 1 + 2 + 2.25 + 0.125 * 216 + 4, 1e-9);
    ck_assert_double_eq_tol(bill.fixed[COST_OPERATIONS], 32 * (1 + 2 + 2.25 + 0.125 * 216), 1e-9);
    ck_assert_double_eq_tol(bill.variable[COST_OPERATIONS], 32 * 4, 1e-9);
    ck_assert_double_eq(bill.fixed[COST_REGIONS], 4 * 64);
}
END_TEST

START_TEST(answers_leave_the_region_that_served)
{
    ASK(FIVE, "users={a: 768, e: 256}", "answer_bytes=2048B", "egress_price=0.5");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 5);
    ck_assert_double_eq(fleet.regions[0].answered_bytes_per_s, 0.75 * 2048);
    ck_assert_double_eq(fleet.regions[1].answered_bytes_per_s, 0);
    ck_assert_double_eq(fleet.regions[4].answered_bytes_per_s, 0.25 * 2048);
    ck_assert_double_eq_tol(fleet.per_user[COST_EGRESS], 2048 * 730 * 3600.0 / 1e9 * 0.5, 1e-12);
}
END_TEST

/* ---- what slowness and outages lose ---- */

START_TEST(reads_wait_for_the_nearest_and_writes_for_the_home)
{
    /* us-east and eu-west are 72 ms apart, a region is 1 ms across. */
    ASK(NULL, "regions=2", "users={us-east: 512, eu-west: 512}", "roaming=50%");
    struct cost_fleet one = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq_tol(one.wait_ms, (1 + 72) / 2.0, 1e-9);
    /* A quarter of all requests are writes of those who are away from home. */
    struct cost_fleet two = cost_fixture_fleet(&asked, 2);
    ck_assert_double_eq_tol(two.wait_ms, 0.75 * 1 + 0.25 * 72, 1e-9);
    ck_assert_double_eq_tol(two.regions[0].homes, 0.5, 1e-12);
    /* Without copies they read at home, too. */
    ASK(NULL, "regions=2", "users={us-east: 512, eu-west: 512}", "roaming=50%", "copies=1");
    struct cost_fleet no_copies = cost_fixture_fleet(&asked, 2);
    ck_assert_double_eq_tol(no_copies.wait_ms, 0.5 * 1 + 0.5 * 72, 1e-9);
}
END_TEST

START_TEST(waiting_loses_revenue_and_what_a_ms_is_worth)
{
    ASK(NULL, "regions=2", "users={eu-west: 1}", "round_trips=2", "user_revenue=8",
        "revenue_per_100ms=1%", "value_of_ms=0");
    struct cost_fleet far = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq_tol(far.wait_loss, 2 * 72 * 8 * 0.01 / 100, 1e-12);
    ASK(NULL, "regions=2", "users={eu-west: 1}", "round_trips=2", "user_revenue=0",
        "value_of_ms=4");
    struct cost_fleet asked_often = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq_tol(asked_often.wait_loss, 2 * 72 * 730 * 3600.0 * 4 / 1e6, 1e-9);
}
END_TEST

START_TEST(one_region_loses_all_of_an_outage)
{
    ASK(NULL, "regions=1", "outages_per_year=0.5", "outage_median=64m", "outage_sigma=0",
        "value_of_minutes=3M");
    struct cost_fleet fleet = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq(fleet.lost_min_per_year, 32);
    ck_assert_double_eq_tol(fleet.outage_loss, 32.0 / 12 * 3, 1e-12);

    ASK(NULL, "regions=1", "outages_per_year=0.42", "outage_median=212m", "outage_sigma=1.06");
    fleet = cost_fixture_fleet(&asked, 1);
    ck_assert_double_eq_tol(fleet.lost_min_per_year, 0.42 * 212 * exp(1.06 * 1.06 / 2), 1e-9);
}
END_TEST

START_TEST(a_copy_serves_until_tokens_run_out_and_again_once_it_is_home)
{
    const char topology[] = FIVE "settings: {token_lifetime: 600s}\n";
    const char read_only[] = FIVE "settings: {token_lifetime: 600s, queue_writes: false}\n";

    /* 5 minutes in which writes wait in queues, 25 without anybody's token, then a new home. */
    ASK(topology, "outages_per_year=1", "outage_median=64m", "outage_sigma=0", "promote_after=30m");
    ck_assert_double_eq_tol(cost_fixture_fleet(&asked, 5).lost_min_per_year, 25, 1e-9);
    ASK(read_only, "outages_per_year=1", "outage_median=64m", "outage_sigma=0",
        "promote_after=30m");
    ck_assert_double_eq_tol(cost_fixture_fleet(&asked, 5).lost_min_per_year, 27.5, 1e-9);
    /* Writes of the vault are never queued: half of the requests again. */
    ASK(topology, "outages_per_year=1", "outage_median=64m", "outage_sigma=0", "promote_after=30m",
        "vault_share=100%");
    ck_assert_double_eq_tol(cost_fixture_fleet(&asked, 5).lost_min_per_year, 27.5, 1e-9);
    /* Promoted before any token runs out; over before anybody is promoted. */
    ASK(topology, "outages_per_year=1", "outage_median=64m", "outage_sigma=0", "promote_after=4m");
    ck_assert_double_eq_tol(cost_fixture_fleet(&asked, 5).lost_min_per_year, 0, 1e-9);
    ASK(topology, "outages_per_year=1", "outage_median=15m", "outage_sigma=0", "promote_after=30m");
    ck_assert_double_eq_tol(cost_fixture_fleet(&asked, 5).lost_min_per_year, 10, 1e-9);
    /* Nobody to promote. */
    ASK(topology, "outages_per_year=1", "outage_median=64m", "outage_sigma=0", "copies=1");
    ck_assert_double_eq_tol(cost_fixture_fleet(&asked, 5).lost_min_per_year, 64, 1e-9);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        twice_the_users_are_twice_the_variable_cost_and_no_fixed_one,
        the_total_is_the_sum_and_losses_stand_beside_it,
        each_write_is_sent_to_all_other_regions,
        two_regions_of_four_and_four_of_four,
        copies_lie_near_the_home,
        a_home_sends_and_pays_for_what_it_sends,
        a_service_pinned_to_two_of_five_regions_has_one_copy,
        whose_home_is_outside_of_a_residency_is_refused,
        a_copy_keeps_changes_and_only_the_home_audits,
        log_ins_are_changes_of_their_own_size,
        cores_are_cpu_at_the_peak_over_utilisation,
        parts_of_a_request_are_added_up,
        two_regions_have_room_for_each_other_and_four_for_the_worst,
        without_a_second_copy_nothing_moves,
        few_users_pay_for_the_least_that_runs,
        people_are_counted_by_regions_services_and_pairs,
        answers_leave_the_region_that_served,
        reads_wait_for_the_nearest_and_writes_for_the_home,
        waiting_loses_revenue_and_what_a_ms_is_worth,
        one_region_loses_all_of_an_outage,
        a_copy_serves_until_tokens_run_out_and_again_once_it_is_home,
    };

    return suite_run(
        &(struct suite){.name = "model_cost", .tear_down = tear_down, SUITE_TESTS(tests)});
}
