/* deadlines: what is due next, of many moments at which something has to happen. A binary heap.
 *
 * A deadline stands inside what it belongs to, so that setting and clearing one allocates nothing
 * but the heap's own growth. It has no clock and calls nobody: who steps takes out what is due, and
 * tells by `kind` and `owner` what to do about it. Each daemon has kinds of its own.
 *
 * Which of two deadlines of the same moment comes first is not said, but is always the same after
 * the same calls. */

#ifndef MEC_DEADLINES_H
#define MEC_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is not set. It must not be freed or moved while it is set. */
struct deadline {
    uint64_t at_us;
    size_t slot;   /* in the heap, counted from 1; 0: not set */
    unsigned kind; /* for whoever takes it out, as is the owner; neither is looked at here */
    void *owner;
};

/* Zeroed, it is empty. */
struct deadlines {
    struct deadline **heap;
    size_t count;
    size_t capacity;
};

/* The deadlines themselves are their owners', who had better be gone. Leaves it empty. */
void deadlines_free(struct deadlines *deadlines);

/* Set @deadline to @at_us, or move it there. NEVER_US clears it. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t at_us);

/* Nothing happens when it is not set. */
void deadlines_clear(struct deadlines *deadlines, struct deadline *deadline);

/* Take out the earliest one due at @now_us, now no longer set; NULL when none is due. */
struct deadline *deadlines_pop(struct deadlines *deadlines, uint64_t now_us);

/* When the earliest is due; NEVER_US when none is set. */
uint64_t deadlines_next_us(const struct deadlines *deadlines);

#endif
