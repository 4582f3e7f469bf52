#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/network.h"
#include "tests/unit/suite.h"

#define ROWS_MAX 16

/* A config of four regions: three built in, and one that is not. */
struct world {
    Mec__RegionConfig regions[4];
    Mec__RegionConfig *region_list[4];
    Mec__LinkConfig rows[ROWS_MAX];
    Mec__LinkConfig *row_list[ROWS_MAX];
    Mec__ListenerConfig listener;
    Mec__ListenerConfig *listener_list[1];
    Mec__Settings settings;
    Mec__Config config;
};

static struct world world;
static struct network *network;

static void add_region(char *name, double latitude, double longitude)
{
    size_t i = world.config.n_regions++;
    world.regions[i] = (Mec__RegionConfig)MEC__REGION_CONFIG__INIT;
    world.regions[i].name = name;
    world.regions[i].latitude = latitude;
    world.regions[i].longitude = longitude;
    world.region_list[i] = &world.regions[i];
}

static Mec__LinkConfig *add_row(char *from, char *to)
{
    size_t i = world.config.n_links++;
    ck_assert_uint_lt(i, ROWS_MAX);
    world.rows[i] = (Mec__LinkConfig)MEC__LINK_CONFIG__INIT;
    world.rows[i].from = from;
    world.rows[i].to = to;
    world.row_list[i] = &world.rows[i];
    return &world.rows[i];
}

static void configure(void)
{
    ck_assert_int_eq(network_configure(network, &world.config), 0);
}

static void set_up(void)
{
    memset(&world, 0, sizeof(world));
    world.config = (Mec__Config)MEC__CONFIG__INIT;
    world.settings = (Mec__Settings)MEC__SETTINGS__INIT;
    world.config.settings = &world.settings;
    world.config.regions = world.region_list;
    world.config.links = world.row_list;
    world.config.listeners = world.listener_list;
    world.config.slow_motion = 1.0;
    add_region("us-east", 38.95, -77.45);
    add_region("eu-west", 53.35, -6.26);
    add_region("ap-northeast", 35.68, 139.65);
    add_region("moon-base", 0, 0);
    network = network_create(1);
    configure();
}

static void tear_down(void)
{
    network_free(network);
}

static const struct link_profile *between(const char *from, const char *to)
{
    struct link *link = network_between(network, from, to);
    ck_assert_ptr_nonnull(link);
    return &link->profile;
}

static const struct link_profile *from_client(const char *geo, const char *region)
{
    struct link *link = network_from_client(network, geo, region);
    ck_assert_ptr_nonnull(link);
    return &link->profile;
}

static const struct link_profile *to_client(const char *region, const char *geo)
{
    struct link *link = network_to_client(network, region, geo);
    ck_assert_ptr_nonnull(link);
    return &link->profile;
}

/* ---- computed links ---- */

START_TEST(regions_are_half_a_measured_round_trip_apart)
{
    ck_assert_uint_eq(between("us-east", "eu-west")->latency_us, 36000);
    ck_assert_uint_eq(between("eu-west", "us-east")->latency_us, 36000);
    ck_assert_uint_eq(between("eu-west", "ap-northeast")->latency_us, 113000);
}
END_TEST

START_TEST(a_region_that_is_not_built_in_is_placed_by_its_coordinates)
{
    /* 0,0 to Dublin: 5,940 km and so 48 ms one way. */
    ck_assert_double_eq_tol((double)between("moon-base", "eu-west")->latency_us, 48300, 500);
    ck_assert_uint_eq(between("moon-base", "eu-west")->latency_us,
                      between("eu-west", "moon-base")->latency_us);
}
END_TEST

START_TEST(a_regions_link_to_itself_is_instant)
{
    ck_assert_uint_eq(between("us-east", "us-east")->latency_us, 0);
}
END_TEST

START_TEST(the_two_directions_are_two_links)
{
    ck_assert_ptr_ne(network_between(network, "us-east", "eu-west"),
                     network_between(network, "eu-west", "us-east"));
    ck_assert_ptr_ne(network_from_client(network, "us-east", "eu-west"),
                     network_between(network, "us-east", "eu-west"));
    ck_assert_ptr_ne(network_from_client(network, "us-east", "us-east"),
                     network_to_client(network, "us-east", "us-east"));
}
END_TEST

