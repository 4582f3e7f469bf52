/* events: what is to happen in virtual time, in the order of (time, sequence): what was added first
 * comes first among equals, so that a run is the same every time. A binary heap. */

#ifndef MEC_EVENTS_H
#define MEC_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event {
    uint64_t at_us;
    uint64_t sequence;
    void (*run)(void *what);  /* takes @what over */
    void (*drop)(void *what); /* instead, when the world ends before; likewise */
    void *what;
};

/* Zeroed, it is empty. */
struct events {
    struct event *heap;
    size_t count, capacity;
    uint64_t last_sequence;
};

void events_free(struct events *events); /* drops what is left */
void events_add(struct events *events, uint64_t at_us, void (*run)(void *what),
                void (*drop)(void *what), void *what);

/* Take out the first one. False when there is none. */
bool events_take(struct events *events, struct event *ret_event);

#endif
