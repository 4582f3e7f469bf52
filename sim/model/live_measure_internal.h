/* What the files of live_measure share. */

#ifndef MEC_LIVE_MEASURE_INTERNAL_H
#define MEC_LIVE_MEASURE_INTERNAL_H

#include "sim/model/live_measure.h"
#include "sim/model/live_measure_control.h"
#include "sim/model/live_measure_http.h"
#include "sim/model/measure_world.h"

struct live_measure {
    struct live_measure_control *control;
    struct live_measure_http *http;
    const char *base; /* of clients */
    const char *world;
    bool quiet;
    bool terminal; /* stderr is one, and progress is shown there */
    char tag[MEASURE_TAG_SIZE];
};

/* live_measure.c: messages on stderr, unless they are not wanted; a line that the next one
 * replaces. All are whole lines without their end. */
void live_measure_say(const struct live_measure *measure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void live_measure_progress(const struct live_measure *measure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Wait up to @us; less when it is stopped. */
void live_measure_pause(uint64_t us);

/* Wait until all is well. Errors: as live_measure_control_wait(). */
int live_measure_wait_well(const struct live_measure *measure, uint64_t timeout_us,
                           char **ret_error);

struct live_measure_user;

/* Leave the world as it was, whatever has happened and whoever wants it stopped: mend what was
 * broken, delete the accounts. @error and *@error_text are what went wrong before; returns that, or
 * what went wrong now. */
int live_measure_leave(const struct live_measure *measure, struct live_measure_user *users,
                       size_t count, int error, char **error_text);

/* ---- live_measure_users.c: accounts that ask ---- */

struct live_measure_user {
    char *name;
    const char *home; /* the region near which they sign up; borrowed */
    char *token;      /* NULL: none yet */
};

/* Sign up and log in. Errors: -EIO, with a new *@ret_error, as all below; -EINTR. */
int live_measure_users_make(const struct live_measure *measure, struct live_measure_user *users,
                            size_t count, char **ret_error);

/* Get all of them new tokens. */
int live_measure_users_refresh(const struct live_measure *measure, struct live_measure_user *users,
                               size_t count, char **ret_error);

/* Delete those accounts that are there. Returns how many it could not. Frees nothing. */
size_t live_measure_users_erase(const struct live_measure *measure, struct live_measure_user *users,
                                size_t count);

void live_measure_users_free(struct live_measure_user *users, size_t count); /* and the list */

/* Send each a request of its own, @requests, which are released, and want 2xx of all.
 * @what is for the error. */
int live_measure_users_do(const struct live_measure *measure, const struct live_measure_user *users,
                          struct measure_request *requests, size_t count, const char *what,
                          char **ret_error);

/* ---- the models ---- */

int live_measure_latency(const struct live_measure *measure, const struct params *params,
                         struct result *result, char **ret_error);
int live_measure_blast(const struct live_measure *measure, const struct params *params,
                       struct result *result, char **ret_error);

#endif
