#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor.h"
#include "control/views.h"
#include "control/world.h"
#include "tests/unit/suite.h"

static struct world *make(void)
{
    static const char yaml[] = "regions: [{name: us-east}, {name: lab, place: Berlin}]\n"
                               "clients: [Paris]\n"
                               "links: [{between: [us-east, lab], rtt: 90ms, loss: 1%}]\n"
                               "settings: {queue_writes: false, cache_bytes: 1MiB}\n"
                               "residency: {vault: [lab], metadata: [us-east, lab]}\n"
                               "default_geo: lab\n"
                               "slow_motion: 2.5\n"
                               "wan: false\n"
                               "seed: 42\n";
    struct topology *topology = NULL;
    struct fault fault = {.kind = FAULT_CUT, .a = "us-east", .b = "lab"};
    struct fault added;
    char *error;
    uint32_t number;

    ck_assert_int_eq(topology_parse("t", yaml, strlen(yaml), NULL, &topology, &error), 0);
    struct world *world = world_create("shop", topology, "/data", "/run", 9000);
    world->config_version = 12;
    world->ephemeral = true;
    world->started_wall_us = 77;
    world->controld_pid = 3;
    world->controld_start_ticks = 4;
    world->control_port = 7777;
    key_ring_begin(&world->rings[0], 1, (const uint8_t[TOKEN_KEY_PUBLIC_SIZE]){1}, 5);
    key_ring_begin(&world->rings[1], 3, (const uint8_t[TOKEN_KEY_PUBLIC_SIZE]){[31] = 9}, 6);
    key_ring_rotate(&world->rings[1], true, 7, &number);
    key_ring_stamp(&world->rings[1], 12);
    world->faults.last_number = 6;
    ck_assert_int_eq(faults_add(&world->faults, topology, &fault, &added, &error), 0);
    world->faults.last_number = 9;
    fault = (struct fault){.kind = FAULT_SERVICE, .a = "lab", .part = "auth", .down = true};
    ck_assert_int_eq(faults_add(&world->faults, topology, &fault, &added, &error), 0);
    world->supervisor.processes[1].state = PROCESS_PAUSED;
    world->supervisor.processes[1].pid = 100;
    world->supervisor.processes[1].start_ticks = 200;
    return world;
}

START_TEST(a_world_survives_its_state_file)
{
    struct world *world = make();
    struct world *back = NULL;
    struct fault cache = {.kind = FAULT_CACHE, .a = "lab", .part = "edge"};
    char *error;

    ck_assert_int_eq(faults_flush(&world->faults, world->topology, &cache, &error), 0);
    json_t *json = world_to_json(world);
    ck_assert_int_eq(world_from_json(json, &back), 0);
    json_t *again = world_to_json(back);
    ck_assert(json_equal(json, again));
    ck_assert_uint_eq(back->config_version, 12);
    ck_assert_uint_eq(back->faults.items[0].number, 7);
    ck_assert_uint_eq(back->faults.last_number, 10);
    ck_assert_uint_eq(back->faults.last_flush, 1);
    ck_assert_uint_eq(back->listeners[3].port, 9003);
    ck_assert_str_eq(back->listeners[3].geo, "paris");
    ck_assert_uint_eq(back->control_port, 7777);
    ck_assert_uint_eq(back->rings[1].count, 2);
    ck_assert_uint_eq(back->rings[1].keys[0].public_key[31], 9);
    ck_assert_int_eq(back->rings[1].keys[1].state, KEY_RING_WANTED);
    ck_assert_uint_eq(back->rings[1].keys[1].number, 4);
    ck_assert_uint_eq(back->rings[1].leak_until_wall_us, 7 + KEY_RING_LEAK_US);
    ck_assert_int_eq(back->supervisor.processes[1].state, PROCESS_PAUSED);
    ck_assert_uint_eq(back->supervisor.processes[1].start_ticks, 200);
    ck_assert(!back->topology->settings.queue_writes);
    ck_assert(back->topology->settings.no_wan);
    ck_assert(!topology_may_hold(back->topology, PARTS_VAULT, "us-east"));
    ck_assert_uint_eq(back->topology->settings.default_geo_index, 1);
    ck_assert_uint_eq(topology_link(back->topology, "lab", "us-east")->rtt_us, 90000);

    /* And what processes run by is the same. */
    Mec__Config *config = world_config(world);
    Mec__Config *config_again = world_config(back);
    uint8_t bytes[2][16384];
    size_t size = mec__config__pack(config, bytes[0]);
    ck_assert_uint_eq(mec__config__pack(config_again, bytes[1]), size);
    ck_assert_mem_eq(bytes[0], bytes[1], size);
    mec__config__free_unpacked(config, NULL);
    mec__config__free_unpacked(config_again, NULL);
    json_decref(again);
    json_decref(json);
    world_free(back);
    world_free(world);
}
END_TEST

