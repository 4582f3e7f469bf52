#include "sim/sockets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "replication.pb-c.h"
#include "sim/region_host.h"
#include "sim/replicator_host.h"
#include "sim/router_host.h"
#include "sim/simulation.h"

#define HOP_US_MIN   5
#define HOP_US_MAX   60
#define SLOW_US_MAX  3000 /* once in a while one of the two is not scheduled for some time */
#define SLOW_OUT_OF  200
#define RETRY_US_MIN (5 * MILLISECOND_US)
#define RETRY_US_MAX (200 * MILLISECOND_US)

enum way { TO_SERVER, TO_CLIENT };

/* One connection. It is kept until the end of the run: what is under way knows it. */
struct connection {
    struct process *client, *server;
    uint64_t lives[2];   /* of server and client, by the way that leads to them */
    uint64_t number;     /* by which the server knows it */
    bool closed[2];      /* nothing more gets to server or client */
    bool ending[2];      /* the close is on its way there */
    uint64_t free_us[2]; /* when the last thing sent arrives */
};

struct sockets {
    struct connection **all; /* by number, from 1 on */
    size_t count, capacity;
    struct connection *current[SIMULATION_PROCESSES_MAX][PLAN_REGIONS_MAX];
    struct {
        uint64_t until_us, late_us;
    } repeats[PLAN_REGIONS_MAX];
    struct {
        uint64_t until_us, every, seen;
    } corruptions[PLAN_REGIONS_MAX];
};

struct sockets *sockets_create(struct simulation *simulation)
{
    (void)simulation;
    return memory_alloc(sizeof(struct sockets));
}

void sockets_free(struct sockets *sockets)
{
    if (!sockets)
        return;
    for (size_t i = 0; i < sockets->count; i++)
        free(sockets->all[i]);
    free(sockets->all);
    free(sockets);
}

static struct process *end_of(const struct connection *connection, enum way way)
{
    return way == TO_SERVER ? connection->server : connection->client;
}

/* When what is sent now arrives. */
static uint64_t arrival_us(struct connection *connection, enum way way)
{
    struct simulation *simulation = connection->client->simulation;
    uint64_t us = simulation_draw(simulation, LUCK_SOCKETS, HOP_US_MIN, HOP_US_MAX);

    if (simulation_draw(simulation, LUCK_SOCKETS, 1, SLOW_OUT_OF) == 1)
        us = simulation_draw(simulation, LUCK_SOCKETS, HOP_US_MAX, SLOW_US_MAX);
    us += simulation->now_us;
    if (us < connection->free_us[way])
        us = connection->free_us[way];
    connection->free_us[way] = us;
    return us;
}

/* An errand for one end, in the life in which it was connected. */
static struct errand *errand_for(struct connection *connection, enum way way,
                                 void (*run)(struct process *process, struct errand *errand),
                                 size_t size)
{
    struct errand *errand = process_errand(end_of(connection, way), run, size);

    errand->life = connection->lives[way];
    errand->number = connection->number;
    errand->peer = connection->server->index;
    errand->what = connection;
    return errand;
}

/* ---- what arrives ---- */

static void client_up(struct process *client, struct errand *errand)
{
    struct connection *connection = errand->what;

    if (connection->closed[TO_CLIENT])
        return;
    switch (client->kind) {
    case PROCESS_REGIOND:
        region_host_peer(client, errand->peer, true);
        return;
    case PROCESS_REPLICATOR:
        replicator_host_peer(client, errand->peer, true);
        return;
    case PROCESS_ROUTER:
        router_host_peer(client, errand->peer, true);
        return;
    }
}

static void client_takes(struct process *client, struct errand *errand)
{
    struct connection *connection = errand->what;
    struct frame frame;
    size_t used;
    int code;

    if (connection->closed[TO_CLIENT])
        return;
    code = frame_decode(errand->bytes, errand->size, &frame, &used);
    assert(code == 1 && used == errand->size);
    simulation_note(client->simulation, errand->bytes, errand->size);
    switch (client->kind) {
    case PROCESS_REGIOND:
        region_host_peer_frame(client, errand->peer, &frame);
        return;
    case PROCESS_REPLICATOR:
        replicator_host_frame(client, errand->peer, &frame);
        return;
    case PROCESS_ROUTER:
        router_host_frame(client, errand->peer, &frame);
        return;
    }
}

static void server_takes(struct process *server, struct errand *errand)
{
    struct connection *connection = errand->what;
    struct frame frame;
    size_t used;
    int code;

    if (connection->closed[TO_SERVER])
        return;
    code = frame_decode(errand->bytes, errand->size, &frame, &used);
    assert(code == 1 && used == errand->size);
    simulation_note(server->simulation, errand->bytes, errand->size);
    region_host_served(server, errand->number, &frame);
}

static void try_again_later(struct process *client, uint32_t region);

