/* Reading the queue through a connection of its own; see queue_store.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/queue_store_internal.h"

struct queue_reader {
    struct store_file file;
};

int queue_reader_open(const char *path, const char *vfs, struct queue_reader **ret_reader)
{
    struct queue_reader *reader = memory_alloc(sizeof(*reader));
    int error = store_file_open_reader(&reader->file, path, &queue_store_kind, vfs);

    if (error != 0) {
        free(reader);
        return error;
    }
    *ret_reader = reader;
    return 0;
}

void queue_reader_free(struct queue_reader *reader)
{
    if (!reader)
        return;
    store_file_close(&reader->file);
    free(reader);
}

static int finish(struct queue_reader *reader, sqlite3_stmt *statement, int code)
{
    sqlite3_reset(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return 0;
    store_file_error(&reader->file, code);
    return -EIO;
}

/* Columns in the order of ENTRY_COLUMNS. */
static void take_entry(sqlite3_stmt *statement, struct arena *arena, struct queue_entry *ret_entry)
{
    struct slice digest = store_file_blob(statement, 6, arena);

    *ret_entry = (struct queue_entry){
        .seq = store_file_u64(statement, 0),
        .receipt = store_file_text(statement, 1, arena),
        .user = store_file_text(statement, 2, arena),
        .shard = store_file_text(statement, 3, arena),
        .service = store_file_text(statement, 4, arena),
        .idempotency_key = store_file_text(statement, 5, arena),
        .accepted_wall_us = store_file_u64(statement, 7),
        .expires_wall_us = store_file_u64(statement, 8),
        .state = (enum queue_state)sqlite3_column_int(statement, 9),
        .attempted = sqlite3_column_int(statement, 10) != 0,
        .settled_wall_us = store_file_u64(statement, 11),
        .position = store_file_text(statement, 12, arena),
        .problem = store_file_text(statement, 13, arena),
        .detail = store_file_text(statement, 14, arena),
        .call = store_file_blob(statement, 15, arena),
    };
    if (digest.size == sizeof(ret_entry->request_digest))
        memcpy(ret_entry->request_digest, digest.data, digest.size);
}

int queue_reader_waiting(struct queue_reader *reader, struct arena *arena, uint64_t after_seq,
                         size_t count, struct queue_entry *ret_entries)
{
    sqlite3_stmt *statement = store_file_statement(&reader->file, QUEUE_SQL_WAITING);
    size_t taken = 0;
    int code = SQLITE_DONE, error;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, after_seq);
    store_file_bind_u64(statement, 2, count);
    while (taken < count && (code = sqlite3_step(statement)) == SQLITE_ROW)
        take_entry(statement, arena, &ret_entries[taken++]);
    error = finish(reader, statement, code);
    return error == 0 ? (int)taken : error;
}

int queue_reader_find(struct queue_reader *reader, struct arena *arena, const char *receipt,
                      struct queue_entry *ret_entry)
{
    sqlite3_stmt *statement = store_file_statement(&reader->file, QUEUE_SQL_FIND);
    int code, error;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, receipt);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        take_entry(statement, arena, ret_entry);
    error = finish(reader, statement, code);
    if (error != 0)
        return error;
    return code == SQLITE_ROW ? 0 : -ENOENT;
}

int queue_reader_audit(struct queue_reader *reader, struct arena *arena, const char *user,
                       uint64_t before_n, size_t limit, struct store_audit_entry *ret_entries)
{
    return store_audit_read_user(&reader->file, arena, user, before_n, limit, ret_entries);
}

int queue_reader_audit_log(struct queue_reader *reader, struct arena *arena, uint64_t after_n,
                           size_t limit, struct store_audit_entry *ret_entries)
{
    return store_audit_read_entries(&reader->file, arena, after_n, limit, ret_entries);
}

int queue_reader_audit_head(struct queue_reader *reader, struct store_audit_head *ret_head)
{
    return store_audit_read_head(&reader->file, ret_head) == 0 ? 0 : -EIO;
}

static void take_digest(sqlite3_stmt *statement, int column, uint8_t ret_digest[DIGEST_SIZE])
{
    memset(ret_digest, 0, DIGEST_SIZE);
    if (sqlite3_column_bytes(statement, column) == DIGEST_SIZE)
        memcpy(ret_digest, sqlite3_column_blob(statement, column), DIGEST_SIZE);
}

int queue_reader_heads(struct queue_reader *reader, struct arena *arena, size_t limit,
                       struct queue_head *ret_heads)
{
    sqlite3_stmt *statement = store_file_statement(&reader->file, QUEUE_SQL_HEADS);
    size_t count = 0;
    int code = SQLITE_DONE, error;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, limit);
    while (count < limit && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct queue_head *head = &ret_heads[count++];

        *head = (struct queue_head){
            .region = store_file_text(statement, 0, arena),
            .chain = store_file_text(statement, 1, arena),
            .head.n = store_file_u64(statement, 3),
            .signed_head = store_file_blob(statement, 5, arena),
        };
        take_digest(statement, 2, head->head.start);
        take_digest(statement, 4, head->head.digest);
    }
    error = finish(reader, statement, code);
    return error == 0 ? (int)count : error;
}

int queue_reader_last_seq(struct queue_reader *reader, const char *shard, uint64_t *ret_seq)
{
    sqlite3_stmt *statement = store_file_statement(&reader->file, QUEUE_SQL_SHARD_SEQ);
    uint64_t seq = 0;
    int code, error;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, shard);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        seq = store_file_u64(statement, 0);
    error = finish(reader, statement, code);
    if (error == 0)
        *ret_seq = seq;
    return error;
}
