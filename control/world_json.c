/* The state file of a world. Written by us alone, but read as if by anybody: bounds and forms are
 * checked, so that a damaged file is -EBADMSG and never a strange world. */

#include "control/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/memory.h"
#include "control/faults_parts.h"
#include "control/key_ring_json.h"
#include "control/residency_json.h"
#include "control/settings.h"

#define FORMAT 1

static json_t *regions_to_json(const struct world *world)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < world->topology->region_count; i++) {
        const struct topology_region *region = &world->topology->regions[i];

        json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f, s:o}", "name", region->name,
                                              "city", region->city, "latitude", region->latitude,
                                              "longitude", region->longitude, "key_ring",
                                              key_ring_json_make(&world->rings[i])));
    }
    return rows;
}

static json_t *geos_to_json(const struct topology *topology)
{
    json_t *rows = json_array();

    for (size_t i = topology->region_count; i < topology->geo_count; i++) {
        const struct geo_place *geo = &topology->geos[i];
        json_array_append_new(rows, json_pack("{s:s, s:f, s:f}", "name", geo->name, "latitude",
                                              geo->latitude, "longitude", geo->longitude));
    }
    return rows;
}

static json_t *links_to_json(const struct topology *topology)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->links[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:b, s:I, s:I, s:i, s:I, s:I}", "a",
                                              link->ends[0], "b", link->ends[1], "has_rtt",
                                              link->has_rtt, "rtt_us", (json_int_t)link->rtt_us,
                                              "jitter_us", (json_int_t)link->jitter_us,
                                              "jitter_kind", (int)link->jitter_kind, "loss_ppm",
                                              (json_int_t)link->loss_ppm, "rate_bytes_per_s",
                                              (json_int_t)link->rate_bytes_per_s));
    }
    return rows;
}

static json_t *settings_to_json(const struct topology *topology)
{
    json_t *json = json_object();

    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *setting = settings_at(i);
        json_object_set_new(
            json, setting->key,
            json_integer((json_int_t)settings_number(&topology->settings, setting)));
    }
    json_object_set_new(json, "default_geo_index",
                        json_integer((json_int_t)topology->settings.default_geo_index));
    json_object_set_new(json, "no_wan", json_boolean(topology->settings.no_wan));
    return json;
}

static json_t *listeners_to_json(const struct world *world)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < world->listener_count; i++)
        json_array_append_new(rows, json_pack("{s:s, s:i}", "geo", world->listeners[i].geo, "port",
                                              (int)world->listeners[i].port));
    return rows;
}

static json_t *processes_to_json(const struct world *world)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < world->supervisor.count; i++) {
        const struct process *process = &world->supervisor.processes[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:I, s:I, s:I}", "name", process->name,
                                              "state", supervisor_state_name(process->state), "pid",
                                              (json_int_t)process->pid, "start_ticks",
                                              (json_int_t)process->start_ticks, "restarts",
                                              (json_int_t)process->restarts));
    }
    return rows;
}

static json_t *vault_keys_to_json(const struct world *world)
{
    json_t *rows = json_array();
    char key[2 * VAULT_KEY_PUBLIC_SIZE + 1];

    for (size_t i = 0; i < world->topology->region_count; i++) {
        sodium_bin2hex(key, sizeof key, world->vault_keys[i], VAULT_KEY_PUBLIC_SIZE);
        json_array_append_new(rows, json_string(key));
    }
    return rows;
}

json_t *world_to_json(const struct world *world)
{
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:f, s:o, s:o, s:o, s:o, "
        "s:o, "
        "s:o, s:o, s:o, s:o*, s:o*}",
        "format", FORMAT, "world", world->name, "data", world->data, "runtime", world->runtime,
        "ephemeral", world->ephemeral, "seed", (json_int_t)world->seed, "config_version",
        (json_int_t)world->config_version, "started_wall_us", (json_int_t)world->started_wall_us,
        "controld_pid", (json_int_t)world->controld_pid, "controld_start_ticks",
        (json_int_t)world->controld_start_ticks, "last_fault",
        (json_int_t)world->faults.last_number, "control_port", (int)world->control_port,
        "slow_motion", world->topology->slow_motion, "regions", regions_to_json(world), "geos",
        geos_to_json(world->topology), "links", links_to_json(world->topology), "settings",
        settings_to_json(world->topology), "listeners", listeners_to_json(world), "faults",
        world_faults_json(world), "processes", processes_to_json(world), "vault_keys",
        vault_keys_to_json(world), "flushes", faults_parts_flushes_to_json(&world->faults),
        "residency", residency_json_make(world->topology));
}

