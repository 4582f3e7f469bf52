/* live_work: work that would stall the event loop, done on threads, and handed back on the loop.
 *
 * An item belongs to the threads from live_work_give() until `done` is called with it. What waits
 * is not bounded here: whoever gives, bounds. */

#ifndef MEC_LIVE_WORK_H
#define MEC_LIVE_WORK_H

#include <stdbool.h>

#include "common/live_loop.h"

struct live_work;

struct live_work_options {
    unsigned threads;
    int nice;         /* of the threads, on top of the process's: 0 to 19; above 0 with long turns */
    unsigned idle_ms; /* how long a thread has nothing to do before it calls `idle` */

    void (*run)(void *item, void *context);  /* on a thread */
    void (*done)(void *item, void *context); /* on the loop */
    /* Optional, on a thread: after each item, when `done` is on its way already. */
    void (*after)(void *context);
    /* Optional, on a thread: a little of what can wait. Returns whether there is more; what comes
     * meanwhile waits for one such step at most. */
    bool (*idle)(void *context);
    void *context;
};

/* Errors: -errno, no thread or descriptor to be had. */
int live_work_create(struct live_loop *loop, const struct live_work_options *options,
                     struct live_work **ret_work);

/* Waits for items under way; these and the waiting ones are not handed back. */
void live_work_free(struct live_work *work);

/* Items are taken in the order in which they are given. */
void live_work_give(struct live_work *work, void *item);

#endif
