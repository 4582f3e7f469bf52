/* live_measure_control: what a running world says of itself, and what is broken in it on purpose:
 * by operators' HTTP. All that was broken here is remembered, and can be mended in one go. */

#ifndef MEC_LIVE_MEASURE_CONTROL_H
#define MEC_LIVE_MEASURE_CONTROL_H

#include <signal.h>
#include <stdbool.h>

#include <jansson.h>

#include "control.pb-c.h"

struct live_measure_control;

/* All errors below come with a new *@ret_error for people. @stopped ends waits, and never what is
 * being done to the world. The caller owns the result.
 * Errors: -ENOENT, no world of that name runs; -ECONNREFUSED, its controld does not. */
int live_measure_control_open(const char *world, const volatile sig_atomic_t *stopped,
                              struct live_measure_control **ret_control, char **ret_error);
void live_measure_control_free(struct live_measure_control *control);

/* From now on nothing stops waits: for who cleans up. */
void live_measure_control_go_on(struct live_measure_control *control);

/* Where clients ask that say for themselves where they are. */
const char *live_measure_control_http(const struct live_measure_control *control);

/* The configuration by which its processes run. */
const Mec__Config *live_measure_control_config(const struct live_measure_control *control);

/* A new reference. Errors: -ECONNREFUSED, controld does not answer; -EIO. */
int live_measure_control_status(struct live_measure_control *control, json_t **ret_status,
                                char **ret_error);

/* Until @test holds, or @timeout_us are over: then the error is what @test said last. Errors: as
 * above; -ETIMEDOUT; -EINTR, it was stopped. */
typedef bool live_measure_control_test(const json_t *status, const void *context, char **ret_why);
int live_measure_control_wait(struct live_measure_control *control, live_measure_control_test *test,
                              const void *context, uint64_t timeout_us, char **ret_error);

/* Make a fault: `mecentral service`, `mecentral cache` with @arguments, which are released. It ends
 * by itself after @for_s, should nobody be left to mend it.
 * Errors: -EIO, the world refuses; -ECONNREFUSED. */
int live_measure_control_fault(struct live_measure_control *control, const char *command,
                               json_t *arguments, unsigned for_s, char **ret_error);

/* Kill a region. Errors: as above. */
int live_measure_control_kill(struct live_measure_control *control, const char *region,
                              char **ret_error);

/* Heal the faults and start the regions. Goes on behind the first that does not work; that one's
 * error is returned, and what could not be mended is mended by the next call, if it works then. */
int live_measure_control_mend(struct live_measure_control *control, char **ret_error);

/* What mending would do now: "start us-east", "heal f3"; a new string; NULL: nothing. */
char *live_measure_control_broken(const struct live_measure_control *control);

#endif
