/* Life of a watch, its report, and what it passes on to its parts; see watch.h. */

#include "sim/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/watch_internal.h"

static const struct {
    const char *name, *what;
} checks[] = {
#define X(check, name, what) {name, what},
    WATCH_CHECKS(X)
#undef X
};

const char *watch_check_name(enum watch_check check)
{
    assert(check < WATCH_CHECK_COUNT);
    return checks[check].name;
}

const char *watch_check_what(enum watch_check check)
{
    assert(check < WATCH_CHECK_COUNT);
    return checks[check].what;
}

/* ---- life ---- */

struct watch *watch_create(const struct plan *plan, struct history *history)
{
    struct watch *watch = memory_alloc(sizeof(*watch));

    watch->plan = plan;
    watch->history = history;
    watch->arena = arena_create();
    watch->scratch = arena_create();
    watch->region_count = plan->region_count;
    for (uint32_t i = 0; i < watch->region_count; i++) {
        watch->regions[i].name = plan->region_names[i];
        watch->regions[i].disks = 1;
        watch->shards[i] =
            (struct watch_shard){.name = plan->region_names[i], .home = i, .epoch = 1};
    }
    return watch;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    watch_names_free(watch);
    watch_queue_free(watch);
    watch_effort_free(watch);
    watch_log_free(watch);
    arena_free(watch->scratch);
    arena_free(watch->arena);
    free(watch);
}

/* ---- the report ---- */

const struct watch_breach *watch_breach(const struct watch *watch)
{
    return &watch->breach;
}

void watch_report(struct watch *watch, uint64_t now_us, enum watch_check check, const char *format,
                  ...)
{
    struct watch_breach *breach = &watch->breach;
    va_list arguments;

    if (breach->found)
        return;
    breach->found = true;
    breach->check = check;
    breach->at_us = now_us;
    va_start(arguments, format);
    (void)vsnprintf(breach->text, sizeof(breach->text), format, arguments);
    va_end(arguments);
}

/* ---- small questions ---- */

uint32_t watch_find(const struct watch *watch, const char *name)
{
    for (uint32_t i = 0; name && i < watch->region_count; i++)
        if (strcmp(watch->shards[i].name, name) == 0)
            return i;
    return PLAN_NONE;
}

bool watch_is_damaged(const struct watch *watch, uint32_t region, uint32_t shard, uint64_t since_us)
{
    const struct watch_copy *copy = &watch->regions[region].copies[shard];

    return watch->shards[shard].spoiled || copy->damaged ||
           (copy->damaged_until_us != 0 && copy->damaged_until_us >= since_us);
}

bool watch_is_any_damaged(const struct watch *watch)
{
    for (uint32_t region = 0; region < watch->region_count; region++)
        for (uint32_t shard = 0; shard < watch->region_count; shard++)
            if (watch_is_damaged(watch, region, shard, 0))
                return true;
    return false;
}

bool watch_has_given_up(const struct watch *watch)
{
    return watch->gave_up;
}

uint64_t watch_last_seq(const struct watch *watch, uint32_t shard)
{
    return watch->shards[shard].log.count;
}

uint64_t watch_copy_seq(const struct watch *watch, uint32_t region, uint32_t shard)
{
    return watch->regions[region].copies[shard].end.seq;
}

size_t watch_waiting(const struct watch *watch, uint32_t region, uint32_t home_shard)
{
    const struct watch_queued *queued = watch->regions[region].queue.waiting;
    size_t count = 0;

    for (; queued; queued = queued->next)
        count += queued->shard == home_shard;
    return count;
}

/* ---- batches ---- */

/* The home's core runs one batch at a time: by now it has been told of all those before. */
static void publish_earlier(struct watch *watch, uint64_t now_us, uint32_t region)
{
    for (uint32_t i = 0; i < watch->region_count; i++)
        if (watch->shards[i].home == region)
            watch_log_published(&watch->shards[i], watch->shards[i].log.count, now_us);
}

static void take_shard_batch(struct watch *watch, uint64_t now_us, uint32_t region,
                             const struct storage_batch *batch)
{
    for (size_t i = 0; i < batch->count && !watch->breach.found; i++) {
        const struct store_op *op = &batch->ops[i];
        const struct watch_copy *copy = &watch->regions[region].copies[batch->target];

        if (op->kind == STORE_OP_AUDIT)
            continue;
        if (op->kind == STORE_OP_WRITE)
            watch_write_done(watch, now_us, region, batch, op);
        else if (op->result == STORE_DONE)
            watch_log_applied(watch, now_us, region, batch->target, op->epoch, op->apply.seq,
                              op->apply.digest);
        else if (op->result == STORE_HAD_IT && op->apply.seq > copy->end.seq && !copy->damaged)
            watch_report(watch, now_us, WATCH_PREFIX,
                         "%s says it had %s.%llu, but its copy ends at %llu",
                         watch->regions[region].name, watch->shards[batch->target].name,
                         (unsigned long long)op->apply.seq, (unsigned long long)copy->end.seq);
    }
}

