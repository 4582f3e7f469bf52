#include "routerd/live_router.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "common/live_log.h"
#include "common/live_peer.h"
#include "common/memory.h"
#include "routerd/live_http.h"
#include "routerd/router.h"

/* How long a start that has failed goes on, so that controld hears why. */
#define LAST_WORDS_US (500 * MILLISECOND_US)

struct live_router {
    struct live_loop *loop;
    struct live_control *control;
    struct router *router;
    struct live_http *http;
    struct live_loop_task turn_end;
    struct live_peer **peers; /* by the region's index in the config */
    size_t peer_count;
    Mec__ListenerConfig **bound;
    size_t bound_count;
    bool failed;
    struct event *last_words;

    /* Carrying out an action can close a connection, which is an event: it waits here until the
     * actions of the present step, which live until the next one, are done. */
    bool stepping;
    bool *went_down;
};

static void carry_out(struct live_router *live, const struct router_action *action)
{
    switch (action->kind) {
    case ROUTER_ANSWER:
        live_http_answer(live->http, action->request_id, action->answer);
        break;
    case ROUTER_SEND:
        live_peer_send(live->peers[action->peer], action->bytes, action->size);
        break;
    case ROUTER_CLOSE:
        live_peer_close(live->peers[action->peer], action->text ? action->text : "protocol error");
        break;
    case ROUTER_EXPLAINED:
        live_control_status(live->control, action->explain_id, action->text);
        break;
    case ROUTER_READY:
        if (!live->failed)
            live_control_ready(live->control, true, "");
        break;
    case ROUTER_LOG:
        live_log(LIVE_LOG_INFO, "%s", action->text);
        break;
    }
}

static void step_once(struct live_router *live, const struct router_event *event)
{
    struct router_actions actions = router_step(live->router, event);

    assert(!live->stepping);
    live->stepping = true;
    for (size_t i = 0; i < actions.count; i++)
        carry_out(live, &actions.items[i]);
    live->stepping = false;
}

static void step(struct live_router *live, struct router_event event)
{
    event.at = live_loop_now();
    step_once(live, &event);
    for (uint32_t peer = 0; peer < live->peer_count; peer++) {
        if (!live->went_down[peer])
            continue;
        live->went_down[peer] = false;
        step_once(live,
                  &(struct router_event){.kind = ROUTER_PEER_DOWN, .at = event.at, .peer = peer});
    }
    live_loop_at_turn_end(live->loop, &live->turn_end);
}

/* The next wake-up is asked for once a turn, however many steps the turn has had. */
static void on_turn_end(void *context)
{
    struct live_router *live = context;

    live_loop_wake(live->loop, router_wake_us(live->router));
}

static void on_wake(void *context)
{
    step(context, (struct router_event){.kind = ROUTER_TICK});
}

/* ---- clients ---- */

static void on_request(uint64_t request_id, const struct http_request *request, void *context)
{
    step(context, (struct router_event){
                      .kind = ROUTER_REQUEST, .request_id = request_id, .request = request});
}

static void on_gone(uint64_t request_id, void *context)
{
    step(context, (struct router_event){.kind = ROUTER_CLIENT_GONE, .request_id = request_id});
}

static struct live_http_settings http_settings(const Mec__Config *config)
{
    return (struct live_http_settings){.max_connections = config->settings->max_connections,
                                       .idle_timeout_us = config->settings->idle_timeout_us};
}

static bool is_bound(const struct live_router *live, const char *geo)
{
    for (size_t i = 0; i < live->bound_count; i++) {
        if (strcmp(live->bound[i]->geo, geo) == 0)
            return true;
    }
    return false;
}

