#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/network.h"
#include "control/compile.h"
#include "tests/unit/suite.h"

static struct topology *topology;
static struct faults faults;
static struct key_ring rings[3];
static const struct compile_listener listeners[] = {{"", 8080}, {"us-east", 8081}};

static void load(const char *yaml)
{
    char *error = NULL;

    topology_free(topology);
    topology = NULL;
    int result = topology_parse("t.yaml", yaml, strlen(yaml), "3", &topology, &error);
    ck_assert_msg(result == 0, "%s", error);
}

static void setup(void)
{
    topology = NULL;
    faults = (struct faults){0};
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE] = {(uint8_t)(i + 1)};
        key_ring_init(&rings[i]);
        key_ring_begin(&rings[i], 1, public_key, 5);
    }
    load("port: 8080\n");
}

static void teardown(void)
{
    faults_free(&faults);
    topology_free(topology);
}

/* A Config is only good when those who run by it take it. */
static Mec__Config *compile(void)
{
    Mec__Config *config = compile_config(&(struct compile_input){.version = 7,
                                                                 .world = "shop",
                                                                 .runtime_directory = "/run/shop",
                                                                 .topology = topology,
                                                                 .faults = &faults,
                                                                 .listeners = listeners,
                                                                 .listener_count = 2,
                                                                 .rings = rings,
                                                                 .seed = 42});
    struct network *network = network_create(1);

    ck_assert_int_eq(network_configure(network, config), 0);
    network_free(network);
    return config;
}

static const Mec__LinkConfig *find(const Mec__Config *config, const char *from, const char *to)
{
    const Mec__LinkConfig *found = NULL;

    for (size_t i = 0; i < config->n_links; i++) {
        if (strcmp(config->links[i]->from, from) != 0 || strcmp(config->links[i]->to, to) != 0)
            continue;
        ck_assert_ptr_null(found);
        found = config->links[i];
    }
    return found;
}

static uint64_t latency_us(const Mec__Config *config, const char *from, const char *to)
{
    const Mec__LinkConfig *link = find(config, from, to);

    ck_assert_msg(link != NULL, "%s -> %s", from, to);
    return link->latency_us;
}

static void add(enum fault_kind kind, const char *a, const char *b)
{
    struct fault fault = {.kind = kind};
    struct fault added;
    char *error;

    strcpy(fault.a, a);
    strcpy(fault.b, b);
    ck_assert_int_eq(faults_add(&faults, topology, &fault, &added, &error), 0);
}

