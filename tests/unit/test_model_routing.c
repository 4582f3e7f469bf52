/* Where requests go, and what regions must have to spare, against what can be worked out by hand.
 * Three regions stand in a row, 10 ms between neighbours; clients are beside their region. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "routerd/policy.h"
#include "sim/model/loads.h"
#include "sim/model/routing.h"
#include "sim/model/routing_measure.h"
#include "sim/model/traffic_state.h"
#include "tests/unit/model_fixture.h"
#include "tests/unit/suite.h"

enum { A, B, C };

#define BIT(region) (1u << (region))

static const char row[] = "regions:\n"
                          "  - {name: a, place: us-east}\n"
                          "  - {name: b, place: us-west}\n"
                          "  - {name: c, place: eu-west}\n"
                          "links:\n"
                          "  - {between: [a, b], rtt: 10ms}\n"
                          "  - {between: [b, c], rtt: 10ms}\n"
                          "  - {between: [a, c], rtt: 30ms}\n"
                          "  - {between: ['client:a', b], rtt: 11ms}\n"
                          "  - {between: ['client:a', c], rtt: 31ms}\n"
                          "  - {between: ['client:b', a], rtt: 11ms}\n"
                          "  - {between: ['client:b', c], rtt: 11ms}\n"
                          "  - {between: ['client:c', a], rtt: 31ms}\n"
                          "  - {between: ['client:c', b], rtt: 11ms}\n";

static struct deployment *deployment;
static struct traffic *traffic;
static struct traffic_state state;
static double mix[TRAFFIC_OPERATION_COUNT];

static void make(const char *topology, const char *const *settings)
{
    deployment = model_fixture_deployment(topology, settings);
    traffic = traffic_create(deployment);
}

static void set_up(void)
{
    const char *const settings[] = {"users_total=3000", "roaming=0%", NULL};

    make(row, settings);
    state = (struct traffic_state){.since_us = 60000000};
    memset(mix, 0, sizeof mix);
    mix[TRAFFIC_METADATA_READ] = 1;
}

static void tear_down(void)
{
    traffic_free(traffic);
    deployment_free(deployment);
}

static void start_over(const char *topology, const char *const *settings)
{
    tear_down();
    make(topology, settings);
}

/* ---- loads ---- */

START_TEST(a_dead_regions_reads_are_the_next_ones_load)
{
    struct loads *loads = loads_create(traffic, &state, mix, 300);
    struct load_worst worst;

    for (uint32_t region = A; region <= C; region++)
        ck_assert_double_eq_tol(loads_with(loads, 0)->per_s[region], 100, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, BIT(A))->per_s[A], 0, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, BIT(A))->per_s[B], 200, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, BIT(A))->per_s[C], 100, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, BIT(A) | BIT(B))->per_s[C], 300, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, BIT(A) | BIT(B))->failing, 0, 1e-12);
    ck_assert_double_eq_tol(loads_with(loads, 7)->failing, 1, 1e-12);

    loads_worst(loads, B, &worst);
    ck_assert_double_eq_tol(worst.now_per_s, 100, 1e-9);
    ck_assert_double_eq_tol(worst.worst_per_s, 200, 1e-9);
    ck_assert_double_eq_tol(worst.headroom, 1, 1e-12);
    ck_assert_uint_eq(worst.after, A);
    /* Nobody's reads come to C: those of B are as near to A, and the first of equals gets them. */
    loads_worst(loads, C, &worst);
    ck_assert_double_eq_tol(worst.headroom, 0, 1e-12);
    ck_assert_uint_eq(worst.after, C);
    loads_free(loads);
}
END_TEST

START_TEST(whoever_takes_part_has_work)
{
    const char *const settings[] = {"users={a: 100}", "roaming=100%", NULL};
    struct loads *loads;

    start_over(row, settings); /* half of the homes are at B, half at C; clients are at A */
    memset(mix, 0, sizeof mix);
    mix[TRAFFIC_LOG_IN] = 1;
    loads = loads_create(traffic, &state, mix, 100);
    ck_assert_double_eq_tol(loads_with(loads, 0)->per_s[A], 100, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, 0)->per_s[B], 50, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, 0)->per_s[C], 50, 1e-9);
    loads_free(loads);

    /* Who has declined a vault read has looked at it, too; B can tell of C's users, C of B's. */
    memset(mix, 0, sizeof mix);
    mix[TRAFFIC_VAULT_READ] = 1;
    state.cut[A] = BIT(B);
    loads = loads_create(traffic, &state, mix, 100);
    ck_assert_double_eq_tol(loads_with(loads, 0)->per_s[A], 100, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, 0)->per_s[B], 50, 1e-9);
    ck_assert_double_eq_tol(loads_with(loads, 0)->per_s[C], 0, 1e-9);
    loads_free(loads);
}
END_TEST