START_TEST(asking_again_gives_the_same_link)
{
    ck_assert_ptr_eq(network_between(network, "us-east", "eu-west"),
                     network_between(network, "us-east", "eu-west"));
    ck_assert_ptr_eq(network_from_client(network, "paris", "eu-west"),
                     network_from_client(network, "paris", "eu-west"));
}
END_TEST

START_TEST(clients_are_as_far_as_their_place)
{
    ck_assert_double_eq_tol((double)from_client("paris", "eu-west")->latency_us, 6350, 100);
    ck_assert_double_eq_tol((double)to_client("eu-west", "paris")->latency_us, 6350, 100);
    ck_assert_uint_eq(from_client("us-east", "us-east")->latency_us, 500);
    ck_assert_uint_eq(from_client("us-east", "eu-west")->latency_us, 36000);
    ck_assert_uint_eq(from_client("0.00,0.00", "moon-base")->latency_us, 500);
    ck_assert_uint_eq(from_client("moon-base", "moon-base")->latency_us, 500);
}
END_TEST

START_TEST(spellings_of_one_place_share_its_link)
{
    struct link *link = network_from_client(network, "New York", "us-east");
    ck_assert_ptr_eq(network_from_client(network, "new-york", "us-east"), link);
    ck_assert_ptr_eq(network_from_client(network, "NEW YORK", "us-east"), link);
    link = network_to_client(network, "us-east", "40.7101,-74.0");
    ck_assert_ptr_eq(network_to_client(network, "us-east", "40.71,-74.00"), link);
    ck_assert_ptr_eq(network_to_client(network, "us-east", "40.7101,-74.0"), link);
}
END_TEST

START_TEST(slow_motion_stretches_what_is_computed)
{
    world.config.slow_motion = 10;
    configure();
    ck_assert_uint_eq(between("us-east", "eu-west")->latency_us, 360000);
    ck_assert_uint_eq(from_client("us-east", "eu-west")->latency_us, 360000);
    world.config.slow_motion = 1e9; /* kept within what a link takes */
    configure();
    ck_assert_uint_eq(between("us-east", "eu-west")->latency_us, UINT64_C(3600000000));
    world.config.slow_motion = 0; /* not set */
    configure();
    ck_assert_uint_eq(between("us-east", "eu-west")->latency_us, 36000);
}
END_TEST

START_TEST(without_wan_every_link_without_a_row_is_instant)
{
    world.settings.no_wan = true;
    add_row("us-east", "eu-west")->latency_us = 7000;
    configure();
    ck_assert_uint_eq(between("us-east", "eu-west")->latency_us, 7000);
    ck_assert_uint_eq(between("eu-west", "us-east")->latency_us, 0);
    ck_assert_uint_eq(from_client("paris", "us-east")->latency_us, 0);
    ck_assert_uint_eq(to_client("us-east", "tokyo")->latency_us, 0);
}
END_TEST

/* ---- rows ---- */

START_TEST(a_row_stands_as_it_is_written)
{
    Mec__LinkConfig *row = add_row("us-east", "eu-west");
    row->latency_us = 1;
    row->jitter_us = 2;
    row->jitter_kind = MEC__JITTER_KIND__JITTER_PARETO;
    row->loss_ppm = 3;
    row->rate_bytes_per_s = 4;
    row->cut = MEC__CUT_KIND__CUT_RESET;
    world.config.slow_motion = 5; /* a row is stretched already */
    configure();
    const struct link_profile *profile = between("us-east", "eu-west");
    ck_assert_uint_eq(profile->latency_us, 1);
    ck_assert_uint_eq(profile->jitter_us, 2);
    ck_assert_int_eq(profile->jitter_kind, LINK_JITTER_PARETO);
    ck_assert_uint_eq(profile->loss_ppm, 3);
    ck_assert_uint_eq(profile->rate_bytes_per_s, 4);
    ck_assert_int_eq(profile->cut, LINK_CUT_RESET);
    ck_assert_uint_eq(between("eu-west", "us-east")->latency_us, 180000);
}
END_TEST

START_TEST(a_row_that_vanishes_gives_way_to_what_is_computed)
{
    struct link *link = network_between(network, "us-east", "eu-west");
    add_row("us-east", "eu-west")->cut = MEC__CUT_KIND__CUT_HOLD;
    configure();
    ck_assert_int_eq(link->profile.cut, LINK_CUT_HOLD);
    world.config.n_links = 0;
    configure();
    ck_assert_int_eq(link->profile.cut, LINK_CUT_NONE);
    ck_assert_uint_eq(link->profile.latency_us, 36000);
    ck_assert_ptr_eq(network_between(network, "us-east", "eu-west"), link);
}
END_TEST

