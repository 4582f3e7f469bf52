#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/settings.h"
#include "control/topology.h"
#include "tests/unit/suite.h"

static struct topology *parse(const char *yaml, const char *regions)
{
    struct topology *topology = NULL;
    char *error = NULL;
    int result = topology_parse("t.yaml", yaml, strlen(yaml), regions, &topology, &error);

    ck_assert_msg(result == 0, "%s", error);
    return topology;
}

/* The file is refused, and the message holds every one of the parts that `|` separates. */
static void refuse(const char *yaml, const char *regions, const char *parts)
{
    struct topology *topology = NULL;
    char *error = NULL;
    char *copy = memory_text(parts);
    char *rest = copy;

    ck_assert_int_eq(topology_parse("t.yaml", yaml, strlen(yaml), regions, &topology, &error),
                     -EINVAL);
    ck_assert_ptr_null(topology);
    for (char *part; (part = strsep(&rest, "|"));)
        ck_assert_msg(strstr(error, part) != NULL, "\"%s\" lacks \"%s\"", error, part);
    free(copy);
    free(error);
}

START_TEST(without_a_file_there_are_five_built_in_regions)
{
    struct topology *topology = NULL;
    char *error;

    ck_assert_int_eq(topology_built_in(NULL, &topology, &error), 0);
    ck_assert_uint_eq(topology->region_count, 5);
    ck_assert_str_eq(topology->regions[0].name, "us-east");
    ck_assert_str_eq(topology->regions[1].name, "eu-west");
    ck_assert_uint_eq(topology->geo_count, 5);
    ck_assert_uint_eq(topology->settings.probe_interval_us, 500000);
    ck_assert_uint_eq(topology->settings.argon2_memory_kib, 65536);
    ck_assert_uint_eq(topology->settings.token_lifetime_s, 600);
    ck_assert(topology->settings.queue_writes);
    topology_free(topology);
}
END_TEST

START_TEST(regions_are_chosen_by_number_or_by_name)
{
    struct topology *topology = NULL;
    char *error = NULL;

    ck_assert_int_eq(topology_built_in("2", &topology, &error), 0);
    ck_assert_uint_eq(topology->region_count, 2);
    topology_free(topology);
    ck_assert_int_eq(topology_built_in("sa-east,eu-west", &topology, &error), 0);
    ck_assert_str_eq(topology->regions[0].name, "sa-east");
    topology_free(topology);

    static const char *const wrong[] = {"0",        "13", "eu-wset", "eu-west,eu-west",
                                        "eu-west,", "",   "EU-WEST"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        error = NULL;
        ck_assert_msg(topology_built_in(wrong[i], &topology, &error) == -EINVAL, "%s", wrong[i]);
        ck_assert_ptr_nonnull(error);
        free(error);
    }
    ck_assert_int_eq(topology_built_in("eu-wset", &topology, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "did you mean \"eu-west\""));
    free(error);
}
END_TEST

