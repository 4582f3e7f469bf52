/* Batches of unknown fate: what was in them, and what the files say of them in the end. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/watch_internal.h"

#define BYTES_MAX (64u * 1024 * 1024) /* of changes that are read at once: all */

/* ---- keeping ---- */

static struct store_write keep_write(struct arena *arena, const struct store_write *write)
{
    struct store_write copy = *write;

    copy.service = arena_text(arena, write->service);
    copy.user = arena_text(arena, write->user);
    copy.key = arena_text(arena, write->key);
    copy.value = (struct slice){arena_text_of(arena, write->value), write->value.size};
    copy.idempotency_key = arena_text(arena, write->idempotency_key ? write->idempotency_key : "");
    copy.receipt = arena_text(arena, write->receipt ? write->receipt : "");
    copy.content_type = copy.traceparent = "";
    copy.action = copy.session = copy.actor = NULL;
    if (write->seal) {
        struct store_seal *seal = arena_alloc(arena, sizeof(*seal));

        *seal = *write->seal;
        copy.seal = seal;
    }
    copy.revokes_session =
        write->revokes_session ? arena_text(arena, write->revokes_session) : NULL;
    return copy;
}

static struct store_op *keep_ops(struct arena *arena, const struct storage_batch *batch)
{
    struct store_op *ops = arena_alloc(arena, (batch->count + 1) * sizeof(*ops));

    for (size_t i = 0; i < batch->count; i++) {
        const struct store_op *op = &batch->ops[i];

        memset(&ops[i], 0, sizeof(ops[i]));
        ops[i].kind = op->kind;
        ops[i].result = STORE_NOT_RUN;
        if (op->kind == STORE_OP_WRITE) {
            ops[i].write = keep_write(arena, &op->write);
        } else if (op->kind == STORE_OP_APPLY) {
            ops[i].apply = op->apply;
            ops[i].apply.change = (struct slice){"", 0};
            ops[i].apply.digest = (const uint8_t *)arena_text_of(
                arena, (struct slice){(const char *)op->apply.digest, DIGEST_SIZE});
        }
    }
    return ops;
}

static struct queue_op *keep_queue_ops(struct arena *arena, const struct storage_batch *batch)
{
    struct queue_op *ops = arena_alloc(arena, (batch->count + 1) * sizeof(*ops));

    for (size_t i = 0; i < batch->count; i++) {
        const struct queue_entry *entry = &batch->queue_ops[i].entry;

        ops[i] = batch->queue_ops[i];
        ops[i].result = QUEUE_NOT_RUN;
        ops[i].entry.receipt = arena_text(arena, entry->receipt ? entry->receipt : "");
        ops[i].entry.user = arena_text(arena, entry->user ? entry->user : "");
        ops[i].entry.shard = arena_text(arena, entry->shard ? entry->shard : "");
        ops[i].entry.service = arena_text(arena, entry->service ? entry->service : "");
        ops[i].entry.idempotency_key =
            arena_text(arena, entry->idempotency_key ? entry->idempotency_key : "");
        ops[i].entry.position = arena_text(arena, entry->position ? entry->position : "");
        ops[i].entry.call = (struct slice){arena_text_of(arena, entry->call), entry->call.size};
        ops[i].entry.problem = arena_text(arena, entry->problem ? entry->problem : "");
    }
    return ops;
}

/* Refusals of queued writes may be on the disk with the rest. */
static void maybe_refused(struct watch *watch, uint32_t region, const struct storage_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct store_op *op = &batch->ops[i];
        struct watch_effort *effort;

        if (op->kind != STORE_OP_WRITE || !op->write.receipt || op->write.receipt[0] == '\0')
            continue;
        effort = watch_effort_of(watch, op->write.user, op->write.idempotency_key);
        if (effort)
            watch_effort_refused(watch, region, effort, false);
    }
}

void watch_batch_in_doubt(struct watch *watch, uint64_t now_us, uint32_t region,
                          const struct storage_batch *batch)
{
    struct watch_doubt *doubt = &watch->regions[region].doubt;
    bool queue = batch->target == STORAGE_QUEUE;

    (void)now_us;
    if (watch->breach.found)
        return;
    *doubt = (struct watch_doubt){.exists = true, .batch = *batch};
    doubt->batch.ops = queue ? NULL : keep_ops(watch->arena, batch);
    doubt->batch.queue_ops = queue ? keep_queue_ops(watch->arena, batch) : NULL;
    doubt->batch.context = NULL;
    if (queue)
        return;
    maybe_refused(watch, region, batch);
    doubt->home = watch->shards[batch->target].home;
    doubt->epoch = watch->shards[batch->target].epoch;
}

/* ---- a shard's ---- */

/* The end of one batch, against the changes that the file has behind what was known. */
struct resolution {
    struct watch *watch;
    uint64_t now_us;
    uint32_t region;
    const struct watch_doubt *doubt;
    struct store_change *changes;
    size_t count, taken;
};

