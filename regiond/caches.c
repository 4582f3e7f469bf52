#include "regiond/caches.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/reach.h"

struct row {
    const struct caches_kind *kind; /* NULL: there is no such cache */
    void *cache;
    enum caches_mode mode;
    uint64_t flush_count; /* the highest so far */
};

struct caches {
    struct row rows[PARTS_CACHE_COUNT];
};

struct caches *caches_create(void)
{
    return memory_alloc(sizeof(struct caches));
}

void caches_free(struct caches *caches)
{
    free(caches);
}

void caches_register(struct caches *caches, enum parts_cache name, const struct caches_kind *kind,
                     void *cache)
{
    assert(!caches->rows[name].kind);
    caches->rows[name] = (struct row){.kind = kind, .cache = cache};
}

static enum caches_mode mode_of(const Mec__CacheFault *fault)
{
    if (fault->disable)
        return CACHES_DISABLED;
    return fault->freeze ? CACHES_FROZEN : CACHES_ON;
}

static const Mec__CacheFault *find_fault(const Mec__Config *config, const char *region,
                                         const char *name)
{
    for (size_t i = 0; i < config->n_caches; i++)
        if (strcmp(config->caches[i]->region, region) == 0 &&
            strcmp(config->caches[i]->cache, name) == 0)
            return config->caches[i];
    return NULL;
}

void caches_configure(struct caches *caches, const Mec__Config *config, const char *region)
{
    for (unsigned name = 0; name < PARTS_CACHE_COUNT; name++) {
        struct row *row = &caches->rows[name];
        const Mec__CacheFault *fault =
            find_fault(config, region, parts_cache_name((enum parts_cache)name));
        enum caches_mode mode = fault ? mode_of(fault) : CACHES_ON;

        if (!row->kind)
            continue;
        if (mode != row->mode)
            row->kind->set_mode(row->cache, mode);
        row->mode = mode;
        if (!fault || fault->flush_count <= row->flush_count)
            continue;
        if (row->kind->counters(row->cache).entries > 0)
            reach(CACHE_FLUSHED);
        row->flush_count = fault->flush_count;
        row->kind->flush(row->cache);
    }
}

size_t caches_pong(const struct caches *caches, struct arena *arena,
                   Mec__CacheCounters ***ret_counters)
{
    Mec__CacheCounters **list = arena_alloc(arena, PARTS_CACHE_COUNT * sizeof *list);
    size_t count = 0;

    for (unsigned name = 0; name < PARTS_CACHE_COUNT; name++) {
        const struct row *row = &caches->rows[name];
        struct caches_counters counters;

        if (!row->kind)
            continue;
        counters = row->kind->counters(row->cache);
        list[count] = arena_alloc(arena, sizeof *list[count]);
        mec__cache_counters__init(list[count]);
        list[count]->name = (char *)parts_cache_name((enum parts_cache)name);
        list[count]->hits = counters.hits;
        list[count]->misses = counters.misses;
        list[count]->entries = counters.entries;
        list[count]->bytes = counters.bytes;
        count++;
    }
    *ret_counters = list;
    return count;
}

static json_t *row_json(const char *name, const struct row *row)
{
    static const char *const modes[] = {
        [CACHES_ON] = "on", [CACHES_FROZEN] = "frozen", [CACHES_DISABLED] = "disabled"};
    struct caches_counters counters = row->kind->counters(row->cache);

    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name", name, "state",
                     modes[row->mode], "entries", (json_int_t)counters.entries, "bytes",
                     (json_int_t)counters.bytes, "bytes_max", (json_int_t)counters.bytes_max,
                     "hits", (json_int_t)counters.hits, "misses", (json_int_t)counters.misses,
                     "evictions", (json_int_t)counters.evictions, "drops",
                     (json_int_t)counters.drops);
}

json_t *caches_json(const struct caches *caches)
{
    json_t *list = json_array();

    for (unsigned name = 0; name < PARTS_CACHE_COUNT; name++)
        if (caches->rows[name].kind)
            json_array_append_new(
                list, row_json(parts_cache_name((enum parts_cache)name), &caches->rows[name]));
    return list;
}