static void client_down(struct process *client, struct errand *errand)
{
    struct connection *connection = errand->what;

    if (connection->closed[TO_CLIENT])
        return;
    connection->closed[TO_CLIENT] = true;
    if (client->simulation->sockets->current[client->place][errand->peer] == connection)
        client->simulation->sockets->current[client->place][errand->peer] = NULL;
    try_again_later(client, errand->peer);
    switch (client->kind) {
    case PROCESS_REGIOND:
        region_host_peer(client, errand->peer, false);
        return;
    case PROCESS_REPLICATOR:
        replicator_host_peer(client, errand->peer, false);
        return;
    case PROCESS_ROUTER:
        router_host_peer(client, errand->peer, false);
        return;
    }
}

static void server_down(struct process *server, struct errand *errand)
{
    struct connection *connection = errand->what;

    if (connection->closed[TO_SERVER])
        return;
    connection->closed[TO_SERVER] = true;
    region_host_closed(server, errand->number);
}

/* ---- connecting ---- */

static void keep(struct sockets *sockets, struct connection *connection)
{
    if (sockets->count == sockets->capacity) {
        sockets->capacity = sockets->capacity ? sockets->capacity * 2 : 64;
        sockets->all = memory_grow(sockets->all, sockets->capacity * sizeof(struct connection *));
    }
    sockets->all[sockets->count++] = connection;
    connection->number = sockets->count;
}

static void connect_to(struct process *client, struct process *server)
{
    struct sockets *sockets = client->simulation->sockets;
    struct connection **current = &sockets->current[client->place][server->index];
    struct connection *connection;
    struct errand *errand;

    if (!server->up || *current || client == server)
        return;
    connection = memory_alloc(sizeof *connection);
    connection->client = client;
    connection->server = server;
    connection->lives[TO_SERVER] = server->life;
    connection->lives[TO_CLIENT] = client->life;
    keep(sockets, connection);
    *current = connection;
    errand = errand_for(connection, TO_CLIENT, client_up, 0);
    process_send(errand, arrival_us(connection, TO_CLIENT));
}

static void try_connect(struct process *client, struct errand *errand)
{
    connect_to(client, simulation_regiond(client->simulation, errand->peer));
}

/* A region that is down is tried again when it is up: see sockets_process_up(). */
static void try_again_later(struct process *client, uint32_t region)
{
    struct errand *errand = process_errand(client, try_connect, 0);

    errand->peer = region;
    process_send(errand, client->simulation->now_us + RETRY_US_MIN);
}

void sockets_process_up(struct process *process)
{
    struct simulation *simulation = process->simulation;

    for (uint32_t i = 0; i < simulation->plan->region_count; i++)
        connect_to(process, simulation_regiond(simulation, i));
    if (process->kind != PROCESS_REGIOND)
        return;
    for (size_t i = 0; i < simulation->process_count; i++) {
        struct process *client = &simulation->processes[i];
        struct errand *errand;

        if (!client->up || client == process)
            continue;
        errand = process_errand(client, try_connect, 0);
        errand->peer = process->index;
        process_send(errand, simulation->now_us +
                                 simulation_draw(simulation, LUCK_SOCKETS, 0, RETRY_US_MAX));
    }
}

static void end_towards(struct connection *connection, enum way way)
{
    if (connection->ending[way] || connection->closed[way])
        return;
    connection->ending[way] = true;
    process_send(errand_for(connection, way, way == TO_SERVER ? server_down : client_down, 0),
                 arrival_us(connection, way));
}

void sockets_process_gone(struct process *process)
{
    struct sockets *sockets = process->simulation->sockets;

    for (size_t i = 0; i < sockets->count; i++) {
        struct connection *each = sockets->all[i];

        if (each->client == process && each->lives[TO_CLIENT] == process->life) {
            each->closed[TO_CLIENT] = true;
            end_towards(each, TO_SERVER);
        } else if (each->server == process && each->lives[TO_SERVER] == process->life) {
            each->closed[TO_SERVER] = true;
            end_towards(each, TO_CLIENT);
        }
    }
    memset(sockets->current[process->place], 0, sizeof sockets->current[process->place]);
}

/* ---- sending ---- */

static enum watch_link link_of(const struct connection *connection)
{
    switch (connection->client->kind) {
    case PROCESS_REGIOND:
        return WATCH_LINK_REGIONS;
    case PROCESS_REPLICATOR:
        return WATCH_LINK_REPLICATION;
    case PROCESS_ROUTER:
        break;
    }
    return WATCH_LINK_CLIENTS;
}

static void send_frame(struct connection *connection, enum way way, const uint8_t *frame,
                       size_t size, uint64_t at_us)
{
    struct simulation *simulation = connection->client->simulation;
    struct errand *errand =
        errand_for(connection, way, way == TO_SERVER ? server_takes : client_takes, size);

    watch_frame(simulation->watch, simulation->now_us,
                end_of(connection, way == TO_SERVER ? TO_CLIENT : TO_SERVER)->name,
                end_of(connection, way)->name, link_of(connection), frame, size);
    memcpy(errand->bytes, frame, size);
    process_send(errand, at_us);
}

