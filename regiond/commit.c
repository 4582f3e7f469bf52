#include "regiond/commit.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "common/residency.h"
#include "regiond/audit.h"
#include "regiond/data_keys.h"
#include "regiond/feed.h"
#include "regiond/probe.h"
#include "regiond/reading.h"
#include "regiond/standing.h"

#define KEEP_SETTLED_US (3600 * SECOND_US)
/* A queued write can come home twice until it has expired, and clocks differ. */
#define KEEP_KEYS_SLACK_US (24 * 3600 * SECOND_US)

/* What waits for one file, in order. */
struct lane {
    struct commit_op *head, *tail;
};

struct commit {
    struct lane *lanes; /* one a copy; the last is the queue's */
    size_t lane_count;
    size_t turn;    /* the lane to look at first */
    size_t waiting; /* of clients */
    size_t waiting_bytes;

    bool out;
    struct storage_batch batch;
    struct commit_op *ops[COMMIT_OPS_MAX]; /* in the batch */
    struct store_op *store_ops;
    struct queue_op *queue_ops;
};

struct commit *commit_create(struct region *region)
{
    struct commit *commit = memory_alloc(sizeof *commit);

    commit->lane_count = region->copy_count + 1;
    commit->lanes = memory_alloc(commit->lane_count * sizeof *commit->lanes);
    commit->store_ops = memory_alloc(COMMIT_OPS_MAX * sizeof *commit->store_ops);
    commit->queue_ops = memory_alloc(COMMIT_OPS_MAX * sizeof *commit->queue_ops);
    return commit;
}

void commit_free(struct commit *commit)
{
    if (!commit)
        return;
    free(commit->queue_ops);
    free(commit->store_ops);
    free(commit->lanes);
    free(commit);
}

bool commit_has_room(const struct region *region, size_t bytes)
{
    const struct commit *commit = region->commit;

    return commit->waiting < COMMIT_WAITING_MAX &&
           commit->waiting_bytes + bytes <= COMMIT_WAITING_BYTES_MAX;
}

static void add(struct commit *commit, size_t lane_index, struct commit_op *op, bool counted)
{
    struct lane *lane = &commit->lanes[lane_index];

    assert(op->done);
    op->next = NULL;
    if (lane->tail)
        lane->tail->next = op;
    else
        lane->head = op;
    lane->tail = op;
    op->counted = counted;
    if (!counted)
        return;
    commit->waiting++;
    commit->waiting_bytes += op->bytes;
}

/* Followers where the data may not lie get the digest: nobody there is to find out by trying. */
static void salt(struct region *region, struct store_write *write)
{
    if (residency_pins_records(region->config, write->service))
        secret_draw(&region->secret, write->salt, sizeof write->salt);
}

void commit_store(struct region *region, const struct copy *copy, struct commit_op *op)
{
    if (op->store.kind == STORE_OP_WRITE)
        salt(region, &op->store.write);
    /* Followers bound what they let wait themselves; it takes no client's place. */
    add(region->commit, copy->target, op, op->store.kind != STORE_OP_APPLY);
}

void commit_queue(struct region *region, struct commit_op *op)
{
    add(region->commit, region->copy_count, op,
        op->queue.kind == QUEUE_OP_ENQUEUE || op->queue.kind == QUEUE_OP_AUDIT);
}

static struct commit_op *take(struct commit *commit, struct lane *lane)
{
    struct commit_op *op = lane->head;

    lane->head = op->next;
    if (!lane->head)
        lane->tail = NULL;
    if (op->counted) {
        commit->waiting--;
        commit->waiting_bytes -= op->bytes;
    }
    return op;
}

/* The home may have moved while an operation waited. */
static bool may_run(const struct region *region, const struct copy *copy,
                    const struct commit_op *op)
{
    bool home = copies_becomes_home(region, copy);

    if (op->store.kind != STORE_OP_APPLY)
        return home || PLANTED(STALE_HOME);
    return !home || op->store.apply.epoch > copy->epoch;
}

static bool is_queue(const struct commit *commit, size_t lane_index)
{
    return lane_index == commit->lane_count - 1;
}

static size_t fill(struct region *region, size_t lane_index)
{
    struct commit *commit = region->commit;
    struct lane *lane = &commit->lanes[lane_index];
    bool queue = is_queue(commit, lane_index);
    size_t count = 0, bytes = 0;

    while (lane->head && count < COMMIT_OPS_MAX &&
           (count == 0 || bytes + lane->head->bytes <= COMMIT_BATCH_BYTES_MAX)) {
        struct commit_op *op = take(commit, lane);

        if (!queue && !may_run(region, &region->copies[lane_index], op)) {
            reach(MOVED_WHILE_WAITING);
            op->done(region, op, -ESTALE);
            continue;
        }
        if (queue)
            commit->queue_ops[count] = op->queue;
        else
            commit->store_ops[count] = op->store;
        commit->ops[count++] = op;
        bytes += op->bytes;
    }
    return count;
}

