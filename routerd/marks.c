#include "routerd/marks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/memory.h"
#include "common/reach.h"
#include "common/token.h"

#define SERVICE_SIZE    16
#define LIST_FULL       10000u /* see health.proto */
#define LIST_BYTES_FULL ((size_t)512 * 1024)

/* Compared as bytes, so zeroed before it is filled. */
struct mark_key {
    uint32_t region;
    char user[USER_ID_SIZE];
    char service[SERVICE_SIZE];
};

struct mark {
    struct mark_key key;
    uint32_t shard;
    uint32_t opening; /* of the region's connection, when it was noted */
    uint32_t heading; /* writes on their way into the queue */
    uint64_t seq;     /* 0: none has got there */
    UT_hash_handle hh;
};

/* One shard's writes in one region's queue. */
struct queue {
    uint64_t accepted_seq;
    uint64_t settled_seq;
    uint64_t everyone_seq; /* until this has ended, all users of the shard are marked */
};

struct marked_region {
    uint64_t listed_seq;
    uint32_t opening;
    uint32_t heading; /* writes on their way into its queue */
    bool fresh;       /* no list since it was reopened */
    bool listing;     /* the last list was full: nobody knows yet who else waits */
};

struct marks {
    size_t region_count;
    size_t shard_count;
    const char *const *shards;
    size_t marks_max;
    struct marked_region *regions;
    struct queue *queues; /* by region, then shard */
    struct mark *table;
};

struct marks *marks_create(size_t region_count, const char *const *shards, size_t shard_count,
                           size_t marks_max)
{
    struct marks *marks = memory_alloc(sizeof(*marks));
    marks->region_count = region_count;
    marks->shard_count = shard_count;
    marks->shards = shards;
    marks->marks_max = marks_max;
    marks->regions = memory_alloc(region_count * sizeof(*marks->regions));
    marks->queues = memory_alloc((region_count * shard_count + 1) * sizeof(*marks->queues));
    for (size_t region = 0; region < region_count; region++)
        marks->regions[region].fresh = true;
    return marks;
}

static void forget(struct marks *marks, struct mark *mark)
{
    HASH_DEL(marks->table, mark);
    free(mark);
}

void marks_free(struct marks *marks)
{
    if (marks == NULL)
        return;
    struct mark *mark;
    struct mark *next;
    HASH_ITER(hh, marks->table, mark, next)
    {
        forget(marks, mark);
    }
    free(marks->queues);
    free(marks->regions);
    free(marks);
}

