#include "control/world.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/text.h"

bool world_name_is_valid(const char *name)
{
    size_t size = strlen(name);

    return size != 0 && size < WORLD_NAME_SIZE && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == size;
}

static void add_processes(struct world *world)
{
    static const char *const daemons[] = {"regiond", "replicator"};
    char name[SUPERVISOR_NAME_SIZE];

    for (size_t daemon = 0; daemon < 2; daemon++) {
        for (size_t i = 0; i < world->topology->region_count; i++) {
            snprintf(name, sizeof name, "%s/%s", daemons[daemon], world->topology->regions[i].name);
            supervisor_add(&world->supervisor, name);
        }
    }
    supervisor_add(&world->supervisor, "routerd");
}

static void add_listeners(struct world *world, uint16_t port)
{
    const struct topology *topology = world->topology;

    world->listener_count = topology->geo_count + 1;
    world->listeners = memory_alloc(world->listener_count * sizeof *world->listeners);
    for (size_t i = 0; i < world->listener_count; i++) {
        struct compile_listener *listener = &world->listeners[i];
        listener->port = port == 0 ? 0 : (uint16_t)(port + i);
        if (i != 0)
            snprintf(listener->geo, sizeof listener->geo, "%s", topology->geos[i - 1].name);
    }
}

struct world *world_create(const char *name, struct topology *topology, const char *data,
                           const char *runtime, uint16_t port)
{
    struct world *world = memory_alloc(sizeof *world);

    assert(world_name_is_valid(name));
    snprintf(world->name, sizeof world->name, "%s", name);
    world->data = memory_text(data);
    world->runtime = memory_text(runtime);
    world->topology = topology;
    world->seed = topology->seed;
    world->rings = memory_alloc(topology->region_count * sizeof *world->rings);
    for (size_t i = 0; i < topology->region_count; i++)
        key_ring_init(&world->rings[i]);
    world->vault_keys = memory_alloc(topology->region_count * sizeof *world->vault_keys);
    add_listeners(world, port);
    add_processes(world);
    return world;
}

void world_free(struct world *world)
{
    if (!world)
        return;
    supervisor_free(&world->supervisor);
    faults_free(&world->faults);
    topology_free(world->topology);
    free(world->rings);
    free(world->vault_keys);
    free(world->listeners);
    free(world->runtime);
    free(world->data);
    free(world);
}

char *world_control_path(const struct world *world)
{
    return text_format("%s/control.sock", world->runtime);
}

char *world_process_directory(const struct world *world, const struct process *process)
{
    return text_format("%s/%s", world->data, process->name);
}

char *world_log_path(const char *data, const char *process)
{
    char *path = text_format("%s/logs/%s.log", data, process);

    for (char *at = path + strlen(data) + strlen("/logs/"); *at; at++)
        if (*at == '/')
            *at = '-';
    return path;
}

Mec__Config *world_config(const struct world *world)
{
    return compile_config(&(struct compile_input){
        .version = world->config_version,
        .world = world->name,
        .runtime_directory = world->runtime,
        .topology = world->topology,
        .faults = &world->faults,
        .listeners = world->listeners,
        .listener_count = world->listener_count,
        .rings = world->rings,
        .vault_keys = (const uint8_t(*)[VAULT_KEY_PUBLIC_SIZE])world->vault_keys,
        .seed = world->seed});
}

struct key_ring *world_ring(const struct world *world, const char *name)
{
    static const char prefix[] = "regiond/";

    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return NULL;
    for (size_t i = 0; i < world->topology->region_count; i++)
        if (strcmp(world->topology->regions[i].name, name + sizeof prefix - 1) == 0)
            return &world->rings[i];
    return NULL;
}

char *world_control_token_path(const struct world *world)
{
    return text_format("%s/control.token", world->data);
}

char *world_control_url(const struct world *world)
{
    return world->control_port != 0 ? text_format("http://127.0.0.1:%u", world->control_port)
                                    : NULL;
}

bool world_take_ports(struct world *world, Mec__ListenerConfig *const *listeners, size_t count)
{
    bool news = false;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < world->listener_count; j++) {
            struct compile_listener *own = &world->listeners[j];
            if (own->port != 0 || strcmp(own->geo, listeners[i]->geo) != 0 ||
                listeners[i]->port == 0 || listeners[i]->port > UINT16_MAX)
                continue;
            own->port = (uint16_t)listeners[i]->port;
            news = true;
        }
    }
    return news;
}

