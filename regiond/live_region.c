#include "regiond/live_region.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>
#include <uthash.h>

#include "common/live_log.h"
#include "common/live_peer.h"
#include "regiond/live_audits.h"
#include "regiond/live_digests.h"
#include "regiond/live_hash.h"
#include "regiond/live_keys.h"
#include "regiond/live_storage.h"

/* A process whose files have failed must not go on; see store.h. */
#define EXIT_FAILED 70

/* How long a start that has failed tries to say so. */
#define FAREWELL_US (200 * MILLISECOND_US)

/* An accepted connection, by the number that the core knows it by. */
struct connection {
    uint64_t number;
    struct live_peer *peer;
    UT_hash_handle hh;
};

struct live_region {
    struct live_loop *loop;
    const struct live_options *options;
    struct live_control *control;
    struct live_digests *digests;
    struct live_audits *audits;
    struct live_storage *live_storage;
    struct live_hash *hash;
    struct storage *storage;
    struct region *region;
    char **shards;
    size_t shard_count;

    struct live_listener *listener;
    struct connection *connections;
    uint64_t last_connection;

    struct live_peer **peers; /* by the region's index in the config; our own: NULL */
    size_t peer_count;

    /* Carrying out an action can close a connection, which is an event: its number waits here until
     * the actions of the present step, which live until the next one, are done. */
    bool stepping;
    bool keys_changed; /* likewise: the files of keys are to be read anew */
    uint64_t *closed;
    size_t closed_count;
};

/* ---- actions ---- */

static struct live_peer *find_connection(struct live_region *live, uint64_t number)
{
    struct connection *connection;

    HASH_FIND(hh, live->connections, &number, sizeof(number), connection);
    return connection ? connection->peer : NULL;
}

/* Nothing is flushed or closed on the way out: what is on the disk now is what counts. */
static _Noreturn void stop_at_once(const char *why)
{
    live_log(LIVE_LOG_ERROR, "stopping at once why=\"%s\"", why);
    _exit(EXIT_FAILED);
}

static void change_keys(struct live_region *live, const struct region_action *action)
{
    const struct live_options *options = live->options;
    bool make = action->kind == REGION_MAKE_KEY;
    int error = make ? live_keys_make(options->directory, options->region, action->text)
                     : live_keys_forget(options->directory, options->region, action->text);

    if (error < 0) {
        live_log(LIVE_LOG_ERROR, "cannot %s a signing key kid=%s why=\"%s\"",
                 make ? "make" : "remove", action->text, strerror(-error));
        return;
    }
    live_log(LIVE_LOG_INFO, "signing key %s kid=%s", make ? "made" : "removed", action->text);
    live->keys_changed = true;
}

static void carry_out(struct live_region *live, const struct region_action *action)
{
    struct live_peer *peer;

    switch (action->kind) {
    case REGION_SEND:
        if ((peer = find_connection(live, action->connection)))
            live_peer_send(peer, action->bytes, action->size);
        break;
    case REGION_SEND_PEER:
        if (live->peers[action->peer])
            live_peer_send(live->peers[action->peer], action->bytes, action->size);
        break;
    case REGION_CLOSE:
        if ((peer = find_connection(live, action->connection)))
            live_peer_close(peer, action->text);
        break;
    case REGION_COMMIT:
        live_storage_run(live->live_storage, action->batch);
        break;
    case REGION_HASH:
        live_hash_run(live->hash, action->job);
        break;
    case REGION_READY:
        live_control_ready(live->control, true, "");
        live_log(LIVE_LOG_INFO, "serving shards=%zu", live->shard_count);
        break;
    case REGION_MAKE_KEY:
    case REGION_FORGET_KEY:
        change_keys(live, action);
        break;
    case REGION_STOP:
        stop_at_once(action->text);
    case REGION_LOG:
        live_log(LIVE_LOG_INFO, "%s", action->text);
        break;
    }
}

static void step_once(struct live_region *live, const struct region_event *event)
{
    struct region_actions actions = region_step(live->region, event);

    live->stepping = true;
    for (size_t i = 0; i < actions.count; i++)
        carry_out(live, &actions.items[i]);
    live->stepping = false;
}

/* controld learns the public halves; the private ones leave neither the directory nor this
 * process. */
