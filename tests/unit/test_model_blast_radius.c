/* How far failures reach, against what can be worked out by hand. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/blast.h"
#include "sim/model/blast_radius.h"
#include "sim/model/isolation.h"
#include "sim/model/outage.h"
#include "tests/unit/model_fixture.h"
#include "tests/unit/suite.h"

#define EXACTLY  1e-12
#define MINUTE   (UINT64_C(60) * 1000000)
#define AUTH     (1u << PARTS_AUTH)
#define VAULT    (1u << PARTS_VAULT)
#define METADATA (1u << PARTS_METADATA)

static struct deployment *deployment;
static struct traffic *traffic;
/* Each class has two operations; of each, a share of its own. */
static const double mix[TRAFFIC_OPERATION_COUNT] = {[TRAFFIC_METADATA_READ] = 0.4,
                                                    [TRAFFIC_VAULT_READ] = 0.2,
                                                    [TRAFFIC_METADATA_WRITE] = 0.2,
                                                    [TRAFFIC_VAULT_WRITE] = 0.15,
                                                    [TRAFFIC_TOKEN_REFRESH] = 0.05};

static void make(const char *topology, const char *const *settings)
{
    deployment = model_fixture_deployment(topology, settings);
    traffic = traffic_create(deployment);
}

/* Two regions, half of the users each. */
static void set_up(void)
{
    const char *const settings[] = {"regions=us-east,eu-west", "roaming=0%", NULL};

    make(NULL, settings);
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

static struct blast measure(const struct traffic_state *state)
{
    struct blast blast;

    blast_measure(traffic, state, mix, &blast);
    return blast;
}

/* Shares by kind, from fine to fails. */
static void is(const double shares[TRAFFIC_KIND_COUNT], double fine, double slower, double stale,
               double queued, double read_only, double fails)
{
    const double expected[TRAFFIC_KIND_COUNT] = {fine, slower, stale, queued, read_only, fails};

    for (size_t kind = 0; kind < TRAFFIC_KIND_COUNT; kind++)
        ck_assert_msg(fabs(shares[kind] - expected[kind]) < EXACTLY, "%s: %.15g, not %.15g",
                      traffic_kind_name((enum traffic_kind)kind), shares[kind], expected[kind]);
}

/* ---- two regions, half of the users each ---- */

START_TEST(nothing_broken_hits_nobody)
{
    struct traffic_state state = {.since_us = MINUTE};
    struct blast blast = measure(&state);

    is(blast.users, 1, 0, 0, 0, 0, 0);
    for (unsigned each = 0; each < BLAST_CLASS_COUNT; each++)
        is(blast.classes[each], 1, 0, 0, 0, 0, 0);
    state.control_down = true;
    blast = measure(&state);
    is(blast.users, 1, 0, 0, 0, 0, 0);
    is(blast.classes[BLAST_ALL], 1, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(one_of_two_dies)
{
    struct traffic_state state = {.down = 1};
    struct blast blast = measure(&state);

    /* All reads are served, those of half of the users by a copy that hears nothing any more. */
    is(blast.classes[BLAST_READS], 0.5, 0, 0.5, 0, 0, 0);
    is(blast.classes[BLAST_WRITES], 0.5, 0, 0, 0.5, 0, 0);
    is(blast.classes[BLAST_SENSITIVE], 0.5, 0, 0, 0, 0, 0.5);
    is(blast.classes[BLAST_ALL], 0.5, 0, 0.3, 0.1, 0, 0.1);
    is(blast.users, 0.5, 0, 0, 0, 0, 0.5);

    state.since_us = MINUTE; /* vault reads, a third of all, are not trusted any more */
    is(measure(&state).classes[BLAST_READS], 0.5, 0, 0.5 * 2 / 3, 0, 0, 0.5 / 3);

    state.since_us = 10 * MINUTE; /* tokens have run out */
    blast = measure(&state);
    is(blast.classes[BLAST_READS], 0.5, 0, 0, 0, 0, 0.5);
    is(blast.classes[BLAST_WRITES], 0.5, 0, 0, 0, 0, 0.5);

    traffic_rules(traffic)->queue_writes = false;
    state.since_us = 0;
    is(measure(&state).classes[BLAST_WRITES], 0.5, 0, 0, 0, 0.5, 0);
}
END_TEST

START_TEST(both_of_two_die)
{
    struct traffic_state state = {.down = 3};
    struct blast blast = measure(&state);

    is(blast.classes[BLAST_ALL], 0, 0, 0, 0, 0, 1);
    is(blast.users, 0, 0, 0, 0, 0, 1);
}
END_TEST

START_TEST(a_service_of_one_of_two_is_down)
{
    struct traffic_state state = {.services_down = {METADATA}, .since_us = MINUTE};
    struct blast blast = measure(&state);

    is(blast.classes[BLAST_READS], 0.5 + 0.5 / 3, 0.5 * 2 / 3, 0, 0, 0, 0);
    is(blast.classes[BLAST_WRITES], 0.5, 0, 0, 0.5, 0, 0);
    is(blast.classes[BLAST_SENSITIVE], 1, 0, 0, 0, 0, 0);
    is(blast.users, 0.5, 0, 0, 0.5, 0, 0);

    state.services_down[0] = VAULT;
    blast = measure(&state);
    is(blast.classes[BLAST_READS], 0.5 + 0.5 * 2 / 3, 0.5 / 3, 0, 0, 0, 0);
    is(blast.classes[BLAST_WRITES], 1, 0, 0, 0, 0, 0);
    is(blast.classes[BLAST_SENSITIVE], 0.5 + 0.5 / 4, 0, 0, 0, 0, 0.5 * 3 / 4);

    state.services_down[0] = AUTH;
    blast = measure(&state);
    is(blast.classes[BLAST_READS], 0.5 + 0.5 * 2 / 3, 0.5 / 3, 0, 0, 0, 0);
    is(blast.classes[BLAST_WRITES], 1, 0, 0, 0, 0, 0);
    is(blast.classes[BLAST_SENSITIVE], 0.5, 0, 0, 0, 0, 0.5);
    state.since_us = 10 * MINUTE;
    blast = measure(&state);
    is(blast.classes[BLAST_WRITES], 0.5, 0, 0, 0, 0, 0.5);
    is(blast.users, 0.5, 0, 0, 0, 0, 0.5);
}
END_TEST

START_TEST(it_is_users_that_count_not_regions)
{
    const char *const settings[] = {"regions=us-east,eu-west", "users={us-east: 300, eu-west: 100}",
                                    "roaming=20%", NULL};
    struct traffic_state state = {.down = 1};
    double home = 0.75 * 0.8 + 0.25 * 0.2; /* of those, the last ones roam in Europe */
    struct blast blast;

    start_over(NULL, settings);
    blast = measure(&state);
    is(blast.classes[BLAST_WRITES], 1 - home, 0, 0, home, 0, 0);
    is(blast.classes[BLAST_SENSITIVE], 1 - home, 0, 0, 0, 0, home);
    /* Europeans who roam in America have the longer way. */
    is(blast.classes[BLAST_READS], 1 - home - 0.15, 0.15, home, 0, 0, 0);
    is(blast.users, 1 - home - 0.15, 0.15, 0, 0, 0, home);
}
END_TEST

START_TEST(what_fails_in_any_case_is_not_lost_by_a_failure)
{
    const char *const settings[] = {"roaming=0%", NULL};
    struct traffic_state state = {.since_us = MINUTE};
    struct blast blast;

    start_over("regions: [{name: us-east}, {name: eu-west}]\nresidency: {vault: [us-east]}\n",
               settings);
    blast = measure(&state);
    is(blast.classes[BLAST_READS], 1 - 0.5 / 3, 0, 0, 0, 0, 0.5 / 3);
    is(blast.users, 1, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(a_class_that_nobody_asks_for_has_no_shares)
{
    const double reads[TRAFFIC_OPERATION_COUNT] = {[TRAFFIC_METADATA_READ] = 1};
    struct traffic_state state = {.down = 1, .since_us = 0};
    struct blast blast;

    blast_measure(traffic, &state, reads, &blast);
    is(blast.classes[BLAST_WRITES], 0, 0, 0, 0, 0, 0);
    is(blast.classes[BLAST_ALL], 0.5, 0, 0.5, 0, 0, 0);
    is(blast.users, 0.5, 0, 0.5, 0, 0, 0); /* nor does anybody miss it */
}
END_TEST

/* ---- failures and phases ---- */

START_TEST(all_failures_of_a_group_are_there_once)
{
    static const struct {
        enum blast_group group;
        size_t index;
        const char *name;
    } expected[] = {
        {BLAST_REGIONS, 3, "us-west"},
        {BLAST_SERVICES, 0, "us-east/auth"},
        {BLAST_SERVICES, 5, "eu-west/metadata"},
        {BLAST_LINKS, 0, "us-east/eu-west"},
        {BLAST_LINKS, 3, "eu-west/ap-northeast"},
        {BLAST_LINKS, 5, "ap-northeast/us-west"},
        {BLAST_PAIRS, 2, "us-east,us-west"},
        {BLAST_ISOLATED, 1, "eu-west"},
        {BLAST_CONTROL, 0, "control plane"},
    };
    const char *const settings[] = {"regions=4", NULL};
    struct traffic_state state;

    start_over(NULL, settings);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char *name = blast_failure(expected[i].group, expected[i].index, deployment, &state);
        ck_assert_str_eq(name, expected[i].name);
        free(name);
    }
    ck_assert_uint_eq(blast_group_size(BLAST_REGIONS, deployment), 4);
    ck_assert_uint_eq(blast_group_size(BLAST_SERVICES, deployment), 12);
    ck_assert_uint_eq(blast_group_size(BLAST_PAIRS, deployment), 6);
    free(blast_failure(BLAST_LINKS, 5, deployment, &state));
    ck_assert_uint_eq(state.cut[2], 1u << 3);
    ck_assert_uint_eq(state.cut[3], 1u << 2);
    ck_assert_uint_eq(state.down, 0);
    free(blast_failure(BLAST_PAIRS, 5, deployment, &state));
    ck_assert_uint_eq(state.down, 12);
    ck_assert_uint_eq(state.cut[3], 0);
    free(blast_failure(BLAST_SERVICES, 5, deployment, &state));
    ck_assert_uint_eq(state.services_down[1], METADATA);
    free(blast_failure(BLAST_ISOLATED, 1, deployment, &state));
    ck_assert_uint_eq(state.isolated, 2);
    free(blast_failure(BLAST_REPLICATORS, 2, deployment, &state));
    ck_assert_uint_eq(state.replicators_down, 4);
    free(blast_failure(BLAST_DISKS, 0, deployment, &state));
    ck_assert_uint_eq(state.full, 1);
    free(blast_failure(BLAST_CONTROL, 0, deployment, &state));
    ck_assert(state.control_down);
}
END_TEST

START_TEST(phases_follow_each_other_whichever_ends_first)
{
    struct blast_phase phases[BLAST_PHASES];

    blast_phases(traffic, phases);
    ck_assert_double_eq(phases[0].from_us, 0);
    ck_assert_uint_eq(phases[0].since_us, 0);
    ck_assert_double_eq(phases[0].to_us, 5e6);
    ck_assert_double_eq(phases[1].from_us, 5e6);
    ck_assert_uint_eq(phases[1].since_us, 5000001);
    ck_assert_double_eq(phases[1].to_us, 300e6);
    ck_assert_double_eq(phases[2].from_us, 300e6);
    ck_assert_uint_eq(phases[2].since_us, 300000001);
    ck_assert(isinf(phases[2].to_us));
    traffic_rules(traffic)->token_left_us = 1000000;
    blast_phases(traffic, phases);
    ck_assert_double_eq(phases[0].to_us, 1e6);
    ck_assert_double_eq(phases[2].from_us, 5e6);
}
END_TEST

/* ---- how long ---- */

START_TEST(outages_that_are_equally_long)
{
    const struct outage outage = {.median_us = 100, .sigma = 0};

    ck_assert_double_eq(outage_mean_us(&outage), 100);
    ck_assert_double_eq(outage_mean_between_us(&outage, 0, 30), 30);
    ck_assert_double_eq(outage_mean_between_us(&outage, 30, 300), 70);
    ck_assert_double_eq(outage_mean_between_us(&outage, 0, INFINITY), 100);
    ck_assert_double_eq(outage_mean_between_us(&outage, 100, INFINITY), 0);
}
END_TEST

START_TEST(outages_that_vary)
{
    const struct outage outage = {.median_us = 212, .sigma = 1.06};
    const struct outage none = {.median_us = 0, .sigma = 1};
    double mean = 212 * exp(1.06 * 1.06 / 2); /* 371.8 */
    /* Up to the median: of the shorter half its partial expectation, of the longer one the limit;
     * Phi(-1.06) = 0.144572 (tables of the normal distribution). */
    double half = mean * 0.144572299663 + 212 * 0.5;

    ck_assert_double_eq_tol(outage_mean_us(&outage), mean, 1e-9);
    ck_assert_double_eq_tol(outage_mean_us(&outage), 371.8, 0.05);
    ck_assert_double_eq_tol(outage_mean_between_us(&outage, 0, INFINITY), mean, 1e-9);
    ck_assert_double_eq_tol(outage_mean_between_us(&outage, 0, 212), half, 1e-6);
    ck_assert_double_eq_tol(outage_mean_between_us(&outage, 212, INFINITY), mean - half, 1e-6);
    ck_assert_double_eq_tol(outage_mean_between_us(&outage, 0, 1e-9), 1e-9, 1e-15);
    ck_assert_double_eq(outage_mean_between_us(&none, 0, INFINITY), 0);
}
END_TEST

/* ---- isolation ---- */

START_TEST(the_same_users_divided_more_or_less)
{
    const struct isolation_input input = {.region_count = 5,
                                          .largest = 0.4,
                                          .cells = 8,
                                          .cells_of_user = 2,
                                          .failures_per_year = 2,
                                          .mean_minutes = 5256}; /* a hundredth of a year */
    struct isolation_input alone = input;
    struct isolation got;

    isolation_of(ISOLATION_POOL, &input, &got);
    ck_assert_double_eq(got.units, 1);
    ck_assert_double_eq(got.one_fails, 1);
    ck_assert_double_eq(got.poisoned, 1);
    ck_assert_double_eq_tol(got.minutes_per_year, 10512, 1e-9);
    isolation_of(ISOLATION_REGIONS, &input, &got);
    ck_assert_double_eq(got.units, 5);
    ck_assert_double_eq(got.one_fails, 0.4);
    ck_assert_double_eq(got.failures_per_year, 10);
    ck_assert_double_eq_tol(got.minutes_per_year, 10512, 1e-9);
    isolation_of(ISOLATION_CELLS, &input, &got);
    ck_assert_double_eq(got.units, 40);
    ck_assert_double_eq_tol(got.one_fails, 0.05, EXACTLY);
    ck_assert_double_eq_tol(got.poisoned, 0.05, EXACTLY);
    isolation_of(ISOLATION_SHUFFLED, &input, &got);
    ck_assert_double_eq(got.units, 40);
    ck_assert_double_eq(got.one_fails, 0);
    ck_assert_double_eq_tol(got.poisoned, 0.4 / 28, EXACTLY); /* 8 over 2 */
    ck_assert_double_eq_tol(got.minutes_per_year, 525600 * 0.02 * 0.02, 1e-9);

    alone.cells_of_user = 1; /* nothing to shuffle */
    isolation_of(ISOLATION_SHUFFLED, &alone, &got);
    ck_assert_double_eq_tol(got.one_fails, 0.05, EXACTLY);
    ck_assert_double_eq_tol(got.poisoned, 0.05, EXACTLY);
    ck_assert_double_eq_tol(got.minutes_per_year, 10512, 1e-9);
    alone.mean_minutes = 1e9; /* it never comes back */
    isolation_of(ISOLATION_POOL, &alone, &got);
    ck_assert_double_eq(got.minutes_per_year, 525600);
}
END_TEST

/* ---- the model ---- */

static const char *const plain[] = {"regions=us-east,eu-west",
                                    "roaming=0%",
                                    "mix_metadata_read=60",
                                    "mix_metadata_reread=0",
                                    "mix_metadata_write=40",
                                    "mix_vault_read=0",
                                    "mix_shared_read=0",
                                    "mix_vault_write=0",
                                    "mix_token_refresh=0",
                                    "mix_log_in=0",
                                    "mix_sign_up=0",
                                    "region_failures_per_year=3",
                                    "service_failures_per_year=0",
                                    "link_failures_per_year=0",
                                    "failure_median=65m",
                                    "failure_sigma=0",
                                    NULL};

START_TEST(a_year_is_what_its_failures_come_to)
{
    char *error = NULL;
    json_t *json = model_fixture_run(&blast_radius_model, NULL, plain, &error);
    json_t *got;

    ck_assert_ptr_nonnull(json);
    /* Each region fails three times for 65 minutes: five until tokens run out, an hour after. */
    got = model_fixture_row(json, "year", "failure", "eu-west");
    ck_assert_double_eq_tol(model_fixture_number(got, "per_year"), 3, EXACTLY);
    ck_assert_double_eq_tol(model_fixture_number(got, "stale"), 3 * 5 * 0.5 * 0.6, 1e-9);
    ck_assert_double_eq_tol(model_fixture_number(got, "queued"), 3 * 5 * 0.5 * 0.4, 1e-9);
    ck_assert_double_eq_tol(model_fixture_number(got, "fails"), 3 * 60 * 0.5, 1e-9);
    got = model_fixture_row(json, "year_classes", "class", "writes");
    ck_assert_double_eq_tol(model_fixture_number(got, "queued"), 2 * 3 * 5 * 0.5, 1e-9);
    ck_assert_double_eq_tol(model_fixture_number(got, "fails"), 2 * 3 * 60 * 0.5, 1e-9);
    ck_assert_double_eq_tol(model_fixture_number(got, "refused"), 180 / 525600.0, EXACTLY);
    got = model_fixture_row(json, "year_classes", "class", "reads");
    ck_assert_double_eq_tol(model_fixture_number(got, "stale"), 15, 1e-9);
    json_decref(json);
}
END_TEST

START_TEST(each_failure_has_its_row)
{
    char *error = NULL;
    json_t *json = model_fixture_run(&blast_radius_model, NULL, plain, &error);
    json_t *got;

    ck_assert_ptr_nonnull(json);
    got = model_fixture_row(json, "regions", "failure", "us-east");
    ck_assert_double_eq_tol(model_fixture_number(got, "reads_stale"), 0.5, EXACTLY);
    ck_assert_double_eq_tol(model_fixture_number(got, "writes_queued"), 0.5, EXACTLY);
    ck_assert_double_eq_tol(model_fixture_number(got, "users_hit"), 0.5, EXACTLY);
    ck_assert_double_eq_tol(model_fixture_number(got, "users_lose"), 0, EXACTLY);
    got = model_fixture_row(json, "services", "failure", "eu-west/metadata");
    ck_assert_double_eq_tol(model_fixture_number(got, "reads_slower"), 0.5, EXACTLY);
    got = model_fixture_row(json, "pairs", "failure", "us-east,eu-west");
    ck_assert_double_eq_tol(model_fixture_number(got, "users_lose"), 1, EXACTLY);
    got = model_fixture_row(json, "isolated", "failure", "eu-west");
    ck_assert_double_eq_tol(model_fixture_number(got, "writes_queued"), 0.5, EXACTLY);
    got = model_fixture_row(json, "control", "failure", "control plane");
    ck_assert_double_eq_tol(model_fixture_number(got, "users_hit"), 0, EXACTLY);
    got = model_fixture_row(json, "isolation", "layout", "regions");
    ck_assert_double_eq_tol(model_fixture_number(got, "one_fails"), 0.5, EXACTLY);
    ck_assert_double_eq_tol(model_fixture_number(got, "minutes_per_year"), 3 * 65, 1e-9);
    got = model_fixture_row(json, "phases", "failure", "a region"); /* the first: at once */
    ck_assert_double_eq_tol(model_fixture_number(got, "after_us"), 0, EXACTLY);
    ck_assert_double_eq_tol(model_fixture_number(got, "reads_stale"), 0.5, EXACTLY);
    json_decref(json);
}
END_TEST

START_TEST(what_it_is_told_changes_what_it_finds)
{
    const char *const settings[] = {"regions=us-east,eu-west", "roaming=0%", "since=1h",
                                    "queue_writes=read-only", NULL};
    const char *const alone[] = {"regions=us-east", NULL};
    char *error = NULL;
    json_t *json = model_fixture_run(&blast_radius_model, NULL, settings, &error);
    json_t *got;

    ck_assert_ptr_nonnull(json);
    got = model_fixture_row(json, "regions", "failure", "us-east");
    ck_assert_double_eq_tol(model_fixture_number(got, "writes_read_only"), 0.5, EXACTLY);
    /* And of the others' reads those, 3 of 79 by default, of what the lost ones share. */
    ck_assert_double_eq_tol(model_fixture_number(got, "reads_fail"), 0.5 + 0.5 * 0.5 * 3 / 79,
                            EXACTLY);
    json_decref(json);
    json = model_fixture_run(&blast_radius_model, NULL, alone, &error);
    ck_assert_ptr_nonnull(json);
    got = model_fixture_row(json, "regions", "failure", "us-east");
    ck_assert_double_eq_tol(model_fixture_number(got, "users_lose"), 1, EXACTLY);
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(json, "tables"), "pairs")),
                      0);
    json_decref(json);
}
END_TEST

START_TEST(the_model_says_where_what_it_is_told_makes_no_sense)
{
    const char *const cells[] = {"cells=3", "cells_of_user=4", NULL};
    char *error = NULL;

    ck_assert_ptr_null(model_fixture_run(&blast_radius_model, NULL, cells, &error));
    ck_assert_str_eq(error,
                     "--cells-of-user: a user cannot have more cells than the 3 of a region");
    free(error);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_broken_hits_nobody,
        one_of_two_dies,
        both_of_two_die,
        a_service_of_one_of_two_is_down,
        it_is_users_that_count_not_regions,
        what_fails_in_any_case_is_not_lost_by_a_failure,
        a_class_that_nobody_asks_for_has_no_shares,
        all_failures_of_a_group_are_there_once,
        phases_follow_each_other_whichever_ends_first,
        outages_that_are_equally_long,
        outages_that_vary,
        the_same_users_divided_more_or_less,
        a_year_is_what_its_failures_come_to,
        each_failure_has_its_row,
        what_it_is_told_changes_what_it_finds,
        the_model_says_where_what_it_is_told_makes_no_sense,
    };

    return suite_run(&(struct suite){.name = "model_blast_radius",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests)});
}
