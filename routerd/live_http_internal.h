/* live_http_internal: what live_http.c (listeners, the table of connections), live_client.c (one
 * connection) and live_answers.c (what it is owed) share. For these only. */

#ifndef MEC_LIVE_HTTP_INTERNAL_H
#define MEC_LIVE_HTTP_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "routerd/http_parse.h"
#include "routerd/http_text.h"
#include "routerd/live_http.h"
#include "routerd/waits.h"

#define LIVE_HTTP_READ_SIZE       (64u * 1024u)   /* most that one turn reads of a connection */
#define LIVE_HTTP_REQUESTS_MAX    32u             /* outstanding, and taken in one turn */
#define LIVE_HTTP_OUT_MAX         (1024u * 1024u) /* past that its requests wait */
#define LIVE_HTTP_DRAIN_SIZE_MAX  (1024u * 1024u)
#define LIVE_HTTP_SPARE_OUTS      256u
#define LIVE_HTTP_CONNECTION_BITS 20u /* of a request id: which connection */

/* A request that has been handed over, or whose answer waits for the ones before it. */
struct live_exchange {
    uint64_t request_id;
    bool answered;
    bool closes; /* the connection ends with it */
    bool http_1_0;
    struct http_text text; /* the answer, when others must leave first */
    STAILQ_ENTRY(live_exchange) link;
};

enum live_client_phase {
    CLIENT_OPEN,    /* takes requests */
    CLIENT_LAST,    /* takes no more; closes when the last answer has left */
    CLIENT_DRAINING /* we have closed our side, and wait for the client to close its own */
};

struct live_client {
    struct live_http *http;
    int fd;
    uint32_t index; /* in http->clients */
    const char *listener_geo;
    char address[INET_ADDRSTRLEN];
    enum live_client_phase phase;
    struct event readable;
    struct event writable;
    struct wait wait;
    struct http_parse *parse; /* of a request that is half read; else NULL */
    char *in;                 /* what has been read and not been handed over */
    size_t in_size;
    size_t in_capacity;
    struct http_text out;
    size_t out_sent;                        /* of out, by earlier writes */
    STAILQ_HEAD(, live_exchange) exchanges; /* in the order of requests */
    uint32_t exchange_count;
    size_t drained_size;
    bool reads;         /* `readable` is added */
    bool writes;        /* `writable` is added: the socket is full */
    bool starved;       /* what stands in `in` is the beginning of a request, no whole one */
    bool ended;         /* the client has closed its side */
    bool owes_continue; /* 100 Continue, once the answers before it have left */
    bool dirty;         /* on http->dirty */
    bool waits_turn;    /* on http->turns */
    TAILQ_ENTRY(live_client) dirty_link;
    TAILQ_ENTRY(live_client) turn_link;
};

struct live_http_listener {
    struct live_http *http;
    int fd;
    char *geo;
    struct event *acceptable;
    SLIST_ENTRY(live_http_listener) link;
};

struct live_http {
    struct live_loop *loop;
    struct live_http_settings settings;
    const struct live_http_handlers *handlers;
    void *context;
    struct live_http_counters counters;
    SLIST_HEAD(, live_http_listener) listeners;
    bool accepts; /* false for a tick after the process has run out of descriptors */

    struct live_client **clients; /* by index; NULL: free */
    uint32_t client_capacity;
    uint32_t *free_indices;
    uint32_t free_count;
    uint64_t next_serial; /* of requests */

    struct waits waits;
    struct event *tick;
    TAILQ_HEAD(live_client_list, live_client) dirty; /* to be written at the end of this turn */
    struct live_loop_task flush;
    struct live_client_list turns; /* have whole requests in `in`, for the next turn */
    struct event *next_turn;
    STAILQ_HEAD(, live_exchange) free_exchanges;
    uint32_t free_exchange_count;
    struct http_text spare_outs[LIVE_HTTP_SPARE_OUTS];
    uint32_t spare_out_count;
    struct http_parse *spare_parse;
    char *scratch; /* LIVE_HTTP_READ_SIZE: most reads end here and are used up at once */
};

/* live_client.c: one connection. */
void live_client_open(struct live_http *http, int fd, const char *listener_geo, uint32_t index);
void live_client_close(struct live_client *client, bool tell);
void live_client_answer(struct live_client *client, uint64_t request_id,
                        const struct http_answer *answer);
void live_client_flush(struct live_client *client);
void live_client_take_turn(struct live_client *client);
void live_client_overdue(struct live_client *client);

#endif
