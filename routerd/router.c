#include "routerd/router.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/plant.h"
#include "common/reach.h"
#include "routerd/asking.h"
#include "routerd/core.h"
#include "routerd/due.h"
#include "routerd/explain.h"
#include "routerd/probing.h"
#include "routerd/respond.h"

#define START_PATIENCE_US (3 * SECOND_US)
#define THRESHOLD_MAX     1000u

/* Configuration. */

static bool settings_are_usable(const Mec__Config *config)
{
    const Mec__Settings *settings = config->settings;
    return settings != NULL && settings->default_geo_index < config->n_regions &&
           settings->probe_interval_us > 0 && settings->probe_fail_threshold > 0 &&
           settings->probe_fail_threshold <= THRESHOLD_MAX && settings->probe_pass_threshold > 0 &&
           settings->probe_pass_threshold <= THRESHOLD_MAX;
}

static bool is_usable(const Mec__Config *config)
{
    if (config->n_regions == 0 || config->n_regions > POLICY_REGIONS_MAX ||
        config->n_shards > CORE_SHARDS_MAX || !settings_are_usable(config))
        return false;
    for (size_t shard = 0; shard < config->n_shards; shard++) {
        if (strlen(config->shards[shard]->name) >= SHARD_NAME_SIZE)
            return false;
    }
    return true;
}

/* Peers are numbered by region and marks by shard, so neither list may change while we run. */
static bool is_same_world(const Mec__Config *old, const Mec__Config *new)
{
    if (old->n_regions != new->n_regions || old->n_shards != new->n_shards)
        return false;
    for (size_t region = 0; region < old->n_regions; region++) {
        if (strcmp(old->regions[region]->name, new->regions[region]->name) != 0)
            return false;
    }
    for (size_t shard = 0; shard < old->n_shards; shard++) {
        if (strcmp(old->shards[shard]->name, new->shards[shard]->name) != 0)
            return false;
    }
    return true;
}

static Mec__Config *copy_config(const Mec__Config *config)
{
    size_t size = mec__config__get_packed_size(config);
    uint8_t *bytes = memory_alloc(size + 1);
    mec__config__pack(config, bytes);
    Mec__Config *copy = mec__config__unpack(NULL, size, bytes);
    free(bytes);
    assert(copy != NULL);
    return copy;
}

static void take_config(struct router *router, const Mec__Config *config)
{
    router->config = copy_config(config);
    for (uint32_t shard = 0; shard < router->config->n_shards; shard++) {
        router->shard_names[shard] = router->config->shards[shard]->name;
        if (PLANTED(STALE_HOME) && router->ready)
            continue; /* so that somebody asks who is the home no more */
        router->shards[shard].home =
            core_region_index(router, slice_of(router->config->shards[shard]->home));
    }
}

/* Life. */

int router_create(const Mec__Config *config, const uint8_t seed[32], struct moment at,
                  struct router **ret_router)
{
    if (!is_usable(config))
        return -EINVAL;
    struct router *router = memory_alloc(sizeof(*router));
    uint64_t link_seed;
    uint8_t hint_key[16];
    idents_init(&router->idents, seed);
    idents_bytes(&router->idents, (uint8_t *)&link_seed, sizeof(link_seed));
    idents_bytes(&router->idents, hint_key, sizeof(hint_key));
    router->network = network_create(link_seed);
    int error = network_configure(router->network, config);
    if (error != 0) {
        network_free(router->network);
        free(router);
        return error;
    }
    take_config(router, config);
    router->at = at;
    router->wan = wan_create();
    router->arena = arena_create();
    router->hints = hints_create(hint_key);
    router->buckets = buckets_create();
    router->pendings = pendings_create();
    router->marks = marks_create(router->config->n_regions, router->shard_names,
                                 router->config->n_shards, MARKS_MAX);
    router->vantages =
        vantages_create(router->network, &router->deadlines, router->config, at.now_us);
    router->start.kind = DUE_START;
    deadlines_set(&router->deadlines, &router->start, at.now_us + START_PATIENCE_US);
    *ret_router = router;
    return 0;
}

static void free_kept(struct router *router)
{
    for (size_t index = 0; index < router->kept_count; index++)
        free(router->kept[index]);
    router->kept_count = 0;
}

void router_free(struct router *router)
{
    if (router == NULL)
        return;
    free_kept(router);
    for (size_t index = 0; index < CORE_LOOKUPS_MAX; index++)
        free(router->lookups[index].ask);
    vantages_free(router->vantages);
    marks_free(router->marks);
    pendings_free(router->pendings);
    hints_free(router->hints);
    buckets_free(router->buckets);
    wan_free(router->wan);
    network_free(router->network);
    deadlines_free(&router->deadlines);
    arena_free(router->arena);
    mec__config__free_unpacked(router->config, NULL);
    free(router->actions);
    free(router->kept);
    free(router);
}

/* Events. */

static void fail_what_was_reset(struct router *router)
{
    struct wan_message messages[64];
    size_t count;
    do {
        count = wan_take_reset(router->wan, messages, 64);
        for (size_t index = 0; index < count; index++) {
            if (messages[index].kind == FRAME_CALL || messages[index].kind == FRAME_ANSWER)
                asking_reset(router, messages[index].id);
            else
                probing_reset(router, messages[index].id);
        }
    } while (count == 64);
}

