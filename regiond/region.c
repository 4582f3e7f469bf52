#include "regiond/region.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "health.pb-c.h"
#include "regiond/announce.h"
#include "regiond/audit.h"
#include "regiond/audit_notes.h"
#include "regiond/commit.h"
#include "regiond/core.h"
#include "regiond/data_keys.h"
#include "regiond/drain.h"
#include "regiond/erasing.h"
#include "regiond/feed.h"
#include "regiond/follower.h"
#include "regiond/forward.h"
#include "regiond/gateway.h"
#include "regiond/hashing.h"
#include "regiond/parking.h"
#include "regiond/probe.h"
#include "regiond/readiness.h"
#include "regiond/reading.h"
#include "regiond/receipts.h"
#include "regiond/signing.h"
#include "regiond/standing.h"
#include "replication.pb-c.h"

/* A setting that a config leaves at 0, and what it means then. */
#define SETTINGS(X)                                                                                \
    X(request_timeout_us, 2 * SECOND_US)                                                           \
    X(heartbeat_interval_us, 250 * MILLISECOND_US)                                                 \
    X(queue_max_entries, 100000)                                                                   \
    X(queue_max_bytes, 256u * 1024 * 1024)                                                         \
    X(queue_expiry_us, 3600 * SECOND_US)                                                           \
    X(queue_drain_per_s, 1000)                                                                     \
    X(argon2_operations, 1)                                                                        \
    X(argon2_memory_kib, 8192)                                                                     \
    X(token_lifetime_s, TOKEN_LIFETIME_S_MAX)                                                      \
    X(session_lifetime_s, 24 * 3600)                                                               \
    X(revocation_bound_us, 5 * SECOND_US)

/* ---- configuration ---- */

static void take_settings(struct region *region, const Mec__Settings *from)
{
    Mec__Settings *settings = &region->settings;

    if (from)
        *settings = *from;
    else
        mec__settings__init(settings);
#define X(name, value)                                                                             \
    if (settings->name == 0)                                                                       \
        settings->name = value;
    SETTINGS(X)
#undef X
    if (settings->token_lifetime_s > TOKEN_LIFETIME_S_MAX)
        settings->token_lifetime_s = TOKEN_LIFETIME_S_MAX;
    if (settings->queue_drain_per_s > SECOND_US)
        settings->queue_drain_per_s = (uint32_t)SECOND_US;
}

static void take_keys(struct region *region, const Mec__Config *config)
{
    struct token_key *keys = memory_alloc((config->n_keys + 1) * sizeof *keys);
    size_t count = 0;

    for (size_t i = 0; i < config->n_keys; i++) {
        const Mec__SigningKey *from = config->keys[i];
        struct token_key *key = &keys[count];

        if (from->public_key.len != sizeof key->public_key ||
            strlen(from->kid) >= sizeof key->kid) {
            outbox_log(region->outbox, "signing key %s cannot be used", from->kid);
            continue;
        }
        snprintf(key->kid, sizeof key->kid, "%s", from->kid);
        memcpy(key->public_key, from->public_key.data, sizeof key->public_key);
        count++;
    }
    edge_configure(region->edge, config->world, keys, count);
    free(keys);
}

static bool find_self(const Mec__Config *config, const char *name, uint32_t *ret_index)
{
    for (size_t i = 0; i < config->n_regions; i++) {
        if (strcmp(config->regions[i]->name, name) != 0)
            continue;
        *ret_index = (uint32_t)i;
        return true;
    }
    return false;
}

static void take_peers(struct region *region, const Mec__Config *config)
{
    if (config->n_regions <= region->peer_count)
        return;
    region->peer_up = memory_grow(region->peer_up, config->n_regions * sizeof *region->peer_up);
    for (size_t i = region->peer_count; i < config->n_regions; i++)
        region->peer_up[i] = false;
    region->peer_count = config->n_regions;
}

