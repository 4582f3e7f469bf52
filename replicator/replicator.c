#include "replicator/replicator.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reach.h"
#include "replicator/home.h"
#include "replicator/replicator_internal.h"
#include "replicator/ship.h"

#define BEAT_INTERVAL_US (250 * MILLISECOND_US) /* where the config says nothing */
#define LOG_LINE_SIZE    512

/* ---- actions ---- */

static struct replicator_action *add_action(struct replicator *replicator)
{
    struct replicator_action *action;

    if (replicator->action_count == replicator->action_capacity) {
        replicator->action_capacity =
            replicator->action_capacity ? 2 * replicator->action_capacity : 16;
        replicator->actions = memory_grow(replicator->actions, replicator->action_capacity *
                                                                   sizeof *replicator->actions);
    }
    action = &replicator->actions[replicator->action_count++];
    memset(action, 0, sizeof *action);
    return action;
}

void replicator_send(struct replicator *replicator, uint32_t peer, uint8_t *bytes, size_t size)
{
    if (replicator->frame_count == replicator->frame_capacity) {
        replicator->frame_capacity =
            replicator->frame_capacity ? 2 * replicator->frame_capacity : 16;
        replicator->frames = memory_grow(replicator->frames,
                                         replicator->frame_capacity * sizeof *replicator->frames);
    }
    replicator->frames[replicator->frame_count++] = bytes;
    *add_action(replicator) = (struct replicator_action){
        .kind = REPLICATOR_SEND, .peer = peer, .bytes = bytes, .size = size};
}

void replicator_close(struct replicator *replicator, uint32_t peer, const char *why)
{
    *add_action(replicator) =
        (struct replicator_action){.kind = REPLICATOR_CLOSE, .peer = peer, .text = why};
}

void replicator_log(struct replicator *replicator, bool alarm, const char *format, ...)
{
    char *text = arena_alloc(replicator->arena, LOG_LINE_SIZE);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, LOG_LINE_SIZE, format, arguments);
    va_end(arguments);
    *add_action(replicator) =
        (struct replicator_action){.kind = REPLICATOR_LOG, .text = text, .alarm = alarm};
}

static void forget_actions(struct replicator *replicator)
{
    for (size_t i = 0; i < replicator->frame_count; i++)
        free(replicator->frames[i]);
    replicator->frame_count = 0;
    replicator->action_count = 0;
    arena_reset(replicator->arena);
}

/* ---- shards ---- */

struct home_shard *replicator_find_shard(struct replicator *replicator, const char *name)
{
    for (size_t i = 0; i < replicator->shard_count; i++)
        if (strcmp(replicator->shards[i].feed->shard, name) == 0)
            return &replicator->shards[i];
    return NULL;
}

static void release_shard(struct home_shard *shard)
{
    for (size_t i = 0; i < shard->follower_count; i++)
        source_release(&shard->followers[i].source);
    free(shard->followers);
    log_feed_free(shard->feed);
}

static void refresh_links(struct replicator *replicator, struct home_shard *shard)
{
    for (size_t i = 0; i < shard->follower_count; i++) {
        struct follower *follower = &shard->followers[i];

        follower->out = network_between(replicator->network, replicator->region, follower->region);
        follower->back = network_between(replicator->network, follower->region, replicator->region);
        assert(follower->out && follower->back); /* both are regions of the config */
    }
}

static void limit_memory(const struct replicator *replicator, const struct home_shard *shard)
{
    if (replicator->memory_changes > 0)
        ring_limit(shard->feed->ring, replicator->memory_changes);
}

static struct home_shard *add_shard(struct replicator *replicator, const char *name,
                                    uint64_t now_us)
{
    struct home_shard *shard;

    replicator->shards =
        memory_grow(replicator->shards, (replicator->shard_count + 1) * sizeof *replicator->shards);
    shard = &replicator->shards[replicator->shard_count++];
    *shard = (struct home_shard){.feed = log_feed_create(name)};
    limit_memory(replicator, shard);
    shard->followers = memory_alloc(replicator->peer_count * sizeof *shard->followers);
    for (uint32_t peer = 0; peer < replicator->peer_count; peer++) {
        struct follower *follower = &shard->followers[shard->follower_count];

        if (peer == replicator->own)
            continue;
        follower->peer = peer;
        follower->region = replicator->regions[peer];
        stream_init(&follower->stream);
        source_init(&follower->source);
        shard->follower_count++;
    }
    if (replicator->peer_up[replicator->own])
        log_feed_open(shard->feed, now_us);
    return shard;
}

static bool is_ours(const struct replicator *replicator, const Mec__Config *config,
                    const char *name)
{
    for (size_t i = 0; i < config->n_shards; i++)
        if (strcmp(config->shards[i]->name, name) == 0)
            return strcmp(config->shards[i]->home, replicator->region) == 0;
    return false;
}