static struct queue *queue_of(const struct marks *marks, uint32_t region, uint32_t shard)
{
    assert(region < marks->region_count);
    assert(shard < marks->shard_count);
    return &marks->queues[region * marks->shard_count + shard];
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct mark_key key_of(uint32_t region, const char *user, const char *service)
{
    struct mark_key key;
    memset(&key, 0, sizeof(key));
    key.region = region;
    strncpy(key.user, user, sizeof(key.user) - 1);
    strncpy(key.service, service, sizeof(key.service) - 1);
    return key;
}

static struct mark *look_up(const struct marks *marks, uint32_t region, const char *user,
                            const char *service)
{
    struct mark_key key = key_of(region, user, service);
    struct mark *mark;
    HASH_FIND(hh, marks->table, &key, sizeof(key), mark);
    return mark;
}

static bool has_ended(const struct marks *marks, const struct mark *mark)
{
    return mark->seq <= queue_of(marks, mark->key.region, mark->shard)->settled_seq;
}

static void sweep(struct marks *marks)
{
    struct mark *mark;
    struct mark *next;
    HASH_ITER(hh, marks->table, mark, next)
    {
        if (has_ended(marks, mark) && mark->heading == 0)
            forget(marks, mark);
    }
}

static bool has_waiting(const struct queue *queue)
{
    return queue->accepted_seq > queue->settled_seq;
}

/* The mark, made if need be; NULL when there is no room. */
static struct mark *make(struct marks *marks, uint32_t region, uint32_t shard, const char *user,
                         const char *service)
{
    struct mark *mark = look_up(marks, region, user, service);
    if (mark == NULL && HASH_COUNT(marks->table) >= marks->marks_max)
        sweep(marks);
    if (mark == NULL && HASH_COUNT(marks->table) >= marks->marks_max)
        return NULL;
    if (mark == NULL) {
        mark = memory_alloc(sizeof(*mark));
        mark->key = key_of(region, user, service);
        mark->opening = marks->regions[region].opening;
        HASH_ADD(hh, marks->table, key, sizeof(mark->key), mark);
    }
    mark->shard = shard;
    return mark;
}

void marks_note(struct marks *marks, uint32_t region, uint32_t shard, const char *user,
                const char *service, uint64_t seq)
{
    struct queue *queue = queue_of(marks, region, shard);
    queue->accepted_seq = later(queue->accepted_seq, seq);
    struct mark *mark = make(marks, region, shard, user, service);
    if (mark == NULL) {
        queue->everyone_seq = later(queue->everyone_seq, seq);
        return;
    }
    mark->seq = later(mark->seq, seq);
    mark->opening = marks->regions[region].opening;
}

bool marks_begin(struct marks *marks, uint32_t region, uint32_t shard, const char *user,
                 const char *service)
{
    struct mark *mark = make(marks, region, shard, user, service);
    if (mark == NULL)
        return false;
    mark->heading++;
    marks->regions[region].heading++;
    return true;
}

void marks_end(struct marks *marks, uint32_t region, const char *user, const char *service)
{
    struct mark *mark = look_up(marks, region, user, service);
    assert(mark != NULL);
    assert(mark->heading > 0);
    mark->heading--;
    marks->regions[region].heading--;
    if (mark->heading == 0 && has_ended(marks, mark))
        forget(marks, mark);
}

uint32_t marks_heading(const struct marks *marks, uint32_t shard, const char *user,
                       const char *service)
{
    for (uint32_t region = 0; region < marks->region_count; region++) {
        if (marks->regions[region].heading == 0)
            continue;
        const struct mark *mark = look_up(marks, region, user, service);
        if (mark != NULL && mark->heading > 0 && mark->shard == shard)
            return region;
    }
    return MARKS_NONE;
}

/* The user's own mark comes before what is only assumed of everyone: their writes must not be
 * spread over two queues. */
uint32_t marks_find(const struct marks *marks, uint32_t shard, const char *user,
                    const char *service)
{
    uint32_t assumed = MARKS_NONE;
    uint32_t named = MARKS_NONE;
    for (uint32_t region = 0; region < marks->region_count; region++) {
        const struct queue *queue = queue_of(marks, region, shard);
        bool listing = marks->regions[region].listing;
        if (!has_waiting(queue) && !listing)
            continue;
        const struct mark *mark = look_up(marks, region, user, service);
        if (mark != NULL && !has_ended(marks, mark)) {
            if (named != MARKS_NONE)
                return MARKS_APART;
            named = region;
        }
        if (assumed == MARKS_NONE && (listing || queue->everyone_seq > queue->settled_seq))
            assumed = region;
    }
    if (named == MARKS_NONE && assumed != MARKS_NONE)
        reach(QUEUED_PERHAPS);
    return named != MARKS_NONE ? named : assumed;
}

static uint32_t shard_index(const struct marks *marks, const char *name)
{
    for (uint32_t shard = 0; shard < marks->shard_count; shard++) {
        if (strcmp(marks->shards[shard], name) == 0)
            return shard;
    }
    return MARKS_NONE;
}

bool marks_pong(struct marks *marks, uint32_t region, const Mec__Pong *pong)
{
    bool unseen = false;
    bool emptied = false;
    for (size_t index = 0; index < pong->n_queues; index++) {
        const Mec__QueueMark *said = pong->queues[index];
        uint32_t shard = shard_index(marks, said->shard);
        if (shard == MARKS_NONE)
            continue;
        struct queue *queue = queue_of(marks, region, shard);
        bool had_waiting = has_waiting(queue);
        queue->accepted_seq = later(queue->accepted_seq, said->accepted_seq);
        queue->settled_seq = later(queue->settled_seq, said->settled_seq);
        emptied = emptied || (had_waiting && !has_waiting(queue));
        if (has_waiting(queue) && said->accepted_seq > marks->regions[region].listed_seq) {
            reach(QUEUED_UNSEEN);
            queue->everyone_seq = later(queue->everyone_seq, said->accepted_seq);
            unseen = true;
        }
    }
    if (emptied)
        sweep(marks);
    return unseen;
}

void marks_reopened(struct marks *marks, uint32_t region)
{
    struct marked_region *reopened = &marks->regions[region];
    reopened->fresh = true;
    reopened->opening++;
    reopened->listed_seq = 0;
    reopened->listing = false;
}

uint64_t marks_listed(const struct marks *marks, uint32_t region)
{
    return marks->regions[region].listed_seq;
}

/* Forget what was known of @region before it was reopened. */
static void replace(struct marks *marks, uint32_t region)
{
    struct marked_region *replaced = &marks->regions[region];
    struct mark *mark;
    struct mark *next;
    HASH_ITER(hh, marks->table, mark, next)
    {
        if (mark->key.region != region || mark->opening == replaced->opening)
            continue;
        reach(MARK_OUTDATED);
        mark->seq = 0;
        if (mark->heading == 0)
            forget(marks, mark);
    }
    for (uint32_t shard = 0; shard < marks->shard_count; shard++)
        *queue_of(marks, region, shard) = (struct queue){0};
    HASH_ITER(hh, marks->table, mark, next)
    {
        if (mark->key.region == region) {
            struct queue *queue = queue_of(marks, region, mark->shard);
            queue->accepted_seq = later(queue->accepted_seq, mark->seq);
        }
    }
    replaced->fresh = false;
}

/* A region ends a list that gets too long or too large. */
static bool is_cut_short(const Mec__QueueList *list)
{
    return list->n_entries >= LIST_FULL ||
           mec__queue_list__get_packed_size(list) >= LIST_BYTES_FULL;
}

bool marks_list(struct marks *marks, uint32_t region, const Mec__QueueList *list)
{
    struct marked_region *listed = &marks->regions[region];
    if (listed->fresh)
        replace(marks, region);
    for (size_t index = 0; index < list->n_entries; index++) {
        const Mec__QueueEntry *entry = list->entries[index];
        uint32_t shard = shard_index(marks, entry->shard);
        if (shard != MARKS_NONE)
            marks_note(marks, region, shard, entry->user, entry->service, entry->seq);
    }
    bool progress = list->through_seq > listed->listed_seq;
    listed->listed_seq = later(listed->listed_seq, list->through_seq);

    listed->listing = progress && is_cut_short(list);

    /* Everyone whose write waits up to there is now marked by name, unless there was no room. */
    for (uint32_t shard = 0; shard < marks->shard_count; shard++) {
        struct queue *queue = queue_of(marks, region, shard);
        if (queue->everyone_seq <= listed->listed_seq &&
            HASH_COUNT(marks->table) < marks->marks_max)
            queue->everyone_seq = 0;
    }
    return progress && list->n_entries > 0;
}

size_t marks_count(const struct marks *marks)
{
    return HASH_COUNT(marks->table);
}
