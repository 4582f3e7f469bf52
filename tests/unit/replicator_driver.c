#include "tests/unit/replicator_driver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/memory.h"
#include "tests/unit/replicator_fakes.h"

struct driver_frame {
    uint32_t peer;
    uint8_t *bytes;
    size_t size;
    struct driver_frame *next;
};

static char *const region_names[] = {"us-east", "eu-west", "ap-northeast"};
#define REGIONS (sizeof region_names / sizeof *region_names)

/* ---- into the replicator ---- */

static void enqueue(struct driver *driver, uint32_t peer, uint8_t *bytes, size_t size)
{
    struct driver_frame *frame = memory_alloc(sizeof *frame);

    *frame = (struct driver_frame){.peer = peer, .bytes = bytes, .size = size};
    if (driver->last_frame)
        driver->last_frame->next = frame;
    else
        driver->frames = frame;
    driver->last_frame = frame;
}

void driver_say(struct driver *driver, uint32_t peer, enum frame_kind kind, uint64_t id,
                const ProtobufCMessage *message)
{
    size_t size;
    uint8_t *bytes = frame_pack_new(kind, id, message, &size);

    enqueue(driver, peer, bytes, size);
}

static struct driver_frame *dequeue(struct driver *driver)
{
    struct driver_frame *frame = driver->frames;

    if (!frame)
        return NULL;
    driver->frames = frame->next;
    if (!driver->frames)
        driver->last_frame = NULL;
    return frame;
}

static void free_frame(struct driver_frame *frame)
{
    free(frame->bytes);
    free(frame);
}

/* What a process that is gone had still to say is lost. */
static void drop_frames_of(struct driver *driver, uint32_t peer)
{
    struct driver_frame *all = driver->frames;

    driver->frames = driver->last_frame = NULL;
    while (all) {
        struct driver_frame *frame = all;

        all = all->next;
        if (frame->peer != peer)
            enqueue(driver, frame->peer, memory_copy(frame->bytes, frame->size), frame->size);
        free_frame(frame);
    }
}

/* ---- steps ---- */

static void note(struct driver *driver, const char *text)
{
    size_t old = strlen(driver->log);

    driver->log = memory_grow(driver->log, old + strlen(text) + 40);
    sprintf(driver->log + old, "[%10.3f ms] %s\n", (double)driver->now_us / 1000.0, text);
}

static void carry_out(struct driver *driver, const struct replicator_action *action)
{
    struct frame frame;
    size_t used_size;

    switch (action->kind) {
    case REPLICATOR_LOG:
        note(driver, action->text);
        break;
    case REPLICATOR_CLOSE:
        driver->closes[action->peer]++;
        break;
    case REPLICATOR_SEND:
        assert(frame_decode(action->bytes, action->size, &frame, &used_size) == 1);
        assert(used_size == action->size);
        if (action->peer == HOME && driver->home.up)
            replicator_fakes_home_takes(driver, &frame);
        if (action->peer != HOME && driver->followers[action->peer].up)
            replicator_fakes_follower_takes(driver, action->peer, &frame);
        break;
    }
}

static void step(struct driver *driver, struct replicator_event event)
{
    struct replicator_actions actions;

    event.at = (struct moment){driver->now_us, DRIVER_WALL_US + driver->now_us};
    actions = replicator_step(driver->replicator, &event);
    for (size_t i = 0; i < actions.count; i++)
        carry_out(driver, &actions.items[i]);
}

static void settle(struct driver *driver)
{
    struct driver_frame *frame;

    while ((frame = dequeue(driver))) {
        struct replicator_event event = {.kind = REPLICATOR_FRAME, .peer = frame->peer};
        size_t used_size;

        assert(frame_decode(frame->bytes, frame->size, &event.frame, &used_size) == 1);
        step(driver, event);
        free_frame(frame);
    }
}

void driver_run_for(struct driver *driver, uint64_t duration_us)
{
    uint64_t until_us = driver->now_us + duration_us;
    unsigned still = 0;

    for (;;) {
        uint64_t next_us;

        settle(driver);
        next_us = replicator_wake_us(driver->replicator);
        if (driver->home.up && !driver->home.mute && driver->home.tail_id != 0 &&
            driver->home.beat_at_us < next_us)
            next_us = driver->home.beat_at_us;
        if (next_us > until_us)
            break;
        still = next_us <= driver->now_us ? still + 1 : 0;
        assert(still < 1000); /* it would go round for ever without time passing */
        if (next_us > driver->now_us)
            driver->now_us = next_us;
        replicator_fakes_home_beats(driver);
        step(driver, (struct replicator_event){.kind = REPLICATOR_TICK});
    }
    driver->now_us = until_us;
}