/* Every part of the file, taken away or made nonsense, is noticed. */
START_TEST(a_damaged_state_file_is_refused_whole)
{
    struct world *world = make();
    json_t *json = world_to_json(world);
    const char *key;
    json_t *value;

    json_object_foreach(json, key, value)
    {
        struct world *back = NULL;
        json_t *copy = json_copy(json);

        json_object_set_new(copy, key, json_pack("[n]"));
        ck_assert_msg(world_from_json(copy, &back) == -EBADMSG, "%s", key);
        ck_assert_ptr_null(back);
        json_object_del(copy, key);
        /* Files of before operators had HTTP have no port of it; those of before there was a vault no
         * keys of it; and where nothing is pinned, nothing says so. */
        if (strcmp(key, "control_port") != 0 && strcmp(key, "vault_keys") != 0 &&
            strcmp(key, "residency") != 0)
            ck_assert_msg(world_from_json(copy, &back) == -EBADMSG, "%s", key);
        json_decref(copy);
    }
    json_decref(json);
    world_free(world);
}
END_TEST

static int read_with_ring(const char *ring, struct world **ret_world)
{
    struct world *world = make();
    json_t *json = world_to_json(world);
    json_t *region = json_array_get(json_object_get(json, "regions"), 1);

    json_object_set_new(region, "key_ring", json_loads(ring, 0, NULL));
    int error = world_from_json(json, ret_world);
    json_decref(json);
    world_free(world);
    return error;
}

#define KEY(number, state)                                                                         \
    "{\"number\": " number ", \"state\": \"" state "\", \"public_key\": "                          \
    "\"0100000000000000000000000000000000000000000000000000000000000000\", "                       \
    "\"since_wall_us\": 1, \"version\": 1, \"until_wall_us\": null}"

START_TEST(a_ring_of_keys_that_cannot_be_is_refused)
{
    static const char *const rings[] = {
        "{}",
        "{\"keys\": [], \"last_number\": -1}",
        "{\"keys\": [" KEY("1", "signing") "], \"last_number\": 0}",
        "{\"keys\": [" KEY("0", "signing") "], \"last_number\": 5}",
        "{\"keys\": [" KEY("1", "shining") "], \"last_number\": 5}",
        "{\"keys\": [" KEY("1", "signing") ", " KEY("2", "signing") "], \"last_number\": 5}",
        "{\"keys\": [" KEY("2", "retiring") ", " KEY("1", "signing") "], \"last_number\": 5}",
        "{\"keys\": [" KEY("1", "signing") ", " KEY("2", "retiring") "], \"last_number\": 5}",
        "{\"keys\": [" KEY("1", "published") ", " KEY("2", "wanted") "], \"last_number\": 5}",
        "{\"keys\": [{\"number\": 1}], \"last_number\": 5}",
    };
    struct world *back = NULL;

    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++)
        ck_assert_msg(read_with_ring(rings[i], &back) == -EBADMSG, "%s", rings[i]);
    ck_assert_ptr_null(back);
    ck_assert_int_eq(
        read_with_ring("{\"keys\": [" KEY("1", "retiring") ", " KEY("2", "retiring") ", " KEY(
                           "3", "signing") ", " KEY("7", "wanted") "], \"last_number\": 7}",
                       &back),
        0);
    world_free(back);
}
END_TEST

