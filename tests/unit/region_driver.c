#include "region_driver.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/residency.h"
#include "common/token.h"
#include "common/vault_key.h"
#include "scratch.h"

#define PEER_CONNECTIONS 1000 /* node i reaches others on their connection PEER_CONNECTIONS + i */
#define SHIPPER          500  /* the connection that driver_ship() uses */

struct driver_event {
    struct driver_event *prev, *next;
    size_t node;
    struct region_event event;
    uint8_t *bytes;
};

static const char *const names[DRIVER_NODES_MAX] = {"us-east", "eu-west", "ap-northeast"};

/* ---- configuration ---- */

static uint8_t *seed_of(size_t node)
{
    static uint8_t seeds[DRIVER_NODES_MAX][TOKEN_KEY_SEED_SIZE];

    memset(seeds[node], (int)node + 1, sizeof seeds[node]);
    return seeds[node];
}

static uint8_t *vault_seed_of(size_t node)
{
    static uint8_t seeds[DRIVER_NODES_MAX][VAULT_KEY_SEED_SIZE];

    memset(seeds[node], 0x80 | (int)node, sizeof seeds[node]);
    return seeds[node];
}

static void add_vault_key(Mec__Config *config, size_t i)
{
    Mec__VaultKey *key = memory_alloc(sizeof *key);

    mec__vault_key__init(key);
    key->region = (char *)names[i];
    key->public_key.data = memory_alloc(VAULT_KEY_PUBLIC_SIZE);
    key->public_key.len = VAULT_KEY_PUBLIC_SIZE;
    vault_key_public(vault_seed_of(i), key->public_key.data);
    config->vault_keys[config->n_vault_keys++] = key;
}

static void add_region(struct driver *driver, size_t i)
{
    Mec__Config *config = &driver->config;
    Mec__RegionConfig *region = memory_alloc(sizeof *region);
    Mec__ShardConfig *shard = memory_alloc(sizeof *shard);
    Mec__SigningKey *key = memory_alloc(sizeof *key);

    mec__region_config__init(region);
    region->name = (char *)names[i];
    mec__shard_config__init(shard);
    shard->name = (char *)names[i];
    shard->home = (char *)names[i];
    shard->epoch = 1;
    mec__signing_key__init(key);
    key->kid = (char *)names[i];
    key->region = (char *)names[i];
    key->public_key.data = memory_alloc(TOKEN_KEY_PUBLIC_SIZE);
    key->public_key.len = TOKEN_KEY_PUBLIC_SIZE;
    token_key_public(seed_of(i), key->public_key.data);
    config->regions[config->n_regions++] = region;
    config->shards[config->n_shards++] = shard;
    config->keys[config->n_keys++] = key;
    add_vault_key(config, i);
}

static void add_links(struct driver *driver, uint64_t latency_us)
{
    Mec__Config *config = &driver->config;

    for (size_t i = 0; i < driver->node_count; i++) {
        for (size_t j = 0; j < driver->node_count; j++) {
            Mec__LinkConfig *link;

            if (i == j)
                continue;
            link = memory_alloc(sizeof *link);
            mec__link_config__init(link);
            link->from = (char *)names[i];
            link->to = (char *)names[j];
            link->latency_us = latency_us;
            config->links[config->n_links++] = link;
        }
    }
}