START_TEST(a_link_keeps_its_state_when_it_changes)
{
    uint64_t first_us, second_us;
    struct link *link = network_between(network, "us-east", "eu-west");
    link_send(link, 1000, 10, &first_us);
    ck_assert_uint_eq(first_us, 37000);
    add_row("us-east", "eu-west")->latency_us = 5;
    configure();
    link_send(link, 1001, 10, &second_us);
    ck_assert_uint_eq(second_us, first_us); /* behind what is under way */
}
END_TEST

START_TEST(a_clients_own_row_stands_alone)
{
    add_row("client:*", "us-east")->loss_ppm = 5000;
    add_row("client:Paris", "us-east")->latency_us = 12345; /* any spelling */
    configure();
    ck_assert_uint_eq(from_client("paris", "us-east")->latency_us, 12345);
    ck_assert_uint_eq(from_client("paris", "us-east")->loss_ppm, 0);
    ck_assert_uint_eq(from_client("london", "us-east")->loss_ppm, 5000);
    ck_assert_double_eq_tol((double)to_client("us-east", "paris")->latency_us, 50300, 500);
}
END_TEST

START_TEST(the_row_for_every_client_brings_its_faults_to_computed_latency)
{
    uint64_t latency_us = from_client("paris", "us-east")->latency_us;
    Mec__LinkConfig *row = add_row("client:*", "us-east");
    row->jitter_us = 700;
    row->jitter_kind = MEC__JITTER_KIND__JITTER_NORMAL;
    row->loss_ppm = 800;
    row->rate_bytes_per_s = 900;
    row->cut = MEC__CUT_KIND__CUT_HOLD;
    add_row("eu-west", "client:*")->loss_ppm = 1;
    configure();
    for (int i = 0; i < 2; i++) { /* a geo that is known already, and one that is new */
        const struct link_profile *profile = from_client(i ? "rome" : "paris", "us-east");
        ck_assert_uint_ge(profile->latency_us, latency_us);
        ck_assert_uint_eq(profile->jitter_us, 700);
        ck_assert_int_eq(profile->jitter_kind, LINK_JITTER_NORMAL);
        ck_assert_uint_eq(profile->loss_ppm, 800);
        ck_assert_uint_eq(profile->rate_bytes_per_s, 900);
        ck_assert_int_eq(profile->cut, LINK_CUT_HOLD);
    }
    ck_assert_uint_eq(from_client("paris", "us-east")->latency_us, latency_us);
    ck_assert_int_eq(from_client("paris", "eu-west")->cut, LINK_CUT_NONE);
    ck_assert_int_eq(to_client("us-east", "paris")->cut, LINK_CUT_NONE);
    ck_assert_uint_eq(to_client("eu-west", "paris")->loss_ppm, 1);
    ck_assert_int_eq(between("eu-west", "us-east")->cut, LINK_CUT_NONE);
}
END_TEST

START_TEST(latency_for_every_client_comes_on_top_of_the_way)
{
    uint64_t latency_us = from_client("paris", "us-east")->latency_us;
    add_row("client:*", "us-east")->latency_us = 200000;
    configure();
    ck_assert_uint_eq(from_client("paris", "us-east")->latency_us, latency_us + 200000);
}
END_TEST

/* ---- luck ---- */

static uint64_t luck_of(struct network *of, const char *from, const char *to)
{
    struct link *link = network_between(of, from, to);
    ck_assert_ptr_nonnull(link);
    return random_next(&link->random);
}

START_TEST(a_links_luck_does_not_depend_on_other_links)
{
    struct network *other = network_create(1);
    ck_assert_int_eq(network_configure(other, &world.config), 0);
    network_from_client(other, "paris", "us-east");
    network_between(other, "ap-northeast", "us-east");
    ck_assert_uint_eq(luck_of(network, "us-east", "eu-west"), luck_of(other, "us-east", "eu-west"));
    network_free(other);
}
END_TEST

START_TEST(links_and_seeds_differ_in_luck)
{
    struct network *other = network_create(2);
    ck_assert_int_eq(network_configure(other, &world.config), 0);
    uint64_t luck = luck_of(network, "us-east", "eu-west");
    ck_assert_uint_ne(luck, luck_of(network, "eu-west", "us-east"));
    ck_assert_uint_ne(luck, luck_of(network, "us-east", "ap-northeast"));
    ck_assert_uint_ne(luck, luck_of(other, "us-east", "eu-west"));
    network_free(other);
}
END_TEST

