/* What files hold when they are opened again, and in the end. */

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/watch_internal.h"

#define PAGE_ENTRIES 64

struct file {
    struct watch *watch;
    uint64_t now_us;
    uint32_t region, shard;
    const char *vfs, *directory;
};

static struct watch_copy *copy_of(const struct file *file)
{
    return &file->watch->regions[file->region].copies[file->shard];
}

static const char *region_of(const struct file *file)
{
    return file->watch->regions[file->region].name;
}

static const char *shard_of(const struct file *file)
{
    return file->watch->shards[file->shard].name;
}

/* ---- rows: the content digest of regiond/store_digest.c, from the true log ---- */

static void add_u64(crypto_generichash_state *state, uint64_t value)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    crypto_generichash_update(state, bytes, sizeof(bytes));
}

static void add_bytes(crypto_generichash_state *state, const char *data, size_t size)
{
    add_u64(state, size);
    crypto_generichash_update(state, (const uint8_t *)data, size);
}

static void add_record(crypto_generichash_state *state, const struct watch_entry *entry)
{
    const struct watch_key *key = entry->key;

    add_bytes(state, key->service, strlen(key->service));
    add_bytes(state, key->user, strlen(key->user));
    add_bytes(state, key->key, strlen(key->key));
    add_u64(state, entry->incarnation);
    add_u64(state, entry->version);
    add_u64(state, entry->deleted ? 1 : 0);
    add_u64(state, entry->wall_us);
    add_u64(state, entry->epoch);
    add_u64(state, entry->seq);
    add_bytes(state, entry->content_type, strlen(entry->content_type));
    add_bytes(state, entry->value.data, entry->value.size);
}

static void fold(const struct watch_shard *shard, uint64_t seq, uint8_t ret_digest[DIGEST_SIZE],
                 uint64_t *ret_records)
{
    crypto_generichash_state state;

    *ret_records = 0;
    crypto_generichash_init(&state, NULL, 0, DIGEST_SIZE);
    for (size_t i = 0; i < shard->key_count; i++) {
        const struct watch_entry *entry = watch_log_state(shard->keys[i], seq);

        if (!entry)
            continue;
        add_record(&state, entry);
        ++*ret_records;
    }
    crypto_generichash_final(&state, ret_digest, DIGEST_SIZE);
}

/* Returns 0, or -EIO when the disk does not let it be read: that is for others to judge. */
static int read_digest(const struct file *file, uint8_t ret_digest[DIGEST_SIZE],
                       struct store_end *ret_end, uint64_t *ret_records)
{
    char *path = storage_shard_path(file->directory, shard_of(file));
    struct store_digest *digest = NULL;
    int r = store_digest_begin(path, file->vfs, &digest);

    if (r == 0)
        do
            r = store_digest_step(digest, 1000);
        while (r > 0);
    if (r == 0)
        store_digest_result(digest, ret_digest, ret_end, ret_records);
    store_digest_free(digest);
    free(path);
    return r;
}

static bool is_same(const struct record *record, const struct watch_entry *entry)
{
    return record->incarnation == entry->incarnation && record->version == entry->version &&
           record->deleted == entry->deleted && record->updated_wall_us == entry->wall_us &&
           record->epoch == entry->epoch && record->seq == entry->seq &&
           strcmp(record->content_type, entry->content_type) == 0 &&
           slice_equals(record->value, entry->value);
}

/* Name a row that is not as it should be. Returns false when all of those that there should be are:
 * then there are others. */
static bool report_row(const struct file *file, struct store_reader *reader, uint64_t seq)
{
    struct watch *watch = file->watch;
    const struct watch_shard *shard = &watch->shards[file->shard];

    for (size_t i = 0; i < shard->key_count; i++) {
        const struct watch_key *key = shard->keys[i];
        const struct watch_entry *entry = watch_log_state(key, seq);
        struct record record = {.version = 0};
        int error;

        arena_reset(watch->scratch);
        error =
            store_reader_get(reader, watch->scratch, key->service, key->user, key->key, &record);
        if (error == (entry ? 0 : -ENOENT) && (!entry || is_same(&record, entry)))
            continue;
        watch_report(watch, file->now_us, WATCH_ROWS,
                     "%s at %s.%" PRIu64 ": %s/%s/%s has version %" PRIu64 " of seq %" PRIu64
                     ", it should be version %" PRIu64 " of seq %" PRIu64,
                     region_of(file), shard_of(file), seq, key->service, key->user, key->key,
                     record.version, record.seq, entry ? entry->version : 0,
                     entry ? entry->seq : 0);
        return true;
    }
    return false;
}

