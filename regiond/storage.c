#include "regiond/storage.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/store_file.h"

/* Move the WAL when nothing waits and it is worth its fsyncs; or when it has grown so far that the
 * next start would take long to read it, whatever waits. */
#define TIDY_PAGES    1000 /* unless storage_set_tidy_pages() says otherwise */
#define OVERDUE_PAGES 16384

/* A write may be retried under its key for a day, or as long as the batches say. */
#define KEEP_KEYS_US    (UINT64_C(24) * 3600 * 1000000)
#define SWEEP_PERIOD_US (UINT64_C(60) * 1000000)
#define SWEEP_ROWS      500

struct storage {
    struct store **shards;
    size_t shard_count;
    struct queue_store *queue;
    size_t sweep_shard; /* whose keys are being swept; shard_count: none */
    uint64_t sweep_wall_us;
    uint64_t keep_keys_us;
    size_t tidy_pages;
    bool stuck; /* the disk took nothing at the last tidying: wait for the next batch */
};

void storage_configure(void)
{
    int code;

    /* Each connection is used by one thread at a time, so none needs a lock. Statistics would cost
     * one for every allocation. And a connection takes memory for pages as it needs them: a region
     * has a dozen, and most of them rest. */
    code = sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    assert(code == SQLITE_OK);
    code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    assert(code == SQLITE_OK);
    code = sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    assert(code == SQLITE_OK);
    code = sqlite3_initialize();
    assert(code == SQLITE_OK);
    code = sodium_init();
    assert(code >= 0);
}

static char *path_of(const char *directory, const char *before, const char *name)
{
    size_t size = strlen(directory) + strlen(before) + strlen(name) + 8;
    char *path = memory_alloc(size);

    snprintf(path, size, "%s/%s%s.db", directory, before, name);
    return path;
}

char *storage_shard_path(const char *directory, const char *shard)
{
    return path_of(directory, "shard-", shard);
}

char *storage_queue_path(const char *directory)
{
    return path_of(directory, "", "queue");
}

/* ---- opening ---- */

static _Thread_local char failed_path[512];

static int name_failure(const char *path, int error, const char **ret_failed)
{
    if (error != 0) {
        snprintf(failed_path, sizeof(failed_path), "%s", path);
        *ret_failed = failed_path;
    }
    return error;
}

static int open_shard(struct storage *storage, const char *directory, const char *region,
                      const char *shard, const char *vfs, const char **ret_failed)
{
    struct store **store = &storage->shards[storage->shard_count];
    char *path = storage_shard_path(directory, shard);
    int error = store_open(path, shard, vfs, store);

    if (error == 0) {
        store_set_region(*store, region);
        storage->shard_count++;
    }
    error = name_failure(path, error, ret_failed);
    free(path);
    return error;
}

static int open_queue(struct storage *storage, const char *directory, const char *region,
                      const char *vfs, const char **ret_failed)
{
    char *path = storage_queue_path(directory);
    int error = name_failure(path, queue_store_open(path, vfs, &storage->queue), ret_failed);

    if (error == 0)
        queue_store_set_region(storage->queue, region);
    free(path);
    return error;
}

int storage_open(const char *directory, const char *region, const char *const *shards,
                 size_t shard_count, const char *vfs, struct storage **ret_storage,
                 const char **ret_failed)
{
    struct storage *storage = memory_alloc(sizeof(*storage));
    int error = 0;

    storage->shards = memory_alloc((shard_count + 1) * sizeof(storage->shards[0]));
    for (size_t i = 0; i < shard_count && error == 0; i++)
        error = open_shard(storage, directory, region, shards[i], vfs, ret_failed);
    storage->sweep_shard = storage->shard_count;
    storage->keep_keys_us = KEEP_KEYS_US;
    storage->tidy_pages = TIDY_PAGES;
    if (error == 0)
        error = open_queue(storage, directory, region, vfs, ret_failed);
    /* Once for all files, and before any of them says that something is durable. */
    if (error == 0 && !vfs)
        error = name_failure(directory, store_file_sync_directory(directory), ret_failed);
    if (error != 0) {
        storage_free(storage);
        return error;
    }
    *ret_storage = storage;
    return 0;
}