START_TEST(a_file_says_regions_links_clients_and_settings)
{
    struct topology *topology = parse("regions:\n"
                                      "  - name: us-east\n"
                                      "  - name: berlin\n"
                                      "    place: Berlin\n"
                                      "links:\n"
                                      "  - between: [us-east, berlin]\n"
                                      "    rtt: 80ms\n"
                                      "    jitter: 2ms\n"
                                      "    distribution: normal\n"
                                      "    loss: 0.1%\n"
                                      "    rate: 100mbit\n"
                                      "  - between: [\"client:paris\", berlin]\n"
                                      "    rtt: 1s\n"
                                      "clients: [Tokyo]\n"
                                      "settings:\n"
                                      "  queue_writes: false\n"
                                      "  cache_bytes: 1MiB\n"
                                      "  token_lifetime: 5m\n"
                                      "default_geo: berlin\n"
                                      "port: 9000\n"
                                      "seed: 42\n"
                                      "slow_motion: 2.5\n"
                                      "wan: false\n",
                                      NULL);
    const struct topology_link *link = topology_link(topology, "berlin", "us-east");

    ck_assert_uint_eq(topology->region_count, 2);
    ck_assert_double_eq_tol(topology->regions[1].latitude, 52.5, 0.5);
    ck_assert_ptr_nonnull(link);
    ck_assert_uint_eq(link->rtt_us, 80000);
    ck_assert_uint_eq(link->jitter_us, 2000);
    ck_assert_int_eq(link->jitter_kind, MEC__JITTER_KIND__JITTER_NORMAL);
    ck_assert_uint_eq(link->loss_ppm, 1000);
    ck_assert_uint_eq(link->rate_bytes_per_s, 12500000);
    ck_assert_ptr_nonnull(topology_link(topology, "client:paris", "berlin"));
    ck_assert_uint_eq(topology->geo_count, 3);
    ck_assert_str_eq(topology->geos[2].name, "tokyo");
    ck_assert(!topology->settings.queue_writes);
    ck_assert_uint_eq(topology->settings.cache_bytes, 1 << 20);
    ck_assert_uint_eq(topology->settings.token_lifetime_s, 300);
    ck_assert_uint_eq(topology->settings.default_geo_index, 1);
    ck_assert_uint_eq(topology->port, 9000);
    ck_assert_uint_eq(topology->seed, 42);
    ck_assert_double_eq_tol(topology->slow_motion, 2.5, 1e-9);
    ck_assert(topology->settings.no_wan);
    topology_free(topology);
}
END_TEST

START_TEST(a_file_may_leave_regions_to_the_command_line)
{
    struct topology *topology = parse("settings:\n  argon2_operations: 1\n", "3");

    ck_assert_uint_eq(topology->region_count, 3);
    topology_free(topology);
    topology = parse("regions: [{name: us-east}, {name: eu-west}, {name: sa-east}]\n", "2");
    ck_assert_uint_eq(topology->region_count, 2);
    ck_assert_str_eq(topology->regions[1].name, "eu-west");
    topology_free(topology);
    topology = parse("regions: [{name: us-east}, {name: eu-west}]\n", "eu-west");
    ck_assert_uint_eq(topology->region_count, 1);
    topology_free(topology);
}
END_TEST

START_TEST(a_service_can_be_pinned_to_regions)
{
    struct topology *topology = parse("residency:\n"
                                      "  vault: [eu-west, us-west]\n",
                                      NULL);

    ck_assert(topology_may_hold(topology, PARTS_VAULT, "eu-west"));
    ck_assert(topology_may_hold(topology, PARTS_VAULT, "us-west"));
    ck_assert(!topology_may_hold(topology, PARTS_VAULT, "us-east"));
    ck_assert(!topology_may_hold(topology, PARTS_VAULT, "nowhere"));
    ck_assert(topology_may_hold(topology, PARTS_METADATA, "us-east"));
    ck_assert(topology_may_hold(topology, PARTS_AUTH, "us-east"));
    topology_free(topology);
}
END_TEST

