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
        "  - {between: [\"client:Paris\", berlin], rtt: 25ms, jitter: 3ms, loss: 0.5%, rate: "
        "8mbit}\n"
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
    for (size_t way = 0; way < 2; way++) {
        const struct link_profile *row =
            way == 0 ? &deployment->from_client[0][1] : &deployment->to_client[0][1];
        ck_assert_uint_eq(row->latency_us, 12500);
        ck_assert_uint_eq(row->jitter_us, 3000);
        ck_assert_uint_eq(row->loss_ppm, 5000);
        ck_assert_uint_eq(row->rate_bytes_per_s, 1000000);
    }
    ck_assert_uint_eq(deployment->from_client[0][0].jitter_us, 0);
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

#define TWO "regions:\n  - name: us-east\n  - {name: berlin, place: Berlin}\n"

START_TEST(what_makes_no_sense_is_told_with_its_place)
{
    static const struct {
        const char *parameter, *text, *topology, *error;
    } rows[] = {
        {"regions", "mars", NULL, "--regions: \"mars\" is no built-in region"},
        {"regions", "0", NULL, "--regions: there are 1 to 12 built-in regions, not 0"},
        {"regions", "13", NULL, "--regions: there are 1 to 12 built-in regions, not 13"},
        {"regions", "us-east,us-east", NULL, "--regions: region \"us-east\" is there twice"},
        {"regions", "us-east,", NULL, "--regions: \"\" is no region name"},
        {"regions", "us-east, eu-west", NULL, "--regions: \" eu-west\" is no region name"},
        {"regions", "mars", TWO,
         "--regions: t.yaml:1: regions: none of \"mars\" is a region of the file"},
        {"regions", "3", TWO, "--regions: t.yaml:1: regions: the file has 2 regions, not 3"},
        {"regions", "0", TWO, "--regions: t.yaml:1: regions: the file has 2 regions, not 0"},
        {"regions", "us-east,berlni", TWO, "--regions: \"berlni\" is no region of t.yaml"},
        {"regions", "berlin,us-eats",
         "regions:\n  - name: us-east\n  - {name: berlin, place: "
         "Berlin}\n  - name: us-west\n",
         "--regions: \"us-eats\" is no region of t.yaml"},
        {"regions", "us-east,berln", TWO, "--regions: \"berln\" is no region of t.yaml"},
        {"regions", "berlin,berlin", TWO, "--regions: a region is there twice"},
        {"regions", "berlin,", TWO, "--regions: \"\" is no region of t.yaml"},
        {"regions", "berlin", TWO "seed: x\n", "t.yaml:4: seed: "},
        {"users", "[1]", NULL, "--users:1: places and numbers are wanted"},
        {"users", "5M", NULL, "--users:1: places and numbers are wanted"},
        {"users", "{Atlantis: 5}", NULL,
         "--users:1: Atlantis: neither a region nor a place that is known"},
        {"users", "{Paris: 5, paris: 6}", NULL,
         "--users:1: paris: the place is there twice, as \"paris\""},
        {"users", "{Paris: }", NULL, "--users:1: Paris: it has no value"},
        {"users", "{Paris: -5}", NULL, "--users:1: Paris: \"-5\" is negative"},
        {"users", "{Paris: nan}", NULL,
         "--users:1: Paris: \"nan\" is not a whole number such as 12 or 50M"},
        {"users", "{Paris: 1.5}", NULL,
         "--users:1: Paris: \"1.5\" is not a whole number such as 12 or 50M"},
        {"users", "{Paris: [1]}", NULL,
         "--users:1: Paris: a number of users is wanted here: 12000 or 5M"},
        {"users", "{Paris: -0}", NULL, "--users:1: Paris: \"-0\" is negative"},
        {"users", "{Paris: 9007199254740992}", NULL,
         "--users:1: Paris: \"9007199254740992\" is too large"},
        {"users", "{Paris: 5, Atlantis: 5}", NULL,
         "--users:1: Atlantis: neither a region nor a place that is known"},
        {"users", "{\"48.86,2.35\": 5, \"48.860,2.349\": 6}", NULL,
         "--users:1: 48.860,2.349: the place is there twice, as \"48.86,2.35\""},
        {"users", "{us-east: 5, US East: 6}", NULL,
         "--users:1: US East: the place is there twice, as \"us-east\""},
        {"users", "{\"91,0\": 5}", NULL,
         "--users:1: 91,0: neither a region nor a place that is known"},
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

/* What a file of parameters says wrongly stands on its lines. */
START_TEST(files_of_parameters_are_told_with_their_lines)
{
    static const char *const rows[][2] = {
        {"roaming: 5%\nregions: mars\n",
         "f.yaml:2: regions: \"mars\" is no built-in region, so it needs a place"},
        {"users:\n  Paris: 5\n  Atlantis: 6\n",
         "f.yaml:3: users.Atlantis: neither a region nor a place that is known"},
        {"users:\n  Paris: 5\n\n  paris: 6\n",
         "f.yaml:4: users.paris: the place is there twice, as \"paris\""},
        {"users:\n  Paris: -1\n", "f.yaml:2: users.Paris: \"-1\" is negative"},
        {"users: [5]\n",
         "f.yaml:1: users: places and numbers are wanted: {us-east: 5M, Paris: 2M}"},
        {"users: {Paris: 0}\n", "f.yaml:1: users: there are no users"},
        {"\ntopology: t.yaml\n", "f.yaml:2: topology: t.yaml was not read"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct params *params = params_create(specs, DEPLOYMENT_PARAM_COUNT);
        struct deployment *deployment;
        char *error = NULL;
        ck_assert_int_eq(params_read(params, "f.yaml", rows[i][0], strlen(rows[i][0]), &error), 0);
        ck_assert_int_eq(deployment_create(params, 0, &deployment, &error), -EINVAL);
        ck_assert_str_eq(error, rows[i][1]);
        free(error);
        params_free(params);
    }
}
END_TEST

/* Between all built-in regions what common/geo has measured. */
START_TEST(links_of_built_in_regions_are_measured)
{
    struct deployment *deployment = must(
        (const char *const[][2]){
            {"regions", "12"}, {"users", "{Paris: 1, us-west: 1}"}, {NULL, NULL}},
        NULL);

    ck_assert_uint_eq(deployment->region_count, 12);
    for (size_t a = 0; a < 12; a++) {
        ck_assert_str_eq(deployment->region[a], geo_region_at(a)->name);
        ck_assert_str_eq(deployment->place[a].name, geo_region_at(a)->name);
        for (size_t b = 0; b < 12; b++) {
            const struct link_profile *there = &deployment->between[a][b];
            uint64_t round_trip_us = there->latency_us + deployment->between[b][a].latency_us;
            ck_assert_uint_eq(
                round_trip_us,
                a == b ? 0 : geo_round_trip_us(&deployment->place[a], &deployment->place[b]));
            ck_assert_uint_eq(there->jitter_us, 0);
            ck_assert_uint_eq(there->loss_ppm, 0);
        }
    }
    for (size_t g = 0; g < 2; g++) {
        const struct deployment_geo *geo = &deployment->geos[g];
        uint64_t least_us = UINT64_MAX;
        for (size_t r = 0; r < 12; r++) {
            uint64_t round_trip_us = geo_round_trip_us(&geo->place, &deployment->place[r]);
            /* Halves of whole microseconds, out and back. */
            ck_assert_uint_eq(geo->round_trip_us[r], (round_trip_us + 1) / 2 * 2);
            least_us = round_trip_us < least_us ? round_trip_us : least_us;
        }
        ck_assert_uint_eq(geo->round_trip_us[geo->nearest], least_us);
    }
    deployment_free(deployment);
}
END_TEST

START_TEST(homes_of_users_sum_to_one)
{
    static const char *const shares[] = {"0", "2%", "33.3%", "100%"};
    static const double values[] = {0, 0.02, 0.333, 1};

    for (size_t i = 0; i < 4; i++) {
        struct deployment *deployment = must(
            (const char *const[][2]){{"regions", "7"}, {"roaming", shares[i]}, {NULL, NULL}}, NULL);
        for (size_t g = 0; g < deployment->geo_count; g++) {
            const struct deployment_geo *geo = &deployment->geos[g];
            double sum = 0;
            for (size_t r = 0; r < 7; r++) {
                double expected = r == geo->nearest ? 1 - values[i] : values[i] / 6;
                ck_assert_double_eq(geo->home_share[r], expected);
                sum += geo->home_share[r];
            }
            ck_assert_double_eq_tol(sum, 1, 1e-15);
            for (size_t r = 7; r < TOPOLOGY_REGIONS_MAX; r++)
                ck_assert_double_eq(geo->home_share[r], 0);
        }
        deployment_free(deployment);
    }
}
END_TEST

/* Of equally near regions the first; and a region that lies elsewhere than its name says. */
START_TEST(the_first_of_equally_near_regions_is_home)
{
    struct deployment *deployment =
        must((const char *const[][2]){{"users", "{Paris: 1}"}, {NULL, NULL}},
             "regions:\n  - {name: b, place: Berlin}\n  - {name: us-east, place: Paris}\n"
             "  - {name: a, place: Paris}\n");

    ck_assert_uint_eq(deployment->geos[0].nearest, 1);
    ck_assert_uint_eq(deployment->geos[0].round_trip_us[1], 1000);
    ck_assert_uint_eq(deployment->geos[0].round_trip_us[2], 1000);
    ck_assert_double_eq(deployment->users, 1);
    deployment_free(deployment);
}
END_TEST

START_TEST(a_world_in_slow_motion_has_slow_links)
{
    struct deployment *deployment =
        must(NULL, "regions:\n  - name: us-east\n  - name: eu-west\nslow_motion: 10\n");
    uint64_t round_trip_us = geo_round_trip_us(&deployment->place[0], &deployment->place[1]);

    ck_assert_uint_eq(deployment->between[0][1].latency_us + deployment->between[1][0].latency_us,
                      10 * round_trip_us);
    ck_assert_uint_eq(deployment->geos[0].round_trip_us[1], 10 * round_trip_us);
    deployment_free(deployment);
}
END_TEST

/* Only regions: `users` is not even read. */
START_TEST(regions_alone_need_no_users)
{
    struct params *params = params_create(specs, DEPLOYMENT_PARAM_COUNT);
    struct deployment *deployment;
    struct link_profile out, back;
    char *error = NULL;

    ck_assert_int_eq(params_set(params, DEPLOYMENT_REGIONS, "us-east,eu-west", &error), 0);
    ck_assert_int_eq(params_set(params, DEPLOYMENT_USERS, "{Atlantis: 5}", &error), 0);
    ck_assert_int_eq(deployment_create_regions(params, 0, &deployment, &error), 0);
    params_free(params);
    ck_assert_uint_eq(deployment->region_count, 2);
    ck_assert_uint_eq(deployment->geo_count, 0);
    ck_assert_int_eq(deployment_client_links(deployment, "us-east", 0, &out, &back), 0);
    ck_assert_uint_eq(out.latency_us + back.latency_us, 1000);
    ck_assert_int_eq(deployment_client_links(deployment, "us-east", 1, &out, &back), 0);
    ck_assert_uint_eq(out.latency_us + back.latency_us,
                      geo_round_trip_us(&deployment->place[0], &deployment->place[1]));
    deployment_free(deployment);
    deployment_free(NULL);
}
END_TEST

/* @count regions along the equator. The caller frees the text. */
static char *equator(size_t count)
{
    struct text text = {0};

    text_add(&text, "regions:\n");
    for (size_t i = 0; i < count; i++)
        text_add(&text, "  - {name: r%zu, place: \"0,%zu\"}\n", i, 5 * i);
    return text_take(&text);
}

START_TEST(there_may_be_32_regions)
{
    char *most = equator(TOPOLOGY_REGIONS_MAX);
    char *more = equator(TOPOLOGY_REGIONS_MAX + 1);
    struct deployment *deployment = must(NULL, most);
    char *error = NULL;

    ck_assert_uint_eq(deployment->region_count, 32);
    ck_assert_uint_eq(deployment->geo_count, 32);
    ck_assert_double_eq_tol(deployment->users, 1e6, 1e-6);
    for (size_t g = 0; g < 32; g++) {
        ck_assert_double_eq(deployment->geos[g].users, 1e6 / 32);
        ck_assert_uint_eq(deployment->geos[g].nearest, g);
        ck_assert_double_eq(deployment->geos[g].home_share[(g + 1) % 32], 0.02 / 31);
    }
    deployment_free(deployment);
    ck_assert_int_eq(make(NULL, more, &deployment, &error), -EINVAL);
    ck_assert_msg(strncmp(error, "t.yaml:33: regions[31]: ", 23) == 0, "%s", error);
    free(error);
    free(most);
    free(more);
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
        files_of_parameters_are_told_with_their_lines,
        links_of_built_in_regions_are_measured,
        homes_of_users_sum_to_one,
        the_first_of_equally_near_regions_is_home,
        a_world_in_slow_motion_has_slow_links,
        regions_alone_need_no_users,
        there_may_be_32_regions,
        there_may_be_128_places,
    };
    return suite_run(&(struct suite){.name = "model_deployment", SUITE_TESTS(tests)});
}