START_TEST(regions_fall_one_after_the_other_or_not)
{
    struct loads *loads = loads_create(traffic, &state, mix, 300);
    struct load_capacity capacity = {.headroom = 0.5};
    struct load_cascade cascade;

    loads_cascade(loads, A, &capacity, &cascade);
    ck_assert_uint_eq(cascade.round_count, 3);
    ck_assert_uint_eq(cascade.rounds[0], BIT(A));
    ck_assert_uint_eq(cascade.rounds[1], BIT(B));
    ck_assert_uint_eq(cascade.rounds[2], BIT(C));
    ck_assert_uint_eq(cascade.fallen, 7);
    ck_assert_double_eq_tol(cascade.failing, 1, 1e-12);

    capacity.headroom = 1; /* exactly as much as is needed */
    loads_cascade(loads, A, &capacity, &cascade);
    ck_assert_uint_eq(cascade.round_count, 1);
    ck_assert_uint_eq(cascade.fallen, BIT(A));
    ck_assert_double_eq_tol(cascade.failing, 0, 1e-12);

    capacity.headroom = 0.999;
    loads_cascade(loads, A, &capacity, &cascade);
    ck_assert_uint_eq(cascade.fallen, 7);

    capacity = (struct load_capacity){.headroom = 0, .least_per_s = 200};
    loads_cascade(loads, A, &capacity, &cascade);
    ck_assert_uint_eq(cascade.fallen, BIT(A));
    loads_free(loads);
}
END_TEST

/* What regions can do was bought for the days when all is well. */
START_TEST(a_world_that_has_lost_a_region_already_has_less_to_spare)
{
    struct load_capacity capacity = {.headroom = 1};
    struct load_cascade cascade;
    struct load_worst worst;
    struct loads *loads;

    state.down = BIT(A);
    loads = loads_create(traffic, &state, mix, 300);
    ck_assert_double_eq_tol(loads_usual(loads)->per_s[A], 100, 1e-9);
    loads_worst(loads, B, &worst);
    ck_assert_double_eq_tol(worst.usual_per_s, 100, 1e-9);
    ck_assert_double_eq_tol(worst.now_per_s, 200, 1e-9);
    ck_assert_double_eq_tol(worst.worst_per_s, 300, 1e-9);
    ck_assert_uint_eq(worst.after, C);
    ck_assert_double_eq_tol(worst.headroom, 2, 1e-12);
    loads_cascade(loads, LOADS_NONE, &capacity, &cascade);
    ck_assert_uint_eq(cascade.fallen, 0);
    ck_assert_uint_eq(cascade.round_count, 0);
    ck_assert_double_eq_tol(cascade.failing, 0, 1e-12);
    loads_cascade(loads, C, &capacity, &cascade);
    ck_assert_uint_eq(cascade.fallen, BIT(B) | BIT(C));
    capacity.headroom = 0.5;
    loads_cascade(loads, LOADS_NONE, &capacity, &cascade);
    ck_assert_uint_eq(cascade.round_count, 2);
    ck_assert_uint_eq(cascade.rounds[0], BIT(B));
    ck_assert_uint_eq(cascade.rounds[1], BIT(C));
    loads_free(loads);
}
END_TEST

START_TEST(a_region_without_work_falls_when_it_gets_any_unless_it_stands_by)
{
    const char *const settings[] = {"users={a: 100, c: 100}", "roaming=0%", NULL};
    struct load_capacity capacity = {.headroom = 9};
    struct load_cascade cascade;
    struct loads *loads;

    start_over(row, settings);
    loads = loads_create(traffic, &state, mix, 200);
    loads_cascade(loads, A, &capacity, &cascade);
    ck_assert_uint_eq(cascade.fallen, BIT(A) | BIT(B)); /* then C has all, and can do it */
    capacity.least_per_s = 100;
    loads_cascade(loads, A, &capacity, &cascade);
    ck_assert_uint_eq(cascade.fallen, BIT(A));
    loads_free(loads);
}
END_TEST

/* ---- where requests go ---- */

static struct routing_row (*measure(void))[TRAFFIC_OPERATION_COUNT]
{
    static struct routing_row rows[4][TRAFFIC_OPERATION_COUNT];

