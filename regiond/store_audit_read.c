/* Reading an audit chain: its end, its entries, and those of one user. */

#include <errno.h>
#include <string.h>

#include "regiond/store_audit_internal.h"
#include "regiond/store_internal.h"

/* ---- the end ---- */

/* The digest beside an entry; when that is none, the one that it should be. */
static void take_digest(sqlite3_stmt *statement, uint8_t ret_digest[DIGEST_SIZE])
{
    struct slice bytes = {sqlite3_column_blob(statement, 2),
                          (size_t)sqlite3_column_bytes(statement, 2)};

    if (sqlite3_column_bytes(statement, 1) == DIGEST_SIZE)
        memcpy(ret_digest, sqlite3_column_blob(statement, 1), DIGEST_SIZE);
    else
        store_digest_of(bytes, ret_digest);
}

/* Step @statement, which gives one row or none. */
static int read_one(struct store_file *file, sqlite3_stmt *statement, uint64_t *ret_n,
                    uint8_t ret_digest[DIGEST_SIZE])
{
    int code = sqlite3_step(statement);
    int error = 0;

    if (code == SQLITE_ROW) {
        *ret_n = store_file_u64(statement, 0);
        take_digest(statement, ret_digest);
    } else if (code != SQLITE_DONE) {
        error = store_file_open_error(file);
    }
    sqlite3_reset(statement);
    return error;
}

int store_audit_read_head(struct store_file *file, struct store_audit_head *ret_head)
{
    sqlite3_stmt *end = store_file_statement(file, STORE_AUDIT_SQL_END);
    sqlite3_stmt *first = store_file_statement(file, STORE_AUDIT_SQL_GET);
    struct store_audit_head head = {0};
    uint64_t n;
    int error;

    if (!end || !first)
        return store_file_open_error(file);
    error = read_one(file, end, &head.n, head.digest);
    if (error == 0 && head.n > 0) {
        store_file_bind_u64(first, 1, 1);
        error = read_one(file, first, &n, head.start);
    }
    if (error == 0)
        *ret_head = head;
    return error;
}

/* ---- entries ---- */

/* Unpack what the row of @statement holds into @arena. Returns false when it is no entry, or has
 * another number. */
static bool take_entry(sqlite3_stmt *statement, struct arena *arena,
                       struct store_audit_entry *ret_entry, uint64_t *ret_user_before_n)
{
    Mec__AuditEntry *entry =
        mec__audit_entry__unpack(arena_allocator(arena), (size_t)sqlite3_column_bytes(statement, 2),
                                 sqlite3_column_blob(statement, 2));

    if (!entry || entry->n != store_file_u64(statement, 0))
        return false;
    *ret_user_before_n = entry->user_before_n;
    *ret_entry = (struct store_audit_entry){
        .n = entry->n,
        .wall_us = entry->wall_us,
        .region = entry->region,
        .chain = entry->chain,
        .service = entry->service,
        .user = entry->user,
        .session = entry->session,
        .action = entry->action,
        .key = entry->key,
        .outcome = entry->outcome,
        .receipt = entry->receipt,
        .count = entry->count,
        .shard = entry->shard,
        .epoch = entry->epoch,
        .seq = entry->seq,
    };
    if (entry->change_digest.len == DIGEST_SIZE)
        memcpy(ret_entry->change_digest, entry->change_digest.data, DIGEST_SIZE);
    return true;
}

static int complain_entry(const struct store_file *file, uint64_t n)
{
    return store_file_complain(-EIO, "%s: damaged: audit entry %llu cannot be read", file->path,
                               (unsigned long long)n);
}

/* Entry @n. Errors: -ENOENT; -EIO. */
static int read_entry(struct store_file *file, struct arena *arena, uint64_t n,
                      struct store_audit_entry *ret_entry, uint64_t *ret_user_before_n)
{
    sqlite3_stmt *statement = store_file_statement(file, STORE_AUDIT_SQL_GET);
    int code, error = 0;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, n);
    code = sqlite3_step(statement);
    if (code == SQLITE_DONE)
        error = -ENOENT;
    else if (code != SQLITE_ROW)
        error = store_file_error(file, code);
    else if (!take_entry(statement, arena, ret_entry, ret_user_before_n))
        error = complain_entry(file, n);
    sqlite3_reset(statement);
    return error == 0 || error == -ENOENT ? error : -EIO;
}

int store_audit_read_entries(struct store_file *file, struct arena *arena, uint64_t after_n,
                             size_t limit, struct store_audit_entry *ret_entries)
{
    sqlite3_stmt *statement = store_file_statement(file, STORE_AUDIT_SQL_SCAN);
    uint64_t user_before_n;
    size_t count = 0;
    int code = SQLITE_DONE;
    bool good = true;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, after_n);
    while (good && count < limit && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        good = take_entry(statement, arena, &ret_entries[count], &user_before_n);
        count += good;
    }
    sqlite3_reset(statement);
    if (!good)
        return complain_entry(file, after_n + count + 1);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return (int)count;
    store_file_error(file, code);
    return -EIO;
}

/* ---- of one user ---- */

int store_audit_read_newest(struct store_file *file, const char *user, uint64_t *ret_n)
{
    sqlite3_stmt *statement = store_file_statement(file, STORE_AUDIT_SQL_USER_GET);
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, user);
    code = sqlite3_step(statement);
    *ret_n = code == SQLITE_ROW ? store_file_u64(statement, 0) : 0;
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_file_error(file, code);
}

/* Who reads page by page gives the last entry of the page before, which leads on. */
static int find_start(struct store_file *file, struct arena *arena, const char *user,
                      uint64_t before_n, uint64_t *ret_n)
{
    struct store_audit_entry entry;
    int error;

    if (before_n != 0) {
        error = read_entry(file, arena, before_n, &entry, ret_n);
        if (error == -EIO || (error == 0 && strcmp(entry.user, user) == 0))
            return error;
    }
    return store_audit_read_newest(file, user, ret_n) == 0 ? 0 : -EIO;
}

int store_audit_read_user(struct store_file *file, struct arena *arena, const char *user,
                          uint64_t before_n, size_t limit, struct store_audit_entry *ret_entries)
{
    uint64_t n = 0;
    size_t count = 0;
    int error = find_start(file, arena, user, before_n, &n);

    while (error == 0 && n > 0 && count < limit) {
        uint64_t at = n;

        error = read_entry(file, arena, at, &ret_entries[count], &n);
        /* Whatever was done to the file: nobody is shown another's entries, and there is an end. */
        if (error == -ENOENT ||
            (error == 0 && (n >= at || strcmp(ret_entries[count].user, user) != 0)))
            error = complain_entry(file, at);
        else if (error == 0 && (before_n == 0 || at < before_n))
            count++;
    }
    return error == 0 ? (int)count : error;
}