static void tell_keys(struct live_region *live, const struct live_keys *keys)
{
    struct arena *arena = arena_create();
    Mec__SigningKey *told = arena_alloc(arena, (keys->count + 1) * sizeof(*told));

    for (size_t i = 0; i < keys->count; i++) {
        uint8_t *public_key = arena_alloc(arena, TOKEN_KEY_PUBLIC_SIZE);

        token_key_public(keys->keys[i].seed, public_key);
        mec__signing_key__init(&told[i]);
        told[i].kid = keys->keys[i].kid;
        told[i].region = (char *)live->options->region;
        told[i].public_key.data = public_key;
        told[i].public_key.len = TOKEN_KEY_PUBLIC_SIZE;
    }
    live_control_keys(live->control, told, keys->count);
    arena_free(arena);
}

static void read_keys_again(struct live_region *live)
{
    struct live_keys keys;
    char *why;

    live->keys_changed = false;
    if (live_keys_read(live->options->directory, live->options->region, &keys, &why) < 0) {
        live_log(LIVE_LOG_ERROR, "cannot read the signing keys why=\"%s\"", why);
        free(why);
        return;
    }
    step_once(live, &(struct region_event){.kind = REGION_KEYS,
                                           .at = live_loop_now(),
                                           .keys = keys.keys,
                                           .key_count = keys.count});
    tell_keys(live, &keys);
    live_keys_free(&keys);
}

static void step(struct live_region *live, const struct region_event *event)
{
    assert(!live->stepping);
    step_once(live, event);
    while (live->closed_count > 0 || live->keys_changed) {
        if (live->keys_changed)
            read_keys_again(live);
        if (live->closed_count == 0)
            continue;
        uint64_t number = live->closed[--live->closed_count];

        step_once(live, &(struct region_event){
                            .kind = REGION_CLOSED, .at = live_loop_now(), .connection = number});
    }
    live_loop_wake(live->loop, region_wake_us(live->region));
}

/* ---- events ---- */

static void on_wake(void *context)
{
    step(context, &(struct region_event){.kind = REGION_TICK, .at = live_loop_now()});
}

static void on_stored(struct storage_batch *batch, void *context)
{
    step(context,
         &(struct region_event){.kind = REGION_STORED, .at = live_loop_now(), .batch = batch});
}

static void on_hashed(struct region_hash_job *job, void *context)
{
    step(context, &(struct region_event){.kind = REGION_HASHED, .at = live_loop_now(), .job = job});
}

static void on_accepted(struct live_peer *peer, void *context)
{
    struct live_region *live = context;
    struct connection *connection = memory_alloc(sizeof(*connection));

    connection->number = ++live->last_connection;
    connection->peer = peer;
    live_peer_set_tag(peer, connection->number);
    HASH_ADD(hh, live->connections, number, sizeof(connection->number), connection);
}

static void on_asked(struct live_peer *peer, const struct frame *frame, void *context)
{
    step(context, &(struct region_event){.kind = REGION_FRAME,
                                         .at = live_loop_now(),
                                         .connection = live_peer_tag(peer),
                                         .frame = *frame});
}

static void forget_connection(struct live_region *live, uint64_t number)
{
    struct connection *connection;

    HASH_FIND(hh, live->connections, &number, sizeof(number), connection);
    assert(connection);
    HASH_DELETE(hh, live->connections, connection);
    free(connection);
}

static void on_closed(struct live_peer *peer, const char *why, void *context)
{
    struct live_region *live = context;
    uint64_t number = live_peer_tag(peer);

    (void)why; /* live_peer has logged it */
    forget_connection(live, number);
    if (live->stepping) {
        live->closed =
            memory_grow(live->closed, (live->closed_count + 1) * sizeof(live->closed[0]));
        live->closed[live->closed_count++] = number;
        return;
    }
    step(live, &(struct region_event){
                   .kind = REGION_CLOSED, .at = live_loop_now(), .connection = number});
}

static void on_peer_up(struct live_peer *peer, void *context)
{
    step(context, &(struct region_event){.kind = REGION_PEER_UP,
                                         .at = live_loop_now(),
                                         .peer = (uint32_t)live_peer_tag(peer)});
}

static void on_peer_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    step(context, &(struct region_event){.kind = REGION_PEER_FRAME,
                                         .at = live_loop_now(),
                                         .peer = (uint32_t)live_peer_tag(peer),
                                         .frame = *frame});
}