/* Nothing else can be served under an address that clients do not know: say so and end. */
static void fail_listening(struct live_router *live, uint32_t port, int error)
{
    char text[160];

    if (error == -EADDRINUSE)
        snprintf(text, sizeof(text),
                 "port %u is taken by another program: stop it, or choose another with --port",
                 port);
    else
        snprintf(text, sizeof(text), "cannot listen on port %u: %s", port, strerror(-error));
    live_log(LIVE_LOG_ERROR, "%s", text);
    live_control_ready(live->control, false, text);
    live->failed = true;
    event_add(live->last_words, &(struct timeval){0, LAST_WORDS_US});
}

static int listen_one(struct live_router *live, const Mec__ListenerConfig *config)
{
    Mec__ListenerConfig *bound;
    uint16_t port = 0;
    int error = config->port > UINT16_MAX
                    ? -ERANGE
                    : live_http_listen(live->http, config->geo, (uint16_t)config->port, &port);

    if (error < 0) {
        fail_listening(live, config->port, error);
        return error;
    }
    bound = memory_copy(config, sizeof(*config));
    bound->geo = memory_text(config->geo);
    bound->port = port;
    live->bound = memory_grow(live->bound, (live->bound_count + 1) * sizeof(Mec__ListenerConfig *));
    live->bound[live->bound_count++] = bound;
    return 0;
}

/* Listeners stay once they are open: a later configuration can only add some. */
static void listen_all(struct live_router *live, const Mec__Config *config)
{
    size_t before = live->bound_count;

    for (size_t i = 0; i < config->n_listeners && !live->failed; i++) {
        if (!is_bound(live, config->listeners[i]->geo))
            listen_one(live, config->listeners[i]);
    }
    if (live->bound_count != before)
        live_control_listeners(live->control, (const Mec__ListenerConfig *const *)live->bound,
                               live->bound_count);
}

/* ---- regions ---- */

static uint32_t index_of(const struct live_peer *peer)
{
    return (uint32_t)live_peer_tag(peer);
}

static void on_up(struct live_peer *peer, void *context)
{
    step(context, (struct router_event){.kind = ROUTER_PEER_UP, .peer = index_of(peer)});
}

static void on_down(struct live_peer *peer, const char *why, void *context)
{
    struct live_router *live = context;

    (void)why; /* live_peer has logged it */
    if (live->stepping)
        live->went_down[index_of(peer)] = true;
    else
        step(live, (struct router_event){.kind = ROUTER_PEER_DOWN, .peer = index_of(peer)});
}

static void on_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    step(context,
         (struct router_event){.kind = ROUTER_FRAME, .peer = index_of(peer), .frame = *frame});
}

static void connect_regions(struct live_router *live, const Mec__Config *config)
{
    static const struct live_peer_handlers handlers = {
        .up = on_up, .frame = on_frame, .down = on_down};

    live->peer_count = config->n_regions;
    live->peers = memory_alloc(live->peer_count * sizeof(struct live_peer *));
    live->went_down = memory_alloc(live->peer_count * sizeof(bool));
    for (uint32_t i = 0; i < live->peer_count; i++) {
        const Mec__RegionConfig *region = config->regions[i];

        live->peers[i] =
            live_peer_connect(live->loop, region->name, region->address, &handlers, live);
        live_peer_set_tag(live->peers[i], i);
    }
}

/* ---- controld ---- */

static void on_config(const Mec__Config *config, void *context)
{
    struct live_router *live = context;
    struct live_http_settings settings = http_settings(config);

    if (config->n_regions != live->peer_count) {
        live_log(LIVE_LOG_ERROR, "the regions of a running world cannot change: restart routerd");
        return;
    }
    live_http_configure(live->http, &settings);
    listen_all(live, config);
    step(live, (struct router_event){.kind = ROUTER_CONFIGURED, .config = config});
}

static json_t *clients_json(const struct live_http *http)
{
    const struct live_http_counters *counters = live_http_counters(http);

    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "connections", (json_int_t)counters->connections,
                     "accepted", (json_int_t)counters->accepted, "turned_away",
                     (json_int_t)counters->turned_away, "requests", (json_int_t)counters->requests,
                     "refused", (json_int_t)counters->refused, "timed_out",
                     (json_int_t)counters->timed_out);
}

