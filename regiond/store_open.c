/* The shard's file: its tables, opening, transactions; see store.h. */

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reach.h"
#include "regiond/store_internal.h"

/* Everything that a transaction touches is found by one primary key, and no table has a second
 * index: each would be one more page to write and to sync for every commit. */
#define USAGE_TABLE                                                                                \
    "CREATE TABLE usage(service TEXT NOT NULL, user TEXT NOT NULL,"                                \
    " keys INTEGER NOT NULL, bytes INTEGER NOT NULL,"                                              \
    " PRIMARY KEY(service, user)) STRICT, WITHOUT ROWID;"

static const char schema[] =
    "CREATE TABLE records("
    " service TEXT NOT NULL, user TEXT NOT NULL, key TEXT NOT NULL,"
    " incarnation INTEGER NOT NULL, version INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " updated_wall_us INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " content_type TEXT NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(service, user, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE changes("
    " seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE idempotency("
    " user TEXT NOT NULL, key TEXT NOT NULL, request_digest BLOB NOT NULL,"
    " wall_us INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " version INTEGER NOT NULL, incarnation INTEGER NOT NULL,"
    " created INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " PRIMARY KEY(user, key)) STRICT, WITHOUT ROWID;" STORE_AUDIT_TABLES USAGE_TABLE;

/* Version 2 brought quotas and the audit chain, which begins where the file is opened first. */
static const char to_version_2[] =
    STORE_AUDIT_TABLES USAGE_TABLE "INSERT INTO usage SELECT service, user, count(*),"
                                   " sum(length(CAST(key AS BLOB)) + length(value))"
                                   " FROM records WHERE deleted=0 GROUP BY service, user;";

static const char *const migrations[] = {to_version_2};

/* REPLACE needs one search of the tree where an upsert needs two. */
static const char *const statements[] = {
    STORE_AUDIT_STATEMENTS,
    [STORE_SQL_END] = "SELECT epoch, seq, digest, bytes FROM changes ORDER BY seq DESC LIMIT 1",
    [STORE_SQL_KEY_GET] =
        "SELECT request_digest, epoch, seq, version, incarnation, created, deleted"
        " FROM idempotency WHERE user=?1 AND key=?2",
    [STORE_SQL_KEY_PUT] = "REPLACE INTO idempotency(user, key, request_digest, wall_us, epoch, seq,"
                          " version, incarnation, created, deleted)"
                          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STORE_SQL_KEY_SWEEP] = "SELECT user, key, wall_us FROM idempotency"
                            " WHERE (user, key) > (?1, ?2) ORDER BY user, key LIMIT ?3",
    [STORE_SQL_KEY_DELETE] = "DELETE FROM idempotency WHERE user=?1 AND key=?2",
    [STORE_SQL_HEAD] = "SELECT incarnation, version, deleted, length(value) FROM records"
                       " WHERE service=?1 AND user=?2 AND key=?3",
    [STORE_SQL_RECORD_PUT] = "REPLACE INTO records(service, user, key, incarnation, version,"
                             " deleted, updated_wall_us, epoch, seq, content_type, value)"
                             " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [STORE_SQL_CHANGE_PUT] = "INSERT INTO changes(seq, epoch, digest, bytes)"
                             " VALUES(?1, ?2, ?3, ?4)",
    [STORE_SQL_RECORD_GET] = "SELECT incarnation, version, deleted, updated_wall_us, epoch, seq,"
                             " content_type, value FROM records"
                             " WHERE service=?1 AND user=?2 AND key=?3",
    [STORE_SQL_RECORD_LIST] = "SELECT key, incarnation, version, deleted, updated_wall_us, epoch,"
                              " seq, content_type, length(value) FROM records"
                              " WHERE service=?1 AND user=?2 AND key>=?3 ORDER BY key",
    [STORE_SQL_RECORD_SCAN] = "SELECT service, user, key, incarnation, version, deleted,"
                              " updated_wall_us, epoch, seq, content_type, value FROM records"
                              " ORDER BY service, user, key",
    [STORE_SQL_CHANGES] = "SELECT seq, epoch, digest, bytes FROM changes"
                          " WHERE seq>?1 ORDER BY seq LIMIT ?2",
    [STORE_SQL_CHANGE_GET] = "SELECT epoch, bytes FROM changes WHERE seq=?1",
    [STORE_SQL_CHANGE_FIRST] = "SELECT coalesce(min(seq), 0) FROM changes",
    [STORE_SQL_USAGE_GET] = "SELECT keys, bytes FROM usage WHERE service=?1 AND user=?2",
    [STORE_SQL_USAGE_ADD] = "UPDATE usage SET keys=keys+?3, bytes=bytes+?4"
                            " WHERE service=?1 AND user=?2",
    [STORE_SQL_USAGE_PUT] = "INSERT INTO usage(service, user, keys, bytes) VALUES(?1, ?2, ?3, ?4)",
};

