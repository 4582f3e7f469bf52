/* mecentral up */

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <sodium.h>

#include "common/live_files.h"
#include "common/live_loop.h"
#include "common/memory.h"
#include "control/live_ask.h"
#include "control/live_process.h"
#include "control/live_start.h"
#include "control/live_world.h"
#include "control/mecentral.h"
#include "control/text.h"
#include "control/units.h"
#include "control/views.h"

#define DEFAULT_PORT   8080
#define UP_PATIENCE_MS 15000

/* One `up` under way. */
struct up {
    struct mecentral *run;
    const json_t *options;
    struct topology *topology;
    uint16_t port;
    uint16_t control_port; /* 0: any */
    char *runtime;
    char *data;
    bool ephemeral;
    struct live_locks locks;
    bool locked;
    bool saved; /* what is in the runtime directory now is ours */
    struct world *world;
    int fd; /* to controld; -1: none */
};

static int read_topology_file(const char *path, const char *regions, struct topology **ret_topology)
{
    uint8_t *text;
    size_t size;
    char *why;
    int error = live_files_read(path, TOPOLOGY_FILE_SIZE_MAX, &text, &size);

    if (error != 0) {
        mecentral_error("cannot read the topology %s: %s", path,
                        error == -EFBIG ? "it is larger than 1 MiB" : strerror(-error));
        return MECENTRAL_USAGE;
    }
    error = topology_parse(path, (const char *)text, size, regions, ret_topology, &why);
    free(text);
    if (error == 0)
        return MECENTRAL_FINE;
    mecentral_error("%s", why);
    free(why);
    return MECENTRAL_USAGE;
}

static int resolve_regions(struct up *up)
{
    const char *file = command_line_text(up->options, "file");
    const char *regions = command_line_text(up->options, "regions");
    char *why;

    if (file)
        return read_topology_file(file, regions, &up->topology);
    if (topology_built_in(regions, &up->topology, &why) == 0)
        return MECENTRAL_FINE;
    mecentral_error("--regions: %s", why);
    free(why);
    return MECENTRAL_USAGE;
}

/* The command line has the last word. */
static int resolve(struct up *up)
{
    const char *port = command_line_text(up->options, "port");
    const char *control_port = command_line_text(up->options, "control-port");
    const char *seed = command_line_text(up->options, "seed");
    const char *slow_motion = command_line_text(up->options, "slow-motion");
    uint64_t number;
    int code = resolve_regions(up);

    if (code != MECENTRAL_FINE)
        return code;
    struct topology *topology = up->topology;
    up->port = topology->has_port ? topology->port : DEFAULT_PORT;
    if (port && units_parse_count(port, &number) == 0)
        up->port = (uint16_t)number;
    if (up->port != 0 && up->port + topology->geo_count > UINT16_MAX) {
        mecentral_error("--port: %u leaves no room for the %zu ports behind it", up->port,
                        topology->geo_count);
        return MECENTRAL_USAGE;
    }
    if (control_port && units_parse_count(control_port, &number) == 0)
        up->control_port = (uint16_t)number;
    if (up->port != 0 && up->control_port >= up->port &&
        up->control_port <= up->port + topology->geo_count) {
        mecentral_error("--control-port: %u is one of the ports for clients", up->control_port);
        return MECENTRAL_USAGE;
    }
    if (seed && units_parse_count(seed, &number) == 0)
        topology->seed = number;
    else if (!topology->has_seed)
        randombytes_buf(&topology->seed, sizeof topology->seed);
    if (slow_motion && units_parse_factor(slow_motion, &number) == 0)
        topology->slow_motion = (double)number / 1e6;
    if (command_line_flag(up->options, "no-wan"))
        topology->settings.no_wan = true;
    return MECENTRAL_FINE;
}

static int check_socket_paths(const struct up *up)
{
    const size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    size_t longest = strlen("control.sock");

    for (size_t i = 0; i < up->topology->region_count; i++) {
        size_t size = strlen("regiond-.sock") + strlen(up->topology->regions[i].name);
        longest = size > longest ? size : longest;
    }
    if (strlen(up->runtime) + 1 + longest <= most)
        return MECENTRAL_FINE;
    mecentral_error("sockets in %s would have paths of %zu bytes, and the system allows %zu: set "
                    "XDG_RUNTIME_DIR to a shorter directory, or shorten the world's or the "
                    "regions' names",
                    up->runtime, strlen(up->runtime) + 1 + longest, most);
    return MECENTRAL_USAGE;
}