static void drop_moved_shards(struct replicator *replicator, const Mec__Config *config)
{
    size_t kept = 0;

    for (size_t i = 0; i < replicator->shard_count; i++) {
        struct home_shard *shard = &replicator->shards[i];

        if (is_ours(replicator, config, shard->feed->shard)) {
            replicator->shards[kept++] = *shard;
            continue;
        }
        reach(SHARD_MOVED_AWAY);
        replicator_log(replicator, false, "home has moved away shard=%s", shard->feed->shard);
        release_shard(shard);
    }
    replicator->shard_count = kept;
}

/* A new term: what made a stream stop may be over, and our regiond may be home by now. */
static void begin_epoch(struct replicator *replicator, struct home_shard *shard, uint64_t epoch,
                        uint64_t now_us)
{
    if (shard->config_epoch == epoch)
        return;
    shard->config_epoch = epoch;
    log_feed_forget_revocations(shard->feed);
    if (replicator->peer_up[replicator->own])
        log_feed_open(shard->feed, now_us);
    if (shard->feed->known)
        ship_reopen(replicator, shard, now_us);
}

static void take_shards(struct replicator *replicator, const Mec__Config *config, uint64_t now_us)
{
    drop_moved_shards(replicator, config);
    for (size_t i = 0; i < config->n_shards; i++) {
        const Mec__ShardConfig *stated = config->shards[i];
        struct home_shard *shard = replicator_find_shard(replicator, stated->name);

        if (strcmp(stated->home, replicator->region) != 0)
            continue;
        if (!shard)
            shard = add_shard(replicator, stated->name, now_us);
        begin_epoch(replicator, shard, stated->epoch, now_us);
    }
    for (size_t i = 0; i < replicator->shard_count; i++) {
        struct home_shard *shard = &replicator->shards[i];

        refresh_links(replicator, shard);
        ship_limit(shard, replicator->shard_count * shard->follower_count);
    }
}

/* ---- configuration ---- */

static bool has_same_regions(const struct replicator *replicator, const Mec__Config *config)
{
    if (config->n_regions != replicator->peer_count)
        return false;
    for (size_t i = 0; i < config->n_regions; i++)
        if (strcmp(config->regions[i]->name, replicator->regions[i]) != 0)
            return false;
    return true;
}

static void take_settings(struct replicator *replicator, const Mec__Settings *settings)
{
    replicator->beat_interval_us = BEAT_INTERVAL_US;
    if (settings && settings->heartbeat_interval_us > 0)
        replicator->beat_interval_us = settings->heartbeat_interval_us;
}

static void configure(struct replicator *replicator, const Mec__Config *config, uint64_t now_us)
{
    int error;

    /* A peer is a region's number, and connections stand: a world keeps its regions. */
    if (!has_same_regions(replicator, config)) {
        replicator_log(replicator, true, "config %" PRIu64 " has other regions, is left aside",
                       config->version);
        return;
    }
    take_settings(replicator, config->settings);
    redaction_configure(&replicator->redaction, config);
    error = network_configure(replicator->network, config);
    if (error)
        replicator_log(replicator, true, "cannot take over the links of config %" PRIu64 ": %s",
                       config->version, strerror(-error));
    take_shards(replicator, config, now_us);
    wan_relink(replicator->wan, now_us);
    for (size_t i = 0; i < replicator->shard_count; i++)
        ship_relinked(&replicator->shards[i], now_us);
}

/* Every process draws the luck of its own messages (FNV-1a of its name). */
static uint64_t own_seed(uint64_t world_seed, const char *region)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *c = "replicator/"; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    for (const char *c = region; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    return hash ^ world_seed;
}

int replicator_create(const char *region, const Mec__Config *config, uint64_t link_seed,
                      struct moment at, struct replicator **ret_replicator)
{
    struct replicator *replicator;
    uint32_t own = 0;

    while (own < config->n_regions && strcmp(config->regions[own]->name, region) != 0)
        own++;
    if (own == config->n_regions)
        return -EINVAL;

    replicator = memory_alloc(sizeof *replicator);
    replicator->region = memory_text(region);
    replicator->own = own;
    replicator->peer_count = config->n_regions;
    replicator->regions = memory_alloc(replicator->peer_count * sizeof *replicator->regions);
    for (size_t i = 0; i < replicator->peer_count; i++)
        replicator->regions[i] = memory_text(config->regions[i]->name);
    replicator->peer_up = memory_alloc(replicator->peer_count * sizeof *replicator->peer_up);
    replicator->network = network_create(own_seed(link_seed, region));
    replicator->wan = wan_create();
    replicator->arena = arena_create();
    replicator->next_call_id = 1;
    if (network_configure(replicator->network, config) != 0) {
        replicator_free(replicator);
        return -EINVAL;
    }
    take_settings(replicator, config->settings);
    redaction_configure(&replicator->redaction, config);
    take_shards(replicator, config, at.now_us);
    *ret_replicator = replicator;
    return 0;
}

