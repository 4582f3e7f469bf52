#include "tests/unit/replicator_fakes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/memory.h"
#include "replication.pb-c.h"

/* ---- the home ---- */

/* Who listens is told all revocations; who fetches, none. */
static void tell_revocations(struct driver_home *home, struct arena *arena, uint64_t id,
                             Mec__Tail *tail)
{
    uint64_t after_seq;

    if (id != home->tail_id || tail->not_home)
        return;
    if (revocation_list_through_seq(home->revocations) != home->count)
        revocation_list_reset(home->revocations, home->count);
    after_seq = revocation_list_after_seq(home->revocations);
    if (after_seq < home->revocations_told_seq && home->revocations_told_seq <= home->count)
        after_seq = home->revocations_told_seq;
    tail->revocations_after_seq = after_seq;
    tail->n_revocations =
        revocation_list_pack(home->revocations, arena, after_seq, REVOCATION_LIST_MAX,
                             &tail->revocations, &home->revocations_told_seq);
}

size_t replicator_fakes_home_tells(struct driver *driver, uint64_t id, uint64_t after_seq,
                                   size_t count_max, size_t bytes_max)
{
    struct driver_home *home = &driver->home;
    Mec__Tail tail = MEC__TAIL__INIT;
    Mec__StoredChange *items = memory_alloc(REPLICATOR_FAKES_TAIL_CHANGES * sizeof *items);
    Mec__StoredChange **list = memory_alloc(REPLICATOR_FAKES_TAIL_CHANGES * sizeof *list);
    struct arena *arena = arena_create();
    size_t bytes = 0;

    tail.shard = (char *)DRIVER_SHARD;
    tail.epoch = home->epoch;
    tail.last_seq = home->count;
    tail.wall_us = DRIVER_WALL_US + driver->now_us;
    tail.after_seq = after_seq;
    tail.not_home = !home->is_home;
    tail.changes = list;
    for (size_t i = (size_t)after_seq; home->is_home && i < home->count; i++) {
        struct driver_change *change = &home->log[i];

        if (tail.n_changes == count_max || (tail.n_changes > 0 && bytes >= bytes_max))
            break;
        bytes += change->size;
        items[tail.n_changes] = (Mec__StoredChange)MEC__STORED_CHANGE__INIT;
        items[tail.n_changes].seq = i + 1;
        items[tail.n_changes].change = (ProtobufCBinaryData){change->size, change->bytes};
        items[tail.n_changes].digest = (ProtobufCBinaryData){32, change->digest};
        list[tail.n_changes] = &items[tail.n_changes];
        tail.n_changes++;
    }
    tell_revocations(home, arena, id, &tail);
    driver_say(driver, HOME, FRAME_TAIL, id, &tail.base);
    arena_free(arena);
    free(list);
    free(items);
    return tail.n_changes;
}

void replicator_fakes_home_takes(struct driver *driver, const struct frame *frame)
{
    struct driver_home *home = &driver->home;

    if (frame->kind == FRAME_TAIL_ASK) {
        Mec__TailAsk *ask = mec__tail_ask__unpack(NULL, frame->body_size, frame->body);

        assert(ask && strcmp(ask->shard, DRIVER_SHARD) == 0);
        home->tail_asks++;
        home->last_tail_ask_after_seq = ask->after_seq;
        if (!home->mute) {
            home->tail_id = home->is_home ? frame->id : 0;
            home->revocations_told_seq = ask->revocations_after_seq;
            home->beat_at_us = driver->now_us + DRIVER_BEAT_US;
            replicator_fakes_home_tells(driver, frame->id, ask->after_seq,
                                        ask->max_changes > 0 ? ask->max_changes
                                                             : REPLICATOR_FAKES_TAIL_CHANGES,
                                        REPLICATOR_FAKES_TAIL_BYTES);
        }
        mec__tail_ask__free_unpacked(ask, NULL);
    } else {
        Mec__FetchAsk *ask = mec__fetch_ask__unpack(NULL, frame->body_size, frame->body);

        assert(frame->kind == FRAME_FETCH_ASK && ask &&
               ask->max_changes <= REPLICATOR_FAKES_TAIL_CHANGES);
        home->fetch_asks++;
        if (!home->mute)
            replicator_fakes_home_tells(driver, frame->id, ask->after_seq, ask->max_changes,
                                        ask->max_bytes);
        mec__fetch_ask__free_unpacked(ask, NULL);
    }
}

void replicator_fakes_home_beats(struct driver *driver)
{
    struct driver_home *home = &driver->home;

    if (!home->up || home->mute || home->tail_id == 0 || driver->now_us < home->beat_at_us)
        return;
    home->beat_at_us += DRIVER_BEAT_US;
    replicator_fakes_home_tells(driver, home->tail_id, home->count, REPLICATOR_FAKES_TAIL_CHANGES,
                                REPLICATOR_FAKES_TAIL_BYTES);
}