static Mec__Config *copy_config(const Mec__Config *config)
{
    size_t size = mec__config__get_packed_size(config);
    uint8_t *bytes = memory_alloc(size + 1);
    Mec__Config *copy;

    mec__config__pack(config, bytes);
    copy = mec__config__unpack(NULL, size, bytes);
    assert(copy);
    free(bytes);
    return copy;
}

/* All but the copies, which the first config opens and later ones change. */
static void take_config(struct region *region, const Mec__Config *from)
{
    Mec__Config *config = copy_config(from);

    if (region->config)
        mec__config__free_unpacked(region->config, NULL);
    region->config = config;
    take_settings(region, config->settings);
    take_keys(region, config);
    signing_configure(region);
    take_peers(region, config);
    cache_resize(region->cache, region->settings.cache_bytes);
    caches_configure(region->caches, config, region->name);
    services_configure(region->services, config, region->name);
    data_keys_configure(region);
    forward_configure(region);
}

/* Peers go by their index, so those that we know must keep it. */
static bool keeps_regions(const Mec__Config *old, const Mec__Config *config)
{
    if (config->n_regions < old->n_regions)
        return false;
    for (size_t i = 0; i < old->n_regions; i++)
        if (strcmp(old->regions[i]->name, config->regions[i]->name) != 0)
            return false;
    return true;
}

static void configure(struct region *region, const Mec__Config *config)
{
    if (!keeps_regions(region->config, config)) {
        outbox_log(region->outbox, "config %" PRIu64 " does not fit this region; not taken",
                   config->version);
        return;
    }
    take_config(region, config);
    copies_configure(region);
    feed_configure(region);
    drain_retry(region);
    erasing_resume(region);
    for (size_t i = 0; i < region->copy_count; i++)
        reading_wake(region, &region->copies[i]);
}

/* ---- frames ---- */

static size_t services_down(struct region *region, char ***ret_names)
{
    size_t count = 0;

    *ret_names = arena_alloc(region->scratch, PARTS_SERVICE_COUNT * sizeof **ret_names);
    for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++)
        if (services_report(region->services, (enum parts_service)service).down)
            (*ret_names)[count++] = (char *)parts_service_name((enum parts_service)service);
    return count;
}

static void pong(struct region *region, uint64_t connection, uint64_t id, const Mec__Ping *ping)
{
    Mec__Pong pong = MEC__PONG__INIT;

    pong.nonce = ping->nonce;
    pong.serving = true;
    pong.writable = region->writable;
    pong.n_queues = drain_marks(region, &pong.queues);
    pong.n_services_down = services_down(region, &pong.services_down);
    pong.n_caches = caches_pong(region->caches, region->scratch, &pong.caches);
    outbox_send(region->outbox, connection, FRAME_PONG, id, &pong.base);
}

/* Returns false when the body is no such message. */
static bool take_frame(struct region *region, uint64_t connection, const struct frame *frame)
{
    ProtobufCAllocator *arena = arena_allocator(region->scratch);
    const uint8_t *body = frame->body;
    size_t size = frame->body_size;
    uint64_t id = frame->id;
    void *message = NULL;

    switch (frame->kind) {
    case FRAME_CALL:
        if ((message = mec__call__unpack(arena, size, body)) != NULL)
            gateway_call(region, connection, id, message);
        break;
    case FRAME_PING:
        if ((message = mec__ping__unpack(arena, size, body)) != NULL)
            pong(region, connection, id, message);
        break;
    case FRAME_QUEUE_LIST_ASK:
        if ((message = mec__queue_list_ask__unpack(arena, size, body)) != NULL)
            receipts_list(region, connection, id, message);
        break;
    case FRAME_TAIL_ASK:
        if ((message = mec__tail_ask__unpack(arena, size, body)) != NULL)
            feed_tail_ask(region, connection, id, message);
        break;
    case FRAME_FETCH_ASK:
        if ((message = mec__fetch_ask__unpack(arena, size, body)) != NULL)
            feed_fetch_ask(region, connection, id, message);
        break;
    case FRAME_APPLY:
        if ((message = mec__apply__unpack(arena, size, body)) != NULL) {
            audit_take(region, message);
            follower_apply(region, connection, id, message);
        }
        break;
    default:
        break;
    }
    return message != NULL;
}