void storage_free(struct storage *storage)
{
    if (!storage)
        return;
    for (size_t i = 0; i < storage->shard_count; i++)
        store_free(storage->shards[i]);
    queue_store_free(storage->queue);
    free(storage->shards);
    free(storage);
}

struct store_end storage_end(const struct storage *storage, uint32_t shard)
{
    assert(shard < storage->shard_count);
    return store_end(storage->shards[shard]);
}

/* ---- running ---- */

void storage_run(struct storage *storage, struct storage_batch *batch)
{
    storage->stuck = false;
    if (batch->keep_keys_us > storage->keep_keys_us)
        storage->keep_keys_us = batch->keep_keys_us;
    if (batch->target == STORAGE_QUEUE) {
        batch->error = queue_store_commit(storage->queue, &batch->limits, batch->wall_us,
                                          batch->queue_ops, batch->count);
        batch->audit = queue_store_audit_head(storage->queue);
        return;
    }
    assert(batch->target < storage->shard_count);
    batch->error = store_commit(storage->shards[batch->target], batch->epoch, batch->wall_us,
                                batch->ops, batch->count);
    batch->audit = store_audit_head(storage->shards[batch->target]);
}

/* ---- tidying ---- */

/* The files in one row: the shards, and the queue behind them. */
static size_t wal_pages(const struct storage *storage, size_t index)
{
    return index < storage->shard_count ? store_wal_pages(storage->shards[index])
                                        : queue_store_wal_pages(storage->queue);
}

static int checkpoint(struct storage *storage, size_t index)
{
    return index < storage->shard_count ? store_checkpoint(storage->shards[index])
                                        : queue_store_checkpoint(storage->queue);
}

static size_t longest_wal(const struct storage *storage)
{
    size_t longest = 0;

    for (size_t i = 1; i <= storage->shard_count; i++)
        if (wal_pages(storage, i) > wal_pages(storage, longest))
            longest = i;
    return longest;
}

bool storage_overdue(const struct storage *storage)
{
    return !storage->stuck && wal_pages(storage, longest_wal(storage)) >= OVERDUE_PAGES;
}

/* One step of the sweep for old keys. Returns true when it has not come to its end. */
static bool sweep(struct storage *storage, uint64_t wall_us)
{
    int left;

    if (storage->sweep_shard == storage->shard_count) {
        if (wall_us - storage->sweep_wall_us < SWEEP_PERIOD_US || wall_us < storage->keep_keys_us)
            return false;
        storage->sweep_wall_us = wall_us;
        storage->sweep_shard = 0;
    }
    if (storage->sweep_shard == storage->shard_count)
        return false;
    left = store_trim(storage->shards[storage->sweep_shard], wall_us - storage->keep_keys_us,
                      SWEEP_ROWS);
    if (left < 0)
        storage->stuck = true;
    else if (left == 0)
        storage->sweep_shard++;
    return !storage->stuck && storage->sweep_shard < storage->shard_count;
}

void storage_set_tidy_pages(struct storage *storage, size_t pages)
{
    storage->tidy_pages = pages > 0 ? pages : TIDY_PAGES;
}

bool storage_tidy(struct storage *storage, uint64_t wall_us)
{
    size_t longest = longest_wal(storage);
    size_t pages = wal_pages(storage, longest);
    int left;

    if (storage->stuck)
        return false;
    if (pages < storage->tidy_pages)
        return sweep(storage, wall_us);
    left = checkpoint(storage, longest);
    /* A reader in the way or a full disk: another try at once would only burn time. */
    storage->stuck = left < 0 || (size_t)left >= pages;
    return !storage->stuck;
}
