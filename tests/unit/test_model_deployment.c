#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/text.h"
#include "sim/model/deployment.h"
#include "tests/unit/suite.h"

static const struct params_spec specs[] = {DEPLOYMENT_PARAMS};

/* @settings are pairs of parameter and text; @topology may be NULL. */
static int make(const char *const (*settings)[2], const char *topology,
                struct deployment **ret_deployment, char **ret_error)
{
    struct params *params = params_create(specs, DEPLOYMENT_PARAM_COUNT);
    int error = 0;

    for (; error == 0 && settings && (*settings)[0]; settings++) {
        size_t index;
        ck_assert_int_eq(params_find(params, (*settings)[0], &index), 0);
        error = params_set(params, index, (*settings)[1], ret_error);
    }
    if (topology) {
        ck_assert_int_eq(params_set(params, DEPLOYMENT_TOPOLOGY, "t.yaml", ret_error), 0);
        params_attach(params, DEPLOYMENT_TOPOLOGY, topology, strlen(topology));
    }
    if (error == 0)
        error = deployment_create(params, 0, ret_deployment, ret_error);
    params_free(params);
    return error;
}

static struct deployment *must(const char *const (*settings)[2], const char *topology)
{
    struct deployment *deployment;
    char *error = NULL;
    int wrong = make(settings, topology, &deployment, &error);

    ck_assert_msg(wrong == 0, "%s", error);
    return deployment;
}

START_TEST(without_a_word_users_are_spread_over_five_regions)
{
    struct deployment *deployment = must(NULL, NULL);

    ck_assert_uint_eq(deployment->region_count, 5);
    ck_assert_uint_eq(deployment->geo_count, 5);
    ck_assert_double_eq(deployment->users, 1e6);
    for (size_t g = 0; g < 5; g++) {
        const struct deployment_geo *geo = &deployment->geos[g];
        double sum = 0;
        ck_assert_double_eq(geo->users, 200000);
        ck_assert_uint_eq(geo->nearest, g);
        ck_assert_double_eq_tol(geo->home_share[g], 0.98, 1e-12);
        for (size_t r = 0; r < 5; r++) {
            sum += geo->home_share[r];
            struct geo_place a = deployment->place[g], b = deployment->place[r];
            ck_assert_uint_eq(geo->round_trip_us[r], geo_round_trip_us(&a, &b));
        }
        ck_assert_double_eq_tol(sum, 1, 1e-12);
    }
    deployment_free(deployment);
}
END_TEST

START_TEST(nobody_roams_where_there_is_one_region)
{
    struct deployment *deployment = must(
        (const char *const[][2]){
            {"regions", "eu-west"}, {"users", "{Paris: 3, \"48.86,2.35\": 4}"}, {NULL, NULL}},
        NULL);

    ck_assert_uint_eq(deployment->region_count, 1);
    ck_assert_uint_eq(deployment->geo_count, 2);
    ck_assert_double_eq(deployment->users, 7);
    ck_assert_double_eq(deployment->geos[0].home_share[0], 1);
    ck_assert_str_eq(deployment->geos[0].place.name, "paris");
    deployment_free(deployment);
}
END_TEST

START_TEST(links_are_those_of_the_topology)
{
    static const char topology[] =
        "regions:\n  - name: us-east\n  - {name: berlin, place: Berlin}\n"
        "links:\n  - {between: [us-east, berlin], rtt: 90ms, jitter: 2ms, loss: 1%}\n"
        "  - {between: [\"client:Paris\", berlin], rtt: 25ms}\n"
        "  - {between: [\"client:Paris\", us-east], rtt: 5ms}\n";
    struct link_profile out, back;
    uint32_t region;
    struct deployment *deployment = must(
        (const char *const[][2]){
            {"users", "{Paris: 10, berlin: 5}"}, {"roaming", "50%"}, {NULL, NULL}},
        topology);

    ck_assert_uint_eq(deployment->between[0][1].latency_us, 45000);
    ck_assert_uint_eq(deployment->between[1][0].jitter_us, 2000);
    ck_assert_uint_eq(deployment->between[1][0].loss_ppm, 10000);
    ck_assert_uint_eq(deployment->between[1][1].latency_us, 0);
    /* By the map Berlin is nearer; by the links it is Virginia. */
    ck_assert_uint_eq(deployment->geos[0].nearest, 0);
    ck_assert_uint_eq(deployment->geos[0].round_trip_us[1], 25000);
    ck_assert_double_eq(deployment->geos[0].home_share[1], 0.5);
    ck_assert_uint_eq(deployment->geos[1].nearest, 1);
    ck_assert_uint_eq(deployment->geos[1].round_trip_us[1], 1000);
    ck_assert_int_eq(deployment_client_links(deployment, "Paris", 1, &out, &back), 0);
    ck_assert_uint_eq(out.latency_us + back.latency_us, 25000);
    ck_assert_int_eq(deployment_client_links(deployment, "Atlantis", 1, &out, &back), -EINVAL);
    ck_assert_int_eq(deployment_region(deployment, "berlin", &region), 0);
    ck_assert_uint_eq(region, 1);
    ck_assert_int_eq(deployment_region(deployment, "paris", &region), -ENOENT);
    deployment_free(deployment);
}
END_TEST

