/* The queues: what is durable in each, in what order it comes home, how it ends. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/moment.h"
#include "sim/watch_internal.h"

#define ENTRIES_MAX_DEFAULT 100000u /* as in regiond/region.c, where a setting is 0 */

struct watch_queued *watch_queue_find(const struct watch *watch, const char *receipt)
{
    struct watch_queued *queued = NULL;

    if (receipt && receipt[0] != '\0')
        HASH_FIND_STR(watch->receipts, receipt, queued);
    return queued;
}

bool watch_queue_may_forget(const struct watch *watch, const struct watch_queued *queued)
{
    const struct watch_queue *queue = &watch->regions[queued->region].queue;

    return queued->lost ||
           (queued->state != QUEUE_QUEUED &&
            queued->settled_wall_us + 3600 * SECOND_US <= queue->wall_us_max + SECOND_US);
}

/* The entry of @seq in the region's present file; NULL. */
static struct watch_queued *entry_of(const struct watch_queue *queue, uint64_t seq)
{
    return seq >= 1 && seq <= queue->count ? queue->entries[seq - 1] : NULL;
}

/* ---- accepting ---- */

static struct watch_queued *known_of(const struct watch *watch, const struct watch_effort *effort,
                                     uint32_t region)
{
    struct watch_queued *queued = effort ? effort->queued : NULL;

    while (queued && (queued->region != region || watch_queue_may_forget(watch, queued)))
        queued = queued->next_of_effort;
    return queued;
}

/* Those that will be delivered with it: no token comes to rest on a disk. */
static const struct token_claims *read_claims(struct watch *watch, struct slice packed)
{
    struct token_claims *claims;
    Mec__Call *call;

    arena_reset(watch->scratch);
    call = mec__call__unpack(arena_allocator(watch->scratch), packed.size,
                             (const uint8_t *)packed.data);
    if (!call || !call->claims)
        return NULL;
    claims = arena_alloc(watch->arena, sizeof(*claims));
    *claims = (struct token_claims){.generation = call->claims->generation};
    snprintf(claims->user, sizeof(claims->user), "%s", call->claims->user);
    snprintf(claims->shard, sizeof(claims->shard), "%s", call->claims->shard);
    snprintf(claims->session, sizeof(claims->session), "%s", call->claims->session);
    return claims;
}

static struct watch_queued *make_queued(struct watch *watch, uint32_t region,
                                        const struct queue_op *op)
{
    const struct queue_entry *entry = &op->entry;
    struct watch_queued *queued = arena_alloc(watch->arena, sizeof(*queued));

    *queued = (struct watch_queued){
        .effort = watch_effort_of(watch, entry->user, entry->idempotency_key),
        .receipt = arena_text(watch->arena, entry->receipt),
        .user = arena_text(watch->arena, entry->user),
        .service = arena_text(watch->arena, entry->service),
        .claims = read_claims(watch, entry->call),
        .region = region,
        .shard = watch_find(watch, entry->shard),
        .seq = op->seq,
        .bytes = entry->call.size,
        .state = QUEUE_QUEUED,
        .attempted = entry->attempted,
        .position = "",
        .problem = "",
    };
    for (size_t i = 0; i < PLAN_ROUTERS_MAX; i++)
        queued->told_us[i] = NEVER_US;
    memcpy(queued->request_digest, entry->request_digest, sizeof(queued->request_digest));
    return queued;
}

static bool is_of_user(const struct watch_queued *queued)
{
    return queued->user[0] != '\0';
}

static void add(struct watch *watch, struct watch_queued *queued)
{
    struct watch_queue *queue = &watch->regions[queued->region].queue;

    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? 2 * queue->capacity : 64;
        queue->entries = memory_grow(queue->entries, queue->capacity * sizeof(queued));
    }
    queue->entries[queue->count++] = queued;
    DL_APPEND2(queue->waiting, queued, previous, next);
    queue->waiting_all++;
    queue->waiting_count += is_of_user(queued);
    queue->waiting_bytes += queued->bytes;
    HASH_ADD_KEYPTR(hh, watch->receipts, queued->receipt, (unsigned)strlen(queued->receipt),
                    queued);
    if (queued->effort) {
        queued->next_of_effort = queued->effort->queued;
        queued->effort->queued = queued;
    }
}

