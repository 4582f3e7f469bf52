#include "replicator/source.h"

#include <assert.h>
#include <errno.h>

#include "common/moment.h"
#include "common/reach.h"

/* Room for two stretches, so that taking one in never drops what is not sent yet. */
#define FETCHED_CHANGES_MAX (4u * SOURCE_FETCH_CHANGES)
#define FETCHED_BYTES_MAX   ((size_t)8 * SOURCE_FETCH_BYTES)

void source_init(struct source *source)
{
    *source = (struct source){.fetched = ring_create(FETCHED_CHANGES_MAX, FETCHED_BYTES_MAX)};
}

void source_release(struct source *source)
{
    ring_free(source->fetched);
    source->fetched = NULL;
}

bool source_get(const struct source *source, const struct ring *newest, uint64_t seq,
                struct ring_change *ret_change)
{
    return ring_get(newest, seq, ret_change) || ring_get(source->fetched, seq, ret_change);
}

static bool holds(const struct ring *ring, uint64_t seq)
{
    return seq > ring_after_seq(ring) && seq <= ring_last_seq(ring);
}

bool source_should_fetch(const struct source *source, const struct ring *newest, uint64_t sent_seq,
                         uint64_t last_seq, uint64_t *ret_after_seq)
{
    uint64_t after_seq = sent_seq;

    if (source->wait_until_us != 0)
        return false;
    if (holds(source->fetched, sent_seq + 1)) {
        after_seq = ring_last_seq(source->fetched);
        if (ring_count(source->fetched) > SOURCE_FETCH_CHANGES / 2 ||
            ring_bytes(source->fetched) > SOURCE_FETCH_BYTES / 2)
            return false;
    }
    if (holds(newest, sent_seq + 1) || holds(newest, after_seq + 1) || after_seq >= last_seq)
        return false;
    *ret_after_seq = after_seq;
    return true;
}

void source_asked(struct source *source, uint64_t id, uint64_t after_seq, uint64_t deadline_us)
{
    reach(SOURCE_FETCHES);
    if (ring_last_seq(source->fetched) != after_seq)
        ring_reset(source->fetched, after_seq);
    source->fetch_id = id;
    source->fetch_after_seq = after_seq;
    source->wait_until_us = deadline_us;
}

int source_take(struct source *source, const Mec__Tail *tail, uint64_t retry_at_us)
{
    assert(source->fetch_id != 0);
    source->fetch_id = 0;
    source->wait_until_us = retry_at_us;
    if (tail->not_home || tail->n_changes == 0 || tail->after_seq != source->fetch_after_seq)
        return -ENODATA;
    for (size_t i = 0; i < tail->n_changes; i++) {
        const Mec__StoredChange *change = tail->changes[i];
        int error = ring_append(source->fetched, change->seq, change->change.data,
                                change->change.len, change->digest.data, change->digest.len);

        if (error) {
            ring_reset(source->fetched, source->fetch_after_seq);
            return error;
        }
    }
    source->wait_until_us = 0;
    return 0;
}

void source_shipped(struct source *source, uint64_t sent_seq)
{
    ring_drop_through(source->fetched, sent_seq);
}

void source_forget_question(struct source *source)
{
    source->fetch_id = 0;
    source->wait_until_us = 0;
}

void source_expire(struct source *source, uint64_t now_us)
{
    if (source->wait_until_us == 0 || now_us < source->wait_until_us)
        return;
    reach(SOURCE_OVERDUE);
    source_forget_question(source);
}

uint64_t source_wake_us(const struct source *source)
{
    return source->wait_until_us != 0 ? source->wait_until_us : NEVER_US;
}
