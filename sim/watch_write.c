/* What the home does with a write, held against the true log: the rules of regiond/store_write.c
 * once more, from its results instead of its files. */

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sim/watch_internal.h"

#define QUOTA_BYTES_NEVER (4u * 1024 * 1024)
#define QUOTA_KEYS_NEVER  1000u

/* A write and where it was run. */
struct run {
    struct watch *watch;
    uint64_t now_us;
    uint32_t region;
    const struct storage_batch *batch;
    const struct store_op *op;
};

static struct watch_shard *shard_of(const struct run *run)
{
    return &run->watch->shards[run->batch->target];
}

static const char *region_of(const struct run *run)
{
    return run->watch->regions[run->region].name;
}

static const struct watch_entry *head_of(const struct run *run)
{
    const struct store_write *write = &run->op->write;
    const struct watch_key *key =
        watch_log_key(run->watch, run->batch->target, write->service, write->user, write->key);

    return key ? key->head : NULL;
}

static struct watch_effort *effort_of(const struct run *run)
{
    return watch_effort_of(run->watch, run->op->write.user, run->op->write.idempotency_key);
}

static bool lives(const struct watch_entry *head)
{
    return head && !head->deleted;
}

static bool condition_holds(const struct store_write *write, const struct watch_entry *head)
{
    switch (write->condition) {
    case STORE_ANY:
        return true;
    case STORE_IF_VERSION:
        return lives(head) && head->version == write->if_version;
    case STORE_IF_EXISTS:
        return lives(head);
    case STORE_IF_ABSENT:
        return !lives(head);
    }
    return false;
}

static bool is_expired(const struct run *run)
{
    uint64_t expires_us = run->op->write.expires_wall_us;

    return expires_us != 0 && run->batch->wall_us > expires_us;
}

/* ---- a change that was made ---- */

static void check_home(const struct run *run, const Mec__Change *change)
{
    const struct watch_shard *shard = shard_of(run);

    if (run->region != shard->home)
        watch_report(run->watch, run->now_us, WATCH_ONE_HOME,
                     "%s accepts %s:%" PRIu64 ".%" PRIu64 ", but %s is home in epoch %" PRIu64,
                     region_of(run), shard->name, change->epoch, change->seq,
                     run->watch->regions[shard->home].name, shard->epoch);
    else if (change->epoch != shard->epoch || run->batch->epoch != shard->epoch)
        watch_report(run->watch, run->now_us, WATCH_ONE_HOME,
                     "%s accepts %s.%" PRIu64 " in epoch %" PRIu64 ", but it is epoch %" PRIu64,
                     region_of(run), shard->name, change->seq, change->epoch, shard->epoch);
}

static bool is_digest_of(const uint8_t digest[DIGEST_SIZE], const void *bytes, size_t size)
{
    uint8_t computed[DIGEST_SIZE];

    crypto_generichash(computed, DIGEST_SIZE, bytes, size, NULL, 0);
    return memcmp(computed, digest, DIGEST_SIZE) == 0;
}

static void check_place(const struct run *run, const Mec__Change *change)
{
    const struct watch_shard *shard = shard_of(run);
    const struct watch_copy *copy = &run->watch->regions[run->region].copies[run->batch->target];
    size_t count = shard->log.count;
    const struct watch_entry *last = count > 0 ? shard->log.items[count - 1] : NULL;
    bool follows = last ? change->previous_digest.len == DIGEST_SIZE &&
                              memcmp(change->previous_digest.data, last->digest, DIGEST_SIZE) == 0
                        : change->previous_digest.len == 0;

    if (change->seq != count + 1 || copy->end.seq != count)
        watch_report(run->watch, run->now_us, WATCH_DENSE_LOG,
                     "%s makes %s.%" PRIu64 " at the end of a copy at %" PRIu64
                     ", the log ends at %zu",
                     region_of(run), shard->name, change->seq, copy->end.seq, count);
    else if (!follows || strcmp(change->shard, shard->name) != 0)
        watch_report(run->watch, run->now_us, WATCH_DENSE_LOG,
                     "%s.%" PRIu64 " does not follow on from the change before", shard->name,
                     change->seq);
}

static void check_version(const struct run *run, const Mec__Change *change,
                          const struct watch_entry *head)
{
    uint64_t version = head ? head->version : 0;
    bool created = !change->deleted && !lives(head);
    uint64_t incarnation = (head ? head->incarnation : 0) + (created ? 1 : 0);

    if (change->version_before != version || change->version_after != version + 1 ||
        change->incarnation != incarnation || (change->created != 0) != created)
        watch_report(run->watch, run->now_us, WATCH_VERSION_RISES,
                     "%s.%" PRIu64 " makes %s/%s version %" PRIu64 " (incarnation %" PRIu64
                     ") of what was %" PRIu64 " (%" PRIu64 ")",
                     shard_of(run)->name, change->seq, change->user, change->key,
                     change->version_after, change->incarnation, version,
                     head ? head->incarnation : 0);
}