static int make_directories(struct up *up)
{
    const char *data = command_line_text(up->options, "data");
    char *why;

    up->runtime = live_world_runtime(up->run->world);
    int code = check_socket_paths(up);
    if (code != MECENTRAL_FINE)
        return code;
    if (live_world_make_runtime(up->runtime, &why) != 0) {
        mecentral_error("%s", why);
        free(why);
        return MECENTRAL_INTERNAL;
    }
    up->ephemeral = command_line_flag(up->options, "ephemeral");
    if (up->ephemeral && data) {
        mecentral_error("--data and --ephemeral exclude each other");
        return MECENTRAL_USAGE;
    }
    if (up->ephemeral) {
        const char *temporary = getenv("TMPDIR");
        up->data = text_format("%s/mecentral-XXXXXX", temporary && *temporary ? temporary : "/tmp");
        if (!mkdtemp(up->data)) {
            mecentral_error("cannot make a temporary directory %s: %s", up->data, strerror(errno));
            return MECENTRAL_INTERNAL;
        }
        return MECENTRAL_FINE;
    }
    up->data = data ? memory_text(data) : live_world_default_data(up->run->world);
    int error = live_files_make_directory(up->data);
    char *whole = error == 0 ? realpath(up->data, NULL) : NULL;
    if (!whole) {
        mecentral_error("cannot make the data directory %s: %s%s", up->data,
                        strerror(error != 0 ? -error : errno),
                        data ? "" : "; --data moves it elsewhere");
        return MECENTRAL_INTERNAL;
    }
    free(up->data);
    up->data = whole;
    return MECENTRAL_FINE;
}

static bool has_processes(const struct world *world)
{
    for (size_t i = 0; i < world->supervisor.count; i++)
        if (live_process_is(world->supervisor.processes[i].pid,
                            world->supervisor.processes[i].start_ticks))
            return true;
    return false;
}

static bool same_regions(const struct topology *a, const struct topology *b)
{
    for (size_t i = 0; i < a->region_count; i++)
        if (!topology_region(b, a->regions[i].name))
            return false;
    return a->region_count == b->region_count;
}

/* What lies outside of a smaller set already would stay there; what a larger one's regions have not
 * been told, they would never hear. */
static bool same_residency(const struct topology *a, const struct topology *b)
{
    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++)
        for (size_t j = 0; j < a->region_count; j++)
            if (topology_may_hold(a, (enum parts_service)i, a->regions[j].name) !=
                topology_may_hold(b, (enum parts_service)i, a->regions[j].name))
                return false;
    return true;
}

/* With the locks in our hands no controld lives; its processes may. */
static int check_leftovers(const struct up *up, const struct world *old)
{
    if (has_processes(old)) {
        mecentral_error("world %s still runs, without its controld: mecentral -n %s start "
                        "controld, or mecentral -n %s down",
                        old->name, old->name, old->name);
        return MECENTRAL_CHECK;
    }
    if (strcmp(old->data, up->data) == 0 && !same_regions(old->topology, up->world->topology)) {
        mecentral_error("the data in %s is of a world with other regions; forget it with "
                        "mecentral -n %s down --purge, or use another --data or world name",
                        up->data, up->run->world);
        return MECENTRAL_USAGE;
    }
    if (strcmp(old->data, up->data) == 0 && !same_residency(old->topology, up->world->topology)) {
        mecentral_error("the data in %s is of a world with another residency, and lies where that "
                        "one has allowed; forget it with mecentral -n %s down --purge, or use "
                        "another --data or world name",
                        up->data, up->run->world);
        return MECENTRAL_USAGE;
    }
    return MECENTRAL_FINE;
}

/* A rotation that the end of the world interrupted goes on. */
static void take_over_keys(struct world *world, const struct world *old)
{
    for (size_t i = 0; i < world->topology->region_count; i++)
        for (size_t j = 0; j < old->topology->region_count; j++)
            if (strcmp(world->topology->regions[i].name, old->topology->regions[j].name) == 0)
                world->rings[i] = old->rings[j];
}

