#include "regiond/follower.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/reach.h"
#include "common/residency.h"
#include "regiond/commit.h"
#include "regiond/revocations.h"

/* One Apply that is not answered yet. */
struct follower_group {
    struct follower_group *prev, *next;
    struct copy *copy;
    uint64_t connection;
    uint64_t id;
    uint64_t epoch;
    struct freshness_mark mark; /* when the home's log ended at home_last_seq */
    uint64_t home_last_seq;
    Mec__ApplyOutcome outcome;
    const char *detail;
    size_t bytes;     /* counted in copy->apply_bytes */
    size_t remaining; /* operations not run yet */
    uint8_t *data;    /* changes and digests */
    struct commit_op ops[];
};

static void answer(struct region *region, const struct copy *copy, uint64_t connection, uint64_t id,
                   Mec__ApplyOutcome outcome, const char *detail)
{
    Mec__Applied applied = MEC__APPLIED__INIT;
    Mec__Position cursor = MEC__POSITION__INIT;

    cursor.shard = (char *)copy->shard;
    cursor.epoch = copy->visible.epoch;
    cursor.seq = copy->visible.seq;
    applied.shard = cursor.shard;
    applied.outcome = outcome;
    applied.cursor = &cursor;
    applied.cursor_digest.data = (uint8_t *)(uintptr_t)copy->visible.digest;
    applied.cursor_digest.len = copy->visible.seq > 0 ? DIGEST_SIZE : 0;
    applied.detail = (char *)detail;
    if (copy->revocations) {
        applied.revocations_after_seq = revocations_after_seq(copy->revocations);
        applied.revocations_through_seq = revocations_through_seq(copy->revocations);
    }
    outbox_send(region->outbox, connection, FRAME_APPLIED, id, &applied.base);
}

static void group_free(struct follower_group *group)
{
    group->copy->apply_bytes -= group->bytes;
    free(group->data);
    free(group);
}

/* Answer from the front all groups that have nothing left to run. */
static void flush(struct region *region, struct copy *copy)
{
    while (copy->groups && copy->groups->remaining == 0) {
        struct follower_group *group = copy->groups;

        DL_DELETE(copy->groups, group);
        if (group->outcome == MEC__APPLY_OUTCOME__APPLIED)
            copies_heard(copy, group->epoch, group->mark, group->home_last_seq);
        answer(region, copy, group->connection, group->id, group->outcome, group->detail);
        group_free(group);
    }
}

static Mec__ApplyOutcome outcome_of(const struct store_op *op, const char **ret_detail)
{
    switch (op->result) {
    case STORE_HAD_IT:
        reach(FOLLOWER_HAD_IT);
        return MEC__APPLY_OUTCOME__APPLIED;
    case STORE_DONE:
        return MEC__APPLY_OUTCOME__APPLIED;
    case STORE_GAP:
        reach(FOLLOWER_GAP);
        *ret_detail = "Changes are missing; start behind the cursor.";
        return MEC__APPLY_OUTCOME__GAP;
    case STORE_DIVERGED:
        *ret_detail = "The change does not follow on from this copy's log.";
        return MEC__APPLY_OUTCOME__DIVERGED;
    case STORE_STALE_EPOCH:
        *ret_detail = "This copy has seen a newer epoch.";
        return MEC__APPLY_OUTCOME__STALE_EPOCH;
    default:
        reach(FOLLOWER_INVALID);
        *ret_detail = "The change cannot be read or its digest does not match.";
        return MEC__APPLY_OUTCOME__INVALID;
    }
}

static void note_outcome(struct follower_group *group, Mec__ApplyOutcome outcome,
                         const char *detail)
{
    if (group->outcome != MEC__APPLY_OUTCOME__APPLIED)
        return;
    group->outcome = outcome;
    group->detail = detail;
}

static void diverge(struct region *region, struct copy *copy, uint64_t seq)
{
    if (copy->diverged)
        return;
    reach(FOLLOWER_DIVERGED);
    copy->diverged = true;
    outbox_log(region->outbox,
               "ALARM: the copy of %s has diverged from its home at seq %" PRIu64
               "; it takes no more changes and has to be rebuilt",
               copy->shard, seq);
}

