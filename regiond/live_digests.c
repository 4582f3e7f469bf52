#include "regiond/live_digests.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/live_log.h"
#include "common/memory.h"
#include "common/position.h"
#include "regiond/storage.h"

/* About a millisecond's worth. */
#define STEP_ROWS 200

/* One ask under way: the shards before `shard` are in `rows`. */
struct ask {
    struct ask *next;
    struct live_digests *owner;
    uint64_t id;
    struct event *step;
    struct store_digest *digest; /* of `shard`; NULL: not begun */
    size_t shard;
    json_t *rows;
};

struct live_digests {
    struct live_loop *loop;
    struct live_control *control;
    const char *directory;
    char *const *shards;
    size_t shard_count;
    struct ask *first;
};

static void free_ask(struct ask *ask)
{
    struct ask **link = &ask->owner->first;

    while (*link != ask)
        link = &(*link)->next;
    *link = ask->next;
    if (ask->step)
        event_free(ask->step);
    store_digest_free(ask->digest);
    json_decref(ask->rows);
    free(ask);
}

static json_t *services_of(const struct store_digest *digest)
{
    json_t *services = json_object();
    char hex[2 * DIGEST_SIZE + 1];
    uint8_t bytes[DIGEST_SIZE];
    uint64_t records;

    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++) {
        store_digest_service(digest, (enum parts_service)i, bytes, &records);
        sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
        json_object_set_new(services, parts_service_name((enum parts_service)i),
                            json_pack("{s:s, s:I}", "digest", hex, "records", (json_int_t)records));
    }
    return services;
}

static json_t *row_of(const char *shard, const struct store_digest *digest)
{
    struct position position = {0};
    char text[POSITION_TEXT_SIZE], hex[2 * DIGEST_SIZE + 1];
    uint8_t bytes[DIGEST_SIZE];
    struct store_end end;
    uint64_t records;

    store_digest_result(digest, bytes, &end, &records);
    sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
    strncpy(position.shard, shard, sizeof(position.shard) - 1);
    position.epoch = end.epoch;
    position.seq = end.seq;
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "shard", shard, "position",
                     position_print(&position, text), "digest", hex, "epoch", (json_int_t)end.epoch,
                     "seq", (json_int_t)end.seq, "records", (json_int_t)records, "services",
                     services_of(digest));
}

/* A copy that cannot be read has no digest, and so equals none. */
static void finish_shard(struct ask *ask, int error)
{
    const char *shard = ask->owner->shards[ask->shard++];

    if (error < 0) {
        live_log(LIVE_LOG_ERROR, "cannot read a copy shard=%s why=\"%s\"", shard,
                 store_last_error());
        json_array_append_new(
            ask->rows, json_pack("{s:s, s:s}", "shard", shard, "error", "the copy cannot be read"));
    } else {
        json_array_append_new(ask->rows, row_of(shard, ask->digest));
    }
    store_digest_free(ask->digest);
    ask->digest = NULL;
}

static void answer(struct ask *ask)
{
    json_t *object = json_pack("{s:O}", "shards", ask->rows);
    char *text = json_dumps(object, JSON_COMPACT);

    live_control_status(ask->owner->control, ask->id, text);
    free(text);
    json_decref(object);
    free_ask(ask);
}

static void step_shard(struct ask *ask)
{
    struct live_digests *owner = ask->owner;
    int left = 1;

    if (!ask->digest) {
        char *path = storage_shard_path(owner->directory, owner->shards[ask->shard]);

        left = store_digest_begin(path, NULL, &ask->digest) < 0 ? -1 : 1;
        free(path);
    }
    if (left > 0)
        left = store_digest_step(ask->digest, STEP_ROWS);
    if (left <= 0)
        finish_shard(ask, left);
}

static void on_step(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval at_once = {0, 0};
    struct ask *ask = context;

    (void)fd;
    (void)what;
    if (ask->shard == ask->owner->shard_count) {
        answer(ask);
        return;
    }
    step_shard(ask);
    event_add(ask->step, &at_once);
}

struct live_digests *live_digests_create(struct live_loop *loop, struct live_control *control,
                                         const char *directory, char *const *shards,
                                         size_t shard_count)
{
    struct live_digests *digests = memory_alloc(sizeof(*digests));

    digests->loop = loop;
    digests->control = control;
    digests->directory = directory;
    digests->shards = shards;
    digests->shard_count = shard_count;
    return digests;
}

void live_digests_free(struct live_digests *digests)
{
    if (!digests)
        return;
    while (digests->first)
        free_ask(digests->first);
    free(digests);
}

void live_digests_start(struct live_digests *digests, uint64_t ask_id)
{
    static const struct timeval at_once = {0, 0};
    struct ask *ask = memory_alloc(sizeof(*ask));

    ask->owner = digests;
    ask->id = ask_id;
    ask->rows = json_array();
    ask->step = evtimer_new(live_loop_base(digests->loop), on_step, ask);
    ask->next = digests->first;
    digests->first = ask;
    event_add(ask->step, &at_once);
}
