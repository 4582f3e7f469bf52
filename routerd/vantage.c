#include "routerd/vantage.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/parts.h"
#include "common/residency.h"
#include "routerd/due.h"

#define SLOTS       VANTAGE_SLOTS
#define PINNED_MAX  (VANTAGE_SLOTS - VANTAGES_MAX)
#define ALIASES_MAX 1024u

/* What a client wrote -> vantage; resolving a place anew for each request would cost more than the
 * rest of the request. */
struct alias {
    char *text;
    uint32_t slot;
    UT_hash_handle hh;
};

struct vantages {
    struct network *network;
    struct deadlines *deadlines;
    const Mec__Config *config;
    uint32_t region_count;
    struct health_settings health;
    struct vantage *slots[SLOTS];
    uint32_t slot_count; /* slots used so far */
    struct alias *aliases;
    uint32_t links_made; /* spreads the probes */
    bool connected[POLICY_REGIONS_MAX];
    bool any_lost;
};

static bool lacks_any(const struct vantage_region *seen)
{
    return (seen->services_down | seen->outside) != 0;
}

static void refresh_known(struct vantage *vantage, size_t region_count)
{
    vantage->generation++;
    vantage->any_service_down = false;
    for (size_t region = 0; region < region_count; region++) {
        const struct vantage_region *seen = &vantage->regions[region];
        struct policy_region *known = &vantage->known[region];
        known->healthy = seen->connected && seen->serving && health_usable(&seen->health);
        known->writable = seen->writable;
        known->service_up = true;
        if (lacks_any(seen))
            vantage->any_service_down = true;
    }
}

static void refresh_residency(const struct vantages *vantages, struct vantage *vantage)
{
    const Mec__Config *config = vantages->config;
    for (uint32_t region = 0; region < vantages->region_count; region++) {
        uint32_t outside = 0;
        for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++) {
            if (!residency_allows(config, (enum parts_service)service,
                                  config->regions[region]->name))
                outside |= 1u << service;
        }
        vantage->regions[region].outside = outside;
    }
}

/* One region has changed. */
static void refresh_region(struct vantage_region *seen)
{
    struct vantage *vantage = seen->vantage;
    struct policy_region *known = &vantage->known[seen->region];
    vantage->generation++;
    known->healthy = seen->connected && seen->serving && health_usable(&seen->health);
    known->writable = seen->writable;
    if (lacks_any(seen))
        vantage->any_service_down = true;
}

/* The service for whose lack @seen cannot serve @route; NULL: there is none. */
static const char *lacking(const struct vantage_region *seen, const struct route *route,
                           bool *ret_outside)
{
    enum parts_service service;
    *ret_outside = false;
    if (parts_service_find(route->service, &service) != 0)
        return NULL;
    *ret_outside = (seen->outside >> service & 1u) != 0;
    if (*ret_outside)
        return parts_service_name(service);
    if ((seen->services_down >> service & 1u) != 0)
        return parts_service_name(service);
    if (parts_needs_auth(service, route->class) && (seen->services_down >> PARTS_AUTH & 1u) != 0)
        return parts_service_name(PARTS_AUTH);
    return NULL;
}

const struct policy_region *vantage_known(const struct vantage *vantage, const struct route *route,
                                          struct policy_region ret_copy[POLICY_REGIONS_MAX])
{
    if (!vantage->any_service_down)
        return vantage->known;
    memcpy(ret_copy, vantage->known, sizeof(vantage->known));
    for (uint32_t region = 0; region < POLICY_REGIONS_MAX && ret_copy[region].name; region++) {
        ret_copy[region].service_down =
            lacking(&vantage->regions[region], route, &ret_copy[region].outside);
        ret_copy[region].service_up = ret_copy[region].service_down == NULL;
    }
    return ret_copy;
}

/* Without emulated delays all regions would be equally near; then the map decides. */
static uint64_t nearness_us(const struct vantages *vantages, const struct vantage *vantage,
                            uint32_t region)
{
    const struct vantage_region *seen = &vantage->regions[region];
    struct geo_place client;
    struct geo_place place;
    if (!vantages->config->settings->no_wan)
        return seen->round_trip_us;
    if (network_resolve(vantages->network, vantage->geo, &client) != 0 ||
        network_resolve(vantages->network, vantages->config->regions[region]->name, &place) != 0)
        return 0;
    return geo_round_trip_us(&client, &place);
}

