#include "regiond/cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/reach.h"

struct entry {
    UT_hash_handle hh;
    struct entry *prev, *next; /* by arrival: the newest at the end */
    struct cache_record record;
    bool visited;
    size_t bytes;
    size_t key_size;
    uint8_t data[]; /* key, content type with NUL, value */
};

struct cache {
    struct entry *table;
    struct entry *oldest;
    struct entry *hand; /* where the walk goes on; NULL: at the oldest */
    enum caches_mode mode;
    struct caches_counters stats;
};

struct cache *cache_create(size_t bytes_max)
{
    struct cache *cache = memory_alloc(sizeof *cache);

    cache->stats.bytes_max = bytes_max;
    return cache;
}

static void take_out(struct cache *cache, struct entry *entry)
{
    if (cache->hand == entry)
        cache->hand = entry->next;
    HASH_DEL(cache->table, entry);
    DL_DELETE(cache->oldest, entry);
    assert(cache->stats.bytes >= entry->bytes);
    cache->stats.bytes -= entry->bytes;
    cache->stats.entries--;
    free(entry);
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    while (cache->oldest)
        take_out(cache, cache->oldest);
    free(cache);
}

static void evict_one(struct cache *cache)
{
    struct entry *entry = cache->hand ? cache->hand : cache->oldest;

    reach(CACHE_EVICTED);
    while (entry->visited) {
        reach(CACHE_SPARED);
        entry->visited = false;
        entry = entry->next ? entry->next : cache->oldest;
    }
    cache->hand = entry;
    take_out(cache, entry);
    cache->stats.evictions++;
}

static void trim(struct cache *cache)
{
    while (cache->mode != CACHES_FROZEN && cache->stats.bytes > cache->stats.bytes_max)
        evict_one(cache);
}

void cache_resize(struct cache *cache, size_t bytes_max)
{
    cache->stats.bytes_max = bytes_max;
    trim(cache);
}

static void flush(void *context)
{
    struct cache *cache = context;

    cache->stats.drops += cache->stats.entries;
    while (cache->oldest)
        take_out(cache, cache->oldest);
}

static void set_mode(void *context, enum caches_mode mode)
{
    struct cache *cache = context;

    cache->mode = mode;
    if (mode == CACHES_DISABLED)
        flush(cache);
    trim(cache);
}

int cache_key(uint32_t shard, const char *service, const char *user, const char *key,
              struct cache_key *ret_key)
{
    const char *parts[] = {service, user, key};
    size_t sizes[] = {strlen(service) + 1, strlen(user) + 1, strlen(key)};
    size_t used = sizeof shard;

    if (used + sizes[0] + sizes[1] + sizes[2] > sizeof ret_key->bytes)
        return -ENAMETOOLONG;
    memcpy(ret_key->bytes, &shard, sizeof shard);
    for (size_t i = 0; i < 3; i++) {
        memcpy(ret_key->bytes + used, parts[i], sizes[i]);
        used += sizes[i];
    }
    ret_key->size = used;
    return 0;
}

static struct entry *find(struct cache *cache, const struct cache_key *key)
{
    struct entry *entry;

    HASH_FIND(hh, cache->table, key->bytes, (unsigned)key->size, entry);
    return entry;
}

bool cache_find(struct cache *cache, const struct cache_key *key, struct cache_record *ret_record)
{
    struct entry *entry = find(cache, key);

    if (!entry) {
        cache->stats.misses++;
        return false;
    }
    cache->stats.hits++;
    entry->visited = true;
    *ret_record = entry->record;
    return true;
}

static struct entry *entry_make(const struct cache_key *key, const struct cache_record *record,
                                size_t bytes)
{
    size_t type_size = strlen(record->content_type) + 1;
    struct entry *entry = memory_alloc(bytes);
    uint8_t *type = entry->data + key->size;
    uint8_t *value = type + type_size;

    memcpy(entry->data, key->bytes, key->size);
    memcpy(type, record->content_type, type_size);
    if (record->value.size > 0)
        memcpy(value, record->value.data, record->value.size);
    entry->bytes = bytes;
    entry->key_size = key->size;
    entry->record = *record;
    entry->record.content_type = (const char *)type;
    entry->record.value.data = (const char *)value;
    return entry;
}

void cache_put(struct cache *cache, const struct cache_key *key, const struct cache_record *record)
{
    size_t bytes =
        sizeof(struct entry) + key->size + strlen(record->content_type) + 1 + record->value.size;
    struct entry *entry = find(cache, key);

    if (entry)
        take_out(cache, entry);
    if (cache->mode != CACHES_ON) {
        reach(CACHE_CLOSED);
        return;
    }
    if (bytes > cache->stats.bytes_max / 8) {
        reach(CACHE_NOT_TAKEN);
        return;
    }
    while (cache->stats.bytes + bytes > cache->stats.bytes_max)
        evict_one(cache);
    entry = entry_make(key, record, bytes);
    HASH_ADD_KEYPTR(hh, cache->table, entry->data, (unsigned)entry->key_size, entry);
    DL_APPEND(cache->oldest, entry);
    cache->stats.bytes += bytes;
    cache->stats.entries++;
}

void cache_drop(struct cache *cache, const struct cache_key *key)
{
    struct entry *entry = find(cache, key);

    if (!entry)
        return;
    reach(CACHE_DROPPED);
    if (cache->mode == CACHES_FROZEN)
        reach(CACHE_DROPPED_FROZEN);
    cache->stats.drops++;
    take_out(cache, entry);
}

struct caches_counters cache_stats(const struct cache *cache)
{
    return cache->stats;
}

static struct caches_counters counters(const void *cache)
{
    return cache_stats(cache);
}

const struct caches_kind cache_kind = {counters, flush, set_mode};