void watch_batch(struct watch *watch, uint64_t now_us, uint32_t region,
                 const struct storage_batch *batch)
{
    if (watch->breach.found)
        return;
    if (watch->regions[region].doubt.exists) {
        watch_report(watch, now_us, WATCH_DURABLE,
                     "%s goes on writing after a batch of unknown fate",
                     watch->regions[region].name);
        return;
    }
    publish_earlier(watch, now_us, region);
    if (batch->target != STORAGE_QUEUE && watch->shards[batch->target].home == region)
        watch->shards[batch->target].batches++;
    if (batch->error == -ENOSPC)
        return; /* all is undone */
    if (batch->error != 0)
        watch_batch_in_doubt(watch, now_us, region, batch);
    else if (batch->target == STORAGE_QUEUE)
        watch_queue_batch(watch, now_us, region, batch);
    else
        take_shard_batch(watch, now_us, region, batch);
}

void watch_stored(struct watch *watch, uint32_t region)
{
    for (uint32_t i = 0; i < watch->region_count; i++) {
        struct watch_copy *copy = &watch->regions[region].copies[i];

        copy->known_seq = copy->end.seq;
    }
}

/* ---- what happens to copies ---- */

void watch_opened(struct watch *watch, uint64_t now_us, uint32_t region, const char *vfs,
                  const char *directory, const struct store_end *ends)
{
    if (watch->breach.found)
        return;
    watch_files_opened(watch, now_us, region, vfs, directory, ends);
    watch_files_opened_queue(watch, now_us, region, vfs, directory);
    watch_stored(watch, region);
}

void watch_copy_lost(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard)
{
    struct watch_region *at = &watch->regions[region];
    struct watch_copy *copy = &at->copies[shard];

    at->disks++;
    *copy = (struct watch_copy){.damaged_until_us = copy->damaged ? now_us : copy->damaged_until_us,
                                .life = copy->life + 1};
    if (at->doubt.exists && at->doubt.batch.target == shard)
        at->doubt.exists = false;
}

void watch_disk_lost(struct watch *watch, uint64_t now_us, uint32_t region)
{
    for (uint32_t i = 0; i < watch->region_count; i++)
        watch_copy_lost(watch, now_us, region, i);
    watch_queue_lost(watch, now_us, region);
    watch->regions[region].doubt.exists = false;
    watch->regions[region].disk_was_lost = true;
    watch->regions[region].disk_lost_us = now_us;
}

void watch_copy_damaged(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard)
{
    (void)now_us;
    watch->regions[region].copies[shard].damaged = true;
    if (watch->shards[shard].home == region)
        watch->shards[shard].spoiled = true;
}

/* Copies that hold what is given up now stay as they are until they are made anew. */
static void mark_forked(struct watch *watch, uint32_t shard, uint64_t kept_seq)
{
    for (uint32_t i = 0; i < watch->region_count; i++)
        if (watch->regions[i].copies[shard].end.seq > kept_seq)
            watch->regions[i].copies[shard].forked = true;
}

size_t watch_home_moved(struct watch *watch, uint64_t now_us, uint32_t shard, uint32_t home,
                        uint64_t epoch, uint64_t kept_seq)
{
    struct watch_shard *moved = &watch->shards[shard];
    size_t lost = 0;

    if (watch->breach.found)
        return 0;
    if (epoch <= moved->epoch)
        watch_report(watch, now_us, WATCH_ONE_HOME,
                     "the epoch of %s does not rise: %llu after %llu", moved->name,
                     (unsigned long long)epoch, (unsigned long long)moved->epoch);
    if (kept_seq < moved->log.count) {
        mark_forked(watch, shard, kept_seq);
        lost = watch_log_give_up(watch, shard, kept_seq);
    }
    watch_log_published(moved, moved->log.count, now_us);
    moved->home = home;
    moved->epoch = epoch;
    if (watch->regions[home].copies[shard].damaged)
        moved->spoiled = true;
    return lost;
}
