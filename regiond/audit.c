#include "regiond/audit.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "common/memory.h"
#include "regiond/audit_head.h"
#include "regiond/commit.h"
#include "regiond/signing.h"

#define INTERVAL_US   SECOND_US
#define CHAIN_SIZE    (sizeof(STORE_AUDIT_SHARD_PREFIX) + SHARD_NAME_SIZE)
#define KEPT_READ_MAX 4096 /* more than 64 regions can have */

/* A chain of ours. */
struct own {
    char kid[KID_SIZE]; /* of the key that has signed it */
    char chain[CHAIN_SIZE];
    struct store_audit_head end;        /* durable */
    struct store_audit_head signed_end; /* n 0: nothing is signed yet */
    uint64_t signed_us;
    uint8_t signature[AUDIT_HEAD_SIGNATURE_SIZE];
    Mec__AuditHead message; /* of signed_end; its bytes are those above */
};

/* What is kept of another region's chain. */
struct kept {
    UT_hash_handle hh;
    const char *region, *chain; /* within `name` */
    struct store_audit_head head;
    uint64_t wall_us;
    uint8_t *packed; /* the message as it came */
    size_t packed_size;
    bool is_new; /* not on the disk yet */
    char name[]; /* what the hash goes by: region, chain, start */
};

/* A head on its way to the disk. */
struct keeping {
    struct commit_op op;
    struct kept *kept;
    uint8_t packed[];
};

struct audit {
    struct own *own; /* one a copy; the last is the queue's */
    size_t own_count;
    Mec__AuditHead **messages; /* to be sent */
    size_t message_count;
    struct kept *kept;
    uint64_t interval_us;
    uint64_t kept_us; /* when heads were last written */
    size_t writing;
};

/* ---- our own ---- */

static void sign(const struct region *region, struct own *own, const struct region_key *key)
{
    Mec__AuditHead *message = &own->message;

    own->signed_end = own->end;
    own->signed_us = region->at.now_us;
    mec__audit_head__init(message);
    message->region = region->name;
    message->chain = own->chain;
    message->n = own->end.n;
    message->digest = (ProtobufCBinaryData){DIGEST_SIZE, own->signed_end.digest};
    message->start = (ProtobufCBinaryData){DIGEST_SIZE, own->signed_end.start};
    message->wall_us = region->at.wall_us;
    snprintf(own->kid, sizeof own->kid, "%s", key->kid);
    message->kid = own->kid;
    audit_head_sign(region->config->world, key->seed, message, own->signature);
    message->signature = (ProtobufCBinaryData){sizeof own->signature, own->signature};
}

/* A head that an old key has signed is good for nobody once that is retired. */
static bool is_due(const struct region *region, const struct own *own, const struct region_key *key)
{
    if (own->end.n == own->signed_end.n)
        return own->end.n > 0 && strcmp(own->kid, key->kid) != 0;
    return own->signed_end.n == 0 ||
           region->at.now_us - own->signed_us >= region->audit->interval_us;
}

static void sign_grown(struct region *region)
{
    const struct region_key *key = signing_key(region->signing);
    struct audit *audit = region->audit;

    audit->message_count = 0;
    for (size_t i = 0; i < audit->own_count; i++) {
        struct own *own = &audit->own[i];

        if (key && is_due(region, own, key))
            sign(region, own, key);
        if (own->signed_end.n > 0)
            audit->messages[audit->message_count++] = &own->message;
    }
}

void audit_stored(struct region *region, const struct storage_batch *batch)
{
    struct audit *audit = region->audit;
    size_t index = batch->target == STORAGE_QUEUE ? audit->own_count - 1 : batch->target;

    audit->own[index].end = batch->audit;
}

void audit_add_heads(struct region *region, Mec__Tail *tail)
{
    tail->n_audit_heads = region->audit->message_count;
    tail->audit_heads = region->audit->messages;
}

/* ---- theirs ---- */

static size_t make_name(const char *region, const char *chain, const uint8_t start[DIGEST_SIZE],
                        char *ret_name)
{
    size_t region_size = strlen(region) + 1, chain_size = strlen(chain) + 1;

    if (ret_name) {
        memcpy(ret_name, region, region_size);
        memcpy(ret_name + region_size, chain, chain_size);
        memcpy(ret_name + region_size + chain_size, start, DIGEST_SIZE);
    }
    return region_size + chain_size + DIGEST_SIZE;
}