START_TEST(a_state_file_of_before_rings_has_one_key_that_signs)
{
    struct world *world = make();
    struct world *back = NULL;
    json_t *json = world_to_json(world);
    json_t *region = json_array_get(json_object_get(json, "regions"), 0);

    json_object_del(region, "key_ring");
    json_object_set_new(
        region, "public_key",
        json_string("0500000000000000000000000000000000000000000000000000000000000000"));
    ck_assert_int_eq(world_from_json(json, &back), 0);
    ck_assert_uint_eq(back->rings[0].count, 1);
    ck_assert_uint_eq(back->rings[0].keys[0].number, 1);
    ck_assert_int_eq(back->rings[0].keys[0].state, KEY_RING_SIGNING);
    ck_assert_uint_eq(back->rings[0].keys[0].public_key[0], 5);
    world_free(back);
    json_object_set_new(region, "public_key", json_string("05"));
    ck_assert_int_eq(world_from_json(json, &back), -EBADMSG);
    json_decref(json);
    world_free(world);
}
END_TEST

START_TEST(the_ready_file_says_where_the_token_is_and_not_what_it_is)
{
    struct world *world = make();
    json_t *ready = world_ready_json(world);

    ck_assert_str_eq(json_string_value(json_object_get(ready, "control_http")),
                     "http://127.0.0.1:7777");
    ck_assert_str_eq(json_string_value(json_object_get(ready, "control_token_file")),
                     "/data/control.token");
    json_decref(ready);
    world->control_port = 0;
    ready = world_ready_json(world);
    ck_assert(json_is_null(json_object_get(ready, "control_http")));
    json_decref(ready);
    world_free(world);
}
END_TEST

START_TEST(keys_are_shown_with_what_they_wait_for)
{
    json_t *data = json_loads(
        "{\"now_wall_us\": 90000000, \"keys\": ["
        "{\"kid\": \"lab.1\", \"region\": \"lab\", \"state\": \"retiring\", "
        "\"since_wall_us\": 60000000, \"until_wall_us\": 95000000, \"waits_for\": []},"
        "{\"kid\": \"lab.2\", \"region\": \"lab\", \"state\": \"published\", "
        "\"since_wall_us\": 60000000, \"until_wall_us\": null, \"waits_for\": "
        "[{\"name\": \"routerd\", \"state\": \"paused\"}, {\"name\": \"x\", \"state\": \"y\"}]}]}",
        0, NULL);
    char *text = views_keys(data, false);

    ck_assert_str_eq(text, "KEY    REGION  STATE      FOR  ENDS IN  WAITS FOR\n"
                           "lab.1  lab     retiring   30s       5s  \n"
                           "lab.2  lab     published  30s           routerd (paused), 1 more\n");
    free(text);
    json_decref(data);
}
END_TEST

START_TEST(a_state_file_of_another_format_is_refused)
{
    struct world *world = make();
    struct world *back = NULL;
    json_t *json = world_to_json(world);

    json_object_set_new(json, "format", json_integer(2));
    ck_assert_int_eq(world_from_json(json, &back), -EBADMSG);
    json_decref(json);
    json = json_array();
    ck_assert_int_eq(world_from_json(json, &back), -EBADMSG);
    json_decref(json);
    world_free(world);
}
END_TEST