static void check_bounds(struct watch *watch, uint64_t now_us, uint32_t region,
                         const struct storage_batch *batch)
{
    const Mec__Settings *settings = &watch->plan->settings;
    const struct watch_queue *queue = &watch->regions[region].queue;
    size_t entries_max =
        settings->queue_max_entries ? settings->queue_max_entries : ENTRIES_MAX_DEFAULT;

    /* While its disk takes no writes, a region leaves room for an entry of its own. */
    if (queue->waiting_all > batch->limits.entries_max || queue->waiting_count > entries_max + 1 ||
        queue->waiting_bytes > batch->limits.bytes_max)
        watch_report(watch, now_us, WATCH_QUEUE_BOUNDED,
                     "the queue of %s holds %zu entries, %zu bytes; %zu and %zu are allowed",
                     watch->regions[region].name, queue->waiting_all, queue->waiting_bytes,
                     batch->limits.entries_max, batch->limits.bytes_max);
}

/* What is sensitive is never put off. */
static void check_may_wait(struct watch *watch, uint64_t now_us, uint32_t region,
                           const struct queue_op *op)
{
    const Mec__Call *call;

    arena_reset(watch->scratch);
    call = mec__call__unpack(arena_allocator(watch->scratch), op->entry.call.size,
                             (const uint8_t *)op->entry.call.data);
    if (!call || call->operation == MEC__OPERATION__OPERATION_NONE ||
        call->operation == MEC__OPERATION__METADATA_PUT ||
        call->operation == MEC__OPERATION__METADATA_DELETE)
        return;
    watch_report(watch, now_us, WATCH_FAILS_CLOSED, "%s queues operation %d of %s as %s",
                 watch->regions[region].name, (int)call->operation, op->entry.user,
                 op->entry.receipt);
}

static void enqueued(struct watch *watch, uint64_t now_us, uint32_t region,
                     const struct storage_batch *batch, const struct queue_op *op)
{
    struct watch_queue *queue = &watch->regions[region].queue;
    struct watch_effort *effort = watch_effort_of(watch, op->entry.user, op->entry.idempotency_key);
    const struct watch_queued *known = known_of(watch, effort, region);

    if (op->seq != queue->count + 1) {
        watch_report(watch, now_us, WATCH_QUEUE_ORDER,
                     "%s gives number %" PRIu64 " in its queue behind %zu",
                     watch->regions[region].name, op->seq, queue->count);
        return;
    }
    if (known)
        watch_report(watch, now_us, WATCH_ONE_EFFECT, "%s accepts key %s again, as %s behind %s",
                     watch->regions[region].name, op->entry.idempotency_key, op->entry.receipt,
                     known->receipt);
    check_may_wait(watch, now_us, region, op);
    add(watch, make_queued(watch, region, op));
    check_bounds(watch, now_us, region, batch);
}

static void replayed(struct watch *watch, uint64_t now_us, uint32_t region,
                     const struct queue_op *op)
{
    const struct watch_queued *queued = watch_queue_find(watch, op->replayed_receipt);

    if (!queued || queued->region != region || queued->lost || queued->state != op->replayed_state)
        watch_report(watch, now_us, WATCH_RECEIPT_TRUE, "%s gives receipt %s again as %s, it is %s",
                     watch->regions[region].name, op->replayed_receipt,
                     queue_state_name(op->replayed_state),
                     queued ? queue_state_name(queued->state) : "none of its own");
}

/* ---- ending ---- */

