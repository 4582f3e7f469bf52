/* make_seeds: writes the seeds of fuzz_frames, which are made of real messages, into a directory:
 *
 *     scripts/build --only tests/fuzz/fuzz_seeds && build/tests/fuzz/fuzz_seeds
 * tests/fuzz/corpus/frames
 *
 * Each is a short story that gets deep into one core. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "call.pb-c.h"
#include "common/residency.h"
#include "health.pb-c.h"
#include "replication.pb-c.h"
#include "tests/fuzz/frames.h"

enum core { REGION, ROUTER, REPLICATOR };
enum what { FRAME = 0, RAW = 2, TIME = 3, LINK = 4, CONFIG = 5, OTHER = 6 };

#define MEND       0x80
#define NEWEST_ASK 0  /* the id of what the core asked last on that link */
#define SOME_ID    77 /* one of our own */

static uint8_t story[65536];
static size_t story_size;

static void put(uint8_t byte)
{
    assert(story_size < sizeof story);
    story[story_size++] = byte;
}

static void begin(enum core core)
{
    story_size = 0;
    put((uint8_t)core);
}

static void put_what(enum what what, unsigned link)
{
    put((uint8_t)(link << 3 | what));
}

static uint8_t index_of(enum frame_kind kind)
{
    static const enum frame_kind kinds[] = {
#define X(number, name, message) FRAME_##name,
        FRAME_KINDS(X)
#undef X
    };
    uint8_t i = 0;

    while (kinds[i] != kind)
        i++;
    return i;
}

static void frame(unsigned link, enum frame_kind kind, uint8_t flags, uint8_t id,
                  const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);

    put_what(FRAME, link);
    put(index_of(kind) | flags);
    put(id);
    put((uint8_t)(size & 255u));
    put((uint8_t)(size >> 8));
    assert(story_size + size <= sizeof story);
    protobuf_c_message_pack(message, story + story_size);
    story_size += size;
}

static void pass(uint8_t how_long)
{
    put_what(TIME, 0);
    put(how_long);
}