/* Ask again for the links: asking for a new geo may have moved them. */
static void refresh_links(struct vantages *vantages, struct vantage *vantage)
{
    for (uint32_t region = 0; region < vantages->region_count; region++) {
        struct vantage_region *seen = &vantage->regions[region];
        const char *name = vantages->config->regions[region]->name;
        seen->to_region = network_from_client(vantages->network, vantage->geo, name);
        seen->to_client = network_to_client(vantages->network, name, vantage->geo);
        assert(seen->to_region != NULL);
        assert(seen->to_client != NULL);
    }
}

static void refresh_round_trips(struct vantages *vantages, struct vantage *vantage)
{
    for (uint32_t region = 0; region < vantages->region_count; region++) {
        struct vantage_region *seen = &vantage->regions[region];
        seen->round_trip_us =
            seen->to_region->profile.latency_us + seen->to_client->profile.latency_us;
        vantage->known[region].name = vantages->config->regions[region]->name;
        vantage->known[region].round_trip_us = nearness_us(vantages, vantage, region);
    }
}

/* Probes of all vantages and regions are spread over the interval by the golden ratio: evenly,
 * however many come later. */
static uint64_t next_phase_us(struct vantages *vantages)
{
    uint64_t share = (uint64_t)vantages->links_made * UINT64_C(2654435769) & UINT32_MAX;
    vantages->links_made++;
    return share * vantages->config->settings->probe_interval_us >> 32;
}

static struct vantage *make(struct vantages *vantages, uint32_t slot, const char *geo,
                            uint64_t now_us)
{
    uint32_t count = vantages->region_count;
    struct vantage *vantage = memory_alloc(sizeof(*vantage));
    strncpy(vantage->geo, geo, sizeof(vantage->geo) - 1);
    vantage->slot = slot;
    vantage->used_us = now_us;
    vantage->regions = memory_alloc(count * sizeof(*vantage->regions));
    for (uint32_t region = 0; region < count; region++) {
        struct vantage_region *seen = &vantage->regions[region];
        seen->vantage = vantage;
        seen->region = region;
        seen->connected = vantages->connected[region];
        seen->serving = true;
        seen->writable = true;
        seen->heard_us = now_us;
        health_init(&seen->health, &vantages->health, now_us);
        if (!seen->connected) { /* nothing was lost that was never there: no flap */
            seen->health.state = HEALTH_DOWN;
            seen->health.down_since_us = now_us;
        }
        seen->deadline.kind = DUE_PROBE;
        seen->deadline.owner = seen;
        seen->probe_phase_us = now_us + next_phase_us(vantages);
        deadlines_set(vantages->deadlines, &seen->deadline, seen->probe_phase_us);
    }
    vantages->slots[slot] = vantage;
    for (uint32_t each = 0; each < vantages->slot_count; each++) {
        if (vantages->slots[each] != NULL)
            refresh_links(vantages, vantages->slots[each]);
    }
    refresh_round_trips(vantages, vantage);
    refresh_residency(vantages, vantage);
    refresh_known(vantage, count);
    return vantage;
}

static void drop_aliases(struct vantages *vantages, uint32_t slot)
{
    struct alias *alias;
    struct alias *next;
    HASH_ITER(hh, vantages->aliases, alias, next)
    {
        if (slot != SLOTS && alias->slot != slot)
            continue;
        HASH_DEL(vantages->aliases, alias);
        free(alias->text);
        free(alias);
    }
}

static void drop(struct vantages *vantages, struct vantage *vantage)
{
    for (uint32_t region = 0; region < vantages->region_count; region++)
        deadlines_clear(vantages->deadlines, &vantage->regions[region].deadline);
    drop_aliases(vantages, vantage->slot);
    vantages->slots[vantage->slot] = NULL;
    free(vantage->regions);
    free(vantage);
}

/* The one that was used longest ago, of those that can go. */
static struct vantage *least_used(const struct vantages *vantages)
{
    struct vantage *found = NULL;
    for (uint32_t slot = 0; slot < vantages->slot_count; slot++) {
        struct vantage *each = vantages->slots[slot];
        if (each == NULL || each->pinned || each->in_flight > 0)
            continue;
        if (found == NULL || each->used_us < found->used_us)
            found = each;
    }
    return found;
}