static struct kept *find_kept(struct region *region, const char *of, const char *chain,
                              const uint8_t start[DIGEST_SIZE])
{
    char *name = arena_alloc(region->scratch, make_name(of, chain, start, NULL));
    size_t size = make_name(of, chain, start, name);
    struct kept *kept;

    HASH_FIND(hh, region->audit->kept, name, (unsigned)size, kept);
    return kept;
}

static struct kept *add_kept(struct audit *audit, const char *region, const char *chain,
                             const uint8_t start[DIGEST_SIZE])
{
    size_t size = make_name(region, chain, start, NULL);
    struct kept *kept = memory_alloc(sizeof *kept + size);

    make_name(region, chain, start, kept->name);
    kept->region = kept->name;
    kept->chain = kept->name + strlen(region) + 1;
    memcpy(kept->head.start, start, DIGEST_SIZE);
    HASH_ADD_KEYPTR(hh, audit->kept, kept->name, (unsigned)size, kept);
    return kept;
}

static size_t count_kept(const struct audit *audit, const char *region)
{
    const struct kept *kept;
    size_t count = 0;

    for (kept = audit->kept; kept; kept = kept->hh.next)
        count += strcmp(kept->region, region) == 0;
    return count;
}

/* Takes @packed over. */
static void set_kept(struct kept *kept, const struct store_audit_head *head, uint64_t wall_us,
                     uint8_t *packed, size_t packed_size)
{
    free(kept->packed);
    kept->head = *head;
    kept->wall_us = wall_us;
    kept->packed = packed;
    kept->packed_size = packed_size;
}

static bool is_signed(const struct region *region, const Mec__AuditHead *head)
{
    const Mec__Config *config = region->config;

    for (size_t i = 0; i < config->n_keys; i++) {
        const Mec__SigningKey *key = config->keys[i];

        if (strcmp(key->kid, head->kid) == 0 && strcmp(key->region, head->region) == 0 &&
            key->public_key.len == TOKEN_KEY_PUBLIC_SIZE)
            return audit_head_check(config->world, key->public_key.data, head);
    }
    return false;
}

static bool is_well_formed(const struct region *region, const Mec__AuditHead *head)
{
    return head->n > 0 && head->digest.len == DIGEST_SIZE && head->start.len == DIGEST_SIZE &&
           strlen(head->chain) < CHAIN_SIZE && strcmp(head->region, region->name) != 0;
}

/* A head that is not higher says nothing new: it is not worth a look at its signature. */
static bool is_news(struct region *region, const Mec__AuditHead *head, const struct kept *kept)
{
    if (kept)
        return head->n > kept->head.n;
    return count_kept(region->audit, head->region) < AUDIT_HEADS_OF_REGION_MAX;
}

static void keep(struct region *region, const Mec__AuditHead *message, struct kept *kept)
{
    struct store_audit_head head = {.n = message->n};
    size_t size = mec__audit_head__get_packed_size(message);
    uint8_t *packed = memory_alloc(size);

    memcpy(head.digest, message->digest.data, DIGEST_SIZE);
    memcpy(head.start, message->start.data, DIGEST_SIZE);
    mec__audit_head__pack(message, packed);
    if (!kept)
        kept = add_kept(region->audit, message->region, message->chain, head.start);
    set_kept(kept, &head, message->wall_us, packed, size);
    kept->is_new = true;
}

static void take(struct region *region, const Mec__AuditHead *head)
{
    struct kept *kept;

    if (!is_well_formed(region, head)) {
        region->counters.audit_heads_refused++;
        return;
    }
    kept = find_kept(region, head->region, head->chain, head->start.data);
    if (!is_news(region, head, kept))
        return;
    if (is_signed(region, head))
        keep(region, head, kept);
    else
        region->counters.audit_heads_refused++;
}

void audit_take(struct region *region, const Mec__Apply *apply)
{
    for (size_t i = 0; i < apply->n_audit_heads; i++)
        take(region, apply->audit_heads[i]);
}

/* ---- to the disk ---- */

static void on_written(struct region *region, struct commit_op *op, int error)
{
    struct keeping *keeping = OWNER_OF(op, struct keeping, op);

    region->audit->writing--;
    if (error == 0)
        region->counters.audit_heads_kept++;
    else
        keeping->kept->is_new = true;
    free(keeping);
}