static void maybe_repeat(struct connection *connection, const uint8_t *frame, size_t size)
{
    struct process *client = connection->client;
    struct simulation *simulation = client->simulation;
    struct sockets *sockets = simulation->sockets;
    struct frame decoded;
    size_t used;

    if (client->kind != PROCESS_REPLICATOR ||
        sockets->repeats[client->index].until_us <= simulation->now_us ||
        frame_decode(frame, size, &decoded, &used) != 1 || decoded.kind != FRAME_APPLY)
        return;
    send_frame(connection, TO_SERVER, frame, size,
               simulation->now_us + simulation_draw(simulation, LUCK_SOCKETS, 1,
                                                    sockets->repeats[client->index].late_us));
}

void sockets_repeat(struct simulation *simulation, uint32_t region, uint64_t until_us,
                    uint64_t late_us)
{
    simulation->sockets->repeats[region].until_us = until_us;
    simulation->sockets->repeats[region].late_us = late_us ? late_us : 1;
}

void sockets_corrupt(struct simulation *simulation, uint32_t region, uint64_t until_us,
                     uint64_t every)
{
    simulation->sockets->corruptions[region].until_us = until_us;
    simulation->sockets->corruptions[region].every = every ? every : 1;
}

/* Is this frame a batch whose turn it is? */
static bool is_to_be_corrupted(const struct process *client, const uint8_t *frame, size_t size,
                               struct frame *ret_frame)
{
    struct sockets *sockets = client->simulation->sockets;
    size_t used;

    return client->kind == PROCESS_REPLICATOR &&
           sockets->corruptions[client->index].until_us > client->simulation->now_us &&
           frame_decode(frame, size, ret_frame, &used) == 1 && ret_frame->kind == FRAME_APPLY &&
           ++sockets->corruptions[client->index].seen % sockets->corruptions[client->index].every ==
               0;
}

/* Only what the digests guard: a flipped bit in the rest of a frame would be a lie that nothing in
 * a process on the same machine protects from. Returns a new frame, or NULL: it carries no change.
 */
static uint8_t *flip_bit(struct simulation *simulation, const struct frame *frame, size_t *ret_size)
{
    Mec__Apply *apply = mec__apply__unpack(NULL, frame->body_size, frame->body);
    uint8_t *flipped = NULL;
    ProtobufCBinaryData *bytes;
    uint64_t bit;

    if (apply && apply->n_changes > 0) {
        bytes = &apply->changes[simulation_draw(simulation, LUCK_SOCKETS, 0, apply->n_changes - 1)]
                     ->change;
        bit = simulation_draw(simulation, LUCK_SOCKETS, 0, bytes->len * 8 - 1);
        bytes->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        flipped = frame_pack_new(FRAME_APPLY, frame->id, &apply->base, ret_size);
    }
    if (apply)
        mec__apply__free_unpacked(apply, NULL);
    return flipped;
}

void sockets_send(struct process *client, uint32_t region, const uint8_t *frame, size_t size)
{
    struct connection *connection = client->simulation->sockets->current[client->place][region];
    struct frame decoded;
    uint8_t *flipped = NULL;
    size_t flipped_size;

    if (!connection || connection->ending[TO_SERVER] || connection->closed[TO_CLIENT])
        return;
    if (is_to_be_corrupted(client, frame, size, &decoded) &&
        (flipped = flip_bit(client->simulation, &decoded, &flipped_size)) != NULL)
        send_frame(connection, TO_SERVER, flipped, flipped_size, arrival_us(connection, TO_SERVER));
    else
        send_frame(connection, TO_SERVER, frame, size, arrival_us(connection, TO_SERVER));
    free(flipped);
    maybe_repeat(connection, frame, size);
}

static struct connection *find(struct process *server, uint64_t number)
{
    struct connection *connection = server->simulation->sockets->all[number - 1];

    return connection->server == server ? connection : NULL;
}

void sockets_reply(struct process *server, uint64_t number, const uint8_t *frame, size_t size)
{
    struct connection *connection = find(server, number);

    if (connection && !connection->ending[TO_CLIENT] && !connection->closed[TO_SERVER])
        send_frame(connection, TO_CLIENT, frame, size, arrival_us(connection, TO_CLIENT));
}

/* Who closes hears of it at once, behind the step that is under way; the other side later. */
static void close_from(struct connection *connection, enum way other)
{
    enum way own = other == TO_SERVER ? TO_CLIENT : TO_SERVER;

    if (connection->ending[own])
        return;
    connection->ending[own] = true;
    process_send(errand_for(connection, own, own == TO_SERVER ? server_down : client_down, 0),
                 connection->client->simulation->now_us);
    end_towards(connection, other);
}

void sockets_close(struct process *client, uint32_t region)
{
    struct connection *connection = client->simulation->sockets->current[client->place][region];

    if (connection)
        close_from(connection, TO_SERVER);
}

void sockets_drop(struct process *server, uint64_t number)
{
    struct connection *connection = find(server, number);

    if (connection)
        close_from(connection, TO_CLIENT);
}
