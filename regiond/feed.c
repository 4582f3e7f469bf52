#include "regiond/feed.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/announce.h"
#include "regiond/audit.h"

#define TAIL_CHANGES_MAX 512
#define TAIL_BYTES_MAX   (256u * 1024)

struct subscription {
    struct subscription *next;
    uint64_t connection;
    uint64_t id;
    const struct copy *copy;
};

struct feed {
    struct subscription *list;
    size_t count;
    struct deadline heartbeat;
};

static void tail_init(const struct region *region, const struct copy *copy, uint64_t after_seq,
                      Mec__Tail *ret_tail)
{
    mec__tail__init(ret_tail);
    ret_tail->shard = (char *)copy->shard;
    ret_tail->epoch = copy->epoch;
    ret_tail->last_seq = copy->visible.seq;
    ret_tail->wall_us = region->at.wall_us;
    ret_tail->after_seq = after_seq;
    ret_tail->not_home = !copies_is_home(region, copy);
}

/* Room for @count changes in @tail, in the step's arena. */
static Mec__StoredChange *tail_reserve(struct region *region, Mec__Tail *tail, size_t count)
{
    Mec__StoredChange *changes = arena_alloc(region->scratch, count * sizeof *changes);

    tail->changes = arena_alloc(region->scratch, count * sizeof(Mec__StoredChange *));
    for (size_t i = 0; i < count; i++) {
        mec__stored_change__init(&changes[i]);
        tail->changes[i] = &changes[i];
    }
    return changes;
}

static void set_change(Mec__StoredChange *change, uint64_t seq, const void *bytes, size_t size,
                       const uint8_t *digest)
{
    change->seq = seq;
    change->change = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)bytes};
    change->digest =
        (ProtobufCBinaryData){.len = DIGEST_SIZE, .data = (uint8_t *)(uintptr_t)digest};
}

/* Put what the log has behind tail->after_seq into @tail. Only what is visible: the file may be a
 * batch ahead, and that batch is pushed when it is known to be durable. */
static int tail_read(struct region *region, const struct copy *copy, size_t changes_max,
                     size_t bytes_max, Mec__Tail *tail)
{
    uint64_t behind = 0;
    struct store_change *read;
    Mec__StoredChange *changes;
    int count;

    if (tail->not_home)
        return 0;
    if (copy->visible.seq > tail->after_seq)
        behind = copy->visible.seq - tail->after_seq;
    if (behind < changes_max)
        changes_max = (size_t)behind;
    if (changes_max == 0)
        return 0;
    read = arena_alloc(region->scratch, changes_max * sizeof *read);
    count = store_reader_changes(copy->reader, region->scratch, tail->after_seq, changes_max,
                                 bytes_max, read);
    if (count < 0)
        return count;
    changes = tail_reserve(region, tail, (size_t)count);
    for (size_t i = 0; i < (size_t)count; i++)
        set_change(&changes[i], read[i].seq, read[i].bytes.data, read[i].bytes.size,
                   read[i].digest);
    tail->n_changes = (size_t)count;
    region->counters.fetched_changes += (size_t)count;
    return 0;
}

/* Answer an ask with @tail and a range of the log. A log that cannot be read is not sent on: the
 * asker connects again. */
static void answer_range(struct region *region, uint64_t connection, uint64_t id,
                         const struct copy *copy, size_t changes_max, size_t bytes_max,
                         Mec__Tail *tail)
{
    if (tail_read(region, copy, changes_max, bytes_max, tail) < 0) {
        outbox_close(region->outbox, connection, "the change log cannot be read");
        return;
    }
    outbox_send(region->outbox, connection, FRAME_TAIL, id, &tail->base);
}

static void answer_unknown(struct region *region, uint64_t connection, uint64_t id, char *shard)
{
    Mec__Tail tail = MEC__TAIL__INIT;

    tail.shard = shard;
    tail.not_home = true;
    outbox_send(region->outbox, connection, FRAME_TAIL, id, &tail.base);
}

static void drop(struct feed *feed, struct subscription *subscription)
{
    LL_DELETE(feed->list, subscription);
    feed->count--;
    free(subscription);
}

static void subscribe(struct region *region, uint64_t connection, uint64_t id,
                      const struct copy *copy)
{
    struct feed *feed = region->feed;
    struct subscription *subscription;

    LL_FOREACH(feed->list, subscription)
    if (subscription->connection == connection && subscription->copy == copy)
        break;
    if (!subscription && feed->count >= FEED_SUBSCRIPTIONS_MAX) {
        outbox_close(region->outbox, connection, "too many tails");
        return;
    }
    if (!subscription) {
        subscription = memory_alloc(sizeof *subscription);
        subscription->connection = connection;
        subscription->copy = copy;
        LL_PREPEND(feed->list, subscription);
        feed->count++;
    }
    subscription->id = id;
}

static size_t at_most(uint32_t wanted, size_t most)
{
    return wanted == 0 || wanted > most ? most : wanted;
}

void feed_tail_ask(struct region *region, uint64_t connection, uint64_t id, const Mec__TailAsk *ask)
{
    const struct copy *copy = copies_find(region, ask->shard);
    Mec__Tail tail;

    if (!copy) {
        answer_unknown(region, connection, id, ask->shard);
        return;
    }
    tail_init(region, copy, ask->after_seq, &tail);
    if (!tail.not_home)
        announce_fill(region, copy, ask->revocations_after_seq, &tail);
    answer_range(region, connection, id, copy, at_most(ask->max_changes, TAIL_CHANGES_MAX),
                 TAIL_BYTES_MAX, &tail);
    if (!tail.not_home)
        subscribe(region, connection, id, copy);
}