START_TEST(every_region_has_a_shard_a_key_and_a_socket)
{
    Mec__Config *config = compile();

    ck_assert_uint_eq(config->version, 7);
    ck_assert_str_eq(config->world, "shop");
    ck_assert_uint_eq(config->seed, 42);
    ck_assert_uint_eq(config->n_regions, 3);
    ck_assert_str_eq(config->regions[1]->name, "eu-west");
    ck_assert_str_eq(config->regions[1]->address, "/run/shop/regiond-eu-west.sock");
    ck_assert_str_eq(config->shards[1]->name, "eu-west");
    ck_assert_str_eq(config->shards[1]->home, "eu-west");
    ck_assert_uint_eq(config->shards[1]->epoch, 1);
    ck_assert_str_eq(config->keys[1]->kid, "eu-west.1");
    ck_assert_uint_eq(config->keys[1]->public_key.len, TOKEN_KEY_PUBLIC_SIZE);
    ck_assert_uint_eq(config->keys[1]->public_key.data[0], 2);
    ck_assert_uint_eq(config->n_listeners, 2);
    ck_assert_uint_eq(config->listeners[1]->port, 8081);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(a_key_is_wished_for_until_it_is_there_and_then_everybody_knows_it)
{
    const uint8_t second[TOKEN_KEY_PUBLIC_SIZE] = {77};
    uint32_t number;

    key_ring_rotate(&rings[1], false, 8, &number);
    Mec__Config *config = compile();
    ck_assert_uint_eq(config->n_keys, 3);
    ck_assert_uint_eq(config->n_key_wishes, 1);
    ck_assert_str_eq(config->key_wishes[0]->kid, "eu-west.2");
    ck_assert_str_eq(config->key_wishes[0]->region, "eu-west");
    mec__config__free_unpacked(config, NULL);

    key_ring_made(&rings[1], 2, second, 9);
    config = compile();
    ck_assert_uint_eq(config->n_keys, 4);
    ck_assert_uint_eq(config->n_key_wishes, 0);
    ck_assert_int_eq(config->keys[1]->state, MEC__KEY_STATE__KEY_SIGNING);
    ck_assert_str_eq(config->keys[2]->kid, "eu-west.2");
    ck_assert_str_eq(config->keys[2]->region, "eu-west");
    ck_assert_int_eq(config->keys[2]->state, MEC__KEY_STATE__KEY_PUBLISHED);
    ck_assert_uint_eq(config->keys[2]->since_wall_us, 9);
    ck_assert_uint_eq(config->keys[2]->public_key.data[0], 77);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(each_way_of_a_link_takes_half_of_the_measured_round_trip)
{
    Mec__Config *config = compile();

    /* 3 regions: 3 pairs, and 3 geos to 3 regions; both ways. */
    ck_assert_uint_eq(config->n_links, 2 * 3 + 2 * 9);
    ck_assert_uint_eq(latency_us(config, "us-east", "eu-west"), 36000);
    ck_assert_uint_eq(latency_us(config, "eu-west", "us-east"), 36000);
    ck_assert_uint_eq(latency_us(config, "client:us-east", "eu-west"), 36000);
    ck_assert_uint_eq(latency_us(config, "us-east", "client:us-east"), 500);
    ck_assert_ptr_null(find(config, "us-east", "us-east"));
    ck_assert_ptr_null(find(config, "client:*", "us-east"));
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(what_is_pinned_is_named_with_its_regions)
{
    Mec__Config *config = compile();

    ck_assert_uint_eq(config->n_residency, 0);
    mec__config__free_unpacked(config, NULL);
    load("residency: {vault: [ap-northeast, eu-west]}\n");
    config = compile();
    ck_assert_uint_eq(config->n_residency, 1);
    ck_assert_str_eq(config->residency[0]->service, "vault");
    ck_assert_uint_eq(config->residency[0]->n_regions, 2);
    ck_assert_str_eq(config->residency[0]->regions[0], "eu-west"); /* in the world's order */
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(the_file_has_its_word_on_links)
{
    load("links:\n"
         "  - {between: [us-east, eu-west], rtt: 90ms, jitter: 2ms, distribution: pareto,\n"
         "     loss: 1%, rate: 8mbit}\n"
         "  - {between: [us-east, ap-northeast], jitter: 5ms}\n"
         "  - {between: [\"client:Paris\", eu-west], rtt: 20ms}\n");
    Mec__Config *config = compile();
    const Mec__LinkConfig *link = find(config, "eu-west", "us-east");

    ck_assert_uint_eq(link->latency_us, 45000);
    ck_assert_uint_eq(link->jitter_us, 2000);
    ck_assert_int_eq(link->jitter_kind, MEC__JITTER_KIND__JITTER_PARETO);
    ck_assert_uint_eq(link->loss_ppm, 10000);
    ck_assert_uint_eq(link->rate_bytes_per_s, 1000000);
    ck_assert_uint_eq(latency_us(config, "us-east", "ap-northeast"), 81000);
    ck_assert_uint_eq(latency_us(config, "client:paris", "eu-west"), 10000);
    ck_assert_uint_gt(latency_us(config, "client:paris", "us-east"), 10000);
    ck_assert_uint_eq(latency_us(config, "client:us-east", "eu-west"), 36000);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(faults_are_folded_in)
{
    add(FAULT_CUT, "us-east", "eu-west");
    add(FAULT_CUT, "client:tokyo", "eu-west");
    Mec__Config *config = compile();

    ck_assert_int_eq(find(config, "us-east", "eu-west")->cut, MEC__CUT_KIND__CUT_HOLD);
    ck_assert_int_eq(find(config, "us-east", "ap-northeast")->cut, MEC__CUT_KIND__CUT_NONE);
    /* A geo that only a fault names gets links of its own, with their true latency. */
    ck_assert_int_eq(find(config, "client:tokyo", "eu-west")->cut, MEC__CUT_KIND__CUT_HOLD);
    ck_assert_int_eq(find(config, "client:tokyo", "us-east")->cut, MEC__CUT_KIND__CUT_NONE);
    ck_assert_uint_gt(latency_us(config, "client:tokyo", "us-east"), 50000);
    ck_assert_ptr_null(find(config, "client:*", "eu-west"));
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(clients_without_links_of_their_own_are_isolated_too)
{
    add(FAULT_ISOLATE, "eu-west", "");
    Mec__Config *config = compile();

    ck_assert_int_eq(find(config, "client:*", "eu-west")->cut, MEC__CUT_KIND__CUT_HOLD);
    ck_assert_int_eq(find(config, "eu-west", "client:*")->cut, MEC__CUT_KIND__CUT_HOLD);
    ck_assert_int_eq(find(config, "client:*", "us-east")->cut, MEC__CUT_KIND__CUT_NONE);
    ck_assert_uint_eq(latency_us(config, "client:*", "eu-west"), 0);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(slow_motion_stretches_links_and_their_faults)
{
    struct fault fault = {.kind = FAULT_LINK,
                          .a = "us-east",
                          .b = "eu-west",
                          .has_latency = true,
                          .adds_latency = true,
                          .latency_us = 4000,
                          .has_rate = true,
                          .rate_bytes_per_s = 1000};
    struct fault added;
    char *error;

    ck_assert_int_eq(faults_add(&faults, topology, &fault, &added, &error), 0);
    topology->slow_motion = 10;
    Mec__Config *config = compile();
    ck_assert_uint_eq(latency_us(config, "us-east", "eu-west"), 400000);
    ck_assert_uint_eq(find(config, "us-east", "eu-west")->rate_bytes_per_s, 100);
    ck_assert_uint_eq(config->settings->heartbeat_interval_us, 2500000);
    ck_assert_uint_eq(config->settings->idle_timeout_us, 60000000);
    ck_assert_double_eq(config->slow_motion, 10);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(slow_motion_never_leaves_what_links_allow)
{
    load("slow_motion: 10000\n"
         "links: [{between: [us-east, eu-west], rtt: 1h, rate: 8bit}]\n");
    Mec__Config *config = compile();

    ck_assert_uint_eq(latency_us(config, "us-east", "eu-west"), UINT64_C(3600000000));
    ck_assert_uint_eq(find(config, "us-east", "eu-west")->rate_bytes_per_s, 1);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(without_a_wan_links_are_instant_and_still_can_be_cut)
{
    load("wan: false\n"
         "links: [{between: [us-east, eu-west], jitter: 5ms, loss: 5%, rate: 1mbit}]\n");
    add(FAULT_CUT, "us-east", "ap-northeast");
    Mec__Config *config = compile();

    ck_assert(config->settings->no_wan);
    for (size_t i = 0; i < config->n_links; i++) {
        ck_assert_uint_eq(config->links[i]->latency_us, 0);
        ck_assert_uint_eq(config->links[i]->jitter_us, 0);
        ck_assert_uint_eq(config->links[i]->loss_ppm, 0);
        ck_assert_uint_eq(config->links[i]->rate_bytes_per_s, 0);
    }
    ck_assert_int_eq(find(config, "us-east", "ap-northeast")->cut, MEC__CUT_KIND__CUT_HOLD);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(one_region_alone_has_no_links_but_its_clients)
{
    char *error;

    topology_free(topology);
    ck_assert_int_eq(topology_built_in("1", &topology, &error), 0);
    Mec__Config *config = compile();
    ck_assert_uint_eq(config->n_links, 2);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

START_TEST(services_are_slow_by_as_much_as_all_else_and_fail_as_often)
{
    struct fault fault = {.kind = FAULT_SERVICE,
                          .a = "eu-west",
                          .part = "vault",
                          .has_latency = true,
                          .latency_us = 200000,
                          .has_errors = true,
                          .error_ppm = 5000};
    struct fault added;
    char *error;
    Mec__Config *config;

    load("slow_motion: 10\n");
    ck_assert_int_eq(faults_add(&faults, topology, &fault, &added, &error), 0);
    config = compile();
    ck_assert_uint_eq(config->n_services, 1);
    ck_assert_str_eq(config->services[0]->region, "eu-west");
    ck_assert_uint_eq(config->services[0]->latency_us, 2000000);
    ck_assert_uint_eq(config->services[0]->error_ppm, 5000);
    ck_assert_uint_eq(config->n_caches, 0);
    mec__config__free_unpacked(config, NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        services_are_slow_by_as_much_as_all_else_and_fail_as_often,
        every_region_has_a_shard_a_key_and_a_socket,
        a_key_is_wished_for_until_it_is_there_and_then_everybody_knows_it,
        each_way_of_a_link_takes_half_of_the_measured_round_trip,
        what_is_pinned_is_named_with_its_regions,
        the_file_has_its_word_on_links,
        faults_are_folded_in,
        clients_without_links_of_their_own_are_isolated_too,
        slow_motion_stretches_links_and_their_faults,
        slow_motion_never_leaves_what_links_allow,
        without_a_wan_links_are_instant_and_still_can_be_cut,
        one_region_alone_has_no_links_but_its_clients,
    };
    return suite_run(&(struct suite){
        .name = "compile", .set_up = setup, .tear_down = teardown, SUITE_TESTS(tests)});
}