static int copy_text(char *ret_text, size_t size, const char *text)
{
    if (strlen(text) >= size)
        return -EBADMSG;
    memcpy(ret_text, text, strlen(text) + 1);
    return 0;
}

static const json_t *list_of(const json_t *json, const char *key, size_t most)
{
    const json_t *list = json_object_get(json, key);

    return json_is_array(list) && json_array_size(list) <= most ? list : NULL;
}

static int region_from_json(const json_t *row, struct topology_region *ret_region,
                            struct key_ring *ret_ring)
{
    const char *name;
    const char *city;

    if (json_unpack((json_t *)row, "{s:s, s:s, s:F, s:F}", "name", &name, "city", &city, "latitude",
                    &ret_region->latitude, "longitude", &ret_region->longitude) != 0 ||
        copy_text(ret_region->name, sizeof ret_region->name, name) != 0 ||
        copy_text(ret_region->city, sizeof ret_region->city, city) != 0)
        return -EBADMSG;
    return key_ring_json_read(row, ret_ring);
}

static int add_geo(struct topology *topology, const char *name, double latitude, double longitude)
{
    struct geo_place place = {.latitude = latitude, .longitude = longitude};

    if (copy_text(place.name, sizeof place.name, name) != 0)
        return -EBADMSG;
    topology->geos[topology->geo_count++] = place;
    return 0;
}

static int regions_from_json(const json_t *json, struct topology *topology,
                             struct key_ring **ret_rings)
{
    const json_t *rows = list_of(json, "regions", TOPOLOGY_REGIONS_MAX);
    size_t count = json_array_size(rows);

    if (count == 0)
        return -EBADMSG;
    *ret_rings = memory_alloc(count * sizeof **ret_rings);
    for (size_t i = 0; i < count; i++) {
        struct topology_region *region = &topology->regions[i];
        if (region_from_json(json_array_get(rows, i), region, &(*ret_rings)[i]) != 0)
            return -EBADMSG;
        topology->region_count++;
        if (add_geo(topology, region->name, region->latitude, region->longitude) != 0)
            return -EBADMSG;
    }
    return 0;
}

static int geos_from_json(const json_t *json, struct topology *topology)
{
    const json_t *rows = list_of(json, "geos", TOPOLOGY_GEOS_MAX - topology->region_count);

    if (!rows)
        return -EBADMSG;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *name;
        double latitude;
        double longitude;

        if (json_unpack(json_array_get(rows, i), "{s:s, s:F, s:F}", "name", &name, "latitude",
                        &latitude, "longitude", &longitude) != 0 ||
            add_geo(topology, name, latitude, longitude) != 0)
            return -EBADMSG;
    }
    return 0;
}

static int link_from_json(const json_t *row, struct topology_link *ret_link)
{
    const char *a;
    const char *b;
    int has_rtt;
    int jitter_kind;
    json_int_t rtt_us;
    json_int_t jitter_us;
    json_int_t loss_ppm;
    json_int_t rate;

    if (json_unpack((json_t *)row, "{s:s, s:s, s:b, s:I, s:I, s:i, s:I, s:I}", "a", &a, "b", &b,
                    "has_rtt", &has_rtt, "rtt_us", &rtt_us, "jitter_us", &jitter_us, "jitter_kind",
                    &jitter_kind, "loss_ppm", &loss_ppm, "rate_bytes_per_s", &rate) != 0 ||
        copy_text(ret_link->ends[0], sizeof ret_link->ends[0], a) != 0 ||
        copy_text(ret_link->ends[1], sizeof ret_link->ends[1], b) != 0 || rtt_us < 0 ||
        jitter_us < 0 || rate < 0 || loss_ppm < 0 || loss_ppm > 900000 || jitter_kind < 0 ||
        jitter_kind > 2)
        return -EBADMSG;
    ret_link->has_rtt = has_rtt != 0;
    ret_link->rtt_us = (uint64_t)rtt_us;
    ret_link->jitter_us = (uint64_t)jitter_us;
    ret_link->jitter_kind = (Mec__JitterKind)jitter_kind;
    ret_link->loss_ppm = (uint32_t)loss_ppm;
    ret_link->rate_bytes_per_s = (uint64_t)rate;
    return 0;
}

