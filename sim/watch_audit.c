/* The audit chains in the end: each verifies, and each thing that was done has one entry. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/watch_internal.h"

#define PAGE_ENTRIES 64
#define STEP_ROWS    1000
#define HEADS_MAX    256

/* What regions keep of each other's chains. */
struct heads {
    struct arena *arena;
    struct queue_head items[HEADS_MAX];
    const char *keepers[HEADS_MAX];
    size_t count;
};

/* One chain of a region: a shard's, or the queue's. */
struct chain {
    struct watch *watch;
    uint64_t now_us;
    uint32_t region;
    uint32_t shard; /* PLAN_NONE: the queue's */
    const char *vfs;
    const struct heads *heads;
    const char *path;
    const char *name;
};

static const char *region_of(const struct chain *chain)
{
    return chain->watch->regions[chain->region].name;
}

static void report(const struct chain *chain, const char *what)
{
    watch_report(chain->watch, chain->now_us, WATCH_AUDIT, "the audit chain %s of %s: %s",
                 chain->name, region_of(chain), what);
}

/* ---- what others keep ---- */

/* What the disk of @keeper has. */
static void read_heads(struct heads *heads, const char *keeper, const char *vfs,
                       const char *directory)
{
    char *path = storage_queue_path(directory);
    struct queue_reader *reader = NULL;
    int count = queue_reader_open(path, vfs, &reader);

    if (count == 0)
        count = queue_reader_heads(reader, heads->arena, HEADS_MAX - heads->count,
                                   heads->items + heads->count);
    for (int i = 0; i < count; i++)
        heads->keepers[heads->count++] = keeper;
    queue_reader_free(reader);
    free(path);
}

/* ---- does it verify? ---- */

static struct store_audit_head end_of(const struct chain *chain)
{
    struct store_audit_head end = {.n = 0};
    struct queue_reader *queue = NULL;
    struct store_reader *shard = NULL;

    if (chain->shard == PLAN_NONE && queue_reader_open(chain->path, chain->vfs, &queue) == 0)
        (void)queue_reader_audit_head(queue, &end);
    if (chain->shard != PLAN_NONE && store_reader_open(chain->path, chain->vfs, &shard) == 0)
        (void)store_reader_audit_head(shard, &end);
    queue_reader_free(queue);
    store_reader_free(shard);
    return end;
}

/* Was the file ever lost, and its chain with it? */
static bool was_lost(const struct chain *chain)
{
    const struct watch_region *region = &chain->watch->regions[chain->region];

    return region->disk_was_lost ||
           (chain->shard != PLAN_NONE && region->copies[chain->shard].life > 0);
}

/* The heads of this chain; where a file was lost, only those of the chain that is there now. */
static size_t pick_heads(const struct chain *chain, struct store_audit_witness *ret_heads)
{
    bool lost = was_lost(chain);
    struct store_audit_head end = lost ? end_of(chain) : (struct store_audit_head){.n = 0};
    size_t count = 0;

    for (size_t i = 0; i < chain->heads->count; i++) {
        const struct queue_head *head = &chain->heads->items[i];
        bool same = end.n > 0 && memcmp(end.start, head->head.start, DIGEST_SIZE) == 0;

        if (strcmp(head->region, region_of(chain)) == 0 && strcmp(head->chain, chain->name) == 0 &&
            (same || !lost))
            ret_heads[count++] = (struct store_audit_witness){chain->heads->keepers[i], head->head};
    }
    return count;
}

/* Returns how many entries there are. A chain that the disk does not let be read is for others to
 * judge: -EIO. */
static int64_t verify(const struct chain *chain)
{
    struct store_audit_witness heads[HEADS_MAX];
    size_t head_count = pick_heads(chain, heads);
    char text[STORE_AUDIT_TEXT_SIZE];
    struct store_audit *audit = NULL;
    struct store_audit_result result = {.entries = 0};
    int left = store_audit_begin(chain->path, chain->vfs, region_of(chain), chain->name, heads,
                                 head_count, &audit);

    if (left == 0)
        do
            left = store_audit_step(audit, STEP_ROWS);
        while (left > 0);
    if (left == 0) {
        store_audit_result(audit, &result);
        if (result.found > 0)
            report(chain, store_audit_finding_text(&result.findings[0], text));
    }
    store_audit_free(audit);
    return left == 0 ? (int64_t)result.entries : -EIO;
}

/* ---- what the entries tell ---- */

static bool is_one_of(const char *action, const char *a, const char *b)
{
    return strcmp(action, a) == 0 || strcmp(action, b) == 0;
}

