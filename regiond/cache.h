/* cache: the region's cache of records, bounded in bytes, evicting by SIEVE (Zhang et al., NSDI
 * 2024): a queue in order of arrival, one bit a record that says "was asked for again", and a hand
 * that walks from the oldest on and takes the first one without. A hit only sets a bit.
 *
 * It knows nothing of positions: whoever makes a change visible drops its key first. */

#ifndef MEC_CACHE_H
#define MEC_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"
#include "regiond/caches.h"

#define CACHE_KEY_SIZE_MAX 704

struct cache;

/* What names a record, as one run of bytes. */
struct cache_key {
    uint8_t bytes[CACHE_KEY_SIZE_MAX];
    size_t size;
};

struct cache_record {
    uint64_t version;
    uint64_t epoch, seq; /* of the change that made it */
    uint64_t updated_wall_us;
    const char *content_type;
    struct slice value;
};

struct cache *cache_create(size_t bytes_max);
void cache_free(struct cache *cache);

/* As a cache among others: its counters and faults. */
extern const struct caches_kind cache_kind;

/* Change the bound; evicts what no longer fits (a frozen one does so once it is no longer frozen).
 * 0: it holds nothing. */
void cache_resize(struct cache *cache, size_t bytes_max);

/* Errors: -ENAMETOOLONG, such a record is not cached; *@ret_key is untouched. */
int cache_key(uint32_t shard, const char *service, const char *user, const char *key,
              struct cache_key *ret_key);

/* On true, *@ret_record points into the cache until the next call that changes it. */
bool cache_find(struct cache *cache, const struct cache_key *key, struct cache_record *ret_record);

/* Put a copy of @record, in place of what was there. One larger than an eighth of the cache is not
 * taken: it would push out too much. */
void cache_put(struct cache *cache, const struct cache_key *key, const struct cache_record *record);

/* It is about to change: drop it, whatever the mode. */
void cache_drop(struct cache *cache, const struct cache_key *key);

struct caches_counters cache_stats(const struct cache *cache);

#endif