static void on_frame(struct region *region, uint64_t connection, const struct frame *frame)
{
    if (take_frame(region, connection, frame))
        return;
    region->counters.closed_for_bad_frame++;
    outbox_close(region->outbox, connection,
                 arena_format(region->scratch, "a %s frame that cannot be read or is not for us",
                              frame_kind_name(frame->kind)));
}

/* ---- steps ---- */

static void peer_is(struct region *region, uint32_t peer, bool up)
{
    if (peer >= region->peer_count || region->peer_up[peer] == up)
        return;
    region->peer_up[peer] = up;
    if (!up) {
        forward_peer_down(region, peer);
        return;
    }
    readiness_peer_up(region, peer);
    drain_retry(region);
}

static void on_deadline(struct region *region, struct deadline *deadline)
{
    switch ((enum due)deadline->kind) {
    case DUE_FORWARD:
        forward_timed_out(region, deadline->owner);
        return;
    case DUE_READ:
        reading_timed_out(region, deadline->owner);
        return;
    case DUE_READINESS:
        readiness_timed_out(region);
        return;
    case DUE_HEARTBEAT:
        feed_beat(region);
        return;
    case DUE_PUMP:
        return; /* every step ends with drain_pump() */
    case DUE_SWEEP:
        drain_sweep(region);
        return;
    case DUE_PROBE:
        probe_again(region);
        return;
    case DUE_AUDIT_NOTES:
        audit_notes_flush(region);
        return;
    case DUE_ERASING:
        erasing_again(region, deadline->owner);
        return;
    case DUE_PARKED:
        parking_over(region, deadline->owner);
        return;
    }
    assert(false && "a kind of deadline");
}

static void run_due(struct region *region)
{
    struct deadline *deadline;

    while ((deadline = deadlines_pop(&region->deadlines, region->at.now_us)) != NULL)
        on_deadline(region, deadline);
}

static void handle(struct region *region, const struct region_event *event)
{
    switch (event->kind) {
    case REGION_FRAME:
        on_frame(region, event->connection, &event->frame);
        break;
    case REGION_CLOSED:
        feed_closed(region, event->connection);
        break;
    case REGION_PEER_UP:
        peer_is(region, event->peer, true);
        break;
    case REGION_PEER_DOWN:
        peer_is(region, event->peer, false);
        break;
    case REGION_PEER_FRAME:
        if (event->peer < region->peer_count)
            forward_peer_frame(region, event->peer, &event->frame);
        break;
    case REGION_STORED:
        commit_stored(region, event->batch);
        break;
    case REGION_HASHED:
        hashing_finished(region, event->job);
        break;
    case REGION_CONFIGURED:
        configure(region, event->config);
        break;
    case REGION_KEYS:
        signing_take(region, event->keys, event->key_count);
        break;
    case REGION_TICK:
        run_due(region);
        break;
    }
}

/* What the event has brought may bring more at once: a call of our own, an entry that may be sent
 * now, a batch. */
static void settle(struct region *region)
{
    do {
        drain_pump(region);
        commit_pump(region);
    } while (forward_pump(region));
    signing_pump(region);
}

static void begin_step(struct region *region, struct moment at)
{
    region->at = at;
    outbox_reset(region->outbox);
    arena_reset(region->scratch);
}

struct region_actions region_step(struct region *region, const struct region_event *event)
{
    begin_step(region, event->at);
    if (!region->stopped)
        handle(region, event);
    if (!region->stopped)
        settle(region);
    return outbox_actions(region->outbox);
}

uint64_t region_wake_us(const struct region *region)
{
    uint64_t deadline_us = deadlines_next_us(&region->deadlines);
    uint64_t wan_us = forward_wake_us(region);

    if (region->stopped)
        return NEVER_US;
    return wan_us < deadline_us ? wan_us : deadline_us;
}