/* What ran here before: its processes must be gone, and its versions go on rising. */
static int take_over(struct up *up)
{
    struct world *old = NULL;
    char *running = NULL;
    int code = MECENTRAL_FINE;

    if (live_world_running_data(up->run->world, &running) == 0 && strcmp(running, up->data) != 0 &&
        live_world_load(running, &old) == 0) {
        code = check_leftovers(up, old);
        world_free(old);
        old = NULL;
    }
    free(running);
    if (code != MECENTRAL_FINE)
        return code;
    int error = live_world_load(up->data, &old);
    if (error != 0 && error != -ENOENT) {
        mecentral_error("cannot read %s/state.json: %s; remove it to start anew, the databases "
                        "stay",
                        up->data, error == -EBADMSG ? "it is damaged" : strerror(-error));
        return MECENTRAL_INTERNAL;
    }
    if (old) {
        code = check_leftovers(up, old);
        up->world->config_version = old->config_version;
        up->world->faults.last_number = old->faults.last_number;
        take_over_keys(up->world, old);
    }
    world_free(old);
    return code;
}

static int check_port(uint16_t port, const char *geo, const char *option)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int error = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return MECENTRAL_FINE;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        error = errno;
    close(fd);
    if (error == 0)
        return MECENTRAL_FINE;
    mecentral_error("port %u%s%s cannot be used: %s; choose others with --%s P, or --%s 0 for "
                    "free ones",
                    port, *geo ? " of " : "", geo, strerror(error), option, option);
    return MECENTRAL_INTERNAL;
}

static int check_ports(const struct up *up)
{
    int code = MECENTRAL_FINE;

    for (size_t i = 0; code == MECENTRAL_FINE && up->port != 0 && i < up->world->listener_count;
         i++)
        code = check_port(up->world->listeners[i].port, up->world->listeners[i].geo, "port");
    if (code == MECENTRAL_FINE && up->control_port != 0)
        code = check_port(up->control_port, "controld", "control-port");
    return code;
}

static int save(struct up *up)
{
    struct world *world = up->world;
    char *logs = text_format("%s/logs", up->data);
    char *token = world_control_token_path(world);
    int error = live_files_make_directory(logs);

    world->config_version++;
    world->control_port = up->control_port;
    world->ephemeral = up->ephemeral;
    world->started_wall_us = live_loop_now().wall_us;
    if (error == 0)
        error = live_world_save(world);
    if (error != 0)
        mecentral_error("cannot write in %s: %s", up->data, strerror(-error));
    unlink(token); /* each run of a world has one of its own; controld makes it */
    free(token);
    free(logs);
    up->saved = true;
    return error == 0 ? MECENTRAL_FINE : MECENTRAL_INTERNAL;
}

static int prepare(struct up *up)
{
    int code = resolve(up);

    if (code == MECENTRAL_FINE)
        code = make_directories(up);
    if (code != MECENTRAL_FINE)
        return code;
    int error = live_start_lock(up->run, up->runtime, up->data, &up->locks);
    if (error != 0)
        return error == -EWOULDBLOCK ? MECENTRAL_CHECK : MECENTRAL_INTERNAL;
    up->locked = true;
    up->world = world_create(up->run->world, up->topology, up->data, up->runtime, up->port);
    up->topology = NULL;
    code = take_over(up);
    if (code == MECENTRAL_FINE)
        code = check_ports(up);
    if (code == MECENTRAL_FINE)
        code = save(up);
    return code;
}

/* Some process did not come up: show why, and end the others. */
static void give_up(struct up *up, const struct live_ask_reply *reply)
{
    const json_t *rows = json_object_get(reply->data, "unconfirmed");
    struct live_ask_reply ended;
    struct world *world;

    mecentral_error("world %s did not start:%s", up->run->world, reply->message);
    for (size_t i = 0; i < json_array_size(rows); i++)
        live_start_show_log(up->data,
                            json_string_value(json_object_get(json_array_get(rows, i), "name")), 3);
    if (live_world_load(up->data, &world) != 0)
        return;
    if (live_ask_on(up->fd, "down", NULL, UP_PATIENCE_MS, NULL, NULL, &ended) == 0) {
        live_ask_free(&ended);
        live_process_wait_gone(world->controld_pid, world->controld_start_ticks, 5 * SECOND_US);
    }
    world_free(world);
}

