/* One change from the home, at a follower; see store_apply in store.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/plant.h"
#include "regiond/store_internal.h"

static bool is_digest_of(ProtobufCBinaryData digest, struct slice bytes)
{
    uint8_t computed[DIGEST_SIZE];

    store_digest_of(bytes, computed);
    return digest.len == DIGEST_SIZE && memcmp(digest.data, computed, DIGEST_SIZE) == 0;
}

static bool is_of_this_place(const struct store *store, const struct store_apply *apply,
                             const Mec__Change *change)
{
    return strcmp(change->shard, store->shard) == 0 && change->seq == apply->seq &&
           change->epoch <= apply->epoch;
}

/* What stands for a change that must not be known here. The digest of the change itself cannot be
 * checked; the next change names it. */
static Mec__Change *read_redaction(const struct store *store, const struct store_apply *apply)
{
    ProtobufCBinaryData digest = {DIGEST_SIZE, (uint8_t *)(uintptr_t)apply->redaction_digest};
    Mec__Change *change;

    if (!is_digest_of(digest, apply->change))
        return NULL;
    change = mec__change__unpack(arena_allocator(store->arena), apply->change.size,
                                 (const uint8_t *)apply->change.data);
    if (!change || !is_of_this_place(store, apply, change) ||
        change->redacted_digest.len != DIGEST_SIZE ||
        memcmp(change->redacted_digest.data, apply->digest, DIGEST_SIZE) != 0)
        return NULL;
    return change;
}

/* The change of @apply when its bytes are whole and say what they came as; NULL otherwise. */
static Mec__Change *read_change(const struct store *store, const struct store_apply *apply)
{
    ProtobufCBinaryData digest = {DIGEST_SIZE, (uint8_t *)(uintptr_t)apply->digest};
    Mec__Change *change;
    struct slice value;

    if (apply->redaction_digest)
        return read_redaction(store, apply);
    if (!is_digest_of(digest, apply->change))
        return NULL;
    change = mec__change__unpack(arena_allocator(store->arena), apply->change.size,
                                 (const uint8_t *)apply->change.data);
    if (!change || !is_of_this_place(store, apply, change))
        return NULL;
    value = (struct slice){(const char *)change->value.data, change->value.len};
    return is_digest_of(change->value_digest, value) ? change : NULL;
}

static bool follows(const Mec__Change *change, const struct store_end *end)
{
    if (PLANTED(IGNORED_GAP) && change->seq > end->seq + 1)
        return true;
    if (end->seq == 0)
        return change->previous_digest.len == 0;
    return change->previous_digest.len == DIGEST_SIZE &&
           memcmp(change->previous_digest.data, end->digest, DIGEST_SIZE) == 0;
}

/* The texts of @change outlive the batch that brought it, in one piece of memory. */
static void name_record(struct store_op *op, const Mec__Change *change)
{
    size_t service_size = strlen(change->service) + 1;
    size_t user_size = strlen(change->user) + 1;
    size_t key_size = strlen(change->key) + 1;

    op->names = memory_alloc(service_size + user_size + key_size);
    op->service = memcpy(op->names, change->service, service_size);
    op->user = memcpy(op->names + service_size, change->user, user_size);
    op->key = memcpy(op->names + service_size + user_size, change->key, key_size);
}

static void describe(struct store_op *op, const Mec__Change *change)
{
    name_record(op, change);
    op->result = STORE_DONE;
    op->version = change->version_after;
    op->incarnation = change->incarnation;
    op->created = change->created;
    op->deleted = change->deleted;
    op->epoch = change->epoch;
    op->seq = change->seq;
    memcpy(op->change_digest, op->apply.digest, DIGEST_SIZE);
}

static bool leaves_record(const struct store *store, const struct store_round *round,
                          const Mec__Change *change)
{
    return (PLANTED(SKIPPED_CURSOR) && round->end.seq > store->end.seq) ||
           (PLANTED(IGNORED_DELETE) && change->deleted);
}

static int put(struct store *store, struct store_round *round, const struct store_apply *apply,
               Mec__Change *change)
{
    struct store_head head;
    int error;

    if (PLANTED(UNSHIPPED_KEY))
        change->idempotency_key = (char *)protobuf_c_empty_string;
    if (apply->redaction_digest || leaves_record(store, round, change))
        return store_write_put_log(store, round, change, apply->change, apply->digest);
    error = store_write_read_head(store, change->service, change->user, change->key, &head);
    if (error != 0)
        return error;
    return store_write_put(store, round, change, apply->change, apply->digest, &head);
}

/* The effect of a change that the copy has already, once more: a planted bug. */
static int put_again(struct store *store, const Mec__Change *change)
{
    struct store_head head;
    int error = store_write_read_head(store, change->service, change->user, change->key, &head);

    return error == 0 ? store_write_put_effect(store, change, &head) : error;
}

int store_apply_run(struct store *store, struct store_round *round, struct store_op *op)
{
    const struct store_apply *apply = &op->apply;
    const struct store_end *end = &round->end;
    Mec__Change *change = NULL;

    /* The cheap questions first; an old home is told that it is one whatever it sends. */
    if (apply->epoch < end->epoch)
        op->result = STORE_STALE_EPOCH;
    else if (apply->seq <= end->seq)
        op->result = STORE_HAD_IT;
    else if (apply->seq > end->seq + 1 && !PLANTED(IGNORED_GAP))
        op->result = STORE_GAP;
    else if (!(change = read_change(store, apply)))
        op->result = STORE_INVALID;
    else if (!follows(change, end))
        op->result = STORE_DIVERGED;
    else if (change->epoch < end->epoch)
        op->result = STORE_STALE_EPOCH;
    else {
        describe(op, change);
        return put(store, round, apply, change);
    }
    if (PLANTED(APPLIED_TWICE) && op->result == STORE_HAD_IT &&
        (change = read_change(store, apply)) != NULL)
        return put_again(store, change);
    return 0;
}