void feed_fetch_ask(struct region *region, uint64_t connection, uint64_t id,
                    const Mec__FetchAsk *ask)
{
    const struct copy *copy = copies_find(region, ask->shard);
    Mec__Tail tail;

    if (!copy) {
        answer_unknown(region, connection, id, ask->shard);
        return;
    }
    tail_init(region, copy, ask->after_seq, &tail);
    answer_range(region, connection, id, copy, at_most(ask->max_changes, TAIL_CHANGES_MAX),
                 at_most(ask->max_bytes, TAIL_BYTES_MAX), &tail);
}

static void send_to_all(struct region *region, const struct copy *copy, const Mec__Tail *tail)
{
    struct subscription *subscription;

    LL_FOREACH(region->feed->list, subscription)
    if (subscription->copy == copy)
        outbox_send(region->outbox, subscription->connection, FRAME_TAIL, subscription->id,
                    &tail->base);
}

static bool has_subscribers(const struct region *region, const struct copy *copy)
{
    const struct subscription *subscription;

    LL_FOREACH(region->feed->list, subscription)
    if (subscription->copy == copy)
        return true;
    return false;
}

static bool is_new_write(const struct store_op *op)
{
    return op->kind == STORE_OP_WRITE && op->result == STORE_DONE;
}

/* Collect new writes from @ops[@at] on, as many as one Tail holds. Returns where to go on. */
static size_t collect(const struct store_op *ops, size_t at, size_t count, Mec__Tail *tail,
                      Mec__StoredChange *changes)
{
    size_t bytes = 0;

    for (; at < count; at++) {
        const struct store_op *op = &ops[at];

        if (!is_new_write(op))
            continue;
        if (tail->n_changes > 0 && bytes + op->change_size > TAIL_BYTES_MAX)
            break;
        if (tail->n_changes == 0)
            tail->after_seq = op->seq - 1;
        set_change(&changes[tail->n_changes++], op->seq, op->change, op->change_size,
                   op->change_digest);
        bytes += op->change_size;
    }
    return at;
}

/* Everything goes out behind @told_seq; the first Tail has all the revocations. */
static void push_all(struct region *region, const struct copy *copy, const struct store_op *ops,
                     size_t count, uint64_t told_seq)
{
    for (size_t at = 0; at < count;) {
        Mec__Tail tail;
        Mec__StoredChange *changes;

        tail_init(region, copy, copy->visible.seq, &tail);
        changes = tail_reserve(region, &tail, count - at);
        at = collect(ops, at, count, &tail, changes);
        if (tail.n_changes == 0)
            return;
        announce_fill(region, copy, told_seq, &tail);
        told_seq = copy->visible.seq;
        send_to_all(region, copy, &tail);
        region->counters.pushed_changes += tail.n_changes;
    }
}

void feed_push(struct region *region, const struct copy *copy, const struct store_op *ops,
               size_t count)
{
    size_t first = 0;

    while (first < count && !is_new_write(&ops[first]))
        first++;
    if (first == count)
        return;
    announce_committed(region, copy, ops, count, ops[first].seq);
    if (has_subscribers(region, copy))
        push_all(region, copy, ops, count, ops[first].seq - 1);
}

void feed_beat(struct region *region)
{
    audit_beat(region);
    for (size_t i = 0; i < region->copy_count; i++) {
        const struct copy *copy = &region->copies[i];
        Mec__Tail tail;

        if (!has_subscribers(region, copy))
            continue;
        tail_init(region, copy, copy->visible.seq, &tail);
        if (!tail.not_home)
            announce_fill(region, copy, copy->visible.seq, &tail);
        audit_add_heads(region, &tail);
        send_to_all(region, copy, &tail);
    }
    deadlines_set(&region->deadlines, &region->feed->heartbeat,
                  region->at.now_us + region->settings.heartbeat_interval_us);
}

struct feed *feed_create(struct region *region)
{
    struct feed *feed = memory_alloc(sizeof *feed);

    feed->heartbeat.kind = DUE_HEARTBEAT;
    deadlines_set(&region->deadlines, &feed->heartbeat,
                  region->at.now_us + region->settings.heartbeat_interval_us);
    return feed;
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    while (feed->list)
        drop(feed, feed->list);
    free(feed);
}

void feed_configure(struct region *region)
{
    struct feed *feed = region->feed;
    struct subscription *subscription, *next;

    LL_FOREACH_SAFE(feed->list, subscription, next)
    {
        Mec__Tail tail;

        if (copies_is_home(region, subscription->copy))
            continue;
        reach(HOME_MOVED_AWAY);
        tail_init(region, subscription->copy, subscription->copy->visible.seq, &tail);
        outbox_send(region->outbox, subscription->connection, FRAME_TAIL, subscription->id,
                    &tail.base);
        drop(feed, subscription);
    }
    deadlines_set(&region->deadlines, &feed->heartbeat,
                  region->at.now_us + region->settings.heartbeat_interval_us);
}

void feed_closed(struct region *region, uint64_t connection)
{
    struct feed *feed = region->feed;
    struct subscription *subscription, *next;

    LL_FOREACH_SAFE(feed->list, subscription, next)
    if (subscription->connection == connection)
        drop(feed, subscription);
}
