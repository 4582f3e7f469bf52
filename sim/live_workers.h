/* live_workers: child processes that run trials, one at a time each. A trial that crashes or hangs
 * takes its process with it and nothing else, and is known by that. */

#ifndef MEC_LIVE_WORKERS_H
#define MEC_LIVE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/trial.h"

struct live_workers;

/* In the child: run @trial, whose number, plant and twice are set, and set what came of it. What
 * @context leads to is as it was when the workers were made. */
typedef void (*live_workers_run)(struct trial *trial, void *context);

/* Processes start when they are first needed. What is left in stdout's buffer is written first. A
 * trial may take @limit_us of CPU time, twice that when it runs twice. */
struct live_workers *live_workers_create(size_t jobs, uint64_t limit_us, live_workers_run run,
                                         void *context);

/* Those at work are killed, the others may end in good order. Returns how many of them did not: a
 * sanitizer has found a leak, and has said so on stderr. */
size_t live_workers_free(struct live_workers *workers);

bool live_workers_has_idle(const struct live_workers *workers);
bool live_workers_has_busy(const struct live_workers *workers);

/* Start @trial (number, plant, twice) on an idle worker. Errors: -errno, no process could be made.
 */
int live_workers_give(struct live_workers *workers, const struct trial *trial);

/* Wait up to @timeout_us for a trial to end. True when one has. False also on a signal. */
bool live_workers_take(struct live_workers *workers, uint64_t timeout_us, struct trial *ret_trial);

uint64_t live_workers_now_us(void); /* monotonic */

#endif