START_TEST(what_makes_no_sense_is_told_with_its_place)
{
    static const struct {
        const char *parameter, *text, *topology, *error;
    } rows[] = {
        {"regions", "mars", NULL, "--regions: \"mars\" is no built-in region"},
        {"regions", "0", NULL, "--regions: "},
        {"regions", "13", NULL, "--regions: "},
        {"users", "[1]", NULL, "--users:1: places and numbers are wanted"},
        {"users", "5M", NULL, "--users:1: places and numbers are wanted"},
        {"users", "{Atlantis: 5}", NULL,
         "--users:1: Atlantis: neither a region nor a place that is known"},
        {"users", "{Paris: 5, paris: 6}", NULL,
         "--users:1: paris: the place is there twice, as \"paris\""},
        {"users", "{Paris: }", NULL, "--users:1: Paris: it has no value"},
        {"users", "{Paris: -5}", NULL, "--users:1: Paris: \"-5\" is negative"},
        {"users", "{Paris: nan}", NULL,
         "--users:1: Paris: \"nan\" is not a number of users such as 12000 or 5M"},
        {"users", "{Paris: 1.5}", NULL,
         "--users:1: Paris: \"1.5\" is not a number of users such as 12000 or 5M"},
        {"users", "{Paris: [1]}", NULL,
         "--users:1: Paris: it is not a number of users such as 12000 or 5M"},
        {"users", "{Paris: 0}", NULL, "--users:1: there are no users"},
        {"users_total", "0", NULL, "--users-total: \"0\" is not from 1 to 1"},
        {"roaming", "101%", NULL, "--roaming: \"101%\" is not from 0 to 100%"},
        {"regions", "", "regions: [{name: nowhere-known}]", "t.yaml:1: "},
        {"regions", "", "regions:\n  - name: us-east\n    nme: x\n", "t.yaml:3: "},
        {"regions", "", "", "t.yaml:1: "},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const settings[][2] = {{rows[i].parameter, rows[i].text}, {NULL, NULL}};
        struct deployment *deployment;
        char *error = NULL;
        ck_assert_int_eq(make(settings, rows[i].topology, &deployment, &error), -EINVAL);
        ck_assert_msg(strncmp(error, rows[i].error, strlen(rows[i].error)) == 0, "%s", error);
        free(error);
    }
}
END_TEST

/* Places by their coordinates, as many as wanted. */
static int make_places(size_t count, char **ret_error)
{
    struct text users = {0};
    struct deployment *deployment = NULL;

    for (size_t i = 0; i < count; i++)
        text_add(&users, "%s\"%zu.5,%zu.25\": 1", i == 0 ? "{" : ", ", i % 60, i / 60);
    text_add(&users, "}");
    const char *const settings[][2] = {{"users", users.data}, {NULL, NULL}};
    int error = make(settings, NULL, &deployment, ret_error);
    if (error == 0)
        deployment_free(deployment);
    free(users.data);
    return error;
}

START_TEST(there_may_be_128_places)
{
    char *error = NULL;

    ck_assert_int_eq(make_places(DEPLOYMENT_GEOS_MAX, &error), 0);
    ck_assert_int_eq(make_places(DEPLOYMENT_GEOS_MAX + 1, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "more than 128 places"));
    free(error);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_a_word_users_are_spread_over_five_regions,
        nobody_roams_where_there_is_one_region,
        links_are_those_of_the_topology,
        what_makes_no_sense_is_told_with_its_place,
        there_may_be_128_places,
    };
    return suite_run(&(struct suite){.name = "model_deployment", SUITE_TESTS(tests)});
}