static int links_from_json(const json_t *json, struct topology *topology)
{
    const json_t *rows = list_of(json, "links", TOPOLOGY_LINKS_MAX);

    if (!rows)
        return -EBADMSG;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct topology_link link = {0};
        char *why;

        if (link_from_json(json_array_get(rows, i), &link) != 0)
            return -EBADMSG;
        if (topology_add_link(topology, &link, &why) != 0) {
            free(why);
            return -EBADMSG;
        }
    }
    return 0;
}

static int settings_from_json(const json_t *json, struct topology *topology)
{
    const json_t *own = json_object_get(json, "settings");
    const json_t *geo = json_object_get(own, "default_geo_index");

    if (!json_is_object(own))
        return -EBADMSG;
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *setting = settings_at(i);
        const json_t *number = json_object_get(own, setting->key);
        /* One that a newer version has brought keeps its default. */
        if (number && (!json_is_integer(number) ||
                       settings_set_number(&topology->settings, setting,
                                           (uint64_t)json_integer_value(number)) != 0))
            return -EBADMSG;
    }
    if (json_integer_value(geo) < 0 || (uint64_t)json_integer_value(geo) >= topology->region_count)
        return -EBADMSG;
    topology->settings.default_geo_index = (uint64_t)json_integer_value(geo);
    topology->settings.no_wan = json_is_true(json_object_get(own, "no_wan"));
    return 0;
}

static int topology_from_json(const json_t *json, struct topology *topology,
                              struct key_ring **ret_rings)
{
    double factor = json_number_value(json_object_get(json, "slow_motion"));
    int error = factor > 0 ? regions_from_json(json, topology, ret_rings) : -EBADMSG;

    topology->slow_motion = factor;
    if (error == 0)
        error = geos_from_json(json, topology);
    if (error == 0)
        error = links_from_json(json, topology);
    if (error == 0)
        error = settings_from_json(json, topology);
    if (error == 0)
        error = residency_json_read(json, topology);
    return error;
}

static int listeners_from_json(const json_t *json, struct world *world)
{
    const json_t *rows = list_of(json, "listeners", world->listener_count);

    if (json_array_size(rows) != world->listener_count)
        return -EBADMSG;
    for (size_t i = 0; i < world->listener_count; i++) {
        const char *geo;
        int port;

        if (json_unpack(json_array_get(rows, i), "{s:s, s:i}", "geo", &geo, "port", &port) != 0 ||
            strcmp(geo, world->listeners[i].geo) != 0 || port < 0 || port > UINT16_MAX)
            return -EBADMSG;
        world->listeners[i].port = (uint16_t)port;
    }
    return 0;
}

static int faults_from_list(const json_t *json, struct world *world)
{
    const json_t *rows = list_of(json, "faults", FAULTS_MAX);
    const json_t *last_fault = json_object_get(json, "last_fault");
    uint64_t last = (uint64_t)json_integer_value(last_fault);

    if (!rows || !json_is_integer(last_fault))
        return -EBADMSG;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct fault fault;
        struct fault added;
        char *why;

        if (faults_from_json(json_array_get(rows, i), &fault) != 0 || fault.number == 0)
            return -EBADMSG;
        world->faults.last_number = fault.number - 1;
        if (faults_add(&world->faults, world->topology, &fault, &added, &why) != 0) {
            free(why);
            return -EBADMSG;
        }
    }
    if (world->faults.last_number > last)
        return -EBADMSG;
    world->faults.last_number = last;
    const json_t *flushes = json_object_get(json, "flushes");
    /* Most worlds have none, and older files do not know of them. */
    return flushes ? faults_parts_flushes_from_json(flushes, &world->faults) : 0;
}

