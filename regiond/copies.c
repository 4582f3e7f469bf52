#include "regiond/copies.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "regiond/core.h"

static uint32_t find_region(const Mec__Config *config, const char *name)
{
    for (size_t i = 0; i < config->n_regions; i++)
        if (strcmp(config->regions[i]->name, name) == 0)
            return (uint32_t)i;
    return PEER_NONE;
}

static int open_one(struct region *region, const char *shard, const struct store_end *end,
                    struct copy *copy)
{
    char *path;
    int r;

    if (strlen(shard) >= sizeof copy->shard)
        return -EINVAL;
    snprintf(copy->shard, sizeof copy->shard, "%s", shard);
    copy->visible = *end;
    path = storage_shard_path(region->directory, shard);
    r = store_reader_open(path, region->vfs, &copy->reader);
    free(path);
    return r;
}

int copies_open(struct region *region, const struct store_end *ends)
{
    const Mec__Config *config = region->config;

    region->copies = memory_alloc(config->n_shards * sizeof *region->copies);
    for (size_t i = 0; i < config->n_shards; i++) {
        struct copy *copy = &region->copies[i];
        int r = open_one(region, config->shards[i]->name, &ends[i], copy);

        if (r < 0)
            return r;
        copy->target = (uint32_t)i;
        copy->home_peer = PEER_NONE;
        region->copy_count++;
    }
    copies_configure(region);
    return 0;
}

void copies_free(struct region *region)
{
    for (size_t i = 0; i < region->copy_count; i++)
        store_reader_free(region->copies[i].reader);
    free(region->copies);
}

void copies_configure(struct region *region)
{
    const Mec__Config *config = region->config;

    for (size_t i = 0; i < config->n_shards; i++) {
        const Mec__ShardConfig *shard = config->shards[i];
        struct copy *copy = copies_find(region, shard->name);

        if (!copy) {
            outbox_log(region->outbox, "shard %s is new: it is held after the next start",
                       shard->name);
            continue;
        }
        if (copy->epoch != shard->epoch)
            copy->freshness = (struct freshness){.epoch = shard->epoch};
        copy->epoch = shard->epoch;
        copy->home_peer = find_region(config, shard->home);
        snprintf(copy->home, sizeof copy->home, "%s", shard->home);
    }
}

struct copy *copies_find(const struct region *region, const char *shard)
{
    for (size_t i = 0; i < region->copy_count; i++)
        if (strcmp(region->copies[i].shard, shard) == 0)
            return &region->copies[i];
    return NULL;
}

bool copies_is_home(const struct region *region, const struct copy *copy)
{
    return copy->home_peer == region->self && copy->visible.epoch <= copy->epoch;
}

bool copies_staleness(const struct region *region, const struct copy *copy, uint64_t *ret_us)
{
    uint64_t wall_us = region->at.wall_us;
    uint64_t as_of_us = copy->freshness.as_of_wall_us;

    if (copies_is_home(region, copy)) {
        *ret_us = 0;
        return true;
    }
    if (!copy->freshness.known)
        return false;
    /* The home's clock may be a little ahead of ours. */
    *ret_us = wall_us > as_of_us ? wall_us - as_of_us : 0;
    return true;
}

static void settle_freshness(struct copy *copy)
{
    struct freshness *freshness = &copy->freshness;

    if (!freshness->pending || copy->visible.seq < freshness->pending_seq)
        return;
    freshness->pending = false;
    if (freshness->known && freshness->as_of_wall_us >= freshness->pending_wall_us)
        return;
    freshness->known = true;
    freshness->as_of_wall_us = freshness->pending_wall_us;
}

void copies_heard(struct copy *copy, uint64_t epoch, uint64_t wall_us, uint64_t last_seq)
{
    struct freshness *freshness = &copy->freshness;

    if (epoch < freshness->epoch)
        return;
    if (epoch > freshness->epoch)
        *freshness = (struct freshness){.epoch = epoch};
    /* A mark that is not reached yet stays until it is: under steady load the newest one would
     * never be reached. */
    if (freshness->pending && copy->visible.seq < last_seq)
        return;
    freshness->pending = true;
    freshness->pending_wall_us = wall_us;
    freshness->pending_seq = last_seq;
    settle_freshness(copy);
}

void copies_advance(struct copy *copy, uint64_t epoch, uint64_t seq, const uint8_t *digest)
{
    assert(seq > copy->visible.seq);
    copy->visible.epoch = epoch;
    copy->visible.seq = seq;
    memcpy(copy->visible.digest, digest, DIGEST_SIZE);
    settle_freshness(copy);
}

bool copies_reached(const struct copy *copy, Mec__Position *const *bookmark, size_t count)
{
    const struct store_end *end = &copy->visible;

    for (size_t i = 0; i < count; i++) {
        const Mec__Position *seen = bookmark[i];

        if (seen->seq == 0 || strcmp(seen->shard, copy->shard) != 0)
            continue;
        if (seen->epoch > end->epoch || (seen->epoch == end->epoch && seen->seq > end->seq))
            return false;
    }
    return true;
}