/* ---- the world ---- */

static void peer_event(struct driver *driver, enum replicator_event_kind kind, uint32_t peer)
{
    step(driver, (struct replicator_event){.kind = kind, .peer = peer});
    settle(driver);
}

static void start_replicator(struct driver *driver)
{
    struct moment at = {driver->now_us, DRIVER_WALL_US + driver->now_us};

    assert(replicator_create("us-east", &driver->config, 7, at, &driver->replicator) == 0);
    for (uint32_t peer = 0; peer < REGIONS; peer++)
        if (peer == HOME ? driver->home.up : driver->followers[peer].up)
            peer_event(driver, REPLICATOR_PEER_UP, peer);
}

static void add_link(struct driver *driver, uint32_t from, uint32_t to, uint64_t latency_us)
{
    size_t i = driver->config.n_links++;

    driver->links[i] = (Mec__LinkConfig)MEC__LINK_CONFIG__INIT;
    driver->links[i].from = region_names[from];
    driver->links[i].to = region_names[to];
    driver->links[i].latency_us = latency_us;
    driver->link_list[i] = &driver->links[i];
}

static void make_config(struct driver *driver, uint64_t latency_us)
{
    driver->config = (Mec__Config)MEC__CONFIG__INIT;
    driver->config.regions = driver->region_list;
    driver->config.links = driver->link_list;
    for (uint32_t i = 0; i < REGIONS; i++) {
        driver->regions[i] = (Mec__RegionConfig)MEC__REGION_CONFIG__INIT;
        driver->regions[i].name = region_names[i];
        driver->region_list[i] = &driver->regions[i];
        driver->config.n_regions++;
        for (uint32_t j = 0; j < REGIONS; j++)
            if (i != j)
                add_link(driver, i, j, latency_us);
    }
    driver->shard = (Mec__ShardConfig)MEC__SHARD_CONFIG__INIT;
    driver->shard.name = (char *)DRIVER_SHARD;
    driver->shard.home = region_names[HOME];
    driver->shard.epoch = 1;
    driver->shard_list[0] = &driver->shard;
    driver->config.shards = driver->shard_list;
    driver->config.n_shards = 1;
    driver->settings = (Mec__Settings)MEC__SETTINGS__INIT;
    driver->settings.heartbeat_interval_us = DRIVER_BEAT_US;
    driver->config.settings = &driver->settings;
    driver->config.slow_motion = 1;
    driver->config.version = 1;
}

struct driver *driver_create(uint64_t latency_us)
{
    struct driver *driver = memory_alloc(sizeof *driver);

    driver->log = memory_text("");
    driver->home.up = driver->home.is_home = true;
    driver->home.epoch = 1;
    driver->home.revocations = revocation_list_create(REVOCATION_LIST_MAX);
    for (uint32_t i = 1; i < REGIONS; i++)
        driver->followers[i].up = true;
    make_config(driver, latency_us);
    start_replicator(driver);
    return driver;
}

void driver_free(struct driver *driver)
{
    struct driver_frame *frame;

    while ((frame = dequeue(driver)))
        free_frame(frame);
    for (size_t i = 0; i < driver->home.count; i++)
        free(driver->home.log[i].bytes);
    free(driver->home.log);
    revocation_list_free(driver->home.revocations);
    free(driver->log);
    replicator_free(driver->replicator);
    free(driver);
}

static void tell_behind(struct driver *driver, uint64_t after_seq)
{
    struct driver_home *home = &driver->home;

    revocation_list_extend(home->revocations, home->count);
    /* A group larger than a frame leaves as several. */
    while (home->up && !home->mute && home->tail_id != 0 && after_seq < home->count)
        after_seq += replicator_fakes_home_tells(driver, home->tail_id, after_seq, 512,
                                                 REPLICATOR_FAKES_TAIL_BYTES);
    settle(driver);
}

void driver_commit(struct driver *driver, size_t count, size_t value_bytes)
{
    struct driver_home *home = &driver->home;
    uint64_t after_seq = home->count;

    for (size_t i = 0; i < count; i++)
        replicator_fakes_home_appends(home, DRIVER_WALL_US + driver->now_us, value_bytes);
    tell_behind(driver, after_seq);
}

void driver_revoke(struct driver *driver, const char *user)
{
    struct driver_home *home = &driver->home;
    struct revocation revocation = {.seq = home->count + 1, .below = 2};

    replicator_fakes_home_appends(home, DRIVER_WALL_US + driver->now_us, 100);
    snprintf(revocation.user, sizeof revocation.user, "%s", user);
    revocation_list_add(home->revocations, &revocation);
    tell_behind(driver, home->count - 1);
}

