/* measure_request: a question of the traffic model, and what has to be there before, as HTTP.
 *
 * Each run has a tag, and all that it makes bears it: two runs on one world do not meet. */

#ifndef MEC_MEASURE_REQUEST_H
#define MEC_MEASURE_REQUEST_H

#include "sim/model/measure_plan.h"

#define MEASURE_TAG_SIZE 24

/* An HTTP request, but for who asks: the shell adds place, token and bookmark. */
struct measure_request {
    const char *method; /* static */
    char *path;
    char *body;               /* NULL: none */
    const char *content_type; /* static; NULL: none */
};

void measure_request_free(struct measure_request *request); /* its content */

/* Names of users, as new strings: who asks; the owner at @home of what is shared; somebody new
 * whose name the directory of the shard that is at home in @directory hands out, the
 * @number-th such in this run. */
char *measure_request_asker(const char *tag, const struct deployment *deployment,
                            const struct measure_asker *asker);
char *measure_request_owner(const char *tag, const struct deployment *deployment, uint32_t home);
char *measure_request_newcomer(const char *tag, const struct deployment *deployment,
                               uint32_t directory, size_t number);

/* {"name", "password"} to sign up or log in with. */
struct measure_request measure_request_sign_up(const char *name);
struct measure_request measure_request_log_in(const char *name);

/* What must be there for reads: a value, an item of one's own, an item to share, a grant. */
struct measure_request measure_request_value(const char *key);
struct measure_request measure_request_item(bool shared);
struct measure_request measure_request_grant(const char *user);
struct measure_request measure_request_read(const char *key);
struct measure_request measure_request_refresh(void);

/* Undo a sign-up, and all that the account has. */
struct measure_request measure_request_erase(void);

/* @question as a request. @number: see measure_request_newcomer(). */
struct measure_request measure_request_of(const char *tag, const struct deployment *deployment,
                                          const struct traffic_question *question, size_t number);

#endif