static void send_batch(struct region *region, size_t lane_index, size_t count)
{
    struct commit *commit = region->commit;
    bool queue = is_queue(commit, lane_index);

    commit->batch = (struct storage_batch){
        .target = queue ? STORAGE_QUEUE : (uint32_t)lane_index,
        .epoch = queue ? 0 : region->copies[lane_index].epoch,
        .wall_us = region->at.wall_us,
        .ops = queue ? NULL : commit->store_ops,
        .queue_ops = queue ? commit->queue_ops : NULL,
        .count = count,
        /* A full queue must not keep the probe from finding out that the disk has room again. */
        .limits = {.entries_max = region->settings.queue_max_entries + (region->writable ? 0 : 1),
                   .bytes_max = region->settings.queue_max_bytes,
                   .keep_settled_us = KEEP_SETTLED_US},
        .keep_keys_us = region->settings.queue_expiry_us + KEEP_KEYS_SLACK_US,
    };
    if (count > 1)
        reach(SHARED_COMMIT);
    commit->out = true;
    region->counters.batches++;
    outbox_commit(region->outbox, &commit->batch);
}

void commit_pump(struct region *region)
{
    struct commit *commit = region->commit;

    for (size_t i = 0; i < commit->lane_count && !commit->out; i++) {
        size_t lane_index = (commit->turn + i) % commit->lane_count;
        size_t count = fill(region, lane_index);

        if (count == 0)
            continue;
        commit->turn = (lane_index + 1) % commit->lane_count;
        send_batch(region, lane_index, count);
    }
}

/* First let the cache go of everything that changed, then show the new end. */
static void publish(struct region *region, struct copy *copy, size_t count)
{
    struct commit *commit = region->commit;
    const struct store_op *last = NULL;
    struct cache_key key;

    for (size_t i = 0; i < count; i++) {
        const struct store_op *op = &commit->store_ops[i];

        if (op->result != STORE_DONE || op->kind == STORE_OP_AUDIT)
            continue;
        if (!(PLANTED(STALE_CACHE) && op->kind == STORE_OP_APPLY) &&
            cache_key(copy->target, op->service, op->user, op->key, &key) == 0)
            cache_drop(region->cache, &key);
        if (strcmp(op->service, "auth") == 0)
            standing_drop(region, copy, op->user);
        data_keys_changed(region, copy, op->service, op->user);
        last = op;
        region->counters.committed++;
    }
    if (!last)
        return;
    copies_advance(copy, last->epoch, last->seq,
                   last->kind == STORE_OP_WRITE ? last->change_digest : last->apply.digest);
    feed_push(region, copy, commit->store_ops, count);
}

/* A batch that changed nothing says nothing about the disk. */
static bool has_written(const struct commit *commit, const struct storage_batch *batch)
{
    bool queue = batch->target == STORAGE_QUEUE;

    if (batch->error != 0)
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (queue ? commit->queue_ops[i].result == QUEUE_DONE
                  : commit->store_ops[i].result == STORE_DONE)
            return true;
    return false;
}

static void tell_owners(struct region *region, const struct storage_batch *batch)
{
    struct commit *commit = region->commit;
    bool queue = batch->target == STORAGE_QUEUE;
    int error = batch->error;
    size_t count = batch->count;

    for (size_t i = 0; i < count; i++) {
        struct commit_op *op = commit->ops[i];
        struct store_op *result = &commit->store_ops[i];

        if (queue)
            op->queue = commit->queue_ops[i];
        else
            op->store = *result;
        op->done(region, op, error);
        if (!queue)
            store_op_release(result);
    }
}

void commit_stored(struct region *region, struct storage_batch *batch)
{
    struct commit *commit = region->commit;
    struct copy *copy = NULL;

    assert(commit->out);
    assert(batch == &commit->batch);
    if (batch->error != 0 && batch->error != -ENOSPC) {
        /* What was in the batch has no known fate: nobody is answered, all connections close. */
        reach(STORAGE_STOPPED);
        region->stopped = true;
        outbox_stop(region->outbox, "storage failed; the fate of the last batch is not known");
        return;
    }
    commit->out = false;
    if (batch->target != STORAGE_QUEUE)
        copy = &region->copies[batch->target];
    if (batch->error == 0)
        audit_stored(region, batch);
    if (batch->error != 0 || has_written(commit, batch))
        probe_stored(region, batch->error);
    if (copy && batch->error == 0)
        publish(region, copy, batch->count);
    tell_owners(region, batch);
    if (copy)
        reading_wake(region, copy);
}

bool commit_cancel(struct region *region)
{
    struct commit *commit = region->commit;
    bool any = commit->out;

    for (size_t i = 0; commit->out && i < commit->batch.count; i++) {
        commit->ops[i]->done(region, commit->ops[i], -ECANCELED);
        if (commit->batch.target != STORAGE_QUEUE)
            store_op_release(&commit->store_ops[i]);
    }
    commit->out = false;
    for (size_t i = 0; i < commit->lane_count; i++) {
        while (commit->lanes[i].head) {
            struct commit_op *op = take(commit, &commit->lanes[i]);

            any = true;
            op->done(region, op, -ECANCELED);
        }
    }
    return any;
}