static void on_configured(struct router *router, const Mec__Config *config)
{
    Mec__Config *old = router->config;
    if (!is_usable(config) || !is_same_world(old, config) ||
        network_configure(router->network, config) != 0) {
        core_log(router, "configuration %llu cannot be used; going on with %llu",
                 (unsigned long long)config->version, (unsigned long long)old->version);
        return;
    }
    take_config(router, config);
    vantages_configure(router->vantages, router->config, router->at.now_us);
    mec__config__free_unpacked(old, NULL);
    wan_relink(router->wan, router->at.now_us);
    fail_what_was_reset(router);
}

static void on_peer_up(struct router *router, uint32_t region)
{
    assert(region < router->config->n_regions);
    probing_opened(router, region);
}

static void on_peer_down(struct router *router, uint32_t region)
{
    assert(region < router->config->n_regions);
    wan_drop_peer(router->wan, region);
    probing_closed(router, region);
    asking_region_lost(router, region);
    explain_region_lost(router, region);
}

static void on_frame(struct router *router, uint32_t region, const struct frame *frame)
{
    switch (frame->kind) {
    case FRAME_ANSWER:
        if ((frame->id & CORE_ID_LOOKUP) != 0)
            explain_returned(router, region, frame);
        else
            asking_returned(router, region, frame);
        return;
    case FRAME_PONG:
        probing_returned(router, region, frame);
        return;
    case FRAME_QUEUE_LIST:
        probing_listed(router, region, frame);
        return;
    default:
        core_close(router, region, "a frame of a kind that no region sends here");
    }
}

/* Returns false when the client has been told to slow down. */
static bool is_within_limit(struct router *router, const struct router_event *event)
{
    const struct http_request *http = event->request;
    struct bucket_state limit;
    if (http->client == NULL ||
        buckets_take(router->buckets, http->client, router->config->settings->client_rate_per_s, 1,
                     router->at.now_us, &limit))
        return true;
    reach(CLIENT_LIMITED);
    respond_limited(router, event->request_id, http->method == HTTP_HEAD, &limit);
    return false;
}

static void on_request(struct router *router, const struct router_event *event)
{
    router->counters.requests++;
    if (!respond_own(router, event->request_id, event->request) && is_within_limit(router, event))
        asking_start(router, event->request_id, event->request);
}

static void on_event(struct router *router, const struct router_event *event)
{
    switch (event->kind) {
    case ROUTER_REQUEST:
        on_request(router, event);
        return;
    case ROUTER_CLIENT_GONE:
        asking_client_gone(router, event->request_id);
        return;
    case ROUTER_PEER_UP:
        on_peer_up(router, event->peer);
        return;
    case ROUTER_PEER_DOWN:
        on_peer_down(router, event->peer);
        return;
    case ROUTER_FRAME:
        on_frame(router, event->peer, &event->frame);
        return;
    case ROUTER_EXPLAIN:
        explain_start(router, event->explain_id, event->explain);
        return;
    case ROUTER_CONFIGURED:
        on_configured(router, event->config);
        return;
    case ROUTER_TICK:
        return;
    }
    assert(false && "a router event");
}

/* Time. */

static void on_arrival(struct router *router, const struct wan_message *message)
{
    if (message->direction == WAN_OUT) {
        if (message->kind == FRAME_CALL)
            asking_deliver(router, message);
        else
            probing_deliver(router, message);
        return;
    }
    if (message->kind == FRAME_ANSWER)
        asking_answered(router, message);
    else
        probing_answered(router, message);
    free(message->bytes);
}

static void on_deadline(struct router *router, struct deadline *deadline)
{
    switch ((enum due)deadline->kind) {
    case DUE_TRY:
        asking_timed_out(router, deadline->owner);
        return;
    case DUE_PROBE:
        probing_tick(router, deadline->owner);
        return;
    case DUE_LOOKUP:
        explain_timed_out(router, deadline->owner);
        return;
    case DUE_START:
        core_become_ready(router, true);
        return;
    }
    assert(false && "a kind of deadline");
}

static void fail_over(struct router *router)
{
    if (!vantages_any_lost(router->vantages))
        return;
    while (asking_fail_over(router))
        ;
    vantages_clear_lost(router->vantages);
}

/* Do all that is due, until nothing is. What arrives goes first: an answer that comes in the same
 * microsecond as its deadline was in time. */
static void catch_up(struct router *router)
{
    uint64_t now_us = router->at.now_us;
    struct wan_message message;
    struct deadline *deadline;
    fail_over(router);
    for (;;) {
        if (wan_pop(router->wan, now_us, &message))
            on_arrival(router, &message);
        else if ((deadline = deadlines_pop(&router->deadlines, now_us)) != NULL)
            on_deadline(router, deadline);
        else
            return;
        fail_over(router);
    }
}

struct router_actions router_step(struct router *router, const struct router_event *event)
{
    assert(event->at.now_us >= router->at.now_us);
    free_kept(router);
    arena_reset(router->arena);
    router->action_count = 0;
    router->at = event->at;
    on_event(router, event);
    catch_up(router);
    return (struct router_actions){router->actions, router->action_count};
}

uint64_t router_wake_us(const struct router *router)
{
    uint64_t wan_us = wan_wake_us(router->wan);
    uint64_t deadline_us = deadlines_next_us(&router->deadlines);
    return wan_us < deadline_us ? wan_us : deadline_us;
}