void replicator_set_memory(struct replicator *replicator, size_t changes)
{
    replicator->memory_changes = changes;
    for (size_t i = 0; i < replicator->shard_count; i++)
        limit_memory(replicator, &replicator->shards[i]);
}

void replicator_free(struct replicator *replicator)
{
    if (!replicator)
        return;
    forget_actions(replicator);
    for (size_t i = 0; i < replicator->shard_count; i++)
        release_shard(&replicator->shards[i]);
    free(replicator->shards);
    free(replicator->frames);
    free(replicator->actions);
    arena_free(replicator->arena);
    redaction_release(&replicator->redaction);
    wan_free(replicator->wan);
    network_free(replicator->network);
    for (size_t i = 0; i < replicator->peer_count; i++)
        free(replicator->regions[i]);
    free(replicator->regions);
    free(replicator->peer_up);
    free(replicator->region);
    free(replicator);
}

/* ---- the step ---- */

/* Who may say what to a replicator: its own regiond sends Tail, every other one Applied. */
static void take_frame(struct replicator *replicator, uint32_t peer, const struct frame *frame,
                       uint64_t now_us)
{
    int error = -EPROTO;

    if (peer == replicator->own && frame->kind == FRAME_TAIL)
        error = home_take_tail(replicator, frame, now_us);
    else if (peer != replicator->own && frame->kind == FRAME_APPLIED)
        error = ship_take(replicator, peer, frame, now_us);
    if (error == 0)
        return;
    replicator_log(replicator, true, "%s %s frame from %s, closes the connection",
                   error == -EPROTO ? "unexpected" : "bad", frame_kind_name(frame->kind),
                   replicator->regions[peer]);
    replicator_close(replicator, peer, "broke the protocol");
}

static void set_peer(struct replicator *replicator, uint32_t peer, bool up, uint64_t now_us)
{
    assert(peer < replicator->peer_count);
    replicator->peer_up[peer] = up;
    if (peer == replicator->own && up)
        home_up(replicator, now_us);
    else if (peer == replicator->own)
        home_down(replicator);
    else if (up)
        ship_peer_up(replicator, peer, now_us);
    else
        ship_peer_down(replicator, peer);
}

static void take_event(struct replicator *replicator, const struct replicator_event *event)
{
    uint64_t now_us = event->at.now_us;

    switch (event->kind) {
    case REPLICATOR_PEER_UP:
        set_peer(replicator, event->peer, true, now_us);
        break;
    case REPLICATOR_PEER_DOWN:
        set_peer(replicator, event->peer, false, now_us);
        break;
    case REPLICATOR_FRAME:
        assert(event->peer < replicator->peer_count);
        take_frame(replicator, event->peer, &event->frame, now_us);
        break;
    case REPLICATOR_CONFIGURED:
        configure(replicator, event->config, now_us);
        break;
    case REPLICATOR_TICK:
        break;
    }
}

struct replicator_actions replicator_step(struct replicator *replicator,
                                          const struct replicator_event *event)
{
    uint64_t now_us = event->at.now_us;

    forget_actions(replicator);
    take_event(replicator, event);
    /* An instant link has what is sent now arrive now. Each round sends less than the windows
     * hold, and no answer comes within a step, so this ends. */
    do {
        ship_deliver(replicator, now_us);
        for (size_t i = 0; i < replicator->shard_count; i++) {
            home_pump(replicator, &replicator->shards[i], now_us);
            ship_pump(replicator, &replicator->shards[i], now_us);
        }
    } while (wan_wake_us(replicator->wan) <= now_us);
    return (struct replicator_actions){replicator->actions, replicator->action_count};
}

static void earlier(uint64_t *earliest_us, uint64_t at_us)
{
    if (at_us < *earliest_us)
        *earliest_us = at_us;
}

uint64_t replicator_wake_us(const struct replicator *replicator)
{
    uint64_t wake_us = wan_wake_us(replicator->wan);

    for (size_t i = 0; i < replicator->shard_count; i++) {
        const struct home_shard *shard = &replicator->shards[i];

        earlier(&wake_us, shard->feed->ask_at_us);
        for (size_t j = 0; j < shard->follower_count; j++) {
            earlier(&wake_us, stream_wake_us(&shard->followers[j].stream));
            earlier(&wake_us, source_wake_us(&shard->followers[j].source));
        }
    }
    return wake_us;
}