static bool is_effect(const struct watch_entry *effect, const struct watch_queued *queued,
                      const struct position *position)
{
    return effect && effect->epoch == position->epoch && effect->seq == position->seq &&
           memcmp(effect->request_digest, queued->request_digest, sizeof(queued->request_digest)) ==
               0;
}

static void check_applied(struct watch *watch, uint64_t now_us, const struct watch_queued *queued)
{
    const struct watch_effort *effort = queued->effort;
    struct position position = {.shard = ""};

    if (!effort || position_parse(slice_of(queued->position), &position) < 0 ||
        !(is_effect(effort->effect, queued, &position) ||
          is_effect(effort->given_up, queued, &position)))
        watch_report(watch, now_us, WATCH_RECEIPT_TRUE,
                     "receipt %s ends as applied at %s, where its effect is not", queued->receipt,
                     queued->position);
}

static void check_not_applied(struct watch *watch, uint64_t now_us,
                              const struct watch_queued *queued)
{
    const struct watch_effort *effort = queued->effort;
    const struct watch_entry *effect = effort ? effort->effect : NULL;

    if (!effect ||
        memcmp(effect->request_digest, queued->request_digest, sizeof(queued->request_digest)) != 0)
        return;
    if (effect->queued == queued || (effort->attempts <= 1 && queued->told))
        watch_report(watch, now_us, WATCH_RECEIPT_TRUE,
                     "receipt %s ends as %s, and has had its effect: %" PRIu64 ".%" PRIu64,
                     queued->receipt, queue_state_name(queued->state), effect->epoch, effect->seq);
}

static void settled(struct watch *watch, uint64_t now_us, struct watch_queue *queue,
                    struct watch_queued *queued, const struct queue_op *op, uint64_t wall_us)
{
    DL_DELETE2(queue->waiting, queued, previous, next);
    queue->waiting_all--;
    queue->waiting_count -= is_of_user(queued);
    queue->waiting_bytes -= queued->bytes;
    queued->state = op->entry.state;
    queued->ended_us = now_us;
    queued->settled_wall_us = wall_us;
    queued->position = arena_text(watch->arena, op->entry.position);
    queued->problem = arena_text(watch->arena, op->entry.problem);
    if (!is_of_user(queued) || queued->shard == PLAN_NONE || watch->shards[queued->shard].spoiled)
        return;
    if (queued->state == QUEUE_APPLIED)
        check_applied(watch, now_us, queued);
    else
        check_not_applied(watch, now_us, queued);
    if (queued->state == QUEUE_REJECTED && strcmp(queued->problem, "forbidden") == 0)
        watch_sessions_forbidden(watch, now_us, queued);
}

static void moved_on(struct watch *watch, uint64_t now_us, uint32_t region,
                     const struct storage_batch *batch, const struct queue_op *op)
{
    struct watch_queue *queue = &watch->regions[region].queue;
    struct watch_queued *queued = entry_of(queue, op->entry.seq);
    bool waits = queued && queued->state == QUEUE_QUEUED;

    if (waits != (op->result == QUEUE_DONE)) {
        watch_report(watch, now_us, WATCH_RECEIPT_ENDS_ONCE,
                     "%s %s its number %" PRIu64 ", which is %s", watch->regions[region].name,
                     op->result == QUEUE_DONE ? "moves on" : "takes for ended", op->entry.seq,
                     queued ? queue_state_name(queued->state) : "not there");
        return;
    }
    if (!waits)
        return;
    if (op->kind == QUEUE_OP_ATTEMPT)
        queued->attempted = true;
    else
        settled(watch, now_us, queue, queued, op, batch->wall_us);
}

/* ---- batches ---- */