static void report_torn(const struct resolution *resolution, const char *what)
{
    const struct watch_region *region = &resolution->watch->regions[resolution->region];

    watch_report(resolution->watch, resolution->now_us, WATCH_DURABLE,
                 "%s has only a part of a batch of %zu in its copy of %s: %zu changes, %s",
                 region->name, resolution->doubt->batch.count,
                 resolution->watch->shards[resolution->doubt->batch.target].name, resolution->count,
                 what);
}

static bool is_of(const Mec__Change *change, const struct store_write *write)
{
    return strcmp(change->service, write->service) == 0 && strcmp(change->user, write->user) == 0 &&
           strcmp(change->key, write->key) == 0 &&
           strcmp(change->idempotency_key, write->idempotency_key) == 0 &&
           strcmp(change->receipt, write->receipt) == 0;
}

static void resolve_write(struct resolution *resolution, const struct store_op *op)
{
    struct watch *watch = resolution->watch;
    const struct watch_doubt *doubt = resolution->doubt;
    const struct store_change *next = &resolution->changes[resolution->taken];
    Mec__Change *change = NULL;

    if (resolution->taken < resolution->count)
        change = mec__change__unpack(arena_allocator(watch->scratch), next->bytes.size,
                                     (const uint8_t *)next->bytes.data);
    if (change && is_of(change, &op->write)) {
        resolution->taken++;
        watch_write_change(watch, resolution->now_us, resolution->region, &doubt->batch, op, change,
                           next->digest);
    } else if (!watch->shards[doubt->batch.target].spoiled &&
               watch_write_must_run(watch, resolution->region, &doubt->batch, op)) {
        report_torn(resolution, "a write is missing");
    }
}

static void resolve_apply(struct resolution *resolution, const struct store_op *op)
{
    const struct store_change *next = &resolution->changes[resolution->taken];
    uint32_t shard = resolution->doubt->batch.target;

    if (resolution->taken == resolution->count || op->apply.seq != next->seq ||
        memcmp(op->apply.digest, next->digest, DIGEST_SIZE) != 0) {
        if (op->apply.seq ==
                resolution->watch->regions[resolution->region].copies[shard].end.seq + 1 &&
            resolution->taken < resolution->count)
            report_torn(resolution, "a change is missing");
        return;
    }
    resolution->taken++;
    watch_log_applied(resolution->watch, resolution->now_us, resolution->region, shard, next->epoch,
                      next->seq, next->digest);
}

static void resolve(struct resolution *resolution)
{
    const struct storage_batch *batch = &resolution->doubt->batch;

    for (size_t i = 0; i < batch->count && !resolution->watch->breach.found; i++) {
        if (batch->ops[i].kind == STORE_OP_WRITE)
            resolve_write(resolution, &batch->ops[i]);
        else if (batch->ops[i].kind == STORE_OP_APPLY)
            resolve_apply(resolution, &batch->ops[i]);
    }
    if (resolution->taken < resolution->count)
        report_torn(resolution, "and others than were in the batch");
}

/* The home has moved while the batch was in doubt: what it has done stays there and counts for
 * nothing. */
static bool is_overtaken(const struct watch *watch, const struct watch_doubt *doubt)
{
    const struct watch_shard *shard = &watch->shards[doubt->batch.target];

    return doubt->batch.count > 0 && doubt->batch.ops[0].kind != STORE_OP_APPLY &&
           (shard->home != doubt->home || shard->epoch != doubt->epoch);
}

static bool resolve_with(struct watch *watch, uint64_t now_us, uint32_t region,
                         struct store_reader *reader, uint64_t end_seq, struct arena *arena)
{
    struct watch_doubt *doubt = &watch->regions[region].doubt;
    uint64_t after_seq = watch->regions[region].copies[doubt->batch.target].end.seq;
    struct resolution resolution = {watch, now_us, region, doubt, NULL, end_seq - after_seq, 0};
    int count;

    resolution.changes = arena_alloc(arena, resolution.count * sizeof(struct store_change));
    count = store_reader_changes(reader, arena, after_seq, resolution.count, BYTES_MAX,
                                 resolution.changes);
    if (count < 0)
        return false;
    resolution.count = (size_t)count;
    arena_reset(watch->scratch);
    resolve(&resolution);
    return true;
}

bool watch_doubt_end_shard(struct watch *watch, uint64_t now_us, uint32_t region,
                           struct store_reader *reader, const struct store_end *end)
{
    struct watch_doubt *doubt = &watch->regions[region].doubt;
    struct watch_copy *copy = &watch->regions[region].copies[doubt->batch.target];
    struct arena *arena;
    bool done = true;

    if (is_overtaken(watch, doubt)) {
        copy->end = *end;
        copy->forked = true;
    } else {
        arena = arena_create();
        done = resolve_with(watch, now_us, region, reader, end->seq, arena);
        arena_free(arena);
    }
    return done;
}

/* ---- the queue's ---- */

/* What the file says about an operation: nothing either way, it has run, it has not. */
enum sign { SIGN_NONE, SIGN_DONE, SIGN_UNDONE, SIGN_UNREADABLE, SIGN_COUNT };

