#include "replicator/live_replicator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_log.h"
#include "common/live_peer.h"
#include "common/memory.h"
#include "replicator/replicator.h"

struct live_replicator {
    struct live_loop *loop;
    struct live_control *control;
    struct replicator *replicator;
    const char *region;
    struct live_peer **peers; /* by the region's index in the config */
    size_t peer_count;
    uint32_t own;

    /* Carrying out an action can close a connection, which is an event: it waits here until the
     * actions of the present step, which live until the next one, are done. */
    bool stepping;
    bool *went_down;
};

static void carry_out(struct live_replicator *live, const struct replicator_action *action)
{
    switch (action->kind) {
    case REPLICATOR_SEND:
        live_peer_send(live->peers[action->peer], action->bytes, action->size);
        break;
    case REPLICATOR_CLOSE:
        live_peer_close(live->peers[action->peer], action->text);
        break;
    case REPLICATOR_LOG:
        live_log(action->alarm ? LIVE_LOG_WARN : LIVE_LOG_INFO, "%s", action->text);
        break;
    }
}

static void step_once(struct live_replicator *live, const struct replicator_event *event)
{
    struct replicator_actions actions = replicator_step(live->replicator, event);

    live->stepping = true;
    for (size_t i = 0; i < actions.count; i++)
        carry_out(live, &actions.items[i]);
    live->stepping = false;
}

static void step(struct live_replicator *live, const struct replicator_event *event)
{
    step_once(live, event);
    for (uint32_t peer = 0; peer < live->peer_count; peer++) {
        if (!live->went_down[peer])
            continue;
        live->went_down[peer] = false;
        step_once(live, &(struct replicator_event){
                            .kind = REPLICATOR_PEER_DOWN, .at = live_loop_now(), .peer = peer});
    }
    live_loop_wake(live->loop, replicator_wake_us(live->replicator));
}

static void on_wake(void *context)
{
    step(context, &(struct replicator_event){.kind = REPLICATOR_TICK, .at = live_loop_now()});
}

/* ---- peers ---- */

static uint32_t index_of(const struct live_peer *peer)
{
    return (uint32_t)live_peer_tag(peer);
}

static void on_up(struct live_peer *peer, void *context)
{
    struct live_replicator *live = context;

    step(live, &(struct replicator_event){
                   .kind = REPLICATOR_PEER_UP, .at = live_loop_now(), .peer = index_of(peer)});
    if (index_of(peer) == live->own)
        live_control_ready(live->control, true, "");
}

static void on_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    step(context, &(struct replicator_event){.kind = REPLICATOR_FRAME,
                                             .at = live_loop_now(),
                                             .peer = index_of(peer),
                                             .frame = *frame});
}

static void on_down(struct live_peer *peer, const char *why, void *context)
{
    struct live_replicator *live = context;

    (void)why; /* live_peer has logged it */
    if (index_of(peer) == live->own)
        live_control_ready(live->control, false, "not connected to its own regiond");
    if (live->stepping) {
        live->went_down[index_of(peer)] = true;
        return;
    }
    step(live, &(struct replicator_event){
                   .kind = REPLICATOR_PEER_DOWN, .at = live_loop_now(), .peer = index_of(peer)});
}

static void connect_peers(struct live_replicator *live, const Mec__Config *config)
{
    static const struct live_peer_handlers handlers = {
        .up = on_up, .frame = on_frame, .down = on_down};

    live->peer_count = config->n_regions;
    live->peers = memory_alloc(live->peer_count * sizeof *live->peers);
    live->went_down = memory_alloc(live->peer_count * sizeof *live->went_down);
    for (uint32_t i = 0; i < live->peer_count; i++) {
        const Mec__RegionConfig *region = config->regions[i];

        live->peers[i] =
            live_peer_connect(live->loop, region->name, region->address, &handlers, live);
        live_peer_set_tag(live->peers[i], i);
        if (strcmp(region->name, live->region) == 0)
            live->own = i;
    }
}

/* ---- control ---- */

static void on_config(const Mec__Config *config, void *context)
{
    step(context, &(struct replicator_event){
                      .kind = REPLICATOR_CONFIGURED, .at = live_loop_now(), .config = config});
}

static char *on_status(const char *section, uint64_t ask_id, void *context)
{
    struct live_replicator *live = context;

    (void)section;
    (void)ask_id;
    return replicator_status(live->replicator, live_loop_now());
}

int live_replicator_create(struct live_loop *loop, const struct live_options *options,
                           struct live_replicator **ret_live)
{
    static const struct live_control_handlers handlers = {.config = on_config, .status = on_status};
    struct live_replicator *live = memory_alloc(sizeof *live);
    const Mec__Config *config;
    int error;

    live->loop = loop;
    live->region = options->region;
    error = live_control_create(loop, options, &handlers, live, &live->control, &config);
    if (error)
        goto free_live;
    error = live->region ? replicator_create(live->region, config, config->seed, live_loop_now(),
                                             &live->replicator)
                         : -EINVAL;
    if (error) {
        live_log(LIVE_LOG_ERROR, "the configuration cannot be used: %s", strerror(-error));
        goto free_control;
    }
    live_loop_on_wake(loop, on_wake, live);
    connect_peers(live, config);
    *ret_live = live;
    return 0;

free_control:
    live_control_free(live->control);
free_live:
    free(live);
    return error;
}

void live_replicator_free(struct live_replicator *live)
{
    if (!live)
        return;
    for (size_t i = 0; i < live->peer_count; i++)
        live_peer_free(live->peers[i]);
    live_loop_on_wake(live->loop, NULL, NULL);
    live_control_free(live->control);
    replicator_free(live->replicator);
    free(live->went_down);
    free(live->peers);
    free(live);
}
