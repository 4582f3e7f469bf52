/* caches: what the caches of a region have in common: names, counters, faults. A cache says once
 * what it can do (struct caches_kind) and is registered under its name; from then on status, health
 * and faults know it.
 *
 * A cache that is disabled holds nothing. A frozen one takes nothing new and lets nothing go to
 * make room; but what has changed, expired or been revoked still leaves it, so that a frozen cache
 * never shows anything older than another one. */

#ifndef MEC_CACHES_H
#define MEC_CACHES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory.h"
#include "common/parts.h"
#include "control.pb-c.h"
#include "health.pb-c.h"

enum caches_mode { CACHES_ON, CACHES_FROZEN, CACHES_DISABLED };

struct caches_counters {
    size_t entries;
    size_t bytes;
    size_t bytes_max;
    uint64_t hits;
    uint64_t misses;
    uint64_t evictions; /* entries that went to make room */
    uint64_t drops;     /* entries that went because they were no longer right, or by a flush */
};

struct caches_kind {
    struct caches_counters (*counters)(const void *cache);
    void (*flush)(void *cache); /* forget everything */
    void (*set_mode)(void *cache, enum caches_mode mode);
};

struct caches;

struct caches *caches_create(void);
void caches_free(struct caches *caches); /* not the caches themselves */

/* @kind and @cache are borrowed. Each name once. */
void caches_register(struct caches *caches, enum parts_cache name, const struct caches_kind *kind,
                     void *cache);

/* Set modes and flush, as @config has it for @region. */
void caches_configure(struct caches *caches, const Mec__Config *config, const char *region);

/* For a Pong: one a cache, in @arena. Returns how many. */
size_t caches_pong(const struct caches *caches, struct arena *arena,
                   Mec__CacheCounters ***ret_counters);

/* A new list, one object a cache. */
json_t *caches_json(const struct caches *caches);

#endif