static char *on_status(const char *section, uint64_t ask_id, void *context)
{
    struct live_router *live = context;
    char *core = router_status(live->router, live_loop_now());
    json_t *json = json_loads(core, 0, NULL);
    char *text;

    (void)section;
    (void)ask_id;
    assert(json);
    json_object_set_new(json, "clients", clients_json(live->http));
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    free(core);
    return text;
}

static void on_control_frame(const struct frame *frame, void *context)
{
    struct live_router *live = context;
    Mec__ExplainAsk *ask;

    if (frame->kind != FRAME_EXPLAIN_ASK) {
        live_log(LIVE_LOG_WARN, "unexpected frame from controld kind=%s",
                 frame_kind_name(frame->kind));
        return;
    }
    ask = mec__explain_ask__unpack(NULL, frame->body_size, frame->body);
    if (!ask) {
        live_log(LIVE_LOG_WARN, "unreadable ExplainAsk ignored");
        return;
    }
    step(live,
         (struct router_event){.kind = ROUTER_EXPLAIN, .explain = ask, .explain_id = frame->id});
    mec__explain_ask__free_unpacked(ask, NULL);
}

/* ---- life ---- */

static void on_last_words(evutil_socket_t fd, short what, void *context)
{
    struct live_router *live = context;

    (void)fd;
    (void)what;
    live_loop_stop(live->loop);
}

static int create_core(struct live_router *live, const Mec__Config *config)
{
    uint8_t seed[32];
    int error;

    randombytes_buf(seed, sizeof(seed));
    error = router_create(config, seed, live_loop_now(), &live->router);
    if (error < 0)
        live_log(LIVE_LOG_ERROR, "the configuration cannot be used: %s", strerror(-error));
    return error;
}

int live_router_create(struct live_loop *loop, const struct live_options *options,
                       struct live_router **ret_router)
{
    static const struct live_control_handlers control_handlers = {
        .config = on_config, .status = on_status, .frame = on_control_frame};
    static const struct live_http_handlers http_handlers = {.request = on_request, .gone = on_gone};
    struct live_router *live = memory_alloc(sizeof(*live));
    struct live_http_settings settings;
    const Mec__Config *config;
    int error;

    live->loop = loop;
    live->turn_end = (struct live_loop_task){.run = on_turn_end, .context = live};
    live->last_words = evtimer_new(live_loop_base(loop), on_last_words, live);
    error = live_control_create(loop, options, &control_handlers, live, &live->control, &config);
    if (error == 0)
        error = create_core(live, config);
    if (error < 0) {
        live_router_free(live);
        return error;
    }
    settings = http_settings(config);
    live->http = live_http_create(loop, &settings, &http_handlers, live);
    live_loop_on_wake(loop, on_wake, live);
    connect_regions(live, config);
    listen_all(live, config);
    live_loop_at_turn_end(loop, &live->turn_end);
    *ret_router = live;
    return 0;
}

bool live_router_failed(const struct live_router *live)
{
    return live->failed;
}

static void free_bound(struct live_router *live)
{
    for (size_t i = 0; i < live->bound_count; i++) {
        free(live->bound[i]->geo);
        free(live->bound[i]);
    }
    free(live->bound);
}

void live_router_free(struct live_router *live)
{
    if (!live)
        return;
    live_http_free(live->http);
    for (size_t i = 0; i < live->peer_count; i++)
        live_peer_free(live->peers[i]);
    live_control_free(live->control);
    router_free(live->router);
    event_free(live->last_words);
    free_bound(live);
    free(live->peers);
    free(live->went_down);
    /* A turn may have ended the loop before the task has run: it must not find us gone. */
    live_loop_on_wake(live->loop, NULL, NULL);
    if (live->turn_end.queued)
        live->turn_end.run = free;
    else
        free(live);
}