static bool has_key_before(const struct storage_batch *batch, size_t index)
{
    const struct queue_entry *entry = &batch->queue_ops[index].entry;

    for (size_t i = 0; i < index; i++)
        if (batch->queue_ops[i].kind == QUEUE_OP_ENQUEUE &&
            strcmp(batch->queue_ops[i].entry.user, entry->user) == 0 &&
            strcmp(batch->queue_ops[i].entry.idempotency_key, entry->idempotency_key) == 0)
            return true;
    return false;
}

static bool is_known(const struct watch *watch, uint32_t region, const struct queue_entry *entry)
{
    const struct watch_effort *effort;
    const struct watch_queued *queued;

    effort = watch_effort_of((struct watch *)(uintptr_t)watch, entry->user, entry->idempotency_key);
    for (queued = effort ? effort->queued : NULL; queued; queued = queued->next_of_effort)
        if (queued->region == region && !queued->lost)
            return true;
    return false;
}

/* A queue that is nearly full may have refused it. */
static bool may_be_full(const struct watch *watch, uint32_t region,
                        const struct storage_batch *batch)
{
    const struct watch_queue *queue = &watch->regions[region].queue;
    size_t bytes = queue->waiting_bytes;

    for (size_t i = 0; i < batch->count; i++)
        bytes += batch->queue_ops[i].entry.call.size;
    return queue->waiting_all + batch->count > batch->limits.entries_max ||
           bytes > batch->limits.bytes_max;
}

struct queue_resolution {
    struct watch *watch;
    uint32_t region;
    struct storage_batch *batch;
    struct queue_reader *reader;
    struct arena *arena;
};

static enum sign sign_of_enqueue(const struct queue_resolution *resolution, size_t index)
{
    struct queue_op *op = &resolution->batch->queue_ops[index];
    struct queue_entry found;
    int error = queue_reader_find(resolution->reader, resolution->arena, op->entry.receipt, &found);

    if (error == 0) {
        op->seq = found.seq;
        op->result = QUEUE_DONE;
        return SIGN_DONE;
    }
    if (error != -ENOENT)
        return SIGN_UNREADABLE;
    if (has_key_before(resolution->batch, index) ||
        is_known(resolution->watch, resolution->region, &op->entry) ||
        may_be_full(resolution->watch, resolution->region, resolution->batch))
        return SIGN_NONE;
    return SIGN_UNDONE;
}

static enum sign sign_of_move(const struct queue_resolution *resolution, size_t index)
{
    struct queue_op *op = &resolution->batch->queue_ops[index];
    const struct watch_queue *queue = &resolution->watch->regions[resolution->region].queue;
    const struct watch_queued *queued;
    struct queue_entry found;
    int error;

    if (op->entry.seq == 0 || op->entry.seq > queue->count)
        return SIGN_NONE;
    queued = queue->entries[op->entry.seq - 1];
    op->result = queued->state == QUEUE_QUEUED ? QUEUE_DONE : QUEUE_ENDED;
    if (op->result != QUEUE_DONE || (op->kind == QUEUE_OP_ATTEMPT && queued->attempted))
        return SIGN_NONE;
    error = queue_reader_find(resolution->reader, resolution->arena, queued->receipt, &found);
    if (error != 0) /* or it is gone, which others will find */
        return error == -ENOENT ? SIGN_NONE : SIGN_UNREADABLE;
    if (op->kind == QUEUE_OP_ATTEMPT)
        return found.attempted ? SIGN_DONE : SIGN_UNDONE;
    return found.state == QUEUE_QUEUED ? SIGN_UNDONE : SIGN_DONE;
}

static enum sign sign_of(const struct queue_resolution *resolution, size_t index)
{
    switch (resolution->batch->queue_ops[index].kind) {
    case QUEUE_OP_ENQUEUE:
        return sign_of_enqueue(resolution, index);
    case QUEUE_OP_ATTEMPT:
    case QUEUE_OP_SETTLE:
        return sign_of_move(resolution, index);
    default: /* what is noted beside the queue */
        return SIGN_NONE;
    }
}

bool watch_doubt_end_queue(struct watch *watch, uint64_t now_us, uint32_t region,
                           struct queue_reader *reader)
{
    struct storage_batch *batch = &watch->regions[region].doubt.batch;
    struct queue_resolution resolution = {watch, region, batch, reader, arena_create()};
    size_t signs[SIGN_COUNT] = {0};

    for (size_t i = 0; i < batch->count; i++) {
        signs[sign_of(&resolution, i)]++;
    }
    arena_free(resolution.arena);
    if (signs[SIGN_UNREADABLE] > 0)
        return false;
    if (signs[SIGN_DONE] > 0 && signs[SIGN_UNDONE] > 0)
        watch_report(watch, now_us, WATCH_DURABLE,
                     "%s has only a part of a batch of %zu in its queue: %zu did, %zu did not",
                     watch->regions[region].name, batch->count, signs[SIGN_DONE],
                     signs[SIGN_UNDONE]);
    else if (signs[SIGN_DONE] > 0)
        watch_queue_batch(watch, now_us, region, batch);
    return true;
}
