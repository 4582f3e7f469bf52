/* live_http: the clients' side of routerd: listeners on loopback, connections, requests in, answers
 * out.
 *
 * Requests of one connection are handed over as they come, up to 32 at once, and answered in their
 * order, whatever order the answers come in. Everything that a client can make grow is bounded, and
 * so is what it can make one turn of the loop do, so that a slow or hostile client costs the others
 * nothing. An idle connection holds no buffers. */

#ifndef MEC_LIVE_HTTP_H
#define MEC_LIVE_HTTP_H

#include <stdint.h>

#include "common/live_loop.h"
#include "routerd/http_message.h"

struct live_http;

struct live_http_settings {
    uint32_t max_connections;   /* 0: 10,000 */
    uint64_t idle_timeout_us;   /* between requests, for a body, for a client to read; 0: 60 s */
    uint64_t header_timeout_us; /* from a header's first byte to its last; 0: 10 s */
    uint64_t tick_us;           /* how often time limits are looked at; 0: 1 s */
};

struct live_http_handlers {
    /* A request, for which live_http_answer() is to be called once, now or later. @request and what
     * it points to live until the handler returns. @request_id is never used again. */
    void (*request)(uint64_t request_id, const struct http_request *request, void *context);
    /* The client no longer waits for that answer; it need not be made. */
    void (*gone)(uint64_t request_id, void *context);
};

struct live_http_counters {
    uint64_t connections; /* open now */
    uint64_t accepted;
    uint64_t turned_away; /* over max_connections */
    uint64_t requests;
    uint64_t refused; /* requests that could not be read */
    uint64_t timed_out;
};

/* Also raises the limit of open files as far as it may go. The caller owns the result; @loop and
 * @handlers must outlive it. */
struct live_http *live_http_create(struct live_loop *loop,
                                   const struct live_http_settings *settings,
                                   const struct live_http_handlers *handlers, void *context);

/* Closes every listener and connection; calls no handler. */
void live_http_free(struct live_http *http);

/* Other settings, from now on. */
void live_http_configure(struct live_http *http, const struct live_http_settings *settings);

/* Listen on 127.0.0.1. @geo becomes the listener_geo of its requests; it is copied; NULL or "" for
 * none. @port 0 takes a free one. On 0, *@ret_port is the port.
 *
 * Errors: -EADDRINUSE, -EACCES, -errno. */
int live_http_listen(struct live_http *http, const char *geo, uint16_t port, uint16_t *ret_port);

/* Answer a request. It leaves at the end of this turn of the loop. An answer for a request whose
 * client is gone is dropped. Never calls a handler. */
void live_http_answer(struct live_http *http, uint64_t request_id,
                      const struct http_answer *answer);

const struct live_http_counters *live_http_counters(const struct live_http *http);

#endif
