/* The true log of each shard, and each key's way through it. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/moment.h"
#include "sim/watch_internal.h"

#define NAME_SIZE_MAX 1024

/* ---- keys ---- */

/* Shard and texts with their NULs, so that no two records have one name. Returns its size; 0: it is
 * too long for any record of a simulated world. */
static size_t make_name(uint32_t shard, const char *service, const char *user, const char *key,
                        char ret_name[NAME_SIZE_MAX])
{
    const char *parts[] = {service, user, key};
    size_t size = 0;

    ret_name[size++] = (char)shard;
    for (size_t i = 0; i < 3; i++) {
        size_t part_size = strlen(parts[i]) + 1;

        if (size + part_size > NAME_SIZE_MAX)
            return 0;
        memcpy(ret_name + size, parts[i], part_size);
        size += part_size;
    }
    return size;
}

struct watch_key *watch_log_key(const struct watch *watch, uint32_t shard, const char *service,
                                const char *user, const char *key)
{
    char name[NAME_SIZE_MAX];
    size_t size = make_name(shard, service, user, key, name);
    struct watch_key *found;

    HASH_FIND(hh, watch->keys, name, (unsigned)size, found);
    return found;
}

static int compare_keys(const struct watch_key *a, const struct watch_key *b)
{
    int order = strcmp(a->service, b->service);

    if (order == 0)
        order = strcmp(a->user, b->user);
    return order != 0 ? order : strcmp(a->key, b->key);
}