static void on_peer_down(struct live_peer *peer, const char *why, void *context)
{
    (void)why; /* live_peer has logged it */
    step(context, &(struct region_event){.kind = REGION_PEER_DOWN,
                                         .at = live_loop_now(),
                                         .peer = (uint32_t)live_peer_tag(peer)});
}

static void on_config(const Mec__Config *config, void *context)
{
    struct live_region *live = context;

    /* One that comes while a start that has failed says so finds no core. */
    if (live->region)
        step(live, &(struct region_event){
                       .kind = REGION_CONFIGURED, .at = live_loop_now(), .config = config});
}

static char *on_status(const char *section, uint64_t ask_id, void *context)
{
    struct live_region *live = context;

    if (!live->region)
        return memory_text("{}");
    if (strcmp(section, "heads") == 0)
        return region_audit_heads(live->region);
    if (live_audits_start(live->audits, section, ask_id))
        return NULL;
    if (strcmp(section, "digest") != 0)
        return region_status(live->region, live_loop_now());
    live_digests_start(live->digests, ask_id);
    return NULL;
}

/* ---- starting ---- */

static void connect_peers(struct live_region *live, const Mec__Config *config)
{
    static const struct live_peer_handlers handlers = {
        .up = on_peer_up, .frame = on_peer_frame, .down = on_peer_down};

    live->peer_count = config->n_regions;
    live->peers = memory_alloc((live->peer_count + 1) * sizeof(live->peers[0]));
    for (size_t i = 0; i < live->peer_count; i++) {
        const Mec__RegionConfig *region = config->regions[i];

        if (strcmp(region->name, live->options->region) == 0)
            continue;
        live->peers[i] =
            live_peer_connect(live->loop, region->name, region->address, &handlers, live);
        live_peer_set_tag(live->peers[i], i);
    }
}

/* Luck of our own for each process, from the one seed of the world. */
static uint64_t link_seed(const Mec__Config *config, const char *process)
{
    uint64_t seed = config->seed, own;

    crypto_generichash((uint8_t *)&own, sizeof(own), (const uint8_t *)process, strlen(process),
                       (const uint8_t *)&seed, sizeof(seed));
    return own;
}

static int complain(struct live_region *live, int error, const char *what, const char *why)
{
    char detail[700];

    snprintf(detail, sizeof(detail), "%s: %s", what, why);
    live_log(LIVE_LOG_ERROR, "cannot start why=\"%s\"", detail);
    live_control_ready(live->control, false, detail);
    return error;
}

static int open_storage(struct live_region *live, const Mec__Config *config)
{
    const char *failed = NULL;
    int error;

    live->shard_count = config->n_shards;
    live->shards = memory_alloc((live->shard_count + 1) * sizeof(live->shards[0]));
    for (size_t i = 0; i < live->shard_count; i++)
        live->shards[i] = memory_text(config->shards[i]->name);
    error = storage_open(live->options->directory, live->options->region,
                         (const char *const *)live->shards, live->shard_count, NULL, &live->storage,
                         &failed);
    if (error < 0)
        return complain(live, error, "a file cannot be used", store_last_error());
    return 0;
}

static int create_core(struct live_region *live, const Mec__Config *config)
{
    struct region_options options = {.name = live->options->region,
                                     .directory = live->options->directory,
                                     .link_seed = link_seed(config, live->options->name)};
    struct store_end *ends = memory_alloc((live->shard_count + 1) * sizeof(ends[0]));
    struct live_keys keys;
    uint8_t vault_seed[VAULT_KEY_SEED_SIZE];
    const char *vault_why;
    char *why;
    int error = live_keys_read(live->options->directory, live->options->region, &keys, &why);

    if (error < 0) {
        complain(live, error, "a signing key cannot be used", why);
        free(why);
        free(ends);
        return error;
    }
    error = live_keys_load_vault(live->options->directory, vault_seed, &vault_why);
    if (error < 0) {
        live_keys_free(&keys);
        free(ends);
        return complain(live, error, "vault.key", vault_why);
    }
    options.keys = keys.keys;
    options.key_count = keys.count;
    options.vault_seed = vault_seed;
    randombytes_buf(options.secret, sizeof(options.secret));
    for (uint32_t i = 0; i < live->shard_count; i++)
        ends[i] = storage_end(live->storage, i);
    error = region_create(&options, config, ends, live_loop_now(), &live->region);
    tell_keys(live, &keys);
    live_keys_free(&keys);
    sodium_memzero(vault_seed, sizeof(vault_seed));
    sodium_memzero(options.secret, sizeof(options.secret));
    free(ends);
    if (error < 0)
        return complain(live, error, "the configuration does not fit", strerror(-error));
    return 0;
}

