/* timers: what is due next, of many deadlines. A binary heap whose entries stand inside their
 * owners, so that setting and clearing one allocates nothing. */

#ifndef MEC_TIMERS_H
#define MEC_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum timer_kind { TIMER_TRY, TIMER_PROBE, TIMER_LOOKUP, TIMER_START };

/* Zeroed, it is not set. */
struct timer {
    uint64_t at_us;
    uint32_t place;       /* in the heap, counted from 1; 0 = not set */
    enum timer_kind kind; /* whose it is; the owner is found by it */
    void *owner;
};

struct timers {
    struct timer **heap;
    size_t count;
    size_t capacity;
};

void timers_free(struct timers *timers);

/* Set @timer to @at_us, or move it there. It must not be freed or moved while it is set. */
void timers_set(struct timers *timers, struct timer *timer, uint64_t at_us);

/* Nothing happens when it is not set. */
void timers_clear(struct timers *timers, struct timer *timer);

/* Take the earliest timer due at @now_us, now no longer set; NULL when none is due. */
struct timer *timers_pop(struct timers *timers, uint64_t now_us);

/* UINT64_MAX when none is set. */
uint64_t timers_next_us(const struct timers *timers);

#endif