static void on_done(struct region *region, struct commit_op *op, int error)
{
    struct follower_group *group = op->store.context;
    struct copy *copy = group->copy;
    const char *detail = "";
    Mec__ApplyOutcome outcome;

    assert(group->remaining > 0);
    group->remaining--;
    if (error == -ENOSPC) {
        reach(FOLLOWER_BUSY);
        note_outcome(group, MEC__APPLY_OUTCOME__BUSY, "The disk takes no writes.");
    } else if (error < 0) {
        note_outcome(group, MEC__APPLY_OUTCOME__STALE_EPOCH, "This region is the shard's home.");
    } else {
        outcome = outcome_of(&op->store, &detail);
        if (op->store.result == STORE_DONE)
            region->counters.applied_changes++;
        if (outcome == MEC__APPLY_OUTCOME__DIVERGED)
            diverge(region, copy, op->store.apply.seq);
        note_outcome(group, outcome, detail);
    }
    flush(region, copy);
}

static size_t size_of(const Mec__StoredChange *change)
{
    return change->change.len + DIGEST_SIZE + change->redaction_digest.len;
}

/* Copy the changes of @apply into @group, and let them wait for the file. */
static void submit(struct region *region, struct follower_group *group, const Mec__Apply *apply)
{
    uint8_t *data = group->data;

    for (size_t i = 0; i < apply->n_changes; i++) {
        const Mec__StoredChange *change = apply->changes[i];
        struct commit_op *op = &group->ops[i];
        uint8_t *digest = data + change->change.len;
        uint8_t *redaction_digest = NULL;

        memcpy(data, change->change.data, change->change.len);
        memcpy(digest, change->digest.data, DIGEST_SIZE);
        if (change->redaction_digest.len > 0)
            redaction_digest =
                memcpy(digest + DIGEST_SIZE, change->redaction_digest.data, DIGEST_SIZE);
        op->bytes = change->change.len;
        op->done = on_done;
        op->store = (struct store_op){
            .kind = STORE_OP_APPLY,
            .apply = {.epoch = apply->epoch,
                      .seq = change->seq,
                      .change = {(const char *)data, change->change.len},
                      .digest = digest,
                      .redaction_digest = redaction_digest},
            .context = group,
        };
        data += size_of(change);
        commit_store(region, group->copy, op);
    }
}

static size_t bytes_of(const Mec__Apply *apply)
{
    size_t bytes = 0;

    for (size_t i = 0; i < apply->n_changes; i++)
        bytes += size_of(apply->changes[i]);
    return bytes;
}

static void enqueue(struct region *region, struct copy *copy, uint64_t connection, uint64_t id,
                    const Mec__Apply *apply, size_t bytes)
{
    struct follower_group *group =
        memory_alloc(sizeof *group + apply->n_changes * sizeof *group->ops);

    group->copy = copy;
    group->connection = connection;
    group->id = id;
    group->epoch = apply->epoch;
    group->mark = (struct freshness_mark){apply->home_wall_us, region->at.now_us};
    group->home_last_seq = apply->home_last_seq;
    group->outcome = MEC__APPLY_OUTCOME__APPLIED;
    group->detail = "";
    group->bytes = bytes;
    group->remaining = apply->n_changes;
    group->data = memory_alloc(bytes);
    copy->apply_bytes += bytes;
    DL_APPEND(copy->groups, group);
    submit(region, group, apply);
    flush(region, copy);
}

/* At once, whatever waits for the disk before it. Only what comes without changes is sent ahead of
 * them, so only its time is news. */
static void hear_revocations(struct region *region, struct copy *copy, const Mec__Apply *apply)
{
    uint64_t now_us = region->at.now_us;
    uint64_t ago_us = apply->home_said_us_ago;
    struct revocations_news news = {
        .epoch = apply->epoch,
        .mark = {apply->home_wall_us, ago_us < now_us ? now_us - ago_us : 0},
        .last_seq = apply->home_last_seq,
        .after_seq = apply->revocations_after_seq,
        .through_seq = apply->revocations_through_seq,
        .items = apply->revocations,
        .count = apply->n_revocations,
    };

    if (apply->n_changes == 0)
        revocations_hear(copy->revocations, &news, copy->visible.seq,
                         region->at.wall_us / SECOND_US);
}