static struct vantage *find_geo(const struct vantages *vantages, const char *geo)
{
    for (uint32_t slot = 0; slot < vantages->slot_count; slot++) {
        struct vantage *each = vantages->slots[slot];
        if (each != NULL && strcmp(each->geo, geo) == 0)
            return each;
    }
    return NULL;
}

static uint32_t free_slot(struct vantages *vantages)
{
    for (uint32_t slot = 0; slot < vantages->slot_count; slot++) {
        if (vantages->slots[slot] == NULL)
            return slot;
    }
    assert(vantages->slot_count < SLOTS);
    return vantages->slot_count++;
}

static uint32_t count_pinned(const struct vantages *vantages)
{
    uint32_t pinned = 0;
    for (uint32_t slot = 0; slot < vantages->slot_count; slot++)
        pinned += vantages->slots[slot] != NULL && vantages->slots[slot]->pinned;
    return pinned;
}

static uint32_t count_passing(const struct vantages *vantages)
{
    uint32_t passing = 0;
    for (uint32_t slot = 0; slot < vantages->slot_count; slot++)
        passing += vantages->slots[slot] != NULL && !vantages->slots[slot]->pinned;
    return passing;
}

/* Errors: -EBUSY. */
static int add(struct vantages *vantages, const char *geo, uint64_t now_us,
               struct vantage **ret_vantage)
{
    if (count_passing(vantages) >= VANTAGES_MAX) {
        struct vantage *oldest = least_used(vantages);
        if (oldest == NULL)
            return -EBUSY;
        drop(vantages, oldest);
    }
    *ret_vantage = make(vantages, free_slot(vantages), geo, now_us);
    return 0;
}

static void remember_alias(struct vantages *vantages, struct slice text, uint32_t slot)
{
    if (HASH_COUNT(vantages->aliases) >= ALIASES_MAX)
        drop_aliases(vantages, SLOTS);
    struct alias *alias = memory_alloc(sizeof(*alias));
    alias->text = memory_text_of(text);
    alias->slot = slot;
    HASH_ADD_KEYPTR(hh, vantages->aliases, alias->text, text.size, alias);
}

int vantages_find(struct vantages *vantages, struct slice geo, uint64_t now_us,
                  struct vantage **ret_vantage)
{
    struct alias *alias;
    HASH_FIND(hh, vantages->aliases, geo.data, geo.size, alias);
    if (alias != NULL) {
        *ret_vantage = vantages->slots[alias->slot];
        (*ret_vantage)->used_us = now_us;
        return 0;
    }
    struct geo_place place;
    char *text = memory_text_of(geo);
    int error = network_resolve(vantages->network, text, &place);
    free(text);
    if (error != 0)
        return error;
    struct vantage *vantage = find_geo(vantages, place.name);
    if (vantage == NULL)
        error = add(vantages, place.name, now_us, &vantage);
    if (error != 0)
        return error;
    remember_alias(vantages, geo, vantage->slot);
    vantage->used_us = now_us;
    *ret_vantage = vantage;
    return 0;
}

static void pin(struct vantages *vantages, const char *geo, uint64_t now_us)
{
    struct geo_place place;
    if (network_resolve(vantages->network, geo, &place) != 0)
        return;
    struct vantage *vantage = find_geo(vantages, place.name);
    if (vantage == NULL)
        vantage = make(vantages, free_slot(vantages), place.name, now_us);
    vantage->pinned = true;
}

/* Listeners stay as long as the process, so a pinned place is never let go. */
static void pin_listeners(struct vantages *vantages, uint64_t now_us)
{
    for (size_t index = 0; index < vantages->config->n_listeners; index++) {
        if (vantages->config->listeners[index]->geo[0] == '\0')
            continue;
        if (count_pinned(vantages) >= PINNED_MAX)
            return;
        pin(vantages, vantages->config->listeners[index]->geo, now_us);
    }
}

static void take_settings(struct vantages *vantages, const Mec__Config *config)
{
    vantages->config = config;
    vantages->health.fail_threshold = config->settings->probe_fail_threshold;
    vantages->health.pass_threshold = config->settings->probe_pass_threshold;
}