static json_t *process_row(const char *name, enum process_state state, uint32_t pid)
{
    return json_pack("{s:s, s:s, s:o}", "name", name, "state", supervisor_state_name(state), "pid",
                     pid != 0 ? json_integer(pid) : json_null());
}

json_t *world_processes_json(const struct world *world)
{
    json_t *rows = json_array();
    json_t *controld = process_row("controld", PROCESS_SERVING, world->controld_pid);

    json_object_set_new(controld, "restarts", json_integer(0));
    json_object_set_new(controld, "config_version",
                        json_integer((json_int_t)world->config_version));
    json_array_append_new(rows, controld);
    for (size_t i = 0; i < world->supervisor.count; i++) {
        const struct process *process = &world->supervisor.processes[i];
        json_t *row = process_row(process->name, process->state, process->pid);
        json_object_set_new(row, "restarts", json_integer(process->restarts));
        json_object_set_new(row, "config_version",
                            process->connected ? json_integer((json_int_t)process->config_version)
                                               : json_null());
        json_object_set_new(row, "connected", json_boolean(process->connected));
        json_object_set_new(row, "detail", json_string(process->detail));
        json_array_append_new(rows, row);
    }
    return rows;
}

json_t *world_faults_json(const struct world *world)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < world->faults.count; i++)
        json_array_append_new(rows, faults_to_json(&world->faults.items[i]));
    return rows;
}

static void set_text(json_t *json, const char *key, char *text)
{
    json_object_set_new(json, key, json_string(text));
    free(text);
}

static json_t *sockets_json(const struct world *world)
{
    json_t *sockets = json_object();

    set_text(sockets, "controld", world_control_path(world));
    for (size_t i = 0; i < world->topology->region_count; i++) {
        const char *region = world->topology->regions[i].name;
        char name[SUPERVISOR_NAME_SIZE];

        snprintf(name, sizeof name, "regiond/%s", region);
        set_text(sockets, name, text_format("%s/regiond-%s.sock", world->runtime, region));
    }
    return sockets;
}

static json_t *pids_json(const struct world *world)
{
    json_t *pids = json_object();

    if (world->controld_pid != 0)
        json_object_set_new(pids, "controld", json_integer(world->controld_pid));
    for (size_t i = 0; i < world->supervisor.count; i++) {
        const struct process *process = &world->supervisor.processes[i];
        if (process->pid != 0)
            json_object_set_new(pids, process->name, json_integer(process->pid));
    }
    return pids;
}

/* Where, and in which file the token is: never the token. */
static void add_control_http(json_t *ready, const struct world *world)
{
    char *url = world_control_url(world);

    json_object_set_new(ready, "control_http", url ? json_string(url) : json_null());
    set_text(ready, "control_token_file", world_control_token_path(world));
    free(url);
}

json_t *world_ready_json(const struct world *world)
{
    json_t *ready = json_object();
    json_t *vantage = json_object();

    set_text(ready, "http", text_format("http://127.0.0.1:%u", world->listeners[0].port));
    for (size_t i = 1; i < world->listener_count; i++)
        set_text(vantage, world->listeners[i].geo,
                 text_format("http://127.0.0.1:%u", world->listeners[i].port));
    json_object_set_new(ready, "vantage", vantage);
    set_text(ready, "control", world_control_path(world));
    add_control_http(ready, world);
    json_object_set_new(ready, "pids", pids_json(world));
    json_object_set_new(ready, "data", json_string(world->data));
    json_object_set_new(ready, "sockets", sockets_json(world));
    json_object_set_new(ready, "world", json_string(world->name));
    json_object_set_new(ready, "config_version", json_integer((json_int_t)world->config_version));
    json_object_set_new(ready, "started_wall_us", json_integer((json_int_t)world->started_wall_us));
    json_object_set_new(ready, "slow_motion", json_real(world->topology->slow_motion));
    json_object_set_new(ready, "no_wan", json_boolean(world->topology->settings.no_wan));
    return ready;
}
