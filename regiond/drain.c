#include "regiond/drain.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/problem.h"
#include "common/reach.h"
#include "regiond/drain_window.h"
#include "regiond/forward.h"

#define BACKOFF_US_MIN    (50 * MILLISECOND_US)
#define BACKOFF_US_MAX    (2 * SECOND_US)
#define BURST_US          (20 * MILLISECOND_US) /* what an idle drain may catch up at once */
#define SWEEP_INTERVAL_US SECOND_US
#define COUNT_PAGE        64

struct drain {
    struct drain_window window;
    struct drain_stats stats;
    uint64_t next_send_us; /* by the rate */
    struct deadline pump;
    struct deadline sweep;
};

/* ---- how an entry ends ---- */

static void on_settled(struct region *region, struct commit_op *op, int error)
{
    struct drain_entry *entry = OWNER_OF(op, struct drain_entry, op);
    struct drain_stats *stats = &region->drain->stats;

    if (error < 0) {
        reach(DRAIN_END_NOT_WRITTEN);
        entry->state = DRAIN_UNSETTLED;
        return;
    }
    if (op->queue.result == QUEUE_DONE && drain_window_is_of_a_user(entry)) {
        stats->waiting--;
        stats->applied += entry->outcome == QUEUE_APPLIED;
        stats->rejected += entry->outcome == QUEUE_REJECTED;
        stats->expired += entry->outcome == QUEUE_EXPIRED;
    }
    drain_window_remove(&region->drain->window, entry);
}

static void settle(struct region *region, struct drain_entry *entry)
{
    entry->state = DRAIN_SETTLING;
    entry->op.bytes = 256;
    entry->op.done = on_settled;
    entry->op.queue = (struct queue_op){
        .kind = QUEUE_OP_SETTLE,
        .entry = {.seq = entry->seq,
                  .receipt = "",
                  .user = "",
                  .shard = "",
                  .service = "",
                  .idempotency_key = "",
                  .state = entry->outcome,
                  .settled_wall_us = region->at.wall_us,
                  .position = entry->position,
                  .problem = entry->problem,
                  .detail = entry->detail},
    };
    commit_queue(region, &entry->op);
}

static void settle_applied(struct region *region, struct drain_entry *entry,
                           const Mec__Position *at)
{
    struct position position = {.epoch = at ? at->epoch : 0, .seq = at ? at->seq : 0};

    snprintf(position.shard, sizeof position.shard, "%s", entry->copy->shard);
    position_print(&position, entry->position);
    entry->outcome = QUEUE_APPLIED;
    settle(region, entry);
}

static void settle_refused(struct region *region, struct drain_entry *entry,
                           enum queue_state outcome, const char *problem, const char *detail)
{
    snprintf(entry->problem, sizeof entry->problem, "%s", problem);
    snprintf(entry->detail, sizeof entry->detail, "%s", detail);
    entry->outcome = outcome;
    settle(region, entry);
}

/* ---- sending ---- */

/* Not now: later, and with the first failure after a pause, twice as late as the last time. */
static void put_off(struct region *region, struct drain_entry *entry)
{
    struct drain_shard *shard = &entry->copy->drain;

    reach(DRAIN_PUT_OFF);
    drain_window_put_back(&region->drain->window, entry);
    if (region->at.now_us < shard->retry_at_us)
        return;
    if (shard->backoff_us)
        reach(DRAIN_BACKED_OFF);
    shard->backoff_us = shard->backoff_us ? shard->backoff_us * 2 : BACKOFF_US_MIN;
    if (shard->backoff_us > BACKOFF_US_MAX)
        shard->backoff_us = BACKOFF_US_MAX;
    shard->retry_at_us = region->at.now_us + shard->backoff_us;
}

static void on_answered(struct region *region, void *context, int error, const Mec__Answer *answer)
{
    struct drain_entry *entry = context;

    region->drain->stats.in_flight--;
    if (PLANTED(APPLIED_TOO_EARLY) && error == -ETIMEDOUT) {
        settle_applied(region, entry, NULL);
        return;
    }
    if (error < 0 || answer->verdict != MEC__VERDICT__FINAL || answer->status >= 500 ||
        answer->status == 429 || answer->status == 408 || answer->status < 200) {
        if (answer && problem_find(answer->problem) == PROBLEM_SERVICE_UNAVAILABLE)
            reach(DRAIN_SERVICE_DOWN);
        put_off(region, entry);
        return;
    }
    entry->copy->drain.backoff_us = 0;
    entry->copy->drain.retry_at_us = 0;
    if (answer->status < 300) {
        reach(DRAIN_APPLIED);
        settle_applied(region, entry, answer->position);
    } else if (problem_find(answer->problem) == PROBLEM_EXPIRED) {
        reach(DRAIN_EXPIRED_AT_HOME);
        settle_refused(region, entry, QUEUE_EXPIRED, answer->problem, answer->detail);
    } else {
        reach(DRAIN_REJECTED);
        settle_refused(region, entry, QUEUE_REJECTED, answer->problem, answer->detail);
    }
}