static void report_rows(const struct file *file, uint64_t seq, uint64_t records, uint64_t expected)
{
    char *path = storage_shard_path(file->directory, shard_of(file));
    struct store_reader *reader;

    if (store_reader_open(path, file->vfs, &reader) == 0) {
        (void)report_row(file, reader, seq);
        store_reader_free(reader);
    }
    watch_report(file->watch, file->now_us, WATCH_ROWS,
                 "%s at %s.%" PRIu64 ": %" PRIu64 " rows instead of %" PRIu64, region_of(file),
                 shard_of(file), seq, records, expected);
    free(path);
}

/* Hold the rows of a copy against the true log. Returns false when there is nothing to hold. */
static bool check_rows(const struct file *file, struct store_end *ret_end)
{
    const struct watch_shard *shard = &file->watch->shards[file->shard];
    uint8_t found[DIGEST_SIZE], expected[DIGEST_SIZE];
    uint64_t records, expected_records;

    if (copy_of(file)->damaged || copy_of(file)->forked || shard->spoiled ||
        read_digest(file, found, ret_end, &records) != 0)
        return false;
    fold(shard, ret_end->seq, expected, &expected_records);
    if (memcmp(found, expected, DIGEST_SIZE) != 0)
        report_rows(file, ret_end->seq, records, expected_records);
    return true;
}

/* ---- opening ---- */

/* Returns false when the disk does not let it be read: it is about to fail again. */
static bool resolve(const struct file *file, const struct store_end *end)
{
    char *path = storage_shard_path(file->directory, shard_of(file));
    struct store_reader *reader;
    bool done = false;

    if (store_reader_open(path, file->vfs, &reader) == 0) {
        done = watch_doubt_end_shard(file->watch, file->now_us, file->region, reader, end);
        store_reader_free(reader);
    }
    free(path);
    return done;
}

static bool is_same_end(const struct store_end *a, const struct store_end *b)
{
    return a->seq == b->seq && a->epoch == b->epoch &&
           memcmp(a->digest, b->digest, DIGEST_SIZE) == 0;
}

static void check_end(const struct file *file, const struct store_end *end)
{
    struct watch_region *region = &file->watch->regions[file->region];
    struct watch_copy *copy = copy_of(file);
    bool in_doubt = region->doubt.exists && region->doubt.batch.target == file->shard;

    if (in_doubt && !copy->damaged && end->seq > copy->end.seq && !resolve(file, end))
        return;
    if (in_doubt)
        region->doubt.exists = false;
    if (copy->damaged)
        return;
    if (!is_same_end(end, &copy->end))
        watch_report(file->watch, file->now_us, WATCH_DURABLE,
                     "%s opens its copy of %s at %" PRIu64 ".%" PRIu64 "%s, it was at %" PRIu64
                     ".%" PRIu64,
                     region->name, shard_of(file), end->epoch, end->seq,
                     end->seq == copy->end.seq ? " with another digest" : "", copy->end.epoch,
                     copy->end.seq);
}

void watch_files_opened(struct watch *watch, uint64_t now_us, uint32_t region, const char *vfs,
                        const char *directory, const struct store_end *ends)
{
    struct file file = {watch, now_us, region, 0, vfs, directory};
    struct store_end end;

    for (; file.shard < watch->region_count && !watch->breach.found; file.shard++)
        check_end(&file, &ends[file.shard]);
    for (file.shard = 0; file.shard < watch->region_count && !watch->breach.found; file.shard++)
        if (copy_of(&file)->end.seq > 0)
            (void)check_rows(&file, &end);
}

/* ---- the queue ---- */

static bool is_same_entry(const struct queue_entry *entry, const struct watch_queued *queued)
{
    return entry->seq == queued->seq && entry->state == queued->state &&
           entry->attempted == queued->attempted && strcmp(entry->user, queued->user) == 0 &&
           strcmp(entry->position, queued->position) == 0 &&
           strcmp(entry->problem, queued->problem) == 0;
}

static void check_entry(const struct file *file, struct queue_reader *reader,
                        const struct watch_queued *queued)
{
    struct queue_entry entry;
    int error;

    arena_reset(file->watch->scratch);
    error = queue_reader_find(reader, file->watch->scratch, queued->receipt, &entry);
    if (error == -EIO || (error == -ENOENT && watch_queue_may_forget(file->watch, queued)))
        return;
    if (error != 0 || !is_same_entry(&entry, queued))
        watch_report(file->watch, file->now_us, WATCH_DURABLE,
                     "%s opens its queue with number %" PRIu64 " %s, it was %s (%s)",
                     region_of(file), queued->seq,
                     error != 0 ? "gone" : queue_state_name(entry.state),
                     queue_state_name(queued->state), queued->receipt);
}