static int start_threads(struct live_region *live)
{
    int error =
        live_storage_create(live->loop, live->storage, on_stored, live, &live->live_storage);

    if (error == 0)
        error = live_hash_create(live->loop, on_hashed, live, &live->hash);
    return error < 0 ? complain(live, error, "no threads", strerror(-error)) : 0;
}

static int start_listening(struct live_region *live, const Mec__Config *config)
{
    static const struct live_peer_handlers handlers = {
        .up = on_accepted, .frame = on_asked, .down = on_closed};
    const char *address = NULL;
    int error;

    for (size_t i = 0; i < config->n_regions; i++)
        if (strcmp(config->regions[i]->name, live->options->region) == 0)
            address = config->regions[i]->address;
    assert(address); /* region_create() has looked for us too */
    error = live_listen(live->loop, address, &handlers, live, &live->listener);
    return error < 0 ? complain(live, error, address, strerror(-error)) : 0;
}

/* Give what was told to controld a moment to leave. */
static void on_farewell(void *context)
{
    live_loop_stop(context);
}

static void say_farewell(struct live_loop *loop)
{
    live_loop_on_wake(loop, on_farewell, loop);
    live_loop_wake(loop, live_loop_now().now_us + FAREWELL_US);
    live_loop_run(loop);
    live_loop_on_wake(loop, NULL, NULL);
}

static int start(struct live_region *live, const Mec__Config *config)
{
    int error;

    if (!live->options->region)
        return complain(live, -EINVAL, live->options->name, "names no region");
    error = open_storage(live, config);
    if (error == 0)
        error = create_core(live, config);
    if (error == 0)
        error = start_threads(live);
    if (error == 0)
        error = start_listening(live, config);
    return error;
}

int live_region_create(struct live_loop *loop, const struct live_options *options,
                       struct live_region **ret_live)
{
    static const struct live_control_handlers handlers = {.config = on_config, .status = on_status};
    struct live_region *live = memory_alloc(sizeof(*live));
    const Mec__Config *config = NULL;
    int error;

    live->loop = loop;
    live->options = options;
    error = live_control_create(loop, options, &handlers, live, &live->control, &config);
    if (error < 0)
        goto failed;
    error = start(live, config);
    if (error < 0) {
        say_farewell(loop);
        goto failed;
    }
    live->digests = live_digests_create(loop, live->control, options->directory, live->shards,
                                        live->shard_count);
    live->audits = live_audits_create(loop, live->control, live->region, options->region,
                                      options->directory, live->shards, live->shard_count);
    live_loop_on_wake(loop, on_wake, live);
    connect_peers(live, config);
    live_loop_wake(loop, region_wake_us(live->region));
    *ret_live = live;
    return 0;

failed:
    live_region_free(live);
    return error;
}

static void free_connections(struct live_region *live)
{
    struct connection *connection, *next;

    HASH_ITER(hh, live->connections, connection, next)
    {
        HASH_DELETE(hh, live->connections, connection);
        free(connection);
    }
}

/* Nothing comes in any more, then nothing is under way, then the core and its files go. */
void live_region_free(struct live_region *live)
{
    if (!live)
        return;
    live_loop_on_wake(live->loop, NULL, NULL);
    live_listener_free(live->listener);
    for (size_t i = 0; i < live->peer_count; i++)
        live_peer_free(live->peers[i]);
    live_digests_free(live->digests);
    live_audits_free(live->audits);
    live_control_free(live->control);
    live_hash_free(live->hash);
    live_storage_free(live->live_storage);
    region_free(live->region);
    storage_free(live->storage);
    free_connections(live);
    for (size_t i = 0; i < live->shard_count; i++)
        free(live->shards[i]);
    free(live->shards);
    free(live->closed);
    free(live->peers);
    free(live);
}