/* ---- what is not known ---- */

START_TEST(unknown_names_have_no_link)
{
    char *long_name = "a-name-that-is-longer-than-any-place-could-be";
    ck_assert_ptr_null(network_between(network, "us-east", "us-north"));
    ck_assert_ptr_null(network_between(network, "us-north", "us-east"));
    ck_assert_ptr_null(network_between(network, "us-north", "us-north"));
    ck_assert_ptr_null(network_between(network, "us-east", "us-west")); /* built in, but not here */
    ck_assert_ptr_null(network_between(network, "client:paris", "us-east"));
    ck_assert_ptr_null(network_from_client(network, "atlantis", "us-east"));
    ck_assert_ptr_null(network_from_client(network, "paris", "us-north"));
    ck_assert_ptr_null(network_from_client(network, "", "us-east"));
    ck_assert_ptr_null(network_from_client(network, "*", "us-east"));
    ck_assert_ptr_null(network_to_client(network, "us-east", "91,0"));
    ck_assert_ptr_null(network_to_client(network, long_name, "paris"));
    ck_assert_ptr_null(network_from_client(network, long_name, "us-east"));
}
END_TEST

START_TEST(before_it_is_configured_a_network_has_no_links)
{
    struct network *blank = network_create(1);
    ck_assert_ptr_null(network_between(blank, "us-east", "eu-west"));
    ck_assert_ptr_null(network_from_client(blank, "paris", "eu-west"));
    network_free(blank);
    network_free(NULL);
}
END_TEST

START_TEST(a_region_can_leave_and_come_back)
{
    struct link *link = network_between(network, "us-east", "ap-northeast");
    struct link *client = network_from_client(network, "paris", "ap-northeast");
    world.config.n_regions = 2;
    configure();
    ck_assert_ptr_null(network_between(network, "us-east", "ap-northeast"));
    ck_assert_ptr_null(network_from_client(network, "paris", "ap-northeast"));
    ck_assert_uint_eq(link->profile.latency_us, 81000); /* the pointer is still good */
    world.config.n_regions = 4;
    configure();
    ck_assert_ptr_eq(network_between(network, "us-east", "ap-northeast"), link);
    ck_assert_ptr_eq(network_from_client(network, "paris", "ap-northeast"), client);
}
END_TEST

static void spoil(int how)
{
    Mec__LinkConfig *row = how < 13 ? add_row("us-east", "eu-west") : NULL;
    switch (how) {
    case 0:
        row->to = "us-north";
        break;
    case 1:
        row->from = "us-north";
        break;
    case 2:
        row->from = "client:atlantis";
        break;
    case 3:
        row->from = "client:paris";
        row->to = "client:rome";
        break;
    case 4:
        row->to = "client:";
        break;
    case 5:
        row->from = "";
        break;
    case 6:
        row->from = "client:*";
        row->to = "*";
        break;
    case 7:
        row->latency_us = UINT64_C(3600000001);
        break;
    case 8:
        row->jitter_us = UINT64_MAX;
        break;
    case 9:
        row->loss_ppm = 1000000;
        break;
    case 10:
        row->jitter_kind = (Mec__JitterKind)9;
        break;
    case 11:
        row->cut = (Mec__CutKind)9;
        break;
    case 12:
        add_row("us-east", "eu-west");
        break;
    case 13:
        world.config.slow_motion = -1;
        break;
    case 14:
        world.config.slow_motion = (double)NAN;
        break;
    case 15:
        world.regions[1].name = "us-east";
        break;
    case 16:
        world.regions[1].name = "";
        break;
    case 17:
        world.regions[1].name = "a-name-that-is-longer-than-any-place-could-be";
        break;
    case 18:
        world.regions[1].name = "client:paris";
        break;
    case 19:
        world.regions[1].latitude = 91;
        break;
    case 20:
        world.regions[1].longitude = (double)NAN;
        break;
    }
}