static int processes_from_json(const json_t *json, struct world *world)
{
    const json_t *rows = list_of(json, "processes", world->supervisor.count);

    if (json_array_size(rows) != world->supervisor.count)
        return -EBADMSG;
    for (size_t i = 0; i < world->supervisor.count; i++) {
        struct process *process = &world->supervisor.processes[i];
        const char *name;
        const char *state;
        json_int_t pid;
        json_int_t ticks;
        json_int_t restarts;

        if (json_unpack(json_array_get(rows, i), "{s:s, s:s, s:I, s:I, s:I}", "name", &name,
                        "state", &state, "pid", &pid, "start_ticks", &ticks, "restarts",
                        &restarts) != 0 ||
            strcmp(name, process->name) != 0 ||
            supervisor_state_find(state, &process->state) != 0 || pid < 0 || pid > INT32_MAX)
            return -EBADMSG;
        process->pid = (uint32_t)pid;
        process->start_ticks = (uint64_t)ticks;
        process->restarts = (uint32_t)restarts;
    }
    return 0;
}

static int numbers_from_json(const json_t *json, struct world *world)
{
    json_int_t seed;
    json_int_t version;
    json_int_t started;
    json_int_t pid;
    json_int_t ticks;
    int ephemeral;
    int control_port = 0; /* not in a file of before there was one */

    if (json_unpack((json_t *)json, "{s:b, s:I, s:I, s:I, s:I, s:I, s?i}", "ephemeral", &ephemeral,
                    "seed", &seed, "config_version", &version, "started_wall_us", &started,
                    "controld_pid", &pid, "controld_start_ticks", &ticks, "control_port",
                    &control_port) != 0 ||
        control_port < 0 || control_port > UINT16_MAX || version < 0 || pid < 0 || pid > INT32_MAX)
        return -EBADMSG;
    world->ephemeral = ephemeral != 0;
    world->seed = (uint64_t)seed;
    world->config_version = (uint64_t)version;
    world->started_wall_us = (uint64_t)started;
    world->control_port = (uint16_t)control_port;
    world->controld_pid = (uint32_t)pid;
    world->controld_start_ticks = (uint64_t)ticks;
    return 0;
}

/* A file of before there was a vault has none; what controld finds in the regions' directories is
 * put in their place at each start. */
static int vault_keys_from_json(const json_t *json, struct world *world)
{
    const json_t *rows = json_object_get(json, "vault_keys");

    if (rows && !json_is_array(rows))
        return -EBADMSG;
    for (size_t i = 0; i < json_array_size(rows) && i < world->topology->region_count; i++) {
        const char *key = json_string_value(json_array_get(rows, i));
        size_t size;

        if (!key ||
            sodium_hex2bin(world->vault_keys[i], VAULT_KEY_PUBLIC_SIZE, key, strlen(key), NULL,
                           &size, NULL) != 0 ||
            size != VAULT_KEY_PUBLIC_SIZE)
            return -EBADMSG;
    }
    return 0;
}

int world_from_json(const json_t *json, struct world **ret_world)
{
    int format;
    const char *name;
    const char *data;
    const char *runtime;

    if (json_unpack((json_t *)json, "{s:i, s:s, s:s, s:s}", "format", &format, "world", &name,
                    "data", &data, "runtime", &runtime) != 0 ||
        format != FORMAT || !world_name_is_valid(name))
        return -EBADMSG;
    struct topology *topology = topology_create();
    struct key_ring *rings = NULL;
    int error = topology_from_json(json, topology, &rings);
    if (error != 0) {
        free(rings);
        topology_free(topology);
        return error;
    }
    struct world *world = world_create(name, topology, data, runtime, 0);
    free(world->rings);
    world->rings = rings;
    error = numbers_from_json(json, world);
    if (error == 0)
        error = listeners_from_json(json, world);
    if (error == 0)
        error = faults_from_list(json, world);
    if (error == 0)
        error = processes_from_json(json, world);
    if (error == 0)
        error = vault_keys_from_json(json, world);
    if (error != 0) {
        world_free(world);
        return error;
    }
    *ret_world = world;
    return 0;
}
