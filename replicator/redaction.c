#include "replicator/redaction.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/parts.h"
#include "common/reach.h"
#include "common/residency.h"
#include "replicator/ring.h"

void redaction_configure(struct redaction *redaction, const Mec__Config *config)
{
    redaction_release(redaction);
    redaction->any = config->n_residency > 0;
    redaction->may_hold =
        memory_alloc(config->n_regions * PARTS_SERVICE_COUNT * sizeof *redaction->may_hold);
    for (size_t i = 0; i < config->n_regions; i++)
        for (size_t j = 0; j < PARTS_SERVICE_COUNT; j++)
            redaction->may_hold[i * PARTS_SERVICE_COUNT + j] =
                residency_allows(config, (enum parts_service)j, config->regions[i]->name);
}

void redaction_release(struct redaction *redaction)
{
    free(redaction->may_hold);
    *redaction = (struct redaction){0};
}

/* Records that nobody knows are told to nobody. */
static bool may_have(const struct redaction *redaction, uint32_t peer, const char *records)
{
    enum parts_service service;

    return parts_records_find(records, &service) == 0 &&
           redaction->may_hold[peer * PARTS_SERVICE_COUNT + service];
}

void redaction_apply(const struct redaction *redaction, uint32_t peer, struct arena *arena,
                     Mec__StoredChange *item)
{
    const Mec__Change *change;
    uint8_t *digest, *packed;
    size_t size;

    if (!redaction->any)
        return;
    change = mec__change__unpack(arena_allocator(arena), item->change.len, item->change.data);
    assert(change); /* a ring takes nothing else */
    if (may_have(redaction, peer, change->service) && !residency_is_redacted(change))
        return;
    reach(CHANGE_REDACTED);
    packed = residency_redact(change, item->digest, arena, &size);
    digest = arena_alloc(arena, RING_DIGEST_SIZE);
    crypto_generichash(digest, RING_DIGEST_SIZE, packed, size, NULL, 0);
    item->change = (ProtobufCBinaryData){size, packed};
    item->redaction_digest = (ProtobufCBinaryData){RING_DIGEST_SIZE, digest};
}