static void make_config(struct driver *driver, uint64_t latency_us)
{
    Mec__Config *config = &driver->config;
    Mec__Settings *settings = memory_alloc(sizeof *settings);

    mec__config__init(config);
    config->version = 1;
    config->world = "test";
    config->regions = memory_alloc(DRIVER_NODES_MAX * sizeof(Mec__RegionConfig *));
    config->shards = memory_alloc(DRIVER_NODES_MAX * sizeof(Mec__ShardConfig *));
    config->vault_keys = memory_alloc(DRIVER_NODES_MAX * sizeof(Mec__VaultKey *));
    config->keys = memory_alloc(DRIVER_NODES_MAX * sizeof(Mec__SigningKey *));
    config->links =
        memory_alloc((size_t)DRIVER_NODES_MAX * DRIVER_NODES_MAX * sizeof(Mec__LinkConfig *));
    mec__settings__init(settings);
    settings->request_timeout_us = 500 * MILLISECOND_US;
    settings->heartbeat_interval_us = 250 * MILLISECOND_US;
    settings->queue_writes = true;
    settings->queue_max_entries = 1000;
    settings->queue_max_bytes = 1024 * 1024;
    settings->queue_expiry_us = 60 * SECOND_US;
    settings->queue_drain_per_s = 1000;
    settings->cache_bytes = 1024 * 1024;
    settings->argon2_operations = 1;
    settings->argon2_memory_kib = 64;
    settings->token_lifetime_s = 600;
    config->settings = settings;
    for (size_t i = 0; i < driver->node_count; i++)
        add_region(driver, i);
    add_links(driver, latency_us);
}

static void free_config(Mec__Config *config)
{
    for (size_t i = 0; i < config->n_regions; i++) {
        free(config->regions[i]);
        free(config->shards[i]);
        free(config->keys[i]->public_key.data);
        free(config->keys[i]);
        free(config->vault_keys[i]->public_key.data);
        free(config->vault_keys[i]);
    }
    for (size_t i = 0; i < config->n_links; i++)
        free(config->links[i]);
    free(config->regions);
    free(config->shards);
    free(config->keys);
    free(config->vault_keys);
    free(config->links);
    free(config->settings);
}

/* ---- events ---- */

static void post(struct driver *driver, size_t node, const struct region_event *event)
{
    struct driver_event *posted = memory_alloc(sizeof *posted);

    posted->node = node;
    posted->event = *event;
    if (event->frame.body) {
        posted->bytes = memory_copy(event->frame.body, event->frame.body_size);
        posted->event.frame.body = posted->bytes;
    }
    DL_APPEND(driver->events, posted);
}

static void keep_frame(struct driver_node *node, uint64_t connection, const struct frame *frame)
{
    struct driver_frame *kept;

    node->frames = memory_grow(node->frames, (node->frame_count + 1) * sizeof *node->frames);
    kept = &node->frames[node->frame_count++];
    *kept = (struct driver_frame){.connection = connection,
                                  .kind = frame->kind,
                                  .id = frame->id,
                                  .bytes = memory_copy(frame->body, frame->body_size),
                                  .size = frame->body_size};
}

static void carry_frame(struct driver *driver, size_t from, const struct region_action *action)
{
    struct region_event event = {0};
    size_t used;

    ck_assert_int_eq(frame_decode(action->bytes, action->size, &event.frame, &used), 1);
    ck_assert_uint_eq(used, action->size);
    if (action->kind == REGION_SEND_PEER) {
        ck_assert(driver->connected[from][action->peer]);
        event.kind = REGION_FRAME;
        event.connection = PEER_CONNECTIONS + from;
        post(driver, action->peer, &event);
    } else if (action->connection >= PEER_CONNECTIONS) {
        size_t to = action->connection - PEER_CONNECTIONS;

        event.kind = REGION_PEER_FRAME;
        event.peer = (uint32_t)from;
        if (driver->connected[to][from])
            post(driver, to, &event);
    } else {
        keep_frame(&driver->nodes[from], action->connection, &event.frame);
    }
}

void driver_keys(struct driver *driver, size_t index)
{
    struct driver_node *node = &driver->nodes[index];
    struct region_event event = {
        .kind = REGION_KEYS, .keys = node->keys, .key_count = node->key_count};

    post(driver, index, &event);
}

/* The seed is out of the number, so that a test knows it. */
static void make_key(struct driver *driver, size_t index, const char *kid)
{
    struct driver_node *node = &driver->nodes[index];
    struct region_key *key = &node->keys[node->key_count++];

    ck_assert_uint_le(node->key_count, sizeof node->keys / sizeof node->keys[0]);
    snprintf(key->kid, sizeof key->kid, "%s", kid);
    memset(key->seed, (int)(16 * node->key_count + index), sizeof key->seed);
    driver_keys(driver, index);
}