static void write_kept(struct region *region, struct kept *kept)
{
    struct keeping *keeping = memory_alloc(sizeof *keeping + kept->packed_size);

    memcpy(keeping->packed, kept->packed, kept->packed_size);
    keeping->kept = kept;
    keeping->op.bytes = kept->packed_size + 256;
    keeping->op.done = on_written;
    keeping->op.queue = (struct queue_op){
        .kind = QUEUE_OP_HEAD,
        .head = {.region = kept->region,
                 .chain = kept->chain,
                 .head = kept->head,
                 .signed_head = {(const char *)keeping->packed, kept->packed_size}},
    };
    kept->is_new = false;
    region->audit->writing++;
    commit_queue(region, &keeping->op);
}

/* All in one transaction, and none while the disk takes nothing: that is found out by others. */
static void write_new(struct region *region)
{
    struct audit *audit = region->audit;
    struct kept *kept;

    if (audit->writing > 0 || !region->writable ||
        region->at.now_us - audit->kept_us < audit->interval_us)
        return;
    for (kept = audit->kept; kept; kept = kept->hh.next) {
        if (!kept->is_new)
            continue;
        audit->kept_us = region->at.now_us;
        write_kept(region, kept);
    }
}

void audit_beat(struct region *region)
{
    sign_grown(region);
    write_new(region);
}

/* ---- life ---- */

static int read_own(struct region *region, struct audit *audit)
{
    int r = 0;

    audit->own_count = region->copy_count + 1;
    audit->own = memory_alloc(audit->own_count * sizeof *audit->own);
    audit->messages = memory_alloc(audit->own_count * sizeof(Mec__AuditHead *));
    for (size_t i = 0; i < region->copy_count && r == 0; i++) {
        struct own *own = &audit->own[i];

        snprintf(own->chain, sizeof own->chain, "%s%s", STORE_AUDIT_SHARD_PREFIX,
                 region->copies[i].shard);
        r = store_reader_audit_head(region->copies[i].reader, &own->end);
    }
    if (r < 0)
        return r;
    snprintf(audit->own[region->copy_count].chain, CHAIN_SIZE, "%s", STORE_AUDIT_QUEUE);
    return queue_reader_audit_head(region->queue_reader, &audit->own[region->copy_count].end);
}

static int read_kept(struct region *region, struct audit *audit)
{
    struct arena *arena = arena_create();
    struct queue_head *heads = arena_alloc(arena, KEPT_READ_MAX * sizeof *heads);
    int count = queue_reader_heads(region->queue_reader, arena, KEPT_READ_MAX, heads);

    for (int i = 0; i < count; i++) {
        const struct queue_head *head = &heads[i];
        struct kept *kept = add_kept(audit, head->region, head->chain, head->head.start);
        Mec__AuditHead *message =
            mec__audit_head__unpack(arena_allocator(arena), head->signed_head.size,
                                    (const uint8_t *)head->signed_head.data);

        set_kept(kept, &head->head, message ? message->wall_us : 0,
                 memory_copy(head->signed_head.data, head->signed_head.size),
                 head->signed_head.size);
    }
    arena_free(arena);
    return count < 0 ? count : 0;
}

int audit_create(struct region *region, uint64_t interval_us, struct audit **ret_audit)
{
    struct audit *audit = memory_alloc(sizeof *audit);
    int r;

    audit->interval_us = interval_us > 0 ? interval_us : INTERVAL_US;
    r = read_own(region, audit);
    if (r == 0)
        r = read_kept(region, audit);
    if (r < 0) {
        audit_free(audit);
        return r;
    }
    *ret_audit = audit;
    return 0;
}

void audit_free(struct audit *audit)
{
    struct kept *kept, *next;

    if (!audit)
        return;
    HASH_ITER(hh, audit->kept, kept, next)
    {
        HASH_DEL(audit->kept, kept);
        free(kept->packed);
        free(kept);
    }
    free(audit->messages);
    free(audit->own);
    free(audit);
}

/* ---- for people ---- */

static json_t *hex(const uint8_t digest[DIGEST_SIZE])
{
    char text[2 * DIGEST_SIZE + 1];

    sodium_bin2hex(text, sizeof text, digest, DIGEST_SIZE);
    return json_string(text);
}

char *audit_heads_json(const struct region *region)
{
    json_t *heads = json_array();
    json_t *root = json_pack("{s:s, s:o}", "region", region->name, "heads", heads);
    const struct kept *kept;
    char *text;

    for (kept = region->audit->kept; kept; kept = kept->hh.next)
        json_array_append_new(
            heads,
            json_pack("{s:s, s:s, s:I, s:o, s:o, s:I}", "region", kept->region, "chain",
                      kept->chain, "n", (json_int_t)kept->head.n, "digest", hex(kept->head.digest),
                      "start", hex(kept->head.start), "wall_us", (json_int_t)kept->wall_us));
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}
