/* Reading a shard's file through a connection of its own; see store.h. Every statement is reset as
 * soon as its rows are copied: an open one would pin the WAL. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/store_internal.h"

struct store_reader {
    struct store_file file;
};

int store_reader_open(const char *path, const char *vfs, struct store_reader **ret_reader)
{
    struct store_reader *reader = memory_alloc(sizeof(*reader));
    int error = store_file_open_reader(&reader->file, path, &store_kind, vfs);

    if (error != 0) {
        free(reader);
        return error;
    }
    *ret_reader = reader;
    return 0;
}

void store_reader_free(struct store_reader *reader)
{
    if (!reader)
        return;
    store_file_close(&reader->file);
    free(reader);
}

/* For readers every failure is the same: the file cannot be read. */
static int finish(struct store_reader *reader, sqlite3_stmt *statement, int code)
{
    sqlite3_reset(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return 0;
    store_file_error(&reader->file, code);
    return -EIO;
}

int store_reader_get(struct store_reader *reader, struct arena *arena, const char *service,
                     const char *user, const char *key, struct record *ret_record)
{
    sqlite3_stmt *statement = store_file_statement(&reader->file, STORE_SQL_RECORD_GET);
    int code, error;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, service);
    store_file_bind_text(statement, 2, user);
    store_file_bind_text(statement, 3, key);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_record = (struct record){
            .service = arena_text(arena, service),
            .user = arena_text(arena, user),
            .key = arena_text(arena, key),
            .incarnation = store_file_u64(statement, 0),
            .version = store_file_u64(statement, 1),
            .deleted = store_file_u64(statement, 2) != 0,
            .updated_wall_us = store_file_u64(statement, 3),
            .epoch = store_file_u64(statement, 4),
            .seq = store_file_u64(statement, 5),
            .content_type = store_file_text(statement, 6, arena),
            .value = store_file_blob(statement, 7, arena),
        };
    error = finish(reader, statement, code);
    if (error != 0)
        return error;
    return code == SQLITE_ROW ? 0 : -ENOENT;
}

/* ---- lists ---- */

struct listing {
    const char *service, *user, *prefix, *after;
    size_t prefix_size;
};

static void take_listed(sqlite3_stmt *statement, struct arena *arena, const struct listing *listing,
                        struct record *ret_record)
{
    *ret_record = (struct record){
        .service = listing->service,
        .user = listing->user,
        .key = store_file_text(statement, 0, arena),
        .incarnation = store_file_u64(statement, 1),
        .version = store_file_u64(statement, 2),
        .deleted = false,
        .updated_wall_us = store_file_u64(statement, 4),
        .epoch = store_file_u64(statement, 5),
        .seq = store_file_u64(statement, 6),
        .content_type = store_file_text(statement, 7, arena),
        .value = {NULL, store_file_u64(statement, 8)},
    };
}

int store_reader_list(struct store_reader *reader, struct arena *arena, const char *service,
                      const char *user, const char *prefix, const char *after, size_t limit,
                      struct record *ret_records)
{
    sqlite3_stmt *statement = store_file_statement(&reader->file, STORE_SQL_RECORD_LIST);
    struct listing listing = {arena_text(arena, service), arena_text(arena, user), prefix, after,
                              strlen(prefix)};
    /* One lower bound, the higher of the two: SQLite searches the tree by one only, and would walk
     * every page that earlier calls have returned by the other. */
    const char *from = strcmp(after, prefix) > 0 ? after : prefix;
    size_t count = 0;
    int code = SQLITE_DONE, error;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, service);
    store_file_bind_text(statement, 2, user);
    store_file_bind_text(statement, 3, from);
    while (count < limit && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(statement, 0);

        if (strncmp(key, prefix, listing.prefix_size) != 0)
            break;
        if (store_file_u64(statement, 3) != 0 || (after[0] != '\0' && strcmp(key, after) <= 0))
            continue;
        take_listed(statement, arena, &listing, &ret_records[count++]);
    }
    error = finish(reader, statement, code);
    return error == 0 ? (int)count : error;
}

/* ---- the log ---- */

int store_reader_changes(struct store_reader *reader, struct arena *arena, uint64_t after_seq,
                         size_t count, size_t bytes_max, struct store_change *ret_changes)
{
    sqlite3_stmt *statement = store_file_statement(&reader->file, STORE_SQL_CHANGES);
    size_t taken = 0, bytes = 0;
    int code = SQLITE_DONE, error;
    bool dense = true;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, after_seq);
    store_file_bind_u64(statement, 2, count);
    while (taken < count && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_change *change = &ret_changes[taken];

        bytes += (size_t)sqlite3_column_bytes(statement, 3);
        if (taken > 0 && bytes > bytes_max)
            break;
        *change = (struct store_change){
            .seq = store_file_u64(statement, 0),
            .epoch = store_file_u64(statement, 1),
            .bytes = store_file_blob(statement, 3, arena),
            .digest = (const uint8_t *)store_file_blob(statement, 2, arena).data,
        };
        dense = dense && change->seq == after_seq + 1 + taken &&
                sqlite3_column_bytes(statement, 2) == DIGEST_SIZE;
        taken++;
    }
    error = finish(reader, statement, code);
    if (error == 0 && !dense)
        error = store_file_complain(-EIO, "%s: damaged: the log has a hole behind %llu",
                                    reader->file.path, (unsigned long long)after_seq);
    return error == 0 ? (int)taken : error;
}

/* ---- usage and audit ---- */

int store_reader_usage(struct store_reader *reader, const char *service, const char *user,
                       uint64_t *ret_keys, uint64_t *ret_bytes)
{
    struct store_usage usage;

    if (store_usage_read(&reader->file, service, user, &usage) != 0)
        return -EIO;
    *ret_keys = usage.keys;
    *ret_bytes = usage.bytes;
    return 0;
}

int store_reader_audit(struct store_reader *reader, struct arena *arena, const char *user,
                       uint64_t before_n, size_t limit, struct store_audit_entry *ret_entries)
{
    return store_audit_read_user(&reader->file, arena, user, before_n, limit, ret_entries);
}

int store_reader_audit_log(struct store_reader *reader, struct arena *arena, uint64_t after_n,
                           size_t limit, struct store_audit_entry *ret_entries)
{
    return store_audit_read_entries(&reader->file, arena, after_n, limit, ret_entries);
}

int store_reader_audit_head(struct store_reader *reader, struct store_audit_head *ret_head)
{
    return store_audit_read_head(&reader->file, ret_head) == 0 ? 0 : -EIO;
}

/* ---- the end ---- */

int store_reader_end(struct store_reader *reader, struct store_end *ret_end)
{
    return store_read_end(&reader->file, ret_end) == 0 ? 0 : -EIO;
}