    ck_assert_uint_le(deployment->geo_count, 4);
    routing_measure(traffic, &state, mix, rows);
    return rows;
}

START_TEST(a_row_tells_what_becomes_of_a_places_requests)
{
    const char *const settings[] = {"users={a: 300, c: 100}", "roaming=50%", NULL};
    const struct routing_row *got;

    start_over(row, settings); /* homes of A's: A 50%, B and C 25% each */
    mix[TRAFFIC_METADATA_READ] = 0.5;
    mix[TRAFFIC_METADATA_WRITE] = 0.5;
    got = &measure()[A][TRAFFIC_METADATA_WRITE];
    ck_assert_double_eq_tol(got->weight, 0.375, 1e-12);
    ck_assert_double_eq_tol(got->kinds[TRAFFIC_FINE], 1, 1e-12);
    ck_assert_double_eq_tol(got->regions[A], 0.5, 1e-12);
    ck_assert_double_eq_tol(got->regions[B], 0.25, 1e-12);
    ck_assert_double_eq_tol(got->round_trip_us, 0.5 * 1000 + 0.25 * 11000 + 0.25 * 31000, 1e-6);
    ck_assert_uint_eq(routing_measure_main(got), A);

    state.down = BIT(A);
    got = &measure()[A][TRAFFIC_METADATA_WRITE];
    ck_assert_double_eq_tol(got->kinds[TRAFFIC_QUEUED], 0.5, 1e-12);
    ck_assert_double_eq_tol(got->kinds[TRAFFIC_FINE], 0.5, 1e-12);
    ck_assert_double_eq_tol(got->regions[B], 0.75, 1e-12); /* queued, or at home */
    ck_assert_double_eq_tol(got->regions[C], 0.25, 1e-12);
    ck_assert_double_eq_tol(got->round_trip_us, 0.75 * 11000 + 0.25 * 31000, 1e-6);
    ck_assert_double_eq_tol(got->usual_us, 0.5 * 1000 + 0.25 * 11000 + 0.25 * 31000, 1e-6);
    ck_assert_uint_eq(routing_measure_main(got), B);

    traffic_rules(traffic)->queue_writes = false;
    got = &measure()[A][TRAFFIC_METADATA_WRITE];
    ck_assert_double_eq_tol(got->kinds[TRAFFIC_READ_ONLY], 0.5, 1e-12);
    ck_assert_double_eq_tol(got->answered, 0.5, 1e-12);
    ck_assert_double_eq_tol(got->regions[B], 0.25, 1e-12);
    ck_assert_double_eq_tol(got->round_trip_us, (11000 + 31000) / 2.0, 1e-6);
    ck_assert_double_eq_tol(got->usual_us, (11000 + 31000) / 2.0, 1e-6);

    state.down = 7;
    got = &measure()[A][TRAFFIC_METADATA_READ];
    ck_assert_double_eq_tol(got->kinds[TRAFFIC_FAILS], 1, 1e-12);
    ck_assert_uint_eq(routing_measure_main(got), POLICY_NONE);
}
END_TEST

/* By the map New York is nearer to us-east; the file says that the way is long. */
START_TEST(the_map_may_be_wrong)
{
    static const char world[] = "regions: [{name: us-east}, {name: eu-west}]\n"
                                "links:\n"
                                "  - {between: ['client:new-york', us-east], rtt: 90ms}\n"
                                "  - {between: ['client:new-york', eu-west], rtt: 70ms}\n";
    const char *const settings[] = {"users={New York: 100}", NULL};
    struct routing_nearest nearest;

    start_over(world, settings);
    routing_measure_nearest(traffic, &state, 0, &nearest);
    ck_assert_uint_eq(nearest.by_map, 0);
    ck_assert_uint_eq(nearest.by_policy, 1);
    ck_assert_uint_eq(nearest.map_us, 90000);
    ck_assert_uint_eq(nearest.policy_us, 70000);
    ck_assert_double_eq_tol(nearest.distance_km,
                            geo_distance_km(&deployment->geos[0].place, &deployment->place[0]),
                            1e-9);
    state.down = BIT(1);
    state.since_us = UINT64_C(3600000000);
    routing_measure_nearest(traffic, &state, 0, &nearest);
    ck_assert_uint_eq(nearest.by_policy, 0); /* whether tokens still hold is not asked */
    state.down = 3;
    routing_measure_nearest(traffic, &state, 0, &nearest);
    ck_assert_uint_eq(nearest.by_policy, POLICY_NONE);
    ck_assert_uint_eq(nearest.by_map, POLICY_NONE);
}
END_TEST