/* Keep the shard's keys in the order in which its file has them. */
static void insert_key(struct watch_shard *shard, struct watch_key *key)
{
    size_t low = 0, high = shard->key_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (compare_keys(shard->keys[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (shard->key_count == shard->key_capacity) {
        shard->key_capacity = shard->key_capacity ? 2 * shard->key_capacity : 64;
        shard->keys = memory_grow(shard->keys, shard->key_capacity * sizeof(struct watch_key *));
    }
    memmove(shard->keys + low + 1, shard->keys + low,
            (shard->key_count - low) * sizeof(struct watch_key *));
    shard->keys[low] = key;
    shard->key_count++;
}

static struct watch_key *key_of(struct watch *watch, uint32_t shard, const Mec__Change *change)
{
    char name[NAME_SIZE_MAX];
    size_t size = make_name(shard, change->service, change->user, change->key, name);
    struct watch_key *key;

    HASH_FIND(hh, watch->keys, name, (unsigned)size, key);
    if (key)
        return key;
    assert(size > 0);
    key = arena_alloc(watch->arena, sizeof(*key) + size);
    memset(key, 0, sizeof(*key));
    memcpy(key->name, name, size);
    key->shard = shard;
    key->service = key->name + 1;
    key->user = key->service + strlen(key->service) + 1;
    key->key = key->user + strlen(key->user) + 1;
    HASH_ADD_KEYPTR(hh, watch->keys, key->name, (unsigned)size, key);
    insert_key(&watch->shards[shard], key);
    return key;
}

struct watch_entry *watch_log_state(const struct watch_key *key, uint64_t seq)
{
    struct watch_entry *entry = key ? key->head : NULL;

    while (entry && entry->seq > seq)
        entry = entry->before;
    return entry;
}

struct watch_entry *watch_log_version(const struct watch_key *key, uint64_t version)
{
    struct watch_entry *entry = key ? key->head : NULL;

    while (entry && entry->version > version)
        entry = entry->before;
    if (entry && entry->version == version)
        return entry;
    for (entry = key ? key->given_up : NULL; entry; entry = entry->next_given_up)
        if (entry->version == version)
            return entry;
    return NULL;
}

struct slice watch_log_value(const struct watch_entry *entry)
{
    return entry->plain.data ? entry->plain : entry->value;
}

/* ---- the log ---- */

static void push(struct watch_entries *entries, struct watch_entry *entry)
{
    if (entries->count == entries->capacity) {
        entries->capacity = entries->capacity ? 2 * entries->capacity : 64;
        entries->items =
            memory_grow(entries->items, entries->capacity * sizeof(struct watch_entry *));
    }
    entries->items[entries->count++] = entry;
}

bool watch_log_has(const struct watch_shard *shard, uint64_t epoch, uint64_t seq)
{
    if (seq == 0)
        return true;
    return seq <= shard->log.count && shard->log.items[seq - 1]->epoch == epoch;
}

struct watch_entry *watch_log_at(const struct watch_shard *shard, uint64_t epoch, uint64_t seq)
{
    if (seq == 0)
        return NULL;
    if (watch_log_has(shard, epoch, seq))
        return shard->log.items[seq - 1];
    for (size_t i = shard->gone.count; i > 0; i--)
        if (shard->gone.items[i - 1]->seq == seq && shard->gone.items[i - 1]->epoch == epoch)
            return shard->gone.items[i - 1];
    return NULL;
}

static struct slice keep(struct arena *arena, ProtobufCBinaryData bytes)
{
    return (struct slice){arena_text_of(arena, (struct slice){(char *)bytes.data, bytes.len}),
                          bytes.len};
}

static struct watch_entry *make_entry(struct watch *watch, uint32_t region, struct watch_key *key,
                                      const Mec__Change *change, const uint8_t digest[DIGEST_SIZE])
{
    struct watch_entry *entry = arena_alloc(watch->arena, sizeof(*entry));

    *entry = (struct watch_entry){
        .before = key->head,
        .key = key,
        .effort = watch_effort_of(watch, change->user, change->idempotency_key),
        .queued = watch_queue_find(watch, change->receipt),
        .epoch = change->epoch,
        .seq = change->seq,
        .version = change->version_after,
        .incarnation = change->incarnation,
        .wall_us = change->commit_wall_us,
        .published_us = NEVER_US,
        .batch = watch->shards[key->shard].batches,
        .home = region,
        .copy_life = watch->regions[region].copies[key->shard].life,
        .deleted = change->deleted,
        .created = change->created,
        .content_type = arena_text(watch->arena, change->content_type),
        .value = keep(watch->arena, change->value),
    };
    if (change->request_digest.len == sizeof(entry->request_digest))
        memcpy(entry->request_digest, change->request_digest.data, sizeof(entry->request_digest));
    memcpy(entry->digest, digest, DIGEST_SIZE);
    return entry;
}

static void write_history(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard,
                          const struct watch_entry *entry)
{
    if (!watch->history || strcmp(entry->key->service, "metadata") != 0)
        return;
    history_applied(watch->history, now_us, watch->regions[region].name, watch->shards[shard].name,
                    entry->epoch, entry->seq,
                    arena_format(watch->scratch, "%s/%s", entry->key->user, entry->key->key),
                    entry->deleted ? NULL : entry->value.data, entry->version);
}

static void set_end(struct watch_copy *copy, const struct watch_entry *entry)
{
    copy->end.epoch = entry->epoch;
    copy->end.seq = entry->seq;
    memcpy(copy->end.digest, entry->digest, DIGEST_SIZE);
}

struct watch_entry *watch_log_append(struct watch *watch, uint64_t now_us, uint32_t region,
                                     uint32_t shard, const Mec__Change *change,
                                     const uint8_t digest[DIGEST_SIZE])
{
    struct watch_shard *log = &watch->shards[shard];
    struct watch_key *key = key_of(watch, shard, change);
    struct watch_entry *entry = make_entry(watch, region, key, change, digest);

    entry->made_us = now_us;
    push(&log->log, entry);
    key->head = entry;
    set_end(&watch->regions[region].copies[shard], entry);
    write_history(watch, now_us, region, shard, entry);
    return entry;
}

/* ---- followers ---- */

static struct watch_entry *find_gone(const struct watch_shard *shard, uint64_t epoch, uint64_t seq,
                                     const uint8_t digest[DIGEST_SIZE])
{
    for (size_t i = shard->gone.count; i > 0; i--) {
        struct watch_entry *entry = shard->gone.items[i - 1];

        if (entry->seq == seq && entry->epoch == epoch &&
            memcmp(entry->digest, digest, DIGEST_SIZE) == 0)
            return entry;
    }
    return NULL;
}

/* The change that a follower applies, as its home has it; what was given up may still be on its way
 * to those that have not heard of the new home. NULL: no home has ever made it. */
static struct watch_entry *find_applied(const struct watch_shard *shard,
                                        const struct watch_copy *copy, uint64_t epoch, uint64_t seq,
                                        const uint8_t digest[DIGEST_SIZE])
{
    struct watch_entry *entry;

    if (!copy->forked && watch_log_has(shard, epoch, seq) && seq > 0) {
        entry = shard->log.items[seq - 1];
        if (memcmp(entry->digest, digest, DIGEST_SIZE) == 0)
            return entry;
    }
    return find_gone(shard, epoch, seq, digest);
}

void watch_log_applied(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard,
                       uint64_t epoch, uint64_t seq, const uint8_t digest[DIGEST_SIZE])
{
    struct watch_shard *log = &watch->shards[shard];
    struct watch_copy *copy = &watch->regions[region].copies[shard];
    struct watch_entry *entry;

    if (copy->damaged)
        return;
    if (seq != copy->end.seq + 1) {
        watch_report(watch, now_us, WATCH_PREFIX, "%s applies %s.%llu behind %llu",
                     watch->regions[region].name, log->name, (unsigned long long)seq,
                     (unsigned long long)copy->end.seq);
        return;
    }
    entry = find_applied(log, copy, epoch, seq, digest);
    if (!entry && !log->spoiled) {
        watch_report(watch, now_us, WATCH_PREFIX,
                     "%s applies a change as %s:%llu.%llu that its home has not made there",
                     watch->regions[region].name, log->name, (unsigned long long)epoch,
                     (unsigned long long)seq);
        return;
    }
    if (!entry) {
        copy->damaged = true; /* whatever a broken home has made of it */
        return;
    }
    if (entry->given_up)
        copy->forked = true;
    else
        watch_log_published(log, seq, now_us);
    set_end(copy, entry);
    arena_reset(watch->scratch);
    write_history(watch, now_us, region, shard, entry);
}

/* ---- what is given up, shown, told ---- */

static void take_back(struct watch_entry *entry)
{
    struct watch_key *key = entry->key;
    struct watch_entry *known;

    assert(key->head == entry);
    key->head = entry->before;
    entry->given_up = true;
    entry->next_given_up = key->given_up;
    key->given_up = entry;
    for (known = key->head; known && !known->acknowledged; known = known->before)
        ;
    key->acknowledged = known;
    if (entry->effort && entry->effort->effect == entry) {
        entry->effort->effect = NULL;
        entry->effort->given_up = entry;
    }
}

size_t watch_log_give_up(struct watch *watch, uint32_t shard, uint64_t kept_seq)
{
    struct watch_shard *log = &watch->shards[shard];
    size_t acknowledged = 0;

    while (log->log.count > kept_seq) {
        struct watch_entry *entry = log->log.items[--log->log.count];

        acknowledged += entry->acknowledged;
        take_back(entry);
        push(&log->gone, entry);
        watch->gave_up = true;
    }
    if (log->published > log->log.count)
        log->published = log->log.count;
    return acknowledged;
}

void watch_log_published(struct watch_shard *shard, uint64_t seq, uint64_t now_us)
{
    while (shard->published < seq && shard->published < shard->log.count)
        shard->log.items[shard->published++]->published_us = now_us;
}

void watch_log_acknowledge(struct watch_entry *entry)
{
    struct watch_key *key = entry->key;

    entry->acknowledged = true;
    if (!entry->given_up && (!key->acknowledged || key->acknowledged->seq < entry->seq))
        key->acknowledged = entry;
}

void watch_log_free(struct watch *watch)
{
    HASH_CLEAR(hh, watch->keys);
    for (size_t i = 0; i < watch->region_count; i++) {
        free(watch->shards[i].log.items);
        free(watch->shards[i].gone.items);
        free(watch->shards[i].keys);
    }
}
