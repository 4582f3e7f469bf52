#include "sim/events.h"

#include <stdlib.h>

#include "common/memory.h"

void events_free(struct events *events)
{
    for (size_t i = 0; i < events->count; i++)
        events->heap[i].drop(events->heap[i].what);
    free(events->heap);
    *events = (struct events){0};
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

void events_add(struct events *events, uint64_t at_us, void (*run)(void *what),
                void (*drop)(void *what), void *what)
{
    struct event event = {at_us, ++events->last_sequence, run, drop, what};
    size_t slot = events->count;

    if (events->count == events->capacity) {
        events->capacity = events->capacity ? events->capacity * 2 : 256;
        events->heap = memory_grow(events->heap, events->capacity * sizeof *events->heap);
    }
    events->count++;
    while (slot > 0 && is_before(&event, &events->heap[(slot - 1) / 2])) {
        events->heap[slot] = events->heap[(slot - 1) / 2];
        slot = (slot - 1) / 2;
    }
    events->heap[slot] = event;
}

bool events_take(struct events *events, struct event *ret_event)
{
    struct event last;
    size_t slot = 0, child;

    if (events->count == 0)
        return false;
    *ret_event = events->heap[0];
    last = events->heap[--events->count];
    while ((child = 2 * slot + 1) < events->count) {
        if (child + 1 < events->count && is_before(&events->heap[child + 1], &events->heap[child]))
            child++;
        if (!is_before(&events->heap[child], &last))
            break;
        events->heap[slot] = events->heap[child];
        slot = child;
    }
    events->heap[slot] = last;
    return true;
}