/* What the change holds is what was written: as it is, or sealed for the place that it has. */
static bool is_value(const struct run *run, const Mec__Change *change)
{
    const struct store_write *write = &run->op->write;
    struct slice value = {(const char *)change->value.data, change->value.len};
    struct seal_place place = {change->shard, change->user, change->service, change->key,
                               change->version_after};
    size_t size = 0;
    uint8_t *plain;

    if (!write->seal)
        return slice_equals(value, write->value);
    plain = arena_alloc(run->watch->scratch, value.size + 1);
    return seal_open(write->seal->key, &place, value, plain, &size) == 0 &&
           slice_equals((struct slice){(const char *)plain, size}, write->value);
}

static void check_terms(const struct run *run, const Mec__Change *change,
                        const struct watch_entry *head)
{
    const struct store_write *write = &run->op->write;

    if (!condition_holds(write, head) || (write->delete &&!lives(head)))
        watch_report(run->watch, run->now_us, WATCH_CONDITION,
                     "%s.%" PRIu64 " writes %s/%s although its condition does not hold",
                     shard_of(run)->name, change->seq, change->user, change->key);
    else if (write->forbidden)
        watch_report(run->watch, run->now_us, WATCH_FAILS_CLOSED,
                     "%s.%" PRIu64 " is a write of an account that may not write",
                     shard_of(run)->name, change->seq);
    else if (is_expired(run))
        watch_report(run->watch, run->now_us, WATCH_RECEIPT_TRUE,
                     "%s.%" PRIu64 " is a queued write that had expired", shard_of(run)->name,
                     change->seq);
    else if ((change->deleted != 0) != write->delete || (!write->delete &&!is_value(run, change)))
        watch_report(run->watch, run->now_us, WATCH_DENSE_LOG,
                     "%s.%" PRIu64 " is not what was written", shard_of(run)->name, change->seq);
}

/* A queued copy of it was refused by the home, which has that on its disk: its receipt says so. */
static void check_not_refused(const struct run *run, const Mec__Change *change)
{
    const struct watch_effort *effort = effort_of(run);

    if (effort && effort->refused[run->region] == run->watch->regions[run->region].disks)
        watch_report(run->watch, run->now_us, WATCH_RECEIPT_TRUE,
                     "%s.%" PRIu64 " is the effect of key %s, of which a queued copy was refused",
                     shard_of(run)->name, change->seq, effort->idempotency_key);
}

void watch_write_change(struct watch *watch, uint64_t now_us, uint32_t region,
                        const struct storage_batch *batch, const struct store_op *op,
                        const Mec__Change *change, const uint8_t digest[DIGEST_SIZE])
{
    struct run run = {watch, now_us, region, batch, op};
    struct watch_shard *shard = shard_of(&run);
    const struct watch_entry *head = head_of(&run);
    struct watch_entry *entry;

    if (shard->spoiled) {
        /* What it cannot read any more it may write anew. */
        if (change->seq <= shard->log.count)
            watch_log_give_up(watch, batch->target, change->seq - 1);
        if (change->seq == shard->log.count + 1)
            watch_log_append(watch, now_us, region, batch->target, change, digest);
        return;
    }
    check_home(&run, change);
    check_place(&run, change);
    check_version(&run, change, head);
    check_terms(&run, change, head);
    check_not_refused(&run, change);
    if (watch->breach.found)
        return;
    entry = watch_log_append(watch, now_us, region, batch->target, change, digest);
    if (change->receipt[0] != '\0' && !entry->queued)
        watch_report(watch, now_us, WATCH_QUEUED, "%s.%" PRIu64 " came as %s, which no queue holds",
                     shard->name, change->seq, change->receipt);
    watch_revocations_made(watch, entry, &op->write);
    watch_vault_sealed(watch, &op->write, entry);
    watch_effort_effect(watch, now_us, entry);
    watch_queue_order(watch, now_us, entry);
    if (strcmp(change->service, "names") == 0)
        watch_names_changed(watch, now_us, entry);
    if (strcmp(change->service, "auth") == 0 && strcmp(change->key, "account") == 0)
        watch_sessions_changed(watch, now_us, entry);
    watch_sessions_wrote(watch, now_us, entry);
    watch_erasing_changed(watch, now_us, entry);
}

static void take_change(const struct run *run)
{
    const struct store_op *op = run->op;
    Mec__Change *change;

    arena_reset(run->watch->scratch);
    change = mec__change__unpack(arena_allocator(run->watch->scratch), op->change_size, op->change);
    if (!change || !is_digest_of(op->change_digest, op->change, op->change_size) ||
        change->seq != op->seq || change->epoch != op->epoch ||
        change->version_after != op->version)
        watch_report(run->watch, run->now_us, WATCH_DENSE_LOG,
                     "%s says of %s.%" PRIu64 " what its change does not", region_of(run),
                     shard_of(run)->name, op->seq);
    else
        watch_write_change(run->watch, run->now_us, run->region, run->batch, op, change,
                           op->change_digest);
}