void replicator_fakes_home_appends(struct driver_home *home, uint64_t wall_us, size_t value_bytes)
{
    Mec__Change change = MEC__CHANGE__INIT;
    struct driver_change *stored;
    uint8_t *value = memory_alloc(value_bytes);

    if (home->count == home->capacity) {
        home->capacity = home->capacity ? 2 * home->capacity : 64;
        home->log = memory_grow(home->log, home->capacity * sizeof *home->log);
    }
    stored = &home->log[home->count];
    change.shard = (char *)DRIVER_SHARD;
    change.epoch = home->epoch;
    change.seq = home->count + 1;
    if (home->count > 0)
        change.previous_digest = (ProtobufCBinaryData){32, home->log[home->count - 1].digest};
    change.value = (ProtobufCBinaryData){value_bytes, value};
    change.commit_wall_us = wall_us;
    stored->size = mec__change__get_packed_size(&change);
    stored->bytes = memory_alloc(stored->size);
    mec__change__pack(&change, stored->bytes);
    crypto_generichash(stored->digest, 32, stored->bytes, stored->size, NULL, 0);
    home->count++;
    free(value);
}

/* ---- a follower ---- */

static Mec__ApplyOutcome apply_one(struct driver_follower *follower,
                                   const Mec__StoredChange *stored)
{
    Mec__Change *change = mec__change__unpack(NULL, stored->change.len, stored->change.data);
    Mec__ApplyOutcome outcome = MEC__APPLY_OUTCOME__APPLIED;
    bool redacted = stored->redaction_digest.len == 32;
    uint8_t digest[32];

    crypto_generichash(digest, 32, stored->change.data, stored->change.len, NULL, 0);
    if (!change || change->seq != stored->seq || stored->digest.len != 32 ||
        memcmp(digest, redacted ? stored->redaction_digest.data : stored->digest.data, 32) != 0 ||
        (redacted && (change->redacted_digest.len != 32 ||
                      memcmp(change->redacted_digest.data, stored->digest.data, 32) != 0)))
        outcome = MEC__APPLY_OUTCOME__INVALID;
    else if (change->seq <= follower->cursor_seq)
        follower->duplicates++;
    else if (change->seq > follower->cursor_seq + 1)
        outcome = MEC__APPLY_OUTCOME__GAP;
    else if (follower->cursor_seq > 0 &&
             (change->previous_digest.len != 32 ||
              memcmp(change->previous_digest.data, follower->cursor_digest, 32) != 0))
        outcome = MEC__APPLY_OUTCOME__DIVERGED;
    else {
        follower->cursor_seq = change->seq;
        memcpy(follower->cursor_digest, stored->digest.data, 32);
    }
    if (change)
        mec__change__free_unpacked(change, NULL);
    return outcome;
}

static Mec__ApplyOutcome apply(struct driver *driver, struct driver_follower *follower,
                               const Mec__Apply *apply)
{
    Mec__ApplyOutcome outcome = MEC__APPLY_OUTCOME__APPLIED;

    if (apply->epoch < follower->epoch_seen)
        return MEC__APPLY_OUTCOME__STALE_EPOCH;
    follower->epoch_seen = apply->epoch;
    for (size_t i = 0; i < apply->n_changes && outcome == MEC__APPLY_OUTCOME__APPLIED; i++) {
        assert(apply->changes[i]->seq == apply->after_seq + 1 + i);
        outcome = apply_one(follower, apply->changes[i]);
        if (outcome == MEC__APPLY_OUTCOME__APPLIED)
            follower->last_apply_us = driver->now_us;
    }
    if (outcome == MEC__APPLY_OUTCOME__GAP)
        follower->gaps++;
    if (follower->cursor_seq >= apply->home_last_seq)
        follower->fresh_wall_us = apply->home_wall_us;
    return outcome;
}

static bool take_one(unsigned *countdown)
{
    if (*countdown == 0)
        return false;
    (*countdown)--;
    return true;
}

void replicator_fakes_follower_takes(struct driver *driver, uint32_t peer,
                                     const struct frame *frame)
{
    struct driver_follower *follower = &driver->followers[peer];
    Mec__Apply *message = mec__apply__unpack(NULL, frame->body_size, frame->body);
    Mec__Applied answer = MEC__APPLIED__INIT;
    Mec__Position cursor = MEC__POSITION__INIT;

    assert(frame->kind == FRAME_APPLY && message && strcmp(message->home, "us-east") == 0);
    if (message->n_changes > 0 && take_one(&follower->lose_applies))
        goto out;
    follower->last_after_seq = message->after_seq;
    if (message->n_audit_heads > 0 && message->audit_heads[0]->signature.len == 3)
        follower->audit_n = message->audit_heads[0]->n;
    if (message->n_changes > 0)
        follower->batches++;
    else
        follower->heartbeats++;
    if (message->n_changes > follower->changes_in_largest_batch)
        follower->changes_in_largest_batch = message->n_changes;

    if (take_one(&follower->busy) || (follower->full && message->n_changes > 0))
        answer.outcome = MEC__APPLY_OUTCOME__BUSY;
    else if (message->n_changes > 0 && take_one(&follower->invalid))
        answer.outcome = MEC__APPLY_OUTCOME__INVALID;
    else
        answer.outcome = apply(driver, follower, message);
    cursor.shard = (char *)DRIVER_SHARD;
    cursor.epoch = follower->epoch_seen;
    cursor.seq = follower->cursor_seq;
    answer.shard = (char *)DRIVER_SHARD;
    answer.cursor = &cursor;
    if (follower->cursor_seq > 0)
        answer.cursor_digest = (ProtobufCBinaryData){32, follower->cursor_digest};
    if (driver->hears)
        driver->hears(driver, peer, message, &answer);
    if (!take_one(&follower->lose_answers))
        driver_say(driver, peer, FRAME_APPLIED, frame->id, &answer.base);
out:
    mec__apply__free_unpacked(message, NULL);
}
