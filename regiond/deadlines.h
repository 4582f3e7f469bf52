/* deadlines: moments at which something has to happen, kept in a heap.
 *
 * A deadline is embedded in what it belongs to, so that setting one allocates nothing and taking it
 * back is cheap. It has no clock: the owner asks what is due. */

#ifndef MEC_DEADLINES_H
#define MEC_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

struct region;

struct deadline {
    uint64_t at_us;
    size_t slot; /* in the heap, from 1; 0: not set */
    void (*run)(struct region *region, struct deadline *deadline);
};

struct deadlines {
    struct deadline **heap;
    size_t count;
    size_t size;
};

void deadlines_free(struct deadlines *deadlines);

/* Set @deadline, or move it when it is set already. @run stays as it is. NEVER_US takes it back. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t at_us);
void deadlines_clear(struct deadlines *deadlines, struct deadline *deadline);

/* Take the earliest one that is due at @now_us, or NULL. It is no longer set then. */
struct deadline *deadlines_pop(struct deadlines *deadlines, uint64_t now_us);

/* When the earliest is due; NEVER_US when none is set. */
uint64_t deadlines_next_us(const struct deadlines *deadlines);

#endif