static int write_ready_file(const struct up *up, const json_t *ready)
{
    const char *path = command_line_text(up->options, "ready-file");
    int error = path ? live_world_write_json(path, ready) : 0;

    if (error == 0)
        return MECENTRAL_FINE;
    mecentral_error("cannot write the ready file %s: %s", path, strerror(-error));
    return MECENTRAL_INTERNAL;
}

static int start(struct up *up)
{
    struct live_ask_reply reply;

    if (live_start_controld(up->runtime, up->data, &up->locks, &up->fd) != 0)
        return MECENTRAL_INTERNAL;
    int error = live_ask_on(up->fd, "up", NULL, UP_PATIENCE_MS, NULL, NULL, &reply);
    if (error != 0) {
        mecentral_error("controld did not answer: %s", strerror(-error));
        live_start_show_log(up->data, "controld", 5);
        return MECENTRAL_INTERNAL;
    }
    int code = (int)reply.exit_code;
    if (code != MECENTRAL_FINE) {
        give_up(up, &reply);
    } else {
        code = write_ready_file(up, reply.data);
        uint64_t took_ms = (live_loop_now().now_us - up->run->started_us) / MILLISECOND_US;
        char *text = views_ready(reply.data, took_ms);
        if (up->run->json)
            mecentral_print_json(reply.data);
        else
            fputs(text, stdout);
        fflush(stdout);
        free(text);
    }
    live_ask_free(&reply);
    return code;
}

static volatile sig_atomic_t interrupts;

static void on_interrupt(int number)
{
    (void)number;
    interrupts++;
}

static void show(const char *message, void *context)
{
    mecentral_say(context, "%s", message);
}

/* Stay until Ctrl-C, or until the world is ended elsewhere. */
static int stay(struct up *up)
{
    struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: calls return */
    struct live_ask_reply reply;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    mecentral_say(up->run, "Ctrl-C ends it");
    int error = live_ask_on(up->fd, "watch", NULL, -1, show, up->run, &reply);
    if (error == 0)
        live_ask_free(&reply);
    while (interrupts == 0 && error != -EINTR) {
        /* Its controld was killed, or somebody ended the world: the one can be waited out. */
        struct world *world;
        char *data;
        if (live_world_running_data(up->run->world, &data) != 0)
            return MECENTRAL_FINE;
        free(data);
        if (live_world_load(up->data, &world) != 0)
            return MECENTRAL_FINE;
        close(up->fd);
        up->fd = -1;
        char *socket = world_control_path(world);
        if (live_ask_connect(socket, &up->fd) == 0)
            error = live_ask_on(up->fd, "watch", NULL, -1, show, up->run, &reply);
        else
            usleep(100000);
        free(socket);
        world_free(world);
    }
    mecentral_say(up->run, "ending world %s; Ctrl-C again kills it at once", up->run->world);
    return live_down(up->run);
}

static void clean_up(struct up *up, int code)
{
    if (up->locked) { /* no controld has come of it */
        if (up->saved)
            live_world_remove_runtime(up->world);
        else
            live_world_remove_lock(up->runtime);
        live_start_unlock(&up->locks);
    }
    if (up->fd < 0 && code != MECENTRAL_FINE && up->ephemeral && up->data)
        live_world_remove_tree(up->data);
    if (up->fd >= 0)
        close(up->fd);
    world_free(up->world);
    topology_free(up->topology);
    free(up->data);
    free(up->runtime);
}

int live_up(struct mecentral *run)
{
    struct up up = {.run = run, .options = run->line.arguments, .fd = -1};
    int code = prepare(&up);

    if (code == MECENTRAL_FINE)
        code = start(&up);
    if (up.fd >= 0) { /* controld has them now */
        live_start_unlock(&up.locks);
        up.locked = false;
    }
    if (code == MECENTRAL_FINE && !command_line_flag(up.options, "detach"))
        code = stay(&up);
    clean_up(&up, code);
    return code;
}