static void forget_key(struct driver *driver, size_t index, const char *kid)
{
    struct driver_node *node = &driver->nodes[index];

    for (size_t i = node->key_count; i-- > 0;)
        if (strcmp(node->keys[i].kid, kid) == 0)
            memmove(&node->keys[i], &node->keys[i + 1],
                    (--node->key_count - i) * sizeof node->keys[0]);
    driver_keys(driver, index);
}

static void change_keys(struct driver *driver, size_t index, const struct region_action *action)
{
    struct driver_node *node = &driver->nodes[index];

    node->keys_asked++;
    if (node->hold_keys)
        return;
    if (action->kind == REGION_MAKE_KEY)
        make_key(driver, index, action->text);
    else
        forget_key(driver, index, action->text);
}

static void carry_out(struct driver *driver, size_t index, const struct region_action *action)
{
    struct driver_node *node = &driver->nodes[index];

    switch (action->kind) {
    case REGION_SEND:
    case REGION_SEND_PEER:
        carry_frame(driver, index, action);
        break;
    case REGION_CLOSE:
        node->closed = arena_text(driver->arena, action->text);
        break;
    case REGION_COMMIT:
        ck_assert_ptr_null(node->batch); /* one at a time */
        node->batch = action->batch;
        node->batch_count++;
        node->batch_ops = action->batch->count;
        break;
    case REGION_HASH:
        ck_assert_uint_lt(node->job_count, 8);
        node->jobs[node->job_count++] = action->job;
        break;
    case REGION_READY:
        node->ready_count++;
        break;
    case REGION_MAKE_KEY:
    case REGION_FORGET_KEY:
        change_keys(driver, index, action);
        break;
    case REGION_STOP:
        node->stopped = true;
        break;
    case REGION_LOG:
        snprintf(node->log, sizeof node->log, "%s", action->text);
        break;
    }
}

static void step(struct driver *driver, size_t index, struct region_event *event)
{
    struct driver_node *node = &driver->nodes[index];
    struct region_actions actions;

    if (!node->region)
        return;
    event->at = driver->at;
    actions = region_step(node->region, event);
    for (size_t i = 0; i < actions.count; i++)
        carry_out(driver, index, &actions.items[i]);
}

void driver_store(struct driver *driver, size_t index)
{
    struct driver_node *node = &driver->nodes[index];
    struct region_event event = {.kind = REGION_STORED, .batch = node->batch};

    ck_assert_ptr_nonnull(node->batch);
    if (node->fail_commits == 0) {
        storage_run(node->storage, node->batch);
    } else {
        node->batch->error = node->fail_commits;
        for (size_t i = 0; i < node->batch->count; i++) {
            if (node->batch->target == STORAGE_QUEUE)
                node->batch->queue_ops[i].result = QUEUE_NOT_RUN;
            else
                node->batch->ops[i].result = STORE_NOT_RUN;
        }
    }
    node->batch = NULL;
    step(driver, index, &event);
}

static bool run_work(struct driver *driver)
{
    bool any = false;

    for (size_t i = 0; i < driver->node_count; i++) {
        struct driver_node *node = &driver->nodes[i];

        if (node->batch && !node->hold_commits && node->region) {
            driver_store(driver, i);
            any = true;
        }
        if (node->job_count > 0 && !node->hold_jobs && node->region) {
            struct region_event event = {.kind = REGION_HASHED, .job = node->jobs[0]};

            memmove(node->jobs, node->jobs + 1, --node->job_count * sizeof node->jobs[0]);
            region_hash_run(event.job);
            step(driver, i, &event);
            any = true;
        }
    }
    return any;
}

static bool run_event(struct driver *driver)
{
    struct driver_event *posted = driver->events;

    if (!posted)
        return false;
    DL_DELETE(driver->events, posted);
    step(driver, posted->node, &posted->event);
    free(posted->bytes);
    free(posted);
    return true;
}

