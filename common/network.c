#include "common/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/network_plan.h"

#define GEOS_MAX        4096u
#define EVICT_TRIES_MAX 16u

struct entry {
    struct link link;
    struct geo *geo; /* of the client's end; NULL between regions */
    struct entry *next_of_geo;
    bool known; /* both ends are places of the present config */
    struct network_ends ends;
    struct geo_place from;
    struct geo_place to;
    struct network_key key;
    UT_hash_handle hh;
};

struct geo {
    char name[GEO_NAME_SIZE];
    struct entry *entries;
    struct geo *prev, *next; /* in network->by_use */
    UT_hash_handle hh;
};

struct network {
    uint64_t seed;
    struct network_plan *plan;
    struct entry *entries;
    struct geo *geos;
    struct geo *by_use; /* the least recently used first */
};

struct network *network_create(uint64_t seed)
{
    struct network *network = memory_alloc(sizeof(*network));
    Mec__Config nothing = MEC__CONFIG__INIT;
    network->seed = seed;
    int rc = network_plan_create(&nothing, &network->plan);
    assert(rc == 0);
    return network;
}

void network_free(struct network *network)
{
    struct entry *entry, *next_entry;
    struct geo *geo, *next_geo;
    if (!network)
        return;
    HASH_ITER(hh, network->entries, entry, next_entry)
    {
        HASH_DEL(network->entries, entry);
        free(entry);
    }
    HASH_ITER(hh, network->geos, geo, next_geo)
    {
        HASH_DEL(network->geos, geo);
        free(geo);
    }
    network_plan_free(network->plan);
    free(network);
}

int network_resolve(const struct network *network, const char *geo, struct geo_place *ret_place)
{
    return network_plan_resolve(network->plan, geo, ret_place);
}

/* Find where the ends are. False when one of them is no longer a place. */
static bool locate(const struct network *network, const struct network_ends *ends,
                   struct geo_place *ret_from, struct geo_place *ret_to)
{
    const struct geo_place *from = NULL, *to = NULL;
    if (ends->way != NETWORK_FROM_CLIENT)
        from = network_plan_region(network->plan, ends->from);
    if (ends->way != NETWORK_TO_CLIENT)
        to = network_plan_region(network->plan, ends->to);
    if (from)
        *ret_from = *from;
    if (to)
        *ret_to = *to;
    return (from || (ends->way == NETWORK_FROM_CLIENT &&
                     network_resolve(network, ends->from, ret_from) == 0)) &&
           (to ||
            (ends->way == NETWORK_TO_CLIENT && network_resolve(network, ends->to, ret_to) == 0));
}

/* A link's luck comes from its name (FNV-1a), so that a new link does not shift that of others. */
static uint64_t seed_of(const struct network *network, const struct network_key *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key->size; i++)
        hash = (hash ^ (uint8_t)key->text[i]) * UINT64_C(0x100000001b3);
    return hash ^ network->seed;
}

static bool is_in_use(const struct geo *geo)
{
    for (const struct entry *entry = geo->entries; entry; entry = entry->next_of_geo)
        if (entry->link.under_way > 0 || entry->link.held > 0)
            return true;
    return false;
}

static void geo_touch(struct network *network, struct geo *geo)
{
    if (network->by_use->prev == geo) /* utlist: the first knows the last */
        return;
    DL_DELETE(network->by_use, geo);
    DL_APPEND(network->by_use, geo);
}

static void geo_forget(struct network *network, struct geo *geo)
{
    while (geo->entries) {
        struct entry *entry = geo->entries;
        geo->entries = entry->next_of_geo;
        HASH_DEL(network->entries, entry);
        free(entry);
    }
    DL_DELETE(network->by_use, geo);
    HASH_DEL(network->geos, geo);
    free(geo);
}

/* Make room for a geo. When all the oldest are needed the limit gives way: what is in use is
 * bounded by what a wan takes, and a config names few. */