void watch_queue_batch(struct watch *watch, uint64_t now_us, uint32_t region,
                       const struct storage_batch *batch)
{
    struct watch_queue *queue = &watch->regions[region].queue;

    for (size_t i = 0; i < batch->count && !watch->breach.found; i++) {
        const struct queue_op *op = &batch->queue_ops[i];

        if (op->kind == QUEUE_OP_AUDIT || op->kind == QUEUE_OP_HEAD)
            continue;
        if (op->kind != QUEUE_OP_ENQUEUE)
            moved_on(watch, now_us, region, batch, op);
        else if (op->result == QUEUE_DONE)
            enqueued(watch, now_us, region, batch, op);
        else if (op->result == QUEUE_REPLAYED)
            replayed(watch, now_us, region, op);
    }
    if (batch->wall_us > queue->wall_us_max)
        queue->wall_us_max = batch->wall_us;
}

void watch_queue_lost(struct watch *watch, uint64_t now_us, uint32_t region)
{
    struct watch_queue *queue = &watch->regions[region].queue;

    (void)now_us;
    for (size_t i = 0; i < queue->count; i++)
        queue->entries[i]->lost = true;
    free(queue->entries);
    *queue = (struct watch_queue){0};
}

/* ---- order ---- */

/* A queued write comes home only when those before it have ended, for good and on disk. */
static void check_behind(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    const struct watch_queued *queued = entry->queued;
    const struct watch_queued *earlier = watch->regions[queued->region].queue.waiting;

    if (queued->lost)
        return;
    for (; earlier && earlier->seq < queued->seq; earlier = earlier->next)
        if (strcmp(earlier->user, queued->user) == 0 &&
            strcmp(earlier->service, queued->service) == 0)
            watch_report(watch, now_us, WATCH_QUEUE_ORDER,
                         "%s/%s version %" PRIu64 " is the effect of number %" PRIu64
                         " in the queue of %s, and %" PRIu64 " of the same user still waits",
                         entry->key->user, entry->key->key, entry->version, queued->seq,
                         watch->regions[queued->region].name, earlier->seq);
}

/* A router that has just started may not know whose writes wait, where a region is away. */
static bool router_may_have_forgotten(const struct watch *watch, uint64_t now_us, uint32_t router)
{
    for (size_t i = 0; i < watch->plan->fault_count; i++) {
        const struct plan_fault *fault = &watch->plan->faults[i];

        if (fault->at_us <= now_us &&
            ((fault->kind == PLAN_FAULT_KILL_ROUTER && fault->amount == router) ||
             (fault->kind == PLAN_FAULT_CRASH_ROUTER && fault->other == router)))
            return true;
    }
    return false;
}

/* A write that came directly must not overtake one that had been accepted before it was asked, by
 * the router that both went through. */
static void check_overtaken(struct watch *watch, uint64_t now_us, const struct watch_entry *entry,
                            const struct watch_queued *earlier)
{
    const struct watch_effort *effort = entry->effort;

    for (; earlier; earlier = earlier->next) {
        if (strcmp(earlier->user, entry->key->user) != 0 ||
            strcmp(earlier->service, entry->key->service) != 0 || earlier->effort == effort ||
            (earlier->effort && earlier->effort->effect))
            continue;
        if (earlier->told_us[effort->router] < effort->first_asked_us &&
            !router_may_have_forgotten(watch, now_us, effort->router))
            watch_report(watch, now_us, WATCH_QUEUE_ORDER,
                         "%s/%s version %" PRIu64 " was asked for after number %" PRIu64
                         " had been accepted by %s, and overtakes it",
                         entry->key->user, entry->key->key, entry->version, earlier->seq,
                         watch->regions[earlier->region].name);
    }
}

void watch_queue_order(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    const struct watch_effort *effort = entry->effort;

    if (entry->queued) {
        check_behind(watch, now_us, entry);
        return;
    }
    if (!effort || effort->attempts == 0 || effort->router == PLAN_NONE)
        return;
    for (size_t i = 0; i < watch->region_count; i++)
        check_overtaken(watch, now_us, entry, watch->regions[i].queue.waiting);
}

void watch_queue_free(struct watch *watch)
{
    HASH_CLEAR(hh, watch->receipts);
    for (size_t i = 0; i < watch->region_count; i++)
        free(watch->regions[i].queue.entries);
}
