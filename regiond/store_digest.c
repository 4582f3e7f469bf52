/* The content digest of a whole copy, some rows at a time; see store.h.
 *
 * Every field goes in with its length before it, or as eight bytes, so that no two different
 * contents feed the same bytes. */

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "regiond/store_internal.h"

struct store_digest {
    struct store_file file;
    crypto_generichash_state state;
    sqlite3_stmt *rows;
    uint64_t records;
    struct store_end end;
    uint8_t result[DIGEST_SIZE];
    bool done;
};

static void add_u64(struct store_digest *digest, uint64_t value)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    crypto_generichash_update(&digest->state, bytes, sizeof(bytes));
}

static void add_row(struct store_digest *digest)
{
    for (int column = 0; column < sqlite3_column_count(digest->rows); column++) {
        if (sqlite3_column_type(digest->rows, column) == SQLITE_INTEGER) {
            add_u64(digest, store_file_u64(digest->rows, column));
            continue;
        }
        const void *data = sqlite3_column_blob(digest->rows, column);
        size_t size = (size_t)sqlite3_column_bytes(digest->rows, column);

        add_u64(digest, size);
        crypto_generichash_update(&digest->state, data, size);
    }
    digest->records++;
}

/* The end is read in the transaction that the rows will be read in. */
static int take_snapshot(struct store_digest *digest)
{
    int code = sqlite3_exec(digest->file.db, "BEGIN", NULL, NULL, NULL);

    if (code != SQLITE_OK) {
        store_file_error(&digest->file, code);
        return -EIO;
    }
    digest->rows = store_file_statement(&digest->file, STORE_SQL_RECORD_SCAN);
    return digest->rows ? store_read_end(&digest->file, &digest->end) : -EIO;
}

int store_digest_begin(const char *path, const char *vfs, struct store_digest **ret_digest)
{
    struct store_digest *digest = memory_alloc(sizeof(*digest));
    int error = store_file_open_reader(&digest->file, path, &store_kind, vfs);

    if (error == 0)
        error = take_snapshot(digest);
    if (error != 0) {
        store_digest_free(digest);
        return error;
    }
    crypto_generichash_init(&digest->state, NULL, 0, DIGEST_SIZE);
    *ret_digest = digest;
    return 0;
}

int store_digest_step(struct store_digest *digest, size_t rows)
{
    assert(!digest->done);
    for (size_t i = 0; i < rows; i++) {
        int code = sqlite3_step(digest->rows);

        if (code == SQLITE_ROW) {
            add_row(digest);
            continue;
        }
        sqlite3_reset(digest->rows);
        if (code != SQLITE_DONE) {
            store_file_error(&digest->file, code);
            return -EIO;
        }
        crypto_generichash_final(&digest->state, digest->result, DIGEST_SIZE);
        digest->done = true;
        return 0;
    }
    return 1;
}

void store_digest_result(const struct store_digest *digest, uint8_t ret_digest[DIGEST_SIZE],
                         struct store_end *ret_end, uint64_t *ret_records)
{
    assert(digest->done);
    memcpy(ret_digest, digest->result, DIGEST_SIZE);
    *ret_end = digest->end;
    *ret_records = digest->records;
}

void store_digest_free(struct store_digest *digest)
{
    if (!digest)
        return;
    store_file_close(&digest->file);
    free(digest);
}