static bool run_ticks(struct driver *driver)
{
    bool any = false;

    for (size_t i = 0; i < driver->node_count; i++) {
        struct region_event event = {.kind = REGION_TICK};

        if (!driver->nodes[i].region || region_wake_us(driver->nodes[i].region) > driver->at.now_us)
            continue;
        step(driver, i, &event);
        any = true;
    }
    return any;
}

static uint64_t next_us(const struct driver *driver)
{
    uint64_t next = NEVER_US;

    for (size_t i = 0; i < driver->node_count; i++) {
        uint64_t wake_us = NEVER_US;

        if (driver->nodes[i].region)
            wake_us = region_wake_us(driver->nodes[i].region);
        if (wake_us < next)
            next = wake_us;
    }
    return next;
}

void driver_run(struct driver *driver, uint64_t duration_us)
{
    uint64_t end_us = driver->at.now_us + duration_us;

    for (;;) {
        uint64_t next;

        while (run_event(driver) || run_work(driver) || run_ticks(driver))
            ;
        next = next_us(driver);
        if (next > end_us)
            next = end_us;
        driver->at.wall_us += next - driver->at.now_us;
        driver->at.now_us = next;
        if (next == end_us && next_us(driver) > end_us)
            return;
    }
}

/* ---- life ---- */

void driver_connect(struct driver *driver, size_t a, size_t b, bool up)
{
    for (int i = 0; i < 2; i++) {
        size_t from = i ? b : a, to = i ? a : b;
        struct region_event event = {.kind = up ? REGION_PEER_UP : REGION_PEER_DOWN,
                                     .peer = (uint32_t)to};

        if (driver->connected[from][to] == up)
            continue;
        driver->connected[from][to] = up;
        post(driver, from, &event);
    }
    driver_run(driver, 0);
}

void driver_start(struct driver *driver, size_t index)
{
    struct driver_node *node = &driver->nodes[index];
    struct region_options options = {.name = names[index],
                                     .directory = node->directory,
                                     .keys = node->keys,
                                     .key_count = node->key_count,
                                     .vault_seed = vault_seed_of(index),
                                     .link_seed = index};
    struct store_end ends[DRIVER_NODES_MAX];
    const char *failed = "";

    ck_assert_int_eq(storage_open(node->directory, names[index], names, driver->node_count, NULL,
                                  &node->storage, &failed),
                     0);
    for (size_t i = 0; i < driver->node_count; i++)
        ends[i] = storage_end(node->storage, (uint32_t)i);
    memset(options.secret, (int)index + 7, sizeof options.secret);
    memcpy(options.secret + 8, &driver->at.now_us, sizeof driver->at.now_us);
    ck_assert_int_eq(region_create(&options, &driver->config, ends, driver->at, &node->region), 0);
    node->stopped = false;
    node->ready_count = 0;
    for (size_t i = 0; i < driver->node_count; i++)
        if (i != index && driver->nodes[i].region)
            driver_connect(driver, index, i, true);
}

void driver_kill(struct driver *driver, size_t index)
{
    struct driver_node *node = &driver->nodes[index];

    for (size_t i = 0; i < driver->node_count; i++)
        if (i != index)
            driver_connect(driver, index, i, false);
    region_free(node->region);
    storage_free(node->storage);
    node->region = NULL;
    node->storage = NULL;
    node->batch = NULL;
    node->job_count = 0;
}

struct driver *driver_create(size_t count, uint64_t latency_us)
{
    struct driver *driver = memory_alloc(sizeof *driver);

    driver->node_count = count;
    driver->at = (struct moment){.now_us = SECOND_US, .wall_us = DRIVER_WALL_US};
    driver->arena = arena_create();
    make_config(driver, latency_us);
    scratch_create();
    for (size_t i = 0; i < count; i++) {
        snprintf(driver->nodes[i].directory, sizeof driver->nodes[i].directory, "%s/%s", scratch,
                 names[i]);
        ck_assert_int_eq(mkdir(driver->nodes[i].directory, 0700), 0);
        snprintf(driver->nodes[i].keys[0].kid, KID_SIZE, "%s", names[i]);
        memcpy(driver->nodes[i].keys[0].seed, seed_of(i), TOKEN_KEY_SEED_SIZE);
        driver->nodes[i].key_count = 1;
        driver_start(driver, i);
    }
    return driver;
}