_Static_assert(sizeof(statements) / sizeof(statements[0]) <= STORE_FILE_STATEMENTS_MAX,
               "too many statements to keep");

const struct store_file_kind store_kind = {
    .what = "shard",
    .application_id = 0x4d656353, /* "MecS" */
    .version = 2,
    .schema = schema,
    .migrations = migrations,
    .sql = statements,
};

void store_digest_of(struct slice bytes, uint8_t ret_digest[DIGEST_SIZE])
{
    crypto_generichash(ret_digest, DIGEST_SIZE, (const uint8_t *)bytes.data, bytes.size, NULL, 0);
}

const char *store_last_error(void)
{
    return store_file_last_error();
}

/* ---- opening ---- */

/* A redaction cannot be checked against the digest of what it stands for; it names it. */
static bool is_redaction_of(struct slice bytes, const void *digest)
{
    struct arena *arena = arena_create();
    const Mec__Change *change =
        mec__change__unpack(arena_allocator(arena), bytes.size, (const uint8_t *)bytes.data);
    bool names_it = change && change->redacted_digest.len == DIGEST_SIZE &&
                    memcmp(change->redacted_digest.data, digest, DIGEST_SIZE) == 0;

    arena_free(arena);
    return names_it;
}

static int take_end(sqlite3_stmt *statement, const char *path, struct store_end *ret_end)
{
    struct slice bytes = {sqlite3_column_blob(statement, 3),
                          (size_t)sqlite3_column_bytes(statement, 3)};
    const void *digest = sqlite3_column_blob(statement, 2);
    uint8_t computed[DIGEST_SIZE];

    store_digest_of(bytes, computed);
    if (sqlite3_column_bytes(statement, 2) != DIGEST_SIZE ||
        (memcmp(digest, computed, DIGEST_SIZE) != 0 && !is_redaction_of(bytes, digest)))
        return store_file_complain(-EUCLEAN, "%s: damaged: the digest of change %lld is wrong",
                                   path, (long long)sqlite3_column_int64(statement, 1));
    ret_end->epoch = store_file_u64(statement, 0);
    ret_end->seq = store_file_u64(statement, 1);
    memcpy(ret_end->digest, digest, DIGEST_SIZE);
    return 0;
}

int store_read_end(struct store_file *file, struct store_end *ret_end)
{
    sqlite3_stmt *statement = store_file_statement(file, STORE_SQL_END);
    struct store_end end = {0};
    int code, error = 0;

    if (!statement)
        return store_file_open_error(file);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        error = take_end(statement, file->path, &end);
    else if (code != SQLITE_DONE)
        error = store_file_open_error(file);
    sqlite3_reset(statement);
    if (error == 0)
        *ret_end = end;
    return error;
}

static char *chain_of(const char *shard)
{
    size_t size = sizeof(STORE_AUDIT_SHARD_PREFIX) + strlen(shard);
    char *chain = memory_alloc(size);

    snprintf(chain, size, "%s%s", STORE_AUDIT_SHARD_PREFIX, shard);
    return chain;
}

int store_open(const char *path, const char *shard, const char *vfs, struct store **ret_store)
{
    struct store *store = memory_alloc(sizeof(*store));
    int error = store_file_open(&store->file, path, &store_kind, shard, vfs);

    if (error == 0)
        error = store_read_end(&store->file, &store->end);
    if (error == 0)
        error = store_audit_read_head(&store->file, &store->audit);
    if (error == 0 && store->end.seq > 0)
        reach(LOG_FOUND);
    if (error == -EUCLEAN || error == -EMEDIUMTYPE)
        reach(FILE_DAMAGED);
    if (error != 0) {
        store_file_close(&store->file);
        free(store);
        return error;
    }
    store->shard = memory_text(shard);
    store->region = memory_text("");
    store->chain = chain_of(shard);
    store->arena = arena_create();
    *ret_store = store;
    return 0;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store_file_close(&store->file);
    arena_free(store->arena);
    free(store->shard);
    free(store->region);
    free(store->chain);
    free(store->sweep_user);
    free(store->sweep_key);
    free(store);
}

void store_set_region(struct store *store, const char *region)
{
    free(store->region);
    store->region = memory_text(region);
}

struct store_end store_end(const struct store *store)
{
    return store->end;
}

struct store_audit_head store_audit_head(const struct store *store)
{
    return store->audit;
}

int store_checkpoint(struct store *store)
{
    return store_file_checkpoint(&store->file);
}

size_t store_wal_pages(const struct store *store)
{
    return store_file_wal_pages(&store->file);
}
