#include "replicator/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/reach.h"
#include "replication.pb-c.h"

#define SLOTS_AT_FIRST 256u

struct slot {
    uint8_t *bytes;
    size_t size;
    uint8_t digest[RING_DIGEST_SIZE];
};

/* `slots` is a circle whose size is a power of two and grows as needed: most rings stay small. */
struct ring {
    struct slot *slots;
    size_t slot_count;
    size_t first; /* index of the oldest */
    size_t count;
    size_t bytes;
    size_t changes_max;
    size_t bytes_max;
    uint64_t after_seq;
    uint8_t last_digest[RING_DIGEST_SIZE];
    bool last_known; /* false after a reset: there is nothing to compare with */
    struct arena *arena;
};

static struct slot *slot_at(const struct ring *ring, size_t offset)
{
    return &ring->slots[(ring->first + offset) & (ring->slot_count - 1)];
}

struct ring *ring_create(size_t changes_max, size_t bytes_max)
{
    struct ring *ring = memory_alloc(sizeof *ring);

    assert(changes_max > 0);
    ring->slot_count = SLOTS_AT_FIRST;
    ring->slots = memory_alloc(ring->slot_count * sizeof *ring->slots);
    ring->changes_max = changes_max;
    ring->bytes_max = bytes_max;
    ring->arena = arena_create();
    return ring;
}

static void drop_oldest(struct ring *ring)
{
    struct slot *slot = slot_at(ring, 0);

    assert(ring->count > 0);
    assert(ring->bytes >= slot->size);
    ring->bytes -= slot->size;
    free(slot->bytes);
    slot->bytes = NULL;
    ring->first = (ring->first + 1) & (ring->slot_count - 1);
    ring->count--;
    ring->after_seq++;
}

void ring_free(struct ring *ring)
{
    if (!ring)
        return;
    while (ring->count > 0)
        drop_oldest(ring);
    arena_free(ring->arena);
    free(ring->slots);
    free(ring);
}

void ring_limit(struct ring *ring, size_t changes_max)
{
    ring->changes_max = changes_max;
}

void ring_reset(struct ring *ring, uint64_t after_seq)
{
    while (ring->count > 0)
        drop_oldest(ring);
    ring->after_seq = after_seq;
    ring->last_known = false;
}

static void make_room_for_one(struct ring *ring)
{
    struct slot *slots;

    if (ring->count < ring->slot_count)
        return;
    slots = memory_alloc(2 * ring->slot_count * sizeof *slots);
    for (size_t i = 0; i < ring->count; i++)
        slots[i] = *slot_at(ring, i);
    free(ring->slots);
    ring->slots = slots;
    ring->slot_count *= 2;
    ring->first = 0;
}

/* Does the packed Change at @bytes say that it is @seq, and that it follows our last one? */
static int check_history(struct ring *ring, uint64_t seq, const uint8_t *bytes, size_t size)
{
    const Mec__Change *change;

    arena_reset(ring->arena);
    change = mec__change__unpack(arena_allocator(ring->arena), size, bytes);
    if (!change || change->seq != seq)
        return -EBADMSG;
    if (!ring->last_known)
        return 0;
    if (change->previous_digest.len != RING_DIGEST_SIZE ||
        memcmp(change->previous_digest.data, ring->last_digest, RING_DIGEST_SIZE) != 0)
        return -EILSEQ;
    return 0;
}

int ring_append(struct ring *ring, uint64_t seq, const uint8_t *bytes, size_t size,
                const uint8_t *digest, size_t digest_size)
{
    struct slot *slot;
    int error;

    if (seq == 0 || seq - 1 != ring_last_seq(ring))
        return -ERANGE;
    if (digest_size != RING_DIGEST_SIZE)
        return -EBADMSG;
    error = check_history(ring, seq, bytes, size);
    if (error)
        return error;

    make_room_for_one(ring);
    slot = slot_at(ring, ring->count);
    slot->bytes = memory_copy(bytes, size);
    slot->size = size;
    memcpy(slot->digest, digest, RING_DIGEST_SIZE);
    memcpy(ring->last_digest, digest, RING_DIGEST_SIZE);
    ring->last_known = true;
    ring->count++;
    ring->bytes += size;
    while (ring->count > 1 && (ring->count > ring->changes_max || ring->bytes > ring->bytes_max)) {
        reach(RING_FULL);
        drop_oldest(ring);
    }
    return 0;
}

void ring_drop_through(struct ring *ring, uint64_t seq)
{
    while (ring->count > 0 && ring->after_seq < seq)
        drop_oldest(ring);
}

bool ring_get(const struct ring *ring, uint64_t seq, struct ring_change *ret_change)
{
    const struct slot *slot;

    if (seq <= ring->after_seq || seq > ring_last_seq(ring))
        return false;
    slot = slot_at(ring, (size_t)(seq - ring->after_seq - 1));
    *ret_change = (struct ring_change){
        .seq = seq, .bytes = slot->bytes, .size = slot->size, .digest = slot->digest};
    return true;
}

uint64_t ring_after_seq(const struct ring *ring)
{
    return ring->after_seq;
}

uint64_t ring_last_seq(const struct ring *ring)
{
    return ring->after_seq + ring->count;
}

size_t ring_count(const struct ring *ring)
{
    return ring->count;
}

size_t ring_bytes(const struct ring *ring)
{
    return ring->bytes;
}