void driver_free(struct driver *driver)
{
    for (size_t i = 0; i < driver->node_count; i++) {
        struct driver_node *node = &driver->nodes[i];

        region_free(node->region);
        storage_free(node->storage);
        for (size_t j = 0; j < node->frame_count; j++)
            free(node->frames[j].bytes);
        free(node->frames);
    }
    while (driver->events) {
        struct driver_event *posted = driver->events;

        DL_DELETE(driver->events, posted);
        free(posted->bytes);
        free(posted);
    }
    free_config(&driver->config);
    arena_free(driver->arena);
    free(driver);
    scratch_remove();
}

void driver_configure(struct driver *driver)
{
    driver->config.version++;
    for (size_t i = 0; i < driver->node_count; i++) {
        struct region_event event = {.kind = REGION_CONFIGURED, .config = &driver->config};

        post(driver, i, &event);
    }
    driver_run(driver, 0);
}

/* ---- asking ---- */

void driver_send_raw(struct driver *driver, size_t node, uint64_t connection, enum frame_kind kind,
                     const void *bytes, size_t size)
{
    struct region_event event = {.kind = REGION_FRAME, .connection = connection};
    uint8_t *body = memory_alloc(size);

    if (size > 0)
        memcpy(body, bytes, size);
    event.frame =
        (struct frame){.kind = kind, .id = ++driver->last_id, .body = body, .body_size = size};
    post(driver, node, &event);
    free(body);
    driver_run(driver, 0);
}

uint64_t driver_send(struct driver *driver, size_t node, uint64_t connection, enum frame_kind kind,
                     const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = memory_alloc(size);

    protobuf_c_message_pack(message, bytes);
    driver_send_raw(driver, node, connection, kind, bytes, size);
    free(bytes);
    return driver->last_id;
}

uint64_t driver_call(struct driver *driver, size_t node, const Mec__Call *call)
{
    return driver_send(driver, node, DRIVER_CLIENT, FRAME_CALL, &call->base);
}

Mec__Answer *driver_answer(struct driver *driver, size_t index, uint64_t id)
{
    const struct driver_node *node = &driver->nodes[index];
    Mec__Answer *answer = NULL;

    for (size_t i = 0; i < node->frame_count; i++) {
        const struct driver_frame *frame = &node->frames[i];

        if (frame->kind != FRAME_ANSWER || frame->id != id)
            continue;
        ck_assert_ptr_null(answer); /* one answer a call */
        answer = mec__answer__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
        ck_assert_ptr_nonnull(answer);
    }
    return answer;
}

Mec__Answer *driver_ask(struct driver *driver, size_t node, const Mec__Call *call)
{
    uint64_t id = driver_call(driver, node, call);
    Mec__Answer *answer = driver_answer(driver, node, id);

    for (int i = 0; i < 500 && !answer; i++) {
        driver_run(driver, 10 * MILLISECOND_US);
        answer = driver_answer(driver, node, id);
    }
    ck_assert_ptr_nonnull(answer);
    return answer;
}

const struct driver_frame *driver_newest(const struct driver *driver, size_t index,
                                         uint64_t connection, enum frame_kind kind,
                                         size_t *ret_count)
{
    const struct driver_node *node = &driver->nodes[index];
    const struct driver_frame *newest = NULL;
    size_t count = 0;

    for (size_t i = 0; i < node->frame_count; i++) {
        if (node->frames[i].kind != kind || node->frames[i].connection != connection)
            continue;
        newest = &node->frames[i];
        count++;
    }
    if (ret_count)
        *ret_count = count;
    return newest;
}

/* ---- shipping ---- */