static void send(struct region *region, struct drain_entry *entry)
{
    if (entry->copy->home_peer == region->self)
        reach(DRAIN_HOME_IS_HERE);
    entry->state = DRAIN_SENT;
    forward_packed(region, entry->copy->home_peer, entry->call, entry->call_size, on_answered,
                   entry);
}

static void on_marked(struct region *region, struct commit_op *op, int error)
{
    struct drain_entry *entry = OWNER_OF(op, struct drain_entry, op);

    if (error < 0) {
        reach(DRAIN_NOT_MARKED);
        region->drain->stats.in_flight--;
        put_off(region, entry);
        return;
    }
    entry->attempted = true;
    send(region, entry);
}

static void mark_and_send(struct region *region, struct drain_entry *entry)
{
    entry->state = DRAIN_MARKING;
    entry->op.bytes = 64;
    entry->op.done = on_marked;
    entry->op.queue = (struct queue_op){.kind = QUEUE_OP_ATTEMPT,
                                        .entry = {.seq = entry->seq,
                                                  .receipt = "",
                                                  .user = "",
                                                  .shard = "",
                                                  .service = "",
                                                  .idempotency_key = "",
                                                  .position = "",
                                                  .problem = "",
                                                  .detail = ""}};
    commit_queue(region, &entry->op);
}

static bool may_send(const struct region *region, const struct copy *copy)
{
    return copy->drain.ready && forward_reaches(region, copy->home_peer) &&
           copy->drain.retry_at_us <= region->at.now_us &&
           region->drain->stats.in_flight < DRAIN_IN_FLIGHT_MAX &&
           region->drain->next_send_us <= region->at.now_us;
}

static void pump_shard(struct region *region, struct copy *copy)
{
    struct drain *drain = region->drain;
    uint64_t cost_us = SECOND_US / region->settings.queue_drain_per_s;

    while (may_send(region, copy)) {
        struct drain_entry *entry = drain_window_take(&drain->window, copy);

        if (drain->next_send_us + BURST_US < region->at.now_us)
            drain->next_send_us = region->at.now_us - BURST_US;
        drain->next_send_us += cost_us;
        drain->stats.in_flight++;
        if (entry->attempted) {
            reach(DRAIN_TRIED_AGAIN);
            send(region, entry);
        } else {
            mark_and_send(region, entry);
        }
    }
}

/* When time alone will let something go. */
static uint64_t next_try_us(const struct region *region)
{
    const struct drain *drain = region->drain;
    uint64_t next_us = NEVER_US;

    if (drain->stats.in_flight >= DRAIN_IN_FLIGHT_MAX)
        return NEVER_US;
    for (size_t i = 0; i < region->copy_count; i++) {
        const struct copy *copy = &region->copies[i];
        uint64_t at_us = copy->drain.retry_at_us;

        if (!copy->drain.ready || !forward_reaches(region, copy->home_peer))
            continue;
        if (at_us < drain->next_send_us)
            at_us = drain->next_send_us;
        if (at_us < next_us)
            next_us = at_us;
    }
    return next_us;
}

void drain_pump(struct region *region)
{
    struct drain *drain = region->drain;
    struct drain_window *window = &drain->window;

    if (!window->complete && window->count < DRAIN_WINDOW_MAX / 2 &&
        window->bytes < DRAIN_WINDOW_BYTES_MAX / 2 && drain_window_load(region, window) < 0)
        outbox_log(region->outbox, "the queue cannot be read");
    if (window->count > 0 && drain->sweep.slot == 0)
        deadlines_set(&region->deadlines, &drain->sweep, region->at.now_us + SWEEP_INTERVAL_US);
    if (window->ready_count == 0)
        return;
    for (size_t i = 0; i < region->copy_count; i++)
        pump_shard(region, &region->copies[i]);
    deadlines_set(&region->deadlines, &drain->pump, next_try_us(region));
}

/* ---- what time brings ---- */

static bool is_idle(const struct drain_entry *entry)
{
    return entry->state == DRAIN_BLOCKED || entry->state == DRAIN_READY;
}

/* Does only the home know what became of it? */
static bool is_in_doubt(const struct drain_entry *entry)
{
    return entry->attempted && !PLANTED(EXPIRED_THOUGH_SENT);
}