/* There are none but those that are known. */
static void check_waiting(const struct file *file, struct queue_reader *reader)
{
    const struct watch_queue *queue = &file->watch->regions[file->region].queue;
    struct queue_entry page[PAGE_ENTRIES];
    uint64_t after_seq = 0;
    size_t total = 0;
    int count;

    do {
        arena_reset(file->watch->scratch);
        count = queue_reader_waiting(reader, file->watch->scratch, after_seq, PAGE_ENTRIES, page);
        if (count < 0)
            return;
        total += (size_t)count;
        after_seq = count > 0 ? page[count - 1].seq : after_seq;
    } while (count == PAGE_ENTRIES);
    if (total != queue->waiting_all)
        watch_report(file->watch, file->now_us, WATCH_DURABLE,
                     "%s opens its queue with %zu waiting entries, there were %zu", region_of(file),
                     total, queue->waiting_all);
}

static void check_queue(const struct file *file, struct queue_reader *reader)
{
    const struct watch_queue *queue = &file->watch->regions[file->region].queue;

    for (size_t i = 0; i < queue->count && !file->watch->breach.found; i++)
        check_entry(file, reader, queue->entries[i]);
    check_waiting(file, reader);
}

void watch_files_opened_queue(struct watch *watch, uint64_t now_us, uint32_t region,
                              const char *vfs, const char *directory)
{
    struct watch_region *at = &watch->regions[region];
    bool in_doubt = at->doubt.exists && at->doubt.batch.target == STORAGE_QUEUE;
    struct file file = {watch, now_us, region, PLAN_NONE, vfs, directory};
    struct queue_reader *reader;
    char *path;

    if (watch->breach.found || (at->queue.count == 0 && !in_doubt))
        return;
    path = storage_queue_path(directory);
    if (queue_reader_open(path, vfs, &reader) == 0) {
        if (!in_doubt || watch_doubt_end_queue(watch, now_us, region, reader)) {
            if (in_doubt)
                at->doubt.exists = false;
            check_queue(&file, reader);
        }
        queue_reader_free(reader);
    }
    free(path);
}

/* ---- the end ---- */

static void write_history(const struct file *file, const struct watch_shard *shard)
{
    struct watch *watch = file->watch;

    for (size_t i = 0; watch->history && i < shard->key_count; i++) {
        const struct watch_key *key = shard->keys[i];
        const struct watch_entry *entry = watch_log_state(key, copy_of(file)->end.seq);

        if (!entry || strcmp(key->service, "metadata") != 0)
            continue;
        arena_reset(watch->scratch);
        history_final(watch->history, region_of(file),
                      arena_format(watch->scratch, "%s/%s", key->user, key->key),
                      entry->deleted ? NULL : entry->value.data, entry->version);
    }
}

static void check_usage(const struct file *file, uint64_t seq)
{
    char *path = storage_shard_path(file->directory, shard_of(file));
    struct store_reader *reader;

    if (store_reader_open(path, file->vfs, &reader) == 0) {
        watch_usage_check(file->watch, file->now_us, file->region, file->shard, reader, seq);
        store_reader_free(reader);
    }
    free(path);
}

static void check_final(const struct file *file, uint32_t core)
{
    struct watch *watch = file->watch;
    const struct watch_shard *shard = &watch->shards[file->shard];
    struct store_end end;

    if (!check_rows(file, &end) || watch->breach.found)
        return;
    if (!is_same_end(&end, &copy_of(file)->end))
        watch_report(watch, file->now_us, WATCH_DURABLE,
                     "%s has its copy of %s at %" PRIu64 ", it was at %" PRIu64, region_of(file),
                     shard_of(file), end.seq, copy_of(file)->end.seq);
    else if ((core >> shard->home & 1u) != 0 && end.seq != shard->log.count)
        watch_report(watch, file->now_us, WATCH_CONVERGES,
                     "%s has its copy of %s at %" PRIu64 " in the end, the home is at %zu",
                     region_of(file), shard_of(file), end.seq, shard->log.count);
    write_history(file, shard);
    check_usage(file, end.seq);
}

void watch_final(struct watch *watch, uint64_t now_us, uint32_t core, const char *const *vfs,
                 const char *const *directories)
{
    struct file file = {.watch = watch, .now_us = now_us};

    for (; file.region < watch->region_count; file.region++) {
        if ((core >> file.region & 1u) == 0)
            continue;
        file.vfs = vfs[file.region];
        file.directory = directories[file.region];
        for (file.shard = 0; file.shard < watch->region_count && !watch->breach.found; file.shard++)
            check_final(&file, core);
    }
    if (!watch->breach.found)
        watch_audit_final(watch, now_us, core, vfs, directories);
}