/* ---- what is broken, as it is written ---- */

static int read_state(const char *key, const char *value, struct traffic_state *ret_state,
                      char **ret_error)
{
    static const struct params_spec specs[] = {TRAFFIC_STATE_PARAMS};
    struct params *params = params_create(specs, TRAFFIC_STATE_PARAM_COUNT);
    size_t index;

    ck_assert_int_eq(params_find(params, key, &index), 0);
    ck_assert_int_eq(params_set(params, index, value, ret_error), 0);
    int error = traffic_state_read(params, 0, deployment, ret_state, ret_error);
    params_free(params);
    return error;
}

START_TEST(what_is_broken_is_read)
{
    struct traffic_state got;
    char *error = NULL;

    ck_assert_int_eq(read_state("down", "", &got, &error), 0);
    ck_assert_uint_eq(got.down, 0);
    ck_assert_uint_eq(got.since_us, 60000000);
    ck_assert_int_eq(read_state("down", "a, c", &got, &error), 0);
    ck_assert_uint_eq(got.down, BIT(A) | BIT(C));
    ck_assert_int_eq(read_state("isolate", "b", &got, &error), 0);
    ck_assert_uint_eq(got.isolated, BIT(B));
    ck_assert_int_eq(read_state("replicator_down", "c", &got, &error), 0);
    ck_assert_uint_eq(got.replicators_down, BIT(C));
    ck_assert_int_eq(read_state("disk_full", "a", &got, &error), 0);
    ck_assert_uint_eq(got.full, BIT(A));
    ck_assert_int_eq(read_state("cut", "a/b,client:c/a , client:*/b", &got, &error), 0);
    ck_assert_uint_eq(got.cut[A], BIT(B));
    ck_assert_uint_eq(got.cut[B], BIT(A));
    ck_assert_uint_eq(got.cut[C], 0);
    ck_assert_uint_eq(got.client_cut[A], BIT(B));
    ck_assert_uint_eq(got.client_cut[C], BIT(A) | BIT(B));
    ck_assert_int_eq(read_state("service_down", "a/vault,a/auth,c/metadata", &got, &error), 0);
    ck_assert_uint_eq(got.services_down[A], 1u << PARTS_VAULT | 1u << PARTS_AUTH);
    ck_assert_uint_eq(got.services_down[B], 0);
    ck_assert_uint_eq(got.services_down[C], 1u << PARTS_METADATA);
    ck_assert_int_eq(read_state("control_down", "on", &got, &error), 0);
    ck_assert(got.control_down);
    ck_assert_int_eq(read_state("since", "2h", &got, &error), 0);
    ck_assert_uint_eq(got.since_us, UINT64_C(7200000000));
}
END_TEST

struct mistake {
    const char *key, *value, *error;
};

static const struct mistake mistakes[] = {
    {"down", "a,bb", "--down: there is no region \"bb\"; did you mean \"b\"?"},
    {"down", "a,", "--down: there is no region \"\""},
    {"isolate", "atlantis", "--isolate: there is no region \"atlantis\""},
    {"cut", "a", "--cut: \"a\" is not written as A/B"},
    {"cut", "a/b/c", "--cut: \"a/b/c\" is not written as A/B"},
    {"cut", "a/a", "--cut: a link has two different ends, not \"a\" twice"},
    {"cut", "a/client:b", "--cut: there is no region \"client:b\""},
    {"cut", "client:Paris/a", "--cut: there are no users at \"Paris\""},
    {"cut", "client:Nowhere/a", "--cut: there are no users at \"Nowhere\""},
    {"service_down", "a/mail", "--service-down: there is no service \"mail\""},
    {"service_down", "d/vault", "--service-down: there is no region \"d\""},
    {"service_down", "vault", "--service-down: \"vault\" is not written as REGION/SERVICE"},
};

#define MISTAKE_COUNT (sizeof(mistakes) / sizeof(mistakes[0]))

START_TEST(a_mistake_is_told)
{
    const struct mistake *mistake = &mistakes[_i];
    struct traffic_state got;
    char *error = NULL;

    ck_assert_int_eq(read_state(mistake->key, mistake->value, &got, &error), -EINVAL);
    ck_assert_msg(strncmp(error, mistake->error, strlen(mistake->error)) == 0, "%s", error);
    free(error);
}
END_TEST

/* ---- the model ---- */