START_TEST(a_config_that_cannot_be_changes_nothing)
{
    add_row("us-east", "eu-west")->latency_us = 4321;
    configure();
    struct link *link = network_between(network, "us-east", "eu-west");
    struct link *client = network_from_client(network, "paris", "us-east");
    uint64_t client_us = client->profile.latency_us;

    world.config.n_links = 0;
    world.settings.no_wan = true;
    spoil(_i);
    ck_assert_int_eq(network_configure(network, &world.config), -EINVAL);
    ck_assert_uint_eq(link->profile.latency_us, 4321);
    ck_assert_uint_eq(client->profile.latency_us, client_us);
    ck_assert_uint_eq(between("eu-west", "us-east")->latency_us, 36000);
}
END_TEST

START_TEST(a_config_without_settings_is_fine)
{
    world.config.settings = NULL;
    configure();
    ck_assert_uint_eq(between("us-east", "eu-west")->latency_us, 36000);
}
END_TEST

/* ---- many geos ---- */

static struct link *numbered(int i)
{
    char geo[GEO_NAME_SIZE];
    snprintf(geo, sizeof(geo), "%d.%02d,10.00", i / 100, i % 100);
    struct link *link = network_from_client(network, geo, "us-east");
    ck_assert_ptr_nonnull(link);
    return link;
}

START_TEST(geos_that_are_not_used_are_forgotten_those_in_use_are_not)
{
    add_row("client:rome", "us-east")->latency_us = 1;
    world.listener = (Mec__ListenerConfig)MEC__LISTENER_CONFIG__INIT;
    world.listener.geo = "Oslo";
    world.listener_list[0] = &world.listener;
    world.config.n_listeners = 1;
    configure();

    /* What becomes of a link shows in its luck: one that was made anew starts over. */
    struct link *named = network_from_client(network, "rome", "us-east");
    struct link *listening = network_from_client(network, "oslo", "eu-west");
    struct link *busy = network_from_client(network, "paris", "us-east");
    struct link *holding = network_to_client(network, "us-east", "london");
    struct link *often = network_from_client(network, "berlin", "us-east");
    struct link *idle = network_from_client(network, "vienna", "us-east");
    uint64_t fresh = random_next(&idle->random);
    busy->under_way = 1;
    holding->held = 1;
    for (int i = 0; i < 8192; i++) {
        numbered(i);
        ck_assert_ptr_eq(network_from_client(network, "berlin", "us-east"), often);
    }
    ck_assert_ptr_eq(network_from_client(network, "rome", "us-east"), named);
    ck_assert_ptr_eq(network_from_client(network, "oslo", "eu-west"), listening);
    ck_assert_ptr_eq(network_from_client(network, "paris", "us-east"), busy);
    ck_assert_ptr_eq(network_to_client(network, "us-east", "london"), holding);
    idle = network_from_client(network, "vienna", "us-east");
    ck_assert_uint_eq(random_next(&idle->random), fresh);
    configure(); /* with all of them there */
}
END_TEST

START_TEST(a_limit_full_of_messages_gives_way)
{
    for (int i = 0; i < 5000; i++)
        numbered(i)->under_way = 1;
    for (int i = 0; i < 5000; i++)
        ck_assert_uint_eq(numbered(i)->under_way, 1); /* none was forgotten */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        regions_are_half_a_measured_round_trip_apart,
        a_region_that_is_not_built_in_is_placed_by_its_coordinates,
        a_regions_link_to_itself_is_instant,
        the_two_directions_are_two_links,
        asking_again_gives_the_same_link,
        clients_are_as_far_as_their_place,
        spellings_of_one_place_share_its_link,
        slow_motion_stretches_what_is_computed,
        without_wan_every_link_without_a_row_is_instant,
        a_row_stands_as_it_is_written,
        a_row_that_vanishes_gives_way_to_what_is_computed,
        a_link_keeps_its_state_when_it_changes,
        a_clients_own_row_stands_alone,
        the_row_for_every_client_brings_its_faults_to_computed_latency,
        latency_for_every_client_comes_on_top_of_the_way,
        a_links_luck_does_not_depend_on_other_links,
        links_and_seeds_differ_in_luck,
        unknown_names_have_no_link,
        before_it_is_configured_a_network_has_no_links,
        a_region_can_leave_and_come_back,
        a_config_without_settings_is_fine,
        geos_that_are_not_used_are_forgotten_those_in_use_are_not,
        a_limit_full_of_messages_gives_way,
    };
    const struct suite_loop loops[] = {
        {a_config_that_cannot_be_changes_nothing, 21},
    };
    return suite_run(&(struct suite){.name = "network",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
