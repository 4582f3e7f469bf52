#include "tests/unit/replicator_driver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "common/memory.h"
#include "replication.pb-c.h"

#define SHARD          "us-east"
#define TAIL_BYTES_MAX (256u * 1024)
#define TAIL_COUNT_MAX 4096u

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

static void say(struct driver *driver, uint32_t peer, enum frame_kind kind, uint64_t id,
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

/* ---- the home ---- */

/* Returns how many changes there are in it. */
static size_t make_tail(struct driver *driver, uint64_t id, uint64_t after_seq, size_t count_max,
                        size_t bytes_max)
{
    struct driver_home *home = &driver->home;
    Mec__Tail tail = MEC__TAIL__INIT;
    Mec__StoredChange *items = memory_alloc(TAIL_COUNT_MAX * sizeof *items);
    Mec__StoredChange **list = memory_alloc(TAIL_COUNT_MAX * sizeof *list);
    size_t bytes = 0;

    tail.shard = (char *)SHARD;
    tail.epoch = home->epoch;
    tail.last_seq = home->count;
    tail.wall_us = DRIVER_WALL_US + driver->now_us;
    tail.after_seq = after_seq;
    tail.not_home = !home->is_home;
    tail.changes = list;
    for (size_t i = (size_t)after_seq; home->is_home && i < home->count; i++) {
        struct driver_change *change = &home->log[i];

        if (tail.n_changes == count_max || (tail.n_changes > 0 && bytes >= bytes_max))
            break;
        bytes += change->size;
        items[tail.n_changes] = (Mec__StoredChange)MEC__STORED_CHANGE__INIT;
        items[tail.n_changes].seq = i + 1;
        items[tail.n_changes].change = (ProtobufCBinaryData){change->size, change->bytes};
        items[tail.n_changes].digest = (ProtobufCBinaryData){32, change->digest};
        list[tail.n_changes] = &items[tail.n_changes];
        tail.n_changes++;
    }
    say(driver, HOME, FRAME_TAIL, id, &tail.base);
    free(list);
    free(items);
    return tail.n_changes;
}

static void home_takes(struct driver *driver, const struct frame *frame)
{
    struct driver_home *home = &driver->home;

    if (frame->kind == FRAME_TAIL_ASK) {
        Mec__TailAsk *ask = mec__tail_ask__unpack(NULL, frame->body_size, frame->body);

        assert(ask && strcmp(ask->shard, SHARD) == 0);
        home->tail_asks++;
        home->last_tail_ask_after_seq = ask->after_seq;
        if (!home->mute) {
            home->tail_id = home->is_home ? frame->id : 0;
            home->beat_at_us = driver->now_us + DRIVER_BEAT_US;
            make_tail(driver, frame->id, ask->after_seq, TAIL_COUNT_MAX, TAIL_BYTES_MAX);
        }
        mec__tail_ask__free_unpacked(ask, NULL);
    } else {
        Mec__FetchAsk *ask = mec__fetch_ask__unpack(NULL, frame->body_size, frame->body);

        assert(frame->kind == FRAME_FETCH_ASK && ask && ask->max_changes <= TAIL_COUNT_MAX);
        home->fetch_asks++;
        if (!home->mute)
            make_tail(driver, frame->id, ask->after_seq, ask->max_changes, ask->max_bytes);
        mec__fetch_ask__free_unpacked(ask, NULL);
    }
}

static void home_beats(struct driver *driver)
{
    struct driver_home *home = &driver->home;

    if (!home->up || home->mute || home->tail_id == 0 || driver->now_us < home->beat_at_us)
        return;
    home->beat_at_us += DRIVER_BEAT_US;
    make_tail(driver, home->tail_id, home->count, TAIL_COUNT_MAX, TAIL_BYTES_MAX);
}

static void append(struct driver_home *home, uint64_t wall_us, size_t value_bytes)
{
    Mec__Change change = MEC__CHANGE__INIT;
    struct driver_change *stored;
    uint8_t *value = memory_alloc(value_bytes);

    home->log = memory_grow(home->log, (home->count + 1) * sizeof *home->log);
    stored = &home->log[home->count];
    change.shard = (char *)SHARD;
    change.epoch = home->epoch;
    change.seq = home->count + 1;
    if (home->count > 0)
        change.previous_digest = (ProtobufCBinaryData){32, home->log[home->count - 1].digest};
    change.value = (ProtobufCBinaryData){value_bytes, value};
    change.commit_wall_us = wall_us;
    stored->size = mec__change__get_packed_size(&change);
    stored->bytes = memory_alloc(stored->size);
    mec__change__pack(&change, stored->bytes);
    crypto_generichash(stored->digest, 32, stored->bytes, stored->size, NULL, 0);
    home->count++;
    free(value);
}

/* ---- a follower ---- */

static Mec__ApplyOutcome apply_one(struct driver_follower *follower,
                                   const Mec__StoredChange *stored)
{
    Mec__Change *change = mec__change__unpack(NULL, stored->change.len, stored->change.data);
    Mec__ApplyOutcome outcome = MEC__APPLY_OUTCOME__APPLIED;
    uint8_t digest[32];

    crypto_generichash(digest, 32, stored->change.data, stored->change.len, NULL, 0);
    if (!change || change->seq != stored->seq || stored->digest.len != 32 ||
        memcmp(digest, stored->digest.data, 32) != 0)
        outcome = MEC__APPLY_OUTCOME__INVALID;
    else if (change->seq <= follower->cursor_seq)
        follower->duplicates++;
    else if (change->seq > follower->cursor_seq + 1)
        outcome = MEC__APPLY_OUTCOME__GAP;
    else if (follower->cursor_seq > 0 &&
             (change->previous_digest.len != 32 ||
              memcmp(change->previous_digest.data, follower->cursor_digest, 32) != 0))
        outcome = MEC__APPLY_OUTCOME__DIVERGED;
    else {
        follower->cursor_seq = change->seq;
        memcpy(follower->cursor_digest, digest, 32);
    }
    if (change)
        mec__change__free_unpacked(change, NULL);
    return outcome;
}

static Mec__ApplyOutcome apply(struct driver *driver, struct driver_follower *follower,
                               const Mec__Apply *apply)
{
    Mec__ApplyOutcome outcome = MEC__APPLY_OUTCOME__APPLIED;

    if (apply->epoch < follower->epoch_seen)
        return MEC__APPLY_OUTCOME__STALE_EPOCH;
    follower->epoch_seen = apply->epoch;
    for (size_t i = 0; i < apply->n_changes && outcome == MEC__APPLY_OUTCOME__APPLIED; i++) {
        assert(apply->changes[i]->seq == apply->after_seq + 1 + i);
        outcome = apply_one(follower, apply->changes[i]);
        if (outcome == MEC__APPLY_OUTCOME__APPLIED)
            follower->last_apply_us = driver->now_us;
    }
    if (outcome == MEC__APPLY_OUTCOME__GAP)
        follower->gaps++;
    if (follower->cursor_seq >= apply->home_last_seq)
        follower->fresh_wall_us = apply->home_wall_us;
    return outcome;
}

static bool take_one(unsigned *countdown)
{
    if (*countdown == 0)
        return false;
    (*countdown)--;
    return true;
}

static void follower_takes(struct driver *driver, uint32_t peer, const struct frame *frame)
{
    struct driver_follower *follower = &driver->followers[peer];
    Mec__Apply *message = mec__apply__unpack(NULL, frame->body_size, frame->body);
    Mec__Applied answer = MEC__APPLIED__INIT;
    Mec__Position cursor = MEC__POSITION__INIT;

    assert(frame->kind == FRAME_APPLY && message && strcmp(message->home, "us-east") == 0);
    if (message->n_changes > 0 && take_one(&follower->lose_applies))
        goto out;
    follower->last_after_seq = message->after_seq;
    if (message->n_changes > 0)
        follower->batches++;
    else
        follower->heartbeats++;
    if (message->n_changes > follower->changes_in_largest_batch)
        follower->changes_in_largest_batch = message->n_changes;

    if (take_one(&follower->busy))
        answer.outcome = MEC__APPLY_OUTCOME__BUSY;
    else if (message->n_changes > 0 && take_one(&follower->invalid))
        answer.outcome = MEC__APPLY_OUTCOME__INVALID;
    else
        answer.outcome = apply(driver, follower, message);
    cursor.shard = (char *)SHARD;
    cursor.epoch = follower->epoch_seen;
    cursor.seq = follower->cursor_seq;
    answer.shard = (char *)SHARD;
    answer.cursor = &cursor;
    if (follower->cursor_seq > 0)
        answer.cursor_digest = (ProtobufCBinaryData){32, follower->cursor_digest};
    if (!take_one(&follower->lose_answers))
        say(driver, peer, FRAME_APPLIED, frame->id, &answer.base);
out:
    mec__apply__free_unpacked(message, NULL);
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
            home_takes(driver, &frame);
        if (action->peer != HOME && driver->followers[action->peer].up)
            follower_takes(driver, action->peer, &frame);
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
        home_beats(driver);
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
    driver->shard.name = (char *)SHARD;
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
    free(driver->log);
    replicator_free(driver->replicator);
    free(driver);
}

void driver_commit(struct driver *driver, size_t count, size_t value_bytes)
{
    struct driver_home *home = &driver->home;
    uint64_t after_seq = home->count;

    for (size_t i = 0; i < count; i++)
        append(home, DRIVER_WALL_US + driver->now_us, value_bytes);
    /* A group larger than a frame leaves as several. */
    while (home->up && !home->mute && home->tail_id != 0 && after_seq < home->count)
        after_seq += make_tail(driver, home->tail_id, after_seq, 512, TAIL_BYTES_MAX);
    settle(driver);
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
