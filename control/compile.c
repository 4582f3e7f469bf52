#include "control/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/kid.h"
#include "common/memory.h"
#include "control/faults_parts.h"
#include "control/settings.h"
#include "control/text.h"

#define ANY_CLIENT "client:*"

/* Every message is made of malloc()ed parts, as if it had been unpacked. */

static void add_regions(Mec__Config *config, const struct compile_input *input)
{
    const struct topology *topology = input->topology;

    config->n_regions = topology->region_count;
    config->regions = memory_alloc(topology->region_count * sizeof(Mec__RegionConfig *));
    config->n_shards = topology->region_count;
    config->shards = memory_alloc(topology->region_count * sizeof(Mec__ShardConfig *));
    for (size_t i = 0; i < topology->region_count; i++) {
        const struct topology_region *from = &topology->regions[i];
        Mec__RegionConfig *region = memory_alloc(sizeof *region);
        Mec__ShardConfig *shard = memory_alloc(sizeof *shard);

        mec__region_config__init(region);
        region->name = memory_text(from->name);
        region->city = memory_text(from->city);
        region->latitude = from->latitude;
        region->longitude = from->longitude;
        region->address = text_format("%s/regiond-%s.sock", input->runtime_directory, from->name);
        mec__shard_config__init(shard);
        shard->name = memory_text(from->name);
        shard->home = memory_text(from->name);
        shard->epoch = 1;
        config->regions[i] = region;
        config->shards[i] = shard;
    }
}

static void add_key(Mec__Config *config, const char *region, const struct key_ring_key *from)
{
    static const Mec__KeyState states[] = {[KEY_RING_PUBLISHED] = MEC__KEY_STATE__KEY_PUBLISHED,
                                           [KEY_RING_SIGNING] = MEC__KEY_STATE__KEY_SIGNING,
                                           [KEY_RING_RETIRING] = MEC__KEY_STATE__KEY_RETIRING};
    Mec__SigningKey *key = memory_alloc(sizeof *key);
    char kid[KID_SIZE];

    kid_format(region, from->number, kid);
    mec__signing_key__init(key);
    key->kid = memory_text(kid);
    key->region = memory_text(region);
    key->public_key.data = memory_copy(from->public_key, TOKEN_KEY_PUBLIC_SIZE);
    key->public_key.len = TOKEN_KEY_PUBLIC_SIZE;
    key->state = states[from->state];
    key->since_wall_us = from->since_wall_us;
    config->keys[config->n_keys++] = key;
}

static void add_wish(Mec__Config *config, const char *region, const struct key_ring_key *from)
{
    Mec__KeyWish *wish = memory_alloc(sizeof *wish);
    char kid[KID_SIZE];

    kid_format(region, from->number, kid);
    mec__key_wish__init(wish);
    wish->kid = memory_text(kid);
    wish->region = memory_text(region);
    config->key_wishes[config->n_key_wishes++] = wish;
}

static void add_keys(Mec__Config *config, const struct compile_input *input)
{
    size_t regions = input->topology->region_count;

    config->keys = memory_alloc(regions * KEY_RING_KEYS_MAX * sizeof(Mec__SigningKey *));
    config->key_wishes = memory_alloc(regions * sizeof(Mec__KeyWish *)); /* at most one a ring */
    for (size_t i = 0; i < regions; i++) {
        const char *region = input->topology->regions[i].name;
        const struct key_ring *ring = &input->rings[i];

        for (size_t j = 0; j < ring->count; j++) {
            if (ring->keys[j].state == KEY_RING_WANTED)
                add_wish(config, region, &ring->keys[j]);
            else
                add_key(config, region, &ring->keys[j]);
        }
    }
}

