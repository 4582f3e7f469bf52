#include "routerd/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "routerd/due.h"

#define SLOT_BITS      16
#define SLOT_MASK      ((UINT64_C(1) << SLOT_BITS) - 1)
#define KEPT_BYTES_MAX 4096u /* larger buffers go with their request */

_Static_assert(PENDING_MAX - 1 <= SLOT_MASK, "a slot number fits into a call id");

struct pendings {
    struct pending *slots[PENDING_MAX];
    uint32_t slot_count;
    uint32_t free[PENDING_MAX];
    uint32_t free_count;
    uint64_t try_count;
    struct pending *first, *last;
    struct pending *by_request;
    size_t count;
};

struct pendings *pendings_create(void)
{
    return memory_alloc(sizeof(struct pendings));
}

void pendings_free(struct pendings *pendings)
{
    if (pendings == NULL)
        return;
    HASH_CLEAR(hh, pendings->by_request);
    for (uint32_t slot = 0; slot < pendings->slot_count; slot++) {
        free(pendings->slots[slot]->call);
        free(pendings->slots[slot]);
    }
    free(pendings);
}

static struct pending *take_slot(struct pendings *pendings)
{
    if (pendings->free_count > 0)
        return pendings->slots[pendings->free[--pendings->free_count]];
    if (pendings->slot_count == PENDING_MAX)
        return NULL;
    struct pending *pending = memory_alloc(sizeof(*pending));
    pending->slot = pendings->slot_count;
    pendings->slots[pendings->slot_count++] = pending;
    return pending;
}

/* The bookmark is large; clearing its count is enough. */
static void clear(struct pending *pending)
{
    uint32_t slot = pending->slot;
    uint8_t *call = pending->call;
    size_t call_capacity = pending->call_capacity;
    memset(pending, 0, offsetof(struct pending, bookmark));
    pending->bookmark.count = 0;
    pending->slot = slot;
    pending->call = call;
    pending->call_capacity = call_capacity;
    pending->deadline.kind = DUE_TRY;
    pending->deadline.owner = pending;
}

struct pending *pendings_add(struct pendings *pendings, uint64_t request_id)
{
    struct pending *pending = take_slot(pendings);
    if (pending == NULL)
        return NULL;
    clear(pending);
    pending->request_id = request_id;
    pending->previous = pendings->last;
    pending->next = NULL;
    if (pendings->last != NULL)
        pendings->last->next = pending;
    else
        pendings->first = pending;
    pendings->last = pending;
    HASH_ADD(hh, pendings->by_request, request_id, sizeof(pending->request_id), pending);
    pendings->count++;
    return pending;
}

void pendings_remove(struct pendings *pendings, struct pending *pending)
{
    assert(pending->deadline.slot == 0);
    if (pending->previous != NULL)
        pending->previous->next = pending->next;
    else
        pendings->first = pending->next;
    if (pending->next != NULL)
        pending->next->previous = pending->previous;
    else
        pendings->last = pending->previous;
    HASH_DEL(pendings->by_request, pending);
    if (pending->call_capacity > KEPT_BYTES_MAX) {
        free(pending->call);
        pending->call = NULL;
        pending->call_capacity = 0;
    }
    pending->call_id = 0;
    pendings->free[pendings->free_count++] = pending->slot;
    pendings->count--;
}

void pendings_begin_try(struct pendings *pendings, struct pending *pending)
{
    pending->call_id = ++pendings->try_count << SLOT_BITS | pending->slot;
    pending->tries++;
}

struct pending *pendings_find(const struct pendings *pendings, uint64_t call_id)
{
    uint64_t slot = call_id & SLOT_MASK;
    if (call_id == 0 || slot >= pendings->slot_count)
        return NULL;
    struct pending *pending = pendings->slots[slot];
    return pending->call_id == call_id ? pending : NULL;
}

struct pending *pendings_find_request(const struct pendings *pendings, uint64_t request_id)
{
    struct pending *pending;
    HASH_FIND(hh, pendings->by_request, &request_id, sizeof(request_id), pending);
    return pending;
}

struct pending *pendings_first(const struct pendings *pendings)
{
    return pendings->first;
}

size_t pendings_count(const struct pendings *pendings)
{
    return pendings->count;
}
