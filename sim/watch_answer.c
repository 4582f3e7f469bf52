/* What regions say of their copies, at the moment at which they say it. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/watch_internal.h"

/* By so much more than the header says an answer may be stale, where clocks agree. */
#define ERROR_US MILLISECOND_US

/* ---- clocks ---- */

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? (uint64_t)-value : (uint64_t)value;
}

static uint64_t off_us(const struct watch_region *region, uint64_t now_us)
{
    uint64_t for_us = now_us - region->clock.since_us;

    return magnitude(region->clock.offset_us + (int64_t)for_us * region->clock.drift_ppm / 1000000);
}

/* How far the region's clock was ever off. */
static uint64_t most_off_us(const struct watch_region *region, uint64_t now_us)
{
    uint64_t off = off_us(region, now_us);

    return off > region->clock.most_us ? off : region->clock.most_us;
}

void watch_clock(struct watch *watch, uint64_t now_us, uint32_t region, int64_t offset_us,
                 int64_t drift_ppm)
{
    struct watch_region *at = &watch->regions[region];

    at->clock.most_us = most_off_us(at, now_us);
    if (magnitude(offset_us) > at->clock.most_us)
        at->clock.most_us = magnitude(offset_us);
    at->clock.offset_us = offset_us;
    at->clock.drift_ppm = drift_ppm;
    at->clock.since_us = now_us;
}

uint64_t watch_clock_most_off(const struct watch *watch, uint64_t now_us)
{
    uint64_t most = 0;

    for (size_t i = 0; i < watch->region_count; i++) {
        uint64_t off = most_off_us(&watch->regions[i], now_us);

        most = off > most ? off : most;
    }
    return most;
}

uint64_t watch_clock_error_us(const struct watch *watch, uint32_t region, uint64_t now_us)
{
    return ERROR_US + watch_clock_most_off(watch, now_us) +
           most_off_us(&watch->regions[region], now_us);
}

/* ---- positions ---- */

struct said {
    struct watch *watch;
    uint64_t now_us;
    uint32_t region, shard;
    const Mec__Answer *answer;
    const Mec__Position *position;
};

static bool is_write(const Mec__Answer *answer)
{
    return answer->status == 201 || answer->status == 204;
}

static bool is_read(const Mec__Answer *answer)
{
    return (answer->status == 200 || answer->status == 404) &&
           (answer->served == MEC__SERVED__SERVED_HOME ||
            answer->served == MEC__SERVED__SERVED_REPLICA ||
            answer->served == MEC__SERVED__SERVED_CACHE);
}

static bool is_own_copy(const struct said *said)
{
    return said->answer->served == MEC__SERVED__SERVED_REPLICA ||
           said->answer->served == MEC__SERVED__SERVED_CACHE;
}

/* Nobody may speak of what is not durable: not of a write, nor of what was read. */
static void check_position(const struct said *said)
{
    struct watch *watch = said->watch;
    const struct watch_shard *shard = &watch->shards[said->shard];
    const struct watch_copy *copy = &watch->regions[said->region].copies[said->shard];
    uint64_t epoch = said->position->epoch, seq = said->position->seq;

    if (seq != 0 && !watch_log_at(shard, epoch, seq))
        watch_report(
            watch, said->now_us, is_write(said->answer) ? WATCH_ACKNOWLEDGED : WATCH_READ_TRUE,
            "%s answers %u at %s:%" PRIu64 ".%" PRIu64 ", which is in no log on disk",
            watch->regions[said->region].name, said->answer->status, shard->name, epoch, seq);
    else if (is_own_copy(said) && seq > copy->end.seq)
        watch_report(watch, said->now_us, WATCH_READ_TRUE,
                     "%s answers %u at %s:%" PRIu64 ".%" PRIu64 ", its copy ends at %" PRIu64,
                     watch->regions[said->region].name, said->answer->status, shard->name, epoch,
                     seq, copy->end.seq);
}

/* A write that a home answers its core knows of: from now on it can be missed elsewhere. What it
 * reads may be a batch ahead of that. */
static void publish(const struct said *said)
{
    struct watch_shard *shard = &said->watch->shards[said->shard];

    if (is_write(said->answer) && shard->home == said->region &&
        watch_log_has(shard, said->position->epoch, said->position->seq))
        watch_log_published(shard, said->position->seq, said->now_us);
}

/* ---- staleness ---- */

/* The first change that is not in what was answered shows how stale it is. */
static void check_staleness(const struct said *said)
{
    struct watch *watch = said->watch;
    const struct watch_shard *shard = &watch->shards[said->shard];
    const struct watch_entry *missing;
    uint64_t allowed_us, seq = said->position->seq;

    if (!said->answer->staleness_known || !is_read(said->answer) ||
        !watch_log_has(shard, said->position->epoch, seq) || seq >= shard->published)
        return;
    missing = shard->log.items[seq];
    allowed_us =
        said->answer->staleness_us + watch_clock_error_us(watch, said->region, said->now_us);
    if (missing->published_us < said->now_us && said->now_us - missing->published_us > allowed_us)
        watch_report(watch, said->now_us, WATCH_STALENESS,
                     "%s answers at %s:%" PRIu64 ".%" PRIu64 " and says it is %" PRIu64
                     " us stale; the next change is %" PRIu64 " us old",
                     watch->regions[said->region].name, shard->name, said->position->epoch, seq,
                     said->answer->staleness_us, said->now_us - missing->published_us);
}

/* ---- queued writes ---- */

static void check_accepted(struct watch *watch, uint64_t now_us, uint32_t region,
                           const Mec__Answer *answer)
{
    static const char path[] = "/v1/receipts/";
    const struct watch_queued *queued;

    if (answer->status != 202 || strncmp(answer->location, path, sizeof(path) - 1) != 0)
        return;
    queued = watch_queue_find(watch, answer->location + sizeof(path) - 1);
    if (!queued || queued->region != region || queued->lost)
        watch_report(watch, now_us, WATCH_QUEUED, "%s answers 202 for %s, which is not on its disk",
                     watch->regions[region].name, answer->location);
}

void watch_answer(struct watch *watch, struct moment at, uint32_t region, const Mec__Answer *answer)
{
    struct said said = {watch, at.now_us, region, PLAN_NONE, answer, answer->position};

    if (watch->breach.found || answer->verdict != MEC__VERDICT__FINAL)
        return;
    check_accepted(watch, at.now_us, region, answer);
    if (!said.position)
        return;
    said.shard = watch_find(watch, said.position->shard);
    if (said.shard == PLAN_NONE || watch_is_damaged(watch, region, said.shard, at.now_us))
        return;
    check_position(&said);
    publish(&said);
    check_staleness(&said);
}