static void add_vault_keys(Mec__Config *config, const struct compile_input *input)
{
    const struct topology *topology = input->topology;

    if (!input->vault_keys)
        return;
    config->vault_keys = memory_alloc(topology->region_count * sizeof(Mec__VaultKey *));
    for (size_t i = 0; i < topology->region_count; i++) {
        Mec__VaultKey *key = memory_alloc(sizeof *key);

        mec__vault_key__init(key);
        key->region = memory_text(topology->regions[i].name);
        key->public_key.data = memory_copy(input->vault_keys[i], VAULT_KEY_PUBLIC_SIZE);
        key->public_key.len = VAULT_KEY_PUBLIC_SIZE;
        config->vault_keys[config->n_vault_keys++] = key;
    }
}

static uint64_t stretched(uint64_t us, double factor)
{
    const uint64_t most = UINT64_C(3600) * 1000000; /* what a link takes */
    double longer = (double)us * factor;

    return longer < (double)most ? (uint64_t)(longer + 0.5) : most;
}

static void slow_down(const struct compile_input *input, Mec__LinkConfig *link)
{
    double factor = input->topology->slow_motion;

    if (input->topology->settings.no_wan) {
        link->latency_us = link->jitter_us = link->rate_bytes_per_s = 0;
        link->loss_ppm = 0;
        return;
    }
    link->latency_us = stretched(link->latency_us, factor);
    link->jitter_us = stretched(link->jitter_us, factor);
    if (link->rate_bytes_per_s != 0) {
        double slower = (double)link->rate_bytes_per_s / factor;
        link->rate_bytes_per_s = slower < 1 ? 1 : (uint64_t)slower;
    }
}

/* One direction; @round_trip_us is of both. */
static void add_link(Mec__Config *config, const struct compile_input *input, const char *from,
                     const char *to, uint64_t round_trip_us)
{
    const struct topology_link *own = topology_link(input->topology, from, to);
    Mec__LinkConfig *link = memory_alloc(sizeof *link);

    mec__link_config__init(link);
    link->from = memory_text(from);
    link->to = memory_text(to);
    link->latency_us = (own && own->has_rtt ? own->rtt_us : round_trip_us) / 2;
    if (own) {
        link->jitter_us = own->jitter_us;
        link->jitter_kind = own->jitter_kind;
        link->loss_ppm = own->loss_ppm;
        link->rate_bytes_per_s = own->rate_bytes_per_s;
    }
    faults_fold(input->faults, link);
    slow_down(input, link);
    config->links[config->n_links++] = link;
}

static void add_both_ways(Mec__Config *config, const struct compile_input *input, const char *a,
                          const char *b, uint64_t round_trip_us)
{
    add_link(config, input, a, b, round_trip_us);
    add_link(config, input, b, a, round_trip_us);
}

static void add_region_links(Mec__Config *config, const struct compile_input *input)
{
    const struct topology *topology = input->topology;

    for (size_t i = 0; i < topology->region_count; i++) {
        for (size_t j = i + 1; j < topology->region_count; j++)
            add_both_ways(config, input, topology->regions[i].name, topology->regions[j].name,
                          geo_round_trip_us(&topology->geos[i], &topology->geos[j]));
    }
}

static void add_client_links(Mec__Config *config, const struct compile_input *input,
                             const struct geo_place *geo)
{
    const struct topology *topology = input->topology;
    char end[TOPOLOGY_END_SIZE];

    snprintf(end, sizeof end, "client:%s", geo->name);
    for (size_t i = 0; i < topology->region_count; i++)
        add_both_ways(config, input, end, topology->regions[i].name,
                      geo_round_trip_us(geo, &topology->geos[i]));
}

/* `client:*` rows say what faults do to clients that have no links of their own; without such
 * faults there is nothing to say. */
static void add_any_client_links(Mec__Config *config, const struct compile_input *input)
{
    const struct topology *topology = input->topology;
    bool needed = false;

    for (size_t i = 0; i < input->faults->count; i++) {
        const struct fault *fault = &input->faults->items[i];
        needed |= fault->kind == FAULT_ISOLATE || strcmp(fault->a, ANY_CLIENT) == 0 ||
                  strcmp(fault->b, ANY_CLIENT) == 0;
    }
    for (size_t i = 0; needed && i < topology->region_count; i++)
        add_both_ways(config, input, ANY_CLIENT, topology->regions[i].name, 0);
}

