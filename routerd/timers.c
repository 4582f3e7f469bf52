#include "routerd/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "common/memory.h"

void timers_free(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place - 1] = timer;
    timer->place = (uint32_t)place;
}

static struct timer *at(const struct timers *timers, size_t place)
{
    return timers->heap[place - 1];
}

static void sift_up(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    while (place > 1 && at(timers, place / 2)->at_us > timer->at_us) {
        put(timers, place, at(timers, place / 2));
        place /= 2;
    }
    put(timers, place, timer);
}

static void sift_down(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    for (;;) {
        size_t child = place * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && at(timers, child + 1)->at_us < at(timers, child)->at_us)
            child++;
        if (at(timers, child)->at_us >= timer->at_us)
            break;
        put(timers, place, at(timers, child));
        place = child;
    }
    put(timers, place, timer);
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t at_us)
{
    timer->at_us = at_us;
    if (timer->place == 0) {
        if (timers->count == timers->capacity) {
            timers->capacity = timers->capacity == 0 ? 64 : timers->capacity * 2;
            timers->heap = memory_grow(timers->heap, timers->capacity * sizeof(struct timer *));
        }
        timers->count++;
        put(timers, timers->count, timer);
    }
    sift_up(timers, timer);
    sift_down(timers, timer);
}

void timers_clear(struct timers *timers, struct timer *timer)
{
    if (timer->place == 0)
        return;
    assert(at(timers, timer->place) == timer);
    struct timer *last = at(timers, timers->count);
    timers->count--;
    if (last != timer) {
        put(timers, timer->place, last);
        sift_up(timers, last);
        sift_down(timers, last);
    }
    timer->place = 0;
}

struct timer *timers_pop(struct timers *timers, uint64_t now_us)
{
    if (timers->count == 0 || at(timers, 1)->at_us > now_us)
        return NULL;
    struct timer *timer = at(timers, 1);
    timers_clear(timers, timer);
    return timer;
}

uint64_t timers_next_us(const struct timers *timers)
{
    return timers->count == 0 ? UINT64_MAX : at(timers, 1)->at_us;
}