struct vantages *vantages_create(struct network *network, struct deadlines *deadlines,
                                 const Mec__Config *config, uint64_t now_us)
{
    struct vantages *vantages = memory_alloc(sizeof(*vantages));
    assert(config->n_regions <= POLICY_REGIONS_MAX);
    vantages->network = network;
    vantages->deadlines = deadlines;
    vantages->region_count = (uint32_t)config->n_regions;
    take_settings(vantages, config);
    pin_listeners(vantages, now_us);
    return vantages;
}

void vantages_free(struct vantages *vantages)
{
    if (vantages == NULL)
        return;
    for (uint32_t slot = 0; slot < vantages->slot_count; slot++) {
        if (vantages->slots[slot] != NULL)
            drop(vantages, vantages->slots[slot]);
    }
    free(vantages);
}

void vantages_configure(struct vantages *vantages, const Mec__Config *config, uint64_t now_us)
{
    take_settings(vantages, config);
    for (uint32_t slot = 0; slot < vantages->slot_count; slot++) {
        struct vantage *vantage = vantages->slots[slot];
        if (vantage == NULL)
            continue;
        refresh_links(vantages, vantage);
        refresh_round_trips(vantages, vantage);
        refresh_residency(vantages, vantage);
        refresh_known(vantage, vantages->region_count);
    }
    pin_listeners(vantages, now_us);
}

struct vantage *vantages_at(const struct vantages *vantages, uint32_t slot)
{
    return slot < vantages->slot_count ? vantages->slots[slot] : NULL;
}

struct vantage *vantages_next(const struct vantages *vantages, const struct vantage *after)
{
    for (uint32_t slot = after ? after->slot + 1 : 0; slot < vantages->slot_count; slot++) {
        if (vantages->slots[slot] != NULL)
            return vantages->slots[slot];
    }
    return NULL;
}

bool vantage_signal(struct vantages *vantages, struct vantage_region *seen,
                    enum health_signal signal, uint64_t now_us)
{
    bool changed = health_signal(&seen->health, &vantages->health, signal, now_us);
    if (changed) {
        refresh_region(seen);
        seen->lost = !health_usable(&seen->health);
        vantages->any_lost = vantages->any_lost || seen->lost;
    }
    return changed;
}

bool vantages_any_lost(const struct vantages *vantages)
{
    return vantages->any_lost;
}

void vantages_clear_lost(struct vantages *vantages)
{
    for (struct vantage *each = NULL; (each = vantages_next(vantages, each)) != NULL;) {
        for (uint32_t region = 0; region < vantages->region_count; region++)
            each->regions[region].lost = false;
    }
    vantages->any_lost = false;
}

void vantages_connected(struct vantages *vantages, uint32_t region, bool first, uint64_t now_us)
{
    vantages->connected[region] = true;
    for (struct vantage *each = NULL; (each = vantages_next(vantages, each)) != NULL;) {
        struct vantage_region *seen = &each->regions[region];
        seen->connected = true;
        seen->serving = true;
        seen->writable = true;
        seen->services_down = 0;
        if (first)
            health_init(&seen->health, &vantages->health, now_us);
        else
            (void)health_signal(&seen->health, &vantages->health, HEALTH_REOPENED, now_us);
        refresh_known(each, vantages->region_count);
    }
}

void vantages_disconnected(struct vantages *vantages, uint32_t region, uint64_t now_us)
{
    vantages->connected[region] = false;
    for (struct vantage *each = NULL; (each = vantages_next(vantages, each)) != NULL;) {
        struct vantage_region *seen = &each->regions[region];
        seen->connected = false;
        seen->probe_count = 0;
        (void)health_signal(&seen->health, &vantages->health, HEALTH_CLOSED, now_us);
        refresh_region(seen);
    }
}

void vantage_pong(struct vantage_region *seen, bool serving, bool writable, uint32_t services_down)
{
    if (seen->serving == serving && seen->writable == writable &&
        seen->services_down == services_down)
        return;
    seen->serving = serving;
    seen->writable = writable;
    seen->services_down = services_down;
    seen->vantage->any_service_down = false;
    for (uint32_t region = 0; region < POLICY_REGIONS_MAX; region++) {
        if (seen->vantage->known[region].name != NULL && lacks_any(&seen->vantage->regions[region]))
            seen->vantage->any_service_down = true;
    }
    refresh_region(seen);
}
