#include "common/deadlines.h"

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

static struct deadline *at(const struct deadlines *deadlines, size_t slot)
{
    return deadlines->heap[slot - 1];
}

static void sift_up(struct deadlines *deadlines, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    while (slot > 1 && at(deadlines, slot / 2)->at_us > deadline->at_us) {
        put(deadlines, slot, at(deadlines, slot / 2));
        slot /= 2;
    }
    put(deadlines, slot, deadline);
}

static void sift_down(struct deadlines *deadlines, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    for (;;) {
        size_t child = slot * 2;
        if (child > deadlines->count)
            break;
        if (child < deadlines->count &&
            at(deadlines, child + 1)->at_us < at(deadlines, child)->at_us)
            child++;
        if (at(deadlines, child)->at_us >= deadline->at_us)
            break;
        put(deadlines, slot, at(deadlines, child));
        slot = child;
    }
    put(deadlines, slot, deadline);
}

void deadlines_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    if (deadline->slot == 0)
        return;
    assert(at(deadlines, deadline->slot) == deadline);
    struct deadline *last = at(deadlines, deadlines->count);
    deadlines->count--;
    if (last != deadline) {
        put(deadlines, deadline->slot, last);
        sift_up(deadlines, last);
        sift_down(deadlines, last);
    }
    deadline->slot = 0;
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t at_us)
{
    if (at_us == NEVER_US) {
        deadlines_clear(deadlines, deadline);
        return;
    }
    deadline->at_us = at_us;
    if (deadline->slot == 0) {
        if (deadlines->count == deadlines->capacity) {
            deadlines->capacity = deadlines->capacity == 0 ? 64 : deadlines->capacity * 2;
            deadlines->heap =
                memory_grow(deadlines->heap, deadlines->capacity * sizeof(struct deadline *));
        }
        deadlines->count++;
        put(deadlines, deadlines->count, deadline);
    }
    sift_up(deadlines, deadline);
    sift_down(deadlines, deadline);
}

struct deadline *deadlines_pop(struct deadlines *deadlines, uint64_t now_us)
{
    if (deadlines->count == 0 || at(deadlines, 1)->at_us > now_us)
        return NULL;
    struct deadline *deadline = at(deadlines, 1);
    deadlines_clear(deadlines, deadline);
    return deadline;
}

uint64_t deadlines_next_us(const struct deadlines *deadlines)
{
    return deadlines->count == 0 ? NEVER_US : at(deadlines, 1)->at_us;
}