START_TEST(world_names_are_safe_in_paths)
{
    static const char *const wrong[] = {
        "",   ".", "..",  "a/b", "A",
        "-n", "ä", "a b", "a.b", "1234567890123456789012345678901234567890"};

    ck_assert(world_name_is_valid("shop-2_b"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!world_name_is_valid(wrong[i]), "%s", wrong[i]);
}
END_TEST

START_TEST(ports_are_taken_over_only_where_none_is_known)
{
    struct world *world = make();
    Mec__ListenerConfig bound = MEC__LISTENER_CONFIG__INIT;
    Mec__ListenerConfig *list[] = {&bound};

    bound.geo = (char *)"lab";
    bound.port = 1234;
    ck_assert(!world_take_ports(world, list, 1));
    ck_assert_uint_eq(world->listeners[2].port, 9002);
    world->listeners[2].port = 0;
    bound.port = 70000;
    ck_assert(!world_take_ports(world, list, 1));
    bound.port = 1234;
    ck_assert(world_take_ports(world, list, 1));
    ck_assert_uint_eq(world->listeners[2].port, 1234);
    world_free(world);
}
END_TEST

static json_t *status(void)
{
    static const char text[] =
        "{\"world\": {\"world\": \"shop\", \"http\": \"http://x\", \"config_version\": 3,"
        "  \"slow_motion\": 1.0},"
        " \"processes\": [{\"name\": \"routerd\", \"state\": \"serving\", \"restarts\": 0}],"
        " \"regions\": [{\"name\": \"a\", \"process\": \"serving\", \"answers\": true,"
        "   \"writable\": true, \"queue\": {\"waiting\": 0},"
        "   \"services\": [{\"name\": \"auth\", \"state\": \"up\"},"
        "     {\"name\": \"vault\", \"state\": \"down\"},"
        "     {\"name\": \"metadata\", \"state\": \"slow\"}],"
        "   \"caches\": [{\"name\": \"edge\", \"state\": \"on\", \"hits\": 3, \"misses\": 1,"
        "     \"bytes\": 1048576}, {\"name\": \"regional\", \"state\": \"frozen\", \"hits\": 0,"
        "     \"misses\": 0, \"bytes\": 0}],"
        "   \"copies\": [{\"shard\": \"a\", \"role\": \"home\", \"state\": \"serving\","
        "     \"epoch\": 1, \"seq\": 7, \"staleness_ms\": null}]},"
        "  {\"name\": \"b\", \"process\": \"killed\", \"answers\": false}],"
        " \"replicators\": [{\"name\": \"a\", \"process\": \"serving\", \"answers\": true,"
        "   \"streams\": [{\"shard\": \"a\", \"follower\": \"b\", \"state\": \"streaming\","
        "     \"lag\": 4, \"rtt_configured_ms\": 70.0, \"rtt_measured_ms\": 70.4}]},"
        "  {\"name\": \"b\", \"process\": \"killed\", \"answers\": false, \"streams\": []}],"
        " \"router\": {\"vantages\": [{\"geo\": \"b\", \"regions\": [{\"region\": \"a\","
        "     \"state\": \"up\", \"services_down\": [\"vault\"]}]},"
        "   {\"geo\": \"a\", \"regions\": [{\"region\": \"a\","
        "     \"state\": \"up\", \"rtt_configured_ms\": 1.0, \"rtt_measured_ms\": 1.1},"
        "   {\"region\": \"b\", \"state\": \"down\", \"rtt_configured_ms\": 70.0,"
        "     \"rtt_measured_ms\": null}]}]},"
        " \"faults\": [], \"not_answering\": [], \"now_wall_us\": 5}";
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);

    ck_assert_msg(json != NULL, "%s", error.text);
    return json;
}

START_TEST(status_shows_regions_copies_and_health)
{
    json_t *json = status();
    char *text = views_status(json, false);

    ck_assert_ptr_nonnull(strstr(text, "World shop at http://x, configuration v3\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\na       serving  serving     vault down, metadata slow  writable       0  "
                     "          4\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\nb       killed   killed      ?                          ?              ?  "
                     "          ?\n"));
    ck_assert_ptr_nonnull(strstr(text, "\na       75% of 4, 1.0MiB  0% of 0, 0.0MiB frozen  -\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nb           vault down  ?\n"));
    ck_assert_ptr_nonnull(strstr(text, "\na      1.7 home  ?\n"));
    ck_assert_ptr_nonnull(strstr(text, "\na           up 1.1ms    down\n"));
    ck_assert_ptr_nonnull(strstr(text, "no faults in force\n"));
    ck_assert_ptr_null(strstr(text, "\033"));
    free(text);
    text = views_status(json, true);
    ck_assert_ptr_nonnull(strstr(text, "\033[31mkilled\033[0m"));
    free(text);
    json_decref(json);
}
END_TEST

