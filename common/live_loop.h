/* live_loop: what every daemon's main does alike: one libevent base with precise timers, clocks,
 * signals, logging, and one timer for the core's next wake-up. */

#ifndef MEC_LIVE_LOOP_H
#define MEC_LIVE_LOOP_H

#include <stdbool.h>

#include <event2/event.h>

#include "common/moment.h"

struct live_loop;

/* EVENT_BASE_FLAG_PRECISE_TIMER is set; SIGTERM and SIGINT end live_loop_run(); SIGPIPE is ignored;
 * libsodium is ready; the calling thread's turns are short (live_turns.h).
 * The caller owns the result. Errors: -errno. */
int live_loop_create(struct live_loop **ret_loop);
void live_loop_free(struct live_loop *loop);
struct event_base *live_loop_base(struct live_loop *loop);
void live_loop_run(struct live_loop *loop);
void live_loop_stop(struct live_loop *loop);

struct moment live_loop_now(void);

/* One wake-up: @run is called once @at_us (monotonic) is reached; asking again replaces it;
 * NEVER_US takes it back. Cheap when the time does not change. */
void live_loop_wake(struct live_loop *loop, uint64_t at_us);
void live_loop_on_wake(struct live_loop *loop, void (*run)(void *context), void *context);

/* Work put off to the end of the present turn of the loop, behind all callbacks of the turn, so
 * that what many of them made leaves as one. Stands in its owner, zeroed but for @run and @context;
 * @run may free it. */
struct live_loop_task {
    void (*run)(void *context);
    void *context;
    struct live_loop_task *next;
    bool queued;
};

/* Run @task once, in the order of asking; asking again before it has run does nothing. Tasks that
 * are left when the loop is freed are run then. */
void live_loop_at_turn_end(struct live_loop *loop, struct live_loop_task *task);

#endif
