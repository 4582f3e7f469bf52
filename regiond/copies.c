#include "regiond/copies.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/plant.h"
#include "common/reach.h"
#include "regiond/core.h"
#include "regiond/revocations.h"

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
    copy->revocations = revocations_create();
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

        region->copy_count++;
        if (r < 0)
            return r;
        copy->target = (uint32_t)i;
        copy->home_peer = PEER_NONE;
    }
    copies_configure(region);
    return 0;
}

void copies_free(struct region *region)
{
    for (size_t i = 0; i < region->copy_count; i++) {
        revocations_free(region->copies[i].revocations);
        store_reader_free(region->copies[i].reader);
    }
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
        if (copy->epoch != shard->epoch && copy->freshness.known)
            reach(FRESHNESS_FORGOTTEN);
        if (copy->epoch != shard->epoch)
            copy->freshness = (struct freshness){.epoch = shard->epoch};
        revocations_begin_epoch(copy->revocations, shard->epoch);
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

bool copies_becomes_home(const struct region *region, const struct copy *copy)
{
    return copy->home_peer == region->self && copy->visible.epoch <= copy->epoch;
}

bool copies_is_home(const struct region *region, const struct copy *copy)
{
    return copies_becomes_home(region, copy) && !copy->groups;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t since(uint64_t now_us, uint64_t then_us)
{
    return now_us > then_us ? now_us - then_us : 0;
}

uint64_t copies_since(const struct region *region, const struct freshness_mark *mark)
{
    uint64_t told_us = since(region->at.now_us, mark->heard_us);

    if (PLANTED(STALENESS_SINCE_HEARD))
        return told_us;
    return max_u64(told_us, since(region->at.wall_us, mark->wall_us));
}

bool copies_staleness(const struct region *region, const struct copy *copy, uint64_t *ret_us)
{
    if (copies_is_home(region, copy)) {
        *ret_us = 0;
        return true;
    }
    if (!copy->freshness.known) {
        reach(STALENESS_UNKNOWN);
        if (!PLANTED(UNKNOWN_AS_FRESH))
            return false;
        *ret_us = 0;
        return true;
    }
    *ret_us = copies_since(region, &copy->freshness.as_of);
    return true;
}

static void settle_freshness(struct copy *copy)
{
    struct freshness *freshness = &copy->freshness;

    if (!freshness->pending ||
        (copy->visible.seq < freshness->pending_seq && !PLANTED(STALENESS_UNREACHED)))
        return;
    /* Even when it says an earlier time than the one before: the home's clock may have been set
     * right. A mark of a connection that is over can come late, too, and makes us look staler than
     * we are until the next one. */
    freshness->pending = false;
    freshness->known = true;
    freshness->as_of = freshness->pending_mark;
}

void copies_heard(struct copy *copy, uint64_t epoch, struct freshness_mark mark, uint64_t last_seq)
{
    struct freshness *freshness = &copy->freshness;

    if (epoch < freshness->epoch)
        return;
    if (epoch > freshness->epoch)
        *freshness = (struct freshness){.epoch = epoch};
    /* A mark that is not reached yet stays until it is: under steady load the newest one would
     * never be reached. */
    if (freshness->pending && copy->visible.seq < last_seq) {
        reach(HEARTBEAT_AHEAD);
        return;
    }
    freshness->pending = true;
    freshness->pending_mark = mark;
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
    revocations_advance(copy->revocations, seq);
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