START_TEST(status_stands_answers_that_are_missing_or_odd)
{
    static const char *const texts[] = {
        "{}", "{\"regions\": [{}], \"replicators\": [], \"router\": null}",
        ("{\"regions\": [{\"name\": 5, \"copies\": 7, \"queue\": []}], \"replicators\": [5],"
         " \"router\": {\"vantages\": [{\"geo\": 1, \"regions\": {}}]}, \"faults\": [{}]}")};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        ck_assert_ptr_nonnull(json);
        char *text = views_status(json, true);
        ck_assert_ptr_nonnull(strstr(text, "REGION"));
        free(text);
        json_decref(json);
    }
}
END_TEST

static char *diagnose(const json_t *json, bool *ret_failed)
{
    struct doctor doctor;

    doctor_init(&doctor);
    doctor_check_world(&doctor, json);
    char *text = doctor_render(&doctor, false);
    *ret_failed = doctor.failed;
    doctor_free(&doctor);
    return text;
}

START_TEST(a_healthy_world_gets_a_clean_bill)
{
    json_t *json = status();
    bool failed;
    char *text = diagnose(json, &failed);

    ck_assert(!failed);
    ck_assert_ptr_nonnull(strstr(text, "ok    processes           all 1 serve\n"));
    ck_assert_ptr_nonnull(strstr(text,
                                 "ok    links of regions    1 measured, worst is a to b: 70.0 "
                                 "ms configured, 70.4 ms measured\n"));
    ck_assert_ptr_null(strstr(text, "warn"));
    free(text);
    json_decref(json);
}
END_TEST

START_TEST(the_doctor_sees_what_is_wrong)
{
    json_t *json = status();
    json_t *stream = json_array_get(
        json_object_get(json_array_get(json_object_get(json, "replicators"), 0), "streams"), 0);
    json_t *process = json_array_get(json_object_get(json, "processes"), 0);
    bool failed;

    json_object_set_new(stream, "rtt_measured_ms", json_real(90));
    json_object_set_new(stream, "state", json_string("stopped_diverged"));
    json_object_set_new(process, "state", json_string("crashed"));
    json_object_set_new(process, "detail", json_string("exit code 3"));
    json_object_set_new(json_array_get(json_object_get(json, "regions"), 0), "writable",
                        json_false());
    json_array_append_new(json_object_get(json, "not_answering"),
                          json_pack("{s:s}", "name", "regiond/b"));
    json_array_append_new(json_object_get(json, "faults"), json_object());
    char *text = diagnose(json, &failed);
    ck_assert(failed);
    ck_assert_ptr_nonnull(strstr(text, "fail  routerd             it is crashed: exit code 3"));
    ck_assert_ptr_nonnull(strstr(text, "fail  a                   replication to b has stopped"));
    ck_assert_ptr_nonnull(strstr(text, "fail  a                   its disk takes no writes"));
    ck_assert_ptr_nonnull(strstr(text, "fail  regiond/b           it does not answer"));
    ck_assert_ptr_nonnull(
        strstr(text, "warn  links of regions    1 measured, worst is a to b: 70.0"));
    ck_assert_ptr_nonnull(strstr(text, "warn  faults              1 in force"));
    free(text);
    json_decref(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_world_survives_its_state_file,
        a_damaged_state_file_is_refused_whole,
        a_ring_of_keys_that_cannot_be_is_refused,
        a_state_file_of_before_rings_has_one_key_that_signs,
        the_ready_file_says_where_the_token_is_and_not_what_it_is,
        keys_are_shown_with_what_they_wait_for,
        a_state_file_of_another_format_is_refused,
        world_names_are_safe_in_paths,
        ports_are_taken_over_only_where_none_is_known,
        status_shows_regions_copies_and_health,
        status_stands_answers_that_are_missing_or_odd,
        a_healthy_world_gets_a_clean_bill,
        the_doctor_sees_what_is_wrong,
    };
    return suite_run(&(struct suite){.name = "world", SUITE_TESTS(tests)});
}