/* An entry that was never sent may expire here; one that was, only its home can end. */
void drain_sweep(struct region *region)
{
    struct drain_window *window = &region->drain->window;
    struct drain_entry *entry;

    DL_FOREACH(window->entries, entry)
    {
        if (entry->state == DRAIN_UNSETTLED) {
            reach(DRAIN_END_WRITTEN_LATER);
            settle(region, entry);
        } else if (!is_idle(entry) || entry->expires_wall_us > region->at.wall_us) {
            continue;
        } else if (is_in_doubt(entry)) {
            reach(DRAIN_KEPT_PAST_ITS_TIME);
        } else {
            reach(DRAIN_EXPIRED);
            if (entry->state == DRAIN_READY) {
                DL_DELETE2(entry->copy->drain.ready, entry, ready_prev, ready_next);
                window->ready_count--;
            }
            settle_refused(region, entry, QUEUE_EXPIRED, problem_get(PROBLEM_EXPIRED)->type,
                           "The home could not be reached in time.");
        }
    }
}

void drain_retry(struct region *region)
{
    for (size_t i = 0; i < region->copy_count; i++) {
        region->copies[i].drain.retry_at_us = 0;
        region->copies[i].drain.backoff_us = 0;
    }
}

/* ---- accepting, marks, counts ---- */

void drain_accepted(struct region *region, const struct queue_entry *entry)
{
    struct copy *copy = copies_find(region, entry->shard);

    assert(copy);
    region->drain->stats.waiting++;
    region->drain->stats.accepted++;
    if (entry->seq > copy->drain.accepted_seq)
        copy->drain.accepted_seq = entry->seq;
    drain_window_add(region, &region->drain->window, entry);
}

/* Every entry of @copy up to here has ended. */
static uint64_t settled_seq(const struct drain_window *window, const struct copy *copy)
{
    const struct drain_entry *entry;

    DL_FOREACH(window->entries, entry)
    if (entry->copy == copy)
        return entry->seq - 1;
    if (window->complete || copy->drain.accepted_seq < window->through_seq)
        return copy->drain.accepted_seq;
    return window->through_seq;
}

size_t drain_marks(struct region *region, Mec__QueueMark ***ret_marks)
{
    Mec__QueueMark **marks = arena_alloc(region->scratch, region->copy_count * sizeof *marks);
    size_t count = 0;

    for (size_t i = 0; i < region->copy_count; i++) {
        struct copy *copy = &region->copies[i];
        Mec__QueueMark *mark;

        if (copy->drain.accepted_seq == 0)
            continue;
        mark = arena_alloc(region->scratch, sizeof *mark);
        mec__queue_mark__init(mark);
        mark->shard = copy->shard;
        mark->accepted_seq = copy->drain.accepted_seq;
        mark->settled_seq = settled_seq(&region->drain->window, copy);
        marks[count++] = mark;
    }
    *ret_marks = marks;
    return count;
}

struct drain_stats drain_stats(const struct region *region)
{
    const struct drain *drain = region->drain;
    struct drain_stats stats = drain->stats;

    if (drain->window.entries && drain->window.entries->accepted_wall_us < region->at.wall_us)
        stats.oldest_us = region->at.wall_us - drain->window.entries->accepted_wall_us;
    return stats;
}

/* What waits from before this start: only counted, a page at a time. */
static int count_waiting(struct region *region, uint64_t *ret_count)
{
    struct arena *arena = arena_create();
    struct queue_entry page[COUNT_PAGE];
    uint64_t after_seq = 0, total = 0;
    int count;

    do {
        arena_reset(arena);
        count = queue_reader_waiting(region->queue_reader, arena, after_seq, COUNT_PAGE, page);
        if (count <= 0)
            break;
        for (int i = 0; i < count; i++)
            total += page[i].user[0] != '\0';
        after_seq = page[count - 1].seq;
    } while (count == COUNT_PAGE);
    arena_free(arena);
    if (count < 0)
        return count;
    *ret_count = total;
    return 0;
}

int drain_create(struct region *region, struct drain **ret_drain)
{
    struct drain *drain = memory_alloc(sizeof *drain);
    int r = count_waiting(region, &drain->stats.waiting);

    for (size_t i = 0; i < region->copy_count && r == 0; i++)
        r = queue_reader_last_seq(region->queue_reader, region->copies[i].shard,
                                  &region->copies[i].drain.accepted_seq);
    if (r == 0)
        r = drain_window_load(region, &drain->window);
    if (r < 0) {
        drain_free(drain);
        return r;
    }
    drain->pump.kind = DUE_PUMP;
    drain->sweep.kind = DUE_SWEEP;
    *ret_drain = drain;
    return 0;
}

void drain_free(struct drain *drain)
{
    if (!drain)
        return;
    drain_window_free(&drain->window);
    free(drain);
}