static const struct {
    const char *yaml;
    const char *regions;
    const char *says;
} wrong[] = {
    {"residency:\n  vault: [eu-west, eu-wset]\n", NULL,
     "t.yaml:2: residency.vault|eu-wset|did you mean \"eu-west\""},
    {"residency:\n  metadata: []\n", NULL, "t.yaml:2: residency.metadata|at least one"},
    {"seed: 1\nresidency:\n  auth: [eu-west]\n", NULL, "t.yaml:3: residency.auth|every region"},
    {"residency:\n  vualt: [eu-west]\n", NULL,
     "t.yaml:2: residency.vualt|unknown key|did you mean \"vault\""},
    {"residency:\n  vault: [eu-west, eu-west]\n", NULL, "t.yaml:2: residency.vault|twice"},
    {"residency:\n  vault: eu-west\n", NULL, "t.yaml:2: residency.vault|list"},
    {"residency: [vault]\n", NULL, "t.yaml:1: residency|key: value"},
    {"residency:\n  vault:\n", NULL, "t.yaml:2: residency.vault"},
    {"residency:\n  vault: [eu-west]\n", "us-east,us-west", "t.yaml:2: residency.vault|eu-west"},
    {"", NULL, "t.yaml:1|says nothing"},
    {"# only a comment\n", NULL, "t.yaml:1|says nothing"},
    {"just words", NULL, "t.yaml:"},
    {"- a\n- b\n", NULL, "t.yaml:"},
    {"regions:\n\t- name: us-east\n", NULL, "t.yaml:2|not YAML"},
    {"a: [1\n", NULL, "t.yaml:|not YAML"},
    {"\x01\x02", NULL, "not YAML"},
    {"seed: 1\nregoins:\n  - name: us-east\n", NULL,
     "t.yaml:2: regoins|unknown key|did you mean \"regions\""},
    {"regions:\n  - name: us-east\n    plaze: x\n", NULL, "t.yaml:3|plaze|did you mean \"place\""},
    {"regions:\n  - name: us-east\n  - name: us-east\n", NULL, "t.yaml:3|regions[1]|twice"},
    {"regions:\n  - name: atlantis\n", NULL, "t.yaml:2|needs a place"},
    {"regions:\n  - name: x\n    place: nowhere at all\n", NULL, "t.yaml:2|nowhere at all"},
    {"regions:\n  - name: US East\n", NULL, "t.yaml:2|no region name"},
    {"regions:\n  - place: Berlin\n", NULL, "t.yaml:|name"},
    {"regions: 5\n", NULL, "t.yaml:1: regions|list"},
    {"regions: []\n", NULL, "t.yaml:1"},
    {"regions:\n  - us-east\n", NULL, "t.yaml:2|key: value"},
    {"seed: 1\nseed: 2\n", NULL, "t.yaml:2|seed|twice"},
    {"seed: [1]\n", NULL, "t.yaml:1: seed"},
    {"seed: x\n", NULL, "t.yaml:1: seed|whole number"},
    {"port: 99999\n", NULL, "t.yaml:1: port|65535"},
    {"slow_motion: 0\n", NULL, "t.yaml:1: slow_motion"},
    {"wan: perhaps\n", NULL, "t.yaml:1: wan"},
    {"default_geo: paris\n", NULL, "t.yaml:1: default_geo|paris"},
    {"clients: [Nowhereville]\n", NULL, "t.yaml:1: clients[0]|Nowhereville"},
    {"clients: [Paris, Paris]\n", NULL, "clients[1]|already"},
    {"links:\n  - between: [us-east, eu-wset]\n", NULL,
     "t.yaml:2|eu-wset|did you mean \"eu-west\""},
    {"links:\n  - between: [us-east]\n", NULL, "t.yaml:2|two"},
    {"links:\n  - between: [us-east, us-east]\n", NULL, "t.yaml:2|different"},
    {"links:\n  - between: [us-east, eu-west]\n    rtt: -5ms\n", NULL,
     "t.yaml:3: links[0].rtt|-5ms"},
    {"links:\n  - between: [us-east, eu-west]\n    rtt: 80\n", NULL, "t.yaml:3|80ms"},
    {"links:\n  - between: [us-east, eu-west]\n    rtt: 2h\n", NULL, "t.yaml:3|hour"},
    {"links:\n  - between: [us-east, eu-west]\n    loss: 95%\n", NULL, "t.yaml:3|loss|90%"},
    {"links:\n  - between: [us-east, eu-west]\n    rate: fast\n", NULL, "t.yaml:3|rate"},
    {"links:\n  - between: [us-east, eu-west]\n    distribution: odd\n", NULL, "t.yaml:3|pareto"},
    {"links:\n  - between: [us-east, eu-west]\n  - between: [eu-west, us-east]\n", NULL,
     "t.yaml:3|twice"},
    {"links:\n  - between: [\"client:*\", us-east]\n", NULL, "t.yaml:2|client:*"},
    {"settings:\n  probe_interval: fast\n", NULL,
     "t.yaml:2: settings.probe_interval|duration|500ms"},
    {"settings:\n  probe_interval: 1us\n", NULL, "t.yaml:2|from 10ms"},
    {"settings:\n  probe_intervall: 1s\n", NULL, "t.yaml:2|did you mean \"probe_interval\""},
    {"settings:\n  token_lifetime: 20m\n", NULL, "t.yaml:2|600s"},
    {"settings: true\n", NULL, "t.yaml:1: settings"},
    {"seed: &a 1\nport: *a\n", NULL, "t.yaml:2|alias"},
    {"seed: 1\n---\nseed: 2\n", NULL, "t.yaml:2|second document"},
    {"regions: [{name: us-east}]\n", "2", "has 1 regions"},
    {"regions: [{name: us-east}]\n", "eu-west", "none of"},
    {"regions: [{name: \"\"}]\n", "eu-west", "none of"},
    {"a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n", NULL, "nested"},
};