void driver_follower_stops(struct driver *driver, uint32_t peer)
{
    driver->followers[peer].up = false;
    drop_frames_of(driver, peer);
    peer_event(driver, REPLICATOR_PEER_DOWN, peer);
}

void driver_follower_starts(struct driver *driver, uint32_t peer)
{
    driver->followers[peer].up = true;
    peer_event(driver, REPLICATOR_PEER_UP, peer);
}

void driver_home_stops(struct driver *driver)
{
    driver->home.up = false;
    driver->home.tail_id = 0;
    drop_frames_of(driver, HOME);
    peer_event(driver, REPLICATOR_PEER_DOWN, HOME);
}

void driver_home_starts(struct driver *driver)
{
    driver->home.up = true;
    revocation_list_reset(driver->home.revocations, driver->home.count);
    peer_event(driver, REPLICATOR_PEER_UP, HOME);
}

void driver_restart_replicator(struct driver *driver)
{
    replicator_free(driver->replicator);
    for (uint32_t peer = 0; peer < REGIONS; peer++)
        drop_frames_of(driver, peer);
    driver->home.tail_id = 0;
    start_replicator(driver);
}

Mec__LinkConfig *driver_link(struct driver *driver, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < driver->config.n_links; i++)
        if (strcmp(driver->links[i].from, region_names[from]) == 0 &&
            strcmp(driver->links[i].to, region_names[to]) == 0)
            return &driver->links[i];
    assert(0 && "no such link");
    return NULL;
}

void driver_configure(struct driver *driver)
{
    driver->config.version++;
    step(driver,
         (struct replicator_event){.kind = REPLICATOR_CONFIGURED, .config = &driver->config});
    settle(driver);
}

void driver_cut(struct driver *driver, uint32_t peer, Mec__CutKind cut)
{
    driver_link(driver, HOME, peer)->cut = cut;
    driver_link(driver, peer, HOME)->cut = cut;
    driver_configure(driver);
}

void driver_inject(struct driver *driver, uint32_t peer, enum frame_kind kind, uint64_t id,
                   const void *body, size_t body_size)
{
    uint8_t *bytes = memory_alloc(FRAME_HEADER_SIZE + body_size);

    frame_header(kind, id, body_size, bytes);
    if (body_size > 0)
        memcpy(bytes + FRAME_HEADER_SIZE, body, body_size);
    enqueue(driver, peer, bytes, FRAME_HEADER_SIZE + body_size);
    settle(driver);
}

/* ---- what can be seen ---- */

bool driver_is_equal(const struct driver *driver, uint32_t peer)
{
    const struct driver_follower *follower = &driver->followers[peer];
    const struct driver_home *home = &driver->home;

    if (follower->cursor_seq != home->count)
        return false;
    return home->count == 0 ||
           memcmp(follower->cursor_digest, home->log[home->count - 1].digest, 32) == 0;
}

uint64_t driver_staleness_us(const struct driver *driver, uint32_t peer)
{
    assert(driver->followers[peer].fresh_wall_us != 0);
    return DRIVER_WALL_US + driver->now_us - driver->followers[peer].fresh_wall_us;
}

unsigned driver_logged(const struct driver *driver, const char *text)
{
    unsigned count = 0;

    for (const char *at = driver->log; (at = strstr(at, text)); at += strlen(text))
        count++;
    return count;
}

/* The stream's object in a status that the caller releases with json_decref(). */
static json_t *stream_status(struct driver *driver, uint32_t peer, json_t **ret_status)
{
    char *text = replicator_status(driver->replicator, (struct moment){driver->now_us, 0});
    json_t *status = json_loads(text, 0, NULL);
    json_t *stream;
    size_t i;

    free(text);
    assert(status);
    *ret_status = status;
    json_array_foreach(json_object_get(status, "streams"), i, stream)
    {
        if (strcmp(json_string_value(json_object_get(stream, "follower")), region_names[peer]) == 0)
            return stream;
    }
    return NULL;
}

double driver_status_number(struct driver *driver, uint32_t peer, const char *field)
{
    json_t *status;
    json_t *stream = stream_status(driver, peer, &status);
    const json_t *value = json_object_get(stream, field);
    double number = json_is_number(value) ? json_number_value(value) : -1.0;

    json_decref(status);
    return number;
}

bool driver_state_is(struct driver *driver, uint32_t peer, const char *state)
{
    json_t *status;
    json_t *stream = stream_status(driver, peer, &status);
    const char *is = json_string_value(json_object_get(stream, "state"));
    bool same = is && strcmp(is, state) == 0;

    json_decref(status);
    return same;
}