static bool is_action_of(const char *action, const struct watch_entry *entry)
{
    const char *service = entry->key->service;
    size_t size = strlen(service);

    if (entry->deleted && strcmp(action, "auth.erase") == 0)
        return true;
    if (strcmp(service, "metadata") == 0 || strcmp(service, "vault") == 0)
        return strncmp(action, service, size) == 0 &&
               strcmp(action + size, entry->deleted ? ".delete" : ".put") == 0;
    if (strcmp(service, "grants") == 0)
        return is_one_of(action, "vault.grant", "vault.withdraw");
    if (strcmp(service, "vault-keys") == 0)
        return strcmp(action, "vault.key") == 0;
    return strncmp(action, service, size) == 0 && action[size] == '.';
}

static bool tells_of(const struct store_audit_entry *told, const struct watch_entry *entry)
{
    const struct watch_key *key = entry->key;
    bool own = key->user[0] != '\0'; /* a name's record is nobody's */

    return memcmp(told->change_digest, entry->digest, DIGEST_SIZE) == 0 &&
           strcmp(told->outcome, "done") == 0 && strcmp(told->key, key->key) == 0 &&
           (!own || strcmp(told->user, key->user) == 0) && is_action_of(told->action, entry);
}

static void take_change(const struct chain *chain, const struct store_audit_entry *told)
{
    struct watch *watch = chain->watch;
    struct watch_entry *entry = watch_log_at(&watch->shards[chain->shard], told->epoch, told->seq);

    /* A copy may hold what it had written when it was the home no more: nobody was told of it. */
    if (!entry && watch->regions[chain->region].copies[chain->shard].forked)
        return;
    if (!entry || entry->home != chain->region || !tells_of(told, entry))
        report(chain, arena_format(watch->scratch,
                                   "entry %" PRIu64 " says %s of %s, %s, as %" PRIu64 ".%" PRIu64
                                   ", which is not what was done",
                                   told->n, told->action, told->key, told->outcome, told->epoch,
                                   told->seq));
    else
        entry->audited++;
}

/* What the home says of a queued write that it has refused. */
static void take_refusal(const struct chain *chain, const struct store_audit_entry *told)
{
    struct watch_queued *queued = watch_queue_find(chain->watch, told->receipt);

    if (queued && queued->effort)
        queued->effort->audited[chain->region]++;
}

static void take_queued(const struct chain *chain, const struct store_audit_entry *told)
{
    struct watch_queued *queued = watch_queue_find(chain->watch, told->receipt);

    if (!queued || queued->region != chain->region || queued->lost ||
        strcmp(told->user, queued->user) != 0)
        report(chain, arena_format(chain->watch->scratch,
                                   "entry %" PRIu64 " says that %s was queued, which it was not",
                                   told->n, told->receipt));
    else
        queued->audited++;
}

static void take(const struct chain *chain, const struct store_audit_entry *told)
{
    if (told->epoch > 0)
        take_change(chain, told);
    else if (chain->shard == PLAN_NONE && strcmp(told->outcome, "queued") == 0)
        take_queued(chain, told);
    else if (told->receipt[0] != '\0')
        take_refusal(chain, told);
}

/* Returns how many were read behind @after_n, or -EIO. */
static int read_page(const struct chain *chain, struct store_reader *shard,
                     struct queue_reader *queue, uint64_t after_n, struct store_audit_entry *page)
{
    struct arena *arena = chain->watch->scratch;

    arena_reset(arena);
    return shard ? store_reader_audit_log(shard, arena, after_n, PAGE_ENTRIES, page)
                 : queue_reader_audit_log(queue, arena, after_n, PAGE_ENTRIES, page);
}

/* Returns false when the disk does not let it be read. */
static bool read_all(const struct chain *chain)
{
    struct store_audit_entry page[PAGE_ENTRIES];
    struct store_reader *shard = NULL;
    struct queue_reader *queue = NULL;
    uint64_t after_n = 0;
    int count = chain->shard == PLAN_NONE ? queue_reader_open(chain->path, chain->vfs, &queue)
                                          : store_reader_open(chain->path, chain->vfs, &shard);

    while (count >= 0 && !chain->watch->breach.found &&
           (count = read_page(chain, shard, queue, after_n, page)) > 0) {
        for (int i = 0; i < count && !chain->watch->breach.found; i++)
            take(chain, &page[i]);
        after_n = page[count - 1].n;
    }
    store_reader_free(shard);
    queue_reader_free(queue);
    return count >= 0;
}

/* ---- has each thing one? ---- */