static bool is_well_formed(const Mec__Apply *apply)
{
    if (apply->n_changes > FOLLOWER_CHANGES_MAX || !revocations_well_formed(apply))
        return false;
    for (size_t i = 0; i < apply->n_changes; i++) {
        const Mec__StoredChange *change = apply->changes[i];

        if (change->seq != apply->after_seq + 1 + i || change->digest.len != DIGEST_SIZE ||
            change->change.len == 0 ||
            (change->redaction_digest.len != 0 && change->redaction_digest.len != DIGEST_SIZE))
            return false;
    }
    return true;
}

/* Only a home that does not know of the residency sends what may not lie here. It has crossed the
 * line by then, but is not to come to rest. What cannot be read is refused later. */
static bool may_all_lie_here(const struct region *region, const Mec__Apply *apply)
{
    if (region->config->n_residency == 0)
        return true;
    for (size_t i = 0; i < apply->n_changes; i++) {
        const Mec__StoredChange *stored = apply->changes[i];
        const Mec__Change *change = mec__change__unpack(arena_allocator(region->scratch),
                                                        stored->change.len, stored->change.data);

        if (change && stored->redaction_digest.len == 0 &&
            !residency_allows_records(region->config, change->service, region->name))
            return false;
    }
    return true;
}

/* Who ships in an epoch that is over by our config or by our log is fenced off. */
static bool is_stale(const struct region *region, const struct copy *copy, uint64_t epoch)
{
    return epoch < copy->epoch || epoch < copy->visible.epoch ||
           (epoch == copy->epoch && copy->home_peer == region->self);
}

void follower_apply(struct region *region, uint64_t connection, uint64_t id,
                    const Mec__Apply *apply)
{
    struct copy *copy = copies_find(region, apply->shard);
    size_t bytes = bytes_of(apply);

    if (!copy) {
        struct copy unknown = {.home_peer = PEER_NONE};

        answer(region, &unknown, connection, id, MEC__APPLY_OUTCOME__INVALID,
               "This region holds no copy of that shard.");
    } else if (!is_well_formed(apply)) {
        answer(region, copy, connection, id, MEC__APPLY_OUTCOME__INVALID,
               "The changes are not dense or have no digest, or revocations not in order.");
    } else if (is_stale(region, copy, apply->epoch)) {
        reach(FOLLOWER_STALE_EPOCH);
        answer(region, copy, connection, id, MEC__APPLY_OUTCOME__STALE_EPOCH,
               "The shard is in a newer epoch here.");
    } else if (copy->diverged) {
        answer(region, copy, connection, id, MEC__APPLY_OUTCOME__DIVERGED,
               "This copy has diverged and has to be rebuilt.");
    } else if (!may_all_lie_here(region, apply)) {
        outbox_log(region->outbox,
                   "ALARM: the home of %s has sent what may not lie here by the residency",
                   copy->shard);
        answer(region, copy, connection, id, MEC__APPLY_OUTCOME__INVALID,
               "The data of a service that is pinned elsewhere may not lie here.");
    } else if (copy->apply_bytes + bytes > FOLLOWER_BYTES_MAX) {
        answer(region, copy, connection, id, MEC__APPLY_OUTCOME__BUSY,
               "Too many changes are waiting.");
    } else {
        hear_revocations(region, copy, apply);
        enqueue(region, copy, connection, id, apply, bytes);
    }
}

void follower_free(struct region *region)
{
    for (size_t i = 0; i < region->copy_count; i++) {
        struct copy *copy = &region->copies[i];

        while (copy->groups) {
            struct follower_group *group = copy->groups;

            DL_DELETE(copy->groups, group);
            group_free(group);
        }
    }
}
