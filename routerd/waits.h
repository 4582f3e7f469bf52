/* waits: what each of many connections is waiting for, and which have waited too long.
 *
 * One list for each reason to wait. All that wait for one reason may wait equally long, so a list
 * is in the order of its deadlines by itself: beginning, ending and finding the overdue cost the
 * same however many there are. Time is counted in ticks of the owner's coarse timer. */

#ifndef MEC_WAITS_H
#define MEC_WAITS_H

#include <stdint.h>

enum wait_reason {
    WAIT_NONE,   /* for us: no limit here */
    WAIT_IDLE,   /* between requests */
    WAIT_HEADER, /* for the rest of a header, from its first byte on */
    WAIT_BODY,   /* for more of a body */
    WAIT_WRITE,  /* for the client to read */
    WAIT_DRAIN,  /* for the client to close, after we have */
    WAIT_COUNT
};

/* Stands in what waits. Zeroed: waits for nothing. */
struct wait {
    enum wait_reason reason;
    uint64_t deadline_tick;
    struct wait *previous;
    struct wait *next;
};

struct waits {
    struct wait heads[WAIT_COUNT]; /* rings */
    uint32_t limit_ticks[WAIT_COUNT];
    uint64_t now_tick;
};

void waits_init(struct waits *waits, const uint32_t limit_ticks[WAIT_COUNT]);

/* Wait for @reason from now on; for the same reason again: as long again. */
void waits_begin(struct waits *waits, struct wait *wait, enum wait_reason reason);
void waits_end(struct wait *wait);

/* One more tick has passed. */
void waits_tick(struct waits *waits);

/* One that has waited longer than it may; it still waits. NULL: none. */
struct wait *waits_overdue(struct waits *waits);

/* Other limits, for waits that begin from now on. */
void waits_limit(struct waits *waits, const uint32_t limit_ticks[WAIT_COUNT]);

#endif