static void geo_evict(struct network *network)
{
    for (unsigned i = 0; i < EVICT_TRIES_MAX; i++) {
        struct geo *oldest = network->by_use;
        if (!is_in_use(oldest) && !network_plan_names_geo(network->plan, oldest->name)) {
            geo_forget(network, oldest);
            return;
        }
        geo_touch(network, oldest);
    }
}

static struct geo *geo_get(struct network *network, const char *name)
{
    struct geo *geo;
    HASH_FIND_STR(network->geos, name, geo);
    if (geo)
        return geo;
    if (HASH_COUNT(network->geos) >= GEOS_MAX)
        geo_evict(network);
    geo = memory_alloc(sizeof(*geo));
    strcpy(geo->name, name);
    HASH_ADD_STR(network->geos, name, geo);
    DL_APPEND(network->by_use, geo);
    return geo;
}

/* The canonical name of the client's end; NULL between regions. */
static const char *client_name(const struct entry *entry)
{
    switch (entry->ends.way) {
    case NETWORK_FROM_CLIENT:
        return entry->from.name;
    case NETWORK_TO_CLIENT:
        return entry->to.name;
    case NETWORK_BETWEEN:
        break;
    }
    return NULL;
}

/* Take over what the plan says of this link. */
static void refresh(struct network *network, struct entry *entry)
{
    entry->known = locate(network, &entry->ends, &entry->from, &entry->to);
    if (!entry->known)
        return;
    struct link_profile profile =
        network_plan_profile(network->plan, &entry->ends, &entry->from, &entry->to);
    int rc = link_change(&entry->link, &profile);
    assert(rc == 0);
}

static struct entry *entry_find(const struct network *network, const struct network_ends *ends)
{
    struct network_key key;
    struct entry *entry = NULL;
    if (network_key_make(&key, ends))
        HASH_FIND(hh, network->entries, key.text, key.size, entry);
    return entry;
}

/* NULL when an end is not known. */
static struct entry *entry_create(struct network *network, const struct network_ends *ends)
{
    struct geo_place from, to;
    if (!locate(network, ends, &from, &to))
        return NULL;

    /* What was asked for may be another spelling of a place that has its link already. */
    struct network_ends canonical = {ends->way, from.name, to.name};
    struct entry *entry = entry_find(network, &canonical);
    if (entry)
        return entry;

    entry = memory_alloc(sizeof(*entry));
    entry->from = from;
    entry->to = to;
    entry->ends = (struct network_ends){ends->way, entry->from.name, entry->to.name};
    network_key_make(&entry->key, &entry->ends);
    const struct link_profile instant = {0};
    int rc = link_init(&entry->link, &instant, seed_of(network, &entry->key));
    assert(rc == 0);
    refresh(network, entry);
    if (client_name(entry)) {
        entry->geo = geo_get(network, client_name(entry));
        entry->next_of_geo = entry->geo->entries;
        entry->geo->entries = entry;
    }
    HASH_ADD(hh, network->entries, key.text, entry->key.size, entry);
    return entry;
}

static struct link *get(struct network *network, const struct network_ends *ends)
{
    struct entry *entry = entry_find(network, ends);
    if (!entry)
        entry = entry_create(network, ends);
    if (!entry || !entry->known)
        return NULL;
    if (entry->geo)
        geo_touch(network, entry->geo);
    return &entry->link;
}

int network_configure(struct network *network, const Mec__Config *config)
{
    struct network_plan *plan;
    int rc = network_plan_create(config, &plan);
    if (rc)
        return rc;
    network_plan_free(network->plan);
    network->plan = plan;
    for (struct entry *entry = network->entries; entry; entry = entry->hh.next)
        refresh(network, entry);
    return 0;
}

struct link *network_between(struct network *network, const char *from, const char *to)
{
    return get(network, &(struct network_ends){NETWORK_BETWEEN, from, to});
}

struct link *network_from_client(struct network *network, const char *geo, const char *region)
{
    return get(network, &(struct network_ends){NETWORK_FROM_CLIENT, geo, region});
}

struct link *network_to_client(struct network *network, const char *region, const char *geo)
{
    return get(network, &(struct network_ends){NETWORK_TO_CLIENT, region, geo});
}