/* The geos that need links of their own: the topology's, and what its links and the faults name. */
struct geos {
    struct geo_place *items;
    size_t count;
};

static void want_geo(struct geos *geos, const struct topology *topology, const char *end)
{
    struct geo_place place;

    if (strncmp(end, "client:", 7) != 0 || topology_place(topology, end, &place) != 0)
        return;
    for (size_t i = 0; i < geos->count; i++)
        if (strcmp(geos->items[i].name, place.name) == 0)
            return;
    geos->items = memory_grow(geos->items, (geos->count + 1) * sizeof *geos->items);
    geos->items[geos->count++] = place;
}

static struct geos collect_geos(const struct compile_input *input)
{
    const struct topology *topology = input->topology;
    struct geos geos = {memory_copy(topology->geos, topology->geo_count * sizeof *geos.items),
                        topology->geo_count};

    for (size_t i = 0; i < topology->link_count; i++)
        for (size_t end = 0; end < 2; end++)
            want_geo(&geos, topology, topology->links[i].ends[end]);
    for (size_t i = 0; i < input->faults->count; i++) {
        want_geo(&geos, topology, input->faults->items[i].a);
        want_geo(&geos, topology, input->faults->items[i].b);
    }
    return geos;
}

static void add_links(Mec__Config *config, const struct compile_input *input)
{
    size_t regions = input->topology->region_count;
    struct geos geos = collect_geos(input);

    config->links = memory_alloc((regions * regions + 2 * regions * (geos.count + 1)) *
                                 sizeof(Mec__LinkConfig *));
    add_region_links(config, input);
    for (size_t i = 0; i < geos.count; i++)
        add_client_links(config, input, &geos.items[i]);
    add_any_client_links(config, input);
    free(geos.items);
}

static void add_parts(Mec__Config *config, const struct compile_input *input)
{
    faults_parts_compile(input->faults, config);
    for (size_t i = 0; i < config->n_services; i++)
        config->services[i]->latency_us =
            stretched(config->services[i]->latency_us, input->topology->slow_motion);
}

static void add_residency(Mec__Config *config, const struct topology *topology)
{
    config->residency = memory_alloc(PARTS_SERVICE_COUNT * sizeof(Mec__Residency *));
    for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++) {
        Mec__Residency *residency;

        if (topology->residency[service] == 0)
            continue;
        residency = memory_alloc(sizeof *residency);
        mec__residency__init(residency);
        residency->service = memory_text(parts_service_name((enum parts_service)service));
        residency->regions = memory_alloc(topology->region_count * sizeof(char *));
        for (size_t i = 0; i < topology->region_count; i++)
            if ((topology->residency[service] >> i & 1u) != 0)
                residency->regions[residency->n_regions++] = memory_text(topology->regions[i].name);
        config->residency[config->n_residency++] = residency;
    }
}

static void add_listeners(Mec__Config *config, const struct compile_input *input)
{
    config->n_listeners = input->listener_count;
    config->listeners = memory_alloc(input->listener_count * sizeof(Mec__ListenerConfig *));
    for (size_t i = 0; i < input->listener_count; i++) {
        Mec__ListenerConfig *listener = memory_alloc(sizeof *listener);
        mec__listener_config__init(listener);
        listener->geo = memory_text(input->listeners[i].geo);
        listener->port = input->listeners[i].port;
        config->listeners[i] = listener;
    }
}

Mec__Config *compile_config(const struct compile_input *input)
{
    Mec__Config *config = memory_alloc(sizeof *config);

    mec__config__init(config);
    config->version = input->version;
    config->world = memory_text(input->world);
    config->slow_motion = input->topology->slow_motion;
    config->seed = input->seed;
    add_regions(config, input);
    add_keys(config, input);
    add_vault_keys(config, input);
    add_links(config, input);
    add_listeners(config, input);
    add_parts(config, input);
    add_residency(config, input->topology);

    config->settings = memory_alloc(sizeof *config->settings);
    *config->settings = input->topology->settings;
    settings_stretch(config->settings, config->slow_motion);
    return config;
}