/* As a replicator does it. */
static void redact(struct driver *driver, const char *to, Mec__StoredChange *stored)
{
    const Mec__Change *change = mec__change__unpack(arena_allocator(driver->arena),
                                                    stored->change.len, stored->change.data);
    uint8_t *digest = arena_alloc(driver->arena, DIGEST_SIZE);

    ck_assert_ptr_nonnull(change);
    if (residency_allows_records(&driver->config, change->service, to) &&
        !residency_is_redacted(change))
        return;
    stored->change.data =
        residency_redact(change, stored->digest, driver->arena, &stored->change.len);
    crypto_generichash(digest, DIGEST_SIZE, stored->change.data, stored->change.len, NULL, 0);
    stored->redaction_digest = (ProtobufCBinaryData){DIGEST_SIZE, digest};
}

static Mec__Applied *apply(struct driver *driver, size_t to, const char *home,
                           const Mec__Tail *tail)
{
    Mec__Apply ask = MEC__APPLY__INIT;
    const struct driver_frame *frame;
    Mec__Applied *applied;

    ask.shard = tail->shard;
    ask.epoch = tail->epoch;
    ask.home = (char *)home;
    ask.home_wall_us = tail->wall_us;
    ask.home_last_seq = tail->last_seq;
    ask.after_seq = tail->after_seq;
    ask.changes = tail->changes;
    ask.n_changes = tail->n_changes;
    driver_send(driver, to, SHIPPER, FRAME_APPLY, &ask.base);
    frame = driver_newest(driver, to, SHIPPER, FRAME_APPLIED, NULL);
    ck_assert_ptr_nonnull(frame);
    applied = mec__applied__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
    ck_assert_ptr_nonnull(applied);
    return applied;
}

void driver_ship(struct driver *driver, const char *shard, size_t from, size_t to)
{
    uint64_t cursor = 0;

    for (int i = 0; i < 100; i++) {
        Mec__FetchAsk ask = MEC__FETCH_ASK__INIT;
        const struct driver_frame *frame;
        Mec__Applied *applied;
        Mec__Tail *tail;

        ask.shard = (char *)shard;
        ask.after_seq = cursor;
        driver_send(driver, from, SHIPPER, FRAME_FETCH_ASK, &ask.base);
        frame = driver_newest(driver, from, SHIPPER, FRAME_TAIL, NULL);
        ck_assert_ptr_nonnull(frame);
        tail = mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
        ck_assert(!tail->not_home);
        for (size_t j = 0; j < tail->n_changes; j++)
            redact(driver, names[to], tail->changes[j]);
        applied = apply(driver, to, names[from], tail);
        ck_assert_int_eq(applied->outcome, MEC__APPLY_OUTCOME__APPLIED);
        cursor = applied->cursor->seq;
        if (cursor == tail->last_seq)
            return;
    }
    ck_abort_msg("the copy does not catch up");
}

void driver_ship_all(struct driver *driver)
{
    for (size_t i = 0; i < driver->node_count; i++)
        for (size_t j = 0; j < driver->node_count; j++)
            if (i != j)
                driver_ship(driver, names[i], i, j);
}

/* ---- calls ---- */

Mec__Claims driver_claims(const char *user, const char *shard)
{
    Mec__Claims claims = MEC__CLAIMS__INIT;

    claims.user = (char *)user;
    claims.shard = (char *)shard;
    claims.session = "s";
    claims.generation = 1;
    claims.issued_s = DRIVER_WALL_US / SECOND_US;
    claims.expires_s = claims.issued_s + 600;
    return claims;
}

Mec__Call driver_get(Mec__Claims *claims, const char *key)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__METADATA_GET;
    call.claims = claims;
    call.key = (char *)key;
    return call;
}

Mec__Call driver_put(Mec__Claims *claims, const char *key, const char *value, const char *once)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = MEC__OPERATION__METADATA_PUT;
    call.claims = claims;
    call.key = (char *)key;
    call.body.data = (uint8_t *)(uintptr_t)value;
    call.body.len = strlen(value);
    call.content_type = "text/plain";
    call.idempotency_key = (char *)once;
    return call;
}

const char *driver_body(const Mec__Answer *answer)
{
    static char text[8192];

    ck_assert_uint_lt(answer->body.len, sizeof text);
    if (answer->body.len > 0)
        memcpy(text, answer->body.data, answer->body.len);
    text[answer->body.len] = '\0';
    return text;
}
