#include "regiond/store_file.h"

#include "common/plant.h"
#include "common/reach.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char last_error[512];

const char *store_file_last_error(void)
{
    return last_error;
}

int store_file_complain(int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(last_error, sizeof(last_error), format, arguments);
    va_end(arguments);
    return error;
}

/* ---- errors ---- */

static bool is_disk_full(int system_errno)
{
    return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EROFS;
}

/* Only failures after which a rollback surely undoes everything are -ENOSPC. A failed fsync is not
 * one of them, whatever its errno: what the kernel has dropped is unknown. Nor is a failure to grow
 * the WAL's index, because that comes after the commit frame is on the disk, where a recovery would
 * find it. */
static int errno_of(sqlite3 *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -ENOSPC;
    case SQLITE_CANTOPEN:
        return is_disk_full(sqlite3_system_errno(db)) ? -ENOSPC : -EIO;
    case SQLITE_IOERR:
        if (code != SQLITE_IOERR_WRITE && code != SQLITE_IOERR_TRUNCATE)
            return -EIO;
        return is_disk_full(sqlite3_system_errno(db)) ? -ENOSPC : -EIO;
    default:
        return -EIO;
    }
}

int store_file_error(struct store_file *file, int code)
{
    assert(code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE);
    return store_file_complain(errno_of(file->db, code), "%s: %s (%d)", file->path,
                               sqlite3_errmsg(file->db), code);
}

/* ---- statements ---- */

static sqlite3_stmt *prepare(struct store_file *file, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v3(file->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);

    if (code != SQLITE_OK)
        store_file_error(file, code);
    return statement;
}

sqlite3_stmt *store_file_statement(struct store_file *file, unsigned index)
{
    assert(index < STORE_FILE_STATEMENTS_MAX);
    if (!file->kept[index])
        file->kept[index] = prepare(file, file->kind->sql[index]);
    return file->kept[index];
}

int store_file_run(struct store_file *file, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    sqlite3_reset(statement);
    assert(code != SQLITE_ROW);
    return code == SQLITE_DONE ? 0 : store_file_error(file, code);
}

/* ---- transactions ---- */

int store_file_begin(struct store_file *file)
{
    if (file->failed)
        return store_file_complain(-EIO, "%s: an earlier write failed", file->path);
    if (!file->begin && !(file->begin = prepare(file, "BEGIN IMMEDIATE")))
        return -EIO;
    return store_file_run(file, file->begin);
}

int store_file_commit(struct store_file *file)
{
    if (!file->commit && !(file->commit = prepare(file, "COMMIT")))
        return -EIO;
    return store_file_run(file, file->commit);
}

int store_file_rollback(struct store_file *file, int error)
{
    /* After some failures SQLite has rolled back already. */
    bool undone = sqlite3_get_autocommit(file->db) ||
                  sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK;

    if (PLANTED(IGNORED_SYNC_FAILURE))
        error = -ENOSPC;
    if (undone && error == -ENOSPC) {
        reach(BATCH_UNDONE);
        return -ENOSPC;
    }
    reach(FILE_FAILED);
    file->failed = true;
    return -EIO;
}

/* ---- the WAL ---- */

int store_file_checkpoint(struct store_file *file)
{
    int pages = 0, moved = 0, error = 0;
    int code;

    if (file->failed)
        return -EIO;
    code = sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    if (code != SQLITE_OK && (error = store_file_error(file, code)) == -EIO &&
        !PLANTED(IGNORED_SYNC_FAILURE)) {
        reach(CHECKPOINT_FAILED);
        file->failed = true;
        return -EIO;
    }
    /* A full disk loses nothing here: what could not be moved stays in the WAL. */
    if (error == 0 && pages >= 0 && moved >= 0) {
        reach(WAL_MOVED);
        file->wal_pages = (size_t)pages;
        file->wal_moved = (size_t)moved;
    }
    return (int)store_file_wal_pages(file);
}

size_t store_file_wal_pages(const struct store_file *file)
{
    return file->wal_pages > file->wal_moved ? file->wal_pages - file->wal_moved : 0;
}

/* ---- binding and reading ---- */

void store_file_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    int code = sqlite3_bind_text(statement, index, text ? text : "", -1, SQLITE_STATIC);

    assert(code == SQLITE_OK);
}

void store_file_bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t size)
{
    /* SQLite takes a NULL pointer for the value NULL, which is not an empty blob. */
    int code = sqlite3_bind_blob64(statement, index, data ? data : "", size, SQLITE_STATIC);

    assert(code == SQLITE_OK);
}

void store_file_bind_u64(sqlite3_stmt *statement, int index, uint64_t value)
{
    int code = sqlite3_bind_int64(statement, index, (sqlite3_int64)value);

    assert(code == SQLITE_OK);
}

uint64_t store_file_u64(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

const char *store_file_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    return arena_text(arena, text ? text : "");
}

struct slice store_file_blob(sqlite3_stmt *statement, int column, struct arena *arena)
{
    const void *data = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    char *copy;

    if (!data || size == 0)
        return (struct slice){"", 0};
    copy = arena_alloc(arena, size);
    memcpy(copy, data, size);
    return (struct slice){copy, size};
}