static void end(const char *directory, const char *name)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "wb");
    if (!file || fwrite(story, 1, story_size, file) != story_size || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

/* The same once more, in a world that pins data. */
static void end_pinned(const char *directory, const char *name, enum frames_residency residency)
{
    story[0] = (uint8_t)(story[0] % 3 + 3 * residency);
    end(directory, name);
}

/* ---- calls ---- */

static Mec__Call call_of(Mec__Operation operation, char *key)
{
    Mec__Call call = MEC__CALL__INIT;

    call.operation = operation;
    call.shard = "us-east";
    call.token = (char *)(uintptr_t)frames_token(0) + strlen("Bearer ");
    call.key = key;
    call.geo = "us-east";
    call.budget_us = 2000000;
    call.client = "127.0.0.1";
    call.idempotency_key = "once";
    return call;
}

static void set_body(Mec__Call *call, char *text)
{
    call->body.data = (uint8_t *)text;
    call->body.len = strlen(text);
    call->content_type = "application/json";
}

static void send_call(unsigned link, const Mec__Call *call)
{
    frame(link, FRAME_CALL, 0, SOME_ID, &call->base);
}

static void account_call(Mec__Operation operation)
{
    Mec__Call call = call_of(operation, "ann");

    call.token = "";
    set_body(&call, "{\"name\":\"ann\",\"password\":\"correct horse\"}");
    send_call(0, &call);
}

static void an_account(const char *directory)
{
    begin(REGION);
    account_call(MEC__OPERATION__USER_CREATE);
    pass(12);
    account_call(MEC__OPERATION__TOKEN_CREATE);
    pass(12);
    account_call(MEC__OPERATION__NAME_LOOKUP);
    end(directory, "region-account");
}

/* ---- a change ---- */

static Mec__Change change_of(uint64_t seq, char *service, char *user, char *key, char *value)
{
    Mec__Change change = MEC__CHANGE__INIT;

    change.shard = "us-east";
    change.epoch = 1;
    change.seq = seq;
    change.service = service;
    change.user = user;
    change.key = key;
    change.incarnation = 1;
    change.version_after = 1;
    change.created = true;
    change.content_type = "text/plain";
    change.value.data = (uint8_t *)value;
    change.value.len = strlen(value);
    change.idempotency_key = key;
    change.commit_wall_us = FRAMES_WALL_US;
    return change;
}

#define CHANGES 3

/* What the changes of @shard come in, in memory that lasts. */
static Mec__StoredChange **changes_of(char *shard)
{
    static uint8_t bytes[CHANGES][512];
    static Mec__StoredChange stored[CHANGES], *list[CHANGES];
    Mec__Change changes[CHANGES] = {
        change_of(1, "auth", "u0", "",
                  "{\"name\":\"ann\",\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"generation\":1}"),
        change_of(2, "metadata", "u0", "k", "v"),
        change_of(3, "vault", "u0", "k", "sealed"),
    };

    for (size_t i = 0; i < CHANGES; i++) {
        changes[i].shard = shard;
        mec__stored_change__init(&stored[i]);
        stored[i].seq = i + 1;
        stored[i].change.data = bytes[i];
        assert(mec__change__get_packed_size(&changes[i]) <= sizeof bytes[i]);
        stored[i].change.len = mec__change__pack(&changes[i], bytes[i]);
        list[i] = &stored[i];
    }
    return list;
}

/* ---- the region's stories ---- */

static void own_data(const char *directory, const char *name, const Mec__Operation *operations,
                     size_t count)
{
    begin(REGION);
    for (size_t i = 0; i < count; i++) {
        Mec__Call call = call_of(operations[i], "k");

        set_body(&call, "v");
        call.grantee = "bob";
        call.limit = 2;
        send_call(0, &call);
        pass(12);
    }
    end(directory, name);
}

/* As they come to a region outside. */
static Mec__StoredChange **redactions_of(char *shard, struct arena *arena)
{
    Mec__StoredChange **list = changes_of(shard);

    for (size_t i = 0; i < CHANGES; i++) {
        ProtobufCBinaryData digest = {32, arena_alloc(arena, 32)};
        Mec__Change *change =
            mec__change__unpack(arena_allocator(arena), list[i]->change.len, list[i]->change.data);
        if (strcmp(change->service, "auth") == 0)
            continue;
        crypto_generichash(digest.data, 32, list[i]->change.data, list[i]->change.len, NULL, 0);
        list[i]->change.data = residency_redact(change, digest, arena, &list[i]->change.len);
    }
    return list;
}

static void apply(const char *directory, enum frames_residency residency)
{
    struct arena *arena = arena_create();
    Mec__Apply message = MEC__APPLY__INIT;
    Mec__Revocation revocation = MEC__REVOCATION__INIT, *revocations[] = {&revocation};
    Mec__Call call = call_of(MEC__OPERATION__METADATA_GET, "k");

    begin(REGION);
    message.shard = message.home = "eu-west";
    message.epoch = 1;
    message.home_wall_us = FRAMES_WALL_US;
    message.home_last_seq = CHANGES;
    message.n_changes = CHANGES;
    message.changes =
        residency == FRAMES_OUTSIDE ? redactions_of("eu-west", arena) : changes_of("eu-west");
    frame(1, FRAME_APPLY, MEND, SOME_ID, &message.base);
    pass(12);
    message.n_changes = 0;
    message.after_seq = CHANGES;
    revocation.seq = 1;
    revocation.user = "u1";
    revocation.below = 2;
    revocation.until_s = FRAMES_WALL_US / SECOND_US + 600;
    message.revocations = revocations;
    message.n_revocations = 1;
    message.revocations_through_seq = 1;
    frame(1, FRAME_APPLY, MEND, SOME_ID, &message.base);
    pass(12);
    call.shard = "eu-west";
    call.token = (char *)(uintptr_t)frames_token(1) + strlen("Bearer ");
    send_call(0, &call);
    if (residency == FRAMES_OUTSIDE)
        end_pinned(directory, "region-apply-outside", residency);
    else
        end(directory, "region-apply");
    arena_free(arena);
}

static void ask_for_the_log(const char *directory)
{
    Mec__TailAsk tail = MEC__TAIL_ASK__INIT;
    Mec__FetchAsk fetch = MEC__FETCH_ASK__INIT;
    Mec__Ping ping = MEC__PING__INIT;
    Mec__QueueListAsk list = MEC__QUEUE_LIST_ASK__INIT;

    begin(REGION);
    tail.shard = fetch.shard = "us-east";
    tail.max_changes = fetch.max_changes = 100;
    fetch.max_bytes = 65536;
    frame(2, FRAME_TAIL_ASK, 0, SOME_ID, &tail.base);
    account_call(MEC__OPERATION__USER_CREATE);
    pass(12);
    frame(2, FRAME_FETCH_ASK, 0, SOME_ID, &fetch.base);
    frame(0, FRAME_PING, 0, SOME_ID, &ping.base);
    frame(0, FRAME_QUEUE_LIST_ASK, 0, SOME_ID, &list.base);
    put_what(LINK, 2);
    pass(16);
    end(directory, "region-log");
}

static void queue(const char *directory)
{
    Mec__Call call = call_of(MEC__OPERATION__METADATA_PUT, "k");
    Mec__Answer answer = MEC__ANSWER__INIT;
    Mec__Position position = MEC__POSITION__INIT;

    begin(REGION);
    call.mode = MEC__CALL_MODE__ENQUEUE;
    call.shard = "eu-west";
    call.token = (char *)(uintptr_t)frames_token(1) + strlen("Bearer ");
    set_body(&call, "v");
    send_call(0, &call);
    pass(12);
    pass(14);
    answer.status = 201;
    answer.version = 1;
    answer.served = MEC__SERVED__SERVED_HOME;
    position.shard = "eu-west";
    position.epoch = position.seq = 1;
    answer.position = &position;
    frame(3, FRAME_ANSWER, 0, NEWEST_ASK, &answer.base);
    pass(14);
    call.mode = MEC__CALL_MODE__SERVE;
    call.operation = MEC__OPERATION__RECEIPT_GET;
    send_call(0, &call);
    end(directory, "region-queue");
}

static void moved_home(const char *directory)
{
    Mec__Call call = call_of(MEC__OPERATION__METADATA_PUT, "k");

    begin(REGION);
    set_body(&call, "v");
    put_what(OTHER, 1); /* batches take */
    send_call(0, &call);
    put_what(CONFIG, 1);
    put_what(OTHER, 0);
    pass(13);
    put_what(CONFIG, 2);
    send_call(0, &call);
    put_what(CONFIG, 0);
    end(directory, "region-moved");
}

/* ---- the router's stories ---- */

static void request(uint8_t what, uint8_t how, uint8_t where)
{
    put_what(OTHER, 4);
    put(what);
    put(how);
    put(where);
}

static void all_are_well(void)
{
    pass(11);
    for (unsigned region = 0; region < FRAMES_REGIONS; region++) {
        put_what(OTHER, 8 * region % 32);
        put_what(OTHER, 0);
    }
    pass(10);
}

static void answered(const char *directory)
{
    Mec__Answer answer = MEC__ANSWER__INIT;
    Mec__Position position = MEC__POSITION__INIT;
    Mec__Span span = MEC__SPAN__INIT, *spans[] = {&span};

    begin(ROUTER);
    all_are_well();
    request(6 * 6, 0, 1); /* GET /v1/metadata/k */
    pass(12);
    answer.status = 200;
    answer.version = 7;
    answer.content_type = "text/plain";
    answer.body.data = (uint8_t *)(uintptr_t) "v";
    answer.body.len = 1;
    answer.served = MEC__SERVED__SERVED_HOME;
    answer.home = "us-east";
    answer.staleness_known = true;
    position.shard = "us-east";
    position.epoch = 1;
    position.seq = 9;
    answer.position = answer.seen = &position;
    span.name = "storage";
    span.duration_us = 50;
    answer.spans = spans;
    answer.n_spans = 1;
    answer.limit_quota = 100;
    frame(0, FRAME_ANSWER, 0, NEWEST_ASK, &answer.base);
    pass(14);
    request(6 * 6 + 2, 8, 2); /* PUT it */
    pass(12);
    answer.verdict = MEC__VERDICT__NOT_HOME;
    frame(0, FRAME_ANSWER, 0, NEWEST_ASK, &answer.base);
    pass(14);
    end(directory, "router-answers");
}

static void queued(const char *directory)
{
    Mec__Pong pong = MEC__PONG__INIT;
    Mec__QueueMark mark = MEC__QUEUE_MARK__INIT, *marks[] = {&mark};
    Mec__QueueList list = MEC__QUEUE_LIST__INIT;
    Mec__QueueEntry entry = MEC__QUEUE_ENTRY__INIT, *entries[] = {&entry};
    Mec__CacheCounters cache = MEC__CACHE_COUNTERS__INIT, *caches[] = {&cache};
    char *services[] = {"vault"};

    begin(ROUTER);
    pass(11);
    pong.serving = pong.writable = true;
    mark.shard = "us-east";
    mark.accepted_seq = 2;
    pong.queues = marks;
    pong.n_queues = 1;
    cache.name = "edge";
    pong.caches = caches;
    pong.n_caches = 1;
    pong.services_down = services;
    pong.n_services_down = 1;
    frame(1, FRAME_PONG, 0, NEWEST_ASK, &pong.base);
    pass(11);
    entry.seq = 2;
    entry.user = "u0";
    entry.shard = "us-east";
    entry.service = "metadata";
    list.entries = entries;
    list.n_entries = 1;
    list.through_seq = 2;
    frame(1, FRAME_QUEUE_LIST, 0, NEWEST_ASK, &list.base);
    request(6 * 6 + 2, 8, 2);
    put_what(LINK, 0);
    request(6 * 6 + 2, 8, 2);
    pass(14);
    put_what(OTHER, 3); /* explain */
    put(0);
    put(1);
    pass(13);
    end(directory, "router-queues");
}

/* ---- the replicator's stories ---- */

static Mec__Applied applied_of(Mec__Position *cursor, uint64_t seq)
{
    Mec__Applied applied = MEC__APPLIED__INIT;

    mec__position__init(cursor);
    cursor->shard = "us-east";
    cursor->epoch = 1;
    cursor->seq = seq;
    applied.shard = "us-east";
    applied.cursor = cursor;
    return applied;
}

static void shipped(const char *directory, uint8_t second)
{
    Mec__Tail tail = MEC__TAIL__INIT;
    Mec__Position cursor;
    Mec__Applied applied = applied_of(&cursor, 0);

    begin(REPLICATOR);
    pass(10);
    frame(1, FRAME_APPLIED, 0, NEWEST_ASK, &applied.base);
    tail.shard = "us-east";
    tail.epoch = 1;
    tail.last_seq = CHANGES;
    tail.wall_us = FRAMES_WALL_US;
    tail.changes = changes_of("us-east");
    tail.n_changes = CHANGES;
    frame(0, FRAME_TAIL, MEND, NEWEST_ASK, &tail.base);
    pass(12);
    frame(2, FRAME_APPLIED, 0, NEWEST_ASK, &applied.base);
    pass(12);
    applied = applied_of(&cursor, second);
    applied.outcome = (Mec__ApplyOutcome)(second % 6);
    frame(1, FRAME_APPLIED, 0, NEWEST_ASK, &applied.base);
    pass(14);
    tail.after_seq = CHANGES;
    tail.n_changes = 0;
    frame(0, FRAME_TAIL, MEND, NEWEST_ASK, &tail.base);
    put_what(CONFIG, second);
    pass(15);
    end(directory, second == 0 ? "replicator-ships" : "replicator-refused");
    if (second == 0)
        end_pinned(directory, "replicator-redacts", FRAMES_INSIDE);
}

/* ---- any core's ---- */

static void raw(const char *directory)
{
    uint8_t header[FRAME_HEADER_SIZE];

    begin(REGION);
    frame_header(FRAME_PING, 5, 0, header);
    put_what(RAW, 0);
    put(2 * FRAME_HEADER_SIZE - 3);
    put(0);
    for (size_t i = 0; i < 2 * FRAME_HEADER_SIZE - 3; i++)
        put(header[i % FRAME_HEADER_SIZE]);
    end(directory, "raw");
}

int main(int count, char **arguments)
{
    static const Mec__Operation metadata[] = {
        MEC__OPERATION__METADATA_PUT, MEC__OPERATION__METADATA_GET, MEC__OPERATION__METADATA_LIST,
        MEC__OPERATION__METADATA_DELETE, MEC__OPERATION__AUDIT_LIST};
    static const Mec__Operation vault[] = {
        MEC__OPERATION__VAULT_PUT,  MEC__OPERATION__VAULT_GET,  MEC__OPERATION__GRANT_PUT,
        MEC__OPERATION__GRANT_LIST, MEC__OPERATION__VAULT_LIST, MEC__OPERATION__GRANT_DELETE};
    static const Mec__Operation session[] = {MEC__OPERATION__WHOAMI,
                                             MEC__OPERATION__TOKEN_REFRESH,
                                             MEC__OPERATION__TOKEN_REVOKE_CURRENT,
                                             MEC__OPERATION__TOKEN_REVOKE_ALL,
                                             MEC__OPERATION__USER_DELETE,
                                             MEC__OPERATION__JWKS_GET};

    if (count != 2) {
        fprintf(stderr, "usage: fuzz_seeds DIRECTORY\n");
        return 64;
    }
    an_account(arguments[1]);
    own_data(arguments[1], "region-metadata", metadata, sizeof metadata / sizeof metadata[0]);
    own_data(arguments[1], "region-vault", vault, sizeof vault / sizeof vault[0]);
    own_data(arguments[1], "region-session", session, sizeof session / sizeof session[0]);
    apply(arguments[1], FRAMES_ANYWHERE);
    apply(arguments[1], FRAMES_OUTSIDE);
    ask_for_the_log(arguments[1]);
    queue(arguments[1]);
    moved_home(arguments[1]);
    answered(arguments[1]);
    queued(arguments[1]);
    shipped(arguments[1], 0);
    shipped(arguments[1], 1);
    raw(arguments[1]);
    return 0;
}