static void check_entries(const struct chain *chain, const struct watch_entries *entries)
{
    struct watch *watch = chain->watch;
    const struct watch_copy *copy = &watch->regions[chain->region].copies[chain->shard];

    for (size_t i = 0; i < entries->count && !watch->breach.found; i++) {
        const struct watch_entry *entry = entries->items[i];

        if (entry->home == chain->region && entry->copy_life == copy->life && entry->audited != 1)
            report(chain, arena_format(watch->scratch,
                                       "%" PRIu64 " entries for %" PRIu64 ".%" PRIu64 " (%s/%s/%s)",
                                       entry->audited, entry->epoch, entry->seq,
                                       entry->key->service, entry->key->user, entry->key->key));
    }
}

static void check_queued(const struct chain *chain)
{
    const struct watch_queue *queue = &chain->watch->regions[chain->region].queue;

    for (size_t i = 0; i < queue->count && !chain->watch->breach.found; i++)
        if (queue->entries[i]->audited != 1)
            report(chain, arena_format(chain->watch->scratch, "%" PRIu64 " entries for receipt %s",
                                       queue->entries[i]->audited, queue->entries[i]->receipt));
}

static void check_chain(const struct chain *chain)
{
    const struct watch_shard *shard = NULL;
    int64_t entries;

    if (chain->shard != PLAN_NONE) {
        shard = &chain->watch->shards[chain->shard];
        if (watch_is_damaged(chain->watch, chain->region, chain->shard, 0))
            return;
    }
    entries = verify(chain);
    if (entries < 0 || (entries > 0 && !read_all(chain)))
        return;
    if (shard) {
        check_entries(chain, &shard->log);
        check_entries(chain, &shard->gone);
    } else {
        check_queued(chain);
    }
}

/* All refusals that are surely on one of the region's present disks. */
static void check_refusals(struct watch *watch, uint64_t now_us, uint32_t region)
{
    const struct watch_effort *effort, *next;

    HASH_ITER(hh, watch->efforts, effort, next)
    {
        if (effort->refused[region] == watch->regions[region].disks && effort->audited[region] != 1)
            watch_report(watch, now_us, WATCH_AUDIT,
                         "%s has refused the queued write of key %s, and tells of it %" PRIu64
                         " times in its audit chain",
                         watch->regions[region].name, effort->idempotency_key,
                         effort->audited[region]);
    }
}

static void forget_entries(struct watch_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        entries->items[i]->audited = 0;
}

/* The files may be looked at more than once. */
static void forget(struct watch *watch, uint32_t region)
{
    struct watch_effort *effort, *next;

    for (uint32_t shard = 0; shard < watch->region_count; shard++) {
        forget_entries(&watch->shards[shard].log);
        forget_entries(&watch->shards[shard].gone);
    }
    for (size_t i = 0; i < watch->regions[region].queue.count; i++)
        watch->regions[region].queue.entries[i]->audited = 0;
    HASH_ITER(hh, watch->efforts, effort, next)
    {
        effort->audited[region] = 0;
    }
}

static void check_chains(struct watch *watch, uint64_t now_us, uint32_t region, const char *vfs,
                         const char *directory, const struct heads *heads)
{
    struct chain chain = {
        .watch = watch, .now_us = now_us, .region = region, .vfs = vfs, .heads = heads};
    char name[sizeof(STORE_AUDIT_SHARD_PREFIX) + SHARD_NAME_SIZE];
    char *path;

    chain.name = name;
    for (chain.shard = 0; chain.shard < watch->region_count && !watch->breach.found;
         chain.shard++) {
        (void)snprintf(name, sizeof(name), "%s%s", STORE_AUDIT_SHARD_PREFIX,
                       watch->shards[chain.shard].name);
        chain.path = path = storage_shard_path(directory, watch->shards[chain.shard].name);
        check_chain(&chain);
        free(path);
    }
    chain.shard = PLAN_NONE;
    chain.name = STORE_AUDIT_QUEUE;
    chain.path = path = storage_queue_path(directory);
    if (!watch->breach.found)
        check_chain(&chain);
    free(path);
}

void watch_audit_final(struct watch *watch, uint64_t now_us, uint32_t core, const char *const *vfs,
                       const char *const *directories)
{
    struct heads *heads = memory_alloc(sizeof(*heads));

    heads->arena = arena_create();
    for (uint32_t i = 0; i < watch->region_count; i++)
        if ((core >> i & 1u) != 0)
            read_heads(heads, watch->regions[i].name, vfs[i], directories[i]);
    for (uint32_t i = 0; i < watch->region_count && !watch->breach.found; i++) {
        if ((core >> i & 1u) == 0)
            continue;
        forget(watch, i);
        check_chains(watch, now_us, i, vfs[i], directories[i], heads);
        if (!watch_is_any_damaged(watch) && !watch->breach.found)
            check_refusals(watch, now_us, i);
    }
    arena_free(heads->arena);
    free(heads);
}