/* ---- life ---- */

static int open_queue(struct region *region)
{
    char *path = storage_queue_path(region->directory);
    int r = queue_reader_open(path, region->vfs, &region->queue_reader);

    free(path);
    return r;
}

static struct region *allocate(const struct region_options *options, struct moment at)
{
    struct region *region = memory_alloc(sizeof *region);

    region->at = at;
    region->name = memory_text(options->name);
    region->directory = memory_text(options->directory);
    region->vfs = memory_text(options->vfs);
    memcpy(region->secret.key, options->secret, sizeof region->secret.key);
    region->writable = true;
    region->scratch = arena_create();
    region->outbox = outbox_create();
    region->edge = edge_create();
    region->standings = standing_create();
    region->audit_notes = audit_notes_create();
    region->buckets = buckets_create();
    region->signing = signing_create();
    region->cache = cache_create(0);
    region->caches = caches_create();
    caches_register(region->caches, PARTS_EDGE, &edge_kind, region->edge);
    caches_register(region->caches, PARTS_REGIONAL, &cache_kind, region->cache);
    caches_register(region->caches, PARTS_SERVICE, &standing_kind, region->standings);
    region->services = services_create(options->link_seed);
    region->parking = parking_create();
    region->data_keys = data_keys_create(options->vault_seed);
    region->hashing = hashing_create();
    region->probe = probe_create();
    region->forward = forward_create(options->link_seed);
    return region;
}

int region_create(const struct region_options *options, const Mec__Config *config,
                  const struct store_end *ends, struct moment at, struct region **ret_region)
{
    struct region *region;
    uint32_t self;
    int r;

    if (!find_self(config, options->name, &self) || config->n_shards == 0)
        return -EINVAL;
    region = allocate(options, at);
    region->self = self;
    take_config(region, config);
    signing_take(region, options->keys, options->key_count);
    r = copies_open(region, ends);
    if (r < 0)
        goto failed;
    r = open_queue(region);
    if (r < 0)
        goto failed;
    region->announce = announce_create(region);
    region->feed = feed_create(region);
    region->commit = commit_create(region);
    r = audit_create(region, options->audit_interval_us, &region->audit);
    if (r < 0)
        goto failed;
    r = drain_create(region, &region->drain);
    if (r < 0)
        goto failed;
    readiness_begin(region);
    erasing_resume(region);
    *ret_region = region;
    return 0;

failed:
    region_free(region);
    return r;
}

/* Whoever waits for something is told that it will not come, and lets go of what it holds; one end
 * may begin something else, which ends likewise. */
static void cancel_all(struct region *region)
{
    bool any;

    do {
        any = commit_cancel(region);
        any = hashing_cancel(region) || any;
        any = forward_cancel(region) || any;
    } while (any);
}

void region_free(struct region *region)
{
    if (!region)
        return;
    if (region->drain) {
        begin_step(region, region->at);
        region->stopped = true;
        cancel_all(region);
    }
    erasing_free(region);
    audit_notes_free(region);
    parking_free(region);
    reading_free(region);
    follower_free(region);
    drain_free(region->drain);
    audit_free(region->audit);
    commit_free(region->commit);
    feed_free(region->feed);
    announce_free(region->announce);
    forward_free(region->forward);
    probe_free(region);
    hashing_free(region->hashing);
    queue_reader_free(region->queue_reader);
    copies_free(region);
    services_free(region->services);
    caches_free(region->caches);
    cache_free(region->cache);
    data_keys_free(region->data_keys);
    edge_free(region->edge);
    standing_free(region->standings);
    buckets_free(region->buckets);
    signing_free(region->signing);
    outbox_free(region->outbox);
    arena_free(region->scratch);
    deadlines_free(&region->deadlines);
    sodium_memzero(&region->secret, sizeof region->secret);
    if (region->config)
        mec__config__free_unpacked(region->config, NULL);
    free(region->vfs);
    free(region->directory);
    free(region->name);
    free(region->peer_up);
    free(region);
}