START_TEST(what_is_wrong_is_named_with_file_line_and_key)
{
    refuse(wrong[_i].yaml, wrong[_i].regions, wrong[_i].says);
}
END_TEST

START_TEST(a_huge_file_and_one_with_zeros_are_refused)
{
    struct topology *topology = NULL;
    char *error = NULL;
    char *huge = memory_alloc(TOPOLOGY_FILE_SIZE_MAX + 1);

    memset(huge, '#', TOPOLOGY_FILE_SIZE_MAX + 1);
    ck_assert_int_eq(
        topology_parse("t.yaml", huge, TOPOLOGY_FILE_SIZE_MAX + 1, NULL, &topology, &error),
        -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "1 MiB"));
    free(error);
    free(huge);
    ck_assert_int_eq(topology_parse("t.yaml", "seed\0: 1", 8, NULL, &topology, &error), -EINVAL);
    free(error);
}
END_TEST

START_TEST(more_regions_than_there_is_room_for_are_refused)
{
    char yaml[4096] = "regions:\n";
    size_t size = strlen(yaml);

    for (int i = 0; i <= TOPOLOGY_REGIONS_MAX; i++)
        size += (size_t)snprintf(yaml + size, sizeof yaml - size,
                                 "  - {name: r%d, place: \"1,1\"}\n", i);
    refuse(yaml, NULL, "t.yaml:33: regions|32");
}
END_TEST

START_TEST(every_setting_has_a_default_within_its_bounds_and_is_documented)
{
    FILE *file = fopen(SOURCE_ROOT "/docs/topology.md", "r");
    char *page = memory_alloc(65536);

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(page, 1, 65535, file), 0);
    fclose(file);
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *setting = settings_at(i);
        Mec__Settings settings = MEC__SETTINGS__INIT;
        char row[128];

        ck_assert_int_eq(settings_set(&settings, setting, setting->initial), 0);
        snprintf(row, sizeof row, "| `%s` | %s |", setting->key, setting->initial);
        ck_assert_msg(strstr(page, row) != NULL, "docs/topology.md lacks: %s", row);
    }
    free(page);
}
END_TEST

START_TEST(slow_motion_stretches_times_and_slows_rates)
{
    Mec__Settings settings = MEC__SETTINGS__INIT;

    settings_default(&settings);
    settings_stretch(&settings, 10);
    ck_assert_uint_eq(settings.probe_interval_us, 5000000);
    ck_assert_uint_eq(settings.queue_drain_per_s, 50);
    ck_assert_uint_eq(settings.idle_timeout_us, 60000000);
    ck_assert_uint_eq(settings.token_lifetime_s, 600);
    settings_stretch(&settings, 10000);
    ck_assert_uint_eq(settings.queue_drain_per_s, 1);
    ck_assert_uint_eq(settings.user_rate_per_s, 0); /* no limit */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_a_file_there_are_five_built_in_regions,
        regions_are_chosen_by_number_or_by_name,
        a_file_says_regions_links_clients_and_settings,
        a_service_can_be_pinned_to_regions,
        a_file_may_leave_regions_to_the_command_line,
        a_huge_file_and_one_with_zeros_are_refused,
        more_regions_than_there_is_room_for_are_refused,
        every_setting_has_a_default_within_its_bounds_and_is_documented,
        slow_motion_stretches_times_and_slows_rates,
    };
    const struct suite_loop loops[] = {
        {what_is_wrong_is_named_with_file_line_and_key, (int)(sizeof wrong / sizeof wrong[0])},
    };
    return suite_run(&(struct suite){.name = "topology", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
