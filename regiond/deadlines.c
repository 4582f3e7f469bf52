#include "regiond/deadlines.h"

#include <assert.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/moment.h"

void deadlines_free(struct deadlines *deadlines)
{
    free(deadlines->heap);
    *deadlines = (struct deadlines){0};
}

static void put(struct deadlines *deadlines, size_t slot, struct deadline *deadline)
{
    deadlines->heap[slot - 1] = deadline;
    deadline->slot = slot;
}

static void sift_up(struct deadlines *deadlines, size_t slot)
{
    struct deadline *deadline = deadlines->heap[slot - 1];

    while (slot > 1 && deadlines->heap[slot / 2 - 1]->at_us > deadline->at_us) {
        put(deadlines, slot, deadlines->heap[slot / 2 - 1]);
        slot /= 2;
    }
    put(deadlines, slot, deadline);
}

static void sift_down(struct deadlines *deadlines, size_t slot)
{
    struct deadline *deadline = deadlines->heap[slot - 1];

    for (;;) {
        size_t child = slot * 2;
        if (child > deadlines->count)
            break;
        if (child < deadlines->count &&
            deadlines->heap[child]->at_us < deadlines->heap[child - 1]->at_us)
            child++;
        if (deadlines->heap[child - 1]->at_us >= deadline->at_us)
            break;
        put(deadlines, slot, deadlines->heap[child - 1]);
        slot = child;
    }
    put(deadlines, slot, deadline);
}

void deadlines_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    struct deadline *last;

    if (slot == 0)
        return;
    assert(deadlines->heap[slot - 1] == deadline);
    last = deadlines->heap[--deadlines->count];
    deadline->slot = 0;
    if (last == deadline)
        return;
    put(deadlines, slot, last);
    sift_up(deadlines, slot);
    sift_down(deadlines, last->slot);
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t at_us)
{
    deadlines_clear(deadlines, deadline);
    if (at_us == NEVER_US)
        return;
    assert(deadline->run);
    if (deadlines->count == deadlines->size) {
        deadlines->size = deadlines->size ? deadlines->size * 2 : 64;
        deadlines->heap = memory_grow(deadlines->heap, deadlines->size * sizeof(struct deadline *));
    }
    deadline->at_us = at_us;
    deadlines->count++;
    put(deadlines, deadlines->count, deadline);
    sift_up(deadlines, deadlines->count);
}

struct deadline *deadlines_pop(struct deadlines *deadlines, uint64_t now_us)
{
    struct deadline *first;

    if (deadlines->count == 0 || deadlines->heap[0]->at_us > now_us)
        return NULL;
    first = deadlines->heap[0];
    deadlines_clear(deadlines, first);
    return first;
}

uint64_t deadlines_next_us(const struct deadlines *deadlines)
{
    return deadlines->count ? deadlines->heap[0]->at_us : NEVER_US;
}
