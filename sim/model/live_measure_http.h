/* live_measure_http: HTTP for those who measure a running world: one request after the other on a
 * connection that is kept, or many at a time; each with the time that it took. */

#ifndef MEC_LIVE_MEASURE_HTTP_H
#define MEC_LIVE_MEASURE_HTTP_H

#include <signal.h>

#include "sim/model/measure_answer.h"
#include "sim/model/measure_request.h"

struct live_measure_http;

/* Requests are cut short once *@stopped, unless it is NULL, is not 0. The caller owns the result.
 * Errors: -ENOMEM, libcurl does not start. */
int live_measure_http_create(const volatile sig_atomic_t *stopped,
                             struct live_measure_http **ret_http);
void live_measure_http_free(struct live_measure_http *http);

/* From now on nothing stops requests: for who cleans up. */
void live_measure_http_go_on(struct live_measure_http *http);

struct live_measure_call {
    const char *base; /* "http://127.0.0.1:8080" */
    const struct measure_request *request;
    const char *geo;      /* Mec-Geo; NULL: none; as below */
    const char *token;    /* bearer */
    const char *bookmark; /* Mec-Bookmark */
    bool strong;          /* Mec-Consistency */
    struct measure_answer answer;
    char *body; /* of the answer: a new string; NULL: none came */
    size_t body_size;
};

/* Send all of them, at most @parallel at a time, and wait for all. The time of an answer is from
 * the moment at which a connection stands to the last byte. A request without an answer has status
 * 0. Errors: -EINTR, it was stopped. */
int live_measure_http_send(struct live_measure_http *http, struct live_measure_call *calls,
                           size_t count, size_t parallel);

void live_measure_http_free_call(struct live_measure_call *call); /* its body */

#endif