START_TEST(the_model_tells_all_of_it)
{
    const char *const settings[] = {"users={a: 2000, c: 1000}",
                                    "roaming=0%",
                                    "down=a",
                                    "mix_metadata_read=60",
                                    "mix_metadata_reread=0",
                                    "mix_metadata_write=40",
                                    "mix_vault_read=0",
                                    "mix_shared_read=0",
                                    "mix_vault_write=0",
                                    "mix_token_refresh=0",
                                    "mix_log_in=0",
                                    "mix_sign_up=0",
                                    "requests_per_user_day=864",
                                    "peak_factor=1",
                                    "capacity_least=20",
                                    NULL};
    char *error = NULL;
    json_t *json = model_fixture_run(&routing_model, row, settings, &error);
    json_t *got;

    ck_assert_ptr_nonnull(json);
    got = model_fixture_row(json, "routes", "operation", "metadata writes");
    ck_assert_str_eq(json_string_value(json_object_get(got, "place")), "a");
    ck_assert_str_eq(json_string_value(json_object_get(got, "region")), "b");
    ck_assert_double_eq_tol(model_fixture_number(got, "share"), 2 / 3.0 * 0.4, 1e-12);
    ck_assert_double_eq_tol(model_fixture_number(got, "queued"), 1, 1e-12);
    ck_assert_double_eq_tol(model_fixture_number(got, "round_trip_us"), 11000, 1e-6);
    got = model_fixture_row(json, "flows", "place", "a");
    ck_assert_double_eq_tol(model_fixture_number(got, "b"), 1, 1e-12);
    ck_assert_double_eq_tol(model_fixture_number(got, "refused"), 0, 1e-12);
    got = model_fixture_row(json, "nearest", "place", "c");
    ck_assert_str_eq(json_string_value(json_object_get(got, "by_policy")), "c");
    /* 3,000 users, a request each 100 s: 20 a second were A's, 10 are C's. */
    got = model_fixture_row(json, "headroom", "region", "b");
    ck_assert_double_eq_tol(model_fixture_number(got, "usual_per_s"), 0, 1e-9);
    ck_assert_double_eq_tol(model_fixture_number(got, "now_per_s"), 20, 1e-9);
    ck_assert_double_eq_tol(model_fixture_number(got, "worst_per_s"), 30, 1e-9);
    ck_assert(json_is_null(json_object_get(got, "headroom")));
    got = model_fixture_row(json, "cascade", "killed", "c");
    ck_assert_str_eq(json_string_value(json_object_get(got, "chain")), "c, then b");
    ck_assert_double_eq_tol(model_fixture_number(got, "failing"), 1, 1e-12);
    got = model_fixture_row(json, "cascade", "killed", "-");
    ck_assert_double_eq_tol(model_fixture_number(got, "fallen"), 0, 1e-12);
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(json, "tables"), "cascade")),
                      3); /* a is dead already */
    json_decref(json);
}
END_TEST

START_TEST(the_model_says_where_what_it_is_told_makes_no_sense)
{
    const char *const nowhere[] = {"down=d", NULL};
    const char *const nothing[] = {"mix_metadata_read=0",  "mix_metadata_reread=0",
                                   "mix_metadata_write=0", "mix_vault_read=0",
                                   "mix_shared_read=0",    "mix_vault_write=0",
                                   "mix_token_refresh=0",  "mix_log_in=0",
                                   "mix_sign_up=0",        NULL};
    char *error = NULL;

    ck_assert_ptr_null(model_fixture_run(&routing_model, row, nowhere, &error));
    ck_assert_str_eq(error, "--down: there is no region \"d\"; did you mean \"a\"?");
    free(error);
    ck_assert_ptr_null(model_fixture_run(&routing_model, row, nothing, &error));
    ck_assert_ptr_nonnull(strstr(error, "all parts of the request mix are 0"));
    free(error);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_dead_regions_reads_are_the_next_ones_load,
        whoever_takes_part_has_work,
        regions_fall_one_after_the_other_or_not,
        a_world_that_has_lost_a_region_already_has_less_to_spare,
        a_region_without_work_falls_when_it_gets_any_unless_it_stands_by,
        a_row_tells_what_becomes_of_a_places_requests,
        the_map_may_be_wrong,
        what_is_broken_is_read,
        the_model_tells_all_of_it,
        the_model_says_where_what_it_is_told_makes_no_sense,
    };
    const struct suite_loop loops[] = {{a_mistake_is_told, (int)MISTAKE_COUNT}};

    return suite_run(&(struct suite){.name = "model_routing",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
