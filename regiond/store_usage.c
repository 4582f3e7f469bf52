/* How much each user has in each service, kept with every change, so that a quota needs no scan and
 * a follower that becomes home knows it. */

#include <errno.h>
#include <string.h>

#include "regiond/store_internal.h"

int store_usage_read(struct store_file *file, const char *service, const char *user,
                     struct store_usage *ret_usage)
{
    sqlite3_stmt *statement = store_file_statement(file, STORE_SQL_USAGE_GET);
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, service);
    store_file_bind_text(statement, 2, user);
    code = sqlite3_step(statement);
    *ret_usage = (struct store_usage){0};
    if (code == SQLITE_ROW)
        *ret_usage = (struct store_usage){.keys = store_file_u64(statement, 0),
                                          .bytes = store_file_u64(statement, 1)};
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_file_error(file, code);
}

/* Differences are added modulo 2^64, which is what SQLite's signed numbers do with them. */
static int add(struct store_file *file, enum store_statement index, const Mec__Change *change,
               uint64_t keys, uint64_t bytes)
{
    sqlite3_stmt *statement = store_file_statement(file, index);

    if (!statement)
        return -EIO;
    store_file_bind_text(statement, 1, change->service);
    store_file_bind_text(statement, 2, change->user);
    store_file_bind_u64(statement, 3, keys);
    store_file_bind_u64(statement, 4, bytes);
    return store_file_run(file, statement);
}

int store_usage_change(struct store_file *file, const Mec__Change *change,
                       const struct store_head *head)
{
    uint64_t lives = change->deleted ? 0 : 1;
    uint64_t bytes = lives ? strlen(change->key) + change->value.len : 0;
    uint64_t more_keys = lives - (head->lives ? 1 : 0);
    uint64_t more_bytes = bytes - (head->lives ? head->bytes : 0);
    int error;

    /* A value of the same size is the common case, and then there is no page to write. */
    if (more_keys == 0 && more_bytes == 0)
        return 0;
    error = add(file, STORE_SQL_USAGE_ADD, change, more_keys, more_bytes);
    if (error == 0 && sqlite3_changes(file->db) == 0)
        error = add(file, STORE_SQL_USAGE_PUT, change, more_keys, more_bytes);
    return error;
}

int store_usage_check(struct store_file *file, const struct store_write *write, size_t value_bytes,
                      const struct store_head *head, bool *ret_fits)
{
    uint64_t bytes = strlen(write->key) + value_bytes;
    uint64_t old_bytes = head->lives ? head->bytes : 0;
    struct store_usage usage;
    int error;

    *ret_fits = true;
    if (write->delete || (write->quota_bytes == 0 && write->quota_keys == 0))
        return 0;
    error = store_usage_read(file, write->service, write->user, &usage);
    if (error != 0)
        return error;
    if (write->quota_keys != 0 && !head->lives && usage.keys + 1 > write->quota_keys)
        *ret_fits = false;
    if (write->quota_bytes != 0 && bytes > old_bytes &&
        usage.bytes + (bytes - old_bytes) > write->quota_bytes)
        *ret_fits = false;
    return 0;
}