/* ---- what was not made ---- */

static void check_replayed(const struct run *run)
{
    const struct store_op *op = run->op;
    const struct watch_effort *effort = effort_of(run);
    const struct watch_entry *effect = effort ? effort->effect : NULL;

    if (!effect)
        watch_report(run->watch, run->now_us, WATCH_ONE_EFFECT,
                     "%s answers key %s as if it had had its effect", region_of(run),
                     op->write.idempotency_key);
    else if (memcmp(effect->request_digest, op->write.request_digest,
                    sizeof(effect->request_digest)) != 0)
        watch_report(run->watch, run->now_us, WATCH_KEY_REUSE,
                     "%s takes another write under key %s for a retry", region_of(run),
                     op->write.idempotency_key);
    else if (effect->version != op->version || effect->seq != op->seq ||
             effect->epoch != op->epoch || effect->created != op->created ||
             effect->deleted != op->deleted)
        watch_report(run->watch, run->now_us, WATCH_ONE_EFFECT,
                     "%s answers key %s again, but as %" PRIu64 ".%" PRIu64 " version %" PRIu64
                     ", not %" PRIu64 ".%" PRIu64 " version %" PRIu64,
                     region_of(run), op->write.idempotency_key, op->epoch, op->seq, op->version,
                     effect->epoch, effect->seq, effect->version);
}

static void check_reused(const struct run *run)
{
    const struct store_op *op = run->op;
    const struct watch_effort *effort = effort_of(run);

    if (!effort || !effort->effect ||
        memcmp(effort->effect->request_digest, op->write.request_digest,
               sizeof effort->effect->request_digest) == 0)
        watch_report(run->watch, run->now_us, WATCH_KEY_REUSE, "%s takes key %s for another's",
                     region_of(run), op->write.idempotency_key);
}

/* A home that has refused a queued copy refuses all later ones, whatever they ask for. */
static bool may_remember(const struct run *run)
{
    const struct watch_effort *effort = effort_of(run);

    return effort && effort->maybe_refused[run->region];
}

static void check_refused(const struct run *run)
{
    const struct store_op *op = run->op;
    const struct watch_entry *head = head_of(run);
    bool fits = op->result == STORE_NOT_FOUND ? op->write.delete &&!lives(head)
                                              : !condition_holds(&op->write, head);

    if (may_remember(run))
        return;
    if (!fits)
        watch_report(run->watch, run->now_us, WATCH_CONDITION,
                     "%s refuses a write of %s/%s although its condition holds", region_of(run),
                     op->write.user, op->write.key);
    else if (op->version != (lives(head) ? head->version : 0))
        watch_report(run->watch, run->now_us, WATCH_CONDITION,
                     "%s refuses a write of %s/%s by version %" PRIu64 ", it has %" PRIu64,
                     region_of(run), op->write.user, op->write.key, op->version,
                     lives(head) ? head->version : 0);
}

static void remember_refusal(const struct run *run)
{
    struct watch_effort *effort = effort_of(run);

    if (effort && run->op->write.receipt && run->op->write.receipt[0] != '\0')
        watch_effort_refused(run->watch, run->region, effort, true);
}

void watch_write_done(struct watch *watch, uint64_t now_us, uint32_t region,
                      const struct storage_batch *batch, const struct store_op *op)
{
    struct run run = {watch, now_us, region, batch, op};
    bool spoiled = shard_of(&run)->spoiled;

    switch (op->result) {
    case STORE_DONE:
        take_change(&run);
        break;
    case STORE_REPLAYED:
        if (!spoiled)
            check_replayed(&run);
        break;
    case STORE_KEY_REUSED:
        if (!spoiled)
            check_reused(&run);
        break;
    case STORE_CONDITION_FAILED:
    case STORE_NOT_FOUND:
        if (!spoiled)
            check_refused(&run);
        remember_refusal(&run);
        break;
    case STORE_EXPIRED:
    case STORE_FORBIDDEN:
    case STORE_OVER_QUOTA:
        remember_refusal(&run);
        break;
    default:
        break;
    }
}

/* No run of ours writes that much. */
static bool may_be_over_quota(const struct store_write *write)
{
    return (write->quota_bytes > 0 && write->quota_bytes < QUOTA_BYTES_NEVER) ||
           (write->quota_keys > 0 && write->quota_keys < QUOTA_KEYS_NEVER);
}

bool watch_write_must_run(const struct watch *watch, uint32_t region,
                          const struct storage_batch *batch, const struct store_op *op)
{
    struct run run = {(struct watch *)(uintptr_t)watch, 0, region, batch, op};
    const struct watch_effort *effort = effort_of(&run);
    const struct watch_entry *head = head_of(&run);

    if ((effort && effort->effect) || may_remember(&run) || op->write.forbidden ||
        is_expired(&run) || may_be_over_quota(&op->write))
        return false;
    return condition_holds(&op->write, head) && (!op->write.delete || lives(head));
}
