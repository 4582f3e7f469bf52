/* router: the core of routerd: events and the time go in, actions come out.
 *
 * For each request it decides by policy.h where it goes, asks that region over the client's
 * emulated link, and asks elsewhere when that fails and may be repeated. It watches every region
 * from every vantage by health.h, and knows whose writes wait in which queue.
 *
 * No socket, clock, thread or random source of its own. Owns nothing durable. */

#ifndef MEC_ROUTER_H
#define MEC_ROUTER_H

#include "common/frame.h"
#include "common/moment.h"
#include "control.pb-c.h"
#include "routerd/http_message.h"

struct router;

enum router_event_kind {
    ROUTER_REQUEST, /* a client asks; answered by exactly one ANSWER unless CLIENT_GONE comes first
                     */
    ROUTER_CLIENT_GONE, /* the client of @request_id no longer waits; the write goes on */
    ROUTER_PEER_UP,     /* connection to a regiond stands */
    ROUTER_PEER_DOWN,
    ROUTER_FRAME,
    ROUTER_EXPLAIN,
    ROUTER_CONFIGURED,
    ROUTER_TICK
};

struct router_event {
    enum router_event_kind kind;
    struct moment at;
    uint64_t request_id;                /* REQUEST, CLIENT_GONE: the shell's, never used again */
    const struct http_request *request; /* REQUEST: its slices need live only during the step */
    uint32_t peer;                      /* PEER_*, FRAME: index into config->regions */
    struct frame frame;
    const Mec__ExplainAsk *explain; /* EXPLAIN */
    uint64_t explain_id;
    const Mec__Config *config; /* CONFIGURED: lives until the next one */
};

enum router_action_kind {
    ROUTER_ANSWER,
    ROUTER_SEND,      /* frame to a region, now */
    ROUTER_CLOSE,     /* drop the connection to a region: it broke the protocol */
    ROUTER_EXPLAINED, /* text is the JSON answer to explain_id */
    ROUTER_READY,     /* all regions have been connected to once: serve */
    ROUTER_LOG
};

struct router_action {
    enum router_action_kind kind;
    uint64_t request_id;
    const struct http_answer *answer; /* lives until the next step */
    uint32_t peer;
    const uint8_t *bytes; /* a whole frame; lives until the next step */
    size_t size;
    uint64_t explain_id;
    const char *text;
};

struct router_actions {
    const struct router_action *items; /* live until the next step */
    size_t count;
};

/* @seed makes idempotency keys and trace ids (32 bytes of fresh randomness from the shell).
 * Errors: -EINVAL, the config cannot be used. */
int router_create(const Mec__Config *config, const uint8_t seed[32], struct moment at,
                  struct router **ret_router);
void router_free(struct router *router);
struct router_actions router_step(struct router *router, const struct router_event *event);
uint64_t router_wake_us(const struct router *router);

/* For people, as new JSON: regions by vantage with health, round trips configured and measured,
 * time of the last changes, requests by outcome. */
char *router_status(const struct router *router, struct moment at);

/* For /metrics, as new text (Prometheus exposition format 0.0.4). */
char *router_metrics(const struct router *router, struct moment at);

#endif
